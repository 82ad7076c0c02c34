// Infimum of a Brownian bridge over a step, from a random number of its own purpose.
// Needs: bindings.wgsl noise.wgsl philox.wgsl mul_wide_halves.wgsl maths.wgsl

// −ln u of step n; `purpose` is shifted to its place in the counter.
fn wait(purpose: u32, n: u32) -> f32 {
    let counter = vec4<u32>(n / 4u, purpose, trajectory.x, trajectory.y);
    let words = philox(counter, vec2<u32>(dispatch.key_low, dispatch.key_high));
    return ness_negative_log_uniform(words[n % 4u]);
}

// The infimum on the way from `level` to `level + rise`, where the variance grows by `spread`.
fn lowest_between(level: f32, rise: f32, spread: f32, wait: f32) -> f32 {
    let squares = fma(2.0 * spread, wait, rise * rise);
    return 0.5 * ((level + level + rise) - sqrt(squares));
}
