//! Adapters and the device: what there is, opening one, and turning whatever goes wrong into an error.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::compose::Composition;
use crate::backend::BackendError;

/// How long a dispatch may take before the device is given up.
const PATIENCE: Duration = Duration::from_secs(300);

/// What a device is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdapterKind {
    /// A processor with its own memory.
    Discrete,
    /// A processor that shares the memory of the host.
    Integrated,
    /// A part of a processor, lent by a virtual machine.
    Virtual,
    /// The host itself, running shaders.
    Software,
    /// The driver does not say.
    Unknown,
}

impl AdapterKind {
    /// Whether shaders run on something else than the host's cores.
    pub fn is_hardware(self) -> bool {
        self != AdapterKind::Software
    }

    /// Smaller is tried first.
    fn rank(self) -> u8 {
        match self {
            AdapterKind::Discrete => 0,
            AdapterKind::Integrated => 1,
            AdapterKind::Virtual => 2,
            AdapterKind::Unknown => 3,
            AdapterKind::Software => 4,
        }
    }
}

/// Something that runs shaders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Adapter {
    /// Its number for `--device`.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// Its driver and the driver's version.
    pub driver: String,
    /// The interface it is reached by: vulkan, metal, dx12.
    pub interface: String,
    /// What it is made of.
    pub kind: AdapterKind,
    /// Whether shaders have 64-bit integers; the random bits are the same without, only slower.
    pub wide_integers: bool,
    /// Largest buffer a shader can bind, in bytes.
    pub buffer_bytes: u64,
    /// Memory shared by a workgroup, in bytes.
    pub workgroup_bytes: u32,
    /// Most trajectories of a workgroup.
    pub workgroup_size: u32,
    /// Most workgroups of a dispatch.
    pub workgroups: u32,
}

/// Which device to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// The first that is not software: discrete before integrated before virtual.
    #[default]
    Hardware,
    /// A number of `ness devices`, or a part of a name (in any case of letters).
    Named(String),
}

/// Every adapter of this machine, in the order of their numbers.
pub fn adapters() -> Vec<Adapter> {
    found().iter().enumerate().map(|(index, adapter)| describe(index, adapter)).collect()
}

fn found() -> Vec<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY))
}

fn describe(index: usize, adapter: &wgpu::Adapter) -> Adapter {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    Adapter {
        index,
        name: info.name,
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        interface: format!("{:?}", info.backend).to_lowercase(),
        kind: match info.device_type {
            wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
            wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
            wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
            wgpu::DeviceType::Cpu => AdapterKind::Software,
            wgpu::DeviceType::Other => AdapterKind::Unknown,
        },
        wide_integers: adapter.features().contains(wgpu::Features::SHADER_INT64),
        buffer_bytes: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        workgroup_bytes: limits.max_compute_workgroup_storage_size,
        workgroup_size: limits.max_compute_invocations_per_workgroup.min(limits.max_compute_workgroup_size_x),
        workgroups: limits.max_compute_workgroups_per_dimension,
    }
}

/// Picks an adapter.
fn select(adapters: &[Adapter], selection: &Selection) -> Option<usize> {
    match selection {
        Selection::Hardware => adapters.iter().filter(|a| a.kind.is_hardware()).min_by_key(|a| (a.kind.rank(), a.index)).map(|a| a.index),
        Selection::Named(asked) => match asked.parse::<usize>() {
            Ok(index) => adapters.get(index).map(|a| a.index),
            Err(_) => adapters.iter().find(|a| a.name.to_lowercase().contains(&asked.to_lowercase())).map(|a| a.index),
        },
    }
}

fn no_device(adapters: &[Adapter], selection: &Selection) -> BackendError {
    let available = if adapters.is_empty() {
        "no device runs shaders on this machine; use `--backend cpu`".to_owned()
    } else {
        let list: Vec<String> = adapters.iter().map(|a| format!("  {} {}", a.index, a.name)).collect();
        format!("there are (take one by `--device`):\n{}", list.join("\n"))
    };
    let asked = match selection {
        Selection::Hardware => "a graphics processor".to_owned(),
        Selection::Named(name) => name.clone(),
    };
    BackendError::NoDevice { asked, available }
}

/// An open device. Errors that it reports at any time are kept, and come out of the next call that can fail.
pub(super) struct Device {
    pub(super) adapter: Adapter,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    failure: Arc<Mutex<Option<String>>>,
}

impl Device {
    pub(super) fn open(selection: &Selection) -> Result<Self, BackendError> {
        let found = found();
        let adapters: Vec<Adapter> = found.iter().enumerate().map(|(index, adapter)| describe(index, adapter)).collect();
        let index = select(&adapters, selection).ok_or_else(|| no_device(&adapters, selection))?;
        let (adapter, chosen) = (&adapters[index], &found[index]);
        let wanted = wgpu::DeviceDescriptor {
            label: Some("ness"),
            required_features: chosen.features() & wgpu::Features::SHADER_INT64,
            required_limits: chosen.limits(),
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(chosen.request_device(&wanted))
            .map_err(|error| BackendError::Device { device: adapter.name.clone(), message: error.to_string() })?;
        let failure = Arc::new(Mutex::new(None));
        let (uncaptured, lost) = (Arc::clone(&failure), Arc::clone(&failure));
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| keep(&uncaptured, error.to_string())));
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                keep(&lost, format!("the device was lost: {message}"));
            }
        });
        Ok(Self { adapter: adapter.clone(), device, queue, failure })
    }

    /// Does something with the device, where a lost device panics, and reports errors that came up meanwhile.
    pub(super) fn contain<T>(&self, action: impl FnOnce() -> T) -> Result<T, BackendError> {
        let outcome = catch_unwind(AssertUnwindSafe(action));
        let kept = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (outcome, kept) {
            (_, Some(message)) => Err(self.error(message)),
            (Err(_), None) => Err(self.error("its driver gave up".to_owned())),
            (Ok(value), None) => Ok(value),
        }
    }

    /// Waits for a submission.
    pub(super) fn wait(&self, submission: wgpu::SubmissionIndex) -> Result<(), BackendError> {
        let wait = wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(PATIENCE) };
        match self.contain(|| self.device.poll(wait))? {
            Ok(_) => Ok(()),
            Err(error) => Err(self.error(format!("a dispatch did not end within {} s ({error})", PATIENCE.as_secs()))),
        }
    }

    pub(super) fn error(&self, message: String) -> BackendError {
        BackendError::Device { device: self.adapter.name.clone(), message }
    }

    /// Compiles a shader with entry point `main`.
    pub(super) fn pipeline(&self, shader: &Composition, layout: Option<&wgpu::PipelineLayout>) -> Result<wgpu::ComputePipeline, BackendError> {
        let refused = |message: String| BackendError::Shader { device: self.adapter.name.clone(), message };
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let source = wgpu::ShaderSource::Wgsl(shader.text.as_str().into());
        let module = self.contain(|| self.device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some("ness"), source }))?;
        if let Some(error) = pollster::block_on(scope.pop()) {
            let messages = pollster::block_on(module.get_compilation_info()).messages;
            let located: Vec<String> = messages.iter().filter_map(|message| locate(shader, message)).collect();
            return Err(refused(if located.is_empty() { error.to_string() } else { located.join("\n") }));
        }
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let descriptor = wgpu::ComputePipelineDescriptor {
            label: Some("ness"),
            layout,
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions { zero_initialize_workgroup_memory: true, ..Default::default() },
            cache: None,
        };
        let pipeline = self.contain(|| self.device.create_compute_pipeline(&descriptor))?;
        let errors = [pollster::block_on(internal.pop()), pollster::block_on(scope.pop())];
        match errors.into_iter().flatten().next() {
            Some(error) => Err(refused(error.to_string())),
            None => Ok(pipeline),
        }
    }
}

fn keep(failure: &Mutex<Option<String>>, message: String) {
    // The first error is the cause; the rest are its consequences.
    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
}

/// What the compiler said, with the fragment it speaks of.
fn locate(shader: &Composition, message: &wgpu::CompilationMessage) -> Option<String> {
    let location = message.location.as_ref()?;
    let (name, line) = shader.place(location.line_number as usize);
    Some(format!("{name}, line {line} (line {} of the whole):\n{}", location.line_number, message.message.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(index: usize, name: &str, kind: AdapterKind) -> Adapter {
        Adapter {
            index,
            name: name.to_owned(),
            driver: String::new(),
            interface: "vulkan".to_owned(),
            kind,
            wide_integers: true,
            buffer_bytes: 1 << 27,
            workgroup_bytes: 1 << 14,
            workgroup_size: 256,
            workgroups: 65_535,
        }
    }

    #[test]
    fn hardware_comes_first_and_software_only_when_named() {
        let all = [
            adapter(0, "llvmpipe (LLVM)", AdapterKind::Software),
            adapter(1, "Intel Graphics", AdapterKind::Integrated),
            adapter(2, "NVIDIA H200", AdapterKind::Discrete),
        ];
        let named = |name: &str| Selection::Named(name.to_owned());
        assert_eq!(select(&all, &Selection::Hardware), Some(2));
        assert_eq!(select(&all[..2], &Selection::Hardware), Some(1));
        assert_eq!(select(&all[..1], &Selection::Hardware), None);
        assert_eq!(select(&all, &named("0")), Some(0));
        assert_eq!(select(&all, &named("LLVMpipe")), Some(0));
        assert_eq!(select(&all, &named("3")), None);
        assert_eq!(select(&all, &named("radeon")), None);
        let message = no_device(&all[..1], &named("radeon")).to_string();
        assert!(message.contains("radeon") && message.contains("0 llvmpipe"), "{message}");
    }
}
