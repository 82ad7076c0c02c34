//! Reactions: who takes part, how often it happens, and whether a jump process can mean that.

use std::collections::BTreeMap;

use super::SbmlError;
use super::element::{Element, attributes, children, identifier, list, number, tag, truth};
use super::formula::{Formula, Symbol};
use super::meaning::Meaning;
use super::model::{Owner, math};

/// A reaction, one way.
pub(super) struct Reaction<'a> {
    pub(super) id: &'a str,
    /// Its `name`, for a comment.
    pub(super) label: Option<&'a str>,
    /// Species and how many are taken, each species once.
    pub(super) reactants: Vec<(usize, u32)>,
    /// Species and how many are made.
    pub(super) products: Vec<(usize, u32)>,
    /// How often it happens per time.
    pub(super) law: Formula,
}

/// A count of a product with which a law is tried.
const TRIED: f64 = 10.0;
/// Largest stoichiometry; no model needs more, and it keeps equations readable.
const LARGEST: f64 = 1e6;

/// Reads a `<reaction>`; what the user should know of it goes to `warnings`.
pub(super) fn read<'a>(element: Element<'a>, meaning: &Meaning<'_, 'a>, warnings: &mut Vec<String>) -> Result<Reaction<'a>, SbmlError> {
    attributes(element, &["reversible", "fast", "compartment"])?;
    let id = identifier(element, "id")?;
    let parts = children(element, &["listOfReactants", "listOfProducts", "listOfModifiers", "kineticLaw"])?;
    if truth(element, "fast", false)? {
        return Err(SbmlError::at(
            element,
            format!("{} is fast", tag(element)),
            "every reaction happens at its own rate; give it a large rate instead of fast=\"true\"",
        ));
    }
    let reactants = participants(&parts, "listOfReactants", meaning)?;
    let products = participants(&parts, "listOfProducts", meaning)?;
    for modifier in list(&parts, "listOfModifiers", "modifierSpeciesReference")? {
        attributes(modifier, &["species"])?;
        species(modifier, meaning)?;
    }
    let laws: Vec<Element<'a>> = parts.into_iter().filter(|part| part.tag_name().name() == "kineticLaw").collect();
    let [law] = laws[..] else {
        return Err(SbmlError::at(
            element,
            format!("{} has {} kinetic laws", tag(element), laws.len()),
            "one <kineticLaw> is wanted: its value is the propensity",
        ));
    };
    attributes(law, &[])?;
    let law_math = math(law, &["listOfParameters", "listOfLocalParameters"])?;
    let law = meaning.formula(law_math, Some(id))?;
    let reaction = Reaction { id, label: element.attribute("name"), reactants, products, law };
    // Both levels take reactions to be reversible that do not say otherwise.
    let reversible = truth(element, "reversible", true)?;
    probe(&reaction, law_math, reversible, meaning, warnings)?;
    if reversible {
        warnings
            .push(format!("reaction `{id}` is called reversible and has one kinetic law: it is taken to happen forwards only, with that law as propensity"));
    }
    Ok(reaction)
}

/// The species that a reference names.
fn species<'a>(reference: Element<'a>, meaning: &Meaning<'_, 'a>) -> Result<usize, SbmlError> {
    let name = identifier(reference, "species")?;
    match meaning.model.owners.get(name) {
        Some(Owner::Species(index)) => Ok(*index),
        _ => Err(SbmlError::at(reference, format!("`{name}` is no species of the model"), "list it in <listOfSpecies>")),
    }
}

/// Species of a list, each once, in the order of the file, with their summed stoichiometries.
fn participants<'a>(parts: &[Element<'a>], group: &str, meaning: &Meaning<'_, 'a>) -> Result<Vec<(usize, u32)>, SbmlError> {
    let mut found: Vec<(usize, u32)> = Vec::new();
    for reference in list(parts, group, "speciesReference")? {
        attributes(reference, &["species", "stoichiometry", "constant", "denominator"])?;
        let index = species(reference, meaning)?;
        let one = &meaning.model.species[index];
        if !one.boundary && (one.constant || meaning.has_rule(one.id)) {
            let message = format!("{} is given by a rule or constant, and a reaction changes it", tag(one.element));
            return Err(SbmlError::at(reference, message, "set boundaryCondition=\"true\" on the species, or list it among the modifiers"));
        }
        let amount = stoichiometry(reference, meaning)?;
        match found.iter_mut().find(|(known, _)| *known == index) {
            Some((_, sum)) => *sum = sum.saturating_add(amount),
            None => found.push((index, amount)),
        }
    }
    found.retain(|(_, amount)| *amount > 0);
    Ok(found)
}

fn stoichiometry<'a>(reference: Element<'a>, meaning: &Meaning<'_, 'a>) -> Result<u32, SbmlError> {
    let by_formula = children(reference, &["stoichiometryMath"])?;
    let value = match by_formula.first() {
        Some(formula) => {
            let formula = meaning.formula(math(*formula, &[])?, None)?;
            if formula.reads(|symbol| !matches!(symbol, Symbol::Constant(_))) {
                return Err(SbmlError::at(
                    reference,
                    format!("the stoichiometry of {} depends on the state", tag(reference)),
                    "constant stoichiometries are supported",
                ));
            }
            meaning.at_start(&formula, reference)?
        }
        None => match (number(reference, "stoichiometry")?, meaning.model.level.0) {
            (Some(value), _) => value,
            (None, 2) => 1.0,
            (None, _) => {
                let help = "Level 3 wants it to be written, as in stoichiometry=\"1\"";
                return Err(SbmlError::at(reference, format!("{} has no stoichiometry", tag(reference)), help));
            }
        },
    };
    let value = value / number(reference, "denominator")?.unwrap_or(1.0);
    if value.fract() == 0.0 && (0.0..=LARGEST).contains(&value) {
        return Ok(value as u32);
    }
    Err(SbmlError::at(reference, format!("{} has the stoichiometry {value}", tag(reference)), format!("whole numbers from 0 to {LARGEST} are supported")))
}

/// Tries the law where it must be harmless: without its reactants, and with products around. A law that is negative there is the difference of
/// a forward and a backward rate, which is no propensity; one that is positive there would take what is not there.
fn probe<'a>(reaction: &Reaction<'a>, at: Element<'a>, reversible: bool, meaning: &Meaning<'_, 'a>, warnings: &mut Vec<String>) -> Result<(), SbmlError> {
    let mut start = BTreeMap::new();
    let mut symbols = Vec::new();
    reaction.law.visit(&mut |symbol| symbols.push(symbol));
    for symbol in symbols.into_iter().chain(reaction.reactants.iter().chain(&reaction.products).map(|(index, _)| Symbol::Count(*index))) {
        if let std::collections::btree_map::Entry::Vacant(entry) = start.entry(symbol)
            && !matches!(symbol, Symbol::Count(index) if meaning.has_rule(meaning.model.species[index].id))
        {
            entry.insert(meaning.initial(symbol)?);
        }
    }
    let free = |index: usize| !meaning.model.species[index].boundary && !meaning.model.species[index].constant;
    let mut with_products = start.clone();
    for (index, _) in reaction.products.iter().filter(|(index, _)| free(*index)) {
        with_products.entry(Symbol::Count(*index)).and_modify(|count| *count = count.max(TRIED));
    }
    let lacking = reaction.reactants.iter().filter(|(index, _)| free(*index)).flat_map(|&(index, amount)| (0..amount.min(2)).map(move |count| (index, count)));
    let mut lowest = 0.0_f64;
    let mut highest_lacking = 0.0_f64;
    for (state, lacks) in [(start, false), (with_products.clone(), false)].into_iter().chain(lacking.map(|(index, count)| {
        let mut state = with_products.clone();
        state.insert(Symbol::Count(index), f64::from(count));
        (state, true)
    })) {
        let value = reaction.law.evaluate(&|symbol| state.get(&symbol).copied().unwrap_or(f64::NAN));
        lowest = lowest.min(value);
        highest_lacking = if lacks { highest_lacking.max(value) } else { highest_lacking };
    }
    let id = reaction.id;
    if lowest < 0.0 && reversible {
        let help =
            "split it into two reactions with reversible=\"false\", one with the forward and one with the backward rate: only their difference is known here";
        return Err(SbmlError::at(at, format!("the kinetic law of the reversible reaction `{id}` can be negative"), help));
    }
    if lowest < 0.0 {
        warnings.push(format!("the kinetic law of reaction `{id}` can be negative; ness takes it as 0 there"));
    }
    if highest_lacking > 0.0 {
        warnings.push(format!("the kinetic law of reaction `{id}` is above 0 where its reactants are used up; ness lets it not happen there"));
    }
    Ok(())
}
