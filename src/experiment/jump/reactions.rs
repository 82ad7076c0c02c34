//! `kind = "reactions"`: copy numbers, and reactions between them.

use super::arrow::{self, Equation, Term};
use super::energies::{self, Energies, no_counts};
use super::read::{bath_of, items, read_baths, state_formula, with_chemostats};
use super::{Chemostat, JumpChannel, JumpModel, MOST_CHANNELS};
use crate::coordinate::{Boundary, Coordinate};
use crate::experiment::document::{Item, Place, Table};
use crate::experiment::names::nearest;
use crate::experiment::read::{Reader, Reads};
use crate::experiment::{Section, check_name, schema};
use crate::expression::{Node, Symbol};

const MOST_SPECIES: usize = 64;

/// Reads species, baths and reactions.
pub(super) fn read(reader: &mut Reader, section: &Section) -> Option<JumpModel> {
    let mut model = species(reader, section)?;
    model.baths = read_baths(reader, section.table)?;
    let volume = match section.table.get("volume") {
        Some(item) => {
            let node = reader.formula(item, "`volume`", Reads::Parameters)?;
            let value = reader.value_of(node, item, "`volume`")?;
            reader.check_positive(value, item, "`volume`")?;
            node
        }
        None => reader.graph.constant(1.0),
    };
    let mut energies = energies::read(reader, section.table, volume, &model)?;
    for item in items(reader, section, "reactions", "as in `[{ equation = \"A <-> B\", forward = 1, reverse = 2 }]`")? {
        reaction(reader, item, volume, &mut energies, &mut model)?;
    }
    let place = section.table.get("energies").map_or(section.place, |item| &item.place);
    energies.complete(reader, place, &mut model)?;
    if model.channels.len() > MOST_CHANNELS {
        let found = format!("found {}", model.channels.len());
        reader.problem(section.place, format!("a model has at most {MOST_CHANNELS} channels, each direction of a reaction being one"), found);
        return None;
    }
    Some(model)
}

fn species(reader: &mut Reader, section: &Section) -> Option<JumpModel> {
    let item = reader.required(section.table, "species", section.place, "[model]", "as in `{ A = 50, B = 0 }`")?;
    let entries = &reader.table(item, "`species`")?.entries;
    let held = held(reader, section.table, entries.iter().map(|entry| entry.key.as_str()).collect())?;
    let mut model = JumpModel {
        coordinates: Vec::new(),
        states: None,
        start: Vec::new(),
        chemostats: Vec::new(),
        channels: Vec::new(),
        baths: Vec::new(),
        energy: None,
        mixing: None,
        derived: Vec::new(),
        interventions: Vec::new(),
        segment: None,
        most_events: 0,
        leaping: None,
    };
    let before = reader.count();
    for entry in entries {
        check_name(reader, "a species", &entry.key, &entry.place);
        let what = format!("the count of `{}`", entry.key);
        if held.contains(&entry.key) {
            let count = reader.formula(&entry.item, &what, Reads::Parameters)?;
            let value = reader.value_of(count, &entry.item, &what)?;
            if value < 0.0 {
                reader.problem(&entry.item.place, format!("{what} must not be negative"), format!("this is {value}"));
            }
            model.chemostats.push(Chemostat { name: entry.key.clone(), count });
        } else {
            model.start.push(count(reader, &entry.item, &what)?);
            model.coordinates.push(Coordinate { name: entry.key.clone(), boundary: Boundary::Open });
        }
    }
    if model.coordinates.is_empty() || model.coordinates.len() > MOST_SPECIES {
        reader.problem(&item.place, format!("a model has 1 to {MOST_SPECIES} species that are not held"), format!("found {}", model.coordinates.len()));
    }
    reader.coordinates = model.coordinates.iter().map(|c| c.name.clone()).chain(model.chemostats.iter().map(|c| c.name.clone())).collect();
    (reader.count() == before).then_some(model)
}

/// Names under `chemostatted`.
fn held(reader: &mut Reader, table: &Table, known: Vec<&str>) -> Option<Vec<String>> {
    let Some(item) = table.get("chemostatted") else { return Some(Vec::new()) };
    let mut names = Vec::new();
    for item in reader.list(item, "`chemostatted`", "of species, as in `[\"A\"]`")? {
        let name = reader.text(item, "the name of a species")?;
        if !known.contains(&name.as_str()) {
            let suggestion = nearest(&name, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            reader.problem(&item.place, format!("unknown species `{name}`"), "give its number in `species`").perhaps(suggestion);
            return None;
        }
        names.push(name);
    }
    Some(names)
}

/// A number of molecules: an integer, not below 0.
pub(super) fn count(reader: &mut Reader, item: &Item, what: &str) -> Option<f64> {
    let value = reader.number(item, what)?;
    if value < 0.0 || value.fract() != 0.0 || value > f64::from(1u32 << 31) {
        reader.problem(&item.place, format!("{what} must be an integer, not below 0"), format!("this is {value}"));
        return None;
    }
    Some(value)
}

fn reaction(reader: &mut Reader, item: &Item, volume: Node, energies: &mut Energies, model: &mut JumpModel) -> Option<()> {
    let table = reader.table(item, "a reaction")?;
    reader.check_keys(table, "a reaction", schema::REACTION);
    let text_item = reader.required(table, "equation", &item.place, "a reaction", "as in `\"A + B <-> C\"`")?;
    let text = reader.text(text_item, "`equation`")?;
    let equation = match arrow::parse(&text) {
        Ok(equation) => equation,
        Err((span, message, label)) => {
            let place = inside(&text_item.place, &span);
            reader.problem(&place, message, label);
            return None;
        }
    };
    let name = table.get("name").map_or_else(|| Some(text.trim().to_owned()), |item| reader.text(item, "`name`"))?;
    if model.channels.iter().any(|channel| channel.name == name) {
        reader.problem(&item.place, format!("two reactions are called `{name}`"), "give one of them a `name`");
        return None;
    }
    let (reactants, products) = (sides(reader, text_item, &equation.reactants)?, sides(reader, text_item, &equation.products)?);
    let bath = bath_of(reader, table, &model.baths)?;
    let drive = match table.get("drive") {
        Some(item) => Some(drive(reader, item)?),
        None => None,
    };
    let [forward, backward] = match table.get("rate").filter(|_| equation.reversible && OTHERS.iter().all(|key| table.get(key).is_none())) {
        Some(rate) => energies.directions(reader, rate, [&reactants, &products], (bath, drive), model)?.map(Some),
        None => {
            let forward = rate(reader, table, ["forward", "rate", "propensity"], &item.place, &reactants, volume, model)?;
            check_reverse(reader, table, &equation, &item.place)?;
            let backward = match equation.reversible {
                true => Some(rate(reader, table, ["reverse", "reverse", "reverse_propensity"], &item.place, &products, volume, model)?),
                false => None,
            };
            [Some(forward), backward]
        }
    };
    let index = model.channels.len();
    let channel = |name, reactants, products, (propensity, constant), reverse, drive| JumpChannel {
        name,
        reactants,
        products,
        edge: None,
        propensity,
        constant,
        reverse,
        bath,
        drive,
    };
    let reverse = equation.reversible.then_some(index + 1);
    model.channels.push(channel(name.clone(), reactants.clone(), products.clone(), forward?, reverse, drive));
    if let Some(backward) = backward {
        let drive = drive.map(|node| reader.graph.neg(node));
        model.channels.push(channel(format!("{name} (reverse)"), products, reactants, backward, Some(index), drive));
    }
    Some(())
}

/// Keys of rates beside `rate`.
const OTHERS: [&str; 4] = ["forward", "reverse", "propensity", "reverse_propensity"];

fn drive(reader: &mut Reader, item: &Item) -> Option<Node> {
    let node = reader.formula(item, "`drive`", Reads::State)?;
    no_counts(reader, node, item, "`drive`", "it is the work done on the system by every event of the reaction")?;
    Some(node)
}

fn check_reverse(reader: &mut Reader, table: &Table, equation: &Equation, place: &Place) -> Option<()> {
    let found = ["reverse", "reverse_propensity"].iter().find_map(|key| table.entry(key));
    match (equation.reversible, found) {
        (false, Some(entry)) => {
            reader.problem(&entry.place, "a reaction with `->` goes one way", "write `<->` to give it a reverse rate");
            None
        }
        (true, None) => {
            reader.problem(
                place,
                "a reaction with `<->` needs a reverse rate",
                "expected `reverse = …`, `rate = …` alone where there are energies, or `->` for one way",
            );
            None
        }
        _ => Some(()),
    }
}

fn sides(reader: &mut Reader, item: &Item, terms: &[Term]) -> Option<Vec<(u16, u32)>> {
    let mut found = Vec::new();
    for term in terms {
        let Some(index) = reader.coordinates.iter().position(|name| *name == term.species) else {
            let names = reader.coordinates.clone();
            let suggestion = nearest(&term.species, names.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            reader.problem(&inside(&item.place, &term.span), format!("unknown species `{}`", term.species), "give its number in `species`").perhaps(suggestion);
            return None;
        };
        found.push((index as u16, term.count));
    }
    Some(found)
}

/// Propensity of one direction, and the factor in front of its falling factorials where it is mass action.
fn rate(
    reader: &mut Reader,
    table: &Table,
    [key, synonym, propensity]: [&str; 3],
    place: &Place,
    reactants: &[(u16, u32)],
    volume: Node,
    model: &JumpModel,
) -> Option<(Node, Option<Node>)> {
    let constant = table.get(key).or(table.get(synonym));
    match (constant, table.get(propensity)) {
        (Some(_), Some(item)) => {
            reader.problem(&item.place, format!("a reaction has either `{key}` or `{propensity}`"), "");
            None
        }
        (None, Some(item)) => Some((state_formula(reader, item, &format!("`{propensity}`"), model)?, None)),
        (Some(item), None) => {
            let k = reader.formula(item, &format!("`{key}`"), Reads::State)?;
            let d = model.coordinates.len() as u16;
            if reader.graph.depends_on(k, &|symbol| matches!(symbol, Symbol::Coordinate(i) if i < d)) {
                let help = format!("for a rate that depends on counts otherwise than by mass action use `{propensity}`");
                reader.problem(&item.place, format!("`{key}` cannot depend on counts: mass action supplies them"), "").help(help);
                return None;
            }
            let k = with_chemostats(reader, k, model);
            Some(mass_action(reader, k, reactants, volume, model))
        }
        (None, None) => {
            let label = format!("expected `{key} = …` for mass action, or `{propensity} = …`");
            reader.problem(place, format!("a reaction needs `{key}`"), label);
            None
        }
    }
}

/// `k V^(1 − Σs) Π n!/(n − s)!`.
pub(super) fn mass_action(reader: &mut Reader, k: Node, reactants: &[(u16, u32)], volume: Node, model: &JumpModel) -> (Node, Option<Node>) {
    let order: u32 = reactants.iter().map(|(_, count)| count).sum();
    let graph = &mut reader.graph;
    let mut constant = k;
    if order == 0 {
        constant = graph.mul(constant, volume);
    }
    for _ in 1..order {
        constant = graph.div(constant, volume);
    }
    let mut propensity = None;
    for &(species, count) in reactants {
        let held = usize::from(species).checked_sub(model.coordinates.len());
        let n = match held {
            Some(index) => model.chemostats[index].count,
            None => graph.symbol(Symbol::Coordinate(species)),
        };
        for taken in 0..count {
            let taken = graph.constant(f64::from(taken));
            let factor = graph.sub(n, taken);
            if held.is_some() {
                constant = graph.mul(constant, factor);
            } else {
                propensity = Some(match propensity {
                    Some(product) => graph.mul(product, factor),
                    None => factor,
                });
            }
        }
    }
    let whole = propensity.map_or(constant, |product| graph.mul(constant, product));
    (whole, Some(constant))
}

/// A part of a quoted string.
fn inside(place: &Place, span: &std::ops::Range<usize>) -> Place {
    Place { source: place.source, span: place.span.start + 1 + span.start..place.span.start + 1 + span.end }
}
