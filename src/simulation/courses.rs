//! What is known at the saves of a run, beside what is known at its end: means, and laws of single coordinates.

use std::collections::BTreeMap;

use statrs::distribution::{ContinuousCDF, Normal};

use super::answers::{Answers, Question, bin_averages};
use crate::density::Density;
use crate::exact::fokker_planck::Snapshot;
use crate::exact::linear::Gaussian;
use crate::statistics::FieldLayout;

/// Just beside a moment, as a part of the run.
pub(super) const BESIDE: f64 = 1e-9;
/// Weight of a density outside of a grid that is rounding.
const UNPLACED: f64 = 1e-6;
/// A relative change of the protocol from just before a moment to just after it that is a jump.
const JUMP: f64 = 1e-6;

/// Law of one coordinate at a moment.
#[derive(Clone, Debug)]
pub(super) enum Marginal {
    Normal {
        mean: f64,
        deviation: f64,
    },
    Density(Density),
    /// Probabilities of 0, 1, 2 …
    Counts(Vec<f64>),
}

impl Marginal {
    /// Averages over the bins of a grid.
    pub(super) fn over(&self, layout: &FieldLayout) -> Vec<f64> {
        let edges: Vec<f64> = (0..=layout.bins).map(|edge| layout.lower + edge as f64 * layout.width()).collect();
        match self {
            Self::Density(density) => bin_averages(density, &edges),
            // A point.
            Self::Normal { mean, deviation: 0.0 } => {
                let bin = layout.bin(*mean).checked_sub(1);
                (0..layout.bins).map(|k| if Some(k) == bin { 1.0 / layout.width() } else { 0.0 }).collect()
            }
            Self::Normal { mean, deviation } => {
                let Ok(law) = Normal::new(*mean, *deviation) else { return vec![f64::NAN; layout.bins] };
                edges.windows(2).map(|pair| (law.cdf(pair[1]) - law.cdf(pair[0])) / (pair[1] - pair[0])).collect()
            }
            Self::Counts(law) => {
                let mut averages = vec![0.0; layout.bins];
                for (count, p) in law.iter().enumerate() {
                    if let Some(sum) = layout.bin(count as f64).checked_sub(1).and_then(|bin| averages.get_mut(bin)) {
                        *sum += p / layout.width();
                    }
                }
                averages
            }
        }
    }

    /// Probability of less than each of several values, in growing order; `None` where there is weight outside of all of them and the law does not say on
    /// which side.
    fn below(&self, edges: &[f64]) -> Option<Vec<f64>> {
        match self {
            Self::Normal { mean, deviation: 0.0 } => Some(edges.iter().map(|edge| f64::from(mean < edge)).collect()),
            Self::Normal { mean, deviation } => Normal::new(*mean, *deviation).ok().map(|law| edges.iter().map(|edge| law.cdf(*edge)).collect()),
            Self::Density(density) => {
                let mut sum = 0.0;
                let parts = edges.windows(2).zip(bin_averages(density, edges)).map(|(pair, average)| (pair[1] - pair[0]) * average);
                let below: Vec<f64> = std::iter::once(0.0)
                    .chain(parts.map(|part| {
                        sum += part;
                        sum
                    }))
                    .collect();
                (sum >= 1.0 - UNPLACED).then_some(below)
            }
            Self::Counts(_) => None,
        }
    }
}

/// Current through the faces of a grid, averaged over a run, by continuity: what was below a face and is not any more has passed it. Where a coordinate
/// comes round its mean displacement says how much went all the way.
pub(super) fn current(layout: &FieldLayout, (first, last): (&Marginal, &Marginal), duration: f64, displacement: Option<f64>) -> Option<Vec<f64>> {
    let edges: Vec<f64> = (0..=layout.bins).map(|edge| layout.lower + edge as f64 * layout.width()).collect();
    let mut passed: Vec<f64> = first.below(&edges)?.iter().zip(last.below(&edges)?).map(|(before, after)| before - after).collect();
    if layout.closed {
        passed.pop();
        let round = displacement? / (layout.upper - layout.lower) - passed.iter().sum::<f64>() / layout.bins as f64;
        passed.iter_mut().for_each(|passed| *passed += round);
    }
    Some(passed.into_iter().map(|passed| passed / duration).collect())
}

/// What is known at every save.
#[derive(Default)]
pub(super) struct Courses {
    /// Means, by name of the series; NaN where one is not known.
    pub(super) means: BTreeMap<String, Vec<f64>>,
    /// Laws `[coordinate][save]`; nothing of coordinates whose laws are not known.
    pub(super) laws: Vec<Vec<Marginal>>,
    /// What the states of a network pay per time, `[save][state]`, with the name of its series.
    pub(super) rates: Vec<(String, Vec<Vec<f64>>)>,
}

/// Numbers known at the ends of slices of time; on straight lines in between.
pub(super) struct Track {
    times: Vec<f64>,
    before: Option<(f64, Vec<f64>)>,
    rows: Vec<Vec<f64>>,
}

impl Track {
    pub(super) fn new(times: Vec<f64>) -> Self {
        Self { times, before: None, rows: Vec::new() }
    }

    /// Takes numbers at a time, not before those seen so far.
    pub(super) fn see(&mut self, time: f64, now: Vec<f64>) {
        let reached = time + BESIDE * time.abs();
        while let Some(wanted) = self.times.get(self.rows.len()).copied().filter(|wanted| *wanted <= reached) {
            let row = match &self.before {
                Some((then, before)) if time > *then => {
                    let share = ((wanted - then) / (time - then)).clamp(0.0, 1.0);
                    before.iter().zip(&now).map(|(a, b)| a + share * (b - a)).collect()
                }
                _ => now.clone(),
            };
            self.rows.push(row);
        }
        self.before = Some((time, now));
    }

    /// The limit of numbers that err by the square of the slices, from these and from those of slices twice as long (Richardson).
    pub(super) fn beyond(mut self, coarse: &Track) -> Self {
        for (row, coarse) in self.rows.iter_mut().zip(&coarse.rows) {
            row.iter_mut().zip(coarse).for_each(|(fine, coarse)| *fine += (*fine - coarse) / 3.0);
        }
        self
    }

    fn column(&self, k: usize) -> Vec<f64> {
        self.rows.iter().map(|row| row[k]).collect()
    }
}

/// What a [`Track`] of linear dynamics holds: work, medium entropy, heats, then mean and variance of everything that the law is of.
pub(super) fn numbers(work: f64, medium: f64, heat: &[f64], law: &Gaussian) -> Vec<f64> {
    let mean = law.mean().iter().copied();
    let variance = (0..law.mean().len()).map(|i| law.covariance()[(i, i)]);
    [work, medium].into_iter().chain(heat.iter().copied()).chain(mean).chain(variance).collect()
}

impl Question<'_> {
    /// Times of the saves.
    pub(super) fn saves(&self) -> Vec<f64> {
        let schedule = self.plan.schedule;
        (0..schedule.saves() as u64).map(|save| schedule.time(save * schedule.save_every)).collect()
    }

    /// The means and laws of linear dynamics, from the [`numbers`] along its way.
    pub(super) fn linear_courses(&self, track: &Track, answers: &mut Answers) {
        let (state, heats) = (self.plan.coordinates.len(), self.system.dimension());
        if track.rows.len() != track.times.len() || track.rows.iter().any(|row| row.len() != 2 + heats + 2 * state) {
            return;
        }
        if !self.system.has_odd_variables() {
            self.ledgers_in_time(&track.times, track.column(0), track.column(1), answers);
            for (i, name) in self.system.names.iter().enumerate() {
                let name = if state == 1 { "heat".to_owned() } else { format!("heat.{name}") };
                answers.courses.means.insert(name, track.column(2 + i));
            }
        }
        for (i, coordinate) in self.plan.coordinates.iter().enumerate() {
            let (mean, variance) = (track.column(2 + heats + i), track.column(2 + heats + state + i));
            let law = |(mean, variance): (&f64, &f64)| Marginal::Normal { mean: *mean, deviation: variance.sqrt() };
            // A coordinate that comes round has a wrapped law.
            let laws = if coordinate.boundary.ends().is_none() { mean.iter().zip(&variance).map(law).collect() } else { Vec::new() };
            answers.courses.laws.push(laws);
            answers.courses.means.insert(format!("position.{}", coordinate.name), mean);
        }
    }

    /// The means of one coordinate, from what the Fokker–Planck equation says at the saves.
    pub(super) fn courses_of_one(&self, snapshots: &[Snapshot], answers: &mut Answers) {
        let column = |of: &dyn Fn(&Snapshot) -> f64| snapshots.iter().map(of).collect::<Vec<f64>>();
        let times = column(&|s| s.time);
        self.ledgers_in_time(&times, column(&|s| s.work().value), column(&|s| s.entropy_medium.value), answers);
        answers.courses.means.insert("heat".to_owned(), column(&|s| s.heat.value));
        if let Some(start) = snapshots.first().map(|first| first.density.mean_of(&|x| x)) {
            answers.courses.means.insert(format!("position.{}", self.system.names[0]), column(&|s| start + s.displacement.value));
        }
        answers.courses.laws = vec![snapshots.iter().map(|s| Marginal::Density(s.density.clone())).collect()];
    }

    /// Work and medium entropy. The work of a move at the very moment of a save belongs to either side of it, and is not given there; the end is known.
    fn ledgers_in_time(&self, times: &[f64], mut work: Vec<f64>, medium: Vec<f64>, answers: &mut Answers) {
        let beside = BESIDE * self.duration();
        for (work, time) in work.iter_mut().zip(times) {
            let (before, after) = (self.experiment.protocol_at(time - beside), self.experiment.protocol_at(time + beside));
            if before.iter().zip(&after).any(|(a, b)| (a - b).abs() > JUMP * (1.0 + a.abs())) {
                *work = f64::NAN;
            }
        }
        if let (Some(last), Some((end, _))) = (work.last_mut(), answers.values.get("work")) {
            *last = *end;
        }
        answers.courses.means.insert("work".to_owned(), work);
        if self.baths.len() == 1 {
            answers.courses.means.insert("entropy_medium_path".to_owned(), medium.clone());
        }
        answers.courses.means.insert("entropy_medium".to_owned(), medium);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_is_straight_between_what_it_saw_and_ends_with_it() {
        let mut track = Track::new(vec![0.0, 0.25, 0.5, 1.0]);
        for time in [0.0, 0.5, 1.0] {
            track.see(time, vec![4.0 * time, time * time]);
        }
        assert_eq!(track.column(0), [0.0, 1.0, 2.0, 4.0]);
        assert_eq!(track.column(1), [0.0, 0.125, 0.25, 1.0]);
    }

    #[test]
    fn what_leaves_one_place_for_another_passes_the_faces_between_them() {
        let layout = FieldLayout { lower: 0.0, upper: 4.0, bins: 4, closed: false };
        let at = |mean: f64| Marginal::Normal { mean, deviation: 0.0 };
        assert_eq!(current(&layout, (&at(0.5), &at(2.5)), 2.0, None), Some(vec![0.0, 0.5, 0.5, 0.0, 0.0]));
        assert_eq!(current(&layout, (&at(2.5), &at(0.5)), 2.0, None), Some(vec![0.0, -0.5, -0.5, 0.0, 0.0]));
        let ring = FieldLayout { closed: true, ..layout };
        // By 2, or by 2 less a whole turn of 4.
        assert_eq!(current(&ring, (&at(0.5), &at(2.5)), 1.0, Some(2.0)), Some(vec![0.0, 1.0, 1.0, 0.0]));
        assert_eq!(current(&ring, (&at(0.5), &at(2.5)), 1.0, Some(-2.0)), Some(vec![-1.0, 0.0, 0.0, -1.0]));
        assert_eq!(current(&ring, (&at(0.5), &at(2.5)), 1.0, None), None);
    }

    #[test]
    fn laws_fill_their_bins_and_no_others() {
        let layout = FieldLayout { lower: -0.5, upper: 3.5, bins: 4, closed: false };
        assert_eq!(Marginal::Counts(vec![0.1, 0.2, 0.3, 0.0, 0.4]).over(&layout), [0.1, 0.2, 0.3, 0.0]);
        let wide = FieldLayout { lower: -0.5, upper: 3.5, bins: 2, closed: false };
        assert_eq!(Marginal::Counts(vec![0.1, 0.3, 0.6]).over(&wide), [0.2, 0.3]);
        let normal = Marginal::Normal { mean: 1.5, deviation: 0.3 }.over(&layout);
        assert_eq!(Marginal::Normal { mean: 1.2, deviation: 0.0 }.over(&wide), [0.5, 0.0]);
        assert!((normal.iter().sum::<f64>() - 1.0).abs() < 1e-9 && (normal[1] - normal[2]).abs() < 1e-12 && normal[0] < 0.01, "{normal:?}");
    }
}
