//! The text written for a jump process: one thread one trajectory, from save to save event by event.
//!
//! A step of the kernel is the time between two saves. Where rates move, see [`segments`]. At steady rates times are double-length sums, which no save touches, so that saves change no path. A small network
//! is run as reactions between its states: its edge is then chosen by cumulative sums, not by alias, so that its paths differ from the native ones and its law does not.

mod segments;

use std::borrow::Cow;
use std::fmt::Write;

use super::kernel::{constants_table, line, load_constants, number};
use super::layout::Layout;
use crate::backend::BackendError;
use crate::expression::{Graph, Slots, Symbol, compile, wgsl};
use crate::plan::{Channel, Column, Dynamics, JumpColumn, Network, Plan, Reactions};

/// Most channels: they are unrolled.
const MOST_CHANNELS: usize = 64;

/// The plan as this backend runs it: a network as reactions.
///
/// # Errors
/// What it has no kernels for.
pub(super) fn runnable(plan: &Plan) -> Result<Cow<'_, Plan>, BackendError> {
    let refuse = |what: &str| Err(BackendError::jumps_on_gpu(what));
    let plan = match &plan.dynamics {
        Dynamics::Overdamped(_) => return Ok(Cow::Borrowed(plan)),
        Dynamics::Reactions(_) => Cow::Borrowed(plan),
        Dynamics::Network(network) if network.tallies || network.rate.len() > MOST_CHANNELS => return refuse("more than 64 edges or states"),
        Dynamics::Network(network) => Cow::Owned(as_reactions(plan, network)?),
    };
    let Dynamics::Reactions(reactions) = &plan.dynamics else { return refuse("such networks") };
    if reactions.leaping.is_some() {
        return refuse("leaps");
    }
    if !reactions.interventions.is_empty() {
        return refuse("events from outside");
    }
    let steps = plan.schedule.steps.max(plan.relaxation_steps) + 1;
    if steps.checked_mul(reactions.clock.segments).is_none_or(|product| product > u64::from(u32::MAX)) {
        return refuse("so many saves of so many segments");
    }
    if reactions.channels.len() > MOST_CHANNELS || plan.coordinates.len() > 16 {
        return refuse("more than 64 channels or 16 species");
    }
    Ok(plan)
}

/// A network as reactions with one coordinate, the state. `TableSum` columns keep their tables.
fn as_reactions(plan: &Plan, network: &Network) -> Result<Plan, BackendError> {
    let mut graph = Graph::new();
    let state = graph.symbol(Symbol::Coordinate(0));
    let zero = graph.constant(0.0);
    let (mut nodes, mut channels) = (Vec::new(), Vec::new());
    for from in 0..network.states.len() {
        for edge in network.edges(from) {
            let (place, rate) = (graph.constant(from as f64), graph.constant(network.rate[edge]));
            let here = graph.equal(state, place);
            nodes.push(graph.select(here, rate, zero));
            let change = vec![(0, network.target[edge] as i32 - from as i32)];
            channels.push(Channel { name: String::new(), change, reverse: network.reverse[edge].map(|edge| edge as u16) });
        }
    }
    let mut slots = Slots::new();
    let propensities = compile(&graph, &nodes, &mut slots).map_err(|_| BackendError::jumps_on_gpu("so many edges"))?;
    let mut plan = plan.clone();
    plan.uniforms.constants = slots.constants(&|_| f64::NAN);
    plan.dynamics = Dynamics::Reactions(Reactions {
        clock: network.clock,
        channels,
        propensities,
        bound: None,
        energy: None,
        derived: None,
        log_ratios: Vec::new(),
        surprise: None,
        interventions: Vec::new(),
        most_events: network.most_events,
        leaping: None,
    });
    Ok(plan)
}

/// What a network adds to the reactions that stand for it: channels and tables by edge.
pub(super) struct Tables<'a>(pub(super) Option<&'a Network>);

impl Tables<'_> {
    /// Channel, as the user numbered them, of every reaction.
    pub(super) fn channel(&self, reaction: usize) -> usize {
        self.0.map_or(reaction, |network| network.channel[reaction] as usize)
    }
}

/// Bridging slots after those that come back: names of the variables and their types.
fn clock(plan: &Plan) -> &'static [(&'static str, &'static str)] {
    match &plan.dynamics {
        Dynamics::Reactions(reactions) if segments::are_needed(reactions) => &segments::SLOTS,
        _ => &[("next.x", "f32"), ("next.y", "f32"), ("now.x", "f32"), ("now.y", "f32"), ("candidate", "u32")],
    }
}

/// Number of those slots.
pub(super) fn clock_slots(plan: &Plan) -> usize {
    clock(plan).len()
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
                    | JumpColumn::EnergyJump
                    | JumpColumn::Excess
            )
        )
    };
    plan.columns.iter().filter(kept).copied().collect()
}

/// The propensities and the constants they read.
pub(super) fn programs(plan: &Plan, reactions: &Reactions) -> String {
    let mut text = constants_table(plan);
    text.push_str(&wgsl(&reactions.propensities, "propensities", plan.coordinates.len() + 1));
    text.push('\n');
    if segments::are_needed(reactions) {
        text.push_str(&segments::programs(plan, reactions));
    }
    if let Some(derived) = &reactions.derived {
        text.push_str(&wgsl(derived, "derived", plan.coordinates.len() + 1));
        text.push('\n');
    }
    text
}

/// State and functions named in `shaders/kernel.wgsl`, but `save`.
pub(super) fn functions(plan: &Plan, reactions: &Reactions, layout: &Layout, tables: &Tables<'_>) -> String {
    let dynamics = if segments::are_needed(reactions) {
        segments::functions(plan, reactions, layout, tables)
    } else {
        [time(plan), weigh(plan, reactions), event(plan, reactions, layout, tables), step(plan, layout)].join("\n")
    };
    let derived = reactions.derived.as_ref().map(|program| show(plan, reactions, program.outputs.len())).unwrap_or_default();
    [variables(plan, reactions, layout), bridge(plan, layout), WORDS.to_owned(), dynamics, derived].join("\n") + "\n"
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

fn variables(plan: &Plan, reactions: &Reactions, layout: &Layout) -> String {
    let (d, channels) = (plan.coordinates.len(), reactions.channels.len());
    let mut text = format!("// Counts, propensities and their sum, events of every channel.\nvar<private> x: array<f32, {d}>;\n");
    line!(text, "var<private> w: array<f32, {channels}>;\nvar<private> total_rate: f32;\nvar<private> fired: array<u32, {channels}>;");
    if segments::are_needed(reactions) {
        text.push_str(&segments::variables());
    } else {
        line!(text, "// Times of the next and of the last event, double-length; number of the next candidate.");
        line!(text, "var<private> next: vec2<f32>;\nvar<private> now: vec2<f32>;\nvar<private> candidate: u32;");
    }
    if !layout.sums.is_empty() {
        let names: Vec<String> = layout.sums.iter().map(|sum| format!("{sum:?}")).collect();
        let number = names.len();
        line!(text, "// Sums: {}.\nvar<private> partial: array<f32, {number}>;\nvar<private> total: array<vec2<f32>, {number}>;", names.join(", "));
    }
    text
}

/// Every slot with the variable that holds it and how to make it of bits.
fn slots(plan: &Plan, layout: &Layout) -> Vec<(usize, String, &'static str)> {
    let mut all: Vec<_> = (0..plan.coordinates.len()).map(|i| (i, format!("x[{i}]"), "f32")).collect();
    for s in 0..layout.sums.len() {
        let slot = layout.first_sum + 3 * s;
        all.extend([(slot, format!("partial[{s}]"), "f32"), (slot + 1, format!("total[{s}].x"), "f32"), (slot + 2, format!("total[{s}].y"), "f32")]);
    }
    all.extend((0..layout.channels).map(|channel| (layout.fired + channel, format!("fired[{channel}]"), "u32")));
    all.extend(clock(plan).iter().enumerate().map(|(k, (name, kind))| (layout.returned + k, (*name).to_owned(), *kind)));
    all
}

/// `load`, `store`, `start_measuring`, and what jump processes leave empty.
fn bridge(plan: &Plan, layout: &Layout) -> String {
    let mut text = String::from("fn load(place: u32) {\n");
    text.push_str(&load_constants(plan));
    for (slot, variable, kind) in slots(plan, layout) {
        line!(text, "    {variable} = bitcast<{kind}>(state[{slot}u * dispatch.stride + place]);");
    }
    text.push_str("    weigh();\n}\n\nfn store(place: u32) {\n");
    for (slot, variable, _) in slots(plan, layout) {
        line!(text, "    state[{slot}u * dispatch.stride + place] = bitcast<u32>({variable});");
    }
    text.push_str("}\n\nfn start_measuring(place: u32) {\n");
    for (i, slot) in layout.initial.iter().enumerate() {
        if let Some(slot) = slot {
            line!(text, "    state[{slot}u * dispatch.stride + place] = bitcast<u32>(x[{i}]);");
        }
    }
    for s in 0..layout.sums.len() {
        line!(text, "    partial[{s}] = 0.0;\n    total[{s}] = vec2<f32>(0.0, 0.0);");
    }
    for channel in 0..layout.channels {
        line!(text, "    fired[{channel}] = 0u;");
    }
    text.push_str("    begin();\n}\n\n");
    // The first dispatch of a phase says that no forces are known: relaxation, too, starts from time 0.
    text.push_str("fn evaluate_forces(row: u32) {\n    begin();\n}\n\nfn draw(quartet: u32) {}\n\nfn flush_sums() {}\n\nfn flush_own_sums() {\n");
    for s in 0..layout.sums.len() {
        line!(text, "    total[{s}] = flush(total[{s}], partial[{s}]);\n    partial[{s}] = 0.0;");
    }
    text + "}\n"
}

/// Times of saves, random words of candidates, waiting.
fn time(plan: &Plan) -> String {
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

// The next event, from the last one on; never where nothing can happen.
fn wait() {{
    let hazard = ness_negative_log_uniform(candidate_words(candidate).x);
    next = vec2<f32>(3.0e38, 0.0);
    if (total_rate > 0.0) {{
        next = flush(now, hazard / total_rate);
    }}
}}

fn begin() {{
    now = vec2<f32>(0.0, 0.0);
    candidate = 0u;
    weigh();
    wait();
}}
"
    )
}

fn weigh(plan: &Plan, reactions: &Reactions) -> String {
    let counts: Vec<String> = (0..plan.coordinates.len()).map(|i| format!("x[{i}]")).collect();
    let mut text = format!("fn weigh() {{\n    w = propensities(array<f32, {}>({}, 0.0), 0u);\n    var sum = 0.0;\n", counts.len() + 1, counts.join(", "));
    for channel in 0..reactions.channels.len() {
        line!(text, "    w[{channel}] = max(w[{channel}], 0.0);\n    sum += w[{channel}];");
    }
    text + "    total_rate = sum;\n}\n"
}

/// Sums over time.
fn elapse(layout: &Layout) -> String {
    let mut text = String::from("fn elapse(time: f32) {\n");
    for (s, column) in layout.sums.iter().enumerate() {
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
    text + "}\n"
}

/// Counts that single precision cannot hold, and trajectories that explode, are given up: an open block, to be closed.
fn give_up(plan: &Plan, reactions: &Reactions, broken: &str) -> String {
    let most = u32::try_from(reactions.most_events).unwrap_or(u32::MAX - 1);
    let large: Vec<String> = (0..plan.coordinates.len()).map(|i| format!("abs(x[{i}]) >= 16777216.0")).collect();
    let mut text = format!("    if (candidate >= {most}u || {broken} || {}) {{\n", large.join(" || "));
    for i in 0..plan.coordinates.len() {
        line!(text, "        x[{i}] = bitcast<f32>(0x7fc00000u ^ dispatch.zero);");
    }
    text
}

/// One event: time passes, a channel fires, the books are kept.
fn event(plan: &Plan, reactions: &Reactions, layout: &Layout, tables: &Tables<'_>) -> String {
    let channels = reactions.channels.len();
    let mut text = elapse(layout);
    text.push_str("\nfn event() {\n    elapse((next.x - now.x) + (next.y - now.y));\n");
    text.push_str("    let u = min((f32(candidate_words(candidate).y) + 0.5) * 2.3283064e-10f, 0.99999994f);\n");
    text.push_str("    let aim = min(u * total_rate, total_rate * 0.99999994f);\n    let s0 = w[0];\n    let f0 = s0 > aim;\n");
    for channel in 1..channels {
        let earlier = channel - 1;
        line!(text, "    let s{channel} = s{earlier} + w[{channel}];\n    let f{channel} = s{channel} > aim && !(s{earlier} > aim);");
    }
    for (index, channel) in reactions.channels.iter().enumerate() {
        let place = tables.channel(index);
        line!(text, "    fired[{place}] += select(0u, 1u, f{index});");
        for (coordinate, change) in &channel.change {
            line!(text, "    x[{coordinate}] += select(0.0, {change}.0, f{index});");
        }
    }
    if !reactions.log_ratios.is_empty() {
        line!(text, "    let forward = w;");
    }
    text.push_str("    weigh();\n");
    for (s, column) in layout.sums.iter().enumerate() {
        if let Column::Jump(JumpColumn::TableSum(table)) = column
            && let Some(network) = tables.0
        {
            for (index, value) in network.tables[usize::from(*table)].iter().enumerate() {
                line!(text, "    partial[{s}] += select(0.0, {}, f{index});", number(*value));
            }
        }
        if let Column::Jump(JumpColumn::LogRatio(set)) = column {
            for (index, channel) in reactions.channels.iter().enumerate().filter(|(index, _)| reactions.log_ratios[usize::from(*set)][*index]) {
                if let Some(back) = channel.reverse {
                    line!(text, "    if (f{index}) {{\n        partial[{s}] += ness_log(forward[{index}] / w[{back}]);\n    }}");
                }
            }
        }
    }
    text.push_str("    now = next;\n    candidate += 1u;\n    if (candidate % 64u == 0u) {\n        flush_own_sums();\n    }\n    wait();\n");
    text.push_str(&give_up(plan, reactions, "!(total_rate <= 3.0e37)"));
    text + "        next = vec2<f32>(3.0e38, 0.0);\n    }\n}\n"
}

fn step(plan: &Plan, layout: &Layout) -> String {
    let mut text = String::from("// From one save to the next.\nfn step(row: u32, n: u32) {\n    let until = save_time(n + 1u);\n");
    text.push_str("    while (before(next, until)) {\n        event();\n    }\n");
    if !layout.sums.is_empty() {
        line!(text, "    if (n + 1u == {}u) {{\n        elapse((until.x - now.x) + (until.y - now.y));\n    }}", plan.schedule.steps);
    }
    text + "}\n"
}
