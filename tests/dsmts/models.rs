//! What the importer makes of the suite's models, against the processes that they are meant to be.

use std::collections::BTreeMap;

use ness::expression::{Graph, Scope, Symbol};
use ness::sbml::{Options, import};
use toml_edit::{DocumentMut, Item, Value};

use super::judge::Case;

/// A function of the counts of all species that change.
type OfCounts = Box<dyn Fn(&[f64]) -> f64>;

/// A process as a person would write it down.
pub(super) struct Process {
    /// Changing species and their counts at the start.
    pub(super) start: Vec<(&'static str, f64)>,
    /// For every reaction: the change of every species, and the propensity.
    pub(super) reactions: Vec<(Vec<f64>, OfCounts)>,
    /// When an event happens, and all counts afterwards.
    pub(super) event: Option<(Trigger, Vec<f64>)>,
    /// Quantities besides the species.
    pub(super) observables: Vec<(&'static str, OfCounts)>,
}

/// When an event happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Trigger {
    /// At a time.
    At(f64),
    /// When the last species exceeds a number.
    Above(f64),
}

fn birth_death(birth: f64, death: f64, start: f64) -> Process {
    Process {
        start: vec![("X", start)],
        reactions: vec![(vec![1.0], Box::new(move |n| birth * n[0])), (vec![-1.0], Box::new(move |n| death * n[0]))],
        event: None,
        observables: Vec::new(),
    }
}

fn immigration_death(immigration: f64, death: f64, batch: f64) -> Process {
    Process {
        start: vec![("X", 0.0)],
        reactions: vec![(vec![batch], Box::new(move |_| immigration)), (vec![-1.0], Box::new(move |n| death * n[0]))],
        event: None,
        observables: Vec::new(),
    }
}

fn dimerisation(monomers: f64, association: f64, dissociation: f64) -> Process {
    Process {
        start: vec![("P", monomers), ("P2", 0.0)],
        reactions: vec![
            (vec![-2.0, 1.0], Box::new(move |n| association * n[0] * (n[0] - 1.0) / 2.0)),
            (vec![2.0, -1.0], Box::new(move |n| dissociation * n[1])),
        ],
        event: None,
        observables: Vec::new(),
    }
}

/// The same with the monomers counted from the dimers.
fn dimers() -> Process {
    Process {
        start: vec![("P2", 0.0)],
        reactions: vec![(vec![1.0], Box::new(|n| 0.001 * (100.0 - 2.0 * n[0]) * (99.0 - 2.0 * n[0]) / 2.0)), (vec![-1.0], Box::new(|n| 0.01 * n[0]))],
        event: None,
        observables: Vec::new(),
    }
}

/// Adds a species that every death makes one of.
fn with_sink(mut process: Process) -> Process {
    process.start.push(("Sink", 0.0));
    process.reactions.iter_mut().zip([0.0, 1.0]).for_each(|((change, _), made)| change.push(made));
    process
}

fn with_event(process: Process, trigger: Trigger, set: &[f64]) -> Process {
    Process { event: Some((trigger, set.to_vec())), ..process }
}

fn with_observable(process: Process, name: &'static str, formula: impl Fn(&[f64]) -> f64 + 'static) -> Process {
    Process { observables: vec![(name, Box::new(formula))], ..process }
}

pub(super) fn process(case: &str) -> Process {
    match case {
        "001-03" => birth_death(1.0, 1.1, 100.0),
        "001-04" => birth_death(0.1, 0.11, 10.0),
        "001-05" => birth_death(0.1, 0.11, 10_000.0),
        "001-07" => with_sink(birth_death(0.1, 0.11, 100.0)),
        "001-19" => with_observable(birth_death(0.1, 0.11, 100.0), "y", |n| 2.0 * n[0]),
        _ if case.starts_with("001") => birth_death(0.1, 0.11, 100.0),
        "002-02" | "002-05" => immigration_death(10.0, 0.1, 1.0),
        "002-03" => immigration_death(5.0, 0.1, 1.0),
        "002-04" => immigration_death(1000.0, 0.1, 1.0),
        "002-06" | "002-07" => with_sink(immigration_death(10.0, 0.1, 1.0)),
        "002-09" => with_event(immigration_death(1.0, 0.1, 1.0), Trigger::At(25.0), &[50.0]),
        "002-10" => with_event(immigration_death(1.0, 0.1, 1.0), Trigger::At(22.5), &[20.0]),
        _ if case.starts_with("002") => immigration_death(1.0, 0.1, 1.0),
        "003-02" => dimerisation(1000.0, 0.0002, 0.004),
        "003-03" => with_event(dimerisation(100.0, 0.001, 0.01), Trigger::At(25.0), &[100.0, 0.0]),
        "003-04" => with_event(dimerisation(100.0, 0.001, 0.01), Trigger::Above(30.0), &[100.0, 0.0]),
        "003-05" | "003-07" => dimers(),
        "003-06" => with_observable(dimers(), "P", |n| 100.0 - 2.0 * n[0]),
        _ if case.starts_with("003") => dimerisation(100.0, 0.001, 0.01),
        "004-02" => immigration_death(1.0, 0.2, 10.0),
        "004-03" => immigration_death(1.0, 0.2, 100.0),
        _ => immigration_death(1.0, 0.2, 5.0),
    }
}

/// The XML of a case.
fn fixture(case: &str, level: &str) -> String {
    let path = format!("{}/tests/sbml/dsmts-{case}-{level}.xml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(super) fn imported(case: &str, level: &str) -> String {
    import(&fixture(case, level), &format!("{case}.xml"), &Options::default()).unwrap_or_else(|error| panic!("{error}")).text
}

/// An imported text, read with nothing of the program but its formulas.
struct Read {
    document: DocumentMut,
    graph: Graph,
    scope: Scope,
    parameters: Vec<f64>,
    /// Species that change, then those that are held.
    species: Vec<(String, f64)>,
    held: usize,
}

fn number(item: &Item) -> f64 {
    item.as_float().or(item.as_integer().map(|integer| integer as f64)).expect("a number")
}

impl Read {
    fn new(text: &str) -> Read {
        let document: DocumentMut = text.parse().expect("TOML");
        let table = |item: &Item| -> Vec<(String, f64)> {
            item.as_table_like().map_or_else(Vec::new, |table| table.iter().map(|(key, value)| (key.to_owned(), number(value))).collect())
        };
        let model = &document["model"];
        let held: Vec<String> = model.get("chemostatted").and_then(Item::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let (fixed, mut species): (Vec<_>, Vec<_>) = table(&model["species"]).into_iter().partition(|(name, _)| held.contains(name));
        species.extend(fixed);
        let parameters = document.get("parameters").map(table).unwrap_or_default();
        let mut scope = Scope::new();
        for (index, (name, _)) in species.iter().enumerate() {
            scope.insert(name.clone(), Symbol::Coordinate(index as u16));
        }
        for (index, (name, _)) in parameters.iter().enumerate() {
            assert_eq!(scope.insert(name.clone(), Symbol::Parameter(index as u16)), None, "`{name}` twice");
        }
        let parameters = parameters.into_iter().map(|(_, value)| value).collect();
        Read { graph: Graph::new(), scope, parameters, held: held.len(), species, document }
    }

    /// The value of a formula at counts of the changing species.
    fn value(&mut self, formula: &str, counts: &[f64]) -> f64 {
        let node = self.graph.parse(formula, &self.scope).unwrap_or_else(|error| panic!("{formula}: {error}"));
        let all: Vec<f64> = counts.iter().copied().chain(self.species[counts.len()..].iter().map(|(_, count)| *count)).collect();
        self.graph.evaluate(node, &|symbol| match symbol {
            Symbol::Coordinate(i) => all[usize::from(i)],
            Symbol::Parameter(i) => self.parameters[usize::from(i)],
            other => panic!("{other:?} in {formula}"),
        })
    }

    fn strings(&self, list: &str, key: &str) -> Vec<String> {
        let tables = self.document["model"].get(list).and_then(Item::as_array_of_tables);
        tables.into_iter().flatten().map(|table| table[key].as_str().expect("a string").to_owned()).collect()
    }

    /// What a reaction adds to every changing species.
    fn change(&self, equation: &str) -> Vec<f64> {
        let mut change: BTreeMap<&str, f64> = BTreeMap::new();
        for (sign, side) in [-1.0, 1.0].into_iter().zip(equation.split(" -> ")) {
            for term in side.split(" + ").filter(|term| *term != "0") {
                let (count, name) = term.split_once(' ').map_or((1.0, term), |(count, name)| (count.parse().expect("a number"), name));
                *change.entry(name).or_default() += sign * count;
            }
        }
        self.species[..self.species.len() - self.held].iter().map(|(name, _)| change.get(name.as_str()).copied().unwrap_or(0.0)).collect()
    }
}

/// Counts at which propensities are compared: none, few, many.
fn states(dimension: usize) -> Vec<Vec<f64>> {
    let counts = [0.0, 1.0, 2.0, 7.0, 30.0, 49.0];
    if dimension == 1 { counts.iter().map(|a| vec![*a]).collect() } else { counts.iter().flat_map(|a| counts.map(|b| vec![*a, b])).collect() }
}

fn agree(found: f64, wanted: f64, what: &str) {
    assert!((found - wanted).abs() <= 1e-14 * wanted.abs().max(1e-300), "{what}: {found} instead of {wanted}");
}

#[test]
fn every_model_is_the_process_it_is_meant_to_be() {
    for case in super::cases() {
        for level in ["l2v4", "l3v1"] {
            let (process, mut read) = (process(&case), Read::new(&imported(&case, level)));
            let what = format!("{case} {level}");
            let free = read.species.len() - read.held;
            let start: Vec<(&str, f64)> = read.species[..free].iter().map(|(name, count)| (name.as_str(), *count)).collect();
            assert_eq!(start, process.start, "{what}");
            let changes: Vec<Vec<f64>> = read.strings("reactions", "equation").iter().map(|equation| read.change(equation)).collect();
            assert_eq!(changes, process.reactions.iter().map(|(change, _)| change.clone()).collect::<Vec<_>>(), "{what}");
            for (law, (_, propensity)) in read.strings("reactions", "propensity").iter().zip(&process.reactions) {
                states(free).iter().for_each(|state| agree(read.value(law, state), propensity(state), &format!("{what}, {law} at {state:?}")));
            }
            for (name, formula) in &process.observables {
                let text = read.document["model"]["observables"][*name].as_str().expect("a formula").to_owned();
                states(free).iter().for_each(|state| agree(read.value(&text, state), formula(state), &format!("{what}, {text}")));
            }
        }
    }
}

#[test]
fn events_set_what_they_are_meant_to() {
    let mut seen = 0;
    for case in super::cases() {
        let (process, read) = (process(&case), Read::new(&imported(&case, "l3v1")));
        let events = read.document["model"].get("events").and_then(Item::as_array_of_tables);
        assert_eq!(events.map_or(0, |events| events.len()), usize::from(process.event.is_some()), "{case}");
        if let (Some((trigger, set)), Some(event)) = (&process.event, events.and_then(|events| events.get(0))) {
            match trigger {
                Trigger::At(time) => assert_eq!(number(&event["at"]), *time, "{case}"),
                Trigger::Above(count) => assert_eq!(event["when"].as_str(), Some(format!("P2 > {count}").as_str()), "{case}"),
            }
            let found: Vec<f64> = process.start.iter().map(|(name, _)| number(&event["set"][*name])).collect();
            assert_eq!(&found, set, "{case}");
            seen += 1;
        }
    }
    assert_eq!(seen, 4);
}

#[test]
fn both_levels_say_the_same() {
    let bare = |text: String| text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    for case in super::cases() {
        assert_eq!(bare(imported(&case, "l2v4")), bare(imported(&case, "l3v1")), "{case}");
    }
}

#[test]
fn what_is_judged_is_in_the_text() {
    for case in super::cases() {
        let read = Read::new(&imported(&case, "l3v1"));
        for (name, rows) in &Case::read(&case).observables {
            let derived = read.document["model"].get("observables").is_some_and(|table| table.get(name).is_some());
            match read.species.iter().position(|(species, _)| species == name) {
                Some(index) => {
                    assert_eq!(rows[0], [read.species[index].1, 0.0, 0.0], "{case} {name} at the start");
                    assert!(derived || index < read.species.len() - read.held, "{case}: the held `{name}` is not shown");
                }
                None => assert!(derived, "{case}: no `{name}`"),
            }
        }
    }
}
