// Euler–Maruyama in Itô form, one coordinate at a time; the step is that of weak_taylor.wgsl. Names and order of operations of the native kernels.
// Needs: maths.wgsl

// Path ledger by the end-point rule backwards: `½b² − ½z² − ln|1 + reflected·b·∂s|` with `b = (reflected·Δ + μ')/s`, added to `sum`.
fn ledger_euler_maruyama_ito(z: f32, width: f32, slope: f32, drift_after: f32, displacement: f32, reflected: f32, sum: f32) -> f32 {
    let b = fma(reflected, displacement, drift_after) / width;
    let squares = 0.5 * (b - z) * (b + z);
    return sum + (squares - ness_log(abs(fma(reflected * b, slope, 1.0))));
}
