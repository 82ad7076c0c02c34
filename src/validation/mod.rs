//! The acceptance table: systems whose answers are known from the literature or from independent calculations, run on the user's own device.
//!
//! Every system of [`table`] is run and judged three times over: against numbers that this program did not compute, against its own exact
//! values, and by the fluctuation theorems. Negative controls, which plant a defect, must come out as violated. All comparisons share one
//! family-wise false-alarm rate.

mod controls;
mod table;

pub use controls::{Control, Spoil, Spoiled};
pub use table::{System, systems};

use std::time::Instant;

use serde::Serialize;

use crate::backend::{Backend, Flow};
use crate::experiment::{Experiment, Source};
use crate::results::{Estimate, Judgement};
use crate::simulation::{Outcome, Simulation, SimulationError, contradicts};
use crate::statistics::{Measured, significance_bound};
use crate::thermodynamics::theorems;

/// Comparisons that a theorem may make, at most: a current or a density at every face or in every bin of a grid.
const COMPARISONS_OF_A_THEOREM: usize = 128;

/// How much is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Few trajectories: a minute on two cores, instead of half an hour.
    pub quick: bool,
    /// Key of the random numbers; every system has one of its own that follows from it.
    pub seed: u64,
}

/// What a row says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The system.
    pub system: String,
    /// Estimate, theorem, or planted defect.
    pub quantity: String,
    /// What kind of row it is.
    pub kind: Kind,
    /// Measured value.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// What it must be.
    pub expected: f64,
    /// `(value − expected)/standard_error`.
    pub z: f64,
    /// For a control `Violated` is what it must be.
    pub verdict: Judgement,
}

/// Kinds of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An estimate against a number of the table.
    Reference,
    /// An estimate against the exact value that the program found itself.
    Exact,
    /// A theorem.
    Theorem,
    /// A planted defect, and what caught it.
    Control,
}

impl Row {
    /// Whether the row is as it must be.
    pub fn passes(&self) -> bool {
        (self.verdict == Judgement::Violated) == (self.kind == Kind::Control)
    }
}

/// What a validation found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// All rows, system by system.
    pub rows: Vec<Row>,
    /// Comparisons that share the false-alarm rate, at most.
    pub comparisons: usize,
    /// The |z| above which one of them counts as violated.
    pub bound: f64,
    /// Number of scores of honest runs, their standard deviation and the largest of them, in absolute value.
    pub scores: Scores,
    /// Wall time in seconds.
    pub seconds: f64,
    /// Systems that were left out because the run was interrupted.
    pub skipped: Vec<String>,
}

/// How the scores of the honest estimates are distributed: a standard deviation far from 1 means wrong errors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// How many.
    pub count: usize,
    /// Root of their mean square.
    pub deviation: f64,
    /// Largest absolute value.
    pub largest: f64,
}

impl Report {
    /// Rows that are not as they must be.
    pub fn failures(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| !row.passes())
    }
}

/// A system made ready.
struct Prepared {
    system: &'static System,
    simulation: Simulation,
}

/// Systems whose name or model contains one of the words; all of them without words.
pub fn select(words: &[String]) -> Vec<&'static System> {
    let wanted = |system: &System| words.is_empty() || words.iter().any(|word| system.name.contains(word.as_str()) || system.model.contains(word.as_str()));
    systems().filter(|system| wanted(system)).collect()
}

/// The experiment of a system, with further changes.
///
/// # Errors
/// When the model does not take the changes.
pub fn simulation(system: &System, extent: Extent, more: &[(&str, &str)]) -> Result<Simulation, SimulationError> {
    let own = |key: &str, value: String| (key.to_owned(), value);
    let mut overrides: Vec<(String, String)> = system.changes.iter().chain(more).map(|(key, value)| own(key, (*value).to_owned())).collect();
    overrides.push(own("ensemble.trajectories", if extent.quick { system.quick } else { system.trajectories }.to_string()));
    overrides.push(own("ensemble.seed", system.seed(extent).to_string()));
    if system.controls.iter().any(|control| matches!(control.spoil, Spoil::Average(_))) {
        overrides.push(own("measure.trajectories", "true".to_owned()));
    }
    Simulation::prepare(Experiment::load(&Source::Model(system.model.to_owned()), &overrides, &theorems::names())?)
}

impl System {
    /// Systems that shared their random numbers would be right or wrong together.
    fn seed(&self, extent: Extent) -> u64 {
        let place = systems().position(|system| system.name == self.name).unwrap_or_default();
        extent.seed.wrapping_mul(1_000).wrapping_add(place as u64)
    }
}

/// Runs systems and their controls on a backend. `watch` is told what runs and may stop it all.
///
/// # Errors
/// When a model of the table cannot be prepared, or a backend fails.
pub fn validate(
    systems: &[&'static System],
    extent: Extent,
    backend: &dyn Backend,
    watch: &mut (dyn FnMut(&str) -> Flow + Send),
) -> Result<Report, SimulationError> {
    let started = Instant::now();
    let prepared: Result<Vec<Prepared>, SimulationError> =
        systems.iter().map(|system| Ok(Prepared { system, simulation: simulation(system, extent, &[])? })).collect();
    let mut prepared = prepared?;
    let comparisons = prepared.iter().map(Prepared::comparisons).sum::<usize>().max(1);
    let bound = significance_bound(comparisons);
    let (mut rows, mut skipped) = (Vec::new(), Vec::new());
    for one in &mut prepared {
        one.simulation.share_bound_with(comparisons);
        let mut stop = false;
        let outcome = one.simulation.run(backend, &mut |_| {
            stop |= watch(one.system.name) == Flow::Stop;
            if stop { Flow::Stop } else { Flow::Continue }
        });
        if stop {
            skipped.push(one.system.name.to_owned());
            continue;
        }
        let outcome = outcome?;
        rows.extend(one.judged(&outcome, bound));
        for control in one.system.controls {
            rows.push(control.tried(one.system, &one.simulation, &outcome, extent, bound, backend)?);
        }
    }
    let scores = Scores::of(&rows);
    Ok(Report { rows, comparisons, bound, scores, seconds: started.elapsed().as_secs_f64(), skipped })
}

impl Prepared {
    fn comparisons(&self) -> usize {
        let theorems = self.simulation.experiment().measure.theorems.len();
        self.simulation.exact_values().count() + self.system.reference.len() + COMPARISONS_OF_A_THEOREM * theorems
    }

    fn judged(&self, outcome: &Outcome, bound: f64) -> Vec<Row> {
        let row = |quantity: &str, kind: Kind, (value, standard_error): (f64, f64), (expected, z): (f64, f64), verdict: Judgement| Row {
            system: self.system.name.to_owned(),
            quantity: quantity.to_owned(),
            kind,
            value,
            standard_error,
            expected,
            z,
            verdict,
        };
        let of = |violated: bool| if violated { Judgement::Violated } else { Judgement::Holds };
        let references = self.system.reference.iter().map(|(name, expected)| match outcome.estimates.iter().find(|e| e.name == *name) {
            Some(e) => {
                let z = score(e, *expected);
                row(name, Kind::Reference, (e.value, e.standard_error), (*expected, z), of(!(z.abs() <= bound)))
            }
            None => row(name, Kind::Reference, (f64::NAN, f64::NAN), (*expected, f64::NAN), Judgement::Violated),
        });
        let exact = outcome.estimates.iter().filter_map(|e| {
            let (expected, z) = (e.exact?, e.z?);
            Some(row(&e.name, Kind::Exact, (e.value, e.standard_error), (expected, z), of(contradicts(e, bound))))
        });
        let theorems = outcome.theorems.iter().map(|t| row(&t.name, Kind::Theorem, (t.value, t.standard_error), (t.expected, t.z), t.verdict));
        references.chain(exact).chain(theorems).collect()
    }
}

/// The score of an estimate against another number than its own exact value, with the error that its own score is formed with.
fn score(estimate: &Estimate, expected: f64) -> f64 {
    let error = match (estimate.exact, estimate.z) {
        (Some(exact), Some(z)) if z != 0.0 && z.is_finite() => ((estimate.value - exact) / z).max(estimate.standard_error),
        _ => estimate.standard_error,
    };
    // The table gives seven digits.
    Measured { value: estimate.value, standard_error: error.hypot(1e-7 * expected.abs()) }.z(expected)
}

impl Scores {
    fn of(rows: &[Row]) -> Self {
        let scores: Vec<f64> = rows.iter().filter(|row| row.kind == Kind::Exact && row.standard_error > 0.0).map(|row| row.z).collect();
        let squares = scores.iter().map(|z| z * z).sum::<f64>();
        let largest = scores.iter().fold(0.0, |worst: f64, z| if worst.is_nan() || worst >= z.abs() { worst } else { z.abs() });
        Self { count: scores.len(), deviation: (squares / scores.len().max(1) as f64).sqrt(), largest }
    }
}

#[cfg(test)]
mod tests;
