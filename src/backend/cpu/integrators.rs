//! One step of each integrator, over a lane block. The twins of `shaders/<integrator>.wgsl`.

use super::block::{Block, StepInput, spread};
use super::kernels::{LedgerFactors, LinearFactors};
use crate::expression::Operand;
use crate::maths::{Lanes, Real};
use crate::plan::{Boundary, Column, LinearStep};

impl<R: Real> Block<'_, R> {
    pub(super) fn step_euler_maruyama(&mut self, input: StepInput<'_, R>) {
        self.forces_before(input);
        self.propose_euler_maruyama(input);
        for i in 0..self.position.len() {
            self.apply_boundary(i, false);
        }
        self.forces_after(input);
        if self.keeps_path_ledger() {
            for i in 0..self.position.len() {
                let factors = LedgerFactors { half_beta: input.scalar(self.dynamics.half_beta[i]), quarter: input.scalar(self.dynamics.quarter[i]) };
                let outputs = &self.dynamics.force.outputs;
                let before = spread(outputs[i], &self.position, input, &self.before, &mut self.spare);
                let after = spread(outputs[self.dynamics.back_output(i)], &self.next, input, &self.after, &mut self.spare_too);
                self.kernels.ledger_euler_maruyama(before, after, &self.displacement[i], &self.sign[i], factors, &mut self.path.partial);
            }
        }
        self.add_heat_and_drive_work(input);
        self.keep_forces();
    }

    pub(super) fn step_heun(&mut self, input: StepInput<'_, R>) {
        self.forces_before(input);
        self.propose_euler_maruyama(input);
        for i in 0..self.position.len() {
            self.apply_boundary(i, true);
        }
        self.forces_after(input);
        for i in 0..self.position.len() {
            let output = self.dynamics.force.outputs[i];
            let before = spread(output, &self.position, input, &self.before, &mut self.spare);
            let predicted = spread(output, &self.next, input, &self.after, &mut self.spare_too);
            let (mobility, noise) = (input.scalar(self.dynamics.mobility[i]), input.scalar(self.dynamics.noise[i]));
            let z = &self.normals[i][input.quarter];
            self.kernels.heun(&self.position[i], before, predicted, z, mobility, noise, &mut self.displacement[i], &mut self.proposed[i]);
        }
        std::mem::swap(&mut self.next, &mut self.proposed);
        for i in 0..self.position.len() {
            self.apply_boundary(i, false);
        }
        self.forces_after(input);
        self.add_heat_and_drive_work(input);
        self.keep_forces();
    }

    /// Mean and width of the step of a coordinate, as operands of the force program.
    pub(super) fn step_law(&self, i: usize) -> (Operand, Operand) {
        let Some(law) = &self.dynamics.law else { unreachable!("a plan whose steps depend on place names their mean and width") };
        let outputs = &self.dynamics.force.outputs;
        (outputs[usize::from(law.mean[i])], outputs[usize::from(law.width[i])])
    }

    pub(super) fn step_weak_taylor(&mut self, input: StepInput<'_, R>) {
        self.forces_before(input);
        let (mean, width) = self.step_law(0);
        let z = &self.normals[0][input.quarter];
        let m = spread(mean, &self.position, input, &self.before, &mut self.spare);
        let s = spread(width, &self.position, input, &self.before, &mut self.spare_too);
        self.kernels.weak_taylor(&self.position[0], m, s, z, &mut self.displacement[0], &mut self.next[0]);
        self.apply_boundary(0, false);
        self.forces_after(input);
        if self.keeps_path_ledger() {
            let s = spread(width, &self.position, input, &self.before, &mut self.spare);
            let mean_after = spread(mean, &self.next, input, &self.after, &mut self.spare_too);
            let width_after = spread(width, &self.next, input, &self.after, &mut self.spare_more);
            let z = &self.normals[0][input.quarter];
            self.kernels.ledger_weak_taylor(z, s, mean_after, width_after, &self.displacement[0], &self.sign[0], &mut self.path.partial);
        }
        self.add_heat_and_drive_work(input);
        self.keep_forces();
    }

    pub(super) fn step_exact_linear(&mut self, input: StepInput<'_, R>) {
        let dynamics = self.dynamics;
        let Some(linear) = &dynamics.linear else {
            unreachable!("a plan with the exact linear integrator carries its matrices");
        };
        let d = self.position.len();
        if d == 1 && linear.forms.is_empty() {
            return self.step_exact_linear_alone(input, linear);
        }
        for i in 0..d {
            let row = i * d;
            let z = &self.normals[i][input.quarter];
            let (propagator, noise, offset) = (input.scalar(linear.propagator[row + i]), input.scalar(linear.noise[row + i]), input.scalar(linear.offset[i]));
            self.kernels.exact_linear(&self.position[i], z, propagator, noise, offset, &mut self.next[i]);
            for j in (0..d).filter(|&j| j != i) {
                if !input.is_nothing(linear.propagator[row + j]) {
                    self.kernels.add_scaled(input.scalar(linear.propagator[row + j]), &self.position[j], &mut self.next[i]);
                }
                if j < i && !input.is_nothing(linear.noise[row + j]) {
                    self.kernels.add_scaled(input.scalar(linear.noise[row + j]), &self.normals[j][input.quarter], &mut self.next[i]);
                }
            }
        }
        for i in 0..d {
            self.kernels.midpoint(&self.position[i], &self.next[i], &mut self.displacement[i], &mut self.proposed[i]);
        }
        // Linear forces: the trapezoid of the end points is the force at the middle.
        self.kernels.program(&self.dynamics.force, &self.proposed, input.constants, input.row, &mut self.after);
        for i in 0..d {
            let output = |index: usize| self.dynamics.force.outputs[index];
            let force = spread(output(dynamics.heat_output(i)), &self.proposed, input, &self.after, &mut self.spare);
            self.kernels.add_product(force, &self.displacement[i], &mut self.heat[i].partial);
            if let Some(drive) = self.dynamics.drives[i] {
                let force = spread(output(drive as usize), &self.proposed, input, &self.after, &mut self.spare);
                self.kernels.add_product(force, &self.displacement[i], &mut self.work.partial);
            }
            if linear.ledger_matrix.is_empty() {
                continue;
            }
            let (factor, constant) = (input.scalar(linear.ledger_matrix[i * d + i]), input.scalar(linear.ledger_vector[i]));
            self.kernels.affine(-factor, &self.proposed[i], constant, &mut self.spare);
            for j in (0..d).filter(|&j| j != i && !input.is_nothing(linear.ledger_matrix[i * d + j])) {
                self.kernels.add_scaled(-input.scalar(linear.ledger_matrix[i * d + j]), &self.proposed[j], &mut self.spare);
            }
            self.kernels.add_product(&self.spare, &self.displacement[i], &mut self.path.partial);
        }
        self.add_medium_at_the_middle(input);
        self.add_flow(input, true);
        for form in &linear.forms {
            self.add_form(input, form);
        }
    }

    /// The same for one coordinate, in fewer passes.
    fn step_exact_linear_alone(&mut self, input: StepInput<'_, R>, linear: &LinearStep) {
        let factors = LinearFactors {
            propagator: input.scalar(linear.propagator[0]),
            noise: input.scalar(linear.noise[0]),
            offset: input.scalar(linear.offset[0]),
            ledger_matrix: input.scalar(linear.ledger_matrix[0]),
            ledger_vector: input.scalar(linear.ledger_vector[0]),
        };
        let z = &self.normals[0][input.quarter];
        self.kernels.exact_linear_alone(&self.position[0], z, factors, &mut self.next[0], &mut self.displacement[0], &mut self.proposed[0]);
        self.kernels.program(&self.dynamics.force, &self.proposed, input.constants, input.row, &mut self.after);
        let force = spread(self.dynamics.force.outputs[0], &self.proposed, input, &self.after, &mut self.spare);
        let (displacement, middle) = (&self.displacement[0], &self.proposed[0]);
        self.kernels.ledger_exact_linear_alone(force, displacement, middle, factors, &mut self.heat[0].partial, &mut self.path.partial);
        if let Some(drive) = self.dynamics.drives[0] {
            let force = spread(self.dynamics.force.outputs[drive as usize], &self.proposed, input, &self.after, &mut self.spare);
            self.kernels.add_product(force, displacement, &mut self.work.partial);
        }
        self.add_medium_at_the_middle(input);
    }

    pub(super) fn propose_euler_maruyama(&mut self, input: StepInput<'_, R>) {
        for i in 0..self.position.len() {
            let force = spread(self.dynamics.force.outputs[i], &self.position, input, &self.before, &mut self.spare);
            let (mobility, noise) = (input.scalar(self.dynamics.mobility[i]), input.scalar(self.dynamics.noise[i]));
            let z = &self.normals[i][input.quarter];
            self.kernels.euler_maruyama(&self.position[i], force, z, mobility, noise, &mut self.displacement[i], &mut self.next[i]);
        }
    }

    /// Heat, drive work and entropy of the medium by the trapezoid of end-point forces, in one coordinate corrected by their slopes; at walls over the
    /// true displacement.
    pub(super) fn add_heat_and_drive_work(&mut self, input: StepInput<'_, R>) {
        let Self { dynamics, kernels, position, next, before, after, displacement, spare, spare_too, heat, work, medium, .. } = self;
        for i in 0..position.len() {
            if matches!(self.plan.coordinates[i].boundary, Boundary::Walls { .. }) {
                kernels.midpoint(&position[i], &next[i], &mut displacement[i], spare);
            }
            let mut add = |output: usize, sum: &mut Lanes<R>| {
                let operand = dynamics.force.outputs[output];
                let ends = [spread(operand, position, input, before, spare), spread(operand, next, input, after, spare_too)];
                kernels.add_trapezoid(ends[0], ends[1], &displacement[i], sum);
                if let Some(slope) = dynamics.slope_of(output) {
                    let operand = dynamics.force.outputs[slope];
                    let ends = [spread(operand, position, input, before, spare), spread(operand, next, input, after, spare_too)];
                    kernels.correct_trapezoid(ends[0], ends[1], &displacement[i], sum);
                }
            };
            add(dynamics.heat_output(i), &mut heat[i].partial);
            if let Some(drive) = dynamics.drives[i] {
                add(usize::from(drive), &mut work.partial);
            }
            if let Some(outputs) = &dynamics.medium {
                add(usize::from(outputs[i]), &mut medium.partial);
            }
        }
        self.add_flow(input, false);
    }

    pub(super) fn keeps_path_ledger(&self) -> bool {
        self.plan.columns.contains(&Column::EntropyPath)
    }
}
