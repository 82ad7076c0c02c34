//! Overdamped models as Markov chains on grids.

use super::answers::Values;
use crate::coordinate::Boundary;
use crate::exact::fokker_planck::{Ends, Numeric};
use crate::exact::mesh::{Axis, Forces};
use crate::experiment::Interpretation;
use crate::model::System;

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

/// Notes a value from grids with its error, unless the grids leave it open.
pub(super) fn note(values: &mut Values, name: String, found: Numeric) {
    let settled = found.error <= RELIABLE * found.value.abs() || found.error <= ROUNDING;
    if found.value.is_finite() && settled {
        values.insert(name, (found.value, format!("Fokker–Planck equation on grids, ±{:.0e}", found.error.max(1e-15))));
    }
}
