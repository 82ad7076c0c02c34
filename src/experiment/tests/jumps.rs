//! Networks and reactions: what is read of them, and what is refused.

use super::*;
use crate::experiment::jump::{JumpModel, JumpTrigger};
use crate::expression::Symbol;

const REACTIONS: &str = r#"
[model]
kind = "reactions"
species = { A = 10, B = 0, F = 3 }
chemostatted = ["F"]
volume = 2
reactions = [
  { equation = "2 A + F <-> B", forward = "k", reverse = 0.5 },
  { name = "decay", equation = "B ->", propensity = "c*B/(1 + A)" },
]
observables = { whole = "A + 2*B", F = "F" }
events = [{ at = 0.5, set = { A = "A + 1" } }, { when = "B > 3", set = { B = 0 } }]
[parameters]
k = 6.0
c = 1.0
[protocol]
duration = 1.0
[ensemble]
trajectories = 100
"#;

const NETWORK: &str = r#"
[model]
kind = "network"
states = ["A", "B", "C"]
energies = { A = 0, B = "high", C = 1 }
baths = { hot = 2, cold = 1 }
edges = [
  { from = "A", to = "B", rate = 3, bath = "hot", drive = "f" },
  { from = "B", to = "C", forward = "1 + l", reverse = 2, bath = "cold" },
  ["C", "A", 1, 4],
]
[parameters]
high = 0.5
f = 1.0
[protocol]
duration = 1.0
l = "t"
[initial]
distribution = "table"
probabilities = { A = 0.25, C = 0.75 }
[ensemble]
trajectories = 100
dt = 0.25
"#;

fn jumps(text: &str) -> (Experiment, JumpModel) {
    let experiment = load(text).unwrap_or_else(|error| panic!("{error}"));
    match experiment.model.clone() {
        Model::Jump(model) => (experiment, model),
        _ => panic!("not a jump process"),
    }
}

fn at(experiment: &Experiment, node: Node, counts: &[f64], l: f64) -> f64 {
    experiment.graph.evaluate(node, &|symbol| match symbol {
        Symbol::Coordinate(i) => counts[usize::from(i)],
        Symbol::Parameter(i) => experiment.parameters[usize::from(i)].value,
        Symbol::Protocol(_) => l,
        _ => f64::NAN,
    })
}

#[test]
fn mass_action_has_falling_factorials_volume_and_chemostats() {
    let (experiment, model) = jumps(REACTIONS);
    assert_eq!(model.start, [10.0, 0.0]);
    assert_eq!(
        model.channels.iter().map(|c| (c.name.as_str(), c.reverse)).collect::<Vec<_>>(),
        [("2 A + F <-> B", Some(1)), ("2 A + F <-> B (reverse)", Some(0)), ("decay", None)]
    );
    // k V^(1 − 3) · F · n(n − 1), with k = 6, V = 2, F = 3.
    for (a, expected) in [(10.0, 6.0 / 4.0 * 3.0 * 90.0), (1.0, 0.0), (0.0, 0.0)] {
        assert_eq!(at(&experiment, model.channels[0].propensity, &[a, 7.0], 0.0), expected);
    }
    assert_eq!(at(&experiment, model.channels[0].constant.expect("mass action"), &[], 0.0), 4.5);
    assert_eq!(at(&experiment, model.channels[1].propensity, &[10.0, 7.0], 0.0), 3.5);
    assert_eq!(at(&experiment, model.channels[2].propensity, &[1.0, 7.0], 0.0), 3.5);
    assert!(model.channels[2].constant.is_none());
    assert_eq!(at(&experiment, model.derived[0].1, &[10.0, 7.0], 0.0), 24.0);
    assert_eq!((model.derived[1].0.as_str(), at(&experiment, model.derived[1].1, &[10.0, 7.0], 0.0)), ("F", 3.0));
    assert!(matches!(model.interventions[0].trigger, JumpTrigger::Time(time) if time == 0.5));
    assert_eq!(at(&experiment, model.interventions[0].assignments[0].1, &[4.0, 0.0], 0.0), 5.0);
    assert_eq!((experiment.steps, experiment.save_every), (100, 1));
    assert!(matches!(&experiment.initial.law, InitialLaw::Point(point) if *point == [10.0, 0.0]));
}

#[test]
fn edges_from_energies_obey_local_detailed_balance() {
    let (experiment, model) = jumps(NETWORK);
    let rate = |channel: usize| at(&experiment, model.channels[channel].propensity, &[0.0], 0.5);
    // ln(w₊/w₋) = (f − ΔE)/T with f = 1, ΔE = 0.5, T = 2.
    assert!(((rate(0) / rate(1)).ln() - 0.25).abs() <= 1e-14);
    assert!((rate(0) * rate(1) - 9.0).abs() <= 1e-13);
    assert_eq!((rate(2), rate(3), rate(4), rate(5)), (1.5, 2.0, 1.0, 4.0));
    assert_eq!(model.channels.iter().map(|channel| channel.bath).collect::<Vec<_>>(), [Some(0), Some(0), Some(1), Some(1), None, None]);
    assert_eq!(model.channels[1].edge, Some((1, 0)));
    assert_eq!(model.segment, Some(0.25));
    assert!(matches!(&experiment.initial.law, InitialLaw::Probabilities(p) if *p == [0.25, 0.0, 0.75]));
}

#[test]
fn an_event_after_the_end_is_left_out_and_said_to_be() {
    for time in ["1", "25"] {
        let (experiment, model) = jumps(&REACTIONS.replacen("at = 0.5", &format!("at = {time}"), 1));
        assert_eq!(model.interventions.len(), 1);
        assert!(matches!(model.interventions[0].trigger, JumpTrigger::Condition(_)));
        assert!(experiment.warnings.iter().any(|warning| warning.contains("does not happen")), "{:?}", experiment.warnings);
    }
}

/// Interacting molecules between two chemostats.
const ENERGIES: &str = r#"
[model]
kind = "reactions"
species = { A = 4, B = 3, X = 5, Y = 2 }
chemostatted = ["X", "Y"]
temperature = "T"
volume = "V"
energies = { A = "a", B = 0.3, X = 0.1, Y = "l" }
energy = "0.2*A*B + log(1 + A)"
reactions = [
  { equation = "2 X + A <-> 2 B + Y", rate = "k", drive = 0.7 },
  { equation = "A <-> B", forward = "k", reverse = 2 },
]
[parameters]
T = 0.8
V = 2.5
a = -0.4
k = 1.5
[protocol]
duration = 1.0
l = "t"
[ensemble]
trajectories = 100
"#;

#[test]
fn reactions_from_energies_obey_local_detailed_balance() {
    let (experiment, model) = jumps(ENERGIES);
    let rate = |channel: usize, counts: &[f64]| at(&experiment, model.channels[channel].propensity, counts, 0.25);
    let (before, after, t, v) = ([4.0, 3.0], [3.0, 5.0], 0.8f64, 2.5f64);
    // 2 X + A -> 2 B + Y: what the reaction changes of the energies, halves of it in either direction, and mass action.
    let interaction = |n: [f64; 2]| 0.2 * n[0] * n[1] + (1.0 + n[0]).ln();
    let climb = 2.0 * 0.3 + 0.25 - 2.0 * 0.1 + 0.4 + interaction(after) - interaction(before);
    let forward = 1.5 * ((0.7 - climb) / (2.0 * t)).exp() * (5.0 * 4.0) * 4.0 / (v * v);
    let backward = 1.5 * (-(0.7 - climb) / (2.0 * t)).exp() * (5.0 * 4.0) * 2.0 / (v * v);
    assert!((rate(0, &before) - forward).abs() <= 1e-13 * forward && (rate(1, &after) - backward).abs() <= 1e-13 * backward);
    assert!(model.channels[0].constant.is_none());
    // Without reactants there is no event, whatever the energy would be.
    assert_eq!((rate(0, &[0.0, 3.0]), rate(1, &[-1.0, 1.0])), (0.0, 0.0));
    // T ln(w/w') = −ΔG + drive, with G of the whole state and the work of the chemostats.
    let logs = |n: f64| (1..=n as u32).map(|k| f64::from(k).ln()).sum::<f64>();
    let energy = |n: [f64; 2]| at(&experiment, model.energy.as_ref().expect("declared")[0], &n, 0.25) + t * (logs(n[0]) + logs(n[1]));
    let drive = |channel: usize| at(&experiment, model.channels[channel].drive.expect("chemostats drive"), &[], 0.25);
    assert!((t * (forward / backward).ln() - (drive(0) - energy(after) + energy(before))).abs() <= 1e-12);
    let potential = |energy: f64, crowd: f64| energy + t * crowd.ln();
    let fed = 0.7 + potential(0.1, 5.0 / v) + potential(0.1, 4.0 / v) - potential(0.25, 2.0 / v);
    assert!((drive(0) - fed).abs() <= 1e-13 && drive(1) == -drive(0));
}

#[test]
fn refusals_of_energies_say_what_is_wrong() {
    let cases = [
        ("temperature = \"T\"", "", "`energies` of species need a temperature"),
        (", Y = \"l\" }", " }", "the energy of species `Y` is missing"),
        ("Y = \"l\" }", "Y = \"l\", Z = 1 }", "unknown key `Z` in `energies`"),
        ("A = \"a\"", "A = \"0.1*B\"", "the energy of `A` cannot depend on counts"),
        ("rate = \"k\"", "rate = \"k*A\"", "`rate` cannot depend on counts"),
        ("drive = 0.7", "drive = \"0.7*A\"", "`drive` cannot depend on counts"),
        ("X = 5,", "X = 1,", "its chemical potential is not finite"),
        ("temperature = \"T\"", "baths = { hot = \"T\", cold = 1 }", "`rate` alone needs energies and a bath"),
    ];
    for (from, to, message) in cases {
        assert!(ENERGIES.contains(from), "{from}");
        let error = load(&ENERGIES.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(error.contains(message), "{to}: {error}");
    }
    let bare = REACTIONS.replacen("forward = \"k\", reverse = 0.5", "rate = \"k\"", 1);
    let error = load(&bare).expect_err("no energies").to_string();
    assert!(error.contains("`rate` alone needs energies and a bath"), "{error}");
}

#[test]
fn a_large_network_loads_at_once() {
    let edges: Vec<String> = (0..3000).flat_map(|i| [1, 7, 31].map(|step| format!("[\"s{i}\", \"s{}\", 1.5, 0.5]", (i + step) % 3000))).collect();
    let text = format!(
        "[model]\nkind = \"network\"\nstates = 3000\nedges = [{}]\n[protocol]\nduration = 1\n[initial]\ndistribution = \"uniform\"\n[ensemble]\ntrajectories = 1\n",
        edges.join(", ")
    );
    let (_, model) = jumps(&text);
    assert_eq!((model.states.map(|states| states.len()), model.channels.len()), (Some(3000), 18_000));
}

#[test]
fn refusals_of_jump_processes_say_what_is_wrong() {
    let cases = [
        (REACTIONS, "2 A + F <-> B", "2 A + G <-> B", "unknown species `G`"),
        (REACTIONS, "2 A + F <-> B", "2 A + F -> B", "a reaction with `->` goes one way"),
        (REACTIONS, "B ->", "B", "a reaction needs an arrow"),
        (REACTIONS, "forward = \"k\"", "forward = \"k*A\"", "`forward` cannot depend on counts"),
        (REACTIONS, "forward = \"k\"", "forward = -1", "must be a finite number, not below 0"),
        (REACTIONS, "A = 10", "A = -1", "must be an integer, not below 0"),
        (REACTIONS, "A = 10", "A = 1.5", "must be an integer, not below 0"),
        (REACTIONS, "chemostatted = [\"F\"]", "chemostatted = [\"FF\"]", "unknown species `FF`"),
        (REACTIONS, "F = \"F\"", "F = \"2*F\"", "`F` is a species that is held"),
        (REACTIONS, "volume = 2", "volume = 0", "`volume` must be above 0"),
        (REACTIONS, "volume = 2", "volum = 2", "unknown key `volum` in [model]"),
        (REACTIONS, "at = 0.5", "at = 0", "an event must happen after the start"),
        (REACTIONS, "at = 0.5", "on = 2", "unknown key `on` in an event"),
        (REACTIONS, "set = { B = 0 }", "set = { C = 0 }", "unknown key `C` in `set`"),
        (REACTIONS, "trajectories = 100", "trajectories = 0", "`trajectories` must be an integer of at least 1"),
        (REACTIONS, "trajectories = 100", "trajectories = 100\ndt = 0.3", "`dt` does not divide the duration 1"),
        (REACTIONS, "trajectories = 100", "trajectories = 100\nintegrator = \"heun\"", "unknown key `integrator`"),
        (NETWORK, "from = \"A\", to = \"B\"", "from = \"A\", to = \"D\"", "unknown state `D`"),
        (NETWORK, "from = \"A\", to = \"B\"", "from = \"B\", to = \"B\"", "to itself changes nothing"),
        (NETWORK, "bath = \"hot\"", "bath = \"hott\"", "unknown bath `hott`"),
        (NETWORK, "B = \"high\", ", "", "the energy of state `B` is missing"),
        (NETWORK, "cold = 1 }", "cold = 0 }", "must be above 0"),
        (NETWORK, "\"A\", \"B\", \"C\"]", "\"A\", \"B\", \"A\"]", "`A` cannot be the name of a state"),
        (NETWORK, "C = 0.75", "C = 0.7", "probabilities must add up to 1"),
        (NETWORK, "forward = \"1 + l\"", "forward = \"1 - 2*l\"", "must be a finite number, not below 0"),
        (NETWORK, "distribution = \"table\"", "distribution = \"gaussian\"", "unknown distribution `gaussian`"),
    ];
    for (text, from, to, message) in cases {
        assert!(text.contains(from), "{from}");
        let error = load(&text.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(error.contains(message), "{to}: {error}");
    }
}
