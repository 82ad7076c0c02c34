//! Ranges and labels of axes.

use std::ops::Range;

/// Part of the range left free on either side.
const MARGIN: f64 = 0.05;
/// Ticks of an axis, about.
const TICKS: f64 = 20.0;

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

/// Labels of ticks: as many decimals as tell neighbours of this range from one another.
pub(super) fn ticks(range: &Range<f64>) -> impl Fn(f64) -> String + use<> {
    let (width, size) = (range.end - range.start, range.start.abs().max(range.end.abs()));
    let decimals = (-(width / TICKS).log10().floor()).clamp(0.0, 15.0) as usize;
    move |value: f64| {
        if value.abs() < 1e-9 * width {
            return "0".to_owned();
        }
        if (1e-3..1e5).contains(&size) {
            let text = format!("{value:.decimals$}");
            return if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
        }
        let digits = (value.abs() / width * TICKS).log10().ceil().clamp(1.0, 6.0) as usize;
        format!("{value:.digits$e}")
    }
}

/// Label of a tick at `10^exponent`; between whole powers nothing, unless the range is so short that it holds hardly one.
pub(super) fn power_of_ten(exponent: f64, range: &Range<f64>) -> String {
    let whole = (exponent - exponent.round()).abs() < 1e-6;
    if whole || range.end - range.start < 1.5 { tick(10f64.powf(exponent)) } else { String::new() }
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
    fn ticks_of_a_narrow_range_differ() {
        assert_eq!([2.50252, 2.5026, 0.0].map(ticks(&(2.5025..2.5027))), ["2.50252", "2.5026", "0"]);
        assert_eq!([0.1, 0.25, 1.0].map(ticks(&(0.0..1.0))), ["0.1", "0.25", "1"]);
        assert_eq!([100.0, 250.0].map(ticks(&(0.0..600.0))), ["100", "250"]);
        assert_eq!([1.5e6, 2e-5].map(ticks(&(0.0..2e6))), ["1.50e6", "0"]);
        assert_eq!([-2.0, -2.5].map(|exponent| power_of_ten(exponent, &(-4.0..0.0))), ["0.01", ""]);
        assert_eq!(power_of_ten(0.5, &(0.0..1.0)), "3.1623");
    }

    #[test]
    fn ticks_are_short() {
        assert_eq!([0.0, 1e-17, 0.25, 12.5, 1e6, 1e-4].map(tick), ["0", "0", "0.25", "12.5", "1.0e6", "1.0e-4"]);
    }
}
