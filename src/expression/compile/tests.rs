use super::*;
use crate::expression::tests::{environment, scope};

/// The instructions a formula costs, and the slots it needs.
fn cost(texts: &[&str]) -> (Program, Slots) {
    let mut graph = Graph::new();
    let nodes: Vec<Node> = texts.iter().map(|text| graph.parse(text, &scope()).expect("parses")).collect();
    let mut slots = Slots::new();
    let program = compile(&graph, &nodes, &mut slots).expect("compiles");
    (program, slots)
}

#[test]
fn uniform_parts_cost_nothing() {
    for (texts, instructions, registers) in [
        (&["x"][..], 0, 0),
        (&["k*lambda + t"], 0, 0),
        (&["-k*(x - lambda)"], 2, 2),
        (&["-k*(x - lambda)*dlambda"], 2, 2),
        (&["-k*(x - lambda)", "-k*(x - lambda)*dlambda"], 3, 3),
        (&["k*x + a*x + lambda*x"], 1, 1),
        (&["x + 1 + lambda - k"], 1, 1),
        (&["x/k/a"], 1, 1),
        (&["k/x"], 1, 1),
        (&["sin(2*pi*x/k)"], 2, 2),
        (&["lambda*sin(x) + a"], 2, 2),
        (&["x*y + k"], 1, 1),
        (&["k*x - a*y"], 2, 2),
        (&["x^3 - x"], 3, 2),
        (&["sin(x) + sin(x)"], 2, 2),
    ] {
        let (program, _) = cost(texts);
        assert!(program.instructions.len() <= instructions && program.registers <= registers, "{texts:?}: {program:#?}");
    }
    let (program, slots) = cost(&["-k*(x - lambda)*dlambda"]);
    assert_eq!((slots.columns(), program.reads_schedule()), (2, true));
    let (program, _) = cost(&["-k*(x - a)"]);
    assert!(!program.reads_schedule());
}

#[test]
fn slots_are_shared_and_told_apart() {
    let mut graph = Graph::new();
    let mut parse = |text: &str| graph.parse(text, &scope()).expect("parses");
    let (force, rate, noise, drive, position) = (parse("-k*x + lambda"), parse("-k"), parse("sqrt(2*dt*k)"), parse("lambda*t"), parse("x"));
    let mut slots = Slots::new();
    let program = compile(&graph, &[force], &mut slots).expect("compiles");
    let minus_k = slots.operand(&graph, rate).expect("uniform");
    assert!(program.instructions[0].inputs.contains(&minus_k), "one slot serves both");
    assert!(matches!(slots.operand(&graph, noise), Ok(Operand::Constant(_))));
    assert_eq!(slots.operand(&graph, position), Err(CompileError::NotUniform));
    let given = slots.external_constant(7.5).expect("a slot");
    let column = slots.external_column().expect("a slot");
    let drive = slots.operand(&graph, drive).expect("a slot");
    let fixed = |symbol| environment(symbol, [f64::NAN; 2]);
    let constants = slots.constants(&fixed);
    let mut row = vec![0.0; slots.columns()];
    slots.rows().fill(&fixed, &mut row);
    let read = |operand: Operand| match operand {
        Operand::Constant(i) => constants[i as usize],
        Operand::Scheduled(i) => row[i as usize],
        _ => f64::NAN,
    };
    assert_eq!([read(minus_k), read(given), read(drive)], [-1.75, 7.5, 0.85 * 0.4]);
    assert!(matches!(column, Operand::Scheduled(_)) && read(column).is_nan());
}

#[test]
fn too_many_numbers_are_refused() {
    let text: Vec<String> = (0..70_000).map(|i| format!("sin(x*{i}.5)")).collect();
    let mut graph = Graph::new();
    let node = graph.parse(&text.join("+"), &scope()).expect("parses");
    let refusal = compile(&graph, &[node], &mut Slots::new());
    assert!(matches!(refusal, Err(CompileError::TooLarge { limit: 65_536, .. })), "{refusal:?}");
}

/// Registers are reused: a chain needs two, however long.
#[test]
fn registers_are_reused() {
    let mut text = "x".to_owned();
    for _ in 0..100 {
        text = format!("sin({text})");
    }
    let (program, _) = cost(&[&text]);
    assert_eq!((program.instructions.len(), program.registers), (100, 2));
}
