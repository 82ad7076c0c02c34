//! The text written for a jump process: one thread one trajectory, from save to save event by event.
//!
//! A step of the kernel is the time between two saves. Where rates move, see [`segments`]; at steady rates ([`steady`], [`network`]) times are double-length sums, which no save touches, so that
//! saves change no path. Random words, choices and their order are those of the text of [`crate::plan::Reactions`]'s module: but for the rounding of times the paths are the native ones.

mod bridge;
mod choice;
mod exchange;
mod interventions;
mod leaps;
mod network;
mod segments;
mod steady;

use std::fmt::Write;

use self::bridge::{Residence, bridge, variables};
use super::kernel::{constants_table, line, number};
use super::layout::Layout;
use crate::backend::BackendError;
use crate::expression::wgsl;
use crate::plan::{Column, Dynamics, InitialState, JumpColumn, Plan, Reactions};

/// Refuses a plan that has no kernels.
///
/// # Errors
/// What it has no kernels for.
pub(super) fn runnable(plan: &Plan) -> Result<(), BackendError> {
    let refuse = |what: &str| Err(BackendError::jumps_on_gpu(what));
    let reactions = match &plan.dynamics {
        Dynamics::Overdamped(_) => return Ok(()),
        Dynamics::Network(network) => return network::runnable(network),
        Dynamics::Exchange(exchange) => return exchange::runnable(exchange),
        Dynamics::Reactions(reactions) => reactions,
    };
    if reactions.leaping.is_some() && !leaps::counts_are_in_order(plan, &Layout::of_plan(plan)) {
        return refuse("leaps that count only some channels");
    }
    if plan.series.iter().any(|column| !matches!(column, Column::Initial(_) | Column::Position(_) | Column::Jump(JumpColumn::Derived(_)))) {
        return refuse("time series of sums");
    }
    if matches!(&plan.initial, InitialState::Point(counts) if counts.iter().any(|count| count.abs() >= 16_777_216.0)) {
        return refuse("counts above 16777215, which single precision does not tell apart,");
    }
    let steps = plan.schedule.steps.max(plan.relaxation_steps) + 1;
    if steps.checked_mul(reactions.clock.segments).is_none_or(|product| product > u64::from(u32::MAX)) {
        return refuse("so many saves of so many segments");
    }
    if choice::are_many(plan, reactions) && reactions.log_ratios.len() > 32 {
        return refuse("entropies of more than 31 baths over more than 64 channels or 16 species");
    }
    Ok(())
}

/// Whether a plan goes by leaps.
pub(super) fn leaps(plan: &Plan) -> bool {
    matches!(&plan.dynamics, Dynamics::Reactions(Reactions { leaping: Some(_), .. }))
}

/// A slot of the state between dispatches: the name of the variable and its type.
type Slot = (&'static str, &'static str);

/// Slots after those that come back, with names of their own.
fn clock(plan: &Plan) -> Vec<(String, &'static str)> {
    let slots = match &plan.dynamics {
        Dynamics::Reactions(reactions) if reactions.leaping.is_some() => return leaps::slots(plan, reactions),
        Dynamics::Reactions(reactions) if segments::are_needed(reactions) => segments::SLOTS.to_vec(),
        Dynamics::Network(network) => network::slots(network),
        _ => steady::SLOTS.to_vec(),
    };
    let outside = match &plan.dynamics {
        Dynamics::Reactions(reactions) => interventions::slots(reactions),
        _ => Vec::new(),
    };
    slots.into_iter().map(|(name, kind)| (name.to_owned(), kind)).chain(outside).collect()
}

/// Number of those slots.
pub(super) fn clock_slots(plan: &Plan) -> usize {
    clock(plan).len()
}

/// Counters that come back: one a channel; a network that tallies them needs none.
pub(super) fn counters(plan: &Plan) -> usize {
    match &plan.dynamics {
        // Leaps count in sums: a leap may fire more often than 32 bits hold in the end.
        Dynamics::Reactions(reactions) if reactions.leaping.is_none() => reactions.channels.len(),
        Dynamics::Network(network) if !network.tallies || plan.columns.iter().any(|column| matches!(column, Column::Jump(JumpColumn::Fired(_)))) => {
            network.channels
        }
        _ => 0,
    }
}

/// Sums that are kept: those of the columns that are not counts of events.
pub(super) fn sums(plan: &Plan) -> Vec<Column> {
    let kept = |column: &&Column| {
        matches!(
            column,
            Column::Jump(
                JumpColumn::Integral(_)
                    | JumpColumn::Dwell(_)
                    | JumpColumn::LogRatio(_)
                    | JumpColumn::TableSum(_)
                    | JumpColumn::Crossed(_)
                    | JumpColumn::EnergyJump
                    | JumpColumn::Excess
            )
        ) || matches!(column, Column::Jump(JumpColumn::Fired(_))) && leaps(plan)
    };
    plan.columns.iter().filter(kept).copied().collect()
}

/// What the shader reads at binding 1: constants of the formulas, or the tables of a network.
pub(super) fn constants(plan: &Plan) -> Option<Vec<u32>> {
    match &plan.dynamics {
        Dynamics::Network(network) => Some(network::tables(network)),
        _ => None,
    }
}

/// Length of [`constants`], where it is a table of a network.
pub(super) fn table_length(plan: &Plan) -> Option<u64> {
    match &plan.dynamics {
        Dynamics::Network(network) => Some(network::table_length(network)),
        _ => None,
    }
}

/// The propensities and the constants they read; of a network its tables.
pub(super) fn programs(plan: &Plan) -> String {
    let reactions = match &plan.dynamics {
        Dynamics::Reactions(reactions) => reactions,
        Dynamics::Network(network) => return network::declarations(network),
        Dynamics::Overdamped(_) | Dynamics::Exchange(_) => return String::new(),
    };
    let mut text = constants_table(plan);
    text.push_str(&wgsl(&reactions.propensities, "propensities", plan.coordinates.len() + 1));
    text.push('\n');
    if segments::are_needed(reactions) {
        text.push_str(&segments::programs(plan, reactions));
    }
    if let Some(leaping) = &reactions.leaping {
        text.push_str(&leaps::programs(plan, leaping));
    }
    if let Some(derived) = &reactions.derived {
        text.push_str(&wgsl(derived, "derived", plan.coordinates.len() + 1));
        text.push('\n');
    }
    text
}

/// State and functions named in `shaders/kernel.wgsl`, but `save`.
pub(super) fn functions(plan: &Plan, layout: &Layout) -> String {
    let residence = Residence::of(plan, layout);
    let dynamics = match &plan.dynamics {
        Dynamics::Reactions(reactions @ Reactions { leaping: Some(leaping), .. }) => leaps::functions(plan, reactions, leaping, layout),
        Dynamics::Reactions(reactions) if segments::are_needed(reactions) => segments::functions(plan, reactions, layout),
        Dynamics::Reactions(reactions) => steady::functions(plan, reactions, layout),
        Dynamics::Network(network) => network::functions(plan, network, layout, &residence),
        Dynamics::Exchange(exchange) => exchange::functions(plan, exchange, layout, &residence),
        Dynamics::Overdamped(_) => String::new(),
    };
    let derived = match &plan.dynamics {
        Dynamics::Reactions(reactions) => reactions.derived.as_ref().map(|program| show(plan, reactions, program.outputs.len())).unwrap_or_default(),
        _ => String::new(),
    };
    [variables(plan, layout, &residence), bridge(plan, layout, &residence), WORDS.to_owned(), dynamics, derived].join("\n") + "\n"
}

/// Both words of a candidate.
const WORDS: &str = "// Both words of a candidate: waiting time and choice.
fn candidate_words(n: u32) -> vec2<u32> {
    let words = philox(vec4<u32>(n / 2u, dispatch.purpose, trajectory.x, trajectory.y), vec2<u32>(dispatch.key_low, dispatch.key_high));
    return select(words.xy, words.zw, n % 2u == 1u);
}
";

/// Derived quantities at a save; NaN where the counts are.
fn show(plan: &Plan, reactions: &Reactions, outputs: usize) -> String {
    let (clock, steps, columns) = (reactions.clock, plan.schedule.steps.max(1), plan.uniforms.columns);
    let (segments, length) = (clock.segments, number(clock.length));
    let arguments = segments::arguments(plan, "at");
    let mut text = format!(
        "fn show(number: u32) -> array<f32, {outputs}> {{
    let product = number * {segments}u;
    var place = product / {steps}u;
    var at = f32(product % {steps}u) / {steps}.0 * {length};
    // The end of the run is the end of the last segment.
    if (place >= {segments}u) {{
        place = {segments}u - 1u;
        at = {length};
    }}
    var values = derived({arguments}, {columns}u * (1u + place));
    let absent = (bitcast<u32>(x[0]) & 0x7f800000u) == 0x7f800000u;
"
    );
    for k in 0..outputs {
        line!(text, "    values[{k}] = select(values[{k}], bitcast<f32>(0x7fc00000u ^ dispatch.zero), absent);");
    }
    text + "    return values;\n}\n"
}

/// Candidates after which a trajectory is given up.
fn most_candidates(most_events: u64) -> u32 {
    u32::try_from(most_events).unwrap_or(u32::MAX - 1)
}

/// Sums over time, of those that are private to a lane.
fn elapse(layout: &Layout, residence: &Residence) -> String {
    let mut text = String::from("fn elapse(time: f32) {\n");
    for (s, column) in layout.sums.iter().enumerate().filter(|(s, _)| residence.is_private(*s)) {
        match column {
            Column::Jump(JumpColumn::Integral(i)) => {
                line!(text, "    partial[{s}] = fma(x[{i}], time, partial[{s}]);");
            }
            Column::Jump(JumpColumn::Dwell(state)) => {
                line!(text, "    partial[{s}] += select(0.0, time, x[0] == {state}.0);");
            }
            _ => {}
        }
    }
    text + &residence.elapse() + "}\n"
}
