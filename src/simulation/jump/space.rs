//! The states of a jump process, numbered, and the rates between them at any time: what exact values are computed from.
//!
//! Rates come from the formulas of the experiment, not from the programs of the plan.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

use crate::exact::chain::Chain;
use crate::experiment::Experiment;
use crate::experiment::jump::JumpModel;
use crate::expression::{Node, Symbol};

/// Most states that are enumerated for reactions.
pub(super) const MOST_STATES: usize = 30_720;

/// Rates, and their stationary law where there is one.
type Solved = (Vec<f64>, Option<Vec<f64>>);

/// Numbered states and the transitions between them.
pub(super) struct Space<'a> {
    experiment: &'a Experiment,
    model: &'a JumpModel,
    /// Counts of every state; for a network its index.
    pub(super) points: Vec<Vec<f64>>,
    index: HashMap<Vec<u32>, u32>,
    /// The transitions.
    pub(super) chain: Chain,
    /// Channel of every transition.
    pub(super) channel: Vec<usize>,
    /// Transition that undoes a transition.
    pub(super) reverse: Vec<Option<usize>>,
    /// Mass action: falling factorials, to be multiplied by the channel's factor. Else 1.
    weight: Vec<f64>,
    /// Transitions out of the enumerated states: start, channel and weight.
    lost: Vec<(u32, usize, f64)>,
    limit: usize,
    /// The rates whose stationary law was asked for last, and the answer.
    solved: RefCell<Option<Solved>>,
}

impl<'a> Space<'a> {
    /// All states of a network, or those of a reaction system that are reached from `start`, the nearest first, at most `limit`.
    pub(super) fn of(experiment: &'a Experiment, model: &'a JumpModel, start: &[f64], limit: usize) -> Self {
        let mut space = Self {
            experiment,
            model,
            points: Vec::new(),
            index: HashMap::new(),
            chain: Chain::default(),
            channel: Vec::new(),
            reverse: Vec::new(),
            weight: Vec::new(),
            lost: Vec::new(),
            limit,
            solved: RefCell::new(None),
        };
        match &model.states {
            Some(states) => space.network(states.len()),
            None => space.reactions(start),
        }
        let (from, to) = (std::mem::take(&mut space.chain.from), std::mem::take(&mut space.chain.to));
        space.chain = Chain::new(space.points.len(), from, to);
        space.pair();
        space
    }

    /// The model whose states these are.
    pub(super) fn model(&self) -> &'a JumpModel {
        self.model
    }

    fn network(&mut self, states: usize) {
        self.points = (0..states).map(|state| vec![state as f64]).collect();
        self.index = (0..states as u32).map(|state| (vec![state], state)).collect();
        for (channel, (from, to)) in self.model.channels.iter().enumerate().filter_map(|(index, channel)| Some((index, channel.edge?))) {
            self.push(from, to, channel, 1.0);
        }
    }

    fn push(&mut self, from: u32, to: u32, channel: usize, weight: f64) {
        self.chain.from.push(from);
        self.chain.to.push(to);
        self.channel.push(channel);
        self.weight.push(weight);
    }

    fn reactions(&mut self, start: &[f64]) {
        let start: Vec<u32> = start.iter().map(|n| *n as u32).collect();
        self.points.push(start.iter().map(|n| f64::from(*n)).collect());
        self.index.insert(start.clone(), 0);
        let mut queue = VecDeque::from([start]);
        let changes: Vec<Vec<i64>> = (0..self.model.channels.len()).map(|channel| self.change(channel)).collect();
        let mut found = Vec::new();
        while let Some(counts) = queue.pop_front() {
            let from = self.index[&counts];
            let point = self.points[from as usize].clone();
            for (channel, change) in changes.iter().enumerate() {
                let weight = self.possible(channel, &point);
                let after: Option<Vec<u32>> = counts.iter().zip(change).map(|(n, change)| u32::try_from(i64::from(*n) + change).ok()).collect();
                let Some(after) = after.filter(|_| weight > 0.0) else { continue };
                if !self.index.contains_key(&after) && self.points.len() < self.limit {
                    self.index.insert(after.clone(), self.points.len() as u32);
                    self.points.push(after.iter().map(|n| f64::from(*n)).collect());
                    queue.push_back(after.clone());
                }
                found.push((from, after, channel, weight));
            }
        }
        for (from, after, channel, weight) in found {
            match self.index.get(&after) {
                Some(&to) => self.push(from, to, channel, weight),
                None => self.lost.push((from, channel, weight)),
            }
        }
    }

    fn change(&self, channel: usize) -> Vec<i64> {
        let channel = &self.model.channels[channel];
        let count = |of: &[(u16, u32)], i: usize| of.iter().filter(|(species, _)| usize::from(*species) == i).map(|(_, n)| i64::from(*n)).sum::<i64>();
        (0..self.model.coordinates.len()).map(|i| count(&channel.products, i) - count(&channel.reactants, i)).collect()
    }

    /// Falling factorials of mass action; for other propensities 1 where they are positive at some moment.
    fn possible(&self, channel: usize, point: &[f64]) -> f64 {
        let of = &self.model.channels[channel];
        if of.constant.is_some() {
            let dynamic = of.reactants.iter().filter(|(species, _)| usize::from(*species) < point.len());
            return dynamic
                .map(|&(species, count)| (0..count).map(|taken| (point[usize::from(species)] - f64::from(taken)).max(0.0)).product::<f64>())
                .product();
        }
        let duration = self.experiment.protocol.duration;
        let positive = (0..9).any(|k| self.evaluate(of.propensity, point, duration * f64::from(k) / 8.0) > 0.0);
        f64::from(positive)
    }

    /// Finds for every transition the one that undoes it.
    fn pair(&mut self) {
        let of: HashMap<(u32, usize), usize> =
            self.chain.from.iter().zip(&self.channel).enumerate().map(|(k, (&from, &channel))| ((from, channel), k)).collect();
        self.reverse = (0..self.channel.len())
            .map(|k| self.model.channels[self.channel[k]].reverse.and_then(|reverse| of.get(&(self.chain.to[k], reverse)).copied()))
            .collect();
    }

    /// Number of a state, where it was enumerated.
    pub(super) fn number(&self, point: &[f64]) -> Option<usize> {
        let key: Vec<u32> = point.iter().map(|n| *n as u32).collect();
        self.index.get(&key).map(|index| *index as usize)
    }

    /// The numbers of all states, for closures that outlive the space.
    pub(super) fn numbers(&self) -> HashMap<Vec<u32>, u32> {
        self.index.clone()
    }

    /// A formula of the experiment at a state and a time.
    pub(super) fn evaluate(&self, node: Node, point: &[f64], time: f64) -> f64 {
        let protocol = self.experiment.protocol_at(time);
        self.experiment.graph.evaluate(node, &|symbol| match symbol {
            Symbol::Coordinate(i) => point.get(usize::from(i)).copied().unwrap_or(f64::NAN),
            Symbol::Parameter(i) => self.experiment.parameters[usize::from(i)].value,
            Symbol::Protocol(i) => protocol[usize::from(i)],
            Symbol::Time => time,
            _ => f64::NAN,
        })
    }

    /// The factor of every channel at a time: of mass action the constant, of an edge its rate; NaN where the propensity is no product.
    fn factors(&self, time: f64) -> Vec<f64> {
        let of = |channel: &crate::experiment::jump::JumpChannel| match (channel.constant, channel.edge) {
            (Some(node), _) => self.evaluate(node, &[], time),
            (None, Some(_)) => self.evaluate(channel.propensity, &[0.0], time),
            (None, None) => f64::NAN,
        };
        self.model.channels.iter().map(of).collect()
    }

    fn rate(&self, factors: &[f64], channel: usize, weight: f64, from: u32, time: f64) -> f64 {
        let rate = if factors[channel].is_nan() {
            self.evaluate(self.model.channels[channel].propensity, &self.points[from as usize], time)
        } else {
            factors[channel] * weight
        };
        rate.max(0.0)
    }

    /// Rates of all transitions at a time.
    pub(super) fn rates(&self, time: f64, out: &mut [f64]) {
        let factors = self.factors(time);
        for (k, out) in out.iter_mut().enumerate() {
            *out = self.rate(&factors, self.channel[k], self.weight[k], self.chain.from[k], time);
        }
    }

    /// Rates of all transitions at a time.
    pub(super) fn rates_at(&self, time: f64) -> Vec<f64> {
        let mut rates = vec![0.0; self.channel.len()];
        self.rates(time, &mut rates);
        rates
    }

    /// The stationary law at given rates, solved once for the same rates.
    pub(super) fn stationary(&self, rates: &[f64]) -> Option<Vec<f64>> {
        if let Some((known, law)) = self.solved.borrow().as_ref()
            && known == rates
        {
            return law.clone();
        }
        let law = self.chain.stationary(rates).ok();
        *self.solved.borrow_mut() = Some((rates.to_vec(), law.clone()));
        law
    }

    /// Largest rate at which any state is left, at a time.
    pub(super) fn fastest(&self, time: f64) -> f64 {
        let mut exit = vec![0.0; self.chain.states];
        self.rates_at(time).iter().zip(&self.chain.from).for_each(|(rate, from)| exit[*from as usize] += rate);
        exit.into_iter().fold(0.0, f64::max)
    }

    /// Expected number of events that leave the enumerated states, given the time spent in each: 0 where all states are there.
    pub(super) fn leak(&self, spent: &[f64], time: f64) -> f64 {
        let factors = self.factors(time);
        self.lost.iter().map(|&(from, channel, weight)| spent[from as usize] * self.rate(&factors, channel, weight, from, time)).sum()
    }

    /// Rates at which each state is left for states that were not enumerated.
    pub(super) fn lost_at(&self, time: f64) -> Vec<f64> {
        let (factors, mut lost) = (self.factors(time), vec![0.0; self.chain.states]);
        for &(from, channel, weight) in &self.lost {
            lost[from as usize] += self.rate(&factors, channel, weight, from, time);
        }
        lost
    }

    /// Whether every state that can be reached is there.
    pub(super) fn is_whole(&self) -> bool {
        self.lost.is_empty()
    }

    /// Times inside the run at which rates jump or bend, with both ends.
    pub(super) fn pieces(&self) -> Vec<(f64, f64)> {
        self.experiment.pieces(self.experiment.protocol.duration).into_iter().map(|piece| (piece.start, piece.end)).collect()
    }
}
