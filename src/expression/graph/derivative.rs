//! Differentiation and substitution.

use super::{Expression, Graph, Node, Symbol};
use crate::expression::program::Operation;

impl Graph {
    /// The derivative with respect to a symbol, others held. Comparisons and steps count as flat: their jumps are left out.
    pub fn derivative(&mut self, node: Node, symbol: Symbol) -> Node {
        if let Some(&known) = self.derivatives.get(&(node, symbol)) {
            return known;
        }
        let zero = self.constant(0.0);
        for part in self.reachable(&[node]) {
            if self.derivatives.contains_key(&(part, symbol)) {
                continue;
            }
            let derivative = match self.expression(part) {
                Expression::Constant(_) => zero,
                Expression::Symbol(other) => self.constant(f64::from(other == symbol)),
                Expression::Operation(operation, operands) => {
                    let changes = operands.map(|operand| self.derivatives.get(&(operand, symbol)).copied().unwrap_or(zero));
                    if changes[..operation.arity()].iter().all(|&change| change == zero) { zero } else { self.chain_rule(part, operation, operands, changes) }
                }
            };
            self.derivatives.insert((part, symbol), derivative);
        }
        self.derivatives.get(&(node, symbol)).copied().unwrap_or(zero)
    }

    /// The derivative of `node = operation(operands)` when the operands have the derivatives `changes`.
    fn chain_rule(&mut self, node: Node, operation: Operation, operands: [Node; 3], changes: [Node; 3]) -> Node {
        let ([a, b, _], [da, db, dc]) = (operands, changes);
        match operation {
            Operation::Add => self.add(da, db),
            Operation::Sub => self.sub(da, db),
            Operation::Neg => self.neg(da),
            Operation::Mul => {
                let (left, right) = (self.mul(da, b), self.mul(a, db));
                self.add(left, right)
            }
            Operation::Div => {
                let growth = self.mul(node, db);
                let difference = self.sub(da, growth);
                self.div(difference, b)
            }
            Operation::MultiplyAdd => {
                let (left, right) = (self.mul(da, b), self.mul(a, db));
                let product = self.add(left, right);
                self.add(product, dc)
            }
            Operation::Less | Operation::LessEqual | Operation::Equal | Operation::NotEqual => self.constant(0.0),
            Operation::Select => self.select(a, db, dc),
            Operation::Call(function) => {
                let mut sum = self.constant(0.0);
                for (which, change) in changes.into_iter().enumerate().take(function.arity()) {
                    if self.as_constant(change) == Some(0.0) {
                        continue;
                    }
                    let slope = function.derivative(self, [a, b], which);
                    let term = self.mul(slope, change);
                    sum = self.add(sum, term);
                }
                sum
            }
        }
    }

    /// The formula with symbols replaced; `None` keeps a symbol.
    pub fn substitute(&mut self, node: Node, replacement: &dyn Fn(Symbol) -> Option<Node>) -> Node {
        let mut replaced = vec![node; node.index() + 1];
        for part in self.reachable(&[node]) {
            replaced[part.index()] = match self.expression(part) {
                Expression::Constant(_) => part,
                Expression::Symbol(symbol) => replacement(symbol).unwrap_or(part),
                Expression::Operation(operation, operands) => {
                    let others = operands.map(|operand| replaced[operand.index()]);
                    if others == operands { part } else { self.rebuild(operation, others) }
                }
            };
        }
        replaced[node.index()]
    }
}
