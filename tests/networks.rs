//! Jump processes from the file to the verdict: exact values against independent ones, measured values against exact ones, planted defects.

mod common;

use common::{Sabotaged, assert_holds, assert_violated, cpu, estimate, model, prepare, run, text};
use ness::backend::Batch;
use ness::experiment::Source;
use ness::plan::{Column, Dynamics, JumpColumn, Plan};
use ness::simulation::{Outcome, Simulation};

/// What the run says is exact.
fn exact(outcome: &Outcome, name: &str) -> f64 {
    estimate(outcome, name).exact.unwrap_or_else(|| panic!("`{name}` has no exact value"))
}

/// Fails unless every estimate that is compared with an exact value is within five standard errors of it; answers how many there are.
fn all_agree(outcome: &Outcome) -> usize {
    let compared: Vec<_> = outcome.estimates.iter().filter(|e| e.z.is_some()).collect();
    for e in &compared {
        assert!(e.z.is_some_and(|z| z.abs() <= 5.0), "{}: {} ± {} against {:?}", e.name, e.value, e.standard_error, e.exact);
    }
    compared.len()
}

fn sabotaged(simulation: &Simulation, plan: impl Fn(&mut Plan), batch: impl Fn(&Plan, &mut Batch) + Sync) -> Outcome {
    run(simulation, &Sabotaged { inner: cpu(), plan, batch })
}

fn column(plan: &Plan, wanted: Column) -> usize {
    plan.columns.iter().position(|c| *c == wanted).expect("the column is there")
}

#[test]
fn the_open_triangle_has_the_numbers_of_schnakenberg() {
    let outcome = run(&model("triangle-open", &[("ensemble.trajectories", "200000")]), &cpu());
    for (name, value) in [
        ("occupancy.A", 0.3125),
        ("occupancy.B", 0.215_277_777_8),
        ("occupancy.C", 0.472_222_222_2),
        ("flux.A-B", 0.409_722_222_2),
        ("flux.B-C", 0.409_722_222_2),
        ("entropy_production_rate", 1.677_544_0),
        ("entropy_housekeeping", 1.677_544_0),
    ] {
        assert!((exact(&outcome, name) - value).abs() <= 1e-7, "{name}: {}", exact(&outcome, name));
    }
    assert!((estimate(&outcome, "affinity.B-C").value.abs() - 60f64.ln()).abs() <= 1e-12);
    assert_eq!(exact(&outcome, "affinity.B-C"), estimate(&outcome, "affinity.B-C").value);
    assert!(all_agree(&outcome) >= 15);
    for name in ["detailed_total", "gallavotti_cohen", "steady_balance", "tur", "conservation"] {
        assert_holds(&outcome, name);
    }
}

#[test]
fn the_ramped_triangle_has_its_three_parts() {
    let outcome = run(&model("triangle-ramp", &[("ensemble.trajectories", "300000")]), &cpu());
    for (name, value) in [
        ("entropy_total", 0.771_739_9),
        ("entropy_housekeeping", 0.580_904_4),
        ("entropy_nonadiabatic", 0.190_835_5),
        ("hatano_sasa", 0.235_456_6),
        ("entropy_system", -0.040_217_2),
    ] {
        assert!((exact(&outcome, name) - value).abs() <= 2e-7, "{name}: {}", exact(&outcome, name));
    }
    assert!(all_agree(&outcome) >= 15);
    let shares: f64 = ["A", "B", "C"].iter().map(|state| estimate(&outcome, &format!("occupancy.{state}")).value).sum();
    assert!((shares - 1.0).abs() <= 1e-9, "{shares}");
    for name in ["integral_total", "integral_housekeeping", "integral_nonadiabatic", "hatano_sasa", "detailed_total"] {
        assert_holds(&outcome, name);
    }
}

#[test]
fn the_schlogl_model_has_its_known_moments_and_pays() {
    let outcome = run(&model("schlogl", &[("ensemble.trajectories", "200000")]), &cpu());
    for (name, value) in [("mean.X", 2.631_275_8), ("variance.X", 26.357_855_3), ("entropy_production_rate", 6.166_312_0)] {
        assert!((exact(&outcome, name) - value).abs() <= 2e-7 * value, "{name}: {}", exact(&outcome, name));
    }
    assert!(all_agree(&outcome) >= 12);
    assert_holds(&outcome, "detailed_total");
    // Largest eigenvalues of full tilted matrices of 120 and 240 states; outside 0 … 1 the function does not exist, and none is given.
    let simulation = model("schlogl", &[]);
    let known = |name: &str| simulation.exact_values().find(|(known, ..)| *known == name).map(|(_, value, _)| value);
    for (name, value) in [("scgf.0.1", -0.179_642_198_93), ("scgf.0.5", -0.333_330_138_51), ("scgf.0.9", -0.179_642_198_93)] {
        assert!(known(name).is_some_and(|known| (known - value).abs() <= 1e-9), "{name}: {:?}", known(name));
    }
    assert!(known("scgf.1.1").is_none());
}

#[test]
fn an_enzyme_between_two_chemostats_has_its_known_turnover() {
    // Independent values for one enzyme: turnover 15.2229299363057/20, σ 83.4313823362252/20.
    let outcome = run(&model("michaelis-menten", &[("ensemble.trajectories", "200000")]), &cpu());
    assert!((exact(&outcome, "flux.turn") - 15.222_929_936_305_7 / 20.0).abs() <= 1e-12);
    assert!((exact(&outcome, "entropy_production_rate") - 83.431_382_336_225_2 / 20.0).abs() <= 1e-11);
    assert!(all_agree(&outcome) >= 15);
}

#[test]
fn every_shipped_jump_model_agrees_with_what_is_exact_of_it() {
    for name in ["triangle-closed", "association", "proofreading", "ion-pump", "cell"] {
        let outcome = run(&model(name, &[("ensemble.trajectories", "50000")]), &cpu());
        assert!(all_agree(&outcome) >= 15, "{name}");
        assert!(outcome.violated().is_empty(), "{name}: {:?}", outcome.violated());
    }
    for name in ["brusselator", "chemostat"] {
        let outcome = run(&model(name, &[("ensemble.trajectories", "500"), ("protocol.duration", "2")]), &cpu());
        assert_holds(&outcome, "conservation");
    }
}

/// Two baths between the same two states: heat flows through the pair of edges.
const TWO_BATHS: &str = r#"
[model]
kind = "network"
states = ["low", "high"]
energies = { low = 0, high = 1 }
baths = { hot = 2, cold = 0.5 }
edges = [
  { name = "hot side", from = "low", to = "high", rate = 1, bath = "hot" },
  { name = "cold side", from = "low", to = "high", rate = 1, bath = "cold" },
]
[protocol]
duration = 1.0
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 400_000
[measure]
theorems = ["first_law", "integral_total", "detailed_total", "steady_balance", "tur"]
"#;

#[test]
fn parallel_edges_to_two_baths_carry_heat_and_are_a_cycle() {
    let outcome = run(&text(TWO_BATHS, &[]), &cpu());
    // Stationary p(high) = Σ w₊/Σ(w₊ + w₋), heat current ΔE·J from hot to cold, σ = J (1/T_c − 1/T_h).
    let (up, down) = ([2.0f64, 0.5].map(|t| (-0.5 / t).exp()), [2.0f64, 0.5].map(|t| (0.5 / t).exp()));
    let high = (up[0] + up[1]) / (up[0] + up[1] + down[0] + down[1]);
    let flux = up[0] * (1.0 - high) - down[0] * high;
    assert!((exact(&outcome, "flux.hot side") - flux).abs() <= 1e-12);
    assert!((exact(&outcome, "heat.cold") - flux).abs() <= 1e-10 && (exact(&outcome, "heat.hot") + flux).abs() <= 1e-10);
    assert!((exact(&outcome, "entropy_production_rate") - flux * (2.0 - 0.5)).abs() <= 1e-10);
    assert!(all_agree(&outcome) >= 12);
    for name in ["first_law", "integral_total", "detailed_total", "steady_balance", "tur"] {
        assert_holds(&outcome, name);
    }
}

#[test]
fn lumped_channels_are_caught() {
    // Every event of the autocatalysis is booked under the exchange, which changes the count as much.
    let simulation = model("schlogl", &[("ensemble.trajectories", "200000")]);
    let lump = |plan: &Plan, batch: &mut Batch| {
        for (from, to) in [(0, 2), (1, 3)] {
            let [from, to] = [from, to].map(|channel| column(plan, Column::Jump(JumpColumn::Fired(channel))));
            let moved = std::mem::replace(&mut batch.columns[from], vec![0.0; batch.count]);
            batch.columns[to].iter_mut().zip(moved).for_each(|(sum, more)| *sum += more);
        }
    };
    let outcome = sabotaged(&simulation, |_| {}, lump);
    assert!(outcome.violated().contains(&"entropy_medium"), "{:?}", outcome.violated());
}

#[test]
fn rates_that_lag_behind_the_protocol_are_caught() {
    // Four segments, each with the rates of the one before: frozen rates, as some simulators have them.
    let simulation = model("triangle-ramp", &[("ensemble.trajectories", "300000"), ("ensemble.dt", "\"0.5/4\"")]);
    assert!(run(&simulation, &cpu()).violated().is_empty());
    let late = |plan: &mut Plan| {
        let columns = plan.uniforms.columns;
        let length = plan.uniforms.rows.len();
        plan.uniforms.rows.copy_within(0..length - columns, columns);
    };
    let outcome = sabotaged(&simulation, late, |_, _| {});
    assert!(outcome.violated().contains(&"entropy_total"), "{:?}", outcome.violated());
}

#[test]
fn a_forgotten_system_entropy_breaks_a_theorem() {
    let simulation = model("triangle-ramp", &[("ensemble.trajectories", "1000000")]);
    // A start equal to the end has no change of ln p but the protocol's.
    let forget = |plan: &Plan, batch: &mut Batch| {
        let [first, last] = [Column::Initial(0), Column::Position(0)].map(|wanted| column(plan, wanted));
        batch.columns[first] = batch.columns[last].clone();
    };
    assert_violated(&sabotaged(&simulation, |_| {}, forget), "integral_total");
}

#[test]
fn a_lost_molecule_is_caught() {
    let simulation = model("association", &[("ensemble.trajectories", "2000")]);
    assert_holds(&run(&simulation, &cpu()), "conservation");
    let lose = |plan: &Plan, batch: &mut Batch| {
        let index = column(plan, Column::Jump(JumpColumn::Fired(0)));
        batch.columns[index][0] -= 1.0;
    };
    assert_violated(&sabotaged(&simulation, |_| {}, lose), "conservation");
}

#[test]
fn detailed_balance_sees_a_current_that_should_not_be() {
    let simulation = model("triangle-closed", &[("ensemble.trajectories", "200000")]);
    let spoil = |plan: &mut Plan| {
        if let ness::plan::Dynamics::Network(network) = &mut plan.dynamics {
            network.rate[0] *= 1.05;
        }
    };
    assert_violated(&sabotaged(&simulation, spoil, |_, _| {}), "detailed_balance");
}

#[test]
fn the_save_grid_does_not_change_a_path() {
    let ends = |every: &str| {
        let outcome = run(&model("schlogl", &[("ensemble.trajectories", "3000"), ("measure.every", every), ("measure.trajectories", "true")]), &cpu());
        outcome.kept.iter().filter(|(name, _)| !name.starts_with("time_average")).cloned().collect::<Vec<_>>()
    };
    assert_eq!(ends("0.1"), ends("0.001"));
}

#[test]
fn one_way_channels_are_run_and_said_to_have_infinite_entropy_production() {
    let simulation = model("chemostat", &[("ensemble.trajectories", "200"), ("protocol.duration", "1")]);
    assert!(simulation.warnings.iter().any(|warning| warning.contains("entropy production is infinite")), "{:?}", simulation.warnings);
    let outcome = run(&simulation, &cpu());
    assert!(outcome.estimates.iter().all(|e| !e.name.starts_with("entropy")));
    assert!(estimate(&outcome, "flux.feed").value > 0.0);
}

#[test]
fn what_has_no_meaning_is_refused_with_a_reason() {
    let refused = |name: &str, pairs: &[(&str, &str)]| match prepare(&Source::Model(name.to_owned()), pairs) {
        Ok(_) => panic!("{name} {pairs:?} was accepted"),
        Err(error) => error.to_string(),
    };
    assert!(refused("triangle-open", &[("initial.distribution", "equilibrium")]).contains("no equilibrium"));
    assert!(refused("association", &[("measure.theorems", "['integral_total']")]).contains("leaves states empty"));
    assert!(refused("triangle-open", &[("measure.theorems", "['jarzynski']")]).contains("integral_total"));
    assert!(refused("chemostat", &[("measure.theorems", "['tur']")]).contains("steady"));
    assert!(refused("brusselator", &[("initial.distribution", "steady-state")]).contains("burn_in"));
}

#[test]
fn currents_fluctuate_as_they_must() {
    let simulation = model("michaelis-menten", &[]);
    let known = |name: &str| simulation.exact_values().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("{name} is not known")).1;
    // Of 20 enzymes 7.453 527 784 877 06, by an independent calculation; so are the Fano factor and the uncertainty product.
    assert!((20.0 * known("variance_rate.flux.turn") - 7.453_527_784_877_06).abs() <= 1e-9);
    assert!((known("variance_rate.flux.turn") / known("flux.turn") - 0.489_625_046_956_359).abs() <= 1e-10);
    assert!((known("tur_product.flux.turn") - 2.683_458_090_192_17).abs() <= 1e-9);
    let outcome = run(&simulation, &cpu());
    for name in ["flux.turn.variance", "entropy_total.variance", "entropy_medium.variance", "activity.variance"] {
        assert!(estimate(&outcome, name).z.is_some_and(|z| z.abs() <= 4.5), "{name}: {:?}", estimate(&outcome, name));
    }
}

/// Schlögl's model between two chemostats, an enzyme beside it, and a dimer.
const OPEN: &str = r#"
title = "open"
[model]
kind = "reactions"
species = { A = 30, B = 6, X = 2, E = 1, F = 0 }
chemostatted = ["A", "B"]
reactions = [
  { name = "autocatalysis", equation = "A + 2 X <-> 3 X", forward = 0.02, reverse = 0.1 },
  { name = "exchange", equation = "B <-> X", forward = 0.3, reverse = 2.0 },
  { name = "bind", equation = "2 X + E <-> F", forward = 0.5, reverse = 1.0 },
  { name = "release", equation = "F <-> E + 2 B", forward = 0.7, reverse = 0.01 },
]
[protocol]
duration = 0.5
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 100_000
[measure]
theorems = ["conservation", "tur"]
"#;

#[test]
fn emergent_cycles_of_chemostats_carry_the_whole_entropy_production() {
    let simulation = text(OPEN, &[]);
    let circuit = simulation.circuit().expect("it is a jump process").clone();
    let laws: Vec<(&str, bool)> = circuit.laws.iter().map(|law| (law.sum.as_str(), law.broken)).collect();
    // One law for the enzyme; the one for matter (E and F weighted to fit) is broken by A and B.
    assert_eq!(laws, [("E + F", false), ("X + 2 F + A + B", true)]);
    // Four reactions between three species with one law: two cycles. Two chemostats less one broken law: one cycle is emergent.
    assert_eq!(circuit.cycles.len(), 2);
    let outcome = run(&simulation, &cpu());
    let conversions: Vec<_> = circuit.cycles.iter().map(|cycle| cycle.conversion.clone()).collect();
    assert_eq!(conversions, [Some("B into A".to_owned()), None]);
    let sum: f64 = circuit.cycles.iter().map(|cycle| exact(&outcome, &format!("current.{}", cycle.name)) * cycle.affinity).sum();
    assert!((sum - exact(&outcome, "entropy_production_rate")).abs() <= 1e-9 * sum.abs(), "{sum}");
    // The affinity of a cycle that only turns one chemostat into another is that of their chemical potentials.
    let potentials = (0.3f64 * 6.0 / 2.0).ln() - (0.02f64 * 30.0 / 0.1).ln();
    assert!((circuit.cycles[0].affinity - potentials).abs() <= 1e-12, "{}", circuit.cycles[0].affinity);
    assert!(all_agree(&outcome) >= 12);
    assert!(circuit.describe().iter().any(|line| line.contains("B into A")), "{:?}", circuit.describe());
}

/// The matrix product of Derrida, Evans, Hakim and Pasquier, in the file, against the master equation: a warning would tell that they differ.
#[test]
fn cars_on_a_lane_have_the_flux_of_the_matrix_product() {
    for (alpha, beta) in [("1", "1"), ("0.3", "0.8"), ("2", "0.4")] {
        let simulation = model("tasep", &[("alpha", alpha), ("beta", beta)]);
        assert!(!simulation.warnings.iter().any(|warning| warning.contains("by the formula of the file")), "{:?}", simulation.warnings);
        assert!(simulation.warnings.iter().any(|warning| warning.contains("entropy production is infinite")));
        let known = |name: &str| simulation.exact_values().find(|(known, ..)| *known == name).expect("known").1;
        assert!((known("flux.in") - known("flux.3-4")).abs() <= 1e-9);
    }
    let outcome = run(&model("tasep", &[("ensemble.trajectories", "20000")]), &cpu());
    assert!((exact(&outcome, "flux.in") - 12.0 / 42.0).abs() <= 1e-12);
    assert!(all_agree(&outcome) >= 30);
    assert!(outcome.estimates.iter().all(|e| !e.name.starts_with("entropy_production") && e.name != "entropy_medium"));
}

/// At rest the pumps cost housekeeping and nothing else; cold and new food cost excess.
#[test]
fn a_living_cell_pays_for_rest_and_for_change() {
    let outcome = run(&model("living-cell", &[("ensemble.trajectories", "200000")]), &cpu());
    assert!(all_agree(&outcome) >= 30);
    for name in ["integral_housekeeping", "integral_nonadiabatic", "hatano_sasa", "conservation"] {
        assert_holds(&outcome, name);
    }
    assert!(exact(&outcome, "entropy_excess") > 0.05 && exact(&outcome, "entropy_housekeeping") > 1.0);
    let rest = model("living-cell", &[("protocol.T", "1"), ("protocol.glucose", "2"), ("protocol.lactose", "0.2"), ("ensemble.trajectories", "50000")]);
    let rest = run(&rest, &cpu());
    assert!(exact(&rest, "entropy_excess").abs() <= 1e-9 && exact(&rest, "entropy_housekeeping") > 1.0);
    assert!(all_agree(&rest) >= 30);
}

/// Without futile steps every molecule of fuel makes a third of a turn, and the motor stalls where the load balances the fuel.
/// The exact mean of a rate at every save.
fn exact_rate(outcome: &Outcome, name: &str) -> Vec<f64> {
    let (_, rows) = outcome.state_rates.iter().find(|(known, _)| known == name).expect("the rate is known");
    let laws = outcome.exact_densities[0].as_ref().expect("the law is known");
    assert_eq!(rows.len(), laws.len());
    rows.iter().zip(laws).map(|(rates, law)| rates.iter().zip(law).map(|(rate, p)| rate * p).sum()).collect()
}

#[test]
fn in_a_steady_state_all_that_states_pay_is_housekeeping() {
    let outcome = run(&model("triangle-open", &[("ensemble.trajectories", "1000"), ("measure.theorems", "[]")]), &cpu());
    for (name, value) in [("medium", 1.677_544_0), ("housekeeping", 1.677_544_0), ("excess", 0.0)] {
        let rates = exact_rate(&outcome, &format!("entropy_rate.{name}"));
        assert!(rates.iter().all(|rate| (rate - value).abs() <= 1e-7), "{name}: {rates:?}");
    }
}

#[test]
fn what_states_pay_adds_up_to_what_a_change_of_food_costs() {
    let outcome = run(&model("cell", &[("ensemble.trajectories", "1000"), ("measure.theorems", "[]")]), &cpu());
    for name in ["medium", "housekeeping", "excess"] {
        let rates = exact_rate(&outcome, &format!("entropy_rate.{name}"));
        assert_eq!(rates.len(), 13, "every 0.05 until 0.6, the change at 0.3");
        // Simpson's rule after the change; before it nothing moves.
        let after: f64 = rates[6..].iter().zip([1.0, 4.0, 2.0, 4.0, 2.0, 4.0, 1.0]).map(|(rate, weight)| weight * rate * 0.05 / 3.0).sum();
        let (sum, known) = (0.3 * rates[0] + after, exact(&outcome, &format!("entropy_{name}")));
        assert!((sum - known).abs() <= 2e-5, "{name}: {sum} is not {known}");
    }
}

#[test]
fn reactions_and_what_goes_one_way_have_no_rate_of_entropy_by_state() {
    for name in ["tasep", "schlogl"] {
        assert!(run(&model(name, &[("ensemble.trajectories", "1000")]), &cpu()).state_rates.is_empty(), "{name}");
    }
}

#[test]
fn a_rotary_motor_is_tightly_coupled_and_stalls() {
    let known = |pairs: &[(&str, &str)], name: &str| {
        let simulation = model("f1-motor", pairs);
        assert!(!simulation.warnings.iter().any(|warning| warning.contains("by the formula of the file")), "{:?}", simulation.warnings);
        simulation.exact_values().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("{name}")).1
    };
    let tight = [("k_futile", "1e-12")];
    assert!((known(&tight, "flux.release") - known(&tight, "flux.bind")).abs() <= 1e-9);
    assert!(known(&[], "flux.release") < known(&[], "flux.bind"));
    assert!(known(&[("k_futile", "1e-12"), ("load", "6*3/(2*pi)")], "flux.release").abs() <= 1e-9);
    assert!(known(&[("k_futile", "1e-12"), ("load", "3.2")], "flux.release") < 0.0, "a larger load turns it back");
    let outcome = run(&model("f1-motor", &[("ensemble.trajectories", "200000")]), &cpu());
    assert!(all_agree(&outcome) >= 25);
    for name in ["first_law", "detailed_total", "steady_balance", "tur", "conservation"] {
        assert_holds(&outcome, name);
    }
}

/// A step in 20,000 trajectories, more or less: a sample without one has no error of its own, and one with three too small a law.
#[test]
fn events_too_rare_to_be_seen_are_no_violation() {
    let rare = r#"
[model]
kind = "network"
states = ["a", "b"]
edges = [{ from = "a", to = "b", forward = 1e-4, reverse = 5 }]
[protocol]
duration = 1
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 20_000
"#;
    for seed in 1..=20 {
        let outcome =
            run(&text(rare, &[("ensemble.seed", &seed.to_string()), ("ensemble.trajectories", if seed % 2 == 0 { "2000" } else { "20000" })]), &cpu());
        for e in outcome.estimates.iter().filter(|e| e.exact.is_some()) {
            assert!(
                e.z.is_none_or(|z| z.abs() <= outcome.bound),
                "seed {seed}: {} = {} ± {} against {:?}, z {:?}",
                e.name,
                e.value,
                e.standard_error,
                e.exact,
                e.z
            );
        }
    }
    // Control: where two thousand steps are expected, none is one too few.
    let often = text(rare, &[("model.edges", r#"[{ from = "a", to = "b", forward = 0.1, reverse = 5 }]"#)]);
    let silent = Sabotaged { inner: cpu(), plan: |plan: &mut Plan| silence(plan), batch: |_: &Plan, _: &mut Batch| () };
    let outcome = run(&often, &silent);
    assert!(estimate(&outcome, "activity").z.is_some_and(|z| z < -20.0));
}

/// Makes every step of a network so slow that none is taken.
fn silence(plan: &mut Plan) {
    let Dynamics::Network(network) = &mut plan.dynamics else { panic!("a network was compiled") };
    network.rate.iter_mut().for_each(|rate| *rate *= 1e-9);
}
