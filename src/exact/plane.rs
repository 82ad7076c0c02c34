//! Density and current of a stationary Gaussian law in the plane of two of its coordinates, averaged over cells of a grid.

use nalgebra::{DMatrix, Matrix2, Vector2};

use super::linear::{ExactStep, Gaussian, LinearDynamics};
use super::quadrature::{NODES, WEIGHTS};

/// A Gaussian density in a plane, and the current `j = flow·(y − mean)·p` on it.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaneLaw {
    mean: Vector2<f64>,
    inverse: Matrix2<f64>,
    height: f64,
    flow: Matrix2<f64>,
}

/// Averages over the cells of a grid, `[i * bins_1 + j]`.
#[derive(Clone, Debug, PartialEq)]
pub struct CellAverages {
    /// Density.
    pub density: Vec<f64>,
    /// Current along both coordinates.
    pub current: [Vec<f64>; 2],
}

impl PlaneLaw {
    /// The marginal law of two coordinates of the stationary law: with `ν = (−A + D C⁻¹)(x − m)` and `x` given `y` on average
    /// `C_{·y} C_yy⁻¹ (y − m_y)`, the flow is `(D − A C)_yy C_yy⁻¹`. `None` where the covariance is singular.
    pub fn stationary(dynamics: &LinearDynamics, law: &Gaussian, pair: [usize; 2]) -> Option<Self> {
        let outward = DMatrix::from_diagonal(&dynamics.diffusion) - &dynamics.drift * law.covariance();
        Self::of(law, pair, law.covariance(), &outward)
    }

    /// What steps of length `dt` by an exact propagator show of it: displacements at the middles of steps. Of both ends of a step the middle
    /// `x̄` has covariance `(2C + E C + C Eᵀ)/4`, and `⟨Δ x̄ᵀ⟩ = (E C − C Eᵀ)/2`.
    pub fn of_steps(step: &ExactStep, dt: f64, law: &Gaussian, pair: [usize; 2]) -> Option<Self> {
        let carried = &step.propagator * law.covariance();
        let middle = (law.covariance() * 2.0 + &carried + carried.transpose()) * 0.25;
        let outward = (&carried - carried.transpose()) * (0.5 / dt);
        Self::of(law, pair, &middle, &outward)
    }

    fn of(law: &Gaussian, pair: [usize; 2], covariance: &DMatrix<f64>, outward: &DMatrix<f64>) -> Option<Self> {
        let part = |matrix: &DMatrix<f64>| Matrix2::from_fn(|i, j| matrix[(pair[i], pair[j])]);
        let covariance = part(covariance);
        let inverse = covariance.try_inverse()?;
        let height = 1.0 / (std::f64::consts::TAU * covariance.determinant().sqrt());
        Some(Self { mean: Vector2::from_fn(|i, _| law.mean()[pair[i]]), inverse, height, flow: part(outward) * inverse })
    }

    /// Averages over the cells between the given edges of both coordinates.
    pub fn averages(&self, edges: [&[f64]; 2]) -> CellAverages {
        let cells = (edges[0].len() - 1) * (edges[1].len() - 1);
        let mut all = CellAverages { density: Vec::with_capacity(cells), current: [Vec::with_capacity(cells), Vec::with_capacity(cells)] };
        for a in edges[0].windows(2) {
            for b in edges[1].windows(2) {
                let (mut p, mut j) = (0.0, Vector2::zeros());
                for (u, weight_u) in NODES.iter().zip(WEIGHTS) {
                    for (v, weight_v) in NODES.iter().zip(WEIGHTS) {
                        let away = Vector2::new(a[0] + u * (a[1] - a[0]), b[0] + v * (b[1] - b[0])) - self.mean;
                        let share = weight_u * weight_v * self.height * (-0.5 * away.dot(&(self.inverse * away))).exp();
                        p += share;
                        j += self.flow * away * share;
                    }
                }
                all.density.push(p);
                all.current[0].push(j[0]);
                all.current[1].push(j[1]);
            }
        }
        all
    }
}

impl CellAverages {
    /// `Σ area·(j_0²/D_0 + j_1²/D_1)/p` with the densities of another law: what the cells of an area leave of the entropy production rate.
    pub fn entropy_production_rate(&self, density: &[f64], diffusion: [f64; 2], area: f64) -> f64 {
        let of_axis = |axis: usize| -> f64 {
            let terms = self.current[axis].iter().zip(density).filter(|(_, p)| **p > 0.0).map(|(j, p)| j * j / p);
            terms.sum::<f64>() / diffusion[axis]
        };
        area * (of_axis(0) + of_axis(1))
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DVector;

    use super::*;

    fn gyrator() -> LinearDynamics {
        LinearDynamics::new(DMatrix::from_row_slice(2, 2, &[2.0, -1.0, -1.0, 2.0]), DVector::zeros(2), DVector::from_vec(vec![1.0, 10.0])).expect("valid")
    }

    fn edges(reach: f64, bins: usize) -> Vec<f64> {
        (0..=bins).map(|k| reach * (2.0 * k as f64 / bins as f64 - 1.0)).collect()
    }

    #[test]
    fn fine_cells_hold_all_of_the_density_the_circulation_and_the_entropy_production() {
        let dynamics = gyrator();
        let law = dynamics.stationary().expect("stable");
        let exact = PlaneLaw::stationary(&dynamics, &law, [0, 1]).expect("regular");
        let (x, y) = (edges(9.0, 200), edges(18.0, 200));
        let cells = exact.averages([&x, &y]);
        let area = (18.0 / 200.0) * (36.0 / 200.0);
        let total: f64 = cells.density.iter().sum::<f64>() * area;
        let centre = |edges: &[f64], k: usize| 0.5 * (edges[k] + edges[k + 1]);
        let circulation: f64 =
            (0..200 * 200).map(|k| 0.5 * area * (centre(&x, k / 200) * cells.current[1][k] - centre(&y, k % 200) * cells.current[0][k])).sum();
        let rate = cells.entropy_production_rate(&cells.density, [1.0, 10.0], area);
        assert!((total - 1.0).abs() <= 1e-6, "{total}");
        assert!((circulation + 2.25).abs() <= 1e-2, "{circulation}");
        assert!((rate - 2.025).abs() <= 1e-2 && rate < 2.025, "{rate}");
        // Coarse cells hide a part; short steps show what the stationary law says.
        let coarse = exact.averages([&edges(9.0, 20), &edges(18.0, 20)]);
        assert!(coarse.entropy_production_rate(&coarse.density, [1.0, 10.0], 100.0 * area) < rate - 0.02);
        let step = dynamics.step(1e-5).expect("valid");
        let short = PlaneLaw::of_steps(&step, 1e-5, &law, [0, 1]).expect("regular").averages([&x, &y]);
        let largest = cells.current[1].iter().fold(0.0f64, |largest, j| largest.max(j.abs()));
        assert!(short.current[1].iter().zip(&cells.current[1]).all(|(a, b)| (a - b).abs() <= 1e-4 * largest));
    }
}
