//! The page of a run: what it found as tables and figures, in one HTML file that needs nothing else.

mod axes;
mod figure;
mod page;
mod plane;

pub use page::page;

/// A figure that could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("the figure `{figure}` could not be drawn: {reason}")]
pub struct FigureError {
    /// Its title.
    pub figure: String,
    /// Why.
    pub reason: String,
}
