//! Steps whose noise depends on place. The twins of `shaders/euler_maruyama_ito.wgsl` and `shaders/heun_stratonovich.wgsl`.

use super::block::{Block, StepInput, spread};
use crate::maths::Real;
use crate::plan::BackStep;

impl<R: Real> Block<'_, R> {
    /// Euler–Maruyama in Itô form: `Δ_i = m_i(x) + s_i(x) z_i`. Its one-step density is a product of
    /// Gaussians.
    pub(super) fn step_euler_maruyama_ito(&mut self, input: StepInput<'_, R>) {
        self.forces_before(input);
        for i in 0..self.position.len() {
            let (mean, width) = self.step_law(i);
            let m = spread(mean, &self.position, input, &self.before, &mut self.spare);
            let s = spread(width, &self.position, input, &self.before, &mut self.spare_too);
            let z = &self.normals[i][input.quarter];
            self.kernels.weak_taylor(&self.position[i], m, s, z, &mut self.displacement[i], &mut self.next[i]);
        }
        for i in 0..self.position.len() {
            self.apply_boundary(i, false);
        }
        self.forces_after(input);
        if self.keeps_path_ledger() {
            self.add_ledger_euler_maruyama_ito(input);
        }
        self.add_heat_and_drive_work(input);
        self.keep_forces();
    }

    /// Path ledger: by the end-point rule backwards, see [`BackStep`], or by the same kind of step.
    fn add_ledger_euler_maruyama_ito(&mut self, input: StepInput<'_, R>) {
        let operand = |outputs: &[u16], i: usize| self.dynamics.force.outputs[usize::from(outputs[i])];
        let back: Option<Vec<_>> = self
            .dynamics
            .law
            .as_ref()
            .and_then(|law| law.back.as_ref())
            .map(|BackStep { drift, slope }| (0..drift.len()).map(|i| (operand(drift, i), operand(slope, i))).collect());
        for i in 0..self.position.len() {
            let (mean, width) = self.step_law(i);
            let s = spread(width, &self.position, input, &self.before, &mut self.spare);
            let z = &self.normals[i][input.quarter];
            if let Some(back) = &back {
                let (drift, slope) = back[i];
                let drift = spread(drift, &self.next, input, &self.after, &mut self.spare_too);
                let slope = spread(slope, &self.position, input, &self.before, &mut self.spare_more);
                self.kernels.ledger_euler_maruyama_ito(z, s, slope, drift, &self.displacement[i], &self.sign[i], &mut self.path.partial);
            } else {
                let mean_after = spread(mean, &self.next, input, &self.after, &mut self.spare_too);
                let width_after = spread(width, &self.next, input, &self.after, &mut self.spare_more);
                self.kernels.ledger_weak_taylor(z, s, mean_after, width_after, &self.displacement[i], &self.sign[i], &mut self.path.partial);
            }
        }
    }

    /// Stochastic Heun: `Δ_i = ½(m_i + m̂_i) + ½(s_i + ŝ_i) z_i`, hats at the end of an Euler step by the same normals.
    pub(super) fn step_heun_stratonovich(&mut self, input: StepInput<'_, R>) {
        self.forces_before(input);
        for i in 0..self.position.len() {
            let (mean, width) = self.step_law(i);
            let m = spread(mean, &self.position, input, &self.before, &mut self.spare);
            let s = spread(width, &self.position, input, &self.before, &mut self.spare_too);
            let z = &self.normals[i][input.quarter];
            self.kernels.weak_taylor(&self.position[i], m, s, z, &mut self.displacement[i], &mut self.next[i]);
        }
        for i in 0..self.position.len() {
            self.apply_boundary(i, true);
        }
        self.forces_after(input);
        for i in 0..self.position.len() {
            let (mean, width) = self.step_law(i);
            let z = &self.normals[i][input.quarter];
            // The Euler displacement, then that at its end; half of their sum is the step.
            let m = spread(mean, &self.position, input, &self.before, &mut self.spare);
            let s = spread(width, &self.position, input, &self.before, &mut self.spare_too);
            self.kernels.weak_taylor(&self.position[i], m, s, z, &mut self.displacement[i], &mut self.proposed[i]);
            let m = spread(mean, &self.next, input, &self.after, &mut self.spare);
            let s = spread(width, &self.next, input, &self.after, &mut self.spare_too);
            self.kernels.heun_stratonovich(&self.position[i], m, s, z, &mut self.displacement[i], &mut self.proposed[i]);
        }
        std::mem::swap(&mut self.next, &mut self.proposed);
        for i in 0..self.position.len() {
            self.apply_boundary(i, false);
        }
        self.forces_after(input);
        self.add_heat_and_drive_work(input);
        self.keep_forces();
    }

    /// Entropy given to the medium by a step whose forces, evaluated at its middle, are linear.
    pub(super) fn add_medium_at_the_middle(&mut self, input: StepInput<'_, R>) {
        let Some(medium) = &self.dynamics.medium else { return };
        for (i, &output) in medium.iter().enumerate() {
            let force = spread(self.dynamics.force.outputs[usize::from(output)], &self.proposed, input, &self.after, &mut self.spare);
            self.kernels.add_product(force, &self.displacement[i], &mut self.medium.partial);
        }
    }
}
