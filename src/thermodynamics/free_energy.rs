//! Free energy differences from work in both directions: Bennett's acceptance ratio.

use crate::statistics::logistic::{self, Group};
use crate::statistics::{Histogram, Measured};

/// Widest bins, in units of kT, from which likelihoods are formed; narrower ones shift a slope by less than width²/12 over the variance.
pub(crate) const WIDEST_BIN: f64 = 0.1;

/// Samples of forward work `W` and of reverse work, from their histograms, with everything that the estimators need.
#[derive(Clone, Debug)]
pub(crate) struct BothWays {
    /// `(βW, count)` of the forward runs.
    forward: Vec<(f64, f64)>,
    /// `(−βW, count)` of the reverse runs.
    reverse: Vec<(f64, f64)>,
    forward_count: f64,
    reverse_count: f64,
    /// Widest bin, in units of kT.
    pub(crate) width: f64,
}

/// Bennett's estimate, in units of kT.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bennett {
    /// `βΔF`.
    pub(crate) difference: Measured,
    /// How many samples the two directions share: `Σ 4p(1−p)`.
    pub(crate) overlap: f64,
    /// `Σ p(1−p)`, the information on `βΔF`.
    information: f64,
}

impl BothWays {
    /// Of two histograms, at inverse temperature `beta`; `None` when one is empty.
    pub(crate) fn new(forward: &Histogram, reverse: &Histogram, beta: f64) -> Option<Self> {
        let (forward_count, reverse_count) = (forward.total() as f64, reverse.total() as f64);
        (forward_count > 0.0 && reverse_count > 0.0).then(|| Self {
            forward: forward.occupied().map(|(w, n)| (beta * w, n)).collect(),
            reverse: reverse.occupied().map(|(w, n)| (-beta * w, n)).collect(),
            forward_count,
            reverse_count,
            width: beta * forward.width().max(reverse.width()),
        })
    }

    /// `ln(N_forward/N_reverse)`, the log-odds of forward where both densities are equal.
    pub(crate) fn offset(&self) -> f64 {
        (self.forward_count / self.reverse_count).ln()
    }

    /// `1/N_forward + 1/N_reverse`.
    pub(crate) fn fixed(&self) -> f64 {
        1.0 / self.forward_count + 1.0 / self.reverse_count
    }

    /// The samples as labels (positive: forward) at `βW − centre`.
    pub(crate) fn groups(&self, centre: f64) -> Vec<Group> {
        let forward = self.forward.iter().map(|(x, n)| Group { x: x - centre, positive: *n, negative: 0.0 });
        let reverse = self.reverse.iter().map(|(x, n)| Group { x: x - centre, positive: 0.0, negative: *n });
        forward.chain(reverse).collect()
    }

    /// Chance that a sample at `x = βW` is forward, if `βΔF = centre`.
    fn forward_chance(&self, x: f64, centre: f64) -> f64 {
        logistic::probability(self.offset() + x - centre)
    }

    /// `Σ_F (1 − p) − Σ_R p`, which rises with the centre, and its slope `Σ p(1 − p)`.
    fn score(&self, centre: f64) -> (f64, f64) {
        let (mut score, mut slope) = (0.0, 0.0);
        for (samples, forward) in [(&self.forward, 1.0), (&self.reverse, 0.0)] {
            for (x, n) in samples {
                let p = self.forward_chance(*x, centre);
                score += n * (forward - p);
                slope += n * p * (1.0 - p);
            }
        }
        (score, slope)
    }

    /// Bennett's estimate (J. Comput. Phys. 22, 245 (1976)): the maximum-likelihood `βΔF` of a line of slope 1, the root of
    /// `Σ_F (1 − p) = Σ_R p`, by Newton's method inside a shrinking bracket. The error is that of the estimating equation, from the
    /// scatter of `p` in either direction.
    pub(crate) fn bennett(&self) -> Bennett {
        // Far below all samples every p is 1, far above every p is 0.
        let all = || self.forward.iter().chain(&self.reverse).map(|(x, _)| *x);
        let margin = 40.0 + self.offset().abs();
        let (mut low, mut high) = (all().fold(f64::INFINITY, f64::min) - margin, all().fold(f64::NEG_INFINITY, f64::max) + margin);
        let mut value = 0.5 * (low + high);
        for _ in 0..200 {
            let (score, slope) = self.score(value);
            *(if score < 0.0 { &mut low } else { &mut high }) = value;
            let newton = value - score / slope;
            let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
            let step = (next - value).abs();
            value = next;
            if step <= 1e-13 * value.abs().max(1.0) {
                break;
            }
        }
        let chances = |samples: &[(f64, f64)]| -> Vec<(f64, f64)> { samples.iter().map(|(x, n)| (self.forward_chance(*x, value), *n)).collect() };
        let (forward, reverse) = (chances(&self.forward), chances(&self.reverse));
        let information: f64 = forward.iter().chain(&reverse).map(|(p, n)| n * p * (1.0 - p)).sum();
        let scatter = squared_deviations(&forward) + squared_deviations(&reverse);
        let standard_error = if information > 0.0 { scatter.sqrt() / information } else { f64::INFINITY };
        Bennett { difference: Measured { value, standard_error }, overlap: 4.0 * information, information }
    }

    /// `ln⟨exp(−βW)⟩_F + βΔF` with ΔF by Bennett, which Jarzynski's equality says is 0. Both terms come from the same forward samples, so the error
    /// is that of the sum of their influences, sample by sample.
    pub(crate) fn jarzynski_against_bennett(&self, log_mean: f64, bennett: &Bennett) -> Measured {
        let centre = bennett.difference.value;
        let influence = |(x, n): &(f64, f64)| {
            let weight = (-x - log_mean).exp() / self.forward_count;
            (weight + self.forward_chance(*x, centre) / bennett.information, *n)
        };
        let forward: Vec<(f64, f64)> = self.forward.iter().map(influence).collect();
        let reverse: Vec<(f64, f64)> = self.reverse.iter().map(|(x, n)| (self.forward_chance(*x, centre) / bennett.information, *n)).collect();
        let standard_error = (squared_deviations(&forward) + squared_deviations(&reverse)).sqrt();
        Measured { value: log_mean + centre, standard_error }
    }
}

/// `Σ n (v − v̄)²` of `(v, n)`.
fn squared_deviations(values: &[(f64, f64)]) -> f64 {
    let count: f64 = values.iter().map(|(_, n)| n).sum();
    let mean = values.iter().map(|(v, n)| v * n).sum::<f64>() / count;
    values.iter().map(|(v, n)| n * (v - mean) * (v - mean)).sum()
}

/// ΔF by Bennett's acceptance ratio from the work of forward and reverse runs, with the number of samples both share; `None` when a
/// histogram is empty or too coarse against kT (one far outlier stretches it).
pub fn free_energy_difference(forward: &Histogram, reverse: &Histogram, temperature: f64) -> Option<(Measured, f64)> {
    let both = BothWays::new(forward, reverse, 1.0 / temperature).filter(|both| both.width <= WIDEST_BIN)?;
    let bennett = both.bennett();
    let Measured { value, standard_error } = bennett.difference;
    Some((Measured { value: value * temperature, standard_error: standard_error * temperature }, bennett.overlap))
}
