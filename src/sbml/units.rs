//! Units: only those of amounts can change what a model means as a jump process.
//!
//! Numbers of one model share their units of time and volume, SBML converts nothing in formulas, and a duration is given in the model's own
//! time; so units of time, length, area, volume and of parameters are passed over. Amounts must be counts of items.

use std::collections::BTreeMap;

use super::SbmlError;
use super::element::{Element, attributes, children, identifier, list, number, required, tag};

/// Units of amounts in a model.
pub(super) struct Units<'a> {
    /// Unit definitions by name.
    definitions: BTreeMap<&'a str, Element<'a>>,
    /// What amounts without units of their own are counted in; `None` where the file does not say.
    default: Option<&'a str>,
}

const COUNTS: &str = "amounts must be counts: `item` or `dimensionless`, with scale 0 and multiplier 1; convert the model to numbers of molecules";

impl<'a> Units<'a> {
    /// Reads `<listOfUnitDefinitions>` and the units of amounts and of reactions' extents of the model.
    pub(super) fn read(model: Element<'a>, level: u32, lists: &[Element<'a>]) -> Result<Self, SbmlError> {
        let mut definitions = BTreeMap::new();
        for element in list(lists, "listOfUnitDefinitions", "unitDefinition")? {
            attributes(element, &[])?;
            definitions.insert(identifier(element, "id")?, element);
        }
        // Level 2 has a unit called `substance`, which the file may define anew.
        let default = if level == 2 { definitions.contains_key("substance").then_some("substance") } else { model.attribute("substanceUnits") };
        let units = Self { definitions, default };
        for name in [units.default, model.attribute("extentUnits")].into_iter().flatten() {
            units.check(model, name)?;
        }
        Ok(units)
    }

    /// Refuses a species whose amounts are no counts; says whether the file says that they are.
    pub(super) fn check_species(&self, species: Element<'a>) -> Result<bool, SbmlError> {
        match species.attribute("substanceUnits").or(self.default) {
            Some(name) => self.check(species, name.trim()).map(|()| true),
            None => Ok(false),
        }
    }

    fn check(&self, at: Element<'a>, name: &str) -> Result<(), SbmlError> {
        let Some(definition) = self.definitions.get(name) else {
            return match name {
                "item" | "dimensionless" => Ok(()),
                // Level 2 predefines it as the mole, which is what a file gets that never says otherwise.
                "substance" if self.default.is_none() => Ok(()),
                _ => Err(SbmlError::at(at, format!("amounts of {} are in `{}`", tag(at), name.escape_debug()), COUNTS)),
            };
        };
        for unit in list(&children(*definition, &["listOfUnits"])?, "listOfUnits", "unit")? {
            attributes(unit, &["kind", "exponent", "scale", "multiplier", "offset"])?;
            let is = |key: &str, wanted: f64| Ok::<bool, SbmlError>(number(unit, key)?.is_none_or(|value| value == wanted));
            let counts = matches!(required(unit, "kind")?, "item" | "dimensionless");
            if !(counts && is("exponent", 1.0)? && is("scale", 0.0)? && is("multiplier", 1.0)? && is("offset", 0.0)?) {
                return Err(SbmlError::at(
                    unit,
                    format!("amounts of {} are in a unit made of `{}`", tag(at), unit.attribute("kind").unwrap_or_default()),
                    COUNTS,
                ));
            }
        }
        Ok(())
    }
}
