//! The surprise `φ = −ln p_ss` of one coordinate at one value of the protocol, as a smooth function.
//!
//! `p_ss` comes from quadrature. Its slope is exact as well, `(ln p_ss)' = F/T − j/(D p_ss)`, so that Hermite's cubics between evenly spaced nodes
//! are C¹ and err with the fourth power of the spacing.

use super::ring::{CellIntegrals, periodic_logarithms};
use super::{ExactError, positive, range};

/// `φ` over one coordinate.
#[derive(Clone, Debug, PartialEq)]
pub struct Surprise {
    lower: f64,
    upper: f64,
    /// `φ` at the nodes, one more than there are cells.
    values: Vec<f64>,
    /// `dφ/dx` there.
    slopes: Vec<f64>,
}

impl Surprise {
    /// `φ` on a range under a force at a temperature, friction being the same everywhere; see [`Surprise::with_noise`].
    ///
    /// # Errors
    /// When range, temperature or force are not finite, or the cells too wide for the force.
    pub fn new(ends: (f64, f64), periodic: bool, temperature: f64, force: &dyn Fn(f64) -> f64, cells: usize) -> Result<Self, ExactError> {
        positive("the temperature", temperature)?;
        Self::with_noise(ends, periodic, &|x| force(x) / temperature, &|_| 1.0, cells)
    }

    /// `φ` where the current is `D (g p − p')`: `g` is the thermodynamic force, `F/T − a ∂ ln D`, and `relative` the diffusion coefficient in any unit. On a ring
    /// (`periodic`) the force may drive a current; between walls, or in the part of an open range where there is weight, it cannot.
    ///
    /// # Errors
    /// When range, force or diffusion coefficient are not finite, or the cells too wide for the force.
    pub fn with_noise(
        ends: (f64, f64),
        periodic: bool,
        thermodynamic_force: &dyn Fn(f64) -> f64,
        relative: &dyn Fn(f64) -> f64,
        cells: usize,
    ) -> Result<Self, ExactError> {
        let (lower, upper) = ends;
        let length = range(lower, upper)?;
        let spacing = length / cells as f64;
        let CellIntegrals { ratios, ahead, behind } = CellIntegrals::new(lower, spacing, &|x, h| thermodynamic_force(x) * h, relative, cells)?;
        let place = |i: usize| lower + length * i as f64 / cells as f64;
        let slope = |i: usize, flow: f64| flow / relative(place(i)) - thermodynamic_force(place(i));
        let (logarithms, slopes, normal) = if periodic {
            let decays: Vec<f64> = ratios.iter().map(|ratio| (-ratio).exp()).collect();
            let solution = periodic_logarithms(&ratios, &decays, &ahead)?;
            let logarithms = solution.logarithms;
            let slopes = (0..=cells).map(|i| slope(i % cells, solution.direction * (-logarithms[i]).exp())).collect();
            // The trapezoidal rule of a periodic function.
            let normal = log_sum(logarithms.iter().take(cells).map(|logarithm| logarithm + spacing.ln()));
            (logarithms, slopes, normal)
        } else {
            let mut logarithms = vec![0.0];
            for ratio in &ratios {
                logarithms.push(logarithms[logarithms.len() - 1] + ratio);
            }
            let slopes = (0..=cells).map(|i| slope(i, 0.0)).collect();
            let normal = log_sum(logarithms.iter().skip(1).zip(&behind).map(|(logarithm, integral)| logarithm + integral.ln()));
            (logarithms, slopes, normal)
        };
        let values: Vec<f64> = logarithms.iter().map(|logarithm| normal - logarithm).collect();
        match values.iter().chain(&slopes).position(|value| !value.is_finite()) {
            Some(i) => Err(ExactError::NotFinite { what: "force", position: place(i % (cells + 1)) }),
            None => Ok(Self { lower, upper, values, slopes }),
        }
    }

    /// Ends of the grid.
    pub fn ends(&self) -> (f64, f64) {
        (self.lower, self.upper)
    }

    /// Cells of the grid.
    pub fn cells(&self) -> usize {
        self.values.len() - 1
    }

    /// `φ` at the nodes.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// `φ(x)`; beyond the ends the cubic of the first or last cell goes on.
    pub fn at(&self, x: f64) -> f64 {
        let cells = self.cells();
        let place = (x - self.lower) / (self.upper - self.lower) * cells as f64;
        let cell = place.floor().clamp(0.0, cells as f64 - 1.0);
        let [c0, c1, c2, c3] = self.cubic(cell as usize);
        let s = place - cell;
        c0 + s * (c1 + s * (c2 + s * c3))
    }

    /// Coefficients of `1, s, s², s³` in a cell, `s` the place in it.
    fn cubic(&self, cell: usize) -> [f64; 4] {
        let spacing = (self.upper - self.lower) / self.cells() as f64;
        let rise = self.values[cell + 1] - self.values[cell];
        let (left, right) = (self.slopes[cell] * spacing, self.slopes[cell + 1] * spacing);
        [self.values[cell], left, 3.0 * rise - 2.0 * left - right, left + right - 2.0 * rise]
    }

    /// Cubics of `after − self`, cell after cell; both on the same grid.
    pub fn change(&self, after: &Self) -> Vec<f64> {
        let differences = |new: &[f64], old: &[f64]| new.iter().zip(old).map(|(new, old)| new - old).collect();
        let change =
            Self { lower: self.lower, upper: self.upper, values: differences(&after.values, &self.values), slopes: differences(&after.slopes, &self.slopes) };
        (0..change.cells()).flat_map(|cell| change.cubic(cell)).collect()
    }

    /// Largest difference from a finer `φ` where that one is no more than `height` above its lowest.
    pub fn error(&self, finer: &Self, height: f64) -> f64 {
        let lowest = finer.values.iter().fold(f64::INFINITY, |least, value| least.min(*value));
        let place = |i: usize| finer.lower + (finer.upper - finer.lower) * i as f64 / finer.cells() as f64;
        let weighty = finer.values.iter().enumerate().filter(|(_, value)| **value <= lowest + height);
        weighty.map(|(i, value)| (self.at(place(i)) - value).abs()).fold(0.0, f64::max)
    }
}

/// `ln Σ exp`.
fn log_sum(logarithms: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = logarithms.clone().fold(f64::NEG_INFINITY, f64::max);
    largest + logarithms.map(|logarithm| (logarithm - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;
    use crate::exact::ring::Ring;

    #[test]
    fn rings_have_the_density_of_the_ring() {
        for (height, drive, temperature) in [(2.0, 2.0, 1.0), (1.0, -3.0, 0.5), (1.5, 0.0, 0.8), (20.0, 1.0, 0.3)] {
            let force = |x: f64| height * x.sin() + drive;
            let ring = Ring::new(0.0, TAU, 1.7, temperature, &force, 4096).unwrap();
            let surprise = Surprise::new((0.0, TAU), true, temperature, &force, 512).unwrap();
            // Beyond 25 nat above the lowest no trajectory goes.
            let seen = |density: &f64| *density >= (-25f64).exp();
            for (i, density) in ring.density.values().iter().enumerate().filter(|(_, density)| seen(density)) {
                let x = TAU * i as f64 / 4096.0;
                let exact = -density.ln();
                assert!((surprise.at(x) - exact).abs() <= 2e-8 * (1.0 + exact.abs()), "{height} {drive} {x}: {} {exact}", surprise.at(x));
            }
            // Control: another temperature is seen.
            let warmer = Surprise::new((0.0, TAU), true, 1.03 * temperature, &force, 512).unwrap();
            assert!([1.0, 2.0, 4.0].iter().any(|&x| (warmer.at(x) + ring.density.pdf(x).ln()).abs() > 1e-3));
        }
    }

    #[test]
    fn interpolation_errs_with_the_fourth_power_of_the_spacing() {
        let force = |x: f64| 2.0 * x.sin() + 1.0 + 0.7 * (2.0 * x).cos();
        let of = |cells: usize| Surprise::new((0.0, TAU), true, 1.0, &force, cells).unwrap();
        let fine = of(2048);
        let (coarse, half) = (of(32).error(&fine, 30.0), of(64).error(&fine, 30.0));
        assert!(coarse / half > 12.0 && coarse / half < 24.0, "{coarse} {half}");
    }

    #[test]
    fn traps_and_walls_have_boltzmann_laws() {
        let trap = Surprise::new((-14.0, 20.0), false, 0.5, &|x| -0.7 * (x - 3.0), 256).unwrap();
        for x in [-2.0, 0.3, 3.0, 7.77] {
            let exact = 0.7 * (x - 3.0f64).powi(2) + 0.5 * (std::f64::consts::PI / 0.7).ln();
            assert!((trap.at(x) - exact).abs() <= 1e-9, "{x}: {} {exact}", trap.at(x));
        }
        let slope = Surprise::new((0.0, 1.0), false, 0.5, &|_| -5.0, 64).unwrap();
        let exact = |x: f64| 10.0 * x + ((1.0 - (-10f64).exp()) / 10.0).ln();
        assert!([0.0, 0.33, 1.0].iter().all(|&x| (slope.at(x) - exact(x)).abs() <= 1e-9), "{}", slope.at(0.0) - exact(0.0));
    }

    #[test]
    fn a_change_is_the_difference_of_two() {
        let of = |drive: f64| Surprise::new((0.0, TAU), true, 1.0, &|x: f64| 2.0 * x.sin() + drive, 64).unwrap();
        let (before, after) = (of(0.0), of(2.0));
        let cubics = before.change(&after);
        let place: f64 = 17.3;
        let s = place.fract();
        let c = &cubics[4 * 17..];
        let x = TAU * place / 64.0;
        assert!((c[0] + s * (c[1] + s * (c[2] + s * c[3])) - (after.at(x) - before.at(x))).abs() <= 1e-13);
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        assert!(Surprise::new((0.0, 1.0), true, 1.0, &|_| f64::NAN, 16).is_err());
        assert!(Surprise::new((0.0, 0.0), true, 1.0, &|_| 0.0, 16).is_err());
        assert!(Surprise::new((0.0, 1.0), false, -1.0, &|_| 0.0, 16).is_err());
    }
}
