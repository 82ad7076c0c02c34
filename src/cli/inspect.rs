//! Verbs that run nothing: `check`, `models`, `devices`, `exact`, `plan`, `wgsl`.

use super::arguments::{Check, Exact, Experiment};
use super::printing::{put, put_line};
use super::table::{Style, exact_table, final_table};
use super::{FINE, Failure, json, load, verdict};
use crate::backend::cpu::{Cpu, Precision, Tuning};
use crate::backend::{Backend, gpu};
use crate::experiment::catalog;
use crate::output;
use crate::results::Judgement;
use crate::simulation::{Simulation, contradicts};
use crate::statistics::significance_bound;

/// Says again what a file says.
pub(super) fn check(arguments: &Check) -> Result<u8, Failure> {
    let summary = output::read(&arguments.file)?;
    for warning in &summary.warnings {
        eprintln!("warning: {warning}");
    }
    if arguments.json {
        put_line!("{}", json::object(&arguments.file.display().to_string(), &summary.run, &summary.estimates, &summary.theorems, &summary.warnings)?);
    } else {
        put_line!("{}", final_table(&summary.run, &summary.estimates, &summary.theorems, Style::of_standard_output()));
    }
    let with = |judgement| summary.theorems.iter().any(|theorem| theorem.verdict == judgement);
    let bound = significance_bound(summary.estimates.iter().filter(|e| e.exact.is_some()).count() + summary.theorems.len());
    let violated = with(Judgement::Violated) || summary.estimates.iter().any(|e| contradicts(e, bound));
    Ok(verdict(violated, with(Judgement::Undersampled), arguments.strict))
}

/// Lists the models, or prints one.
pub(super) fn models(name: Option<&str>) -> Result<u8, Failure> {
    let models = catalog();
    let Some(name) = name else {
        let width = models.iter().map(|model| model.name.len()).max().unwrap_or_default();
        for model in &models {
            put_line!("{:width$}  {}", model.name, model.sentence);
        }
        return Ok(FINE);
    };
    match models.iter().find(|model| model.name == name) {
        Some(model) => {
            put!("{}", model.text);
            Ok(FINE)
        }
        None => {
            let nearest = models.iter().map(|model| (strsim::jaro_winkler(name, model.name), model.name)).max_by(|a, b| a.0.total_cmp(&b.0));
            Err(Failure::NoModel { name: name.to_owned(), nearest: nearest.filter(|(likeness, _)| *likeness > 0.7).map(|(_, name)| name.to_owned()) })
        }
    }
}

/// Lists the devices.
pub(super) fn devices(as_json: bool) -> Result<u8, Failure> {
    let cpu = Cpu::new(Precision::F64, Tuning::default())?.describe();
    let adapters = gpu::adapters();
    if as_json {
        put_line!("{}", serde_json::to_string(&serde_json::json!({ "cpu": cpu, "gpus": adapters }))?);
        return Ok(FINE);
    }
    put_line!("--backend cpu             {} ({})", cpu.device, cpu.driver);
    for adapter in &adapters {
        let kind = if adapter.kind.is_hardware() { "hardware" } else { "software" };
        put_line!("--backend gpu --device {}  {} ({kind}, {}, {})", adapter.index, adapter.name, adapter.interface, adapter.driver);
    }
    if adapters.is_empty() {
        put_line!("no GPU was found; for one, install its Vulkan driver, and for a software one Mesa's lavapipe (Debian: mesa-vulkan-drivers)");
    }
    Ok(FINE)
}

/// Prints what is known exactly.
pub(super) fn exact(arguments: &Exact) -> Result<u8, Failure> {
    let simulation = Simulation::prepare(load(&arguments.experiment)?)?;
    if arguments.json {
        let one = |(name, value, source): (&str, f64, &str)| serde_json::json!({ "name": name, "value": value, "source": source });
        let object = serde_json::json!({ "title": simulation.experiment().title, "start": simulation.start, "exact": simulation.exact_values().map(one).collect::<Vec<_>>() });
        put_line!("{}", serde_json::to_string(&object)?);
        return Ok(FINE);
    }
    put_line!("{}\nstart: {}", simulation.experiment().title, simulation.start);
    for line in simulation.circuit().iter().flat_map(|circuit| circuit.describe()) {
        put_line!("{line}");
    }
    for warning in &simulation.warnings {
        eprintln!("warning: {warning}");
    }
    let values: Vec<(&str, f64, &str)> = simulation.exact_values().collect();
    if values.is_empty() {
        put_line!("nothing is known exactly; give closed forms in a section [exact]");
    } else {
        put_line!("{}", exact_table(&values, Style::of_standard_output()));
    }
    Ok(FINE)
}

/// Prints the compiled plan.
pub(super) fn plan(arguments: &Experiment) -> Result<u8, Failure> {
    let simulation = Simulation::prepare(load(arguments)?)?;
    put_line!("{}", serde_json::to_string_pretty(simulation.plan())?);
    Ok(FINE)
}

/// Prints the generated shader.
pub(super) fn wgsl(arguments: &Experiment) -> Result<u8, Failure> {
    let simulation = Simulation::prepare(load(arguments)?)?;
    put!("{}", gpu::shader(simulation.plan(), gpu::ShaderOptions::default())?);
    Ok(FINE)
}
