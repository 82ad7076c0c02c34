//! Jump processes made ready to run.

mod circuit;
mod known;
mod space;

use std::collections::HashMap;
use std::sync::Arc;

use super::answers::{Answers, Values};
use super::pilot;
use super::{Reverse, Simulation, SimulationError};
use crate::coordinate::FieldGrid;
use crate::exact::cycles::{self, Cycle};
use crate::experiment::jump::JumpModel;
use crate::experiment::{Experiment, InitialLaw};
use crate::expression::Symbol;
use crate::plan::{Clocked, DWELL_UNITS, Dynamics, InitialState, JumpColumn, MediumEntropy, Plan, Start as PlanStart, compile_jump, medium_entropy};
use crate::random::Stream;
use crate::thermodynamics::observables::{JumpLedger, Medium, Names, OwnedStateFunction, Reaction};
use crate::thermodynamics::theorems::{Facts, Start, TheoremError};

pub use circuit::{Circuit, Flow};
use known::{average, flows, know, moments, stationary, surprise, system_entropy};
use space::{MOST_STATES, Space};

/// States tried first where counts have no bound, and how many are tried for the sake of a stationary law alone.
const FEWEST_STATES: usize = 60;
const MANY_STATES: usize = 480;
/// Where the scaled cumulant generating function of the medium entropy is listed; symmetric about 1/2.
const ALPHAS: [&str; 7] = ["-0.1", "0.1", "0.25", "0.5", "0.75", "0.9", "1.1"];
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

/// Compiles an experiment, finds its start and everything exact about it, and refuses theorems that do not apply.
pub(super) fn prepare(experiment: Experiment, model: &JumpModel) -> Result<Simulation, SimulationError> {
    let clocked = Clocked::new(&experiment, model, Stream::Forward)?;
    let space = enumerated(&experiment, model, &clocked);
    let opening = opening(&experiment, model, &space)?;
    let start = PlanStart { initial: opening.initial.clone(), relaxation_steps: opening.relaxation_steps };
    if start.relaxation_steps > 0 && clocked.moves_inside {
        let reason = "a steady state reached by relaxation needs rates that do not move with time; start from a point, or hold the rates for a while first";
        return Err(SimulationError::Start(reason.to_owned()));
    }
    let along = if clocked.moves { surprise(&space, clocked.clock) } else { None };
    let mut plan = compile_jump(&experiment, model, Stream::Forward, start, along)?;
    let mut warnings = experiment.warnings.clone();
    warnings.extend(advice(model, &space));
    let pilot = pilot::fly_jumps(&plan)?;
    plan.fields = fields(model, &pilot);
    let names = names(model);
    let circuit = circuit(&experiment, model, &space, &plan);
    let question = Question { experiment: &experiment, model, space: &space, opening: &opening, clocked: &clocked, circuit: &circuit, names: &names };
    let (mut answers, last) = question.answer();
    let facts = question.facts(last.is_some());
    let accounts = question.accounts(&plan, opening.law.as_deref(), last.as_deref(), Stream::Forward);
    warnings.append(&mut answers.warnings);
    let reverse_law = last.clone();
    let forward_law = opening.law.clone();
    let (events, description) = (pilot.events, opening.description.clone());
    let mut simulation = Simulation {
        reverse: None,
        accounts: Box::new(accounts),
        answers,
        facts,
        circuit: Some(circuit.clone()),
        expected_work: Some(events),
        warnings,
        start: description,
        experiment: experiment.clone(),
        plan,
    };
    simulation.check_scope()?;
    if simulation.needs_reverse("detailed_total") {
        simulation.reverse = Some(reversed(&question, reverse_law, forward_law)?);
    }
    for name in ["crooks", "jarzynski"] {
        if simulation.experiment.measure.theorems.iter().any(|asked| asked == name) {
            let reason =
                "work theorems of jump processes are not in this version; `integral_total` and `detailed_total` say the same of the entropy".to_owned();
            return Err(TheoremError::OutOfScope { theorem: name.to_owned(), reason }.into());
        }
    }
    Ok(simulation)
}

/// As many states as are needed, and allowed, for exact answers.
fn enumerated<'a>(experiment: &'a Experiment, model: &'a JumpModel, clocked: &Clocked) -> Space<'a> {
    let start = match &experiment.initial.law {
        InitialLaw::Point(point) if model.states.is_none() => point.clone(),
        _ => model.start.clone(),
    };
    let mut limit = FEWEST_STATES;
    loop {
        let space = Space::of(experiment, model, &start, limit);
        let enough = |space: &Space| match &experiment.initial.law {
            InitialLaw::Point(point) => space.number(point).is_some_and(|number| {
                let first: Vec<f64> = (0..space.chain.states).map(|state| f64::from(state == number)).collect();
                let evolves = flows(space, &first, clocked.moves, 0, &|_| None).is_some();
                // A few more states may have a stationary law, too.
                evolves && (limit >= MANY_STATES || stationary(space, 0.0).is_some())
            }),
            _ => stationary(space, 0.0).is_some(),
        };
        if space.is_whole() || limit >= MOST_STATES || enough(&space) {
            return space;
        }
        limit = (2 * limit).min(MOST_STATES);
    }
}

/// The reversed ensemble: it starts from the law at the end.
fn reversed(question: &Question, last: Option<Vec<f64>>, first: Option<Vec<f64>>) -> Result<Reverse, SimulationError> {
    let (Some(last), Some(first)) = (last, first) else {
        return Err(SimulationError::Start("the reversed run needs the exact law at the end, which is not known for this model".to_owned()));
    };
    let clocked = Clocked::new(question.experiment, question.model, Stream::Reverse)?;
    let space = Space::of(question.experiment, question.model, &question.model.start, question.space.points.len()).reversed();
    let along = if clocked.moves { surprise(&space, clocked.clock) } else { None };
    let start = PlanStart { initial: drawn(question.space, &last), relaxation_steps: 0 };
    let plan = compile_jump(question.experiment, question.model, Stream::Reverse, start, along)?;
    let accounts = question.accounts(&plan, Some(&last), Some(&first), Stream::Reverse);
    Ok(Reverse { plan, accounts: Box::new(accounts) })
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
            (_, Some(time)) => Ok(Opening {
                initial: InitialState::Point(if model.states.is_some() { vec![0.0] } else { model.start.clone() }),
                law: None,
                relaxation_steps: (time / experiment.ensemble.dt).ceil() as u64,
                kind: Start::SteadyState,
                description: format!("relaxed for a time of {time}"),
            }),
            (None, None) => Err(SimulationError::Start(no_steady_state(space))),
        },
        _ => Err(SimulationError::Start("a jump process starts at a point, from probabilities, or in a steady state".to_owned())),
    }
}

fn no_steady_state(space: &Space) -> String {
    let why = if space.is_whole() { "not every state leads to every other one" } else { "too many states are occupied to solve for it" };
    format!("the exact steady state is not known: {why}; give `initial.burn_in`, a time to relax in, or start from a point")
}

/// Whether no transition carries a net flux in a stationary law.
fn is_balanced(space: &Space, law: &[f64]) -> bool {
    let rates = space.rates_at(0.0);
    let flux = |k: usize| rates[k] * law[space.chain.from[k] as usize];
    (0..rates.len()).all(|k| space.reverse[k].is_some_and(|back| (flux(k) - flux(back)).abs() <= 1e-9 * (flux(k) + flux(back)).max(1e-300)))
}

/// What the user should know of the model before it runs.
fn advice(model: &JumpModel, space: &Space) -> Vec<String> {
    let mut advice = Vec::new();
    let one_way: Vec<&str> = model.channels.iter().filter(|channel| channel.reverse.is_none()).map(|channel| channel.name.as_str()).collect();
    if !one_way.is_empty() {
        let shown = one_way.iter().take(4).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let more = if one_way.len() > 4 { format!(" and {} more", one_way.len() - 4) } else { String::new() };
        advice.push(format!("{shown}{more} go one way: the entropy production is infinite and is left out; give the reverse rate, however small, to have it"));
    }
    if !space.is_whole() {
        advice.push(format!("the counts have no bound: exact values come from the nearest {} states, where the rest has no weight", space.points.len()));
    }
    advice
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

/// Fundamental cycles of a network whose edges all go both ways.
fn fundamental_cycles(model: &JumpModel) -> Vec<Cycle> {
    let Some(states) = &model.states else { return Vec::new() };
    let edges: Option<Vec<(u32, u32)>> = reactions(model).iter().map(|reaction| reaction.backward.and(model.channels[reaction.forward].edge)).collect();
    edges.map_or_else(Vec::new, |edges| cycles::fundamental(states.len(), &edges))
}

fn circuit(experiment: &Experiment, model: &JumpModel, space: &Space, plan: &Plan) -> Circuit {
    let reactions = reactions(model);
    let rate = |channel: usize| space.evaluate(model.channels[channel].propensity, &[0.0], 0.0);
    let ratio = |edge: usize| reactions[edge].backward.map_or(f64::INFINITY, |back| (rate(reactions[edge].forward) / rate(back)).ln());
    let name = |reaction: &Reaction| model.channels[reaction.forward].name.clone();
    let cycles = fundamental_cycles(model).iter().map(|cycle| (name(&reactions[cycle.edges[0].0]), cycle.sum(ratio))).collect();
    let dwell_unit = match &plan.dynamics {
        Dynamics::Network(network) => network.clock.length / DWELL_UNITS,
        _ => 0.0,
    };
    Circuit {
        cycles,
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

/// What the answers are about.
struct Question<'a> {
    experiment: &'a Experiment,
    model: &'a JumpModel,
    space: &'a Space<'a>,
    opening: &'a Opening,
    clocked: &'a Clocked,
    circuit: &'a Circuit,
    names: &'a Names,
}

impl Question<'_> {
    fn duration(&self) -> f64 {
        self.experiment.protocol.duration
    }

    /// Temperatures of the baths.
    fn temperatures(&self) -> Vec<f64> {
        self.model.baths.iter().map(|(_, node)| self.space.evaluate(*node, &[], 0.0)).collect()
    }

    /// Everything that can be computed, then the closed forms of the file; and the law at the end.
    fn answer(&self) -> (Answers, Option<Vec<f64>>) {
        let mut answers = Answers::default();
        let mut last = None;
        let undisturbed = self.model.interventions.is_empty();
        if let Some(first) = self.opening.law.as_ref().filter(|_| undisturbed) {
            let bath_of = |channel: usize| self.model.channels[channel].bath;
            if let Some(flows) = flows(self.space, first, self.clocked.moves, self.model.baths.len(), &bath_of) {
                self.flows_into(&flows, &mut answers.values);
                self.entropies_into(first, &flows, &mut answers.values);
                last = Some(flows.last);
            }
        }
        self.generating_function(&mut answers.values);
        self.closed_forms(&mut answers);
        (answers, last)
    }

    /// `θ(α) = lim ln⟨exp(−α Δs_med)⟩/t` of a small space at the initial rates, where every channel has a reverse.
    fn generating_function(&self, values: &mut Values) {
        if self.clocked.moves || !self.space.is_whole() || self.space.chain.states > MANY_STATES || self.space.reverse.iter().any(Option::is_none) {
            return;
        }
        let rates = self.space.rates_at(0.0);
        for alpha in ALPHAS {
            let exponent: f64 = alpha.parse().unwrap_or(f64::NAN);
            let factor = |k: usize| self.space.reverse[k].map_or(0.0, |back| (-exponent * (rates[k] / rates[back]).ln()).exp());
            let factors: Vec<f64> = (0..rates.len()).map(factor).collect();
            if let Some((theta, _)) = self.space.chain.growth(&rates, &factors).filter(|_| factors.iter().all(|factor| factor.is_finite())) {
                know(values, format!("scgf.{alpha}"), theta);
            }
        }
    }

    fn flows_into(&self, flows: &known::Flows, values: &mut Values) {
        let per_time = 1.0 / self.duration();
        let of_channel =
            |channel: usize| -> f64 { flows.events.iter().zip(&self.space.channel).filter(|(_, c)| **c == channel).map(|(events, _)| events * per_time).sum() };
        let rates: Vec<f64> = (0..self.model.channels.len()).map(of_channel).collect();
        for (name, reaction) in &self.circuit.reactions {
            let back = reaction.backward.map_or(0.0, |channel| rates[channel]);
            know(values, format!("flux.{name}"), rates[reaction.forward] - back);
            know(values, format!("traffic.{name}"), rates[reaction.forward] + back);
        }
        for (cycle, _) in &self.circuit.cycles {
            if let Some((flux, _)) = values.get(&format!("flux.{cycle}")).cloned() {
                know(values, format!("current.{cycle}"), flux);
            }
        }
        know(values, "activity", rates.iter().sum::<f64>() * self.duration());
        for (state, name) in self.names.states.iter().enumerate() {
            know(values, format!("occupancy.{name}"), flows.spent[state] * per_time);
        }
        if self.model.states.is_none() {
            let averages: Vec<f64> = flows.spent.iter().map(|time| time * per_time).collect();
            for ((name, (mean, variance)), (average, _)) in self.names.species.iter().zip(moments(self.space, &flows.last)).zip(moments(self.space, &averages))
            {
                know(values, format!("mean.{name}"), mean);
                know(values, format!("variance.{name}"), variance);
                know(values, format!("time_average.{name}"), average);
            }
        }
    }

    fn entropies_into(&self, first: &[f64], flows: &known::Flows, values: &mut Values) {
        let system = system_entropy(first, &flows.last);
        let total = flows.medium + system;
        know(values, "entropy_medium", flows.medium);
        know(values, "entropy_system", system);
        know(values, "entropy_total", total);
        know(values, "entropy_production_rate", total / self.duration());
        for (bath, (name, temperature)) in self.model.baths.iter().zip(self.temperatures()).enumerate().map(|(i, ((name, _), t))| (i, (name, t))) {
            let heat = temperature * flows.of_bath[bath];
            if self.model.baths.len() == 1 {
                know(values, "heat", heat);
            } else {
                know(values, format!("heat.{name}"), heat);
                know(values, format!("heat_rate.{name}"), heat / self.duration());
            }
        }
        if let Some(excess) = flows.excess {
            know(values, "entropy_excess", excess);
            know(values, "entropy_housekeeping", flows.medium - excess);
            know(values, "entropy_nonadiabatic", system + excess);
            if let (Some(before), Some(after)) = (stationary(self.space, 0.0), stationary(self.space, self.duration())) {
                let change = average(&flows.last, |i| -after[i].ln()) - average(first, |i| -before[i].ln());
                know(values, "hatano_sasa", change + excess);
            }
        }
    }

    /// The closed forms of the file have the last word.
    fn closed_forms(&self, answers: &mut Answers) {
        for formula in &self.experiment.exact {
            let value = self.experiment.graph.evaluate(formula.node, &|symbol| match symbol {
                Symbol::Parameter(i) => self.experiment.parameters[usize::from(i)].value,
                Symbol::Time => self.duration(),
                _ => f64::NAN,
            });
            if let Some((computed, source)) =
                answers.values.get(&formula.name).filter(|(computed, _)| !((computed - value).abs() <= 1e-6 * computed.abs().max(1e-6)))
            {
                answers.warnings.push(format!(
                    "[exact] `{}` is {value:.9} by the formula of the file, but {computed:.9} by {source}: does the formula hold for this start and protocol?",
                    formula.name
                ));
            }
            answers.values.insert(formula.name.clone(), (value, format!("{} (file)", formula.text)));
        }
    }

    fn facts(&self, end_is_known: bool) -> Facts {
        let temperatures = self.temperatures();
        let balanced = stationary(self.space, 0.0).is_some_and(|law| is_balanced(self.space, &law));
        let disturbed = !self.model.interventions.is_empty();
        let partial = self.opening.kind == Start::Other && self.opening.law.as_ref().is_some_and(|law| law.contains(&0.0));
        let system_entropy = match (&self.opening.law, end_is_known) {
            _ if disturbed => Err("events set counts from outside, so entropies are not defined along the run".to_owned()),
            (Some(_), true) => Ok("the exact p(n, τ) of the master equation".to_owned()),
            _ => Err("p(n, τ) at the end of the run is not known for this model; leave the theorem out of `measure.theorems`".to_owned()),
        };
        Facts {
            jumps: true,
            empty_states_at_start: partial,
            single_temperature: Some(temperatures.first().copied().unwrap_or(1.0)).filter(|first| temperatures.iter().all(|t| t == first)),
            delta_free_energy: None,
            start: if balanced && self.opening.kind == Start::SteadyState { Start::Equilibrium } else { self.opening.kind },
            protocol_moves: self.clocked.moves || disturbed,
            has_drives: !balanced,
            path_ledger: Ok(()),
            system_entropy,
            duration: self.duration(),
            quadratic_potential: true,
            unit_roundoff: f64::EPSILON / 2.0,
            exponential_variances: Default::default(),
        }
    }

    /// The books of one direction.
    fn accounts(&self, plan: &Plan, first: Option<&[f64]>, last: Option<&[f64]>, stream: Stream) -> JumpLedger {
        let model = self.model;
        let numbers = Arc::new(self.space.numbers());
        let table = |law: &[f64]| -> OwnedStateFunction { lookup(&numbers, law.iter().map(|p| p.ln()).collect()) };
        let surprise_of = |law: &[f64]| -> OwnedStateFunction { lookup(&numbers, law.iter().map(|p| -p.ln()).collect()) };
        let (begin, end) = if stream == Stream::Forward { (0.0, self.duration()) } else { (self.duration(), 0.0) };
        let undisturbed = model.interventions.is_empty();
        let surprise = match (stationary(self.space, begin), stationary(self.space, end)) {
            (Some(before), Some(after)) if undisturbed && (!self.clocked.moves || has_excess(plan)) => Some([surprise_of(&before), surprise_of(&after)]),
            _ => None,
        };
        let energies = |time: f64| -> Option<OwnedStateFunction> {
            let nodes = model.energy.as_ref()?;
            let of = |number: usize| {
                let point = &self.space.points[number];
                let node = if model.states.is_some() { nodes[number] } else { nodes[0] };
                self.space.evaluate(node, point, time)
            };
            Some(lookup(&numbers, (0..self.space.points.len()).map(of).collect()))
        };
        let cycles = fundamental_cycles(model);
        JumpLedger {
            columns: plan.columns.clone(),
            names: Names { cycles: self.circuit.cycles.iter().map(|(name, _)| name.clone()).collect(), ..self.names.clone() },
            reactions: self.circuit.reactions.iter().map(|(_, reaction)| reaction.clone()).collect(),
            changes: (0..model.channels.len()).map(|channel| change(model, channel)).collect(),
            chords: cycles.iter().map(|cycle| (cycle.edges[0].0, 1.0)).collect(),
            is_network: model.states.is_some(),
            duration: self.duration(),
            medium: if undisturbed { self.medium(plan) } else { Medium::Infinite },
            temperatures: self.temperatures(),
            energy: energies(begin).zip(energies(end)).map(|(before, after)| [before, after]).filter(|_| undisturbed),
            drive: model.channels.iter().map(|channel| channel.drive.map_or(0.0, |node| self.space.evaluate(node, &[0.0], begin))).collect(),
            log_probability: first.zip(last).filter(|_| undisturbed).map(|(first, last)| [table(first), table(last)]),
            surprise,
            moves: self.clocked.moves,
            undisturbed,
            steady: !self.clocked.moves && undisturbed && self.opening.kind != Start::Other,
        }
    }

    fn medium(&self, plan: &Plan) -> Medium {
        let sum = |index: usize| {
            let index = index as u16;
            if matches!(plan.dynamics, Dynamics::Network(_)) { JumpColumn::TableSum(index) } else { JumpColumn::LogRatio(index) }
        };
        match medium_entropy(self.model, self.clocked.moves) {
            MediumEntropy::Infinite => Medium::Infinite,
            MediumEntropy::Summed => Medium::Summed { all: sum(0), of_bath: (0..self.model.baths.len()).map(|bath| sum(bath + 1)).collect() },
            MediumEntropy::Counted => {
                let constant = |channel: usize| self.model.channels[channel].constant.map_or(f64::NAN, |node| self.space.evaluate(node, &[], 0.0));
                let ratio = |channel: usize| self.model.channels[channel].reverse.map_or(f64::NAN, |back| (constant(channel) / constant(back)).ln());
                Medium::Counted((0..self.model.channels.len()).map(ratio).collect())
            }
        }
    }
}

fn has_excess(plan: &Plan) -> bool {
    matches!(&plan.dynamics, Dynamics::Reactions(reactions) if reactions.surprise.is_some())
}

/// What an event adds to the counts; for a network, which states the walker leaves and enters.
fn change(model: &JumpModel, channel: usize) -> Vec<(u16, i32)> {
    let of = &model.channels[channel];
    if let Some((from, to)) = of.edge {
        return if model.states.as_ref().is_some_and(|states| states.len() <= usize::from(u16::MAX)) {
            vec![(from as u16, -1), (to as u16, 1)]
        } else {
            Vec::new()
        };
    }
    let count = |of: &[(u16, u32)], i: u16| of.iter().filter(|(species, _)| *species == i).map(|(_, n)| *n as i32).sum::<i32>();
    (0..model.coordinates.len() as u16).map(|i| (i, count(&of.products, i) - count(&of.reactants, i))).filter(|(_, change)| *change != 0).collect()
}

/// A function of the state given by a table; NaN outside.
fn lookup(numbers: &Arc<HashMap<Vec<u32>, u32>>, values: Vec<f64>) -> OwnedStateFunction {
    let numbers = Arc::clone(numbers);
    // One key for all look-ups would need a lock; states have few coordinates, so a small vector each is cheap enough.
    Box::new(move |point: &[f64]| {
        let key: Vec<u32> = point.iter().map(|n| *n as u32).collect();
        numbers.get(&key).map_or(f64::NAN, |number| values[*number as usize])
    })
}
