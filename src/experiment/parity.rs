//! `parity`: which coordinates, parameters and protocol variables change sign under time reversal.

use super::document::{Item, Place, Table};
use super::names::{all, either, nearest};
use super::protocol::Protocol;
use super::read::Reader;
use super::{OverdampedModel, total_force};
use crate::coordinate::Boundary;
use crate::expression::{Graph, Node, Symbol};

/// How the variables of an overdamped model behave under time reversal; what is not odd is even.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parity {
    /// Coordinates, parameters and protocol variables that change sign.
    pub odd: Vec<Symbol>,
    /// Coordinates that drive others, on which none acts back, and of which the file does not say what they are: what moves them may be a position, which
    /// is even, or a velocity, which is odd, and entropy depends on it.
    pub unstated: Vec<u16>,
    /// Whether all forces beside those of the potential are reversible and carry states along lines of equal energy only: Boltzmann's law then stands still,
    /// as that of a charge in a magnetic field.
    pub keeps_equilibrium: bool,
}

impl Parity {
    /// Whether a coordinate changes sign.
    pub fn is_odd(&self, coordinate: usize) -> bool {
        self.odd.iter().any(|symbol| matches!(symbol, Symbol::Coordinate(i) if usize::from(*i) == coordinate))
    }

    /// A formula in which odd parameters and protocol variables, and odd coordinates where `coordinates` says so, have the other sign.
    pub fn turned(&self, graph: &mut Graph, node: Node, coordinates: bool) -> Node {
        let turned: Vec<(Symbol, Node)> = self
            .odd
            .iter()
            .filter(|symbol| coordinates || !matches!(symbol, Symbol::Coordinate(_)))
            .map(|&symbol| {
                let plain = graph.symbol(symbol);
                (symbol, graph.neg(plain))
            })
            .collect();
        graph.substitute(node, &|symbol| turned.iter().find(|(odd, _)| *odd == symbol).map(|(_, node)| *node))
    }

    /// `ε_i f(εx; ελ)` of what acts on coordinate `i`.
    pub fn turned_back(&self, graph: &mut Graph, node: Node, i: usize) -> Node {
        let turned = self.turned(graph, node, true);
        if self.is_odd(i) { graph.neg(turned) } else { turned }
    }
}

impl OverdampedModel {
    /// The model in which odd parameters and protocol variables have the other sign: what moves a reversed run.
    pub fn reversed(&self, graph: &mut Graph) -> Self {
        let turn = |graph: &mut Graph, node: Node| self.parity.turned(graph, node, false);
        Self { potential: turn(graph, self.potential), drives: self.drives.iter().map(|drive| drive.map(|node| turn(graph, node))).collect(), ..self.clone() }
    }
}

/// Words and what they mean.
const CHOICES: &[(&str, bool)] = &[("even", false), ("odd", true)];

/// Reads `parity`, of a model whose formulas are known.
pub(super) fn read_parity(reader: &mut Reader, table: &Table, model: &OverdampedModel, protocol: Option<&Protocol>) -> Option<Parity> {
    let mut stated = Vec::new();
    let mut parity = Parity::default();
    if let Some(item) = table.get("parity") {
        for entry in &reader.table(item, "`parity`")?.entries {
            let symbol = known(reader, &entry.key, &entry.place)?;
            stated.push(symbol);
            if reader.choice(&entry.item, &format!("parity of `{}`", entry.key), CHOICES)? {
                parity.odd.push(symbol);
            }
        }
        if !parity.odd.is_empty() {
            let protocol = protocol.filter(|_| !reader.parameters_broken)?;
            let moments = protocol.samples(&reader.graph, &reader.parameters, 3);
            check(reader, item, model, &parity, &moments)?;
            parity.keeps_equilibrium = keeps_equilibrium(reader, model, &parity, &moments);
        }
    }
    parity.unstated = propulsions(reader, model).into_iter().filter(|i| !stated.contains(&Symbol::Coordinate(*i))).collect();
    Some(parity)
}

fn known(reader: &mut Reader, name: &str, place: &Place) -> Option<Symbol> {
    let among = |names: &mut dyn Iterator<Item = &String>| names.enumerate().find(|(_, known)| *known == name).map(|(index, _)| index as u16);
    let found = among(&mut reader.coordinates.iter())
        .map(Symbol::Coordinate)
        .or_else(|| among(&mut reader.variables.iter()).map(Symbol::Protocol))
        .or_else(|| among(&mut reader.parameters.iter().map(|parameter| &parameter.name)).map(Symbol::Parameter));
    if found.is_none() {
        let names: Vec<String> =
            reader.coordinates.iter().chain(&reader.variables).chain(reader.parameters.iter().map(|parameter| &parameter.name)).cloned().collect();
        let suggestion = nearest(name, names.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
        let label = format!("expected a coordinate, a parameter or a protocol variable: {}", either(&names));
        reader.problem(place, format!("`parity` of `{name}`, which the model does not have"), label).perhaps(suggestion);
    }
    found
}

/// What odd variables must leave alone: the noise, the energy, and volumes in the space of states.
fn check(reader: &mut Reader, item: &Item, model: &OverdampedModel, parity: &Parity, moments: &[Vec<f64>]) -> Option<()> {
    let refuse = |reader: &mut Reader, message: String, help: &str| {
        reader.problem(&item.place, message, "").help(help);
        None
    };
    if model.interpretation.is_some() {
        let help = "let friction and temperature depend on no coordinate, or leave `parity` out";
        return refuse(reader, "odd variables and multiplicative noise do not go together here".to_owned(), help);
    }
    let odd = |symbol: Symbol| parity.odd.contains(&symbol);
    if model.friction.iter().chain(&model.temperature).any(|&node| reader.graph.depends_on(node, &odd)) {
        let help = "frictions and temperatures are even; take a square or another parameter";
        return refuse(reader, "a friction or a temperature depends on an odd variable".to_owned(), help);
    }
    for (i, coordinate) in model.coordinates.iter().enumerate() {
        if parity.is_odd(i) && coordinate.boundary != Boundary::Open {
            let help = "an odd coordinate is open; the direction of a propulsion is even, and its speed may be an odd parameter";
            return refuse(reader, format!("the odd coordinate `{}` has a range, which its mirror image would leave", coordinate.name), help);
        }
    }
    let mirrored = parity.turned(&mut reader.graph, model.potential, true);
    if differ(reader, model, (model.potential, mirrored), moments) {
        let help = "energies do not change under time reversal: put what does into `force`";
        return refuse(reader, "`potential` changes when the odd variables change sign".to_owned(), help);
    }
    let mut divergence = reader.graph.constant(0.0);
    for i in 0..model.coordinates.len() {
        let force = total_force(&mut reader.graph, model.potential, model.drives[i], i as u16);
        let slope = reader.graph.derivative(force, Symbol::Coordinate(i as u16));
        let rate = reader.graph.div(slope, model.friction[i]);
        divergence = reader.graph.add(divergence, rate);
    }
    let mirrored = parity.turned(&mut reader.graph, divergence, true);
    if differ(reader, model, (divergence, mirrored), moments) {
        let help = "heat over temperature is then not the entropy given to the medium: give odd variables a flow without divergence";
        return refuse(reader, "the part of the motion that the odd variables turn round compresses the space of states".to_owned(), help);
    }
    Some(())
}

fn keeps_equilibrium(reader: &mut Reader, model: &OverdampedModel, parity: &Parity, moments: &[Vec<f64>]) -> bool {
    let mut climb = reader.graph.constant(0.0);
    let none = climb;
    for (i, drive) in model.drives.iter().enumerate() {
        let Some(drive) = *drive else { continue };
        let back = parity.turned_back(&mut reader.graph, drive, i);
        let irreversible = reader.graph.add(drive, back);
        if differ(reader, model, (irreversible, none), moments) {
            return false;
        }
        let slope = reader.graph.derivative(model.potential, Symbol::Coordinate(i as u16));
        let velocity = reader.graph.div(drive, model.friction[i]);
        let rate = reader.graph.mul(velocity, slope);
        climb = reader.graph.add(climb, rate);
    }
    !differ(reader, model, (climb, none), moments)
}

/// Whether two formulas differ at one of a few places and moments.
fn differ(reader: &Reader, model: &OverdampedModel, (first, second): (Node, Node), moments: &[Vec<f64>]) -> bool {
    const PLACES: usize = 7;
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    (0..PLACES).any(|place| {
        let position = |j: usize| {
            let (lower, upper) = model.coordinates[j].boundary.ends().unwrap_or((-2.0, 2.0));
            lower + (upper - lower) * ((place + 1) as f64 * GOLDEN + 0.37 * j as f64).fract()
        };
        let x: Vec<f64> = (0..model.coordinates.len()).map(position).collect();
        moments.iter().any(|moment| {
            let (a, b) = (reader.evaluate(first, &x, moment, 0.0), reader.evaluate(second, &x, moment, 0.0));
            a.is_finite() && b.is_finite() && (a - b).abs() > 1e-9 * (1.0 + a.abs().max(b.abs()))
        })
    })
}

/// Coordinates that act on others which do not act back, not even by way of further ones.
fn propulsions(reader: &mut Reader, model: &OverdampedModel) -> Vec<u16> {
    let d = model.coordinates.len();
    let values: Vec<Node> =
        reader.parameters.iter().map(|parameter| parameter.value).collect::<Vec<_>>().into_iter().map(|value| reader.graph.constant(value)).collect();
    let force = |i: usize| {
        let force = total_force(&mut reader.graph, model.potential, model.drives[i], i as u16);
        // What a parameter of 0 switches off does not act.
        reader.graph.substitute(force, &|symbol| match symbol {
            Symbol::Parameter(index) => values.get(usize::from(index)).copied(),
            _ => None,
        })
    };
    let forces: Vec<Node> = (0..d).map(force).collect();
    // acts[j][i]: j acts on i.
    let mut acts: Vec<Vec<bool>> =
        (0..d).map(|j| forces.iter().map(|&force| reader.graph.depends_on(force, &|symbol| symbol == Symbol::Coordinate(j as u16))).collect()).collect();
    let direct = acts.clone();
    for between in 0..d {
        let onwards = acts[between].clone();
        for row in acts.iter_mut().filter(|row| row[between]) {
            row.iter_mut().zip(&onwards).for_each(|(reaches, onwards)| *reaches |= onwards);
        }
    }
    (0..d).filter(|&j| (0..d).any(|i| i != j && direct[j][i] && !acts[i][j])).map(|j| j as u16).collect()
}

/// Why there is no entropy where a propulsion has no parity, and what to write.
pub fn unstated(names: &[&str]) -> String {
    let write = |word: &str| names.iter().map(|name| format!("{name} = \"{word}\"")).collect::<Vec<_>>().join(", ");
    let (subject, verb) = (all(names), if names.len() == 1 { "drives" } else { "drive" });
    format!(
        "{subject} {verb} other coordinates and none acts back, so that heat and entropy depend on what time reversal does to it: write `parity = {{ {} }}` in [model] where it is a position or a force, `parity = {{ {} }}` where it is a velocity",
        write("even"),
        write("odd")
    )
}
