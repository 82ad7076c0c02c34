//! Gaussian laws of linear dynamics `dx = (a − A x) dt + noise`, with `⟨noise noiseᵀ⟩ = 2 D dt`, `D` diagonal.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use super::{ExactError, positive};

/// Linear dynamics. For forces `F = b − K x`: `A = γ⁻¹ K`, `a = γ⁻¹ b`, `D_i = T_i/γ_i`.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearDynamics {
    /// `A`, `d × d`.
    pub drift: DMatrix<f64>,
    /// `a`, length `d`.
    pub offset: DVector<f64>,
    /// `D_i`, length `d`.
    pub diffusion: DVector<f64>,
}

/// The exact solution over a time `dt`: `x' = E x + c + ξ`, `ξ` Gaussian of covariance `Σ`.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactStep {
    /// `E = exp(−A dt)`.
    pub propagator: DMatrix<f64>,
    /// `Θ = ∫ exp(−A s) ds`.
    pub integral: DMatrix<f64>,
    /// `c = Θ a`.
    pub offset: DVector<f64>,
    /// `Σ = ∫ exp(−A s) 2D exp(−Aᵀ s) ds`.
    pub covariance: DMatrix<f64>,
}

/// The path ledger of an exact step: `ln p(x'|x) − ln p(x|x') = Δ·(h − G x̄)`, `Δ = x' − x`, `x̄ = (x + x')/2`.
#[derive(Clone, Debug, PartialEq)]
pub struct PathLedger {
    /// `G = (1+E)ᵀ Σ⁻¹ (1−E)`.
    pub matrix: DMatrix<f64>,
    /// `H` in `h = H a`: `(1+E)ᵀ Σ⁻¹ Θ`.
    pub response: DMatrix<f64>,
}

impl LinearDynamics {
    /// Checks dimensions, that every number is finite, and that every diffusion constant is positive.
    pub fn new(drift: DMatrix<f64>, offset: DVector<f64>, diffusion: DVector<f64>) -> Result<Self, ExactError> {
        let expected = offset.len();
        for (what, found) in [("the drift matrix", drift.nrows()), ("the drift matrix", drift.ncols()), ("the diffusion vector", diffusion.len())] {
            if found != expected {
                return Err(ExactError::Dimension { what, found, expected });
            }
        }
        for &value in &diffusion {
            positive("a diffusion constant", value)?;
        }
        if !drift.iter().chain(&offset).all(|value| value.is_finite()) {
            return Err(ExactError::NotFinite { what: "linear force", position: 0.0 });
        }
        Ok(Self { drift, offset, diffusion })
    }

    /// The dynamics of forces `b − K x`, with friction and temperature of every coordinate.
    pub fn of_forces(stiffness: &DMatrix<f64>, constant: &DVector<f64>, friction: &[f64], temperature: &[f64]) -> Result<Self, ExactError> {
        let expected = constant.len();
        for (what, found) in
            [("the friction vector", friction.len()), ("the temperature vector", temperature.len()), ("the stiffness matrix", stiffness.nrows())]
        {
            if found != expected {
                return Err(ExactError::Dimension { what, found, expected });
            }
        }
        for &value in friction {
            positive("a friction", value)?;
        }
        let mobility = DVector::from_iterator(expected, friction.iter().map(|gamma| 1.0 / gamma));
        let diffusion = DVector::from_column_slice(temperature).component_mul(&mobility);
        Self::new(DMatrix::from_diagonal(&mobility) * stiffness, constant.component_mul(&mobility), diffusion)
    }

    /// Coordinates and velocities `(x, v)` of underdamped dynamics with forces `b − K x`: `dx = v dt`, `m dv = (b − K x − γ v) dt + sqrt(2 γ T) dW`.
    /// The noise acts on velocities alone, and not at all where the friction is 0.
    pub fn with_inertia(stiffness: &DMatrix<f64>, constant: &DVector<f64>, friction: &[f64], temperature: &[f64], mass: &[f64]) -> Result<Self, ExactError> {
        let d = constant.len();
        for (what, found) in [
            ("the friction vector", friction.len()),
            ("the temperature vector", temperature.len()),
            ("the mass vector", mass.len()),
            ("the stiffness matrix", stiffness.nrows()),
            ("the stiffness matrix", stiffness.ncols()),
        ] {
            if found != d {
                return Err(ExactError::Dimension { what, found, expected: d });
            }
        }
        for i in 0..d {
            positive("a mass", mass[i])?;
            positive("a temperature", temperature[i])?;
            if !(friction[i].is_finite() && friction[i] >= 0.0) {
                return Err(ExactError::NotPositive { name: "a friction", value: friction[i] });
            }
        }
        let drift = DMatrix::from_fn(2 * d, 2 * d, |i, j| match (i < d, j < d) {
            (true, true) => 0.0,
            (true, false) => -f64::from(i + d == j),
            (false, true) => stiffness[(i - d, j)] / mass[i - d],
            (false, false) => f64::from(i == j) * friction[i - d] / mass[i - d],
        });
        let offset = DVector::from_fn(2 * d, |i, _| if i < d { 0.0 } else { constant[i - d] / mass[i - d] });
        let diffusion = DVector::from_fn(2 * d, |i, _| if i < d { 0.0 } else { friction[i - d] * temperature[i - d] / (mass[i - d] * mass[i - d]) });
        if !drift.iter().chain(&offset).all(|value| value.is_finite()) {
            return Err(ExactError::NotFinite { what: "linear force", position: 0.0 });
        }
        Ok(Self { drift, offset, diffusion })
    }

    /// The exact step over `dt > 0`, for any `A`, singular or not.
    ///
    /// Taylor series over `dt/2ⁿ`, then `n` doublings: sums of positive terms, with no growing exponential as in the block
    /// matrix of Van Loan (IEEE Trans. Autom. Control 23, 395, 1978), so that stiff traps keep their digits.
    pub fn step(&self, dt: f64) -> Result<ExactStep, ExactError> {
        positive("the time step", dt)?;
        let (propagator, integral, covariance) = self.over(dt, DMatrix::from_diagonal(&(&self.diffusion * 2.0)));
        Ok(ExactStep { offset: &integral * &self.offset, propagator, integral, covariance })
    }

    /// `∫ exp(−A s) M exp(−Aᵀ s) ds` over a time `dt > 0`, `M` symmetric.
    pub fn gathered(&self, source: DMatrix<f64>, dt: f64) -> DMatrix<f64> {
        self.over(dt, source).2
    }

    /// `exp(−A dt)`, its integral, and that of `exp(−A s) M exp(−Aᵀ s)`.
    fn over(&self, dt: f64, source: DMatrix<f64>) -> (DMatrix<f64>, DMatrix<f64>, DMatrix<f64>) {
        let dimension = self.offset.len();
        let doublings = (4.0 * dt * self.drift.norm()).log2().ceil().clamp(0.0, 1023.0);
        let short = dt * (-doublings).exp2();
        let identity = DMatrix::identity(dimension, dimension);
        let (mut propagator, mut integral, mut covariance) = (identity.clone(), identity.clone() * short, DMatrix::zeros(dimension, dimension));
        let mut power = identity;
        let mut source = source * short;
        covariance += &source;
        for n in 1..=20 {
            power = &self.drift * &power * (-short / f64::from(n));
            propagator += &power;
            integral += &power * (short / f64::from(n + 1));
            let moved = &self.drift * &source;
            source = (&moved + moved.transpose()) * (-short / f64::from(n + 1));
            covariance += &source;
        }
        for _ in 0..doublings as u32 {
            covariance = &covariance + &propagator * &covariance * propagator.transpose();
            integral = &integral + &propagator * &integral;
            propagator = &propagator * &propagator;
        }
        (propagator, integral, symmetric(&covariance))
    }

    /// The stationary law. Errors unless every eigenvalue of `A` has a positive real part.
    pub fn stationary(&self) -> Result<Gaussian, ExactError> {
        let rate = self.relaxation_rate();
        // An eigenvalue that rounding alone keeps from zero is no confinement.
        let confined = rate > 1e-12 * self.drift.norm();
        if !confined {
            return Err(ExactError::Unstable { rate });
        }
        let unstable = ExactError::Unstable { rate };
        let covariance = self.balance(&DMatrix::from_diagonal(&(&self.diffusion * 2.0))).ok_or(unstable.clone())?;
        let mean = self.drift.clone().lu().solve(&self.offset).ok_or(unstable)?;
        Gaussian::new(mean, symmetric(&covariance))
    }

    /// `X` with `A X + X Aᵀ = source`; `None` where two eigenvalues of `A` add up to 0.
    pub fn balance(&self, source: &DMatrix<f64>) -> Option<DMatrix<f64>> {
        let dimension = self.offset.len();
        let identity = DMatrix::identity(dimension, dimension);
        // Columns stacked: (1 ⊗ A + A ⊗ 1) vec X = vec source.
        let operator = identity.kronecker(&self.drift) + self.drift.kronecker(&identity);
        let stacked = operator.lu().solve(&DVector::from_column_slice(source.as_slice()))?;
        Some(DMatrix::from_column_slice(dimension, dimension, stacked.as_slice()))
    }

    /// The slowest rate at which anything relaxes: the least real part of an eigenvalue of `A`.
    pub fn relaxation_rate(&self) -> f64 {
        self.drift.complex_eigenvalues().iter().fold(f64::INFINITY, |least, value| least.min(value.re))
    }

    /// `∫₀^∞ ⟨δx_i(0) δx_i(t)⟩/⟨δx_i²⟩ dt` in the stationary state: `⟨δx(t) δxᵀ(0)⟩ = exp(−At) C`, so that it is `(A⁻¹ C)_ii / C_ii`.
    pub fn correlation_times(&self) -> Result<Vec<f64>, ExactError> {
        let law = self.stationary()?;
        let covariance = law.covariance();
        let integral = self.drift.clone().lu().solve(covariance).ok_or(ExactError::Unstable { rate: 0.0 })?;
        Ok((0..self.offset.len()).map(|i| integral[(i, i)] / covariance[(i, i)]).collect())
    }

    /// Entropy production rate in the stationary state, in nats per unit time: `⟨νᵀ D⁻¹ ν⟩`, `ν` the local mean velocity.
    pub fn entropy_production_rate(&self) -> Result<f64, ExactError> {
        let law = self.stationary()?;
        let flow = self.local_velocity(&law);
        let squares = &flow * law.covariance() * flow.transpose();
        Ok(squares.diagonal().component_div(&self.diffusion).sum())
    }

    /// Heat given to each bath per unit time in the stationary state, `γ_i ⟨(a − A x)_i ∘ dx_i⟩/dt`.
    pub fn heat_rates(&self, friction: &DVector<f64>) -> Result<DVector<f64>, ExactError> {
        if friction.len() != self.offset.len() {
            return Err(ExactError::Dimension { what: "the friction vector", found: friction.len(), expected: self.offset.len() });
        }
        let law = self.stationary()?;
        let flow = self.local_velocity(&law);
        Ok((-&self.drift * law.covariance() * flow.transpose()).diagonal().component_mul(friction))
    }

    /// `B` in `ν(x) = B (x − mean)`: drift minus diffusion along the gradient of `ln p`.
    fn local_velocity(&self, law: &Gaussian) -> DMatrix<f64> {
        DMatrix::from_diagonal(&self.diffusion) * law.factor.inverse() - &self.drift
    }
}

impl ExactStep {
    /// Lower triangular `L` with `L Lᵀ = Σ`.
    pub fn noise_factor(&self) -> Result<DMatrix<f64>, ExactError> {
        Ok(factor(&self.covariance)?.l())
    }

    /// `Σ⁻¹`.
    pub fn inverse_covariance(&self) -> Result<DMatrix<f64>, ExactError> {
        Ok(factor(&self.covariance)?.inverse())
    }

    /// The path ledger of the step.
    pub fn ledger(&self) -> Result<PathLedger, ExactError> {
        let inverse = factor(&self.covariance)?;
        let identity = DMatrix::identity(self.offset.len(), self.offset.len());
        let sum = (&identity + &self.propagator).transpose();
        Ok(PathLedger { matrix: &sum * inverse.solve(&(&identity - &self.propagator)), response: sum * inverse.solve(&self.integral) })
    }
}

/// A Gaussian law of `d` coordinates.
#[derive(Clone, Debug)]
pub struct Gaussian {
    mean: DVector<f64>,
    covariance: DMatrix<f64>,
    factor: Cholesky<f64, Dyn>,
}

impl Gaussian {
    /// Errors unless the covariance is a positive-definite matrix of the mean's dimension.
    pub fn new(mean: DVector<f64>, covariance: DMatrix<f64>) -> Result<Self, ExactError> {
        for found in [covariance.nrows(), covariance.ncols()] {
            if found != mean.len() {
                return Err(ExactError::Dimension { what: "the covariance", found, expected: mean.len() });
            }
        }
        let factor = factor(&covariance)?;
        Ok(Self { mean, covariance, factor })
    }

    /// From a mean, and a covariance that need only be symmetric up to rounding, row by row.
    pub fn of_numbers(mean: &[f64], covariance: &[f64]) -> Result<Self, ExactError> {
        let d = mean.len();
        Self::new(DVector::from_column_slice(mean), symmetric(&DMatrix::from_row_slice(d, d, covariance)))
    }

    /// Mean, length `d`.
    pub fn mean(&self) -> &DVector<f64> {
        &self.mean
    }

    /// Covariance, `d × d`.
    pub fn covariance(&self) -> &DMatrix<f64> {
        &self.covariance
    }

    /// Lower triangular factor of the covariance, for sampling `mean + factor·z`.
    pub fn noise_factor(&self) -> DMatrix<f64> {
        self.factor.l()
    }

    /// The law after an exact step.
    pub fn after(&self, step: &ExactStep) -> Result<Self, ExactError> {
        let covariance = &step.propagator * &self.covariance * step.propagator.transpose() + &step.covariance;
        Self::new(&step.propagator * &self.mean + &step.offset, symmetric(&covariance))
    }

    /// Logarithm of the probability density at `x`, length `d`.
    pub fn ln_pdf(&self, x: &[f64]) -> f64 {
        let deviation = DVector::from_column_slice(x) - &self.mean;
        -0.5 * deviation.dot(&self.factor.solve(&deviation)) - self.half_ln_determinant() - 0.5 * self.mean.len() as f64 * std::f64::consts::TAU.ln()
    }

    /// The law with the coordinates that are `odd` turned round, `z_i → −z_i`.
    pub fn flipped(&self, odd: &dyn Fn(usize) -> bool) -> Self {
        let sign = |i: usize| if odd(i) { -1.0 } else { 1.0 };
        let (mean, covariance) = (
            DVector::from_fn(self.mean.len(), |i, _| sign(i) * self.mean[i]),
            DMatrix::from_fn(self.mean.len(), self.mean.len(), |i, j| sign(i) * sign(j) * self.covariance[(i, j)]),
        );
        // Signs change no pivot.
        Self::new(mean, covariance).unwrap_or_else(|_| self.clone())
    }

    /// Gibbs entropy `−∫ p ln p`, in nats.
    pub fn entropy(&self) -> f64 {
        self.half_ln_determinant() + 0.5 * self.mean.len() as f64 * (std::f64::consts::TAU.ln() + 1.0)
    }

    fn half_ln_determinant(&self) -> f64 {
        self.factor.l_dirty().diagonal().iter().map(|pivot| pivot.ln()).sum()
    }
}

fn factor(covariance: &DMatrix<f64>) -> Result<Cholesky<f64, Dyn>, ExactError> {
    let advice = "every temperature must be positive, and no coordinate a copy of another";
    covariance.clone().cholesky().ok_or(ExactError::NotPositiveDefinite { what: "covariance", advice })
}

fn symmetric(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    (matrix + matrix.transpose()) * 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gyrator() -> LinearDynamics {
        let drift = DMatrix::from_row_slice(2, 2, &[2.0, -1.0, -1.0, 2.0]);
        LinearDynamics::new(drift, DVector::zeros(2), DVector::from_vec(vec![1.0, 10.0])).unwrap()
    }

    fn close(value: f64, expected: f64, tolerance: f64) -> bool {
        (value - expected).abs() <= tolerance
    }

    #[test]
    fn one_trap_has_the_step_of_ornstein_and_uhlenbeck() {
        for (k, dt) in [(1.0, 0.01), (3.0, 2.0), (50.0, 4.0), (1e-9, 0.5)] {
            let dynamics = LinearDynamics::new(DMatrix::from_element(1, 1, k), DVector::from_element(1, 0.7), DVector::from_element(1, 2.0)).unwrap();
            let step = dynamics.step(dt).unwrap();
            let variance = -2.0 / k * (-2.0 * k * dt).exp_m1();
            assert!(close(step.propagator[0], (-k * dt).exp(), 1e-14));
            assert!(close(step.offset[0], -0.7 / k * (-k * dt).exp_m1(), 1e-13), "{k}: {}", step.offset[0]);
            assert!(close(step.covariance[0], variance, 1e-13 * variance), "{k}: {}", step.covariance[0]);
        }
    }

    #[test]
    fn singular_and_rotating_drifts() {
        // Free diffusion of the centre of mass beside a relaxing difference.
        let pair = DMatrix::from_row_slice(2, 2, &[1.0, -1.0, -1.0, 1.0]);
        let step = LinearDynamics::new(pair.clone(), DVector::from_vec(vec![1.0, 1.0]), DVector::from_element(2, 0.5)).unwrap().step(3.0).unwrap();
        let sum = DVector::from_vec(vec![1.0, 1.0]);
        assert!(close(sum.dot(&(&step.covariance * &sum)), 6.0, 1e-13) && close(step.offset.sum(), 6.0, 1e-13));
        let free = LinearDynamics::new(pair, DVector::zeros(2), DVector::from_element(2, 0.5)).unwrap();
        assert!(matches!(free.stationary(), Err(ExactError::Unstable { .. })));
        // A rotation in a trap: |E| decays, the phase turns, the covariance stays isotropic.
        let swirl = DMatrix::from_row_slice(2, 2, &[0.5, 4.0, -4.0, 0.5]);
        let step = LinearDynamics::new(swirl, DVector::zeros(2), DVector::from_element(2, 1.0)).unwrap().step(1.3).unwrap();
        assert!(close(step.propagator[(0, 0)], (-0.65f64).exp() * 5.2f64.cos(), 1e-13));
        assert!(close(step.propagator[(1, 0)], (-0.65f64).exp() * 5.2f64.sin(), 1e-13));
        assert!(close(step.covariance[(0, 0)], 2.0 * (1.0 - (-1.3f64).exp()), 1e-13) && close(step.covariance[(0, 1)], 0.0, 1e-13));
    }

    #[test]
    fn the_ledger_is_the_ratio_of_transition_densities() {
        let drift = DMatrix::from_row_slice(2, 2, &[2.0, -1.0, 0.3, 1.0]);
        let dynamics = LinearDynamics::new(drift, DVector::from_vec(vec![0.4, -1.2]), DVector::from_vec(vec![1.0, 10.0])).unwrap();
        let step = dynamics.step(0.2).unwrap();
        let ledger = step.ledger().unwrap();
        let (from, to) = (DVector::from_vec(vec![0.3, -2.0]), DVector::from_vec(vec![1.1, 0.8]));
        let transition = |x: &DVector<f64>, y: &DVector<f64>| {
            let law = Gaussian::new(&step.propagator * x + &step.offset, step.covariance.clone()).unwrap();
            law.ln_pdf(y.as_slice())
        };
        let expected = transition(&from, &to) - transition(&to, &from);
        let (displacement, middle) = (&to - &from, (&from + &to) * 0.5);
        let found = |scale: f64| displacement.dot(&(&ledger.response * &dynamics.offset - &ledger.matrix * &middle * scale));
        assert!(close(found(1.0), expected, 1e-11), "{} {expected}", found(1.0));
        // Controls: a doubled or halved matrix, or one 3 % off, is not the ledger.
        assert!([0.5, 2.0, 1.03].iter().all(|&scale| !close(found(scale), expected, 1e-3)));
    }

    #[test]
    fn gyrator_numbers() {
        let law = gyrator().stationary().unwrap();
        for (found, expected) in law.covariance().iter().zip([17.0 / 12.0, 11.0 / 6.0, 11.0 / 6.0, 71.0 / 12.0]) {
            assert!(close(*found, expected, 1e-13));
        }
        assert!(close(gyrator().entropy_production_rate().unwrap(), 2.025, 1e-12));
        let heat = gyrator().heat_rates(&DVector::from_element(2, 1.0)).unwrap();
        assert!(close(heat[0], 2.25, 1e-12) && close(heat[1], -2.25, 1e-12));
        // Another stiffness and pair of temperatures.
        let other = DMatrix::from_row_slice(2, 2, &[1.5, -0.5, -0.5, 1.5]);
        let other = LinearDynamics::new(other, DVector::zeros(2), DVector::from_vec(vec![2.0, 0.5])).unwrap();
        assert!(close(other.entropy_production_rate().unwrap(), 0.1875, 1e-13));
        assert!(close(other.stationary().unwrap().covariance()[(0, 0)], 1.4375, 1e-13));
        // Control: 3 % on one temperature is seen.
        let mut warmer = gyrator();
        warmer.diffusion[0] *= 1.03;
        assert!(!close(warmer.entropy_production_rate().unwrap(), 2.025, 1e-3));
    }

    #[test]
    fn forces_become_dynamics() {
        let stiffness = DMatrix::from_row_slice(2, 2, &[2.0, -1.0, -1.0, 2.0]);
        let of = |friction: &[f64], temperature: &[f64]| LinearDynamics::of_forces(&stiffness, &DVector::from_vec(vec![4.0, 6.0]), friction, temperature);
        let found = of(&[2.0, 0.5], &[3.0, 1.0]).unwrap();
        assert_eq!(found.drift, DMatrix::from_row_slice(2, 2, &[1.0, -0.5, -2.0, 4.0]));
        assert_eq!((found.offset.as_slice(), found.diffusion.as_slice()), ([2.0, 12.0].as_slice(), [1.5, 2.0].as_slice()));
        // One temperature: equilibrium, whatever the frictions.
        let equilibrium = of(&[2.0, 0.5], &[3.0, 3.0]).unwrap();
        assert!(close(equilibrium.entropy_production_rate().unwrap(), 0.0, 1e-12));
        assert!((equilibrium.stationary().unwrap().covariance() * &stiffness - DMatrix::identity(2, 2) * 3.0).amax() <= 1e-12);
        assert!(of(&[2.0], &[3.0, 1.0]).is_err() && of(&[2.0, 0.0], &[3.0, 1.0]).is_err() && of(&[2.0, 1.0], &[3.0, f64::NAN]).is_err());
    }

    #[test]
    fn five_beads_in_series() {
        let drift = DMatrix::from_fn(5, 5, |i, j| {
            if i == j {
                2.0
            } else if i.abs_diff(j) == 1 {
                -1.0
            } else {
                0.0
            }
        });
        let temperatures = DVector::from_fn(5, |i, _| 1.0 + 9.0 * i as f64 / 4.0);
        let rate = LinearDynamics::new(drift, DVector::zeros(5), temperatures).unwrap().entropy_production_rate().unwrap();
        assert!(close(rate, 0.629_817_3, 5e-8), "{rate}");
    }

    #[test]
    fn laws_propagate_to_the_stationary_one() {
        let dynamics = gyrator();
        let start = Gaussian::new(DVector::from_vec(vec![3.0, -1.0]), DMatrix::identity(2, 2) * 0.1).unwrap();
        let long = start.after(&dynamics.step(40.0).unwrap()).unwrap();
        let twice = start.after(&dynamics.step(0.35).unwrap()).unwrap().after(&dynamics.step(0.35).unwrap()).unwrap();
        let once = start.after(&dynamics.step(0.7).unwrap()).unwrap();
        let stationary = dynamics.stationary().unwrap();
        assert!((long.covariance() - stationary.covariance()).amax() <= 1e-12 && long.mean().amax() <= 1e-12);
        assert!((twice.covariance() - once.covariance()).amax() <= 1e-13 && (twice.mean() - once.mean()).amax() <= 1e-13);
        let normal = Gaussian::new(DVector::zeros(1), DMatrix::from_element(1, 1, 4.0)).unwrap();
        assert!(close(normal.ln_pdf(&[2.0]), -0.5 - 0.5 * (std::f64::consts::TAU * 4.0).ln(), 1e-14));
        assert!(close(normal.entropy(), 0.5 * (std::f64::consts::TAU * 4.0).ln() + 0.5, 1e-14));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(matches!(LinearDynamics::new(DMatrix::zeros(2, 2), DVector::zeros(1), DVector::zeros(1)), Err(ExactError::Dimension { .. })));
        assert!(matches!(LinearDynamics::new(DMatrix::zeros(1, 1), DVector::zeros(1), DVector::zeros(1)), Err(ExactError::NotPositive { .. })));
        assert!(matches!(gyrator().step(0.0), Err(ExactError::NotPositive { .. })));
        let nan = LinearDynamics::new(DMatrix::from_element(1, 1, f64::NAN), DVector::zeros(1), DVector::from_element(1, 1.0));
        assert!(matches!(nan, Err(ExactError::NotFinite { .. })));
        assert!(matches!(Gaussian::new(DVector::zeros(1), DMatrix::from_element(1, 1, -1.0)), Err(ExactError::NotPositiveDefinite { .. })));
    }
}
