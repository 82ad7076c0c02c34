//! Negative controls: defects that are planted, and must be caught.

use super::{Extent, Kind, Row, System, score, simulation};
use crate::backend::{Backend, BackendError, Batch, Description, Event, Flow};
use crate::experiment::{Experiment, Source};
use crate::plan::Plan;
use crate::results::Judgement;
use crate::simulation::{Outcome, Simulation, SimulationError, contradicts};
use crate::statistics::{Measured, Moments};
use crate::thermodynamics::theorems;

/// A planted defect, and what must catch it.
pub struct Control {
    /// What is wrong, in words.
    pub name: &'static str,
    /// What is done.
    pub spoil: Spoil,
    /// The estimate or theorem that must contradict it.
    pub caught_by: &'static str,
}

/// What is done to a system.
pub enum Spoil {
    /// Other parameters run than those that the exact values are for.
    Changes(&'static [(&'static str, &'static str)]),
    /// Another experiment runs than the one that the exact values are for.
    Experiment(&'static str),
    /// The backend runs another plan; the second argument is the forward plan.
    Plan(fn(&mut Plan, &Plan)),
    /// The backend hands over other numbers than it found.
    Batch(fn(&Plan, &mut Batch)),
    /// `⟨exp(−x)⟩ = 1` is claimed of an observable for which it is false.
    Average(&'static str),
}

/// A backend that runs another plan than it was given, and hands over other batches than it got.
pub struct Spoiled<'a> {
    /// The honest backend.
    pub inner: &'a dyn Backend,
    /// What happens to a plan.
    pub plan: &'a dyn Fn(&mut Plan),
    /// What happens to a batch.
    pub batch: &'a (dyn Fn(&Plan, &mut Batch) + Sync),
}

impl Backend for Spoiled<'_> {
    fn describe(&self) -> Description {
        self.inner.describe()
    }

    fn fits(&self, plan: &Plan) -> Result<(), BackendError> {
        self.inner.fits(plan)
    }

    fn run(&self, plan: &Plan, receive: &mut (dyn FnMut(Event) -> Flow + Send)) -> Result<(), BackendError> {
        let mut altered = plan.clone();
        (self.plan)(&mut altered);
        self.inner.run(&altered, &mut |event| match event {
            Event::Batch(mut batch) => {
                (self.batch)(plan, &mut batch);
                receive(Event::Batch(batch))
            }
            other => receive(other),
        })
    }
}

impl Control {
    /// Runs the defect; `Violated` is what the row must say.
    pub(super) fn tried(
        &self,
        system: &System,
        honest: &Simulation,
        outcome: &Outcome,
        extent: Extent,
        bound: f64,
        backend: &dyn Backend,
    ) -> Result<Row, SimulationError> {
        let run = |simulation: &Simulation, backend: &dyn Backend| simulation.run(backend, &mut |_| Flow::Continue);
        match &self.spoil {
            Spoil::Changes(changes) => {
                let other = simulation(system, extent, changes)?;
                Ok(self.against(system, honest, &run(&other, backend)?, bound))
            }
            Spoil::Experiment(text) => {
                let overrides =
                    [("ensemble.trajectories".to_owned(), honest.plan().ensemble.to_string()), ("ensemble.seed".to_owned(), honest.plan().seed.to_string())];
                let source = Source::Text { name: self.name.to_owned(), text: (*text).to_owned() };
                let other = Simulation::prepare(Experiment::load(&source, &overrides, &theorems::names())?)?;
                Ok(self.against(system, honest, &run(&other, backend)?, bound))
            }
            Spoil::Plan(spoil) => {
                let forward = honest.plan();
                let spoiled = Spoiled { inner: backend, plan: &|plan| spoil(plan, forward), batch: &|_, _| {} };
                Ok(self.seen(system, &run(honest, &spoiled)?, bound))
            }
            Spoil::Batch(spoil) => {
                let spoiled = Spoiled { inner: backend, plan: &|_| {}, batch: &|plan, batch| spoil(plan, batch) };
                Ok(self.seen(system, &run(honest, &spoiled)?, bound))
            }
            Spoil::Average(observable) => Ok(self.averaged(system, outcome, observable, bound)),
        }
    }

    fn row(&self, system: &System, measured: Measured, expected: f64, z: f64, violated: bool) -> Row {
        Row {
            system: system.name.to_owned(),
            quantity: format!("{}: {}", self.name, self.caught_by),
            kind: Kind::Control,
            value: measured.value,
            standard_error: measured.standard_error,
            expected,
            z,
            verdict: if violated { Judgement::Violated } else { Judgement::Holds },
        }
    }

    fn missing(&self, system: &System) -> Row {
        self.row(system, Measured { value: f64::NAN, standard_error: f64::NAN }, f64::NAN, f64::NAN, false)
    }

    /// The spoiled run against the exact value of the honest one.
    fn against(&self, system: &System, honest: &Simulation, spoiled: &Outcome, bound: f64) -> Row {
        let exact = honest.exact_values().find(|(name, ..)| *name == self.caught_by).map(|(_, value, _)| value);
        match (exact, spoiled.estimates.iter().find(|e| e.name == self.caught_by)) {
            (Some(exact), Some(e)) => {
                let z = score(e, exact);
                self.row(system, Measured { value: e.value, standard_error: e.standard_error }, exact, z, z.abs() > bound)
            }
            _ => self.missing(system),
        }
    }

    /// What the spoiled run says of itself.
    fn seen(&self, system: &System, spoiled: &Outcome, bound: f64) -> Row {
        if let Some(t) = spoiled.theorems.iter().find(|t| t.name == self.caught_by) {
            return self.row(system, Measured { value: t.value, standard_error: t.standard_error }, t.expected, t.z, t.verdict == Judgement::Violated);
        }
        match spoiled.estimates.iter().find(|e| e.name == self.caught_by) {
            Some(e) => {
                let measured = Measured { value: e.value, standard_error: e.standard_error };
                self.row(system, measured, e.exact.unwrap_or(f64::NAN), e.z.unwrap_or(f64::NAN), e.z.is_some() && contradicts(e, bound))
            }
            None => self.missing(system),
        }
    }

    /// `⟨exp(−x)⟩` of the end values of the honest run.
    fn averaged(&self, system: &System, outcome: &Outcome, observable: &str, bound: f64) -> Row {
        let Some((_, values)) = outcome.kept.iter().find(|(name, _)| name == observable) else { return self.missing(system) };
        let mut weights = Moments::default();
        weights.extend(values.iter().map(|x| (-x).exp()));
        let measured = weights.measured_mean();
        let z = measured.z(1.0);
        self.row(system, measured, 1.0, z, z.abs() > bound)
    }
}
