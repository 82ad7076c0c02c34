//! The experiment as TOML, with comments that say where everything comes from.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::element::tag;
use super::events::{Event, Trigger};
use super::formula::{Formula, Symbol, number, text};
use super::meaning::Meaning;
use super::model::{ConstantKind, Owner};
use super::names::Naming;
use super::reactions::Reaction;
use super::{Options, SbmlError};

/// Longest line of a table that is written into one line.
const LINE: usize = 120;

/// Everything that is written.
pub(super) struct Draft<'d, 'm, 'a> {
    pub(super) name: &'d str,
    pub(super) options: &'d Options,
    pub(super) meaning: &'d Meaning<'m, 'a>,
    pub(super) reactions: &'d [Reaction<'a>],
    pub(super) events: &'d [Event<'a>],
}

/// A TOML string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            _ if character.is_control() => drop(write!(quoted, "\\u{:04X}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// Text that may stand in a comment: one line, nothing that TOML forbids there.
fn comment(text: &str) -> String {
    text.split(|character: char| character.is_whitespace() || character.is_control()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A path without its folders: where a file lay when it was imported is nobody's business later.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The lines above everything: origin and warnings.
pub(super) fn head(name: &str, level: (u32, u32), warnings: &[String]) -> String {
    let mut head = format!("# Imported from {} (SBML Level {}, Version {}).\n", comment(file_name(name)), level.0, level.1);
    for warning in warnings {
        head += &format!("# Note: {}.\n", comment(warning));
    }
    head
}

/// A table: inline where that is short, else under a header of its own, which ends the table it stands in.
fn table(path: &str, key: &str, entries: &[String]) -> String {
    let line = format!("{key} = {{ {} }}\n", entries.join(", "));
    if line.len() <= LINE { line } else { format!("[{path}.{key}]\n{}\n", entries.join("\n")) }
}

impl Draft<'_, '_, '_> {
    /// The text below the head.
    pub(super) fn body(&self) -> Result<String, SbmlError> {
        let model = self.meaning.model;
        let names = Naming::of(model);
        let title = model.element.attribute("name").or(model.element.attribute("id")).unwrap_or(file_name(self.name));
        let mut out = String::new();
        for (old, new, why) in &names.renamed {
            out += &format!("# `{old}` is called `{new}` here: {why}.\n");
        }
        out += &format!("title = {}\nsource = {}\n\n", quoted(&comment(title)), quoted(&format!("SBML model {}", comment(file_name(self.name)))));
        self.write_species(&names, &mut out)?;
        for reaction in self.reactions {
            self.write_reaction(reaction, &names, &mut out);
        }
        for event in self.events {
            self.write_event(event, &names, &mut out);
        }
        let mut used: BTreeSet<Symbol> = BTreeSet::new();
        let mut note = |formula: &Formula| {
            formula.visit(&mut |symbol| {
                used.insert(symbol);
            });
        };
        self.reactions.iter().for_each(|reaction| note(&reaction.law));
        for event in self.events {
            event.set.iter().for_each(|(_, value)| note(value));
            if let Trigger::When(condition) = &event.trigger {
                note(condition);
            }
        }
        for formula in self.write_observables(&names, &mut out)? {
            note(&formula);
        }
        self.write_parameters(&names, &used, &mut out)?;
        let Options { duration, every, trajectories, seed } = *self.options;
        let time = if used.contains(&Symbol::Time) { format!("{} = \"t\"\n", names.name(Symbol::Time)) } else { String::new() };
        out += &format!("[protocol]\nduration = {}\n{time}\n[initial]\ndistribution = \"point\"\n\n", number(duration));
        out += &format!("[ensemble]\ntrajectories = {trajectories}\nseed = {seed}\n\n[measure]\nevery = {}\n", number(every));
        Ok(out)
    }

    /// Whether nothing changes the count of a species.
    fn is_held(&self, index: usize) -> bool {
        let species = &self.meaning.model.species[index];
        let set = self.events.iter().any(|event| event.set.iter().any(|(target, _)| *target == index));
        species.constant || (species.boundary && !set)
    }

    fn write_species(&self, names: &Naming<'_>, out: &mut String) -> Result<(), SbmlError> {
        let model = self.meaning.model;
        let there: Vec<usize> = (0..model.species.len()).filter(|index| !self.meaning.has_rule(model.species[*index].id)).collect();
        let (held, free): (Vec<usize>, Vec<usize>) = there.iter().partition(|index| self.is_held(**index));
        if free.is_empty() {
            let help = "a model needs a species that a reaction or an event changes";
            return Err(SbmlError::at(model.element, "no species of the model can change", help));
        }
        let mut entries = Vec::new();
        for &index in &there {
            let symbol = Symbol::Count(index);
            entries.push(format!("{} = {}", names.name(symbol), number(self.meaning.initial(symbol)?)));
        }
        *out += "[model]\nkind = \"reactions\"\n";
        if !held.is_empty() {
            let held: Vec<String> = held.iter().map(|index| quoted(&names.name(Symbol::Count(*index)))).collect();
            *out += &format!("# Boundary and constant species: reactions leave them as they are.\nchemostatted = [{}]\n", held.join(", "));
        }
        *out += "# Counts at the start.\n";
        *out += &table("model", "species", &entries);
        out.push('\n');
        Ok(())
    }

    /// `2 A + B`, without the species that cannot stand in an equation; these go to `left_out`.
    fn side(&self, species: &[(usize, u32)], names: &Naming<'_>, left_out: &mut Vec<String>) -> String {
        let mut terms = Vec::new();
        for &(index, amount) in species {
            let one = &self.meaning.model.species[index];
            let name = names.name(Symbol::Count(index));
            if self.meaning.has_rule(one.id) || (one.boundary && !self.is_held(index)) {
                left_out.push(format!("`{}`", one.id));
            } else {
                terms.push(if amount == 1 { name } else { format!("{amount} {name}") });
            }
        }
        if terms.is_empty() { "0".to_owned() } else { terms.join(" + ") }
    }

    fn write_reaction(&self, reaction: &Reaction<'_>, names: &Naming<'_>, out: &mut String) {
        let mut left_out = Vec::new();
        let [from, to] = [&reaction.reactants, &reaction.products].map(|side| self.side(side, names, &mut left_out));
        if let Some(label) = reaction.label {
            *out += &format!("# {}\n", comment(label));
        }
        if !left_out.is_empty() {
            left_out.dedup();
            *out += &format!("# {} takes part in the file, and only a rule or an event gives its count.\n", left_out.join(", "));
        }
        let law = text(&reaction.law, &|symbol| names.name(symbol));
        *out += &format!(
            "[[model.reactions]]\nname = {}\nequation = {}\npropensity = {}\n\n",
            quoted(reaction.id),
            quoted(&format!("{from} -> {to}")),
            quoted(&law)
        );
    }

    fn write_event(&self, event: &Event<'_>, names: &Naming<'_>, out: &mut String) {
        let name = |symbol| names.name(symbol);
        let when = match &event.trigger {
            Trigger::At(time) => format!("at = {}", number(*time)),
            Trigger::When(condition) => format!("when = {}", quoted(&text(condition, &name))),
        };
        let set: Vec<String> = event
            .set
            .iter()
            .map(|(target, value)| match value.kind() {
                super::formula::Kind::Number(count) => format!("{} = {}", name(Symbol::Count(*target)), number(*count)),
                _ => format!("{} = {}", name(Symbol::Count(*target)), quoted(&text(value, &name))),
            })
            .collect();
        *out += &format!("[[model.events]]\nname = {}\n{when}\n{}\n", quoted(&event.name), table("model.events", "set", &set));
    }

    /// Quantities that assignment rules give, and species that are held; answers the formulas of the rules.
    fn write_observables(&self, names: &Naming<'_>, out: &mut String) -> Result<Vec<Formula>, SbmlError> {
        let model = self.meaning.model;
        let mut formulas = Vec::new();
        let mut lines = String::new();
        for (id, rule) in model.rules.iter().filter(|(id, _)| self.meaning.has_rule(id)) {
            let value = self.meaning.global(id, rule.element)?;
            let (symbol, formula) = match model.owners.get(id) {
                Some(Owner::Species(index)) => (Symbol::Count(*index), self.meaning.as_count(*index, value)?),
                Some(Owner::Constant(index)) => (Symbol::Constant(*index), value),
                _ => continue,
            };
            lines += &format!("{} = {}\n", names.name(symbol), quoted(&text(&formula, &|symbol| names.name(symbol))));
            formulas.push(formula);
        }
        let mut notes = String::new();
        if !lines.is_empty() {
            notes += "# From assignment rules, which are put in where formulas read them; species as amounts.\n";
        }
        let held: Vec<String> = (0..model.species.len())
            .filter(|&index| !self.meaning.has_rule(model.species[index].id) && self.is_held(index))
            .map(|index| names.name(Symbol::Count(index)))
            .collect();
        if !held.is_empty() {
            notes += "# Species that are held, shown like the others.\n";
            held.iter().for_each(|name| lines += &format!("{name} = {}\n", quoted(name)));
        }
        if !lines.is_empty() {
            *out += &format!("{notes}[model.observables]\n{lines}\n");
        }
        Ok(formulas)
    }

    /// Parameters and sizes that a formula reads; the others as comments.
    fn write_parameters(&self, names: &Naming<'_>, used: &BTreeSet<Symbol>, out: &mut String) -> Result<(), SbmlError> {
        let mut lines = String::new();
        for (index, constant) in self.meaning.model.constants.iter().enumerate() {
            let symbol = Symbol::Constant(index);
            let name = names.name(symbol);
            let origin = match constant.kind {
                ConstantKind::Compartment { .. } => "  # size of the compartment".to_owned(),
                ConstantKind::Global => String::new(),
                ConstantKind::Local(reaction) => format!("  # of reaction {reaction}"),
            };
            if used.contains(&symbol) {
                lines += &format!("{name} = {}{origin}\n", number(self.meaning.initial(symbol)?));
            } else if let (Some(value), false) = (constant.value, self.meaning.has_rule(constant.id) && constant.kind == ConstantKind::Global) {
                lines += &format!("# {name} = {} is in no formula: {}\n", number(value), tag(constant.element));
            }
        }
        if !lines.is_empty() {
            *out += &format!("[parameters]\n{lines}\n");
        }
        Ok(())
    }
}
