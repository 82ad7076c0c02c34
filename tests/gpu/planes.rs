//! Tables of `−ln p_ss` over two coordinates, read by shaders and by the native kernels.

use ness::backend::cpu::{Cpu, Precision, Tuning as CpuTuning};
use ness::backend::gpu::Tuning;
use ness::backend::{Backend, Batch, Event, Flow};
use ness::experiment::{Experiment, Source};
use ness::plan::{Column, Plan, SurpriseMove};
use ness::simulation::Simulation;
use ness::thermodynamics::theorems;

use crate::{batches, device, joined};

/// A phase beside an open coordinate, both driven by a force that swings.
const SWING: &str = r#"
[model]
kind = "overdamped"
coordinates = { x = { periodic = [-1, "2*pi - 1"] }, y = {} }
potential = "cos(x) + 0.5*y^2 + 0.1*y^4 - 0.5*y*sin(x)"
force = { x = "f", y = "0.3*f" }
friction = { x = 1.0, y = 0.7 }
temperature = { x = 1.0, y = 1.5 }
[protocol]
duration = 0.5
f = "2*sin(8*t)"
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 1000
dt = 0.0025
seed = 4
[measure]
every = 0.25
theorems = ["hatano_sasa"]
"#;

fn plan() -> Plan {
    let source = Source::Text { name: "swing".to_owned(), text: SWING.to_owned() };
    let experiment = Experiment::load(&source, &[], &theorems::names()).expect("the text is valid");
    let plan = Simulation::prepare(experiment).expect("it is ready").plan().clone();
    assert!(matches!(plan.dynamics.overdamped().expect("Langevin").surprise, Some(SurpriseMove::Plane(_))));
    plan
}

fn native(plan: &Plan, precision: Precision) -> Batch {
    let cpu = Cpu::new(precision, CpuTuning::default()).expect("threads start");
    let mut all = Vec::new();
    cpu.run(plan, &mut |event| {
        if let Event::Batch(batch) = event {
            all.push(batch);
        }
        Flow::Continue
    })
    .expect("it runs");
    joined(plan, &all)
}

fn surprise<'a>(plan: &Plan, batch: &'a Batch) -> &'a [f64] {
    &batch.columns[plan.columns.iter().position(|column| *column == Column::Surprise).expect("the column is there")]
}

/// Largest difference; paths themselves drift apart by rounding.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| if (a - b).is_finite() { (a - b).abs() } else { f64::INFINITY }).fold(0.0, f64::max)
}

#[test]
fn tables_of_two_coordinates_read_the_same_everywhere() {
    let plan = plan();
    let (double, single) = (native(&plan, Precision::F64), native(&plan, Precision::F32));
    let largest = surprise(&plan, &double).iter().fold(0.0f64, |largest, y| largest.max(y.abs()));
    assert!(largest > 0.3 && apart(surprise(&plan, &double), surprise(&plan, &single)) <= 2e-4, "{largest}");
    let Some(gpu) = device(Tuning::default()) else { return };
    let shaded = joined(&plan, &batches(&gpu, &plan));
    let distance = apart(surprise(&plan, &double), surprise(&plan, &shaded));
    assert!(distance <= 2e-4, "{distance}");
    // Control: the table of one row later is seen.
    let mut other = plan.clone();
    if let Some(SurpriseMove::Plane(plane)) = &mut other.dynamics.overdamped_mut().expect("Langevin").surprise {
        let row = plane.length();
        plane.coefficients.rotate_left(row);
    }
    assert!(apart(surprise(&plan, &double), surprise(&other, &joined(&other, &batches(&gpu, &other)))) > 1e-2);
}

#[test]
fn how_the_work_is_cut_changes_no_bit_of_it() {
    let plan = plan();
    let standard = Tuning::default();
    let Some(gpu) = device(standard) else { return };
    let expected = joined(&plan, &batches(&gpu, &plan));
    for cut in [Tuning { steps_per_dispatch: Some(28), chunk: Some(64), ..standard }, Tuning { workgroup: 128, chunk: Some(192), ..standard }] {
        let gpu = device(cut).expect("the device is still there");
        assert!(joined(&plan, &batches(&gpu, &plan)) == expected, "{cut:?}");
    }
}
