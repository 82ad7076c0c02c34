//! Every name in the file. A name that changes its meaning, or goes, raises [`SCHEMA_VERSION`].
//!
//! | group | dimensions | variables |
//! |---|---|---|
//! | `/` | | attributes: the run, the experiment, the generated shader |
//! | `/estimates` | `estimate` | `value`, `standard_error`, `effective_samples`, `exact`, `z`, `unit`, `source`; of an approximate method `bias`, `bias_standard_error`; of a refined run `refined_difference`, `extrapolated`, with standard errors, `refined_order` |
//! | `/theorems` | `theorem` | `value`, `standard_error`, `expected`, `z`, `effective_samples`, `verdict`, `advice` |
//! | `/series` | `time` | for every observable `X`: `X`, `X_standard_error`, `X_variance`; `X_exact` where it is known on the way; of a network also the `entropy_rate.…` that its states pay |
//! | `/density/C` | `time`, `C` | `counts`, `counts_below`, `counts_above`, `density`, `density_standard_error`, `density_mean`, `density_mean_standard_error`, `density_exact` (averaged over time), `density_exact_in_time`; of a network `state_name` |
//! | `/current/C` | `C_face` | `current`, `current_standard_error`, `current_exact` |
//! | `/density/A.B` | `A`, `B` | `density`, `density_standard_error`, `density_exact`: in the plane of two coordinates, averaged over time |
//! | `/current/A.B` | `component`, `A`, `B` | `current`, `current_standard_error`, `current_exact`: likewise |
//! | `/network` | `edge`, `cycle`, `state` | `flux`, `traffic`, `occupancy` with standard errors, `affinity`; jump processes only |
//! | `/distributions/S` | `S` | `counts`, `density`; `counts_reversed` and the attribute `scale` beside work and entropy where a reversed run was made; attributes `underflow`, `overflow` |
//! | `/generating_function` | `alpha` | `scgf`, `scgf_standard_error`, `scgf_exact`: of the total entropy of a steady state, with the theorem `gallavotti_cohen` |
//! | `/sweep` | the keys of a sweep, `estimate`, `theorem` | `seed`; `value`, `standard_error`, `exact`, `z` over all keys and estimates; `unit`; `theorem_z`; attribute `keys`; in the file of a sweep |
//! | `/trajectories` | `trajectory` | one variable a column |
//!
//! `C` is a coordinate and `S` a scalar of one trajectory, as `work`. An exact value that is not known is NaN, an unknown source is empty text.
//! `/checkpoint` is kept free for runs that can be resumed.

/// The version of this schema; a reader refuses a newer one.
pub const SCHEMA_VERSION: u64 = 1;

/// Attributes of the root.
pub mod root {
    /// [`super::SCHEMA_VERSION`] of the writer.
    pub const SCHEMA: &str = "schema";
    /// Program and version, as `ness 0.1.0`.
    pub const PROGRAM: &str = "program";
    /// What the experiment calls itself.
    pub const TITLE: &str = "title";
    /// Where the model comes from.
    pub const SOURCE: &str = "source";
    /// The command that was typed.
    pub const COMMAND: &str = "command";
    /// The whole experiment, TOML.
    pub const EXPERIMENT: &str = "experiment";
    /// The generated compute shader; empty where there was none.
    pub const WGSL: &str = "wgsl";
    /// Key of the random numbers.
    pub const SEED: &str = "seed";
    /// Hash of the plan.
    pub const FINGERPRINT: &str = "fingerprint";
    /// `cpu` or `gpu`.
    pub const BACKEND: &str = "backend";
    /// Processor or adapter.
    pub const DEVICE: &str = "device";
    /// Driver, or instruction set.
    pub const DRIVER: &str = "driver";
    /// Arithmetic profile: within one, results are equal bit for bit.
    pub const PROFILE: &str = "profile";
    /// `f64` or `f32`.
    pub const PRECISION: &str = "precision";
    /// Wall time of the run, seconds.
    pub const WALL_SECONDS: &str = "wall_seconds";
    /// Trajectory-steps per second of wall time.
    pub const RATE: &str = "rate";
    /// Trajectories of the ensemble.
    pub const TRAJECTORIES: &str = "trajectories";
    /// Steps of one trajectory.
    pub const STEPS: &str = "steps";
    /// What steps and rate count: `steps` or `events`.
    pub const WORK_UNIT: &str = "work_unit";
    /// Length of a step; of a jump process the time between saves.
    pub const DT: &str = "dt";
    /// Trajectories left out because they became infinite or NaN.
    pub const NONFINITE: &str = "nonfinite";
    /// What should be said besides, one warning a line.
    pub const WARNINGS: &str = "warnings";
    /// When the file was written: RFC 3339, UTC.
    pub const CREATED: &str = "created";
    /// When the file was written: seconds since 1970-01-01T00:00:00Z.
    pub const CREATED_UNIX: &str = "created_unix";
}

/// Groups.
pub mod group {
    /// Measured numbers.
    pub const ESTIMATES: &str = "estimates";
    /// Verdicts.
    pub const THEOREMS: &str = "theorems";
    /// Means over the ensemble as functions of time.
    pub const SERIES: &str = "series";
    /// Probability densities of coordinates.
    pub const DENSITY: &str = "density";
    /// Probability currents of coordinates.
    pub const CURRENT: &str = "current";
    /// What flows in a jump process.
    pub const NETWORK: &str = "network";
    /// Histograms of scalars of one trajectory.
    pub const DISTRIBUTIONS: &str = "distributions";
    /// Scaled cumulant generating function of the total entropy production.
    pub const GENERATING_FUNCTION: &str = "generating_function";
    /// What a sweep found, over its keys.
    pub const SWEEP: &str = "sweep";
    /// Values of single trajectories.
    pub const TRAJECTORIES: &str = "trajectories";
}

/// Dimensions that are not named after a coordinate or a scalar.
pub mod dimension {
    /// Names of the estimates.
    pub const ESTIMATE: &str = "estimate";
    /// Names of the theorems.
    pub const THEOREM: &str = "theorem";
    /// Times of the saves.
    pub const TIME: &str = "time";
    /// Components of a current in a plane: names of its coordinates.
    pub const COMPONENT: &str = "component";
    /// Names of reactions or edges.
    pub const EDGE: &str = "edge";
    /// Names of fundamental cycles.
    pub const CYCLE: &str = "cycle";
    /// Names of the states of a network.
    pub const STATE: &str = "state";
    /// Index of a trajectory.
    pub const TRAJECTORY: &str = "trajectory";
    /// Tilts of a generating function.
    pub const ALPHA: &str = "alpha";
    /// Bin faces of a coordinate: its name and this.
    pub const FACE_SUFFIX: &str = "_face";
    /// Added to the name of a coordinate that a variable beside it has already, as `time` or `density`.
    pub const TAKEN_SUFFIX: &str = "_coordinate";
}

/// Variables.
pub mod variable {
    /// Measured value.
    pub const VALUE: &str = "value";
    /// Its standard error.
    pub const STANDARD_ERROR: &str = "standard_error";
    /// Independent samples it is worth.
    pub const EFFECTIVE_SAMPLES: &str = "effective_samples";
    /// Exact value.
    pub const EXACT: &str = "exact";
    /// Distance from the exact value in standard errors.
    pub const Z: &str = "z";
    /// What an approximate method adds to a value.
    pub const BIAS: &str = "bias";
    /// Its standard error.
    pub const BIAS_STANDARD_ERROR: &str = "bias_standard_error";
    /// What steps half as long take off a value.
    pub const REFINED_DIFFERENCE: &str = "refined_difference";
    /// Its standard error.
    pub const REFINED_DIFFERENCE_STANDARD_ERROR: &str = "refined_difference_standard_error";
    /// Power of the time step that the extrapolation assumes.
    pub const REFINED_ORDER: &str = "refined_order";
    /// The limit of short time steps.
    pub const EXTRAPOLATED: &str = "extrapolated";
    /// Its standard error.
    pub const EXTRAPOLATED_STANDARD_ERROR: &str = "extrapolated_standard_error";
    /// Seed of a point of a sweep.
    pub const SEED: &str = "seed";
    /// Distance of a theorem from what it says, in standard errors.
    pub const THEOREM_Z: &str = "theorem_z";
    /// Unit of an estimate.
    pub const UNIT: &str = "unit";
    /// Where an exact value comes from.
    pub const SOURCE: &str = "source";
    /// What a theorem says.
    pub const EXPECTED: &str = "expected";
    /// `holds`, `violated` or `undersampled`.
    pub const VERDICT: &str = "verdict";
    /// What was compared, and what to do next.
    pub const ADVICE: &str = "advice";
    /// Numbers of trajectories in the bins.
    pub const COUNTS: &str = "counts";
    /// Numbers of trajectories below the grid.
    pub const COUNTS_BELOW: &str = "counts_below";
    /// Numbers of trajectories above the grid.
    pub const COUNTS_ABOVE: &str = "counts_above";
    /// Probability density.
    pub const DENSITY: &str = "density";
    /// Density averaged over time.
    pub const DENSITY_MEAN: &str = "density_mean";
    /// Exact density averaged over time.
    pub const DENSITY_EXACT: &str = "density_exact";
    /// Exact density at every save.
    pub const DENSITY_EXACT_IN_TIME: &str = "density_exact_in_time";
    /// Numbers of trajectories of the reversed run in the bins of minus the values.
    pub const COUNTS_REVERSED: &str = "counts_reversed";
    /// Names of the states of a network.
    pub const STATE_NAME: &str = "state_name";
    /// Scaled cumulant generating function.
    pub const SCGF: &str = "scgf";
    /// Probability current.
    pub const CURRENT: &str = "current";
    /// Exact probability current.
    pub const CURRENT_EXACT: &str = "current_exact";
    /// Net events per time.
    pub const FLUX: &str = "flux";
    /// Events per time, both directions added.
    pub const TRAFFIC: &str = "traffic";
    /// Affinity of a cycle.
    pub const AFFINITY: &str = "affinity";
    /// Share of the time spent in a state.
    pub const OCCUPANCY: &str = "occupancy";
    /// Ending of the name of a standard error.
    pub const STANDARD_ERROR_SUFFIX: &str = "_standard_error";
    /// Ending of the name of an exact value.
    pub const EXACT_SUFFIX: &str = "_exact";
    /// Ending of the name of a variance over trajectories.
    pub const VARIANCE_SUFFIX: &str = "_variance";
}

/// Attributes of variables and groups.
pub mod attribute {
    /// Unit of a variable; `1` for pure numbers.
    pub const UNITS: &str = "units";
    /// What a variable is, in words.
    pub const LONG_NAME: &str = "long_name";
    /// Of a distribution with a reversed run: `ln(counts/counts_reversed)` is a line with the slope of one over this.
    pub const SCALE: &str = "scale";
    /// The keys of a sweep, one a line, in the order of the dimensions.
    pub const KEYS: &str = "keys";
    /// Trajectories below the lowest bin.
    pub const UNDERFLOW: &str = "underflow";
    /// Trajectories above the highest bin.
    pub const OVERFLOW: &str = "overflow";
}
