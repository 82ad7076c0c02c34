//! What fits on a device: refuses what does not, and cuts the ensemble into chunks that do.

use super::Tuning;
use super::device::Adapter;
use super::kernel::observables_at_once;
use super::layout::{self, Layout, Sizes, field_row, rows_length};
use crate::backend::BackendError;
use crate::plan::{Plan, TILE};

/// Trajectories of a chunk, where nothing else limits it: enough to fill any processor; on the host's own cores a chunk stays in its cache.
const HARDWARE_CHUNK: u64 = 1 << 20;
const SOFTWARE_CHUNK: u64 = 1 << 15;
/// Bytes of a buffer that a chunk is cut down to, where it can be: the device holds two, the host as many again.
const BUFFER_BUDGET: u64 = 1 << 28;
/// Bytes of a word of every buffer.
const WORD: u64 = 4;

/// Checks a plan against the limits of an adapter; the number of trajectories of a chunk comes back.
pub(super) fn chunk(plan: &Plan, adapter: &Adapter, tuning: &Tuning) -> Result<u64, BackendError> {
    let refuse = |quantity: &str, value: u64, limit: u64, advice: &str| {
        if value <= limit {
            return Ok(());
        }
        Err(BackendError::TooLarge { device: adapter.name.clone(), quantity: quantity.to_owned(), value, limit, advice: advice.to_owned() })
    };
    let workgroup = u64::from(tuning.workgroup);
    let saves = plan.schedule.saves() as u64;
    let rarer = "save less often (measure.every)";
    refuse("the workgroup size", workgroup, u64::from(adapter.workgroup_size), "use `--backend cpu`")?;
    // The last step but one must still have a successor in 32 bits.
    let steps = plan.schedule.steps.max(plan.relaxation_steps);
    refuse("the number of steps", steps, u64::from(u32::MAX) - 1, "take a larger ensemble.dt or a shorter protocol.duration")?;
    let planned = plan.dynamics.overdamped().map_or(0, |_| (1 + plan.schedule.steps + saves) * plan.uniforms.columns as u64);
    let table = rows_length(plan).max(planned) * WORD;
    refuse("the protocol table, in bytes,", table, adapter.buffer_bytes, "take a larger ensemble.dt or a shorter protocol.duration")?;
    let constants = layout::constants_length(plan);
    refuse(
        "the table of constants (of a network: of its states and edges), in bytes,",
        constants * WORD,
        adapter.buffer_bytes,
        "write the formulas with fewer numbers, or use `--backend cpu`",
    )?;
    let shared = workgroup_bytes(plan, workgroup);
    refuse("the memory of a workgroup, in bytes,", shared, u64::from(adapter.workgroup_bytes), "use `--backend cpu`")?;

    let layout = Layout::of_plan(plan);
    let smallest = Sizes::of(plan, &layout, workgroup, workgroup);
    refuse("the time series of one workgroup, in bytes,", smallest.moments * WORD, adapter.buffer_bytes, rarer)?;
    let fewer = "save less often (measure.every), or take fewer bins (measure.bins)";
    let tallies = (smallest.counts - smallest.tallies_at) * WORD;
    refuse("the memory of the sums over channels and states, in bytes,", tallies, adapter.buffer_bytes, "use `--backend cpu`")?;
    refuse("the memory of the density grids, in bytes,", smallest.counts * WORD, adapter.buffer_bytes, fewer)?;
    if field_row(plan) > 0 {
        // Every trajectory of a block adds one to a 32-bit count at every save.
        refuse("the number of saves", saves, u64::from(u32::MAX) / workgroup, rarer)?;
    }

    let total = plan.trajectories.end - plan.trajectories.start;
    let by_kind = if adapter.kind.is_hardware() { HARDWARE_CHUNK } else { SOFTWARE_CHUNK };
    let mut chunk = tuning.chunk.unwrap_or(by_kind).min(total).max(1).next_multiple_of(TILE as u64);
    let limit = adapter.buffer_bytes.min(BUFFER_BUDGET) / WORD;
    let fits = |chunk: u64| {
        let sizes = Sizes::of(plan, &layout, chunk, workgroup);
        let counted = field_row(plan) == 0 || chunk * saves <= u64::from(u32::MAX);
        counted
            && sizes.state <= limit
            && sizes.moments <= limit
            && sizes.counts <= limit.max(smallest.counts)
            && sizes.stride / workgroup <= u64::from(adapter.workgroups)
    };
    while chunk > workgroup && !fits(chunk) {
        chunk = (chunk / 2).next_multiple_of(TILE as u64);
    }
    Ok(chunk)
}

/// Bytes of `var<workgroup>` in `shaders/tile_moments.wgsl` and `shaders/fields.wgsl`.
fn workgroup_bytes(plan: &Plan, workgroup: u64) -> u64 {
    let rows = workgroup / TILE as u64 * observables_at_once(plan) as u64;
    let row = TILE as u64 + 8;
    WORD * (rows * (row + 2 * 8 + 2) + plan.fields.len() as u64)
}
