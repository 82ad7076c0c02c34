//! Every theorem on data of which everything is known: work and entropy Gaussian with variance twice the mean.

use super::*;
use crate::backend::Batch;
use crate::random::{Draws, Purpose};
use crate::statistics::{FieldLayout, logistic};
use crate::thermodynamics::free_energy::BothWays;
use crate::thermodynamics::observables::Unit;

/// Scalars of a synthetic run, in this order.
const NAMES: [&str; 11] = [
    "work",
    "work_path",
    "heat",
    "energy_change",
    "first_law_residual",
    "entropy_medium",
    "entropy_system",
    "entropy_total",
    "entropy_total_path",
    "displacement.x",
    "displacement.y",
];

/// One trajectory's scalars.
type Values = [f64; 11];
/// Forward and reverse run.
type Runs = (Scalars, Scalars);
/// A mistake in the scalars of every trajectory.
type Sabotage = fn(&mut Values);
/// A theorem, facts that suit it, and mistakes it must notice.
type Case<'a> = (&'a str, Facts, &'a [Sabotage]);
/// Name and z of a statistic.
type Statistic<'a> = (&'a str, &'a dyn Fn(&Runs) -> f64);

/// A run of unit temperature from equilibrium with a path ledger and ΔF = 2.
pub(in crate::thermodynamics) fn facts() -> Facts {
    Facts {
        single_temperature: Some(1.0),
        canonical: Ok(()),
        delta_free_energy: Some((2.0, "by hand".into())),
        start: Start::Equilibrium,
        protocol_moves: false,
        has_drives: false,
        jumps: false,
        empty_states_at_start: false,
        odd: None,
        parity: Ok(()),
        unseen_variances: Default::default(),
        steady_states: Ok(()),
        path_ledger: Ok(()),
        system_entropy: Ok("exact".into()),
        duration: 2.0,
        quadratic_potential: false,
        unit_roundoff: 2f64.powi(-53),
        exponential_variances: BTreeMap::new(),
    }
}

fn steady() -> Facts {
    Facts { start: Start::SteadyState, has_drives: true, ..facts() }
}

fn moving() -> Facts {
    Facts { protocol_moves: true, ..facts() }
}

fn observables() -> Vec<Named> {
    NAMES.iter().map(|name| Named { name: name.to_string(), unit: Unit::Energy, long_name: "" }).collect()
}

/// One trajectory: dissipation `m` on average, ΔF = `difference`; energies balance to 1 %, `x` is a current of uncertainty ratio 4, `y` one that vanishes.
fn trajectory(draws: &mut Draws, m: f64, difference: f64) -> Values {
    let noise = draws.normal();
    let work = difference + m + (2.0 * m).sqrt() * noise;
    let energy_change = draws.normal();
    let residual = 0.01 * draws.normal();
    let heat = residual + work - energy_change;
    let system = 0.3 * draws.normal();
    let total = m + (2.0 * m).sqrt() * noise;
    let (x, y) = (m + (2.0 * m).sqrt() * (noise + draws.normal()), draws.normal());
    [work, work, heat, energy_change, residual, total - system, system, total, total, x, y]
}

fn run(seed: u64, purpose: Purpose, count: usize, make: impl Fn(&mut Draws) -> Values) -> Scalars {
    let mut scalars = Scalars::new((count as u64).div_ceil(64), scalar_specs(&observables(), &facts()), PAIRS);
    let mut draws = Draws::new(seed, purpose, 0);
    let mut columns = vec![Vec::with_capacity(count); NAMES.len()];
    for _ in 0..count {
        columns.iter_mut().zip(make(&mut draws)).for_each(|(column, value)| column.push(value));
    }
    scalars.absorb(0, &columns).expect("fits");
    scalars
}

/// Forward and reverse runs after sabotage.
fn both(seed: u64, count: usize, m: f64, sabotage: Sabotage) -> Runs {
    let with = |draws: &mut Draws, difference: f64| {
        let mut values = trajectory(draws, m, difference);
        sabotage(&mut values);
        values
    };
    let forward = run(seed, Purpose::Initial, count, |draws| with(draws, 2.0));
    let reverse = run(seed, Purpose::ReverseInitial, count, |draws| with(draws, -2.0));
    (forward, reverse)
}

fn verdict(name: &str, facts: &Facts, runs: &Runs, fields: Option<&Fields>) -> Verdict {
    let evidence = Evidence { facts, scalars: &runs.0, reverse: Some(&runs.1), fields };
    let judged = judge(&[name.to_string()], &evidence, 10).expect("in scope");
    judged.verdicts.into_iter().next().expect("one verdict")
}

fn assert_verdict(found: &Verdict, expected: Judgement) {
    assert!(found.verdict == expected && !found.advice.is_empty(), "expected {expected:?}: {found:?}");
}

/// All theorems with facts that suit them.
fn all() -> Vec<(&'static str, Facts)> {
    let unknown = Facts { delta_free_energy: None, ..moving() };
    vec![
        ("first_law", facts()),
        ("steady_balance", steady()),
        ("jarzynski", moving()),
        ("jarzynski", unknown.clone()),
        ("crooks", moving()),
        ("crooks", unknown),
        ("integral_total", moving()),
        ("detailed_total", steady()),
        ("tur", steady()),
    ]
}

#[test]
fn sound_data_uphold_every_theorem() {
    let runs = both(1, 40_000, 0.5, |_| {});
    for (name, facts) in all() {
        let found = verdict(name, &facts, &runs, None);
        assert_verdict(&found, Judgement::Holds);
        assert!(found.z.is_finite() && found.standard_error > 0.0, "{found:?}");
    }
}

#[test]
fn without_a_path_ledger_theorems_of_single_trajectories_are_refused() {
    let physical = Facts { path_ledger: Err("heun".into()), ..moving() };
    for name in ["integral_total", "detailed_total"] {
        let refusal = in_scope(name, &physical, &observables()).expect_err("out of scope").to_string();
        assert!(refusal.contains("heun") && refusal.contains("path ledger"), "{refusal}");
    }
}

#[test]
fn every_theorem_is_refuted_by_plausible_mistakes() {
    let scaled: Sabotage = |v| v.iter_mut().for_each(|value| *value *= 1.03);
    let flipped: Sabotage = |v| v.iter_mut().for_each(|value| *value = -*value);
    let shifted: Sabotage = |v| v.iter_mut().for_each(|value| *value += 0.05);
    let no_work: Sabotage = |v| v[4] += v[0];
    let heat_sign: Sabotage = |v| (v[2], v[4]) = (-v[2], v[4] - 2.0 * v[2]);
    let no_small_energy: Sabotage = |v| {
        // Energy changes that are small beside work and heat, forgotten.
        (v[0], v[2]) = (v[0] + 100.0, v[2] + 100.0);
        v[4] -= v[3];
    };
    let too_regular: Sabotage = |v| v[9] = 0.5 + 0.6 * (v[9] - 0.5);
    let (unknown, quadratic) = (Facts { delta_free_energy: None, ..moving() }, Facts { quadratic_potential: true, ..facts() });
    let cases: [Case; 10] = [
        ("first_law", facts(), &[no_work, heat_sign, no_small_energy]),
        ("first_law", quadratic, &[|_| {}]),
        ("steady_balance", steady(), &[shifted, flipped]),
        ("jarzynski", moving(), &[scaled, flipped, shifted]),
        ("jarzynski", unknown.clone(), &[flipped]),
        ("crooks", moving(), &[scaled, flipped, shifted]),
        ("crooks", unknown, &[scaled, flipped]),
        ("integral_total", moving(), &[flipped, shifted]),
        ("detailed_total", steady(), &[scaled, flipped, shifted]),
        ("tur", steady(), &[too_regular, flipped]),
    ];
    for (name, facts, sabotages) in &cases {
        // 3 % of the slope is 5 standard errors of 0.6 %, which the sign of the entropy alone gives for 200,000 trajectories.
        let count = if *name == "detailed_total" { 200_000 } else { 60_000 };
        for (number, sabotage) in sabotages.iter().enumerate() {
            let found = verdict(name, facts, &both(2, count, 0.5, *sabotage), None);
            assert!(found.verdict == Judgement::Violated, "sabotage {number} of {name}: {found:?}");
        }
    }
}

#[test]
fn unsampled_tails_are_neither_upheld_nor_refuted() {
    let (sound, flat) = (both(3, 20_000, 12.0, |_| {}), both(3, 20_000, 12.0, |v| v.iter_mut().for_each(|value| *value *= 1.1)));
    for (name, facts) in all().into_iter().filter(|(name, _)| ["jarzynski", "crooks", "integral_total", "detailed_total"].contains(name)) {
        for runs in [&sound, &flat] {
            let found = verdict(name, &facts, runs, None);
            assert_verdict(&found, Judgement::Undersampled);
            assert!(found.advice.contains("would decide") || found.advice.contains("ΔF is not known"), "{found:?}");
        }
    }
    let few = both(4, 60, 0.5, |_| {});
    for (name, facts) in all() {
        assert_verdict(&verdict(name, &facts, &few, None), Judgement::Undersampled);
    }
    // The exact variance of exp(−S), e^{2m} − 1, decides where it is known.
    let exact = |variance: f64| Facts { exponential_variances: [("integral_total".to_string(), variance)].into(), ..moving() };
    let runs = both(5, 20_000, 0.5, |_| {});
    assert_verdict(&verdict("integral_total", &exact(1f64.exp() - 1.0), &runs, None), Judgement::Holds);
    assert_verdict(&verdict("integral_total", &exact(100.0), &runs, None), Judgement::Undersampled);
    assert_verdict(&verdict("integral_total", &exact(f64::INFINITY), &runs, None), Judgement::Undersampled);
    // Entropies so small that no slope can be told.
    assert_verdict(&verdict("detailed_total", &steady(), &both(6, 20_000, 1e-6, |_| {}), None), Judgement::Undersampled);
}

#[test]
fn a_far_outlier_spoils_no_verdict() {
    let mut runs = both(7, 20_000, 0.5, |_| {});
    let spoiled: Vec<Vec<f64>> = vec![vec![1e9]; NAMES.len()];
    runs.0.absorb(20_000, &spoiled).expect("in order");
    for (name, facts) in [("crooks", moving()), ("detailed_total", steady())] {
        let found = verdict(name, &facts, &runs, None);
        assert_verdict(&found, Judgement::Undersampled);
        assert!(found.advice.contains("outlier"), "{found:?}");
    }
}

/// Ends of trajectories on a ring, with `turns` extra turns for one trajectory in ten.
fn ring(turns: f64) -> Fields {
    let layout = FieldLayout { lower: 0.0, upper: 1.0, bins: 8, closed: true };
    let mut fields = Fields::new(100, 1, vec![layout]);
    let mut draws = Draws::new(11, Purpose::Initial, 0);
    let (mut initial, mut position, mut winding) = (Vec::new(), Vec::new(), Vec::new());
    for trajectory in 0..5000 {
        let x: f64 = draws.uniform() + draws.normal();
        let start: f64 = draws.uniform();
        initial.push(start);
        position.push((x - 0.5 + start).rem_euclid(1.0));
        winding.push((x - 0.5 + start).floor() + if trajectory % 10 == 0 { turns } else { 0.0 });
    }
    let batch = Batch { count: 0, counts: vec![Vec::new()], windings: vec![Vec::new()], block_counts: vec![Vec::new()], ..Batch::default() };
    fields.absorb(&batch).expect("empty");
    fields.absorb_ends(0, 0, (&initial, &position), Some(&winding)).expect("fits");
    fields
}

#[test]
fn equilibrium_has_no_current_and_a_drive_is_seen() {
    let still = run(12, Purpose::Initial, 5000, |draws| [draws.normal(); 11]);
    let drifting = run(12, Purpose::Initial, 5000, |draws| [draws.normal() + 0.2; 11]);
    let (still, drifting) = ((still.clone(), still), (drifting.clone(), drifting));
    assert_verdict(&verdict("detailed_balance", &facts(), &still, Some(&ring(0.0))), Judgement::Holds);
    assert_verdict(&verdict("detailed_balance", &facts(), &still, Some(&ring(1.0))), Judgement::Violated);
    assert_verdict(&verdict("detailed_balance", &facts(), &drifting, Some(&ring(0.0))), Judgement::Violated);
    let evidence = Evidence { facts: &facts(), scalars: &still.0, reverse: None, fields: Some(&ring(0.0)) };
    let judged = judge(&["detailed_balance".into(), "first_law".into()], &evidence, 7).expect("in scope");
    assert_eq!(judged.comparisons, 7 + 8 + 2);
    assert_eq!(judged.bound, significance_bound(17));
}

#[test]
fn scopes_refuse_with_a_reason() {
    let cases = [
        ("jarzynski", Facts { start: Start::SteadyState, ..facts() }, "equilibrium"),
        ("crooks", Facts { single_temperature: None, ..facts() }, "one temperature"),
        ("detailed_balance", steady(), "non-conservative"),
        ("detailed_balance", moving(), "protocol"),
        ("steady_balance", moving(), "protocol"),
        ("tur", Facts { start: Start::Other, ..facts() }, "steady"),
    ];
    for (name, facts, word) in cases {
        let found = in_scope(name, &facts, &observables());
        assert!(matches!(&found, Err(TheoremError::OutOfScope { reason, .. }) if reason.contains(word)), "{name}: {found:?}");
    }
    let unknown = Facts { system_entropy: Err("p(x, τ) is not Gaussian".into()), ..facts() };
    let without: Vec<Named> = observables().into_iter().filter(|named| !named.name.starts_with("entropy_total")).collect();
    assert!(matches!(in_scope("integral_total", &unknown, &without), Err(TheoremError::OutOfScope { reason, .. }) if reason.contains("not Gaussian")));
    assert!(matches!(in_scope("second_law", &facts(), &[]), Err(TheoremError::Unknown { known, .. }) if known.contains("jarzynski")));
    let others =
        ["entropy_housekeeping", "entropy_nonadiabatic", "hatano_sasa", "symmetry.0.1", "conservation_residual", "entropy_infimum", "entropy_infimum_limit"];
    let others = others.map(|name| Named { name: name.into(), unit: Unit::Entropy, long_name: "" });
    let all: Vec<Named> = observables().into_iter().chain(others).collect();
    for theorem in THEOREMS {
        assert!(find(theorem.name).is_ok() && !theorem.sentence.is_empty());
        let suits = [facts(), steady(), moving()].iter().any(|facts| in_scope(theorem.name, facts, &all).is_ok());
        assert!(suits, "{} suits no run", theorem.name);
    }
    let run = run(1, Purpose::Initial, 10, |draws| trajectory(draws, 1.0, 0.5));
    let alone = Evidence { facts: &moving(), scalars: &run, reverse: None, fields: None };
    assert!(matches!(judge(&["crooks".into()], &alone, 0), Err(TheoremError::OutOfScope { reason, .. }) if reason.contains("reversed")));
}

fn work_both_ways(runs: &Runs) -> BothWays {
    let [forward, reverse] = [&runs.0, &runs.1].map(|scalars| scalars.get("work").expect("work").histogram());
    BothWays::new(forward, reverse, 1.0).expect("filled")
}

/// The z of every statistic over 200 independent runs must be standard normal: errors neither too small nor too large.
#[test]
fn every_z_is_standard_normal() {
    const RUNS: usize = 200;
    let unknown = Facts { delta_free_energy: None, ..moving() };
    let exact = Facts { exponential_variances: [("integral_total".to_string(), 0.5f64.exp() - 1.0)].into(), ..moving() };
    let z = |name: &str, facts: &Facts, runs: &Runs| {
        let found = verdict(name, facts, runs, None);
        assert!(found.value.is_finite(), "{found:?}");
        (found.value - found.expected) / found.standard_error
    };
    let statistics: [Statistic; 10] = [
        ("mean", &|runs| runs.0.get("work").expect("work").moments().measured_mean().z(2.25)),
        ("variance", &|runs| runs.0.get("work").expect("work").moments().measured_variance().z(0.5)),
        ("jarzynski", &|runs| z("jarzynski", &moving(), runs)),
        ("jarzynski with Bennett", &|runs| z("jarzynski", &unknown, runs)),
        ("exact variance", &|runs| z("integral_total", &exact, runs)),
        ("Bennett", &|runs| work_both_ways(runs).bennett().difference.z(2.0)),
        ("crooks height", &|runs| {
            let both = work_both_ways(runs);
            logistic::fit(&both.groups(2.0), both.offset(), both.fixed()).expect("fits").offset.z(0.0)
        }),
        ("crooks", &|runs| z("crooks", &moving(), runs)),
        ("detailed", &|runs| z("detailed_total", &steady(), runs)),
        ("steady", &|runs| z("steady_balance", &steady(), runs)),
    ];
    let mut scores = vec![Vec::with_capacity(RUNS); statistics.len()];
    for seed in 0..RUNS as u64 {
        let forward = run(seed, Purpose::Initial, 2500, |draws| trajectory(draws, 0.25, 2.0));
        let reverse = run(seed, Purpose::ReverseInitial, 1500, |draws| trajectory(draws, 0.25, -2.0));
        let runs = (forward, reverse);
        scores.iter_mut().zip(&statistics).for_each(|(list, (_, statistic))| list.push(statistic(&runs)));
    }
    for (list, (name, _)) in scores.iter().zip(&statistics) {
        let mean = list.iter().sum::<f64>() / RUNS as f64;
        let spread = (list.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / (RUNS - 1) as f64).sqrt();
        assert!(mean.abs() <= 4.0 / (RUNS as f64).sqrt() && (0.85..=1.15).contains(&spread), "{name}: mean {mean:.3}, spread {spread:.3}");
    }
}

/// Bins as coarse as a 64th of the standard range move slope and ΔF by far less than their errors.
#[test]
fn bins_cost_nothing() {
    let (forward, reverse) = both(9, 20_000, 0.5, |_| {});
    let [forward, reverse] = [&forward, &reverse].map(|scalars| scalars.get("work").expect("work").histogram().clone());
    let estimate = |bins: usize| {
        let both = BothWays::new(&forward.coarsened(bins), &reverse.coarsened(bins), 1.0).expect("filled");
        let fit = logistic::fit(&both.groups(2.0), both.offset(), both.fixed()).expect("fits");
        (both.bennett().difference, fit.slope, both.width)
    };
    let (fine, coarse) = (estimate(1 << 14), estimate(1 << 8));
    assert!(fine.2 < 0.002 && coarse.2 / fine.2 >= 32.0, "{} {}", fine.2, coarse.2);
    // Attenuation by binning is width²/12 over the variance: 2e-7 with the fine bins, 4e-4 with the coarse ones.
    assert!((coarse.0.value - fine.0.value).abs() <= 0.05 * fine.0.standard_error, "{fine:?} {coarse:?}");
    assert!((coarse.1.value - fine.1.value).abs() <= 0.10 * fine.1.standard_error, "{fine:?} {coarse:?}");
}

/// A ring where one trajectory in fifty goes round, which makes 7.3 nats, and one in 74,000 goes back: 3000 trajectories have the turns and lack those backwards.
#[test]
fn turns_backwards_that_a_sample_lacks_are_no_violation() {
    let symmetry = Named { name: "symmetry.0.1".into(), unit: Unit::Number, long_name: "" };
    let entropies = ["entropy_total", "entropy_total_path", "entropy_housekeeping", "entropy_housekeeping_path"].map(|name| Named {
        name: name.into(),
        unit: Unit::Entropy,
        long_name: "",
    });
    let named: Vec<Named> = entropies.into_iter().chain([symmetry]).collect();
    let judged = |theorem: &str, sign: f64| {
        let mut scalars = Scalars::new(47, scalar_specs(&named, &facts()), PAIRS);
        let mut draws = Draws::new(5, Purpose::Initial, 0);
        let total: Vec<f64> = (0..3000).map(|number| sign * if number % 50 == 0 { 7.3 } else { 0.005 + 0.1 * draws.normal() }).collect();
        let difference = total.iter().map(|s| (-0.1 * s).exp() - (-0.9 * s).exp()).collect();
        scalars.absorb(0, &[total.clone(), total.clone(), total.clone(), total, difference]).expect("fits");
        verdict(theorem, &steady(), &(scalars.clone(), scalars), None)
    };
    for theorem in ["gallavotti_cohen", "integral_total", "integral_housekeeping"] {
        assert_verdict(&judged(theorem, 1.0), Judgement::Holds);
        assert_verdict(&judged(theorem, -1.0), Judgement::Violated);
    }
}
