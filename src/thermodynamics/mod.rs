//! From batches to results: observables of a trajectory, estimates, and theorems on trial.
//!
//! [`observables`] and [`theorems`] each hold one registry; adding an observable or a theorem is one entry there.

pub mod estimates;
pub mod free_energy;
pub mod observables;
pub mod theorems;
