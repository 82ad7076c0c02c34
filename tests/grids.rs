//! Exact values of non-linear Langevin models from grids, and what trajectories say beside them.

mod common;

use common::model;
use ness::simulation::Simulation;

fn known(simulation: &Simulation, name: &str) -> f64 {
    simulation.exact_values().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("`{name}` is not known")).1
}

fn is_known(simulation: &Simulation, name: &str) -> bool {
    simulation.exact_values().any(|(known, ..)| known == name)
}

#[test]
fn a_driven_ring_has_its_generating_function_and_its_cumulants_at_long_times() {
    let ring = model("driven-ring", &[("f", "2")]);
    for (alpha, mirrored, exact) in [("0.1", "0.9", -0.189_025_6), ("0.25", "0.75", -0.295_946_7), ("0.5", "0.5", -0.318_568_8)] {
        let (found, other) = (known(&ring, &format!("scgf.{alpha}")), known(&ring, &format!("scgf.{mirrored}")));
        assert!((found - exact).abs() <= 6e-8 && (found - other).abs() <= 1e-9, "{alpha}: {found} {other}");
    }
    // What a grid says of fluctuations is what quadrature says of diffusion.
    assert!((known(&ring, "variance_rate.displacement.x") / (2.0 * known(&ring, "diffusion.x")) - 1.0).abs() <= 1e-8);
    assert!((known(&ring, "tur_product.entropy_medium") - 5.077_169_0).abs() <= 1e-6);
    assert!((known(&model("driven-ring", &[]), "relaxation_rate") - 1.580_859_025_7).abs() <= 1e-9);
}

#[test]
fn without_a_current_there_is_nothing_to_count() {
    let resting = model("resting-ring", &[]);
    assert!(is_known(&resting, "relaxation_rate") && !is_known(&resting, "scgf.0.5"));
    // Moving forces have no long-time limit of this kind.
    assert!(!is_known(&model("double-well", &[]), "relaxation_rate"));
}
