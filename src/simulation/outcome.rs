//! What a run found, ready for tables, JSON and files.

use std::collections::BTreeMap;

use super::courses::{Marginal, current};
use super::evidence::Gathered;
use super::refine::error_of_z;
use super::{Simulation, SimulationError};
use crate::backend::Description;
use crate::experiment::jump::JumpModel;
use crate::experiment::{Experiment, Model};
use crate::plan::{Column, Plan};
use crate::results::{Bias, Estimate, Judgement, Verdict};
use crate::statistics::{Field, Fields, Measured, Plane, Scalars, Series, Tallies, significance_bound};
use crate::thermodynamics::estimates::{Sources, Spreading, Units, estimates as estimates_of};
use crate::thermodynamics::observables::Named;
use crate::thermodynamics::theorems::{Evidence, Facts, judge};

/// How a run goes.
pub struct Progress {
    /// Trajectory-steps done so far.
    pub steps: u64,
    /// Running mean of the total entropy production, or of the medium's where the total is not known.
    pub entropy: Option<(f64, f64)>,
}

impl Progress {
    pub(super) fn of(steps: u64, gathered: &Gathered) -> Self {
        let scalar = gathered.scalars.get("entropy_total").or_else(|| gathered.scalars.get("entropy_medium"));
        let entropy = scalar.filter(|_| gathered.scalars.trajectories() > 1).map(|s| s.moments().measured_mean());
        Self { steps, entropy: entropy.map(|Measured { value, standard_error }| (value, standard_error)) }
    }
}

/// Under what conditions a run ran.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// Backend and device.
    pub description: Description,
    /// Wall time.
    pub seconds: f64,
    /// Trajectory-steps done, the reversed ensemble included.
    pub steps: u64,
    /// True when it was stopped before its end.
    pub stopped: bool,
}

/// What a run found.
pub struct Outcome {
    /// Under what conditions.
    pub conditions: Conditions,
    /// Measured numbers beside their exact values.
    pub estimates: Vec<Estimate>,
    /// Verdicts on the theorems asked for.
    pub theorems: Vec<Verdict>,
    /// The |z| above which an exact value or a theorem counts as violated.
    pub bound: f64,
    /// Trajectories in the averages.
    pub trajectories: u64,
    /// Trajectories left out because they were not finite.
    pub nonfinite: u64,
    /// What should be said besides.
    pub warnings: Vec<String>,
    /// Observables of a trajectory, in the order of the scalars.
    pub observables: Vec<Named>,
    /// Their statistics.
    pub scalars: Scalars,
    /// Means at the saves.
    pub series: Series,
    /// Densities and currents.
    pub fields: Fields,
    /// Density and current in the plane of two coordinates, where asked for.
    pub plane: Option<Plane>,
    /// Integer sums of a large network.
    pub tallies: Tallies,
    /// End values of every trajectory, where asked for: name and values.
    pub kept: Vec<(String, Vec<f64>)>,
    /// Exact density at every save in every bin of each field, where known.
    pub exact_densities: Vec<Option<Vec<Vec<f64>>>>,
    /// Exact means at the saves, by name of the series; NaN where one is not known.
    pub exact_means: BTreeMap<String, Vec<f64>>,
    /// Statistics of the run with the protocol reversed, where there was one.
    pub reverse: Option<Scalars>,
    /// Exact current through the faces of each field, where known.
    pub exact_currents: Vec<Option<Vec<f64>>>,
    /// What the states of a network pay per time, `[save][state]`, with the name of its series.
    pub state_rates: Vec<(String, Vec<Vec<f64>>)>,
}

impl Outcome {
    /// Names of estimates and theorems that contradict their exact value.
    pub fn violated(&self) -> Vec<&str> {
        let estimates = self.estimates.iter().filter(|e| contradicts(e, self.bound)).map(|e| e.name.as_str());
        estimates.chain(self.with(Judgement::Violated)).collect()
    }

    /// Names of theorems that the data cannot decide.
    pub fn undersampled(&self) -> Vec<&str> {
        self.with(Judgement::Undersampled).collect()
    }

    fn with(&self, judgement: Judgement) -> impl Iterator<Item = &str> {
        self.theorems.iter().filter(move |t| t.verdict == judgement).map(|t| t.name.as_str())
    }
}

/// Whether an estimate contradicts its exact value.
pub fn contradicts(estimate: &Estimate, bound: f64) -> bool {
    estimate.z.is_some_and(|z| !(z.abs() <= bound))
}

impl Simulation {
    pub(super) fn outcome(
        &self,
        conditions: Conditions,
        forward: Gathered,
        (reverse, finer, halved): (Option<Gathered>, Option<Gathered>, Option<Gathered>),
    ) -> Result<Outcome, SimulationError> {
        let plan = &self.plan;
        let unit_roundoff = conditions.description.unit_roundoff;
        let facts = &Facts { unit_roundoff, ..self.facts.clone() };
        let mut estimates = self.measured(unit_roundoff, &forward, reverse.as_ref());
        let mut warnings = Vec::new();
        if let Some(finer) = &finer {
            let mut others = estimates_of(&Sources { spreading: &[], ..self.sources(facts, finer, None) });
            others.extend(self.circuit_estimates(finer));
            state_bias(&mut estimates, &others);
            warnings.extend(self.leaping_advice(&estimates, finer.scalars.trajectories()));
        }
        if let (Some(other), Some(gathered)) = (&self.halved, &halved) {
            warnings.extend(self.refine(&mut estimates, &other.measured(unit_roundoff, gathered, None)));
        }
        let steadiness = self.steadiness(&forward, unit_roundoff);
        warnings.extend(steadiness.alarm);
        estimates.extend(steadiness.correlation_times);
        for name in self.experiment.exact.iter().map(|formula| &formula.name).filter(|name| !estimates.iter().any(|e| e.name == **name)) {
            warnings.push(format!("[exact] `{name}` is the name of no estimate of this run: it was not compared"));
        }
        warnings.extend(self.time_step_alarm(&estimates));
        estimates.sort_by_key(|e| e.exact.is_none());
        let evidence = Evidence { facts, scalars: &forward.scalars, reverse: reverse.as_ref().map(|r| &r.scalars), fields: Some(&forward.fields) };
        let compared = estimates.iter().filter(|e| e.exact.is_some()).count().max(self.family);
        // A run stopped before its reversed ensemble cannot try what needs one.
        let asked: Vec<String> = self
            .experiment
            .measure
            .theorems
            .iter()
            .filter(|name| !conditions.stopped || self.reverse.is_none() || !needs_reverse(name, self))
            .cloned()
            .collect();
        let (theorems, bound) = if asked.is_empty() {
            (Vec::new(), significance_bound(compared))
        } else {
            let judged = judge(&asked, &evidence, compared)?;
            (judged.verdicts, judged.bound)
        };
        Ok(Outcome {
            conditions,
            estimates,
            theorems,
            bound,
            trajectories: forward.scalars.trajectories() - forward.scalars.nonfinite(),
            nonfinite: forward.scalars.nonfinite(),
            warnings,
            exact_densities: self.exact_densities(&forward.fields),
            exact_means: self.answers.courses.means.clone(),
            reverse: reverse.map(|reverse| reverse.scalars),
            exact_currents: self.exact_currents(&forward.fields),
            state_rates: self.answers.courses.rates.clone(),
            kept: kept(&self.experiment, plan, &forward),
            observables: forward.observables,
            scalars: forward.scalars,
            series: forward.series,
            fields: forward.fields,
            tallies: forward.tallies,
            plane: forward.plane,
        })
    }

    /// What the time step does to entropies: where it may be why an exact value is missed, or shows beside errors and no exact value tells.
    fn time_step_alarm(&self, estimates: &[Estimate]) -> Option<String> {
        let find = |name: &str| estimates.iter().find(|e| e.name == name);
        let (error, medium) = (find("time_step_error")?, find("entropy_medium")?);
        let missed = [Some(medium), find("entropy_total")].into_iter().flatten().any(|e| e.z.is_some_and(|z| z.abs() > 3.0));
        let shows = medium.exact.is_none() && error.value.abs() > medium.standard_error.max(1e-3);
        if !(error.value.abs() > 4.0 * error.standard_error && (missed || shows)) {
            return None;
        }
        // Corrected sums have exact means; what is left is what the path ledger cannot see between two steps.
        let corrected = self.plan.dynamics.overdamped().and_then(|dynamics| dynamics.linear.as_ref()).is_some_and(|linear| !linear.forms.is_empty());
        let advice = if corrected {
            "heat and entropy have exact means at any step, but the path ledger, for which the theorems are exact, sees the motion at its steps only and counts so much less"
        } else {
            "exact means may be missed by as much; the path ledger is exact at any step"
        };
        Some(format!(
            "the time step leaves {:+.2e} ± {:.0e} nats between physical and path ledger (time_step_error): {advice}. Take a smaller ensemble.dt",
            error.value, error.standard_error
        ))
    }

    /// Every estimate of one ensemble.
    fn measured(&self, unit_roundoff: f64, gathered: &Gathered, reverse: Option<&Gathered>) -> Vec<Estimate> {
        let plan = &self.plan;
        let facts = &Facts { unit_roundoff, ..self.facts.clone() };
        let times: Vec<f64> = (0..gathered.series.saves() as u64).map(|save| plan.schedule.time(save * plan.schedule.save_every)).collect();
        let spreading: Vec<Spreading<'_>> = plan
            .coordinates
            .iter()
            .enumerate()
            .filter(|(i, _)| plan.dynamics.overdamped().is_some_and(|dynamics| dynamics.inertia.as_ref().is_none_or(|inertia| *i < inertia.kick.len())))
            .filter_map(|(i, coordinate)| {
                let observable = plan.series.iter().position(|column| *column == Column::Position(i as u16))?;
                Some(Spreading { coordinate: &coordinate.name, series: &gathered.series, observable, times: &times })
            })
            .collect();
        let mut estimates = estimates_of(&Sources { spreading: &spreading, ..self.sources(facts, gathered, reverse) });
        estimates.extend(self.circuit_estimates(gathered));
        estimates.extend(self.field_estimates(gathered));
        estimates
    }

    fn sources<'a>(&'a self, facts: &'a Facts, gathered: &'a Gathered, reverse: Option<&'a Gathered>) -> Sources<'a> {
        Sources {
            facts,
            observables: &gathered.observables,
            scalars: &gathered.scalars,
            reverse: reverse.map(|r| &r.scalars),
            spreading: &[],
            units: &Units::REDUCED,
            exact: &self.answers.values,
        }
    }

    /// Affinities of cycles, and flows of a network too large to have brought them trajectory by trajectory.
    fn circuit_estimates(&self, gathered: &Gathered) -> Vec<Estimate> {
        let Some(circuit) = &self.circuit else { return Vec::new() };
        let trajectories = gathered.scalars.trajectories() as f64;
        let one = |name: String, measured: Measured, unit: &str| {
            let exact = self.answers.values.get(&name);
            Estimate {
                value: measured.value,
                standard_error: measured.standard_error,
                effective_samples: trajectories,
                exact: exact.map(|(value, _)| *value),
                z: exact.map(|(value, _)| measured.z(*value)),
                unit: unit.to_owned(),
                source: exact.map(|(_, source)| source.clone()),
                bias: None,
                refinement: None,
                name,
            }
        };
        let affinities =
            circuit.cycles.iter().map(|cycle| one(format!("affinity.{}", cycle.name), Measured { value: cycle.affinity, standard_error: 0.0 }, "nat"));
        let single = |kind: &str, name: &str| gathered.scalars.get(&format!("{kind}.{name}")).is_some();
        let flows = circuit.flows(&gathered.scalars, &gathered.tallies).into_iter().filter(|flow| !single(flow.kind, &flow.name));
        let flows = flows.map(|flow| one(format!("{}.{}", flow.kind, flow.name), flow.measured, if flow.kind == "occupancy" { "1" } else { "1/time" }));
        affinities.chain(flows).collect()
    }

    /// What tau-leaping did to the estimates.
    fn leaping_advice(&self, estimates: &[Estimate], trajectories: u64) -> Option<String> {
        let Model::Jump(JumpModel { leaping: Some(tolerance), .. }) = &self.experiment.model else { return None };
        let weight = |bias: &Bias| if bias.value == 0.0 { 0.0 } else { bias.value.abs() / bias.standard_error };
        let worst = estimates.iter().filter_map(|e| Some((e, e.bias?))).max_by(|a, b| weight(&a.1).total_cmp(&weight(&b.1)))?;
        Some(format!(
            "tau-leaping with tolerance {tolerance}: every estimate stands beside its bias, from {trajectories} trajectories by leaps half as long, and z is that of the value less the bias; the clearest one is that of `{}`, {:.1} standard errors of its own",
            worst.0.name,
            weight(&worst.1)
        ))
    }

    /// Exact densities at the saves, averaged over every bin.
    fn exact_densities(&self, fields: &Fields) -> Vec<Option<Vec<Vec<f64>>>> {
        let known = |(index, field): (usize, &Field)| {
            let coordinate = usize::from(self.plan.fields.get(index)?.coordinate);
            match self.answers.courses.laws.get(coordinate) {
                Some(laws) if !laws.is_empty() => Some(laws.iter().map(|law| law.over(field.layout())).collect()),
                _ if coordinate == 0 && !self.answers.densities.is_empty() => {
                    Some(self.answers.densities.iter().map(|density| Marginal::Density(density.clone()).over(field.layout())).collect())
                }
                _ => None,
            }
        };
        fields.iter().enumerate().map(known).collect()
    }

    /// Exact currents through all faces: a steady state of one coordinate has the same everywhere, others follow by continuity from the laws at both ends.
    fn exact_currents(&self, fields: &Fields) -> Vec<Option<Vec<f64>>> {
        let schedule = self.plan.schedule;
        let known = |(index, field): (usize, &Field)| {
            if let Some(j) = self.answers.current.filter(|_| index == 0) {
                return Some(vec![j; field.layout().edges().len()]);
            }
            let coordinate = usize::from(self.plan.fields.get(index)?.coordinate);
            let laws = self.answers.courses.laws.get(coordinate)?;
            let displacement = self.answers.values.get(&format!("displacement.{}", self.plan.coordinates[coordinate].name)).map(|(value, _)| *value);
            current(field.layout(), (laws.first()?, laws.last()?), schedule.steps as f64 * schedule.dt, displacement)
        };
        fields.iter().enumerate().map(known).collect()
    }
}

/// What is left of a bias when its first order is taken off is smaller than this part of it, as long as leaps make sense at all.
const REMAINDER: f64 = 0.25;

/// Gives every estimate its bias: twice the difference from the ensemble by leaps half as long, as errors grow with their length.
fn state_bias(estimates: &mut [Estimate], finer: &[Estimate]) {
    for estimate in estimates {
        let Some(other) = finer.iter().find(|other| other.name == estimate.name) else { continue };
        let bias = Bias { value: 2.0 * (estimate.value - other.value), standard_error: 2.0 * estimate.standard_error.hypot(other.standard_error) };
        // Value less bias: twice the finer value less this one.
        let error = |exact: f64| error_of_z(estimate, exact).hypot(2.0 * other.standard_error).hypot(REMAINDER * bias.value);
        estimate.z = estimate.exact.map(|exact| Measured { value: estimate.value - bias.value, standard_error: error(exact) }.z(exact));
        estimate.bias = Some(bias);
    }
}

fn needs_reverse(name: &str, simulation: &Simulation) -> bool {
    crate::thermodynamics::theorems::find(name).is_ok_and(|theorem| (theorem.needs_reverse)(&simulation.facts))
}

/// Names the end values that were kept.
fn kept(experiment: &Experiment, plan: &Plan, gathered: &Gathered) -> Vec<(String, Vec<f64>)> {
    let names: Vec<&str> = plan.coordinates.iter().map(|coordinate| coordinate.name.as_str()).collect();
    let name = |column: &Column| match column {
        Column::Initial(i) => Some(format!("initial.{}", names[usize::from(*i)])),
        Column::Position(i) => Some(format!("position.{}", names[usize::from(*i)])),
        Column::Winding(i) => plan.coordinates[usize::from(*i)].boundary.period().map(|_| format!("winding.{}", names[usize::from(*i)])),
        Column::Work
        | Column::Heat(_)
        | Column::EntropyMedium
        | Column::EntropyPath
        | Column::HeatPath
        | Column::Surprise
        | Column::EntropySoFar
        | Column::Infimum
        | Column::Circulation(..)
        | Column::Jump(_) => None,
    };
    let labels = plan.columns.iter().map(name).chain(gathered.observables.iter().map(|named| Some(named.name.clone())));
    let values = gathered.kept.iter().flatten().filter(|_| experiment.measure.trajectories);
    labels.zip(values).filter_map(|(label, values)| Some((label?, values.clone()))).collect::<BTreeMap<_, _>>().into_iter().collect()
}
