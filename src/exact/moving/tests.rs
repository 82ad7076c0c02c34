use super::*;
use crate::exact::fokker_planck::{Ends, Problem, Start, evolve};
use crate::exact::landscape::Bath;

/// A trap of stiffness 1 along x and one along y whose stiffness goes from 2 to 4, `γ = 1`, `T = (1, 2)`.
fn stiffness(time: f64) -> f64 {
    2.0 + 2.0 * time
}

fn traps(time: f64, act: &mut dyn FnMut(&Forces<'_>)) {
    let bath = |axis: usize, _: &[f64]| [1.0, 2.0][axis];
    let k = stiffness(time.clamp(0.0, 1.0));
    let thermodynamic = |axis: usize, x: &[f64]| [-x[0], -0.5 * k * x[1]][axis];
    act(&Forces {
        potential: &|x| 0.5 * x[0] * x[0] + 0.5 * k * x[1] * x[1],
        temperature: &bath,
        diffusion: &bath,
        thermodynamic: &thermodynamic,
        ..Forces::UNIT
    });
}

fn axis(reach: f64) -> Axis {
    Axis { lower: -reach, upper: reach, ends: Ends::Truncated }
}

fn assert_near(name: &str, found: Numeric, exact: f64, tolerance: f64) {
    assert!((found.value - exact).abs() <= found.error + 1e-9 && found.error <= tolerance, "{name}: {found:?} {exact}");
}

#[test]
fn a_trap_that_tightens_beside_one_that_rests_does_the_work_of_the_formula() {
    let axes = [axis(8.5), axis(8.5)];
    let surprise = |time: f64| {
        let k = stiffness(time);
        let phi = |x: f64, y: f64| 0.5 * x * x + 0.25 * k * y * y + std::f64::consts::TAU.ln() + 0.5 * (2.0 / k).ln();
        let node = |i: usize| -8.5 + 17.0 * i as f64 / 48.0;
        let values: Vec<f64> = (0..=48).flat_map(|i| (0..=48).map(move |j| phi(node(i), node(j)))).collect();
        Spline::through(&axes, 48, &values)
    };
    let start = |x: &[f64]| -(x[0] - 1.0).powi(2) - 0.5 * x[1] * x[1];
    let course = Course { axes, forces: &traps, beginning: Beginning::LogDensity(&start), duration: 1.0, breaks: &[], surprise: Some(&surprise) };
    let found = Moving::new(&course).expect("resolved");
    // ⟨x⟩ = e^−t, Var x = 1 − e^−2t/2; v = ⟨y²⟩ obeys v' = 4 − 2 k v.
    let (mean, spread) = ((-1f64).exp(), 1.0 - 0.5 * (-2f64).exp());
    let (mut v, mut work, mut y, n) = (1.0, 0.0, 0.0, 20_000);
    for step in 0..n {
        let k = stiffness((f64::from(step) + 0.5) / f64::from(n));
        let (dt, rest) = (1.0 / f64::from(n), 2.0 / k);
        let fade = (-2.0 * k * dt).exp();
        let over = rest + (v - rest) * (1.0 - fade) / (2.0 * k * dt);
        // φ = k y²/4 − ½ ln k + …
        (work, y) = (work + dt * over, y + dt * (0.5 * over - 1.0 / k));
        v = rest + (v - rest) * fade;
    }
    assert_near("work", found.protocol_work, work, 1e-3);
    assert_near("Y", found.hatano_sasa, y, 1e-3);
    assert_near("⟨x⟩", found.mean(Quantity::Mean(0)).expect("listed"), mean, 1e-3);
    assert_near("Var x", found.mean(Quantity::Covariance(0, 0)).expect("listed"), spread, 1e-3);
    assert_near("Var y", found.mean(Quantity::Covariance(1, 1)).expect("listed"), v, 1e-3);
    assert_near("entropy", found.entropy, 0.5 * (spread * v / 0.5).ln(), 1e-3);
    let surprise = 0.5 * (spread + mean * mean) + v - 0.5 * 1.5 - 0.5 - 0.5 * 2f64.ln();
    assert_near("excess", found.excess, y - surprise, 1e-3);
    // Two traps that do not know of each other have no current: what the medium gains is excess.
    assert_near("housekeeping", found.housekeeping, 0.0, 1e-3);
    // First law.
    let heat: f64 = [0, 1].map(|axis| found.sum(Quantity::HeatRate(axis)).expect("listed").value).iter().sum();
    let change = 0.5 * (spread + mean * mean) + 2.0 * v - 0.75 - 1.0;
    assert!((found.protocol_work.value - heat - change).abs() <= 1e-4, "{heat} {change}");
    // Control: a trap that tightens 3 % more is seen.
    assert!((1.03 * work - found.protocol_work.value).abs() > 10.0 * found.protocol_work.error);
}

#[test]
fn a_ring_from_a_point_beside_walls_is_that_of_one_coordinate() {
    // x: a ring whose drive is switched on; y: between walls, tilted; they do not meet.
    let forces = |time: f64, act: &mut dyn FnMut(&Forces<'_>)| {
        let drive = if time > 0.2 { 2.0 } else { 0.0 };
        let thermodynamic = |axis: usize, x: &[f64]| [x[0].sin() + drive, -1.0][axis];
        act(&Forces { potential: &|x| x[0].cos() + x[1], drive: &|axis, _| [drive, 0.0][axis], thermodynamic: &thermodynamic, ..Forces::UNIT });
    };
    let tau = std::f64::consts::TAU;
    let axes = [Axis { lower: 0.0, upper: tau, ends: Ends::Periodic }, Axis { lower: 0.0, upper: 1.5, ends: Ends::Walls }];
    let course = Course { axes, forces: &forces, beginning: Beginning::Point([1.1, 0.4]), duration: 0.6, breaks: &[0.2], surprise: None };
    let found = Moving::new(&course).expect("resolved");
    let ring = |upper: f64, ends: Ends, potential: &dyn Fn(f64, f64) -> f64, drive: &dyn Fn(f64, f64) -> f64, at: f64| {
        let problem = Problem {
            lower: 0.0,
            upper,
            ends,
            bath: Bath::Uniform { friction: 1.0, temperature: 1.0 },
            potential,
            drive,
            moving: true,
            initial: Start::Point(at),
            start: 0.0,
            saves: &[0.6],
            breaks: &[0.2],
            cells: 1024,
            time_steps: 1024,
        };
        evolve(&problem).expect("resolved").remove(0)
    };
    let along = ring(tau, Ends::Periodic, &|x, _| x.cos(), &|_, t| if t > 0.2 { 2.0 } else { 0.0 }, 1.1);
    let across = ring(1.5, Ends::Walls, &|y, _| y, &|_, _| 0.0, 0.4);
    for (axis, snapshot) in [(0, &along), (1, &across)] {
        assert_near("heat", found.sum(Quantity::HeatRate(axis)).expect("listed"), snapshot.heat.value, 4e-3);
        assert_near("displacement", found.sum(Quantity::Velocity(axis)).expect("listed"), snapshot.displacement.value, 4e-3);
    }
    assert!(found.entropy.value.is_nan() && found.hatano_sasa.value.is_nan());
    let (x, y) = (1.7, 0.3);
    let exact = along.density.pdf(x).ln() + across.density.pdf(y).ln();
    assert!((found.law.ln_pdf([x, y]) - exact).abs() <= 0.01, "{} {exact}", found.law.ln_pdf([x, y]));
}

#[test]
fn what_leaves_the_rectangle_is_reported() {
    let start = |x: &[f64]| -8.0 * (x[0] * x[0] + x[1] * x[1]);
    let course = Course { axes: [axis(3.0), axis(3.0)], forces: &traps, beginning: Beginning::LogDensity(&start), duration: 1.0, breaks: &[], surprise: None };
    assert!(matches!(Moving::new(&course), Err(ExactError::RangeTooNarrow { .. })));
}
