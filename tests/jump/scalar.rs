//! Kernels against the walker written from the text.

use ness::backend::Batch;
use ness::backend::cpu::{InstructionSet, Precision, Tuning};
use ness::plan::{Column, DWELL_UNITS, Dynamics, JumpColumn, Plan, TILE};

use crate::batch;
use crate::random_models::samples;
use crate::reference::{Path, path};

const TRAJECTORIES: u64 = 200;

/// Whether two values are the same up to rounding of sums of this size; NaN is the same as NaN, an infinity as itself.
fn same(found: f64, expected: f64) -> bool {
    found == expected || found.is_nan() && expected.is_nan() || (found - expected).abs() <= 1e-10 * (1.0 + expected.abs())
}

/// What differs between a batch and the paths it should hold.
fn differences(plan: &Plan, batch: &Batch, paths: &[Path]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (k, column) in plan.columns.iter().enumerate() {
        assert_eq!(batch.columns[k].len(), paths.len());
        for (trajectory, path) in paths.iter().enumerate() {
            let (found, expected) = (batch.columns[k][trajectory], path.columns[k]);
            if !same(found, expected) {
                wrong.push(format!("{column:?} of trajectory {trajectory}: {found} for {expected}"));
            }
        }
    }
    let (saves, tiles) = (plan.schedule.saves(), paths.len().div_ceil(TILE));
    assert_eq!(batch.series.len(), tiles * saves * plan.series.len());
    for (tile, paths) in paths.chunks(TILE).enumerate() {
        for save in 0..saves {
            for (k, column) in plan.series.iter().enumerate() {
                let values: Vec<f64> = paths.iter().filter_map(|path| path.saves.get(save)).map(|row| row[k]).filter(|v| v.is_finite()).collect();
                let found = batch.series[(tile * saves + save) * plan.series.len() + k];
                let mean = values.iter().sum::<f64>() / (values.len() as f64).max(1.0);
                let m2: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
                if found.count != values.len() as f64 || !same(found.mean, mean) || !((found.m2 - m2).abs() <= 1e-8 * (1.0 + m2)) {
                    wrong.push(format!("{column:?} of tile {tile} at save {save}: {found:?} for {} values, mean {mean}, m2 {m2}", values.len()));
                }
            }
        }
    }
    wrong.extend(histograms(plan, batch, paths));
    wrong
}

fn histograms(plan: &Plan, batch: &Batch, paths: &[Path]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, field) in plan.fields.iter().enumerate() {
        let row = field.bins as usize + 2;
        let mut counts = vec![0; plan.schedule.saves() * row];
        let mut blocks = vec![0; (paths.len() as u64).div_ceil(plan.block) as usize * row];
        for (trajectory, path) in paths.iter().enumerate() {
            for (save, count) in path.counts.iter().enumerate() {
                let bin = (count[field.coordinate as usize] - field.lower).floor().clamp(-1.0, f64::from(field.bins)) as i64 + 1;
                counts[save * row + bin as usize] += 1;
                blocks[(trajectory as u64 / plan.block) as usize * row + bin as usize] += 1;
            }
        }
        if counts != batch.counts[index] || blocks != batch.block_counts[index] || batch.windings[index].iter().any(|&w| w != 0) {
            wrong.push(format!("counts of field {index}"));
        }
    }
    wrong
}

/// Trajectories whose sums are exact in the reference: what the tallies of a network must add up to, where none was given up.
fn tallies(plan: &Plan, batch: &Batch, paths: &[Path]) -> Vec<String> {
    let Dynamics::Network(network) = &plan.dynamics else { return Vec::new() };
    let length = network.channels + network.states.len();
    let blocks = (paths.len() as u64).div_ceil(plan.block) as usize;
    assert_eq!(batch.tallies.len(), blocks * length);
    let mut wrong = Vec::new();
    for (block, paths) in paths.chunks(plan.block as usize).enumerate() {
        if paths.iter().any(|path| path.columns[0].is_nan()) {
            continue;
        }
        let tallies = &batch.tallies[block * length..(block + 1) * length];
        let units = paths.len() as u64 * network.clock.segments * DWELL_UNITS as u64;
        let events: u64 = paths.iter().map(|path| path.events).sum();
        if tallies[..network.channels].iter().sum::<u64>() != events || tallies[network.channels..].iter().sum::<u64>() != units {
            wrong.push(format!("tallies of block {block}: {events} events, {units} units"));
        }
        for (k, column) in plan.columns.iter().enumerate() {
            let sum: f64 = paths.iter().map(|path| path.columns[k]).sum();
            let found = match column {
                Column::Jump(JumpColumn::Fired(channel)) => tallies[*channel as usize] as f64,
                Column::Jump(JumpColumn::Dwell(state)) => tallies[network.channels + *state as usize] as f64 * network.clock.length / DWELL_UNITS,
                _ => continue,
            };
            // A unit is lost or won at either end of every visit.
            if !((found - sum).abs() <= 2.0 * events as f64 * network.clock.length / DWELL_UNITS + 1e-9) {
                wrong.push(format!("{column:?} of block {block}: {found} for {sum}"));
            }
        }
    }
    wrong
}

#[test]
fn every_kernel_does_what_the_text_says() {
    let (mut given_up, mut infinite) = (0, 0);
    for sample in samples(TRAJECTORIES) {
        let paths: Vec<Path> = (0..TRAJECTORIES).map(|trajectory| path(&sample.plan, trajectory)).collect();
        for set in InstructionSet::available() {
            let batch = batch(&sample.plan, Precision::F64, Tuning { instruction_set: Some(set), threads: Some(2), group: 1, groups_per_thread: 1 });
            let mut wrong = differences(&sample.plan, &batch, &paths);
            wrong.extend(tallies(&sample.plan, &batch, &paths));
            assert!(wrong.is_empty(), "{}, {set:?}: {} differences, first {:#?}", sample.name, wrong.len(), &wrong[..wrong.len().min(5)]);
        }
        let events: u64 = paths.iter().map(|path| path.events).sum();
        assert!(events > 0, "{}: nothing happened", sample.name);
        given_up += paths.iter().filter(|path| path.columns[0].is_nan()).count();
        infinite += paths.iter().flat_map(|path| &path.columns).filter(|value| value.is_infinite()).count();
    }
    assert!(given_up > 0 && infinite == 0, "{given_up} given up, {infinite} infinite");
}

#[test]
fn the_judge_can_fail() {
    let sample = samples(TRAJECTORIES).swap_remove(1);
    let paths: Vec<Path> = (0..TRAJECTORIES).map(|trajectory| path(&sample.plan, trajectory)).collect();
    let found = batch(&sample.plan, Precision::F64, Tuning::default());
    assert!(differences(&sample.plan, &found, &paths).is_empty());
    let mut nan = found.clone();
    nan.columns[1][7] = f64::NAN;
    let mut shifted = found.clone();
    shifted.columns[2][7] += 1e-7;
    let mut series = found.clone();
    series.series.last_mut().expect("some").count -= 1.0;
    let mut count = found.clone();
    count.counts[0][5] += 1;
    for spoilt in [nan, shifted, series, count] {
        assert!(!differences(&sample.plan, &spoilt, &paths).is_empty());
    }
}
