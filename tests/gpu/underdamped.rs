//! Underdamped dynamics on the device, against the native paths.

use ness::backend::cpu::{Cpu, Precision, Tuning as CpuTuning};
use ness::backend::gpu::Tuning;
use ness::backend::{Backend, Event, Flow};
use ness::plan::{Column, Plan};
use ness::simulation::plan_of;

use crate::{batches, device, joined};

/// What single precision loses over some hundred steps, of numbers of order 1 to 10.
const TOLERANCE: f64 = 1e-3;

pub(crate) fn plan(model: &str, pairs: &[(&str, &str)]) -> Plan {
    let common = [("ensemble.trajectories", "200"), ("measure.theorems", "[]"), ("ensemble.dt", "0.02")];
    let pairs: Vec<(&str, String)> = common.iter().chain(pairs).map(|(key, value)| (*key, (*value).to_owned())).collect();
    plan_of(model, &pairs).expect("the model is valid")
}

fn native(plan: &Plan) -> Vec<Vec<f64>> {
    let mut columns = vec![Vec::new(); plan.columns.len()];
    let cpu = Cpu::new(Precision::F64, CpuTuning::default()).expect("threads start");
    cpu.run(plan, &mut |event| {
        if let Event::Batch(batch) = event {
            columns.iter_mut().zip(batch.columns).for_each(|(all, part)| all.extend(part));
        }
        Flow::Continue
    })
    .expect("the plan runs");
    columns
}

/// Largest difference; a folded position and its winding number count together.
fn deviation(plan: &Plan, found: &[Vec<f64>], expected: &[Vec<f64>]) -> f64 {
    let mut largest: f64 = 0.0;
    for (c, column) in plan.columns.iter().enumerate() {
        let period = |i: u16| plan.coordinates[usize::from(i)].boundary.period().unwrap_or(0.0);
        assert_eq!(found[c].len(), expected[c].len());
        for t in 0..found[c].len() {
            let difference = match *column {
                Column::Position(i) => found[c][t] - expected[c][t] + period(i) * (found[c + 1][t] - expected[c + 1][t]),
                Column::Winding(i) if period(i) > 0.0 => 0.0,
                _ => found[c][t] - expected[c][t],
            };
            assert!(!difference.is_nan(), "trajectory {t}: {column:?} is not a number");
            largest = largest.max(difference.abs());
        }
    }
    largest
}

pub(crate) fn agrees(plan: &Plan) {
    let Some(gpu) = device(Tuning::default()) else { return };
    let found = joined(plan, &batches(&gpu, plan)).columns;
    let expected = native(plan);
    let worst = deviation(plan, &found, &expected);
    assert!(worst <= TOLERANCE, "{}: {worst}", plan.title);
    // The judge must see the path of another trajectory, and a sum without one hundredth of itself.
    let shifted: Vec<Vec<f64>> = expected.iter().map(|column| column[1..].iter().chain(&column[..1]).copied().collect()).collect();
    assert!(deviation(plan, &found, &shifted) > TOLERANCE);
    let weaker =
        |(column, values): (&Column, &Vec<f64>)| if matches!(column, Column::Heat(_)) { values.iter().map(|q| 0.99 * q).collect() } else { values.clone() };
    let weaker: Vec<Vec<f64>> = plan.columns.iter().zip(&expected).map(weaker).collect();
    assert!(deviation(plan, &found, &weaker) > TOLERANCE);
}

#[test]
fn splittings_take_the_native_paths() {
    for integrator in ["baoab", "obabo", "gjf"] {
        let set = ("ensemble.integrator", integrator);
        agrees(&plan("dragged-bead-underdamped", &[set]));
        agrees(&plan(
            "underdamped-ring",
            &[set, ("protocol.duration", "2"), ("initial.burn_in", "1"), ("measure.every", "0.5"), ("measure.theorems", "['first_law']")],
        ));
        agrees(&plan("pendulum", &[set, ("protocol.duration", "2")]));
        agrees(&plan("pendulum", &[set, ("protocol.duration", "2"), ("model.theta", "{ walls = [-1, 2.1] }")]));
    }
}

#[test]
fn the_exact_step_takes_the_native_path() {
    agrees(&plan("dragged-bead-underdamped", &[]));
}

#[test]
fn a_chain_without_baths_inside_takes_the_native_paths() {
    agrees(&plan("harmonic-chain", &[("protocol.duration", "2")]));
    agrees(&plan("harmonic-chain", &[("protocol.duration", "2"), ("ensemble.integrator", "obabo")]));
}

#[test]
fn how_the_work_is_cut_changes_no_bit() {
    let plan = plan(
        "underdamped-ring",
        &[
            ("ensemble.integrator", "obabo"),
            ("protocol.duration", "2"),
            ("initial.burn_in", "1"),
            ("measure.every", "0.5"),
            ("measure.theorems", "['first_law']"),
        ],
    );
    let run = |tuning: Tuning| device(tuning).map(|gpu| joined(&plan, &batches(&gpu, &plan)));
    let standard = Tuning::default();
    let Some(expected) = run(standard) else { return };
    for cut in [Tuning { steps_per_dispatch: Some(12), chunk: Some(64), ..standard }, Tuning { workgroup: 128, chunk: Some(192), ..standard }] {
        assert!(run(cut) == Some(expected.clone()), "{cut:?}");
    }
}
