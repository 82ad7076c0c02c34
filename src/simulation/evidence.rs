//! From batches to statistics.

use super::Ends;
use super::law::Law;
use crate::backend::Batch;
use crate::model::System;
use crate::plan::{Column, Plan};
use crate::statistics::{FieldLayout, Fields, Scalars, Series, StatisticsError};
use crate::thermodynamics::observables::{Bath, Ledger, Named, StateFunction};
use crate::thermodynamics::theorems::{Facts, PAIRS, scalar_specs};

/// Turns the batches of one ensemble into statistics.
pub(super) struct Gatherer<'a> {
    system: &'a System,
    plan: &'a Plan,
    baths: &'a [Bath],
    ends: Ends,
    start_law: Option<&'a Law>,
    end_law: Option<&'a Law>,
    facts: &'a Facts,
    periods: Vec<Option<f64>>,
}

/// What one ensemble adds up to.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    pub(super) observables: Vec<Named>,
    pub(super) scalars: Scalars,
    pub(super) series: Series,
    pub(super) fields: Fields,
    /// End values of every trajectory, in the order of the columns and then of the observables, where they are wanted.
    pub(super) kept: Option<Vec<Vec<f64>>>,
}

impl<'a> Gatherer<'a> {
    pub(super) fn new(
        system: &'a System,
        plan: &'a Plan,
        baths: &'a [Bath],
        ends: &Ends,
        start_law: Option<&'a Law>,
        end_law: Option<&'a Law>,
        facts: &'a Facts,
    ) -> Self {
        let periods = system.boundaries.iter().map(|boundary| boundary.period()).collect();
        Self { system, plan, baths, ends: ends.clone(), start_law, end_law, facts, periods }
    }

    /// Calls `with` with the ledger of this ensemble.
    fn with_ledger<T>(&self, with: impl FnOnce(&Ledger<'_>) -> T) -> T {
        let energy_start = |x: &[f64]| self.system.potential(x, &self.ends.first);
        let energy_end = |x: &[f64]| self.system.potential(x, &self.ends.last);
        let end_work = |x: &[f64]| self.system.potential(x, &self.ends.last) - self.system.potential(x, &self.ends.last_step);
        let log_start = self.start_law.map(|law| move |x: &[f64]| law.ln_pdf(x));
        let log_end = self.end_law.map(|law| move |x: &[f64]| law.ln_pdf(x));
        with(&Ledger {
            coordinates: &self.system.names,
            temperatures: &self.system.temperature,
            periods: &self.periods,
            baths: self.baths,
            columns: &self.plan.columns,
            energy_start: &energy_start,
            energy_end: &energy_end,
            log_density_start: log_start.as_ref().map(|f| f as StateFunction<'_>),
            log_density_end: log_end.as_ref().map(|f| f as StateFunction<'_>),
            end_work: (self.ends.last != self.ends.last_step).then_some(&end_work as StateFunction<'_>),
        })
    }

    /// The observables this ensemble has.
    pub(super) fn observables(&self) -> Vec<Named> {
        self.with_ledger(|ledger| ledger.observables())
    }

    /// Nothing seen yet.
    pub(super) fn empty(&self, keep: bool) -> Gathered {
        let observables = self.observables();
        let saves = self.plan.schedule.saves();
        let layouts = self.plan.fields.iter().map(|grid| {
            let ends = self.plan.coordinates[usize::from(grid.coordinate)].boundary;
            FieldLayout::new(grid, ends.period().is_some() && ends.ends() == Some((grid.lower, grid.upper)))
        });
        Gathered {
            scalars: Scalars::new(self.plan.block, scalar_specs(&observables, self.facts), PAIRS),
            series: Series::new(self.plan.block, saves, self.plan.series.len()),
            fields: Fields::new(self.plan.block, saves, layouts.collect()),
            kept: keep.then(|| vec![Vec::new(); self.plan.columns.len() + observables.len()]),
            observables,
        }
    }
}

impl Gathered {
    /// Adds a batch.
    pub(super) fn absorb(&mut self, gatherer: &Gatherer<'_>, batch: &Batch) -> Result<(), StatisticsError> {
        let scalars = gatherer.with_ledger(|ledger| ledger.compute(&batch.columns));
        self.scalars.absorb(batch.first, &scalars)?;
        self.series.absorb(batch)?;
        self.fields.absorb(batch)?;
        let column = |wanted: Column| gatherer.plan.columns.iter().position(|c| *c == wanted).map(|index| batch.columns[index].as_slice());
        for (index, grid) in gatherer.plan.fields.iter().enumerate() {
            let i = grid.coordinate;
            if let (Some(initial), Some(position)) = (column(Column::Initial(i)), column(Column::Position(i))) {
                let winding = gatherer.periods[usize::from(i)].and_then(|_| column(Column::Winding(i)));
                self.fields.absorb_ends(index, initial, position, winding)?;
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
