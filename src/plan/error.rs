//! Why an experiment has no plan.

use crate::exact::ExactError;
use crate::expression::CompileError;

/// Why an experiment has no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The integrator does not suit the model.
    #[error("the integrator `{integrator}` does not suit this model: {reason}; {advice}")]
    Integrator {
        /// As in the file.
        integrator: &'static str,
        /// Why.
        reason: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A formula needs more registers or slots than a program has.
    #[error("the formulas of this model are too large to compile: {0}")]
    Program(#[from] CompileError),
    /// The protocol table does not fit in memory.
    #[error(
        "the protocol of this run would be a table of {entries} numbers, at most {limit} are possible: take a larger ensemble.dt, a shorter protocol.duration, or a protocol that does not move"
    )]
    ProtocolTable {
        /// Numbers in the table.
        entries: u64,
        /// Limit.
        limit: u64,
    },
    /// No clock fits the protocol.
    #[error("no grid of up to 4096 segments has the {breaks} jumps and bends of the protocol on it; set ensemble.dt so that they fall on its multiples")]
    Clock {
        /// How many there are.
        breaks: usize,
    },
    /// Tau-leaping does not suit the model.
    #[error("tau-leaping does not suit this model: {0}; leave `ensemble.method` out, or set it to `exact`")]
    Leaping(&'static str),
    /// The exact linear step could not be formed.
    #[error("the exact linear step could not be formed: {0}")]
    Linear(#[from] ExactError),
}
