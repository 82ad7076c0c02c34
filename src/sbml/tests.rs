//! Importing, refusing, surviving. The models of the stochastic test suite are in `tests/dsmts`.

use super::{Imported, Options, SbmlError, import};

mod formulas;
mod meaning;
mod refusals;
mod robustness;

const HEAD: &str = "<sbml xmlns=\"http://www.sbml.org/sbml/level3/version1/core\" level=\"3\" version=\"1\">\n<model id=\"m\" substanceUnits=\"item\">\n";
const CELL: &str = "<listOfCompartments><compartment id=\"V\" spatialDimensions=\"3\" size=\"2\" constant=\"true\"/></listOfCompartments>\n";

/// A species with what is not default.
fn species(id: &str, more: &str) -> String {
    let defaults = [("hasOnlySubstanceUnits", "true"), ("boundaryCondition", "false"), ("constant", "false"), ("initialAmount", "10")];
    let rest: String = defaults.iter().filter(|(key, _)| !more.contains(key)).map(|(key, value)| format!(" {key}=\"{value}\"")).collect();
    let rest = if more.contains("initialConcentration") { rest.replace(" initialAmount=\"10\"", "") } else { rest };
    format!("<species id=\"{id}\" compartment=\"V\"{rest} {more}/>\n")
}

fn math(formula: &str) -> String {
    format!("<math xmlns=\"http://www.w3.org/1998/Math/MathML\">{formula}</math>")
}

fn side(list: &str, species: &[&str]) -> String {
    let references: String = species.iter().map(|id| format!("<speciesReference species=\"{id}\" stoichiometry=\"1\" constant=\"true\"/>")).collect();
    if species.is_empty() { String::new() } else { format!("<listOf{list}>{references}</listOf{list}>") }
}

fn reaction(id: &str, from: &[&str], to: &[&str], law: &str) -> String {
    let sides = side("Reactants", from) + &side("Products", to);
    format!("<reaction id=\"{id}\" reversible=\"false\" fast=\"false\">{sides}<kineticLaw>{}</kineticLaw></reaction>\n", math(law))
}

/// A model with compartment `V` of size 2, and lists as given.
fn model(lists: &[(&str, &str)]) -> String {
    let lists: String = lists.iter().map(|(name, items)| format!("<listOf{name}>\n{items}</listOf{name}>\n")).collect();
    format!("{HEAD}{CELL}{lists}</model>\n</sbml>\n")
}

/// A model of one species `X` that decays with a law.
fn decay(law: &str) -> String {
    let parameters = "<parameter id=\"k\" value=\"3\" constant=\"true\"/>\n<parameter id=\"q\" value=\"0.5\" constant=\"true\"/>\n";
    model(&[("Species", &species("X", "")), ("Parameters", parameters), ("Reactions", &reaction("R", &["X"], &[], law))])
}

fn good(xml: &str) -> Imported {
    import(xml, "m.xml", &Options::default()).unwrap_or_else(|error| panic!("{error}\n{xml}"))
}

fn bad(xml: &str) -> SbmlError {
    import(xml, "m.xml", &Options::default()).err().unwrap_or_else(|| panic!("accepted:\n{xml}"))
}

/// Fails unless the text holds a line.
fn says(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "no line `{line}` in\n{text}");
}

#[test]
fn options_and_origin_are_written() {
    let options = Options { duration: 7.5, every: 0.25, trajectories: 123, seed: 9 };
    let text = import(&decay("<ci>k</ci>"), "some/where/m.xml", &options).expect("a model").text;
    for line in ["duration = 7.5", "every = 0.25", "trajectories = 123", "seed = 9", "title = \"m\"", "source = \"SBML model m.xml\""] {
        says(&text, line);
    }
    says(&text, "# Imported from m.xml (SBML Level 3, Version 1).");
}

#[test]
fn titles_cannot_leave_their_string() {
    let xml = decay("<ci>k</ci>").replace("id=\"m\"", "id=\"m\" name='a \"b\" \\ &#10;[model]&#9;c'");
    let text = good(&xml).text;
    says(&text, "title = \"a \\\"b\\\" \\\\ [model] c\"");
    assert!(text.parse::<toml_edit::DocumentMut>().is_ok(), "{text}");
}
