//! Exact means of linear dynamics: the law stays Gaussian, and mean work and heat are integrals over it.

use nalgebra::{DMatrix, DVector};

use crate::exact::ExactError;
use crate::exact::equilibrium::Quadratic;
use crate::exact::linear::{Gaussian, LinearDynamics};
use crate::model::System;

/// Most time slices; a longer protocol is sampled, at an error of second order in the slice.
const MOST_SLICES: usize = 16_384;

/// Means over the ensemble at the end of the protocol.
#[derive(Clone, Debug)]
pub(super) struct LinearMeans {
    /// Law of the coordinates at the end.
    pub(super) last: Gaussian,
    /// Work done.
    pub(super) work: f64,
    /// Heat given to the bath of each coordinate.
    pub(super) heat: Vec<f64>,
    /// Entropy given to all baths.
    pub(super) medium: f64,
    /// Area enclosed in the plane of each of the pairs.
    pub(super) areas: Vec<f64>,
}

/// Follows the Gaussian law through the protocol table `Λ_0 … Λ_{N+1}`.
pub(super) fn linear_means(
    system: &System,
    start: &Gaussian,
    table: &[Vec<f64>],
    (steps, dt): (usize, f64),
    pairs: &[(u16, u16)],
) -> Result<LinearMeans, ExactError> {
    let stride = steps.div_ceil(MOST_SLICES).max(1);
    let mut means = LinearMeans { last: start.clone(), work: 0.0, heat: vec![0.0; system.dimension()], medium: 0.0, areas: vec![0.0; pairs.len()] };
    let at = |n: usize| -> Vec<f64> { table.iter().map(|values| values[n]).collect() };
    let mut place = 0;
    let mut protocol = at(0);
    let mut slice = None;
    while place < steps {
        let next = (place + stride).min(steps);
        means.move_protocol(system, &mut protocol, at(next))?;
        let length = (next - place) as f64 * dt;
        let current = match slice.take() {
            Some(Slice { protocol: same, length: l, .. }) if same != protocol || l != length => Slice::new(system, &protocol, length)?,
            Some(slice) => slice,
            None => Slice::new(system, &protocol, length)?,
        };
        means.advance(&current, pairs)?;
        slice = Some(current);
        place = next;
    }
    let last = table.first().map_or(steps, |values| values.len() - 1);
    means.move_protocol(system, &mut protocol, at(last))?;
    Ok(means)
}

/// The dynamics over a slice of time at fixed protocol values.
struct Slice {
    protocol: Vec<f64>,
    length: f64,
    dynamics: LinearDynamics,
    half: crate::exact::linear::ExactStep,
    /// `f = constant − stiffness·x` of the drives.
    drive: (DVector<f64>, DMatrix<f64>),
    friction: Vec<f64>,
    temperature: Vec<f64>,
}

impl Slice {
    fn new(system: &System, protocol: &[f64], length: f64) -> Result<Self, ExactError> {
        let d = system.dimension();
        let force = system.linear_force(protocol).ok_or(ExactError::NotQuadratic { difference: f64::NAN })?;
        let origin = vec![0.0; d];
        let friction: Vec<f64> = (0..d).map(|i| system.friction_at(i, &origin, protocol)).collect();
        let temperature: Vec<f64> = (0..d).map(|i| system.temperature_at(i, &origin, protocol)).collect();
        let dynamics = LinearDynamics::new(
            DMatrix::from_fn(d, d, |i, j| force.stiffness[(i, j)] / friction[i]),
            DVector::from_fn(d, |i, _| force.constant[i] / friction[i]),
            DVector::from_fn(d, |i, _| temperature[i] / friction[i]),
        )?;
        let half = dynamics.step(0.5 * length)?;
        let constant = DVector::from_fn(d, |i, _| system.drive(i, &origin, protocol));
        let stiffness = DMatrix::from_fn(d, d, |i, j| {
            let mut unit = origin.clone();
            unit[j] = 1.0;
            constant[i] - system.drive(i, &unit, protocol)
        });
        Ok(Self { protocol: protocol.to_vec(), length, dynamics, half, drive: (constant, stiffness), friction, temperature })
    }

    /// Mean rates of heat and of drive work of each coordinate, `⟨F_i ν_i⟩` and `⟨f_i ν_i⟩`, and `⟨x_i ν_j⟩`; `ν = −A x + a − D ∇ ln p`.
    fn rates(&self, law: &Gaussian) -> (DVector<f64>, DVector<f64>, DMatrix<f64>) {
        let d = self.friction.len();
        let covariance = law.covariance();
        let inverse = covariance.clone().cholesky().map_or_else(|| DMatrix::zeros(d, d), |factor| factor.inverse());
        let drift = &self.dynamics.drift;
        let flow = DMatrix::from_fn(d, d, |i, j| self.dynamics.diffusion[i] * inverse[(i, j)] - drift[(i, j)]);
        let mean_velocity = &self.dynamics.offset - drift * law.mean();
        // ν = mean_velocity + flow·(x − m); a force g − S x then gives ⟨force⟩·mean_velocity − (S C flowᵀ) on the diagonal.
        let correlated = covariance * flow.transpose();
        let force_spread = drift * &correlated;
        let drive_spread = &self.drive.1 * &correlated;
        let drive_mean = &self.drive.0 - &self.drive.1 * law.mean();
        let heat = DVector::from_fn(d, |i, _| self.friction[i] * (mean_velocity[i] * mean_velocity[i] - force_spread[(i, i)]));
        let work = DVector::from_fn(d, |i, _| drive_mean[i] * mean_velocity[i] - drive_spread[(i, i)]);
        (heat, work, correlated + law.mean() * mean_velocity.transpose())
    }
}

impl LinearMeans {
    fn move_protocol(&mut self, system: &System, protocol: &mut Vec<f64>, next: Vec<f64>) -> Result<(), ExactError> {
        if *protocol != next {
            let energy = |values: &[f64]| Quadratic::of(system.dimension(), &|x| system.potential(x, values)).map(|u| u.mean_over(&self.last));
            self.work += energy(&next)? - energy(protocol)?;
            *protocol = next;
        }
        Ok(())
    }

    /// Simpson's rule over the slice.
    fn advance(&mut self, slice: &Slice, pairs: &[(u16, u16)]) -> Result<(), ExactError> {
        let middle = self.last.after(&slice.half)?;
        let end = middle.after(&slice.half)?;
        for (law, weight) in [(&self.last, 1.0), (&middle, 4.0), (&end, 1.0)] {
            let (heat, work, moments) = slice.rates(law);
            let factor = weight * slice.length / 6.0;
            self.heat.iter_mut().zip(heat.iter()).for_each(|(sum, rate)| *sum += factor * rate);
            self.work += factor * work.sum();
            self.medium += factor * heat.iter().zip(&slice.temperature).map(|(rate, temperature)| rate / temperature).sum::<f64>();
            for (area, &(i, j)) in self.areas.iter_mut().zip(pairs) {
                let place = (usize::from(i), usize::from(j));
                *area += 0.5 * factor * (moments[place] - moments[(place.1, place.0)]);
            }
        }
        self.last = end;
        Ok(())
    }
}
