//! Ranges and labels of axes.

use std::ops::Range;

/// Part of the range left free on either side.
const MARGIN: f64 = 0.05;

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

/// A number at a tick: as few digits as tell it from its neighbours.
pub(super) fn tick(value: f64) -> String {
    if value.abs() < 1e-12 {
        return "0".to_owned();
    }
    if value.abs() >= 1e5 || value.abs() < 1e-3 {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A quantity and its unit.
pub(super) fn with_unit(name: &str, unit: &str) -> String {
    if unit.is_empty() || unit == "1" { name.to_owned() } else { format!("{name} ({unit})") }
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

    #[test]
    fn ticks_are_short() {
        assert_eq!([0.0, 1e-17, 0.25, 12.5, 1e6, 1e-4].map(tick), ["0", "0", "0.25", "12.5", "1.0e6", "1.0e-4"]);
    }
}
