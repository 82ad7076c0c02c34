//! How a rod starts.

use super::super::{SimulationError, pilot};
use crate::exact::exchange::{Moments, Rod, Stretch};
use crate::experiment::exchange::ExchangeModel;
use crate::experiment::{Experiment, InitialLaw};
use crate::plan::{InitialState, Plan, temperatures};
use crate::thermodynamics::theorems::Start;

/// Cells up to which second moments are solved for.
const MOST_SECOND: usize = 48;
/// Relaxation times of the slowest mode before measuring, where the user says nothing: the start has the exact means already.
const RELAXATION_TIMES: f64 = 8.0;
/// Relative difference of a second moment from that of the steady state above which the start is not called steady.
const RELAXED: f64 = 1e-4;

/// The start of an ensemble.
pub(super) struct Opening {
    /// What trajectories are drawn from.
    pub(super) initial: InitialState,
    /// Steps before measuring starts.
    pub(super) relaxation_steps: u64,
    /// Moments when measuring starts.
    pub(super) moments: Moments,
    pub(super) kind: Start,
    /// In words.
    pub(super) description: String,
    /// How far second moments are from those of the steady state when measuring starts, where that is known.
    distance: Option<f64>,
}

impl Opening {
    fn at_once(initial: InitialState, moments: Moments, kind: Start, description: &str) -> Self {
        Self { initial, relaxation_steps: 0, moments, kind, description: description.to_owned(), distance: Some(0.0) }
    }

    fn exponential(mean: Vec<f64>, kind: Start, description: &str) -> Self {
        let moments = moments(&mean, 1.0);
        Self::at_once(InitialState::Exponential { mean }, moments, kind, description)
    }

    /// What must be said of a start that was relaxed.
    pub(super) fn warning(&self, plan: &Plan) -> Result<Option<String>, SimulationError> {
        match self.distance {
            _ if self.relaxation_steps == 0 => Ok(None),
            Some(distance) if distance <= RELAXED => Ok(None),
            Some(distance) => Ok(Some(format!(
                "the start is NOT relaxed: a second moment of the energies is still {distance:.1e} of its value away from the steady state; set initial.burn_in to more"
            ))),
            None => pilot::relaxation_report(plan),
        }
    }
}

fn moments(means: &[f64], spread: f64) -> Moments {
    if means.len() <= MOST_SECOND { Moments::of(means, spread) } else { Moments::of_means(means) }
}

/// The start that the file asks for, at the temperatures before anything moves.
pub(super) fn opening(experiment: &Experiment, model: &ExchangeModel, rod: &Rod) -> Result<Opening, SimulationError> {
    let both = temperatures(experiment, model, &experiment.protocol_at(0.0));
    let there: Vec<f64> = (0..2).filter(|&end| model.temperature[end].is_some()).map(|end| both[end]).collect();
    let common = there.first().copied().filter(|first| there.iter().all(|t| t == first));
    match &experiment.initial.law {
        InitialLaw::Point(point) => {
            Ok(Opening::at_once(InitialState::Point(point.clone()), moments(point, 0.0), Start::Other, "the energies given in the file"))
        }
        InitialLaw::Exponential(mean) => {
            let balanced = common.is_some_and(|common| mean.iter().all(|mean| *mean == common));
            let (kind, words) = if balanced {
                (Start::Equilibrium, "equilibrium, exact")
            } else {
                (Start::Other, "independent exponential energies of the means given in the file")
            };
            Ok(Opening::exponential(mean.clone(), kind, words))
        }
        InitialLaw::Equilibrium => match common {
            Some(temperature) => Ok(Opening::exponential(vec![temperature; rod.cells()], Start::Equilibrium, "equilibrium, exact")),
            None => Err(SimulationError::Start(
                "the baths differ, so there is no equilibrium; give `initial.temperature`, or use distribution = \"steady-state\"".to_owned(),
            )),
        },
        InitialLaw::SteadyState => match (common, experiment.initial.burn_in) {
            (Some(temperature), None) => Ok(Opening::exponential(vec![temperature; rod.cells()], Start::Equilibrium, "equilibrium, exact")),
            (_, burn_in) => relaxed(experiment, rod, both.map(|t| if t > 0.0 { t } else { 1.0 }), common.is_some(), burn_in),
        },
        _ => Err(SimulationError::Start("a rod starts at a point, from a profile, in equilibrium or in the steady state".to_owned())),
    }
}

/// Relaxation from independent exponential energies that have the exact means of the steady state.
fn relaxed(experiment: &Experiment, rod: &Rod, both: [f64; 2], balanced: bool, burn_in: Option<f64>) -> Result<Opening, SimulationError> {
    let mean = rod.steady_means(both)?;
    let time = burn_in.unwrap_or(RELAXATION_TIMES / rod.relaxation_rate());
    let relaxation_steps = (time / experiment.ensemble.dt).ceil().max(1.0) as u64;
    let duration = relaxation_steps as f64 * experiment.ensemble.dt;
    let mut start = moments(&mean, 1.0);
    rod.evolve(&mut start, &[Stretch { duration, from: both, to: both }]);
    let distance = if rod.cells() <= MOST_SECOND { Some(distance(rod, both, &mean, &start)?) } else { None };
    Ok(Opening {
        initial: InitialState::Exponential { mean },
        relaxation_steps,
        moments: start.restarted(),
        kind: if balanced { Start::Equilibrium } else { Start::SteadyState },
        description: format!("steady state, from independent energies of the exact means relaxed for t = {duration:.6}"),
        distance,
    })
}

/// The largest relative difference of a second moment from that of the steady state.
fn distance(rod: &Rod, both: [f64; 2], mean: &[f64], start: &Moments) -> Result<f64, SimulationError> {
    let steady = rod.steady_second(both)?;
    let n = rod.cells();
    let one = |(i, j): (usize, usize)| {
        let found = start.covariance(i, j).map_or(f64::NAN, |covariance| covariance + mean[i] * mean[j]);
        (found / steady[(i, j)] - 1.0).abs()
    };
    Ok((0..n).flat_map(|i| (i..n).map(move |j| (i, j))).map(one).fold(0.0, f64::max))
}
