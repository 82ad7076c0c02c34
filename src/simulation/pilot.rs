//! A small ensemble run first, on the native processor: where do coordinates go, and is the step small enough?
//!
//! It is the beginning of the ensemble itself, so it depends on the plan alone.

use super::SimulationError;
use super::langevin::Ends;
use crate::backend::cpu::{Cpu, Precision, Tuning};
use crate::backend::{Backend, Batch, Event, Flow, TileMoments};
use crate::model::System;
use crate::plan::{Column, Dynamics, Integrator, Plan};
use crate::statistics::{CentredMoments, Measured};

/// Trajectories of a pilot.
const TRAJECTORIES: u64 = 1024;
/// Trajectories of a pilot of a jump process, which may be long.
const JUMP_TRAJECTORIES: u64 = 256;
/// Standard deviations that an automatic grid reaches beyond the means.
const REACH: f64 = 5.0;

/// What the pilot saw.
pub(super) struct Pilot {
    /// Smallest and largest `mean ∓ 5 sd` of each coordinate over all saves.
    ranges: Vec<(f64, f64)>,
    /// End positions, `[coordinate][trajectory]`.
    positions: Vec<Vec<f64>>,
}

fn run(plan: &Plan) -> Result<Vec<Batch>, SimulationError> {
    let cpu = Cpu::new(Precision::F64, Tuning::default())?;
    let mut batches = Vec::new();
    cpu.run(plan, &mut |event| {
        if let Event::Batch(batch) = event {
            batches.push(batch);
        }
        Flow::Continue
    })?;
    Ok(batches)
}

/// Runs the first trajectories of a plan.
pub(super) fn fly(plan: &Plan) -> Result<Pilot, SimulationError> {
    let mut plan = plan.clone();
    plan.trajectories.end = plan.trajectories.end.min(TRAJECTORIES);
    plan.fields = Vec::new();
    // Only positions are of interest, at no more than a few times.
    plan.series = (0..plan.coordinates.len() as u16).map(Column::Position).collect();
    let batches = run(&plan)?;
    let observables = plan.series.len();
    let ranges = series_ranges(&plan, &batches, observables);
    let position = |i: u16| -> Vec<f64> {
        let index = plan.columns.iter().position(|c| *c == Column::Position(i));
        batches.iter().flat_map(|batch| index.map_or(&[][..], |index| &batch.columns[index])).copied().collect()
    };
    Ok(Pilot { ranges, positions: (0..observables as u16).map(position).collect() })
}

/// What the pilot of a jump process saw.
pub(super) struct JumpPilot {
    /// Smallest and largest count of each species at any save, with room: `mean ∓ 5 sd`, rounded outwards, not below 0.
    pub(super) ranges: Vec<(f64, f64)>,
    /// Mean number of events of a trajectory.
    pub(super) events: f64,
}

/// Runs the first trajectories of a jump process.
pub(super) fn fly_jumps(plan: &Plan) -> Result<JumpPilot, SimulationError> {
    let mut plan = plan.clone();
    plan.trajectories.end = plan.trajectories.end.min(JUMP_TRAJECTORIES);
    plan.fields = Vec::new();
    plan.series.retain(|column| matches!(column, Column::Position(_)));
    let cpu = Cpu::new(Precision::F64, Tuning::default())?;
    let (mut batches, mut events) = (Vec::new(), 0);
    cpu.run(&plan, &mut |event| {
        match event {
            Event::Batch(batch) => batches.push(batch),
            Event::Progress(more) => events += more,
        }
        Flow::Continue
    })?;
    let observables = plan.series.len();
    let ranges = series_ranges(&plan, &batches, observables).into_iter();
    let ranges = ranges.map(|(low, high)| if low.is_finite() { (low.floor().max(0.0), high.ceil().max(1.0)) } else { (0.0, 1.0) }).collect();
    let trajectories = (plan.trajectories.end - plan.trajectories.start) as f64;
    Ok(JumpPilot { ranges, events: (events as f64 / trajectories).max(1.0) })
}

/// `mean ∓ 5 sd` of every observable of the series over all saves.
fn series_ranges(plan: &Plan, batches: &[Batch], observables: usize) -> Vec<(f64, f64)> {
    let saves = plan.schedule.saves();
    let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); observables];
    for save in 0..saves {
        for (observable, range) in ranges.iter_mut().enumerate() {
            let tiles = batches.iter().flat_map(|batch| batch.series.iter().skip(save * observables + observable).step_by(saves * observables));
            let all =
                tiles.fold(CentredMoments::default(), |sum, tile: &TileMoments| sum.with(CentredMoments { count: tile.count, mean: tile.mean, m2: tile.m2 }));
            let reach = REACH * all.variance().max(0.0).sqrt();
            if (all.mean - reach).is_finite() && (all.mean + reach).is_finite() {
                *range = (range.0.min(all.mean - reach), range.1.max(all.mean + reach));
            }
        }
    }
    ranges
}

impl Pilot {
    /// Range of a coordinate; empty ranges are widened.
    pub(super) fn range(&self, i: usize) -> (f64, f64) {
        let (lower, upper) = self.ranges[i];
        match upper - lower {
            width if width > 0.0 && width.is_finite() => (lower, upper),
            _ if lower.is_finite() => (lower - 1.0, lower + 1.0),
            _ => (-1.0, 1.0),
        }
    }

    /// The range on a grid that a person would choose, so that rounding of the pilot does not show.
    pub(super) fn round_range(&self, i: usize) -> (f64, f64) {
        let (lower, upper) = self.range(i);
        let unit = 10f64.powf((upper - lower).log10().floor() - 1.0);
        ((lower / unit).floor() * unit, (upper / unit).ceil() * unit)
    }

    /// Warns of a step too long for the stiffness that the trajectories met.
    pub(super) fn warnings(&self, plan: &Plan, system: &System, ends: &Ends) -> Vec<String> {
        if matches!(&plan.dynamics, Dynamics::Overdamped(dynamics) if dynamics.integrator == Integrator::ExactLinear) {
            return Vec::new();
        }
        let d = system.dimension();
        let mut worst = (0.0, 0);
        let count = self.positions.first().map_or(0, Vec::len);
        for trajectory in (0..count).step_by(count.div_ceil(256).max(1)) {
            let x: Vec<f64> = (0..d).map(|i| self.positions[i][trajectory]).collect();
            for i in 0..d {
                let step = 1e-4 * (self.range(i).1 - self.range(i).0);
                let force = |shift: f64| {
                    let mut moved = x.clone();
                    moved[i] += shift;
                    system.force(i, &moved, &ends.last_step)
                };
                let stiffness = (force(-step) - force(step)) / (2.0 * step);
                // Of underdamped dynamics the angular frequency: a splitting is stable below 2 as well.
                let rate = system.mass.get(i).map_or(stiffness / system.friction_at(i, &x, &ends.last_step), |mass| (stiffness / mass).max(0.0).sqrt());
                if rate * plan.schedule.dt > worst.0 {
                    worst = (rate * plan.schedule.dt, i);
                }
            }
        }
        let (product, i) = worst;
        let name = &system.names[i];
        let what = if system.is_underdamped() { "the angular frequency of" } else { "stiffness/friction of" };
        if product >= 2.0 {
            return vec![format!(
                "ensemble.dt = {} is unstable: {what} `{name}` times dt reaches {product:.2}, at most 2 is stable; take dt ≤ {:.1e}",
                plan.schedule.dt,
                0.1 * plan.schedule.dt / product
            )];
        }
        if product > 0.3 {
            return vec![format!(
                "ensemble.dt = {} is long: {what} `{name}` times dt reaches {product:.2}; below 0.1 the time-step error is small, so take dt ≤ {:.1e}",
                plan.schedule.dt,
                0.1 * plan.schedule.dt / product
            )];
        }
        Vec::new()
    }
}

/// Compares relaxation for the planned time with relaxation for twice as long, where what is measured does not tell: when the protocol moves right after.
pub(super) fn relaxation_report(plan: &Plan) -> Result<Option<String>, SimulationError> {
    let after = |steps: u64| -> Result<Vec<Vec<f64>>, SimulationError> {
        let mut plan = plan.clone();
        plan.relaxation_steps = steps;
        // The clock of a jump process is cut into segments of the whole run, which must stay as long as it is.
        let jumps = plan.dynamics.overdamped().is_none();
        plan.trajectories.end = plan.trajectories.end.min(if jumps { TRAJECTORIES } else { 4 * TRAJECTORIES });
        if !jumps {
            plan.schedule.steps = 1;
        }
        plan.schedule.save_every = plan.schedule.steps;
        plan.fields = Vec::new();
        plan.series = Vec::new();
        let batches = run(&plan)?;
        let initial = |i: u16| plan.columns.iter().position(|c| *c == Column::Initial(i));
        let d = plan.coordinates.len() as u16;
        Ok((0..d).map(|i| batches.iter().flat_map(|b| initial(i).map_or(&[][..], |index| &b.columns[index])).copied().collect()).collect())
    };
    let (once, twice) = (after(plan.relaxation_steps)?, after(2 * plan.relaxation_steps)?);
    let moment = |sample: &[f64], power: i32| {
        let count = sample.len() as f64;
        let mean = sample.iter().map(|x| x.powi(power)).sum::<f64>() / count;
        let variance = sample.iter().map(|x| (x.powi(power) - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
        Measured { value: mean, standard_error: (variance / count).sqrt() }
    };
    let mut worst: f64 = 0.0;
    for (a, b) in once.iter().zip(&twice) {
        for power in [1, 2] {
            let (a, b) = (moment(a, power), moment(b, power));
            worst = worst.max(((a.value - b.value) / a.standard_error.hypot(b.standard_error)).abs());
        }
    }
    let time = plan.relaxation_steps as f64 * plan.schedule.dt;
    Ok((worst > 4.0).then(|| {
        format!(
            "the start is NOT relaxed after t = {time}: means differ from those after twice the time by {worst:.1} standard errors; set initial.burn_in to more"
        )
    }))
}
