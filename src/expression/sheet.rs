//! Formulas laid out for being evaluated many times: the parts that each needs, in their order, without the rest of the graph.

use super::graph::{Expression, Graph, Node, Symbol};
use super::program::Operation;

/// Formulas up to so many parts are evaluated without asking for memory.
const SHORT: usize = 96;

/// Some formulas of a graph. Values are those of [`Graph::evaluate`], bit for bit.
#[derive(Clone, Debug, Default)]
pub struct Sheets {
    sheets: Vec<(Node, Vec<Part>)>,
}

/// A part of a formula; operands are places in the list of parts.
#[derive(Clone, Copy, Debug)]
enum Part {
    Constant(f64),
    Symbol(Symbol),
    Operation(Operation, [u32; 3]),
}

impl Sheets {
    /// Lays out formulas.
    pub fn of(graph: &Graph, formulas: impl IntoIterator<Item = Node>) -> Self {
        let mut sheets: Vec<(Node, Vec<Part>)> = Vec::new();
        for formula in formulas {
            if sheets.iter().all(|(known, _)| *known != formula) {
                sheets.push((formula, lay_out(graph, formula)));
            }
        }
        Self { sheets }
    }

    /// The value of a formula in f64; NaN of one that was not laid out.
    pub fn evaluate(&self, formula: Node, environment: &dyn Fn(Symbol) -> f64) -> f64 {
        let Some((_, parts)) = self.sheets.iter().find(|(known, _)| *known == formula) else { return f64::NAN };
        if parts.len() <= SHORT { value(parts, &mut [0.0; SHORT], environment) } else { value(parts, &mut vec![0.0; parts.len()], environment) }
    }
}

fn lay_out(graph: &Graph, formula: Node) -> Vec<Part> {
    let needed = graph.reachable(&[formula]);
    let place = |node: Node| needed.binary_search(&node).unwrap_or(0) as u32;
    let part = |node: &Node| match graph.expression(*node) {
        Expression::Constant(bits) => Part::Constant(f64::from_bits(bits)),
        Expression::Symbol(symbol) => Part::Symbol(symbol),
        Expression::Operation(operation, operands) => Part::Operation(operation, operands.map(place)),
    };
    needed.iter().map(part).collect()
}

fn value(parts: &[Part], values: &mut [f64], environment: &dyn Fn(Symbol) -> f64) -> f64 {
    for (index, part) in parts.iter().enumerate() {
        values[index] = match part {
            Part::Constant(value) => *value,
            Part::Symbol(symbol) => environment(*symbol),
            Part::Operation(operation, operands) => operation.evaluate(operands.map(|operand| values[operand as usize])),
        };
    }
    parts.len().checked_sub(1).map_or(f64::NAN, |last| values[last])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::functions::Function;

    #[test]
    fn values_are_those_of_the_graph() {
        let mut graph = Graph::new();
        let x = graph.symbol(Symbol::Coordinate(0));
        let mut sum = graph.call(Function::Sin, &[x]);
        let mut formulas = vec![sum];
        for k in 0..SHORT {
            let more = graph.constant(0.1 + k as f64);
            let more = graph.mul(more, sum);
            let more = graph.call(Function::Exp, &[more]);
            let small = graph.less(more, x);
            let less = graph.select(small, x, sum);
            sum = graph.sub(more, less);
            formulas.push(sum);
        }
        let sheets = Sheets::of(&graph, formulas.iter().copied());
        for place in [-1.3, 0.0, 0.7] {
            let environment = |_: Symbol| place;
            for &formula in &formulas {
                let (found, expected) = (sheets.evaluate(formula, &environment), graph.evaluate(formula, &environment));
                assert_eq!(found.to_bits(), expected.to_bits(), "{found} {expected}");
            }
        }
        assert!(sheets.evaluate(x, &|_| 1.0).is_nan());
    }
}
