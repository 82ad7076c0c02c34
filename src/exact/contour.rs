//! The exponential of a stiff generator, by a sum of resolvents.
//!
//! `exp(tL) p = (1/2πi) ∮ e^ζ (ζ − tL)⁻¹ p dζ` along Talbot's contour around the negative real axis, by the midpoint rule (A. Talbot, IMA J. Appl. Math. 23, 97
//! (1979); contour of L. N. Trefethen, J. A. C. Weideman and T. Schmelzer, BIT 46, 653 (2006)): with `N` points the error falls as `3.89⁻ᴺ`, however fast
//! the fastest rates are. Eigenvalues far from the real axis must not lie outside the contour, which halving the time brings about. One complex decomposition
//! a pair of points serves any number of laws.

use faer::c64;
use faer::prelude::{Mat, Solve};
use faer::sparse::linalg::solvers::Lu;
use faer::sparse::{SparseColMat, Triplet};

use super::chain::Chain;

/// Points of the contour.
const POINTS: usize = 24;

/// `exp(tL)` of a chain at constant rates, decomposed.
pub struct Propagator {
    time: f64,
    /// Weight, point and decomposition of `ζ − tL`, one of each pair of conjugate points.
    resolvents: Vec<(c64, c64, Lu<usize, c64>)>,
}

impl Propagator {
    /// Decomposes; `None` where the decomposition fails.
    pub fn new(chain: &Chain, rates: &[f64], time: f64) -> Option<Self> {
        let resolvents = (0..POINTS / 2).map(|k| {
            let (weight, point) = on_contour(k);
            Some((weight, point, resolvent(chain, rates, time, point)?))
        });
        Some(Self { time, resolvents: resolvents.collect::<Option<_>>()? })
    }

    /// The law after the time, and the time spent in every state until then.
    pub fn apply(&self, law: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let n = law.len();
        let (mut after, mut spent) = (vec![0.0; n], vec![0.0; n]);
        for (weight, point, lu) in &self.resolvents {
            let mut side = Mat::<c64>::from_fn(n, 1, |row, _| c64::new(law[row], 0.0));
            lu.solve_in_place(&mut side);
            // ∫ exp(sL) ds has one more 1/ζ, the pole at 0 being inside the contour as well.
            let earlier = *weight / *point * self.time;
            for row in 0..n {
                after[row] += 2.0 * (*weight * side[(row, 0)]).re;
                spent[row] += 2.0 * (earlier * side[(row, 0)]).re;
            }
        }
        (after, spent)
    }
}

/// Weight and place of a point of the upper half of the contour.
fn on_contour(k: usize) -> (c64, c64) {
    let n = POINTS as f64;
    let angle = std::f64::consts::PI * (2.0 * k as f64 + 1.0) / n;
    let (half, i) = (0.6407 * angle, c64::new(0.0, 1.0));
    let cotangent = half.tan().recip();
    let point = (c64::new(0.5017 * angle * cotangent - 0.6122, 0.0) + i * (0.2645 * angle)) * n;
    let slope = (c64::new(0.5017 * (cotangent - half / half.sin().powi(2)), 0.0) + i * 0.2645) * n;
    let growth = c64::from_polar(point.re.exp(), point.im);
    (growth * slope * (-i / n), point)
}

fn resolvent(chain: &Chain, rates: &[f64], time: f64, point: c64) -> Option<Lu<usize, c64>> {
    let transitions = chain.from.iter().zip(&chain.to).zip(rates);
    let mut exit = vec![0.0; chain.states];
    transitions.clone().for_each(|((&from, _), rate)| exit[from as usize] += rate);
    let gains = transitions.map(|((&from, &to), rate)| Triplet::new(to as usize, from as usize, c64::new(-time * rate, 0.0)));
    let losses = exit.iter().enumerate().map(|(state, exit)| Triplet::new(state, state, point + c64::new(time * exit, 0.0)));
    let entries: Vec<Triplet<usize, usize, c64>> = gains.chain(losses).collect();
    SparseColMat::<usize, c64>::try_new_from_triplets(chain.states, chain.states, &entries).ok()?.sp_lu().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_states_relax_exponentially_however_fast() {
        let chain = Chain::new(2, vec![0, 1], vec![1, 0]);
        for (a, b, time) in [(3.0, 1.5, 0.7), (3e6, 1e6, 0.01), (1e-3, 2e-3, 1.0), (1.0, 1e9, 1.0)] {
            let (after, spent) = Propagator::new(&chain, &[a, b], time).expect("decomposed").apply(&[1.0, 0.0]);
            let exact = b / (a + b) + a / (a + b) * (-(a + b) * time).exp();
            let integral = b / (a + b) * time - a / (a + b).powi(2) * (-(a + b) * time).exp_m1();
            assert!((after[0] - exact).abs() <= 1e-12 && (spent[0] / time - integral / time).abs() <= 1e-11, "{a} {b}: {after:?} {exact} {spent:?} {integral}");
            assert!((after[0] + after[1] - 1.0).abs() <= 1e-12 && ((spent[0] + spent[1]) / time - 1.0).abs() <= 1e-11);
        }
    }

    #[test]
    fn a_random_chain_agrees_with_uniformisation() {
        let n = 300u32;
        let mut bits = 5u64;
        let mut draw = || {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (bits >> 33) as f64 / (1u64 << 31) as f64
        };
        let (from, to): (Vec<u32>, Vec<u32>) = (0..4 * n).map(|k| (k % n, if k < n { (k + 1) % n } else { (draw() * f64::from(n)) as u32 })).unzip();
        let rates: Vec<f64> = from.iter().map(|_| (4.0 * draw() - 2.0).exp()).collect();
        let chain = Chain::new(n as usize, from, to);
        let mut law: Vec<f64> = (0..n).map(|_| draw()).collect();
        let total: f64 = law.iter().sum();
        law.iter_mut().for_each(|p| *p /= total);
        let start = law.clone();
        let spent = chain.propagate(&mut law, &rates, 0.4);
        let (after, there) = Propagator::new(&chain, &rates, 0.4).expect("decomposed").apply(&start);
        let most = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(most(&after, &law) <= 1e-12 && most(&there, &spent) <= 1e-12, "{} {}", most(&after, &law), most(&there, &spent));
        // Control: another time is seen.
        assert!(most(&Propagator::new(&chain, &rates, 0.41).expect("decomposed").apply(&start).0, &law) > 1e-5);
    }
}
