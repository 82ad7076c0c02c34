//! The keys of an experiment, each list once: validation, advice and overrides read them here.

/// Keys and sections of the top level.
pub(super) const TOP_LEVEL: &[&str] = &["title", "sentence", "source", "units", "model", "parameters", "protocol", "initial", "ensemble", "measure", "exact"];

/// Sections whose keys are names chosen by the user.
pub(super) const OPEN_SECTIONS: &[&str] = &["parameters", "protocol", "exact"];

/// Keys of `[units]`.
pub(super) const UNITS: &[&str] = &["system"];

/// Keys of `[model]`; the names of coordinates are keys too.
pub(super) const MODEL: &[&str] = &["kind", "coordinates", "potential", "force", "friction", "temperature", "interpretation", "parity"];

/// Keys of `[model]` of underdamped dynamics.
pub(super) const UNDERDAMPED: &[&str] = &["kind", "coordinates", "potential", "force", "mass", "friction", "temperature"];

/// Keys of `[model]` of a network.
pub(super) const NETWORK: &[&str] = &["kind", "states", "edges", "energies", "temperature", "baths", "observables"];

/// Keys of an edge.
pub(super) const EDGE: &[&str] = &["from", "to", "forward", "reverse", "rate", "name", "bath", "drive"];

/// Keys of `[model]` of reactions.
pub(super) const REACTIONS: &[&str] =
    &["kind", "species", "chemostatted", "volume", "reactions", "energies", "energy", "temperature", "baths", "events", "observables"];

/// Keys of a reaction.
pub(super) const REACTION: &[&str] = &["equation", "name", "forward", "rate", "reverse", "propensity", "reverse_propensity", "bath", "drive"];

/// Keys of an event.
pub(super) const EVENT: &[&str] = &["name", "at", "when", "set"];

/// Keys of `[initial]` of a jump process.
pub(super) const JUMP_INITIAL: &[&str] = &["distribution", "state", "at", "probabilities", "burn_in"];

/// Keys of `[model]` of a rod of cells.
pub(super) const EXCHANGE: &[&str] = &["kind", "cells", "rate", "baths", "temperature"];

/// Keys of `[initial]` of a rod of cells.
pub(super) const EXCHANGE_INITIAL: &[&str] = &["distribution", "temperature", "mean", "at", "burn_in"];

/// Keys of `[ensemble]` of a jump process.
pub(super) const JUMP_ENSEMBLE: &[&str] = &["trajectories", "dt", "seed", "precision", "most_events", "method", "tolerance", "refine"];

/// Keys of a coordinate.
pub(super) const COORDINATE: &[&str] = &["periodic", "walls"];

/// Keys of a protocol variable that is a table.
pub(super) const PROTOCOL_VARIABLE: &[&str] = &["expression", "start", "end", "table", "steps", "period"];

/// Keys of `[initial]`.
pub(super) const INITIAL: &[&str] = &["distribution", "at", "mean", "deviation", "covariance", "lower", "upper", "range", "table", "burn_in", "period"];

/// Keys of `[ensemble]`.
pub(super) const ENSEMBLE: &[&str] = &["trajectories", "dt", "seed", "precision", "integrator", "refine"];

/// Keys of `[measure]`.
pub(super) const MEASURE: &[&str] = &["every", "theorems", "grid", "field", "trajectories"];

/// Keys of `field` in `[measure]`; the names of its coordinates are keys too.
pub(super) const FIELD: &[&str] = &["coordinates"];

/// Every section with fixed keys, and each of its keys.
pub(super) fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of = |section: &'static str, keys: &'static [&'static str]| keys.iter().map(move |key| (section, *key));
    of("model", MODEL)
        .chain(of("model", UNDERDAMPED))
        .chain(of("model", NETWORK))
        .chain(of("model", REACTIONS))
        .chain(of("model", EXCHANGE))
        .chain(of("initial", EXCHANGE_INITIAL))
        .chain(of("initial", JUMP_INITIAL))
        .chain(of("ensemble", JUMP_ENSEMBLE))
        .chain(of("protocol", &["duration"]))
        .chain(of("initial", INITIAL))
        .chain(of("ensemble", ENSEMBLE))
        .chain(of("measure", MEASURE))
        .chain(of("units", UNITS))
}
