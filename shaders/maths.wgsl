// Elementary functions and noise in f32: the twins of src/maths.rs, same reductions and coefficients.
// Infinity and NaN are made at run time, because a constant one is refused by shader compilers.

fn ness_from_bits(bits: u32) -> f32 {
    var value = bits;
    return bitcast<f32>(value);
}

// x - n pi scale, cut so that a hopelessly large x still gives a bounded result.
fn ness_reduce(x: f32, n: f32, scale: f32) -> f32 {
    let first = fma(-n, 3.140625 * scale, x);
    let second = fma(-n, 0.0009675026 * scale, first);
    return ness_cut(fma(-n, 1.509958e-7 * scale, second), 2.0);
}

fn ness_sin_reduced(r: f32) -> f32 {
    let q = r * r;
    let p = fma(fma(fma(2.6347564e-06, q, -0.0001982274), q, 0.0083332425), q, -0.16666666);
    return fma(r * q, p, r);
}

// -x where the lowest bit of n is 1.
fn ness_flip(x: f32, n: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ (bitcast<u32>(i32(n)) << 31u)); }

fn ness_sin(x: f32) -> f32 {
    let n = round(x * 0.31830987);
    return ness_flip(ness_sin_reduced(ness_reduce(x, n, 1.0)), n);
}

fn ness_cos(x: f32) -> f32 {
    let n = round((abs(x) - 1.5703125) * 0.31830987);
    return ness_flip(-ness_sin_reduced(ness_reduce(abs(x), n + n + 1.0, 0.5)), n);
}

fn ness_tan(x: f32) -> f32 {
    let n = round(x * 0.63661975);
    let r = ness_reduce(x, n, 0.5);
    let q = r * r;
    let sine = fma(r * q, fma(fma(-0.0001958789, q, 0.008332748), q, -0.16666664), r);
    let cosine = fma(q * q, fma(fma(2.4547942e-05, q, -0.0013888302), q, 0.041666664), fma(q, -0.5, 1.0));
    let odd = (i32(n) & 1) == 1;
    return select(sine, -cosine, odd) / select(cosine, sine, odd);
}

// e^x = 2^n (1 + p), as (n, p).
fn ness_exp_parts(x: f32) -> vec2<f32> {
    let n = round(x * 1.442695);
    let r = fma(-n, 1.4286068e-6, fma(-n, 0.69314575, x));
    return vec2<f32>(n, fma(r * r, fma(fma(fma(fma(0.0013926184, r, 0.008363179), r, 0.041666556), r, 0.16666576), r, 0.5), r));
}

// 2^n for an integer n of a normal power.
fn ness_power_of_two(n: f32) -> f32 { return bitcast<f32>(u32(i32(n) + 127) << 23u); }

// Cut to [-limit, limit]; clamp() may lose NaN.
fn ness_cut(x: f32, limit: f32) -> f32 {
    let upper = select(x, limit, x > limit);
    return select(upper, -limit, upper < -limit);
}

// 2^n (1 + p) in two factors, so that results from the smallest to the largest come out.
fn ness_scale(p: f32, n: f32) -> f32 {
    let half = round(n * 0.5);
    return (1.0 + p) * ness_power_of_two(half) * ness_power_of_two(n - half);
}

fn ness_exp(x: f32) -> f32 {
    let parts = ness_exp_parts(ness_cut(x, 170.0));
    return ness_scale(parts.y, parts.x);
}

// (e^x - 1)/2 for 0 <= x, small ones without cancellation.
fn ness_half_exp_minus_one(x: f32) -> f32 {
    let parts = ness_exp_parts(ness_cut(x, 89.0));
    let scale = ness_power_of_two(parts.x - 1.0);
    return fma(parts.y, scale, scale - 0.5);
}

fn ness_copysign(x: f32, sign: f32) -> f32 { return bitcast<f32>((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(sign) & 0x80000000u)); }

fn ness_sinh(x: f32) -> f32 {
    let half = ness_half_exp_minus_one(abs(x));
    let result = half + half / (half + half + 1.0);
    return ness_copysign(select(result, ness_from_bits(0x7f800000u), abs(x) > 89.0), x);
}

fn ness_cosh(x: f32) -> f32 {
    let parts = ness_exp_parts(ness_cut(abs(x), 170.0));
    let large = ness_scale(parts.y, parts.x - 1.0);
    return large + 0.25 / large;
}

fn ness_tanh(x: f32) -> f32 {
    let magnitude = ness_cut(abs(x), 10.0);
    let half = ness_half_exp_minus_one(magnitude + magnitude);
    return ness_copysign(half / (half + 1.0), x);
}

// x = m 2^e with m in [sqrt(1/2), sqrt 2), as (m, e); x positive and normal.
fn ness_split(x: f32) -> vec2<f32> {
    let shifted = bitcast<u32>(x) - 0x3f3504f3u;
    return vec2<f32>(bitcast<f32>((shifted & 0x7fffffu) + 0x3f3504f3u), f32(bitcast<i32>(shifted) >> 23u));
}

fn ness_split_any(x: f32) -> vec2<f32> {
    let small = x < 1.17549435e-38;
    let parts = ness_split(select(x, x * 33554432.0, small));
    return vec2<f32>(parts.x, select(parts.y, parts.y - 25.0, small));
}

fn ness_log_polynomial(z: f32) -> f32 { return fma(fma(0.2957995, z, 0.3998878), z, 0.66666687); }

fn ness_log(x: f32) -> f32 {
    let parts = ness_split_any(x);
    let f = parts.x - 1.0;
    let s = f / (parts.x + 1.0);
    let z = s * s;
    let half_square = 0.5 * f * f;
    let tail = s * fma(z, ness_log_polynomial(z), half_square) + parts.y * 1.4286068e-6;
    let finite = fma(parts.y, 0.69314575, f - (half_square - tail));
    let upper = select(x, finite, x < ness_from_bits(0x7f800000u));
    let result = select(ness_from_bits(0xff800000u), upper, x > 0.0);
    return select(ness_from_bits(0x7fc00000u), result, x >= 0.0);
}

fn ness_atan(x: f32) -> f32 {
    let a = abs(x);
    let far = a > 2.4142137;
    let middle = a > 0.41421357;
    let numerator = select(select(a, a - 1.0, middle), -1.0, far);
    let denominator = select(select(1.0, a + 1.0, middle), a, far);
    let quarters = select(select(0.0, 1.0, middle), 2.0, far);
    let t = numerator / denominator;
    let z = t * t;
    let tail = fma(t * z, fma(fma(fma(fma(-0.06451928, z, 0.10743731), z, -0.14263956), z, 0.1999954), z, -0.3333333), quarters * -2.1855694e-8);
    return ness_copysign(quarters * 0.7853982 + (t + tail), x);
}

fn ness_asin(x: f32) -> f32 { return ness_atan(x / sqrt((1.0 - x) * (1.0 + x))); }
fn ness_acos(x: f32) -> f32 { return 2.0 * ness_atan(sqrt((1.0 - x) / (1.0 + x))); }

// ln x of a positive finite number as a sum of two numbers.
fn ness_log_extended(x: f32) -> vec2<f32> {
    let parts = ness_split_any(x);
    let f = parts.x - 1.0;
    let sum = parts.x + 1.0;
    let sum_error = parts.x - (sum - 1.0);
    let s = f / sum;
    let product = s * sum;
    let s_error = ((f - product) - fma(s, sum, -product) - s * sum_error) / sum;
    let z = s * s;
    let exponent = parts.y * 0.69314575;
    let leading = exponent + 2.0 * s;
    let leading_error = 2.0 * s - (leading - exponent);
    let tail = leading_error + (2.0 * s_error + (s * z * ness_log_polynomial(z) + parts.y * 1.4286068e-6));
    let upper = leading + tail;
    return vec2<f32>(upper, tail - (upper - leading));
}

// x^y: 1 for y = 0; a negative x needs an integer y, otherwise NaN.
fn ness_pow(x: f32, y: f32) -> f32 {
    let infinity = ness_from_bits(0x7f800000u);
    let nan = ness_from_bits(0x7fc00000u);
    let a = abs(x);
    let logarithm = ness_log_extended(a);
    let product = y * logarithm.x;
    let correction = select(0.0, fma(y, logarithm.y, fma(y, logarithm.x, -product)), abs(product) < 170.0);
    let rough = ness_exp(product);
    let finite = select(rough, fma(rough, correction, rough), rough < infinity);
    let bounded = select(select(0.0, infinity, y > 0.0), finite, a < infinity);
    let positive = select(select(infinity, 0.0, y > 0.0), bounded, a > 0.0);
    let half = y * 0.5;
    let signed = select(positive, ness_copysign(positive, x), floor(half) != half);
    let power = select(select(nan, signed, floor(y) == y), positive, x >= 0.0);
    let result = select(power, nan, a != a || y != y);
    return select(result, 1.0, y == 0.0 || x == 1.0);
}

// -ln u for u = (word + 1/2)/2^32.
fn ness_negative_log_uniform(word: u32) -> f32 {
    let parts = ness_split(f32(word) + 0.5);
    let f = parts.x - 1.0;
    return fma(-f, fma(fma(fma(fma(fma(fma(fma(-0.10103141, f, 0.16419442), f, -0.17332922), f, 0.19873121), f, -0.24959406), f, 0.33336177), f, -0.5000067), f, 0.9999998), (32.0 - parts.y) * 0.6931472);
}

// (cos, sin) of a uniform angle: the word as signed times pi/4; bit 0 flips the sign of the cosine, bit 1 swaps the two.
fn ness_uniform_angle(word: u32) -> vec2<f32> {
    let t = f32(bitcast<i32>(word)) * 4.656612873077393e-10;
    let q = t * t;
    let long = bitcast<f32>(bitcast<u32>(fma(fma(fma(-0.0003188775, q, 0.01584991), q, -0.30842426), q, 1.0)) ^ (word << 31u));
    let short = t * fma(fma(fma(-3.595429e-05, q, 0.0024900069), q, -0.080745436), q, 0.7853982);
    return select(vec2<f32>(long, short), vec2<f32>(short, long), (word & 2u) == 2u);
}

// Two independent standard normal numbers from two words: radius from a, angle from b.
fn ness_box_muller(a: u32, b: u32) -> vec2<f32> {
    let half_square = ness_negative_log_uniform(a);
    return sqrt(half_square + half_square) * ness_uniform_angle(b);
}
