//! What the moment equations say of a rod.

use super::super::answers::Values;
use super::Question;
use crate::exact::exchange::Moments;
use crate::thermodynamics::theorems::Start;

const SOURCE: &str = "moment equations of the rod";

/// Everything that follows from the moments at the end of the run.
pub(super) fn fill(question: &Question, end: &Moments, values: &mut Values) {
    let mut know = |name: String, value: f64| {
        values.insert(name, (value, SOURCE.to_owned()));
    };
    let mut both = |name: &str, (mean, variance): (f64, Option<f64>), factor: f64| {
        // No −0.
        know(name.to_owned(), factor * mean + 0.0);
        if let Some(variance) = variance {
            // Rounding may leave a variance of nothing slightly below 0.
            know(format!("{name}.variance"), factor * factor * variance.max(0.0));
        }
    };
    let (cells, per_time) = (question.cells(), 1.0 / question.duration());
    let whole: Vec<(usize, f64)> = (0..cells).map(|i| (i, 1.0)).collect();
    both("energy", end.energies(&whole), 1.0);
    for (i, cell) in question.model.cells.iter().enumerate() {
        both(&format!("energy.{}", cell.name), end.energies(&[(i, 1.0)]), 1.0);
        both(&format!("energy_average.{}", cell.name), (end.integral(i), None), per_time);
    }
    let bonds = question.bonds();
    for (bond, name) in &bonds {
        both(&format!("flux.{name}"), end.crossed(&[(*bond, 1.0)]), per_time);
    }
    let share = 1.0 / bonds.len() as f64;
    let along: Vec<(usize, f64)> = bonds.iter().map(|(bond, _)| (*bond, share)).collect();
    both("flux", end.crossed(&along), per_time);
    let ends = question.ends();
    let sign = |bond: usize| if bond == 0 { -1.0 } else { 1.0 };
    let heat: Vec<(usize, f64)> = ends.iter().map(|(bond, _)| (*bond, sign(*bond))).collect();
    both("heat", end.crossed(&heat), 1.0);
    let (change, variance) = end.crossed(&heat);
    both("energy_change", (-change, variance), 1.0);
    both("entropy_medium", end.medium(), 1.0);
    let events = question.exchange.total() * question.duration();
    both("activity", (events, Some(events)), 1.0);
    if ends.len() > 1 {
        for (bond, name) in &ends {
            both(&format!("heat.{name}"), end.crossed(&[(*bond, sign(*bond))]), 1.0);
            both(&format!("heat_rate.{name}"), (end.crossed(&[(*bond, sign(*bond))]).0, None), per_time);
        }
    }
    if let Some(temperature) = question.equilibrium() {
        both("entropy_system", (-change, variance), 1.0 / temperature);
        both("entropy_total", (0.0, None), 1.0);
    }
    both("relaxation_rate", (question.rod.relaxation_rate(), None), 1.0);
    if question.exchange.steady && question.opening.kind != Start::Other {
        both("entropy_production_rate", (if question.equilibrium().is_some() { 0.0 } else { end.medium().0 }, None), per_time);
    }
    for (i, j) in question.pairs() {
        if let Some(covariance) = end.covariance(i, j) {
            let name = format!("covariance.{}.{}", question.model.cells[i].name, question.model.cells[j].name);
            both(&name, (covariance, None), 1.0);
        }
    }
}
