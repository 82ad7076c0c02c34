//! The laws of results: the same bits however the work is cut.

mod common;

use common::{batches, cpu, model, run};
use ness::backend::Batch;
use ness::backend::cpu::{Cpu, InstructionSet, Precision, Tuning};
use ness::plan::Plan;

/// All models, small and with an odd number of trajectories; every integrator is among them.
fn plans() -> Vec<(String, Plan)> {
    let sets: [&[(&str, &str)]; 5] = [
        &[],
        &[("ensemble.integrator", "euler-maruyama")],
        &[("ensemble.integrator", "heun"), ("measure.theorems", "[]")],
        &[("ensemble.precision", "f32")],
        &[("ensemble.integrator", "weak-taylor")],
    ];
    let names = ["dragged-bead", "driven-ring", "breathing-trap"];
    let mut plans = Vec::new();
    for name in names {
        for set in sets {
            let common = [("ensemble.trajectories", "1003"), ("ensemble.dt", "0.01"), ("measure.every", "0.1")];
            let duration: &[(&str, &str)] = if name == "breathing-trap" { &[("t_f", "1")] } else { &[("protocol.duration", "1")] };
            let pairs: Vec<_> = common.iter().chain(duration).chain(set).copied().collect();
            plans.push((format!("{name} {set:?}"), model(name, &pairs).plan().clone()));
        }
    }
    plans
}

/// One batch out of several.
fn joined(parts: Vec<Batch>) -> Batch {
    let mut parts = parts.into_iter();
    let mut whole = parts.next().expect("at least one batch");
    for part in parts {
        assert_eq!(part.first, whole.first + whole.count as u64, "batches come in order, gap-free");
        whole.count += part.count;
        for (all, more) in whole.columns.iter_mut().zip(part.columns) {
            all.extend(more);
        }
        whole.series.extend(part.series);
        for (all, more) in whole.counts.iter_mut().zip(part.counts) {
            all.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        }
        for (all, more) in whole.windings.iter_mut().zip(part.windings) {
            all.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        }
        whole.block_counts = Vec::new();
    }
    whole.block_counts = Vec::new();
    whole
}

fn with(plan: &Plan, precision: Precision, tuning: Tuning) -> Batch {
    joined(batches(plan, &Cpu::new(precision, tuning).expect("threads start")))
}

#[test]
fn chunks_and_threads_change_no_bit() {
    for (name, plan) in plans() {
        for precision in [Precision::F64, Precision::F32] {
            let reference = with(&plan, precision, Tuning::default());
            for (threads, group, groups_per_thread) in [(1, 1, 1), (2, 1, 1), (3, 2, 1), (1, 16, 4)] {
                let tuning = Tuning { threads: Some(threads), group, groups_per_thread, ..Tuning::default() };
                assert!(with(&plan, precision, tuning) == reference, "{name}, {precision:?}, {tuning:?}");
            }
        }
    }
}

#[test]
fn fused_instruction_sets_agree_bit_for_bit() {
    let sets: Vec<InstructionSet> = InstructionSet::available().into_iter().filter(|set| *set != InstructionSet::Baseline).collect();
    for (name, plan) in plans() {
        let all: Vec<Batch> = sets.iter().map(|&set| with(&plan, Precision::F64, Tuning { instruction_set: Some(set), ..Tuning::default() })).collect();
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{name}");
    }
}

#[test]
fn without_fused_arithmetic_paths_differ_by_rounding_only() {
    for (name, plan) in plans().into_iter().filter(|(name, _)| !name.contains("f32")) {
        let fused = with(&plan, Precision::F64, Tuning::default());
        let plain = with(&plan, Precision::F64, Tuning { instruction_set: Some(InstructionSet::Baseline), ..Tuning::default() });
        for (a, b) in fused.columns.iter().zip(&plain.columns) {
            assert_eq!(a.len(), b.len());
            for (x, y) in a.iter().zip(b) {
                assert!((x - y).abs() <= 1e-9, "{name}: {x} and {y}");
            }
        }
    }
}

#[test]
fn the_save_grid_changes_no_path() {
    for (name, plan) in plans() {
        let reference = with(&plan, Precision::F64, Tuning::default());
        let finer = model_with_saves(&plan, 3 * plan.schedule.save_every.div_ceil(3).max(1), &name);
        for other in [1, 5, 50].into_iter().filter(|k| plan.schedule.steps.is_multiple_of(*k)).map(|k| model_with_saves(&plan, k, &name)).chain([finer]) {
            let columns = with(&other, Precision::F64, Tuning::default()).columns;
            assert!(columns == reference.columns, "{name}, saves every {}", other.schedule.save_every);
        }
    }
}

/// The same plan with other saves; the rows of moves to a save are made anew as zeros, which no path reads.
fn model_with_saves(plan: &Plan, every: u64, name: &str) -> Plan {
    let mut other = plan.clone();
    assert!(plan.schedule.steps > 0, "{name}");
    other.schedule.save_every = if plan.schedule.steps.is_multiple_of(every) { every } else { plan.schedule.steps };
    let rows = (other.schedule.steps as usize + other.schedule.saves()) * other.uniforms.columns;
    other.uniforms.rows.resize(rows, 0.0);
    other
}

#[test]
fn a_part_of_the_ensemble_has_the_bits_of_the_whole() {
    for (name, plan) in plans() {
        let whole = with(&plan, Precision::F64, Tuning::default());
        let mut part = plan.clone();
        part.trajectories = 512..768;
        let found = with(&part, Precision::F64, Tuning::default());
        for (all, some) in whole.columns.iter().zip(&found.columns) {
            assert!(all[512..768] == some[..], "{name}");
        }
    }
}

#[test]
fn results_do_not_depend_on_how_batches_are_cut() {
    let simulation = model("driven-ring", &[("ensemble.trajectories", "3000"), ("protocol.duration", "1")]);
    let reference = run(&simulation, &cpu());
    let backend = Cpu::new(Precision::F64, Tuning { threads: Some(1), group: 1, groups_per_thread: 1, instruction_set: None }).expect("threads start");
    let other = run(&simulation, &backend);
    assert_eq!(reference.estimates, other.estimates);
    assert_eq!(reference.theorems, other.theorems);
    assert_eq!(reference.fields, other.fields);
    assert_eq!(reference.series, other.series);
}

#[test]
fn seeds_streams_and_trajectories_differ() {
    let plan = |seed: &str| model("dragged-bead", &[("ensemble.trajectories", "256"), ("protocol.duration", "1"), ("ensemble.seed", seed)]).plan().clone();
    let work = |plan: &Plan| with(plan, Precision::F64, Tuning::default()).columns[0].clone();
    let (one, two) = (work(&plan("1")), work(&plan("2")));
    assert!(one.iter().zip(&two).filter(|(a, b)| a == b && **a != 0.0).count() == 0, "two seeds share values");
    let mut distinct: Vec<u64> = one.iter().filter(|v| **v != 0.0).map(|v| v.to_bits()).collect();
    let count = distinct.len();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), count, "two trajectories share values");
}
