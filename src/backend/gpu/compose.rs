//! One WGSL module for each plan: fragments of `shaders/`, and text written for the plan, one after the other.

use super::layout::Layout;
use super::{jump, kernel};
use crate::backend::BackendError;
use crate::plan::{Dynamics, Integrator, Overdamped, Plan, SurpriseMove};

/// What the text of a shader depends on besides the plan. No choice changes a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShaderOptions {
    /// Trajectories of a workgroup: 64, 128 or 256.
    pub workgroup: u32,
    /// Multiply in 64-bit integers (only on adapters that have them).
    pub wide_integers: bool,
}

impl Default for ShaderOptions {
    fn default() -> Self {
        Self { workgroup: 64, wide_integers: false }
    }
}

/// The whole shader of a plan. Needs no device.
///
/// # Errors
/// [`BackendError::Unsupported`] names what has no kernels.
pub fn shader(plan: &Plan, options: ShaderOptions) -> Result<String, BackendError> {
    jump::runnable(plan)?;
    Ok(Composition::of_plan(plan, options).text)
}

/// A piece of shader text in a file of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

macro_rules! fragments {
    ($($constant:ident $file:literal)+) => {
        $(pub(super) const $constant: Fragment = Fragment {
            name: concat!("shaders/", $file),
            text: include_str!(concat!("../../../shaders/", $file)),
        };)+
        /// Every fragment, for tests that loop over them.
        #[cfg(test)]
        pub(super) const FRAGMENTS: &[Fragment] = &[$($constant),+];
    };
}

fragments! {
    BINDINGS "bindings.wgsl"
    MATHS "maths.wgsl"
    MUL_WIDE_NATIVE "mul_wide_native.wgsl"
    MUL_WIDE_HALVES "mul_wide_halves.wgsl"
    PHILOX "philox.wgsl"
    NOISE "noise.wgsl"
    BOUNDARY "boundary.wgsl"
    PATH_SUMS "path_sums.wgsl"
    EULER_MARUYAMA "euler_maruyama.wgsl"
    HEUN "heun.wgsl"
    WEAK_TAYLOR "weak_taylor.wgsl"
    EULER_MARUYAMA_ITO "euler_maruyama_ito.wgsl"
    HEUN_STRATONOVICH "heun_stratonovich.wgsl"
    EXACT_LINEAR "exact_linear.wgsl"
    UNDERDAMPED "underdamped.wgsl"
    SURPRISE "surprise.wgsl"
    SURPRISE_PLANE "surprise_plane.wgsl"
    INFIMUM "infimum.wgsl"
    TILE_MOMENTS "tile_moments.wgsl"
    FIELDS "fields.wgsl"
    PLANE "plane.wgsl"
    COUNTING_LAWS "counting_laws.wgsl"
    KERNEL "kernel.wgsl"
}

/// Shader text, and where each part of it comes from.
#[derive(Clone, Debug, Default)]
pub(super) struct Composition {
    pub(super) text: String,
    /// First line (counted from 0) and name of each part, in order.
    parts: Vec<(usize, &'static str)>,
    lines: usize,
}

impl Composition {
    /// The shader of a plan that is [`jump::runnable`].
    pub(super) fn of_plan(plan: &Plan, options: ShaderOptions) -> Self {
        match &plan.dynamics {
            Dynamics::Overdamped(dynamics) => Self::of(plan, dynamics, options),
            Dynamics::Reactions(_) | Dynamics::Network(_) | Dynamics::Exchange(_) => Self::of_jumps(plan, options),
        }
    }

    fn of_jumps(plan: &Plan, options: ShaderOptions) -> Self {
        let layout = Layout::of_plan(plan);
        let mut whole = Self::default();
        whole.push("sizes of this plan", &kernel::sizes(plan, &layout, options.workgroup));
        let multiply = if options.wide_integers { MUL_WIDE_NATIVE } else { MUL_WIDE_HALVES };
        for fragment in [BINDINGS, MATHS, multiply, PHILOX, NOISE, PATH_SUMS] {
            whole.push_fragment(fragment);
        }
        if jump::leaps(plan) {
            whole.push_fragment(COUNTING_LAWS);
        }
        if !plan.series.is_empty() {
            whole.push_fragment(TILE_MOMENTS);
        }
        if !plan.fields.is_empty() {
            whole.push_fragment(FIELDS);
        }
        whole.push("propensities of the model", &jump::programs(plan));
        whole.push("events of this plan", &(jump::functions(plan, &layout) + &kernel::save(plan, None, &layout)));
        whole.push_fragment(KERNEL);
        whole
    }

    /// The shader of a plan.
    pub(super) fn of(plan: &Plan, dynamics: &Overdamped, options: ShaderOptions) -> Self {
        let layout = Layout::of(plan, dynamics);
        let mut whole = Self::default();
        whole.push("sizes of this plan", &kernel::sizes(plan, &layout, options.workgroup));
        let multiply = if options.wide_integers { MUL_WIDE_NATIVE } else { MUL_WIDE_HALVES };
        let integrator: &[Fragment] = match dynamics.integrator {
            Integrator::EulerMaruyama => &[EULER_MARUYAMA],
            Integrator::Heun => &[HEUN],
            Integrator::WeakTaylor => &[WEAK_TAYLOR],
            Integrator::EulerMaruyamaIto => &[WEAK_TAYLOR, EULER_MARUYAMA_ITO],
            Integrator::HeunStratonovich => &[WEAK_TAYLOR, HEUN_STRATONOVICH],
            Integrator::ExactLinear => &[EXACT_LINEAR],
            Integrator::Baoab | Integrator::Obabo | Integrator::Gjf => &[UNDERDAMPED],
        };
        for &fragment in [BINDINGS, MATHS, multiply, PHILOX, NOISE, BOUNDARY, PATH_SUMS].iter().chain(integrator) {
            whole.push_fragment(fragment);
        }
        if dynamics.inertia.is_some() && !dynamics.integrator.is_splitting() {
            whole.push_fragment(UNDERDAMPED);
        }
        if matches!(dynamics.surprise, Some(SurpriseMove::Table(_))) {
            whole.push_fragment(SURPRISE);
        }
        if matches!(dynamics.surprise, Some(SurpriseMove::Plane(_))) {
            whole.push_fragment(SURPRISE_PLANE);
        }
        if dynamics.infimum.is_some() {
            whole.push_fragment(INFIMUM);
        }
        if !plan.series.is_empty() {
            whole.push_fragment(TILE_MOMENTS);
        }
        if !plan.fields.is_empty() {
            whole.push_fragment(FIELDS);
        }
        if plan.plane.is_some() {
            whole.push_fragment(PLANE);
        }
        whole.push("formulas of the model", &kernel::programs(plan, dynamics));
        whole.push("step of this plan", &kernel::functions(plan, dynamics, &layout));
        whole.push_fragment(KERNEL);
        whole
    }

    pub(super) fn push_fragment(&mut self, fragment: Fragment) {
        self.push(fragment.name, fragment.text);
    }

    /// Appends text, which ends with a line break.
    pub(super) fn push(&mut self, name: &'static str, text: &str) {
        self.parts.push((self.lines, name));
        self.lines += text.lines().count();
        self.text.push_str(text);
        if !text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// The part in which a line (counted from 1) stands, and its number there.
    pub(super) fn place(&self, line: usize) -> (&'static str, usize) {
        let index = line.saturating_sub(1);
        match self.parts.iter().rev().find(|(first, _)| *first <= index) {
            Some(&(first, name)) => (name, index - first + 1),
            None => ("shader", line),
        }
    }
}
