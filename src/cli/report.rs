//! `ness report`.

use super::arguments::Report;
use super::{FINE, Failure, import};
use crate::statistics::significance_bound;
use crate::{output, report};

/// Writes the page of a file.
pub(super) fn run(arguments: &Report) -> Result<u8, Failure> {
    let summary = output::read(&arguments.file)?;
    let profiles = output::profiles(&arguments.file)?;
    let swept = output::swept(&arguments.file)?;
    let bound = significance_bound(summary.estimates.iter().filter(|e| e.exact.is_some()).count() + summary.theorems.len());
    let page = report::page(&summary, &profiles, swept.as_ref(), bound)?;
    let path = arguments.output.clone().unwrap_or_else(|| arguments.file.with_extension("html"));
    import::write(&path, &page, arguments.force)?;
    eprintln!("{} shows what is in {}", path.display(), arguments.file.display());
    Ok(FINE)
}
