//! Jump processes whose rates move inside a segment: exact values beside closed forms, and trajectories beside both.

mod common;

use common::{cpu, run, text};
use ness::simulation::Simulation;

fn known(simulation: &Simulation, name: &str) -> f64 {
    simulation.exact_values().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("`{name}` is not known exactly")).1
}

/// Births at rate `40 + 20 t` and deaths one by one: p(n, t) and p_ss(n; t) are Poisson laws, of means `m` and `s`.
const BIRTHS: &str = r#"
[model]
kind = "reactions"
species = { X = 40 }
reactions = [{ equation = "0 <-> X", forward = "k", reverse = 1 }]
[protocol]
duration = 3
k = "40 + 20*t"
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 20_000
"#;

fn integral(f: impl Fn(f64) -> f64, end: f64) -> f64 {
    let steps = 300;
    let h = end / f64::from(steps);
    (0..steps).map(|i| f64::from(i) * h).map(|t| h / 6.0 * (f(t) + 4.0 * f(t + 0.5 * h) + f(t + h))).sum()
}

/// The mean of a Poisson law of mean `m` over `f`.
fn over_poisson(m: f64, f: impl Fn(f64) -> f64) -> f64 {
    let mut p = (-m).exp();
    let mut sum = p * f(0.0);
    for n in 1..400 {
        p *= m / f64::from(n);
        sum += p * f(f64::from(n));
    }
    sum
}

#[test]
fn births_that_speed_up_have_their_closed_forms() {
    let simulation = text(BIRTHS, &[]);
    let (m, s) = (|t: f64| 20.0 + 20.0 * t + 20.0 * (-t).exp(), |t: f64| 40.0 + 20.0 * t);
    assert!((known(&simulation, "mean.X") - m(3.0)).abs() <= 1e-9 && (known(&simulation, "variance.X") - m(3.0)).abs() <= 1e-7);
    // ∂φ/∂t = ṡ(1 − n/s).
    let moved = integral(|t| 20.0 * (1.0 - m(t) / s(t)), 3.0);
    assert!((known(&simulation, "hatano_sasa") - moved).abs() <= 1e-7, "{} {moved}", known(&simulation, "hatano_sasa"));
    // One pair of channels: all that is dissipated is excess; a birth from n gives ln(k/(n + 1)), a death from n takes ln(k/n).
    let rate = |t: f64| over_poisson(m(t), |n| s(t) * (s(t) / (n + 1.0)).ln() - if n > 0.0 { n * (s(t) / n).ln() } else { 0.0 });
    let flux = integral(rate, 3.0);
    assert!((known(&simulation, "entropy_medium") - flux).abs() <= 1e-6, "{} {flux}", known(&simulation, "entropy_medium"));
    assert!((known(&simulation, "entropy_excess") - flux).abs() <= 1e-6 && known(&simulation, "entropy_housekeeping").abs() <= 1e-6);
    let births = integral(s, 3.0);
    assert!((known(&simulation, "traffic.0 <-> X") + known(&simulation, "flux.0 <-> X") - 2.0 * births / 3.0).abs() <= 1e-9);
}

#[test]
fn trajectories_agree_with_them() {
    let simulation = text(BIRTHS, &[]);
    let outcome = run(&simulation, &cpu());
    let compared: Vec<_> = outcome.estimates.iter().filter(|e| e.z.is_some() && !e.name.contains("housekeeping")).collect();
    assert!(compared.len() >= 20 && compared.iter().any(|e| e.name == "hatano_sasa.variance") && compared.iter().any(|e| e.name == "entropy_excess"));
    for e in compared {
        assert!(e.z.is_some_and(|z| z.abs() <= 4.5), "{}: {} ± {} against {:?}", e.name, e.value, e.standard_error, e.exact);
    }
}

/// Molecules at one temperature whose bond moves.
const BOND: &str = r#"
[model]
kind = "reactions"
species = { A = 160, B = 150, AB = 0 }
temperature = 1
energies = { A = 0, B = 0, AB = "bond" }
reactions = [{ equation = "A + B <-> AB", rate = 0.01 }]
[protocol]
duration = 1
bond = "3 + sin(2*t)"
[initial]
distribution = "equilibrium"
[ensemble]
trajectories = 1024
"#;

/// Where one temperature moves energies, housekeeping is nothing, and `Y` is the dissipated work.
#[test]
fn many_states_that_are_all_there_have_excess_and_work_alike() {
    let simulation = text(BOND, &[]);
    let (work, change, y) = (known(&simulation, "work"), known(&simulation, "delta_F"), known(&simulation, "hatano_sasa"));
    assert!((work - change - y).abs() <= 1e-6 * work.abs() && y > 0.0, "{work} {change} {y}");
    assert!((known(&simulation, "work.variance") / known(&simulation, "hatano_sasa.variance") - 1.0).abs() <= 1e-7);
    let entropy = known(&simulation, "entropy_nonadiabatic");
    assert!((known(&simulation, "entropy_total") - entropy).abs() <= 1e-6 && entropy > 0.0);
}

#[test]
fn the_method_and_its_error_stand_beside_every_value() {
    let simulation = text(BIRTHS, &[]);
    for (name, _, source) in simulation.exact_values() {
        assert!(source.contains('±') || source.contains("rounding"), "{name}: {source}");
    }
}

/// Two states, one rate of which goes to and fro so fast that the law as good as stands still.
#[test]
fn rates_that_turn_more_often_than_a_staircase_has_steps_are_seen() {
    let turning = r#"
[model]
kind = "network"
states = ["a", "b"]
edges = [{ from = "a", to = "b", forward = "1 + 0.9*s", reverse = 1.0 }]
[protocol]
duration = 1.0
s = "sin(128*pi*t)"
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 2048
"#;
    // ⟨Δs_med⟩ = ∫ (r p_a − p_b) ln r dt with p_a + p_b = 1 and p_a nearly 1/2.
    let flux = integral(|t| 0.45 * (2.0 * std::f64::consts::PI * t).sin() * (1.0 + 0.9 * (2.0 * std::f64::consts::PI * t).sin()).ln(), 1.0);
    let found = known(&text(turning, &[]), "entropy_medium");
    assert!((found - flux).abs() <= 2e-3 && flux > 0.25, "{found} {flux}");
}
