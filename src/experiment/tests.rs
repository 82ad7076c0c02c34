//! The text of every refusal, every model, overrides, protocols, and files cut or damaged anywhere.

mod jumps;
mod loading;
mod protocols;
mod refusals;
mod robustness;

use super::*;

/// Theorem names for the tests; the real ones come from the registry.
const THEOREMS: &[&str] = &[
    "jarzynski",
    "crooks",
    "integral_total",
    "first_law",
    "detailed_total",
    "steady_balance",
    "detailed_balance",
    "tur",
    "integral_housekeeping",
    "integral_nonadiabatic",
    "hatano_sasa",
    "gallavotti_cohen",
    "conservation",
];

/// A small valid experiment, to be damaged.
const SOUND: &str = r#"title = "Trap"

[model]
kind = "overdamped"
coordinates = ["x"]
potential = "k/2 * (x - lambda)^2"
friction = "gamma"
temperature = 1.0

[parameters]
k = 2.0
gamma = "k/4"
v = 1

[protocol]
duration = 2.0
lambda = "v*t"

[initial]
distribution = "equilibrium"

[ensemble]
trajectories = 1000
dt = 0.01

[measure]
every = 0.1
theorems = ["first_law"]

[exact]
work = "v^2 * t"
"#;

fn load(text: &str) -> Result<Experiment, ExperimentError> {
    load_with(text, &[])
}

fn load_with(text: &str, overrides: &[(&str, &str)]) -> Result<Experiment, ExperimentError> {
    let overrides: Vec<(String, String)> = overrides.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Experiment::load(&Source::Text { name: "trap.toml".to_owned(), text: text.to_owned() }, &overrides, THEOREMS)
}

/// The sound text with a part replaced; the part must be there.
fn changed(from: &str, to: &str) -> String {
    assert!(SOUND.contains(from), "{from:?} is not in the sound text");
    SOUND.replacen(from, to, 1)
}

fn refusal(text: &str) -> String {
    match load(text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(error) => error.to_string(),
    }
}

/// The summary of one problem: `line:column message | label | help`.
fn summaries(text: &str) -> Vec<String> {
    match load(text) {
        Ok(_) => vec!["accepted".to_owned()],
        Err(error) => error.problems().iter().map(summary).collect(),
    }
}

fn summary(problem: &Problem) -> String {
    let help = problem.help.as_deref().unwrap_or("-");
    format!("{}:{} {} | {} | {help}", problem.line, problem.column, problem.message, problem.label)
}
