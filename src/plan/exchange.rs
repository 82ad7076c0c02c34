//! A rod of cells that exchange energy, compiled.
//!
//! # How a trajectory is advanced (every backend does exactly this)
//!
//! Time, candidates and saves are those of jump processes at steady rates ([`super::Reactions`]): event number `n` waits `−ln u/W` with `W` the sum of the
//! rates of the bonds in order, and chooses its bond by its second word, in integers, as a walker chooses its edge ([`Exchange::choices`]).
//! Its energies are split by two more words, those of the same numbers in lane 1 of the same purpose: `U = (word + ½)/2³²`, cut to the largest number below 1, and
//! `h = −ln u` as for waiting. With `l` and `r` the energies to the left and to the right of the bond, the one on the side of a bath being
//! `T h`, `T` its temperature at that moment: `l' = U (l + r)`, `r' = (l + r) − l'`; at a bath that resamples `l' = r`, `r' = l`. What has crossed to the right is
//! `r' − r`, at the last bath `l − l'`.
//!
//! The row of a segment holds the temperatures of the first bath at its start and its end, then those of the last; in between they are straight. Before measuring
//! the resting row is in force. Insulated ends have temperature 0 and rate 0.

use serde::Serialize;

use super::compile::{Start, block_size};
use super::error::PlanError;
use super::jump::{Alias, Clock};
use super::{Column, Dynamics, JumpColumn, Plan, Schedule, Uniforms};
use crate::experiment::exchange::{Contact, ExchangeModel};
use crate::experiment::{Experiment, ProtocolPath};
use crate::expression::Symbol;
use crate::random::Stream;

/// Segments over which a temperature that moves smoothly is taken as straight, at least.
const SMOOTH: u64 = 1024;
/// Most segments tried until every jump or bend falls on the end of one, and most of a clock.
const MOST_TRIED: u64 = 4096;
const MOST_SEGMENTS: u64 = 1 << 20;
/// Most numbers in the rows.
const MOST_ROWS: u64 = 1 << 16;
/// Events of a segment, so that single precision holds their times.
const EVENTS_OF_A_SEGMENT: f64 = 1024.0;
/// How near the ends of a segment its temperatures are looked up: a jump there belongs to the neighbour.
const INSIDE: f64 = 1e-9;

/// A rod of cells: the state is a vector of energies, one a coordinate of the plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exchange {
    /// Integer time.
    pub clock: Clock,
    /// Rates of the bonds, from that of the first bath to that of the last; one more than cells.
    pub rates: Vec<f64>,
    /// How baths act.
    pub contact: Contact,
    /// True where temperatures never move: the one row serves all segments.
    pub steady: bool,
    /// Events after which a trajectory is given up: its columns become NaN.
    pub most_events: u64,
}

impl Exchange {
    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.rates.len() - 1
    }

    /// Sum of the rates.
    pub fn total(&self) -> f64 {
        self.rates.iter().fold(0.0, |sum, rate| sum + rate)
    }

    /// The bonds that have a rate, and the alias table over them.
    pub fn choices(&self) -> (Vec<u32>, Alias) {
        let (bonds, rates): (Vec<u32>, Vec<f64>) = (0..).zip(&self.rates).filter(|(_, rate)| **rate > 0.0).map(|(bond, rate)| (bond, *rate)).unzip();
        (bonds, Alias::of(&rates))
    }
}

/// Temperatures of both baths at a moment; 0 at an insulated end.
pub fn temperatures(experiment: &Experiment, model: &ExchangeModel, protocol: &[f64]) -> [f64; 2] {
    model.temperature.map(|node| node.map_or(0.0, |node| evaluate(experiment, node, protocol)))
}

/// Rates of the bonds.
pub fn bond_rates(experiment: &Experiment, model: &ExchangeModel) -> Vec<f64> {
    model.rates.iter().map(|&node| evaluate(experiment, node, &[])).collect()
}

fn evaluate(experiment: &Experiment, node: crate::expression::Node, protocol: &[f64]) -> f64 {
    experiment.graph.evaluate(node, &|symbol| match symbol {
        Symbol::Parameter(i) => experiment.parameters[usize::from(i)].value,
        Symbol::Protocol(i) => protocol.get(usize::from(i)).copied().unwrap_or(f64::NAN),
        _ => f64::NAN,
    })
}

/// Compiles a rod.
///
/// # Errors
/// When no clock fits the protocol.
pub fn compile_exchange(experiment: &Experiment, model: &ExchangeModel, start: Start) -> Result<Plan, PlanError> {
    let rates = bond_rates(experiment, model);
    let steady = !moves(experiment, model);
    let clock = clock(experiment, model, steady, rates.iter().sum())?;
    let exchange = Exchange { clock, rates, contact: model.contact, steady, most_events: model.most_events };
    let columns = columns(&exchange);
    let cells = exchange.cells() as u16;
    let trajectories = experiment.ensemble.trajectories;
    Ok(Plan {
        title: experiment.title.clone(),
        seed: experiment.ensemble.seed,
        stream: Stream::Forward,
        trajectories: 0..trajectories,
        ensemble: trajectories,
        block: block_size(trajectories),
        schedule: Schedule { start: 0.0, dt: experiment.ensemble.dt, steps: experiment.steps, save_every: experiment.save_every },
        uniforms: uniforms(experiment, model, &exchange),
        coordinates: model.cells.clone(),
        dynamics: Dynamics::Exchange(exchange),
        initial: start.initial,
        relaxation_steps: start.relaxation_steps,
        columns,
        series: (0..cells).map(Column::Position).collect(),
        fields: Vec::new(),
        plane: None,
    })
}

fn columns(exchange: &Exchange) -> Vec<Column> {
    let cells = exchange.cells() as u16;
    let mut columns: Vec<Column> = (0..cells).flat_map(|i| [Column::Initial(i), Column::Position(i)]).collect();
    columns.extend((0..cells).map(|i| Column::Jump(JumpColumn::Integral(i))));
    columns.extend((0..=cells).map(|bond| Column::Jump(JumpColumn::Crossed(bond))));
    columns.push(Column::Jump(JumpColumn::Activity));
    columns.extend((!exchange.steady).then_some(Column::Jump(JumpColumn::LogRatio(0))));
    columns
}

/// Whether a temperature ever moves, jumps at both ends included.
fn moves(experiment: &Experiment, model: &ExchangeModel) -> bool {
    let reads_protocol = |node| experiment.graph.depends_on(node, &|symbol| matches!(symbol, Symbol::Protocol(_)));
    model.temperature.iter().flatten().any(|&node| reads_protocol(node)) && !experiment.protocol.variables.iter().all(|variable| is_still(&variable.path))
}

fn is_still(path: &ProtocolPath) -> bool {
    match path {
        ProtocolPath::Constant(_) => true,
        ProtocolPath::Steps(points) | ProtocolPath::Table(points) => points.iter().all(|(_, value)| *value == points[0].1),
        ProtocolPath::Expression { .. } => false,
    }
}

fn clock(experiment: &Experiment, model: &ExchangeModel, steady: bool, total: f64) -> Result<Clock, PlanError> {
    let duration = experiment.protocol.duration;
    let breaks = if steady { Vec::new() } else { experiment.protocol.breaks() };
    let falls = |segments: u64| {
        breaks.iter().all(|time| {
            let place = time / duration * segments as f64;
            (place - place.round()).abs() <= 1e-9 * place.max(1.0)
        })
    };
    let staircase = experiment.protocol.variables.iter().all(|variable| matches!(variable.path, ProtocolPath::Constant(_) | ProtocolPath::Steps(_)));
    let fewest = match model.segment {
        Some(length) => Some((duration / length).round().max(1.0) as u64).filter(|&segments| falls(segments)),
        None if steady => Some(1),
        None => (if staircase { 1 } else { SMOOTH }..=MOST_TRIED).find(|&segments| falls(segments)),
    };
    let Some(fewest) = fewest else { return Err(PlanError::Clock { breaks: breaks.len() }) };
    let most = if steady { MOST_SEGMENTS } else { MOST_ROWS };
    let parts = ((total * duration / EVENTS_OF_A_SEGMENT / fewest as f64).ceil() as u64).clamp(1, (most / fewest).max(1));
    let segments = fewest * parts;
    Ok(Clock { segments, length: duration / segments as f64 })
}

fn uniforms(experiment: &Experiment, model: &ExchangeModel, exchange: &Exchange) -> Uniforms {
    let row = |from: [f64; 2], to: [f64; 2]| vec![from[0], to[0], from[1], to[1]];
    let at = |time: f64| temperatures(experiment, model, &experiment.protocol_at(time));
    let start = at(0.0);
    let segments = if exchange.steady { 1 } else { exchange.clock.segments };
    let length = exchange.clock.length;
    let rows = (0..segments).flat_map(|segment| {
        let near = |fraction: f64| at((segment as f64 + fraction) * length);
        if exchange.steady { row(start, start) } else { row(near(INSIDE), near(1.0 - INSIDE)) }
    });
    Uniforms { constants: Vec::new(), columns: 4, rows: rows.collect(), resting: row(start, start) }
}
