//! Whether means stand still over a run, and how long a trajectory remembers: from means of blocks of trajectories at the saves.
//!
//! Blocks are independent of each other, so the scatter of any number formed from the means of one block is its error, however strongly the saves of
//! a trajectory depend on each other.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{CentredMoments, Measured, Series, jackknife};

/// Fewest blocks whose scatter is an error that can be trusted far out.
const FEWEST_BLOCKS: usize = 12;
/// Fewest blocks for the error of a correlation.
const FEWEST_FOR_CORRELATION: usize = 32;
/// The sum over lags ends after so many correlation times (Sokal's window, here of the absolute values), and may not take more than half of the run.
const WINDOW: f64 = 5.0;
/// Where neighbouring saves are correlated less than this, they are too far apart to tell a correlation time.
const RESOLVED: f64 = 0.5;

/// What of an observable should not change in a steady state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steady {
    /// Its mean.
    Mean,
    /// Its mean square about the mean of the second half.
    Square,
    /// The rate at which it grows.
    Rate,
}

/// A mean over the first saves held against that over the second half of the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// Time that the first saves span.
    pub span: f64,
    /// Mean over them less that over the second half.
    pub shift: Measured,
    /// The same of the equally long time that follows, where that is in the first half of the run.
    pub next: Option<Measured>,
    /// Blocks that the errors come from.
    pub blocks: usize,
}

impl Drift {
    /// Distance from 0 in standard errors; `rounding` is that of the numbers compared, relative to 1.
    pub fn z(&self, rounding: f64) -> f64 {
        Measured { standard_error: self.shift.standard_error.hypot(rounding), ..self.shift }.z(0.0)
    }
}

/// The |z| that Student's t of so many blocks exceeds with a probability; infinite where there are too few to say.
pub fn student_bound(blocks: usize, probability: f64) -> f64 {
    if blocks < FEWEST_BLOCKS {
        return f64::INFINITY;
    }
    StudentsT::new(0.0, 1.0, blocks as f64 - 1.0).map_or(f64::INFINITY, |law| -law.inverse_cdf(0.5 * probability))
}

/// Mean over blocks of given weights, with the error that their scatter tells.
pub fn scattered(blocks: &[(f64, f64)]) -> Measured {
    let rows: Vec<Vec<f64>> = blocks.iter().map(|(weight, value)| vec![*weight, weight * value]).collect();
    let weights: Vec<f64> = blocks.iter().map(|(weight, _)| *weight).collect();
    jackknife(&rows, &weights, |sums| sums[1] / sums[0])
}

impl Series {
    /// Shifts of the first 1, 2, 4, … saves (of rates: times between saves) against the second half of the run; `times` are those of the saves.
    pub fn drifts(&self, observable: usize, what: Steady, times: &[f64]) -> Vec<Drift> {
        let saves = times.len();
        if saves < 2 {
            return Vec::new();
        }
        let half = saves.div_ceil(2);
        let blocks: Vec<Vec<CentredMoments>> = (0..saves).map(|save| self.block_moments(save, observable)).collect();
        let late = (half..saves).fold(CentredMoments::default(), |all, save| blocks[save].iter().fold(all, |all, block| all.with(*block)));
        let value = |save: usize, block: usize| {
            let moments = blocks[save][block];
            if what == Steady::Square { moments.m2 / moments.count + (moments.mean - late.mean).powi(2) } else { moments.mean }
        };
        // Of a rate the average over the saves `from..to` is the growth from save `from` to save `to`.
        let average = |block: usize, from: usize, to: usize| match what {
            Steady::Rate => (value(to, block) - value(from, block)) / (times[to] - times[from]),
            Steady::Mean | Steady::Square => (from..to).map(|save| value(save, block)).sum::<f64>() / (to - from) as f64,
        };
        let end = if what == Steady::Rate { saves - 1 } else { saves };
        if half >= end {
            return Vec::new();
        }
        let count = blocks[saves - 1].iter().filter(|block| block.count > 0.0).count();
        let against_late = |from: usize, to: usize| {
            let one = |(block, moments): (usize, &CentredMoments)| (moments.count, average(block, from, to) - average(block, half, end));
            scattered(&blocks[saves - 1].iter().enumerate().filter(|(_, moments)| moments.count > 0.0).map(one).collect::<Vec<_>>())
        };
        std::iter::successors(Some(1), |first| Some(2 * first))
            .take_while(|first| *first <= half)
            .map(|first| Drift {
                span: times[first.min(saves - 1)] - times[0],
                shift: against_late(0, first),
                next: (2 * first <= half).then(|| against_late(first, 2 * first)),
                blocks: count,
            })
            .collect()
    }

    /// `∫₀^∞ ⟨δx(0) δx(t)⟩/⟨δx²⟩ dt` of a stationary observable, with its jackknife error; saves are `spacing` apart. `None` where the saves are too far apart, the run is too
    /// short, or the blocks are too few.
    ///
    /// `Σ n_b δ_b(l) δ_b(l+k)` over blocks of `n_b` trajectories, `δ_b` being the deviation of a mean of the block, has the covariance of a single trajectory for its mean.
    pub fn autocorrelation_time(&self, observable: usize, spacing: f64) -> Option<Measured> {
        let saves = self.saves();
        let means: Vec<CentredMoments> = (0..saves).map(|save| self.moments(save, observable)).collect();
        let columns: Vec<Vec<CentredMoments>> = (0..saves).map(|save| self.block_moments(save, observable)).collect();
        let blocks = columns.first()?.len();
        if blocks < FEWEST_FOR_CORRELATION {
            return None;
        }
        let deviations: Vec<Vec<f64>> = (0..blocks)
            .map(|block| columns.iter().zip(&means).map(|(column, mean)| column[block].count.sqrt() * (column[block].mean - mean.mean)).collect())
            .collect();
        let mut rows: Vec<Vec<f64>> = vec![Vec::new(); blocks];
        let mut correlations: Vec<f64> = Vec::new();
        let mut absolute = 0.0;
        for lag in 0..=saves / 2 {
            for (row, deviation) in rows.iter_mut().zip(&deviations) {
                row.push(deviation.iter().zip(&deviation[lag..]).map(|(a, b)| a * b).sum::<f64>() / (saves - lag) as f64);
            }
            let sum = |lag: usize| rows.iter().map(|row| row[lag]).sum::<f64>();
            correlations.push(sum(lag) / sum(0));
            absolute += correlations[lag].abs();
            if lag == 1 && !(correlations[1] >= RESOLVED) {
                return None;
            }
            if lag > 1 && lag as f64 >= WINDOW * (absolute - 0.5) {
                let weights: Vec<f64> = columns[saves - 1].iter().map(|block| block.count).collect();
                return Some(jackknife(&rows, &weights, |sums| spacing * integral(sums))).filter(|time| time.value > 0.0);
            }
        }
        None
    }
}

/// Integral of a correlation function given at lags 0, 1, … by its values, in units of the spacing: exponentials between the lags, and one after the last, exact for a single
/// exponential.
fn integral(values: &[f64]) -> f64 {
    let between = |pair: &[f64]| match (pair[0], pair[1]) {
        (a, b) if a > 0.0 && b > 0.0 && (a / b - 1.0).abs() > 1e-6 => (a - b) / (a / b).ln(),
        (a, b) => 0.5 * (a + b),
    };
    let sum = values.windows(2).map(between).sum::<f64>();
    sum / values[0] * (1.0 + values.last().map_or(0.0, |last| last / values[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Batch, TileMoments};
    use crate::plan::TILE;
    use crate::random::{Draws, Purpose};

    const SAVES: usize = 81;
    const SPACING: f64 = 0.5;

    /// Noise with the correlation `exp(−t/2)` about 3, from `3 + start`.
    fn series(seed: u64, tiles: usize, start: Option<f64>) -> Series {
        let kept = (-SPACING / 2.0).exp();
        let mut batch = Batch { count: tiles * TILE, ..Batch::default() };
        for tile in 0..tiles {
            let mut moments = [CentredMoments::default(); SAVES];
            for trajectory in 0..TILE {
                let mut draws = Draws::new(seed, Purpose::Initial, (tile * TILE + trajectory) as u64);
                let mut x = start.unwrap_or_else(|| draws.normal());
                for moment in &mut moments {
                    *moment = moment.with(CentredMoments { count: 1.0, mean: 3.0 + x, m2: 0.0 });
                    x = kept * x + (1.0 - kept * kept).sqrt() * draws.normal();
                }
            }
            batch.series.extend(moments.map(|m| TileMoments { count: m.count, mean: m.mean, m2: m.m2 }));
        }
        let mut series = Series::new(1, SAVES, 1);
        series.absorb(&batch).expect("fits");
        series
    }

    fn times() -> Vec<f64> {
        (0..SAVES).map(|save| save as f64 * SPACING).collect()
    }

    #[test]
    fn the_correlation_time_of_an_exponential_is_its_own() {
        let found = series(1, 1100, None).autocorrelation_time(0, SPACING).expect("resolved");
        assert!(found.standard_error <= 0.45 / 6.0, "{found:?} could not see 0.45");
        assert!(found.z(2.0).abs() <= 5.0, "{found:?}");
        assert!(found.z(2.45).abs() > 5.0, "{found:?}");
        assert_eq!(series(1, 31, None).autocorrelation_time(0, SPACING), None, "too few blocks");
        // Scattered over seeds, the errors are right.
        let z: Vec<f64> = (2..32).map(|seed| series(seed, 48, None).autocorrelation_time(0, SPACING).expect("resolved").z(2.0)).collect();
        let chi = z.iter().map(|z| z * z).sum::<f64>() / z.len() as f64;
        assert!((chi - 1.0).abs() <= 5.0 * (2.0 / z.len() as f64).sqrt(), "{chi}");
    }

    #[test]
    fn a_standing_mean_stands_and_a_moving_one_moves() {
        let still = series(3, 64, None);
        let bound = student_bound(64, 1e-4);
        for what in [Steady::Mean, Steady::Square, Steady::Rate] {
            let drifts = still.drifts(0, what, &times());
            assert_eq!(drifts.len(), 6, "1, 2, …, 32 of 41 saves");
            assert!(drifts.iter().all(|drift| drift.z(0.0).abs() <= bound && drift.blocks == 64), "{what:?} {drifts:?}");
        }
        // From 0.5 above the mean, e^{−t/2} of it is left.
        let moving = series(3, 64, Some(0.5)).drifts(0, Steady::Mean, &times());
        assert!(moving.iter().any(|drift| drift.z(0.0) > bound), "{moving:?}");
        assert!(Measured { value: moving[0].shift.value, ..moving[0].shift }.z(0.5).abs() <= 5.0, "{moving:?}");
        // Its square starts at 0.25 and becomes 1.
        let square = series(3, 64, Some(0.5)).drifts(0, Steady::Square, &times());
        assert!(square[0].shift.z(0.25 - 1.0).abs() <= 5.0 && square[0].z(0.0) < -bound, "{square:?}");
    }

    #[test]
    fn the_bound_is_that_of_the_tables() {
        for (blocks, probability, bound) in [(13, 1e-3, 4.3178), (31, 1e-3, 3.6460), (61, 1e-2, 2.6603)] {
            assert!((student_bound(blocks, probability) - bound).abs() <= 1e-3, "{blocks}: {}", student_bound(blocks, probability));
        }
        assert_eq!(student_bound(11, 1e-3), f64::INFINITY);
    }
}
