//! What a step adds to path sums besides forces times displacements: forms of the exact linear step, and what a reversible drift carries along.

use super::block::{Block, StepInput, Sum, spread};
use crate::maths::{LANES, Lanes, Real};
use crate::plan::{Column, StepForm};

impl<R: Real> Block<'_, R> {
    /// Takes off heat, work and entropy what moving along with a reversible drift does: at the middle of the step, or by the trapezoid of its ends.
    pub(super) fn add_flow(&mut self, input: StepInput<'_, R>, at_the_middle: bool) {
        let Some(reversal) = &self.dynamics.reversal else { return };
        let outputs = &self.dynamics.force.outputs;
        let (middle, start, end) = ((&self.proposed, &self.after), (&self.position, &self.before), (&self.next, &self.after));
        let (places, factor) = if at_the_middle { (vec![middle], -R::ONE) } else { (vec![start, end], R::from_f64(-0.5)) };
        for (i, (flow, medium)) in reversal.flow.iter().zip(&reversal.medium_flow).enumerate() {
            for (coordinates, registers) in &places {
                if let Some(flow) = flow {
                    let flow = spread(outputs[usize::from(*flow)], coordinates, input, registers, &mut self.spare);
                    self.kernels.add_scaled(factor, flow, &mut self.heat[i].partial);
                    self.kernels.add_scaled(factor, flow, &mut self.work.partial);
                }
                if let Some(flow) = medium {
                    let flow = spread(outputs[usize::from(*flow)], coordinates, input, registers, &mut self.spare);
                    self.kernels.add_scaled(factor, flow, &mut self.medium.partial);
                }
            }
        }
    }

    /// Adds a form of displacements and forces at the middle to its sums.
    pub(super) fn add_form(&mut self, input: StepInput<'_, R>, form: &StepForm) {
        let (kernels, d, dynamics) = (self.kernels, self.position.len(), self.dynamics);
        // Displacements, then forces at the middle, then forces of motion backwards there.
        let output = |k: usize| dynamics.force.outputs[if k < d { k } else { dynamics.back_output(k - d) }];
        self.spare_more = Lanes([input.scalar(form.constant); LANES]);
        for row in form.terms.chunk_by(|(a, ..), (b, ..)| a == b) {
            for (place, (_, b, factor)) in row.iter().enumerate() {
                let variable = match usize::from(*b).checked_sub(d) {
                    None => &self.displacement[usize::from(*b)],
                    Some(k) => spread(output(k), &self.proposed, input, &self.after, &mut self.spare_too),
                };
                match place {
                    0 => kernels.affine(input.scalar(*factor), variable, R::ZERO, &mut self.spare),
                    _ => kernels.add_scaled(input.scalar(*factor), variable, &mut self.spare),
                }
            }
            let variable = match usize::from(row[0].0).checked_sub(d) {
                None => &self.displacement[usize::from(row[0].0)],
                Some(k) => spread(output(k), &self.proposed, input, &self.after, &mut self.spare_too),
            };
            kernels.add_product(&self.spare, variable, &mut self.spare_more);
        }
        let value = std::mem::replace(&mut self.spare_more, Lanes([R::ZERO; LANES]));
        for (column, weight) in &form.shares {
            let weight = input.scalar(*weight);
            if let Some(sum) = self.sum(*column) {
                kernels.add_scaled(weight, &value, &mut sum.partial);
            }
        }
    }

    /// The sum of a column that forms add to.
    fn sum(&mut self, column: Column) -> Option<&mut Sum<R>> {
        match column {
            Column::Heat(i) => self.heat.get_mut(usize::from(i)),
            Column::Work => Some(&mut self.work),
            Column::EntropyMedium => Some(&mut self.medium),
            Column::EntropyPath => Some(&mut self.path),
            Column::Circulation(i, j) => self.circulation.iter_mut().find(|(pair, _)| *pair == (i, j)).map(|(_, sum)| sum),
            _ => None,
        }
    }
}
