//! First two cumulants of a functional of a Gaussian process that is a sum of quadratic forms of the state at given times.
//!
//! `⟨exp(α S)⟩` with `S = Σ q_k(z(t_k))` stays an integral over an unnormalised Gaussian of mean `μ(α)`, covariance `C(α)` and weight `exp ψ(α)`: a form
//! `q = c + b·z + ½ zᵀ A z` changes `C⁻¹` by `−α A`. Expanding in α to second order gives mean and variance exactly (compare Speck, J. Phys. A 44, 305001, 2011).

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

/// Mean and variance of the functional so far, with what the next form needs.
#[derive(Clone, Debug)]
pub struct Functional {
    /// Mean.
    pub mean: f64,
    /// Variance.
    pub variance: f64,
    /// `dμ/dα`.
    shift: DVector<f64>,
    /// `dC/dα`.
    stretch: DMatrix<f64>,
}

impl Functional {
    /// Of nothing yet, for states of a dimension.
    pub fn new(dimension: usize) -> Self {
        Self { mean: 0.0, variance: 0.0, shift: DVector::zeros(dimension), stretch: DMatrix::zeros(dimension, dimension) }
    }

    /// Adds a form of the state, whose law is given.
    pub fn add(&mut self, form: &Form, law: &Gaussian) {
        let covariance = law.covariance();
        let slope = &form.quadratic * law.mean() + &form.linear;
        let turned = covariance * &form.quadratic;
        let along = covariance * &slope;
        self.mean += form.mean(law);
        self.variance += slope.dot(&along) + 0.5 * (&turned * &turned).trace();
        self.variance += 2.0 * (slope.dot(&self.shift) + 0.5 * form.quadratic.dot(&self.stretch));
        self.shift += along;
        self.stretch += &turned * covariance;
    }

    /// Follows the state through an exact step.
    pub fn advance(&mut self, step: &ExactStep) {
        self.shift = &step.propagator * &self.shift;
        self.stretch = &step.propagator * &self.stretch * step.propagator.transpose();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::linear::LinearDynamics;

    /// Work of the breathing trap of PHYSICS §5: mean and variance of an overdamped trap whose stiffness grows from 1 to 2 in unit time.
    fn breathing(from: f64, to: f64) -> (f64, f64) {
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
        (work.mean, work.variance)
    }

    #[test]
    fn the_breathing_trap_has_its_mean_and_variance() {
        for ((from, to), mean, variance) in [((1.0, 2.0), 0.412_465_8, 0.178_628_8), ((2.0, 1.0), -0.297_269_9, 0.074_901_1)] {
            let found = breathing(from, to);
            assert!((found.0 - mean).abs() <= 1e-6 && (found.1 - variance).abs() <= 1e-6, "{found:?}");
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
