//! The infimum of Brownian motion with drift.

use statrs::distribution::{ContinuousCDF, Normal};

use super::quadrature::integrate;

/// `⟨inf s⟩` over a time in which `s`, from 0, drifts by `rise` and scatters by `2·rise`: entropy production at a constant local velocity.
///
/// `P(inf s < −a) = Φ((−a − τ)/√2τ) + e^{−a} Φ((τ − a)/√2τ)`, `τ` the rise (Borodin & Salminen, Handbook of Brownian Motion, 2.1.2.4).
pub fn mean_infimum(rise: f64) -> f64 {
    const FARTHEST: f64 = 60.0;
    const CELLS: usize = 4000;
    let (normal, width) = (Normal::standard(), (2.0 * rise).sqrt());
    let below = |a: f64| normal.cdf((-a - rise) / width) + (-a).exp() * normal.cdf((rise - a) / width);
    -integrate(0.0, FARTHEST.min(rise + 10.0 * width), CELLS, &below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_times() {
        // Without time to drift the law of −|N| with variance 2τ; after a long time the exponential law.
        let short = 1e-6f64;
        assert!((mean_infimum(short) / -(4.0 * short / std::f64::consts::PI).sqrt() - 1.0).abs() <= 2e-3);
        assert!((mean_infimum(200.0) + 1.0).abs() <= 1e-9);
        assert!(mean_infimum(2.0) > mean_infimum(4.0) && mean_infimum(4.0) > -1.0);
    }
}
