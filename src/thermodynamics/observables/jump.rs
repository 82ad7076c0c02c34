//! From the columns of a jump process to totals.

use statrs::function::gamma::ln_gamma;

use super::{Accounts, Named, Names, Totals, combine};
use crate::plan::{Column, JumpColumn};

/// A function of the state at one moment.
pub type OwnedStateFunction = Box<dyn Fn(&[f64]) -> f64 + Send + Sync>;

/// Both directions of a reaction, or of an edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Reaction {
    /// Channel of the forward direction.
    pub forward: usize,
    /// Channel of the reverse direction, where there is one.
    pub backward: Option<usize>,
}

/// How the medium entropy of a trajectory is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Medium {
    /// By counting: `Σ_ρ N_ρ ln(k_ρ/k_−ρ) + Σ_i ln[n_i(0)!/n_i(τ)!]`, mass action; holds `ln(k_ρ/k_−ρ)` of every channel.
    Counted(Vec<f64>),
    /// By sums that the kernel formed: of all channels, and of those of every bath.
    Summed {
        /// All channels.
        all: JumpColumn,
        /// The channels of each bath.
        of_bath: Vec<JumpColumn>,
    },
    /// A channel goes one way only.
    Infinite,
}

/// What turns the columns of a jump process into observables. `d` is the number of coordinates.
pub struct JumpLedger {
    /// Meaning of the columns of a batch.
    pub columns: Vec<Column>,
    /// Names of what comes more than once.
    pub names: Names,
    /// The reactions, in the order of `names.reactions`.
    pub reactions: Vec<Reaction>,
    /// What an event of every channel adds to the counts; for a network, of which states the walker leaves (−1) and enters (+1) one.
    pub changes: Vec<Vec<(u16, i32)>>,
    /// Current of every fundamental cycle: reactions and the weights of their fluxes.
    pub currents: Vec<Vec<(usize, f64)>>,
    /// True for a network: the only coordinate is the index of the state.
    pub is_network: bool,
    /// Measured time.
    pub duration: f64,
    /// Medium entropy.
    pub medium: Medium,
    /// Temperature of every bath, in units of energy.
    pub temperatures: Vec<f64>,
    /// Energy of a state at the initial and at the final protocol value, where declared.
    pub energy: Option<[OwnedStateFunction; 2]>,
    /// What of the energy does not move with the protocol and is in no sum of the kernel: `Σ T_i ln n_i!`, where that is part of it.
    pub mixing: Option<OwnedStateFunction>,
    /// Work done on the system by an event of every channel.
    pub drive: Vec<f64>,
    /// `ln p(n, 0)` and `ln p(n, τ)`, where known.
    pub log_probability: Option<[OwnedStateFunction; 2]>,
    /// `−ln p_ss` at the initial and at the final protocol value, where known.
    pub surprise: Option<[OwnedStateFunction; 2]>,
    /// True when rates move, so that the kernel keeps the sums along the way.
    pub moves: bool,
    /// True when counts change only by events.
    pub undisturbed: bool,
    /// True in a steady state.
    pub steady: bool,
}

/// Columns by meaning.
struct Columns<'a> {
    ledger: &'a JumpLedger,
    values: &'a [Vec<f64>],
}

impl<'a> Columns<'a> {
    fn get(&self, wanted: Column) -> Option<&'a Vec<f64>> {
        self.values.get(self.ledger.columns.iter().position(|column| *column == wanted)?)
    }

    fn jump(&self, wanted: JumpColumn) -> Option<&'a Vec<f64>> {
        self.get(Column::Jump(wanted))
    }

    fn fired(&self, channel: usize) -> Option<&'a Vec<f64>> {
        self.jump(JumpColumn::Fired(channel as u16))
    }

    /// A function of the state at the start (0) or the end (1) of every trajectory.
    fn at(&self, end: usize, function: &OwnedStateFunction) -> Option<Vec<f64>> {
        let d = if self.ledger.is_network { 1 } else { self.ledger.names.species.len() };
        let state = |i: usize| self.get(if end == 0 { Column::Initial(i as u16) } else { Column::Position(i as u16) });
        let counts: Vec<&Vec<f64>> = (0..d).map(state).collect::<Option<_>>()?;
        let mut point = vec![0.0; d];
        let trajectories = counts.first().map_or(0, |column| column.len());
        Some(
            (0..trajectories)
                .map(|trajectory| {
                    point.iter_mut().zip(&counts).for_each(|(x, column)| *x = column[trajectory]);
                    function(&point)
                })
                .collect(),
        )
    }

    fn change(&self, functions: &[OwnedStateFunction; 2]) -> Option<Vec<f64>> {
        combine(&self.at(1, &functions[1]), &self.at(0, &functions[0]), |last, first| last - first)
    }

    /// `Σ_ρ weight_ρ N_ρ`.
    fn weighted(&self, weights: &[f64]) -> Option<Vec<f64>> {
        let mut sum = vec![0.0; self.values.first().map_or(0, Vec::len)];
        for (channel, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
            for (sum, fired) in sum.iter_mut().zip(self.fired(channel)?) {
                *sum += weight * fired;
            }
        }
        Some(sum)
    }

    fn scaled(&self, column: JumpColumn, factor: f64) -> Option<Vec<f64>> {
        Some(self.jump(column)?.iter().map(|value| factor * value).collect())
    }
}

impl JumpLedger {
    fn medium(&self, columns: &Columns) -> Option<Vec<f64>> {
        match &self.medium {
            Medium::Counted(weights) => {
                let factorials: OwnedStateFunction = Box::new(|n: &[f64]| n.iter().map(|n| ln_gamma(n + 1.0)).sum());
                let first = columns.at(0, &factorials);
                let last = columns.at(1, &factorials);
                let ends = combine(&first, &last, |first, last| first - last);
                combine(&columns.weighted(weights), &ends, |channels, ends| channels + ends)
            }
            Medium::Summed { all, .. } => columns.jump(*all).cloned(),
            Medium::Infinite => None,
        }
    }

    fn heats(&self, columns: &Columns, medium: &Option<Vec<f64>>) -> Vec<Option<Vec<f64>>> {
        match &self.medium {
            Medium::Summed { of_bath, .. } => of_bath.iter().zip(&self.temperatures).map(|(column, t)| columns.scaled(*column, *t)).collect(),
            Medium::Counted(_) => self.temperatures.iter().map(|t| medium.as_ref().map(|medium| medium.iter().map(|s| t * s).collect())).collect(),
            Medium::Infinite => vec![None; self.temperatures.len()],
        }
    }

    /// How far the books of a trajectory are from balanced: `n(τ) − n(0) − Σ_ρ ν_ρ N_ρ`, the largest of all coordinates or states.
    fn conservation(&self, columns: &Columns) -> Option<Vec<f64>> {
        let places = if self.is_network { self.names.states.len() } else { self.names.species.len() };
        if !self.undisturbed || places == 0 {
            return None;
        }
        let mut worst = vec![0.0f64; columns.values.first().map_or(0, Vec::len)];
        for place in 0..places {
            let at = if self.is_network { 0 } else { place as u16 };
            let (first, last) = (columns.get(Column::Initial(at))?, columns.get(Column::Position(at))?);
            let here = |value: f64| if self.is_network { f64::from(value == place as f64) } else { value };
            let of = |changes: &Vec<(u16, i32)>| changes.iter().filter(|(i, _)| usize::from(*i) == place).map(|(_, change)| f64::from(*change)).sum();
            let weights: Vec<f64> = self.changes.iter().map(of).collect();
            let fired = columns.weighted(&weights)?;
            for (((worst, first), last), fired) in worst.iter_mut().zip(first).zip(last).zip(fired) {
                *worst = worst.max((here(*last) - here(*first) - fired).abs());
            }
        }
        Some(worst)
    }

    fn totals(&self, values: &[Vec<f64>]) -> Totals {
        let columns = &Columns { ledger: self, values };
        let per_time = 1.0 / self.duration;
        let medium = self.medium(columns);
        let bath_heat = self.heats(columns, &medium);
        let heat = bath_heat.iter().cloned().reduce(|sum, heat| combine(&sum, &heat, |a, b| a + b)).flatten();
        let energy_change = self.energy.as_ref().and_then(|energy| columns.change(energy));
        let protocol_work = match (&energy_change, self.moves) {
            (Some(change), false) => Some(vec![0.0; change.len()]),
            (change, true) => {
                let jumps = columns.jump(JumpColumn::EnergyJump).cloned();
                let work = combine(change, &jumps, |change, jumps| change - jumps);
                match &self.mixing {
                    Some(mixing) => {
                        let mixed = combine(&columns.at(1, mixing), &columns.at(0, mixing), |last, first| last - first);
                        combine(&work, &mixed, |work, mixed| work - mixed)
                    }
                    None => work,
                }
            }
            (None, false) => None,
        };
        let work = combine(&protocol_work, &columns.weighted(&self.drive), |protocol, drives| protocol + drives);
        let surprise_change = self.surprise.as_ref().and_then(|surprise| columns.change(surprise));
        let excess = match (&self.surprise, self.moves) {
            // At rest the steady state at the end is that at the start.
            (Some(_), false) => surprise_change.as_ref().map(|change| change.iter().map(|change| -change).collect()),
            _ => columns.jump(JumpColumn::Excess).cloned(),
        };
        let rate = |channel: usize| columns.scaled(JumpColumn::Fired(channel as u16), per_time);
        let none = |like: &Option<Vec<f64>>| like.as_ref().map(|values| vec![0.0; values.len()]);
        let forward: Vec<Option<Vec<f64>>> = self.reactions.iter().map(|reaction| rate(reaction.forward)).collect();
        let backward: Vec<Option<Vec<f64>>> =
            self.reactions.iter().zip(&forward).map(|(reaction, forward)| reaction.backward.map_or_else(|| none(forward), rate)).collect();
        let flux = |&(reaction, weight): &(usize, f64)| combine(&forward[reaction], &backward[reaction], |f, b| weight * (f - b));
        let current = |weights: &Vec<(usize, f64)>| weights.iter().map(flux).reduce(|sum, more| combine(&sum, &more, |a, b| a + b)).flatten();
        let activity = columns.jump(JumpColumn::Activity).cloned().or_else(|| columns.weighted(&vec![1.0; self.changes.len()]));
        Totals {
            work,
            heat,
            bath_heat,
            energy_change,
            system: self.log_probability.as_ref().and_then(|laws| columns.change(laws)).map(|change| change.into_iter().map(|c| -c).collect()),
            housekeeping: combine(&medium, &excess, |medium, excess| medium - excess),
            medium,
            single_temperature: self.temperatures.first().copied().filter(|first| self.temperatures.iter().all(|t| t == first)),
            hatano_sasa: combine(&surprise_change, &excess, |change, excess| change + excess),
            excess,
            activity,
            cycles: self.currents.iter().map(current).collect(),
            occupancy: (0..self.names.states.len()).map(|state| columns.scaled(JumpColumn::Dwell(state as u16), per_time)).collect(),
            counts: (0..self.names.species.len()).map(|i| columns.get(Column::Position(i as u16)).cloned()).collect(),
            averages: (0..self.names.species.len()).map(|i| columns.scaled(JumpColumn::Integral(i as u16), per_time)).collect(),
            conservation: self.conservation(columns),
            symmetric: self.steady,
            forward,
            backward,
            ..Totals::default()
        }
    }
}

impl Accounts for JumpLedger {
    fn evaluate(&self, columns: &[Vec<f64>]) -> Vec<(Named, Vec<f64>)> {
        self.totals(columns).observables(&self.names)
    }

    fn columns(&self) -> usize {
        self.columns.len()
    }
}
