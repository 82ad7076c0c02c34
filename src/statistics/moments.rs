//! Power sums of a scalar, up to the fourth.

use serde::{Deserialize, Serialize};

use super::Measured;

/// Sums of the first four powers of `v − pivot`. The pivot is the first value seen, so that nothing cancels when the mean is
/// large against the spread, and no guess is needed beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    count: u64,
    pivot: f64,
    sums: [f64; 4],
}

impl Moments {
    /// Adds values in their order.
    pub fn extend(&mut self, values: impl Iterator<Item = f64>) {
        let mut values = values.peekable();
        if let (0, Some(&first)) = (self.count, values.peek()) {
            self.pivot = first;
        }
        // In locals: sums in memory would wait for their own stores.
        let (pivot, mut count, [mut s1, mut s2, mut s3, mut s4]) = (self.pivot, self.count, self.sums);
        values.for_each(|value| {
            let first = value - pivot;
            let second = first * first;
            count += 1;
            s1 += first;
            s2 += second;
            s3 += second * first;
            s4 += second * second;
        });
        (self.count, self.sums) = (count, [s1, s2, s3, s4]);
    }

    /// The same values, summed about another pivot.
    pub fn about(&self, pivot: f64) -> Moments {
        let (n, d, [s1, s2, s3, s4]) = (self.count as f64, self.pivot - pivot, self.sums);
        let sums = [
            s1 + n * d,
            s2 + d * (2.0 * s1 + n * d),
            s3 + d * (3.0 * s2 + d * (3.0 * s1 + n * d)),
            s4 + d * (4.0 * s3 + d * (6.0 * s2 + d * (4.0 * s1 + n * d))),
        ];
        Moments { count: self.count, pivot, sums }
    }

    /// All rows together, about their common mean; in the order given.
    pub fn total(rows: &[Moments]) -> Moments {
        let filled = || rows.iter().filter(|row| row.count > 0);
        let Some(origin) = filled().next().map(|row| row.pivot) else { return Moments::default() };
        let shifted: f64 = filled().map(|row| row.about(origin).sums[0]).sum();
        let count: u64 = filled().map(|row| row.count).sum();
        let pivot = origin + shifted / count as f64;
        filled().fold(Moments { count: 0, pivot, sums: [0.0; 4] }, |total, row| total.plus(&row.about(pivot)))
    }

    /// Sum with a row about the same pivot.
    fn plus(mut self, row: &Moments) -> Moments {
        self.count += row.count;
        for (sum, more) in self.sums.iter_mut().zip(row.sums) {
            *sum += more;
        }
        self
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The value that the sums are about.
    pub fn pivot(&self) -> f64 {
        self.pivot
    }

    /// `[N, Σ(v−pivot), …, Σ(v−pivot)⁴]`: a row for [`super::jackknife`] (make the pivots equal first).
    pub fn sums(&self) -> [f64; 5] {
        let [s1, s2, s3, s4] = self.sums;
        [self.count as f64, s1, s2, s3, s4]
    }

    /// Mean; NaN without values.
    pub fn mean(&self) -> f64 {
        self.pivot + self.sums[0] / self.count as f64
    }

    /// Central moment of order 2, 3 or 4 over N.
    fn central(&self, order: usize) -> f64 {
        self.about(self.mean()).sums[order - 1] / self.count as f64
    }

    /// Unbiased variance; NaN with fewer than two values.
    pub fn variance(&self) -> f64 {
        self.central(2) * self.count as f64 / (self.count as f64 - 1.0)
    }

    /// Root of the mean square.
    pub fn rms(&self) -> f64 {
        (self.mean().powi(2) + self.central(2)).sqrt()
    }

    /// Mean with its standard error `sqrt(variance/N)`.
    pub fn measured_mean(&self) -> Measured {
        Measured { value: self.mean(), standard_error: or_infinite((self.variance() / self.count as f64).sqrt()) }
    }

    /// Variance with its standard error `sqrt((μ₄ − variance²)/N + 2 variance²/N(N − 1))`, whatever the law: where a value takes two numbers equally often the
    /// first term vanishes, and the second does not.
    pub fn measured_variance(&self) -> Measured {
        let (variance, n) = (self.variance(), self.count as f64);
        let spread = (self.central(4) - self.central(2).powi(2)).max(0.0) + 2.0 * self.central(2).powi(2) / (n - 1.0);
        Measured { value: variance, standard_error: or_infinite((spread / n).sqrt()) }
    }

    /// Over how many trajectories the squared deviations are spread: `N μ₂²/μ₄`, the number of events where each is as rare as it is large. `None` where
    /// nothing fluctuates.
    pub fn participation(&self) -> Option<f64> {
        let (second, fourth) = (self.central(2), self.central(4));
        (fourth > 0.0 && second > 0.0).then(|| self.count as f64 * second * second / fourth)
    }

    /// Third cumulant `⟨(v − ⟨v⟩)³⟩`, without its bias of relative order 1/N.
    pub fn third_cumulant(&self) -> f64 {
        let n = self.count as f64;
        self.central(3) * n * n / ((n - 1.0) * (n - 2.0))
    }

    /// From a row of [`Moments::sums`] about `pivot`.
    pub fn from_sums(sums: &[f64], pivot: f64) -> Moments {
        Moments { count: sums[0].round() as u64, pivot, sums: [sums[1], sums[2], sums[3], sums[4]] }
    }
}

/// NaN (too few values) as an infinite error.
fn or_infinite(error: f64) -> f64 {
    if error.is_nan() { f64::INFINITY } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draws, Purpose};
    use crate::statistics::jackknife;

    #[test]
    fn a_mean_large_against_the_spread_costs_no_digits() {
        let offset = 1e6;
        let values = [1.0, 2.0, 4.0, 8.0, 1.5, 0.25];
        let (mut near, mut far) = (Moments::default(), Moments::default());
        near.extend(values.into_iter());
        far.extend(values.into_iter().map(|v| v + offset));
        assert!((far.variance() / near.variance() - 1.0).abs() <= 1e-9);
        assert!((far.central(4) / near.central(4) - 1.0).abs() <= 1e-9);
        assert!((far.mean() - offset - near.mean()).abs() <= 1e-9);
    }

    #[test]
    fn rows_together_are_the_whole() {
        let mut draws = Draws::new(3, Purpose::Initial, 0);
        let values: Vec<f64> = (0..1000).map(|_| 5.0 + draws.normal().exp()).collect();
        let mut whole = Moments::default();
        whole.extend(values.iter().copied());
        let rows: Vec<Moments> = values
            .chunks(77)
            .map(|chunk| {
                let mut row = Moments::default();
                row.extend(chunk.iter().copied());
                row
            })
            .collect();
        let total = Moments::total(&rows);
        assert_eq!(total.count(), 1000);
        for (a, b) in [(total.mean(), whole.mean()), (total.variance(), whole.variance()), (total.third_cumulant(), whole.third_cumulant())] {
            assert!((a / b - 1.0).abs() <= 1e-11, "{a} {b}");
        }
    }

    #[test]
    fn the_jackknife_agrees_with_the_analytic_errors() {
        let mut draws = Draws::new(4, Purpose::Initial, 0);
        let mut rows = vec![Moments::default(); 400];
        rows.iter_mut().for_each(|row| row.extend((0..100).map(|_| draws.uniform().powi(2))));
        let total = Moments::total(&rows);
        let sums: Vec<Vec<f64>> = rows.iter().map(|row| row.about(total.pivot()).sums().to_vec()).collect();
        let weights = vec![100.0; rows.len()];
        let mean = jackknife(&sums, &weights, |s| Moments::from_sums(s, total.pivot()).mean());
        let variance = jackknife(&sums, &weights, |s| Moments::from_sums(s, total.pivot()).variance());
        // A jackknife over 400 blocks knows its error to 1/sqrt(800) = 3.5 %.
        for (left, right) in [(mean, total.measured_mean()), (variance, total.measured_variance())] {
            assert!((left.standard_error / right.standard_error - 1.0).abs() <= 5.0 * 0.0354, "{left:?} {right:?}");
            assert!((left.value - right.value).abs() <= 1e-12);
        }
    }

    #[test]
    fn too_few_values_have_no_error() {
        let mut one = Moments::default();
        one.extend([2.0].into_iter());
        assert_eq!(one.measured_mean(), Measured { value: 2.0, standard_error: f64::INFINITY });
        assert!(Moments::total(&[]).mean().is_nan());
    }
}
