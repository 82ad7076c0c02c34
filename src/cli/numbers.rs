//! Numbers as people like to read them.

/// Decimals beyond which, and magnitudes from which, a number is written with a power of ten.
const MOST_DECIMALS: i32 = 9;
const LARGE: f64 = 1e7;

/// A value and its error, `4.0067` and `0.0012`: the error with two significant digits, the value with as many decimals.
/// Either may carry a power of ten. An error of zero, or none at all, leaves the value alone.
pub(super) fn measured(value: f64, standard_error: f64) -> (String, String) {
    if !value.is_finite() {
        return ("not finite".to_owned(), String::new());
    }
    if standard_error == 0.0 || !standard_error.is_finite() {
        return (plain(value), if standard_error == 0.0 { String::new() } else { "unknown".to_owned() });
    }
    let decimals = decimals_of_error(standard_error);
    let largest = value.abs().max(standard_error);
    if decimals > MOST_DECIMALS || largest >= LARGE {
        let exponent = largest.log10().floor() as i32;
        let decimals = (decimals + exponent).max(0) as usize;
        let scaled = |number: f64| format!("{:.decimals$}e{exponent}", number / 10f64.powi(exponent));
        return (scaled(value), scaled(standard_error));
    }
    let decimals = decimals.max(0) as usize;
    (format!("{value:.decimals$}"), format!("{standard_error:.decimals$}"))
}

/// A reference value, with two decimals more than a measurement of this error has.
pub(super) fn reference(value: f64, standard_error: f64) -> String {
    if !value.is_finite() || standard_error <= 0.0 || !standard_error.is_finite() || value.abs() >= LARGE {
        return plain(value);
    }
    let decimals = decimals_of_error(standard_error) + 2;
    if decimals > MOST_DECIMALS { plain(value) } else { without_trailing_zeros(fixed(value, decimals.max(0) as usize)) }
}

/// So many decimals; what rounds to 0 has no sign.
pub(super) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if !digits.contains(|c: char| c.is_ascii_digit() && c != '0') => digits.to_owned(),
        _ => text,
    }
}

/// A number with about eight significant digits.
pub(super) fn plain(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return value.to_string();
    }
    let exponent = value.abs().log10().floor() as i32;
    if !(-5..8).contains(&exponent) {
        return format!("{value:.4e}");
    }
    without_trailing_zeros(format!("{value:.*}", (7 - exponent).max(0) as usize))
}

/// Decimals that show two significant digits of an error, after rounding: 0.0996 is 0.10.
fn decimals_of_error(standard_error: f64) -> i32 {
    let exponent = standard_error.log10().floor() as i32;
    let rounded = (standard_error / 10f64.powi(exponent - 1)).round();
    if rounded >= 100.0 { -exponent } else { 1 - exponent }
}

fn without_trailing_zeros(text: String) -> String {
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Three significant digits and a prefix: `1.25 G`.
pub(super) fn with_prefix(value: f64) -> String {
    let prefixes = ["", " k", " M", " G", " T", " P"];
    let mut scaled = value;
    let mut index = 0;
    while scaled >= 999.5 && index + 1 < prefixes.len() {
        scaled /= 1000.0;
        index += 1;
    }
    let decimals = if scaled >= 99.95 {
        0
    } else if scaled >= 9.995 {
        1
    } else {
        2
    };
    format!("{scaled:.decimals$}{}", prefixes[index])
}

/// A whole number in groups of three: `1,000,000`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration in the two largest units that matter: `2.4 s`, `3 min 20 s`, `1 h 05 min`.
pub(super) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "unknown".to_owned();
    }
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_two_digits_and_values_as_many_decimals() {
        for (value, error, expected) in [
            (4.00673, 0.00124, ("4.0067", "0.0012")),
            (-0.5, 0.0996, ("-0.50", "0.10")),
            (1234.5, 17.2, ("1234", "17")),
            (123_456.0, 345.0, ("123456", "345")),
            (0.0, 0.3, ("0.00", "0.30")),
            (2.5e-12, 3.1e-14, ("2.500e-12", "0.031e-12")),
            (6.5e9, 1.2e7, ("6.500e9", "0.012e9")),
            (3.0, 0.0, ("3", "")),
            (3.0, f64::NAN, ("3", "unknown")),
            (f64::NAN, 0.1, ("not finite", "")),
        ] {
            let (v, e) = measured(value, error);
            assert_eq!((v.as_str(), e.as_str()), expected);
        }
    }

    #[test]
    fn references_show_more_than_the_measurement() {
        assert_eq!([(-0.0, 0.1), (-1e-9, 0.1), (-0.004, 0.1)].map(|(value, error)| reference(value, error)), ["0", "0", "-0.004"]);
        assert_eq!(reference(4.006_737_946_999, 0.001_2), "4.006738");
        assert_eq!(reference(1.0, 0.001_2), "1");
        assert_eq!(reference(40.0, 12.0), "40");
        assert_eq!(reference(0.1, 0.0), "0.1");
        assert_eq!(plain(f64::INFINITY), "inf");
        assert_eq!(plain(-1.5e-9), "-1.5000e-9");
    }

    #[test]
    fn large_numbers_and_durations() {
        for (value, text) in [(0.0, "0.00"), (999.4, "999"), (999.6, "1.00 k"), (12_345.0, "12.3 k"), (1.25e9, "1.25 G"), (9.999e11, "1.00 T")] {
            assert_eq!(with_prefix(value), text);
        }
        assert_eq!((grouped(7), grouped(1000), grouped(1_234_567)), ("7".into(), "1,000".into(), "1,234,567".into()));
        for (seconds, text) in [(2.44, "2.4 s"), (9.96, "10 s"), (59.7, "1 min 00 s"), (200.0, "3 min 20 s"), (3900.0, "1 h 05 min"), (f64::NAN, "unknown")] {
            assert_eq!(duration(seconds), text);
        }
    }
}
