//! `[model]` of a jump process, and its schedule.

use super::{JumpIntervention, JumpModel, JumpTrigger, network, reactions};
use crate::experiment::document::{Item, Table, Value};
use crate::experiment::protocol::Protocol;
use crate::experiment::read::{Reader, Reads};
use crate::experiment::{Ensemble, IntegratorChoice, Precision, Section, check_name, schedule, schema};
use crate::expression::{Node, Symbol};

/// Saves where the user asks for none.
const SAVES: f64 = 100.0;
/// Events after which a trajectory is given up, where the user says nothing.
const MOST_EVENTS: u64 = 20_000_000;

/// What `[ensemble]` and `[measure]` say of time.
pub(in crate::experiment) struct JumpSchedule {
    pub(in crate::experiment) ensemble: Ensemble,
    pub(in crate::experiment) saves: u64,
    pub(in crate::experiment) segment: Option<f64>,
    pub(in crate::experiment) most_events: u64,
    pub(in crate::experiment) leaping: Option<f64>,
}

/// Tolerance of tau-leaping where none is given, as Cao, Gillespie & Petzold advise.
const TOLERANCE: f64 = 0.03;

/// `method` and `tolerance`: the tolerance where leaps are asked for.
fn read_method(reader: &mut Reader, section: &Section, precision: Option<Precision>) -> Option<Option<f64>> {
    let table = section.table;
    let leaps = table.get("method").map_or(Some(false), |item| reader.choice(item, "method", &[("exact", false), ("tau-leaping", true)]))?;
    let tolerance = match table.get("tolerance") {
        Some(item) if !leaps => {
            reader.problem(&item.place, "`tolerance` belongs to tau-leaping", "expected `method = \"tau-leaping\"` beside it");
            return None;
        }
        Some(item) => {
            let tolerance = reader.positive(item, "`tolerance`")?;
            if tolerance >= 1.0 {
                reader.problem(&item.place, "`tolerance` is the largest relative change of a propensity in a leap", "expected a number between 0 and 1");
                return None;
            }
            tolerance
        }
        None => TOLERANCE,
    };
    if leaps && precision == Some(Precision::F32) {
        let place = table.get("precision").map_or(section.place, |item| &item.place);
        reader.problem(place, "tau-leaping counts in double precision", "expected `f64`, or no `precision`");
        return None;
    }
    Some(leaps.then_some(tolerance))
}

/// Reads `[ensemble]` and the time between saves; `dt` is the length of a clock segment here, and may be missing.
pub(in crate::experiment) fn read_schedule(reader: &mut Reader, section: &Section, measure: Option<&Section>, duration: Option<f64>) -> Option<JumpSchedule> {
    let table = section.table;
    reader.check_keys(table, "[ensemble]", schema::JUMP_ENSEMBLE);
    let trajectories = reader.required(table, "trajectories", section.place, "[ensemble]", "how many");
    let trajectories = trajectories.and_then(|item| reader.integer(item, "`trajectories`", 1));
    let seed = table.get("seed").map_or(Some(1), |item| reader.integer(item, "`seed`", 0));
    let precision = table.get("precision").map_or(Some(Precision::F64), |item| reader.choice(item, "precision", schedule::PRECISIONS));
    let most_events = table.get("most_events").map_or(Some(MOST_EVENTS), |item| reader.integer(item, "`most_events`", 1));
    let leaping = read_method(reader, section, precision);
    let segment = match table.get("dt") {
        Some(item) => Some((reader.positive(item, "`dt`")?, item)),
        None => None,
    };
    let every = match measure.and_then(|section| section.table.get("every")) {
        Some(item) => Some((reader.positive(item, "`every`")?, item)),
        None => None,
    };
    let duration = duration?;
    for (value, item, name) in segment.iter().map(|(v, i)| (*v, *i, "dt")).chain(every.iter().map(|(v, i)| (*v, *i, "every"))) {
        if schedule::whole(duration / value).is_none() {
            let message = format!("`{name}` does not divide the duration {}", schedule::shown(duration));
            let label = format!("this is {}", schedule::shown(value));
            reader.problem(&item.place, message, label).help(schedule::nearest_part(duration, value));
            return None;
        }
    }
    let every = every.map_or(duration / SAVES, |(every, _)| every);
    let saves = schedule::whole(duration / every)?;
    let leaping = leaping?;
    refuse_refinement(reader, table, leaping.is_some())?;
    let ensemble = Ensemble {
        trajectories: trajectories?,
        dt: duration / saves as f64,
        seed: seed?,
        precision: precision?,
        integrator: IntegratorChoice::Auto,
        refine: false,
    };
    Some(JumpSchedule { ensemble, saves, segment: segment.map(|(segment, _)| segment), most_events: most_events?, leaping })
}

/// There is no step that could be halved; leaps are halved without being asked.
fn refuse_refinement(reader: &mut Reader, table: &Table, leaps: bool) -> Option<()> {
    let Some(item) = table.get("refine") else { return Some(()) };
    if !reader.boolean(item, "`refine`")? {
        return Some(());
    }
    let (message, help) = if leaps {
        ("tau-leaping states the bias of every estimate already, from leaps half as long", "leave `refine` out; a smaller `tolerance` makes the bias smaller")
    } else {
        ("this model has no time step that could be refined: its events come at their own times, exactly", "leave `refine` out")
    };
    reader.problem(&item.place, message, "belongs to Langevin dynamics").help(help);
    None
}

/// Reads the model: `kind` says whether it is a network.
pub(in crate::experiment) fn read_jump(reader: &mut Reader, section: &Section, is_network: bool, protocol: Option<&Protocol>) -> Option<JumpModel> {
    let known = if is_network { schema::NETWORK } else { schema::REACTIONS };
    reader.check_keys(section.table, "[model]", known);
    let mut model = if is_network { network::read(reader, section)? } else { reactions::read(reader, section)? };
    model.derived = read_derived(reader, section.table, &model)?;
    model.interventions = read_interventions(reader, section.table, &model, protocol)?;
    check_rates(reader, section, &model, protocol)?;
    Some(model)
}

/// `temperature = T` of one bath, or `baths = { hot = T1, cold = T2 }`.
pub(super) fn read_baths(reader: &mut Reader, table: &Table) -> Option<Vec<(String, Node)>> {
    let bath = |reader: &mut Reader, name: &str, item: &Item, what: &str| {
        let node = reader.formula(item, what, Reads::Bath)?;
        let value = reader.value_of(node, item, what)?;
        reader.check_positive(value, item, what)?;
        Some((name.to_owned(), node))
    };
    match (table.get("temperature"), table.get("baths")) {
        (Some(_), Some(item)) => {
            reader.problem(&item.place, "a model has either `temperature` or `baths`", "");
            None
        }
        (Some(item), None) => Some(vec![bath(reader, "bath", item, "`temperature`")?]),
        (None, Some(item)) => {
            let baths = reader.table(item, "`baths`")?;
            baths.entries.iter().map(|entry| bath(reader, &entry.key, &entry.item, &format!("the temperature of `{}`", entry.key))).collect()
        }
        (None, None) => Some(Vec::new()),
    }
}

/// Index of the bath that a reaction or edge names; the only one where it names none.
pub(super) fn bath_of(reader: &mut Reader, table: &Table, baths: &[(String, Node)]) -> Option<Option<usize>> {
    let Some(item) = table.get("bath") else { return Some((baths.len() == 1).then_some(0)) };
    let choices: Vec<(&str, usize)> = baths.iter().enumerate().map(|(index, (name, _))| (name.as_str(), index)).collect();
    if choices.is_empty() {
        reader.problem(&item.place, "there are no baths", "expected `baths = { hot = … }` in [model]");
        return None;
    }
    reader.choice(item, "bath", &choices).map(Some)
}

/// A formula of the state: counts, chemostats, parameters, protocol variables. Chemostats are replaced by their counts.
pub(super) fn state_formula(reader: &mut Reader, item: &Item, what: &str, model: &JumpModel) -> Option<Node> {
    let node = reader.formula(item, what, Reads::State)?;
    Some(with_chemostats(reader, node, model))
}

pub(super) fn with_chemostats(reader: &mut Reader, node: Node, model: &JumpModel) -> Node {
    let d = model.coordinates.len() as u16;
    reader.graph.substitute(node, &|symbol| match symbol {
        Symbol::Coordinate(i) if i >= d => model.chemostats.get(usize::from(i - d)).map(|chemostat| chemostat.count),
        _ => None,
    })
}

fn read_derived(reader: &mut Reader, table: &Table, model: &JumpModel) -> Option<Vec<(String, Node)>> {
    let Some(item) = table.get("observables") else { return Some(Vec::new()) };
    let entries = &reader.table(item, "`observables`")?.entries;
    let mut derived = Vec::new();
    for entry in entries {
        let held = model.chemostats.iter().find(|chemostat| chemostat.name == entry.key);
        if held.is_none() {
            check_name(reader, "an observable", &entry.key, &entry.place);
        }
        let formula = state_formula(reader, &entry.item, &format!("`{}`", entry.key), model)?;
        // A species that is held may be shown like the others, by its own name.
        if held.is_some_and(|chemostat| chemostat.count != formula) {
            let name = &entry.key;
            reader.problem(&entry.item.place, format!("`{name}` is a species that is held"), format!("expected `{name} = \"{name}\"`, or another name"));
        }
        derived.push((entry.key.clone(), formula));
    }
    Some(derived)
}

fn read_interventions(reader: &mut Reader, table: &Table, model: &JumpModel, protocol: Option<&Protocol>) -> Option<Vec<JumpIntervention>> {
    let Some(item) = table.get("events") else { return Some(Vec::new()) };
    let mut interventions = Vec::new();
    for (index, item) in reader.list(item, "`events`", "of tables")?.iter().enumerate() {
        let event = reader.table(item, "an event")?;
        reader.check_keys(event, "an event", schema::EVENT);
        let name = event.get("name").map_or_else(|| Some(format!("event {}", index + 1)), |item| reader.text(item, "`name`"))?;
        let trigger = match (event.get("at"), event.get("when")) {
            (Some(at), None) => {
                let time = reader.number(at, "`at`")?;
                if time <= 0.0 {
                    reader
                        .problem(&at.place, "an event must happen after the start", format!("this is at {time}"))
                        .help("put what happens at the start into `species` or [initial]");
                    return None;
                }
                JumpTrigger::Time(time)
            }
            (None, Some(when)) => JumpTrigger::Condition(state_formula(reader, when, "`when`", model)?),
            _ => {
                reader.problem(&item.place, "an event has either `at` or `when`", "expected `at = 25` or `when = \"X > 100\"`");
                return None;
            }
        };
        let set = reader.required(event, "set", &item.place, "an event", "as in `{ X = \"50\" }`")?;
        let set = reader.table(set, "`set`")?;
        let names: Vec<&str> = model.coordinates.iter().map(|coordinate| coordinate.name.as_str()).collect();
        reader.check_keys(set, "`set`", &names);
        let mut assignments = Vec::new();
        for (i, coordinate) in model.coordinates.iter().enumerate() {
            if let Some(item) = set.get(&coordinate.name) {
                assignments.push((i as u16, state_formula(reader, item, &format!("the new count of `{}`", coordinate.name), model)?));
            }
        }
        // Events of a model that is run for a shorter time are no mistake: they just do not happen.
        match (&trigger, protocol) {
            (JumpTrigger::Time(time), Some(protocol)) if *time >= protocol.duration => {
                let end = protocol.duration;
                reader.notes.push(format!("event `{name}` at t = {time} is not before the end of the run at t = {end}: it does not happen in it"));
            }
            _ => interventions.push(JumpIntervention { name, trigger, assignments }),
        }
    }
    Some(interventions)
}

/// Rates of a network must not be negative or infinite at any of a few moments of the protocol.
fn check_rates(reader: &mut Reader, section: &Section, model: &JumpModel, protocol: Option<&Protocol>) -> Option<()> {
    let Some(protocol) = protocol.filter(|_| !reader.parameters_broken) else { return Some(()) };
    let moments = protocol.samples(&reader.graph, &reader.parameters, 8);
    let start = vec![0.0; model.coordinates.len()];
    for channel in model.channels.iter().filter(|channel| channel.edge.is_some() || channel.constant.is_some()) {
        let node = channel.constant.unwrap_or(channel.propensity);
        let bad = moments.iter().map(|values| reader.evaluate(node, &start, values, 0.0)).find(|rate| !(rate.is_finite() && *rate >= 0.0));
        if let Some(rate) = bad {
            let place = section.table.get("edges").or(section.table.get("reactions")).map_or(section.place, |item| &item.place);
            reader.problem(place, format!("the rate of `{}` must be a finite number, not below 0", channel.name), format!("it is {rate}"));
            return None;
        }
    }
    Some(())
}

/// A list of tables, or of lists.
pub(super) fn items<'t>(reader: &mut Reader, section: &Section<'t>, key: &str, what: &str) -> Option<&'t [Item]> {
    let item = reader.required(section.table, key, section.place, "[model]", what)?;
    let Value::List(items) = &item.value else {
        reader.problem(&item.place, format!("`{key}` must be a list"), format!("found {}", item.value.kind()));
        return None;
    };
    if items.is_empty() {
        reader.problem(&item.place, format!("`{key}` is empty"), "expected at least one");
        return None;
    }
    Some(items)
}
