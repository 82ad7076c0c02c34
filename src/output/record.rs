//! What a run hands over to be written, as plain data.

use crate::results::{Estimate, Verdict};

/// Everything a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// How it was made.
    pub run: Run,
    /// The whole experiment, TOML.
    pub experiment: String,
    /// The generated compute shader; empty where there was none.
    pub wgsl: String,
    /// Measured numbers.
    pub estimates: Vec<Estimate>,
    /// Verdicts.
    pub theorems: Vec<Verdict>,
    /// What should be said besides.
    pub warnings: Vec<String>,
    /// Unit of every time in the file.
    pub time_unit: String,
    /// Means as functions of time.
    pub series: Option<Series>,
    /// Densities, one a coordinate.
    pub densities: Vec<DensityProfile>,
    /// Currents, one a coordinate.
    pub currents: Vec<CurrentProfile>,
    /// Density and current in the plane of two coordinates, where asked for.
    pub plane: Option<PlaneProfile>,
    /// Edges, cycles and states of a jump process.
    pub network: Option<Network>,
    /// Histograms, one a scalar.
    pub distributions: Vec<Distribution>,
    /// Generating function of the total entropy production of a steady state, where its symmetry is tried.
    pub generating_function: Option<GeneratingFunction>,
    /// Values of single trajectories; empty where none were asked for.
    pub trajectories: Vec<TrajectoryColumn>,
}

/// How a file was made; the attributes of its root.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Program and version, as `ness 0.1.0`.
    pub program: String,
    /// What the experiment calls itself.
    pub title: String,
    /// Where the model comes from; may be empty.
    pub source: String,
    /// The command that was typed.
    pub command: String,
    /// Key of the random numbers.
    pub seed: u64,
    /// Hash of the plan.
    pub fingerprint: String,
    /// `cpu` or `gpu`.
    pub backend: String,
    /// Processor or adapter.
    pub device: String,
    /// Driver, or instruction set.
    pub driver: String,
    /// Arithmetic profile.
    pub profile: String,
    /// `f64` or `f32`.
    pub precision: String,
    /// Wall time of the run, seconds.
    pub wall_seconds: f64,
    /// Trajectory-steps per second of wall time.
    pub rate: f64,
    /// Trajectories of the ensemble.
    pub trajectories: u64,
    /// Steps of one trajectory; of a jump process the mean number of events.
    pub steps: u64,
    /// What `steps` and `rate` count: `steps` or `events`.
    pub work_unit: String,
    /// Length of a step.
    pub dt: f64,
    /// Trajectories left out because they became infinite or NaN.
    pub nonfinite: u64,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub created_unix: u64,
}

/// Means over the ensemble at the times of the saves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Times of the saves.
    pub times: Vec<f64>,
    /// What was averaged.
    pub observables: Vec<SeriesObservable>,
}

/// One observable of a [`Series`]; every array is as long as its times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesObservable {
    /// Name, as `work`.
    pub name: String,
    /// The same in words.
    pub long_name: String,
    /// Unit; `1` for a pure number.
    pub unit: String,
    /// Mean over trajectories.
    pub mean: Vec<f64>,
    /// Standard error of the mean.
    pub standard_error: Vec<f64>,
    /// Variance over trajectories.
    pub variance: Vec<f64>,
    /// Exact mean, where one is known; NaN at times where it is not.
    pub exact: Option<Vec<f64>>,
}

/// Probability density of one coordinate. Arrays over time and space are row-major, `(times, centres)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DensityProfile {
    /// Name of the coordinate.
    pub coordinate: String,
    /// Unit of the coordinate.
    pub unit: String,
    /// Times of the saves.
    pub times: Vec<f64>,
    /// Centres of the bins.
    pub centres: Vec<f64>,
    /// Names of the states, where the bins are those of a network.
    pub states: Vec<String>,
    /// Trajectories in every bin, `(times, centres)`.
    pub counts: Vec<u64>,
    /// Trajectories below the lowest bin, `(times)`.
    pub below: Vec<u64>,
    /// Trajectories above the highest bin, `(times)`.
    pub above: Vec<u64>,
    /// Density, `(times, centres)`.
    pub density: Vec<f64>,
    /// Its standard error, `(times, centres)`.
    pub standard_error: Vec<f64>,
    /// Density averaged over the saves, `(centres)`.
    pub mean: Vec<f64>,
    /// Its standard error, `(centres)`.
    pub mean_standard_error: Vec<f64>,
    /// Exact density averaged over the saves, `(centres)`, where one is known.
    pub exact: Option<Vec<f64>>,
    /// Exact density, `(times, centres)`, where one is known.
    pub exact_in_time: Option<Vec<f64>>,
}

/// Probability current of one coordinate: net crossings of a bin face per trajectory and unit time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CurrentProfile {
    /// Name of the coordinate.
    pub coordinate: String,
    /// Unit of the coordinate.
    pub unit: String,
    /// Places of the bin faces.
    pub faces: Vec<f64>,
    /// Current, `(faces)`.
    pub current: Vec<f64>,
    /// Its standard error, `(faces)`.
    pub standard_error: Vec<f64>,
    /// Exact current, `(faces)`, where one is known.
    pub exact: Option<Vec<f64>>,
}

/// Density and probability current in the plane of two coordinates, averaged over the measured time. Arrays over the plane are row-major,
/// `(centres_0, centres_1)`; those of the current have the component in front.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlaneProfile {
    /// Names of the coordinates.
    pub coordinates: [String; 2],
    /// Unit of the coordinates.
    pub unit: String,
    /// Centres of the bins of either coordinate.
    pub centres: [Vec<f64>; 2],
    /// Density.
    pub density: Vec<f64>,
    /// Its standard error.
    pub density_error: Vec<f64>,
    /// Exact density, where one is known.
    pub density_exact: Option<Vec<f64>>,
    /// Current, `(2, centres_0, centres_1)`.
    pub current: Vec<f64>,
    /// Its standard error.
    pub current_error: Vec<f64>,
    /// Exact current, where one is known.
    pub current_exact: Option<Vec<f64>>,
}

/// What flows in a jump process. Arrays are as long as the names of their kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// Names of the reactions or edges, both directions taken together.
    pub edges: Vec<String>,
    /// Net events per trajectory and time, and standard errors.
    pub flux: Vec<f64>,
    /// Standard errors of `flux`.
    pub flux_error: Vec<f64>,
    /// Events per trajectory and time, both directions added.
    pub traffic: Vec<f64>,
    /// Standard errors of `traffic`.
    pub traffic_error: Vec<f64>,
    /// Names of the fundamental cycles.
    pub cycles: Vec<String>,
    /// Their affinities at the initial protocol value, in nats.
    pub affinity: Vec<f64>,
    /// Names of the states of a network; empty for reactions.
    pub states: Vec<String>,
    /// Share of the time spent in every state.
    pub occupancy: Vec<f64>,
    /// Standard errors of `occupancy`.
    pub occupancy_error: Vec<f64>,
}

/// Histogram over the ensemble of one scalar of a trajectory, as its work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution {
    /// Name of the scalar.
    pub name: String,
    /// The same in words.
    pub long_name: String,
    /// Unit of the scalar.
    pub unit: String,
    /// Centres of the bins.
    pub centres: Vec<f64>,
    /// Trajectories in every bin, `(centres)`.
    pub counts: Vec<u64>,
    /// The run with the protocol reversed, where theorems compare both.
    pub reversed: Option<Reversed>,
    /// Probability density, `(centres)`.
    pub density: Vec<f64>,
    /// Trajectories below the lowest bin.
    pub underflow: u64,
    /// Trajectories above the highest bin.
    pub overflow: u64,
}

/// The run with the protocol reversed, beside a [`Distribution`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reversed {
    /// Trajectories in the bin of minus the value, `(centres)`.
    pub counts: Vec<u64>,
    /// What the value is divided by in the logarithm of the ratio of both: the temperature of a work, 1 of an entropy.
    pub scale: f64,
}

/// `ln⟨exp(−α Δs_tot)⟩/t` at the end of the run. Arrays are as long as `alphas`; what is not known, or not sampled, is NaN.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GeneratingFunction {
    /// Tilts α.
    pub alphas: Vec<f64>,
    /// Measured values.
    pub values: Vec<f64>,
    /// Their standard errors.
    pub error: Vec<f64>,
    /// Exact limits of long times.
    pub exact: Vec<f64>,
}

/// One value of every trajectory, in the order of their indices, from 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrajectoryColumn {
    /// Name, as `work` or `initial.x`.
    pub name: String,
    /// The same in words.
    pub long_name: String,
    /// Unit; `1` for a pure number.
    pub unit: String,
    /// The values.
    pub values: Vec<f64>,
}
