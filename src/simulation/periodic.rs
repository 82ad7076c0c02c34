//! The law that a periodic protocol brings back after every period.

use nalgebra::{DMatrix, DVector};

use super::SimulationError;
use super::answers::{SolverSize, evolve_one_coordinate};
use super::law::Law;
use super::linear_path::{Course, dynamics};
use super::start::steady_law;
use crate::exact::ExactError;
use crate::exact::fokker_planck::Start;
use crate::exact::linear::Gaussian;
use crate::exact::refinement::settle_within;
use crate::experiment::Experiment;
use crate::model::System;

/// Most periods before it must have settled.
const MOST_PERIODS: usize = 400;
/// Change over a period, relative to the largest value, that counts as none.
const SETTLED: f64 = 1e-7;
/// Doublings of a period after which it must have.
const DOUBLINGS: u32 = 40;
/// Size of the solver for one period.
const SIZE: SolverSize = SolverSize { cells: 512, time_steps: 256, variances: false };

/// The law at the start of a period, and a word on it.
pub(super) fn periodic_law(experiment: &Experiment, system: &System, period: f64) -> Result<(Law, String), SimulationError> {
    check_period(experiment, period)?;
    if system.is_linear() {
        return gaussian(experiment, system, period);
    }
    let (law, change, periods) = if system.dimension() == 1 {
        tabulated(experiment, system, period)?
    } else {
        return Err(SimulationError::Start(
            "the periodic law of several coordinates that are not harmonic has no numerical form here; start from a point and let the first periods pass"
                .to_owned(),
        ));
    };
    if change > SETTLED {
        return Err(SimulationError::Start(format!(
            "no periodic law was found: after {MOST_PERIODS} periods of {period} the law still changes by {change:.0e} in a period; is the coordinate confined?"
        )));
    }
    Ok((law, format!("periodic steady state, settled to {change:.0e} after {periods} periods of {period}")))
}

fn check_period(experiment: &Experiment, period: f64) -> Result<(), SimulationError> {
    const MOMENTS: u32 = 257;
    let (duration, dt) = (experiment.protocol.duration, experiment.ensemble.dt);
    let steps = period / dt;
    if (steps - steps.round()).abs() > 1e-6 || steps.round() < 1.0 {
        return Err(SimulationError::Start(format!("initial.period = {period} is no whole number of steps of ensemble.dt = {dt}; change one of them")));
    }
    if period > duration * (1.0 + 1e-9) {
        return Err(SimulationError::Start(format!("initial.period = {period} is longer than the run, {duration}; run at least one period")));
    }
    // Between steps, so that jumps on the step grid lie on no moment.
    let moments = (0..MOMENTS).map(|moment| (f64::from(moment) / f64::from(MOMENTS) * (duration - period) / dt).floor() * dt + 0.37 * dt);
    for time in moments.filter(|time| time + period < duration) {
        let (now, later) = (experiment.protocol_at(time), experiment.protocol_at(time + period));
        let differs = now.iter().zip(&later).any(|(a, b)| !((a - b).abs() <= 1e-9 * (1.0 + a.abs())));
        if differs {
            return Err(SimulationError::Start(format!(
                "the protocol does not have the period {period}: it differs at t = {time:.6} and t = {:.6}",
                time + period
            )));
        }
    }
    Ok(())
}

/// The Gaussian law that a period brings back: the fixed point of the exact steps along it, by steps of twice, four times … the length.
fn gaussian(experiment: &Experiment, system: &System, period: f64) -> Result<(Law, String), SimulationError> {
    let d = system.state_dimension();
    let first = experiment.protocol_at(0.0);
    let course = Course::new(experiment, period, (first.clone(), first));
    let once = |fineness: usize| -> Result<Option<Vec<f64>>, ExactError> {
        let (mut propagator, mut offset, mut covariance) = (DMatrix::identity(d, d), DVector::zeros(d), DMatrix::zeros(d, d));
        for stair in course.staircase(system, fineness)? {
            let step = dynamics(system, &stair.protocol)?.step(stair.length)?;
            covariance = &step.propagator * covariance * step.propagator.transpose() + &step.covariance;
            offset = &step.propagator * offset + &step.offset;
            propagator = &step.propagator * propagator;
        }
        for _ in 0..DOUBLINGS {
            covariance = &covariance + &propagator * &covariance * propagator.transpose();
            offset = &offset + &propagator * &offset;
            propagator = &propagator * &propagator;
            if propagator.norm() <= f64::EPSILON {
                return Ok(Some(offset.iter().chain(&covariance).copied().collect()));
            }
        }
        Ok(None)
    };
    let fineness = course.fineness(system);
    let unconfined =
        || SimulationError::Start(format!("no periodic law was found: the law is not brought back by a period of {period}; is the coordinate confined?"));
    let mut found = Some(once(fineness.0)?.ok_or_else(unconfined)?);
    let size = |numbers: &[f64]| numbers.iter().fold(f64::MIN_POSITIVE, |size, number| size.max(number.abs()));
    let change = |now: &[f64], before: &[f64]| now.iter().zip(before).map(|(now, before)| (now - before).abs()).fold(0.0, f64::max) / size(now);
    let limit = settle_within(fineness, &change, &mut |fineness| found.take().or_else(|| once(fineness).ok()?)).filter(|limit| limit.error <= SETTLED);
    let limit = limit.ok_or_else(unconfined)?;
    let law = Gaussian::of_numbers(&limit.values[..d], &limit.values[d..])?;
    Ok((Law::Gaussian(law), format!("periodic steady state, exact Gaussian, ±{:.0e}", limit.error.max(1e-14))))
}

fn tabulated(experiment: &Experiment, system: &System, period: f64) -> Result<(Law, f64, usize), SimulationError> {
    let mut law = match steady_law(system, &experiment.protocol_at(0.25 * period)) {
        Ok(Some((law, _))) => law,
        _ => match steady_law(system, &experiment.protocol_at(0.0))? {
            Some((law, _)) => law,
            None => return Err(SimulationError::Start("a periodic start needs a coordinate that is confined at t = 0".to_owned())),
        },
    };
    let mut change = f64::INFINITY;
    for turn in 1..=MOST_PERIODS {
        let logarithm = |x: f64| law.ln_pdf(&[x]);
        let range = system.boundaries[0].ends().unwrap_or_else(|| match &law {
            Law::Density(density) => (density.lower(), density.upper()),
            _ => (-1.0, 1.0),
        });
        let (snapshots, _) = evolve_one_coordinate(experiment, system, Start::LogDensity(&logarithm), &[period], range, SIZE)?;
        let Some(last) = snapshots.into_iter().last() else { break };
        let (density, nodes) = (last.density, 400);
        let largest = density.values().iter().fold(0.0, |largest: f64, value| largest.max(*value));
        let (lower, upper) = (density.lower(), density.upper());
        let places = (0..=nodes).map(|i| lower + (upper - lower) * f64::from(i) / f64::from(nodes));
        change = places.map(|x| (density.pdf(x) - law.ln_pdf(&[x]).exp()).abs() / largest).fold(0.0, f64::max);
        law = Law::Density(density);
        if change <= SETTLED {
            return Ok((law, change, turn));
        }
    }
    Ok((law, change, MOST_PERIODS))
}
