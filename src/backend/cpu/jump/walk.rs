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
    /// Mean time until a walker leaves a state.
    pause: Vec<R>,
    small: Option<Small<R>>,
}

/// States and edges a network may have to be walked by comparing.
const SMALL: (usize, usize) = (4, 8);

/// The same tables of a small network, in registers. What is below 16 takes four bits of a word, so that a shift looks it up.
#[derive(Clone, Copy)]
struct Small<R> {
    /// First edge of each state and how many there are; of these the binary logarithm where it is `doubling`.
    spans: u32,
    /// Whether every state has a power of 2 of them: then a shift multiplies.
    doubling: bool,
    pause: [R; SMALL.0],
    keep: [u32; SMALL.1],
    /// The other edge of each slot.
    other: u32,
    target: u32,
    none: u32,
}

/// Numbers below 16, the first one lowest.
fn packed(numbers: impl Iterator<Item = u32>) -> u32 {
    numbers.enumerate().fold(0, |word, (k, number)| word | number << (4 * k))
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
            pause: (0..states).map(|state| R::from_f64(1.0 / network.exit(state))).collect(),
        };
        if states <= SMALL.0 && network.target.len() <= SMALL.1 {
            graph.small = Some(graph.compact());
        }
        graph
    }

    fn compact(&self) -> Small<R> {
        let edges = self.target.len() - 1;
        let doubling = self.spans.iter().all(|(_, degree)| degree.is_power_of_two());
        let size = |degree: u32| if doubling { degree.ilog2() } else { degree };
        Small {
            spans: packed(self.spans.iter().flat_map(|&(first, degree)| [first, size(degree)])),
            doubling,
            pause: padded(self.pause.iter().copied()),
            keep: padded(self.slots[..edges].iter().map(|slot| slot.0)),
            other: packed(self.slots[..edges].iter().map(|slot| slot.1)),
            target: packed(self.target[..edges].iter().copied()),
            none: self.no_edge(),
        }
    }

    /// Mean time until a walker leaves a state, infinite where it cannot; NaN where there is no such state.
    pub(super) fn pause(&self, state: f64) -> R {
        let known = state >= 0.0 && state.floor() == state;
        self.pause.get(state as usize).copied().filter(|_| known).unwrap_or(R::NAN)
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
    pause: &mut Lanes<R>,
) {
    match &graph.small {
        Some(small) if small.doubling => walk_small::<R, true>(small, words, event, state, edge, pause),
        Some(small) => walk_small::<R, false>(small, words, event, state, edge, pause),
        None => walk_any(graph, words, event, state, edge, pause),
    }
}

/// `a` where the condition holds, `b` where not, without a branch: nobody can foretell it.
#[inline(always)]
fn select(condition: bool, a: u32, b: u32) -> u32 {
    b ^ ((a ^ b) & 0u32.wrapping_sub(u32::from(condition)))
}

/// Lane by lane, by reading tables.
#[inline(always)]
fn walk_any<R: Real>(graph: &Graph<R>, words: &[u32; LANES], event: &Lanes<R>, state: &mut [u32; LANES], edge: &mut [u32; LANES], pause: &mut Lanes<R>) {
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
        pause.0[l] = graph.pause[now as usize];
    }
}

/// All lanes at once, with the tables in registers.
#[inline(always)]
fn walk_small<R: Real, const DOUBLING: bool>(
    small: &Small<R>,
    words: &[u32; LANES],
    event: &Lanes<R>,
    state: &mut [u32; LANES],
    edge: &mut [u32; LANES],
    pause: &mut Lanes<R>,
) {
    let Small { spans, pause: pauses, keep, other, target, none, .. } = *small;
    let (mut slot, mut part, mut happens) = ([0u32; LANES], [0u32; LANES], [0u32; LANES]);
    // Several passes: numbers of one width fill the widest vectors.
    for (happens, event) in happens.iter_mut().zip(&event.0) {
        *happens = u32::from(*event != R::ZERO);
    }
    for l in 0..LANES {
        let span = spans >> (8 * (state[l] & 3));
        let (first, size, word) = (span & 15, span >> 4 & 15, words[l]);
        if DOUBLING {
            slot[l] = first + ((word >> 1) >> (31 - size));
            part[l] = word << size;
        } else {
            let product = u64::from(word) * u64::from(size);
            slot[l] = first + (product >> 32) as u32;
            part[l] = product as u32;
        }
    }
    for l in 0..LANES {
        let slot = slot[l] & 7;
        let chosen = if part[l] < of_eight(slot, keep) { slot } else { other >> (4 * slot) & 15 };
        let now = target >> (4 * (chosen & 7)) & 15;
        let happens = happens[l] != 0;
        state[l] = if happens { now & 3 } else { state[l] };
        edge[l] = if happens { chosen } else { none };
    }
    for (pause, &state) in pause.0.iter_mut().zip(state.iter()) {
        *pause = of_four(state, pauses);
    }
}

/// An entry of a small table, bit by bit of its place.
#[inline(always)]
fn of_four<T: Copy>(place: u32, [a, b, c, d]: [T; 4]) -> T {
    let odd = place & 1 != 0;
    let (low, high) = (if odd { b } else { a }, if odd { d } else { c });
    if place & 2 != 0 { high } else { low }
}

/// Likewise.
#[inline(always)]
fn of_eight<T: Copy>(place: u32, [a, b, c, d, e, f, g, h]: [T; 8]) -> T {
    let (low, high) = (of_four(place, [a, b, c, d]), of_four(place, [e, f, g, h]));
    if place & 4 != 0 { high } else { low }
}

/// `count += 1` where an edge was walked.
#[inline(always)]
#[expect(clippy::extra_unused_type_parameters, reason = "every kernel has the same parameters")]
pub(in crate::backend::cpu) fn count_edge<R: Real, const FMA: bool>(which: u32, edge: &[u32; LANES], count: &mut [u32; LANES]) {
    for l in 0..LANES {
        count[l] += u32::from(edge[l] == which);
    }
}

/// Edges that [`count_packed`] tells apart, beside none.
pub(super) const PACKED_EDGES: usize = 7;
/// Rounds after which a count of [`count_packed`] may be full.
pub(super) const PACKED_ROUNDS: u32 = 15;

/// Counts the edge walked in its own four bits of a word; what has walked none is counted above all others, where it may overflow.
#[inline(always)]
#[expect(clippy::extra_unused_type_parameters, reason = "every kernel has the same parameters")]
pub(in crate::backend::cpu) fn count_packed<R: Real, const FMA: bool>(edge: &[u32; LANES], packed: &mut [u32; LANES]) {
    for (packed, edge) in packed.iter_mut().zip(edge) {
        *packed = packed.wrapping_add(1 << (4 * (edge & 7)));
    }
}

/// The packed count of an edge.
#[inline(always)]
pub(super) fn unpacked(which: u32, packed: u32) -> u32 {
    packed >> (4 * which) & 15
}

/// `count += packed count of an edge`.
#[inline(always)]
#[expect(clippy::extra_unused_type_parameters, reason = "every kernel has the same parameters")]
pub(in crate::backend::cpu) fn unpack<R: Real, const FMA: bool>(which: u32, packed: &[u32; LANES], count: &mut [u32; LANES]) {
    for (count, &packed) in count.iter_mut().zip(packed) {
        *count += unpacked(which, packed);
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

/// `sums[state] += elapsed` where every one of a few states has its sum.
#[inline(always)]
pub(in crate::backend::cpu) fn add_dwells<R: Real, const FMA: bool>(state: &[u32; LANES], elapsed: &Lanes<R>, sums: &mut [[f64; LANES]]) {
    let (threes, rest) = sums.as_chunks_mut::<3>();
    let (twos, ones) = rest.as_chunks_mut::<2>();
    let first = 3 * threes.len();
    threes.iter_mut().enumerate().for_each(|(k, three)| add_some_dwells(3 * k, state, elapsed, three));
    twos.iter_mut().for_each(|two| add_some_dwells(first, state, elapsed, two));
    ones.as_chunks_mut::<1>().0.iter_mut().for_each(|one| add_some_dwells(first, state, elapsed, one));
}

/// Likewise, of states in a row.
#[inline(always)]
fn add_some_dwells<R: Real, const N: usize>(first: usize, state: &[u32; LANES], elapsed: &Lanes<R>, sums: &mut [[f64; LANES]; N]) {
    for l in 0..LANES {
        let (state, elapsed) = (state[l], elapsed.0[l].to_f64());
        for (k, sum) in sums.iter_mut().enumerate() {
            sum[l] += if state == (first + k) as u32 { elapsed } else { 0.0 };
        }
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
