//! Sparse linear equations, by the LU decomposition of the linear-algebra library (`faer`): column ordering, supernodes where they pay, partial pivoting.

use faer::prelude::{Mat, Solve};
use faer::sparse::linalg::solvers::Lu;
use faer::sparse::{SparseColMat, Triplet};

/// A square sparse matrix, decomposed.
pub(super) struct Solver {
    lu: Lu<usize, f64>,
    dimension: usize,
}

impl Solver {
    /// Decomposes the matrix with these entries `(row, column, value)`; those given several times are added up. `None` where it is singular.
    pub(super) fn new(dimension: usize, entries: impl Iterator<Item = (usize, usize, f64)>) -> Option<Self> {
        let entries: Vec<Triplet<usize, usize, f64>> = entries.map(|(row, column, value)| Triplet::new(row, column, value)).collect();
        if dimension == 0 || entries.iter().any(|entry| !entry.val.is_finite()) {
            return None;
        }
        let matrix = SparseColMat::<usize, f64>::try_new_from_triplets(dimension, dimension, &entries).ok()?;
        Some(Self { lu: matrix.sp_lu().ok()?, dimension })
    }

    /// Solves for several right-hand sides; `None` where the solution is not finite.
    pub(super) fn solve(&self, sides: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
        let mut matrix = Mat::<f64>::from_fn(self.dimension, sides.len(), |row, side| sides[side][row]);
        self.lu.solve_in_place(&mut matrix);
        let solutions: Vec<Vec<f64>> = (0..sides.len()).map(|side| (0..self.dimension).map(|row| matrix[(row, side)]).collect()).collect();
        solutions.iter().flatten().all(|value| value.is_finite()).then_some(solutions)
    }
}
