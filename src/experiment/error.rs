//! What is wrong with an experiment, and where.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// Why an experiment could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// The file could not be read as text.
    #[error("error: cannot read {path}: {reason}\nhelp: {advice}")]
    Unreadable {
        /// The path as given.
        path: String,
        /// What went wrong.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// Neither a file nor an embedded model has this name.
    #[error("error: `{name}` is neither a file nor a model of this program\nhelp: {}", advise_models(nearest))]
    UnknownModel {
        /// The name as given.
        name: String,
        /// The most similar names of models, best first.
        nearest: Vec<String>,
    },
    /// The text is not a valid experiment.
    #[error("{}", render(problems, &Renderer::plain()))]
    Invalid {
        /// Everything that was found, in the order of the text; never empty.
        problems: Vec<Problem>,
    },
}

impl ExperimentError {
    /// What is wrong with the text, place by place; empty when there was no text.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid { problems } => problems,
            Self::Unreadable { .. } | Self::UnknownModel { .. } => &[],
        }
    }

    /// The message with terminal colours; without them it is `to_string`.
    pub fn coloured(&self) -> String {
        match self {
            Self::Invalid { problems } => render(problems, &Renderer::styled()),
            Self::Unreadable { .. } | Self::UnknownModel { .. } => self.to_string(),
        }
    }
}

fn advise_models(nearest: &[String]) -> String {
    match nearest {
        [] => "`ness models` lists the models".to_owned(),
        _ => format!("did you mean {}? `ness models` lists the models", crate::experiment::names::either(nearest)),
    }
}

fn render(problems: &[Problem], renderer: &Renderer) -> String {
    problems.iter().map(|problem| problem.render(renderer)).collect::<Vec<_>>().join("\n\n")
}

/// One thing that is wrong, and its place.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The file, the model, or `--set` for an override.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What stands under the caret: usually what was expected there.
    pub label: String,
    /// What to do, where it is known.
    pub help: Option<String>,
    /// The line of text that is shown.
    excerpt: String,
    /// The marked bytes of `excerpt`.
    marked: Range<usize>,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(&Renderer::plain()))
    }
}

impl Problem {
    /// A problem at bytes of a source; the place is clipped to one line of the text.
    pub(super) fn new(source: &SourceText, span: &Range<usize>, message: String, label: String) -> Self {
        let text = &*source.text;
        let start = boundary_at_or_below(text, span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let end = boundary_at_or_below(text, span.end).clamp(start, line_end);
        // annotate-snippets shows a byte order mark and a carriage return as visible characters of the line.
        let excerpt = text[line_start..line_end].trim_end_matches('\r');
        let marked = (start - line_start).min(excerpt.len())..(end - line_start).min(excerpt.len());
        Self {
            file: source.name.clone(),
            line: text[..line_start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            message,
            label,
            help: None,
            excerpt: excerpt.to_owned(),
            marked,
        }
    }

    fn render(&self, renderer: &Renderer) -> String {
        let annotation = AnnotationKind::Primary.span(self.marked.clone()).label(self.label.as_str());
        let snippet = Snippet::source(self.excerpt.as_str()).path(self.file.as_str()).line_start(self.line).annotation(annotation);
        let mut group = Level::ERROR.primary_title(self.message.as_str()).element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

fn boundary_at_or_below(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

/// A text that spans point into.
#[derive(Clone, Debug)]
pub(super) struct SourceText {
    /// The file's name, or `--set`.
    pub(super) name: String,
    /// All of it.
    pub(super) text: Arc<str>,
}
