//! What fluctuation theorems compare: both distributions, the logarithm of their ratio, the generating function.

use super::axes::with_unit;
use super::curves::{Curve, Frame, Style, curves};
use super::{FigureError, Section, atoms, figure};
use crate::output::{Counted, Line, Profiles, Summary};

/// Fewest trajectories on either side of a ratio.
const FEWEST: u64 = 10;
/// Widest bin, in units of what a value is divided by, in which one ratio stands for all.
const WIDEST: f64 = 0.5;

/// The figures of the theorems that were tried.
pub(super) fn theorems(summary: &Summary, profiles: &Profiles) -> Result<Section, FigureError> {
    let asked = |name: &str| summary.theorems.iter().any(|theorem| theorem.name == name);
    let estimate = |name: &str| summary.estimates.iter().find(|estimate| estimate.name == name);
    let mut figures = Vec::new();
    for counted in &profiles.distributions {
        let name = &counted.line.name;
        let reversed = counted.reversed.as_ref().filter(|_| name == "work" || name == "entropy_total");
        if let Some((reversed, scale)) = reversed {
            let (origin, of) = match name.as_str() {
                "work" => (estimate("delta_F").and_then(|e| e.exact.or(Some(e.value)).filter(|value| value.is_finite())), "W"),
                _ => (Some(0.0), "s"),
            };
            figures.push(both(counted, reversed, origin.filter(|_| of == "W"), of)?);
            let totals = (reversed.iter().sum::<u64>() as f64 / counted.counts.iter().sum::<u64>() as f64).ln();
            figures.extend(ratio(counted, (&counted.counts, reversed), totals, (origin, *scale), &format!("ln P_F({of})/P_R(−{of})"))?);
        } else if name == "entropy_total" && counted.reversed.is_none() && asked("detailed_total") {
            let (one, mirrored) = mirrored(counted);
            figures.extend(ratio(counted, (&one, &mirrored), 0.0, (Some(0.0), 1.0), "ln P(s)/P(−s)")?);
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
    let scale = atoms::scale(counted);
    let all = counted.counts.iter().sum::<u64>() as f64 / reversed.iter().sum::<u64>() as f64;
    // Densities of the forward run give what one trajectory is worth.
    let worth = counted.counts.iter().zip(&line.y).find(|(count, _)| **count > 0).map_or(0.0, |(count, density)| density / *count as f64);
    let reversed: Vec<f64> = reversed.iter().map(|count| *count as f64 * worth * all * scale.factor).collect();
    let forward: Vec<f64> = line.y.iter().map(|y| y * scale.factor).collect();
    let frame = Frame {
        title: format!("{}: forward, and minus that of the reversed run", line.name),
        x_label: figure::short(line),
        y_label: scale.label,
        logarithmic: true,
        marks: origin.map(|origin| (origin, "ΔF".to_owned())).into_iter().collect(),
        ..Frame::default()
    };
    curves(&frame, &[figure::seen(&format!("P_F({of})"), &scale.x, &forward), figure::seen(&format!("P_R(−{of})"), &scale.x, &reversed)])
}

/// Logarithm of the ratio of two histograms of what was counted over their value, beside the line that a theorem asks for; `totals` is that of the numbers of
/// trajectories, the other first. Nothing where bins are so wide that the ratio changes within one.
fn ratio(
    counted: &Counted,
    (one, other): (&[u64], &[u64]),
    totals: f64,
    (origin, scale): (Option<f64>, f64),
    title: &str,
) -> Result<Option<String>, FigureError> {
    let apart = atoms::lie_apart(&counted.counts);
    let width = atoms::width(&counted.line.x);
    if !apart && width > WIDEST * scale.abs() {
        return Ok(None);
    }
    let mut measured = Curve::new("", Style::Points, Vec::new(), Vec::new());
    for group in atoms::groups(one, other, apart) {
        let sum = |counts: &[u64]| counts[group.clone()].iter().sum::<u64>();
        let (here, there) = (sum(one), sum(other));
        if here < FEWEST || there < FEWEST {
            continue;
        }
        let mean = |counts: &[u64], tilt: f64| {
            let (x, first) = (&counted.line.x, counted.line.x[group.start]);
            let tilted: f64 = group.clone().map(|bin| counts[bin] as f64 * (tilt * (x[bin] - first)).exp()).sum();
            first + (tilted / sum(counts) as f64).ln() / tilt
        };
        // Where a theorem has the ratio of sums over several bins: the mean of exp(±x) on either side.
        let tilt = if scale.is_finite() && scale != 0.0 { 1.0 / scale } else { 1.0 };
        measured.x.push(0.5 * (mean(one, -tilt) + mean(other, tilt)));
        let (here, there) = (here as f64, there as f64);
        measured.y.push((here / there).ln() + totals);
        measured.error.push((1.0 / here + 1.0 / there).sqrt());
    }
    if measured.x.len() < 3 {
        return Ok(None);
    }
    let line = origin.filter(|_| scale.is_finite()).map(|origin| measured.x.iter().map(|x| (x - origin) / scale).collect());
    let exact = line.map(|y| Curve::new("", Style::Exact, measured.x.clone(), y));
    let frame = Frame { title: title.to_owned(), x_label: figure::short(&counted.line), y_label: title.to_owned(), ..Frame::default() };
    curves(&frame, &std::iter::once(measured).chain(exact).collect::<Vec<_>>()).map(Some)
}

/// The histogram without what is next to 0, and the trajectories in the bin of minus the value.
fn mirrored(counted: &Counted) -> (Vec<u64>, Vec<u64>) {
    let x = &counted.line.x;
    let width = atoms::width(x);
    let at = |value: f64| x.first().map(|first| ((value - first) / width).round()).filter(|bin| *bin >= 0.0).map(|bin| bin as usize);
    // Jumps may leave many trajectories at exactly 0, where a sign says nothing.
    let told = |counts: &[u64], place: f64, bin: Option<usize>| bin.filter(|_| place.abs() > width).and_then(|bin| counts.get(bin)).copied().unwrap_or(0);
    let one = x.iter().enumerate().map(|(bin, place)| told(&counted.counts, *place, Some(bin))).collect();
    let mirrored = x.iter().map(|place| told(&counted.counts, *place, at(-place))).collect();
    (one, mirrored)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(x: Vec<f64>, counts: Vec<u64>) -> Counted {
        let all = counts.iter().sum::<u64>() as f64;
        let y = counts.iter().map(|count| *count as f64 / all).collect();
        Counted { line: Line { name: "entropy_total".into(), x, y, ..Line::default() }, counts, reversed: None }
    }

    fn drawn(x: &[f64], counts: Vec<u64>) -> Option<String> {
        let counted = counted(x.to_vec(), counts);
        let (one, other) = mirrored(&counted);
        ratio(&counted, (&one, &other), 0.0, (Some(0.0), 1.0), "ratio").expect("drawn")
    }

    #[test]
    fn bins_find_their_mirror_images() {
        let one = counted(vec![-1.5, -0.5, 0.5, 1.5, 2.5], vec![1, 2, 3, 4, 5]);
        let (one, other) = mirrored(&one);
        assert_eq!((one, other), (vec![1, 0, 0, 4, 5], vec![4, 0, 0, 1, 0]));
    }

    #[test]
    fn a_ratio_needs_trajectories_on_both_sides() {
        let x = [-1.25, -0.75, -0.25, 0.25, 0.75, 1.25];
        assert!(drawn(&x, vec![5, 500, 70, 80, 900, 9]).is_none());
        assert_eq!(drawn(&x, vec![50, 500, 70, 80, 900, 90]).expect("enough").matches("<circle").count(), 4);
    }

    #[test]
    fn a_ratio_that_changes_within_a_bin_is_not_drawn() {
        let x: Vec<f64> = (0..6).map(|bin| f64::from(bin) * 0.75 - 1.875).collect();
        assert!(drawn(&x, vec![50, 500, 70, 80, 900, 90]).is_none());
    }

    #[test]
    fn a_value_on_the_edge_of_a_bin_is_one_point_with_its_mirror_image() {
        // Values ±1 and ±2 in bins of 1/8: minus a value that begins a bin begins another one, not its mirror image.
        let x: Vec<f64> = (0..40).map(|bin| (f64::from(bin) - 20.0 + 0.5) / 8.0).collect();
        let mut counts = vec![0; 40];
        for (value, count) in [(-2.0, 100), (-1.0, 1000), (0.0, 5000), (1.0, 2718), (2.0, 739)] {
            counts[(20.0 + value * 8.0) as usize] = count;
        }
        let (one, other) = mirrored(&counted(x.clone(), counts.clone()));
        assert!(atoms::lie_apart(&counts));
        let groups = atoms::groups(&one, &other, true);
        let both: Vec<(u64, u64)> = groups.iter().map(|group| (one[group.clone()].iter().sum(), other[group.clone()].iter().sum())).collect();
        assert_eq!(both, [(100, 739), (1000, 2718), (2718, 1000), (739, 100)]);
        assert_eq!(drawn(&x, counts).expect("four points").matches("<circle").count(), 4);
    }
}
