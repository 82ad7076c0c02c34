//! Values that lie apart: sums over few jumps, and counts. A bin holds one of them, or none, and a probability says more than a density.

use std::ops::Range;

use super::axes::with_unit;
use crate::output::Counted;

/// Part of the trajectories at either end where empty bins say nothing.
const TAIL: f64 = 0.05;
/// Trajectories a bin below which empty bins say nothing.
const ENOUGH: f64 = 20.0;
/// Share of empty bins from which values lie apart.
const GAPS: f64 = 0.1;

/// How a histogram is drawn.
pub(super) struct Scale {
    /// Places.
    pub(super) x: Vec<f64>,
    /// What a density is multiplied by.
    pub(super) factor: f64,
    /// What is on the axis.
    pub(super) label: String,
}

/// Probabilities where values lie apart or are counts, else densities.
pub(super) fn scale(counted: &Counted) -> Scale {
    let line = &counted.line;
    let width = width(&line.x);
    let whole = |x: f64| (x - 0.5 * width).ceil();
    let counts_events = line.name == "activity" || line.name.starts_with("mean.");
    let are_whole = || line.x.iter().zip(&counted.counts).filter(|(_, count)| **count > 0).all(|(x, _)| whole(*x) < x + 0.5 * width);
    if width <= 1.0 && (counts_events || (width < 1.0 && lie_apart(&counted.counts))) && are_whole() {
        return Scale { x: line.x.iter().copied().map(whole).collect(), factor: width, label: "probability".to_owned() };
    }
    if lie_apart(&counted.counts) {
        return Scale { x: line.x.clone(), factor: width, label: "probability".to_owned() };
    }
    Scale { x: line.x.clone(), factor: 1.0, label: with_unit("density", &line.unit) }
}

/// Whether most of the weight is in bins without neighbours, or many of the likely bins are empty.
pub(super) fn lie_apart(counts: &[u64]) -> bool {
    let all = counts.iter().sum::<u64>() as f64;
    let at = |bin: Option<usize>| bin.and_then(|bin| counts.get(bin)).copied().unwrap_or(0);
    let alone: u64 = (0..counts.len()).filter(|&bin| at(bin.checked_sub(1)) == 0 && at(Some(bin + 1)) == 0).map(|bin| counts[bin]).sum();
    if 2.0 * alone as f64 > all {
        return true;
    }
    let mut below = 0.0;
    let inner = |count: &&u64| {
        let before = below;
        below += **count as f64;
        below > TAIL * all && before < (1.0 - TAIL) * all
    };
    let likely: Vec<u64> = counts.iter().filter(inner).copied().collect();
    let empty = likely.iter().filter(|count| **count == 0).count() as f64;
    all >= ENOUGH * likely.len() as f64 && empty >= GAPS * likely.len() as f64
}

/// Bins that belong together in two histograms: runs without a gap where values lie apart, since a value on the edge of a bin and its mirror image may be in
/// neighbours; else every bin by itself.
pub(super) fn groups(one: &[u64], other: &[u64], apart: bool) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for bin in (0..one.len().min(other.len())).filter(|&bin| one[bin] + other[bin] > 0) {
        match groups.last_mut().filter(|group| apart && group.end == bin) {
            Some(group) => group.end = bin + 1,
            None => groups.push(bin..bin + 1),
        }
    }
    groups
}

/// Width of the bins.
pub(super) fn width(x: &[f64]) -> f64 {
    x.get(1).zip(x.first()).map_or(1.0, |(second, first)| second - first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Line;

    fn counted(name: &str, x: Vec<f64>, counts: Vec<u64>) -> Counted {
        Counted { line: Line { name: name.into(), unit: "nat^-1".into(), y: vec![1.0; x.len()], x, ..Line::default() }, counts, reversed: None }
    }

    #[test]
    fn sums_over_few_jumps_lie_apart_and_smooth_histograms_do_not() {
        assert!(lie_apart(&[0, 500, 0, 0, 900, 0, 10]));
        assert!(lie_apart(&[500, 600, 0, 0, 900, 700, 0, 10]));
        assert!(!lie_apart(&[1, 0, 1, 50, 500, 900, 400, 60, 0, 1, 0, 1]));
        // Too few trajectories to tell.
        assert!(!lie_apart(&[1, 2, 0, 2, 3, 0, 1, 1, 0, 2]));
    }

    #[test]
    fn counts_stand_at_whole_numbers_with_their_probabilities() {
        let quarters = counted("activity", (0..9).map(|bin| f64::from(bin) * 0.25 + 0.125).collect(), vec![10, 0, 0, 0, 20, 0, 0, 0, 5]);
        let scale = scale(&quarters);
        assert_eq!((scale.x[0], scale.x[4], scale.x[8], scale.factor, scale.label.as_str()), (0.0, 1.0, 2.0, 0.25, "probability"));
        let ones = counted("mean.A", vec![0.5, 1.5, 2.5], vec![10, 20, 5]);
        assert_eq!((super::scale(&ones).x, super::scale(&ones).factor), (vec![0.0, 1.0, 2.0], 1.0));
    }

    #[test]
    fn other_values_keep_their_places() {
        let apart = counted("heat", vec![0.125, 0.375, 0.625, 0.875], vec![100, 0, 0, 50]);
        let scale = scale(&apart);
        assert_eq!((scale.x, scale.factor, scale.label.as_str()), (apart.line.x.clone(), 0.25, "probability"));
        let smooth = counted("heat", vec![0.125, 0.375, 0.625, 0.875], vec![100, 200, 150, 50]);
        assert_eq!((super::scale(&smooth).factor, super::scale(&smooth).label), (1.0, "density (nat^-1)".to_owned()));
    }

    #[test]
    fn neighbours_go_together_only_where_values_lie_apart() {
        let (one, other) = ([5, 0, 0, 7, 0], [0, 0, 8, 0, 1]);
        assert_eq!(groups(&one, &other, true), [0..1, 2..5]);
        assert_eq!(groups(&one, &other, false), [0..1, 2..3, 3..4, 4..5]);
    }
}
