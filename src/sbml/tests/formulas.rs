//! MathML becomes the formula that it means.

use super::{bad, decay, good, says};
use crate::expression::{Graph, Scope, Symbol};

/// The propensity that a law becomes.
fn law(mathml: &str) -> String {
    let text = good(&decay(mathml)).text;
    let line = text.lines().find_map(|line| line.strip_prefix("propensity = \"")).expect("a propensity");
    line.trim_end_matches('"').to_owned()
}

/// The propensity's value, read by the program's own formulas, at X = 5, k = 3, q = 0.5.
fn value(mathml: &str) -> f64 {
    let scope = Scope::new().with("X", Symbol::Coordinate(0)).with("k", Symbol::Parameter(0)).with("q", Symbol::Parameter(1));
    let mut graph = Graph::new();
    let text = law(mathml);
    let node = graph.parse(&text, &scope).unwrap_or_else(|error| panic!("{text}: {error}"));
    graph.evaluate(node, &|symbol| match symbol {
        Symbol::Coordinate(_) => 5.0,
        Symbol::Parameter(0) => 3.0,
        _ => 0.5,
    })
}

fn apply(operator: &str, operands: &[&str]) -> String {
    format!("<apply><{operator}/>{}</apply>", operands.concat())
}

const X: &str = "<ci>X</ci>";
const K: &str = "<ci> k </ci>";
const Q: &str = "<ci>q</ci>";

#[test]
fn operators_keep_their_grouping() {
    let minus = |a: &str, b: &str| apply("minus", &[a, b]);
    let divide = |a: &str, b: &str| apply("divide", &[a, b]);
    let power = |a: &str, b: &str| apply("power", &[a, b]);
    for (mathml, text) in [
        (minus(&minus(X, K), Q), "X - k - q"),
        (minus(X, &minus(K, Q)), "X - (k - q)"),
        (divide(&divide(X, K), Q), "X/k/q"),
        (divide(X, &divide(K, Q)), "X/(k/q)"),
        (divide(X, &apply("times", &[K, Q])), "X/(k*q)"),
        (apply("times", &[&apply("plus", &[X, K]), Q]), "(X + k)*q"),
        (power(&power(X, K), Q), "(X^k)^q"),
        (power(X, &power(K, Q)), "X^(k^q)"),
        (power(&apply("minus", &[X]), K), "(-X)^k"),
        (apply("minus", &[&power(X, K)]), "-X^k"),
        (apply("minus", &[&apply("plus", &[X, K])]), "-(X + k)"),
        (minus(X, &apply("minus", &[K])), "X - -k"),
        (apply("plus", &[X]), "X"),
        (apply("times", &[X, K, Q, X]), "X*k*q*X"),
    ] {
        assert_eq!(law(&mathml), text);
    }
}

#[test]
fn operators_mean_what_mathml_says() {
    let (log, root) = ("<apply><log/>", "<apply><root/>");
    let piece = |value: &str, condition: &str| format!("<piece>{value}{condition}</piece>");
    let cases = [
        (apply("plus", &[X, K, Q]), 8.5),
        (apply("minus", &[X, K]), 2.0),
        (apply("minus", &[X]), -5.0),
        (apply("times", &[X, K, Q]), 7.5),
        (apply("divide", &[X, Q]), 10.0),
        (apply("power", &[X, K]), 125.0),
        (format!("{root}{X}</apply>"), 5.0_f64.sqrt()),
        (format!("{root}<degree>{K}</degree>{X}</apply>"), 5.0_f64.powf(1.0 / 3.0)),
        (apply("exp", &[Q]), 0.5_f64.exp()),
        (apply("ln", &[X]), 5.0_f64.ln()),
        (format!("{log}{X}</apply>"), 5.0_f64.log10()),
        (format!("{log}<logbase><cn>2</cn></logbase>{X}</apply>"), 5.0_f64.log2()),
        (apply("abs", &[&apply("minus", &[X])]), 5.0),
        (apply("floor", &[&apply("divide", &[X, K])]), 1.0),
        (apply("ceiling", &[&apply("divide", &[X, K])]), 2.0),
        (apply("sin", &[Q]), 0.5_f64.sin()),
        (apply("sec", &[Q]), 1.0 / 0.5_f64.cos()),
        (apply("coth", &[Q]), 1.0 / 0.5_f64.tanh()),
        (apply("arctan", &[Q]), 0.5_f64.atan()),
        (apply("min", &[X, K, Q]), 0.5),
        (apply("max", &[X, K, Q]), 5.0),
        (apply("lt", &[Q, K, X]), 1.0),
        (apply("lt", &[Q, X, K]), 0.0),
        (apply("geq", &[X, X]), 1.0),
        (apply("eq", &[X, K]), 0.0),
        (apply("neq", &[X, K]), 1.0),
        (apply("and", &["<true/>", "<false/>"]), 0.0),
        (apply("or", &["<true/>", "<false/>"]), 1.0),
        (apply("xor", &["<true/>", "<true/>", K]), 1.0),
        (apply("xor", &[K, Q]), 0.0),
        (apply("not", &[K]), 0.0),
        (apply("implies", &["<true/>", "<false/>"]), 0.0),
        (format!("<piecewise>{}<otherwise>{Q}</otherwise></piecewise>", piece(X, &apply("gt", &[X, K]))), 5.0),
        (format!("<piecewise>{}{}<otherwise>{Q}</otherwise></piecewise>", piece(X, "<false/>"), piece(K, "<true/>")), 3.0),
        ("<pi/>".to_owned(), std::f64::consts::PI),
        ("<exponentiale/>".to_owned(), std::f64::consts::E),
        (format!("<semantics>{X}<annotation encoding=\"x\">X</annotation></semantics>"), 5.0),
    ];
    for (mathml, expected) in cases {
        let found = value(&mathml);
        assert!((found - expected).abs() <= 1e-15 * expected.abs(), "{mathml}: {found} instead of {expected}");
    }
}

#[test]
fn numbers_keep_their_bits() {
    let numbers: [(&str, f64); 6] = [
        ("<cn> 0.1 </cn>", 0.1),
        ("<cn type=\"integer\"> -7 </cn>", -7.0),
        ("<cn type=\"e-notation\">6.02<sep/>23</cn>", 6.02e23),
        ("<cn type=\"e-notation\"> 4.9 <sep/> -7 </cn>", 4.9e-7),
        ("<cn type=\"rational\">1<sep/>3</cn>", 1.0 / 3.0),
        ("<cn type=\"real\" units=\"item\" xmlns:sbml=\"http://www.sbml.org/sbml/level3/version1/core\" sbml:units=\"item\">1e-3</cn>", 1e-3),
    ];
    for (cn, expected) in numbers {
        assert_eq!(value(cn).to_bits(), expected.to_bits(), "{cn}");
    }
    for cn in [
        "<cn/>",
        "<cn>inf</cn>",
        "<cn>NaN</cn>",
        "<cn>1e999</cn>",
        "<cn>ten</cn>",
        "<cn type=\"integer\">1.5</cn>",
        "<cn type=\"rational\">1<sep/>0</cn>",
        "<cn type=\"e-notation\">1</cn>",
        "<cn base=\"16\">10</cn>",
        "<cn type=\"complex-polar\">1<sep/>2</cn>",
    ] {
        assert!(bad(&decay(cn)).message.contains("is not a number"), "{cn}");
    }
}

#[test]
fn time_is_a_variable_of_the_protocol() {
    let time = "<csymbol encoding=\"text\" definitionURL=\"http://www.sbml.org/sbml/symbols/time\">anything</csymbol>";
    let text = good(&decay(&apply("times", &[K, X, time]))).text;
    says(&text, "propensity = \"k*X*time\"");
    says(&text, "time = \"t\"");
}

#[test]
fn calls_with_wrong_arguments_are_refused() {
    for (mathml, words) in [
        (apply("minus", &[X, K, Q]), "<minus> is applied to 3 arguments"),
        (apply("exp", &[X, K]), "<exp> is applied to 2 arguments"),
        (apply("divide", &[X]), "<divide> is applied to 1 arguments"),
        (apply("lt", &[X]), "<lt> is applied to 1 arguments"),
        (apply("neq", &[X, K, Q]), "<neq> is applied to 3 arguments"),
        (apply("min", &[]), "<min> is applied to 0 arguments"),
        (apply("exp", &["<degree><cn>2</cn></degree>", X]), "<degree> has no meaning for <exp>"),
        ("<apply/>".to_owned(), "<apply> is empty"),
        (apply("factorial", &[X]), "<factorial> is not supported"),
        (apply("arcsinh", &[X]), "<arcsinh> is not supported"),
        ("<infinity/>".to_owned(), "<infinity> is not supported"),
        (format!("<piecewise><piece>{X}<true/></piece></piecewise>"), "no <otherwise>"),
        (format!("<piecewise><piece>{X}</piece><otherwise>{X}</otherwise></piecewise>"), "not a value and a condition"),
        ("<ci>nobody</ci>".to_owned(), "`nobody` is not defined"),
        ("<ci>R</ci>".to_owned(), "`R` is no quantity"),
        ("<apply><ci>k</ci><ci>X</ci></apply>".to_owned(), "`k` is no function"),
        (format!("{X}{X}"), "exactly one formula"),
        (String::new(), "exactly one formula"),
        ("<csymbol definitionURL=\"http://www.sbml.org/sbml/symbols/delay\">d</csymbol>".to_owned(), "`delay` is not supported"),
        (format!("<apply><csymbol definitionURL=\"http://www.sbml.org/sbml/symbols/rateOf\">r</csymbol>{X}</apply>"), "`rateOf` of SBML is not supported"),
    ] {
        let error = bad(&decay(&mathml));
        assert!(error.message.contains(words), "{mathml}: {error}");
        assert!(!error.help.is_empty() && error.line > 1, "{error}");
    }
}
