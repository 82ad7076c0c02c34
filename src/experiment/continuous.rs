//! The protocol as a function of continuous time, for solvers with time steps of their own.

use super::protocol::{Protocol, ProtocolPath};
use super::{Experiment, Parameter};
use crate::expression::{Graph, Node, Symbol};

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

/// A stretch of time inside which no path jumps or bends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// When it begins.
    pub start: f64,
    /// When it ends.
    pub end: f64,
    /// Whether any variable moves meanwhile.
    pub moves: bool,
}

/// Moments, and one more, between which formulas are looked at for a jump or a bend.
const MOMENTS: u32 = 4096;
/// Halvings that pin one down.
const HALVINGS: u32 = 60;
/// Parts of a piece at which it is asked whether anything moves.
const ASKED: [f64; 7] = [0.03, 0.11, 0.29, 0.5, 0.61, 0.83, 0.97];
/// Turns of a variable in a piece up to which that is left whole.
const FEW_TURNS: usize = 3;
/// Where a piece of more turns is cut in two before anything else, so that no even spacing of moments agrees with the period of both parts.
const GOLDEN: f64 = 0.618_033_988_749_894_8;

impl Experiment {
    /// The first `duration` of the run in pieces, the ends of which are all jumps and bends of the protocol there; where it goes to and fro, in shorter ones.
    pub fn pieces(&self, duration: f64) -> Vec<Piece> {
        let mut times = self.protocol.breaks();
        for variable in &self.protocol.variables {
            if let ProtocolPath::Expression { node, .. } = &variable.path {
                times.extend(self.bends(*node, duration));
            }
        }
        times.retain(|time| *time > 0.0 && *time < duration);
        times.extend([0.0, duration]);
        times.sort_by(f64::total_cmp);
        times.dedup_by(|later, earlier| *later - *earlier <= 1e-12 * duration);
        times.windows(2).map(|pair| self.piece(pair[0], pair[1])).flat_map(|piece| piece.cut(self.turns(&piece, duration))).collect()
    }

    /// How often a variable that follows a formula turns round in a piece, at most.
    fn turns(&self, piece: &Piece, duration: f64) -> usize {
        let formulas = self.protocol.variables.iter().any(|variable| matches!(variable.path, ProtocolPath::Expression { .. }));
        if !piece.moves || !formulas {
            return 0;
        }
        let moments = (f64::from(MOMENTS) * (piece.end - piece.start) / duration).ceil() as u32;
        let rows: Vec<Vec<f64>> =
            (0..moments).map(|moment| self.protocol_at(piece.start + (piece.end - piece.start) * (f64::from(moment) + 0.5) / f64::from(moments))).collect();
        let turn = |variable: usize| rows.windows(3).filter(|row| (row[1][variable] - row[0][variable]) * (row[2][variable] - row[1][variable]) < 0.0).count();
        (0..self.protocol.variables.len()).map(turn).max().unwrap_or(0)
    }

    fn piece(&self, start: f64, end: f64) -> Piece {
        let at = |part: f64| self.protocol_at(start + part * (end - start));
        let first = at(ASKED[0]);
        Piece { start, end, moves: ASKED.iter().any(|part| at(*part) != first) }
    }

    /// Where a formula of time jumps or bends.
    fn bends(&self, node: Node, duration: f64) -> Vec<f64> {
        let sides = |time: f64| {
            self.graph.sides(node, &|symbol| match symbol {
                Symbol::Parameter(index) => self.parameters.get(index as usize).map_or(f64::NAN, |parameter| parameter.value),
                Symbol::Time => time,
                _ => f64::NAN,
            })
        };
        let mut found = Vec::new();
        if sides(0.5 * duration).is_empty() {
            return found;
        }
        let (mut before, mut here) = (0.0, sides(0.0));
        for moment in 1..=MOMENTS {
            let end = duration * f64::from(moment) / f64::from(MOMENTS);
            let there = sides(end);
            while here != there {
                let (mut low, mut high) = (before, end);
                for _ in 0..HALVINGS {
                    let middle = 0.5 * (low + high);
                    if sides(middle) == here { low = middle } else { high = middle }
                }
                found.push(high);
                (before, here) = (high, sides(high));
                if high >= end {
                    break;
                }
            }
            (before, here) = (end, there);
        }
        found
    }

    /// Protocol values at a time; see [`Protocol::at`].
    pub fn protocol_at(&self, time: f64) -> Vec<f64> {
        self.protocol.at(&self.graph, &self.parameters, time)
    }
}

impl Piece {
    /// In parts of few turns each.
    fn cut(self, turns: usize) -> Vec<Self> {
        if turns <= FEW_TURNS {
            return vec![self];
        }
        let middle = self.start + GOLDEN * (self.end - self.start);
        let parts = turns.div_ceil(2 * FEW_TURNS);
        let evenly = |start: f64, end: f64| {
            let time = move |part: usize| start + (end - start) * part as f64 / parts as f64;
            (0..parts).map(move |part| Self { start: time(part), end: time(part + 1), moves: self.moves })
        };
        evenly(self.start, middle).chain(evenly(middle, self.end)).collect()
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
