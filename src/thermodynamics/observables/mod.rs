//! Per-trajectory observables, computed on the host in f64 from the columns of a batch.
//!
//! [`langevin`] and [`jump`] turn columns into [`Totals`]; the [`registry`] makes observables of those.

mod exchange;
mod jump;
mod langevin;
mod registry;

pub use exchange::ExchangeLedger;
pub use jump::{JumpLedger, Medium, OwnedStateFunction, Reaction};
pub use langevin::{Ledger, StateFunction, SurpriseEnds, SurpriseMoves};
pub use registry::{OBSERVABLES, Observable, Scope, TILTS, Unit};

/// A bath: one temperature, and the coordinates it acts on.
#[derive(Clone, Debug, PartialEq)]
pub struct Bath {
    /// Its name.
    pub name: String,
    /// Its coordinates, by number.
    pub coordinates: Vec<usize>,
}

/// An observable that this run has.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// Full name.
    pub name: String,
    /// Unit.
    pub unit: Unit,
    /// What it is, in a line.
    pub long_name: &'static str,
}

/// What keeps the books of an ensemble: turns columns into observables.
pub trait Accounts: Send + Sync {
    /// Observables of this run and their values `[trajectory]`, in registry order; `columns[column][trajectory]` in the order of the plan.
    fn evaluate(&self, columns: &[Vec<f64>]) -> Vec<(Named, Vec<f64>)>;

    /// Number of columns.
    fn columns(&self) -> usize;

    /// The observables of this run, in registry order.
    fn observables(&self) -> Vec<Named> {
        let nothing = vec![Vec::new(); self.columns()];
        self.evaluate(&nothing).into_iter().map(|(named, _)| named).collect()
    }

    /// Values `[observable][trajectory]`, in the order of [`Accounts::observables`].
    fn compute(&self, columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
        self.evaluate(columns).into_iter().map(|(_, values)| values).collect()
    }
}

/// Names of what comes more than once.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Baths, where there are several.
    pub baths: Vec<String>,
    /// Coordinates of Langevin dynamics.
    pub coordinates: Vec<String>,
    /// Planes of two coordinates whose circulation is known.
    pub planes: Vec<String>,
    /// Reactions or edges, both directions taken together.
    pub reactions: Vec<String>,
    /// Fundamental cycles.
    pub cycles: Vec<String>,
    /// States of a network.
    pub states: Vec<String>,
    /// Species.
    pub species: Vec<String>,
    /// Cells of a rod.
    pub cells: Vec<String>,
    /// Its bonds.
    pub bonds: Vec<String>,
    /// Pairs of its cells.
    pub pairs: Vec<String>,
}

/// The quantities that observables are made of; `None` where columns, densities or a common temperature are missing.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    work: Option<Vec<f64>>,
    heat: Option<Vec<f64>>,
    bath_heat: Vec<Option<Vec<f64>>>,
    energy_change: Option<Vec<f64>>,
    medium: Option<Vec<f64>>,
    medium_path: Option<Vec<f64>>,
    system: Option<Vec<f64>>,
    displacement: Vec<Option<Vec<f64>>>,
    circulation: Vec<Option<Vec<f64>>>,
    heat_path: Option<Vec<f64>>,
    kinetic_energy: Option<Vec<f64>>,
    kinetic_temperature: Vec<Option<Vec<f64>>>,
    end_velocity: Vec<Option<Vec<f64>>>,
    end_position: Vec<Option<Vec<f64>>>,
    cosine: Vec<Option<Vec<f64>>>,
    sine: Vec<Option<Vec<f64>>>,
    single_temperature: Option<f64>,
    excess: Option<Vec<f64>>,
    housekeeping: Option<Vec<f64>>,
    housekeeping_path: Option<Vec<f64>>,
    hatano_sasa: Option<Vec<f64>>,
    infimum: Option<Vec<f64>>,
    so_far: Option<Vec<f64>>,
    activity: Option<Vec<f64>>,
    forward: Vec<Option<Vec<f64>>>,
    backward: Vec<Option<Vec<f64>>>,
    cycles: Vec<Option<Vec<f64>>>,
    occupancy: Vec<Option<Vec<f64>>>,
    counts: Vec<Option<Vec<f64>>>,
    averages: Vec<Option<Vec<f64>>>,
    conservation: Option<Vec<f64>>,
    energy: Option<Vec<f64>>,
    energies: Vec<Option<Vec<f64>>>,
    energy_averages: Vec<Option<Vec<f64>>>,
    flux: Option<Vec<f64>>,
    bond_flux: Vec<Option<Vec<f64>>>,
    products: Vec<Option<Vec<f64>>>,
    energy_residual: Option<Vec<f64>>,
    /// True in a steady state, where the symmetry of the total entropy holds at any time.
    symmetric: bool,
}

impl Totals {
    /// Everything in the registry that these totals define.
    fn observables(&self, names: &Names) -> Vec<(Named, Vec<f64>)> {
        let mut all = Vec::new();
        let tilts: Vec<String> = TILTS.iter().map(|tilt| (*tilt).to_owned()).collect();
        let once = [String::new()];
        for observable in OBSERVABLES {
            let endings: &[String] = match observable.scope {
                Scope::Run => &once,
                Scope::Bath => &names.baths,
                Scope::Coordinate => &names.coordinates,
                Scope::Plane => &names.planes,
                Scope::Reaction => &names.reactions,
                Scope::Cycle => &names.cycles,
                Scope::State => &names.states,
                Scope::Species => &names.species,
                Scope::Cell => &names.cells,
                Scope::Bond => &names.bonds,
                Scope::Pair => &names.pairs,
                Scope::Tilt => &tilts,
            };
            for (number, ending) in endings.iter().enumerate() {
                if let Some(values) = (observable.values)(self, number) {
                    let name = if ending.is_empty() { observable.name.to_string() } else { format!("{}.{ending}", observable.name) };
                    all.push((Named { name, unit: observable.unit, long_name: observable.long_name }, values));
                }
            }
        }
        all
    }
}

/// Element by element, where both are there.
fn combine(left: &Option<Vec<f64>>, right: &Option<Vec<f64>>, function: impl Fn(f64, f64) -> f64) -> Option<Vec<f64>> {
    let (left, right) = (left.as_ref()?, right.as_ref()?);
    Some(left.iter().zip(right).map(|(a, b)| function(*a, *b)).collect())
}
