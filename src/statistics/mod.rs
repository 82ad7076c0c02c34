//! Mergeable statistics over fixed blocks of trajectories.
//!
//! The ensemble is cut into blocks by trajectory index, never by batch, thread or device. Integers merge in any order. Floating sums
//! live in a table with one row a block, formed strictly in the order of the trajectories inside it; `merge` is the disjoint union of rows and
//! floats are reduced once, at the end, in block order. So every result is bit for bit the same however the work was cut.
//!
//! - [`Scalars`]: values that come once a trajectory (work, heat, entropies): [`Moments`], [`ExponentialSum`] and [`Histogram`] of each;
//! - [`Series`]: mean and variance over trajectories at every save;
//! - [`Fields`]: densities and probability currents on a grid, in integers;
//! - [`Plane`]: density and current in the plane of two coordinates, in integers;
//! - [`Tallies`]: integer sums too many for a value a trajectory;
//! - [`jackknife`]: the standard error of any function of summed rows;
//! - [`Drift`]: whether means stand still;
//! - [`logistic`]: likelihood ratios of two samples, for the detailed theorems.

mod exponential;
mod fields;
mod histogram;
mod jackknife;
pub mod logistic;
mod moments;
mod plane;
mod scalars;
mod series;
mod steadiness;
mod tallies;

use statrs::distribution::{ContinuousCDF, Normal};

pub use exponential::ExponentialSum;
pub use fields::{Field, FieldLayout, Fields};
pub use histogram::Histogram;
pub use jackknife::jackknife;
pub use moments::Moments;
pub use plane::{Plane, PlaneLayout};
pub use scalars::{Scalar, ScalarSpec, Scalars};
pub use series::{CentredMoments, Series};
pub use steadiness::{Drift, Steady, scattered, student_bound};
pub use tallies::Tallies;

/// Family-wise probability of a false alarm over all comparisons of a run.
pub const FALSE_ALARM: f64 = 1e-3;

/// A number with its standard error, in the same unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Estimate.
    pub value: f64,
    /// Standard error; infinite when the data cannot tell.
    pub standard_error: f64,
}

impl Measured {
    /// `(value − expected)/standard_error`, with room for the rounding of a value that does not fluctuate.
    pub fn z(&self, expected: f64) -> f64 {
        let difference = self.value - expected;
        if difference == 0.0 {
            return 0.0;
        }
        difference / self.standard_error.hypot(1e-12 * self.value.abs().max(expected.abs()))
    }
}

/// The |z| above which one of `comparisons` is refuted: the two-sided Bonferroni bound of [`FALSE_ALARM`].
pub fn significance_bound(comparisons: usize) -> f64 {
    -Normal::standard().inverse_cdf(FALSE_ALARM / (2.0 * comparisons.max(1) as f64))
}

/// Why statistics could not be added together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatisticsError {
    /// Two parts hold the same block.
    #[error("block {block} of trajectories is in both parts; merge every part once, and parts of different ranges only")]
    Overlap {
        /// The block.
        block: u64,
    },
    /// The parts measured different things.
    #[error("the parts differ in {what}; merge only parts of one experiment, run by one version of the program")]
    Different {
        /// What differs.
        what: &'static str,
    },
    /// A batch did not follow the one before it.
    #[error("trajectory {expected} was to come next, but the batch starts at {found}; hand batches over in the order of their trajectories")]
    OutOfOrder {
        /// Index of the next trajectory of the block.
        expected: u64,
        /// Index the batch starts at.
        found: u64,
    },
    /// A batch holds another number of values than its layout says.
    #[error("a batch holds {found} {what} instead of {expected}; the backend and the statistics must be built from one plan")]
    Shape {
        /// Which values.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
}

/// Fails unless two lengths are equal.
fn same_length(what: &'static str, expected: usize, found: usize) -> Result<(), StatisticsError> {
    if expected == found { Ok(()) } else { Err(StatisticsError::Shape { what, expected, found }) }
}

/// Fails unless two descriptions are equal.
fn same<T: PartialEq>(what: &'static str, left: &T, right: &T) -> Result<(), StatisticsError> {
    if left == right { Ok(()) } else { Err(StatisticsError::Different { what }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bonferroni_bounds_are_those_of_the_tables() {
        for (comparisons, bound) in [(1, 3.2905), (10, 3.8906), (100, 4.4172), (1000, 4.8916), (3000, 5.1035)] {
            assert!((significance_bound(comparisons) - bound).abs() <= 5e-3, "{comparisons}: {}", significance_bound(comparisons));
        }
    }

    #[test]
    fn z_of_a_constant_is_zero_within_rounding_and_large_outside() {
        let constant = Measured { value: 1.0 + 1e-15, standard_error: 0.0 };
        assert!(constant.z(1.0).abs() <= 0.1);
        assert!(constant.z(1.0 + 1e-9).abs() >= 100.0);
        assert!(Measured { value: f64::NAN, standard_error: 1.0 }.z(1.0).is_nan());
    }
}
