//! Figures of a run.

use super::axes::with_unit;
use super::curves::{Curve, Frame, Style, curves};
use super::{FigureError, Section, figure, plane};
use crate::output::{Bars, Counted, DensityCourse, Line, Profiles, Summary};
use crate::results::Estimate;

/// Most figures of one kind; more are counted, not drawn.
const MOST_FIGURES: usize = 12;
/// Most bars of a figure that can be read.
const MOST_BARS: usize = 60;
/// More functions of a kind than this share one figure, up to so many.
const FEWEST_TOGETHER: usize = 4;
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
const MOMENTS: [f64; 6] = [0.0, 0.0625, 0.125, 0.25, 0.5, 1.0];
/// Standard errors by which a density must change to be drawn more than once.
const CHANGE: f64 = 6.0;
/// A density with more than this in one bin is a point, beside which others could not be seen.
const POINT: f64 = 0.5;
/// A change of entropy, in nats, that is none to look at.
const STILL: f64 = 0.05;
/// Fewest trajectories on either side of a ratio.
const FEWEST: u64 = 10;
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

/// What fluctuation theorems compare: both distributions, the logarithm of their ratio, the generating function.
fn theorems(summary: &Summary, profiles: &Profiles) -> Result<Section, FigureError> {
    let asked = |name: &str| summary.theorems.iter().any(|theorem| theorem.name == name);
    let mut figures = Vec::new();
    for counted in &profiles.distributions {
        let name = &counted.line.name;
        let reversed = counted.reversed.as_ref().filter(|_| name == "work" || name == "entropy_total");
        if let Some((reversed, scale)) = reversed {
            let (origin, of) = match name.as_str() {
                "work" => (find(summary, "delta_F").and_then(|e| e.exact.or(Some(e.value)).filter(|value| value.is_finite())), "W"),
                _ => (Some(0.0), "s"),
            };
            figures.push(both(counted, reversed, origin.filter(|_| of == "W"), of)?);
            let totals = (reversed.iter().sum::<u64>() as f64 / counted.counts.iter().sum::<u64>() as f64).ln();
            figures.extend(ratio(counted, reversed, totals, (origin, *scale), &format!("ln P_F({of})/P_R(−{of})"))?);
        } else if name == "entropy_total" && counted.reversed.is_none() && asked("detailed_total") {
            let mirrored = mirrored(counted);
            figures.extend(ratio(counted, &mirrored, 0.0, (Some(0.0), 1.0), "ln P(s)/P(−s)")?);
        }
    }
    if let Some(function) = &profiles.generating_function {
        figures.push(generating_function(function)?);
    }
    Ok(Section { title: "Fluctuation theorems", figures, more: 0 })
}

/// Forward and reversed distribution, which cross at the free energy difference.
fn both(counted: &Counted, reversed: &[u64], origin: Option<f64>, of: &str) -> Result<String, FigureError> {
    let line = &counted.line;
    let (all, all_reversed) = (counted.counts.iter().sum::<u64>() as f64, reversed.iter().sum::<u64>() as f64);
    // Densities of the forward run give the width of the bins.
    let width = counted.counts.iter().zip(&line.y).find(|(count, _)| **count > 0).map_or(1.0, |(count, density)| *count as f64 / (all * density));
    let density: Vec<f64> = reversed.iter().map(|count| *count as f64 / (all_reversed * width)).collect();
    let frame = Frame {
        title: format!("{}: forward, and minus that of the reversed run", line.name),
        x_label: figure::short(line),
        y_label: with_unit("density", &line.unit),
        logarithmic: true,
        marks: origin.map(|origin| (origin, "ΔF".to_owned())).into_iter().collect(),
        ..Frame::default()
    };
    curves(&frame, &[figure::seen(&format!("P_F({of})"), &line.x, &line.y), figure::seen(&format!("P_R(−{of})"), &line.x, &density)])
}

/// Logarithm of the ratio of two histograms over their value, beside the line that a theorem asks for; `totals` is that of the numbers of trajectories, the
/// other first.
fn ratio(counted: &Counted, other: &[u64], totals: f64, (origin, scale): (Option<f64>, f64), title: &str) -> Result<Option<String>, FigureError> {
    let mut measured = Curve::new("", Style::Points, Vec::new(), Vec::new());
    for ((x, one), other) in counted.line.x.iter().zip(&counted.counts).zip(other).filter(|((_, one), other)| **one >= FEWEST && **other >= FEWEST) {
        let (one, other) = (*one as f64, *other as f64);
        measured.x.push(*x);
        measured.y.push((one / other).ln() + totals);
        measured.error.push((1.0 / one + 1.0 / other).sqrt());
    }
    if measured.x.len() < 3 {
        return Ok(None);
    }
    let line = origin.filter(|_| scale.is_finite()).map(|origin| measured.x.iter().map(|x| (x - origin) / scale).collect());
    let exact = line.map(|y| Curve::new("", Style::Exact, measured.x.clone(), y));
    let frame = Frame { title: title.to_owned(), x_label: figure::short(&counted.line), y_label: title.to_owned(), ..Frame::default() };
    curves(&frame, &std::iter::once(measured).chain(exact).collect::<Vec<_>>()).map(Some)
}

/// Trajectories in the bin of minus the value.
fn mirrored(counted: &Counted) -> Vec<u64> {
    let x = &counted.line.x;
    let width = x.get(1).zip(x.first()).map_or(1.0, |(second, first)| second - first);
    let at = |value: f64| counted.line.x.first().map(|first| ((value - first) / width).round()).filter(|bin| *bin >= 0.0).map(|bin| bin as usize);
    // Jumps may leave many trajectories at exactly 0, where a sign says nothing.
    let tells = |x: &f64| x.abs() > width;
    x.iter().map(|x| at(-x).filter(|_| tells(x)).and_then(|bin| counted.counts.get(bin)).copied().unwrap_or(0)).collect()
}

fn generating_function(function: &Line) -> Result<String, FigureError> {
    let measured = Curve::new("", Style::Line, function.x.clone(), function.y.clone()).with_error(function.error.clone().unwrap_or_default());
    let known = function.exact.iter().flat_map(|exact| function.x.iter().copied().zip(exact.iter().copied()));
    let frame = Frame {
        title: "ln⟨exp(−α Δs_tot)⟩/t; circles: its limit at long times".to_owned(),
        x_label: "α".to_owned(),
        y_label: with_unit("θ(α)", &function.unit),
        exact: known.filter(|(_, theta)| theta.is_finite()).collect(),
        marks: vec![(0.5, "symmetric about 1/2".to_owned())],
        ..Frame::default()
    };
    curves(&frame, &[measured])
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
            let course = profiles.courses.iter().find(|course| course.name == density.name && changes(course));
            figures.push(course.map_or_else(|| averaged(density), in_time)?);
            all += 1;
        }
    } else {
        (figures, all) = add(figures, all, families(&densities, "densities, averaged over the run", &averaged)?);
    }
    (figures, all) = add(figures, all, families(&currents, "currents, averaged over the run", &averaged)?);
    let more = all - figures.len();
    Ok(Section { title: "Densities and currents", figures, more })
}

fn add(mut figures: Vec<String>, all: usize, (drawn, of): (Vec<String>, usize)) -> (Vec<String>, usize) {
    figures.extend(drawn);
    (figures, all + of)
}

/// A density or a current that is an average over the saves.
fn averaged(line: &Line) -> Result<String, FigureError> {
    figure::line(line, &format!("{}, averaged over the run", line.title), None)
}

/// Whether a density at the end differs from that at the start.
fn changes(course: &DensityCourse) -> bool {
    let last = course.rows.len().saturating_sub(1);
    let (Some(first), Some(end)) = (course.rows.first(), course.rows.last()) else { return false };
    let error = |bin: usize| course.errors[0][bin].hypot(course.errors[last][bin]);
    first.iter().zip(end).enumerate().any(|(bin, (a, b))| (a - b).abs() > CHANGE * error(bin) && (a - b).abs() > ROUNDING)
}

/// A density at some moments.
fn in_time(course: &DensityCourse) -> Result<String, FigureError> {
    let last = course.rows.len().saturating_sub(1);
    let mut moments: Vec<usize> = MOMENTS.iter().map(|part| (part * last as f64).round() as usize).collect();
    moments.dedup();
    let width = course.x.get(1).zip(course.x.first()).map_or(1.0, |(second, first)| second - first);
    let is_point = |moment: usize| course.rows[moment].iter().any(|p| p * width > POINT);
    let mut all = Vec::new();
    for moment in moments.into_iter().filter(|moment| *moment == last || !is_point(*moment)) {
        let name = format!("t = {}", super::axes::tick(course.times[moment]));
        all.push(Curve::new(name, Style::Line, course.x.clone(), course.rows[moment].clone()).with_error(course.errors[moment].clone()));
        all.extend(course.exact.iter().map(|exact| Curve::new("", Style::Exact, course.x.clone(), exact[moment].clone())));
    }
    let title = format!("density of {}", course.name);
    curves(&Frame { y_label: with_unit(&title, &course.unit), title, x_label: course.x_label.clone(), ..Frame::default() }, &all)
}

/// Figures of functions, and how many there could be: those of a kind, which begin alike, in one figure where there are many.
fn families(lines: &[Line], words: &str, alone: &dyn Fn(&Line) -> Result<String, FigureError>) -> Result<(Vec<String>, usize), FigureError> {
    let place = |line: &Line| line.x_label.rfind('(').map(|start| line.x_label[start..].to_owned());
    let kind = |line: &Line| (line.name.split_once('.').map_or("", |(kind, _)| kind).to_owned(), line.unit.clone(), place(line));
    let mut figures = Vec::new();
    let mut done: Vec<String> = Vec::new();
    for line in lines {
        if done.contains(&line.name) {
            continue;
        }
        let alike: Vec<&Line> = lines.iter().filter(|other| kind(other) == kind(line)).collect();
        if (FEWEST_TOGETHER..=MOST_TOGETHER).contains(&alike.len()) {
            figures.push(together(&alike, words)?);
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

/// Functions of a kind in one figure.
fn together(lines: &[&Line], words: &str) -> Result<String, FigureError> {
    let Some(first) = lines.first() else { return curves(&Frame::default(), &[]) };
    let mut all = Vec::new();
    for line in lines {
        let name = line.name.split_once('.').map_or(line.name.as_str(), |(_, rest)| rest);
        all.push(Curve::new(name, Style::Line, line.x.clone(), line.y.clone()).with_error(line.error.clone().unwrap_or_default()));
        all.extend(line.exact.iter().map(|exact| Curve::new("", Style::Exact, line.x.clone(), exact.clone())));
    }
    let title =
        first.name.split_once('.').map_or_else(|| words.to_owned(), |(kind, _)| if words.is_empty() { kind.to_owned() } else { format!("{kind}: {words}") });
    let words =
        ["centres of the bins of ", "faces of the bins of "].iter().fold(first.x_label.as_str(), |label, prefix| label.strip_prefix(prefix).unwrap_or(label));
    // The places of different coordinates have a unit in common, not a name.
    let x_label = if words.starts_with(first.name.as_str()) { words.replacen(first.name.as_str(), "coordinate", 1) } else { words.to_owned() };
    curves(&Frame { y_label: with_unit(&title, &first.unit), title, x_label, ..Frame::default() }, &all)
}

/// What flows, as bars; and the states of a network in time.
fn flows(summary: &Summary, profiles: &Profiles) -> Result<Section, FigureError> {
    let rows: Vec<Bars> = ROWS.iter().filter_map(|(quantity, words)| row(&summary.estimates, quantity, words)).collect();
    let bars: Vec<&Bars> = profiles.bars.iter().chain(&rows).filter(|bars| !bars.names.is_empty() && bars.names.len() <= MOST_BARS).collect();
    let of_bars = |bars: &&Bars| {
        let known: Vec<Option<f64>> = bars.names.iter().map(|name| exact(summary, &format!("{}.{name}", bars.quantity))).collect();
        figure::bars(bars, &known)
    };
    let mut figures = bars.iter().map(of_bars).collect::<Result<Vec<_>, _>>()?;
    let more = profiles.bars.len() + rows.len() - figures.len();
    let network = profiles.courses.iter().filter(|course| course.name == "state" && (2..=MOST_TOGETHER).contains(&course.states.len()) && changes(course));
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
    let series: Vec<Line> = profiles.series.iter().filter(|line| line.x.len() > 1 && says_something(&line.y)).cloned().collect();
    let alone = |line: &Line| figure::line(line, &line.title, exact(summary, &line.name).filter(|_| line.exact.is_none()));
    let (mut figures, all) = families(&series, "", &alone)?;
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
    let mut shown: Vec<&Line> = profiles.distributions.iter().map(|counted| &counted.line).filter(|line| is_of_interest(line)).collect();
    shown.sort_by_key(|line| FIRST.iter().position(|name| line.name == *name).unwrap_or(FIRST.len()));
    let normal = |name: &str| {
        let variance = exact(summary, &format!("{name}.variance")).filter(|variance| *variance > ROUNDING);
        exact(summary, name).zip(variance).map(|(mean, variance)| (mean, variance.sqrt()))
    };
    let figures = shown.iter().take(MOST_FIGURES).map(|line| figure::histogram(line, normal(&line.name))).collect::<Result<Vec<_>, _>>()?;
    let more = shown.len() - figures.len();
    Ok(Section { title: "Distributions over trajectories", figures, more })
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

    fn counted(x: Vec<f64>, counts: Vec<u64>, reversed: Option<Vec<u64>>) -> Counted {
        let all = counts.iter().sum::<u64>() as f64;
        let y = counts.iter().map(|count| *count as f64 / all).collect();
        let line = Line { name: "entropy_total".into(), x, y, ..Line::default() };
        Counted { line, counts, reversed: reversed.map(|reversed| (reversed, 1.0)) }
    }

    #[test]
    fn bins_find_their_mirror_images() {
        let one = counted(vec![-1.5, -0.5, 0.5, 1.5, 2.5], vec![1, 2, 3, 4, 5], None);
        assert_eq!(mirrored(&one), [4, 0, 0, 1, 0]);
    }

    #[test]
    fn a_ratio_needs_trajectories_on_both_sides() {
        let x = vec![-2.5, -1.5, -0.5, 0.5, 1.5, 2.5];
        let drawn = |counts: Vec<u64>| {
            let one = counted(x.clone(), counts, None);
            ratio(&one, &mirrored(&one), 0.0, (Some(0.0), 1.0), "ratio").expect("drawn")
        };
        assert!(drawn(vec![5, 500, 70, 80, 900, 9]).is_none());
        assert_eq!(drawn(vec![50, 500, 70, 80, 900, 90]).expect("enough").matches("<circle").count(), 4);
    }

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
        assert!(changes(&course(2.0)) && !changes(&course(1.03)));
        let svg = in_time(&course(2.0)).expect("drawn");
        assert!(["t = 0", "t = 2", "t = 4", "t = 8", "t = 16", "t = 32"].iter().all(|name| svg.contains(name)), "{svg}");
    }

    #[test]
    fn many_functions_of_a_kind_share_a_figure_and_few_do_not() {
        let line = |name: &str| Line { name: name.into(), x: vec![0.0, 1.0], y: vec![1.0, 2.0], ..Line::default() };
        let lines = ["heat.a", "heat.b", "heat.c", "heat.d", "work"].map(line);
        let alone = |line: &Line| figure::line(line, "", None);
        assert_eq!(families(&lines, "", &alone).expect("drawn").1, 2);
        assert_eq!(families(&lines[1..], "", &alone).expect("drawn").1, 4);
    }

    #[test]
    fn one_value_is_no_distribution() {
        let line = |x: Vec<f64>| Line { name: "work".into(), x, ..Line::default() };
        assert!(is_of_interest(&line(vec![1.0, 2.0])) && !is_of_interest(&line(vec![2.5025, 2.5027])) && !is_of_interest(&line(vec![1e-12, 2e-12])));
    }
}
