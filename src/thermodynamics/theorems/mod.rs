//! The registry of theorems: each is tried against the data of a run and judged `holds`, `violated` or `undersampled`.
//!
//! A theorem is one entry of [`THEOREMS`]. All comparisons of a run share one Bonferroni bound; no theorem is ever called violated, nor
//! upheld, by data that do not sample what it speaks of.

mod balance;
mod detailed;
mod exponential;
mod tail;
mod tur;

use std::collections::BTreeMap;

use super::observables::Named;
use crate::results::{Judgement, Verdict};
use crate::statistics::{Fields, Measured, ScalarSpec, Scalars, significance_bound};

/// A theorem.
pub struct Theorem {
    /// Name, as in `measure.theorems`.
    pub name: &'static str,
    /// What it says.
    pub sentence: &'static str,
    /// Observables it needs; one that ends in a dot stands for all that begin so, and `|` stands between alternatives.
    pub needs: &'static [&'static str],
    /// True when a run with the protocol reversed in time is needed.
    pub needs_reverse: fn(&Facts) -> bool,
    /// Why the theorem says nothing about such a run, and what to do.
    scope: fn(&Facts) -> Result<(), String>,
    /// Confronts it with the data; `None` where these lack something.
    evaluate: fn(&Evidence) -> Option<Finding>,
}

/// Every theorem, in the order of the help text.
pub static THEOREMS: &[Theorem] = &[
    Theorem {
        name: "first_law",
        sentence: "energy change = work − heat, along every trajectory",
        needs: &["first_law_residual", "work", "heat", "energy_change"],
        needs_reverse: |_| false,
        scope: |_| Ok(()),
        evaluate: balance::first_law,
    },
    Theorem {
        name: "detailed_balance",
        sentence: "in equilibrium no probability flows: j(x) = 0 at every point",
        needs: &["displacement.|flux."],
        needs_reverse: |_| false,
        scope: balance::detailed_balance_scope,
        evaluate: balance::detailed_balance,
    },
    Theorem {
        name: "steady_balance",
        sentence: "in a steady state the system's entropy stays while the medium's does not decrease: ⟨Δs_sys⟩ = 0, ⟨Δs_med⟩ ≥ 0",
        needs: &["entropy_system", "entropy_medium"],
        needs_reverse: |_| false,
        scope: balance::steady_scope,
        evaluate: balance::steady_balance,
    },
    Theorem {
        name: "jarzynski",
        sentence: "⟨exp(−β(W − ΔF))⟩ = 1 for work done from equilibrium",
        needs: &["work"],
        needs_reverse: |facts| facts.delta_free_energy.is_none(),
        scope: exponential::work_scope,
        evaluate: exponential::jarzynski,
    },
    Theorem {
        name: "crooks",
        sentence: "P_F(W)/P_R(−W) = exp(β(W − ΔF)) for a process and its reverse, both from equilibrium",
        needs: &["work"],
        needs_reverse: |_| true,
        scope: exponential::work_scope,
        evaluate: detailed::crooks,
    },
    Theorem {
        name: "integral_total",
        sentence: "⟨exp(−Δs_tot)⟩ = 1",
        needs: &["entropy_total"],
        needs_reverse: |_| false,
        scope: total_scope,
        evaluate: exponential::integral_total,
    },
    Theorem {
        name: "detailed_total",
        sentence: "ln P(Δs_tot = s)/P(Δs_tot = −s) = s, in a steady state or against the reverse run",
        needs: &["entropy_total"],
        needs_reverse: |facts| !facts.is_its_own_reverse(),
        scope: total_scope,
        evaluate: detailed::detailed_total,
    },
    Theorem {
        name: "tur",
        sentence: "thermodynamic uncertainty: Var(J)⟨Δs_tot⟩/⟨J⟩² ≥ 2 for every current J of a steady state",
        needs: &["displacement.|flux.", "entropy_medium"],
        needs_reverse: |_| false,
        scope: |facts| even_scope(facts).and_then(|()| balance::steady_scope(facts)),
        evaluate: tur::tur,
    },
    Theorem {
        name: "integral_housekeeping",
        sentence: "⟨exp(−Δs_hk)⟩ = 1 (Speck & Seifert), from any start and under any protocol",
        needs: &["entropy_housekeeping"],
        needs_reverse: |_| false,
        scope: even_scope,
        evaluate: exponential::integral_housekeeping,
    },
    Theorem {
        name: "integral_nonadiabatic",
        sentence: "⟨exp(−Δs_na)⟩ = 1",
        needs: &["entropy_nonadiabatic"],
        needs_reverse: |_| false,
        scope: |facts| even_scope(facts).and_then(|()| support_scope(facts)),
        evaluate: |evidence| exponential::integral(evidence, "integral_nonadiabatic", "entropy_nonadiabatic"),
    },
    Theorem {
        name: "hatano_sasa",
        sentence: "⟨exp(−Y)⟩ = 1 for a process that starts in the steady state",
        needs: &["hatano_sasa"],
        needs_reverse: |_| false,
        scope: |facts| even_scope(facts).and_then(|()| exponential::steady_start_scope(facts)),
        evaluate: |evidence| exponential::integral(evidence, "hatano_sasa", "hatano_sasa"),
    },
    Theorem {
        name: "gallavotti_cohen",
        sentence: "⟨exp(−a Δs_tot)⟩ = ⟨exp(−(1 − a) Δs_tot)⟩ in a steady state: the symmetry θ(a) = θ(1 − a) at finite time",
        needs: &["symmetry."],
        needs_reverse: |_| false,
        scope: |facts| even_scope(facts).and_then(|()| balance::steady_scope(facts)),
        evaluate: balance::gallavotti_cohen,
    },
    Theorem {
        name: "infimum",
        sentence: "⟨inf Δs_tot⟩ ≥ −1 in a steady state, and on continuous paths ⟨inf Δs_tot − exp(inf Δs_tot − Δs_tot)⟩ = −1 at any time",
        needs: &["entropy_infimum", "entropy_infimum_limit"],
        needs_reverse: |_| false,
        scope: balance::infimum_scope,
        evaluate: balance::infimum,
    },
    Theorem {
        name: "conservation",
        sentence: "counts change only by what the channels did, and nothing that is conserved is lost",
        needs: &["conservation_residual|energy_residual"],
        needs_reverse: |_| false,
        scope: |_| Ok(()),
        evaluate: balance::conservation,
    },
];

/// Pairs of scalars whose mean product the theorems need.
pub const PAIRS: &[(&str, &str)] = &[("first_law_residual", "work"), ("first_law_residual", "heat"), ("first_law_residual", "energy_change")];

/// How an ensemble starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// In equilibrium at the initial protocol value.
    Equilibrium,
    /// In the steady state of the initial protocol value and the drives.
    SteadyState,
    /// Anywhere else.
    Other,
}

/// What is known of a run beside its data.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The temperature, where all baths have the same; in units of energy.
    pub single_temperature: Option<f64>,
    /// Whether Boltzmann's law at one temperature stands still at every protocol value, or why not.
    pub canonical: Result<(), String>,
    /// Exact free energy difference between the ends of the protocol, and where it comes from.
    pub delta_free_energy: Option<(f64, String)>,
    /// How the ensemble starts.
    pub start: Start,
    /// True when the protocol moves, jumps included.
    pub protocol_moves: bool,
    /// True when there are non-conservative forces.
    pub has_drives: bool,
    /// True for a jump process: its one ledger is exact.
    pub jumps: bool,
    /// True when a start of discrete states leaves some empty.
    pub empty_states_at_start: bool,
    /// What of the state or the protocol is odd under time reversal, with its verb: "velocities are".
    pub odd: Option<String>,
    /// Why work, heat and entropy of the medium are not defined: the parity of what drives the model is not stated.
    pub parity: Result<(), String>,
    /// Why the steady states along the protocol are not known.
    pub steady_states: Result<(), String>,
    /// Without a path ledger, the name of the integrator that has none.
    pub path_ledger: Result<(), String>,
    /// Which `p(x, τ)` the system entropy uses, or why there is none and what to do.
    pub system_entropy: Result<String, String>,
    /// Measured time.
    pub duration: f64,
    /// True when the energy is quadratic in unbounded coordinates at all times, so that the trapezoid rule for heat is exact.
    pub quadratic_potential: bool,
    /// Unit roundoff of the arithmetic of the paths (2⁻²⁴ or 2⁻⁵³).
    pub unit_roundoff: f64,
    /// What the steps do not show of the variance of a sum along the path, by name of the observable: to be added to what is sampled.
    pub unseen_variances: BTreeMap<String, f64>,
    /// Exact one-trajectory variance of the exponential that a theorem averages, by name of the theorem.
    pub exponential_variances: BTreeMap<String, f64>,
}

impl Facts {
    /// True for a run that starts in a steady state (equilibrium without drives is one) and stays there.
    pub fn is_steady(&self) -> bool {
        !self.protocol_moves && (self.start == Start::SteadyState || self.is_equilibrium())
    }

    /// True for a run that starts in equilibrium and stays there.
    pub fn is_equilibrium(&self) -> bool {
        !self.protocol_moves && !self.has_drives && self.single_temperature.is_some() && self.start != Start::Other
    }

    /// True when a run looks the same backwards: in a steady state whose law does not change when what is odd turns round.
    pub fn is_its_own_reverse(&self) -> bool {
        self.is_steady() && (self.odd.is_none() || self.is_equilibrium())
    }

    /// The name of the scalar on the best ledger there is: with `_path` where the integrator has one.
    fn ledger(&self, name: &str) -> String {
        if self.path_ledger.is_ok() && !self.jumps { format!("{name}_path") } else { name.to_string() }
    }
}

/// What a run measured.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// What is known beside.
    pub facts: &'a Facts,
    /// Scalars of the run, with the specs of [`scalar_specs`] and [`PAIRS`].
    pub scalars: &'a Scalars,
    /// Scalars of the reversed run, with the same specs.
    pub reverse: Option<&'a Scalars>,
    /// Densities and currents.
    pub fields: Option<&'a Fields>,
}

/// What a theorem found; judged when the number of comparisons of the whole run is known.
struct Finding {
    value: Measured,
    expected: f64,
    /// The worst of the comparisons.
    z: f64,
    comparisons: usize,
    criterion: Criterion,
    effective_samples: f64,
    /// Why the data cannot decide, and how many would.
    undersampled: Option<String>,
    /// A consequence of the theorem that can be refuted however badly the rest is sampled.
    bound: Option<tail::Bound>,
    advice: String,
}

/// How a finding is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Criterion {
    /// |z| within the bound.
    TwoSided,
    /// z not below minus the bound: an inequality.
    AtLeast,
    /// The value within a tolerance that is no sampling error.
    Tolerance(f64),
}

/// All verdicts of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Verdicts, in the order asked for.
    pub verdicts: Vec<Verdict>,
    /// Number of comparisons of the run.
    pub comparisons: usize,
    /// The |z| above which one of them is refuted.
    pub bound: f64,
}

/// Why a theorem was not tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TheoremError {
    /// It says nothing about this run.
    #[error("`{theorem}` does not apply: {reason}")]
    OutOfScope {
        /// The theorem.
        theorem: String,
        /// Why, and what to do.
        reason: String,
    },
    /// There is no such theorem.
    #[error("there is no theorem `{name}`; choose among {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// All names.
        known: String,
    },
}

/// Fewest trajectories from which a mean is judged.
const FEWEST: f64 = 100.0;

/// All names, in the order of the help text.
pub fn names() -> Vec<&'static str> {
    THEOREMS.iter().map(|theorem| theorem.name).collect()
}

/// The theorem of a name.
pub fn find(name: &str) -> Result<&'static Theorem, TheoremError> {
    let known = || THEOREMS.iter().map(|theorem| theorem.name).collect::<Vec<_>>().join(", ");
    THEOREMS.iter().find(|theorem| theorem.name == name).ok_or_else(|| TheoremError::Unknown { name: name.into(), known: known() })
}

/// Refuses, before anything runs, a theorem that says nothing about such a run. `observables` are those that the run will have.
pub fn in_scope(name: &str, facts: &Facts, observables: &[Named]) -> Result<(), TheoremError> {
    let theorem = find(name)?;
    let out_of_scope = |reason: String| TheoremError::OutOfScope { theorem: name.into(), reason };
    (theorem.scope)(facts).map_err(out_of_scope)?;
    for need in theorem.needs {
        let there = |known: &str| need.split('|').any(|need| if need.ends_with('.') { known.starts_with(need) } else { known == need });
        if !observables.iter().any(|named| there(&named.name)) {
            let reason = match (&facts.system_entropy, need.contains("entropy_total") || need.contains("entropy_system") || need.contains("symmetry")) {
                _ if facts.parity.is_err() => facts.parity.as_ref().err().cloned().unwrap_or_default(),
                (Err(reason), true) => format!("the system entropy is not known: {reason}"),
                _ if of_steady_states(need) && facts.steady_states.is_err() => facts.steady_states.as_ref().err().cloned().unwrap_or_default(),
                _ => format!("it needs `{need}`, which this model does not define; leave the theorem out of `measure.theorems`"),
            };
            return Err(out_of_scope(reason));
        }
    }
    Ok(())
}

/// Whether any of some theorems is about the steady states along the protocol.
pub fn need_steady_states(names: &[String]) -> bool {
    names.iter().filter_map(|name| find(name).ok()).any(|theorem| theorem.needs.iter().any(|need| of_steady_states(need)))
}

/// Whether an observable is made of the steady states along the protocol.
pub fn of_steady_states(name: &str) -> bool {
    ["entropy_housekeeping", "entropy_excess", "entropy_nonadiabatic", "hatano_sasa"].contains(&name)
}

/// What to keep of every observable so that all theorems can be tried: β of work for `⟨exp(−βW)⟩`, 1 for entropies.
pub fn scalar_specs(observables: &[Named], facts: &Facts) -> Vec<ScalarSpec> {
    let beta = |name: &str| match name {
        "work" | "work_path" => facts.single_temperature.map(|temperature| 1.0 / temperature),
        "entropy_total" | "entropy_total_path" | "entropy_housekeeping" | "entropy_housekeeping_path" | "entropy_nonadiabatic" | "hatano_sasa" => Some(1.0),
        _ => None,
    };
    observables.iter().map(|named| ScalarSpec { name: named.name.clone(), beta: beta(&named.name) }).collect()
}

/// Tries theorems. `other_comparisons` is the number of estimates of the run that have an exact value: they share the bound.
pub fn judge(names: &[String], evidence: &Evidence, other_comparisons: usize) -> Result<Judged, TheoremError> {
    let mut findings = Vec::with_capacity(names.len());
    for name in names {
        let theorem = find(name)?;
        (theorem.scope)(evidence.facts).map_err(|reason| TheoremError::OutOfScope { theorem: name.clone(), reason })?;
        let missing = || {
            let reverse = if (theorem.needs_reverse)(evidence.facts) { ", of this run and of the reversed one" } else { "" };
            format!("the run kept no statistics of {}{reverse}; run it again with this theorem in `measure.theorems`", theorem.needs.join(", "))
        };
        let finding = (theorem.evaluate)(evidence).ok_or_else(|| TheoremError::OutOfScope { theorem: name.clone(), reason: missing() })?;
        findings.push((theorem.name, finding));
    }
    let comparisons = other_comparisons + findings.iter().map(|(_, finding)| finding.comparisons).sum::<usize>();
    let bound = significance_bound(comparisons);
    let verdicts = findings.into_iter().map(|(name, finding)| finding.verdict(name, comparisons, bound)).collect();
    Ok(Judged { verdicts, comparisons, bound })
}

impl Finding {
    fn verdict(self, name: &str, comparisons: usize, bound: f64) -> Verdict {
        let (worst, standard_error) = match self.criterion {
            // Shown so that |z| above the bound means violated here too.
            Criterion::Tolerance(tolerance) => ((self.value.value - self.expected) * bound / tolerance, tolerance / bound),
            _ => (self.z, self.value.standard_error),
        };
        let within = match self.criterion {
            Criterion::AtLeast => worst >= -bound,
            _ => worst.abs() <= bound,
        };
        // The score of the value that is shown, so that it is distributed as a score should be; the worst of several decides.
        let z = if self.criterion == Criterion::TwoSided { self.value.z(self.expected) } else { worst };
        let few = (self.effective_samples < FEWEST).then(|| format!("worth only {:.0} samples; run at least {FEWEST:.0} trajectories", self.effective_samples));
        let blind =
            self.undersampled.or(few).or_else(|| (!standard_error.is_finite()).then(|| "the data give no standard error; run more trajectories".to_string()));
        if let Some(broken) = self.bound.as_ref().filter(|broken| broken.z < -bound) {
            let advice = format!("{}, by {:.1} standard errors; {}", broken.text, -broken.z, self.advice);
            return Verdict {
                name: name.into(),
                value: self.value.value,
                standard_error,
                expected: self.expected,
                z: broken.z,
                effective_samples: self.effective_samples,
                verdict: Judgement::Violated,
                advice,
            };
        }
        let judged = match self.criterion {
            Criterion::Tolerance(tolerance) => format!("judged against a tolerance of {tolerance:.1e}, shown as a standard error of tolerance/{bound:.2}"),
            _ => format!("|z| is judged against {bound:.2} (family-wise 1e-3, {comparisons} comparisons)"),
        };
        let (verdict, advice) = match blind {
            Some(reason) => (Judgement::Undersampled, format!("{reason}; {}", self.advice)),
            None if within => (Judgement::Holds, format!("{}; {judged}", self.advice)),
            None => (Judgement::Violated, format!("{}; {judged}", self.advice)),
        };
        Verdict {
            name: name.into(),
            value: self.value.value,
            standard_error,
            expected: self.expected,
            z,
            effective_samples: self.effective_samples,
            verdict,
            advice,
        }
    }
}

/// The total entropy needs a path ledger and a start from everywhere.
fn total_scope(facts: &Facts) -> Result<(), String> {
    path_ledger_scope(facts)?;
    support_scope(facts)
}

/// What splits entropy in two, or bounds currents by it, needs a state that is even under time reversal.
fn even_scope(facts: &Facts) -> Result<(), String> {
    match &facts.odd {
        Some(odd) => Err(format!(
            "{odd} odd under time reversal: the split into housekeeping and excess then has three parts, and the bounds and symmetries of even dynamics do not hold; try `integral_total`, `detailed_total` or `steady_balance`"
        )),
        None => Ok(()),
    }
}

/// A start that leaves states empty is absolutely irreversible: some reversed trajectories end where no forward one began.
fn support_scope(facts: &Facts) -> Result<(), String> {
    if facts.empty_states_at_start {
        return Err("the start leaves states empty, so that reversed trajectories end where none began and the average is below 1; start everywhere, or in the steady state".into());
    }
    Ok(())
}

/// A theorem about single trajectories is exact at any time step on the path ledger only; without one a miss could be the time step's.
fn path_ledger_scope(facts: &Facts) -> Result<(), String> {
    facts.path_ledger.as_ref().map(|_| ()).map_err(|integrator| {
        format!(
            "the integrator {integrator} has no closed one-step density, so it keeps no path ledger; use \"auto\", \"euler-maruyama\", or with one coordinate \"weak-taylor\""
        )
    })
}

/// The number farthest from 0 (NaN wins: it must not pass for agreement).
fn farthest(numbers: impl IntoIterator<Item = f64>) -> f64 {
    numbers.into_iter().fold(0.0, |worst: f64, z| if worst.is_nan() || worst.abs() >= z.abs() { worst } else { z })
}

#[cfg(test)]
pub(in crate::thermodynamics) mod tests;
