//! The circuit of a jump process: its reactions, fundamental cycles and states, and what flows in them.

use crate::statistics::{Measured, Scalars, Tallies};
use crate::thermodynamics::observables::Reaction;

/// A fundamental cycle: reactions that, all done, leave every count as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// Its name, that of the reaction it is found by.
    pub name: String,
    /// Its current in a steady state: reactions and the weights of their fluxes.
    pub current: Vec<(usize, f64)>,
    /// `Σ_r c_r ln(w_r/w_−r)` at the initial protocol value, in nats.
    pub affinity: f64,
    /// What a round turns into what among the chemostats; `None` where it leaves them as they were (and always for a network).
    pub conversion: Option<String>,
}

/// A weighted sum of counts that no reaction changes.
#[derive(Clone, Debug, PartialEq)]
pub struct ConservationLaw {
    /// As a formula of the names of the species.
    pub sum: String,
    /// Whether chemostats are in it, so that the outside world changes it.
    pub broken: bool,
}

/// Reactions, cycles and states, by name.
#[derive(Clone, Debug, Default)]
pub struct Circuit {
    /// Reactions or edges, both directions taken together.
    pub reactions: Vec<(String, Reaction)>,
    /// Fundamental cycles.
    pub cycles: Vec<Loop>,
    /// Conservation laws of reactions; empty for a network.
    pub laws: Vec<ConservationLaw>,
    /// States of a network; empty for reactions.
    pub states: Vec<String>,
    /// Number of channels.
    pub channels: usize,
    /// Measured time.
    pub duration: f64,
    /// Time in a state that one unit of its tally stands for.
    pub dwell_unit: f64,
}

/// What was measured of one thing that comes many times over.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// `flux`, `traffic` or `occupancy`.
    pub kind: &'static str,
    /// Which.
    pub name: String,
    /// Measured.
    pub measured: Measured,
}

impl Circuit {
    /// Laws and cycles of reactions, a sentence each.
    pub fn describe(&self) -> Vec<String> {
        let laws = |broken: bool| self.laws.iter().filter(|law| law.broken == broken).map(|law| law.sum.as_str()).collect::<Vec<_>>().join(", ");
        let (kept, broken) = (laws(false), laws(true));
        let mut lines = Vec::new();
        if !kept.is_empty() {
            lines.push(format!("conserved: {kept}"));
        }
        if !broken.is_empty() {
            lines.push(format!("conserved but for the chemostats: {broken}"));
        }
        for cycle in self.cycles.iter().filter(|_| self.states.is_empty()) {
            let what = cycle
                .conversion
                .as_ref()
                .map_or_else(|| "leaves the named chemostats as they were".to_owned(), |conversion| format!("emergent, turns {conversion}"));
            lines.push(format!("cycle `{}`: {what}; affinity {:.6} nat", cycle.name, cycle.affinity));
        }
        lines
    }

    /// Fluxes, traffic and occupancies: from the scalars where a trajectory brought its own, else from the tallies.
    pub fn flows(&self, scalars: &Scalars, tallies: &Tallies) -> Vec<Flow> {
        let scalar = |kind: &str, name: &str| scalars.get(&format!("{kind}.{name}")).map(|scalar| scalar.moments().measured_mean());
        let tallied = |weights: &[(usize, f64)]| (tallies.width() > 0).then(|| tallies.mean(weights));
        let per_time = 1.0 / self.duration;
        let mut flows = Vec::new();
        let mut push = |kind: &'static str, name: &str, weights: &[(usize, f64)]| {
            if let Some(measured) = scalar(kind, name).or_else(|| tallied(weights)) {
                flows.push(Flow { kind, name: name.to_owned(), measured });
            }
        };
        for (name, reaction) in &self.reactions {
            for (kind, sign) in [("flux", -1.0), ("traffic", 1.0)] {
                let back = reaction.backward.map(|channel| (channel, sign * per_time));
                let weights: Vec<(usize, f64)> = std::iter::once((reaction.forward, per_time)).chain(back).collect();
                push(kind, name, &weights);
            }
        }
        for (index, name) in self.states.iter().enumerate() {
            push("occupancy", name, &[(self.channels + index, per_time * self.dwell_unit)]);
        }
        flows
    }
}
