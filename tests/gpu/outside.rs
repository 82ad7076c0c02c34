//! Events from outside, and models of many species and channels: the native paths, and exact means.

use std::fmt::Write;

use ness::backend::Backend;
use ness::backend::gpu::Tuning;
use ness::experiment::Source;
use ness::plan::{Column, Dynamics, JumpColumn, Plan};

use super::jumps::{cuts_change_no_bit, plan, same_paths, text};
use super::shaders::is_valid;
use super::{batches, device, joined};

/// Immigration and death, set back at a time; then whatever `events` says.
fn colony(events: &str) -> Source {
    text(&format!(
        r#"
title = "colony"
[model]
kind = "reactions"
species = {{ X = 0, Y = 3 }}
reactions = [
  {{ name = "in", equation = "-> X", rate = 10.0 }},
  {{ name = "out", equation = "X ->", rate = 1.0 }},
  {{ name = "turn", equation = "Y <-> X", forward = 0.3, reverse = 0.1 }},
]
events = [{events}]
[protocol]
duration = 2.0
[initial]
distribution = "point"
[ensemble]
trajectories = 3_000
[measure]
every = 0.5
"#
    ))
}

#[test]
fn events_at_times_and_by_conditions_take_the_native_paths() {
    let times = r#"{ at = 0.5, set = { X = "2*X + 1" } }, { at = 1.25, set = { X = 5, Y = "Y - 1" } }, { at = 0.75, set = { Y = "Y + 2" } }"#;
    let conditions = r#"{ when = "X >= 8", set = { X = 1 } }, { when = "X == 1", set = { Y = "Y + 1" } }, { when = "Y > 6", set = { Y = 0 } }"#;
    for events in [times.to_owned(), conditions.to_owned(), format!("{times}, {conditions}")] {
        let plan = plan(&colony(&events), 3000);
        is_valid(&plan);
        same_paths(&plan);
    }
    cuts_change_no_bit(&plan(&colony(&format!("{times}, {conditions}")), 300));
}

#[test]
fn conditions_that_the_first_event_makes_true_are_seen() {
    let plan = plan(&colony(r#"{ when = "X > 0", set = { X = 0 } }"#), 1000);
    let Some(gpu) = device(Tuning::default()) else { return };
    let batch = joined(&plan, &batches(&gpu, &plan));
    // X starts at 0: whatever comes in is taken away at once.
    assert!(batch.columns[1].iter().all(|&count| count == 0.0));
}

#[test]
fn conditions_that_never_rest_are_given_up() {
    let plan = plan(&colony(r#"{ when = "X > 3", set = { X = 0 } }, { when = "X == 0", set = { X = 4 } }"#), 500);
    let Some(gpu) = device(Tuning::default()) else { return };
    let batch = joined(&plan, &batches(&gpu, &plan));
    let lost = batch.columns[1].iter().filter(|count| count.is_nan()).count();
    assert!(lost > 450, "{lost}");
}

#[test]
fn a_count_set_from_outside_relaxes_as_it_must() {
    let source = text(
        r#"
title = "set"
[model]
kind = "reactions"
species = { X = 0 }
reactions = [{ name = "in", equation = "-> X", rate = 10.0 }, { name = "out", equation = "X ->", rate = 1.0 }]
events = [{ at = 1.0, set = { X = 25 } }]
[protocol]
duration = 2.0
[initial]
distribution = "point"
[ensemble]
trajectories = 20_000
[measure]
every = 1.0
"#,
    );
    let plan = plan(&source, 20_000);
    let Some(gpu) = device(Tuning::default()) else { return };
    let batch = joined(&plan, &batches(&gpu, &plan));
    let left = (-1f64).exp();
    let (mean, variance) = (10.0 + 15.0 * left, 25.0 * left * (1.0 - left) + 10.0 * (1.0 - left));
    let found = batch.columns[1].iter().sum::<f64>() / batch.count as f64;
    let error = (variance / batch.count as f64).sqrt();
    assert!((found - mean).abs() <= 5.0 * error && error < 0.01 * mean, "{found} against {mean} ± {error}");
    let spread = batch.columns[1].iter().map(|x| (x - found).powi(2)).sum::<f64>() / batch.count as f64;
    assert!((spread - variance).abs() <= 5.0 * variance * (2.1 / batch.count as f64).sqrt(), "{spread} against {variance}");
}

/// A ring of species that turn into each other, each with births and deaths.
fn ring(species: usize) -> Source {
    let counts: Vec<String> = (0..species).map(|i| format!("S{i} = 0")).collect();
    let mut reactions = String::new();
    for i in 0..species {
        let next = (i + 1) % species;
        let _ = writeln!(reactions, "  {{ name = \"live{i}\", equation = \"<-> S{i}\", forward = 3.0, reverse = 1.5 }},");
        let _ = writeln!(reactions, "  {{ name = \"turn{i}\", equation = \"S{i} <-> S{next}\", forward = 0.7, reverse = 0.2 }},");
    }
    text(&format!(
        "title = \"ring\"\n[model]\nkind = \"reactions\"\nspecies = {{ {} }}\nreactions = [\n{reactions}]\n[protocol]\nduration = 0.5\n[initial]\ndistribution = \"point\"\n[ensemble]\ntrajectories = 1000\n[measure]\nevery = 0.25\n",
        counts.join(", ")
    ))
}

#[test]
fn many_species_and_channels_take_the_native_paths() {
    let plan = plan(&ring(20), 1000);
    assert!(plan.coordinates.len() == 20 && matches!(&plan.dynamics, Dynamics::Reactions(reactions) if reactions.channels.len() == 80));
    same_paths(&plan);
    let Some(whole) = device(Tuning::default()) else { return };
    let Some(cut) = device(Tuning { workgroup: 128, chunk: Some(128), wide_integers: false, ..Tuning::default() }) else { return };
    let plan = Plan { trajectories: 0..300, ensemble: 300, ..plan };
    assert!(joined(&plan, &batches(&whole, &plan)) == joined(&plan, &batches(&cut, &plan)));
}

#[test]
fn sixty_four_species_have_their_poisson_laws() {
    let plan = plan(&ring(64), 1000);
    assert!(plan.coordinates.len() == 64 && matches!(&plan.dynamics, Dynamics::Reactions(reactions) if reactions.channels.len() == 256));
    is_valid(&plan);
    let Some(gpu) = device(Tuning::default()) else { return };
    let batch = joined(&plan, &batches(&gpu, &plan));
    // All species are alike: mean 2 (1 − e^(−1.5 t)).
    let mean = 2.0 * (1.0 - (-0.75f64).exp());
    for i in 0..64 {
        let found = batch.columns[2 * i + 1].iter().sum::<f64>() / batch.count as f64;
        assert!((found - mean).abs() <= 5.0 * (mean / batch.count as f64).sqrt(), "species {i}: {found} against {mean}");
        // The series comes in two passes; its last row is the end.
        let last = batch.series.chunks_exact(plan.series.len()).skip(plan.schedule.saves() - 1).step_by(plan.schedule.saves());
        let (sum, count) = last.fold((0.0, 0.0), |(sum, count), row| (sum + row[i].count * row[i].mean, count + row[i].count));
        assert!(count == batch.count as f64 && (sum / count - found).abs() <= 1e-5 * found, "species {i}: {sum}, {count}");
    }
}

#[test]
fn many_channels_with_entropies_along_the_path() {
    // A rate that moves makes the entropy a sum along the path.
    let Source::Text { name, text } = ring(20) else { panic!("it is a text") };
    let moving = text.replace("forward = 3.0, reverse = 1.5", "forward = \"3 + l\", reverse = 1.5").replace("duration = 0.5", "duration = 0.5\nl = \"2*t\"");
    let plan = plan(&Source::Text { name, text: moving }, 1000);
    is_valid(&plan);
    same_paths(&plan);
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    let mut plan = plan(&colony(""), 100);
    plan.series = vec![Column::Jump(JumpColumn::Integral(0))];
    let Some(gpu) = device(Tuning::default()) else { return };
    let refused = gpu.fits(&plan).expect_err("sums along the way have no kernels").to_string();
    assert!(refused.contains("time series of sums") && refused.contains("--backend cpu"), "{refused}");
}
