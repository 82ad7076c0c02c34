//! The state of a trajectory between dispatches: what stands in registers, what stays in the buffer.

use std::fmt::Write;
use std::ops::Range;

use super::{choice, clock, interventions, leaps, segments, steady};
use crate::backend::gpu::kernel::{line, load_constants};
use crate::backend::gpu::layout::Layout;
use crate::plan::{Column, Dynamics, JumpColumn, Plan};

/// Counters, or sums of dwell times, up to which each has a register.
const MOST_IN_REGISTERS: usize = 16;

/// Which counters and sums stay in the buffer, where an event changes only its own.
pub(super) struct Residence {
    /// Whether the counters of channels do.
    pub(super) counters: bool,
    /// Sums (as numbered by the layout) of the dwell times of states 0, 1, ….
    dwells: Range<usize>,
    first_sum: usize,
}

impl Residence {
    pub(super) fn of(plan: &Plan, layout: &Layout) -> Self {
        let mut residence = Self { counters: false, dwells: 0..0, first_sum: layout.first_sum };
        if let Dynamics::Reactions(reactions) = &plan.dynamics {
            residence.counters = choice::are_many(plan, reactions) && layout.channels > MOST_IN_REGISTERS;
        }
        if let Dynamics::Network(network) = &plan.dynamics {
            residence.counters = layout.channels > MOST_IN_REGISTERS;
            let states = network.states.len();
            let first = layout.sum(Column::Jump(JumpColumn::Dwell(0)));
            if let Some(first) = first.filter(|_| states > MOST_IN_REGISTERS) {
                let in_order = (0..states).all(|state| layout.sum(Column::Jump(JumpColumn::Dwell(state as u16))) == Some(first + state));
                residence.dwells = if in_order { first..first + states } else { 0..0 };
            }
        }
        residence
    }

    /// Whether a sum has registers.
    pub(super) fn is_private(&self, sum: usize) -> bool {
        !self.dwells.contains(&sum)
    }

    /// The part of `elapse` that adds to the dwell time of the present state in the buffer.
    pub(super) fn elapse(&self) -> String {
        if self.dwells.is_empty() {
            return String::new();
        }
        let first = self.first_sum + 3 * self.dwells.start + 1;
        format!(
            "    let at = ({first}u + 3u * here) * dispatch.stride + own_place;
    let old = vec2<f32>(bitcast<f32>(state[at]), bitcast<f32>(state[at + dispatch.stride]));
    let sum = flush(old, time);
    state[at] = bitcast<u32>(sum.x);
    state[at + dispatch.stride] = bitcast<u32>(sum.y);
"
        )
    }

    /// Slots that are cleared in the buffer when measuring starts.
    fn cleared(&self, layout: &Layout) -> Vec<Range<usize>> {
        let dwells = self.first_sum + 3 * self.dwells.start..self.first_sum + 3 * self.dwells.end;
        let counters = layout.fired..layout.fired + if self.counters { layout.channels } else { 0 };
        [dwells, counters].into_iter().filter(|slots| !slots.is_empty()).collect()
    }
}

/// Variables of a lane.
pub(super) fn variables(plan: &Plan, layout: &Layout, residence: &Residence) -> String {
    let d = plan.coordinates.len();
    let mut text = format!("// Counts, and where in the buffer the trajectory is.\nvar<private> x: array<f32, {d}>;\nvar<private> own_place: u32;\n");
    if layout.channels > 0 && !residence.counters {
        line!(text, "// Events of every channel.\nvar<private> fired: array<u32, {}>;", layout.channels);
    }
    match &plan.dynamics {
        Dynamics::Reactions(reactions) => {
            line!(text, "const CHANNELS: u32 = {}u;", reactions.channels.len());
            line!(text, "// Propensities and their sum.\nvar<private> w: array<f32, CHANNELS>;\nvar<private> total_rate: f32;");
            text.push_str(&interventions::variables(reactions));
            if reactions.leaping.is_some() {
                text.push_str(&leaps::variables(plan));
            } else {
                text.push_str(if segments::are_needed(reactions) { segments::VARIABLES } else { steady::VARIABLES });
            }
        }
        Dynamics::Exchange(exchange) => text.push_str(&(super::exchange::variables(exchange) + steady::VARIABLES)),
        _ => text.push_str(&(super::network::VARIABLES.to_owned() + steady::VARIABLES)),
    }
    if !layout.sums.is_empty() {
        let names: Vec<String> = layout.sums.iter().take(MOST_IN_REGISTERS).map(|sum| format!("{sum:?}")).collect();
        let number = layout.sums.len();
        let more = if number > names.len() { ", …" } else { "" };
        line!(text, "// Sums: {}{more}.\nvar<private> partial: array<f32, {number}>;\nvar<private> total: array<vec2<f32>, {number}>;", names.join(", "));
    }
    text
}

/// Every slot that is copied to registers, with the variable that holds it and how to make it of bits.
fn slots(plan: &Plan, layout: &Layout, residence: &Residence) -> Vec<(usize, String, &'static str)> {
    let mut all: Vec<_> = (0..plan.coordinates.len()).map(|i| (i, format!("x[{i}]"), "f32")).collect();
    for s in (0..layout.sums.len()).filter(|&s| residence.is_private(s)) {
        let slot = layout.first_sum + 3 * s;
        all.extend([(slot, format!("partial[{s}]"), "f32"), (slot + 1, format!("total[{s}].x"), "f32"), (slot + 2, format!("total[{s}].y"), "f32")]);
    }
    if !residence.counters {
        all.extend((0..layout.channels).map(|channel| (layout.fired + channel, format!("fired[{channel}]"), "u32")));
    }
    all.extend(clock(plan).iter().enumerate().map(|(k, (name, kind))| (layout.returned + k, name.clone(), *kind)));
    all
}

/// `load`, `store`, `start_measuring`, and what jump processes leave empty.
pub(super) fn bridge(plan: &Plan, layout: &Layout, residence: &Residence) -> String {
    let mut text = String::from("fn load(place: u32) {\n    own_place = place;\n");
    text.push_str(&load_constants(plan));
    for (slot, variable, kind) in slots(plan, layout, residence) {
        line!(text, "    {variable} = bitcast<{kind}>(state[{slot}u * dispatch.stride + place]);");
    }
    text.push_str("    weigh();\n}\n\nfn store(place: u32) {\n");
    for (slot, variable, _) in slots(plan, layout, residence) {
        line!(text, "    state[{slot}u * dispatch.stride + place] = bitcast<u32>({variable});");
    }
    if let Some(slot) = layout.activity {
        line!(text, "    state[{slot}u * dispatch.stride + place] = candidate;");
    }
    text.push_str("}\n\nfn start_measuring(place: u32) {\n");
    for (i, slot) in layout.initial.iter().enumerate() {
        if let Some(slot) = slot {
            line!(text, "    state[{slot}u * dispatch.stride + place] = bitcast<u32>(x[{i}]);");
        }
    }
    for s in (0..layout.sums.len()).filter(|&s| residence.is_private(s)) {
        line!(text, "    partial[{s}] = 0.0;\n    total[{s}] = vec2<f32>(0.0, 0.0);");
    }
    if !residence.counters {
        for channel in 0..layout.channels {
            line!(text, "    fired[{channel}] = 0u;");
        }
    }
    for Range { start, end } in residence.cleared(layout) {
        line!(text, "    for (var slot = {start}u; slot < {end}u; slot++) {{\n        state[slot * dispatch.stride + place] = 0u;\n    }}");
    }
    text.push_str("    begin();\n");
    if matches!(&plan.dynamics, Dynamics::Reactions(reactions) if !reactions.interventions.is_empty()) {
        text.push_str("    open();\n");
    }
    text.push_str("}\n\n");
    // The first dispatch of a phase says that no forces are known: relaxation, too, starts from time 0.
    text.push_str("fn evaluate_forces(row: u32) {\n    begin();\n}\n\nfn draw(quartet: u32) {}\n\nfn flush_sums() {}\n\nfn flush_own_sums() {\n");
    for s in (0..layout.sums.len()).filter(|&s| residence.is_private(s)) {
        line!(text, "    total[{s}] = flush(total[{s}], partial[{s}]);\n    partial[{s}] = 0.0;");
    }
    text + "}\n"
}
