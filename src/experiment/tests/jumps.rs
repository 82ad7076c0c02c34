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
observables = { whole = "A + 2*B" }
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
        (REACTIONS, "volume = 2", "volume = 0", "`volume` must be above 0"),
        (REACTIONS, "volume = 2", "volum = 2", "unknown key `volum` in [model]"),
        (REACTIONS, "at = 0.5", "at = 2", "an event must happen inside the run"),
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
