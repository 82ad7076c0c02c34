// Stochastic Heun, one coordinate: the Euler–Maruyama step with the mean of the forces at both ends.

// Displacement of the trial step, `F·mobility + noise·z`.
fn heun_predictor(force: f32, z: f32, mobility: f32, noise: f32) -> f32 {
    return fma(force, mobility, noise * z);
}

// Displacement `½(F + F̂)·mobility + noise·z`.
fn heun(before: f32, predicted: f32, z: f32, mobility: f32, noise: f32) -> f32 {
    return fma(before + predicted, 0.5 * mobility, noise * z);
}
