//! From an outcome to the record that is written.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::backend::gpu;
use crate::experiment::Model;
use crate::output::{
    CurrentProfile, DensityProfile, Distribution, GeneratingFunction, Network, PlaneProfile, Record, Reversed, Run, Series, SeriesObservable, TrajectoryColumn,
};
use crate::plan::{Column, JumpColumn};
use crate::simulation::{Circuit, Outcome, Simulation};
use crate::statistics::{Field, Histogram, Measured, Plane};
use crate::thermodynamics::observables::Unit;

/// Bins of a written histogram.
const BINS: usize = 200;
/// Tilts of a written generating function, `-0.2, -0.15 … 1.2` in twentieths.
const TILTS: std::ops::RangeInclusive<i32> = -4..=24;
/// Largest share of one trajectory in an average that still counts as sampled.
const LARGEST_SHARE: f64 = 0.01;
/// Scalars that are compared with those of the reversed run, and the theorems that do so.
const COMPARED: [(&str, &[&str]); 2] = [("work", &["crooks", "jarzynski"]), ("entropy_total", &["detailed_total"])];

/// Everything the file holds.
pub(super) fn of(simulation: &Simulation, outcome: &Outcome) -> Record {
    Record {
        run: about(simulation, outcome),
        experiment: simulation.experiment().text.clone(),
        wgsl: if outcome.conditions.description.backend == "gpu" {
            gpu::shader(simulation.plan(), gpu::ShaderOptions::default()).unwrap_or_default()
        } else {
            String::new()
        },
        estimates: outcome.estimates.clone(),
        theorems: outcome.theorems.clone(),
        warnings: [simulation.warnings.as_slice(), outcome.warnings.as_slice(), interruption(simulation, outcome).as_slice()].concat(),
        time_unit: "time".to_owned(),
        series: Some(series(simulation, outcome)),
        densities: outcome.fields.iter().enumerate().map(|(i, field)| density(simulation, outcome, i, field)).collect(),
        currents: outcome.fields.iter().enumerate().filter(|_| !simulation.is_jump()).map(|(i, field)| current(simulation, outcome, i, field)).collect(),
        plane: outcome.plane.as_ref().map(|measured| plane(simulation, measured)),
        network: simulation.circuit().map(|circuit| network(circuit, outcome)),
        distributions: distributions(simulation, outcome),
        generating_function: generating_function(simulation, outcome),
        trajectories: trajectories(outcome),
    }
}

/// How far a run came that was stopped: the file says so, whatever becomes of the terminal.
pub(super) fn interruption(simulation: &Simulation, outcome: &Outcome) -> Option<String> {
    outcome.conditions.stopped.then(|| format!("interrupted after {} of {} trajectories", outcome.trajectories, simulation.plan().ensemble))
}

fn about(simulation: &Simulation, outcome: &Outcome) -> Run {
    let (plan, conditions) = (simulation.plan(), &outcome.conditions);
    let catalogued = crate::experiment::catalog().into_iter().find(|model| model.name == simulation.experiment().name);
    Run {
        program: format!("ness {}", env!("CARGO_PKG_VERSION")),
        title: plan.title.clone(),
        source: catalogued.map(|model| model.source).unwrap_or_default(),
        command: std::env::args().collect::<Vec<_>>().join(" "),
        seed: plan.seed,
        fingerprint: plan.fingerprint(),
        backend: conditions.description.backend.clone(),
        device: conditions.description.device.clone(),
        driver: conditions.description.driver.clone(),
        profile: conditions.description.profile.clone(),
        precision: if conditions.description.profile.contains("f64") { "f64" } else { "f32" }.to_owned(),
        wall_seconds: conditions.seconds,
        rate: conditions.steps as f64 / conditions.seconds.max(f64::MIN_POSITIVE),
        trajectories: outcome.trajectories + outcome.nonfinite,
        steps: if simulation.is_jump() { conditions.steps.div_ceil(outcome.trajectories.max(1)) } else { plan.schedule.steps },
        work_unit: simulation.work_unit().to_owned(),
        dt: plan.schedule.dt,
        nonfinite: outcome.nonfinite,
        created_unix: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs()),
    }
}

fn times(simulation: &Simulation) -> Vec<f64> {
    let schedule = simulation.plan().schedule;
    (0..schedule.saves() as u64).map(|save| schedule.time(save * schedule.save_every)).collect()
}

fn series(simulation: &Simulation, outcome: &Outcome) -> Series {
    let plan = simulation.plan();
    let name = |i: u16| &plan.coordinates[usize::from(i)].name;
    let single = plan.coordinates.len() == 1;
    let (jumps, rod) = (simulation.is_jump(), simulation.is_rod());
    let described = |column: &Column| match column {
        Column::Initial(i) => (format!("initial.{}", name(*i)), "coordinate at the start".to_owned(), "length"),
        Column::Position(i) if rod => (format!("energy.{}", name(*i)), "energy of a cell".to_owned(), "kT"),
        Column::Position(i) if jumps => (format!("mean.{}", name(*i)), "copy number".to_owned(), "1"),
        Column::Position(i) if plan.is_velocity(*i) => (format!("position.{}", name(*i)), "velocity of a coordinate".to_owned(), "length/time"),
        Column::Position(i) => (format!("position.{}", name(*i)), "coordinate, turns of a periodic one included".to_owned(), "length"),
        Column::Winding(i) => (format!("winding.{}", name(*i)), "turns of a periodic coordinate".to_owned(), "1"),
        Column::Work => ("work".to_owned(), "work done on the system so far".to_owned(), "kT"),
        Column::Heat(_) if single => ("heat".to_owned(), "heat given to the bath so far".to_owned(), "kT"),
        Column::Heat(i) => (format!("heat.{}", name(*i)), "heat given so far to the bath of a coordinate".to_owned(), "kT"),
        Column::EntropyMedium => ("entropy_medium".to_owned(), "entropy given to the medium so far".to_owned(), "nat"),
        Column::EntropyPath => ("entropy_medium_path".to_owned(), "medium entropy so far, path ledger".to_owned(), "nat"),
        Column::EntropySoFar => ("entropy_total".to_owned(), "total entropy production of a steady state so far".to_owned(), "nat"),
        Column::Infimum => ("entropy_infimum".to_owned(), "lowest total entropy production so far".to_owned(), "nat"),
        Column::Circulation(i, j) => (format!("area.{}.{}", name(*i), name(*j)), "area enclosed so far in the plane of two coordinates".to_owned(), "length^2"),
        Column::HeatPath => ("heat_path".to_owned(), "heat given to all baths so far, path ledger".to_owned(), "kT"),
        Column::Surprise => ("hatano_sasa".to_owned(), "change of -ln p_ss by the protocol so far".to_owned(), "nat"),
        Column::Jump(JumpColumn::Derived(k)) => {
            let name = simulation.derived().get(usize::from(*k)).cloned().unwrap_or_default();
            (format!("mean.{name}"), "derived quantity".to_owned(), "1")
        }
        Column::Jump(column) => (format!("{column:?}").to_lowercase(), "sum of a jump process so far".to_owned(), "1"),
    };
    let observables = plan.series.iter().enumerate().map(|(observable, column)| {
        let (name, long_name, unit) = described(column);
        let moments: Vec<_> = (0..outcome.series.saves()).map(|save| outcome.series.moments(save, observable)).collect();
        SeriesObservable {
            exact: outcome.exact_means.get(&name).cloned(),
            name,
            long_name,
            unit: unit.to_owned(),
            mean: moments.iter().map(|m| m.mean).collect(),
            standard_error: moments.iter().map(|m| m.measured_mean().standard_error).collect(),
            variance: moments.iter().map(|m| m.variance()).collect(),
        }
    });
    let observables = observables.chain(energy_change(simulation, outcome)).chain(entropy_rates(outcome));
    Series { times: times(simulation), observables: observables.collect() }
}

/// Mean rates of entropy in a network: what its states pay per time, weighted by how many trajectories are in each.
fn entropy_rates(outcome: &Outcome) -> Vec<SeriesObservable> {
    let Some(field) = outcome.fields.iter().next() else { return Vec::new() };
    let bins = field.layout().bins;
    let exact = outcome.exact_densities.first().and_then(Option::as_ref);
    let weighted = |rates: &[f64], weights: &[f64]| rates.iter().zip(weights).map(|(rate, weight)| rate * weight).sum::<f64>();
    let one = |(name, rows): &(String, Vec<Vec<f64>>)| {
        let moments = rows.iter().enumerate().map(|(save, rates)| {
            let counts = &field.counts(save)[1..=bins];
            let all = counts.iter().sum::<u64>() as f64;
            let shares: Vec<f64> = counts.iter().map(|count| *count as f64 / all).collect();
            let squares: Vec<f64> = rates.iter().map(|rate| rate * rate).collect();
            let mean = weighted(rates, &shares);
            (mean, (weighted(&squares, &shares) - mean * mean).max(0.0), all)
        });
        let moments: Vec<(f64, f64, f64)> = moments.collect();
        SeriesObservable {
            name: name.clone(),
            long_name: "entropy per time that the states of the moment pay on average".to_owned(),
            unit: "nat/time".to_owned(),
            exact: exact.map(|laws| rows.iter().zip(laws).map(|(rates, law)| weighted(rates, law)).collect()),
            mean: moments.iter().map(|(mean, ..)| *mean).collect(),
            standard_error: moments.iter().map(|(_, variance, all)| (variance / all).sqrt()).collect(),
            variance: moments.iter().map(|(_, variance, _)| *variance).collect(),
        }
    };
    outcome.state_rates.iter().filter(|(_, rows)| rows.iter().all(|rates| rates.len() == bins)).map(one).collect()
}

/// What the energy has gained so far by the first law: work less all heats.
fn energy_change(simulation: &Simulation, outcome: &Outcome) -> Option<SeriesObservable> {
    let sum: Vec<(usize, f64)> = simulation.plan().series.iter().enumerate().filter_map(|(k, column)| Some((k, first_law(column)?))).collect();
    if sum.len() < 2 {
        return None;
    }
    let measured: Vec<Measured> = (0..outcome.series.saves()).map(|save| outcome.series.mean_of_sum(save, &sum)).collect();
    if measured.iter().any(|m| !m.standard_error.is_finite()) {
        return None;
    }
    let heats: Vec<&Vec<f64>> = outcome.exact_means.iter().filter(|(name, _)| *name == "heat" || name.starts_with("heat.")).map(|(_, heat)| heat).collect();
    let known = outcome.exact_means.get("work").filter(|_| heats.len() + 1 == sum.len());
    let (mean, standard_error) = split(measured);
    Some(SeriesObservable {
        name: "energy_change".to_owned(),
        long_name: "work less all heats so far".to_owned(),
        unit: "kT".to_owned(),
        // Of one trajectory, as the scatter over blocks shows it.
        variance: standard_error.iter().map(|error| error * error * outcome.trajectories as f64).collect(),
        exact: known.map(|work| work.iter().enumerate().map(|(save, work)| work - heats.iter().map(|heat| heat[save]).sum::<f64>()).collect()),
        mean,
        standard_error,
    })
}

/// The factor of a path sum in the energy change.
fn first_law(column: &Column) -> Option<f64> {
    match column {
        Column::Work => Some(1.0),
        Column::Heat(_) => Some(-1.0),
        _ => None,
    }
}

fn split(measured: Vec<Measured>) -> (Vec<f64>, Vec<f64>) {
    measured.into_iter().map(|m| (m.value, m.standard_error)).unzip()
}

fn coordinate_name(simulation: &Simulation, field: usize) -> String {
    let plan = simulation.plan();
    let name = &plan.coordinates[usize::from(plan.fields[field].coordinate)].name;
    if simulation.is_rod() { format!("energy.{name}") } else { name.clone() }
}

/// What the coordinate of a field of Langevin dynamics is measured in.
fn place_unit(simulation: &Simulation, field: usize) -> &'static str {
    let plan = simulation.plan();
    if plan.is_velocity(plan.fields[field].coordinate) { "length/time" } else { "length" }
}

fn density(simulation: &Simulation, outcome: &Outcome, index: usize, field: &Field) -> DensityProfile {
    let (saves, bins) = (outcome.series.saves(), field.layout().bins);
    let exact = outcome.exact_densities.get(index).and_then(Option::as_ref);
    let (mean, mean_standard_error) = split(field.density());
    let (density, standard_error) = split((0..saves).flat_map(|save| field.density_at(save)).collect());
    DensityProfile {
        coordinate: coordinate_name(simulation, index),
        unit: if simulation.is_rod() {
            "kT"
        } else if simulation.is_jump() {
            "1"
        } else {
            place_unit(simulation, index)
        }
        .to_owned(),
        times: times(simulation),
        centres: field.layout().centres(),
        states: states(simulation, bins),
        counts: (0..saves).flat_map(|save| field.counts(save)[1..=bins].to_vec()).collect(),
        below: (0..saves).map(|save| field.counts(save)[0]).collect(),
        above: (0..saves).map(|save| field.counts(save)[bins + 1]).collect(),
        density,
        standard_error,
        mean,
        mean_standard_error,
        exact: exact.map(|rows| (0..bins).map(|bin| rows.iter().map(|row| row[bin]).sum::<f64>() / rows.len() as f64).collect()),
        exact_in_time: exact.map(|rows| rows.concat()),
    }
}

/// Names of the states of a network of so many.
fn states(simulation: &Simulation, count: usize) -> Vec<String> {
    match &simulation.experiment().model {
        Model::Jump(model) => model.states.clone().filter(|states| states.len() == count).unwrap_or_default(),
        Model::Overdamped(_) | Model::Exchange(_) => Vec::new(),
    }
}

fn current(simulation: &Simulation, outcome: &Outcome, index: usize, field: &Field) -> CurrentProfile {
    let schedule = simulation.plan().schedule;
    let (current, standard_error) = split(field.current(schedule.steps as f64 * schedule.dt));
    let faces = field.layout().edges();
    CurrentProfile {
        coordinate: coordinate_name(simulation, index),
        unit: place_unit(simulation, index).to_owned(),
        exact: outcome.exact_currents.get(index).cloned().flatten(),
        faces,
        current,
        standard_error,
    }
}

fn plane(simulation: &Simulation, measured: &Plane) -> PlaneProfile {
    let axes = simulation.plan().plane.iter().flat_map(|grid| &grid.axes);
    let mut names = axes.map(|axis| simulation.plan().coordinates[usize::from(axis.coordinate)].name.clone());
    let (density, density_error) = split(measured.density());
    let (current, current_error) = split([measured.current(0), measured.current(1)].concat());
    let exact = simulation.exact_plane();
    PlaneProfile {
        coordinates: [names.next().unwrap_or_default(), names.next().unwrap_or_default()],
        unit: "length".to_owned(),
        centres: [0, 1].map(|k| measured.layout().axes[k].centres()),
        density,
        density_error,
        density_exact: exact.map(|cells| cells.density.clone()),
        current,
        current_error,
        current_exact: exact.map(|cells| cells.current.concat()),
    }
}

fn network(circuit: &Circuit, outcome: &Outcome) -> Network {
    let flows = circuit.flows(&outcome.scalars, &outcome.tallies);
    let of = |kind: &str| split(flows.iter().filter(|flow| flow.kind == kind).map(|flow| flow.measured).collect());
    let names = |kind: &str| flows.iter().filter(|flow| flow.kind == kind).map(|flow| flow.name.clone()).collect();
    let ((flux, flux_error), (traffic, traffic_error), (occupancy, occupancy_error)) = (of("flux"), of("traffic"), of("occupancy"));
    let (cycles, affinity) = circuit.cycles.iter().map(|cycle| (cycle.name.clone(), cycle.affinity)).unzip();
    Network { edges: names("flux"), flux, flux_error, traffic, traffic_error, cycles, affinity, states: names("occupancy"), occupancy, occupancy_error }
}

fn distributions(simulation: &Simulation, outcome: &Outcome) -> Vec<Distribution> {
    let unit = |unit: Unit| match unit {
        Unit::Energy => "kT",
        Unit::Entropy => "nat",
        Unit::Length => "length",
        Unit::Number => "1",
        Unit::Rate => "1/time",
        Unit::Power => "kT/time",
        Unit::EnergySquared => "kT^2",
        Unit::AreaRate => "length^2/time",
        Unit::Velocity => "length/time",
    };
    let one = |(named, scalar): (&crate::thermodynamics::observables::Named, crate::statistics::Scalar<'_>)| {
        let reversed = reversed(simulation, outcome, &named.name);
        let mut frame = scalar.histogram().clone();
        reversed.iter().for_each(|reversed| frame.merge(reversed));
        let frame = frame.coarsened(BINS);
        let counts = scalar.histogram().counts_in(&frame);
        let (lower, width) = (frame.lower(), frame.width());
        let total = scalar.histogram().total() as f64;
        Distribution {
            name: named.name.clone(),
            long_name: named.long_name.to_owned(),
            unit: unit(named.unit).to_owned(),
            centres: (0..counts.len()).map(|bin| lower + (bin as f64 + 0.5) * width).collect(),
            density: counts.iter().map(|&count| count as f64 / (total * width)).collect(),
            reversed: reversed.map(|reversed| Reversed { counts: reversed.counts_in(&frame), scale: scale(simulation, named.unit) }),
            counts,
            underflow: 0,
            overflow: 0,
        }
    };
    outcome.observables.iter().zip(outcome.scalars.iter()).map(one).collect()
}

/// The histogram of minus a scalar in the reversed run, where a theorem compares both.
fn reversed(simulation: &Simulation, outcome: &Outcome, name: &str) -> Option<Histogram> {
    let (_, theorems) = COMPARED.iter().find(|(scalar, _)| name == *scalar || name.strip_suffix("_path") == Some(scalar))?;
    let asked = &simulation.experiment().measure.theorems;
    let compared = theorems.iter().any(|theorem| asked.iter().any(|asked| asked == theorem));
    Some(outcome.reverse.as_ref().filter(|_| compared)?.get(name)?.histogram().mirrored())
}

/// What a work or an entropy is divided by in a logarithm of probabilities.
fn scale(simulation: &Simulation, unit: Unit) -> f64 {
    if unit == Unit::Energy { simulation.temperature().unwrap_or(f64::NAN) } else { 1.0 }
}

/// `ln⟨exp(−α Δs_tot)⟩/t` from the whole histogram, where the symmetry of it is tried.
fn generating_function(simulation: &Simulation, outcome: &Outcome) -> Option<GeneratingFunction> {
    let experiment = simulation.experiment();
    if !experiment.measure.theorems.iter().any(|theorem| theorem == "gallavotti_cohen") {
        return None;
    }
    let histogram = outcome.scalars.get("entropy_total")?.histogram();
    let (total, duration) = (histogram.total() as f64, experiment.protocol.duration);
    let alphas: Vec<f64> = TILTS.map(|twentieth| f64::from(twentieth) / 20.0).collect();
    let at = |alpha: &f64| {
        let weights: Vec<(f64, f64)> = histogram.occupied().map(|(s, count)| ((-alpha * s).exp(), count)).collect();
        let (first, second) = weights.iter().fold((0.0, 0.0), |(first, second), (weight, count)| (first + weight * count, second + weight * weight * count));
        let largest = weights.iter().map(|(weight, _)| *weight).fold(0.0, f64::max);
        // Written so that NaN counts as unsampled.
        if !(largest <= LARGEST_SHARE * first) {
            return (f64::NAN, f64::NAN);
        }
        ((first / total).ln() / duration, (second / (first * first) - 1.0 / total).max(0.0).sqrt() / duration)
    };
    let (values, error) = alphas.iter().map(at).unzip();
    let known: Vec<(f64, f64)> = simulation.exact_values().filter_map(|(name, value, _)| Some((name.strip_prefix("scgf.")?.parse().ok()?, value))).collect();
    let exact = alphas.iter().map(|alpha| known.iter().find(|(known, _)| (known - alpha).abs() < 1e-9).map_or(f64::NAN, |(_, theta)| *theta)).collect();
    Some(GeneratingFunction { alphas, values, error, exact })
}

fn trajectories(outcome: &Outcome) -> Vec<TrajectoryColumn> {
    let one = |(name, values): &(String, Vec<f64>)| {
        let named = outcome.observables.iter().find(|named| named.name == *name);
        let unit = match named.map(|named| named.unit) {
            Some(Unit::Energy) => "kT",
            Some(Unit::Entropy) => "nat",
            Some(Unit::Number) => "1",
            Some(Unit::Rate) => "1/time",
            Some(Unit::Power) => "kT/time",
            Some(Unit::EnergySquared) => "kT^2",
            Some(Unit::AreaRate) => "length^2/time",
            Some(Unit::Velocity) => "length/time",
            _ if name.starts_with("winding") => "1",
            _ => "length",
        };
        let long_name = named.map_or_else(|| name.replace('.', " of "), |named| named.long_name.to_owned());
        TrajectoryColumn { name: name.clone(), long_name, unit: unit.to_owned(), values: values.clone() }
    };
    outcome.kept.iter().map(one).collect()
}
