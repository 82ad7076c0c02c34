// Simplified weak Taylor scheme of order 2 for one coordinate; names and order of operations of the native kernels.
// Needs: maths.wgsl

// Displacement `m + s·z`.
fn weak_taylor(mean: f32, width: f32, z: f32) -> f32 {
    return fma(width, z, mean);
}

// Path ledger: the log-ratio of two Gaussians, `½b² − ½z² + ln(s'/s)` with `b = (Δ + reflected·m')/s'`, added to `sum`.
fn ledger_weak_taylor(z: f32, width: f32, mean_after: f32, width_after: f32, displacement: f32, reflected: f32, sum: f32) -> f32 {
    let b = fma(reflected, mean_after, displacement) / width_after;
    let squares = 0.5 * (b - z) * (b + z);
    return sum + (squares + ness_log(abs(width_after / width)));
}
