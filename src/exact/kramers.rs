//! The stationary state of an underdamped particle on a ring: `dx = v dt`, `m dv = (F(x) − γ v) dt + sqrt(2 γ T) dW`.
//!
//! The Kramers equation for `p(x, v) = Σ_n c_n(x) φ_n(v)`, with Hermite functions `φ_n` of the thermal velocity `s = sqrt(T/m)`, couples neighbours only:
//!
//! `ċ_n = −√n s (∂ − F/T) c_{n−1} − √(n+1) s ∂ c_{n+1} − (γ/m) n c_n`,
//!
//! so that `c_n = S_n c_{n−1}` with a matrix continued fraction for `S_n` (H. Risken, The Fokker–Planck Equation, Springer 1989, chapter 11). Here the
//! matrices live on an even grid of the ring with its spectral derivative: for smooth forces everything converges exponentially in both truncations, which are
//! doubled until the answers stay.

use std::f64::consts::{PI, SQRT_2};

use nalgebra::{DMatrix, DVector};

use super::{ExactError, positive, range};
use crate::density::Density;
use crate::surface::Surface;

/// Change of an answer by doubling the number of Hermite functions, or of places, that counts as none.
const SETTLED: f64 = 1e-9;
/// Hermite functions and places tried, and the most that are worth the time.
const FEWEST: (usize, usize) = (16, 33);
const MOST_FUNCTIONS: usize = 512;
const MOST_PLACES: usize = 257;
/// Cells of the density that comes back.
const CELLS: usize = 1024;
/// Cells of the law of place and velocity that comes back, and how many standard deviations of velocities it reaches.
const LAW_CELLS: [usize; 2] = [384, 320];
const REACH: f64 = 9.0;
/// A density below this part of its largest value is one of rounding, not of truncation.
const FAINT: f64 = 1e-30;

/// The stationary state of a driven ring with inertia.
#[derive(Clone, Debug)]
pub struct KramersRing {
    /// Density of positions.
    pub density: Density,
    /// Density of positions and velocities.
    pub law: Surface,
    /// Mean velocity.
    pub velocity: f64,
    /// Mean square of the velocity.
    pub velocity_squared: f64,
    /// Probability current, `⟨v⟩/L`.
    pub current: f64,
    /// Work of the force round the ring per unit time, `j ∮F dx`: in the steady state the heat given to the bath.
    pub power: f64,
    /// Largest change of these numbers by the last refinement.
    pub error: f64,
}

/// What the ring is made of.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    /// Ends of the period.
    pub range: (f64, f64),
    /// Mass.
    pub mass: f64,
    /// Friction, above 0.
    pub friction: f64,
    /// Temperature.
    pub temperature: f64,
    /// Total force.
    pub force: &'a dyn Fn(f64) -> f64,
}

/// A solution at one truncation.
struct Truncated {
    /// Density of positions at the places of the grid.
    places: DVector<f64>,
    /// `S_1, S_2, …`, where they were kept.
    ratios: Vec<DMatrix<f64>>,
    velocity: f64,
    velocity_squared: f64,
}

impl KramersRing {
    /// Solves for the stationary state; errors where the truncations that are worth the time do not resolve it (very low friction, rough forces).
    pub fn new(problem: Problem<'_>) -> Result<Self, ExactError> {
        let length = range(problem.range.0, problem.range.1)?;
        positive("the mass", problem.mass)?;
        positive("the friction", problem.friction)?;
        positive("the temperature", problem.temperature)?;
        let (mut functions, mut places) = FEWEST;
        let solve = |functions, places| problem.solve(functions, places, false);
        let unresolved = |places: usize| ExactError::Unresolved { cells: places };
        let mut best = solve(functions, places)?;
        let mut error;
        loop {
            if 2 * functions > MOST_FUNCTIONS || 2 * places - 1 > MOST_PLACES {
                return Err(unresolved(places));
            }
            // The worse of the two truncations grows.
            let longer = solve(2 * functions, places)?;
            let finer = solve(functions, 2 * places - 1)?;
            let (of_functions, of_places) = (best.change(&longer), best.change(&finer));
            error = of_functions.max(of_places);
            if error <= SETTLED {
                break;
            }
            if of_functions > SETTLED {
                functions *= 2;
            }
            if of_places > SETTLED {
                places = 2 * places - 1;
            }
            best = solve(functions, places)?;
            if !best.velocity.is_finite() {
                return Err(unresolved(places));
            }
        }
        let current = best.velocity / length;
        let round: f64 = (0..CELLS).map(|i| (problem.force)(problem.range.0 + length * i as f64 / CELLS as f64)).sum::<f64>() * length / CELLS as f64;
        let nodes = (0..=CELLS).map(|i| interpolate(&best.places, i as f64 / CELLS as f64).max(0.0)).collect();
        Ok(Self {
            law: problem.law(&best, functions)?,
            density: Density::new(problem.range.0, problem.range.1, nodes)?,
            velocity: best.velocity,
            velocity_squared: best.velocity_squared,
            current,
            power: current * round,
            error,
        })
    }
}

impl Truncated {
    fn change(&self, other: &Self) -> f64 {
        let scale = self.velocity_squared.abs();
        let change = ((self.velocity - other.velocity).abs() / scale.sqrt()).max((self.velocity_squared - other.velocity_squared).abs() / scale);
        // NaN must not pass for agreement.
        if change.is_nan() { f64::INFINITY } else { change }
    }
}

impl Problem<'_> {
    /// `p(x, v) = Σ_n c_n(x) He_n(v/s)/√n! · φ_0(v)` of a solution, on a grid.
    fn law(&self, solution: &Truncated, functions: usize) -> Result<Surface, ExactError> {
        let thermal = (self.temperature / self.mass).sqrt();
        let places = solution.places.len();
        let kept = self.solve(functions, places, true)?;
        let half = REACH * (solution.velocity_squared - solution.velocity * solution.velocity).sqrt();
        let ranges = [self.range, (solution.velocity - half, solution.velocity + half)];
        let node = |axis: usize, k: usize| k as f64 / LAW_CELLS[axis] as f64;
        let [along, across] = LAW_CELLS.map(|cells| cells + 1);
        let interpolation = DMatrix::from_fn(along, places, |i, j| interpolation(places, j, node(0, i)));
        let mut values = DMatrix::<f64>::zeros(along, across);
        let speed = |k: usize| (ranges[1].0 + 2.0 * half * node(1, k)) / thermal;
        // Hermite functions of two orders at every velocity.
        let mut function = DVector::from_fn(across, |k, _| (-0.5 * speed(k) * speed(k)).exp());
        let mut before = DVector::zeros(across);
        let mut part = kept.places.clone();
        for n in 0..=functions {
            values += &interpolation * &part * function.transpose();
            if let Some(ratio) = kept.ratios.get(n) {
                part = ratio * part;
            }
            let (now, next) = (n as f64, n as f64 + 1.0);
            let higher = DVector::from_fn(across, |k, _| (speed(k) * function[k] - now.sqrt() * before[k]) / next.sqrt());
            before = std::mem::replace(&mut function, higher);
        }
        let least = FAINT * values.max();
        let values = (0..along * across).map(|k| values[(k / across, k % across)].max(least)).collect();
        Ok(Surface::new(ranges, [along, across], values)?)
    }

    fn solve(&self, functions: usize, places: usize, keep: bool) -> Result<Truncated, ExactError> {
        let (lower, length) = (self.range.0, self.range.1 - self.range.0);
        let thermal = (self.temperature / self.mass).sqrt();
        let derivative = spectral_derivative(places, length) * thermal;
        let mut pushed = derivative.clone();
        for i in 0..places {
            let x = lower + length * i as f64 / places as f64;
            let force = (self.force)(x);
            if !force.is_finite() {
                return Err(ExactError::NotFinite { what: "force", position: x });
            }
            pushed[(i, i)] -= thermal * force / self.temperature;
        }
        let rate = self.friction / self.mass;
        let unresolved = ExactError::Unresolved { cells: places };
        // From the last function down: S_n = −[γn/m + √(n+1) s∂ S_{n+1}]⁻¹ √n s(∂ − F/T).
        let mut ratio = DMatrix::<f64>::zeros(places, places);
        let mut second = ratio.clone();
        let mut ratios = Vec::new();
        for n in (1..=functions).rev() {
            let n = n as f64;
            let mut operator = &derivative * &ratio * (n + 1.0).sqrt();
            (0..places).for_each(|i| operator[(i, i)] += rate * n);
            second = ratio;
            ratio = operator.lu().solve(&(&pushed * -n.sqrt())).ok_or_else(|| unresolved.clone())?;
            if keep {
                ratios.push(ratio.clone());
            }
        }
        // No current is lost anywhere: ∂ c_1 = 0, and c_0 is normalised.
        let mut condition = &derivative * &ratio;
        let cell = length / places as f64;
        condition.row_mut(0).fill(cell);
        let mut source = DVector::zeros(places);
        source[0] = 1.0;
        let density = condition.lu().solve(&source).ok_or(unresolved)?;
        let first = &ratio * &density;
        let velocity = thermal * first.sum() * cell;
        let velocity_squared = thermal * thermal * (1.0 + SQRT_2 * (&second * &first).sum() * cell);
        ratios.reverse();
        Ok(Truncated { places: density, ratios, velocity, velocity_squared })
    }
}

/// Derivative of the trigonometric interpolant on an odd number of places.
fn spectral_derivative(places: usize, length: f64) -> DMatrix<f64> {
    DMatrix::from_fn(places, places, |i, j| {
        if i == j {
            return 0.0;
        }
        let steps = i as f64 - j as f64;
        let sign = if (i + j).is_multiple_of(2) { 1.0 } else { -1.0 };
        PI / length * sign / (PI * steps / places as f64).sin()
    })
}

/// The trigonometric interpolant at a fraction of the period.
fn interpolate(values: &DVector<f64>, fraction: f64) -> f64 {
    values.iter().enumerate().map(|(j, value)| value * interpolation(values.len(), j, fraction)).sum()
}

/// What the value at one of so many places weighs in it.
fn interpolation(places: usize, place: usize, fraction: f64) -> f64 {
    let phase = PI * (fraction - place as f64 / places as f64);
    let sine = phase.sin();
    if sine.abs() < 1e-14 { 1.0 } else { (places as f64 * phase).sin() / (places as f64 * sine) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::ring::Ring;

    fn ring(mass: f64, friction: f64, temperature: f64, force: &dyn Fn(f64) -> f64) -> KramersRing {
        KramersRing::new(Problem { range: (0.0, 2.0 * PI), mass, friction, temperature, force }).expect("a solution")
    }

    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found} against {expected}");
    }

    #[test]
    fn the_driven_ring_has_the_numbers_of_the_literature() {
        let found = ring(1.0, 1.0, 1.0, &|x| x.sin() + 0.5);
        close(found.velocity, 0.280_067_5, 5e-8);
        close(found.velocity_squared, 1.140_033_7, 5e-8);
        // What the force does is what the bath gets.
        close(found.power, found.velocity_squared - 1.0, 1e-9);
        close(found.power, 0.5 * found.velocity, 1e-12);
        let other = ring(0.6, 0.7, 0.8, &|x| 1.3 * (2.0 * x).sin() + 0.4);
        close(other.power, 0.7 * (other.velocity_squared - 0.8 / 0.6), 1e-8);
    }

    #[test]
    fn the_law_of_place_and_velocity_has_the_moments() {
        for (mass, friction, drive) in [(1.0, 1.0, 0.5), (0.6, 0.7, 1.2), (2.0, 0.4, 0.6)] {
            let found = ring(mass, friction, 0.8, &|x| x.sin() + drive);
            let velocities = found.law.marginal(1).expect("a density");
            let moment = |k: i32| {
                let (lower, upper, cells) = (velocities.lower(), velocities.upper(), 20_000);
                let step = (upper - lower) / f64::from(cells);
                (0..cells).map(|i| lower + (f64::from(i) + 0.5) * step).map(|v| v.powi(k) * velocities.pdf(v)).sum::<f64>() * step
            };
            close(moment(1), found.velocity, 1e-6);
            // Straight lines between nodes spread by a sixth of the squared cell.
            let cell = (velocities.upper() - velocities.lower()) / LAW_CELLS[1] as f64;
            close(moment(2) - cell * cell / 6.0, found.velocity_squared, 1e-6);
            let places = found.law.marginal(0).expect("a density");
            for x in [0.0, 1.0, 2.5, 5.0] {
                close(places.pdf(x), found.density.pdf(x), 1e-4);
            }
        }
    }

    #[test]
    fn far_velocities_of_equilibrium_are_those_of_maxwell() {
        let found = ring(2.0, 0.5, 0.7, &|x| x.sin());
        let normal: f64 = (0..1000).map(|i| (-(2.0 * PI * f64::from(i) / 1000.0).cos() / 0.7).exp()).sum::<f64>() * 2.0 * PI / 1000.0;
        let (deviation, cell) = (0.35f64.sqrt(), 2.0 * REACH * 0.35f64.sqrt() / LAW_CELLS[1] as f64);
        for (x, steps) in [(0.0, 0), (PI, 60), (PI, -100), (2.0 * PI, 120)] {
            let v = cell * f64::from(steps);
            let exact = -f64::cos(x) / 0.7 - normal.ln() - 0.5 * (v / deviation).powi(2) - (deviation * (2.0 * PI).sqrt()).ln();
            close(found.law.ln_pdf([x, v]), exact, 2e-3);
        }
    }

    #[test]
    fn without_drive_it_is_maxwell_and_boltzmann() {
        let found = ring(2.0, 0.5, 0.7, &|x| x.sin());
        close(found.velocity, 0.0, 1e-10);
        close(found.velocity_squared, 0.35, 1e-10);
        let normal: f64 = (0..1000).map(|i| (-(2.0 * PI * f64::from(i) / 1000.0).cos() / 0.7).exp()).sum::<f64>() * 2.0 * PI / 1000.0;
        for x in [0.3, 2.0, 4.4] {
            close(found.density.pdf(x), (-f64::cos(x) / 0.7).exp() / normal, 1e-5);
        }
    }

    #[test]
    fn a_light_particle_is_overdamped() {
        let force = |x: f64| 1.5 * x.sin() + 1.0;
        let overdamped = Ring::new(0.0, 2.0 * PI, 1.0, 1.0, &force, 1024).expect("a ring").velocity;
        let difference = |mass: f64| (ring(mass, 1.0, 1.0, &force).velocity - overdamped).abs();
        let (heavier, lighter) = (difference(0.02), difference(0.01));
        assert!(lighter < 0.01 && (heavier / lighter - 2.0).abs() < 0.1, "{heavier} {lighter}");
    }

    #[test]
    fn what_is_not_resolved_is_refused() {
        let problem = |friction: f64| KramersRing::new(Problem { range: (0.0, 1.0), mass: 1.0, friction, temperature: 1.0, force: &|_| 0.0 }).err();
        assert!(matches!(problem(0.0), Some(ExactError::NotPositive { .. })));
        let nowhere = KramersRing::new(Problem { range: (0.0, 1.0), mass: 1.0, friction: 1.0, temperature: 1.0, force: &|_| f64::NAN });
        assert!(matches!(nowhere, Err(ExactError::NotFinite { .. })));
    }
}
