//! Reading back what `ness check` and `ness report` need.

use std::fs;
use std::io::Read;
use std::path::Path;

use hdf5::types::VarLenUnicode;
use hdf5::{File, Group, H5Type};

use super::error::OutputError;
use super::record::Run;
use super::schema::{SCHEMA_VERSION, dimension, group, root, variable};
use crate::results::{Bias, Estimate, Judgement, Refinement, Verdict};

/// First bytes of every HDF5 file.
const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// What a run found, read from its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// How the file was made.
    pub run: Run,
    /// The whole experiment, TOML.
    pub experiment: String,
    /// The generated compute shader; empty where there was none.
    pub wgsl: String,
    /// Measured numbers.
    pub estimates: Vec<Estimate>,
    /// Verdicts.
    pub theorems: Vec<Verdict>,
    /// What should be said besides.
    pub warnings: Vec<String>,
}

/// Reads the results of a file written by `ness run`.
pub fn read(path: &Path) -> Result<Summary, OutputError> {
    require_hdf5(path)?;
    let damaged = |error: hdf5::Error| OutputError::Damaged { path: path.to_owned(), message: error.to_string() };
    let file = File::open(path).map_err(damaged)?;
    let not_ness = |missing: &str| OutputError::NotNess { path: path.to_owned(), missing: missing.to_owned() };
    let schema: u64 = number(&file, root::SCHEMA).map_err(|_| not_ness("attribute `schema`"))?;
    let program = text(&file, root::PROGRAM).map_err(|_| not_ness("attribute `program`"))?;
    if !program.starts_with("ness ") {
        return Err(not_ness("attribute `program` that names ness"));
    }
    if schema > SCHEMA_VERSION {
        return Err(OutputError::NewerSchema { path: path.to_owned(), found: schema, program, known: SCHEMA_VERSION });
    }
    read_summary(&file).map_err(damaged)
}

/// Tells a missing file and a foreign one from a damaged one, before HDF5 mixes them up.
fn require_hdf5(path: &Path) -> Result<(), OutputError> {
    let not_found = |cause| OutputError::NotFound { path: path.to_owned(), cause };
    let mut first = Vec::new();
    let file = fs::File::open(path).map_err(not_found)?;
    if file.metadata().map_err(not_found)?.is_dir() {
        return Err(OutputError::NotHdf5 { path: path.to_owned() });
    }
    file.take(SIGNATURE.len() as u64).read_to_end(&mut first).map_err(not_found)?;
    if first == SIGNATURE { Ok(()) } else { Err(OutputError::NotHdf5 { path: path.to_owned() }) }
}

fn read_summary(file: &File) -> Result<Summary, hdf5::Error> {
    Ok(Summary {
        run: read_run(file)?,
        experiment: text(file, root::EXPERIMENT)?,
        wgsl: text(file, root::WGSL)?,
        estimates: read_estimates(&file.group(group::ESTIMATES)?)?,
        theorems: read_theorems(&file.group(group::THEOREMS)?)?,
        // Older files have none.
        warnings: text(file, root::WARNINGS).unwrap_or_default().lines().map(str::to_owned).collect(),
    })
}

fn read_run(file: &File) -> Result<Run, hdf5::Error> {
    Ok(Run {
        program: text(file, root::PROGRAM)?,
        title: text(file, root::TITLE)?,
        source: text(file, root::SOURCE)?,
        command: text(file, root::COMMAND)?,
        seed: number(file, root::SEED)?,
        fingerprint: text(file, root::FINGERPRINT)?,
        backend: text(file, root::BACKEND)?,
        device: text(file, root::DEVICE)?,
        driver: text(file, root::DRIVER)?,
        profile: text(file, root::PROFILE)?,
        precision: text(file, root::PRECISION)?,
        work_unit: text(file, root::WORK_UNIT)?,
        wall_seconds: number(file, root::WALL_SECONDS)?,
        rate: number(file, root::RATE)?,
        trajectories: number(file, root::TRAJECTORIES)?,
        steps: number(file, root::STEPS)?,
        dt: number(file, root::DT)?,
        nonfinite: number(file, root::NONFINITE)?,
        created_unix: number(file, root::CREATED_UNIX)?,
    })
}

fn read_estimates(group: &Group) -> Result<Vec<Estimate>, hdf5::Error> {
    let names = texts(group, dimension::ESTIMATE, None)?;
    let count = names.len();
    let column = |name: &str| numbers(group, name, count);
    let (value, standard_error, effective_samples) = (column(variable::VALUE)?, column(variable::STANDARD_ERROR)?, column(variable::EFFECTIVE_SAMPLES)?);
    let (exact, z) = (column(variable::EXACT)?, column(variable::Z)?);
    let perhaps = |name: &str| if group.link_exists(name) { column(name) } else { Ok(vec![f64::NAN; count]) };
    let (bias, bias_error) = (perhaps(variable::BIAS)?, perhaps(variable::BIAS_STANDARD_ERROR)?);
    let (difference, difference_error) = (perhaps(variable::REFINED_DIFFERENCE)?, perhaps(variable::REFINED_DIFFERENCE_STANDARD_ERROR)?);
    let (extrapolated, extrapolated_error) = (perhaps(variable::EXTRAPOLATED)?, perhaps(variable::EXTRAPOLATED_STANDARD_ERROR)?);
    let order = perhaps(variable::REFINED_ORDER)?;
    let mut units = texts(group, variable::UNIT, Some(count))?.into_iter();
    let mut sources = texts(group, variable::SOURCE, Some(count))?.into_iter();
    let known = |number: f64| (!number.is_nan()).then_some(number);
    Ok(names
        .into_iter()
        .enumerate()
        .map(|(i, name)| Estimate {
            name,
            value: value[i],
            standard_error: standard_error[i],
            effective_samples: effective_samples[i],
            exact: known(exact[i]),
            z: known(z[i]),
            unit: units.next().unwrap_or_default(),
            source: sources.next().filter(|source| !source.is_empty()),
            bias: known(bias[i]).map(|value| Bias { value, standard_error: bias_error[i] }),
            refinement: known(order[i]).map(|order| Refinement {
                order: order as u32,
                difference: difference[i],
                difference_standard_error: difference_error[i],
                extrapolated: extrapolated[i],
                extrapolated_standard_error: extrapolated_error[i],
            }),
        })
        .collect())
}

fn read_theorems(group: &Group) -> Result<Vec<Verdict>, hdf5::Error> {
    let names = texts(group, dimension::THEOREM, None)?;
    let count = names.len();
    let column = |name: &str| numbers(group, name, count);
    let (value, standard_error, effective_samples) = (column(variable::VALUE)?, column(variable::STANDARD_ERROR)?, column(variable::EFFECTIVE_SAMPLES)?);
    let (expected, z) = (column(variable::EXPECTED)?, column(variable::Z)?);
    let verdicts = texts(group, variable::VERDICT, Some(count))?.iter().map(|word| judgement(word)).collect::<Result<Vec<_>, _>>()?;
    let mut advice = texts(group, variable::ADVICE, Some(count))?.into_iter();
    Ok(names
        .into_iter()
        .enumerate()
        .map(|(i, name)| Verdict {
            name,
            value: value[i],
            standard_error: standard_error[i],
            expected: expected[i],
            z: z[i],
            effective_samples: effective_samples[i],
            verdict: verdicts[i],
            advice: advice.next().unwrap_or_default(),
        })
        .collect())
}

fn judgement(word: &str) -> Result<Judgement, hdf5::Error> {
    let known = Judgement::ALL.into_iter().find(|judgement| judgement.word() == word);
    known.ok_or_else(|| hdf5::Error::Internal(format!("`{word}` is no verdict")))
}

fn text(file: &File, name: &str) -> Result<String, hdf5::Error> {
    Ok(file.attr(name)?.read_scalar::<VarLenUnicode>()?.as_str().to_owned())
}

fn number<T: H5Type>(file: &File, name: &str) -> Result<T, hdf5::Error> {
    file.attr(name)?.read_scalar()
}

fn numbers(group: &Group, name: &str, count: usize) -> Result<Vec<f64>, hdf5::Error> {
    of_length(name, count, group.dataset(name)?.read_raw()?)
}

fn texts(group: &Group, name: &str, count: Option<usize>) -> Result<Vec<String>, hdf5::Error> {
    let texts: Vec<String> = group.dataset(name)?.read_raw::<VarLenUnicode>()?.iter().map(|text| text.as_str().to_owned()).collect();
    of_length(name, count.unwrap_or(texts.len()), texts)
}

fn of_length<T>(name: &str, count: usize, values: Vec<T>) -> Result<Vec<T>, hdf5::Error> {
    if values.len() == count { Ok(values) } else { Err(hdf5::Error::Internal(format!("`{name}` has {} values, not {count}", values.len()))) }
}
