//! `[protocol]`: how long the run is, and what moves meanwhile.

use super::document::{Item, Place, Table, Value};
use super::read::{Reader, Reads};
use super::{Parameter, Section, check_name, schema};
use crate::expression::{Graph, Node, Symbol};

/// What moves from outside, and for how long.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// Length of the run in time, above 0.
    pub duration: f64,
    /// The variables; formulas read the `i`-th as `Symbol::Protocol(i)`.
    pub variables: Vec<ProtocolVariable>,
}

/// A variable that moves along a given path.
#[derive(Clone, Debug)]
pub struct ProtocolVariable {
    /// Its name in formulas.
    pub name: String,
    /// Its path.
    pub path: ProtocolPath,
}

/// A path λ(t) over the duration; times of points are ≥ 0 and in order.
#[derive(Clone, Debug)]
pub enum ProtocolPath {
    /// It does not move.
    Constant(f64),
    /// A formula of time and parameters.
    Expression {
        /// The formula.
        node: Node,
        /// Value before the first step, where it jumps there.
        start: Option<f64>,
        /// Value after the last step, where it jumps there.
        end: Option<f64>,
    },
    /// Straight lines through points `(t, value)`; two points at one time are a jump.
    Table(Vec<(f64, f64)>),
    /// Constant from each `(t, value)` on; two entries at `t = 0` are a jump at the start.
    Steps(Vec<(f64, f64)>),
}

impl Protocol {
    /// The values `[variable][0..=steps + 1]` of `steps` steps of length `dt`.
    ///
    /// Entry 0 is the value before anything moves (the left limit at `t = 0`), entry `n` the value in the middle of step `n`, `t = (n − ½)·dt`, which
    /// is in force while that step moves the coordinates, and entry `steps + 1` the right limit at the end. Moves and steps alternate
    /// symmetrically, so that means converge with the square of `dt` and the reversed protocol is the same table read backwards.
    pub fn table(&self, graph: &Graph, parameters: &[Parameter], dt: f64, steps: u64) -> Vec<Vec<f64>> {
        let path = |variable: &ProtocolVariable| {
            let grid = Grid { graph, parameters, dt, steps };
            let path = variable.path.in_steps(dt);
            (0..=steps + 1).map(|entry| grid.value(&path, entry)).collect()
        };
        self.variables.iter().map(path).collect()
    }

    /// Values of all variables at `count` moments, evenly spaced from the start to the end.
    pub(super) fn samples(&self, graph: &Graph, parameters: &[Parameter], count: u64) -> Vec<Vec<f64>> {
        let table = self.table(graph, parameters, self.duration / count as f64, count);
        (0..=count as usize + 1).map(|entry| table.iter().map(|values| values[entry]).collect()).collect()
    }
}

impl ProtocolPath {
    /// The same path with the times of its points in steps, those on the step grid exactly so.
    fn in_steps(&self, dt: f64) -> Self {
        let scaled = |points: &[(f64, f64)]| points.iter().map(|(time, value)| (in_steps(*time, dt), *value)).collect();
        match self {
            Self::Table(points) => Self::Table(scaled(points)),
            Self::Steps(points) => Self::Steps(scaled(points)),
            other => other.clone(),
        }
    }
}

/// A time in steps: an integer where it is one up to rounding.
fn in_steps(time: f64, dt: f64) -> f64 {
    let steps = time / dt;
    let nearest = steps.round();
    if (steps - nearest).abs() <= 1e-9 * nearest.abs().max(1.0) { nearest } else { steps }
}

struct Grid<'a> {
    graph: &'a Graph,
    parameters: &'a [Parameter],
    dt: f64,
    steps: u64,
}

impl Grid<'_> {
    fn value(&self, path: &ProtocolPath, entry: u64) -> f64 {
        let after_the_end = entry > self.steps;
        let now = if after_the_end { self.steps as f64 } else { (entry as f64 - 0.5).max(0.0) };
        match path {
            ProtocolPath::Constant(value) => *value,
            ProtocolPath::Expression { start: Some(start), .. } if entry == 0 => *start,
            ProtocolPath::Expression { end: Some(end), .. } if after_the_end => *end,
            ProtocolPath::Expression { node, .. } => evaluate(self.graph, *node, self.parameters, now * self.dt),
            ProtocolPath::Table(points) => interpolate(points, now, after_the_end),
            ProtocolPath::Steps(points) => {
                let reached = points.partition_point(|(time, _)| if after_the_end { *time <= now } else { *time < now });
                points[reached.saturating_sub(1)].1
            }
        }
    }
}

/// The left limit at a time, or the right limit; outside the points the nearest one.
fn interpolate(points: &[(f64, f64)], now: f64, right: bool) -> f64 {
    let next = points.partition_point(|(time, _)| if right { *time <= now } else { *time < now });
    match (next.checked_sub(1).map(|before| points[before]), points.get(next).copied()) {
        (None, Some((_, value))) | (Some((_, value)), None) => value,
        (Some((from, first)), Some((to, last))) => match (now - from) / (to - from) {
            fraction if fraction >= 1.0 => last,
            fraction => first + (last - first) * fraction,
        },
        (None, None) => f64::NAN,
    }
}

fn evaluate(graph: &Graph, node: Node, parameters: &[Parameter], time: f64) -> f64 {
    graph.evaluate(node, &|symbol| match symbol {
        Symbol::Parameter(index) => parameters.get(index as usize).map_or(f64::NAN, |parameter| parameter.value),
        Symbol::Time => time,
        _ => f64::NAN,
    })
}

/// Makes the names of the variables known to formulas.
pub(super) fn read_names(reader: &mut Reader, section: &Section) {
    for entry in section.table.entries.iter().filter(|entry| entry.key != "duration") {
        // A bad name is still known, so that the formulas that read it are not blamed as well.
        check_name(reader, "a protocol variable", &entry.key, &entry.place);
        reader.variables.push(entry.key.clone());
    }
}

/// Reads the duration and the paths; `dt` is the step, where it is known.
pub(super) fn read(reader: &mut Reader, section: &Section, dt: Option<f64>) -> Option<Protocol> {
    let item = reader.required(section.table, "duration", section.place, "[protocol]", "the length of the run in time");
    let duration = item.and_then(|item| reader.positive(item, "`duration`"));
    let mut variables = Vec::new();
    let mut complete = true;
    for entry in section.table.entries.iter().filter(|entry| entry.key != "duration") {
        let path = PathReader { reader: &mut *reader, what: format!("`{}`", entry.key), duration, dt }.read(&entry.item);
        complete &= path.is_some();
        variables.extend(path.map(|path| ProtocolVariable { name: entry.key.clone(), path }));
    }
    complete.then_some(Protocol { duration: duration?, variables })
}

struct PathReader<'a> {
    reader: &'a mut Reader,
    what: String,
    duration: Option<f64>,
    dt: Option<f64>,
}

impl PathReader<'_> {
    fn read(&mut self, item: &Item) -> Option<ProtocolPath> {
        match &item.value {
            Value::Integer(_) | Value::Float(_) => self.reader.number(item, &self.what).map(ProtocolPath::Constant),
            Value::Table(table) => self.read_table(item, table),
            Value::List(_) => {
                let message = format!("{} must be a number, a formula of `t`, or a table", self.what);
                self.reader.problem(&item.place, message, "found a list").help("write `{ table = [[t, value], …] }` or `{ steps = [[t, value], …] }`");
                None
            }
            _ => self.read_expression(item, None, None),
        }
    }

    fn read_table(&mut self, item: &Item, table: &Table) -> Option<ProtocolPath> {
        self.reader.check_keys(table, &format!("protocol variable {}", self.what), schema::PROTOCOL_VARIABLE);
        let ends = table.get("start").or(table.get("end"));
        let period = table.get("period");
        if let (Some(item), Some(_)) = (period, table.get("expression")) {
            let message = format!("`period` repeats the points of {}, and a formula has none", self.what);
            self.reader.problem(&item.place, message, "goes with `table` or `steps`").help("write a periodic formula, such as `sin(omega*t)`");
            return None;
        }
        match (table.get("expression"), table.get("table"), table.get("steps")) {
            (Some(expression), None, None) => self.read_expression(expression, table.get("start"), table.get("end")),
            (None, Some(_), None) | (None, None, Some(_)) if ends.is_some() => {
                let place = ends.map_or(&item.place, |ends| &ends.place);
                self.reader.problem(place, format!("{} has its jumps in its points", self.what), "`start` and `end` go with `expression`");
                None
            }
            (None, Some(points), None) => self.read_points(points, period),
            (None, None, Some(points)) => self.read_steps(points, period),
            _ => {
                let message = format!("protocol variable {} needs one of `expression`, `table` and `steps`", self.what);
                self.reader.problem(&item.place, message, "");
                None
            }
        }
    }

    fn read_expression(&mut self, item: &Item, start: Option<&Item>, end: Option<&Item>) -> Option<ProtocolPath> {
        const MOMENTS: u32 = 1000;
        let node = self.reader.formula(item, &self.what, Reads::Time)?;
        let mut jump = |item: Option<&Item>, key: &str| match item {
            Some(item) => self.reader.number(item, &format!("`{key}` of {}", self.what)).map(Some),
            None => Some(None),
        };
        let (start, end) = (jump(start, "start"), jump(end, "end"));
        let path = ProtocolPath::Expression { node, start: start?, end: end? };
        let Some(duration) = self.duration.filter(|_| !self.reader.parameters_broken) else { return Some(path) };
        for moment in 0..=MOMENTS {
            let time = duration * f64::from(moment) / f64::from(MOMENTS);
            let value = evaluate(&self.reader.graph, node, &self.reader.parameters, time);
            if !value.is_finite() {
                self.reader.problem(&item.place, format!("{} must be finite over the whole duration", self.what), format!("this is {value} at t = {time}"));
                return None;
            }
        }
        Some(path)
    }

    /// Points of straight lines: they cover the duration, in order, at most two at one time.
    fn read_points(&mut self, item: &Item, period: Option<&Item>) -> Option<ProtocolPath> {
        let points = self.reader.pairs(item, &self.what, "[t, value]")?;
        self.check_start(item, &points)?;
        self.check_order(&points)?;
        let points = self.repeated(points, period, false)?;
        let last = points.last()?;
        if let Some(duration) = self.duration
            && last.0 < duration * (1.0 - 1e-9)
        {
            self.reader.problem(
                &last.2,
                format!("the table of {} must cover the whole duration {duration}", self.what),
                format!("the last point is at t = {}", last.0),
            );
            return None;
        }
        for pair in points.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            self.check_jump(&pair[1])?;
        }
        Some(ProtocolPath::Table(points.into_iter().map(|(time, value, _)| (time, value)).collect()))
    }

    /// Entries of a staircase: from `t = 0` on, in order, on the step grid, two at one time only at `t = 0`.
    fn read_steps(&mut self, item: &Item, period: Option<&Item>) -> Option<ProtocolPath> {
        let points = self.reader.pairs(item, &self.what, "[t, value]")?;
        self.check_start(item, &points)?;
        self.check_order(&points)?;
        let points = self.repeated(points, period, true)?;
        for pair in points.windows(2) {
            if pair[0].0 == pair[1].0 && pair[0].0 > 0.0 {
                self.reader.problem(&pair[1].2, format!("{} has two values from t = {} on", self.what, pair[1].0), "only the start may have two entries");
                return None;
            }
            self.check_jump(&pair[1])?;
        }
        Some(ProtocolPath::Steps(points.into_iter().map(|(time, value, _)| (time, value)).collect()))
    }

    /// The points again and again until the end of the run, where they have a period. A table may end at the period: where its last value is not its
    /// first, it jumps there. Steps end before it. A period that starts as the run ends starts, so that whole periods close.
    fn repeated(&mut self, points: Vec<(f64, f64, Place)>, period: Option<&Item>, steps: bool) -> Option<Vec<(f64, f64, Place)>> {
        const MOST_POINTS: f64 = 1e6;
        let Some(item) = period else { return Some(points) };
        let period = self.reader.positive(item, &format!("`period` of {}", self.what))?;
        let (Some(duration), Some(last)) = (self.duration, points.last().map(|point| point.0)) else { return Some(points) };
        if if steps { last >= period } else { (last / period - 1.0).abs() > 1e-9 } {
            let message = format!("the points of {} must {} one period", self.what, if steps { "lie within" } else { "cover just" });
            self.reader.problem(&item.place, message, format!("the period is {period}, the last point is at t = {last}"));
            return None;
        }
        let turns = (duration / period + 1e-9).floor() + 1.0;
        if turns * points.len() as f64 > MOST_POINTS {
            let message = format!("{} has more than {MOST_POINTS:.0} points in the whole run", self.what);
            self.reader.problem(&item.place, message, format!("{turns} periods")).help("shorten the run, or write a periodic formula of `t`");
            return None;
        }
        let mut all: Vec<(f64, f64, Place)> = Vec::with_capacity(turns as usize * points.len());
        for turn in 0..turns as usize {
            for (time, value, place) in &points {
                let now = turn as f64 * period + time;
                let now = if (now - duration).abs() <= 1e-9 * period { duration } else { now };
                // The end of a period is the start of the next.
                let again = all.last().is_some_and(|(before, same, _)| turn > 0 && (now - before).abs() <= 1e-9 * period && same == value);
                let now = all.last().filter(|(before, ..)| turn > 0 && (now - before).abs() <= 1e-9 * period).map_or(now, |(before, ..)| *before);
                if !again {
                    all.push((now, *value, place.clone()));
                }
            }
        }
        Some(all)
    }

    fn check_start(&mut self, item: &Item, points: &[(f64, f64, Place)]) -> Option<()> {
        let Some((time, _, place)) = points.first() else {
            self.reader.problem(&item.place, format!("{} has no points", self.what), "expected `[[t, value], …]`");
            return None;
        };
        if *time != 0.0 {
            self.reader.problem(place, format!("the points of {} must start at t = 0", self.what), format!("this is at t = {time}"));
            return None;
        }
        Some(())
    }

    fn check_order(&mut self, points: &[(f64, f64, Place)]) -> Option<()> {
        for (index, pair) in points.windows(2).enumerate() {
            let crowded = points.get(index + 2).is_some_and(|third| third.0 == pair[0].0);
            if pair[1].0 < pair[0].0 {
                self.reader.problem(
                    &pair[1].2,
                    format!("the points of {} must be in the order of time", self.what),
                    format!("this is before t = {}", pair[0].0),
                );
                return None;
            }
            if crowded {
                self.reader.problem(&points[index + 2].2, format!("{} has three points at t = {}", self.what, pair[0].0), "two points at one time are a jump");
                return None;
            }
        }
        Some(())
    }

    /// Jumps happen between steps.
    fn check_jump(&mut self, (time, _, place): &(f64, f64, Place)) -> Option<()> {
        let Some(dt) = self.dt else { return Some(()) };
        let steps = in_steps(*time, dt);
        if steps.fract() == 0.0 || self.duration.is_some_and(|duration| *time > duration) {
            return Some(());
        }
        let (before, after) = (super::schedule::shown(steps.floor() * dt), super::schedule::shown(steps.ceil() * dt));
        let label = format!("the nearest steps end at t = {before} and t = {after}");
        self.reader.problem(place, format!("{} jumps between two steps, at t = {time}", self.what), label).help("move the jump, or change `dt`");
        None
    }
}
