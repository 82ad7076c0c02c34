//! Consequences of an integral theorem that can be refuted however badly its average is sampled.

use crate::statistics::{Histogram, Measured};

/// Below this expected number a count is too far from normal.
const FEWEST_EXPECTED: f64 = 100.0;
/// Where the bound on the tail is tried.
const PLACES: [f64; 5] = [1.0, 2.0, 3.0, 4.5, 6.0];

/// A bound that every `S` with `⟨e^−S⟩ = 1` obeys, and by how many standard errors these data do (negative: they do not).
pub(super) struct Bound {
    /// Standard errors to spare.
    pub(super) z: f64,
    /// Which bound.
    pub(super) text: String,
}

/// The tightest of: `⟨S⟩ ≥ 0` (Jensen), and `P(S ≤ −x) ≤ e^−x` (Markov) at several places. `S = β v − shift`; `mean` is that of `v`.
pub(super) fn bounds(histogram: &Histogram, mean: Measured, beta: f64, shift: f64) -> Bound {
    let scaled = Measured { value: beta * mean.value - shift, standard_error: beta.abs() * mean.standard_error };
    let mut tightest = Bound { z: scaled.z(0.0), text: format!("⟨S⟩ = {:.4} ± {:.4} must not be negative", scaled.value, scaled.standard_error) };
    let total = histogram.total() as f64;
    for x in PLACES {
        let most = total * (-x).exp();
        if most < FEWEST_EXPECTED {
            break;
        }
        let found = beyond(histogram, (shift - x) / beta, beta > 0.0) as f64;
        let z = (most - found) / most.sqrt();
        if z < tightest.z {
            tightest = Bound { z, text: format!("{found:.0} trajectories have S ≤ −{x}, more than e^−{x} of all, which is {most:.0}") };
        }
    }
    tightest
}

/// Number of bounds of [`bounds`], for the Bonferroni bound.
pub(super) const BOUNDS: usize = 1 + PLACES.len();

/// Values certainly below (or above) a threshold: those in bins that lie there whole.
fn beyond(histogram: &Histogram, threshold: f64, below: bool) -> u64 {
    let (lower, width) = (histogram.lower(), histogram.width());
    let lies_there = |bin: usize| {
        let (left, right) = (lower + bin as f64 * width, lower + (bin + 1) as f64 * width);
        if below { right <= threshold } else { left >= threshold }
    };
    histogram.counts().iter().enumerate().filter(|(bin, _)| lies_there(*bin)).map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draws, Purpose};

    fn sample(count: usize, value: impl Fn(&mut Draws) -> f64) -> (Histogram, Measured) {
        let mut draws = Draws::new(3, Purpose::Initial, 0);
        let values: Vec<f64> = (0..count).map(|_| value(&mut draws)).collect();
        let mut histogram = Histogram::default();
        histogram.extend(values.iter().copied());
        let mean = values.iter().sum::<f64>() / count as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1) as f64;
        (histogram, Measured { value: mean, standard_error: (variance / count as f64).sqrt() })
    }

    #[test]
    fn true_entropies_obey_the_bounds_and_reversed_ones_do_not() {
        for variance in [0.5f64, 2.0, 8.0] {
            let honest = |draws: &mut Draws| variance / 2.0 + variance.sqrt() * draws.normal();
            let (histogram, mean) = sample(100_000, honest);
            assert!(bounds(&histogram, mean, 1.0, 0.0).z >= -3.0, "{variance}");
            let (histogram, mean) = sample(100_000, |draws| -honest(draws));
            assert!(bounds(&histogram, mean, 1.0, 0.0).z <= -20.0, "{variance}");
        }
    }
}
