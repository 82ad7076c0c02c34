//! Reactions between copy numbers.

use super::derived::Derived;
use super::interventions::Interventions;
use super::kernels::{Source, Weights};
use super::ledgers::Ledgers;
use super::programs::{Bank, Reading};
use super::race::{Pace, Race};
use super::walkers::Process;
use crate::backend::cpu::block::Numbers;
use crate::backend::cpu::instruction_sets::Kernels;
use crate::backend::cpu::record::Record;
use crate::expression::Operand;
use crate::maths::{LANES, Lanes, Real};
use crate::plan::{Column, JumpColumn, Plan, Reactions};

/// Changes of counts above which they are made lane by lane instead of channel by channel.
const MOST_SHIFTS: usize = 96;

/// A lane block of reactions.
pub(super) struct Reacting<'a, R: Real> {
    plan: &'a Plan,
    dynamics: &'a Reactions,
    numbers: &'a Numbers<R>,
    kernels: Kernels<R>,
    pace: Pace<R>,
    /// Counts, the offset as programs read it, the row.
    coordinates: Vec<Lanes<R>>,
    start: Vec<[f64; LANES]>,
    propensities: Bank<R>,
    bound: Option<Bank<R>>,
    derived: Derived<'a, R>,
    sources: Vec<Source>,
    spread: Vec<Lanes<R>>,
    /// For every coordinate the channels that change it, and by how much; empty where lanes are changed one by one.
    shifts: Vec<Vec<(R, R)>>,
    /// The same for every channel: coordinates and changes.
    changes: Vec<Vec<(u16, R)>>,
    /// Whether programs of the events read the offset.
    moving: bool,
    /// Whether the propensities are those of another state.
    stale: bool,
    /// 1 where a lane is measured, 0 where it relaxes.
    measured: Lanes<R>,
    /// NaN where a trajectory must be given up.
    broken: Lanes<R>,
    total: Lanes<R>,
    index: Lanes<R>,
    scratch: Lanes<R>,
    ledgers: Ledgers<'a, R>,
    interventions: Interventions<'a, R>,
}

impl<'a, R: Real> Reacting<'a, R> {
    pub(super) fn new(plan: &'a Plan, dynamics: &'a Reactions, numbers: &'a Numbers<R>, kernels: Kernels<R>, pace: Pace<R>) -> Self {
        let d = plan.coordinates.len();
        let propensities = Bank::new(&dynamics.propensities, d);
        let mut spread = Vec::new();
        let sources = propensities.program.outputs.iter().map(|&output| source(output, &numbers.constants, &mut spread)).collect();
        let all: usize = dynamics.channels.iter().map(|channel| channel.change.len()).sum();
        let number = |channel: usize| R::from_f64(channel as f64);
        let shift = |i: usize| {
            let of = |(k, channel): (usize, &crate::plan::Channel)| {
                let change = channel.change.iter().find(|change| usize::from(change.0) == i)?;
                Some((number(k), R::from_i32(change.1)))
            };
            dynamics.channels.iter().enumerate().filter_map(of).collect()
        };
        let changes = |channel: &crate::plan::Channel| channel.change.iter().map(|&(i, change)| (i, R::from_i32(change))).collect();
        let (ledgers, interventions) = (Ledgers::new(plan, dynamics), Interventions::new(dynamics, d));
        Self {
            plan,
            dynamics,
            numbers,
            kernels,
            pace,
            coordinates: vec![Lanes::ZERO; d + 1 + numbers.columns],
            start: vec![[0.0; LANES]; d],
            propensities,
            bound: dynamics.bound.as_ref().map(|program| Bank::new(program, d)),
            derived: Derived::new(plan, dynamics, numbers, kernels),
            sources,
            spread,
            shifts: if all <= MOST_SHIFTS { (0..d).map(shift).collect() } else { Vec::new() },
            changes: dynamics.channels.iter().map(changes).collect(),
            moving: dynamics.bound.is_some() || ledgers.reads(d) || interventions.reads(d),
            stale: true,
            measured: Lanes::ZERO,
            broken: Lanes::ZERO,
            total: Lanes::ZERO,
            index: Lanes::ZERO,
            scratch: Lanes::ZERO,
            ledgers,
            interventions,
        }
    }

    /// Evaluates the propensities, unless they are those of the present state.
    fn evaluate(&mut self) {
        if self.stale {
            let reading = Reading { kernels: &self.kernels, coordinates: &self.coordinates, constants: &self.numbers.constants };
            self.propensities.run(&reading);
            self.stale = false;
        }
    }

    /// Sums the propensities.
    fn sum_up(&mut self) {
        let weights = Weights { sources: &self.sources, registers: &self.propensities.registers, coordinates: &self.coordinates, spread: &self.spread };
        self.kernels.total(&weights, &self.pace, &mut self.scratch, &mut self.total);
    }

    /// Changes the counts where channels fired.
    fn fire(&mut self) {
        for (shift, counts) in self.shifts.iter().zip(&mut self.coordinates) {
            self.kernels.shift(&self.index, shift, counts);
        }
        if self.shifts.is_empty() {
            for lane in 0..LANES {
                let channel = self.index.0[lane].to_f64();
                if channel >= 0.0 {
                    for &(i, change) in &self.changes[channel as usize] {
                        let count = &mut self.coordinates[i as usize].0[lane];
                        *count = *count + change;
                    }
                }
            }
        }
    }

    /// Puts the row of a lane's segment into its place.
    fn read_row(&mut self, lane: usize, segment: R) {
        if self.numbers.columns == 0 {
            return;
        }
        let row = if self.measured.0[lane] == R::ZERO {
            &self.numbers.resting
        } else {
            self.numbers.row((segment.to_f64() as u64).min(self.dynamics.clock.segments - 1))
        };
        let first = self.plan.coordinates.len() + 1;
        for (coordinate, &value) in self.coordinates[first..].iter_mut().zip(row) {
            coordinate.0[lane] = value;
        }
        self.stale = true;
    }

    /// Shows programs the present offset.
    fn show_offset(&mut self, race: &Race<R>) {
        self.kernels.product(&race.offset, &self.measured, &mut self.coordinates[self.plan.coordinates.len()]);
    }

    /// Looks at conditions in the lanes of `mask`, and does what they trigger.
    fn look(&mut self, mask: &Lanes<R>) {
        let Self { interventions, kernels, coordinates, numbers, broken, stale, .. } = self;
        if interventions.look(kernels, &numbers.constants, mask, coordinates, broken) {
            *stale = true;
        }
    }
}

/// Where an output of the propensities is.
fn source<R: Real>(output: Operand, constants: &[R], spread: &mut Vec<Lanes<R>>) -> Source {
    match output {
        Operand::Register(i) => Source::Register(i),
        Operand::Coordinate(i) | Operand::Scheduled(i) => Source::Coordinate(i),
        Operand::Constant(i) => {
            spread.push(Lanes([constants[i as usize]; LANES]));
            Source::Spread(spread.len() as u16 - 1)
        }
    }
}

impl<R: Real> Process<R> for Reacting<'_, R> {
    fn place(&mut self, lane: usize, state: &[f64], race: &mut Race<R>) {
        for (count, &value) in self.coordinates.iter_mut().zip(state) {
            count.0[lane] = R::from_f64(value);
        }
        self.measured.0[lane] = R::ZERO;
        self.broken.0[lane] = R::ZERO;
        self.coordinates[state.len()].0[lane] = R::ZERO;
        self.read_row(lane, race.segment.0[lane]);
        self.stale = true;
    }

    fn start(&mut self, lane: usize, _trajectory: u64, race: &Race<R>) {
        for (start, count) in self.start.iter_mut().zip(&self.coordinates) {
            start[lane] = count.0[lane].to_f64();
        }
        self.measured.0[lane] = R::ONE;
        self.ledgers.clear(lane);
        self.interventions.forget(lane);
        self.read_row(lane, race.segment.0[lane]);
        self.stale = true;
        if self.interventions.has_conditions() {
            // Nothing turns here: conditions count as true before.
            let mut mask = Lanes::ZERO;
            mask.0[lane] = R::ONE;
            self.look(&mask);
        }
    }

    fn draw(&self, wait: &[u32; LANES], choice: &[u32; LANES], race: &mut Race<R>) {
        self.kernels.draw_hazards(wait, &mut race.hazard);
        self.kernels.draw_choices(choice, &mut race.choice);
    }

    fn rates(&mut self, race: &mut Race<R>) {
        if self.bound.is_some() {
            self.show_offset(race);
        }
        if let Some(bound) = &mut self.bound {
            let reading = Reading { kernels: &self.kernels, coordinates: &self.coordinates, constants: &self.numbers.constants };
            bound.run(&reading);
            bound.output(0, &reading, &mut self.scratch);
            self.kernels.bound(&self.scratch, &self.broken, &mut race.total);
            return;
        }
        self.evaluate();
        if self.interventions.has_conditions() {
            self.sum_up();
            self.kernels.bound(&self.total, &self.broken, &mut race.total);
        } else {
            let weights = Weights { sources: &self.sources, registers: &self.propensities.registers, coordinates: &self.coordinates, spread: &self.spread };
            self.kernels.total(&weights, &self.pace, &mut self.scratch, &mut race.total);
        }
    }

    fn happen(&mut self, race: &mut Race<R>, _choice: &[u32; LANES]) {
        self.ledgers.pass(&self.kernels, &race.elapsed, &self.coordinates);
        if self.moving {
            self.show_offset(race);
        }
        if self.bound.is_some() {
            self.stale = true;
            self.evaluate();
            self.sum_up();
            self.kernels.accept(&self.pace, &self.total, race, &mut self.broken);
        }
        let Self { kernels, sources, propensities, coordinates, spread, ledgers, numbers, .. } = self;
        let weights = Weights { sources, registers: &propensities.registers, coordinates, spread };
        kernels.choose(&weights, race, &mut self.scratch, &mut self.index);
        ledgers.before(&weights, &Reading { kernels, coordinates, constants: &numbers.constants }, &self.index, race);
        self.fire();
        self.stale = true;
        if self.ledgers.needs_rates_after() {
            self.evaluate();
        }
        let Self { kernels, sources, propensities, coordinates, spread, ledgers, numbers, .. } = self;
        let weights = Weights { sources, registers: &propensities.registers, coordinates, spread };
        ledgers.after(&weights, &Reading { kernels, coordinates, constants: &numbers.constants }, &self.index, race);
        if self.interventions.has_conditions() {
            let mut mask = Lanes::ZERO;
            self.kernels.product(&race.event, &self.measured, &mut mask);
            self.look(&mask);
        }
    }

    fn enter(&mut self, lane: usize, segment: R) {
        self.read_row(lane, segment);
    }

    fn next_special(&self, segment: u64) -> Option<u64> {
        self.interventions.next_segment(segment)
    }

    fn intervene(&mut self, lane: usize, segment: u64) {
        self.coordinates[self.plan.coordinates.len()].0[lane] = R::ZERO;
        let mut mask = Lanes::ZERO;
        mask.0[lane] = R::ONE;
        self.interventions.at_segment(segment, &self.kernels, &self.numbers.constants, &mask, &mut self.coordinates);
        self.stale = true;
        self.look(&mask);
    }

    fn value(&self, column: Column, lane: usize, rest: R) -> f64 {
        match column {
            Column::Initial(i) => self.start[i as usize][lane],
            Column::Position(i) => self.coordinates[i as usize].0[lane].to_f64(),
            Column::Jump(JumpColumn::Integral(i)) => self.ledgers.value(JumpColumn::Integral(i), lane) + (self.coordinates[i as usize].0[lane] * rest).to_f64(),
            Column::Jump(JumpColumn::Dwell(state)) => {
                let here = self.coordinates[0].0[lane] == R::from_u32(u32::from(state));
                self.ledgers.value(JumpColumn::Dwell(state), lane) + if here { rest.to_f64() } else { 0.0 }
            }
            Column::Jump(column) => self.ledgers.value(column, lane),
            _ => f64::NAN,
        }
    }

    fn derive(&mut self, save: usize, counts: &[Lanes<R>]) -> Vec<Lanes<f64>> {
        self.derived.show(save, counts)
    }

    fn finish(&mut self, _lane: usize) {}

    fn close(&mut self, _record: &mut Record) {}
}
