//! What a run found: estimates beside their exact values, and verdicts. Report, check, JSON and HDF5 all read these.

use serde::{Deserialize, Serialize};

/// A measured number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Name, as in the list of `ness estimates`.
    pub name: String,
    /// Measured value.
    pub value: f64,
    /// Standard error of the value.
    pub standard_error: f64,
    /// Number of independent samples it is worth.
    pub effective_samples: f64,
    /// Exact value, where one is known.
    pub exact: Option<f64>,
    /// `(value − exact)/standard_error`; see `bias` and `refinement` for what stands in place of the value where there is one of them.
    pub z: Option<f64>,
    /// Unit.
    pub unit: String,
    /// Where the exact value comes from.
    pub source: Option<String>,
    /// What an approximate method adds to the value, where one is used: then `z` is that of `value − bias`, a quarter of the bias being part of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<Bias>,
    /// What steps half as long change, where asked for: then `z` is that of the extrapolated value, a quarter of what the extrapolation takes off being
    /// part of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refinement: Option<Refinement>,
}

/// What a second ensemble by steps half as long tells of an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refinement {
    /// The error of the time step is taken to go with this power of its length.
    pub order: u32,
    /// The value less that of the finer ensemble.
    pub difference: f64,
    /// Standard error of the difference.
    pub difference_standard_error: f64,
    /// The limit of steps of length 0 (Richardson).
    pub extrapolated: f64,
    /// Its standard error.
    pub extrapolated_standard_error: f64,
}

/// What an approximate method adds to an estimate, as a second ensemble by steps half as long tells.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bias {
    /// Twice the difference from the finer ensemble: the limit of steps of length 0, on a straight line.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// What can be said about a theorem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// The data could have refuted it, and did not.
    Holds,
    /// The data refute it.
    Violated,
    /// The data cannot decide.
    Undersampled,
}

impl Judgement {
    /// All judgements.
    pub const ALL: [Judgement; 3] = [Judgement::Holds, Judgement::Violated, Judgement::Undersampled];

    /// The word for it in tables, files and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Judgement::Holds => "holds",
            Judgement::Violated => "violated",
            Judgement::Undersampled => "undersampled",
        }
    }
}

/// A theorem, tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Name in the registry.
    pub name: String,
    /// Estimate of the quantity that the theorem fixes.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// What the theorem says it is.
    pub expected: f64,
    /// `(value − expected)/standard_error`.
    pub z: f64,
    /// Number of independent samples the estimate is worth.
    pub effective_samples: f64,
    /// The judgement.
    pub verdict: Judgement,
    /// What was compared, and what to do next.
    pub advice: String,
}
