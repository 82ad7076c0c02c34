//! What planted defects do.

use crate::backend::Batch;
use crate::plan::{Column, JumpColumn, Plan};
use crate::random::Stream;

/// The Schlögl model as a birth-death process with one channel up and one down: same counts, no entropy production.
pub(super) const LUMPED_SCHLOGL: &str = r#"
[model]
kind = "reactions"
species = { X = 2 }
reactions = [{ name = "lumped", equation = "<-> X", propensity = "3*X*(X - 1)/25 + 0.25*25", reverse_propensity = "0.6*X*(X - 1)*(X - 2)/625 + 2.95*X" }]
[protocol]
duration = 0.1
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 1
[measure]
every = 0.1
"#;

fn each(plan: &Plan, batch: &mut Batch, wanted: impl Fn(&Column) -> bool, change: impl Fn(u64, &mut f64)) {
    let first = batch.first;
    for (_, values) in plan.columns.iter().zip(&mut batch.columns).filter(|(column, _)| wanted(column)) {
        (first..).zip(values).for_each(|(trajectory, value)| change(trajectory, value));
    }
}

pub(super) fn flip_work(plan: &Plan, batch: &mut Batch) {
    each(plan, batch, |column| *column == Column::Work, |_, work| *work = -*work);
}

pub(super) fn flip_ledger(plan: &Plan, batch: &mut Batch) {
    each(plan, batch, |column| *column == Column::EntropyPath, |_, entropy| *entropy = -*entropy);
}

/// The sum `F(x) dx` lacks `½ F' (dx)²`, on average `−(k T/γ) t`, here `−t`.
pub(super) fn ito_heat(plan: &Plan, batch: &mut Batch) {
    let time = plan.schedule.steps as f64 * plan.schedule.dt;
    each(plan, batch, |column| matches!(column, Column::Heat(_)), |_, heat| *heat += time);
}

pub(super) fn not_reversed(plan: &mut Plan, forward: &Plan) {
    if plan.stream == Stream::Reverse {
        plan.uniforms = forward.uniforms.clone();
    }
}

pub(super) fn not_turned(plan: &mut Plan, forward: &Plan) {
    plan.initial = forward.initial.clone();
}

pub(super) fn extra_turns(plan: &Plan, batch: &mut Batch) {
    each(plan, batch, |column| matches!(column, Column::Winding(_)), |trajectory, turns| *turns += f64::from(u8::from(trajectory % 50 == 0)));
}

pub(super) fn leak(plan: &Plan, batch: &mut Batch) {
    each(plan, batch, |column| *column == Column::Jump(JumpColumn::Crossed(2)), |_, crossed| *crossed *= 1.001);
}

pub(super) fn extra_events(plan: &Plan, batch: &mut Batch) {
    each(plan, batch, |column| *column == Column::Jump(JumpColumn::Fired(0)), |trajectory, fired| *fired += f64::from(u8::from(trajectory % 50 == 0)));
}
