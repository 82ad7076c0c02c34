//! Names in ness for the identifiers of a model.

use std::collections::{BTreeMap, BTreeSet};

use super::formula::Symbol;
use super::model::{ConstantKind, Model};
use crate::expression::is_reserved;

/// Names of everything that formulas read, each once.
pub(super) struct Naming<'a> {
    names: BTreeMap<Symbol, String>,
    /// Old and new name of whatever could not keep its own, with the reason.
    pub(super) renamed: Vec<(&'a str, String, String)>,
}

/// Whether ness means something of its own by a name.
fn is_taken(name: &str) -> bool {
    ["t", "dt", "pi", "e"].contains(&name) || is_reserved(name)
}

impl<'a> Naming<'a> {
    /// Species and what is global keep their names where ness allows it; local parameters where nothing else has theirs, otherwise
    /// `<parameter>_<reaction>`. Time is a variable of the protocol. A name that ness reserves, or that is taken, gets `_` behind it.
    pub(super) fn of(model: &Model<'a>) -> Self {
        let mut naming = Self { names: BTreeMap::new(), renamed: Vec::new() };
        let mut used: BTreeSet<String> = model.owners.keys().filter(|id| !is_taken(id)).map(|id| (*id).to_owned()).collect();
        let mut locals: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, id) in model.locals.keys() {
            *locals.entry(id).or_default() += 1;
        }
        for (index, species) in model.species.iter().enumerate() {
            naming.settle(Symbol::Count(index), species.id, species.id, true, &mut used);
        }
        for (index, constant) in model.constants.iter().enumerate() {
            let symbol = Symbol::Constant(index);
            match constant.kind {
                ConstantKind::Local(_) if locals.get(constant.id) == Some(&1) && !model.owners.contains_key(constant.id) => {
                    naming.settle(symbol, constant.id, constant.id, false, &mut used);
                }
                ConstantKind::Local(reaction) => naming.settle(symbol, constant.id, &format!("{}_{reaction}", constant.id), false, &mut used),
                _ => naming.settle(symbol, constant.id, constant.id, true, &mut used),
            }
        }
        let mut time = "time".to_owned();
        while is_taken(&time) || used.contains(&time) {
            time.push('_');
        }
        naming.names.insert(Symbol::Time, time);
        naming
    }

    /// Gives a symbol the wanted name, or that with as many `_` as it takes. `owned` names are in `used` already.
    fn settle(&mut self, symbol: Symbol, id: &'a str, wanted: &str, owned: bool, used: &mut BTreeSet<String>) {
        let mut name = wanted.to_owned();
        while is_taken(&name) || (used.contains(&name) && !(owned && name == id)) {
            name.push('_');
        }
        if name != id {
            let why = if is_taken(wanted) { "ness means something else by it" } else { "another part of the model has the same name" };
            self.renamed.push((id, name.clone(), why.to_owned()));
        }
        used.insert(name.clone());
        self.names.insert(symbol, name);
    }

    /// The name of a symbol.
    pub(super) fn name(&self, symbol: Symbol) -> String {
        self.names.get(&symbol).cloned().unwrap_or_default()
    }
}
