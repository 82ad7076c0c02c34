//! The physics of an experiment as numbers: potential, forces and baths at given coordinates and protocol values.
//!
//! Evaluated from the parsed formulas in f64, with no kernel in between, so that exact values and energies are
//! independent of what advances the trajectories.

use nalgebra::{DMatrix, DVector};

use crate::coordinate::Boundary;
use crate::experiment::{Experiment, OverdampedModel};
use crate::expression::{Graph, Node, Symbol};

/// An overdamped model with its parameters in place.
pub struct System {
    graph: Graph,
    parameters: Vec<f64>,
    potential: Node,
    forces: Vec<Node>,
    drives: Vec<Option<Node>>,
    /// Ranges of the coordinates.
    pub boundaries: Vec<Boundary>,
    /// Names of the coordinates.
    pub names: Vec<String>,
    /// Friction of each coordinate.
    pub friction: Vec<f64>,
    /// Temperature of each coordinate's bath.
    pub temperature: Vec<f64>,
    quadratic: bool,
    linear: bool,
}

/// A force linear in the coordinates: `F = b − K x`.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearForce {
    /// `K`, `d × d`.
    pub stiffness: DMatrix<f64>,
    /// `b`, length `d`.
    pub constant: DVector<f64>,
}

impl System {
    /// The system of an experiment.
    pub fn of(experiment: &Experiment, model: &OverdampedModel) -> Self {
        let mut graph = experiment.graph.clone();
        let d = model.coordinates.len() as u16;
        let forces: Vec<Node> = (0..d).map(|i| total_force(&mut graph, model.potential, model.drives[i as usize], i)).collect();
        let parameters: Vec<f64> = experiment.parameters.iter().map(|p| p.value).collect();
        let uniform = |nodes: &[Node], graph: &Graph| -> Vec<f64> { nodes.iter().map(|&n| evaluate(graph, n, &parameters, &[], &[])).collect() };
        let (friction, temperature) = (uniform(&model.friction, &graph), uniform(&model.temperature, &graph));
        let coordinates: Vec<Symbol> = (0..d).map(Symbol::Coordinate).collect();
        let quadratic = graph.is_polynomial_of_degree(model.potential, &coordinates, 2);
        let linear_drives = model.drives.iter().flatten().all(|&drive| graph.is_polynomial_of_degree(drive, &coordinates, 1));
        let boundaries: Vec<Boundary> = model.coordinates.iter().map(|c| c.boundary).collect();
        let open = boundaries.iter().all(|b| *b == Boundary::Open);
        Self {
            forces,
            parameters,
            potential: model.potential,
            drives: model.drives.clone(),
            names: model.coordinates.iter().map(|c| c.name.clone()).collect(),
            boundaries,
            friction,
            temperature,
            quadratic,
            linear: quadratic && linear_drives && open,
            graph,
        }
    }

    /// Number of coordinates.
    pub fn dimension(&self) -> usize {
        self.forces.len()
    }

    /// Potential energy.
    pub fn potential(&self, x: &[f64], protocol: &[f64]) -> f64 {
        evaluate(&self.graph, self.potential, &self.parameters, x, protocol)
    }

    /// Total force on a coordinate.
    pub fn force(&self, i: usize, x: &[f64], protocol: &[f64]) -> f64 {
        evaluate(&self.graph, self.forces[i], &self.parameters, x, protocol)
    }

    /// Non-conservative part of the force on a coordinate.
    pub fn drive(&self, i: usize, x: &[f64], protocol: &[f64]) -> f64 {
        self.drives[i].map_or(0.0, |node| evaluate(&self.graph, node, &self.parameters, x, protocol))
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

    /// The one temperature of all baths, if it is one.
    pub fn single_temperature(&self) -> Option<f64> {
        let first = *self.temperature.first()?;
        self.temperature.iter().all(|&t| t == first).then_some(first)
    }

    /// The linear force at given protocol values; `None` unless [`System::is_linear`].
    pub fn linear_force(&self, protocol: &[f64]) -> Option<LinearForce> {
        if !self.linear {
            return None;
        }
        let d = self.dimension();
        let origin = vec![0.0; d];
        let constant = DVector::from_fn(d, |i, _| self.force(i, &origin, protocol));
        let stiffness = DMatrix::from_fn(d, d, |i, j| {
            let mut unit = origin.clone();
            unit[j] = 1.0;
            constant[i] - self.force(i, &unit, protocol)
        });
        Some(LinearForce { stiffness, constant })
    }
}

/// `−∂U/∂x_i + f_i` as a node.
pub fn total_force(graph: &mut Graph, potential: Node, drive: Option<Node>, i: u16) -> Node {
    let slope = graph.derivative(potential, Symbol::Coordinate(i));
    let conservative = graph.neg(slope);
    match drive {
        Some(drive) => graph.add(conservative, drive),
        None => conservative,
    }
}

fn evaluate(graph: &Graph, node: Node, parameters: &[f64], x: &[f64], protocol: &[f64]) -> f64 {
    graph.evaluate(node, &|symbol| match symbol {
        Symbol::Coordinate(i) => x[i as usize],
        Symbol::Parameter(i) => parameters[i as usize],
        Symbol::Protocol(i) => protocol[i as usize],
        _ => f64::NAN,
    })
}
