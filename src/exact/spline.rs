//! Smooth functions over a rectangle, through values at even nodes: sums of products of cubic B-splines.
//!
//! `f(x, y) = Σ c_ij B(u − i) B(v − j)` with the places `u`, `v` counted in cells is twice differentiable, errs with the fourth power of the spacing and is linear
//! in the values (C. de Boor, A Practical Guide to Splines, 1978). A coordinate that comes round has splines that do; at other ends the outermost two cells
//! share one cubic ("not a knot").

use super::fokker_planck::Ends;
use super::mesh::Axis;

/// So many more B-splines than cells reach into a range.
pub const MORE: usize = 3;
/// Ratio of what neighbouring values weigh in a coefficient: the root of `1 + 4z + z²` inside the unit circle.
const DECAY: f64 = -0.267_949_192_431_122_7;
/// Neighbours beyond which that is nothing.
const FAR: usize = 30;
/// Cells without which the ends have no cubic of their own.
const FEWEST: usize = 4;

/// A smooth function over a rectangle.
#[derive(Clone, Debug, PartialEq)]
pub struct Spline {
    ranges: [(f64, f64); 2],
    cells: usize,
    coefficients: Vec<f64>,
}

impl Spline {
    /// Through `(cells + 1)²` values at even nodes, line after line of the second coordinate; of a periodic coordinate both ends are nodes. At least 4 cells.
    pub fn through(axes: &[Axis; 2], cells: usize, values: &[f64]) -> Self {
        let (nodes, splines) = (cells + 1, cells + MORE);
        let lines: Vec<f64> = values.chunks(nodes).flat_map(|line| coefficients(line, axes[1].ends == Ends::Periodic)).collect();
        let mut all = vec![0.0; splines * splines];
        for j in 0..splines {
            let line: Vec<f64> = (0..nodes).map(|i| lines[i * splines + j]).collect();
            coefficients(&line, axes[0].ends == Ends::Periodic).into_iter().enumerate().for_each(|(i, c)| all[i * splines + j] = c);
        }
        Self::of(axes, cells, all)
    }

    /// That of coefficients already known: `(cells + 3)²` of them.
    pub fn of(axes: &[Axis; 2], cells: usize, coefficients: Vec<f64>) -> Self {
        Self { ranges: axes.map(|axis| (axis.lower, axis.upper)), cells, coefficients }
    }

    /// The coefficients, `cells + 3` along each coordinate.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// Its value; beyond the rectangle the polynomial of the nearest cell goes on.
    pub fn at(&self, x: [f64; 2]) -> f64 {
        let place = |k: usize| {
            let (lower, upper) = self.ranges[k];
            let place = (x[k] - lower) / (upper - lower) * self.cells as f64;
            let cell = place.floor().clamp(0.0, self.cells as f64 - 1.0);
            (cell as usize, weights(place - cell))
        };
        let ((i, along), (j, across)) = (place(0), place(1));
        let line = |k: usize| &self.coefficients[(i + k) * (self.cells + MORE) + j..][..4];
        along.iter().enumerate().map(|(k, weight)| weight * line(k).iter().zip(across).map(|(c, weight)| c * weight).sum::<f64>()).sum()
    }
}

/// The B-splines that reach into a cell, at a place in it.
fn weights(s: f64) -> [f64; 4] {
    let r = 1.0 - s;
    let inner = |s: f64| 2.0 / 3.0 + s * s * (0.5 * s - 1.0);
    [r * r * r / 6.0, inner(s), inner(r), s * s * s / 6.0]
}

/// Coefficients of the B-splines of one line of values.
fn coefficients(values: &[f64], periodic: bool) -> Vec<f64> {
    let cells = values.len() - 1;
    assert!(cells >= FEWEST, "{cells} cells have no not-a-knot spline");
    let inner = if periodic { round(&values[..cells]) } else { between_ends(values) };
    if periodic {
        return (0..cells + MORE).map(|k| inner[(k + cells - 1) % cells]).collect();
    }
    // What makes the value at the end right.
    let beyond = |at: usize, next: usize| 6.0 * values[at] - 4.0 * inner[at] - inner[next];
    [beyond(0, 1)].into_iter().chain(inner.iter().copied()).chain([beyond(cells, cells - 1)]).collect()
}

/// All coefficients of a line that comes round: `c = √3 Σ_k z^|k| f_{i+k}`.
fn round(values: &[f64]) -> Vec<f64> {
    let n = values.len();
    let height = -6.0 * DECAY / (1.0 - DECAY * DECAY);
    let around = |i: usize, k: usize| if k == 0 { values[i] } else { values[(i + k) % n] + values[(i + n * FAR - k) % n] };
    (0..n).map(|i| height * (0..=FAR).rev().fold(0.0, |sum, k| sum + DECAY.powi(k as i32) * around(i, k))).collect()
}

/// The coefficients at the nodes of a line with ends: `c_{i−1} + 4 c_i + c_{i+1} = 6 f_i`, and no jump of the third derivative at the last nodes but one, where
/// it follows that `c_1 = f_1 − (f_0 − 2 f_1 + f_2)/6`.
fn between_ends(values: &[f64]) -> Vec<f64> {
    let last = values.len() - 1;
    let mut c = vec![0.0; values.len()];
    let second = |i: usize| values[i] - (values[i - 1] - 2.0 * values[i] + values[i + 1]) / 6.0;
    (c[1], c[last - 1]) = (second(1), second(last - 1));
    // Elimination between them.
    let mut pivots = vec![4.0; values.len()];
    for i in 2..last - 1 {
        c[i] = 6.0 * values[i] - if i + 2 == last { c[last - 1] } else { 0.0 };
        if i == 2 {
            c[i] -= c[1];
        } else {
            pivots[i] -= 1.0 / pivots[i - 1];
            c[i] -= c[i - 1] / pivots[i - 1];
        }
    }
    for i in (2..last - 1).rev() {
        let above = if i + 2 == last { 0.0 } else { c[i + 1] };
        c[i] = (c[i] - above) / pivots[i];
    }
    c[0] = 6.0 * values[1] - 4.0 * c[1] - c[2];
    c[last] = 6.0 * values[last - 1] - 4.0 * c[last - 1] - c[last - 2];
    c
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn axes(first: Ends, second: Ends) -> [Axis; 2] {
        [Axis { lower: -1.0, upper: 2.0, ends: first }, Axis { lower: 0.5, upper: 0.5 + TAU, ends: second }]
    }

    fn through(axes: &[Axis; 2], cells: usize, f: impl Fn(f64, f64) -> f64) -> Spline {
        let node = |axis: usize, i: usize| axes[axis].lower + (axes[axis].upper - axes[axis].lower) * i as f64 / cells as f64;
        let values: Vec<f64> = (0..=cells).flat_map(|i| (0..=cells).map(move |j| (i, j))).map(|(i, j)| f(node(0, i), node(1, j))).collect();
        Spline::through(axes, cells, &values)
    }

    /// Largest error over a rectangle that need not be the spline's own.
    fn error(spline: &Spline, ranges: [(f64, f64); 2], f: impl Fn(f64, f64) -> f64) -> f64 {
        let at = |(lower, upper): (f64, f64), k: u32| lower + (upper - lower) * f64::from(k) / 73.0;
        let places = (0..=73).flat_map(|i| (0..=73).map(move |j| (at(ranges[0], i), at(ranges[1], j))));
        places.map(|(x, y)| (spline.at([x, y]) - f(x, y)).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn cubics_are_themselves_inside_and_beyond() {
        let cubic = |x: f64, y: f64| (1.0 - x + 0.5 * x.powi(3)) * (2.0 + y * y - 0.3 * y.powi(3));
        for cells in [4, 5, 6, 17] {
            let spline = through(&axes(Ends::Truncated, Ends::Walls), cells, cubic);
            let error = error(&spline, [(-1.5, 2.5), (0.0, 7.5)], cubic);
            assert!(error <= 1e-9, "{cells}: {error}");
        }
    }

    #[test]
    fn smooth_functions_are_met_with_the_fourth_power_of_the_spacing() {
        let wave = |x: f64, y: f64| (2.0 * x).sin() * (1.0 + (2.0 * y).cos()) + y.sin();
        for ends in [Ends::Periodic, Ends::Truncated] {
            let of = |cells: usize| {
                let axes = axes(Ends::Truncated, ends);
                error(&through(&axes, cells, wave), axes.map(|axis| (axis.lower, axis.upper)), wave)
            };
            let (coarse, fine) = (of(64), of(128));
            assert!(fine <= 1e-6 && coarse / fine > 11.0 && coarse / fine < 24.0, "{ends:?}: {coarse} {fine}");
        }
    }

    #[test]
    fn what_comes_round_is_smooth_there() {
        let axes = axes(Ends::Walls, Ends::Periodic);
        let spline = through(&axes, 12, |x, y| x + (y - 0.2).cos());
        let (below, above) = (spline.at([0.3, axes[1].lower]), spline.at([0.3, axes[1].upper]));
        assert!((below - above).abs() <= 1e-14);
        let slope = |y: f64| (spline.at([0.3, y + 1e-5]) - spline.at([0.3, y - 1e-5])) / 2e-5;
        assert!((slope(axes[1].lower + 2e-5) - slope(axes[1].upper - 2e-5)).abs() <= 1e-4);
    }
}
