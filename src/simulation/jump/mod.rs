//! Jump processes made ready to run.

mod advice;
mod along;
mod circuit;
mod courses;
mod fluctuations;
mod generating;
mod known;
mod loops;
mod question;
mod space;
mod work;

use super::pilot;
use super::{Beside, Simulation, SimulationError};
use crate::coordinate::FieldGrid;
use crate::experiment::jump::JumpModel;
use crate::experiment::{Experiment, InitialLaw};
use crate::plan::{Clocked, DWELL_UNITS, Dynamics, InitialState, Plan, Start as PlanStart, block_size, compile_jump};
use crate::random::{Stream, sibling};
use crate::thermodynamics::observables::{Names, Reaction};
use crate::thermodynamics::theorems::{Start, TheoremError};

use along::Along;
pub use circuit::{Circuit, ConservationLaw, Flow, Loop};
use known::{LEAK, Reckoning, flows, inside, stationary};
use question::Question;
use space::{MOST_STATES, Space};
use work::Balance;

/// States tried first where counts have no bound, and how many are tried for the sake of a stationary law alone where reactions go one way.
const FEWEST_STATES: usize = 60;
const MANY_STATES: usize = 480;
/// So many are tried whatever the work, and for a stationary law alone where all reactions go both ways.
const FREE_STATES: usize = 1920;
/// Transitions times events that are worth trying twice the states from a point; multiplications, from a steady state.
const MOST_EVOLVING: f64 = 1e7;
const MOST_ELIMINATING: f64 = 3e8;
/// Theorems that leaps keep: the sums of what is counted, and a bound far from what a tolerance changes.
const LEAPING_THEOREMS: [&str; 2] = ["conservation", "tur"];
/// The ensemble of shorter leaps is so many times smaller, but no smaller than this.
const FINER_PART: u64 = 4;
const FEWEST_FINER: u64 = 1024;
/// Most bins of a histogram of counts.
const MOST_BINS: u32 = 256;

/// How an ensemble starts.
struct Opening {
    initial: InitialState,
    /// The law over the numbered states, where all that have weight are among them.
    law: Option<Vec<f64>>,
    relaxation_steps: u64,
    kind: Start,
    description: String,
}

impl Opening {
    /// Whether all that is known of the law when measuring starts is how long it was relaxed.
    fn is_unknown(&self) -> bool {
        self.relaxation_steps > 0 && self.law.is_none()
    }
}

/// Compiles an experiment, finds its start and everything exact about it, and refuses theorems that do not apply.
pub(super) fn prepare(experiment: Experiment, model: &JumpModel) -> Result<Simulation, SimulationError> {
    let clocked = Clocked::new(&experiment, model, Stream::Forward)?;
    let space = enumerated(&experiment, model, &clocked);
    let opening = opening(&experiment, model, &space)?;
    let balance = Balance::of(&experiment, &space, opening.law.as_deref());
    work::refuse(&experiment, model, &space, &balance)?;
    let start = PlanStart { initial: opening.initial.clone(), relaxation_steps: opening.relaxation_steps };
    if start.relaxation_steps > 0 && clocked.moves_inside {
        let reason = "a steady state reached by relaxation needs rates that do not move with time; start from a point, hold the rates for a while first, or leave out initial.burn_in where the steady state is known";
        return Err(SimulationError::Start(reason.to_owned()));
    }
    let along = Along::of(&space, clocked.moves);
    let table = along.as_ref().filter(|_| clocked.moves).and_then(|along| along.table(&space, clocked.clock, opening.law.as_deref()));
    let mut plan = compile_jump(&experiment, model, Stream::Forward, start, table)?;
    let mut warnings = experiment.warnings.clone();
    warnings.extend(advice::advice(model, &space));
    warnings.extend(work::advice(model, &balance));
    let pilot = pilot::fly_jumps(&plan)?;
    plan.fields = fields(model, &pilot);
    let names = names(model);
    let circuit = circuit(&experiment, model, &space, &plan);
    let question = Question {
        experiment: &experiment,
        model,
        space: &space,
        opening: &opening,
        clocked: &clocked,
        circuit: &circuit,
        names: &names,
        balance: &balance,
        along: along.as_ref(),
    };
    let (mut answers, last) = question.answer();
    let times: Vec<f64> = (0..plan.schedule.saves() as u64).map(|save| plan.schedule.time(save * plan.schedule.save_every)).collect();
    answers.courses = courses::courses(&question, &times);
    let facts = question.facts(&answers, last.is_some());
    if opening.is_unknown() && facts.protocol_moves {
        warnings.extend(pilot::relaxation_report(&plan)?);
    }
    let accounts = question.accounts(&plan, opening.law.as_deref(), last.as_deref(), Stream::Forward);
    let finer = finer(&question, &plan, opening.law.as_deref(), last.as_deref());
    warnings.append(&mut answers.warnings);
    let reverse_law = last.clone();
    let forward_law = opening.law.clone();
    let (events, description) = (pilot.events, opening.description.clone());
    let mut simulation = Simulation {
        reverse: None,
        halved: None,
        relaxed_for: if opening.is_unknown() { opening.relaxation_steps as f64 * experiment.ensemble.dt } else { 0.0 },
        finer,
        accounts: Box::new(accounts),
        answers,
        facts,
        circuit: Some(circuit.clone()),
        expected_work: Some(events),
        family: 0,
        warnings,
        start: description,
        experiment: experiment.clone(),
        plan,
    };
    if model.leaping.is_some() {
        let exact_only = |name: &&String| !LEAPING_THEOREMS.contains(&name.as_str());
        if let Some(theorem) = simulation.experiment.measure.theorems.iter().find(exact_only) {
            let reason =
                "tau-leaping draws how often channels fire, not a path, and its laws hold only as the tolerance goes to 0; leave `ensemble.method` out"
                    .to_owned();
            return Err(TheoremError::OutOfScope { theorem: theorem.clone(), reason }.into());
        }
    }
    simulation.check_scope()?;
    simulation.reverse = match work::reversed(&simulation, &question)? {
        None if simulation.needs_reverse("detailed_total") => Some(reversed(&question, reverse_law, forward_law)?),
        of_work => of_work,
    };
    Ok(simulation)
}

/// A smaller ensemble by leaps half as long, with random numbers of its own.
fn finer(question: &Question, plan: &Plan, first: Option<&[f64]>, last: Option<&[f64]>) -> Option<Beside> {
    let mut plan = plan.clone();
    let Dynamics::Reactions(reactions) = &mut plan.dynamics else { return None };
    reactions.leaping.as_mut()?.part = 0.5;
    plan.seed = sibling(plan.seed);
    plan.ensemble = (plan.ensemble / FINER_PART).max(FEWEST_FINER).min(plan.ensemble);
    plan.trajectories = 0..plan.ensemble;
    plan.block = block_size(plan.ensemble);
    (plan.series, plan.fields) = (Vec::new(), Vec::new());
    let accounts = question.accounts(&plan, first, last, Stream::Forward);
    Some(Beside { plan, accounts: Box::new(accounts) })
}

/// As many states as are needed, and allowed, for exact answers.
fn enumerated<'a>(experiment: &'a Experiment, model: &'a JumpModel, clocked: &Clocked) -> Space<'a> {
    let start = match &experiment.initial.law {
        InitialLaw::Point(point) if model.states.is_none() => point.clone(),
        _ => model.start.clone(),
    };
    let nearest = |limit: usize| Space::of(experiment, model, &start, limit);
    let enough = |space: &Space| match &experiment.initial.law {
        InitialLaw::Point(point) => evolves(space, point, clocked),
        _ => stays(experiment, space, clocked),
    };
    let mut limit = FEWEST_STATES;
    let mut space = nearest(limit);
    while !space.is_whole() && limit < MOST_STATES && !enough(&space) && (limit < FREE_STATES || is_worth(experiment, &space)) {
        limit *= 2;
        space = nearest(limit);
    }
    if space.is_whole() || !matches!(experiment.initial.law, InitialLaw::Point(_)) || stationary(&space, 0.0).is_some() {
        return space;
    }
    // More states may have a stationary law, too: entropies of reactions that go both ways are split by it.
    let most = if model.channels.iter().all(|channel| channel.reverse.is_some()) { FREE_STATES } else { MANY_STATES };
    while limit < most {
        limit *= 2;
        let more = nearest(limit);
        if stationary(&more, 0.0).is_some() {
            return more;
        }
    }
    space
}

/// Whether the law that starts at a point evolves among the numbered states.
fn evolves(space: &Space, point: &[f64], clocked: &Clocked) -> bool {
    space.number(point).is_some_and(|number| {
        let first: Vec<f64> = (0..space.chain.states).map(|state| f64::from(state == number)).collect();
        flows(space, &first, &Reckoning { moves: clocked.moves, baths: 0, bath_of: &|_| None, along: None }).is_some()
    })
}

/// Whether a steady state has its weight in the numbered states over the whole run, wherever rates are taken.
fn stays(experiment: &Experiment, space: &Space, clocked: &Clocked) -> bool {
    let duration = experiment.protocol.duration;
    let stays = |time: f64| stationary(space, time).is_some_and(|law| space.leak(&law, time) * duration <= LEAK);
    let middle = |piece: (f64, f64)| [inside(piece, piece.0), 0.5 * (piece.0 + piece.1), inside(piece, piece.1)];
    stays(0.0) && (!clocked.moves || space.pieces().into_iter().flat_map(middle).all(stays))
}

/// Whether twice the states would be solved in a time that a run can spare.
fn is_worth(experiment: &Experiment, space: &Space) -> bool {
    let events = space.fastest(0.0) * experiment.protocol.duration;
    let evolves = matches!(experiment.initial.law, InitialLaw::Point(_));
    if evolves { events * space.channel.len() as f64 <= MOST_EVOLVING } else { space.chain.stationary_work() <= MOST_ELIMINATING }
}

/// The reversed ensemble of the detailed theorem: it starts from the law at the end.
fn reversed(question: &Question, last: Option<Vec<f64>>, first: Option<Vec<f64>>) -> Result<Beside, SimulationError> {
    let (Some(last), Some(first)) = (last, first) else {
        return Err(SimulationError::Start("the reversed run needs the exact law at the end, which is not known for this model".to_owned()));
    };
    reversed_from(question, &last, Some(&first))
}

/// An ensemble that starts from a law and goes through the protocol backwards; `end` is its law after that, where entropies need it.
fn reversed_from(question: &Question, law: &[f64], end: Option<&[f64]>) -> Result<Beside, SimulationError> {
    let clocked = Clocked::new(question.experiment, question.model, Stream::Reverse)?;
    let along = question.along.filter(|_| clocked.moves).map(|along| along.mirrored(question.duration()));
    let along = along.and_then(|along| along.table(question.space, clocked.clock, Some(law)));
    let start = PlanStart { initial: drawn(question.space, law), relaxation_steps: 0 };
    let plan = compile_jump(question.experiment, question.model, Stream::Reverse, start, along)?;
    let accounts = question.accounts(&plan, Some(law), end, Stream::Reverse);
    Ok(Beside { plan, accounts: Box::new(accounts) })
}

/// One of the numbered states, by its probability.
fn drawn(space: &Space, law: &[f64]) -> InitialState {
    let (mut points, mut cumulative, mut sum) = (Vec::new(), Vec::new(), 0.0);
    for (point, p) in space.points.iter().zip(law).filter(|(_, p)| **p > 0.0) {
        sum += p;
        points.extend(point);
        cumulative.push(sum);
    }
    cumulative.iter_mut().for_each(|c| *c /= sum);
    InitialState::Discrete { points, cumulative }
}

fn opening(experiment: &Experiment, model: &JumpModel, space: &Space) -> Result<Opening, SimulationError> {
    let known = |law: Vec<f64>, kind, description: &str| Opening {
        initial: drawn(space, &law),
        law: Some(law),
        relaxation_steps: 0,
        kind,
        description: description.to_owned(),
    };
    let relaxation_steps = |time: f64| (time / experiment.ensemble.dt).ceil() as u64;
    match &experiment.initial.law {
        InitialLaw::Point(point) => {
            let law = space.number(point).map(|number| (0..space.chain.states).map(|state| f64::from(state == number)).collect());
            Ok(Opening { initial: InitialState::Point(point.clone()), law, relaxation_steps: 0, kind: Start::Other, description: "one state".to_owned() })
        }
        InitialLaw::Probabilities(law) => Ok(known(law.clone(), Start::Other, "the probabilities given in the file")),
        InitialLaw::Equilibrium => {
            let law = stationary(space, 0.0).ok_or_else(|| SimulationError::Start(no_steady_state(space)))?;
            if !is_balanced(space, &law) {
                let reason = "at the initial rates there are currents in the steady state, so it is no equilibrium; use `steady-state`";
                return Err(SimulationError::Start(reason.to_owned()));
            }
            Ok(known(law, Start::Equilibrium, "equilibrium, exact"))
        }
        InitialLaw::SteadyState => match (stationary(space, 0.0), experiment.initial.burn_in) {
            (Some(law), None) => Ok(known(law, Start::SteadyState, "steady state, exact")),
            // A law that stands still is the same after a burn-in.
            (Some(law), Some(time)) => Ok(Opening {
                relaxation_steps: relaxation_steps(time),
                ..known(law, Start::SteadyState, &format!("steady state, exact, then relaxed for t = {time}"))
            }),
            (None, Some(time)) => Ok(Opening {
                initial: InitialState::Point(if model.states.is_some() { vec![0.0] } else { model.start.clone() }),
                law: None,
                relaxation_steps: relaxation_steps(time),
                kind: Start::SteadyState,
                description: format!("relaxed for t = {time}"),
            }),
            (None, None) => Err(SimulationError::Start(no_steady_state(space))),
        },
        _ => Err(SimulationError::Start("a jump process starts at a point, from probabilities, or in a steady state".to_owned())),
    }
}

/// Why a stationary law is not known.
fn unsolved(space: &Space) -> &'static str {
    if space.is_whole() { "not every state leads to every other one" } else { "too many states are occupied to solve for it" }
}

fn no_steady_state(space: &Space) -> String {
    let why = unsolved(space);
    format!("the exact steady state is not known: {why}; give `initial.burn_in`, a time to relax in, or start from a point")
}

/// Whether no transition carries a net flux in a stationary law.
fn is_balanced(space: &Space, law: &[f64]) -> bool {
    let rates = space.rates_at(0.0);
    let flux = |k: usize| rates[k] * law[space.chain.from[k] as usize];
    (0..rates.len()).all(|k| space.reverse[k].is_some_and(|back| (flux(k) - flux(back)).abs() <= 1e-9 * (flux(k) + flux(back)).max(1e-300)))
}

fn names(model: &JumpModel) -> Names {
    let reactions = reactions(model);
    Names {
        baths: if model.baths.len() > 1 { model.baths.iter().map(|(name, _)| name.clone()).collect() } else { Vec::new() },
        reactions: reactions.iter().map(|reaction| model.channels[reaction.forward].name.clone()).collect(),
        states: model.states.clone().unwrap_or_default(),
        species: if model.states.is_some() { Vec::new() } else { model.coordinates.iter().map(|coordinate| coordinate.name.clone()).collect() },
        ..Names::default()
    }
}

/// Both directions of every reaction: the one written first is forward.
fn reactions(model: &JumpModel) -> Vec<Reaction> {
    let forward = |(index, channel): &(usize, &crate::experiment::jump::JumpChannel)| channel.reverse.is_none_or(|reverse| reverse > *index);
    model.channels.iter().enumerate().filter(forward).map(|(forward, channel)| Reaction { forward, backward: channel.reverse }).collect()
}

fn circuit(experiment: &Experiment, model: &JumpModel, space: &Space, plan: &Plan) -> Circuit {
    let reactions = reactions(model);
    let name = |reaction: &Reaction| model.channels[reaction.forward].name.clone();
    let dwell_unit = match &plan.dynamics {
        Dynamics::Network(network) => network.clock.length / DWELL_UNITS,
        _ => 0.0,
    };
    Circuit {
        cycles: loops::loops(model, space),
        laws: loops::laws(model),
        states: model.states.clone().unwrap_or_default(),
        channels: model.channels.len(),
        duration: experiment.protocol.duration,
        dwell_unit,
        reactions: reactions.iter().map(|reaction| (name(reaction), reaction.clone())).collect(),
    }
}

/// Histograms of counts: whole numbers in every bin, over what the pilot saw; for a network one bin a state.
fn fields(model: &JumpModel, pilot: &pilot::JumpPilot) -> Vec<FieldGrid> {
    let grid = |coordinate: usize, lowest: f64, highest: f64| {
        let width = ((highest - lowest + 1.0) / f64::from(MOST_BINS)).ceil().max(1.0);
        let bins = ((highest - lowest + 1.0) / width).ceil().max(1.0);
        FieldGrid { coordinate: coordinate as u16, lower: lowest - 0.5, upper: lowest - 0.5 + bins * width, bins: bins as u32 }
    };
    match &model.states {
        Some(states) if states.len() <= 4096 => vec![grid_of_states(states.len())],
        Some(_) => Vec::new(),
        None => pilot.ranges.iter().enumerate().map(|(i, (lowest, highest))| grid(i, *lowest, *highest)).collect(),
    }
}

fn grid_of_states(states: usize) -> FieldGrid {
    FieldGrid { coordinate: 0, lower: -0.5, upper: states as f64 - 0.5, bins: states as u32 }
}
