//! Odd variables: what time reversal turns round besides velocities, in both ledgers, in the reversed ensemble and in the refusals.

mod common;

use std::sync::Mutex;

use common::{Sabotaged, assert_exact, assert_holds, assert_violated, cpu, estimate, model, prepare, run, text};
use ness::experiment::Source;
use ness::plan::{Column, LinearStep, Overdamped, Plan};
use ness::random::Stream;
use ness::simulation::{Outcome, Simulation};

fn close(value: f64, expected: f64, tolerance: f64) {
    assert!((value - expected).abs() <= tolerance, "{value} is not {expected}");
}

fn exact(simulation: &Simulation, name: &str) -> f64 {
    simulation.exact_values().find(|(known, ..)| *known == name).map_or(f64::NAN, |(_, value, _)| value)
}

/// The active bead without the closed form of its file, which is that of an odd propulsion.
fn active(pairs: &[(&str, &str)]) -> Simulation {
    let entry = ness::experiment::catalog().into_iter().find(|entry| entry.name == "active-bead").expect("the model is there");
    let (body, _) = entry.text.split_once("[exact]").expect("closed forms");
    text(body, pairs)
}

/// Few and long steps, over a time in which reversed trajectories are not rare.
const SHORT: [(&str, &str); 4] = [("ensemble.dt", "0.25"), ("protocol.duration", "0.5"), ("measure.every", "0.25"), ("ensemble.trajectories", "400000")];

#[test]
fn the_active_bead_has_two_entropies() {
    for (k, gamma, temperature, tau, spread) in [("1", "1", "1", "0.5", "3"), ("2", "0.5", "1.5", "0.3", "2"), ("0.3", "2", "1", "2", "0.4")] {
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let (a, square) = (number(k) / number(gamma), number(spread) * number(tau));
        let even = number(gamma) * square / (number(temperature) * (1.0 + a * number(tau)));
        for (parity, rate) in [("even", even), ("odd", even * a * number(tau))] {
            let sets = [("k", k), ("gamma", gamma), ("T", temperature), ("tau", tau), ("D_u", spread), ("model.parity.u", parity)];
            let simulation = active(&[&sets[..], &SHORT[..]].concat());
            close(exact(&simulation, "entropy_production_rate"), rate, 1e-12 * rate);
            close(exact(&simulation, "heat_rate.x"), number(temperature) * rate, 1e-12 * rate);
            let outcome = run(&simulation, &cpu());
            assert_exact(&outcome, "entropy_total", 0.05 * rate.max(0.5));
            for name in ["work", "heat", "heat.x", "heat.u", "entropy_medium", "circulation.x.u"] {
                assert_exact(&outcome, name, 0.1 * rate.max(0.5));
            }
            for theorem in ["first_law", "steady_balance", "integral_total", "detailed_total"] {
                assert_holds(&outcome, theorem);
            }
        }
    }
}

fn overdamped(plan: &mut Plan) -> &mut Overdamped {
    plan.dynamics.overdamped_mut().expect("Langevin")
}

fn spoiled(simulation: &Simulation, plan: impl Fn(&mut Plan)) -> Outcome {
    run(simulation, &Sabotaged { inner: cpu(), plan, batch: |_: &Plan, _: &mut ness::backend::Batch| {} })
}

#[test]
fn a_wrong_parity_is_caught() {
    let sets = [("ensemble.trajectories", "100000"), ("ensemble.dt", "0.1"), ("measure.every", "0.5"), ("protocol.duration", "0.5"), ("tau", "1.5")];
    let simulation = active(&sets);
    assert!(run(&simulation, &cpu()).violated().is_empty());
    // The ledgers of an even propulsion, where the file says odd.
    let even = active(&[&sets[..], &[("model.parity.u", "even")]].concat()).plan().clone();
    let outcome = spoiled(&simulation, |plan| {
        (plan.dynamics, plan.uniforms) = (even.dynamics.clone(), even.uniforms.clone());
    });
    assert_violated(&outcome, "detailed_total");
    assert!(["entropy_total", "heat.x", "work"].iter().all(|name| outcome.violated().contains(name)), "{:?}", outcome.violated());
    // The reversed run from a law that was not turned round.
    let forward = simulation.plan().initial.clone();
    let outcome = spoiled(&simulation, |plan| plan.initial = forward.clone());
    assert_violated(&outcome, "detailed_total");
    // A path ledger without its form.
    let outcome = spoiled(&simulation, |plan| {
        let linear: &mut LinearStep = overdamped(plan).linear.as_mut().expect("matrices");
        linear.forms.retain(|form| form.shares.iter().all(|(column, _)| *column != Column::EntropyPath));
    });
    assert_violated(&outcome, "detailed_total");
}

#[test]
fn euler_steps_keep_the_path_ledger_of_odd_variables() {
    let sets = [
        ("ensemble.integrator", "euler-maruyama"),
        ("ensemble.dt", "0.25"),
        ("measure.every", "0.25"),
        ("ensemble.trajectories", "200000"),
        ("tau", "1.5"),
        ("D_u", "1"),
    ];
    for parity in ["even", "odd"] {
        let simulation = active(&[&sets[..], &[("model.parity.u", parity), ("measure.theorems", "['integral_total', 'detailed_total']")]].concat());
        let outcome = run(&simulation, &cpu());
        assert_holds(&outcome, "integral_total");
        // The even bead compares a run with itself, whose law Euler's steps do not keep.
        if parity == "odd" {
            assert_holds(&outcome, "detailed_total");
        }
    }
    let odd = active(&[&sets[..], &[("measure.theorems", "['detailed_total']")]].concat());
    // Backwards by the forces of motion forwards.
    let outcome = spoiled(&odd, |plan| {
        let reversal = overdamped(plan).reversal.as_mut().expect("odd variables");
        reversal.back = (0..reversal.back.len() as u16).collect();
    });
    assert_violated(&outcome, "detailed_total");
    // Shorter steps: the physical ledger has its mean too, and heat closes the first law as far as the step lets it.
    let fine = active(&[("ensemble.integrator", "euler-maruyama"), ("ensemble.dt", "0.0025"), ("ensemble.trajectories", "40000"), ("measure.theorems", "[]")]);
    let outcome = run(&fine, &cpu());
    assert_exact(&outcome, "heat.x", 0.1);
    assert_exact(&outcome, "work", 0.1);
    assert!(estimate(&outcome, "first_law_residual.variance").value <= 1e-3);
}

/// A charge in a trap that may be slanted, and whose field turns it round.
const CHARGE: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x", "y"]
potential = "k/2*(x^2 + y^2) + c*x*y"
force = { x = "B*y", y = "-B*x" }
friction = 1.0
temperature = 1.0
parity = { B = "odd" }
[parameters]
k = 1.0
c = 0.0
B = 2.0
[protocol]
duration = 1.0
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 50_000
dt = 0.1
[measure]
every = 0.5
theorems = ["integral_total", "steady_balance", "first_law"]
"#;

#[test]
fn a_magnetic_field_costs_nothing_but_a_stirrer_does() {
    let odd = run(&text(CHARGE, &[]), &cpu());
    // Every trajectory is as likely as its reverse in the reversed field.
    for name in ["entropy_total", "entropy_total_path"] {
        assert!(estimate(&odd, name).value.abs() <= 1e-12 && estimate(&odd, &format!("{name}.variance")).value <= 1e-20, "{name}");
    }
    close(estimate(&odd, "work.variance").value, 0.0, 1e-20);
    // The same force as a stirrer: 2 B²/(γ k).
    let even = run(&text(CHARGE, &[("model.parity.B", "even")]), &cpu());
    close(estimate(&even, "entropy_production_rate").exact.unwrap_or(f64::NAN), 8.0, 1e-12);
    for name in ["entropy_total", "work", "heat", "circulation.x.y"] {
        assert_exact(&even, name, 0.5);
    }
    assert!(even.violated().is_empty(), "{:?}", even.violated());
}

/// The charge in a slanted trap that moves and stiffens, while the field grows.
const MOVED: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x", "y"]
potential = "k/2*((x - k)^2 + y^2) + 0.6*x*y"
force = { x = "q*B*(k*y + 0.6*x)", y = "-q*B*(k*(x - k) + 0.6*y)" }
friction = 1.0
temperature = 1.0
parity = { B = "odd" }
[parameters]
q = 1
[protocol]
duration = 1.0
k = "1 + t"
B = "2 + t"
[initial]
distribution = "equilibrium"
[ensemble]
trajectories = 200_000
dt = 0.1
[measure]
every = 0.5
theorems = ["jarzynski", "crooks", "integral_total"]
"#;

#[test]
fn crooks_compares_with_the_reversed_field() {
    let simulation = text(MOVED, &[]);
    let outcome = run(&simulation, &cpu());
    for theorem in ["jarzynski", "crooks", "integral_total"] {
        assert_holds(&outcome, theorem);
    }
    for name in ["work", "heat"] {
        assert_exact(&outcome, name, 0.05);
    }
    assert!(outcome.violated().is_empty(), "{:?}", outcome.violated());
    // The reversed run in the field of the forward one: that of the other sign, reversed.
    let unturned = Mutex::new(None);
    spoiled(&text(MOVED, &[("q", "-1")]), |plan| {
        if plan.stream == Stream::Reverse {
            *unturned.lock().expect("one thread") = Some(plan.clone());
        }
    });
    let unturned = unturned.into_inner().expect("one thread").expect("a reversed run");
    let outcome = spoiled(&simulation, |plan| {
        if plan.stream == Stream::Reverse {
            *plan = unturned.clone();
        }
    });
    assert_violated(&outcome, "crooks");
}

fn refused(body: &str, sets: &[(&str, &str)], reason: &str) {
    let source = Source::Text { name: "test".to_owned(), text: body.to_owned() };
    let error = prepare(&source, sets).err().map(|error| error.to_string()).unwrap_or_else(|| panic!("not refused: {reason}"));
    assert!(error.contains(reason), "{error}");
}

#[test]
fn what_a_parity_cannot_be_is_refused_with_the_reason() {
    refused(CHARGE, &[("model.parity.b", "odd")], "did you mean `B`?");
    refused(CHARGE, &[("model.parity.B", "od")], "did you mean `odd`?");
    refused(CHARGE, &[("model.parity", "odd")], "`parity` must be a table");
    refused(CHARGE, &[("model.parity.c", "odd"), ("c", "0.5")], "`potential` changes when the odd variables change sign");
    refused(CHARGE, &[("model.force", "{ x = 'B*x' }")], "compresses the space of states");
    refused(&CHARGE.replace("friction = 1.0", "friction = \"2 + B\""), &[], "a friction or a temperature depends on an odd variable");
    refused(&CHARGE.replace("friction = 1.0", "friction = \"2 + x^2\"\ninterpretation = \"ito\""), &[], "multiplicative noise");
    refused(&CHARGE.replace("parity = {", "y = { walls = [-1, 1] }\nparity = { y = \"odd\","), &[], "the odd coordinate `y` has a range");
    for theorem in ["tur", "integral_housekeeping", "hatano_sasa", "gallavotti_cohen"] {
        refused(CHARGE, &[("measure.theorems", &format!("['{theorem}']"))], "`B` is odd under time reversal");
    }
    refused(include_str!("../models/two-masses.toml"), &[("model.parity", "{ k = 'odd' }")], "unknown key `parity`");
}

#[test]
fn an_unstated_propulsion_has_no_entropy() {
    let unstated = [("model.parity", "{}")];
    for theorem in ["first_law", "integral_total", "detailed_total", "steady_balance", "tur", "integral_housekeeping"] {
        let sets = [unstated[0], ("measure.theorems", &format!("['{theorem}']"))];
        let entry = ness::experiment::catalog().into_iter().find(|entry| entry.name == "active-bead").expect("the model is there");
        refused(entry.text, &sets, "parity = { u = \"even\" }");
    }
    let simulation = active(&[unstated[0], ("measure.theorems", "[]"), ("ensemble.trajectories", "2000")]);
    assert!(simulation.warnings.iter().any(|warning| warning.contains("parity = { u = \"odd\" }")), "{:?}", simulation.warnings);
    let outcome = run(&simulation, &cpu());
    for name in ["work", "heat", "heat.x", "entropy_medium", "entropy_total", "entropy_production_rate", "entropy_housekeeping"] {
        assert!(outcome.estimates.iter().all(|e| e.name != name), "{name}");
        assert!(exact(&simulation, name).is_nan(), "{name}");
    }
    for name in ["circulation.x.u", "energy", "entropy_system"] {
        assert!(estimate(&outcome, name).z.is_some_and(|z| z.abs() <= 5.0), "{name}");
    }
    // A row of springs acts both ways; a shear flow does not, and asks.
    assert!(model("overdamped-chain", &[]).warnings.is_empty());
    let shear = CHARGE.replace("force = { x = \"B*y\", y = \"-B*x\" }", "force = { x = \"B*y\" }");
    refused(&shear, &[], "parity = { y = \"even\" }");
    assert!(text(&shear, &[("model.parity.y", "even")]).warnings.is_empty());
}
