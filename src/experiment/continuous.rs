//! The protocol as a function of continuous time, for solvers with time steps of their own.

use super::protocol::{Protocol, ProtocolPath};
use super::{Experiment, Parameter};
use crate::expression::{Graph, Symbol};

impl Protocol {
    /// Values of all variables at a time: before any jump at the start, behind any jump elsewhere.
    pub fn at(&self, graph: &Graph, parameters: &[Parameter], time: f64) -> Vec<f64> {
        self.variables.iter().map(|variable| value(&variable.path, graph, parameters, time, self.duration)).collect()
    }

    /// Times inside the run at which a path jumps or bends, ascending.
    pub fn breaks(&self) -> Vec<f64> {
        let points = self.variables.iter().flat_map(|variable| match &variable.path {
            ProtocolPath::Table(points) | ProtocolPath::Steps(points) => points.as_slice(),
            ProtocolPath::Constant(_) | ProtocolPath::Expression { .. } => &[],
        });
        let mut times: Vec<f64> = points.map(|(time, _)| *time).filter(|time| (0.0..=self.duration).contains(time)).collect();
        times.sort_by(f64::total_cmp);
        times.dedup();
        times
    }
}

impl Experiment {
    /// Protocol values at a time; see [`Protocol::at`].
    pub fn protocol_at(&self, time: f64) -> Vec<f64> {
        self.protocol.at(&self.graph, &self.parameters, time)
    }
}

fn value(path: &ProtocolPath, graph: &Graph, parameters: &[Parameter], time: f64, duration: f64) -> f64 {
    let first = time <= 0.0;
    match path {
        ProtocolPath::Constant(value) => *value,
        ProtocolPath::Expression { start: Some(start), .. } if first => *start,
        ProtocolPath::Expression { end: Some(end), .. } if time >= duration => *end,
        ProtocolPath::Expression { node, .. } => graph.evaluate(*node, &|symbol| match symbol {
            Symbol::Parameter(index) => parameters.get(index as usize).map_or(f64::NAN, |parameter| parameter.value),
            Symbol::Time => time,
            _ => f64::NAN,
        }),
        ProtocolPath::Steps(points) => {
            let reached = points.partition_point(|(t, _)| *t <= time);
            points[if first { 0 } else { reached.saturating_sub(1) }].1
        }
        ProtocolPath::Table(points) => {
            let next = if first { 0 } else { points.partition_point(|(t, _)| *t <= time) };
            match (next.checked_sub(1).map(|before| points[before]), points.get(next)) {
                (Some((from, low)), Some(&(to, high))) => low + (high - low) * (time - from) / (to - from),
                (None, Some(&(_, value))) | (Some((_, value)), None) => value,
                (None, None) => f64::NAN,
            }
        }
    }
}
