// Euler–Maruyama, one coordinate at a time; names and order of operations of the native kernels.

// Displacement `F·mobility + noise·z`.
fn euler_maruyama(force: f32, z: f32, mobility: f32, noise: f32) -> f32 {
    return fma(force, mobility, noise * z);
}

// Path ledger `Δ(F + sF')/(2T) + dt(F'² − F²)/(4γT)`, added to `sum`: `Δ` before reflection, `s = -1` after an odd number of reflections.
fn ledger_euler_maruyama(before: f32, after: f32, displacement: f32, reflected: f32, half_beta: f32, quarter: f32, sum: f32) -> f32 {
    let linear = displacement * fma(reflected, after, before);
    let square = (after - before) * (after + before);
    return fma(linear, half_beta, fma(quarter, square, sum));
}
