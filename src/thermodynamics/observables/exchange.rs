//! From the columns of a rod of cells to totals.

use super::{Accounts, Named, Names, Totals, combine};
use crate::plan::{Column, JumpColumn};

/// What turns the columns of a rod into observables. `N` is the number of cells.
pub struct ExchangeLedger {
    /// Meaning of the columns of a batch.
    pub columns: Vec<Column>,
    /// Names of what comes more than once.
    pub names: Names,
    /// Number of cells.
    pub cells: usize,
    /// Which bonds are those of baths, in the order of the baths.
    pub ends: Vec<usize>,
    /// Temperatures of these baths, where they do not move.
    pub temperatures: Option<Vec<f64>>,
    /// Measured time.
    pub duration: f64,
    /// Exact mean energies of the cells at the end; length `N`.
    pub means: Vec<f64>,
    /// Pairs of cells whose covariance is measured, in the order of `names.pairs`.
    pub pairs: Vec<(usize, usize)>,
    /// The temperature of a run that starts in equilibrium and stays there: then `p` is known.
    pub equilibrium: Option<f64>,
}

impl ExchangeLedger {
    fn totals(&self, values: &[Vec<f64>]) -> Totals {
        let get = |wanted: Column| values.get(self.columns.iter().position(|column| *column == wanted)?);
        let jump = |wanted: JumpColumn| get(Column::Jump(wanted));
        let scaled = |column: Option<&Vec<f64>>, factor: f64| column.map(|values| values.iter().map(|value| factor * value).collect::<Vec<f64>>());
        let sum = |terms: &mut dyn Iterator<Item = Option<Vec<f64>>>| terms.reduce(|sum, more| combine(&sum, &more, |a, b| a + b)).flatten();
        let cells = 0..self.cells as u16;
        let at_end: Vec<Option<Vec<f64>>> = cells.clone().map(|i| get(Column::Position(i)).cloned()).collect();
        let crossed = |bond: usize| jump(JumpColumn::Crossed(bond as u16));
        let bath_heat: Vec<Option<Vec<f64>>> = self.ends.iter().map(|&bond| scaled(crossed(bond), if bond == 0 { -1.0 } else { 1.0 })).collect();
        let gained = |i: u16| combine(&get(Column::Position(i)).cloned(), &get(Column::Initial(i)).cloned(), |last, first| last - first);
        let energy_change = sum(&mut cells.clone().map(gained));
        let medium = match &self.temperatures {
            Some(temperatures) => sum(&mut bath_heat.iter().zip(temperatures).map(|(heat, t)| scaled(heat.as_ref(), 1.0 / t))),
            None => jump(JumpColumn::LogRatio(0)).cloned(),
        };
        let (first, last) = (self.ends.contains(&0), self.ends.contains(&self.cells));
        let bonds = (usize::from(!first)..=self.cells).filter(|bond| *bond < self.cells || last);
        let bond_flux: Vec<Option<Vec<f64>>> = bonds.map(|bond| scaled(crossed(bond), 1.0 / self.duration)).collect();
        let mean_flux = sum(&mut bond_flux.iter().cloned());
        Totals {
            work: energy_change.as_ref().map(|values| vec![0.0; values.len()]),
            heat: sum(&mut bath_heat.iter().cloned()),
            bath_heat,
            system: self.equilibrium.and_then(|temperature| scaled(energy_change.as_ref(), 1.0 / temperature)),
            energy_change,
            medium,
            single_temperature: self.equilibrium,
            activity: jump(JumpColumn::Activity).cloned(),
            energy: sum(&mut at_end.iter().cloned()),
            energy_averages: cells.map(|i| scaled(jump(JumpColumn::Integral(i)), 1.0 / self.duration)).collect(),
            products: self.pairs.iter().map(|&(i, j)| combine(&at_end[i], &at_end[j], |a, b| (a - self.means[i]) * (b - self.means[j]))).collect(),
            energies: at_end,
            flux: scaled(mean_flux.as_ref(), 1.0 / bond_flux.len().max(1) as f64),
            bond_flux,
            energy_residual: self.residual(values),
            ..Totals::default()
        }
    }

    /// How far the books of the cells are from balanced: `e_i(τ) − e_i(0)` less what came across its two bonds, the largest of all cells.
    fn residual(&self, values: &[Vec<f64>]) -> Option<Vec<f64>> {
        let get = |wanted: Column| values.get(self.columns.iter().position(|column| *column == wanted)?);
        let mut worst = vec![0.0f64; values.first().map_or(0, Vec::len)];
        for i in 0..self.cells as u16 {
            let (first, last) = (get(Column::Initial(i))?, get(Column::Position(i))?);
            let (came, went) = (get(Column::Jump(JumpColumn::Crossed(i)))?, get(Column::Jump(JumpColumn::Crossed(i + 1)))?);
            for (t, worst) in worst.iter_mut().enumerate() {
                let residual = (last[t] - first[t] - (came[t] - went[t])).abs();
                *worst = if residual.is_nan() { f64::NAN } else { worst.max(residual) };
            }
        }
        Some(worst)
    }
}

impl Accounts for ExchangeLedger {
    fn evaluate(&self, columns: &[Vec<f64>]) -> Vec<(Named, Vec<f64>)> {
        self.totals(columns).observables(&self.names)
    }

    fn columns(&self) -> usize {
        self.columns.len()
    }
}
