//! Why a model was not imported, and where.

use roxmltree::TextPos;

use super::element::Element;

/// A place in the XML, what was found there, and what is supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error: {file}:{line}:{column}: {message}\nhelp: {help}")]
pub struct SbmlError {
    /// The name given to [`super::import`].
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What was found.
    pub message: String,
    /// What is supported instead.
    pub help: String,
}

impl SbmlError {
    /// An error at a position; [`super::import`] adds the file.
    pub(super) fn new(position: TextPos, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { file: String::new(), line: position.row, column: position.col, message: message.into(), help: help.into() }
    }

    /// An error at the start of an element.
    pub(super) fn at(element: Element<'_>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(element.document().text_pos_at(element.range().start), message, help)
    }
}
