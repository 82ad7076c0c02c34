//! Reading checked values out of the tree: every refusal becomes a problem with its place, and reading goes on.

use std::ops::Range;

use super::Parameter;
use super::document::{Item, Place, Table, Value};
use super::error::{Problem, SourceText};
use super::names::{either, nearest};
use crate::expression::{ExpressionError, Graph, Node, Scope, Symbol};

/// What a formula may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// Parameters.
    Parameters,
    /// Parameters, for temperatures of jump processes.
    Bath,
    /// Parameters and time.
    Time,
    /// Parameters, coordinates and protocol variables.
    State,
}

/// The state of reading: what was found so far, and what was wrong.
pub(super) struct Reader {
    sources: Vec<SourceText>,
    problems: Vec<(Place, Problem)>,
    pub(super) graph: Graph,
    pub(super) parameters: Vec<Parameter>,
    pub(super) coordinates: Vec<String>,
    pub(super) variables: Vec<String>,
    used: Vec<bool>,
    /// What is allowed but probably not meant.
    pub(super) notes: Vec<String>,
    /// Set when a parameter has no value: numbers that might depend on it are then not judged.
    pub(super) parameters_broken: bool,
}

impl Reader {
    pub(super) fn new(sources: Vec<SourceText>) -> Self {
        Self {
            sources,
            problems: Vec::new(),
            graph: Graph::new(),
            parameters: Vec::new(),
            coordinates: Vec::new(),
            variables: Vec::new(),
            used: Vec::new(),
            notes: Vec::new(),
            parameters_broken: false,
        }
    }

    /// Records a problem; the answer takes a help.
    pub(super) fn problem(&mut self, place: &Place, message: impl Into<String>, label: impl Into<String>) -> Help<'_> {
        let problem = Problem::new(&self.sources[place.source], &place.span, message.into(), label.into());
        self.problems.push((place.clone(), problem));
        Help(self.problems.last_mut().map(|(_, problem)| &mut problem.help))
    }

    /// Remembers something that is allowed but probably not meant.
    pub(super) fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// Whether anything was wrong so far.
    pub(super) fn failed(&self) -> bool {
        !self.problems.is_empty()
    }

    /// How many problems there are so far.
    pub(super) fn count(&self) -> usize {
        self.problems.len()
    }

    /// Gives the problems recorded since there were `count` a help.
    pub(super) fn advise_since(&mut self, count: usize, help: String) {
        self.problems.iter_mut().skip(count).for_each(|(_, problem)| problem.help = Some(help.clone()));
    }

    /// Everything that was wrong, in the order of the text.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|(place, _)| (place.source, place.span.start));
        self.problems.into_iter().map(|(_, problem)| problem).collect()
    }

    /// Names of parameters that no formula reads.
    pub(super) fn unused_parameters(&self) -> Vec<String> {
        self.parameters.iter().zip(&self.used).filter(|(_, used)| !**used).map(|(parameter, _)| parameter.name.clone()).collect()
    }

    /// Adds a parameter, which formulas read from now on.
    pub(super) fn add_parameter(&mut self, name: String, value: f64) {
        self.parameters.push(Parameter { name, value });
        self.used.push(false);
    }

    /// Refuses keys that a section does not have.
    pub(super) fn check_keys(&mut self, table: &Table, section: &str, known: &[&str]) {
        for entry in table.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let suggestion = nearest(&entry.key, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            self.problem(&entry.place, format!("unknown key `{}` in {section}", entry.key), format!("expected {}", either(known))).perhaps(suggestion);
        }
    }

    /// The value of a key that must be there.
    pub(super) fn required<'t>(&mut self, table: &'t Table, key: &str, section: &Place, what: &str, expected: &str) -> Option<&'t Item> {
        let found = table.get(key);
        if found.is_none() {
            self.missing(table, key, section, format!("missing key `{key}` in {what}"), format!("expected `{key} = …`, {expected}"));
        }
        found
    }

    /// Complains of a missing key, unless a misspelling of it was refused already.
    pub(super) fn missing(&mut self, table: &Table, key: &str, place: &Place, message: String, label: String) {
        let similar = table.entries.iter().find(|entry| nearest(&entry.key, [key]).is_some());
        if similar.is_some_and(|entry| self.problems.iter().any(|(place, _)| *place == entry.place)) {
            return;
        }
        let suggestion = similar.map(|entry| format!("is `{}` meant to be `{key}`?", entry.key));
        self.problem(place, message, label).perhaps(suggestion);
    }

    fn wrong_type(&mut self, item: &Item, what: &str, expected: &str) {
        self.problem(&item.place, format!("{what} must be {expected}"), format!("found {}", item.value.kind()));
    }

    /// A string.
    pub(super) fn text(&mut self, item: &Item, what: &str) -> Option<String> {
        match &item.value {
            Value::Text(text) => Some(text.clone()),
            _ => {
                self.wrong_type(item, what, "a string");
                None
            }
        }
    }

    /// A boolean.
    pub(super) fn boolean(&mut self, item: &Item, what: &str) -> Option<bool> {
        match item.value {
            Value::Boolean(truth) => Some(truth),
            _ => {
                self.wrong_type(item, what, "`true` or `false`");
                None
            }
        }
    }

    /// A table.
    pub(super) fn table<'t>(&mut self, item: &'t Item, what: &str) -> Option<&'t Table> {
        match &item.value {
            Value::Table(table) => Some(table),
            _ => {
                self.wrong_type(item, what, "a table");
                None
            }
        }
    }

    /// A list; `shape` says of what.
    pub(super) fn list<'t>(&mut self, item: &'t Item, what: &str, shape: &str) -> Option<&'t [Item]> {
        match &item.value {
            Value::List(items) => Some(items),
            _ => {
                self.wrong_type(item, what, &format!("a list {shape}"));
                None
            }
        }
    }

    /// An integer at least as large as `least`; a number like `1e6` is one.
    pub(super) fn integer(&mut self, item: &Item, what: &str, least: u64) -> Option<u64> {
        const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;
        let (value, shown) = match item.value {
            Value::Integer(value) => (u64::try_from(value).ok(), value.to_string()),
            Value::Float(value) if value.fract() == 0.0 && (0.0..=LARGEST_EXACT).contains(&value) => (Some(value as u64), value.to_string()),
            Value::Float(value) => (None, value.to_string()),
            _ => {
                self.wrong_type(item, what, "an integer");
                return None;
            }
        };
        let value = value.filter(|value| *value >= least);
        if value.is_none() {
            let bound = match item.value {
                Value::Float(value) if value > LARGEST_EXACT => format!("of at most {LARGEST_EXACT}"),
                _ => format!("of at least {least}"),
            };
            self.problem(&item.place, format!("{what} must be an integer {bound}"), format!("this is {shown}"));
        }
        value
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, item: &Item, what: &str, choices: &[(&str, T)]) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let Value::Text(text) = &item.value else {
            self.wrong_type(item, what, &format!("one of {}", either(&words)));
            return None;
        };
        let found = choices.iter().find(|(word, _)| word == text).map(|(_, choice)| *choice);
        if found.is_none() {
            let suggestion = nearest(text, words.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            self.problem(&item.place, format!("unknown {what} `{text}`"), format!("expected {}", either(&words))).perhaps(suggestion);
        }
        found
    }

    /// A number or a formula.
    pub(super) fn formula(&mut self, item: &Item, what: &str, reads: Reads) -> Option<Node> {
        let text = match &item.value {
            Value::Text(text) => text,
            Value::Integer(number) => return Some(self.graph.constant(*number as f64)),
            Value::Float(number) if number.is_finite() => return Some(self.graph.constant(*number)),
            Value::Float(_) => {
                self.problem(&item.place, format!("{what} must be a finite number"), "");
                return None;
            }
            _ => {
                self.wrong_type(item, what, "a number or a formula");
                return None;
            }
        };
        let scope = self.scope(reads);
        match self.graph.parse(text, &scope) {
            Ok(node) => {
                self.mark_used(node);
                Some(node)
            }
            Err(error) => {
                self.formula_problem(item, text, what, reads, &error);
                None
            }
        }
    }

    /// A number, or a formula of parameters that is one.
    pub(super) fn number(&mut self, item: &Item, what: &str) -> Option<f64> {
        let node = self.formula(item, what, Reads::Parameters)?;
        self.value_of(node, item, what)
    }

    /// The value of a formula of parameters; `None`, with a problem, where it is not finite.
    pub(super) fn value_of(&mut self, node: Node, item: &Item, what: &str) -> Option<f64> {
        let value = self.evaluate(node, &[], &[], 0.0);
        if !value.is_finite() && !self.parameters_broken {
            self.problem(&item.place, format!("{what} must be a finite number"), format!("this is {value}"));
        }
        value.is_finite().then_some(value)
    }

    /// A number above 0, or a formula of parameters that is one.
    pub(super) fn positive(&mut self, item: &Item, what: &str) -> Option<f64> {
        let value = self.number(item, what)?;
        self.check_positive(value, item, what)
    }

    /// Refuses what is not above 0.
    pub(super) fn check_positive(&mut self, value: f64, item: &Item, what: &str) -> Option<f64> {
        if value > 0.0 {
            return Some(value);
        }
        self.problem(&item.place, format!("{what} must be above 0"), format!("this is {value}"));
        None
    }

    /// `[lower, upper]`.
    pub(super) fn interval(&mut self, item: &Item, what: &str) -> Option<(f64, f64)> {
        let items = self.list(item, what, "`[lower, upper]`")?;
        let [lower, upper] = items else {
            self.problem(&item.place, format!("{what} must be a list `[lower, upper]`"), format!("this has {} entries", items.len()));
            return None;
        };
        let (lower, upper) = (self.number(lower, what)?, self.number(upper, what)?);
        self.check_interval(lower, upper, &item.place, what)
    }

    /// Refuses an empty range.
    pub(super) fn check_interval(&mut self, lower: f64, upper: f64, place: &Place, what: &str) -> Option<(f64, f64)> {
        if lower < upper && (upper - lower).is_finite() {
            return Some((lower, upper));
        }
        self.problem(place, format!("{what} must be a range with lower < upper"), format!("this is {lower} to {upper}"));
        None
    }

    /// `[[a, b], …]`, and the place of every pair.
    pub(super) fn pairs(&mut self, item: &Item, what: &str, names: &str) -> Option<Vec<(f64, f64, Place)>> {
        let items = self.list(item, what, &format!("of pairs `{names}`"))?;
        let mut pairs = Vec::with_capacity(items.len());
        for pair in items {
            let entries = self.list(pair, &format!("an entry of {what}"), &format!("`{names}`"))?;
            let [first, second] = entries else {
                self.problem(&pair.place, format!("an entry of {what} must be a pair `{names}`"), format!("this has {} entries", entries.len()));
                return None;
            };
            pairs.push((self.number(first, what)?, self.number(second, what)?, pair.place.clone()));
        }
        Some(pairs)
    }

    /// One value for all coordinates, a list with one each, or a table with the names of coordinates as keys.
    pub(super) fn per_coordinate<'t>(&mut self, item: &'t Item, what: &str) -> Option<Vec<&'t Item>> {
        let values = match &item.value {
            Value::List(_) | Value::Table(_) => self.some_coordinates(item, what)?,
            _ => vec![Some(item); self.coordinates.len()],
        };
        let missing: Vec<&String> = self.coordinates.iter().zip(&values).filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        if !missing.is_empty() {
            let message = format!("{what} is missing for {}", super::names::all(&missing));
            self.problem(&item.place, message, "expected a value for every coordinate");
            return None;
        }
        Some(values.into_iter().flatten().collect())
    }

    /// A list with one value a coordinate, or a table with the names of coordinates as keys, some of which may be missing.
    pub(super) fn some_coordinates<'t>(&mut self, item: &'t Item, what: &str) -> Option<Vec<Option<&'t Item>>> {
        match &item.value {
            Value::List(items) if items.len() == self.coordinates.len() => Some(items.iter().map(Some).collect()),
            Value::List(items) => {
                let expected = format!("expected {}, one for each coordinate, found {}", self.coordinates.len(), items.len());
                self.problem(&item.place, format!("{what} has the wrong number of entries"), expected);
                None
            }
            Value::Table(table) => {
                let names = self.coordinates.clone();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                self.check_keys(table, what, &names);
                Some(names.iter().map(|name| table.get(name)).collect())
            }
            _ => {
                self.wrong_type(item, what, "a table with the names of coordinates as keys, as in `{ x = … }`");
                None
            }
        }
    }

    /// Evaluates a formula; what is not given reads as NaN.
    pub(super) fn evaluate(&self, node: Node, coordinates: &[f64], protocol: &[f64], time: f64) -> f64 {
        let at = |values: &[f64], index: u16| values.get(index as usize).copied().unwrap_or(f64::NAN);
        self.graph.evaluate(node, &|symbol| match symbol {
            Symbol::Coordinate(index) => at(coordinates, index),
            Symbol::Parameter(index) => self.parameters.get(index as usize).map_or(f64::NAN, |parameter| parameter.value),
            Symbol::Protocol(index) => at(protocol, index),
            Symbol::Time => time,
            _ => f64::NAN,
        })
    }

    /// Whether a formula of parameters alone is 0.
    pub(super) fn vanishes(&self, node: Node) -> bool {
        let constant = self.graph.symbols(node).iter().all(|symbol| matches!(symbol, Symbol::Parameter(_)));
        constant && self.evaluate(node, &[], &[], 0.0) == 0.0
    }

    fn mark_used(&mut self, node: Node) {
        for symbol in self.graph.symbols(node) {
            if let Symbol::Parameter(index) = symbol
                && let Some(used) = self.used.get_mut(index as usize)
            {
                *used = true;
            }
        }
    }

    fn scope(&self, reads: Reads) -> Scope {
        let mut scope = Scope::new();
        let mut insert = |names: &mut dyn Iterator<Item = &str>, symbol: fn(u16) -> Symbol| {
            for (index, name) in names.enumerate() {
                scope.insert(name, symbol(index as u16));
            }
        };
        insert(&mut self.parameters.iter().map(|parameter| parameter.name.as_str()), Symbol::Parameter);
        if reads == Reads::State {
            insert(&mut self.coordinates.iter().map(String::as_str), Symbol::Coordinate);
            insert(&mut self.variables.iter().map(String::as_str), Symbol::Protocol);
        }
        if reads == Reads::Time {
            scope.insert("t", Symbol::Time);
        }
        scope
    }

    fn formula_problem(&mut self, item: &Item, text: &str, what: &str, reads: Reads, error: &ExpressionError) {
        let place = self.place_in_text(item, text, &error.span);
        let named = text.get(error.span.clone()).unwrap_or_default().trim().to_owned();
        if let Some((message, help)) = self.out_of_scope(&named, what, reads) {
            self.problem(&place, message, "").help(help);
            return;
        }
        let suggestion = error.suggestion.as_ref().map(|name| format!("did you mean `{name}`?"));
        self.problem(&place, format!("in the formula of {what}: {}", error.message), "").perhaps(suggestion);
    }

    /// Why a name that means something elsewhere is refused here.
    fn out_of_scope(&self, name: &str, what: &str, reads: Reads) -> Option<(String, String)> {
        let coordinate = self.coordinates.iter().any(|known| known == name);
        let variable = self.variables.iter().any(|known| known == name);
        if name == "t" && reads == Reads::State {
            let help = "write the time dependence as a protocol variable, as in `[protocol]` `lambda = \"v*t\"`, and read `lambda` here";
            return Some((format!("{what} cannot read the time `t`"), help.to_owned()));
        }
        let kind = match (name, coordinate, variable) {
            ("t", ..) => "time",
            (_, true, _) => "coordinate",
            (_, _, true) => "protocol variable",
            _ => return None,
        };
        let help = match (reads, coordinate) {
            (Reads::Bath, _) => "it is constant here: use formulas of parameters",
            (Reads::Time, _) => "use formulas of `t` and parameters",
            _ => "use formulas of parameters",
        };
        Some((format!("{what} cannot depend on the {kind} `{name}`"), help.to_owned()))
    }

    /// The place of bytes of a string's value; the whole string where escapes shift them.
    fn place_in_text(&self, item: &Item, text: &str, span: &Range<usize>) -> Place {
        let Place { source, span: whole } = item.place.clone();
        let raw = self.sources[source].text.get(whole.clone()).unwrap_or_default();
        match raw.find(text) {
            Some(offset) if matches!(item.value, Value::Text(_)) && span.end <= text.len() => {
                let start = whole.start + offset;
                Place { source, span: start + span.start..start + span.end }
            }
            _ => Place { source, span: whole },
        }
    }
}

/// Where the help of a problem goes.
pub(super) struct Help<'a>(Option<&'a mut Option<String>>);

impl Help<'_> {
    /// Says what to do.
    pub(super) fn help(self, text: impl Into<String>) {
        self.perhaps(Some(text.into()));
    }

    /// Says what to do, where it is known.
    pub(super) fn perhaps(self, text: Option<String>) {
        if let (Some(slot), Some(text)) = (self.0, text) {
            *slot = Some(text);
        }
    }
}
