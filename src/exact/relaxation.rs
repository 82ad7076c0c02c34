//! How fast a Markov chain forgets its start.

use nalgebra::DMatrix;

use super::chain::Chain;
use super::cumulants::Equations;

/// Largest dimension of the Krylov space.
const MOST_VECTORS: usize = 200;
/// Relative change of the answer by another vector that counts as none, three times in a row.
const SETTLED: f64 = 1e-11;

/// The slowest rate at which an irreducible chain with the stationary `law` forgets its start: minus the largest real part of an eigenvalue of its generator
/// but 0. `None` where there is one state, or where the iteration does not settle.
///
/// Arnoldi's method (W. Arnoldi, Q. Appl. Math. 9, 17 (1951)) on the inverse of the generator of the time-reversed chain, which has the same eigenvalues, with
/// the stationary law as weight: near equilibrium that operator is nearly symmetric.
pub fn relaxation_rate(chain: &Chain, rates: &[f64], law: &[f64]) -> Option<f64> {
    let n = chain.states;
    let equations = Equations::new(chain, rates, law)?;
    let dot = |a: &[f64], b: &[f64]| -> f64 { law.iter().zip(a).zip(b).map(|((p, a), b)| p * a * b).sum() };
    // Any vector will do that has a share of every mode.
    let mut start: Vec<f64> = (1..=n).map(|i| (i as f64 * 0.618_033_988_749_894_9).fract() - 0.5).collect();
    let mean: f64 = start.iter().zip(law).map(|(value, p)| value * p).sum();
    start.iter_mut().for_each(|value| *value -= mean);
    let mut basis = vec![unit(start, &dot)?];
    let most = MOST_VECTORS.min(n - 1);
    let mut upper = DMatrix::<f64>::zeros(most + 1, most);
    let (mut rate, mut steady) = (f64::NAN, 0);
    for k in 0..most {
        let (mut solved, _) = equations.solve(vec![basis[k].clone()])?;
        let mut next = solved.swap_remove(0);
        let size = dot(&next, &next).sqrt();
        // Orthogonal to the last digit takes two passes.
        for _ in 0..2 {
            for (i, vector) in basis.iter().enumerate() {
                let share = dot(vector, &next);
                upper[(i, k)] += share;
                next.iter_mut().zip(vector).for_each(|(value, other)| *value -= share * other);
            }
        }
        let rest = dot(&next, &next).sqrt();
        upper[(k + 1, k)] = rest;
        let found = slowest(upper.view((0, 0), (k + 1, k + 1)).into_owned())?;
        steady = if (found / rate - 1.0).abs() <= SETTLED { steady + 1 } else { 0 };
        rate = found;
        if steady == 3 || k + 1 == n - 1 || rest <= 1e-13 * size {
            return (rate > 0.0).then_some(rate);
        }
        next.iter_mut().for_each(|value| *value /= rest);
        basis.push(next);
    }
    None
}

fn unit(mut vector: Vec<f64>, dot: &dyn Fn(&[f64], &[f64]) -> f64) -> Option<Vec<f64>> {
    let size = dot(&vector, &vector).sqrt();
    vector.iter_mut().for_each(|value| *value /= size);
    (size > 0.0).then_some(vector)
}

/// Smallest real part of the reciprocal eigenvalues.
fn slowest(inverse: DMatrix<f64>) -> Option<f64> {
    let n = inverse.nrows();
    let schur = nalgebra::linalg::Schur::try_new(inverse, f64::EPSILON, 200 * n.max(2))?;
    let rates = schur.complex_eigenvalues().iter().map(|value| value.re / value.norm_sqr()).fold(f64::INFINITY, f64::min);
    rates.is_finite().then_some(rates)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate_of(chain: &Chain, rates: &[f64]) -> Option<f64> {
        relaxation_rate(chain, rates, &chain.stationary(rates).expect("irreducible"))
    }

    #[test]
    fn two_states_relax_with_the_sum_of_their_rates() {
        let chain = Chain::new(2, vec![0, 1], vec![1, 0]);
        assert!((rate_of(&chain, &[3.0, 1.5]).expect("it settles") - 4.5).abs() <= 1e-12);
        assert_eq!(rate_of(&Chain::new(1, Vec::new(), Vec::new()), &[]), None);
    }

    #[test]
    fn rings_relax_by_their_slowest_wave() {
        // Eigenvalues of a ring of n states: up (1 − e^{iq}) + down (1 − e^{−iq}), q = 2π k/n.
        for (n, up, down) in [(3usize, 2.0, 1.0), (7, 5.0, 0.1), (400, 3.0, 3.0), (401, 3.0, 2.5)] {
            let (from, to): (Vec<u32>, Vec<u32>) = (0..n as u32).flat_map(|i| [(i, (i + 1) % n as u32), ((i + 1) % n as u32, i)]).unzip();
            let rates: Vec<f64> = (0..n).flat_map(|_| [up, down]).collect();
            let exact = (up + down) * (1.0 - (std::f64::consts::TAU / n as f64).cos());
            let found = rate_of(&Chain::new(n, from, to), &rates).expect("it settles");
            assert!((found / exact - 1.0).abs() <= 1e-8, "{n}: {found} {exact}");
        }
    }

    #[test]
    fn a_bottleneck_is_the_slowest_thing() {
        // Two pairs of states, joined by a slow step: 2·2 ε/4 of an even law over four states.
        let chain = Chain::new(4, vec![0, 1, 1, 2, 2, 3], vec![1, 0, 2, 1, 3, 2]);
        let found = rate_of(&chain, &[1.0, 1.0, 1e-6, 1e-6, 1.0, 1.0]).expect("it settles");
        assert!((found / 1e-6 - 1.0).abs() <= 1e-5, "{found}");
    }
}
