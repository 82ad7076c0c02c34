//! Jump processes by a clock of their own: the protocol as formulas of the time inside a segment and of the numbers of its row.

use super::Clock;
use super::error::PlanError;
use crate::experiment::jump::{JumpModel, JumpTrigger};
use crate::experiment::{Experiment, ProtocolPath};
use crate::expression::{Graph, Node, Symbol};
use crate::random::Stream;

/// Segments of the clock where rates move and the user chose no length.
const SEGMENTS: u64 = 64;
/// Most segments tried until every jump or bend of the protocol falls on the end of one.
const MOST_SEGMENTS: u64 = 4096;
/// A jump process whose protocol is replaced by what the kernels' clock sees.
pub struct Clocked {
    /// The graph of all formulas below.
    pub graph: Graph,
    /// One propensity a channel, of counts, offset and the symbols of a row.
    pub propensities: Vec<Node>,
    /// Energies, as in the model.
    pub energy: Option<Vec<Node>>,
    pub(super) derived: Vec<Node>,
    pub(super) interventions: Vec<(JumpTrigger, Vec<(u16, Node)>)>,
    /// Integer time.
    pub clock: Clock,
    /// True when a rate, an energy or a derived quantity depends on the protocol or on time.
    pub moves: bool,
    /// True when a propensity moves inside a segment.
    pub moves_inside: bool,
    pub(super) offset: Symbol,
    pub(super) stream: Stream,
}

impl Clocked {
    /// Substitutes the protocol.
    ///
    /// # Errors
    /// When no clock fits the protocol.
    pub fn new(experiment: &Experiment, model: &JumpModel, stream: Stream) -> Result<Self, PlanError> {
        let mut graph = experiment.graph.clone();
        let offset = Symbol::Coordinate(model.coordinates.len() as u16);
        let mut inside = Inside::new(experiment, &mut graph, offset, stream);
        let propensities: Vec<Node> = model.channels.iter().map(|channel| inside.replace(channel.propensity)).collect();
        let energy: Option<Vec<Node>> = model.energy.as_ref().map(|nodes| nodes.iter().map(|&node| inside.replace(node)).collect());
        let derived: Vec<Node> = model.derived.iter().map(|(_, node)| inside.replace(*node)).collect();
        let interventions: Vec<(JumpTrigger, Vec<(u16, Node)>)> = model
            .interventions
            .iter()
            .map(|intervention| {
                let trigger = match &intervention.trigger {
                    JumpTrigger::Time(time) => JumpTrigger::Time(*time),
                    JumpTrigger::Condition(node) => JumpTrigger::Condition(inside.replace(*node)),
                };
                (trigger, intervention.assignments.iter().map(|&(target, node)| (target, inside.replace(node))).collect())
            })
            .collect();
        let scheduled = |symbol: Symbol| !matches!(symbol, Symbol::Parameter(_) | Symbol::Coordinate(_)) || symbol == offset;
        let energies = energy.iter().flatten();
        // A variable that jumps before its first or after its last moment moves the energy though its path in between is constant.
        let jumps = |variable: &crate::experiment::ProtocolVariable| {
            matches!(variable.path, ProtocolPath::Expression { start: Some(_), .. } | ProtocolPath::Expression { end: Some(_), .. })
        };
        let moves = propensities.iter().chain(energies).chain(&derived).any(|&node| graph.depends_on(node, &scheduled))
            || energy.is_some() && experiment.protocol.variables.iter().any(jumps);
        let moves_inside = propensities.iter().any(|&node| graph.depends_on(node, &|symbol| symbol == offset));
        let times = interventions.iter().filter_map(|(trigger, _)| match trigger {
            JumpTrigger::Time(time) => Some(*time),
            JumpTrigger::Condition(_) => None,
        });
        let clock = clock(experiment, model, moves, moves_inside, times.collect())?;
        Ok(Self { graph, propensities, energy, derived, interventions, clock, moves, moves_inside, offset, stream })
    }

    /// Values of the symbols of a row: those of a segment.
    pub fn environment<'a>(&self, experiment: &'a Experiment, segment: u64) -> impl Fn(Symbol) -> f64 + use<'a> {
        let (start, length, duration) = (segment as f64 * self.clock.length, self.clock.length, experiment.protocol.duration);
        let reversed = self.stream == Stream::Reverse;
        // Inside the segment, so that a jump at either end belongs to the neighbour.
        let place = move |fraction: f64| {
            let time = start + fraction * length;
            if reversed { duration - time } else { time }
        };
        let near = experiment.protocol_at(place(0.25));
        let far = experiment.protocol_at(place(0.75));
        move |symbol| match symbol {
            Symbol::Parameter(i) => experiment.parameters[usize::from(i)].value,
            Symbol::Time => start,
            Symbol::TimeStep => length,
            // Straight inside a segment: the ends follow from the quarters.
            Symbol::ProtocolPrevious(i) => 1.5 * near[usize::from(i)] - 0.5 * far[usize::from(i)],
            Symbol::ProtocolChange(i) => 2.0 * (far[usize::from(i)] - near[usize::from(i)]),
            Symbol::Protocol(i) | Symbol::ProtocolMiddle(i) => 0.5 * (near[usize::from(i)] + far[usize::from(i)]),
            Symbol::Coordinate(_) => f64::NAN,
        }
    }

    /// Values of the symbols at rest: before the protocol moves.
    pub(super) fn resting<'a>(&self, experiment: &'a Experiment) -> impl Fn(Symbol) -> f64 + use<'a> {
        let duration = experiment.protocol.duration;
        let time = if self.stream == Stream::Reverse { duration } else { 0.0 };
        let values = experiment.protocol_at(time);
        move |symbol| match symbol {
            Symbol::Parameter(i) => experiment.parameters[usize::from(i)].value,
            Symbol::Time => 0.0,
            Symbol::ProtocolChange(_) => 0.0,
            Symbol::Protocol(i) | Symbol::ProtocolPrevious(i) | Symbol::ProtocolMiddle(i) => values[usize::from(i)],
            Symbol::TimeStep | Symbol::Coordinate(_) => f64::NAN,
        }
    }
}

/// Replaces protocol variables by formulas of the offset inside a segment and of the symbols of its row.
struct Inside<'a> {
    graph: &'a mut Graph,
    paths: Vec<Node>,
    time: Node,
}

impl<'a> Inside<'a> {
    fn new(experiment: &Experiment, graph: &'a mut Graph, offset: Symbol, stream: Stream) -> Self {
        let (start, offset) = (graph.symbol(Symbol::Time), graph.symbol(offset));
        let elapsed = graph.add(start, offset);
        let duration = graph.constant(experiment.protocol.duration);
        let time = if stream == Stream::Reverse { graph.sub(duration, elapsed) } else { elapsed };
        let length = graph.symbol(Symbol::TimeStep);
        let fraction = graph.div(offset, length);
        let paths = experiment.protocol.variables.iter().enumerate().map(|(i, variable)| {
            let i = i as u16;
            match &variable.path {
                ProtocolPath::Constant(value) => graph.constant(*value),
                ProtocolPath::Expression { node, .. } => graph.substitute(*node, &|symbol| (symbol == Symbol::Time).then_some(time)),
                ProtocolPath::Steps(points) if points.iter().all(|(_, value)| *value == points[0].1) => graph.constant(points[0].1),
                ProtocolPath::Steps(_) => graph.symbol(Symbol::Protocol(i)),
                ProtocolPath::Table(_) => {
                    let (from, change) = (graph.symbol(Symbol::ProtocolPrevious(i)), graph.symbol(Symbol::ProtocolChange(i)));
                    let moved = graph.mul(change, fraction);
                    graph.add(from, moved)
                }
            }
        });
        let paths = paths.collect();
        Self { graph, paths, time }
    }

    fn replace(&mut self, node: Node) -> Node {
        let (paths, time) = (&self.paths, self.time);
        self.graph.substitute(node, &|symbol| match symbol {
            Symbol::Protocol(i) => Some(paths[usize::from(i)]),
            Symbol::Time => Some(time),
            _ => None,
        })
    }
}

/// The clock: one segment where nothing moves; else the user's, or the first division on which all breaks fall.
fn clock(experiment: &Experiment, model: &JumpModel, moves: bool, moves_inside: bool, interventions: Vec<f64>) -> Result<Clock, PlanError> {
    let duration = experiment.protocol.duration;
    let mut breaks = interventions;
    if moves {
        breaks.extend(experiment.protocol.breaks());
    }
    let falls = |segments: u64| {
        breaks.iter().all(|time| {
            let place = time / duration * segments as f64;
            (place - place.round()).abs() <= 1e-9 * place.max(1.0)
        })
    };
    let segments = match model.segment {
        Some(length) => Some((duration / length).round().max(1.0) as u64).filter(|&segments| falls(segments)),
        None if !moves && breaks.is_empty() => Some(1),
        None if !moves_inside => (1..=MOST_SEGMENTS).find(|&segments| falls(segments)),
        None => (SEGMENTS..=MOST_SEGMENTS).find(|&segments| falls(segments)),
    };
    let Some(segments) = segments else { return Err(PlanError::Clock { breaks: breaks.len() }) };
    Ok(Clock { segments, length: duration / segments as f64 })
}
