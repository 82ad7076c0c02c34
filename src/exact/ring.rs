//! The stationary state of an overdamped particle on a ring, `γ dx = F(x) dt + sqrt(2 γ T) dW`, under any periodic force.
//!
//! Velocity: Stratonovich (1958). Effective diffusion: Reimann, Van den Broeck, Linke, Hänggi, Rubi & Pérez-Madrid,
//! Phys. Rev. Lett. 87, 010602 (2001). Both rest on two positive periodic functions that are carried from node to node by
//! sums of positive terms, with a scale beside them, so that neither strong drives nor high barriers lose digits.

use super::quadrature::{NODES, WEIGHTS};
use super::{ExactError, positive, range};
use crate::density::Density;

/// Integrals of the three Lagrange polynomials on [`NODES`] from 0 to each node.
const INNER: [[f64; 3]; 3] = [
    [0.138_888_888_888_888_9, -0.035_976_667_524_938_9, 0.009_789_444_015_308_3],
    [0.300_263_194_980_864_6, 0.222_222_222_222_222_2, -0.022_485_417_203_086_8],
    [0.267_988_333_762_469_5, 0.480_421_111_969_383_3, 0.138_888_888_888_888_9],
];

/// Largest `|∫ F/T|` over one cell: beyond it the grid sees nothing of the density.
const STEEPEST: f64 = 300.0;

/// The stationary state of a driven ring.
#[derive(Clone, Debug)]
pub struct Ring {
    /// Stationary density; first and last value are the same point.
    pub density: Density,
    /// Mean velocity of the unwrapped coordinate.
    pub velocity: f64,
    /// Probability current, `velocity/L`.
    pub current: f64,
    /// Effective diffusion constant of the unwrapped coordinate, `lim Var(Δx)/(2t)`.
    pub effective_diffusion: f64,
    /// Entropy production rate `j ∮F dx / T`, in nats per unit time.
    pub entropy_production_rate: f64,
}

impl Ring {
    /// The stationary state on `[lower, upper)` with friction `γ` and temperature `T`, from `cells` cells (1024 give 10 digits of smooth forces).
    pub fn new(lower: f64, upper: f64, friction: f64, temperature: f64, force: &dyn Fn(f64) -> f64, cells: usize) -> Result<Self, ExactError> {
        let diffusion = positive("the temperature", temperature)? / positive("the friction", friction)?;
        let slope = |x: f64, spacing: f64| force(x) * spacing / temperature;
        Self::solve(lower, upper, diffusion, &slope, &|_| 1.0, cells)
    }

    /// The same where friction or temperature depend on place: the current is `D [g p − p']`, with the diffusion coefficient `D(x)` and the
    /// thermodynamic force `g(x) = F/T − a ∂ ln D` (Itô `a = 1`, Stratonovich ½, anti-Itô 0).
    pub fn with_noise(
        lower: f64,
        upper: f64,
        diffusion: &dyn Fn(f64) -> f64,
        thermodynamic_force: &dyn Fn(f64) -> f64,
        cells: usize,
    ) -> Result<Self, ExactError> {
        let reference = positive("the diffusion coefficient", diffusion(lower))?;
        for i in 0..=cells {
            positive("the diffusion coefficient", diffusion(lower + (upper - lower) * i as f64 / cells as f64))?;
        }
        Self::solve(lower, upper, reference, &|x, spacing| thermodynamic_force(x) * spacing, &|x| diffusion(x) / reference, cells)
    }

    /// `slope` is the thermodynamic force times a length, `relative` the diffusion coefficient in units of `diffusion`.
    fn solve(lower: f64, upper: f64, diffusion: f64, slope: &dyn Fn(f64, f64) -> f64, relative: &dyn Fn(f64) -> f64, cells: usize) -> Result<Self, ExactError> {
        let length = range(lower, upper)?;
        let cells = cells.max(8);
        let CellIntegrals { ratios, ahead, behind } = CellIntegrals::new(lower, length / cells as f64, slope, relative, cells)?;
        let decays: Vec<f64> = ratios.iter().map(|ratio| (-ratio).exp()).collect();
        let density = periodic_logarithms(&ratios, &decays, &ahead)?;
        let backwards = |values: &[f64]| values.iter().rev().copied().collect::<Vec<f64>>();
        let mut adjoint = periodic_logarithms(&backwards(&ratios), &backwards(&decays), &backwards(&behind))?.logarithms;
        adjoint.reverse();
        let mean = |logarithm: &dyn Fn(usize) -> f64| {
            let largest = (0..cells).map(logarithm).fold(f64::NEG_INFINITY, f64::max);
            largest + ((0..cells).map(|i| (logarithm(i) - largest).exp()).sum::<f64>() / cells as f64).ln()
        };
        let logarithms = &density.logarithms;
        let of_density = mean(&|i| logarithms[i]);
        // In the coordinate ∫ dx/sqrt(D) the noise is additive; written back in x, Reimann's formula has one factor 1/D.
        let of_adjoint = mean(&|i| adjoint[i] - relative(lower + length * i as f64 / cells as f64).ln());
        let of_both = mean(&|i| 2.0 * logarithms[i] + adjoint[i]);
        // The recursion is in units of a current D; node values sum to 1/L when divided by their mean times L.
        let current = if density.direction == 0.0 { 0.0 } else { density.direction * diffusion * (-of_density).exp() / length };
        let affinity: f64 = ratios.iter().sum();
        Ok(Self {
            density: Density::from_logarithms(lower, upper, logarithms)?,
            velocity: current * length,
            current,
            effective_diffusion: diffusion * (of_both - 2.0 * of_density - of_adjoint).exp(),
            entropy_production_rate: if density.direction == 0.0 { 0.0 } else { current * affinity },
        })
    }

    /// Mean velocity at a place, `j/p(x)`: what housekeeping entropy is made of.
    pub fn local_velocity(&self, x: f64) -> f64 {
        self.current / self.density.pdf(x)
    }

    /// Stationary mean of a periodic function, by the trapezoidal rule, which converges exponentially for smooth ones.
    pub fn mean_of(&self, function: &dyn Fn(f64) -> f64) -> f64 {
        let (lower, spacing, values) = (self.density.lower(), self.density.spacing(), self.density.values());
        let nodes = values.iter().enumerate().take(values.len() - 1);
        nodes.map(|(i, value)| value * function(lower + i as f64 * spacing)).sum::<f64>() * spacing
    }
}

/// What the recursions need of every cell.
pub(super) struct CellIntegrals {
    /// `∫ F/T` over the cell.
    pub(super) ratios: Vec<f64>,
    /// `∫ exp(−∫ F/T from the left node to y) dy`, divided by the relative diffusion coefficient at `y`.
    pub(super) ahead: Vec<f64>,
    /// `∫ exp(−∫ F/T from y to the right node) dy`.
    pub(super) behind: Vec<f64>,
}

impl CellIntegrals {
    pub(super) fn new(lower: f64, spacing: f64, slope: &dyn Fn(f64, f64) -> f64, relative: &dyn Fn(f64) -> f64, cells: usize) -> Result<Self, ExactError> {
        let mut integrals = Self { ratios: Vec::with_capacity(cells), ahead: Vec::with_capacity(cells), behind: Vec::with_capacity(cells) };
        for i in 0..cells {
            let places = NODES.map(|node| lower + (i as f64 + node) * spacing);
            let slopes = places.map(|x| slope(x, spacing));
            if let Some(k) = slopes.iter().position(|slope| !slope.is_finite()) {
                return Err(ExactError::NotFinite { what: "force", position: places[k] });
            }
            let dot = |weights: &[f64; 3]| weights.iter().zip(slopes).map(|(weight, slope)| weight * slope).sum::<f64>();
            let ratio = dot(&WEIGHTS);
            let partial = INNER.map(|row| dot(&row));
            let integral = |exponents: [f64; 3]| exponents.iter().zip(WEIGHTS).map(|(value, weight)| weight * value.exp()).sum::<f64>() * spacing;
            let weights = places.map(|x| -relative(x).ln());
            integrals.ratios.push(ratio);
            integrals.ahead.push(integral([0, 1, 2].map(|k| weights[k] - partial[k])));
            integrals.behind.push(integral(partial.map(|value| value - ratio)));
        }
        Ok(integrals)
    }
}

/// A positive periodic solution of `p_i = exp(−r_i) p_{i+1} + b_i j`.
pub(super) struct PeriodicSolution {
    /// `ln p_i` at the nodes, the first repeated at the end; for `|j| = 1`, or any scale where `j = 0`.
    pub(super) logarithms: Vec<f64>,
    /// Sign of `j`: that of `Σ r`, or 0.
    pub(super) direction: f64,
}

/// Solves `p_i = exp(−r_i) p_{i+1} + b_i j` around the ring, from the `ratios` `r_i`, the `decays` `exp(−r_i)` and the `sources` `b_i`.
pub(super) fn periodic_logarithms(ratios: &[f64], decays: &[f64], sources: &[f64]) -> Result<PeriodicSolution, ExactError> {
    if !ratios.iter().all(|ratio| ratio.abs() <= STEEPEST) {
        return Err(ExactError::Unresolved { cells: ratios.len() });
    }
    let affinity: f64 = ratios.iter().sum();
    let size: f64 = ratios.iter().map(|ratio| ratio.abs()).sum();
    // A sum that rounding alone keeps from zero is equilibrium.
    if affinity.abs() <= 1e-13 * size {
        let mut logarithms = Vec::with_capacity(ratios.len() + 1);
        logarithms.push(0.0);
        let mut logarithm = 0.0;
        logarithms.extend(ratios.iter().map(|ratio| {
            logarithm += ratio;
            logarithm
        }));
        return Ok(PeriodicSolution { logarithms, direction: 0.0 });
    }
    if affinity > 0.0 {
        return Ok(PeriodicSolution { logarithms: downhill(decays, sources, affinity), direction: 1.0 });
    }
    // Seen from the other side: p_{i+1} = exp(r_i) p_i + exp(r_i) b_i |j|.
    let mirrored: Vec<f64> = decays.iter().rev().map(|decay| 1.0 / decay).collect();
    let moved: Vec<f64> = decays.iter().zip(sources).rev().map(|(decay, source)| source / decay).collect();
    let mut logarithms = downhill(&mirrored, &moved, -affinity);
    logarithms.reverse();
    Ok(PeriodicSolution { logarithms, direction: -1.0 })
}

/// The recursion in the direction in which every term is positive.
fn downhill(decays: &[f64], sources: &[f64], affinity: f64) -> Vec<f64> {
    let mut once_round = Scaled { value: 0.0, scale: 0.0, factor: 1.0 };
    for (decay, source) in decays.iter().zip(sources).rev() {
        once_round.step(*decay, *source);
    }
    let mut current = Scaled::new(once_round.logarithm() - (-(-affinity).exp_m1()).ln());
    let mut logarithms = Vec::with_capacity(decays.len() + 1);
    logarithms.push(current.logarithm());
    for (decay, source) in decays.iter().zip(sources).rev() {
        current.step(*decay, *source);
        logarithms.push(current.logarithm());
    }
    logarithms.reverse();
    logarithms
}

/// A positive number of any size: `value · exp(scale)`.
struct Scaled {
    value: f64,
    scale: f64,
    /// `exp(−scale)`.
    factor: f64,
}

impl Scaled {
    fn new(logarithm: f64) -> Self {
        Self { value: 1.0, scale: logarithm, factor: (-logarithm).exp() }
    }

    fn step(&mut self, decay: f64, source: f64) {
        self.value = decay * self.value + source * self.factor;
        if !(1e-100..=1e100).contains(&self.value) {
            *self = Self::new(self.logarithm());
        }
    }

    fn logarithm(&self) -> f64 {
        self.scale + self.value.ln()
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    #[test]
    fn multiplicative_noise_by_its_closed_forms() {
        // D = 1 + ½ sin x without force: p ∝ D^{−a}.
        let diffusion = |x: f64| 1.0 + 0.5 * x.sin();
        for (spurious, expected) in [(1.0, -0.267_949_192_4), (0.5, -0.135_222_221), (0.0, 0.0)] {
            let force = |x: f64| -spurious * 0.5 * x.cos() / diffusion(x);
            let ring = Ring::with_noise(0.0, TAU, &diffusion, &force, 1024).unwrap();
            let found = ring.mean_of(&f64::sin);
            assert!((found - expected).abs() <= 1e-8, "{spurious}: {found} is not {expected}");
            // Without current: D_eff = L² / (∮ 1/p' · ∮ p/D …) = L²/(∮ p dx ∮ dx/(p D)) for normalised p.
            let (cells, density) = (4000, &ring.density);
            let resistance: f64 =
                (0..cells).map(|i| TAU * f64::from(i) / f64::from(cells)).map(|x| 1.0 / (density.pdf(x) * diffusion(x))).sum::<f64>() * TAU / f64::from(cells);
            assert!((ring.effective_diffusion / (TAU * TAU / resistance) - 1.0).abs() <= 1e-5, "{spurious}");
        }
    }

    #[test]
    fn a_ring_stretched_unevenly_keeps_its_turns() {
        // y = x + ½ sin x maps additive noise on y to D(x) = (dx/dy)², anti-Itô drift included by the entropy −ln p.
        let plain = Ring::new(0.0, TAU, 1.0, 1.0, &|y| 2.0 * y.sin() + 1.5, 2048).unwrap();
        let stretch = |x: f64| 1.0 + 0.5 * x.cos();
        // p_x = p_y y'; the thermodynamic force of x adds (ln y')'.
        let force = |x: f64| (2.0 * (x + 0.5 * x.sin()).sin() + 1.5) * stretch(x) - 0.5 * x.sin() / stretch(x);
        let ring = Ring::with_noise(0.0, TAU, &|x| stretch(x).powi(-2), &force, 2048).unwrap();
        assert!((ring.velocity / plain.velocity - 1.0).abs() <= 1e-9);
        assert!((ring.effective_diffusion / plain.effective_diffusion - 1.0).abs() <= 1e-9, "{} {}", ring.effective_diffusion, plain.effective_diffusion);
        assert!((ring.entropy_production_rate / plain.entropy_production_rate - 1.0).abs() <= 1e-9);
    }

    use super::*;

    fn tilted(height: f64, drive: f64, friction: f64, temperature: f64, cells: usize) -> Ring {
        Ring::new(0.0, TAU, friction, temperature, &|x| height * x.sin() + drive, cells).unwrap()
    }

    fn close(value: f64, expected: f64, tolerance: f64) -> bool {
        (value - expected).abs() <= tolerance * expected.abs().max(1e-12)
    }

    #[test]
    fn published_rings() {
        // V₀, f, γ, T; velocity, effective diffusion, entropy production rate.
        let cases = [
            ([2.0, 2.0, 1.0, 1.0], [1.253_046_4, 1.590_482_1, 2.506_092_7], 4e-8),
            ([1.0, 1.0, 1.0, 0.1], [0.368_953_2, 0.411_129_9, 3.689_532], 3e-7),
            ([2.0, 1.0, 1.0, 1.0], [0.351_186_812_074_875, 0.847_177_593_724_545, 0.351_186_812_074_875], 1e-8),
            ([1.0, 3.0, 1.0, 1.0], [2.848_940_722_000_9, 1.132_816_675_725_77, 8.546_822_166_002_69], 1e-8),
            ([1.0, 0.25, 2.0, 0.5], [0.029_495_525_115_297, 0.092_885_773_983_547_1, 0.014_747_762_557_648_5], 1e-8),
        ];
        for ([height, drive, friction, temperature], expected, tolerance) in cases {
            let ring = tilted(height, drive, friction, temperature, 512);
            let found = [ring.velocity, ring.effective_diffusion, ring.entropy_production_rate];
            for (k, (found, expected)) in found.iter().zip(expected).enumerate() {
                assert!(close(*found, expected, tolerance), "V₀ = {height}, f = {drive}, number {k}: {found} not {expected}");
                assert!(!close(found * 1.03, expected, tolerance) && !close(f64::NAN, expected, tolerance));
            }
            assert!(close(ring.current * TAU, ring.velocity, 1e-14));
        }
    }

    #[test]
    fn the_mirror_image_runs_backwards() {
        let forward = tilted(2.0, 1.0, 1.0, 1.0, 512);
        let backward = tilted(2.0, -1.0, 1.0, 1.0, 512);
        assert!(close(backward.velocity, -forward.velocity, 1e-12) && close(backward.effective_diffusion, forward.effective_diffusion, 1e-12));
        assert!(close(backward.entropy_production_rate, forward.entropy_production_rate, 1e-12));
        assert!(close(backward.density.pdf(TAU - 0.7), forward.density.pdf(0.7), 1e-12));
        assert!(close(forward.mean_of(&|x| 2.0 * x.cos()), -1.052_477_686_741_9, 1e-10));
    }

    #[test]
    fn equilibrium_has_no_current() {
        let ring = tilted(1.5, 0.0, 1.0, 0.8, 512);
        assert_eq!((ring.velocity, ring.entropy_production_rate), (0.0, 0.0));
        // Lifson & Jackson: D/I₀(V₀/T)².
        assert!(close(ring.effective_diffusion, 0.182_803_335_315_793_87, 1e-12), "{}", ring.effective_diffusion);
        assert!(close(ring.mean_of(&|x| 1.5 * x.cos()), -1.014_210_579_365_78, 1e-10));
    }

    #[test]
    fn several_harmonics_converge_and_balance() {
        let force = |x: f64| 0.8 + 1.2 * (x - 0.3).sin() - 2.4 * (2.0 * x).cos() + 0.9 * (3.0 * x).sin();
        let (coarse, fine) = (Ring::new(0.0, TAU, 1.5, 0.6, &force, 256).unwrap(), Ring::new(0.0, TAU, 1.5, 0.6, &force, 1024).unwrap());
        assert!(close(coarse.velocity, fine.velocity, 1e-9) && close(coarse.effective_diffusion, fine.effective_diffusion, 1e-9));
        // Independent of the recursion: friction balances the mean force.
        assert!(close(fine.velocity, fine.mean_of(&force) / 1.5, 1e-10));
        assert!(close(fine.entropy_production_rate, fine.velocity * 0.8 / 0.6, 1e-10));
    }

    #[test]
    fn strong_drives_and_high_barriers() {
        // f L/T = 600 without a barrier: v = f/γ, D_eff = D. Barrier of 50 T: Kramers' rate, and no overflow at 400 T.
        let fast = tilted(0.0, 600.0 / TAU, 1.0, 1.0, 2048);
        assert!(close(fast.velocity, 600.0 / TAU, 1e-9) && close(fast.effective_diffusion, 1.0, 1e-9));
        let driven = tilted(30.0, 80.0, 1.0, 1.0, 2048);
        assert!(close(driven.velocity, driven.mean_of(&|x| 30.0 * x.sin() + 80.0), 1e-9));
        let (temperature, height, drive) = (0.04, 1.0, 0.01);
        let stuck = tilted(height, drive, 1.0, temperature, 2048);
        let kramers = height / TAU * (-2.0 * height / temperature).exp() * 2.0 * (TAU * drive / (2.0 * temperature)).sinh() * TAU;
        assert!(close(stuck.velocity, kramers, 0.03), "{} {kramers}", stuck.velocity);
        let frozen = tilted(200.0, 0.1, 1.0, 1.0, 4096);
        assert!(frozen.velocity > 0.0 && frozen.velocity < 1e-150 && frozen.effective_diffusion > 0.0);
    }

    #[test]
    fn a_ring_from_anywhere_of_any_length() {
        let there = Ring::new(-4.0, 2.0, 1.0, 1.0, &|x| 0.5 - (TAU * x / 6.0).cos(), 512).unwrap();
        let here = Ring::new(0.0, 6.0, 1.0, 1.0, &|x| 0.5 - (TAU * (x - 4.0) / 6.0).cos(), 512).unwrap();
        assert!(close(there.velocity, here.velocity, 1e-12) && close(there.local_velocity(0.5), there.current / there.density.pdf(0.5), 1e-14));
        assert!(matches!(Ring::new(0.0, 1.0, 1.0, 1.0, &|_| f64::NAN, 64), Err(ExactError::NotFinite { what: "force", .. })));
        assert!(matches!(Ring::new(0.0, 1.0, 1.0, 1.0, &|_| 1e6, 64), Err(ExactError::Unresolved { cells: 64 })));
        // The scale beside the sums: a barrier of 5000 T that no f64 holds.
        let wall = Ring::new(0.0, TAU, 1.0, 1.0, &|x| 2500.0 * x.sin() + 1.0, 4096).unwrap();
        assert!(wall.velocity >= 0.0 && (wall.mean_of(&f64::cos) + 1.0).abs() <= 1e-3);
    }
}
