//! The table of functions a formula may call: one row each. Help, validation, every evaluator and the tests loop over it.

use serde::Serialize;

use super::graph::{Graph, Node};
use super::lanes::{Value, map_one, map_two};
use crate::maths::{self, Lanes, Real};

/// Numbers a formula may name.
pub const CONSTANTS: [(&str, f64); 2] = [("pi", std::f64::consts::PI), ("e", std::f64::consts::E)];

/// Builds the enum and everything said of a function from one row each.
macro_rules! functions {
    (@map $out:ident, $inputs:ident, |$a:ident| $body:expr) => {
        map_one($out, &$inputs[0], #[inline(always)] |$a: R| $body)
    };
    (@map $out:ident, $inputs:ident, |$a:ident, $b:ident| $body:expr) => {
        map_two($out, &$inputs[0], &$inputs[1], #[inline(always)] |$a: R, $b: R| $body)
    };
    ($($variant:ident $name:literal $description:literal ($($argument:ident in $low:literal to $high:literal),+) {
        value: $value:expr,
        lanes: $lanes:expr,
        wgsl: $wgsl:literal,
        derivative: |$graph:ident, $which:pat_param| $derivative:expr,
    })+) => {
        /// A function of the formula language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Function {
            $(#[doc = $description] $variant,)+
        }

        /// Every function, in the order of the documentation.
        pub const FUNCTIONS: &[Function] = &[$(Function::$variant),+];

        impl Function {
            /// The name in formulas.
            pub fn name(self) -> &'static str {
                match self { $(Function::$variant => $name,)+ }
            }

            /// One line for help texts.
            pub fn description(self) -> &'static str {
                match self { $(Function::$variant => $description,)+ }
            }

            /// For every argument an interval on which function and derivative are smooth and finite: where tests sample it.
            pub fn domain(self) -> &'static [(f64, f64)] {
                match self { $(Function::$variant => &[$(($low, $high)),+],)+ }
            }

            /// The value in f64, by the standard library. A function of one argument ignores the second.
            pub fn evaluate(self, arguments: [f64; 2]) -> f64 {
                match self { $(Function::$variant => { let [$($argument),+, ..] = arguments; $value })+ }
            }

            /// The value for every lane.
            #[inline(always)]
            pub(super) fn over_lanes<R: Real, const FMA: bool>(self, inputs: [Value<'_, R>; 2], out: &mut Lanes<R>) {
                match self { $(Function::$variant => functions!(@map out, inputs, |$($argument),+| $lanes),)+ }
            }

            /// The name of the shader function: built in, or of `shaders/maths.wgsl`.
            pub fn wgsl(self) -> &'static str {
                match self { $(Function::$variant => $wgsl,)+ }
            }

            /// The derivative with respect to argument `which`.
            pub(super) fn derivative(self, graph: &mut Graph, arguments: [Node; 2], which: usize) -> Node {
                match self { $(Function::$variant => { let ($graph, [$($argument),+, ..], $which) = (graph, arguments, which); $derivative })+ }
            }
        }
    };
}

functions! {
    Sin "sin" "sine" (x in -10.0 to 10.0) {
        value: x.sin(),
        lanes: maths::sin::<R, FMA>(x),
        wgsl: "ness_sin",
        derivative: |graph, _| graph.call(Function::Cos, &[x]),
    }
    Cos "cos" "cosine" (x in -10.0 to 10.0) {
        value: x.cos(),
        lanes: maths::cos::<R, FMA>(x),
        wgsl: "ness_cos",
        derivative: |graph, _| { let sine = graph.call(Function::Sin, &[x]); graph.neg(sine) },
    }
    Tan "tan" "tangent" (x in -1.4 to 1.4) {
        value: x.tan(),
        lanes: maths::tan::<R, FMA>(x),
        wgsl: "ness_tan",
        derivative: |graph, _| {
            let tangent = graph.call(Function::Tan, &[x]);
            let square = graph.mul(tangent, tangent);
            let one = graph.constant(1.0);
            graph.add(one, square)
        },
    }
    Asin "asin" "inverse sine, in [-pi/2, pi/2]" (x in -0.9 to 0.9) {
        value: x.asin(),
        lanes: maths::asin::<R, FMA>(x),
        wgsl: "ness_asin",
        derivative: |graph, _| inverse_root(graph, x),
    }
    Acos "acos" "inverse cosine, in [0, pi]" (x in -0.9 to 0.9) {
        value: x.acos(),
        lanes: maths::acos::<R, FMA>(x),
        wgsl: "ness_acos",
        derivative: |graph, _| { let inverse = inverse_root(graph, x); graph.neg(inverse) },
    }
    Atan "atan" "inverse tangent, in (-pi/2, pi/2)" (x in -10.0 to 10.0) {
        value: x.atan(),
        lanes: maths::atan::<R, FMA>(x),
        wgsl: "ness_atan",
        derivative: |graph, _| {
            let square = graph.mul(x, x);
            let one = graph.constant(1.0);
            let sum = graph.add(one, square);
            graph.div(one, sum)
        },
    }
    Sinh "sinh" "hyperbolic sine" (x in -5.0 to 5.0) {
        value: x.sinh(),
        lanes: maths::sinh::<R, FMA>(x),
        wgsl: "ness_sinh",
        derivative: |graph, _| graph.call(Function::Cosh, &[x]),
    }
    Cosh "cosh" "hyperbolic cosine" (x in -5.0 to 5.0) {
        value: x.cosh(),
        lanes: maths::cosh::<R, FMA>(x),
        wgsl: "ness_cosh",
        derivative: |graph, _| graph.call(Function::Sinh, &[x]),
    }
    Tanh "tanh" "hyperbolic tangent" (x in -5.0 to 5.0) {
        value: x.tanh(),
        lanes: maths::tanh::<R, FMA>(x),
        wgsl: "ness_tanh",
        derivative: |graph, _| {
            let tangent = graph.call(Function::Tanh, &[x]);
            let square = graph.mul(tangent, tangent);
            let one = graph.constant(1.0);
            graph.sub(one, square)
        },
    }
    Exp "exp" "exponential" (x in -5.0 to 5.0) {
        value: x.exp(),
        lanes: maths::exp::<R, FMA>(x),
        wgsl: "ness_exp",
        derivative: |graph, _| graph.call(Function::Exp, &[x]),
    }
    Log "log" "natural logarithm" (x in 0.1 to 10.0) {
        value: x.ln(),
        lanes: maths::log::<R, FMA>(x),
        wgsl: "ness_log",
        derivative: |graph, _| { let one = graph.constant(1.0); graph.div(one, x) },
    }
    Sqrt "sqrt" "square root" (x in 0.1 to 10.0) {
        value: x.sqrt(),
        lanes: x.sqrt(),
        wgsl: "sqrt",
        derivative: |graph, _| {
            let root = graph.call(Function::Sqrt, &[x]);
            let half = graph.constant(0.5);
            graph.div(half, root)
        },
    }
    Abs "abs" "absolute value" (x in 0.1 to 10.0) {
        value: x.abs(),
        lanes: x.abs(),
        wgsl: "abs",
        derivative: |graph, _| graph.call(Function::Sign, &[x]),
    }
    Sign "sign" "-1, 0 or 1" (x in 0.1 to 10.0) {
        value: if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { x },
        lanes: if x > R::ZERO { R::ONE } else if x < R::ZERO { -R::ONE } else { x },
        wgsl: "sign",
        derivative: |graph, _| { let _ = x; graph.constant(0.0) },
    }
    Floor "floor" "largest integer not above" (x in 0.1 to 0.9) {
        value: x.floor(),
        lanes: x.floor(),
        wgsl: "floor",
        derivative: |graph, _| { let _ = x; graph.constant(0.0) },
    }
    Min "min" "the smaller of two" (a in 0.1 to 1.0, b in 1.1 to 2.0) {
        value: Real::min(a, b),
        lanes: a.min(b),
        wgsl: "min",
        derivative: |graph, which| { let first = graph.less_equal(a, b); pick(graph, first, which) },
    }
    Max "max" "the larger of two" (a in 0.1 to 1.0, b in 1.1 to 2.0) {
        value: Real::max(a, b),
        lanes: a.max(b),
        wgsl: "max",
        derivative: |graph, which| { let first = graph.less_equal(b, a); pick(graph, first, which) },
    }
    Pow "pow" "power, the same as x^y" (x in 0.2 to 4.0, y in -3.0 to 3.0) {
        value: x.powf(y),
        lanes: maths::pow::<R, FMA>(x, y),
        wgsl: "ness_pow",
        derivative: |graph, which| {
            if which == 0 {
                let one = graph.constant(1.0);
                let lower = graph.sub(y, one);
                let power = graph.pow(x, lower);
                graph.mul(y, power)
            } else {
                let power = graph.pow(x, y);
                let logarithm = graph.call(Function::Log, &[x]);
                graph.mul(power, logarithm)
            }
        },
    }
}

impl Function {
    /// How many arguments it takes.
    pub fn arity(self) -> usize {
        self.domain().len()
    }

    /// The function of that name.
    pub fn named(name: &str) -> Option<Function> {
        FUNCTIONS.iter().copied().find(|function| function.name() == name)
    }
}

/// `1/sqrt(1 − x²)`.
fn inverse_root(graph: &mut Graph, x: Node) -> Node {
    let one = graph.constant(1.0);
    let square = graph.mul(x, x);
    let difference = graph.sub(one, square);
    let root = graph.call(Function::Sqrt, &[difference]);
    graph.div(one, root)
}

/// 1 for the chosen argument, 0 for the other; `first` is 1 where argument 0 is chosen.
fn pick(graph: &mut Graph, first: Node, which: usize) -> Node {
    if which == 0 {
        return first;
    }
    let one = graph.constant(1.0);
    graph.sub(one, first)
}
