//! Straight-line code over the coordinates of one trajectory, as plain data.

use serde::Serialize;

use super::functions::Function;

/// Where an instruction, a result or a coefficient of a kernel reads a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operand {
    /// A result of an earlier instruction.
    Register(u16),
    /// A coordinate of the trajectory.
    Coordinate(u16),
    /// A number of the whole run: entry of [`crate::plan::Uniforms::constants`].
    Constant(u16),
    /// A number of the present step: entry of a row of [`crate::plan::Uniforms::rows`].
    Scheduled(u16),
}

/// What an instruction (or a node of a [`super::Graph`]) does with its operands `a`, `b`, `c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// `a + b`.
    Add,
    /// `a − b`.
    Sub,
    /// `a·b`.
    Mul,
    /// `a/b`.
    Div,
    /// `−a`.
    Neg,
    /// `a·b + c`; only in programs.
    MultiplyAdd,
    /// 1 where `a < b`, else 0.
    Less,
    /// 1 where `a ≤ b`, else 0.
    LessEqual,
    /// 1 where `a = b`, else 0.
    Equal,
    /// 1 where `a ≠ b`, else 0.
    NotEqual,
    /// `b` where `a ≠ 0`, else `c`.
    Select,
    /// A function of `a` (and `b`).
    Call(Function),
}

impl Operation {
    /// How many operands it reads; those beyond repeat the first.
    pub fn arity(self) -> usize {
        match self {
            Operation::Neg => 1,
            Operation::MultiplyAdd | Operation::Select => 3,
            Operation::Call(function) => function.arity(),
            _ => 2,
        }
    }

    /// The value in f64, by the standard library; a product and a sum are rounded separately.
    pub fn evaluate(self, [a, b, c]: [f64; 3]) -> f64 {
        match self {
            Operation::Add => a + b,
            Operation::Sub => a - b,
            Operation::Mul => a * b,
            Operation::Div => a / b,
            Operation::Neg => -a,
            Operation::MultiplyAdd => a * b + c,
            Operation::Less => f64::from(a < b),
            Operation::LessEqual => f64::from(a <= b),
            Operation::Equal => f64::from(a == b),
            Operation::NotEqual => f64::from(a != b),
            Operation::Select if a != 0.0 => b,
            Operation::Select => c,
            Operation::Call(function) => function.evaluate([a, b]),
        }
    }
}

/// `registers[out] = operation(inputs)`; `out` is never among the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Instruction {
    /// What to do.
    pub operation: Operation,
    /// Register that takes the result.
    pub out: u16,
    /// Operands; those beyond [`Operation::arity`] repeat the first.
    pub inputs: [Operand; 3],
}

/// Code that turns coordinates, constants and a row into outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Program {
    /// Run in this order.
    pub instructions: Vec<Instruction>,
    /// Registers needed.
    pub registers: u16,
    /// Where the results are after the last instruction.
    pub outputs: Vec<Operand>,
}

impl Program {
    /// The outputs for one trajectory in f64, with the functions of the standard library.
    ///
    /// # Panics
    /// When a slice is shorter than the program needs.
    pub fn evaluate(&self, coordinates: &[f64], constants: &[f64], row: &[f64]) -> Vec<f64> {
        let mut registers = vec![0.0; self.registers as usize];
        let read = |operand: Operand, registers: &[f64]| match operand {
            Operand::Register(i) => registers[i as usize],
            Operand::Coordinate(i) => coordinates[i as usize],
            Operand::Constant(i) => constants[i as usize],
            Operand::Scheduled(i) => row[i as usize],
        };
        for instruction in &self.instructions {
            let inputs = instruction.inputs.map(|operand| read(operand, &registers));
            registers[instruction.out as usize] = instruction.operation.evaluate(inputs);
        }
        self.outputs.iter().map(|&output| read(output, &registers)).collect()
    }

    /// Whether anything is read that changes from step to step.
    pub fn reads_schedule(&self) -> bool {
        let scheduled = |operand: &Operand| matches!(operand, Operand::Scheduled(_));
        self.outputs.iter().any(scheduled) || self.instructions.iter().any(|instruction| instruction.inputs.iter().any(scheduled))
    }
}

/// Why formulas did not become a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// More distinct numbers than an operand can name.
    #[error("the formulas need more than {limit} {kind}; write them with fewer distinct terms")]
    TooLarge {
        /// Of what there are too many.
        kind: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// A number that must be the same for all trajectories depends on a coordinate.
    #[error("this value must be the same for all trajectories, but it depends on a coordinate; use parameters, the protocol and time only")]
    NotUniform,
}
