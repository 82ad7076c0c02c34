//! `[measure]` and `[exact]`: what to measure, and what to compare with.

use super::document::{Entry, Item, Value};
use super::names::nearest;
use super::plane::read_plane;
use super::protocol::Protocol;
use super::read::{Reader, Reads};
use super::{ExactFormula, Measure, Section, schema};
use crate::coordinate::{Boundary, Coordinate, FieldGrid};

const DEFAULT_BINS: u32 = 64;
const MOST_BINS: u64 = 1 << 16;

/// Reads `[measure]`, without the schedule of saves.
pub(super) fn read_measure(reader: &mut Reader, section: Option<&Section>, grids_of: Option<&[Coordinate]>, known: &[&str]) -> Option<Measure> {
    let mut measure = Measure { every: 0.0, theorems: Vec::new(), grids: Vec::new(), plane: None, trajectories: false };
    let Some(table) = section.map(|section| section.table) else { return Some(measure) };
    reader.check_keys(table, "[measure]", schema::MEASURE);
    let theorems = table.get("theorems").map_or(Some(Vec::new()), |item| read_theorems(reader, item, known));
    let grids = table.get("grid").map_or(Some(Vec::new()), |item| read_grids(reader, item, grids_of?));
    let plane = table.get("field").map_or(Some(None), |item| read_plane(reader, item, grids_of?).map(Some));
    let trajectories = table.get("trajectories").map_or(Some(false), |item| reader.boolean(item, "`trajectories`"));
    measure.theorems = theorems?;
    measure.grids = grids?;
    measure.plane = plane?;
    measure.trajectories = trajectories?;
    Some(measure)
}

fn read_theorems(reader: &mut Reader, item: &Item, known: &[&str]) -> Option<Vec<String>> {
    let before = reader.count();
    let mut theorems: Vec<String> = Vec::new();
    for item in reader.list(item, "`theorems`", "of names, as in `[\"first_law\"]`")? {
        let Some(name) = reader.text(item, "the name of a theorem") else { continue };
        if !known.contains(&name.as_str()) {
            let suggestion = nearest(&name, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let expected = format!("expected {}", super::names::either(known));
            reader.problem(&item.place, format!("unknown theorem `{name}`"), expected).perhaps(suggestion);
        } else if theorems.contains(&name) {
            reader.problem(&item.place, format!("theorem `{name}` is listed twice"), "");
        } else {
            theorems.push(name);
        }
    }
    (reader.count() == before).then_some(theorems)
}

fn read_grids(reader: &mut Reader, item: &Item, coordinates: &[Coordinate]) -> Option<Vec<FieldGrid>> {
    if !matches!(item.value, Value::Table(_)) {
        reader.problem(&item.place, "`grid` must be a table", "expected `{ x = [lower, upper, bins] }` with names of coordinates as keys");
        return None;
    }
    let given = reader.some_coordinates(item, "`grid`")?;
    let mut grids = Vec::new();
    for (index, item) in given.into_iter().enumerate().filter_map(|(index, item)| item.map(|item| (index, item))) {
        grids.push(read_grid(reader, item, index, coordinates[index].boundary, DEFAULT_BINS)?);
    }
    Some(grids)
}

pub(super) fn read_grid(reader: &mut Reader, item: &Item, index: usize, boundary: Boundary, default_bins: u32) -> Option<FieldGrid> {
    let entries = reader.list(item, "a grid", "`[lower, upper, bins]`")?;
    let (lower, upper, bins) = match entries {
        [lower, upper] => (lower, upper, None),
        [lower, upper, bins] => (lower, upper, Some(bins)),
        _ => {
            reader.problem(&item.place, "a grid must be a list `[lower, upper, bins]`", format!("this has {} entries", entries.len()));
            return None;
        }
    };
    let bins = match bins {
        Some(item) => {
            let bins = reader.integer(item, "the number of bins", 1)?;
            if bins > MOST_BINS {
                reader.problem(&item.place, "too many bins", format!("at most {MOST_BINS} are possible"));
                return None;
            }
            bins as u32
        }
        None => default_bins,
    };
    let (lower, upper) = (reader.number(lower, "the lower end of a grid")?, reader.number(upper, "the upper end of a grid")?);
    let (lower, upper) = reader.check_interval(lower, upper, &item.place, "a grid")?;
    if let Some((from, to)) = boundary.ends() {
        let slack = 1e-12 * (to - from);
        if lower < from - slack || upper > to + slack {
            reader.problem(&item.place, "the grid lies outside the range of its coordinate", format!("expected within {from} and {to}"));
            return None;
        }
    }
    Some(FieldGrid { coordinate: index as u16, lower, upper, bins })
}

/// Reads `[exact]`: formulas of parameters and of the time `t` at the end. Dots in names may be written as nested tables.
pub(super) fn read_exact(reader: &mut Reader, section: Option<&Section>, protocol: Option<&Protocol>) -> Vec<ExactFormula> {
    let mut formulas = Vec::new();
    if let Some(section) = section {
        read_formulas(reader, &section.table.entries, "", protocol, &mut formulas);
    }
    formulas
}

fn read_formulas(reader: &mut Reader, entries: &[Entry], above: &str, protocol: Option<&Protocol>, formulas: &mut Vec<ExactFormula>) {
    for entry in entries {
        let name = format!("{above}{}", entry.key);
        if let Value::Table(table) = &entry.item.value {
            read_formulas(reader, &table.entries, &format!("{name}."), protocol, formulas);
            continue;
        }
        if formulas.iter().any(|formula| formula.name == name) {
            reader.problem(&entry.place, format!("`{name}` has an exact formula already"), "");
            continue;
        }
        let what = format!("`{name}`");
        let Some(node) = reader.formula(&entry.item, &what, Reads::Time) else { continue };
        let value = protocol.map(|protocol| reader.evaluate(node, &[], &[], protocol.duration));
        if let Some(value) = value.filter(|value| !value.is_finite() && !reader.parameters_broken) {
            reader.problem(&entry.item.place, format!("{what} must be finite at the end"), format!("this is {value}"));
        }
        let text = match &entry.item.value {
            Value::Text(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            _ => value.unwrap_or_default().to_string(),
        };
        formulas.push(ExactFormula { name, node, text });
    }
}
