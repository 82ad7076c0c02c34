//! `[model]` of a rod.

use super::{Contact, ENDS, ExchangeModel};
use crate::coordinate::{Boundary, Coordinate};
use crate::experiment::document::{Item, Value};
use crate::experiment::protocol::Protocol;
use crate::experiment::read::{Reader, Reads};
use crate::experiment::{Section, schema};
use crate::expression::Node;

/// Most cells.
const MOST_CELLS: f64 = 256.0;
/// Moments of the protocol at which temperatures are judged.
const MOMENTS: u64 = 64;

const CONTACTS: &[(&str, Contact)] = &[("ghost-bond", Contact::GhostBond), ("resample", Contact::Resample)];

/// Reads the model, without what `[ensemble]` says of time.
pub(in crate::experiment) fn read_model(reader: &mut Reader, section: &Section, protocol: Option<&Protocol>) -> Option<ExchangeModel> {
    let table = section.table;
    reader.check_keys(table, "[model]", schema::EXCHANGE);
    let cells = read_cells(reader, section);
    let contact = table.get("baths").map_or(Some(Contact::GhostBond), |item| reader.choice(item, "kind of bath", CONTACTS));
    let temperature = read_temperature(reader, section, protocol);
    let (cells, contact, temperature) = (cells?, contact?, temperature?);
    let rates = read_rates(reader, section, cells, &temperature)?;
    let name = |number: usize| Coordinate { name: number.to_string(), boundary: Boundary::Open };
    Some(ExchangeModel { cells: (1..=cells).map(name).collect(), rates, contact, temperature, segment: None, most_events: 0 })
}

/// How many cells, a number or a formula of parameters.
fn read_cells(reader: &mut Reader, section: &Section) -> Option<usize> {
    let item = reader.required(section.table, "cells", section.place, "[model]", "how many")?;
    let cells = reader.number(item, "`cells`")?;
    if cells.fract() != 0.0 || !(1.0..=MOST_CELLS).contains(&cells) {
        reader.problem(&item.place, format!("a rod has 1 to {MOST_CELLS} cells"), format!("this is {cells}"));
        return None;
    }
    Some(cells as usize)
}

/// One temperature, `[hot, cold]`, or `{ hot = …, cold = … }` of which one may be missing.
fn read_temperature(reader: &mut Reader, section: &Section, protocol: Option<&Protocol>) -> Option<[Option<Node>; 2]> {
    let expected = "here `{ hot = 2, cold = 1 }`: of the bath of the first cell and that of the last";
    let item = reader.required(section.table, "temperature", section.place, "[model]", expected)?;
    let mut one = |item: &Item, what: &str| read_one_temperature(reader, item, what, protocol).map(Some);
    match &item.value {
        Value::Table(table) => {
            let [hot, cold] = ENDS.map(|end| table.get(end));
            let ends = [hot, cold].map(|item| item.map_or(Some(None), |item| one(item, "a temperature")));
            reader.check_keys(table, "`temperature`", &ENDS);
            if hot.or(cold).is_none() {
                reader.problem(&item.place, "a rod needs a bath at one end at least", format!("expected {expected}"));
                return None;
            }
            let [hot, cold] = ends;
            Some([hot?, cold?])
        }
        Value::List(items) => match items.as_slice() {
            [hot, cold] => {
                let (hot, cold) = (one(hot, "a temperature"), one(cold, "a temperature"));
                Some([hot?, cold?])
            }
            _ => {
                reader.problem(&item.place, "`temperature` must be a list `[hot, cold]`", format!("this has {} entries", items.len()));
                None
            }
        },
        _ => one(item, "`temperature`").map(|both| [both, both]),
    }
}

fn read_one_temperature(reader: &mut Reader, item: &Item, what: &str, protocol: Option<&Protocol>) -> Option<Node> {
    let node = reader.formula(item, what, Reads::State)?;
    let Some(protocol) = protocol.filter(|_| !reader.parameters_broken) else { return Some(node) };
    let moments = protocol.samples(&reader.graph, &reader.parameters, MOMENTS);
    let values = moments.iter().map(|values| reader.evaluate(node, &[], values, 0.0));
    if let Some(bad) = values.into_iter().find(|value| !(value.is_finite() && *value > 0.0)) {
        reader.problem(&item.place, format!("{what} must be a finite number above 0, at every time"), format!("it becomes {bad}"));
        return None;
    }
    Some(node)
}

/// One rate for every bond, or one each: of the first bath, of the inner bonds, of the last bath.
fn read_rates(reader: &mut Reader, section: &Section, cells: usize, temperature: &[Option<Node>; 2]) -> Option<Vec<Node>> {
    let bonds = cells + 1;
    let insulated = |bond: usize| bond == 0 && temperature[0].is_none() || bond == cells && temperature[1].is_none();
    let zero = reader.graph.constant(0.0);
    let item = match section.table.get("rate") {
        None => {
            let one = reader.graph.constant(1.0);
            return Some((0..bonds).map(|bond| if insulated(bond) { zero } else { one }).collect());
        }
        Some(item) => item,
    };
    let mut one = |item: &Item, insulated: bool| {
        let node = reader.formula(item, "`rate`", Reads::Bath)?;
        let value = reader.value_of(node, item, "`rate`")?;
        if insulated && value == 0.0 { Some(()) } else { reader.check_positive(value, item, "`rate`").map(drop) }?;
        Some(node)
    };
    match &item.value {
        Value::List(items) if items.len() == bonds => {
            let rate = |(bond, item): (usize, &Item)| one(item, insulated(bond)).map(|node| if insulated(bond) { zero } else { node });
            items.iter().enumerate().map(rate).collect()
        }
        Value::List(items) => {
            let label = format!("expected {bonds} of {cells} cells: that of the first bath, those between cells, that of the last bath; found {}", items.len());
            reader.problem(&item.place, "`rate` has the wrong number of entries", label);
            None
        }
        _ => {
            let node = one(item, false)?;
            Some((0..bonds).map(|bond| if insulated(bond) { zero } else { node }).collect())
        }
    }
}
