//! Figures of a run.

use super::axes::with_unit;
use super::curves::{Curve, Frame, Style, curves};
use super::theorems::theorems;
use super::{FigureError, Section, figure, plane};
use crate::output::{Bars, Counted, DensityCourse, Line, Profiles, Summary};
use crate::results::Estimate;

/// Most figures of one kind; more are counted, not drawn.
const MOST_FIGURES: usize = 12;
/// Most bars of a figure that can be read.
const MOST_BARS: usize = 60;
/// Densities and currents of a kind from which they share one figure, means in time that do, and most functions that can.
const FEWEST_TOGETHER: usize = 4;
const FEWEST_MEANS: usize = 2;
const MOST_TOGETHER: usize = 16;
/// Distributions that are drawn first.
const FIRST: [&str; 6] = ["entropy_total", "entropy_medium", "work", "heat", "hatano_sasa", "entropy_housekeeping"];
/// Estimates that make a figure of their own, one bar for each coordinate, bath or cell, where there are several.
const ROWS: [(&str, &str); 4] = [
    ("energy_average", "energy of the cells, averaged over the run"),
    ("time_average", "copy numbers, averaged over the run"),
    ("kinetic_temperature", "m v² at the end, for each coordinate"),
    ("heat_rate", "heat given to each bath per time"),
];
/// Values below this are rounding.
const ROUNDING: f64 = 1e-9;
/// Parts of the run after which a density is drawn: what relaxes does so at first.
const MOMENTS: [f64; 7] = [0.0, 0.0625, 0.125, 0.25, 0.5, 0.75, 1.0];
/// Standard errors by which a density must change to be drawn more than once, and the part of its weight that must be elsewhere.
const CHANGE: f64 = 6.0;
const ELSEWHERE: f64 = 0.04;
/// Part of an axis on which what a function does is hardly seen.
const SMALL: f64 = 0.15;
/// A first density that is so many times as high as those after it is cut off.
const TALL: f64 = 3.0;
/// A density with more than this in one bin is a point, beside which others could not be seen.
const POINT: f64 = 0.5;
/// A change of entropy, in nats, that is none to look at.
const STILL: f64 = 0.05;
/// A range of values that is smaller than this part of them is one value.
const ONE_VALUE: f64 = 1e-3;
/// Counts with fewer values than this say no more than their mean.
const FEW_VALUES: usize = 6;

/// Everything that can be drawn, under its headings.
pub(super) fn sections(summary: &Summary, profiles: &Profiles, bound: f64) -> Result<Vec<Section>, FigureError> {
    let scores: Vec<(String, f64)> = summary.estimates.iter().filter_map(|e| Some((e.name.clone(), e.z?))).collect();
    let scores = if scores.is_empty() { Vec::new() } else { vec![figure::scores(&scores, bound)?] };
    Ok(vec![
        Section { title: "Exact values", figures: scores, more: 0 },
        theorems(summary, profiles)?,
        fields(profiles)?,
        flows(summary, profiles)?,
        means(summary, profiles)?,
        distributions(summary, profiles)?,
    ])
}

fn find<'a>(summary: &'a Summary, name: &str) -> Option<&'a Estimate> {
    summary.estimates.iter().find(|estimate| estimate.name == name)
}

fn exact(summary: &Summary, name: &str) -> Option<f64> {
    find(summary, name)?.exact
}

fn fields(profiles: &Profiles) -> Result<Section, FigureError> {
    let mut figures = profiles.planes.iter().map(plane::map).collect::<Result<Vec<_>, _>>()?;
    // The states of a network are names, not places; a count of few values is told by its mean.
    let is_place = |line: &&Line| line.x.len() > 1 && line.name != "state" && !(line.unit == "1" && line.x.len() < FEW_VALUES);
    let densities: Vec<Line> = profiles.densities.iter().filter(is_place).cloned().collect();
    let currents: Vec<Line> = profiles.currents.iter().filter(is_place).cloned().collect();
    let mut all = figures.len();
    if densities.len() < FEWEST_TOGETHER {
        for density in &densities {
            let course = profiles.courses.iter().find(|course| course.name == density.name && moments(course).len() > 1);
            figures.push(course.map_or_else(|| averaged(density), in_time)?);
            all += 1;
        }
    } else {
        (figures, all) = add(figures, all, families(&densities, ("densities, averaged over the run", FEWEST_TOGETHER), (&averaged, &|_| None))?);
    }
    (figures, all) = add(figures, all, families(&currents, ("currents, averaged over the run", FEWEST_TOGETHER), (&averaged, &|_| None))?);
    let more = all - figures.len();
    Ok(Section { title: "Densities and currents", figures, more })
}

fn add(mut figures: Vec<String>, all: usize, (drawn, of): (Vec<String>, usize)) -> (Vec<String>, usize) {
    figures.extend(drawn);
    (figures, all + of)
}

/// A density or a current that is an average over the saves.
fn averaged(line: &Line) -> Result<String, FigureError> {
    // Of counts a density is a probability.
    let title = if line.unit == "1" { line.title.replace("density", "probability") } else { line.title.clone() };
    figure::line(&Line { title: title.clone(), ..line.clone() }, &format!("{title}, averaged over the run"), None)
}

/// Whether a density differs between two saves, by more than its errors and enough to be seen.
fn differs(course: &DensityCourse, one: usize, other: usize) -> bool {
    let width = course.x.get(1).zip(course.x.first()).map_or(1.0, |(second, first)| second - first);
    let pairs = || course.rows[one].iter().zip(&course.rows[other]).map(|(a, b)| (a - b).abs()).enumerate();
    let error = |bin: usize| course.errors[one][bin].hypot(course.errors[other][bin]);
    pairs().any(|(bin, change)| change > CHANGE * error(bin) && change > ROUNDING) && 0.5 * width * pairs().map(|(_, change)| change).sum::<f64>() > ELSEWHERE
}

/// Saves at which a density is drawn: the end, and those before it that look different from the end and from one another.
fn moments(course: &DensityCourse) -> Vec<usize> {
    let last = course.rows.len().saturating_sub(1);
    let width = course.x.get(1).zip(course.x.first()).map_or(1.0, |(second, first)| second - first);
    let is_point = |moment: usize| course.rows[moment].iter().any(|p| p * width > POINT);
    let mut moments = vec![last];
    for moment in MOMENTS.iter().map(|part| (part * last as f64).round() as usize) {
        if !is_point(moment) && moments.iter().all(|other| differs(course, moment, *other)) {
            moments.push(moment);
        }
    }
    moments.sort_unstable();
    moments
}

/// A density at some moments.
fn in_time(course: &DensityCourse) -> Result<String, FigureError> {
    let moments = moments(course);
    let peak = |moment: &usize| course.rows[*moment].iter().copied().fold(0.0, f64::max);
    let after = moments.iter().skip(1).map(peak).fold(0.0, f64::max);
    let top = moments.first().map(peak).filter(|first| *first > TALL * after && after > 0.0);
    let most = top.map_or(f64::INFINITY, |_| 1.5 * after);
    let cut = |row: &Vec<f64>| row.iter().map(|p| p.min(most)).collect::<Vec<f64>>();
    let mut all = Vec::new();
    for &moment in &moments {
        let name = format!("t = {}", super::axes::tick(course.times[moment]));
        // Where a line is cut off its band would mislead.
        let error = course.errors[moment].iter().zip(&course.rows[moment]).map(|(error, p)| if *p < most { *error } else { 0.0 });
        all.push(Curve::new(name, Style::Line, course.x.clone(), cut(&course.rows[moment])).with_error(error.collect()));
        all.extend(course.exact.iter().map(|exact| Curve::new("", Style::Exact, course.x.clone(), cut(&exact[moment]))));
    }
    let words = if course.unit == "1" { "probability" } else { "density" };
    let y_label = with_unit(&format!("{words} of {}", course.name), &course.unit);
    let reaches = top.map_or_else(String::new, |top| format!("; cut off: at first it reaches {}", super::axes::tick(top)));
    curves(&Frame { y_label, title: format!("{words} of {}{reaches}", course.name), x_label: course.x_label.clone(), ..Frame::default() }, &all)
}

/// What draws a function alone, and its exact last value.
type Drawing<'a> = (&'a dyn Fn(&Line) -> Result<String, FigureError>, &'a dyn Fn(&Line) -> Option<f64>);

/// Figures of functions, and how many there could be: those of a kind, which begin alike, in one figure where there are as many as `fewest`.
fn families(lines: &[Line], (words, fewest): (&str, usize), (alone, end): Drawing<'_>) -> Result<(Vec<String>, usize), FigureError> {
    let place = |line: &Line| line.x_label.rfind('(').map(|start| line.x_label[start..].to_owned());
    let kind = |line: &Line| (line.name.split_once('.').map_or("", |(kind, _)| kind).to_owned(), line.unit.clone(), place(line));
    let mut figures = Vec::new();
    let mut done: Vec<String> = Vec::new();
    for line in lines {
        if done.contains(&line.name) {
            continue;
        }
        let alike: Vec<&Line> = lines.iter().filter(|other| kind(other) == kind(line)).collect();
        // Means that have nothing but a unit in common are no kind.
        let is_kind = !words.is_empty() || line.name.contains('.');
        let can_share = (fewest..=MOST_TOGETHER).contains(&alike.len()) && (alike.len() >= FEWEST_TOGETHER || !would_be_flat(&alike));
        if is_kind && can_share {
            figures.push(together(&alike, words, end)?);
            done.extend(alike.iter().map(|line| line.name.clone()));
        } else {
            figures.push(alone(line)?);
            done.push(line.name.clone());
        }
    }
    let all = figures.len();
    figures.truncate(MOST_FIGURES);
    Ok((figures, all))
}

/// Whether functions far apart would all lose in one figure what they do each.
fn would_be_flat(lines: &[&Line]) -> bool {
    let span = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) = values.filter(|y| y.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
        high - low
    };
    let all = span(&mut lines.iter().flat_map(|line| line.y.iter().copied()));
    lines.iter().all(|line| {
        let own = span(&mut line.y.iter().copied());
        let error = line.error.iter().flatten().copied().filter(|error| error.is_finite()).fold(0.0, f64::max);
        own > CHANGE * error && own < SMALL * all
    })
}

/// Functions of a kind in one figure.
fn together(lines: &[&Line], words: &str, end: &dyn Fn(&Line) -> Option<f64>) -> Result<String, FigureError> {
    let Some(first) = lines.first() else { return curves(&Frame::default(), &[]) };
    let mut all = Vec::new();
    for line in lines {
        let name = line.name.split_once('.').map_or(line.name.as_str(), |(_, rest)| rest);
        all.push(Curve::new(name, Style::Line, line.x.clone(), line.y.clone()).with_error(line.error.clone().unwrap_or_default()));
        all.extend(line.exact.iter().map(|exact| Curve::new("", Style::Exact, line.x.clone(), exact.clone())));
    }
    let kind = first.name.split_once('.').map(|(kind, _)| match kind {
        "position" if first.unit == "length/time" => "velocity",
        "mean" => "mean copy number",
        "entropy_rate" => "entropy per time",
        kind => kind,
    });
    let title = kind.map_or_else(|| words.to_owned(), |kind| if words.is_empty() { kind.to_owned() } else { format!("{kind}: {words}") });
    // The places of different coordinates have a kind or a unit in common, not a name.
    let x_label = if first.x_label.starts_with(first.name.as_str()) {
        first.x_label.replacen(first.name.as_str(), kind.unwrap_or("coordinate"), 1)
    } else {
        first.x_label.clone()
    };
    let exact = lines.iter().filter_map(|line| line.x.last().copied().zip(end(line))).collect();
    curves(&Frame { y_label: with_unit(&title, &first.unit), title, x_label, exact, ..Frame::default() }, &all)
}

/// What flows, as bars; and the states of a network in time.
fn flows(summary: &Summary, profiles: &Profiles) -> Result<Section, FigureError> {
    let rows: Vec<Bars> = ROWS.iter().filter_map(|(quantity, words)| row(&summary.estimates, quantity, words)).collect();
    // One bar is a number of the table; where all goes one way, the traffic is the flux.
    let flux = profiles.bars.iter().find(|bars| bars.quantity == "flux");
    let says_more = |bars: &&Bars| bars.names.len() > 1 && !(bars.quantity == "traffic" && flux.is_some_and(|flux| flux.values == bars.values));
    let told: Vec<&Bars> = profiles.bars.iter().chain(&rows).filter(says_more).collect();
    let bars: Vec<&Bars> = told.iter().copied().filter(|bars| bars.names.len() <= MOST_BARS).collect();
    let of_bars = |bars: &&Bars| {
        let known: Vec<Option<f64>> = bars.names.iter().map(|name| exact(summary, &format!("{}.{name}", bars.quantity))).collect();
        figure::bars(bars, &known)
    };
    let mut figures = bars.iter().map(of_bars).collect::<Result<Vec<_>, _>>()?;
    let more = told.len() - figures.len();
    let network =
        profiles.courses.iter().filter(|course| course.name == "state" && (2..=MOST_TOGETHER).contains(&course.states.len()) && moments(course).len() > 1);
    figures.extend(network.map(states).collect::<Result<Vec<_>, _>>()?);
    Ok(Section { title: "Flows and occupancies", figures, more })
}

/// Probabilities of the states of a network in time.
fn states(course: &DensityCourse) -> Result<String, FigureError> {
    let column = |rows: &[Vec<f64>], state: usize| rows.iter().map(|row| row[state]).collect::<Vec<f64>>();
    let mut all = Vec::new();
    for (state, name) in course.states.iter().enumerate() {
        all.push(Curve::new(name, Style::Line, course.times.clone(), column(&course.rows, state)).with_error(column(&course.errors, state)));
        all.extend(course.exact.iter().map(|exact| Curve::new("", Style::Exact, course.times.clone(), column(exact, state))));
    }
    let title = "probabilities of the states".to_owned();
    curves(&Frame { y_label: title.clone(), title, x_label: "time".to_owned(), ..Frame::default() }, &all)
}

/// Estimates `quantity.…`, of which there are several.
fn row(estimates: &[Estimate], quantity: &str, words: &str) -> Option<Bars> {
    let mut bars = Bars { quantity: quantity.to_owned(), long_name: words.to_owned(), ..Bars::default() };
    for estimate in estimates {
        let Some(ending) = estimate.name.strip_prefix(quantity).and_then(|rest| rest.strip_prefix('.')).filter(|ending| !ending.contains(['.', '['])) else {
            continue;
        };
        bars.names.push(ending.to_owned());
        bars.values.push(estimate.value);
        bars.error.push(estimate.standard_error);
        bars.unit.clone_from(&estimate.unit);
    }
    (bars.names.len() > 1).then_some(bars)
}

fn means(summary: &Summary, profiles: &Profiles) -> Result<Section, FigureError> {
    let heard =
        |line: &&Line| line.x.len() > 1 && says_something(&line.y) && !is_other_ledger(&line.name, &|name| profiles.series.iter().any(|l| l.name == name));
    let series: Vec<Line> = profiles.series.iter().filter(heard).cloned().collect();
    let end = |line: &Line| exact(summary, &line.name).filter(|_| line.exact.is_none());
    let alone = |line: &Line| figure::line(line, &line.title, end(line));
    let (mut figures, all) = families(&series, ("", FEWEST_MEANS), (&alone, &end))?;
    let more = all - figures.len();
    // The entropy of the only coordinate is that of the system.
    if let [course] = profiles.courses.as_slice()
        && profiles.currents.len() == 1
        && let Some(entropy) = entropy(course)?
    {
        figures.push(entropy);
    }
    Ok(Section { title: "Means in time", figures, more })
}

/// `−∫ p ln p dx` of a density in time, from its bins, where it changes.
fn entropy(course: &DensityCourse) -> Result<Option<String>, FigureError> {
    let width = course.x.get(1).zip(course.x.first()).map_or(1.0, |(second, first)| second - first);
    let of = |row: &Vec<f64>| -> f64 { row.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln() * width).sum() };
    let column = |rows: &[Vec<f64>]| rows.iter().map(of).collect::<Vec<f64>>();
    let values = column(&course.rows);
    let ends = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    if !(ends.1 - ends.0 > STILL) {
        return Ok(None);
    }
    let measured = Curve::new("", Style::Line, course.times.clone(), values);
    let exact = course.exact.as_ref().map(|exact| Curve::new("", Style::Exact, course.times.clone(), column(exact)));
    let title = format!("entropy −∫ p ln p of the density of {}", course.name);
    let frame = Frame { title, x_label: "time".to_owned(), y_label: "entropy (nat)".to_owned(), ..Frame::default() };
    curves(&frame, &std::iter::once(measured).chain(exact).collect::<Vec<_>>()).map(Some)
}

fn distributions(summary: &Summary, profiles: &Profiles) -> Result<Section, FigureError> {
    let among = |name: &str| profiles.distributions.iter().any(|counted| counted.line.name == name);
    let value = |name: &str| find(summary, name).map(|e| e.value);
    // What fluctuates less than both ledgers of entropy differ is the work of the time step.
    let step = value("time_step_error.variance").unwrap_or(0.0);
    let is_step = |name: &str| name.starts_with("entropy") && value(&format!("{name}.variance")).is_some_and(|variance| variance <= step);
    let shown = |counted: &&Counted| {
        let name = &counted.line.name;
        is_of_interest(&counted.line) && !is_other_ledger(name, &among) && !is_step(name)
    };
    let mut shown: Vec<&Counted> = profiles.distributions.iter().filter(shown).collect();
    shown.sort_by_key(|counted| FIRST.iter().position(|name| counted.line.name == *name).unwrap_or(FIRST.len()));
    let normal = |name: &str| {
        let variance = exact(summary, &format!("{name}.variance")).filter(|variance| *variance > ROUNDING);
        exact(summary, name).zip(variance).map(|(mean, variance)| (mean, variance.sqrt()))
    };
    let figures = shown.iter().take(MOST_FIGURES).map(|counted| figure::histogram(counted, normal(&counted.line.name))).collect::<Result<Vec<_>, _>>()?;
    let more = shown.len() - figures.len();
    Ok(Section { title: "Distributions over trajectories", figures, more })
}

/// Whether a quantity is the same on the path ledger as one that is there, or the difference of both.
fn is_other_ledger(name: &str, is_there: &dyn Fn(&str) -> bool) -> bool {
    // Heats of several baths are there with the energy change, and medium entropy of one bath is its heat.
    let physical = |name: &str| is_there(name) || (name == "heat" && is_there("energy_change")) || (name == "entropy_medium" && is_there("heat"));
    ["time_step_error", "shadow_work"].contains(&name) || name.strip_suffix("_path").is_some_and(physical)
}

/// Anything but rounding.
fn says_something(values: &[f64]) -> bool {
    values.iter().any(|value| value.abs() > ROUNDING)
}

fn is_of_interest(line: &Line) -> bool {
    let hidden = ["symmetry.", "cosine.", "sine.", "covariance."].iter().any(|start| line.name.starts_with(start)) || line.name.ends_with("_residual");
    let (Some(first), Some(last)) = (line.x.first(), line.x.last()) else { return false };
    !hidden && line.x.len() > 1 && last - first > ONE_VALUE * first.abs().max(last.abs()) && says_something(&line.x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_density_that_changes_is_drawn_at_several_moments() {
        let course = |end: f64| DensityCourse {
            name: "x".into(),
            times: (0..33).map(f64::from).collect(),
            x: vec![0.125, 0.375],
            rows: (0..33).map(|k| vec![1.0 + (end - 1.0) * f64::from(k) / 32.0, 1.0]).collect(),
            errors: vec![vec![0.01; 2]; 33],
            ..DensityCourse::default()
        };
        assert_eq!(moments(&course(1.03)), [32]);
        assert_eq!(moments(&course(1.9)), [0, 16, 32], "the first parts of the change are too small to be seen");
        let svg = in_time(&course(1.9)).expect("drawn");
        assert!(["t = 0", "t = 16", "t = 32"].iter().all(|name| svg.contains(name)), "{svg}");
        let comes_back = DensityCourse { rows: (0..33).map(|k| vec![if k == 8 { 1.9 } else { 1.0 }, 1.0]).collect(), ..course(1.0) };
        assert_eq!(moments(&comes_back), [8, 32]);
    }

    #[test]
    fn a_first_density_that_towers_over_the_others_is_cut_off() {
        let course = DensityCourse {
            name: "x".into(),
            times: vec![0.0, 1.0],
            x: vec![0.005, 0.015],
            rows: vec![vec![40.0, 0.0], vec![2.0, 2.0]],
            errors: vec![vec![0.01; 2]; 2],
            ..DensityCourse::default()
        };
        let svg = in_time(&course).expect("drawn");
        assert!(svg.contains("cut off: at first it reaches 40") && !svg.contains(">30<"), "{svg}");
    }

    #[test]
    fn many_functions_of_a_kind_share_a_figure_and_few_do_not() {
        let line = |name: &str| Line { name: name.into(), x: vec![0.0, 1.0], y: vec![1.0, 2.0], ..Line::default() };
        let lines = ["heat.a", "heat.b", "heat.c", "heat.d", "work"].map(line);
        let alone = |line: &Line| figure::line(line, "", None);
        let drawn = |lines: &[Line], fewest| families(lines, ("", fewest), (&alone, &|_| None)).expect("drawn").1;
        assert_eq!(drawn(&lines, 4), 2);
        assert_eq!(drawn(&lines[1..], 4), 4);
        assert_eq!(drawn(&[line("work"), line("heat")], 2), 2, "nothing but a unit in common");
    }

    #[test]
    fn functions_far_apart_keep_their_own_axes_if_they_move() {
        let line = |level: f64, height: f64| Line { x: vec![0.0, 1.0], y: vec![level, level + height], error: Some(vec![0.1; 2]), ..Line::default() };
        let flat = |one: (f64, f64), other: (f64, f64)| would_be_flat(&[&line(one.0, one.1), &line(other.0, other.1)]);
        assert!(flat((0.0, 5.0), (100.0, -3.0)));
        assert!(!flat((0.0, 5.0), (10.0, -3.0)), "not far apart");
        assert!(!flat((0.0, 0.2), (100.0, -0.2)), "standing still");
        assert!(!flat((0.0, 60.0), (100.0, -3.0)), "one of them is seen");
    }

    #[test]
    fn an_exact_end_of_one_of_several_functions_is_a_circle() {
        let line = |name: &str| Line { name: name.into(), x: vec![0.0, 1.0], y: vec![1.0, 2.0], ..Line::default() };
        let lines = ["energy.1", "energy.2"].map(line);
        let svg = together(&lines.iter().collect::<Vec<_>>(), "", &|line| (line.name == "energy.2").then_some(2.1)).expect("drawn");
        assert_eq!(svg.matches("<circle").count(), 1);
    }

    #[test]
    fn the_path_ledger_is_not_drawn_beside_the_physical_one() {
        let among = |names: &'static [&'static str]| move |name: &str| names.contains(&name);
        assert!(is_other_ledger("entropy_total_path", &among(&["entropy_total"])) && is_other_ledger("time_step_error", &among(&[])));
        assert!(!is_other_ledger("entropy_medium_path", &among(&["position.x"])) && !is_other_ledger("entropy_total", &among(&[])));
        assert!(is_other_ledger("heat_path", &among(&["energy_change"])));
    }

    #[test]
    fn one_value_is_no_distribution() {
        let line = |x: Vec<f64>| Line { name: "work".into(), x, ..Line::default() };
        assert!(is_of_interest(&line(vec![1.0, 2.0])) && !is_of_interest(&line(vec![2.5025, 2.5027])) && !is_of_interest(&line(vec![1e-12, 2e-12])));
    }
}
