//! Overdamped models as Markov chains on grids.

use super::answers::{Answers, Question, Values};
use super::law::Law;
use crate::coordinate::Boundary;
use crate::exact::ExactError;
use crate::exact::extent::extent;
use crate::exact::fokker_planck::{Ends, Numeric};
use crate::exact::mesh::{Axis, Forces, Quantity};
use crate::exact::steady::Steady;
use crate::exact::transient::{Beginning, Transient};
use crate::experiment::Interpretation;
use crate::model::System;
use crate::plan::circulation_pairs;

/// Largest relative error of a value from a grid that is given as exact, and one that is rounding anyway.
const RELIABLE: f64 = 5e-4;
const ROUNDING: f64 = 1e-10;
/// Standard deviations of a Gaussian start that a grid covers, and how often it is made wider.
const REACH: f64 = 8.0;
const MOST_WIDENINGS: usize = 4;

/// Forces and baths of a model at given protocol values, handed to what makes a grid of them.
pub(super) fn with_forces<R>(system: &System, protocol: &[f64], make: impl FnOnce(&Forces<'_>) -> R) -> R {
    make(&Forces {
        potential: &|x| system.potential(x, protocol),
        drive: &|i, x| system.drive(i, x, protocol),
        temperature: &|i, x| system.temperature_at(i, x, protocol),
        diffusion: &|i, x| system.diffusion_at(i, x, protocol),
        thermodynamic: &|i, x| system.medium_force(i, x, protocol),
        spurious: system.interpretation().map_or(0.0, Interpretation::spurious_weight),
    })
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
    let bounded: Vec<Option<Axis>> = system.boundaries.iter().map(|&boundary| boundary.ends().map(|ends| axis(boundary, ends))).collect();
    Some(with_forces(system, protocol, |forces| {
        let axes = extent(&bounded, forces)?;
        Steady::new([axes[0], axes[1]], forces)
    }))
}

/// Two overdamped coordinates some time after they had a law, under forces that do not move; `None` of other models and laws.
fn transient(system: &System, protocol: &[f64], law: &Law, time: f64) -> Option<Result<Transient, ExactError>> {
    if system.dimension() != 2 || system.is_underdamped() {
        return None;
    }
    let reach: Vec<(f64, f64)> = match law {
        Law::Gaussian(law) => {
            (0..2).map(|i| (law.mean()[i], REACH * law.covariance()[(i, i)].sqrt())).map(|(mean, reach)| (mean - reach, mean + reach)).collect()
        }
        Law::Uniform { lower, upper } => lower.iter().copied().zip(upper.iter().copied()).collect(),
        Law::Density(_) | Law::Surface(_) | Law::Thermal { .. } => return None,
    };
    let logarithm = |x: &[f64]| law.ln_pdf(x);
    let beginning = if let Law::Uniform { .. } = law { Beginning::Uniform([reach[0], reach[1]]) } else { Beginning::LogDensity(&logarithm) };
    let bounded: Vec<Option<Axis>> = system.boundaries.iter().map(|&boundary| boundary.ends().map(|ends| axis(boundary, ends))).collect();
    Some(with_forces(system, protocol, |forces| {
        let steady = extent(&bounded, forces)?;
        let mut axes = [0, 1].map(|k| match bounded[k] {
            Some(axis) => axis,
            None => Axis { lower: steady[k].lower.min(reach[k].0), upper: steady[k].upper.max(reach[k].1), ends: Ends::Truncated },
        });
        for _ in 0..MOST_WIDENINGS {
            match Transient::new(axes, forces, beginning, time) {
                Err(ExactError::RangeTooNarrow { lower, upper, .. }) => {
                    axes.iter_mut().filter(|axis| axis.lower == lower && axis.upper == upper).for_each(|axis| {
                        let more = 0.25 * (upper - lower);
                        (axis.lower, axis.upper) = (lower - more, upper + more);
                    })
                }
                found => return found,
            }
        }
        Err(ExactError::RangeTooNarrow { lower: axes[0].lower, upper: axes[0].upper, time })
    }))
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
            answers.parts(medium.value, Some(0.0), medium.value, 0.0, &source(medium.error));
            if medium.value.abs() <= ROUNDING {
                // Without a current the housekeeping of a run is nothing but the error of its time step.
                answers.values.remove("entropy_housekeeping");
            }
        }
        answers
    }

    /// Means of a run of two coordinates under forces that do not move, on the way from a density to the steady state, and the law at its end.
    pub(super) fn on_the_way(&self) -> Answers {
        let mut answers = Answers::default();
        let (Ok(law), true) = (&self.opening.law, self.system.dimension() == 2 && self.opening.relaxation_steps == 0) else { return answers };
        let protocol = crate::plan::protocol_at(self.table, 0);
        let Some(Ok(transient)) = transient(self.system, &protocol, law, self.duration()) else { return answers };
        self.plane_values(&mut answers, &|quantity| transient.sum(quantity), &|quantity| transient.mean(quantity), Some(transient.entropy));
        answers.last = Some(Law::Surface(transient.law));
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
            let system = system.filter(|system| is_settled(*system));
            // Heats of several baths that cancel have the size of one of them.
            let size = all.iter().filter_map(|&i| sum(Quantity::HeatRate(i))).fold(0.0f64, |size, heat| size.max(heat.value.abs()));
            let worst = work.error.max(heat.error).max(medium.error).max(system.map_or(0.0, |system| system.error));
            if is_settled(medium) && worst <= RELIABLE * size.max(work.value.abs()).max(medium.value.abs()) || worst <= ROUNDING {
                answers.ledger(work.value, heat.value, medium.value, system.map(|system| system.value), duration, &source(worst));
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
