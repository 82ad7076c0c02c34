//! Overdamped models as Markov chains on grids.

use super::answers::{Answers, Question, Values};
use crate::coordinate::Boundary;
use crate::exact::ExactError;
use crate::exact::extent::extent;
use crate::exact::fokker_planck::{Ends, Numeric};
use crate::exact::mesh::{Axis, Forces, Quantity};
use crate::exact::steady::Steady;
use crate::experiment::Interpretation;
use crate::model::System;
use crate::plan::circulation_pairs;

/// Largest relative error of a value from a grid that is given as exact, and one that is rounding anyway.
const RELIABLE: f64 = 1e-4;
const ROUNDING: f64 = 1e-10;

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
        let (mut answers, duration) = (Answers::default(), self.duration());
        let mean = |quantity: Quantity| steady.mean(quantity).unwrap_or(Numeric { value: f64::NAN, error: f64::NAN });
        let over_run = |rate: Numeric| Numeric { value: rate.value * duration, error: rate.error * duration };
        let (work, medium) = (over_run(mean(Quantity::WorkRate)), over_run(mean(Quantity::EntropyRate)));
        if is_settled(work) && is_settled(medium) {
            let source = source(work.error.max(medium.error));
            answers.ledger(work.value, work.value, medium.value, Some(0.0), duration, &source);
            answers.parts(medium.value, Some(0.0), medium.value, 0.0, &source);
            if medium.value.abs() <= ROUNDING {
                // Without a current the housekeeping of a run is nothing but the error of its time step.
                answers.values.remove("entropy_housekeeping");
            }
        }
        let values = &mut answers.values;
        note(values, "energy".to_owned(), mean(Quantity::Energy));
        for bath in self.baths.iter().filter(|_| self.baths.len() > 1) {
            let heats = bath.coordinates.iter().map(|&i| mean(Quantity::HeatRate(i)));
            let rate = heats.fold(Numeric::default(), |sum, heat| Numeric { value: sum.value + heat.value, error: sum.error + heat.error });
            note(values, format!("heat_rate.{}", bath.name), rate);
            note(values, format!("heat.{}", bath.name), over_run(rate));
        }
        for &(i, j) in &circulation_pairs(&self.plan.coordinates) {
            note(values, format!("circulation.{}.{}", self.system.names[usize::from(i)], self.system.names[usize::from(j)]), mean(Quantity::Circulation));
        }
        for (i, name) in self.system.names.iter().enumerate() {
            note(values, format!("velocity.{name}"), mean(Quantity::Velocity(i)));
            note(values, format!("displacement.{name}"), over_run(mean(Quantity::Velocity(i))));
            if self.system.boundaries[i].period().is_none() {
                note(values, format!("mean.{name}"), mean(Quantity::Mean(i)));
                note(values, format!("variance.{name}"), mean(Quantity::Covariance(i, i)));
            }
        }
        answers
    }
}
