//! The surprise `φ = −ln p_ss` of two coordinates at all values that the protocol goes through.
//!
//! A stationary state on grids takes a fraction of a second. So they are found at Chebyshev's points, of the variable where one alone moves, else of time between
//! jumps and bends, and polynomials say the rest.

use super::SimulationError;
use super::grids::{bounded, with_forces};
use crate::exact::ExactError;
use crate::exact::chebyshev::Polynomial;
use crate::exact::extent::extent;
use crate::exact::fokker_planck::Ends as RangeEnds;
use crate::exact::mesh::Axis;
use crate::exact::spline::Spline;
use crate::exact::surprise_plane::SurprisePlane;
use crate::experiment::Experiment;
use crate::model::System;
use crate::plan::{InitialState, protocol_at};

/// Cells of the tables that are tried, error that is small enough, and one that is too large for the finest, in nats on average.
const CELLS: [usize; 2] = [48, 96];
const SMALL: f64 = 1e-4;
const LARGE: f64 = 2e-3;
/// Error of the polynomials, in nats, up to so far above the lowest `φ`; it may grow by a factor of e in every so many more.
const TOLERANCE: f64 = 5e-6;
const OFTEN: f64 = 12.0;
const RARER: f64 = 5.0;
/// Most stationary states that are found for one polynomial.
const MOST_STATES: usize = 65;
/// Values of the protocol so few that each has a stationary state of its own.
const FEW: usize = 9;
/// Moments of the protocol at which the rectangle is looked for.
const MOMENTS: usize = 8;
/// Standard deviations of a Gaussian start that it covers.
const REACH: f64 = 8.0;
/// Times just inside a piece, as a part of it.
const INSIDE: f64 = 1e-9;

/// `φ` of two coordinates along a protocol.
pub(super) struct PlaneAlong {
    /// The rectangle: where any of the laws, and the start, have weight.
    pub(super) axes: [Axis; 2],
    /// Cells along both coordinates.
    pub(super) cells: usize,
    /// Mean error of `φ`, in nats: more than is left.
    error: f64,
    shapes: Shapes,
}

/// How its coefficients are known.
enum Shapes {
    /// Value by value.
    Few(Vec<(Vec<f64>, Vec<f64>)>),
    /// As a function of one variable.
    Variable(usize, Weighted),
    /// As a function of time, piece by piece.
    Time(Vec<((f64, f64), Weighted)>, Ends),
}

/// Protocol values before anything moves and after everything moved, and coefficients there.
type Ends = [(Vec<f64>, Vec<f64>); 2];

/// Polynomials of many components times the weight of each.
struct Weighted {
    polynomial: Polynomial,
    inverse: Vec<f64>,
}

/// Makes stationary states, and remembers the last reason why there was none.
struct Maker<'a> {
    system: &'a System,
    axes: [Axis; 2],
    cells: usize,
    /// States that are known already, by their protocol values.
    known: Vec<(Vec<f64>, Vec<f64>)>,
    failure: Option<ExactError>,
}

impl PlaneAlong {
    /// Along the protocol of an experiment, `table` its values step by step.
    pub(super) fn new(experiment: &Experiment, system: &System, table: &[Vec<f64>], initial: &InitialState) -> Result<Self, SimulationError> {
        let last = table.first().map_or(0, |values| values.len() - 1);
        let axes = rectangle(system, table, initial)?;
        let mut maker = Maker { system, axes, cells: 0, known: Vec::new(), failure: None };
        let error = maker.resolve([0, last / 2, last].map(|entry| protocol_at(table, entry)))?;
        let moving: Vec<usize> = (0..table.len()).filter(|&column| table[column].iter().any(|value| *value != table[column][0])).collect();
        let shapes = if let Some(values) = few_values(table) {
            let shape = |values: Vec<f64>| maker.at(&values).map(|shape| (values, shape));
            values.into_iter().map(shape).collect::<Option<Vec<_>>>().map(Shapes::Few)
        } else if let [column] = moving[..] {
            maker.along_variable(table, column).map(|weighted| Shapes::Variable(column, weighted))
        } else {
            let mut end = |entry: usize| {
                let values = protocol_at(table, entry);
                maker.at(&values).map(|shape| (values, shape))
            };
            let ends = end(0).zip(end(last));
            ends.and_then(|(first, last)| Some(Shapes::Time(maker.along_time(experiment)?, [first, last])))
        };
        match (shapes, maker.failure) {
            (Some(shapes), _) => Ok(Self { axes, cells: maker.cells, error, shapes }),
            (None, Some(failure)) => Err(failure.into()),
            (None, None) => Err(SimulationError::Start(
                "−ln p_ss of two coordinates does not follow the protocol smoothly enough for a table; use a smoother protocol, or steps".to_owned(),
            )),
        }
    }

    /// What to say of the error, where it is not small.
    pub(super) fn warning(&self) -> Option<String> {
        (self.error > SMALL).then(|| {
            format!(
                "−ln p_ss of the two coordinates was last refined by {:.0e} on average: what is far smaller is not to be read into Hatano and Sasa's sum, housekeeping and excess",
                self.error
            )
        })
    }

    /// Coefficients of `φ` at protocol values that are those of a time.
    pub(super) fn coefficients(&self, time: f64, values: &[f64]) -> Vec<f64> {
        let apart = |known: &[f64]| known.iter().zip(values).map(|(known, value)| (known - value).abs()).sum::<f64>();
        match &self.shapes {
            Shapes::Few(known) => {
                let nearest = known.iter().min_by(|a, b| apart(&a.0).total_cmp(&apart(&b.0)));
                nearest.map(|(_, shape)| shape.clone()).unwrap_or_default()
            }
            Shapes::Variable(column, weighted) => weighted.at(values[*column]),
            Shapes::Time(pieces, ends) => {
                if let Some((_, shape)) = ends.iter().find(|(known, _)| known == values) {
                    return shape.clone();
                }
                let piece = pieces.iter().find(|((_, end), _)| time <= *end).or(pieces.last());
                piece.map(|(range, weighted)| weighted.at(inside(*range, time))).unwrap_or_default()
            }
        }
    }

    /// `φ` there.
    pub(super) fn spline(&self, time: f64, values: &[f64]) -> Spline {
        Spline::of(&self.axes, self.cells, self.coefficients(time, values))
    }
}

impl Weighted {
    fn at(&self, place: f64) -> Vec<f64> {
        let mut shape = vec![0.0; self.inverse.len()];
        self.polynomial.at(place, &mut shape);
        shape.iter_mut().zip(&self.inverse).for_each(|(value, inverse)| *value *= inverse);
        shape
    }
}

impl Maker<'_> {
    /// Chooses the cells, and tells how large the error is at some protocol values.
    fn resolve(&mut self, samples: [Vec<f64>; 3]) -> Result<f64, ExactError> {
        let mut worst = 0.0f64;
        for cells in CELLS {
            (self.cells, worst) = (cells, 0.0);
            self.known.clear();
            for values in &samples {
                if self.known.iter().any(|(known, _)| known == values) {
                    continue;
                }
                let found = self.make(values)?;
                worst = worst.max(found.error);
                self.known.push((values.clone(), found.spline.coefficients().to_vec()));
            }
            if worst <= SMALL {
                break;
            }
        }
        if worst <= LARGE { Ok(worst) } else { Err(ExactError::Unresolved { cells: 2 * self.cells }) }
    }

    fn make(&self, values: &[f64]) -> Result<SurprisePlane, ExactError> {
        with_forces(self.system, values, |forces| SurprisePlane::new(&self.axes, forces, self.cells))
    }

    /// Coefficients of `φ` at protocol values.
    fn at(&mut self, values: &[f64]) -> Option<Vec<f64>> {
        if let Some((_, shape)) = self.known.iter().find(|(known, _)| known == values) {
            return Some(shape.clone());
        }
        match self.make(values) {
            Ok(found) => {
                let shape = found.spline.coefficients().to_vec();
                self.known.push((values.to_vec(), shape.clone()));
                Some(shape)
            }
            Err(error) => {
                self.failure = Some(error);
                None
            }
        }
    }

    /// A polynomial through states at protocol values that are a function of a number.
    fn through(&mut self, range: (f64, f64), values: &dyn Fn(f64) -> Vec<f64>) -> Option<Weighted> {
        // Where no trajectory goes nothing needs to be exact.
        let mut least = self.at(&values(0.5 * (range.0 + range.1)))?;
        for end in [range.0, range.1] {
            least.iter_mut().zip(self.at(&values(end))?).for_each(|(least, value)| *least = least.min(value));
        }
        let lowest = least.iter().fold(f64::INFINITY, |lowest, value| lowest.min(*value));
        let inverse: Vec<f64> = least.iter().map(|value| ((value - lowest - OFTEN).max(0.0) / RARER).exp()).collect();
        let mut sample = |place: f64| {
            let mut shape = self.at(&values(place))?;
            shape.iter_mut().zip(&inverse).for_each(|(value, inverse)| *value /= inverse);
            Some(shape)
        };
        let polynomial = Polynomial::through(range, TOLERANCE, MOST_STATES, &mut sample)?;
        Some(Weighted { polynomial, inverse })
    }

    fn along_variable(&mut self, table: &[Vec<f64>], column: usize) -> Option<Weighted> {
        let fold = |start: f64, of: fn(f64, f64) -> f64| table[column].iter().copied().fold(start, of);
        let range = (fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max));
        let resting = protocol_at(table, 0);
        self.through(range, &|value| {
            let mut values = resting.clone();
            values[column] = value;
            values
        })
    }

    fn along_time(&mut self, experiment: &Experiment) -> Option<Vec<((f64, f64), Weighted)>> {
        let duration = experiment.protocol.duration;
        let mut stops: Vec<f64> = experiment.protocol.breaks().into_iter().filter(|time| *time > 0.0 && *time < duration).collect();
        stops.insert(0, 0.0);
        stops.push(duration);
        let piece = |ends: &[f64]| {
            let range = (ends[0], ends[1]);
            let shape = self.through((inside(range, range.0), inside(range, range.1)), &|time| experiment.protocol_at(time))?;
            Some((range, shape))
        };
        stops.windows(2).map(piece).collect()
    }
}

fn inside((start, end): (f64, f64), time: f64) -> f64 {
    let margin = INSIDE * (end - start);
    time.clamp(start + margin, end - margin)
}

/// All values of the protocol, if they are few.
fn few_values(table: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let mut found: Vec<Vec<f64>> = Vec::new();
    for entry in 0..table.first().map_or(1, Vec::len) {
        let values = protocol_at(table, entry);
        if !found.contains(&values) {
            found.push(values);
        }
        if found.len() > FEW {
            return None;
        }
    }
    Some(found)
}

/// Where the laws have weight at some moments of the protocol, and where the run starts.
pub(super) fn rectangle(system: &System, table: &[Vec<f64>], initial: &InitialState) -> Result<[Axis; 2], ExactError> {
    let bounded = bounded(system);
    let reach = |k: usize| match initial {
        InitialState::Point(point) => (point[k], point[k]),
        InitialState::Gaussian { mean, factor } => {
            let deviation = (0..2).map(|j| factor[2 * k + j] * factor[2 * k + j]).sum::<f64>().sqrt();
            (mean[k] - REACH * deviation, mean[k] + REACH * deviation)
        }
        InitialState::Uniform { lower, upper } => (lower[k], upper[k]),
        InitialState::Surface(surface) => surface.range(k),
        InitialState::Density(_) | InitialState::Discrete { .. } | InitialState::Exponential { .. } | InitialState::Thermal { .. } => {
            (f64::INFINITY, f64::NEG_INFINITY)
        }
    };
    let last = table.first().map_or(0, |values| values.len() - 1);
    let mut tried: Vec<Vec<f64>> = Vec::new();
    let mut ranges = [reach(0), reach(1)];
    for moment in 0..=MOMENTS {
        let values = protocol_at(table, last * moment / MOMENTS);
        if tried.contains(&values) {
            continue;
        }
        let found = with_forces(system, &values, |forces| extent(&bounded, forces))?;
        for (range, axis) in ranges.iter_mut().zip(found) {
            *range = (range.0.min(axis.lower), range.1.max(axis.upper));
        }
        tried.push(values);
    }
    Ok([0, 1].map(|k| bounded[k].unwrap_or(Axis { lower: ranges[k].0, upper: ranges[k].1, ends: RangeEnds::Truncated })))
}
