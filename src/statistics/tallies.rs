//! Integer sums over blocks of trajectories: too many to come back trajectory by trajectory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Measured, StatisticsError, jackknife, same, same_length};
use crate::backend::Batch;

/// Sums of `width` integers, one row a block of trajectories. Integers merge in any order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tallies {
    block: u64,
    width: usize,
    rows: BTreeMap<u64, Row>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Row {
    trajectories: u64,
    sums: Vec<u64>,
}

impl Tallies {
    /// Nothing seen yet; a `width` of 0 is for runs without tallies.
    pub fn new(block: u64, width: usize) -> Self {
        Self { block: block.max(1), width, rows: BTreeMap::new() }
    }

    /// Adds a batch.
    pub fn absorb(&mut self, batch: &Batch) -> Result<(), StatisticsError> {
        if self.width == 0 || batch.count == 0 {
            return same_length("tallies", 0, if self.width == 0 { batch.tallies.len() } else { 0 });
        }
        let end = batch.first + batch.count as u64;
        let first_block = batch.first / self.block;
        let blocks = end.div_ceil(self.block) - first_block;
        same_length("tallies", blocks as usize * self.width, batch.tallies.len())?;
        for (sums, block) in batch.tallies.chunks_exact(self.width).zip(first_block..) {
            let row = self.rows.entry(block).or_insert_with(|| Row { trajectories: 0, sums: vec![0; self.width] });
            row.trajectories += end.min((block + 1) * self.block) - batch.first.max(block * self.block);
            row.sums.iter_mut().zip(sums).for_each(|(sum, more)| *sum += more);
        }
        Ok(())
    }

    /// Adds another part of the same ensemble.
    pub fn merge(&mut self, other: Tallies) -> Result<(), StatisticsError> {
        same("block size of the tallies", &self.block, &other.block)?;
        same("number of tallies", &self.width, &other.width)?;
        if let Some(block) = other.rows.keys().find(|block| self.rows.contains_key(block)) {
            return Err(StatisticsError::Overlap { block: *block });
        }
        self.rows.extend(other.rows);
        Ok(())
    }

    /// Number of sums.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Mean per trajectory of `Σ_k weights_k·tally_k`, with its jackknife error over blocks.
    pub fn mean(&self, weights: &[(usize, f64)]) -> Measured {
        let value = |row: &Row| weights.iter().map(|&(k, weight)| weight * row.sums[k] as f64).sum::<f64>();
        let rows: Vec<Vec<f64>> = self.rows.values().map(|row| vec![row.trajectories as f64, value(row)]).collect();
        let trajectories: Vec<f64> = self.rows.values().map(|row| row.trajectories as f64).collect();
        jackknife(&rows, &trajectories, |sums| sums[1] / sums[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trajectory `t` adds `t % 7` to the first sum and 1 to the second.
    fn batch(first: u64, count: usize, block: u64) -> Batch {
        let end = first + count as u64;
        let mut tallies = vec![0; 2 * (end.div_ceil(block) - first / block) as usize];
        for trajectory in first..end {
            let row = 2 * (trajectory / block - first / block) as usize;
            tallies[row] += trajectory % 7;
            tallies[row + 1] += 1;
        }
        Batch { first, count, tallies, ..Batch::default() }
    }

    #[test]
    fn cuts_change_nothing_and_the_mean_is_the_mean() {
        let mut whole = Tallies::new(50, 2);
        whole.absorb(&batch(0, 1400, 50)).expect("fits");
        let mut cut = Tallies::new(50, 2);
        for (first, count) in [(0, 37), (37, 213), (250, 1150)] {
            cut.absorb(&batch(first, count, 50)).expect("fits");
        }
        assert_eq!(whole, cut);
        let (mean, one) = (whole.mean(&[(0, 1.0)]), whole.mean(&[(1, 2.0)]));
        assert!((mean.value - 3.0).abs() <= 1e-12 && mean.standard_error > 0.0, "{mean:?}");
        assert!((one.value - 2.0).abs() <= 1e-12 && one.standard_error <= 1e-12, "{one:?}");
    }

    #[test]
    fn misshapen_batches_and_overlaps_are_refused() {
        let mut tallies = Tallies::new(50, 3);
        assert!(matches!(tallies.absorb(&batch(0, 100, 50)), Err(StatisticsError::Shape { .. })));
        let mut left = Tallies::new(50, 2);
        left.absorb(&batch(0, 100, 50)).expect("fits");
        assert!(matches!(left.clone().merge(left.clone()), Err(StatisticsError::Overlap { block: 0 })));
        assert!(matches!(left.merge(tallies), Err(StatisticsError::Different { .. })));
    }
}
