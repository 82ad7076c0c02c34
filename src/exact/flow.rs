//! Mean, variance and third cumulant of what flows along a linear process: `S = ∫ g(z) ∘ dz` with `g = b + B z`, as heat to one of several baths, or the work of a drive.
//!
//! `exp(α S)` turns the drift `a − A z` to `a − A z + 2 α D g` and weighs with `exp ∫ α r + α² g·D g`, `r = g·(a − A z) + tr(B D)` (V. Y. Chernyak, M. Chertkov and
//! C. Jarzynski, J. Stat. Mech. P08001, 2006): a Gaussian law stays one, and its expansion in α obeys closed linear equations. In a steady state that of mean and
//! variance has a closed solution, and the variance a rate.

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

    /// Mean, variance and third cumulant per time, given how the flow so far and the state vary together.
    fn cumulants(&self, law: &Gaussian, sum: &Functional) -> [f64; 3] {
        let (slope, own) = self.own(law);
        let [first, second] = &sum.shift;
        let [stretch, later] = &sum.stretch;
        let along = |shift: &DVector<f64>, stretch: &DMatrix<f64>| slope.dot(shift) + 0.5 * self.rate.quadratic.dot(stretch);
        let (turned, bent) = self.noise_slopes(law);
        let third = along(second, later) + 0.5 * first.dot(&(&self.rate.quadratic * first)) + turned.dot(first) + 0.5 * bent.dot(stretch);
        [self.rate.mean(law), own + 2.0 * along(first, stretch), 6.0 * third]
    }

    /// Gradient at the mean, and curvature, of half the variance per time of the noise of the moment.
    fn noise_slopes(&self, law: &Gaussian) -> (DVector<f64>, DMatrix<f64>) {
        let turned = self.matrix.transpose() * &self.noise;
        (&turned * (&self.constant + &self.matrix * law.mean()), turned * &self.matrix)
    }

    /// What drives the second coefficients of the tilted law, which the third cumulant needs.
    fn later_sources(&self, law: &Gaussian, sum: &Functional) -> (DVector<f64>, DMatrix<f64>) {
        let covariance = law.covariance();
        let (slope, _) = self.own(law);
        let (turned, bent) = self.noise_slopes(law);
        let ([shift, _], [stretch, _]) = (&sum.shift, &sum.stretch);
        let carried = &self.noise * &self.matrix;
        let curved = stretch * &self.rate.quadratic * covariance;
        let mixed = &carried * stretch + curved;
        (&carried * shift + stretch * slope + covariance * (&self.rate.quadratic * shift + turned), &mixed + mixed.transpose() + covariance * bent * covariance)
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
        let (slope, own) = self.own(law);
        Some((self.rate.mean(law), own + 2.0 * (slope.dot(&shift) + 0.5 * self.rate.quadratic.dot(&stretch))))
    }

    fn settled(&self, dynamics: &LinearDynamics, law: &Gaussian) -> Option<(DVector<f64>, DMatrix<f64>)> {
        let (source, matrix_source) = self.sources(law);
        Some((dynamics.drift.clone().lu().solve(&source)?, dynamics.balance(&matrix_source)?))
    }
}

impl Functional {
    /// Adds a flow over the time of an exact step; the laws are those at its beginning and its end. What flows is a trapezoid, and what drives its covariances with
    /// the state keeps its mean: the error has even powers of the time alone, and none where nothing changes.
    pub fn flow(&mut self, flow: &Flow, dynamics: &LinearDynamics, laws: [&Gaussian; 2], step: &ExactStep, time: f64) {
        let add = |sum: &mut Self, law: &Gaussian| {
            let [mean, variance, third] = flow.cumulants(law, sum);
            sum.mean += 0.5 * time * mean;
            sum.variance += 0.5 * time * variance;
            sum.third += 0.5 * time * third;
        };
        let drive = |sum: &mut Self, k: usize, early: (DVector<f64>, DMatrix<f64>), late: (DVector<f64>, DMatrix<f64>)| {
            sum.shift[k] += &step.integral * (early.0 + late.0) * 0.5;
            sum.stretch[k] += dynamics.gathered((early.1 + late.1) * 0.5, time);
        };
        add(self, laws[0]);
        let early = (flow.sources(laws[0]), flow.later_sources(laws[0], self));
        self.advance(step);
        drive(self, 0, early.0, flow.sources(laws[1]));
        let late = flow.later_sources(laws[1], self);
        drive(self, 1, early.1, late);
        add(self, laws[1]);
    }

    /// Adds a flow over any time in a stationary law, exactly; `whole` is the step over that time. `None` where the law is not confined.
    pub fn flow_steadily(&mut self, flow: &Flow, dynamics: &LinearDynamics, law: &Gaussian, whole: &ExactStep, time: f64) -> Option<()> {
        let (shift, stretch) = flow.settled(dynamics, law)?;
        let (mean, variance) = flow.rates(dynamics, law)?;
        let (vector, matrix) = (&self.shift[0] - &shift, &self.stretch[0] - &stretch);
        let (later, later_matrix) = (&whole.propagator * &vector, &whole.propagator * &matrix * whole.propagator.transpose());
        // What is off the settled values decays; ∫ exp(−A s) y ds = A⁻¹ (y(0) − y(t)), and so for matrices.
        let spent = dynamics.drift.clone().lu().solve(&(&vector - &later))?;
        let spent_matrix = dynamics.balance(&(&matrix - &later_matrix))?;
        let (slope, _) = flow.own(law);
        self.mean += mean * time;
        self.variance += variance * time + 2.0 * (slope.dot(&spent) + 0.5 * flow.rate.quadratic.dot(&spent_matrix));
        self.shift[0] = shift + later;
        self.stretch[0] = stretch + later_matrix;
        self.third = f64::NAN;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::refinement::settle_within;

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
        let (start, end) = (Form::surprise(&law).scaled(-1.0), Form::surprise(&law));
        let whole = |flow: &Flow, [start, end]: [&Form; 2]| {
            let mut sum = Functional::new(2);
            sum.add(start, &law);
            sum.flow_steadily(flow, &dynamics, &law, &dynamics.step(time).expect("a step"), time).expect("confined");
            sum.add(end, &law);
            [sum.mean, sum.variance]
        };
        let pieces = |flow: &Flow, [start, end]: [&Form; 2]| {
            let mut rule = |count: usize| {
                let (mut sum, part) = (Functional::new(2), time / count as f64);
                let step = dynamics.step(part).expect("a step");
                sum.add(start, &law);
                (0..count).for_each(|_| sum.flow(flow, &dynamics, [&law; 2], &step, part));
                sum.add(end, &law);
                Some(vec![sum.mean, sum.variance, sum.third])
            };
            settle_within((4, 256), &|now, before| (now[1] - before[1]).abs(), &mut rule).expect("numbers").values
        };
        let (found, closed) = (pieces(&flow, [&start, &end]), whole(&flow, [&start, &end]));
        assert!((found[1] - closed[1]).abs() <= 1e-11 && (found[0] - closed[0]).abs() <= 1e-12, "{found:?} {closed:?}");
        assert!(found[2].abs() > 1e-3);
        // A conservative force: S = −ΔU, whatever happens on the way.
        let stiffness = DMatrix::from_row_slice(2, 2, &[1.5, -0.5, -0.5, 1.5]);
        let energy = Form { constant: 0.0, linear: DVector::zeros(2), quadratic: stiffness.clone() };
        let force = Flow::new(&dynamics, DVector::zeros(2), -stiffness);
        let ends = [&energy.scaled(-1.0), &energy];
        let (nothing, closed) = (pieces(&force, ends), whole(&force, ends));
        assert!(nothing.iter().chain(&closed).all(|cumulant| cumulant.abs() <= 1e-11), "{nothing:?} {closed:?}");
    }
}
