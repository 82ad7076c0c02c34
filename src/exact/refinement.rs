//! Extrapolation to a spacing, or a step, of zero of what errs with even powers of it, and how much of an error is left (L. F. Richardson, 1911; W. Romberg, 1955).
//!
//! Grids are so few that their differences must be orderly ([`limit`]). Steps of time may be halved until the answer settles ([`settle`]): a law that evolves
//! at moving rates is such a case, where rates stand still in every step at their value in the middle.

use super::fokker_planck::Numeric;

/// How far a difference between grids may be from the power of the spacing that it should follow, relatively, to be extrapolated away.
const ORDERLY: f64 = 0.3;
/// Steps of the first and of the last try to settle.
const FEWEST: usize = 4;
const MOST: usize = 512;
/// Error at which doubling ends.
const WANTED: f64 = 1e-11;
/// Error with which an answer is still one.
const ACCEPTED: f64 = 1e-7;

/// Numbers computed with each of the `cells`, every grid twice as fine as the one before, extrapolated to a spacing of zero; see [`limit`].
///
/// # Errors
/// Those of `compute`.
pub fn extrapolate<E>(cells: &[usize], rounding: f64, compute: impl FnMut(usize) -> Result<Vec<f64>, E>) -> Result<Vec<Numeric>, E> {
    let grids = cells.iter().copied().map(compute).collect::<Result<Vec<Vec<f64>>, E>>()?;
    let numbers = grids.first().map_or(0, Vec::len);
    Ok((0..numbers).map(|k| limit(&grids.iter().map(|grid| grid[k]).collect::<Vec<f64>>(), rounding)).collect())
}

/// Takes away an error that is `factor` times smaller in `fine` than in `coarse`.
fn corrected(coarse: f64, fine: f64, factor: f64) -> f64 {
    fine + (fine - coarse) / (factor - 1.0)
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
        let next: Vec<f64> = row.windows(2).map(|pair| corrected(pair[0], pair[1], factor)).collect();
        let correction = next.last().map_or(f64::NAN, |value| (value - last).abs());
        if let [value] = next[..] {
            return Numeric { value, error: correction.max(earlier_correction / 16.0) + noise };
        }
        (row, factor, earlier_correction) = (next, 4.0 * factor, correction);
    }
    Numeric { value: numbers.last().copied().unwrap_or(f64::NAN), error: f64::INFINITY }
}

/// Limits of many numbers at once.
#[derive(Clone, Debug)]
pub struct Limit {
    /// The numbers.
    pub values: Vec<f64>,
    /// Estimated error of each: its last change.
    pub errors: Vec<f64>,
    /// Estimated error of all, as it was measured; by [`settle`] the last change, as a part of the largest number of a kind, for the kind where it is largest.
    pub error: f64,
}

/// The limit of `rule(steps)`, whose error has even powers of the step alone, by doubling the steps; `kinds` gives the lengths of the parts of the answer that differ in size.
/// `None` where the rule has no answer, or the answers do not settle.
pub fn settle(kinds: &[usize], rule: &mut dyn FnMut(usize) -> Option<Vec<f64>>) -> Option<Limit> {
    settle_within((FEWEST, MOST), &|values, before| change(kinds, values, before), rule).filter(|best| best.error <= ACCEPTED)
}

/// The same from so few steps to so many, by a measure of one's own for the change from one answer to the next; the best one, whatever its error.
pub fn settle_within(
    (fewest, most): (usize, usize),
    measure: &dyn Fn(&[f64], &[f64]) -> f64,
    rule: &mut dyn FnMut(usize) -> Option<Vec<f64>>,
) -> Option<Limit> {
    let mut row = vec![rule(fewest)?];
    let mut best: Option<Limit> = None;
    let mut steps = fewest;
    while steps < most || row.len() < 3 {
        steps *= 2;
        let mut next = vec![rule(steps)?];
        let mut factor = 1.0;
        for column in 0..row.len() {
            factor *= 4.0;
            // What is infinite in both stays so.
            let better = |(fine, coarse): (&f64, &f64)| if fine == coarse { *fine } else { corrected(*coarse, *fine, factor) };
            next.push(next[column].iter().zip(&row[column]).map(better).collect());
        }
        let values = next.last()?.clone();
        let before = row.last()?;
        let error = measure(&values, before);
        let errors = values.iter().zip(before).map(|(value, before)| if value == before { 0.0 } else { (value - before).abs() }).collect();
        row = next;
        // Two answers may agree by chance.
        if row.len() < 3 {
            continue;
        }
        let settles = best.as_ref().is_none_or(|best| error < best.error);
        if settles {
            best = Some(Limit { values, errors, error });
        }
        // Once rounding is reached, more steps add to it.
        if error <= WANTED || !settles && best.as_ref().is_some_and(|best| best.error <= 100.0 * WANTED) {
            break;
        }
    }
    best
}

/// The largest change of any kind, as a part of the largest number of it.
fn change(kinds: &[usize], values: &[f64], before: &[f64]) -> f64 {
    let mut first = 0;
    let mut of_kind = |&length: &usize| {
        let range = first..first + length;
        first = range.end;
        let size = values[range.clone()].iter().filter(|value| value.is_finite()).fold(0.0f64, |most, value| most.max(value.abs()));
        let moved = values[range.clone()].iter().zip(&before[range]).filter(|(a, b)| a != b).map(|(a, b)| (a - b).abs());
        // NaN counts as infinite.
        moved.fold(0.0f64, |most, moved| {
            if moved <= most {
                most
            } else if moved.is_nan() {
                f64::INFINITY
            } else {
                moved
            }
        }) / size.max(f64::MIN_POSITIVE)
    };
    kinds.iter().map(&mut of_kind).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::chain::Chain;

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

    #[test]
    fn a_rate_that_moves_is_integrated() {
        // Decay at rate 1 + sin t: p = exp(−t − 1 + cos t).
        let chain = Chain::new(2, vec![0], vec![1]);
        let found = settle(&[2], &mut |steps| {
            let (mut p, length) = (vec![1.0, 0.0], 5.0 / steps as f64);
            for step in 0..steps {
                chain.propagate(&mut p, &[1.0 + ((step as f64 + 0.5) * length).sin()], length);
            }
            Some(p)
        })
        .expect("the rate is smooth");
        let missed = (found.values[0] - (-5.0 - 1.0 + 5f64.cos()).exp()).abs();
        assert!(missed <= 10.0 * found.error && found.error <= 1e-10, "{found:?} {missed}");
    }

    #[test]
    fn a_kink_converges_slowly_and_a_jump_not_at_all() {
        let rule =
            |f: fn(f64) -> f64| settle(&[1], &mut |steps| Some(vec![(0..steps).map(|step| f((step as f64 + 0.5) / steps as f64)).sum::<f64>() / steps as f64]));
        assert!(rule(|t| f64::from(t > 0.3)).is_none());
        assert!(rule(|t| (t - 0.3).abs()).is_none_or(|limit| limit.error > 1e-9 && (limit.values[0] - 0.29).abs() <= 1e-5));
        assert!(rule(|t| t.exp()).is_some_and(|limit| (limit.values[0] - (1f64.exp() - 1.0)).abs() <= 1e-12));
    }
}
