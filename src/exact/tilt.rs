//! First three cumulants of a functional of a Gaussian process that is a sum of quadratic forms of the state at given times.
//!
//! `⟨exp(α S)⟩` with `S = Σ q_k(z(t_k))` stays an integral over an unnormalised Gaussian of mean `μ(α)`, covariance `C(α)` and weight `exp ψ(α)`: a form
//! `q = c + b·z + ½ zᵀ A z` changes `C⁻¹` by `−α A`. Expanding in α to third order gives them exactly (compare Speck, J. Phys. A 44, 305001, 2011).

use nalgebra::{DMatrix, DVector};

use super::linear::{ExactStep, Gaussian};

/// A quadratic form `c + b·z + ½ zᵀ A z`.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// `c`.
    pub constant: f64,
    /// `b`.
    pub linear: DVector<f64>,
    /// `A`, symmetric.
    pub quadratic: DMatrix<f64>,
}

impl Form {
    /// `c + b·z + ½ zᵀ A z` times a factor.
    pub fn scaled(&self, factor: f64) -> Self {
        Self { constant: factor * self.constant, linear: &self.linear * factor, quadratic: &self.quadratic * factor }
    }

    /// Sum of two forms.
    pub fn plus(&self, other: &Self) -> Self {
        Self { constant: self.constant + other.constant, linear: &self.linear + &other.linear, quadratic: &self.quadratic + &other.quadratic }
    }

    /// `−ln p` of a Gaussian.
    pub fn surprise(law: &Gaussian) -> Self {
        let n = law.mean().len();
        let inverse = law.covariance().clone().cholesky().map_or_else(|| DMatrix::from_element(n, n, f64::NAN), |factor| factor.inverse());
        let linear = -(&inverse * law.mean());
        Self { constant: -law.ln_pdf(&vec![0.0; n]), linear, quadratic: inverse }
    }

    /// Mean over a Gaussian.
    pub fn mean(&self, law: &Gaussian) -> f64 {
        let mean = law.mean();
        self.constant + self.linear.dot(mean) + 0.5 * mean.dot(&(&self.quadratic * mean)) + 0.5 * self.quadratic.dot(law.covariance())
    }
}

/// Cumulants of the functional so far, with what the next form needs.
#[derive(Clone, Debug)]
pub struct Functional {
    /// Mean.
    pub mean: f64,
    /// Variance.
    pub variance: f64,
    /// Third cumulant; NaN once a flow was added, of which only mean and variance are followed.
    pub third: f64,
    /// First and second coefficient of `μ(α)`.
    pub(super) shift: [DVector<f64>; 2],
    /// First and second coefficient of `C(α)`.
    pub(super) stretch: [DMatrix<f64>; 2],
}

impl Functional {
    /// Of nothing yet, for states of a dimension.
    pub fn new(dimension: usize) -> Self {
        let (vector, matrix) = (DVector::zeros(dimension), DMatrix::zeros(dimension, dimension));
        Self { mean: 0.0, variance: 0.0, third: 0.0, shift: [vector.clone(), vector], stretch: [matrix.clone(), matrix] }
    }

    /// Adds a form of the state, whose law is given: with `T = C A` as a series in α, `C → C + αTC + …`, and the weight takes `½ ln det(1 − αT)⁻¹` and a square.
    pub fn add(&mut self, form: &Form, law: &Gaussian) {
        let (covariance, matrix) = (law.covariance(), &form.quadratic);
        let [first, second] = &self.stretch;
        let turned = [covariance * matrix, first * matrix, second * matrix];
        let slope = [matrix * law.mean() + &form.linear, matrix * &self.shift[0], matrix * &self.shift[1]];
        let turned_twice = &turned[0] * &turned[0];
        let stretched = [&turned[0] * covariance, &turned[0] * first + &turned[1] * covariance + &turned_twice * covariance];
        let (along, after) = (covariance * &slope[0], first + &stretched[0]);
        self.mean += form.mean(law);
        self.variance += slope[0].dot(&along) + 0.5 * turned_twice.trace() + 2.0 * (slope[0].dot(&self.shift[0]) + 0.5 * turned[1].trace());
        let square = slope[1].dot(&along) + 0.5 * slope[0].dot(&(&after * &slope[0]));
        let determinant = 0.5 * (turned[2].trace() + (&turned[0] * &turned[1]).trace() + (&turned_twice * &turned[0]).trace() / 3.0);
        let linear = slope[0].dot(&self.shift[1]) + 0.5 * slope[1].dot(&self.shift[0]);
        self.third += 6.0 * (square + determinant + linear);
        let bent = covariance * &slope[1] + &after * &slope[0];
        self.shift[0] += along;
        self.shift[1] += bent;
        let [first, second] = stretched;
        self.stretch[0] += first;
        self.stretch[1] += second;
    }

    /// Follows the state through an exact step.
    pub fn advance(&mut self, step: &ExactStep) {
        for vector in &mut self.shift {
            *vector = &step.propagator * &*vector;
        }
        for matrix in &mut self.stretch {
            *matrix = &step.propagator * &*matrix * step.propagator.transpose();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::linear::LinearDynamics;

    /// Mean, variance and third cumulant of the work on an overdamped trap whose stiffness grows from 1 to 2 in unit time.
    fn breathing(from: f64, to: f64) -> [f64; 3] {
        let slices = 4000;
        let dt = 1.0 / f64::from(slices);
        let stiffness = |n: i32| if n == 0 { from } else { from + (to - from) * ((f64::from(n) - 0.5) * dt).min(1.0) };
        let mut law = Gaussian::new(DVector::zeros(1), DMatrix::from_element(1, 1, 1.0 / from)).expect("a law");
        let mut work = Functional::new(1);
        let mut before = from;
        for n in 1..=slices + 1 {
            let after = if n > slices { to } else { stiffness(n) };
            let form = Form { constant: 0.0, linear: DVector::zeros(1), quadratic: DMatrix::from_element(1, 1, after - before) };
            work.add(&form, &law);
            before = after;
            if n <= slices {
                let dynamics = LinearDynamics::new(DMatrix::from_element(1, 1, after), DVector::zeros(1), DVector::from_element(1, 1.0)).expect("a trap");
                let step = dynamics.step(dt).expect("a step");
                law = law.after(&step).expect("a law");
                work.advance(&step);
            }
        }
        [work.mean, work.variance, work.third]
    }

    #[test]
    fn the_breathing_trap_has_its_cumulants() {
        for ((from, to), expected) in
            [((1.0, 2.0), [0.412_465_798_5, 0.178_628_754_0, 0.200_037_948_2]), ((2.0, 1.0), [-0.297_269_872_2, 0.074_901_149_8, -0.051_309_774_4])]
        {
            let found = breathing(from, to);
            assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= 1e-7), "{found:?}");
        }
    }

    #[test]
    fn a_chi_square_has_its_third_cumulant_however_it_is_cut() {
        // z = 2 + 3 n: z² has third cumulant 8 σ⁶ + 24 μ² σ⁴; in three parts, the same.
        let law = Gaussian::new(DVector::from_element(1, 2.0), DMatrix::from_element(1, 1, 9.0)).expect("a law");
        let square = |part: f64| Form { constant: 0.0, linear: DVector::zeros(1), quadratic: DMatrix::from_element(1, 1, 2.0 * part) };
        let expected = 8.0 * 9f64.powi(3) + 24.0 * 4.0 * 81.0;
        for parts in [&[1.0][..], &[0.25, 0.5, 0.25], &[2.0, -1.0]] {
            let mut sum = Functional::new(1);
            parts.iter().for_each(|part| sum.add(&square(*part), &law));
            assert!((sum.third / expected - 1.0).abs() <= 1e-12, "{parts:?}: {}", sum.third);
        }
    }

    #[test]
    fn a_square_of_a_normal_number_has_variance_two() {
        let law = Gaussian::new(DVector::from_element(1, 3.0), DMatrix::from_element(1, 1, 4.0)).expect("a law");
        let square = Form { constant: 1.0, linear: DVector::zeros(1), quadratic: DMatrix::from_element(1, 1, 2.0) };
        let mut sum = Functional::new(1);
        sum.add(&square, &law);
        // z² + 1: mean 9 + 4 + 1, variance 4μ²σ² + 2σ⁴.
        assert!((sum.mean - 14.0).abs() <= 1e-12 && (sum.variance - (4.0 * 9.0 * 4.0 + 2.0 * 16.0)).abs() <= 1e-10);
        // Twice the same form at the same time is twice the form: the shift carries the correlation.
        sum.add(&square, &law);
        assert!((sum.variance - 4.0 * 176.0).abs() <= 1e-10, "{}", sum.variance);
        // And what it has been added to can be taken away again.
        sum.add(&square.scaled(-2.0), &law);
        assert!(sum.variance.abs() <= 1e-9 && sum.mean.abs() <= 1e-12, "{sum:?}");
        // −ln p has the mean that is the entropy, and variance 1/2 for each dimension.
        let mut surprise = Functional::new(1);
        surprise.add(&Form::surprise(&law), &law);
        assert!((surprise.mean - law.entropy()).abs() <= 1e-12 && (surprise.variance - 0.5).abs() <= 1e-12);
    }
}
