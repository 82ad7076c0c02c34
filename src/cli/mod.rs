//! The command line: verbs, arguments, progress. Nothing else in the program prints.

mod arguments;
mod choose;
mod import;
mod inspect;
mod interrupt;
mod json;
mod numbers;
mod printing;
mod progress;
mod record;
mod report;
mod run;
mod sweep;
mod table;
mod validate;

use std::process::ExitCode;

use clap::Parser;

use crate::backend::BackendError;
use crate::output::OutputError;
use crate::plan::PlanError;
use crate::simulation::SimulationError;
use arguments::{Arguments, Verb};

/// Everything was done and nothing is violated.
const FINE: u8 = 0;
/// A theorem or an exact value is violated.
const VIOLATED: u8 = 1;
/// The input is wrong.
const WRONG_INPUT: u8 = 2;
/// The device or the disk failed, or too many trajectories are not finite.
const FAILED: u8 = 3;

/// Why a verb was not done.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Sbml(#[from] crate::sbml::SbmlError),
    #[error("error: cannot read {path}: {reason}\nhelp: give a model in SBML, saved as UTF-8")]
    Unreadable { path: String, reason: String },
    #[error("error: {path} is there already\nhelp: --force replaces it")]
    Exists { path: String },
    #[error("cannot write {path}: {reason}")]
    Unwritable { path: String, reason: std::io::Error },
    #[error(transparent)]
    Figure(#[from] crate::report::FigureError),
    #[error("the plan cannot be printed: {0}")]
    Json(#[from] serde_json::Error),
    #[error("cannot listen for interrupts: {0}")]
    Signals(std::io::Error),
    #[error("no model is called `{name}`{}; `ness models` lists them", nearest.as_ref().map_or(String::new(), |n| format!(", the nearest is `{n}`")))]
    NoModel { name: String, nearest: Option<String> },
    #[error("a sweep of more than {limit} points is too large; take fewer values")]
    SweepTooLarge { limit: usize },
    #[error("`{key}` is swept twice; give all its values in one --over")]
    SweptTwice { key: String },
    #[error("no estimate of the first point is called `{name}`{}; `ness check` lists those of a file", if nearest.is_empty() { String::new() } else { format!(", the nearest is `{nearest}`") })]
    NoEstimate { name: String, nearest: String },
    #[error("no system of the acceptance table is called anything like `{words}`\nhelp: there are {known}")]
    NoSystem { words: String, known: String },
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Failure::Simulation(error) if error.is_of_the_device() => FAILED,
            Failure::Backend(BackendError::NoDevice { .. } | BackendError::TooLarge { .. } | BackendError::Unsupported { .. }) => WRONG_INPUT,
            Failure::Simulation(_)
            | Failure::NoModel { .. }
            | Failure::NoSystem { .. }
            | Failure::SweepTooLarge { .. }
            | Failure::SweptTwice { .. }
            | Failure::NoEstimate { .. }
            | Failure::Sbml(_)
            | Failure::Unreadable { .. }
            | Failure::Exists { .. } => WRONG_INPUT,
            Failure::Unwritable { reason, .. } if reason.kind() == std::io::ErrorKind::NotFound => WRONG_INPUT,
            Failure::Output(error) if is_of_the_input(error) => WRONG_INPUT,
            Failure::Backend(_) | Failure::Output(_) | Failure::Figure(_) | Failure::Json(_) | Failure::Signals(_) | Failure::Unwritable { .. } => FAILED,
        }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Failure::Simulation(error.into())
    }
}

/// Runs the command; the exit code says it all.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.verb {
        Verb::Run(arguments) => run::run(arguments),
        Verb::Sweep(arguments) => sweep::sweep(arguments),
        Verb::Import(arguments) => import::import(arguments),
        Verb::Check(arguments) => inspect::check(arguments),
        Verb::Report(arguments) => report::run(arguments),
        Verb::Models { name } => inspect::models(name.as_deref()),
        Verb::Devices { json } => inspect::devices(*json),
        Verb::Exact(arguments) => inspect::exact(arguments),
        Verb::Validate(arguments) => validate::run(arguments),
        Verb::Plan(arguments) => inspect::plan(&arguments.experiment),
        Verb::Wgsl(arguments) => inspect::wgsl(&arguments.experiment),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            let text = failure.to_string();
            eprintln!("{}{text}", if text.starts_with("error") { "" } else { "error: " });
            ExitCode::from(failure.code())
        }
    }
}

/// The experiment that the arguments name, made ready. An SBML model is imported first.
fn load(arguments: &arguments::Experiment) -> Result<crate::experiment::Experiment, Failure> {
    let (source, imported) = match import::model(&arguments.experiment)? {
        Some((name, imported)) => (crate::experiment::Source::Text { name, text: imported.text }, imported.warnings),
        None => (crate::experiment::Source::named(&arguments.experiment), Vec::new()),
    };
    let loaded = crate::experiment::Experiment::load(&source, &arguments.overrides(), &crate::thermodynamics::theorems::names());
    let mut experiment = loaded.map_err(SimulationError::from)?;
    experiment.warnings.splice(0..0, imported);
    Ok(experiment)
}

/// Exit code of what was found.
fn verdict(violated: bool, undersampled: bool, strict: bool) -> u8 {
    if violated || (strict && undersampled) { VIOLATED } else { FINE }
}

/// Whether a better name would have helped.
fn is_of_the_input(error: &OutputError) -> bool {
    use OutputError as E;
    matches!(
        error,
        E::Exists { .. } | E::NoFolder { .. } | E::NotAFile { .. } | E::NotFound { .. } | E::NotHdf5 { .. } | E::NotNess { .. } | E::NewerSchema { .. }
    )
}
