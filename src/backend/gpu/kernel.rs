//! The text written for a plan: its sizes, its formulas, the state of a trajectory and what is saved of it.
//!
//! Loops over coordinates are unrolled here, so that no array of the shader is ever indexed by a variable and all state stays in registers.

use std::fmt::Write;

use super::layout::{Layout, field_row};
use super::{plane, step};
use crate::expression::wgsl;
use crate::plan::{Boundary, Column, FLUSH_EVERY, FieldGrid, JumpColumn, Overdamped, Plan, SurpriseMove, TILE};

/// Most constants that are copied into registers; more are read where they are used.
const CONSTANTS_IN_REGISTERS: usize = 64;

/// Most values of a series whose moments are taken together.
const MOST_AT_ONCE: usize = 32;

/// Writes a line; writing to a String cannot fail.
macro_rules! line {
    ($text:expr, $($argument:tt)*) => { let _ = writeln!($text, $($argument)*); };
}
pub(super) use line;

/// Values of a series whose moments are taken together: as many as the memory of any workgroup holds, in passes of equal length.
pub(super) fn observables_at_once(plan: &Plan) -> usize {
    let number = plan.series.len();
    number.div_ceil(number.div_ceil(MOST_AT_ONCE).max(1))
}

/// Constants the fragments are written with.
pub(super) fn sizes(plan: &Plan, layout: &Layout, workgroup: u32) -> String {
    let mut text = format!("// {} coordinate(s), {} path sum(s).\n\n", layout.dimension, layout.sums.len());
    line!(text, "const WORKGROUP: u32 = {workgroup}u;");
    line!(text, "const TILE: u32 = {TILE}u;");
    line!(text, "const TILES: u32 = {}u;", workgroup as usize / TILE);
    line!(text, "const FLUSH_EVERY: u32 = {FLUSH_EVERY}u;");
    line!(text, "const SERIES: u32 = {}u;", plan.series.len());
    line!(text, "const OBSERVABLES: u32 = {}u;", observables_at_once(plan));
    line!(text, "const FIELDS: u32 = {}u;", plan.fields.len());
    line!(text, "const FIELD_ROW: u32 = {}u;\n", field_row(plan));
    if let Some(grid) = &plan.plane {
        text.push_str(&plane::sizes(grid));
    }
    text
}

/// The constants that programs read, in registers or where they lie.
pub(super) fn constants_table(plan: &Plan) -> String {
    let number = plan.uniforms.constants.len();
    let mut text = String::from("\n");
    if in_registers(plan) {
        line!(text, "@group(0) @binding(1) var<storage, read> constant_table: array<f32>;\nvar<private> constants: array<f32, {number}>;\n");
    } else if number > 0 {
        line!(text, "@group(0) @binding(1) var<storage, read> constants: array<f32>;\n");
    }
    text
}

/// Copies the constants into registers, where they are kept there.
pub(super) fn load_constants(plan: &Plan) -> String {
    let mut text = String::new();
    if in_registers(plan) {
        for i in 0..plan.uniforms.constants.len() {
            line!(text, "    constants[{i}] = constant_table[{i}];");
        }
    }
    text
}

/// The programs of the plan and the constants they read.
pub(super) fn programs(plan: &Plan, dynamics: &Overdamped) -> String {
    let mut text = constants_table(plan);
    let dimension = plan.coordinates.len();
    text.push_str(&wgsl(&dynamics.force, "force", dimension));
    if let Some(program) = &dynamics.protocol_work {
        line!(text, "\n{}", wgsl(program, "protocol_work", dimension));
    }
    if let Some(SurpriseMove::Formula(program)) = &dynamics.surprise {
        line!(text, "\n{}", wgsl(program, "surprise_move", dimension));
    }
    text.push('\n');
    text
}

fn in_registers(plan: &Plan) -> bool {
    (1..=CONSTANTS_IN_REGISTERS).contains(&plan.uniforms.constants.len())
}

/// State and functions named in `shaders/kernel.wgsl`.
pub(super) fn functions(plan: &Plan, dynamics: &Overdamped, layout: &Layout) -> String {
    let parts = [
        variables(layout),
        load(plan, layout),
        store(layout),
        start_measuring(layout),
        evaluate_forces(layout),
        draw(dynamics.noise_lanes(layout.dimension)),
        step::step(plan, dynamics, layout),
        flush_sums(layout),
        save(plan, Some(dynamics), layout),
    ];
    parts.join("\n") + "\n"
}

fn variables(layout: &Layout) -> String {
    let (d, sums) = (layout.dimension, layout.sums.len());
    let mut text = format!("// Position, winding numbers, normals of four steps.\nvar<private> x: array<f32, {d}>;\n");
    line!(text, "var<private> winding: array<i32, {d}>;");
    line!(text, "var<private> z: array<vec4<f32>, {d}>;");
    if sums > 0 {
        let names: Vec<String> = layout.sums.iter().map(|sum| format!("{sum:?}")).collect();
        line!(text, "// Path sums: {}.", names.join(", "));
        line!(text, "var<private> partial: array<f32, {sums}>;\nvar<private> total: array<vec2<f32>, {sums}>;");
    }
    if layout.kept > 0 {
        line!(text, "// Forces at the end of the last step.\nvar<private> kept: array<f32, {}>;", layout.kept);
    }
    text
}

/// Every slot of the state but the initial values, with the variable that holds it and how to make it of bits.
fn slots(layout: &Layout) -> Vec<(usize, String, &'static str)> {
    let mut all: Vec<_> = (0..layout.dimension).map(|i| (i, format!("x[{i}]"), "f32")).collect();
    all.extend(layout.windings.iter().enumerate().filter_map(|(i, slot)| slot.map(|slot| (slot, format!("winding[{i}]"), "i32"))));
    for s in 0..layout.sums.len() {
        let slot = layout.first_sum + 3 * s;
        all.push((slot, format!("partial[{s}]"), "f32"));
        all.push((slot + 1, format!("total[{s}].x"), "f32"));
        all.push((slot + 2, format!("total[{s}].y"), "f32"));
    }
    all.extend((0..layout.kept).map(|k| (layout.returned + k, format!("kept[{k}]"), "f32")));
    all
}

fn load(plan: &Plan, layout: &Layout) -> String {
    let mut text = String::from("fn load(place: u32) {\n");
    text.push_str(&load_constants(plan));
    for (slot, variable, kind) in slots(layout) {
        line!(text, "    {variable} = bitcast<{kind}>(state[{slot}u * dispatch.stride + place]);");
    }
    if plan.plane.is_some() {
        text.push_str("    find_plane_row(place);\n");
    }
    text + "}\n"
}

fn store(layout: &Layout) -> String {
    let mut text = String::from("fn store(place: u32) {\n");
    for (slot, variable, _) in slots(layout) {
        line!(text, "    state[{slot}u * dispatch.stride + place] = bitcast<u32>({variable});");
    }
    text + "}\n"
}

fn start_measuring(layout: &Layout) -> String {
    let mut text = String::from("fn start_measuring(place: u32) {\n");
    for (i, slot) in layout.initial.iter().enumerate() {
        if let Some(slot) = slot {
            line!(text, "    state[{slot}u * dispatch.stride + place] = bitcast<u32>(x[{i}]);");
        }
    }
    for i in 0..layout.dimension {
        line!(text, "    winding[{i}] = 0;");
    }
    for s in 0..layout.sums.len() {
        line!(text, "    partial[{s}] = 0.0;\n    total[{s}] = vec2<f32>(0.0, 0.0);");
    }
    text + "}\n"
}

fn evaluate_forces(layout: &Layout) -> String {
    let body = if layout.kept > 0 { "    kept = force(x, row);\n" } else { "" };
    format!("fn evaluate_forces(row: u32) {{\n{body}}}\n")
}

fn draw(lanes: usize) -> String {
    let mut text = String::from("fn draw(quartet: u32) {\n");
    for i in 0..lanes {
        line!(text, "    z[{i}] = normals({i}u, quartet);");
    }
    text + "}\n"
}

fn flush_sums(layout: &Layout) -> String {
    let mut text = String::from("fn flush_sums() {\n");
    for s in 0..layout.sums.len() {
        line!(text, "    total[{s}] = flush(total[{s}], partial[{s}]);\n    partial[{s}] = 0.0;");
    }
    text + "}\n"
}

/// Everything that happens at a save: tile moments of the series, counts of the fields.
pub(super) fn save(plan: &Plan, dynamics: Option<&Overdamped>, layout: &Layout) -> String {
    let mut text = String::from("fn save(place: u32, lane: u32, group: u32, number: u32) {\n");
    if plan.series.is_empty() && plan.fields.is_empty() {
        return text + "}\n";
    }
    text.push_str("    let present = place < dispatch.count;\n");
    if moves_to_save(plan, dynamics) {
        // Rows after the resting one and those of the steps move the protocol to its value at a save.
        line!(text, "    let save_row = {}u * ({}u + number);", plan.uniforms.columns, plan.schedule.steps + 1);
    }
    if plan.series.iter().any(|column| matches!(column, Column::Jump(JumpColumn::Derived(_)))) {
        text.push_str("    let derived_values = show(number);\n");
    }
    if !plan.series.is_empty() {
        text.push_str("    let row = (lane / TILE) * OBSERVABLES * ROW + lane % TILE;\n");
    }
    let passes: Vec<&[Column]> = plan.series.chunks(observables_at_once(plan).max(1)).collect();
    for (pass, columns) in passes.iter().enumerate() {
        for (observable, &column) in columns.iter().enumerate() {
            let value = series_value(plan, dynamics, layout, column);
            line!(text, "    observed[row + {observable}u * ROW] = select(ABSENT, bitcast<u32>({value}), present);");
        }
        if pass + 1 < passes.len() {
            line!(text, "    workgroupBarrier();\n    tile_moments(lane, group, number, {}u);", pass * observables_at_once(plan));
        }
    }
    let mut entry = 0;
    for (index, field) in plan.fields.iter().enumerate() {
        count_field(&mut text, plan, field, index, entry);
        entry += field.bins + 2;
    }
    text.push_str("    workgroupBarrier();\n");
    if !plan.fields.is_empty() {
        text.push_str("    collect_turns(lane, number);\n");
    }
    if !plan.series.is_empty() {
        line!(text, "    tile_moments(lane, group, number, {}u);", (passes.len() - 1) * observables_at_once(plan));
    }
    // What lanes read here must be read before the next save writes it.
    text + "    workgroupBarrier();\n}\n"
}

fn count_field(text: &mut String, plan: &Plan, field: &FieldGrid, index: usize, entry: u32) {
    let i = field.coordinate;
    let boundary = plan.coordinates[i as usize].boundary;
    let folded = boundary.period().is_some();
    let scale = f64::from(field.bins) / (field.upper - field.lower);
    line!(text, "    if (present && (bitcast<u32>(x[{i}]) & 0x7f800000u) != 0x7f800000u) {{");
    let (lower, scale, bins) = (number(field.lower), number(scale), number(f64::from(field.bins)));
    line!(text, "        count_field(place, number, {entry}u + field_bin(x[{i}], {lower}, {scale}, {bins}, {folded}));");
    if folded {
        line!(text, "        atomicAdd(&turns[{index}], winding[{i}]);");
    }
    text.push_str("    }\n");
}

/// Text of a value of a series; positions are unwrapped.
fn series_value(plan: &Plan, dynamics: Option<&Overdamped>, layout: &Layout, column: Column) -> String {
    match column {
        Column::Position(i) => match plan.coordinates[i as usize].boundary {
            Boundary::Periodic { lower, upper } => format!("fma(f32(winding[{i}]), {}, x[{i}])", number(upper - lower)),
            Boundary::Open | Boundary::Walls { .. } => format!("x[{i}]"),
        },
        Column::Winding(i) => format!("f32(winding[{i}])"),
        Column::Initial(i) => match layout.initial[i as usize] {
            Some(slot) => format!("bitcast<f32>(state[{slot}u * dispatch.stride + place])"),
            None => format!("x[{i}]"),
        },
        Column::Work
        | Column::Heat(_)
        | Column::EntropyMedium
        | Column::EntropyPath
        | Column::HeatPath
        | Column::Surprise
        | Column::EntropySoFar
        | Column::Infimum
        | Column::Circulation(..) => match layout.sum(column) {
            Some(s) if column == Column::Work && moves_to_save(plan, dynamics) => {
                format!("(total[{s}].x + (total[{s}].y + (partial[{s}] + protocol_work(x, save_row)[0])))")
            }
            Some(s) => format!("(total[{s}].x + (total[{s}].y + partial[{s}]))"),
            None => number(0.0),
        },
        Column::Jump(JumpColumn::Derived(k)) => format!("derived_values[{k}]"),
        Column::Jump(_) => number(0.0),
    }
}

/// Whether the work at a save includes a protocol move from where the last step left off.
fn moves_to_save(plan: &Plan, dynamics: Option<&Overdamped>) -> bool {
    dynamics.is_some_and(|dynamics| dynamics.protocol_work.is_some()) && plan.series.contains(&Column::Work)
}

/// A number as the shader reads it: the nearest in single precision.
pub(super) fn number(value: f64) -> String {
    format!("{:?}f", value as f32)
}
