//! Fields of a Langevin run: the plane that is measured, what is known of it, and the entropy production rate that fields show.

use super::Simulation;
use super::answers::{Question, bin_averages};
use super::evidence::Gathered;
use super::law::Law;
use super::pilot::Pilot;
use crate::exact::linear::LinearDynamics;
use crate::exact::plane::{CellAverages, PlaneLaw};
use crate::experiment::{Experiment, PlaneRequest};
use crate::model::System;
use crate::plan::{Dynamics, FieldGrid, Integrator, Plan, PlaneGrid, protocol_at};
use crate::results::Estimate;

/// Rows of sums of an ensemble: enough for an error, few enough for memory.
const ROWS: u64 = 32;
/// Units of displacement in the width of a step.
const UNITS: f64 = 32_768.0;

/// What is known of the fields of a run.
#[derive(Default)]
pub(super) struct FieldAnswers {
    /// Diffusion constants of all coordinates, where they do not change.
    diffusion: Vec<f64>,
    /// Exact density and current of every cell of the plane.
    pub(super) plane: Option<CellAverages>,
    /// What bins or cells, which hide a part, and the time step leave of the entropy production rate.
    visible_rate: Option<f64>,
}

/// The plane asked for, on grids of its own where none are given.
pub(super) fn plane(experiment: &Experiment, system: &System, plan: &Plan, pilot: &Pilot, protocol: &[f64]) -> Option<PlaneGrid> {
    let PlaneRequest { coordinates, grids } = experiment.measure.plane.as_ref()?;
    let axis = |k: usize| {
        let i = usize::from(coordinates[k]);
        grids[k].clone().unwrap_or_else(|| {
            let (lower, upper) = system.boundaries[i].ends().unwrap_or_else(|| pilot.round_range(i));
            FieldGrid { coordinate: coordinates[k], lower, upper, bins: PlaneGrid::DEFAULT_BINS }
        })
    };
    let middle: Vec<f64> = (0..system.dimension()).map(|i| pilot.range(i)).map(|(lower, upper)| 0.5 * (lower + upper)).collect();
    let unit = |k: usize| {
        let width = (2.0 * system.diffusion_at(usize::from(coordinates[k]), &middle, protocol) * plan.schedule.dt).sqrt();
        let grid = axis(k);
        // Where noise has no width in the middle, that of a bin will do.
        let width = if width > 0.0 && width.is_finite() { width } else { (grid.upper - grid.lower) / f64::from(grid.bins) };
        (width / UNITS).log2().floor().exp2()
    };
    Some(PlaneGrid { axes: [axis(0), axis(1)], units: [unit(0), unit(1)], blocks_per_row: plan.ensemble.div_ceil(plan.block).div_ceil(ROWS).max(1) })
}

/// The edges of a grid.
fn edges(grid: &FieldGrid) -> Vec<f64> {
    (0..=grid.bins).map(|edge| grid.lower + f64::from(edge) * (grid.upper - grid.lower) / f64::from(grid.bins)).collect()
}

impl Question<'_> {
    /// What is known of the fields; `current` and `density` are those of one coordinate.
    pub(super) fn fields(&self, current: Option<f64>, density: Option<&crate::density::Density>) -> FieldAnswers {
        if self.system.bath_varies() {
            return FieldAnswers::default();
        }
        let diffusion: Vec<f64> = self.system.temperature.iter().zip(&self.system.friction).map(|(t, g)| t / g).collect();
        if let (1, Some(density), [grid]) = (diffusion.len(), density, self.plan.fields.as_slice()) {
            let j = current.or_else(|| (self.system.boundaries[0].period().is_none() || !self.system.is_driven()).then_some(0.0));
            let width = (grid.upper - grid.lower) / f64::from(grid.bins);
            let inverse: f64 = bin_averages(density, &edges(grid)).into_iter().filter(|p| *p > 0.0).map(|p| 1.0 / p).sum();
            return FieldAnswers { visible_rate: j.map(|j| j * j * width * inverse / diffusion[0]), diffusion, plane: None };
        }
        let Some((plane, visible_rate)) = self.gaussian_plane(&diffusion).or_else(|| self.grid_plane(&diffusion)) else {
            return FieldAnswers { diffusion, ..FieldAnswers::default() };
        };
        FieldAnswers { diffusion, plane: Some(plane), visible_rate: Some(visible_rate) }
    }

    /// Exact averages over cells in a steady Gaussian state, and the entropy production rate that they show at this step.
    fn gaussian_plane(&self, diffusion: &[f64]) -> Option<(CellAverages, f64)> {
        let (grid, Ok(Law::Gaussian(law))) = (self.plan.plane.as_ref()?, &self.opening.law) else { return None };
        let force = self.system.linear_force(&protocol_at(self.table, 0))?;
        let dynamics = LinearDynamics::of_forces(&force.stiffness, &force.constant, &self.system.friction, &self.system.temperature).ok()?;
        let pair = [0, 1].map(|k| usize::from(grid.axes[k].coordinate));
        let (x, y) = (edges(&grid.axes[0]), edges(&grid.axes[1]));
        let exact = PlaneLaw::stationary(&dynamics, law, pair)?.averages([&x, &y]);
        let by_exact_steps = matches!(&self.plan.dynamics, Dynamics::Overdamped(dynamics) if dynamics.integrator == Integrator::ExactLinear);
        let (dt, area) = (self.plan.schedule.dt, (x[1] - x[0]) * (y[1] - y[0]));
        let seen = if by_exact_steps { PlaneLaw::of_steps(&dynamics.step(dt).ok()?, dt, law, pair)?.averages([&x, &y]) } else { exact.clone() };
        let rate = seen.entropy_production_rate(&exact.density, pair.map(|i| diffusion[i]), area);
        Some((exact, rate))
    }

    /// The same of the steady state of two coordinates on a grid.
    fn grid_plane(&self, diffusion: &[f64]) -> Option<(CellAverages, f64)> {
        let (grid, steady) = (self.plan.plane.as_ref()?, self.opening.grid.as_ref()?);
        let pair = [0, 1].map(|k| usize::from(grid.axes[k].coordinate));
        let (x, y) = (edges(&grid.axes[0]), edges(&grid.axes[1]));
        let exact = steady.averages([&x, &y], pair == [1, 0]);
        let rate = exact.entropy_production_rate(&exact.density, pair.map(|i| diffusion[i]), (x[1] - x[0]) * (y[1] - y[0]));
        Some((exact, rate))
    }
}

impl Simulation {
    /// Exact density and current of every cell of the plane, where known.
    pub fn exact_plane(&self) -> Option<&CellAverages> {
        self.answers.fields.plane.as_ref()
    }

    /// The entropy production rate by density and current of a steady state, where they are those of all coordinates.
    pub(super) fn field_estimates(&self, gathered: &Gathered) -> Option<Estimate> {
        let (facts, known) = (&self.facts, &self.answers.fields);
        // All of a steady current is irreversible only where nothing is odd, as velocities are.
        let has_odd = self.plan.dynamics.overdamped().is_some_and(|dynamics| dynamics.reversal.is_some() || dynamics.inertia.is_some());
        if !facts.is_steady() || facts.jumps || facts.parity.is_err() || has_odd {
            return None;
        }
        let measured = match (known.diffusion.as_slice(), &gathered.plane) {
            ([diffusion], _) => gathered.fields.iter().next()?.entropy_production_rate(facts.duration, *diffusion),
            ([_, _], Some(plane)) => {
                let grid = self.plan.plane.as_ref()?;
                plane.entropy_production_rate([0, 1].map(|k| known.diffusion[usize::from(grid.axes[k].coordinate)]))
            }
            _ => return None,
        };
        Some(Estimate {
            name: "entropy_production_rate.field".to_owned(),
            value: measured.value,
            standard_error: measured.standard_error,
            effective_samples: gathered.scalars.trajectories() as f64,
            exact: known.visible_rate,
            z: known.visible_rate.map(|exact| measured.z(exact)),
            unit: "nat/time".to_owned(),
            source: known.visible_rate.map(|_| "exact density and current, averaged over the bins, at this time step".to_owned()),
            bias: None,
            refinement: None,
        })
    }
}
