//! What is known exactly about an experiment: values of estimates, the law at the end, densities.

use std::collections::BTreeMap;

use super::SimulationError;
use super::courses::Courses;
use super::law::Law;
use super::plane::FieldAnswers;
use super::start::{CELLS, Opening, reduced_potential, ring, ring_of};
use super::surprise::SteadyStates;
use crate::density::Density;
use crate::exact::ExactError;
use crate::exact::fokker_planck::{Bath as Noise, Ends, Numeric, Problem, Snapshot, Start as FokkerPlanckStart, evolve, variances};
use crate::exact::quadrature::{confined_range, integrate};
use crate::exact::ring::Ring;
use crate::experiment::{Experiment, Interpretation};
use crate::expression::Symbol;
use crate::model::System;
use crate::plan::{Boundary, InitialState, Plan, protocol_table};
use crate::random::Stream;
use crate::thermodynamics::observables::Bath;
use crate::thermodynamics::theorems::Start;

/// Exact values and where they come from, by name of the estimate.
pub(super) type Values = BTreeMap<String, (f64, String)>;

/// Cells and time steps of the Fokker–Planck solver.
const SOLVER_CELLS: usize = 1024;
const SOLVER_STEPS: usize = 2048;
/// Relative difference from its limit at which a finite-time diffusion coefficient counts as the limit.
const SETTLED: f64 = 2e-4;
/// Relative error of the method up to which a variance is given.
const SPREAD: f64 = 1e-4;

/// A rate that only rounding keeps from zero.
const NOTHING: f64 = 1e-9;

/// Errors by which a closed form may miss what was computed, and rounding of formulas.
const ERRORS: f64 = 10.0;
const ROUNDING: f64 = 1e-10;

/// Where the scaled cumulant generating function of the medium entropy is listed; symmetric about 1/2.
pub(super) const ALPHAS: [&str; 7] = ["-0.1", "0.1", "0.25", "0.5", "0.75", "0.9", "1.1"];

/// Exact knowledge of a run.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) values: Values,
    /// The law at the end of the run, or why it is not known.
    pub(super) last: Option<Law>,
    /// Density at each save, one coordinate only.
    pub(super) densities: Vec<Density>,
    /// What is known at the saves.
    pub(super) courses: Courses,
    /// Stationary current on a ring.
    pub(super) current: Option<f64>,
    /// What is known of densities and currents on grids.
    pub(super) fields: FieldAnswers,
    /// Variance of the weights of integral theorems, by name of the theorem.
    pub(super) exponential_variances: BTreeMap<String, f64>,
    /// What the ends of exact steps do not show of the variance of sums along the path, by name of the observable.
    pub(super) unseen_variances: BTreeMap<String, f64>,
    /// Absolute errors of values, where they are known as numbers.
    pub(super) errors: BTreeMap<String, f64>,
    /// What is to be said of the answers, such as where a closed form of the file contradicts what was computed.
    pub(super) warnings: Vec<String>,
}

impl Answers {
    /// The closed forms of the file have the last word, with what was computed beside them; a warning where one is farther from that than the errors of both
    /// or, where they are not known as numbers, than a relative `tolerance`.
    pub(super) fn closed_forms(&mut self, experiment: &Experiment, tolerance: f64) {
        for formula in &experiment.exact {
            let value = experiment.graph.evaluate(formula.node, &|symbol| match symbol {
                Symbol::Parameter(i) => experiment.parameters[usize::from(i)].value,
                Symbol::Time => experiment.protocol.duration,
                _ => f64::NAN,
            });
            let Some((computed, source)) = self.values.get(&formula.name) else {
                self.values.insert(formula.name.clone(), (value, format!("{} (file)", formula.text)));
                continue;
            };
            let allowed = match self.errors.get(&formula.name) {
                Some(error) => ERRORS * error + ROUNDING * computed.abs().max(1.0),
                None => tolerance * computed.abs().max(tolerance),
            };
            let beside = if (computed - value).abs() <= allowed {
                format!("{} (file), and {source}", formula.text)
            } else {
                self.warnings.push(format!(
                    "[exact] `{}` is {value:.10} by the formula of the file, but {computed:.10} by {source}: does the formula hold for this start and protocol?",
                    formula.name
                ));
                format!("{} (file), but {computed:.10} by {source}", formula.text)
            };
            self.values.insert(formula.name.clone(), (value, beside));
        }
    }
}

/// What the answers are about.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) system: &'a System,
    pub(super) plan: &'a Plan,
    pub(super) table: &'a [Vec<f64>],
    pub(super) opening: &'a Opening,
    pub(super) baths: &'a [Bath],
    /// Where an open coordinate was seen.
    pub(super) seen: (f64, f64),
    /// The steady states along the protocol, where they are known.
    pub(super) steady: Option<&'a SteadyStates>,
}

impl Question<'_> {
    /// Everything that can be computed.
    pub(super) fn answer(&self) -> Result<Answers, SimulationError> {
        let mut answers = match &self.opening.law {
            _ if self.system.is_underdamped() => self.underdamped()?,
            Ok(Law::Gaussian(start)) if self.system.is_linear() => self.linear(start)?,
            _ if self.system.dimension() == 1 && !self.opening.is_unknown() => self.one_coordinate()?.with(self.long_times()),
            _ => match &self.opening.grid {
                Some(steady) if !self.moves() => self.on_a_plane(steady),
                None if !self.moves() => self.on_the_way(),
                _ => self.on_the_move(),
            },
        };
        // Nothing is known of what is not defined, and one-coordinate solvers know even variables only.
        if self.system.unstated_parity().is_some() || self.system.has_odd_variables() && !self.system.is_linear() {
            answers.values.retain(|name, _| !depends_on_parity(name));
        }
        if !self.moves() && self.opening.kind == Start::SteadyState {
            answers.last = self.opening.law.as_ref().ok().cloned();
        }
        if !self.moves() && self.opening.kind != Start::Other {
            answers.fields = self.fields(answers.current, answers.densities.first());
        }
        Ok(answers)
    }

    pub(super) fn moves(&self) -> bool {
        self.table.iter().any(|values| values.iter().any(|v| *v != values[0]))
    }

    /// Whether no current flows in any steady state along the protocol.
    pub(super) fn is_flowless(&self) -> bool {
        self.steady.is_some_and(|steady| steady.flowless)
    }

    pub(super) fn duration(&self) -> f64 {
        self.experiment.protocol.duration
    }

    fn one_coordinate(&self) -> Result<Answers, SimulationError> {
        let (snapshots, variances) = match self.evolved(&self.saves()) {
            Ok(found) => found,
            // A model without a range of its own (free diffusion) has no grid; it is no error of the run.
            Err(ExactError::NotConfining | ExactError::NotFinite { .. } | ExactError::RangeTooNarrow { .. } | ExactError::Unresolved { .. }) => {
                return Ok(Answers::default());
            }
            Err(error) => return Err(error.into()),
        };
        let mut answers = Answers { densities: snapshots.iter().map(|s| s.density.clone()).collect(), ..Answers::default() };
        let Some(last) = snapshots.last() else { return Ok(answers) };
        let error = last.work().error.max(last.heat.error).max(last.displacement.error);
        let source = format!("Fokker–Planck equation, ±{error:.0e}");
        let entropy = Some(last.entropy_system.value).filter(|s| s.is_finite());
        answers.last = Some(Law::Density(last.density.clone()));
        answers.ledger(last.work().value, last.heat.value, last.entropy_medium.value, entropy, self.duration(), &source);
        answers.know("energy", last.energy.value, &source);
        let flowless = self.is_flowless();
        let keeping = if flowless { 0.0 } else { last.entropy_housekeeping.value };
        answers.parts(last.entropy_medium.value, entropy, keeping, last.hatano_sasa.value, &source);
        if !flowless && keeping.abs() <= NOTHING {
            // Where a current could flow but does not, the housekeeping of a run is nothing but the error of its time step, and is compared with nothing.
            answers.values.remove("entropy_housekeeping");
        }
        let name = &self.system.names[0];
        answers.know(format!("displacement.{name}"), last.displacement.value, &source);
        answers.know(format!("displacement.{name}.variance"), last.displacement_variance.value, &source);
        answers.know(format!("velocity.{name}"), last.displacement.value / self.duration(), &source);
        for (name, found) in variances.iter().filter(|(_, found)| found.error <= SPREAD * found.value) {
            answers.know(format!("{name}.variance"), found.value, &format!("Fokker–Planck equation, ±{:.0e}", found.error));
        }
        answers.place(name, &last.density, self.system.boundaries[0].period(), &source);
        answers.errors = answers.values.keys().map(|name| (name.clone(), error)).collect();
        answers.errors.extend(variances.iter().map(|(name, found)| (format!("{name}.variance"), found.error)));
        if let Some(ring) = ring(self.system, &crate::plan::protocol_at(self.table, 0))?.filter(|_| !self.moves() && self.opening.kind == Start::SteadyState) {
            self.steady_ring(&mut answers, &ring, &snapshots);
        }
        self.courses_of_one(&snapshots, &mut answers);
        Ok(answers)
    }

    /// Closed forms of the stationary ring replace what the solver found.
    fn steady_ring(&self, answers: &mut Answers, ring: &Ring, snapshots: &[Snapshot]) {
        let (name, duration) = (&self.system.names[0], self.duration());
        let coarse = ring_of(self.system, &crate::plan::protocol_at(self.table, 0), CELLS / 2).ok().flatten();
        let numbers = |ring: &Ring| [ring.velocity, ring.entropy_production_rate, ring.effective_diffusion];
        let change = coarse.map_or(f64::NAN, |coarse| {
            let pairs = numbers(ring).into_iter().zip(numbers(&coarse));
            pairs.filter(|(fine, coarse)| fine != coarse).map(|(fine, coarse)| (fine - coarse).abs() / fine.abs().max(NOTHING)).fold(0.0, f64::max)
        });
        let source = &format!("quadrature on the ring, ±{:.0e} of the value", change.max(f64::EPSILON));
        let medium = ring.entropy_production_rate * duration;
        let given = if self.system.bath_varies() {
            let protocol = crate::plan::protocol_at(self.table, 0);
            let (lower, upper) = self.system.boundaries[0].ends().unwrap_or_default();
            ring.current * integrate(lower, upper, 4096, &|x| self.system.drive(0, &[x], &protocol)) * duration
        } else {
            medium * self.system.temperature[0]
        };
        answers.ledger(given, given, medium, Some(0.0), duration, source);
        answers.parts(medium, Some(0.0), medium, 0.0, source);
        answers.know(format!("displacement.{name}"), ring.velocity * duration, source);
        answers.know(format!("velocity.{name}"), ring.velocity, source);
        answers.current = Some(ring.current);
        let middle = 0.5 * duration;
        if let (Some(early), Some(late)) = (snapshots.iter().rfind(|s| s.time <= middle), snapshots.last())
            && late.time > early.time
        {
            let growth = (late.displacement_variance.value - early.displacement_variance.value) / (2.0 * (late.time - early.time));
            if (growth / ring.effective_diffusion - 1.0).abs() <= SETTLED {
                answers.know(format!("diffusion.{name}"), ring.effective_diffusion, source);
            }
        }
    }

    fn evolved(&self, times: &[f64]) -> Result<Evolved, ExactError> {
        let density = |x: f64| self.opening.law.as_ref().map_or(f64::NEG_INFINITY, |law| law.ln_pdf(&[x]));
        let initial = match (&self.opening.initial, &self.opening.law) {
            (InitialState::Point(point), _) => FokkerPlanckStart::Point(point[0]),
            (InitialState::Uniform { lower, upper }, _) => FokkerPlanckStart::Uniform(lower[0], upper[0]),
            _ => FokkerPlanckStart::LogDensity(&density),
        };
        evolve_one_coordinate(
            self.experiment,
            self.system,
            initial,
            times,
            self.range()?,
            SolverSize { cells: SOLVER_CELLS, time_steps: SOLVER_STEPS, variances: true },
        )
    }

    /// The range of a bounded coordinate; of an open one, where equilibrium or the trajectories have weight at any time.
    pub(super) fn range(&self) -> Result<(f64, f64), ExactError> {
        if let Some(ends) = self.system.boundaries[0].ends() {
            return Ok(ends);
        }
        const MOMENTS: u32 = 32;
        let (mut lower, mut upper) = self.seen;
        for moment in 0..=MOMENTS {
            let protocol = self.experiment.protocol_at(self.duration() * f64::from(moment) / f64::from(MOMENTS));
            let (low, high) = if self.system.bath_varies() {
                confined_range(&reduced_potential(self.system, &protocol), 1.0)?
            } else {
                confined_range(&|x| self.system.potential(&[x], &protocol), self.system.temperature[0])?
            };
            (lower, upper) = (lower.min(low), upper.max(high));
        }
        Ok((lower, upper))
    }
}

/// Whether what an estimate is depends on the parity of variables.
pub(super) fn depends_on_parity(name: &str) -> bool {
    let state = ["entropy_system", "energy_change"].iter().any(|of_state| name.starts_with(of_state));
    !state
        && (["work", "heat", "entropy", "scgf", "tur_product"].iter().any(|kind| name.starts_with(kind))
            || [".entropy_medium", ".heat"].iter().any(|kind| name.contains(kind)))
}

/// How finely the Fokker–Planck equation is solved.
#[derive(Clone, Copy)]
pub(super) struct SolverSize {
    pub(super) cells: usize,
    pub(super) time_steps: usize,
    /// Whether variances of sums along the way are wanted.
    pub(super) variances: bool,
}

/// What the Fokker–Planck equation says: means at the times asked for, and variances at the last of them, by name.
pub(super) type Evolved = (Vec<Snapshot>, Vec<(&'static str, Numeric)>);

/// Solves the Fokker–Planck equation of the one coordinate of a model under its protocol; the range of an open one is widened where it is too narrow.
pub(super) fn evolve_one_coordinate(
    experiment: &Experiment,
    system: &System,
    initial: FokkerPlanckStart<'_>,
    times: &[f64],
    mut range: (f64, f64),
    size: SolverSize,
) -> Result<Evolved, ExactError> {
    let ends = match system.boundaries[0] {
        Boundary::Open => Ends::Truncated,
        Boundary::Periodic { .. } => Ends::Periodic,
        Boundary::Walls { .. } => Ends::Walls,
    };
    // The solver asks for all places at one time, then goes on to the next.
    let known = std::cell::RefCell::new((f64::NAN, Vec::new()));
    let protocol = |t: f64| -> std::cell::Ref<'_, [f64]> {
        if known.borrow().0 != t {
            *known.borrow_mut() = (t, experiment.protocol_at(t));
        }
        std::cell::Ref::map(known.borrow(), |(_, values)| values.as_slice())
    };
    let temperature = |x: f64, t: f64| system.temperature_at(0, &[x], &protocol(t));
    let diffusion = |x: f64, t: f64| system.diffusion_at(0, &[x], &protocol(t));
    let spurious = system.interpretation().map_or(0.0, Interpretation::spurious_weight);
    let table = protocol_table(experiment, Stream::Forward);
    for _ in 0..4 {
        let problem = Problem {
            lower: range.0,
            upper: range.1,
            ends,
            bath: if system.bath_varies() {
                Noise::Varying { temperature: &temperature, diffusion: &diffusion, spurious }
            } else {
                Noise::Uniform { friction: system.friction[0], temperature: system.temperature[0] }
            },
            potential: &|x, t| system.potential(&[x], &protocol(t)),
            drive: &|x, t| system.drive(0, &[x], &protocol(t)),
            moving: table.iter().any(|values| values.iter().any(|v| *v != values[0])),
            initial,
            start: 0.0,
            saves: times,
            breaks: &experiment.protocol.breaks(),
            cells: size.cells,
            time_steps: size.time_steps,
        };
        match evolve(&problem) {
            Err(ExactError::RangeTooNarrow { lower, upper, .. }) => range = (lower - 0.25 * (upper - lower), upper + 0.25 * (upper - lower)),
            Ok(snapshots) if size.variances => {
                let coarser = Problem { cells: size.cells / 2, time_steps: size.time_steps / 4, ..problem };
                return Ok((snapshots, variances(&coarser)?));
            }
            answer => return Ok((answer?, Vec::new())),
        }
    }
    Err(ExactError::RangeTooNarrow { lower: range.0, upper: range.1, time: experiment.protocol.duration })
}

impl Answers {
    /// With more values.
    fn with(mut self, more: Values) -> Self {
        self.values.extend(more);
        self
    }

    pub(super) fn know(&mut self, name: impl Into<String>, value: f64, source: &str) {
        self.values.insert(name.into(), (value, source.to_owned()));
    }

    /// Where one coordinate of a known density is; one that comes round has a phase, measured from the origin.
    pub(super) fn place(&mut self, name: &str, density: &Density, period: Option<f64>, source: &str) {
        if let Some(period) = period {
            let phase = |x: f64| std::f64::consts::TAU * x / period;
            self.know(format!("cosine.{name}"), density.mean_of(&|x| phase(x).cos()), source);
            self.know(format!("sine.{name}"), density.mean_of(&|x| phase(x).sin()), source);
        } else {
            let mean = density.mean_of(&|x| x);
            self.know(format!("end_position.{name}"), mean, source);
            self.know(format!("end_position.{name}.variance"), density.mean_of(&|x| (x - mean) * (x - mean)), source);
        }
    }

    /// The parts of the entropy in the mean.
    pub(super) fn parts(&mut self, medium: f64, system: Option<f64>, housekeeping: f64, moves: f64, source: &str) {
        // A difference that only rounding keeps from zero.
        let housekeeping = if housekeeping.abs() <= 1e-9 * (1.0 + medium.abs()) { 0.0 } else { housekeeping };
        let excess = medium - housekeeping;
        self.know("entropy_housekeeping", housekeeping, source);
        self.know("entropy_excess", excess, source);
        self.know("hatano_sasa", moves, source);
        if let Some(system) = system {
            self.know("entropy_nonadiabatic", system + excess, source);
        }
    }

    /// First and second law in the mean.
    pub(super) fn ledger(&mut self, work: f64, heat: f64, medium: f64, system: Option<f64>, duration: f64, source: &str) {
        self.know("work", work, source);
        self.know("heat", heat, source);
        self.know("energy_change", work - heat, source);
        self.know("entropy_medium", medium, source);
        if let Some(system) = system {
            self.know("entropy_system", system, source);
            self.know("entropy_total", medium + system, source);
            self.know("entropy_production_rate", (medium + system) / duration, source);
        }
    }
}

/// Bin averages of a density.
pub(super) fn bin_averages(density: &Density, edges: &[f64]) -> Vec<f64> {
    edges.windows(2).map(|pair| (density.cdf(pair[1]) - density.cdf(pair[0])) / (pair[1] - pair[0])).collect()
}
