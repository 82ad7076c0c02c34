//! Exponential averages `⟨e^x⟩`, kept relative to their largest term.

use serde::{Deserialize, Serialize};

/// `Σ e^x` and `Σ e^{2x}` relative to `e^max`; empty while `count` is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExponentialSum {
    count: u64,
    max: f64,
    sum: f64,
    squares: f64,
}

impl ExponentialSum {
    /// Adds exponents in their order.
    pub fn extend(&mut self, exponents: impl Iterator<Item = f64>) {
        for x in exponents {
            self.count += 1;
            if self.count == 1 {
                (self.max, self.sum, self.squares) = (x, 1.0, 1.0);
            } else if x <= self.max {
                let weight = (x - self.max).exp();
                self.sum += weight;
                self.squares += weight * weight;
            } else {
                let shrink = (self.max - x).exp();
                (self.sum, self.squares, self.max) = (self.sum * shrink + 1.0, self.squares * shrink * shrink + 1.0, x);
            }
        }
    }

    /// All rows together, in the order given.
    pub fn total(rows: &[ExponentialSum]) -> ExponentialSum {
        let filled = || rows.iter().filter(|row| row.count > 0);
        let Some(max) = filled().map(|row| row.max).reduce(f64::max) else { return ExponentialSum::default() };
        filled().fold(ExponentialSum { max, ..Default::default() }, |total, row| {
            let shrink = (row.max - max).exp();
            ExponentialSum { count: total.count + row.count, max, sum: total.sum + row.sum * shrink, squares: total.squares + row.squares * shrink * shrink }
        })
    }

    /// Number of terms.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// `ln⟨e^x⟩`.
    pub fn log_mean(&self) -> f64 {
        self.max + (self.sum / self.count as f64).ln()
    }

    /// Standard error of `⟨e^x⟩` relative to it, from the sample; it is too small when the tail is not sampled.
    pub fn relative_error(&self) -> f64 {
        let n = self.count as f64;
        let error = ((self.squares / (self.sum * self.sum) - 1.0 / n).max(0.0) * n / (n - 1.0)).sqrt();
        if error.is_nan() { f64::INFINITY } else { error }
    }

    /// Kish's effective number of samples `(Σw)²/Σw²`.
    pub fn effective_samples(&self) -> f64 {
        self.sum * self.sum / self.squares
    }

    /// Share of the largest term in the sum.
    pub fn largest_share(&self) -> f64 {
        1.0 / self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_survive_huge_exponents_in_any_order() {
        for order in [[1000.0, 1001.0, 998.0], [998.0, 1000.0, 1001.0], [1001.0, 998.0, 1000.0]] {
            let mut sum = ExponentialSum::default();
            sum.extend(order.into_iter());
            let weights = [1.0, (-1.0f64).exp(), (-3.0f64).exp()];
            let (total, squares): (f64, f64) = (weights.iter().sum(), weights.iter().map(|w| w * w).sum());
            assert!((sum.log_mean() - (1001.0 + (total / 3.0).ln())).abs() <= 1e-12);
            assert!((sum.effective_samples() - total * total / squares).abs() <= 1e-12);
            assert!((sum.largest_share() - 1.0 / total).abs() <= 1e-12);
            let parts: Vec<ExponentialSum> = order
                .iter()
                .map(|x| {
                    let mut part = ExponentialSum::default();
                    part.extend([*x].into_iter());
                    part
                })
                .collect();
            assert!((ExponentialSum::total(&parts).log_mean() - sum.log_mean()).abs() <= 1e-12);
        }
    }

    #[test]
    fn the_error_is_that_of_a_mean() {
        let weights = [1.0, 2.0, 3.0, 6.0f64];
        let mut sum = ExponentialSum::default();
        sum.extend(weights.iter().map(|w| w.ln()));
        let variance = weights.iter().map(|w| (w - 3.0) * (w - 3.0)).sum::<f64>() / 3.0;
        assert!((sum.relative_error() - (variance / 4.0).sqrt() / 3.0).abs() <= 1e-12);
    }
}
