//! Derived quantities of reactions at saves.

use super::programs::{Bank, Reading};
use crate::backend::cpu::block::Numbers;
use crate::backend::cpu::instruction_sets::Kernels;
use crate::maths::{Lanes, Real};
use crate::plan::{Plan, Reactions};

/// The program behind [`crate::plan::JumpColumn::Derived`].
pub(super) struct Derived<'a, R: Real> {
    plan: &'a Plan,
    dynamics: &'a Reactions,
    numbers: &'a Numbers<R>,
    kernels: Kernels<R>,
    bank: Option<Bank<R>>,
}

impl<'a, R: Real> Derived<'a, R> {
    pub(super) fn new(plan: &'a Plan, dynamics: &'a Reactions, numbers: &'a Numbers<R>, kernels: Kernels<R>) -> Self {
        let bank = dynamics.derived.as_ref().map(|program| Bank::new(program, plan.coordinates.len()));
        Self { plan, dynamics, numbers, kernels, bank }
    }

    /// Every quantity at a save, for these counts.
    pub(super) fn show(&mut self, save: usize, counts: &[Lanes<R>]) -> Vec<Lanes<f64>> {
        let Some(bank) = &mut self.bank else { return Vec::new() };
        let (schedule, clock) = (self.plan.schedule, self.dynamics.clock);
        let (segment, offset) = clock.at(save as u64 * schedule.save_every, schedule.steps);
        // The end of the run is the end of the last segment.
        let (segment, offset) = if segment < clock.segments { (segment, offset) } else { (clock.segments - 1, clock.length) };
        let row = if self.numbers.columns > 0 { self.numbers.row(segment) } else { &[] };
        let scalars = std::iter::once(R::from_f64(offset)).chain(row.iter().copied());
        let coordinates: Vec<Lanes<R>> = counts.iter().copied().chain(scalars.map(|value| Lanes([value; crate::maths::LANES]))).collect();
        let reading = Reading { kernels: &self.kernels, coordinates: &coordinates, constants: &self.numbers.constants };
        bank.run(&reading);
        let mut lanes = Lanes::ZERO;
        (0..bank.program.outputs.len())
            .map(|k| {
                bank.output(k, &reading, &mut lanes);
                Lanes(lanes.0.map(Real::to_f64))
            })
            .collect()
    }
}
