//! A histogram that chooses its own range and resolution.

use serde::{Deserialize, Serialize};

/// Most bins a histogram holds; the occupied range is cut into between a half and all of them.
const MOST_BINS: usize = 1 << 14;
/// Smallest bin width, as a power of two.
const FINEST: i32 = -160;
/// Bin indices stay below 2 to this power, so that they are exact.
const INDEX_BITS: i32 = 51;
/// Added to a number below 2⁵¹ it rounds that to an integer, which its lowest bits then show.
const SHIFT: f64 = 1.5 * (1u64 << 52) as f64;

/// The largest integer not above a number that is below 2⁵¹: without a processor's own instruction for it `f64::floor` is a call.
fn floor(x: f64) -> i64 {
    let nearest = (x + SHIFT) - SHIFT;
    let below = if nearest > x { nearest - 1.0 } else { nearest };
    (below + SHIFT).to_bits().wrapping_sub(SHIFT.to_bits()) as i64
}

/// Integer counts in bins `[k·2^level, (k+1)·2^level)`, so that bin `k` mirrors bin `−k−1` about 0.
///
/// The level is the finest at which all values seen fit [`MOST_BINS`] bins. It is a function of the set of values only, not
/// of their order, so histograms merge in any order to the same bits and nobody has to guess a range.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    level: i32,
    first: i64,
    counts: Vec<u64>,
}

impl Histogram {
    /// Counts finite values.
    pub fn extend(&mut self, values: impl Iterator<Item = f64>) {
        let mut per_width = 2f64.powi(-self.level);
        for value in values {
            let place = value * per_width;
            let offset = floor(place).wrapping_sub(self.first) as usize;
            match self.counts.get_mut(offset) {
                Some(count) if place.abs() < (1u64 << INDEX_BITS) as f64 => *count += 1,
                _ => {
                    self.stretch(value);
                    per_width = 2f64.powi(-self.level);
                }
            }
        }
    }

    /// Counts a value outside the present range.
    fn stretch(&mut self, value: f64) {
        let finest = finest_level(value);
        if self.counts.is_empty() {
            self.level = finest;
        }
        self.coarsen(finest.saturating_sub(self.level).max(0));
        let at = (value * 2f64.powi(-self.level)).floor() as i64;
        let shift = self.reach(at, at);
        self.counts[((at >> shift) - self.first) as usize] += 1;
    }

    /// Makes room for the bins `low..=high` of the present level; answers how many times it had to double the width.
    fn reach(&mut self, low: i64, high: i64) -> i32 {
        let (first, last) = match self.counts.len() {
            0 => (low, high),
            bins => (self.first.min(low), (self.first + bins as i64 - 1).max(high)),
        };
        let mut shift = 0;
        while (last >> shift) - (first >> shift) >= MOST_BINS as i64 {
            shift += 1;
        }
        self.coarsen(shift);
        let (first, last) = (first >> shift, last >> shift);
        let mut counts = vec![0; (last - first + 1) as usize];
        let start = if self.counts.is_empty() { 0 } else { (self.first - first) as usize };
        counts[start..start + self.counts.len()].copy_from_slice(&self.counts);
        (self.first, self.counts) = (first, counts);
        shift
    }

    /// Doubles the width of the bins so many times.
    fn coarsen(&mut self, times: i32) {
        if times == 0 {
            return;
        }
        let first = self.first >> times.min(63);
        let last = (self.first + self.counts.len() as i64 - 1) >> times.min(63);
        let mut counts = vec![0; if self.counts.is_empty() { 0 } else { (last - first + 1) as usize }];
        for (offset, count) in self.counts.iter().enumerate() {
            counts[(((self.first + offset as i64) >> times.min(63)) - first) as usize] += count;
        }
        *self = Histogram { level: self.level + times, first, counts };
    }

    /// Adds the counts of another histogram.
    pub fn merge(&mut self, other: &Histogram) {
        if other.counts.is_empty() {
            return;
        }
        if self.counts.is_empty() {
            *self = other.clone();
            return;
        }
        let mut other = other.clone();
        let finer = other.level - self.level;
        self.coarsen(finer.max(0));
        other.coarsen((-finer).max(0));
        let shift = self.reach(other.first, other.first + other.counts.len() as i64 - 1);
        for (offset, count) in other.counts.iter().enumerate() {
            self.counts[(((other.first + offset as i64) >> shift) - self.first) as usize] += count;
        }
    }

    /// How many values lie below 0; a bin never reaches across it.
    pub fn negative(&self) -> u64 {
        let below = (-self.first).clamp(0, self.counts.len() as i64) as usize;
        self.counts[..below].iter().sum()
    }

    /// The same counts in at most so many bins (for a figure).
    pub fn coarsened(&self, bins: usize) -> Histogram {
        let mut coarse = self.clone();
        while coarse.counts.len() > bins.max(2) {
            coarse.coarsen(1);
        }
        coarse
    }

    /// The histogram of minus the values: bin `k` becomes bin `−k−1`.
    pub fn mirrored(&self) -> Histogram {
        let last = self.first + self.counts.len() as i64 - 1;
        Histogram { level: self.level, first: -last - 1, counts: self.counts.iter().rev().copied().collect() }
    }

    /// Counts in the bins of a frame that is as coarse at least and holds every value.
    pub fn counts_in(&self, frame: &Histogram) -> Vec<u64> {
        let mut counts = vec![0; frame.counts.len()];
        let times = (frame.level - self.level).clamp(0, 63);
        for (offset, count) in self.counts.iter().enumerate() {
            let bin = ((self.first + offset as i64) >> times) - frame.first;
            if let Some(sum) = usize::try_from(bin).ok().and_then(|bin| counts.get_mut(bin)) {
                *sum += count;
            }
        }
        counts
    }

    /// Width of a bin, in the unit of the values.
    pub fn width(&self) -> f64 {
        2f64.powi(self.level)
    }

    /// Lower end of the first bin.
    pub fn lower(&self) -> f64 {
        self.first as f64 * self.width()
    }

    /// Counts of adjoining bins, from [`Histogram::lower`] up.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Number of values.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Centre and count of every occupied bin.
    pub fn occupied(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let width = self.width();
        let first = self.first;
        self.counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(move |(offset, count)| (((first + offset as i64) as f64 + 0.5) * width, *count as f64))
    }
}

/// The finest level at which the index of a value is exact: the smallest with `|value| < 2^(level + INDEX_BITS)`.
fn finest_level(value: f64) -> i32 {
    let exponent = ((value.to_bits() >> 52) & 0x7FF) as i32 - 1022;
    FINEST.max(exponent - INDEX_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draws, Purpose};

    fn of(values: &[f64]) -> Histogram {
        let mut histogram = Histogram::default();
        histogram.extend(values.iter().copied());
        histogram
    }

    #[test]
    fn order_and_cuts_do_not_matter() {
        let mut draws = Draws::new(1, Purpose::Initial, 0);
        let mut values: Vec<f64> = (0..3000).map(|_| 1e3 * draws.normal().exp() - 40.0).collect();
        values.extend([0.0, -0.0, 1e9, -3e-30, 5e-324]);
        let whole = of(&values);
        assert_eq!(whole.total(), values.len() as u64);
        let mut backwards = values.clone();
        backwards.reverse();
        assert!(of(&backwards) == whole);
        for cut in [1, 500, 2999, 3001] {
            let (left, right) = (of(&values[..cut]), of(&values[cut..]));
            let (mut one, mut two) = (left.clone(), right.clone());
            one.merge(&right);
            two.merge(&left);
            assert!(one == whole && two == whole);
        }
    }

    #[test]
    fn values_land_in_their_bins_and_the_resolution_follows_the_spread() {
        for (offset, spread) in [(0.0, 1.0), (1e6, 1e-3), (-5.0, 1e-21), (0.0, 1e30)] {
            let values: Vec<f64> = (0..1000).map(|k| offset + spread * (k as f64 / 999.0)).collect();
            let histogram = of(&values);
            let resolution = (values[999] - values[0]) / histogram.width();
            let exact = offset.abs() > 1e10 * spread;
            assert!(exact || (MOST_BINS as f64 / 2.0 - 2.0..=MOST_BINS as f64).contains(&resolution), "{resolution}");
            for value in &values {
                let bin = ((value - histogram.lower()) / histogram.width()).floor() as usize;
                assert!(histogram.counts()[bin] > 0);
            }
        }
    }

    #[test]
    fn coarse_histograms_keep_every_count() {
        let histogram = of(&(0..777).map(|k| (k as f64).sin()).collect::<Vec<_>>());
        let coarse = histogram.coarsened(50);
        assert!(coarse.counts().len() <= 50 && coarse.total() == 777);
        assert!(coarse.lower() <= histogram.lower());
    }

    #[test]
    fn a_mirrored_histogram_meets_the_other_in_one_frame() {
        let values: Vec<f64> = (0..777).map(|k| (k as f64).sin() + 0.3).collect();
        let (plain, mirrored) = (of(&values), of(&values).mirrored());
        assert!(mirrored == of(&values.iter().map(|value| -value).collect::<Vec<_>>()));
        let mut frame = plain.clone();
        frame.merge(&mirrored);
        let frame = frame.coarsened(40);
        let [one, two] = [&plain, &mirrored].map(|histogram| histogram.counts_in(&frame));
        assert!(one.iter().sum::<u64>() == 777 && two.iter().sum::<u64>() == 777);
        assert!(one.iter().zip(&two).zip(frame.counts()).all(|((one, two), both)| one + two == *both));
        assert_eq!(frame.negative(), plain.negative() + mirrored.negative());
    }

    #[test]
    fn constants_fill_one_bin() {
        assert_eq!(of(&[0.0; 9]).counts(), [9]);
        assert_eq!(of(&[2.5e17; 4]).counts(), [4]);
        assert_eq!(Histogram::default().total(), 0);
    }

    #[test]
    fn values_below_zero_are_counted_however_coarse_the_bins() {
        for scale in [1.0, 1e-7, 1e9] {
            let mut histogram = Histogram::default();
            histogram.extend([-3.0, -1e-12, 0.0, -0.0, 1e-12, 2.0].into_iter().map(|v| v * scale));
            assert_eq!((histogram.negative(), histogram.coarsened(2).negative()), (2, 2), "{scale}");
        }
        for (values, negative) in [(&[-3.0, -2.0][..], 2), (&[5.0, 8.0], 0), (&[], 0)] {
            let mut histogram = Histogram::default();
            histogram.extend(values.iter().copied());
            assert_eq!(histogram.negative(), negative, "{values:?}");
        }
    }
}
