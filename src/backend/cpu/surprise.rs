//! Change of `−ln p_ss` by a move of the protocol; the table's part is the twin of `shaders/surprise.wgsl`.

use super::block::{Block, StepInput, spread};
use crate::maths::{LANES, Lanes, Real};
use crate::plan::{CUBIC, SurpriseMove};

/// A grid of cells that each have a cubic.
#[derive(Clone, Copy)]
pub(super) struct CubicGrid<R> {
    pub(super) lower: R,
    /// Cells per length.
    pub(super) scale: R,
    pub(super) cells: R,
}

/// `sum += part · cubic(x)`, the cubic that of the cell of `x`; beyond the ends those of the first and last cell go on.
#[inline(always)]
pub(super) fn add_cubic<R: Real, const FMA: bool>(x: &Lanes<R>, grid: CubicGrid<R>, cubics: &[R], part: R, sum: &mut Lanes<R>) {
    let last = grid.cells - R::ONE;
    for l in 0..LANES {
        let place = (x.0[l] - grid.lower) * grid.scale;
        let whole = place.floor();
        // A coordinate that is no number stays none: any cell will do.
        let cell = if whole > R::ZERO { if whole < last { whole } else { last } } else { R::ZERO };
        let s = place - cell;
        let first = CUBIC * cell.to_f64() as usize;
        let [c0, c1, c2, c3] = [cubics[first], cubics[first + 1], cubics[first + 2], cubics[first + 3]];
        let value = c3.multiply_add::<FMA>(s, c2).multiply_add::<FMA>(s, c1).multiply_add::<FMA>(s, c0);
        sum.0[l] = sum.0[l] + part * value;
    }
}

impl<R: Real> Block<'_, R> {
    /// Adds what this step's move of the protocol does at the present position.
    pub(super) fn add_surprise(&mut self, surprise: &SurpriseMove, input: StepInput<'_, R>) {
        match surprise {
            SurpriseMove::Formula(program) => {
                self.kernels.program(program, &self.position, input.constants, input.row, &mut self.after);
                let change = spread(program.outputs[0], &self.position, input, &self.after, &mut self.spare);
                self.kernels.add(change, &mut self.surprise.partial);
            }
            SurpriseMove::Table(table) => {
                let part = input.scalar(table.part);
                if part != R::ZERO {
                    let length = CUBIC * table.cells as usize;
                    let first = length * input.scalar(table.row).to_f64() as usize;
                    let scale = R::from_f64(f64::from(table.cells) / (table.upper - table.lower));
                    let grid = CubicGrid { lower: R::from_f64(table.lower), scale, cells: R::from_f64(f64::from(table.cells)) };
                    self.kernels.add_cubic(&self.position[0], grid, &self.numbers.surprise[first..first + length], part, &mut self.surprise.partial);
                }
            }
        }
    }
}
