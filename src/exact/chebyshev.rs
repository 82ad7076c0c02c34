//! Functions of time with many components, as polynomials through Chebyshev's points.

use std::f64::consts::PI;

/// Degree tried first.
const LEAST_DEGREE: usize = 8;
/// Highest degree.
const MOST_DEGREE: usize = 256;
/// Coefficients behind the degree that are taken for the error.
const TAIL: usize = 3;

/// `f(t) = Σ_k c_k T_k(s)`, `s` running from −1 to 1 over the range; `c_k` is a vector.
#[derive(Clone, Debug)]
pub struct Polynomial {
    range: (f64, f64),
    coefficients: Vec<Vec<f64>>,
    /// Estimated largest error of any component.
    pub error: f64,
}

impl Polynomial {
    /// The polynomial of least degree, a power of two, whose last coefficients are all below `tolerance`. Every sample is used in all degrees above.
    /// `None` where there is no such polynomial, where it takes more than `most` samples, or where a sample is `None` or not finite.
    pub fn through(range: (f64, f64), tolerance: f64, most: usize, f: &mut dyn FnMut(f64) -> Option<Vec<f64>>) -> Option<Self> {
        let mut sample = |part: f64| f(range.0 + part * (range.1 - range.0)).filter(|values| values.iter().all(|value| value.is_finite()));
        let mut degree = LEAST_DEGREE;
        // From the end of the range to its start: s = cos(πj/degree).
        let place = |j: usize, degree: usize| 0.5 * (1.0 + (PI * j as f64 / degree as f64).cos());
        let mut samples: Vec<Vec<f64>> = (0..=degree).map(|j| sample(place(j, degree))).collect::<Option<_>>()?;
        loop {
            let coefficients = coefficients(&samples);
            let size = |k: usize| coefficients[k].iter().fold(0.0f64, |most, c| most.max(c.abs()));
            let error = (degree + 1 - TAIL..=degree).map(size).fold(0.0, f64::max);
            if error <= tolerance {
                let kept = (0..=degree).rfind(|&k| size(k) > 0.1 * tolerance).map_or(1, |k| k + 1);
                return Some(Self { range, coefficients: coefficients.into_iter().take(kept).collect(), error });
            }
            if degree >= MOST_DEGREE || 2 * degree + 1 > most {
                return None;
            }
            degree *= 2;
            let mut finer = Vec::with_capacity(degree + 1);
            for (j, known) in samples.into_iter().enumerate() {
                if j > 0 {
                    finer.push(sample(place(2 * j - 1, degree))?);
                }
                finer.push(known);
            }
            samples = finer;
        }
    }

    /// The same with time running backwards from `end` to 0.
    pub fn mirrored(&self, end: f64) -> Self {
        let mut mirrored = Self { range: (end - self.range.1, end - self.range.0), ..self.clone() };
        mirrored.coefficients.iter_mut().skip(1).step_by(2).flatten().for_each(|c| *c = -*c);
        mirrored
    }

    /// All components at a time, by Clenshaw's recurrence.
    pub fn at(&self, time: f64, out: &mut [f64]) {
        let s = 2.0 * (time - self.range.0) / (self.range.1 - self.range.0) - 1.0;
        let mut before = vec![0.0; out.len()];
        out.fill(0.0);
        for of_degree in self.coefficients.iter().skip(1).rev() {
            for ((value, before), c) in out.iter_mut().zip(&mut before).zip(of_degree) {
                let next = c + 2.0 * s * *value - *before;
                (*before, *value) = (*value, next);
            }
        }
        for ((value, before), c) in out.iter_mut().zip(&before).zip(&self.coefficients[0]) {
            *value = c + s * *value - before;
        }
    }
}

/// The discrete cosine transform of the samples at `cos(πj/degree)`.
fn coefficients(samples: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let degree = samples.len() - 1;
    let half = |j: usize| if j == 0 || j == degree { 0.5 } else { 1.0 };
    let of_degree = |k: usize| {
        let mut sum = vec![0.0; samples[0].len()];
        for (j, sample) in samples.iter().enumerate() {
            // Angles by whole numbers, so that large ones lose nothing.
            let weight = 2.0 / degree as f64 * half(k) * half(j) * (PI * (j * k % (2 * degree)) as f64 / degree as f64).cos();
            sum.iter_mut().zip(sample).for_each(|(sum, value)| *sum += weight * value);
        }
        sum
    };
    (0..=degree).map(of_degree).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooth_functions_are_hit_everywhere_with_few_samples() {
        let mut samples = 0;
        let exact = |t: f64| vec![(2.0 * t).sin(), (1.0 + t * t).ln(), 3.0, t];
        let polynomial = Polynomial::through((-0.5, 2.0), 1e-10, 1000, &mut |t| {
            samples += 1;
            Some(exact(t))
        })
        .expect("it is smooth");
        assert!(samples <= 65 && polynomial.error <= 1e-10, "{samples}");
        let mut found = [0.0; 4];
        let mirrored = polynomial.mirrored(7.0);
        for t in (0..=200).map(|k| -0.5 + 2.5 * f64::from(k) / 200.0) {
            for (polynomial, time) in [(&polynomial, t), (&mirrored, 7.0 - t)] {
                polynomial.at(time, &mut found);
                for (found, exact) in found.iter().zip(exact(t)) {
                    assert!((found - exact).abs() <= 1e-9, "{t}: {found} {exact}");
                }
            }
        }
    }

    #[test]
    fn a_kink_and_a_pole_have_no_polynomial() {
        assert!(Polynomial::through((-1.0, 1.0), 1e-10, 1000, &mut |t| Some(vec![(t - 0.1).abs()])).is_none());
        assert!(Polynomial::through((-1.0, 1.0), 1e-10, 1000, &mut |t| Some(vec![1.0 / t])).is_none());
    }
}
