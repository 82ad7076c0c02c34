//! Composite Gauss quadrature, and the range that holds the equilibrium of an open coordinate.

use super::{ExactError, positive, range};

/// Nodes and weights of the three-point Gauss–Legendre rule on `[0, 1]`.
pub(crate) const NODES: [f64; 3] = [0.112_701_665_379_258_31, 0.5, 0.887_298_334_620_741_7];
/// Weights that go with [`NODES`].
pub(crate) const WEIGHTS: [f64; 3] = [5.0 / 18.0, 8.0 / 18.0, 5.0 / 18.0];

/// Height above the minimum, in units of the temperature, beyond which equilibrium has no weight (e⁻⁴⁵ = 3·10⁻²⁰).
const DEPTH: f64 = 45.0;
/// Decades of |x| that the search for the minimum looks at: 10⁻¹² to 10¹².
const DECADES: i32 = 12;
/// Points a decade of that search.
const PER_DECADE: i32 = 64;

/// `∫ function dx` by three Gauss points in each of `cells` equal cells; the error falls as the sixth power of the spacing.
pub fn integrate(lower: f64, upper: f64, cells: usize, function: &dyn Fn(f64) -> f64) -> f64 {
    let spacing = (upper - lower) / cells as f64;
    let cell = |i: usize| -> f64 { NODES.iter().zip(WEIGHTS).map(|(node, weight)| weight * function(lower + (i as f64 + node) * spacing)).sum() };
    (0..cells).map(cell).sum::<f64>() * spacing
}

/// `ln ∫ exp(logarithm) dx`, by the rule of [`integrate`], for logarithms of any size; −∞ where the integrand is 0 everywhere.
pub fn log_integral(lower: f64, upper: f64, cells: usize, logarithm: &dyn Fn(f64) -> f64) -> f64 {
    let spacing = (upper - lower) / cells as f64;
    let logarithms: Vec<[f64; 3]> = (0..cells).map(|i| NODES.map(|node| logarithm(lower + (i as f64 + node) * spacing))).collect();
    let largest = logarithms.iter().flatten().fold(f64::NEG_INFINITY, |largest, &value| largest.max(value));
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    let sum: f64 = logarithms.iter().flat_map(|cell| cell.iter().zip(WEIGHTS)).map(|(value, weight)| weight * (value - largest).exp()).sum();
    largest + (sum * spacing).ln()
}

/// The range outside which `exp(−U/T)` is below e⁻⁴⁵ of its maximum, for an open coordinate.
///
/// The minimum is looked for at 64 points a decade of |x| from 10⁻¹² to 10¹², then refined. Errors when the potential does
/// not rise by 45 T on both sides, or falls without bound.
pub fn confined_range(potential: &dyn Fn(f64) -> f64, temperature: f64) -> Result<(f64, f64), ExactError> {
    positive("the temperature", temperature)?;
    // Where a formula overflows (∞ − ∞), the potential counts as a barrier, unless it is −∞.
    let height = |x: f64| Some(potential(x)).filter(|u| !u.is_nan()).unwrap_or(f64::INFINITY);
    let mut points: Vec<f64> =
        (-DECADES * PER_DECADE..=DECADES * PER_DECADE).map(|k| 10f64.powf(f64::from(k) / f64::from(PER_DECADE))).flat_map(|x| [-x, x]).chain([0.0]).collect();
    points.sort_by(f64::total_cmp);
    let heights: Vec<f64> = points.iter().map(|&x| height(x)).collect();
    let lowest = (1..points.len() - 1).fold(0, |lowest, i| if heights[i] < heights[lowest] { i } else { lowest });
    if lowest == 0 || heights[points.len() - 1] <= heights[lowest] || heights[lowest] == f64::NEG_INFINITY {
        return Err(ExactError::NotConfining);
    }
    let (bottom, minimum) = refine(&height, points[lowest - 1], points[lowest], points[lowest + 1]);
    let outside = |u: f64| u - minimum > DEPTH * temperature;
    if !(outside(heights[0]) && outside(heights[points.len() - 1])) {
        return Err(ExactError::NotConfining);
    }
    // The outermost points inside, or the minimum itself where the well is narrower than the search.
    let inside: Vec<f64> = points.iter().zip(&heights).filter(|(_, u)| !outside(**u)).map(|(x, _)| *x).chain([bottom]).collect();
    let (first, last) = inside.iter().fold((bottom, bottom), |(first, last), &x| (x.min(first), x.max(last)));
    let before = points[points.partition_point(|&x| x < first).max(1) - 1];
    let after = points[points.partition_point(|&x| x <= last).min(points.len() - 1)];
    let (lower, upper) = (crossing(&|x| outside(height(x)), first, before), crossing(&|x| outside(height(x)), last, after));
    range(lower, upper)?;
    Ok((lower, upper))
}

/// Golden-section search for the minimum between `left` and `right`; answers where it is and how low.
fn refine(height: &dyn Fn(f64) -> f64, mut left: f64, middle: f64, mut right: f64) -> (f64, f64) {
    const RATIO: f64 = 0.618_033_988_749_894_8;
    let mut best = (middle, height(middle));
    for _ in 0..80 {
        let (a, b) = (right - RATIO * (right - left), left + RATIO * (right - left));
        let (low, high) = (height(a), height(b));
        for (x, u) in [(a, low), (b, high)] {
            if u < best.1 {
                best = (x, u);
            }
        }
        if low < high { right = b } else { left = a }
    }
    best
}

/// The place, on the outside, where `outside` turns true between a point inside and one outside.
fn crossing(outside: &dyn Fn(f64) -> bool, mut within: f64, mut beyond: f64) -> f64 {
    for _ in 0..80 {
        let middle = 0.5 * (within + beyond);
        if outside(middle) { beyond = middle } else { within = middle }
    }
    beyond
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrals_of_known_functions() {
        assert!((integrate(0.0, 2.0, 1, &|x| x.powi(5)) - 64.0 / 6.0).abs() <= 1e-13);
        assert!((integrate(0.0, 1.0, 64, &f64::exp) - (1f64.exp() - 1.0)).abs() <= 1e-13);
        let shifted = log_integral(-10.0, 10.0, 200, &|x| 900.0 - 0.5 * x * x);
        assert!((shifted - 900.0 - 0.5 * std::f64::consts::TAU.ln()).abs() <= 1e-10, "{shifted}");
        assert_eq!(log_integral(0.0, 1.0, 4, &|_| f64::NEG_INFINITY), f64::NEG_INFINITY);
    }

    #[test]
    fn ranges_hold_wells_of_any_place_and_size() {
        for (centre, width) in [(0.0, 1.0), (1000.0, 0.01), (-3e-6, 1e-8), (0.3, 1e4)] {
            let (lower, upper) = confined_range(&|x| 0.5 * ((x - centre) / width).powi(2), 1.0).unwrap();
            let reach = 90f64.sqrt() * width;
            assert!((lower - centre + reach).abs() <= 1e-6 * reach && (upper - centre - reach).abs() <= 1e-6 * reach, "{centre} {width}: {lower} {upper}");
        }
        // Both wells of a double well, at a temperature that the barrier dwarfs.
        let (lower, upper) = confined_range(&|x| (x * x - 1.0).powi(2), 1e-3).unwrap();
        assert!(lower < -1.0 && upper > 1.0 && upper < 1.2);
    }

    #[test]
    fn potentials_without_equilibrium_are_refused() {
        let cases: [&dyn Fn(f64) -> f64; 6] = [&f64::cos, &|x| x, &|x| -x.powi(4), &|_| 0.0, &|_| f64::NAN, &|x| x.powi(3)];
        for (i, potential) in cases.iter().enumerate() {
            assert_eq!(confined_range(potential, 1.0), Err(ExactError::NotConfining), "{i}");
        }
        assert!(matches!(confined_range(&|x| x * x, -1.0), Err(ExactError::NotPositive { .. })));
    }
}
