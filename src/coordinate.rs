//! Coordinates, their ranges, and grids over them.

use serde::Serialize;

/// What happens at the ends of a coordinate's range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boundary {
    /// The coordinate may go anywhere.
    Open,
    /// Folded into `[lower, upper)`, with an integer winding number beside it.
    Periodic {
        /// Lower end.
        lower: f64,
        /// Upper end.
        upper: f64,
    },
    /// Reflected at both ends.
    Walls {
        /// Lower end.
        lower: f64,
        /// Upper end.
        upper: f64,
    },
}

impl Boundary {
    /// Length of the period of a periodic coordinate.
    pub fn period(self) -> Option<f64> {
        match self {
            Boundary::Periodic { lower, upper } => Some(upper - lower),
            Boundary::Open | Boundary::Walls { .. } => None,
        }
    }

    /// Both ends, where there are any.
    pub fn ends(self) -> Option<(f64, f64)> {
        match self {
            Boundary::Periodic { lower, upper } | Boundary::Walls { lower, upper } => Some((lower, upper)),
            Boundary::Open => None,
        }
    }
}

/// A coordinate of the model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coordinate {
    /// Its name in the file.
    pub name: String,
    /// What happens at the ends of its range.
    pub boundary: Boundary,
}

/// An evenly spaced grid over one coordinate. A value outside is counted below or above.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldGrid {
    /// Which coordinate.
    pub coordinate: u16,
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// Number of bins, without the two outer ones.
    pub bins: u32,
}

/// Bin of a finite value among `bins` on `[lower, upper)`: 0 below, `bins + 1` above. A folded coordinate is always inside; rounding at its seam must not say otherwise.
pub(crate) fn bin_of(value: f64, (lower, upper): (f64, f64), bins: f64, folded: bool) -> usize {
    let place = (value - lower) * (bins / (upper - lower));
    // A number that is not negative is cut to what lies below it, without a call of `floor`.
    match (folded, place < 0.0) {
        (true, _) => place.clamp(0.0, bins - 1.0) as usize + 1,
        (false, true) => 0,
        (false, false) => place.min(bins) as usize + 1,
    }
}

/// A grid over two coordinates, on which visits and displacements of every step are added up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlaneGrid {
    /// The grids of the two coordinates.
    pub axes: [FieldGrid; 2],
    /// What an integer displacement of 1 stands for, a power of two of either coordinate.
    pub units: [f64; 2],
    /// Statistics blocks of trajectories that share a row of sums.
    pub blocks_per_row: u64,
}

impl PlaneGrid {
    /// Most cells of a grid: what comes back of them, row by row, must stay small.
    pub const MOST_CELLS: u64 = 1 << 14;
    /// Bins along a coordinate, where no number is given.
    pub const DEFAULT_BINS: u32 = 32;
    /// Sums of a cell: visits at the ends of steps, and displacements along both coordinates of steps whose middle lies in it.
    pub const SUMS: usize = 3;

    /// Number of cells, that for everything outside included, which is the last.
    pub fn cells(&self) -> usize {
        self.axes[0].bins as usize * self.axes[1].bins as usize + 1
    }

    /// Integers of a row.
    pub fn width(&self) -> usize {
        Self::SUMS * self.cells()
    }
}
