//! SBML: a model of systems biology as an experiment of ness.
//!
//! [`import`] turns SBML Level 2 or 3 (core) into the TOML text of an experiment with `kind = "reactions"`. It knows only text: the loader of
//! experiments reads what it writes as it reads any file. The XML is walked once for its parts ([`model`]); formulas are read from MathML with
//! every name replaced by its meaning ([`mathml`], [`meaning`]); [`reactions`] and [`events`] look whether a jump process can mean them; then
//! everything is written down ([`write`]).
//!
//! Semantics: a kinetic law is in items per time and is the propensity as it is written, without combinatorial factors. A species stands in
//! formulas for its amount where `hasOnlySubstanceUnits` is set, else for amount over size of compartment. What is not supported is refused by
//! name, with its place; nothing that could change a trajectory is passed over.

mod element;
mod error;
mod events;
mod formula;
mod mathml;
mod meaning;
mod model;
mod names;
mod reactions;
#[cfg(test)]
mod tests;
mod units;
mod write;

pub use error::SbmlError;

use formula::Symbol;
use meaning::Meaning;

/// What a run needs and SBML does not say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Length of a run in the model's time.
    pub duration: f64,
    /// Time between saves.
    pub every: f64,
    /// Number of trajectories.
    pub trajectories: u64,
    /// Seed of the random numbers.
    pub seed: u64,
}

impl Default for Options {
    /// As the stochastic test suite runs its models: 50 units of time, a save in each.
    fn default() -> Self {
        Self { duration: 50.0, every: 1.0, trajectories: 10_000, seed: 1 }
    }
}

/// An imported model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The experiment as TOML.
    pub text: String,
    /// What the user should know; each is a comment of the text, too.
    pub warnings: Vec<String>,
}

/// Most elements and attributes' texts of a file.
const MOST_NODES: u32 = 4_000_000;

/// The experiment that an SBML model means. `name` is what to call the file in errors, in the title of a model without a name and as source.
///
/// # Errors
/// The first thing that is not well-formed, not SBML or not supported, with its place.
pub fn import(xml: &str, name: &str, options: &Options) -> Result<Imported, SbmlError> {
    parse(xml, name, options).map_err(|error| SbmlError { file: name.to_owned(), ..error })
}

fn parse(xml: &str, name: &str, options: &Options) -> Result<Imported, SbmlError> {
    let limits = roxmltree::ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..roxmltree::ParsingOptions::default() };
    let document = roxmltree::Document::parse_with_options(xml, limits).map_err(|error| not_xml(&error))?;
    let model = model::read(document.root_element())?;
    let meaning = Meaning::new(&model)?;
    let mut warnings = Vec::new();
    let mut uncounted = false;
    meaning.check_conversion(model.element)?;
    for species in &model.species {
        meaning.check_conversion(species.element)?;
        uncounted |= !model.units.check_species(species.element)?;
    }
    if uncounted {
        warnings.push("the file does not say that amounts are numbers of items; they are taken to be".to_owned());
    }
    let reactions = model.reactions.iter().map(|element| reactions::read(*element, &meaning, &mut warnings)).collect::<Result<Vec<_>, SbmlError>>()?;
    let events = events::read(&meaning, &mut warnings)?;
    for index in (0..model.species.len()).filter(|index| !meaning.has_rule(model.species[*index].id)) {
        meaning.initial(Symbol::Count(index))?;
    }
    let mut text = write::Draft { name, options, meaning: &meaning, reactions: &reactions, events: &events }.body()?;
    for compartment in meaning.sizeless() {
        warnings.push(format!("compartment `{compartment}` has no size; 1 is taken"));
    }
    text.insert_str(0, &write::head(name, model.level, &warnings));
    Ok(Imported { text, warnings })
}

fn not_xml(error: &roxmltree::Error) -> SbmlError {
    let help = match error {
        roxmltree::Error::DtdDetected => "document types and entities are not read; remove the <!DOCTYPE>",
        roxmltree::Error::NodesLimitReached => "the file is larger than any model",
        _ => "SBML is well-formed XML",
    };
    SbmlError::new(error.pos(), format!("this is not XML that can be read: {error}"), help)
}
