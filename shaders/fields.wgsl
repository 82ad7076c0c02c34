// Density grids: integer counts, so that the order of the additions does not matter.
// Needs: bindings.wgsl

// Sums of winding numbers over the workgroup.
var<workgroup> turns: array<atomic<i32>, FIELDS>;

// 0 below the grid, `bins + 1` above it. A folded coordinate is always inside; rounding at its seam must not say otherwise.
fn field_bin(x: f32, lower: f32, scale: f32, bins: f32, folded: bool) -> u32 {
    let place = floor((x - lower) * scale);
    return u32(select(clamp(place, -1.0, bins), clamp(place, 0.0, bins - 1.0), folded) + 1.0);
}

// Counts a finite value; `entry` is its place in a row of all bins of all fields.
fn count_field(place: u32, save: u32, entry: u32) {
    let block = select(1u + (place - dispatch.before_block) / dispatch.block, 0u, place < dispatch.before_block);
    atomicAdd(&counts[save * FIELD_ROW + entry], 1u);
    atomicAdd(&counts[dispatch.blocks_at + block * FIELD_ROW + entry], 1u);
}

// Adds the workgroup's sums of winding numbers to 64-bit ones.
fn collect_turns(lane: u32, save: u32) {
    if (lane < FIELDS) {
        let sum = atomicExchange(&turns[lane], 0);
        if (sum != 0) {
            let at = dispatch.windings_at + 2u * (save * FIELDS + lane);
            let low = bitcast<u32>(sum);
            let old = atomicAdd(&counts[at], low);
            atomicAdd(&counts[at + 1u], select(0u, 0xffffffffu, sum < 0) + select(0u, 1u, old + low < old));
        }
    }
}
