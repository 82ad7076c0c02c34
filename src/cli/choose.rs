//! Which backend a run uses, and why.

use super::arguments::{Choice, Run};
use crate::backend::cpu::{Cpu, Precision, Tuning};
use crate::backend::gpu::{self, Gpu};
use crate::backend::{Backend, BackendError};

/// The backend asked for, and the sentence that says why it is this one.
pub(super) fn backend(arguments: &Run, precision: Precision) -> Result<(Box<dyn Backend>, String), BackendError> {
    let native = || -> Result<Box<dyn Backend>, BackendError> {
        Ok(Box::new(Cpu::new(precision, Tuning { threads: arguments.threads.map(usize::from), ..Tuning::default() })?))
    };
    let on_gpu = |index: Option<usize>| -> Result<Box<dyn Backend>, BackendError> { Ok(Box::new(Gpu::open(index)?)) };
    let hardware = || gpu::adapters().into_iter().find(|adapter| adapter.is_hardware());
    match (arguments.backend, arguments.device) {
        (Choice::Cpu, _) => Ok((native()?, "as asked".to_owned())),
        (Choice::Gpu, device) => Ok((on_gpu(device)?, "as asked".to_owned())),
        (Choice::Auto, Some(device)) => Ok((on_gpu(Some(device))?, "--device names a GPU".to_owned())),
        (Choice::Auto, None) => match hardware() {
            Some(adapter) => Ok((on_gpu(Some(adapter.index))?, "there is a hardware GPU; --backend cpu uses the processor".to_owned())),
            None => Ok((native()?, "no hardware GPU was found; --backend gpu uses software Vulkan where there is one".to_owned())),
        },
    }
}
