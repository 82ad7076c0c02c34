//! Programs of reactions: lanes are in different segments, so that a row is a number a lane.

use crate::backend::cpu::instruction_sets::Kernels;
use crate::expression::{Operand, Program, Value, value};
use crate::maths::{LANES, Lanes, Real};

/// What programs read.
pub(super) struct Reading<'a, R: Real> {
    pub(super) kernels: &'a Kernels<R>,
    pub(super) coordinates: &'a [Lanes<R>],
    pub(super) constants: &'a [R],
}

/// A program and its registers.
pub(super) struct Bank<R> {
    pub(super) program: Program,
    pub(super) registers: Vec<Lanes<R>>,
}

impl<R: Real> Bank<R> {
    /// The same program where column `c` of the row is coordinate `d + 1 + c`, `d` being the number of counts.
    pub(super) fn new(program: &Program, d: usize) -> Self {
        let mut program = program.clone();
        let inputs = program.instructions.iter_mut().flat_map(|instruction| &mut instruction.inputs);
        for operand in inputs.chain(&mut program.outputs) {
            if let Operand::Scheduled(column) = *operand {
                *operand = Operand::Coordinate(d as u16 + 1 + column);
            }
        }
        let registers = vec![Lanes::ZERO; usize::from(program.registers)];
        Self { program, registers }
    }

    /// Whether coordinate `i` is read.
    pub(super) fn reads(&self, i: usize) -> bool {
        let inputs = self.program.instructions.iter().flat_map(|instruction| &instruction.inputs);
        inputs.chain(&self.program.outputs).any(|&operand| operand == Operand::Coordinate(i as u16))
    }

    pub(super) fn run(&mut self, reading: &Reading<'_, R>) {
        reading.kernels.program(&self.program, reading.coordinates, reading.constants, &[], &mut self.registers);
    }

    /// The lanes of an output.
    pub(super) fn output(&self, k: usize, reading: &Reading<'_, R>, out: &mut Lanes<R>) {
        *out = match value(self.program.outputs[k], reading.coordinates, reading.constants, &[], &self.registers) {
            Value::Lanes(lanes) => *lanes,
            Value::Scalar(scalar) => Lanes([scalar; LANES]),
        };
    }
}
