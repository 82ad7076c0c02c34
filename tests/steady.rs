//! Housekeeping, excess and Hatano–Sasa of Langevin dynamics: exact values, theorems, and what must fail.

mod common;

use common::{Sabotaged, assert_exact, assert_holds, assert_violated, cpu, estimate, model, prepare, run, text};
use ness::backend::Batch;
use ness::experiment::Source;
use ness::plan::{Column, Plan, SurpriseMove};
use ness::results::Judgement;
use ness::simulation::{Outcome, Simulation};
use ness::thermodynamics::theorems::{Evidence, Facts, Start, judge};

/// What a ring does when force and barrier move.
const RING: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x"]
x = { periodic = [0, "2*pi"] }
potential = "V*cos(x)"
force = "f"
friction = 1.0
temperature = "T"
[parameters]
T = 1.0
[protocol]
duration = 1.0
f = { steps = [[0, 1.0], [0, 3.0]] }
V = 2.0
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 50_000
dt = 0.01
[measure]
every = 0.5
theorems = ["hatano_sasa", "integral_nonadiabatic"]
"#;

/// Fails unless the exact value is the published one.
fn assert_known(outcome: &Outcome, name: &str, value: f64, tolerance: f64) {
    let exact = estimate(outcome, name).exact.unwrap_or(f64::NAN);
    assert!((exact - value).abs() <= tolerance, "{name}: {exact} is not {value}");
}

fn check(outcome: &Outcome, known: &[(&str, f64, f64)], tolerance: f64) {
    for (name, value, visible) in known {
        assert_known(outcome, name, *value, tolerance);
        assert_exact(outcome, name, *visible);
    }
}

#[test]
fn the_ring_ramp_has_the_numbers_of_the_literature() {
    let outcome = run(&model("ring-switch", &[("ensemble.trajectories", "100000"), ("ensemble.dt", "0.0125")]), &cpu());
    let known = [
        ("hatano_sasa", 0.395_464, 0.03),
        ("entropy_housekeeping", 0.249_047, 0.02),
        ("entropy_medium", 0.421_183, 0.03),
        ("entropy_total", 0.430_533, 0.02),
        ("entropy_excess", 0.421_183 - 0.249_047, 0.02),
    ];
    check(&outcome, &known, 2e-6);
    for name in ["hatano_sasa", "integral_housekeeping", "integral_nonadiabatic", "integral_total"] {
        assert_holds(&outcome, name);
    }
}

/// What is changed of an experiment.
type Sets = &'static [(&'static str, &'static str)];
/// Names, exact values, and defects that must be visible.
type Known = [(&'static str, f64, f64); 4];

#[test]
fn steps_and_ramps_of_force_and_barrier_have_their_numbers() {
    let cases: [(Sets, Known); 3] = [
        (
            &[],
            [
                ("hatano_sasa", 0.200_894_489, 0.03),
                ("entropy_housekeeping", 5.463_087_664, 0.3),
                ("entropy_nonadiabatic", 0.188_764_849, 0.03),
                ("entropy_excess", -0.114_154_468, 0.04),
            ],
        ),
        (
            &[("protocol.duration", "1.5"), ("protocol.f", "1.5"), ("protocol.V", "'1 + 2*t/1.5'")],
            [
                ("hatano_sasa", 0.181_814_470, 0.03),
                ("entropy_housekeeping", 2.431_968_293, 0.15),
                ("entropy_nonadiabatic", 0.140_546_561, 0.03),
                ("entropy_excess", 0.489_160_051, 0.04),
            ],
        ),
        (
            &[
                ("protocol.duration", "2.5"),
                ("T", "0.8"),
                ("protocol.f", "{ table = [[0, 0], [1, 2], [1.5, 2], [1.5, 1], [2.5, 1]] }"),
                ("protocol.V", "{ steps = [[0, 1], [1.5, 1.5]] }"),
            ],
            [
                ("hatano_sasa", 0.322_729_807, 0.03),
                ("entropy_housekeeping", 3.747_906_554, 0.15),
                ("entropy_nonadiabatic", 0.308_667_827, 0.03),
                ("entropy_excess", 0.231_950_940, 0.04),
            ],
        ),
    ];
    for (sets, known) in cases {
        let outcome = run(&text(RING, sets), &cpu());
        check(&outcome, &known, 1e-5);
        assert_holds(&outcome, "hatano_sasa");
        assert_holds(&outcome, "integral_nonadiabatic");
        assert!(outcome.violated().is_empty(), "{:?}", outcome.violated());
    }
}

#[test]
fn a_trap_whose_speed_jumps_has_a_gaussian_y() {
    for (dv, k, gamma, temperature) in [("2", "1", "1", "1"), ("1", "2", "1.5", "0.7")] {
        let sets = [("dv", dv), ("k", k), ("gamma", gamma), ("T", temperature), ("ensemble.trajectories", "200000"), ("ensemble.dt", "0.1")];
        let outcome = run(&model("trap-switch", &sets), &cpu());
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let mean = (number(gamma) * number(dv)).powi(2) / (2.0 * number(k) * number(temperature));
        check(&outcome, &[("hatano_sasa", mean, 0.05), ("hatano_sasa.variance", 2.0 * mean, 0.08)], 1e-12);
        // All is excess where no current flows.
        assert_known(&outcome, "entropy_housekeeping", 0.0, 0.0);
        assert!(outcome.violated().is_empty(), "{:?}", outcome.violated());
    }
}

/// Two coordinates in baths of their own, in a trap that stiffens, turns and moves.
const GYRATOR: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x", "y"]
potential = "k/2*(x - a)^2 + y^2 - c*(x - a)*y"
friction = { x = 1.0, y = 1.5 }
temperature = { x = 1.0, y = 3.0 }
[protocol]
duration = 0.5
k = "2 + 2*t"
c = { table = [[0, 1.0], [0.3, 1.0], [0.3, 0.2], [0.5, 0.4]] }
a = "100 + t"
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 200_000
dt = 0.001
[measure]
every = 0.1
theorems = ["hatano_sasa", "integral_nonadiabatic", "integral_housekeeping", "integral_total"]
"#;

#[test]
fn several_baths_and_a_moving_stiffness() {
    let outcome = run(&text(GYRATOR, &[("ensemble.trajectories", "50000")]), &cpu());
    for (name, visible) in [("hatano_sasa", 0.05), ("entropy_housekeeping", 0.06), ("entropy_nonadiabatic", 0.05), ("entropy_excess", 0.1)] {
        assert_exact(&outcome, name, visible);
    }
    for name in ["hatano_sasa", "integral_nonadiabatic", "integral_housekeeping", "integral_total"] {
        assert_holds(&outcome, name);
    }
    assert!(outcome.violated().is_empty(), "{:?}", outcome.violated());
}

fn sabotaged(simulation: &Simulation, plan: impl Fn(&mut Plan), batch: impl Fn(&Plan, &mut Batch) + Sync) -> Outcome {
    run(simulation, &Sabotaged { inner: cpu(), plan, batch })
}

#[test]
fn a_lost_or_displaced_surprise_is_caught() {
    let simulation = model("ring-switch", &[("ensemble.trajectories", "50000"), ("ensemble.dt", "0.0125")]);
    assert!(run(&simulation, &cpu()).violated().is_empty());
    let column = |plan: &Plan| plan.columns.iter().position(|c| *c == Column::Surprise).expect("the column is there");
    let flipped = |plan: &Plan, batch: &mut Batch| batch.columns[column(plan)].iter_mut().for_each(|y| *y = -*y);
    assert_violated(&sabotaged(&simulation, |_| {}, flipped), "hatano_sasa");
    let lost = |plan: &Plan, batch: &mut Batch| batch.columns[column(plan)].fill(0.0);
    let outcome = sabotaged(&simulation, |_| {}, lost);
    assert!(["hatano_sasa", "entropy_housekeeping", "entropy_excess"].iter().all(|name| outcome.violated().contains(name)), "{:?}", outcome.violated());
    // The table read a quarter of the ring away: p_ss of another place.
    let turned = |plan: &mut Plan| {
        let Some(SurpriseMove::Table(table)) = &mut plan.dynamics.overdamped_mut().expect("Langevin").surprise else { panic!("a table") };
        let (row, shift) = (4 * table.cells as usize, table.cells as usize);
        table.coefficients.chunks_exact_mut(row).for_each(|row| row.rotate_right(shift));
    };
    assert_violated(&sabotaged(&simulation, turned, |_, _| {}), "hatano_sasa");
}

#[test]
fn the_medium_alone_is_no_entropy() {
    // ⟨e^−Δs_med⟩ on the ring ramp is 1.565; so it is where housekeeping forgets the excess, or the total the system.
    let simulation = model("ring-switch", &[("ensemble.trajectories", "100000"), ("ensemble.dt", "0.0125"), ("measure.trajectories", "true")]);
    let outcome = run(&simulation, &cpu());
    let (_, medium) = outcome.kept.iter().find(|(name, _)| name == "entropy_medium").expect("kept");
    let mean = medium.iter().map(|s| (-s).exp()).sum::<f64>() / medium.len() as f64;
    assert!((mean - 1.565).abs() <= 0.06, "{mean}");
}

/// A start in a steady state, called an equilibrium.
fn pretended() -> Facts {
    Facts {
        single_temperature: Some(1.0),
        delta_free_energy: Some((0.0, "the potential does not move".to_owned())),
        start: Start::Equilibrium,
        protocol_moves: true,
        has_drives: true,
        jumps: false,
        empty_states_at_start: false,
        steady_states: Ok(()),
        canonical: Ok(()),
        odd: None,
        parity: Ok(()),
        unseen_variances: Default::default(),
        path_ledger: Ok(()),
        system_entropy: Ok("exact".to_owned()),
        duration: 1.0,
        quadratic_potential: false,
        unit_roundoff: f64::EPSILON / 2.0,
        exponential_variances: Default::default(),
    }
}

#[test]
fn jarzynski_and_crooks_fail_from_a_steady_state() {
    // A current that runs at the start does work that no free energy knows of; Hatano and Sasa's theorem holds for the same trajectories.
    let ring = |f: &str| {
        text(RING, &[("protocol.f", f), ("protocol.V", "2"), ("protocol.duration", "0.2"), ("measure.every", "0.1"), ("ensemble.trajectories", "100000")])
    };
    let forward = run(&ring("'2 + t'"), &cpu());
    let reverse = run(&ring("'2.2 - t'"), &cpu());
    assert_holds(&forward, "hatano_sasa");
    let facts = pretended();
    let evidence = Evidence { facts: &facts, scalars: &forward.scalars, reverse: Some(&reverse.scalars), fields: None };
    let judged = judge(&["jarzynski".to_owned(), "crooks".to_owned()], &evidence, 0).expect("both are tried");
    for verdict in judged.verdicts {
        assert_eq!(verdict.verdict, Judgement::Violated, "{}: {} ± {}: {}", verdict.name, verdict.value, verdict.standard_error, verdict.advice);
    }
}

/// Two coordinates that are not harmonic, in two baths.
const UNKNOWN: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x", "y", "z"]
potential = "x^4 + y^4 + z^4 + x*y + y*z"
friction = 1.0
temperature = { x = 1.0, y = 2.0, z = 1.0 }
[protocol]
duration = 0.1
[initial]
distribution = "steady-state"
burn_in = 1.0
[ensemble]
trajectories = 1000
dt = 0.01
[measure]
every = 0.1
theorems = ["hatano_sasa"]
"#;

#[test]
fn what_cannot_be_known_is_refused_with_the_reason() {
    let refused = |text: &str, sets: &[(&str, &str)]| {
        let source = Source::Text { name: "test".to_owned(), text: text.to_owned() };
        prepare(&source, sets).err().map(|error| error.to_string()).unwrap_or_default()
    };
    for name in ["hatano_sasa", "integral_housekeeping", "integral_nonadiabatic"] {
        let error = refused(UNKNOWN, &[("measure.theorems", &format!("['{name}']"))]);
        assert!(error.contains(name) && error.contains("steady state of several coordinates"), "{error}");
    }
    for name in ["jarzynski", "crooks"] {
        let error = refused(RING, &[("measure.theorems", &format!("['{name}']"))]);
        assert!(error.contains("start in equilibrium"), "{error}");
    }
    let error = refused(RING, &[("initial.distribution", "'uniform'")]);
    assert!(error.contains("needs a start in the steady state"), "{error}");
    // Nothing confines a free coordinate.
    let free = RING.replace("x = { periodic = [0, \"2*pi\"] }\n", "").replace("\"steady-state\"", "\"point\"\nat = 0.0");
    let error = refused(&free, &[("protocol.V", "0"), ("measure.theorems", "['integral_housekeeping']")]);
    assert!(error.contains("no steady state at every value"), "{error}");
}

/// A trap that stiffens outwards and moves, by steps so long that the first law is visibly off.
const DRAGGED: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x"]
potential = "(x - a)^4/4"
friction = 1.0
temperature = 1.0
[protocol]
duration = 1.0
a = "t"
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 20_000
dt = 0.05
seed = 4
integrator = "euler-maruyama"
[measure]
every = 1.0
theorems = ["integral_housekeeping"]
"#;

#[test]
fn where_no_current_can_flow_housekeeping_is_nothing_and_all_is_excess() {
    let pushed = DRAGGED.replace("friction", "force = { x = \"2 + a\" }\nfriction");
    let apart = DRAGGED
        .replace("[\"x\"]", "[\"x\", \"y\"]")
        .replace("(x - a)^4/4", "(x - a)^2/2 + (1 + a)*y^2")
        .replace("temperature = 1.0", "temperature = { x = 1.0, y = 3.0 }");
    let uneven = DRAGGED.replace("friction = 1.0", "friction = \"1 + 0.5*sin(x)\"\ninterpretation = \"anti-ito\"");
    let plane = DRAGGED.replace("[\"x\"]", "[\"x\", \"y\"]").replace("(x - a)^4/4", "(x - a)^4/4 + (y + a*x)^2");
    for file in [DRAGGED, &pushed, &apart, &uneven, &plane] {
        let outcome = run(&text(file, &[]), &cpu());
        let keeping = estimate(&outcome, "entropy_housekeeping");
        assert_eq!((keeping.value, keeping.standard_error, keeping.exact, keeping.z), (0.0, 0.0, Some(0.0), Some(0.0)), "{file}");
        assert_eq!(estimate(&outcome, "entropy_excess").value, estimate(&outcome, "entropy_medium").value);
        assert!(common::theorem(&outcome, "integral_housekeeping").advice.contains("no current flows"));
    }
    // Made of differences it would be the error of the first law, over the temperature, where there are two coordinates or more.
    let residual = estimate(&run(&text(&plane, &[]), &cpu()), "first_law_residual").clone();
    assert!(residual.value.abs() > 10.0 * residual.standard_error, "{residual:?}");
    // Two coupled baths, and a ring, have a current.
    let coupled = apart.replace("(1 + a)*y^2", "(1 + a)*y^2 + x*y/2");
    let keeping = estimate(&run(&text(&coupled, &[]), &cpu()), "entropy_housekeeping").clone();
    assert!(keeping.value > 5.0 * keeping.standard_error && keeping.standard_error > 0.0, "{keeping:?}");
}

#[test]
fn a_run_that_stays_has_no_y_and_its_housekeeping_is_its_total() {
    let sets =
        [("protocol.f", "1.5"), ("measure.theorems", "['integral_housekeeping', 'gallavotti_cohen', 'tur', 'detailed_total']"), ("protocol.duration", "0.5")];
    let outcome = run(&text(RING, &sets), &cpu());
    assert_eq!(estimate(&outcome, "hatano_sasa").value, 0.0);
    let (keeping, total) = (estimate(&outcome, "entropy_housekeeping").value, estimate(&outcome, "entropy_total").value);
    assert!((keeping - total).abs() <= 1e-5, "{keeping} {total}");
    for name in ["integral_housekeeping", "gallavotti_cohen", "tur", "detailed_total"] {
        assert_holds(&outcome, name);
    }
}
