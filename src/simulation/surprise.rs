//! The surprise `φ = −ln p_ss` along the protocol of a Langevin run: what housekeeping, excess and Hatano–Sasa need.

use std::sync::Arc;

use nalgebra::{DMatrix, DVector};

use super::SimulationError;
use super::langevin::Ends;
use super::linear_path::LinearPath;
use super::start::{Opening, effective_range, equilibrium};
use super::surprise_plane::PlaneAlong;
use super::surprise_table::{HEIGHT, Rows};
use crate::coordinate::Boundary;
use crate::exact::ExactError;
use crate::exact::linear::{Gaussian, LinearDynamics};
use crate::exact::surprise::Surprise;
use crate::experiment::Experiment;
use crate::model::System;
use crate::plan::{InitialState, QuadraticMove, SurpriseAlong, protocol_at};
use crate::surface::Surface;
use crate::thermodynamics::theorems::{self, Start};

/// Cells of a grid that is tried first, and most that are tried.
const FEWEST_CELLS: usize = 64;
const MOST_CELLS: usize = 2048;
/// Largest error of the interpolation in a coordinate, in nats: far below what trajectories can tell.
const SMOOTH: f64 = 1e-6;
/// Standard deviations of a Gaussian start that a grid covers.
const REACH: f64 = 8.0;

/// Why there is no table that takes seconds.
pub(super) const NOT_ASKED_FOR: &str = "housekeeping, excess and Hatano and Sasa's sum of two coordinates take a table along the protocol, which is made where a theorem about them or a value of [exact] asks for it";

/// A function of the state.
pub(super) type StateSurprise = Arc<dyn Fn(&[f64]) -> f64 + Send + Sync>;

/// How the sum over the protocol's moves is known.
#[derive(Clone)]
pub(super) enum Moves {
    /// The protocol does not move.
    None,
    /// Equilibrium at every value: `Y = (W − ΔF)/T`, with `1/T` and `ΔF`.
    Work(f64, f64),
    /// The kernel sums all moves but the one after the last step.
    Summed(Option<StateSurprise>),
}

/// `φ` at both ends of the protocol, up to a common constant, and the moves in between.
#[derive(Clone)]
pub(super) struct SteadyStates {
    pub(super) first: StateSurprise,
    pub(super) last: StateSurprise,
    pub(super) moves: Moves,
    /// For the kernel.
    pub(super) along: Option<Arc<SurpriseAlong>>,
    /// Of two coordinates.
    pub(super) plane: Option<Arc<PlaneAlong>>,
    /// True where no current flows in any of them. With `ν = j/p = 0` every term of `Δs_hk = Σ (γ/T) ν ∘ dx` is 0, at any time step; and `−∂φ` is what the medium
    /// gains by a move, `F/T − a ∂ ln D`, so that `−∂φ ∘ dx` is the same sum as that of the medium: all of it is excess. `Y − Δφ` would differ from it by
    /// the error of the time step, which is that of the first law and not a cost of keeping anything up.
    pub(super) flowless: bool,
}

/// The steady states along a protocol, or why they are not known.
pub(super) fn steady_states(experiment: &Experiment, system: &Arc<System>, table: &[Vec<f64>], opening: &Opening, ends: &Ends) -> Result<SteadyStates, String> {
    let steps = experiment.steps as usize;
    if let Some(reason) = system.unstated_parity() {
        return Err(reason);
    }
    if let Some(odd) = system.odd_variables() {
        return Err(format!("housekeeping and excess are split here for even variables only: {odd} odd under time reversal and need a split in three"));
    }
    let moves = table.iter().any(|values| values.iter().any(|value| *value != values[0]));
    let found = if let Some(temperature) = system.single_temperature().filter(|_| !system.is_driven()) {
        conservative(system, ends, temperature, moves, opening.kind)
    } else if system.is_linear() {
        linear(system, table, ends, steps, moves)
    } else if system.dimension() == 1 {
        one_coordinate(system, table, ends, steps, moves, &opening.initial)
    } else if let (Some(steady), false) = (&opening.grid, moves) {
        Ok(on_a_plane(&steady.law))
    } else if system.dimension() == 2 {
        if moves && !asks_for_steady_states(experiment) {
            return Err(NOT_ASKED_FOR.to_owned());
        }
        two_coordinates(experiment, system, table, opening, ends)
    } else {
        return Err("the steady state of several coordinates that are neither harmonic nor in equilibrium is not known here".to_owned());
    };
    found.map_err(|error| format!("there is no steady state at every value of the protocol, or it is not known: {error}"))
}

/// Whether a theorem or a closed form is about the steady states along the protocol.
fn asks_for_steady_states(experiment: &Experiment) -> bool {
    let closed_forms = experiment.exact.iter().map(|formula| formula.name.split('.').next().unwrap_or_default());
    theorems::need_steady_states(&experiment.measure.theorems) || closed_forms.into_iter().any(theorems::of_steady_states)
}

/// Equilibrium of the potential at every value.
fn conservative(system: &Arc<System>, ends: &Ends, temperature: f64, moves: bool, start: Start) -> Result<SteadyStates, SimulationError> {
    let energy = |protocol: &[f64], shift: f64| -> StateSurprise {
        let (system, protocol) = (Arc::clone(system), protocol.to_vec());
        Arc::new(move |x: &[f64]| (system.potential(x, &protocol) - shift) / temperature)
    };
    let (first, last) = (equilibrium(system, &ends.first)?, equilibrium(system, &ends.last)?);
    let difference = match (first, last) {
        (Some(first), Some(last)) => last.free_energy - first.free_energy,
        _ if moves => {
            let reason = "the free energy of more than two coordinates that are not harmonic is not known here; hold the protocol constant";
            return Err(SimulationError::Start(reason.to_owned()));
        }
        _ if start == Start::Other && system.boundaries.contains(&Boundary::Open) => {
            let reason = "whether the potential confines several coordinates that are not harmonic is not known here; start in equilibrium";
            return Err(SimulationError::Start(reason.to_owned()));
        }
        _ => 0.0,
    };
    let along = if moves { Moves::Work(1.0 / temperature, difference) } else { Moves::None };
    Ok(SteadyStates { first: energy(&ends.first, 0.0), last: energy(&ends.last, difference), moves: along, along: None, plane: None, flowless: true })
}

/// The steady state of two coordinates, which stays.
fn on_a_plane(law: &Surface) -> SteadyStates {
    let law = law.clone();
    let surprise: StateSurprise = Arc::new(move |x: &[f64]| -law.ln_pdf([x[0], x[1]]));
    SteadyStates { first: Arc::clone(&surprise), last: surprise, moves: Moves::None, along: None, plane: None, flowless: false }
}

/// Gaussian steady states.
fn linear(system: &Arc<System>, table: &[Vec<f64>], ends: &Ends, steps: usize, moves: bool) -> Result<SteadyStates, SimulationError> {
    let mut family = GaussianFamily::new(system);
    let (first, last) = (gaussian_surprise(&mut family, &ends.first)?, gaussian_surprise(&mut family, &ends.last)?);
    let mut before = family.at(&protocol_at(table, 0))?;
    let mut flowless = !before.flows();
    if !moves {
        return Ok(SteadyStates { first, last, moves: Moves::None, along: None, plane: None, flowless });
    }
    let mut quadratic = Vec::with_capacity(steps);
    for n in 1..=steps {
        let after = family.at(&protocol_at(table, n))?;
        quadratic.push(before.move_to(&after));
        flowless &= !after.flows();
        before = after;
    }
    flowless &= !family.at(&ends.last)?.flows();
    let last_step = gaussian_surprise(&mut family, &ends.last_step)?;
    let end = (ends.last != ends.last_step).then(|| difference(&last, &last_step));
    Ok(SteadyStates { first, last, moves: Moves::Summed(end), along: Some(Arc::new(SurpriseAlong::Quadratic(quadratic))), plane: None, flowless })
}

fn gaussian_surprise(family: &mut GaussianFamily<'_>, protocol: &[f64]) -> Result<StateSurprise, SimulationError> {
    let law = family.at(protocol)?;
    let law = Gaussian::new(law.mean, law.covariance)?;
    Ok(Arc::new(move |x: &[f64]| -law.ln_pdf(x)))
}

/// Two coordinates that are neither harmonic nor in equilibrium: a table.
fn two_coordinates(experiment: &Experiment, system: &System, table: &[Vec<f64>], opening: &Opening, ends: &Ends) -> Result<SteadyStates, SimulationError> {
    let plane = PlaneAlong::new(experiment, system, table, &opening.initial)?;
    let (duration, dt, steps) = (experiment.protocol.duration, experiment.ensemble.dt, experiment.steps as usize);
    let at = |time: f64, values: &[f64]| -> StateSurprise {
        let spline = plane.spline(time, values);
        Arc::new(move |x: &[f64]| spline.at([x[0], x[1]]))
    };
    let (first, last) = (at(0.0, &ends.first), at(duration, &ends.last));
    if table.iter().all(|values| values.iter().all(|value| *value == values[0])) {
        return Ok(SteadyStates { first, last, moves: Moves::None, along: None, plane: Some(Arc::new(plane)), flowless: false });
    }
    let time = |entry: usize| ((entry as f64 - 0.5) * dt).clamp(0.0, duration);
    let shape = &mut |entry: usize| Ok::<_, SimulationError>(plane.coefficients(time(entry), &protocol_at(table, entry)));
    let rows = Rows::along(table, steps, shape)?;
    let ranges = plane.axes.map(|axis| (axis.lower, axis.upper));
    let along = SurpriseAlong::Plane { ranges, cells: [plane.cells as u32; 2], coefficients: rows.numbers, places: rows.places };
    let end = (ends.last != ends.last_step).then(|| difference(&last, &at(time(steps), &ends.last_step)));
    Ok(SteadyStates { first, last, moves: Moves::Summed(end), along: Some(Arc::new(along)), plane: Some(Arc::new(plane)), flowless: false })
}

fn difference(after: &StateSurprise, before: &StateSurprise) -> StateSurprise {
    let (after, before) = (Arc::clone(after), Arc::clone(before));
    Arc::new(move |x: &[f64]| after(x) - before(x))
}

/// Friction and temperature of every coordinate of a linear system, which no place changes.
fn baths(system: &System, protocol: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let d = system.dimension();
    let origin = vec![0.0; d];
    ((0..d).map(|i| system.friction_at(i, &origin, protocol)).collect(), (0..d).map(|i| system.temperature_at(i, &origin, protocol)).collect())
}

/// Gaussian steady states of a linear system, each made of the last one where only the mean differs.
struct GaussianFamily<'a> {
    system: &'a System,
    known: Option<GaussianState>,
}

/// A Gaussian steady state.
#[derive(Clone)]
struct GaussianState {
    mean: DVector<f64>,
    stiffness: DMatrix<f64>,
    temperature: Vec<f64>,
    covariance: DMatrix<f64>,
    inverse: DMatrix<f64>,
    half_ln_determinant: f64,
}

impl<'a> GaussianFamily<'a> {
    fn new(system: &'a System) -> Self {
        Self { system, known: None }
    }

    fn at(&mut self, protocol: &[f64]) -> Result<GaussianState, ExactError> {
        let force = self.system.linear_force(protocol).ok_or(ExactError::NotQuadratic { difference: f64::NAN })?;
        let (friction, temperature) = baths(self.system, protocol);
        let steady = |known: &GaussianState| known.stiffness == force.stiffness && known.temperature == temperature && !self.system.bath_varies();
        let known = match self.known.take().filter(steady) {
            Some(known) => known,
            None => {
                let dynamics = LinearDynamics::of_forces(&force.stiffness, &force.constant, &friction, &temperature)?;
                let covariance = dynamics.stationary()?.covariance().clone();
                let advice = "every temperature must be positive, and no coordinate a copy of another";
                let factor = covariance.clone().cholesky().ok_or(ExactError::NotPositiveDefinite { what: "covariance", advice })?;
                let half_ln_determinant = factor.l_dirty().diagonal().iter().map(|pivot| pivot.ln()).sum();
                GaussianState { mean: DVector::zeros(0), stiffness: force.stiffness, temperature, covariance, inverse: factor.inverse(), half_ln_determinant }
            }
        };
        let mean = known.stiffness.clone().lu().solve(&force.constant).ok_or(ExactError::Unstable { rate: 0.0 })?;
        let state = GaussianState { mean, ..known };
        self.known = Some(state.clone());
        Ok(state)
    }
}

impl GaussianState {
    /// Whether a current flows: `γ ν = (T P − K)(x − mean)`.
    fn flows(&self) -> bool {
        let d = self.mean.len();
        let flow = DMatrix::from_fn(d, d, |i, j| self.temperature[i] * self.inverse[(i, j)] - self.stiffness[(i, j)]);
        flow.amax() > 1e-12 * self.stiffness.amax()
    }

    /// `⟨φ⟩`, but for a constant that depends on the dimension alone.
    fn mean_over(&self, law: &Gaussian) -> f64 {
        let shift = law.mean() - &self.mean;
        0.5 * ((&self.inverse * law.covariance()).trace() + shift.dot(&(&self.inverse * &shift))) + self.half_ln_determinant
    }

    /// `φ_after − φ_self` about the middle between both means: with `u = x − middle` and `δ` half their distance,
    /// `½ uᵀ(P' − P)u − uᵀ(P' + P)δ + ½ δᵀ(P' − P)δ + ½ ln(det C'/det C)`.
    fn move_to(&self, after: &Self) -> QuadraticMove {
        let d = self.mean.len();
        let middle = (&self.mean + &after.mean) * 0.5;
        let delta = (&after.mean - &self.mean) * 0.5;
        let change = &after.inverse - &self.inverse;
        let linear = -(&after.inverse + &self.inverse) * &delta;
        let constant = 0.5 * delta.dot(&(&change * &delta)) + after.half_ln_determinant - self.half_ln_determinant;
        let entry = |i: usize, j: usize| match i.cmp(&j) {
            std::cmp::Ordering::Equal => 0.5 * change[(i, i)],
            std::cmp::Ordering::Greater => change[(i, j)],
            std::cmp::Ordering::Less => 0.0,
        };
        let quadratic = (0..d * d).map(|k| entry(k / d, k % d)).collect();
        QuadraticMove { centre: middle.as_slice().to_vec(), constant, linear: linear.as_slice().to_vec(), quadratic }
    }
}

/// Means of the parts of `φ` over a Gaussian ensemble.
pub(super) struct MeanSurprise {
    /// `⟨Y⟩`.
    pub(super) moves: f64,
    /// `⟨φ⟩` at the end less that at the start.
    change: f64,
    /// True when no covariance ever changes: `Y` is Gaussian.
    pub(super) rigid: bool,
    /// True when no steady state on the way has a current.
    pub(super) flowless: bool,
}

impl MeanSurprise {
    /// `⟨Δs_ex⟩`.
    pub(super) fn excess(&self) -> f64 {
        self.moves - self.change
    }
}

/// Along the path of a Gaussian law; `None` where some value of the protocol has no steady state.
pub(super) fn linear_surprise(system: &System, path: &LinearPath) -> Option<MeanSurprise> {
    let mut family = GaussianFamily::new(system);
    let (first, last) = &path.ends;
    let mut state = family.at(first).ok()?;
    let mut mean = MeanSurprise { moves: 0.0, change: -state.mean_over(&path.laws[0]), rigid: true, flowless: !state.flows() };
    let protocols = path.kinds.iter().map(|kind| &path.slices[*kind].protocol).chain(std::iter::once(last));
    let mut before = first;
    for (protocol, law) in protocols.zip(&path.laws) {
        if protocol != before {
            let next = family.at(protocol).ok()?;
            mean.rigid &= next.inverse == state.inverse;
            mean.flowless &= !next.flows();
            mean.moves += next.mean_over(law) - state.mean_over(law);
            (state, before) = (next, protocol);
        }
    }
    mean.change += state.mean_over(path.last());
    Some(mean)
}

/// One coordinate that is not harmonic: a table.
fn one_coordinate(
    system: &Arc<System>,
    table: &[Vec<f64>],
    ends: &Ends,
    steps: usize,
    moves: bool,
    initial: &InitialState,
) -> Result<SteadyStates, SimulationError> {
    let range = match system.boundaries[0].ends() {
        Some(ends) => ends,
        None => open_range(system, table, initial)?,
    };
    let last_entry = table.first().map_or(0, |values| values.len() - 1);
    let grid = Grid { system, table, range, cells: FEWEST_CELLS }.resolved(&[0, steps / 2, steps, last_entry])?;
    let shared = |surprise: Surprise| -> StateSurprise { Arc::new(move |x: &[f64]| surprise.at(x[0])) };
    let (first, last) = (shared(grid.of(&ends.first)?), shared(grid.of(&ends.last)?));
    // What does not come round carries no steady current.
    let flowless = system.boundaries[0].period().is_none();
    if !moves {
        return Ok(SteadyStates { first, last, moves: Moves::None, along: None, plane: None, flowless });
    }
    let rows = Rows::along(table, steps, &mut |entry| grid.at(entry))?;
    let along = SurpriseAlong::Table { range: grid.range, cells: grid.cells as u32, coefficients: rows.numbers, places: rows.places };
    let end = if ends.last != ends.last_step { Some(difference(&last, &shared(grid.of(&ends.last_step)?))) } else { None };
    Ok(SteadyStates { first, last, moves: Moves::Summed(end), along: Some(Arc::new(along)), plane: None, flowless })
}

/// Where an open coordinate has weight at any value of the protocol, and where it starts.
fn open_range(system: &System, table: &[Vec<f64>], initial: &InitialState) -> Result<(f64, f64), SimulationError> {
    const MOMENTS: usize = 32;
    let entries = table.first().map_or(1, Vec::len);
    let (mut lower, mut upper) = match initial {
        InitialState::Point(point) => (point[0], point[0]),
        InitialState::Gaussian { mean, factor } => (mean[0] - REACH * factor[0], mean[0] + REACH * factor[0]),
        InitialState::Uniform { lower, upper } => (lower[0], upper[0]),
        InitialState::Density(density) => (density.lower(), density.upper()),
        InitialState::Surface(_) | InitialState::Discrete { .. } | InitialState::Exponential { .. } | InitialState::Thermal { .. } => {
            (f64::INFINITY, f64::NEG_INFINITY)
        }
    };
    for moment in 0..=MOMENTS {
        let (low, high) = effective_range(system, &protocol_at(table, (entries - 1) * moment / MOMENTS))?;
        (lower, upper) = (lower.min(low), upper.max(high));
    }
    Ok((lower, upper))
}

/// A grid over one coordinate, and what makes `φ` on it.
struct Grid<'a> {
    system: &'a System,
    table: &'a [Vec<f64>],
    range: (f64, f64),
    cells: usize,
}

impl Grid<'_> {
    fn of(&self, protocol: &[f64]) -> Result<Surprise, ExactError> {
        let periodic = self.system.boundaries[0].period().is_some();
        let force = |x: f64| self.system.medium_force(0, &[x], protocol);
        Surprise::with_noise(self.range, periodic, &force, &|x| self.system.diffusion_at(0, &[x], protocol), self.cells)
    }

    fn at(&self, entry: usize) -> Result<Surprise, ExactError> {
        self.of(&protocol_at(self.table, entry))
    }

    /// As many cells as interpolation needs at some entries of the protocol.
    fn resolved(mut self, entries: &[usize]) -> Result<Self, ExactError> {
        while self.cells < MOST_CELLS {
            let fine = Grid { cells: 2 * self.cells, ..self };
            let mut worst = 0.0f64;
            for &entry in entries {
                worst = match (self.at(entry), fine.at(entry)) {
                    (Ok(coarse), Ok(fine)) => worst.max(coarse.error(&fine, HEIGHT)),
                    (Err(ExactError::Unresolved { .. }), _) => f64::INFINITY,
                    (_, Err(error)) | (Err(error), _) => return Err(error),
                };
            }
            if worst <= SMOOTH {
                return Ok(self);
            }
            self.cells *= 2;
        }
        Err(ExactError::Unresolved { cells: MOST_CELLS })
    }
}
