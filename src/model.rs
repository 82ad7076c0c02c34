//! The physics of an experiment as numbers: potential, forces and baths at given coordinates and protocol values.
//!
//! Evaluated from the parsed formulas in f64, with no kernel in between, so that exact values and energies are
//! independent of what advances the trajectories.

use nalgebra::{DMatrix, DVector};

use crate::coordinate::Boundary;
use crate::experiment::{Experiment, Interpretation, OverdampedModel, Parity, total_force, unstated};
use crate::expression::{Graph, Node, Sheets, Symbol};

/// A Langevin model with its parameters in place. `d` is the number of coordinates, velocities not counted.
pub struct System {
    graph: Graph,
    /// All that is evaluated.
    sheets: Sheets,
    parameters: Vec<f64>,
    potential: Node,
    forces: Vec<Node>,
    drives: Vec<Option<Node>>,
    /// Ranges of the coordinates.
    pub boundaries: Vec<Boundary>,
    /// Names of the coordinates.
    pub names: Vec<String>,
    /// Friction of each coordinate; NaN where it depends on place or protocol, see [`System::friction_at`].
    pub friction: Vec<f64>,
    /// Temperature of each coordinate's bath; NaN where it depends on place or protocol, see [`System::temperature_at`].
    pub temperature: Vec<f64>,
    noise: Noise,
    /// Mass of each coordinate; empty for overdamped dynamics.
    pub mass: Vec<f64>,
    quadratic: bool,
    linear: bool,
    parity: Parity,
    /// `ε_i F_i(εx; ελ)`, the forces of motion backwards; empty where all variables are even.
    back: Vec<Node>,
    /// Names of what is odd.
    odd_names: Vec<String>,
}

/// Frictions and temperatures as formulas.
struct Noise {
    friction: Vec<Node>,
    temperature: Vec<Node>,
    /// What the medium gains along a coordinate, `F_i/T_i − a ∂_i ln D_i`.
    medium_forces: Vec<Node>,
    interpretation: Option<Interpretation>,
    /// Whether the protocol moves a temperature.
    temperature_moves: bool,
}

/// A force linear in the coordinates: `F = b − K x`.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearForce {
    /// `K`, `d × d`.
    pub stiffness: DMatrix<f64>,
    /// `b`, length `d`.
    pub constant: DVector<f64>,
}

impl LinearForce {
    /// `b − K x`.
    pub fn at(&self, x: &DVector<f64>) -> DVector<f64> {
        &self.constant - &self.stiffness * x
    }
}

impl System {
    /// The system of an experiment.
    pub fn of(experiment: &Experiment, model: &OverdampedModel) -> Self {
        let mut graph = experiment.graph.clone();
        let d = model.coordinates.len() as u16;
        let forces: Vec<Node> = (0..d).map(|i| total_force(&mut graph, model.potential, model.drives[i as usize], i)).collect();
        let parameters: Vec<f64> = experiment.parameters.iter().map(|p| p.value).collect();
        let uniform = |nodes: &[Node], graph: &Graph| -> Vec<f64> {
            let varies = |node: Node| graph.depends_on(node, &|symbol| matches!(symbol, Symbol::Coordinate(_) | Symbol::Protocol(_)));
            nodes.iter().map(|&n| if varies(n) { f64::NAN } else { evaluate(graph, n, &parameters, &[], &[]) }).collect()
        };
        let medium_forces = (0..d).map(|i| medium_force(&mut graph, forces[i as usize], model, i)).collect();
        let noise = Noise {
            friction: model.friction.clone(),
            temperature: model.temperature.clone(),
            medium_forces,
            interpretation: model.interpretation,
            temperature_moves: model.temperature.iter().any(|&node| graph.depends_on(node, &|symbol| matches!(symbol, Symbol::Protocol(_)))),
        };
        let (friction, temperature) = (uniform(&model.friction, &graph), uniform(&model.temperature, &graph));
        let mass = uniform(&model.mass, &graph);
        let temperature = settled_temperatures(temperature, &friction);
        let coordinates: Vec<Symbol> = (0..d).map(Symbol::Coordinate).collect();
        let quadratic = graph.is_polynomial_of_degree(model.potential, &coordinates, 2);
        let linear_drives = model.drives.iter().flatten().all(|&drive| graph.is_polynomial_of_degree(drive, &coordinates, 1));
        let boundaries: Vec<Boundary> = model.coordinates.iter().map(|c| c.boundary).collect();
        let open = boundaries.iter().all(|b| *b == Boundary::Open);
        let back = if model.parity.odd.is_empty() {
            Vec::new()
        } else {
            forces.iter().enumerate().map(|(i, &force)| model.parity.turned_back(&mut graph, force, i)).collect()
        };
        let name = |symbol: &Symbol| match symbol {
            Symbol::Coordinate(i) => model.coordinates[usize::from(*i)].name.clone(),
            Symbol::Protocol(i) => experiment.protocol.variables[usize::from(*i)].name.clone(),
            Symbol::Parameter(i) => experiment.parameters[usize::from(*i)].name.clone(),
            other => format!("{other:?}"),
        };
        let formulas = [&forces, &noise.friction, &noise.temperature, &noise.medium_forces, &back].into_iter().flatten().copied();
        let sheets = Sheets::of(&graph, formulas.chain([model.potential]).chain(model.drives.iter().flatten().copied()));
        Self {
            sheets,
            odd_names: model.parity.odd.iter().map(name).collect(),
            parity: model.parity.clone(),
            back,
            forces,
            parameters,
            potential: model.potential,
            drives: model.drives.clone(),
            names: model.coordinates.iter().map(|c| c.name.clone()).collect(),
            boundaries,
            friction,
            temperature,
            mass,
            quadratic,
            linear: quadratic && linear_drives && open && model.interpretation.is_none(),
            noise,
            graph,
        }
    }

    /// Number of coordinates.
    pub fn dimension(&self) -> usize {
        self.forces.len()
    }

    fn value(&self, node: Node, x: &[f64], protocol: &[f64]) -> f64 {
        self.sheets.evaluate(node, &|symbol| meaning(symbol, &self.parameters, x, protocol))
    }

    /// Potential energy.
    pub fn potential(&self, x: &[f64], protocol: &[f64]) -> f64 {
        self.value(self.potential, x, protocol)
    }

    /// Total force on a coordinate.
    pub fn force(&self, i: usize, x: &[f64], protocol: &[f64]) -> f64 {
        self.value(self.forces[i], x, protocol)
    }

    /// Non-conservative part of the force on a coordinate.
    pub fn drive(&self, i: usize, x: &[f64], protocol: &[f64]) -> f64 {
        self.drives[i].map_or(0.0, |node| self.value(node, x, protocol))
    }

    /// Whether a non-conservative force that is not zero acts anywhere.
    pub fn is_driven(&self) -> bool {
        self.drives.iter().flatten().any(|&node| !self.vanishes(node))
    }

    fn vanishes(&self, node: Node) -> bool {
        let depends = self.graph.depends_on(node, &|symbol| matches!(symbol, Symbol::Coordinate(_) | Symbol::Protocol(_) | Symbol::Time));
        !depends && evaluate(&self.graph, node, &self.parameters, &[], &[]) == 0.0
    }

    /// Whether the potential is quadratic in the coordinates.
    pub fn is_quadratic(&self) -> bool {
        self.quadratic
    }

    /// Whether every force is linear in the coordinates and nothing bounds them.
    pub fn is_linear(&self) -> bool {
        self.linear
    }

    /// The one temperature of all baths, if it is one at all places and times, and Boltzmann's law stands still in it.
    pub fn single_temperature(&self) -> Option<f64> {
        let first = *self.temperature.first()?;
        (self.temperature.iter().all(|&t| t == first) && self.canonical(&[]).is_ok()).then_some(first)
    }

    /// The temperature of Boltzmann's law at given protocol values, or why no such law stands still there.
    pub fn canonical(&self, protocol: &[f64]) -> Result<f64, String> {
        let place = |node: Node| self.graph.depends_on(node, &|symbol| matches!(symbol, Symbol::Coordinate(_)));
        if self.noise.temperature.iter().any(|&node| place(node)) {
            return Err("the temperature depends on place".to_owned());
        }
        if self.noise.interpretation.is_some_and(|interpretation| interpretation != Interpretation::AntiIto) {
            return Err("with multiplicative noise that is not anti-Itô, Boltzmann's law of the potential does not stand still".to_owned());
        }
        let origin = vec![0.0; self.dimension()];
        // Without protocol values a temperature that moves counts as none.
        let values: Vec<f64> = if protocol.is_empty() && self.noise.temperature_moves || self.is_underdamped() {
            self.temperature.clone()
        } else {
            (0..self.dimension()).map(|i| self.temperature_at(i, &origin, protocol)).collect()
        };
        match values.first() {
            Some(&first) if values.iter().all(|value| *value == first) => Ok(first),
            _ if self.noise.temperature_moves => Err("the temperature depends on time".to_owned()),
            _ => Err("the temperatures of the baths differ".to_owned()),
        }
    }

    /// Friction of a coordinate.
    pub fn friction_at(&self, i: usize, x: &[f64], protocol: &[f64]) -> f64 {
        self.value(self.noise.friction[i], x, protocol)
    }

    /// Temperature of the bath of a coordinate.
    pub fn temperature_at(&self, i: usize, x: &[f64], protocol: &[f64]) -> f64 {
        self.value(self.noise.temperature[i], x, protocol)
    }

    /// Diffusion coefficient of a coordinate, `T/γ`.
    pub fn diffusion_at(&self, i: usize, x: &[f64], protocol: &[f64]) -> f64 {
        self.temperature_at(i, x, protocol) / self.friction_at(i, x, protocol)
    }

    /// What the medium gains along a coordinate: `F_i/T_i − a ∂_i ln D_i`.
    pub fn medium_force(&self, i: usize, x: &[f64], protocol: &[f64]) -> f64 {
        self.value(self.noise.medium_forces[i], x, protocol)
    }

    /// How multiplicative noise is read; `None` where no friction or temperature depends on a coordinate.
    pub fn interpretation(&self) -> Option<Interpretation> {
        self.noise.interpretation
    }

    /// Whether the medium's entropy is more than heat over a fixed temperature, so that a run must sum it along the path.
    pub fn sums_medium_entropy(&self) -> bool {
        self.noise.interpretation.is_some() || self.noise.temperature_moves
    }

    /// Whether any friction or temperature depends on place or protocol.
    pub fn bath_varies(&self) -> bool {
        self.friction.iter().chain(&self.temperature).any(|value| value.is_nan())
    }

    /// Whether the baths of two coordinates are one: the same temperature at all places and times.
    pub fn share_a_bath(&self, i: usize, j: usize) -> bool {
        self.temperature[i] == self.temperature[j] || self.noise.temperature[i] == self.noise.temperature[j]
    }

    /// Whether a bath acts on a coordinate: there is none without friction.
    pub fn is_bathed(&self, i: usize) -> bool {
        self.friction[i] > 0.0
    }

    /// Whether velocities are part of the state.
    pub fn is_underdamped(&self) -> bool {
        !self.mass.is_empty()
    }

    /// Length of the state: coordinates and, for underdamped dynamics, velocities.
    pub fn state_dimension(&self) -> usize {
        self.dimension() + self.mass.len()
    }

    /// Kinetic energy of a state `(x, v)`; 0 for overdamped dynamics.
    pub fn kinetic_energy(&self, state: &[f64]) -> f64 {
        self.mass.iter().zip(&state[self.dimension().min(state.len())..]).map(|(mass, v)| 0.5 * mass * v * v).sum()
    }

    /// Potential and kinetic energy of a state.
    pub fn energy(&self, state: &[f64], protocol: &[f64]) -> f64 {
        self.potential(state, protocol) + self.kinetic_energy(state)
    }

    /// Whether anything but velocities is odd under time reversal.
    pub fn has_odd_variables(&self) -> bool {
        !self.back.is_empty()
    }

    /// What of the state or of the protocol is odd under time reversal, in words; `None` where all is even.
    pub fn odd_variables(&self) -> Option<String> {
        if self.is_underdamped() {
            return Some("velocities are".to_owned());
        }
        let names: Vec<String> = self.odd_names.iter().map(|name| format!("`{name}`")).collect();
        (!names.is_empty()).then(|| format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" }))
    }

    /// Whether a number of the state, velocities after coordinates, is odd under time reversal.
    pub fn is_odd(&self, i: usize) -> bool {
        i >= self.dimension() || self.parity.is_odd(i)
    }

    /// Why heat and entropy are not defined, where the parity of what drives the model is not stated.
    pub fn unstated_parity(&self) -> Option<String> {
        let names: Vec<&str> = self.parity.unstated.iter().map(|i| self.names[usize::from(*i)].as_str()).collect();
        (!names.is_empty()).then(|| unstated(&names))
    }

    /// Whether no non-conservative force depends on where the coordinates are.
    pub fn has_uniform_drives(&self) -> bool {
        let depends = |&node: &Node| self.graph.depends_on(node, &|symbol| matches!(symbol, Symbol::Coordinate(_)));
        !self.drives.iter().flatten().any(depends)
    }

    /// The linear force at given protocol values; `None` unless [`System::is_linear`].
    pub fn linear_force(&self, protocol: &[f64]) -> Option<LinearForce> {
        if !self.linear {
            return None;
        }
        Some(self.linear_of(&|i, x| self.force(i, x, protocol)))
    }

    /// The linear force of motion backwards, `ε F(εx; ελ)`: the same where all variables are even.
    pub fn linear_back_force(&self, protocol: &[f64]) -> Option<LinearForce> {
        if self.back.is_empty() {
            return self.linear_force(protocol);
        }
        self.linear.then(|| self.linear_of(&|i, x| self.value(self.back[i], x, protocol)))
    }

    /// The linear drives at given protocol values.
    pub fn linear_drive(&self, protocol: &[f64]) -> LinearForce {
        self.linear_of(&|i, x| self.drive(i, x, protocol))
    }

    /// Constant and slopes of a linear function.
    fn linear_of(&self, function: &dyn Fn(usize, &[f64]) -> f64) -> LinearForce {
        let d = self.dimension();
        let origin = vec![0.0; d];
        let constant = DVector::from_fn(d, |i, _| function(i, &origin));
        let stiffness = DMatrix::from_fn(d, d, |i, j| {
            let mut unit = origin.clone();
            unit[j] = 1.0;
            constant[i] - function(i, &unit)
        });
        LinearForce { stiffness, constant }
    }
}

/// A coordinate without a bath has no say in what temperature there is, where all baths have one.
fn settled_temperatures(temperature: Vec<f64>, friction: &[f64]) -> Vec<f64> {
    let mut bathed = temperature.iter().zip(friction).filter(|(_, friction)| **friction > 0.0).map(|(temperature, _)| *temperature);
    match bathed.next() {
        Some(first) if bathed.all(|t| t == first) => vec![first; temperature.len()],
        _ => temperature,
    }
}

/// `F_i/T_i − a ∂_i ln D_i` as a node, `D_i = T_i/γ_i`.
pub fn medium_force(graph: &mut Graph, force: Node, model: &OverdampedModel, i: u16) -> Node {
    let (friction, temperature) = (model.friction[usize::from(i)], model.temperature[usize::from(i)]);
    let conservative = graph.div(force, temperature);
    let weight = model.interpretation.map_or(0.0, Interpretation::spurious_weight);
    if weight == 0.0 {
        return conservative;
    }
    let diffusion = graph.div(temperature, friction);
    let slope = graph.derivative(diffusion, Symbol::Coordinate(i));
    let relative = graph.div(slope, diffusion);
    let weight = graph.constant(weight);
    let spurious = graph.mul(weight, relative);
    graph.sub(conservative, spurious)
}

fn evaluate(graph: &Graph, node: Node, parameters: &[f64], x: &[f64], protocol: &[f64]) -> f64 {
    graph.evaluate(node, &|symbol| meaning(symbol, parameters, x, protocol))
}

/// The number that a symbol stands for.
fn meaning(symbol: Symbol, parameters: &[f64], x: &[f64], protocol: &[f64]) -> f64 {
    match symbol {
        Symbol::Coordinate(i) => x[i as usize],
        Symbol::Parameter(i) => parameters[i as usize],
        Symbol::Protocol(i) => protocol[i as usize],
        _ => f64::NAN,
    }
}
