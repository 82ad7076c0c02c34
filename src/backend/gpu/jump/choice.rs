//! Shader text for the channel that fires: a few channels are unrolled, of many only the one that fires is touched.

use std::fmt::Write;

use super::bridge::Residence;
use crate::backend::gpu::kernel::line;
use crate::backend::gpu::layout::Layout;
use crate::plan::{Column, JumpColumn, Plan, Reactions};

/// Channels and coordinates up to which both are unrolled.
const FEW: (usize, usize) = (64, 16);

/// Whether channels are told apart by a number instead of a condition each.
pub(super) fn are_many(plan: &Plan, reactions: &Reactions) -> bool {
    reactions.channels.len() > FEW.0 || plan.coordinates.len() > FEW.1
}

/// Chooses the first channel whose cumulative sum exceeds `aim`; none where no sum does.
pub(super) fn choose(plan: &Plan, reactions: &Reactions) -> String {
    let mut text = String::new();
    if are_many(plan, reactions) {
        text.push_str("    var chosen = 0u;\n    var reached = 0.0;\n");
        for channel in 0..reactions.channels.len() {
            line!(text, "    reached += w[{channel}];\n    chosen += select(1u, 0u, reached > aim);");
        }
        return text;
    }
    text.push_str("    let sum0 = w[0];\n    let fires0 = sum0 > aim;\n");
    for channel in 1..reactions.channels.len() {
        let earlier = channel - 1;
        line!(text, "    let sum{channel} = sum{earlier} + w[{channel}];\n    let fires{channel} = sum{channel} > aim && !(sum{earlier} > aim);");
    }
    text
}

/// Counts the firing and changes the counts.
pub(super) fn fire(plan: &Plan, reactions: &Reactions, layout: &Layout, residence: &Residence) -> String {
    let mut text = String::new();
    if are_many(plan, reactions) {
        text.push_str("    switch chosen {\n");
        for (index, channel) in reactions.channels.iter().enumerate().filter(|(_, channel)| !channel.change.is_empty()) {
            line!(text, "        case {index}u: {{");
            for (coordinate, change) in &channel.change {
                line!(text, "            x[{coordinate}] += {change}.0;");
            }
            text.push_str("        }\n");
        }
        text.push_str("        default: {}\n    }\n");
        let counter =
            if residence.counters { format!("state[({}u + chosen) * dispatch.stride + own_place]", layout.fired) } else { "fired[chosen]".to_owned() };
        line!(text, "    if (chosen < {}u) {{\n        {counter} += 1u;\n    }}", reactions.channels.len());
        return text;
    }
    for (index, channel) in reactions.channels.iter().enumerate() {
        line!(text, "    fired[{index}] += select(0u, 1u, fires{index});");
        for (coordinate, change) in &channel.change {
            line!(text, "    x[{coordinate}] += select(0.0, {change}.0, fires{index});");
        }
    }
    text
}

/// Keeps what [`log_ratios`] reads of the propensities before the event.
pub(super) fn forward(plan: &Plan, reactions: &Reactions) -> &'static str {
    match (reactions.log_ratios.is_empty(), are_many(plan, reactions)) {
        (true, _) => "",
        (false, true) => "    let forward = w[min(chosen, CHANNELS - 1u)];\n",
        (false, false) => "    let forward = w;\n",
    }
}

/// `ln(w/w')` of the channel that fired and of its reverse right after, added to the sums of its sets.
pub(super) fn log_ratios(plan: &Plan, reactions: &Reactions, layout: &Layout) -> String {
    let mut text = String::new();
    let sets: Vec<(usize, usize)> = layout
        .sums
        .iter()
        .enumerate()
        .filter_map(|(s, column)| match column {
            Column::Jump(JumpColumn::LogRatio(set)) => Some((s, usize::from(*set))),
            _ => None,
        })
        .collect();
    if sets.is_empty() {
        return text;
    }
    if are_many(plan, reactions) {
        return many_log_ratios(reactions, &sets);
    }
    for (s, set) in sets {
        for (index, channel) in reactions.channels.iter().enumerate().filter(|(index, _)| reactions.log_ratios[set][*index]) {
            if let Some(back) = channel.reverse {
                line!(text, "    if (fires{index}) {{\n        partial[{s}] += ness_log(forward[{index}] / w[{back}]);\n    }}");
            }
        }
    }
    text
}

/// The same with the reverse looked up; bit `k` of `sets` says whether the channel is in the `k`-th set.
fn many_log_ratios(reactions: &Reactions, sets: &[(usize, usize)]) -> String {
    let mut text = String::from("    var back = 0.0;\n    var sets = 0u;\n    switch chosen {\n");
    for (index, channel) in reactions.channels.iter().enumerate() {
        let member = |(bit, (_, set)): (usize, &(usize, usize))| u32::from(reactions.log_ratios[*set][index]) << bit;
        let bits: u32 = sets.iter().enumerate().map(member).sum();
        if let Some(reverse) = channel.reverse.filter(|_| bits != 0) {
            line!(text, "        case {index}u: {{\n            back = w[{reverse}];\n            sets = {bits}u;\n        }}");
        }
    }
    text.push_str("        default: {}\n    }\n    if (sets != 0u) {\n        let ratio = ness_log(forward / back);\n");
    for (bit, (s, _)) in sets.iter().enumerate() {
        line!(text, "        partial[{s}] += select(0.0, ratio, (sets & {}u) != 0u);", 1u32 << bit);
    }
    text + "    }\n"
}
