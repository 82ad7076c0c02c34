//! Exponential averages: Jarzynski's equality and the integral fluctuation theorem of the total entropy.

use super::{Criterion, Evidence, Facts, Finding, Start, tail};
use crate::statistics::{Histogram, Measured, Scalar};
use crate::thermodynamics::free_energy::{BothWays, WIDEST_BIN};

/// Largest share of one trajectory in an average that is trusted.
const LARGEST_SHARE: f64 = 0.01;
/// Fewest effective samples of an average that is trusted.
const FEWEST_EFFECTIVE: f64 = 1000.0;
/// Relative error that the forecast aims at.
const AIM: f64 = 0.01;

/// Entropies `R` that are distributed as `P(R = −S) = P(S) e^−S`: those of the reversed run, or `S` itself where a run is its own reverse.
///
/// `⟨e^−2S⟩ = ⟨e^R⟩` then, and what makes the left side large, rare negative `S`, are the many positive `R` on the right. A sample that lacks them
/// (turns of a ring backwards) has an error that is too small, and is the more trusted the more it lacks.
#[derive(Clone, Copy)]
struct Mirror<'a> {
    histogram: &'a Histogram,
    /// `R = slope v + shift` of the values `v` of the histogram.
    slope: f64,
    shift: f64,
}

impl<'a> Mirror<'a> {
    /// The entropy `name`, mirrored by the run itself or by its reversed run.
    fn of_entropy(evidence: &Evidence<'a>, name: &str, by_itself: bool) -> Option<Self> {
        let scalars = if by_itself { evidence.scalars } else { evidence.reverse? };
        Some(Self { histogram: scalars.get(name)?.histogram(), slope: 1.0, shift: 0.0 })
    }

    /// Variance of `e^−S`, of which the mean is 1.
    fn variance(&self) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for (value, found) in self.histogram.occupied() {
            sum += found * (self.slope * value + self.shift).exp();
            count += found;
        }
        sum / count - 1.0
    }
}

/// `ln⟨exp(−S)⟩` with `S = β v − shift`, and whether its tail is sampled.
struct Average {
    log_mean: f64,
    relative_error: f64,
    effective_samples: f64,
    undersampled: Option<String>,
    bound: tail::Bound,
}

impl Average {
    /// `exact_variance` is that of `exp(−S)` for one trajectory, where known; else `mirror` may tell how large it is at least: entropies `R` with `P(S) e^−S = P(R = −S)`.
    fn of(scalar: Scalar, shift: f64, exact_variance: Option<f64>, mirror: Option<Mirror>) -> Option<Self> {
        let (beta, sum) = scalar.exponential()?;
        let moments = scalar.moments();
        let (mean, variance) = (beta * moments.mean() - shift, beta * beta * moments.variance());
        let count = sum.count() as f64;
        let (fraction, exact_error) = match exact_variance {
            Some(variance) => (1.0 / (1.0 + variance), Some((variance / count).sqrt())),
            None => ((-variance.max(2.0 * mean)).exp().min(1.0), None),
        };
        let needed = (FEWEST_EFFECTIVE / fraction).max(((2.0 * mean).exp() - 1.0) / (AIM * AIM));
        let forecast = |needed: f64| format!("about {needed:.1e} trajectories, or a shorter run, would decide");
        // Written so that NaN counts as not sampled.
        let sampled = count * fraction >= FEWEST_EFFECTIVE;
        let undersampled = if !sampled {
            Some(format!("the average is worth {:.0} of {count:.0} trajectories, fewer than {FEWEST_EFFECTIVE:.0}; {}", count * fraction, forecast(needed)))
        } else if sum.largest_share() > LARGEST_SHARE {
            // The tail is heavier than a Gaussian one: it takes more than have run, and more still where it has no end.
            let more = needed.max(count * sum.largest_share() / LARGEST_SHARE);
            Some(format!("one trajectory makes up {:.1} % of the average; at least {}", 100.0 * sum.largest_share(), forecast(more)))
        } else {
            None
        };
        let bound = tail::bounds(scalar.histogram(), moments.measured_mean(), beta, shift);
        let seen_in_mirror = || mirror.map_or(0.0, |mirror| (mirror.variance().max(0.0) / count).sqrt());
        let known_error = exact_error.unwrap_or_else(seen_in_mirror) / (sum.log_mean() + shift).exp();
        let relative_error = if exact_error.is_some() { known_error } else { known_error.max(sum.relative_error()) };
        Some(Self { log_mean: sum.log_mean() + shift, relative_error, effective_samples: sum.effective_samples(), undersampled, bound })
    }

    fn measured(&self) -> Measured {
        let value = self.log_mean.exp();
        Measured { value, standard_error: value * self.relative_error }
    }
}

/// Jarzynski and Crooks need an equilibrium start at one temperature.
pub(super) fn work_scope(facts: &Facts) -> Result<(), String> {
    if let (Err(reason), false) = (&facts.canonical, facts.jumps) {
        return Err(format!("it needs one temperature that stays and Boltzmann's law, but {reason}; try `integral_total`, which does not"));
    }
    if facts.single_temperature.is_none() {
        return Err("it needs one temperature; with several baths try `integral_total`".into());
    }
    if facts.start != Start::Equilibrium {
        return Err("it needs a start in equilibrium; set `initial.distribution = \"equilibrium\"`, or try `integral_total`".into());
    }
    Ok(())
}

/// `⟨exp(−β(W − ΔF))⟩ = 1`, with the exact ΔF where known and Bennett's otherwise.
pub(super) fn jarzynski(evidence: &Evidence) -> Option<Finding> {
    let (facts, temperature) = (evidence.facts, evidence.facts.single_temperature?);
    let name = facts.ledger("work");
    let scalar = evidence.scalars.get(&name)?;
    let exact_variance = facts.exponential_variances.get("jarzynski").copied();
    let physical = |shift: f64| match evidence.scalars.get("work").filter(|_| facts.path_ledger.is_ok()).and_then(|work| Average::of(work, shift, None, None)) {
        Some(average) => format!("; with the physical work {:.6}", average.measured().value),
        None => String::new(),
    };
    let reversed = evidence.reverse.and_then(|reverse| reverse.get(&name)).map(|scalar| scalar.histogram());
    if let Some((difference, source)) = &facts.delta_free_energy {
        let shift = difference / temperature;
        let mirror = reversed.map(|histogram| Mirror { histogram, slope: 1.0 / temperature, shift });
        let average = Average::of(scalar, shift, exact_variance, mirror)?;
        let advice = format!("⟨exp(−β(W − ΔF))⟩ of `{name}`, ΔF = {difference:.6} ({source}){}", physical(shift));
        return Some(Finding::exponential(average, advice));
    }
    let both = BothWays::new(scalar.histogram(), evidence.reverse?.get(&name)?.histogram(), 1.0 / temperature)?;
    let bennett = both.bennett();
    let shift = bennett.difference.value;
    let mut average = Average::of(scalar, shift, exact_variance, None)?;
    average.relative_error = both.jarzynski_against_bennett(average.log_mean - shift, &bennett).standard_error;
    if bennett.overlap < FEWEST_EFFECTIVE || both.width > WIDEST_BIN {
        let reason =
            format!("forward and reverse work share only {:.0} samples, so that ΔF is not known; run more trajectories or a slower protocol", bennett.overlap);
        average.undersampled.get_or_insert(reason);
    }
    let advice = format!(
        "⟨exp(−β(W − ΔF))⟩ of `{name}`, ΔF = {:.6} ± {:.6} from forward and reverse runs (Bennett), errors combined{}",
        shift * temperature,
        bennett.difference.standard_error * temperature,
        physical(shift)
    );
    Some(Finding::exponential(average, advice))
}

/// `⟨exp(−Δs_tot)⟩ = 1`, on the path ledger where there is one.
pub(super) fn integral_total(evidence: &Evidence) -> Option<Finding> {
    let facts = evidence.facts;
    let name = facts.ledger("entropy_total");
    let mirror = Mirror::of_entropy(evidence, &name, facts.is_its_own_reverse());
    let average = Average::of(evidence.scalars.get(&name)?, 0.0, facts.exponential_variances.get("integral_total").copied(), mirror)?;
    let density = facts.system_entropy.as_ref().map_or("", String::as_str);
    let ledger = match &facts.path_ledger {
        Ok(()) if facts.jumps => "exact ledger of the jumps".to_owned(),
        Ok(()) => {
            let physical = Average::of(evidence.scalars.get("entropy_total")?, 0.0, None, None)?.measured();
            format!("path ledger; the physical ledger gives {:.6} ± {:.6}", physical.value, physical.standard_error)
        }
        Err(integrator) => format!("physical ledger, as {integrator} has no path ledger: check against half the time step"),
    };
    Some(Finding::exponential(average, format!("⟨exp(−Δs_tot)⟩ on the {ledger}; p(x, τ): {density}")))
}

/// `⟨exp(−s)⟩ = 1` of an entropy `s` that has one ledger only.
pub(super) fn integral(evidence: &Evidence, theorem: &str, name: &str) -> Option<Finding> {
    let facts = evidence.facts;
    let average = Average::of(evidence.scalars.get(name)?, 0.0, facts.exponential_variances.get(theorem).copied(), None)?;
    Some(Finding::exponential(average, format!("⟨exp(−s)⟩ of s = `{name}`, with the exact steady state of every protocol value")))
}

/// Rounding that an exponential average may carry.
const ROUNDING: f64 = 1e-9;

/// `⟨exp(−Δs_hk)⟩ = 1`, on the path ledger where there is one. The split refers to the steady state of the equations of motion, not to that of the discrete steps, so an error of the
/// time step is left; the distance between both ledgers tells its size and counts as an error.
pub(super) fn integral_housekeeping(evidence: &Evidence) -> Option<Finding> {
    let facts = evidence.facts;
    let name = facts.ledger("entropy_housekeeping");
    let scalar = evidence.scalars.get(&name)?;
    if !facts.jumps && scalar.moments().mean() == 0.0 && scalar.moments().variance() == 0.0 {
        let advice = "no current flows in any steady state along the protocol, so that Δs_hk is 0 on every path and this says nothing about the run";
        return Some(Finding::exponential(Average::of(scalar, 0.0, None, None)?, advice.to_owned()));
    }
    if name == "entropy_housekeeping" {
        return integral(evidence, "integral_housekeeping", &name);
    }
    // Its mirror is the process with the same steady states and the opposite currents, of which it is nearly the mirror itself.
    let mirror = Mirror::of_entropy(evidence, &name, true);
    let mut average = Average::of(scalar, 0.0, facts.exponential_variances.get("integral_housekeeping").copied(), mirror)?;
    let physical = Average::of(evidence.scalars.get("entropy_housekeeping")?, 0.0, None, None)?.measured();
    let value = average.log_mean.exp();
    let time_step = (value - physical.value).abs();
    average.relative_error = average.relative_error.hypot(time_step / value).hypot(ROUNDING);
    let advice = format!(
        "⟨exp(−s)⟩ of s = `{name}`; the physical ledger gives {:.6} ± {:.6}, and the distance {time_step:.1e} between both is part of the error",
        physical.value, physical.standard_error
    );
    Some(Finding::exponential(average, advice))
}

/// Hatano and Sasa's theorem needs a steady start.
pub(super) fn steady_start_scope(facts: &Facts) -> Result<(), String> {
    if facts.start == Start::Other {
        return Err("it needs a start in the steady state; set `initial.distribution = \"steady-state\"`, or try `integral_nonadiabatic`".into());
    }
    Ok(())
}

impl Finding {
    fn exponential(average: Average, advice: String) -> Self {
        let value = average.measured();
        Self {
            value,
            expected: 1.0,
            z: value.z(1.0),
            comparisons: 1 + tail::BOUNDS,
            criterion: Criterion::TwoSided,
            effective_samples: average.effective_samples,
            undersampled: average.undersampled,
            bound: Some(average.bound),
            advice,
        }
    }
}
