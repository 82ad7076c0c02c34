//! The device beside the native processor: the same paths on random models, event for event.

use ness::backend::Batch;
use ness::backend::cpu::{Precision, Tuning};
use ness::backend::gpu::{Gpu, Selection, adapters};
use ness::plan::{Column, JumpColumn, Plan};

use crate::common::batches;
use crate::random_models::{Sample, samples};
use crate::{batch, join};

/// Any device, hardware first; `None` (and a word on it) where there is none and none is required.
fn device() -> Option<Gpu> {
    let Some(adapter) = adapters().into_iter().min_by_key(|adapter| (!adapter.kind.is_hardware(), adapter.index)) else {
        assert!(std::env::var_os("NESS_REQUIRE_GPU").is_none(), "NESS_REQUIRE_GPU is set, and there is no device");
        eprintln!("skipped: no device runs shaders");
        return None;
    };
    Some(Gpu::open(&Selection::Named(adapter.index.to_string())).expect("the device opens"))
}

/// What decides whether two paths are the same: integers.
fn is_whole(column: &Column) -> bool {
    matches!(column, Column::Initial(_) | Column::Position(_) | Column::Jump(JumpColumn::Fired(_) | JumpColumn::Activity))
}

/// Compares paths; answers how many of the integers agree, or what sum of an agreeing path does not.
fn agreement(plan: &Plan, there: &Batch, here: &Batch) -> Result<usize, String> {
    // A trajectory given up is NaN in all native columns, on a device at least in its counts.
    let lost =
        |batch: &Batch, t: usize| plan.columns.iter().zip(&batch.columns).any(|(column, values)| matches!(column, Column::Position(_)) && values[t].is_nan());
    let agrees = |t: usize| match (lost(there, t), lost(here, t)) {
        (false, false) => plan.columns.iter().enumerate().all(|(c, column)| !is_whole(column) || there.columns[c][t] == here.columns[c][t]),
        (there, here) => there == here,
    };
    let same: Vec<usize> = (0..here.count).filter(|&t| agrees(t)).collect();
    for (c, column) in plan.columns.iter().enumerate().filter(|(_, column)| !is_whole(column)) {
        for &t in same.iter().filter(|&&t| !lost(here, t)) {
            let (a, b) = (there.columns[c][t], here.columns[c][t]);
            let close = (a - b).abs() <= 1e-3 * b.abs().max(1.0) || a.is_nan() && b.is_nan();
            if !close {
                return Err(format!("{column:?} of {t}: {a} and {b}"));
            }
        }
    }
    Ok(same.len())
}

/// A part of the samples, of every kind: each compiles a shader.
fn some(samples: Vec<Sample>) -> impl Iterator<Item = Sample> {
    samples.into_iter().enumerate().filter(|(k, _)| k.is_multiple_of(5) || *k > 41).map(|(_, sample)| sample)
}

#[test]
fn random_models_take_the_native_paths() {
    let Some(gpu) = device() else { return };
    let (mut number, mut rounded) = (0, 0);
    for sample in some(samples(128)) {
        let mut plan = sample.plan;
        // Sums are not shown along the way on a device.
        plan.series.retain(|column| matches!(column, Column::Position(_) | Column::Jump(JumpColumn::Derived(_))));
        let (there, here) = (join(batches(&plan, &gpu)), batch(&plan, Precision::F64, Tuning::default()));
        assert_eq!(there.tallies.len(), here.tallies.len());
        let same = agreement(&plan, &there, &here).unwrap_or_else(|error| panic!("{}: {error}", sample.name));
        number += here.count;
        rounded += here.count - same;
        assert!(same * 100 >= here.count * 95, "{}: {same} of {} paths agree", sample.name, here.count);
        let other = join(batches(&Plan { seed: plan.seed + 1, ..plan.clone() }, &gpu));
        assert!(
            agreement(&plan, &other, &here).is_ok_and(|same| same < here.count / 2) || agreement(&plan, &other, &here).is_err(),
            "{}: anything agrees",
            sample.name
        );
    }
    assert!(number > 1000 && rounded * 50 < number, "{rounded} of {number} paths differ");
}
