//! The TOML text as a tree that knows the place of every key and value.

use std::ops::Range;

use toml_edit::{Document, DocumentMut, Value as TomlValue};

use super::error::{ExperimentError, Problem, SourceText};

/// Bytes of one of the sources: 0 is the experiment's text, `n` the `n`-th override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) source: usize,
    pub(super) span: Range<usize>,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// A TOML value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Date,
    List(Vec<Item>),
    Table(Table),
}

/// Keys and values in the order of the text.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) item: Item,
}

impl Value {
    /// What to call this kind of value in a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Boolean(_) => "a boolean",
            Self::Date => "a date or time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl Table {
    /// The entry of a key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Item> {
        self.entry(key).map(|entry| &entry.item)
    }

    /// The table under a key, if it is one.
    pub(super) fn table(&self, key: &str) -> Option<&Table> {
        match &self.get(key)?.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Puts a value at a path, making tables on the way; answers with the key that is in the way where one is not a table.
    pub(super) fn set(&mut self, path: &[String], place: &Place, item: Item) -> Result<(), String> {
        let Some((key, rest)) = path.split_first() else { return Ok(()) };
        let index = match self.entries.iter().position(|entry| entry.key == *key) {
            Some(index) => index,
            None => {
                let empty = Item { place: place.clone(), value: Value::Table(Table::default()) };
                self.entries.push(Entry { key: key.clone(), place: place.clone(), item: empty });
                self.entries.len() - 1
            }
        };
        let entry = &mut self.entries[index];
        if rest.is_empty() {
            entry.place = place.clone();
            entry.item = item;
            return Ok(());
        }
        match &mut entry.item.value {
            Value::Table(table) => table.set(rest, place, item),
            _ => Err(key.clone()),
        }
    }
}

/// Reads a whole text: the tree with places, and the same document to edit.
pub(super) fn parse(source: &SourceText) -> Result<(Table, DocumentMut), ExperimentError> {
    let document = Document::parse(&*source.text).map_err(|error| {
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        let mut problem = Problem::new(source, &error.span().unwrap_or(0..0), format!("not valid TOML: {message}"), String::new());
        if message.contains("dotted key") {
            problem.help = Some("put a name with a dot into quotes, as in `\"work.variance\" = …`".to_owned());
        }
        ExperimentError::Invalid { problems: vec![problem] }
    })?;
    let tree = table(document.iter().filter_map(|(key, _)| document.as_table().get_key_value(key)), 0, &(0..0));
    Ok((tree, document.into_mut()))
}

/// A value of toml_edit as an item of a source, all of it at one place.
pub(super) fn value_at(value: &TomlValue, place: &Place) -> Item {
    let mut item = from_value(value, place.source, &place.span);
    relocate(&mut item, place);
    item
}

fn relocate(item: &mut Item, place: &Place) {
    item.place = place.clone();
    match &mut item.value {
        Value::List(items) => items.iter_mut().for_each(|item| relocate(item, place)),
        Value::Table(table) => table.entries.iter_mut().for_each(|entry| {
            entry.place = place.clone();
            relocate(&mut entry.item, place);
        }),
        _ => {}
    }
}

fn table<'a>(entries: impl Iterator<Item = (&'a toml_edit::Key, &'a toml_edit::Item)>, source: usize, above: &Range<usize>) -> Table {
    let entries = entries.map(|(key, item)| {
        let span = key.span().unwrap_or_else(|| above.clone());
        Entry { key: key.get().to_owned(), place: Place { source, span: span.clone() }, item: from_item(item, source, &span) }
    });
    Table { entries: entries.collect() }
}

fn from_item(item: &toml_edit::Item, source: usize, key: &Range<usize>) -> Item {
    let span = item.span().unwrap_or_else(|| key.clone());
    let value = match item {
        toml_edit::Item::Value(value) => return from_value(value, source, key),
        toml_edit::Item::None => Value::Table(Table::default()),
        toml_edit::Item::Table(inner) => Value::Table(table(inner.iter().filter_map(|(key, _)| inner.get_key_value(key)), source, key)),
        toml_edit::Item::ArrayOfTables(tables) => {
            let inner = |inner: &toml_edit::Table| Item {
                place: Place { source, span: inner.span().unwrap_or_else(|| key.clone()) },
                value: Value::Table(table(inner.iter().filter_map(|(key, _)| inner.get_key_value(key)), source, key)),
            };
            Value::List(tables.iter().map(inner).collect())
        }
    };
    Item { place: Place { source, span }, value }
}

fn from_value(value: &TomlValue, source: usize, key: &Range<usize>) -> Item {
    let span = value.span().unwrap_or_else(|| key.clone());
    let value = match value {
        TomlValue::String(text) => Value::Text(text.value().clone()),
        TomlValue::Integer(number) => Value::Integer(*number.value()),
        TomlValue::Float(number) => Value::Float(*number.value()),
        TomlValue::Boolean(truth) => Value::Boolean(*truth.value()),
        TomlValue::Datetime(_) => Value::Date,
        TomlValue::Array(array) => Value::List(array.iter().map(|value| from_value(value, source, &span)).collect()),
        TomlValue::InlineTable(inner) => Value::Table(table(inner.iter().filter_map(|(key, _)| inner.get_key_value(key)), source, &span)),
    };
    Item { place: Place { source, span }, value }
}
