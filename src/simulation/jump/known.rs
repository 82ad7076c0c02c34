//! What is known exactly of a jump process: laws at both ends, mean flows and entropies, the stationary state along the protocol.

use super::super::answers::Values;
use super::space::Space;
use crate::exact::chain::shannon;
use crate::plan::{Clock, Surprise};

/// Leak out of the enumerated states up to which they count as all.
pub(super) const LEAK: f64 = 1e-9;
/// Most states of which the stationary law is solved all along while rates move; where they jump, there is no such limit.
const MOST_ALONG: usize = 128;
/// Most events of a state, over the run, for which the master equation is integrated.
const MOST_EVENTS: f64 = 3e5;
/// Parts of a piece after each of which the leak is looked at.
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

/// Lets a law evolve over the run.
pub(super) fn flows(space: &Space, first: &[f64], moves: bool, baths: usize, bath_of: &dyn Fn(usize) -> Option<usize>) -> Option<Flows> {
    let (states, transitions) = (space.chain.states, space.channel.len());
    let mut flows =
        Flows { last: first.to_vec(), spent: vec![0.0; states], events: vec![0.0; transitions], medium: 0.0, of_bath: vec![0.0; baths], excess: Some(0.0) };
    let mut leak = 0.0;
    if space.pieces().iter().any(|piece| space.fastest(inside(*piece, piece.0)) * (piece.1 - piece.0) > MOST_EVENTS) {
        return None;
    }
    for piece in space.pieces() {
        let (start, end) = (space.rates_at(inside(piece, piece.0)), space.rates_at(inside(piece, piece.1)));
        let middle = space.rates_at(0.5 * (piece.0 + piece.1));
        if !moves || start == end && start == middle {
            let mut spent = vec![0.0; states];
            // In slices where states are missing, so that too few of them are noticed early.
            let slices = if space.is_whole() { 1 } else { SLICES };
            for _ in 0..slices {
                let more = space.chain.propagate(&mut flows.last, &start, (piece.1 - piece.0) / f64::from(slices));
                leak += space.leak(&more, inside(piece, piece.0));
                spent.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
                if !(leak <= LEAK) {
                    return None;
                }
            }
            add_steady(space, &start, &spent, bath_of, &mut flows);
            flows.excess = match (flows.excess, stationary(space, inside(piece, piece.0))) {
                (Some(sum), Some(law)) => Some(sum + excess(space, &start, &law, &spent)),
                _ => None,
            };
        } else {
            flows.excess = flows.excess.filter(|_| states <= MOST_ALONG);
            add_moving(space, piece, bath_of, &mut flows);
            leak += if space.is_whole() { 0.0 } else { space.leak(&flows.spent, inside(piece, piece.1)) };
        }
    }
    (leak <= LEAK).then_some(flows)
}

pub(super) fn log_ratio(space: &Space, rates: &[f64], k: usize) -> f64 {
    space.reverse[k].map_or(f64::INFINITY, |back| (rates[k] / rates[back]).ln())
}

fn add_steady(space: &Space, rates: &[f64], spent: &[f64], bath_of: &dyn Fn(usize) -> Option<usize>, flows: &mut Flows) {
    flows.spent.iter_mut().zip(spent).for_each(|(sum, more)| *sum += more);
    for k in 0..rates.len() {
        let events = rates[k] * spent[space.chain.from[k] as usize];
        flows.events[k] += events;
        if events > 0.0 {
            let entropy = events * log_ratio(space, rates, k);
            flows.medium += entropy;
            if let Some(bath) = bath_of(space.channel[k]) {
                flows.of_bath[bath] += entropy;
            }
        }
    }
}

/// `Σ events·(φ(from) − φ(to))`.
fn excess(space: &Space, rates: &[f64], law: &[f64], spent: &[f64]) -> f64 {
    let step = |k: usize| {
        let (from, to) = (space.chain.from[k] as usize, space.chain.to[k] as usize);
        let events = rates[k] * spent[from];
        if events > 0.0 { events * (law[to] / law[from]).ln() } else { 0.0 }
    };
    (0..rates.len()).map(step).sum()
}

/// A piece in which rates move: everything is integrated along.
fn add_moving(space: &Space, piece: (f64, f64), bath_of: &dyn Fn(usize) -> Option<usize>, flows: &mut Flows) {
    let (states, transitions, baths) = (space.chain.states, space.channel.len(), flows.of_bath.len());
    let with_excess = flows.excess.is_some();
    let mut sums = vec![0.0; states + transitions + 2 + baths];
    let rates = |t: f64, out: &mut [f64]| space.rates(inside(piece, t), out);
    let integrand = |_: f64, p: &[f64], rates: &[f64], out: &mut [f64]| {
        out.fill(0.0);
        out[..states].copy_from_slice(p);
        let law = if with_excess { space.stationary(rates) } else { None };
        for k in 0..transitions {
            let flux = rates[k] * p[space.chain.from[k] as usize];
            out[states + k] = flux;
            if flux > 0.0 {
                let entropy = flux * log_ratio(space, rates, k);
                out[states + transitions] += entropy;
                if let Some(bath) = bath_of(space.channel[k]) {
                    out[states + transitions + 2 + bath] += entropy;
                }
            }
        }
        out[states + transitions + 1] = law.map_or(f64::NAN, |law| excess(space, rates, &law, p));
    };
    space.chain.evolve_moving(&mut flows.last, piece, &rates, &integrand, &mut sums);
    flows.spent.iter_mut().zip(&sums).for_each(|(sum, more)| *sum += more);
    flows.events.iter_mut().zip(&sums[states..]).for_each(|(sum, more)| *sum += more);
    flows.medium += sums[states + transitions];
    flows.excess = flows.excess.map(|sum| sum + sums[states + transitions + 1]).filter(|sum| sum.is_finite());
    flows.of_bath.iter_mut().zip(&sums[states + transitions + 2..]).for_each(|(sum, more)| *sum += more);
}

/// `−ln p_ss` at both ends of every segment, for the kernel; `None` where it is not known everywhere.
pub(super) fn surprise(space: &Space, clock: Clock) -> Option<Surprise> {
    if space.chain.states > MOST_ALONG || !space.is_whole() {
        return None;
    }
    let d = space.points.first()?.len();
    let most = |i: usize| space.points.iter().map(|point| point[i] as u32).max().unwrap_or(0);
    let extent: Vec<u32> = (0..d).map(|i| most(i) + 1).collect();
    let box_size: usize = extent.iter().map(|n| *n as usize).product();
    let place = |point: &[f64]| point.iter().zip(&extent).fold(0, |place, (n, extent)| place * *extent as usize + *n as usize);
    let mut values = Vec::with_capacity(2 * clock.segments as usize * box_size);
    let mut known: Option<(Vec<f64>, Vec<f64>)> = None;
    for segment in 0..clock.segments {
        let ends = (segment as f64 * clock.length, (segment + 1) as f64 * clock.length);
        for time in [ends.0, ends.1] {
            let rates = space.rates_at(inside(ends, time));
            let law = match &known {
                Some((before, law)) if *before == rates => law.clone(),
                _ => space.stationary(&rates)?,
            };
            if law.iter().any(|p| !(*p >= f64::MIN_POSITIVE)) {
                return None;
            }
            let mut row = vec![f64::NAN; box_size];
            space.points.iter().zip(&law).for_each(|(point, p)| row[place(point)] = -p.ln());
            values.extend(row);
            known = Some((rates, law));
        }
    }
    Some(Surprise { lower: vec![0; d], extent, values, steady: false })
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

/// Adds a value with its source.
pub(super) fn know(values: &mut Values, name: impl Into<String>, value: f64) {
    if value.is_finite() {
        values.insert(name.into(), (value, "master equation".to_owned()));
    }
}
