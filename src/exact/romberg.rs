//! The limit of short steps for rules whose errors have even powers of the step alone (L. F. Richardson, 1911; W. Romberg, 1955).
//!
//! A law that evolves at moving rates is such a case: in every step rates stand still at their value in the middle, where uniformisation is exact.

/// Steps of the first try.
const FEWEST: usize = 4;
/// Steps of the last try.
const MOST: usize = 512;
/// Error at which doubling ends.
const WANTED: f64 = 1e-11;
/// Error with which an answer is still one.
const ACCEPTED: f64 = 1e-7;

/// Limits of many numbers at once.
#[derive(Clone, Debug)]
pub struct Limit {
    /// The numbers.
    pub values: Vec<f64>,
    /// Estimated error: the last change, as a part of the largest number of a kind, for the kind where it is largest.
    pub error: f64,
}

/// The limit of `rule(steps)`, by doubling the steps; `kinds` gives the lengths of the parts of the answer that differ in size.
/// `None` where the rule has no answer, or the answers do not settle.
pub fn limit(kinds: &[usize], rule: &mut dyn FnMut(usize) -> Option<Vec<f64>>) -> Option<Limit> {
    let mut row = vec![rule(FEWEST)?];
    let mut best: Option<Limit> = None;
    let mut steps = FEWEST;
    while steps < MOST {
        steps *= 2;
        let mut next = vec![rule(steps)?];
        let mut power = 1.0;
        for column in 0..row.len() {
            power *= 4.0;
            let better =
                next[column].iter().zip(&row[column]).map(|(fine, coarse)| if fine == coarse { *fine } else { fine + (fine - coarse) / (power - 1.0) });
            next.push(better.collect());
        }
        let values = next.last()?.clone();
        let error = change(kinds, &values, row.last()?);
        row = next;
        // Two answers may agree by chance.
        if row.len() < 3 {
            continue;
        }
        let settles = best.as_ref().is_none_or(|best| error < best.error);
        if settles {
            best = Some(Limit { values, error });
        }
        // Once rounding is reached, more steps add to it.
        if error <= WANTED || !settles && best.as_ref().is_some_and(|best| best.error <= 100.0 * WANTED) {
            break;
        }
    }
    best.filter(|best| best.error <= ACCEPTED)
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
    fn a_rate_that_moves_is_integrated() {
        // Decay at rate 1 + sin t: p = exp(−t − 1 + cos t).
        let chain = Chain::new(2, vec![0], vec![1]);
        let found = limit(&[2], &mut |steps| {
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
            |f: fn(f64) -> f64| limit(&[1], &mut |steps| Some(vec![(0..steps).map(|step| f((step as f64 + 0.5) / steps as f64)).sum::<f64>() / steps as f64]));
        assert!(rule(|t| f64::from(t > 0.3)).is_none());
        assert!(rule(|t| (t - 0.3).abs()).is_none_or(|limit| limit.error > 1e-9 && (limit.values[0] - 0.29).abs() <= 1e-5));
        assert!(rule(|t| t.exp()).is_some_and(|limit| (limit.values[0] - (1f64.exp() - 1.0)).abs() <= 1e-12));
    }
}
