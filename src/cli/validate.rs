//! `ness validate`.

use comfy_table::{Attribute, Cell, CellAlignment, Color};

use super::arguments::Validate;
use super::interrupt::Interrupt;
use super::numbers::duration;
use super::printing::{put, put_line};
use super::table::{Style, deviation, drawn, empty_table, value_and_error};
use super::{FINE, Failure, VIOLATED, choose};
use crate::backend::Flow;
use crate::experiment::Precision;
use crate::results::Judgement;
use crate::validation::{Extent, Kind, Report, Row, select, validate};

/// Runs the acceptance table; answers the exit code.
pub(super) fn run(arguments: &Validate) -> Result<u8, Failure> {
    let systems = select(&arguments.systems);
    if systems.is_empty() {
        let known = select(&[]).iter().map(|system| system.name).collect::<Vec<_>>().join("; ");
        return Err(Failure::NoSystem { words: arguments.systems.join(" "), known });
    }
    let (device, why) = choose::backend(&arguments.hardware, Precision::F64, None)?;
    let description = device.describe();
    if !arguments.quiet {
        eprintln!("{}: {} ({why})", description.backend, description.device);
    }
    let interrupt = Interrupt::listen().map_err(Failure::Signals)?;
    let mut told = String::new();
    let extent = Extent { quick: arguments.quick, seed: arguments.seed };
    let report = validate(&systems, extent, device.as_ref(), &mut |name| {
        if told != name {
            told = name.to_owned();
            if !arguments.quiet {
                eprintln!("running: {name}");
            }
        }
        if interrupt.arrived() { Flow::Stop } else { Flow::Continue }
    })?;
    if arguments.json {
        put_line!("{}", serde_json::to_string(&report)?);
    } else {
        put!("{}", text(&report, arguments.all, Style::of_standard_output()));
    }
    if let Some(code) = interrupt.code() {
        return Ok(code);
    }
    Ok(if report.failures().next().is_some() { VIOLATED } else { FINE })
}

/// The table, and what it says altogether.
fn text(report: &Report, all: bool, style: Style) -> String {
    let mut table = empty_table(style, &["system", "quantity", "measured", "exact", "z", "verdict"]);
    let shown = report.rows.iter().filter(|row| all || row.kind != Kind::Exact || !row.passes());
    let mut system = "";
    for row in shown {
        let name = if row.system == system { "" } else { &row.system };
        system = &row.system;
        let (value, expected) = value_and_error(row.value, row.standard_error, row.expected);
        table.add_row([Cell::new(name), Cell::new(&row.quantity), Cell::new(value), Cell::new(expected), Cell::new(deviation(row.z)), verdict(row, style)]);
    }
    if let Some(column) = table.column_mut(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    drawn(&table) + &summary(report)
}

fn verdict(row: &Row, style: Style) -> Cell {
    let word = match (row.kind, row.verdict) {
        (Kind::Control, Judgement::Violated) => "caught",
        (Kind::Control, _) => "NOT CAUGHT",
        (_, judgement) => judgement.word(),
    };
    let cell = Cell::new(word);
    if !style.colour {
        return cell;
    }
    match (row.passes(), row.verdict) {
        (true, Judgement::Undersampled) => cell.fg(Color::Yellow),
        (true, _) => cell.fg(Color::Green),
        (false, _) => cell.fg(Color::Red).add_attribute(Attribute::Bold),
    }
}

fn summary(report: &Report) -> String {
    let count = |kind: Kind| report.rows.iter().filter(|row| row.kind == kind).count();
    let undersampled = report.rows.iter().filter(|row| row.verdict == Judgement::Undersampled).count();
    let mut text = format!(
        "{} references, {} exact values, {} theorems ({undersampled} undersampled), {} planted defects in {}\n",
        count(Kind::Reference),
        count(Kind::Exact),
        count(Kind::Theorem),
        count(Kind::Control),
        duration(report.seconds)
    );
    text.push_str(&format!(
        "violated means |z| above {:.2}: a family-wise false-alarm rate of at most 1e-3 over {} comparisons\n",
        report.bound, report.comparisons
    ));
    let scores = report.scores;
    text.push_str(&format!(
        "z of {} estimates beside their exact values: standard deviation {:.2}, largest {:.1}\n",
        scores.count, scores.deviation, scores.largest
    ));
    if !report.skipped.is_empty() {
        text.push_str(&format!("interrupted; left out: {}\n", report.skipped.join("; ")));
    }
    let failures: Vec<String> = report.failures().map(|row| format!("{} ({})", row.quantity, row.system)).collect();
    text.push_str(&match failures.as_slice() {
        [] if report.skipped.is_empty() => "Everything is as it must be.\n".to_owned(),
        [] => "What was run is as it must be.\n".to_owned(),
        failures => format!("NOT AS IT MUST BE: {}\n", failures.join("; ")),
    });
    text
}
