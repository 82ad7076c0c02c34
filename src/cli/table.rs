//! What a run found, as a table a person likes to read.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle};

use super::numbers::{duration, fixed, grouped, measured, plain, reference, with_prefix};
use crate::output::Run;
use crate::results::{Estimate, Judgement, Refinement, Verdict};

/// Width where the terminal does not tell, or there is none.
const USUAL_WIDTH: usize = 100;
/// Lines longer than this are hard to follow, however wide the terminal.
const WIDEST: usize = 140;
/// Below this nothing is legible anyway.
const NARROWEST: usize = 40;

/// A rule above, below the header and at the end, as in a paper.
const RULED: TableStyle = TableStyle::new().top_border(rule()).header_separator(rule()).bottom_border(rule());

const fn rule() -> LineStyle {
    LineStyle::none().fill('─').junction('─')
}

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    /// Columns of the terminal.
    pub(super) width: usize,
    /// Whether verdicts are coloured.
    pub(super) colour: bool,
}

impl Style {
    /// What standard output can show: its width where it is a terminal, and colours there unless `NO_COLOR` is set.
    pub(super) fn of_standard_output() -> Self {
        let table = Table::new();
        let colour = table.is_tty() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let width = table.width().map_or(USUAL_WIDTH, usize::from);
        Self { width: width.clamp(NARROWEST, WIDEST), colour }
    }
}

/// The whole table: a header, the estimates, the theorems, and what to do next.
pub(super) fn final_table(run: &Run, estimates: &[Estimate], theorems: &[Verdict], style: Style) -> String {
    let mut text = header(run, style.width);
    if !estimates.is_empty() {
        text.push('\n');
        text.push_str(&drawn(&estimates_table(estimates, style)));
    }
    if estimates.iter().any(|estimate| estimate.refinement.is_some()) {
        text.push('\n');
        text.push_str(&drawn(&refinements_table(estimates, style)));
    }
    if !theorems.is_empty() {
        text.push('\n');
        text.push_str(&drawn(&theorems_table(theorems, style)));
        for theorem in theorems.iter().filter(|theorem| !theorem.advice.is_empty()) {
            text.push_str(&wrapped(&format!("{}: {}", theorem.name, theorem.advice), style.width, " ", "   "));
        }
    }
    text
}

/// An estimate at a point of a sweep.
pub(super) struct SweepRow<'a> {
    /// Values of the keys.
    pub(super) place: Vec<&'a str>,
    /// The estimate.
    pub(super) estimate: &'a Estimate,
}

/// Estimates against the values of the keys.
pub(super) fn sweep_table(keys: &[&str], rows: &[SweepRow], style: Style) -> String {
    let head: Vec<&str> = keys.iter().copied().chain(["estimate", "value", "exact", "z", "unit"]).collect();
    let mut table = empty_table(style, &head);
    let values = aligned(rows.iter().map(|row| (row.estimate.value, row.estimate.standard_error)));
    let exact = |row: &SweepRow| row.estimate.exact.map(|exact| reference(exact, row.estimate.standard_error)).unwrap_or_default();
    let exact = at_the_point(rows.iter().map(exact).collect());
    for ((row, value), exact) in rows.iter().zip(values).zip(exact) {
        let unit = if row.estimate.unit == "1" { "" } else { &row.estimate.unit };
        let z = row.estimate.z.map(deviation).unwrap_or_default();
        table.add_row(row.place.iter().copied().chain([row.estimate.name.as_str(), &value, &exact, &z, unit]));
    }
    for column in (0..keys.len()).chain([keys.len() + 3]) {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    drawn(&table)
}

/// Names, values and sources of exact values.
pub(super) fn exact_table(values: &[(&str, f64, &str)], style: Style) -> String {
    let mut table = empty_table(style, &["quantity", "value", "by"]);
    for (name, value, source) in values {
        table.add_row([(*name).to_owned(), fixed(*value, 10), (*source).to_owned()]);
    }
    drawn(&table)
}

fn header(run: &Run, width: usize) -> String {
    let mut text = wrapped(&run.title, width, "", "");
    let device = if run.driver.is_empty() { run.device.clone() } else { format!("{} ({})", run.device, run.driver) };
    text.push_str(&wrapped(&format!("{} on {device}, {}", run.backend, run.precision), width, "", "  "));
    let amount = format!("{} trajectories of {} {}", grouped(run.trajectories), grouped(run.steps), run.work_unit);
    let speed = format!("{}, {} {}/s", duration(run.wall_seconds), with_prefix(run.rate), run.work_unit);
    text.push_str(&wrapped(&format!("{amount} in {speed}; seed {}", run.seed), width, "", "  "));
    if run.nonfinite > 0 {
        let (fate, advice) = if run.work_unit == "steps" {
            ("became infinite or NaN", "take a smaller dt, or walls where the potential has none")
        } else {
            ("were given up", "raise `ensemble.most_events`, take a shorter run, or look for propensities below 0")
        };
        text.push_str(&wrapped(&format!("{} trajectories {fate} and are left out: {advice}", grouped(run.nonfinite)), width, "", "  "));
    }
    text
}

fn estimates_table(estimates: &[Estimate], style: Style) -> Table {
    let values = aligned(estimates.iter().map(|e| (e.value, e.standard_error)));
    let biased = estimates.iter().any(|e| e.bias.is_some());
    let head = if biased { &["estimate", "value", "bias", "exact", "z", "unit"][..] } else { &["estimate", "value", "exact", "z", "unit"] };
    let mut table = empty_table(style, head);
    let exact = at_the_point(estimates.iter().map(|e| e.exact.map(|exact| reference(exact, e.standard_error)).unwrap_or_default()).collect());
    for ((estimate, value), exact) in estimates.iter().zip(values).zip(exact) {
        let unit = if estimate.unit == "1" { "" } else { &estimate.unit };
        let bias = estimate.bias.map(|bias| with_error(measured(bias.value, bias.standard_error))).unwrap_or_default();
        // That of a limit stands beside the limit.
        let z = estimate.z.filter(|_| estimate.refinement.is_none()).map(deviation).unwrap_or_default();
        let cells = [estimate.name.as_str(), &value, &bias, &exact, &z, unit];
        table.add_row(cells.into_iter().enumerate().filter(|(column, _)| biased || *column != 2).map(|(_, cell)| cell));
    }
    align_right(&mut table, head.len() - 2);
    table
}

/// What steps half as long change, and the limit of short steps.
fn refinements_table(estimates: &[Estimate], style: Style) -> Table {
    let refined: Vec<(&Estimate, Refinement)> = estimates.iter().filter_map(|e| Some((e, e.refinement?))).collect();
    let differences = aligned(refined.iter().map(|(_, r)| (r.difference, r.difference_standard_error)));
    let limits = aligned(refined.iter().map(|(_, r)| (r.extrapolated, r.extrapolated_standard_error)));
    let exact = at_the_point(refined.iter().map(|(e, r)| e.exact.map(|exact| reference(exact, r.extrapolated_standard_error)).unwrap_or_default()).collect());
    let mut table = empty_table(style, &["estimate", "dt - dt/2", "dt → 0", "exact", "z", "order"]);
    for (((difference, limit), exact), (estimate, refinement)) in differences.into_iter().zip(limits).zip(exact).zip(refined) {
        let z = estimate.z.map(deviation).unwrap_or_default();
        table.add_row([estimate.name.as_str(), &difference, &limit, &exact, &z, &refinement.order.to_string()]);
    }
    align_right(&mut table, 4);
    table
}

fn theorems_table(theorems: &[Verdict], style: Style) -> Table {
    let values = aligned(theorems.iter().map(|t| (t.value, t.standard_error)));
    let mut table = empty_table(style, &["theorem", "value", "expected", "z", "verdict"]);
    let expected = at_the_point(theorems.iter().map(|t| reference(t.expected, t.standard_error)).collect());
    for ((theorem, value), expected) in theorems.iter().zip(values).zip(expected) {
        let mut verdict = Cell::new(theorem.verdict.word());
        if style.colour {
            verdict = match theorem.verdict {
                Judgement::Holds => verdict.fg(Color::Green),
                Judgement::Violated => verdict.fg(Color::Red).add_attribute(Attribute::Bold),
                Judgement::Undersampled => verdict.fg(Color::Yellow),
            };
        }
        table.add_row([Cell::new(&theorem.name), Cell::new(value), Cell::new(expected), Cell::new(deviation(theorem.z)), verdict]);
    }
    align_right(&mut table, 3);
    table
}

pub(super) fn empty_table(style: Style, head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(RULED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(style.width.min(usize::from(u16::MAX)) as u16).set_header(head);
    if style.colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

/// The column of z is of numbers with one decimal.
fn align_right(table: &mut Table, of_z: usize) {
    if let Some(column) = table.column_mut(of_z) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

pub(super) fn drawn(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// `value ± error`, with the decimal points in one column and every `±` in another.
fn aligned(numbers: impl Iterator<Item = (f64, f64)>) -> Vec<String> {
    let (values, errors): (Vec<String>, Vec<String>) = numbers.map(|(value, error)| measured(value, error)).unzip();
    at_the_point(values).into_iter().zip(errors).map(with_error).collect()
}

/// Pads numbers so that their decimal points, or their ends where they have none, stand in one column.
fn at_the_point(numbers: Vec<String>) -> Vec<String> {
    let parts: Vec<(&str, &str)> = numbers.iter().map(|number| number.split_at(number.find('.').unwrap_or(number.len()))).collect();
    let before = parts.iter().map(|(whole, _)| whole.len()).max().unwrap_or(0);
    let after = parts.iter().map(|(_, fraction)| fraction.len()).max().unwrap_or(0);
    parts.iter().map(|(whole, fraction)| format!("{whole:>before$}{fraction:<after$}")).collect()
}

/// A distance in standard errors.
fn with_error((value, error): (String, String)) -> String {
    if error.is_empty() { value } else { format!("{value} ± {error}") }
}

/// A measured number and the one it is compared with.
pub(super) fn value_and_error(value: f64, standard_error: f64, expected: f64) -> (String, String) {
    (with_error(measured(value, standard_error)), reference(expected, standard_error))
}

pub(super) fn deviation(z: f64) -> String {
    match z {
        _ if !z.is_finite() => plain(z),
        _ if z.abs() < 1000.0 => format!("{z:+.1}"),
        _ => format!("{z:+.0e}"),
    }
}

/// Words in lines of at most `width`, as far as the words allow; ends with a line break.
fn wrapped(text: &str, width: usize, first_indent: &str, next_indent: &str) -> String {
    let mut lines = String::new();
    let mut line = first_indent.to_owned();
    let mut fresh = true;
    for word in text.split_whitespace() {
        if !fresh && line.chars().count() + 1 + word.chars().count() > width {
            lines.push_str(&line);
            lines.push('\n');
            line = next_indent.to_owned();
            fresh = true;
        }
        if !fresh {
            line.push(' ');
        }
        line.push_str(word);
        fresh = false;
    }
    lines + &line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        Run {
            title: "Bead dragged by an optical tweezer".into(),
            backend: "cpu".into(),
            device: "a processor".into(),
            driver: "avx512".into(),
            precision: "f64".into(),
            wall_seconds: 2.3,
            rate: 4.35e8,
            trajectories: 1_000_000,
            steps: 1000,
            work_unit: "steps".to_owned(),
            seed: 1,
            ..Run::default()
        }
    }

    fn estimates() -> Vec<Estimate> {
        let estimate = |name: &str, value: f64, standard_error: f64, exact: Option<f64>, unit: &str| Estimate {
            name: name.into(),
            value,
            standard_error,
            effective_samples: 1e6,
            exact,
            z: exact.map(|exact| (value - exact) / standard_error),
            unit: unit.into(),
            source: None,
            bias: None,
            refinement: None,
        };
        vec![
            estimate("work", 4.009_12, 0.002_83, Some(4.006_737_9), "k_B T"),
            estimate("work.variance", 8.0112, 0.0113, Some(8.013_475_9), "(k_B T)^2"),
            estimate("entropy_production_rate", 0.801_234, 0.000_566, None, "1"),
            estimate("heat_rate.x", -12.345, 1.7, None, "k_B T/s"),
        ]
    }

    fn theorems() -> Vec<Verdict> {
        let verdict = |name: &str, value: f64, standard_error: f64, verdict: Judgement, advice: &str| Verdict {
            name: name.into(),
            value,
            standard_error,
            expected: 1.0,
            z: (value - 1.0) / standard_error,
            effective_samples: 1e4,
            verdict,
            advice: advice.into(),
        };
        let advice = "the largest single weight is 3.1 % of the sum; about 3e9 trajectories, or a duration of 2.5, would decide";
        vec![
            verdict("jarzynski", 0.93, 0.04, Judgement::Undersampled, advice),
            verdict("integral_total", 1.0003, 0.0011, Judgement::Holds, ""),
            verdict("first_law", 1.2, 0.01, Judgement::Violated, "work - heat - energy change, path by path; this is a bug: please report it"),
        ]
    }

    #[test]
    fn the_table_reads_well() {
        let expected = "\
Bead dragged by an optical tweezer
cpu on a processor (avx512), f64
1,000,000 trajectories of 1,000 steps in 2.3 s, 435 M steps/s; seed 1

─────────────────────────────────────────────────────────────────────────────
 estimate                  value                 exact         z   unit
─────────────────────────────────────────────────────────────────────────────
 work                        4.0091  ± 0.0028    4.006738   +0.8   k_B T
 work.variance               8.011   ± 0.011     8.01348    -0.2   (k_B T)^2
 entropy_production_rate     0.80123 ± 0.00057
 heat_rate.x               -12.3     ± 1.7                         k_B T/s
─────────────────────────────────────────────────────────────────────────────

────────────────────────────────────────────────────────────────────
 theorem          value             expected       z   verdict
────────────────────────────────────────────────────────────────────
 jarzynski        0.930  ± 0.040    1           -1.7   undersampled
 integral_total   1.0003 ± 0.0011   1           +0.3   holds
 first_law        1.200  ± 0.010    1          +20.0   violated
────────────────────────────────────────────────────────────────────
 jarzynski: the largest single weight is 3.1 % of the sum; about 3e9 trajectories, or a duration of
   2.5, would decide
 first_law: work - heat - energy change, path by path; this is a bug: please report it
";
        let text = final_table(&run(), &estimates(), &theorems(), Style { width: 100, colour: false });
        assert_eq!(text, expected);
    }

    #[test]
    fn a_refined_run_has_a_table_of_its_own() {
        let mut estimates = estimates();
        estimates[0].refinement =
            Some(Refinement { order: 2, difference: -0.012, difference_standard_error: 0.004, extrapolated: 4.025, extrapolated_standard_error: 0.0052 });
        let text = final_table(&run(), &estimates, &[], Style { width: 100, colour: false });
        let rows: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().collect()).filter(|words: &Vec<&str>| words.first() == Some(&"work")).collect();
        let [first, second] = [0, 1].map(|row: usize| rows.get(row).unwrap_or_else(|| panic!("no row {row} of work: {text}")).join(" "));
        assert!(first.contains("4.0091 ± 0.0028") && !first.contains("+0.8"), "{first}");
        assert!(second.contains("-0.0120 ± 0.0040") && second.contains("4.0250 ± 0.0052") && second.contains("+0.8"), "{second}");
        assert!(second.ends_with(" 2"), "{second}");
    }

    #[test]
    fn colours_only_where_they_are_shown() {
        let text = |colour| final_table(&run(), &estimates(), &theorems(), Style { width: 100, colour });
        assert!(!text(false).contains('\u{1b}'));
        let coloured = text(true);
        assert_eq!(coloured.lines().filter(|line| line.contains('\u{1b}')).count(), 3, "one verdict a line: {coloured}");
    }

    #[test]
    fn trajectories_left_out_are_told() {
        let text = final_table(&Run { nonfinite: 1200, ..run() }, &[], &[], Style { width: 200, colour: false });
        assert!(text.contains("1,200 trajectories became infinite or NaN and are left out"), "{text}");
        assert!(!final_table(&run(), &[], &[], Style { width: 200, colour: false }).contains("left out"));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [60, 80, 100, 140] {
            let text = final_table(&run(), &estimates(), &theorems(), Style { width, colour: false });
            for line in text.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
}
