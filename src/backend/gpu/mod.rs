//! Any graphics processor, through wgpu: one compute shader is generated for each plan.
//!
//! A lane of the device advances one trajectory, a dispatch advances a chunk of trajectories by some steps, and what a chunk leaves
//! behind comes back while the next one is computed.

mod compose;
mod device;
mod fit;
mod forms;
mod gaussian_step;
mod jump;
mod kernel;
mod layout;
mod plane;
mod readback;
mod run;
mod step;
#[cfg(test)]
mod tests;
mod underdamped;

pub use self::compose::{ShaderOptions, shader};
use self::device::Device;
pub use self::device::{Adapter, AdapterKind, Selection, adapters};
use super::{Backend, BackendError, Description, Event, Flow};
use crate::plan::Plan;

/// How the work is cut; never changes a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Trajectories of a workgroup: 64, 128 or 256.
    pub workgroup: u32,
    /// Most trajectories of a chunk (`None`: by the kind of device); whole tiles are taken, and fewer where buffers would overflow.
    pub chunk: Option<u64>,
    /// Steps of a dispatch, rounded up to a multiple of four (`None`: as many as take about 50 ms).
    pub steps_per_dispatch: Option<u64>,
    /// Multiply in 64-bit integers where the adapter has them.
    pub wide_integers: bool,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { workgroup: 64, chunk: None, steps_per_dispatch: None, wide_integers: true }
    }
}

/// The backend of an open device.
pub struct Gpu {
    device: Device,
    tuning: Tuning,
}

impl Gpu {
    /// Opens a device.
    ///
    /// # Errors
    /// [`BackendError::NoDevice`] lists what there is when the selection is not among it.
    pub fn open(selection: &Selection) -> Result<Self, BackendError> {
        Ok(Self { device: Device::open(selection)?, tuning: Tuning::default() })
    }

    /// The same device with the work cut in another way.
    pub fn with_tuning(self, tuning: Tuning) -> Self {
        Self { tuning, ..self }
    }

    /// What was opened.
    pub fn adapter(&self) -> &Adapter {
        &self.device.adapter
    }

    /// What the shaders of this device are written with.
    pub fn shader_options(&self) -> ShaderOptions {
        ShaderOptions { workgroup: self.tuning.workgroup, wide_integers: self.tuning.wide_integers && self.device.adapter.wide_integers }
    }
}

impl Backend for Gpu {
    fn describe(&self) -> Description {
        let adapter = &self.device.adapter;
        Description {
            backend: "gpu".to_owned(),
            device: adapter.name.clone(),
            driver: format!("{}, {}", adapter.interface, adapter.driver),
            profile: format!("gpu f32, {}, {}, {}", adapter.name, adapter.interface, adapter.driver),
            unit_roundoff: f64::from(f32::EPSILON) / 2.0,
        }
    }

    fn fits(&self, plan: &Plan) -> Result<(), BackendError> {
        jump::runnable(plan)?;
        fit::chunk(plan, &self.device.adapter, &self.tuning).map(|_| ())
    }

    fn run(&self, plan: &Plan, receive: &mut (dyn FnMut(Event) -> Flow + Send)) -> Result<(), BackendError> {
        jump::runnable(plan)?;
        let chunk = fit::chunk(plan, &self.device.adapter, &self.tuning)?;
        run::run(&self.device, plan, self.shader_options(), &self.tuning, chunk, receive)
    }
}
