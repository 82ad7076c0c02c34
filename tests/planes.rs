//! Two coordinates whose steady state has no closed form, under a protocol that moves: Hatano and Sasa's sum, housekeeping and excess.

mod common;

use common::{Sabotaged, assert_exact, assert_holds, assert_violated, cpu, estimate, prepare, run, text};
use ness::backend::Batch;
use ness::experiment::Source;
use ness::plan::{Column, Plan, SurpriseMove};
use ness::simulation::Simulation;

const ALL: [&str; 4] = ["hatano_sasa", "integral_housekeeping", "integral_nonadiabatic", "integral_total"];

fn known(simulation: &Simulation, name: &str) -> f64 {
    simulation.exact_values().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("`{name}` is not known")).1
}

/// A trap that stiffens outwards, in which a force that turns is switched on; one bath.
const WHIRL: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x", "y"]
potential = "0.5*(x^2 + y^2) + 0.25*x^4"
force = { x = "-w*y", y = "w*x" }
friction = 1.0
temperature = 1.0
[protocol]
duration = 0.5
w = "4*t"
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 50_000
dt = 0.001
seed = 3
[measure]
every = 0.5
theorems = ["hatano_sasa", "integral_housekeeping", "integral_nonadiabatic", "integral_total", "first_law"]
"#;

#[test]
fn a_whirl_in_a_quartic_trap_obeys_all_theorems_and_has_its_means() {
    let outcome = run(&text(WHIRL, &[]), &cpu());
    for theorem in ALL {
        assert_holds(&outcome, theorem);
    }
    for (name, visible) in [
        ("hatano_sasa", 0.02),
        ("entropy_excess", 0.05),
        ("entropy_housekeeping", 0.05),
        ("work", 0.1),
        ("heat", 0.1),
        ("entropy_total", 0.05),
        ("end_position.x.variance", 0.05),
    ] {
        assert_exact(&outcome, name, visible);
    }
    // Without the whirl the law does not change at all.
    assert!(estimate(&outcome, "hatano_sasa").exact.expect("known") > 5e-3);
    // Control: a bath 3 % warmer is seen in the housekeeping.
    let warmer = text(WHIRL, &[("model.temperature", "1.03")]);
    assert!((known(&warmer, "entropy_housekeeping") / estimate(&outcome, "entropy_housekeeping").exact.expect("known") - 1.0).abs() > 5e-3);
}

#[test]
fn a_lost_or_displaced_table_is_caught() {
    // Moved off at once and far, so that 50 000 trajectories see it.
    let jump = text(WHIRL, &[("model.potential", "\"0.5*(x-w)^2 + 0.5*y^2 + 0.25*x^4\""), ("protocol.w", "{ steps = [[0, 0], [0.1, 1.5]] }")]);
    assert!(run(&jump, &cpu()).violated().is_empty());
    let lost = |plan: &Plan, batch: &mut Batch| {
        let column = plan.columns.iter().position(|c| *c == Column::Surprise).expect("the column is there");
        batch.columns[column].fill(0.0);
    };
    let outcome = run(&jump, &Sabotaged { inner: cpu(), plan: |_: &mut Plan| {}, batch: lost });
    assert!(["hatano_sasa", "entropy_housekeeping", "entropy_excess"].iter().all(|name| outcome.violated().contains(name)), "{:?}", outcome.violated());
    // Read an eighth of the range away.
    let turned = |plan: &mut Plan| {
        let Some(SurpriseMove::Plane(plane)) = &mut plan.dynamics.overdamped_mut().expect("Langevin").surprise else { panic!("a table") };
        let (row, shift) = (plane.length(), plane.line() * plane.cells[0] as usize / 8);
        plane.coefficients.chunks_exact_mut(row).for_each(|row| row.rotate_right(shift));
    };
    assert_violated(&run(&jump, &Sabotaged { inner: cpu(), plan: turned, batch: |_: &Plan, _: &mut Batch| () }), "hatano_sasa");
}

/// A gyrator whose trap stiffens and moves; `q` is nothing, or next to nothing but no longer harmonic.
const GYRATOR: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x", "y"]
potential = "0.5*k*(x^2 + y^2) - 0.8*x*y - k*x + q*x^4"
friction = 1.0
temperature = { x = 1.0, y = 3.0 }
[parameters]
q = 0
[protocol]
duration = 0.4
k = "1.5 + 2*t"
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 20_000
dt = 0.002
seed = 5
integrator = "euler-maruyama"
[measure]
every = 0.4
theorems = ["hatano_sasa"]
"#;

#[test]
fn a_gyrator_on_grids_is_the_gyrator_of_the_formulas() {
    let formulas = text(GYRATOR, &[]);
    for protocol in ["\"1.5 + 2*t\"", "{ steps = [[0, 1.5], [0.1, 2.3]] }"] {
        let sets = [("protocol.k", protocol)];
        let (formulas, grids) = (text(GYRATOR, &sets), text(&GYRATOR.replace("q*x^4", "1e-12*x^4").replace("q = 0", ""), &sets));
        for name in ["hatano_sasa", "work", "heat", "entropy_medium", "energy"] {
            let (exact, found) = (known(&formulas, name), known(&grids, name));
            assert!((found - exact).abs() <= 2e-4 * exact.abs().max(1.0), "{protocol} {name}: {found} {exact}");
        }
        // From the same place along the same path Y is the same: starts differ, being drawn from a table, so both start from one Gaussian.
        let start = [
            ("initial", "{ distribution = 'gaussian', mean = { x = 0.5, y = 0.2 }, covariance = [[1.0, 0.2], [0.2, 1.5]] }"),
            ("measure.theorems", "['integral_housekeeping']"),
            sets[0],
        ];
        let (formulas, grids) = (text(GYRATOR, &start), text(&GYRATOR.replace("q*x^4", "1e-12*x^4").replace("q = 0", ""), &start));
        let (formulas, grids) = (run(&formulas, &cpu()), run(&grids, &cpu()));
        for name in ["hatano_sasa", "hatano_sasa.variance", "entropy_housekeeping", "entropy_excess"] {
            let (exact, found) = (estimate(&formulas, name).value, estimate(&grids, name).value);
            assert!((found - exact).abs() <= 5e-5 * exact.abs().max(1.0), "{protocol} {name}: {found} {exact}");
        }
    }
    // Control: another stiffness at the end is seen.
    let other = text(GYRATOR, &[("protocol.k", "\"1.5 + 2.03*t\"")]);
    assert!((known(&other, "hatano_sasa") / known(&formulas, "hatano_sasa") - 1.0).abs() > 5e-3);
}

/// Two phases that pull at each other; both drives rise, and not together.
const PHASES: &str = r#"
[model]
kind = "overdamped"
coordinates = { x = { periodic = [0, "2*pi"] }, y = { periodic = [0, "2*pi"] } }
potential = "cos(x) + 0.5*cos(2*y) - cos(x - y)"
force = { x = "f", y = "g" }
friction = { x = 1.0, y = 2.0 }
temperature = 1.0
[protocol]
duration = 0.5
f = "4*t"
g = "-2*t^2"
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 50_000
dt = 0.001
seed = 8
[measure]
every = 0.5
theorems = ["hatano_sasa", "integral_housekeeping", "integral_nonadiabatic", "integral_total"]
"#;

#[test]
fn two_phases_whose_drives_rise_obey_all_theorems() {
    let outcome = run(&text(PHASES, &[]), &cpu());
    for theorem in ALL {
        assert_holds(&outcome, theorem);
    }
    for (name, visible) in [("hatano_sasa", 0.02), ("entropy_housekeeping", 0.05), ("entropy_medium", 0.05), ("displacement.x", 0.05), ("displacement.y", 0.05)]
    {
        assert_exact(&outcome, name, visible);
    }
}

#[test]
fn walls_beside_an_open_coordinate_obey_them_too() {
    let walls = WHIRL
        .replace("[\"x\", \"y\"]", "{ x = { walls = [-1, 1.5] }, y = {} }")
        .replace("0.25*x^4", "0.25*y^4")
        .replace("w = \"4*t\"", "w = { table = [[0, 0], [0.2, 2], [0.5, -1]] }");
    let outcome = run(&text(&walls, &[]), &cpu());
    for theorem in ["hatano_sasa", "integral_nonadiabatic", "integral_total"] {
        assert_holds(&outcome, theorem);
    }
    assert_exact(&outcome, "hatano_sasa", 0.02);
    assert_exact(&outcome, "entropy_housekeeping", 0.05);
}

#[test]
fn starts_anywhere_have_their_means_along_a_ramp() {
    for start in ["{ distribution = 'point', at = { x = 0.4, y = -0.3 } }", "{ distribution = 'uniform', lower = { x = -1, y = 0 }, upper = { x = 1, y = 1 } }"]
    {
        let outcome = run(&text(WHIRL, &[("initial", start), ("measure.theorems", "['integral_housekeeping']")]), &cpu());
        for (name, visible) in [("work", 0.06), ("hatano_sasa", 0.02), ("entropy_housekeeping", 0.06), ("end_position.x", 0.03)] {
            assert_exact(&outcome, name, visible);
        }
    }
}

#[test]
fn a_start_at_a_point_has_its_heat() {
    let sets = [("protocol.w", "1.5"), ("initial", "{ distribution = 'point', at = { x = 1.0, y = 0.5 } }"), ("measure.theorems", "['first_law']")];
    let outcome = run(&text(WHIRL, &sets), &cpu());
    for (name, visible) in [("work", 0.06), ("heat", 0.06), ("energy", 0.05), ("circulation.x.y", 0.05), ("end_position.y", 0.03)] {
        assert_exact(&outcome, name, visible);
    }
}

#[test]
fn a_table_is_made_where_something_asks_for_it() {
    let tabulated = |sets: &[(&str, &str)]| {
        let simulation = text(WHIRL, sets);
        let told = simulation.warnings.iter().any(|warning| warning.contains("made where a theorem"));
        let column = simulation.plan().columns.contains(&Column::Surprise);
        assert_eq!(told, !column);
        (column, known(&simulation, "work"))
    };
    let (made, work) = tabulated(&[("measure.theorems", "['integral_nonadiabatic']")]);
    let (left_out, same) = tabulated(&[("measure.theorems", "['integral_total', 'first_law']")]);
    assert!(made && !left_out && (work - same).abs() <= 1e-5 * work.abs(), "{work} {same}");
    assert!(tabulated(&[("measure.theorems", "[]"), ("exact", "{ hatano_sasa = 0.01 }")]).0);
}

#[test]
fn what_has_no_table_is_refused_with_the_reason() {
    let refused = |text: &str, sets: &[(&str, &str)]| {
        let source = Source::Text { name: "test".to_owned(), text: text.to_owned() };
        prepare(&source, sets).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let error = refused(WHIRL, &[("protocol.w", "\"sin(40000*t)\""), ("ensemble.dt", "0.00005")]);
    assert!(error.contains("more than 16777216 numbers"), "{error}");
    let error = refused(WHIRL, &[("model.potential", "\"0.5*y^2 + 0.01*y^4 - 0.1*w*x^2\"")]);
    assert!(error.contains("does not confine"), "{error}");
}
