//! What is known exactly about underdamped dynamics.

use super::SimulationError;
use super::answers::{Answers, Question};
use super::law::Law;
use crate::density::Density;
use crate::exact::kramers::{KramersRing, Problem};
use crate::exact::relaxing_ring::{Relaxed, Release, relax};
use crate::plan::InitialState;
use crate::thermodynamics::theorems::Start;

impl Question<'_> {
    /// Everything known: by Gaussian moments where forces are linear; in equilibrium at rest.
    pub(super) fn underdamped(&self) -> Result<Answers, SimulationError> {
        match (&self.opening.law, &self.opening.ring) {
            (Ok(Law::Gaussian(start)), _) if self.system.is_linear() => Ok(self.linear(start)?),
            (Ok(law), _) if self.rests() => Ok(self.equilibrium_at_rest(law)),
            (_, Some(ring)) if !self.moves() => Ok(self.steady_ring_with_inertia(ring)),
            _ => Ok(self.relaxing_ring_with_inertia().unwrap_or_default()),
        }
    }

    /// One driven periodic coordinate in its steady state, by the Kramers equation.
    fn steady_ring_with_inertia(&self, ring: &KramersRing) -> Answers {
        let (mass, temperature) = (self.system.mass[0], self.system.temperature[0]);
        let range = self.system.boundaries[0].ends().unwrap_or_default();
        let source = format!("Kramers equation, ±{:.0e}", ring.error.max(1e-12));
        let (name, duration) = (&self.system.names[0], self.duration());
        let mut answers = Answers { current: Some(ring.current), densities: vec![ring.density.clone(); self.plan.schedule.saves()], ..Answers::default() };
        answers.last = Some(Law::Surface(ring.law.clone()));
        let heat = ring.power * duration;
        answers.ledger(heat, heat, heat / temperature, Some(0.0), duration, &source);
        answers.know(format!("displacement.{name}"), ring.velocity * duration, &source);
        answers.know(format!("velocity.{name}"), ring.velocity, &source);
        answers.know(format!("end_velocity.{name}"), ring.velocity, &source);
        answers.know(format!("end_velocity.{name}.variance"), ring.velocity_squared - ring.velocity * ring.velocity, &source);
        answers.know(format!("kinetic_temperature.{name}"), mass * ring.velocity_squared, &source);
        answers.know("kinetic_energy", 0.5 * mass * ring.velocity_squared, &source);
        answers.place(name, &ring.density, Some(range.1 - range.0), &source);
        answers
    }

    /// One periodic coordinate on the way to its steady state, under forces that do not move, from a point or a table with thermal velocities; `None`
    /// of other models and starts, and where the Kramers equation is not resolved.
    fn relaxing_ring_with_inertia(&self) -> Option<Answers> {
        let [boundary] = self.system.boundaries[..] else { return None };
        let (range, period) = (boundary.ends()?, boundary.period()?);
        if self.moves() || !self.system.is_bathed(0) || self.opening.is_unknown() {
            return None;
        }
        let protocol = crate::plan::protocol_at(self.table, 0);
        let (mass, friction, temperature) = (self.system.mass[0], self.system.friction[0], self.system.temperature[0]);
        let density = |x: f64| self.opening.law.as_ref().map_or(f64::NAN, |law| law.ln_pdf(&[x, 0.0])).exp();
        let release = match (&self.opening.initial, &self.opening.law) {
            (InitialState::Point(state), _) => Release::Point(state[0], state[1]),
            (_, Ok(Law::Thermal { positions, .. })) if matches!(**positions, Law::Density(_)) => Release::Thermal(&density),
            _ => return None,
        };
        let force = |x: f64| self.system.force(0, &[x], &protocol);
        let phase = |x: f64| std::f64::consts::TAU * x / period;
        let functions: [&dyn Fn(f64) -> f64; 3] = [&|x| phase(x).cos(), &|x| phase(x).sin(), &|x| self.system.potential(&[x], &protocol)];
        let at = |time: f64| relax(&Problem { range, mass, friction, temperature, force: &force }, release, time, &functions).ok();
        let (start, end) = (at(0.0)?, at(self.duration())?);
        let source = format!("Kramers equation, ±{:.0e}", end.error.max(1e-9));
        let (mut answers, name) = (Answers::default(), &self.system.names[0]);
        let energy = |state: &Relaxed| state.means[2] + 0.5 * mass * state.velocity_squared;
        // Work of a force that is the same everywhere follows from the displacement.
        if self.system.has_uniform_drives() {
            let work = self.system.drive(0, &[range.0], &protocol) * end.displacement;
            let heat = work - (energy(&end) - energy(&start));
            answers.ledger(work, heat, heat / temperature, None, self.duration(), &source);
        }
        answers.know("energy", energy(&end), &source);
        answers.know("kinetic_energy", 0.5 * mass * end.velocity_squared, &source);
        for (kind, value) in [
            ("kinetic_temperature", mass * end.velocity_squared),
            ("end_velocity", end.velocity),
            ("displacement", end.displacement),
            ("velocity", end.displacement / self.duration()),
            ("cosine", end.means[0]),
            ("sine", end.means[1]),
        ] {
            answers.know(format!("{kind}.{name}"), value, &source);
        }
        answers.know(format!("end_velocity.{name}.variance"), end.velocity_squared - end.velocity * end.velocity, &source);
        Some(answers)
    }

    /// In equilibrium, and nothing changes that.
    fn rests(&self) -> bool {
        !self.moves() && self.opening.kind != Start::Other && !self.system.is_driven() && self.system.single_temperature().is_some()
    }

    /// Maxwell velocities, Boltzmann positions, and nothing flows.
    fn equilibrium_at_rest(&self, law: &Law) -> Answers {
        let source = "equilibrium: Maxwell and Boltzmann, to rounding";
        let mut answers = Answers { last: Some(law.clone()), ..Answers::default() };
        answers.ledger(0.0, 0.0, 0.0, Some(0.0), self.duration(), source);
        let mut kinetic = 0.0;
        for (i, name) in self.system.names.iter().enumerate() {
            let temperature = self.system.temperature[i];
            kinetic += 0.5 * temperature;
            answers.know(format!("kinetic_temperature.{name}"), temperature, source);
            answers.know(format!("end_velocity.{name}"), 0.0, source);
            answers.know(format!("end_velocity.{name}.variance"), temperature / self.system.mass[i], source);
            answers.know(format!("displacement.{name}"), 0.0, source);
            answers.know(format!("velocity.{name}"), 0.0, source);
        }
        answers.know("kinetic_energy", kinetic, source);
        if let Law::Thermal { positions, .. } = law
            && let (Law::Density(density), Some(boundary)) = (&**positions, self.system.boundaries.first())
        {
            answers.place(&self.system.names[0], density, boundary.period(), &format!("equilibrium: Boltzmann, ±{:.0e}", straight_error(density)));
            answers.densities = vec![density.clone(); self.plan.schedule.saves()];
        }
        answers
    }
}

/// How much the straight lines between the nodes of a density change the mean of a function no larger than 1: a third of what twice as long ones do.
fn straight_error(density: &Density) -> f64 {
    let every_second = density.values().iter().step_by(2).copied().collect();
    let coarse = Density::new(density.lower(), density.upper(), every_second);
    let place = |node: usize| density.lower() + (density.upper() - density.lower()) * node as f64 / (density.values().len() - 1) as f64;
    let change = |coarse: Density| {
        let differences = density.values().iter().enumerate().map(|(node, value)| (coarse.pdf(place(node)) - value).abs());
        differences.sum::<f64>() * (density.upper() - density.lower()) / density.values().len() as f64
    };
    coarse.map_or(f64::NAN, change) / 3.0
}
