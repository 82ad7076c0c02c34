//! Rods of cells from the file to the verdict: exact values against published ones, measured values against exact ones, planted defects, laws.

mod common;

use common::{Sabotaged, assert_exact, assert_holds, assert_violated, batches, cpu, estimate, model, prepare, run, text};
use ness::backend::Batch;
use ness::backend::cpu::{Cpu, InstructionSet, Precision, Tuning};
use ness::experiment::Source;
use ness::maths::negative_log_uniform;
use ness::plan::{Column, Dynamics, JumpColumn, Plan};
use ness::random::{self, Purpose};
use ness::simulation::{Outcome, Simulation};

/// The cold end of a rod in equilibrium is cooled down, jumps included, and the other warms up; unequal bonds.
const QUENCH: &str = r#"
title = "Rod whose end is suddenly cooled"
[model]
kind = "energy-exchange"
cells = 3
rate = [0.5, 2.0, 1.0, "slow"]
baths = "ghost-bond"
temperature = { hot = "T*(1 + 0.2*rise)", cold = "T*cold" }
[parameters]
T = 2.0
slow = 0.8
[protocol]
duration = 3.0
rise = "t^2"
cold = { steps = [[0, 1.0], [0.75, 0.25]] }
[initial]
distribution = "equilibrium"
temperature = "T"
[ensemble]
trajectories = 60_000
[measure]
every = 0.5
theorems = ["first_law", "conservation"]
"#;

/// One bath: a hot rod cools down.
const CUP: &str = r#"
title = "cup"
[model]
kind = "energy-exchange"
cells = 2
baths = "resample"
temperature = { cold = 1.0 }
[protocol]
duration = 2.0
[initial]
distribution = "point"
at = [3.0, 2.0]
[ensemble]
trajectories = 60_000
[measure]
every = 1.0
"#;

fn exact(simulation: &Simulation, name: &str) -> f64 {
    simulation.exact_values().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("`{name}` is not known")).1
}

/// Fails unless every estimate with an exact value is within five standard errors of it; answers how many there are.
fn all_agree(outcome: &Outcome) -> usize {
    let compared: Vec<_> = outcome.estimates.iter().filter(|e| e.exact.is_some()).collect();
    for e in &compared {
        assert!(e.z.is_some_and(|z| z.abs() <= 5.0), "{}: {} ± {} against {:?}", e.name, e.value, e.standard_error, e.exact);
    }
    compared.len()
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{found} against {expected}");
}

/// Numbers of an independent solution of the moment equations.
#[test]
fn long_rods_have_the_known_profiles_currents_and_correlations() {
    let ghost = model("metal-rod", &[("N", "16"), ("T_H", "3"), ("protocol.duration", "10"), ("measure.every", "10")]);
    for (name, value) in [
        ("energy.1", 2.882_352_941_176),
        ("energy.16", 1.117_647_058_824),
        ("energy.1.variance", 8.341_550_440_205),
        ("covariance.1.2", 0.010_835_076_328),
        ("covariance.8.9", 0.049_080_420_657),
        ("covariance.1.16", 0.000_766_002_562),
        ("energy.variance", 74.829_122_916_6),
        ("flux.8-9", 1.0 / 17.0),
        ("entropy_production_rate", 0.039_215_686_275),
        ("relaxation_rate", 0.017_026_900_316),
    ] {
        near(exact(&ghost, name), value);
    }
    let resample = model("metal-rod", &[("N", "8"), ("model.baths", "resample"), ("protocol.duration", "10"), ("measure.every", "10")]);
    for (name, value) in [
        ("energy.2", 1.8125),
        ("energy.1.variance", 3.776_018_343_393),
        ("covariance.4.5", 0.020_940_195_420),
        ("covariance.1.8", 0.000_425_461_193),
        ("energy.variance", 19.498_033_466_77),
        ("flux.hot-1", 0.0625),
        ("heat_rate.cold", 0.0625),
        ("entropy_production_rate", 0.03125),
        ("relaxation_rate", 0.076_120_467_489),
    ] {
        near(exact(&resample, name), value);
    }
}

#[test]
fn both_kinds_of_bath_give_their_exact_moments() {
    for baths in ["ghost-bond", "resample"] {
        for precision in ["f64", "f32"] {
            let sets = [("model.baths", baths), ("ensemble.precision", precision), ("ensemble.trajectories", "60000"), ("protocol.duration", "10")];
            let simulation = model("metal-rod", &sets);
            let precision = simulation.experiment().ensemble.precision;
            let outcome = run(&simulation, &Cpu::new(precision, Tuning::default()).expect("threads start"));
            assert!(all_agree(&outcome) >= 40, "{baths}");
            assert_exact(&outcome, "energy.1", 0.06);
            assert_exact(&outcome, "heat_rate.cold", 0.01);
            for name in ["first_law", "conservation", "tur"] {
                assert_holds(&outcome, name);
            }
        }
    }
}

/// Long-range correlations need many trajectories: the short rod has the strongest.
#[test]
fn cells_far_apart_are_correlated() {
    let outcome =
        run(&model("metal-rod", &[("N", "2"), ("T_H", "8"), ("ensemble.trajectories", "400000"), ("protocol.duration", "1"), ("measure.every", "1")]), &cpu());
    let covariance = estimate(&outcome, "covariance.1.2");
    assert!(covariance.exact.is_some_and(|exact| exact > 6.0 * covariance.standard_error), "{covariance:?}");
    assert_exact(&outcome, "covariance.1.2", 0.6);
}

#[test]
fn a_rod_at_one_temperature_is_in_equilibrium() {
    let theorems = "[\"first_law\", \"detailed_balance\", \"steady_balance\", \"conservation\"]";
    let outcome = run(&model("metal-rod", &[("T_H", "1.2"), ("T_C", "1.2"), ("ensemble.trajectories", "60000"), ("measure.theorems", theorems)]), &cpu());
    all_agree(&outcome);
    for name in ["first_law", "detailed_balance", "steady_balance", "conservation"] {
        assert_holds(&outcome, name);
    }
    let total = estimate(&outcome, "entropy_total");
    assert!(total.value.abs() <= 1e-12 && total.exact == Some(0.0), "{total:?}");
}

#[test]
fn moving_temperatures_and_insulated_ends_are_exact() {
    let quench = run(&text(QUENCH, &[]), &cpu());
    assert!(all_agree(&quench) >= 25);
    assert_exact(&quench, "entropy_medium", 0.1);
    assert_exact(&quench, "heat.cold", 0.1);
    assert_holds(&quench, "first_law");
    let cup = run(&text(CUP, &[]), &cpu());
    assert!(all_agree(&cup) >= 15);
    assert!(cup.estimates.iter().all(|e| !e.name.contains("hot")));
}

/// A rod followed one event at a time, from the words of its counters.
fn replayed(plan: &Plan, trajectory: u64) -> (Vec<f64>, Vec<f64>) {
    let Dynamics::Exchange(exchange) = &plan.dynamics else { panic!("a rod") };
    let (n, (bonds, alias)) = (exchange.cells(), exchange.choices());
    let mut cells = vec![0.0; n];
    ness::plan::initial_state(plan, trajectory, &mut cells);
    let mut crossed = vec![0.0; n + 1];
    let key = random::key(plan.seed);
    for (purpose, until, measured) in [
        (Purpose::RelaxationEvent, plan.relaxation_steps as f64 * plan.schedule.dt, false),
        (Purpose::Event, plan.schedule.steps as f64 * plan.schedule.dt, true),
    ] {
        let mut time = 0.0;
        for event in 0.. {
            let half = 2 * (event % 2) as usize;
            let words = [0, 1].map(|lane| random::philox(random::counter(purpose, trajectory, lane, event / 2), key));
            time += negative_log_uniform::<f64, false>(words[0][half]) / exchange.total();
            if time >= until {
                break;
            }
            let product = u64::from(words[0][half + 1]) * bonds.len() as u64;
            let slot = (product >> 32) as usize;
            let bond = bonds[if (product as u32) < alias.keep[slot] { slot } else { alias.other[slot] as usize }] as usize;
            let share = (f64::from(words[1][half]) + 0.5) * (-32f64).exp2();
            let segment = if measured { ((time / exchange.clock.length) as u64).min(exchange.clock.segments - 1) } else { 0 };
            let row = if measured && !exchange.steady { plan.uniforms.row(segment) } else { &plan.uniforms.resting };
            let part = time / exchange.clock.length - segment as f64;
            let fresh = |k: usize| (row[k] + (row[k + 1] - row[k]) * part) * negative_log_uniform::<f64, false>(words[1][half + 1]);
            let left = if bond == 0 { fresh(0) } else { cells[bond - 1] };
            let right = if bond == n { fresh(2) } else { cells[bond] };
            let swaps = (bond == 0 || bond == n) && exchange.contact == ness::experiment::exchange::Contact::Resample;
            let new = if swaps { (right, left) } else { (share * (left + right), (1.0 - share) * (left + right)) };
            if bond > 0 {
                cells[bond - 1] = new.0;
            }
            if bond < n {
                cells[bond] = new.1;
            }
            crossed[bond] += if measured { if bond == n { left - new.0 } else { new.1 - right } } else { 0.0 };
        }
    }
    (cells, crossed)
}

#[test]
fn every_path_is_the_one_of_its_counters() {
    let rods = [
        model("metal-rod", &[("ensemble.trajectories", "300"), ("T_H", "3"), ("r", "0.7")]),
        model("metal-rod", &[("ensemble.trajectories", "300"), ("model.baths", "resample"), ("N", "1")]),
        text(QUENCH, &[("ensemble.trajectories", "300")]),
        text(CUP, &[("ensemble.trajectories", "300")]),
    ];
    for simulation in rods {
        let plan = simulation.plan();
        let batch = joined(batches(plan, &cpu()));
        for trajectory in [0, 1, 127, 128, 200, 299] {
            let (cells, crossed) = replayed(plan, trajectory);
            for (index, column) in plan.columns.iter().enumerate() {
                let expected = match column {
                    Column::Position(i) => cells[usize::from(*i)],
                    Column::Jump(JumpColumn::Crossed(bond)) => crossed[usize::from(*bond)],
                    _ => continue,
                };
                let found = batch.columns[index][trajectory as usize];
                assert!((found - expected).abs() <= 1e-9 * (1.0 + expected.abs()), "{column:?} of {trajectory}: {found} against {expected}");
            }
        }
    }
}

fn joined(parts: Vec<Batch>) -> Batch {
    let mut parts = parts.into_iter();
    let mut whole = parts.next().expect("at least one batch");
    for part in parts {
        whole.count += part.count;
        whole.series.extend(part.series);
        whole.columns.iter_mut().zip(part.columns).for_each(|(all, more)| all.extend(more));
    }
    whole
}

#[test]
fn neither_cuts_nor_threads_nor_saves_change_a_bit() {
    for simulation in [model("metal-rod", &[("ensemble.trajectories", "1003"), ("protocol.duration", "4")]), text(QUENCH, &[("ensemble.trajectories", "1003")])]
    {
        let plan = simulation.plan();
        let with = |plan: &Plan, precision, tuning| joined(batches(plan, &Cpu::new(precision, tuning).expect("threads start")));
        for precision in [Precision::F64, Precision::F32] {
            let whole = with(plan, precision, Tuning::default());
            for tuning in [
                Tuning { threads: Some(1), group: 1, groups_per_thread: 1, instruction_set: None },
                Tuning { threads: Some(3), group: 2, groups_per_thread: 2, instruction_set: None },
            ] {
                let cut = with(plan, precision, tuning);
                assert_eq!((&whole.columns, &whole.series), (&cut.columns, &cut.series));
            }
            let mut seldom = plan.clone();
            (seldom.schedule.dt, seldom.schedule.steps) = (plan.schedule.dt * plan.schedule.steps as f64, 1);
            seldom.relaxation_steps = 0;
            let mut often = plan.clone();
            often.relaxation_steps = 0;
            assert_eq!(with(&often, precision, Tuning::default()).columns, with(&seldom, precision, Tuning::default()).columns);
        }
        if InstructionSet::available().contains(&InstructionSet::Avx2) {
            let set = |instruction_set| with(plan, Precision::F64, Tuning { instruction_set: Some(instruction_set), ..Tuning::default() }).columns;
            assert_eq!(set(InstructionSet::available()[0]), set(InstructionSet::Avx2));
        }
    }
}

fn sabotaged(plan: impl Fn(&mut Plan), batch: impl Fn(&Plan, &mut Batch) + Sync) -> Outcome {
    let simulation = model("metal-rod", &[("ensemble.trajectories", "100000"), ("protocol.duration", "10")]);
    run(&simulation, &Sabotaged { inner: cpu(), plan, batch })
}

fn column(plan: &Plan, wanted: Column) -> usize {
    plan.columns.iter().position(|c| *c == wanted).expect("the column is there")
}

#[test]
fn planted_defects_are_caught() {
    let warm = sabotaged(
        |plan| {
            plan.uniforms.rows[0] *= 1.03;
            plan.uniforms.rows[1] *= 1.03;
            plan.uniforms.resting[0] *= 1.03;
            plan.uniforms.resting[1] *= 1.03;
        },
        |_, _| {},
    );
    assert!(warm.violated().contains(&"energy.1") || warm.violated().contains(&"energy_average.1"), "{:?}", warm.violated());
    let cut = sabotaged(
        |plan| {
            if let Dynamics::Exchange(exchange) = &mut plan.dynamics {
                exchange.rates[2] *= 0.9;
            }
        },
        |_, _| {},
    );
    assert!(!cut.violated().is_empty());
    let resampled = sabotaged(
        |plan| {
            if let Dynamics::Exchange(exchange) = &mut plan.dynamics {
                exchange.contact = ness::experiment::exchange::Contact::Resample;
            }
        },
        |_, _| {},
    );
    assert!(resampled.violated().contains(&"flux"), "{:?}", resampled.violated());
    let leaking = sabotaged(
        |_| {},
        |plan, batch| {
            let bond = column(plan, Column::Jump(JumpColumn::Crossed(2)));
            batch.columns[bond].iter_mut().for_each(|crossed| *crossed *= 1.001);
        },
    );
    assert_violated(&leaking, "conservation");
    let unpaid = sabotaged(
        |_| {},
        |plan, batch| {
            let bond = column(plan, Column::Jump(JumpColumn::Crossed(0)));
            batch.columns[bond].iter_mut().for_each(|crossed| *crossed = -*crossed);
        },
    );
    assert_violated(&unpaid, "first_law");
}

#[test]
fn what_is_not_known_is_refused_with_a_reason() {
    let refused = |pairs: &[(&str, &str)]| match prepare(&Source::Model("metal-rod".to_owned()), pairs) {
        Ok(_) => panic!("{pairs:?} was not refused"),
        Err(error) => error.to_string(),
    };
    for (set, part) in [
        (("measure.theorems", "[\"integral_total\"]"), "in equilibrium only"),
        (("measure.theorems", "[\"gallavotti_cohen\"]"), "in equilibrium only"),
        (("measure.theorems", "[\"detailed_balance\"]"), "it needs equilibrium"),
        (("measure.theorems", "[\"jarzynski\"]"), "nothing does work"),
        (("initial.distribution", "equilibrium"), "the baths differ"),
        (("model.cells", "2.5"), "1 to 256 cells"),
        (("model.rate", "[1, 2]"), "expected 5 of 4 cells"),
        (("model.rate", "0"), "above 0"),
        (("T_C", "-1"), "above 0"),
        (("model.baths", "resampled"), "did you mean `resample`?"),
        (("ensemble.method", "tau-leaping"), "not run by tau-leaping"),
        (("initial.at", "1"), "belongs to the distribution `point`"),
        (("model.temperature", "[1, 2, 3]"), "`[hot, cold]`"),
        (("model.temperature", "T_H*t"), "`t`"),
    ] {
        let message = refused(&[set]);
        assert!(message.contains(part), "{set:?}: {message}");
    }
    let short = model("metal-rod", &[("initial.burn_in", "0.5")]);
    assert!(short.warnings.iter().any(|warning| warning.contains("NOT relaxed")), "{:?}", short.warnings);
}
