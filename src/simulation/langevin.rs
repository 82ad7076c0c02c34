//! Langevin experiments made ready to run.

use std::sync::Arc;

use super::answers::{Answers, Question};
use super::evidence::LangevinAccounts;
use super::infimum::affinity;
use super::law::Law;
use super::plane::plane;
use super::start::{Opening, equilibrium, opening};
use super::surprise::{NOT_ASKED_FOR, steady_states};
use super::surprise_plane::PlaneAlong;
use super::{Beside, Simulation, SimulationError, pilot};
use crate::coordinate::{Boundary, Coordinate, FieldGrid};
use crate::exact::infimum::mean_infimum;
use crate::exact::path;
use crate::experiment::{Experiment, OverdampedModel};
use crate::model::System;
use crate::plan::{self, Dynamics, Integrator, Plan, protocol_at, protocol_table};
use crate::random::Stream;
use crate::thermodynamics::observables::Bath;
use crate::thermodynamics::theorems::{self, Facts, TheoremError};

/// Protocol values at the ends: before anything moves, under the last step, after everything moved.
#[derive(Clone)]
pub(super) struct Ends {
    pub(super) first: Vec<f64>,
    pub(super) last_step: Vec<f64>,
    pub(super) last: Vec<f64>,
}

impl Ends {
    fn of(table: &[Vec<f64>]) -> Self {
        let entries = table.first().map_or(2, Vec::len);
        Self { first: protocol_at(table, 0), last_step: protocol_at(table, entries - 2), last: protocol_at(table, entries - 1) }
    }
}

/// Compiles an experiment, finds its start and everything exact about it, and refuses theorems that do not apply.
pub(super) fn prepare(experiment: Experiment, model: &OverdampedModel) -> Result<Simulation, SimulationError> {
    let system = Arc::new(System::of(&experiment, model));
    let table = protocol_table(&experiment, Stream::Forward);
    let ends = Ends::of(&table);
    let opening = opening(&experiment, &system, &ends.first)?;
    let start = plan::Start { initial: opening.initial.clone(), relaxation_steps: opening.relaxation_steps };
    let steady = steady_states(&experiment, &system, &table, &opening, &ends);
    let along = steady.as_ref().ok().and_then(|steady| steady.along.clone());
    let moves = table.iter().any(|values| values.iter().any(|value| *value != values[0]));
    let affinity = affinity(&experiment, &system, &opening, &ends, moves)?;
    let followed = plan::Followed { along: along.as_deref(), affinity: affinity.as_ref() };
    let mut plan = plan::compile(&experiment, model, &system, Stream::Forward, start, followed)?;
    let baths = baths(&system);
    let mut warnings = experiment.warnings.clone();
    warnings.extend(system.unstated_parity());
    warnings.extend(steady.as_ref().err().filter(|reason| *reason == NOT_ASKED_FOR).cloned());
    let pilot = pilot::fly(&plan)?;
    warnings.extend(pilot.warnings(&plan, &system, &ends));
    plan.fields = fields(&experiment, &plan.coordinates, &pilot);
    plan.plane = plane(&experiment, &system, &plan, &pilot, &ends.first);
    let sheet = steady.as_ref().ok().and_then(|steady| steady.plane.as_deref());
    warnings.extend(sheet.and_then(PlaneAlong::warning));
    let (seen, about) = (pilot.range(0), &experiment);
    let question =
        Question { experiment: about, system: &system, plan: &plan, table: &table, opening: &opening, baths: &baths, seen, steady: steady.as_ref().ok() };
    let mut answers = question.answer()?;
    if let Some(uniform) = affinity.and_then(|affinity| affinity.uniform()) {
        let rise = uniform * uniform * system.temperature[0] / system.friction[0] * experiment.protocol.duration;
        answers.values.insert("entropy_infimum".to_owned(), (mean_infimum(rise), "Brownian motion with drift, to rounding".to_owned()));
    }
    let mut facts = facts(&experiment, &system, &plan, &table, &opening, &ends, &mut answers)?;
    answers.closed_forms(&experiment, 1e-3);
    warnings.append(&mut answers.warnings);
    if opening.is_unknown() && facts.protocol_moves {
        warnings.extend(pilot::relaxation_report(&plan)?);
    }
    facts.steady_states = steady.as_ref().map(|_| ()).map_err(Clone::clone);
    let start_law = opening.law.as_ref().ok().cloned();
    let accounts = LangevinAccounts::new(&system, &plan, &baths, &ends, start_law.clone(), answers.last.clone())
        .with_steady_states(steady.ok(), facts.is_steady() && facts.odd.is_none());
    let mut simulation = Simulation {
        reverse: None,
        halved: None,
        relaxed_for: if opening.is_unknown() { opening.relaxation_steps as f64 * experiment.ensemble.dt } else { 0.0 },
        finer: None,
        accounts: Box::new(accounts),
        answers,
        facts,
        circuit: None,
        expected_work: None,
        family: 0,
        warnings,
        start: opening.description,
        experiment,
        plan,
    };
    simulation.check_scope()?;
    simulation.reverse = reversed(&simulation, model, &system, &baths, &ends, start_law)?;
    Ok(simulation)
}

/// Work theorems compare with a reversed run from equilibrium at the end; the detailed theorem with one from the law at the end.
fn reversed(
    simulation: &Simulation,
    model: &OverdampedModel,
    system: &Arc<System>,
    baths: &[Bath],
    ends: &Ends,
    forward_law: Option<Law>,
) -> Result<Option<Beside>, SimulationError> {
    let (of_work, of_entropy) = (simulation.needs_reverse("crooks") || simulation.needs_reverse("jarzynski"), simulation.needs_reverse("detailed_total"));
    if !of_work && !of_entropy {
        return Ok(None);
    }
    if of_work && of_entropy {
        return Err(TheoremError::OutOfScope {
            theorem: "detailed_total".to_owned(),
            reason: "its reversed run starts from the law at the end, that of the work theorems from equilibrium; ask for one of them at a time".to_owned(),
        }
        .into());
    }
    let (start_law, end_law) =
        if of_work { (equilibrium(system, &ends.last)?.map(|known| known.law), None) } else { (simulation.answers.last.clone(), forward_law) };
    // What is odd turns round: the reversed run starts from the mirror image of the law at the end, and its last state is held against that of the first.
    let turned = |law: Law| law.reversed(&|i| system.is_odd(i));
    let (start_law, end_law) = (start_law.map(turned), end_law.map(turned));
    let Some(law) = start_law else {
        return Err(SimulationError::Start("the reversed run needs an exact law to start from, which this model does not have".to_owned()));
    };
    let start = plan::Start { initial: law.initial_state(), relaxation_steps: 0 };
    // So do odd parameters and protocol variables in the formulas.
    let (experiment, model, system) = if system.has_odd_variables() {
        let mut experiment = simulation.experiment.clone();
        let model = model.reversed(&mut experiment.graph);
        let system = Arc::new(System::of(&experiment, &model));
        (experiment, model, system)
    } else {
        (simulation.experiment.clone(), model.clone(), Arc::clone(system))
    };
    let plan = plan::compile(&experiment, &model, &system, Stream::Reverse, start, plan::Followed::default())?;
    let last_step = Ends::of(&protocol_table(&simulation.experiment, Stream::Reverse)).last_step;
    let ends = Ends { first: ends.last.clone(), last_step, last: ends.first.clone() };
    let accounts = LangevinAccounts::new(&system, &plan, baths, &ends, Some(law), end_law);
    Ok(Some(Beside { plan, accounts: Box::new(accounts) }))
}

/// Coordinates of equal temperature share a bath, named after the first of them.
fn baths(system: &System) -> Vec<Bath> {
    let mut baths: Vec<Bath> = Vec::new();
    for (i, name) in system.names.iter().enumerate().filter(|(i, _)| system.is_bathed(*i)) {
        match baths.iter_mut().find(|bath| system.share_a_bath(bath.coordinates[0], i)) {
            Some(bath) => bath.coordinates.push(i),
            None => baths.push(Bath { name: name.clone(), coordinates: vec![i] }),
        }
    }
    baths
}

/// The grids asked for; a whole bounded range, or what the pilot saw of an open one, for the other coordinates.
fn fields(experiment: &Experiment, state: &[Coordinate], pilot: &pilot::Pilot) -> Vec<FieldGrid> {
    const BINS: u32 = 64;
    let default = |i: usize| {
        let (lower, upper) = state[i].boundary.ends().unwrap_or_else(|| pilot.round_range(i));
        FieldGrid { coordinate: i as u16, lower, upper, bins: BINS }
    };
    let asked = |i: usize| experiment.measure.grids.iter().find(|grid| usize::from(grid.coordinate) == i).cloned();
    (0..state.len()).map(|i| asked(i).unwrap_or_else(|| default(i))).collect()
}

fn facts(
    experiment: &Experiment,
    system: &System,
    plan: &Plan,
    table: &[Vec<f64>],
    opening: &Opening,
    ends: &Ends,
    answers: &mut Answers,
) -> Result<Facts, SimulationError> {
    let Dynamics::Overdamped(dynamics) = &plan.dynamics else {
        return Err(SimulationError::Start("not a Langevin plan".to_owned()));
    };
    let table_moves = dynamics.protocol_work.is_some() || plan.uniforms.columns > 0 || ends.first != ends.last;
    let mut delta_free_energy = None;
    if opening.kind == theorems::Start::Equilibrium
        && system.single_temperature().is_some()
        && let (Ok(Some(before)), Ok(Some(after))) = (equilibrium(system, &ends.first), equilibrium(system, &ends.last))
    {
        let error = before.error + after.error;
        let source = if error == 0.0 {
            "Gaussian partition functions, to rounding".to_owned()
        } else {
            format!("partition functions by quadrature, ±{:.0e}", error.max(f64::EPSILON))
        };
        let change = after.free_energy - before.free_energy;
        answers.know("delta_F", change, &source);
        answers.errors.insert("delta_F".to_owned(), error);
        delta_free_energy = Some((change, source));
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
    let quadratic = integrator == Integrator::ExactLinear
        || (0..system.dimension()).all(|i| system.is_bathed(i))
            && system.is_quadratic()
            && !system.is_driven()
            && plan.coordinates.iter().all(|c| c.boundary == Boundary::Open);
    let mut facts = Facts {
        jumps: false,
        empty_states_at_start: false,
        odd: system.odd_variables(),
        unseen_variances: answers.unseen_variances.clone(),
        parity: system.unstated_parity().map_or(Ok(()), Err),
        steady_states: Ok(()),
        single_temperature: system.single_temperature(),
        canonical: system.canonical(&[]).map(|_| ()),
        delta_free_energy,
        start: opening.kind,
        protocol_moves: table_moves,
        has_drives: system.is_driven(),
        path_ledger: if matches!(integrator, Integrator::Heun | Integrator::HeunStratonovich) { Err("heun".to_owned()) } else { Ok(()) },
        system_entropy,
        duration: experiment.protocol.duration,
        quadratic_potential: quadratic,
        unit_roundoff: f64::EPSILON / 2.0,
        exponential_variances: answers.exponential_variances.clone(),
    };
    exact_variances(system, opening, ends, answers, &mut facts);
    chain_variances(system, plan, table, opening, ends, answers, &mut facts);
    Ok(facts)
}

/// A harmonic trap of fixed stiffness that is only dragged keeps work and total entropy Gaussian, with variance twice the dissipated mean:
/// `Var e^{−S} = e^{2⟨S⟩} − 1`.
fn exact_variances(system: &System, opening: &Opening, ends: &Ends, answers: &Answers, facts: &mut Facts) {
    let stiffness = |protocol: &[f64]| system.linear_force(protocol).map(|force| force.stiffness);
    let rigid = stiffness(&ends.first).is_some_and(|k| Some(&k) == stiffness(&ends.last).as_ref() && Some(k) == stiffness(&ends.last_step));
    let (Some(temperature), true, false, false) = (facts.single_temperature, rigid, facts.has_drives, system.has_odd_variables()) else { return };
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

/// One coordinate in a bounded range: the second moment of the weights is an integral over the discrete chain itself.
fn chain_variances(system: &System, plan: &Plan, table: &[Vec<f64>], opening: &Opening, ends: &Ends, answers: &Answers, facts: &mut Facts) {
    let (Dynamics::Overdamped(dynamics), Ok(first)) = (&plan.dynamics, &opening.law) else { return };
    let Some(range) = plan.coordinates[0].boundary.ends().filter(|_| system.dimension() == 1 && !opening.is_unknown()) else { return };
    let dt = plan.schedule.dt;
    let law = |step: usize, x: f64| {
        let outputs = dynamics.force.evaluate(&[x], &plan.uniforms.constants, plan.uniforms.row(step as u64));
        if let Some(law) = &dynamics.law {
            return (outputs[usize::from(law.mean[0])], outputs[usize::from(law.width[0])]);
        }
        let protocol = table.iter().map(|values| values[step + 1]).collect::<Vec<f64>>();
        let (friction, temperature) = (system.friction_at(0, &[x], &protocol), system.temperature_at(0, &[x], &protocol));
        (outputs[0] * dt / friction, (2.0 * temperature * dt / friction).sqrt())
    };
    if dynamics.inertia.is_some() || dynamics.reversal.is_some() || !matches!(dynamics.integrator, Integrator::EulerMaruyama | Integrator::WeakTaylor) {
        return;
    }
    let mut know = |theorem: &str, last: &Law| {
        let chain = path::Chain {
            range,
            walls: plan.coordinates[0].boundary.period().is_none(),
            steps: plan.schedule.steps as usize,
            steady: plan.uniforms.columns == 0,
            law: &law,
            first: &|x| first.ln_pdf(&[x]).exp(),
            last: &|x| last.ln_pdf(&[x]).exp(),
        };
        if let Some(second) = chain.second_moment() {
            facts.exponential_variances.insert(theorem.to_owned(), second - 1.0);
        }
    };
    if let Some(last) = &answers.last {
        know("integral_total", last);
    }
    if opening.kind == theorems::Start::Equilibrium
        && system.single_temperature().is_some()
        && let Ok(Some(last)) = equilibrium(system, &ends.last)
    {
        know("jarzynski", &last.law);
    }
}
