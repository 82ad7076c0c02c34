use std::f64::consts::TAU;

use super::super::cumulants::{growth, long_time};
use super::super::refinement::extrapolate;
use super::super::relaxation::relaxation_rate;
use super::*;
use crate::exact::fokker_planck::Numeric;
use crate::exact::ring::Ring;

fn ring(height: f64, drive: f64, cells: usize) -> Mesh {
    let forces = Forces { potential: &|x| height * x[0].cos(), drive: &|_, _| drive, ..Forces::UNIT };
    Mesh::new(&[Axis { lower: 0.0, upper: TAU, ends: Ends::Periodic }], &forces, cells).expect("finite")
}

fn theta(height: f64, drive: f64, alpha: f64) -> Numeric {
    let of = |cells: usize| -> Result<Vec<f64>, ExactError> {
        let mesh = ring(height, drive, cells);
        let factors: Vec<f64> = mesh.entropies().iter().map(|entropy| (-alpha * entropy).exp()).collect();
        Ok(vec![growth(&mesh.chain, &mesh.rates, &factors, &[]).expect("settles").0])
    };
    extrapolate(&[32, 64, 128, 256], 1e-10, of).expect("finite")[0]
}

#[test]
fn the_generating_function_of_a_driven_ring() {
    for (alpha, exact) in [(0.1, -0.189_025_6), (0.25, -0.295_946_7), (0.5, -0.318_568_8)] {
        let (found, mirrored) = (theta(2.0, 2.0, alpha), theta(2.0, 2.0, 1.0 - alpha));
        assert!((found.value - exact).abs() <= 6e-8 && found.error <= 1e-7, "{alpha}: {found:?}");
        assert!((found.value - mirrored.value).abs() <= found.error + mirrored.error, "{found:?} {mirrored:?}");
    }
    // Without a potential: θ = −σ α (1 − α), σ = f²/(γT).
    let free = theta(0.0, 1.5, 0.3);
    assert!((free.value + 2.25 * 0.21).abs() <= free.error.max(1e-9), "{free:?}");
    // Control: another drive is seen.
    assert!((theta(2.0, 2.06, 0.5).value + 0.318_568_8).abs() > 1e-3);
}

#[test]
fn cumulants_of_a_driven_ring() {
    let of = |cells: usize| -> Result<Vec<f64>, ExactError> {
        let mesh = ring(2.0, 2.0, cells);
        let law = mesh.stationary()?;
        let found = long_time(&mesh.chain, &mesh.rates, &law, &[mesh.displacements(0), mesh.entropies()]).expect("solved");
        Ok(found.iter().flat_map(|c| [c.mean, c.variance]).collect())
    };
    let found = extrapolate(&[32, 64, 128, 256], 1e-12, of).expect("finite");
    let exact = Ring::new(0.0, TAU, 1.0, 1.0, &|x| 2.0 * x.sin() + 2.0, 2048).expect("finite");
    let exact = [exact.velocity, 2.0 * exact.effective_diffusion, exact.entropy_production_rate, 8.0 * exact.effective_diffusion];
    for (found, exact) in found.iter().zip(exact) {
        assert!((found.value - exact).abs() <= found.error && found.error <= 1e-6, "{found:?} {exact}");
    }
}

/// `U = (x² + y²) − c xy`, temperatures `T = (1, t)`.
fn gyrator(temperature: f64, range: [f64; 2], cells: usize) -> Mesh {
    let bath = |axis: usize, _: &[f64]| if axis == 0 { 1.0 } else { temperature };
    let forces = Forces { potential: &|x| x[0] * x[0] + x[1] * x[1] - x[0] * x[1], temperature: &bath, diffusion: &bath, ..Forces::UNIT };
    let axis = |reach: f64| Axis { lower: -reach, upper: reach, ends: Ends::Truncated };
    Mesh::new(&[axis(range[0]), axis(range[1])], &forces, cells).expect("finite")
}

#[test]
fn the_gyrator_has_the_moments_currents_and_entropy_of_its_covariance() {
    let reach = [8.0 * (17.0f64 / 12.0).sqrt(), 8.0 * (71.0f64 / 12.0).sqrt()];
    let means = |temperature: f64, cells: usize| -> Result<Vec<(Quantity, f64)>, ExactError> {
        let mesh = gyrator(temperature, reach, cells);
        Ok(mesh.means(&mesh.stationary()?))
    };
    let names: Vec<Quantity> = means(10.0, 4).expect("finite").into_iter().map(|(name, _)| name).collect();
    let values =
        |temperature: f64| move |cells: usize| Ok::<_, ExactError>(means(temperature, cells)?.into_iter().map(|(_, value)| value).collect::<Vec<f64>>());
    let found = extrapolate(&[24, 48, 96, 192], 1e-13, values(10.0)).expect("finite");
    let exact = |name: &Quantity| match name {
        Quantity::Energy => 5.5,
        Quantity::EnergyVariance => 727.0 / 16.0,
        Quantity::EntropyRate => 2.025,
        Quantity::HeatRate(0) => 2.25,
        Quantity::HeatRate(_) | Quantity::Circulation => -2.25,
        Quantity::Covariance(0, 0) => 17.0 / 12.0,
        Quantity::Covariance(1, 1) => 71.0 / 12.0,
        Quantity::Covariance(..) => 11.0 / 6.0,
        Quantity::Cosine(_) | Quantity::Sine(_) => f64::NAN,
        Quantity::WorkRate | Quantity::Velocity(_) | Quantity::Mean(_) => 0.0,
    };
    let known = |name: &&Quantity| !exact(name).is_nan();
    for (name, found) in names.iter().zip(&found).filter(|(name, _)| known(name)) {
        assert!((found.value - exact(name)).abs() <= found.error + 1e-12 && found.error <= 2e-4, "{name:?}: {found:?}");
    }
    // Control: a temperature off by 3 % is seen in all that a temperature moves.
    let warmer = extrapolate(&[24, 48, 96], 1e-13, values(10.3)).expect("finite");
    let moved = names.iter().zip(&warmer).filter(|(name, warmer)| (warmer.value - exact(name)).abs() > 1e-2).count();
    assert_eq!(moved, 9);
    // The error of the bare numbers falls with the square of the spacing.
    let rate =
        |cells: usize| means(10.0, cells).expect("finite").iter().find(|(name, _)| *name == Quantity::EntropyRate).map_or(f64::NAN, |(_, value)| value - 2.025);
    let ratio = rate(48) / rate(96);
    assert!((3.6..4.4).contains(&ratio), "{ratio}");
}

#[test]
fn relaxation_rates_of_rings_and_wells() {
    let gap = |mesh: Mesh| -> Result<Vec<f64>, ExactError> { Ok(vec![relaxation_rate(&mesh.chain, &mesh.rates, &mesh.stationary()?).expect("it settles")]) };
    let of_ring = |height: f64, drive: f64| extrapolate(&[32, 64, 128, 256], 1e-11, |cells| gap(ring(height, drive, cells))).expect("finite")[0];
    for (height, drive, exact) in [(2.0, 1.0, 1.580_859_025_695_13), (1.0, 3.0, 1.083_512_604_447_15), (0.0, 1.7, 1.0)] {
        let found = of_ring(height, drive);
        assert!((found.value - exact).abs() <= found.error + 1e-10 && found.error <= 1e-6, "{found:?} {exact}");
    }
    // A trap relaxes with k/γ.
    let trap = |cells: usize| {
        let forces = Forces { potential: &|x| 0.7 * x[0] * x[0], temperature: &|_, _| 0.5, diffusion: &|_, _| 0.25, ..Forces::UNIT };
        gap(Mesh::new(&[Axis { lower: -5.0, upper: 5.0, ends: Ends::Truncated }], &forces, cells)?)
    };
    let found = extrapolate(&[32, 64, 128, 256], 1e-11, trap).expect("finite")[0];
    assert!((found.value - 0.7).abs() <= found.error && found.error <= 1e-6, "{found:?}");
    // Over a high barrier, both ways, by Kramers' rate, which is right to the order of T over the barrier.
    let well = |cells: usize| {
        let forces = Forces { potential: &|x| (x[0] * x[0] - 1.0).powi(2), temperature: &|_, _| 0.05, diffusion: &|_, _| 0.05, ..Forces::UNIT };
        gap(Mesh::new(&[Axis { lower: -2.0, upper: 2.0, ends: Ends::Walls }], &forces, cells)?)
    };
    let found = extrapolate(&[64, 128, 256, 512], 1e-11, well).expect("finite")[0];
    let kramers = 2.0 * (8.0f64 * 4.0).sqrt() / TAU * (-20.0f64).exp();
    assert!((found.value / kramers - 1.0).abs() <= 0.05, "{found:?} {kramers}");
}
