//! Exact values of non-linear Langevin models from grids, and what trajectories say beside them.

mod common;

use common::{Sabotaged, assert_exact, assert_holds, assert_violated, cpu, estimate, model, prepare, run, text};
use ness::backend::Batch;
use ness::experiment::Source;
use ness::plan::Plan;
use ness::simulation::Simulation;

fn known(simulation: &Simulation, name: &str) -> f64 {
    simulation.exact_values().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("`{name}` is not known")).1
}

fn is_known(simulation: &Simulation, name: &str) -> bool {
    simulation.exact_values().any(|(known, ..)| known == name)
}

#[test]
fn a_driven_ring_has_its_generating_function_and_its_cumulants_at_long_times() {
    let ring = model("driven-ring", &[("f", "2"), ("protocol.duration", "5")]);
    for (alpha, mirrored, exact) in [("0.1", "0.9", -0.189_025_6), ("0.25", "0.75", -0.295_946_7), ("0.5", "0.5", -0.318_568_8)] {
        let (found, other) = (known(&ring, &format!("scgf.{alpha}")), known(&ring, &format!("scgf.{mirrored}")));
        assert!((found - exact).abs() <= 6e-8 && (found - other).abs() <= 1e-9, "{alpha}: {found} {other}");
    }
    // What a grid says of fluctuations is what quadrature says of diffusion.
    assert!((known(&ring, "variance_rate.displacement.x") / (2.0 * known(&ring, "diffusion.x")) - 1.0).abs() <= 1e-8);
    assert!((known(&ring, "tur_product.entropy_medium") - 5.077_169_0).abs() <= 1e-6);
    assert!((known(&model("driven-ring", &[]), "relaxation_rate") - 1.580_859_025_7).abs() <= 1e-9);
}

#[test]
fn without_a_current_there_is_nothing_to_count() {
    let resting = model("resting-ring", &[]);
    assert!(is_known(&resting, "relaxation_rate") && !is_known(&resting, "scgf.0.5"));
    // Moving forces have no long-time limit of this kind.
    assert!(!is_known(&model("double-well", &[]), "relaxation_rate"));
}

/// The gyrator of the formulas, `U = x² + y² − xy`, with a term that is nothing and yet not harmonic.
const GYRATOR: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x", "y"]
potential = "x^2 + y^2 - x*y + 1e-12*x^4"
friction = 1.0
temperature = { x = 1.0, y = 10.0 }
[protocol]
duration = 0.1
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 20_000
dt = 0.001
[measure]
every = 0.1
theorems = ["integral_total", "integral_housekeeping", "detailed_total"]
"#;

#[test]
fn a_gyrator_on_a_grid_is_the_gyrator_of_the_formulas() {
    let gyrator = text(GYRATOR, &[]);
    let exact = [
        ("entropy_production_rate", 2.025),
        ("heat_rate.x", 2.25),
        ("heat_rate.y", -2.25),
        ("circulation.x.y", -2.25),
        ("end_position.x.variance", 17.0 / 12.0),
        ("end_position.y.variance", 71.0 / 12.0),
        ("covariance.x.y", 11.0 / 6.0),
        ("energy", 5.5),
    ];
    for (name, exact) in exact {
        assert!((known(&gyrator, name) - exact).abs() <= 2e-5, "{name}: {}", known(&gyrator, name));
    }
    let outcome = run(&gyrator, &cpu());
    for theorem in ["integral_total", "integral_housekeeping", "detailed_total"] {
        assert_holds(&outcome, theorem);
    }
}

#[test]
fn trajectories_of_an_anharmonic_gyrator_agree_with_its_grids() {
    let sets = [("ensemble.trajectories", "50000"), ("ensemble.dt", "0.002"), ("measure.field", "{ coordinates = ['x', 'y'] }")];
    let outcome = run(&model("anharmonic-gyrator", &sets), &cpu());
    for (name, visible) in [("heat_rate.x", 0.1), ("entropy_production_rate", 0.05), ("circulation.x.y", 0.1), ("energy", 0.1), ("displacement.y", 0.1)] {
        assert_exact(&outcome, name, visible);
    }
    for theorem in ["integral_total", "integral_housekeeping", "steady_balance", "tur"] {
        assert_holds(&outcome, theorem);
    }
    // Cells show nearly all of the entropy production.
    let seen = estimate(&outcome, "entropy_production_rate.field").exact.expect("known");
    let rate = estimate(&outcome, "entropy_production_rate").exact.expect("known");
    assert!(seen <= rate && seen >= 0.97 * rate, "{seen} {rate}");
    // Control: 3 % more temperature is seen.
    let warmer = model("anharmonic-gyrator", &[("Ty", "4.12")]);
    assert!((known(&warmer, "heat_rate.x") / estimate(&outcome, "heat_rate.x").exact.expect("known") - 1.0).abs() > 0.02);
}

#[test]
fn a_start_that_is_not_the_steady_state_is_seen() {
    // Drawn from the steady state of another bath than the one that it is scored with. The integral theorems hold from any start, if nothing moves.
    let sets = [("ensemble.trajectories", "50000"), ("ensemble.dt", "0.002")];
    let other = model("anharmonic-gyrator", &[&sets[..], &[("Ty", "6")]].concat()).plan().initial.clone();
    let outcome = run(
        &model("anharmonic-gyrator", &sets),
        &Sabotaged { inner: cpu(), plan: |plan: &mut Plan| plan.initial = other.clone(), batch: |_: &Plan, _: &mut Batch| () },
    );
    assert_violated(&outcome, "steady_balance");
}

#[test]
fn what_two_coordinates_do_not_show_is_refused_with_the_reason() {
    let refused = |text: &str, sets: &[(&str, &str)]| {
        let source = Source::Text { name: "test".to_owned(), text: text.to_owned() };
        prepare(&source, sets).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let third = GYRATOR.replace("[\"x\", \"y\"]", "[\"x\", \"y\", \"z\"]").replace("y = 10.0", "y = 10.0, z = 1.0").replace("x^2 +", "z^2 + x^2 +");
    let error = refused(&third, &[("measure.theorems", "['hatano_sasa']")]);
    assert!(error.contains("several coordinates"), "{error}");
    let free = GYRATOR.replace("x^2 + y^2 - x*y + 1e-12*x^4", "y^2 + cos(x)");
    let error = refused(&free, &[("measure.theorems", "['integral_total']")]);
    assert!(error.contains("does not confine"), "{error}");
}

/// Two coordinates in two baths, one of them in a double well, from a Gaussian.
const WELLS: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x", "y"]
potential = "x^4/4 - x^2/2 + y^2 + x*y/2"
friction = 1.0
temperature = { x = 1.0, y = 2.0 }
[protocol]
duration = 0.5
[initial]
distribution = "gaussian"
mean = { x = 0.5, y = 0.0 }
covariance = [[0.5, 0.0], [0.0, 0.5]]
[ensemble]
trajectories = 50_000
dt = 0.001
[measure]
every = 0.5
theorems = ["first_law", "integral_total"]
"#;

#[test]
fn trajectories_on_the_way_agree_with_the_grids() {
    let outcome = run(&text(WELLS, &[]), &cpu());
    for (name, visible) in [
        ("heat.x", 0.05),
        ("heat.y", 0.1),
        ("entropy_medium", 0.05),
        ("entropy_system", 0.05),
        ("entropy_total", 0.05),
        ("energy", 0.1),
        ("end_position.x", 0.05),
        ("end_position.y.variance", 0.1),
        ("covariance.x.y", 0.1),
        ("displacement.x", 0.05),
        ("circulation.x.y", 0.05),
    ] {
        assert_exact(&outcome, name, visible);
    }
    assert_holds(&outcome, "integral_total");
    // Control: a bath 3 % warmer is seen.
    let warmer = text(WELLS, &[("model.temperature", "{ x = 1.0, y = 2.06 }")]);
    assert!((known(&warmer, "heat.y") - estimate(&outcome, "heat.y").exact.expect("known")).abs() > 0.005);
}

#[test]
fn equilibrium_of_two_coordinates_is_drawn_and_stays() {
    let sets = [("initial", "{ distribution = 'equilibrium' }"), ("model.temperature", "1.0"), ("measure.theorems", "['detailed_balance', 'integral_total']")];
    let outcome = run(&text(WELLS, &sets), &cpu());
    for theorem in ["detailed_balance", "integral_total"] {
        assert_holds(&outcome, theorem);
    }
    assert_exact(&outcome, "energy", 0.1);
    assert_eq!(estimate(&outcome, "entropy_total").exact.map(|exact| exact.abs() <= 1e-9), Some(true));
}

#[test]
fn a_pendulum_that_was_let_go_agrees_with_the_kramers_equation() {
    let sets = [("protocol.duration", "1"), ("measure.every", "0.5"), ("ensemble.trajectories", "40000"), ("ensemble.dt", "0.005")];
    let outcome = run(&model("pendulum", &sets), &cpu());
    for (name, visible) in [("cosine.theta", 0.05), ("sine.theta", 0.05), ("heat", 0.05), ("end_velocity.theta", 0.05), ("displacement.theta", 0.05)] {
        assert_exact(&outcome, name, visible);
    }
    // Control: 3 % more friction is seen.
    let other = model("pendulum", &[&sets[..], &[("gamma", "0.515")]].concat());
    assert!((known(&other, "end_velocity.theta") - estimate(&outcome, "end_velocity.theta").exact.expect("known")).abs() > 1e-3);
}
