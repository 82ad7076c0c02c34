//! Jump processes on the native processor: reactions between copy numbers, and walkers on a network; see [`crate::plan::Reactions`] and
//! the text of its module for what every backend does.

mod derived;
pub(super) mod exchange;
mod interventions;
pub(super) mod kernels;
mod leaps;
mod ledgers;
mod network;
mod programs;
pub(super) mod race;
mod reactions;
mod snapshots;
pub(super) mod walk;
mod walkers;

use self::exchange::Exchanging;
use self::leaps::Leaps;
use self::network::Walking;
use self::race::Pace;
use self::reactions::Reacting;
pub(super) use self::walk::Graph;
use self::walkers::Walkers;
use super::block::Numbers;
use super::instruction_sets::Kernels;
use super::record::Record;
use crate::maths::Real;
use crate::plan::{Exchange, Network, Plan, Reactions};

/// Runs a group of trajectories (first, count) of reactions; `false` if `pulse` says so.
pub(super) fn run_reactions<R: Real>(
    plan: &Plan,
    dynamics: &Reactions,
    numbers: &Numbers<R>,
    kernels: Kernels<R>,
    (first, count): (u64, usize),
    record: &mut Record,
    pulse: &dyn Fn(u64) -> bool,
) -> bool {
    if let Some(leaping) = &dynamics.leaping {
        return Leaps::new(plan, dynamics, leaping, numbers, kernels).run(first, count, record, pulse);
    }
    let pace = Pace::of(dynamics.clock, dynamics.has_rows());
    let process = Reacting::new(plan, dynamics, numbers, kernels, pace);
    Walkers::new(plan, kernels, process, pace, dynamics.clock, dynamics.most_events).run(first, count, record, pulse)
}

/// Runs a group of trajectories (first, count) of a network; `false` if `pulse` says so.
pub(super) fn run_network<R: Real>(
    plan: &Plan,
    dynamics: &Network,
    graph: &Graph<R>,
    kernels: Kernels<R>,
    (first, count): (u64, usize),
    record: &mut Record,
    pulse: &dyn Fn(u64) -> bool,
) -> bool {
    let process = Walking::new(plan, dynamics, graph, kernels, (first, count));
    Walkers::new(plan, kernels, process, Pace::of(dynamics.clock, false).of_times(), dynamics.clock, dynamics.most_events).run(first, count, record, pulse)
}

/// Runs a group of trajectories (first, count) of a rod; `false` if `pulse` says so.
pub(super) fn run_exchange<R: Real>(
    plan: &Plan,
    dynamics: &Exchange,
    kernels: Kernels<R>,
    (first, count): (u64, usize),
    record: &mut Record,
    pulse: &dyn Fn(u64) -> bool,
) -> bool {
    let process = Exchanging::new(plan, dynamics, kernels);
    Walkers::new(plan, kernels, process, Pace::of(dynamics.clock, false), dynamics.clock, dynamics.most_events).run(first, count, record, pulse)
}
