//! What is known exactly of a jump process, what its theorems may assume, and its books.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::answers::{Answers, Values};
use super::along::Along;
use super::known::{self, LEAK, Reckoning, average, covariance, flows, know, moments, stationary, system_entropy};
use super::space::Space;
use super::work::Balance;
use super::{Circuit, Opening, generating, is_balanced, unsolved};
use crate::experiment::Experiment;
use crate::experiment::jump::JumpModel;
use crate::plan::{Clocked, Dynamics, JumpColumn, MediumEntropy, Plan, medium_entropy};
use crate::random::Stream;
use crate::thermodynamics::estimates::paired;
use crate::thermodynamics::observables::{JumpLedger, Medium, Names, OwnedStateFunction};
use crate::thermodynamics::theorems::{Facts, Start};

/// What the answers are about.
pub(super) struct Question<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) model: &'a JumpModel,
    pub(super) space: &'a Space<'a>,
    pub(super) opening: &'a Opening,
    pub(super) clocked: &'a Clocked,
    pub(super) circuit: &'a Circuit,
    pub(super) names: &'a Names,
    pub(super) balance: &'a Balance,
    /// `−ln p_ss` along the run, where it is known.
    pub(super) along: Option<&'a Along>,
}

impl Question<'_> {
    pub(super) fn duration(&self) -> f64 {
        self.experiment.protocol.duration
    }

    /// Temperatures of the baths.
    pub(super) fn temperatures(&self) -> Vec<f64> {
        self.model.baths.iter().map(|(_, node)| self.space.evaluate(*node, &[], 0.0)).collect()
    }

    /// Everything that can be computed, then the closed forms of the file; and the law at the end.
    pub(super) fn answer(&self) -> (Answers, Option<Vec<f64>>) {
        let mut answers = Answers::default();
        let mut last = None;
        let undisturbed = self.model.interventions.is_empty();
        if let Some(first) = self.opening.law.as_ref().filter(|_| undisturbed) {
            let with = Reckoning {
                moves: self.clocked.moves,
                baths: self.model.baths.len(),
                bath_of: &|channel| self.model.channels[channel].bath,
                along: self.along,
            };
            if let Some(flows) = flows(self.space, first, &with) {
                self.flows_into(&flows, &mut answers.values);
                self.entropies_into(first, &flows, &mut answers.values);
                self.energies_into(first, &flows, &mut answers.values);
                self.fluctuations(first, &flows, &mut answers);
                last = Some(flows.last);
            }
        }
        if !self.clocked.moves && undisturbed {
            generating::function(self.space, &mut answers.values);
        }
        answers.closed_forms(self.experiment, 1e-6);
        (answers, last)
    }

    fn flows_into(&self, flows: &known::Flows, values: &mut Values) {
        let (per_time, source) = (1.0 / self.duration(), &flows.source());
        let of_channel =
            |channel: usize| -> f64 { flows.events.iter().zip(&self.space.channel).filter(|(_, c)| **c == channel).map(|(events, _)| events * per_time).sum() };
        let rates: Vec<f64> = (0..self.model.channels.len()).map(of_channel).collect();
        for (name, reaction) in &self.circuit.reactions {
            let back = reaction.backward.map_or(0.0, |channel| rates[channel]);
            know(values, format!("flux.{name}"), rates[reaction.forward] - back, source);
            know(values, format!("traffic.{name}"), rates[reaction.forward] + back, source);
        }
        for cycle in &self.circuit.cycles {
            let flux = |&(reaction, weight): &(usize, f64)| Some(weight * values.get(&format!("flux.{}", self.circuit.reactions[reaction].0))?.0);
            if let Some(current) = cycle.current.iter().map(flux).sum::<Option<f64>>() {
                know(values, format!("current.{}", cycle.name), current, source);
            }
        }
        for cycle in &self.circuit.cycles {
            know(values, format!("affinity.{}", cycle.name), cycle.affinity, "rates around the cycle");
        }
        know(values, "activity", rates.iter().sum::<f64>() * self.duration(), source);
        for (state, name) in self.names.states.iter().enumerate() {
            know(values, format!("occupancy.{name}"), flows.spent[state] * per_time, source);
        }
        if self.model.states.is_none() {
            let averages: Vec<f64> = flows.spent.iter().map(|time| time * per_time).collect();
            for ((name, (mean, variance)), (average, _)) in self.names.species.iter().zip(moments(self.space, &flows.last)).zip(moments(self.space, &averages))
            {
                know(values, format!("mean.{name}"), mean, source);
                know(values, format!("variance.{name}"), variance, source);
                know(values, format!("time_average.{name}"), average, source);
            }
            let species = &self.names.species;
            for (i, j) in paired(species.len()) {
                know(values, format!("covariance.{}.{}", species[i], species[j]), covariance(self.space, &flows.last, i, j), source);
            }
        }
    }

    fn entropies_into(&self, first: &[f64], flows: &known::Flows, values: &mut Values) {
        let source = &flows.source();
        let system = system_entropy(first, &flows.last);
        let total = flows.medium + system;
        know(values, "entropy_medium", flows.medium, source);
        know(values, "entropy_system", system, source);
        know(values, "entropy_total", total, source);
        know(values, "entropy_production_rate", total / self.duration(), source);
        for (bath, (name, temperature)) in self.model.baths.iter().zip(self.temperatures()).enumerate().map(|(i, ((name, _), t))| (i, (name, t))) {
            let heat = temperature * flows.of_bath[bath];
            if self.model.baths.len() == 1 {
                know(values, "heat", heat, source);
            } else {
                know(values, format!("heat.{name}"), heat, source);
                know(values, format!("heat_rate.{name}"), heat / self.duration(), source);
            }
        }
        if let Some(excess) = flows.excess {
            know(values, "entropy_excess", excess, source);
            know(values, "entropy_housekeeping", flows.medium - excess, source);
            know(values, "entropy_nonadiabatic", system + excess, source);
            if let (Some(before), Some(after)) = (stationary(self.space, 0.0), stationary(self.space, self.duration())) {
                let change = average(&flows.last, |i| -after[i].ln()) - average(first, |i| -before[i].ln());
                know(values, "hatano_sasa", change + excess, source);
            }
        }
    }

    pub(super) fn facts(&self, answers: &Answers, end_is_known: bool) -> Facts {
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
            canonical: Ok(()),
            odd: None,
            parity: Ok(()),
            unseen_variances: Default::default(),
            steady_states: self.steady_states(),
            single_temperature: Some(temperatures.first().copied().unwrap_or(1.0)).filter(|first| temperatures.iter().all(|t| t == first)),
            delta_free_energy: self.free_energy(),
            start: if balanced && self.opening.kind == Start::SteadyState { Start::Equilibrium } else { self.opening.kind },
            protocol_moves: self.clocked.moves || disturbed,
            has_drives: !balanced,
            path_ledger: Ok(()),
            system_entropy,
            duration: self.duration(),
            quadratic_potential: true,
            unit_roundoff: f64::EPSILON / 2.0,
            exponential_variances: answers.exponential_variances.clone(),
        }
    }

    /// Whether medium entropy can be split by the steady states along the protocol, or why not.
    fn steady_states(&self) -> Result<(), String> {
        let one_way = self.model.channels.iter().find(|channel| channel.reverse.is_none());
        match one_way {
            _ if !self.model.interventions.is_empty() => Err("events set counts from outside, so entropies are not defined along the run".to_owned()),
            Some(channel) => Err(format!("`{}` goes one way, so that entropies are infinite; give its reverse rate, however small", channel.name)),
            None if stationary(self.space, 0.0).is_none() => {
                Err(format!("it needs the exact steady state, which is not known: {}; leave the theorem out of `measure.theorems`", unsolved(self.space)))
            }
            None => Ok(()),
        }
    }

    /// The books of one direction.
    pub(super) fn accounts(&self, plan: &Plan, first: Option<&[f64]>, last: Option<&[f64]>, stream: Stream) -> JumpLedger {
        let model = self.model;
        let numbers = Arc::new(self.space.numbers());
        let table = |law: &[f64]| -> OwnedStateFunction { lookup(&numbers, law.iter().map(|p| p.ln()).collect()) };
        let surprise_of = |law: &[f64]| -> OwnedStateFunction { lookup(&numbers, law.iter().map(|p| -p.ln()).collect()) };
        let (begin, end) = if stream == Stream::Forward { (0.0, self.duration()) } else { (self.duration(), 0.0) };
        let undisturbed = model.interventions.is_empty();
        // A start far from the steady state may be too rare there for a number, and its surprise with it.
        let seen = |time: f64, there: Option<&[f64]>| {
            let unseen =
                |law: &Vec<f64>| law.iter().zip(there.unwrap_or(&[])).filter(|(p, _)| !(**p >= f64::MIN_POSITIVE)).map(|(_, weight)| weight).sum::<f64>();
            stationary(self.space, time).filter(|law| unseen(law) <= LEAK)
        };
        let surprise = match (seen(begin, first), seen(end, last)) {
            (Some(before), Some(after)) if undisturbed && (!self.clocked.moves || has_excess(plan)) => Some([surprise_of(&before), surprise_of(&after)]),
            _ => None,
        };
        JumpLedger {
            columns: plan.columns.clone(),
            names: Names { cycles: self.circuit.cycles.iter().map(|cycle| cycle.name.clone()).collect(), ..self.names.clone() },
            reactions: self.circuit.reactions.iter().map(|(_, reaction)| reaction.clone()).collect(),
            changes: (0..model.channels.len()).map(|channel| change(model, channel)).collect(),
            currents: self.circuit.cycles.iter().map(|cycle| cycle.current.clone()).collect(),
            is_network: model.states.is_some(),
            duration: self.duration(),
            medium: if undisturbed { self.medium(plan) } else { Medium::Infinite },
            temperatures: self.temperatures(),
            energy: self.energy_at(begin).zip(self.energy_at(end)).map(|(before, after)| [before, after]).filter(|_| undisturbed),
            mixing: self.mixing(),
            drive: model.channels.iter().map(|channel| channel.drive.map_or(0.0, |node| self.space.evaluate(node, &[], 0.5 * self.duration()))).collect(),
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
pub(super) fn lookup(numbers: &Arc<HashMap<Vec<u32>, u32>>, values: Vec<f64>) -> OwnedStateFunction {
    if let Some(table) = Dense::of(numbers, &values) {
        return Box::new(move |point: &[f64]| table.at(point));
    }
    let numbers = Arc::clone(numbers);
    // One key for all look-ups would need a lock; states have few coordinates, so a small vector each is cheap enough.
    Box::new(move |point: &[f64]| {
        let key: Vec<u32> = point.iter().map(|n| *n as u32).collect();
        numbers.get(&key).map_or(f64::NAN, |number| values[*number as usize])
    })
}

/// Values of all states of a box; NaN where there is no state.
struct Dense {
    /// Lower end and extent in every coordinate.
    sides: Vec<(f64, usize)>,
    values: Vec<f64>,
}

impl Dense {
    /// Places of a box there may be for every state.
    const ROOM: usize = 8;

    fn of(numbers: &HashMap<Vec<u32>, u32>, values: &[f64]) -> Option<Self> {
        let coordinates = numbers.keys().next()?.len();
        let ends = |i: usize| numbers.keys().fold((u32::MAX, 0), |(low, high), state| (low.min(state[i]), high.max(state[i])));
        let sides: Vec<(f64, usize)> = (0..coordinates).map(ends).map(|(low, high)| (f64::from(low), (high - low) as usize + 1)).collect();
        let places = sides.iter().try_fold(1usize, |places, side| places.checked_mul(side.1))?;
        let mut dense = (places <= Self::ROOM * numbers.len()).then(|| Self { sides, values: vec![f64::NAN; places] })?;
        for (state, number) in numbers {
            let point: Vec<f64> = state.iter().map(|n| f64::from(*n)).collect();
            let place = dense.place(&point)?;
            dense.values[place] = values[*number as usize];
        }
        Some(dense)
    }

    fn place(&self, point: &[f64]) -> Option<usize> {
        let step = |place: usize, (n, (low, extent)): (&f64, &(f64, usize))| {
            let here = n - low;
            (here >= 0.0 && here < *extent as f64).then_some(place * extent + here as usize)
        };
        point.iter().zip(&self.sides).try_fold(0, step)
    }

    fn at(&self, point: &[f64]) -> f64 {
        self.place(point).map_or(f64::NAN, |place| self.values[place])
    }
}
