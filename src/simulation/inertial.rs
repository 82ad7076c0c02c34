//! Underdamped dynamics: exact means where forces are linear, and the laws that velocities add.
//!
//! The state is `(x, v)`; its law stays Gaussian, and mean heat to a bath flows at the rate `(γ/m)(m⟨v²⟩ − T)`.

use nalgebra::{DMatrix, DVector};

use super::law::Law;
use super::linear_path::{LinearPath, Slice, dynamics};
use crate::exact::ExactError;
use crate::exact::linear::Gaussian;
use crate::model::System;

/// Exact numbers at the end of the protocol.
pub(super) struct InertialMeans {
    /// Law of coordinates and velocities.
    pub(super) last: Gaussian,
    /// Mean work.
    pub(super) work: f64,
    /// Mean heat given to the bath of each coordinate.
    pub(super) heat: Vec<f64>,
}

/// Means along a path; heat and work of the drives by Simpson's rule over the slices of the protocol. `seen` is shown them at the start and after every slice.
pub(super) fn inertial_means(system: &System, path: &LinearPath, seen: &mut dyn FnMut(f64, &InertialMeans)) -> Result<InertialMeans, ExactError> {
    let mut means = InertialMeans { last: path.laws[0].clone(), work: 0.0, heat: vec![0.0; system.dimension()] };
    seen(0.0, &means);
    for (k, kind) in path.kinds.iter().enumerate() {
        means.work += path.mean_of_move(k);
        let slice = &path.slices[*kind];
        let middle = path.laws[k].after(&slice.half)?;
        for (law, weight) in [(&path.laws[k], 1.0), (&middle, 4.0), (&path.laws[k + 1], 1.0)] {
            let (heat, work) = rates(system, slice, law);
            let factor = weight * path.length / 6.0;
            means.heat.iter_mut().zip(heat).for_each(|(sum, rate)| *sum += factor * rate);
            means.work += factor * work;
        }
        means.last = path.laws[k + 1].clone();
        seen((k + 1) as f64 * path.length, &means);
    }
    means.work += path.mean_of_move(path.kinds.len());
    Ok(means)
}

/// Mean rates of heat to the bath of each coordinate, `(γ/m)(m⟨v²⟩ − T)`, and of the work of all drives, `⟨f·v⟩`.
fn rates(system: &System, slice: &Slice, law: &Gaussian) -> (Vec<f64>, f64) {
    let d = system.dimension();
    let (mean, covariance) = (law.mean(), law.covariance());
    let square = |i: usize, j: usize| covariance[(i, j)] + mean[i] * mean[j];
    let heat = |i: usize| system.friction[i] / system.mass[i] * (system.mass[i] * square(d + i, d + i) - system.temperature[i]);
    let (constant, stiffness) = &slice.drive;
    let work = |i: usize| constant[i] * mean[d + i] - (0..d).map(|j| stiffness[(i, j)] * square(j, d + i)).sum::<f64>();
    ((0..d).map(heat).collect(), (0..d).map(work).sum())
}

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
