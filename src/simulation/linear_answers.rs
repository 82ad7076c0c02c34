//! What is known exactly about linear dynamics from a Gaussian law: numbers along staircases of its protocol, and their limit of short slices.

use statrs::distribution::{ContinuousCDF, Normal};

use super::answers::{Answers, Question, depends_on_parity};
use super::courses::{BESIDE, Track, numbers as along};
use super::law::Law;
use super::linear_cumulants::{NOTHING, SOURCE};
use super::linear_means::{LinearMeans, linear_means};
use super::linear_path::{Course, LinearPath, dynamics, energy};
use super::surprise::linear_surprise;
use crate::exact::ExactError;
use crate::exact::linear::{Gaussian, LinearDynamics};
use crate::exact::refinement::{Limit, settle_within};
use crate::exact::tilt::Functional;
use crate::plan::{circulation_pairs, protocol_at};
use crate::thermodynamics::theorems::Start;

/// Relative error up to which a value is given, and below which it is rounding.
const RELIABLE: f64 = 1e-4;
const ROUNDING: f64 = 1e-14;
/// A number smaller than this part of the largest of its kind need have no digits of its own.
const SMALL: f64 = 1e-3;

/// Slices of the first of the two staircases that figures follow.
const SLICES_OF_FIGURES: usize = 512;

/// What makes sums Gaussian.
#[derive(Clone, Copy)]
struct Rigid {
    /// Nothing stretches the potential: work is.
    work: bool,
    /// No steady state changes its covariance: `Y` is.
    surprise: bool,
}

impl Question<'_> {
    /// Everything about linear dynamics, overdamped or not.
    pub(super) fn linear(&self, start: &Gaussian) -> Result<Answers, ExactError> {
        let course = self.course();
        // Means may settle where what fluctuates does not.
        let found = match self.limit(start, &course, self.has_cumulants())? {
            None if self.has_cumulants() => self.limit(start, &course, false)?,
            found => found,
        };
        let Some((mut answers, rigid)) = found else { return Ok(self.unsettled()) };
        answers.without_cumulants_of_rounding();
        let more = self.gaussian_sums(rigid, &mut answers);
        answers.values.extend(more);
        self.linear_memory(dynamics(self.system, &protocol_at(self.table, 0)), &mut answers);
        self.unseen_variances(&mut answers)?;
        self.at_the_saves(start, &course, &mut answers)?;
        Ok(answers)
    }

    /// Means and laws at the saves, from two staircases: what both err by is of the fourth power of their slices.
    fn at_the_saves(&self, start: &Gaussian, course: &Course<'_>, answers: &mut Answers) -> Result<(), ExactError> {
        let course = course.cut_at(&self.saves());
        let slices = course.slices(SLICES_OF_FIGURES);
        let coarse = self.followed(start, &course, slices)?;
        let track = self.followed(start, &course, 2 * slices)?.beyond(&coarse);
        self.linear_courses(&track, answers);
        Ok(())
    }

    /// What one staircase of so many slices a piece says at the saves.
    fn followed(&self, start: &Gaussian, course: &Course<'_>, slices: usize) -> Result<Track, ExactError> {
        let path = LinearPath::new(self.system, start, course, slices)?;
        let before = energy(self.system, &path.ends.0)?.mean(start);
        let mut track = Track::new(self.saves());
        linear_means(self.system, &path, &[], &mut |time, means, law| {
            // The protocol just before a move at that very moment.
            let protocol = if time == 0.0 { path.ends.0.clone() } else { self.experiment.protocol_at(time * (1.0 - BESIDE)) };
            let work = energy(self.system, &protocol)?.mean(law) - before + means.heat.iter().sum::<f64>();
            track.see(time, along(work, means.medium, &means.heat, law));
            Ok(())
        })?;
        Ok(track)
    }

    /// The limit of thin slices of what depends on the path; `None` where it is not reached.
    fn limit(&self, start: &Gaussian, course: &Course<'_>, cumulants: bool) -> Result<Option<(Answers, Rigid)>, ExactError> {
        let (fewest, most) = course.fineness(self.system);
        let path = LinearPath::new(self.system, start, course, fewest)?;
        let (mut answers, rigid) = self.of_path(&path, cumulants)?;
        if path.steady {
            answers.values.values_mut().for_each(|(_, source)| *source = format!("{SOURCE}, to rounding"));
            return Ok(Some((answers, rigid)));
        }
        let (dimension, names) = (start.mean().len(), answers.values.keys().cloned().collect::<Vec<String>>());
        let kinds = kinds(dimension, &names);
        let mut first = Some(numbers(&answers, &names));
        let mut rule = |fineness: usize| {
            let again = || Some(numbers(&self.of_path(&LinearPath::new(self.system, start, course, fineness).ok()?, cumulants).ok()?.0, &names));
            first.take().or_else(again)
        };
        let limit = settle_within((fewest, most), &|now, before| change(&kinds, now, before), &mut rule).filter(|limit| limit.error <= RELIABLE);
        let Some(limit) = limit else { return Ok(None) };
        answers.take(dimension, &names, &kinds, &limit)?;
        Ok(Some((answers, rigid)))
    }

    fn unsettled(&self) -> Answers {
        let warning = "no exact values: the protocol jumps or bends too often, or the motion is too fast for its duration, to be followed step by step";
        Answers { warnings: vec![warning.to_owned()], ..Answers::default() }
    }

    /// The protocol of the run, with its values before the first move and after the last.
    fn course(&self) -> Course<'_> {
        let last = self.table.first().map_or(0, |values| values.len() - 1);
        Course::new(self.experiment, self.duration(), (protocol_at(self.table, 0), protocol_at(self.table, last)))
    }

    /// All that depends on the path of the law; variances may be negative, and third cumulants there where nothing varies, by rounding.
    fn of_path(&self, path: &LinearPath, cumulants: bool) -> Result<(Answers, Rigid), ExactError> {
        let pairs = if self.system.is_underdamped() { Vec::new() } else { circulation_pairs(&self.plan.coordinates) };
        let means = linear_means(self.system, path, &pairs, &mut |_, _, _| Ok(()))?;
        let (first, last) = (&path.laws[0], path.last());
        let mut answers = Answers { last: Some(Law::Gaussian(last.clone())), ..Answers::default() };
        if cumulants {
            self.linear_cumulants(path, &mut answers)?;
        }
        let odd = self.system.has_odd_variables();
        if odd {
            // They are followed for even variables.
            answers.values.retain(|name, _| !depends_on_parity(name));
        }
        self.of_means(&means, &pairs, &mut answers);
        let entropy = last.entropy() - first.entropy();
        answers.ledger(means.work, means.heat.iter().sum(), means.medium, Some(entropy), self.duration(), SOURCE);
        let mut rigid = Rigid { work: path.is_rigid() && self.system.has_uniform_drives() && !odd, surprise: false };
        if !odd
            && !self.system.is_underdamped()
            && let Some(surprise) = linear_surprise(self.system, path)
        {
            let housekeeping = if surprise.flowless { 0.0 } else { means.medium - surprise.excess() };
            answers.parts(means.medium, Some(entropy), housekeeping, surprise.moves, SOURCE);
            rigid.surprise = surprise.rigid && self.moves() && self.opening.kind != Start::Other;
        }
        for (i, name) in self.system.names.iter().enumerate() {
            let displacement = last.mean()[i] - first.mean()[i];
            answers.know(format!("displacement.{name}"), displacement, SOURCE);
            answers.know(format!("velocity.{name}"), displacement / self.duration(), SOURCE);
        }
        let mut at_end = Functional::new(last.mean().len());
        at_end.add(&energy(self.system, &path.ends.1)?, last);
        answers.know("energy", at_end.mean, SOURCE);
        answers.know("energy.variance", at_end.variance, SOURCE);
        self.kinetic(last, &mut answers);
        answers.places(&self.system.names, last);
        Ok((answers, rigid))
    }

    /// Heat to each of several baths, and areas.
    fn of_means(&self, means: &LinearMeans, pairs: &[(u16, u16)], answers: &mut Answers) {
        for bath in self.baths.iter().filter(|_| self.baths.len() > 1) {
            let heat: f64 = bath.coordinates.iter().map(|&i| means.heat[i]).sum();
            answers.know(format!("heat.{}", bath.name), heat, SOURCE);
            answers.know(format!("heat_rate.{}", bath.name), heat / self.duration(), SOURCE);
        }
        for (&(i, j), area) in pairs.iter().zip(&means.areas) {
            let name = |i: u16| &self.system.names[usize::from(i)];
            answers.know(format!("circulation.{}.{}", name(i), name(j)), area / self.duration(), SOURCE);
        }
    }

    /// Kinetic energy at the end, of dynamics with inertia.
    fn kinetic(&self, last: &Gaussian, answers: &mut Answers) {
        if !self.system.is_underdamped() {
            return;
        }
        let d = self.system.dimension();
        let square = |v: usize| last.covariance()[(v, v)] + last.mean()[v] * last.mean()[v];
        let temperatures: Vec<f64> = self.system.mass.iter().enumerate().map(|(i, mass)| mass * square(d + i)).collect();
        for (name, temperature) in self.system.names.iter().zip(&temperatures) {
            answers.know(format!("kinetic_temperature.{name}"), *temperature, SOURCE);
        }
        answers.know("kinetic_energy", 0.5 * temperatures.iter().sum::<f64>(), SOURCE);
    }

    /// What follows where sums are Gaussian, with the variances of their exponential averages.
    fn gaussian_sums(&self, rigid: Rigid, answers: &mut Answers) -> Vec<(String, (f64, String))> {
        let mut more = Vec::new();
        let known = |name: &str| answers.values.get(name).cloned();
        if let (true, Some((mean, source)), Some((variance, _))) = (rigid.work, known("work"), known("work.variance").filter(|(v, _)| *v > NOTHING)) {
            let below = Normal::new(mean, variance.sqrt()).map_or(f64::NAN, |law| law.cdf(0.0));
            more.push(("work.negative".to_owned(), (below, source)));
            if let Some(temperature) = self.system.single_temperature() {
                answers.exponential_variances.insert("jarzynski".to_owned(), (variance / (temperature * temperature)).exp_m1());
            }
        }
        if let (true, Some((moves, source)), Some((nonadiabatic, _))) = (rigid.surprise, known("hatano_sasa"), known("entropy_nonadiabatic")) {
            // Gaussian, with ⟨e^−S⟩ = 1: the variance is twice the mean.
            more.push(("hatano_sasa.variance".to_owned(), (2.0 * moves, source)));
            for (theorem, mean) in [("hatano_sasa", moves), ("integral_nonadiabatic", nonadiabatic)] {
                answers.exponential_variances.insert(theorem.to_owned(), (2.0 * mean).exp_m1());
            }
        }
        more
    }

    /// How long coordinates remember, in a steady state.
    fn linear_memory(&self, dynamics: Result<LinearDynamics, ExactError>, answers: &mut Answers) {
        if self.moves() || self.opening.kind == Start::Other {
            return;
        }
        // What is free to move has no such time.
        for (name, time) in self.system.names.iter().zip(dynamics.and_then(|dynamics| dynamics.correlation_times()).unwrap_or_default()) {
            answers.know(format!("autocorrelation_time.{name}"), time, "Gaussian correlation function, to rounding");
        }
    }
}

/// The law at the end, and the values of the names; infinite where one is missing.
fn numbers(answers: &Answers, names: &[String]) -> Vec<f64> {
    let mut numbers = Vec::new();
    if let Some(Law::Gaussian(law)) = &answers.last {
        numbers.extend(law.mean().iter().chain(law.covariance()));
    }
    numbers.extend(names.iter().map(|name| answers.values.get(name).map_or(f64::INFINITY, |(value, _)| *value)));
    numbers
}

/// Which numbers are of one size: means, squares and cubes.
fn kinds(dimension: usize, names: &[String]) -> Vec<usize> {
    let of = |name: &String| match name.as_str() {
        name if name.ends_with(".variance") || name.starts_with("covariance.") => 3,
        name if name.ends_with(".third_cumulant") => 4,
        _ => 2,
    };
    [vec![0; dimension], vec![1; dimension * dimension], names.iter().map(of).collect()].concat()
}

/// The largest number of every kind; means and third cumulants may all be 0 by chance, and are then measured by what fluctuates.
fn sizes(kinds: &[usize], values: &[f64]) -> [f64; 5] {
    let mut sizes = [f64::MIN_POSITIVE; 5];
    for (kind, value) in kinds.iter().zip(values).filter(|(_, value)| value.is_finite()) {
        sizes[*kind] = sizes[*kind].max(value.abs());
    }
    let [place, spread, mean, variance, third] = sizes;
    [place.max(spread.sqrt()), spread, mean.max(variance.sqrt()), variance, third.max(variance.powf(1.5))]
}

/// The largest change, as a part of the number or, where that is small, of the largest of its kind.
fn change(kinds: &[usize], now: &[f64], before: &[f64]) -> f64 {
    let sizes = sizes(kinds, now);
    let moved = |(k, (now, before)): (usize, (&f64, &f64))| if now == before { 0.0 } else { (now - before).abs() / now.abs().max(SMALL * sizes[kinds[k]]) };
    now.iter().zip(before).enumerate().map(moved).map(|moved| if moved.is_nan() { f64::INFINITY } else { moved }).fold(0.0, f64::max)
}

impl Answers {
    /// Takes over limits, with the error of each.
    fn take(&mut self, dimension: usize, names: &[String], kinds: &[usize], limit: &Limit) -> Result<(), ExactError> {
        let (mean, rest) = limit.values.split_at(dimension);
        let (covariance, values) = rest.split_at(dimension * dimension);
        self.last = Some(Law::Gaussian(Gaussian::of_numbers(mean, covariance)?));
        let sizes = sizes(kinds, &limit.values);
        let laws = dimension + dimension * dimension;
        for ((name, value), (kind, error)) in names.iter().zip(values).zip(kinds.iter().zip(&limit.errors).skip(laws)) {
            let (error, nothing) = (error.max(ROUNDING * sizes[*kind]), if name.ends_with(".variance") { 0.0 } else { f64::NEG_INFINITY });
            self.values.insert(name.clone(), (value.max(nothing), format!("{SOURCE}, ±{error:.0e}")));
            self.errors.insert(name.clone(), error);
        }
        Ok(())
    }

    /// Forgets third cumulants of what does not vary.
    fn without_cumulants_of_rounding(&mut self) {
        let flat = |name: &str| self.values.get(&format!("{name}.variance")).is_some_and(|(variance, _)| !(*variance > NOTHING));
        let gone: Vec<String> = self.values.keys().filter(|name| name.strip_suffix(".third_cumulant").is_some_and(flat)).cloned().collect();
        gone.iter().for_each(|name| drop(self.values.remove(name)));
    }
}
