//! Shader text for tau-leaping: the structure of `src/backend/cpu/jump/leaps.rs` leap by leap, with numbers equal in law.
//!
//! `x` holds the counts that saves see. A leap under way is what is left of its firings, the counts at its begin, and where in it the last save was; saves share out what is left and change no total.

use std::fmt::Write;

use crate::backend::gpu::kernel::{line, number};
use crate::backend::gpu::layout::Layout;
use crate::expression::wgsl;
use crate::plan::{CRITICAL_FIRINGS, Channel, Column, EXACT_EVENTS, JumpColumn, Leaping, Plan, Reactions};

use super::{most_candidates, segments, steady};

/// Variables, beside those that all jump processes have.
fn scalars() -> [(&'static str, &'static str); 13] {
    [
        ("begun.x", "f32"),
        ("begun.y", "f32"),
        ("ends.x", "f32"),
        ("ends.y", "f32"),
        ("seen.x", "f32"),
        ("seen.y", "f32"),
        ("extent", "f32"),
        ("longest", "f32"),
        ("exact", "u32"),
        ("last", "u32"),
        ("pending", "u32"),
        ("candidate", "u32"),
        ("bridge_block", "u32"),
    ]
}

/// Slots between dispatches.
pub(super) fn slots(plan: &Plan, reactions: &Reactions) -> Vec<(String, &'static str)> {
    let own = scalars().into_iter().map(|(name, kind)| (name.to_owned(), kind));
    let counts = (0..plan.coordinates.len()).map(|i| (format!("base[{i}]"), "f32"));
    own.chain(counts).chain((0..reactions.channels.len()).map(|k| (format!("left[{k}]"), "f32"))).collect()
}

/// Variables of a lane.
pub(super) fn variables(plan: &Plan) -> String {
    let d = plan.coordinates.len();
    format!(
        "// Times of the begin and the end of the leap and of what saves have seen of it, double-length; its length; the longest that may be tried; events of the direct method to come;
// the channel that fires at its end besides; whether it is under way; number of the next advance; the next block of words for saves.
var<private> begun: vec2<f32>;
var<private> ends: vec2<f32>;
var<private> seen: vec2<f32>;
var<private> extent: f32;
var<private> longest: f32;
var<private> exact: u32;
var<private> last: u32;
var<private> pending: u32;
var<private> candidate: u32;
var<private> bridge_block: u32;
// Counts at its begin, firings to come, and the share that a save is about to see, with the counts after it.
var<private> base: array<f32, {d}>;
var<private> left: array<f32, CHANNELS>;
var<private> share: array<f32, CHANNELS>;
var<private> after: array<f32, {d}>;
const FOREVER: f32 = 3.0e38f;
"
    )
}

/// What leaps read besides the propensities.
pub(super) fn programs(plan: &Plan, leaping: &Leaping) -> String {
    wgsl(&leaping.sensitivities, "sensitivities", plan.coordinates.len() + 1) + "\n"
}

/// Everything from `begin` to `step`.
pub(super) fn functions(plan: &Plan, reactions: &Reactions, leaping: &Leaping, layout: &Layout) -> String {
    let parts = [
        steady::save_time(plan),
        BEGIN.to_owned(),
        weigh(plan, reactions),
        event(reactions),
        fire(plan, &reactions.channels),
        bound(plan, reactions, leaping),
        leap(plan, reactions, leaping),
        advance(plan, reactions),
        share(plan, layout),
        finish(plan, reactions, layout),
        step(plan, layout),
    ];
    parts.join("\n")
}

const BEGIN: &str = "fn weigh() {}

fn relaxing() -> bool {
    return dispatch.save_every == 0xffffffffu;
}

fn begin() {
    begun = vec2<f32>(0.0, 0.0);
    longest = FOREVER;
    exact = 0u;
    pending = 0u;
    candidate = 0u;
}

fn is_lost() -> bool {
    return (bitcast<u32>(x[0]) & 0x7f800000u) == 0x7f800000u;
}
";

/// Propensities, negative ones as 0; tells whether they are sound.
fn weigh(plan: &Plan, reactions: &Reactions) -> String {
    let arguments = segments::arguments(plan, "0.0");
    let mut text = format!("fn weigh_up() -> bool {{\n    w = propensities({arguments}, 0u);\n    var sum = 0.0;\n    var raw = 0.0;\n");
    for channel in 0..reactions.channels.len() {
        line!(text, "    raw += w[{channel}];\n    w[{channel}] = max(w[{channel}], 0.0);\n    sum += w[{channel}];");
    }
    let duration = reactions.clock.length * reactions.clock.segments as f64;
    line!(text, "    total_rate = sum;\n    return sum <= 3.0e37 && sum - raw <= 0.00034526698 * (sum + {});\n}}", number(1.0 / duration));
    text
}

/// The next event of the direct method among weights in `share`: when, and which channel.
fn event(reactions: &Reactions) -> String {
    let channels = reactions.channels.len();
    format!(
        "fn next_event(sum: f32) -> f32 {{
    let length = ness_negative_log_uniform(draw_word()) / sum;
    let aim = min(draw_uniform() * sum, sum * 0.99999994f);
    var reached = 0.0;
    var chosen = 0u;
    for (var k = 0u; k < {channels}u; k++) {{
        reached += share[k];
        chosen += select(1u, 0u, reached > aim);
    }}
    last = min(chosen, {channels}u - 1u);
    return length;
}}

fn direct_event() {{
    share = w;
    extent = next_event(total_rate);
    for (var k = 0u; k < {channels}u; k++) {{
        left[k] = 0.0;
    }}
}}
"
    )
}

/// Counts after the firings in `share`, from those in `after` on; tells whether none is below 0.
fn fire(plan: &Plan, channels: &[Channel]) -> String {
    let mut text = String::from("fn fire() -> bool {\n");
    for (k, channel) in channels.iter().enumerate() {
        for (i, change) in &channel.change {
            line!(text, "    after[{i}] = fma({change}.0, share[{k}], after[{i}]);");
        }
    }
    let sound: Vec<String> = (0..plan.coordinates.len()).map(|i| format!("after[{i}] >= 0.0")).collect();
    line!(text, "    return {};\n}}\n\nfn fire_last() {{\n    switch last {{", sound.join(" && "));
    for (k, channel) in channels.iter().enumerate() {
        line!(text, "        case {k}u: {{");
        for (i, change) in &channel.change {
            line!(text, "            after[{i}] += {change}.0;");
        }
        text.push_str("        }\n");
    }
    text + "        default: {}\n    }\n}\n"
}

/// `τ'`, with the propensities of critical channels in `share` and those of the others in `left`.
fn bound(plan: &Plan, reactions: &Reactions, leaping: &Leaping) -> String {
    let d = plan.coordinates.len();
    let mut text = format!("fn step_bound() -> f32 {{\n    let size = sensitivities({}, 0u);\n", segments::arguments(plan, "0.0"));
    for i in 0..d {
        line!(text, "    var drift{i} = 0.0;\n    var spread{i} = 0.0;\n    var order{i} = 0.0;");
    }
    for (k, channel) in reactions.channels.iter().enumerate() {
        let near: Vec<String> = channel
            .change
            .iter()
            .filter(|(_, change)| *change < 0)
            .map(|(i, change)| format!("floor(x[{i}] / {}.0) < {CRITICAL_FIRINGS:?}", -change))
            .collect();
        let near = if near.is_empty() { "false".to_owned() } else { near.join(" || ") };
        line!(text, "    let critical{k} = {near};\n    share[{k}] = select(0.0, w[{k}], critical{k});\n    left[{k}] = select(w[{k}], 0.0, critical{k});");
        let reads = &leaping.reads[k];
        line!(text, "    let degree{k} = select({}.0, size[{k}] / w[{k}], w[{k}] > 0.0);", reads.len());
        for i in reads {
            line!(text, "    order{i} = max(select(order{i}, degree{k}, degree{k} > order{i}), 1.0);");
        }
        for (i, change) in &channel.change {
            line!(text, "    drift{i} = fma({change}.0, left[{k}], drift{i});\n    spread{i} = fma({}.0, left[{k}], spread{i});", i64::from(*change).pow(2));
        }
    }
    text.push_str("    var bound = FOREVER;\n");
    for i in 0..d {
        line!(
            text,
            "    if (order{i} > 0.0 && spread{i} > 0.0) {{
        let room = max({} * x[{i}] / order{i}, 1.0);
        bound = min(bound, room * room / spread{i});
        if (drift{i} != 0.0) {{
            bound = min(bound, room / abs(drift{i}));
        }}
    }}",
            number(leaping.tolerance)
        );
    }
    text + "    return bound;\n}\n"
}

/// A leap that stays above 0 becomes the one under way; tells whether there is one.
fn leap(plan: &Plan, reactions: &Reactions, leaping: &Leaping) -> String {
    let channels = reactions.channels.len();
    let part = number(leaping.part);
    let mut text = format!(
        "fn leap() -> bool {{
    let free = step_bound();
    // A leap is worth it when it lasts longer than ten events.
    if (min(free, longest) < 10.0 / total_rate) {{
        exact = {}u;
        longest = FOREVER;
        direct_event();
        return true;
    }}
    let bound = min({part} * free, longest);
    var sum = 0.0;
    for (var k = 0u; k < {channels}u; k++) {{
        sum += share[k];
    }}
    var first = FOREVER;
    if (sum > 0.0) {{
        first = next_event(sum);
    }}
    extent = min(bound, first);
    if (bound > 1.0e37) {{
        // Where nothing that is read changes, one leap goes to the end.
        let end = horizon();
        extent = min(extent, max((end.x - begun.x) + (end.y - begun.y), 0.0));
    }}
    if (first > extent || sum == 0.0) {{
        last = {channels}u;
    }}
    for (var k = 0u; k < {channels}u; k++) {{
        left[k] = poisson(left[k] * extent);
        share[k] = left[k];
    }}
    after = x;
    fire();
    fire_last();
",
        EXACT_EVENTS - 1
    );
    let below: Vec<String> = (0..plan.coordinates.len()).map(|i| format!("after[{i}] < 0.0")).collect();
    line!(text, "    if ({}) {{\n        longest = 0.5 * min(bound, extent);\n        return false;\n    }}", below.join(" || "));
    text + "    longest = FOREVER;\n    return true;\n}\n"
}

/// The next leap or event; what would go beyond the end of the run is cut there, before any save can share it.
fn advance(plan: &Plan, reactions: &Reactions) -> String {
    let (steps, relaxation, channels) = (plan.schedule.steps, plan.relaxation_steps, reactions.channels.len());
    let large: Vec<String> = (0..plan.coordinates.len()).map(|i| format!("abs(x[{i}]) >= 16777216.0")).collect();
    let lose: Vec<String> = (0..plan.coordinates.len()).map(|i| format!("x[{i}] = bitcast<f32>(0x7fc00000u ^ dispatch.zero);")).collect();
    format!(
        "fn horizon() -> vec2<f32> {{
    return save_time(select({steps}u, {relaxation}u, relaxing()));
}}

fn advance() {{
    let sound = weigh_up();
    if (candidate >= {most}u || !sound || {large}) {{
        {lose}
        return;
    }}
    start_draws(dispatch.purpose, candidate, 0u);
    candidate += 1u;
    bridge_block = 0u;
    var ready = true;
    if (total_rate == 0.0) {{
        direct_event();
        extent = FOREVER;
    }} else if (exact > 0u) {{
        exact -= 1u;
        direct_event();
    }} else {{
        ready = leap();
    }}
    if (!ready) {{
        return;
    }}
    pending = 1u;
    base = x;
    seen = begun;
    ends = flush(begun, extent);
    let end = horizon();
    if (before(end, ends)) {{
        let whole = share_out(end);
        for (var k = 0u; k < {channels}u; k++) {{
            left[k] = select(0.0, share[k], whole);
        }}
        seen = begun;
        ends = end;
        extent = (end.x - begun.x) + (end.y - begun.y);
        last = {channels}u;
    }}
}}
",
        most = most_candidates(reactions.most_events),
        large = large.join(" || "),
        lose = lose.join("\n        "),
    )
}

/// What of the firings left falls before a time: drawn anew while a count would be below 0; tells whether that came to an end.
fn share(plan: &Plan, layout: &Layout) -> String {
    let counted = first_count(plan, layout).map_or(String::new(), |first| format!("        total[{first}u + k] = flush(total[{first}u + k], share[k]);\n"));
    format!(
        "fn share_out(until: vec2<f32>) -> bool {{
    var part = 1.0;
    if (before(until, ends)) {{
        part = clamp(((until.x - seen.x) + (until.y - seen.y)) / ((ends.x - seen.x) + (ends.y - seen.y)), 0.0, 1.0);
    }}
    seen = until;
    start_draws(dispatch.purpose + 0x2000000u, candidate, bridge_block);
    var sound = false;
    for (var round = 0u; round < 64u && !sound; round++) {{
        for (var k = 0u; k < CHANNELS; k++) {{
            share[k] = binomial(left[k], part);
        }}
        after = x;
        sound = fire();
    }}
    bridge_block = draw_counter.x & 0xffffu;
    return sound;
}}

// What a save sees; without a share it sees the counts of the save before.
fn reach(until: vec2<f32>) {{
    if (share_out(until)) {{
        x = after;
        take_share();
    }}
}}

fn take_share() {{
    for (var k = 0u; k < CHANNELS; k++) {{
        left[k] -= share[k];
{counted}    }}
}}
"
    )
}

/// The first of the sums that count firings, where there is one for every channel, in order.
fn first_count(plan: &Plan, layout: &Layout) -> Option<usize> {
    let crate::plan::Dynamics::Reactions(reactions) = &plan.dynamics else { return None };
    let first = layout.sum(Column::Jump(JumpColumn::Fired(0)))?;
    (0..reactions.channels.len()).all(|k| layout.sum(Column::Jump(JumpColumn::Fired(k as u16))) == Some(first + k)).then_some(first)
}

/// Whether every count of firings that is wanted can be kept.
pub(super) fn counts_are_in_order(plan: &Plan, layout: &Layout) -> bool {
    let wanted = plan.columns.iter().any(|column| matches!(column, Column::Jump(JumpColumn::Fired(_))));
    !wanted || first_count(plan, layout).is_some()
}

/// `∫ n dt` with the count straight between the begin of the leap and now.
fn integrate(layout: &Layout, text: &mut String) {
    for (s, column) in layout.sums.iter().enumerate() {
        if let Column::Jump(JumpColumn::Integral(i)) = column {
            line!(text, "    total[{s}] = flush(total[{s}], 0.5 * past * (base[{i}] + x[{i}]));");
        }
    }
}

/// The leap comes to its end.
fn finish(plan: &Plan, reactions: &Reactions, layout: &Layout) -> String {
    let channels = reactions.channels.len();
    let mut text = String::from("fn integrate(past: f32) {\n");
    integrate(layout, &mut text);
    text.push_str("}\n\nfn finish() {\n    share = left;\n    after = x;\n    fire();\n    x = after;\n    take_share();\n    integrate(extent);\n");
    text.push_str("    after = x;\n    fire_last();\n    x = after;\n");
    if let Some(first) = first_count(plan, layout) {
        line!(text, "    if (last < {channels}u) {{\n        total[{first}u + last] = flush(total[{first}u + last], 1.0);\n    }}");
    }
    text + "    begun = ends;\n    pending = 0u;\n}\n"
}

fn step(plan: &Plan, layout: &Layout) -> String {
    let (steps, relaxation) = (plan.schedule.steps, plan.relaxation_steps);
    let mut text = format!(
        "// From one save to the next, a leap at a time.
fn step(row: u32, n: u32) {{
    let until = save_time(n + 1u);
    while (!is_lost()) {{
        if (pending == 0u) {{
            advance();
        }} else if (before(ends, until)) {{
            finish();
        }} else {{
            break;
        }}
    }}
    if (is_lost() || (relaxing() && n + 1u != {relaxation}u)) {{
        return;
    }}
    reach(until);
"
    );
    if layout.sums.iter().any(|column| matches!(column, Column::Jump(JumpColumn::Integral(_)))) {
        line!(text, "    if (n + 1u == {steps}u && !relaxing()) {{\n        integrate((until.x - begun.x) + (until.y - begun.y));\n    }}");
    }
    text + "}\n"
}
