//! The page of a run or a sweep: what it found as tables and figures, in one HTML file that needs nothing else.

mod atoms;
mod axes;
mod curves;
mod figure;
mod page;
mod plane;
mod run;
mod sweep;
mod theorems;

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

/// Figures under one heading.
struct Section {
    title: &'static str,
    /// SVG texts.
    figures: Vec<String>,
    /// How many more the file has.
    more: usize,
}
