//! The GPU path beside the native one: same random bits, same paths to rounding, same laws.
//!
//! Needs an adapter; software Vulkan will do. Without one the tests say `skipped`, unless `NESS_REQUIRE_GPU=1` forbids it.

mod common;

use common::{assert_exact, assert_holds, batches, model, run, text};
use ness::backend::cpu::{Cpu, Precision, Tuning as CpuTuning};
use ness::backend::gpu::{self, Gpu, Selection, Tuning};
use ness::backend::{Backend, BackendError, Batch, Flow};
use ness::expression::Operation;
use ness::plan::{Column, Plan};

fn gpu() -> Option<Gpu> {
    match gpu::adapters().first() {
        Some(adapter) => Some(Gpu::open(&Selection::Named(adapter.index.to_string())).expect("the adapter opens")),
        None => {
            assert!(std::env::var_os("NESS_REQUIRE_GPU").is_none(), "no adapter, but NESS_REQUIRE_GPU is set: install a Vulkan driver, as Mesa's lavapipe");
            eprintln!("skipped: no adapter");
            None
        }
    }
}

const TWO: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x", "y"]
y = { walls = [-1, 1] }
potential = "k/2*(x - lambda)^2 + a*cos(3*y)*exp(-x^2) + tanh(y)*sqrt(2 + x^2) + abs(x)^2.5/10 + log(3 + sin(x*y))"
force = { x = "c*y", y = "x > 0 ? 0.3 : -min(0.2, y)" }
friction = { x = 1.0, y = 2.0 }
temperature = { x = 1.0, y = 0.5 }
[parameters]
k = 1.0
a = 0.7
c = 0.4
[protocol]
duration = 0.4
lambda = { table = [[0, 0], [0.2, 1], [0.2, 1.5], [0.4, 1]] }
[initial]
distribution = "uniform"
lower = { x = -1, y = -0.5 }
upper = { x = 1, y = 0.5 }
[ensemble]
trajectories = 300
dt = 0.005
[measure]
every = 0.05
theorems = []
"#;

const NOISY: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x", "y"]
x = { periodic = [0, "2*pi"] }
y = { walls = [-1, 1] }
potential = "cos(x)*y + lambda*sin(x)"
force = { x = 0.5 }
friction = { x = 1.0, y = "2 + y*lambda" }
temperature = { x = "1 + 0.3*sin(x)*y", y = "0.5 + 0.2*y" }
interpretation = "stratonovich"
[protocol]
duration = 0.4
lambda = "t"
[initial]
distribution = "uniform"
lower = { x = 0, y = -1 }
upper = { x = "2*pi", y = 1 }
[ensemble]
trajectories = 300
dt = 0.005
[measure]
every = 0.05
theorems = []
"#;

/// Short runs of every integrator and boundary.
fn plans() -> Vec<(&'static str, Plan)> {
    let small = |name: &'static str, sets: &[(&str, &str)]| {
        let all: Vec<_> = [("ensemble.trajectories", "300")].iter().chain(sets).copied().collect();
        model(name, &all).plan().clone()
    };
    let brief = [("protocol.duration", "0.4"), ("measure.every", "0.1"), ("ensemble.dt", "0.005")];
    let with = |more: &[(&'static str, &'static str)]| -> Vec<(&'static str, &'static str)> { brief.iter().chain(more).copied().collect() };
    vec![
        ("exact linear", small("dragged-bead", &with(&[]))),
        ("exact linear, stiffness moving", small("breathing-trap", &[("t_f", "0.4"), ("measure.every", "0.1"), ("ensemble.dt", "0.005")])),
        ("weak Taylor", small("driven-ring", &with(&[]))),
        ("Euler–Maruyama", small("driven-ring", &with(&[("ensemble.integrator", "euler-maruyama")]))),
        ("Heun", small("driven-ring", &with(&[("ensemble.integrator", "heun"), ("measure.theorems", "[]")]))),
        ("two coordinates, walls, every kind of formula", text(TWO, &[]).plan().clone()),
        ("the same by Heun", text(TWO, &[("ensemble.integrator", "heun")]).plan().clone()),
        ("surprise by a table", small("ring-switch", &[("ensemble.dt", "0.005")])),
        ("surprise by a formula", small("trap-switch", &with(&[("t_f", "0.4"), ("t_s", "0.2")]))),
        ("relaxation", relaxed()),
        ("noise that depends on place", small("buttiker-landauer", &with(&[]))),
        ("noise that depends on other places, walls", text(NOISY, &[]).plan().clone()),
        ("the same by Heun", text(NOISY, &[("ensemble.integrator", "heun")]).plan().clone()),
        ("a bath that cools", small("cold-trap", &[("t_f", "0.4"), ("measure.every", "0.1"), ("ensemble.dt", "0.005")])),
    ]
}

fn relaxed() -> Plan {
    let mut plan = text(TWO, &[]).plan().clone();
    plan.relaxation_steps = 30;
    plan
}

fn whole(plan: &Plan, backend: &dyn Backend) -> Vec<Batch> {
    batches(plan, backend)
}

fn column(batches: &[Batch], index: usize) -> Vec<f64> {
    batches.iter().flat_map(|batch| batch.columns[index].clone()).collect()
}

#[test]
fn paths_are_those_of_the_native_twin_to_rounding() {
    let Some(gpu) = gpu() else { return };
    let twin = Cpu::new(Precision::F32, CpuTuning::default()).expect("threads start");
    for (name, plan) in plans() {
        let (here, there) = (whole(&plan, &twin), whole(&plan, &gpu));
        for (index, what) in plan.columns.iter().enumerate() {
            let (a, b) = (column(&here, index), column(&there, index));
            assert_eq!((a.len(), b.len()), (300, 300), "{name}");
            // A path within rounding of a kink or a wall may take the other side: one in a hundred is allowed that.
            let far = a.iter().zip(&b).filter(|(a, b)| !((**a - **b).abs() <= 2e-3 * (1.0 + a.abs()))).count();
            assert!(far <= 3, "{name}, {what:?}: {far} of 300 paths differ");
            let middle = {
                let mut differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).collect();
                differences.sort_by(f64::total_cmp);
                differences[150]
            };
            assert!(middle <= 5e-6, "{name}, {what:?}: median difference {middle:e}");
        }
    }
}

#[test]
fn saves_count_every_trajectory_and_have_the_twin_s_moments() {
    let Some(gpu) = gpu() else { return };
    let twin = Cpu::new(Precision::F32, CpuTuning::default()).expect("threads start");
    for (name, plan) in plans() {
        let (here, there) = (whole(&plan, &twin), whole(&plan, &gpu));
        let sum = |batches: &[Batch], field: usize| batches.iter().flat_map(|b| &b.counts[field]).sum::<u64>();
        for field in 0..plan.fields.len() {
            assert_eq!(sum(&there, field), 300 * plan.schedule.saves() as u64, "{name}");
            assert_eq!(there.iter().flat_map(|b| &b.block_counts[field]).sum::<u64>(), sum(&here, field), "{name}");
        }
        let moments = |batches: &[Batch]| batches.iter().flat_map(|b| b.series.clone()).collect::<Vec<_>>();
        let (a, b) = (moments(&here), moments(&there));
        assert_eq!(a.len(), b.len(), "{name}");
        for (a, b) in a.iter().zip(&b) {
            assert_eq!(a.count, b.count, "{name}");
            assert!((a.mean - b.mean).abs() <= 1e-3 * (1.0 + a.mean.abs()), "{name}: means {} and {}", a.mean, b.mean);
            assert!((a.m2 - b.m2).abs() <= 1e-2 * (1.0 + a.m2), "{name}: moments {} and {}", a.m2, b.m2);
        }
    }
}

#[test]
fn no_way_of_cutting_the_work_changes_a_bit() {
    let Some(gpu) = gpu() else { return };
    let mut gpu = gpu;
    for (name, plan) in plans() {
        gpu = gpu.with_tuning(Tuning::default());
        let reference = whole(&plan, &gpu);
        let tunings = [
            Tuning { workgroup: 128, ..Tuning::default() },
            Tuning { workgroup: 256, ..Tuning::default() },
            Tuning { chunk: Some(64), ..Tuning::default() },
            Tuning { steps_per_dispatch: Some(4), ..Tuning::default() },
            Tuning { wide_integers: false, ..Tuning::default() },
        ];
        for tuning in tunings {
            gpu = gpu.with_tuning(tuning);
            let other = whole(&plan, &gpu);
            for index in 0..plan.columns.len() {
                assert!(column(&reference, index) == column(&other, index), "{name}, {tuning:?}: {:?}", plan.columns[index]);
            }
            let series = |batches: &[Batch]| batches.iter().flat_map(|b| b.series.clone()).collect::<Vec<_>>();
            assert!(series(&reference) == series(&other), "{name}, {tuning:?}: series");
        }
    }
}

#[test]
fn exact_values_and_theorems_hold_on_the_device() {
    let Some(gpu) = gpu() else { return };
    let sets = [("protocol.duration", "1"), ("ensemble.trajectories", "40000"), ("ensemble.dt", "0.05"), ("measure.every", "0.5"), ("k", "1.5")];
    let outcome = run(&model("dragged-bead", &sets), &gpu);
    for (name, visible) in [("work", 0.05), ("work.variance", 0.1), ("heat", 0.1), ("entropy_total", 0.05)] {
        assert_exact(&outcome, name, visible);
    }
    for name in ["first_law", "crooks", "jarzynski", "integral_total"] {
        assert_holds(&outcome, name);
    }
}

#[test]
fn a_defect_in_the_device_s_plan_is_seen() {
    let Some(gpu) = gpu() else { return };
    let honest = model("driven-ring", &[("ensemble.trajectories", "300"), ("protocol.duration", "0.5"), ("measure.every", "0.5")]).plan().clone();
    let mut spoilt = honest.clone();
    for instruction in &mut spoilt.dynamics.overdamped_mut().expect("Langevin").force.instructions {
        if instruction.operation == Operation::MultiplyAdd {
            instruction.operation = Operation::Mul;
        }
    }
    let position = honest.columns.iter().position(|c| *c == Column::Position(0)).expect("a position");
    assert_ne!(column(&whole(&honest, &gpu), position), column(&whole(&spoilt, &gpu), position));
}

#[test]
fn what_does_not_fit_is_refused_before_it_starts() {
    let Some(gpu) = gpu() else { return };
    let mut plan = model("dragged-bead", &[("ensemble.trajectories", "1000")]).plan().clone();
    plan.schedule.steps = 1 << 33;
    plan.schedule.save_every = 1;
    let refusal = gpu.fits(&plan).expect_err("too many saves");
    assert!(matches!(refusal, BackendError::TooLarge { .. }), "{refusal}");
    let told = gpu.run(&plan, &mut |_| Flow::Continue).expect_err("refused again");
    assert!(told.to_string().contains("does not fit"), "{told}");
}

#[test]
fn a_device_that_is_not_there_is_named_with_those_that_are() {
    let error = Gpu::open(&Selection::Named("no such card".to_owned())).err().expect("there is no such card").to_string();
    assert!(error.contains("no such card"), "{error}");
}

#[test]
fn jump_processes_on_the_device_have_their_exact_means() {
    let Some(gpu) = gpu() else { return };
    for name in ["triangle-open", "association", "schlogl", "michaelis-menten", "triangle-ramp", "cell"] {
        let outcome = run(&model(name, &[("ensemble.trajectories", "40000")]), &gpu);
        let compared: Vec<_> = outcome.estimates.iter().filter(|e| e.exact.is_some()).collect();
        assert!(compared.len() >= 14, "{name}: {}", compared.len());
        for e in compared {
            assert!(e.z.is_some_and(|z| z.abs() <= 5.0), "{name}, {}: {} ± {} against {:?}", e.name, e.value, e.standard_error, e.exact);
        }
        assert_holds(&outcome, "conservation");
    }
}

#[test]
fn paths_of_reactions_are_those_of_the_native_kernel() {
    let Some(gpu) = gpu() else { return };
    // Single precision may put an event on the other side of a comparison; in a short run it hardly ever does.
    let plan = model("schlogl", &[("ensemble.trajectories", "4000")]).plan().clone();
    let position = plan.columns.iter().position(|c| *c == Column::Position(0)).expect("a count");
    let (native, device) = (column(&whole(&plan, &common::cpu()), position), column(&whole(&plan, &gpu), position));
    let same = native.iter().zip(&device).filter(|(a, b)| a == b).count();
    assert!(same as f64 >= 0.98 * native.len() as f64, "{same} of {}", native.len());
}

#[test]
fn jumps_do_not_depend_on_saves_or_how_they_are_cut() {
    let Some(gpu) = gpu() else { return };
    let plan = |every: &str| model("association", &[("ensemble.trajectories", "500"), ("measure.every", every)]).plan().clone();
    let ends = |plan: &Plan, gpu: &Gpu| {
        let batches = whole(plan, gpu);
        (0..plan.columns.len()).map(|index| column(&batches, index)).collect::<Vec<_>>()
    };
    let expected = ends(&plan("0.1"), &gpu);
    assert_eq!(ends(&plan("0.0125"), &gpu), expected);
    assert_eq!(ends(&plan("4"), &gpu), expected);
    for tuning in
        [Tuning { workgroup: 128, ..Tuning::default() }, Tuning { chunk: Some(64), steps_per_dispatch: Some(4), wide_integers: false, ..Tuning::default() }]
    {
        let Some(gpu) = self::gpu() else { return };
        assert_eq!(ends(&plan("0.1"), &gpu.with_tuning(tuning)), expected);
    }
}

#[test]
fn jumps_that_have_no_kernel_are_refused_by_name() {
    let Some(gpu) = gpu() else { return };
    let many = [("model.species", "{ A = 20000000, B = 15, AB = 0 }"), ("k", "1e-9"), ("measure.theorems", "[]")];
    let refused = gpu.fits(model("association", &many).plan()).expect_err("single precision does not tell such counts apart");
    assert!(refused.to_string().contains("16777215") && refused.to_string().contains("--backend cpu"), "{refused}");
}
