//! `--set key=value`: changes to an experiment's text, with places of their own.

use std::sync::Arc;

use toml_edit::{DocumentMut, TableLike, Value as TomlValue};

use super::document::{Place, Table, value_at};
use super::error::{Problem, SourceText};
use super::names::{all, nearest};
use super::schema;

/// Applies overrides in order to the tree and to the text that is kept of the experiment, and adds a source for each.
///
/// A bare name is a parameter, or else a key of the top level; a dotted one is a path. Values are TOML, or else strings.
pub(super) fn apply(overrides: &[(String, String)], tree: &mut Table, text: &mut DocumentMut, sources: &mut Vec<SourceText>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (key, value) in overrides {
        let source = SourceText { name: "--set".to_owned(), text: Arc::from(format!("{key}={value}")) };
        let result = apply_one(key, value, tree, text, sources.len());
        if let Err((message, help)) = result {
            let mut problem = Problem::new(&source, &(0..key.len()), message, String::new());
            problem.help = help;
            problems.push(problem);
        }
        sources.push(source);
    }
    problems
}

type Refusal = (String, Option<String>);

fn apply_one(key: &str, value: &str, tree: &mut Table, text: &mut DocumentMut, source: usize) -> Result<(), Refusal> {
    let path = resolve(key, tree)?;
    let parsed = value.trim().parse::<TomlValue>().unwrap_or_else(|_| TomlValue::from(value));
    let place = Place { source, span: 0..key.len() };
    let item = value_at(&parsed, &Place { source, span: key.len() + 1..key.len() + 1 + value.len() });
    let in_the_way = |key: String| (format!("`{key}` is not a table, so it has no keys of its own"), None);
    tree.set(&path, &place, item).map_err(in_the_way)?;
    set_text(text.as_table_mut(), &path, parsed).map_err(in_the_way)
}

/// The path an override means.
fn resolve(key: &str, tree: &Table) -> Result<Vec<String>, Refusal> {
    let parameters: Vec<&str> = keys(tree.table("parameters"));
    let trimmed = key.trim();
    if parameters.contains(&trimmed) {
        return Ok(vec!["parameters".to_owned(), trimmed.to_owned()]);
    }
    let path: Vec<String> = match toml_edit::Key::parse(trimmed) {
        Ok(keys) => keys.iter().map(|key| key.get().to_owned()).collect(),
        Err(_) => return Err((format!("`{key}` is not a key path"), Some("write `--set name=value` or `--set section.key=value`".to_owned()))),
    };
    match path.as_slice() {
        [name] if !schema::TOP_LEVEL.contains(&name.as_str()) => Err(unknown_name(name, &parameters)),
        [section, name, ..] if schema::OPEN_SECTIONS.contains(&section.as_str()) => {
            let mut there = keys(tree.table(section));
            if *section == "protocol" {
                there.push("duration");
            }
            match there.contains(&name.as_str()) {
                true => Ok(path),
                false => {
                    let help = nearest(name, there.iter().copied()).map(|near| format!("did you mean `{section}.{near}`?"));
                    Err((format!("no `{name}` in [{section}]"), help.or_else(|| listed(section, &there))))
                }
            }
        }
        _ => Ok(path),
    }
}

fn keys(table: Option<&Table>) -> Vec<&str> {
    table.map(|table| table.entries.iter().map(|entry| entry.key.as_str()).collect()).unwrap_or_default()
}

fn listed(section: &str, there: &[&str]) -> Option<String> {
    (!there.is_empty()).then(|| format!("[{section}] has {}", all(there)))
}

fn unknown_name(name: &str, parameters: &[&str]) -> Refusal {
    let message = format!("`{name}` is neither a parameter nor a key");
    if let Some((section, key)) = schema::sections().find(|(_, key)| *key == name) {
        return (message, Some(format!("did you mean `{section}.{key}`?")));
    }
    let known = parameters.iter().copied().chain(schema::TOP_LEVEL.iter().copied());
    let help = match nearest(name, known) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None => listed("parameters", parameters),
    };
    (message, help)
}

/// Puts a value into the kept text, leaving the comment behind an old value where it was.
fn set_text(table: &mut dyn TableLike, path: &[String], mut value: TomlValue) -> Result<(), String> {
    let Some((key, rest)) = path.split_first() else { return Ok(()) };
    if !rest.is_empty() {
        if !table.contains_key(key) {
            table.insert(key, toml_edit::table());
        }
        return match table.get_mut(key).and_then(toml_edit::Item::as_table_like_mut) {
            Some(inner) => set_text(inner, rest, value),
            None => Err(key.clone()),
        };
    }
    match table.get_mut(key).and_then(toml_edit::Item::as_value_mut) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => {
            table.remove(key);
            table.insert(key, toml_edit::value(value));
        }
    }
    Ok(())
}
