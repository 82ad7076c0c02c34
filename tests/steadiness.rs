//! Runs that should stand still: a burn-in too short is told, one that is long enough is not, and memory has its exact length.

mod common;

use common::{assert_exact, assert_holds, cpu, estimate, model, prepare, run, text};
use ness::backend::gpu::{self, Gpu, Selection};
use ness::experiment::Source;
use ness::plan::InitialState;
use ness::simulation::{Outcome, Simulation};

/// Two anharmonic coordinates in two baths, away from the origin, where they start.
const PAIR: &str = r#"
title = "pair"
[model]
kind = "overdamped"
coordinates = ["x", "y"]
potential = "(x - 2)^2/2 + (x - 2)^4/8 + y^2/2 + y^4/8 + (x - 2)*y/2"
friction = 1.0
temperature = { x = 1.0, y = 2.0 }
[parameters]
[protocol]
duration = 8.0
[initial]
distribution = "steady-state"
burn_in = 20.0
[ensemble]
trajectories = 2048
dt = 0.02
[measure]
every = 0.2
"#;

/// Molecules that come and go; they start from none.
const GUESTS: &str = r#"
title = "guests"
[model]
kind = "reactions"
species = { X = 0 }
reactions = [{ name = "pass", equation = "0 <-> X", forward = 10.0, reverse = 1.0 }]
[protocol]
duration = 10.0
[initial]
distribution = "steady-state"
burn_in = 20.0
[ensemble]
trajectories = 2048
[measure]
every = 0.25
"#;

/// A walker that starts in the state where it seldom is.
const TRIANGLE: &str = r#"
title = "triangle"
[model]
kind = "network"
states = ["rare", "b", "c"]
edges = [
  { from = "rare", to = "b", forward = 3.0, reverse = 0.2 },
  { from = "b", to = "c", forward = 1.0, reverse = 1.0 },
  { from = "c", to = "rare", forward = 0.5, reverse = 2.0 },
]
[protocol]
duration = 5.0
[initial]
distribution = "steady-state"
burn_in = 20.0
[ensemble]
trajectories = 2048
[measure]
every = 0.5
"#;

/// The pair with a third coordinate, so that its steady state is not known and a burn-in is needed.
fn triple() -> String {
    PAIR.replace("[\"x\", \"y\"]", "[\"x\", \"y\", \"z\"]").replace("+ y^4/8", "+ y^4/8 + z^2/2 + z^4/8 + y*z/4").replace("y = 2.0 }", "y = 2.0, z = 1.0 }")
}

/// Guests of three kinds: too many states are occupied to solve for the steady state.
fn crowd() -> String {
    let more = "reactions = [{ equation = \"0 <-> A\", forward = 10.0, reverse = 1.0 }, { equation = \"0 <-> B\", forward = 10.0, reverse = 1.0 }, ";
    GUESTS.replace("{ X = 0 }", "{ X = 0, A = 10, B = 10 }").replace("reactions = [", more)
}

/// The triangle beside two states that nothing leads to, so that there is no one steady state.
fn torn() -> String {
    let more = "edges = [\n  { from = \"d\", to = \"e\", forward = 1.0, reverse = 1.0 },";
    TRIANGLE.replace("\"c\"]\n", "\"c\", \"d\", \"e\"]\n").replace("edges = [", more)
}

fn alarm(outcome: &Outcome) -> Option<&String> {
    outcome.warnings.iter().find(|warning| warning.contains("NOT in a steady state"))
}

/// The burn-in that an alarm advises.
fn advised(alarm: &str) -> String {
    let advice = alarm.split("too short; about ").nth(1).unwrap_or_else(|| panic!("no advice: {alarm}"));
    advice.split(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn a_short_burn_in_is_told_and_the_advice_is_good() {
    let (crowd, torn) = (crowd(), torn());
    for (file, short, named) in [(triple().as_str(), "0.2", "`x`"), (&crowd, "1.0", "`X`"), (&torn, "0.1", "state `rare`")] {
        let outcome = run(&text(file, &[("initial.burn_in", short)]), &cpu());
        let alarm = alarm(&outcome).unwrap_or_else(|| panic!("no alarm: {:?}", outcome.warnings));
        assert!(alarm.contains(named) && alarm.contains(" ± "), "{alarm}");
        assert!(outcome.estimates.iter().all(|e| !e.name.starts_with("autocorrelation_time")));
        if file == torn {
            // Only start and end are compared: how fast it settles is not seen.
            assert!(alarm.contains("does not settle within the run"), "{alarm}");
            continue;
        }
        let longer = advised(alarm);
        assert!(longer.parse::<f64>().is_ok_and(|time| time > 1.0 && time < 20.0), "{alarm}");
        let better = run(&text(file, &[("initial.burn_in", &longer)]), &cpu());
        assert_eq!(better.warnings.iter().find(|warning| warning.contains("NOT in")), None);
    }
}

#[test]
fn a_burn_in_on_top_of_a_known_steady_state_keeps_all_that_is_known() {
    let exact = |simulation: &Simulation| simulation.exact_values().map(|(name, value, _)| (name.to_owned(), value)).collect::<Vec<_>>();
    let integral = [("measure.theorems", "['integral_total']"), ("protocol.duration", "1"), ("measure.every", "0.5"), ("ensemble.dt", "0.002")];
    let trap = PAIR.replace("(x - 2)^2/2 + (x - 2)^4/8 + y^2/2 + y^4/8 + (x - 2)*y/2", "(x - 2)^2/2 + y^2/2 + x*y/4");
    for file in [PAIR, &trap, TRIANGLE, GUESTS] {
        // Jump processes have no time step.
        let sets = if file == PAIR || file == trap { &integral[..] } else { &integral[..3] };
        let asked = text(file, &[sets, &[("initial.burn_in", "3")]].concat());
        assert!(asked.plan().relaxation_steps > 0 && asked.start.contains("then relaxed for t = 3"), "{}", asked.start);
        let known = text(&file.replace("burn_in = 20.0\n", ""), sets);
        assert!(known.plan().relaxation_steps == 0 && known.start.contains("steady state"), "{}", known.start);
        assert!(format!("{:?}", asked.plan().initial) == format!("{:?}", known.plan().initial));
        assert!(exact(&asked) == exact(&known) && exact(&asked).len() > 5, "{:?}", exact(&asked));
        // However short it is, nothing is left to settle.
        let short = run(&text(file, &[sets, &[("initial.burn_in", "0.1")]].concat()), &cpu());
        assert_eq!(alarm(&short), None);
        assert!(short.violated().is_empty(), "{:?}", short.violated());
        assert_holds(&short, "integral_total");
    }
}

#[test]
fn a_start_at_one_place_is_relaxed_where_the_steady_state_is_not_known() {
    for file in [triple(), crowd(), torn()] {
        let asked = text(&file, &[("initial.burn_in", "3")]);
        assert!(asked.plan().relaxation_steps > 0 && asked.start.starts_with("relaxed for t = 3"), "{}", asked.start);
        assert!(matches!(asked.plan().initial, InitialState::Point(_)));
    }
}

#[test]
fn fifty_seeds_raise_no_false_alarm() {
    let (crowd, torn) = (crowd(), torn());
    for (file, sets) in [(triple().as_str(), &[][..]), (&crowd, &[]), (&torn, &[]), (GUESTS, &[("ensemble.trajectories", "1000")])] {
        for seed in 1..=50 {
            let seed = seed.to_string();
            let outcome = run(&text(file, &[sets, &[("ensemble.seed", &seed)]].concat()), &cpu());
            assert_eq!(alarm(&outcome), None, "seed {seed}");
        }
    }
    for name in ["driven-ring", "gyrator", "triangle-open", "noisy-ring"] {
        for seed in 1..=50 {
            let seed = seed.to_string();
            let outcome = run(&model(name, &[("ensemble.seed", &seed), ("ensemble.trajectories", "2048")]), &cpu());
            assert_eq!(alarm(&outcome), None, "{name} seed {seed}");
        }
    }
}

#[test]
fn an_exact_start_that_the_time_step_moves_is_told() {
    let trap = PAIR
        .replace("(x - 2)^2/2 + (x - 2)^4/8 + y^2/2 + y^4/8 + (x - 2)*y/2", "x^2/2 + y^2/2")
        .replace("burn_in = 20.0\n", "")
        .replace("dt = 0.02", "dt = 0.2\nintegrator = \"euler-maruyama\"");
    let outcome = run(&text(&trap, &[("ensemble.trajectories", "20000")]), &cpu());
    let alarm = alarm(&outcome).unwrap_or_else(|| panic!("no alarm: {:?}", outcome.warnings));
    assert!(alarm.contains("mean square of `") && alarm.contains("it is the time step that moves it"), "{alarm}");
}

#[test]
fn memory_has_its_exact_length() {
    let sets = [("protocol.duration", "40"), ("measure.every", "0.2"), ("ensemble.dt", "0.01"), ("ensemble.trajectories", "16384")];
    let gyrator = run(&model("gyrator", &sets), &cpu());
    // (A⁻¹ C)_ii / C_ii of A = ((2, −1), (−1, 2)).
    for (name, exact) in [("autocorrelation_time.x", 56.0 / 51.0), ("autocorrelation_time.y", 164.0 / 213.0)] {
        assert!(estimate(&gyrator, name).exact.is_some_and(|known| (known - exact).abs() <= 1e-9), "{:?}", estimate(&gyrator, name));
        assert_exact(&gyrator, name, 0.5 * exact);
    }
    let guests = run(&text(GUESTS, &[("protocol.duration", "40"), ("ensemble.trajectories", "16384")]), &cpu());
    let time = estimate(&guests, "autocorrelation_time.X");
    assert!(time.standard_error <= 0.5 / 6.0 && (time.value - 1.0).abs() <= 5.0 * time.standard_error, "{time:?}");
}

#[test]
fn a_swing_remembers_by_friction_over_stiffness() {
    let swing = PAIR
        .replace("kind = \"overdamped\"", "kind = \"underdamped\"\nmass = 1.0")
        .replace("coordinates = [\"x\", \"y\"]", "coordinates = [\"x\"]")
        .replace("(x - 2)^2/2 + (x - 2)^4/8 + y^2/2 + y^4/8 + (x - 2)*y/2", "x^2/2")
        .replace("temperature = { x = 1.0, y = 2.0 }", "temperature = 1.0")
        .replace("burn_in = 20.0\n", "");
    let outcome = run(&text(&swing, &[("ensemble.trajectories", "16384"), ("protocol.duration", "40"), ("measure.every", "0.2")]), &cpu());
    let time = estimate(&outcome, "autocorrelation_time.x");
    assert!(time.exact.is_some_and(|exact| (exact - 1.0).abs() <= 1e-9), "{time:?}");
    assert_exact(&outcome, "autocorrelation_time.x", 0.5);
}

#[test]
fn a_protocol_that_moves_right_after_a_short_burn_in_is_told_before_the_run() {
    let moving = |file: &str, variable: &str, burn_in: &str| {
        let text = file.replace("duration = 8.0", &format!("duration = 8.0\n{variable}")).replace("duration = 10.0", &format!("duration = 10.0\n{variable}"));
        let source = Source::Text { name: "test".to_owned(), text };
        prepare(&source, &[("initial.burn_in", burn_in)]).expect("the text is valid").warnings
    };
    let pair = triple().replace("y^2/2 +", "c*y^2/2 +");
    let guests = crowd().replace("name = \"pass\", equation = \"0 <-> X\", forward = 10.0", "equation = \"0 <-> X\", forward = \"10*c\"");
    let jump = "c = { steps = [[0, 1], [5, 2]] }";
    for (file, variable) in [(&pair, "c = \"1 + t/8\""), (&guests, jump)] {
        assert!(moving(file, variable, "0.2").iter().any(|warning| warning.contains("NOT relaxed after t = 0.2")), "{variable}");
        assert!(!moving(file, variable, "20").iter().any(|warning| warning.contains("NOT relaxed")), "{variable}");
    }
}

#[test]
fn a_device_tells_as_well() {
    let Some(adapter) = gpu::adapters().into_iter().min_by_key(|adapter| (!adapter.kind.is_hardware(), adapter.index)) else {
        assert!(std::env::var_os("NESS_REQUIRE_GPU").is_none(), "NESS_REQUIRE_GPU is set, and there is no device");
        eprintln!("skipped: no device runs shaders");
        return;
    };
    let device = Gpu::open(&Selection::Named(adapter.index.to_string())).expect("the device opens");
    for (file, short) in [(triple().as_str(), "0.2"), (crowd().as_str(), "1.0")] {
        assert!(alarm(&run(&text(file, &[("initial.burn_in", short)]), &device)).is_some());
        assert_eq!(alarm(&run(&text(file, &[]), &device)), None);
    }
}
