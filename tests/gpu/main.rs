//! The GPU backend against scalar arithmetic written here, and against itself with the work cut in other ways.

mod forms;
mod independence;
mod integrators;
mod jumps;
mod leaps;
mod models;
mod networks;
mod outside;
mod planes;
mod records;
mod reference;
mod shaders;
mod underdamped;

use ness::backend::gpu::{Gpu, Selection, Tuning, adapters};
use ness::backend::{Backend, Batch, Event, Flow};
use ness::plan::Plan;

/// Any device, hardware first; `None` (and a word on it) where there is none and none is required.
fn device(tuning: Tuning) -> Option<Gpu> {
    let Some(adapter) = adapters().into_iter().min_by_key(|a| (!a.kind.is_hardware(), a.index)) else {
        assert!(std::env::var_os("NESS_REQUIRE_GPU").is_none(), "NESS_REQUIRE_GPU is set, and there is no device");
        eprintln!("skipped: no device runs shaders");
        return None;
    };
    let gpu = Gpu::open(&Selection::Named(adapter.index.to_string())).expect("the device opens");
    Some(gpu.with_tuning(tuning))
}

/// Runs a plan; batches must be gap-free and in order, and every trajectory-step must be told of.
fn batches(gpu: &Gpu, plan: &Plan) -> Vec<Batch> {
    let (mut all, mut steps) = (Vec::new(), 0);
    gpu.run(plan, &mut |event| {
        match event {
            Event::Batch(batch) => all.push(batch),
            Event::Progress(more) => steps += more,
        }
        Flow::Continue
    })
    .expect("the plan runs");
    let mut next = plan.trajectories.start;
    for batch in &all {
        assert_eq!(batch.first, next);
        next += batch.count as u64;
    }
    assert_eq!(next, plan.trajectories.end);
    if plan.dynamics.overdamped().is_some() {
        assert_eq!(steps, plan.schedule.steps * (plan.trajectories.end - plan.trajectories.start));
    }
    all
}

/// The batches as one.
fn joined(plan: &Plan, batches: &[Batch]) -> Batch {
    let mut whole = Batch { first: plan.trajectories.start, ..Batch::default() };
    let range = &plan.trajectories;
    let blocks = (range.end.div_ceil(plan.block) - range.start / plan.block) as usize;
    whole.columns = vec![Vec::new(); plan.columns.len()];
    whole.counts = batches[0].counts.iter().map(|counts| vec![0; counts.len()]).collect();
    whole.windings = batches[0].windings.iter().map(|windings| vec![0; windings.len()]).collect();
    whole.block_counts = plan.fields.iter().map(|field| vec![0; blocks * (field.bins as usize + 2)]).collect();
    whole.tallies = vec![0; blocks * plan.tallies()];
    for batch in batches {
        let offset = (batch.first / plan.block - range.start / plan.block) as usize * plan.tallies();
        whole.tallies[offset..].iter_mut().zip(&batch.tallies).for_each(|(all, part)| *all += part);
        whole.count += batch.count;
        whole.series.extend(&batch.series);
        whole.columns.iter_mut().zip(&batch.columns).for_each(|(all, part)| all.extend(part));
        for (f, field) in plan.fields.iter().enumerate() {
            let offset = (batch.first / plan.block - range.start / plan.block) as usize * (field.bins as usize + 2);
            whole.counts[f].iter_mut().zip(&batch.counts[f]).for_each(|(all, part)| *all += part);
            whole.windings[f].iter_mut().zip(&batch.windings[f]).for_each(|(all, part)| *all += part);
            whole.block_counts[f][offset..].iter_mut().zip(&batch.block_counts[f]).for_each(|(all, part)| *all += part);
        }
    }
    whole
}
