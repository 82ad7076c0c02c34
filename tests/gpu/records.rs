//! What is saved on the way: tile moments, density counts, winding numbers.

use ness::backend::gpu::Tuning;
use ness::backend::{Batch, TileMoments};
use ness::plan::{Column, InitialState, Integrator, Plan, TILE};

use crate::models::{self, grid};
use crate::{batches, device, joined};

fn column(plan: &Plan, column: Column) -> usize {
    plan.columns.iter().position(|&c| c == column).expect("the column is asked for")
}

/// Values of a series at the end, trajectory by trajectory.
fn end_values(plan: &Plan, batch: &Batch, observable: Column) -> Vec<f64> {
    let values = batch.columns[column(plan, observable)].clone();
    match observable {
        Column::Position(i) => {
            let period = plan.coordinates[i as usize].boundary.period().unwrap_or(0.0);
            values.iter().zip(&batch.columns[column(plan, Column::Winding(i))]).map(|(x, turns)| x + period * turns).collect()
        }
        _ => values,
    }
}

fn host_moments(values: &[f64]) -> TileMoments {
    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let mean = finite.iter().sum::<f64>() / (finite.len() as f64).max(1.0);
    TileMoments { count: finite.len() as f64, mean, m2: finite.iter().map(|v| (v - mean).powi(2)).sum() }
}

fn close(a: &TileMoments, b: &TileMoments) -> bool {
    a.count == b.count && (a.mean - b.mean).abs() <= 2e-6 * b.mean.abs().max(1.0) && (a.m2 - b.m2).abs() <= 2e-5 * b.m2.max(1e-3)
}

/// The moments of the last save are those of the end values.
fn moments_agree(plan: &Plan, batch: &Batch) {
    let saves = plan.schedule.saves();
    assert_eq!(batch.series.len(), batch.count.div_ceil(TILE) * saves * plan.series.len());
    for (o, &observable) in plan.series.iter().enumerate() {
        let values = end_values(plan, batch, observable);
        for (tile, part) in values.chunks(TILE).enumerate() {
            let found = batch.series[(tile * saves + saves - 1) * plan.series.len() + o];
            let expected = host_moments(part);
            assert!(close(&found, &expected), "{observable:?}, tile {tile}: {found:?} against {expected:?}");
            assert!(!close(&found, &TileMoments { m2: 1.0001 * expected.m2 + 1e-6, ..expected }), "the judge takes anything");
        }
    }
}

#[test]
fn tile_moments_are_those_of_the_trajectories() {
    for model in [models::trap(Integrator::EulerMaruyama), models::coupled(Integrator::EulerMaruyama), models::exact_trap()] {
        let plan = Plan { trajectories: 0..200, ..model.plan() };
        let Some(gpu) = device(Tuning::default()) else { return };
        moments_agree(&plan, &joined(&plan, &batches(&gpu, &plan)));
    }
}

#[test]
fn the_first_save_is_before_the_first_step() {
    let Some(gpu) = device(Tuning::default()) else { return };
    let plan = models::ring(Integrator::WeakTaylor).plan();
    let batch = joined(&plan, &batches(&gpu, &plan));
    let starts = host_moments(&batch.columns[column(&plan, Column::Initial(0))][..TILE]);
    assert!(close(&batch.series[0], &starts), "{:?} against {starts:?}", batch.series[0]);
    assert_eq!((batch.series[1].mean, batch.series[1].m2), (0.0, 0.0), "work before the first step");
}

#[test]
fn trajectories_that_are_not_finite_count_as_absent() {
    let Some(gpu) = device(Tuning::default()) else { return };
    // A quartic potential and far starts: some trajectories run away within a few steps.
    let model = models::Model { potential: "x^4", ..models::trap(Integrator::EulerMaruyama) };
    let mut plan = Plan { trajectories: 0..256, ..models::Model { protocol: None, ..model }.plan() };
    plan.initial = InitialState::Uniform { lower: vec![-8.0], upper: vec![8.0] };
    plan.fields = vec![grid(-1.0, 1.0, 10)];
    let batch = joined(&plan, &batches(&gpu, &plan));
    let lost = batch.columns[1].iter().filter(|x| !x.is_finite()).count();
    assert!((10..200).contains(&lost), "{lost} of 256 ran away");
    let saves = plan.schedule.saves();
    let counted: f64 = (0..4).map(|tile| batch.series[(tile * saves + saves - 1) * plan.series.len()].count).sum();
    assert_eq!(counted as usize, 256 - lost);
    assert_eq!(batch.counts[0][(saves - 1) * 12..].iter().sum::<u64>() as usize, 256 - lost);
    moments_agree(&Plan { series: vec![Column::Position(0)], ..plan.clone() }, &only_first_observable(&plan, batch));
}

fn only_first_observable(plan: &Plan, mut batch: Batch) -> Batch {
    batch.series = batch.series.into_iter().step_by(plan.series.len()).collect();
    batch
}

#[test]
fn counts_and_windings_are_those_of_the_trajectories() {
    let Some(gpu) = device(Tuning { chunk: Some(320), ..Tuning::default() }) else { return };
    for block in [8, 128, 1 << 40] {
        let mut plan = Plan { trajectories: 0..1000, ensemble: 1000, block, ..models::ring(Integrator::EulerMaruyama).plan() };
        plan.fields = vec![grid(0.0, std::f64::consts::TAU, 16), grid(1.0, 3.0, 7)];
        let batch = joined(&plan, &batches(&gpu, &plan));
        let saves = plan.schedule.saves();
        let positions = &batch.columns[column(&plan, Column::Position(0))];
        assert!(positions.iter().all(|x| (0.0..std::f64::consts::TAU as f32 as f64).contains(x)));
        for (f, field) in plan.fields.iter().enumerate() {
            let row = field.bins as usize + 2;
            let mut expected = vec![0; row];
            let width = (field.upper - field.lower) / f64::from(field.bins);
            for x in positions {
                // On a ring nothing is outside: what a smaller grid leaves out goes to its outermost bins.
                let place = ((x - field.lower) / width).floor().clamp(0.0, f64::from(field.bins) - 1.0);
                expected[place as usize + 1] += 1;
            }
            let last = &batch.counts[f][(saves - 1) * row..];
            let differing: u64 = last.iter().zip(&expected).map(|(a, b): (&u64, &u64)| a.abs_diff(*b)).sum();
            assert!(differing <= 2, "{last:?} against {expected:?}");
            assert!(batch.counts[f].chunks(row).all(|save| save.iter().sum::<u64>() == 1000));
            assert_eq!(batch.block_counts[f].len(), 1000_u64.div_ceil(block) as usize * row);
            let by_bin = |table: &[u64]| (0..row).map(|bin| table.iter().skip(bin).step_by(row).sum()).collect::<Vec<u64>>();
            assert_eq!(by_bin(&batch.counts[f]), by_bin(&batch.block_counts[f]));
            let full = (1000 / block) as usize;
            assert!(batch.block_counts[f].chunks(row).take(full).all(|b| b.iter().sum::<u64>() == block * saves as u64));
            let turns: f64 = batch.columns[column(&plan, Column::Winding(0))].iter().sum();
            assert_eq!(batch.windings[f][saves - 1], turns as i64);
            assert!(turns > 100.0 && batch.windings[f][0] == 0, "the drive takes trajectories round: {turns}");
        }
    }
}

#[test]
fn winding_numbers_below_zero_are_summed() {
    let Some(gpu) = device(Tuning::default()) else { return };
    let model = models::Model { drives: vec![Some("-6")], ..models::ring(Integrator::EulerMaruyama) };
    let mut plan = Plan { trajectories: 0..320, ensemble: 320, ..model.plan() };
    plan.fields = vec![grid(0.0, std::f64::consts::TAU, 16)];
    let batch = joined(&plan, &batches(&gpu, &plan));
    let turns: f64 = batch.columns[column(&plan, Column::Winding(0))].iter().sum();
    assert!(turns < -320.0, "{turns}");
    assert_eq!(batch.windings[0][plan.schedule.saves() - 1], turns as i64);
}
