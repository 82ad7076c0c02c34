//! Walkers on networks of every size: the device takes the native edges, and tallies what they tally.

use std::fmt::Write;

use ness::backend::Batch;
use ness::backend::gpu::Tuning;
use ness::experiment::Source;
use ness::plan::{Column, DWELL_UNITS, Dynamics, JumpColumn, Network, Plan};
use ness::random::{Draws, Purpose};

use super::jumps::{cuts_change_no_bit, native, plan, same_paths, text};
use super::shaders::is_valid;
use super::{batches, device, joined};

/// A ring of states with chords, both ways at random rates.
fn ring(states: usize, chords: usize) -> Source {
    let mut draws = Draws::new(5, Purpose::Initial, 0);
    let names: Vec<String> = (0..states).map(|state| format!("\"s{state}\"")).collect();
    let mut edges = String::new();
    let mut edge = |name: String, from: usize, to: usize| {
        let (forward, reverse) = (0.2 + 4.0 * draws.uniform(), 0.2 + 4.0 * draws.uniform());
        let _ = writeln!(edges, "  {{ name = \"{name}\", from = \"s{from}\", to = \"s{to}\", forward = {forward:.3}, reverse = {reverse:.3} }},");
    };
    (0..states).for_each(|state| edge(format!("e{state}"), state, (state + 1) % states));
    (0..chords).for_each(|chord| edge(format!("c{chord}"), (7 * chord) % states, (7 * chord + states / 2) % states));
    text(&format!(
        "title = \"ring\"\n[model]\nkind = \"network\"\nstates = [{}]\nedges = [\n{edges}]\n[protocol]\nduration = 3.0\n[initial]\ndistribution = \"point\"\nstate = \"s0\"\n[ensemble]\ntrajectories = 1000\n[measure]\nevery = 1.0\n",
        names.join(", ")
    ))
}

fn network(plan: &Plan) -> &Network {
    match &plan.dynamics {
        Dynamics::Network(network) => network,
        _ => panic!("it is a network"),
    }
}

#[test]
fn shaders_of_networks_are_valid() {
    for source in [Source::named("proofreading"), ring(20, 4), ring(200, 40)] {
        is_valid(&plan(&source, 100));
    }
}

#[test]
fn small_networks_take_the_native_edges() {
    for model in ["triangle-open", "triangle-closed", "proofreading"] {
        same_paths(&plan(&Source::named(model), 3000));
    }
}

#[test]
fn networks_with_a_column_for_every_state_take_them_from_a_buffer() {
    let plan = plan(&ring(20, 4), 2000);
    assert!(!network(&plan).tallies && plan.columns.contains(&Column::Jump(JumpColumn::Dwell(19))));
    same_paths(&plan);
    cuts_change_no_bit(&Plan { trajectories: 0..300, ensemble: 300, ..plan });
}

/// Sums over all blocks.
fn sums(plan: &Plan, batch: &Batch) -> Vec<u64> {
    let width = plan.tallies();
    (0..width).map(|k| batch.tallies.iter().skip(k).step_by(width).sum()).collect()
}

/// Fails unless jumps are counted as the native backend counts them, but for trajectories that differ, and dwell times are whole.
fn same_tallies(plan: &Plan, there: &Batch, here: &Batch) {
    let differ =
        (0..here.count).filter(|&t| there.columns.iter().zip(&here.columns).any(|(a, b)| a[t].to_bits() != b[t].to_bits() && (a[t] - b[t]).abs() > 1e-3));
    let differ = differ.count() as u64;
    assert!(differ * 50 <= here.count as u64, "{differ} paths differ");
    let (a, b) = (sums(plan, there), sums(plan, here));
    let channels = network(plan).channels;
    let whole = network(plan).clock.segments * DWELL_UNITS as u64;
    let total = |sums: &[u64]| sums[channels..].iter().sum::<u64>();
    assert_eq!(total(&a), whole * there.count as u64, "every trajectory is somewhere at every time");
    assert_eq!(total(&a), total(&b));
    let jumps = |sums: &[u64]| sums[..channels].iter().sum::<u64>();
    assert!(jumps(&b) > 0 && jumps(&a).abs_diff(jumps(&b)) <= 40 * differ, "{} jumps and {}", jumps(&a), jumps(&b));
    for (k, (a, b)) in a.iter().zip(&b).enumerate() {
        let (unit, rounding) = if k < channels { (1, 0) } else { (whole, b / 1000 + 64 * there.count as u64) };
        assert!(a.abs_diff(*b) <= 40 * differ * unit + rounding, "tally {k}: {a} and {b}");
    }
}

#[test]
fn networks_of_thousands_of_states_walk_and_tally_alike() {
    let plan = plan(&ring(1500, 700), 2000);
    assert!(network(&plan).tallies && plan.tallies() > 4000);
    same_paths(&plan);
    let Some(gpu) = device(Tuning::default()) else { return };
    let (there, here) = (joined(&plan, &batches(&gpu, &plan)), native(&plan));
    same_tallies(&plan, &there, &here);
    cuts_change_no_bit(&Plan { trajectories: 0..600, ensemble: 600, block: 50, ..plan });
}

#[test]
fn a_relaxed_network_tallies_only_what_is_measured() {
    let mut plan = plan(&ring(70, 3), 1000);
    plan.relaxation_steps = 2;
    let Some(gpu) = device(Tuning::default()) else { return };
    let (there, here) = (joined(&plan, &batches(&gpu, &plan)), native(&plan));
    same_tallies(&plan, &there, &here);
}

#[test]
fn saves_change_no_edge() {
    let often = plan(&ring(70, 3), 500);
    let mut rarely = often.clone();
    rarely.schedule.save_every = rarely.schedule.steps;
    let Some(gpu) = device(Tuning::default()) else { return };
    let (a, b) = (joined(&often, &batches(&gpu, &often)), joined(&rarely, &batches(&gpu, &rarely)));
    assert!(often.schedule.saves() > rarely.schedule.saves());
    assert!(a.columns == b.columns && a.tallies == b.tallies);
}

#[test]
fn a_network_with_a_dead_end_and_too_many_events_is_given_up_alike() {
    let mut plan = plan(&ring(70, 0), 1000);
    if let Dynamics::Network(network) = &mut plan.dynamics {
        network.most_events = 9;
    }
    let Some(gpu) = device(Tuning::default()) else { return };
    let (there, here) = (joined(&plan, &batches(&gpu, &plan)), native(&plan));
    let lost = |batch: &Batch| (0..batch.count).filter(|&t| batch.columns.iter().any(|column| column[t].is_nan())).count();
    assert!(lost(&here) > 100 && lost(&here) < 990 && lost(&there).abs_diff(lost(&here)) <= 5, "{} and {}", lost(&there), lost(&here));
}
