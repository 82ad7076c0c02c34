//! Kernels against closed forms: |z| ≤ 4.5, and a defect of the size named would be seen.

use ness::backend::cpu::{Precision, Tuning};
use ness::plan::{Column, Dynamics, JumpColumn, Plan};

use crate::batch;
use crate::models::{self, Model};

const TRAJECTORIES: u64 = 40_000;

/// Distance of the mean of a column from its exact value in standard errors; fails unless a relative error `visible` is six of them.
fn z(values: &[f64], exact: f64, visible: f64) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let error = (variance / n).sqrt();
    assert!(6.0 * error <= visible * exact.abs(), "standard error {error} of {mean} cannot see {visible}");
    (mean - exact) / error
}

fn columns(plan: &Plan, precision: Precision) -> Vec<Vec<f64>> {
    batch(plan, precision, Tuning::default()).columns
}

fn squares(values: &[f64], mean: f64) -> Vec<f64> {
    values.iter().map(|v| (v - mean).powi(2)).collect()
}

#[test]
fn birth_and_death_is_poissonian() {
    for precision in [Precision::F64, Precision::F32] {
        let mut model = models::birth_death();
        model.columns =
            vec![Column::Position(0), Column::Jump(JumpColumn::Integral(0)), Column::Jump(JumpColumn::Fired(0)), Column::Jump(JumpColumn::Fired(1))];
        let found = columns(&model.plan(TRAJECTORIES), precision);
        let (alpha, beta, t) = (10.0, 0.1, model.duration);
        let mean = alpha / beta * (1.0 - (-beta * t).exp());
        let integral = alpha / beta * (t - (1.0 - (-beta * t).exp()) / beta);
        let zs = [
            z(&found[0], mean, 0.01),
            z(&squares(&found[0], mean), mean, 0.06),
            z(&found[1], integral, 0.01),
            z(&found[2], alpha * t, 0.01),
            z(&found[3], beta * integral, 0.01),
        ];
        assert!(zs.iter().all(|z| z.abs() <= 4.5), "{precision:?}: {zs:?}");
    }
}

/// Occupations of the triangle by the matrix-tree theorem.
fn stationary() -> [f64; 3] {
    let [ab, ba, bc, cb, ca, ac] = models::TRIANGLE.map(|edge| edge.2);
    let trees = [ba * ca + ba * cb + bc * ca, ab * ca + ab * cb + ac * cb, ab * bc + ac * bc + ac * ba];
    trees.map(|tree| tree / trees.iter().sum::<f64>())
}

#[test]
fn the_triangle_is_where_it_should_be_and_so_are_its_fluxes() {
    let p = stationary();
    let rates = models::TRIANGLE;
    let jumps: Vec<Column> = (0..3).map(|s| Column::Jump(JumpColumn::Dwell(s))).chain((0..6).map(|c| Column::Jump(JumpColumn::Fired(c)))).collect();
    let model = Model { initial: vec![0.0], duration: 50.0, saves: 1, relaxation_steps: 1, columns: jumps, ..Model::default() };
    let plan = model.network(3, &rates, true, TRAJECTORIES);
    // The same graph as reactions between three counts of which one is 1.
    let channel = |edge: &(u32, u32, f64)| (format!("{}*n{}", edge.2, edge.0), vec![(edge.0 as u16, -1), (edge.1 as u16, 1)], None);
    let integrals = (0..3).map(|s| Column::Jump(JumpColumn::Integral(s)));
    let walker =
        Model { initial: vec![1.0, 0.0, 0.0], channels: rates.iter().map(channel).collect(), columns: integrals.chain(models::fired(6)).collect(), ..model };
    for (name, plan) in [("network", plan), ("reactions", walker.plan(TRAJECTORIES))] {
        for precision in [Precision::F64, Precision::F32] {
            let found = columns(&plan, precision);
            for state in 0..3 {
                let z = z(&found[state], 50.0 * p[state], 0.01);
                assert!(z.abs() <= 4.5, "{name}, {precision:?}, state {state}: {z}");
            }
            for (channel, edge) in rates.iter().enumerate() {
                let z = z(&found[3 + channel], 50.0 * p[edge.0 as usize] * edge.2, 0.03);
                assert!(z.abs() <= 4.5, "{name}, {precision:?}, channel {channel}: {z}");
            }
        }
    }
}

/// Births at `1 + sin(t)`, deaths at 0.5 each.
fn swinging() -> Model {
    let channels: [(&str, &[(u16, i32)]); 2] = [("5*(1 + sin(begin + offset))", &[(0, 1)]), ("0.5*n0", &[(0, -1)])];
    let columns = vec![Column::Position(0), Column::Jump(JumpColumn::Fired(0)), Column::Jump(JumpColumn::Integral(0))];
    Model { duration: 8.0, segments: 5, bound: Some("10 + 0.5*n0".to_owned()), columns, ..Model::of(&[0.0], &channels) }
}

/// Distances from the exact births, mean and variance at the end.
fn swinging_distances(plan: &Plan, precision: Precision) -> [f64; 3] {
    let (t, b) = (8.0f64, 0.5f64);
    let births = 5.0 * (t + 1.0 - t.cos());
    // m' = 5(1 + sin t) − b m, m(0) = 0; Poissonian at all times.
    let forced = (b * t.sin() - t.cos() + (-b * t).exp()) / (1.0 + b * b);
    let mean = 5.0 * ((1.0 - (-b * t).exp()) / b + forced);
    let found = columns(plan, precision);
    [z(&found[1], births, 0.01), z(&found[0], mean, 0.015), z(&squares(&found[0], mean), mean, 0.06)]
}

#[test]
fn moving_rates_have_their_integrated_hazard() {
    for precision in [Precision::F64, Precision::F32] {
        for segments in [1, 5, 400] {
            let zs = swinging_distances(&Model { segments, ..swinging() }.plan(TRAJECTORIES), precision);
            assert!(zs.iter().all(|z| z.abs() <= 4.5), "{precision:?}, {segments} segments: {zs:?}");
        }
    }
}

/// The same plan with rates frozen at the start of each segment, in a run that takes its five segments for granted.
fn frozen() -> Plan {
    let mut model = swinging();
    model.channels[0].0 = "5*(1 + sin(begin))".to_owned();
    model.bound = None;
    model.plan(TRAJECTORIES)
}

#[test]
fn frozen_rates_are_caught() {
    let zs = swinging_distances(&frozen(), Precision::F64);
    assert!(zs[0].abs() > 4.5 && zs[1].abs() > 4.5, "{zs:?}");
}

#[test]
fn a_bound_that_is_none_gives_trajectories_up() {
    let plan = Model { bound: Some("7 + 0.5*n0".to_owned()), ..swinging() }.plan(1000);
    let given_up = columns(&plan, Precision::F64)[0].iter().filter(|value| value.is_nan()).count();
    assert!(given_up > 900, "{given_up}");
}

#[test]
fn rows_have_their_integrated_hazard() {
    let channels: [(&str, &[(u16, i32)]); 1] = [("lambda", &[(0, 1)])];
    let lambda = |t: f64| if t < 2.0 { 3.0 } else { 0.0 };
    let columns = vec![Column::Position(0)];
    let model = Model { duration: 4.0, segments: 8, lambda, columns, ..Model::of(&[0.0], &channels) };
    for precision in [Precision::F64, Precision::F32] {
        let found = self::columns(&model.plan(TRAJECTORIES), precision);
        let zs = [z(&found[0], 6.0, 0.02), z(&squares(&found[0], 6.0), 6.0, 0.06)];
        assert!(zs.iter().all(|z| z.abs() <= 4.5), "{precision:?}: {zs:?}");
    }
}

#[test]
fn extinction_stays_and_bad_propensities_are_given_up() {
    let columns = vec![Column::Position(0), Column::Jump(JumpColumn::Integral(0)), Column::Jump(JumpColumn::Activity)];
    let run = |propensity: &str| {
        let model = Model { duration: 200.0, saves: 2, columns: columns.clone(), ..Model::of(&[5.0], &[(propensity, &[(0, -1)])]) };
        self::columns(&model.plan(500), Precision::F64)
    };
    let extinct = run("n0");
    assert!(extinct[0].iter().all(|&n| n == 0.0) && extinct[2].iter().all(|&events| events == 5.0));
    let z = z(&extinct[1], 5.0, 0.15);
    assert!(z.abs() <= 4.5, "{z}");
    // Rounding below 0 counts as 0, more does not; neither NaN nor infinity is a rate.
    assert!(run("max(n0 - 1e-10, 0) - 1e-12")[0].iter().all(|&n| n == 0.0));
    for bad in ["n0 - 2.5", "log(n0 - 2.5)", "1/n0", "n0/0"] {
        assert!(run(bad).iter().flatten().all(|value| value.is_nan()), "{bad}");
    }
}

#[test]
fn an_explosion_is_given_up() {
    let columns = vec![Column::Position(0), Column::Jump(JumpColumn::Activity)];
    let model = Model { duration: 100.0, columns, most_events: 1001, ..Model::of(&[2.0], &[("n0^2", &[(0, 1)])]) };
    assert!(self::columns(&model.plan(300), Precision::F64).iter().flatten().all(|value| value.is_nan()));
    // Where counts stay finite, too: 300 trajectories are more than the lanes, which are all given up in one round.
    let columns = vec![Column::Position(0), Column::Jump(JumpColumn::Activity)];
    let model = Model { duration: 9.0, columns, most_events: 60, ..Model::of(&[100.0], &[("n0", &[(0, 1)])]) };
    assert!(self::columns(&model.plan(300), Precision::F64).iter().flatten().all(|value| value.is_nan()));
}

#[test]
fn alias_tables_hold_the_rates() {
    let plan = crate::random_models::samples(1).pop().expect("a network").plan;
    let Dynamics::Network(network) = &plan.dynamics else { panic!("the last sample is a network") };
    let alias = network.alias();
    for state in 0..network.states.len() {
        let edges = network.edges(state);
        let mut share = vec![0.0; network.target.len()];
        for slot in edges.clone() {
            let keep = (f64::from(alias.keep[slot]) + f64::from(u8::from(alias.other[slot] as usize == slot))) / 4_294_967_296.0;
            share[slot] += keep / edges.len() as f64;
            share[alias.other[slot] as usize] += (1.0 - keep) / edges.len() as f64;
        }
        for edge in edges {
            let exact = network.rate[edge] / network.exit(state);
            assert!((share[edge] - exact).abs() <= 1e-8, "state {state}, edge {edge}: {} for {exact}", share[edge]);
        }
    }
}
