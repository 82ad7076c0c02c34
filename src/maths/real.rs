//! The floating-point types of the kernels: their bits, constants and polynomials.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A floating-point type of the lane kernels: `f64` or `f32`.
pub trait Real:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Send
    + Sync
    + Default
    + Debug
    + 'static
{
    /// Unsigned integer of the same width.
    type Bits: Copy;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// 2.
    const TWO: Self;
    /// 1/2.
    const HALF: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// Not a number.
    const NAN: Self;
    /// 1/π.
    const INVERSE_PI: Self;
    /// π in three parts; products of the first two with small integers are exact.
    const PI: [Self; 3];
    /// 1/ln 2.
    const INVERSE_LN_2: Self;
    /// ln 2 in two parts; products of the first with exponents are exact.
    const LN_2: [Self; 2];
    /// `exp` is 0 or infinite beyond; half of its exponent is still that of a normal number.
    const EXP_LIMIT: Self;
    /// `sinh` is infinite beyond.
    const SINH_LIMIT: Self;
    /// `tanh` is 1 beyond.
    const TANH_LIMIT: Self;
    /// Smallest positive normal number.
    const SMALLEST_NORMAL: Self;
    /// Spacing of numbers at 1.
    const EPSILON: Self;
    /// Largest number below 1.
    const LARGEST_BELOW_ONE: Self;
    /// A power of two that makes subnormal numbers normal, and its exponent.
    const SUBNORMAL_SCALE: (Self, Self);
    /// What turns a signed word into a multiple of π/4 for [`Real::angle_sin`].
    const ANGLE_SCALE: Self;

    /// Nearest value.
    fn from_f64(value: f64) -> Self;
    /// The same value in f64.
    fn to_f64(self) -> f64;
    /// Nearest value.
    fn from_u32(value: u32) -> Self;
    /// Nearest value.
    fn from_i32(value: i32) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// Correctly rounded square root.
    fn sqrt(self) -> Self;
    /// Largest integer not above.
    fn floor(self) -> Self;
    /// Absolute value of `self`, sign of `sign`.
    fn copysign(self, sign: Self) -> Self;
    /// `self·a + b`, rounded once with `FMA` and twice without.
    fn multiply_add<const FMA: bool>(self, a: Self, b: Self) -> Self;
    /// A word as bits.
    fn word_bits(word: u32) -> Self::Bits;
    /// The integer nearest to `self·factor`, and bits that end in its two's complement.
    fn nearest<const FMA: bool>(self, factor: Self) -> (Self, Self::Bits);
    /// `set` where the bit is 1, `clear` where it is 0.
    fn select_bit(bits: Self::Bits, bit: u32, set: Self, clear: Self) -> Self;
    /// `-self` where the bit is 1.
    fn flip_by_bit(self, bits: Self::Bits, bit: u32) -> Self;
    /// `(m, e)` with `self = m·2^e`, `m` in `[√½, √2)`, for a positive normal number.
    fn split(self) -> (Self, Self);
    /// `2^n` for an integer `n` in the normal range.
    fn power_of_two(n: Self) -> Self;
    /// The upper half of the significand: what is left is exact, and so are products of halves.
    fn upper_half(self) -> Self;

    /// `(sin r / r − 1)/q`, `q = r²`, for `|r| ≤ π/2`.
    fn sin_polynomial<const FMA: bool>(q: Self) -> Self;
    /// `(sin r / r − 1)/q` for `|r| ≤ π/4`.
    fn short_sin_polynomial<const FMA: bool>(q: Self) -> Self;
    /// `(cos r − 1 + q/2)/q²` for `|r| ≤ π/4`.
    fn short_cos_polynomial<const FMA: bool>(q: Self) -> Self;
    /// `(e^r − 1 − r)/r²` for `|r| ≤ ln 2 / 2`.
    fn exp_polynomial<const FMA: bool>(r: Self) -> Self;
    /// `(2 artanh s / s − 2)/z`, `z = s²`, for `s = (m − 1)/(m + 1)`, `m` in `[√½, √2)`.
    fn log_polynomial<const FMA: bool>(z: Self) -> Self;
    /// `(arctan t / t − 1)/z`, `z = t²`, for `|t| ≤ tan(π/8)`.
    fn atan_polynomial<const FMA: bool>(z: Self) -> Self;
    /// `ln(1 + f)/f` for `1 + f` in `[√½, √2)`, to the accuracy noise needs.
    fn noise_log<const FMA: bool>(f: Self) -> Self;
    /// `sin(π t / 4)/t`, `q = t²`, for `t` a signed word times [`Real::ANGLE_SCALE`], to the accuracy noise needs.
    fn angle_sin<const FMA: bool>(q: Self) -> Self;
    /// `cos(π t / 4)` likewise.
    fn angle_cos<const FMA: bool>(q: Self) -> Self;

    /// The smaller one; NaN if either is.
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        let smaller = if self < other { self } else { other };
        if self.is_nan() { self } else { smaller }
    }

    /// The larger one; NaN if either is.
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        let larger = if self > other { self } else { other };
        if self.is_nan() { self } else { larger }
    }

    /// Cut to `[-limit, limit]`; NaN stays.
    #[inline(always)]
    fn clamp_magnitude(self, limit: Self) -> Self {
        let upper = if limit < self { limit } else { self };
        if -limit > upper { -limit } else { upper }
    }

    /// Whether this is not a number.
    #[inline(always)]
    #[expect(clippy::eq_op, reason = "only NaN differs from itself")]
    fn is_nan(self) -> bool {
        self != self
    }
}

/// Horner's rule without a loop, lowest coefficient first.
macro_rules! horner {
    ($fma:ident, $x:expr; $last:expr) => { $last };
    ($fma:ident, $x:expr; $first:expr, $($rest:expr),+) => { Real::multiply_add::<$fma>(horner!($fma, $x; $($rest),+), $x, $first) };
}

/// The polynomials of one type: name, coefficients from the lowest.
macro_rules! polynomials {
    ($($name:ident: $($coefficient:expr),+;)+) => { $(
        #[inline(always)]
        fn $name<const FMA: bool>(x: Self) -> Self {
            horner!(FMA, x; $($coefficient),+)
        }
    )+ };
}

/// What f64 and f32 share word for word.
macro_rules! shared_operations {
    ($real:ident, $bits:ident, $sign:expr, $explicit:expr, $magic:expr) => {
        type Bits = $bits;
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        const TWO: Self = 2.0;
        const HALF: Self = 0.5;
        const INFINITY: Self = $real::INFINITY;
        const NAN: Self = $real::NAN;
        const INVERSE_PI: Self = std::$real::consts::FRAC_1_PI;
        const INVERSE_LN_2: Self = std::$real::consts::LOG2_E;
        const SMALLEST_NORMAL: Self = $real::MIN_POSITIVE;
        const EPSILON: Self = $real::EPSILON;
        const LARGEST_BELOW_ONE: Self = 1.0 - $real::EPSILON / 2.0;

        #[inline(always)]
        fn from_f64(value: f64) -> Self {
            value as Self
        }
        #[inline(always)]
        fn to_f64(self) -> f64 {
            f64::from(self)
        }
        #[inline(always)]
        fn from_u32(value: u32) -> Self {
            value as Self
        }
        #[inline(always)]
        fn from_i32(value: i32) -> Self {
            value as Self
        }
        #[inline(always)]
        fn abs(self) -> Self {
            $real::abs(self)
        }
        #[inline(always)]
        fn sqrt(self) -> Self {
            $real::sqrt(self)
        }
        #[inline(always)]
        fn floor(self) -> Self {
            $real::floor(self)
        }
        #[inline(always)]
        fn copysign(self, sign: Self) -> Self {
            $real::copysign(self, sign)
        }
        #[inline(always)]
        fn multiply_add<const FMA: bool>(self, a: Self, b: Self) -> Self {
            if FMA { $real::mul_add(self, a, b) } else { self * a + b }
        }
        #[inline(always)]
        fn word_bits(word: u32) -> $bits {
            $bits::from(word)
        }
        // Adding 1.5·2^(explicit bits) leaves no room for a fraction: the sum is rounded to an integer that sits in the low bits.
        #[inline(always)]
        fn nearest<const FMA: bool>(self, factor: Self) -> (Self, $bits) {
            let shifted = self.multiply_add::<FMA>(factor, $magic);
            (shifted - $magic, shifted.to_bits())
        }
        #[inline(always)]
        fn select_bit(bits: $bits, bit: u32, set: Self, clear: Self) -> Self {
            if (bits >> bit) & 1 == 1 { set } else { clear }
        }
        #[inline(always)]
        fn flip_by_bit(self, bits: $bits, bit: u32) -> Self {
            $real::from_bits(self.to_bits() ^ ((bits << ($bits::BITS - 1 - bit)) & $sign))
        }
        #[inline(always)]
        fn power_of_two(n: Self) -> Self {
            $real::from_bits((n + ($magic + ($real::MAX_EXP - 1) as $real)).to_bits() << $explicit)
        }
    };
}

impl Real for f64 {
    shared_operations!(f64, u64, 0x8000_0000_0000_0000, 52, 6_755_399_441_055_744.0);

    const PI: [f64; 3] = [3.1415926534682512, 1.2154201012607932e-10, 4.044532497591901e-21];
    const LN_2: [f64; 2] = [0.6931471803691238, 1.9082149292705878e-10];
    const EXP_LIMIT: f64 = 1400.0;
    const SINH_LIMIT: f64 = 710.0;
    const TANH_LIMIT: f64 = 22.0;
    const SUBNORMAL_SCALE: (f64, f64) = (18_014_398_509_481_984.0, 54.0);
    const ANGLE_SCALE: f64 = 1.0 / 2_147_483_648.0;

    #[inline(always)]
    fn split(self) -> (f64, f64) {
        // Exponents of numbers from √½ on become 1024 + e, so that a logical shift and a conversion by bits do.
        const ROOT_HALF: u64 = 0x3FE6_A09E_667F_3BCD;
        let shifted = self.to_bits().wrapping_add((1024 << 52) - ROOT_HALF);
        let exponent = f64::from_bits((shifted >> 52) | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1024.0);
        (f64::from_bits((shifted & 0x000F_FFFF_FFFF_FFFF) + ROOT_HALF), exponent)
    }
    #[inline(always)]
    fn upper_half(self) -> f64 {
        f64::from_bits(self.to_bits() & 0xFFFF_FFFF_F800_0000)
    }

    polynomials! {
        sin_polynomial: -0.16666666666666666, 0.008333333333333316, -0.00019841269841254974, 2.7557319219163234e-06, -2.5052107616996182e-08, 1.6058977312464087e-10, -7.643970296798572e-13, 2.7314447669863995e-15;
        short_sin_polynomial: -0.16666666666666666, 0.008333333333330948, -0.00019841269836758574, 2.755731610255244e-06, -2.5051131845003624e-08, 1.5918129294866608e-10;
        short_cos_polynomial: 0.041666666666666664, -0.0013888888888887398, 2.480158729876569e-05, -2.7557317271729793e-07, 2.08761462684032e-09, -1.1382632425521717e-11;
        exp_polynomial: 0.5000000000000001, 0.16666666666666669, 0.04166666666662413, 0.008333333333330062, 0.0013888888917213717, 0.00019841269863053618, 2.4801521295954376e-05, 2.7557268459997064e-06, 2.7620088445409746e-07, 2.510038549551032e-08;
        log_polynomial: 0.666666666666667, 0.39999999999899505, 0.28571428625975487, 0.2222221113479508, 0.18182889125261723, 0.15331721600556042, 0.14616449685043406;
        atan_polynomial: -0.3333333333333333, 0.1999999999999552, -0.14285714284666542, 0.11111111015256361, -0.09090904578123903, 0.07692183190826087, -0.06664511447381948, 0.0585814891280221, -0.0508544973794026, 0.03923165829558719, -0.01917688711906226;
        noise_log: 0.9999999999874651, -0.5000000003595171, 0.3333333424920659, -0.24999992728449305, 0.19999888139973632, -0.16667024572009081, 0.1429081173942899, -0.12495435324992145, 0.11006038270379548, -0.09945996186719662, 0.1004720511888933, -0.09804420067786203, 0.05235888516923783;
        angle_sin: 0.78539816339405, -0.08074551201834942, 0.002490393210175957, -3.657239263067379e-05, 3.089966866337448e-07;
        angle_cos: 0.9999999999999444, -0.3084251375300398, 0.01585434419710652, -0.0003259916875350726, 3.5904755349763954e-06, -2.426851890411488e-08;
    }
}

#[expect(clippy::approx_constant, reason = "a coefficient of a polynomial, which happens to be near π/4")]
impl Real for f32 {
    shared_operations!(f32, u32, 0x8000_0000, 23, 12_582_912.0);

    const PI: [f32; 3] = [3.140625, 0.000_967_502_6, 1.509_958e-7];
    const LN_2: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];
    const EXP_LIMIT: f32 = 170.0;
    const SINH_LIMIT: f32 = 89.0;
    const TANH_LIMIT: f32 = 10.0;
    const SUBNORMAL_SCALE: (f32, f32) = (33_554_432.0, 25.0);
    const ANGLE_SCALE: f32 = 1.0 / 2_147_483_648.0;

    #[inline(always)]
    fn split(self) -> (f32, f32) {
        const ROOT_HALF: u32 = 0x3F35_04F3;
        let shifted = self.to_bits().wrapping_sub(ROOT_HALF);
        let exponent = (shifted as i32 >> 23) as f32;
        (f32::from_bits((shifted & 0x007F_FFFF) + ROOT_HALF), exponent)
    }
    #[inline(always)]
    fn upper_half(self) -> f32 {
        f32::from_bits(self.to_bits() & 0xFFFF_F000)
    }

    polynomials! {
        sin_polynomial: -0.16666666, 0.0083332425, -0.0001982274, 2.6347564e-06;
        short_sin_polynomial: -0.16666664, 0.008332748, -0.0001958789;
        short_cos_polynomial: 0.041666664, -0.0013888302, 2.4547942e-05;
        exp_polynomial: 0.5, 0.16666576, 0.041666556, 0.008363179, 0.0013926184;
        log_polynomial: 0.66666687, 0.3998878, 0.2957995;
        atan_polynomial: -0.3333333, 0.1999954, -0.14263956, 0.10743731, -0.06451928;
        noise_log: 0.9999998, -0.5000067, 0.33336177, -0.24959406, 0.19873121, -0.17332922, 0.16419442, -0.10103141;
        angle_sin: 0.7853982, -0.080745436, 0.0024900069, -3.595429e-05;
        angle_cos: 1.0, -0.30842426, 0.01584991, -0.0003188775;
    }
}
