//! The affinity of a steady state, for the infimum of the total entropy production.

use nalgebra::{DMatrix, DVector};

use super::SimulationError;
use super::langevin::Ends;
use super::start::{Opening, ring};
use crate::coordinate::Boundary;
use crate::exact::linear::LinearDynamics;
use crate::exact::ring::Ring;
use crate::experiment::Experiment;
use crate::model::System;
use crate::plan::Affinity;
use crate::thermodynamics::theorems::{Start, TheoremError};

/// The theorem that asks for it.
const THEOREM: &str = "infimum";
/// Waves of a ring's affinity that are computed, and most that a kernel sums.
const WAVES: usize = 128;
const MOST_WAVES: usize = 48;
/// Waves smaller than this, of the logarithm of the affinity, are left out.
const SMALL: f64 = 1e-8;

/// The affinity, where the infimum was asked for.
pub(super) fn affinity(experiment: &Experiment, system: &System, opening: &Opening, ends: &Ends, moves: bool) -> Result<Option<Affinity>, SimulationError> {
    if !experiment.measure.theorems.iter().any(|name| name == THEOREM) {
        return Ok(None);
    }
    let refused = |reason: &str| Err(TheoremError::OutOfScope { theorem: THEOREM.to_owned(), reason: reason.to_owned() }.into());
    if let Some(odd) = system.odd_variables() {
        return refused(&format!("{odd} odd under time reversal: what is known of the infimum is about even variables"));
    }
    if let Some(reason) = system.unstated_parity() {
        return refused(&reason);
    }
    if moves || opening.kind == Start::Other {
        return refused("it needs a steady state from start to end; hold the protocol constant and set `initial.distribution = \"steady-state\"`");
    }
    if system.bath_varies() {
        return refused("with multiplicative noise the infimum between steps is not known here");
    }
    let found = match system.boundaries.as_slice() {
        [Boundary::Periodic { lower, upper }] => match ring(system, &ends.first)? {
            Some(ring) if !is_still(&ring) => match waves(&ring, (*lower, *upper), system.temperature[0] / system.friction[0]) {
                Some(affinity) => affinity,
                None => return refused("the current on this ring is too uneven for a sum of 48 waves; take a smoother potential or a higher temperature"),
            },
            _ => return refused(STILL),
        },
        _ if system.is_linear() && (0..system.dimension()).all(|i| system.is_bathed(i)) => match linear(system, &ends.first)? {
            Some(affinity) => affinity,
            None => return refused(STILL),
        },
        _ => return refused("the steady state must be known: one periodic coordinate, or forces linear in open coordinates"),
    };
    Ok(Some(found))
}

const STILL: &str = "nothing flows in this steady state, so that the total entropy production is 0 along every trajectory";

fn is_still(ring: &Ring) -> bool {
    !(ring.entropy_production_rate > 1e-12)
}

/// `A = C⁻¹(x − μ) − T⁻¹K(x − μ)` of forces `−K(x − μ)`; `None` where it vanishes.
fn linear(system: &System, protocol: &[f64]) -> Result<Option<Affinity>, SimulationError> {
    let Some(force) = system.linear_force(protocol) else { return Ok(None) };
    let law = LinearDynamics::of_forces(&force.stiffness, &force.constant, &system.friction, &system.temperature)?.stationary()?;
    let d = system.dimension();
    let Some(inverse) = law.covariance().clone().try_inverse() else { return Ok(None) };
    let matrix = DMatrix::from_fn(d, d, |i, j| inverse[(i, j)] - force.stiffness[(i, j)] / system.temperature[i]);
    if matrix.amax() <= 1e-10 * inverse.amax() {
        return Ok(None);
    }
    let constant: DVector<f64> = -(&matrix * law.mean());
    Ok(Some(Affinity::Linear { constant: constant.as_slice().to_vec(), matrix: (0..d * d).map(|k| matrix[(k / d, k % d)]).collect() }))
}

/// `ln |ν/D|` as waves; `None` where too many are needed.
fn waves(ring: &Ring, (lower, upper): (f64, f64), diffusion: f64) -> Option<Affinity> {
    let samples = 4 * WAVES;
    let period = upper - lower;
    let logarithm = |n: usize| (ring.local_velocity(lower + period * n as f64 / samples as f64).abs() / diffusion).ln();
    let values: Vec<f64> = (0..samples).map(logarithm).collect();
    let wave = |k: usize, function: fn(f64) -> f64| {
        let sum: f64 = values.iter().enumerate().map(|(n, value)| value * function(std::f64::consts::TAU * ((k * n) % samples) as f64 / samples as f64)).sum();
        sum * if k == 0 { 1.0 } else { 2.0 } / samples as f64
    };
    let (mut cosine, mut sine): (Vec<f64>, Vec<f64>) = (0..WAVES).map(|k| (wave(k, f64::cos), wave(k, f64::sin))).unzip();
    let last = (1..WAVES).rev().find(|&k| !(cosine[k].hypot(sine[k]) <= SMALL)).unwrap_or(0);
    if last > MOST_WAVES || !cosine[0].is_finite() {
        return None;
    }
    cosine.truncate(last + 1);
    sine.truncate(last + 1);
    Some(Affinity::Ring { lower, period, sign: ring.current.signum(), cosine, sine })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_affinity_of_a_ring_makes_its_entropy() {
        let force = |x: f64| 2.0 * x.sin() + 2.0;
        let ring = Ring::new(0.0, std::f64::consts::TAU, 1.0, 1.0, &force, 4096).expect("solved");
        let Some(Affinity::Ring { cosine, sine, sign, .. }) = waves(&ring, (0.0, std::f64::consts::TAU), 1.0) else { panic!("no waves") };
        assert!(sign == 1.0 && cosine.len() < 40, "{}", cosine.len());
        // σ = ∫ D A² p dx.
        let affinity = |x: f64| (0..cosine.len()).map(|k| cosine[k] * (k as f64 * x).cos() + sine[k] * (k as f64 * x).sin()).sum::<f64>().exp();
        let rate = ring.mean_of(&|x| affinity(x).powi(2));
        assert!((rate - 2.506_092_7).abs() <= 1e-5, "{rate}");
    }
}
