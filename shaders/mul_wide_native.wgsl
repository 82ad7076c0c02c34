// Low and high word of a product, on adapters with 64-bit integers.

fn mul_wide(a: u32, b: u32) -> vec2<u32> {
    return vec2<u32>(a * b, u32((u64(a) * u64(b)) >> 32u));
}
