//! Planted defects must be called `violated`, never `undersampled`; without them the same runs hold.

mod common;

use common::{Sabotaged, assert_holds, assert_violated, cpu, model, run, text};
use ness::backend::Batch;
use ness::expression::Operand;
use ness::plan::{Column, Plan};
use ness::random::Stream;
use ness::simulation::{Outcome, Simulation};

const BEAD: &[(&str, &str)] = &[("protocol.duration", "1"), ("ensemble.trajectories", "200000"), ("ensemble.dt", "0.02"), ("measure.every", "0.5")];

fn sabotaged(simulation: &Simulation, plan: impl Fn(&mut Plan), batch: impl Fn(&Plan, &mut Batch) + Sync) -> Outcome {
    run(simulation, &Sabotaged { inner: cpu(), plan, batch })
}

fn scale(plan: &mut Plan, operands: Vec<Operand>, factor: f64) {
    let mut scaled = Vec::new();
    for operand in operands {
        if let Operand::Constant(slot) = operand
            && !scaled.contains(&slot)
        {
            plan.uniforms.constants[usize::from(slot)] *= factor;
            scaled.push(slot);
        }
    }
}

fn column<'a>(plan: &Plan, batch: &'a mut Batch, wanted: Column) -> &'a mut Vec<f64> {
    let index = plan.columns.iter().position(|c| *c == wanted).expect("the column is there");
    &mut batch.columns[index]
}

fn contradicted(outcome: &Outcome, name: &str) {
    assert!(outcome.violated().contains(&name), "{name} went unnoticed; violated: {:?}", outcome.violated());
}

#[test]
fn honest_runs_hold() {
    for (name, sets) in [("dragged-bead", BEAD), ("breathing-trap", &[("ensemble.trajectories", "100000")][..])] {
        let outcome = run(&model(name, sets), &cpu());
        assert!(outcome.violated().is_empty(), "{name}: {:?}", outcome.violated());
        assert_holds(&outcome, "crooks");
        assert_holds(&outcome, "jarzynski");
        assert_holds(&outcome, "integral_total");
        assert_holds(&outcome, "first_law");
    }
}

#[test]
fn a_bath_three_percent_too_hot_is_caught() {
    let spoil = |plan: &mut Plan| {
        let noise = plan.dynamics.overdamped().expect("Langevin").linear.as_ref().expect("a linear step").noise.clone();
        scale(plan, noise, 1.03f64.sqrt());
    };
    let outcome = sabotaged(&model("dragged-bead", BEAD), spoil, |_, _| {});
    contradicted(&outcome, "work.variance");
}

#[test]
fn a_bath_three_percent_too_hot_breaks_a_theorem() {
    // ⟨exp(−βW)⟩ of a Gaussian work is exp(Var/2 − ⟨W⟩): 3 % more variance from the bath leave more than 1 %, here seven standard errors.
    let sets = [("protocol.duration", "1.8"), ("ensemble.trajectories", "1000000"), ("ensemble.dt", "0.05"), ("measure.theorems", "['jarzynski']")];
    let spoil = |plan: &mut Plan| {
        let noise = plan.dynamics.overdamped().expect("Langevin").linear.as_ref().expect("a linear step").noise.clone();
        scale(plan, noise, 1.03f64.sqrt());
    };
    assert_holds(&run(&model("dragged-bead", &sets), &cpu()), "jarzynski");
    assert_violated(&sabotaged(&model("dragged-bead", &sets), spoil, |_, _| {}), "jarzynski");
}

#[test]
fn a_path_ledger_of_the_wrong_sign_is_caught() {
    // The average then rests on a handful of trajectories; that the mean is negative does not.
    let simulation = text(RING, &[]);
    assert_holds(&run(&simulation, &cpu()), "integral_total");
    let flip = |plan: &Plan, batch: &mut Batch| column(plan, batch, Column::EntropyPath).iter_mut().for_each(|s| *s = -*s);
    assert_violated(&sabotaged(&simulation, |_| {}, flip), "integral_total");
}

#[test]
fn a_path_ledger_that_forgets_the_noise_terms_is_caught() {
    // Euler–Maruyama without dt(F'² − F²)/(4γT): the plain trapezoid, 1.011 on the ring at dt = 0.2.
    let simulation = text(
        RING,
        &[
            ("ensemble.integrator", "euler-maruyama"),
            ("ensemble.dt", "0.25"),
            ("measure.every", "0.25"),
            ("ensemble.trajectories", "4000000"),
            ("V0", "2.5"),
            ("measure.theorems", "['integral_total']"),
        ],
    );
    assert_holds(&run(&simulation, &cpu()), "integral_total");
    let forget = |plan: &mut Plan| {
        let quarter = plan.dynamics.overdamped().expect("Langevin").quarter.clone();
        scale(plan, quarter, 0.0);
    };
    assert_violated(&sabotaged(&simulation, forget, |_, _| {}), "integral_total");
}

#[test]
fn a_forgotten_work_of_the_drive_is_caught() {
    let simulation = text(RING, &[("measure.theorems", "['first_law']")]);
    assert_holds(&run(&simulation, &cpu()), "first_law");
    let forget = |plan: &Plan, batch: &mut Batch| column(plan, batch, Column::Work).iter_mut().for_each(|w| *w = 0.0);
    assert_violated(&sabotaged(&simulation, |_| {}, forget), "first_law");
}

#[test]
fn a_reversed_run_that_does_not_mirror_the_step_is_caught() {
    // The reversed protocol read one step late: as if λ moved first in both directions.
    let sets = [("ensemble.trajectories", "1000000"), ("ensemble.dt", "0.2"), ("measure.every", "0.2"), ("ensemble.integrator", "euler-maruyama")];
    let simulation = model("breathing-trap", &sets);
    assert_holds(&run(&simulation, &cpu()), "crooks");
    let late = |plan: &mut Plan| {
        if plan.stream == Stream::Reverse {
            let columns = plan.uniforms.columns;
            plan.uniforms.rows.rotate_right(columns);
        }
    };
    assert_violated(&sabotaged(&simulation, late, |_, _| {}), "crooks");
}

#[test]
fn friction_three_percent_off_is_caught() {
    let simulation = text(
        RING,
        &[("ensemble.integrator", "euler-maruyama"), ("ensemble.dt", "0.005"), ("ensemble.trajectories", "200000"), ("measure.theorems", "['integral_total']")],
    );
    let spoil = |plan: &mut Plan| {
        let (mobility, noise, quarter) = (
            plan.dynamics.overdamped().expect("Langevin").mobility.clone(),
            plan.dynamics.overdamped().expect("Langevin").noise.clone(),
            plan.dynamics.overdamped().expect("Langevin").quarter.clone(),
        );
        scale(plan, mobility, 1.0 / 1.03);
        scale(plan, noise, 1.03f64.powf(-0.5));
        scale(plan, quarter, 1.0 / 1.03);
    };
    assert!(run(&simulation, &cpu()).violated().is_empty());
    let outcome = sabotaged(&simulation, spoil, |_, _| {});
    // Another friction is another, thermodynamically sound, ring: only the exact values can tell.
    contradicted(&outcome, "displacement.x.variance");
}

#[test]
fn a_mobility_without_its_noise_is_caught() {
    let simulation = text(
        RING,
        &[("ensemble.integrator", "euler-maruyama"), ("ensemble.dt", "0.005"), ("ensemble.trajectories", "200000"), ("measure.theorems", "['integral_total']")],
    );
    let spoil = |plan: &mut Plan| {
        let mobility = plan.dynamics.overdamped().expect("Langevin").mobility.clone();
        scale(plan, mobility, 1.1);
    };
    assert_violated(&sabotaged(&simulation, spoil, |_, _| {}), "integral_total");
}

#[test]
fn a_flipped_force_is_caught() {
    let simulation = text(RING, &[]);
    let spoil = |plan: &mut Plan| {
        let mean = plan.dynamics.overdamped().expect("Langevin").force.outputs.len() - 2;
        let width = plan.dynamics.overdamped().expect("Langevin").force.outputs[mean + 1];
        let force = plan.dynamics.overdamped().expect("Langevin").force.outputs[0];
        // The mean displacement gets lost: the particle only diffuses.
        plan.dynamics.overdamped_mut().expect("Langevin").force.outputs[mean] = width;
        assert_ne!(force, width);
    };
    let outcome = sabotaged(&simulation, spoil, |_, _| {});
    contradicted(&outcome, "velocity.x");
    assert_violated(&outcome, "steady_balance");
}

#[test]
fn a_protocol_that_is_not_reversed_is_caught() {
    let simulation = model("breathing-trap", &[("ensemble.trajectories", "100000")]);
    let forward = simulation.plan().uniforms.clone();
    let spoil = |plan: &mut Plan| {
        if plan.stream == Stream::Reverse {
            plan.uniforms = forward.clone();
        }
    };
    assert_violated(&sabotaged(&simulation, spoil, |_, _| {}), "crooks");
}

#[test]
fn a_work_of_the_wrong_sign_is_caught() {
    let outcome = sabotaged(&model("dragged-bead", BEAD), |_| {}, |plan, batch| column(plan, batch, Column::Work).iter_mut().for_each(|w| *w = -*w));
    assert_violated(&outcome, "first_law");
    contradicted(&outcome, "work");
}

#[test]
fn a_heat_three_percent_off_is_caught() {
    let outcome = sabotaged(&model("dragged-bead", BEAD), |_| {}, |plan, batch| column(plan, batch, Column::Heat(0)).iter_mut().for_each(|q| *q *= 1.03));
    assert_violated(&outcome, "first_law");
}

#[test]
fn an_ito_heat_is_caught() {
    // The Itô sum F(x)·dx misses −(T/γ)U'' t on average: ½∫F'·(dx)² = −k t/2·2 for k = T = γ = 1.
    let simulation = model("dragged-bead", BEAD);
    let spoil = |plan: &Plan, batch: &mut Batch| {
        let time = plan.schedule.steps as f64 * plan.schedule.dt;
        column(plan, batch, Column::Heat(0)).iter_mut().for_each(|q| *q += time);
    };
    assert_violated(&sabotaged(&simulation, |_| {}, spoil), "first_law");
}

#[test]
fn a_current_in_a_resting_ring_is_caught() {
    let simulation = model("resting-ring", &[("ensemble.trajectories", "50000")]);
    let honest = run(&simulation, &cpu());
    assert_holds(&honest, "detailed_balance");
    // One trajectory in fifty goes round once more.
    let spoil = |plan: &Plan, batch: &mut Batch| {
        let first = batch.first as usize;
        column(plan, batch, Column::Winding(0)).iter_mut().enumerate().filter(|(i, _)| (first + i).is_multiple_of(50)).for_each(|(_, w)| *w += 1.0);
    };
    assert_violated(&sabotaged(&simulation, |_| {}, spoil), "detailed_balance");
}

/// A short, strongly driven ring.
const RING: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x"]
x = { periodic = [0, "2*pi"] }
potential = "V0*cos(x)"
force = "f"
friction = 1.0
temperature = 1.0
[parameters]
V0 = 2.0
f = 1.0
[protocol]
duration = 0.5
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 100_000
dt = 0.005
[measure]
every = 0.1
theorems = ["steady_balance", "integral_total", "first_law"]
"#;
