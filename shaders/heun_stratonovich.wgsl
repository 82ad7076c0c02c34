// Stochastic Heun for noise that depends on place; names and order of operations of the native kernels.
// Needs: weak_taylor.wgsl

// Displacement `½(Δ + (m̂ + ŝ·z))` from that of the Euler step, mean and width at its end.
fn heun_stratonovich(displacement: f32, mean: f32, width: f32, z: f32) -> f32 {
    return 0.5 * (displacement + fma(width, z, mean));
}
