//! Mean and variance of what flows along a linear process: `S = ∫ g(z) ∘ dz` with `g = b + B z`, as heat to one of several baths, or the work of a drive.
//!
//! Beside the law, the covariance of `S` with the state and its third cumulant with two of them obey closed linear equations. In a steady state they
//! have a closed solution, and the variance a rate.

use nalgebra::{DMatrix, DVector};

use super::linear::{ExactStep, Gaussian, LinearDynamics};
use super::tilt::{Form, Functional};

/// `∫ (b + B z) ∘ dz` along a linear process.
#[derive(Clone, Debug)]
pub struct Flow {
    constant: DVector<f64>,
    matrix: DMatrix<f64>,
    /// `2D`.
    noise: DMatrix<f64>,
    /// What flows per time on average, at a given state: `g·(a − A z) + tr(B D)`.
    rate: Form,
}

/// Time derivatives.
struct Slopes {
    mean: f64,
    variance: f64,
    shift: DVector<f64>,
    stretch: DMatrix<f64>,
}

impl Flow {
    /// A flow with `b` of length `n` and `B`, `n × n`.
    pub fn new(dynamics: &LinearDynamics, constant: DVector<f64>, matrix: DMatrix<f64>) -> Self {
        let spread = matrix.diagonal().dot(&dynamics.diffusion);
        let cross = matrix.transpose() * &dynamics.drift;
        let rate = Form {
            constant: constant.dot(&dynamics.offset) + spread,
            linear: matrix.tr_mul(&dynamics.offset) - dynamics.drift.tr_mul(&constant),
            quadratic: -(&cross + cross.transpose()),
        };
        Self { constant, matrix, noise: DMatrix::from_diagonal(&(&dynamics.diffusion * 2.0)), rate }
    }

    fn slopes(&self, dynamics: &LinearDynamics, law: &Gaussian, shift: &DVector<f64>, stretch: &DMatrix<f64>) -> Slopes {
        let (source, matrix_source) = self.sources(law);
        let turned = &dynamics.drift * stretch;
        let (slope, own) = self.own(law);
        Slopes {
            mean: self.rate.mean(law),
            variance: own + 2.0 * (slope.dot(shift) + 0.5 * self.rate.quadratic.dot(stretch)),
            shift: source - &dynamics.drift * shift,
            stretch: matrix_source - &turned - turned.transpose(),
        }
    }

    /// What drives the covariances of the flow with the state: of one coordinate, and of two.
    fn sources(&self, law: &Gaussian) -> (DVector<f64>, DMatrix<f64>) {
        let (mean, covariance) = (law.mean(), law.covariance());
        let (slope, _) = self.own(law);
        let force = &self.constant + &self.matrix * mean;
        let mixed = &self.noise * &self.matrix * covariance;
        (covariance * slope + &self.noise * force, covariance * &self.rate.quadratic * covariance + &mixed + mixed.transpose())
    }

    /// Gradient of the rate at the mean, and the variance per time that the noise of the moment brings.
    fn own(&self, law: &Gaussian) -> (DVector<f64>, f64) {
        let (mean, covariance) = (law.mean(), law.covariance());
        let force = &self.constant + &self.matrix * mean;
        let spread = (self.matrix.transpose() * &self.noise * &self.matrix).dot(covariance);
        (&self.rate.linear + &self.rate.quadratic * mean, force.dot(&(&self.noise * &force)) + spread)
    }

    /// Mean and variance per time in the stationary law, over long times; `None` where that is not confined.
    pub fn rates(&self, dynamics: &LinearDynamics, law: &Gaussian) -> Option<(f64, f64)> {
        let (shift, stretch) = self.settled(dynamics, law)?;
        let slopes = self.slopes(dynamics, law, &shift, &stretch);
        Some((slopes.mean, slopes.variance))
    }

    fn settled(&self, dynamics: &LinearDynamics, law: &Gaussian) -> Option<(DVector<f64>, DMatrix<f64>)> {
        let (source, matrix_source) = self.sources(law);
        Some((dynamics.drift.clone().lu().solve(&source)?, dynamics.balance(&matrix_source)?))
    }
}

impl Functional {
    /// Adds a flow over a short time, by the rule of Runge and Kutta; the laws are those at the beginning, the middle and the end.
    pub fn flow(&mut self, flow: &Flow, dynamics: &LinearDynamics, laws: [&Gaussian; 3], time: f64) {
        let at = |law: &Gaussian, from: Option<(&Slopes, f64)>, sum: &Self| match from {
            None => flow.slopes(dynamics, law, &sum.shift[0], &sum.stretch[0]),
            Some((slopes, step)) => flow.slopes(dynamics, law, &(&sum.shift[0] + &slopes.shift * step), &(&sum.stretch[0] + &slopes.stretch * step)),
        };
        let first = at(laws[0], None, self);
        let second = at(laws[1], Some((&first, 0.5 * time)), self);
        let third = at(laws[1], Some((&second, 0.5 * time)), self);
        let fourth = at(laws[2], Some((&third, time)), self);
        for (slopes, weight) in [(first, 1.0), (second, 2.0), (third, 2.0), (fourth, 1.0)] {
            let factor = weight * time / 6.0;
            self.mean += factor * slopes.mean;
            self.variance += factor * slopes.variance;
            self.shift[0] += slopes.shift * factor;
            self.stretch[0] += slopes.stretch * factor;
        }
        self.third = f64::NAN;
    }

    /// Adds a flow over any time in a stationary law, exactly; `whole` is the step over that time. `None` where the law is not confined.
    pub fn flow_steadily(&mut self, flow: &Flow, dynamics: &LinearDynamics, law: &Gaussian, whole: &ExactStep, time: f64) -> Option<()> {
        let (shift, stretch) = flow.settled(dynamics, law)?;
        let slopes = flow.slopes(dynamics, law, &shift, &stretch);
        let (vector, matrix) = (&self.shift[0] - &shift, &self.stretch[0] - &stretch);
        let (later, later_matrix) = (&whole.propagator * &vector, &whole.propagator * &matrix * whole.propagator.transpose());
        // What is off the settled values decays; ∫ exp(−A s) y ds = A⁻¹ (y(0) − y(t)), and so for matrices.
        let spent = dynamics.drift.clone().lu().solve(&(&vector - &later))?;
        let spent_matrix = dynamics.balance(&(&matrix - &later_matrix))?;
        let (slope, _) = flow.own(law);
        self.mean += slopes.mean * time;
        self.variance += slopes.variance * time + 2.0 * (slope.dot(&spent) + 0.5 * flow.rate.quadratic.dot(&spent_matrix));
        self.shift[0] = shift + later;
        self.stretch[0] = stretch + later_matrix;
        self.third = f64::NAN;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(temperatures: [f64; 2]) -> (LinearDynamics, Gaussian) {
        let drift = DMatrix::from_row_slice(2, 2, &[1.5, -0.5, -0.5, 1.5]);
        let dynamics = LinearDynamics::new(drift, DVector::zeros(2), DVector::from_row_slice(&temperatures)).expect("dynamics");
        let law = dynamics.stationary().expect("confined");
        (dynamics, law)
    }

    /// Medium entropy: `Σ F_i ∘ dx_i / T_i`.
    fn entropy(dynamics: &LinearDynamics) -> Flow {
        let weights = DMatrix::from_diagonal(&dynamics.diffusion.map(|temperature| 1.0 / temperature));
        Flow::new(dynamics, DVector::zeros(2), -weights * &dynamics.drift)
    }

    #[test]
    fn the_gyrator_has_its_rates() {
        let (dynamics, law) = pair([2.0, 0.5]);
        let (mean, variance) = entropy(&dynamics).rates(&dynamics, &law).expect("confined");
        assert!((mean - 0.1875).abs() <= 1e-12 && (variance - 0.398_437_5).abs() <= 1e-12, "{mean} {variance}");
        // Control: in equilibrium nothing fluctuates for long.
        let (dynamics, law) = pair([1.0, 1.0]);
        assert!(entropy(&dynamics).rates(&dynamics, &law).is_some_and(|(mean, variance)| mean.abs() <= 1e-12 && variance.abs() <= 1e-12));
    }

    #[test]
    fn heat_between_two_beads_with_inertia_is_conserved_in_the_long_run() {
        let stiffness = DMatrix::from_row_slice(2, 2, &[2.5, -1.5, -1.5, 2.5]);
        let dynamics = LinearDynamics::with_inertia(&stiffness, &DVector::zeros(2), &[0.7, 0.7], &[2.0, 1.0], &[1.0, 1.0]).expect("dynamics");
        let law = dynamics.stationary().expect("confined");
        let heat = |i: usize| {
            let mut matrix = DMatrix::zeros(4, 4);
            (0..2).for_each(|j| matrix[(i, j)] = -stiffness[(i, j)]);
            matrix[(2 + i, 2 + i)] = -1.0;
            Flow::new(&dynamics, DVector::zeros(4), matrix).rates(&dynamics, &law).expect("confined")
        };
        let (first, second) = (heat(0), heat(1));
        assert!((first.0 + 0.226_618_705_036).abs() <= 1e-10 && (first.0 + second.0).abs() <= 1e-12, "{first:?} {second:?}");
        assert!((first.1 - second.1).abs() <= 1e-10 && first.1 > 0.1);
    }

    #[test]
    fn short_pieces_and_the_closed_form_agree_and_potentials_give_differences() {
        let (dynamics, law) = pair([2.0, 0.5]);
        let flow = entropy(&dynamics);
        let time = 1.3;
        let start = Form::surprise(&law).scaled(-1.0);
        let (mut pieces, mut whole) = (Functional::new(2), Functional::new(2));
        pieces.add(&start, &law);
        whole.add(&start, &law);
        whole.flow_steadily(&flow, &dynamics, &law, &dynamics.step(time).expect("a step"), time).expect("confined");
        let count = 400;
        (0..count).for_each(|_| pieces.flow(&flow, &dynamics, [&law; 3], time / f64::from(count)));
        for sum in [&mut pieces, &mut whole] {
            sum.add(&Form::surprise(&law), &law);
        }
        assert!((pieces.variance - whole.variance).abs() <= 1e-9 && (pieces.mean - whole.mean).abs() <= 1e-12, "{pieces:?} {whole:?}");
        // A conservative force: S = −ΔU, whatever happens on the way.
        let stiffness = DMatrix::from_row_slice(2, 2, &[1.5, -0.5, -0.5, 1.5]);
        let energy = Form { constant: 0.0, linear: DVector::zeros(2), quadratic: stiffness.clone() };
        let mut nothing = Functional::new(2);
        nothing.add(&energy.scaled(-1.0), &law);
        let force = Flow::new(&dynamics, DVector::zeros(2), -stiffness);
        nothing.flow_steadily(&force, &dynamics, &law, &dynamics.step(time).expect("a step"), time).expect("confined");
        nothing.add(&energy, &law);
        assert!(nothing.variance.abs() <= 1e-11 && nothing.mean.abs() <= 1e-12, "{nothing:?}");
    }
}
