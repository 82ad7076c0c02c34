//! `kind = "network"`: one walker on a graph of named states.

use std::collections::HashMap;

use super::read::{bath_of, read_baths};
use super::{JumpChannel, JumpModel};
use crate::coordinate::{Boundary, Coordinate};
use crate::experiment::document::{Item, Table, Value};
use crate::experiment::names::nearest;
use crate::experiment::read::{Reader, Reads};
use crate::experiment::{Section, schema};
use crate::expression::{Function, Node};

const MOST_STATES: u64 = 1 << 20;

/// Names of states and their places in the list.
struct States {
    names: Vec<String>,
    index: HashMap<String, u32>,
}

/// Reads states, energies, baths and edges.
pub(super) fn read(reader: &mut Reader, section: &Section) -> Option<JumpModel> {
    let states = states(reader, section)?;
    let baths = read_baths(reader, section.table)?;
    let energy = energies(reader, section.table, &states)?;
    let mut model = JumpModel {
        coordinates: vec![Coordinate { name: "state".to_owned(), boundary: Boundary::Open }],
        states: Some(states.names.clone()),
        start: Vec::new(),
        chemostats: Vec::new(),
        channels: Vec::new(),
        baths,
        energy,
        mixing: None,
        derived: Vec::new(),
        interventions: Vec::new(),
        segment: None,
        most_events: 0,
        leaping: None,
    };
    let item = reader.required(section.table, "edges", section.place, "[model]", "as in `[{ from = \"A\", to = \"B\", forward = 2, reverse = 1 }]`")?;
    let list = reader.list(item, "`edges`", "of edges")?;
    if list.is_empty() {
        reader.problem(&item.place, "`edges` is empty", "expected at least one edge");
        return None;
    }
    for item in list {
        edge(reader, item, &states, &mut model)?;
    }
    Some(model)
}

fn states(reader: &mut Reader, section: &Section) -> Option<States> {
    let item = reader.required(section.table, "states", section.place, "[model]", "as in `[\"A\", \"B\", \"C\"]`, or how many")?;
    let names: Vec<String> = match &item.value {
        Value::Integer(_) => {
            let number = reader.integer(item, "`states`", 2)?;
            if number > MOST_STATES {
                reader.problem(&item.place, format!("at most {MOST_STATES} states are possible"), format!("this is {number}"));
                return None;
            }
            (0..number).map(|index| format!("s{index}")).collect()
        }
        _ => {
            let items = reader.list(item, "`states`", "of names, as in `[\"A\", \"B\"]`")?;
            items.iter().map(|item| reader.text(item, "the name of a state")).collect::<Option<_>>()?
        }
    };
    let mut index = HashMap::with_capacity(names.len());
    for (number, name) in names.iter().enumerate() {
        if name.trim().is_empty() || index.insert(name.clone(), number as u32).is_some() {
            reader.problem(&item.place, format!("`{name}` cannot be the name of a state"), "names of states are not empty, and each comes once");
            return None;
        }
    }
    if names.len() < 2 {
        reader.problem(&item.place, "a network has at least two states", format!("found {}", names.len()));
        return None;
    }
    Some(States { names, index })
}

/// `energies = { A = 0, B = "e" }`, all states.
fn energies(reader: &mut Reader, table: &Table, states: &States) -> Option<Option<Vec<Node>>> {
    let Some(item) = table.get("energies") else { return Some(None) };
    let given = reader.table(item, "`energies`")?;
    let known: Vec<&str> = states.names.iter().map(String::as_str).collect();
    reader.check_keys(given, "`energies`", &known);
    let mut energies = Vec::with_capacity(states.names.len());
    for name in &states.names {
        let Some(energy) = given.get(name) else {
            reader.problem(&item.place, format!("the energy of state `{name}` is missing"), "expected one for every state");
            return None;
        };
        energies.push(reader.formula(energy, &format!("the energy of `{name}`"), Reads::State)?);
    }
    Some(Some(energies))
}

/// An edge as a table, or as `[from, to, forward, reverse]`.
fn edge(reader: &mut Reader, item: &Item, states: &States, model: &mut JumpModel) -> Option<()> {
    if let Value::List(parts) = &item.value {
        let (from, to, rates) = match parts.as_slice() {
            [from, to, forward] => (from, to, [Some(forward), None]),
            [from, to, forward, reverse] => (from, to, [Some(forward), Some(reverse)]),
            _ => {
                reader.problem(&item.place, "an edge in a list is `[from, to, forward, reverse]`", format!("this has {} entries", parts.len()));
                return None;
            }
        };
        let ends = (state(reader, from, states)?, state(reader, to, states)?);
        let [forward, reverse] = rates.map(|rate| rate.map(|rate| reader.formula(rate, "a rate", Reads::State)));
        let reverse = match reverse {
            Some(node) => Some(node?),
            None => None,
        };
        let bath = (model.baths.len() == 1).then_some(0);
        return push(reader, item, states, model, Edge { ends, name: None, forward: forward??, reverse, bath, drive: None });
    }
    let table = reader.table(item, "an edge")?;
    reader.check_keys(table, "an edge", schema::EDGE);
    let from = reader.required(table, "from", &item.place, "an edge", "the name of a state")?;
    let to = reader.required(table, "to", &item.place, "an edge", "the name of a state")?;
    let ends = (state(reader, from, states)?, state(reader, to, states)?);
    let name = match table.get("name") {
        Some(item) => Some(reader.text(item, "`name`")?),
        None => None,
    };
    let bath = bath_of(reader, table, &model.baths)?;
    let drive = match table.get("drive") {
        Some(item) => Some(reader.formula(item, "`drive`", Reads::State)?),
        None => None,
    };
    let (forward, reverse) = rates(reader, table, item, ends, bath, drive, model)?;
    push(reader, item, states, model, Edge { ends, name, forward, reverse, bath, drive })
}

struct Edge {
    ends: (u32, u32),
    name: Option<String>,
    forward: Node,
    reverse: Option<Node>,
    bath: Option<usize>,
    drive: Option<Node>,
}

fn push(reader: &mut Reader, item: &Item, states: &States, model: &mut JumpModel, edge: Edge) -> Option<()> {
    let (from, to) = edge.ends;
    if from == to {
        reader.problem(&item.place, format!("an edge from `{}` to itself changes nothing", states.names[from as usize]), "");
        return None;
    }
    let arrow = if edge.reverse.is_some() { "-" } else { ">" };
    let plain = format!("{}{arrow}{}", states.names[from as usize], states.names[to as usize]);
    let taken = |name: &str| model.channels.iter().rev().take(4096).any(|channel| channel.name == name);
    let name = match edge.name {
        Some(name) if taken(&name) => {
            reader.problem(&item.place, format!("two edges are called `{name}`"), "give one of them another `name`");
            return None;
        }
        Some(name) => name,
        None if taken(&plain) => (2..).map(|number| format!("{plain}#{number}")).find(|name| !taken(name)).unwrap_or(plain),
        None => plain,
    };
    let index = model.channels.len();
    let channel = |name: String, edge_ends, propensity, reverse, drive| JumpChannel {
        name,
        reactants: Vec::new(),
        products: Vec::new(),
        edge: Some(edge_ends),
        propensity,
        constant: None,
        reverse,
        bath: edge.bath,
        drive,
    };
    model.channels.push(channel(name.clone(), (from, to), edge.forward, edge.reverse.map(|_| index + 1), edge.drive));
    if let Some(reverse) = edge.reverse {
        let drive = edge.drive.map(|node| reader.graph.neg(node));
        model.channels.push(channel(format!("{name} (reverse)"), (to, from), reverse, Some(index), drive));
    }
    Some(())
}

/// Bare rates, or `rate·exp(±(drive − ΔE)/(2T))` by local detailed balance.
fn rates(
    reader: &mut Reader,
    table: &Table,
    item: &Item,
    (from, to): (u32, u32),
    bath: Option<usize>,
    drive: Option<Node>,
    model: &JumpModel,
) -> Option<(Node, Option<Node>)> {
    match (table.get("forward"), table.get("reverse"), table.get("rate")) {
        (Some(forward), reverse, None) => {
            let forward = reader.formula(forward, "`forward`", Reads::State)?;
            let reverse = match reverse {
                Some(item) => Some(reader.formula(item, "`reverse`", Reads::State)?),
                None => None,
            };
            Some((forward, reverse))
        }
        (None, None, Some(rate)) => {
            let Some(energies) = model.energy.as_ref().filter(|_| bath.is_some()) else {
                reader.problem(
                    &rate.place,
                    "`rate` alone needs energies and a bath",
                    "expected `forward` and `reverse`, or `energies` and `temperature` in [model]",
                );
                return None;
            };
            let rate = reader.formula(rate, "`rate`", Reads::State)?;
            let temperature = model.baths[bath?].1;
            let graph = &mut reader.graph;
            let climb = graph.sub(energies[to as usize], energies[from as usize]);
            let push = drive.unwrap_or_else(|| graph.constant(0.0));
            let fall = graph.sub(push, climb);
            let two = graph.constant(2.0);
            let doubled = graph.mul(two, temperature);
            let exponent = graph.div(fall, doubled);
            let opposite = graph.neg(exponent);
            let (up, down) = (graph.call(Function::Exp, &[exponent]), graph.call(Function::Exp, &[opposite]));
            Some((graph.mul(rate, up), Some(graph.mul(rate, down))))
        }
        _ => {
            reader.problem(&item.place, "an edge needs rates", "expected `forward` (and `reverse`), or `rate` where there are energies");
            None
        }
    }
}

fn state(reader: &mut Reader, item: &Item, states: &States) -> Option<u32> {
    let name = reader.text(item, "the name of a state")?;
    if let Some(index) = states.index.get(&name) {
        return Some(*index);
    }
    let suggestion = nearest(&name, states.names.iter().take(4096).map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
    reader.problem(&item.place, format!("unknown state `{name}`"), "expected one of `states`").perhaps(suggestion);
    None
}
