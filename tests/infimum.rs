//! The infimum of the total entropy production: between steps too, with its exact mean, on both backends.

mod common;

use common::{Sabotaged, assert_exact, assert_holds, assert_violated, cpu, estimate, model, prepare, run, theorem};
use ness::backend::Batch;
use ness::backend::cpu::{Cpu, Precision, Tuning};
use ness::backend::gpu::{self, Gpu, Selection};
use ness::experiment::Source;
use ness::expression::Operand;
use ness::plan::Plan;
use ness::simulation::Simulation;

const ASKED: (&str, &str) = ("measure.theorems", "['infimum']");

/// Free drift on a ring: Δs_tot is Brownian motion with drift, whatever the step.
fn drift(duration: &str, dt: &str, trajectories: &str) -> Simulation {
    let sets =
        [("V0", "0"), ("f", "-1"), ("protocol.duration", duration), ("ensemble.dt", dt), ("measure.every", duration), ("ensemble.trajectories", trajectories)];
    model("driven-ring", &[&sets[..], &[ASKED]].concat())
}

fn ring(trajectories: &str) -> Simulation {
    let sets = [("f", "2"), ("protocol.duration", "4"), ("ensemble.dt", "0.005"), ("measure.every", "4"), ("ensemble.trajectories", trajectories)];
    model("driven-ring", &[&sets[..], &[ASKED]].concat())
}

fn gyrator(trajectories: &str) -> Simulation {
    let sets = [("protocol.duration", "4"), ("ensemble.dt", "0.005"), ("measure.every", "4"), ("ensemble.trajectories", trajectories)];
    model("gyrator", &[&sets[..], &[ASKED]].concat())
}

#[test]
fn of_a_free_drift_it_has_its_exact_mean_at_the_coarsest_step() {
    for (duration, dt) in [("0.5", "0.5"), ("2", "0.25"), ("2", "0.02")] {
        let outcome = run(&drift(duration, dt, "400000"), &cpu());
        assert_exact(&outcome, "entropy_infimum", 0.02);
        assert_holds(&outcome, "infimum");
    }
    // In the end its law is exponential.
    let outcome = run(&drift("40", "0.5", "200000"), &cpu());
    assert_exact(&outcome, "entropy_infimum", 0.02);
    let (mean, variance) = (estimate(&outcome, "entropy_infimum"), estimate(&outcome, "entropy_infimum.variance"));
    assert!((mean.value + 1.0).abs() <= 5.0 * mean.standard_error, "{mean:?}");
    assert!(variance.standard_error <= 0.1 / 6.0 && (variance.value - 1.0).abs() <= 5.0 * variance.standard_error, "{variance:?}");
}

#[test]
fn where_velocities_change_from_place_to_place_the_theorem_holds_at_any_time() {
    for simulation in [ring("100000"), gyrator("100000")] {
        let outcome = run(&simulation, &cpu());
        assert_holds(&outcome, "infimum");
        let (limit, so_far) = (theorem(&outcome, "infimum"), estimate(&outcome, "entropy_infimum"));
        assert!(limit.standard_error <= 0.03 / 6.0 && so_far.value > -1.0 && so_far.value < -0.8, "{limit:?} {so_far:?}");
        assert!(estimate(&outcome, "entropy_infimum_limit").value == limit.value);
    }
}

#[test]
fn without_the_way_between_steps_it_is_violated() {
    // The exact step of linear forces does not read the noise that the bridge reads.
    let still = |plan: &mut Plan| {
        plan.uniforms.constants.push(0.0);
        let nothing = Operand::Constant(plan.uniforms.constants.len() as u16 - 1);
        if let Some(dynamics) = plan.dynamics.overdamped_mut() {
            dynamics.noise = vec![nothing; 2];
        }
    };
    let outcome = run(&gyrator("100000"), &Sabotaged { inner: cpu(), plan: still, batch: |_: &Plan, _: &mut Batch| {} });
    assert_violated(&outcome, "infimum");
}

#[test]
fn it_changes_no_path_and_no_bit_depends_on_how_the_work_is_cut() {
    for asked in [ring("3000"), gyrator("3000")] {
        let plain = prepare(&Source::Text { name: "test".to_owned(), text: asked.experiment().text.clone() }, &[("measure.theorems", "[]")]).expect("valid");
        let (with, without) = (run(&asked, &cpu()), run(&plain, &cpu()));
        let others: Vec<_> = with.estimates.iter().filter(|e| !e.name.starts_with("entropy_infimum")).collect();
        assert_eq!(others.len() + 4, with.estimates.len());
        for (a, b) in others.into_iter().zip(&without.estimates) {
            assert_eq!((&a.name, a.value.to_bits()), (&b.name, b.value.to_bits()));
        }
        let cut = |tuning: Tuning| run(&asked, &Cpu::new(Precision::F64, tuning).expect("threads start")).estimates;
        assert_eq!(with.estimates, cut(Tuning { threads: Some(1), group: 1, ..Tuning::default() }));
        assert_eq!(with.estimates, cut(Tuning { threads: Some(3), groups_per_thread: 2, ..Tuning::default() }));
    }
}

#[test]
fn a_device_draws_the_same_infima() {
    let Some(adapter) = gpu::adapters().into_iter().min_by_key(|adapter| (!adapter.kind.is_hardware(), adapter.index)) else {
        assert!(std::env::var_os("NESS_REQUIRE_GPU").is_none(), "NESS_REQUIRE_GPU is set, and there is no device");
        eprintln!("skipped: no device runs shaders");
        return;
    };
    let device = Gpu::open(&Selection::Named(adapter.index.to_string())).expect("the device opens");
    for simulation in [drift("2", "0.25", "4096"), ring("4096"), gyrator("4096")] {
        // The same random bits: over a short run single precision gives nearly the same numbers.
        let twin = run(&simulation, &Cpu::new(Precision::F32, Tuning::default()).expect("threads start"));
        let there = run(&simulation, &device);
        for name in ["entropy_infimum", "entropy_infimum_limit", "entropy_infimum.variance"] {
            let (a, b) = (estimate(&twin, name), estimate(&there, name));
            assert!((a.value - b.value).abs() <= 1e-3 * a.standard_error.max(1e-3) + 1e-4, "{name}: {a:?} {b:?}");
        }
        assert_holds(&there, "infimum");
    }
}

#[test]
fn a_refined_run_refines_it() {
    let sets = [("V0", "0"), ("protocol.duration", "2"), ("ensemble.dt", "0.1"), ("measure.every", "2"), ("ensemble.trajectories", "5000"), ASKED];
    let outcome = run(&model("driven-ring", &[&sets[..], &[("ensemble.refine", "true")]].concat()), &cpu());
    let infimum = estimate(&outcome, "entropy_infimum");
    assert!(infimum.refinement.is_some_and(|r| r.order == 1) && infimum.z.is_some_and(|z| z.abs() <= 5.0), "{infimum:?}");
}

#[test]
fn what_has_no_infimum_here_is_refused_with_the_reason() {
    let refused = |name: &str, pairs: &[(&str, &str)]| {
        let all = [&[ASKED], pairs].concat();
        prepare(&Source::Model(name.to_owned()), &all).err().map(|error| error.to_string()).unwrap_or_default()
    };
    for (name, pairs, reason) in [
        ("triangle-open", &[][..], "continuous paths"),
        ("metal-rod", &[], "continuous paths"),
        ("underdamped-ring", &[], "odd under time reversal"),
        ("dragged-bead", &[], "a steady state from start to end"),
        ("buttiker-landauer", &[], "multiplicative noise"),
        ("driven-ring", &[("f", "0")], "nothing flows"),
        ("driven-ring", &[("f", "1.9"), ("T", "0.01")], "waves"),
    ] {
        let error = refused(name, pairs);
        assert!(error.contains("infimum") && error.contains(reason), "{name}: {error}");
    }
}
