// Density and current in the plane of two coordinates: 64-bit integers of two words each, so that the order of additions does not matter.
// Needs: bindings.wgsl boundary.wgsl

// Most units of a displacement.
const MOST_UNITS: f32 = 1073741824.0;
// Where the row of this trajectory starts in `counts`, and whether its steps count.
var<private> plane_row: u32;
var<private> plane_counts: bool;

// The bits of `dispatch.phase` from the eighth on say how many blocks of the first row lie before the chunk.
fn find_plane_row(place: u32) {
    let block = select(1u + (place - dispatch.before_block) / dispatch.block, 0u, place < dispatch.before_block);
    let row = ((dispatch.phase >> 8u) + block) / PLANE_BLOCKS;
    plane_row = dispatch.tallies_at + row * 2u * 3u * PLANE_CELLS;
    plane_counts = place < dispatch.count && (dispatch.phase & MEASURING) != 0u;
}

// Bin of a place; as many as there are bins outside the grid.
fn plane_bin(x: f32, lower: f32, scale: f32, bins: u32) -> u32 {
    let place = floor((x - lower) * scale);
    return select(bins, u32(place), place >= 0.0 && place < f32(bins));
}

fn plane_cell(i: u32, j: u32, bins_i: u32, bins_j: u32) -> u32 {
    return select(PLANE_CELLS - 1u, i * bins_j + j, i < bins_i && j < bins_j);
}

fn add_to_plane(entry: u32, value: i32) {
    let at = plane_row + 2u * entry;
    let low = bitcast<u32>(value);
    let old = atomicAdd(&counts[at], low);
    let high = select(0u, 0xffffffffu, value < 0) + select(0u, 1u, old + low < old);
    if (high != 0u) {
        atomicAdd(&counts[at + 1u], high);
    }
}

// A step that ends in one cell, its middle in another, displacements in units.
fn deposit(end: u32, middle: u32, moved: vec2<f32>) {
    let units = clamp(round(moved), vec2<f32>(-MOST_UNITS), vec2<f32>(MOST_UNITS));
    add_to_plane(3u * end, 1);
    add_to_plane(3u * middle + 1u, i32(units.x));
    add_to_plane(3u * middle + 2u, i32(units.y));
}

// The shorter way round.
fn shorter(displacement: f32, period: f32) -> f32 {
    return displacement - period * round(displacement / period);
}
