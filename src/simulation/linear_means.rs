//! Exact means of linear dynamics: the law stays Gaussian, and mean work and heat are integrals over it.

use nalgebra::{DMatrix, DVector};

use crate::exact::ExactError;
use crate::exact::equilibrium::Quadratic;
use crate::exact::linear::{Gaussian, LinearDynamics};
use crate::model::{LinearForce, System};

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

/// Follows the Gaussian law through the protocol table `Λ_0 … Λ_{N+1}`; `seen` is shown the means at the start and after every slice.
pub(super) fn linear_means(
    system: &System,
    start: &Gaussian,
    table: &[Vec<f64>],
    (steps, dt): (usize, f64),
    pairs: &[(u16, u16)],
    seen: &mut dyn FnMut(f64, &LinearMeans),
) -> Result<LinearMeans, ExactError> {
    let stride = steps.div_ceil(MOST_SLICES).max(1);
    let mut means = LinearMeans { last: start.clone(), work: 0.0, heat: vec![0.0; system.dimension()], medium: 0.0, areas: vec![0.0; pairs.len()] };
    let at = |n: usize| -> Vec<f64> { table.iter().map(|values| values[n]).collect() };
    let mut place = 0;
    let mut protocol = at(0);
    let mut slice = None;
    seen(0.0, &means);
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
        seen(place as f64 * dt, &means);
    }
    let last = table.first().map_or(steps, |values| values.len() - 1);
    means.move_protocol(system, &mut protocol, at(last))?;
    let scale = means.heat.iter().map(|heat| heat.abs()).sum::<f64>();
    means.heat.iter_mut().filter(|heat| heat.abs() <= 1e-14 * scale).for_each(|heat| *heat = 0.0);
    Ok(means)
}

/// The dynamics over a slice of time at fixed protocol values.
struct Slice {
    protocol: Vec<f64>,
    length: f64,
    dynamics: LinearDynamics,
    half: crate::exact::linear::ExactStep,
    /// Forces that give heat: all but their reversible part.
    irreversible: LinearForce,
    /// Drift that time reversal turns round.
    flow: LinearForce,
    /// Slopes of the potential, which turn heat into work: `−∂U = constant − stiffness·x`.
    conservative: LinearForce,
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
        let (back, drive) = (system.linear_back_force(protocol).unwrap_or_else(|| force.clone()), system.linear_drive(protocol));
        let mobility = DMatrix::from_diagonal(&DVector::from_fn(d, |i, _| 1.0 / friction[i]));
        let irreversible = combined(&force, &back, 0.5, 0.5);
        let reversible = combined(&force, &back, 0.5, -0.5);
        let flow = LinearForce { stiffness: &mobility * reversible.stiffness, constant: mobility * reversible.constant };
        let conservative = combined(&force, &drive, 1.0, -1.0);
        Ok(Self { protocol: protocol.to_vec(), length, dynamics, half, irreversible, flow, conservative, temperature })
    }

    /// Mean rates of heat and of the work of all but the protocol of each coordinate, and `⟨x_i ν_j⟩`; `ν = −A x + a − D ∇ ln p`. Heat is
    /// `⟨F_irr (ν − flow)⟩`, work is heat and what the potential gains, `⟨∂U ν⟩`.
    fn rates(&self, law: &Gaussian) -> (DVector<f64>, DVector<f64>, DMatrix<f64>) {
        let d = self.temperature.len();
        let covariance = law.covariance();
        let inverse = covariance.clone().cholesky().map_or_else(|| DMatrix::zeros(d, d), |factor| factor.inverse());
        let drift = &self.dynamics.drift;
        let spread = DMatrix::from_fn(d, d, |i, j| self.dynamics.diffusion[i] * inverse[(i, j)] - drift[(i, j)]);
        let mean_velocity = &self.dynamics.offset - drift * law.mean();
        // ν = mean_velocity + spread·(x − m); a force b − K x then gives ⟨force⟩·mean_velocity − (K C spreadᵀ) on the diagonal.
        let correlated = covariance * spread.transpose();
        let along = |force: &LinearForce, i: usize| force.at(law.mean())[i] * mean_velocity[i] - (force.stiffness.row(i) * &correlated)[i];
        let carried = |i: usize| {
            let turned = self.irreversible.stiffness.row(i) * covariance * self.flow.stiffness.row(i).transpose();
            self.irreversible.at(law.mean())[i] * self.flow.at(law.mean())[i] + turned[0]
        };
        let heat = DVector::from_fn(d, |i, _| along(&self.irreversible, i) - carried(i));
        let work = DVector::from_fn(d, |i, _| heat[i] - along(&self.conservative, i));
        (heat, work, correlated + law.mean() * mean_velocity.transpose())
    }
}

/// `p·first + q·second`.
fn combined(first: &LinearForce, second: &LinearForce, p: f64, q: f64) -> LinearForce {
    LinearForce { stiffness: &first.stiffness * p + &second.stiffness * q, constant: &first.constant * p + &second.constant * q }
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
