//! Shader text for rates that move: a trajectory goes from segment to segment of the clock, each with a row of its own.
//!
//! The state between dispatches is the segment, the offset inside it, what is left of the waiting hazard, and the number of the candidate.

use std::fmt::Write;

use super::bridge::Residence;
use super::{Slot, choice, interventions, most_candidates};
use crate::backend::gpu::kernel::{line, number};
use crate::backend::gpu::layout::Layout;
use crate::expression::wgsl;
use crate::plan::{Column, JumpColumn, Plan, Reactions, Surprise};

/// Slots between dispatches.
pub(super) const SLOTS: [Slot; 5] = [("segment", "u32"), ("offset", "f32"), ("hazard", "f32"), ("candidate", "u32"), ("choice", "u32")];

/// Whether a plan needs rows at its events.
pub(super) fn are_needed(reactions: &Reactions) -> bool {
    reactions.has_rows() || reactions.surprise.is_some() || reactions.energy.is_some() || !reactions.interventions.is_empty()
}

/// Variables, beside those that all jump processes have.
pub(super) const VARIABLES: &str =
    "// Where in the schedule, hazard left until the next candidate, number of that candidate, the word that will choose, and the rate at which hazard passes.
var<private> segment: u32;
var<private> offset: f32;
var<private> hazard: f32;
var<private> candidate: u32;
var<private> choice: u32;
var<private> pace: f32;
";

/// Programs that events read beside the propensities.
pub(super) fn programs(plan: &Plan, reactions: &Reactions) -> String {
    let named = [(&reactions.bound, "bound"), (&reactions.energy, "energy")];
    let own: String =
        named.into_iter().filter_map(|(program, name)| program.as_ref().map(|program| wgsl(program, name, plan.coordinates.len() + 1) + "\n")).collect();
    own + &interventions::programs(plan, reactions)
}

/// Everything from `begin` to `step`.
pub(super) fn functions(plan: &Plan, reactions: &Reactions, layout: &Layout) -> String {
    let surprise = reactions.surprise.as_ref().map(|surprise| phi(plan, surprise)).unwrap_or_default();
    let outside = interventions::functions(plan, reactions);
    [time(plan, reactions), weigh(plan, reactions), surprise, outside, give_up(plan, reactions), event(plan, reactions, layout), step(plan, reactions)]
        .join("\n")
}

/// Counts and offset, as programs read them.
pub(super) fn arguments(plan: &Plan, offset: &str) -> String {
    let counts: Vec<String> = (0..plan.coordinates.len()).map(|i| format!("x[{i}]")).collect();
    format!("array<f32, {}>({}, {offset})", counts.len() + 1, counts.join(", "))
}

fn time(plan: &Plan, reactions: &Reactions) -> String {
    let (columns, last) = (plan.uniforms.columns, reactions.clock.segments - 1);
    format!(
        "fn relaxing() -> bool {{
    return dispatch.save_every == 0xffffffffu;
}}

// The row of the present segment; before measuring the resting one.
fn present_row() -> u32 {{
    return select({columns}u * (1u + min(segment, {last}u)), 0u, relaxing());
}}

fn shown_offset() -> f32 {{
    return select(offset, 0.0, relaxing());
}}

// The next candidate.
fn wait() {{
    let words = candidate_words(candidate);
    choice = words.y;
    hazard = ness_negative_log_uniform(words.x);
}}

fn begin() {{
    segment = 0u;
    offset = 0.0;
    candidate = 0u;
    weigh();
    wait();
}}
"
    )
}

fn weigh(plan: &Plan, reactions: &Reactions) -> String {
    let arguments = arguments(plan, "shown_offset()");
    let mut text = format!("fn propensities_now() {{\n    w = propensities({arguments}, present_row());\n    var sum = 0.0;\n");
    for channel in 0..reactions.channels.len() {
        line!(text, "    w[{channel}] = max(w[{channel}], 0.0);\n    sum += w[{channel}];");
    }
    text.push_str("    total_rate = sum;\n}\n\n");
    match &reactions.bound {
        Some(_) => text + &format!("fn weigh() {{\n    pace = bound({arguments}, present_row())[0];\n}}\n"),
        None => text + "fn weigh() {\n    propensities_now();\n    pace = total_rate;\n}\n",
    }
}

/// `φ` behind the rows, linear in time inside a segment.
fn phi(plan: &Plan, surprise: &Surprise) -> String {
    let states: u32 = surprise.extent.iter().product();
    let base = plan.uniforms.resting.len() + plan.uniforms.rows.len();
    let mut text = String::from("fn phi(at: f32) -> f32 {\n    var place = 0u;\n    var inside = true;\n");
    for (i, (lower, extent)) in surprise.lower.iter().zip(&surprise.extent).enumerate() {
        line!(text, "    let p{i} = x[{i}] - {lower}.0;\n    inside = inside && p{i} >= 0.0 && p{i} < {extent}.0;");
        line!(text, "    place = place * {extent}u + u32(clamp(p{i}, 0.0, {}.0));", extent.saturating_sub(1));
    }
    let row = if surprise.steady { "0u".to_owned() } else { format!("min(segment, {}u)", segments_of(surprise, states).saturating_sub(1)) };
    line!(text, "    let start = {base}u + 2u * {states}u * {row} + place;\n    let first = rows[start];");
    line!(text, "    let value = fma(rows[start + {states}u] - first, at, first);");
    text + "    return select(bitcast<f32>(0x7fc00000u ^ dispatch.zero), value, inside);\n}\n"
}

fn segments_of(surprise: &Surprise, states: u32) -> usize {
    surprise.values.len() / (2 * states.max(1) as usize)
}

/// A candidate at an offset of the present segment: an event, or none.
fn event(plan: &Plan, reactions: &Reactions, layout: &Layout) -> String {
    let residence = Residence::of(plan, layout);
    let mut text = super::elapse(layout, &residence);
    text.push_str("\nfn event(at: f32) {\n    elapse(at - offset);\n    offset = at;\n");
    text.push_str("    let u = min((f32(choice) + 0.5) * 2.3283064e-10f, 0.99999994f);\n");
    if reactions.bound.is_some() {
        text.push_str("    propensities_now();\n    var broken = !(total_rate <= pace * 1.00034527f);\n    let aim = u * pace;\n");
    } else {
        text.push_str("    var broken = false;\n    let aim = min(u * total_rate, total_rate * 0.99999994f);\n");
    }
    // Where the candidate is no event, no sum exceeds the aim.
    text.push_str("    let happens = total_rate > aim;\n");
    text.push_str(&choice::choose(plan, reactions));
    let after_event = books(plan, reactions, layout, &mut text);
    text.push_str(&choice::fire(plan, reactions, layout, &residence));
    text.push_str(&after_event);
    if !reactions.interventions.is_empty() {
        text.push_str("    if (happens && !relaxing()) {\n        look();\n        broken = broken || unsound;\n    }\n");
    }
    text.push_str("    candidate += 1u;\n    if (candidate % 64u == 0u) {\n        flush_own_sums();\n    }\n    weigh();\n    wait();\n");
    text + "    give_up(broken);\n}\n"
}

/// Counts that single precision cannot hold, rates that are no numbers, and trajectories that explode, are given up.
fn give_up(plan: &Plan, reactions: &Reactions) -> String {
    let most = most_candidates(reactions.most_events);
    let large: Vec<String> = (0..plan.coordinates.len()).map(|i| format!("abs(x[{i}]) >= 16777216.0")).collect();
    let mut text = String::from("fn give_up(broken: bool) {\n    let unsteady = !(pace >= 0.0) || !(pace <= 3.0e37);\n");
    line!(text, "    if (candidate >= {most}u || broken || unsteady || {}) {{", large.join(" || "));
    for i in 0..plan.coordinates.len() {
        line!(text, "        x[{i}] = bitcast<f32>(0x7fc00000u ^ dispatch.zero);");
    }
    text + "        pace = 0.0;\n    }\n}\n"
}

/// Writes what is read before an event, and gives what is added to the sums after it.
fn books(plan: &Plan, reactions: &Reactions, layout: &Layout, text: &mut String) -> String {
    let mut after = String::new();
    let part = format!("offset * {}", number(1.0 / reactions.clock.length));
    if !reactions.log_ratios.is_empty() {
        text.push_str(choice::forward(plan, reactions));
        line!(after, "    propensities_now();");
    }
    let energy = format!("energy({}, present_row())[0]", arguments(plan, "shown_offset()"));
    for (s, column) in layout.sums.iter().enumerate() {
        match column {
            Column::Jump(JumpColumn::EnergyJump) => {
                line!(text, "    let energy_before = {energy};");
                line!(after, "    partial[{s}] += select(0.0, {energy} - energy_before, happens);");
            }
            Column::Jump(JumpColumn::Excess) => {
                line!(text, "    let phi_before = phi({part});");
                line!(after, "    partial[{s}] += select(0.0, phi_before - phi({part}), happens);");
            }
            _ => {}
        }
    }
    after + &choice::log_ratios(plan, reactions, layout)
}

fn step(plan: &Plan, reactions: &Reactions) -> String {
    let (segments, steps, length) = (reactions.clock.segments, plan.schedule.steps.max(1), number(reactions.clock.length));
    let crossing = if reactions.interventions.is_empty() {
        "            if (pace != 0.0 || (bitcast<u32>(x[0]) & 0x7f800000u) != 0x7f800000u) {\n                weigh();\n            }\n".to_owned()
    } else {
        let rows = reactions.has_rows();
        format!(
            "            if ((bitcast<u32>(x[0]) & 0x7f800000u) != 0x7f800000u) {{
                var changed = {rows};
                if (!relaxing()) {{
                    changed = enter() || changed;
                }}
                if (changed) {{
                    weigh();
                    give_up(unsound);
                }}
            }}
"
        )
    };
    format!(
        "// From one save to the next, a candidate or a segment at a time.
fn step(row: u32, n: u32) {{
    let product = (n + 1u) * {segments}u;
    let stop_segment = product / {steps}u;
    let stop_offset = f32(product % {steps}u) / {steps}.0 * {length};
    loop {{
        var at = 3.0e38;
        if (pace > 0.0) {{
            at = offset + hazard / pace;
        }}
        if (segment > stop_segment || (segment == stop_segment && !(at < stop_offset))) {{
            break;
        }}
        if (at < {length}) {{
            event(at);
        }} else {{
            let rest = {length} - offset;
            elapse(rest);
            hazard = max(hazard - pace * rest, 0.0);
            segment += 1u;
            offset = 0.0;
{crossing}        }}
    }}
}}
"
    )
}
