//! Jump processes, compiled: reactions between copy numbers, and a walker on a graph of states.
//!
//! # How a trajectory is advanced (every backend does exactly this)
//!
//! Time is an integer segment and an offset inside it, `t = segment·clock.length + offset`, `0 ≤ offset < clock.length`; the clock does not
//! depend on the saves. Candidate event number `n = 0, 1, …` of a trajectory owns two 32-bit words: block `n / 2` of
//! [`crate::random::Purpose::Event`], words `2(n % 2)` (waiting time) and `2(n % 2) + 1` (choice). Its waiting hazard is `h = −ln u` with the
//! first word (as [`crate::maths`] makes it for Box–Muller).
//!
//! *Steady rates* (`bound` is `None` and the propensities read no row): the event is at `offset + h/W`, `W = Σ_ρ w_ρ`, carried into later segments.
//! *Rows* (propensities read rows, constant inside a segment): if `offset + h/W` is not before the segment's end, `h` is reduced by
//! `W·(length − offset)` and the trajectory goes on from the start of the next segment with what is left, without new random numbers.
//! *Moving rates* (`bound` is there): the same with the bound `B ≥ W` of the segment in place of `W`; at the candidate's own time the
//! propensities are evaluated, and the candidate is an event only if `u₂·B < W`.
//! The channel is the first with `Σ_{σ ≤ ρ} w_σ > u₂·W` (moving: `> u₂·B`), never one with `w_ρ = 0`.
//!
//! A state of propensity 0 stays for ever. A save at time `t` sees the state after every event before `t`; saves change no path.

use serde::Serialize;

pub use crate::experiment::jump::MOST_CHANNELS;
use crate::expression::Program;

/// Integer time of jump kernels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Clock {
    /// Number of segments of the run.
    pub segments: u64,
    /// Length of a segment.
    pub length: f64,
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
}

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

/// Units of dwell time in a tally: a clock length is this many.
pub const DWELL_UNITS: f64 = 1_048_576.0;

/// A value carried by every trajectory of a jump process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JumpColumn {
    /// `∫ n_i dt` of a count since measuring started.
    Integral(u16),
    /// How often a channel fired since measuring started.
    Fired(u16),
    /// Number of events since measuring started.
    Activity,
    /// Time spent in a state of a network since measuring started.
    Dwell(u16),
    /// `Σ ln[w_ρ(n)/w_−ρ(n')]` over the events of a set of channels, [`Reactions::log_ratios`], both rates at the time of the event.
    LogRatio(u16),
    /// `Σ [φ(n, t) − φ(n', t)]` over all events, [`Reactions::surprise`].
    Excess,
    /// `Σ [E(n', t) − E(n, t)]` over all events, [`Reactions::energy`].
    EnergyJump,
    /// Sum of a table over the edges walked, [`Network::tables`].
    TableSum(u16),
    /// An output of [`Reactions::derived`]; in `series` only.
    Derived(u16),
}
