//! A run refined by steps half as long: the time step's error is seen, and its limit is the exact value.

mod common;

use common::{cpu, estimate, model, prepare, run, text};
use ness::backend::Flow;
use ness::backend::cpu::{Cpu, Precision, Tuning};
use ness::backend::gpu::{self, Gpu, Selection};
use ness::experiment::Source;
use ness::results::{Estimate, Refinement};
use ness::simulation::Outcome;

/// A trap in equilibrium; Euler–Maruyama settles to `⟨x²⟩ = 1/(1 − dt/2)`.
const TRAP: &str = r#"
title = "trap"
[model]
kind = "overdamped"
coordinates = ["x"]
potential = "x^2/2"
friction = 1.0
temperature = 1.0
[protocol]
duration = 8.0
[initial]
distribution = "equilibrium"
[ensemble]
trajectories = 400_000
dt = 0.1
integrator = "euler-maruyama"
refine = true
[measure]
every = 2.0
theorems = ["first_law"]
"#;

/// A relaxation in a double well, far from linear.
const WELL: &str = r#"
title = "well"
[model]
kind = "overdamped"
coordinates = ["x"]
potential = "x^4/4 - x^2/2"
friction = 1.0
temperature = 0.5
[protocol]
duration = 1.0
[initial]
distribution = "gaussian"
mean = [1.5]
deviation = [0.3]
[ensemble]
trajectories = 6_000_000
dt = 0.05
refine = true
[measure]
every = 0.5
"#;

/// Underdamped, in equilibrium; the splitting B A O A B settles to `⟨v²⟩ = 1 − dt²/4`.
const SWING: &str = r#"
title = "swing"
[model]
kind = "underdamped"
coordinates = ["x"]
potential = "x^2/2"
mass = 1.0
friction = 1.0
temperature = 1.0
[protocol]
duration = 16.0
[initial]
distribution = "equilibrium"
[ensemble]
trajectories = 200_000
dt = 0.8
integrator = "baoab"
refine = true
[measure]
every = 8.0
"#;

fn refined<'a>(outcome: &'a Outcome, name: &str) -> (&'a Estimate, Refinement) {
    let e = estimate(outcome, name);
    (e, e.refinement.unwrap_or_else(|| panic!("`{name}` was not refined")))
}

/// Fails unless the value misses `exact` clearly, the difference shows it, and the limit is `exact` within 5 standard errors that could see the miss.
fn assert_corrected(outcome: &Outcome, name: &str, exact: f64, order: u32) {
    let (e, r) = refined(outcome, name);
    let miss = e.value - exact;
    assert_eq!(r.order, order, "{name}");
    assert!(miss.abs() > 5.0 * e.standard_error, "{name}: {} ± {} does not miss {exact}", e.value, e.standard_error);
    assert!(r.difference * miss > 0.0 && r.difference.abs() > 5.0 * r.difference_standard_error, "{name}: {r:?}");
    assert!(r.extrapolated_standard_error <= miss.abs() / 6.0, "{name}: {r:?} could not see {miss}");
    assert!((r.extrapolated - exact).abs() <= 5.0 * r.extrapolated_standard_error, "{name}: {r:?} against {exact}");
    assert!(e.exact.is_none() || e.z.is_some_and(|z| z.abs() <= 5.0), "{name}: {e:?}");
}

#[test]
fn a_scheme_of_first_order_is_corrected() {
    let outcome = run(&text(TRAP, &[]), &cpu());
    assert_corrected(&outcome, "energy", 0.5, 1);
    let (energy, r) = refined(&outcome, "energy");
    let half = |dt: f64| 0.5 / (1.0 - 0.5 * dt);
    assert!((energy.value - half(0.1)).abs() <= 5.0 * energy.standard_error, "{energy:?}");
    assert!((r.difference - (half(0.1) - half(0.05))).abs() <= 5.0 * r.difference_standard_error, "{r:?}");
    assert!(outcome.warnings.iter().any(|warning| warning.starts_with("refined: ") && warning.contains("dt = 0.1")), "{:?}", outcome.warnings);
}

#[test]
fn schemes_of_second_order_are_corrected() {
    let well = run(&text(WELL, &[]), &cpu());
    let displacement = estimate(&well, "displacement.x").exact.expect("the Fokker–Planck equation knows");
    assert_corrected(&well, "displacement.x", displacement, 2);
    let swing = run(&text(SWING, &[]), &cpu());
    assert_corrected(&swing, "kinetic_temperature.x", 1.0, 2);
}

#[test]
fn heat_along_a_path_has_the_order_of_the_scheme() {
    let outcome = run(&text(WELL, &[("ensemble.integrator", "heun"), ("ensemble.trajectories", "3000000"), ("ensemble.dt", "0.1")]), &cpu());
    let heat = estimate(&outcome, "heat").exact.expect("the Fokker–Planck equation knows");
    assert_corrected(&outcome, "heat", heat, 2);
    assert_eq!(refined(&outcome, "energy").1.order, 2);
    let steady = run(&model("driven-ring", &[("ensemble.trajectories", "1000"), ("protocol.duration", "1"), ("ensemble.refine", "true")]), &cpu());
    let names = ["heat", "velocity.x", "heat.variance", "entropy_total_path", "entropy_total_path.variance", "first_law_residual.variance"];
    assert_eq!(names.map(|name| refined(&steady, name).1.order), [2, 2, 2, 2, 1, 4]);
}

/// A trapezoid leaves `∝ Δx³` a step, corrected at its ends `∝ Δx⁵`: variances that fall to a quarter, and to a sixteenth, by half the step.
#[test]
fn trapezoids_are_corrected_at_their_ends() {
    for (name, sets) in [
        ("driven-ring", &[][..]),
        ("driven-ring", &[("ensemble.integrator", "euler-maruyama")]),
        ("driven-ring", &[("ensemble.integrator", "heun")]),
        ("flashing-ratchet", &[("ensemble.dt", "0.005")]),
    ] {
        let more =
            [("ensemble.trajectories", "20000"), ("protocol.duration", "1"), ("measure.every", "0.5"), ("ensemble.refine", "true"), ("measure.theorems", "[]")];
        let outcome = run(&model(name, &[&more[..], sets].concat()), &cpu());
        let (coarse, r) = refined(&outcome, "first_law_residual.variance");
        let ratio = coarse.value / (coarse.value - r.difference);
        assert!((12.0..20.0).contains(&ratio), "{name} {sets:?}: {ratio}");
    }
}

#[test]
fn the_area_between_path_and_chord_is_put_back_by_exact_steps_and_missing_in_the_path_ledger() {
    let sets = [("protocol.duration", "4"), ("ensemble.dt", "0.02"), ("measure.every", "4"), ("ensemble.trajectories", "200000"), ("ensemble.refine", "true")];
    let outcome = run(&model("gyrator", &sets), &cpu());
    for (name, exact) in [("entropy_medium", 8.1), ("circulation.x.y", -2.25)] {
        let (e, r) = refined(&outcome, name);
        assert_eq!(r.order, 2, "{name}");
        assert!((e.value - exact).abs() <= 5.0 * e.standard_error && e.standard_error <= 0.01 * exact.abs(), "{e:?}");
        assert!(r.difference.abs() <= 5.0 * r.difference_standard_error, "{name}: {r:?}");
    }
    // The difference of the ledgers is that area: of first order, and all but gone in the limit.
    let (e, r) = refined(&outcome, "time_step_error");
    assert!(r.order == 1 && r.difference.abs() > 5.0 * r.difference_standard_error && r.extrapolated.abs() <= 0.02 * e.value.abs(), "{e:?}");
}

#[test]
fn every_estimate_of_one_ensemble_is_refined_and_the_first_ensemble_is_the_same() {
    let sets = [("ensemble.trajectories", "5000"), ("protocol.duration", "1")];
    for name in ["driven-ring", "gyrator", "noisy-ring", "underdamped-ring", "dragged-bead"] {
        let plain = run(&model(name, &sets), &cpu());
        let refined = run(&model(name, &[&sets[..], &[("ensemble.refine", "true")]].concat()), &cpu());
        for (a, b) in plain.estimates.iter().zip(&refined.estimates) {
            assert_eq!((a.name.as_str(), a.value.to_bits(), a.standard_error.to_bits()), (b.name.as_str(), b.value.to_bits(), b.standard_error.to_bits()));
            // ΔF is exact at any step on the path ledger, from two ensembles.
            assert_eq!(b.refinement.is_some(), b.name != "delta_F", "{name} {}", b.name);
            assert!(b.z.is_none_or(|z| z.abs() <= 5.0), "{name} {b:?}");
        }
        assert_eq!(plain.theorems, refined.theorems);
    }
}

#[test]
fn threads_and_chunks_change_no_bit_of_a_refinement() {
    let simulation = text(TRAP, &[("ensemble.trajectories", "3000")]);
    let with = |tuning: Tuning| run(&simulation, &Cpu::new(Precision::F64, tuning).expect("threads start")).estimates;
    let usual = with(Tuning::default());
    assert_eq!(usual, with(Tuning { threads: Some(1), group: 1, ..Tuning::default() }));
    assert_eq!(usual, with(Tuning { threads: Some(3), groups_per_thread: 2, ..Tuning::default() }));
}

#[test]
fn an_interrupted_refinement_is_left_out() {
    let simulation = text(TRAP, &[("ensemble.trajectories", "20000")]);
    let first = 20_000 * 80;
    assert_eq!(simulation.work_ahead(), 3 * first);
    let outcome = simulation.run(&cpu(), &mut |state| if state.steps > first { Flow::Stop } else { Flow::Continue }).expect("the first ensemble is whole");
    assert!(outcome.conditions.stopped && outcome.trajectories == 20_000);
    assert!(outcome.estimates.iter().all(|e| e.refinement.is_none()));
    let whole = run(&text(TRAP, &[("ensemble.trajectories", "20000"), ("ensemble.refine", "false")]), &cpu());
    assert_eq!(outcome.estimates, whole.estimates);
}

#[test]
fn what_has_no_time_step_is_refused() {
    let refused = |name: &str, pairs: &[(&str, &str)]| {
        let all = [&[("ensemble.refine", "true")], pairs].concat();
        prepare(&Source::Model(name.to_owned()), &all).err().expect("refused").to_string()
    };
    for name in ["schlogl", "triangle-open", "metal-rod"] {
        assert!(refused(name, &[]).contains("no time step"), "{name}");
    }
    assert!(refused("schlogl", &[("ensemble.method", "tau-leaping"), ("measure.theorems", "[]")]).contains("states the bias of every estimate already"));
    assert!(refused("driven-ring", &[("ensemble.refine", "yes")]).contains("`true` or `false`"));
}

#[test]
fn a_device_refines_as_well() {
    let Some(adapter) = gpu::adapters().into_iter().min_by_key(|adapter| (!adapter.kind.is_hardware(), adapter.index)) else {
        assert!(std::env::var_os("NESS_REQUIRE_GPU").is_none(), "NESS_REQUIRE_GPU is set, and there is no device");
        eprintln!("skipped: no device runs shaders");
        return;
    };
    let device = Gpu::open(&Selection::Named(adapter.index.to_string())).expect("the device opens");
    assert_corrected(&run(&text(TRAP, &[]), &device), "energy", 0.5, 1);
}
