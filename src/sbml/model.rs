//! The parts of an SBML model, read and checked one by one; what they mean together is seen in [`super::meaning`].

use std::collections::BTreeMap;

use super::SbmlError;
use super::element::{CORE, Element, attributes, children, identifier, is_picture, list, number, package, required, tag, truth};
use super::units::Units;

/// A model as its parts, in the order of the file.
pub(super) struct Model<'a> {
    /// `<model>`.
    pub(super) element: Element<'a>,
    /// Level and version of SBML.
    pub(super) level: (u32, u32),
    /// Every identifier of the model, and what has it.
    pub(super) owners: BTreeMap<&'a str, Owner>,
    /// Definitions of functions.
    pub(super) functions: BTreeMap<&'a str, Element<'a>>,
    /// Species.
    pub(super) species: Vec<Species<'a>>,
    /// Sizes of compartments, global parameters, then local ones: whatever is one number.
    pub(super) constants: Vec<Constant<'a>>,
    /// Local parameters by reaction and identifier, as indices into [`Model::constants`].
    pub(super) locals: BTreeMap<(&'a str, &'a str), usize>,
    /// `<initialAssignment>` by symbol, its formula.
    pub(super) initial: BTreeMap<&'a str, Element<'a>>,
    /// Rules by variable.
    pub(super) rules: BTreeMap<&'a str, Rule<'a>>,
    /// `<reaction>` elements.
    pub(super) reactions: Vec<Element<'a>>,
    /// `<event>` elements.
    pub(super) events: Vec<Element<'a>>,
    /// Units of amounts.
    pub(super) units: Units<'a>,
}

/// What an identifier belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Index into [`Model::species`].
    Species(usize),
    /// Index into [`Model::constants`].
    Constant(usize),
    /// A definition of a function.
    Function,
    /// A reaction, a reference to a species in it, or an event.
    Other,
}

/// A `<species>`.
pub(super) struct Species<'a> {
    pub(super) element: Element<'a>,
    pub(super) id: &'a str,
    /// Index of its compartment into [`Model::constants`].
    pub(super) compartment: usize,
    /// Whether its name in formulas stands for an amount, not for a concentration.
    pub(super) amount_only: bool,
    /// Whether reactions leave it alone.
    pub(super) boundary: bool,
    /// Whether nothing may change it.
    pub(super) constant: bool,
}

/// A `<compartment>`, `<parameter>` or `<localParameter>`.
pub(super) struct Constant<'a> {
    pub(super) element: Element<'a>,
    pub(super) id: &'a str,
    pub(super) kind: ConstantKind<'a>,
    /// Size or value, where it is given.
    pub(super) value: Option<f64>,
}

/// Which kind of number a [`Constant`] is.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum ConstantKind<'a> {
    /// The size of a compartment; true for one without dimensions.
    Compartment { point: bool },
    /// A parameter of the model.
    Global,
    /// A parameter of the reaction of this name.
    Local(&'a str),
}

/// A rule that gives or changes a variable.
#[derive(Clone, Copy)]
pub(super) struct Rule<'a> {
    pub(super) element: Element<'a>,
    pub(super) math: Element<'a>,
    /// Whether it gives the rate of change instead of the value.
    pub(super) rate: bool,
}

/// The one `<math>` of an element, which may have other children besides.
pub(super) fn math<'a>(element: Element<'a>, others: &[&str]) -> Result<Element<'a>, SbmlError> {
    let found: Vec<Element<'a>> = children(element, &[&["math"], others].concat())?.into_iter().filter(|child| child.tag_name().name() == "math").collect();
    match found[..] {
        [only] => Ok(only),
        _ => Err(SbmlError::at(element, format!("{} has {} formulas", tag(element), found.len()), "exactly one <math> is wanted there")),
    }
}

/// Reads the root element.
pub(super) fn read<'a>(root: Element<'a>) -> Result<Model<'a>, SbmlError> {
    let level = level(root)?;
    let element = match children(root, &["model"])?[..] {
        [model] => model,
        _ => return Err(SbmlError::at(root, "<sbml> does not hold exactly one <model>", "one model a file is supported")),
    };
    let kinds = ["substanceUnits", "timeUnits", "volumeUnits", "areaUnits", "lengthUnits", "extentUnits", "conversionFactor"];
    attributes(element, if level.0 == 3 { &kinds } else { &[] })?;
    let lists = children(element, &LISTS)?;
    let mut model = Model {
        element,
        level,
        owners: BTreeMap::new(),
        functions: BTreeMap::new(),
        species: Vec::new(),
        constants: Vec::new(),
        locals: BTreeMap::new(),
        initial: BTreeMap::new(),
        rules: BTreeMap::new(),
        reactions: list(&lists, "listOfReactions", "reaction")?,
        events: list(&lists, "listOfEvents", "event")?,
        units: Units::read(element, level.0, &lists)?,
    };
    if let Some(constraint) = list(&lists, "listOfConstraints", "constraint")?.first() {
        return Err(SbmlError::at(*constraint, "<constraint> is not supported", "a run does not watch constraints; remove it, or write an event in its place"));
    }
    model.read_functions(&lists)?;
    model.read_compartments(&lists)?;
    model.read_species(&lists)?;
    model.read_parameters(&lists)?;
    model.read_initial_assignments(&lists)?;
    model.read_rules(&lists)?;
    for part in model.reactions.clone().into_iter().chain(model.events.clone()) {
        if part.tag_name().name() == "reaction" || part.has_attribute("id") {
            model.claim(part, identifier(part, "id")?, Owner::Other)?;
        }
    }
    Ok(model)
}

/// Children of `<model>`. Types of compartments and species only name groups, so nothing is lost with them.
const LISTS: [&str; 12] = [
    "listOfFunctionDefinitions",
    "listOfUnitDefinitions",
    "listOfCompartmentTypes",
    "listOfSpeciesTypes",
    "listOfCompartments",
    "listOfSpecies",
    "listOfParameters",
    "listOfInitialAssignments",
    "listOfRules",
    "listOfConstraints",
    "listOfReactions",
    "listOfEvents",
];

/// Level and version, of a document without packages that matter.
fn level(root: Element<'_>) -> Result<(u32, u32), SbmlError> {
    if root.tag_name().name() != "sbml" {
        return Err(SbmlError::at(root, format!("<{}> is not <sbml>", root.tag_name().name()), "give a model in SBML, Level 2 or 3"));
    }
    for space in root.namespaces() {
        if let Some(package) = package(space.uri()).filter(|package| !is_picture(package)) {
            return Err(SbmlError::at(root, format!("the model uses the SBML package `{package}`, which is not supported"), CORE));
        }
    }
    attributes(root, &["level", "version"])?;
    let whole = |name: &str| Ok::<Option<u32>, SbmlError>(required(root, name)?.parse().ok());
    let level = (whole("level")?.unwrap_or(0), whole("version")?.unwrap_or(0));
    let space = match level {
        (2, 1) => "http://www.sbml.org/sbml/level2".to_owned(),
        (2, 2..=5) => format!("http://www.sbml.org/sbml/level2/version{}", level.1),
        (3, 1 | 2) => format!("http://www.sbml.org/sbml/level3/version{}/core", level.1),
        (a, b) => {
            let help = "supported are Level 2, Versions 1 to 5, and Level 3, Versions 1 and 2; libSBML converts others";
            return Err(SbmlError::at(root, format!("this is SBML Level {a}, Version {b}"), help));
        }
    };
    match root.tag_name().namespace() {
        Some(found) if found == space => Ok(level),
        found => {
            let message = format!("the namespace {} does not fit Level {}, Version {}", found.unwrap_or("(none)"), level.0, level.1);
            Err(SbmlError::at(root, message, format!("expected xmlns=\"{space}\"")))
        }
    }
}

impl<'a> Model<'a> {
    /// Takes an identifier that nothing else may have.
    fn claim(&mut self, element: Element<'a>, id: &'a str, owner: Owner) -> Result<(), SbmlError> {
        match self.owners.insert(id, owner) {
            None => Ok(()),
            Some(_) => Err(SbmlError::at(element, format!("`{id}` is the identifier of two things"), "give every part of the model an identifier of its own")),
        }
    }

    fn read_functions(&mut self, lists: &[Element<'a>]) -> Result<(), SbmlError> {
        for element in list(lists, "listOfFunctionDefinitions", "functionDefinition")? {
            attributes(element, &[])?;
            let id = identifier(element, "id")?;
            let math = math(element, &[])?;
            // A <semantics> around it only adds annotations.
            let mut lambda = math.first_element_child();
            while let Some(wrapper) = lambda.filter(|inner| inner.tag_name().name() == "semantics") {
                lambda = wrapper.first_element_child();
            }
            let Some(lambda) = lambda.filter(|inner| inner.tag_name().name() == "lambda") else {
                return Err(SbmlError::at(math, "the definition of a function is no <lambda>", "write <lambda> <bvar>…</bvar> formula </lambda>"));
            };
            self.functions.insert(id, lambda);
            self.claim(element, id, Owner::Function)?;
        }
        Ok(())
    }

    fn read_compartments(&mut self, lists: &[Element<'a>]) -> Result<(), SbmlError> {
        for element in list(lists, "listOfCompartments", "compartment")? {
            attributes(element, &["size", "spatialDimensions", "units", "constant", "outside", "compartmentType"])?;
            let id = identifier(element, "id")?;
            truth(element, "constant", true)?;
            let point = number(element, "spatialDimensions")? == Some(0.0);
            let value = number(element, "size")?;
            if value.is_some_and(|size| size <= 0.0) {
                return Err(SbmlError::at(element, format!("{} has no positive size", tag(element)), "sizes above 0 are supported"));
            }
            self.claim(element, id, Owner::Constant(self.constants.len()))?;
            self.constants.push(Constant { element, id, kind: ConstantKind::Compartment { point }, value });
        }
        Ok(())
    }

    fn read_species(&mut self, lists: &[Element<'a>]) -> Result<(), SbmlError> {
        let known = [
            "compartment",
            "initialAmount",
            "initialConcentration",
            "substanceUnits",
            "hasOnlySubstanceUnits",
            "boundaryCondition",
            "constant",
            "conversionFactor",
            "speciesType",
        ];
        for element in list(lists, "listOfSpecies", "species")? {
            if element.has_attribute("charge") {
                // Nothing in SBML reads it; Level 2 has it for the record.
                attributes(element, &[&known[..], &["charge"]].concat())?;
            } else {
                attributes(element, &known)?;
            }
            let id = identifier(element, "id")?;
            let place = required(element, "compartment")?;
            let Some(Owner::Constant(compartment)) = self.owners.get(place).copied() else {
                let message = format!("{} is in the compartment `{}`, which is not there", tag(element), place.escape_debug());
                return Err(SbmlError::at(element, message, "list the compartment in <listOfCompartments>"));
            };
            let flag = |name| truth(element, name, false);
            let species = Species {
                element,
                id,
                compartment,
                amount_only: flag("hasOnlySubstanceUnits")?,
                boundary: flag("boundaryCondition")?,
                constant: flag("constant")?,
            };
            self.claim(element, id, Owner::Species(self.species.len()))?;
            self.species.push(species);
        }
        Ok(())
    }

    fn read_parameters(&mut self, lists: &[Element<'a>]) -> Result<(), SbmlError> {
        for element in list(lists, "listOfParameters", "parameter")? {
            let id = identifier(element, "id")?;
            let index = self.read_parameter(element, ConstantKind::Global)?;
            self.claim(element, id, Owner::Constant(index))?;
        }
        for reaction in self.reactions.clone() {
            let owner = identifier(reaction, "id")?;
            for law in reaction.children().filter(|child| child.tag_name().name() == "kineticLaw") {
                for (group, item) in [("listOfParameters", "parameter"), ("listOfLocalParameters", "localParameter")] {
                    for element in list(&law.children().filter(Element::is_element).collect::<Vec<_>>(), group, item)? {
                        let id = identifier(element, "id")?;
                        let index = self.read_parameter(element, ConstantKind::Local(owner))?;
                        if self.locals.insert((owner, id), index).is_some() {
                            let help = "give every local parameter of a reaction an identifier of its own";
                            return Err(SbmlError::at(element, format!("`{id}` is a local parameter of `{owner}` twice"), help));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn read_parameter(&mut self, element: Element<'a>, kind: ConstantKind<'a>) -> Result<usize, SbmlError> {
        attributes(element, &["value", "units", "constant"])?;
        children(element, &[])?;
        truth(element, "constant", true)?;
        self.constants.push(Constant { element, id: identifier(element, "id")?, kind, value: number(element, "value")? });
        Ok(self.constants.len() - 1)
    }

    fn read_initial_assignments(&mut self, lists: &[Element<'a>]) -> Result<(), SbmlError> {
        for element in list(lists, "listOfInitialAssignments", "initialAssignment")? {
            attributes(element, &["symbol"])?;
            let symbol = self.variable(element, "symbol")?;
            if self.initial.insert(symbol, math(element, &[])?).is_some() {
                return Err(SbmlError::at(element, format!("`{symbol}` has two initial assignments"), "one for every symbol is supported"));
            }
        }
        Ok(())
    }

    fn read_rules(&mut self, lists: &[Element<'a>]) -> Result<(), SbmlError> {
        for parent in lists.iter().filter(|parent| parent.tag_name().name() == "listOfRules") {
            attributes(*parent, &[])?;
            for element in children(*parent, &["assignmentRule", "rateRule", "algebraicRule"])? {
                if element.tag_name().name() == "algebraicRule" {
                    let help = "solve it by hand and write an <assignmentRule>";
                    return Err(SbmlError::at(element, "<algebraicRule> is not supported", help));
                }
                attributes(element, &["variable"])?;
                let variable = self.variable(element, "variable")?;
                let rule = Rule { element, math: math(element, &[])?, rate: element.tag_name().name() == "rateRule" };
                if self.rules.insert(variable, rule).is_some() || (!rule.rate && self.initial.contains_key(variable)) {
                    let message = format!("`{variable}` has two rules, or a rule and an initial assignment");
                    return Err(SbmlError::at(element, message, "one of them can hold"));
                }
            }
        }
        Ok(())
    }

    /// The species, parameter or compartment that an attribute names.
    pub(super) fn variable(&self, element: Element<'a>, attribute: &str) -> Result<&'a str, SbmlError> {
        let id = required(element, attribute)?;
        match self.owners.get(id) {
            Some(Owner::Species(_) | Owner::Constant(_)) => Ok(id),
            _ => {
                let message = format!("{} sets `{}`, which is no species, parameter or compartment of the model", tag(element), id.escape_debug());
                Err(SbmlError::at(element, message, "stoichiometries that are set by formulas are not supported"))
            }
        }
    }
}
