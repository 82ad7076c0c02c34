//! Jump processes, compiled: reactions between copy numbers, and a walker on a graph of states.
//!
//! # How a trajectory is advanced (every backend does exactly this)
//!
//! Time is an integer segment and an offset inside it, `t = segment·clock.length + offset`, `0 ≤ offset < clock.length`; the clock does not
//! depend on the saves and ends with the schedule: step `k` of `K` is at segment `⌊k·S/K⌋`, offset `(k·S mod K)/K·length` (integers, `S` segments).
//! Candidate event number `n = 0, 1, …` of a trajectory owns two 32-bit words: block `n / 2` of [`crate::random::Purpose::Event`],
//! words `2(n % 2)` (waiting time) and `2(n % 2) + 1` (choice). Its waiting hazard is `h = −ln u` with the first word (as [`crate::maths`] makes it for
//! Box–Muller); `u₂ = (word + ½)/2³²` with the second, cut to the largest number below 1. `W` is the sum of the propensities in order, negative ones as 0.
//!
//! *Steady rates* (no [`Reactions::has_rows`]): the event is at `offset + h/W`, carried into later segments: `q` more of them,
//! `q = ⌊t/length⌋`, and the offset `t − q·length`, not below 0.
//! *Rows* (some program of the events reads rows; propensities are constant inside a segment): if `offset + h/W` is not before the segment's end, `h` is reduced by
//! `W·(length − offset)`, not below 0, and the trajectory goes on from the start of the next segment with what is left, without new random numbers.
//! So it does at a segment that starts with an intervention, where rates are steady.
//! *Moving rates* (`bound` is there): the same with the bound `B ≥ W` of the segment in place of `W`; at the candidate's own time the
//! propensities are evaluated, and the candidate is an event only if `u₂·B < W`. A candidate that is none moves the offset all the same.
//! The channel is the first with `Σ_{σ ≤ ρ} w_σ > u₂·W` (moving: `> u₂·B`), never one with `w_ρ = 0`.
//!
//! A *network* chooses by its alias tables ([`Network::alias`]) in integers: out of a state with `m` edges from `first` on, with `p = m·word₂` (64 bits),
//! slot `e = first + ⌊p/2³²⌋` is the edge walked if `p mod 2³² < keep[e]`, otherwise `other[e]` is. `W` is [`Network::exit`]; rates are steady.
//!
//! A state of propensity 0 stays for ever. A save at time `t` sees the state after every event before `t`; saves change no path. Sums over time reach
//! from event to event, and at a save over what has passed since the last one: nothing is added up at saves. The last save reads the last row.
//!
//! *Before measuring* `relaxation_steps` of the schedule's steps are run likewise from segment 0 with the purpose of relaxation, the resting row in place of
//! every row, an offset that programs read as 0, and no interventions. Then time, candidate numbers and all sums start from 0.
//!
//! *Interventions*: those of segment `k` happen in their order when the trajectory enters segment `k`, then saves at that time are taken.
//! Conditions count as true before the start. They are looked at, all of them, at the start, after every event and after the interventions of a segment; those that turned happen in their order,
//! each on the counts the one before left, and then all are looked at again, until none turned. [`Column::Initial`](super::Column::Initial) is the state before
//! those of segment 0.
//!
//! *Tau-leaping* ([`Reactions::leaping`]; rates are steady, nothing intervenes) goes by leaps instead (Cao, Gillespie & Petzold, J. Chem. Phys. 124, 044109, 2006).
//! Advance number `k` of a trajectory draws from blocks `k·2¹⁶ + 0, 1, …` of [`crate::random::Purpose::Leap`], what saves need from [`crate::random::Purpose::Bridge`].
//! A channel is critical where fewer than [`CRITICAL_FIRINGS`] of it use up a species. With `μ_i`, `σ²_i` the drift and spread of a count by the other channels,
//! `τ' = min_i min(a_i/|μ_i|, a_i²/σ²_i)`, `a_i = max(ε n_i/g_i, 1)`; `g_i` is the largest total order `Σ_j |∂ln w_ρ/∂ln n_j|` of the channels that read `n_i`
//! (`2 + 1/(n_i − 1)` for `2 A → …`, 2 for `A + B → …`). Where `τ' < 10/W`, [`EXACT_EVENTS`] events of the direct method follow. Otherwise the leap lasts
//! `τ = min(τ', −ln u/W_critical)` (`τ'` shortened by [`Leaping::part`]): every other channel fires a Poisson number of times of mean `w_ρ τ`, and a critical one once if its time has come.
//! A leap below 0 is drawn anew with half of `τ'`. A save inside a leap shares the firings binomially, so saves do not cut leaps, and change no path (the end of the run shares first);
//! `∫ n dt` takes the count as straight in between.
//!
//! *A trajectory is given up* when it needs candidate number `most_events`; when a propensity is NaN or infinite; when the negative ones sum to less than
//! `−√ε (W + 1/length)` (`ε` is the spacing of numbers at 1); when `B` is NaN or negative, or less than `W` at a candidate by more than `√ε·W`; when conditions
//! turn [`MOST_ROUNDS`] times in a row without an event. All its columns are then NaN, and it is left out of series and counts from the next save on.

use std::ops::Range;

use serde::Serialize;

pub use crate::experiment::jump::MOST_CHANNELS;
use crate::expression::Program;

/// Integer time of jump kernels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Clock {
    /// Number of segments of the run.
    pub segments: u64,
    /// Length of a segment; all segments together last as long as the schedule.
    pub length: f64,
}

impl Clock {
    /// Segment and offset of a step of a schedule of `steps`.
    pub fn at(&self, step: u64, steps: u64) -> (u64, f64) {
        let product = u128::from(step) * u128::from(self.segments);
        let steps = u128::from(steps.max(1));
        ((product / steps) as u64, (product % steps) as f64 / steps as f64 * self.length)
    }
}

/// Reactions between copy numbers, or a small network with rates that move: the state is a vector of integers, one a coordinate of the plan.
///
/// Programs read the counts as coordinates `0 .. d` and the offset inside the segment as coordinate `d`; their rows
/// ([`super::Uniforms::rows`], one a segment) hold the start of the segment and whatever else the protocol needs.
#[derive(Clone, Debug, Serialize)]
pub struct Reactions {
    /// Integer time.
    pub clock: Clock,
    /// The channels, at most [`MOST_CHANNELS`]; their order decides which channel a random number chooses.
    pub channels: Vec<Channel>,
    /// One output a channel: its propensity. Where a channel lacks reactants it is 0 (or negative by rounding, which counts as 0).
    pub propensities: Program,
    /// One output: at the present counts, no less than the sum of the propensities anywhere in the segment. `None` when rates do not move inside a segment.
    pub bound: Option<Program>,
    /// One output: the energy of a state; read by [`JumpColumn::EnergyJump`].
    pub energy: Option<Program>,
    /// Outputs: what [`JumpColumn::Derived`] shows at saves.
    pub derived: Option<Program>,
    /// For every [`JumpColumn::LogRatio`] its channels: `which[k][ρ]`.
    pub log_ratios: Vec<Vec<bool>>,
    /// `φ = −ln p_ss` over states and time; read by [`JumpColumn::Excess`].
    pub surprise: Option<Surprise>,
    /// Assignments from outside.
    pub interventions: Vec<Intervention>,
    /// Candidates after which a trajectory is given up: its columns become NaN.
    pub most_events: u64,
    /// Tau-leaping, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaping: Option<Leaping>,
}

/// Firings that a channel is away from using up a species below which it is critical: it then fires one by one.
pub const CRITICAL_FIRINGS: f64 = 10.0;
/// Events of the direct method after a leap that would be too short to be worth it.
pub const EXACT_EVENTS: u32 = 100;

/// Explicit tau-leaping of reactions whose rates do not move.
#[derive(Clone, Debug, Serialize)]
pub struct Leaping {
    /// Largest relative change of a propensity in a leap, `ε`.
    pub tolerance: f64,
    /// Leaps last this part of `τ'`: 1, or ½ to see what their length does.
    pub part: f64,
    /// One output a channel: `Σ_i |n_i ∂w_ρ/∂n_i|`, of the counts.
    pub sensitivities: Program,
    /// For every channel the coordinates that its propensity reads.
    pub reads: Vec<Vec<u16>>,
}

impl Reactions {
    /// Whether trajectories go from segment to segment: rates move inside them, or something that events read is in rows.
    pub fn has_rows(&self) -> bool {
        let conditions = self.interventions.iter().filter_map(|intervention| match &intervention.trigger {
            Trigger::Condition(program) => Some(program),
            Trigger::Segment(_) => None,
        });
        let values = self.interventions.iter().map(|intervention| &intervention.values);
        self.bound.is_some() || [&self.propensities].into_iter().chain(&self.energy).chain(conditions).chain(values).any(Program::reads_schedule)
    }
}

/// Rounds of conditions in a row after which a trajectory is given up.
pub const MOST_ROUNDS: usize = 64;

/// A channel of [`Reactions`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// What an event adds to the counts: coordinate and change, each coordinate once, no zeros.
    pub change: Vec<(u16, i32)>,
    /// The channel that undoes it.
    pub reverse: Option<u16>,
}

/// A change of the counts from outside.
#[derive(Clone, Debug, Serialize)]
pub struct Intervention {
    /// When.
    pub trigger: Trigger,
    /// Coordinates that are set, in order.
    pub targets: Vec<u16>,
    /// One output a target: its new count (rounded to the nearest integer by the kernel, not below 0); all are evaluated before any is set.
    pub values: Program,
}

/// When an [`Intervention`] happens.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// At the start of a segment, before any event in it; saves at that time see the state after it.
    Segment(u64),
    /// Whenever this program (one output) turns from 0 to not 0, looked at after every event and intervention. It counts as not 0 before the start.
    Condition(Program),
}

/// `φ(n, t)` on a box of states, linear in time inside every segment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Surprise {
    /// Smallest count of every coordinate in the box.
    pub lower: Vec<u32>,
    /// Number of counts of every coordinate in the box; the last coordinate runs fastest. Outside the box φ is NaN.
    pub extent: Vec<u32>,
    /// `values[(2·segment + side)·states + state]`: φ at the start (side 0) and end (side 1) of a segment; only segment 0 with `clock.segments == 1`
    /// or where `steady` is set.
    #[serde(skip)]
    pub values: Vec<f64>,
    /// True when one segment's two rows (equal) serve all segments.
    pub steady: bool,
}

/// One walker on a graph of any size at rates that do not move.
///
/// The only coordinate of the plan is the index of the state. Edges out of state `s` are `first[s] .. first[s + 1]`.
#[derive(Clone, Debug, Serialize)]
pub struct Network {
    /// Integer time.
    pub clock: Clock,
    /// Names of the states.
    pub states: Vec<String>,
    /// Length `states + 1`.
    pub first: Vec<u32>,
    /// Where an edge leads.
    pub target: Vec<u32>,
    /// Its rate, above 0.
    pub rate: Vec<f64>,
    /// The edge that undoes it: the index of an edge.
    pub reverse: Vec<Option<u32>>,
    /// Its number among the channels as the user wrote them; read by [`JumpColumn::Fired`].
    pub channel: Vec<u32>,
    /// Number of channels.
    pub channels: usize,
    /// `tables[k][edge]`: what a jump along an edge adds to [`JumpColumn::TableSum`] `k`.
    pub tables: Vec<Vec<f64>>,
    /// Whether [`crate::backend::Batch::tallies`] are wanted: jumps of every channel and time in every state, summed over a statistics block.
    pub tallies: bool,
    /// Events after which a trajectory is given up: its columns become NaN.
    pub most_events: u64,
}

/// How a walker on a network chooses its edge (Walker, Electron. Lett. 10, 127 (1974); Vose, IEEE Trans. Softw. Eng. 17, 972 (1991)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alias {
    /// For every edge `2³²` times the probability that its slot keeps it, cut to `2³² − 1` (such a slot has itself for the other edge).
    pub keep: Vec<u32>,
    /// The edge a slot stands for otherwise.
    pub other: Vec<u32>,
}

impl Network {
    /// Sum of the rates out of a state, in the order of its edges.
    pub fn exit(&self, state: usize) -> f64 {
        // From 0: the sum of nothing would be −0, and its inverse a time in the past.
        self.rate[self.edges(state)].iter().fold(0.0, |sum, rate| sum + rate)
    }

    /// Edges out of a state.
    pub fn edges(&self, state: usize) -> Range<usize> {
        self.first[state] as usize..self.first[state + 1] as usize
    }

    /// The alias tables of all states, by Vose's method in f64: lists of small and large slots in the order of edges, both taken from the end.
    pub fn alias(&self) -> Alias {
        let mut alias = Alias { keep: Vec::new(), other: Vec::new() };
        for state in 0..self.first.len().saturating_sub(1) {
            let edges = self.edges(state);
            let own = Alias::of(&self.rate[edges.clone()]);
            alias.keep.extend(own.keep);
            alias.other.extend(own.other.iter().map(|slot| slot + edges.start as u32));
        }
        alias
    }
}

impl Alias {
    /// The table of rates above 0, in f64: lists of small and large slots in order, both taken from the end.
    pub fn of(rates: &[f64]) -> Self {
        let mut alias = Self { keep: vec![u32::MAX; rates.len()], other: (0..rates.len() as u32).collect() };
        let scale = rates.len() as f64 / rates.iter().fold(0.0, |sum, rate| sum + rate);
        let mut share: Vec<f64> = rates.iter().map(|rate| rate * scale).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..share.len()).partition(|&slot| share[slot] < 1.0);
        while let (Some(&under), Some(&over)) = (small.last(), large.last()) {
            small.pop();
            alias.keep[under] = (share[under] * 4_294_967_296.0).min(f64::from(u32::MAX)) as u32;
            alias.other[under] = over as u32;
            share[over] -= 1.0 - share[under];
            if share[over] < 1.0 {
                large.pop();
                small.push(over);
            }
        }
        alias
    }
}

/// Units of dwell time in a tally: a clock length is this many.
pub const DWELL_UNITS: f64 = 1_048_576.0;

/// A value carried by every trajectory of a jump process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JumpColumn {
    /// `∫ n_i dt` of a count since measuring started.
    Integral(u16),
    /// How often a channel fired since measuring started; for a network the channel as the user wrote it.
    Fired(u16),
    /// Number of events since measuring started.
    Activity,
    /// Time spent in a state of a network since measuring started.
    Dwell(u16),
    /// `Σ ln[w_ρ(n)/w_−ρ(n')]` over the events of a set of channels, [`Reactions::log_ratios`], both rates at the time of the event, before any condition;
    /// infinite where a channel of the set has no reverse, or one of rate 0. Of a rod, number 0: `−dE/T` summed over the exchanges with baths.
    LogRatio(u16),
    /// `Σ [φ(n, t) − φ(n', t)]` over all events, [`Reactions::surprise`].
    Excess,
    /// `Σ [E(n', t) − E(n, t)]` over all events, [`Reactions::energy`].
    EnergyJump,
    /// Sum of a table over the edges walked, [`Network::tables`].
    TableSum(u16),
    /// Energy that has crossed a bond of a rod to the right since measuring started.
    Crossed(u16),
    /// An output of [`Reactions::derived`]; in `series` only.
    Derived(u16),
}
