//! A tabulated probability density of one coordinate.
//!
//! Sampler ([`Density::quantile`]) and log-density ([`Density::ln_pdf`]) describe the same piecewise-linear function, so
//! that a start drawn from the one and scored with the other is exact at any resolution of the table.

use serde::{Deserialize, Serialize};

/// Nodes and weights of the three-point Gauss–Legendre rule on `[0, 1]`.
const GAUSS: [(f64, f64); 3] = [(0.112_701_665_379_258_3, 5.0 / 18.0), (0.5, 8.0 / 18.0), (0.887_298_334_620_741_7, 5.0 / 18.0)];

/// A normalised, piecewise-linear density on an evenly spaced grid over `[lower, upper]`; zero outside.
///
/// For a periodic coordinate the first and the last value are the same point and should be equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Table", into = "Table")]
pub struct Density {
    lower: f64,
    upper: f64,
    /// Density at the nodes.
    values: Vec<f64>,
    /// Probability below every node: first 0, last 1.
    cumulative: Vec<f64>,
}

/// What is stored of a [`Density`].
#[derive(Serialize, Deserialize)]
struct Table {
    lower: f64,
    upper: f64,
    values: Vec<f64>,
}

impl From<Density> for Table {
    fn from(density: Density) -> Self {
        Self { lower: density.lower, upper: density.upper, values: density.values }
    }
}

impl TryFrom<Table> for Density {
    type Error = DensityError;

    fn try_from(table: Table) -> Result<Self, DensityError> {
        let density = Density::new(table.lower, table.upper, table.values.clone())?;
        // Normalising once more would change last digits of what was normalised already.
        let change = density.values.iter().zip(&table.values).map(|(new, old)| (new - old).abs() / new.max(f64::MIN_POSITIVE)).fold(0.0, f64::max);
        Ok(if change <= 1e-12 { Density::from_normalised(table.lower, table.upper, table.values) } else { density })
    }
}

/// Why a table is not a density.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DensityError {
    /// The range is empty or not finite.
    #[error("a density needs a finite range with lower < upper, not [{lower}, {upper}]")]
    Range {
        /// Lower end.
        lower: f64,
        /// Upper end.
        upper: f64,
    },
    /// Too few values to draw a line.
    #[error("a density needs at least 2 values, not {0}")]
    TooFew(usize),
    /// A value is negative or not finite.
    #[error("value {index} of a density is {value}: every value must be finite and not negative")]
    Value {
        /// Which value, from 0.
        index: usize,
        /// The value.
        value: f64,
    },
    /// Nothing to normalise.
    #[error("the values of a density add up to {0}: at least one must be positive, and their sum finite")]
    Total(f64),
}

impl Density {
    /// Normalises the piecewise-linear function through `values`, at evenly spaced nodes from `lower` to `upper`.
    pub fn new(lower: f64, upper: f64, mut values: Vec<f64>) -> Result<Self, DensityError> {
        if !(lower.is_finite() && upper.is_finite() && lower < upper && (upper - lower).is_finite()) {
            return Err(DensityError::Range { lower, upper });
        }
        if values.len() < 2 {
            return Err(DensityError::TooFew(values.len()));
        }
        if let Some((index, &value)) = values.iter().enumerate().find(|(_, value)| !(value.is_finite() && **value >= 0.0)) {
            return Err(DensityError::Value { index, value });
        }
        let width = (upper - lower) / (values.len() - 1) as f64;
        let largest = values.iter().fold(0.0, |largest: f64, &value| largest.max(value));
        let sum = values.windows(2).map(|ends| 0.5 * (ends[0] / largest + ends[1] / largest)).sum::<f64>();
        if !(largest > 0.0 && sum > 0.0 && (1.0 / (sum * width)).is_finite()) {
            return Err(DensityError::Total(sum * largest));
        }
        values.iter_mut().for_each(|value| *value = *value / largest / (sum * width));
        Ok(Self::from_normalised(lower, upper, values))
    }

    /// The cumulative table follows from the normalised values alone, so that storing and reading back gives the same sampler.
    fn from_normalised(lower: f64, upper: f64, values: Vec<f64>) -> Self {
        let mut below = 0.0;
        let halves = values.windows(2).map(|ends| {
            below += 0.5 * (ends[0] + ends[1]);
            below
        });
        let mut cumulative: Vec<f64> = std::iter::once(0.0).chain(halves).collect();
        cumulative.iter_mut().for_each(|value| *value /= below);
        Self { lower, upper, values, cumulative }
    }

    /// As [`Density::new`], from logarithms of the values, up to a common constant; −∞ is zero density.
    pub fn from_logarithms(lower: f64, upper: f64, logarithms: &[f64]) -> Result<Self, DensityError> {
        let largest = logarithms.iter().fold(f64::NEG_INFINITY, |largest, &logarithm| largest.max(logarithm));
        Density::new(lower, upper, logarithms.iter().map(|logarithm| (logarithm - largest).exp()).collect())
    }

    /// The density of `−x`.
    pub fn mirrored(&self) -> Self {
        Self::from_normalised(-self.upper, -self.lower, self.values.iter().rev().copied().collect())
    }

    /// Lower end of the grid.
    pub fn lower(&self) -> f64 {
        self.lower
    }

    /// Upper end of the grid.
    pub fn upper(&self) -> f64 {
        self.upper
    }

    /// Density at the nodes; one more than there are cells.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Distance between nodes.
    pub fn spacing(&self) -> f64 {
        (self.upper - self.lower) / (self.values.len() - 1) as f64
    }

    /// Cell of a position and the fraction of the cell below it; `None` outside the grid (and for NaN).
    fn locate(&self, x: f64) -> Option<(usize, f64)> {
        if !(self.lower <= x && x <= self.upper) {
            return None;
        }
        let cells = self.values.len() - 1;
        let place = (x - self.lower) / (self.upper - self.lower) * cells as f64;
        let cell = (place as usize).min(cells - 1);
        Some((cell, (place - cell as f64).min(1.0)))
    }

    /// Probability density at `x`; 0 outside the grid, NaN for NaN.
    pub fn pdf(&self, x: f64) -> f64 {
        match self.locate(x) {
            Some((cell, fraction)) => self.values[cell] * (1.0 - fraction) + self.values[cell + 1] * fraction,
            None if x.is_nan() => f64::NAN,
            None => 0.0,
        }
    }

    /// Logarithm of the probability density at `x`; −∞ outside the grid.
    pub fn ln_pdf(&self, x: f64) -> f64 {
        self.pdf(x).ln()
    }

    /// Probability below `x`.
    pub fn cdf(&self, x: f64) -> f64 {
        match self.locate(x) {
            Some((cell, fraction)) => {
                let (left, right) = (self.values[cell], self.values[cell + 1]);
                let inside = fraction * (left + 0.5 * (right - left) * fraction) * self.spacing();
                (self.cumulative[cell] + inside).min(self.cumulative[cell + 1])
            }
            None if x.is_nan() => f64::NAN,
            None if x < self.lower => 0.0,
            None => 1.0,
        }
    }

    /// The `x` below which the probability is `u`: the inverse of [`Density::cdf`], for `u` in `[0, 1]` (clamped; NaN gives NaN).
    pub fn quantile(&self, u: f64) -> f64 {
        if u.is_nan() {
            return u;
        }
        // The cell whose upper node is the first above u has a positive mass; u = 1 is the end of the last such cell.
        let above = self.cumulative.partition_point(|&below| below <= u);
        let (cell, inside) = if above < self.cumulative.len() {
            let cell = above.max(1) - 1;
            (cell, (u - self.cumulative[cell]).max(0.0))
        } else {
            let cell = self.cumulative.partition_point(|&below| below < 1.0) - 1;
            (cell, self.cumulative[cell + 1] - self.cumulative[cell])
        };
        let (left, right) = (self.values[cell], self.values[cell + 1]);
        let mass = inside / self.spacing();
        let fraction = risen(left, right, mass);
        self.lower + (self.upper - self.lower) * ((cell as f64 + fraction) / (self.values.len() - 1) as f64)
    }

    /// Mean of a function: three Gauss points a cell, exact for polynomials of degree 4.
    pub fn mean_of(&self, function: &dyn Fn(f64) -> f64) -> f64 {
        let spacing = self.spacing();
        let cells = self.values.windows(2).enumerate().filter(|(_, ends)| ends[0] > 0.0 || ends[1] > 0.0);
        let mean = cells.flat_map(|(cell, ends)| {
            GAUSS.map(|(place, weight)| {
                let density = ends[0] * (1.0 - place) + ends[1] * place;
                weight * density * function(self.lower + (cell as f64 + place) * spacing)
            })
        });
        mean.sum::<f64>() * spacing
    }

    /// Gibbs entropy `−∫ p ln p dx` of the piecewise-linear function, in nats.
    pub fn entropy(&self) -> f64 {
        -self.values.windows(2).map(|ends| integral_of_p_ln_p(ends[0], ends[1])).sum::<f64>() * self.spacing()
    }
}

/// The part of a cell of unit length below which a density that goes straight from `left` to `right` holds a mass.
pub(crate) fn risen(left: f64, right: f64, mass: f64) -> f64 {
    // Root of left·s + (right − left)·s²/2 = mass, in the form without cancellation.
    let root = (left * left + 2.0 * (right - left) * mass).max(0.0).sqrt();
    if mass > 0.0 { (2.0 * mass / (left + root)).min(1.0) } else { 0.0 }
}

/// `∫ p ln p` over a cell of unit length, `p` linear from `left` to `right`.
fn integral_of_p_ln_p(left: f64, right: f64) -> f64 {
    let mean = 0.5 * (left + right);
    if mean <= 0.0 {
        return 0.0;
    }
    let slope = 0.5 * (right - left).abs() / mean;
    // ½ ∫ (1 + s t) ln(1 + s t) dt over −1 < t < 1: closed form, or its series where that cancels.
    let square = slope * slope;
    let excess = if slope < 0.1 {
        square * (1.0 / 6.0 + square * (1.0 / 60.0 + square * (1.0 / 210.0 + square * (1.0 / 504.0 + square / 990.0))))
    } else {
        let primitive = |y: f64| if y > 0.0 { 0.5 * y * y * y.ln() - 0.25 * y * y } else { 0.0 };
        (primitive(1.0 + slope) - primitive(1.0 - slope)) / (2.0 * slope)
    };
    mean * (mean.ln() + excess)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64, tolerance: f64) -> bool {
        (value - expected).abs() <= tolerance
    }

    fn gaussian(cells: usize) -> Density {
        let value = |i: usize| (-0.5 * (-10.0 + 20.0 * i as f64 / cells as f64).powi(2)).exp();
        Density::new(-10.0, 10.0, (0..=cells).map(value).collect()).unwrap()
    }

    #[test]
    fn the_judge_can_fail() {
        assert!(close(1.0, 1.0, 0.0));
        assert!(!close(f64::NAN, 1.0, 1.0) && !close(1.0, f64::NAN, 1.0) && !close(-1.0, 1.0, 1e-3) && !close(1.03, 1.0, 1e-3));
    }

    #[test]
    fn quantile_inverts_cdf_even_on_a_coarse_lopsided_table() {
        let density = Density::new(-1.0, 3.0, vec![0.0, 2.0, 0.0, 0.0, 1.0, 5.0, 0.0]).unwrap();
        for k in 0..=1000 {
            let u = k as f64 / 1000.0;
            let x = density.quantile(u);
            assert!((-1.0..=3.0).contains(&x), "{u} {x}");
            assert!(close(density.cdf(x), u, 1e-14), "{u}: {}", density.cdf(x));
        }
        assert_eq!(density.quantile(0.0), -1.0);
        assert!(close(density.quantile(1.0), 3.0, 1e-7));
        assert!(density.quantile(f64::NAN).is_nan());
        // Control: a sampler off by 3 % of a cell is seen.
        let x = density.quantile(0.5);
        assert!(!close(density.cdf(x + 0.03 * density.spacing()), 0.5, 1e-14));
    }

    #[test]
    fn cdf_is_the_integral_of_pdf() {
        let density = Density::new(0.0, 1.0, vec![1.0, 3.0, 0.5, 0.0, 4.0]).unwrap();
        for (from, to) in [(0.05, 0.2), (0.26, 0.4), (0.5, 0.7), (0.8, 1.0)] {
            // Simpson's rule is exact for a linear function.
            let integral = (to - from) / 6.0 * (density.pdf(from) + 4.0 * density.pdf(0.5 * (from + to)) + density.pdf(to));
            assert!(close(density.cdf(to) - density.cdf(from), integral, 1e-15));
        }
        assert_eq!((density.cdf(-1.0), density.cdf(1.0), density.cdf(2.0)), (0.0, 1.0, 1.0));
        assert_eq!((density.pdf(-1e-9), density.ln_pdf(1.1)), (0.0, f64::NEG_INFINITY));
        assert!(density.pdf(f64::NAN).is_nan() && density.cdf(f64::NAN).is_nan());
    }

    #[test]
    fn weights_of_an_integral_theorem_are_exact_at_any_resolution() {
        // ⟨q(x)/p(x)⟩ over x drawn from p is 1 for any normalised q: midpoint in u of the substituted integral.
        let p = Density::new(0.0, 1.0, vec![1.0, 2.0, 1.5]).unwrap();
        let q = Density::new(0.0, 1.0, vec![2.0, 1.0, 1.0, 3.0]).unwrap();
        let points = 200_000;
        let mean = |shift: f64| {
            let weight = |k| {
                let x = p.quantile((f64::from(k) + 0.5) / f64::from(points));
                (q.ln_pdf(x) - p.ln_pdf((x + shift).min(1.0))).exp()
            };
            (0..points).map(weight).sum::<f64>() / f64::from(points)
        };
        assert!(close(mean(0.0), 1.0, 1e-9), "{}", mean(0.0));
        assert!(!close(mean(0.01), 1.0, 1e-3));
    }

    #[test]
    fn moments_and_entropy() {
        let uniform = Density::new(2.0, 6.0, vec![3.0; 5]).unwrap();
        assert!(close(uniform.entropy(), 4f64.ln(), 1e-14));
        assert!(close(uniform.mean_of(&|x| x * x), (216.0 - 8.0) / 12.0, 1e-12));
        // p = 2x: −∫ 2x ln 2x dx = ½ − ln 2.
        for cells in [1, 2, 64] {
            let wedge = Density::new(0.0, 1.0, (0..=cells).map(f64::from).collect()).unwrap();
            assert!(close(wedge.entropy(), 0.5 - 2f64.ln(), 1e-13), "{cells}: {}", wedge.entropy());
            assert!(close(wedge.mean_of(&|x| x.powi(4)), 1.0 / 3.0, 1e-13));
        }
        let normal = gaussian(4096);
        assert!(close(normal.entropy(), 0.5 * (std::f64::consts::TAU.ln() + 1.0), 1e-5));
        assert!(close(normal.mean_of(&|x| x * x), 1.0, 1e-5));
        assert!(!close(normal.mean_of(&|x| x * x), 1.03, 1e-5));
    }

    #[test]
    fn both_branches_of_the_entropy_agree() {
        // A cell cut in two pieces has the same integral, whatever branch the pieces take.
        for slope in [0.0999, 0.1001, 0.5, 1.0] {
            let (left, right) = (2.0 * (1.0 - slope), 2.0 * (1.0 + slope));
            let halves = 0.5 * (integral_of_p_ln_p(left, 2.0) + integral_of_p_ln_p(2.0, right));
            assert!(close(integral_of_p_ln_p(left, right), halves, 1e-13), "{slope}");
        }
    }

    #[test]
    fn bad_tables_are_refused() {
        assert_eq!(Density::new(1.0, 1.0, vec![1.0; 3]), Err(DensityError::Range { lower: 1.0, upper: 1.0 }));
        assert!(matches!(Density::new(0.0, f64::NAN, vec![1.0; 3]), Err(DensityError::Range { .. })));
        assert_eq!(Density::new(0.0, 1.0, vec![1.0]), Err(DensityError::TooFew(1)));
        assert!(matches!(Density::new(0.0, 1.0, vec![1.0, f64::NAN]), Err(DensityError::Value { index: 1, .. })));
        assert!(matches!(Density::new(0.0, 1.0, vec![-1.0, 1.0]), Err(DensityError::Value { index: 0, .. })));
        assert!(matches!(Density::new(0.0, 1.0, vec![0.0, 0.0]), Err(DensityError::Total(_))));
        assert!(Density::from_logarithms(0.0, 1.0, &[f64::NEG_INFINITY; 3]).is_err());
        assert!(Density::from_logarithms(0.0, 1.0, &[0.0, f64::NAN]).is_err());
    }

    #[test]
    fn logarithms_far_from_zero_and_json() {
        let density = Density::from_logarithms(0.0, 1.0, &[-5000.0, -5000.0 + 2f64.ln(), f64::NEG_INFINITY]).unwrap();
        for (value, expected) in density.values().iter().zip([0.8, 1.6, 0.0]) {
            assert!(close(*value, expected, 1e-12));
        }
        let json = serde_json::to_string(&density).unwrap();
        assert!(!json.contains("cumulative"));
        let back: Density = serde_json::from_str(&json).unwrap();
        assert!(close(back.pdf(0.3), density.pdf(0.3), 1e-14));
        assert_eq!(Density::try_from(Table::from(density.clone())), Ok(density));
        assert!(serde_json::from_str::<Density>(r#"{"lower":0,"upper":1,"values":[1,-1]}"#).is_err());
        let heavy: Density = serde_json::from_str(r#"{"lower":0,"upper":1,"values":[2,2]}"#).unwrap();
        assert_eq!(heavy.pdf(0.5), 1.0);
    }
}
