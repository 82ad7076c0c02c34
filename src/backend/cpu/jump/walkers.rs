//! A lane block of jump processes on its way: what its lanes draw, when they stop for a save, and who comes after a trajectory that has ended.
//!
//! Lanes advance by one candidate together, each at its own time. A lane that has ended takes the next trajectory of its window, so that few
//! lanes ever rest; which lane a trajectory is in, and beside whom, changes none of its bits.

use std::ops::Range;

use super::race::{self, Flags, Pace, Race, Streams};
use super::snapshots::Snapshots;
use crate::backend::cpu::instruction_sets::Kernels;
use crate::backend::cpu::record::Record;
use crate::maths::{LANES, Lanes, Real};
use crate::plan::{Clock, Column, Plan, initial_state};
use crate::random;

/// Rounds after which progress is told.
const PULSE_EVERY: u64 = 256;

/// What a kind of jump process does with a lane block.
pub(super) trait Process<R: Real> {
    /// Puts a trajectory into a lane.
    fn place(&mut self, lane: usize, state: &[f64], race: &mut Race<R>);
    /// Measuring starts in a lane: sums are 0.
    fn start(&mut self, lane: usize, trajectory: u64, race: &Race<R>);
    /// Draws what words it needs besides those of [`race::event_words`], just drawn.
    fn more_words(&mut self, _streams: &Streams) {}
    /// Draws waiting hazards and choices of all lanes from two words each.
    fn draw(&self, wait: &[u32; LANES], choice: &[u32; LANES], race: &mut Race<R>);
    /// Rates of candidates at the present state.
    fn rates(&mut self, race: &mut Race<R>);
    /// Time has passed and candidates are there: sums over time, events, sums over events.
    fn happen(&mut self, race: &mut Race<R>, choice: &[u32; LANES]);
    /// A lane has crossed into this segment.
    fn enter(&mut self, lane: usize, segment: R);
    /// The first segment not before this one at whose start something is done to the state.
    fn next_special(&self, segment: u64) -> Option<u64>;
    /// Does it.
    fn intervene(&mut self, lane: usize, segment: u64);
    /// Values of a lane will be asked for.
    fn show(&mut self, _lane: usize) {}
    /// A value of a trajectory, `rest` after its last event.
    fn value(&self, column: Column, lane: usize, rest: R) -> f64;
    /// What [`crate::plan::JumpColumn::Derived`] shows at a save for these counts.
    fn derive(&mut self, save: usize, counts: &[Lanes<R>]) -> Vec<Lanes<f64>>;
    /// A trajectory has come to its end.
    fn finish(&mut self, lane: usize);
    /// All trajectories of a record have ended.
    fn close(&mut self, record: &mut Record);
}

/// What a lane is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No trajectory is left for it.
    Idle,
    /// Its trajectory has ended.
    Ended,
    /// Relaxing.
    Relaxing,
    /// Relaxation has ended.
    Relaxed,
    /// Being measured.
    Measuring,
}

/// A segment and an offset.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Time<R> {
    segment: R,
    offset: R,
}

/// A lane block, its process and the window of trajectories it works through.
pub(super) struct Walkers<'a, R: Real, P> {
    plan: &'a Plan,
    kernels: Kernels<R>,
    process: P,
    pace: Pace<R>,
    segments: u64,
    most_events: u64,
    race: Race<R>,
    streams: Streams,
    words: [[u32; LANES]; 4],
    attention: Flags,
    crossed: Flags,
    phases: [Phase; LANES],
    /// Next save of a lane.
    saves: [usize; LANES],
    /// Times of the saves.
    stops: Vec<Time<R>>,
    relaxed: Time<R>,
    /// Lanes that must be looked at between rounds.
    restless: Flags,
    /// Lanes that have a trajectory.
    busy: usize,
    window: Range<u64>,
    next: u64,
    /// The state of a trajectory that begins.
    state: Vec<f64>,
    snapshots: Snapshots,
}

impl<'a, R: Real, P: Process<R>> Walkers<'a, R, P> {
    pub(super) fn new(plan: &'a Plan, kernels: Kernels<R>, process: P, pace: Pace<R>, clock: Clock, most_events: u64) -> Self {
        let schedule = plan.schedule;
        let time = |step| {
            let (segment, offset) = match clock.at(step, schedule.steps) {
                // Where there is but one segment nobody counts them.
                (segment, offset) if clock.segments == 1 => (0, segment as f64 * clock.length + offset),
                at => at,
            };
            Time { segment: R::from_f64(segment as f64), offset: R::from_f64(offset) }
        };
        Self {
            plan,
            kernels,
            process,
            pace,
            segments: clock.segments,
            most_events,
            race: Race::idle(),
            streams: Streams::of(plan.seed),
            words: [[0; LANES]; 4],
            attention: Flags::NONE,
            crossed: Flags::NONE,
            phases: [Phase::Idle; LANES],
            saves: [0; LANES],
            stops: (0..schedule.saves() as u64).map(|save| time(save * schedule.save_every)).collect(),
            relaxed: time(plan.relaxation_steps),
            restless: Flags::NONE,
            busy: 0,
            window: 0..0,
            next: 0,
            state: vec![0.0; plan.coordinates.len()],
            snapshots: Snapshots::of(plan),
        }
    }

    /// Runs trajectories `first..first + count` from start to end. `pulse` is told of events done and answers whether to go on; `false` comes back if not.
    pub(super) fn run(&mut self, first: u64, count: usize, record: &mut Record, pulse: &dyn Fn(u64) -> bool) -> bool {
        for values in &mut record.columns {
            values.resize(count, f64::NAN);
        }
        let mut start = first;
        let end = first + count as u64;
        while start < end {
            let part = self.snapshots.most_trajectories().min((end - start) as usize);
            self.window = start..start + part as u64;
            self.next = start;
            self.snapshots.clear(part);
            (0..LANES).for_each(|lane| self.end(lane, Phase::Ended));
            self.busy = LANES;
            if !self.run_window(record, pulse) {
                return false;
            }
            let process = &mut self.process;
            self.snapshots.write(self.plan, self.kernels, start, record, &mut |save, counts| process.derive(save, counts));
            start += part as u64;
        }
        self.process.close(record);
        pulse(0)
    }

    fn run_window(&mut self, record: &mut Record, pulse: &dyn Fn(u64) -> bool) -> bool {
        let by_segments = self.pace.rows || self.process.next_special(0).is_some();
        let (mut done, mut rounds, mut budget) = (0, 0, 0);
        loop {
            if self.restless.any() && !self.settle(record) {
                return pulse(done);
            }
            if budget == 0 {
                budget = self.exhaust(0);
                if self.restless.any() {
                    // Lanes that were given up take new trajectories, which have a budget of their own.
                    budget = 0;
                    continue;
                }
            }
            if by_segments {
                self.round_of_segments(record, &mut done);
                budget -= 1;
            } else {
                self.round(budget, record, &mut done);
                budget = budget.saturating_sub(2);
            }
            rounds += 1;
            if rounds % PULSE_EVERY == 0 && !pulse(std::mem::take(&mut done)) {
                return false;
            }
        }
    }

    /// One candidate of every lane, then another: both of a block of random numbers.
    fn round(&mut self, budget: u64, record: &mut Record, done: &mut u64) {
        self.kernels.event_words(&mut self.streams, 2, &mut self.words);
        self.process.more_words(&self.streams);
        for half in 0..2 {
            if half == 1 && budget == 1 {
                self.exhaust(1);
            }
            self.process.draw(&self.words[2 * half], &self.words[2 * half + 1], &mut self.race);
            self.process.rates(&mut self.race);
            self.kernels.race(&self.pace, &mut self.race, &mut self.attention, done);
            for lane in self.attention.lanes() {
                *done += u64::from(self.attend(lane, false, record));
            }
            self.process.happen(&mut self.race, &self.words[2 * half + 1]);
        }
    }

    /// A candidate or the start of another segment, whichever comes first in a lane.
    fn round_of_segments(&mut self, record: &mut Record, done: &mut u64) {
        self.kernels.event_words(&mut self.streams, 0, &mut self.words);
        self.kernels.draw_fresh(&self.words, &mut self.streams, &mut self.race);
        self.process.rates(&mut self.race);
        self.kernels.race_segments(&self.pace, &mut self.race, &mut self.attention, &mut self.crossed, done);
        for lane in self.attention.lanes() {
            *done += u64::from(self.attend(lane, true, record));
        }
        self.process.happen(&mut self.race, &self.words[1]);
        for lane in self.crossed.lanes() {
            self.process.enter(lane, self.race.segment.0[lane]);
            if self.race.segment.0[lane] == self.race.special.0[lane] {
                self.arrive(lane, record);
            }
        }
    }

    /// A lane whose candidate is not before its next stop: takes saves until it is, or ends. Tells whether the candidate came.
    fn attend(&mut self, lane: usize, by_segments: bool, record: &mut Record) -> bool {
        if self.kernels.fused { self.attend_with::<true>(lane, by_segments, record) } else { self.attend_with::<false>(lane, by_segments, record) }
    }

    fn attend_with<const FMA: bool>(&mut self, lane: usize, by_segments: bool, record: &mut Record) -> bool {
        if self.race.total.0[lane].is_nan() {
            self.end(lane, Phase::Ended);
            return false;
        }
        let reached = race::reached(&self.race, lane);
        loop {
            let stop = race::stop::<R, FMA>(&self.pace, &self.race, lane);
            let end = if by_segments { race::segment_end(&self.pace, &self.race, lane) } else { R::INFINITY };
            if reached < stop || !(stop < end) {
                let happens = reached < end;
                if by_segments {
                    race::go_on::<R, FMA>(&self.pace, &mut self.race, lane, reached, (happens, !happens));
                    self.crossed.mark_if(lane, !happens);
                } else {
                    race::go::<R, FMA>(&self.pace, &mut self.race, lane, reached, happens);
                }
                return happens;
            }
            if self.phases[lane] == Phase::Relaxing {
                self.end(lane, Phase::Relaxed);
                return false;
            }
            if !self.save(lane, stop - self.race.offset.0[lane], record) {
                self.end(lane, Phase::Ended);
                return false;
            }
        }
    }

    /// A lane at the start of a special segment.
    fn arrive(&mut self, lane: usize, record: &mut Record) {
        let segment = self.race.segment.0[lane].to_f64() as u64;
        if segment >= self.segments {
            while self.save(lane, R::ZERO, record) {}
            self.end(lane, Phase::Ended);
            return;
        }
        self.process.intervene(lane, segment);
        self.race.special.0[lane] = self.special_from(segment + 1);
    }

    fn special_from(&self, segment: u64) -> R {
        R::from_f64(self.process.next_special(segment).unwrap_or(self.segments).min(self.segments) as f64)
    }

    /// Takes the next save of a lane, `rest` after its last event, and tells whether there are more.
    fn save(&mut self, lane: usize, rest: R, record: &mut Record) -> bool {
        let (save, trajectory) = (self.saves[lane], self.streams.trajectory[lane]);
        self.process.show(lane);
        let process = &self.process;
        self.snapshots.take(save, (trajectory - self.window.start) as usize, |column| process.value(column, lane, rest));
        let Some(&stop) = self.stops.get(save + 1) else {
            for (values, &column) in record.columns.iter_mut().zip(&self.plan.columns) {
                values[(trajectory - record.first) as usize] = self.process.value(column, lane, rest);
            }
            self.process.finish(lane);
            return false;
        };
        self.saves[lane] = save + 1;
        self.stop_at(lane, stop);
        true
    }

    fn stop_at(&mut self, lane: usize, stop: Time<R>) {
        self.race.stop_segment.0[lane] = stop.segment;
        self.race.stop_offset.0[lane] = stop.offset;
    }

    /// A lane rests until the next round.
    fn end(&mut self, lane: usize, phase: Phase) {
        for mask in [&mut self.race.live, &mut self.race.event, &mut self.race.fresh] {
            mask.0[lane] = R::ZERO;
        }
        self.phases[lane] = phase;
        self.restless.mark_if(lane, true);
    }

    /// Between rounds: lanes that have ended take new trajectories, lanes that have relaxed start measuring. Tells whether any lane goes on.
    fn settle(&mut self, record: &mut Record) -> bool {
        for lane in std::mem::replace(&mut self.restless, Flags::NONE).lanes() {
            match self.phases[lane] {
                Phase::Ended => self.begin(lane, record),
                Phase::Relaxed => self.start(lane, record),
                Phase::Idle | Phase::Relaxing | Phase::Measuring => {}
            }
        }
        self.busy > 0
    }

    /// The next trajectory of the window begins in a lane.
    fn begin(&mut self, lane: usize, record: &mut Record) {
        if self.next == self.window.end {
            self.phases[lane] = Phase::Idle;
            self.busy -= 1;
            return;
        }
        self.streams.trajectory[lane] = self.next;
        self.next += 1;
        initial_state(self.plan, self.streams.trajectory[lane], &mut self.state);
        self.set_off(lane, self.plan.stream.relaxation_event());
        self.process.place(lane, &self.state, &mut self.race);
        if self.plan.relaxation_steps == 0 {
            return self.start(lane, record);
        }
        self.phases[lane] = Phase::Relaxing;
        self.stop_at(lane, self.relaxed);
        self.race.special.0[lane] = self.relaxed.segment + R::ONE;
    }

    /// Measuring starts in a lane.
    fn start(&mut self, lane: usize, record: &mut Record) {
        self.set_off(lane, self.plan.stream.event());
        self.phases[lane] = Phase::Measuring;
        self.saves[lane] = 0;
        self.stop_at(lane, self.stops[0]);
        self.process.start(lane, self.streams.trajectory[lane], &self.race);
        self.race.special.0[lane] = self.special_from(0);
        if self.race.special.0[lane] == R::ZERO {
            self.arrive(lane, record);
        } else if !self.save(lane, R::ZERO, record) {
            self.end(lane, Phase::Ended);
        }
    }

    /// Time and candidates of a lane start from 0.
    fn set_off(&mut self, lane: usize, purpose: random::Purpose) {
        self.streams.head[lane] = random::word_one(purpose, 0, 0);
        self.streams.candidate[lane] = 0;
        self.streams.settle(lane);
        self.race.segment.0[lane] = R::ZERO;
        self.race.offset.0[lane] = R::ZERO;
        self.race.live.0[lane] = R::ONE;
        self.race.fresh.0[lane] = R::ONE;
    }

    /// Gives up trajectories that need a candidate too many, where `early` ones are counted but not drawn, and tells how many more no lane can miss.
    fn exhaust(&mut self, early: u64) -> u64 {
        let mut budget = u64::MAX;
        for lane in (0..LANES).filter(|&lane| self.race.live.0[lane] != R::ZERO).collect::<Vec<_>>() {
            let left = (self.most_events + early).saturating_sub(self.streams.candidate[lane]);
            if left == 0 && self.race.fresh.0[lane] != R::ZERO {
                self.end(lane, Phase::Ended);
            } else {
                budget = budget.min(left.max(1)).min(self.streams.settle(lane));
            }
        }
        budget
    }
}
