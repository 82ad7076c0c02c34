//! Sums along the paths of reactions, in f64.

use super::kernels::Weights;
use super::programs::{Bank, Reading};
use super::race::Race;
use crate::backend::cpu::instruction_sets::Kernels;
use crate::maths::{LANES, Lanes, Real};
use crate::plan::{Column, JumpColumn, Plan, Reactions, Surprise};

/// A sum over a set of channels.
struct LogRatio<R> {
    which: u16,
    /// The channels of the set, each with 1.
    members: Vec<(R, R)>,
    sum: Lanes<f64>,
}

/// A change of a function of the state, summed over events.
struct Changes<R> {
    before: Lanes<R>,
    sum: Lanes<f64>,
}

/// The sums that columns and series of a plan ask for.
pub(super) struct Ledgers<'a, R: Real> {
    integrals: Vec<(u16, Lanes<f64>)>,
    /// Times at a value of the first coordinate.
    dwells: Vec<(u16, Lanes<f64>)>,
    fired: Vec<(u16, Lanes<f64>)>,
    activity: Option<Lanes<f64>>,
    log_ratios: Vec<LogRatio<R>>,
    /// Every channel and itself, and every channel and its reverse.
    channels: Vec<(R, u16)>,
    reverses: Vec<(R, u16)>,
    picked: Lanes<R>,
    energy: Option<(Bank<R>, Changes<R>)>,
    surprise: Option<(Table<'a>, Changes<f64>)>,
    scratch: Lanes<R>,
    more: Lanes<R>,
}

impl<'a, R: Real> Ledgers<'a, R> {
    pub(super) fn new(plan: &Plan, dynamics: &'a Reactions) -> Self {
        let mut wanted: Vec<JumpColumn> = Vec::new();
        for column in plan.columns.iter().chain(&plan.series) {
            match column {
                Column::Jump(column) if !wanted.contains(column) => wanted.push(*column),
                _ => {}
            }
        }
        let members = |k: u16| {
            let set = dynamics.log_ratios[k as usize].iter().enumerate();
            set.filter(|(_, member)| **member).map(|(channel, _)| (R::from_f64(channel as f64), R::ONE)).collect()
        };
        let pick = |of: &dyn Fn(JumpColumn) -> Option<u16>| wanted.iter().filter_map(|&column| of(column)).collect::<Vec<u16>>();
        let integrals = pick(&|column| if let JumpColumn::Integral(i) = column { Some(i) } else { None });
        let dwells = pick(&|column| if let JumpColumn::Dwell(state) = column { Some(state) } else { None });
        let fired = pick(&|column| if let JumpColumn::Fired(channel) = column { Some(channel) } else { None });
        let log_ratios = pick(&|column| if let JumpColumn::LogRatio(k) = column { Some(k) } else { None });
        let number = |channel: usize| R::from_f64(channel as f64);
        let reverse = |(k, channel): (usize, &crate::plan::Channel)| Some((number(k), channel.reverse?));
        let energy = dynamics.energy.as_ref().filter(|_| wanted.contains(&JumpColumn::EnergyJump));
        let surprise = dynamics.surprise.as_ref().filter(|_| wanted.contains(&JumpColumn::Excess));
        Self {
            integrals: integrals.into_iter().map(|i| (i, Lanes::ZERO)).collect(),
            dwells: dwells.into_iter().map(|state| (state, Lanes::ZERO)).collect(),
            fired: fired.into_iter().map(|channel| (channel, Lanes::ZERO)).collect(),
            activity: wanted.contains(&JumpColumn::Activity).then_some(Lanes::ZERO),
            log_ratios: log_ratios.into_iter().map(|which| LogRatio { which, members: members(which), sum: Lanes::ZERO }).collect(),
            channels: (0..dynamics.channels.len()).map(|k| (number(k), k as u16)).collect(),
            reverses: dynamics.channels.iter().enumerate().filter_map(reverse).collect(),
            picked: Lanes::ZERO,
            energy: energy.map(|program| (Bank::new(program, plan.coordinates.len()), Changes { before: Lanes::ZERO, sum: Lanes::ZERO })),
            surprise: surprise.map(|surprise| (Table::of(surprise, dynamics.clock.length), Changes { before: Lanes::ZERO, sum: Lanes::ZERO })),
            scratch: Lanes::ZERO,
            more: Lanes::ZERO,
        }
    }

    /// Whether the propensities right after an event are read.
    pub(super) fn needs_rates_after(&self) -> bool {
        !self.log_ratios.is_empty()
    }

    /// Whether a program reads coordinate `i`.
    pub(super) fn reads(&self, i: usize) -> bool {
        self.energy.as_ref().is_some_and(|(bank, _)| bank.reads(i))
    }

    /// All sums of a lane are 0.
    pub(super) fn clear(&mut self, lane: usize) {
        let sums = self.integrals.iter_mut().chain(&mut self.dwells).chain(&mut self.fired).map(|(_, sum)| sum);
        let sums = sums.chain(&mut self.activity).chain(self.log_ratios.iter_mut().map(|ratio| &mut ratio.sum));
        let sums = sums.chain(self.energy.as_mut().map(|(_, changes)| &mut changes.sum));
        for sum in sums.chain(self.surprise.as_mut().map(|(_, changes)| &mut changes.sum)) {
            sum.0[lane] = 0.0;
        }
    }

    /// Time passes.
    pub(super) fn pass(&mut self, kernels: &Kernels<R>, elapsed: &Lanes<R>, coordinates: &[Lanes<R>]) {
        for (i, sum) in &mut self.integrals {
            kernels.integrate(&coordinates[*i as usize], elapsed, sum);
        }
        for (state, sum) in &mut self.dwells {
            kernels.integrate_at(R::from_u32(u32::from(*state)), &coordinates[0], elapsed, sum);
        }
    }

    /// Channels `index` are about to fire.
    pub(super) fn before(&mut self, weights: &Weights<'_, R>, reading: &Reading<'_, R>, index: &Lanes<R>, race: &Race<R>) {
        let kernels = reading.kernels;
        for (channel, sum) in &mut self.fired {
            kernels.count(index, R::from_u32(u32::from(*channel)), sum);
        }
        if let Some(sum) = &mut self.activity {
            kernels.add_where(&race.event, &race.event, sum);
        }
        if !self.log_ratios.is_empty() {
            kernels.pick(index, &self.channels, weights, &mut self.picked);
        }
        if let Some((bank, changes)) = &mut self.energy {
            bank.run(reading);
            bank.output(0, reading, &mut changes.before);
        }
        if let Some((table, changes)) = &mut self.surprise {
            table.read(reading.coordinates, race, &mut changes.before);
        }
    }

    /// They have fired; `weights` are those of the new state where they are read.
    pub(super) fn after(&mut self, weights: &Weights<'_, R>, reading: &Reading<'_, R>, index: &Lanes<R>, race: &Race<R>) {
        let kernels = reading.kernels;
        if !self.log_ratios.is_empty() {
            kernels.pick(index, &self.reverses, weights, &mut self.scratch);
            kernels.log_ratio(&self.picked, &self.scratch, &mut self.more);
            for ratio in &mut self.log_ratios {
                self.scratch = Lanes::ZERO;
                kernels.shift(index, &ratio.members, &mut self.scratch);
                kernels.add_where(&self.more, &self.scratch, &mut ratio.sum);
            }
        }
        if let Some((bank, changes)) = &mut self.energy {
            bank.run(reading);
            bank.output(0, reading, &mut self.scratch);
            kernels.difference(&self.scratch, &changes.before, &mut self.more);
            kernels.add_where(&self.more, &race.event, &mut changes.sum);
        }
        if let Some((table, changes)) = &mut self.surprise {
            let mut after = Lanes::ZERO;
            table.read(reading.coordinates, race, &mut after);
            for lane in 0..LANES {
                changes.sum.0[lane] += if race.event.0[lane] != R::ZERO { changes.before.0[lane] - after.0[lane] } else { 0.0 };
            }
        }
    }

    /// A sum of a lane, up to its last event.
    pub(super) fn value(&self, column: JumpColumn, lane: usize) -> f64 {
        let of = |list: &[(u16, Lanes<f64>)], k: u16| list.iter().find(|entry| entry.0 == k).map(|entry| entry.1.0[lane]);
        let found = match column {
            JumpColumn::Integral(i) => of(&self.integrals, i),
            JumpColumn::Dwell(state) => of(&self.dwells, state),
            JumpColumn::Fired(channel) => of(&self.fired, channel),
            JumpColumn::Activity => self.activity.map(|sum| sum.0[lane]),
            JumpColumn::LogRatio(k) => self.log_ratios.iter().find(|ratio| ratio.which == k).map(|ratio| ratio.sum.0[lane]),
            JumpColumn::EnergyJump => self.energy.as_ref().map(|(_, changes)| changes.sum.0[lane]),
            JumpColumn::Excess => self.surprise.as_ref().map(|(_, changes)| changes.sum.0[lane]),
            JumpColumn::TableSum(_) | JumpColumn::Crossed(_) | JumpColumn::Derived(_) => None,
        };
        found.unwrap_or(f64::NAN)
    }
}

/// The table of `φ`.
struct Table<'a> {
    surprise: &'a Surprise,
    states: usize,
    inverse: f64,
}

impl<'a> Table<'a> {
    fn of(surprise: &'a Surprise, length: f64) -> Self {
        Self { surprise, states: surprise.extent.iter().map(|&extent| extent as usize).product(), inverse: 1.0 / length }
    }

    /// `φ` of every lane with an event, at its present state and time.
    fn read<R: Real>(&self, coordinates: &[Lanes<R>], race: &Race<R>, out: &mut Lanes<f64>) {
        for lane in 0..LANES {
            out.0[lane] = if race.event.0[lane] != R::ZERO { self.at(coordinates, race, lane) } else { 0.0 };
        }
    }

    /// NaN outside the box.
    fn at<R: Real>(&self, coordinates: &[Lanes<R>], race: &Race<R>, lane: usize) -> f64 {
        let mut state = 0;
        for ((&lower, &extent), counts) in self.surprise.lower.iter().zip(&self.surprise.extent).zip(coordinates) {
            let place = counts.0[lane].to_f64() - f64::from(lower);
            if !(place >= 0.0 && place < f64::from(extent)) {
                return f64::NAN;
            }
            state = state * extent as usize + place as usize;
        }
        let segment = if self.surprise.steady { 0 } else { race.segment.0[lane].to_f64() as usize };
        let (start, part) = (2 * segment * self.states + state, race.offset.0[lane].to_f64() * self.inverse);
        let value = |k: usize| self.surprise.values.get(k).copied().unwrap_or(f64::NAN);
        value(start) + (value(start + self.states) - value(start)) * part
    }
}
