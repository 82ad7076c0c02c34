//! Detailed theorems: the logarithm of a ratio of densities is a line of slope 1.

use super::{Criterion, Evidence, Finding, farthest};
use crate::statistics::Measured;
use crate::statistics::logistic::{self, Fit, Group};
use crate::thermodynamics::free_energy::{BothWays, WIDEST_BIN};

/// Fewest samples that both densities must share.
const FEWEST_SHARED: f64 = 1000.0;
/// Largest standard error of a slope that could refute anything.
const VAGUE: f64 = 0.1;

/// `P_F(W)/P_R(−W) = exp(β(W − ΔF))`: slope 1 and, where ΔF is exactly known, height 0.
pub(super) fn crooks(evidence: &Evidence) -> Option<Finding> {
    let (facts, temperature) = (evidence.facts, evidence.facts.single_temperature?);
    let name = facts.ledger("work");
    let both = BothWays::new(evidence.scalars.get(&name)?.histogram(), evidence.reverse?.get(&name)?.histogram(), 1.0 / temperature)?;
    let bennett = both.bennett();
    let exact = facts.delta_free_energy.as_ref().map(|(difference, _)| difference / temperature);
    let groups = both.groups(exact.unwrap_or(bennett.difference.value));
    let line = Line { groups, offset: both.offset(), fixed: both.fixed(), overlap: bennett.overlap, width: both.width, with_height: exact.is_some() };
    let known = match &facts.delta_free_energy {
        Some((difference, source)) => format!("exact {difference:.6} ({source})"),
        None => "not known exactly".to_string(),
    };
    let advice = format!(
        "slope of ln P_F(W)/P_R(−W) over β(W − ΔF) of `{name}`; ΔF by Bennett {:.6} ± {:.6}, {known}",
        bennett.difference.value * temperature,
        bennett.difference.standard_error * temperature
    );
    Some(line.finding(advice))
}

/// `ln P(s)/P(−s) = s`: within one steady run by the sign of Δs_tot at given |Δs_tot|, otherwise against the reverse run.
pub(super) fn detailed_total(evidence: &Evidence) -> Option<Finding> {
    let facts = evidence.facts;
    let name = facts.ledger("entropy_total");
    let histogram = evidence.scalars.get(&name)?.histogram();
    if facts.is_its_own_reverse() {
        let sign = |(s, n): (f64, f64)| if s > 0.0 { Group { x: s, positive: n, negative: 0.0 } } else { Group { x: -s, positive: 0.0, negative: n } };
        // Jumps may leave many trajectories at exactly 0, where a sign says nothing; rounding puts them on either side.
        let tells = |(s, _): &(f64, f64)| !facts.jumps || s.abs() > histogram.width();
        let groups: Vec<Group> = histogram.occupied().filter(tells).map(sign).collect();
        let overlap = logistic::overlap(&groups, 0.0);
        let line = Line { groups, offset: 0.0, fixed: 0.0, overlap, width: histogram.width(), with_height: true };
        return Some(line.finding(format!("slope of ln P(s)/P(−s) over s = `{name}`")));
    }
    let both = BothWays::new(histogram, evidence.reverse?.get(&name)?.histogram(), 1.0)?;
    let groups = both.groups(0.0);
    let overlap = logistic::overlap(&groups, both.offset());
    let line = Line { groups, offset: both.offset(), fixed: both.fixed(), overlap, width: both.width, with_height: true };
    Some(line.finding(format!("slope of ln P_F(s)/P_R(−s) over s = `{name}`, forward against reverse run")))
}

/// Labelled samples that should lie on the line `u = x`.
struct Line {
    groups: Vec<Group>,
    offset: f64,
    fixed: f64,
    overlap: f64,
    width: f64,
    /// Whether the height of the line is compared too.
    with_height: bool,
}

impl Line {
    fn finding(self, advice: String) -> Finding {
        let fit = logistic::fit(&self.groups, self.offset, self.fixed);
        let undersampled = self.blind(fit.as_ref());
        let nothing = Measured { value: f64::NAN, standard_error: f64::INFINITY };
        let (slope, height, centre) = fit.map_or((nothing, nothing, 0.0), |fit| (fit.slope, fit.offset, fit.centre));
        let heights = if self.with_height { vec![height.z(0.0)] } else { Vec::new() };
        let advice = match self.with_height {
            true => format!("{advice}; height at {centre:.3}: {:.2e} ± {:.1e} above the line, z {:.2}", height.value, height.standard_error, height.z(0.0)),
            false => advice,
        };
        Finding {
            value: slope,
            expected: 1.0,
            comparisons: 1 + heights.len(),
            z: farthest([slope.z(1.0)].into_iter().chain(heights)),
            criterion: Criterion::TwoSided,
            effective_samples: self.overlap,
            undersampled,
            bound: None,
            advice,
        }
    }

    /// Why the data cannot decide.
    fn blind(&self, fit: Option<&Fit>) -> Option<String> {
        if self.width > WIDEST_BIN {
            return Some(format!(
                "the values lie so far apart that bins are {:.1e} kT wide, more than {WIDEST_BIN}; shorten the run, or reduce `ensemble.dt` if one trajectory is an outlier",
                self.width
            ));
        }
        // Written so that NaN counts as unknown.
        let shared = self.overlap >= FEWEST_SHARED;
        let known = fit.is_some_and(|fit| fit.slope.standard_error <= VAGUE);
        if !shared {
            let more = if self.overlap > 0.0 { FEWEST_SHARED / self.overlap } else { f64::INFINITY };
            return Some(format!(
                "both sides share only {:.1} samples, fewer than {FEWEST_SHARED:.0}; {more:.1e} times as many, or a shorter run, would decide",
                self.overlap
            ));
        }
        match fit {
            None => Some("no line can be fitted: the values hardly differ".into()),
            Some(fit) if !known => {
                let more = (fit.slope.standard_error / VAGUE).powi(2);
                Some(format!(
                    "the slope is known to ±{:.2} only; {more:.1e} times as many trajectories, or a longer run, would decide",
                    fit.slope.standard_error
                ))
            }
            Some(_) => None,
        }
    }
}
