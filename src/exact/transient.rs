//! Two coordinates on the way to their steady state, under forces that do not move: their law, and means over time, with numerical errors.

use super::ExactError;
use super::contour::Propagator;
use super::fokker_planck::{Ends, Numeric};
use super::mesh::{Axis, Forces, Mesh, Quantity};
use super::refinement::extrapolate;
use super::steady::{Table, refine};
use crate::surface::Surface;

/// Cells along every coordinate.
pub(super) const CELLS: [usize; 3] = [24, 48, 96];
/// Relative rounding of what is solved on them.
const ROUNDING: f64 = 1e-10;
/// Most pieces that the time is cut into, and the change of the law by cutting finer that counts as none.
const MOST_PIECES: usize = 64;
const SETTLED: f64 = 1e-9;
/// How far below its largest value `ln p` is followed: rounding of the probabilities is farther down.
const DEPTH: f64 = 27.0;
/// Probability density at an open end, relative to the largest, that is too much.
const NEGLIGIBLE: f64 = 1e-9;

/// How two coordinates start.
#[derive(Clone, Copy)]
pub enum Beginning<'a> {
    /// Logarithm of a smooth density, up to a constant.
    LogDensity(&'a dyn Fn(&[f64]) -> f64),
    /// Constant in a rectangle: lower and upper ends of both coordinates.
    Uniform([(f64, f64); 2]),
    /// Everything at one place.
    Point([f64; 2]),
}

/// Two coordinates some time after their start.
#[derive(Clone, Debug)]
pub struct Transient {
    /// Density at the end.
    pub law: Surface,
    /// Change of `−∫ p ln p`; NaN for a start at a point.
    pub entropy: Numeric,
    rates: Vec<(Quantity, Numeric)>,
    ends: Vec<(Quantity, Numeric)>,
}

impl Transient {
    /// From a start in a rectangle that holds it and all that comes after.
    ///
    /// # Errors
    /// Where formulas have no finite values, [`ExactError::RangeTooNarrow`] where the law reaches an open end, [`ExactError::Unresolved`] where the grids do
    /// not show it.
    pub fn new(axes: [Axis; 2], forces: &Forces<'_>, beginning: Beginning<'_>, time: f64) -> Result<Self, ExactError> {
        let (mut names, mut tables, mut pieces) = (Vec::new(), Vec::new(), None);
        let found = extrapolate(&CELLS, ROUNDING, |cells| {
            let mesh = Mesh::new(&axes, forces, cells)?;
            let start = initial(&mesh, beginning)?;
            // The coarse grid, which is quickly solved, tells how finely time is cut.
            let pieces = match pieces {
                Some(pieces) => pieces,
                None => *pieces.insert(enough_pieces(&mesh, &start, time).ok_or(ExactError::Unresolved { cells })?),
            };
            let (law, spent) = evolved(&mesh, &start, time, pieces).ok_or(ExactError::Unresolved { cells })?;
            contained(&mesh, &axes, &law, time)?;
            let (over, end) = (mesh.means(&spent), mesh.means(&law));
            names = end.iter().map(|(name, _)| *name).collect();
            tables.push(Table::closed(&axes, cells, without_noise(mesh.logarithms(&law))));
            let entropy = mesh.entropy(&law) - entropy_before(&mesh, beginning, &start);
            Ok::<_, ExactError>(over.into_iter().chain(end).map(|(_, value)| value).chain([entropy]).collect())
        })?;
        let (law, _, _) = refine(&axes, &tables)?;
        let count = names.len();
        let part = |from: usize| names.iter().copied().zip(found[from..from + count].iter().copied()).collect();
        Ok(Self { law, entropy: found[2 * count], rates: part(0), ends: part(count) })
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

/// What is below rounding has no logarithm to speak of; between such numbers cubics would swing.
pub(super) fn without_noise(mut logarithms: Vec<f64>) -> Vec<f64> {
    let floor = logarithms.iter().fold(f64::NEG_INFINITY, |largest, value| largest.max(*value)) - DEPTH;
    logarithms.iter_mut().for_each(|value| *value = value.max(floor));
    logarithms
}

/// `−∫ p ln p` at the start, `law` being that of the nodes.
pub(super) fn entropy_before(mesh: &Mesh, beginning: Beginning<'_>, law: &[f64]) -> f64 {
    match beginning {
        Beginning::Uniform(ends) => ends.iter().map(|(lower, upper)| (upper - lower).ln()).sum(),
        Beginning::LogDensity(_) => mesh.entropy(law),
        Beginning::Point(_) => f64::NAN,
    }
}

/// Probabilities of the nodes at the start.
pub(super) fn initial(mesh: &Mesh, beginning: Beginning<'_>) -> Result<Vec<f64>, ExactError> {
    let logarithm = match beginning {
        Beginning::Uniform(ends) => return mesh.uniform(ends),
        Beginning::Point(place) => return mesh.point(place),
        Beginning::LogDensity(logarithm) => logarithm,
    };
    let values: Vec<f64> = (0..mesh.volumes.len()).map(|node| logarithm(&mesh.place(node))).collect();
    let largest = values.iter().fold(f64::NEG_INFINITY, |largest, value| largest.max(*value));
    let mut law: Vec<f64> = values.iter().zip(&mesh.volumes).map(|(value, volume)| (value - largest).exp() * volume).collect();
    let total: f64 = law.iter().sum();
    law.iter_mut().for_each(|p| *p /= total);
    if law.iter().all(|p| p.is_finite()) { Ok(law) } else { Err(ExactError::NotFinite { what: "density at the start", position: mesh.place(0)[0] }) }
}

fn evolved(mesh: &Mesh, start: &[f64], time: f64, pieces: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let propagator = Propagator::new(&mesh.chain, &mesh.rates, time / pieces as f64)?;
    let (mut law, mut spent) = (start.to_vec(), vec![0.0; start.len()]);
    for _ in 0..pieces {
        let (after, there) = propagator.apply(&law);
        spent.iter_mut().zip(there).for_each(|(spent, more)| *spent += more);
        law = after;
    }
    Some((law, spent))
}

/// As few pieces of time as do.
fn enough_pieces(mesh: &Mesh, start: &[f64], time: f64) -> Option<usize> {
    let (mut pieces, mut known) = (1, evolved(mesh, start, time, 1)?.0);
    while pieces < MOST_PIECES {
        let finer = evolved(mesh, start, time, 2 * pieces)?.0;
        if known.iter().zip(&finer).map(|(a, b)| (a - b).abs()).sum::<f64>() <= SETTLED {
            return Some(pieces);
        }
        (pieces, known) = (2 * pieces, finer);
    }
    None
}

pub(super) fn contained(mesh: &Mesh, axes: &[Axis; 2], law: &[f64], time: f64) -> Result<(), ExactError> {
    for (k, axis) in axes.iter().enumerate().filter(|(_, axis)| axis.ends == Ends::Truncated) {
        let marginal = mesh.marginal(k, law);
        let largest = marginal.iter().fold(0.0f64, |largest, p| largest.max(*p));
        if marginal[0].max(marginal[marginal.len() - 1]) > NEGLIGIBLE * largest {
            return Err(ExactError::RangeTooNarrow { lower: axis.lower, upper: axis.upper, time });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_between_walls_spreads_evenly() {
        // Independent coordinates: cosine series of a uniform start between two walls, D = 1, L = 1 and 2.
        let forces = Forces::UNIT;
        let axis = |upper: f64| Axis { lower: 0.0, upper, ends: Ends::Walls };
        let ends = [(0.25, 0.5), (1.0, 2.0)];
        let (time, pi) = (0.03, std::f64::consts::PI);
        let found = Transient::new([axis(1.0), axis(2.0)], &forces, Beginning::Uniform(ends), time).expect("resolved");
        let mean = |length: f64, (lower, upper): (f64, f64)| -> f64 {
            let term = |k: f64| {
                let q = k * pi / length;
                let weight = ((q * upper).sin() - (q * lower).sin()) / (q * (upper - lower));
                2.0 / length * weight * ((-1f64).powf(k) - 1.0) / (q * q) * (-q * q * time).exp()
            };
            0.5 * length + (1..60).map(|k| term(f64::from(k))).sum::<f64>()
        };
        for (axis, (length, range)) in [(1.0, ends[0]), (2.0, ends[1])].into_iter().enumerate() {
            let (found, exact) = (found.mean(Quantity::Mean(axis)).expect("listed"), mean(length, range));
            assert!((found.value - exact).abs() <= found.error + 1e-9 && found.error <= 1e-4, "{axis}: {found:?} {exact}");
        }
        assert!(found.entropy.value > 0.0 && found.entropy.value < 8f64.ln() && found.entropy.error <= 1e-3, "{:?}", found.entropy);
    }

    #[test]
    fn what_leaves_the_rectangle_is_reported() {
        let forces = Forces::UNIT;
        let axis = Axis { lower: -3.0, upper: 3.0, ends: Ends::Truncated };
        let found = Transient::new([axis, axis], &forces, Beginning::LogDensity(&|x| -2.0 * (x[0] * x[0] + x[1] * x[1])), 1.0);
        assert!(matches!(found, Err(ExactError::RangeTooNarrow { .. })), "{:?}", found.map(|found| found.entropy));
    }

    /// Two traps, one along each coordinate, `k = (1, 3)`, `γ = 1`, `T = (1, 2)`; from a Gaussian of variance ¼ at (1, −1).
    fn traps(time: f64) -> Transient {
        let bath = |axis: usize, _: &[f64]| [1.0, 2.0][axis];
        let thermodynamic = |axis: usize, x: &[f64]| [-x[0], -1.5 * x[1]][axis];
        let forces = Forces {
            potential: &|x| 0.5 * x[0] * x[0] + 1.5 * x[1] * x[1],
            temperature: &bath,
            diffusion: &bath,
            thermodynamic: &thermodynamic,
            ..Forces::UNIT
        };
        let axis = |reach: f64| Axis { lower: -reach, upper: reach, ends: Ends::Truncated };
        Transient::new([axis(7.0), axis(6.0)], &forces, Beginning::LogDensity(&|x| -2.0 * ((x[0] - 1.0).powi(2) + (x[1] + 1.0).powi(2))), time)
            .expect("resolved")
    }

    #[test]
    fn independent_traps_relax_as_gaussians() {
        for time in [0.3, 2.0, 40.0] {
            let found = traps(time);
            let of = |k: f64, t: f64, start: f64| -> (f64, f64) {
                let fade = (-k * time).exp();
                (start * fade, t / k + (0.25 - t / k) * fade * fade)
            };
            let ((x, vx), (y, vy)) = (of(1.0, 1.0, 1.0), of(3.0, 2.0, -1.0));
            let energy = 0.5 * (vx + x * x) + 1.5 * (vy + y * y);
            let heat = [0.5 * (1.25 - vx - x * x), 1.5 * (1.25 - vy - y * y)];
            let exact = [
                (found.mean(Quantity::Mean(0)), x),
                (found.mean(Quantity::Mean(1)), y),
                (found.mean(Quantity::Covariance(0, 0)), vx),
                (found.mean(Quantity::Covariance(1, 1)), vy),
                (found.mean(Quantity::Energy), energy),
                (found.sum(Quantity::HeatRate(0)), heat[0]),
                (found.sum(Quantity::HeatRate(1)), heat[1]),
                (found.sum(Quantity::EntropyRate), heat[0] + heat[1] / 2.0),
                (found.sum(Quantity::Velocity(0)), x - 1.0),
                (Some(found.entropy), 0.5 * (vx * vy / 0.0625).ln()),
            ];
            for (k, (found, exact)) in exact.iter().enumerate() {
                let found = found.expect("listed");
                assert!((found.value - exact).abs() <= found.error + 1e-10 && found.error <= 2e-3, "{time}, number {k}: {found:?} {exact}");
            }
            let place = [x + 0.4, y - 0.6];
            let pdf = -0.08 / vx - 0.18 / vy - 0.5 * (vx * vy).ln() - std::f64::consts::TAU.ln();
            assert!((found.law.ln_pdf(place) - pdf).abs() <= 0.02, "{} {pdf}", found.law.ln_pdf(place));
            // Control: another time is seen in what still moves.
            assert!(time > 30.0 || (traps(1.03 * time).mean(Quantity::Mean(0)).expect("listed").value - x).abs() > 1e-3);
        }
    }
}
