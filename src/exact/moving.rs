//! Two coordinates under forces that move: their law at the end, and means over time, with numerical errors.
//!
//! On each of three grids the protocol moves at fixed law, then the law moves under the forces of the middle of a time step (TR-BDF2, as in
//! [`super::fokker_planck`]). Spacings are extrapolated away; steps are halved on the coarsest grid, and what that takes away there is taken away everywhere.

use faer::prelude::{Mat, Solve};
use faer::sparse::linalg::solvers::{Lu, SymbolicLu};
use faer::sparse::{SparseColMat, Triplet};

use super::ExactError;
use super::fokker_planck::{EARLY, FORWARD, IMPLICIT, Numeric};
use super::mesh::{Axis, Forces, Mesh, Quantity};
use super::refinement::extrapolate;
use super::spline::Spline;
use super::steady::{Table, refine};
use super::transient::{Beginning, CELLS, contained, entropy_before, initial, without_noise};
use crate::surface::Surface;

/// Relative rounding of what is solved.
const ROUNDING: f64 = 1e-10;
/// Time steps tried first, and most of them; on the coarsest grid twice as many.
const FEWEST_STEPS: usize = 16;
const MOST_STEPS: usize = 256;
/// What steps of finite length may change a number by, as a part of it, or of this part of the largest number.
const SETTLED: f64 = 1e-4;
const SMALL: f64 = 0.3;
/// Part of that correction that it may be wrong by, being that of a coarse grid.
const DOUBT: f64 = 0.15;

/// Forces and baths at a time, handed to what makes a grid of them.
pub type WithForces<'a> = &'a dyn Fn(f64, &mut dyn FnMut(&Forces<'_>));

/// What happens to two coordinates.
#[derive(Clone, Copy)]
pub struct Course<'a> {
    /// A rectangle that holds the law at all times.
    pub axes: [Axis; 2],
    /// Forces at a time; at 0 those before any jump at the start, at the end those behind any jump there.
    pub forces: WithForces<'a>,
    /// Law at the start.
    pub beginning: Beginning<'a>,
    /// When it ends.
    pub duration: f64,
    /// Ascending times at which the protocol jumps or bends.
    pub breaks: &'a [f64],
    /// `φ = −ln p_ss` at the same times as the forces, where it is known.
    pub surprise: Option<&'a dyn Fn(f64) -> Spline>,
}

/// Two coordinates at the end of their course.
#[derive(Clone, Debug)]
pub struct Moving {
    /// Density at the end.
    pub law: Surface,
    /// Change of `−∫ p ln p`; NaN for a start at a point.
    pub entropy: Numeric,
    /// `∫ ⟨∂U/∂t⟩ dt`, jumps included.
    pub protocol_work: Numeric,
    /// `∫ ⟨∂φ/∂t⟩ dt`, jumps included; NaN without `φ`.
    pub hatano_sasa: Numeric,
    /// Excess entropy, `Y − Δ⟨φ⟩`; NaN without `φ`.
    pub excess: Numeric,
    /// What is left of the entropy that the medium gains; NaN without `φ`.
    pub housekeeping: Numeric,
    /// Change of the entropy of the system, and excess; NaN without `φ` or for a start at a point.
    pub nonadiabatic: Numeric,
    rates: Vec<(Quantity, Numeric)>,
    ends: Vec<(Quantity, Numeric)>,
}

impl Moving {
    /// Follows the course.
    ///
    /// # Errors
    /// Where formulas have no finite values, [`ExactError::RangeTooNarrow`] where the law reaches an open end, [`ExactError::Unresolved`] where grids or time
    /// steps do not show it.
    pub fn new(course: &Course<'_>) -> Result<Self, ExactError> {
        let (steps, later) = enough_steps(course)?;
        let (mut names, mut tables) = (Vec::new(), Vec::new());
        let mut found = extrapolate(&CELLS, ROUNDING, |cells| {
            let run = Run::through(course, cells, steps)?;
            tables.push(Table::closed(&course.axes, cells, without_noise(run.mesh.logarithms(&run.law))));
            names = run.names();
            Ok::<_, ExactError>(run.numbers())
        })?;
        for (number, correction) in found.iter_mut().zip(later) {
            *number = Numeric { value: number.value + correction, error: number.error + DOUBT * correction.abs() };
        }
        let (law, ..) = refine(&course.axes, &tables)?;
        let count = names.len();
        let part = |from: usize| names.iter().copied().zip(found[from..from + count].iter().copied()).collect();
        let [entropy, protocol_work, hatano_sasa, excess, housekeeping, nonadiabatic] = [0, 1, 2, 3, 4, 5].map(|k| found[2 * count + k]);
        Ok(Self { law, entropy, protocol_work, hatano_sasa, excess, housekeeping, nonadiabatic, rates: part(0), ends: part(count) })
    }

    /// A rate, added up over the time.
    pub fn sum(&self, quantity: Quantity) -> Option<Numeric> {
        self.rates.iter().find(|(name, _)| *name == quantity).map(|(_, sum)| *sum)
    }

    /// A mean at the end.
    pub fn mean(&self, quantity: Quantity) -> Option<Numeric> {
        self.ends.iter().find(|(name, _)| *name == quantity).map(|(_, mean)| *mean)
    }
}

/// As few time steps as do, and what is still missing with them, by the coarsest grid.
fn enough_steps(course: &Course<'_>) -> Result<(usize, Vec<f64>), ExactError> {
    let numbers = |steps: usize| Ok::<_, ExactError>(Run::through(course, CELLS[0], steps)?.numbers());
    let (mut steps, mut known) = (FEWEST_STEPS, numbers(FEWEST_STEPS)?);
    while steps <= MOST_STEPS {
        let finer = numbers(2 * steps)?;
        let missing: Vec<f64> = known.iter().zip(&finer).map(|(known, finer)| 4.0 / 3.0 * (finer - known)).collect();
        let size = finer.iter().filter(|number| number.is_finite()).fold(0.0f64, |size, number| size.max(number.abs()));
        let small = |(missing, number): (&f64, &f64)| number.is_nan() || missing.abs() <= SETTLED * number.abs().max(SMALL * size);
        if missing.iter().zip(&finer).all(small) {
            return Ok((steps, missing));
        }
        (steps, known) = (2 * steps, finer);
    }
    Err(ExactError::Unresolved { cells: CELLS[0] })
}

/// The law on one grid, and sums over time.
struct Run {
    /// The grid under the forces of now.
    mesh: Mesh,
    law: Vec<f64>,
    /// Entropy of the law at the start.
    before: f64,
    /// Means of rates, times time.
    sums: Vec<f64>,
    protocol_work: f64,
    hatano_sasa: f64,
    /// `φ` at the nodes now, and its mean at the start.
    surprise: Option<(Vec<f64>, f64)>,
}

impl Run {
    fn through(course: &Course<'_>, cells: usize, steps: usize) -> Result<Self, ExactError> {
        let mesh = mesh_at(course, cells, 0.0)?;
        let law = initial(&mesh, course.beginning)?;
        let surprise = surprise_at(course, &mesh, 0.0).map(|phi| (mean(&law, &phi), phi)).map(|(mean, phi)| (phi, mean));
        let before = entropy_before(&mesh, course.beginning, &law);
        let sums = vec![0.0; mesh.means(&law).len()];
        let mut run = Self { mesh, law, before, sums, protocol_work: 0.0, hatano_sasa: 0.0, surprise };
        let mut symbolic = None;
        for (from, to, steps) in intervals(course, steps) {
            let dt = (to - from) / steps as f64;
            for step in 0..steps {
                let time = from + (step as f64 + 0.5) * dt;
                run.move_protocol(course, cells, time)?;
                run.advance(dt, &mut symbolic).ok_or(ExactError::Unresolved { cells })?;
            }
            contained(&run.mesh, &course.axes, &run.law, to)?;
        }
        run.move_protocol(course, cells, course.duration)?;
        Ok(run)
    }

    /// The protocol moves at fixed law.
    fn move_protocol(&mut self, course: &Course<'_>, cells: usize, time: f64) -> Result<(), ExactError> {
        let next = mesh_at(course, cells, time)?;
        self.protocol_work += mean(&self.law, &next.potential) - mean(&self.law, &self.mesh.potential);
        if let Some(((phi, _), after)) = self.surprise.as_mut().zip(surprise_at(course, &next, time)) {
            self.hatano_sasa += mean(&self.law, &after) - mean(&self.law, phi);
            *phi = after;
        }
        self.mesh = next;
        Ok(())
    }

    /// One step of TR-BDF2; `None` where the matrix cannot be decomposed.
    fn advance(&mut self, dt: f64, symbolic: &mut Option<SymbolicLu<usize>>) -> Option<()> {
        let tau = IMPLICIT * dt;
        let matrix = implicit(&self.mesh, tau)?;
        let pattern = match symbolic.take() {
            Some(pattern) => pattern,
            None => SymbolicLu::try_new(matrix.symbolic()).ok()?,
        };
        let decomposed = Lu::try_new_with_symbolic(pattern.clone(), matrix.as_ref()).ok()?;
        *symbolic = Some(pattern);
        let solve = |side: &[f64]| -> Vec<f64> {
            let mut column = Mat::<f64>::from_fn(side.len(), 1, |row, _| side[row]);
            decomposed.solve_in_place(&mut column);
            (0..side.len()).map(|row| column[(row, 0)]).collect()
        };
        let mut change = vec![0.0; self.law.len()];
        self.mesh.chain.generator(&self.mesh.rates).apply(&self.law, &mut change);
        let explicit: Vec<f64> = self.law.iter().zip(&change).map(|(p, change)| p + tau * change).collect();
        let middle = solve(&explicit);
        let blend: Vec<f64> = middle.iter().zip(&self.law).map(|(middle, first)| FORWARD * middle + (1.0 - FORWARD) * first).collect();
        let last = solve(&blend);
        let over = self.law.iter().zip(&middle).zip(&last).map(|((first, middle), last)| EARLY * (first + middle) + IMPLICIT * last);
        let means = self.mesh.means(&over.collect::<Vec<f64>>());
        self.sums.iter_mut().zip(means).for_each(|(sum, (_, rate))| *sum += dt * rate);
        self.law = last;
        Some(())
    }

    fn names(&self) -> Vec<Quantity> {
        self.mesh.means(&self.law).into_iter().map(|(name, _)| name).collect()
    }

    /// Sums, means at the end, and the fields of [`Moving`] in their order.
    fn numbers(&self) -> Vec<f64> {
        let ends = self.mesh.means(&self.law);
        let medium = ends.iter().zip(&self.sums).find(|((name, _), _)| *name == Quantity::EntropyRate).map_or(f64::NAN, |(_, sum)| *sum);
        let entropy = self.mesh.entropy(&self.law) - self.before;
        let (y, change) = self.surprise.as_ref().map_or((f64::NAN, f64::NAN), |(phi, before)| (self.hatano_sasa, mean(&self.law, phi) - before));
        let fields = [entropy, self.protocol_work, y, y - change, medium - y + change, entropy + y - change];
        self.sums.iter().copied().chain(ends.into_iter().map(|(_, value)| value)).chain(fields).collect()
    }
}

fn mean(law: &[f64], values: &[f64]) -> f64 {
    law.iter().zip(values).map(|(p, value)| p * value).sum()
}

fn mesh_at(course: &Course<'_>, cells: usize, time: f64) -> Result<Mesh, ExactError> {
    let mut mesh = Err(ExactError::Unresolved { cells });
    (course.forces)(time, &mut |forces| mesh = Mesh::new(&course.axes, forces, cells));
    mesh
}

fn surprise_at(course: &Course<'_>, mesh: &Mesh, time: f64) -> Option<Vec<f64>> {
    let spline = course.surprise?(time);
    let at = |node: usize| {
        let place = mesh.place(node);
        spline.at([place[0], place[1]])
    };
    Some((0..mesh.volumes.len()).map(at).collect())
}

/// Stretches of time without jumps inside, each with its share of the steps: half by length, half to all alike.
fn intervals(course: &Course<'_>, steps: usize) -> Vec<(f64, f64, usize)> {
    let mut stops: Vec<f64> = course.breaks.iter().copied().filter(|time| *time > 0.0 && *time < course.duration).collect();
    stops.insert(0, 0.0);
    stops.push(course.duration);
    let equal = 1.0 / (stops.len() - 1) as f64;
    let share = |length: f64| 0.5 * (length / course.duration + equal);
    stops.windows(2).map(|ends| (ends[0], ends[1], (share(ends[1] - ends[0]) * steps as f64).ceil().max(1.0) as usize)).collect()
}

/// The matrix `1 − τL`.
fn implicit(mesh: &Mesh, tau: f64) -> Option<SparseColMat<usize, f64>> {
    let chain = &mesh.chain;
    let mut diagonal = vec![1.0; chain.states];
    let transitions = chain.from.iter().zip(&chain.to).zip(&mesh.rates);
    let mut entries: Vec<Triplet<usize, usize, f64>> = Vec::with_capacity(chain.from.len() + chain.states);
    for ((&from, &to), rate) in transitions {
        diagonal[from as usize] += tau * rate;
        entries.push(Triplet::new(to as usize, from as usize, -tau * rate));
    }
    entries.extend(diagonal.into_iter().enumerate().map(|(state, value)| Triplet::new(state, state, value)));
    SparseColMat::try_new_from_triplets(chain.states, chain.states, &entries).ok()
}

#[cfg(test)]
mod tests;
