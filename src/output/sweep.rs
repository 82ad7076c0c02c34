//! The file of a sweep: the same experiment at every point of a grid of values.

use std::path::Path;

use hdf5::File;

use super::record::{Record, Run};
use super::schema::{attribute, dimension, group, variable};
use super::table::{Axis, Fault, Table, label};
use super::write::{write_estimates, write_root, write_theorems};
use crate::results::{Estimate, Verdict};

/// The values of one key.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepAxis {
    /// The key: a parameter, or a path of the file.
    pub key: String,
    /// Its values as written.
    pub texts: Vec<String>,
    /// The same as numbers, where all are.
    pub numbers: Option<Vec<f64>>,
}

/// What one point of the grid gave.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepPoint {
    /// Seed of its random numbers.
    pub seed: u64,
    /// Measured numbers; none where the sweep was stopped before.
    pub estimates: Vec<Estimate>,
    /// Verdicts.
    pub theorems: Vec<Verdict>,
}

/// A sweep.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// How the runs were done: times and events are those of all points, the seed is that of the whole.
    pub run: Run,
    /// The experiment before any value of the sweep is put in, TOML.
    pub experiment: String,
    /// The axes.
    pub axes: Vec<SweepAxis>,
    /// Every point, row-major over the axes.
    pub points: Vec<SweepPoint>,
    /// What should be said besides, with the point where.
    pub warnings: Vec<String>,
}

impl Sweep {
    /// Values of the axes at a point.
    pub fn place(&self, point: usize) -> Vec<&str> {
        let mut rest = point;
        let mut place: Vec<&str> = self
            .axes
            .iter()
            .rev()
            .map(|axis| {
                let index = rest % axis.texts.len();
                rest /= axis.texts.len();
                axis.texts[index].as_str()
            })
            .collect();
        place.reverse();
        place
    }

    /// The point in words: `T_H=2, T_C=1`.
    pub fn label(&self, point: usize) -> String {
        self.axes.iter().zip(self.place(point)).map(|(axis, value)| format!("{}={value}", axis.key)).collect::<Vec<_>>().join(", ")
    }

    /// Names of all estimates, in the order in which they first appear.
    pub fn estimates(&self) -> Vec<String> {
        names(self.points.iter().flat_map(|point| point.estimates.iter().map(|estimate| estimate.name.as_str())))
    }

    fn theorems(&self) -> Vec<String> {
        names(self.points.iter().flat_map(|point| point.theorems.iter().map(|theorem| theorem.name.as_str())))
    }
}

fn names<'a>(all: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for name in all {
        if !seen.iter().any(|known| known == name) {
            seen.push(name.to_owned());
        }
    }
    seen
}

/// Writes a new file and closes it: the results of every point under its label, as of a run, and `/sweep` over its axes.
pub(super) fn write(path: &Path, sweep: &Sweep) -> Result<(), Fault> {
    let file = File::create(path)?;
    write_root(&file, &Record { run: sweep.run.clone(), experiment: sweep.experiment.clone(), warnings: sweep.warnings.clone(), ..Record::default() })?;
    let labelled = |point: usize, name: &str| format!("{name} [{}]", sweep.label(point));
    let (mut estimates, mut theorems) = (Vec::new(), Vec::new());
    for (number, point) in sweep.points.iter().enumerate() {
        estimates.extend(point.estimates.iter().map(|estimate| Estimate { name: labelled(number, &estimate.name), ..estimate.clone() }));
        theorems.extend(point.theorems.iter().map(|theorem| Verdict { name: labelled(number, &theorem.name), ..theorem.clone() }));
    }
    write_estimates(&file, &estimates)?;
    write_theorems(&file, &theorems)?;
    write_grid(&file, sweep)?;
    file.flush()?;
    Ok(file.close()?)
}

fn write_grid(file: &File, sweep: &Sweep) -> Result<(), Fault> {
    let mut table = Table::create(file, group::SWEEP)?;
    let mut axes: Vec<Axis> = Vec::new();
    for axis in &sweep.axes {
        let (name, words) = (axis_name(&axis.key), format!("value of {}", axis.key));
        axes.push(match &axis.numbers {
            Some(numbers) => table.axis(&name, numbers, label("1", &words))?,
            None => table.axis_of_names(&name, axis.texts.iter().map(String::as_str), &words)?,
        });
    }
    table.words(attribute::KEYS, &sweep.axes.iter().map(|axis| axis.key.as_str()).collect::<Vec<_>>().join("\n"))?;
    let seeds: Vec<u64> = sweep.points.iter().map(|point| point.seed).collect();
    table.variable(variable::SEED, &axes, &seeds, label("1", "seed of the random numbers of the point"))?;
    let (estimates, theorems) = (sweep.estimates(), sweep.theorems());
    let along = table.axis_of_names(dimension::ESTIMATE, estimates.iter().map(String::as_str), "name of the estimate")?;
    let all: Vec<Axis> = axes.iter().copied().chain([along]).collect();
    let values = |value: &dyn Fn(&Estimate) -> f64| -> Vec<f64> {
        let one = |(point, name): (&SweepPoint, &String)| point.estimates.iter().find(|e| e.name == *name).map_or(f64::NAN, value);
        sweep.points.iter().flat_map(|point| estimates.iter().map(move |name| (point, name))).map(one).collect()
    };
    table.variable(variable::VALUE, &all, &values(&|e| e.value), label("see unit", "measured value, NaN where there is none"))?;
    table.variable(variable::STANDARD_ERROR, &all, &values(&|e| e.standard_error), label("see unit", "standard error of the measured value"))?;
    table.variable(variable::EXACT, &all, &values(&|e| e.exact.unwrap_or(f64::NAN)), label("see unit", "exact value, NaN where none is known"))?;
    table.variable(
        variable::Z,
        &all,
        &values(&|e| e.z.unwrap_or(f64::NAN)),
        label("1", "(value - exact) / standard error, NaN where no exact value is known"),
    )?;
    let unit = |name: &String| sweep.points.iter().flat_map(|point| &point.estimates).find(|e| e.name == *name).map_or("", |e| e.unit.as_str());
    table.text(variable::UNIT, along, estimates.iter().map(unit), "unit of the estimate")?;
    if !theorems.is_empty() {
        let along = table.axis_of_names(dimension::THEOREM, theorems.iter().map(String::as_str), "name of the theorem")?;
        let all: Vec<Axis> = axes.iter().copied().chain([along]).collect();
        let one = |(point, name): (&SweepPoint, &String)| point.theorems.iter().find(|t| t.name == *name).map_or(f64::NAN, |t| t.z);
        let z: Vec<f64> = sweep.points.iter().flat_map(|point| theorems.iter().map(move |name| (point, name))).map(one).collect();
        table.variable(variable::THEOREM_Z, &all, &z, label("1", "(value - expected) / standard error of the theorem"))?;
    }
    table.finish()
}

/// Name of the dimension along a key: the key, unless something beside it has that name.
pub(super) fn axis_name(key: &str) -> String {
    let taken = [
        variable::SEED,
        variable::VALUE,
        variable::STANDARD_ERROR,
        variable::EXACT,
        variable::Z,
        variable::UNIT,
        variable::THEOREM_Z,
        dimension::ESTIMATE,
        dimension::THEOREM,
    ];
    if taken.contains(&key) { format!("{key}{}", dimension::TAKEN_SUFFIX) } else { key.to_owned() }
}
