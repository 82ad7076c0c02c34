//! What several tests share: running an experiment from text or catalogue, and a backend that spoils what it is given.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use ness::backend::cpu::{Cpu, Precision, Tuning};
use ness::backend::{Backend, BackendError, Batch, Description, Event, Flow};
use ness::experiment::{Experiment, Source};
use ness::plan::Plan;
use ness::results::{Estimate, Judgement, Verdict};
use ness::simulation::{Outcome, Simulation, SimulationError};
use ness::thermodynamics::theorems;
use ness::validation::Spoiled;

/// The native backend in double precision.
pub fn cpu() -> Cpu {
    Cpu::new(Precision::F64, Tuning::default()).expect("threads start")
}

fn overrides(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// An experiment of the catalogue, changed.
pub fn model(name: &str, pairs: &[(&str, &str)]) -> Simulation {
    prepare(&Source::Model(name.to_owned()), pairs).expect("the model is valid")
}

/// An experiment from a text.
pub fn text(text: &str, pairs: &[(&str, &str)]) -> Simulation {
    prepare(&Source::Text { name: "test".to_owned(), text: text.to_owned() }, pairs).expect("the text is valid")
}

/// As a user would get it, errors included.
pub fn prepare(source: &Source, pairs: &[(&str, &str)]) -> Result<Simulation, SimulationError> {
    Simulation::prepare(Experiment::load(source, &overrides(pairs), &theorems::names())?)
}

/// Runs to the end.
pub fn run(simulation: &Simulation, backend: &dyn Backend) -> Outcome {
    simulation.run(backend, &mut |_| Flow::Continue).expect("the run succeeds")
}

/// The estimate of a name.
pub fn estimate<'a>(outcome: &'a Outcome, name: &str) -> &'a Estimate {
    outcome.estimates.iter().find(|e| e.name == name).unwrap_or_else(|| panic!("no estimate `{name}`"))
}

/// The verdict on a theorem.
pub fn theorem<'a>(outcome: &'a Outcome, name: &str) -> &'a Verdict {
    outcome.theorems.iter().find(|t| t.name == name).unwrap_or_else(|| panic!("no theorem `{name}`"))
}

/// Fails unless |z| against the exact value is at most 5 and the standard error could see a defect of size `visible`.
pub fn assert_exact(outcome: &Outcome, name: &str, visible: f64) {
    let e = estimate(outcome, name);
    let exact = e.exact.unwrap_or_else(|| panic!("`{name}` has no exact value"));
    assert!(e.standard_error <= visible / 6.0, "{name}: standard error {} cannot see {visible}", e.standard_error);
    let z = e.z.unwrap_or(f64::NAN);
    assert!(z.abs() <= 5.0, "{name}: {} ± {} against {exact}, z = {z}", e.value, e.standard_error);
}

/// Fails unless a theorem was decided, and holds.
pub fn assert_holds(outcome: &Outcome, name: &str) {
    let t = theorem(outcome, name);
    assert_eq!(t.verdict, Judgement::Holds, "{name}: {} ± {} against {}: {}", t.value, t.standard_error, t.expected, t.advice);
}

/// Fails unless a theorem is called violated: `undersampled` would not do.
pub fn assert_violated(outcome: &Outcome, name: &str) {
    let t = theorem(outcome, name);
    assert_eq!(t.verdict, Judgement::Violated, "{name}: {} ± {} against {}: {}", t.value, t.standard_error, t.expected, t.advice);
}

/// The batches of a plan.
pub fn batches(plan: &Plan, backend: &dyn Backend) -> Vec<Batch> {
    let mut all = Vec::new();
    backend
        .run(plan, &mut |event| {
            if let Event::Batch(batch) = event {
                all.push(batch);
            }
            Flow::Continue
        })
        .expect("the plan runs");
    all
}

/// A [`Spoiled`] native backend that owns what it does.
pub struct Sabotaged<P, B> {
    /// The honest backend.
    pub inner: Cpu,
    /// What happens to a plan.
    pub plan: P,
    /// What happens to a batch.
    pub batch: B,
}

impl<P: Fn(&mut Plan), B: Fn(&Plan, &mut Batch) + Sync> Backend for Sabotaged<P, B> {
    fn describe(&self) -> Description {
        self.inner.describe()
    }

    fn fits(&self, plan: &Plan) -> Result<(), BackendError> {
        self.inner.fits(plan)
    }

    fn run(&self, plan: &Plan, receive: &mut (dyn FnMut(Event) -> Flow + Send)) -> Result<(), BackendError> {
        Spoiled { inner: &self.inner, plan: &self.plan, batch: &self.batch }.run(plan, receive)
    }
}
