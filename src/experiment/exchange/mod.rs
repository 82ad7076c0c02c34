//! `kind = "energy-exchange"`: a rod of cells between two baths.

mod initial;
mod model;

use serde::Serialize;

use crate::coordinate::Coordinate;
use crate::expression::Node;

pub(super) use initial::read_initial;
pub(super) use model::read_model;

/// Names of the baths: that of the first cell and that of the last.
pub const ENDS: [&str; 2] = ["hot", "cold"];

/// How a bath exchanges energy with the cell it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contact {
    /// Like a cell with a fresh energy of its own, exponential at the temperature of the bath: both energies together are shared uniformly.
    GhostBond,
    /// The cell takes a fresh energy, exponential at the temperature of the bath.
    Resample,
}

/// A rod of `N` cells of energy (Kipnis, Marchioro & Presutti, J. Stat. Phys. 27, 65 (1982)).
///
/// An event on an inner bond shares the energy of both its cells uniformly between them.
#[derive(Clone, Debug)]
pub struct ExchangeModel {
    /// The cells, named by their number from 1 on; at least one.
    pub cells: Vec<Coordinate>,
    /// Rates of the bonds, formulas of parameters: that of the first bath, those between cells `k` and `k + 1`, that of the last bath; length `N + 1`.
    pub rates: Vec<Node>,
    /// How baths act.
    pub contact: Contact,
    /// Temperatures of both baths, formulas of parameters and protocol variables; `None` where an end is insulated.
    pub temperature: [Option<Node>; 2],
    /// Length of a clock segment the user asks for.
    pub segment: Option<f64>,
    /// Events after which a trajectory is given up.
    pub most_events: u64,
}

impl ExchangeModel {
    /// Names of the bonds, from the first bath to the last.
    pub fn bonds(&self) -> Vec<String> {
        let names: Vec<&str> = [ENDS[0]].into_iter().chain(self.cells.iter().map(|cell| cell.name.as_str())).chain([ENDS[1]]).collect();
        names.windows(2).map(|pair| format!("{}-{}", pair[0], pair[1])).collect()
    }
}
