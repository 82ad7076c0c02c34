// What a dispatch reads and writes. The twin of `Dispatch` in src/backend/gpu/layout.rs.

struct Dispatch {
    // Seed.
    key_low: u32,
    key_high: u32,
    // Index of the first trajectory of the chunk.
    trajectory_low: u32,
    trajectory_high: u32,
    // Trajectories of the chunk; those beyond are computed and never counted.
    count: u32,
    // Length of a slot of `state`.
    stride: u32,
    // Steps `first_step .. last_step`; the first is a multiple of four.
    first_step: u32,
    last_step: u32,
    // Purpose of the noise, in place for word 1 of the counter.
    purpose: u32,
    // Where in `rows` the first step's numbers start, and from one step's to the next (0 during relaxation).
    row: u32,
    row_stride: u32,
    // Bits: FORCES_UNKNOWN, MEASURING_STARTS, MEASURING; from the eighth on a number for plane.wgsl.
    phase: u32,
    // Steps between saves (none in reach during relaxation), and number of saves.
    save_every: u32,
    saves: u32,
    // Trajectories of the chunk before the first boundary of statistics blocks, and trajectories of a block.
    before_block: u32,
    block: u32,
    // Where in `counts` the block counts and the winding numbers start.
    blocks_at: u32,
    windings_at: u32,
    // Zero, where no compiler can know it.
    zero: u32,
    // Where in `counts` the sums over statistics blocks, or those of the plane of two coordinates, start, two words each.
    tallies_at: u32,
}

const FORCES_UNKNOWN: u32 = 1u;
const MEASURING_STARTS: u32 = 2u;
const MEASURING: u32 = 4u;

@group(0) @binding(0) var<uniform> dispatch: Dispatch;
// The resting row, then one row a step, then one a save.
@group(0) @binding(2) var<storage, read> rows: array<f32>;
// [slot][trajectory]; floats and integers as bits.
@group(0) @binding(3) var<storage, read_write> state: array<u32>;
// [tile][save][observable]: count, mean, centred second moment.
@group(0) @binding(4) var<storage, read_write> moments: array<f32>;
// [save][field][bin], then [block][field][bin], then [save][field] low and high word of a sum of winding numbers, then the same of [block][channel or state],
// or of the plane of two coordinates [row][cell][sum].
@group(0) @binding(5) var<storage, read_write> counts: array<atomic<u32>>;
