//! Densities and probability currents on a grid, from integer counts.
//!
//! In one dimension the current needs no counting of crossings while a trajectory runs. The net number of times an edge `k` was crossed
//! upwards between two moments is the change of the winding number plus the change of `[the value lies above edge k]`. So counts and
//! windings at two saves give the current averaged over the time between them exactly, and the ends of each trajectory its fluctuation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::scalars::segments;
use super::{Measured, StatisticsError, jackknife, same, same_length};
use crate::backend::Batch;
use crate::coordinate::bin_of;
use crate::plan::FieldGrid;

/// The grid of a field: `bins` equal bins on `[lower, upper)`, and one outer bin on either side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldLayout {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// Number of bins, without the outer ones.
    pub bins: usize,
    /// True when the grid is one period of a periodic coordinate, so that the last edge is the first again.
    pub closed: bool,
}

impl FieldLayout {
    /// The layout of a plan's grid; `closed` as in [`FieldLayout::closed`].
    pub fn new(grid: &FieldGrid, closed: bool) -> Self {
        Self { lower: grid.lower, upper: grid.upper, bins: grid.bins as usize, closed }
    }

    /// Width of a bin.
    pub fn width(&self) -> f64 {
        (self.upper - self.lower) / self.bins as f64
    }

    /// Bin of a finite value: 0 below the grid, `bins + 1` above it. The value of a closed grid is always inside; rounding at its seam
    /// must not say otherwise.
    pub fn bin(&self, value: f64) -> usize {
        bin_of(value, (self.lower, self.upper), self.bins as f64, self.closed)
    }

    /// Centres of the bins.
    pub fn centres(&self) -> Vec<f64> {
        (0..self.bins).map(|bin| self.lower + (bin as f64 + 0.5) * self.width()).collect()
    }

    /// Positions of the edges: `bins + 1`, or `bins` of a closed grid.
    pub fn edges(&self) -> Vec<f64> {
        (0..self.bins + usize::from(!self.closed)).map(|edge| self.lower + edge as f64 * self.width()).collect()
    }
}

/// All fields of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fields {
    block: u64,
    saves: usize,
    fields: Vec<Field>,
}

/// One field: counts per save and per block, windings, and crossings per trajectory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    layout: FieldLayout,
    /// `[save * (bins + 2) + bin]`.
    counts: Vec<u64>,
    /// Per save, summed over trajectories.
    windings: Vec<i64>,
    /// Per block, `[bin]`, summed over saves.
    blocks: BTreeMap<u64, Vec<u64>>,
    crossings: Crossings,
    /// Per block: trajectories, windings, then what changes at each bin of the crossings of the edges.
    block_crossings: BTreeMap<u64, Vec<i64>>,
}

/// `Σ n` and `Σ n²` over trajectories of the net number `n` of crossings of every edge. As a function of the edge, `n` is the winding number but for
/// one step between start and end bin, so both sums are kept as a constant and the differences between neighbouring edges.
/// The sum of the squares stays in range while (windings)² × trajectories is below 9·10¹⁸.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Crossings {
    trajectories: u64,
    sum: i64,
    squares: i64,
    sum_steps: Vec<i64>,
    square_steps: Vec<i64>,
}

impl Crossings {
    fn add(&mut self, start: usize, end: usize, winding: i64) {
        self.trajectories += 1;
        self.sum += winding;
        self.squares += winding * winding;
        let (low, high, sign) = if start <= end { (start, end, 1) } else { (end, start, -1) };
        let square = 2 * sign * winding + 1;
        self.sum_steps[low] += sign;
        self.sum_steps[high] -= sign;
        self.square_steps[low] += square;
        self.square_steps[high] -= square;
    }

    fn merge(&mut self, other: &Crossings) {
        self.trajectories += other.trajectories;
        self.sum += other.sum;
        self.squares += other.squares;
        add(&mut self.sum_steps, &other.sum_steps);
        add(&mut self.square_steps, &other.square_steps);
    }
}

/// Adds integers element by element.
fn add<T: Copy + std::ops::AddAssign>(sums: &mut [T], more: &[T]) {
    sums.iter_mut().zip(more).for_each(|(sum, value)| *sum += *value);
}

impl Fields {
    /// Nothing counted yet.
    pub fn new(block: u64, saves: usize, layouts: Vec<FieldLayout>) -> Self {
        let fields = layouts.into_iter().map(|layout| Field::new(layout, saves)).collect();
        Self { block: block.max(1), saves, fields }
    }

    /// Adds the counts of a batch.
    pub fn absorb(&mut self, batch: &Batch) -> Result<(), StatisticsError> {
        same_length("fields", self.fields.len(), batch.counts.len())?;
        same_length("fields with windings", self.fields.len(), batch.windings.len())?;
        same_length("fields with block counts", self.fields.len(), batch.block_counts.len())?;
        if batch.count == 0 {
            return Ok(());
        }
        let first_block = batch.first / self.block;
        let blocks = ((batch.first + batch.count as u64 - 1) / self.block - first_block + 1) as usize;
        for (index, field) in self.fields.iter().enumerate() {
            let width = field.layout.bins + 2;
            same_length("counts", self.saves * width, batch.counts[index].len())?;
            same_length("windings", self.saves, batch.windings[index].len())?;
            same_length("block counts", blocks * width, batch.block_counts[index].len())?;
        }
        for (index, field) in self.fields.iter_mut().enumerate() {
            let width = field.layout.bins + 2;
            add(&mut field.counts, &batch.counts[index]);
            add(&mut field.windings, &batch.windings[index]);
            for (row, block) in batch.block_counts[index].chunks_exact(width).zip(first_block..) {
                add(field.blocks.entry(block).or_insert_with(|| vec![0; width]), row);
            }
        }
        Ok(())
    }

    /// Adds the ends of the trajectories from `first` on to a field: folded coordinate at the first and the last save, and winding number (`None` when the coordinate
    /// is not periodic). Trajectories that are not finite are left out. Every trajectory must be added once.
    pub fn absorb_ends(&mut self, field: usize, first: u64, (initial, position): (&[f64], &[f64]), winding: Option<&[f64]>) -> Result<(), StatisticsError> {
        let block = self.block;
        same_length("end positions", initial.len(), position.len())?;
        if let Some(winding) = winding {
            same_length("windings of trajectories", initial.len(), winding.len())?;
        }
        let found = self.fields.len();
        let Some(field) = self.fields.get_mut(field) else { return Err(StatisticsError::Shape { what: "fields", expected: field + 1, found }) };
        for segment in segments(block, first, initial.len()) {
            let row = field.block_crossings.entry(segment.block).or_insert_with(|| vec![0; field.layout.bins + 4]);
            for trajectory in segment.start..segment.end {
                let (start, end, turns) = (initial[trajectory], position[trajectory], winding.map_or(0.0, |w| w[trajectory]));
                if start.is_finite() && end.is_finite() && turns.is_finite() {
                    let (from, to) = (field.layout.bin(start), field.layout.bin(end));
                    field.crossings.add(from, to, turns as i64);
                    row[0] += 1;
                    row[1] += turns as i64;
                    row[2 + from] += 1;
                    row[2 + to] -= 1;
                }
            }
        }
        Ok(())
    }

    /// Adds another part of the same ensemble.
    pub fn merge(&mut self, other: Fields) -> Result<(), StatisticsError> {
        same("block size of the fields", &self.block, &other.block)?;
        same("saves", &self.saves, &other.saves)?;
        same_length("fields", self.fields.len(), other.fields.len())?;
        for (mine, theirs) in self.fields.iter().zip(&other.fields) {
            same("grids", &mine.layout, &theirs.layout)?;
            if let Some(block) = theirs.blocks.keys().find(|block| mine.blocks.contains_key(block)) {
                return Err(StatisticsError::Overlap { block: *block });
            }
        }
        for (mine, theirs) in self.fields.iter_mut().zip(other.fields) {
            add(&mut mine.counts, &theirs.counts);
            add(&mut mine.windings, &theirs.windings);
            mine.blocks.extend(theirs.blocks);
            mine.crossings.merge(&theirs.crossings);
            mine.block_crossings.extend(theirs.block_crossings);
        }
        Ok(())
    }

    /// The fields, in the order of the plan.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter()
    }
}

impl Field {
    fn new(layout: FieldLayout, saves: usize) -> Self {
        let width = layout.bins + 2;
        let crossings = Crossings { trajectories: 0, sum: 0, squares: 0, sum_steps: vec![0; width], square_steps: vec![0; width] };
        let (blocks, block_crossings) = (BTreeMap::new(), BTreeMap::new());
        Self { counts: vec![0; saves * width], windings: vec![0; saves], blocks, crossings, block_crossings, layout }
    }

    /// The grid.
    pub fn layout(&self) -> &FieldLayout {
        &self.layout
    }

    /// Number of saves.
    pub fn saves(&self) -> usize {
        self.windings.len()
    }

    /// Counts at a save: `[bin]` with the outer ones.
    pub fn counts(&self, save: usize) -> &[u64] {
        let width = self.layout.bins + 2;
        &self.counts[save * width..][..width]
    }

    /// Density of every bin at a save, in 1/unit of the coordinate, with its binomial error.
    pub fn density_at(&self, save: usize) -> Vec<Measured> {
        let (counts, width) = (self.counts(save), self.layout.width());
        let total = counts.iter().sum::<u64>() as f64;
        let one = |count: &u64| {
            let share = *count as f64 / total;
            Measured { value: share / width, standard_error: (share * (1.0 - share) / total).sqrt() / width }
        };
        counts[1..=self.layout.bins].iter().map(one).collect()
    }

    /// Density of every bin averaged over all saves, with its jackknife error over blocks.
    pub fn density(&self) -> Vec<Measured> {
        let totals: Vec<f64> = self.blocks.values().map(|row| row.iter().sum::<u64>() as f64).collect();
        let width = self.layout.width();
        let one = |bin: usize| {
            let rows: Vec<Vec<f64>> = self.blocks.values().zip(&totals).map(|(row, total)| vec![*total, row[bin] as f64]).collect();
            jackknife(&rows, &totals, |sums| sums[1] / sums[0] / width)
        };
        (1..=self.layout.bins).map(one).collect()
    }

    /// Share of the trajectories in the bins `first..last` (0 is what lies below the grid) at the start less that at the end,
    /// for every block: its trajectories and the difference.
    pub fn moved_out(&self, first: usize, last: usize) -> Vec<(f64, f64)> {
        let of = |row: &Vec<i64>| (row[0] as f64, row[2 + first..2 + last].iter().sum::<i64>() as f64 / row[0] as f64);
        self.block_crossings.values().filter(|row| row[0] > 0).map(of).collect()
    }

    /// Net number of upward crossings of every edge of [`FieldLayout::edges`] between two saves, over all trajectories.
    pub fn crossings(&self, from: usize, to: usize) -> Vec<i64> {
        let turns = self.windings[to] - self.windings[from];
        let mut above = 0;
        let mut crossings: Vec<i64> = Vec::with_capacity(self.layout.bins + 1);
        for (now, then) in self.counts(to).iter().zip(self.counts(from)).skip(1).rev() {
            above += *now as i64 - *then as i64;
            crossings.push(turns + above);
        }
        crossings.reverse();
        crossings.truncate(self.layout.bins + usize::from(!self.layout.closed));
        crossings
    }

    /// Probability current through every edge between two saves that lie `time` apart, per unit time.
    pub fn current_between(&self, from: usize, to: usize, time: f64) -> Vec<f64> {
        let trajectories = self.counts(to).iter().sum::<u64>() as f64;
        self.crossings(from, to).into_iter().map(|crossings| crossings as f64 / (trajectories * time)).collect()
    }

    /// `Σ_bins width·j²/(D p)`: entropy production rate by density and current of a steady state of one coordinate, with its jackknife error.
    ///
    /// The current of a bin is the mean of those through its edges. Squares are sums of products of different blocks only, so that the noise
    /// of `j` adds nothing: with `J_b` crossings by `n_b` trajectories, `((ΣJ_b)² − ΣJ_b²)/((Σn_b)² − Σn_b²)` has no bias.
    pub fn entropy_production_rate(&self, duration: f64, diffusion: f64) -> Measured {
        let (bins, width) = (self.layout.bins, self.layout.width());
        let none = vec![0; bins + 4];
        let row = |(block, visits): (&u64, &Vec<u64>)| {
            let crossings = self.block_crossings.get(block).unwrap_or(&none);
            let trajectories = crossings[0] as f64;
            let mut edge = crossings[1] + crossings[2];
            let mut additive = vec![trajectories, trajectories * trajectories, visits.iter().sum::<u64>() as f64];
            for bin in 1..=bins {
                let lower = edge;
                edge += crossings[2 + bin];
                let mean = 0.5 * (lower + edge) as f64;
                additive.extend([visits[bin] as f64, mean, mean * mean]);
            }
            additive
        };
        let rows: Vec<Vec<f64>> = self.blocks.iter().map(row).collect();
        let weights: Vec<f64> = rows.iter().map(|row| row[0]).collect();
        let factor = width * width / (duration * duration * diffusion);
        jackknife(&rows, &weights, |sums| {
            let pairs = sums[0] * sums[0] - sums[1];
            let of_bin = |bin: &[f64]| if bin[0] == 0.0 { 0.0 } else { (bin[1] * bin[1] - bin[2]) / pairs * sums[2] / bin[0] };
            factor * sums[3..].chunks_exact(3).map(of_bin).sum::<f64>()
        })
    }

    /// Probability current through every edge averaged over the whole run, of length `duration`, per unit time, with the error that
    /// follows from the crossings of each trajectory.
    pub fn current(&self, duration: f64) -> Vec<Measured> {
        let crossings = &self.crossings;
        let n = crossings.trajectories as f64;
        let (mut sum, mut squares) = (crossings.sum, crossings.squares);
        // An edge k lies below bin k + 1: [bin > k], so what happens at bin k changes edge k.
        let mut one = |edge: usize| {
            sum += crossings.sum_steps[edge];
            squares += crossings.square_steps[edge];
            let mean = sum as f64 / n;
            let variance = (squares as f64 / n - mean * mean).max(0.0) * n / (n - 1.0);
            let error = (variance / n).sqrt() / duration;
            Measured { value: mean / duration, standard_error: if error.is_nan() { f64::INFINITY } else { error } }
        };
        (0..self.layout.bins + usize::from(!self.layout.closed)).map(&mut one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draws, Purpose};

    const SAVES: usize = 4;
    const COUNT: u64 = 60;

    /// Unfolded random walks, by trajectory, with a drift.
    fn walk(trajectory: u64) -> Vec<f64> {
        let mut draws = Draws::new(2, Purpose::Initial, trajectory);
        let mut x = draws.uniform();
        (0..SAVES)
            .map(|_| {
                x += 0.3 + 0.8 * draws.normal();
                x
            })
            .collect()
    }

    fn layout(closed: bool) -> FieldLayout {
        let (lower, upper) = if closed { (0.0, 1.0) } else { (-1.0, 2.0) };
        FieldLayout { lower, upper, bins: 5, closed }
    }

    fn absorbed(closed: bool, starts: &[u64], end: u64) -> Fields {
        let mut fields = Fields::new(8, SAVES, vec![layout(closed)]);
        for (start, end) in starts.iter().zip(starts.iter().skip(1).chain([&end])) {
            let range = *start..*end;
            let width = 7;
            let first_block = range.start / 8;
            let blocks = ((range.end - 1) / 8 - first_block + 1) as usize;
            let mut batch = Batch { first: range.start, count: (range.end - range.start) as usize, ..Batch::default() };
            (batch.counts, batch.windings, batch.block_counts) = (vec![vec![0; SAVES * width]], vec![vec![0; SAVES]], vec![vec![0; blocks * width]]);
            let (mut initial, mut position, mut winding) = (Vec::new(), Vec::new(), Vec::new());
            for trajectory in range.clone() {
                let path = walk(trajectory);
                let fold = |x: f64| if closed { (x.rem_euclid(1.0), x.floor()) } else { (x, 0.0) };
                for (save, x) in path.iter().enumerate() {
                    let (folded, turns) = fold(*x);
                    let bin = layout(closed).bin(folded);
                    batch.counts[0][save * width + bin] += 1;
                    batch.windings[0][save] += turns as i64 - fold(path[0]).1 as i64;
                    batch.block_counts[0][(trajectory / 8 - first_block) as usize * width + bin] += 1;
                }
                initial.push(fold(path[0]).0);
                position.push(fold(path[SAVES - 1]).0);
                winding.push(fold(path[SAVES - 1]).1 - fold(path[0]).1);
            }
            fields.absorb(&batch).expect("fits");
            fields.absorb_ends(0, range.start, (&initial, &position), closed.then_some(&winding[..])).expect("fits");
        }
        fields
    }

    /// Net crossings of all images of an edge, counted on the unfolded path.
    fn counted(closed: bool, edge: f64, from: f64, to: f64) -> i64 {
        let passed = |x: f64| if closed { (x - edge).floor() as i64 } else { i64::from(x >= edge) };
        passed(to) - passed(from)
    }

    #[test]
    fn crossings_are_those_counted_along_the_paths() {
        for closed in [true, false] {
            let fields = absorbed(closed, &[0], COUNT);
            let field = fields.iter().next().expect("one");
            let edges = layout(closed).edges();
            assert_eq!(edges.len(), if closed { 5 } else { 6 });
            for (from, to) in [(0, 3), (1, 2), (2, 2)] {
                let expected: Vec<i64> =
                    edges.iter().map(|edge| (0..COUNT).map(|trajectory| counted(closed, *edge, walk(trajectory)[from], walk(trajectory)[to])).sum()).collect();
                assert_eq!(field.crossings(from, to), expected, "closed {closed}, saves {from} to {to}");
            }
            let whole = field.current_between(0, 3, 2.0);
            for ((current, exact), edge) in field.current(2.0).iter().zip(&whole).zip(&edges) {
                assert!((current.value - exact).abs() <= 1e-14);
                let each: Vec<f64> = (0..COUNT).map(|t| counted(closed, *edge, walk(t)[0], walk(t)[3]) as f64 / 2.0).collect();
                let mean = each.iter().sum::<f64>() / COUNT as f64;
                let variance = each.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / (COUNT - 1) as f64;
                assert!((current.standard_error - (variance / COUNT as f64).sqrt()).abs() <= 1e-12, "edge {edge}");
            }
        }
    }

    #[test]
    fn cuts_and_halves_make_the_whole() {
        let whole = absorbed(true, &[0], COUNT);
        assert_eq!(whole, absorbed(true, &[0, 5, 8, 33], COUNT));
        let mut left = absorbed(true, &[0], 24);
        left.merge(absorbed(true, &[24], COUNT)).expect("disjoint");
        assert_eq!(left, whole);
        assert!(matches!(left.merge(absorbed(true, &[16], 24)), Err(StatisticsError::Overlap { block: 2 })));
        assert_eq!(left.merge(absorbed(false, &[0], 8)), Err(StatisticsError::Different { what: "grids" }));
    }

    #[test]
    fn densities_are_normalised_and_errors_sensible() {
        let fields = absorbed(true, &[0], COUNT);
        let field = fields.iter().next().expect("one");
        for density in [field.density(), field.density_at(2)] {
            let total: f64 = density.iter().map(|p| p.value * 0.2).sum();
            assert!((total - 1.0).abs() <= 1e-12);
            assert!(density.iter().all(|p| p.standard_error > 0.0 && p.z(1.0).abs() <= 5.0), "{density:?}");
        }
        let short = Batch { first: 0, count: 1, counts: vec![vec![0; 7]], windings: vec![vec![0; SAVES]], block_counts: vec![vec![0; 7]], ..Batch::default() };
        assert!(matches!(fields.clone().absorb(&short), Err(StatisticsError::Shape { what: "counts", .. })));
    }

    #[test]
    fn values_outside_and_on_the_edges_have_bins() {
        let grid = layout(false);
        for (value, bin) in [(-1.1, 0), (-1.0, 1), (-0.4001, 1), (-0.39, 2), (1.999_999_999, 5), (2.0, 6), (9.0, 6)] {
            assert_eq!(grid.bin(value), bin, "{value}");
        }
        let ring = layout(true);
        assert_eq!([-1e-9, 0.0, 1.0].map(|value| ring.bin(value)), [1, 1, 5]);
    }
}
