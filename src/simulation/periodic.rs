//! The law that a periodic protocol brings back after every period.

use nalgebra::{DMatrix, DVector};

use super::SimulationError;
use super::answers::{SolverSize, evolve_one_coordinate};
use super::law::Law;
use super::linear_means::linear_means;
use super::linear_path::{Course, dynamics};
use super::start::steady_law;
use crate::exact::fokker_planck::Start;
use crate::exact::linear::Gaussian;
use crate::experiment::Experiment;
use crate::model::System;

/// Most periods before it must have settled.
const MOST_PERIODS: usize = 400;
/// Change over a period, relative to the largest value, that counts as none.
const SETTLED: f64 = 1e-7;
/// Size of the solver for one period.
const SIZE: SolverSize = SolverSize { cells: 512, time_steps: 256, variances: false };

/// The law at the start of a period, and a word on it.
pub(super) fn periodic_law(experiment: &Experiment, system: &System, period: f64) -> Result<(Law, String), SimulationError> {
    check_period(experiment, period)?;
    let (law, change, periods) = if system.is_linear() {
        gaussian(experiment, system, period)?
    } else if system.dimension() == 1 {
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

fn gaussian(experiment: &Experiment, system: &System, period: f64) -> Result<(Law, f64, usize), SimulationError> {
    let d = system.dimension();
    let dt = experiment.ensemble.dt;
    // As continuous as the protocol that exact values follow.
    let first = experiment.protocol_at(0.0);
    let course = |duration: f64| Course { experiment, duration, steps: (duration / dt).round() as u64, parts: 1, ends: (first.clone(), first.clone()) };
    let (whole, part) = (course(experiment.protocol.duration), course(period));
    let slices = part.steps * (whole.slices(dynamics(system, &first)?.drift.norm()) / whole.steps).max(1);
    let mut table = part.table(slices);
    // The move behind the last slice is the first one of the next period.
    table.iter_mut().for_each(|values| values.truncate(slices as usize + 1));
    let mut law = match steady_law(system, &experiment.protocol_at(0.0)) {
        Ok(Some((Law::Gaussian(law), _))) => law,
        _ => Gaussian::new(DVector::zeros(d), DMatrix::identity(d, d))?,
    };
    let mut change = f64::INFINITY;
    for turn in 1..=MOST_PERIODS {
        let next = linear_means(system, &law, &table, (slices as usize, period / slices as f64), &[], &mut |_, _| ())?.last;
        let size = next.covariance().amax();
        change = ((next.covariance() - law.covariance()).amax() / size).max((next.mean() - law.mean()).amax() / size.sqrt());
        law = next;
        if change <= 1e-12 {
            return Ok((Law::Gaussian(law), change, turn));
        }
    }
    Ok((Law::Gaussian(law), change, MOST_PERIODS))
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
