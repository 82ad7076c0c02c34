//! A run from end to end: experiment → plan → backend → statistics → results.

mod answers;
mod evidence;
mod law;
mod linear_means;
mod outcome;
mod pilot;
mod start;

use std::time::Instant;

use crate::backend::{Backend, BackendError, Event, Flow};
use crate::coordinate::{Boundary, FieldGrid};
use crate::density::DensityError;
use crate::exact::ExactError;
use crate::experiment::{Experiment, ExperimentError, Source};
use crate::model::System;
use crate::plan::{self, Dynamics, Integrator, Plan, PlanError, protocol_at, protocol_table};
use crate::random::Stream;
use crate::statistics::StatisticsError;
use crate::thermodynamics::observables::Bath;
use crate::thermodynamics::theorems::{self, Facts, TheoremError};

use answers::{Answers, Question};
use evidence::{Gathered, Gatherer};
pub use law::Law;
pub use outcome::{Outcome, Progress, contradicts};
use start::{Opening, equilibrium, opening};

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
    #[error(
        "{nonfinite} of {trajectories} trajectories became infinite or NaN, the first is number {first}: take a smaller ensemble.dt, or look for a pole in the formulas; more than 1 % are not reported as a result"
    )]
    NonFinite {
        /// How many.
        nonfinite: u64,
        /// Of how many.
        trajectories: u64,
        /// The first.
        first: u64,
    },
    /// Stopped before any trajectory was complete.
    #[error("stopped before the first batch of trajectories was complete: nothing was written")]
    NothingDone,
}

impl SimulationError {
    /// Whether the device, and not the input, is at fault.
    pub fn is_of_the_device(&self) -> bool {
        matches!(self, Self::Backend(_) | Self::Statistics(_) | Self::NonFinite { .. })
    }
}

/// An experiment made ready to run: plans, exact knowledge, and what is known of its scope.
pub struct Simulation {
    experiment: Experiment,
    system: System,
    plan: Plan,
    reverse: Option<Reverse>,
    answers: Answers,
    facts: Facts,
    baths: Vec<Bath>,
    start_law: Result<Law, String>,
    ends: Ends,
    /// What is allowed but probably not meant, and what was decided on the user's behalf.
    pub warnings: Vec<String>,
    /// How the ensemble starts, in words.
    pub start: String,
}

/// The reversed ensemble.
struct Reverse {
    plan: Plan,
    start_law: Option<Law>,
    end_law: Option<Law>,
}

/// Protocol values at the ends: before anything moves, under the last step, after everything moved.
#[derive(Clone)]
struct Ends {
    first: Vec<f64>,
    last_step: Vec<f64>,
    last: Vec<f64>,
}

impl Ends {
    fn of(table: &[Vec<f64>]) -> Self {
        let entries = table.first().map_or(2, Vec::len);
        Self { first: protocol_at(table, 0), last_step: protocol_at(table, entries - 2), last: protocol_at(table, entries - 1) }
    }
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
        let system = System::of(&experiment);
        let table = protocol_table(&experiment, Stream::Forward);
        let ends = Ends::of(&table);
        let opening = opening(&experiment, &system, &ends.first)?;
        let start = plan::Start { initial: opening.initial.clone(), relaxation_steps: opening.relaxation_steps };
        let mut plan = plan::compile(&experiment, &system, Stream::Forward, start)?;
        let baths = baths(&system);
        let mut warnings = experiment.warnings.clone();
        let pilot = pilot::fly(&plan, &system)?;
        warnings.extend(pilot.warnings(&plan, &system, &ends));
        plan.fields = fields(&experiment, &system, &pilot);
        if opening.relaxation_steps > 0 {
            warnings.push(pilot::relaxation_report(&plan)?);
        }
        let question =
            Question { experiment: &experiment, system: &system, plan: &plan, table: &table, opening: &opening, baths: &baths, seen: pilot.range(0) };
        let mut answers = question.answer()?;
        warnings.append(&mut answers.warnings);
        let facts = facts(&experiment, &system, &plan, &opening, &ends, &mut answers)?;
        let mut simulation =
            Self { reverse: None, answers, facts, baths, start_law: opening.law, ends, warnings, start: opening.description, experiment, system, plan };
        simulation.check_scope()?;
        simulation.prepare_reverse()?;
        Ok(simulation)
    }

    /// The plan of the forward ensemble.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The experiment.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// Trajectory-steps of the whole run, the reversed ensemble included.
    pub fn work_ahead(&self) -> u64 {
        let of = |plan: &Plan| (plan.trajectories.end - plan.trajectories.start) * plan.schedule.steps;
        of(&self.plan) + self.reverse.as_ref().map_or(0, |reverse| of(&reverse.plan))
    }

    fn check_scope(&self) -> Result<(), SimulationError> {
        let gatherer = self.gatherer();
        let observables = gatherer.observables();
        for name in &self.experiment.measure.theorems {
            theorems::in_scope(name, &self.facts, &observables)?;
        }
        Ok(())
    }

    fn gatherer(&self) -> Gatherer<'_> {
        Gatherer::new(&self.system, &self.plan, &self.baths, &self.ends, self.start_law.as_ref().ok(), self.answers.last.as_ref(), &self.facts)
    }

    /// Work theorems compare with a reversed run from equilibrium at the end; the detailed theorem with one from the law at the end.
    fn prepare_reverse(&mut self) -> Result<(), SimulationError> {
        let wanted: Vec<&str> = self.experiment.measure.theorems.iter().map(String::as_str).collect();
        let needs = |name: &str| wanted.contains(&name) && theorems::find(name).is_ok_and(|theorem| (theorem.needs_reverse)(&self.facts));
        let (of_work, of_entropy) = (needs("crooks") || needs("jarzynski"), needs("detailed_total"));
        if !of_work && !of_entropy {
            return Ok(());
        }
        if of_work && of_entropy {
            return Err(TheoremError::OutOfScope {
                theorem: "detailed_total".to_owned(),
                reason: "its reversed run starts from the law at the end, that of the work theorems from equilibrium; ask for one of them at a time".to_owned(),
            }
            .into());
        }
        let (start_law, end_law) = if of_work {
            (equilibrium(&self.system, &self.ends.last)?.map(|(law, _)| law), None)
        } else {
            (self.answers.last.clone(), self.start_law.as_ref().ok().cloned())
        };
        let Some(law) = start_law else {
            return Err(SimulationError::Start("the reversed run needs an exact law to start from, which this model does not have".to_owned()));
        };
        let start = plan::Start { initial: law.initial_state(), relaxation_steps: 0 };
        let plan = plan::compile(&self.experiment, &self.system, Stream::Reverse, start)?;
        self.reverse = Some(Reverse { plan, start_law: Some(law), end_law });
        Ok(())
    }

    /// Runs everything on a backend. `watch` is told how it goes, and may stop it; what was complete by then is evaluated.
    ///
    /// # Errors
    /// When the backend refuses or fails, or too many trajectories are not finite.
    pub fn run(&self, backend: &dyn Backend, watch: &mut (dyn FnMut(&Progress) -> Flow + Send)) -> Result<Outcome, SimulationError> {
        let started = Instant::now();
        backend.fits(&self.plan)?;
        let mut done = 0;
        let mut stopped = false;
        let forward = self.gather(backend, &self.plan, self.gatherer(), &mut |steps, gathered| {
            done += steps;
            let flow = watch(&Progress::of(done, gathered));
            stopped |= flow == Flow::Stop;
            flow
        })?;
        let mut reverse = None;
        if let Some(ensemble) = self.reverse.as_ref().filter(|_| !stopped) {
            let ends = Ends { first: self.ends.last.clone(), last_step: self.reverse_last_step(), last: self.ends.first.clone() };
            let gatherer = Gatherer::new(&self.system, &ensemble.plan, &self.baths, &ends, ensemble.start_law.as_ref(), ensemble.end_law.as_ref(), &self.facts);
            reverse = Some(self.gather(backend, &ensemble.plan, gatherer, &mut |steps, _| {
                done += steps;
                let flow = watch(&Progress::of(done, &forward));
                stopped |= flow == Flow::Stop;
                flow
            })?);
        }
        self.refuse_nonfinite(&forward)?;
        let run = outcome::Conditions { description: backend.describe(), seconds: started.elapsed().as_secs_f64(), steps: done, stopped };
        self.outcome(run, forward, reverse.filter(|_| !stopped))
    }

    fn reverse_last_step(&self) -> Vec<f64> {
        Ends::of(&protocol_table(&self.experiment, Stream::Reverse)).last_step
    }

    fn gather(
        &self,
        backend: &dyn Backend,
        plan: &Plan,
        gatherer: Gatherer<'_>,
        watch: &mut (dyn FnMut(u64, &Gathered) -> Flow + Send),
    ) -> Result<Gathered, SimulationError> {
        let mut gathered = gatherer.empty(self.experiment.measure.trajectories && plan.stream == Stream::Forward);
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
        let (nonfinite, trajectories) = (gathered.scalars.nonfinite(), gathered.scalars.trajectories() + gathered.scalars.nonfinite());
        match gathered.scalars.first_nonfinite() {
            Some(first) if nonfinite * 100 > trajectories => Err(SimulationError::NonFinite { nonfinite, trajectories, first }),
            _ => Ok(()),
        }
    }
}

/// Coordinates of equal temperature share a bath, named after the first of them.
fn baths(system: &System) -> Vec<Bath> {
    let mut baths: Vec<(f64, Bath)> = Vec::new();
    for (i, (&temperature, name)) in system.temperature.iter().zip(&system.names).enumerate() {
        match baths.iter_mut().find(|(t, _)| *t == temperature) {
            Some((_, bath)) => bath.coordinates.push(i),
            None => baths.push((temperature, Bath { name: name.clone(), coordinates: vec![i] })),
        }
    }
    baths.into_iter().map(|(_, bath)| bath).collect()
}

/// The grids asked for; a whole bounded range, or what the pilot saw of an open one, for the other coordinates.
fn fields(experiment: &Experiment, system: &System, pilot: &pilot::Pilot) -> Vec<FieldGrid> {
    const BINS: u32 = 64;
    let default = |i: usize| {
        let (lower, upper) = system.boundaries[i].ends().unwrap_or_else(|| pilot.round_range(i));
        FieldGrid { coordinate: i as u16, lower, upper, bins: BINS }
    };
    let asked = |i: usize| experiment.measure.grids.iter().find(|grid| usize::from(grid.coordinate) == i).cloned();
    (0..system.dimension()).map(|i| asked(i).unwrap_or_else(|| default(i))).collect()
}

fn facts(experiment: &Experiment, system: &System, plan: &Plan, opening: &Opening, ends: &Ends, answers: &mut Answers) -> Result<Facts, SimulationError> {
    let Dynamics::Overdamped(dynamics) = &plan.dynamics else {
        return Err(SimulationError::Start("not a Langevin plan".to_owned()));
    };
    let table_moves = dynamics.protocol_work.is_some() || plan.uniforms.columns > 0 || ends.first != ends.last;
    let mut delta_free_energy = None;
    if opening.kind == theorems::Start::Equilibrium
        && let (Some((_, before)), Some((_, after))) = (equilibrium(system, &ends.first)?, equilibrium(system, &ends.last)?)
    {
        let source = if system.is_quadratic() { "Gaussian partition functions" } else { "partition functions by quadrature" };
        delta_free_energy = Some((after - before, source.to_owned()));
        answers.values.entry("delta_F".to_owned()).or_insert((after - before, source.to_owned()));
    }
    let integrator = dynamics.integrator;
    let system_entropy = match (&opening.law, &answers.last) {
        (Ok(_), Some(_)) => Ok(match answers.last {
            Some(Law::Gaussian(_)) => "the exact Gaussian p(x, τ)".to_owned(),
            _ if table_moves || opening.kind == theorems::Start::Other => "p(x, τ) of the Fokker–Planck equation".to_owned(),
            _ => "the exact steady p(x)".to_owned(),
        }),
        (Err(reason), _) => Err(reason.clone()),
        (Ok(_), None) => Err("p(x, τ) at the end of the run is not known for this model; leave the theorem out of `measure.theorems`".to_owned()),
    };
    let quadratic =
        integrator == Integrator::ExactLinear || system.is_quadratic() && !system.is_driven() && plan.coordinates.iter().all(|c| c.boundary == Boundary::Open);
    let mut facts = Facts {
        single_temperature: system.single_temperature(),
        delta_free_energy,
        start: opening.kind,
        protocol_moves: table_moves,
        has_drives: system.is_driven(),
        path_ledger: if integrator == Integrator::Heun { Err("heun".to_owned()) } else { Ok(()) },
        system_entropy,
        duration: experiment.protocol.duration,
        quadratic_potential: quadratic,
        unit_roundoff: f64::EPSILON / 2.0,
        exponential_variances: Default::default(),
    };
    exact_variances(system, opening, ends, answers, &mut facts);
    Ok(facts)
}

/// A harmonic trap of fixed stiffness that is only dragged keeps work and total entropy Gaussian, with variance twice the dissipated mean:
/// `Var e^{−S} = e^{2⟨S⟩} − 1`.
fn exact_variances(system: &System, opening: &Opening, ends: &Ends, answers: &Answers, facts: &mut Facts) {
    let stiffness = |protocol: &[f64]| system.linear_force(protocol).map(|force| force.stiffness);
    let rigid = stiffness(&ends.first).is_some_and(|k| Some(&k) == stiffness(&ends.last).as_ref() && Some(k) == stiffness(&ends.last_step));
    let (Some(temperature), true, false) = (facts.single_temperature, rigid, facts.has_drives) else { return };
    if opening.kind != theorems::Start::Equilibrium {
        return;
    }
    let mut know = |theorem: &str, mean: Option<f64>| {
        if let Some(mean) = mean {
            facts.exponential_variances.insert(theorem.to_owned(), (2.0 * mean).exp_m1());
        }
    };
    let value = |name: &str| answers.values.get(name).map(|(value, _)| *value);
    know("jarzynski", value("work").zip(facts.delta_free_energy.as_ref()).map(|(work, (change, _))| (work - change) / temperature));
    know("integral_total", value("entropy_total"));
}
