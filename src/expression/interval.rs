//! Bounds of a formula while some of its symbols vary between ends: interval arithmetic whose results are formulas again.
//!
//! The bounds are proven but for rounding, and not always tight: every operation is bounded by itself.

use super::functions::Function;
use super::graph::{Expression, Graph, Node, Symbol};
use super::program::Operation;

/// Lower and upper bound; both the value itself where nothing varies.
#[derive(Clone, Copy, PartialEq)]
struct Bounds {
    low: Node,
    high: Node,
}

impl Bounds {
    fn point(node: Node) -> Self {
        Self { low: node, high: node }
    }

    fn is_point(self) -> bool {
        self.low == self.high
    }
}

/// Formulas for a lower and an upper bound of `node` while the symbols for which `range` gives ends vary between them. Where no finite bound follows, as from
/// a denominator that may vanish, the bound evaluates to an infinity (or NaN where the formula itself has no value).
pub fn enclose(graph: &mut Graph, node: Node, range: &dyn Fn(Symbol) -> Option<(Node, Node)>) -> (Node, Node) {
    let parts = graph.reachable(&[node]);
    let zero = graph.constant(0.0);
    let mut bounds = vec![Bounds::point(zero); node.index() + 1];
    for part in parts {
        bounds[part.index()] = match graph.expression(part) {
            Expression::Constant(_) => Bounds::point(part),
            Expression::Symbol(symbol) => range(symbol).map_or(Bounds::point(part), |(low, high)| Bounds { low, high }),
            Expression::Operation(operation, operands) => {
                let same = operands[0] == operands[1];
                let operands = operands.map(|operand| bounds[operand.index()]);
                operated(graph, operation, operands, same)
            }
        };
    }
    let Bounds { low, high } = bounds[node.index()];
    (low, high)
}

fn operated(graph: &mut Graph, operation: Operation, [a, b, c]: [Bounds; 3], same: bool) -> Bounds {
    let arity = operation.arity();
    if [a, b, c][..arity].iter().all(|bounds| bounds.is_point()) {
        return Bounds::point(graph.rebuild(operation, [a.low, b.low, c.low]));
    }
    match operation {
        Operation::Add => Bounds { low: graph.add(a.low, b.low), high: graph.add(a.high, b.high) },
        Operation::Sub => Bounds { low: graph.sub(a.low, b.high), high: graph.sub(a.high, b.low) },
        Operation::Neg => Bounds { low: graph.neg(a.high), high: graph.neg(a.low) },
        Operation::Mul if same => square(graph, a),
        Operation::Mul => product(graph, a, b),
        Operation::MultiplyAdd => {
            let product = product(graph, a, b);
            Bounds { low: graph.add(product.low, c.low), high: graph.add(product.high, c.high) }
        }
        Operation::Div => {
            let inverse = reciprocal(graph, b);
            product(graph, a, inverse)
        }
        Operation::Less | Operation::LessEqual | Operation::Equal | Operation::NotEqual => Bounds { low: graph.constant(0.0), high: graph.constant(1.0) },
        Operation::Select if a.is_point() => Bounds { low: graph.select(a.low, b.low, c.low), high: graph.select(a.low, b.high, c.high) },
        Operation::Select => hull(graph, b, c),
        Operation::Call(function) => called(graph, function, a, b),
    }
}

fn least(graph: &mut Graph, a: Node, b: Node) -> Node {
    graph.call(Function::Min, &[a, b])
}

fn most(graph: &mut Graph, a: Node, b: Node) -> Node {
    graph.call(Function::Max, &[a, b])
}

fn hull(graph: &mut Graph, a: Bounds, b: Bounds) -> Bounds {
    Bounds { low: least(graph, a.low, b.low), high: most(graph, a.high, b.high) }
}

fn product(graph: &mut Graph, a: Bounds, b: Bounds) -> Bounds {
    let of = |graph: &mut Graph, x: Node, y: Node| Bounds::point(graph.mul(x, y));
    let low = of(graph, a.low, b.low);
    let high = of(graph, a.high, b.high);
    let ends = hull(graph, low, high);
    if a.is_point() || b.is_point() {
        return ends;
    }
    let (first, second) = (of(graph, a.low, b.high), of(graph, a.high, b.low));
    let crossed = hull(graph, first, second);
    hull(graph, ends, crossed)
}

/// 1 where both ends have the same sign and neither is 0.
fn clear_of_zero(graph: &mut Graph, a: Bounds) -> Node {
    let zero = graph.constant(0.0);
    let ends = graph.mul(a.low, a.high);
    graph.less(zero, ends)
}

fn reciprocal(graph: &mut Graph, a: Bounds) -> Bounds {
    let one = graph.constant(1.0);
    if a.is_point() {
        return Bounds::point(graph.div(one, a.low));
    }
    let clear = clear_of_zero(graph, a);
    let (low, high) = (graph.div(one, a.high), graph.div(one, a.low));
    let (down, up) = (graph.constant(f64::NEG_INFINITY), graph.constant(f64::INFINITY));
    Bounds { low: graph.select(clear, low, down), high: graph.select(clear, high, up) }
}

/// An even function that rises from `bottom` at 0, given at the ends.
fn even(graph: &mut Graph, a: Bounds, at_low: Node, at_high: Node, bottom: f64) -> Bounds {
    let clear = clear_of_zero(graph, a);
    let bottom = graph.constant(bottom);
    let nearest = least(graph, at_low, at_high);
    Bounds { low: graph.select(clear, nearest, bottom), high: most(graph, at_low, at_high) }
}

fn square(graph: &mut Graph, a: Bounds) -> Bounds {
    let (low, high) = (graph.mul(a.low, a.low), graph.mul(a.high, a.high));
    even(graph, a, low, high, 0.0)
}

fn called(graph: &mut Graph, function: Function, a: Bounds, b: Bounds) -> Bounds {
    let mut at = |node: Node| graph.call(function, &[node]);
    match function {
        Function::Asin
        | Function::Atan
        | Function::Sinh
        | Function::Tanh
        | Function::Exp
        | Function::Log
        | Function::Sqrt
        | Function::Sign
        | Function::Floor => Bounds { low: at(a.low), high: at(a.high) },
        Function::Acos => Bounds { low: at(a.high), high: at(a.low) },
        Function::Abs | Function::Cosh => {
            let (low, high) = (at(a.low), at(a.high));
            even(graph, a, low, high, if function == Function::Cosh { 1.0 } else { 0.0 })
        }
        Function::Sin | Function::Cos => wave(graph, function, a),
        Function::Tan => Bounds { low: graph.constant(f64::NEG_INFINITY), high: graph.constant(f64::INFINITY) },
        Function::Min => Bounds { low: least(graph, a.low, b.low), high: least(graph, a.high, b.high) },
        Function::Max => Bounds { low: most(graph, a.low, b.low), high: most(graph, a.high, b.high) },
        Function::Pow => power(graph, a, b),
    }
}

/// `|f(x) − f(middle)| ≤ |x − middle|`, and never beyond ±1.
fn wave(graph: &mut Graph, function: Function, a: Bounds) -> Bounds {
    let (half, one, minus_one) = (graph.constant(0.5), graph.constant(1.0), graph.constant(-1.0));
    let sum = graph.add(a.low, a.high);
    let middle = graph.mul(half, sum);
    let width = graph.sub(a.high, a.low);
    let reach = graph.mul(half, width);
    let there = graph.call(function, &[middle]);
    let (low, high) = (graph.sub(there, reach), graph.add(there, reach));
    Bounds { low: most(graph, low, minus_one), high: least(graph, high, one) }
}

fn power(graph: &mut Graph, a: Bounds, b: Bounds) -> Bounds {
    match graph.as_constant(b.low).filter(|_| b.is_point()) {
        Some(exponent) if exponent.fract() == 0.0 => {
            let (low, high) = (graph.pow(a.low, b.low), graph.pow(a.high, b.low));
            let even_power = exponent.rem_euclid(2.0) == 0.0;
            if exponent >= 0.0 {
                if even_power { even(graph, a, low, high, 0.0) } else { Bounds { low, high } }
            } else {
                let clear = clear_of_zero(graph, a);
                let (down, up) = (graph.constant(f64::NEG_INFINITY), graph.constant(f64::INFINITY));
                let (least, most) = (least(graph, low, high), most(graph, low, high));
                Bounds { low: graph.select(clear, least, down), high: graph.select(clear, most, up) }
            }
        }
        // A base above 0: x^y = exp(y ln x).
        _ => {
            let logarithm = Bounds { low: graph.call(Function::Log, &[a.low]), high: graph.call(Function::Log, &[a.high]) };
            let exponent = product(graph, b, logarithm);
            Bounds { low: graph.call(Function::Exp, &[exponent.low]), high: graph.call(Function::Exp, &[exponent.high]) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Scope;
    use crate::random::{Draws, Purpose};

    const X: Symbol = Symbol::Coordinate(0);
    const T: Symbol = Symbol::Time;

    /// Samples points of the range; every value must lie within the bounds.
    fn check(text: &str, from: f64, to: f64, x: f64) -> (f64, f64) {
        let mut graph = Graph::new();
        let node = graph.parse(text, &Scope::new().with("x", X).with("t", T)).expect(text);
        let (low, high) = (graph.constant(from), graph.constant(to));
        let (low, high) = enclose(&mut graph, node, &|symbol| (symbol == T).then_some((low, high)));
        let at = |node: Node, t: f64| graph.evaluate(node, &|symbol| if symbol == X { x } else { t });
        let (low, high) = (at(low, f64::NAN), at(high, f64::NAN));
        for k in 0..=200 {
            let t = from + (to - from) * f64::from(k) / 200.0;
            let value = at(node, t);
            let slack = 1e-12 * (1.0 + value.abs());
            if value.is_finite() {
                assert!(low - slack <= value && value <= high + slack, "{text} at t = {t}, x = {x}: {value} outside [{low}, {high}]");
            }
        }
        (low, high)
    }

    #[test]
    fn every_operation_and_function_stays_within_its_bounds() {
        let formulas = [
            "t + x",
            "x - t",
            "-t",
            "t*x",
            "t*t",
            "(t - x)*(t + x)",
            "x/(t + 3)",
            "t/(x - 5)",
            "t^2",
            "t^3",
            "(t + 4)^0.5",
            "(t+4)^-2",
            "2^t",
            "(t+4)^t",
            "sin(t)",
            "cos(3*t + x)",
            "tan(t/10)",
            "asin(t/4)",
            "acos(t/4)",
            "atan(t)",
            "sinh(t)",
            "cosh(t)",
            "tanh(t - x)",
            "exp(-t)",
            "log(t + 4)",
            "sqrt(t + 4)",
            "abs(t)",
            "sign(t)",
            "floor(t)",
            "min(t, x)",
            "max(t, x)",
            "pow(t + 4, 2.5)",
            "if(x < 0, t, 2*t)",
            "if(t < 0, x, t^2)",
            "1 + 0.5*sin(2*t)*exp(-t)",
            "x*(x-1)*(1 + 0.2*cos(t))",
        ];
        let mut draws = Draws::new(4, Purpose::Initial, 0);
        for text in formulas {
            for _ in 0..200 {
                let from = -3.0 + 6.0 * draws.uniform();
                check(text, from, (from + 2.0 * draws.uniform()).min(3.0), -4.0 + 8.0 * draws.uniform());
            }
        }
    }

    #[test]
    fn bounds_are_not_idle() {
        let (low, high) = check("5*(1 + 0.5*sin(t))", 0.0, 0.01, 0.0);
        assert!(low >= 4.9 && high <= 5.1, "{low} {high}");
        assert_eq!(check("1/t", -1.0, 1.0, 0.0), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(check("t^2", -1.0, 2.0, 0.0), (0.0, 4.0));
    }
}
