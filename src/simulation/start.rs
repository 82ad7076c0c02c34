//! How an ensemble starts: the exact law where there is one, otherwise a relaxation.

use std::fmt::Display;
use std::sync::Arc;

use super::SimulationError;
use super::grids::{plane_equilibrium, steady_plane};
use super::inertial::{stationary, thermal};
use super::law::Law;
use super::periodic::periodic_law;
use crate::density::Density;
use crate::exact::ExactError;
use crate::exact::equilibrium::{Equilibrium, Quadratic};
use crate::exact::kramers::{KramersRing, Problem};
use crate::exact::linear::{Gaussian, LinearDynamics};
use crate::exact::quadrature::{confined_range, integrate};
use crate::exact::ring::Ring;
use crate::exact::steady::Steady;
use crate::experiment::{Experiment, InitialLaw, Interpretation};
use crate::model::System;
use crate::plan::{Boundary, InitialState};
use crate::thermodynamics::theorems::Start;

use nalgebra::{DMatrix, DVector};

/// Cells of tabulated densities.
pub(super) const CELLS: usize = 4096;

/// The start of an ensemble.
pub(super) struct Opening {
    /// What trajectories are drawn from.
    pub(super) initial: InitialState,
    /// The law they then have when measuring starts, where it is known.
    pub(super) law: Result<Law, String>,
    /// Steps before measuring starts.
    pub(super) relaxation_steps: u64,
    /// What kind of start this is.
    pub(super) kind: Start,
    /// In words.
    pub(super) description: String,
    /// The steady state of two coordinates, where the run starts in it.
    pub(super) grid: Option<Arc<Steady>>,
    /// That of a driven ring with inertia.
    pub(super) ring: Option<Arc<KramersRing>>,
}

impl Opening {
    fn known(law: Law, kind: Start, description: impl Display) -> Self {
        Self { initial: law.initial_state(), law: Ok(law), relaxation_steps: 0, kind, description: description.to_string(), grid: None, ring: None }
    }

    /// The same, and then the burn-in that the file asks for. A law that stands still is still that after it, but for what the error of the time step makes of it.
    fn burnt_in(self, experiment: &Experiment) -> Self {
        let Some(time) = experiment.initial.burn_in else { return self };
        let steps = relaxation_steps(experiment, time);
        Self { relaxation_steps: steps, description: format!("{}, then relaxed for t = {time} ({steps} steps)", self.description), ..self }
    }

    /// Whether all that is known of the law when measuring starts is how long it was relaxed.
    pub(super) fn is_unknown(&self) -> bool {
        self.relaxation_steps > 0 && self.law.is_err()
    }
}

/// Steps of a burn-in.
fn relaxation_steps(experiment: &Experiment, time: f64) -> u64 {
    (time / experiment.ensemble.dt).round().max(1.0) as u64
}

/// The start that the file asks for, at the protocol values before anything moves.
pub(super) fn opening(experiment: &Experiment, system: &System, protocol: &[f64]) -> Result<Opening, SimulationError> {
    let law = match &experiment.initial.law {
        InitialLaw::Equilibrium => return equilibrium_opening(experiment, system, protocol),
        InitialLaw::SteadyState => return steady_opening(experiment, system, protocol),
        InitialLaw::Periodic { period } => {
            let (law, description) = periodic_law(experiment, system, *period)?;
            return Ok(Opening::known(law, Start::Other, description));
        }
        InitialLaw::Point(point) => {
            return Ok(Opening {
                initial: InitialState::Point(point.clone()),
                law: Err("a start at one point has no density; start from a narrow gaussian instead".to_owned()),
                relaxation_steps: 0,
                kind: Start::Other,
                description: "one point".to_owned(),
                grid: None,
                ring: None,
            });
        }
        InitialLaw::Gaussian { mean, covariance } => gaussian(system, mean, covariance)?,
        InitialLaw::Uniform { lower, upper } => with_velocities(system, Law::Uniform { lower: lower.clone(), upper: upper.clone() }),
        InitialLaw::Table(density) => with_velocities(system, Law::Density(density.clone())),
        InitialLaw::Probabilities(_) | InitialLaw::Exponential(_) => {
            return Err(SimulationError::Start("probabilities of states and of energies belong to jump processes".to_owned()));
        }
    };
    Ok(Opening::known(law, Start::Other, "the law given in the file"))
}

/// Underdamped dynamics starts with thermal velocities where the file says nothing else.
fn with_velocities(system: &System, law: Law) -> Law {
    if system.is_underdamped() { thermal(system, law) } else { law }
}

/// A Gaussian; where the coordinate is bounded, the part of it inside walls, or its images around a ring.
fn gaussian(system: &System, mean: &[f64], covariance: &[f64]) -> Result<Law, SimulationError> {
    let d = mean.len();
    match system.boundaries.as_slice() {
        [boundary] if boundary.ends().is_some() && d == 1 => {
            let (lower, upper) = boundary.ends().unwrap_or_default();
            let images = if boundary.period().is_some() { -8..=8 } else { 0..=0 };
            let variance = covariance[0];
            let value = |x: f64| -> f64 { images.clone().map(|k| (-(x - mean[0] + f64::from(k) * (upper - lower)).powi(2) / (2.0 * variance)).exp()).sum() };
            let nodes = (0..=CELLS).map(|i| value(lower + (upper - lower) * i as f64 / CELLS as f64)).collect();
            Ok(Law::Density(Density::new(lower, upper, nodes)?))
        }
        boundaries if boundaries.iter().all(|b| *b == Boundary::Open) => {
            let covariance = DMatrix::from_row_slice(d, d, covariance);
            Ok(Law::Gaussian(Gaussian::new(DVector::from_column_slice(mean), covariance)?))
        }
        _ => Err(SimulationError::Start(
            "a gaussian start needs open coordinates, or a single bounded one; use distribution = \"uniform\" or \"point\"".to_owned(),
        )),
    }
}

/// The canonical law of a potential.
pub(super) struct Canonical {
    pub(super) law: Law,
    pub(super) free_energy: f64,
    /// Error of the free energy; 0 where it is exact to rounding.
    pub(super) error: f64,
}

/// Canonical law of the potential at given protocol values: in closed form, or by quadrature over one coordinate or two.
pub(super) fn equilibrium(system: &System, protocol: &[f64]) -> Result<Option<Canonical>, SimulationError> {
    let temperature = system.canonical(protocol).map_err(|reason| {
        SimulationError::Start(format!("equilibrium needs one temperature and Boltzmann's law, but {reason}; use distribution = \"steady-state\""))
    })?;
    let open = system.boundaries.iter().all(|b| *b == Boundary::Open);
    if system.is_quadratic() && open {
        let quadratic = Quadratic::of(system.dimension(), &|x| system.potential(x, protocol))?;
        let law = with_velocities(system, Law::Gaussian(quadratic.equilibrium(temperature)?));
        return Ok(Some(Canonical { law, free_energy: quadratic.free_energy(temperature)?, error: 0.0 }));
    }
    let (law, free_energy, error) = match system.dimension() {
        1 => {
            let found = one_dimensional(system, temperature, &|x| system.potential(&[x], protocol))?;
            (Law::Density(found.density), found.free_energy, found.error)
        }
        2 => {
            let found = plane_equilibrium(system, protocol, temperature)?;
            (Law::Surface(found.density), found.free_energy, found.error)
        }
        _ => return Ok(None),
    };
    Ok(Some(Canonical { law: with_velocities(system, law), free_energy, error }))
}

fn one_dimensional(system: &System, temperature: f64, potential: &dyn Fn(f64) -> f64) -> Result<Equilibrium, SimulationError> {
    Ok(match system.boundaries[0].ends() {
        Some((lower, upper)) => Equilibrium::bounded(lower, upper, temperature, potential, CELLS)?,
        None => Equilibrium::open(temperature, potential, CELLS)?,
    })
}

fn equilibrium_opening(experiment: &Experiment, system: &System, protocol: &[f64]) -> Result<Opening, SimulationError> {
    let known = match equilibrium(system, protocol) {
        // What a grid does not resolve can be reached by relaxing.
        Err(SimulationError::Exact(ExactError::Unresolved { .. } | ExactError::NotFinite { .. })) if system.dimension() == 2 => None,
        known => known?,
    };
    if let Some(Canonical { law, .. }) = known {
        if system.is_driven() {
            let kind = if system.has_odd_variables() { "equilibrium, exact" } else { "equilibrium of the potential alone, exact" };
            let without = if experiment.initial.burn_in.is_some() { "; without initial.burn_in, in which what drives would lead away from it" } else { "" };
            return Ok(Opening::known(law, Start::Equilibrium, format!("{kind}{without}")));
        }
        // The means of two coordinates that stay in equilibrium come from the grid of their steady state.
        let opening = match (&law, steady_plane(system, protocol)) {
            (Law::Surface(_), Some(Ok(steady))) => on_a_plane(steady, Start::Equilibrium),
            _ => Opening::known(law, Start::Equilibrium, "equilibrium, exact"),
        };
        return Ok(opening.burnt_in(experiment));
    }
    if system.is_driven() {
        return Err(SimulationError::Start(
            "the equilibrium of more than two coordinates that are not harmonic is reached by relaxing, which a non-conservative force prevents; use distribution = \"steady-state\"".to_owned(),
        ));
    }
    Ok(relaxed(experiment, system, Start::Equilibrium))
}

/// Stationary law at given protocol values, if it has a closed or one-dimensional form.
pub(super) fn steady_law(system: &System, protocol: &[f64]) -> Result<Option<(Law, String)>, SimulationError> {
    if system.is_underdamped() {
        return underdamped_steady_law(system, protocol);
    }
    if let Some(force) = system.linear_force(protocol) {
        let d = system.dimension();
        let origin = vec![0.0; d];
        let friction = |i: usize| system.friction_at(i, &origin, protocol);
        let dynamics = LinearDynamics::new(
            DMatrix::from_fn(d, d, |i, j| force.stiffness[(i, j)] / friction(i)),
            DVector::from_fn(d, |i, _| force.constant[i] / friction(i)),
            DVector::from_fn(d, |i, _| system.diffusion_at(i, &origin, protocol)),
        )?;
        return Ok(Some((Law::Gaussian(dynamics.stationary()?), "steady state, exact Gaussian".to_owned())));
    }
    if system.dimension() != 1 {
        return Ok(None);
    }
    if let Some(ring) = ring(system, protocol)? {
        return Ok(Some((Law::Density(ring.density), "steady state, exact by quadrature".to_owned())));
    }
    // One open or walled coordinate carries no current: what drives it has a potential of its own.
    let found = if system.bath_varies() {
        one_dimensional(system, 1.0, &reduced_potential(system, protocol))?
    } else {
        one_dimensional(system, system.temperature[0], &|x| effective_potential(system, x, protocol))?
    };
    Ok(Some((Law::Density(found.density), "steady state without current, exact by quadrature".to_owned())))
}

/// Potential of one coordinate with that of its drive.
fn effective_potential(system: &System, x: f64, protocol: &[f64]) -> f64 {
    let origin = system.boundaries[0].ends().map_or(0.0, |(lower, _)| lower);
    system.potential(&[x], protocol) - integrate(origin, x, 64, &|x| system.drive(0, &[x], protocol))
}

/// Where one open coordinate has weight in its steady state.
pub(super) fn effective_range(system: &System, protocol: &[f64]) -> Result<(f64, f64), ExactError> {
    if system.bath_varies() {
        return confined_range(&reduced_potential(system, protocol), 1.0);
    }
    confined_range(&|x| effective_potential(system, x, protocol), system.temperature[0])
}

/// `−ln p` up to a constant of one coordinate that carries no current: `−∫ (F/T − a ∂ ln D) dx`.
pub(super) fn reduced_potential<'a>(system: &'a System, protocol: &'a [f64]) -> impl Fn(f64) -> f64 + 'a {
    let weight = system.interpretation().map_or(0.0, Interpretation::spurious_weight);
    let origin = system.boundaries[0].ends().map_or(0.0, |(lower, _)| lower);
    // A temperature that follows the protocol alone is one at all places.
    let fixed = if system.interpretation().is_none() { system.temperature_at(0, &[origin], protocol) } else { system.temperature[0] };
    move |x: f64| {
        // What has a closed form is not integrated: the potential where the temperature is one, and the logarithm.
        let conservative = if fixed.is_nan() {
            let slope = |y: f64| system.force(0, &[y], protocol) / system.temperature_at(0, &[y], protocol);
            -integrate(origin, x, 256, &slope)
        } else {
            let drive = |y: f64| system.drive(0, &[y], protocol);
            (system.potential(&[x], protocol) - if system.is_driven() { integrate(origin, x, 256, &drive) } else { 0.0 }) / fixed
        };
        if weight == 0.0 { conservative } else { conservative + weight * system.diffusion_at(0, &[x], protocol).ln() }
    }
}

/// The stationary law of underdamped dynamics: Gaussian where forces are linear, equilibrium where nothing drives.
fn underdamped_steady_law(system: &System, protocol: &[f64]) -> Result<Option<(Law, String)>, SimulationError> {
    if system.is_linear() {
        return Ok(Some((Law::Gaussian(stationary(system, protocol)?), "steady state of coordinates and velocities, exact Gaussian".to_owned())));
    }
    if system.is_driven() || system.single_temperature().is_none() {
        return Ok(None);
    }
    Ok(equilibrium(system, protocol)?.map(|known| (known.law, "steady state, which is equilibrium, exact".to_owned())))
}

/// The stationary ring with inertia at given protocol values; `None` unless the model is one periodic coordinate with a bath, and where the Kramers equation is
/// not resolved, as at very low friction.
fn ring_with_inertia(system: &System, protocol: &[f64]) -> Result<Option<KramersRing>, SimulationError> {
    let [boundary @ Boundary::Periodic { .. }] = system.boundaries[..] else { return Ok(None) };
    if !system.is_bathed(0) {
        return Ok(None);
    }
    let force = |x: f64| system.force(0, &[x], protocol);
    let range = boundary.ends().unwrap_or_default();
    match KramersRing::new(Problem { range, mass: system.mass[0], friction: system.friction[0], temperature: system.temperature[0], force: &force }) {
        Ok(ring) => Ok(Some(ring)),
        Err(ExactError::Unresolved { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The stationary ring at given protocol values; `None` unless the model is one periodic coordinate.
pub(super) fn ring(system: &System, protocol: &[f64]) -> Result<Option<Ring>, SimulationError> {
    ring_of(system, protocol, CELLS)
}

/// The same on a grid of so many cells.
pub(super) fn ring_of(system: &System, protocol: &[f64], cells: usize) -> Result<Option<Ring>, SimulationError> {
    match system.boundaries.as_slice() {
        [Boundary::Periodic { lower, upper }] => {
            if system.bath_varies() {
                let diffusion = |x: f64| system.diffusion_at(0, &[x], protocol);
                let force = |x: f64| system.medium_force(0, &[x], protocol);
                return Ok(Some(Ring::with_noise(*lower, *upper, &diffusion, &force, cells)?));
            }
            let force = |x: f64| system.force(0, &[x], protocol);
            Ok(Some(Ring::new(*lower, *upper, system.friction[0], system.temperature[0], &force, cells)?))
        }
        _ => Ok(None),
    }
}

/// The start in a steady state on a grid.
fn on_a_plane(steady: Steady, kind: Start) -> Opening {
    let description = if kind == Start::Equilibrium {
        "equilibrium, Boltzmann's law on a grid".to_owned()
    } else {
        format!("steady state of the Fokker–Planck equation on grids, last refined by {:.0e} in ln p", steady.error.max(1e-9))
    };
    let opening = Opening::known(Law::Surface(steady.law.clone()), kind, description);
    Opening { grid: Some(Arc::new(steady)), ..opening }
}

/// The start in the steady state of a driven ring with inertia.
fn on_a_ring(ring: KramersRing) -> Opening {
    let description = format!("steady state of place and velocity by the Kramers equation, ±{:.0e}", ring.error.max(1e-12));
    let opening = Opening::known(Law::Surface(ring.law.clone()), Start::SteadyState, description);
    Opening { ring: Some(Arc::new(ring)), ..opening }
}

fn steady_opening(experiment: &Experiment, system: &System, protocol: &[f64]) -> Result<Opening, SimulationError> {
    let asked = experiment.initial.burn_in.is_some();
    match steady_law(system, protocol) {
        Ok(None) => {}
        // What is not confined may still be relaxed for a while.
        Err(_) if asked => return Ok(relaxed(experiment, system, Start::SteadyState)),
        known => {
            if let Some((law, description)) = known? {
                return Ok(Opening::known(law, Start::SteadyState, description).burnt_in(experiment));
            }
        }
    }
    if system.is_underdamped()
        && let Some(ring) = ring_with_inertia(system, protocol)?
    {
        return Ok(on_a_ring(ring).burnt_in(experiment));
    }
    match steady_plane(system, protocol) {
        Some(Ok(steady)) => Ok(on_a_plane(steady, Start::SteadyState).burnt_in(experiment)),
        Some(Err(error)) => Ok(Opening { law: Err(format!("the steady state is not known: {error}")), ..relaxed(experiment, system, Start::SteadyState) }),
        None => Ok(relaxed(experiment, system, Start::SteadyState)),
    }
}

/// Relaxation from the middle of bounded coordinates and the origin of open ones.
fn relaxed(experiment: &Experiment, system: &System, kind: Start) -> Opening {
    let time = experiment.initial.burn_in.unwrap_or(experiment.protocol.duration);
    let steps = relaxation_steps(experiment, time);
    let point = system.boundaries.iter().map(|boundary| boundary.ends().map_or(0.0, |(lower, upper)| 0.5 * (lower + upper))).collect();
    let point = InitialState::Point(point);
    let initial = match with_velocities(system, Law::Uniform { lower: Vec::new(), upper: Vec::new() }) {
        Law::Thermal { deviation, .. } => InitialState::Thermal { positions: Box::new(point), deviation },
        _ => point,
    };
    let reason = if system.is_underdamped() {
        "the law of positions and velocities is known where forces are linear, in equilibrium, and of one driven ring that the Kramers equation resolves, not here; leave out theorems about the system or total entropy"
    } else {
        "the law of several coordinates that are not harmonic has no closed form here; leave out theorems about the system or total entropy"
    };
    Opening {
        initial,
        law: Err(reason.to_owned()),
        relaxation_steps: steps,
        kind,
        description: format!("relaxed for t = {time} ({steps} steps) at the initial protocol"),
        grid: None,
        ring: None,
    }
}
