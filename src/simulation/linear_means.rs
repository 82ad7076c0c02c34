//! Mean heat, entropy and areas along the path of a Gaussian law: integrals over it, by trapezoids on every slice.

use nalgebra::{DMatrix, DVector};

use super::linear_path::{LinearPath, Slice, energy};
use crate::exact::ExactError;
use crate::exact::linear::Gaussian;
use crate::model::{LinearForce, System};

/// Means over the ensemble at the end of the protocol.
#[derive(Clone, Debug)]
pub(super) struct LinearMeans {
    /// Work done.
    pub(super) work: f64,
    /// Heat given to the bath of each coordinate.
    pub(super) heat: Vec<f64>,
    /// Entropy given to all baths.
    pub(super) medium: f64,
    /// Area enclosed in the plane of each of the pairs.
    pub(super) areas: Vec<f64>,
}

/// Means along a path; work closes the first law. `seen` is told how long it took, heats and entropy, and the law, at the start and after every slice.
pub(super) fn linear_means(
    system: &System,
    path: &LinearPath,
    pairs: &[(u16, u16)],
    seen: &mut dyn FnMut(f64, &LinearMeans, &Gaussian) -> Result<(), ExactError>,
) -> Result<LinearMeans, ExactError> {
    let mut time = 0.0;
    let mut means = LinearMeans { work: 0.0, heat: vec![0.0; system.dimension()], medium: 0.0, areas: vec![0.0; pairs.len()] };
    let mut rates = (usize::MAX, None);
    seen(time, &means, &path.laws[0])?;
    for (k, kind) in path.kinds.iter().enumerate() {
        let slice = &path.slices[*kind];
        if rates.0 != *kind {
            rates = (*kind, Rates::new(system, slice));
        }
        let rates = rates.1.as_ref().ok_or(ExactError::NotQuadratic { difference: f64::NAN })?;
        for law in &path.laws[k..k + 2] {
            means.add(rates, system, law, (pairs, 0.5 * slice.length));
        }
        time += slice.length;
        seen(time, &means, &path.laws[k + 1])?;
    }
    let scale = means.heat.iter().map(|heat| heat.abs()).sum::<f64>();
    means.heat.iter_mut().filter(|heat| heat.abs() <= 1e-14 * scale).for_each(|heat| *heat = 0.0);
    let (first, last) = &path.ends;
    means.work = energy(system, last)?.mean(path.last()) - energy(system, first)?.mean(&path.laws[0]) + means.heat.iter().sum::<f64>();
    Ok(means)
}

/// What flows at fixed protocol values.
struct Rates<'a> {
    slice: &'a Slice,
    /// Forces that give heat: all but their reversible part.
    irreversible: LinearForce,
    friction: Vec<f64>,
    temperature: Vec<f64>,
}

impl<'a> Rates<'a> {
    fn new(system: &System, slice: &'a Slice) -> Option<Self> {
        let (protocol, d) = (&slice.protocol, system.dimension());
        let (force, back) = (system.linear_force(protocol)?, system.linear_back_force(protocol)?);
        let irreversible = LinearForce { stiffness: (force.stiffness + back.stiffness) * 0.5, constant: (force.constant + back.constant) * 0.5 };
        if system.is_underdamped() {
            return Some(Self { slice, irreversible, friction: system.friction.clone(), temperature: system.temperature.clone() });
        }
        let origin = vec![0.0; d];
        let friction = (0..d).map(|i| system.friction_at(i, &origin, protocol)).collect();
        let temperature = (0..d).map(|i| system.temperature_at(i, &origin, protocol)).collect();
        Some(Self { slice, irreversible, friction, temperature })
    }

    /// Mean heat per time to the bath of a coordinate. Overdamped `F ∘ dx` with `F = b − K x`, but for what runs without friction:
    /// `(⟨F²⟩ − K_ii T)/γ`; with inertia, `(γ/m)(m⟨v²⟩ − T)`.
    fn heat(&self, system: &System, law: &Gaussian, i: usize) -> f64 {
        let (mean, covariance) = (law.mean(), law.covariance());
        if let Some(mass) = system.mass.get(i) {
            let v = system.dimension() + i;
            return self.friction[i] * (covariance[(v, v)] + mean[v] * mean[v] - self.temperature[i] / mass);
        }
        let slopes: DVector<f64> = self.irreversible.stiffness.row(i).transpose();
        let force = self.irreversible.constant[i] - slopes.dot(mean);
        (force * force + slopes.dot(&(covariance * &slopes)) - slopes[i] * self.temperature[i]) / self.friction[i]
    }

    /// `⟨x_i dx_j/dt⟩`, but for what is the same for `i` and `j` exchanged.
    fn carried(&self, law: &Gaussian) -> DMatrix<f64> {
        let dynamics = &self.slice.dynamics;
        let velocity = &dynamics.offset - &dynamics.drift * law.mean();
        law.mean() * velocity.transpose() - law.covariance() * dynamics.drift.transpose()
    }
}

impl LinearMeans {
    fn add(&mut self, rates: &Rates, system: &System, law: &Gaussian, (pairs, time): (&[(u16, u16)], f64)) {
        for (i, sum) in self.heat.iter_mut().enumerate() {
            let heat = rates.heat(system, law, i);
            *sum += time * heat;
            if system.is_bathed(i) || !system.is_underdamped() {
                self.medium += time * heat / rates.temperature[i];
            }
        }
        if !pairs.is_empty() {
            let carried = rates.carried(law);
            for (area, (i, j)) in self.areas.iter_mut().zip(pairs.iter().map(|(i, j)| (usize::from(*i), usize::from(*j)))) {
                *area += 0.5 * time * (carried[(i, j)] - carried[(j, i)]);
            }
        }
    }
}
