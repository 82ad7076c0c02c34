//! Prints a [`Program`] as a WGSL function.
//!
//! The text is made of names chosen here, shader functions of the table and indices: nothing a user typed can reach it. Numbers stay
//! out as well: they are read from the bindings `constants` and `rows` (both `array<f32>`) that the surrounding shader declares.

use std::fmt::Write;

use super::program::{Operand, Operation, Program};

/// The function `fn NAME(x: array<f32, DIMENSIONS>, row: u32) -> array<f32, OUTPUTS>`, where `row` is the index in `rows` of the first
/// number of the present step. Needs `constants`, `rows` and the functions of `shaders/maths.wgsl` in the same module.
pub fn wgsl(program: &Program, name: &str, dimensions: usize) -> String {
    let outputs = program.outputs.len();
    let mut text = format!("fn {name}(x: array<f32, {dimensions}>, row: u32) -> array<f32, {outputs}> {{\n");
    // Every result is a new value: the shader compiler allocates registers itself.
    let mut current = vec![0; program.registers as usize];
    for (index, instruction) in program.instructions.iter().enumerate() {
        let inputs = instruction.inputs.map(|operand| read(operand, &current));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    let v{index} = {};", expression(instruction.operation, &inputs));
        current[instruction.out as usize] = index;
    }
    let results: Vec<String> = program.outputs.iter().map(|&output| read(output, &current)).collect();
    let _ = write!(text, "    return array<f32, {outputs}>({});\n}}\n", results.join(", "));
    text
}

/// The text of an operand outside a printed function: a constant, a number of the row that starts at `row`, or a coordinate `x[i]`.
pub fn wgsl_operand(operand: Operand) -> String {
    match operand {
        Operand::Register(i) => format!("v{i}"),
        Operand::Coordinate(i) => format!("x[{i}]"),
        Operand::Constant(i) => format!("constants[{i}]"),
        Operand::Scheduled(i) => format!("rows[row + {i}u]"),
    }
}

/// An operand where register `i` was last written by instruction `current[i]`.
fn read(operand: Operand, current: &[usize]) -> String {
    match operand {
        Operand::Register(i) => format!("v{}", current[i as usize]),
        other => wgsl_operand(other),
    }
}

fn expression(operation: Operation, [a, b, c]: &[String; 3]) -> String {
    match operation {
        Operation::Add => format!("{a} + {b}"),
        Operation::Sub => format!("{a} - {b}"),
        Operation::Mul => format!("{a} * {b}"),
        Operation::Div => format!("{a} / {b}"),
        Operation::Neg => format!("-{a}"),
        Operation::MultiplyAdd => format!("fma({a}, {b}, {c})"),
        Operation::Less => format!("select(0.0, 1.0, {a} < {b})"),
        Operation::LessEqual => format!("select(0.0, 1.0, {a} <= {b})"),
        Operation::Equal => format!("select(0.0, 1.0, {a} == {b})"),
        Operation::NotEqual => format!("select(0.0, 1.0, {a} != {b})"),
        Operation::Select => format!("select({c}, {b}, {a} != 0.0)"),
        Operation::Call(function) if function.arity() == 1 => format!("{}({a})", function.wgsl()),
        Operation::Call(function) => format!("{}({a}, {b})", function.wgsl()),
    }
}
