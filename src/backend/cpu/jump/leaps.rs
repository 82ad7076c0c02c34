//! Tau-leaping: many events of every channel at once; see the text of [`crate::plan::jump`].
//!
//! Propensities are formed for a lane block together; what is drawn differs from lane to lane, so each lane leaps on its own, with counts and times in double precision.

use std::ops::Range;

use rand_distr::{Binomial, Distribution, Poisson};

use super::derived::Derived;
use super::programs::{Bank, Reading};
use super::snapshots::Snapshots;
use crate::backend::cpu::block::Numbers;
use crate::backend::cpu::instruction_sets::Kernels;
use crate::backend::cpu::record::Record;
use crate::maths::{LANES, Lanes, Real};
use crate::plan::{CRITICAL_FIRINGS, Column, EXACT_EVENTS, JumpColumn, Leaping, Plan, Reactions, initial_state};
use crate::random::{Draws, Purpose};

/// A leap is worth it when it lasts longer than so many events.
const WORTH: f64 = 10.0;
/// How often the share of a save is drawn anew when it would be below 0; then the save sees the counts of the save before, or of the start of the leap.
const MOST_SHARES: usize = 64;
/// Bits of an index that number the blocks of one leap.
const BLOCK_BITS: u32 = 16;
/// Rounds after which progress is told.
const PULSE_EVERY: u64 = 64;

/// A trajectory in a lane.
#[derive(Clone, Debug, Default)]
struct Walker {
    trajectory: u64,
    /// `None`: no trajectory is left for the lane. Otherwise whether it is measured already.
    measured: Option<bool>,
    time: f64,
    /// Leaps, redrawn ones too, and events so far.
    advances: u64,
    /// Events of the direct method still to come.
    exact: u32,
    /// No longer than this: half of what a leap below 0 had.
    longest: f64,
    save: usize,
    counts: Vec<f64>,
    start: Vec<f64>,
    /// How often each channel fired.
    fired: Vec<f64>,
    /// `∫ n dt`.
    integral: Vec<f64>,
}

/// What happens between two times of a trajectory.
#[derive(Clone, Debug, Default)]
struct Leap {
    length: f64,
    /// Firings of every channel, spread evenly over the time.
    firings: Vec<f64>,
    /// A channel that fires at the end besides.
    last: Option<usize>,
}

/// A lane block of leaping trajectories.
pub(super) struct Leaps<'a, R: Real> {
    plan: &'a Plan,
    dynamics: &'a Reactions,
    leaping: &'a Leaping,
    numbers: &'a Numbers<R>,
    kernels: Kernels<R>,
    propensities: Bank<R>,
    sensitivities: Bank<R>,
    derived: Derived<'a, R>,
    /// Counts and an offset of 0, as programs read them.
    coordinates: Vec<Lanes<R>>,
    /// `rates[channel]` of every lane, and the sensitivities.
    rates: Vec<Lanes<R>>,
    orders: Vec<Lanes<R>>,
    walkers: Vec<Walker>,
    /// Times of the saves, and of the end of relaxation.
    stops: Vec<f64>,
    relaxed: f64,
    duration: f64,
    window: Range<u64>,
    next: u64,
    snapshots: Snapshots,
}

impl<'a, R: Real> Leaps<'a, R> {
    pub(super) fn new(plan: &'a Plan, dynamics: &'a Reactions, leaping: &'a Leaping, numbers: &'a Numbers<R>, kernels: Kernels<R>) -> Self {
        let d = plan.coordinates.len();
        let channels = dynamics.channels.len();
        let schedule = plan.schedule;
        let duration = dynamics.clock.length * dynamics.clock.segments as f64;
        let time = |step: u64| step as f64 / schedule.steps as f64 * duration;
        Self {
            plan,
            dynamics,
            leaping,
            numbers,
            kernels,
            propensities: Bank::new(&dynamics.propensities, d),
            sensitivities: Bank::new(&leaping.sensitivities, d),
            derived: Derived::new(plan, dynamics, numbers, kernels),
            coordinates: vec![Lanes::ZERO; d + 1 + numbers.columns],
            rates: vec![Lanes::ZERO; channels],
            orders: vec![Lanes::ZERO; channels],
            walkers: vec![Walker::default(); LANES],
            stops: (0..schedule.saves() as u64).map(|save| time(save * schedule.save_every)).collect(),
            relaxed: time(plan.relaxation_steps),
            duration,
            window: 0..0,
            next: 0,
            snapshots: Snapshots::of(plan),
        }
    }

    /// Runs trajectories `first..first + count` from start to end, as [`super::walkers::Walkers::run`] does.
    pub(super) fn run(&mut self, first: u64, count: usize, record: &mut Record, pulse: &dyn Fn(u64) -> bool) -> bool {
        for values in &mut record.columns {
            values.resize(count, f64::NAN);
        }
        let (mut start, end) = (first, first + count as u64);
        while start < end {
            let part = self.snapshots.most_trajectories().min((end - start) as usize);
            (self.window, self.next) = (start..start + part as u64, start);
            self.snapshots.clear(part);
            for lane in 0..LANES {
                self.begin(lane, record);
            }
            let (mut done, mut rounds) = (0, 0u64);
            while self.walkers.iter().any(|walker| walker.measured.is_some()) {
                self.evaluate();
                for lane in 0..LANES {
                    if self.walkers[lane].measured.is_some() {
                        done += 1;
                        self.advance(lane, record);
                    }
                }
                rounds += 1;
                if rounds.is_multiple_of(PULSE_EVERY) && !pulse(std::mem::take(&mut done)) {
                    return false;
                }
            }
            if !pulse(done) {
                return false;
            }
            let derived = &mut self.derived;
            self.snapshots.write(self.plan, self.kernels, start, record, &mut |save, counts| derived.show(save, counts));
            start += part as u64;
        }
        true
    }

    /// The next trajectory of the window begins in a lane.
    fn begin(&mut self, lane: usize, record: &mut Record) {
        let d = self.plan.coordinates.len();
        if self.next == self.window.end {
            self.walkers[lane].measured = None;
            return;
        }
        let trajectory = self.next;
        self.next += 1;
        let mut counts = vec![0.0; d];
        initial_state(self.plan, trajectory, &mut counts);
        self.walkers[lane] = Walker { trajectory, measured: Some(false), counts, longest: f64::INFINITY, ..Walker::default() };
        if self.plan.relaxation_steps == 0 {
            self.measure(lane, record);
        }
    }

    /// Measuring starts in a lane: times, numbers and sums are 0.
    fn measure(&mut self, lane: usize, record: &mut Record) {
        let Walker { trajectory, counts, .. } = std::mem::take(&mut self.walkers[lane]);
        self.walkers[lane] = Walker {
            trajectory,
            measured: Some(true),
            longest: f64::INFINITY,
            start: counts.clone(),
            fired: vec![0.0; self.dynamics.channels.len()],
            integral: vec![0.0; counts.len()],
            counts,
            ..Walker::default()
        };
        // The save at time 0 sees the start.
        self.pass(lane, &Leap::default(), record);
    }

    /// Propensities and sensitivities of all lanes.
    fn evaluate(&mut self) {
        for (lane, walker) in self.walkers.iter().enumerate().filter(|(_, walker)| walker.measured.is_some()) {
            for (coordinate, &count) in self.coordinates.iter_mut().zip(&walker.counts) {
                coordinate.0[lane] = R::from_f64(count);
            }
        }
        let reading = Reading { kernels: &self.kernels, coordinates: &self.coordinates, constants: &self.numbers.constants };
        for (bank, values) in [(&mut self.propensities, &mut self.rates), (&mut self.sensitivities, &mut self.orders)] {
            bank.run(&reading);
            for (k, values) in values.iter_mut().enumerate() {
                bank.output(k, &reading, values);
            }
        }
    }

    /// A leap of a lane, or an event.
    fn advance(&mut self, lane: usize, record: &mut Record) {
        let walker = &self.walkers[lane];
        let raw = |channel: usize| self.rates[channel].0[lane].to_f64();
        let (positive, signed) = (0..self.rates.len()).map(raw).fold((0.0, 0.0), |(p, s), w: f64| (p + w.max(0.0), s + w));
        let tolerated = f64::EPSILON.sqrt() * (positive + 1.0 / self.duration);
        // NaN anywhere makes `signed` NaN.
        if !signed.is_finite() || positive - signed > tolerated || walker.advances >= self.dynamics.most_events.min(1 << (48 - BLOCK_BITS)) {
            return self.begin(lane, record);
        }
        let rates: Vec<f64> = (0..self.rates.len()).map(|channel| raw(channel).max(0.0)).collect();
        let purpose = if walker.measured == Some(true) { Purpose::Leap } else { Purpose::RelaxationLeap };
        let mut draws = Draws::from_block(self.plan.seed, purpose, walker.trajectory, walker.advances << BLOCK_BITS);
        self.walkers[lane].advances += 1;
        let leap = if positive == 0.0 {
            Leap { length: f64::INFINITY, ..Leap::default() }
        } else if self.walkers[lane].exact > 0 {
            self.walkers[lane].exact -= 1;
            event(&rates, positive, &mut draws)
        } else {
            match self.leap(lane, &rates, positive, &mut draws) {
                Some(leap) => leap,
                None => return,
            }
        };
        self.pass(lane, &leap, record);
    }

    /// A leap that stays above 0; `None` if it does not, and must be tried again.
    fn leap(&mut self, lane: usize, rates: &[f64], total: f64, draws: &mut Draws) -> Option<Leap> {
        let walker = &self.walkers[lane];
        let is_critical: Vec<bool> = self.dynamics.channels.iter().map(|channel| near_the_end(&channel.change, &walker.counts)).collect();
        let bound = self.step_bound(lane, rates, &is_critical);
        if bound.min(walker.longest) < WORTH / total {
            let walker = &mut self.walkers[lane];
            (walker.exact, walker.longest) = (EXACT_EVENTS - 1, f64::INFINITY);
            return Some(event(rates, total, draws));
        }
        let bound = (self.leaping.part * bound).min(walker.longest);
        let critical: Vec<f64> = rates.iter().zip(&is_critical).map(|(&rate, &critical)| if critical { rate } else { 0.0 }).collect();
        let critical_total: f64 = critical.iter().sum();
        let first = if critical_total > 0.0 { event(&critical, critical_total, draws) } else { Leap { length: f64::INFINITY, ..Leap::default() } };
        // Where nothing that is read changes, one leap goes to the end.
        let length = bound.min(first.length).min(if bound.is_finite() { f64::INFINITY } else { (self.duration.max(self.relaxed) - walker.time).max(0.0) });
        let last = first.last.filter(|_| first.length <= length);
        let firings: Vec<f64> = rates.iter().zip(&is_critical).map(|(&rate, &critical)| if critical { 0.0 } else { poisson(rate * length, draws) }).collect();
        let leap = Leap { length, firings, last };
        let mut counts = walker.counts.clone();
        fire(&self.dynamics.channels, &leap.firings, &mut counts);
        if let Some(last) = leap.last {
            add(&self.dynamics.channels[last].change, 1.0, &mut counts);
        }
        let walker = &mut self.walkers[lane];
        if counts.iter().any(|&count| count < 0.0) {
            walker.longest = 0.5 * bound.min(length);
            return None;
        }
        walker.longest = f64::INFINITY;
        Some(leap)
    }

    /// `τ'`: how long channels that are not critical may go on before a propensity has changed by more than the tolerance.
    fn step_bound(&self, lane: usize, rates: &[f64], is_critical: &[bool]) -> f64 {
        let counts = &self.walkers[lane].counts;
        let (mut drift, mut spread, mut order) = (vec![0.0; counts.len()], vec![0.0; counts.len()], vec![0.0f64; counts.len()]);
        for (rho, channel) in self.dynamics.channels.iter().enumerate() {
            let reads = &self.leaping.reads[rho];
            let total_order = if rates[rho] > 0.0 { self.orders[rho].0[lane].to_f64() / rates[rho] } else { reads.len() as f64 };
            for &i in reads {
                // `f64::max` leaves out a NaN, which a formula may give at a bend.
                order[usize::from(i)] = order[usize::from(i)].max(total_order).max(1.0);
            }
            for &(i, change) in channel.change.iter().filter(|_| !is_critical[rho]) {
                drift[usize::from(i)] += f64::from(change) * rates[rho];
                spread[usize::from(i)] += f64::from(change).powi(2) * rates[rho];
            }
        }
        let of = |i: usize| {
            let room = (self.leaping.tolerance * counts[i] / order[i]).max(1.0);
            (room / drift[i].abs()).min(room * room / spread[i])
        };
        (0..counts.len()).filter(|&i| order[i] > 0.0 && spread[i] > 0.0).map(of).fold(f64::INFINITY, f64::min)
    }

    /// Takes the saves during a leap of a lane, then makes it.
    fn pass(&mut self, lane: usize, leap: &Leap, record: &mut Record) {
        let (channels, dynamics) = (&self.dynamics.channels, self.dynamics);
        let mut walker = std::mem::take(&mut self.walkers[lane]);
        let measured = walker.measured == Some(true);
        let (begin, end) = (walker.time, walker.time + leap.length);
        let purpose = if measured { Purpose::Bridge } else { Purpose::RelaxationBridge };
        let draws = Draws::from_block(self.plan.seed, purpose, walker.trajectory, walker.advances << BLOCK_BITS);
        let mut shares = Shares { draws, left: leap.firings.clone(), fired: vec![0.0; leap.firings.len()], counts: walker.counts.clone(), time: begin };
        // What has happened by the end of the run must not depend on the saves before it.
        let horizon = if measured { self.duration } else { self.relaxed };
        let last_share = if end > horizon { horizon } else { end };
        if end > horizon {
            shares.reach(horizon, end, channels);
            (shares.left, shares.time) = (std::mem::replace(&mut shares.fired, vec![0.0; leap.firings.len()]), begin);
            shares.counts.clone_from(&walker.counts);
        }
        loop {
            let stop = if measured { self.stops[walker.save] } else { self.relaxed };
            if stop > end {
                break;
            }
            shares.reach(stop, last_share, channels);
            if !measured {
                walker.counts = shares.counts;
                self.walkers[lane] = walker;
                return self.measure(lane, record);
            }
            let past = stop - begin;
            let value = |column: Column| seen(&walker, &shares, past, column);
            self.snapshots.take(walker.save, (walker.trajectory - self.window.start) as usize, value);
            walker.save += 1;
            if walker.save == self.stops.len() {
                for (values, &column) in record.columns.iter_mut().zip(&self.plan.columns) {
                    values[(walker.trajectory - record.first) as usize] = seen(&walker, &shares, past, column);
                }
                self.walkers[lane] = walker;
                return self.begin(lane, record);
            }
        }
        let before = walker.counts.clone();
        fire(channels, &leap.firings, &mut walker.counts);
        for ((integral, before), after) in walker.integral.iter_mut().zip(&before).zip(&walker.counts) {
            *integral += 0.5 * leap.length * (before + after);
        }
        walker.fired.iter_mut().zip(&leap.firings).for_each(|(fired, firings)| *fired += firings);
        if let Some(last) = leap.last {
            add(&dynamics.channels[last].change, 1.0, &mut walker.counts);
            if measured {
                walker.fired[last] += 1.0;
            }
        }
        walker.time = end;
        self.walkers[lane] = walker;
    }
}

/// How far into a leap its saves have come.
struct Shares {
    draws: Draws,
    /// Firings still to come.
    left: Vec<f64>,
    fired: Vec<f64>,
    counts: Vec<f64>,
    time: f64,
}

impl Shares {
    /// Goes on to a stop before the `end`: what is left of the firings falls on both sides of it by their lengths.
    fn reach(&mut self, stop: f64, end: f64, channels: &[crate::plan::Channel]) {
        // A leap without firings may last for ever.
        let part = match (stop - self.time) / (end - self.time) {
            _ if stop == end => 1.0,
            part if part > 0.0 => part.min(1.0),
            _ => 0.0,
        };
        for _ in 0..MOST_SHARES {
            let share: Vec<f64> = self.left.iter().map(|&left| binomial(left, part, &mut self.draws)).collect();
            let mut counts = self.counts.clone();
            fire(channels, &share, &mut counts);
            if counts.iter().all(|&count| count >= 0.0) {
                self.counts = counts;
                self.left.iter_mut().zip(&share).for_each(|(left, share)| *left -= share);
                self.fired.iter_mut().zip(&share).for_each(|(fired, share)| *fired += share);
                break;
            }
        }
        self.time = stop;
    }
}

/// A value of a trajectory at a save, `past` after the start of the leap.
fn seen(walker: &Walker, shares: &Shares, past: f64, column: Column) -> f64 {
    let fired = |channel: usize| walker.fired[channel] + shares.fired.get(channel).copied().unwrap_or(0.0);
    match column {
        Column::Initial(i) => walker.start[usize::from(i)],
        Column::Position(i) => shares.counts[usize::from(i)],
        Column::Jump(JumpColumn::Integral(i)) => {
            let i = usize::from(i);
            walker.integral[i] + 0.5 * past * (walker.counts[i] + shares.counts[i])
        }
        Column::Jump(JumpColumn::Fired(channel)) => fired(usize::from(channel)),
        Column::Jump(JumpColumn::Activity) => (0..walker.fired.len()).map(fired).sum(),
        _ => f64::NAN,
    }
}

/// Whether a channel is a few firings away from using up a species.
fn near_the_end(change: &[(u16, i32)], counts: &[f64]) -> bool {
    change.iter().any(|&(i, change)| change < 0 && (counts[usize::from(i)] / -f64::from(change)).floor() < CRITICAL_FIRINGS)
}

/// The next event of the direct method: when, and which channel.
fn event(rates: &[f64], total: f64, draws: &mut Draws) -> Leap {
    let length = -draws.uniform().ln() / total;
    let mark = draws.uniform() * total;
    let mut sum = 0.0;
    let reached = rates.iter().position(|rate| {
        sum += rate;
        sum > mark
    });
    Leap { length, firings: Vec::new(), last: reached.or_else(|| rates.iter().rposition(|&rate| rate > 0.0)) }
}

/// A Poisson number; above what a double counts one by one its own mean is as good.
fn poisson(mean: f64, draws: &mut Draws) -> f64 {
    if mean > 0.0 { Poisson::new(mean).map_or(mean.round(), |law| law.sample(draws)) } else { 0.0 }
}

/// How many of `count` fall into a part.
fn binomial(count: f64, part: f64, draws: &mut Draws) -> f64 {
    if part >= 1.0 {
        return count;
    }
    if count > 0.0 && part > 0.0 { Binomial::new(count as u64, part).map_or(0.0, |law| law.sample(draws) as f64) } else { 0.0 }
}

fn fire(channels: &[crate::plan::Channel], firings: &[f64], counts: &mut [f64]) {
    for (channel, &times) in channels.iter().zip(firings).filter(|(_, times)| **times > 0.0) {
        add(&channel.change, times, counts);
    }
}

fn add(change: &[(u16, i32)], times: f64, counts: &mut [f64]) {
    for &(i, change) in change {
        counts[usize::from(i)] += f64::from(change) * times;
    }
}
