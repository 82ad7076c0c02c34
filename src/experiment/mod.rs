//! What the user wrote, read and checked.
//!
//! [`Experiment::load`] turns a TOML file or an embedded model, with `--set` overrides, into an owned, valid [`Experiment`], or into an
//! [`ExperimentError`] that shows every problem it found at its place in the text. Formulas are parsed into one [`Graph`]; nothing is
//! compiled here, and no random number is drawn.

mod bath;
mod catalog;
mod continuous;
mod document;
mod error;
pub mod exchange;
mod initial;
pub mod jump;
mod measure;
mod model;
mod names;
mod overrides;
mod parity;
mod plane;
mod protocol;
mod read;
mod schedule;
mod schema;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::coordinate::{Boundary, Coordinate, FieldGrid};
use crate::expression::{Graph, Node, Symbol};

pub use bath::Interpretation;
pub use catalog::{CatalogEntry, Source, catalog};
pub use continuous::Piece;
pub use error::{ExperimentError, Problem};
pub use initial::{Initial, InitialLaw};
pub use parity::{Parity, unstated};
pub use protocol::{Protocol, ProtocolPath, ProtocolVariable};
pub use schedule::shown;

use document::{Item, Place, Table};
use error::SourceText;
use read::Reader;

/// A valid description of one ensemble of trajectories and of what to measure on it.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Name of the file without its extension, or of the embedded model.
    pub name: String,
    /// Title, or else the name.
    pub title: String,
    /// The TOML text with the overrides in place; loading it again gives the same experiment.
    pub text: String,
    /// Units of all numbers.
    pub units: Units,
    /// Holds every formula.
    pub graph: Graph,
    /// The equations of motion.
    pub model: Model,
    /// Parameters in the order of the file; formulas read the `i`-th as `Symbol::Parameter(i)`.
    pub parameters: Vec<Parameter>,
    /// What moves from outside, and for how long.
    pub protocol: Protocol,
    /// Law of the state at the start.
    pub initial: Initial,
    /// How many trajectories, and how they are advanced.
    pub ensemble: Ensemble,
    /// Steps of the run: `protocol.duration / ensemble.dt`, an integer.
    pub steps: u64,
    /// Steps between saves; divides `steps`.
    pub save_every: u64,
    /// What to measure.
    pub measure: Measure,
    /// Closed forms to compare with.
    pub exact: Vec<ExactFormula>,
    /// What is allowed but probably not meant.
    pub warnings: Vec<String>,
}

/// Units of the numbers in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    /// k_B = 1: temperatures are energies, entropy is in nats.
    Reduced,
}

/// Kind of dynamics.
#[derive(Clone, Debug)]
pub enum Model {
    /// Langevin dynamics, overdamped or, where there are masses, underdamped.
    Overdamped(OverdampedModel),
    /// A jump process.
    Jump(jump::JumpModel),
    /// A rod of cells that exchange energy.
    Exchange(exchange::ExchangeModel),
}

/// `γ_i dx_i = (−∂_i U + f_i) dt + sqrt(2 γ_i T_i) dW_i`; `d` coordinates, read as `Symbol::Coordinate(i)`.
#[derive(Clone, Debug)]
pub struct OverdampedModel {
    /// Names and ranges of the coordinates; at least one.
    pub coordinates: Vec<Coordinate>,
    /// Potential energy `U`, a formula of coordinates, parameters and protocol variables.
    pub potential: Node,
    /// Non-conservative forces `f_i`, length `d`.
    pub drives: Vec<Option<Node>>,
    /// Frictions `γ_i`, formulas of parameters, coordinates and protocol variables, length `d`; above 0.
    pub friction: Vec<Node>,
    /// Temperatures `T_i`, formulas of the same, length `d`; above 0.
    pub temperature: Vec<Node>,
    /// How the noise is read; there exactly where a friction or a temperature depends on a coordinate.
    pub interpretation: Option<Interpretation>,
    /// Masses `m_i`, formulas of parameters, above 0: length `d` for underdamped dynamics `dx_i = v_i dt`,
    /// `m_i dv_i = (F_i − γ_i v_i) dt + sqrt(2 γ_i T_i) dW_i`, where a friction may be 0; empty for overdamped dynamics.
    pub mass: Vec<Node>,
    /// What changes sign under time reversal, besides velocities.
    pub parity: Parity,
}

impl OverdampedModel {
    /// Whether velocities are part of the state.
    pub fn is_underdamped(&self) -> bool {
        !self.mass.is_empty()
    }

    /// What the state of a trajectory is made of: the coordinates and, for underdamped dynamics, their velocities `v_x`, ….
    pub fn state(&self) -> Vec<Coordinate> {
        let velocities = self.coordinates.iter().filter(|_| self.is_underdamped());
        let velocities = velocities.map(|coordinate| Coordinate { name: velocity_name(&coordinate.name), boundary: Boundary::Open });
        self.coordinates.iter().cloned().chain(velocities).collect()
    }
}

/// `−∂U/∂x_i + f_i` as a formula.
pub fn total_force(graph: &mut Graph, potential: Node, drive: Option<Node>, i: u16) -> Node {
    let slope = graph.derivative(potential, Symbol::Coordinate(i));
    let conservative = graph.neg(slope);
    match drive {
        Some(drive) => graph.add(conservative, drive),
        None => conservative,
    }
}

/// What the velocity of a coordinate is called.
pub fn velocity_name(coordinate: &str) -> String {
    format!("v_{coordinate}")
}

/// A named number.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name in formulas.
    pub name: String,
    /// Its value, finite.
    pub value: f64,
}

/// How many trajectories, and how they are advanced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ensemble {
    /// Number of trajectories, at least 1.
    pub trajectories: u64,
    /// Length of a step.
    pub dt: f64,
    /// Key of the random numbers.
    pub seed: u64,
    /// Arithmetic of the CPU backend.
    pub precision: Precision,
    /// The scheme.
    pub integrator: IntegratorChoice,
    /// Whether everything is run once more by steps half as long.
    pub refine: bool,
}

/// Arithmetic of the CPU backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Double precision.
    F64,
    /// Single precision, as on a GPU.
    F32,
}

/// The integrator asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntegratorChoice {
    /// The best that fits the model.
    Auto,
    /// Euler–Maruyama.
    EulerMaruyama,
    /// Stochastic Heun.
    Heun,
    /// Weak Taylor of order 2, one coordinate.
    WeakTaylor,
    /// Exact step of linear forces.
    ExactLinear,
    /// Splitting B A O A B of underdamped dynamics.
    Baoab,
    /// Splitting O B A B O of underdamped dynamics.
    Obabo,
    /// Grønbech-Jensen and Farago's step of underdamped dynamics.
    Gjf,
}

/// What to measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Time between saves, `save_every · dt`.
    pub every: f64,
    /// Names of theorems to try, each once.
    pub theorems: Vec<String>,
    /// Grids asked for by the user, at most one a coordinate.
    pub grids: Vec<FieldGrid>,
    /// The plane whose density and current are measured, where one is asked for.
    pub plane: Option<PlaneRequest>,
    /// Whether to store the end values of every trajectory.
    pub trajectories: bool,
}

/// A plane of two coordinates, and their grids where they are given.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaneRequest {
    /// The two coordinates.
    pub coordinates: [u16; 2],
    /// Their grids.
    pub grids: [Option<FieldGrid>; 2],
}

/// A closed form of an estimate.
#[derive(Clone, Debug)]
pub struct ExactFormula {
    /// Name of the estimate.
    pub name: String,
    /// Formula of parameters and of the time `t`, which is the duration.
    pub node: Node,
    /// The formula as written.
    pub text: String,
}

impl Experiment {
    /// Reads an experiment, applies overrides `(key, value)` in order, and checks everything.
    ///
    /// `theorems` are the names that `[measure] theorems` may hold.
    ///
    /// # Errors
    /// Everything that is wrong with the source, the overrides or the text, with places.
    pub fn load(source: &Source, overrides: &[(String, String)], theorems: &[&str]) -> Result<Self, ExperimentError> {
        let (name, file, text) = source.read()?;
        let original = SourceText { name: file, text: Arc::from(text) };
        let (mut tree, mut kept) = document::parse(&original)?;
        let mut sources = vec![original];
        let problems = overrides::apply(overrides, &mut tree, &mut kept, &mut sources);
        if !problems.is_empty() {
            return Err(ExperimentError::Invalid { problems });
        }
        let mut reader = Reader::new(sources);
        match read_experiment(&mut reader, &tree, name, kept.to_string(), theorems) {
            Some(experiment) if !reader.failed() => Ok(experiment),
            _ => Err(ExperimentError::Invalid { problems: reader.into_problems() }),
        }
    }
}

fn warnings(reader: &Reader) -> Vec<String> {
    let unused = |name: String| format!("parameter `{name}` is in no formula");
    reader.unused_parameters().into_iter().map(unused).chain(reader.notes.iter().cloned()).collect()
}

/// A section of the file and the place of its header.
struct Section<'t> {
    table: &'t Table,
    place: &'t Place,
}

/// `None` only after a problem was recorded.
fn read_experiment(reader: &mut Reader, tree: &Table, name: String, text: String, theorems: &[&str]) -> Option<Experiment> {
    reader.check_keys(tree, "the experiment", schema::TOP_LEVEL);
    let title = ["title", "sentence", "source"].map(|key| tree.get(key).and_then(|item| reader.text(item, &format!("`{key}`"))));
    let units = read_units(reader, tree);
    let model_section = section(reader, tree, "model", true)?;
    let kind = model::read_kind(reader, &model_section)?;
    read_parameters(reader, tree);
    let [title, ..] = title;
    let head = Head { name, title, text, units };
    match kind {
        model::Kind::Overdamped | model::Kind::Underdamped => read_langevin(reader, tree, head, &model_section, (kind == model::Kind::Underdamped, theorems)),
        model::Kind::EnergyExchange => read_exchange(reader, tree, head, &model_section, theorems),
        model::Kind::Network | model::Kind::Reactions => read_jump(reader, tree, head, &model_section, kind == model::Kind::Network, theorems),
    }
}

/// What comes before the model.
struct Head {
    name: String,
    title: Option<String>,
    text: String,
    units: Option<Units>,
}

/// What comes after it.
struct Rest {
    model: Model,
    protocol: Option<Protocol>,
    initial: Option<Initial>,
    ensemble: Ensemble,
    /// Steps, and how many there are from one save to the next.
    steps: (u64, u64),
    measure: Measure,
    exact: Vec<ExactFormula>,
}

impl Head {
    /// The whole experiment; the formulas are those that were read.
    fn join(self, reader: &mut Reader, rest: Rest) -> Option<Experiment> {
        Some(Experiment {
            title: self.title.unwrap_or_else(|| self.name.clone()),
            name: self.name,
            text: self.text,
            units: self.units?,
            warnings: warnings(reader),
            graph: std::mem::take(&mut reader.graph),
            model: rest.model,
            parameters: std::mem::take(&mut reader.parameters),
            protocol: rest.protocol?,
            initial: rest.initial?,
            ensemble: rest.ensemble,
            steps: rest.steps.0,
            save_every: rest.steps.1,
            measure: rest.measure,
            exact: rest.exact,
        })
    }
}

/// The rest of an experiment with a jump process.
fn read_jump(reader: &mut Reader, tree: &Table, head: Head, model_section: &Section, is_network: bool, theorems: &[&str]) -> Option<Experiment> {
    let protocol_section = section(reader, tree, "protocol", true)?;
    // Names of the state come first, so that a protocol variable cannot take one.
    let variables: Vec<String> = protocol_section.table.entries.iter().map(|entry| entry.key.clone()).filter(|key| key != "duration").collect();
    let ensemble_section = section(reader, tree, "ensemble", true);
    let measure_section = section(reader, tree, "measure", false);
    protocol::read_names(reader, &protocol_section);
    reader.variables = variables;
    let dt = ensemble_section.as_ref().and_then(|section| section.table.get("dt")).and_then(|item| reader.number(item, "`dt`")).filter(|dt| *dt > 0.0);
    let protocol = protocol::read(reader, &protocol_section, dt);
    let duration = protocol.as_ref().map(|protocol| protocol.duration);
    let schedule = ensemble_section.and_then(|section| jump::read_schedule(reader, &section, measure_section.as_ref(), duration));
    let model = jump::read_jump(reader, model_section, is_network, protocol.as_ref());
    let initial_section = section(reader, tree, "initial", false);
    let initial = model.as_ref().and_then(|model| jump::read_initial(reader, initial_section.as_ref(), model));
    let measure = measure::read_measure(reader, measure_section.as_ref(), model.as_ref().map(|model| model.coordinates.as_slice()), theorems);
    plane::refuse_for_jumps(reader, measure_section.as_ref());
    let exact_section = section(reader, tree, "exact", false);
    let exact = measure::read_exact(reader, exact_section.as_ref(), protocol.as_ref());
    let (schedule, mut measure, mut model) = (schedule?, measure?, model?);
    measure.every = schedule.ensemble.dt;
    (model.segment, model.most_events, model.leaping) = (schedule.segment, schedule.most_events, schedule.leaping);
    let (ensemble, steps) = (schedule.ensemble, (schedule.saves, 1));
    head.join(reader, Rest { model: Model::Jump(model), protocol, initial, ensemble, steps, measure, exact })
}

/// The rest of an experiment with a rod of cells.
fn read_exchange(reader: &mut Reader, tree: &Table, head: Head, model_section: &Section, theorems: &[&str]) -> Option<Experiment> {
    let protocol_section = section(reader, tree, "protocol", true)?;
    let ensemble_section = section(reader, tree, "ensemble", true);
    let measure_section = section(reader, tree, "measure", false);
    protocol::read_names(reader, &protocol_section);
    let dt = ensemble_section.as_ref().and_then(|section| section.table.get("dt")).and_then(|item| reader.number(item, "`dt`")).filter(|dt| *dt > 0.0);
    let protocol = protocol::read(reader, &protocol_section, dt);
    let duration = protocol.as_ref().map(|protocol| protocol.duration);
    let schedule = ensemble_section.and_then(|section| jump::read_schedule(reader, &section, measure_section.as_ref(), duration));
    let model = exchange::read_model(reader, model_section, protocol.as_ref());
    let initial_section = section(reader, tree, "initial", false);
    let initial = model.as_ref().and_then(|model| exchange::read_initial(reader, initial_section.as_ref(), model));
    reader.coordinates = model.iter().flat_map(|model| &model.cells).map(|cell| cell.name.clone()).collect();
    let measure = measure::read_measure(reader, measure_section.as_ref(), model.as_ref().map(|model| model.cells.as_slice()), theorems);
    let exact_section = section(reader, tree, "exact", false);
    let exact = measure::read_exact(reader, exact_section.as_ref(), protocol.as_ref());
    let (schedule, mut measure, mut model) = (schedule?, measure?, model?);
    if schedule.leaping.is_some() {
        reader.problem(model_section.place, "a rod is not run by tau-leaping", "leave `ensemble.method` out");
        return None;
    }
    measure.every = schedule.ensemble.dt;
    (model.segment, model.most_events) = (schedule.segment, schedule.most_events);
    let (ensemble, steps) = (schedule.ensemble, (schedule.saves, 1));
    head.join(reader, Rest { model: Model::Exchange(model), protocol, initial, ensemble, steps, measure, exact })
}

/// The rest of a Langevin experiment.
fn read_langevin(reader: &mut Reader, tree: &Table, head: Head, model_section: &Section, (underdamped, theorems): (bool, &[&str])) -> Option<Experiment> {
    let coordinates = model::read_coordinates(reader, model_section, underdamped);
    let protocol_section = section(reader, tree, "protocol", true);
    if let Some(section) = &protocol_section {
        protocol::read_names(reader, section);
    }
    let ensemble = section(reader, tree, "ensemble", true).and_then(|section| schedule::read_ensemble(reader, &section));
    let protocol = protocol_section.and_then(|section| protocol::read(reader, &section, ensemble.as_ref().map(|(ensemble, _)| ensemble.dt)));
    let measure_section = section(reader, tree, "measure", false);
    let steps = match (&ensemble, &protocol) {
        (Some((ensemble, dt)), Some(protocol)) => schedule::read_steps(reader, measure_section.as_ref(), protocol.duration, ensemble.dt, dt),
        _ => None,
    };
    let initial_section = section(reader, tree, "initial", true);
    let coordinates = coordinates?;
    let model = model::read(reader, model_section, coordinates, underdamped, protocol.as_ref());
    let initial = initial_section.and_then(|section| initial::read(reader, &section, model.as_ref()));
    let state = model.as_ref().map(OverdampedModel::state);
    // Grids may lie over velocities too, which no formula reads.
    reader.coordinates.extend(state.iter().flatten().skip(reader.coordinates.len()).map(|velocity| velocity.name.clone()));
    let measure = measure::read_measure(reader, measure_section.as_ref(), state.as_deref(), theorems);
    let exact_section = section(reader, tree, "exact", false);
    let exact = measure::read_exact(reader, exact_section.as_ref(), protocol.as_ref());
    let (ensemble, schedule, mut measure, model) = (ensemble?.0, steps?, measure?, model?);
    measure.every = schedule.save_every as f64 * ensemble.dt;
    schedule::check_integrator(reader, tree, ensemble.integrator, &model);
    let (model, steps) = (Model::Overdamped(model), (schedule.steps, schedule.save_every));
    head.join(reader, Rest { model, protocol, initial, ensemble, steps, measure, exact })
}

/// A section by name; a problem where it must be there and is not, or is not a table.
fn section<'t>(reader: &mut Reader, tree: &'t Table, name: &str, required: bool) -> Option<Section<'t>> {
    let Some(entry) = tree.entry(name) else {
        if required {
            let start = Place { source: 0, span: 0..0 };
            reader.missing(tree, name, &start, format!("missing section [{name}]"), String::new());
        }
        return None;
    };
    let table = reader.table(&entry.item, &format!("[{name}]"))?;
    Some(Section { table, place: &entry.place })
}

fn read_units(reader: &mut Reader, tree: &Table) -> Option<Units> {
    let Some(item) = tree.get("units") else { return Some(Units::Reduced) };
    let table = reader.table(item, "[units]")?;
    reader.check_keys(table, "[units]", schema::UNITS);
    let Some(system) = table.get("system") else { return Some(Units::Reduced) };
    if matches!(&system.value, document::Value::Text(text) if text == "si") {
        let help = "give energies in units of a k_B T of your choice, and lengths and times in units of your own; k_B = 1";
        reader.problem(&system.place, "SI units are not yet in this version", "expected `reduced`").help(help);
        return None;
    }
    reader.choice(system, "system of units", &[("reduced", Units::Reduced)])
}

fn read_parameters(reader: &mut Reader, tree: &Table) {
    let Some(item) = tree.get("parameters") else { return };
    let Some(table) = reader.table(item, "[parameters]") else { return };
    for (index, entry) in table.entries.iter().enumerate() {
        check_name(reader, "a parameter", &entry.key, &entry.place);
        let problems_before = reader.count();
        let value = reader.number(&entry.item, &format!("parameter `{}`", entry.key));
        if value.is_none() {
            reader.parameters_broken = true;
            advise_order(reader, problems_before, &entry.item, &table.entries[index + 1..]);
        }
        reader.add_parameter(entry.key.clone(), value.unwrap_or(f64::NAN));
    }
}

/// A formula may read earlier parameters only: says so where it reads a later one.
fn advise_order(reader: &mut Reader, problems_before: usize, item: &Item, later: &[document::Entry]) {
    let document::Value::Text(formula) = &item.value else { return };
    let words: Vec<&str> = formula.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    if let Some(entry) = later.iter().find(|entry| words.contains(&entry.key.as_str())) {
        reader.advise_since(problems_before, format!("`{}` is defined further down; a parameter may read earlier ones", entry.key));
    }
}

/// Refuses a name that formulas cannot read, or that already means something.
fn check_name(reader: &mut Reader, kind: &str, name: &str, place: &Place) -> bool {
    if !names::is_identifier(name) {
        reader.problem(place, format!("`{name}` cannot be the name of {kind}"), "expected a letter, then letters, digits and `_`");
        return false;
    }
    if names::is_taken(name) {
        reader.problem(place, format!("`{name}` cannot be the name of {kind}"), "this name is reserved in formulas");
        return false;
    }
    let other = match () {
        () if reader.parameters.iter().any(|parameter| parameter.name == name) => Some("a parameter"),
        () if reader.coordinates.iter().any(|known| known == name) => Some("a coordinate"),
        () if reader.variables.iter().any(|known| known == name) => Some("a protocol variable"),
        () => None,
    };
    if let Some(other) = other {
        reader.problem(place, format!("`{name}` cannot be the name of {kind}"), format!("{other} has this name already"));
    }
    other.is_none()
}
