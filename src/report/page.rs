//! The page around the figures.

use std::fmt::Write;

use super::{FigureError, Section, run, sweep};
use crate::output::{Profiles, Summary, Swept};
use crate::results::{Estimate, Judgement, Verdict};

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;max-width:1180px;margin:2em auto;padding:0 1em;color:#222;background:#fff}\
h1{font-size:1.5em;margin-bottom:.2em}h2{font-size:1.15em;margin-top:2em;border-bottom:1px solid #ccc}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.15em .8em;text-align:left;border-bottom:1px solid #eee}\
td.n{text-align:right;white-space:nowrap}.holds{color:#187818}.violated{color:#b01818;font-weight:bold}.undersampled{color:#a06000}\
.figures{display:flex;flex-wrap:wrap;gap:8px}.figures svg{max-width:100%;height:auto}pre{background:#f6f6f6;padding:1em;overflow:auto}small{color:#666}";

/// One HTML file of a run, or of what a sweep found; `bound` is the |z| above which an exact value counts as violated.
///
/// # Errors
/// When a figure cannot be drawn.
pub fn page(summary: &Summary, profiles: &Profiles, swept: Option<&Swept>, bound: f64) -> Result<String, FigureError> {
    let sections = run::sections(summary, profiles, bound)?;
    let sections: Vec<Section> = swept.map_or(Ok(Vec::new()), sweep::sections)?.into_iter().chain(sections).collect();
    let run = &summary.run;
    let mut html = String::new();
    let mut write = |text: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _ = html.write_fmt(text);
    };
    write(format_args!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>{STYLE}</style></head><body><h1>{0}</h1>\n",
        escaped(&run.title)
    ));
    if let Some(sentence) = value_of(&summary.experiment, "sentence") {
        write(format_args!("<p>{}</p>\n", escaped(&sentence)));
    }
    write(format_args!(
        "<p><small>{} trajectories of {} {} on {} ({}, {}); seed {}; {:.1} s; {}</small></p>\n",
        run.trajectories,
        run.steps,
        escaped(&run.work_unit),
        escaped(&run.device),
        escaped(&run.backend),
        escaped(&run.precision),
        run.seed,
        run.wall_seconds,
        escaped(&run.program)
    ));
    if !run.source.is_empty() {
        write(format_args!("<p><small>Source: {}</small></p>\n", escaped(&run.source)));
    }
    let (theorems, figures) = (theorems(&summary.theorems), figures(&sections));
    // A sweep has the theorems of every point, too many to stand before what it shows.
    let (first, second) = if swept.is_some() { (figures, theorems) } else { (theorems, figures) };
    write(format_args!("{}{first}{second}", warnings(&summary.warnings)));
    write(format_args!("{}<h2>Experiment</h2><pre>{}</pre></body></html>\n", estimates(&summary.estimates, bound), escaped(&summary.experiment)));
    Ok(html)
}

/// What the colours mean.
const LEGEND: &str = "<p><small>Blue, and other colours with names beside them: measured, with two standard errors to either side. Red, dashed over what is measured: exact, or what a theorem asks for; \
a circle is an exact value. Where values lie apart or are counts, histograms are probabilities. Grey beside a histogram: the normal law of the exact mean and variance.</small></p>\n";

fn figures(sections: &[Section]) -> String {
    let mut html = String::new();
    for Section { title, figures, more } in sections.iter().filter(|section| !section.figures.is_empty()) {
        html.push_str(&format!("<h2>{title}</h2><div class=\"figures\">{}</div>\n", figures.concat()));
        if *more > 0 {
            html.push_str(&format!("<p><small>{more} more are in the file.</small></p>\n"));
        }
    }
    if html.is_empty() { html } else { format!("{LEGEND}{html}") }
}

fn warnings(warnings: &[String]) -> String {
    if warnings.is_empty() {
        return String::new();
    }
    let items = warnings.iter().map(|warning| format!("<li><small>{}</small></li>", escaped(warning)));
    format!("<h2>Warnings</h2><ul>{}</ul>\n", items.collect::<String>())
}

fn theorems(theorems: &[Verdict]) -> String {
    if theorems.is_empty() {
        return String::new();
    }
    let rows = theorems.iter().map(|t| {
        let word = t.verdict.word();
        let cells = [number(t.value), number(t.standard_error), number(t.expected), number(t.z)].map(|cell| format!("<td class=\"n\">{cell}</td>")).concat();
        format!("<tr><td>{}</td>{cells}<td class=\"{word}\">{word}</td><td><small>{}</small></td></tr>\n", escaped(&t.name), escaped(&t.advice))
    });
    let head = "<tr><th>theorem</th><th>value</th><th>error</th><th>expected</th><th>z</th><th>verdict</th><th></th></tr>";
    format!("<h2>Theorems</h2><table>{head}{}</table>\n", rows.collect::<String>())
}

fn estimates(estimates: &[Estimate], bound: f64) -> String {
    let rows = estimates.iter().map(|e| {
        let (exact, z) = (e.exact.map(number).unwrap_or_default(), e.z.map(|z| format!("{z:+.1}")).unwrap_or_default());
        let judgement = if e.z.is_some_and(|z| !(z.abs() <= bound)) { Judgement::Violated.word() } else { "" };
        let numbers = [number(e.value), number(e.standard_error), exact].map(|cell| format!("<td class=\"n\">{cell}</td>")).concat();
        let mut source = escaped(e.source.as_deref().unwrap_or_default());
        if let Some(r) = e.refinement {
            let (limit, error) = (number(r.extrapolated), number(r.extrapolated_standard_error));
            source.push_str(&format!(" dt → 0: {limit} ± {error}, order {}", r.order));
        }
        format!(
            "<tr><td>{}</td>{numbers}<td class=\"n {judgement}\">{z}</td><td>{}</td><td><small>{source}</small></td></tr>\n",
            escaped(&e.name),
            escaped(&e.unit)
        )
    });
    let head = "<tr><th>estimate</th><th>value</th><th>error</th><th>exact</th><th>z</th><th>unit</th><th>exact value by</th></tr>";
    format!("<h2>Estimates</h2><table>{head}{}</table>\n", rows.collect::<String>())
}

fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if !(1e-4..1e7).contains(&size) => format!("{value:.3e}"),
        _ => format!("{value:.6}"),
    }
}

/// A text value at the top of an experiment.
fn value_of(experiment: &str, key: &str) -> Option<String> {
    let line = experiment.lines().take_while(|line| !line.starts_with('[')).find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='))?;
    let text = line.trim();
    let quote = text.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
    Some(text.strip_prefix(quote)?.strip_suffix(quote)?.to_owned())
}

/// Text that means itself in HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Bars, Counted, Line, PlaneMap};

    fn summary() -> Summary {
        let estimate = Estimate {
            name: "work<b>".into(),
            value: 1.0,
            standard_error: 0.1,
            effective_samples: 10.0,
            exact: Some(2.0),
            z: Some(-10.0),
            unit: "kT".into(),
            source: None,
            bias: None,
            refinement: None,
        };
        Summary {
            run: crate::output::Run { title: "A & B".into(), ..Default::default() },
            experiment: "sentence = \"It <works>.\"\n[model]\n".into(),
            wgsl: String::new(),
            estimates: vec![estimate],
            theorems: Vec::new(),
            warnings: vec!["Beware of <this>.".into()],
        }
    }

    #[test]
    fn a_page_shows_everything_and_nothing_breaks_out_of_it() {
        let line = Line {
            name: "x".into(),
            x: vec![0.0, 1.0, 2.0],
            y: vec![f64::NAN, 1.0, 4.0],
            error: Some(vec![0.1; 3]),
            exact: Some(vec![f64::NAN; 3]),
            ..Line::default()
        };
        let bars = Bars {
            quantity: "flux".into(),
            long_name: "flux".into(),
            names: vec!["a".into(), "b".into()],
            values: vec![1.0, -2.0],
            error: vec![0.1, 0.1],
            ..Bars::default()
        };
        let plane = PlaneMap { centres: [vec![0.0, 1.0], vec![0.0, 1.0]], density: vec![0.5; 4], current: [vec![1.0; 4], vec![1.0; 4]], ..PlaneMap::default() };
        let profiles = Profiles {
            series: vec![line.clone()],
            densities: vec![line.clone()],
            currents: vec![line.clone()],
            courses: Vec::new(),
            distributions: vec![Counted { counts: vec![0, 1, 4], line, reversed: None }],
            generating_function: None,
            bars: vec![bars],
            planes: vec![plane],
        };
        let html = page(&summary(), &profiles, None, 4.0).expect("drawn");
        assert_eq!(html.matches("<svg").count(), 7, "{html}");
        assert!(html.contains("<li><small>Beware of &lt;this&gt;.</small></li>"));
        assert!(html.contains("A &amp; B") && html.contains("It &lt;works&gt;.") && !html.contains("work<b>"));
        assert!(html.contains("class=\"n violated\">-10.0"));
    }

    #[test]
    fn empty_profiles_make_a_page_without_figures_but_scores() {
        let html = page(&summary(), &Profiles::default(), None, 4.0).expect("drawn");
        assert_eq!(html.matches("<svg").count(), 1);
    }
}
