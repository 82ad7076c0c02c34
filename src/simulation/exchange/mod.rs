//! Rods of cells that exchange energy, made ready to run.

mod known;
mod opening;

use std::collections::BTreeMap;

use super::answers::Answers;
use super::{Simulation, SimulationError};
use crate::coordinate::FieldGrid;
use crate::exact::exchange::{Rod, Stretch};
use crate::experiment::Experiment;
use crate::experiment::exchange::{Contact, ENDS, ExchangeModel};
use crate::plan::{Dynamics, Exchange, Plan, Start as PlanStart, bond_rates, compile_exchange, temperatures};
use crate::thermodynamics::observables::{ExchangeLedger, Names};
use crate::thermodynamics::theorems::{Facts, Start, TheoremError};

use opening::Opening;

/// Cells up to which all pairs have their covariance measured; in longer rods neighbours do, and both ends.
const ALL_PAIRS: usize = 16;
/// Cells up to which every cell has a histogram at every save.
const MOST_FIELDS: usize = 16;
/// Bins of such a histogram, and where it ends in units of the largest mean: beyond are `e⁻⁸` of an exponential law.
const BINS: u32 = 64;
const REACH: f64 = 8.0;

/// A rod, its plan and its start.
struct Question<'a> {
    experiment: &'a Experiment,
    model: &'a ExchangeModel,
    rod: &'a Rod,
    plan: &'a Plan,
    exchange: &'a Exchange,
    opening: &'a Opening,
}

/// Compiles an experiment, finds its start and everything exact about it, and refuses theorems that do not apply.
pub(super) fn prepare(experiment: Experiment, model: &ExchangeModel) -> Result<Simulation, SimulationError> {
    let rod = Rod { rates: bond_rates(&experiment, model), resample: model.contact == Contact::Resample };
    let opening = opening::opening(&experiment, model, &rod)?;
    let start = PlanStart { initial: opening.initial.clone(), relaxation_steps: opening.relaxation_steps };
    let mut plan = compile_exchange(&experiment, model, start)?;
    let Dynamics::Exchange(exchange) = plan.dynamics.clone() else {
        return Err(SimulationError::Start("not the plan of a rod".to_owned()));
    };
    plan.fields = fields(&experiment, &plan, &opening);
    let question = Question { experiment: &experiment, model, rod: &rod, plan: &plan, exchange: &exchange, opening: &opening };
    let end = question.end();
    let mut answers = question.answer(&end);
    let facts = question.facts();
    let accounts = question.accounts(&end);
    let mut warnings = experiment.warnings.clone();
    warnings.extend(opening.warning(&plan)?);
    warnings.append(&mut answers.warnings);
    let time = experiment.protocol.duration + opening.relaxation_steps as f64 * experiment.ensemble.dt;
    let simulation = Simulation {
        accounts: Box::new(accounts),
        reverse: None,
        halved: None,
        relaxed_for: opening.relaxation_steps as f64 * experiment.ensemble.dt,
        finer: None,
        answers,
        facts,
        family: 0,
        circuit: None,
        expected_work: Some((exchange.total() * time).max(1.0)),
        warnings,
        start: opening.description.clone(),
        plan,
        experiment,
    };
    for name in ["crooks", "jarzynski"] {
        if simulation.experiment.measure.theorems.iter().any(|asked| asked == name) {
            let reason = "nothing does work on a rod of cells: all energy comes and goes as heat; leave it out of `measure.theorems`".to_owned();
            return Err(TheoremError::OutOfScope { theorem: name.to_owned(), reason }.into());
        }
    }
    simulation.check_scope()?;
    Ok(simulation)
}

/// A histogram of every cell, as asked for or up to where hardly anything is beyond.
fn fields(experiment: &Experiment, plan: &Plan, opening: &Opening) -> Vec<FieldGrid> {
    let cells = plan.coordinates.len();
    let temperatures = plan.uniforms.rows.iter().chain(&plan.uniforms.resting).copied();
    let highest = (0..cells).map(|i| opening.moments.energies(&[(i, 1.0)]).0).chain(temperatures).fold(0.0, f64::max);
    let asked = |i: usize| experiment.measure.grids.iter().find(|grid| usize::from(grid.coordinate) == i).cloned();
    let default = |i: usize| (cells <= MOST_FIELDS).then_some(FieldGrid { coordinate: i as u16, lower: 0.0, upper: REACH * highest, bins: BINS });
    (0..cells).filter_map(|i| asked(i).or_else(|| default(i))).collect()
}

impl Question<'_> {
    fn cells(&self) -> usize {
        self.model.cells.len()
    }

    fn duration(&self) -> f64 {
        self.experiment.protocol.duration
    }

    /// Bonds of the baths that there are, and their names.
    fn ends(&self) -> Vec<(usize, &'static str)> {
        let bonds = [0, self.cells()];
        (0..2).filter(|&end| self.model.temperature[end].is_some()).map(|end| (bonds[end], ENDS[end])).collect()
    }

    /// Temperatures of those baths at the start.
    fn temperatures(&self) -> Vec<f64> {
        let both = temperatures(self.experiment, self.model, &self.experiment.protocol_at(0.0));
        (0..2).filter(|&end| self.model.temperature[end].is_some()).map(|end| both[end]).collect()
    }

    /// The one temperature, where both baths have the same and it does not move.
    fn single_temperature(&self) -> Option<f64> {
        let all = self.temperatures();
        all.first().copied().filter(|first| self.exchange.steady && all.iter().all(|t| t == first))
    }

    /// Its temperature, where the run starts in equilibrium and stays there.
    fn equilibrium(&self) -> Option<f64> {
        self.single_temperature().filter(|_| self.opening.kind == Start::Equilibrium)
    }

    /// Temperatures of the baths along the run, as the kernels see them.
    fn stretches(&self) -> Vec<Stretch> {
        let of_row = |row: &[f64], duration: f64| {
            // An insulated end has rate 0 and no temperature.
            let sound = |t: f64| if t > 0.0 { t } else { 1.0 };
            Stretch { duration, from: [sound(row[0]), sound(row[2])], to: [sound(row[1]), sound(row[3])] }
        };
        if self.exchange.steady {
            return vec![of_row(self.plan.uniforms.row(0), self.duration())];
        }
        let clock = self.exchange.clock;
        (0..clock.segments).map(|segment| of_row(self.plan.uniforms.row(segment), clock.length)).collect()
    }

    /// Pairs of cells, counted from 0, whose covariance is measured.
    fn pairs(&self) -> Vec<(usize, usize)> {
        let n = self.cells();
        if n <= ALL_PAIRS {
            return (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).collect();
        }
        (1..n).map(|j| (j - 1, j)).chain([(0, n - 1)]).collect()
    }

    /// The bonds that are there, numbered from that of the first bath.
    fn bonds(&self) -> Vec<(usize, String)> {
        let ends = self.ends();
        let there = |bond: usize| (bond > 0 && bond < self.cells()) || ends.iter().any(|(end, _)| *end == bond);
        self.model.bonds().into_iter().enumerate().filter(|(bond, _)| there(*bond)).collect()
    }

    fn names(&self) -> Names {
        let ends = self.ends();
        let cell = |i: usize| &self.model.cells[i].name;
        Names {
            baths: if ends.len() > 1 { ends.iter().map(|(_, name)| (*name).to_owned()).collect() } else { Vec::new() },
            cells: self.model.cells.iter().map(|cell| cell.name.clone()).collect(),
            bonds: self.bonds().into_iter().map(|(_, name)| name).collect(),
            pairs: self.pairs().into_iter().map(|(i, j)| format!("{}.{}", cell(i), cell(j))).collect(),
            ..Names::default()
        }
    }

    fn accounts(&self, end: &crate::exact::exchange::Moments) -> ExchangeLedger {
        ExchangeLedger {
            columns: self.plan.columns.clone(),
            names: self.names(),
            cells: self.cells(),
            ends: self.ends().into_iter().map(|(bond, _)| bond).collect(),
            temperatures: self.exchange.steady.then(|| self.temperatures()),
            duration: self.duration(),
            means: (0..self.cells()).map(|i| end.energies(&[(i, 1.0)]).0).collect(),
            pairs: self.pairs(),
            equilibrium: self.equilibrium(),
        }
    }

    fn facts(&self) -> Facts {
        let system_entropy = match self.equilibrium() {
            Some(_) => Ok("independent exponential energies: equilibrium".to_owned()),
            None => Err("p of a rod is known in equilibrium only; leave the theorem out of `measure.theorems`".to_owned()),
        };
        Facts {
            steady_states: Ok(()),
            jumps: true,
            empty_states_at_start: false,
            canonical: Ok(()),
            odd: None,
            parity: Ok(()),
            unseen_variances: Default::default(),
            single_temperature: self.single_temperature(),
            delta_free_energy: None,
            start: self.opening.kind,
            protocol_moves: !self.exchange.steady,
            has_drives: false,
            path_ledger: Ok(()),
            system_entropy,
            duration: self.duration(),
            // The first law holds to rounding.
            quadratic_potential: true,
            unit_roundoff: f64::EPSILON / 2.0,
            exponential_variances: BTreeMap::new(),
        }
    }

    fn answer(&self, end: &crate::exact::exchange::Moments) -> Answers {
        let mut answers = Answers::default();
        known::fill(self, end, &mut answers.values);
        answers.closed_forms(self.experiment, 1e-6);
        answers
    }

    /// Moments at the end of the run.
    fn end(&self) -> crate::exact::exchange::Moments {
        let mut moments = self.opening.moments.clone();
        self.rod.evolve(&mut moments, &self.stretches());
        moments
    }
}
