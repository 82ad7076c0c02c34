//! The systems, and the numbers they must hit.
//!
//! References come from closed forms and from calculations by methods that share nothing with this program (k_B = γ = m = 1 unless said);
//! they are given to seven digits.

mod beads;
mod heat;
mod jumps;
mod rings;
mod spoils;

use super::controls::Control;

/// A system of the acceptance table.
pub struct System {
    /// What it is called in the table.
    pub name: &'static str,
    /// The model it is made of.
    pub model: &'static str,
    /// What is changed of the model.
    pub changes: &'static [(&'static str, &'static str)],
    /// Trajectories of the full table.
    pub trajectories: u64,
    /// Trajectories of the quick one.
    pub quick: u64,
    /// Estimates, and what they must be.
    pub reference: &'static [(&'static str, f64)],
    /// Defects that must be caught.
    pub controls: &'static [Control],
}

/// Every system.
pub fn systems() -> impl Iterator<Item = &'static System> {
    [beads::SYSTEMS, rings::SYSTEMS, heat::SYSTEMS, jumps::SYSTEMS].into_iter().flatten()
}
