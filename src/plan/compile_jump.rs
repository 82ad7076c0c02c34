//! From a jump process to a plan: rates become programs or tables, the protocol becomes rows of a clock of its own.

use super::clocked::Clocked;
use super::compile::{Start, block_size};
use super::error::PlanError;
use super::{Channel, Column, Dynamics, Intervention, JumpColumn, Leaping, Network, Plan, Reactions, Schedule, Surprise, Trigger, Uniforms};
use crate::experiment::Experiment;
use crate::experiment::jump::{JumpModel, JumpTrigger};
use crate::expression::{Node, Program, Slots, Symbol, compile as compile_program, enclose};
use crate::random::Stream;

/// Most numbers in the rows.
const ROWS_LIMIT: u64 = 1 << 27;
/// Most channels, or states, whose counts come back trajectory by trajectory.
pub const MOST_SINGLE_COLUMNS: usize = 64;

/// How a trajectory's medium entropy is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediumEntropy {
    /// From how often every channel fired, and the counts at both ends: mass action at rates that do not move.
    Counted,
    /// From sums of `ln(w/w')` formed by the kernel: `LogRatio(0)` or `TableSum(0)`; of bath `b` the sum `b + 1`.
    Summed,
    /// Not at all: a channel goes one way only, or leaps do not tell.
    Infinite,
}

/// How the medium entropy of a trajectory will be known.
pub fn medium_entropy(model: &JumpModel, moves: bool) -> MediumEntropy {
    if model.channels.iter().any(|channel| channel.reverse.is_none()) {
        MediumEntropy::Infinite
    } else if model.states.is_none()
        && !moves
        && model.interventions.is_empty()
        && model.baths.len() < 2
        && model.channels.iter().all(|channel| channel.constant.is_some())
    {
        MediumEntropy::Counted
    } else if model.leaping.is_some() {
        // A leap has no order of events to sum along.
        MediumEntropy::Infinite
    } else {
        MediumEntropy::Summed
    }
}

/// Compiles an experiment with a jump process, or its reverse. `surprise` is `−ln p_ss` along the protocol of this stream, where excess is wanted.
pub fn compile_jump(experiment: &Experiment, model: &JumpModel, stream: Stream, start: Start, surprise: Option<Surprise>) -> Result<Plan, PlanError> {
    let clocked = Clocked::new(experiment, model, stream)?;
    if model.leaping.is_some() && model.states.is_some() {
        return Err(PlanError::Leaping("it is a network, where one walker jumps"));
    }
    let trajectories = experiment.ensemble.trajectories;
    let (dynamics, uniforms, columns, series) = if model.states.is_some() && !clocked.moves {
        let network = network(experiment, model, &clocked);
        let columns = network_columns(&network);
        (Dynamics::Network(network), Uniforms::default(), columns, Vec::new())
    } else {
        let (reactions, uniforms) = Compiler { experiment, model, clocked, slots: Slots::new() }.compile(surprise)?;
        let columns = reaction_columns(model, &reactions);
        let series = reaction_series(model);
        (Dynamics::Reactions(reactions), uniforms, columns, series)
    };
    Ok(Plan {
        title: experiment.title.clone(),
        seed: experiment.ensemble.seed,
        stream,
        trajectories: 0..trajectories,
        ensemble: trajectories,
        block: block_size(trajectories),
        schedule: Schedule { start: 0.0, dt: experiment.ensemble.dt, steps: experiment.steps, save_every: experiment.save_every },
        uniforms,
        coordinates: model.coordinates.clone(),
        dynamics,
        initial: start.initial,
        relaxation_steps: start.relaxation_steps,
        columns,
        series,
        fields: Vec::new(),
        plane: None,
    })
}

fn network_columns(network: &Network) -> Vec<Column> {
    let mut columns = vec![Column::Initial(0), Column::Position(0)];
    if network.tallies {
        columns.push(Column::Jump(JumpColumn::Activity));
    } else {
        columns.extend((0..network.channels as u16).map(|channel| Column::Jump(JumpColumn::Fired(channel))));
        columns.extend((0..network.states.len() as u16).map(|state| Column::Jump(JumpColumn::Dwell(state))));
    }
    columns.extend((0..network.tables.len() as u16).map(|table| Column::Jump(JumpColumn::TableSum(table))));
    columns
}

fn reaction_columns(model: &JumpModel, reactions: &Reactions) -> Vec<Column> {
    let counts = 0..model.coordinates.len() as u16;
    let mut columns: Vec<Column> = counts.clone().flat_map(|i| [Column::Initial(i), Column::Position(i)]).collect();
    match &model.states {
        None => columns.extend(counts.map(|i| Column::Jump(JumpColumn::Integral(i)))),
        Some(states) if states.len() <= MOST_SINGLE_COLUMNS => columns.extend((0..states.len() as u16).map(|state| Column::Jump(JumpColumn::Dwell(state)))),
        Some(_) => {}
    }
    columns.extend((0..reactions.channels.len() as u16).map(|channel| Column::Jump(JumpColumn::Fired(channel))));
    columns.extend((0..reactions.log_ratios.len() as u16).map(|sum| Column::Jump(JumpColumn::LogRatio(sum))));
    columns.extend(reactions.surprise.is_some().then_some(Column::Jump(JumpColumn::Excess)));
    columns.extend(reactions.energy.is_some().then_some(Column::Jump(JumpColumn::EnergyJump)));
    columns
}

fn reaction_series(model: &JumpModel) -> Vec<Column> {
    if model.states.is_some() {
        return Vec::new();
    }
    let derived = (0..model.derived.len() as u16).map(|k| Column::Jump(JumpColumn::Derived(k)));
    (0..model.coordinates.len() as u16).map(Column::Position).chain(derived).collect()
}

/// Tables of a network at rates that do not move.
fn network(experiment: &Experiment, model: &JumpModel, clocked: &Clocked) -> Network {
    let environment = clocked.resting(experiment);
    let rates: Vec<f64> = clocked.propensities.iter().map(|&node| clocked.graph.evaluate(node, &environment)).collect();
    let states = model.states.clone().unwrap_or_default();
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); states.len()];
    for (index, (channel, _)) in model.channels.iter().zip(&rates).enumerate().filter(|(_, (_, rate))| **rate > 0.0) {
        if let Some((from, _)) = channel.edge {
            out[from as usize].push(index);
        }
    }
    let order: Vec<usize> = out.iter().flatten().copied().collect();
    let mut place = vec![None; model.channels.len()];
    order.iter().enumerate().for_each(|(edge, &channel)| place[channel] = Some(edge as u32));
    let mut first = vec![0u32];
    for edges in &out {
        first.push(first[first.len() - 1] + edges.len() as u32);
    }
    let reverse: Vec<Option<u32>> = order.iter().map(|&channel| model.channels[channel].reverse.and_then(|reverse| place[reverse])).collect();
    let mut network = Network {
        clock: clocked.clock,
        target: order.iter().map(|&channel| model.channels[channel].edge.map_or(0, |(_, to)| to)).collect(),
        rate: order.iter().map(|&channel| rates[channel]).collect(),
        channel: order.iter().map(|&channel| channel as u32).collect(),
        channels: model.channels.len(),
        tallies: model.channels.len() > MOST_SINGLE_COLUMNS || states.len() > MOST_SINGLE_COLUMNS,
        tables: Vec::new(),
        most_events: model.most_events,
        states,
        first,
        reverse,
    };
    if network.reverse.iter().all(Option::is_some) {
        let ratio = |edge: usize| network.reverse[edge].map_or(f64::NAN, |back| (network.rate[edge] / network.rate[back as usize]).ln());
        let of_bath = |bath: Option<usize>| {
            let counts = |edge: usize| bath.is_none() || model.channels[order[edge]].bath == bath;
            (0..order.len()).map(|edge| if counts(edge) { ratio(edge) } else { 0.0 }).collect::<Vec<f64>>()
        };
        let tables = std::iter::once(of_bath(None)).chain((0..model.baths.len()).map(|bath| of_bath(Some(bath)))).collect();
        network.tables = tables;
    }
    network
}

struct Compiler<'a> {
    experiment: &'a Experiment,
    model: &'a JumpModel,
    clocked: Clocked,
    slots: Slots,
}

impl Compiler<'_> {
    fn compile(mut self, surprise: Option<Surprise>) -> Result<(Reactions, Uniforms), PlanError> {
        let nodes = self.propensities();
        let propensities = self.program(&nodes)?;
        let bound = if self.clocked.moves_inside { Some(self.bound(&nodes)?) } else { None };
        let energy = match self.energy() {
            Some(node) if self.clocked.moves => Some(self.program(&[node])?),
            _ => None,
        };
        let derived = self.clocked.derived.clone();
        let derived = if derived.is_empty() { None } else { Some(self.program(&derived)?) };
        let interventions = self.interventions()?;
        let log_ratios = match medium_entropy(self.model, self.clocked.moves) {
            MediumEntropy::Summed => {
                let all = std::iter::once(vec![true; nodes.len()]);
                let of_bath = |bath: usize| self.model.channels.iter().map(|channel| channel.bath == Some(bath)).collect::<Vec<bool>>();
                all.chain((0..self.model.baths.len()).map(of_bath)).collect()
            }
            MediumEntropy::Counted | MediumEntropy::Infinite => Vec::new(),
        };
        let leaping = self.leaping(&nodes)?;
        let uniforms = self.uniforms()?;
        let channel = |index: usize| {
            let channel = &self.model.channels[index];
            Channel { name: channel.name.clone(), change: self.change(index), reverse: channel.reverse.map(|reverse| reverse as u16) }
        };
        let reactions = Reactions {
            clock: self.clocked.clock,
            channels: (0..nodes.len()).map(channel).collect(),
            propensities,
            bound,
            energy,
            derived,
            log_ratios,
            surprise: surprise.filter(|_| self.clocked.moves),
            interventions,
            most_events: self.model.most_events,
            leaping,
        };
        Ok((reactions, uniforms))
    }

    /// What tau-leaping needs, where it is asked for.
    fn leaping(&mut self, nodes: &[Node]) -> Result<Option<Leaping>, PlanError> {
        let Some(tolerance) = self.model.leaping else { return Ok(None) };
        if self.clocked.moves {
            return Err(PlanError::Leaping("its rates, or what it measures, move with time"));
        }
        if !self.model.interventions.is_empty() {
            return Err(PlanError::Leaping("events set counts from outside"));
        }
        let counts: Vec<Symbol> = (0..self.model.coordinates.len() as u16).map(Symbol::Coordinate).collect();
        let graph = &mut self.clocked.graph;
        let (mut sensitivities, mut reads) = (Vec::new(), Vec::new());
        for &node in nodes {
            let read: Vec<u16> = (0..counts.len() as u16).filter(|&i| graph.depends_on(node, &|symbol| symbol == Symbol::Coordinate(i))).collect();
            let mut sum = graph.constant(0.0);
            for &i in &read {
                let (count, slope) = (graph.symbol(counts[usize::from(i)]), graph.derivative(node, counts[usize::from(i)]));
                let change = graph.mul(count, slope);
                let size = graph.call(crate::expression::Function::Abs, &[change]);
                sum = graph.add(sum, size);
            }
            sensitivities.push(sum);
            reads.push(read);
        }
        Ok(Some(Leaping { tolerance, part: 1.0, sensitivities: self.program(&sensitivities)?, reads }))
    }

    fn program(&mut self, nodes: &[Node]) -> Result<Program, PlanError> {
        Ok(compile_program(&self.clocked.graph, nodes, &mut self.slots)?)
    }

    /// Propensities of counts; an edge of a network has its rate where the walker is at its start.
    fn propensities(&mut self) -> Vec<Node> {
        let nodes = self.clocked.propensities.clone();
        let graph = &mut self.clocked.graph;
        let zero = graph.constant(0.0);
        let state = graph.symbol(Symbol::Coordinate(0));
        let of = |(node, edge): (Node, Option<(u32, u32)>)| match edge {
            Some((from, _)) => {
                let from = graph.constant(f64::from(from));
                let here = graph.equal(state, from);
                graph.select(here, node, zero)
            }
            None => node,
        };
        nodes.into_iter().zip(self.model.channels.iter().map(|channel| channel.edge)).map(of).collect()
    }

    /// What an event adds to the counts.
    fn change(&self, channel: usize) -> Vec<(u16, i32)> {
        let channel = &self.model.channels[channel];
        if let Some((from, to)) = channel.edge {
            return vec![(0, to as i32 - from as i32)];
        }
        let d = self.model.coordinates.len() as u16;
        let count = |of: &[(u16, u32)], i: u16| of.iter().filter(|(species, _)| *species == i).map(|(_, count)| *count as i32).sum::<i32>();
        (0..d).map(|i| (i, count(&channel.products, i) - count(&channel.reactants, i))).filter(|(_, change)| *change != 0).collect()
    }

    /// No less than the sum of all propensities anywhere in the segment.
    fn bound(&mut self, nodes: &[Node]) -> Result<Program, PlanError> {
        let offset = self.clocked.offset;
        let graph = &mut self.clocked.graph;
        let (zero, length) = (graph.constant(0.0), graph.symbol(Symbol::TimeStep));
        let mut sum = zero;
        for node in nodes {
            let (_, upper) = enclose(graph, *node, &|symbol| (symbol == offset).then_some((zero, length)));
            let above = graph.call(crate::expression::Function::Max, &[upper, zero]);
            sum = graph.add(sum, above);
        }
        // Room for the rounding of single precision.
        let room = graph.constant(1.0 + 1e-6);
        let bound = graph.mul(sum, room);
        self.program(&[bound])
    }

    /// The energy of a state as one formula.
    fn energy(&mut self) -> Option<Node> {
        let nodes = self.clocked.energy.clone()?;
        let graph = &mut self.clocked.graph;
        if self.model.states.is_none() {
            return nodes.first().copied();
        }
        let state = graph.symbol(Symbol::Coordinate(0));
        let mut energy = graph.constant(0.0);
        for (index, node) in nodes.into_iter().enumerate() {
            let index = graph.constant(index as f64);
            let here = graph.equal(state, index);
            energy = graph.select(here, node, energy);
        }
        Some(energy)
    }

    fn interventions(&mut self) -> Result<Vec<Intervention>, PlanError> {
        let all = self.clocked.interventions.clone();
        let length = self.clocked.clock.length;
        all.into_iter()
            .map(|(trigger, assignments)| {
                let trigger = match trigger {
                    JumpTrigger::Time(time) => Trigger::Segment((time / length).round() as u64),
                    JumpTrigger::Condition(node) => Trigger::Condition(self.program(&[node])?),
                };
                let (targets, values): (Vec<u16>, Vec<Node>) = assignments.into_iter().unzip();
                Ok(Intervention { trigger, targets, values: self.program(&values)? })
            })
            .collect()
    }

    fn uniforms(&self) -> Result<Uniforms, PlanError> {
        let columns = self.slots.columns();
        let segments = self.clocked.clock.segments;
        let entries = columns as u64 * segments;
        if entries > ROWS_LIMIT {
            return Err(PlanError::ProtocolTable { entries, limit: ROWS_LIMIT });
        }
        let resting_environment = self.clocked.resting(self.experiment);
        let length = self.clocked.clock.length;
        let resting_environment = |symbol| if symbol == Symbol::TimeStep { length } else { resting_environment(symbol) };
        let constants = self.slots.constants(&resting_environment);
        let mut evaluator = self.slots.rows();
        let mut rows = vec![0.0; entries as usize];
        let mut resting = vec![0.0; columns];
        if columns > 0 {
            evaluator.fill(&resting_environment, &mut resting);
            for (segment, row) in rows.chunks_exact_mut(columns).enumerate() {
                evaluator.fill(&self.clocked.environment(self.experiment, segment as u64), row);
            }
        }
        Ok(Uniforms { constants, columns, rows, resting })
    }
}
