//! The same bits however the work is cut.

use ness::backend::cpu::{Cpu, InstructionSet, Precision, Tuning};
use ness::backend::{Backend, Batch, Event, Flow};
use ness::plan::{Column, Plan};

use crate::random_models::{Sample, samples};
use crate::{batch, models};

/// All numbers of a batch as bits: NaN is equal to itself here.
fn bits(batch: &Batch) -> (Vec<Vec<u64>>, Vec<[u64; 3]>, Batch) {
    let columns = batch.columns.iter().map(|column| column.iter().map(|value| value.to_bits()).collect()).collect();
    let series = batch.series.iter().map(|m| [m.count, m.mean, m.m2].map(f64::to_bits)).collect();
    (columns, series, Batch { columns: Vec::new(), series: Vec::new(), ..batch.clone() })
}

fn models(trajectories: u64) -> Vec<Sample> {
    samples(trajectories)
}

#[test]
fn chunks_and_threads_change_no_bit() {
    for sample in models(1003) {
        for precision in [Precision::F64, Precision::F32] {
            let reference = bits(&batch(&sample.plan, precision, Tuning::default()));
            for (threads, group, groups_per_thread) in [(1, 1, 1), (2, 1, 1), (3, 2, 1), (1, 16, 4)] {
                let tuning = Tuning { threads: Some(threads), group, groups_per_thread, instruction_set: None };
                assert!(bits(&batch(&sample.plan, precision, tuning)) == reference, "{}, {precision:?}, {tuning:?}", sample.name);
            }
        }
    }
}

#[test]
fn fused_instruction_sets_agree_bit_for_bit() {
    let sets: Vec<InstructionSet> = InstructionSet::available().into_iter().filter(|set| *set != InstructionSet::Baseline).collect();
    for sample in models(300) {
        for precision in [Precision::F64, Precision::F32] {
            let all: Vec<_> =
                sets.iter().map(|&set| bits(&batch(&sample.plan, precision, Tuning { instruction_set: Some(set), ..Tuning::default() }))).collect();
            assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{}, {precision:?}", sample.name);
        }
    }
}

#[test]
fn the_save_grid_changes_no_path() {
    for sample in models(300) {
        let steps = 2520;
        let with = |every: u64| {
            let mut plan = sample.plan.clone();
            plan.schedule.dt *= plan.schedule.steps as f64 / steps as f64;
            plan.relaxation_steps *= steps / plan.schedule.steps;
            (plan.schedule.steps, plan.schedule.save_every) = (steps, every);
            bits(&batch(&plan, Precision::F64, Tuning::default())).0
        };
        let reference = with(steps);
        for every in [1, 7, 360] {
            assert!(with(every) == reference, "{}, saves every {every}", sample.name);
        }
    }
}

#[test]
fn a_part_of_the_ensemble_has_the_bits_of_the_whole() {
    for sample in models(1024) {
        let whole = bits(&batch(&sample.plan, Precision::F64, Tuning::default())).0;
        let mut part = sample.plan.clone();
        part.trajectories = 512..768;
        let found = bits(&batch(&part, Precision::F64, Tuning::default())).0;
        for (all, some) in whole.iter().zip(&found) {
            assert!(all[512..768] == some[..], "{}", sample.name);
        }
    }
}

#[test]
fn seeds_and_trajectories_differ() {
    let plan = |seed: u64| Plan { seed, columns: vec![Column::Jump(ness::plan::JumpColumn::Integral(0))], ..models::birth_death().plan(256) };
    let values = |plan: &Plan| batch(plan, Precision::F64, Tuning::default()).columns[0].clone();
    let (one, two) = (values(&plan(1)), values(&plan(2)));
    assert!(one.iter().zip(&two).all(|(a, b)| a != b), "two seeds share values");
    let mut distinct: Vec<u64> = one.iter().map(|value| value.to_bits()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 256, "two trajectories share values");
}

#[test]
fn progress_counts_events_and_a_run_stops() {
    let plan = models::triangle(100.0, 4096);
    let cpu = Cpu::new(Precision::F64, Tuning { threads: Some(1), ..Tuning::default() }).expect("threads start");
    let (mut told, mut activity) = (0, 0.0);
    cpu.run(&plan, &mut |event| {
        match event {
            Event::Progress(done) => told += done,
            Event::Batch(batch) => activity += batch.columns[2].iter().sum::<f64>(),
        }
        Flow::Continue
    })
    .expect("runs");
    assert!(told as f64 == activity, "{told} told, {activity} counted");
    let long = models::triangle(1e9, 4096);
    let mut heard = 0;
    cpu.run(&long, &mut |event| {
        assert!(matches!(event, Event::Progress(_)), "this run cannot come to an end");
        heard += 1;
        if heard < 3 { Flow::Continue } else { Flow::Stop }
    })
    .expect("stops");
}
