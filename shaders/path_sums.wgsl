// Sums along a path: a single-precision part, flushed every few steps into a double-length pair (high, low).
// Needs: bindings.wgsl

// `sum + ½(before + after)·displacement`: a Stratonovich increment by the trapezoid.
fn add_trapezoid(before: f32, after: f32, displacement: f32, sum: f32) -> f32 {
    return fma(0.5 * (before + after), displacement, sum);
}

// `sum − (after − before)·displacement²/12`, of slopes: what makes a trapezoid exact for cubic forces.
fn correct_trapezoid(before: f32, after: f32, displacement: f32, sum: f32) -> f32 {
    return fma(-0.083333336 * (after - before), displacement * displacement, sum);
}

// `sum + ½(x Δy − y Δx)`: the area between a step and the origin.
fn add_area(before: vec2<f32>, after: vec2<f32>, sum: f32) -> f32 {
    let across = before.y * (after.x - before.x);
    let area = fma(before.x, after.y - before.y, -across);
    return fma(0.5, area, sum);
}

// The same number, about which the compiler can conclude nothing: it may not cancel the rounding errors that `flush` collects.
fn opaque(value: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(value) ^ dispatch.zero);
}

// The pair (high, low) plus a single-precision number: Knuth's two-sum, then renormalised.
fn flush(pair: vec2<f32>, addend: f32) -> vec2<f32> {
    let sum = opaque(pair.x + addend);
    let addend_part = opaque(sum - pair.x);
    let pair_part = opaque(sum - addend_part);
    let error = opaque(pair.x - pair_part) + opaque(addend - addend_part);
    let low = opaque(pair.y + error);
    let high = opaque(sum + low);
    return vec2<f32>(high, low - opaque(high - sum));
}
