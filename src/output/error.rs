//! What can go wrong with a file.

use std::path::PathBuf;

/// Why a file was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The output exists and was not to be replaced.
    #[error("{} exists already; choose another name with `-o`, or replace it with `--force`", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The folder of the output is not there.
    #[error("there is no folder {} to write {} in; make it with `mkdir -p {}`, or choose another name with `-o`", .folder.display(), .path.display(), .folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
        /// The file.
        path: PathBuf,
    },
    /// The output is not the name of a file.
    #[error("{} is not the name of a file; give one with `-o`, as in `-o results.h5`", .path.display())]
    NotAFile {
        /// What was given.
        path: PathBuf,
    },
    /// The folder of the output refuses new files.
    #[error("cannot write in {}: {cause}; choose another place with `-o`", .folder.display())]
    NotWritable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A file of this name appeared while the run was going on.
    #[error("{} appeared during the run and was not replaced; the results are in {}: rename it", .path.display(), .kept.display())]
    Appeared {
        /// The wanted name.
        path: PathBuf,
        /// Where the results are.
        kept: PathBuf,
    },
    /// The finished file could not get its name.
    #[error("cannot rename {} to {}: {cause}; the results are complete in the former: rename it", .kept.display(), .path.display())]
    Rename {
        /// The wanted name.
        path: PathBuf,
        /// Where the results are.
        kept: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// HDF5 could not write.
    #[error("cannot write {}: {message}; check the free space of the disk", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What HDF5 or the system said.
        message: String,
    },
    /// The record contradicts itself.
    #[error("{variable} has {found} values where its dimensions ask for {expected}; this is a bug of ness: please report it with the experiment")]
    Shape {
        /// Path of the variable in the file.
        variable: String,
        /// Length the dimensions give.
        expected: usize,
        /// Length of the data.
        found: usize,
    },
    /// There is nothing of this name.
    #[error("cannot open {}: {cause}; check the name", .path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Not an HDF5 file.
    #[error("{} is not an HDF5 file; give a file written by `ness run`", .path.display())]
    NotHdf5 {
        /// The file.
        path: PathBuf,
    },
    /// An HDF5 file that cannot be read.
    #[error("{} is damaged: {message}; run the experiment again", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What HDF5 said.
        message: String,
    },
    /// An HDF5 file of another program.
    #[error("{} was not written by ness: it has no {missing}; give a file written by `ness run`", .path.display())]
    NotNess {
        /// The file.
        path: PathBuf,
        /// What is missing.
        missing: String,
    },
    /// A file of a newer ness.
    #[error("{} has schema {found}, written by {program}; this ness reads up to schema {known}: use a newer ness", .path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u64,
        /// Its writer.
        program: String,
        /// The newest schema this program knows.
        known: u64,
    },
}
