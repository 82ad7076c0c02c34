//! Ranges and labels of axes.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::coord::types::RangedCoordf64;

/// Part of the range left free on either side.
const MARGIN: f64 = 0.05;
/// Most steps between the ticks of an axis.
const TICKS: f64 = 8.0;
/// Powers of ten that leave room for ticks between them.
const FEW_POWERS: usize = 2;

/// A range with room around all finite values; around 0 where they are all alike.
pub(super) fn range(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = values.filter(|value| value.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return -1.0..1.0;
    }
    let width = high - low;
    // Rounding alone makes no axis.
    if width <= 1e-9 * low.abs().max(high.abs()) || width == 0.0 {
        let half = if low == 0.0 { 1.0 } else { 0.5 * low.abs() };
        return low - half..high + half;
    }
    low - MARGIN * width..high + MARGIN * width
}

/// A number by itself: as few digits as tell it.
pub(super) fn tick(value: f64) -> String {
    if value.abs() < 1e-12 {
        return "0".to_owned();
    }
    if value.abs() >= 1e5 || value.abs() < 1e-3 {
        return format!("{value:.1e}").replace(".0e", "e");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An axis: its range, where its ticks are, and what is written at them.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    range: Range<f64>,
    places: Vec<f64>,
    labels: Vec<String>,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        RangedCoordf64::from(self.range.clone()).map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.places.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl Axis {
    /// Names at 0, 1, 2 …
    pub(super) fn named(range: Range<f64>, names: &[String]) -> Self {
        Self { range, places: (0..names.len()).map(|place| place as f64).collect(), labels: names.to_vec() }
    }

    /// Steps of 1, 2 or 5 times a power of ten.
    pub(super) fn plain(range: &Range<f64>) -> Self {
        let width = range.end - range.start;
        let power = 10f64.powf((width / TICKS).log10().floor());
        let step = [1.0, 2.0, 5.0].into_iter().map(|m| m * power).find(|step| *step * TICKS >= width * (1.0 - 1e-9)).unwrap_or(10.0 * power);
        let (first, last) = ((range.start / step).ceil() as i64, (range.end / step).floor() as i64);
        let places: Vec<f64> = (first..=last).map(|k| k as f64 * step).collect();
        let labels = places.iter().map(|place| alike(*place, step, range)).collect();
        Self { range: range.clone(), places, labels }
    }

    /// Powers of ten on an axis of logarithms, with 2 and 5 times as much in between where there are few.
    pub(super) fn powers(range: &Range<f64>) -> Self {
        let whole: Vec<f64> = (range.start.ceil() as i64..=range.end.floor() as i64).map(|k| k as f64).collect();
        let places: Vec<f64> = if whole.len() > FEW_POWERS {
            let stride = (whole.len() as f64 / TICKS).ceil() as usize;
            whole.into_iter().step_by(stride).collect()
        } else {
            let below = range.start.floor() as i64;
            let all = (below..=range.end.floor() as i64).flat_map(|k| [1.0f64, 2.0, 5.0].map(|m| k as f64 + m.log10()));
            all.filter(|place| range.contains(place)).collect()
        };
        let labels = places.iter().map(|place| tick(10f64.powf(*place))).collect();
        Self { range: range.clone(), places, labels }
    }

    /// What is written at a tick.
    pub(super) fn label(&self, place: &f64) -> String {
        let at = self.places.iter().position(|tick| tick == place);
        at.map(|at| self.labels[at].clone()).unwrap_or_default()
    }
}

/// A number at a tick, with as many decimals as its neighbours, which are a step away, and the same power of ten.
fn alike(value: f64, step: f64, range: &Range<f64>) -> String {
    let size = range.start.abs().max(range.end.abs());
    let digits = |step: f64| (-(step * (1.0 + 1e-9)).log10().floor()).clamp(0.0, 15.0) as usize;
    if value.abs() < 1e-9 * step {
        return "0".to_owned();
    }
    if (1e-3..1e5).contains(&size) {
        return format!("{value:.*}", digits(step));
    }
    let exponent = size.log10().floor();
    let unit = 10f64.powf(exponent);
    format!("{:.*}e{exponent}", digits(step / unit), value / unit)
}

/// A quantity and its unit.
pub(super) fn with_unit(name: &str, unit: &str) -> String {
    if unit.is_empty() || unit == "1" { name.to_owned() } else { format!("{name} ({unit})") }
}

/// A label with its units as people write them.
pub(super) fn written(label: &str) -> String {
    const WRITTEN: [(&str, &str); 8] = [
        ("ledger) (", "ledger, "),
        ("((1/time)^-1)", "(time)"),
        ("((length/time)^-1)", "(time/length)"),
        ("((length^2/time)^-1)", "(time/length²)"),
        ("^-1.", "⁻¹ "),
        ("^-1", "⁻¹"),
        ("^-2", "⁻²"),
        ("^2", "²"),
    ];
    WRITTEN.iter().fold(label.to_owned(), |label, (from, to)| label.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_its_values_and_is_never_empty() {
        for values in [vec![], vec![0.0], vec![3.0, 3.0], vec![f64::NAN, 1.0, 2.0, f64::INFINITY], vec![-5.0, 1e-30], vec![1.0, 1.0 + 1e-15]] {
            let range = range(values.iter().copied());
            assert!(range.start < range.end && range.start.is_finite() && range.end.is_finite(), "{values:?}: {range:?}");
            assert!(values.iter().filter(|v| v.is_finite()).all(|v| range.contains(v)), "{values:?}: {range:?}");
        }
    }

    fn labels(axis: &Axis) -> Vec<String> {
        axis.places.iter().map(|place| axis.label(place)).collect()
    }

    #[test]
    fn ticks_are_few_round_and_written_alike() {
        assert_eq!(labels(&Axis::plain(&(-0.05..1.05))), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&Axis::plain(&(2.50251..2.50269))), ["2.50255", "2.50260", "2.50265"]);
        assert_eq!(labels(&Axis::plain(&(-6.5e-4..8.1e-4))), ["-6e-4", "-4e-4", "-2e-4", "0", "2e-4", "4e-4", "6e-4", "8e-4"]);
        assert_eq!(labels(&Axis::plain(&(0.0..2e6))), ["0", "0.5e6", "1.0e6", "1.5e6", "2.0e6"]);
        assert_eq!(labels(&Axis::plain(&(-30.0..620.0))), ["0", "100", "200", "300", "400", "500", "600"]);
    }

    #[test]
    fn powers_of_ten_have_ticks_between_them_where_there_are_few() {
        assert_eq!(labels(&Axis::powers(&(-4.3..0.2))), ["1e-4", "0.001", "0.01", "0.1", "1"]);
        assert_eq!(labels(&Axis::powers(&(-1.4..0.1))), ["0.05", "0.1", "0.2", "0.5", "1"]);
        assert_eq!(Axis::powers(&(-30.0..0.0)).places.len(), 8);
    }

    #[test]
    fn units_are_written_as_people_write_them() {
        assert_eq!(written("density (length^-1)"), "density (length⁻¹)");
        assert_eq!(written("longest arrow 0.1 (length^-1.time^-1)"), "longest arrow 0.1 (length⁻¹ time⁻¹)");
        assert_eq!(written("density ((1/time)^-1)"), "density (time)");
        assert_eq!(written("entropy (physical ledger) (nat)"), "entropy (physical ledger, nat)");
        assert_eq!(written("θ(α) (time^-1)"), "θ(α) (time⁻¹)");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, 1e-17, 0.25, 12.5, 1e6, 1.5e-4].map(tick), ["0", "0", "0.25", "12.5", "1e6", "1.5e-4"]);
    }
}
