//! Results as one JSON object.

use serde::Serialize;

use crate::output::Run;
use crate::results::{Estimate, Verdict};

/// What `run --json` and `check --json` print.
#[derive(Serialize)]
struct Object<'a> {
    file: &'a str,
    estimates: &'a [Estimate],
    theorems: &'a [Verdict],
    run: About<'a>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct About<'a> {
    title: &'a str,
    backend: &'a str,
    device: &'a str,
    driver: &'a str,
    profile: &'a str,
    seed: u64,
    trajectories: u64,
    nonfinite: u64,
    steps: u64,
    dt: f64,
    seconds: f64,
    rate: f64,
    fingerprint: &'a str,
    version: &'a str,
}

/// The object, on one line. Numbers that are not finite become null.
pub(super) fn object(file: &str, run: &Run, estimates: &[Estimate], theorems: &[Verdict], warnings: &[String]) -> Result<String, serde_json::Error> {
    let about = About {
        title: &run.title,
        backend: &run.backend,
        device: &run.device,
        driver: &run.driver,
        profile: &run.profile,
        seed: run.seed,
        trajectories: run.trajectories,
        nonfinite: run.nonfinite,
        steps: run.steps,
        dt: run.dt,
        seconds: run.wall_seconds,
        rate: run.rate,
        fingerprint: &run.fingerprint,
        version: &run.program,
    };
    serde_json::to_string(&Object { file, estimates, theorems, run: about, warnings })
}
