//! Logistic regression of labels on a scalar: how the ratio of two densities depends on it.
//!
//! If `positive` and `negative` samples have densities with `ln P₊(x)/P₋(x) = a + b x`, then a sample found at `x` is positive with
//! probability `1/(1 + exp(−offset − a − b x))`, `offset = ln(N₊/N₋)`, and the likelihood of the labels gives `a` and `b` with no histogram
//! ratio and no empty bins. Detailed fluctuation theorems say `a = 0`, `b = 1` (Shirts, Bair, Hooker & Pande, PRL 91, 140601 (2003)).

use super::Measured;

/// Samples found at one place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// The place.
    pub x: f64,
    /// How many of them are labelled positive.
    pub positive: f64,
    /// How many are labelled negative.
    pub negative: f64,
}

/// The fitted line, beside the line `u = x` that a theorem expects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Slope `b`.
    pub slope: Measured,
    /// Where slope and height of the line are uncorrelated.
    pub centre: f64,
    /// `a + (b − 1)·centre`: how far the line lies above `u = x` there.
    pub offset: Measured,
}

/// Probability of a positive label at log-odds `u`.
pub fn probability(u: f64) -> f64 {
    1.0 / (1.0 + (-u).exp())
}

/// How many samples the two densities share, if `a = 0` and `b = 1`: `Σ 4p(1−p)`.
pub fn overlap(groups: &[Group], offset: f64) -> f64 {
    groups
        .iter()
        .map(|group| {
            let p = probability(offset + group.x);
            4.0 * p * (1.0 - p) * (group.positive + group.negative)
        })
        .sum()
}

/// Fits `a` and `b` by maximum likelihood (Newton's method from `a = 0`, `b = 1`); `None` where the likelihood has no maximum.
///
/// `fixed` is what the variance of `a` loses because the numbers of samples were fixed beforehand: `1/N₊ + 1/N₋` for two separate
/// ensembles, 0 where the labels themselves are random (Prentice & Pyke, Biometrika 66, 403 (1979)).
pub fn fit(groups: &[Group], offset: f64, fixed: f64) -> Option<Fit> {
    let (mut a, mut b) = (0.0, 1.0);
    let mut here = Likelihood::at(groups, offset, a, b);
    for _ in 0..100 {
        let (step_a, step_b) = here.newton_step()?;
        // How far the maximum is, squared, in standard errors.
        let distance = step_a * here.gradient[0] + step_b * here.gradient[1];
        if distance <= 1e-12 {
            return here.summary(a, b, fixed);
        }
        let mut scale = 1.0;
        let mut next = Likelihood::at(groups, offset, a + step_a, b + step_b);
        // Near the maximum Newton's step is safe, and the rounding of the likelihood larger than its gain.
        while distance > 1e-2 && (next.value.is_nan() || next.value < here.value) && scale > 1e-9 {
            scale /= 2.0;
            next = Likelihood::at(groups, offset, a + scale * step_a, b + scale * step_b);
        }
        (a, b, here) = (a + scale * step_a, b + scale * step_b, next);
    }
    None
}

/// Log-likelihood of the labels with its gradient and information matrix `(aa, ab, bb)`.
struct Likelihood {
    value: f64,
    gradient: [f64; 2],
    information: [f64; 3],
}

impl Likelihood {
    fn at(groups: &[Group], offset: f64, a: f64, b: f64) -> Self {
        let mut sums = Self { value: 0.0, gradient: [0.0; 2], information: [0.0; 3] };
        for group in groups {
            let u = offset + a + b * group.x;
            let shrunk = (-u.abs()).exp();
            let log_wrong = shrunk.ln_1p();
            let (p, q) = if u >= 0.0 { (1.0 / (1.0 + shrunk), shrunk / (1.0 + shrunk)) } else { (shrunk / (1.0 + shrunk), 1.0 / (1.0 + shrunk)) };
            sums.value -= group.positive * (log_wrong + (-u).max(0.0)) + group.negative * (log_wrong + u.max(0.0));
            let residual = group.positive * q - group.negative * p;
            let weight = (group.positive + group.negative) * p * q;
            sums.gradient[0] += residual;
            sums.gradient[1] += residual * group.x;
            sums.information[0] += weight;
            sums.information[1] += weight * group.x;
            sums.information[2] += weight * group.x * group.x;
        }
        sums
    }

    /// Inverse of the information matrix `(aa, ab, bb)`, unless it is singular.
    fn covariance(&self) -> Option<[f64; 3]> {
        let [aa, ab, bb] = self.information;
        let determinant = aa * bb - ab * ab;
        (determinant > 1e-12 * aa * bb).then(|| [bb / determinant, -ab / determinant, aa / determinant])
    }

    fn newton_step(&self) -> Option<(f64, f64)> {
        let [aa, ab, bb] = self.covariance()?;
        let [ga, gb] = self.gradient;
        Some((aa * ga + ab * gb, ab * ga + bb * gb))
    }

    fn summary(&self, a: f64, b: f64, fixed: f64) -> Option<Fit> {
        let [aa, ab, bb] = self.covariance()?;
        let centre = -ab / bb;
        let height = (aa - fixed + ab * centre).max(0.0);
        Some(Fit {
            slope: Measured { value: b, standard_error: bb.sqrt() },
            centre,
            offset: Measured { value: a + (b - 1.0) * centre, standard_error: height.sqrt() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exact expected labels of a line, so that the fit must return the line.
    fn groups(a: f64, b: f64) -> Vec<Group> {
        (-30..=30)
            .map(|k| {
                let x = k as f64 / 10.0;
                let p = probability(0.3 + a + b * x);
                Group { x, positive: 1000.0 * p, negative: 1000.0 * (1.0 - p) }
            })
            .collect()
    }

    #[test]
    fn the_fit_returns_the_line() {
        for (a, b) in [(0.0, 1.0), (0.5, 1.03), (-1.0, -1.0), (0.0, 6.0)] {
            let found = fit(&groups(a, b), 0.3, 0.0).expect("fits");
            assert!((found.slope.value - b).abs() <= 1e-6, "{found:?}");
            assert!((found.offset.value - a - (b - 1.0) * found.centre).abs() <= 1e-6, "{found:?}");
        }
    }

    #[test]
    fn separated_samples_have_no_slope() {
        let apart = [Group { x: -1.0, positive: 0.0, negative: 10.0 }, Group { x: 1.0, positive: 10.0, negative: 0.0 }];
        assert!(fit(&apart, 0.0, 0.0).is_none_or(|found| found.slope.standard_error > 10.0));
        assert!(fit(&[Group { x: 0.0, positive: 5.0, negative: 5.0 }], 0.0, 0.0).is_none());
        assert!(fit(&[], 0.0, 0.0).is_none());
    }

    #[test]
    fn overlap_counts_what_is_shared() {
        let balanced = [Group { x: 0.0, positive: 10.0, negative: 10.0 }];
        assert!((overlap(&balanced, 0.0) - 20.0).abs() <= 1e-12);
        assert!(overlap(&[Group { x: 50.0, positive: 1e6, negative: 0.0 }], 0.0) <= 1e-12);
    }
}
