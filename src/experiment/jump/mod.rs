//! Jump processes as the user wrote them: a walker on a graph of states, or reactions between copy numbers.

mod arrow;
mod energies;
mod initial;
mod network;
mod reactions;
mod read;

use crate::coordinate::Coordinate;
use crate::expression::Node;

pub(super) use initial::read_initial;
pub(super) use read::{read_jump, read_schedule};

/// Most channels of a model of reactions, each direction of a reaction being one.
pub const MOST_CHANNELS: usize = 256;

/// A jump process. Counts (for a network: the index of the state) are read by formulas as `Symbol::Coordinate(i)`.
#[derive(Clone, Debug)]
pub struct JumpModel {
    /// The species whose counts change, all `Boundary::Open`; for a network the one coordinate `state`.
    pub coordinates: Vec<Coordinate>,
    /// Counts at the start of a reaction model, from `species`, length `d`; empty for a network.
    pub start: Vec<f64>,
    /// Names of the states of a network, at least two; `None` for reactions.
    pub states: Option<Vec<String>>,
    /// Species held by the outside world, with their constant copy numbers (formulas of parameters and protocol variables).
    pub chemostats: Vec<Chemostat>,
    /// Every channel, one direction each: `A <-> B` makes two, forward first.
    pub channels: Vec<JumpChannel>,
    /// Baths that channels name; temperatures are formulas of parameters, above 0.
    pub baths: Vec<(String, Node)>,
    /// The energy of the state, where declared: one formula of the counts (without what `mixing` adds), or one a state of a network.
    pub energy: Option<Vec<Node>>,
    /// Where the energy of a state is a free energy of like molecules: for every species the `T_i` of its share `T_i ln n_i!`, formulas of parameters.
    pub mixing: Option<Vec<Node>>,
    /// Quantities to show at saves beside the counts: name and formula of counts, parameters, protocol variables and time.
    pub derived: Vec<(String, Node)>,
    /// Assignments from outside.
    pub interventions: Vec<JumpIntervention>,
    /// Length of a segment of the kernels' clock (`ensemble.dt`), where the user chose one.
    pub segment: Option<f64>,
    /// Events after which a trajectory is given up (`ensemble.most_events`).
    pub most_events: u64,
    /// Tolerance of tau-leaping (`ensemble.tolerance`), where that is asked for; in (0, 1).
    pub leaping: Option<f64>,
}

/// A species held by the outside world.
#[derive(Clone, Debug)]
pub struct Chemostat {
    /// Its name; formulas read its copy number by it.
    pub name: String,
    /// Its copy number.
    pub count: Node,
}

/// One direction of a reaction, or an edge of a network.
#[derive(Clone, Debug)]
pub struct JumpChannel {
    /// Name: the user's, or the equation; the reverse direction has ` (reverse)` behind it.
    pub name: String,
    /// Species (index into `coordinates`, or `coordinates.len() + index into chemostats`) and how many are taken.
    pub reactants: Vec<(u16, u32)>,
    /// Species and how many are made.
    pub products: Vec<(u16, u32)>,
    /// For a network: the states it leads from and to.
    pub edge: Option<(u32, u32)>,
    /// Propensity per time, a formula of counts, parameters, protocol variables and time: for mass action the whole product with falling factorials
    /// and volume; for an edge its rate.
    pub propensity: Node,
    /// For mass action: the factor in front of the falling factorials of the counts that change (volume and chemostats are in it).
    pub constant: Option<Node>,
    /// The channel that undoes it, as index into `channels`.
    pub reverse: Option<usize>,
    /// The bath it exchanges heat with, as index into `baths`.
    pub bath: Option<usize>,
    /// Work done on the system by what drives it, chemostats of known energy included, per event (the reverse direction has the opposite sign);
    /// a formula of parameters and protocol variables.
    pub drive: Option<Node>,
}

/// An assignment to counts from outside.
#[derive(Clone, Debug)]
pub struct JumpIntervention {
    /// Its name.
    pub name: String,
    /// When it happens.
    pub trigger: JumpTrigger,
    /// Coordinates and their new counts, formulas of the counts before.
    pub assignments: Vec<(u16, Node)>,
}

/// When an intervention happens.
#[derive(Clone, Debug)]
pub enum JumpTrigger {
    /// At a time of the run.
    Time(f64),
    /// When a condition on the counts becomes true.
    Condition(Node),
}
