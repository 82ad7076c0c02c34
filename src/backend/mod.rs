//! Backends advance the trajectories of a [`Plan`] and hand back [`Batch`]es.
//!
//! A backend knows no file, no theorem and no terminal.

pub mod cpu;
pub mod gpu;

use serde::Serialize;

use crate::plan::Plan;

/// What advances trajectories.
pub trait Backend {
    /// Name, device and arithmetic profile.
    fn describe(&self) -> Description;
    /// Refuses, before anything starts, a plan that does not fit, naming the number that must shrink.
    fn fits(&self, plan: &Plan) -> Result<(), BackendError>;
    /// Runs the plan. `receive` gets batches in the order of their trajectories, gap-free, and progress between them; it stops the run by answering [`Flow::Stop`].
    fn run(&self, plan: &Plan, receive: &mut (dyn FnMut(Event) -> Flow + Send)) -> Result<(), BackendError>;
}

/// What a run tells its receiver.
pub enum Event {
    /// Trajectory-steps done since the last event.
    Progress(u64),
    /// A contiguous run of finished trajectories.
    Batch(Batch),
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Stop as soon as possible.
    Stop,
}

/// What a backend says of itself; stored in the file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// `cpu` or `gpu`.
    pub backend: String,
    /// Processor or adapter.
    pub device: String,
    /// Driver, or instruction set.
    pub driver: String,
    /// Everything that decides the bits beside plan and seed.
    pub profile: String,
    /// Half the spacing of numbers at 1: 2⁻⁵³ or 2⁻²⁴.
    pub unit_roundoff: f64,
}

/// A contiguous run of finished trajectories.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Index of the first trajectory.
    pub first: u64,
    /// How many.
    pub count: usize,
    /// `columns[c][trajectory]`, in the order of `plan.columns`. A non-finite trajectory has a non-finite entry.
    pub columns: Vec<Vec<f64>>,
    /// `series[(tile * saves + save) * plan.series.len() + observable]`, tiles of [`crate::plan::TILE`] trajectories.
    pub series: Vec<TileMoments>,
    /// `counts[field][save * (bins + 2) + bin]`: bin 0 is below the grid, `bins + 1` above; non-finite ones are in neither.
    pub counts: Vec<Vec<u64>>,
    /// `windings[field][save]`: sum over trajectories of the winding number of the field's coordinate.
    pub windings: Vec<Vec<i64>>,
    /// `block_counts[field][(block - first_block) * (bins + 2) + bin]`: summed over all saves.
    pub block_counts: Vec<Vec<u64>>,
    /// `tallies[(block - first_block) * (channels + states) + k]` of a network that wants them: jumps of every channel, then the time in
    /// every state in units of `clock.length / `[`crate::plan::DWELL_UNITS`].
    pub tallies: Vec<u64>,
    /// `plane[(row - first_row) * plane.width() + 3 * cell + k]` of a plan with a plane, rows of `plane.blocks_per_row` statistics blocks: visits
    /// at the ends of steps, displacements along both coordinates in `plane.units`. Cell `i * bins_1 + j`; the last is everything outside.
    pub plane: Vec<i64>,
}

/// Count, mean and centred second moment of the finite values of a tile.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TileMoments {
    /// How many values were finite.
    pub count: f64,
    /// Their mean.
    pub mean: f64,
    /// Sum of squared deviations from the mean.
    pub m2: f64,
}

impl BackendError {
    /// Such jump processes have no kernels on a GPU.
    pub fn jumps_on_gpu(what: &str) -> Self {
        Self::Unsupported { what: what.to_owned() }
    }
}

/// Why a backend did not run.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The asked-for device is not there.
    #[error("no such device: {asked}\n{available}")]
    NoDevice {
        /// What was asked for.
        asked: String,
        /// What there is.
        available: String,
    },
    /// The plan is too large for the device.
    #[error("this run does not fit on {device}: {quantity} is {value}, at most {limit} are possible; {advice}")]
    TooLarge {
        /// Device.
        device: String,
        /// The number that must shrink.
        quantity: String,
        /// Its value.
        value: u64,
        /// Its limit.
        limit: u64,
        /// What to do.
        advice: String,
    },
    /// The backend has no kernels for such a plan.
    #[error("{what} of jump processes do not run on a GPU in this version; use `--backend cpu`, which runs them on every core")]
    Unsupported {
        /// What was asked for.
        what: String,
    },
    /// The generated shader was refused.
    #[error("the generated shader does not compile on {device}:\n{message}\nrun `ness wgsl` to see the text, or use `--backend cpu`")]
    Shader {
        /// Device.
        device: String,
        /// What the compiler said, with places.
        message: String,
    },
    /// The device failed while running.
    #[error("{device} failed: {message}\ntry `--backend cpu`, or another `--device` (see `ness devices`)")]
    Device {
        /// Device.
        device: String,
        /// What happened.
        message: String,
    },
}
