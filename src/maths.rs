//! Elementary functions that compilers turn into vector code, and the noise built on them.
//!
//! Every function is branch-free (polynomials and selects, no table), generic over [`Real`] and `#[inline(always)]`, so that
//! a loop over [`Lanes`] inside a `#[target_feature]` function becomes vector instructions. The only choice that can change a
//! bit is `FMA`: with it a product and a sum are rounded once, without it twice; the instruction set itself changes nothing.
//!
//! Errors of [`sin`], [`cos`], [`exp`], [`log`], [`cosh`], [`atan`] stay within about 2 units in the last place, those of
//! [`sinh`], [`tanh`], [`tan`], [`asin`], [`acos`] within 4; [`pow`] adds `|y ln x|/150` units. Angles may be as large as 1e5 (f64) or 1e3 (f32); beyond, the error grows like
//! the spacing of the argument and the result stays bounded. Polynomials interpolate at Chebyshev nodes, in the reductions of
//! fdlibm (Sun Microsystems, 1993).

#[path = "maths/elementary.rs"]
mod elementary;
#[path = "maths/noise.rs"]
mod noise;
#[path = "maths/real.rs"]
mod real;
#[cfg(test)]
#[path = "maths/tests.rs"]
mod tests;

pub use elementary::{acos, asin, atan, cos, cosh, exp, log, pow, sin, sinh, tan, tanh};
pub use noise::{box_muller, negative_log_uniform, uniform_angle};
pub use real::Real;

/// Trajectories advanced together by one lane block.
pub const LANES: usize = 128;

/// One number for each trajectory of a lane block.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lanes<R>(pub [R; LANES]);

impl<R: Real> Lanes<R> {
    /// All lanes zero.
    pub const ZERO: Lanes<R> = Lanes([R::ZERO; LANES]);
}

impl<R: Real> Default for Lanes<R> {
    fn default() -> Self {
        Self::ZERO
    }
}
