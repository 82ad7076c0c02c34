// Thermal noise: four standard normals from one Philox block.
// Needs: bindings.wgsl philox.wgsl mul_wide_halves.wgsl maths.wgsl

// Index of the present trajectory in the ensemble, low and high word.
var<private> trajectory: vec2<u32>;

// The normals of steps `4·quartet … 4·quartet + 3` for a coordinate.
fn normals(coordinate: u32, quartet: u32) -> vec4<f32> {
    let counter = vec4<u32>(quartet, dispatch.purpose | (coordinate << 16u), trajectory.x, trajectory.y);
    let words = philox(counter, vec2<u32>(dispatch.key_low, dispatch.key_high));
    return vec4<f32>(ness_box_muller(words.x, words.y), ness_box_muller(words.z, words.w));
}
