//! `ness run`.

use std::path::{Path, PathBuf};

use super::arguments::Run;
use super::interrupt::Interrupt;
use super::printing::put_line;
use super::progress::Progress;
use super::table::{Style, final_table};
use super::{Failure, choose, json, load, numbers, record, verdict};
use crate::backend::Flow;
use crate::experiment::Experiment;
use crate::output::{Destination, Existing, OutputError, Record};
use crate::simulation::{Outcome, Simulation};

/// Where results go: a name that the user chose, or the first free one of the experiment's.
enum Target {
    Chosen(Destination),
    Free(String),
}

/// Runs an experiment; answers the exit code.
pub(super) fn run(arguments: &Run) -> Result<u8, Failure> {
    let say = |text: &str| {
        if !arguments.quiet {
            eprintln!("{text}");
        }
    };
    let experiment = load(&arguments.changed_experiment())?;
    let target = target(arguments, &experiment)?;
    let precision = experiment.ensemble.precision;
    let simulation = Simulation::prepare(experiment)?;
    let (backend, why) = choose::backend(&arguments.hardware, precision, Some(simulation.plan()))?;
    let description = backend.describe();
    say(&format!("{}: {} ({why})", description.backend, description.device));
    say(&format!("start: {}", simulation.start));
    for line in simulation.circuit().iter().flat_map(|circuit| circuit.describe()) {
        say(&line);
    }
    for warning in &simulation.warnings {
        say(&format!("warning: {warning}"));
    }
    let interrupt = Interrupt::listen().map_err(Failure::Signals)?;
    let mut progress = Progress::new(simulation.work_ahead(), simulation.work_unit(), arguments.quiet);
    let mut told = 0;
    let outcome = simulation.run(backend.as_ref(), &mut |state| {
        progress.advance(state.steps - told);
        told = state.steps;
        if let Some((value, error)) = state.entropy {
            let (value, error) = numbers::measured(value, error);
            progress.note(format!("entropy production {value} ± {error}"));
        }
        if interrupt.arrived() { Flow::Stop } else { Flow::Continue }
    });
    progress.finish();
    let outcome = match (outcome, interrupt.code()) {
        (Err(error), Some(code)) => {
            eprintln!("{error}");
            return Ok(code);
        }
        (outcome, _) => outcome?,
    };
    for warning in &outcome.warnings {
        say(&format!("warning: {warning}"));
    }
    let record = record::of(&simulation, &outcome);
    let path = write(target, &record)?;
    print(arguments, &outcome, &record, &path)?;
    if let (Some(code), Some(how_far)) = (interrupt.code(), record::interruption(&simulation, &outcome)) {
        say(&format!("{how_far}; {} holds what they gave", path.display()));
        return Ok(code);
    }
    Ok(verdict(!outcome.violated().is_empty(), !outcome.undersampled().is_empty(), arguments.strict))
}

fn print(arguments: &Run, outcome: &Outcome, record: &Record, path: &Path) -> Result<(), Failure> {
    if arguments.json {
        put_line!("{}", json::object(&path.display().to_string(), &record.run, &record.estimates, &record.theorems, &record.warnings)?);
        return Ok(());
    }
    put_line!("{}", final_table(&record.run, &record.estimates, &record.theorems, Style::of_standard_output()));
    let violated = outcome.violated();
    if violated.is_empty() {
        put_line!("Nothing is violated: every |z| is below {:.2}. Written to {}", outcome.bound, path.display());
    } else {
        put_line!("VIOLATED: {} (|z| above {:.2}). Written to {}", violated.join(", "), outcome.bound, path.display());
    }
    Ok(())
}

fn target(arguments: &Run, experiment: &Experiment) -> Result<Target, OutputError> {
    let existing = if arguments.force { Existing::Replace } else { Existing::Refuse };
    match &arguments.output {
        Some(path) => Ok(Target::Chosen(Destination::prepare(path, existing)?)),
        None if arguments.force => Ok(Target::Chosen(Destination::prepare(&numbered(&experiment.name, 1), existing)?)),
        None => {
            free(&experiment.name)?;
            Ok(Target::Free(experiment.name.clone()))
        }
    }
}

fn numbered(name: &str, number: u32) -> PathBuf {
    PathBuf::from(if number == 1 { format!("{name}.h5") } else { format!("{name}-{number}.h5") })
}

/// The first of `name.h5`, `name-2.h5`, … that is not taken.
pub(super) fn free(name: &str) -> Result<Destination, OutputError> {
    let mut number = 1;
    loop {
        match Destination::prepare(&numbered(name, number), Existing::Refuse) {
            Err(OutputError::Exists { .. }) => number += 1,
            answer => return answer,
        }
    }
}

/// Writes the record. Where the name was ours to choose and somebody took it meanwhile, the next one is.
fn write(target: Target, record: &Record) -> Result<PathBuf, OutputError> {
    match target {
        Target::Chosen(destination) => destination.write(record).map(|()| destination.path().to_owned()),
        Target::Free(name) => loop {
            let destination = free(&name)?;
            match destination.write(record) {
                Err(OutputError::Appeared { kept, .. }) => {
                    // Ours, under its temporary name; it is written again under the next free one.
                    let _ = std::fs::remove_file(kept);
                }
                answer => return answer.map(|()| destination.path().to_owned()),
            }
        },
    }
}
