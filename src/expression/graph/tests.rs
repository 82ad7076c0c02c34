use super::*;
use crate::expression::tests::{environment, scope};

fn parsed(texts: &[&str]) -> (Graph, Vec<Node>) {
    let mut graph = Graph::new();
    let nodes = texts.iter().map(|text| graph.parse(text, &scope()).expect("parses")).collect();
    (graph, nodes)
}

#[test]
fn equal_formulas_are_one_node() {
    for (one, other) in [
        ("x + y", "y + x"),
        ("0 + x", "x"),
        ("1 * x / 1", "x"),
        ("x - x", "0"),
        ("0 * sin(x)", "0"),
        ("--x", "x"),
        ("x - (-y)", "x + y"),
        ("x^0", "1"),
        ("x^1", "x"),
        ("x^2", "x * x"),
        ("x^4", "(x*x)*(x*x)"),
        ("x + x", "2*x"),
        ("2 * (3 * x)", "6 * x"),
        ("1 + (2 + x)", "x + 3"),
        ("-(x - y)", "y - x"),
        ("(-x) * (-y)", "x * y"),
        ("x^0.5", "sqrt(x)"),
        ("2 * pi / pi", "2"),
        ("1 > 2 ? x : y", "y"),
    ] {
        let (_, nodes) = parsed(&[one, other]);
        assert_eq!(nodes[0], nodes[1], "{one} and {other}");
    }
    let (graph, nodes) = parsed(&["1/0", "x/0", "log(-1)"]);
    assert!(nodes.iter().all(|&node| graph.as_constant(node).is_none()), "what is not finite is not folded");
}

#[test]
fn polynomials_are_recognised_by_form() {
    let (x, y, lambda) = (Symbol::Coordinate(0), Symbol::Coordinate(1), Symbol::Protocol(0));
    for (text, symbols, degree, expected) in [
        ("k/2*(x-lambda)^2", &[x][..], 2, true),
        ("k/2*(x-lambda)^2", &[lambda], 2, true),
        ("k/2*(x-lambda)^2", &[x, lambda], 2, true),
        ("k/2*(x-lambda)^2", &[x], 1, false),
        ("x^2/2 + y^2/2 - x*y", &[x, y], 2, true),
        ("x*y*lambda", &[x, y], 2, true),
        ("x*y*lambda", &[x, y, lambda], 2, false),
        ("sin(k)*x + exp(t)", &[x], 1, true),
        ("lambda > 0 ? x^2 : x", &[x], 2, true),
        ("x > 0 ? x^2 : x", &[x], 2, false),
        ("sin(x)", &[x], 2, false),
        ("abs(x)", &[x], 2, false),
        ("x^3", &[x], 2, false),
        ("x^30", &[x], 30, true),
        ("x^30", &[x], 29, false),
        ("x^2.5", &[x], 9, false),
        ("k^x", &[x], 9, false),
        ("1/x", &[x], 2, false),
        ("x < 1", &[x], 2, false),
        ("min(x, 1)", &[x], 2, false),
    ] {
        let (graph, nodes) = parsed(&[text]);
        assert_eq!(graph.is_polynomial_of_degree(nodes[0], symbols, degree), expected, "{text}, degree {degree} in {symbols:?}");
    }
}

#[test]
fn derivatives_come_out_simple() {
    for (text, derivative) in [
        ("k/2*(x-lambda)^2", "k/2 * 2 * (x-lambda)"),
        ("sin(k*x)", "k*cos(k*x)"),
        ("x*y", "y"),
        ("y^2", "0"),
        ("exp(-x)", "-exp(-x)"),
        ("x/k", "1/k"),
        ("floor(x)", "0"),
        ("y > 0 ? x^2 : x", "y > 0 ? 2*x : 1"),
    ] {
        let (mut graph, nodes) = parsed(&[text, derivative]);
        let found = graph.derivative(nodes[0], Symbol::Coordinate(0));
        let names = |symbol| format!("{symbol:?}");
        let values = [found, nodes[1]].map(|node| graph.evaluate(node, &|symbol| environment(symbol, [0.7, 1.3])));
        assert!((values[0] - values[1]).abs() <= 1e-15, "{text}: {}", graph.display(found, &names));
        assert_eq!(found, graph.derivative(nodes[0], Symbol::Coordinate(0)));
    }
}

#[test]
fn symbols_can_be_listed_and_replaced() {
    let (mut graph, nodes) = parsed(&["k*(x - lambda)^2 + 0*y", "k*(x - 3)^2", "k*t"]);
    assert_eq!(graph.symbols(nodes[0]).into_iter().collect::<Vec<_>>(), [Symbol::Coordinate(0), Symbol::Parameter(0), Symbol::Protocol(0)]);
    assert!(graph.depends_on(nodes[0], &|symbol| symbol == Symbol::Protocol(0)) && !graph.depends_on(nodes[2], &|symbol| symbol == Symbol::Protocol(0)));
    let three = graph.constant(3.0);
    let replaced = graph.substitute(nodes[0], &|symbol| (symbol == Symbol::Protocol(0)).then_some(three));
    assert_eq!(replaced, nodes[1]);
}
