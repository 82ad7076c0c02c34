//! Tau-leaping on the device: equal in law to the native leaps and to exact laws; saves and cuts change no bit.

use ness::backend::Batch;
use ness::backend::gpu::Tuning;
use ness::experiment::Source;
use ness::plan::{Column, Dynamics, JumpColumn, Plan, Reactions};

use super::jumps::{cuts_change_no_bit, native, plan, text};
use super::shaders::is_valid;
use super::{batches, device, joined};

fn leaping(species: &str, reactions: &str, every: f64, initial: &str) -> Source {
    text(&format!(
        "title = \"leaps\"\n[model]\nkind = \"reactions\"\nspecies = {{ {species} }}\nreactions = [{reactions}]\n[protocol]\nduration = 1.0\n[initial]\n{initial}\n[ensemble]\ntrajectories = 4000\nmethod = \"tau-leaping\"\n[measure]\nevery = {every}\n"
    ))
}

/// Isomers, of which a few thousand turn in a leap.
fn isomers() -> Source {
    leaping("A = 14000, B = 0", "{ name = \"turn\", equation = \"A <-> B\", forward = 1.0, reverse = 2.0 }", 0.25, "distribution = \"point\"")
}

/// Pairs, and a species that comes close to 0.
fn scarce() -> Source {
    let reactions = r#"
  { name = "birth", equation = "X -> 2 X", rate = 1.0 },
  { name = "hunt", equation = "X + Y -> 2 Y", rate = 0.005 },
  { name = "death", equation = "Y -> ", rate = 1.0 },
  { name = "pairing", equation = "2 X -> ", rate = 0.001 },
"#;
    leaping("X = 300, Y = 25", reactions, 0.25, "distribution = \"point\"")
}

/// Mean, variance and their standard errors.
fn moments(values: &[f64]) -> [(f64, f64); 2] {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let central = |k: i32| values.iter().map(|x| (x - mean).powi(k)).sum::<f64>() / n;
    let variance = central(2);
    [(mean, (variance / n).sqrt()), (variance, ((central(4) - variance * variance).max(0.0) / n).sqrt())]
}

/// Fails unless means and variances of all columns are the same but for chance.
fn same_laws(plan: &Plan, there: &Batch, here: &Batch) {
    for (c, column) in plan.columns.iter().enumerate() {
        for (which, (a, b)) in ["mean", "variance"].iter().zip(moments(&there.columns[c]).into_iter().zip(moments(&here.columns[c]))) {
            // Single precision: a part of the mean in the mean, none of note in the variance.
            let error = a.1.hypot(b.1) + 1e-6 * b.0.abs();
            assert!((a.0 - b.0).abs() <= 5.0 * error, "{which} of {column:?}: {} and {} ± {error}", a.0, b.0);
        }
    }
}

#[test]
fn leaps_have_the_native_laws() {
    let relaxed = leaping(
        "X = 50",
        "{ name = \"in\", equation = \"-> X\", rate = 3000.0 }, { name = \"out\", equation = \"X ->\", rate = 3.0 }",
        0.5,
        "distribution = \"steady-state\"\nburn_in = 1.0",
    );
    for source in [isomers(), scarce(), relaxed] {
        let plan = plan(&source, 4000);
        assert!(matches!(&plan.dynamics, Dynamics::Reactions(reactions) if reactions.leaping.is_some()));
        is_valid(&plan);
        let Some(gpu) = device(Tuning::default()) else { return };
        same_laws(&plan, &joined(&plan, &batches(&gpu, &plan)), &native(&plan));
    }
}

#[test]
fn isomers_have_their_exact_law() {
    let plan = plan(&isomers(), 4000);
    let Some(gpu) = device(Tuning::default()) else { return };
    let batch = joined(&plan, &batches(&gpu, &plan));
    // Molecules are independent: binomial with p = 2/3 + e^(−3t)/3, and A + B stays.
    let p = 2.0 / 3.0 + (-3f64).exp() / 3.0;
    assert_eq!(plan.columns[1], Column::Position(0));
    let column = |wanted: Column| &batch.columns[plan.columns.iter().position(|c| *c == wanted).expect("the column is there")];
    let (a, b) = (column(Column::Position(0)), column(Column::Position(1)));
    assert!(a.iter().zip(b).all(|(a, b)| a + b == 14_000.0 && a.fract() == 0.0));
    let (forward, reverse) = (column(Column::Jump(JumpColumn::Fired(0))), column(Column::Jump(JumpColumn::Fired(1))));
    assert!(forward.iter().zip(reverse).zip(b).all(|((forward, reverse), b)| forward - reverse == *b), "counts follow from firings");
    // The bias of mean and variance grows with the length of a leap; leaps of a twentieth of the length have next to none.
    let shorter = |part: f64| {
        let mut plan = plan.clone();
        if let Dynamics::Reactions(Reactions { leaping: Some(leaping), .. }) = &mut plan.dynamics {
            leaping.part = part;
        }
        moments(&joined(&plan, &batches(&gpu, &plan)).columns[1])
    };
    let ([(mean, error), _], [(half, half_error), _]) = (moments(a), shorter(0.5));
    let (exact, extrapolated) = (14_000.0 * p, 2.0 * half - mean);
    assert!((extrapolated - exact).abs() <= 5.0 * error.hypot(2.0 * half_error) + 5e-4 * exact, "{mean}, {half}, {extrapolated} against {exact}");
    assert!((mean - exact).abs() > (half - exact).abs() && (mean - exact).abs() < 0.01 * exact, "{mean}, {half} against {exact}");
    let [(mean, error), (variance, spread)] = shorter(0.05);
    assert!((mean - exact).abs() <= 5.0 * error + 5e-4 * exact, "{mean} against {exact}");
    let exact = exact * (1.0 - p);
    assert!((variance - exact).abs() <= 5.0 * spread + 0.03 * exact, "{variance} against {exact}");
}

#[test]
fn counts_stay_above_zero_and_cuts_change_no_bit() {
    let plan = plan(&scarce(), 300);
    let Some(gpu) = device(Tuning::default()) else { return };
    let batch = joined(&plan, &batches(&gpu, &plan));
    for (column, values) in plan.columns.iter().zip(&batch.columns) {
        assert!(values.iter().all(|value| *value >= 0.0), "{column:?}");
    }
    cuts_change_no_bit(&plan);
}

#[test]
fn saves_change_no_leap() {
    let often = plan(&scarce(), 500);
    let mut rarely = often.clone();
    rarely.schedule.save_every = rarely.schedule.steps;
    let Some(gpu) = device(Tuning::default()) else { return };
    let (a, b) = (joined(&often, &batches(&gpu, &often)), joined(&rarely, &batches(&gpu, &rarely)));
    assert!(often.schedule.saves() > rarely.schedule.saves() && a.columns == b.columns);
}
