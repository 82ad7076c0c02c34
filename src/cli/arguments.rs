//! The command line, as types.

use std::path::PathBuf;

use super::sweep::Over;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Ensemble simulator of non-equilibrium steady states.
///
/// A system is described in one TOML file; millions of independent trajectories are run on a GPU or on the processor;
/// work, heat and entropy production come back beside their exact values, with verdicts on the fluctuation theorems.
#[derive(Debug, Parser)]
#[command(name = "ness", version, propagate_version = true, arg_required_else_help = true, subcommand_required = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Run an experiment and write what it found.
    Run(Run),
    /// Run an experiment at every point of a grid of values.
    Sweep(Sweep),
    /// Read a file written by `run` and say again what it found.
    Check(Check),
    /// Make a page of tables and figures, in one HTML file, from a file written by `run`.
    Report(Report),
    /// Turn an SBML model into an experiment.
    Import(Import),
    /// List the models that come with the program, or print one.
    Models {
        /// Model to print as TOML.
        name: Option<String>,
    },
    /// List the devices a run can use.
    Devices {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Print everything that is known exactly of an experiment, and how, without running it.
    Exact(Exact),
    /// Run the acceptance table on this device: known systems against exact answers, theorems, and planted defects that must be caught.
    Validate(Validate),
    /// Print the compiled plan of an experiment as JSON, without running it.
    Plan(Inspect),
    /// Print the generated compute shader of an experiment.
    Wgsl(Inspect),
}

/// Which experiment, changed how.
#[derive(Clone, Debug, Args)]
pub(super) struct Experiment {
    /// A TOML file, an SBML model (`.xml`, `.sbml`), or the name of a model (see `ness models`).
    #[arg(value_name = "FILE|MODEL")]
    pub(super) experiment: String,
    /// Set a parameter or any key of the file, as in `--set v=2 --set protocol.duration=5`.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = assignment)]
    pub(super) set: Vec<(String, String)>,
    /// Number of trajectories, as `--set ensemble.trajectories=N`.
    #[arg(long, short = 'n', value_name = "N", value_parser = trajectories)]
    pub(super) trajectories: Option<u64>,
    /// Seed of the random numbers, as `--set ensemble.seed=S`.
    #[arg(long, value_name = "S")]
    pub(super) seed: Option<u64>,
}

impl Experiment {
    /// All changes, in the order in which they apply.
    pub(super) fn overrides(&self) -> Vec<(String, String)> {
        let mut all = self.set.clone();
        all.extend(self.trajectories.map(|n| ("ensemble.trajectories".to_owned(), n.to_string())));
        all.extend(self.seed.map(|s| ("ensemble.seed".to_owned(), s.to_string())));
        all
    }
}

/// What advances the trajectories.
#[derive(Clone, Debug, Args)]
pub(super) struct Hardware {
    /// What advances the trajectories.
    #[arg(long, value_enum, default_value_t = Choice::Auto)]
    pub(super) backend: Choice,
    /// Number or name of the GPU, as `ness devices` lists it.
    #[arg(long, value_name = "I")]
    pub(super) device: Option<String>,
    /// Threads of the native backend (default: one a core); never changes a result.
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<std::num::NonZeroUsize>,
}

/// `ness run`.
#[derive(Clone, Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) experiment: Experiment,
    #[command(flatten)]
    pub(super) hardware: Hardware,
    /// HDF5 file to write (default: the experiment's name with `.h5`, here).
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Replace the output file if it exists.
    #[arg(long)]
    pub(super) force: bool,
    /// Print one JSON object on standard output instead of a table.
    #[arg(long)]
    pub(super) json: bool,
    /// Say nothing but the result.
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// Exit with 1 when a theorem is undersampled, too.
    #[arg(long)]
    pub(super) strict: bool,
    /// Run everything once more by steps half as long, as `--set ensemble.refine=true`: tells what the time step does to every estimate, and the limit of
    /// short steps.
    #[arg(long)]
    pub(super) refine: bool,
}

impl Run {
    /// The experiment, with what the options of a run change in it.
    pub(super) fn changed_experiment(&self) -> Experiment {
        let mut experiment = self.experiment.clone();
        experiment.set.extend(self.refine.then(|| ("ensemble.refine".to_owned(), "true".to_owned())));
        experiment
    }
}

/// `ness sweep`.
#[derive(Debug, Args)]
pub(super) struct Sweep {
    #[command(flatten)]
    pub(super) run: Run,
    /// Values of a parameter or key: evenly spaced, as in `T_H=1:4:7`, or a list, as in `N=2,4,8`. Given several times, all combinations are run.
    #[arg(long, value_name = "KEY=START:END:COUNT", required = true)]
    pub(super) over: Vec<Over>,
    /// Estimates to show, separated by commas (default: the first that matter); the file has all.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(super) show: Vec<String>,
}

/// `ness validate`.
#[derive(Debug, Args)]
pub(super) struct Validate {
    /// Run only the systems whose name or model contains one of these words.
    #[arg(value_name = "SYSTEM")]
    pub(super) systems: Vec<String>,
    /// Run few trajectories: a minute on two cores, instead of half an hour.
    #[arg(long)]
    pub(super) quick: bool,
    #[command(flatten)]
    pub(super) hardware: Hardware,
    /// Seed of the random numbers.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(super) seed: u64,
    /// Show every estimate that has an exact value, and not only those of the table.
    #[arg(long)]
    pub(super) all: bool,
    /// Print one JSON object on standard output instead of a table.
    #[arg(long)]
    pub(super) json: bool,
    /// Say nothing but the result.
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// `ness import`.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// A model in SBML, Level 2 or 3.
    #[arg(value_name = "FILE.xml")]
    pub(super) file: PathBuf,
    /// TOML file to write (default: standard output).
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Replace the output file if it exists.
    #[arg(long)]
    pub(super) force: bool,
    /// Length of a run in the model's time (default: 50).
    #[arg(long, value_name = "T", value_parser = positive)]
    pub(super) duration: Option<f64>,
    /// Time between saves (default: a fiftieth of the duration).
    #[arg(long, value_name = "T", value_parser = positive)]
    pub(super) every: Option<f64>,
    /// Number of trajectories (default: 10000).
    #[arg(long, short = 'n', value_name = "N", value_parser = trajectories)]
    pub(super) trajectories: Option<u64>,
}

/// `ness check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// A file written by `ness run`.
    pub(super) file: PathBuf,
    /// Print one JSON object on standard output instead of a table.
    #[arg(long)]
    pub(super) json: bool,
    /// Exit with 1 when a theorem is undersampled, too.
    #[arg(long)]
    pub(super) strict: bool,
}

/// `ness report`.
#[derive(Debug, Args)]
pub(super) struct Report {
    /// A file written by `ness run`.
    pub(super) file: PathBuf,
    /// HTML file to write (default: the name of the file with `.html`).
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Replace the output file if it exists.
    #[arg(long)]
    pub(super) force: bool,
}

/// `ness exact`.
#[derive(Debug, Args)]
pub(super) struct Exact {
    #[command(flatten)]
    pub(super) experiment: Experiment,
    /// Print one JSON object on standard output instead of a table.
    #[arg(long)]
    pub(super) json: bool,
}

/// `ness plan` and `ness wgsl`.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    #[command(flatten)]
    pub(super) experiment: Experiment,
}

/// Backends to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Choice {
    /// A hardware GPU if there is one, else the native processor.
    Auto,
    /// A GPU; software Vulkan too, where there is nothing else.
    Gpu,
    /// The native processor.
    Cpu,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        _ => Err("expected KEY=VALUE, as in v=2 or protocol.duration=5".to_owned()),
    }
}

/// Whole numbers, with `1e6` and `1_000_000` as people write them.
fn trajectories(text: &str) -> Result<u64, String> {
    let plain = text.replace('_', "");
    if let Ok(number) = plain.parse() {
        return Ok(number);
    }
    match plain.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && (0.0..=1e15).contains(&number) => Ok(number as u64),
        _ => Err("expected a whole number, as in 1000000 or 1e6".to_owned()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("expected a number above 0, as in 50 or 0.5".to_owned()),
    }
}
