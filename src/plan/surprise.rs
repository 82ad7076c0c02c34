//! What a move of the protocol does to the surprise `φ = −ln p_ss` of a Langevin state: the terms of Hatano and Sasa's sum.
//!
//! Where every `p_ss` is Gaussian the move is a formula of the coordinates with a row of coefficients a step. Elsewhere it is a row of a table: cubics
//! over the cells of a grid, or B-splines over a rectangle, scaled by the part of the row's move that a step makes.

use serde::Serialize;

use super::error::PlanError;
use crate::expression::{CompileError, Instruction, Operand, Operation, Program};

/// Coefficients of the cubic of a cell.
pub const CUBIC: usize = 4;
/// So many more cubic B-splines than cells reach into a range.
pub const SPLINE: usize = 3;

/// What the kernel adds at every move of the protocol, at the position before the step.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SurpriseMove {
    /// One output: `φ(x; after) − φ(x; before)`.
    Formula(Program),
    /// One coordinate, by a table.
    Table(SurpriseTable),
    /// Two coordinates, by a table.
    Plane(SurprisePlane),
}

impl SurpriseMove {
    /// The numbers of the table, if there is one: long, and the same for all steps.
    pub fn coefficients(&self) -> &[f64] {
        match self {
            Self::Formula(_) => &[],
            Self::Table(table) => &table.coefficients,
            Self::Plane(plane) => &plane.coefficients,
        }
    }
}

/// Moves of `φ` over one coordinate, tabulated.
#[derive(Clone, Debug, Serialize)]
pub struct SurpriseTable {
    /// Lower end of the grid; below it the cubic of the first cell goes on.
    pub lower: f64,
    /// Upper end of the grid.
    pub upper: f64,
    /// Cells of the grid.
    pub cells: u32,
    /// Number of the row that a step's move is a part of.
    pub row: Operand,
    /// Which part; 0 where the protocol does not move.
    pub part: Operand,
    /// `[row][cell][power]`: coefficients of `1, s, s², s³`, `s` in `[0, 1)` the place in the cell.
    #[serde(skip)]
    pub coefficients: Vec<f64>,
}

/// Moves of `φ` over two coordinates, tabulated.
#[derive(Clone, Debug, Serialize)]
pub struct SurprisePlane {
    /// Lower ends of the rectangle; beyond it the polynomial of the nearest cell goes on.
    pub lower: [f64; 2],
    /// Upper ends.
    pub upper: [f64; 2],
    /// Cells along both coordinates.
    pub cells: [u32; 2],
    /// As [`SurpriseTable::row`].
    pub row: Operand,
    /// As [`SurpriseTable::part`].
    pub part: Operand,
    /// `[row][i][j]`: coefficients of cubic B-splines, [`SPLINE`] more than cells along each coordinate.
    #[serde(skip)]
    pub coefficients: Vec<f64>,
}

impl SurprisePlane {
    /// Numbers of a line along the second coordinate.
    pub fn line(&self) -> usize {
        self.cells[1] as usize + SPLINE
    }

    /// Numbers of a row of the table.
    pub fn length(&self) -> usize {
        (self.cells[0] as usize + SPLINE) * self.line()
    }
}

/// The moves of all steps, as numbers.
#[derive(Clone, Debug)]
pub enum SurpriseAlong {
    /// Gaussian `p_ss`: one a step.
    Quadratic(Vec<QuadraticMove>),
    /// One coordinate.
    Table {
        /// Ends of the grid.
        range: (f64, f64),
        /// Cells of the grid.
        cells: u32,
        /// As [`SurpriseTable::coefficients`].
        coefficients: Vec<f64>,
        /// Row and part of every step.
        places: Vec<(u32, f64)>,
    },
    /// Two coordinates.
    Plane {
        /// Ends of the rectangle.
        ranges: [(f64, f64); 2],
        /// Cells along both coordinates.
        cells: [u32; 2],
        /// As [`SurprisePlane::coefficients`].
        coefficients: Vec<f64>,
        /// Row and part of every step.
        places: Vec<(u32, f64)>,
    },
}

/// `constant + Σ_i u_i (linear_i + Σ_{j ≤ i} quadratic_ij u_j)`, `u = x − centre`: no digits are lost far from the origin.
#[derive(Clone, Debug, PartialEq)]
pub struct QuadraticMove {
    /// Length `d`.
    pub centre: Vec<f64>,
    /// What does not depend on the coordinates.
    pub constant: f64,
    /// Length `d`.
    pub linear: Vec<f64>,
    /// Row-major `d × d`; entries above the diagonal are unused.
    pub quadratic: Vec<f64>,
}

impl QuadraticMove {
    fn numbers(&self) -> impl Iterator<Item = f64> {
        self.centre.iter().chain(&self.linear).chain(&self.quadratic).copied().chain([self.constant])
    }
}

/// Compiles the moves; `external` makes an operand of a number a step.
pub(super) fn surprise_move(along: &SurpriseAlong, mut external: impl FnMut(Vec<f64>) -> Result<Operand, CompileError>) -> Result<SurpriseMove, PlanError> {
    match along {
        SurpriseAlong::Quadratic(moves) => Ok(SurpriseMove::Formula(formula(moves, &mut external)?)),
        SurpriseAlong::Table { range, cells, coefficients, places } => Ok(SurpriseMove::Table(SurpriseTable {
            lower: range.0,
            upper: range.1,
            cells: *cells,
            row: external(rows(places))?,
            part: external(parts(places))?,
            coefficients: coefficients.clone(),
        })),
        SurpriseAlong::Plane { ranges, cells, coefficients, places } => Ok(SurpriseMove::Plane(SurprisePlane {
            lower: ranges.map(|range| range.0),
            upper: ranges.map(|range| range.1),
            cells: *cells,
            row: external(rows(places))?,
            part: external(parts(places))?,
            coefficients: coefficients.clone(),
        })),
    }
}

fn rows(places: &[(u32, f64)]) -> Vec<f64> {
    places.iter().map(|(row, _)| f64::from(*row)).collect()
}

fn parts(places: &[(u32, f64)]) -> Vec<f64> {
    places.iter().map(|(_, part)| *part).collect()
}

/// The program of the quadratic form, without the terms that are zero in all steps.
fn formula(moves: &[QuadraticMove], external: &mut impl FnMut(Vec<f64>) -> Result<Operand, CompileError>) -> Result<Program, CompileError> {
    let d = moves.first().map_or(0, |one| one.centre.len());
    let numbers: Vec<Vec<f64>> = moves.iter().map(|one| one.numbers().collect()).collect();
    let column = |k: usize| numbers.iter().map(|row| row[k]).collect::<Vec<f64>>();
    let is_zero = |k: usize| numbers.iter().all(|row| row[k] == 0.0);
    let (linear, quadratic) = (|i: usize| d + i, |i: usize, j: usize| 2 * d + i * d + j);
    let mut code = Code::default();
    let mut centred = Vec::with_capacity(d);
    for i in 0..d {
        let centre = external(column(i))?;
        centred.push(code.push(Operation::Sub, [Operand::Coordinate(i as u16), centre, Operand::Coordinate(i as u16)]));
    }
    let mut total = external(column(2 * d + d * d))?;
    for i in 0..d {
        if is_zero(linear(i)) && (0..=i).all(|j| is_zero(quadratic(i, j))) {
            continue;
        }
        let mut slope = external(column(linear(i)))?;
        for j in (0..=i).filter(|&j| !is_zero(quadratic(i, j))) {
            let factor = external(column(quadratic(i, j)))?;
            slope = code.push(Operation::MultiplyAdd, [factor, centred[j], slope]);
        }
        total = code.push(Operation::MultiplyAdd, [centred[i], slope, total]);
    }
    Ok(Program { registers: code.0.len() as u16, instructions: code.0, outputs: vec![total] })
}

/// Straight-line code in which every instruction has a register of its own.
#[derive(Default)]
struct Code(Vec<Instruction>);

impl Code {
    fn push(&mut self, operation: Operation, inputs: [Operand; 3]) -> Operand {
        let out = self.0.len() as u16;
        self.0.push(Instruction { operation, out, inputs });
        Operand::Register(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_is_the_quadratic_form() {
        let one = QuadraticMove { centre: vec![1.0, -2.0], constant: 0.25, linear: vec![0.5, -0.75], quadratic: vec![2.0, f64::NAN, 3.0, -1.5] };
        let mut two = one.clone();
        two.centre[0] = 5.0;
        let moves = [one, two];
        let mut rows: Vec<Vec<f64>> = Vec::new();
        let program = formula(&moves, &mut |column| {
            rows.push(column);
            Ok(Operand::Scheduled(rows.len() as u16 - 1))
        });
        let program = program.expect("it fits");
        for (n, one) in moves.iter().enumerate() {
            let row: Vec<f64> = rows.iter().map(|column| column[n]).collect();
            let (u, v) = (0.3 - one.centre[0], 0.9 - one.centre[1]);
            let expected = 0.25 + 0.5 * u - 0.75 * v + 2.0 * u * u + 3.0 * u * v - 1.5 * v * v;
            let found = program.evaluate(&[0.3, 0.9], &[], &row)[0];
            assert!((found - expected).abs() <= 1e-14 * expected.abs(), "{found} {expected}");
            assert!((program.evaluate(&[0.31, 0.9], &[], &row)[0] - expected).abs() > 1e-3);
        }
    }
}
