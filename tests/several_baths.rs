//! Heats of several baths and areas have exact means at any time step, where forces are linear.

mod common;

use common::{Sabotaged, assert_exact, assert_holds, cpu, estimate, model, run, text};
use ness::backend::Batch;
use ness::plan::Plan;
use ness::simulation::{Outcome, Simulation};

/// Midpoints alone.
fn uncorrected(simulation: &Simulation) -> Outcome {
    let plan = |plan: &mut Plan| {
        if let Some(linear) = plan.dynamics.overdamped_mut().and_then(|dynamics| dynamics.linear.as_mut()) {
            linear.forms.clear();
        }
    };
    run(simulation, &Sabotaged { inner: cpu(), plan, batch: |_: &Plan, _: &mut Batch| {} })
}

/// Exact with the corrections, and clearly not so without.
fn check_steady(simulation: &Simulation, visible: &[(&str, f64)], missed: &[&str]) {
    check(simulation, visible, missed);
    // Variances too: what the steps hide of them is added.
    let outcome = run(simulation, &cpu());
    assert!(outcome.violated().is_empty(), "{:?}", outcome.violated());
}

/// The same where the protocol moves, and with it errors of second order in the step.
fn check(simulation: &Simulation, visible: &[(&str, f64)], missed: &[&str]) {
    let outcome = run(simulation, &cpu());
    for (name, visible) in visible {
        assert_exact(&outcome, name, *visible);
    }
    assert!(estimate(&outcome, "first_law_residual.variance").value <= 1e-24);
    let without = uncorrected(simulation);
    assert!(missed.iter().all(|name| without.violated().contains(name)), "{:?}", without.violated());
    assert!(estimate(&without, "first_law_residual.variance").value <= 1e-24);
}

#[test]
fn the_gyrator_at_long_steps() {
    for dt in ["0.05", "0.25"] {
        let sets = [("ensemble.dt", dt), ("measure.every", "0.25"), ("ensemble.trajectories", "200000")];
        let simulation = model("gyrator", &sets);
        check_steady(
            &simulation,
            &[("heat.x", 0.05), ("heat.y", 0.15), ("entropy_total", 0.03), ("circulation.x.y", 0.1)],
            &["heat.x", "circulation.x.y", "entropy_total"],
        );
        assert_holds(&run(&simulation, &cpu()), "integral_total");
    }
}

#[test]
fn the_chain_at_long_steps() {
    let sets = [("ensemble.dt", "0.2"), ("measure.every", "2"), ("protocol.duration", "4"), ("ensemble.trajectories", "50000")];
    let visible = [("heat.a", 0.2), ("heat.f", 0.8), ("entropy_total", 0.1), ("circulation.a.b", 0.02), ("circulation.d.f", 0.1)];
    check_steady(&model("overdamped-chain", &sets), &visible, &["heat.a", "heat.f", "circulation.a.b", "entropy_total"]);
}

/// Two baths, one of which warms up, in a trap that stiffens, turns and moves far from the origin, with a force that has no potential.
const MOVING: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x", "y"]
potential = "k/2*(x - a)^2 + y^2 - c*(x - a)*y"
force = { x = "0.5*y", y = "-0.3*(x - a)" }
friction = { x = 1.0, y = 1.5 }
temperature = { x = 1.0, y = "T" }
[protocol]
duration = 2.0
k = "2 + 2*t"
c = { table = [[0, 1.0], [1, 1.0], [1, 0.2], [2, 0.4]] }
a = "100 + t"
T = "3 + t"
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 200_000
dt = 0.02
[measure]
every = 0.5
theorems = ["integral_total", "first_law"]
"#;

#[test]
fn forces_and_baths_that_move() {
    let visible = [("work", 0.1), ("heat.x", 0.1), ("heat.y", 0.3), ("entropy_medium", 0.1), ("circulation.x.y", 0.7)];
    check(&text(MOVING, &[]), &visible, &["work", "heat.x", "entropy_medium"]);
}

#[test]
fn one_bath_needs_no_corrections() {
    let chain = model("overdamped-chain", &[("T_H", "1"), ("measure.theorems", "[]")]);
    let linear = chain.plan().dynamics.overdamped().and_then(|dynamics| dynamics.linear.as_ref()).expect("matrices");
    assert!(linear.forms.is_empty());
    // Far coordinates of a long chain have no say in a correction.
    let names: Vec<String> = (0..32).map(|i| format!("x{i}")).collect();
    let bonds: Vec<String> = names.windows(2).map(|pair| format!("({} - {})^2", pair[1], pair[0])).collect();
    let temperatures: Vec<String> = (0..32).map(|i| format!("x{i} = {}", 1.0 + 0.1 * f64::from(i))).collect();
    let body = format!(
        "[model]\nkind = \"overdamped\"\ncoordinates = {names:?}\npotential = \"0.5*(x0^2 + x31^2 + {})\"\nfriction = 1.0\ntemperature = {{ {} }}\n[protocol]\nduration = 1.0\n[initial]\ndistribution = \"steady-state\"\n[ensemble]\ntrajectories = 2000\ndt = 0.01\n[measure]\nevery = 0.5\n",
        bonds.join(" + "),
        temperatures.join(", ")
    );
    let long = text(&body, &[]);
    let linear = long.plan().dynamics.overdamped().and_then(|dynamics| dynamics.linear.as_ref()).expect("matrices");
    assert_eq!(linear.forms.len(), 31);
    assert!(linear.forms.iter().all(|form| form.terms.len() <= 120), "{:?}", linear.forms.iter().map(|form| form.terms.len()).collect::<Vec<_>>());
    assert!(run(&long, &cpu()).violated().is_empty());
}
