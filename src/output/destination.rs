//! Where a file goes, and how it gets there whole.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process;

use super::error::OutputError;
use super::record::Record;
use super::sweep::{self, Sweep};
use super::table::Fault;
use super::write::write;

/// What to do with a file that has the name of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it and refuse to run.
    Refuse,
    /// Replace it when the new one is complete.
    Replace,
}

/// A place that was seen to be free and writable.
#[derive(Debug)]
pub struct Destination {
    path: PathBuf,
    partial: PathBuf,
    existing: Existing,
}

impl Destination {
    /// Checks, before a run starts, that its results can be written.
    pub fn prepare(path: &Path, existing: Existing) -> Result<Self, OutputError> {
        let name = path.file_name().filter(|_| !path.is_dir()).ok_or_else(|| OutputError::NotAFile { path: path.to_owned() })?;
        let folder = folder(path);
        if !folder.is_dir() {
            return Err(OutputError::NoFolder { folder: folder.to_owned(), path: path.to_owned() });
        }
        if existing == Existing::Refuse && path.exists() {
            return Err(OutputError::Exists { path: path.to_owned() });
        }
        let mut partial_name = name.to_owned();
        partial_name.push(format!(".partial-{}", process::id()));
        let partial = folder.join(partial_name);
        File::create(&partial).and_then(|_| fs::remove_file(&partial)).map_err(|cause| OutputError::NotWritable { folder: folder.to_owned(), cause })?;
        Ok(Self { path: path.to_owned(), partial, existing })
    }

    /// The name the file will have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file beside its place, then renames it: under its own name it is complete or not there.
    pub fn write(&self, record: &Record) -> Result<(), OutputError> {
        self.keep(write(&self.partial, record))
    }

    /// The same for a sweep.
    pub fn write_sweep(&self, sweep: &Sweep) -> Result<(), OutputError> {
        self.keep(sweep::write(&self.partial, sweep))
    }

    fn keep(&self, written: Result<(), Fault>) -> Result<(), OutputError> {
        let written = written.map_err(|fault| self.blame(fault)).and_then(|()| self.to_disk());
        if let Err(error) = written {
            // The first error is the one to tell; a partial file that cannot be removed is no worse than one that was never finished.
            let _ = fs::remove_file(&self.partial);
            return Err(error);
        }
        if self.existing == Existing::Refuse && self.path.exists() {
            return Err(OutputError::Appeared { path: self.path.clone(), kept: self.partial.clone() });
        }
        let rename = fs::rename(&self.partial, &self.path);
        rename.map_err(|cause| OutputError::Rename { path: self.path.clone(), kept: self.partial.clone(), cause })?;
        // The file has its name; some file systems cannot sync a folder, and nothing is to be done about it.
        let _ = File::open(folder(&self.path)).and_then(|folder| folder.sync_all());
        Ok(())
    }

    fn to_disk(&self) -> Result<(), OutputError> {
        let sync = File::options().write(true).open(&self.partial).and_then(|file| file.sync_all());
        sync.map_err(|cause| OutputError::Write { path: self.path.clone(), message: cause.to_string() })
    }

    fn blame(&self, fault: Fault) -> OutputError {
        match fault {
            Fault::Hdf5(error) => OutputError::Write { path: self.path.clone(), message: error.to_string() },
            Fault::Shape { variable, expected, found } => OutputError::Shape { variable, expected, found },
        }
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}
