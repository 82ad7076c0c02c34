//! Reading back what can be drawn: functions of time and place, histograms, flows.

use std::path::Path;

use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, File, Group};

use super::error::OutputError;
use super::schema::{attribute, dimension, group, variable};

/// Everything of a file that can be drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profiles {
    /// Means over the ensemble as functions of time.
    pub series: Vec<Line>,
    /// Time-averaged densities, one a coordinate.
    pub densities: Vec<Line>,
    /// Currents, one a coordinate.
    pub currents: Vec<Line>,
    /// Densities of coordinates at every save.
    pub courses: Vec<DensityCourse>,
    /// Histograms of scalars of a trajectory.
    pub distributions: Vec<Counted>,
    /// Generating function of the total entropy production over the tilt.
    pub generating_function: Option<Line>,
    /// Flux and traffic of edges, occupancies of states.
    pub bars: Vec<Bars>,
    /// Density and current in planes of two coordinates.
    pub planes: Vec<PlaneMap>,
}

/// Density of one coordinate at every save.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DensityCourse {
    /// Name of the coordinate.
    pub name: String,
    /// What `x` is, with its unit.
    pub x_label: String,
    /// Unit of the density.
    pub unit: String,
    /// Times of the saves.
    pub times: Vec<f64>,
    /// Centres of the bins.
    pub x: Vec<f64>,
    /// Names of the states, where the bins are those of a network.
    pub states: Vec<String>,
    /// Densities, one row a save.
    pub rows: Vec<Vec<f64>>,
    /// Their standard errors.
    pub errors: Vec<Vec<f64>>,
    /// Exact densities, where known.
    pub exact: Option<Vec<Vec<f64>>>,
}

/// A histogram as a density and as numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// The density.
    pub line: Line,
    /// Trajectories in every bin.
    pub counts: Vec<u64>,
    /// Trajectories of the reversed run in the bin of minus the value, and what the value is divided by in the logarithm of the ratio of both.
    pub reversed: Option<(Vec<u64>, f64)>,
}

/// Density and current in a plane; arrays are row-major, `(centres_0, centres_1)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlaneMap {
    /// Names of the coordinates.
    pub names: [String; 2],
    /// Centres of the bins of either.
    pub centres: [Vec<f64>; 2],
    /// Unit of the coordinates.
    pub unit: String,
    /// Density.
    pub density: Vec<f64>,
    /// Unit of the density.
    pub density_unit: String,
    /// Both components of the current.
    pub current: [Vec<f64>; 2],
    /// Unit of the current.
    pub current_unit: String,
    /// Exact current, where known.
    pub exact: Option<[Vec<f64>; 2]>,
}

/// A function of one variable; all arrays have the length of `x`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Name of the observable or coordinate, as `work` or `x`.
    pub name: String,
    /// What is drawn, as `work` or `density of x`.
    pub title: String,
    /// The quantity in words.
    pub long_name: String,
    /// Unit; `1` for a pure number.
    pub unit: String,
    /// What `x` is, with its unit.
    pub x_label: String,
    /// Where.
    pub x: Vec<f64>,
    /// The values.
    pub y: Vec<f64>,
    /// Their standard errors, where there are any.
    pub error: Option<Vec<f64>>,
    /// Exact values, where known.
    pub exact: Option<Vec<f64>>,
}

/// Numbers with names; all arrays have the length of `names`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    /// What estimates of it begin with, as `flux`.
    pub quantity: String,
    /// The quantity, in words.
    pub long_name: String,
    /// Unit; `1` for a pure number.
    pub unit: String,
    /// Names.
    pub names: Vec<String>,
    /// Values.
    pub values: Vec<f64>,
    /// Standard errors.
    pub error: Vec<f64>,
}

/// Reads what can be drawn from a file that [`super::read()`] accepts.
///
/// # Errors
/// When the file is damaged.
pub fn profiles(path: &Path) -> Result<Profiles, OutputError> {
    let damaged = |error: hdf5::Error| OutputError::Damaged { path: path.to_owned(), message: error.to_string() };
    let file = File::open(path).map_err(damaged)?;
    read_profiles(&file).map_err(damaged)
}

fn read_profiles(file: &File) -> Result<Profiles, hdf5::Error> {
    Ok(Profiles {
        series: read_series(file)?,
        densities: each(file, group::DENSITY, |group, name| field(group, name, variable::DENSITY_MEAN, Some(variable::DENSITY_EXACT)))?,
        currents: each(file, group::CURRENT, |group, name| field(group, name, variable::CURRENT, Some(variable::CURRENT_EXACT)))?,
        courses: each(file, group::DENSITY, course)?,
        distributions: each(file, group::DISTRIBUTIONS, counted)?,
        generating_function: generating_function(file)?,
        bars: read_bars(file)?,
        planes: read_planes(file)?,
    })
}

/// What every subgroup of a group holds; nothing where there is no such group.
fn each<T>(file: &File, name: &str, read: impl Fn(&Group, &str) -> Result<Option<T>, hdf5::Error>) -> Result<Vec<T>, hdf5::Error> {
    if !file.link_exists(name) {
        return Ok(Vec::new());
    }
    let parent = file.group(name)?;
    let mut lines = Vec::new();
    for name in natural(parent.member_names()?) {
        lines.extend(read(&parent.group(&name)?, &name)?);
    }
    Ok(lines)
}

fn read_series(file: &File) -> Result<Vec<Line>, hdf5::Error> {
    if !file.link_exists(group::SERIES) {
        return Ok(Vec::new());
    }
    let series = file.group(group::SERIES)?;
    let names = natural(series.member_names()?);
    let is_derived = |name: &String| {
        [variable::STANDARD_ERROR_SUFFIX, variable::VARIANCE_SUFFIX, variable::EXACT_SUFFIX]
            .iter()
            .any(|suffix| name.strip_suffix(suffix).is_some_and(|of| names.iter().any(|other| other == of)))
    };
    let shown = names.iter().filter(|name| *name != dimension::TIME && !is_derived(name));
    let exact = |name: &str| format!("{name}{}", variable::EXACT_SUFFIX);
    let exact = |name: &str| Some(exact(name)).filter(|exact| series.link_exists(exact));
    shown.map(|name| line(&series, name, (name, name.clone()), &series.dataset(dimension::TIME)?, exact(name).as_deref())).collect()
}

/// A variable of one dimension, over the coordinate that is the only other scale of its length.
fn field(group: &Group, name: &str, wanted: &str, exact: Option<&str>) -> Result<Option<Line>, hdf5::Error> {
    if !group.link_exists(wanted) {
        return Ok(None);
    }
    let values = group.dataset(wanted)?;
    if values.ndim() != 1 {
        return Ok(None);
    }
    for candidate in [name.to_owned(), format!("{name}{}", dimension::TAKEN_SUFFIX), format!("{name}{}", dimension::FACE_SUFFIX)] {
        if group.link_exists(&candidate) {
            let exact = exact.filter(|exact| group.link_exists(exact));
            let title = format!("{} of {name}", wanted.split('_').next().unwrap_or(wanted));
            return line(group, name, (wanted, title), &group.dataset(&candidate)?, exact).map(Some);
        }
    }
    Ok(None)
}

/// Names in the order in which people count: `n2` before `n10`.
fn natural(mut names: Vec<String>) -> Vec<String> {
    let key = |name: &String| -> Vec<(u64, String)> {
        let mut parts: Vec<(u64, String)> = Vec::new();
        let mut rest = name.as_str();
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let letters = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |next| digits + next);
            parts.push((rest[..digits].parse().unwrap_or(0), rest[digits..letters].to_owned()));
            rest = &rest[letters..];
        }
        parts
    };
    names.sort_by_cached_key(key);
    names
}

fn counted(group: &Group, name: &str) -> Result<Option<Counted>, hdf5::Error> {
    let Some(line) = field(group, name, variable::DENSITY, None)? else { return Ok(None) };
    let counts: Vec<u64> = group.dataset(variable::COUNTS)?.read_raw()?;
    let reversed: Option<(Vec<u64>, f64)> = if group.link_exists(variable::COUNTS_REVERSED) {
        Some((group.dataset(variable::COUNTS_REVERSED)?.read_raw()?, group.attr(attribute::SCALE)?.read_scalar()?))
    } else {
        None
    };
    if counts.len() != line.x.len() || reversed.as_ref().is_some_and(|(reversed, _)| reversed.len() != line.x.len()) {
        return Err(hdf5::Error::Internal(format!("the counts of `{name}` do not have {} values", line.x.len())));
    }
    Ok(Some(Counted { line, counts, reversed }))
}

fn course(group: &Group, name: &str) -> Result<Option<DensityCourse>, hdf5::Error> {
    if !group.link_exists(dimension::TIME) || !group.link_exists(variable::DENSITY) {
        return Ok(None);
    }
    let density = group.dataset(variable::DENSITY)?;
    let mean = field(group, name, variable::DENSITY_MEAN, None)?;
    let Some(mean) = mean.filter(|_| density.ndim() == 2) else { return Ok(None) };
    let times: Vec<f64> = group.dataset(dimension::TIME)?.read_raw()?;
    let rows = |name: &str| -> Result<Vec<Vec<f64>>, hdf5::Error> {
        let values: Vec<f64> = group.dataset(name)?.read_raw()?;
        if values.len() != times.len() * mean.x.len() {
            return Err(hdf5::Error::Internal(format!("`{name}` has {} values, not {} at {} times", values.len(), mean.x.len(), times.len())));
        }
        Ok(values.chunks(mean.x.len().max(1)).map(<[f64]>::to_vec).collect())
    };
    let exact = if group.link_exists(variable::DENSITY_EXACT_IN_TIME) { Some(rows(variable::DENSITY_EXACT_IN_TIME)?) } else { None };
    let states = if group.link_exists(variable::STATE_NAME) { names(&group.dataset(variable::STATE_NAME)?)? } else { Vec::new() };
    if !states.is_empty() && states.len() != mean.x.len() {
        return Err(hdf5::Error::Internal(format!("`{name}` has {} names of {} states", states.len(), mean.x.len())));
    }
    let errors = rows(&format!("{}{}", variable::DENSITY, variable::STANDARD_ERROR_SUFFIX))?;
    Ok(Some(DensityCourse {
        name: name.to_owned(),
        rows: rows(variable::DENSITY)?,
        errors,
        exact,
        states,
        times,
        x_label: mean.x_label,
        unit: mean.unit,
        x: mean.x,
    }))
}

fn generating_function(file: &File) -> Result<Option<Line>, hdf5::Error> {
    if !file.link_exists(group::GENERATING_FUNCTION) {
        return Ok(None);
    }
    let group = file.group(group::GENERATING_FUNCTION)?;
    let exact = format!("{}{}", variable::SCGF, variable::EXACT_SUFFIX);
    let title = "generating function of the total entropy".to_owned();
    line(&group, variable::SCGF, (variable::SCGF, title), &group.dataset(dimension::ALPHA)?, Some(&exact)).map(Some)
}

/// Text values.
pub(super) fn names(dataset: &Dataset) -> Result<Vec<String>, hdf5::Error> {
    Ok(dataset.read_raw::<VarLenUnicode>()?.iter().map(|name| name.as_str().to_owned()).collect())
}

fn line(group: &Group, name: &str, (dataset, title): (&str, String), place: &Dataset, exact: Option<&str>) -> Result<Line, hdf5::Error> {
    let values = group.dataset(dataset)?;
    let error_name = format!("{dataset}{}", variable::STANDARD_ERROR_SUFFIX);
    let error = if group.link_exists(&error_name) { Some(group.dataset(&error_name)?.read_raw()?) } else { None };
    let exact: Option<Vec<f64>> = exact.map(|exact| group.dataset(exact)?.read_raw()).transpose()?;
    let (unit, words) = (text(place, attribute::UNITS), text(place, attribute::LONG_NAME));
    let words = ["centres of the bins of ", "faces of the bins of "].iter().find_map(|prefix| words.strip_prefix(prefix)).unwrap_or(&words);
    let x_label = if ["", "1", words].contains(&unit.as_str()) { words.to_owned() } else { format!("{words} ({unit})") };
    let line = Line {
        name: name.to_owned(),
        title,
        long_name: text(&values, attribute::LONG_NAME),
        unit: text(&values, attribute::UNITS),
        x_label,
        x: place.read_raw()?,
        y: values.read_raw()?,
        error,
        exact,
    };
    let lengths = [Some(line.y.len()), line.error.as_ref().map(Vec::len), line.exact.as_ref().map(Vec::len)];
    match lengths.into_iter().flatten().find(|length| *length != line.x.len()) {
        Some(length) => Err(hdf5::Error::Internal(format!("`{dataset}` has {length} values at {} places", line.x.len()))),
        None => Ok(line),
    }
}

fn read_bars(file: &File) -> Result<Vec<Bars>, hdf5::Error> {
    if !file.link_exists(group::NETWORK) {
        return Ok(Vec::new());
    }
    let network = file.group(group::NETWORK)?;
    let mut bars = Vec::new();
    for (axis, wanted) in [(dimension::EDGE, variable::FLUX), (dimension::EDGE, variable::TRAFFIC), (dimension::STATE, variable::OCCUPANCY)] {
        if !network.link_exists(wanted) {
            continue;
        }
        let values = network.dataset(wanted)?;
        let names = names(&network.dataset(axis)?)?;
        let error = network.dataset(&format!("{wanted}{}", variable::STANDARD_ERROR_SUFFIX))?.read_raw()?;
        let (long_name, unit) = (text(&values, attribute::LONG_NAME), text(&values, attribute::UNITS));
        let one = Bars { quantity: wanted.to_owned(), long_name, unit, names, values: values.read_raw()?, error };
        if one.values.len() != one.names.len() || one.error.len() != one.names.len() {
            return Err(hdf5::Error::Internal(format!("`{wanted}` has {} values for {} names", one.values.len(), one.names.len())));
        }
        bars.push(one);
    }
    Ok(bars)
}

/// Planes have a density of two dimensions, and a current of the same name.
fn read_planes(file: &File) -> Result<Vec<PlaneMap>, hdf5::Error> {
    if !file.link_exists(group::DENSITY) || !file.link_exists(group::CURRENT) {
        return Ok(Vec::new());
    }
    let (densities, currents) = (file.group(group::DENSITY)?, file.group(group::CURRENT)?);
    let mut planes = Vec::new();
    for name in densities.member_names()? {
        let group = densities.group(&name)?;
        let Some((first, second)) = name.split_once('.').filter(|_| currents.link_exists(&name) && group.link_exists(variable::DENSITY)) else { continue };
        let density = group.dataset(variable::DENSITY)?;
        if density.ndim() != 2 || ![first, second].iter().all(|axis| group.link_exists(axis)) {
            continue;
        }
        let current_group = currents.group(&name)?;
        let current = current_group.dataset(variable::CURRENT)?;
        let exact_name = format!("{}{}", variable::CURRENT, variable::EXACT_SUFFIX);
        let exact = if current_group.link_exists(&exact_name) { Some(halves(current_group.dataset(&exact_name)?.read_raw()?)) } else { None };
        let map = PlaneMap {
            names: [first.to_owned(), second.to_owned()],
            centres: [group.dataset(first)?.read_raw()?, group.dataset(second)?.read_raw()?],
            unit: text(&group.dataset(first)?, attribute::UNITS),
            density_unit: text(&density, attribute::UNITS),
            density: density.read_raw()?,
            current_unit: text(&current, attribute::UNITS),
            current: halves(current.read_raw()?),
            exact,
        };
        let cells = map.centres[0].len() * map.centres[1].len();
        let lengths = [&map.density].into_iter().chain(&map.current).chain(map.exact.iter().flatten()).map(Vec::len);
        if lengths.into_iter().any(|length| length != cells) {
            return Err(hdf5::Error::Internal(format!("the fields of the plane `{name}` do not have {cells} values")));
        }
        planes.push(map);
    }
    Ok(planes)
}

/// The two components of a current.
fn halves(mut both: Vec<f64>) -> [Vec<f64>; 2] {
    let second = both.split_off(both.len() / 2);
    [both, second]
}

/// A text attribute; empty where there is none.
fn text(dataset: &Dataset, name: &str) -> String {
    dataset.attr(name).and_then(|attribute| attribute.read_scalar::<VarLenUnicode>()).map(|text| text.as_str().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::natural;

    #[test]
    fn names_come_in_the_order_in_which_people_count() {
        let names = ["n10", "n2", "heat.x10", "heat.x9", "n", "10", "9"].map(str::to_owned).to_vec();
        assert_eq!(natural(names), ["heat.x9", "heat.x10", "n", "n2", "n10", "9", "10"]);
    }
}
