//! The text of steps whose mean and width depend on place; the twins of `backend/cpu/multiplicative.rs`, and of the weak Taylor step.

use std::fmt::Write;

use super::kernel::line;
use super::step::Writer;
use crate::plan::Column;

impl Writer<'_> {
    /// Mean and width of the step of a coordinate, as numbers of outputs.
    fn law(&self, i: usize) -> (u16, u16) {
        let Some(law) = &self.dynamics.law else { unreachable!("a plan whose steps depend on place names their mean and width") };
        (law.mean[i], law.width[i])
    }

    /// `Δ_i = m_i + s_i z_i`, and its path ledger.
    pub(super) fn gaussian_step(&self, text: &mut String) {
        self.forces_before(text);
        self.propose(text);
        for i in 0..self.d {
            line!(text, "    next[{i}] = x[{i}] + displacement{i};");
            self.boundary(text, i);
        }
        line!(text, "    let after = force(next, row);");
        if let Some(path) = self.layout.sum(Column::EntropyPath) {
            for i in 0..self.d {
                let ((mean, width), reflected) = (self.law(i), self.reflected(i));
                if let Some(back) = self.dynamics.law.as_ref().and_then(|law| law.back.as_ref()) {
                    let (drift, slope) = (back.drift[i], back.slope[i]);
                    line!(
                        text,
                        "    partial[{path}] = ledger_euler_maruyama_ito(z[{i}].x, before[{width}], before[{slope}], after[{drift}], displacement{i}, {reflected}, partial[{path}]);"
                    );
                    continue;
                }
                line!(
                    text,
                    "    partial[{path}] = ledger_weak_taylor(z[{i}].x, before[{width}], after[{mean}], after[{width}], displacement{i}, {reflected}, partial[{path}]);"
                );
            }
        }
        self.heat_and_drive_work(text);
        self.keep_forces(text);
    }

    pub(super) fn heun_stratonovich(&self, text: &mut String) {
        self.forces_before(text);
        self.propose(text);
        for i in 0..self.d {
            line!(text, "    next[{i}] = x[{i}] + displacement{i};");
            self.trial_boundary(text, i);
        }
        line!(text, "    let predicted = force(next, row);");
        for i in 0..self.d {
            let (mean, width) = self.law(i);
            line!(text, "    let corrected{i} = heun_stratonovich(displacement{i}, predicted[{mean}], predicted[{width}], z[{i}].x);");
            line!(text, "    next[{i}] = x[{i}] + corrected{i};");
            self.boundary(text, i);
        }
        line!(text, "    let after = force(next, row);");
        self.heat_and_drive_work(text);
        self.keep_forces(text);
    }

    fn propose(&self, text: &mut String) {
        line!(text, "    var next = x;");
        for i in 0..self.d {
            let (mean, width) = self.law(i);
            line!(text, "    let displacement{i} = weak_taylor(before[{mean}], before[{width}], z[{i}].x);");
        }
    }
}
