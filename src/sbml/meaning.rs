//! What the names of a model mean in formulas, and what everything is at the start.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use super::SbmlError;
use super::element::{Element, number, tag};
use super::formula::{Formula, Kind, Symbol};
use super::mathml::{Names, Reader};
use super::model::{ConstantKind, Model, Owner, Rule};

/// Longest chain of rules or initial assignments that read each other.
const LONGEST_CHAIN: usize = 64;
/// Largest copy number: integers up to it are exact in f64.
const LARGEST_COUNT: f64 = 9_007_199_254_740_992.0;

/// Names and initial values of a model.
pub(super) struct Meaning<'m, 'a> {
    pub(super) model: &'m Model<'a>,
    work: Cell<usize>,
    /// Formulas of assignment rules that were needed so far.
    rules: RefCell<BTreeMap<&'a str, Formula>>,
    /// Initial values that were needed so far.
    values: RefCell<BTreeMap<Symbol, f64>>,
    /// Rules and values being worked out.
    open: RefCell<Vec<&'a str>>,
    /// Compartments without a size whose size was needed.
    sizeless: RefCell<BTreeSet<&'a str>>,
}

/// Names as a reaction sees them, its local parameters first.
struct Scope<'s, 'm, 'a> {
    meaning: &'s Meaning<'m, 'a>,
    reaction: Option<&'a str>,
}

impl<'a> Names<'a> for Scope<'_, '_, 'a> {
    fn meaning(&self, name: &str, at: Element<'a>) -> Result<Formula, SbmlError> {
        let local = self.reaction.and_then(|reaction| self.meaning.model.locals.get(&(reaction, name)));
        local.map_or_else(|| self.meaning.global(name, at), |&index| Ok(Formula::symbol(Symbol::Constant(index))))
    }

    fn function(&self, name: &str) -> Option<Element<'a>> {
        self.meaning.model.functions.get(name).copied()
    }
}

impl<'m, 'a> Meaning<'m, 'a> {
    /// The meaning of a model; rules that change variables in time are refused.
    pub(super) fn new(model: &'m Model<'a>) -> Result<Self, SbmlError> {
        let meaning = Self {
            model,
            work: Cell::default(),
            rules: RefCell::default(),
            values: RefCell::default(),
            open: RefCell::default(),
            sizeless: RefCell::default(),
        };
        for (variable, rule) in &model.rules {
            meaning.check_rule(variable, rule)?;
        }
        Ok(meaning)
    }

    fn check_rule(&self, variable: &str, rule: &Rule<'a>) -> Result<(), SbmlError> {
        let at = rule.element;
        if rule.rate {
            // A variable that is said not to move is a constant.
            return match self.formula(rule.math, None)?.kind() {
                Kind::Number(0.0) => Ok(()),
                _ => Err(SbmlError::at(at, format!("{} is not supported", tag(at)), "nothing moves continuously in a jump process; a rate rule may only be 0")),
            };
        }
        if let Some(Owner::Constant(index)) = self.model.owners.get(variable)
            && matches!(self.model.constants[*index].kind, ConstantKind::Compartment { .. })
        {
            return Err(SbmlError::at(at, format!("{} changes the size of a compartment", tag(at)), "sizes are constant; use an <initialAssignment>"));
        }
        self.formula(rule.math, None).map(drop)
    }

    /// Refuses a factor between what reactions count and what amounts count, unless it is 1.
    pub(super) fn check_conversion(&self, element: Element<'a>) -> Result<(), SbmlError> {
        let Some(factor) = element.attribute("conversionFactor") else { return Ok(()) };
        let value = match self.model.owners.get(factor.trim()) {
            Some(Owner::Constant(index)) if !self.model.rules.contains_key(factor.trim()) => self.initial(Symbol::Constant(*index))?,
            _ => f64::NAN,
        };
        if value == 1.0 {
            return Ok(());
        }
        Err(SbmlError::at(element, format!("{} has the conversion factor `{}`", tag(element), factor.escape_debug()), "only a constant 1 is supported"))
    }

    /// The formula of a `<math>`, names seen from a reaction or from the model.
    pub(super) fn formula(&self, math: Element<'a>, reaction: Option<&'a str>) -> Result<Formula, SbmlError> {
        Reader::new(&Scope { meaning: self, reaction }, &self.work).formula(math)
    }

    /// Whether an assignment rule gives a variable.
    pub(super) fn has_rule(&self, id: &str) -> bool {
        self.model.rules.get(id).is_some_and(|rule| !rule.rate)
    }

    /// What a name of the model means.
    pub(super) fn global(&self, name: &str, at: Element<'a>) -> Result<Formula, SbmlError> {
        if let Some((id, rule)) = self.model.rules.get_key_value(name).filter(|(_, rule)| !rule.rate) {
            return self.ruled(id, rule);
        }
        match self.model.owners.get(name) {
            Some(Owner::Species(index)) => {
                let count = Formula::symbol(Symbol::Count(*index));
                let species = &self.model.species[*index];
                if species.amount_only { Ok(count) } else { Ok(count.over(Formula::symbol(Symbol::Constant(self.volume(*index)?)))) }
            }
            Some(Owner::Constant(index)) => Ok(Formula::symbol(Symbol::Constant(*index))),
            Some(Owner::Function) => Err(SbmlError::at(at, format!("the function `{name}` stands where a value is wanted"), "call it with <apply>")),
            Some(Owner::Other) => {
                let help = "formulas may read species, parameters, compartments and time; rates of reactions are not supported there";
                Err(SbmlError::at(at, format!("`{name}` is no quantity that formulas can read"), help))
            }
            None => {
                let help = "formulas may read species, parameters, compartments and time; stoichiometries are not supported there";
                Err(SbmlError::at(at, format!("`{}` is not defined in the model", name.escape_debug()), help))
            }
        }
    }

    /// The compartment whose size turns amounts of a species into concentrations.
    pub(super) fn volume(&self, species: usize) -> Result<usize, SbmlError> {
        let species = &self.model.species[species];
        match self.model.constants[species.compartment].kind {
            ConstantKind::Compartment { point: false } => Ok(species.compartment),
            _ => {
                let message = format!("{} stands for a concentration, and its compartment has no size", tag(species.element));
                Err(SbmlError::at(species.element, message, "set hasOnlySubstanceUnits=\"true\", or give it a compartment with dimensions"))
            }
        }
    }

    /// A quantity in the units of a species' name, as a count.
    pub(super) fn as_count(&self, species: usize, quantity: Formula) -> Result<Formula, SbmlError> {
        if self.model.species[species].amount_only {
            return Ok(quantity);
        }
        Ok(quantity.times(Formula::symbol(Symbol::Constant(self.volume(species)?))))
    }

    /// The formula of an assignment rule, rules it reads put in.
    fn ruled(&self, id: &'a str, rule: &Rule<'a>) -> Result<Formula, SbmlError> {
        if let Some(known) = self.rules.borrow().get(id) {
            return Ok(known.clone());
        }
        let formula = self.opened(id, rule.element, || self.formula(rule.math, None))?;
        self.rules.borrow_mut().insert(id, formula.clone());
        Ok(formula)
    }

    /// Works something out that may lead to other things of its kind, but not to itself.
    fn opened<T>(&self, id: &'a str, at: Element<'a>, work: impl FnOnce() -> Result<T, SbmlError>) -> Result<T, SbmlError> {
        if self.open.borrow().contains(&id) {
            let circle = self.open.borrow().join("` → `");
            return Err(SbmlError::at(
                at,
                format!("`{id}` depends on itself: `{circle}` → `{id}`"),
                "rules and initial assignments may not go round in circles",
            ));
        }
        if self.open.borrow().len() >= LONGEST_CHAIN {
            return Err(SbmlError::at(at, format!("more than {LONGEST_CHAIN} rules or assignments read each other in a row"), "shorten the chain"));
        }
        self.open.borrow_mut().push(id);
        let result = work();
        self.open.borrow_mut().pop();
        result
    }

    /// The value of a formula at the start.
    pub(super) fn at_start(&self, formula: &Formula, at: Element<'a>) -> Result<f64, SbmlError> {
        let mut symbols = BTreeMap::new();
        formula.visit(&mut |symbol| {
            symbols.insert(symbol, 0.0);
        });
        for (symbol, value) in &mut symbols {
            *value = self.initial(*symbol)?;
        }
        let value = formula.evaluate(&|symbol| symbols.get(&symbol).copied().unwrap_or(f64::NAN));
        match value.is_finite() {
            true => Ok(value),
            false => Err(SbmlError::at(at, format!("the formula is {value} at the start"), "a finite value is wanted there")),
        }
    }

    /// The value of a symbol at the start.
    pub(super) fn initial(&self, symbol: Symbol) -> Result<f64, SbmlError> {
        if let Some(known) = self.values.borrow().get(&symbol) {
            return Ok(*known);
        }
        let value = match symbol {
            Symbol::Time => 0.0,
            Symbol::Constant(index) => self.constant(index)?,
            Symbol::Count(index) => {
                let species = &self.model.species[index];
                self.opened(species.id, species.element, || self.count(index))?
            }
        };
        self.values.borrow_mut().insert(symbol, value);
        Ok(value)
    }

    fn constant(&self, index: usize) -> Result<f64, SbmlError> {
        let constant = &self.model.constants[index];
        let assigned = self.model.initial.get(constant.id).filter(|_| !matches!(constant.kind, ConstantKind::Local(_)));
        match (assigned, constant.value) {
            (Some(math), _) => self.opened(constant.id, *math, || self.at_start(&self.formula(*math, None)?, *math)),
            (None, Some(value)) => Ok(value),
            (None, None) if constant.kind == (ConstantKind::Compartment { point: false }) => {
                self.sizeless.borrow_mut().insert(constant.id);
                Ok(1.0)
            }
            (None, None) => {
                let help = "give it a `value`, an <initialAssignment> or an <assignmentRule>";
                Err(SbmlError::at(constant.element, format!("{} is used and has no value", tag(constant.element)), help))
            }
        }
    }

    /// The copy number of a species at the start: a whole number.
    fn count(&self, index: usize) -> Result<f64, SbmlError> {
        let species = &self.model.species[index];
        let at = species.element;
        let amount = number(at, "initialAmount")?;
        let concentration = number(at, "initialConcentration")?;
        let size = || self.initial(Symbol::Constant(self.volume(index)?));
        let count = match (self.model.initial.get(species.id), amount, concentration) {
            (Some(math), ..) => self.at_start(&self.as_count(index, self.formula(*math, None)?)?, *math)?,
            (None, Some(_), Some(_)) => return Err(SbmlError::at(at, format!("{} has an initial amount and an initial concentration", tag(at)), "give one")),
            (None, Some(amount), None) => amount,
            (None, None, Some(concentration)) => concentration * size()?,
            (None, None, None) => {
                let help = "give it an `initialAmount`, an `initialConcentration` or an <initialAssignment>";
                return Err(SbmlError::at(at, format!("{} has no initial amount", tag(at)), help));
            }
        };
        whole(count).ok_or_else(|| {
            let message = format!("{} starts with {count} items", tag(at));
            SbmlError::at(at, message, "copy numbers are whole and not negative; a concentration is multiplied by the size of the compartment")
        })
    }

    /// Compartments whose size was taken to be 1.
    pub(super) fn sizeless(&self) -> Vec<&'a str> {
        self.sizeless.borrow().iter().copied().collect()
    }
}

/// The whole number that a computed count means, if it means one.
pub(super) fn whole(count: f64) -> Option<f64> {
    let nearest = count.round();
    // Concentration times volume may miss the integer by a rounding or two.
    let near = (count - nearest).abs() <= 1e-9 * nearest.abs().max(1.0);
    (near && (0.0..=LARGEST_COUNT).contains(&nearest)).then_some(nearest + 0.0)
}
