//! Shader text for assignments from outside, at the starts of segments and when conditions turn true.
//!
//! Twin of `src/backend/cpu/jump/interventions.rs`. What conditions were when last looked at is one bit each.

use std::fmt::Write;

use super::segments::arguments;
use crate::backend::gpu::kernel::line;
use crate::expression::{Program, wgsl};
use crate::plan::{Intervention, MOST_ROUNDS, Plan, Reactions, Trigger};

/// The conditions, each with the number of its intervention.
fn conditions(reactions: &Reactions) -> Vec<(usize, &Program)> {
    let all = reactions.interventions.iter().enumerate();
    all.filter_map(|(k, intervention)| match &intervention.trigger {
        Trigger::Condition(program) => Some((k, program)),
        Trigger::Segment(_) => None,
    })
    .collect()
}

/// Words of the conditions.
fn words(reactions: &Reactions) -> usize {
    conditions(reactions).len().div_ceil(32)
}

/// Slots between dispatches.
pub(super) fn slots(reactions: &Reactions) -> Vec<(String, &'static str)> {
    (0..words(reactions)).map(|word| (format!("known[{word}]"), "u32")).collect()
}

/// Variables of a lane.
pub(super) fn variables(reactions: &Reactions) -> String {
    if reactions.interventions.is_empty() {
        return String::new();
    }
    let mut text = String::from("// Whether an assignment from outside left no number, or conditions did not come to rest.\nvar<private> unsound: bool;\n");
    if words(reactions) > 0 {
        line!(text, "// Conditions as last looked at.\nvar<private> known: array<u32, {}>;", words(reactions));
    }
    text
}

/// New counts, and conditions.
pub(super) fn programs(plan: &Plan, reactions: &Reactions) -> String {
    let dimensions = plan.coordinates.len() + 1;
    let mut text = String::new();
    for (k, intervention) in reactions.interventions.iter().enumerate() {
        text.push_str(&(wgsl(&intervention.values, &format!("values{k}"), dimensions) + "\n"));
    }
    for (k, program) in conditions(reactions) {
        text.push_str(&(wgsl(program, &format!("condition{k}"), dimensions) + "\n"));
    }
    text
}

/// `assign`, `look`, `enter` and `open`.
pub(super) fn functions(plan: &Plan, reactions: &Reactions) -> String {
    if reactions.interventions.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for (k, intervention) in reactions.interventions.iter().enumerate() {
        text.push_str(&assign(plan, k, intervention));
    }
    text + &look(plan, reactions) + &enter(reactions) + &open(reactions)
}

/// Values are evaluated before any is set; the nearest integer, not below 0.
fn assign(plan: &Plan, k: usize, intervention: &Intervention) -> String {
    let mut text = format!("fn assign{k}() {{\n    let values = values{k}({}, present_row());\n", arguments(plan, "shown_offset()"));
    for (place, target) in intervention.targets.iter().enumerate() {
        line!(text, "    let n{place} = floor(values[{place}] + 0.5);\n    x[{target}] = select(n{place}, 0.0, n{place} < 0.0);");
        line!(text, "    unsound = unsound || (bitcast<u32>(n{place}) & 0x7f800000u) == 0x7f800000u;");
    }
    text + "}\n\n"
}

/// All conditions are looked at, then those that turned happen in their order, until none turns.
fn look(plan: &Plan, reactions: &Reactions) -> String {
    let conditions = conditions(reactions);
    if conditions.is_empty() {
        return "fn look() {}\n\n".to_owned();
    }
    let words = words(reactions);
    let mut text = format!("fn look() {{\n    for (var round = 0u; round < {MOST_ROUNDS}u; round++) {{\n        var turned: array<u32, {words}>;\n");
    let bit = |place: usize| (place / 32, format!("{}u", 1u32 << (place % 32)));
    for (place, (k, _)) in conditions.iter().enumerate() {
        let (word, bit) = bit(place);
        line!(text, "        let now{k} = condition{k}({}, present_row())[0] != 0.0;", arguments(plan, "shown_offset()"));
        line!(text, "        turned[{word}] |= select(0u, {bit} & ~known[{word}], now{k});");
        line!(text, "        known[{word}] = select(known[{word}] & ~{bit}, known[{word}] | {bit}, now{k});");
    }
    let none: Vec<String> = (0..words).map(|word| format!("turned[{word}] == 0u")).collect();
    line!(text, "        if ({}) {{\n            return;\n        }}", none.join(" && "));
    for (place, (k, _)) in conditions.iter().enumerate() {
        let (word, bit) = bit(place);
        line!(text, "        if ((turned[{word}] & {bit}) != 0u) {{\n            assign{k}();\n        }}");
    }
    text + "    }\n    unsound = true;\n}\n\n"
}

/// What happens at the start of a segment; tells whether anything did.
fn enter(reactions: &Reactions) -> String {
    let mut text = String::from("fn enter() -> bool {\n    var any = true;\n    switch segment {\n");
    let mut segments: Vec<u64> = Vec::new();
    for intervention in &reactions.interventions {
        match intervention.trigger {
            // At the end of the run nothing happens any more.
            Trigger::Segment(segment) if segment < reactions.clock.segments => segments.push(segment),
            _ => {}
        }
    }
    segments.sort_unstable();
    segments.dedup();
    for segment in segments {
        line!(text, "        case {segment}u: {{");
        for (k, _) in reactions.interventions.iter().enumerate().filter(|(_, other)| matches!(other.trigger, Trigger::Segment(s) if s == segment)) {
            line!(text, "            assign{k}();");
        }
        text.push_str("            look();\n        }\n");
    }
    text + "        default: {\n            any = false;\n        }\n    }\n    return any;\n}\n\n"
}

/// Conditions count as true before the start; they are looked at there, and after what happens at time 0.
fn open(reactions: &Reactions) -> String {
    let mut text = String::from("fn open() {\n    unsound = false;\n");
    for word in 0..words(reactions) {
        line!(text, "    known[{word}] = 0xffffffffu;");
    }
    text + "    look();\n    enter();\n    weigh();\n    give_up(unsound);\n}\n"
}
