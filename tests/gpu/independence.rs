//! How the work is cut changes no bit.

use ness::backend::gpu::{Gpu, Tuning};
use ness::backend::{Backend, BackendError, Batch, Event, Flow};
use ness::plan::{Integrator, Plan};

use crate::models::{self, grid};
use crate::{batches, device, joined};

fn run(tuning: Tuning, plan: &Plan) -> Option<Batch> {
    device(tuning).map(|gpu| joined(plan, &batches(&gpu, plan)))
}

/// A plan with everything in it: ring, walls, protocol, relaxation, fields, a last tile that is not full.
fn everything(integrator: Integrator) -> Plan {
    let mut plan = models::coupled(integrator).plan();
    plan.trajectories = 0..1000;
    plan.ensemble = 1000;
    plan.relaxation_steps = 30;
    plan.fields = vec![grid(0.0, std::f64::consts::TAU, 12), models::grid(1.0, 2.0, 5)];
    plan
}

#[test]
fn nothing_depends_on_steps_of_a_dispatch_chunks_or_workgroups() {
    let standard = Tuning::default();
    let cuts = [
        Tuning { steps_per_dispatch: Some(4), ..standard },
        Tuning { steps_per_dispatch: Some(28), chunk: Some(64), ..standard },
        Tuning { chunk: Some(320), ..standard },
        Tuning { workgroup: 128, chunk: Some(192), ..standard },
        Tuning { workgroup: 256, steps_per_dispatch: Some(1000), ..standard },
        Tuning { wide_integers: false, ..standard },
    ];
    let plans = [
        everything(Integrator::EulerMaruyama),
        everything(Integrator::Heun),
        Plan { trajectories: 0..1000, fields: vec![grid(0.0, 6.0, 9)], ..models::ring(Integrator::WeakTaylor).plan() },
        Plan { trajectories: 0..1000, ..models::linear_pair().plan() },
    ];
    for plan in &plans {
        let Some(expected) = run(standard, plan) else { return };
        assert_eq!(expected.count, 1000);
        assert_eq!(expected.series.len(), 1000_usize.div_ceil(64) * plan.schedule.saves() * plan.series.len());
        for cut in cuts {
            assert!(run(cut, plan) == Some(expected.clone()), "{:?}: {cut:?}", plan.dynamics.overdamped().expect("Langevin").integrator);
        }
        let other = Plan { seed: plan.seed + 1, ..plan.clone() };
        assert!(run(standard, &other) != Some(expected), "the comparison takes anything");
    }
}

#[test]
fn parts_of_an_ensemble_are_the_whole() {
    let plan = Plan { block: 64, ..everything(Integrator::EulerMaruyama) };
    let Some(whole) = run(Tuning::default(), &plan) else { return };
    let first = run(Tuning::default(), &Plan { trajectories: 0..640, ..plan.clone() }).expect("the device is still there");
    let second = run(Tuning::default(), &Plan { trajectories: 640..1000, ..plan.clone() }).expect("the device is still there");
    assert!(joined(&plan, &[first, second]) == whole);
}

#[test]
fn end_values_do_not_depend_on_the_save_grid() {
    let plan = everything(Integrator::EulerMaruyama);
    let mut rarely = plan.clone();
    rarely.schedule.save_every = 100;
    // Without a protocol there are no rows of saves to shorten; here the rows of steps come first and stay.
    let Some(often) = run(Tuning::default(), &plan) else { return };
    let rarely = run(Tuning::default(), &rarely).expect("the device is still there");
    assert!(!often.columns[0].is_empty());
    assert_eq!(often.columns, rarely.columns);
}

#[test]
fn trajectories_beyond_32_bits_have_their_own_noise() {
    let plan = models::ring(Integrator::EulerMaruyama).plan();
    let high = Plan { trajectories: 1 << 32..(1 << 32) + 96, ensemble: (1 << 32) + 96, ..plan.clone() };
    let across = Plan { trajectories: (1 << 32) - 64..(1 << 32) + 96, ensemble: (1 << 32) + 96, ..plan.clone() };
    let Some(low) = run(Tuning::default(), &plan) else { return };
    let high = run(Tuning::default(), &high).expect("the device is still there");
    let across = run(Tuning::default(), &across).expect("the device is still there");
    assert_ne!(low.columns, high.columns);
    assert!(high.columns.iter().zip(&across.columns).all(|(high, across)| high[..] == across[64..]));
}

#[test]
fn a_run_stops_when_asked() {
    let Some(gpu) = device(Tuning { chunk: Some(64), steps_per_dispatch: Some(4), ..Tuning::default() }) else { return };
    let plan = everything(Integrator::EulerMaruyama);
    let mut events = 0;
    gpu.run(&plan, &mut |_| {
        events += 1;
        if events == 3 { Flow::Stop } else { Flow::Continue }
    })
    .expect("stopping is no error");
    assert_eq!(events, 3);
}

fn refusal(gpu: &Gpu, plan: &Plan) -> String {
    let refused = gpu.fits(plan).expect_err("the plan is too large");
    assert!(matches!(refused, BackendError::TooLarge { .. }), "{refused}");
    assert!(gpu.run(plan, &mut |_: Event| Flow::Continue).is_err(), "what does not fit was run");
    refused.to_string()
}

#[test]
fn what_does_not_fit_is_refused_with_the_number_that_must_shrink() {
    let Some(gpu) = device(Tuning::default()) else { return };
    let plan = everything(Integrator::EulerMaruyama);
    gpu.fits(&plan).expect("the plan itself fits");
    let mut long = plan.clone();
    long.schedule.steps = 1 << 33;
    long.schedule.save_every = 1 << 30;
    assert!(refusal(&gpu, &long).contains("number of steps"));
    let mut table = plan.clone();
    table.schedule.steps = (1 << 32) - 2;
    table.schedule.save_every = (1 << 31) - 1;
    assert!(refusal(&gpu, &table).contains("protocol table"));
    let mut saves = models::ring(Integrator::EulerMaruyama).plan();
    saves.schedule.steps = (1 << 32) - 2;
    saves.schedule.save_every = 1;
    assert!(refusal(&gpu, &saves).contains("time series"));
}
