//! Reading back the file of a sweep.

use std::path::Path;

use hdf5::types::VarLenUnicode;
use hdf5::{File, Group};

use super::error::OutputError;
use super::profiles::names;
use super::schema::{attribute, dimension, group, variable};
use super::sweep::{SweepAxis, axis_name};

/// What a sweep found, over its axes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Swept {
    /// The axes.
    pub axes: Vec<SweepAxis>,
    /// Every estimate.
    pub estimates: Vec<SweptEstimate>,
}

/// One estimate at every point, row-major over the axes; NaN where there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SweptEstimate {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Measured values.
    pub values: Vec<f64>,
    /// Their standard errors.
    pub error: Vec<f64>,
    /// Exact values, NaN where none is known.
    pub exact: Vec<f64>,
}

/// Reads what a sweep found from a file that [`super::read()`] accepts; `None` from the file of a single run, and from older files.
///
/// # Errors
/// When the file is damaged.
pub fn swept(path: &Path) -> Result<Option<Swept>, OutputError> {
    let damaged = |error: hdf5::Error| OutputError::Damaged { path: path.to_owned(), message: error.to_string() };
    let file = File::open(path).map_err(damaged)?;
    if !file.link_exists(group::SWEEP) {
        return Ok(None);
    }
    let group = file.group(group::SWEEP).map_err(damaged)?;
    // Older files do not say in which order their keys are.
    if group.attr(attribute::KEYS).is_err() {
        return Ok(None);
    }
    read(&group).map(Some).map_err(damaged)
}

fn read(group: &Group) -> Result<Swept, hdf5::Error> {
    let keys = group.attr(attribute::KEYS)?.read_scalar::<VarLenUnicode>()?;
    let axes = keys.as_str().lines().map(|key| axis(group, key)).collect::<Result<Vec<_>, _>>()?;
    let points: usize = axes.iter().map(|axis| axis.texts.len()).product();
    let (found, units) = (names(&group.dataset(dimension::ESTIMATE)?)?, names(&group.dataset(variable::UNIT)?)?);
    let numbers = |name: &str| -> Result<Vec<f64>, hdf5::Error> {
        let values: Vec<f64> = group.dataset(name)?.read_raw()?;
        let wanted = points * found.len();
        if values.len() == wanted { Ok(values) } else { Err(hdf5::Error::Internal(format!("`{name}` has {} values, not {wanted}", values.len()))) }
    };
    let (values, error, exact) = (numbers(variable::VALUE)?, numbers(variable::STANDARD_ERROR)?, numbers(variable::EXACT)?);
    let column = |values: &[f64], k: usize| values.iter().skip(k).step_by(found.len()).copied().collect::<Vec<f64>>();
    let estimates = found.iter().zip(units).enumerate().map(|(k, (name, unit))| SweptEstimate {
        name: name.clone(),
        unit,
        values: column(&values, k),
        error: column(&error, k),
        exact: column(&exact, k),
    });
    Ok(Swept { estimates: estimates.collect(), axes })
}

/// Numbers where the values are such, else text.
fn axis(group: &Group, key: &str) -> Result<SweepAxis, hdf5::Error> {
    let dataset = group.dataset(&axis_name(key))?;
    if dataset.dtype()?.is::<f64>() {
        let numbers: Vec<f64> = dataset.read_raw()?;
        return Ok(SweepAxis { key: key.to_owned(), texts: numbers.iter().map(f64::to_string).collect(), numbers: Some(numbers) });
    }
    Ok(SweepAxis { key: key.to_owned(), texts: names(&dataset)?, numbers: None })
}
