//! Noise that depends on place or time: interpretations, both ledgers of entropy, baths that cool.

mod common;

use common::{assert_exact, assert_holds, assert_violated, batches, cpu, estimate, model, prepare, run, text};
use ness::experiment::Source;
use ness::plan::{Column, Plan};

/// Mean and standard error of a function of the end position.
fn mean_at_the_end(plan: &Plan, function: impl Fn(&[f64]) -> f64) -> (f64, f64) {
    let place = |column: Column| plan.columns.iter().position(|c| *c == column).expect("a column of the plan");
    let places: Vec<usize> = (0..plan.coordinates.len() as u16).map(|i| place(Column::Position(i))).collect();
    let mut values = Vec::new();
    for batch in batches(plan, &cpu()) {
        values.extend((0..batch.count).map(|t| function(&places.iter().map(|&c| batch.columns[c][t]).collect::<Vec<_>>())));
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count * (count - 1.0))).sqrt())
}

#[test]
fn the_interpretation_decides_where_a_free_particle_dwells() {
    // D = 1 + sin(x)/2, p ∝ D^{−a}; by both integrators.
    let exact = [("ito", -0.267_949_2), ("stratonovich", -0.135_222_1), ("anti-ito", 0.0)];
    for integrator in ["euler-maruyama", "heun"] {
        for (interpretation, expected) in exact {
            let sets = [
                ("model.interpretation", interpretation),
                ("ensemble.integrator", integrator),
                ("ensemble.trajectories", "40000"),
                ("ensemble.dt", "0.01"),
                ("protocol.duration", "8"),
                ("measure.theorems", "[]"),
            ];
            let (mean, error) = mean_at_the_end(model("noisy-ring", &sets).plan(), |x| x[0].sin());
            assert!((mean - expected).abs() <= 5.0 * error, "{interpretation} by {integrator}: {mean} ± {error}, not {expected}");
            for (other, wrong) in exact.iter().filter(|(other, _)| *other != interpretation) {
                assert!((mean - wrong).abs() > 5.0 * error, "{interpretation} by {integrator} passes for {other}");
            }
        }
    }
}

/// `⟨exp(−s)⟩` of the path ledger from uniform to uniform: 1 whatever the dynamics, as long as the ranges are bounded.
fn from_uniform_to_uniform(text_of: &str, sets: &[(&str, &str)]) -> (f64, f64) {
    let plan = text(text_of, sets).plan().clone();
    let path = plan.columns.iter().position(|c| *c == Column::EntropyPath).expect("a path ledger");
    let weights: Vec<f64> = batches(&plan, &cpu()).iter().flat_map(|b| b.columns[path].iter().map(|s| (-s).exp()).collect::<Vec<_>>()).collect();
    let count = weights.len() as f64;
    let mean = weights.iter().sum::<f64>() / count;
    (mean, (weights.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / (count * (count - 1.0))).sqrt())
}

const BOUNDED: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x", "y"]
x = { periodic = [0, "2*pi"] }
y = { walls = [-1, 1] }
potential = "0.6*cos(x)*y + lambda*sin(x)"
force = { x = 0.4 }
friction = 1.0
temperature = { x = "1 + 0.4*sin(x)", y = "0.5 + 0.2*y" }
interpretation = "ito"
[protocol]
duration = 0.4
lambda = "t"
[initial]
distribution = "uniform"
lower = { x = 0, y = -1 }
upper = { x = "2*pi", y = 1 }
[ensemble]
trajectories = 200000
dt = 0.02
[measure]
every = 0.2
theorems = []
"#;

#[test]
fn the_path_ledger_averages_to_one_on_rings_and_between_walls() {
    let other = "model.temperature={ x = '1 + 0.2*sin(x)*y', y = '0.5 + 0.1*sin(x)' }";
    let (key, value) = other.split_once('=').expect("a key");
    for interpretation in ["ito", "stratonovich", "anti-ito"] {
        for sets in [vec![("model.interpretation", interpretation)], vec![("model.interpretation", interpretation), (key, value)]] {
            let (mean, error) = from_uniform_to_uniform(BOUNDED, &sets);
            assert!((mean - 1.0).abs() <= 5.0 * error && error < 0.01, "{sets:?}: {mean} ± {error}");
        }
    }
}

#[test]
fn the_two_ledgers_agree_as_the_step_shrinks() {
    for (dt, most) in [("0.02", 0.05), ("0.005", 0.0125)] {
        let sets = [("ensemble.dt", dt), ("ensemble.trajectories", "20000"), ("protocol.duration", "1"), ("measure.every", "0.2"), ("measure.theorems", "[]")];
        for interpretation in ["ito", "stratonovich", "anti-ito"] {
            let all: Vec<_> = [("model.interpretation", interpretation)].iter().chain(&sets).copied().collect();
            let outcome = run(&model("buttiker-landauer", &all), &cpu());
            let variance = estimate(&outcome, "time_step_error.variance").value;
            assert!(variance < most, "{interpretation} at {dt}: {variance}");
        }
    }
}

/// Free, uniform and anti-Itô from beginning to end: every entropy is 0 but for rounding, of the measured and of the exact value.
#[test]
fn rounding_of_an_entropy_that_is_0_is_no_deviation() {
    let sets = [
        ("model.interpretation", "anti-ito"),
        ("ensemble.integrator", "heun"),
        ("ensemble.dt", "0.005"),
        ("ensemble.trajectories", "3000"),
        ("protocol.duration", "0.5"),
        ("measure.every", "0.25"),
        ("measure.theorems", "['first_law']"),
    ];
    let outcome = run(&model("noisy-ring", &sets), &cpu());
    for name in ["entropy_system", "entropy_total", "entropy_nonadiabatic", "entropy_production_rate"] {
        let found = estimate(&outcome, name);
        assert!(found.value.abs() < 1e-10 && found.z.is_some_and(|z| z.abs() < 1.0), "{found:?}");
    }
}

#[test]
fn heat_that_flows_drives_a_current() {
    let sets = [("ensemble.trajectories", "100000"), ("ensemble.dt", "0.002"), ("protocol.duration", "2"), ("phase", "0.3"), ("a", "0.7"), ("U0", "1.3")];
    let outcome = run(&model("buttiker-landauer", &sets), &cpu());
    let current = estimate(&outcome, "velocity.x").exact.expect("known");
    assert!(current.abs() > 0.05, "{current}");
    assert_exact(&outcome, "velocity.x", 0.03);
    assert_exact(&outcome, "entropy_medium", 0.05);
    assert_exact(&outcome, "heat", 0.05);
    for name in ["first_law", "integral_total", "detailed_total", "steady_balance"] {
        assert_holds(&outcome, name);
    }
}

#[test]
fn a_box_with_a_warm_end() {
    let sets = [("ensemble.trajectories", "100000"), ("ensemble.dt", "0.0005"), ("measure.every", "0.1")];
    let outcome = run(&model("thermophoresis", &sets), &cpu());
    for (name, visible) in [("entropy_medium", 0.02), ("entropy_system", 0.02), ("displacement.x", 0.02)] {
        assert_exact(&outcome, name, visible);
    }
    assert_holds(&outcome, "integral_total");
}

#[test]
fn a_bath_that_cools() {
    let sets = [("ensemble.trajectories", "100000"), ("ensemble.dt", "0.01"), ("T_warm", "1.7"), ("T_cold", "0.8"), ("k", "1.4")];
    let outcome = run(&model("cold-trap", &sets), &cpu());
    for (name, visible) in [("heat", 0.03), ("entropy_medium", 0.03), ("entropy_total", 0.03), ("energy", 0.03), ("energy.variance", 0.05)] {
        assert_exact(&outcome, name, visible);
    }
    for name in ["first_law", "integral_total", "detailed_total"] {
        assert_holds(&outcome, name);
    }
    let refused = prepare(&Source::Model("cold-trap".to_owned()), &[("measure.theorems", "['jarzynski']")]).err().expect("refused").to_string();
    assert!(refused.contains("the temperature depends on time"), "{refused}");
}

#[test]
fn a_quartic_trap_in_a_bath_that_cools() {
    let sets = [("model.potential", "x^4/4 - x^2/2"), ("ensemble.trajectories", "50000"), ("ensemble.dt", "0.005"), ("measure.every", "1")];
    let outcome = run(&model("cold-trap", &sets), &cpu());
    for (name, visible) in [("heat", 0.05), ("entropy_medium", 0.05), ("entropy_total", 0.05)] {
        assert_exact(&outcome, name, visible);
    }
    assert_holds(&outcome, "integral_total");
    assert_holds(&outcome, "detailed_total");
}

#[test]
fn a_cup_of_coffee_cools() {
    let outcome = run(&model("coffee-cup", &[("ensemble.trajectories", "100000"), ("T_hot", "1.8"), ("k", "0.7")]), &cpu());
    for (name, visible) in [("energy", 0.06), ("energy.variance", 0.3), ("heat", 0.1), ("heat.variance", 0.6), ("entropy_total", 0.06), ("entropy_system", 0.1)]
    {
        assert_exact(&outcome, name, visible);
    }
    for name in ["first_law", "integral_total", "detailed_total"] {
        assert_holds(&outcome, name);
    }
}

#[test]
fn heat_over_a_wrong_temperature_is_caught() {
    // Written with the last temperature instead of that of the moment, the medium's entropy breaks the theorem.
    let simulation = model("cold-trap", &[("ensemble.trajectories", "100000"), ("ensemble.dt", "0.02")]);
    let flip = |plan: &Plan, batch: &mut ness::backend::Batch| {
        let path = plan.columns.iter().position(|c| *c == Column::EntropyPath).expect("a path ledger");
        let heat = plan.columns.iter().position(|c| *c == Column::Heat(0)).expect("heat");
        batch.columns[path] = batch.columns[heat].clone();
    };
    let sabotaged = common::Sabotaged { inner: cpu(), plan: |_: &mut Plan| {}, batch: flip };
    assert_violated(&run(&simulation, &sabotaged), "integral_total");
}

#[test]
fn work_theorems_hold_where_only_the_friction_depends_on_place() {
    const TRAP: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x"]
x = { walls = [-2, 2] }
potential = "k/2*x^2"
friction = "1/(1 + 0.5*tanh(x))"
temperature = 1
interpretation = "anti-ito"
[protocol]
duration = 0.5
k = "1 + 2*t"
[initial]
distribution = "equilibrium"
[ensemble]
trajectories = 100000
dt = 0.01
[measure]
every = 0.1
theorems = ["jarzynski", "crooks"]
"#;
    let outcome = run(&text(TRAP, &[]), &cpu());
    assert_holds(&outcome, "jarzynski");
    assert_holds(&outcome, "crooks");
    let refused = prepare(&Source::Text { name: "test".to_owned(), text: TRAP.replace("anti-ito", "ito") }, &[]).err().expect("refused").to_string();
    assert!(refused.contains("anti-Itô"), "{refused}");
}

#[test]
fn a_ratchet_that_flashes_drifts_for_work() {
    let sets = [("ensemble.trajectories", "100000"), ("ensemble.dt", "0.0025"), ("protocol.duration", "1"), ("V0", "0.4")];
    let outcome = run(&model("flashing-ratchet", &sets), &cpu());
    for (name, visible) in [("velocity.x", 0.02), ("work", 0.03), ("heat", 0.03), ("entropy_total", 0.2)] {
        assert_exact(&outcome, name, visible);
    }
    // The law comes back: the entropy of the system is what it was, and over whole periods all work has left as heat.
    let exact = |name: &str| estimate(&outcome, name).exact.expect("known");
    assert!(exact("entropy_system").abs() <= 1e-3);
    assert!((exact("work") - exact("heat")).abs() <= 1e-3, "{} {}", exact("work"), exact("heat"));
    assert!(estimate(&outcome, "velocity.x").exact.expect("known").abs() > 0.02);
}

#[test]
fn a_periodic_start_comes_back_and_others_are_refused() {
    let trap = [("t_f", "2"), ("T_warm", "1"), ("protocol.T", "1 + 0.5*sin(2*pi*t)"), ("initial.distribution", "periodic"), ("initial.period", "1")];
    let all: Vec<_> = trap.iter().chain(&[("ensemble.trajectories", "50000"), ("ensemble.dt", "0.01"), ("measure.every", "0.5")]).copied().collect();
    let outcome = run(&model("cold-trap", &all), &cpu());
    assert!(estimate(&outcome, "entropy_system").exact.expect("known").abs() <= 1e-6);
    for (name, visible) in [("entropy_medium", 0.06), ("heat", 0.06), ("energy", 0.03)] {
        assert_exact(&outcome, name, visible);
    }
    assert_holds(&outcome, "integral_total");
    let wrong: Vec<_> = trap[..4].iter().chain(&[("initial.period", "0.7")]).copied().collect();
    let refused = prepare(&Source::Model("cold-trap".to_owned()), &wrong).err().expect("refused").to_string();
    assert!(refused.contains("does not have the period"), "{refused}");
}
