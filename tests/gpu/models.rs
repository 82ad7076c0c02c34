//! Plans made from formulas, without the experiment format.

use ness::expression::{Graph, Node, Operand, Scope, Slots, Symbol, compile};
use ness::plan::{
    Boundary, Column, Coordinate, Dynamics, FieldGrid, InitialState, Integrator, LinearStep, Overdamped, Plan, Schedule, StepLaw, Uniforms, circulation_pairs,
};
use ness::random::Stream;

pub(crate) const DT: f64 = 0.02;
pub(crate) const TEMPERATURE: f64 = 0.7;
pub(crate) const FRICTION: f64 = 1.3;

/// What a plan is made of: coordinates `x` and `y` (as many as there are boundaries), a protocol variable `lambda`.
pub(crate) struct Model {
    pub(crate) boundaries: Vec<Boundary>,
    pub(crate) potential: &'static str,
    pub(crate) drives: Vec<Option<&'static str>>,
    pub(crate) integrator: Integrator,
    /// `lambda` at time t.
    pub(crate) protocol: Option<fn(f64) -> f64>,
    pub(crate) linear: Option<Matrices>,
}

/// Matrices of the exact linear step, row by row; `offset` and `vector` are multiplied by `lambda`.
pub(crate) struct Matrices {
    pub(crate) propagator: Vec<f64>,
    pub(crate) offset: Vec<f64>,
    pub(crate) noise: Vec<f64>,
    pub(crate) matrix: Vec<f64>,
    pub(crate) vector: Vec<f64>,
}

impl Model {
    /// A plan of 96 trajectories over 200 steps, saved every 20.
    pub(crate) fn plan(&self) -> Plan {
        let d = self.boundaries.len();
        let (steps, save_every) = (200, 20);
        let mut graph = Graph::new();
        let mut slots = Slots::new();
        let scope = ["x", "y"].into_iter().zip(0..).fold(Scope::new(), |scope, (name, i)| scope.with(name, Symbol::Coordinate(i)));
        let scope = scope.with("lambda", Symbol::Protocol(0));
        let potential = graph.parse(self.potential, &scope).expect("the potential parses");
        let drives: Vec<Option<Node>> = self.drives.iter().map(|text| text.map(|t| graph.parse(t, &scope).expect("the drive parses"))).collect();
        let mut outputs: Vec<Node> = (0..d).map(|i| force(&mut graph, potential, drives[i], i as u16)).collect();
        let mut drive_outputs = vec![None; d];
        for (i, drive) in drives.iter().enumerate() {
            if let Some(node) = drive {
                drive_outputs[i] = Some(outputs.len() as u16);
                outputs.push(*node);
            }
        }
        if self.integrator == Integrator::WeakTaylor {
            let (mean, width) = weak_taylor(&mut graph, outputs[0]);
            outputs.extend([mean, width]);
        }
        let last = outputs.len() as u16 - 1;
        let law = (self.integrator == Integrator::WeakTaylor).then(|| StepLaw { mean: vec![last - 1], width: vec![last], back: None });
        let program = compile(&graph, &outputs, &mut slots).expect("the forces compile");
        let work = self.protocol.map(|_| {
            let slope = graph.derivative(potential, Symbol::Protocol(0));
            let change = graph.symbol(Symbol::ProtocolChange(0));
            let node = graph.mul(slope, change);
            let middle = graph.symbol(Symbol::ProtocolMiddle(0));
            let node = graph.substitute(node, &|symbol| (symbol == Symbol::Protocol(0)).then_some(middle));
            compile(&graph, &[node], &mut slots).expect("the work compiles")
        });
        let mut constant = |value: f64| slots.external_constant(value).expect("there is room");
        let coefficient =
            [DT / FRICTION, (2.0 * TEMPERATURE * DT / FRICTION).sqrt(), 0.5 / TEMPERATURE, DT / (4.0 * FRICTION * TEMPERATURE)].map(&mut constant);
        let linear = self.linear.as_ref().map(|m| Box::new(linear_step(m, &mut graph, &mut slots)));
        let uniforms = uniforms(&slots, self.protocol, steps, save_every);
        let ledgers = self.integrator != Integrator::Heun;
        let path = ledgers.then_some(Column::EntropyPath);
        let sums = || std::iter::once(Column::Work).chain((0..d as u16).map(Column::Heat)).chain(path);
        Plan {
            title: "test".to_owned(),
            seed: 0x1234_5678_9abc_def0,
            stream: Stream::Forward,
            trajectories: 0..96,
            ensemble: 96,
            block: 8,
            schedule: Schedule { start: 0.0, dt: DT, steps, save_every },
            uniforms,
            coordinates: coordinates(&self.boundaries),
            dynamics: Dynamics::Overdamped(Overdamped {
                integrator: self.integrator,
                protocol_work: work,
                force_is_constant: !program.reads_schedule(),
                force: program,
                drives: drive_outputs,
                law,
                slopes: Vec::new(),
                medium: None,
                mobility: vec![coefficient[0]; d],
                noise: vec![coefficient[1]; d],
                half_beta: vec![coefficient[2]; d],
                quarter: vec![coefficient[3]; d],
                linear,
                inertia: None,
                reversal: None,
                surprise: None,
                infimum: None,
            }),
            initial: InitialState::Gaussian { mean: vec![0.3; d], factor: (0..d * d).map(|k| if k % (d + 1) == 0 { 0.4 } else { 0.0 }).collect() },
            relaxation_steps: 0,
            columns: (0..d as u16)
                .flat_map(|i| [Column::Initial(i), Column::Position(i), Column::Winding(i)])
                .chain(sums())
                .chain(circulation_pairs(&coordinates(&self.boundaries)).into_iter().map(|(i, j)| Column::Circulation(i, j)))
                .collect(),
            series: (0..d as u16).map(Column::Position).chain(sums()).collect(),
            fields: Vec::new(),
            plane: None,
        }
    }
}

fn coordinates(boundaries: &[Boundary]) -> Vec<Coordinate> {
    boundaries.iter().map(|&boundary| Coordinate { name: "x".to_owned(), boundary }).collect()
}

fn force(graph: &mut Graph, potential: Node, drive: Option<Node>, i: u16) -> Node {
    let slope = graph.derivative(potential, Symbol::Coordinate(i));
    let conservative = graph.neg(slope);
    drive.map_or(conservative, |drive| graph.add(conservative, drive))
}

/// `m = μF + ½μ²(F F' + T F'')`, `s = sqrt(2Tμ)(1 + ½μF')`.
fn weak_taylor(graph: &mut Graph, force: Node) -> (Node, Node) {
    let mobility = DT / FRICTION;
    let slope = graph.derivative(force, Symbol::Coordinate(0));
    let curvature = graph.derivative(slope, Symbol::Coordinate(0));
    let [mu, half_square, temperature, width, half_mu, one] =
        [mobility, 0.5 * mobility * mobility, TEMPERATURE, (2.0 * TEMPERATURE * mobility).sqrt(), 0.5 * mobility, 1.0].map(|value| graph.constant(value));
    let first = graph.mul(mu, force);
    let advected = graph.mul(force, slope);
    let diffused = graph.mul(temperature, curvature);
    let sum = graph.add(advected, diffused);
    let second = graph.mul(half_square, sum);
    let mean = graph.add(first, second);
    let stretch = graph.mul(half_mu, slope);
    let factor = graph.add(one, stretch);
    (mean, graph.mul(width, factor))
}

fn linear_step(matrices: &Matrices, graph: &mut Graph, slots: &mut Slots) -> LinearStep {
    let lambda = graph.symbol(Symbol::Protocol(0));
    let mut moving = |values: &[f64]| -> Vec<Operand> {
        let mut operand = |value: f64| {
            let factor = graph.constant(value);
            let node = graph.mul(factor, lambda);
            slots.operand(graph, node).expect("there is room")
        };
        values.iter().map(|&value| operand(value)).collect()
    };
    let (offset, ledger_vector) = (moving(&matrices.offset), moving(&matrices.vector));
    let mut fixed = |values: &[f64]| -> Vec<Operand> { values.iter().map(|&value| slots.external_constant(value).expect("there is room")).collect() };
    LinearStep {
        propagator: fixed(&matrices.propagator),
        noise: fixed(&matrices.noise),
        ledger_matrix: fixed(&matrices.matrix),
        offset,
        ledger_vector,
        forms: Vec::new(),
    }
}

/// The protocol is in force at the end of its step: step `n` moves it from its value at `n dt` to that at `(n + 1) dt`.
fn uniforms(slots: &Slots, protocol: Option<fn(f64) -> f64>, steps: u64, save_every: u64) -> Uniforms {
    let at = |n: u64| protocol.map_or(0.0, |lambda| lambda(n as f64 * DT));
    let environment = |before: f64, after: f64| {
        move |symbol: Symbol| match symbol {
            Symbol::Protocol(_) => after,
            Symbol::ProtocolPrevious(_) => before,
            Symbol::ProtocolMiddle(_) => 0.5 * (before + after),
            Symbol::ProtocolChange(_) => after - before,
            _ => f64::NAN,
        }
    };
    let columns = slots.columns();
    let mut evaluator = slots.rows();
    let mut row = |before: f64, after: f64| {
        let mut row = vec![0.0; columns];
        evaluator.fill(&environment(before, after), &mut row);
        row
    };
    let mut rows = Vec::new();
    if columns > 0 {
        rows.extend((0..steps).flat_map(|n| row(at(n), at(n + 1))));
        // The protocol is where it belongs at every save: no move is left over.
        rows.extend((0..=steps / save_every).flat_map(|s| row(at(s * save_every), at(s * save_every))));
    }
    let resting = if columns > 0 { row(at(0), at(0)) } else { Vec::new() };
    Uniforms { constants: slots.constants(&environment(at(0), at(0))), columns, rows, resting }
}

/// A grid over coordinate 0.
pub(crate) fn grid(lower: f64, upper: f64, bins: u32) -> FieldGrid {
    FieldGrid { coordinate: 0, lower, upper, bins }
}

pub(crate) const RING: Boundary = Boundary::Periodic { lower: 0.0, upper: std::f64::consts::TAU };
pub(crate) const WALLS: Boundary = Boundary::Walls { lower: -0.2, upper: 0.6 };

/// A bead in a harmonic trap that is dragged along.
pub(crate) fn trap(integrator: Integrator) -> Model {
    Model { boundaries: vec![Boundary::Open], potential: "1.5*(x - lambda)^2/2", drives: vec![None], integrator, protocol: Some(|t| 0.8 * t), linear: None }
}

/// A driven bead on a ring.
pub(crate) fn ring(integrator: Integrator) -> Model {
    Model { boundaries: vec![RING], potential: "0.9*cos(x)", drives: vec![Some("2.5")], integrator, protocol: None, linear: None }
}

/// A bead in a cosine between walls close enough to be hit often.
pub(crate) fn box_between_walls(integrator: Integrator) -> Model {
    Model { boundaries: vec![WALLS], potential: "0.9*cos(x)", drives: vec![Some("2.5")], integrator, protocol: None, linear: None }
}

/// Two coupled coordinates, one on a ring and one between walls, a drive on each, a protocol.
pub(crate) fn coupled(integrator: Integrator) -> Model {
    Model {
        boundaries: vec![RING, WALLS],
        potential: "cos(x - y) + lambda*y^2",
        drives: vec![Some("1 + sin(x)"), Some("0.4*x")],
        integrator,
        protocol: Some(|t| 1.0 + 0.5 * t),
        linear: None,
    }
}

/// The dragged trap with its exact step.
pub(crate) fn exact_trap() -> Model {
    let (k, e) = (1.5, (-1.5 * DT / FRICTION).exp());
    Model {
        linear: Some(Matrices {
            propagator: vec![e],
            offset: vec![1.0 - e],
            noise: vec![(TEMPERATURE / k * (1.0 - e * e)).sqrt()],
            matrix: vec![k / TEMPERATURE],
            vector: vec![k / TEMPERATURE],
        }),
        ..trap(Integrator::ExactLinear)
    }
}

/// Two coordinates with any matrices: the arithmetic is tried, not the physics.
pub(crate) fn linear_pair() -> Model {
    Model {
        boundaries: vec![Boundary::Open; 2],
        potential: "(x - lambda)^2 + x*y/2 + y^2",
        drives: vec![Some("0.6*y"), Some("-0.6*x")],
        integrator: Integrator::ExactLinear,
        protocol: Some(|t| 0.8 * t),
        linear: Some(Matrices {
            propagator: vec![0.95, -0.02, 0.03, 0.9],
            offset: vec![0.05, -0.01],
            noise: vec![0.12, 0.0, -0.05, 0.2],
            matrix: vec![2.1, 0.3, -0.2, 1.7],
            vector: vec![1.9, -0.4],
        }),
    }
}
