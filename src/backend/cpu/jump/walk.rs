//! The arithmetic of walkers on a network: every lane looks up its own state.
//!
//! Tables are read lane by lane: on the processors at hand a few scalar loads are no slower than a gather, and they serve networks of any size.

use crate::maths::{LANES, Lanes, Real};
use crate::plan::Network;

/// The tables of a network; the last entry of what is listed by edge stands for no edge at all.
pub(in crate::backend::cpu) struct Graph<R> {
    /// For every state its first edge and how many there are.
    spans: Vec<(u32, u32)>,
    /// For every slot what it keeps of 2³², the edge it stands for, and the other one.
    slots: Vec<(u32, u32)>,
    /// Where an edge leads.
    target: Vec<u32>,
    /// Sum of the rates out of a state.
    exit: Vec<R>,
}

impl<R: Real> Graph<R> {
    pub(in crate::backend::cpu) fn of(network: &Network) -> Self {
        let states = network.first.len() - 1;
        let alias = network.alias();
        Self {
            spans: (0..states).map(|state| (network.first[state], network.edges(state).len() as u32)).collect(),
            slots: alias.keep.into_iter().zip(alias.other).chain([(0, network.target.len() as u32)]).collect(),
            target: network.target.iter().copied().chain([0]).collect(),
            exit: (0..states).map(|state| R::from_f64(network.exit(state))).collect(),
        }
    }

    /// Sum of the rates out of a state; NaN where there is no such state.
    pub(super) fn exit(&self, state: f64) -> R {
        let known = state >= 0.0 && state.floor() == state;
        self.exit.get(state as usize).copied().filter(|_| known).unwrap_or(R::NAN)
    }

    /// What stands for no edge.
    pub(super) fn no_edge(&self) -> u32 {
        self.target.len() as u32 - 1
    }
}

/// Walks an edge in every lane with an event; `edge` is that edge, or what stands for none.
#[inline(always)]
pub(in crate::backend::cpu) fn walk<R: Real, const FMA: bool>(
    graph: &Graph<R>,
    words: &[u32; LANES],
    event: &Lanes<R>,
    state: &mut [u32; LANES],
    edge: &mut [u32; LANES],
    total: &mut Lanes<R>,
) {
    let none = graph.no_edge();
    for l in 0..LANES {
        let old = state[l];
        let (first, degree) = graph.spans[old as usize];
        let product = u64::from(words[l]) * u64::from(degree);
        let slot = first + (product >> 32) as u32;
        let (keep, other) = graph.slots[slot as usize];
        let chosen = if (product as u32) < keep { slot } else { other };
        let target = graph.target[chosen as usize];
        let happens = event.0[l] != R::ZERO;
        let now = if happens { target } else { old };
        edge[l] = if happens { chosen } else { none };
        state[l] = now;
        total.0[l] = graph.exit[now as usize];
    }
}

/// `sums[slots[edge]] += 1`, lane by lane.
#[inline(always)]
#[expect(clippy::extra_unused_type_parameters, reason = "every kernel has the same parameters")]
pub(in crate::backend::cpu) fn count_edges<R: Real, const FMA: bool>(slots: &[u32], edge: &[u32; LANES], sums: &mut [Lanes<f64>]) {
    for l in 0..LANES {
        sums[slots[edge[l] as usize] as usize].0[l] += 1.0;
    }
}

/// `sums[slots[state]] += elapsed`, lane by lane.
#[inline(always)]
pub(in crate::backend::cpu) fn add_dwell<R: Real, const FMA: bool>(slots: &[u32], state: &[u32; LANES], elapsed: &Lanes<R>, sums: &mut [Lanes<f64>]) {
    for l in 0..LANES {
        sums[slots[state[l] as usize] as usize].0[l] += elapsed.0[l].to_f64();
    }
}

/// `sum += table[edge]`, lane by lane.
#[inline(always)]
#[expect(clippy::extra_unused_type_parameters, reason = "every kernel has the same parameters")]
pub(in crate::backend::cpu) fn add_table<R: Real, const FMA: bool>(table: &[f64], edge: &[u32; LANES], sum: &mut Lanes<f64>) {
    for l in 0..LANES {
        sum.0[l] += table[edge[l] as usize];
    }
}
