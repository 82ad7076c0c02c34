//! Change of `−ln p_ss` by a move of the protocol; the parts that read a table are the twins of `shaders/surprise.wgsl` and `shaders/surprise_plane.wgsl`.

use super::block::{Block, StepInput, spread};
use crate::maths::{LANES, Lanes, Real};
use crate::plan::{CUBIC, SPLINE, SurpriseMove};

/// A grid of cells that each have a cubic.
#[derive(Clone, Copy)]
pub(super) struct CubicGrid<R> {
    pub(super) lower: R,
    /// Cells per length.
    pub(super) scale: R,
    pub(super) cells: R,
}

impl<R: Real> CubicGrid<R> {
    fn new(lower: f64, upper: f64, cells: u32) -> Self {
        Self { lower: R::from_f64(lower), scale: R::from_f64(f64::from(cells) / (upper - lower)), cells: R::from_f64(f64::from(cells)) }
    }

    /// The cell of a place, and the place in it: beyond the ends of the first or the last one. A coordinate that is no number stays none: any cell will do.
    #[inline(always)]
    fn locate(self, x: R) -> (R, R) {
        let last = self.cells - R::ONE;
        let place = (x - self.lower) * self.scale;
        let whole = place.floor();
        let cell = if whole > R::ZERO { if whole < last { whole } else { last } } else { R::ZERO };
        (cell, place - cell)
    }
}

/// `sum += part · cubic(x)`, the cubic that of the cell of `x`; beyond the ends those of the first and last cell go on.
#[inline(always)]
pub(super) fn add_cubic<R: Real, const FMA: bool>(x: &Lanes<R>, grid: CubicGrid<R>, cubics: &[R], part: R, sum: &mut Lanes<R>) {
    for l in 0..LANES {
        let (cell, s) = grid.locate(x.0[l]);
        let first = CUBIC * cell.to_f64() as usize;
        let [c0, c1, c2, c3] = [cubics[first], cubics[first + 1], cubics[first + 2], cubics[first + 3]];
        let value = c3.multiply_add::<FMA>(s, c2).multiply_add::<FMA>(s, c1).multiply_add::<FMA>(s, c0);
        sum.0[l] = sum.0[l] + part * value;
    }
}

/// The four cubic B-splines that reach into a cell, at the place `s` in it.
#[inline(always)]
fn splines<R: Real, const FMA: bool>(s: R) -> [R; 4] {
    let [sixth, half, two_thirds] = [1.0 / 6.0, 0.5, 2.0 / 3.0].map(R::from_f64);
    let (r, square) = (R::ONE - s, s * s);
    let back = r * r;
    let inner = (half * s - R::ONE).multiply_add::<FMA>(square, two_thirds);
    let outer = (half * r - R::ONE).multiply_add::<FMA>(back, two_thirds);
    [sixth * r * back, inner, outer, sixth * s * square]
}

/// `sum += part · f(x, y)`, `f` a sum of products of cubic B-splines with coefficients line after line of the second coordinate.
#[inline(always)]
pub(super) fn add_splines<R: Real, const FMA: bool>(x: &Lanes<R>, y: &Lanes<R>, grids: [CubicGrid<R>; 2], coefficients: &[R], part: R, sum: &mut Lanes<R>) {
    let line = grids[1].cells.to_f64() as usize + SPLINE;
    for l in 0..LANES {
        let ((i, u), (j, v)) = (grids[0].locate(x.0[l]), grids[1].locate(y.0[l]));
        let (along, across) = (splines::<R, FMA>(u), splines::<R, FMA>(v));
        let first = line * i.to_f64() as usize + j.to_f64() as usize;
        let mut value = R::ZERO;
        for (k, weight) in along.into_iter().enumerate() {
            let c = &coefficients[first + k * line..][..4];
            let inner = c[3].multiply_add::<FMA>(across[3], c[2].multiply_add::<FMA>(across[2], c[1].multiply_add::<FMA>(across[1], c[0] * across[0])));
            value = weight.multiply_add::<FMA>(inner, value);
        }
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
                    let grid = CubicGrid::new(table.lower, table.upper, table.cells);
                    self.kernels.add_cubic(&self.position[0], grid, &self.numbers.surprise[first..first + length], part, &mut self.surprise.partial);
                }
            }
            SurpriseMove::Plane(plane) => {
                let part = input.scalar(plane.part);
                if part != R::ZERO {
                    let first = plane.length() * input.scalar(plane.row).to_f64() as usize;
                    let grids = [0, 1].map(|k| CubicGrid::new(plane.lower[k], plane.upper[k], plane.cells[k]));
                    let coefficients = &self.numbers.surprise[first..first + plane.length()];
                    self.kernels.add_splines(&self.position[0], &self.position[1], grids, coefficients, part, &mut self.surprise.partial);
                }
            }
        }
    }
}
