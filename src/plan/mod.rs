//! The plan: everything a backend needs, as plain data.
//!
//! A plan holds no closure, no generic and no device handle. It can be printed, hashed and tested without a device.

mod circulation;
mod clocked;
mod compile;
mod compile_jump;
mod error;
mod exchange;
mod infimum;
mod initial;
mod jump;
mod linear_step;
mod reversal;
mod surprise;
mod underdamped;

use std::ops::Range;

use serde::Serialize;

use crate::density::Density;
use crate::expression::{Operand, Program};
use crate::random::Stream;
use crate::surface::Surface;

pub use crate::coordinate::{Boundary, Coordinate, FieldGrid, PlaneGrid};
pub use circulation::circulation_pairs;
pub use clocked::Clocked;
pub use compile::{Followed, Start, block_size, compile, protocol_at, protocol_table};
pub use compile_jump::{MOST_SINGLE_COLUMNS, MediumEntropy, compile_jump, medium_entropy};
pub use error::PlanError;
pub use exchange::{Exchange, bond_rates, compile_exchange, temperatures};
pub use infimum::{Affinity, Infimum};
pub use initial::initial_state;
pub use linear_step::{LinearStep, StepForm};
pub use reversal::Reversal;

pub use jump::{
    Alias, CRITICAL_FIRINGS, Channel, Clock, DWELL_UNITS, EXACT_EVENTS, Intervention, JumpColumn, Leaping, MOST_CHANNELS, MOST_ROUNDS, Network, Reactions,
    Surprise, Trigger,
};

pub use surprise::{CUBIC, QuadraticMove, SPLINE, SurpriseAlong, SurpriseMove, SurprisePlane, SurpriseTable};

/// Trajectories whose series sums are formed together, in a fixed tree, on every backend.
pub const TILE: usize = 64;

/// Steps after which the single-precision path sums are flushed into double-length ones, counted from step 0.
pub const FLUSH_EVERY: u64 = 64;

/// One ensemble to run: dynamics, schedule, initial law, random streams and what to bring back.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// What the experiment calls itself.
    pub title: String,
    /// Key of the Philox generator.
    pub seed: u64,
    /// Which purposes of random numbers this ensemble uses.
    pub stream: Stream,
    /// Trajectories of this plan, a part of `0..ensemble`; both ends are multiples of a block, or the end of the ensemble.
    pub trajectories: Range<u64>,
    /// Trajectories of the whole ensemble.
    pub ensemble: u64,
    /// Trajectories a statistics block holds (the last may hold fewer).
    pub block: u64,
    /// Integer time.
    pub schedule: Schedule,
    /// Numbers that no coordinate changes.
    pub uniforms: Uniforms,
    /// What the state of a trajectory is made of.
    pub coordinates: Vec<Coordinate>,
    /// The equations of motion.
    pub dynamics: Dynamics,
    /// Law of the state at the start.
    pub initial: InitialState,
    /// Steps run at the initial protocol value, before anything is measured (0: none).
    pub relaxation_steps: u64,
    /// Values that come back once a trajectory.
    pub columns: Vec<Column>,
    /// Values whose mean and variance over trajectories come back at every save.
    pub series: Vec<Column>,
    /// Density grids, filled at every save.
    pub fields: Vec<FieldGrid>,
    /// Density and current in the plane of two coordinates, filled at every step.
    pub plane: Option<PlaneGrid>,
}

/// Time as integers: `t = start + step·dt`, never accumulated. A jump process has one step between two saves; its own time is a [`Clock`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Schedule {
    /// Time at step 0.
    pub start: f64,
    /// Length of a step.
    pub dt: f64,
    /// Number of steps.
    pub steps: u64,
    /// Steps between saves; divides `steps`. Saves are at steps `0, save_every, …, steps`.
    pub save_every: u64,
}

impl Schedule {
    /// Number of saves, both ends included.
    pub fn saves(&self) -> usize {
        (self.steps / self.save_every) as usize + 1
    }

    /// Time of a step.
    pub fn time(&self, step: u64) -> f64 {
        self.start + step as f64 * self.dt
    }
}

/// Host-evaluated numbers: constants, and one row a step for what the protocol moves.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Uniforms {
    /// Read by [`Operand::Constant`].
    pub constants: Vec<f64>,
    /// Columns of `rows`.
    pub columns: usize,
    /// Row-major `(steps + saves, columns)`, read by [`Operand::Scheduled`]; row `n` serves step `n`. Row `steps + s` serves only
    /// [`Overdamped::protocol_work`] at save `s`: it moves the protocol from where the last step left it to its value at that time.
    #[serde(skip)]
    pub rows: Vec<f64>,
    /// The row in force during relaxation, all protocol changes zero; length `columns`.
    pub resting: Vec<f64>,
}

impl Uniforms {
    /// The row of a step (empty when nothing is scheduled).
    pub fn row(&self, step: u64) -> &[f64] {
        let start = step as usize * self.columns;
        &self.rows[start..start + self.columns]
    }
}

/// Equations of motion, compiled.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dynamics {
    /// Overdamped Langevin dynamics.
    Overdamped(Overdamped),
    /// Reactions between copy numbers.
    Reactions(Reactions),
    /// A walker on a graph of states.
    Network(Network),
    /// A rod of cells that exchange energy.
    Exchange(Exchange),
}

impl Dynamics {
    /// The Langevin equations, where that is the kind.
    pub fn overdamped(&self) -> Option<&Overdamped> {
        match self {
            Dynamics::Overdamped(dynamics) => Some(dynamics),
            _ => None,
        }
    }

    /// The same, to change them.
    pub fn overdamped_mut(&mut self) -> Option<&mut Overdamped> {
        match self {
            Dynamics::Overdamped(dynamics) => Some(dynamics),
            _ => None,
        }
    }
}

/// How a step moves the coordinates at fixed protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Integrator {
    /// Euler–Maruyama: weak order 1, exact path ledger.
    EulerMaruyama,
    /// Stochastic Heun: weak order 2, no path ledger.
    Heun,
    /// Simplified weak Taylor scheme of order 2, for one coordinate: Gaussian one-step density, so an exact path ledger.
    WeakTaylor,
    /// Euler–Maruyama in Itô form, for multiplicative noise: weak order 1; Gaussian one-step density, so a path ledger.
    EulerMaruyamaIto,
    /// Stochastic Heun in Stratonovich form, for multiplicative noise: weak order 1, no path ledger.
    HeunStratonovich,
    /// The exact Ornstein–Uhlenbeck step of a force linear in the coordinates, with an exact path ledger.
    ExactLinear,
    /// Splitting B A O A B of underdamped dynamics (Leimkuhler & Matthews 2013): weak order 2, exact path ledger.
    Baoab,
    /// Splitting O B A B O of underdamped dynamics (Bussi & Parrinello 2007): weak order 2, exact path ledger.
    Obabo,
    /// Grønbech-Jensen & Farago 2013: B A O A B whose bath damps by a rational function instead of an exponential, so that drift and diffusion on flat
    /// ground are exact at any step; weak order 2, exact path ledger.
    Gjf,
}

impl Integrator {
    /// Whether the step is a splitting into kicks (B), drifts (A) and baths (O).
    pub fn is_splitting(self) -> bool {
        matches!(self, Integrator::Baoab | Integrator::Obabo | Integrator::Gjf)
    }

    /// Whether the bath acts once, in the middle of a splitting.
    pub fn has_bath_in_the_middle(self) -> bool {
        matches!(self, Integrator::Baoab | Integrator::Gjf)
    }
}

/// Langevin dynamics, compiled: overdamped, or underdamped where there is `inertia`. `d` is the number of coordinates that have a force; with inertia
/// the plan has `2d`, velocities after positions.
///
/// A step is: the protocol moves (`protocol_work` is added to the work, at the old position), then the position
/// moves at the new protocol values (heat, work of the drives, path ledger).
#[derive(Clone, Debug, Serialize)]
pub struct Overdamped {
    /// The scheme.
    pub integrator: Integrator,
    /// One output: the work of this step's protocol move at the present position. `None` when nothing moves.
    pub protocol_work: Option<Program>,
    /// Outputs: the total forces `F_i` (`d` of them), then those named by `drives`, `law` and `medium`.
    pub force: Program,
    /// For every coordinate the output of `force` that is its non-conservative part, if it has one.
    pub drives: Vec<Option<u16>>,
    /// Where mean and width of a step depend on place: the outputs of `force` that hold them.
    pub law: Option<StepLaw>,
    /// Outputs of `force` that are summed along the path and are no straight line in the one coordinate there is, each with the output that is its slope
    /// `∂_x`: their trapezoids are corrected at both ends. Empty for several coordinates, and with inertia.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slopes: Vec<(u16, u16)>,
    /// Where the medium's entropy is more than heat over a fixed temperature: the outputs of `force` that hold `F_i/T_i − a ∂_i ln D_i`, length `d`.
    pub medium: Option<Vec<u16>>,
    /// What the ledgers need where something besides velocities is odd under time reversal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reversal: Option<Box<Reversal>>,
    /// True when `force` reads nothing scheduled, so that `F` at a step's end serves the next step's start.
    pub force_is_constant: bool,
    /// `dt/γ_i`; these four are empty for multiplicative noise, and with inertia.
    pub mobility: Vec<Operand>,
    /// `sqrt(2 T_i dt/γ_i)`.
    pub noise: Vec<Operand>,
    /// `1/(2 T_i)`, for the path ledger of Euler–Maruyama.
    pub half_beta: Vec<Operand>,
    /// `dt/(4 γ_i T_i)`, for the path ledger of Euler–Maruyama.
    pub quarter: Vec<Operand>,
    /// The matrices of [`Integrator::ExactLinear`].
    pub linear: Option<Box<LinearStep>>,
    /// Masses and baths of underdamped dynamics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inertia: Option<Inertia>,
    /// Change of `−ln p_ss` by this step's protocol move at the present position, for [`Column::Surprise`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surprise: Option<SurpriseMove>,
    /// What the infimum of the total entropy production needs, for [`Column::Infimum`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub infimum: Option<Infimum>,
}

impl Overdamped {
    /// The output of `force` that moves a coordinate backwards.
    pub fn back_output(&self, i: usize) -> usize {
        self.reversal.as_ref().map_or(i, |reversal| usize::from(reversal.back[i]))
    }

    /// The output of `force` that gives the heat of a coordinate.
    pub fn heat_output(&self, i: usize) -> usize {
        self.reversal.as_ref().map_or(i, |reversal| usize::from(reversal.irreversible[i]))
    }

    /// The output of `force` that is the slope of another one, where its trapezoid is corrected.
    pub fn slope_of(&self, output: usize) -> Option<usize> {
        self.slopes.iter().find(|(of, _)| usize::from(*of) == output).map(|(_, slope)| usize::from(*slope))
    }

    /// Random-number lanes that a step of a plan with so many coordinates (velocities included) draws.
    pub fn noise_lanes(&self, coordinates: usize) -> usize {
        if self.integrator.has_bath_in_the_middle() { coordinates / 2 } else { coordinates }
    }
}

/// What underdamped dynamics has besides forces. The bath part of a step is `v' = damping·v + noise·z`: over `dt` in the middle of [`Integrator::Baoab`]
/// and [`Integrator::Gjf`], over `dt/2` at both ends of [`Integrator::Obabo`]. A coordinate without friction has damping 1 and noise 0. All vectors have length `d`.
#[derive(Clone, Debug, Serialize)]
pub struct Inertia {
    /// `dt/(2m)`: half a kick.
    pub kick: Vec<Operand>,
    /// Duration of a drift: `dt` in [`Integrator::Obabo`], `dt/2` in the others.
    pub drift: Operand,
    /// `exp(−γ h/m)`, `h` the duration of a bath part; of [`Integrator::Gjf`] `(1 − c)/(1 + c)` with `c = γ dt/(2m)`.
    pub damping: Vec<Operand>,
    /// `sqrt((1 − damping²) T/m)`.
    pub noise: Vec<Operand>,
    /// `m/2`.
    pub half_mass: Vec<Operand>,
    /// `m/(2T)`, 0 without friction: the path ledger of a bath part is `m (v² − v'²)/(2T)`. For [`Integrator::ExactLinear`] `1/T` of every coordinate:
    /// its path ledger is the heat over the one temperature.
    pub ledger: Vec<Operand>,
}

/// Mean displacements `m_i(x)` and widths `s_i(x)` of a step, as outputs of [`Overdamped::force`]; length `d` each.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepLaw {
    /// `m_i`.
    pub mean: Vec<u16>,
    /// `s_i`.
    pub width: Vec<u16>,
    /// How steps are taken back on the path ledger of [`Integrator::EulerMaruyamaIto`]; `None`: by the same kind of step.
    pub back: Option<BackStep>,
}

/// Steps backwards by the end-point rule: from `x'` to the `x` with `x'_i − x_i + μ_i(x') = s_i(x) z̃_i`.
///
/// Time reversal exchanges start and end of a step, and with them Itô and anti-Itô. Taken back by an Euler–Maruyama step of its own, with the width
/// at `x'`, the log-ratio has the right exponential average but keeps a noise `∂s (z − z³)` a step that no smaller step removes; the end-point rule
/// has `ln[φ(z)/s ÷ φ(z̃)|∂z̃/∂x|] = ½z̃² − ½z² − ln|1 + z̃ ∂s|`, which tends to the entropy given to the medium. It is normalised as long as
/// `1 + z̃ ∂s` has no zero within reach, which fails only beyond `|z̃| = 1/|∂s|`, of order `1/sqrt(dt)` standard deviations. Every width must
/// depend on its own coordinate alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BackStep {
    /// `μ_i = dt D_i (F_i/T_i − a ∂_i ln D_i)`, the drift of the end-point rule.
    pub drift: Vec<u16>,
    /// `∂_i s_i`.
    pub slope: Vec<u16>,
}

/// Law of the state at the start; sampled on the host, in f64, from counter-based bits.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitialState {
    /// Every trajectory starts here; length `d`.
    Point(Vec<f64>),
    /// `mean + factor·z`, `factor` row-major lower triangular `d × d`.
    Gaussian {
        /// Mean; length `d`.
        mean: Vec<f64>,
        /// Cholesky factor of the covariance.
        factor: Vec<f64>,
    },
    /// Independent and uniform in `[lower_i, upper_i)`.
    Uniform {
        /// Lower ends; length `d`.
        lower: Vec<f64>,
        /// Upper ends; length `d`.
        upper: Vec<f64>,
    },
    /// One coordinate with a tabulated density.
    Density(Density),
    /// Two coordinates with a tabulated density.
    Surface(Surface),
    /// Independent exponential numbers.
    Exponential {
        /// Means; length `d`.
        mean: Vec<f64>,
    },
    /// One of a list of points.
    Discrete {
        /// The points, row-major `(points, d)`.
        points: Vec<f64>,
        /// Probability of a point or an earlier one; rising to 1.
        cumulative: Vec<f64>,
    },
    /// Positions by a law of their own, then independent Gaussian velocities.
    Thermal {
        /// Law of the positions.
        positions: Box<InitialState>,
        /// Standard deviation of every velocity.
        deviation: Vec<f64>,
    },
}

/// A value carried by every trajectory; `i` is a coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Column {
    /// Coordinate when measuring started.
    Initial(u16),
    /// Coordinate now; folded for periodic ones in `columns`, unwrapped in `series`.
    Position(u16),
    /// Net number of times a periodic coordinate has gone round since measuring started.
    Winding(u16),
    /// Work done so far (the protocol's and the drives').
    Work,
    /// Heat given so far to the bath of a coordinate.
    Heat(u16),
    /// Entropy given so far to the medium, `Σ_i (F_i/T_i − a ∂_i ln D_i) ∘ dx_i`, where it is more than heat over a fixed temperature; nats.
    EntropyMedium,
    /// Path ledger so far, in nats.
    EntropyPath,
    /// Area enclosed so far in the plane of two coordinates, `½∮(x_i∘dx_j − x_j∘dx_i)`.
    Circulation(u16, u16),
    /// Heat that the bath parts of a splitting gave to all baths so far: minus the change of kinetic energy in them.
    HeatPath,
    /// Change of `−ln p_ss` by the protocol's moves so far, in nats.
    Surprise,
    /// Total entropy production so far in a steady state, `Σ_i (ν_i/D_i) ∘ dx_i`, in nats.
    EntropySoFar,
    /// The lowest that [`Column::EntropySoFar`] ever was, between steps too.
    Infimum,
    /// What only jump processes have.
    Jump(JumpColumn),
}

impl Plan {
    /// Number of integer sums per block of trajectories, [`crate::backend::Batch::tallies`].
    pub fn tallies(&self) -> usize {
        match &self.dynamics {
            Dynamics::Network(network) if network.tallies => network.channels + network.states.len(),
            _ => 0,
        }
    }

    /// Whether a coordinate of the state is the velocity of another: these follow the positions.
    pub fn is_velocity(&self, i: u16) -> bool {
        let positions = self.dynamics.overdamped().and_then(|dynamics| dynamics.inertia.as_ref()).map(|inertia| inertia.kick.len());
        positions.is_some_and(|positions| usize::from(i) >= positions)
    }

    /// A hash of everything that decides the random paths and what is measured on them (not of the device).
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        // A plan is plain data: its JSON names every number, and the protocol table is added in its own bytes.
        let text = serde_json::to_vec(self).unwrap_or_default();
        hasher.update(&text);
        let surprise = match &self.dynamics {
            Dynamics::Reactions(reactions) => reactions.surprise.as_ref().map_or(&[][..], |surprise| &surprise.values),
            Dynamics::Overdamped(Overdamped { surprise: Some(surprise), .. }) => surprise.coefficients(),
            _ => &[],
        };
        for number in self.uniforms.rows.iter().chain(surprise) {
            hasher.update(&number.to_le_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }
}
