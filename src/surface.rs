//! A tabulated probability density of two coordinates.
//!
//! As with [`Density`](crate::density::Density), sampler and log-density describe the same function, here bilinear between nodes, so that a start drawn from
//! the one and scored with the other is exact at any resolution of the table.

use serde::{Deserialize, Serialize};

use crate::density::{Density, DensityError, risen};

/// A normalised density of two coordinates, bilinear on an even grid over a rectangle; zero outside.
///
/// For a periodic coordinate the first and the last row (or column) are the same points and should be equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Table", into = "Table")]
pub struct Surface {
    ranges: [(f64, f64); 2],
    /// Nodes along both coordinates.
    nodes: [usize; 2],
    /// Density at node `(i, j)`: `values[i * nodes[1] + j]`.
    values: Vec<f64>,
    /// Probability of a cell or an earlier one, rising to 1; cells in the order of their first nodes.
    cumulative: Vec<f64>,
}

/// What is stored of a [`Surface`].
#[derive(Serialize, Deserialize)]
struct Table {
    ranges: [(f64, f64); 2],
    nodes: [usize; 2],
    values: Vec<f64>,
}

impl From<Surface> for Table {
    fn from(surface: Surface) -> Self {
        Self { ranges: surface.ranges, nodes: surface.nodes, values: surface.values }
    }
}

impl TryFrom<Table> for Surface {
    type Error = DensityError;

    fn try_from(table: Table) -> Result<Self, DensityError> {
        Surface::new(table.ranges, table.nodes, table.values)
    }
}

impl Surface {
    /// The density of the state with the coordinates that are `odd` turned round.
    pub fn mirrored(&self, odd: [bool; 2]) -> Self {
        let range = |k: usize| if odd[k] { (-self.ranges[k].1, -self.ranges[k].0) } else { self.ranges[k] };
        let place = |k: usize, i: usize| if odd[k] { self.nodes[k] - 1 - i } else { i };
        let at = |i: usize, j: usize| self.values[place(0, i) * self.nodes[1] + place(1, j)];
        let values = (0..self.nodes[0]).flat_map(|i| (0..self.nodes[1]).map(move |j| (i, j))).map(|(i, j)| at(i, j)).collect();
        // The same numbers in another order are as good a density.
        Self::new([range(0), range(1)], self.nodes, values).unwrap_or_else(|_| self.clone())
    }

    /// Normalises the bilinear function through `values`, row after row of the second coordinate, at even nodes over two ranges.
    ///
    /// # Errors
    /// When a range is empty, there are not 2 nodes along each or not as many values as nodes, or a value is no density.
    pub fn new(ranges: [(f64, f64); 2], nodes: [usize; 2], mut values: Vec<f64>) -> Result<Self, DensityError> {
        if let Some(&(lower, upper)) = ranges.iter().find(|(lower, upper)| !(lower < upper && (upper - lower).is_finite())) {
            return Err(DensityError::Range { lower, upper });
        }
        if nodes[0].min(nodes[1]) < 2 || values.len() != nodes[0] * nodes[1] {
            return Err(DensityError::TooFew(values.len()));
        }
        if let Some((index, &value)) = values.iter().enumerate().find(|(_, value)| !(value.is_finite() && **value >= 0.0)) {
            return Err(DensityError::Value { index, value });
        }
        let mut surface = Self { ranges, nodes, values: Vec::new(), cumulative: Vec::new() };
        let area = surface.spacing(0) * surface.spacing(1);
        let largest = values.iter().fold(0.0f64, |largest, value| largest.max(*value));
        let corners = |cell: usize, values: &[f64]| surface.corner_indices(cell).map(|index| values[index]);
        let mut total = 0.0;
        let mut cumulative: Vec<f64> = (0..surface.cells())
            .map(|cell| {
                total += corners(cell, &values).iter().sum::<f64>() / (4.0 * largest);
                total
            })
            .collect();
        if !(largest > 0.0 && total > 0.0 && (1.0 / (total * area)).is_finite()) {
            return Err(DensityError::Total(total * largest));
        }
        cumulative.iter_mut().for_each(|value| *value /= total);
        values.iter_mut().for_each(|value| *value = *value / largest / (total * area));
        (surface.values, surface.cumulative) = (values, cumulative);
        Ok(surface)
    }

    /// Ends of the rectangle along a coordinate.
    pub fn range(&self, axis: usize) -> (f64, f64) {
        self.ranges[axis]
    }

    /// Distance between nodes along a coordinate.
    pub fn spacing(&self, axis: usize) -> f64 {
        let (lower, upper) = self.ranges[axis];
        (upper - lower) / (self.nodes[axis] - 1) as f64
    }

    fn cells(&self) -> usize {
        (self.nodes[0] - 1) * (self.nodes[1] - 1)
    }

    /// The nodes around a cell: `(0, 0), (0, 1), (1, 0), (1, 1)`.
    fn corner_indices(&self, cell: usize) -> [usize; 4] {
        let row = self.nodes[1];
        let first = cell / (row - 1) * row + cell % (row - 1);
        [first, first + 1, first + row, first + row + 1]
    }

    /// Index of a cell and the fraction of it below a position along a coordinate; `None` outside the table (and for NaN).
    fn locate(&self, axis: usize, x: f64) -> Option<(usize, f64)> {
        let ((lower, upper), cells) = (self.ranges[axis], self.nodes[axis] - 1);
        if !(lower <= x && x <= upper) {
            return None;
        }
        let place = (x - lower) / (upper - lower) * cells as f64;
        let cell = (place as usize).min(cells - 1);
        Some((cell, (place - cell as f64).min(1.0)))
    }

    /// A table on the same nodes at a place.
    pub(crate) fn interpolated(&self, table: &[f64], x: [f64; 2]) -> Option<f64> {
        let ((i, u), (j, v)) = (self.locate(0, x[0])?, self.locate(1, x[1])?);
        let [a, b, c, d] = self.corner_indices(i * (self.nodes[1] - 1) + j).map(|index| table[index]);
        Some((1.0 - u) * ((1.0 - v) * a + v * b) + u * ((1.0 - v) * c + v * d))
    }

    /// Probability density; 0 outside the table.
    pub fn pdf(&self, x: [f64; 2]) -> f64 {
        self.interpolated(&self.values, x).unwrap_or(0.0)
    }

    /// Logarithm of the probability density; −∞ outside the table.
    pub fn ln_pdf(&self, x: [f64; 2]) -> f64 {
        self.pdf(x).ln()
    }

    /// The place that belongs to three independent uniform numbers: it has this density.
    pub fn draw(&self, [which, along, across]: [f64; 3]) -> [f64; 2] {
        let cell = self.cumulative.partition_point(|&below| below <= which).min(self.cells() - 1);
        let [a, b, c, d] = self.corner_indices(cell).map(|index| self.values[index]);
        let u = risen(a + b, c + d, 0.5 * (a + b + c + d) * along);
        let (left, right) = (a + u * (c - a), b + u * (d - b));
        let v = risen(left, right, 0.5 * (left + right) * across);
        let row = self.nodes[1] - 1;
        let place = |axis: usize, cell: usize, fraction: f64| self.ranges[axis].0 + (cell as f64 + fraction) * self.spacing(axis);
        [place(0, cell / row, u), place(1, cell % row, v)]
    }

    /// The law of one coordinate alone.
    ///
    /// # Errors
    /// Never for a table that is a density.
    pub fn marginal(&self, axis: usize) -> Result<Density, DensityError> {
        let [rows, columns] = self.nodes;
        let weight = |k: usize, count: usize| if k == 0 || k + 1 == count { 0.5 } else { 1.0 };
        let at = |i: usize, j: usize| self.values[i * columns + j];
        let values = if axis == 0 {
            (0..rows).map(|i| (0..columns).map(|j| weight(j, columns) * at(i, j)).sum()).collect()
        } else {
            (0..columns).map(|j| (0..rows).map(|i| weight(i, rows) * at(i, j)).sum()).collect()
        };
        let (lower, upper) = self.ranges[axis];
        Density::new(lower, upper, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draws, Purpose};

    fn lopsided() -> Surface {
        Surface::new([(-1.0, 2.0), (0.0, 1.0)], [4, 3], vec![0.0, 1.0, 2.0, 0.5, 4.0, 0.0, 1.0, 1.0, 3.0, 0.0, 0.2, 5.0]).unwrap()
    }

    #[test]
    fn what_is_drawn_has_the_density_of_the_table() {
        let surface = lopsided();
        let mut draws = Draws::new(3, Purpose::Initial, 0);
        let count = 400_000;
        let (mut mean, mut inverse) = ([0.0; 3], 0.0);
        for _ in 0..count {
            let [x, y] = surface.draw([draws.uniform(), draws.uniform(), draws.uniform()]);
            [x, y, x * y].iter().zip(&mut mean).for_each(|(value, mean)| *mean += value / f64::from(count));
            inverse += surface.pdf([x, y]).recip() / f64::from(count);
        }
        // ⟨1/p⟩ is the area where there is any weight.
        assert!((inverse - 3.0).abs() <= 0.05, "{inverse}");
        let fine = 600;
        let (mut exact, mut total) = ([0.0; 3], 0.0);
        for k in 0..fine * fine {
            let (x, y) = (-1.0 + 3.0 * (f64::from(k / fine) + 0.5) / f64::from(fine), (f64::from(k % fine) + 0.5) / f64::from(fine));
            let share = surface.pdf([x, y]) * 3.0 / f64::from(fine * fine);
            total += share;
            [x, y, x * y].iter().zip(&mut exact).for_each(|(value, exact)| *exact += value * share);
        }
        assert!((total - 1.0).abs() <= 1e-4, "{total}");
        for (found, exact) in mean.iter().zip(exact) {
            assert!((found - exact).abs() <= 5.0 * 0.9 / f64::from(count).sqrt(), "{mean:?} {exact:?}");
        }
        let marginal = surface.marginal(0).unwrap();
        assert!((marginal.mean_of(&|x| x) - exact[0]).abs() <= 1e-4 && surface.marginal(1).is_ok());
    }

    #[test]
    fn what_is_stored_draws_the_same() {
        let surface = lopsided();
        let back: Surface = serde_json::from_str(&serde_json::to_string(&surface).unwrap()).unwrap();
        let place = [0.37, 0.11, 0.93];
        assert!(back.draw(place).iter().zip(surface.draw(place)).all(|(a, b)| (a - b).abs() <= 1e-14));
    }

    #[test]
    fn what_is_no_density_is_refused() {
        let of = |range: (f64, f64), values: Vec<f64>| Surface::new([range, (0.0, 1.0)], [2, 2], values);
        assert!(of((0.0, 0.0), vec![1.0; 4]).is_err() && of((0.0, 1.0), vec![1.0; 3]).is_err());
        assert!(of((0.0, 1.0), vec![1.0, 1.0, 1.0, -1.0]).is_err() && of((0.0, 1.0), vec![0.0; 4]).is_err());
        assert_eq!(lopsided().pdf([5.0, 0.5]), 0.0);
    }
}
