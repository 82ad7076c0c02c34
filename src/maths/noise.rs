//! Random words to Gaussian numbers.

use super::Real;

/// `−ln u` for `u = (word + 1/2)/2^32`, to about 2e-11 of its value in f64.
#[inline(always)]
pub fn negative_log_uniform<R: Real, const FMA: bool>(word: u32) -> R {
    let (m, e) = (R::from_u32(word) + R::HALF).split();
    let f = m - R::ONE;
    let exponent = (R::from_i32(32) - e) * R::from_f64(std::f64::consts::LN_2);
    (-f).multiply_add::<FMA>(R::noise_log::<FMA>(f), exponent)
}

/// `(cos, sin)` of a uniform angle, to about 1e-11 in f64: an angle in `[−π/4, π/4)` from the word taken as signed;
/// bit 0 flips the sign of the cosine, bit 1 swaps the two.
#[inline(always)]
pub fn uniform_angle<R: Real, const FMA: bool>(word: u32) -> (R, R) {
    let t = R::from_i32(word as i32) * R::ANGLE_SCALE;
    let q = t * t;
    let bits = R::word_bits(word);
    let long = R::angle_cos::<FMA>(q).flip_by_bit(bits, 0);
    let short = t * R::angle_sin::<FMA>(q);
    (R::select_bit(bits, 1, short, long), R::select_bit(bits, 1, long, short))
}

/// Two independent standard normal numbers from two words (Box & Muller, Ann. Math. Stat. 29, 610 (1958)): radius from `a`, angle from `b`.
#[inline(always)]
pub fn box_muller<R: Real, const FMA: bool>(a: u32, b: u32) -> (R, R) {
    let (cosine, sine) = uniform_angle::<R, FMA>(b);
    let half_square = negative_log_uniform::<R, FMA>(a);
    let radius = (half_square + half_square).sqrt();
    (radius * cosine, radius * sine)
}
