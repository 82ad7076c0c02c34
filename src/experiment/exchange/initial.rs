//! `[initial]` of a rod.

use super::ExchangeModel;
use crate::experiment::document::{Item, Place, Table, Value};
use crate::experiment::initial::{Initial, InitialLaw};
use crate::experiment::read::Reader;
use crate::experiment::{Section, schema};

#[derive(Clone, Copy, PartialEq)]
enum Distribution {
    Equilibrium,
    SteadyState,
    Profile,
    Point,
}

/// Every distribution and the keys it reads.
const DISTRIBUTIONS: &[(&str, Distribution, &[&str])] = &[
    ("equilibrium", Distribution::Equilibrium, &["temperature"]),
    ("steady-state", Distribution::SteadyState, &["burn_in"]),
    ("profile", Distribution::Profile, &["mean"]),
    ("point", Distribution::Point, &["at"]),
];

/// Reads the start.
pub(in crate::experiment) fn read_initial(reader: &mut Reader, section: Option<&Section>, model: &ExchangeModel) -> Option<Initial> {
    let Some(section) = section else {
        let label = "expected `distribution = \"steady-state\"`, `\"equilibrium\"`, `\"profile\"` or `\"point\"`";
        reader.problem(&Place { source: 0, span: 0..0 }, "missing section [initial]", label);
        return None;
    };
    let table = section.table;
    reader.check_keys(table, "[initial]", schema::EXCHANGE_INITIAL);
    let item = reader.required(table, "distribution", section.place, "[initial]", "as `\"steady-state\"`")?;
    let choices: Vec<(&str, Distribution)> = DISTRIBUTIONS.iter().map(|(name, distribution, _)| (*name, *distribution)).collect();
    let distribution = reader.choice(item, "distribution", &choices)?;
    refuse_foreign(reader, table, distribution)?;
    let cells = model.cells.len();
    let law = match distribution {
        Distribution::SteadyState => InitialLaw::SteadyState,
        Distribution::Equilibrium => match table.get("temperature") {
            None => InitialLaw::Equilibrium,
            Some(item) => InitialLaw::Exponential(vec![reader.positive(item, "`temperature`")?; cells]),
        },
        Distribution::Profile => InitialLaw::Exponential(energies(reader, table, item, "mean", cells)?),
        Distribution::Point => InitialLaw::Point(energies(reader, table, item, "at", cells)?),
    };
    let burn_in = match table.get("burn_in") {
        Some(item) => Some(reader.positive(item, "`burn_in`")?),
        None => None,
    };
    Some(Initial { law, burn_in })
}

/// Keys of another distribution.
fn refuse_foreign(reader: &mut Reader, table: &Table, distribution: Distribution) -> Option<()> {
    let own = DISTRIBUTIONS.iter().find(|(_, known, _)| *known == distribution).map_or(&[][..], |(_, _, keys)| keys);
    let before = reader.count();
    for entry in table.entries.iter().filter(|entry| entry.key != "distribution" && !own.contains(&entry.key.as_str())) {
        if let Some((name, ..)) = DISTRIBUTIONS.iter().find(|(_, _, keys)| keys.contains(&entry.key.as_str())) {
            reader.problem(&entry.place, format!("`{}` belongs to the distribution `{name}`", entry.key), "");
        }
    }
    (reader.count() == before).then_some(())
}

/// One energy for all cells, or one each; not below 0.
fn energies(reader: &mut Reader, table: &Table, distribution: &Item, key: &str, cells: usize) -> Option<Vec<f64>> {
    let item = reader.required(table, key, &distribution.place, "this distribution", "one energy, or one for each cell")?;
    let what = format!("`{key}`");
    let mut one = |item: &Item| {
        let energy = reader.number(item, &what)?;
        if energy < 0.0 {
            reader.problem(&item.place, "an energy cannot be below 0", format!("this is {energy}"));
            return None;
        }
        Some(energy)
    };
    match &item.value {
        Value::List(items) if items.len() == cells => items.iter().map(one).collect(),
        Value::List(items) => {
            reader.problem(
                &item.place,
                format!("{what} has the wrong number of entries"),
                format!("expected {cells}, one for each cell, found {}", items.len()),
            );
            None
        }
        _ => Some(vec![one(item)?; cells]),
    }
}
