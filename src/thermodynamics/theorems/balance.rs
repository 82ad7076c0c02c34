//! Balances: of energy along every trajectory, of probability in equilibrium, of entropy in a steady state.

use super::{Criterion, Evidence, Facts, Finding, farthest};
use crate::statistics::{Histogram, Measured};

/// Largest relative residual of the first law that a time step explains.
const TIME_STEP: f64 = 0.05;
/// Largest relative residual that rounding explains, in double and in single precision.
const ROUNDING: [f64; 2] = [1e-9, 1e-4];

/// Rounding of an entropy, relative to its root mean square.
const ROUNDING_OF_ENTROPY: f64 = 1e-11;

/// The energy balance. Work, heat and energy are computed independently of each other, so the residual R tells.
///
/// With a quadratic potential the trapezoid rule is exact and R is rounding: `rms(R)` is compared with the sum of the rms of work, heat
/// and energy change. Otherwise R is of the order of the time step and may grow with time, so its size alone would overlook a missing
/// term that is small beside the others. A missing term X leaves R = ±X, a wrong sign R = ±2X, so the share `⟨RX⟩/⟨X²⟩` of every
/// term in R is compared with the same 5 %, beside the size of R.
pub(super) fn first_law(evidence: &Evidence) -> Option<Finding> {
    let (facts, scalars) = (evidence.facts, evidence.scalars);
    let residual = scalars.get("first_law_residual")?.moments();
    let count = residual.count() as f64;
    let terms = ["work", "heat", "energy_change"];
    let sizes = terms.iter().map(|name| Some(scalars.get(name)?.moments().rms())).collect::<Option<Vec<f64>>>()?;
    let scale: f64 = sizes.iter().sum();
    let relative = if residual.rms() == 0.0 { 0.0 } else { residual.rms() / scale };
    let tolerance = match facts.quadratic_potential {
        true => ROUNDING[usize::from(facts.unit_roundoff > 1e-10)],
        false => TIME_STEP,
    };
    let mut worst = (relative, tolerance, "rms(R) over rms(W) + rms(Q) + rms(ΔE)".to_string());
    if !facts.quadratic_potential {
        for (name, size) in terms.iter().zip(&sizes).filter(|(_, size)| **size > 0.0) {
            let share = scalars.mean_product("first_law_residual", name)? / (size * size);
            let noise = residual.rms() / (size * count.sqrt());
            let allowed = TIME_STEP + 5.0 * noise;
            let milder = share.abs() / allowed <= worst.0 / worst.1;
            if !milder {
                worst = (share.abs(), allowed, format!("share of `{name}` in the residual"));
            }
        }
    }
    let (value, tolerance, what) = worst;
    Some(Finding {
        value: Measured { value, standard_error: tolerance },
        expected: 0.0,
        z: 0.0,
        comparisons: 0,
        criterion: Criterion::Tolerance(tolerance),
        effective_samples: count,
        undersampled: None,
        bound: None,
        advice: format!("R = ΔE − W + Q, mean {:.3e}, rms {:.3e}; compared: {what}", residual.mean(), residual.rms()),
    })
}

/// Detailed balance speaks of equilibrium.
pub(super) fn detailed_balance_scope(facts: &Facts) -> Result<(), String> {
    let reason = if facts.is_equilibrium() {
        return Ok(());
    } else if facts.has_drives {
        "there are non-conservative forces; drop `model.force`, or try `steady_balance`"
    } else if facts.single_temperature.is_none() {
        "there is no single temperature for which Boltzmann's law stands still; set one (with multiplicative noise also interpretation = \"anti-ito\"), or try `steady_balance`"
    } else if facts.protocol_moves {
        "the protocol moves; hold it constant"
    } else {
        "the start is not in equilibrium; set `initial.distribution = \"equilibrium\"`"
    };
    Err(format!("it needs equilibrium, but {reason}"))
}

/// `j = 0` through every edge of every field, and no mean displacement.
pub(super) fn detailed_balance(evidence: &Evidence) -> Option<Finding> {
    let duration = evidence.facts.duration;
    let mut compared: Vec<(Measured, String)> = Vec::new();
    for field in evidence.fields.into_iter().flat_map(|fields| fields.iter()) {
        let currents = field.current(duration).into_iter().zip(field.layout().edges());
        compared.extend(currents.map(|(current, edge)| (current, format!("j at {edge:.4}"))));
    }
    let displaced = evidence.scalars.iter().filter(|scalar| ["displacement.", "circulation.", "flux."].iter().any(|kind| scalar.name().starts_with(kind)));
    let mut count = 0;
    for scalar in displaced {
        let moments = scalar.moments();
        count = moments.count();
        compared.push((moments.measured_mean(), format!("mean `{}`", scalar.name())));
    }
    let worst = farthest(compared.iter().map(|(value, _)| value.z(0.0)));
    let (value, place) = compared.iter().find(|(value, _)| value.z(0.0) == worst || worst.is_nan()).or_else(|| compared.first())?;
    Some(Finding {
        value: *value,
        expected: 0.0,
        z: worst,
        comparisons: compared.len(),
        criterion: Criterion::TwoSided,
        effective_samples: count as f64,
        undersampled: None,
        bound: None,
        advice: format!("largest of {} |z|: {place}", compared.len()),
    })
}

/// `⟨exp(−a s)⟩ − ⟨exp(−(1 − a) s)⟩ = 0` at every tilt.
///
/// An error is the larger of what the sample says and of what the theorem itself says: where −s is e^−s times as likely as s, the difference has the second moment
/// `⟨4 sinh²((½ − a) s)⟩`, an even function of s that the many trajectories of positive s tell. Where a turn of a ring is rare, the sample alone knows nothing of the turns backwards that it lacks.
pub(super) fn gallavotti_cohen(evidence: &Evidence) -> Option<Finding> {
    let entropies = evidence.scalars.get(&evidence.facts.ledger("entropy_total"))?.histogram();
    let mut tilted = Vec::new();
    for scalar in evidence.scalars.iter() {
        let Some(tilt) = scalar.name().strip_prefix("symmetry.") else { continue };
        let mean = scalar.moments().measured_mean();
        let by_symmetry = error_by_symmetry(entropies, tilt.parse().ok()?);
        tilted.push((scalar.name(), Measured { standard_error: mean.standard_error.max(by_symmetry), ..mean }));
    }
    let worst = farthest(tilted.iter().map(|(_, value)| value.z(0.0)));
    let (name, value) = tilted.iter().find(|(_, value)| value.z(0.0) == worst || worst.is_nan()).or_else(|| tilted.first())?;
    let total = evidence.scalars.get("entropy_total")?.moments();
    // The larger tilt averages exp(−(1−a)s): sampled where N exp(−var) is still large.
    let effective = total.count() as f64 * (-total.variance().max(2.0 * total.mean())).exp();
    let undersampled = (effective < 1000.0)
        .then(|| format!("the exponential averages are worth {effective:.0} trajectories, fewer than 1000; take a shorter run or more trajectories"));
    Some(Finding {
        value: *value,
        expected: 0.0,
        z: worst,
        comparisons: tilted.len(),
        criterion: Criterion::TwoSided,
        effective_samples: total.count() as f64,
        undersampled,
        bound: None,
        advice: format!("⟨exp(−a s)⟩ − ⟨exp(−(1−a) s)⟩ of s = Δs_tot, worst of {} tilts: `{name}`", tilted.len()),
    })
}

/// Error of the mean of `exp(−a s) − exp(−(1 − a) s)` over entropies that obey the detailed theorem.
fn error_by_symmetry(entropies: &Histogram, tilt: f64) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (s, found) in entropies.occupied() {
        sum += found * (2.0 * ((0.5 - tilt) * s).sinh()).powi(2);
        count += found;
    }
    f64::sqrt(sum) / count
}

/// No energy of a rod is lost, but for rounding: the residual beside the energy that was moved about.
fn conservation_of_energy(evidence: &Evidence) -> Option<Finding> {
    let rms = |name: &str| Some(evidence.scalars.get(name)?.moments().rms());
    let (residual, energy) = (rms("energy_residual")?, rms("energy")?);
    let scale = energy + rms("heat")?;
    let tolerance = ROUNDING[usize::from(evidence.facts.unit_roundoff > 1e-10)];
    let relative = if residual == 0.0 { 0.0 } else { residual / scale };
    Some(Finding {
        value: Measured { value: relative, standard_error: tolerance },
        expected: 0.0,
        z: 0.0,
        comparisons: 0,
        criterion: Criterion::Tolerance(tolerance),
        effective_samples: evidence.scalars.get("energy_residual")?.moments().count() as f64,
        undersampled: None,
        bound: None,
        advice: format!("largest of |e(τ) − e(0) − what crossed its bonds| over cells, rms {residual:.3e}, over rms energy and heat"),
    })
}

/// The books of every trajectory balance to the last molecule.
pub(super) fn conservation(evidence: &Evidence) -> Option<Finding> {
    if evidence.scalars.get("energy_residual").is_some() {
        return conservation_of_energy(evidence);
    }
    let residual = evidence.scalars.get("conservation_residual")?.moments();
    let worst = if residual.rms() == 0.0 { 0.0 } else { residual.rms().max(1.0) };
    Some(Finding {
        value: Measured { value: worst, standard_error: 0.0 },
        expected: 0.0,
        z: 0.0,
        comparisons: 0,
        criterion: Criterion::Tolerance(1e-6),
        effective_samples: residual.count() as f64,
        undersampled: None,
        bound: None,
        advice: "largest of |n(τ) − n(0) − Σ ν N| over coordinates, rms over trajectories; integers, so anything but 0 is an error".to_owned(),
    })
}

/// A run that starts in a steady state and stays there.
pub(super) fn steady_scope(facts: &Facts) -> Result<(), String> {
    if facts.protocol_moves {
        return Err("it needs a steady state, but the protocol moves; hold it constant".into());
    }
    if !facts.is_steady() {
        return Err("it needs a steady state from the start; set `initial.distribution = \"steady-state\"`".into());
    }
    Ok(())
}

/// Every event of a jump process would have to be followed.
pub(super) fn infimum_scope(facts: &Facts) -> Result<(), String> {
    if facts.jumps {
        return Err("the infimum is measured along continuous paths, of overdamped dynamics; leave it out of `measure.theorems`".into());
    }
    steady_scope(facts)
}

/// The mean of the infimum that is to be expected in the end, given the path so far, is −1.
///
/// `exp(−Δs_tot)` is a martingale: from wherever a continuous path is, `P(it falls by a some day) = e^{−a}` (Neri, Roldán & Jülicher, PRX 7, 011019 (2017)). Of a path that
/// is now `r` above its infimum `m`, the infimum will therefore be `m − ⟨(X − r)₊⟩ = m − e^{−r}`, `X` being exponential.
pub(super) fn infimum(evidence: &Evidence) -> Option<Finding> {
    let limit = evidence.scalars.get("entropy_infimum_limit")?.moments();
    let so_far = evidence.scalars.get("entropy_infimum")?.moments().measured_mean();
    Some(Finding {
        value: limit.measured_mean(),
        expected: -1.0,
        z: limit.measured_mean().z(-1.0),
        comparisons: 1,
        criterion: Criterion::TwoSided,
        effective_samples: limit.count() as f64,
        undersampled: None,
        bound: None,
        advice: format!("⟨inf Δs_tot⟩ = {:.6} ± {:.6} so far; compared: what it will be in the limit of long times", so_far.value, so_far.standard_error),
    })
}

/// `⟨Δs_sys⟩ = 0`, and `⟨Δs_med⟩` not below 0.
pub(super) fn steady_balance(evidence: &Evidence) -> Option<Finding> {
    let system = evidence.scalars.get("entropy_system")?.moments();
    let given = evidence.scalars.get("entropy_medium")?.moments();
    // With the same probability everywhere nothing but rounding is left of Δs_sys: no deviation.
    let rounding = ROUNDING_OF_ENTROPY * given.rms().max(system.rms());
    let beside_rounding = |mean: Measured| Measured { standard_error: mean.standard_error.hypot(rounding), ..mean };
    let (value, medium) = (beside_rounding(system.measured_mean()), beside_rounding(given.measured_mean()));
    let advice = format!("⟨Δs_sys⟩ against 0; ⟨Δs_med⟩ = {:.6} ± {:.6}, {:.1} standard errors from 0", medium.value, medium.standard_error, medium.z(0.0));
    Some(Finding {
        value,
        expected: 0.0,
        z: farthest([value.z(0.0), medium.z(0.0).min(0.0)]),
        comparisons: 2,
        criterion: Criterion::TwoSided,
        effective_samples: system.count() as f64,
        undersampled: None,
        bound: None,
        advice,
    })
}
