//! Equilibrium: Boltzmann densities and free energies.

use nalgebra::{DMatrix, DVector};

use super::linear::Gaussian;
use super::quadrature::{confined_range, log_integral};
use super::{ExactError, positive, range};
use crate::density::Density;
use crate::surface::Surface;

/// Largest change of `ln Z` between a grid and one half as fine that still counts as resolved.
const RESOLVED: f64 = 1e-6;

/// Cells along both coordinates that are tried first for a partition function, most that are tried, and those of the table of the density.
const PLANE_CELLS: usize = 32;
const MOST_PLANE_CELLS: usize = 512;
const PLANE_TABLE: usize = 512;
/// Change of `ln Z` of two coordinates after which no finer grid is tried, and largest one on the finest, far below what trajectories can tell.
const ENOUGH: f64 = 1e-10;
const PLANE_RESOLVED: f64 = 1e-5;

/// Equilibrium of one coordinate or two; `D` a table of its density.
#[derive(Clone, Debug)]
pub struct Equilibrium<D = Density> {
    /// `exp(−U/T)/Z` at the nodes of a grid.
    pub density: D,
    /// `ln Z`, `Z = ∫ exp(−U/T) dx`.
    pub ln_partition: f64,
    /// `−T ln Z`.
    pub free_energy: f64,
    /// How much `free_energy` changed from a grid half as fine.
    pub error: f64,
}

impl Equilibrium {
    /// Equilibrium on `[lower, upper]`, a period or the space between walls, on a grid of `cells` cells.
    pub fn bounded(lower: f64, upper: f64, temperature: f64, potential: &dyn Fn(f64) -> f64, cells: usize) -> Result<Self, ExactError> {
        let length = range(lower, upper)?;
        positive("the temperature", temperature)?;
        let cells = cells.max(2);
        let logarithm = |x: f64| -potential(x) / temperature;
        let node = |i: usize| logarithm(lower + length * i as f64 / cells as f64);
        let logarithms: Vec<f64> = (0..=cells).map(node).collect();
        // A potential that is +∞ somewhere (a singular wall) is fine; NaN and −∞ are not.
        if let Some(i) = logarithms.iter().position(|value| value.is_nan() || *value == f64::INFINITY) {
            return Err(ExactError::NotFinite { what: "potential", position: lower + length * i as f64 / cells as f64 });
        }
        let ln_partition = log_integral(lower, upper, cells, &logarithm);
        let change = ln_partition - log_integral(lower, upper, cells.div_ceil(2), &logarithm);
        if change.abs() <= RESOLVED {
            let density = Density::from_logarithms(lower, upper, &logarithms)?;
            Ok(Self { density, ln_partition, free_energy: -temperature * ln_partition, error: temperature * change.abs() })
        } else {
            Err(ExactError::Unresolved { cells })
        }
    }

    /// Equilibrium of an open coordinate, on a grid over the range where it has weight ([`confined_range`]).
    pub fn open(temperature: f64, potential: &dyn Fn(f64) -> f64, cells: usize) -> Result<Self, ExactError> {
        let (lower, upper) = confined_range(potential, temperature)?;
        Self::bounded(lower, upper, temperature, potential, cells)
    }
}

impl Equilibrium<Surface> {
    /// Equilibrium of two coordinates over two ranges: periods, spaces between walls, or where open coordinates have weight ([`super::extent`]). Grids are refined,
    /// and what the last step changes is the error.
    ///
    /// # Errors
    /// [`ExactError::NotFinite`] where the potential has no value; [`ExactError::Unresolved`] where `ln Z` still changes on the finest grid.
    pub fn plane(ranges: [(f64, f64); 2], temperature: f64, potential: &dyn Fn(&[f64]) -> f64) -> Result<Self, ExactError> {
        positive("the temperature", temperature)?;
        let [(left, right), (low, high)] = ranges;
        range(left, right)?;
        range(low, high)?;
        let logarithm = |x: f64, y: f64| -potential(&[x, y]) / temperature;
        let integral = |cells: usize| log_integral(left, right, cells, &|x| log_integral(low, high, cells, &|y| logarithm(x, y)));
        let place = |k: usize, (from, to): (f64, f64)| from + (to - from) * k as f64 / PLANE_TABLE as f64;
        let at = |k: usize| logarithm(place(k / (PLANE_TABLE + 1), ranges[0]), place(k % (PLANE_TABLE + 1), ranges[1]));
        let logarithms: Vec<f64> = (0..(PLANE_TABLE + 1).pow(2)).map(at).collect();
        if let Some(k) = logarithms.iter().position(|value| value.is_nan() || *value == f64::INFINITY) {
            return Err(ExactError::NotFinite { what: "potential", position: place(k / (PLANE_TABLE + 1), ranges[0]) });
        }
        let (mut cells, mut known) = (PLANE_CELLS, integral(PLANE_CELLS));
        let (ln_partition, change) = loop {
            cells *= 2;
            let finer = integral(cells);
            let change = (finer - known).abs();
            if change <= ENOUGH || cells >= MOST_PLANE_CELLS {
                break (finer, change);
            }
            known = finer;
        };
        if !(change <= PLANE_RESOLVED) {
            return Err(ExactError::Unresolved { cells });
        }
        let density = Surface::new(ranges, [PLANE_TABLE + 1; 2], logarithms.iter().map(|value| (value - ln_partition).exp()).collect())?;
        Ok(Self { density, ln_partition, free_energy: -temperature * ln_partition, error: temperature * change })
    }
}

/// A quadratic potential `U = ½ xᵀ K x − bᵀ x + c`.
#[derive(Clone, Debug, PartialEq)]
pub struct Quadratic {
    /// `K`, symmetric, `d × d`.
    pub stiffness: DMatrix<f64>,
    /// `b`, length `d`.
    pub force: DVector<f64>,
    /// `c`.
    pub constant: f64,
}

impl Quadratic {
    /// Reads the coefficients off a function that is quadratic, and checks at further points that it is.
    pub fn of(dimension: usize, potential: &dyn Fn(&[f64]) -> f64) -> Result<Self, ExactError> {
        let at = |places: &[(usize, f64)]| {
            let mut x = vec![0.0; dimension];
            places.iter().for_each(|&(i, value)| x[i] += value);
            potential(&x)
        };
        let constant = at(&[]);
        let force = DVector::from_fn(dimension, |i, _| 0.5 * (at(&[(i, -1.0)]) - at(&[(i, 1.0)])));
        let stiffness = DMatrix::from_fn(dimension, dimension, |i, j| {
            let (i, j) = (i.min(j), i.max(j));
            if i == j {
                return at(&[(i, 1.0)]) + at(&[(i, -1.0)]) - 2.0 * constant;
            }
            let corner = |a: f64, b: f64| at(&[(i, a), (j, b)]);
            0.25 * (corner(1.0, 1.0) + corner(-1.0, -1.0) - corner(1.0, -1.0) - corner(-1.0, 1.0))
        });
        let quadratic = Self { stiffness, force, constant };
        for scale in [-0.7, 1.9, 3.3] {
            let x: Vec<f64> = (0..dimension).map(|i| scale * (1.0 + 0.37 * i as f64)).collect();
            let (value, expected) = (potential(&x), quadratic.value(&x));
            let difference = value - expected;
            let size = quadratic.stiffness.amax() * DVector::from_vec(x).norm_squared() + quadratic.force.norm() * 10.0 + constant.abs();
            let agrees = difference.abs() <= 1e-9 * size.max(f64::MIN_POSITIVE);
            if !agrees {
                return Err(ExactError::NotQuadratic { difference });
            }
        }
        Ok(quadratic)
    }

    /// `U(x)`.
    pub fn value(&self, x: &[f64]) -> f64 {
        let x = DVector::from_column_slice(x);
        0.5 * x.dot(&(&self.stiffness * &x)) - self.force.dot(&x) + self.constant
    }

    /// Mean over a Gaussian.
    pub fn mean_over(&self, law: &Gaussian) -> f64 {
        self.value(law.mean().as_slice()) + 0.5 * (&self.stiffness * law.covariance()).trace()
    }

    /// Variance over a Gaussian: `½ tr(KCKC) + gᵀCg` with `g = K m − b`.
    pub fn variance_over(&self, law: &Gaussian) -> f64 {
        let spread = &self.stiffness * law.covariance();
        let slope = &self.stiffness * law.mean() - &self.force;
        0.5 * (&spread * &spread).trace() + slope.dot(&(law.covariance() * &slope))
    }

    /// Equilibrium at one temperature: mean `K⁻¹ b`, covariance `T K⁻¹`. Errors unless `K` is positive definite.
    pub fn equilibrium(&self, temperature: f64) -> Result<Gaussian, ExactError> {
        positive("the temperature", temperature)?;
        let factor = self.factor()?;
        Gaussian::new(factor.solve(&self.force), factor.inverse() * temperature)
    }

    /// Free energy `−T ln ∫ exp(−U/T) dx`. Errors unless `K` is positive definite.
    pub fn free_energy(&self, temperature: f64) -> Result<f64, ExactError> {
        positive("the temperature", temperature)?;
        let factor = self.factor()?;
        let lowest = self.constant - 0.5 * self.force.dot(&factor.solve(&self.force));
        let logarithms: f64 = factor.l_dirty().diagonal().iter().map(|pivot| (std::f64::consts::TAU * temperature).ln() - 2.0 * pivot.ln()).sum();
        Ok(lowest - 0.5 * temperature * logarithms)
    }

    fn factor(&self) -> Result<nalgebra::Cholesky<f64, nalgebra::Dyn>, ExactError> {
        let advice = "the potential does not confine every coordinate; add a trap, or start from a point or a Gaussian";
        self.stiffness.clone().cholesky().ok_or(ExactError::NotPositiveDefinite { what: "stiffness matrix of the potential", advice })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmonic_trap_is_gaussian() {
        let (stiffness, temperature) = (2.5, 0.7);
        let trap = |x: f64| 0.5 * stiffness * (x - 3.0).powi(2) + 11.0;
        let found = Equilibrium::open(temperature, &trap, 4096).unwrap();
        let expected = 11.0 - 0.5 * temperature * (std::f64::consts::TAU * temperature / stiffness).ln();
        assert!((found.free_energy - expected).abs() <= 1e-10, "{}", found.free_energy);
        let variance = found.density.mean_of(&|x| (x - 3.0).powi(2));
        assert!((variance - temperature / stiffness).abs() <= 1e-5, "{variance}");
        assert!((variance - 1.03 * temperature / stiffness).abs() > 1e-5);
    }

    #[test]
    fn walls_and_rings() {
        // Linear potential between walls: Z = (1 − e⁻¹⁰)/10 with U/T = 10 x.
        let slope = Equilibrium::bounded(0.0, 1.0, 0.5, &|x| 5.0 * x, 4096).unwrap();
        assert!((slope.ln_partition - ((1.0 - (-10f64).exp()) / 10.0).ln()).abs() <= 1e-10);
        // Ring: Z = 2π I₀(2).
        let ring = Equilibrium::bounded(0.0, std::f64::consts::TAU, 1.0, &|x| 2.0 * x.cos(), 512).unwrap();
        assert!((ring.ln_partition - (std::f64::consts::TAU * 2.279_585_302_336_067).ln()).abs() <= 1e-10);
        assert!((ring.density.mean_of(&|x| 2.0 * x.cos()) + 1.395_549_317_6).abs() <= 1e-4);
    }

    #[test]
    fn what_cannot_be_resolved_is_refused() {
        assert!(matches!(Equilibrium::bounded(0.0, 1e6, 1.0, &|x| (x - 17.3).powi(2), 256), Err(ExactError::Unresolved { cells: 256 })));
        assert!(matches!(Equilibrium::bounded(-1.0, 1.0, 1.0, &|x| x.ln(), 64), Err(ExactError::NotFinite { .. })));
        assert_eq!(Equilibrium::open(1.0, &f64::sin, 64).unwrap_err(), ExactError::NotConfining);
    }

    #[test]
    fn quadratic_forms_are_read_and_weighed() {
        let potential = |x: &[f64]| x[0] * x[0] + x[1] * x[1] - x[0] * x[1] - 2.0 * x[0] + 5.0;
        let quadratic = Quadratic::of(2, &potential).unwrap();
        assert_eq!(quadratic.stiffness, DMatrix::from_row_slice(2, 2, &[2.0, -1.0, -1.0, 2.0]));
        assert_eq!((quadratic.force[0], quadratic.force[1], quadratic.constant), (2.0, 0.0, 5.0));
        let law = quadratic.equilibrium(3.0).unwrap();
        assert!((law.mean()[0] - 4.0 / 3.0).abs() <= 1e-14 && (law.covariance()[(0, 1)] - 1.0).abs() <= 1e-14);
        // Equipartition: one T above the minimum, 5 − ½·2·4/3.
        assert!((quadratic.mean_over(&law) - (5.0 - 4.0 / 3.0 + 3.0)).abs() <= 1e-13);
        // χ² of two degrees of freedom: T² each ½.
        assert!((quadratic.variance_over(&law) - 9.0).abs() <= 1e-12);
        let expected = 5.0 - 4.0 / 3.0 - 1.5 * (2.0 * (std::f64::consts::TAU * 3.0).ln() - 3f64.ln());
        assert!((quadratic.free_energy(3.0).unwrap() - expected).abs() <= 1e-13);
    }

    #[test]
    fn other_functions_are_refused() {
        assert!(matches!(Quadratic::of(1, &|x| x[0].powi(4)), Err(ExactError::NotQuadratic { .. })));
        assert!(matches!(Quadratic::of(1, &|x| x[0].powi(3)), Err(ExactError::NotQuadratic { .. })));
        assert!(matches!(Quadratic::of(1, &|_| f64::NAN), Err(ExactError::NotQuadratic { .. })));
        let saddle = Quadratic::of(2, &|x| x[0] * x[1]).unwrap();
        assert!(matches!(saddle.equilibrium(1.0), Err(ExactError::NotPositiveDefinite { .. })));
        assert!(saddle.free_energy(1.0).is_err());
    }
}
