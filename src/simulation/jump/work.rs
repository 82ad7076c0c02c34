//! Energies, work and free energies of jump processes: whether the declared energies and the rates fit, the equilibrium they stand for, and the
//! reversed ensemble of the work theorems.

use std::sync::Arc;

use statrs::function::gamma::ln_gamma;

use super::known::{self, LEAK, average, inside, know};
use super::question::{Question, lookup};
use super::space::Space;
use super::{Beside, reversed_from};
use crate::experiment::Experiment;
use crate::experiment::jump::JumpModel;
use crate::expression::Symbol;
use crate::simulation::answers::Values;
use crate::simulation::{Simulation, SimulationError};
use crate::thermodynamics::observables::OwnedStateFunction;
use crate::thermodynamics::theorems::TheoremError;

/// Part of the energies of a channel that may be rounding.
const ROUNDING: f64 = 1e-9;
/// Moments of the protocol at which books are checked; at both ends alone where there are many states.
const MOMENTS: u32 = 8;
const MANY: usize = 4096;
/// Theorems about work.
const THEOREMS: [&str; 2] = ["jarzynski", "crooks"];

/// The equilibrium that declared energies stand for.
pub(super) struct Equilibrium {
    /// Probability of every numbered state.
    pub(super) law: Vec<f64>,
    /// `−T ln Σ exp(−G/T)`.
    pub(super) free_energy: f64,
}

/// Energies of a model, before exact answers are formed.
pub(super) struct Balance {
    /// Boltzmann's law at both ends of the protocol, or why it says nothing about the rates, the start or the end.
    pub(super) equilibria: Result<[Equilibrium; 2], String>,
    /// Whether work, heat and energy change add up on every channel; `None` without energies and baths.
    pub(super) fits: Option<Result<(), String>>,
}

impl Space<'_> {
    /// The energy of a state at a time, where declared: for reactions given by energies a free energy.
    pub(super) fn energy(&self, point: &[f64], time: f64) -> Option<f64> {
        let model = self.model();
        let nodes = model.energy.as_ref()?;
        let node = if model.states.is_some() { *nodes.get(*point.first()? as usize)? } else { *nodes.first()? };
        Some(self.evaluate(node, point, time) + self.mixing(point))
    }

    /// `Σ T_i ln n_i!`.
    fn mixing(&self, point: &[f64]) -> f64 {
        let temperatures = self.model().mixing.iter().flatten();
        temperatures.zip(point).map(|(temperature, n)| self.evaluate(*temperature, &[], 0.0) * ln_gamma(n + 1.0)).sum()
    }

    fn moments(&self) -> Vec<f64> {
        let count = if self.chain.states > MANY { 1 } else { MOMENTS };
        let pieces = self.pieces();
        pieces
            .iter()
            .flat_map(|&(start, end)| (0..=count).map(move |k| inside((start, end), start + (end - start) * f64::from(k) / f64::from(count))))
            .collect()
    }
}

/// Confronts energies with rates: `T ln(w/w') = −ΔE + drive` on every channel, in every numbered state, at several moments.
fn fits(space: &Space) -> Option<Result<(), String>> {
    let model = space.model();
    if model.energy.is_none() || model.baths.is_empty() {
        return None;
    }
    if let Some(channel) = model.channels.iter().find(|channel| channel.reverse.is_none() || channel.bath.is_none()) {
        let what = if channel.reverse.is_none() { "goes one way, so that its heat is infinite" } else { "names no bath" };
        return Some(Err(format!("`{}` {what}", channel.name)));
    }
    let temperatures: Vec<f64> = model.baths.iter().map(|(_, node)| space.evaluate(*node, &[], 0.0)).collect();
    for time in space.moments() {
        let rates = space.rates_at(time);
        let energies: Vec<f64> = space.points.iter().map(|point| space.energy(point, time).unwrap_or(f64::NAN)).collect();
        let drives: Vec<f64> = model.channels.iter().map(|channel| channel.drive.map_or(0.0, |node| space.evaluate(node, &[], time))).collect();
        for (k, &channel) in space.channel.iter().enumerate() {
            let (from, to) = (space.chain.from[k] as usize, space.chain.to[k] as usize);
            let back = space.reverse[k].map_or(0.0, |back| rates[back]);
            if rates[k] == 0.0 && back == 0.0 {
                continue;
            }
            let heat = temperatures[model.channels[channel].bath.unwrap_or(0)] * (rates[k] / back).ln();
            let expected = drives[channel] - (energies[to] - energies[from]);
            let size = temperatures[0].max(energies[to].abs()).max(energies[from].abs()).max(drives[channel].abs());
            if !((heat - expected).abs() <= ROUNDING * size) {
                let name = &model.channels[channel].name;
                let state = state_name(model, &space.points[from]);
                return Some(Err(format!("`{name}` from {state} at t = {time:.4} gives T ln(w/w') = {heat:.6}, but drive − energy change is {expected:.6}")));
            }
        }
    }
    Some(Ok(()))
}

/// A state in words.
fn state_name(model: &JumpModel, point: &[f64]) -> String {
    match &model.states {
        Some(states) => format!("`{}`", states[point[0] as usize]),
        None => model.coordinates.iter().zip(point).map(|(species, n)| format!("{} = {n}", species.name)).collect::<Vec<_>>().join(", "),
    }
}

/// Boltzmann's law of the declared energies at a time, with the free energy; `None` where the states that were numbered are not all that have weight.
fn boltzmann(space: &Space, time: f64, temperature: f64) -> Option<Equilibrium> {
    let exponents: Vec<f64> = space.points.iter().map(|point| Some(-space.energy(point, time)? / temperature)).collect::<Option<_>>()?;
    let largest = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = exponents.iter().map(|exponent| (exponent - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let law: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
    let rates = space.rates_at(time);
    let traffic: f64 = rates.iter().zip(&space.chain.from).map(|(rate, from)| rate * law[*from as usize]).sum();
    let covered = space.is_whole() || space.leak(&law, time) <= LEAK * traffic;
    (covered && sum.is_finite()).then_some(Equilibrium { law, free_energy: -temperature * (largest + sum.ln()) })
}

impl Balance {
    /// Of a model, its numbered states, and the law it starts from.
    pub(super) fn of(experiment: &Experiment, space: &Space, first: Option<&[f64]>) -> Self {
        let fits = fits(space);
        let equilibria = Self::equilibria(experiment, space, first, &fits);
        Self { equilibria, fits }
    }

    fn equilibria(experiment: &Experiment, space: &Space, first: Option<&[f64]>, fits: &Option<Result<(), String>>) -> Result<[Equilibrium; 2], String> {
        let model = space.model();
        match fits {
            None => {
                return Err(
                    "it needs energies and a temperature: give `energies` and `temperature` in [model], and reactions or edges by `rate`; or try `integral_total`"
                        .to_owned(),
                );
            }
            Some(Err(reason)) => return Err(format!("rates and energies do not fit: {reason}; give the reaction or edge by `rate`, or correct its `drive`")),
            Some(Ok(())) if !model.interventions.is_empty() => return Err("events set counts from outside, which is no work that the books know".to_owned()),
            Some(Ok(())) => {}
        }
        let temperatures: Vec<f64> = model.baths.iter().map(|(_, node)| space.evaluate(*node, &[], 0.0)).collect();
        let temperature = temperatures[0];
        if temperatures.iter().any(|other| *other != temperature) {
            return Err("it needs one temperature; with several baths try `integral_total`".to_owned());
        }
        let ends = [0.0, experiment.protocol.duration].map(|time| boltzmann(space, time, temperature));
        let [Some(start), Some(end)] = ends else {
            return Err("the states that have weight in equilibrium are too many to sum over".to_owned());
        };
        match first {
            Some(first) if total_variation(first, &start.law) <= ROUNDING => Ok([start, end]),
            _ => Err(
                "the start is not the equilibrium of the declared energies, Boltzmann's law (in a steady state drives or chemostats do work); set `initial.distribution = \"equilibrium\"` without drives, put what chemostats do into the energies, or try `integral_total`"
                    .to_owned(),
            ),
        }
    }
}

/// Half the sum of the differences of two laws.
fn total_variation(left: &[f64], right: &[f64]) -> f64 {
    0.5 * left.iter().zip(right).map(|(a, b)| (a - b).abs()).sum::<f64>()
}

/// Refuses energies that no one free energy can stand for, and drives that move.
pub(super) fn refuse(experiment: &Experiment, model: &JumpModel, space: &Space, balance: &Balance) -> Result<(), SimulationError> {
    let temperatures: Vec<f64> = model.baths.iter().map(|(_, node)| space.evaluate(*node, &[], 0.0)).collect();
    if let (Some(_), Some(Err(reason)), true) = (&model.mixing, &balance.fits, temperatures.iter().any(|t| *t != temperatures[0]))
        && model.channels.iter().all(|channel| channel.reverse.is_some())
    {
        return Err(SimulationError::Books(format!(
            "{reason}: baths of different temperature change the same species, and each would count its T ln n! at its own temperature, so there is no energy of a state; keep such species at one molecule, give one temperature, or give bare rates without `energies`"
        )));
    }
    let moving = |node| {
        let value = |time: f64| space.evaluate(node, &[], time);
        let first = value(space.moments()[0]);
        space.moments().into_iter().any(|time| value(time) != first)
    };
    if let Some(channel) = model.channels.iter().find(|channel| channel.drive.is_some_and(moving)) {
        return Err(SimulationError::Books(format!(
            "the drive of `{}` moves with the protocol, and work is counted event by event at one value; move the energies instead, or let each value of the drive be a run of its own",
            channel.name
        )));
    }
    let asked = experiment.measure.theorems.iter().find(|name| THEOREMS.contains(&name.as_str()));
    match (asked, &balance.equilibria) {
        (Some(theorem), Err(reason)) => Err(TheoremError::OutOfScope { theorem: theorem.clone(), reason: reason.clone() }.into()),
        _ => Ok(()),
    }
}

impl Question<'_> {
    /// The exact free energy difference, and where it comes from.
    pub(super) fn free_energy(&self) -> Option<(f64, String)> {
        let [first, last] = self.balance.equilibria.as_ref().ok()?;
        Some((last.free_energy - first.free_energy, format!("sum over {} states", first.law.len())))
    }

    /// Mean energy change and work, where the books close on every channel.
    pub(super) fn energies_into(&self, first: &[f64], flows: &known::Flows, values: &mut Values) {
        let energy = |law: &[f64], time: f64| average(law, |i| self.space.energy(&self.space.points[i], time).unwrap_or(f64::NAN));
        let source = &flows.source();
        if self.model.energy.is_some() {
            let change = energy(&flows.last, self.experiment.protocol.duration) - energy(first, 0.0);
            know(values, "energy_change", change, source);
            if let Some(Ok(())) = self.balance.fits {
                let heat: f64 = self.temperatures().iter().zip(&flows.of_bath).map(|(temperature, entropy)| temperature * entropy).sum();
                know(values, "heat", heat, source);
                know(values, "work", change + heat, source);
            }
        }
        if let Some((difference, source)) = self.free_energy() {
            values.insert("delta_F".to_owned(), (difference, source));
        }
    }

    /// Energies at a moment, of any state: from a table, and by the formula where a trajectory leaves the numbered states.
    pub(super) fn energy_at(&self, time: f64) -> Option<OwnedStateFunction> {
        let nodes = self.model.energy.clone()?;
        let values: Vec<f64> = self.space.points.iter().map(|point| self.space.energy(point, time)).collect::<Option<_>>()?;
        let known = lookup(&Arc::new(self.space.numbers()), values);
        if self.model.states.is_some() || self.space.is_whole() {
            return Some(known);
        }
        let mixing = self.mixing();
        let graph = self.experiment.graph.clone();
        let parameters: Vec<f64> = self.experiment.parameters.iter().map(|parameter| parameter.value).collect();
        let protocol = self.experiment.protocol_at(time);
        let formula = move |point: &[f64]| {
            graph.evaluate(nodes[0], &|symbol| match symbol {
                Symbol::Coordinate(i) => point.get(usize::from(i)).copied().unwrap_or(f64::NAN),
                Symbol::Parameter(i) => parameters[usize::from(i)],
                Symbol::Protocol(i) => protocol[usize::from(i)],
                Symbol::Time => time,
                _ => f64::NAN,
            })
        };
        Some(Box::new(move |point: &[f64]| {
            let value = known(point);
            if value.is_nan() { formula(point) + mixing.as_ref().map_or(0.0, |mixing| mixing(point)) } else { value }
        }))
    }

    /// `Σ T_i ln n_i!`, where it is part of the energy.
    pub(super) fn mixing(&self) -> Option<OwnedStateFunction> {
        let temperatures: Vec<f64> = self.model.mixing.as_ref()?.iter().map(|node| self.space.evaluate(*node, &[], 0.0)).collect();
        Some(Box::new(move |point: &[f64]| temperatures.iter().zip(point).map(|(temperature, n)| temperature * ln_gamma(n + 1.0)).sum()))
    }
}

/// The reversed ensemble of the work theorems: from equilibrium at the end.
pub(super) fn reversed(simulation: &Simulation, question: &Question) -> Result<Option<Beside>, SimulationError> {
    if !THEOREMS.iter().any(|name| simulation.needs_reverse(name)) {
        return Ok(None);
    }
    if simulation.needs_reverse("detailed_total") {
        return Err(TheoremError::OutOfScope {
            theorem: "detailed_total".to_owned(),
            reason: "its reversed run starts from the law at the end, that of the work theorems from equilibrium; ask for one of them at a time".to_owned(),
        }
        .into());
    }
    let Ok([_, last]) = &question.balance.equilibria else { return Ok(None) };
    reversed_from(question, &last.law, None).map(Some)
}

/// What a warning says of books that do not close, where every channel has a reverse and a bath.
pub(super) fn advice(model: &JumpModel, balance: &Balance) -> Option<String> {
    let Some(Err(reason)) = &balance.fits else { return None };
    let complete = model.channels.iter().all(|channel| channel.reverse.is_some() && channel.bath.is_some());
    complete.then(|| format!("rates and energies do not fit, so work and heat do not add up to the energy change: {reason}"))
}
