// Low and high word of a product, on adapters with 64-bit integers.

fn mul_wide(a: u32, b: u32) -> vec2<u32> {
    let product = u64(a) * u64(b);
    return vec2<u32>(u32(product & 0xffffffffu), u32(product >> 32u));
}
