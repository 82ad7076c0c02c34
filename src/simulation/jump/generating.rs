//! The generating function of medium entropy at long times, from a tilted generator.

use super::super::answers::{ALPHAS, Values};
use super::known::know;
use super::space::Space;
use crate::exact::chain::Chain;
use crate::exact::cumulants::growth;

/// Multiplications of one elimination up to which the generating function, dozens of them, is worth its while.
const MOST_TILTING: f64 = 1.2e8;
/// What cutting the states may change of a value, relative to it, for the value to be given.
const MOST_CUT: f64 = 1e-6;

/// `θ(α) = lim ln⟨exp(−α Δs_med)⟩/t` at the initial rates, where every channel has a reverse. Where states were cut off, trajectories that reach them are
/// lost: then the value grows with the states that are kept, and half of them must give the same.
pub(super) fn function(space: &Space, values: &mut Values) {
    // An edge of the states that are kept has no reverse among them; anywhere else there is none.
    let one_way = |k: usize| space.model().channels[space.channel[k]].reverse.is_none() || space.is_whole() && space.reverse[k].is_none();
    if space.chain.stationary_work() > MOST_TILTING || (0..space.channel.len()).any(one_way) {
        return;
    }
    let (rates, lost) = (space.rates_at(0.0), space.lost_at(0.0));
    let half = (!space.is_whole()).then(|| Part::of(space, &rates, &lost, space.chain.states / 2));
    for alpha in ALPHAS {
        let exponent: f64 = alpha.parse().unwrap_or(f64::NAN);
        // What has no reverse among the states that are kept leads to where nothing returns from: it may as well be lost.
        let factor = |k: usize| space.reverse[k].map_or(0.0, |back| (-exponent * (rates[k] / rates[back]).ln()).exp());
        let factors: Vec<f64> = (0..rates.len()).map(factor).collect();
        if !factors.iter().all(|factor| factor.is_finite()) {
            continue;
        }
        let Some((theta, width)) = growth(&space.chain, &rates, &factors, &lost) else { continue };
        let error = (0.5 * width).max(f64::EPSILON * theta.abs());
        let Some(half) = &half else {
            know(values, format!("scgf.{alpha}"), theta, &format!("tilted generator, ±{error:.0e}"));
            continue;
        };
        let cut = half.growth(&factors).map_or(f64::INFINITY, |smaller| (theta - smaller).abs());
        if cut <= MOST_CUT * theta.abs() {
            know(values, format!("scgf.{alpha}"), theta, &format!("tilted generator of {} states, ±{:.0e}", space.chain.states, cut.max(error)));
        }
    }
}

/// The first states of a space, and which of its transitions lie between them.
struct Part {
    chain: Chain,
    kept: Vec<usize>,
    rates: Vec<f64>,
    lost: Vec<f64>,
}

impl Part {
    fn of(space: &Space, rates: &[f64], lost: &[f64], states: usize) -> Self {
        let inside = |state: u32| (state as usize) < states;
        let (mut kept, mut lost) = (Vec::new(), lost[..states].to_vec());
        for (k, (&from, &to)) in space.chain.from.iter().zip(&space.chain.to).enumerate().filter(|(_, (from, _))| inside(**from)) {
            if inside(to) {
                kept.push(k);
            } else {
                lost[from as usize] += rates[k];
            }
        }
        let pick = |list: &[u32]| kept.iter().map(|&k| list[k]).collect();
        let chain = Chain::new(states, pick(&space.chain.from), pick(&space.chain.to));
        Self { chain, rates: kept.iter().map(|&k| rates[k]).collect(), lost, kept }
    }

    fn growth(&self, factors: &[f64]) -> Option<f64> {
        let factors: Vec<f64> = self.kept.iter().map(|&k| factors[k]).collect();
        growth(&self.chain, &self.rates, &factors, &self.lost).map(|(theta, _)| theta)
    }
}
