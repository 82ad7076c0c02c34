//! What a group of lane blocks brings back: end values, tile moments, integer counts.

use super::block::Block;
use super::instruction_sets::Kernels;
use super::plane;
use crate::backend::TileMoments;
use crate::coordinate::bin_of;
use crate::maths::{LANES, Lanes, Real};
use crate::plan::{Boundary, Column, Dynamics, FieldGrid, Plan, TILE};

/// Tiles in a lane block.
const TILES: usize = LANES / TILE;

/// Accumulates a contiguous run of trajectories that starts at a tile.
pub(super) struct Record {
    /// First trajectory.
    pub(super) first: u64,
    /// `columns[c][trajectory − first]`.
    pub(super) columns: Vec<Vec<f64>>,
    /// `series[(tile * saves + save) * observables + observable]`.
    pub(super) series: Vec<TileMoments>,
    /// As in [`crate::backend::Batch`].
    pub(super) counts: Vec<Vec<u64>>,
    pub(super) windings: Vec<Vec<i64>>,
    pub(super) block_counts: Vec<Vec<u64>>,
    pub(super) tallies: Vec<u64>,
    pub(super) plane: Vec<i64>,
    pub(super) tiles_done: usize,
}

impl Record {
    /// An empty record of `count` trajectories from `first` on.
    pub(super) fn new(plan: &Plan, first: u64, count: usize) -> Self {
        let saves = plan.schedule.saves();
        let blocks = (first + count as u64).div_ceil(plan.block) - first / plan.block;
        let row = |field: &FieldGrid| field.bins as usize + 2;
        Self {
            first,
            columns: vec![Vec::with_capacity(count); plan.columns.len()],
            series: vec![TileMoments::default(); count.div_ceil(TILE) * saves * plan.series.len()],
            counts: plan.fields.iter().map(|f| vec![0; saves * row(f)]).collect(),
            windings: plan.fields.iter().map(|_| vec![0; saves]).collect(),
            block_counts: plan.fields.iter().map(|f| vec![0; blocks as usize * row(f)]).collect(),
            tallies: vec![0; blocks as usize * tally_length(plan)],
            plane: vec![0; plane::length(plan, plane::rows(plan, first, count as u64).1)],
            tiles_done: 0,
        }
    }

    /// Records a save of a lane block whose first `count` lanes are trajectories.
    pub(super) fn save<R: Real>(&mut self, block: &mut Block<'_, R>, save: usize, count: usize) {
        let plan = block.plan;
        let work = block.work_at_save(save);
        for (observable, &column) in plan.series.iter().enumerate() {
            let values = match column {
                Column::Work => Lanes(work),
                column => Lanes(std::array::from_fn(|lane| series_value(block, column, lane))),
            };
            self.add_series(plan, block.kernels, (self.tiles_done, save, observable), &values, count);
        }
        let start = self.first + (self.tiles_done * TILE) as u64;
        for (index, field) in plan.fields.iter().enumerate() {
            let coordinate = field.coordinate as usize;
            for lane in 0..count {
                let x = block.position[coordinate].0[lane].to_f64();
                if x.is_finite() {
                    self.add_to_field(plan, (index, save), start + lane as u64, x);
                    self.windings[index][save] += block.winding[coordinate].0[lane].to_f64() as i64;
                }
            }
        }
    }

    /// Adds the moments of an observable at a save (tile, save, observable) over the first `count` lanes of a block.
    pub(super) fn add_series<R: Real>(
        &mut self,
        plan: &Plan,
        kernels: Kernels<R>,
        (tile, save, observable): (usize, usize, usize),
        values: &Lanes<f64>,
        count: usize,
    ) {
        let mut moments = [TileMoments::default(); TILES];
        kernels.tile_moments(values, count, &mut moments);
        for (k, moments) in moments.into_iter().enumerate().take(count.div_ceil(TILE)) {
            self.series[((tile + k) * plan.schedule.saves() + save) * plan.series.len() + observable] = moments;
        }
    }

    /// Counts a finite position of a trajectory on a field's grid at a save (field, save).
    pub(super) fn add_to_field(&mut self, plan: &Plan, (index, save): (usize, usize), trajectory: u64, x: f64) {
        let field = &plan.fields[index];
        let row = field.bins as usize + 2;
        let bin = bin_of(x, (field.lower, field.upper), f64::from(field.bins), periodic(plan, field.coordinate as usize));
        self.counts[index][save * row + bin] += 1;
        let statistics_block = trajectory / plan.block - self.first / plan.block;
        self.block_counts[index][statistics_block as usize * row + bin] += 1;
    }

    /// Records the end values of a lane block.
    pub(super) fn finish<R: Real>(&mut self, block: &Block<'_, R>, count: usize) {
        for (values, &column) in self.columns.iter_mut().zip(&block.plan.columns) {
            values.extend((0..count).map(|lane| block.column(column, lane)));
        }
        self.tiles_done += count.div_ceil(TILE);
    }
}

/// Entries of [`crate::backend::Batch::tallies`] a statistics block has.
pub(super) fn tally_length(plan: &Plan) -> usize {
    match &plan.dynamics {
        Dynamics::Network(network) if network.tallies => network.channels + network.states.len(),
        _ => 0,
    }
}

fn periodic(plan: &Plan, coordinate: usize) -> bool {
    matches!(plan.coordinates[coordinate].boundary, Boundary::Periodic { .. })
}

/// Positions in a series are unwrapped: folded position plus turns.
fn series_value<R: Real>(block: &Block<'_, R>, column: Column, lane: usize) -> f64 {
    let value = block.column(column, lane);
    match column {
        Column::Position(i) => match block.plan.coordinates[i as usize].boundary {
            Boundary::Periodic { lower, upper } => value + block.winding[i as usize].0[lane].to_f64() * (upper - lower),
            Boundary::Open | Boundary::Walls { .. } => value,
        },
        _ => value,
    }
}
