//! Density and probability current in the plane of two coordinates, from visits and displacements of every step in integers.
//!
//! A step of length `h` that ends at `x` is a visit of the cell of `x`, and its displacement belongs to the cell of its middle (Stratonovich):
//! `p = visits/(steps·area)` and `j = Σ Δ/(steps·h·area)`, averaged over the measured time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FieldLayout, Measured, StatisticsError, jackknife, same, same_length};
use crate::backend::Batch;
use crate::plan::PlaneGrid;

/// What the integers of a plane mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaneLayout {
    /// Grids of the two coordinates.
    pub axes: [FieldLayout; 2],
    /// What a displacement of 1 stands for along either coordinate.
    pub units: [f64; 2],
    /// Length of a step.
    pub dt: f64,
    /// Trajectories of a row.
    pub row: u64,
}

impl PlaneLayout {
    /// The layout of a plan's plane, its statistics blocks and its step.
    pub fn new(grid: &PlaneGrid, block: u64, dt: f64) -> Self {
        // Places outside of both coordinates share one cell: no axis is closed.
        Self { axes: [0, 1].map(|k| FieldLayout::new(&grid.axes[k], false)), units: grid.units, dt, row: (grid.blocks_per_row * block).max(1) }
    }

    /// Cells inside.
    pub fn cells(&self) -> usize {
        self.axes[0].bins * self.axes[1].bins
    }

    /// Area of a cell.
    pub fn area(&self) -> f64 {
        self.axes[0].width() * self.axes[1].width()
    }

    fn width(&self) -> usize {
        PlaneGrid::SUMS * (self.cells() + 1)
    }
}

/// The sums of a plane, one row of integers for some blocks of trajectories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plane {
    layout: PlaneLayout,
    /// `[cell][visits, displacement, displacement]`; the last cell is everything outside.
    rows: BTreeMap<u64, Vec<i64>>,
}

impl Plane {
    /// Nothing seen yet.
    pub fn new(layout: PlaneLayout) -> Self {
        Self { layout, rows: BTreeMap::new() }
    }

    /// What the sums mean.
    pub fn layout(&self) -> &PlaneLayout {
        &self.layout
    }

    /// Adds a batch.
    pub fn absorb(&mut self, batch: &Batch) -> Result<(), StatisticsError> {
        if batch.count == 0 {
            return Ok(());
        }
        let (length, width) = (self.layout.row, self.layout.width());
        let first = batch.first / length;
        let rows = (batch.first + batch.count as u64).div_ceil(length) - first;
        same_length("sums of the plane", rows as usize * width, batch.plane.len())?;
        for (sums, row) in batch.plane.chunks_exact(width).zip(first..) {
            let all = self.rows.entry(row).or_insert_with(|| vec![0; width]);
            all.iter_mut().zip(sums).for_each(|(sum, more)| *sum += more);
        }
        Ok(())
    }

    /// Adds another part of the same ensemble. Two parts may share a row: its integers are added.
    pub fn merge(&mut self, other: Plane) -> Result<(), StatisticsError> {
        same("planes", &self.layout, &other.layout)?;
        for (row, sums) in other.rows {
            let all = self.rows.entry(row).or_insert_with(|| vec![0; sums.len()]);
            all.iter_mut().zip(&sums).for_each(|(sum, more)| *sum += more);
        }
        Ok(())
    }

    /// Steps of every row.
    fn steps(&self) -> Vec<f64> {
        let visits = |row: &Vec<i64>| row.iter().step_by(PlaneGrid::SUMS).sum::<i64>() as f64;
        self.rows.values().map(visits).collect()
    }

    /// Mean over steps of one of the sums of every cell times a factor, with its jackknife error.
    fn means(&self, which: usize, factor: f64) -> Vec<Measured> {
        let steps = self.steps();
        let one = |cell: usize| {
            let rows: Vec<Vec<f64>> = self.rows.values().zip(&steps).map(|(row, n)| vec![*n, row[PlaneGrid::SUMS * cell + which] as f64]).collect();
            jackknife(&rows, &steps, |sums| factor * sums[1] / sums[0])
        };
        (0..self.layout.cells()).map(one).collect()
    }

    /// Density of every cell, `[i * bins_1 + j]`, averaged over the measured time.
    pub fn density(&self) -> Vec<Measured> {
        self.means(0, 1.0 / self.layout.area())
    }

    /// Probability current along one of the coordinates (0 or 1) in every cell, averaged over the measured time.
    pub fn current(&self, axis: usize) -> Vec<Measured> {
        self.means(1 + axis, self.layout.units[axis] / (self.layout.dt * self.layout.area()))
    }

    /// `Σ_cells area·(j_0²/D_0 + j_1²/D_1)/p`: entropy production rate by the field of a steady state.
    ///
    /// Squares are sums of products of different rows only, so that the noise of `j` adds nothing: with `S = Σ J_b` of the rows and the steps
    /// `N_b`, `(S² − Σ J_b²)/(N² − Σ N_b²)` has no bias. What is left is the coarseness of the cells, which hides a part of the rate.
    pub fn entropy_production_rate(&self, diffusion: [f64; 2]) -> Measured {
        let (steps, cells) = (self.steps(), self.layout.cells());
        let row = |(sums, n): (&Vec<i64>, &f64)| {
            let mut additive = vec![*n, n * n];
            for cell in sums.chunks_exact(PlaneGrid::SUMS).take(cells) {
                let [visits, first, second] = [0, 1, 2].map(|k| cell[k] as f64);
                additive.extend([visits, first, first * first, second, second * second]);
            }
            additive
        };
        let rows: Vec<Vec<f64>> = self.rows.values().zip(&steps).map(row).collect();
        let weights = [0, 1].map(|k| (self.layout.units[k] / self.layout.dt).powi(2) / diffusion[k]);
        jackknife(&rows, &steps, |sums| {
            let pairs = sums[0] * sums[0] - sums[1];
            let of_cell = |cell: &[f64]| {
                if cell[0] == 0.0 {
                    return 0.0;
                }
                let squares = weights[0] * (cell[1] * cell[1] - cell[2]) + weights[1] * (cell[3] * cell[3] - cell[4]);
                squares / pairs * sums[0] / cell[0]
            };
            sums[2..].chunks_exact(5).map(of_cell).sum()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draws, Purpose};

    const ROWS: u64 = 40;
    const STEPS: u64 = 500;

    fn layout() -> PlaneLayout {
        let axis = FieldLayout { lower: 0.0, upper: 1.0, bins: 2, closed: false };
        PlaneLayout { axes: [axis.clone(), axis], units: [0.5, 2.0], dt: 0.1, row: 10 }
    }

    /// Steps at random places of a unit square; those in cell (0, 0) move by 1 + noise units along the first coordinate.
    fn batch(row: u64) -> Batch {
        let mut plane = vec![0; layout().width()];
        let mut draws = Draws::new(4, Purpose::Initial, row);
        for _ in 0..STEPS {
            let cell = (4.0 * draws.uniform()) as usize;
            plane[3 * cell] += 1;
            plane[3 * cell + 1] += (30.0 * draws.normal()).round() as i64 + i64::from(cell == 0);
            plane[3 * cell + 2] += (10.0 * draws.normal()).round() as i64;
        }
        Batch { first: 10 * row, count: 10, plane, ..Batch::default() }
    }

    fn absorbed(rows: std::ops::Range<u64>) -> Plane {
        let mut plane = Plane::new(layout());
        rows.for_each(|row| plane.absorb(&batch(row)).expect("fits"));
        plane
    }

    #[test]
    fn density_and_current_are_those_of_the_steps() {
        let plane = absorbed(0..ROWS);
        // p = 1 everywhere; j = (1/4)·(0.5/0.1)/(1/4) in cell 0.
        for (cell, p) in plane.density().into_iter().enumerate() {
            assert!(p.z(1.0).abs() <= 5.0 && p.standard_error <= 0.03, "cell {cell}: {p:?}");
        }
        let (along, across) = (plane.current(0), plane.current(1));
        assert!(along[0].z(5.0).abs() <= 5.0 && along[0].standard_error <= 3.0, "{along:?}");
        assert!(along[1..].iter().chain(&across).all(|j| j.z(0.0).abs() <= 5.0), "{along:?}, {across:?}");
        // A quarter of the steps, of width 10: 10/2·(2.0/0.1)/(1/4) of every step.
        assert!((across[0].standard_error / (400.0 / ((ROWS * STEPS) as f64).sqrt()) - 1.0).abs() <= 0.5, "{across:?}");
    }

    #[test]
    fn the_noise_of_the_current_adds_nothing_to_the_entropy_production() {
        // Truth: (1/4)·5²/1 = 6.25 of a plain square of j that would be 6.25 + 4 cells·(150² + 20²·…)/N: much more.
        let rate = absorbed(0..ROWS).entropy_production_rate([1.0, 1e9]);
        assert!(rate.z(6.25).abs() <= 5.0, "{rate:?}");
        let plain = absorbed(0..ROWS).current(0).iter().map(|j| 0.25 * j.value * j.value).sum::<f64>();
        assert!(plain > 6.25 && rate.standard_error > 0.0, "{plain}");
    }

    #[test]
    fn halves_make_the_whole_and_the_misshapen_is_refused() {
        let mut left = absorbed(0..7);
        left.merge(absorbed(7..ROWS)).expect("of one layout");
        assert_eq!(left, absorbed(0..ROWS));
        assert!(matches!(left.absorb(&Batch { plane: vec![0; 3], ..batch(0) }), Err(StatisticsError::Shape { .. })));
        let other = Plane::new(PlaneLayout { dt: 0.2, ..layout() });
        assert_eq!(left.merge(other), Err(StatisticsError::Different { what: "planes" }));
    }
}
