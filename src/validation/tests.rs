//! The table judges, and can be seen to fail.

use super::*;
use crate::backend::cpu::{Cpu, Precision, Tuning};

const EXTENT: Extent = Extent { quick: true, seed: 1 };

fn cpu() -> Cpu {
    Cpu::new(Precision::F64, Tuning::default()).expect("threads start")
}

/// The table, with as few trajectories as `trajectories`.
fn report(system: System) -> Report {
    let cpu = cpu();
    let system: &'static System = Box::leak(Box::new(system));
    validate(&[system], EXTENT, &cpu, &mut |_| Flow::Continue).expect("the table runs")
}

const BEAD: System = System {
    name: "bead",
    model: "dragged-bead",
    changes: &[("protocol.duration", "1"), ("ensemble.dt", "0.05"), ("measure.every", "0.5")],
    trajectories: 20_000,
    quick: 20_000,
    reference: &[("work", 0.367_879_4)],
    controls: &[],
};

#[test]
fn an_honest_system_passes_and_every_kind_of_row_is_there() {
    let report = report(BEAD);
    assert_eq!(report.failures().count(), 0, "{:?}", report.failures().collect::<Vec<_>>());
    for kind in [Kind::Reference, Kind::Exact, Kind::Theorem] {
        assert!(report.rows.iter().any(|row| row.kind == kind), "{kind:?}");
    }
    assert!(report.comparisons > report.rows.len() && report.bound > 4.0, "{} {}", report.comparisons, report.bound);
    assert!(report.scores.count > 5 && report.scores.deviation > 0.3 && report.scores.deviation < 2.0, "{:?}", report.scores);
}

#[test]
fn a_wrong_reference_and_a_missing_one_fail() {
    for reference in [&[("work", 0.41)][..], &[("work", f64::NAN)], &[("no such estimate", 1.0)]] {
        let reference: &'static [(&'static str, f64)] = Box::leak(reference.to_vec().into_boxed_slice());
        let report = report(System { reference, ..BEAD });
        let failures: Vec<&str> = report.failures().map(|row| row.quantity.as_str()).collect();
        assert_eq!(failures, [reference[0].0]);
    }
}

#[test]
fn a_control_that_nobody_catches_fails() {
    let harmless = &[
        Control { name: "nothing at all", spoil: Spoil::Changes(&[]), caught_by: "work" },
        Control { name: "nothing either", spoil: Spoil::Plan(|_, _| {}), caught_by: "first_law" },
        Control { name: "a misspelt judge", spoil: Spoil::Plan(|_, _| {}), caught_by: "frist_law" },
        Control { name: "a true theorem", spoil: Spoil::Average("entropy_total"), caught_by: "entropy_total" },
    ];
    let report = report(System { controls: harmless, ..BEAD });
    assert_eq!(report.failures().filter(|row| row.kind == Kind::Control).count(), harmless.len());
    let real = &[Control { name: "a stiffer trap", spoil: Spoil::Changes(&[("k", "1.3")]), caught_by: "work" }];
    let report = self::report(System { controls: real, ..BEAD });
    assert_eq!(report.failures().count(), 0, "{:?}", report.failures().collect::<Vec<_>>());
}

#[test]
fn every_system_of_the_table_can_be_prepared_and_every_reference_has_a_name_that_the_run_knows() {
    let names: std::collections::BTreeSet<&str> = systems().map(|system| system.name).collect();
    assert_eq!(names.len(), systems().count(), "two systems of one name");
    for system in systems() {
        assert!(system.quick <= system.trajectories, "{}", system.name);
        simulation(system, EXTENT, &[]).unwrap_or_else(|error| panic!("{}: {error}", system.name));
    }
}

#[test]
fn words_choose_systems() {
    assert_eq!(select(&[]).len(), systems().count());
    assert!(select(&["ring".to_owned()]).iter().all(|system| system.name.contains("ring") || system.model.contains("ring")));
    assert!(select(&["no such thing".to_owned()]).is_empty());
}
