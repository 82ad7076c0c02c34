//! The surprise `φ = −ln p_ss` of two coordinates at one value of the protocol, as a smooth function.
//!
//! Stationary laws on three grids, each twice as fine as the one before, are extrapolated node by node (Romberg): on the nodes of the middle grid `φ` errs
//! with the sixth power of the spacing. B-splines go through it.

use super::ExactError;
use super::mesh::{Axis, Forces, Mesh};
use super::spline::Spline;
use super::steady::Table;

/// `φ` over a rectangle.
#[derive(Clone, Debug)]
pub struct SurprisePlane {
    /// The function.
    pub spline: Spline,
    /// What the last extrapolation took away, on average over the law, in nats: more than the error that is left.
    pub error: f64,
}

impl SurprisePlane {
    /// `φ` in a rectangle that holds the law; see [`super::extent`]. `cells` along each coordinate, a multiple of 8.
    ///
    /// # Errors
    /// Where formulas have no finite values, or nothing leads back from some place.
    pub fn new(axes: &[Axis; 2], forces: &Forces<'_>, cells: usize) -> Result<Self, ExactError> {
        let table = |cells: usize| -> Result<Table, ExactError> {
            let mesh = Mesh::new(axes, forces, cells)?;
            Ok(Table::closed(axes, cells, mesh.logarithms(&mesh.stationary()?)))
        };
        let [coarse, middle, fine] = [table(cells / 2)?, table(cells)?, table(2 * cells)?];
        let first = middle.refined_by(&coarse, 4.0).0.every_other();
        let (law, error) = fine.refined_by(&middle, 4.0).0.every_other().refined_by(&first, 16.0);
        let values: Vec<f64> = law.values().iter().map(|logarithm| -logarithm).collect();
        Ok(Self { spline: Spline::through(axes, cells, &values), error })
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;
    use crate::exact::fokker_planck::Ends;

    fn gyrator(warmth: f64, cells: usize) -> SurprisePlane {
        let bath = move |axis: usize, _: &[f64]| [1.0, 10.0 * warmth][axis];
        let thermodynamic = move |axis: usize, x: &[f64]| -(2.0 * x[axis] - x[1 - axis]) / [1.0, 10.0 * warmth][axis];
        let forces = Forces {
            potential: &|x| x[0] * x[0] + x[1] * x[1] - x[0] * x[1],
            temperature: &bath,
            diffusion: &bath,
            thermodynamic: &thermodynamic,
            ..Forces::UNIT
        };
        let axis = |reach: f64| Axis { lower: -reach, upper: reach, ends: Ends::Truncated };
        SurprisePlane::new(&[axis(10.7), axis(21.9)], &forces, cells).expect("it leads back")
    }

    /// Mean distance from the Gaussian of the formulas over it, on a grid of its own.
    fn distance(found: &SurprisePlane) -> f64 {
        let covariance = [17.0 / 12.0, 11.0 / 6.0, 71.0 / 12.0];
        let determinant = covariance[0] * covariance[2] - covariance[1] * covariance[1];
        let exact = |x: f64, y: f64| {
            0.5 * (covariance[2] * x * x - 2.0 * covariance[1] * x * y + covariance[0] * y * y) / determinant + 0.5 * determinant.ln() + TAU.ln()
        };
        let (mut sum, mut total) = (0.0, 0.0);
        for (x, y) in (-41..=41).flat_map(|i| (-41..=41).map(move |j| (f64::from(i) * 0.137, f64::from(j) * 0.271))) {
            let weight = (-exact(x, y)).exp();
            sum += weight * (found.spline.at([x, y]) - exact(x, y)).abs();
            total += weight;
        }
        sum / total
    }

    #[test]
    fn the_gyrator_has_its_gaussian() {
        for (cells, most) in [(48, 2e-4), (96, 1.5e-5)] {
            let found = gyrator(1.0, cells);
            assert!(distance(&found) <= most && distance(&found) <= 2.0 * found.error, "{cells}: {} {}", distance(&found), found.error);
        }
        // Control: one bath 3 % warmer is seen.
        assert!(distance(&gyrator(1.03, 48)) > 5e-3);
    }

    #[test]
    fn two_rings_that_do_not_meet_have_the_laws_of_rings() {
        let thermodynamic = |axis: usize, x: &[f64]| [2.0 * x[0].sin() + 2.0, 1.0 - 3.0 * x[1].cos()][axis];
        let forces = Forces {
            potential: &|x| 2.0 * x[0].cos() + 3.0 * x[1].sin(),
            drive: &|axis, _| [2.0, 1.0][axis],
            diffusion: &|axis, _| [1.0, 0.3][axis],
            thermodynamic: &thermodynamic,
            ..Forces::UNIT
        };
        let axis = Axis { lower: 0.0, upper: TAU, ends: Ends::Periodic };
        let found = SurprisePlane::new(&[axis, axis], &forces, 48).expect("it leads back");
        let ring = |axis: usize| crate::exact::surprise::Surprise::new((0.0, TAU), true, 1.0, &|x| thermodynamic(axis, &[x, x]), 512).expect("resolved");
        let rings = [ring(0), ring(1)];
        let most = (0..400u32).map(|k| [(f64::from(k) * 0.91).rem_euclid(TAU), (f64::from(k) * 0.137).rem_euclid(TAU)]);
        let most = most.map(|x| (found.spline.at(x) - rings[0].at(x[0]) - rings[1].at(x[1])).abs()).fold(0.0, f64::max);
        assert!(most <= 5e-4, "{most}");
    }
}
