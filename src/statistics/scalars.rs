//! Scalars that come once a trajectory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ExponentialSum, Histogram, Measured, Moments, StatisticsError, jackknife, same, same_length};

/// What is kept of a scalar, beside its moments and its histogram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalarSpec {
    /// Its name, as in the registry of observables.
    pub name: String,
    /// β of `⟨exp(−β v)⟩`, where that average is wanted; in 1/unit of the scalar.
    pub beta: Option<f64>,
}

/// Named scalars, one value a trajectory, over fixed blocks of trajectories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scalars {
    block: u64,
    specs: Vec<ScalarSpec>,
    pairs: Vec<(usize, usize)>,
    rows: BTreeMap<u64, Row>,
    histograms: Vec<Histogram>,
    nonfinite: u64,
    first_nonfinite: Option<u64>,
}

/// What a block of trajectories adds up to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Row {
    /// Trajectories of the block seen so far, finite or not.
    absorbed: u64,
    moments: Vec<Moments>,
    exponentials: Vec<ExponentialSum>,
    /// Products of the pairs, about the pivots of the block.
    products: Vec<f64>,
}

impl Scalars {
    /// Nothing seen yet. `block` is the number of trajectories of a block; `pairs` are the names of scalars whose mean product is wanted
    /// (those that do not exist are left out).
    pub fn new(block: u64, specs: Vec<ScalarSpec>, pairs: &[(&str, &str)]) -> Self {
        let index = |name: &str| specs.iter().position(|spec| spec.name == name);
        let pairs = pairs.iter().filter_map(|(left, right)| Some((index(left)?, index(right)?))).collect();
        let histograms = vec![Histogram::default(); specs.len()];
        Self { block: block.max(1), specs, pairs, rows: BTreeMap::new(), histograms, nonfinite: 0, first_nonfinite: None }
    }

    /// Adds the trajectories `first..`, `columns[scalar][trajectory]` in the order of the specs. A trajectory with a non-finite scalar is counted
    /// in [`Scalars::nonfinite`] and left out of everything else. Nothing changes on an error.
    pub fn absorb(&mut self, first: u64, columns: &[Vec<f64>]) -> Result<(), StatisticsError> {
        same_length("scalars", self.specs.len(), columns.len())?;
        let count = columns.first().map_or(0, Vec::len);
        columns.iter().try_for_each(|column| same_length("trajectories", count, column.len()))?;
        let segments = segments(self.block, first, count);
        for segment in &segments {
            let expected = segment.block * self.block + self.rows.get(&segment.block).map_or(0, |row| row.absorbed);
            let found = first + segment.start as u64;
            if expected != found {
                return Err(StatisticsError::OutOfOrder { expected, found });
            }
        }
        let mut finite = vec![true; count];
        for column in columns {
            finite.iter_mut().zip(column).for_each(|(finite, value)| *finite &= value.is_finite());
        }
        let bad = finite.iter().position(|ok| !ok);
        if let Some(bad) = bad {
            let bad = first + bad as u64;
            self.first_nonfinite = Some(self.first_nonfinite.map_or(bad, |earlier| earlier.min(bad)));
            self.nonfinite += finite.iter().filter(|ok| !**ok).count() as u64;
        }
        for segment in &segments {
            self.absorb_segment(segment, columns, &finite);
        }
        for (histogram, column) in self.histograms.iter_mut().zip(columns) {
            match bad {
                Some(_) => histogram.extend(kept(column, &finite)),
                None => histogram.extend(column.iter().copied()),
            }
        }
        Ok(())
    }

    /// Adds a part of a batch that lies in one block.
    fn absorb_segment(&mut self, segment: &Segment, columns: &[Vec<f64>], finite: &[bool]) {
        let (range, scalars, pairs) = (segment.start..segment.end, self.specs.len(), self.pairs.len());
        let row = self.rows.entry(segment.block).or_insert_with(|| Row {
            absorbed: 0,
            moments: vec![Moments::default(); scalars],
            exponentials: vec![ExponentialSum::default(); scalars],
            products: vec![0.0; pairs],
        });
        row.absorbed += range.len() as u64;
        let finite = &finite[range.clone()];
        let all = finite.iter().all(|finite| *finite);
        for (scalar, column) in columns.iter().enumerate() {
            let column = &column[range.clone()];
            if all {
                row.moments[scalar].extend(column.iter().copied());
            } else {
                row.moments[scalar].extend(kept(column, finite));
            }
            if let Some(beta) = self.specs[scalar].beta {
                row.exponentials[scalar].extend(kept(column, finite).map(|v| -beta * v));
            }
        }
        for (product, (left, right)) in row.products.iter_mut().zip(&self.pairs) {
            let (a, b) = (row.moments[*left].pivot(), row.moments[*right].pivot());
            let values = kept(&columns[*left][range.clone()], finite).zip(kept(&columns[*right][range.clone()], finite));
            values.for_each(|(u, v)| *product += (u - a) * (v - b));
        }
    }

    /// Adds the trajectories of another part of the same ensemble.
    pub fn merge(&mut self, other: Scalars) -> Result<(), StatisticsError> {
        same("block size", &self.block, &other.block)?;
        same("scalars", &self.specs, &other.specs)?;
        same("pairs of scalars", &self.pairs, &other.pairs)?;
        if let Some(block) = other.rows.keys().find(|block| self.rows.contains_key(block)) {
            return Err(StatisticsError::Overlap { block: *block });
        }
        self.rows.extend(other.rows);
        self.histograms.iter_mut().zip(&other.histograms).for_each(|(mine, theirs)| mine.merge(theirs));
        self.nonfinite += other.nonfinite;
        self.first_nonfinite = [self.first_nonfinite, other.first_nonfinite].into_iter().flatten().min();
        Ok(())
    }

    /// A scalar by name.
    pub fn get(&self, name: &str) -> Option<Scalar<'_>> {
        let index = self.specs.iter().position(|spec| spec.name == name)?;
        Some(Scalar { scalars: self, index })
    }

    /// All scalars, in the order of the specs.
    pub fn iter(&self) -> impl Iterator<Item = Scalar<'_>> {
        (0..self.specs.len()).map(|index| Scalar { scalars: self, index })
    }

    /// `⟨u v⟩` of a pair kept since [`Scalars::new`].
    pub fn mean_product(&self, left: &str, right: &str) -> Option<f64> {
        let index = |name: &str| self.specs.iter().position(|spec| spec.name == name);
        let wanted = (index(left)?, index(right)?);
        let pair = self.pairs.iter().position(|pair| *pair == wanted)?;
        let (mut sum, mut count) = (0.0, 0.0);
        for row in self.rows.values() {
            let ([n, u, ..], [_, v, ..]) = (row.moments[wanted.0].sums(), row.moments[wanted.1].sums());
            let (a, b) = (row.moments[wanted.0].pivot(), row.moments[wanted.1].pivot());
            sum += row.products[pair] + a * v + b * u + n * a * b;
            count += n;
        }
        Some(sum / count)
    }

    /// Covariance of a pair kept since [`Scalars::new`], with its jackknife error over blocks.
    pub fn covariance(&self, left: &str, right: &str) -> Option<Measured> {
        let index = |name: &str| self.specs.iter().position(|spec| spec.name == name);
        let wanted = (index(left)?, index(right)?);
        let pair = self.pairs.iter().position(|pair| *pair == wanted)?;
        let [u0, v0] = [wanted.0, wanted.1].map(|scalar| Scalar { scalars: self, index: scalar }.moments().mean());
        // Every block about the means of all: then nothing large cancels.
        let row = |row: &Row| {
            let ([n, u, ..], [_, v, ..]) = (row.moments[wanted.0].sums(), row.moments[wanted.1].sums());
            let (a, b) = (row.moments[wanted.0].pivot() - u0, row.moments[wanted.1].pivot() - v0);
            vec![n, u + n * a, v + n * b, row.products[pair] + a * v + b * u + n * a * b]
        };
        let rows: Vec<Vec<f64>> = self.rows.values().map(row).collect();
        let weights: Vec<f64> = rows.iter().map(|row| row[0]).collect();
        Some(jackknife(&rows, &weights, |sums| (sums[3] - sums[1] * sums[2] / sums[0]) / (sums[0] - 1.0)))
    }

    /// Trajectories seen, finite or not.
    pub fn trajectories(&self) -> u64 {
        self.rows.values().map(|row| row.absorbed).sum()
    }

    /// Trajectories left out because a scalar was not finite.
    pub fn nonfinite(&self) -> u64 {
        self.nonfinite
    }

    /// Index of the first trajectory left out.
    pub fn first_nonfinite(&self) -> Option<u64> {
        self.first_nonfinite
    }
}

/// A view of one scalar.
#[derive(Clone, Copy, Debug)]
pub struct Scalar<'a> {
    scalars: &'a Scalars,
    index: usize,
}

impl<'a> Scalar<'a> {
    /// Its name.
    pub fn name(&self) -> &'a str {
        &self.scalars.specs[self.index].name
    }

    /// Moments over all trajectories.
    pub fn moments(&self) -> Moments {
        Moments::total(&self.block_moments())
    }

    /// Moments of every block, in block order; every scalar has the same blocks.
    pub fn block_moments(&self) -> Vec<Moments> {
        self.scalars.rows.values().map(|row| row.moments[self.index]).collect()
    }

    /// β and the sums of `exp(−β v)`, where its spec asks for them.
    pub fn exponential(&self) -> Option<(f64, ExponentialSum)> {
        let beta = self.scalars.specs[self.index].beta?;
        let rows: Vec<ExponentialSum> = self.scalars.rows.values().map(|row| row.exponentials[self.index]).collect();
        Some((beta, ExponentialSum::total(&rows)))
    }

    /// Distribution over all trajectories.
    pub fn histogram(&self) -> &'a Histogram {
        &self.scalars.histograms[self.index]
    }
}

/// The part of a batch that lies in one block.
pub(super) struct Segment {
    pub(super) block: u64,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Cuts the trajectories `first..first + count` at the ends of blocks.
pub(super) fn segments(block: u64, first: u64, count: usize) -> Vec<Segment> {
    let mut parts = Vec::new();
    let mut start = 0;
    while start < count {
        let index = (first + start as u64) / block;
        let end = count.min(((index + 1) * block - first) as usize);
        parts.push(Segment { block: index, start, end });
        start = end;
    }
    parts
}

/// The values of the finite trajectories.
fn kept<'a>(column: &'a [f64], finite: &'a [bool]) -> impl Iterator<Item = f64> + 'a {
    column.iter().zip(finite).filter(|(_, ok)| **ok).map(|(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draws, Purpose};

    fn spec(name: &str, beta: Option<f64>) -> ScalarSpec {
        ScalarSpec { name: name.into(), beta }
    }

    fn empty() -> Scalars {
        Scalars::new(50, vec![spec("work", Some(1.0)), spec("heat", None)], &[("work", "heat"), ("work", "absent")])
    }

    fn columns(count: usize) -> Vec<Vec<f64>> {
        let mut draws = Draws::new(5, Purpose::Initial, 0);
        let work: Vec<f64> = (0..count).map(|_| 1.0 + draws.normal()).collect();
        let heat = work.iter().map(|w| 0.5 * w + draws.normal()).collect();
        vec![work, heat]
    }

    fn absorbed(first: usize, columns: &[Vec<f64>], cuts: &[usize]) -> Scalars {
        let mut scalars = empty();
        let count = columns[0].len();
        let ends: Vec<usize> = cuts.iter().copied().chain([count]).collect();
        let mut start = 0;
        for end in ends {
            let part: Vec<Vec<f64>> = columns.iter().map(|column| column[start..end].to_vec()).collect();
            scalars.absorb((first + start) as u64, &part).expect("in order");
            start = end;
        }
        scalars
    }

    #[test]
    fn cuts_change_no_bit_and_halves_make_the_whole() {
        let mut columns = columns(1010);
        columns[1][700] = f64::NAN;
        columns[0][123] = f64::INFINITY;
        let whole = absorbed(0, &columns, &[]);
        assert!(whole == absorbed(0, &columns, &[1, 49, 50, 51, 333, 1000]));
        let halves = [0..500, 500..1010].map(|range| {
            let part: Vec<Vec<f64>> = columns.iter().map(|column| column[range.clone()].to_vec()).collect();
            absorbed(range.start, &part, &[77])
        });
        let [left, right] = halves;
        for (mut one, two) in [(left.clone(), right.clone()), (right, left)] {
            one.merge(two).expect("disjoint");
            assert!(one == whole);
        }
        assert_eq!((whole.trajectories(), whole.nonfinite(), whole.first_nonfinite()), (1010, 2, Some(123)));
        assert_eq!(whole.get("work").expect("there").moments().count(), 1008);
        assert_eq!(whole.get("heat").expect("there").histogram().total(), 1008);
    }

    #[test]
    fn a_round_trip_through_text_continues_where_it_stopped() {
        let columns = columns(130);
        let whole = absorbed(0, &columns, &[]);
        let half: Vec<Vec<f64>> = columns.iter().map(|column| column[..70].to_vec()).collect();
        let rest: Vec<Vec<f64>> = columns.iter().map(|column| column[70..].to_vec()).collect();
        let text = serde_json::to_string(&absorbed(0, &half, &[])).expect("serialises");
        let mut resumed: Scalars = serde_json::from_str(&text).expect("deserialises");
        resumed.absorb(70, &rest).expect("in order");
        assert!(resumed == whole, "floats must survive serde_json: it needs its feature float_roundtrip");
    }

    #[test]
    fn wrong_parts_are_refused_and_leave_no_trace() {
        let columns = columns(100);
        let mut scalars = absorbed(0, &columns, &[]);
        let before = scalars.clone();
        assert_eq!(scalars.absorb(90, &columns), Err(StatisticsError::OutOfOrder { expected: 100, found: 90 }));
        assert_eq!(scalars.absorb(120, &columns), Err(StatisticsError::OutOfOrder { expected: 100, found: 120 }));
        assert_eq!(scalars.absorb(100, &columns[..1]), Err(StatisticsError::Shape { what: "scalars", expected: 2, found: 1 }));
        assert_eq!(scalars.merge(before.clone()), Err(StatisticsError::Overlap { block: 0 }));
        assert_eq!(scalars.merge(Scalars::new(51, before.specs.clone(), &[])), Err(StatisticsError::Different { what: "block size" }));
        assert!(scalars == before);
    }

    #[test]
    fn products_and_exponentials_are_those_of_the_sample() {
        let columns = columns(333);
        let scalars = absorbed(0, &columns, &[100]);
        let product = columns[0].iter().zip(&columns[1]).map(|(w, q)| w * q).sum::<f64>() / 333.0;
        assert!((scalars.mean_product("work", "heat").expect("kept") - product).abs() <= 1e-12);
        assert!(scalars.mean_product("heat", "work").is_none() && scalars.mean_product("work", "absent").is_none());
        let mean = columns[0].iter().map(|w| (-w).exp()).sum::<f64>() / 333.0;
        let (beta, sum) = scalars.get("work").and_then(|work| work.exponential()).expect("kept");
        assert!(beta == 1.0 && (sum.log_mean() - mean.ln()).abs() <= 1e-12);
        assert!(scalars.get("heat").expect("there").exponential().is_none());
    }

    #[test]
    fn the_covariance_of_a_pair_is_seen_far_from_the_origin_and_in_any_blocks() {
        let mut draws = Draws::new(5, Purpose::Initial, 0);
        let first: Vec<f64> = (0..20_000).map(|_| 1e4 + draws.normal()).collect();
        let second: Vec<f64> = first.iter().map(|u| -3e3 + 0.5 * (u - 1e4) + draws.normal()).collect();
        let columns = [first, second];
        let covariance = |block: u64| {
            let mut scalars = Scalars::new(block, vec![spec("u", None), spec("v", None)], &[("u", "v")]);
            scalars.absorb(0, &columns).expect("fits");
            scalars.covariance("u", "v").expect("kept")
        };
        let (fine, coarse) = (covariance(64), covariance(1024));
        assert!((fine.value - coarse.value).abs() <= 1e-9 && fine.z(0.5).abs() <= 5.0, "{fine:?} {coarse:?}");
        // sd of one product: sqrt(C² + var var) = sqrt(0.25 + 1.25).
        assert!((fine.standard_error * 20_000f64.sqrt() / 1.5f64.sqrt() - 1.0).abs() <= 0.15 && fine.z(0.6).abs() > 5.0, "{fine:?}");
        let scalars = Scalars::new(64, vec![spec("u", None), spec("v", None)], &[]);
        assert!(scalars.covariance("u", "v").is_none(), "not kept");
    }
}
