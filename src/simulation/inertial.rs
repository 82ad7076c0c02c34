//! Underdamped dynamics: the laws that velocities add.

use nalgebra::{DMatrix, DVector};

use super::law::Law;
use super::linear_path::dynamics;
use crate::exact::ExactError;
use crate::exact::linear::Gaussian;
use crate::model::System;

/// A law of the coordinates with velocities that are thermal, independent and of mean 0.
pub(super) fn thermal(system: &System, positions: Law) -> Law {
    let deviation: Vec<f64> = system.temperature.iter().zip(&system.mass).map(|(temperature, mass)| (temperature / mass).sqrt()).collect();
    let d = deviation.len();
    if let Law::Gaussian(law) = &positions {
        let mean = DVector::from_fn(2 * d, |i, _| if i < d { law.mean()[i] } else { 0.0 });
        let covariance = DMatrix::from_fn(2 * d, 2 * d, |i, j| match (i < d, j < d) {
            (true, true) => law.covariance()[(i, j)],
            (false, false) if i == j => deviation[i - d] * deviation[i - d],
            _ => 0.0,
        });
        if let Ok(whole) = Gaussian::new(mean, covariance) {
            return Law::Gaussian(whole);
        }
    }
    Law::Thermal { positions: Box::new(positions), deviation }
}

/// Stationary law of linear dynamics.
pub(super) fn stationary(system: &System, protocol: &[f64]) -> Result<Gaussian, ExactError> {
    dynamics(system, protocol)?.stationary()
}
