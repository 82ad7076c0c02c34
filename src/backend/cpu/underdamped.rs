//! One step of underdamped dynamics over a lane block: splittings, and the exact linear step. The twins of `shaders/underdamped.wgsl`.
//!
//! Positions are coordinates `0..d` of the block, velocities `d..2d`.

use super::block::{Block, StepInput, spread};
use crate::maths::{LANES, Lanes, Real};
use crate::plan::{Boundary, Inertia, LinearStep};

impl<R: Real> Block<'_, R> {
    /// B A O A B, or O B A B O.
    pub(super) fn step_splitting(&mut self, input: StepInput<'_, R>, inertia: &Inertia) {
        let d = inertia.kick.len();
        let kernels = self.kernels;
        let bath_in_the_middle = self.dynamics.integrator.has_bath_in_the_middle();
        self.forces_before(input);
        for i in 0..d {
            self.next[i] = self.position[i];
            self.next[d + i] = self.position[d + i];
            if !bath_in_the_middle {
                self.bath(input, inertia, i, i);
            }
            let force = spread(self.dynamics.force.outputs[i], &self.position, input, &self.before, &mut self.spare);
            kernels.add_scaled(input.scalar(inertia.kick[i]), force, &mut self.next[d + i]);
            self.drift(input, inertia, i);
            if bath_in_the_middle {
                self.bath(input, inertia, i, i);
                self.drift(input, inertia, i);
            }
            kernels.midpoint(&self.position[i], &self.next[i], &mut self.displacement[i], &mut self.spare);
            if let Boundary::Periodic { .. } = self.plan.coordinates[i].boundary {
                self.apply_boundary(i, false);
            }
        }
        self.forces_after(input);
        for i in 0..d {
            let force = spread(self.dynamics.force.outputs[i], &self.next, input, &self.after, &mut self.spare);
            // The velocity is no input of a force.
            self.proposed[d + i] = self.next[d + i];
            kernels.add_scaled(input.scalar(inertia.kick[i]), force, &mut self.proposed[d + i]);
        }
        for i in 0..d {
            self.next[d + i] = self.proposed[d + i];
            if !bath_in_the_middle {
                self.bath(input, inertia, i, d + i);
            }
        }
        self.add_heat_with_inertia(input, inertia);
        self.keep_forces();
    }

    /// Moves the next position with the next velocity; walls turn the velocity.
    fn drift(&mut self, input: StepInput<'_, R>, inertia: &Inertia, i: usize) {
        let d = inertia.kick.len();
        let (positions, velocities) = self.next.split_at_mut(d);
        self.kernels.add_scaled(input.scalar(inertia.drift), &velocities[i], &mut positions[i]);
        if let Boundary::Walls { .. } = self.plan.coordinates[i].boundary {
            self.apply_boundary(i, false);
            self.kernels.turn(&self.sign[i], &mut self.next[d + i]);
        }
    }

    /// The bath part, with the normals of a lane, and its heat on the path ledger. Nothing happens to a coordinate without a bath.
    fn bath(&mut self, input: StepInput<'_, R>, inertia: &Inertia, i: usize, lane: usize) {
        let d = inertia.kick.len();
        let (half_mass, ledger) = (input.scalar(inertia.half_mass[i]), input.scalar(inertia.ledger[i]));
        if ledger == R::ZERO {
            return;
        }
        let z = &self.normals[lane][input.quarter];
        let (damping, noise) = (input.scalar(inertia.damping[i]), input.scalar(inertia.noise[i]));
        self.kernels.bath(&self.next[d + i], z, damping, noise, &mut self.proposed[i]);
        self.kernels.kinetic_heat(&self.next[d + i], &self.proposed[i], half_mass, &mut self.heat_path.partial);
        self.kernels.kinetic_heat(&self.next[d + i], &self.proposed[i], ledger, &mut self.path.partial);
        std::mem::swap(&mut self.next[d + i], &mut self.proposed[i]);
    }

    /// Heat `F ∘ dx − m v ∘ dv` of the coordinates that have a bath, and work of the drives, by the trapezoid of end-point forces.
    fn add_heat_with_inertia(&mut self, input: StepInput<'_, R>, inertia: &Inertia) {
        let d = inertia.kick.len();
        for i in 0..d {
            if input.scalar(inertia.ledger[i]) != R::ZERO {
                let output = self.dynamics.force.outputs[i];
                let before = spread(output, &self.position, input, &self.before, &mut self.spare);
                let after = spread(output, &self.next, input, &self.after, &mut self.spare_too);
                self.kernels.add_trapezoid(before, after, &self.displacement[i], &mut self.heat[i].partial);
                self.kernels.kinetic_heat(&self.position[d + i], &self.next[d + i], input.scalar(inertia.half_mass[i]), &mut self.heat[i].partial);
            }
            if let Some(drive) = self.dynamics.drives[i] {
                let output = self.dynamics.force.outputs[drive as usize];
                let before = spread(output, &self.position, input, &self.before, &mut self.spare);
                let after = spread(output, &self.next, input, &self.after, &mut self.spare_too);
                self.kernels.add_trapezoid(before, after, &self.displacement[i], &mut self.work.partial);
            }
        }
    }

    /// The exact Ornstein–Uhlenbeck step of positions and velocities. Forces have a potential at fixed protocol and all baths one temperature, so that
    /// by detailed balance the path ledger is heat over temperature.
    pub(super) fn step_exact_inertial(&mut self, input: StepInput<'_, R>, inertia: &Inertia, linear: &LinearStep) {
        let (d, n) = (inertia.kick.len(), self.position.len());
        for i in 0..n {
            let row = i * n;
            let z = &self.normals[i][input.quarter];
            let (propagator, noise, offset) = (input.scalar(linear.propagator[row + i]), input.scalar(linear.noise[row + i]), input.scalar(linear.offset[i]));
            self.kernels.exact_linear(&self.position[i], z, propagator, noise, offset, &mut self.next[i]);
            for j in (0..n).filter(|&j| j != i) {
                self.kernels.add_scaled(input.scalar(linear.propagator[row + j]), &self.position[j], &mut self.next[i]);
                if j < i {
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
            let (half_mass, ledger) = (input.scalar(inertia.half_mass[i]), input.scalar(inertia.ledger[i]));
            let force = spread(self.dynamics.force.outputs[i], &self.proposed, input, &self.after, &mut self.spare);
            self.spare_too = Lanes([R::ZERO; LANES]);
            self.kernels.add_product(force, &self.displacement[i], &mut self.spare_too);
            self.kernels.kinetic_heat(&self.position[d + i], &self.next[d + i], half_mass, &mut self.spare_too);
            self.kernels.add(&self.spare_too, &mut self.heat[i].partial);
            self.kernels.add_scaled(ledger, &self.spare_too, &mut self.path.partial);
            if let Some(drive) = self.dynamics.drives[i] {
                let force = spread(self.dynamics.force.outputs[drive as usize], &self.proposed, input, &self.after, &mut self.spare);
                self.kernels.add_product(force, &self.displacement[i], &mut self.work.partial);
            }
        }
    }
}
