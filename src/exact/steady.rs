//! The steady state of two coordinates with any forces: its law as a table, its currents, and means with their numerical errors.

use super::ExactError;
use super::fokker_planck::{Ends, Numeric};
use super::mesh::{Axis, Forces, Mesh, Quantity};
use super::plane::CellAverages;
use super::quadrature::{NODES, WEIGHTS};
use super::refinement::extrapolate;
use crate::surface::Surface;

/// Cells along every coordinate.
const CELLS: [usize; 4] = [24, 48, 96, 192];
/// Relative rounding of what is solved on them.
const ROUNDING: f64 = 1e-13;
/// Largest change of `ln p` by the last refinement, on average over the law, that still is one.
const RESOLVED: f64 = 0.02;

/// A steady state of two coordinates.
#[derive(Clone, Debug)]
pub struct Steady {
    /// Density.
    pub law: Surface,
    /// Change of `ln p` by the last refinement, on average over the law: more than the error that is left.
    pub error: f64,
    means: Vec<(Quantity, Numeric)>,
    /// Probability current along both coordinates, at the nodes of the table of the law.
    current: [Vec<f64>; 2],
}

/// A table over a rectangle, row after row of the second coordinate; of a periodic coordinate both ends are nodes.
#[derive(Clone)]
pub(super) struct Table {
    nodes: [usize; 2],
    periodic: [bool; 2],
    values: Vec<f64>,
}

impl Steady {
    /// The steady state in a rectangle that holds it; see [`super::extent`].
    ///
    /// # Errors
    /// Where formulas have no finite values, or [`ExactError::Unresolved`] where the finest grid does not show the law.
    pub fn new(axes: [Axis; 2], forces: &Forces<'_>) -> Result<Self, ExactError> {
        let (mut names, mut tables) = (Vec::new(), Vec::new());
        let found = extrapolate(&CELLS, ROUNDING, |cells| {
            let mesh = Mesh::new(&axes, forces, cells)?;
            let law = mesh.stationary()?;
            let (quantities, values): (Vec<Quantity>, Vec<f64>) = mesh.means(&law).into_iter().unzip();
            names = quantities;
            tables.push(Table::closed(&axes, cells, mesh.logarithms(&law)));
            Ok::<_, ExactError>(values)
        })?;
        let (law, table, error) = refine(&axes, &tables)?;
        let current = [0, 1].map(|axis| table.current(axis, &law, forces));
        Ok(Self { law, error, means: names.into_iter().zip(found).collect(), current })
    }

    /// The mean of a quantity.
    pub fn mean(&self, quantity: Quantity) -> Option<Numeric> {
        self.means.iter().find(|(name, _)| *name == quantity).map(|(_, mean)| *mean)
    }

    /// Averages of density and current over cells between edges; `swapped` where the first edges are those of the second coordinate.
    pub fn averages(&self, edges: [&[f64]; 2], swapped: bool) -> CellAverages {
        let cells = (edges[0].len() - 1) * (edges[1].len() - 1);
        let mut all = CellAverages { density: Vec::with_capacity(cells), current: [Vec::with_capacity(cells), Vec::with_capacity(cells)] };
        let average = |a: &[f64], b: &[f64], value: &dyn Fn([f64; 2]) -> f64| -> f64 {
            let points = NODES.iter().zip(WEIGHTS).flat_map(|u| NODES.iter().zip(WEIGHTS).map(move |v| (u, v)));
            let at = |edges: &[f64], place: f64| edges[0] + place * (edges[1] - edges[0]);
            let term = |((u, wu), (v, wv)): ((&f64, f64), (&f64, f64))| {
                let (x, y) = (at(a, *u), at(b, *v));
                wu * wv * value(if swapped { [y, x] } else { [x, y] })
            };
            points.map(term).sum()
        };
        for a in edges[0].windows(2) {
            for b in edges[1].windows(2) {
                all.density.push(average(a, b, &|x| self.law.pdf(x)));
                for axis in 0..2 {
                    let table = &self.current[if swapped { 1 - axis } else { axis }];
                    all.current[axis].push(average(a, b, &|x| self.law.interpolated(table, x).unwrap_or(0.0)));
                }
            }
        }
        all
    }
}

/// The density that tables of `ln p` on finer and finer grids tend to, its logarithm on its nodes, and the last correction of `ln p`, on average over the law.
///
/// # Errors
/// [`ExactError::Unresolved`] where that is none any more.
pub(super) fn refine(axes: &[Axis; 2], tables: &[Table]) -> Result<(Surface, Table, f64), ExactError> {
    let [.., coarse, fine] = tables else { return Err(ExactError::Unresolved { cells: 0 }) };
    let (refined, error) = fine.refined_by(coarse, 4.0);
    if !(error <= RESOLVED) {
        return Err(ExactError::Unresolved { cells: fine.nodes[0] - 1 });
    }
    let table = refined.doubled(0).doubled(1);
    let ranges = [0, 1].map(|k| (axes[k].lower, axes[k].upper));
    let law = Surface::new(ranges, table.nodes, table.values.iter().map(|logarithm| logarithm.exp()).collect())?;
    Ok((law, table, error))
}

impl Table {
    pub(super) fn closed(axes: &[Axis; 2], cells: usize, values: Vec<f64>) -> Self {
        let periodic = [0, 1].map(|k| axes[k].ends == Ends::Periodic);
        let row = if periodic[1] { cells } else { cells + 1 };
        let rows = values.len() / row;
        let closed = (0..=cells).flat_map(|i| (0..=cells).map(move |j| (i % rows) * row + j % row)).map(|k| values[k]).collect();
        Self { nodes: [cells + 1; 2], periodic, values: closed }
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.nodes[1] + j]
    }

    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// The table on every other node along both coordinates.
    pub(super) fn every_other(&self) -> Self {
        let nodes = self.nodes.map(|nodes| nodes / 2 + 1);
        let values = (0..nodes[0]).flat_map(|i| (0..nodes[1]).map(move |j| (i, j))).map(|(i, j)| self.at(2 * i, 2 * j)).collect();
        Self { nodes, periodic: self.periodic, values }
    }

    /// Richardson's step with a table on every other node that errs `factor` times as much; between its nodes the correction, which is smooth, is interpolated.
    /// And the size of the correction, on average over the law.
    pub(super) fn refined_by(&self, coarse: &Self, factor: f64) -> (Self, f64) {
        let correction = |i: usize, j: usize| (self.at(2 * i, 2 * j) - coarse.at(i, j)) / (factor - 1.0);
        let between = |i: usize, j: usize| {
            let ((i, u), (j, v)) = ((i / 2, i % 2), (j / 2, j % 2));
            0.25 * (correction(i, j) + correction(i + u, j) + correction(i, j + v) + correction(i + u, j + v))
        };
        let largest = self.values.iter().fold(f64::NEG_INFINITY, |largest, value| largest.max(*value));
        let (mut refined, mut total, mut weight) = (self.clone(), 0.0, 0.0);
        for (k, value) in refined.values.iter_mut().enumerate() {
            let change = between(k / self.nodes[1], k % self.nodes[1]);
            let share = (*value - largest).exp();
            (total, weight) = (total + share * change.abs(), weight + share);
            // Where a grid is so coarse that this is no small correction, there is next to no weight; a smooth limit keeps the table smooth in place and protocol.
            *value += change / (1.0 + change.powi(4)).sqrt().sqrt();
        }
        (refined, total / weight)
    }

    /// Where the lines along a coordinate start, and the step along them.
    fn lines(&self, axis: usize) -> (Vec<usize>, usize) {
        let row = self.nodes[1];
        if axis == 0 { ((0..row).collect(), row) } else { ((0..self.nodes[0]).map(|i| i * row).collect(), 1) }
    }

    /// A line with two more values at both ends: round a period, or by cubics.
    fn padded(&self, axis: usize, start: usize, step: usize) -> Vec<f64> {
        let last = self.nodes[axis] + 1;
        let mut line = vec![0.0; 2];
        line.extend((0..self.nodes[axis]).map(|k| self.values[start + k * step]));
        line.extend([0.0; 2]);
        let cubic = |v: [f64; 4]| 4.0 * v[0] - 6.0 * v[1] + 4.0 * v[2] - v[3];
        for beyond in 1..=2 {
            let (low, high) = (2 - beyond, last + beyond);
            (line[low], line[high]) = if self.periodic[axis] {
                (line[last - beyond], line[2 + beyond])
            } else {
                (cubic([1, 2, 3, 4].map(|k| line[low + k])), cubic([1, 2, 3, 4].map(|k| line[high - k])))
            };
        }
        line
    }

    /// With one more node in every middle along a coordinate, by cubics.
    fn doubled(&self, axis: usize) -> Self {
        let mut nodes = self.nodes;
        nodes[axis] = 2 * nodes[axis] - 1;
        let mut doubled = Self { nodes, periodic: self.periodic, values: vec![0.0; nodes[0] * nodes[1]] };
        let ((starts, step), (new_starts, new_step)) = (self.lines(axis), doubled.lines(axis));
        for (start, new_start) in starts.into_iter().zip(new_starts) {
            let line = self.padded(axis, start, step);
            for (k, around) in line[1..line.len() - 1].windows(4).enumerate() {
                doubled.values[new_start + 2 * k * new_step] = around[1];
                doubled.values[new_start + (2 * k + 1) * new_step] = (9.0 * (around[1] + around[2]) - around[0] - around[3]) / 16.0;
            }
            doubled.values[new_start + (nodes[axis] - 1) * new_step] = line[line.len() - 3];
        }
        doubled
    }

    /// The current `D p (g − ∂ ln p)` along a coordinate, `g` the thermodynamic force, from a table of `ln p`.
    fn current(&self, axis: usize, law: &Surface, forces: &Forces<'_>) -> Vec<f64> {
        let (starts, step) = self.lines(axis);
        let spacing = law.spacing(axis);
        let mut current = vec![0.0; self.values.len()];
        for start in starts {
            for (k, around) in self.padded(axis, start, step).windows(5).enumerate() {
                let node = start + k * step;
                let place = [node / self.nodes[1], node % self.nodes[1]];
                let x = [0, 1].map(|axis| law.range(axis).0 + place[axis] as f64 * law.spacing(axis));
                let slope = (8.0 * (around[3] - around[1]) - around[4] + around[0]) / (12.0 * spacing);
                current[node] = (forces.diffusion)(axis, &x) * law.pdf(x) * ((forces.thermodynamic)(axis, &x) - slope);
            }
        }
        current
    }
}

#[cfg(test)]
mod tests;
