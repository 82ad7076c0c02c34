//! From an outcome to the record that is written.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::backend::gpu;
use crate::output::{CurrentProfile, DensityProfile, Distribution, Network, PlaneProfile, Record, Run, Series, SeriesObservable, TrajectoryColumn};
use crate::plan::{Column, JumpColumn};
use crate::simulation::{Circuit, Outcome, Simulation};
use crate::statistics::{Field, Measured, Plane};
use crate::thermodynamics::observables::Unit;

/// Bins of a written histogram.
const BINS: usize = 200;

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
        warnings: [simulation.warnings.as_slice(), outcome.warnings.as_slice()].concat(),
        time_unit: "time".to_owned(),
        series: Some(series(simulation, outcome)),
        densities: outcome.fields.iter().enumerate().map(|(i, field)| density(simulation, outcome, i, field)).collect(),
        currents: outcome.fields.iter().enumerate().filter(|_| !simulation.is_jump()).map(|(i, field)| current(simulation, outcome, i, field)).collect(),
        plane: outcome.plane.as_ref().map(|measured| plane(simulation, measured)),
        network: simulation.circuit().map(|circuit| network(circuit, outcome)),
        distributions: distributions(outcome),
        trajectories: trajectories(outcome),
    }
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
            name,
            long_name,
            unit: unit.to_owned(),
            mean: moments.iter().map(|m| m.mean).collect(),
            standard_error: moments.iter().map(|m| m.measured_mean().standard_error).collect(),
            variance: moments.iter().map(|m| m.variance()).collect(),
        }
    });
    Series { times: times(simulation), observables: observables.collect() }
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
        counts: (0..saves).flat_map(|save| field.counts(save)[1..=bins].to_vec()).collect(),
        below: (0..saves).map(|save| field.counts(save)[0]).collect(),
        above: (0..saves).map(|save| field.counts(save)[bins + 1]).collect(),
        density,
        standard_error,
        mean,
        mean_standard_error,
        exact: outcome.exact_density.clone().filter(|_| index == 0),
    }
}

fn current(simulation: &Simulation, outcome: &Outcome, index: usize, field: &Field) -> CurrentProfile {
    let schedule = simulation.plan().schedule;
    let (current, standard_error) = split(field.current(schedule.steps as f64 * schedule.dt));
    let faces = field.layout().edges();
    CurrentProfile {
        coordinate: coordinate_name(simulation, index),
        unit: place_unit(simulation, index).to_owned(),
        exact: outcome.exact_current.filter(|_| index == 0).map(|j| vec![j; faces.len()]),
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

fn distributions(outcome: &Outcome) -> Vec<Distribution> {
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
        let histogram = scalar.histogram().coarsened(BINS);
        let (lower, width) = (histogram.lower(), histogram.width());
        let total = histogram.total() as f64;
        Distribution {
            name: named.name.clone(),
            long_name: named.long_name.to_owned(),
            unit: unit(named.unit).to_owned(),
            centres: (0..histogram.counts().len()).map(|bin| lower + (bin as f64 + 0.5) * width).collect(),
            counts: histogram.counts().to_vec(),
            density: histogram.counts().iter().map(|&count| count as f64 / (total * width)).collect(),
            underflow: 0,
            overflow: 0,
        }
    };
    outcome.observables.iter().zip(outcome.scalars.iter()).map(one).collect()
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
