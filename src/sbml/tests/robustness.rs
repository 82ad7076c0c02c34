//! No text makes the importer panic, hang or overflow the stack.

use proptest::prelude::{ProptestConfig, any, proptest};

use super::{CELL, HEAD, bad, decay, math, model, reaction, species};
use crate::sbml::{Options, import};

/// Every model of the stochastic test suite, in one level.
const FIXTURES: [&str; 4] = [
    include_str!("../../../tests/sbml/dsmts-001-19-l3v1.xml"),
    include_str!("../../../tests/sbml/dsmts-002-08-l2v4.xml"),
    include_str!("../../../tests/sbml/dsmts-003-04-l3v1.xml"),
    include_str!("../../../tests/sbml/dsmts-003-06-l2v4.xml"),
];

fn survives(xml: &str) {
    if let Ok(imported) = import(xml, "m.xml", &Options::default()) {
        assert!(imported.text.parse::<toml_edit::DocumentMut>().is_ok(), "{}", imported.text);
    }
}

#[test]
fn garbage_is_an_error() {
    for xml in ["", " ", "words", "<", "<sbml", "\u{feff}", "{\"a\": 1}", "<sbml/>", "<a><b></a>", "\0", "<?xml version=\"1.0\" encoding=\"UTF-16\"?>"] {
        let error = bad(xml);
        assert!(!error.message.is_empty() && !error.help.is_empty(), "{error}");
    }
}

#[test]
fn truncated_models_are_errors() {
    for xml in FIXTURES {
        let whole = xml.trim_end();
        for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            bad(&whole[..end]);
        }
    }
}

#[test]
fn entities_do_not_explode() {
    let mut bomb = String::from("<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"ha\">");
    for (new, old) in ('b'..='k').zip('a'..) {
        bomb += &format!("<!ENTITY {new} \"{}\">", format!("&{old};").repeat(10));
    }
    let error = bad(&(bomb + "]><sbml>&k;</sbml>"));
    assert!(error.help.contains("entities are not read"), "{error}");
}

#[test]
fn deep_nesting_is_an_error() {
    let depth = 100_000;
    let nested = |open: &str, close: &str, inner: &str| format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
    bad(&nested("<a>", "</a>", ""));
    bad(&format!("{HEAD}{CELL}{}</model></sbml>", nested("<listOfSpecies>", "</listOfSpecies>", "")));
    for law in [
        nested("<apply><exp/>", "</apply>", "<ci>X</ci>"),
        nested("<apply><plus/><cn>1</cn>", "</apply>", "<ci>X</ci>"),
        nested("<semantics>", "</semantics>", "<ci>X</ci>"),
        nested("<piecewise><otherwise>", "</otherwise></piecewise>", "<ci>X</ci>"),
    ] {
        assert!(bad(&decay(&law)).message.contains("nested more than"));
    }
    // A comment or notes as deep as that hold no formula.
    survives(&decay("<ci>X</ci>").replace("<listOfSpecies>", &format!("<notes>{}</notes><listOfSpecies>", nested("<p>", "</p>", ""))));
}

#[test]
fn many_operands_are_an_error_or_fine() {
    let many = |operator: &str, count: usize| decay(&format!("<apply><{operator}/>{}</apply>", "<ci>X</ci>".repeat(count)));
    for operator in ["plus", "times", "min", "xor", "and", "lt"] {
        bad(&many(operator, 100_000));
        survives(&many(operator, 10));
    }
    let pieces = "<piece><ci>X</ci><true/></piece>".repeat(50_000);
    bad(&decay(&format!("<piecewise>{pieces}<otherwise><cn>1</cn></otherwise></piecewise>")));
}

#[test]
fn functions_and_rules_do_not_explode() {
    let call = |name: String, argument: &str| format!("<apply><ci>{name}</ci>{argument}</apply>");
    let function = |id: String, body: &str| {
        let lambda = format!("<lambda><bvar><ci>x</ci></bvar>{body}</lambda>");
        format!("<functionDefinition id=\"{id}\">{}</functionDefinition>", math(&lambda))
    };
    // The result doubles with every function; or stays small while the work doubles; or the functions form a long chain.
    for (calls, outer) in [(2, false), (2, true), (1, false)] {
        let mut functions = function("f0".into(), "<ci>x</ci>") + &function("g".into(), "<cn>1</cn>");
        for index in 1..1000 {
            let inner = call(format!("f{}", index - 1), "<ci>x</ci>");
            let inner = if outer { call("g".into(), &inner) } else { inner };
            functions += &function(format!("f{index}"), &format!("<apply><plus/>{}</apply>", inner.repeat(calls)));
        }
        let law = reaction("R", &["X"], &[], &call("f999".into(), "<ci>X</ci>"));
        bad(&model(&[("FunctionDefinitions", &functions), ("Species", &species("X", "")), ("Reactions", &law)]));
        let shallow = law.replace("f999", "f40");
        let result = import(&model(&[("FunctionDefinitions", &functions), ("Species", &species("X", "")), ("Reactions", &shallow)]), "m", &Options::default());
        assert_eq!(result.is_ok(), calls == 1, "{result:?}");
    }
    let mut rules = String::new();
    let mut parameters = String::from("<parameter id=\"p0\" value=\"1\" constant=\"true\"/>");
    for index in 1..2000 {
        let before = format!("<ci>p{}</ci>", index - 1);
        parameters += &format!("<parameter id=\"p{index}\" constant=\"false\"/>");
        rules += &format!("<assignmentRule variable=\"p{index}\">{}</assignmentRule>", math(&format!("<apply><plus/>{before}{before}</apply>")));
    }
    let law = reaction("R", &["X"], &[], "<ci>p1999</ci>");
    bad(&model(&[("Species", &species("X", "")), ("Parameters", &parameters), ("Rules", &rules), ("Reactions", &law)]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn damaged_models_do_no_harm(which in 0..FIXTURES.len(), edits in proptest::collection::vec((any::<usize>(), 0..24_usize, any::<usize>(), any::<bool>()), 1..4)) {
        let mut xml: Vec<char> = FIXTURES[which].chars().collect();
        let donor = xml.clone();
        for (at, length, from, keep) in edits {
            let at = at % xml.len();
            let end = if keep { at } else { (at + length).min(xml.len()) };
            let from = from % donor.len();
            let piece: Vec<char> = donor[from..(from + length).min(donor.len())].to_vec();
            xml.splice(at..end, piece);
        }
        survives(&xml.into_iter().collect::<String>());
    }

    #[test]
    fn any_text_does_no_harm(text in "\\PC{0,60}", law in "(<(ci|cn|apply|plus/|/apply|/ci|/cn|lambda)>|X|1){0,12}") {
        survives(&text);
        survives(&decay(&text));
        survives(&decay(&law));
    }
}
