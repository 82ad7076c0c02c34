//! The registry: every observable there is, its unit, and what it is of the totals.

use super::{Totals, combine};

/// What an observable is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Energy.
    Energy,
    /// Entropy, in nats.
    Entropy,
    /// Whatever the coordinates are measured in.
    Length,
    /// None.
    Number,
    /// 1/time.
    Rate,
    /// Energy per time.
    Power,
    /// Energy squared.
    EnergySquared,
    /// Area of a plane of two coordinates per time.
    AreaRate,
    /// Length over time.
    Velocity,
}

/// How many times an observable exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Once.
    Run,
    /// Once a bath, where there are several; the name ends in the name of the bath.
    Bath,
    /// Once a coordinate; the name ends in the name of the coordinate.
    Coordinate,
    /// Once a plane of two coordinates; the name ends in both names.
    Plane,
    /// Once a reaction or an edge, both directions taken together.
    Reaction,
    /// Once a fundamental cycle.
    Cycle,
    /// Once a state of a network.
    State,
    /// Once a species.
    Species,
    /// Once a cell of a rod.
    Cell,
    /// Once a bond of a rod.
    Bond,
    /// Once a pair of cells of a rod.
    Pair,
    /// Once each of [`TILTS`].
    Tilt,
}

/// The tilts at which the symmetry of Gallavotti and Cohen is tried.
pub const TILTS: [&str; 3] = ["0.1", "0.25", "0.4"];

/// An entry of the registry.
pub struct Observable {
    /// Name, or what comes before the name of the bath, coordinate, ….
    pub name: &'static str,
    /// Unit.
    pub unit: Unit,
    /// What it is, in a line.
    pub long_name: &'static str,
    /// How many times it exists.
    pub scope: Scope,
    /// Values of all trajectories; the number is that of the bath, coordinate, …. `None` where the run does not define it.
    pub(super) values: fn(&Totals, usize) -> Option<Vec<f64>>,
}

/// Every observable, in the order of the output.
pub static OBSERVABLES: &[Observable] = &[
    Observable {
        name: "work",
        unit: Unit::Energy,
        long_name: "work done on the system by protocol and drives",
        scope: Scope::Run,
        values: |t, _| t.work.clone(),
    },
    Observable { name: "heat", unit: Unit::Energy, long_name: "heat given to all baths", scope: Scope::Run, values: |t, _| t.heat.clone() },
    Observable { name: "heat", unit: Unit::Energy, long_name: "heat given to one bath", scope: Scope::Bath, values: |t, bath| t.bath_heat.get(bath)?.clone() },
    Observable {
        name: "energy_change",
        unit: Unit::Energy,
        long_name: "change of the energy, of underdamped dynamics with its kinetic part",
        scope: Scope::Run,
        values: |t, _| t.energy_change.clone(),
    },
    Observable {
        name: "first_law_residual",
        unit: Unit::Energy,
        long_name: "energy change − work + heat, 0 but for the time step",
        scope: Scope::Run,
        values: |t, _| combine(&combine(&t.energy_change, &t.work, |e, w| e - w), &t.heat, |d, q| d + q),
    },
    Observable {
        name: "entropy_medium",
        unit: Unit::Entropy,
        long_name: "entropy given to the baths, heat over temperature, and with multiplicative noise -a d ln D (physical ledger)",
        scope: Scope::Run,
        values: |t, _| t.medium.clone(),
    },
    Observable {
        name: "entropy_medium_path",
        unit: Unit::Entropy,
        long_name: "entropy given to the baths, log-ratio of the discrete steps (path ledger)",
        scope: Scope::Run,
        values: |t, _| t.medium_path.clone(),
    },
    Observable {
        name: "time_step_error",
        unit: Unit::Entropy,
        long_name: "physical minus path ledger of the medium entropy",
        scope: Scope::Run,
        values: |t, _| combine(&t.medium, &t.medium_path, |a, b| a - b),
    },
    Observable {
        name: "entropy_system",
        unit: Unit::Entropy,
        long_name: "change of −ln p along the trajectory",
        scope: Scope::Run,
        values: |t, _| t.system.clone(),
    },
    Observable {
        name: "entropy_total",
        unit: Unit::Entropy,
        long_name: "medium plus system entropy (physical ledger)",
        scope: Scope::Run,
        values: |t, _| combine(&t.medium, &t.system, |a, b| a + b),
    },
    Observable {
        name: "entropy_total_path",
        unit: Unit::Entropy,
        long_name: "medium plus system entropy (path ledger)",
        scope: Scope::Run,
        values: |t, _| combine(&t.medium_path, &t.system, |a, b| a + b),
    },
    Observable {
        name: "work_path",
        unit: Unit::Energy,
        long_name: "energy change + temperature × path entropy: the work for which Jarzynski and Crooks are exact at any time step",
        scope: Scope::Run,
        values: |t, _| {
            let temperature = t.single_temperature?;
            combine(&t.energy_change, &t.medium_path, |e, s| e + temperature * s)
        },
    },
    Observable {
        name: "heat_path",
        unit: Unit::Energy,
        long_name: "heat given to all baths by the bath parts of a splitting: minus the change of kinetic energy in them",
        scope: Scope::Run,
        values: |t, _| t.heat_path.clone(),
    },
    Observable {
        name: "shadow_work",
        unit: Unit::Energy,
        long_name: "energy change of the deterministic parts of a splitting minus work, 0 but for the time step",
        scope: Scope::Run,
        values: |t, _| combine(&combine(&t.energy_change, &t.work, |e, w| e - w), &t.heat_path, |d, q| d + q),
    },
    Observable {
        name: "kinetic_energy",
        unit: Unit::Energy,
        long_name: "kinetic energy at the end",
        scope: Scope::Run,
        values: |t, _| t.kinetic_energy.clone(),
    },
    Observable {
        name: "kinetic_temperature",
        unit: Unit::Energy,
        long_name: "m v^2 at the end: in equilibrium the temperature",
        scope: Scope::Coordinate,
        values: |t, coordinate| t.kinetic_temperature.get(coordinate)?.clone(),
    },
    Observable {
        name: "end_velocity",
        unit: Unit::Velocity,
        long_name: "velocity at the end",
        scope: Scope::Coordinate,
        values: |t, coordinate| t.end_velocity.get(coordinate)?.clone(),
    },
    Observable {
        name: "end_position",
        unit: Unit::Length,
        long_name: "position at the end; of a periodic coordinate, only with inertia, within its period",
        scope: Scope::Coordinate,
        values: |t, coordinate| t.end_position.get(coordinate)?.clone(),
    },
    Observable {
        name: "cosine",
        unit: Unit::Number,
        long_name: "cosine of the phase of a periodic coordinate at the end, 2 pi over its period",
        scope: Scope::Coordinate,
        values: |t, coordinate| t.cosine.get(coordinate)?.clone(),
    },
    Observable {
        name: "sine",
        unit: Unit::Number,
        long_name: "sine of the phase of a periodic coordinate at the end, 2 pi over its period",
        scope: Scope::Coordinate,
        values: |t, coordinate| t.sine.get(coordinate)?.clone(),
    },
    Observable {
        name: "displacement",
        unit: Unit::Length,
        long_name: "distance covered, turns of a periodic coordinate included",
        scope: Scope::Coordinate,
        values: |t, coordinate| t.displacement.get(coordinate)?.clone(),
    },
    Observable {
        name: "circulation",
        unit: Unit::AreaRate,
        long_name: "area enclosed in the plane of two coordinates per time, from the first to the second: ½∮(x∘dy − y∘dx)",
        scope: Scope::Plane,
        values: |t, plane| t.circulation.get(plane)?.clone(),
    },
    Observable {
        name: "entropy_housekeeping",
        unit: Unit::Entropy,
        long_name: "what it costs to keep the steady state of the moment up",
        scope: Scope::Run,
        values: |t, _| t.housekeeping.clone(),
    },
    Observable {
        name: "entropy_housekeeping_path",
        unit: Unit::Entropy,
        long_name: "the same on the path ledger of the medium entropy",
        scope: Scope::Run,
        values: |t, _| t.housekeeping_path.clone(),
    },
    Observable {
        name: "entropy_excess",
        unit: Unit::Entropy,
        long_name: "medium entropy beyond the housekeeping: what the motion does to ln p_ss",
        scope: Scope::Run,
        values: |t, _| t.excess.clone(),
    },
    Observable {
        name: "entropy_nonadiabatic",
        unit: Unit::Entropy,
        long_name: "system plus excess entropy",
        scope: Scope::Run,
        values: |t, _| combine(&t.system, &t.excess, |a, b| a + b),
    },
    Observable {
        name: "hatano_sasa",
        unit: Unit::Entropy,
        long_name: "Y, the change of -ln p_ss by the protocol at fixed state",
        scope: Scope::Run,
        values: |t, _| t.hatano_sasa.clone(),
    },
    Observable {
        name: "entropy_infimum",
        unit: Unit::Entropy,
        long_name: "lowest total entropy production during the run",
        scope: Scope::Run,
        values: |t, _| t.infimum.clone(),
    },
    Observable {
        name: "entropy_infimum_limit",
        unit: Unit::Entropy,
        long_name: "lowest total entropy production to be expected however long the run goes on: the infimum less exp(-rise since)",
        scope: Scope::Run,
        values: |t, _| combine(&t.infimum, &t.so_far, |lowest, now| lowest - (lowest - now).exp()),
    },
    Observable { name: "activity", unit: Unit::Number, long_name: "number of events", scope: Scope::Run, values: |t, _| t.activity.clone() },
    Observable {
        name: "flux",
        unit: Unit::Rate,
        long_name: "net events per time: forward minus reverse",
        scope: Scope::Reaction,
        values: |t, reaction| combine(&t.forward.get(reaction)?.clone(), &t.backward.get(reaction)?.clone(), |f, b| f - b),
    },
    Observable {
        name: "traffic",
        unit: Unit::Rate,
        long_name: "events per time, forward plus reverse",
        scope: Scope::Reaction,
        values: |t, reaction| combine(&t.forward.get(reaction)?.clone(), &t.backward.get(reaction)?.clone(), |f, b| f + b),
    },
    Observable {
        name: "current",
        unit: Unit::Rate,
        long_name: "net turns of a fundamental cycle per time",
        scope: Scope::Cycle,
        values: |t, cycle| t.cycles.get(cycle)?.clone(),
    },
    Observable {
        name: "occupancy",
        unit: Unit::Number,
        long_name: "share of the time spent in a state",
        scope: Scope::State,
        values: |t, state| t.occupancy.get(state)?.clone(),
    },
    Observable {
        name: "mean",
        unit: Unit::Number,
        long_name: "copy number at the end",
        scope: Scope::Species,
        values: |t, species| t.counts.get(species)?.clone(),
    },
    Observable {
        name: "time_average",
        unit: Unit::Number,
        long_name: "copy number averaged over the run",
        scope: Scope::Species,
        values: |t, species| t.averages.get(species)?.clone(),
    },
    Observable {
        name: "conservation_residual",
        unit: Unit::Number,
        long_name: "largest violation of a conservation law or of counts = start + what the channels did",
        scope: Scope::Run,
        values: |t, _| t.conservation.clone(),
    },
    Observable { name: "energy", unit: Unit::Energy, long_name: "energy at the end", scope: Scope::Run, values: |t, _| t.energy.clone() },
    Observable {
        name: "energy",
        unit: Unit::Energy,
        long_name: "energy of a cell at the end",
        scope: Scope::Cell,
        values: |t, cell| t.energies.get(cell)?.clone(),
    },
    Observable {
        name: "energy_average",
        unit: Unit::Energy,
        long_name: "energy of a cell averaged over the run",
        scope: Scope::Cell,
        values: |t, cell| t.energy_averages.get(cell)?.clone(),
    },
    Observable {
        name: "flux",
        unit: Unit::Power,
        long_name: "energy that crosses the rod per time, from the hot end to the cold one, averaged over its bonds",
        scope: Scope::Run,
        values: |t, _| t.flux.clone(),
    },
    Observable {
        name: "flux",
        unit: Unit::Power,
        long_name: "energy that crosses a bond per time, towards the cold end",
        scope: Scope::Bond,
        values: |t, bond| t.bond_flux.get(bond)?.clone(),
    },
    Observable {
        name: "covariance",
        unit: Unit::EnergySquared,
        long_name: "product of two cells' deviations from their exact mean energies: its mean is their covariance",
        scope: Scope::Pair,
        values: |t, pair| t.products.get(pair)?.clone(),
    },
    Observable {
        name: "energy_residual",
        unit: Unit::Energy,
        long_name: "largest of energy change of a cell − what crossed its bonds, 0 but for rounding",
        scope: Scope::Run,
        values: |t, _| t.energy_residual.clone(),
    },
    Observable {
        name: "symmetry",
        unit: Unit::Number,
        long_name: "exp(-a s) - exp(-(1 - a) s) of the total entropy s: mean 0 in a steady state",
        scope: Scope::Tilt,
        values: |t, tilt| {
            let medium = if t.medium_path.is_some() { &t.medium_path } else { &t.medium };
            let total = combine(medium, &t.system, |a, b| a + b).filter(|_| t.symmetric)?;
            let a: f64 = TILTS.get(tilt)?.parse().ok()?;
            Some(total.iter().map(|s| (-a * s).exp() - (-(1.0 - a) * s).exp()).collect())
        },
    },
];
