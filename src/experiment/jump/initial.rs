//! `[initial]` of a jump process.

use super::JumpModel;
use super::reactions::count;
use crate::experiment::document::{Item, Table};
use crate::experiment::initial::{Initial, InitialLaw};
use crate::experiment::names::nearest;
use crate::experiment::read::Reader;
use crate::experiment::{Section, schema};

#[derive(Clone, Copy, PartialEq)]
enum Distribution {
    Point,
    Table,
    Uniform,
    Equilibrium,
    SteadyState,
}

const DISTRIBUTIONS: &[(&str, Distribution)] = &[
    ("point", Distribution::Point),
    ("table", Distribution::Table),
    ("uniform", Distribution::Uniform),
    ("equilibrium", Distribution::Equilibrium),
    ("steady-state", Distribution::SteadyState),
];

/// Reads the start; without `[initial]`, reactions start at the counts of `species`.
pub(in crate::experiment) fn read_initial(reader: &mut Reader, section: Option<&Section>, model: &JumpModel) -> Option<Initial> {
    let point = |law| Some(Initial { law, burn_in: None });
    let Some(section) = section else {
        if model.states.is_none() {
            return point(InitialLaw::Point(model.start.clone()));
        }
        let place = crate::experiment::document::Place { source: 0, span: 0..0 };
        reader.problem(&place, "missing section [initial]", "expected `distribution = \"point\"` and `state = …`, or `\"steady-state\"`");
        return None;
    };
    let table = section.table;
    reader.check_keys(table, "[initial]", schema::JUMP_INITIAL);
    let item = reader.required(table, "distribution", section.place, "[initial]", "as `\"point\"` or `\"steady-state\"`")?;
    let law = match reader.choice(item, "distribution", DISTRIBUTIONS)? {
        Distribution::Equilibrium => InitialLaw::Equilibrium,
        Distribution::SteadyState => InitialLaw::SteadyState,
        Distribution::Point => InitialLaw::Point(start(reader, table, item, model)?),
        Distribution::Table => InitialLaw::Probabilities(probabilities(reader, table, item, model)?),
        Distribution::Uniform => {
            let states = of_a_network(reader, item, model)?.len();
            InitialLaw::Probabilities(vec![1.0 / states as f64; states])
        }
    };
    let burn_in = match table.get("burn_in") {
        Some(item) => Some(reader.positive(item, "`burn_in`")?),
        None => None,
    };
    Some(Initial { law, burn_in })
}

fn of_a_network<'m>(reader: &mut Reader, item: &Item, model: &'m JumpModel) -> Option<&'m [String]> {
    if model.states.is_none() {
        reader.problem(&item.place, "this distribution is for networks", "expected `point` or `steady-state`");
    }
    model.states.as_deref()
}

fn start(reader: &mut Reader, table: &Table, item: &Item, model: &JumpModel) -> Option<Vec<f64>> {
    if let Some(states) = &model.states {
        let name_item = reader.required(table, "state", &item.place, "the distribution `point`", "the name of a state")?;
        let name = reader.text(name_item, "`state`")?;
        let found = states.iter().position(|state| *state == name);
        if found.is_none() {
            let suggestion = nearest(&name, states.iter().take(4096).map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            reader.problem(&name_item.place, format!("unknown state `{name}`"), "expected one of `model.states`").perhaps(suggestion);
        }
        return found.map(|index| vec![index as f64]);
    }
    let mut counts = model.start.clone();
    if let Some(item) = table.get("at") {
        let given = reader.table(item, "`at`")?;
        let names: Vec<&str> = model.coordinates.iter().map(|coordinate| coordinate.name.as_str()).collect();
        reader.check_keys(given, "`at`", &names);
        for (value, name) in counts.iter_mut().zip(names) {
            if let Some(item) = given.get(name) {
                *value = count(reader, item, &format!("the count of `{name}`"))?;
            }
        }
    }
    Some(counts)
}

fn probabilities(reader: &mut Reader, table: &Table, item: &Item, model: &JumpModel) -> Option<Vec<f64>> {
    let states = of_a_network(reader, item, model)?;
    let item = reader.required(table, "probabilities", &item.place, "the distribution `table`", "as in `{ A = 0.5, B = 0.5 }`")?;
    let given = reader.table(item, "`probabilities`")?;
    let names: Vec<&str> = states.iter().map(String::as_str).collect();
    reader.check_keys(given, "`probabilities`", &names);
    let mut values = Vec::with_capacity(states.len());
    for name in names {
        let value = given.get(name).map_or(Some(0.0), |item| reader.number(item, &format!("the probability of `{name}`")))?;
        if value < 0.0 {
            reader.problem(&item.place, format!("the probability of `{name}` is negative"), format!("this is {value}"));
            return None;
        }
        values.push(value);
    }
    let sum: f64 = values.iter().sum();
    if !((sum - 1.0).abs() <= 1e-9) {
        reader.problem(&item.place, "probabilities must add up to 1", format!("these add up to {sum}"));
        return None;
    }
    values.iter_mut().for_each(|value| *value /= sum);
    Some(values)
}
