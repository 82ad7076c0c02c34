use super::*;
use crate::expression::tests::{environment, scope};
use crate::expression::{Slots, compile};

fn value(text: &str) -> f64 {
    let mut graph = Graph::new();
    let node = graph.parse(text, &scope()).unwrap_or_else(|error| panic!("{text}: {error}"));
    graph.evaluate(node, &|symbol| environment(symbol, [2.0, 3.0]))
}

fn error(text: &str) -> ExpressionError {
    Graph::new().parse(text, &scope()).expect_err(text)
}

#[test]
fn precedence_is_that_of_mathematics() {
    for (text, wanted) in [
        ("-x^2", -4.0),
        ("(-x)^2", 4.0),
        ("2^-x", 0.25),
        ("2^-x^2", 0.0625),
        ("2^3^2", 512.0),
        ("(2^3)^2", 64.0),
        ("12 / -2 * 3", -18.0),
        ("12 / 2 / 3", 2.0),
        ("12 - 2 - 3", 7.0),
        ("1 + 2 * 3", 7.0),
        ("- -x", 2.0),
        ("+x - +y", -1.0),
        ("x * -y", -6.0),
        ("x ^ 0.5 ^ 2", 2f64.powf(0.25)),
        ("x < y", 1.0),
        ("x + 2 < y * 1", 0.0),
        ("x >= 2 && y > 3 || x == 2", 1.0),
        ("!(x == 2) + 5", 5.0),
        ("x > 1 ? y > 5 ? 1 : 2 : 3", 2.0),
        ("0 ? 1 : 0 ? 2 : 3", 3.0),
        ("if(x != y, 1_000, 1e-3)", 1000.0),
        (".5 + 5. + 1E+2", 105.5),
        ("2*e - e*2 + pi - pi", 0.0),
        ("min(x, y) + max(x, y)", 5.0),
        ("x^3 + y^-1 * 3", 9.0),
        ("\t x \n + y ", 5.0),
    ] {
        assert_eq!(value(text), wanted, "{text}");
    }
}

#[test]
fn errors_name_the_place_and_the_way_out() {
    for (text, span, part) in [
        ("", 0..0, "empty"),
        ("  ", 0..2, "empty"),
        ("x +", 3..3, "ends too early"),
        ("x + * y", 4..5, "misplaced"),
        ("(x + y", 0..1, "never closed"),
        ("sin(x", 3..4, "never closed"),
        ("x)", 1..2, "closes nothing"),
        ("2 x", 2..3, "operator is missing"),
        ("x y", 2..3, "operator is missing"),
        ("2(x)", 1..2, "operator is missing"),
        ("k(x)", 0..1, "not a function"),
        ("pi(x)", 0..2, "not a function"),
        ("sin + 1", 0..3, "write `sin(x)`"),
        ("pow + 1", 0..3, "write `pow(x, y)`"),
        ("sin(x, y)", 0..9, "takes 1 argument, here are 2"),
        ("1 + pow(x)", 4..10, "takes 2 arguments, here are 1"),
        ("min()", 0..5, "here are 0"),
        ("if(x, y)", 0..8, "takes 3"),
        ("1e999", 0..5, "too large"),
        ("1.2.3", 0..5, "not a number"),
        ("x = 1", 2..3, "`==`"),
        ("x ** 2", 2..4, "x^2"),
        ("1 < x < 2", 6..7, "chained"),
        ("x ? 1", 2..3, "`:`"),
        ("sin(x))", 6..7, "closes nothing"),
        ("x, y", 1..2, "misplaced"),
        ("x $ y", 2..3, "no meaning"),
        ("x · y", 2..4, "write `*`"),
        ("e5", 0..2, "unknown name"),
    ] {
        let error = error(text);
        assert_eq!(error.span, span, "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
    }
}

#[test]
fn the_nearest_name_is_suggested() {
    for (text, suggestion) in [
        ("lamda*x", Some("lambda")),
        ("Lambda*x", Some("lambda")),
        ("dlamda", Some("dlambda")),
        ("X", Some("x")),
        ("sine(x)", Some("sin")),
        ("sqr(x)", Some("sqrt")),
        ("quux", None),
        ("ln(x)", Some("log")),
        ("bessel(x)", None),
    ] {
        assert_eq!(error(text).suggestion.as_deref(), suggestion, "{text}");
    }
    assert!(error("quux").message.contains("lambda"), "short lists are shown");
}

/// Long flat formulas cost nodes in proportion and no stack, in every pass.
#[test]
fn long_formulas_stay_flat() {
    for (first, link) in [("1", "+1"), ("x", "+1"), ("x", "*y"), ("x", "-y*x"), ("x", "/y"), ("0", "+sin(x)*t")] {
        let mut sizes = Vec::new();
        for count in [10_000, 40_000] {
            let text = format!("{first}{}", link.repeat(count));
            let mut graph = Graph::new();
            let node = graph.parse(&text, &scope()).expect(link);
            let after_parsing = graph.len();
            let slope = graph.derivative(node, Symbol::Coordinate(0));
            let mut slots = Slots::new();
            let program = compile(&graph, &[node, slope], &mut slots).expect(link);
            let point = [0.999_99, 1.000_01];
            assert!(graph.evaluate(node, &|symbol| environment(symbol, point)).is_finite());
            assert!(!graph.display(node, &|_| "z".to_owned()).is_empty());
            assert!(program.registers < 20, "{link}: {} registers", program.registers);
            sizes.push([after_parsing, graph.len(), program.instructions.len()]);
        }
        for (small, large) in sizes[0].iter().zip(&sizes[1]) {
            assert!(*large <= 4 * small + 40, "{link}: {sizes:?}");
        }
    }
}

#[test]
fn deep_nesting_is_refused_and_does_not_overflow() {
    for (opening, inner, closing) in
        [("(", "x", ")"), ("-", "x", ""), ("!", "x", ""), ("2^", "x", ""), ("sin(", "x", ")"), ("x ? x : ", "x", ""), ("x+(", "x", ")")]
    {
        let text = |count: usize| format!("{}{inner}{}", opening.repeat(count), closing.repeat(count));
        assert!(Graph::new().parse(&text(60), &scope()).is_ok(), "{opening}");
        let error = error(&text(50_000));
        assert!(error.message.contains("nested"), "{opening}: {error}");
    }
}

#[test]
fn no_text_panics() {
    let alphabet: Vec<char> = "xyk0129.e_+-*/^()<>=!&|?:, sincospλ·".chars().collect();
    let mut sequence = crate::expression::tests::Sequence::new(5);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let text: String = (0..1 + sequence.below(12)).map(|_| alphabet[sequence.below(alphabet.len())]).collect();
        match Graph::new().parse(&text, &scope()) {
            Ok(_) => accepted += 1,
            Err(error) => assert!(text.get(error.span.clone()).is_some(), "{text}: {error:?}"),
        }
    }
    assert!(accepted > 100, "only {accepted} were formulas");
}
