//! A run from end to end: experiment → plan → backend → statistics → results.

mod answers;
mod courses;
mod evidence;
mod exchange;
mod grids;
mod inertial;
mod inertial_answers;
mod infimum;
mod jump;
mod langevin;
mod law;
mod linear_answers;
mod linear_cumulants;
mod linear_means;
mod linear_path;
mod long_times;
mod outcome;
mod periodic;
mod pilot;
mod plane;
mod refine;
mod start;
mod steadiness;
mod surprise;
mod surprise_plane;
mod surprise_table;
mod unseen;

use std::time::Instant;

use crate::backend::{Backend, BackendError, Event, Flow};
use crate::density::DensityError;
use crate::exact::ExactError;
use crate::experiment::{Experiment, ExperimentError, Model, Source};
use crate::plan::{Plan, PlanError};
use crate::statistics::StatisticsError;
use crate::thermodynamics::observables::Accounts;
use crate::thermodynamics::theorems::{self, Facts, TheoremError};

use answers::Answers;
use evidence::{Gathered, Gatherer};
pub use jump::{Circuit, ConservationLaw, Flow as CircuitFlow, Loop};
pub use law::Law;
pub use outcome::{Outcome, Progress, contradicts};

/// Why a run did not start, or did not end.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The experiment is wrong.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The experiment cannot be compiled.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The start asked for does not exist.
    #[error("the initial state cannot be prepared: {0}")]
    Start(String),
    /// Something exact that the run needs does not exist.
    #[error("the initial state cannot be prepared: {0}")]
    Exact(#[from] ExactError),
    /// A table is no density.
    #[error("the initial state cannot be prepared: {0}")]
    Density(#[from] DensityError),
    /// Energies say something that rates, baths or the protocol contradict.
    #[error("the books of energy cannot be kept: {0}")]
    Books(String),
    /// A theorem does not apply.
    #[error(transparent)]
    Theorem(#[from] TheoremError),
    /// The backend refused or failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// Batches did not fit together.
    #[error("the backend handed over something unexpected: {0}")]
    Statistics(#[from] StatisticsError),
    /// Too many trajectories left the numbers.
    #[error("{nonfinite} of {trajectories} trajectories {advice}; the first is number {first}, and more than 1 % are not reported as a result")]
    NonFinite {
        /// How many.
        nonfinite: u64,
        /// Of how many.
        trajectories: u64,
        /// The first.
        first: u64,
        /// What became of them, and what to do.
        advice: String,
    },
    /// Stopped before any trajectory was complete.
    #[error("stopped before the first batch of trajectories was complete: nothing was written")]
    NothingDone,
}

impl SimulationError {
    /// Whether the device, and not the input, is at fault.
    pub fn is_of_the_device(&self) -> bool {
        match self {
            Self::Backend(error) => !matches!(error, BackendError::Unsupported { .. } | BackendError::TooLarge { .. } | BackendError::NoDevice { .. }),
            Self::Statistics(_) | Self::NonFinite { .. } => true,
            _ => false,
        }
    }
}

/// An experiment made ready to run: plans, exact knowledge, and what is known of its scope.
pub struct Simulation {
    experiment: Experiment,
    plan: Plan,
    accounts: Box<dyn Accounts>,
    reverse: Option<Beside>,
    /// By steps half as long, where the method is approximate.
    finer: Option<Beside>,
    /// The same experiment by time steps half as long, where asked for.
    halved: Option<Box<Simulation>>,
    answers: Answers,
    facts: Facts,
    circuit: Option<Circuit>,
    /// Events to expect of one trajectory of a jump process.
    expected_work: Option<f64>,
    /// Comparisons of a larger family that this run belongs to.
    family: usize,
    /// What is allowed but probably not meant, and what was decided on the user's behalf.
    pub warnings: Vec<String>,
    /// How the ensemble starts, in words.
    pub start: String,
    /// Time of the relaxation before measuring; 0 where there was none.
    relaxed_for: f64,
}

/// Another ensemble, run beside the first.
struct Beside {
    plan: Plan,
    accounts: Box<dyn Accounts>,
}

/// The plan of a model or file, as `ness plan` prints it.
///
/// # Errors
/// As [`Simulation::prepare`].
pub fn plan_of(name: &str, overrides: &[(&str, String)]) -> Result<Plan, SimulationError> {
    let overrides: Vec<(String, String)> = overrides.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let experiment = Experiment::load(&Source::named(name), &overrides, &theorems::names())?;
    Ok(Simulation::prepare(experiment)?.plan)
}

impl Simulation {
    /// Compiles an experiment, finds its start and everything exact about it, and refuses theorems that do not apply.
    ///
    /// # Errors
    /// When the model, its start or a theorem asked for does not make sense.
    pub fn prepare(experiment: Experiment) -> Result<Self, SimulationError> {
        let mut simulation = match experiment.model.clone() {
            Model::Overdamped(model) => langevin::prepare(experiment, &model),
            Model::Jump(model) => jump::prepare(experiment, &model),
            Model::Exchange(model) => exchange::prepare(experiment, &model),
        }?;
        if simulation.experiment.ensemble.refine {
            simulation.halved = Some(Box::new(Self::prepare(simulation.halved_experiment())?));
        }
        Ok(simulation)
    }

    /// The plan of the forward ensemble.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Everything known exactly: name, value, where it comes from.
    pub fn exact_values(&self) -> impl Iterator<Item = (&str, f64, &str)> {
        self.answers.values.iter().map(|(name, (value, source))| (name.as_str(), *value, source.as_str()))
    }

    /// The one temperature of all baths, where there is one.
    pub fn temperature(&self) -> Option<f64> {
        self.facts.single_temperature
    }

    /// Reactions, cycles and states of a jump process.
    pub fn circuit(&self) -> Option<&Circuit> {
        self.circuit.as_ref()
    }

    /// Whether time goes by events.
    pub fn is_jump(&self) -> bool {
        self.plan.dynamics.overdamped().is_none()
    }

    /// Whether the coordinates are energies of the cells of a rod.
    pub fn is_rod(&self) -> bool {
        matches!(self.experiment.model, Model::Exchange(_))
    }

    /// Names of the derived quantities of a jump process.
    pub fn derived(&self) -> Vec<String> {
        match &self.experiment.model {
            Model::Jump(model) => model.derived.iter().map(|(name, _)| name.clone()).collect(),
            Model::Overdamped(_) | Model::Exchange(_) => Vec::new(),
        }
    }

    /// The experiment.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// Judges by the bound of a family of so many comparisons, of which those of this run are a part.
    pub fn share_bound_with(&mut self, comparisons: usize) {
        self.family = comparisons;
    }

    /// What [`Self::work_ahead`] counts.
    pub fn work_unit(&self) -> &'static str {
        match &self.experiment.model {
            Model::Overdamped(_) => "steps",
            Model::Jump(model) if model.leaping.is_some() => "leaps",
            Model::Jump(_) | Model::Exchange(_) => "events",
        }
    }

    /// Trajectory-steps (for jump processes: events to expect) of the whole run, the reversed ensemble included.
    pub fn work_ahead(&self) -> u64 {
        let of = |plan: &Plan| {
            let trajectories = plan.trajectories.end - plan.trajectories.start;
            self.expected_work.map_or(trajectories * plan.schedule.steps, |events| (trajectories as f64 * events) as u64)
        };
        of(&self.plan) + self.plans_beside().map(of).sum::<u64>()
    }

    /// The plans of all ensembles but the first.
    fn plans_beside(&self) -> impl Iterator<Item = &Plan> {
        self.reverse.iter().chain(&self.finer).map(|beside| &beside.plan).chain(self.halved.iter().map(|halved| &halved.plan))
    }

    fn check_scope(&self) -> Result<(), SimulationError> {
        let observables = self.accounts.observables();
        for name in &self.experiment.measure.theorems {
            theorems::in_scope(name, &self.facts, &observables)?;
        }
        Ok(())
    }

    /// Whether a theorem asked for needs the reversed ensemble.
    fn needs_reverse(&self, name: &str) -> bool {
        self.experiment.measure.theorems.iter().any(|asked| asked == name) && theorems::find(name).is_ok_and(|theorem| (theorem.needs_reverse)(&self.facts))
    }

    /// Runs everything on a backend. `watch` is told how it goes, and may stop it; what was complete by then is evaluated.
    ///
    /// # Errors
    /// When the backend refuses or fails, or too many trajectories are not finite.
    pub fn run(&self, backend: &dyn Backend, watch: &mut (dyn FnMut(&Progress) -> Flow + Send)) -> Result<Outcome, SimulationError> {
        let started = Instant::now();
        std::iter::once(&self.plan).chain(self.plans_beside()).try_for_each(|plan| backend.fits(plan))?;
        let mut done = 0;
        let mut stopped = false;
        let keep = self.experiment.measure.trajectories;
        let forward = self.gather(backend, &self.plan, &*self.accounts, keep, &mut |steps, gathered| {
            done += steps;
            let flow = watch(&Progress::of(done, gathered));
            stopped |= flow == Flow::Stop;
            flow
        })?;
        let mut beside = |ensemble: Option<(&Self, &Plan, &dyn Accounts)>| -> Result<Option<Gathered>, SimulationError> {
            let Some((of, plan, accounts)) = ensemble.filter(|_| !stopped) else { return Ok(None) };
            let gathered = of.gather(backend, plan, accounts, false, &mut |steps, _| {
                done += steps;
                let flow = watch(&Progress::of(done, &forward));
                stopped |= flow == Flow::Stop;
                flow
            });
            match gathered {
                Err(SimulationError::NothingDone) if stopped => Ok(None),
                gathered => gathered.map(Some),
            }
        };
        let [reverse, finer] = [&self.reverse, &self.finer].map(|ensemble| ensemble.as_ref().map(|ensemble| (self, &ensemble.plan, &*ensemble.accounts)));
        let halved = self.halved.as_ref().map(|halved| (&**halved, &halved.plan, &*halved.accounts));
        let (reverse, finer, halved) = (beside(reverse)?, beside(finer)?, beside(halved)?);
        for gathered in std::iter::once(&forward).chain(&halved) {
            self.refuse_nonfinite(gathered)?;
        }
        let run = outcome::Conditions { description: backend.describe(), seconds: started.elapsed().as_secs_f64(), steps: done, stopped };
        self.outcome(run, forward, (reverse.filter(|_| !stopped), finer.filter(|_| !stopped), halved.filter(|_| !stopped)))
    }

    fn gather(
        &self,
        backend: &dyn Backend,
        plan: &Plan,
        accounts: &dyn Accounts,
        keep: bool,
        watch: &mut (dyn FnMut(u64, &Gathered) -> Flow + Send),
    ) -> Result<Gathered, SimulationError> {
        let gatherer = Gatherer::new(plan, accounts, &self.facts);
        let mut gathered = gatherer.empty(keep);
        let mut failure = None;
        backend.run(plan, &mut |event| match event {
            Event::Progress(steps) => watch(steps, &gathered),
            Event::Batch(batch) => match gathered.absorb(&gatherer, &batch) {
                Ok(()) => Flow::Continue,
                Err(error) => {
                    failure = Some(error);
                    Flow::Stop
                }
            },
        })?;
        match failure {
            Some(error) => Err(error.into()),
            None if gathered.is_empty() => Err(SimulationError::NothingDone),
            None => Ok(gathered),
        }
    }

    fn refuse_nonfinite(&self, gathered: &Gathered) -> Result<(), SimulationError> {
        let (nonfinite, trajectories) = (gathered.scalars.nonfinite(), gathered.scalars.trajectories());
        match gathered.scalars.first_nonfinite() {
            Some(first) if nonfinite * 100 > trajectories => {
                let advice = match &self.experiment.model {
                    Model::Jump(model) => format!(
                        "were given up: they had more than {} events (`ensemble.most_events`), or a propensity below 0 or without a value; take a shorter run or more events, or look at the propensities",
                        model.most_events
                    ),
                    Model::Overdamped(_) | Model::Exchange(_) => {
                        "became infinite or NaN: take a smaller ensemble.dt, or look for a pole in the formulas".to_owned()
                    }
                };
                Err(SimulationError::NonFinite { nonfinite, trajectories, first, advice })
            }
            _ => Ok(()),
        }
    }
}
