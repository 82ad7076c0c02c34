// Change of −ln p_ss of two coordinates by a move of the protocol, from a table of cubic B-splines behind the rows; the twin of src/backend/cpu/surprise.rs.
// Needs: bindings.wgsl

// The four B-splines that reach into a cell, at the place s in it.
fn splines(s: f32) -> vec4<f32> {
    let r = 1.0 - s;
    let inner = fma(0.5 * s - 1.0, s * s, 0.6666667);
    let outer = fma(0.5 * r - 1.0, r * r, 0.6666667);
    return vec4<f32>(0.16666667 * r * (r * r), inner, outer, 0.16666667 * s * (s * s));
}

// Four coefficients from `first` in `rows`, weighted.
fn spline_line(first: u32, weights: vec4<f32>) -> f32 {
    let near = fma(rows[first + 1u], weights.y, rows[first] * weights.x);
    return fma(rows[first + 3u], weights.w, fma(rows[first + 2u], weights.z, near));
}

// The sum of products of B-splines at x, with coefficients from `at` in `rows`, lines of the second coordinate being `line` long; beyond the rectangle the polynomial of the nearest cell goes on.
fn spline_surface(x: vec2<f32>, lower: vec2<f32>, scale: vec2<f32>, cells: vec2<f32>, at: u32, line: u32) -> f32 {
    let place = (x - lower) * scale;
    let cell = clamp(floor(place), vec2<f32>(0.0), cells - 1.0);
    let along = splines(place.x - cell.x);
    let across = splines(place.y - cell.y);
    let first = at + line * u32(cell.x) + u32(cell.y);
    let near = fma(along.y, spline_line(first + line, across), along.x * spline_line(first, across));
    return fma(along.w, spline_line(first + 3u * line, across), fma(along.z, spline_line(first + 2u * line, across), near));
}
