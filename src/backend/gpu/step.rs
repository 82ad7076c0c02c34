//! The text of a step, coordinate by coordinate: how the kernels of `shaders/<integrator>.wgsl` follow each other.
//! The order of operations is that of the native backend.

use std::fmt::Write;

use super::kernel::{line, number};
use super::layout::Layout;
use super::plane;
use crate::expression::{Operand, wgsl_operand};
use crate::plan::{Boundary, CUBIC, Column, Integrator, LinearStep, Overdamped, Plan, SurpriseMove};
use crate::random::Purpose;

/// `fn step(row, n)`: one step of the plan at the row of numbers that starts there.
pub(super) fn step(plan: &Plan, dynamics: &Overdamped, layout: &Layout) -> String {
    let writer = Writer { plan, dynamics, layout, d: layout.dimension };
    let mut text = String::from("fn step(row: u32, n: u32) {\n");
    if let (Some(_), Some(work)) = (&dynamics.protocol_work, layout.sum(Column::Work)) {
        line!(text, "    partial[{work}] = partial[{work}] + protocol_work(x, row)[0];");
    }
    if let (Some(surprise), Some(sum)) = (&dynamics.surprise, layout.sum(Column::Surprise)) {
        let change = surprise_change(plan, surprise);
        line!(text, "    partial[{sum}] = partial[{sum}] + {change};");
    }
    match (dynamics.integrator, &dynamics.linear, &dynamics.inertia) {
        (Integrator::EulerMaruyama, ..) => writer.euler_maruyama(&mut text),
        (Integrator::Heun, ..) => writer.heun(&mut text),
        (Integrator::WeakTaylor | Integrator::EulerMaruyamaIto, ..) => writer.gaussian_step(&mut text),
        (Integrator::HeunStratonovich, ..) => writer.heun_stratonovich(&mut text),
        (Integrator::ExactLinear, Some(linear), Some(inertia)) => writer.exact_inertial(&mut text, inertia, linear),
        (Integrator::ExactLinear, Some(linear), None) => writer.exact_linear(&mut text, linear),
        (Integrator::Baoab | Integrator::Obabo | Integrator::Gjf, _, Some(inertia)) => writer.splitting(&mut text, inertia),
        (Integrator::ExactLinear, None, _) => unreachable!("a plan with the exact linear integrator carries its matrices"),
        (Integrator::Baoab | Integrator::Obabo | Integrator::Gjf, _, None) => unreachable!("a plan with a splitting carries its masses"),
    }
    writer.infimum(&mut text);
    writer.circulation(&mut text);
    if let Some(grid) = &plan.plane {
        text.push_str(&plane::deposit(plan, grid));
    }
    text.push_str("    x = next;\n");
    for i in 0..dynamics.noise_lanes(writer.d) {
        line!(text, "    z[{i}] = z[{i}].yzwx;");
    }
    text + "}\n"
}

/// Text of the change of `−ln p_ss` by a move of the protocol.
fn surprise_change(plan: &Plan, surprise: &SurpriseMove) -> String {
    let table_at = plan.uniforms.resting.len() + plan.uniforms.rows.len();
    match surprise {
        SurpriseMove::Formula(_) => "surprise_move(x, row)[0]".to_owned(),
        SurpriseMove::Table(table) => {
            let (row, part) = (wgsl_operand(table.row), wgsl_operand(table.part));
            let (lower, scale) = (number(table.lower), number(f64::from(table.cells) / (table.upper - table.lower)));
            let length = CUBIC * table.cells as usize;
            format!("{part} * cubic(x[0], {lower}, {scale}, {}, {table_at}u + {length}u * u32({row}))", number(f64::from(table.cells)))
        }
        SurpriseMove::Plane(plane) => {
            let (row, part) = (wgsl_operand(plane.row), wgsl_operand(plane.part));
            let pair = |of: &dyn Fn(usize) -> f64| format!("vec2<f32>({}, {})", number(of(0)), number(of(1)));
            let cells = |k: usize| f64::from(plane.cells[k]);
            let (lower, scale) = (pair(&|k| plane.lower[k]), pair(&|k| cells(k) / (plane.upper[k] - plane.lower[k])));
            let at = format!("{table_at}u + {}u * u32({row})", plane.length());
            format!("{part} * spline_surface(vec2<f32>(x[0], x[1]), {lower}, {scale}, {}, {at}, {}u)", pair(&cells), plane.line())
        }
    }
}

pub(super) struct Writer<'a> {
    pub(super) plan: &'a Plan,
    pub(super) dynamics: &'a Overdamped,
    pub(super) layout: &'a Layout,
    /// Length of the state.
    pub(super) d: usize,
}

impl Writer<'_> {
    fn euler_maruyama(&self, text: &mut String) {
        self.forces_before(text);
        self.propose_euler_maruyama(text);
        for i in 0..self.d {
            line!(text, "    next[{i}] = x[{i}] + displacement{i};");
            self.boundary(text, i);
        }
        line!(text, "    let after = force(next, row);");
        if let Some(path) = self.layout.sum(Column::EntropyPath) {
            for i in 0..self.d {
                let (half_beta, quarter) = (wgsl_operand(self.dynamics.half_beta[i]), wgsl_operand(self.dynamics.quarter[i]));
                let reflected = self.reflected(i);
                let back = self.dynamics.back_output(i);
                line!(
                    text,
                    "    partial[{path}] = ledger_euler_maruyama(before[{i}], after[{back}], displacement{i}, {reflected}, {half_beta}, {quarter}, partial[{path}]);"
                );
            }
        }
        self.heat_and_drive_work(text);
        self.keep_forces(text);
    }

    fn heun(&self, text: &mut String) {
        self.forces_before(text);
        self.propose_euler_maruyama(text);
        for i in 0..self.d {
            line!(text, "    next[{i}] = x[{i}] + displacement{i};");
            self.trial_boundary(text, i);
        }
        line!(text, "    let predicted = force(next, row);");
        for i in 0..self.d {
            let (mobility, noise) = (wgsl_operand(self.dynamics.mobility[i]), wgsl_operand(self.dynamics.noise[i]));
            line!(text, "    let corrected{i} = heun(before[{i}], predicted[{i}], z[{i}].x, {mobility}, {noise});");
            line!(text, "    next[{i}] = x[{i}] + corrected{i};");
            self.boundary(text, i);
        }
        line!(text, "    let after = force(next, row);");
        self.heat_and_drive_work(text);
        self.keep_forces(text);
    }

    /// Many entries of matrices are the number 0 throughout; to add them changes no bit.
    fn there(&self, operand: Operand) -> bool {
        !matches!(operand, Operand::Constant(slot) if self.plan.uniforms.constants[usize::from(slot)] == 0.0)
    }

    /// `next = E x + c + L z`.
    pub(super) fn propagate_exactly(&self, text: &mut String, linear: &LinearStep) {
        let d = self.d;
        let others = |i: usize| (0..d).filter(move |&j| j != i);
        let entry = |matrix: &[Operand], i: usize, j: usize| wgsl_operand(matrix[i * d + j]);
        line!(text, "    var next = x;");
        for i in 0..d {
            let (propagator, noise, offset) = (entry(&linear.propagator, i, i), entry(&linear.noise, i, i), wgsl_operand(linear.offset[i]));
            line!(text, "    next[{i}] = exact_linear(x[{i}], z[{i}].x, {propagator}, {noise}, {offset});");
            for j in others(i) {
                if self.there(linear.propagator[i * d + j]) {
                    line!(text, "    next[{i}] = fma({}, x[{j}], next[{i}]);", entry(&linear.propagator, i, j));
                }
                if j < i && self.there(linear.noise[i * d + j]) {
                    line!(text, "    next[{i}] = fma({}, z[{j}].x, next[{i}]);", entry(&linear.noise, i, j));
                }
            }
        }
    }

    fn exact_linear(&self, text: &mut String, linear: &LinearStep) {
        let d = self.d;
        let others = |i: usize| (0..d).filter(move |&j| j != i);
        let entry = |matrix: &[Operand], i: usize, j: usize| wgsl_operand(matrix[i * d + j]);
        self.propagate_exactly(text, linear);
        line!(text, "    var middle = x;");
        for i in 0..d {
            line!(text, "    let displacement{i} = next[{i}] - x[{i}];\n    middle[{i}] = 0.5 * (x[{i}] + next[{i}]);");
        }
        // Linear forces: the trapezoid of the end points is the force at the middle.
        line!(text, "    let between = force(middle, row);");
        for i in 0..d {
            if let Some(heat) = self.layout.sum(Column::Heat(i as u16)) {
                line!(text, "    partial[{heat}] = fma(between[{}], displacement{i}, partial[{heat}]);", self.dynamics.heat_output(i));
            }
            if let (Some(drive), Some(work)) = (self.dynamics.drives[i], self.layout.sum(Column::Work)) {
                line!(text, "    partial[{work}] = fma(between[{drive}], displacement{i}, partial[{work}]);");
            }
            if let Some(path) = self.layout.sum(Column::EntropyPath).filter(|_| !linear.ledger_matrix.is_empty()) {
                let (factor, constant) = (entry(&linear.ledger_matrix, i, i), wgsl_operand(linear.ledger_vector[i]));
                line!(text, "    var slope{i} = ledger_exact_linear({factor}, middle[{i}], {constant});");
                for j in others(i).filter(|&j| self.there(linear.ledger_matrix[i * d + j])) {
                    line!(text, "    slope{i} = fma(-{}, middle[{j}], slope{i});", entry(&linear.ledger_matrix, i, j));
                }
                line!(text, "    partial[{path}] = fma(slope{i}, displacement{i}, partial[{path}]);");
            }
            if let (Some(outputs), Some(medium)) = (&self.dynamics.medium, self.layout.sum(Column::EntropyMedium)) {
                line!(text, "    partial[{medium}] = fma(between[{}], displacement{i}, partial[{medium}]);", outputs[i]);
            }
        }
        self.flow(text, &["between"], -1.0);
        for (number, form) in linear.forms.iter().enumerate() {
            self.form(text, number, form);
        }
    }

    /// Follows the total entropy production and the lowest it ever was.
    fn infimum(&self, text: &mut String) {
        let sums = (&self.dynamics.infimum, self.layout.sum(Column::EntropySoFar), self.layout.sum(Column::Infimum));
        let (Some(infimum), Some(level), Some(lowest)) = sums else { return };
        let exact = self.dynamics.integrator == Integrator::ExactLinear;
        let (before, after, moved) = if exact { ("between", "between", "displacement") } else { ("before", "after", "moved") };
        line!(text, "    var rise = 0.0;\n    var spread = 0.0;");
        for (i, output) in infimum.affinity.iter().enumerate() {
            let noise = wgsl_operand(self.dynamics.noise[i]);
            line!(text, "    rise = add_trapezoid({before}[{output}], {after}[{output}], {moved}{i}, rise);");
            line!(
                text,
                "    spread = fma(0.5 * {noise} * {noise}, fma({before}[{output}], {before}[{output}], {after}[{output}] * {after}[{output}]), spread);"
            );
        }
        let purpose = (Purpose::Infimum as u32) << 24;
        line!(text, "    let level = total[{level}].x + (total[{level}].y + partial[{level}]);");
        line!(text, "    let drop = lowest_between(level, rise, spread, wait({purpose}u, n)) - (total[{lowest}].x + (total[{lowest}].y + partial[{lowest}]));");
        line!(text, "    partial[{lowest}] = partial[{lowest}] + min(drop, 0.0);\n    partial[{level}] = partial[{level}] + rise;");
    }

    /// The area between the step and the origin, of every pair of coordinates asked for.
    fn circulation(&self, text: &mut String) {
        for (s, sum) in self.layout.sums.iter().enumerate() {
            if let Column::Circulation(i, j) = sum {
                line!(text, "    partial[{s}] = add_area(vec2<f32>(x[{i}], x[{j}]), vec2<f32>(next[{i}], next[{j}]), partial[{s}]);");
            }
        }
    }

    pub(super) fn forces_before(&self, text: &mut String) {
        let source = if self.layout.kept > 0 { "kept" } else { "force(x, row)" };
        line!(text, "    let before = {source};");
    }

    pub(super) fn keep_forces(&self, text: &mut String) {
        if self.layout.kept > 0 {
            line!(text, "    kept = after;");
        }
    }

    fn propose_euler_maruyama(&self, text: &mut String) {
        line!(text, "    var next = x;");
        for i in 0..self.d {
            let (mobility, noise) = (wgsl_operand(self.dynamics.mobility[i]), wgsl_operand(self.dynamics.noise[i]));
            let kernel = if self.dynamics.integrator == Integrator::Heun { "heun_predictor" } else { "euler_maruyama" };
            line!(text, "    let displacement{i} = {kernel}(before[{i}], z[{i}].x, {mobility}, {noise});");
        }
    }

    /// Brings `next[i]` back into its range; winding number and sign of reflection follow.
    pub(super) fn boundary(&self, text: &mut String, i: usize) {
        match self.plan.coordinates[i].boundary {
            Boundary::Open => {}
            Boundary::Periodic { lower, upper } => {
                line!(text, "    let folded{i} = fold(next[{i}], {}, {});", number(lower), number(upper - lower));
                line!(text, "    next[{i}] = folded{i}.position;\n    winding[{i}] += folded{i}.turns;");
            }
            Boundary::Walls { lower, upper } => {
                line!(text, "    let reflected{i} = reflect_at_walls(next[{i}], {}, {});", number(lower), number(upper - lower));
                line!(text, "    next[{i}] = reflected{i}.position;");
            }
        }
    }

    /// Brings a trial position into the range of the coordinate and leaves no trace.
    pub(super) fn trial_boundary(&self, text: &mut String, i: usize) {
        match self.plan.coordinates[i].boundary {
            Boundary::Open => {}
            Boundary::Periodic { lower, upper } => {
                line!(text, "    next[{i}] = fold(next[{i}], {}, {}).position;", number(lower), number(upper - lower));
            }
            Boundary::Walls { lower, upper } => {
                line!(text, "    next[{i}] = reflect_at_walls(next[{i}], {}, {}).position;", number(lower), number(upper - lower));
            }
        }
    }

    /// −1 after an odd number of reflections, else 1.
    pub(super) fn reflected(&self, i: usize) -> String {
        match self.plan.coordinates[i].boundary {
            Boundary::Walls { .. } => format!("reflected{i}.sign"),
            Boundary::Open | Boundary::Periodic { .. } => number(1.0),
        }
    }

    /// Adds an output to a sum, where that is kept, by the trapezoid of the step and its correction.
    fn increment(&self, text: &mut String, i: usize, output: usize, column: Column) {
        let Some(sum) = self.layout.sum(column) else { return };
        line!(text, "    partial[{sum}] = add_trapezoid(before[{output}], after[{output}], moved{i}, partial[{sum}]);");
        if let Some(slope) = self.dynamics.slope_of(output) {
            line!(text, "    partial[{sum}] = correct_trapezoid(before[{slope}], after[{slope}], moved{i}, partial[{sum}]);");
        }
    }

    /// Heat, drive work and entropy of the medium by the trapezoid of end-point forces, in one coordinate corrected by their slopes; at walls over the
    /// true displacement.
    pub(super) fn heat_and_drive_work(&self, text: &mut String) {
        let corrected = matches!(self.dynamics.integrator, Integrator::Heun | Integrator::HeunStratonovich);
        let displacement = if corrected { "corrected" } else { "displacement" };
        for i in 0..self.d {
            let moved = match self.plan.coordinates[i].boundary {
                Boundary::Walls { .. } => format!("next[{i}] - x[{i}]"),
                Boundary::Open | Boundary::Periodic { .. } => format!("{displacement}{i}"),
            };
            line!(text, "    let moved{i} = {moved};");
            self.increment(text, i, self.dynamics.heat_output(i), Column::Heat(i as u16));
            if let Some(drive) = self.dynamics.drives[i] {
                self.increment(text, i, usize::from(drive), Column::Work);
            }
            if let Some(outputs) = &self.dynamics.medium {
                self.increment(text, i, usize::from(outputs[i]), Column::EntropyMedium);
            }
        }
        self.flow(text, &["before", "after"], -0.5);
    }
}
