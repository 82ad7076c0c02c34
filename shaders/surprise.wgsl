// Change of −ln p_ss by a move of the protocol, from a table of cubics behind the rows; the twin of src/backend/cpu/surprise.rs.
// Needs: bindings.wgsl

// The cubic of the cell of x, in a row of cells that starts at `at` in `rows`; beyond the ends those of the first and last cell go on.
fn cubic(x: f32, lower: f32, scale: f32, cells: f32, at: u32) -> f32 {
    let place = (x - lower) * scale;
    let cell = clamp(floor(place), 0.0, cells - 1.0);
    let s = place - cell;
    let first = at + 4u * u32(cell);
    return fma(fma(fma(rows[first + 3u], s, rows[first + 2u]), s, rows[first + 1u]), s, rows[first]);
}
