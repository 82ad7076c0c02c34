//! The text of a step of underdamped dynamics: positions are `x[0..d]`, velocities `x[d..2d]`. The order of operations is that of the native backend.

use std::fmt::Write;

use super::kernel::{line, number};
use super::step::Writer;
use crate::expression::{Operand, wgsl_operand};
use crate::plan::{Boundary, Column, Inertia, LinearStep};

impl Writer<'_> {
    /// B A O A B, or O B A B O.
    pub(super) fn splitting(&self, text: &mut String, inertia: &Inertia) {
        let d = inertia.kick.len();
        let bath_in_the_middle = self.dynamics.integrator.has_bath_in_the_middle();
        self.forces_before(text);
        line!(text, "    var next = x;");
        for i in 0..d {
            let v = d + i;
            if !bath_in_the_middle {
                self.bath(text, inertia, i, i);
            }
            line!(text, "    next[{v}] = fma({}, before[{i}], next[{v}]);", wgsl_operand(inertia.kick[i]));
            self.drift(text, inertia, i, 0);
            if bath_in_the_middle {
                self.bath(text, inertia, i, i);
                self.drift(text, inertia, i, 1);
            }
            line!(text, "    let displacement{i} = next[{i}] - x[{i}];");
            if let Boundary::Periodic { .. } = self.plan.coordinates[i].boundary {
                self.boundary(text, i);
            }
        }
        line!(text, "    let after = force(next, row);");
        for i in 0..d {
            line!(text, "    next[{0}] = fma({1}, after[{i}], next[{0}]);", d + i, wgsl_operand(inertia.kick[i]));
            if !bath_in_the_middle {
                self.bath(text, inertia, i, d + i);
            }
        }
        for i in 0..d {
            if let Some(heat) = self.layout.sum(Column::Heat(i as u16)).filter(|_| self.is_bathed(inertia, i)) {
                line!(text, "    partial[{heat}] = add_trapezoid(before[{i}], after[{i}], displacement{i}, partial[{heat}]);");
                self.kinetic_heat(text, Some(heat), (&format!("x[{}]", d + i), &format!("next[{}]", d + i)), inertia.half_mass[i]);
            }
            if let (Some(drive), Some(work)) = (self.dynamics.drives[i], self.layout.sum(Column::Work)) {
                line!(text, "    partial[{work}] = add_trapezoid(before[{drive}], after[{drive}], displacement{i}, partial[{work}]);");
            }
        }
        self.keep_forces(text);
    }

    /// Whether a bath acts on a coordinate: its ledger is not the constant 0.
    fn is_bathed(&self, inertia: &Inertia, i: usize) -> bool {
        !matches!(inertia.ledger[i], Operand::Constant(slot) if self.plan.uniforms.constants[usize::from(slot)] == 0.0)
    }

    fn drift(&self, text: &mut String, inertia: &Inertia, i: usize, part: usize) {
        let v = inertia.kick.len() + i;
        line!(text, "    next[{i}] = fma({}, next[{v}], next[{i}]);", wgsl_operand(inertia.drift));
        if let Boundary::Walls { lower, upper } = self.plan.coordinates[i].boundary {
            line!(text, "    let reflected{i}_{part} = reflect_at_walls(next[{i}], {}, {});", number(lower), number(upper - lower));
            line!(text, "    next[{i}] = reflected{i}_{part}.position;\n    next[{v}] = next[{v}] * reflected{i}_{part}.sign;");
        }
    }

    fn bath(&self, text: &mut String, inertia: &Inertia, i: usize, lane: usize) {
        if !self.is_bathed(inertia, i) {
            return;
        }
        let v = inertia.kick.len() + i;
        let (damping, noise) = (wgsl_operand(inertia.damping[i]), wgsl_operand(inertia.noise[i]));
        line!(text, "    let bathed{lane} = bath(next[{v}], z[{lane}].x, {damping}, {noise});");
        let ends = (&*format!("next[{v}]"), &*format!("bathed{lane}"));
        self.kinetic_heat(text, self.layout.sum(Column::HeatPath), ends, inertia.half_mass[i]);
        self.kinetic_heat(text, self.layout.sum(Column::EntropyPath), ends, inertia.ledger[i]);
        line!(text, "    next[{v}] = bathed{lane};");
    }

    fn kinetic_heat(&self, text: &mut String, sum: Option<usize>, (before, after): (&str, &str), factor: Operand) {
        if let Some(sum) = sum {
            line!(text, "    partial[{sum}] = kinetic_heat({before}, {after}, {}, partial[{sum}]);", wgsl_operand(factor));
        }
    }

    /// The exact Ornstein–Uhlenbeck step of positions and velocities.
    pub(super) fn exact_inertial(&self, text: &mut String, inertia: &Inertia, linear: &LinearStep) {
        let (d, n) = (inertia.kick.len(), self.d);
        self.propagate_exactly(text, linear);
        line!(text, "    var middle = x;");
        for i in 0..d {
            line!(text, "    let displacement{i} = next[{i}] - x[{i}];\n    middle[{i}] = 0.5 * (x[{i}] + next[{i}]);");
        }
        line!(text, "    let between = force(middle, row);");
        for i in 0..d {
            let v = n - d + i;
            line!(text, "    let pushed{i} = fma(between[{i}], displacement{i}, 0.0);");
            line!(text, "    let heat{i} = kinetic_heat(x[{v}], next[{v}], {}, pushed{i});", wgsl_operand(inertia.half_mass[i]));
            if let Some(heat) = self.layout.sum(Column::Heat(i as u16)) {
                line!(text, "    partial[{heat}] = partial[{heat}] + heat{i};");
            }
            if let Some(path) = self.layout.sum(Column::EntropyPath) {
                line!(text, "    partial[{path}] = fma({}, heat{i}, partial[{path}]);", wgsl_operand(inertia.ledger[i]));
            }
            if let (Some(drive), Some(work)) = (self.dynamics.drives[i], self.layout.sum(Column::Work)) {
                line!(text, "    partial[{work}] = fma(between[{drive}], displacement{i}, partial[{work}]);");
            }
        }
    }
}
