//! What is known exactly about underdamped dynamics.

use super::SimulationError;
use super::answers::{Answers, Question};
use super::inertial::{InertialMeans, inertial_means};
use super::law::Law;
use super::linear_path::{Course, dynamics};
use crate::exact::ExactError;
use crate::exact::kramers::{KramersRing, Problem};
use crate::exact::linear::Gaussian;
use crate::thermodynamics::theorems::Start;

impl Question<'_> {
    /// Everything known: by Gaussian moments where forces are linear; in equilibrium at rest.
    pub(super) fn underdamped(&self) -> Result<Answers, SimulationError> {
        match &self.opening.law {
            Ok(Law::Gaussian(start)) if self.system.is_linear() => self.inertial(start),
            Ok(law) if self.rests() => Ok(self.equilibrium_at_rest(law)),
            _ if self.runs_steadily() => self.steady_ring_with_inertia(),
            _ => Ok(Answers::default()),
        }
    }

    /// One driven periodic coordinate in its steady state.
    fn runs_steadily(&self) -> bool {
        let ring = matches!(self.system.boundaries.as_slice(), [boundary] if boundary.period().is_some());
        ring && self.system.is_bathed(0) && !self.moves() && self.opening.kind == Start::SteadyState
    }

    /// By the Kramers equation; nothing where that is not resolved, as at very low friction.
    fn steady_ring_with_inertia(&self) -> Result<Answers, SimulationError> {
        let protocol = crate::plan::protocol_at(self.table, 0);
        let (mass, friction, temperature) = (self.system.mass[0], self.system.friction[0], self.system.temperature[0]);
        let range = self.system.boundaries[0].ends().unwrap_or_default();
        let force = |x: f64| self.system.force(0, &[x], &protocol);
        let ring = match KramersRing::new(Problem { range, mass, friction, temperature, force: &force }) {
            Ok(ring) => ring,
            Err(ExactError::Unresolved { .. }) => return Ok(Answers::default()),
            Err(error) => return Err(error.into()),
        };
        let source = format!("Kramers equation, ±{:.0e}", ring.error.max(1e-12));
        let (name, duration) = (&self.system.names[0], self.duration());
        let mut answers = Answers { current: Some(ring.current), densities: vec![ring.density.clone(); self.plan.schedule.saves()], ..Answers::default() };
        let heat = ring.power * duration;
        answers.ledger(heat, heat, heat / temperature, Some(0.0), duration, &source);
        answers.know(format!("displacement.{name}"), ring.velocity * duration, &source);
        answers.know(format!("velocity.{name}"), ring.velocity, &source);
        answers.know(format!("end_velocity.{name}"), ring.velocity, &source);
        answers.know(format!("end_velocity.{name}.variance"), ring.velocity_squared - ring.velocity * ring.velocity, &source);
        answers.know(format!("kinetic_temperature.{name}"), mass * ring.velocity_squared, &source);
        answers.know("kinetic_energy", 0.5 * mass * ring.velocity_squared, &source);
        answers.place(name, &ring.density, Some(range.1 - range.0), &source);
        Ok(answers)
    }

    /// In equilibrium, and nothing changes that.
    fn rests(&self) -> bool {
        !self.moves() && self.opening.kind != Start::Other && !self.system.is_driven() && self.system.single_temperature().is_some()
    }

    fn inertial(&self, start: &Gaussian) -> Result<Answers, SimulationError> {
        let (first, last) = self.protocol_ends();
        let protocol = |t: f64| self.experiment.protocol_at(t);
        let course = Course { duration: self.duration(), steps: self.plan.schedule.steps, protocol: &protocol, ends: (&first, &last) };
        let means = inertial_means(self.system, start, course)?;
        let source = "moments of the Gaussian law";
        let d = self.system.dimension();
        let bathed = |i: &usize| self.system.is_bathed(*i);
        let medium: f64 = (0..d).filter(bathed).map(|i| means.heat[i] / self.system.temperature[i]).sum();
        let mut answers = Answers { last: Some(Law::Gaussian(means.last.clone())), ..Answers::default() };
        for bath in self.baths.iter().filter(|_| self.baths.len() > 1) {
            let heat: f64 = bath.coordinates.iter().map(|&i| means.heat[i]).sum();
            answers.know(format!("heat.{}", bath.name), heat, source);
            answers.know(format!("heat_rate.{}", bath.name), heat / self.duration(), source);
        }
        let entropy = means.last.entropy() - start.entropy();
        answers.ledger(means.work, means.heat.iter().sum(), medium, Some(entropy), self.duration(), source);
        for (i, name) in self.system.names.iter().enumerate() {
            let displacement = means.last.mean()[i] - start.mean()[i];
            answers.know(format!("displacement.{name}"), displacement, source);
            answers.know(format!("velocity.{name}"), displacement / self.duration(), source);
        }
        self.inertial_end(&mut answers, &means, source);
        self.linear_memory(dynamics(self.system, &first), &mut answers);
        self.linear_cumulants(start, &mut answers)?;
        Ok(answers)
    }

    /// Moments at the end.
    fn inertial_end(&self, answers: &mut Answers, means: &InertialMeans, source: &str) {
        let d = self.system.dimension();
        let (mean, covariance) = (means.last.mean(), means.last.covariance());
        let mut kinetic = 0.0;
        for (i, name) in self.system.names.iter().enumerate() {
            let v = d + i;
            let square = covariance[(v, v)] + mean[v] * mean[v];
            kinetic += 0.5 * self.system.mass[i] * square;
            answers.know(format!("kinetic_temperature.{name}"), self.system.mass[i] * square, source);
        }
        answers.know("kinetic_energy", kinetic, source);
        answers.places(&self.system.names, &means.last);
    }

    /// Maxwell velocities, Boltzmann positions, and nothing flows.
    fn equilibrium_at_rest(&self, law: &Law) -> Answers {
        let source = "equilibrium: Maxwell and Boltzmann";
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
            answers.place(&self.system.names[0], density, boundary.period(), source);
            answers.densities = vec![density.clone(); self.plan.schedule.saves()];
        }
        answers
    }
}
