//! Every evaluator against every other, for every row of the table and for random formulas.

use super::*;
use crate::maths::{LANES, Lanes, Real};

/// Shader functions, validated with every generated text.
const MATHS: &str = include_str!("../../shaders/maths.wgsl");

/// A fixed sequence of numbers in [0, 1).
pub(super) struct Sequence(u64);

impl Sequence {
    pub(super) fn new(seed: u64) -> Sequence {
        Sequence(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / 9_007_199_254_740_992.0
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f64) as usize
    }

    pub(super) fn within(&mut self, (lower, upper): (f64, f64)) -> f64 {
        lower + (upper - lower) * self.next()
    }
}

/// The rounding judge: holds only for a finite difference within the tolerance.
fn is_close(found: f64, wanted: f64, tolerance: f64) -> bool {
    (found - wanted).abs() <= tolerance
}

fn check_close(what: &str, found: f64, wanted: f64, tolerance: f64) {
    assert!(is_close(found, wanted, tolerance), "{what}: found {found:e}, wanted {wanted:e}, difference {:e}, tolerance {tolerance:e}", found - wanted);
}

#[test]
fn the_judge_can_fail() {
    assert!(is_close(1.0, 1.0 + 1e-9, 1e-8));
    for (found, wanted, tolerance) in [(1.0, 1.03, 0.01), (f64::NAN, 1.0, 1.0), (1.0, f64::NAN, 1.0), (f64::INFINITY, f64::INFINITY, 1.0), (1.0, -1.0, 0.5)] {
        assert!(!is_close(found, wanted, tolerance), "{found} passed for {wanted}");
    }
}

/// Two coordinates, two parameters and the protocol.
pub(super) fn scope() -> Scope {
    Scope::new()
        .with("x", Symbol::Coordinate(0))
        .with("y", Symbol::Coordinate(1))
        .with("k", Symbol::Parameter(0))
        .with("a", Symbol::Parameter(1))
        .with("lambda", Symbol::Protocol(0))
        .with("dlambda", Symbol::ProtocolChange(0))
        .with("t", Symbol::Time)
        .with("dt", Symbol::TimeStep)
}

/// Values of the symbols of [`scope`].
pub(super) fn environment(symbol: Symbol, [x, y]: [f64; 2]) -> f64 {
    match symbol {
        Symbol::Coordinate(0) => x,
        Symbol::Coordinate(_) => y,
        Symbol::Parameter(0) => 1.75,
        Symbol::Parameter(_) => -0.6,
        Symbol::Protocol(_) => 0.85,
        Symbol::ProtocolPrevious(_) => 0.8,
        Symbol::ProtocolMiddle(_) => 0.825,
        Symbol::ProtocolChange(_) => 0.05,
        Symbol::TimeStep => 0.01,
        Symbol::Time => 0.4,
    }
}

/// A program with the numbers it reads.
struct Compiled {
    program: Program,
    constants: Vec<f64>,
    row: Vec<f64>,
}

fn compiled(graph: &Graph, outputs: &[Node]) -> Compiled {
    let mut slots = Slots::new();
    let program = compile(graph, outputs, &mut slots).expect("compiles");
    let fixed = |symbol| environment(symbol, [f64::NAN; 2]);
    let mut row = vec![0.0; slots.columns()];
    slots.rows().fill(&fixed, &mut row);
    Compiled { program, constants: slots.constants(&fixed), row }
}

impl Compiled {
    fn value(&self, point: [f64; 2]) -> f64 {
        self.program.evaluate(&point, &self.constants, &self.row)[0]
    }

    /// First output and a bound of its rounding error when every operation is off by `unit` of its result: errors of operands
    /// are carried on by numerical slopes.
    fn error_bound(&self, point: [f64; 2], unit: f64) -> f64 {
        let mut registers = vec![(0.0, 0.0); self.program.registers as usize];
        let rounded = |value: f64| (value, unit * value.abs());
        let read = |operand: Operand, registers: &[(f64, f64)]| match operand {
            Operand::Register(i) => registers[i as usize],
            Operand::Coordinate(i) => rounded(point[i as usize]),
            Operand::Constant(i) => rounded(self.constants[i as usize]),
            Operand::Scheduled(i) => rounded(self.row[i as usize]),
        };
        for instruction in &self.program.instructions {
            let inputs = instruction.inputs.map(|operand| read(operand, &registers));
            let values = inputs.map(|input| input.0);
            let value = instruction.operation.evaluate(values);
            let mut bound = unit * value.abs() + f64::from(f32::MIN_POSITIVE);
            for which in 0..instruction.operation.arity() {
                for sign in [-1.0, 1.0] {
                    let mut moved = values;
                    moved[which] += sign * inputs[which].1;
                    bound += (instruction.operation.evaluate(moved) - value).abs();
                }
            }
            registers[instruction.out as usize] = (value, bound);
        }
        read(self.program.outputs[0], &registers).1
    }

    /// The first output for all points by lane blocks of type `R`.
    fn lanes<R: Real, const FMA: bool>(&self, points: &[[f64; 2]; LANES]) -> [f64; LANES] {
        let coordinates = [0, 1].map(|i| Lanes(std::array::from_fn(|l| R::from_f64(points[l][i]))));
        let [constants, row] = [&self.constants, &self.row].map(|values| values.iter().map(|&value| R::from_f64(value)).collect::<Vec<R>>());
        let mut registers = vec![Lanes([R::NAN; LANES]); self.program.registers as usize];
        interpret::<R, FMA>(&self.program, &coordinates, &constants, &row, &mut registers);
        match value(self.program.outputs[0], &coordinates, &constants, &row, &registers) {
            Value::Lanes(lanes) => lanes.0.map(R::to_f64),
            Value::Scalar(value) => [value.to_f64(); LANES],
        }
    }
}

/// Pushes a formula through every evaluator at every point.
fn check_evaluators(name: &str, graph: &Graph, node: Node, points: &[[f64; 2]; LANES]) {
    let compiled = compiled(graph, &[node]);
    check_shape(&compiled.program);
    let wide = [compiled.lanes::<f64, true>(points), compiled.lanes::<f64, false>(points)];
    let narrow = [compiled.lanes::<f32, true>(points), compiled.lanes::<f32, false>(points)];
    for (l, &point) in points.iter().enumerate() {
        let wanted = graph.evaluate(node, &|symbol| environment(symbol, point));
        let bound = compiled.error_bound(point, 4.0 * f64::EPSILON);
        check_close(&format!("program of {name} at {point:?}"), compiled.value(point), wanted, 4.0 * bound);
        for found in wide.map(|values| values[l]) {
            check_close(&format!("f64 lanes of {name} at {point:?}"), found, wanted, 4.0 * bound);
        }
        let bound = compiled.error_bound(point, 4.0 * f64::from(f32::EPSILON));
        for found in narrow.map(|values| values[l]) {
            check_close(&format!("f32 lanes of {name} at {point:?}"), found, wanted, 2.0 * bound);
        }
    }
    check_shader(&wgsl(&compiled.program, "force", 2));
}

/// Targets differ from sources, registers are written before they are read, nothing is dead.
fn check_shape(program: &Program) {
    let mut last_writer: Vec<Option<usize>> = vec![None; program.registers as usize];
    let mut used = vec![false; program.instructions.len()];
    let mut read = |operand: Operand, writers: &[Option<usize>]| {
        if let Operand::Register(i) = operand {
            used[writers[i as usize].expect("written before read")] = true;
        }
    };
    for (index, instruction) in program.instructions.iter().enumerate() {
        assert!(!instruction.inputs.contains(&Operand::Register(instruction.out)), "{instruction:?}");
        instruction.inputs.iter().for_each(|&operand| read(operand, &last_writer));
        last_writer[instruction.out as usize] = Some(index);
    }
    program.outputs.iter().for_each(|&operand| read(operand, &last_writer));
    assert!(used.iter().all(|&used| used), "dead code in {program:?}");
}

/// Parses and validates the text inside a module such as the GPU backend makes.
fn check_shader(function: &str) {
    if let Err(message) = validate(function) {
        panic!("{message}\n{function}");
    }
}

fn validate(function: &str) -> Result<(), String> {
    let text = format!(
        "{MATHS}\n@group(0) @binding(0) var<storage, read> constants: array<f32>;\n@group(0) @binding(1) var<storage, read> rows: array<f32>;\n{function}"
    );
    let module = naga::front::wgsl::parse_str(&text).map_err(|error| error.emit_to_string(&text))?;
    naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty())
        .validate(&module)
        .map(drop)
        .map_err(|error| error.emit_to_string(&text))
}

#[test]
fn the_shader_judge_can_fail() {
    assert!(validate("fn force() -> f32 { return 1.0; }").is_ok());
    assert!(validate("fn force() -> f32 { return unknown(1.0); }").is_err());
    assert!(validate("fn force() -> u32 { return 1.0; }").is_err());
}

/// Points inside the domain of a function.
fn points(domain: &[(f64, f64)], sequence: &mut Sequence) -> [[f64; 2]; LANES] {
    std::array::from_fn(|_| [sequence.within(domain[0]), sequence.within(domain[domain.len() - 1])])
}

#[test]
fn every_row_of_the_table_agrees_everywhere() {
    for &function in FUNCTIONS {
        let mut graph = Graph::new();
        let arguments = &["x", "y"][..function.arity()];
        let text = format!("{}({})", function.name(), arguments.join(", "));
        let node = graph.parse(&text, &scope()).expect("parses");
        let points = points(function.domain(), &mut Sequence::new(function.name().len() as u64));
        check_evaluators(&text, &graph, node, &points);
        for (which, _) in arguments.iter().enumerate() {
            let derivative = graph.derivative(node, Symbol::Coordinate(which as u16));
            check_evaluators(&format!("derivative of {text}"), &graph, derivative, &points);
            check_derivative(&text, &graph, node, derivative, which, &points);
        }
        assert!(!function.description().is_empty() && is_reserved(function.name()));
    }
}

/// Central differences at every point.
fn check_derivative(name: &str, graph: &Graph, node: Node, derivative: Node, which: usize, points: &[[f64; 2]]) {
    for &point in points {
        let step = 1e-5;
        let at = |shift: f64| {
            let mut moved = point;
            moved[which] += shift;
            graph.evaluate(node, &|symbol| environment(symbol, moved))
        };
        let (ahead, behind, wide) = (at(step), at(-step), (at(2.0 * step) - at(-2.0 * step)) / (4.0 * step));
        let slope = (ahead - behind) / (2.0 * step);
        // The two slopes differ by three times the truncation of the better one; the rest is rounding.
        let tolerance = 10.0 * (slope - wide).abs() + 1e-9 * (ahead.abs() + 1.0) + 1e-9 * slope.abs();
        let found = graph.evaluate(derivative, &|symbol| environment(symbol, point));
        check_close(&format!("derivative {which} of {name} at {point:?}"), found, slope, tolerance);
    }
}

/// A random smooth formula whose values stay moderate.
fn random_formula(sequence: &mut Sequence, depth: usize) -> String {
    if depth == 0 {
        return match sequence.below(8) {
            0 | 1 => "x".to_owned(),
            2 | 3 => "y".to_owned(),
            4 => "k".to_owned(),
            5 => "lambda".to_owned(),
            6 => "dlambda".to_owned(),
            _ => format!("{:.2}", sequence.within((0.1, 3.0))),
        };
    }
    let mut part = || random_formula(sequence, depth - 1);
    let (a, b, c) = (part(), part(), part());
    match sequence.below(16) {
        0 | 1 => format!("({a} + {b})"),
        2 | 3 => format!("({a} - {b})"),
        4..=6 => format!("({a}) * ({b})"),
        7 => format!("({a}) / (2 + sin({b}))"),
        8 => format!("-({a})"),
        9 => format!("sin({a})"),
        10 => format!("cos({a} - {b})"),
        11 => format!("exp(-({a})^2)"),
        12 => format!("tanh({a})"),
        13 => format!("sqrt(1 + ({a})^2)"),
        14 => format!("(k > 0.5 ? {a} : {b})"),
        _ => format!("if(a * dt < lambda, {a}, {c}) / (2 + lambda)"),
    }
}

#[test]
fn random_formulas_agree_everywhere() {
    let mut sequence = Sequence::new(11);
    for number in 0..120 {
        let mut graph = Graph::new();
        let text = random_formula(&mut sequence, 1 + number % 4);
        let node = graph.parse(&text, &scope()).expect("parses");
        let points = points(&[(-1.5, 1.5), (-1.5, 1.5)], &mut sequence);
        check_evaluators(&text, &graph, node, &points);
        for which in 0..2 {
            let derivative = graph.derivative(node, Symbol::Coordinate(which));
            check_derivative(&text, &graph, node, derivative, which as usize, &points[..16]);
        }
        let names = |symbol| scope().iter().find(|&(_, other)| other == symbol).map(|(name, _)| name.to_owned()).expect("named");
        let shown = graph.display(node, &names);
        let again = graph.parse(&shown, &scope()).expect("the shown text parses");
        for &point in &points[..4] {
            let [first, second] = [node, again].map(|node| graph.evaluate(node, &|symbol| environment(symbol, point)));
            check_close(&format!("{text} shown as {shown}"), second, first, 1e-12 * (1.0 + first.abs()));
        }
    }
}

#[test]
fn comparisons_and_conditions_choose_the_same_branch_everywhere() {
    for text in [
        "x < y",
        "x <= 0",
        "x == y",
        "x != 0.25",
        "x > y ? x : y",
        "x > 0 && y > 0",
        "x > 0 || y > 0",
        "!(x > 0) ? 3 : y",
        "if(lambda > 2, x, -y)",
        "lambda < 1 ? 2 : x",
    ] {
        let mut graph = Graph::new();
        let node = graph.parse(text, &scope()).expect("parses");
        // Multiples of 1/4, so that equality happens and f32 sees the same.
        let mut sequence = Sequence::new(3);
        let points = std::array::from_fn(|_| [sequence.below(9), sequence.below(9)].map(|i| i as f64 / 4.0 - 1.0));
        check_evaluators(text, &graph, node, &points);
    }
}

#[test]
fn nan_reaches_the_output() {
    let points = [[f64::NAN, 0.5]; LANES];
    for &function in FUNCTIONS {
        let text = ["x", "y", "x, y", "y, x"].iter().filter(|arguments| arguments.contains('x') && arguments.matches(',').count() + 1 == function.arity());
        for arguments in text {
            let mut graph = Graph::new();
            let node = graph.parse(&format!("{}({arguments})", function.name()), &scope()).expect("parses");
            let compiled = compiled(&graph, &[node]);
            assert!(compiled.value(points[0]).is_nan(), "{}({arguments})", function.name());
            assert!(compiled.lanes::<f64, true>(&points)[0].is_nan(), "{}({arguments})", function.name());
            assert!(compiled.lanes::<f32, false>(&points)[0].is_nan(), "{}({arguments})", function.name());
        }
    }
}

#[test]
fn nothing_typed_reaches_the_shader() {
    let scope = Scope::new().with("evil", Symbol::Coordinate(0)).with("discard", Symbol::Coordinate(1)).with("名前", Symbol::Parameter(0));
    for text in ["evil + discard*名前", "sin(evil)^2.5 / 1e308", "evil > 1e-300 ? 1e300 : -discard"] {
        let mut graph = Graph::new();
        let node = graph.parse(text, &scope).expect("parses");
        let mut slots = Slots::new();
        let program = compile(&graph, &[node], &mut slots).expect("compiles");
        let shader = wgsl(&program, "force", 2);
        check_shader(&shader);
        for word in shader.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()) {
            let ours = ["fn", "force", "x", "array", "f32", "u32", "row", "rows", "constants", "let", "return", "select", "fma"].contains(&word);
            let function = FUNCTIONS.iter().any(|function| function.wgsl() == word);
            let number = word.trim_start_matches('v').trim_end_matches('u').parse::<u32>().is_ok();
            assert!(ours || function || number, "`{word}` in\n{shader}");
        }
    }
    for attack in
        ["x; discard", "x /* */ + y", "x)} fn main() {(", "x\n// y", "@compute", "x[0]", "ness_sin(x)", "array<f32>", "\"x\"", "x\\y", "#x", "1e5f", "0x1p3"]
    {
        assert!(Graph::new().parse(attack, &self::scope()).is_err(), "{attack}");
    }
}
