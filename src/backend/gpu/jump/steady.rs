//! Shader text for rates that do not move: times are double-length sums of waiting times.

use std::fmt::Write;

use super::bridge::Residence;
use super::{Slot, choice, elapse, most_candidates};
use crate::backend::gpu::kernel::line;
use crate::backend::gpu::layout::Layout;
use crate::plan::{Plan, Reactions};

/// Slots between dispatches.
pub(super) const SLOTS: [Slot; 6] = [("next.x", "f32"), ("next.y", "f32"), ("now.x", "f32"), ("now.y", "f32"), ("candidate", "u32"), ("choice", "u32")];

/// Variables, beside those that all jump processes have.
pub(super) const VARIABLES: &str = "// Times of the next and of the last event, double-length; number of the next candidate and the word that will choose.
var<private> next: vec2<f32>;
var<private> now: vec2<f32>;
var<private> candidate: u32;
var<private> choice: u32;
";

/// Everything from `begin` to `step`.
pub(super) fn functions(plan: &Plan, reactions: &Reactions, layout: &Layout) -> String {
    [time(plan), weigh(plan, reactions), event(plan, reactions, layout), step(plan, layout)].join("\n")
}

/// Times of saves, and their order.
pub(super) fn save_time(plan: &Plan) -> String {
    let dt = plan.schedule.dt;
    let (high, low) = (dt as f32, (dt - f64::from(dt as f32)) as f32);
    format!(
        "// Time of a save: its number times the time between saves.
fn save_time(save: u32) -> vec2<f32> {{
    let count = f32(save);
    let product = opaque(count * {high:?}f);
    let rest = fma(count, {high:?}f, -product) + count * {low:?}f;
    let sum = opaque(product + rest);
    return vec2<f32>(sum, rest - opaque(sum - product));
}}

fn before(a: vec2<f32>, b: vec2<f32>) -> bool {{
    return a.x < b.x || (a.x == b.x && a.y < b.y);
}}
"
    )
}

/// Times of saves, waiting. Needs `total_rate` and `weigh`.
pub(super) fn time(plan: &Plan) -> String {
    save_time(plan) + WAIT
}

const WAIT: &str = "
// The next event, from the last one on; never where nothing can happen.
fn wait() {
    let words = candidate_words(candidate);
    choice = words.y;
    next = vec2<f32>(3.0e38, 0.0);
    if (total_rate > 0.0) {
        next = flush(now, ness_negative_log_uniform(words.x) / total_rate);
    }
}

fn begin() {
    now = vec2<f32>(0.0, 0.0);
    candidate = 0u;
    weigh();
    wait();
}
";

fn weigh(plan: &Plan, reactions: &Reactions) -> String {
    let counts: Vec<String> = (0..plan.coordinates.len()).map(|i| format!("x[{i}]")).collect();
    let mut text = format!("fn weigh() {{\n    w = propensities(array<f32, {}>({}, 0.0), 0u);\n    var sum = 0.0;\n", counts.len() + 1, counts.join(", "));
    for channel in 0..reactions.channels.len() {
        line!(text, "    w[{channel}] = max(w[{channel}], 0.0);\n    sum += w[{channel}];");
    }
    text + "    total_rate = sum;\n}\n"
}

/// Counts that single precision cannot hold, and trajectories that explode, are given up: an open block, to be closed.
pub(super) fn give_up(plan: &Plan, reactions: &Reactions, broken: &str) -> String {
    let most = most_candidates(reactions.most_events);
    let large: Vec<String> = (0..plan.coordinates.len()).map(|i| format!("abs(x[{i}]) >= 16777216.0")).collect();
    let mut text = format!("    if (candidate >= {most}u || {broken} || {}) {{\n", large.join(" || "));
    for i in 0..plan.coordinates.len() {
        line!(text, "        x[{i}] = bitcast<f32>(0x7fc00000u ^ dispatch.zero);");
    }
    text
}

/// One event: time passes, a channel fires, the books are kept.
fn event(plan: &Plan, reactions: &Reactions, layout: &Layout) -> String {
    let residence = Residence::of(plan, layout);
    let mut text = elapse(layout, &residence);
    text.push_str("\nfn event() {\n    elapse((next.x - now.x) + (next.y - now.y));\n");
    text.push_str("    let u = min((f32(choice) + 0.5) * 2.3283064e-10f, 0.99999994f);\n");
    text.push_str("    let aim = min(u * total_rate, total_rate * 0.99999994f);\n");
    text.push_str(&choice::choose(plan, reactions));
    text.push_str(choice::forward(plan, reactions));
    text.push_str(&choice::fire(plan, reactions, layout, &residence));
    text.push_str("    weigh();\n");
    text.push_str(&choice::log_ratios(plan, reactions, layout));
    text.push_str("    now = next;\n    candidate += 1u;\n    if (candidate % 64u == 0u) {\n        flush_own_sums();\n    }\n    wait();\n");
    text.push_str(&give_up(plan, reactions, "!(total_rate <= 3.0e37)"));
    text + "        next = vec2<f32>(3.0e38, 0.0);\n    }\n}\n"
}

pub(super) fn step(plan: &Plan, layout: &Layout) -> String {
    let mut text = String::from("// From one save to the next.\nfn step(row: u32, n: u32) {\n    let until = save_time(n + 1u);\n");
    text.push_str("    while (before(next, until)) {\n        event();\n    }\n");
    if !layout.sums.is_empty() {
        line!(text, "    if (n + 1u == {}u) {{\n        elapse((until.x - now.x) + (until.y - now.y));\n    }}", plan.schedule.steps);
    }
    text + "}\n"
}
