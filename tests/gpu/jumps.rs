//! Jump processes: the device walks the native paths, but for what single precision does to a time or a choice.

use ness::backend::Batch;
use ness::backend::cpu::{self, Cpu, Precision};
use ness::backend::gpu::Tuning;
use ness::backend::{Backend, Event, Flow};
use ness::experiment::{Experiment, Source};
use ness::plan::{Column, JumpColumn, Plan};
use ness::simulation::Simulation;
use ness::thermodynamics::theorems;

use super::{batches, device, joined};

/// Rates that switch, in steps, and jump energies: two states and a bath.
const SWITCH: &str = r#"
title = "switch"
[model]
kind = "network"
states = ["low", "high"]
energies = { low = "0", high = "gap" }
temperature = 1.0
edges = [{ name = "hop", from = "low", to = "high", rate = 2.0 }]
[protocol]
duration = 2.0
gap = { steps = [[0.0, 0.5], [0.5, 2.0], [1.25, -1.0]] }
[initial]
distribution = "equilibrium"
[ensemble]
trajectories = 4_000
[measure]
every = 0.25
"#;

/// Counts relaxed before measuring, and formulas of counts and time shown at saves.
const RELAXED: &str = r#"
title = "relaxed"
[model]
kind = "reactions"
species = { A = 40, B = 0 }
reactions = [
  { name = "turn", equation = "A <-> B", forward = 1.0, reverse = 0.5 },
  { name = "in", equation = "-> A", rate = 5.0 },
  { name = "out", equation = "B ->", rate = 0.4 },
]
observables = { ratio = "A/(A + B + 1)", late = "A*hour" }
[protocol]
duration = 2.0
hour = "t"
[initial]
distribution = "steady-state"
burn_in = 3.0
[ensemble]
trajectories = 4_000
[measure]
every = 0.5
"#;

/// A rate that swings inside the segments, catalysis, and a formula that is no mass action.
const SWING: &str = r#"
title = "swing"
[model]
kind = "reactions"
species = { X = 20, Y = 5 }
reactions = [
  { name = "in", equation = "-> X", propensity = "20*swing" },
  { name = "out", equation = "X ->", rate = 1.0 },
  { name = "make", equation = "X -> X + Y", propensity = "k*X/(10 + X)" },
  { name = "lose", equation = "Y ->", rate = 2.0 },
]
[protocol]
duration = 3.0
swing = "1 + 0.8*sin(3*t)"
k = "5 + 12*t"
[initial]
distribution = "point"
[ensemble]
trajectories = 4_000
[measure]
every = 0.5
"#;

pub(super) fn plan(source: &Source, trajectories: u64) -> Plan {
    let overrides = [("ensemble.trajectories".to_owned(), trajectories.to_string()), ("measure.theorems".to_owned(), "[]".to_owned())];
    let experiment = Experiment::load(source, &overrides, &theorems::names()).expect("the experiment is valid");
    Simulation::prepare(experiment).expect("it can be prepared").plan().clone()
}

pub(super) fn text(text: &str) -> Source {
    Source::Text { name: "test".to_owned(), text: text.to_owned() }
}

pub(super) fn native(plan: &Plan) -> Batch {
    let mut all = Vec::new();
    let cpu = Cpu::new(Precision::F64, cpu::Tuning::default()).expect("the processor is there");
    cpu.run(plan, &mut |event| {
        if let Event::Batch(batch) = event {
            all.push(batch);
        }
        Flow::Continue
    })
    .expect("the plan runs");
    joined(plan, &all)
}

/// Fails unless nearly all trajectories fire as often as the native ones, and then bring the same sums.
pub(super) fn same_paths(plan: &Plan) {
    let Some(gpu) = device(Tuning::default()) else { return };
    let (there, here) = (joined(plan, &batches(&gpu, plan)), native(plan));
    let count = here.count;
    let whole = |column: &Column| matches!(column, Column::Initial(_) | Column::Position(_) | Column::Jump(JumpColumn::Fired(_) | JumpColumn::Activity));
    let agrees =
        |trajectory: usize| plan.columns.iter().enumerate().all(|(c, column)| !whole(column) || there.columns[c][trajectory] == here.columns[c][trajectory]);
    let same: Vec<usize> = (0..count).filter(|&trajectory| agrees(trajectory)).collect();
    assert!(same.len() * 100 >= count * 99, "{} of {count} paths agree", same.len());
    for (c, column) in plan.columns.iter().enumerate().filter(|(_, column)| !whole(column)) {
        for &trajectory in &same {
            let (a, b) = (there.columns[c][trajectory], here.columns[c][trajectory]);
            assert!((a - b).abs() <= 2e-4 * b.abs().max(1.0), "{column:?} of {trajectory}: {a} and {b}");
        }
    }
    for (k, (a, b)) in there.series.iter().zip(&here.series).enumerate() {
        let error = (b.m2 / b.count.max(1.0)).sqrt() / b.count.max(1.0).sqrt();
        assert!((a.mean - b.mean).abs() <= 1e-4 * b.mean.abs() + error, "series {k}: {} and {}", a.mean, b.mean);
    }
}

#[test]
fn rates_that_switch_with_the_energies() {
    let plan = plan(&text(SWITCH), 4000);
    assert!(plan.columns.contains(&Column::Jump(JumpColumn::EnergyJump)) && plan.columns.contains(&Column::Jump(JumpColumn::Excess)));
    same_paths(&plan);
}

#[test]
fn relaxation_and_derived_quantities() {
    let plan = plan(&text(RELAXED), 4000);
    assert!(plan.relaxation_steps > 0 && plan.series.len() == 4);
    same_paths(&plan);
}

#[test]
fn rates_that_swing_are_thinned_likewise() {
    same_paths(&plan(&text(SWING), 4000));
}

#[test]
fn shipped_models_with_moving_rates() {
    for model in ["triangle-ramp", "cell"] {
        same_paths(&plan(&Source::named(model), 3000));
    }
}

/// A rod with unequal bonds and baths whose temperatures move; `kind` of bath, and how it starts.
fn rod(kind: &str, start: &str, temperature: &str) -> Source {
    text(&format!(
        r#"
[model]
kind = "energy-exchange"
cells = 3
rate = [0.5, 2.0, 1.0, 0.8]
baths = "{kind}"
temperature = {temperature}
[protocol]
duration = 3.0
rise = "t^2"
cold = {{ steps = [[0, 1.0], [0.75, 0.25]] }}
[initial]
{start}
[ensemble]
trajectories = 2000
[measure]
every = 0.5
"#
    ))
}

/// Energies, what crossed the bonds, entropies and events of rods agree with the native ones path by path, but for rounding.
#[test]
fn rods_share_energy_likewise() {
    let relaxed = "distribution = \"steady-state\"\nburn_in = 4.0";
    let moving = "{ hot = \"1 + 0.2*rise\", cold = \"cold\" }";
    for (kind, start, temperature) in [
        ("ghost-bond", "distribution = \"equilibrium\"\ntemperature = 1.0", moving),
        ("resample", relaxed, moving),
        ("resample", relaxed, "[2.0, 1.0]"),
        ("ghost-bond", "distribution = \"point\"\nat = 2.0", "{ hot = 0.5 }"),
    ] {
        let plan = plan(&rod(kind, start, temperature), 2000);
        let Some(gpu) = device(Tuning::default()) else { return };
        let (there, here) = (joined(&plan, &batches(&gpu, &plan)), native(&plan));
        let activity = plan.columns.iter().position(|column| *column == Column::Jump(JumpColumn::Activity)).expect("events are counted");
        let same: Vec<usize> = (0..here.count).filter(|&t| there.columns[activity][t] == here.columns[activity][t]).collect();
        assert!(same.len() * 1000 >= here.count * 999, "{} of {} have as many events", same.len(), here.count);
        for (c, column) in plan.columns.iter().enumerate() {
            for &trajectory in &same {
                let (a, b) = (there.columns[c][trajectory], here.columns[c][trajectory]);
                assert!((a - b).abs() <= 1e-4 * b.abs().max(1.0), "{kind}: {column:?} of {trajectory}: {a} and {b}");
            }
        }
        for (k, (a, b)) in there.series.iter().zip(&here.series).enumerate() {
            assert!((a.mean - b.mean).abs() <= 1e-3 * b.mean.abs().max(1.0), "series {k}: {} and {}", a.mean, b.mean);
        }
    }
}

#[test]
fn dispatches_and_chunks_change_no_path() {
    cuts_change_no_bit(&plan(&text(SWING), 1000));
}

/// Fails unless chunks, dispatches, workgroups and the way to multiply leave every bit as it is.
pub(super) fn cuts_change_no_bit(plan: &Plan) {
    let Some(whole) = device(Tuning::default()) else { return };
    let expected = joined(plan, &batches(&whole, plan));
    let bits = |batch: &Batch| batch.columns.iter().flatten().map(|value| value.to_bits()).collect::<Vec<u64>>();
    let cuts = [
        Tuning { steps_per_dispatch: Some(4), chunk: Some(128), ..Tuning::default() },
        Tuning { workgroup: 128, chunk: Some(384), ..Tuning::default() },
        Tuning { wide_integers: false, ..Tuning::default() },
    ];
    for cut in cuts {
        let Some(gpu) = device(cut) else { return };
        let found = joined(plan, &batches(&gpu, plan));
        assert!(bits(&found) == bits(&expected) && found.tallies == expected.tallies && found.series == expected.series, "{cut:?}");
    }
    let other = Plan { seed: plan.seed + 1, ..plan.clone() };
    assert!(bits(&joined(&other, &batches(&whole, &other))) != bits(&expected), "the comparison takes anything");
}
