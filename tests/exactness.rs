//! Exact values and theorems, at parameters other than those of the models.

mod common;

use common::{assert_exact, assert_holds, cpu, estimate, model, prepare, run, text};
use ness::experiment::Source;

const RING: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x"]
x = { periodic = [0, "2*pi"] }
potential = "V0*cos(x)"
force = "f"
friction = "gamma"
temperature = "T"
[parameters]
V0 = 2.0
f = 2.0
gamma = 1.0
T = 1.0
[protocol]
duration = 0.6
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 200_000
dt = 0.2
integrator = "euler-maruyama"
[measure]
every = 0.2
theorems = ["integral_total"]
"#;

#[test]
fn the_path_ledger_is_exact_at_a_step_of_one_fifth() {
    for integrator in ["euler-maruyama", "weak-taylor"] {
        for (f, v) in [("1", "2"), ("0.5", "1"), ("-1", "1.5")] {
            let sets = [("f", f), ("V0", v), ("ensemble.integrator", integrator), ("measure.theorems", "['integral_total', 'detailed_total']")];
            let outcome = run(&text(RING, &sets), &cpu());
            assert_holds(&outcome, "integral_total");
            assert_holds(&outcome, "detailed_total");
        }
    }
}

#[test]
fn crooks_and_jarzynski_are_exact_at_a_step_of_one_fifth() {
    let sets = [
        ("ensemble.integrator", "euler-maruyama"),
        ("ensemble.dt", "0.2"),
        ("measure.every", "0.2"),
        ("protocol.duration", "1"),
        ("ensemble.trajectories", "200000"),
    ];
    let outcome = run(&model("dragged-bead", &sets), &cpu());
    for name in ["crooks", "jarzynski", "integral_total"] {
        assert_holds(&outcome, name);
    }
}

#[test]
fn walls_keep_the_path_ledger_exact() {
    let box_ = RING
        .replace(r#"x = { periodic = [0, "2*pi"] }"#, "x = { walls = [0, 1] }")
        .replace("V0*cos(x)", "V0*x^2")
        .replace("force = \"f\"\n", "")
        .replace("f = 2.0\n", "")
        .replace("steady-state", "uniform");
    // At the longer step weights are so uneven that their sampled error is half the true one; the exact second moment of the chain is known.
    for (integrator, dt) in [("euler-maruyama", "0.02"), ("weak-taylor", "0.02"), ("euler-maruyama", "0.1")] {
        let outcome = run(&text(&box_, &[("ensemble.integrator", integrator), ("ensemble.dt", dt), ("measure.every", "0.1")]), &cpu());
        assert_holds(&outcome, "integral_total");
    }
}

#[test]
fn the_driven_ring_has_the_numbers_of_the_literature() {
    // V₀ = 2, f = 2, T = 1: ⟨v⟩ and σ; a second-order scheme at a step where Euler–Maruyama is visibly off.
    let sets = [("ensemble.integrator", "weak-taylor"), ("ensemble.dt", "0.005"), ("protocol.duration", "1"), ("measure.every", "0.5")];
    let outcome = run(&text(RING, &sets), &cpu());
    let (velocity, rate) = (estimate(&outcome, "velocity.x"), estimate(&outcome, "entropy_production_rate"));
    assert!((velocity.exact.unwrap_or(f64::NAN) - 1.253_046_4).abs() <= 1e-7, "{velocity:?}");
    assert!((rate.exact.unwrap_or(f64::NAN) - 2.506_092_7).abs() <= 2e-7, "{rate:?}");
    for (name, visible) in [("velocity.x", 0.03), ("entropy_production_rate", 0.05), ("displacement.x.variance", 0.2), ("heat", 0.06)] {
        assert_exact(&outcome, name, visible);
    }
}

#[test]
fn the_dragged_bead_has_the_numbers_of_the_literature() {
    let outcome = run(
        &model("dragged-bead", &[("protocol.duration", "1"), ("ensemble.trajectories", "200000"), ("ensemble.dt", "0.1"), ("measure.every", "0.5")]),
        &cpu(),
    );
    let work = estimate(&outcome, "work");
    assert!((work.exact.unwrap_or(f64::NAN) - 0.367_879_4).abs() <= 1e-7, "{work:?}");
    for (name, visible) in [
        ("work", 0.02),
        ("work.variance", 0.03),
        ("heat", 0.02),
        ("entropy_total", 0.01),
        ("entropy_total.variance", 0.02),
        ("velocity.x", 0.05),
        ("delta_F", 0.02),
    ] {
        assert_exact(&outcome, name, visible);
    }
}

#[test]
fn the_breathing_trap_has_the_numbers_of_the_literature() {
    let outcome = run(&model("breathing-trap", &[("ensemble.trajectories", "200000")]), &cpu());
    let (work, change) = (estimate(&outcome, "work"), estimate(&outcome, "delta_F"));
    assert!((work.exact.unwrap_or(f64::NAN) - 0.412_465_8).abs() <= 1e-5, "{work:?}");
    assert!((change.exact.unwrap_or(f64::NAN) - 0.346_573_6).abs() <= 1e-7, "{change:?}");
    assert_exact(&outcome, "work", 0.01);
    assert_exact(&outcome, "delta_F", 0.01);
}

#[test]
fn z_scores_over_seeds_are_standard_normal() {
    let mut scores = Vec::new();
    for seed in 0..60 {
        let seed = seed.to_string();
        let bead = [
            ("ensemble.seed", seed.as_str()),
            ("ensemble.trajectories", "2048"),
            ("protocol.duration", "1.2"),
            ("k", "2"),
            ("gamma", "1.5"),
            ("ensemble.dt", "0.05"),
            ("measure.every", "0.4"),
        ];
        let ring = [
            ("ensemble.seed", seed.as_str()),
            ("ensemble.trajectories", "2048"),
            ("protocol.duration", "1"),
            ("f", "1.5"),
            ("V0", "1.2"),
            ("ensemble.dt", "0.01"),
            ("ensemble.integrator", "weak-taylor"),
            ("measure.every", "0.5"),
        ];
        for (outcome, names) in [
            (run(&model("dragged-bead", &bead), &cpu()), ["work", "work.variance", "energy_change", "displacement.x"]),
            (run(&text(RING, &ring), &cpu()), ["displacement.x", "displacement.x.variance", "entropy_system", "heat"]),
        ] {
            scores.extend(names.map(|name| estimate(&outcome, name).z.unwrap_or(f64::NAN)));
        }
    }
    let count = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / count;
    let sd = (scores.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt();
    // Scores of one run are correlated, at worst like a quarter of their number.
    assert!(mean.abs() <= 5.0 / (count / 4.0).sqrt(), "mean {mean}");
    assert!((0.85..=1.15).contains(&sd), "sd {sd}");
    assert!(scores.iter().all(|z| z.abs() <= 5.0), "{scores:?}");
}

#[test]
fn an_undersampled_average_is_said_to_be_one() {
    let outcome = run(&model("dragged-bead", &[("ensemble.trajectories", "20000")]), &cpu());
    for name in ["jarzynski", "integral_total"] {
        let verdict = common::theorem(&outcome, name);
        assert_eq!(verdict.verdict, ness::results::Judgement::Undersampled, "{name}");
        assert!(verdict.advice.contains("would decide"), "{}", verdict.advice);
    }
}

#[test]
fn theorems_are_refused_outside_their_scope() {
    let refusal = |name: &str, sets: &[(&str, &str)]| match prepare(&Source::Model(name.to_owned()), sets) {
        Ok(_) => panic!("{name} {sets:?} was accepted"),
        Err(error) => error.to_string(),
    };
    let steady = refusal("driven-ring", &[("measure.theorems", "['jarzynski']")]);
    assert!(steady.contains("`jarzynski` does not apply") && steady.contains("equilibrium"), "{steady}");
    let moving = refusal("dragged-bead", &[("measure.theorems", "['tur']")]);
    assert!(moving.contains("`tur` does not apply"), "{moving}");
    let heun = refusal("driven-ring", &[("ensemble.integrator", "heun")]);
    assert!(heun.contains("heun") && heun.contains("path ledger"), "{heun}");
    let point = refusal("dragged-bead", &[("initial.distribution", "point"), ("initial.at", "0"), ("measure.theorems", "['integral_total']")]);
    assert!(point.contains("no density"), "{point}");
}
