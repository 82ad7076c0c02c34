//! From batches to statistics.

use std::sync::Arc;

use super::langevin::Ends;
use super::law::Law;
use super::surprise::{Moves, SteadyStates};
use crate::backend::Batch;
use crate::model::System;
use crate::plan::{Column, Plan};
use crate::statistics::{FieldLayout, Fields, Plane, PlaneLayout, Scalars, Series, StatisticsError, Tallies};
use crate::thermodynamics::estimates::covariance_pairs;
use crate::thermodynamics::observables::{Accounts, Bath, Ledger, Named, StateFunction, SurpriseEnds, SurpriseMoves};
use crate::thermodynamics::theorems::{Facts, PAIRS, scalar_specs};

/// Turns the batches of one ensemble into statistics.
pub(super) struct Gatherer<'a> {
    plan: &'a Plan,
    accounts: &'a dyn Accounts,
    facts: &'a Facts,
}

/// What one ensemble adds up to.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    pub(super) observables: Vec<Named>,
    pub(super) scalars: Scalars,
    pub(super) series: Series,
    pub(super) fields: Fields,
    pub(super) tallies: Tallies,
    pub(super) plane: Option<Plane>,
    /// End values of every trajectory, in the order of the columns and then of the observables, where they are wanted.
    pub(super) kept: Option<Vec<Vec<f64>>>,
}

impl<'a> Gatherer<'a> {
    pub(super) fn new(plan: &'a Plan, accounts: &'a dyn Accounts, facts: &'a Facts) -> Self {
        Self { plan, accounts, facts }
    }

    /// Nothing seen yet.
    pub(super) fn empty(&self, keep: bool) -> Gathered {
        let observables = self.accounts.observables();
        let saves = self.plan.schedule.saves();
        let layouts = self.plan.fields.iter().map(|grid| {
            let ends = self.plan.coordinates[usize::from(grid.coordinate)].boundary;
            FieldLayout::new(grid, ends.period().is_some() && ends.ends() == Some((grid.lower, grid.upper)))
        });
        let covariances = covariance_pairs(&observables).into_iter().map(|(left, right, _)| (left, right));
        let pairs: Vec<(&str, &str)> = PAIRS.iter().copied().chain(covariances).collect();
        Gathered {
            scalars: Scalars::new(self.plan.block, scalar_specs(&observables, self.facts), &pairs),
            series: Series::new(self.plan.block, saves, self.plan.series.len()),
            fields: Fields::new(self.plan.block, saves, layouts.collect()),
            tallies: Tallies::new(self.plan.block, self.plan.tallies()),
            plane: self.plan.plane.as_ref().map(|grid| Plane::new(PlaneLayout::new(grid, self.plan.block, self.plan.schedule.dt))),
            kept: keep.then(|| vec![Vec::new(); self.plan.columns.len() + observables.len()]),
            observables,
        }
    }
}

impl Gathered {
    /// Adds a batch.
    pub(super) fn absorb(&mut self, gatherer: &Gatherer<'_>, batch: &Batch) -> Result<(), StatisticsError> {
        let scalars = gatherer.accounts.compute(&batch.columns);
        self.scalars.absorb(batch.first, &scalars)?;
        self.series.absorb(batch)?;
        self.fields.absorb(batch)?;
        self.tallies.absorb(batch)?;
        if let Some(plane) = &mut self.plane {
            plane.absorb(batch)?;
        }
        let column = |wanted: Column| gatherer.plan.columns.iter().position(|c| *c == wanted).map(|index| batch.columns[index].as_slice());
        for (index, grid) in gatherer.plan.fields.iter().enumerate() {
            let i = grid.coordinate;
            if let (Some(initial), Some(position)) = (column(Column::Initial(i)), column(Column::Position(i))) {
                let winding = gatherer.plan.coordinates[usize::from(i)].boundary.period().and_then(|_| column(Column::Winding(i)));
                self.fields.absorb_ends(index, batch.first, (initial, position), winding)?;
            }
        }
        if let Some(kept) = &mut self.kept {
            for (all, part) in kept.iter_mut().zip(batch.columns.iter().chain(&scalars)) {
                all.extend(part);
            }
        }
        Ok(())
    }

    /// Whether no trajectory was seen.
    pub(super) fn is_empty(&self) -> bool {
        self.scalars.trajectories() + self.scalars.nonfinite() == 0
    }
}

/// The books of a Langevin ensemble.
pub(super) struct LangevinAccounts {
    system: Arc<System>,
    columns: Vec<Column>,
    baths: Vec<Bath>,
    ends: Ends,
    start_law: Option<Law>,
    end_law: Option<Law>,
    periods: Vec<Option<f64>>,
    duration: f64,
    steady_states: Option<SteadyStates>,
    steady: bool,
}

impl LangevinAccounts {
    /// `ends` are those of the ensemble's own direction of time.
    pub(super) fn new(system: &Arc<System>, plan: &Plan, baths: &[Bath], ends: &Ends, start_law: Option<Law>, end_law: Option<Law>) -> Self {
        let periods = system.boundaries.iter().map(|boundary| boundary.period()).collect();
        let duration = plan.schedule.steps as f64 * plan.schedule.dt;
        Self {
            duration,
            system: Arc::clone(system),
            columns: plan.columns.clone(),
            baths: baths.to_vec(),
            ends: ends.clone(),
            start_law,
            end_law,
            periods,
            steady_states: None,
            steady: false,
        }
    }

    /// The same with the steady states along the protocol; `steady` for a run that stays in one.
    pub(super) fn with_steady_states(self, steady_states: Option<SteadyStates>, steady: bool) -> Self {
        Self { steady_states, steady, ..self }
    }
}

impl Accounts for LangevinAccounts {
    fn evaluate(&self, columns: &[Vec<f64>]) -> Vec<(Named, Vec<f64>)> {
        let energy_start = |x: &[f64]| self.system.energy(x, &self.ends.first);
        let energy_end = |x: &[f64]| self.system.energy(x, &self.ends.last);
        let end_work = |x: &[f64]| self.system.potential(x, &self.ends.last) - self.system.potential(x, &self.ends.last_step);
        let log_start = self.start_law.as_ref().map(|law| move |x: &[f64]| law.ln_pdf(x));
        let log_end = self.end_law.as_ref().map(|law| move |x: &[f64]| law.ln_pdf(x));
        // Without one temperature for which Boltzmann's law stands still there is no work on the path ledger.
        let none = vec![f64::NAN; self.system.dimension()];
        let temperatures = if self.system.sums_medium_entropy() && self.system.single_temperature().is_none() { &none } else { &self.system.temperature };
        let ledger = Ledger {
            coordinates: &self.system.names,
            temperatures,
            masses: &self.system.mass,
            periods: &self.periods,
            baths: &self.baths,
            columns: &self.columns,
            duration: self.duration,
            energy_start: &energy_start,
            energy_end: &energy_end,
            log_density_start: log_start.as_ref().map(|f| f as StateFunction<'_>),
            log_density_end: log_end.as_ref().map(|f| f as StateFunction<'_>),
            surprise: self.steady_states.as_ref().map(surprise_ends),
            steady: self.steady,
            end_work: (self.ends.last != self.ends.last_step).then_some(&end_work as StateFunction<'_>),
        };
        ledger.evaluate(columns)
    }

    fn columns(&self) -> usize {
        self.columns.len()
    }
}

fn surprise_ends(steady: &SteadyStates) -> SurpriseEnds<'_> {
    let moves = match &steady.moves {
        Moves::None => SurpriseMoves::None,
        Moves::Work(inverse_temperature, free_energy) => SurpriseMoves::Work { inverse_temperature: *inverse_temperature, free_energy: *free_energy },
        Moves::Summed(end) => SurpriseMoves::Summed(end.as_ref().map(|function| &**function as StateFunction<'_>)),
    };
    SurpriseEnds { first: &*steady.first, last: &*steady.last, moves, flowless: steady.flowless }
}
