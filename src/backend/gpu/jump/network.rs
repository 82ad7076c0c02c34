//! Shader text for walkers on a network of any size: alias tables in a buffer, and where there are too many channels or states for columns of their own, integer sums over statistics blocks.
//!
//! Twin of `src/backend/cpu/jump/network.rs` and `walk.rs`: the same words choose the same edges.

use std::fmt::Write;

use super::bridge::Residence;
use super::steady;
use super::{Slot, elapse, most_candidates};
use crate::backend::BackendError;
use crate::backend::gpu::kernel::{line, number};
use crate::backend::gpu::layout::Layout;
use crate::plan::{Column, DWELL_UNITS, JumpColumn, Network, Plan};

/// Variables, beside those of steady rates.
pub(super) const VARIABLES: &str = "// The present state, and of it: its first edge, how many there are, the sum of their rates as bits.
var<private> here: u32;
var<private> leaving: vec4<u32>;
var<private> total_rate: f32;
";

/// Refuses what does not fit into 32-bit times and single-precision numbers of states.
pub(super) fn runnable(network: &Network) -> Result<(), BackendError> {
    if network.tallies && network.clock.segments as f64 * DWELL_UNITS >= f64::from(u32::MAX) {
        return Err(BackendError::jumps_on_gpu("dwell times of large networks over more than 4095 segments"));
    }
    if network.states.len() >= 1 << 24 {
        return Err(BackendError::jumps_on_gpu("networks of more than 16777215 states"));
    }
    Ok(())
}

/// Slots between dispatches.
pub(super) fn slots(network: &Network) -> Vec<Slot> {
    let mut slots = steady::SLOTS.to_vec();
    if network.tallies {
        slots.push(("since", "u32"));
    }
    slots
}

/// States and edges a network may have to be walked by comparing with each of them: a few comparisons cost less than a look into memory.
const SMALL: (usize, usize) = (8, 16);

/// Quartets of what an edge adds to the books: its channel, then the entries of its tables.
fn quartets(network: &Network) -> usize {
    (1 + network.tables.len()).div_ceil(4)
}

/// Everything a walker reads, in quartets: of every state its first edge, number of edges, exit rate; of every slot what it keeps of 2³², the other edge, where its own and the other edge lead;
/// of every edge its channel and what it adds to the tables.
pub(super) fn tables(network: &Network) -> Vec<u32> {
    let alias = network.alias();
    let mut words = Vec::new();
    for state in 0..network.states.len() {
        words.extend([network.first[state], network.edges(state).len() as u32, (network.exit(state) as f32).to_bits(), 0]);
    }
    for (edge, (&keep, &other)) in alias.keep.iter().zip(&alias.other).enumerate() {
        words.extend([keep, other, network.target[edge], network.target[other as usize]]);
    }
    let row = 4 * quartets(network);
    for edge in 0..network.target.len() {
        let start = words.len();
        words.push(network.channel[edge]);
        words.extend(network.tables.iter().map(|table| (table[edge] as f32).to_bits()));
        words.resize(start + row, 0);
    }
    words
}

/// Length of [`tables`].
pub(super) fn table_length(network: &Network) -> u64 {
    4 * (network.states.len() + network.target.len() * (1 + quartets(network))) as u64
}

/// The tables and their sizes.
pub(super) fn declarations(network: &Network) -> String {
    let (states, edges) = (network.states.len(), network.target.len());
    let mut text = String::from("\n@group(0) @binding(1) var<storage, read> network: array<vec4<u32>>;\n");
    line!(text, "const STATES: u32 = {states}u;\nconst EDGES: u32 = {edges}u;\nconst QUARTETS: u32 = {}u;\n", quartets(network));
    if states <= SMALL.0 && edges <= SMALL.1 {
        text.push_str(&comparisons(network));
    } else {
        text.push_str("fn state_at(number: u32) -> vec4<u32> {\n    return network[number];\n}\n\n");
        text.push_str("fn slot_at(number: u32) -> vec4<u32> {\n    return network[STATES + number];\n}\n\n");
        for quartet in 0..quartets(network) {
            line!(text, "fn book{quartet}_at(edge: u32) -> vec4<u32> {{\n    return network[STATES + EDGES + QUARTETS * edge + {quartet}u];\n}}\n");
        }
    }
    if network.tallies {
        line!(text, "const CHANNELS: u32 = {}u;\nvar<private> since: u32;\n// Where the sums of the block of the trajectory start.", network.channels);
        line!(text, "const NOWHERE: u32 = 0xffffffffu;\nvar<private> sums_at: u32;");
    }
    text
}

/// The tables as chains of comparisons.
fn comparisons(network: &Network) -> String {
    let words = tables(network);
    let rows: Vec<&[u32]> = words.chunks_exact(4).collect();
    let (states, edges, quartets) = (network.states.len(), network.target.len(), quartets(network));
    let chain = |name: &str, rows: &[&[u32]]| {
        let row = |row: &[u32]| format!("vec4<u32>({}u, {}u, {}u, {}u)", row[0], row[1], row[2], row[3]);
        let mut text =
            format!("fn {name}(number: u32) -> vec4<u32> {{\n    var value = {};\n", rows.first().map_or("vec4<u32>()".to_owned(), |first| row(first)));
        for (k, other) in rows.iter().enumerate().skip(1) {
            line!(text, "    value = select(value, {}, number == {k}u);", row(other));
        }
        text + "    return value;\n}\n\n"
    };
    let mut text = chain("state_at", &rows[..states]) + &chain("slot_at", &rows[states..states + edges]);
    for quartet in 0..quartets {
        let books: Vec<&[u32]> = rows[states + edges..].iter().copied().skip(quartet).step_by(quartets).collect();
        text.push_str(&chain(&format!("book{quartet}_at"), &books));
    }
    text
}

/// Everything from `begin` to `step`.
pub(super) fn functions(plan: &Plan, network: &Network, layout: &Layout, residence: &Residence) -> String {
    let tally = if network.tallies { tally(plan, network) } else { String::new() };
    [steady::time(plan), weigh(network), elapse(layout, residence), tally, event(network, layout, residence), step(plan, network, layout)].join("\n")
}

/// A state that is none has no rate: the trajectory is given up.
fn weigh(network: &Network) -> String {
    let mut text = String::from("fn weigh() {\n    let known = x[0] >= 0.0 && x[0] < f32(STATES) && floor(x[0]) == x[0];\n");
    text.push_str("    here = select(0u, u32(x[0]), known);\n    leaving = state_at(here);\n");
    text.push_str(
        "    total_rate = select(0.0, bitcast<f32>(leaving.z), known);\n    x[0] = select(bitcast<f32>(0x7fc00000u ^ dispatch.zero), x[0], known);\n",
    );
    if network.tallies {
        line!(text, "    since = select(since, 0u, candidate == 0u);\n    find_sums();");
    }
    text + "}\n"
}

/// Jumps and dwell times of the block, in 64 bits.
fn tally(plan: &Plan, network: &Network) -> String {
    let scale = DWELL_UNITS * network.clock.segments as f64 / (plan.schedule.dt * plan.schedule.steps as f64);
    let (high, low) = (scale as f32, (scale - f64::from(scale as f32)) as f32);
    let (high, low, end) = (number(f64::from(high)), number(f64::from(low)), network.clock.segments * DWELL_UNITS as u64);
    format!(
        "fn find_sums() {{
    let block = select(1u + (own_place - dispatch.before_block) / dispatch.block, 0u, own_place < dispatch.before_block);
    let counted = own_place < dispatch.count && dispatch.save_every != 0xffffffffu;
    sums_at = select(NOWHERE, dispatch.tallies_at + 2u * (CHANNELS + STATES) * block, counted);
}}

// Adds to a number of two words.
fn add_wide(at: u32, addend: u32) {{
    let old = atomicAdd(&counts[at], addend);
    if (old + addend < old) {{
        atomicAdd(&counts[at + 1u], 1u);
    }}
}}

// A time in whole units, of which a segment has 2^20.
fn units(time: vec2<f32>) -> u32 {{
    let product = opaque(time.x * {high});
    let whole = floor(product);
    let rest = fma(time.x, {high}, -product) + fma(time.x, {low}, time.y * {high});
    return min(u32(max(i32(floor((product - whole) + rest)), -i32(min(whole, 1024.0)))) + u32(whole), {end}u);
}}

// The present state ends.
fn leave(until: u32) {{
    let end = max(until, since);
    if (sums_at != NOWHERE) {{
        add_wide(sums_at + 2u * (CHANNELS + here), end - since);
    }}
    since = end;
}}
"
    )
}

/// One event: time passes, an edge is walked, the books are kept.
fn event(network: &Network, layout: &Layout, residence: &Residence) -> String {
    let mut text = String::from("fn event() {\n");
    if !layout.sums.is_empty() {
        line!(text, "    elapse((next.x - now.x) + (next.y - now.y));");
    }
    text.push_str("    let product = mul_wide(choice, leaving.y);\n    let slot = leaving.x + product.y;\n    let entry = slot_at(slot);\n");
    text.push_str("    let keeps = product.x < entry.x;\n");
    let wants_channel = network.tallies || layout.channels > 0;
    if wants_channel || !network.tables.is_empty() {
        text.push_str("    let edge = select(entry.y, slot, keeps);\n");
        for quartet in 0..quartets(network) {
            line!(text, "    let book{quartet} = book{quartet}_at(edge);");
        }
    }
    if network.tallies {
        text.push_str("    leave(units(next));\n    if (sums_at != NOWHERE) {\n        add_wide(sums_at + 2u * book0.x, 1u);\n    }\n");
    }
    if residence.counters {
        line!(text, "    state[({}u + book0.x) * dispatch.stride + own_place] += 1u;", layout.fired);
    } else {
        for channel in 0..layout.channels {
            line!(text, "    fired[{channel}] += select(0u, 1u, book0.x == {channel}u);");
        }
    }
    for (s, column) in layout.sums.iter().enumerate() {
        if let Column::Jump(JumpColumn::TableSum(table)) = column {
            let word = 1 + usize::from(*table);
            line!(text, "    partial[{s}] += bitcast<f32>(book{}[{}]);", word / 4, word % 4);
        }
    }
    line!(
        text,
        "    here = select(entry.w, entry.z, keeps);
    x[0] = f32(here);
    leaving = state_at(here);
    total_rate = bitcast<f32>(leaving.z);
    now = next;
    candidate += 1u;
    if (candidate % 64u == 0u) {{
        flush_own_sums();
    }}
    wait();
    if (candidate >= {}u || !(total_rate <= 3.0e37)) {{
        x[0] = bitcast<f32>(0x7fc00000u ^ dispatch.zero);
        next = vec2<f32>(3.0e38, 0.0);
    }}
}}",
        most_candidates(network.most_events)
    );
    text
}

fn step(plan: &Plan, network: &Network, layout: &Layout) -> String {
    let mut text = String::from("// From one save to the next.\nfn step(row: u32, n: u32) {\n    let until = save_time(n + 1u);\n");
    text.push_str("    while (before(next, until)) {\n        event();\n    }\n");
    line!(text, "    if (n + 1u == {}u) {{", plan.schedule.steps);
    if !layout.sums.is_empty() {
        line!(text, "        elapse((until.x - now.x) + (until.y - now.y));");
    }
    if network.tallies {
        line!(
            text,
            "        if ((bitcast<u32>(x[0]) & 0x7f800000u) != 0x7f800000u) {{\n            leave({}u);\n        }}",
            network.clock.segments * DWELL_UNITS as u64
        );
    }
    text + "    }\n}\n"
}
