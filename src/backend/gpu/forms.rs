//! The text of what a step adds to path sums besides forces times displacements; the twin of `backend/cpu/forms.rs`.

use std::fmt::Write;

use super::kernel::{line, number};
use super::step::Writer;
use crate::expression::wgsl_operand;
use crate::plan::{Column, StepForm};

impl Writer<'_> {
    /// Takes off heat, work and entropy what moving along with a reversible drift does, at each of the places where forces were evaluated.
    pub(super) fn flow(&self, text: &mut String, places: &[&str], factor: f64) {
        let Some(reversal) = &self.dynamics.reversal else { return };
        for (i, (flow, medium)) in reversal.flow.iter().zip(&reversal.medium_flow).enumerate() {
            for place in places {
                for (output, column) in [(flow, Column::Heat(i as u16)), (flow, Column::Work), (medium, Column::EntropyMedium)] {
                    if let (Some(output), Some(sum)) = (output, self.layout.sum(column)) {
                        line!(text, "    partial[{sum}] = fma({}, {place}[{output}], partial[{sum}]);", number(factor));
                    }
                }
            }
        }
    }

    /// Adds a form of displacements and forces at the middle to its sums.
    pub(super) fn form(&self, text: &mut String, place: usize, form: &StepForm) {
        let d = self.d;
        let variable = |k: u16| match usize::from(k).checked_sub(d) {
            None => format!("displacement{k}"),
            Some(i) if i < d => format!("between[{i}]"),
            Some(i) => format!("between[{}]", self.dynamics.back_output(i - d)),
        };
        line!(text, "    var form{place} = {};", wgsl_operand(form.constant));
        for row in form.terms.chunk_by(|(a, ..), (b, ..)| a == b) {
            let a = row[0].0;
            for (term, (_, b, factor)) in row.iter().enumerate() {
                let (factor, other) = (wgsl_operand(*factor), variable(*b));
                if term == 0 {
                    line!(text, "    var row{place}_{a} = {factor} * {other};");
                } else {
                    line!(text, "    row{place}_{a} = fma({factor}, {other}, row{place}_{a});");
                }
            }
            line!(text, "    form{place} = fma(row{place}_{a}, {}, form{place});", variable(a));
        }
        for (column, weight) in &form.shares {
            if let Some(sum) = self.layout.sum(*column) {
                line!(text, "    partial[{sum}] = fma({}, form{place}, partial[{sum}]);", wgsl_operand(*weight));
            }
        }
    }
}
