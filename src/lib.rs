//! `ness`: an ensemble simulator of non-equilibrium steady states.
//!
//! The modules, in the order in which data flows:
//!
//! 1. [`experiment`] reads a TOML file into a valid [`experiment::Experiment`]; [`expression`] handles its formulas; [`sbml`] writes such a file from an SBML model;
//! 2. [`plan`] compiles it to plain data, with exact laws from [`exact`], [`density`] and [`surface`];
//! 3. a [`backend`] advances trajectories with bits from [`random`];
//! 4. [`statistics`] accumulates what comes back, block by block;
//! 5. [`thermodynamics`] turns it into [`results`]: estimates and verdicts;
//! 6. [`output`] writes HDF5; [`cli`] talks to the user. [`simulation`] holds the steps together.

pub mod backend;
pub mod cli;
pub mod coordinate;
pub mod density;
pub mod exact;
pub mod experiment;
pub mod expression;
pub mod maths;
pub mod model;
pub mod output;
pub mod plan;
pub mod random;
pub mod report;
pub mod results;
pub mod sbml;
pub mod simulation;
pub mod statistics;
pub mod surface;
pub mod thermodynamics;
pub mod validation;
