//! The suite, run: from the XML of every case to means and variances at its times.

use ness::backend::Flow;
use ness::backend::cpu::{Cpu, Precision, Tuning};
use ness::experiment::{Experiment, Source};
use ness::plan::{Column, JumpColumn};
use ness::simulation::Simulation;
use ness::thermodynamics::theorems;

use super::cases;
use super::judge::{Case, judge};
use super::models::imported;

const TRAJECTORIES: u64 = 10_000;

/// Sample means and variances `[observable][time]` of a case.
fn measured(case: &Case, level: &str) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let text = imported(&case.name, level);
    let overrides = [("ensemble.trajectories".to_owned(), TRAJECTORIES.to_string())];
    let source = Source::Text { name: case.name.clone(), text };
    let experiment = Experiment::load(&source, &overrides, &theorems::names()).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let simulation = Simulation::prepare(experiment).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let cpu = Cpu::new(Precision::F64, Tuning::default()).expect("threads start");
    let outcome = simulation.run(&cpu, &mut |_| Flow::Continue).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let plan = simulation.plan();
    let derived = simulation.derived();
    let row = |name: &str| {
        plan.series.iter().position(|column| match column {
            Column::Position(i) => plan.coordinates[usize::from(*i)].name == name,
            Column::Jump(JumpColumn::Derived(k)) => derived[usize::from(*k)] == name,
            _ => false,
        })
    };
    let of = |name: &str, rows: &[[f64; 3]]| -> (Vec<f64>, Vec<f64>) {
        match row(name) {
            Some(index) => (0..rows.len()).map(|save| outcome.series.moments(save, index)).map(|m| (m.mean, m.variance())).unzip(),
            // A species that is held stays what it was.
            None => rows.iter().map(|_| (rows[0][0], 0.0)).unzip(),
        }
    };
    case.observables.iter().map(|(name, rows)| of(name, rows)).unzip()
}

#[test]
fn every_case_of_the_suite_passes() {
    let cases: Vec<Case> = cases().iter().map(|name| Case::read(name)).collect();
    let family = cases.iter().map(Case::comparisons).sum();
    let wrong: Vec<String> = cases
        .iter()
        .enumerate()
        .flat_map(|(index, case)| {
            let (means, variances) = measured(case, if index % 2 == 0 { "l3v1" } else { "l2v4" });
            judge(case, &means, &variances, TRAJECTORIES, family)
        })
        .collect();
    // Neighbouring times are correlated, so that one honest sample in eighty has more than three excursions; nothing else is forgiven.
    let (excursions, other): (Vec<&String>, Vec<&String>) = wrong.iter().partition(|text| text.contains("|Z| is above 3"));
    assert!(other.is_empty(), "{other:?}");
    assert!(excursions.len() <= 2, "{excursions:?}");
}
