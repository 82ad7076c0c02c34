//! The text written for a rod of cells: one thread one trajectory, from save to save event by event, as [`crate::plan::Exchange`] says.
//!
//! The bond of an event differs from lane to lane: cells are read and written by comparing with every bond, so that energies stay in registers.

use std::fmt::Write;

use super::bridge::Residence;
use super::{elapse, most_candidates, steady};
use crate::backend::BackendError;
use crate::backend::gpu::kernel::{line, number};
use crate::backend::gpu::layout::Layout;
use crate::experiment::exchange::Contact;
use crate::plan::{Column, Exchange, JumpColumn, Plan};

/// Most cells: they are unrolled.
const MOST_CELLS: usize = 64;

/// Refuses what there is no kernel for.
pub(super) fn runnable(exchange: &Exchange) -> Result<(), BackendError> {
    if exchange.cells() > MOST_CELLS { Err(BackendError::jumps_on_gpu("rods of more than 64 cells")) } else { Ok(()) }
}

/// Everything from the random words to `step`.
pub(super) fn functions(plan: &Plan, exchange: &Exchange, layout: &Layout, residence: &Residence) -> String {
    let parts = [
        SPLIT_WORDS.to_owned(),
        steady::time(plan),
        choice(exchange),
        temperatures(exchange),
        elapse(layout, residence),
        event(plan, exchange, layout),
        steady::step(plan, layout),
    ];
    parts.join("\n")
}

/// Both words that split the energies of an event.
const SPLIT_WORDS: &str = "// Words that split energies: lane 1 of the candidates.
fn split_words(n: u32) -> vec2<u32> {
    let words = philox(vec4<u32>(n / 2u, dispatch.purpose | 0x10000u, trajectory.x, trajectory.y), vec2<u32>(dispatch.key_low, dispatch.key_high));
    return select(words.xy, words.zw, n % 2u == 1u);
}
";

/// The rate of events, which never changes.
pub(super) fn variables(exchange: &Exchange) -> String {
    format!("const total_rate: f32 = {};\n\nfn weigh() {{}}\n\n", number(exchange.total()))
}

/// The bond that a word chooses, by the alias table.
fn choice(exchange: &Exchange) -> String {
    let (bonds, alias) = exchange.choices();
    let mut text = String::from("fn bond_of(word: u32) -> u32 {\n");
    line!(text, "    let product = mul_wide(word, {}u);\n    var bond = 0u;", bonds.len());
    for (slot, (&bond, (&keep, &other))) in bonds.iter().zip(alias.keep.iter().zip(&alias.other)).enumerate() {
        line!(text, "    bond = select(bond, select({}u, {bond}u, product.x < {keep}u), product.y == {slot}u);", bonds[other as usize]);
    }
    text + "    return bond;\n}\n"
}

/// Temperatures of both baths at the next event.
fn temperatures(exchange: &Exchange) -> String {
    if exchange.steady {
        return "fn temperatures() -> vec2<f32> {\n    return vec2<f32>(rows[0], rows[2]);\n}\n".to_owned();
    }
    let (length, last) = (number(exchange.clock.length), exchange.clock.segments - 1);
    format!(
        "fn temperatures() -> vec2<f32> {{
    // Relaxing: the resting row.
    if (dispatch.row_stride == 0u) {{
        return vec2<f32>(rows[0], rows[2]);
    }}
    let segment = min(u32(next.x / {length}), {last}u);
    let fraction = clamp((fma(-f32(segment), {length}, next.x) + next.y) / {length}, 0.0, 1.0);
    let row = 4u * (1u + segment);
    return vec2<f32>(fma(rows[row + 1u] - rows[row], fraction, rows[row]), fma(rows[row + 3u] - rows[row + 2u], fraction, rows[row + 2u]));
}}
"
    )
}

/// One event: time passes, energy is shared, the books are kept.
fn event(plan: &Plan, exchange: &Exchange, layout: &Layout) -> String {
    let last = exchange.cells();
    let mut text = String::from("fn event() {\n    elapse((next.x - now.x) + (next.y - now.y));\n");
    text.push_str("    let bond = bond_of(choice);\n    let split = split_words(candidate);\n");
    text.push_str("    let u = min((f32(split.x) + 0.5) * 2.3283064e-10f, 0.99999994f);\n    let bath = temperatures();\n");
    text.push_str("    let fresh = bath * ness_negative_log_uniform(split.y);\n    var left = fresh.x;\n    var right = fresh.y;\n");
    for cell in 0..last {
        line!(text, "    left = select(left, x[{cell}], bond == {}u);\n    right = select(right, x[{cell}], bond == {cell}u);", cell + 1);
    }
    text.push_str("    let both = left + right;\n    let share = u * both;\n");
    line!(text, "    let at_hot = bond == 0u;\n    let at_cold = bond == {last}u;");
    if exchange.contact == Contact::Resample {
        text.push_str("    let new_left = select(share, right, at_hot || at_cold);\n    let new_right = select(both - share, left, at_hot || at_cold);\n");
    } else {
        text.push_str("    let new_left = share;\n    let new_right = both - share;\n");
    }
    for cell in 0..last {
        line!(text, "    x[{cell}] = select(select(x[{cell}], new_left, bond == {}u), new_right, bond == {cell}u);", cell + 1);
    }
    text.push_str("    let crossed = select(new_right - right, left - new_left, at_cold);\n");
    for (s, column) in layout.sums.iter().enumerate() {
        match column {
            Column::Jump(JumpColumn::Crossed(bond)) => {
                line!(text, "    partial[{s}] += select(0.0, crossed, bond == {bond}u);");
            }
            Column::Jump(JumpColumn::LogRatio(0)) => {
                line!(text, "    if (at_hot) {{\n        partial[{s}] -= crossed / bath.x;\n    }}");
                line!(text, "    if (at_cold) {{\n        partial[{s}] += crossed / bath.y;\n    }}");
            }
            _ => {}
        }
    }
    text.push_str("    now = next;\n    candidate += 1u;\n    if (candidate % 64u == 0u) {\n        flush_own_sums();\n    }\n    wait();\n");
    line!(text, "    if (candidate >= {}u) {{", most_candidates(exchange.most_events));
    for i in 0..plan.coordinates.len() {
        line!(text, "        x[{i}] = bitcast<f32>(0x7fc00000u ^ dispatch.zero);");
    }
    text + "        next = vec2<f32>(3.0e38, 0.0);\n    }\n}\n"
}
