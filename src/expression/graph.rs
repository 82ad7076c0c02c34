//! Formulas as hash-consed nodes: equal expressions are one node, and a node comes after everything it is made of.
//!
//! Constructors simplify what is safe to simplify. Every pass walks the nodes in order instead of recursing, so that the depth
//! of a formula costs no stack.

mod analysis;
mod derivative;

use std::collections::HashMap;

use serde::Serialize;

use super::functions::Function;
use super::program::Operation;

/// Largest whole power that becomes multiplications.
const LARGEST_PRODUCT_POWER: f64 = 16.0;

/// A formula in a [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node(u32);

impl Node {
    /// Place in the order of the graph: operands have smaller ones.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Symbol {
    /// A coordinate of the trajectory.
    Coordinate(u16),
    /// A parameter of the experiment.
    Parameter(u16),
    /// A protocol variable: the value in force during the step.
    Protocol(u16),
    /// A protocol variable before the move of the step.
    ProtocolPrevious(u16),
    /// The mean of both.
    ProtocolMiddle(u16),
    /// By how much the protocol moved in the step.
    ProtocolChange(u16),
    /// `dt`.
    TimeStep,
    /// `t`.
    Time,
}

impl Symbol {
    /// Whether the value is the same in every step of a run (coordinates aside).
    pub fn is_constant(self) -> bool {
        matches!(self, Symbol::Parameter(_) | Symbol::TimeStep)
    }
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Expression {
    /// A number, as bits.
    Constant(u64),
    /// A name.
    Symbol(Symbol),
    /// An operation; operands beyond its arity repeat the first.
    Operation(Operation, [Node; 3]),
}

/// All formulas of an experiment.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Expression>,
    known: HashMap<Expression, Node>,
    derivatives: HashMap<(Node, Symbol), Node>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Graph {
        Graph::default()
    }

    /// How many distinct nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node at a place in the order of the graph.
    pub(super) fn at(&self, index: usize) -> Node {
        Node(index as u32)
    }

    /// What a node is.
    pub(super) fn expression(&self, node: Node) -> Expression {
        self.nodes[node.index()]
    }

    /// The operands of a node.
    pub(super) fn operands(&self, node: Node) -> ([Node; 3], usize) {
        match self.expression(node) {
            Expression::Operation(operation, operands) => (operands, operation.arity()),
            _ => ([node; 3], 0),
        }
    }

    fn insert(&mut self, expression: Expression) -> Node {
        let next = Node(self.nodes.len() as u32);
        *self.known.entry(expression).or_insert_with(|| {
            self.nodes.push(expression);
            next
        })
    }

    /// A number.
    pub fn constant(&mut self, value: f64) -> Node {
        self.insert(Expression::Constant(value.to_bits()))
    }

    /// A name.
    pub fn symbol(&mut self, symbol: Symbol) -> Node {
        self.insert(Expression::Symbol(symbol))
    }

    /// The number a node is, if it is one.
    pub fn as_constant(&self, node: Node) -> Option<f64> {
        match self.expression(node) {
            Expression::Constant(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    /// The operand of a negation.
    fn as_negation(&self, node: Node) -> Option<Node> {
        match self.expression(node) {
            Expression::Operation(Operation::Neg, [a, ..]) => Some(a),
            _ => None,
        }
    }

    /// The operands of an operation whose first is a number.
    fn with_leading_constant(&self, node: Node, wanted: Operation) -> Option<(f64, Node)> {
        match self.expression(node) {
            Expression::Operation(operation, [a, b, _]) if operation == wanted => Some((self.as_constant(a)?, b)),
            _ => None,
        }
    }

    /// An operation as it stands, unless it is a finite number.
    fn operation(&mut self, operation: Operation, operands: [Node; 3]) -> Node {
        let values = operands.map(|operand| self.as_constant(operand));
        if let [Some(a), Some(b), Some(c)] = values {
            let value = operation.evaluate([a, b, c]);
            if value.is_finite() {
                return self.constant(value);
            }
        }
        self.insert(Expression::Operation(operation, operands))
    }

    /// A commutative operation: numbers first, then the older operand.
    fn commutative(&mut self, operation: Operation, a: Node, b: Node) -> Node {
        let key = |node: Node| (self.as_constant(node).is_none(), node);
        let (a, b) = if key(a) <= key(b) { (a, b) } else { (b, a) };
        self.operation(operation, [a, b, a])
    }

    /// `a + b`.
    pub fn add(&mut self, a: Node, b: Node) -> Node {
        let (a, b) = if self.as_constant(b).is_some() { (b, a) } else { (a, b) };
        if let Some(value) = self.as_constant(a) {
            if value == 0.0 {
                return b;
            }
            if let Some((other, rest)) = self.with_leading_constant(b, Operation::Add)
                && (value + other).is_finite()
            {
                let sum = self.constant(value + other);
                return self.add(sum, rest);
            }
        }
        if let Some(negated) = self.as_negation(b) {
            return self.sub(a, negated);
        }
        if let Some(negated) = self.as_negation(a) {
            return self.sub(b, negated);
        }
        if a == b {
            let two = self.constant(2.0);
            return self.mul(two, a);
        }
        self.commutative(Operation::Add, a, b)
    }

    /// `a − b`.
    pub fn sub(&mut self, a: Node, b: Node) -> Node {
        if a == b {
            return self.constant(0.0);
        }
        match (self.as_constant(a), self.as_constant(b)) {
            (_, Some(0.0)) => return a,
            (Some(0.0), _) => return self.neg(b),
            (None, Some(value)) => {
                let negative = self.constant(-value);
                return self.add(negative, a);
            }
            _ => {}
        }
        if let Some(negated) = self.as_negation(b) {
            return self.add(a, negated);
        }
        self.operation(Operation::Sub, [a, b, a])
    }

    /// `a·b`.
    pub fn mul(&mut self, a: Node, b: Node) -> Node {
        let (a, b) = if self.as_constant(b).is_some() { (b, a) } else { (a, b) };
        if let Some(value) = self.as_constant(a) {
            if value == 0.0 {
                return self.constant(0.0);
            }
            if value == 1.0 {
                return b;
            }
            if value == -1.0 {
                return self.neg(b);
            }
            if let Some(negated) = self.as_negation(b) {
                let negative = self.constant(-value);
                return self.mul(negative, negated);
            }
            if let Some((other, rest)) = self.with_leading_constant(b, Operation::Mul)
                && (value * other).is_normal()
            {
                let product = self.constant(value * other);
                return self.mul(product, rest);
            }
        }
        match (self.as_negation(a), self.as_negation(b)) {
            (Some(a), Some(b)) => self.mul(a, b),
            (Some(a), None) => {
                let product = self.mul(a, b);
                self.neg(product)
            }
            (None, Some(b)) => {
                let product = self.mul(a, b);
                self.neg(product)
            }
            (None, None) => self.commutative(Operation::Mul, a, b),
        }
    }

    /// `scale·a` as one operation: a negation stays inside `scale`.
    pub(super) fn scaled(&mut self, scale: Node, a: Node) -> Node {
        if self.as_constant(scale).is_some() { self.mul(scale, a) } else { self.commutative(Operation::Mul, scale, a) }
    }

    /// `a/b`.
    pub fn div(&mut self, a: Node, b: Node) -> Node {
        if let (Some(0.0), None) = (self.as_constant(a), self.as_constant(b)) {
            return a;
        }
        match self.as_constant(b) {
            Some(1.0) => return a,
            Some(-1.0) => return self.neg(a),
            _ => {}
        }
        match (self.as_negation(a), self.as_negation(b)) {
            (Some(a), Some(b)) => self.div(a, b),
            (Some(a), None) => {
                let quotient = self.div(a, b);
                self.neg(quotient)
            }
            (None, Some(b)) => {
                let quotient = self.div(a, b);
                self.neg(quotient)
            }
            (None, None) => self.operation(Operation::Div, [a, b, a]),
        }
    }

    /// `−a`.
    pub fn neg(&mut self, a: Node) -> Node {
        if let Some((value, rest)) = self.with_leading_constant(a, Operation::Mul) {
            let negative = self.constant(-value);
            return self.mul(negative, rest);
        }
        match self.expression(a) {
            Expression::Operation(Operation::Neg, [negated, ..]) => negated,
            Expression::Operation(Operation::Sub, [a, b, _]) => self.sub(b, a),
            _ => self.operation(Operation::Neg, [a; 3]),
        }
    }

    /// `a^b`; whole powers up to 16 become multiplications.
    pub fn pow(&mut self, a: Node, b: Node) -> Node {
        match self.as_constant(b) {
            Some(0.0) => self.constant(1.0),
            Some(0.5) => self.call(Function::Sqrt, &[a]),
            Some(power) if power.fract() == 0.0 && power.abs() <= LARGEST_PRODUCT_POWER => {
                let product = self.whole_power(a, power.abs() as u32);
                let one = self.constant(1.0);
                if power > 0.0 { product } else { self.div(one, product) }
            }
            _ => self.operation(Operation::Call(Function::Pow), [a, b, a]),
        }
    }

    /// `a^n`, `n ≥ 1`, by squaring.
    fn whole_power(&mut self, a: Node, n: u32) -> Node {
        let (mut square, mut rest, mut result) = (a, n, None);
        loop {
            if rest & 1 == 1 {
                result = Some(result.map_or(square, |partial| self.mul(partial, square)));
            }
            rest >>= 1;
            match (rest, result) {
                (0, Some(result)) => return result,
                _ => square = self.mul(square, square),
            }
        }
    }

    /// 1 where `a < b`, else 0.
    pub fn less(&mut self, a: Node, b: Node) -> Node {
        self.operation(Operation::Less, [a, b, a])
    }

    /// 1 where `a ≤ b`, else 0.
    pub fn less_equal(&mut self, a: Node, b: Node) -> Node {
        self.operation(Operation::LessEqual, [a, b, a])
    }

    /// 1 where `a = b`, else 0.
    pub fn equal(&mut self, a: Node, b: Node) -> Node {
        self.commutative(Operation::Equal, a, b)
    }

    /// 1 where `a ≠ b`, else 0.
    pub fn not_equal(&mut self, a: Node, b: Node) -> Node {
        self.commutative(Operation::NotEqual, a, b)
    }

    /// `a` where `condition ≠ 0`, else `b`.
    pub fn select(&mut self, condition: Node, a: Node, b: Node) -> Node {
        match self.as_constant(condition) {
            Some(value) if value != 0.0 => a,
            Some(_) => b,
            None if a == b => a,
            None => self.operation(Operation::Select, [condition, a, b]),
        }
    }

    /// 1 where `a ≠ 0`, else 0.
    pub fn truth(&mut self, a: Node) -> Node {
        if let Expression::Operation(Operation::Less | Operation::LessEqual | Operation::Equal | Operation::NotEqual, _) = self.expression(a) {
            return a;
        }
        let zero = self.constant(0.0);
        self.not_equal(a, zero)
    }

    /// A function of as many arguments as it takes.
    ///
    /// # Panics
    /// With fewer arguments.
    pub fn call(&mut self, function: Function, arguments: &[Node]) -> Node {
        match function {
            Function::Pow => self.pow(arguments[0], arguments[1]),
            _ if function.arity() == 1 => self.operation(Operation::Call(function), [arguments[0]; 3]),
            _ => self.operation(Operation::Call(function), [arguments[0], arguments[1], arguments[0]]),
        }
    }

    /// The same operation with other operands, simplified.
    pub(super) fn rebuild(&mut self, operation: Operation, [a, b, c]: [Node; 3]) -> Node {
        match operation {
            Operation::Add => self.add(a, b),
            Operation::Sub => self.sub(a, b),
            Operation::Mul => self.mul(a, b),
            Operation::Div => self.div(a, b),
            Operation::Neg => self.neg(a),
            Operation::MultiplyAdd => {
                let product = self.mul(a, b);
                self.add(product, c)
            }
            Operation::Less => self.less(a, b),
            Operation::LessEqual => self.less_equal(a, b),
            Operation::Equal => self.equal(a, b),
            Operation::NotEqual => self.not_equal(a, b),
            Operation::Select => self.select(a, b, c),
            Operation::Call(function) => self.call(function, &[a, b]),
        }
    }

    /// Everything the given nodes are made of, themselves included, operands first.
    pub(super) fn reachable(&self, nodes: &[Node]) -> Vec<Node> {
        let Some(&last) = nodes.iter().max() else { return Vec::new() };
        let mut needed = vec![false; last.index() + 1];
        for node in nodes {
            needed[node.index()] = true;
        }
        for index in (0..=last.index()).rev() {
            if needed[index] {
                let (operands, arity) = self.operands(Node(index as u32));
                for operand in &operands[..arity] {
                    needed[operand.index()] = true;
                }
            }
        }
        (0..=last.0).filter(|&index| needed[index as usize]).map(Node).collect()
    }
}

#[cfg(test)]
mod tests;
