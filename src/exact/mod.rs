//! Exact and numerically exact laws, for comparison with what the trajectories say.
//!
//! Everything here works from closures, matrices and numbers: nothing is shared with the kernels but the parsed model.
//!
//! - [`equilibrium`]: Boltzmann densities and free energies of one coordinate, and of quadratic potentials;
//! - [`ring`]: the stationary state of a driven overdamped ring, its velocity and effective diffusion;
//! - [`kramers`], [`relaxing_ring`]: the same with inertia, steady and on the way;
//! - [`infimum`]: how low Brownian motion with drift ever is;
//! - [`surprise`], [`surprise_plane`], [`spline`]: `−ln p_ss` of one or two coordinates as a smooth function;
//! - [`linear`], [`tilt`], [`flow`], [`plane`]: Gaussian laws of linear Langevin dynamics, cumulants of sums of quadratic forms and of flows along their paths, currents in a plane;
//! - [`chain`], [`generator`], [`counting`], [`cumulants`], [`relaxation`], [`cycles`]: sparse Markov chains, moments of what their trajectories count, how fast they forget, cycles and conservation laws;
//! - [`mesh`], [`extent`], [`refinement`], [`steady`], [`contour`], [`transient`], [`moving`]: one or two coordinates with any forces on a grid, as such a chain, steady, on the way or under a protocol, and extrapolation to spacing zero;
//! - [`chebyshev`]: functions of time as polynomials;
//! - [`exchange`]: moments of a rod of cells that exchange energy;
//! - [`fokker_planck`]: densities and mean work, heat and entropies of one coordinate under any protocol.

pub mod bridge;
pub mod chain;
pub mod chebyshev;
pub mod contour;
pub mod counting;
pub mod cumulants;
pub mod cycles;
mod elimination;
pub mod equilibrium;
pub mod exchange;
pub mod extent;
pub mod flow;
pub mod fluctuation;
pub mod fokker_planck;
pub mod generator;
pub mod infimum;
pub mod kramers;
mod landscape;
pub mod linear;
pub mod mesh;
pub mod moving;
pub mod path;
pub mod plane;
pub mod quadrature;
pub mod refinement;
pub mod relaxation;
pub mod relaxing_ring;
pub mod ring;
mod runge_kutta;
mod solver;
pub mod spline;
pub mod steady;
pub mod surprise;
pub mod surprise_plane;
pub mod tilt;
pub mod transient;
mod tridiagonal;

use crate::density::DensityError;

/// Why there is no exact value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExactError {
    /// A number that must be finite and positive is not.
    #[error("{name} is {value}: it must be finite and positive")]
    NotPositive {
        /// What the number is.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// The range of a coordinate is empty or not finite.
    #[error("the range [{lower}, {upper}] needs finite ends with lower < upper")]
    Range {
        /// Lower end.
        lower: f64,
        /// Upper end.
        upper: f64,
    },
    /// A formula has no finite value where one is needed.
    #[error("the {what} is not finite at x = {position}: change the formula, or the range of the coordinate")]
    NotFinite {
        /// `potential`, `force` or `drive`.
        what: &'static str,
        /// Where.
        position: f64,
    },
    /// An open coordinate without a normalisable equilibrium.
    #[error("the potential does not confine the coordinate at this temperature: no equilibrium; make it periodic, give it walls, or add a trap")]
    NotConfining,
    /// The grid cannot resolve the function.
    #[error("{cells} cells do not resolve the density: use more cells, or a narrower range")]
    Unresolved {
        /// Cells of the grid.
        cells: usize,
    },
    /// A truncated open coordinate has reached the end of its range.
    #[error("the density reaches the end of [{lower}, {upper}] at t = {time}: give a wider range")]
    RangeTooNarrow {
        /// Lower end.
        lower: f64,
        /// Upper end.
        upper: f64,
        /// When.
        time: f64,
    },
    /// The times asked for are not in order.
    #[error("times must be finite and in ascending order, none before the start: {time} is not")]
    Times {
        /// The first bad one.
        time: f64,
    },
    /// A chain whose eliminated matrix is too large.
    #[error(
        "the stationary state of these {states} states needs more than the {limit} matrix entries there is room for: use fewer states, or fewer transitions"
    )]
    TooMuchFill {
        /// How many states there are.
        states: usize,
        /// How many entries there may be.
        limit: usize,
    },
    /// A chain whose stationary state is not unique, or leaves states empty.
    #[error("state number {state} never leads back: there is no stationary state with every state occupied")]
    Reducible {
        /// The state.
        state: usize,
    },
    /// A matrix that must be positive definite is not.
    #[error("the {what} is not positive definite: {advice}")]
    NotPositiveDefinite {
        /// Which matrix.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// Linear dynamics without a stationary state.
    #[error("the linear dynamics has no stationary state: the smallest relaxation rate is {rate}; start from a point or a Gaussian instead")]
    Unstable {
        /// Smallest real part of the eigenvalues of the drift matrix.
        rate: f64,
    },
    /// A function said to be quadratic is not.
    #[error("the potential is not quadratic: at a test point it differs from its quadratic form by {difference}")]
    NotQuadratic {
        /// The difference.
        difference: f64,
    },
    /// Matrices or vectors of different dimensions.
    #[error("{what} has dimension {found}, not {expected}")]
    Dimension {
        /// Which one.
        what: &'static str,
        /// Its dimension.
        found: usize,
        /// The right one.
        expected: usize,
    },
    /// A table was not a density.
    #[error(transparent)]
    Density(#[from] DensityError),
}

/// Refuses a number that is not finite and positive.
pub(crate) fn positive(name: &'static str, value: f64) -> Result<f64, ExactError> {
    if value.is_finite() && value > 0.0 { Ok(value) } else { Err(ExactError::NotPositive { name, value }) }
}

/// Refuses an empty or infinite range.
pub(crate) fn range(lower: f64, upper: f64) -> Result<f64, ExactError> {
    let length = upper - lower;
    if length.is_finite() && length > 0.0 { Ok(length) } else { Err(ExactError::Range { lower, upper }) }
}
