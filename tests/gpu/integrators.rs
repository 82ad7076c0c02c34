//! Every integrator, step by step, against scalar double precision with the same random bits.

use ness::backend::gpu::Tuning;
use ness::plan::{Column, Integrator, Plan};

use crate::models::{self, Model};
use crate::reference::{End, Forces, Reference};
use crate::{batches, device, joined};

/// 200 single-precision steps lose at most this of positions and sums, which are of order 1 to 10.
const TOLERANCE: f64 = 1e-4;

fn trap(x: &[f64], lambda: f64) -> (Vec<f64>, Vec<f64>) {
    (vec![-1.5 * (x[0] - lambda)], vec![0.0])
}

fn ring(x: &[f64], _: f64) -> (Vec<f64>, Vec<f64>) {
    (vec![0.9 * x[0].sin() + 2.5], vec![2.5])
}

fn coupled(x: &[f64], lambda: f64) -> (Vec<f64>, Vec<f64>) {
    let (pull, drives) = ((x[0] - x[1]).sin(), vec![1.0 + x[0].sin(), 0.4 * x[0]]);
    (vec![pull + drives[0], -pull - 2.0 * lambda * x[1] + drives[1]], drives)
}

fn pair(x: &[f64], lambda: f64) -> (Vec<f64>, Vec<f64>) {
    let drives = vec![0.6 * x[1], -0.6 * x[0]];
    (vec![-2.0 * (x[0] - lambda) - 0.5 * x[1] + drives[0], -0.5 * x[0] - 2.0 * x[1] + drives[1]], drives)
}

/// Columns of a trajectory in the order of the plan.
fn expected(plan: &Plan, end: &End) -> Vec<f64> {
    let value = |&column: &Column| match column {
        Column::Initial(i) => end.start[i as usize],
        Column::Position(i) => end.x[i as usize],
        Column::Winding(i) => end.winding[i as usize] as f64,
        Column::Work => end.work,
        Column::Heat(i) => end.heat[i as usize],
        Column::EntropyMedium => f64::NAN,
        Column::EntropyPath => end.path,
        Column::Circulation(..) => end.area,
        Column::HeatPath | Column::Surprise | Column::EntropySoFar | Column::Infimum | Column::Jump(_) => f64::NAN,
    };
    plan.columns.iter().map(value).collect()
}

/// The largest deviation of a column from the reference; a folded position may differ by a whole turn where the winding number makes up for it.
fn deviation(plan: &Plan, columns: &[Vec<f64>], ends: &[End]) -> f64 {
    let mut largest: f64 = 0.0;
    for (t, end) in ends.iter().enumerate() {
        for (c, value) in expected(plan, end).iter().enumerate() {
            let period = |i: u16| plan.coordinates[i as usize].boundary.period().unwrap_or(0.0);
            let difference = match plan.columns[c] {
                Column::Position(i) => columns[c][t] + period(i) * columns[c + 1][t] - (value + period(i) * end.winding[i as usize] as f64),
                Column::Winding(i) if period(i) > 0.0 => 0.0,
                _ => columns[c][t] - value,
            };
            largest = if difference.is_nan() { f64::NAN } else { largest.max(difference.abs()) };
            assert!(!largest.is_nan(), "trajectory {t}: {:?} is not a number", plan.columns[c]);
        }
    }
    largest
}

fn agrees(model: &Model, forces: Forces, slope: fn(&[f64], f64) -> f64, curvature: fn(f64) -> (f64, f64), relaxation_steps: u64) {
    let Some(gpu) = device(Tuning::default()) else { return };
    let mut plan = model.plan();
    plan.relaxation_steps = relaxation_steps;
    let protocol = model.protocol.unwrap_or(|_| 0.0);
    let reference = Reference { plan: &plan, forces, slope, curvature, protocol, matrices: model.linear.as_ref() };
    let ends: Vec<End> = plan.trajectories.clone().map(|t| reference.run(t)).collect();
    let batch = joined(&plan, &batches(&gpu, &plan));
    assert!(batch.columns.iter().all(|column| column.len() == ends.len()));
    let found = deviation(&plan, &batch.columns, &ends);
    assert!(found <= TOLERANCE, "{:?}: {found}", model.integrator);
    // The judge must see a path of another trajectory, and a sum without one thousandth of itself.
    let shifted: Vec<End> = ends[1..].iter().chain(&ends[..1]).cloned().collect();
    assert!(deviation(&plan, &batch.columns, &shifted) > TOLERANCE);
    let smaller: Vec<End> = ends.iter().map(|end| End { area: 0.999 * end.area, ..end.clone() }).collect();
    assert!(ends.iter().all(|end| end.area == 0.0) || deviation(&plan, &batch.columns, &smaller) > TOLERANCE);
    let weaker: Vec<End> = ends.iter().map(|end| End { heat: end.heat.iter().map(|q| 0.999 * q).collect(), ..end.clone() }).collect();
    assert!(deviation(&plan, &batch.columns, &weaker) > TOLERANCE);
}

fn none(_: &[f64], _: f64) -> f64 {
    0.0
}

fn flat(_: f64) -> (f64, f64) {
    (0.0, 0.0)
}

fn trap_slope(x: &[f64], lambda: f64) -> f64 {
    -1.5 * (x[0] - lambda)
}

fn wave(x: f64) -> (f64, f64) {
    (0.9 * x.cos(), -0.9 * x.sin())
}

#[test]
fn euler_maruyama_in_a_dragged_trap() {
    agrees(&models::trap(Integrator::EulerMaruyama), trap, trap_slope, flat, 0);
}

#[test]
fn euler_maruyama_on_a_ring() {
    agrees(&models::ring(Integrator::EulerMaruyama), ring, none, wave, 0);
}

#[test]
fn euler_maruyama_between_walls() {
    agrees(&models::box_between_walls(Integrator::EulerMaruyama), ring, none, wave, 0);
}

#[test]
fn euler_maruyama_of_two_coupled_coordinates_after_relaxation() {
    agrees(&models::coupled(Integrator::EulerMaruyama), coupled, |x, _| x[1] * x[1], flat, 37);
}

#[test]
fn heun_in_a_dragged_trap() {
    agrees(&models::trap(Integrator::Heun), trap, trap_slope, flat, 0);
}

#[test]
fn heun_on_a_ring() {
    agrees(&models::ring(Integrator::Heun), ring, none, wave, 0);
}

#[test]
fn heun_of_two_coupled_coordinates_after_relaxation() {
    agrees(&models::coupled(Integrator::Heun), coupled, |x, _| x[1] * x[1], flat, 37);
}

#[test]
fn weak_taylor_in_a_dragged_trap() {
    agrees(&models::trap(Integrator::WeakTaylor), trap, trap_slope, |_| (-1.5, 0.0), 0);
}

#[test]
fn weak_taylor_on_a_ring_after_relaxation() {
    agrees(&models::ring(Integrator::WeakTaylor), ring, none, wave, 50);
}

#[test]
fn weak_taylor_between_walls() {
    agrees(&models::box_between_walls(Integrator::WeakTaylor), ring, none, wave, 0);
}

#[test]
fn exact_linear_in_a_dragged_trap_after_relaxation() {
    agrees(&models::exact_trap(), trap, trap_slope, flat, 41);
}

#[test]
fn exact_linear_of_two_coordinates() {
    agrees(&models::linear_pair(), pair, |x, lambda| -2.0 * (x[0] - lambda), flat, 0);
}
