//! The page around the figures.

use std::fmt::Write;

use super::{FigureError, figure, plane};
use crate::output::{Bars, Line, Profiles, Summary};
use crate::results::{Estimate, Judgement, Verdict};

/// Most figures of one kind; more are counted, not drawn.
const MOST_FIGURES: usize = 12;
/// Most bars of a figure that can be read.
const MOST_BARS: usize = 60;

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;max-width:1180px;margin:2em auto;padding:0 1em;color:#222;background:#fff}\
h1{font-size:1.5em;margin-bottom:.2em}h2{font-size:1.15em;margin-top:2em;border-bottom:1px solid #ccc}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.15em .8em;text-align:left;border-bottom:1px solid #eee}\
td.n{text-align:right}.holds{color:#187818}.violated{color:#b01818;font-weight:bold}.undersampled{color:#a06000}\
.figures{display:flex;flex-wrap:wrap;gap:8px}.figures svg{max-width:100%;height:auto}pre{background:#f6f6f6;padding:1em;overflow:auto}small{color:#666}";

/// One HTML file of a run; `bound` is the |z| above which an exact value counts as violated.
///
/// # Errors
/// When a figure cannot be drawn.
pub fn page(summary: &Summary, profiles: &Profiles, bound: f64) -> Result<String, FigureError> {
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
    write(format_args!("{}{}", theorems(&summary.theorems), figures(summary, profiles, bound)?));
    write(format_args!("{}<h2>Experiment</h2><pre>{}</pre></body></html>\n", estimates(&summary.estimates, bound), escaped(&summary.experiment)));
    Ok(html)
}

/// What the colours mean.
const LEGEND: &str = "<p><small>Blue: measured, with two standard errors to either side. Red: exact, where it is known; a circle is the exact value at the end. \
Grey beside a histogram: the normal law of the exact mean and variance.</small></p>\n";
/// Distributions that are drawn first.
const FIRST: [&str; 6] = ["entropy_total", "entropy_medium", "work", "heat", "hatano_sasa", "entropy_housekeeping"];
/// Estimates that make a figure of their own, one bar for each coordinate, bath or cell, where there are several.
const ROWS: [(&str, &str); 3] = [
    ("energy_average", "energy of the cells, averaged over the run"),
    ("kinetic_temperature", "m v² at the end, for each coordinate"),
    ("heat_rate", "heat given to each bath per time"),
];
/// Values below this are rounding.
const ROUNDING: f64 = 1e-9;

fn figures(summary: &Summary, profiles: &Profiles, bound: f64) -> Result<String, FigureError> {
    let mut html = String::new();
    let scores: Vec<(String, f64)> = summary.estimates.iter().filter_map(|e| Some((e.name.clone(), e.z?))).collect();
    let first = if scores.is_empty() { Vec::new() } else { vec![figure::scores(&scores, bound)?] };
    let exact = |name: &str| summary.estimates.iter().find(|e| e.name == name).and_then(|e| e.exact);
    let mut section = |title: &str, drawn: Vec<String>, all: usize| {
        if drawn.is_empty() {
            return;
        }
        html.push_str(&format!("<h2>{title}</h2><div class=\"figures\">{}</div>\n", drawn.concat()));
        if all > drawn.len() {
            html.push_str(&format!("<p><small>{} more are in the file.</small></p>\n", all - drawn.len()));
        }
    };
    let several =
        |lines: &[Line], draw: &dyn Fn(&Line) -> Result<String, FigureError>| lines.iter().take(MOST_FIGURES).map(draw).collect::<Result<Vec<_>, _>>();
    section("Exact values", first, 0);
    // The states of a network are names, not places: their occupancies are bars.
    let is_place = |line: &&Line| line.x.len() > 1 && (line.name != "state" || profiles.bars.is_empty());
    let fields: Vec<_> = profiles.densities.iter().chain(&profiles.currents).filter(is_place).cloned().collect();
    let maps = profiles.planes.iter().map(plane::map).collect::<Result<Vec<_>, _>>()?;
    let all = fields.len() + maps.len();
    section("Densities and currents", [maps, several(&fields, &|line| figure::line(line, None))?].concat(), all);
    let rows: Vec<Bars> = ROWS.iter().filter_map(|(quantity, words)| row(&summary.estimates, quantity, words)).collect();
    let bars: Vec<&Bars> = profiles.bars.iter().chain(&rows).filter(|bars| !bars.names.is_empty() && bars.names.len() <= MOST_BARS).collect();
    let of_bars = |bars: &&Bars| {
        let known: Vec<Option<f64>> = bars.names.iter().map(|name| exact(&format!("{}.{name}", bars.quantity))).collect();
        figure::bars(bars, &known)
    };
    section("Flows and occupancies", bars.iter().map(of_bars).collect::<Result<Vec<_>, _>>()?, profiles.bars.len() + rows.len());
    let series: Vec<_> = profiles.series.iter().filter(|line| line.x.len() > 1 && says_something(&line.y)).cloned().collect();
    section("Means in time", several(&series, &|line| figure::line(line, exact(&line.name)))?, series.len());
    let mut shown: Vec<_> = profiles.distributions.iter().filter(|d| is_of_interest(d)).cloned().collect();
    shown.sort_by_key(|line| FIRST.iter().position(|name| line.name == *name).unwrap_or(FIRST.len()));
    let normal = |name: &str| {
        exact(name).zip(exact(&format!("{name}.variance")).filter(|variance| *variance > ROUNDING)).map(|(mean, variance)| (mean, variance.sqrt()))
    };
    section("Distributions over trajectories", several(&shown, &|line| figure::histogram(line, normal(&line.name)))?, shown.len());
    if !html.is_empty() {
        html.insert_str(0, LEGEND);
    }
    Ok(html)
}

/// Anything but rounding.
fn says_something(values: &[f64]) -> bool {
    values.iter().any(|value| value.abs() > ROUNDING)
}

fn is_of_interest(line: &Line) -> bool {
    let hidden = ["symmetry.", "cosine.", "sine."].iter().any(|start| line.name.starts_with(start)) || line.name.ends_with("_residual");
    !hidden && line.x.len() > 1 && says_something(&line.x)
}

/// Estimates `quantity.…`, of which there are several.
fn row(estimates: &[Estimate], quantity: &str, words: &str) -> Option<Bars> {
    let mut bars = Bars { quantity: quantity.to_owned(), long_name: words.to_owned(), ..Bars::default() };
    for estimate in estimates {
        let Some(ending) = estimate.name.strip_prefix(quantity).and_then(|rest| rest.strip_prefix('.')).filter(|ending| !ending.contains('.')) else {
            continue;
        };
        bars.names.push(ending.to_owned());
        bars.values.push(estimate.value);
        bars.error.push(estimate.standard_error);
        bars.unit.clone_from(&estimate.unit);
    }
    (bars.names.len() > 1).then_some(bars)
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
    use crate::output::PlaneMap;

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
            warnings: Vec::new(),
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
            distributions: vec![line],
            bars: vec![bars],
            planes: vec![plane],
        };
        let html = page(&summary(), &profiles, 4.0).expect("drawn");
        assert_eq!(html.matches("<svg").count(), 7, "{html}");
        assert!(html.contains("A &amp; B") && html.contains("It &lt;works&gt;.") && !html.contains("work<b>"));
        assert!(html.contains("class=\"n violated\">-10.0"));
    }

    #[test]
    fn empty_profiles_make_a_page_without_figures_but_scores() {
        let html = page(&summary(), &Profiles::default(), 4.0).expect("drawn");
        assert_eq!(html.matches("<svg").count(), 1);
    }
}
