//! From nodes to straight-line code: regroup, choose instructions, allocate registers.
//!
//! Regrouping writes every varying value as `offset + scale·core` with uniform offset and scale, so that uniform factors and terms
//! scattered over a formula meet in one number that the host computes: `−k·(x − λ)·dλ` costs a subtraction and a multiplication.

use std::collections::HashMap;

use super::graph::{Expression, Graph, Node, Symbol};
use super::program::{CompileError, Instruction, Operand, Operation, Program};
use super::slots::{Rate, Slots, place};

/// Compiles formulas into one program with as many outputs; their uniform numbers join `slots`.
///
/// # Errors
/// When there are more registers or numbers than an operand can name.
pub fn compile(graph: &Graph, outputs: &[Node], slots: &mut Slots) -> Result<Program, CompileError> {
    let outputs = regroup(graph, outputs, slots);
    let code = choose(&outputs, slots)?;
    allocate(&code, &outputs)
}

/// A value as `offset + scale·core`; a uniform one has no core and is all offset. `None` is offset 0 or scale 1.
#[derive(Clone, Copy)]
struct Affine {
    offset: Option<Node>,
    scale: Option<Node>,
    core: Option<Node>,
}

impl Affine {
    fn uniform(node: Node) -> Affine {
        Affine { offset: Some(node), scale: None, core: None }
    }

    fn varying(node: Node) -> Affine {
        Affine { offset: None, scale: None, core: Some(node) }
    }

    /// The value as one node.
    fn node(self, graph: &mut Graph) -> Node {
        let Some(core) = self.core else {
            return self.offset.unwrap_or_else(|| graph.constant(0.0));
        };
        let scaled = match (self.scale, graph.expression(core)) {
            (None, _) => core,
            // `scale·(1/x)` is one division.
            (Some(scale), Expression::Operation(Operation::Div, [one, x, _])) if graph.as_constant(one) == Some(1.0) => graph.div(scale, x),
            (Some(scale), _) => graph.scaled(scale, core),
        };
        match self.offset {
            Some(offset) => graph.add(offset, scaled),
            None => scaled,
        }
    }

    /// The value as `scale·core` for a varying one, `scale` alone for a uniform one.
    fn factors(self, graph: &mut Graph) -> (Option<Node>, Option<Node>) {
        match (self.core, self.offset) {
            (None, offset) => (Some(offset.unwrap_or_else(|| graph.constant(0.0))), None),
            (core, None) => (self.scale, core),
            (_, Some(_)) => (None, Some(self.node(graph))),
        }
    }

    /// `scale·core` of which either may be absent.
    fn of_factors(scale: Option<Node>, core: Option<Node>) -> Affine {
        match core {
            Some(_) => Affine { offset: None, scale, core },
            None => Affine { offset: scale, scale: None, core: None },
        }
    }

    fn negated(self, graph: &mut Graph) -> Affine {
        let offset = self.offset.map(|offset| graph.neg(offset));
        let scale = match (self.core, self.scale) {
            (None, _) => None,
            (_, Some(scale)) => Some(graph.neg(scale)),
            _ => Some(graph.constant(-1.0)),
        };
        Affine { offset, scale, core: self.core }
    }

    fn sum(self, other: Affine, graph: &mut Graph) -> Affine {
        let offset = both(self.offset, other.offset, |a, b| graph.add(a, b));
        let one = graph.constant(1.0);
        let (core, scale) = match (self.core, other.core) {
            (Some(a), Some(b)) if a == b => (Some(a), Some(graph.add(self.scale.unwrap_or(one), other.scale.unwrap_or(one)))),
            (Some(a), Some(b)) if self.scale == other.scale => (Some(graph.add(a, b)), self.scale),
            (Some(_), Some(_)) => {
                let a = Affine { offset: None, ..self }.node(graph);
                let b = Affine { offset: None, ..other }.node(graph);
                (Some(graph.add(a, b)), None)
            }
            (Some(a), None) => (Some(a), self.scale),
            (None, b) => (b, other.scale),
        };
        Affine { offset, scale, core }
    }

    fn product(self, other: Affine, graph: &mut Graph) -> Affine {
        let ((a_scale, a), (b_scale, b)) = (self.factors(graph), other.factors(graph));
        let scale = both(a_scale, b_scale, |a, b| graph.mul(a, b));
        let core = both(a, b, |a, b| graph.mul(a, b));
        Affine::of_factors(scale, core)
    }

    /// `1/self`.
    fn inverse(self, graph: &mut Graph) -> Affine {
        let (scale, core) = self.factors(graph);
        let one = graph.constant(1.0);
        let scale = scale.map(|scale| graph.div(one, scale));
        let core = core.map(|core| graph.div(one, core));
        Affine::of_factors(scale, core)
    }

    fn quotient(self, other: Affine, graph: &mut Graph) -> Affine {
        let (scale, core) = self.factors(graph);
        match (core, other.factors(graph)) {
            (Some(core), (divisor_scale, Some(divisor))) => {
                let one = graph.constant(1.0);
                let inverse = divisor_scale.map(|divisor| graph.div(one, divisor));
                let quotient = graph.div(core, divisor);
                Affine::of_factors(both(scale, inverse, |a, b| graph.mul(a, b)), Some(quotient))
            }
            _ => {
                let inverse = other.inverse(graph);
                Affine::of_factors(scale, core).product(inverse, graph)
            }
        }
    }
}

/// Joins two optional parts.
fn both(a: Option<Node>, b: Option<Node>, join: impl FnOnce(Node, Node) -> Node) -> Option<Node> {
    match (a, b) {
        (Some(a), Some(b)) => Some(join(a, b)),
        (one, other) => one.or(other),
    }
}

/// The outputs in the own graph of the slots, uniform parts gathered.
fn regroup(graph: &Graph, outputs: &[Node], slots: &mut Slots) -> Vec<Node> {
    let mut values: HashMap<Node, Affine> = HashMap::new();
    for node in graph.reachable(outputs) {
        let value = match graph.expression(node) {
            Expression::Constant(bits) => Affine::uniform(slots.graph.constant(f64::from_bits(bits))),
            Expression::Symbol(symbol @ Symbol::Coordinate(_)) => Affine::varying(slots.graph.symbol(symbol)),
            Expression::Symbol(symbol) => Affine::uniform(slots.graph.symbol(symbol)),
            Expression::Operation(operation, operands) => regroup_operation(operation, operands.map(|operand| values[&operand]), slots),
        };
        values.insert(node, value);
    }
    outputs.iter().map(|output| values[output].node(&mut slots.graph)).collect()
}

fn regroup_operation(operation: Operation, operands: [Affine; 3], slots: &mut Slots) -> Affine {
    let [a, b, _] = operands;
    let graph = &mut slots.graph;
    let varying = operands[..operation.arity()].iter().any(|operand| operand.core.is_some());
    match operation {
        Operation::Neg if varying => a.negated(graph),
        Operation::Add if varying => a.sum(b, graph),
        Operation::Sub if varying => {
            let negative = b.negated(graph);
            a.sum(negative, graph)
        }
        Operation::Mul if varying => a.product(b, graph),
        Operation::Div if varying => a.quotient(b, graph),
        _ => {
            let operands = operands.map(|operand| operand.node(graph));
            let node = graph.rebuild(operation, operands);
            // Simplification may have removed the dependence.
            if slots.rate(node) == Rate::Varying { Affine::varying(node) } else { Affine::uniform(node) }
        }
    }
}

/// An instruction before registers: operands are nodes or uniform numbers.
struct Step {
    node: Node,
    operation: Operation,
    inputs: [Input; 3],
}

#[derive(Clone, Copy)]
enum Input {
    /// The result of another step.
    Step(Node),
    /// Anything that needs no register.
    Direct(Operand),
}

/// Everything allocation needs.
struct Code {
    steps: Vec<Step>,
    outputs: Vec<Input>,
}

/// Turns nodes into steps, products and sums into multiply–adds.
fn choose(outputs: &[Node], slots: &mut Slots) -> Result<Code, CompileError> {
    let varying: Vec<Node> = slots.graph.reachable(outputs).into_iter().filter(|&node| slots.rate(node) == Rate::Varying).collect();
    let mut uses: HashMap<Node, u32> = HashMap::new();
    for &output in outputs {
        *uses.entry(output).or_default() += 1;
    }
    for &node in &varying {
        let (operands, arity) = slots.graph.operands(node);
        for &operand in &operands[..arity] {
            *uses.entry(operand).or_default() += 1;
        }
    }
    let mut steps = Vec::new();
    let mut fused: Vec<Node> = Vec::new();
    for &node in &varying {
        let Expression::Operation(operation, operands) = slots.graph.expression(node) else {
            continue;
        };
        let (operation, operands) = match fuse(slots, operation, operands, &uses) {
            Some((product, operands)) => {
                fused.push(product);
                (Operation::MultiplyAdd, operands)
            }
            None => (operation, operands),
        };
        let mut inputs = [input(operands[0], slots)?; 3];
        for index in 1..operation.arity() {
            inputs[index] = input(operands[index], slots)?;
        }
        steps.push(Step { node, operation, inputs });
    }
    fused.sort_unstable();
    steps.retain(|step| fused.binary_search(&step.node).is_err());
    let outputs = outputs.iter().map(|&output| input(output, slots)).collect::<Result<_, _>>()?;
    Ok(Code { steps, outputs })
}

/// If the operation is a sum with a product that nothing else uses: that product, and the operands of the multiply–add.
fn fuse(slots: &mut Slots, operation: Operation, [a, b, _]: [Node; 3], uses: &HashMap<Node, u32>) -> Option<(Node, [Node; 3])> {
    if !matches!(operation, Operation::Add | Operation::Sub) || a == b {
        return None;
    }
    let mut product = |node: Node| match slots.graph.expression(node) {
        Expression::Operation(Operation::Mul, [left, right, _]) if uses.get(&node) == Some(&1) && slots.rate(node) == Rate::Varying => {
            // A uniform factor second: one loop fewer for every backend.
            Some(if slots.rate(left) == Rate::Varying { (left, right) } else { (right, left) })
        }
        _ => None,
    };
    match (operation, product(b), product(a)) {
        (Operation::Add, Some((left, right)), _) => Some((b, [left, right, a])),
        (Operation::Add, None, Some((left, right))) => Some((a, [left, right, b])),
        (Operation::Sub, Some((left, right)), _) if slots.rate(right) != Rate::Varying => Some((b, [left, slots.graph.neg(right), a])),
        (Operation::Sub, _, Some((left, right))) if slots.rate(b) != Rate::Varying => Some((a, [left, right, slots.graph.neg(b)])),
        _ => None,
    }
}

fn input(node: Node, slots: &mut Slots) -> Result<Input, CompileError> {
    if slots.rate(node) != Rate::Varying {
        return slots.uniform(node).map(Input::Direct);
    }
    Ok(match slots.graph.expression(node) {
        Expression::Symbol(Symbol::Coordinate(index)) => Input::Direct(Operand::Coordinate(index)),
        _ => Input::Step(node),
    })
}

/// Gives every step a register that holds nothing needed any more, and none that the step reads.
fn allocate(code: &Code, outputs: &[Node]) -> Result<Program, CompileError> {
    let mut last_use: HashMap<Node, usize> = HashMap::new();
    for (index, step) in code.steps.iter().enumerate() {
        for input in &step.inputs[..step.operation.arity()] {
            if let Input::Step(node) = input {
                last_use.insert(*node, index);
            }
        }
    }
    for &output in outputs {
        last_use.insert(output, usize::MAX);
    }
    let mut program = Program::default();
    let mut held: HashMap<Node, u16> = HashMap::new();
    let mut free: Vec<u16> = Vec::new();
    for (index, step) in code.steps.iter().enumerate() {
        let out = match free.pop() {
            Some(register) => register,
            None => {
                program.registers = place(program.registers as usize + 1, "registers")?;
                program.registers - 1
            }
        };
        let operand = |input: Input| match input {
            Input::Step(node) => Operand::Register(held[&node]),
            Input::Direct(operand) => operand,
        };
        program.instructions.push(Instruction { operation: step.operation, out, inputs: step.inputs.map(operand) });
        // Only now: a target must differ from the sources.
        for input in &step.inputs {
            if let Input::Step(node) = input
                && last_use.get(node) == Some(&index)
                && let Some(register) = held.remove(node)
            {
                free.push(register);
            }
        }
        held.insert(step.node, out);
    }
    program.outputs = code
        .outputs
        .iter()
        .map(|&output| match output {
            Input::Step(node) => Operand::Register(held[&node]),
            Input::Direct(operand) => operand,
        })
        .collect();
    Ok(program)
}

#[cfg(test)]
mod tests;
