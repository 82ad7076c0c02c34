//! Sparse elimination of states: the stationary law of a large chain, to full relative precision.
//!
//! The elimination of Grassmann, Taksar & Heyman (Oper. Res. 33, 1107 (1985)) subtracts nothing, so that even the rarest state has a law of full relative
//! precision, which its logarithm in the entropies needs, and which a general LU with pivoting would not give. States are taken in the order of approximate
//! minimum degree (P. Amestoy, T. Davis and I. Duff, SIAM J. Matrix Anal. Appl. 17, 886 (1996); from the linear-algebra library), row by row, on the pattern
//! that a Cholesky decomposition of the symmetrised matrix would have.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::sparse::SymbolicSparseColMatRef;
use faer::sparse::linalg::amd;

use super::ExactError;

/// Most entries of the eliminated matrix above its diagonal.
pub(super) const MOST_ENTRIES: usize = 60_000_000;
/// No state.
const NONE: u32 = u32::MAX;

/// The order and the pattern of an elimination; serves all rates of a chain.
#[derive(Clone, Debug)]
pub(super) struct Elimination {
    /// State at every place of the order.
    order: Vec<u32>,
    /// Place of every state.
    place: Vec<u32>,
    /// Earlier places that every row takes from.
    before: Rows,
    /// Later places that every row reaches.
    after: Rows,
}

/// Places of entries, row by row, ascending.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    /// Where every row begins, and where the last one ends.
    pub(super) start: Vec<usize>,
    /// The entries.
    pub(super) index: Vec<u32>,
}

impl Rows {
    /// The numbers of all items, by the row that each belongs to.
    pub(super) fn by(rows: usize, row_of: &[u32]) -> Self {
        let mut start = vec![0; rows + 1];
        row_of.iter().for_each(|&row| start[row as usize + 1] += 1);
        (0..rows).for_each(|row| start[row + 1] += start[row]);
        let mut next = start.clone();
        let mut index = vec![0; row_of.len()];
        for (item, &row) in row_of.iter().enumerate() {
            index[next[row as usize]] = item as u32;
            next[row as usize] += 1;
        }
        Self { start, index }
    }

    pub(super) fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.start[row]..self.start[row + 1]
    }

    fn of(lists: impl Iterator<Item = Vec<u32>>) -> Self {
        let mut rows = Self { start: vec![0], index: Vec::new() };
        for list in lists {
            rows.index.extend(list);
            rows.start.push(rows.index.len());
        }
        rows
    }
}

/// Who touches whom, either way, sorted.
fn neighbours(states: usize, from: &[u32], to: &[u32]) -> Rows {
    let mut lists: Vec<Vec<u32>> = vec![Vec::new(); states];
    for (&from, &to) in from.iter().zip(to).filter(|(from, to)| from != to) {
        lists[from as usize].push(to);
        lists[to as usize].push(from);
    }
    Rows::of(lists.into_iter().map(|mut list| {
        list.sort_unstable();
        list.dedup();
        list
    }))
}

/// States in the order of approximate minimum degree.
fn minimum_degree(neighbours: &Rows) -> Option<Vec<u32>> {
    let states = neighbours.start.len() - 1;
    let start: Vec<usize> = neighbours.start.clone();
    let index: Vec<usize> = neighbours.index.iter().map(|&index| index as usize).collect();
    let pattern = SymbolicSparseColMatRef::new_checked(states, states, &start, None, &index);
    let mut memory = MemBuffer::new(amd::order_scratch::<usize>(states, 2 * index.len()));
    let (mut order, mut place) = (vec![0usize; states], vec![0usize; states]);
    amd::order(&mut order, &mut place, pattern, amd::Control::default(), MemStack::new(&mut memory)).ok()?;
    Some(order.into_iter().map(|state| state as u32).collect())
}

impl Elimination {
    /// Finds order and pattern.
    ///
    /// # Errors
    /// When the eliminated matrix would be larger than [`MOST_ENTRIES`].
    pub(super) fn of(states: usize, from: &[u32], to: &[u32]) -> Result<Self, ExactError> {
        let neighbours = neighbours(states, from, to);
        let order = minimum_degree(&neighbours).unwrap_or_else(|| (0..states as u32).collect());
        let mut place = vec![0; states];
        order.iter().enumerate().for_each(|(at, &state)| place[state as usize] = at as u32);
        let (mut parent, mut seen) = (vec![NONE; states], vec![NONE; states]);
        let (mut before, mut entries) = (Vec::with_capacity(states), 0);
        for row in 0..states {
            let mut list = Vec::new();
            seen[row] = row as u32;
            for &other in &neighbours.index[neighbours.range(order[row] as usize)] {
                // Up the elimination tree to what this row has seen.
                let mut at = place[other as usize];
                while (at as usize) < row && seen[at as usize] != row as u32 {
                    seen[at as usize] = row as u32;
                    list.push(at);
                    if parent[at as usize] == NONE {
                        parent[at as usize] = row as u32;
                    }
                    at = parent[at as usize];
                }
            }
            entries += list.len();
            if entries > MOST_ENTRIES {
                return Err(ExactError::TooMuchFill { states, limit: MOST_ENTRIES });
            }
            list.sort_unstable();
            before.push(list);
        }
        let mut after: Vec<Vec<u32>> = vec![Vec::new(); states];
        for (row, list) in before.iter().enumerate() {
            list.iter().for_each(|&at| after[at as usize].push(row as u32));
        }
        Ok(Self { order, place, before: Rows::of(before.into_iter()), after: Rows::of(after.into_iter()) })
    }

    /// Multiplications of one elimination.
    pub(super) fn work(&self) -> f64 {
        (0..self.order.len()).map(|row| (self.after.range(row).len() as f64).powi(2)).sum()
    }

    /// The stationary law. `rates` has one entry a transition, in the order in which they were given.
    ///
    /// # Errors
    /// When a state never leads back.
    pub(super) fn stationary(&self, from: &[u32], to: &[u32], rates: &[f64]) -> Result<Vec<f64>, ExactError> {
        let n = self.order.len();
        let leaving = Rows::by(n, from);
        let mut lower = vec![0.0; self.before.index.len()];
        let mut upper = vec![0.0; self.after.index.len()];
        let (mut pivot, mut row_of) = (vec![0.0; n], vec![0.0; n]);
        for row in 0..n {
            for &k in &leaving.index[leaving.range(self.order[row] as usize)] {
                let target = self.place[to[k as usize] as usize] as usize;
                if target != row {
                    row_of[target] += rates[k as usize];
                }
            }
            for at in self.before.range(row) {
                let earlier = self.before.index[at] as usize;
                let value = std::mem::take(&mut row_of[earlier]);
                if value > 0.0 {
                    let share = value / pivot[earlier];
                    lower[at] = share;
                    let range = self.after.range(earlier);
                    take(&mut row_of, share, &self.after.index[range.clone()], &upper[range]);
                }
            }
            row_of[row] = 0.0;
            for at in self.after.range(row) {
                upper[at] = std::mem::take(&mut row_of[self.after.index[at] as usize]);
                pivot[row] += upper[at];
            }
            if row + 1 < n && !(pivot[row] > 0.0) {
                return Err(ExactError::Reducible { state: self.order[row] as usize });
            }
        }
        Ok(self.back(&lower))
    }

    /// Back substitution: every state has what later ones give it.
    fn back(&self, lower: &[f64]) -> Vec<f64> {
        let n = self.order.len();
        let mut at_place = vec![0.0; n];
        at_place[n - 1] = 1.0;
        for row in (0..n).rev() {
            let value = at_place[row];
            for at in self.before.range(row) {
                at_place[self.before.index[at] as usize] += value * lower[at];
            }
            // A last state that is rare would let the others overflow.
            if value > 1e250 {
                at_place.iter_mut().for_each(|value| *value *= 1e-250);
            }
        }
        let total: f64 = at_place.iter().sum();
        self.place.iter().map(|&place| at_place[place as usize] / total).collect()
    }
}

/// `row[index] += share·values`; a block of entries without gaps is added as one.
fn take(row: &mut [f64], share: f64, index: &[u32], values: &[f64]) {
    let (Some(&first), Some(&last)) = (index.first(), index.last()) else { return };
    if (last - first) as usize + 1 == index.len() {
        let target = &mut row[first as usize..=last as usize];
        target.iter_mut().zip(values).for_each(|(entry, value)| *entry += share * value);
    } else {
        index.iter().zip(values).for_each(|(&at, value)| row[at as usize] += share * value);
    }
}
