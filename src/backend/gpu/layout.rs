//! Where every number lies in the buffers that host and shader share.

use bytemuck::{Pod, Zeroable};

use super::plane;
use crate::plan::{Boundary, Column, Dynamics, JumpColumn, Overdamped, Plan, Reactions, TILE};
use crate::random::{self, Purpose};

/// What a dispatch is told; the twin of `struct Dispatch` in `shaders/bindings.wgsl`, where every member is explained.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub(super) struct Dispatch {
    pub(super) key_low: u32,
    pub(super) key_high: u32,
    pub(super) trajectory_low: u32,
    pub(super) trajectory_high: u32,
    pub(super) count: u32,
    pub(super) stride: u32,
    pub(super) first_step: u32,
    pub(super) last_step: u32,
    pub(super) purpose: u32,
    pub(super) row: u32,
    pub(super) row_stride: u32,
    pub(super) phase: u32,
    pub(super) save_every: u32,
    pub(super) saves: u32,
    pub(super) before_block: u32,
    pub(super) block: u32,
    pub(super) blocks_at: u32,
    pub(super) windings_at: u32,
    pub(super) zero: u32,
    pub(super) tallies_at: u32,
}

/// Bit of [`Dispatch::phase`]: no force was left behind by an earlier dispatch.
pub(super) const FORCES_UNKNOWN: u32 = 1;
/// Bit of [`Dispatch::phase`]: sums start at zero, and the first save is before the first step.
pub(super) const MEASURING_STARTS: u32 = 2;
/// Bit of [`Dispatch::phase`]: steps count.
pub(super) const MEASURING: u32 = 4;
/// Place of the first of the bits of [`Dispatch::phase`] that say how many statistics blocks of its row lie before the chunk.
pub(super) const BLOCKS_BEFORE: u32 = 8;

/// The slots of a trajectory's state: one 32-bit number each, `state[slot * stride + place]`.
///
/// What comes back to the host stands first, what only bridges two dispatches last.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    /// Number of coordinates; coordinate `i` has slot `i`.
    pub(super) dimension: usize,
    /// Slot of the winding number of every periodic coordinate, a signed integer.
    pub(super) windings: Vec<Option<usize>>,
    /// Slot of the initial value of every coordinate that is asked for.
    pub(super) initial: Vec<Option<usize>>,
    /// The path sums somebody asked for.
    pub(super) sums: Vec<Column>,
    /// Slot of the first sum; each has three: partial, high, low.
    pub(super) first_sum: usize,
    /// Number of force outputs kept for the next step, and the slot of the first.
    pub(super) kept: usize,
    /// Slots that come back.
    pub(super) returned: usize,
    /// Slot of the events of the first channel of a jump process, and number of channels.
    pub(super) fired: usize,
    pub(super) channels: usize,
    /// Slot of the number of events, where nothing else tells it.
    pub(super) activity: Option<usize>,
    /// Slots that hold the clock of a jump process between dispatches.
    pub(super) clock: usize,
}

impl Layout {
    pub(super) fn of(plan: &Plan, dynamics: &Overdamped) -> Self {
        let dimension = plan.coordinates.len();
        let asked = |column: Column| plan.columns.contains(&column) || plan.series.contains(&column);
        let mut next = dimension;
        let mut slot_if = |wanted: bool| {
            wanted.then(|| {
                next += 1;
                next - 1
            })
        };
        let windings = plan.coordinates.iter().map(|c| slot_if(matches!(c.boundary, Boundary::Periodic { .. }))).collect();
        let initial = (0..dimension as u16).map(|i| slot_if(asked(Column::Initial(i)))).collect();
        let possible = std::iter::once(Column::Work).chain((0..dimension as u16).map(Column::Heat)).chain([
            Column::EntropyMedium,
            Column::EntropyPath,
            Column::HeatPath,
            Column::Surprise,
            Column::EntropySoFar,
            Column::Infimum,
        ]);
        let areas = plan.columns.iter().copied().filter(|column| matches!(column, Column::Circulation(..)));
        let sums: Vec<Column> = possible.filter(|&column| asked(column)).chain(areas).collect();
        let returned = next + 3 * sums.len();
        let kept = if dynamics.force_is_constant && dynamics.linear.is_none() { dynamics.force.outputs.len() } else { 0 };
        Self { dimension, windings, initial, first_sum: next, sums, kept, returned, fired: 0, channels: 0, activity: None, clock: 0 }
    }

    /// The slots of any plan that this backend runs.
    pub(super) fn of_plan(plan: &Plan) -> Self {
        match &plan.dynamics {
            Dynamics::Overdamped(dynamics) => Self::of(plan, dynamics),
            Dynamics::Reactions(_) | Dynamics::Network(_) | Dynamics::Exchange(_) => Self::of_jumps(plan),
        }
    }

    fn of_jumps(plan: &Plan) -> Self {
        let dimension = plan.coordinates.len();
        let initial: Vec<Option<usize>> = (0..dimension).map(|i| Some(dimension + i)).collect();
        let sums = super::jump::sums(plan);
        let first_sum = 2 * dimension;
        let fired = first_sum + 3 * sums.len();
        let channels = super::jump::counters(plan);
        let activity = (channels == 0 && plan.columns.contains(&Column::Jump(JumpColumn::Activity))).then_some(fired);
        let returned = fired + channels + usize::from(activity.is_some());
        let windings = vec![None; dimension];
        Self { dimension, windings, initial, first_sum, sums, kept: 0, returned, fired, channels, activity, clock: super::jump::clock_slots(plan) }
    }

    /// All slots.
    pub(super) fn slots(&self) -> usize {
        self.returned + self.kept + self.clock
    }

    /// Which sum a column is.
    pub(super) fn sum(&self, column: Column) -> Option<usize> {
        self.sums.iter().position(|&sum| sum == column)
    }
}

/// Sizes of the buffers of a chunk, in 32-bit words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sizes {
    /// Trajectories for which there is room; a multiple of the workgroup size.
    pub(super) stride: u64,
    pub(super) state: u64,
    pub(super) returned: u64,
    pub(super) moments: u64,
    pub(super) counts: u64,
    /// Where block counts and winding numbers start in the counts.
    pub(super) blocks_at: u64,
    pub(super) windings_at: u64,
    /// Where the sums over statistics blocks, or those of a plane, start, two words each: a jump process has no plane, Langevin dynamics no tallies.
    pub(super) tallies_at: u64,
}

impl Sizes {
    /// Sizes for chunks of up to `chunk` trajectories.
    pub(super) fn of(plan: &Plan, layout: &Layout, chunk: u64, workgroup: u64) -> Self {
        let stride = chunk.div_ceil(workgroup) * workgroup;
        let saves = plan.schedule.saves() as u64;
        let row = field_row(plan) as u64;
        let blocks_at = saves * row;
        // A chunk that starts inside a block touches one more.
        let blocks = chunk.div_ceil(plan.block) + 1;
        let windings_at = blocks_at + if row == 0 { 0 } else { blocks * row };
        let tallies_at = windings_at + 2 * saves * plan.fields.len() as u64;
        Self {
            stride,
            state: layout.slots() as u64 * stride,
            returned: layout.returned as u64 * stride,
            moments: stride / TILE as u64 * saves * plan.series.len() as u64 * 3,
            counts: tallies_at
                + if plan.tallies() == 0 { 0 } else { blocks * 2 * plan.tallies() as u64 }
                + plan.plane.as_ref().map_or(0, |grid| 2 * plane::rows(plan, grid, chunk) * grid.width() as u64),
            blocks_at,
            windings_at,
            tallies_at,
        }
    }

    /// Words that come back to the host.
    pub(super) fn readback(&self) -> u64 {
        self.returned + self.moments + self.counts
    }
}

/// Bins of all fields, with the outer ones: the length of a row of counts.
pub(super) fn field_row(plan: &Plan) -> usize {
    plan.fields.iter().map(|field| field.bins as usize + 2).sum()
}

/// Constants as the shader reads them, as bits; of a network its tables.
pub(super) fn constants(plan: &Plan) -> Vec<u32> {
    super::jump::constants(plan).unwrap_or_else(|| plan.uniforms.constants.iter().map(|&value| (value as f32).to_bits()).collect())
}

/// Length of [`constants`].
pub(super) fn constants_length(plan: &Plan) -> u64 {
    super::jump::table_length(plan).unwrap_or(plan.uniforms.constants.len() as u64)
}

/// As bits: the resting row, then one row a step and one a save (of a jump process: one a segment, and `−ln p_ss` behind them).
pub(super) fn rows(plan: &Plan) -> Vec<u32> {
    plan.uniforms.resting.iter().chain(&plan.uniforms.rows).chain(surprise(plan)).map(|&value| (value as f32).to_bits()).collect()
}

/// Length of [`rows`].
pub(super) fn rows_length(plan: &Plan) -> u64 {
    (plan.uniforms.resting.len() + plan.uniforms.rows.len() + surprise(plan).len()) as u64
}

fn surprise(plan: &Plan) -> &[f64] {
    match &plan.dynamics {
        Dynamics::Reactions(Reactions { surprise: Some(surprise), .. }) => &surprise.values,
        Dynamics::Overdamped(Overdamped { surprise: Some(surprise), .. }) => surprise.coefficients(),
        _ => &[],
    }
}

/// Steps of a dispatch: what part of which phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Steps {
    pub(super) relaxing: bool,
    pub(super) first: u64,
    pub(super) last: u64,
}

/// The parameters of a dispatch over trajectories `first .. first + count`.
pub(super) fn dispatch(plan: &Plan, sizes: &Sizes, first: u64, count: u64, steps: Steps) -> Dispatch {
    let key = random::key(plan.seed);
    let purpose = match (&plan.dynamics, steps.relaxing) {
        _ if super::jump::leaps(plan) => {
            if steps.relaxing {
                Purpose::RelaxationLeap
            } else {
                Purpose::Leap
            }
        }
        (Dynamics::Overdamped(_), true) => plan.stream.relaxation(),
        (Dynamics::Overdamped(_), false) => plan.stream.noise(),
        (_, true) => plan.stream.relaxation_event(),
        (_, false) => plan.stream.event(),
    };
    let columns = plan.uniforms.columns as u64;
    let starts = steps.first == 0;
    let unsigned = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    Dispatch {
        key_low: key[0],
        key_high: key[1],
        trajectory_low: first as u32,
        trajectory_high: (first >> 32) as u32,
        count: count as u32,
        stride: sizes.stride as u32,
        first_step: steps.first as u32,
        last_step: steps.last as u32,
        purpose: random::word_one(purpose, 0, 0),
        row: if steps.relaxing { 0 } else { ((1 + steps.first) * columns) as u32 },
        row_stride: if steps.relaxing { 0 } else { columns as u32 },
        phase: match (starts, steps.relaxing) {
            (true, false) => FORCES_UNKNOWN | MEASURING_STARTS,
            (true, true) => FORCES_UNKNOWN,
            (false, _) => 0,
        } | if steps.relaxing { 0 } else { MEASURING }
            | (plane::blocks_before(plan, first) as u32) << BLOCKS_BEFORE,
        save_every: if steps.relaxing { u32::MAX } else { unsigned(plan.schedule.save_every) },
        saves: plan.schedule.saves() as u32,
        before_block: unsigned(plan.block - first % plan.block),
        block: unsigned(plan.block),
        blocks_at: sizes.blocks_at as u32,
        windings_at: sizes.windings_at as u32,
        zero: 0,
        tallies_at: sizes.tallies_at as u32,
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    macro_rules! offsets {
        ($($member:ident),+ $(,)?) => { vec![$((stringify!($member), offset_of!(Dispatch, $member))),+] };
    }

    #[test]
    fn dispatch_has_the_offsets_of_its_twin() {
        let module = naga::front::wgsl::parse_str(include_str!("../../../shaders/bindings.wgsl")).expect("bindings.wgsl parses alone");
        let (_, structure) = module.types.iter().find(|(_, t)| t.name.as_deref() == Some("Dispatch")).expect("it declares Dispatch");
        let naga::TypeInner::Struct { members, span } = &structure.inner else { panic!("Dispatch is a struct") };
        let theirs: Vec<(&str, usize)> = members.iter().map(|m| (m.name.as_deref().unwrap_or(""), m.offset as usize)).collect();
        let ours = offsets![
            key_low,
            key_high,
            trajectory_low,
            trajectory_high,
            count,
            stride,
            first_step,
            last_step,
            purpose,
            row,
            row_stride,
            phase,
            save_every,
            saves,
            before_block,
            block,
            blocks_at,
            windings_at,
            zero,
            tallies_at,
        ];
        assert_eq!(ours, theirs);
        assert_eq!(size_of::<Dispatch>(), *span as usize);
        assert_eq!(size_of::<Dispatch>() % 16, 0, "uniform buffers are multiples of 16 bytes");
    }
}
