// Philox4x32-10 (Salmon, Moraes, Dror & Shaw, SC11); the twin of src/random.rs.
// Needs: mul_wide_halves.wgsl

const MULTIPLIER_0: u32 = 0xD2511F53u;
const MULTIPLIER_1: u32 = 0xCD9E8D57u;
const WEYL: vec2<u32> = vec2<u32>(0x9E3779B9u, 0xBB67AE85u);

fn philox_round(c: vec4<u32>, k: vec2<u32>) -> vec4<u32> {
    let p0 = mul_wide(c.x, MULTIPLIER_0);
    let p1 = mul_wide(c.z, MULTIPLIER_1);
    return vec4<u32>(p1.y ^ c.y ^ k.x, p1.x, p0.y ^ c.w ^ k.y, p0.x);
}

// Unrolled by hand: loops are bounded by a counter of the shader translator, which would cost as much as a round.
fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
    var c = philox_round(counter, key);
    c = philox_round(c, key + WEYL);
    c = philox_round(c, key + 2u * WEYL);
    c = philox_round(c, key + 3u * WEYL);
    c = philox_round(c, key + 4u * WEYL);
    c = philox_round(c, key + 5u * WEYL);
    c = philox_round(c, key + 6u * WEYL);
    c = philox_round(c, key + 7u * WEYL);
    c = philox_round(c, key + 8u * WEYL);
    return philox_round(c, key + 9u * WEYL);
}
