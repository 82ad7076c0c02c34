//! The numbers of the exact linear step.

use nalgebra::{DMatrix, DVector};

use super::PlanError;
use crate::exact::ExactError;
use crate::exact::linear::LinearDynamics;
use crate::model::System;

/// The matrices of the exact step at one stiffness; offset and ledger vector follow from the constant part of the drift.
pub(super) struct LinearMatrices {
    stiffness: DMatrix<f64>,
    /// Friction and temperature of every coordinate.
    bath: Vec<[f64; 2]>,
    propagator: DMatrix<f64>,
    factor: DMatrix<f64>,
    ledger: DMatrix<f64>,
    /// `c = offset · drift`.
    offset: DMatrix<f64>,
    /// `h = vector · drift`.
    vector: DMatrix<f64>,
}

impl LinearMatrices {
    fn new(stiffness: DMatrix<f64>, bath: Vec<[f64; 2]>, dt: f64) -> Result<Self, ExactError> {
        let d = bath.len();
        let drift = DMatrix::from_fn(d, d, |i, j| stiffness[(i, j)] / bath[i][0]);
        let diffusion = DVector::from_fn(d, |i, _| bath[i][1] / bath[i][0]);
        let step_with = |offset: DVector<f64>| LinearDynamics::new(drift.clone(), offset, diffusion.clone())?.step(dt);
        let still = step_with(DVector::zeros(d))?;
        let (mut offset, mut vector) = (DMatrix::zeros(d, d), DMatrix::zeros(d, d));
        for j in 0..d {
            let unit = step_with(DVector::from_fn(d, |i, _| if i == j { 1.0 } else { 0.0 }))?;
            vector.set_column(j, &unit.ledger()?.vector);
            offset.set_column(j, &unit.offset);
        }
        let (factor, ledger) = (still.noise_factor()?, still.ledger()?.matrix);
        Ok(Self { stiffness, bath, propagator: still.propagator, factor, ledger, offset, vector })
    }
}

/// `E`, `L`, `G`, `c`, `h` of a step at given protocol values, in this order; matrices are formed anew only when the stiffness changes.
pub(super) fn linear_entries(system: &System, protocol: &[f64], dt: f64, cached: &mut Option<LinearMatrices>) -> Result<Vec<f64>, PlanError> {
    let Some(force) = system.linear_force(protocol) else { return Ok(Vec::new()) };
    let d = system.dimension();
    let origin = vec![0.0; d];
    let bath: Vec<[f64; 2]> = (0..d).map(|i| [system.friction_at(i, &origin, protocol), system.temperature_at(i, &origin, protocol)]).collect();
    let matrices = match cached.take() {
        Some(matrices) if matrices.stiffness == force.stiffness && matrices.bath == bath => matrices,
        _ => LinearMatrices::new(force.stiffness, bath, dt)?,
    };
    let drift = DVector::from_fn(d, |i, _| force.constant[i] / matrices.bath[i][0]);
    let flat = |matrix: &DMatrix<f64>| (0..d * d).map(|k| matrix[(k / d, k % d)]).collect::<Vec<_>>();
    let (offset, vector) = (&matrices.offset * &drift, &matrices.vector * &drift);
    let entries = [flat(&matrices.propagator), flat(&matrices.factor), flat(&matrices.ledger), offset.as_slice().to_vec(), vector.as_slice().to_vec()].concat();
    *cached = Some(matrices);
    Ok(entries)
}
