//! What is not supported is refused by name, with its place.

use super::{bad, decay, good, math, model, reaction, species};

/// A good model with one thing replaced by another.
fn changed(from: &str, to: &str) -> String {
    let xml = decay("<apply><times/><ci>k</ci><ci>X</ci></apply>");
    assert!(xml.contains(from), "{from} is not in {xml}");
    xml.replacen(from, to, 1)
}

#[test]
fn unknown_things_are_errors() {
    let core = "http://www.sbml.org/sbml/level3/version1";
    for (from, to, words) in [
        ("<model id=\"m\"", "<model id=\"m\" speed=\"1\"", "the attribute `speed` of <model id=\"m\"> is not supported"),
        ("<listOfSpecies>", "<listOfThings/><listOfSpecies>", "<listOfThings> inside <model id=\"m\"> is not supported"),
        ("<listOfSpecies>", "<listOfSpecies><thing/>", "<thing> inside <listOfSpecies> is not supported"),
        ("<listOfSpecies>", "<listOfSpecies>words", "<listOfSpecies> holds text"),
        ("<listOfSpecies>", "<extra xmlns=\"urn:other\"/><listOfSpecies>", "<extra> (urn:other) inside <model id=\"m\"> is not part of SBML"),
        ("<model", &format!("<fbc:list xmlns:fbc=\"{core}/fbc/version2\"/><model"), "the SBML package `fbc`"),
        ("<sbml", &format!("<sbml xmlns:comp=\"{core}/comp/version1\" comp:required=\"true\""), "the SBML package `comp`"),
        ("<species", &format!("<species xmlns:multi=\"{core}/multi/version1\" multi:speciesType=\"a\""), "the SBML package `multi`"),
        ("<kineticLaw>", "<kineticLaw timeUnits=\"second\">", "the attribute `timeUnits` of <kineticLaw>"),
        ("fast=\"false\"", "fast=\"true\"", "is fast"),
        ("reversible=\"false\"", "reversible=\"maybe\"", "is not a truth value"),
        ("level=\"3\" version=\"1\"", "level=\"1\" version=\"2\"", "this is SBML Level 1, Version 2"),
        ("level=\"3\" version=\"1\"", "level=\"3\" version=\"7\"", "this is SBML Level 3, Version 7"),
        ("level=\"3\" version=\"1\"", "level=\"2\" version=\"4\"", "does not fit Level 2, Version 4"),
        ("<sbml ", "<smbl ", "this is not XML that can be read"),
        ("level=\"3\"", "", "has no `level`"),
        ("<model id=\"m\"", "<model id=\"m\"/><model", "does not hold exactly one <model>"),
        ("substanceUnits=\"item\"", "substanceUnits=\"mole\"", "are in `mole`"),
        ("substanceUnits=\"item\"", "extentUnits=\"mole\"", "are in `mole`"),
        ("substanceUnits=\"item\"", "conversionFactor=\"k\"", "has the conversion factor `k`"),
        ("<species id=\"X\"", "<species id=\"X\" substanceUnits=\"gram\"", "are in `gram`"),
        ("<species id=\"X\"", "<species id=\"9\"", "`9` is not an identifier"),
        ("<species id=\"X\"", "<species id=\"k\"", "`k` is the identifier of two things"),
        ("compartment=\"V\"", "compartment=\"W\"", "is in the compartment `W`, which is not there"),
        ("size=\"2\"", "size=\"0\"", "has no positive size"),
        ("speciesReference species=\"X\"", "speciesReference species=\"k\"", "`k` is no species"),
        ("value=\"3\"", "", "is used and has no value"),
        ("<kineticLaw>", "<kineticLaw/><kineticLaw>", "has 2 kinetic laws"),
        ("initialAmount=\"10\"", "", "has no initial amount"),
    ] {
        let error = bad(&changed(from, to));
        let shown = error.to_string();
        assert!(error.message.contains(words), "`{words}` expected: {shown}");
        assert!(shown.starts_with(&format!("error: m.xml:{}:{}: ", error.line, error.column)) && shown.contains("\nhelp: "), "{shown}");
        assert!(error.line >= 1 && error.column >= 1 && !error.help.is_empty(), "{shown}");
    }
}

#[test]
fn places_are_those_of_the_thing() {
    let xml = changed("<listOfReactions>", "<listOfReactions>\n  <thing/>");
    let line = xml.lines().position(|line| line.contains("<thing/>")).expect("there") + 1;
    let error = bad(&xml);
    assert_eq!((error.line as usize, error.column), (line, 3));
}

#[test]
fn rules_constraints_and_laws_that_jump_processes_have_not() {
    let algebraic = format!("<algebraicRule>{}</algebraicRule>", math("<ci>X</ci>"));
    let constraint = format!("<constraint>{}</constraint>", math("<true/>"));
    let lists = |name: &str, items: &str| {
        let one = reaction("R", &["X"], &[], "<ci>X</ci>");
        model(&[("Species", &species("X", "")), (name, items), ("Reactions", &one)])
    };
    assert_eq!(bad(&lists("Rules", &algebraic)).message, "<algebraicRule> is not supported");
    assert_eq!(bad(&lists("Constraints", &constraint)).message, "<constraint> is not supported");
    let lawless = reaction("R", &["X"], &[], "<ci>X</ci>").replace(&format!("<kineticLaw>{}</kineticLaw>", math("<ci>X</ci>")), "");
    assert!(bad(&model(&[("Species", &species("X", "")), ("Reactions", &lawless)])).message.contains("has 0 kinetic laws"));
}

#[test]
fn what_cannot_matter_is_passed_over() {
    let reference = good(&changed("<listOfSpecies>", "<listOfSpecies>"));
    let notes = "<notes><p xmlns=\"http://www.w3.org/1999/xhtml\">words</p></notes><annotation><x xmlns=\"urn:x\" y=\"z\"/></annotation>";
    let layout = "http://www.sbml.org/sbml/level3/version1/layout/version1";
    for (from, to) in [
        ("<listOfSpecies>", format!("{notes}<listOfSpecies>{notes}")),
        ("<listOfSpecies>", "<!-- words --><?ask me?><listOfSpecies>".to_owned()),
        ("<species ", "<species metaid=\"a\" sboTerm=\"SBO:0000001\" name=\"words\" ".to_owned()),
        ("<listOfSpecies>", format!("<lay:listOfLayouts xmlns:lay=\"{layout}\"><lay:layout/></lay:listOfLayouts><listOfSpecies>")),
        ("<sbml", format!("<sbml xmlns:lay=\"{layout}\" lay:required=\"false\"")),
        (" substanceUnits=\"item\"", " substanceUnits=\"item\" timeUnits=\"second\" volumeUnits=\"litre\" extentUnits=\"item\"".to_owned()),
        ("value=\"3\"", "value=\"3\" units=\"per_second\"".to_owned()),
    ] {
        assert_eq!(good(&changed(from, &to)), reference, "{to}");
    }
}

#[test]
fn amounts_are_counts_or_the_user_is_told() {
    let unsaid = good(&changed(" substanceUnits=\"item\"", ""));
    assert_eq!(unsaid.warnings, ["the file does not say that amounts are numbers of items; they are taken to be"]);
    let defined = |unit: &str| {
        let definition = format!("<listOfUnitDefinitions><unitDefinition id=\"u\"><listOfUnits>{unit}</listOfUnits></unitDefinition></listOfUnitDefinitions>");
        changed(" substanceUnits=\"item\">\n", &format!(" substanceUnits=\"u\">\n{definition}"))
    };
    let unit = |kind: &str, scale: &str| format!("<unit kind=\"{kind}\" exponent=\"1\" scale=\"{scale}\" multiplier=\"1\"/>");
    assert_eq!(good(&defined(&unit("item", "0"))).warnings, Vec::<String>::new());
    assert!(bad(&defined(&unit("item", "3"))).message.contains("made of `item`"));
    assert!(bad(&defined(&unit("mole", "-9"))).message.contains("made of `mole`"));
}
