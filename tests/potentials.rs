//! Two coordinates in a potential that moves and is not harmonic, at one temperature: free energies by quadrature, and the theorems about work.

mod common;

use common::{assert_exact, assert_holds, cpu, estimate, prepare, run, text};
use ness::experiment::Source;
use ness::simulation::Simulation;

/// A quartic trap that stiffens along one diagonal and softens along the other.
const TRAP: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x", "y"]
potential = "(x^2 + y^2)^2/4 + k*x*y"
friction = { x = 1.0, y = 2.0 }
temperature = 0.7
[protocol]
duration = 1.0
k = "0.2 + 1.5*t"
[initial]
distribution = "equilibrium"
[ensemble]
trajectories = 50_000
dt = 0.004
seed = 3
[measure]
every = 1.0
theorems = ["jarzynski", "crooks", "hatano_sasa", "integral_total", "integral_nonadiabatic", "first_law"]
"#;

/// `ΔF` of that trap, by adaptive quadrature (scipy's `dblquad`, relative tolerance 1e-12), as the numbers below.
const SOFTENED: f64 = -0.402_095_156_628_44;

fn known(simulation: &Simulation, name: &str) -> f64 {
    simulation.exact_values().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("`{name}` is not known")).1
}

#[test]
fn free_energies_are_those_of_adaptive_quadrature() {
    let leaning = TRAP.replace("(x^2 + y^2)^2/4 + k*x*y", "(x^2 - 1)^2 + (y - k*x)^2 + k*y").replace("0.7", "0.5").replace("0.2 + 1.5*t", "-0.3 + 1.5*t");
    let bounded = TRAP
        .replace("[\"x\", \"y\"]", "{ x = { periodic = [0, \"2*pi\"] }, y = { walls = [-1, 1.5] } }")
        .replace("(x^2 + y^2)^2/4 + k*x*y", "k*cos(x)*sin(y) + 0.5*cos(x - y) + 0.25*y^3")
        .replace("temperature = 0.7", "temperature = { x = 1.3, y = 1.3 }")
        .replace("0.2 + 1.5*t", "2*t");
    for (file, change) in [(TRAP, SOFTENED), (&leaning, -1.407_858_454_031_7), (&bounded, -0.281_813_381_602_45)] {
        let simulation = text(file, &[]);
        let found = known(&simulation, "delta_F");
        assert!((found - change).abs() <= 1e-9, "{found} {change}");
        // `Y` is the dissipated work, and all of the entropy that the medium gains is excess.
        let temperature = simulation.temperature().expect("one");
        assert!((known(&simulation, "hatano_sasa") - (known(&simulation, "work") - change) / temperature).abs() <= 1e-9);
        assert_eq!(known(&simulation, "entropy_excess"), known(&simulation, "entropy_medium"));
    }
}

#[test]
fn work_obeys_its_theorems_and_has_its_mean() {
    let outcome = run(&text(TRAP, &[]), &cpu());
    for theorem in ["jarzynski", "crooks", "hatano_sasa", "integral_total", "integral_nonadiabatic", "first_law"] {
        assert_holds(&outcome, theorem);
    }
    // By Bennett from both directions; the stiffness 3 % off at the end is 0.014 off.
    assert_exact(&outcome, "delta_F", 0.014);
    for (name, visible) in [("work", 0.02), ("heat", 0.04), ("hatano_sasa", 0.03), ("entropy_excess", 0.06), ("entropy_nonadiabatic", 0.03)] {
        assert_exact(&outcome, name, visible);
    }
    let wrong = text(TRAP, &[("protocol.k", "\"0.2 + 1.551*t\"")]);
    assert!((known(&wrong, "delta_F") - SOFTENED).abs() >= 0.014);
}

#[test]
fn inertia_changes_no_free_energy() {
    let swing = TRAP.replace("kind = \"overdamped\"", "kind = \"underdamped\"\nmass = { x = 1.0, y = 0.5 }");
    let outcome = run(&text(&swing, &[("measure.theorems", "['jarzynski', 'crooks', 'first_law']"), ("ensemble.dt", "0.02")]), &cpu());
    for theorem in ["jarzynski", "crooks", "first_law"] {
        assert_holds(&outcome, theorem);
    }
    let estimate = estimate(&outcome, "delta_F");
    assert!(estimate.exact.is_some_and(|exact| (exact - SOFTENED).abs() <= 1e-9), "{estimate:?}");
    assert_exact(&outcome, "delta_F", 0.02);
}

#[test]
fn a_trap_that_is_dragged_has_no_free_energy_to_gain() {
    let dragged = TRAP.replace("(x^2 + y^2)^2/4 + k*x*y", "((x - k)^2 + (y + k)^2)^2/4");
    for start in ["equilibrium", "steady-state"] {
        let theorems = if start == "equilibrium" { "['jarzynski', 'crooks', 'hatano_sasa']" } else { "['hatano_sasa', 'integral_total']" };
        let simulation = text(
            &dragged,
            &[("initial.distribution", &format!("'{start}'")), ("measure.theorems", theorems), ("protocol.k", "{ steps = [[0, 0], [0.5, 0.7]] }")],
        );
        let outcome = run(&simulation, &cpu());
        assert!(outcome.violated().is_empty(), "{start}: {:?}", outcome.violated());
        assert!(start != "equilibrium" || known(&simulation, "delta_F").abs() <= 1e-9);
        assert_exact(&outcome, "hatano_sasa", 0.1);
    }
}

#[test]
fn what_has_no_free_energy_here_is_refused_with_the_reason() {
    let refused = |text: &str, sets: &[(&str, &str)]| {
        let source = Source::Text { name: "test".to_owned(), text: text.to_owned() };
        prepare(&source, sets).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let three = TRAP.replace("[\"x\", \"y\"]", "[\"x\", \"y\", \"z\"]").replace("k*x*y", "k*x*y + z^4").replace("y = 2.0 }", "y = 2.0, z = 1.0 }");
    let error = refused(&three, &[("measure.theorems", "['hatano_sasa']")]);
    assert!(error.contains("free energy of more than two coordinates"), "{error}");
    let opened = TRAP.replace("(x^2 + y^2)^2/4 + k*x*y", "x^4 + s*y^4").replace("k = \"0.2 + 1.5*t\"", "s = \"1 - t\"");
    let error = refused(&opened, &[("measure.theorems", "['jarzynski']")]);
    assert!(error.contains("confine"), "{error}");
}
