//! A [`Record`] into the groups of the schema.

use std::path::Path;

use hdf5::{File, Group};

use super::clock::rfc3339;
use super::plane::write_plane;
use super::record::{CurrentProfile, DensityProfile, Distribution, GeneratingFunction, Network, Record, Series, TrajectoryColumn};
use super::schema::{SCHEMA_VERSION, attribute, dimension, group, root, variable};
use super::table::{Axis, Fault, Table, label, number_attribute, text_attribute};
use crate::results::{Bias, Estimate, Refinement, Verdict};

/// Writes a new file and closes it.
pub(super) fn write(path: &Path, record: &Record) -> Result<(), Fault> {
    let file = File::create(path)?;
    write_root(&file, record)?;
    write_estimates(&file, &record.estimates)?;
    write_theorems(&file, &record.theorems)?;
    if let Some(series) = &record.series {
        write_series(&file, series, &record.time_unit)?;
    }
    for_each(&file, group::DENSITY, &record.densities, |parent, profile| write_density(parent, profile, &record.time_unit))?;
    for_each(&file, group::CURRENT, &record.currents, |parent, profile| write_current(parent, profile, &record.time_unit))?;
    if let Some(plane) = &record.plane {
        write_plane(&file, plane, &record.time_unit)?;
    }
    if let Some(network) = &record.network {
        write_network(&file, network, &record.time_unit)?;
    }
    for_each(&file, group::DISTRIBUTIONS, &record.distributions, write_distribution)?;
    if let Some(function) = &record.generating_function {
        write_generating_function(&file, function, &record.time_unit)?;
    }
    if !record.trajectories.is_empty() {
        write_trajectories(&file, &record.trajectories)?;
    }
    file.flush()?;
    Ok(file.close()?)
}

/// A subgroup for every item; no group at all for none.
fn for_each<T>(file: &File, name: &str, items: &[T], write: impl Fn(&Group, &T) -> Result<(), Fault>) -> Result<(), Fault> {
    if items.is_empty() {
        return Ok(());
    }
    let parent = file.create_group(name)?;
    items.iter().try_for_each(|item| write(&parent, item))
}

pub(super) fn write_root(file: &File, record: &Record) -> Result<(), Fault> {
    let run = &record.run;
    for (name, text) in [
        (root::PROGRAM, &run.program),
        (root::TITLE, &run.title),
        (root::SOURCE, &run.source),
        (root::COMMAND, &run.command),
        (root::EXPERIMENT, &record.experiment),
        (root::WGSL, &record.wgsl),
        (root::FINGERPRINT, &run.fingerprint),
        (root::BACKEND, &run.backend),
        (root::DEVICE, &run.device),
        (root::DRIVER, &run.driver),
        (root::PROFILE, &run.profile),
        (root::PRECISION, &run.precision),
        (root::WORK_UNIT, &run.work_unit),
        (root::CREATED, &rfc3339(run.created_unix)),
        (root::WARNINGS, &record.warnings.join("\n")),
    ] {
        text_attribute(file, name, text)?;
    }
    for (name, value) in [
        (root::SCHEMA, SCHEMA_VERSION),
        (root::SEED, run.seed),
        (root::TRAJECTORIES, run.trajectories),
        (root::STEPS, run.steps),
        (root::NONFINITE, run.nonfinite),
        (root::CREATED_UNIX, run.created_unix),
    ] {
        number_attribute(file, name, &value)?;
    }
    for (name, value) in [(root::WALL_SECONDS, run.wall_seconds), (root::RATE, run.rate), (root::DT, run.dt)] {
        number_attribute(file, name, &value)?;
    }
    Ok(())
}

pub(super) fn write_estimates(file: &File, estimates: &[Estimate]) -> Result<(), Fault> {
    let mut table = Table::create(file, group::ESTIMATES)?;
    let axis = table.axis_of_names(dimension::ESTIMATE, estimates.iter().map(|e| e.name.as_str()), "name of the estimate")?;
    // The values of one variable have different units: the variable `unit` names them, one by one.
    let mut column = |name: &str, long_name: &str, unit: &str, value: &dyn Fn(&Estimate) -> f64| {
        table.variable(name, &[axis], &estimates.iter().map(value).collect::<Vec<_>>(), label(unit, long_name))
    };
    column(variable::VALUE, "measured value", "see unit", &|e| e.value)?;
    column(variable::STANDARD_ERROR, "standard error of the measured value", "see unit", &|e| e.standard_error)?;
    column(variable::EFFECTIVE_SAMPLES, "number of independent samples the value is worth", "1", &|e| e.effective_samples)?;
    column(variable::EXACT, "exact value, NaN where none is known", "see unit", &|e| e.exact.unwrap_or(f64::NAN))?;
    column(variable::Z, "(value - exact) / standard error, NaN where no exact value is known, or what is measured is too rare to be compared", "1", &|e| {
        e.z.unwrap_or(f64::NAN)
    })?;
    if estimates.iter().any(|e| e.bias.is_some()) {
        let bias = |part: fn(Bias) -> f64| move |e: &Estimate| e.bias.map_or(f64::NAN, part);
        column(variable::BIAS, "what the method adds to the value; z is that of value - bias", "see unit", &bias(|bias| bias.value))?;
        column(variable::BIAS_STANDARD_ERROR, "standard error of the bias", "see unit", &bias(|bias| bias.standard_error))?;
    }
    if estimates.iter().any(|e| e.refinement.is_some()) {
        let of = |part: fn(Refinement) -> f64| move |e: &Estimate| e.refinement.map_or(f64::NAN, part);
        let mut part = |name: &str, long_name: &str, value: fn(Refinement) -> f64| column(name, long_name, "see unit", &of(value));
        part(variable::REFINED_DIFFERENCE, "value less that by time steps half as long", |r| r.difference)?;
        part(variable::REFINED_DIFFERENCE_STANDARD_ERROR, "standard error of that difference", |r| r.difference_standard_error)?;
        part(variable::EXTRAPOLATED, "limit of short time steps (Richardson); z is that of this value", |r| r.extrapolated)?;
        part(variable::EXTRAPOLATED_STANDARD_ERROR, "standard error of the limit", |r| r.extrapolated_standard_error)?;
        column(variable::REFINED_ORDER, "power of the time step that the limit assumes", "1", &of(|r| f64::from(r.order)))?;
    }
    table.text(variable::UNIT, axis, estimates.iter().map(|e| e.unit.as_str()), "unit of the estimate")?;
    table.text(variable::SOURCE, axis, estimates.iter().map(|e| e.source.as_deref().unwrap_or_default()), "source of the exact value")?;
    table.finish()
}

pub(super) fn write_theorems(file: &File, theorems: &[Verdict]) -> Result<(), Fault> {
    let mut table = Table::create(file, group::THEOREMS)?;
    let axis = table.axis_of_names(dimension::THEOREM, theorems.iter().map(|t| t.name.as_str()), "name of the theorem")?;
    let mut column = |name: &str, long_name: &str, value: &dyn Fn(&Verdict) -> f64| {
        table.variable(name, &[axis], &theorems.iter().map(value).collect::<Vec<_>>(), label("1", long_name))
    };
    column(variable::VALUE, "estimate of the quantity that the theorem fixes", &|t| t.value)?;
    column(variable::STANDARD_ERROR, "standard error of the estimate", &|t| t.standard_error)?;
    column(variable::EXPECTED, "value that the theorem asks for", &|t| t.expected)?;
    column(variable::Z, "(value - expected) / standard error, or the largest of several", &|t| t.z)?;
    column(variable::EFFECTIVE_SAMPLES, "number of independent samples the estimate is worth", &|t| t.effective_samples)?;
    table.text(variable::VERDICT, axis, theorems.iter().map(|t| t.verdict.word()), "holds, violated or undersampled")?;
    table.text(variable::ADVICE, axis, theorems.iter().map(|t| t.advice.as_str()), "what was compared, and what to do next")?;
    table.finish()
}

fn write_series(file: &File, series: &Series, time_unit: &str) -> Result<(), Fault> {
    let mut table = Table::create(file, group::SERIES)?;
    let time = time_axis(&mut table, &series.times, time_unit)?;
    for observable in &series.observables {
        let (name, unit, words) = (&observable.name, &observable.unit, &observable.long_name);
        table.variable(name, &[time], &observable.mean, label(unit, &format!("mean over trajectories of {words}")))?;
        let error_name = format!("{name}{}", variable::STANDARD_ERROR_SUFFIX);
        table.variable(&error_name, &[time], &observable.standard_error, label(unit, &format!("standard error of the mean of {words}")))?;
        let variance_name = format!("{name}{}", variable::VARIANCE_SUFFIX);
        table.variable(&variance_name, &[time], &observable.variance, label(&power(unit, 2), &format!("variance over trajectories of {words}")))?;
        if let Some(exact) = &observable.exact {
            let exact_name = format!("{name}{}", variable::EXACT_SUFFIX);
            table.variable(&exact_name, &[time], exact, label(unit, &format!("exact mean of {words}, NaN where none is known")))?;
        }
    }
    table.finish()
}

fn time_axis(table: &mut Table, times: &[f64], time_unit: &str) -> Result<Axis, Fault> {
    table.axis(dimension::TIME, times, label(time_unit, "time"))
}

fn write_density(parent: &Group, profile: &DensityProfile, time_unit: &str) -> Result<(), Fault> {
    let name = &profile.coordinate;
    let mut table = Table::create(parent, name)?;
    let time = time_axis(&mut table, &profile.times, time_unit)?;
    let place = table.axis(&axis_name(name), &profile.centres, label(&profile.unit, &format!("centres of the bins of {name}")))?;
    if !profile.states.is_empty() {
        table.text(variable::STATE_NAME, place, profile.states.iter().map(String::as_str), "name of the state")?;
    }
    let count = label("1", "number of trajectories in the bin");
    table.variable(variable::COUNTS, &[time, place], &profile.counts, count)?;
    table.variable(variable::COUNTS_BELOW, &[time], &profile.below, label("1", "number of trajectories below the lowest bin"))?;
    table.variable(variable::COUNTS_ABOVE, &[time], &profile.above, label("1", "number of trajectories above the highest bin"))?;
    let unit = power(&profile.unit, -1);
    let mut field = |name: &str, axes: &[Axis], values: &[f64], words: &str| table.variable(name, axes, values, label(&unit, words));
    let with_error = |name: &str| format!("{name}{}", variable::STANDARD_ERROR_SUFFIX);
    field(variable::DENSITY, &[time, place], &profile.density, "probability density")?;
    field(&with_error(variable::DENSITY), &[time, place], &profile.standard_error, "standard error of the probability density")?;
    field(variable::DENSITY_MEAN, &[place], &profile.mean, "probability density averaged over time")?;
    let words = "standard error of the probability density averaged over time";
    field(&with_error(variable::DENSITY_MEAN), &[place], &profile.mean_standard_error, words)?;
    if let Some(exact) = &profile.exact {
        field(variable::DENSITY_EXACT, &[place], exact, "exact probability density averaged over time, NaN where none is known")?;
    }
    if let Some(exact) = &profile.exact_in_time {
        field(variable::DENSITY_EXACT_IN_TIME, &[time, place], exact, "exact probability density, NaN where none is known")?;
    }
    table.finish()
}

fn write_current(parent: &Group, profile: &CurrentProfile, time_unit: &str) -> Result<(), Fault> {
    let mut table = Table::create(parent, &profile.coordinate)?;
    let face = format!("{}{}", profile.coordinate, dimension::FACE_SUFFIX);
    let place = table.axis(&face, &profile.faces, label(&profile.unit, &format!("faces of the bins of {}", profile.coordinate)))?;
    let unit = power(time_unit, -1);
    table.variable(variable::CURRENT, &[place], &profile.current, label(&unit, "probability current: net crossings per trajectory and unit time"))?;
    let error_name = format!("{}{}", variable::CURRENT, variable::STANDARD_ERROR_SUFFIX);
    table.variable(&error_name, &[place], &profile.standard_error, label(&unit, "standard error of the probability current"))?;
    if let Some(exact) = &profile.exact {
        table.variable(variable::CURRENT_EXACT, &[place], exact, label(&unit, "exact probability current, NaN where none is known"))?;
    }
    table.finish()
}

fn write_network(file: &File, network: &Network, time_unit: &str) -> Result<(), Fault> {
    let mut table = Table::create(file, group::NETWORK)?;
    let per_time = power(time_unit, -1);
    let with_error = |name: &str| format!("{name}{}", variable::STANDARD_ERROR_SUFFIX);
    if !network.edges.is_empty() {
        let edge = table.axis_of_names(dimension::EDGE, network.edges.iter().map(String::as_str), "reactions or edges, both directions taken together")?;
        table.variable(variable::FLUX, &[edge], &network.flux, label(&per_time, "net events per trajectory and time"))?;
        table.variable(&with_error(variable::FLUX), &[edge], &network.flux_error, label(&per_time, "standard error of the net events"))?;
        table.variable(variable::TRAFFIC, &[edge], &network.traffic, label(&per_time, "events per trajectory and time, both directions added"))?;
        table.variable(&with_error(variable::TRAFFIC), &[edge], &network.traffic_error, label(&per_time, "standard error of the traffic"))?;
    }
    if !network.cycles.is_empty() {
        let cycle = table.axis_of_names(dimension::CYCLE, network.cycles.iter().map(String::as_str), "fundamental cycles")?;
        table.variable(variable::AFFINITY, &[cycle], &network.affinity, label("nat", "affinity at the initial protocol value"))?;
    }
    if !network.states.is_empty() {
        let state = table.axis_of_names(dimension::STATE, network.states.iter().map(String::as_str), "states of the network")?;
        table.variable(variable::OCCUPANCY, &[state], &network.occupancy, label("1", "share of the time spent in the state"))?;
        table.variable(&with_error(variable::OCCUPANCY), &[state], &network.occupancy_error, label("1", "standard error of the occupancy"))?;
    }
    table.finish()
}

fn write_distribution(parent: &Group, distribution: &Distribution) -> Result<(), Fault> {
    let name = &distribution.name;
    let mut table = Table::create(parent, name)?;
    let bin = table.axis(&axis_name(name), &distribution.centres, label(&distribution.unit, &format!("centres of the bins of {}", distribution.long_name)))?;
    table.variable(variable::COUNTS, &[bin], &distribution.counts, label("1", "number of trajectories in the bin"))?;
    let words = format!("probability density of {}", distribution.long_name);
    table.variable(variable::DENSITY, &[bin], &distribution.density, label(&power(&distribution.unit, -1), &words))?;
    if let Some(reversed) = &distribution.reversed {
        let words = "number of trajectories of the run with the protocol reversed in the bin of minus the value";
        table.variable(variable::COUNTS_REVERSED, &[bin], &reversed.counts, label("1", words))?;
        table.number(attribute::SCALE, reversed.scale)?;
    }
    table.number(attribute::UNDERFLOW, distribution.underflow)?;
    table.number(attribute::OVERFLOW, distribution.overflow)?;
    table.finish()
}

fn write_generating_function(file: &File, function: &GeneratingFunction, time_unit: &str) -> Result<(), Fault> {
    let mut table = Table::create(file, group::GENERATING_FUNCTION)?;
    let alpha = table.axis(dimension::ALPHA, &function.alphas, label("1", "tilt"))?;
    let unit = power(time_unit, -1);
    let error_name = format!("{}{}", variable::SCGF, variable::STANDARD_ERROR_SUFFIX);
    let exact_name = format!("{}{}", variable::SCGF, variable::EXACT_SUFFIX);
    let mut column = |name: &str, values: &[f64], words: &str| table.variable(name, &[alpha], values, label(&unit, words));
    column(variable::SCGF, &function.values, "ln<exp(-alpha entropy_total)>/t at the end of the run, NaN where it is not sampled")?;
    column(&error_name, &function.error, "standard error of the generating function")?;
    column(&exact_name, &function.exact, "exact limit of long times, NaN where none is known")?;
    table.finish()
}

fn write_trajectories(file: &File, columns: &[TrajectoryColumn]) -> Result<(), Fault> {
    let mut table = Table::create(file, group::TRAJECTORIES)?;
    let indices: Vec<u64> = (0..columns.first().map_or(0, |column| column.values.len() as u64)).collect();
    let axis = table.axis(dimension::TRAJECTORY, &indices, label("1", "index of the trajectory"))?;
    for column in columns {
        table.variable(&column.name, &[axis], &column.values, label(&column.unit, &column.long_name))?;
    }
    table.finish()
}

/// Name of the dimension along a coordinate or a scalar: its own, unless a variable beside it has that name.
pub(super) fn axis_name(name: &str) -> String {
    let taken = [dimension::TIME, dimension::COMPONENT].contains(&name)
        || name.starts_with(variable::CURRENT)
        || name.starts_with(variable::COUNTS)
        || name.starts_with(variable::DENSITY);
    if taken { format!("{name}{}", dimension::TAKEN_SUFFIX) } else { name.to_owned() }
}

/// A power of a unit, in the notation of UDUNITS: `(kT/s)^2`. A pure number stays `1`.
pub(super) fn power(unit: &str, exponent: i32) -> String {
    match unit {
        "1" | "" => "1".to_owned(),
        _ if unit.chars().all(char::is_alphabetic) => format!("{unit}^{exponent}"),
        _ => format!("({unit})^{exponent}"),
    }
}

#[cfg(test)]
mod tests {
    use super::power;

    #[test]
    fn powers_of_units() {
        assert_eq!(power("1", 2), "1");
        assert_eq!(power("m", -1), "m^-1");
        assert_eq!(power("k_B T", 2), "(k_B T)^2");
    }
}
