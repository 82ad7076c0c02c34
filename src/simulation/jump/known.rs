//! What is known exactly of a jump process: laws at both ends, mean flows and entropies, the stationary state along the protocol.

use super::super::answers::Values;
use super::along::{Along, is_steady};
use super::space::Space;
use crate::exact::chain::shannon;
use crate::exact::refinement::settle;

/// Leak out of the enumerated states up to which they count as all.
pub(super) const LEAK: f64 = 1e-9;
/// Most events of a state, over the run, for which the master equation is integrated.
pub(super) const MOST_EVENTS: f64 = 3e5;
/// Parts of a piece, at most, after each of which the leak is looked at.
const SLICES: u32 = 64;
/// Inside a piece of the protocol, so that a jump at its end belongs to the neighbour.
const INSIDE: f64 = 1e-9;

/// Mean flows of a run.
pub(super) struct Flows {
    /// Law at the end.
    pub(super) last: Vec<f64>,
    /// Time spent in every state.
    pub(super) spent: Vec<f64>,
    /// Expected events of every transition.
    pub(super) events: Vec<f64>,
    /// `⟨Δs_med⟩`; infinite where a channel goes one way.
    pub(super) medium: f64,
    /// Medium entropy of the transitions of every bath.
    pub(super) of_bath: Vec<f64>,
    /// `⟨Δs_ex⟩`, where the stationary states are known.
    pub(super) excess: Option<f64>,
    /// Expected number of events that left the numbered states.
    pub(super) leak: f64,
    /// Estimated error of the integration where rates move, as a part of the largest of each kind; 0 where it is exact to rounding.
    pub(super) error: f64,
}

/// The stationary law at a time; `None` where there is none, or none that is unique, or where enumerated states are not all.
pub(super) fn stationary(space: &Space, time: f64) -> Option<Vec<f64>> {
    let rates = space.rates_at(time);
    let law = space.stationary(&rates)?;
    let fastest = rates.iter().zip(&space.chain.from).map(|(rate, from)| rate * law[*from as usize]).sum::<f64>();
    (space.is_whole() || space.leak(&law, time) <= LEAK * fastest).then_some(law)
}

/// Times just inside a piece.
pub(super) fn inside((start, end): (f64, f64), time: f64) -> f64 {
    let margin = INSIDE * (end - start);
    time.clamp(start + margin, end - margin)
}

/// What the flows of a run are reckoned with.
pub(super) struct Reckoning<'a> {
    /// Whether rates move or jump.
    pub(super) moves: bool,
    /// Number of baths.
    pub(super) baths: usize,
    /// Bath of a channel.
    pub(super) bath_of: &'a dyn Fn(usize) -> Option<usize>,
    /// `φ` along the run, where excess is wanted and known.
    pub(super) along: Option<&'a Along>,
}

/// A stretch of time between jumps and bends of the protocol.
pub(super) struct Stretch {
    pub(super) piece: (f64, f64),
    /// Whether rates stand still in it.
    pub(super) steady: bool,
}

/// The stretches of a run.
pub(super) fn stretches(space: &Space, moves: bool) -> Vec<Stretch> {
    space.pieces().into_iter().map(|piece| Stretch { piece, steady: !moves || is_steady(space, piece) }).collect()
}

impl Stretch {
    /// The stretch in so many steps of equal length, each with the time at which its rates are taken: the middle. Steady rates need one step.
    pub(super) fn steps(&self, steps: usize) -> impl Iterator<Item = (f64, f64)> {
        let (steps, (start, end)) = (if self.steady { 1 } else { steps }, self.piece);
        let length = (end - start) / steps as f64;
        (0..steps).map(move |step| (start + (step as f64 + 0.5) * length, length))
    }
}

/// Lets a law evolve over the run; `None` where that takes too many events, or where the law leaves the numbered states.
///
/// Where rates move, they stand still in every step, and the limit of short steps is taken: the error of such a staircase has even powers of the step alone.
pub(super) fn flows(space: &Space, first: &[f64], with: &Reckoning) -> Option<Flows> {
    let stretches = stretches(space, with.moves);
    if stretches.iter().any(|Stretch { piece, .. }| space.fastest(inside(*piece, piece.0)) * (piece.1 - piece.0) > MOST_EVENTS) {
        return None;
    }
    let staircase = |steps: usize| -> Option<Flows> {
        let mut flows = Flows::none(space, first, with);
        for stretch in &stretches {
            for (time, length) in stretch.steps(steps) {
                flows.pass(space, (stretch.piece, time, length), with)?;
            }
        }
        Some(flows)
    };
    if stretches.iter().all(|stretch| stretch.steady) {
        return staircase(1);
    }
    let limit = settle(&Flows::kinds(space, with), &mut |steps| staircase(steps).map(Flows::into_numbers))?;
    let mut flows = Flows::from_numbers(space, with, limit.values);
    flows.error = limit.error + with.along.map_or(0.0, Along::error);
    Some(flows)
}

impl Flows {
    fn none(space: &Space, first: &[f64], with: &Reckoning) -> Self {
        let excess = with.along.map(|_| 0.0);
        let (spent, events) = (vec![0.0; space.chain.states], vec![0.0; space.channel.len()]);
        Self { last: first.to_vec(), spent, events, medium: 0.0, of_bath: vec![0.0; with.baths], excess, leak: 0.0, error: 0.0 }
    }

    /// Lengths of the parts of [`Self::into_numbers`] that differ in size.
    fn kinds(space: &Space, with: &Reckoning) -> [usize; 3] {
        [space.chain.states, 1 + space.chain.states, space.channel.len() + 2 + with.baths]
    }

    fn into_numbers(self) -> Vec<f64> {
        let entropies = [self.medium, self.excess.unwrap_or(f64::INFINITY)];
        [self.last, vec![self.leak], self.spent, self.events, entropies.to_vec(), self.of_bath].concat()
    }

    fn from_numbers(space: &Space, with: &Reckoning, numbers: Vec<f64>) -> Self {
        let mut numbers = numbers.into_iter();
        let mut take = |count: usize| -> Vec<f64> { numbers.by_ref().take(count).collect() };
        let states = space.chain.states;
        let (mut last, leak, spent, events) = (take(states), take(1)[0].max(0.0), take(states), take(space.channel.len()));
        // What extrapolation took below 0 is rounding.
        last.iter_mut().for_each(|p| *p = p.max(0.0));
        let (medium, excess) = (take(1)[0], take(1)[0]);
        Self {
            last,
            spent,
            events,
            medium,
            of_bath: take(with.baths),
            excess: with.along.map(|_| excess).filter(|excess| excess.is_finite()),
            leak,
            error: 0.0,
        }
    }

    /// A step of time at the rates of a moment. `None` when too much has left the numbered states.
    fn pass(&mut self, space: &Space, (piece, time, length): ((f64, f64), f64, f64), with: &Reckoning) -> Option<()> {
        let rates = space.rates_at(inside(piece, time));
        let mut spent = vec![0.0; space.chain.states];
        // In slices where states are missing, so that too few of them are noticed early.
        let slices = if space.is_whole() { 1 } else { (f64::from(SLICES) * length / (piece.1 - piece.0)).ceil().max(1.0) as u32 };
        for _ in 0..slices {
            let more = space.chain.propagate(&mut self.last, &rates, length / f64::from(slices));
            self.leak += space.leak(&more, inside(piece, time));
            spent.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            if !(self.leak <= LEAK) {
                return None;
            }
        }
        let mut phi = vec![0.0; space.chain.states];
        if let Some(along) = with.along {
            along.at(piece, time, &mut phi);
        }
        let unseen: f64 = spent.iter().zip(&phi).filter(|(_, phi)| !phi.is_finite()).map(|(spent, _)| spent).sum();
        self.excess = self.excess.filter(|_| unseen <= LEAK * length);
        for k in 0..rates.len() {
            let events = rates[k] * spent[space.chain.from[k] as usize];
            self.events[k] += events;
            if events > 0.0 {
                let entropy = events * log_ratio(space, &rates, k);
                self.medium += entropy;
                if let Some(bath) = (with.bath_of)(space.channel[k]) {
                    self.of_bath[bath] += entropy;
                }
                self.excess = self.excess.map(|sum| sum + events * fall(space, &phi, k));
            }
        }
        self.spent.iter_mut().zip(spent).for_each(|(sum, more)| *sum += more);
        Some(())
    }
}

pub(super) fn log_ratio(space: &Space, rates: &[f64], k: usize) -> f64 {
    space.reverse[k].map_or(f64::INFINITY, |back| (rates[k] / rates[back]).ln())
}

/// What `φ` loses by a transition; 0 where a state has none.
pub(super) fn fall(space: &Space, phi: &[f64], k: usize) -> f64 {
    let loss = phi[space.chain.from[k] as usize] - phi[space.chain.to[k] as usize];
    if loss.is_finite() { loss } else { 0.0 }
}

/// Mean and variance of every count.
pub(super) fn moments(space: &Space, law: &[f64]) -> Vec<(f64, f64)> {
    let d = space.points.first().map_or(0, Vec::len);
    let mean = |i: usize| space.points.iter().zip(law).map(|(point, p)| p * point[i]).sum::<f64>();
    let spread = |i: usize, mean: f64| space.points.iter().zip(law).map(|(point, p)| p * (point[i] - mean).powi(2)).sum::<f64>();
    (0..d).map(mean).enumerate().map(|(i, mean)| (mean, spread(i, mean))).collect()
}

/// Covariance of two species.
pub(super) fn covariance(space: &Space, law: &[f64], i: usize, j: usize) -> f64 {
    let mean = |of: &dyn Fn(&[f64]) -> f64| space.points.iter().zip(law).map(|(point, p)| p * of(point)).sum::<f64>();
    let (first, second) = (mean(&|point| point[i]), mean(&|point| point[j]));
    mean(&|point| (point[i] - first) * (point[j] - second))
}

/// `Σ_i p_i value_i`, where every state that has weight has a value.
pub(super) fn average(law: &[f64], values: impl Fn(usize) -> f64) -> f64 {
    law.iter().enumerate().filter(|(_, p)| **p > 0.0).map(|(i, p)| p * values(i)).sum()
}

/// `⟨Δs_sys⟩`.
pub(super) fn system_entropy(first: &[f64], last: &[f64]) -> f64 {
    shannon(last) - shannon(first)
}

impl Flows {
    /// Where these numbers come from, and what their method errs by.
    pub(super) fn source(&self) -> String {
        let leak = if self.leak > 1e-15 { format!(", {:.0e} left its states", self.leak) } else { String::new() };
        let error = if self.error > 0.0 { format!("±{:.0e} of the largest", self.error) } else { "to rounding".to_owned() };
        format!("master equation, {error}{leak}")
    }
}

/// Adds a value with its source.
pub(super) fn know(values: &mut Values, name: impl Into<String>, value: f64, source: &str) {
    if value.is_finite() {
        values.insert(name.into(), (value, source.to_owned()));
    }
}
