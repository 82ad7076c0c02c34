//! Linear Langevin models along any protocol: exact values beside closed forms and independent numbers, with the error that stands beside each.

mod common;

use common::{cpu, estimate, model, prepare, run, text};
use ness::experiment::{Source, catalog};
use ness::simulation::Simulation;

fn known(simulation: &Simulation, name: &str) -> f64 {
    simulation.exact_values().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("`{name}` is not known exactly")).1
}

fn assert_known(simulation: &Simulation, expected: &[(&str, f64)], tolerance: f64) {
    for (name, value) in expected {
        let found = known(simulation, name);
        assert!((found - value).abs() <= tolerance * value.abs().max(1.0), "{name}: {found} is not {value}");
    }
}

#[test]
fn a_dragged_bead_has_its_closed_forms_to_ten_digits() {
    let lost = -(-10f64).exp_m1();
    let medium = 10.0 - lost - 0.5 * lost * lost;
    let bead = model("dragged-bead", &[]);
    assert_known(&bead, &[("entropy_production_rate", medium / 10.0), ("hatano_sasa", 10.0 - lost), ("hatano_sasa.variance", 2.0 * (10.0 - lost))], 1e-10);
    assert_known(&bead, &[("energy_change", 0.5 * lost * lost), ("displacement.x", 10.0 - lost), ("work.third_cumulant", 0.0)], 1e-10);
    // With inertia: Bonaldi et al. 2009, with ω² = 1 − 1/4.
    let (t, omega) = (1.0f64, 0.75f64.sqrt());
    let work = t - (-0.5 * t).exp() * (omega * t).sin() / omega;
    assert_known(&model("dragged-bead-underdamped", &[]), &[("work", work), ("work.variance", 2.0 * work), ("entropy_total.third_cumulant", 0.0)], 1e-10);
}

#[test]
fn the_best_drag_with_its_jumps_and_a_trap_that_moves_to_and_fro_have_theirs() {
    assert_known(&model("optimal-drag", &[("ensemble.dt", "0.1"), ("measure.every", "0.1")]), &[("work", 25.0 / 3.0), ("entropy_housekeeping", 0.0)], 1e-10);
    // λ = sin ωt, ωt whole turns: the lag is −ω (cos ωt + ω sin ωt − e^{−t})/(1 + ω²), Y is the work. Staircases of 4, 8, 16 … even steps see nothing of 64 turns.
    let omega = 128.0 * std::f64::consts::PI;
    let factor = omega * omega / (1.0 + omega * omega);
    let work = factor * (0.5 + (-1f64).exp_m1() / (1.0 + omega * omega));
    let trap = model("dragged-bead", &[("protocol.lambda", "sin(128*pi*t)"), ("protocol.duration", "1")]);
    assert_known(&trap, &[("hatano_sasa", work), ("hatano_sasa.variance", 2.0 * work), ("work.third_cumulant", 0.0)], 1e-9);
}

/// The lag, the work and the heat of two coupled beads, one of them in a trap that swings, in two baths, from a Gaussian.
fn pair(kind: &str) -> String {
    let mass = if kind == "underdamped" { "mass = [0.6, 1.1]" } else { "" };
    format!(
        r#"
[model]
kind = "{kind}"
coordinates = ["x", "y"]
potential = "0.65*(x - lambda)^2 + 0.45*(x - y)^2 + 0.4*y^2"
friction = [0.7, 1.4]
temperature = [0.9, 2.3]
{mass}
[parameters]
[protocol]
duration = 2.5
lambda = "1.5*sin(t)"
[initial]
distribution = "gaussian"
mean = [0.3, -0.2]
covariance = [[0.5, 0], [0, 0.8]]
[ensemble]
trajectories = 100_000
dt = 0.01
"#
    )
}

/// The generating functions of work, heat and entropy by their backward equation, integrated with Dormand's and Prince's formula of eighth order to 12 digits at 16
/// complex points round the origin, give the cumulants here and in the next two tests.
#[test]
fn two_beads_in_two_baths_have_the_cumulants_of_their_generating_functions() {
    let overdamped = [
        ("end_position.x", 0.832_697_257_01),
        ("end_position.y.variance", 1.650_902_230_71),
        ("work", 0.564_282_223_17),
        ("work.variance", 0.993_419_242_46),
        ("heat.x", 1.160_036_880_13),
        ("heat.x.variance", 3.871_672_134_31),
        ("heat.x.third_cumulant", 3.121_016_562_82),
        ("heat.y.third_cumulant", -9.604_812_787_13),
        ("entropy_medium.variance", 4.170_747_349_54),
        ("entropy_total", 1.188_659_565_75),
        ("entropy_total.variance", 2.357_382_686_65),
        ("entropy_total.third_cumulant", 0.971_050_795_82),
        ("energy_change.third_cumulant", 2.202_149_549_36),
        ("entropy_production_rate", 0.475_463_826_30),
    ];
    assert_known(&text(&pair("overdamped"), &[]), &overdamped, 1e-9);
    let with_inertia = [
        ("end_position.x", 1.109_264_102_61),
        ("end_velocity.y", 0.316_531_076_72),
        ("end_velocity.x.variance", 1.762_224_950_21),
        ("work", 0.801_289_273_04),
        ("work.variance", 1.674_513_788_81),
        ("heat.x", 0.761_902_414_83),
        ("heat.y.variance", 8.641_440_391_31),
        ("heat.y.third_cumulant", -10.113_717_527_32),
        ("entropy_medium.variance", 5.286_339_174_66),
        ("entropy_total", 0.955_067_524_74),
        ("entropy_total.third_cumulant", 0.913_876_704_63),
        ("energy_change.variance", 11.173_616_308_31),
    ];
    let pair = text(&pair("underdamped"), &[]);
    assert_known(&pair, &with_inertia, 1e-9);
    // Control: 3 % on a temperature is seen.
    let warmer = prepare(&Source::Text { name: "test".to_owned(), text: self::pair("underdamped") }, &[("model.temperature", "[0.927, 2.3]")]).expect("valid");
    assert!((known(&warmer, "heat.x") - known(&pair, "heat.x")).abs() > 1e-3);
}

#[test]
fn baths_that_warm_up_and_forces_that_turn_have_theirs() {
    let cooling = [("protocol.T", "1 + 0.5*sin(2*t)"), ("parameters.k", "1.3"), ("parameters.gamma", "0.7"), ("protocol.duration", "2")];
    let expected = [
        ("end_position.x.variance", 0.648_616_804_91),
        ("heat", 0.078_399_076_81),
        ("heat.third_cumulant", 0.400_213_033_14),
        ("entropy_medium", 0.170_629_389_83),
        ("entropy_medium.variance", 0.970_873_920_81),
        ("entropy_medium.third_cumulant", -0.301_990_579_77),
        ("entropy_total", 0.085_354_934_10),
        ("entropy_total.third_cumulant", 0.155_190_325_11),
    ];
    assert_known(&model("cold-trap", &cooling), &expected, 1e-9);
    let turning = r#"
[model]
kind = "overdamped"
coordinates = ["x", "y"]
potential = "0.65*x^2 + 0.5*y^2"
force = { x = "f*y + 0.3*f", y = "-f*x" }
friction = 0.7
temperature = 0.9
[parameters]
[protocol]
duration = 2
f = "1 + sin(2*t)"
[initial]
distribution = "gaussian"
mean = [0.3, -0.2]
covariance = [[0.5, 0], [0, 0.8]]
[ensemble]
trajectories = 1000
dt = 0.01
"#;
    let expected = [
        ("work", 9.867_254_322_91),
        ("work.variance", 51.038_386_840_52),
        ("work.third_cumulant", 505.489_980_588_17),
        ("heat.variance", 53.384_827_462_58),
        ("entropy_medium", 10.847_105_073_37),
        ("entropy_total", 11.064_022_711_47),
        ("entropy_total.variance", 62.683_610_578_17),
        ("energy_change.variance", 1.466_270_392_34),
    ];
    assert_known(&text(turning, &[]), &expected, 1e-9);
}

#[test]
fn formulas_that_bend_and_jump_are_followed_from_piece_to_piece() {
    let sets = [("parameters.k", "1.3"), ("parameters.gamma", "0.7"), ("parameters.T", "0.9"), ("parameters.m", "0.6"), ("protocol.duration", "3")];
    let by_formula = model("dragged-bead-underdamped", &[&sets[..], &[("protocol.lambda", "min(2*t, 1.5) + 0.4*(t >= 2)")]].concat());
    let expected = [
        ("end_position.x", 2.098_375_068_73),
        ("work", 1.388_206_221_06),
        ("work.variance", 2.498_771_197_73),
        ("heat", 1.354_122_532_74),
        ("heat.variance", 3.997_090_458_64),
    ];
    assert_known(&by_formula, &expected, 1e-9);
    let points = "{ table = [[0, 0], [0.75, 1.5], [2, 1.5], [2, 1.9], [3, 1.9]] }";
    let by_points = model("dragged-bead-underdamped", &[&sets[..], &[("protocol.lambda", points)]].concat());
    for name in ["work", "heat.third_cumulant", "entropy_total", "end_velocity.x"] {
        assert!((known(&by_points, name) - known(&by_formula, name)).abs() <= 1e-9, "{name}");
    }
}

#[test]
fn long_runs_that_relax_and_stand_still_stay_exact() {
    // From a narrow cloud far away, in two baths, for ten thousand relaxation times: heat to each bath is what flows steadily, and what the start brought.
    let still = pair("overdamped").replace("1.5*sin(t)", "0*t");
    let heat = |duration: &str| known(&text(&still, &[("protocol.duration", duration), ("ensemble.dt", "1")]), "heat.y");
    let (long, longer) = (heat("10000"), heat("10010"));
    let (before, rest) = still.split_once("[initial]").expect("a start");
    let (_, after) = rest.split_once("[ensemble]").expect("an ensemble");
    let steady = known(&text(&format!("{before}[initial]\ndistribution = \"steady-state\"\n[ensemble]{after}"), &[]), "heat_rate.y");
    assert!(((longer - long) / (10.0 * steady) - 1.0).abs() <= 1e-7 && steady.abs() > 0.1, "{long} {longer} {steady}");
}

#[test]
fn the_method_and_its_error_stand_beside_every_value_of_every_model() {
    let mut models = 0;
    for entry in catalog().iter().filter(|entry| entry.text.contains("damped\"")) {
        models += 1;
        for (name, _, source) in model(entry.name, &[]).exact_values() {
            assert!(source.contains('±') || source.contains("rounding") || source.contains("(file)"), "{}: {name}: {source}", entry.name);
        }
    }
    assert!(models >= 20);
    for kind in ["overdamped", "underdamped"] {
        let errors: Vec<f64> = text(&pair(kind), &[]).exact_values().filter_map(|(.., source)| source.split('±').nth(1)?.parse().ok()).collect();
        assert!(errors.len() >= 25 && errors.iter().all(|error| *error > 0.0 && *error <= 1e-9), "{errors:?}");
    }
}

#[test]
fn a_mean_that_is_0_at_the_end_by_chance_spoils_nothing() {
    // From −1, where it lags behind a trap that starts at 0 with speed 1, the bead comes to 0 after a time of 1.
    let bead = model("dragged-bead-steady", &[("protocol.duration", "1")]);
    assert_known(&bead, &[("end_position.x", 0.0), ("displacement.x", 1.0), ("entropy_production_rate", 1.0), ("entropy_total.variance", 2.0)], 1e-10);
}

#[test]
fn what_stands_at_the_saves_ends_at_what_stands_at_the_end() {
    for model in [model("dragged-bead", &[("ensemble.trajectories", "64")]), text(&pair("underdamped"), &[("ensemble.trajectories", "64")])] {
        let outcome = run(&model, &cpu());
        let heats = outcome.exact_means.iter().filter(|(name, _)| name.starts_with("heat"));
        for (name, course) in heats {
            let (last, value) = (course[course.len() - 1], known(&model, name));
            assert!((last - value).abs() <= 1e-8 * value.abs().max(1.0), "{name}: {last} {value}");
        }
        assert!(outcome.exact_means.contains_key("entropy_medium"));
    }
}

#[test]
fn trajectories_agree_with_them() {
    for kind in ["overdamped", "underdamped"] {
        let outcome = run(&text(&pair(kind), &[]), &cpu());
        assert!(estimate(&outcome, "heat.y.variance").z.is_some() && estimate(&outcome, "entropy_total").z.is_some());
        for e in outcome.estimates.iter().filter(|e| e.z.is_some()) {
            assert!(e.z.is_some_and(|z| z.abs() <= 4.5), "{kind} {}: {} ± {} against {:?}", e.name, e.value, e.standard_error, e.exact);
        }
    }
}

#[test]
fn a_closed_form_of_the_file_stands_beside_what_was_computed() {
    let source = |simulation: &Simulation, name: &str| simulation.exact_values().find(|(known, ..)| *known == name).expect("known").2.to_owned();
    let right = model("dragged-bead", &[]);
    assert!(source(&right, "work").contains("(file), and moments of the Gaussian law, ±") && right.warnings.is_empty(), "{:?}", right.warnings);
    // Wrong in the eighth digit: beyond what both are known to.
    let wrong = model("dragged-bead", &[("exact.work", "1.00000001*gamma*v^2*(t - gamma/k*(1 - exp(-k*t/gamma)))")]);
    assert!(source(&wrong, "work").contains("(file), but 9.0000453999 by moments of the Gaussian law"), "{}", source(&wrong, "work"));
    assert!(wrong.warnings.iter().any(|warning| warning.contains("`work`") && warning.contains("does the formula hold")), "{:?}", wrong.warnings);
    assert!((known(&wrong, "work") / known(&right, "work") - 1.000_000_01).abs() <= 1e-12);
}
