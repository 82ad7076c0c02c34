//! Density and current in the plane of two coordinates, in integers: the order of additions does not matter.

use super::block::Block;
use super::record::Record;
use crate::maths::Real;
use crate::plan::{FieldGrid, Plan, PlaneGrid, TILE};

/// A displacement of more units than this is cut: it is some thirty thousand times the width of a step.
const MOST_UNITS: f64 = (1 << 30) as f64;

/// Rows of [`crate::backend::Batch::plane`] that trajectories `first..first + count` touch, and the number of the first.
pub(super) fn rows(plan: &Plan, first: u64, count: u64) -> (u64, u64) {
    let length = plan.plane.as_ref().map_or(1, |plane| plane.blocks_per_row) * plan.block;
    (first / length, (first + count).div_ceil(length) - first / length)
}

/// Integers of [`crate::backend::Batch::plane`] for so many rows.
pub(super) fn length(plan: &Plan, rows: u64) -> usize {
    plan.plane.as_ref().map_or(0, |plane| rows as usize * plane.width())
}

/// One coordinate of a plane, ready for use.
struct Axis {
    coordinate: usize,
    lower: f64,
    scale: f64,
    bins: usize,
    period: Option<(f64, f64)>,
    per_unit: f64,
}

impl Axis {
    fn of(plan: &Plan, grid: &FieldGrid, unit: f64) -> Self {
        let boundary = plan.coordinates[usize::from(grid.coordinate)].boundary;
        Self {
            coordinate: usize::from(grid.coordinate),
            lower: grid.lower,
            scale: f64::from(grid.bins) / (grid.upper - grid.lower),
            bins: grid.bins as usize,
            period: boundary.period().and(boundary.ends()),
            per_unit: 1.0 / unit,
        }
    }

    /// The shorter way from one place to another.
    fn displacement(&self, from: f64, to: f64) -> f64 {
        let straight = to - from;
        self.period.map_or(straight, |(lower, upper)| straight - (upper - lower) * (straight / (upper - lower)).round_ties_even())
    }

    /// Bin of a place; `None` outside the grid.
    fn bin(&self, x: f64) -> Option<usize> {
        let folded = self.period.map_or(x, |(lower, upper)| x - (upper - lower) * ((x - lower) / (upper - lower)).floor());
        let place = ((folded - self.lower) * self.scale).floor();
        (place >= 0.0 && place < self.bins as f64).then_some(place as usize)
    }

    fn units(&self, displacement: f64) -> i64 {
        (displacement * self.per_unit).round_ties_even().clamp(-MOST_UNITS, MOST_UNITS) as i64
    }
}

impl Record {
    /// Adds the step that the first `count` lanes of a block have just made.
    pub(super) fn deposit<R: Real>(&mut self, block: &Block<'_, R>, count: usize) {
        let plan = block.plan;
        let Some(PlaneGrid { axes: [a, b], units, blocks_per_row }) = &plan.plane else { return };
        let axes = [Axis::of(plan, a, units[0]), Axis::of(plan, b, units[1])];
        let (cells, row_length) = (axes[0].bins * axes[1].bins + 1, blocks_per_row * plan.block);
        let first_row = self.first / row_length;
        let start = self.first + (self.tiles_done * TILE) as u64;
        let cell = |at: [f64; 2]| match (axes[0].bin(at[0]), axes[1].bin(at[1])) {
            (Some(i), Some(j)) => i * axes[1].bins + j,
            _ => cells - 1,
        };
        for lane in 0..count {
            let to = [0, 1].map(|k| block.position[axes[k].coordinate].0[lane].to_f64());
            let from = [0, 1].map(|k| block.previous(axes[k].coordinate).0[lane].to_f64());
            let moved = [0, 1].map(|k| axes[k].displacement(from[k], to[k]));
            if !(moved[0] + moved[1]).is_finite() {
                continue;
            }
            let row = ((start + lane as u64) / row_length - first_row) as usize * PlaneGrid::SUMS * cells;
            self.plane[row + PlaneGrid::SUMS * cell(to)] += 1;
            let middle = row + PlaneGrid::SUMS * cell([0, 1].map(|k| from[k] + 0.5 * moved[k]));
            self.plane[middle + 1] += axes[0].units(moved[0]);
            self.plane[middle + 2] += axes[1].units(moved[1]);
        }
    }
}
