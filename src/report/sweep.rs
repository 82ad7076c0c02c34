//! Figures of a sweep: estimates over the values of its keys.

use super::axes::with_unit;
use super::curves::{Curve, Frame, Style, curves};
use super::{FigureError, Section};
use crate::output::{SweepAxis, Swept, SweptEstimate};

/// Estimates that are shown first: by name, or by what comes before a dot.
const FIRST: [&str; 9] = ["flux.", "velocity.", "current.", "heat_rate.", "entropy_production_rate", "delta_F", "work", "mean.", "diffusion."];
/// Most figures, and most functions in one.
const MOST_FIGURES: usize = 16;
const MOST_CURVES: usize = 8;

/// One figure for each estimate that changes over the sweep and is known with an error, the most telling first.
pub(super) fn sections(swept: &Swept) -> Result<Vec<Section>, FigureError> {
    let is = |name: &str, wanted: &str| if wanted.ends_with('.') { name.starts_with(wanted) } else { name == wanted };
    let rank = |estimate: &SweptEstimate| FIRST.iter().position(|wanted| is(&estimate.name, wanted)).unwrap_or(FIRST.len());
    let mut shown: Vec<&SweptEstimate> = swept.estimates.iter().filter(|estimate| tells(estimate)).collect();
    shown.sort_by_key(|estimate| (rank(estimate), !estimate.exact.iter().any(|exact| exact.is_finite())));
    let figures = shown.iter().take(MOST_FIGURES).map(|estimate| figure(&swept.axes, estimate)).collect::<Result<Vec<_>, _>>()?;
    let more = shown.len() - figures.len();
    Ok(vec![Section { title: "Over the values of the sweep", figures, more }])
}

/// Whether the values of an estimate differ by more than their errors.
fn tells(estimate: &SweptEstimate) -> bool {
    let known = || estimate.values.iter().zip(&estimate.error).filter(|(value, error)| value.is_finite() && error.is_finite());
    let low = known().map(|(value, error)| value + 2.0 * error).fold(f64::INFINITY, f64::min);
    let high = known().map(|(value, error)| value - 2.0 * error).fold(f64::NEG_INFINITY, f64::max);
    high > low && known().any(|(_, error)| *error > 0.0) && !estimate.name.ends_with(".variance") && !estimate.name.ends_with(".third_cumulant")
}

/// An estimate over the longest axis of numbers, a function for each place of the other axes; over numbered points where no axis has numbers.
fn figure(axes: &[SweepAxis], estimate: &SweptEstimate) -> Result<String, FigureError> {
    let along = (0..axes.len()).filter(|k| axes[*k].numbers.is_some()).max_by_key(|k| axes[*k].texts.len());
    let along = along.unwrap_or(axes.len().saturating_sub(1));
    let Some(axis) = axes.get(along) else { return curves(&Frame::default(), &[]) };
    let x = |place: usize| axis.numbers.as_ref().map_or(place as f64 + 1.0, |numbers| numbers[place]);
    let stride: usize = axes[along + 1..].iter().map(|axis| axis.texts.len()).product();
    let length = axis.texts.len();
    let mut all = Vec::new();
    for first in (0..estimate.values.len()).filter(|point| (point / stride).is_multiple_of(length)).take(MOST_CURVES) {
        let points: Vec<usize> = (0..length).map(|place| first + place * stride).collect();
        let of = |values: &[f64]| points.iter().map(|point| values[*point]).collect::<Vec<f64>>();
        let places: Vec<f64> = (0..length).map(x).collect();
        let mut name = Vec::new();
        let mut rest = first;
        for (k, other) in axes.iter().enumerate().rev() {
            if k != along {
                name.push(format!("{}={}", other.key, other.texts[rest % other.texts.len()]));
            }
            rest /= other.texts.len();
        }
        name.reverse();
        all.push(Curve::new("", Style::Exact, places.clone(), of(&estimate.exact)));
        all.push(Curve::new(name.join(" "), Style::Points, places, of(&estimate.values)).with_error(of(&estimate.error)));
    }
    let x_label = if axis.numbers.is_some() { axis.key.clone() } else { format!("{}: {}", axis.key, axis.texts.join(", ")) };
    let frame = Frame { title: estimate.name.clone(), x_label, y_label: with_unit(&estimate.name, &estimate.unit), ..Frame::default() };
    curves(&frame, &all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(name: &str, values: Vec<f64>) -> SweptEstimate {
        SweptEstimate { name: name.into(), unit: "kT".into(), error: vec![0.01; values.len()], exact: values.clone(), values }
    }

    fn axis(key: &str, texts: &[&str]) -> SweepAxis {
        let numbers = texts.iter().map(|text| text.parse().ok()).collect();
        SweepAxis { key: key.into(), texts: texts.iter().map(|text| (*text).to_owned()).collect(), numbers }
    }

    #[test]
    fn a_figure_has_a_function_for_each_place_of_the_other_axes() {
        let axes = vec![axis("baths", &["one", "two"]), axis("T", &["1", "2", "4"])];
        let svg = figure(&axes, &estimate("flux.a", vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])).expect("drawn");
        assert!(svg.contains("baths=one") && svg.contains("baths=two"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 6);
        let words = figure(&axes[..1], &estimate("flux.a", vec![1.0, 2.0])).expect("drawn");
        assert!(words.contains("baths: one, two") && words.matches("<circle").count() == 2);
    }

    #[test]
    fn what_does_not_change_is_not_shown() {
        let estimates = vec![estimate("activity", vec![1.0, 2.0]), estimate("flux.a", vec![1.0, 3.0]), estimate("work", vec![1.0, 1.001])];
        let sections = sections(&Swept { axes: vec![axis("T", &["1", "2"])], estimates }).expect("drawn");
        assert_eq!(sections[0].figures.len(), 2);
        assert!(sections[0].figures[0].contains("flux.a"));
    }
}
