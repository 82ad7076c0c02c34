//! Which backend a run uses, and why.

use super::arguments::{Choice, Hardware};
use crate::backend::cpu::{Cpu, Precision, Tuning};
use crate::backend::gpu::{self, Gpu, Selection};
use crate::backend::{Backend, BackendError};
use crate::plan::Plan;

/// The backend asked for, and the sentence that says why it is this one. Where nothing is asked for, a hardware GPU runs what it has room and kernels for: `plan`, if there is one already.
pub(super) fn backend(arguments: &Hardware, precision: Precision, plan: Option<&Plan>) -> Result<(Box<dyn Backend>, String), BackendError> {
    let native = || -> Result<Box<dyn Backend>, BackendError> {
        Ok(Box::new(Cpu::new(precision, Tuning { threads: arguments.threads.map(usize::from), ..Tuning::default() })?))
    };
    let on_gpu = |selection: Selection| -> Result<Box<dyn Backend>, BackendError> { Ok(Box::new(Gpu::open(&selection)?)) };
    let named = |device: &str| Selection::Named(device.to_owned());
    let hardware = || gpu::adapters().into_iter().find(|adapter| adapter.kind.is_hardware());
    let any = || gpu::adapters().into_iter().min_by_key(|adapter| (!adapter.kind.is_hardware(), adapter.index));
    match (arguments.backend, arguments.device.as_deref()) {
        (Choice::Cpu, Some(device)) => Err(BackendError::NoDevice {
            asked: device.to_owned(),
            available: "--backend cpu uses the processor and --device names a GPU: leave one of the two out".to_owned(),
        }),
        (Choice::Cpu, None) => Ok((native()?, "as asked".to_owned())),
        (Choice::Gpu | Choice::Auto, Some(device)) => Ok((on_gpu(named(device))?, "named by --device".to_owned())),
        (Choice::Gpu, None) => match any() {
            Some(adapter) => Ok((on_gpu(named(&adapter.index.to_string()))?, "as asked".to_owned())),
            None => Ok((on_gpu(Selection::Hardware)?, "as asked".to_owned())),
        },
        (Choice::Auto, None) => match hardware() {
            Some(adapter) => {
                let gpu = on_gpu(named(&adapter.index.to_string()))?;
                match plan.map_or(Ok(()), |plan| gpu.fits(plan)) {
                    Ok(()) => Ok((gpu, "there is a hardware GPU; --backend cpu uses the processor".to_owned())),
                    Err(error) => Ok((native()?, format!("the hardware GPU cannot take this run: {error}"))),
                }
            }
            None => Ok((native()?, "no hardware GPU was found; --backend gpu uses software Vulkan where there is one".to_owned())),
        },
    }
}
