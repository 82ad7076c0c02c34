//! Where an experiment comes from: a file, a kept text, or a model embedded in the program.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml_edit::DocumentMut;

use super::error::ExperimentError;
use super::names::ranked;

const MODELS: &[(&str, &str)] = &[
    ("dragged-bead", include_str!("../../models/dragged-bead.toml")),
    ("dragged-bead-steady", include_str!("../../models/dragged-bead-steady.toml")),
    ("breathing-trap", include_str!("../../models/breathing-trap.toml")),
    ("driven-ring", include_str!("../../models/driven-ring.toml")),
    ("resting-ring", include_str!("../../models/resting-ring.toml")),
    ("noisy-ring", include_str!("../../models/noisy-ring.toml")),
    ("buttiker-landauer", include_str!("../../models/buttiker-landauer.toml")),
    ("thermophoresis", include_str!("../../models/thermophoresis.toml")),
    ("flashing-ratchet", include_str!("../../models/flashing-ratchet.toml")),
    ("cold-trap", include_str!("../../models/cold-trap.toml")),
    ("coffee-cup", include_str!("../../models/coffee-cup.toml")),
    ("dragged-bead-underdamped", include_str!("../../models/dragged-bead-underdamped.toml")),
    ("pendulum", include_str!("../../models/pendulum.toml")),
    ("underdamped-ring", include_str!("../../models/underdamped-ring.toml")),
    ("harmonic-chain", include_str!("../../models/harmonic-chain.toml")),
    ("two-masses", include_str!("../../models/two-masses.toml")),
    ("ring-switch", include_str!("../../models/ring-switch.toml")),
    ("trap-switch", include_str!("../../models/trap-switch.toml")),
    ("double-well", include_str!("../../models/double-well.toml")),
    ("gyrator", include_str!("../../models/gyrator.toml")),
    ("anharmonic-gyrator", include_str!("../../models/anharmonic-gyrator.toml")),
    ("triangle-closed", include_str!("../../models/triangle-closed.toml")),
    ("triangle-open", include_str!("../../models/triangle-open.toml")),
    ("triangle-ramp", include_str!("../../models/triangle-ramp.toml")),
    ("triangle-chemostat", include_str!("../../models/triangle-chemostat.toml")),
    ("association", include_str!("../../models/association.toml")),
    ("tightened-bond", include_str!("../../models/tightened-bond.toml")),
    ("two-bath-enzyme", include_str!("../../models/two-bath-enzyme.toml")),
    ("michaelis-menten", include_str!("../../models/michaelis-menten.toml")),
    ("proofreading", include_str!("../../models/proofreading.toml")),
    ("schlogl", include_str!("../../models/schlogl.toml")),
    ("brusselator", include_str!("../../models/brusselator.toml")),
    ("chemostat", include_str!("../../models/chemostat.toml")),
    ("ion-pump", include_str!("../../models/ion-pump.toml")),
    ("sugar-cube", include_str!("../../models/sugar-cube.toml")),
    ("optimal-drag", include_str!("../../models/optimal-drag.toml")),
    ("giant-diffusion", include_str!("../../models/giant-diffusion.toml")),
    ("overdamped-chain", include_str!("../../models/overdamped-chain.toml")),
    ("cell", include_str!("../../models/cell.toml")),
    ("living-cell", include_str!("../../models/living-cell.toml")),
    ("metal-rod", include_str!("../../models/metal-rod.toml")),
    ("tasep", include_str!("../../models/tasep.toml")),
    ("active-bead", include_str!("../../models/active-bead.toml")),
    ("f1-motor", include_str!("../../models/f1-motor.toml")),
];

/// A model embedded in the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogEntry {
    /// Its name.
    pub name: &'static str,
    /// Its title.
    pub title: String,
    /// What it is, in a sentence.
    pub sentence: String,
    /// The paper it comes from.
    pub source: String,
    /// The TOML text.
    pub text: &'static str,
}

/// The models embedded in the program.
pub fn catalog() -> Vec<CatalogEntry> {
    MODELS.iter().map(|(name, text)| entry(name, text)).collect()
}

fn entry(name: &'static str, text: &'static str) -> CatalogEntry {
    let document: DocumentMut = text.parse().unwrap_or_default();
    let string = |key: &str| document.get(key).and_then(|item| item.as_str()).unwrap_or_default().to_owned();
    CatalogEntry { name, title: string("title"), sentence: string("sentence"), source: string("source"), text }
}

/// Where an experiment comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A TOML file.
    File(PathBuf),
    /// An embedded model.
    Model(String),
    /// A text at hand, such as the one kept in a result file.
    Text {
        /// What to call it in messages.
        name: String,
        /// The TOML text.
        text: String,
    },
}

impl Source {
    /// What a user means by `FILE|MODEL`: a path where it has a separator or ends in `.toml`, otherwise a model, otherwise a file that is there.
    pub fn named(argument: &str) -> Self {
        let path = Path::new(argument);
        let like_a_path =
            path.components().count() != 1 || path.is_absolute() || argument.starts_with('.') || path.extension().is_some_and(|extension| extension == "toml");
        let model = MODELS.iter().any(|(name, _)| *name == argument);
        if like_a_path || (!model && path.exists()) { Self::File(path.to_owned()) } else { Self::Model(argument.to_owned()) }
    }

    /// The experiment's name, what to call the source in messages, and the text.
    pub(super) fn read(&self) -> Result<(String, String, String), ExperimentError> {
        match self {
            Self::Text { name, text } => Ok((name.clone(), name.clone(), text.clone())),
            Self::Model(name) => match MODELS.iter().find(|(known, _)| known == name) {
                Some((known, text)) => Ok(((*known).to_owned(), format!("{known}.toml"), (*text).to_owned())),
                None => {
                    let nearest = ranked(name, MODELS.iter().map(|(known, _)| *known)).into_iter().take(3).map(str::to_owned).collect();
                    Err(ExperimentError::UnknownModel { name: name.clone(), nearest })
                }
            },
            Self::File(path) => read_file(path),
        }
    }
}

fn read_file(path: &Path) -> Result<(String, String, String), ExperimentError> {
    let shown = path.display().to_string();
    let unreadable = |reason: &str, advice: &str| ExperimentError::Unreadable { path: shown.clone(), reason: reason.to_owned(), advice: advice.to_owned() };
    if path.is_dir() {
        return Err(unreadable("it is a directory", "give the path of a TOML file"));
    }
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => unreadable("there is no such file", "check the path, or take a model from `ness models`"),
        _ => unreadable(&error.to_string(), "check that the file may be read"),
    })?;
    let name = path.file_stem().map_or_else(|| shown.clone(), |stem| stem.to_string_lossy().into_owned());
    match String::from_utf8(bytes) {
        Ok(text) => Ok((name, shown, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(unreadable(&format!("line {line} is not UTF-8 text"), "give a TOML file, saved as UTF-8"))
        }
    }
}
