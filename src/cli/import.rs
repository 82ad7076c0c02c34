//! `ness import`, and SBML models wherever an experiment is wanted.

use std::io::ErrorKind;
use std::path::Path;

use super::arguments::Import;
use super::printing::put;
use super::{FINE, Failure};
use crate::sbml::{self, Imported, Options};

/// Writes the experiment that an SBML model means.
pub(super) fn import(arguments: &Import) -> Result<u8, Failure> {
    let standard = Options::default();
    let duration = arguments.duration.unwrap_or(standard.duration);
    let options = Options {
        duration,
        every: arguments.every.unwrap_or(duration * (standard.every / standard.duration)),
        trajectories: arguments.trajectories.unwrap_or(standard.trajectories),
        seed: standard.seed,
    };
    let imported = read(&arguments.file, &options)?;
    for warning in &imported.warnings {
        eprintln!("warning: {warning}");
    }
    match &arguments.output {
        None => put!("{}", imported.text),
        Some(path) => write(path, &imported.text, arguments.force)?,
    }
    Ok(FINE)
}

/// The experiment of an argument that is the path of an SBML model, with its name.
pub(super) fn model(argument: &str) -> Result<Option<(String, Imported)>, Failure> {
    let path = Path::new(argument);
    let is_sbml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml") || extension.eq_ignore_ascii_case("sbml"));
    if !is_sbml {
        return Ok(None);
    }
    let name = path.file_stem().map_or_else(|| argument.to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok(Some((name, read(path, &Options::default())?)))
}

fn read(path: &Path, options: &Options) -> Result<Imported, Failure> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| Failure::Unreadable { path: shown.clone(), reason: error.to_string() })?;
    Ok(sbml::import(&text, &shown, options)?)
}

/// Writes a text file; one that is there is kept unless `force`.
pub(super) fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let shown = || path.display().to_string();
    let mut file = std::fs::OpenOptions::new();
    // `create_new` looks and creates in one go, so that nobody's file is lost in between.
    if force {
        file.write(true).create(true).truncate(true)
    } else {
        file.write(true).create_new(true)
    };
    let written = file.open(path).and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::Exists { path: shown() },
        _ => Failure::Unwritable { path: shown(), reason: error },
    })
}
