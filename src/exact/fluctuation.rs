//! What the ends of steps do not show of the variance of sums `∫ Σ_ij Λ_ij x_j ∘ dx_i` of a linear process.
//!
//! Given both ends of a stretch of time the mean of a sum is a quadratic form of them ([`super::bridge`]); what varies besides follows by halving: a stretch
//! is two halves whose middle is forgotten, so that by the law of total variance `m(h) = 2 m(h/2) + ⟨Var(q(x, x') + q(x', x'') | x, x'')⟩`. Only areas vary
//! between fixed ends: `Λ` counts by its antisymmetric part alone.

use nalgebra::DMatrix;

use super::ExactError;
use super::bridge::Bridge;
use super::linear::{ExactStep, LinearDynamics};

/// Relaxation within a stretch that is no longer halved; the rest is of third order in it.
const SHORT: f64 = 1e-3;
const MOST_HALVINGS: u32 = 40;

/// Mean variances of the sums over a time given both ends. `moment(h)` is the mean of `z zᵀ`, `z` being measured from where the drift vanishes, over the starts of
/// stretches of length `h`: all that is found is linear in it.
pub fn between(dynamics: &LinearDynamics, moment: &dyn Fn(f64) -> DMatrix<f64>, time: f64, sums: &[DMatrix<f64>]) -> Result<Vec<f64>, ExactError> {
    let halvings = (time * dynamics.drift.norm() / SHORT).log2().ceil().clamp(1.0, f64::from(MOST_HALVINGS)) as i32;
    let mut total = vec![0.0; sums.len()];
    for level in 0..halvings {
        let stretches = 2f64.powi(level);
        // The halves of the last level: what is left of a geometric series.
        let weight = if level + 1 == halvings { 2.0 * stretches } else { stretches };
        let found = forgotten_middle(dynamics, &moment(time / stretches), time / stretches, sums)?;
        total.iter_mut().zip(found).for_each(|(sum, found)| *sum += weight * found);
    }
    Ok(total)
}

/// `⟨Var(q(x, x') + q(x', x'') | x, x'')⟩` of a stretch, `x'` in its middle.
fn forgotten_middle(dynamics: &LinearDynamics, moment: &DMatrix<f64>, time: f64, sums: &[DMatrix<f64>]) -> Result<Vec<f64>, ExactError> {
    let d = dynamics.offset.len();
    let (whole, half, bridge) = (dynamics.step(time)?, dynamics.step(0.5 * time)?, Bridge::new(dynamics, 0.5 * time)?);
    let late = &half.covariance * half.propagator.transpose() * whole.inverse_covariance()?;
    let early = &half.propagator - &late * &whole.propagator;
    let spread = &half.covariance - &late * &half.propagator * &half.covariance;
    let moments = ends_moments(moment, &whole);
    let of =
        |slopes: &DMatrix<f64>| {
            let form = area_form(dynamics, &bridge, &((slopes - slopes.transpose()) * 0.5));
            let block = |row: usize, column: usize| form.view((row * d, column * d), (d, d)).into_owned();
            let curvature = block(0, 0) + block(1, 1);
            let slope = DMatrix::from_fn(d, 2 * d, |i, j| {
                if j < d { (&curvature * &early)[(i, j)] + form[(d + i, j)] } else { (&curvature * &late)[(i, j - d)] + form[(i, j)] }
            });
            let turned = &curvature * &spread;
            (&spread * &slope * &moments * slope.transpose()).trace() + 0.5 * (&turned * &turned).trace()
        };
    Ok(sums.iter().map(of).collect())
}

/// `⟨z zᵀ⟩` of both ends `z = (x, x'')` of a step that starts with this one.
fn ends_moments(first: &DMatrix<f64>, step: &ExactStep) -> DMatrix<f64> {
    let d = first.nrows();
    let moved = &step.propagator * first;
    let last = &moved * step.propagator.transpose() + &step.covariance;
    DMatrix::from_fn(2 * d, 2 * d, |i, j| match (i < d, j < d) {
        (true, true) => first[(i, j)],
        (false, false) => last[(i - d, j - d)],
        (false, true) => moved[(i - d, j)],
        (true, false) => moved[(j - d, i)],
    })
}

/// `Q` in `½ zᵀ Q z`, the mean of `Σ_ij B_ij ∫ x_j ∘ dx_i` given `z = (x, x'')` measured from the mean; `B` is antisymmetric.
fn area_form(dynamics: &LinearDynamics, bridge: &Bridge, turning: &DMatrix<f64>) -> DMatrix<f64> {
    let d = turning.nrows();
    let displacement = DMatrix::from_fn(d, 2 * d, |i, j| f64::from(j == d + i) - f64::from(j == i));
    let middle = DMatrix::from_fn(d, 2 * d, |i, j| 0.5 * (f64::from(j == d + i) + f64::from(j == i)));
    let chord = displacement.transpose() * turning * &middle;
    let slope = -(&dynamics.drift * &middle);
    let variables = DMatrix::from_fn(2 * d, 2 * d, |i, j| if i < d { displacement[(i, j)] } else { slope[(i - d, j)] });
    &chord + chord.transpose() + variables.transpose() * bridge.turn_matrix(turning) * variables
}

#[cfg(test)]
mod tests {
    use nalgebra::DVector;

    use super::*;

    fn close(value: f64, expected: f64, tolerance: f64) {
        assert!((value - expected).abs() <= tolerance * expected.abs(), "{value} is not {expected}");
    }

    fn turning(i: usize, j: usize, d: usize) -> DMatrix<f64> {
        DMatrix::from_fn(d, d, |a, b| {
            if (a, b) == (i, j) {
                0.5
            } else if (a, b) == (j, i) {
                -0.5
            } else {
                0.0
            }
        })
    }

    #[test]
    fn a_short_area_has_the_variance_of_levy() {
        // From one end on `D_x D_y h²`, given both ends a third of it, and as much for each of the displacements.
        let dynamics =
            LinearDynamics::new(DMatrix::from_row_slice(2, 2, &[1.0, 0.2, -0.2, 1.0]), DVector::zeros(2), DVector::from_vec(vec![2.0, 3.0])).unwrap();
        let law = dynamics.stationary().unwrap();
        let time = 1e-4;
        close(between(&dynamics, &|_| law.covariance().clone(), time, &[turning(0, 1, 2)]).unwrap()[0], 6.0 * time * time, 1e-3);
    }

    #[test]
    fn an_area_cut_in_two_hides_what_its_middle_shows() {
        // Two halves hide less than the whole, and far apart ends hide as much a time as any.
        let dynamics =
            LinearDynamics::new(DMatrix::from_row_slice(2, 2, &[2.0, -1.0, -0.4, 1.5]), DVector::zeros(2), DVector::from_vec(vec![1.0, 10.0])).unwrap();
        let law = dynamics.stationary().unwrap();
        let hidden = |time: f64| between(&dynamics, &|_| law.covariance().clone(), time, &[turning(0, 1, 2)]).unwrap()[0];
        assert!(2.0 * hidden(0.2) < 0.6 * hidden(0.4) && hidden(40.0) > hidden(20.0));
        close(hidden(40.0) - hidden(20.0), hidden(60.0) - hidden(40.0), 1e-3);
    }

    #[test]
    fn what_is_hidden_grows_with_the_second_moments_of_the_start_linearly() {
        let dynamics =
            LinearDynamics::new(DMatrix::from_row_slice(2, 2, &[1.0, 0.2, -0.2, 1.0]), DVector::zeros(2), DVector::from_vec(vec![2.0, 3.0])).unwrap();
        let hidden = |spread: f64| between(&dynamics, &|_| DMatrix::identity(2, 2) * spread, 0.1, &[turning(0, 1, 2)]).unwrap()[0];
        assert!(hidden(0.0) > 0.0 && hidden(4.0) > hidden(1.0));
        close(hidden(4.0) - hidden(0.0), 4.0 * (hidden(1.0) - hidden(0.0)), 1e-9);
    }
}
