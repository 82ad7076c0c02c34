//! Overdamped models as Markov chains on grids.

use super::answers::{Answers, Question, Values};
use super::law::Law;
use super::start::Opening;
use super::surprise::Moves;
use super::surprise_plane::{PlaneAlong, rectangle};
use crate::coordinate::Boundary;
use crate::exact::ExactError;
use crate::exact::equilibrium::Equilibrium;
use crate::exact::extent::extent;
use crate::exact::fokker_planck::{Ends, Numeric};
use crate::exact::mesh::{Axis, Forces, Quantity};
use crate::exact::moving::{Course, Moving};
use crate::exact::spline::Spline;
use crate::exact::steady::Steady;
use crate::exact::surprise_plane::SurprisePlane;
use crate::exact::transient::{Beginning, Transient};
use crate::experiment::Interpretation;
use crate::model::System;
use crate::plan::{InitialState, circulation_pairs, protocol_at};
use crate::surface::Surface;
use crate::thermodynamics::theorems::Start;

/// Largest relative error of a value from a grid that is given as exact, and one that is rounding anyway.
const RELIABLE: f64 = 5e-4;
const ROUNDING: f64 = 1e-10;
/// Cells of the smooth law at the start.
const START_CELLS: usize = 96;
/// How many ranges are tried, each wider than the one before.
const MOST_WIDENINGS: usize = 4;

/// Logarithm of a density, up to a constant.
type Logarithm<'a> = Box<dyn Fn(&[f64]) -> f64 + 'a>;

/// Forces and baths of a model at given protocol values, handed to what makes a grid of them.
pub(super) fn with_forces<R>(system: &System, protocol: &[f64], make: impl FnOnce(&Forces<'_>) -> R) -> R {
    make(&Forces {
        potential: &|x| system.potential(x, protocol),
        drive: &|i, x| system.drive(i, x, protocol),
        temperature: &|i, x| system.temperature_at(i, x, protocol),
        diffusion: &|i, x| system.diffusion_at(i, x, protocol),
        thermodynamic: &|i, x| system.medium_force(i, x, protocol),
        spurious: system.interpretation().map_or(0.0, Interpretation::spurious_weight),
        boltzmann: system.canonical(protocol).ok().filter(|_| !system.is_driven()),
    })
}

/// The same of the potential alone, at one temperature.
fn with_potential<R>(system: &System, protocol: &[f64], temperature: f64, make: impl FnOnce(&Forces<'_>) -> R) -> R {
    make(&Forces {
        potential: &|x| system.potential(x, protocol),
        drive: &|_, _| 0.0,
        temperature: &|_, _| temperature,
        diffusion: &|_, _| temperature,
        thermodynamic: &|i, x| (system.force(i, x, protocol) - system.drive(i, x, protocol)) / temperature,
        spurious: 0.0,
        boltzmann: Some(temperature),
    })
}

/// The equilibrium of two coordinates in their potential at given protocol values, whatever else acts on them.
pub(super) fn plane_equilibrium(system: &System, protocol: &[f64], temperature: f64) -> Result<Equilibrium<Surface>, ExactError> {
    let axes = with_potential(system, protocol, temperature, |forces| extent(&bounded(system), forces))?;
    let ranges = [0, 1].map(|k| (axes[k].lower, axes[k].upper));
    Equilibrium::plane(ranges, temperature, &|x| system.potential(x, protocol))
}

/// Ranges of bounded coordinates.
pub(super) fn bounded(system: &System) -> Vec<Option<Axis>> {
    system.boundaries.iter().map(|&boundary| boundary.ends().map(|ends| axis(boundary, ends))).collect()
}

/// A coordinate of a grid over a range; of a bounded coordinate, its own.
pub(super) fn axis(boundary: Boundary, (lower, upper): (f64, f64)) -> Axis {
    let ends = match boundary {
        Boundary::Open => Ends::Truncated,
        Boundary::Periodic { .. } => Ends::Periodic,
        Boundary::Walls { .. } => Ends::Walls,
    };
    Axis { lower, upper, ends }
}

/// The steady state of two overdamped coordinates at given protocol values; `None` of other models.
pub(super) fn steady_plane(system: &System, protocol: &[f64]) -> Option<Result<Steady, ExactError>> {
    if system.dimension() != 2 || system.is_underdamped() {
        return None;
    }
    Some(with_forces(system, protocol, |forces| {
        let axes = extent(&bounded(system), forces)?;
        Steady::new([axes[0], axes[1]], forces)
    }))
}

/// What two coordinates start from: a law, or a place.
fn beginning<'a>(opening: &Opening, logarithm: &'a dyn Fn(&[f64]) -> f64) -> Option<Beginning<'a>> {
    match (&opening.law, &opening.initial) {
        (Ok(Law::Gaussian(_) | Law::Surface(_)), _) => Some(Beginning::LogDensity(logarithm)),
        (Ok(Law::Uniform { lower, upper }), _) => Some(Beginning::Uniform([(lower[0], upper[0]), (lower[1], upper[1])])),
        (Err(_), InitialState::Point(point)) => Some(Beginning::Point([point[0], point[1]])),
        _ => None,
    }
}

/// Tries wider and wider open ranges, as long as the law reaches their ends.
fn widening<T>(mut axes: [Axis; 2], solve: &mut dyn FnMut([Axis; 2]) -> Result<T, ExactError>) -> Result<T, ExactError> {
    let mut found = solve(axes);
    for _ in 1..MOST_WIDENINGS {
        let Err(ExactError::RangeTooNarrow { lower, upper, .. }) = found else { break };
        axes.iter_mut().filter(|axis| axis.lower == lower && axis.upper == upper).for_each(|axis| {
            let more = 0.25 * (upper - lower);
            (axis.lower, axis.upper) = (lower - more, upper + more);
        });
        found = solve(axes);
    }
    found
}

/// Where a number from grids comes from.
fn source(error: f64) -> String {
    format!("Fokker–Planck equation on grids, ±{:.0e}", error.max(1e-15))
}

fn is_settled(found: Numeric) -> bool {
    found.value.is_finite() && (found.error <= RELIABLE * found.value.abs() || found.error <= ROUNDING)
}

/// Notes a value from grids with its error, unless the grids leave it open.
pub(super) fn note(values: &mut Values, name: String, found: Numeric) {
    if is_settled(found) {
        values.insert(name, (found.value, source(found.error)));
    }
}

impl Question<'_> {
    /// Means of a run that starts in the steady state of two coordinates and stays there.
    pub(super) fn on_a_plane(&self, steady: &Steady) -> Answers {
        let (mut answers, duration) = (Answers { last: Some(Law::Surface(steady.law.clone())), ..Answers::default() }, self.duration());
        let mean = |quantity: Quantity| steady.mean(quantity);
        let sum = |quantity: Quantity| mean(quantity).map(|rate| Numeric { value: rate.value * duration, error: rate.error * duration });
        self.plane_values(&mut answers, &sum, &mean, Some(Numeric::default()));
        if let Some(medium) = sum(Quantity::EntropyRate).filter(|medium| is_settled(*medium)) {
            let keeping = if self.is_flowless() { 0.0 } else { medium.value };
            answers.parts(medium.value, Some(0.0), keeping, 0.0, &source(medium.error));
            if !self.is_flowless() && medium.value.abs() <= ROUNDING {
                // Where a current could flow but does not, the housekeeping of a run is nothing but the error of its time step.
                answers.values.remove("entropy_housekeeping");
            }
        }
        answers
    }

    /// The table of two coordinates.
    fn plane(&self) -> Option<&PlaneAlong> {
        self.steady.and_then(|steady| steady.plane.as_deref())
    }

    /// Logarithm of the density at the start, up to a constant: Boltzmann's where it is that, or as smooth as it is known.
    fn logarithm_at_start(&self, axes: [Axis; 2]) -> Logarithm<'_> {
        let protocol = protocol_at(self.table, 0);
        let conservative = self.opening.kind == Start::Equilibrium || self.opening.kind == Start::SteadyState && !self.system.is_driven();
        if let (true, Ok(temperature)) = (conservative, self.system.canonical(&protocol)) {
            return Box::new(move |x| -self.system.potential(x, &protocol) / temperature);
        }
        if self.opening.grid.is_some() {
            let surprise = match self.plane() {
                Some(plane) => Some(plane.spline(0.0, &protocol)),
                None => with_forces(self.system, &protocol, |forces| SurprisePlane::new(&axes, forces, START_CELLS)).ok().map(|found| found.spline),
            };
            if let Some(surprise) = surprise {
                return Box::new(move |x| -surprise.at([x[0], x[1]]));
            }
        }
        Box::new(|x| self.opening.law.as_ref().map_or(f64::NAN, |law| law.ln_pdf(x)))
    }

    /// A rectangle for two coordinates; `None` of other models and starts.
    fn rectangle(&self) -> Option<[Axis; 2]> {
        if self.system.dimension() != 2 || self.system.is_underdamped() || self.opening.is_unknown() {
            return None;
        }
        self.plane().map(|plane| plane.axes).or_else(|| rectangle(self.system, self.table, &self.opening.initial).ok())
    }

    /// Means of a run of two coordinates under forces that do not move, on the way from a start to the steady state, and the law at its end.
    pub(super) fn on_the_way(&self) -> Answers {
        let mut answers = Answers::default();
        let Some(axes) = self.rectangle() else { return answers };
        let logarithm = self.logarithm_at_start(axes);
        let Some(beginning) = beginning(self.opening, &*logarithm) else { return answers };
        let protocol = protocol_at(self.table, 0);
        let found = with_forces(self.system, &protocol, |forces| widening(axes, &mut |axes| Transient::new(axes, forces, beginning, self.duration())));
        let Ok(transient) = found else { return answers };
        self.plane_values(&mut answers, &|quantity| transient.sum(quantity), &|quantity| transient.mean(quantity), Some(transient.entropy));
        answers.last = Some(Law::Surface(transient.law));
        answers
    }

    /// The same under a protocol that moves, with Hatano and Sasa's sum and the parts of the entropy.
    pub(super) fn on_the_move(&self) -> Answers {
        let mut answers = Answers::default();
        let Some(axes) = self.rectangle() else { return answers };
        let logarithm = self.logarithm_at_start(axes);
        let Some(beginning) = beginning(self.opening, &*logarithm) else { return answers };
        let surprise = self.plane().map(|plane| move |time: f64| plane.spline(time, &self.experiment.protocol_at(time)));
        let course = Course {
            axes,
            forces: &|time, act| with_forces(self.system, &self.experiment.protocol_at(time), |forces| act(forces)),
            beginning,
            duration: self.duration(),
            breaks: &self.experiment.protocol.breaks(),
            surprise: surprise.as_ref().map(|surprise| surprise as &dyn Fn(f64) -> Spline),
        };
        let Ok(moving) = widening(axes, &mut |axes| Moving::new(&Course { axes, ..course })) else { return answers };
        let sum = |quantity: Quantity| match quantity {
            Quantity::WorkRate => moving.sum(quantity).map(|work| work.plus(moving.protocol_work)),
            _ => moving.sum(quantity),
        };
        self.plane_values(&mut answers, &sum, &|quantity| moving.mean(quantity), Some(moving.entropy));
        // What is split has the size of the whole.
        let size = moving.excess.value.abs().max(moving.housekeeping.value.abs());
        let parts = [
            ("hatano_sasa", moving.hatano_sasa),
            ("entropy_excess", moving.excess),
            ("entropy_housekeeping", moving.housekeeping),
            ("entropy_nonadiabatic", moving.nonadiabatic),
        ];
        for (name, found) in parts.into_iter().filter(|(_, found)| found.error <= RELIABLE * size) {
            answers.know(name, found.value, &source(found.error));
        }
        if let Some(Moves::Work(coldness, free_energy)) = self.steady.map(|steady| &steady.moves)
            && let (Some((work, source)), Some((medium, _))) = (answers.values.get("work").cloned(), answers.values.get("entropy_medium").cloned())
        {
            let system = answers.values.get("entropy_system").map(|(system, _)| *system);
            answers.parts(medium, system, 0.0, coldness * (work - free_energy), &source);
        }
        answers.last = Some(Law::Surface(moving.law));
        answers
    }

    /// What sums over the run, means at its end and the change of the system's entropy say.
    fn plane_values(
        &self,
        answers: &mut Answers,
        sum: &dyn Fn(Quantity) -> Option<Numeric>,
        mean: &dyn Fn(Quantity) -> Option<Numeric>,
        system: Option<Numeric>,
    ) {
        let duration = self.duration();
        let rate = |found: Numeric| Numeric { value: found.value / duration, error: found.error / duration };
        let heat_of = |coordinates: &[usize]| {
            coordinates.iter().try_fold(Numeric::default(), |total, &i| {
                let heat = sum(Quantity::HeatRate(i))?;
                Some(Numeric { value: total.value + heat.value, error: total.error + heat.error })
            })
        };
        let all: Vec<usize> = (0..self.system.dimension()).collect();
        if let (Some(work), Some(heat), Some(medium)) = (sum(Quantity::WorkRate), heat_of(&all), sum(Quantity::EntropyRate)) {
            // Heats of several baths that cancel have the size of one of them.
            let size = all.iter().filter_map(|&i| sum(Quantity::HeatRate(i))).fold(0.0f64, |size, heat| size.max(heat.value.abs()));
            let most = ROUNDING.max(RELIABLE * size.max(work.value.abs()).max(medium.value.abs()));
            let system = system.filter(|system| system.value.is_finite() && system.error <= most);
            let worst = work.error.max(heat.error).max(medium.error).max(system.map_or(0.0, |system| system.error));
            if worst <= most {
                answers.ledger(work.value, heat.value, medium.value, system.map(|system| system.value), duration, &source(worst));
            } else {
                note(&mut answers.values, "work".to_owned(), work);
                note(&mut answers.values, "heat".to_owned(), heat);
                note(&mut answers.values, "entropy_medium".to_owned(), medium);
            }
        }
        let values = &mut answers.values;
        let mut put = |name: String, found: Option<Numeric>| found.into_iter().for_each(|found| note(values, name.clone(), found));
        put("energy".to_owned(), mean(Quantity::Energy));
        put("energy.variance".to_owned(), mean(Quantity::EnergyVariance));
        for bath in self.baths.iter().filter(|_| self.baths.len() > 1) {
            put(format!("heat.{}", bath.name), heat_of(&bath.coordinates));
            put(format!("heat_rate.{}", bath.name), heat_of(&bath.coordinates).map(rate));
        }
        let names = &self.system.names;
        for &(i, j) in &circulation_pairs(&self.plan.coordinates) {
            put(format!("circulation.{}.{}", names[usize::from(i)], names[usize::from(j)]), sum(Quantity::Circulation).map(rate));
        }
        let comes_round = |i: usize| self.system.boundaries[i].period().is_some();
        for (i, name) in names.iter().enumerate() {
            put(format!("displacement.{name}"), sum(Quantity::Velocity(i)));
            put(format!("velocity.{name}"), sum(Quantity::Velocity(i)).map(rate));
            if comes_round(i) {
                put(format!("cosine.{name}"), mean(Quantity::Cosine(i)));
                put(format!("sine.{name}"), mean(Quantity::Sine(i)));
            } else {
                put(format!("end_position.{name}"), mean(Quantity::Mean(i)));
                put(format!("end_position.{name}.variance"), mean(Quantity::Covariance(i, i)));
            }
        }
        if let [first, second] = &names[..]
            && !comes_round(0)
            && !comes_round(1)
        {
            put(format!("covariance.{first}.{second}"), mean(Quantity::Covariance(0, 1)));
        }
    }
}
