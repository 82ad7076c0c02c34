//! Plans of jump processes made from formulas, without the experiment format; benches use them too.

#![allow(dead_code, reason = "benches and tests each use their own part")]

use ness::expression::{Graph, Program, Scope, Slots, Symbol, compile};
use ness::plan::{
    Boundary, Channel, Clock, Column, Coordinate, Dynamics, FieldGrid, InitialState, Intervention, JumpColumn, Network, Plan, Reactions, Schedule, Surprise,
    Trigger, Uniforms,
};
use ness::random::Stream;

/// Propensity, changes, reverse.
pub(crate) type ChannelText = (String, Vec<(u16, i32)>, Option<u16>);

/// Segment or condition, then coordinates and their new values.
pub(crate) type InterventionText = (Result<u64, String>, Vec<(u16, String)>);

/// Reactions between counts `n0`, `n1`, …; formulas may also name `begin` (start of the segment), `offset` (time since then) and
/// `lambda` (a protocol that is constant in a segment).
#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) initial: Vec<f64>,
    pub(crate) channels: Vec<ChannelText>,
    pub(crate) bound: Option<String>,
    pub(crate) energy: Option<String>,
    pub(crate) derived: Vec<String>,
    pub(crate) log_ratios: Vec<Vec<bool>>,
    pub(crate) surprise: Option<Surprise>,
    pub(crate) interventions: Vec<InterventionText>,
    pub(crate) lambda: fn(f64) -> f64,
    pub(crate) duration: f64,
    pub(crate) segments: u64,
    pub(crate) saves: u64,
    pub(crate) columns: Vec<Column>,
    pub(crate) series: Vec<Column>,
    pub(crate) fields: Vec<FieldGrid>,
    pub(crate) most_events: u64,
    pub(crate) relaxation_steps: u64,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            initial: Vec::new(),
            channels: Vec::new(),
            bound: None,
            energy: None,
            derived: Vec::new(),
            log_ratios: Vec::new(),
            surprise: None,
            interventions: Vec::new(),
            lambda: |_| 0.0,
            duration: 1.0,
            segments: 1,
            saves: 1,
            columns: Vec::new(),
            series: Vec::new(),
            fields: Vec::new(),
            most_events: 1 << 40,
            relaxation_steps: 0,
        }
    }
}

impl Model {
    /// Channels from propensity and changes, none with a reverse.
    pub(crate) fn of(initial: &[f64], channels: &[(&str, &[(u16, i32)])]) -> Model {
        let channels = channels.iter().map(|(propensity, change)| ((*propensity).to_owned(), change.to_vec(), None)).collect();
        Model { initial: initial.to_vec(), channels, ..Model::default() }
    }

    /// A plan of so many trajectories.
    pub(crate) fn plan(&self, trajectories: u64) -> Plan {
        let d = self.initial.len();
        let (mut graph, mut slots) = (Graph::new(), Slots::new());
        let names: Vec<String> = (0..d).map(|i| format!("n{i}")).chain(["offset".to_owned()]).collect();
        let scope = names.iter().zip(0..).fold(Scope::new(), |scope, (name, i)| scope.with(name, Symbol::Coordinate(i)));
        let scope = scope.with("begin", Symbol::Time).with("lambda", Symbol::Protocol(0));
        let mut program = |formulas: &[String]| -> Program {
            let nodes: Vec<_> = formulas.iter().map(|formula| graph.parse(formula, &scope).expect("the formula parses")).collect();
            compile(&graph, &nodes, &mut slots).expect("the formulas compile")
        };
        let reactions = Reactions {
            clock: Clock { segments: self.segments, length: self.duration / self.segments as f64 },
            channels: self.channels.iter().map(|(name, change, reverse)| Channel { name: name.clone(), change: change.clone(), reverse: *reverse }).collect(),
            propensities: program(&self.channels.iter().map(|channel| channel.0.clone()).collect::<Vec<_>>()),
            bound: self.bound.clone().map(|formula| program(&[formula])),
            energy: self.energy.clone().map(|formula| program(&[formula])),
            derived: (!self.derived.is_empty()).then(|| program(&self.derived)),
            log_ratios: self.log_ratios.clone(),
            surprise: self.surprise.clone(),
            interventions: self.interventions.iter().map(|intervention| compile_intervention(intervention, &mut program)).collect(),
            most_events: self.most_events,
            leaping: None,
        };
        let length = reactions.clock.length;
        let columns = slots.columns();
        let mut evaluator = slots.rows();
        let environment = |time: f64| move |symbol| if symbol == Symbol::Time { time } else { (self.lambda)(time) };
        let mut row = |time: f64| {
            let mut row = vec![0.0; columns];
            evaluator.fill(&environment(time), &mut row);
            row
        };
        let rows = (0..self.segments).flat_map(|segment| row(segment as f64 * length)).collect();
        let uniforms = Uniforms { rows, resting: row(0.0), columns, constants: slots.constants(&environment(0.0)) };
        let coordinates = (0..d).map(|i| Coordinate { name: format!("n{i}"), boundary: Boundary::Open }).collect();
        self.plan_of(Dynamics::Reactions(reactions), coordinates, uniforms, trajectories)
    }

    fn plan_of(&self, dynamics: Dynamics, coordinates: Vec<Coordinate>, uniforms: Uniforms, trajectories: u64) -> Plan {
        Plan {
            title: "test".to_owned(),
            seed: 0x1234_5678_9abc_def0,
            stream: Stream::Forward,
            trajectories: 0..trajectories,
            ensemble: trajectories,
            block: 64,
            schedule: Schedule { start: 0.0, dt: self.duration / self.saves as f64, steps: self.saves, save_every: 1 },
            uniforms,
            coordinates,
            dynamics,
            initial: InitialState::Point(self.initial.clone()),
            relaxation_steps: self.relaxation_steps,
            columns: self.columns.clone(),
            series: self.series.clone(),
            fields: self.fields.clone(),
            plane: None,
        }
    }

    /// A plan of a network with everything but the dynamics from this model; edges are (from, to, rate), each a channel of its own.
    pub(crate) fn network(&self, states: usize, edges: &[(u32, u32, f64)], tallies: bool, trajectories: u64) -> Plan {
        let mut order: Vec<usize> = (0..edges.len()).collect();
        order.sort_by_key(|&edge| edges[edge].0);
        let sorted: Vec<(u32, u32, f64)> = order.iter().map(|&edge| edges[edge]).collect();
        let first = (0..=states as u32).map(|state| sorted.iter().filter(|edge| edge.0 < state).count() as u32).collect();
        let reverse = |edge: &(u32, u32, f64)| sorted.iter().position(|other| (other.0, other.1) == (edge.1, edge.0)).map(|k| k as u32);
        let network = Network {
            clock: Clock { segments: self.segments, length: self.duration / self.segments as f64 },
            states: (0..states).map(|state| format!("s{state}")).collect(),
            first,
            target: sorted.iter().map(|edge| edge.1).collect(),
            rate: sorted.iter().map(|edge| edge.2).collect(),
            reverse: sorted.iter().map(reverse).collect(),
            channel: order.iter().map(|&edge| edge as u32).collect(),
            channels: edges.len(),
            tables: vec![sorted.iter().map(|edge| f64::from(edge.1) - f64::from(edge.0) + edge.2).collect()],
            tallies,
            most_events: self.most_events,
        };
        let coordinates = vec![Coordinate { name: "state".to_owned(), boundary: Boundary::Open }];
        self.plan_of(Dynamics::Network(network), coordinates, Uniforms::default(), trajectories)
    }
}

fn compile_intervention((trigger, assignments): &InterventionText, program: &mut dyn FnMut(&[String]) -> Program) -> Intervention {
    Intervention {
        trigger: match trigger {
            Ok(segment) => Trigger::Segment(*segment),
            Err(condition) => Trigger::Condition(program(std::slice::from_ref(condition))),
        },
        targets: assignments.iter().map(|(target, _)| *target).collect(),
        values: program(&assignments.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>()),
    }
}

/// `Fired` of so many channels.
pub(crate) fn fired(channels: u16) -> impl Iterator<Item = Column> {
    (0..channels).map(|channel| Column::Jump(JumpColumn::Fired(channel)))
}

/// The triangle of the driven cycle: states A, B, C.
pub(crate) const TRIANGLE: [(u32, u32, f64); 6] = [(0, 1, 2.0), (1, 0, 1.0), (1, 2, 3.0), (2, 1, 0.5), (2, 0, 1.0), (0, 2, 0.2)];

/// Initial and final state, activity, `Fired` of all channels: what a report of currents asks for.
pub(crate) fn usual(counts: u16, channels: u16) -> Vec<Column> {
    let ends = (0..counts).flat_map(|i| [Column::Initial(i), Column::Position(i)]);
    ends.chain([Column::Jump(JumpColumn::Activity)]).chain(fired(channels)).collect()
}

pub(crate) fn triangle(duration: f64, trajectories: u64) -> Plan {
    let series = vec![Column::Position(0)];
    Model { initial: vec![0.0], duration, saves: 4, columns: usual(1, 6), series, ..Model::default() }.network(3, &TRIANGLE, false, trajectories)
}

/// Birth and death: made at 10, lost at 0.1 each.
pub(crate) fn birth_death() -> Model {
    let columns = usual(1, 2);
    Model { duration: 50.0, saves: 4, columns, series: vec![Column::Position(0)], ..Model::of(&[0.0], &[("10", &[(0, 1)]), ("0.1*n0", &[(0, -1)])]) }
}

/// `2 P <-> P2` (the stochastic suite's 003-01).
pub(crate) fn dimer() -> Model {
    let channels: [(&str, &[(u16, i32)]); 2] = [("0.001*n0*(n0 - 1)/2", &[(0, -2), (1, 1)]), ("0.01*n1", &[(0, 2), (1, -1)])];
    Model { duration: 50.0, saves: 4, columns: usual(2, 2), series: vec![Column::Position(0)], ..Model::of(&[100.0, 0.0], &channels) }
}

/// `S + E <-> SE -> P + E`.
pub(crate) fn michaelis_menten() -> Model {
    let channels: [(&str, &[(u16, i32)]); 3] =
        [("0.0017*n0*n1", &[(0, -1), (1, -1), (2, 1)]), ("0.5*n2", &[(0, 1), (1, 1), (2, -1)]), ("0.1*n2", &[(1, 1), (2, -1), (3, 1)])];
    Model { duration: 100.0, saves: 4, columns: usual(4, 3), series: vec![Column::Position(0)], ..Model::of(&[301.0, 120.0, 0.0, 0.0], &channels) }
}

/// The genetic oscillator of Vilar, Kueh, Barkai & Leibler (PNAS 99, 5988 (2002)): Da, Dr, Da', Dr', Ma, Mr, A, R, C.
pub(crate) fn vilar() -> Model {
    let channels: [(&str, &[(u16, i32)]); 16] = [
        ("1*n0*n6", &[(0, -1), (6, -1), (2, 1)]),
        ("1*n1*n6", &[(1, -1), (6, -1), (3, 1)]),
        ("50*n2", &[(2, -1), (0, 1), (6, 1)]),
        ("100*n3", &[(3, -1), (1, 1), (6, 1)]),
        ("50*n0", &[(4, 1)]),
        ("0.01*n1", &[(5, 1)]),
        ("500*n2", &[(4, 1)]),
        ("50*n3", &[(5, 1)]),
        ("50*n4", &[(6, 1)]),
        ("5*n5", &[(7, 1)]),
        ("2*n6*n7", &[(6, -1), (7, -1), (8, 1)]),
        ("1*n8", &[(8, -1), (7, 1)]),
        ("10*n4", &[(4, -1)]),
        ("0.5*n5", &[(5, -1)]),
        ("1*n6", &[(6, -1)]),
        ("0.2*n7", &[(7, -1)]),
    ];
    let columns = vec![Column::Position(6), Column::Position(7), Column::Jump(JumpColumn::Activity)];
    let initial = [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    Model { duration: 20.0, saves: 20, columns, series: vec![Column::Position(6), Column::Position(7)], ..Model::of(&initial, &channels) }
}
