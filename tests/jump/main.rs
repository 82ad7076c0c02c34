//! Jump processes on the native processor: a walker written from the text, laws that no cut of the work may break, closed forms.

#[path = "../common/mod.rs"]
mod common;
mod device;
mod laws;
mod models;
mod random_models;
mod reference;
mod scalar;
mod statistics;

use ness::backend::Batch;
use ness::backend::cpu::{Cpu, Precision, Tuning};
use ness::plan::Plan;

/// The batches of a run as one.
pub(crate) fn batch(plan: &Plan, precision: Precision, tuning: Tuning) -> Batch {
    let parts = common::batches(plan, &Cpu::new(precision, tuning).expect("threads start"));
    assert!(parts.iter().all(|part| part.first % plan.block == 0), "batches are whole blocks");
    join(parts)
}

/// Batches as one.
pub(crate) fn join(parts: Vec<Batch>) -> Batch {
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
        for (all, more) in whole.block_counts.iter_mut().zip(part.block_counts) {
            all.extend(more);
        }
        whole.tallies.extend(part.tallies);
    }
    whole
}
