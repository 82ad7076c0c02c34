//! Assignments from outside, at the starts of segments and when conditions turn true.

use super::programs::{Bank, Reading};
use crate::backend::cpu::instruction_sets::Kernels;
use crate::maths::{Lanes, Real};
use crate::plan::{Intervention, MOST_ROUNDS, Reactions, Trigger};

/// What an intervention sets.
struct Assignment<'a, R> {
    targets: &'a [u16],
    values: Bank<R>,
}

impl<'a, R: Real> Assignment<'a, R> {
    fn of(intervention: &'a Intervention, d: usize) -> Self {
        Self { targets: &intervention.targets, values: Bank::new(&intervention.values, d) }
    }

    /// Sets the counts in the lanes of `mask`.
    fn make(&mut self, kernels: &Kernels<R>, constants: &[R], mask: &Lanes<R>, coordinates: &mut [Lanes<R>]) {
        self.values.run(&Reading { kernels, coordinates, constants });
        let mut values = vec![Lanes::ZERO; self.targets.len()];
        for (k, value) in values.iter_mut().enumerate() {
            self.values.output(k, &Reading { kernels, coordinates, constants }, value);
        }
        for (&target, value) in self.targets.iter().zip(&values) {
            kernels.assign(value, mask, &mut coordinates[target as usize]);
        }
    }
}

/// A condition, what it was when last looked at, and where it has just turned.
struct Condition<'a, R> {
    program: Bank<R>,
    assignment: Assignment<'a, R>,
    known: Lanes<R>,
    turned: Lanes<R>,
}

/// All interventions of some reactions.
pub(super) struct Interventions<'a, R> {
    /// Segments, in the order of the plan.
    segments: Vec<(u64, Assignment<'a, R>)>,
    conditions: Vec<Condition<'a, R>>,
}

impl<'a, R: Real> Interventions<'a, R> {
    pub(super) fn new(dynamics: &'a Reactions, d: usize) -> Self {
        let (mut segments, mut conditions) = (Vec::new(), Vec::new());
        for intervention in &dynamics.interventions {
            let assignment = Assignment::of(intervention, d);
            match &intervention.trigger {
                Trigger::Segment(segment) => segments.push((*segment, assignment)),
                Trigger::Condition(program) => {
                    conditions.push(Condition { program: Bank::new(program, d), assignment, known: Lanes::ZERO, turned: Lanes::ZERO });
                }
            }
        }
        Self { segments, conditions }
    }

    pub(super) fn has_conditions(&self) -> bool {
        !self.conditions.is_empty()
    }

    /// Whether a program reads coordinate `i`.
    pub(super) fn reads(&self, i: usize) -> bool {
        let segments = self.segments.iter().any(|(_, assignment)| assignment.values.reads(i));
        segments || self.conditions.iter().any(|condition| condition.program.reads(i) || condition.assignment.values.reads(i))
    }

    /// The first segment not before this one with an intervention.
    pub(super) fn next_segment(&self, segment: u64) -> Option<u64> {
        self.segments.iter().map(|&(at, _)| at).filter(|&at| at >= segment).min()
    }

    /// Conditions of a lane count as true before the start.
    pub(super) fn forget(&mut self, lane: usize) {
        for condition in &mut self.conditions {
            condition.known.0[lane] = R::ONE;
        }
    }

    /// Makes the assignments of a segment in the lanes of `mask`.
    pub(super) fn at_segment(&mut self, segment: u64, kernels: &Kernels<R>, constants: &[R], mask: &Lanes<R>, coordinates: &mut [Lanes<R>]) {
        for (_, assignment) in self.segments.iter_mut().filter(|(at, _)| *at == segment) {
            assignment.make(kernels, constants, mask, coordinates);
        }
    }

    /// Looks at conditions in the lanes of `mask` and makes their assignments, until none turns. `broken` becomes NaN where this does not end.
    /// Tells whether anything was assigned.
    pub(super) fn look(&mut self, kernels: &Kernels<R>, constants: &[R], mask: &Lanes<R>, coordinates: &mut [Lanes<R>], broken: &mut Lanes<R>) -> bool {
        let mut now = Lanes::ZERO;
        for round in 0..MOST_ROUNDS {
            for condition in &mut self.conditions {
                let reading = Reading { kernels, coordinates, constants };
                condition.program.run(&reading);
                condition.program.output(0, &reading, &mut now);
                kernels.turned(&now, mask, &mut condition.known, &mut condition.turned);
            }
            let mut any = false;
            for condition in &mut self.conditions {
                if condition.turned.0.iter().any(|&turned| turned != R::ZERO) {
                    any = true;
                    condition.assignment.make(kernels, constants, &condition.turned, coordinates);
                }
            }
            if !any {
                return round > 0;
            }
        }
        for condition in &self.conditions {
            for (broken, &turned) in broken.0.iter_mut().zip(&condition.turned.0) {
                *broken = if turned != R::ZERO { R::NAN } else { *broken };
            }
        }
        true
    }
}
