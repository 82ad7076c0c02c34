//! From an experiment to a plan: formulas become programs, the protocol becomes a table.

use super::error::PlanError;
use super::surprise::surprise_move;
use super::{
    Affinity, BackStep, Column, Coordinate, Dynamics, Infimum, InitialState, Integrator, Overdamped, Plan, Schedule, StepLaw, SurpriseAlong, TILE, Uniforms,
    circulation_pairs, underdamped,
};
use crate::experiment::{Experiment, IntegratorChoice, Interpretation, OverdampedModel, total_force};
use crate::expression::{CompileError, Function, Graph, Node, Operand, Slots, Symbol, compile as compile_program};
use crate::model::{System, medium_force};
use crate::random::Stream;

/// Most numbers in a protocol table.
pub(super) const TABLE_LIMIT: u64 = 1 << 28;

/// The values `Λ_0 … Λ_{N+1}` of every protocol variable: `[variable][n]`, reversed in time for the reversed ensemble.
///
/// Step `n` moves `Λ_n → Λ_{n+1}`, the value in its middle, and then the coordinates at `Λ_{n+1}`; the last move `Λ_N → Λ_{N+1}` comes
/// after the last step. Read backwards the same order of moves is the mirror image of the forward one, as the theorems need it.
pub fn protocol_table(experiment: &Experiment, stream: Stream) -> Vec<Vec<f64>> {
    let mut table = experiment.protocol.table(&experiment.graph, &experiment.parameters, experiment.ensemble.dt, experiment.steps);
    if stream == Stream::Reverse {
        for values in &mut table {
            values.reverse();
        }
    }
    table
}

/// Protocol values at a place of the table.
pub fn protocol_at(table: &[Vec<f64>], n: usize) -> Vec<f64> {
    table.iter().map(|values| values[n]).collect()
}

/// What compiles besides the experiment: the start, and what is decided about the ensemble.
pub struct Start {
    /// Law of the initial states.
    pub initial: InitialState,
    /// Relaxation before measuring.
    pub relaxation_steps: u64,
}

/// What is followed along the paths besides.
#[derive(Clone, Copy, Default)]
pub struct Followed<'a> {
    /// The moves of `−ln p_ss`, where they are to be summed.
    pub along: Option<&'a SurpriseAlong>,
    /// The affinity of the steady state, where the infimum of the total entropy production is wanted.
    pub affinity: Option<&'a Affinity>,
}

/// Compiles an experiment, or its reverse.
pub fn compile(experiment: &Experiment, model: &OverdampedModel, system: &System, stream: Stream, start: Start, followed: Followed) -> Result<Plan, PlanError> {
    let integrator = if model.is_underdamped() { underdamped::choose(experiment, system)? } else { choose(experiment, system)? };
    let table = protocol_table(experiment, stream);
    let mut compiler = Compiler::new(experiment, model, &table, stream);
    let coordinates = model.state();
    let (state, d) = (coordinates.len() as u16, model.coordinates.len() as u16);
    let mut dynamics = compiler.dynamics(integrator, system, (&table, followed.affinity))?;
    dynamics.surprise = followed.along.map(|along| surprise_move(along, |column| compiler.external(column))).transpose()?;
    let uniforms = compiler.uniforms(&table)?;
    let trajectories = experiment.ensemble.trajectories;
    Ok(Plan {
        title: experiment.title.clone(),
        seed: experiment.ensemble.seed,
        stream,
        trajectories: 0..trajectories,
        ensemble: trajectories,
        block: block_size(trajectories),
        schedule: Schedule { start: 0.0, dt: experiment.ensemble.dt, steps: experiment.steps, save_every: experiment.save_every },
        columns: columns(&coordinates, &model.coordinates, integrator, system, followed),
        series: series(state, d, integrator, system),
        uniforms,
        coordinates,
        dynamics: Dynamics::Overdamped(dynamics),
        initial: start.initial,
        relaxation_steps: start.relaxation_steps,
        fields: Vec::new(),
        plane: None,
    })
}

/// About 256 blocks; whole tiles where a block is as large as one, else a divisor of a tile.
pub fn block_size(trajectories: u64) -> u64 {
    let tile = TILE as u64;
    let wanted = trajectories.div_ceil(256);
    if wanted > tile { wanted.div_ceil(tile) * tile } else { wanted.next_power_of_two() }
}

/// `state` makes up the state of a trajectory, `coordinates` are its positions.
fn columns(state: &[Coordinate], coordinates: &[Coordinate], integrator: Integrator, system: &System, followed: Followed) -> Vec<Column> {
    let d = coordinates.len() as u16;
    let mut columns: Vec<Column> = (0..state.len() as u16).flat_map(|i| [Column::Initial(i), Column::Position(i), Column::Winding(i)]).collect();
    columns.extend(ledgers(d, integrator, system));
    columns.extend(followed.along.map(|_| Column::Surprise));
    columns.extend(followed.affinity.iter().flat_map(|_| [Column::EntropySoFar, Column::Infimum]));
    columns.extend(circulation_pairs(coordinates).into_iter().map(|(i, j)| Column::Circulation(i, j)));
    columns
}

fn series(state: u16, d: u16, integrator: Integrator, system: &System) -> Vec<Column> {
    (0..state).map(Column::Position).chain(ledgers(d, integrator, system)).collect()
}

fn ledgers(d: u16, integrator: Integrator, system: &System) -> impl Iterator<Item = Column> {
    // Without a parity of what drives the model there is neither heat nor entropy, and what work is depends on it.
    let defined = system.unstated_parity().is_none();
    let medium = system.sums_medium_entropy().then_some(Column::EntropyMedium);
    let path = (!matches!(integrator, Integrator::Heun | Integrator::HeunStratonovich)).then_some(Column::EntropyPath);
    let parts = integrator.is_splitting().then_some(Column::HeatPath);
    std::iter::once(Column::Work).chain((0..d).map(Column::Heat)).chain(medium).chain(path).chain(parts).filter(move |_| defined)
}

fn choose(experiment: &Experiment, system: &System) -> Result<Integrator, PlanError> {
    let one = system.dimension() == 1;
    if system.interpretation().is_some() {
        return multiplicative(experiment.ensemble.integrator);
    }
    match experiment.ensemble.integrator {
        IntegratorChoice::Auto if system.is_linear() => Ok(Integrator::ExactLinear),
        IntegratorChoice::Auto if one && !system.has_odd_variables() => Ok(Integrator::WeakTaylor),
        IntegratorChoice::Auto | IntegratorChoice::EulerMaruyama => Ok(Integrator::EulerMaruyama),
        IntegratorChoice::Heun => Ok(Integrator::Heun),
        IntegratorChoice::WeakTaylor if system.has_odd_variables() => {
            Err(PlanError::Integrator { integrator: "weak-taylor", reason: "its path ledger is that of even variables", advice: "use \"auto\"" })
        }
        IntegratorChoice::WeakTaylor if one => Ok(Integrator::WeakTaylor),
        IntegratorChoice::WeakTaylor => {
            Err(PlanError::Integrator { integrator: "weak-taylor", reason: "it is written for one coordinate", advice: "use \"euler-maruyama\" or \"heun\"" })
        }
        IntegratorChoice::ExactLinear if system.is_linear() => Ok(Integrator::ExactLinear),
        IntegratorChoice::Baoab | IntegratorChoice::Obabo | IntegratorChoice::Gjf => Err(PlanError::Integrator {
            integrator: "baoab, obabo or gjf",
            reason: "it moves velocities, which overdamped dynamics has not",
            advice: "use \"auto\", or kind = \"underdamped\" with a mass",
        }),
        IntegratorChoice::ExactLinear => Err(PlanError::Integrator {
            integrator: "exact-linear",
            reason: "it needs forces linear in the coordinates, neither periodic nor between walls",
            advice: "use \"auto\"",
        }),
    }
}

/// The scheme for noise that depends on place.
fn multiplicative(choice: IntegratorChoice) -> Result<Integrator, PlanError> {
    let refused = |integrator, reason| Err(PlanError::Integrator { integrator, reason, advice: "use \"auto\", \"euler-maruyama\" or \"heun\"" });
    match choice {
        IntegratorChoice::Auto | IntegratorChoice::EulerMaruyama => Ok(Integrator::EulerMaruyamaIto),
        IntegratorChoice::Heun => Ok(Integrator::HeunStratonovich),
        IntegratorChoice::WeakTaylor => refused("weak-taylor", "with multiplicative noise its steps are not Gaussian, so that it would have no path ledger"),
        IntegratorChoice::Baoab | IntegratorChoice::Obabo | IntegratorChoice::Gjf => {
            refused("baoab, obabo or gjf", "it moves velocities, which overdamped dynamics has not")
        }
        IntegratorChoice::ExactLinear => refused("exact-linear", "the noise is multiplicative"),
    }
}

pub(super) struct Compiler<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) model: &'a OverdampedModel,
    pub(super) graph: Graph,
    pub(super) slots: Slots,
    parameters: Vec<f64>,
    pub(super) moving: Vec<u16>,
    /// Columns filled here: their index, and a value a step.
    external: Vec<(u16, Vec<f64>)>,
    stream: Stream,
    fixed: Vec<Option<f64>>,
}

impl<'a> Compiler<'a> {
    fn new(experiment: &'a Experiment, model: &'a OverdampedModel, table: &[Vec<f64>], stream: Stream) -> Self {
        // Only moves that a step makes count: the one after the last step is the host's.
        let steps = table.first().map_or(0, |values| values.len() - 1);
        let fixed: Vec<Option<f64>> = table.iter().map(|values| values[..steps].iter().all(|&v| v == values[0]).then_some(values[0])).collect();
        Self {
            experiment,
            model,
            graph: experiment.graph.clone(),
            slots: Slots::default(),
            parameters: experiment.parameters.iter().map(|p| p.value).collect(),
            moving: (0..).zip(&fixed).filter(|(_, fixed)| fixed.is_none()).map(|(i, _)| i).collect(),
            external: Vec::new(),
            stream,
            fixed,
        }
    }

    /// A formula with the protocol variables that never move replaced by their values.
    pub(super) fn settled(&mut self, node: Node) -> Node {
        let constants: Vec<Option<Node>> = self.fixed.clone().into_iter().map(|value| value.map(|v| self.graph.constant(v))).collect();
        self.graph.substitute(node, &|symbol| match symbol {
            Symbol::Protocol(i) => constants[i as usize],
            _ => None,
        })
    }

    fn dynamics(&mut self, integrator: Integrator, system: &System, (table, affinity): (&[Vec<f64>], Option<&Affinity>)) -> Result<Overdamped, PlanError> {
        let d = self.model.coordinates.len();
        let potential = self.settled(self.model.potential);
        let drives: Vec<Option<Node>> = self.model.drives.clone().into_iter().map(|drive| drive.map(|node| self.settled(node))).collect();
        let mut outputs: Vec<Node> = (0..d).map(|i| total_force(&mut self.graph, potential, drives[i], i as u16)).collect();
        let (drives, reversal) = match self.reversal(&drives, system.sums_medium_entropy(), &mut outputs) {
            Some(parts) => (parts.drives, Some(Box::new(parts.reversal))),
            None => (drives, None),
        };
        let mut drive_outputs = vec![None; d];
        for (i, drive) in drives.iter().enumerate() {
            if let Some(node) = drive.filter(|&node| self.graph.as_constant(node) != Some(0.0)) {
                drive_outputs[i] = Some(outputs.len() as u16);
                outputs.push(node);
            }
        }
        let law = self.step_law(integrator, &mut outputs);
        let medium = system.sums_medium_entropy().then(|| {
            let first = outputs.len() as u16;
            for i in 0..d {
                let node = medium_force(&mut self.graph, outputs[reversal.as_ref().map_or(i, |odd| usize::from(odd.irreversible[i]))], self.model, i as u16);
                let node = self.settled(node);
                outputs.push(node);
            }
            (first..first + d as u16).collect()
        });
        let heat = reversal.as_ref().map_or(0, |odd| odd.irreversible[0]);
        let summed = [Some(heat), drive_outputs[0], medium.as_ref().map(|medium: &Vec<u16>| medium[0])];
        let curved = d == 1 && !self.model.is_underdamped() && integrator != Integrator::ExactLinear;
        let slopes = if curved { self.slopes(summed.into_iter().flatten(), &mut outputs) } else { Vec::new() };
        let infimum = affinity.map(|affinity| {
            let first = outputs.len() as u16;
            outputs.extend(affinity.formulas(&mut self.graph));
            Infimum { affinity: (first..outputs.len() as u16).collect() }
        });
        let force = compile_program(&self.graph, &outputs, &mut self.slots)?;
        let protocol_work = match self.protocol_work(potential) {
            Some(node) => Some(compile_program(&self.graph, &[node], &mut self.slots)?),
            None => None,
        };
        let inertia = if self.model.is_underdamped() { Some(self.inertia(integrator, system)?) } else { None };
        // Neither with inertia nor with multiplicative noise is there a mobility.
        let mobile = inertia.is_none() && self.model.interpretation.is_none();
        let coefficients: Vec<[Node; 4]> = if mobile { (0..d).map(|i| self.coefficients(i)).collect() } else { Vec::new() };
        let mut operands = |k: usize| coefficients.iter().map(|c| self.slots.operand(&self.graph, c[k])).collect::<Result<Vec<_>, _>>();
        let (mobility, noise, half_beta, quarter) = (operands(0)?, operands(1)?, operands(2)?, operands(3)?);
        let linear = match (integrator, &inertia) {
            (Integrator::ExactLinear, None) => Some(Box::new(self.linear_step(system, table)?)),
            (Integrator::ExactLinear, Some(_)) => Some(Box::new(self.inertial_step(system, table)?)),
            _ => None,
        };
        Ok(Overdamped {
            integrator,
            protocol_work,
            force_is_constant: !force.reads_schedule(),
            force,
            drives: drive_outputs,
            law,
            slopes,
            medium,
            mobility,
            noise,
            half_beta,
            quarter,
            linear,
            inertia,
            reversal,
            surprise: None,
            infimum,
        })
    }

    /// Appends the slopes of outputs in the one coordinate there is, where they depend on place.
    fn slopes(&mut self, summed: impl Iterator<Item = u16>, outputs: &mut Vec<Node>) -> Vec<(u16, u16)> {
        let mut slopes = Vec::new();
        for output in summed {
            let slope = self.graph.derivative(outputs[usize::from(output)], Symbol::Coordinate(0));
            if self.graph.depends_on(slope, &|symbol| symbol == Symbol::Coordinate(0)) {
                slopes.push((output, outputs.len() as u16));
                outputs.push(slope);
            }
        }
        slopes
    }

    /// Appends mean and width of a step to the outputs, where they depend on place.
    fn step_law(&mut self, integrator: Integrator, outputs: &mut Vec<Node>) -> Option<StepLaw> {
        let first = outputs.len() as u16;
        match integrator {
            Integrator::WeakTaylor => {
                let (mean, width) = self.weak_taylor(outputs[0]);
                outputs.extend([mean, width]);
            }
            Integrator::EulerMaruyamaIto | Integrator::HeunStratonovich => {
                for i in 0..self.model.coordinates.len() {
                    let (mean, width) = self.multiplicative_step(outputs[i], i, integrator);
                    outputs.extend([mean, width]);
                }
            }
            Integrator::EulerMaruyama | Integrator::Heun | Integrator::ExactLinear | Integrator::Baoab | Integrator::Obabo | Integrator::Gjf => return None,
        }
        let end = outputs.len() as u16;
        let (mean, width): (Vec<u16>, Vec<u16>) = ((first..end).step_by(2).collect(), (first + 1..end).step_by(2).collect());
        let back = if integrator == Integrator::EulerMaruyamaIto { self.back_step(&width, outputs) } else { None };
        Some(StepLaw { mean, width, back })
    }

    /// Appends what the end-point rule backwards needs, where every width depends on its own coordinate alone.
    fn back_step(&mut self, width: &[u16], outputs: &mut Vec<Node>) -> Option<BackStep> {
        let other = |i: usize| move |symbol: Symbol| matches!(symbol, Symbol::Coordinate(j) if usize::from(j) != i);
        if width.iter().enumerate().any(|(i, &output)| self.graph.depends_on(outputs[usize::from(output)], &other(i))) {
            return None;
        }
        let mut back = BackStep { drift: Vec::new(), slope: Vec::new() };
        for (i, &output) in width.iter().enumerate() {
            let medium = medium_force(&mut self.graph, outputs[i], self.model, i as u16);
            let (medium, friction, temperature) = (self.settled(medium), self.settled(self.model.friction[i]), self.settled(self.model.temperature[i]));
            let graph = &mut self.graph;
            let dt = graph.symbol(Symbol::TimeStep);
            let diffusion = graph.div(temperature, friction);
            let velocity = graph.mul(diffusion, medium);
            let drift = graph.mul(dt, velocity);
            let slope = graph.derivative(outputs[usize::from(output)], Symbol::Coordinate(i as u16));
            back.drift.push(outputs.len() as u16);
            back.slope.push(outputs.len() as u16 + 1);
            outputs.extend([drift, slope]);
        }
        Some(back)
    }

    /// Mean and width of a step with multiplicative noise, `D = T/γ`: `m = dt (F/γ + c ∂D)` and `s = sqrt(2 D dt)`, where `c = 1 − a` makes the
    /// drift that of the Itô equation (PHYSICS: Itô 0, Stratonovich ½, anti-Itô 1) and `½ − a` that of the Stratonovich one.
    fn multiplicative_step(&mut self, force: Node, i: usize, integrator: Integrator) -> (Node, Node) {
        let spurious = self.model.interpretation.map_or(0.0, Interpretation::spurious_weight);
        let weight = if integrator == Integrator::HeunStratonovich { 0.5 - spurious } else { 1.0 - spurious };
        let (friction, temperature) = (self.settled(self.model.friction[i]), self.settled(self.model.temperature[i]));
        let graph = &mut self.graph;
        let (dt, two, weight) = (graph.symbol(Symbol::TimeStep), graph.constant(2.0), graph.constant(weight));
        let diffusion = graph.div(temperature, friction);
        let slope = graph.derivative(diffusion, Symbol::Coordinate(i as u16));
        let drift = graph.div(force, friction);
        let correction = graph.mul(weight, slope);
        let sum = graph.add(drift, correction);
        let mean = graph.mul(dt, sum);
        let doubled = graph.mul(two, dt);
        let variance = graph.mul(doubled, diffusion);
        (mean, graph.call(Function::Sqrt, &[variance]))
    }

    /// Work of a step's protocol move at fixed coordinates. Where the potential is at most quadratic in what moves, the slope at the
    /// middle of the move times the move is exact and loses no digits; elsewhere it is the difference of two energies.
    fn protocol_work(&mut self, potential: Node) -> Option<Node> {
        let moving: Vec<Symbol> = self.moving.iter().map(|&i| Symbol::Protocol(i)).collect();
        let graph = &mut self.graph;
        if !graph.depends_on(potential, &|symbol| moving.contains(&symbol)) {
            return None;
        }
        let node = if graph.is_polynomial_of_degree(potential, &moving, 2) {
            let mut sum = graph.constant(0.0);
            for &i in &self.moving {
                let slope = graph.derivative(potential, Symbol::Protocol(i));
                let change = graph.symbol(Symbol::ProtocolChange(i));
                let term = graph.mul(slope, change);
                sum = graph.add(sum, term);
            }
            let middles: Vec<Node> = (0..self.fixed.len()).map(|i| graph.symbol(Symbol::ProtocolMiddle(i as u16))).collect();
            graph.substitute(sum, &|symbol| match symbol {
                Symbol::Protocol(i) => Some(middles[i as usize]),
                _ => None,
            })
        } else {
            let previous: Vec<Node> = (0..self.fixed.len()).map(|i| graph.symbol(Symbol::ProtocolPrevious(i as u16))).collect();
            let before = graph.substitute(potential, &|symbol| match symbol {
                Symbol::Protocol(i) => Some(previous[i as usize]),
                _ => None,
            });
            graph.sub(potential, before)
        };
        Some(node)
    }

    /// `dt/γ`, `sqrt(2T dt/γ)`, `1/(2T)`, `dt/(4γT)` of a coordinate.
    fn coefficients(&mut self, i: usize) -> [Node; 4] {
        let (friction, temperature) = (self.settled(self.model.friction[i]), self.settled(self.model.temperature[i]));
        let graph = &mut self.graph;
        let dt = graph.symbol(Symbol::TimeStep);
        let (two, four, one) = (graph.constant(2.0), graph.constant(4.0), graph.constant(1.0));
        let mobility = graph.div(dt, friction);
        let doubled = graph.mul(two, temperature);
        let variance = graph.mul(doubled, mobility);
        let noise = graph.call(Function::Sqrt, &[variance]);
        let half_beta = graph.div(one, doubled);
        let fourfold = graph.mul(four, temperature);
        let quarter = graph.div(mobility, fourfold);
        [mobility, noise, half_beta, quarter]
    }

    /// Mean and width of the simplified weak Taylor step of order 2 (Kloeden & Platen, §14.2, additive noise):
    /// `m = μF + ½μ²(F F' + T F'')`, `s = sqrt(2Tμ)(1 + ½μF')`, with `μ = dt/γ`.
    fn weak_taylor(&mut self, force: Node) -> (Node, Node) {
        let [mobility, noise, ..] = self.coefficients(0);
        let temperature = self.settled(self.model.temperature[0]);
        let graph = &mut self.graph;
        let slope = graph.derivative(force, Symbol::Coordinate(0));
        let curvature = graph.derivative(slope, Symbol::Coordinate(0));
        let (half, one) = (graph.constant(0.5), graph.constant(1.0));
        let first = graph.mul(mobility, force);
        let advected = graph.mul(force, slope);
        let diffused = graph.mul(temperature, curvature);
        let sum = graph.add(advected, diffused);
        let half_mobility = graph.mul(half, mobility);
        let half_square = graph.mul(half_mobility, mobility);
        let second = graph.mul(half_square, sum);
        let mean = graph.add(first, second);
        let stretch = graph.mul(half_mobility, slope);
        let factor = graph.add(one, stretch);
        (mean, graph.mul(noise, factor))
    }

    /// The operand of a number given for every step: a constant where it never changes.
    pub(super) fn external(&mut self, column: Vec<f64>) -> Result<Operand, CompileError> {
        if column.iter().all(|&value| value == column[0]) {
            return self.slots.external_constant(column[0]);
        }
        let operand = self.slots.external_column()?;
        if let Operand::Scheduled(index) = operand {
            self.external.push((index, column));
        }
        Ok(operand)
    }

    fn uniforms(&self, table: &[Vec<f64>]) -> Result<Uniforms, PlanError> {
        let steps = self.experiment.steps;
        let environment = |from: Vec<f64>, to: Vec<f64>| {
            move |symbol: Symbol| match symbol {
                Symbol::Parameter(i) => self.parameters[i as usize],
                Symbol::Protocol(i) => to[i as usize],
                Symbol::ProtocolPrevious(i) => from[i as usize],
                Symbol::ProtocolMiddle(i) => 0.5 * (from[i as usize] + to[i as usize]),
                Symbol::ProtocolChange(i) => to[i as usize] - from[i as usize],
                Symbol::TimeStep => self.experiment.ensemble.dt,
                Symbol::Coordinate(_) | Symbol::Time => f64::NAN,
            }
        };
        let first = protocol_at(table, 0);
        let resting_environment = environment(first.clone(), first);
        let constants = self.slots.constants(&resting_environment);
        let columns = self.slots.columns();
        let saves = steps / self.experiment.save_every + 1;
        let entries = columns as u64 * (steps + saves);
        if entries > TABLE_LIMIT {
            return Err(PlanError::ProtocolTable { entries, limit: TABLE_LIMIT });
        }
        let mut evaluator = self.slots.rows();
        let mut rows = vec![0.0; entries as usize];
        let mut resting = vec![0.0; columns];
        if columns > 0 {
            evaluator.fill(&resting_environment, &mut resting);
            for (n, row) in rows.chunks_exact_mut(columns).enumerate() {
                let (from, to) = match (n as u64).checked_sub(steps) {
                    None => (protocol_at(table, n), protocol_at(table, n + 1)),
                    Some(save) => self.move_to_save(table, save),
                };
                evaluator.fill(&environment(from, to), row);
            }
        }
        for (index, values) in &self.external {
            let index = usize::from(*index);
            resting[index] = values[0];
            for (row, value) in rows.chunks_exact_mut(columns).zip(values) {
                row[index] = *value;
            }
        }
        Ok(Uniforms { constants, columns, rows, resting })
    }

    /// The protocol as the last step before a save left it, and its value at the time of the save.
    fn move_to_save(&self, table: &[Vec<f64>], save: u64) -> (Vec<f64>, Vec<f64>) {
        let step = save * self.experiment.save_every;
        let from = protocol_at(table, step as usize);
        let to = match (step, self.stream) {
            (0, _) => from.clone(),
            (step, Stream::Forward) if step == self.experiment.steps => protocol_at(table, step as usize + 1),
            (step, Stream::Forward) => self.experiment.protocol_at(step as f64 * self.experiment.ensemble.dt),
            (step, Stream::Reverse) => self.experiment.protocol_at((self.experiment.steps - step) as f64 * self.experiment.ensemble.dt),
        };
        (from, to)
    }
}
