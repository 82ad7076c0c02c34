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
    small: Option<Small<R>>,
}

/// States and edges a network may have to be walked by comparing.
const SMALL: (usize, usize) = (4, 8);

/// The same tables of a small network, padded.
#[derive(Clone, Copy)]
struct Small<R> {
    first: [u32; SMALL.0],
    degree: [u32; SMALL.0],
    exit: [R; SMALL.0],
    keep: [u32; SMALL.1],
    other: [u32; SMALL.1],
    target: [u32; SMALL.1],
    none: u32,
}

/// The first entries of a list, padded.
fn padded<T: Copy + Default, const N: usize>(list: impl Iterator<Item = T>) -> [T; N] {
    let mut table = [T::default(); N];
    table.iter_mut().zip(list).for_each(|(entry, value)| *entry = value);
    table
}

impl<R: Real> Graph<R> {
    pub(in crate::backend::cpu) fn of(network: &Network) -> Self {
        let states = network.first.len() - 1;
        let alias = network.alias();
        let mut graph = Self {
            small: None,
            spans: (0..states).map(|state| (network.first[state], network.edges(state).len() as u32)).collect(),
            slots: alias.keep.into_iter().zip(alias.other).chain([(0, network.target.len() as u32)]).collect(),
            target: network.target.iter().copied().chain([0]).collect(),
            exit: (0..states).map(|state| R::from_f64(network.exit(state))).collect(),
        };
        if states <= SMALL.0 && network.target.len() <= SMALL.1 {
            graph.small = Some(graph.compact());
        }
        graph
    }

    fn compact(&self) -> Small<R> {
        Small {
            first: padded(self.spans.iter().map(|span| span.0)),
            degree: padded(self.spans.iter().map(|span| span.1)),
            exit: padded(self.exit.iter().copied()),
            keep: padded(self.slots.iter().map(|slot| slot.0)),
            other: padded(self.slots.iter().map(|slot| slot.1)),
            target: padded(self.target.iter().copied()),
            none: self.no_edge(),
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
    match &graph.small {
        Some(small) => walk_small(small, words, event, state, edge, total),
        None => walk_any(graph, words, event, state, edge, total),
    }
}

/// `a` where the condition holds, `b` where not, without a branch: nobody can foretell it.
#[inline(always)]
fn select(condition: bool, a: u32, b: u32) -> u32 {
    b ^ ((a ^ b) & 0u32.wrapping_sub(u32::from(condition)))
}

/// Lane by lane, by reading tables.
#[inline(always)]
fn walk_any<R: Real>(graph: &Graph<R>, words: &[u32; LANES], event: &Lanes<R>, state: &mut [u32; LANES], edge: &mut [u32; LANES], total: &mut Lanes<R>) {
    let none = graph.no_edge();
    for l in 0..LANES {
        let old = state[l];
        let (first, degree) = graph.spans[old as usize];
        let product = u64::from(words[l]) * u64::from(degree);
        let slot = first + (product >> 32) as u32;
        let (keep, other) = graph.slots[slot as usize];
        let chosen = select((product as u32) < keep, slot, other);
        let happens = event.0[l] != R::ZERO;
        let now = select(happens, graph.target[chosen as usize], old);
        edge[l] = select(happens, chosen, none);
        state[l] = now;
        total.0[l] = graph.exit[now as usize];
    }
}

/// All lanes at once, by comparing with every state and edge.
#[inline(always)]
fn walk_small<R: Real>(small: &Small<R>, words: &[u32; LANES], event: &Lanes<R>, state: &mut [u32; LANES], edge: &mut [u32; LANES], total: &mut Lanes<R>) {
    let Small { first, degree, exit, keep, other, target, none } = *small;
    let (mut slot, mut part) = ([0u32; LANES], [0u32; LANES]);
    // Several passes: one would need more tables than there are registers.
    for l in 0..LANES {
        let product = u64::from(words[l]) * u64::from(look_up(state[l], degree));
        slot[l] = look_up(state[l], first) + (product >> 32) as u32;
        part[l] = product as u32;
    }
    for l in 0..LANES {
        slot[l] = if part[l] < look_up(slot[l], keep) { slot[l] } else { look_up(slot[l], other) };
    }
    for l in 0..LANES {
        let happens = event.0[l] != R::ZERO;
        let now = look_up(slot[l], target);
        state[l] = if happens { now } else { state[l] };
        edge[l] = if happens { slot[l] } else { none };
    }
    for (total, &state) in total.0.iter_mut().zip(state.iter()) {
        *total = look_up(state, exit);
    }
}

/// An entry of a small table, by comparing with every place.
#[inline(always)]
fn look_up<T: Copy, const N: usize>(place: u32, table: [T; N]) -> T {
    let mut value = table[0];
    for (k, &entry) in table.iter().enumerate().skip(1) {
        value = if place == k as u32 { entry } else { value };
    }
    value
}

/// `count += 1` where an edge was walked.
#[inline(always)]
#[expect(clippy::extra_unused_type_parameters, reason = "every kernel has the same parameters")]
pub(in crate::backend::cpu) fn count_edge<R: Real, const FMA: bool>(which: u32, edge: &[u32; LANES], count: &mut [u32; LANES]) {
    for l in 0..LANES {
        count[l] += u32::from(edge[l] == which);
    }
}

/// `counts[slots[edge]] += 1`, lane by lane.
#[inline(always)]
#[expect(clippy::extra_unused_type_parameters, reason = "every kernel has the same parameters")]
pub(in crate::backend::cpu) fn count_edges<R: Real, const FMA: bool>(slots: &[u32], edge: &[u32; LANES], counts: &mut [[u32; LANES]]) {
    for l in 0..LANES {
        counts[slots[edge[l] as usize] as usize][l] += 1;
    }
}

/// `sums[slots[state]] += elapsed`, lane by lane.
#[inline(always)]
pub(in crate::backend::cpu) fn add_dwell<R: Real, const FMA: bool>(slots: &[u32], state: &[u32; LANES], elapsed: &Lanes<R>, sums: &mut [[f64; LANES]]) {
    for l in 0..LANES {
        sums[slots[state[l] as usize] as usize][l] += elapsed.0[l].to_f64();
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
