//! What can be said of a formula: its value, its symbols, its degree, its text.

use std::collections::BTreeSet;

use super::{Expression, Graph, Node, Symbol};
use crate::expression::functions::Function;
use crate::expression::program::Operation;

/// Longer formulas are cut by [`Graph::display`].
const LONGEST_TEXT: usize = 4000;

impl Graph {
    /// The value in f64.
    pub fn evaluate(&self, node: Node, environment: &dyn Fn(Symbol) -> f64) -> f64 {
        self.values(node, environment)[node.index()]
    }

    /// Values of all parts of a formula, by their place in the graph.
    fn values(&self, node: Node, environment: &dyn Fn(Symbol) -> f64) -> Vec<f64> {
        let mut values = vec![0.0; node.index() + 1];
        for part in self.reachable(&[node]) {
            values[part.index()] = match self.expression(part) {
                Expression::Constant(bits) => f64::from_bits(bits),
                Expression::Symbol(symbol) => environment(symbol),
                Expression::Operation(operation, operands) => operation.evaluate(operands.map(|operand| values[operand.index()])),
            };
        }
        values
    }

    /// Which way every comparison, rounding and choice in a formula goes: it may jump or bend between two places where these differ, and nowhere else but at a pole.
    pub fn sides(&self, node: Node, environment: &dyn Fn(Symbol) -> f64) -> Vec<i64> {
        let values = self.values(node, environment);
        let side = |part: Node| {
            let Expression::Operation(operation, operands) = self.expression(part) else { return None };
            let [a, b, _] = operands.map(|operand| values[operand.index()]);
            match operation {
                Operation::Less | Operation::LessEqual | Operation::Equal | Operation::NotEqual => Some(i64::from(values[part.index()] != 0.0)),
                Operation::Call(Function::Abs | Function::Sign) => Some(i64::from(a > 0.0)),
                Operation::Call(Function::Min | Function::Max) => Some(i64::from(a < b)),
                Operation::Call(Function::Floor) => Some(a.floor() as i64),
                _ => None,
            }
        };
        self.reachable(&[node]).into_iter().filter_map(side).collect()
    }

    /// All symbols of a formula.
    pub fn symbols(&self, node: Node) -> BTreeSet<Symbol> {
        let symbol = |part: Node| match self.expression(part) {
            Expression::Symbol(symbol) => Some(symbol),
            _ => None,
        };
        self.reachable(&[node]).into_iter().filter_map(symbol).collect()
    }

    /// Whether any symbol of the formula satisfies `wanted`.
    pub fn depends_on(&self, node: Node, wanted: &dyn Fn(Symbol) -> bool) -> bool {
        self.symbols(node).into_iter().any(wanted)
    }

    /// Whether the formula is, by its form, a polynomial of at most that total degree in the given symbols. May miss one that only
    /// cancellation would reveal; never accepts what is none.
    pub fn is_polynomial_of_degree(&self, node: Node, symbols: &[Symbol], degree: u32) -> bool {
        let mut degrees: Vec<Option<u32>> = vec![None; node.index() + 1];
        for part in self.reachable(&[node]) {
            degrees[part.index()] = match self.expression(part) {
                Expression::Constant(_) => Some(0),
                Expression::Symbol(symbol) => Some(u32::from(symbols.contains(&symbol))),
                Expression::Operation(operation, operands) => {
                    let exponent = self.as_constant(operands[1]);
                    degree_of(operation, operands.map(|operand| degrees[operand.index()]), exponent)
                }
            };
        }
        degrees[node.index()].is_some_and(|found| found <= degree)
    }

    /// The formula as text that [`Graph::parse`] would read back; very long ones are cut, with `…`.
    pub fn display(&self, node: Node, names: &dyn Fn(Symbol) -> String) -> String {
        let mut texts = vec![(String::new(), 0); node.index() + 1];
        for part in self.reachable(&[node]) {
            let (text, binding) = match self.expression(part) {
                Expression::Constant(bits) => number(f64::from_bits(bits)),
                Expression::Symbol(symbol) => (names(symbol), ATOM),
                Expression::Operation(operation, operands) => describe(operation, operands.map(|operand| &texts[operand.index()])),
            };
            texts[part.index()] = if text.len() > LONGEST_TEXT { ("…".to_owned(), ATOM) } else { (text, binding) };
        }
        std::mem::take(&mut texts[node.index()].0)
    }
}

/// The degree of an operation from those of its operands; `None` is no polynomial.
fn degree_of(operation: Operation, degrees: [Option<u32>; 3], exponent: Option<f64>) -> Option<u32> {
    let [a, b, c] = degrees;
    match operation {
        Operation::Add | Operation::Sub => Some(a?.max(b?)),
        Operation::Neg => a,
        Operation::Mul => Some(a?.saturating_add(b?)),
        Operation::MultiplyAdd => Some(a?.saturating_add(b?).max(c?)),
        Operation::Div if b? == 0 => a,
        Operation::Select if a? == 0 => Some(b?.max(c?)),
        Operation::Call(Function::Pow) if b? == 0 && a? > 0 => match exponent {
            Some(power) if power >= 0.0 && power.fract() == 0.0 && power < 1e6 => Some(a?.saturating_mul(power as u32)),
            _ => None,
        },
        _ => degrees[..operation.arity()].iter().all(|&degree| degree == Some(0)).then_some(0),
    }
}

/// How tightly the outermost operation of a text binds.
const ATOM: u8 = 9;

/// A number as text.
fn number(value: f64) -> (String, u8) {
    // Exponents only where the plain form would be long.
    let plain = value == 0.0 || (1e-4..1e15).contains(&value.abs());
    let text = if plain { format!("{value}") } else { format!("{value:e}") };
    (text, if value < 0.0 { 6 } else { ATOM })
}

/// An operation as text, with parentheses where needed, and how tightly it binds.
fn describe(operation: Operation, [a, b, c]: [&(String, u8); 3]) -> (String, u8) {
    let within = |(text, binding): &(String, u8), least: u8| if *binding < least { format!("({text})") } else { text.clone() };
    let infix = |sign: &str, binding: u8, right: u8| (format!("{} {sign} {}", within(a, binding), within(b, right)), binding);
    match operation {
        Operation::Add => infix("+", 4, 5),
        Operation::Sub => infix("-", 4, 5),
        Operation::Mul if a == b => (format!("{}^2", within(a, ATOM)), 7),
        Operation::Mul => infix("*", 5, 6),
        Operation::Div => infix("/", 5, 6),
        Operation::Neg => (format!("-{}", within(a, 6)), 6),
        Operation::MultiplyAdd => (format!("{} * {} + {}", within(a, 5), within(b, 6), within(c, 5)), 4),
        Operation::Less => infix("<", 3, 4),
        Operation::LessEqual => infix("<=", 3, 4),
        Operation::Equal => infix("==", 3, 4),
        Operation::NotEqual => infix("!=", 3, 4),
        Operation::Select => (format!("if({}, {}, {})", a.0, b.0, c.0), ATOM),
        Operation::Call(Function::Pow) => (format!("{}^{}", within(a, ATOM), within(b, ATOM)), 7),
        Operation::Call(function) if function.arity() == 1 => (format!("{}({})", function.name(), a.0), ATOM),
        Operation::Call(function) => (format!("{}({}, {})", function.name(), a.0, b.0), ATOM),
    }
}
