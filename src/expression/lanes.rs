//! Interprets a [`Program`] for a block of trajectories: one operation over all lanes an instruction.

use super::program::{Operand, Operation, Program};
use crate::maths::{LANES, Lanes, Real};

/// What an operand stands for: a number for each lane, or one for all.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a, R> {
    /// One number a lane.
    Lanes(&'a Lanes<R>),
    /// The same number for all lanes.
    Scalar(R),
}

/// Runs the program. `coordinates` are the positions, `constants` and `row` what [`Operand::Constant`] and [`Operand::Scheduled`] read;
/// `registers` (at least [`Program::registers`] of them, contents arbitrary) take the results, which [`value`] reads through [`Program::outputs`].
///
/// # Panics
/// When a slice is shorter than the program needs.
#[inline(always)]
pub fn interpret<R: Real, const FMA: bool>(program: &Program, coordinates: &[Lanes<R>], constants: &[R], row: &[R], registers: &mut [Lanes<R>]) {
    for instruction in &program.instructions {
        // An instruction never reads the register it writes, so that the target and two shared parts around it suffice.
        let (before, rest) = registers.split_at_mut(instruction.out as usize);
        let (target, after) = rest.split_at_mut(1);
        let (before, out, after) = (&*before, &mut target[0], &*after);
        // All three at once (those beyond the arity repeat the first): one place to resolve operands keeps the dispatch short.
        let slices = (coordinates, constants, row, before, after);
        let [a, b, c] = instruction.inputs;
        let (a, b, c) = (read(a, instruction.out, slices), read(b, instruction.out, slices), read(c, instruction.out, slices));
        match instruction.operation {
            Operation::Add => map_two(out, &a, &b, |a, b| a + b),
            Operation::Sub => map_two(out, &a, &b, |a, b| a - b),
            Operation::Mul => map_two(out, &a, &b, |a, b| a * b),
            Operation::Div => map_two(out, &a, &b, |a, b| a / b),
            Operation::Neg => map_one(out, &a, |a| -a),
            Operation::MultiplyAdd => map_three(out, &a, &b, &c, |a, b, c| a.multiply_add::<FMA>(b, c)),
            Operation::Less => map_two(out, &a, &b, |a, b| truth(a < b)),
            Operation::LessEqual => map_two(out, &a, &b, |a, b| truth(a <= b)),
            Operation::Equal => map_two(out, &a, &b, |a, b| truth(a == b)),
            Operation::NotEqual => map_two(out, &a, &b, |a, b| truth(a != b)),
            Operation::Select => map_three(out, &a, &b, &c, |a, b, c| if a != R::ZERO { b } else { c }),
            Operation::Call(function) => function.over_lanes::<R, FMA>([a, b], out),
        }
    }
}

/// Coordinates, constants, row, and the registers before and after the target.
type Slices<'a, R> = (&'a [Lanes<R>], &'a [R], &'a [R], &'a [Lanes<R>], &'a [Lanes<R>]);

/// What an operand stands for, while register `out` is being written.
#[inline(always)]
fn read<'a, R: Real>(operand: Operand, out: u16, (coordinates, constants, row, before, after): Slices<'a, R>) -> Value<'a, R> {
    match operand {
        Operand::Register(i) if i >= out => Value::Lanes(&after[(i - out) as usize - 1]),
        other => value(other, coordinates, constants, row, before),
    }
}

/// What an operand stands for, after [`interpret`].
///
/// # Panics
/// When the operand is not of the program these slices belong to.
#[inline(always)]
pub fn value<'a, R: Real>(operand: Operand, coordinates: &'a [Lanes<R>], constants: &[R], row: &[R], registers: &'a [Lanes<R>]) -> Value<'a, R> {
    match operand {
        Operand::Register(i) => Value::Lanes(&registers[i as usize]),
        Operand::Coordinate(i) => Value::Lanes(&coordinates[i as usize]),
        Operand::Constant(i) => Value::Scalar(constants[i as usize]),
        Operand::Scheduled(i) => Value::Scalar(row[i as usize]),
    }
}

/// `out = f(a)`, lane by lane.
#[inline(always)]
pub(super) fn map_one<R: Real>(out: &mut Lanes<R>, a: &Value<'_, R>, f: impl Fn(R) -> R) {
    match a {
        Value::Lanes(a) => fill(
            out,
            #[inline(always)]
            |l| f(a.0[l]),
        ),
        Value::Scalar(a) => out.0 = [f(*a); LANES],
    }
}

/// `out = f(a, b)`, lane by lane; each kind of operand has its own loop, so that a number for all stays in a register.
#[inline(always)]
pub(super) fn map_two<R: Real>(out: &mut Lanes<R>, a: &Value<'_, R>, b: &Value<'_, R>, f: impl Fn(R, R) -> R) {
    match (a, b) {
        (Value::Lanes(a), Value::Lanes(b)) => fill(
            out,
            #[inline(always)]
            |l| f(a.0[l], b.0[l]),
        ),
        (Value::Lanes(a), Value::Scalar(b)) => fill(
            out,
            #[inline(always)]
            |l| f(a.0[l], *b),
        ),
        (Value::Scalar(a), Value::Lanes(b)) => fill(
            out,
            #[inline(always)]
            |l| f(*a, b.0[l]),
        ),
        (Value::Scalar(a), Value::Scalar(b)) => out.0 = [f(*a, *b); LANES],
    }
}

/// `out = f(a, b, c)`, lane by lane.
#[inline(always)]
fn map_three<R: Real>(out: &mut Lanes<R>, a: &Value<'_, R>, b: &Value<'_, R>, c: &Value<'_, R>, f: impl Fn(R, R, R) -> R) {
    match a {
        Value::Scalar(a) => map_two(
            out,
            b,
            c,
            #[inline(always)]
            |b, c| f(*a, b, c),
        ),
        Value::Lanes(a) => match (b, c) {
            (Value::Lanes(b), Value::Lanes(c)) => fill(
                out,
                #[inline(always)]
                |l| f(a.0[l], b.0[l], c.0[l]),
            ),
            (Value::Lanes(b), Value::Scalar(c)) => fill(
                out,
                #[inline(always)]
                |l| f(a.0[l], b.0[l], *c),
            ),
            (Value::Scalar(b), Value::Lanes(c)) => fill(
                out,
                #[inline(always)]
                |l| f(a.0[l], *b, c.0[l]),
            ),
            (Value::Scalar(b), Value::Scalar(c)) => fill(
                out,
                #[inline(always)]
                |l| f(a.0[l], *b, *c),
            ),
        },
    }
}

/// 1 or 0.
#[inline(always)]
fn truth<R: Real>(condition: bool) -> R {
    if condition { R::ONE } else { R::ZERO }
}

/// The loop all operations share.
#[inline(always)]
fn fill<R: Real>(out: &mut Lanes<R>, f: impl Fn(usize) -> R) {
    for l in 0..LANES {
        out.0[l] = f(l);
    }
}
