//! Means and variances over trajectories, at every save.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Measured, StatisticsError, jackknife, same, same_length};
use crate::backend::Batch;
use crate::plan::TILE;

/// Count, mean and centred second moment of finite values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CentredMoments {
    /// How many values.
    pub count: f64,
    /// Their mean.
    pub mean: f64,
    /// Sum of squared deviations from the mean.
    pub m2: f64,
}

impl CentredMoments {
    /// Both samples together (Chan, Golub & LeVeque, Am. Stat. 37, 242 (1983)).
    pub fn with(self, other: CentredMoments) -> CentredMoments {
        let count = self.count + other.count;
        if self.count == 0.0 || other.count == 0.0 {
            return if other.count == 0.0 { self } else { other };
        }
        let difference = other.mean - self.mean;
        CentredMoments {
            count,
            mean: self.mean + difference * other.count / count,
            m2: self.m2 + other.m2 + difference * difference * self.count * other.count / count,
        }
    }

    /// Unbiased variance; NaN with fewer than two values.
    pub fn variance(&self) -> f64 {
        self.m2 / (self.count - 1.0)
    }

    /// Mean with its standard error.
    pub fn measured_mean(&self) -> Measured {
        let error = (self.variance() / self.count).sqrt();
        Measured { value: self.mean, standard_error: if error.is_nan() { f64::INFINITY } else { error } }
    }

    /// `[N, Σ(v − pivot), Σ(v − pivot)²]`.
    fn sums(&self, pivot: f64) -> [f64; 3] {
        let shift = self.mean - pivot;
        [self.count, self.count * shift, self.m2 + self.count * shift * shift]
    }
}

/// Moments of every observable at every save, over blocks of whole tiles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    block: u64,
    saves: usize,
    observables: usize,
    rows: BTreeMap<u64, Row>,
}

/// What a block adds up to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    /// First trajectory of the tile to come.
    next: u64,
    /// `[save * observables + observable]`.
    moments: Vec<CentredMoments>,
}

impl Series {
    /// Nothing seen yet. A block holds the tiles that start in it: of `block` trajectories, but at least of one tile.
    pub fn new(block: u64, saves: usize, observables: usize) -> Self {
        Self { block: block.max(TILE as u64), saves, observables, rows: BTreeMap::new() }
    }

    /// Adds a batch, which must start at a tile.
    pub fn absorb(&mut self, batch: &Batch) -> Result<(), StatisticsError> {
        let (tile, width) = (TILE as u64, self.saves * self.observables);
        let tiles = (batch.count as u64).div_ceil(tile);
        same_length("series values", tiles as usize * width, batch.series.len())?;
        if width == 0 || tiles == 0 {
            return Ok(());
        }
        let found = batch.first;
        let expected = self.next(found / self.block);
        if expected != found {
            return Err(StatisticsError::OutOfOrder { expected, found });
        }
        for (values, start) in batch.series.chunks_exact(width).zip((found..).step_by(TILE)) {
            let row = self.rows.entry(start / self.block).or_insert_with(|| Row { next: start, moments: vec![CentredMoments::default(); width] });
            row.next = start + tile;
            for (sum, more) in row.moments.iter_mut().zip(values) {
                *sum = sum.with(CentredMoments { count: more.count, mean: more.mean, m2: more.m2 });
            }
        }
        Ok(())
    }

    /// First trajectory of the tile that a block waits for.
    fn next(&self, block: u64) -> u64 {
        self.rows.get(&block).map_or_else(|| (block * self.block).next_multiple_of(TILE as u64), |row| row.next)
    }

    /// Adds another part of the same ensemble.
    pub fn merge(&mut self, other: Series) -> Result<(), StatisticsError> {
        same("block size of the series", &self.block, &other.block)?;
        same("saves", &self.saves, &other.saves)?;
        same("series observables", &self.observables, &other.observables)?;
        if let Some(block) = other.rows.keys().find(|block| self.rows.contains_key(block)) {
            return Err(StatisticsError::Overlap { block: *block });
        }
        self.rows.extend(other.rows);
        Ok(())
    }

    /// Number of saves.
    pub fn saves(&self) -> usize {
        self.saves
    }

    /// Moments of every block, in block order.
    pub fn block_moments(&self, save: usize, observable: usize) -> Vec<CentredMoments> {
        self.rows.values().map(|row| row.moments[save * self.observables + observable]).collect()
    }

    /// Moments over all trajectories.
    pub fn moments(&self, save: usize, observable: usize) -> CentredMoments {
        self.block_moments(save, observable).into_iter().fold(CentredMoments::default(), CentredMoments::with)
    }

    /// Mean at a save of a sum of observables, each times a factor, with the error that the scatter over blocks shows; infinite with one block.
    pub fn mean_of_sum(&self, save: usize, sum: &[(usize, f64)]) -> Measured {
        let parts: Vec<Vec<CentredMoments>> = sum.iter().map(|(observable, _)| self.block_moments(save, *observable)).collect();
        let block = |row: usize| sum.iter().zip(&parts).map(|((_, factor), part)| factor * part[row].mean).sum::<f64>();
        let rows: Vec<(f64, f64)> = parts.first().into_iter().flatten().enumerate().map(|(row, moments)| (moments.count, block(row))).collect();
        let total: f64 = rows.iter().map(|(count, _)| count).sum();
        let value = rows.iter().map(|(count, mean)| count * mean).sum::<f64>() / total;
        let squares: f64 = rows.iter().map(|(count, mean)| (count * (mean - value)).powi(2)).sum();
        let blocks = rows.len() as f64;
        let error = (squares * blocks / (blocks - 1.0)).sqrt() / total;
        Measured { value, standard_error: if error.is_nan() { f64::INFINITY } else { error } }
    }

    /// `[Var(late) − Var(early)]/divisor` of an observable, with its jackknife error: with `divisor = 2 (t_late − t_early)` the
    /// diffusion coefficient of an unwrapped coordinate.
    pub fn variance_growth(&self, early: usize, late: usize, observable: usize, divisor: f64) -> Measured {
        let saves = [early, late];
        let pivots = saves.map(|save| self.moments(save, observable).mean);
        let [first, last] = saves.map(|save| self.block_moments(save, observable));
        let rows: Vec<Vec<f64>> = first.iter().zip(&last).map(|(a, b)| [a.sums(pivots[0]), b.sums(pivots[1])].concat()).collect();
        let weights: Vec<f64> = last.iter().map(|row| row.count).collect();
        let variance = |s: &[f64]| (s[2] - s[1] * s[1] / s[0]) / (s[0] - 1.0);
        jackknife(&rows, &weights, |sums| (variance(&sums[3..]) - variance(&sums[..3])) / divisor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::TileMoments;
    use crate::random::{Draws, Purpose};

    /// Brownian motion seen at two saves: variances 1 and 3, with an offset large against the spread.
    fn batch(first: u64, count: usize) -> Batch {
        let mut batch = Batch { first, count, ..Batch::default() };
        for tile in (0..count).step_by(TILE) {
            let mut moments = [CentredMoments::default(); 2];
            for trajectory in tile..count.min(tile + TILE) {
                let mut draws = Draws::new(9, Purpose::Initial, first + trajectory as u64);
                let early = 1e4 + draws.normal();
                let late = early + 2f64.sqrt() * draws.normal();
                for (moment, value) in moments.iter_mut().zip([early, late]) {
                    *moment = moment.with(CentredMoments { count: 1.0, mean: value, m2: 0.0 });
                }
            }
            batch.series.extend(moments.map(|m| TileMoments { count: m.count, mean: m.mean, m2: m.m2 }));
        }
        batch
    }

    fn absorbed(first: u64, sizes: &[usize]) -> Series {
        let mut series = Series::new(100, 2, 1);
        let mut start = first;
        for size in sizes {
            series.absorb(&batch(start, *size)).expect("in order");
            start += *size as u64;
        }
        series
    }

    #[test]
    fn cuts_change_no_bit_and_halves_make_the_whole() {
        let whole = absorbed(0, &[6500]);
        assert_eq!(whole, absorbed(0, &[64, 640, 5760, 36]));
        let mut left = absorbed(0, &[3200]);
        left.merge(absorbed(3200, &[3300])).expect("disjoint");
        assert_eq!(left, whole);
        assert!(matches!(left.merge(absorbed(0, &[64])), Err(StatisticsError::Overlap { block: 0 })));
    }

    #[test]
    fn misplaced_or_misshapen_batches_are_refused() {
        let mut series = absorbed(0, &[640]);
        assert!(matches!(series.absorb(&batch(0, 64)), Err(StatisticsError::OutOfOrder { .. })));
        assert!(matches!(series.absorb(&batch(650, 64)), Err(StatisticsError::OutOfOrder { .. })));
        let short = Batch { series: Vec::new(), ..batch(640, 64) };
        assert!(matches!(series.absorb(&short), Err(StatisticsError::Shape { expected: 2, found: 0, .. })));
    }

    #[test]
    fn the_growth_of_the_variance_is_the_diffusion() {
        let series = absorbed(0, &[12_800]);
        let found = series.variance_growth(0, 1, 0, 2.0);
        // Var(late) − Var(early) of early ~ N(0,1), late = early + N(0,2) has standard deviation 4/sqrt(N).
        let exact_error = 4.0 / 12_800f64.sqrt() / 2.0;
        assert!(found.z(1.0).abs() <= 5.0, "{found:?}");
        assert!((found.standard_error / exact_error - 1.0).abs() <= 5.0 / (2.0f64 * 128.0).sqrt(), "{found:?}");
        assert!(found.z(1.0 + 0.2).abs() > 5.0);
        assert!(series.moments(0, 0).measured_mean().z(1e4).abs() <= 5.0);
    }

    #[test]
    fn a_sum_has_the_error_that_its_blocks_show() {
        let series = absorbed(0, &[6400]);
        for save in 0..2 {
            let (plain, twice) = (series.mean_of_sum(save, &[(0, 1.0)]), series.mean_of_sum(save, &[(0, 3.0), (0, -1.0)]));
            let moments = series.moments(save, 0).measured_mean();
            assert!((plain.value - moments.value).abs() <= 1e-9 && (twice.value - 2.0 * plain.value).abs() <= 1e-8);
            assert!((twice.standard_error / plain.standard_error - 2.0).abs() <= 1e-6);
            // 50 blocks: an error known to a tenth.
            assert!((plain.standard_error / moments.standard_error - 1.0).abs() <= 0.4, "{plain:?} {moments:?}");
        }
        assert!(absorbed(0, &[64]).mean_of_sum(0, &[(0, 1.0)]).standard_error.is_infinite());
    }
}
