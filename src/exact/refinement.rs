//! Extrapolation to a spacing of zero of what errs with its square, and how much of an error is left.

use super::fokker_planck::Numeric;

/// How far a difference between grids may be from the power of the spacing that it should follow, relatively, to be extrapolated away.
const ORDERLY: f64 = 0.3;

/// Numbers computed with each of the `cells`, every grid twice as fine as the one before, extrapolated to a spacing of zero; see [`limit`].
///
/// # Errors
/// Those of `compute`.
pub fn extrapolate<E>(cells: &[usize], rounding: f64, compute: impl FnMut(usize) -> Result<Vec<f64>, E>) -> Result<Vec<Numeric>, E> {
    let grids = cells.iter().copied().map(compute).collect::<Result<Vec<Vec<f64>>, E>>()?;
    let numbers = grids.first().map_or(0, Vec::len);
    Ok((0..numbers).map(|k| limit(&grids.iter().map(|grid| grid[k]).collect::<Vec<f64>>(), rounding)).collect())
}

/// The limit of numbers from finer and finer grids that err with even powers of the spacing (Richardson and Romberg). A power is taken away as long as the
/// differences that are left fall as it says. The error given is the last correction or, as that may be small by chance, a sixteenth of the one before; and
/// what relative `rounding` of the numbers makes of it.
pub fn limit(numbers: &[f64], rounding: f64) -> Numeric {
    let size = numbers.iter().fold(0.0f64, |size, number| size.max(number.abs()));
    let noise = 2.0 * rounding * size;
    let (mut row, mut factor, mut earlier_correction) = (numbers.to_vec(), 4.0, 0.0f64);
    while let [.., before, last] = row[..] {
        if let [.., earlier, _, _] = row[..] {
            let ratio = (before - earlier) / (last - before);
            let settled = (last - before).abs() <= noise;
            if !settled && !((ratio / factor - 1.0).abs() <= ORDERLY) {
                // Not what was expected: perhaps of the coarsest grid alone; else one careful step, and all of the difference for an error.
                if numbers.len() > 3 {
                    return limit(&numbers[1..], rounding);
                }
                let step = if factor == 4.0 { (last - before) / 3.0 } else { 0.0 };
                return Numeric { value: last + step, error: (last - before).abs() + noise };
            }
        }
        let next: Vec<f64> = row.windows(2).map(|pair| pair[1] + (pair[1] - pair[0]) / (factor - 1.0)).collect();
        let correction = next.last().map_or(f64::NAN, |value| (value - last).abs());
        if let [value] = next[..] {
            return Numeric { value, error: correction.max(earlier_correction / 16.0) + noise };
        }
        (row, factor, earlier_correction) = (next, 4.0 * factor, correction);
    }
    Numeric { value: numbers.last().copied().unwrap_or(f64::NAN), error: f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_the_spacing_are_taken_away() {
        let of = |h: f64| 2.0 + 0.3 * h.powi(2) - 0.1 * h.powi(4) + 0.05 * h.powi(6);
        for (grids, reached) in [(vec![0.4, 0.2, 0.1], 1e-5), (vec![0.4, 0.2, 0.1, 0.05], 1e-13)] {
            let found = limit(&grids.into_iter().map(of).collect::<Vec<f64>>(), 0.0);
            let off = (found.value - 2.0).abs();
            assert!(off <= reached && off <= found.error + 1e-14 && found.error <= 1e-3, "{found:?}");
        }
    }

    #[test]
    fn what_falls_otherwise_keeps_its_error() {
        let of = |h: f64| 2.0 + 0.3 * h;
        let found = limit(&[0.4, 0.2, 0.1].map(of), 0.0);
        assert!(found.error >= (found.value - 2.0).abs() && found.error >= 0.02, "{found:?}");
        assert!(limit(&[1.0, 1.0, f64::NAN], 0.0).error.is_nan() && limit(&[1.0], 0.0).error.is_infinite());
    }
}
