//! Numbers that no coordinate changes: evaluated by the host in f64, once a run or once a step.

use std::collections::HashMap;

use super::graph::{Expression, Graph, Node, Symbol};
use super::program::{CompileError, Operand, Operation};

/// How often a number changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rate {
    /// Never during a run.
    Constant,
    /// From step to step.
    Scheduled,
    /// From trajectory to trajectory.
    Varying,
}

/// The uniform numbers of all programs of a plan, each once.
///
/// A number that depends on parameters only is a [`Operand::Constant`]; one that also depends on the protocol or on time is a
/// [`Operand::Scheduled`], a column of the rows.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    /// Own nodes: those of the experiment's graph, regrouped.
    pub(super) graph: Graph,
    rates: Vec<Rate>,
    constants: Vec<Node>,
    /// `None` is a column that the caller fills.
    columns: Vec<Option<Node>>,
    known: HashMap<Node, Operand>,
}

impl Slots {
    /// No numbers yet.
    pub fn new() -> Slots {
        Slots::default()
    }

    /// The operand of a formula without coordinates (a coefficient of a kernel).
    ///
    /// # Errors
    /// When it depends on a coordinate, or when there are more numbers than an operand can name.
    pub fn operand(&mut self, graph: &Graph, node: Node) -> Result<Operand, CompileError> {
        let imported = self.import(graph, node);
        self.uniform(imported)
    }

    /// The operand of a number that the caller computed.
    ///
    /// # Errors
    /// When there are more numbers than an operand can name.
    pub fn external_constant(&mut self, value: f64) -> Result<Operand, CompileError> {
        let node = self.graph.constant(value);
        self.uniform(node)
    }

    /// A new column that the caller fills in every row; [`RowEvaluator::fill`] leaves NaN there.
    ///
    /// # Errors
    /// When there are more columns than an operand can name.
    pub fn external_column(&mut self) -> Result<Operand, CompileError> {
        let index = place(self.columns.len(), "numbers that change from step to step")?;
        self.columns.push(None);
        Ok(Operand::Scheduled(index))
    }

    /// How many numbers a row has.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// The constants, in the order of their operands; `environment` gives parameters and the time step.
    pub fn constants(&self, environment: &dyn Fn(Symbol) -> f64) -> Vec<f64> {
        let mut values = vec![f64::NAN; self.constants.len()];
        let outputs: Vec<Option<Node>> = self.constants.iter().copied().map(Some).collect();
        RowEvaluator::new(&self.graph, &outputs).fill(environment, &mut values);
        values
    }

    /// Evaluates rows; make it once, after the last program.
    pub fn rows(&self) -> RowEvaluator {
        RowEvaluator::new(&self.graph, &self.columns)
    }

    /// The same formula in the own graph.
    fn import(&mut self, graph: &Graph, node: Node) -> Node {
        let zero = self.graph.constant(0.0);
        let mut imported = vec![zero; node.index() + 1];
        for part in graph.reachable(&[node]) {
            imported[part.index()] = match graph.expression(part) {
                Expression::Constant(bits) => self.graph.constant(f64::from_bits(bits)),
                Expression::Symbol(symbol) => self.graph.symbol(symbol),
                Expression::Operation(operation, operands) => {
                    let operands = operands.map(|operand| imported[operand.index()]);
                    self.graph.rebuild(operation, operands)
                }
            };
        }
        imported[node.index()]
    }

    /// How often a node of the own graph changes.
    pub(super) fn rate(&mut self, node: Node) -> Rate {
        for index in self.rates.len()..self.graph.len() {
            let part = self.graph.at(index);
            let rate = match self.graph.expression(part) {
                Expression::Constant(_) => Rate::Constant,
                Expression::Symbol(Symbol::Coordinate(_)) => Rate::Varying,
                Expression::Symbol(symbol) if symbol.is_constant() => Rate::Constant,
                Expression::Symbol(_) => Rate::Scheduled,
                Expression::Operation(_, [a, b, c]) => self.rates[a.index()].max(self.rates[b.index()]).max(self.rates[c.index()]),
            };
            self.rates.push(rate);
        }
        self.rates[node.index()]
    }

    /// The operand of a node of the own graph that varies with no coordinate.
    pub(super) fn uniform(&mut self, node: Node) -> Result<Operand, CompileError> {
        if let Some(&operand) = self.known.get(&node) {
            return Ok(operand);
        }
        let operand = match self.rate(node) {
            Rate::Constant => {
                let index = place(self.constants.len(), "constants")?;
                self.constants.push(node);
                Operand::Constant(index)
            }
            Rate::Scheduled => {
                let index = place(self.columns.len(), "numbers that change from step to step")?;
                self.columns.push(Some(node));
                Operand::Scheduled(index)
            }
            Rate::Varying => return Err(CompileError::NotUniform),
        };
        self.known.insert(node, operand);
        Ok(operand)
    }
}

/// The next index of its kind, if an operand can name it.
pub(super) fn place(length: usize, kind: &'static str) -> Result<u16, CompileError> {
    u16::try_from(length).map_err(|_| CompileError::TooLarge { kind, limit: usize::from(u16::MAX) + 1 })
}

/// Evaluates the columns of a row: only what they need, in an order fixed once.
#[derive(Clone, Debug)]
pub struct RowEvaluator {
    /// Symbols to ask for, and where their values go.
    symbols: Vec<(Symbol, usize)>,
    operations: Vec<(Operation, [usize; 3], usize)>,
    /// Numbers in place; the rest is scratch.
    values: Vec<f64>,
    /// Where each column is, `None` for the caller's.
    outputs: Vec<Option<usize>>,
}

impl RowEvaluator {
    fn new(graph: &Graph, outputs: &[Option<Node>]) -> RowEvaluator {
        let wanted: Vec<Node> = outputs.iter().flatten().copied().collect();
        let mut places = HashMap::new();
        let (mut symbols, mut operations, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for node in graph.reachable(&wanted) {
            let here = values.len();
            places.insert(node, here);
            values.push(f64::NAN);
            match graph.expression(node) {
                Expression::Constant(bits) => values[here] = f64::from_bits(bits),
                Expression::Symbol(symbol) => symbols.push((symbol, here)),
                Expression::Operation(operation, operands) => operations.push((operation, operands.map(|operand| places[&operand]), here)),
            }
        }
        RowEvaluator { symbols, operations, values, outputs: outputs.iter().map(|output| output.map(|node| places[&node])).collect() }
    }

    /// Writes a row (as long as [`Slots::columns`]); columns of the caller become NaN.
    ///
    /// # Panics
    /// When `row` is shorter.
    pub fn fill(&mut self, environment: &dyn Fn(Symbol) -> f64, row: &mut [f64]) {
        for &(symbol, place) in &self.symbols {
            self.values[place] = environment(symbol);
        }
        for &(operation, operands, place) in &self.operations {
            self.values[place] = operation.evaluate(operands.map(|operand| self.values[operand]));
        }
        for (index, output) in self.outputs.iter().enumerate() {
            row[index] = output.map_or(f64::NAN, |place| self.values[place]);
        }
    }
}
