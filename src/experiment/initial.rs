//! `[initial]`: the law of the state at the start.

use super::document::{Item, Place, Table};
use super::names::all;
use super::read::Reader;
use super::{OverdampedModel, Section, schema};
use crate::coordinate::Boundary;
use crate::density::Density;

/// Law of the state at the start.
#[derive(Clone, Debug)]
pub struct Initial {
    /// The law.
    pub law: InitialLaw,
    /// Time to relax at the initial protocol values before measuring, where the law is reached that way; the user's wish.
    pub burn_in: Option<f64>,
}

/// A law of the `d` coordinates. For underdamped dynamics points and Gaussians are laws of coordinates and velocities, of length `2d`; the other
/// laws are of the coordinates, and velocities have their Maxwell law.
#[derive(Clone, Debug)]
pub enum InitialLaw {
    /// The canonical law of the initial protocol values.
    Equilibrium,
    /// The stationary law of the initial protocol values.
    SteadyState,
    /// The law that comes back after every period of the protocol.
    Periodic {
        /// The period.
        period: f64,
    },
    /// One point, length `d`.
    Point(Vec<f64>),
    /// A Gaussian.
    Gaussian {
        /// Mean, length `d`.
        mean: Vec<f64>,
        /// Covariance, row-major `d × d`, positive definite.
        covariance: Vec<f64>,
    },
    /// Independent and uniform in `[lower_i, upper_i)`.
    Uniform {
        /// Lower ends, length `d`.
        lower: Vec<f64>,
        /// Upper ends, length `d`.
        upper: Vec<f64>,
    },
    /// A tabulated density of the one coordinate.
    Table(Density),
    /// Probabilities of the states of a network.
    Probabilities(Vec<f64>),
    /// Independent exponential energies of these means, one a cell.
    Exponential(Vec<f64>),
}

#[derive(Clone, Copy, PartialEq)]
enum Distribution {
    Equilibrium,
    SteadyState,
    Periodic,
    Point,
    Gaussian,
    Uniform,
    Table,
}

/// Every distribution and the keys it reads.
const DISTRIBUTIONS: &[(&str, Distribution, &[&str])] = &[
    ("equilibrium", Distribution::Equilibrium, &["burn_in"]),
    ("steady-state", Distribution::SteadyState, &["burn_in"]),
    ("periodic", Distribution::Periodic, &["period"]),
    ("point", Distribution::Point, &["at"]),
    ("gaussian", Distribution::Gaussian, &["mean", "deviation", "covariance"]),
    ("uniform", Distribution::Uniform, &["range", "lower", "upper"]),
    ("table", Distribution::Table, &["table"]),
];

/// Reads `[initial]`; judged against the model where that is valid.
pub(super) fn read(reader: &mut Reader, section: &Section, model: Option<&OverdampedModel>) -> Option<Initial> {
    let table = section.table;
    reader.check_keys(table, "[initial]", schema::INITIAL);
    let names: Vec<&str> = DISTRIBUTIONS.iter().map(|(name, ..)| *name).collect();
    let item = reader.required(table, "distribution", section.place, "[initial]", &format!("one of {}", super::names::either(&names)))?;
    let choices: Vec<(&str, usize)> = names.iter().enumerate().map(|(index, name)| (*name, index)).collect();
    let (name, distribution, keys) = DISTRIBUTIONS[reader.choice(item, "distribution", &choices)?];
    check_unused(reader, table, name, keys);
    let with_velocities = matches!(distribution, Distribution::Point | Distribution::Gaussian);
    let maxwell = model.filter(|model| with_velocities && model.is_underdamped()).map(|model| thermal_velocities(reader, model));
    let state = model.map(|model| if with_velocities { model.state() } else { model.coordinates.clone() });
    let coordinates = reader.coordinates.clone();
    if let (Some(state), Some(_)) = (&state, &maxwell) {
        reader.coordinates = state.iter().map(|coordinate| coordinate.name.clone()).collect();
    }
    let boundaries = state.map(|state| state.iter().map(|c| c.boundary).collect());
    let law = Law { reader: &mut *reader, table, place: &item.place, name, boundaries, maxwell };
    let law = match distribution {
        Distribution::Equilibrium => {
            check_equilibrium(reader, item, model?);
            Some(InitialLaw::Equilibrium)
        }
        Distribution::SteadyState => Some(InitialLaw::SteadyState),
        Distribution::Periodic => {
            let item = reader.required(table, "period", section.place, "the distribution `periodic`", "the period of the protocol")?;
            Some(InitialLaw::Periodic { period: reader.positive(item, "`period`")? })
        }
        Distribution::Point => law.point(),
        Distribution::Gaussian => law.gaussian(),
        Distribution::Uniform => law.uniform(),
        Distribution::Table => law.table(),
    };
    reader.coordinates = coordinates;
    let burn_in = match table.get("burn_in").filter(|_| keys.contains(&"burn_in")) {
        Some(item) => Some(reader.positive(item, "`burn_in`")?),
        None => None,
    };
    Some(Initial { law: law?, burn_in })
}

fn check_unused(reader: &mut Reader, table: &Table, name: &str, keys: &[&str]) {
    let known = |key: &str| schema::INITIAL.contains(&key) && key != "distribution";
    for entry in table.entries.iter().filter(|entry| known(&entry.key) && !keys.contains(&entry.key.as_str())) {
        let message = format!("`{}` is not a key of the distribution `{name}`", entry.key);
        reader.problem(&entry.place, message, format!("expected {}", all(keys)));
    }
}

/// Equilibrium needs one temperature and no force beside the potential's.
fn check_equilibrium(reader: &mut Reader, item: &Item, model: &OverdampedModel) {
    if !model.parity.keeps_equilibrium && model.drives.iter().flatten().any(|drive| !reader.vanishes(*drive)) {
        let help = "use `steady-state`, or put the force into the potential if it has one";
        reader.problem(&item.place, "a model with a `force` has no equilibrium", "").help(help);
    }
    let temperatures: Vec<f64> = model.temperature.iter().map(|node| reader.evaluate(*node, &[], &[], 0.0)).collect();
    // Formulas of coordinates or of the protocol are judged when the start is prepared.
    if temperatures.iter().any(|temperature| *temperature != temperatures[0] && !temperature.is_nan() && !temperatures[0].is_nan()) && !reader.parameters_broken
    {
        reader.problem(&item.place, "a model with several temperatures has no equilibrium", "").help("use `steady-state`");
    }
}

struct Law<'a> {
    reader: &'a mut Reader,
    table: &'a Table,
    place: &'a Place,
    name: &'static str,
    boundaries: Option<Vec<Boundary>>,
    /// Thermal deviations `sqrt(T/m)` of the velocities, where these are part of the law.
    maxwell: Option<Vec<f64>>,
}

fn thermal_velocities(reader: &Reader, model: &OverdampedModel) -> Vec<f64> {
    let value = |node| reader.evaluate(node, &[], &[], 0.0);
    model.temperature.iter().zip(&model.mass).map(|(temperature, mass)| (value(*temperature) / value(*mass)).sqrt()).collect()
}

impl Law<'_> {
    fn required(&mut self, key: &str, expected: &str) -> Option<Vec<f64>> {
        let what = format!("the distribution `{}`", self.name);
        let item = self.reader.required(self.table, key, self.place, &what, expected)?;
        self.numbers(item, key)
    }

    fn numbers(&mut self, item: &Item, key: &str) -> Option<Vec<f64>> {
        let what = format!("`{key}`");
        let Some(maxwell) = self.maxwell.clone() else {
            let items = self.reader.per_coordinate(item, &what)?;
            return items.into_iter().map(|item| self.reader.number(item, &what)).collect();
        };
        // Velocities may be left out: they are 0 at a point, and thermal in a Gaussian.
        let d = maxwell.len();
        let given: Vec<Option<&Item>> = match &item.value {
            super::document::Value::List(items) if items.len() == d => items.iter().map(Some).collect(),
            super::document::Value::List(_) | super::document::Value::Table(_) => self.reader.some_coordinates(item, &what)?,
            _ => vec![Some(item); d],
        };
        let missing: Vec<&String> = self.reader.coordinates[..d].iter().zip(&given).filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        if !missing.is_empty() {
            let message = format!("{what} is missing for {}", all(&missing));
            self.reader.problem(&item.place, message, "expected a value for every coordinate; velocities may be left out");
            return None;
        }
        let default = |i: usize| if key == "deviation" { maxwell[i - d] } else { 0.0 };
        (0..2 * d).map(|i| given.get(i).copied().flatten().map_or_else(|| Some(default(i)), |item| self.reader.number(item, &what))).collect()
    }

    fn point(mut self) -> Option<InitialLaw> {
        let at = self.required("at", "a number for each coordinate")?;
        self.check_inside("at", &at, &at)?;
        Some(InitialLaw::Point(at))
    }

    fn gaussian(mut self) -> Option<InitialLaw> {
        if self.boundaries.as_ref()?.iter().any(|boundary| *boundary != Boundary::Open) {
            let label = "its tails lie outside the range";
            self.reader.problem(self.place, "a Gaussian needs coordinates without walls and periods", label).help("use `uniform`, `table` or `point`");
            return None;
        }
        let mean = self.required("mean", "a number for each coordinate");
        let covariance = match (self.table.get("deviation"), self.table.get("covariance")) {
            (Some(_), Some(item)) => {
                self.reader.problem(&item.place, "a Gaussian has either `deviation` or `covariance`", "");
                None
            }
            (None, Some(item)) => self.covariance(item),
            (_, None) => self.deviations(),
        };
        Some(InitialLaw::Gaussian { mean: mean?, covariance: covariance? })
    }

    fn deviations(&mut self) -> Option<Vec<f64>> {
        let deviations = self.required("deviation", "a number above 0 for each coordinate")?;
        let d = deviations.len();
        if let (Some(bad), Some(item)) = (deviations.iter().find(|deviation| **deviation <= 0.0), self.table.get("deviation")) {
            self.reader.check_positive(*bad, item, "`deviation`")?;
        }
        Some((0..d * d).map(|index| if index / d == index % d { deviations[index / d] * deviations[index / d] } else { 0.0 }).collect())
    }

    fn covariance(&mut self, item: &Item) -> Option<Vec<f64>> {
        let all = self.reader.coordinates.len();
        let rows = if let super::document::Value::List(rows) = &item.value { rows.len() } else { 1 };
        let Some(maxwell) = self.maxwell.clone().filter(|_| rows != all) else { return self.covariance_of(item, all) };
        // Of the coordinates alone: velocities are thermal and independent.
        let d = maxwell.len();
        let positions = self.covariance_of(item, d)?;
        let entry = |i: usize, j: usize| match (i < d, j < d) {
            (true, true) => positions[i * d + j],
            (false, false) if i == j => maxwell[i - d] * maxwell[i - d],
            _ => 0.0,
        };
        Some((0..all * all).map(|k| entry(k / all, k % all)).collect())
    }

    fn covariance_of(&mut self, item: &Item, d: usize) -> Option<Vec<f64>> {
        let shape = format!("of {d} rows with {d} numbers each");
        let mut covariance = Vec::with_capacity(d * d);
        if d == 1 && !matches!(item.value, super::document::Value::List(_)) {
            covariance.push(self.reader.number(item, "`covariance`")?);
        } else {
            for row in self.reader.list(item, "`covariance`", &shape)? {
                for entry in self.reader.list(row, "a row of `covariance`", &format!("of {d} numbers"))? {
                    covariance.push(self.reader.number(entry, "`covariance`")?);
                }
            }
        }
        if covariance.len() != d * d {
            self.reader.problem(&item.place, format!("`covariance` must be a list {shape}"), format!("found {} numbers", covariance.len()));
            return None;
        }
        if !is_positive_definite(&covariance, d) {
            self.reader.problem(&item.place, "`covariance` must be symmetric and positive definite", "");
            return None;
        }
        Some(covariance)
    }

    fn uniform(mut self) -> Option<InitialLaw> {
        let given = ["range", "lower", "upper"].map(|key| self.table.get(key));
        let (lower, upper) = match given {
            [Some(item), None, None] => self.range(item)?,
            [Some(_), Some(other), _] | [Some(_), _, Some(other)] => {
                self.reader.problem(&other.place, "`uniform` has either `range`, or `lower` and `upper`", "");
                return None;
            }
            [None, None, None] => self.whole_range()?,
            [None, ..] => (self.required("lower", "a number for each coordinate")?, self.required("upper", "a number for each coordinate")?),
        };
        let place = given[0].or(given[2]).map_or(self.place, |item| &item.place);
        for (lower, upper) in lower.iter().zip(&upper) {
            self.reader.check_interval(*lower, *upper, place, "`uniform`")?;
        }
        self.check_inside(if given[0].is_some() { "range" } else { "lower" }, &lower, &upper)?;
        Some(InitialLaw::Uniform { lower, upper })
    }

    /// `[a, b]` for one coordinate, `{ x = [a, b], … }` for several.
    fn range(&mut self, item: &Item) -> Option<(Vec<f64>, Vec<f64>)> {
        let items = match item.value {
            super::document::Value::List(_) if self.reader.coordinates.len() == 1 => vec![item],
            _ => self.reader.per_coordinate(item, "`range`")?,
        };
        let intervals: Option<Vec<_>> = items.into_iter().map(|item| self.reader.interval(item, "`range`")).collect();
        Some(intervals?.into_iter().unzip())
    }

    fn whole_range(&mut self) -> Option<(Vec<f64>, Vec<f64>)> {
        let ranges: Option<Vec<_>> = self.boundaries.as_ref()?.iter().map(|boundary| boundary.ends()).collect();
        if ranges.is_none() {
            self.reader.problem(
                self.place,
                "missing key `range` in the distribution `uniform`",
                "expected `range = [lower, upper]`, or one for each coordinate",
            );
        }
        Some(ranges?.into_iter().unzip())
    }

    fn table(self) -> Option<InitialLaw> {
        if self.reader.coordinates.len() != 1 {
            let label = format!("the model has {}", self.reader.coordinates.len());
            self.reader.problem(self.place, "the distribution `table` is for one coordinate", label);
            return None;
        }
        let item = self.reader.required(self.table, "table", self.place, "the distribution `table`", "a list of pairs `[x, p]`")?;
        let pairs = self.reader.pairs(item, "`table`", "[x, p]")?;
        let (Some(first), Some(last)) = (pairs.first(), pairs.last()) else {
            self.reader.problem(&item.place, "`table` has no pairs", "expected `[[x, p], …]`");
            return None;
        };
        let (lower, upper) = (first.0, last.0);
        let spacing = (upper - lower) / (pairs.len().max(2) - 1) as f64;
        for (index, (x, _, place)) in pairs.iter().enumerate() {
            let expected = lower + index as f64 * spacing;
            if (x - expected).abs() > 1e-6 * spacing.abs() {
                let label = format!("expected x = {}", super::schedule::shown(expected));
                self.reader.problem(place, "`table` must have evenly spaced x, in increasing order", label);
                return None;
            }
        }
        let mut law = self;
        law.check_inside("table", &[lower], &[upper])?;
        match Density::new(lower, upper, pairs.iter().map(|(_, p, _)| *p).collect()) {
            Ok(density) => Some(InitialLaw::Table(density)),
            Err(error) => {
                law.reader.problem(&item.place, format!("`table` is not a density: {error}"), "");
                None
            }
        }
    }

    /// Refuses starts outside the range of a coordinate.
    fn check_inside(&mut self, key: &str, lower: &[f64], upper: &[f64]) -> Option<()> {
        let outside = |boundary: &Boundary, low: f64, high: f64| {
            boundary.ends().filter(|(lower, upper)| {
                let slack = 1e-12 * (upper - lower);
                low < lower - slack || high > upper + slack
            })
        };
        let boundaries = self.boundaries.as_ref()?;
        let found = boundaries
            .iter()
            .zip(lower.iter().zip(upper))
            .enumerate()
            .find_map(|(index, (boundary, (low, high)))| Some((index, outside(boundary, *low, *high)?)));
        let Some((index, (from, to))) = found else { return Some(()) };
        let place = self.table.get(key).map_or(self.place, |item| &item.place);
        let message = format!("the start lies outside the range of `{}`", self.reader.coordinates[index]);
        self.reader.problem(place, message, format!("expected within {from} and {to}"));
        None
    }
}

/// Symmetry, and Cholesky's pivots.
fn is_positive_definite(matrix: &[f64], d: usize) -> bool {
    let mut factor = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..=i {
            let scale = matrix[i * d + i].abs().max(matrix[j * d + j].abs());
            if (matrix[i * d + j] - matrix[j * d + i]).abs() > 1e-12 * scale {
                return false;
            }
            let rest: f64 = matrix[i * d + j] - (0..j).map(|k| factor[i * d + k] * factor[j * d + k]).sum::<f64>();
            if i == j && (rest.is_nan() || rest <= 1e-14 * scale) {
                return false;
            }
            factor[i * d + j] = if i == j { rest.sqrt() } else { rest / factor[j * d + j] };
        }
    }
    true
}
