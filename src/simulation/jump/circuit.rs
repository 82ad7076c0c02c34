//! The circuit of a jump process: its reactions, fundamental cycles and states, and what flows in them.

use crate::statistics::{Measured, Scalars, Tallies};
use crate::thermodynamics::observables::Reaction;

/// Reactions, cycles and states, by name.
#[derive(Clone, Debug, Default)]
pub struct Circuit {
    /// Reactions or edges, both directions taken together.
    pub reactions: Vec<(String, Reaction)>,
    /// Fundamental cycles and their affinities at the initial protocol value, in nats.
    pub cycles: Vec<(String, f64)>,
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
