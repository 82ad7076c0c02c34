//! User formulas: parsed with spans, differentiated, simplified, compiled.
//!
//! One [`Graph`] holds every formula of an experiment as hash-consed nodes, so that a common subexpression exists once
//! from the start. [`Graph::parse`] reads text, [`Graph::derivative`] differentiates, [`compile`] turns chosen nodes into a
//! [`Program`]: straight-line code over the coordinates of one trajectory, from which the CPU interprets lane blocks and
//! [`wgsl`] prints shader text. Whatever does not depend on a coordinate never reaches a kernel: it becomes a
//! [`Slots`] entry that the host evaluates in f64, once or once a step.

mod compile;
mod functions;
mod graph;
mod interval;
mod lanes;
mod parse;
mod program;
mod sheet;
mod slots;
#[cfg(test)]
mod tests;
mod wgsl;

pub use compile::compile;
pub use functions::{CONSTANTS, FUNCTIONS, Function};
pub use graph::{Graph, Node, Symbol};
pub use interval::enclose;
pub use lanes::{Value, interpret, value};
pub use parse::{ExpressionError, Scope, is_reserved};
pub use program::{CompileError, Instruction, Operand, Operation, Program};
pub use sheet::Sheets;
pub use slots::{RowEvaluator, Slots};
pub use wgsl::{wgsl, wgsl_operand};
