//! The total entropy production of a steady state along its paths, and how low it ever is; the twin of `shaders/infimum.wgsl`.

use super::block::{Block, StepInput, Sum, spread};
use super::kernels::NoiseBlock;
use crate::maths::{LANES, Lanes, Real};
use crate::plan::{Infimum, Integrator};
use crate::random::{self, Purpose};

/// A level that is followed, the lowest it ever was, and what a step needs for both.
pub(super) struct Extremes<R> {
    pub(super) level: Sum<R>,
    pub(super) lowest: Sum<R>,
    /// `−ln u` of four steps.
    waits: [Lanes<R>; 4],
    rise: Lanes<R>,
    spread: Lanes<R>,
}

impl<R: Real> Extremes<R> {
    pub(super) fn new() -> Self {
        let zero = Lanes([R::ZERO; LANES]);
        Self { level: Sum::new(), lowest: Sum::new(), waits: [zero; 4], rise: zero, spread: zero }
    }
}

impl<R: Real> Block<'_, R> {
    /// Adds what this step produced; forces and displacements are those of the step, at the middle where it is exact.
    pub(super) fn follow_infimum(&mut self, infimum: &Infimum, step: u64, input: StepInput<'_, R>) {
        if step.is_multiple_of(4) {
            let block = NoiseBlock { key: random::key(self.plan.seed), purpose: Purpose::Infimum, coordinate: 0, quartet: step / 4 };
            self.kernels.waits(block, self.first, &mut self.infimum.waits);
        }
        let zero = Lanes([R::ZERO; LANES]);
        (self.infimum.rise, self.infimum.spread) = (zero, zero);
        let exact = self.dynamics.integrator == Integrator::ExactLinear;
        for (i, &output) in infimum.affinity.iter().enumerate() {
            let output = self.dynamics.force.outputs[usize::from(output)];
            // Where the forces at the end were kept for the next step, before and after have changed places: the sums do not mind.
            let (from, to) = if exact { (&self.proposed, &self.proposed) } else { (&self.position, &self.next) };
            let registers = if exact { &self.after } else { &self.before };
            let before = spread(output, from, input, registers, &mut self.spare);
            let after = spread(output, to, input, &self.after, &mut self.spare_too);
            self.kernels.add_trapezoid(before, after, &self.displacement[i], &mut self.infimum.rise);
            self.kernels.add_spread(before, after, input.scalar(self.dynamics.noise[i]), &mut self.infimum.spread);
        }
        let Extremes { level, lowest, waits, rise, spread } = &mut self.infimum;
        self.kernels.follow_infimum(rise, spread, &waits[input.quarter], [&level.total, &lowest.total], &mut level.partial, &mut lowest.partial);
    }
}
