//! Tau-leaping: against exact laws, its bias stated, and the laws that every result obeys.

mod common;

use common::{assert_holds, cpu, estimate, prepare, run, text};
use ness::backend::cpu::{Cpu, Precision, Tuning};
use ness::backend::{Backend, Batch, Event, Flow};
use ness::experiment::Source;
use ness::plan::{Column, Plan};

/// Isomers that relax from one side, at random; 1500 molecules have 1501 states.
const ISOMERS: &str = r#"
title = "isomers"
[model]
kind = "reactions"
species = { A = 1400, B = 0 }
reactions = [{ name = "turn", equation = "A <-> B", forward = 1.0, reverse = 2.0 }]
[protocol]
duration = 1.0
[initial]
distribution = "point"
[ensemble]
trajectories = 20_000
method = "tau-leaping"
[measure]
every = 0.1
theorems = ["conservation"]
"#;

/// Molecules that pair, and fall apart.
const PAIRS: &str = r#"
title = "pairs"
[model]
kind = "reactions"
species = { A = 2000, P = 0 }
reactions = [{ name = "pair", equation = "2 A <-> P", forward = 0.002, reverse = 1.0 }]
[protocol]
duration = 0.5
[initial]
distribution = "point"
[ensemble]
trajectories = 20_000
method = "tau-leaping"
[measure]
every = 0.1
"#;

/// Prey, eaten and born: counts come close to 0.
const SCARCE: &str = r#"
title = "scarce"
[model]
kind = "reactions"
species = { X = 30, Y = 5 }
reactions = [
  { name = "birth", equation = "X -> 2 X", rate = 1.0 },
  { name = "hunt", equation = "X + Y -> 2 Y", rate = 0.05 },
  { name = "death", equation = "Y -> ", rate = 1.0 },
  { name = "pairing", equation = "2 X -> ", rate = 0.01 },
]
[protocol]
duration = 10.0
[initial]
distribution = "point"
[ensemble]
trajectories = 2_000
method = "tau-leaping"
tolerance = 0.5
[measure]
every = 0.5
"#;

fn batches(plan: &Plan, tuning: Tuning) -> Vec<Batch> {
    let mut batches = Vec::new();
    let backend = Cpu::new(Precision::F64, tuning).expect("the processor is there");
    backend
        .run(plan, &mut |event| {
            if let Event::Batch(batch) = event {
                batches.push(batch);
            }
            Flow::Continue
        })
        .expect("the plan runs");
    batches
}

fn column(batches: &[Batch], index: usize) -> Vec<u64> {
    batches.iter().flat_map(|batch| &batch.columns[index]).map(|value| value.to_bits()).collect()
}

#[test]
fn estimates_less_their_bias_are_exact() {
    for (file, tolerances) in [(ISOMERS, ["0.03", "0.1"]), (PAIRS, ["0.03", "0.06"])] {
        for tolerance in tolerances {
            let outcome = run(&text(file, &[("ensemble.tolerance", tolerance)]), &cpu());
            let compared: Vec<_> = outcome.estimates.iter().filter(|e| e.exact.is_some()).collect();
            assert!(compared.len() >= 6, "{}", compared.len());
            for e in compared {
                assert!(e.bias.is_some(), "{} has no bias", e.name);
                assert!(
                    e.z.is_some_and(|z| z.abs() <= 4.5),
                    "{tolerance} {}: {} ± {}, bias {:?}, exact {:?}",
                    e.name,
                    e.value,
                    e.standard_error,
                    e.bias,
                    e.exact
                );
            }
        }
    }
}

#[test]
fn a_large_tolerance_shows_its_bias() {
    let outcome = run(&text(PAIRS, &[("ensemble.tolerance", "0.3"), ("ensemble.trajectories", "100000")]), &cpu());
    let mean = estimate(&outcome, "mean.A");
    let (bias, exact) = (mean.bias.expect("it is stated"), mean.exact.expect("it is known"));
    let raw = (mean.value - exact) / mean.standard_error;
    assert!(raw.abs() > 5.0, "leaps of 30 % leave no trace: {raw}");
    assert!(bias.value * raw > 0.0 && bias.value.abs() > 4.0 * bias.standard_error, "{bias:?}");
    assert!(outcome.warnings.iter().any(|warning| warning.contains("tau-leaping")));
}

#[test]
fn conservation_holds_by_leaps() {
    assert_holds(&run(&text(ISOMERS, &[]), &cpu()), "conservation");
}

#[test]
fn saves_threads_and_batches_change_no_path() {
    let often = text(PAIRS, &[("ensemble.trajectories", "700"), ("measure.every", "0.01")]);
    let seldom = text(PAIRS, &[("ensemble.trajectories", "700"), ("measure.every", "0.5")]);
    let one = batches(often.plan(), Tuning::default());
    let two = batches(seldom.plan(), Tuning { threads: Some(1), group: 1, groups_per_thread: 1, ..Tuning::default() });
    for index in 0..often.plan().columns.len() {
        if matches!(often.plan().columns[index], Column::Jump(ness::plan::JumpColumn::Integral(_))) {
            continue;
        }
        assert_eq!(column(&one, index), column(&two, index), "{:?}", often.plan().columns[index]);
    }
    let mut part = seldom.plan().clone();
    part.trajectories = 256..320;
    part.fields.clear();
    assert_eq!(column(&batches(&part, Tuning::default()), 1), column(&one, 1)[256..320]);
}

#[test]
fn counts_stay_whole_and_above_0() {
    let simulation = text(SCARCE, &[]);
    let batches = batches(simulation.plan(), Tuning::default());
    for (index, column) in simulation.plan().columns.iter().enumerate() {
        let whole = matches!(column, Column::Position(_) | Column::Jump(ness::plan::JumpColumn::Fired(_)));
        for &value in batches.iter().flat_map(|batch| &batch.columns[index]).filter(|_| whole) {
            assert!(value >= 0.0 && value == value.round(), "{column:?}: {value}");
        }
    }
    // Every bin below 0 is empty at every save.
    assert!(batches.iter().all(|batch| {
        batch
            .counts
            .iter()
            .zip(&simulation.plan().fields)
            .all(|(counts, field)| field.lower > -1.0 && counts.chunks(field.bins as usize + 2).all(|row| row[0] == 0))
    }));
}

#[test]
fn scarce_species_follow_the_exact_ensemble() {
    // Near 0 every channel is critical, so that leaps are events: extinction is as likely as it is.
    let many = ("ensemble.trajectories", "40000");
    let leaps = run(&text(SCARCE, &[many, ("ensemble.tolerance", "0.03")]), &cpu());
    let exact = run(&text(&SCARCE.replace("method = \"tau-leaping\"\ntolerance = 0.5\n", ""), &[many]), &cpu());
    for name in ["mean.X", "mean.Y", "time_average.X", "activity"] {
        let (a, b) = (estimate(&leaps, name), estimate(&exact, name));
        let z = (a.value - b.value) / a.standard_error.hypot(b.standard_error);
        assert!(z.abs() <= 4.0, "{name}: {} against {}: {z}", a.value, b.value);
    }
}

#[test]
fn what_leaps_cannot_do_is_refused() {
    let refused = |changes: &[(&str, &str)]| {
        let source = Source::Text { name: "test".to_owned(), text: ISOMERS.to_owned() };
        prepare(&source, changes).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(refused(&[("measure.theorems", "[\"integral_total\"]")]).contains("tau-leaping"));
    assert!(refused(&[("ensemble.tolerance", "1.5")]).contains("tolerance"));
    assert!(refused(&[("ensemble.method", "\"leap\"")]).contains("tau-leaping"));
    assert!(refused(&[("ensemble.method", "exact"), ("ensemble.tolerance", "0.1")]).contains("tolerance"));
    assert!(refused(&[("ensemble.precision", "f32")]).contains("double precision"));
    let network = Source::named("triangle-open");
    let error = prepare(&network, &[("ensemble.method", "tau-leaping"), ("measure.theorems", "[]")]).err().expect("a network has no leaps");
    assert!(error.to_string().contains("network"), "{error}");
}
