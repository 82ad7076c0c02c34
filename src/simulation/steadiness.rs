//! Does a run that should be in a steady state stand still, and how long does it remember?

use super::Simulation;
use super::evidence::Gathered;
use crate::coordinate::Coordinate;
use crate::experiment::{Model, shown};
use crate::plan::{Column, JumpColumn};
use crate::results::Estimate;
use crate::statistics::{Drift, FALSE_ALARM, Field, Measured, Steady, scattered, student_bound};

/// Groups of bins whose share of the trajectories is followed.
const GROUPS: usize = 16;
/// Fewest trajectories in such a group, at start and end together, for a share that is nearly Gaussian.
const FEWEST_IN_GROUP: u64 = 50;
/// Coordinates up to which correlation times are told.
const MOST_CORRELATED: usize = 16;
/// Roundoffs in a mean that is compared.
const ROUNDOFFS: f64 = 64.0;
/// A burn-in is advised that leaves this part of a standard error.
const LEFT: f64 = 0.1;

/// What was found.
pub(super) struct Steadiness {
    /// A sentence where something moves that should not.
    pub(super) alarm: Option<String>,
    /// Correlation times of the coordinates, where nothing moves.
    pub(super) correlation_times: Vec<Estimate>,
}

/// Something that a steady state keeps, and how it moved.
struct Followed {
    /// In words.
    name: String,
    drifts: Vec<Drift>,
    /// Rounding of the numbers compared.
    rounding: f64,
}

impl Simulation {
    /// Tests every mean that a steady state would keep, where the run should be in one.
    pub(super) fn steadiness(&self, gathered: &Gathered, unit_roundoff: f64) -> Steadiness {
        let relaxed = self.relaxed_for > 0.0 && !self.facts.protocol_moves;
        if !relaxed && !self.facts.is_steady() {
            return Steadiness { alarm: None, correlation_times: Vec::new() };
        }
        let times: Vec<f64> = (0..self.plan.schedule.saves() as u64).map(|save| self.plan.schedule.time(save * self.plan.schedule.save_every)).collect();
        let mut followed = self.followed_in_series(gathered, &times, unit_roundoff);
        followed.extend(self.followed_in_fields(gathered, times[times.len() - 1] - times[0]));
        let comparisons: usize = followed.iter().map(|one| one.drifts.len()).sum();
        let excess = |drift: &Drift, rounding: f64| drift.z(rounding).abs() / student_bound(drift.blocks, FALSE_ALARM / comparisons as f64);
        let all = followed.iter().flat_map(|one| one.drifts.iter().map(move |drift| (one, drift)));
        let worst = all.max_by(|a, b| excess(a.1, a.0.rounding).total_cmp(&excess(b.1, b.0.rounding)));
        let alarm = worst.filter(|(one, drift)| excess(drift, one.rounding) > 1.0).map(|(one, drift)| self.alarm(one, drift, comparisons));
        let correlation_times =
            if alarm.is_none() { self.correlation_times(gathered, times.get(1).map_or(0.0, |second| second - times[0])) } else { Vec::new() };
        Steadiness { alarm, correlation_times }
    }

    /// What the saves bring: states as they are, sums by the rate at which they grow.
    fn followed_in_series(&self, gathered: &Gathered, times: &[f64], unit_roundoff: f64) -> Vec<Followed> {
        let names = |i: u16| &self.plan.coordinates[usize::from(i)].name;
        let mut followed = Vec::new();
        for (observable, column) in self.plan.series.iter().enumerate() {
            let what: Vec<(Steady, String)> = match column {
                Column::Position(i) if self.plan.coordinates[usize::from(*i)].boundary.period().is_some() => {
                    vec![(Steady::Rate, format!("mean velocity of `{}`", names(*i)))]
                }
                Column::Position(i) => state(names(*i)),
                Column::Jump(JumpColumn::Derived(k)) => state(self.derived().get(usize::from(*k)).map_or("a derived quantity", String::as_str)),
                Column::Work => vec![(Steady::Rate, "mean power of the work".to_owned())],
                Column::Heat(i) => vec![(Steady::Rate, format!("mean heat flow to the bath of `{}`", names(*i)))],
                Column::EntropyMedium => vec![(Steady::Rate, "mean entropy production of the medium".to_owned())],
                _ => Vec::new(),
            };
            for (what, name) in what {
                let drifts = gathered.series.drifts(observable, what, times);
                let last = gathered.series.moments(times.len() - 1, observable);
                let size = last.mean.abs().max(last.variance().max(0.0).sqrt());
                let size = match what {
                    Steady::Mean => size,
                    Steady::Square => size * size,
                    Steady::Rate => size / (times[1] - times[0]),
                };
                followed.push(Followed { name, drifts, rounding: ROUNDOFFS * unit_roundoff * size });
            }
        }
        followed
    }

    /// Shares of the trajectories in bins, at the start and at the end: for what has no mean, an angle or a state of a network.
    fn followed_in_fields(&self, gathered: &Gathered, span: f64) -> Vec<Followed> {
        let states = match &self.experiment.model {
            Model::Jump(model) => model.states.as_deref(),
            Model::Overdamped(_) | Model::Exchange(_) => None,
        };
        let without_mean = |field: &Field| field.layout().closed || states.is_some();
        let fields = gathered.fields.iter().zip(&self.plan.fields).filter(|(field, _)| without_mean(field));
        fields.flat_map(|(field, grid)| shares(field, &self.plan.coordinates[usize::from(grid.coordinate)].name, states, span)).collect()
    }

    fn correlation_times(&self, gathered: &Gathered, spacing: f64) -> Vec<Estimate> {
        let velocities = self.plan.dynamics.overdamped().and_then(|dynamics| dynamics.inertia.as_ref()).map_or(0, |inertia| inertia.kick.len());
        let positions = self.plan.coordinates.len() - velocities;
        let there = self.plan.coordinates.iter().take(positions).enumerate().filter(|(_, coordinate)| coordinate.boundary.period().is_none());
        let one = |(i, coordinate): (usize, &Coordinate)| {
            let observable = self.plan.series.iter().position(|column| *column == Column::Position(i as u16))?;
            let measured = gathered.series.autocorrelation_time(observable, spacing)?;
            let name = format!("autocorrelation_time.{}", coordinate.name);
            let exact = self.answers.values.get(&name);
            Some(Estimate {
                value: measured.value,
                standard_error: measured.standard_error,
                effective_samples: gathered.scalars.trajectories() as f64,
                exact: exact.map(|(value, _)| *value),
                z: exact.map(|(value, _)| measured.z(*value)),
                unit: "time".to_owned(),
                source: exact.map(|(_, source)| source.clone()),
                bias: None,
                refinement: None,
                name,
            })
        };
        if positions > MOST_CORRELATED { Vec::new() } else { there.filter_map(one).collect() }
    }

    fn alarm(&self, one: &Followed, drift: &Drift, comparisons: usize) -> String {
        let Measured { value, standard_error } = drift.shift;
        let advice = match &self.experiment.model {
            _ if self.relaxed_for > 0.0 => self.longer(drift),
            Model::Overdamped(_) => {
                "the start is exact, so it is the time step that moves it: take a smaller ensemble.dt; `--refine` tells what it does".to_owned()
            }
            Model::Jump(model) if model.leaping.is_some() => {
                "the start is exact, so it is the leaps that move it: take a smaller ensemble.tolerance".to_owned()
            }
            Model::Jump(_) | Model::Exchange(_) => "the start is exact, so this should not be: please report it".to_owned(),
        };
        format!(
            "the run is NOT in a steady state: over the first t = {:.4} the {} is off by {value:+.3e} ± {standard_error:.1e} from where it is in the second half of the run ({:.1} standard errors, the worst of {comparisons} comparisons); {advice}",
            drift.span,
            one.name,
            drift.z(one.rounding).abs()
        )
    }

    /// Which burn-in would do, if what is off decays exponentially: by how much it is smaller in the time that follows tells how fast.
    fn longer(&self, drift: &Drift) -> String {
        let (burn_in, duration) = (self.relaxed_for, self.experiment.protocol.duration);
        let rest = drift.next.map(|next| next.value / drift.shift.value).map(|rest| rest.max(drift.shift.standard_error / drift.shift.value.abs()));
        let time = rest.filter(|rest| *rest < 1.0).map(|rest| drift.span / -rest.ln());
        match time.filter(|time| *time <= 0.5 * duration) {
            Some(time) => {
                let enough = burn_in + time * (drift.z(0.0).abs() / LEFT).ln();
                let unit = 10f64.powf(enough.log10().floor() - 1.0);
                format!("initial.burn_in = {burn_in} was too short; about {} would do", shown((enough / unit).ceil() * unit))
            }
            None => format!(
                "initial.burn_in = {burn_in} was too short, and it does not settle within the run: take more than {}, unless it is free to move on for ever",
                shown(burn_in + duration)
            ),
        }
    }
}

fn state(name: &str) -> Vec<(Steady, String)> {
    vec![(Steady::Mean, format!("mean of `{name}`")), (Steady::Square, format!("mean square of `{name}`"))]
}

/// Groups of bins of one field; a group is one state where there are few.
fn shares(field: &Field, coordinate: &str, states: Option<&[String]>, span: f64) -> Vec<Followed> {
    let layout = field.layout();
    let size = layout.bins.div_ceil(GROUPS);
    let saves = field.saves();
    let one = |first: usize| {
        let last = (first + size).min(layout.bins);
        let seen = |save: usize| field.counts(save)[1 + first..1 + last].iter().sum::<u64>();
        if seen(0) + seen(saves - 1) < FEWEST_IN_GROUP {
            return None;
        }
        let blocks = field.moved_out(1 + first, 1 + last);
        let name = match states {
            Some(states) if size == 1 => format!("probability of the state `{}`", states[first]),
            Some(states) => format!("probability of the states from `{}` to `{}`", states[first], states[last - 1]),
            None => {
                let edge = |bin: usize| layout.lower + bin as f64 * layout.width();
                format!("probability that `{coordinate}` is between {:.3} and {:.3}", edge(first), edge(last))
            }
        };
        Some(Followed { name, drifts: vec![Drift { span, shift: scattered(&blocks), next: None, blocks: blocks.len() }], rounding: 0.0 })
    };
    (0..layout.bins).step_by(size).filter_map(one).collect()
}
