use std::f64::consts::TAU;

use super::*;
use crate::exact::extent::extent;
use crate::exact::linear::LinearDynamics;
use crate::exact::plane::PlaneLaw;
use nalgebra::{DMatrix, DVector};

/// The gyrator, `U = x² + y² − xy`, `T = (1, 10)`.
fn gyrator() -> Steady {
    let bath = |axis: usize, _: &[f64]| [1.0, 10.0][axis];
    let thermodynamic = |axis: usize, x: &[f64]| (x[1 - axis] - 2.0 * x[axis]) / [1.0, 10.0][axis];
    let forces =
        Forces { potential: &|x| x[0] * x[0] + x[1] * x[1] - x[0] * x[1], temperature: &bath, diffusion: &bath, thermodynamic: &thermodynamic, ..Forces::UNIT };
    let axes = extent(&[None, None], &forces).expect("confined");
    Steady::new([axes[0], axes[1]], &forces).expect("resolved")
}

#[test]
fn the_law_and_the_currents_of_the_gyrator_are_gaussian() {
    let steady = gyrator();
    let dynamics =
        LinearDynamics::new(DMatrix::from_row_slice(2, 2, &[2.0, -1.0, -1.0, 2.0]), DVector::zeros(2), DVector::from_vec(vec![1.0, 10.0])).expect("valid");
    let gaussian = dynamics.stationary().expect("stable");
    // Where there is weight: relative to what the table says of its own error, and the bilinear pieces.
    for place in [[0.0, 0.0], [1.3, 2.0], [-2.5, -4.0], [0.4, -3.0], [3.0, 7.0]] {
        let (found, exact) = (steady.law.ln_pdf(place), gaussian.ln_pdf(&place));
        assert!((found - exact).abs() <= 3e-3, "{place:?}: {found} {exact}");
    }
    assert!(steady.error <= RESOLVED, "{}", steady.error);
    let edges = |reach: f64| -> Vec<f64> { (0..=20).map(|k| reach * (f64::from(k) / 10.0 - 1.0)).collect() };
    let (x, y) = (edges(4.0), edges(8.0));
    for swapped in [false, true] {
        let (pair, grid) = if swapped { ([1, 0], [&y[..], &x[..]]) } else { ([0, 1], [&x[..], &y[..]]) };
        let exact = PlaneLaw::stationary(&dynamics, &gaussian, pair).expect("regular").averages(grid);
        let found = steady.averages(grid, swapped);
        let compare = |found: &[f64], exact: &[f64]| {
            let largest = exact.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
            found.iter().zip(exact).map(|(a, b)| (a - b).abs() / largest).fold(0.0, f64::max)
        };
        let off = [compare(&found.density, &exact.density), compare(&found.current[0], &exact.current[0]), compare(&found.current[1], &exact.current[1])];
        assert!(off.iter().all(|off| *off <= 3e-3), "{off:?}");
        // Control: the two currents are not the same.
        assert!(compare(&found.current[0], &exact.current[1]) > 0.1);
    }
    let rate = steady.mean(Quantity::EntropyRate).expect("listed");
    assert!((rate.value - 2.025).abs() <= rate.error && rate.error <= 1e-4, "{rate:?}");
}

#[test]
fn two_rings_do_not_know_of_each_other() {
    // U = 2 cos x + cos y, driven along x only; between walls along y.
    let thermodynamic = |axis: usize, x: &[f64]| if axis == 0 { 2.0 * x[0].sin() + 2.0 } else { x[1].sin() };
    let forces = Forces {
        potential: &|x| 2.0 * x[0].cos() + x[1].cos(),
        drive: &|axis, _| if axis == 0 { 2.0 } else { 0.0 },
        thermodynamic: &thermodynamic,
        ..Forces::UNIT
    };
    let axes = [Axis { lower: 0.0, upper: TAU, ends: Ends::Periodic }, Axis { lower: 0.0, upper: 4.0, ends: Ends::Walls }];
    let steady = Steady::new(axes, &forces).expect("resolved");
    let velocity = steady.mean(Quantity::Velocity(0)).expect("listed");
    assert!((velocity.value - 1.253_046_374_87).abs() <= velocity.error && velocity.error <= 1e-5, "{velocity:?}");
    let across = steady.mean(Quantity::Velocity(1)).expect("listed");
    assert!(across.value.abs() <= across.error + 1e-11, "{across:?}");
    // Boltzmann across, whatever goes round.
    let ratio = steady.law.ln_pdf([1.0, 0.5]) - steady.law.ln_pdf([1.0, 3.0]);
    assert!((ratio - (3f64.cos() - 0.5f64.cos())).abs() <= 1e-4, "{ratio}");
    let ring = crate::exact::ring::Ring::new(0.0, TAU, 1.0, 1.0, &|x| 2.0 * x.sin() + 2.0, 2048).expect("finite");
    let marginal = steady.law.marginal(0).expect("a density");
    for x in [0.0, 1.0, 3.0, 6.0] {
        assert!((marginal.pdf(x) / ring.density.pdf(x) - 1.0).abs() <= 1e-3, "{x}: {} {}", marginal.pdf(x), ring.density.pdf(x));
    }
}

#[test]
fn what_the_grid_does_not_show_is_refused() {
    let forces = Forces {
        potential: &|x| 2e4 * (x[0] - x[1]).powi(2),
        drive: &|axis, x| if axis == 0 { -x[1] } else { x[0] },
        temperature: &|axis, _| [1.0, 2.0][axis],
        diffusion: &|axis, _| [1.0, 2.0][axis],
        ..Forces::UNIT
    };
    let axis = Axis { lower: -1.0, upper: 1.0, ends: Ends::Walls };
    assert!(matches!(Steady::new([axis, axis], &forces), Err(ExactError::Unresolved { .. })));
}
