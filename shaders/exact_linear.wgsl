// The exact step of a linear force; names and order of operations of the native kernels.

// Diagonal part of the step: `propagator·x + (noise·z + offset)`.
fn exact_linear(x: f32, z: f32, propagator: f32, noise: f32, offset: f32) -> f32 {
    return fma(propagator, x, fma(noise, z, offset));
}

// Diagonal part of the ledger's slope: `constant − factor·middle`.
fn ledger_exact_linear(factor: f32, middle: f32, constant: f32) -> f32 {
    return fma(-factor, middle, constant);
}
