//! The same experiment by steps half as long: what the time step does to every estimate, and the limit of short steps.

use super::Simulation;
use crate::coordinate::Boundary;
use crate::experiment::{Experiment, Model, PlaneRequest};
use crate::plan::Integrator;
use crate::random::sibling;
use crate::results::{Estimate, Refinement};
use crate::statistics::Measured;

/// What the extrapolation leaves of the time-step error is smaller than this part of what it takes off, for steps that make sense at all.
const REMAINDER: f64 = 0.25;

impl Simulation {
    /// The experiment by steps half as long, with random numbers of its own and on the same grids; theorems are not tried on it.
    pub(super) fn halved_experiment(&self) -> Experiment {
        let mut experiment = self.experiment.clone();
        experiment.ensemble.refine = false;
        experiment.ensemble.dt *= 0.5;
        experiment.ensemble.seed = sibling(experiment.ensemble.seed);
        (experiment.steps, experiment.save_every) = (2 * experiment.steps, 2 * experiment.save_every);
        // It is measured where its theorem is asked for.
        experiment.measure.theorems.retain(|name| name == "infimum");
        experiment.measure.trajectories = false;
        experiment.measure.grids.clone_from(&self.plan.fields);
        experiment.measure.plane = self
            .plan
            .plane
            .as_ref()
            .map(|plane| PlaneRequest { coordinates: [0, 1].map(|k| plane.axes[k].coordinate), grids: [0, 1].map(|k| Some(plane.axes[k].clone())) });
        experiment
    }

    /// Power of the time step with which the error of an estimate goes.
    ///
    /// What depends on the state alone has the weak order of the scheme. Sums along a path of overdamped dynamics are trapezoids of a force. Where there are several
    /// coordinates each step leaves out the area between path and chord, which has a mean wherever a current flows; linear steps put that mean back. In one coordinate
    /// trapezoids are corrected at both ends and leave out `∝ Δx⁵` a step, less than the scheme itself. The path ledger is no such sum: where the force is not linear
    /// it differs by `∝ Δx³` a step, whose mean goes with the change of a function of the state, so that it vanishes to first order in a steady state; its covariance
    /// with the path does not.
    fn order(&self, name: &str) -> u32 {
        let Some(dynamics) = self.plan.dynamics.overdamped() else { return 1 };
        let first_order = matches!(dynamics.integrator, Integrator::EulerMaruyama | Integrator::EulerMaruyamaIto | Integrator::HeunStratonovich);
        if first_order || self.plan.coordinates.iter().any(|coordinate| matches!(coordinate.boundary, Boundary::Walls { .. })) {
            return 1;
        }
        // A bridge takes its variance from the ends of a step.
        if name.starts_with("entropy_infimum") {
            return 1;
        }
        let one = dynamics.inertia.is_none() && self.plan.coordinates.len() == 1;
        // The noise of what vanishes with the time step: its variance is a square.
        match name {
            "first_law_residual.variance" if one => return 4,
            "first_law_residual.variance" | "time_step_error.variance" | "shadow_work.variance" => return 2,
            _ => {}
        }
        let of_path_ledger = name.contains("_path") || name.starts_with("time_step_error");
        if dynamics.inertia.is_some() || !self.is_path_sum(name) || one && !of_path_ledger {
            return 2;
        }
        let of_mean = !name.ends_with(".variance") && !name.ends_with(".third_cumulant");
        let linear = self.facts.quadratic_potential || dynamics.integrator == Integrator::ExactLinear;
        let second = linear || of_mean && self.facts.is_steady();
        // The mean over the paths between the ends of a step, where it is taken, leaves the variance between them out, and is not that of the path ledger.
        let between = dynamics.linear.as_ref().is_some_and(|step| !step.forms.is_empty())
            && of_mean
            && !name.starts_with("work_path")
            && !name.starts_with("time_step_error");
        if between || second && one { 2 } else { 1 }
    }

    /// Whether an observable is a sum of forces times displacements along the path.
    fn is_path_sum(&self, name: &str) -> bool {
        const SUMS: [&str; 8] = [
            "heat",
            "entropy_medium",
            "entropy_total",
            "entropy_production_rate",
            "entropy_housekeeping",
            "first_law_residual",
            "time_step_error",
            "circulation.",
        ];
        let drives = matches!(&self.experiment.model, Model::Overdamped(model) if model.drives.iter().any(Option::is_some));
        SUMS.iter().any(|sum| name.starts_with(sum)) || name.starts_with("work") && (drives || name.starts_with("work_path"))
    }

    /// Holds every estimate against that of the finer ensemble; answers what to say of it.
    pub(super) fn refine(&self, estimates: &mut [Estimate], finer: &[Estimate]) -> Option<String> {
        for estimate in estimates.iter_mut() {
            if let Some(other) = finer.iter().find(|other| other.name == estimate.name) {
                refine(estimate, other, self.order(&estimate.name));
            }
        }
        let weight = |r: &Refinement| if r.difference == 0.0 { 0.0 } else { r.difference.abs() / r.difference_standard_error };
        let refined = estimates.iter().filter_map(|e| Some((e, e.refinement?)));
        let (clearest, of) = refined.max_by(|a, b| weight(&a.1).total_cmp(&weight(&b.1)))?;
        Some(format!(
            "refined: every estimate stands beside its change from steps dt = {} to dt/2 and its limit dt → 0, and z is that of the limit; the clearest change is that of `{}`, {:.1} standard errors",
            self.plan.schedule.dt,
            clearest.name,
            weight(&of)
        ))
    }
}

/// Richardson's extrapolation of independent ensembles: `v₂ + (v₂ − v₁)/(2^p − 1)`.
fn refine(estimate: &mut Estimate, finer: &Estimate, order: u32) {
    let gain = f64::from(1u32 << order) - 1.0;
    let limit = |coarse: f64, fine: f64| fine + (fine - coarse) / gain;
    let error = |coarse: f64, fine: f64| (coarse / gain).hypot(fine * (1.0 + 1.0 / gain));
    let refinement = Refinement {
        order,
        difference: estimate.value - finer.value,
        difference_standard_error: estimate.standard_error.hypot(finer.standard_error),
        extrapolated: limit(estimate.value, finer.value),
        extrapolated_standard_error: error(estimate.standard_error, finer.standard_error),
    };
    // An exact value may be that of the steps taken; it has its own limit. The errors of z may hold more than standard errors, such as rounding.
    if let (Some(exact), Some(exact_of_finer)) = (estimate.exact, finer.exact) {
        let error = error(error_of_z(estimate, exact), error_of_z(finer, exact_of_finer)).hypot(REMAINDER * (refinement.extrapolated - estimate.value));
        estimate.z = Some(Measured { value: refinement.extrapolated, standard_error: error }.z(limit(exact, exact_of_finer)));
    }
    estimate.refinement = Some(refinement);
}

/// The error that the z of an estimate was formed with.
pub(super) fn error_of_z(estimate: &Estimate, exact: f64) -> f64 {
    match estimate.z {
        Some(z) if z != 0.0 && z.is_finite() => ((estimate.value - exact) / z).abs(),
        _ => estimate.standard_error,
    }
}
