// Parts of a step of underdamped dynamics; names and order of operations of the native kernels. Kicks and drifts are a fused multiply and add.

// Bath part of a splitting: `damping·v + noise·z`.
fn bath(v: f32, z: f32, damping: f32, noise: f32) -> f32 {
    return fma(damping, v, noise * z);
}

// Kinetic energy lost, in units of its factor, added to `sum`: `factor·(v − v')(v + v')`.
fn kinetic_heat(before: f32, after: f32, factor: f32, sum: f32) -> f32 {
    let squares = (before - after) * (before + after);
    return fma(factor, squares, sum);
}
