//! `[model]`: coordinates, potential, forces and baths.

use super::document::{Item, Place, Table, Value};
use super::names::{either, nearest};
use super::protocol::Protocol;
use super::read::{Reader, Reads};
use super::{OverdampedModel, Parity, Section, bath, check_name, parity, schema, velocity_name};
use crate::coordinate::{Boundary, Coordinate};
use crate::expression::Node;

const MOST_COORDINATES: usize = 64;

/// Every kind of model.
const KINDS: &[(&str, Kind)] = &[
    ("overdamped", Kind::Overdamped),
    ("underdamped", Kind::Underdamped),
    ("network", Kind::Network),
    ("reactions", Kind::Reactions),
    ("energy-exchange", Kind::EnergyExchange),
];

/// Kind of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Overdamped,
    Underdamped,
    Network,
    Reactions,
    EnergyExchange,
}

/// The kind; nothing else of a file of another kind is worth judging.
pub(super) fn read_kind(reader: &mut Reader, section: &Section) -> Option<Kind> {
    let item = reader.required(section.table, "kind", section.place, "[model]", "here `\"overdamped\"`")?;
    let kind = reader.text(item, "`kind`")?;
    let expected = format!("expected {}", either(&KINDS.iter().map(|(name, _)| *name).collect::<Vec<_>>()));
    if let Some((_, known)) = KINDS.iter().find(|(name, _)| *name == kind) {
        return Some(*known);
    }
    let known = KINDS.iter().map(|(name, _)| *name);
    let suggestion = nearest(&kind, known).map(|near| format!("did you mean `{near}`?"));
    reader.problem(&item.place, format!("unknown kind of model `{kind}`"), expected).perhaps(suggestion);
    None
}

/// Reads the coordinates and their ranges, and makes their names known to formulas.
pub(super) fn read_coordinates(reader: &mut Reader, section: &Section, underdamped: bool) -> Option<Vec<Coordinate>> {
    let item = reader.required(section.table, "coordinates", section.place, "[model]", "as in `[\"x\"]`")?;
    let before = reader.count();
    let named: Vec<(String, &Place, Option<&Item>)> = match &item.value {
        Value::Table(table) => table.entries.iter().map(|entry| (entry.key.clone(), &entry.place, Some(&entry.item))).collect(),
        _ => {
            let items = reader.list(item, "`coordinates`", "of names, as in `[\"x\"]`")?;
            let names = items.iter().map(|item| reader.text(item, "the name of a coordinate").map(|name| (name, &item.place)));
            let names: Option<Vec<_>> = names.collect();
            names?.into_iter().map(|(name, place)| (name.clone(), place, section.table.get(&name))).collect()
        }
    };
    if named.is_empty() || named.len() > MOST_COORDINATES {
        let message = format!("a model has 1 to {MOST_COORDINATES} coordinates");
        reader.problem(&item.place, message, format!("found {}", named.len()));
        return None;
    }
    let mut coordinates = Vec::with_capacity(named.len());
    for (name, place, range) in named {
        if keys(underdamped).contains(&name.as_str()) {
            reader.problem(place, format!("`{name}` cannot be the name of a coordinate"), "it is a key of [model]");
        } else if check_name(reader, "a coordinate", &name, place) {
            let boundary = range.map_or(Some(Boundary::Open), |range| read_boundary(reader, range, &name));
            if underdamped && reader.coordinates.iter().any(|other| velocity_name(other) == name || velocity_name(&name) == *other) {
                reader.problem(place, format!("`{name}` cannot be the name of a coordinate"), "it is the velocity of another, or its velocity is another");
            }
            reader.coordinates.push(name.clone());
            coordinates.extend(boundary.map(|boundary| Coordinate { name, boundary }));
        }
    }
    (reader.count() == before).then_some(coordinates)
}

fn read_boundary(reader: &mut Reader, item: &Item, name: &str) -> Option<Boundary> {
    let what = format!("coordinate `{name}`");
    let table = reader.table(item, &what)?;
    reader.check_keys(table, &what, schema::COORDINATE);
    match (table.get("periodic"), table.get("walls")) {
        (Some(_), Some(walls)) => {
            reader.problem(&walls.place, format!("{what} cannot be periodic and have walls"), "");
            None
        }
        (Some(range), None) => reader.interval(range, "`periodic`").map(|(lower, upper)| Boundary::Periodic { lower, upper }),
        (None, Some(range)) => reader.interval(range, "`walls`").map(|(lower, upper)| Boundary::Walls { lower, upper }),
        (None, None) => Some(Boundary::Open),
    }
}

/// Reads the rest of the model.
pub(super) fn read(
    reader: &mut Reader,
    section: &Section,
    coordinates: Vec<Coordinate>,
    underdamped: bool,
    protocol: Option<&Protocol>,
) -> Option<OverdampedModel> {
    let table = section.table;
    // Ranges stand either under `coordinates` or beside it.
    let names = if table.table("coordinates").is_some() { Vec::new() } else { reader.coordinates.clone() };
    let known: Vec<&str> = keys(underdamped).iter().copied().chain(names.iter().map(String::as_str)).collect();
    reader.check_keys(table, "[model]", &known);
    let potential = read_potential(reader, section);
    let drives = read_drives(reader, table);
    let (friction, temperature, mass) = if underdamped {
        (read_inertial(reader, section, "friction"), read_inertial(reader, section, "temperature"), read_inertial(reader, section, "mass"))
    } else {
        (bath::read_bath(reader, section, "friction"), bath::read_bath(reader, section, "temperature"), Some(Vec::new()))
    };
    let (potential, drives, friction, temperature, mass) = (potential?, drives?, friction?, temperature?, mass?);
    let interpretation = if underdamped { None } else { bath::read_interpretation(reader, table, &[friction.as_slice(), &temperature].concat())? };
    let mut model = OverdampedModel { coordinates, potential, drives, friction, temperature, interpretation, mass, parity: Parity::default() };
    if !underdamped {
        bath::check_positive(reader, table, &model, protocol);
        model.parity = parity::read_parity(reader, table, &model, protocol)?;
    }
    check_periodicity(reader, table, &model, protocol);
    Some(model)
}

fn read_potential(reader: &mut Reader, section: &Section) -> Option<Node> {
    match section.table.get("potential") {
        Some(item) => reader.formula(item, "`potential`", Reads::State),
        None if section.table.get("force").is_some() => Some(reader.graph.constant(0.0)),
        None => {
            reader.required(section.table, "potential", section.place, "[model]", "a formula of the coordinates, or a `force`")?;
            None
        }
    }
}

fn read_drives(reader: &mut Reader, table: &Table) -> Option<Vec<Option<Node>>> {
    let Some(item) = table.get("force") else { return Some(vec![None; reader.coordinates.len()]) };
    let single = reader.coordinates.len() == 1 && !matches!(item.value, Value::Table(_) | Value::List(_));
    let items = if single { vec![Some(item)] } else { reader.some_coordinates(item, "`force`")? };
    let nodes: Vec<_> = items.into_iter().map(|item| item.map(|item| reader.formula(item, "`force`", Reads::State))).collect();
    nodes.into_iter().map(|node| node.map_or(Some(None), |parsed| parsed.map(Some))).collect()
}

/// Keys of `[model]`.
fn keys(underdamped: bool) -> &'static [&'static str] {
    if underdamped { schema::UNDERDAMPED } else { schema::MODEL }
}

/// Mass, friction or temperature of underdamped dynamics: one positive formula of parameters a coordinate. A friction may be 0: no bath.
fn read_inertial(reader: &mut Reader, section: &Section, key: &str) -> Option<Vec<Node>> {
    let or_none = key == "friction";
    let what = format!("`{key}`");
    let item = reader.required(section.table, key, section.place, "[model]", "a number, a formula of parameters, or one for each coordinate")?;
    let items = reader.per_coordinate(item, &what)?;
    let shared = !matches!(item.value, Value::Table(_) | Value::List(_));
    let mut nodes = Vec::with_capacity(items.len());
    for item in items {
        let node = reader.formula(item, &what, Reads::Bath)?;
        if let Some(value) = reader.value_of(node, item, &what)
            && (value < 0.0 || value == 0.0 && !or_none)
        {
            let why = match key {
                "temperature" => "without noise there is no entropy production to measure",
                "mass" => "without mass motion is overdamped: kind = \"overdamped\"",
                _ => "0 means no bath, a friction below 0 would be one that heats",
            };
            let bound = if or_none { "must not be below 0" } else { "must be above 0" };
            reader.problem(&item.place, format!("{what} {bound}"), format!("this is {value}")).help(why);
            return None;
        }
        nodes.push(node);
        if shared {
            return Some(vec![node; reader.coordinates.len()]);
        }
    }
    Some(nodes)
}

/// Compares potential and forces one period apart, at a few places.
fn check_periodicity(reader: &mut Reader, table: &Table, model: &OverdampedModel, protocol: Option<&Protocol>) {
    if reader.parameters_broken {
        return;
    }
    let moments: Vec<Vec<f64>> = match protocol {
        Some(protocol) => protocol.samples(&reader.graph, &reader.parameters, 3),
        None => return,
    };
    let drives = model.drives.iter().flatten().map(|node| ("force", *node));
    let baths = model.friction.iter().map(|node| ("friction", *node)).chain(model.temperature.iter().map(|node| ("temperature", *node)));
    for (key, node) in [("potential", model.potential)].into_iter().chain(drives).chain(baths) {
        let Some(item) = table.get(key) else { continue };
        for (index, coordinate) in model.coordinates.iter().enumerate() {
            let Boundary::Periodic { lower, upper } = coordinate.boundary else { continue };
            let Some((here, there)) = difference_over_a_period(reader, model, node, index, upper - lower, &moments) else { continue };
            let name = &coordinate.name;
            let message = format!("`{key}` is not periodic in `{name}`");
            let label = format!("this is {here:.6} at one point and {there:.6} a period of {:.6} further on", upper - lower);
            let help = match key {
                "potential" => format!("put a constant tilt into `force`, or change the range of `{name}`"),
                _ => format!("change the formula, or the range of `{name}`"),
            };
            reader.problem(&item.place, message, label).help(help);
            break;
        }
    }
}

/// The two values of a formula that should be equal, where they are not.
fn difference_over_a_period(reader: &Reader, model: &OverdampedModel, node: Node, index: usize, period: f64, moments: &[Vec<f64>]) -> Option<(f64, f64)> {
    const PLACES: usize = 7;
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    for (place, protocol) in (0..PLACES).flat_map(|place| moments.iter().map(move |protocol| (place, protocol))) {
        let fraction = |j: usize| ((place + 1) as f64 * GOLDEN + 0.37 * j as f64).fract();
        let position = |(j, coordinate): (usize, &Coordinate)| {
            let (lower, upper) = coordinate.boundary.ends().unwrap_or((-1.0, 1.0));
            lower + (upper - lower) * fraction(j)
        };
        let mut x: Vec<f64> = model.coordinates.iter().enumerate().map(position).collect();
        let here = reader.evaluate(node, &x, protocol, 0.0);
        x[index] += period;
        let there = reader.evaluate(node, &x, protocol, 0.0);
        let tolerance = 1e-8 * (1.0 + here.abs().max(there.abs()));
        if here.is_finite() && there.is_finite() && (here - there).abs() > tolerance {
            return Some((here, there));
        }
    }
    None
}
