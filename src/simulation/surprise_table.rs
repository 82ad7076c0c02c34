//! How a protocol is cut into pieces in each of which `φ = −ln p_ss` goes straight: the rows of the tables that kernels read.

use super::SimulationError;
use crate::exact::surprise::Surprise;

/// Largest deviation from a straight line along the protocol, in nats: far below what trajectories can tell.
const STRAIGHT: f64 = 2e-5;
/// Where `φ` is so far above its lowest, no trajectory comes to see an error.
pub(super) const HEIGHT: f64 = 25.0;
/// Pieces of the protocol that are looked at before any is cut.
const PIECES: usize = 64;
/// Most numbers of a table: 64 MiB of them on a device.
const MOST_NUMBERS: usize = 1 << 24;

/// `φ` at one entry of the protocol.
pub(super) trait Shape {
    /// Numbers about as large as `φ` is in one place each.
    fn numbers(&self) -> &[f64];
    /// The row of a table that leads from here to another.
    fn row_to(&self, after: &Self) -> Vec<f64>;
}

impl Shape for Surprise {
    fn numbers(&self) -> &[f64] {
        self.values()
    }

    fn row_to(&self, after: &Self) -> Vec<f64> {
        self.change(after)
    }
}

/// Coefficients of splines.
impl Shape for Vec<f64> {
    fn numbers(&self) -> &[f64] {
        self
    }

    fn row_to(&self, after: &Self) -> Vec<f64> {
        after.iter().zip(self).map(|(after, before)| after - before).collect()
    }
}

/// Rows of a table, and which of them, and which part of it, every step moves by.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) numbers: Vec<f64>,
    pub(super) places: Vec<(u32, f64)>,
}

impl Rows {
    /// Cuts the protocol where `φ` does not follow a straight line between two entries, down to single steps, so that every jump has a row of its own; rows
    /// hold what `φ` does from knot to knot.
    pub(super) fn along<S: Shape, E: Into<SimulationError>>(
        table: &[Vec<f64>],
        steps: usize,
        at: &mut dyn FnMut(usize) -> Result<S, E>,
    ) -> Result<Self, SimulationError> {
        let mut rows = Self { numbers: Vec::new(), places: vec![(0, 0.0); steps] };
        let stride = steps.div_ceil(PIECES).max(1);
        let mut ahead: Vec<(usize, usize)> = (0..steps).step_by(stride).map(|from| (from, (from + stride).min(steps))).rev().collect();
        let mut before = at(0).map_err(Into::into)?;
        let mut row = 0;
        while let Some((from, to)) = ahead.pop() {
            if (from..to).all(|n| table.iter().all(|values| values[n] == values[n + 1])) {
                continue;
            }
            let after = at(to).map_err(Into::into)?;
            if let Some(cut) = cut(table, (from, &before), (to, &after), at).map_err(Into::into)? {
                ahead.extend([(cut, to), (from, cut)]);
                continue;
            }
            rows.places[from..to].fill((row, 1.0 / (to - from) as f64));
            rows.numbers.extend(before.row_to(&after));
            row += 1;
            if rows.numbers.len() > MOST_NUMBERS {
                return Err(too_large());
            }
            before = after;
        }
        Ok(rows)
    }
}

fn too_large() -> SimulationError {
    SimulationError::Start(format!(
        "the table of −ln p_ss along the protocol would have more than {MOST_NUMBERS} numbers: let the protocol be shorter, smoother or go round less often, or leave out theorems about housekeeping and excess"
    ))
}

/// Where to cut a piece of the protocol; `None` where `φ` is straight enough: in the middle, and where a variable is farthest from its chord.
fn cut<S: Shape, E>(
    table: &[Vec<f64>],
    (from, before): (usize, &S),
    (to, after): (usize, &S),
    at: &mut dyn FnMut(usize) -> Result<S, E>,
) -> Result<Option<usize>, E> {
    if to - from < 2 {
        return Ok(None);
    }
    let middle = (from + to) / 2;
    let part = |n: usize| (n - from) as f64 / (to - from) as f64;
    let farthest = table.iter().map(|values| {
        let bend = |n: usize| (values[n] - values[from] - part(n) * (values[to] - values[from])).abs();
        (from + 1..to).fold(middle, |worst, n| if bend(n) > bend(worst) { n } else { worst })
    });
    let mut tried: Vec<usize> = std::iter::once(middle).chain(farthest).collect();
    tried.dedup();
    for n in tried {
        let here = at(n)?;
        let lowest = here.numbers().iter().fold(f64::INFINITY, |least, value| least.min(*value));
        let chord = before.numbers().iter().zip(after.numbers()).map(|(before, after)| before + part(n) * (after - before));
        let deviation = chord.zip(here.numbers()).filter(|(_, here)| **here <= lowest + HEIGHT).map(|(chord, here)| (chord - here).abs());
        if !(deviation.fold(0.0, f64::max) <= STRAIGHT) {
            return Ok(Some(middle));
        }
    }
    Ok(None)
}
