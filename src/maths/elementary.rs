//! Elementary functions, branch-free.

use super::Real;

/// `x − n·π·scale`, in three steps of which the first is exact; cut so that a hopelessly large `x` still gives a bounded result.
#[inline(always)]
fn reduce<R: Real, const FMA: bool>(x: R, n: R, scale: R) -> R {
    let first = (-n).multiply_add::<FMA>(R::PI[0] * scale, x);
    let second = (-n).multiply_add::<FMA>(R::PI[1] * scale, first);
    (-n).multiply_add::<FMA>(R::PI[2] * scale, second).clamp_magnitude(R::TWO)
}

/// `sin r` for `|r| ≤ π/2`.
#[inline(always)]
fn sin_reduced<R: Real, const FMA: bool>(r: R) -> R {
    let q = r * r;
    (r * q).multiply_add::<FMA>(R::sin_polynomial::<FMA>(q), r)
}

/// Sine.
#[inline(always)]
pub fn sin<R: Real, const FMA: bool>(x: R) -> R {
    let (n, bits) = x.nearest::<FMA>(R::INVERSE_PI);
    sin_reduced::<R, FMA>(reduce::<R, FMA>(x, n, R::ONE)).flip_by_bit(bits, 0)
}

/// Cosine: `cos x = −(−1)^n sin(x − (n + 1/2)π)`.
#[inline(always)]
pub fn cos<R: Real, const FMA: bool>(x: R) -> R {
    let (n, bits) = (x.abs() - R::PI[0] * R::HALF).nearest::<FMA>(R::INVERSE_PI);
    (-sin_reduced::<R, FMA>(reduce::<R, FMA>(x.abs(), n + n + R::ONE, R::HALF))).flip_by_bit(bits, 0)
}

/// Tangent.
#[inline(always)]
pub fn tan<R: Real, const FMA: bool>(x: R) -> R {
    let (n, bits) = x.nearest::<FMA>(R::INVERSE_PI * R::TWO);
    let r = reduce::<R, FMA>(x, n, R::HALF);
    let q = r * r;
    let sine = (r * q).multiply_add::<FMA>(R::short_sin_polynomial::<FMA>(q), r);
    let cosine = (q * q).multiply_add::<FMA>(R::short_cos_polynomial::<FMA>(q), q.multiply_add::<FMA>(-R::HALF, R::ONE));
    R::select_bit(bits, 0, -cosine, sine) / R::select_bit(bits, 0, sine, cosine)
}

/// `(n, p)` with `e^x = 2^n (1 + p)`.
#[inline(always)]
fn exp_parts<R: Real, const FMA: bool>(x: R) -> (R, R) {
    let (n, _) = x.nearest::<FMA>(R::INVERSE_LN_2);
    let r = (-n).multiply_add::<FMA>(R::LN_2[1], (-n).multiply_add::<FMA>(R::LN_2[0], x));
    (n, (r * r).multiply_add::<FMA>(R::exp_polynomial::<FMA>(r), r))
}

/// Exponential: 0 or infinity where the result has no place.
#[inline(always)]
pub fn exp<R: Real, const FMA: bool>(x: R) -> R {
    let (n, p) = exp_parts::<R, FMA>(x.clamp_magnitude(R::EXP_LIMIT));
    // In two factors, so that results from the subnormal to the largest come out.
    let (half, _) = n.nearest::<FMA>(R::HALF);
    (R::ONE + p) * R::power_of_two(half) * R::power_of_two(n - half)
}

/// `(e^x − 1)/2` for `0 ≤ x`, small ones without cancellation.
#[inline(always)]
fn half_exp_minus_one<R: Real, const FMA: bool>(x: R) -> R {
    let (n, p) = exp_parts::<R, FMA>(x.clamp_magnitude(R::SINH_LIMIT));
    let scale = R::power_of_two(n - R::ONE);
    p.multiply_add::<FMA>(scale, scale - R::HALF)
}

/// Hyperbolic sine; infinite a little before the largest number is reached.
#[inline(always)]
pub fn sinh<R: Real, const FMA: bool>(x: R) -> R {
    let half = half_exp_minus_one::<R, FMA>(x.abs());
    let result = half + half / (half + half + R::ONE);
    let result = if x.abs() > R::SINH_LIMIT { R::INFINITY } else { result };
    result.copysign(x)
}

/// Hyperbolic cosine.
#[inline(always)]
pub fn cosh<R: Real, const FMA: bool>(x: R) -> R {
    let (n, p) = exp_parts::<R, FMA>(x.abs().clamp_magnitude(R::EXP_LIMIT));
    let (half, _) = n.nearest::<FMA>(R::HALF);
    let large = (R::ONE + p) * R::power_of_two(half) * R::power_of_two(n - R::ONE - half);
    large + R::HALF * R::HALF / large
}

/// Hyperbolic tangent.
#[inline(always)]
pub fn tanh<R: Real, const FMA: bool>(x: R) -> R {
    let magnitude = x.abs().clamp_magnitude(R::TANH_LIMIT);
    let half = half_exp_minus_one::<R, FMA>(magnitude + magnitude);
    (half / (half + R::ONE)).copysign(x)
}

/// `(m, e)` of a positive number, subnormal ones included.
#[inline(always)]
fn split_any<R: Real>(x: R) -> (R, R) {
    let small = x < R::SMALLEST_NORMAL;
    let (m, e) = (if small { x * R::SUBNORMAL_SCALE.0 } else { x }).split();
    (m, if small { e - R::SUBNORMAL_SCALE.1 } else { e })
}

/// Natural logarithm: −∞ at 0, NaN below.
#[inline(always)]
pub fn log<R: Real, const FMA: bool>(x: R) -> R {
    let (m, e) = split_any(x);
    let f = m - R::ONE;
    let s = f / (m + R::ONE);
    let z = s * s;
    let half_square = R::HALF * f * f;
    let tail = s * z.multiply_add::<FMA>(R::log_polynomial::<FMA>(z), half_square) + e * R::LN_2[1];
    let result = e.multiply_add::<FMA>(R::LN_2[0], f - (half_square - tail));
    log_special(x, result)
}

/// Puts the logarithms of 0, ∞, NaN and negative numbers in their places.
#[inline(always)]
fn log_special<R: Real>(x: R, result: R) -> R {
    let result = if x < R::INFINITY { result } else { x };
    let result = if x > R::ZERO { result } else { -R::INFINITY };
    if x >= R::ZERO { result } else { R::NAN }
}

/// Inverse tangent.
#[inline(always)]
pub fn atan<R: Real, const FMA: bool>(x: R) -> R {
    let a = x.abs();
    let (far, middle) = (a > R::from_f64(2.414213562373095), a > R::from_f64(0.41421356237309503));
    let numerator = if far {
        -R::ONE
    } else if middle {
        a - R::ONE
    } else {
        a
    };
    let denominator = if far {
        a
    } else if middle {
        a + R::ONE
    } else {
        R::ONE
    };
    let quarters = if far {
        R::TWO
    } else if middle {
        R::ONE
    } else {
        R::ZERO
    };
    let t = numerator / denominator;
    let z = t * t;
    let quarter_pi = R::from_f64(std::f64::consts::FRAC_PI_4);
    let remainder = R::from_f64(std::f64::consts::FRAC_PI_4 - quarter_pi.to_f64() + FRAC_PI_4_TAIL);
    let tail = (t * z).multiply_add::<FMA>(R::atan_polynomial::<FMA>(z), quarters * remainder);
    (quarters * quarter_pi + (t + tail)).copysign(x)
}

/// π/4 less its nearest f64.
const FRAC_PI_4_TAIL: f64 = 3.061616997868383e-17;

/// Inverse sine; NaN outside `[-1, 1]`.
#[inline(always)]
pub fn asin<R: Real, const FMA: bool>(x: R) -> R {
    atan::<R, FMA>(x / ((R::ONE - x) * (R::ONE + x)).sqrt())
}

/// Inverse cosine; NaN outside `[-1, 1]`.
#[inline(always)]
pub fn acos<R: Real, const FMA: bool>(x: R) -> R {
    R::TWO * atan::<R, FMA>(((R::ONE - x) / (R::ONE + x)).sqrt())
}

/// `a·b` rounded, and what the rounding left.
#[inline(always)]
fn two_product<R: Real, const FMA: bool>(a: R, b: R) -> (R, R) {
    let product = a * b;
    if FMA {
        return (product, a.multiply_add::<FMA>(b, -product));
    }
    let (a_upper, b_upper) = (a.upper_half(), b.upper_half());
    let (a_lower, b_lower) = (a - a_upper, b - b_upper);
    (product, ((a_upper * b_upper - product) + a_upper * b_lower + a_lower * b_upper) + a_lower * b_lower)
}

/// `ln x` of a positive finite number as a sum of two numbers.
#[inline(always)]
fn log_extended<R: Real, const FMA: bool>(x: R) -> (R, R) {
    let (m, e) = split_any(x);
    let f = m - R::ONE;
    let sum = m + R::ONE;
    let sum_error = m - (sum - R::ONE);
    let s = f / sum;
    let (product, product_error) = two_product::<R, FMA>(s, sum);
    let s_error = ((f - product) - product_error - s * sum_error) / sum;
    let z = s * s;
    let exponent = e * R::LN_2[0];
    let leading = exponent + R::TWO * s;
    let leading_error = R::TWO * s - (leading - exponent);
    let tail = leading_error + (R::TWO * s_error + (s * z * R::log_polynomial::<FMA>(z) + e * R::LN_2[1]));
    let upper = leading + tail;
    (upper, tail - (upper - leading))
}

/// `x^y`: 1 for `y = 0`; a negative `x` needs an integer `y`, otherwise NaN.
#[inline(always)]
pub fn pow<R: Real, const FMA: bool>(x: R, y: R) -> R {
    let a = x.abs();
    let (upper, lower) = log_extended::<R, FMA>(a);
    let (product, error) = two_product::<R, FMA>(y, upper);
    let correction = y.multiply_add::<FMA>(lower, error);
    let correction = if product.abs() < R::EXP_LIMIT { correction } else { R::ZERO };
    let power = exp::<R, FMA>(product);
    let power = if power < R::INFINITY { power.multiply_add::<FMA>(correction, power) } else { power };
    // Infinite powers, and zero to any: the sign of y decides.
    let infinite = if y > R::ZERO { R::INFINITY } else { R::ZERO };
    let zero = if y > R::ZERO { R::ZERO } else { R::INFINITY };
    let power = if a < R::INFINITY { power } else { infinite };
    let power = if a > R::ZERO { power } else { zero };
    let half = y * R::HALF;
    let odd = half.floor() != half;
    let signed = if odd { power.copysign(x) } else { power };
    let power = if x >= R::ZERO {
        power
    } else if y.floor() == y {
        signed
    } else {
        R::NAN
    };
    let power = if a.is_nan() || y.is_nan() { R::NAN } else { power };
    if y == R::ZERO || x == R::ONE { R::ONE } else { power }
}
