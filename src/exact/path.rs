//! The exact second moment of the weights of an integral theorem, for the discrete chain of one coordinate that an integrator makes.
//!
//! On the path ledger a trajectory has the weight `w = Π [K(Δ̃|x')/K(Δ|x)] · p₁(x_τ)/p₀(x_0)`, one factor a step, with the Gaussian one-step density `K` of a
//! displacement and the displacement `Δ̃` that undoes it. `⟨w⟩ = 1` at any time step; `⟨w²⟩` decides how many trajectories an average needs. It is the
//! integral of `v_N p₁²`, where `v_0 = 1/p₀` and `v_{n+1}(x') = Σ ∫ v_n(x) K(Δ̃|x')²/K(Δ|x) dx`, summed over the ways from `x` to `x'`: round a ring, or
//! reflected at walls.

/// Standard deviations of a step that are summed over.
const REACH: f64 = 8.0;
/// Cells a standard deviation of the narrowest step has.
const CELLS_PER_WIDTH: f64 = 2.0;
const FEWEST_CELLS: f64 = 64.0;
const MOST_CELLS: f64 = 4000.0;
/// Most terms that are summed.
const MOST_TERMS: f64 = 1.5e9;
/// Most terms where every step has its own kernel.
const MOST_EXPONENTIALS: f64 = 1e8;

/// A chain of steps of one coordinate in a bounded range.
pub struct Chain<'a> {
    /// Range of the coordinate.
    pub range: (f64, f64),
    /// True between walls, false on a ring.
    pub walls: bool,
    /// Number of steps.
    pub steps: usize,
    /// True when all steps have the same law.
    pub steady: bool,
    /// Mean and standard deviation of the displacement of a step from a place.
    pub law: &'a dyn Fn(usize, f64) -> (f64, f64),
    /// `p₀`.
    pub first: &'a dyn Fn(f64) -> f64,
    /// `p₁`.
    pub last: &'a dyn Fn(f64) -> f64,
}

/// One step: for every end the starts it may have come from, and their factors.
type Kernel = Vec<Vec<(usize, f64)>>;

impl Chain<'_> {
    /// `⟨w²⟩`; `None` where it is too much work, or does not exist.
    pub fn second_moment(&self) -> Option<f64> {
        let (lower, upper) = self.range;
        let length = upper - lower;
        let sample: Vec<(f64, f64)> =
            (0..64).flat_map(|k| [0, self.steps / 2, self.steps.saturating_sub(1)].map(|n| (self.law)(n, lower + length * (k as f64 + 0.5) / 64.0))).collect();
        let narrowest = sample.iter().map(|(_, width)| *width).fold(f64::INFINITY, f64::min);
        let widest = sample.iter().map(|(_, width)| *width).fold(0.0, f64::max);
        let farthest = sample.iter().map(|(mean, _)| mean.abs()).fold(0.0, f64::max);
        let cells = (CELLS_PER_WIDTH * length / narrowest).ceil().max(FEWEST_CELLS);
        let reach = REACH * widest + 3.0 * farthest;
        let band = (2.0 * reach / length * cells).max(1.0);
        let terms = cells * band * self.steps as f64;
        if !(cells <= MOST_CELLS && terms <= MOST_TERMS && (self.steady || terms <= MOST_EXPONENTIALS)) {
            return None;
        }
        let cells = cells as usize;
        let width = length / cells as f64;
        let centres: Vec<f64> = (0..cells).map(|cell| lower + (cell as f64 + 0.5) * width).collect();
        let mut weights: Vec<f64> = centres.iter().map(|&x| 1.0 / (self.first)(x)).collect();
        let mut kernel = None;
        for step in 0..self.steps {
            let here = match kernel.take() {
                Some(known) if self.steady => known,
                _ => self.kernel(step, &centres, width, reach),
            };
            weights = here.iter().map(|starts: &Vec<(usize, f64)>| starts.iter().map(|(start, factor)| factor * weights[*start]).sum()).collect();
            kernel = Some(here);
        }
        let moment: f64 = weights.iter().zip(&centres).map(|(v, &x)| v * (self.last)(x).powi(2) * width).sum();
        (moment.is_finite() && moment >= 1.0 - 1e-6).then_some(moment.max(1.0))
    }

    fn kernel(&self, step: usize, centres: &[f64], width: f64, reach: f64) -> Kernel {
        let (lower, upper) = self.range;
        let length = upper - lower;
        let laws: Vec<(f64, f64)> = centres.iter().map(|&x| (self.law)(step, x)).collect();
        let ln_density =
            |(mean, width): (f64, f64), displacement: f64| -0.5 * ((displacement - mean) / width).powi(2) - width.ln() - 0.5 * std::f64::consts::TAU.ln();
        let turns = (reach / length).ceil() as i64 + 1;
        // The images of an end: where a straight step would have led, and whether it was reflected an odd number of times.
        let images = |x: f64| -> Vec<(f64, bool)> {
            if self.walls {
                (-turns..=turns).flat_map(|turn| [(x + 2.0 * turn as f64 * length, false), (2.0 * lower - x + 2.0 * turn as f64 * length, true)]).collect()
            } else {
                (-turns..=turns).map(|turn| (x + turn as f64 * length, false)).collect()
            }
        };
        let starts_of = |(end, &x): (usize, &f64)| {
            let mut starts = Vec::new();
            for (image, odd) in images(x) {
                let nearest = ((image - reach - lower) / width).floor().clamp(0.0, centres.len() as f64) as usize;
                let beyond = ((image + reach - lower) / width).ceil().clamp(0.0, centres.len() as f64) as usize;
                for start in nearest..beyond {
                    let displacement = image - centres[start];
                    let back = if odd { displacement } else { -displacement };
                    let factor = (2.0 * ln_density(laws[end], back) - ln_density(laws[start], displacement)).exp();
                    starts.push((start, factor * width));
                }
            }
            starts
        };
        centres.iter().enumerate().map(starts_of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draws, Purpose};

    /// Euler–Maruyama in `U = g x²` between walls 0 and 1, from uniform, against `p₁ ∝ exp(−U)`.
    fn by_sampling(g: f64, dt: f64, steps: usize, trajectories: u64, normalisation: f64) -> (f64, f64, f64) {
        let (mut sum, mut squares) = (0.0, 0.0);
        for trajectory in 0..trajectories {
            let mut draws = Draws::new(5, Purpose::Initial, trajectory);
            let (mut x, mut entropy) = (draws.uniform(), 0.0);
            for _ in 0..steps {
                let force = -2.0 * g * x;
                let displacement = force * dt + (2.0 * dt).sqrt() * draws.normal();
                let straight = x + displacement;
                let folded = straight.rem_euclid(2.0);
                let odd = straight.floor().rem_euclid(2.0) == 1.0;
                x = if folded > 1.0 { 2.0 - folded } else { folded };
                let after = -2.0 * g * x;
                let sign = if odd { -1.0 } else { 1.0 };
                entropy += 0.5 * displacement * (force + sign * after) + 0.25 * dt * (after * after - force * force);
            }
            let w = (-entropy - g * x * x).exp() / normalisation;
            sum += w;
            squares += w * w;
        }
        let n = trajectories as f64;
        (sum / n, squares / n, ((squares / n).max(0.0) / n).sqrt())
    }

    fn moment(g: f64, dt: f64, steps: usize, normalisation: f64) -> f64 {
        let chain = Chain {
            range: (0.0, 1.0),
            walls: true,
            steps,
            steady: true,
            law: &|_, x| (-2.0 * g * x * dt, (2.0 * dt).sqrt()),
            first: &|_| 1.0,
            last: &|x| (-g * x * x).exp() / normalisation,
        };
        chain.second_moment().expect("small enough")
    }

    #[test]
    fn the_second_moment_is_that_of_sampled_trajectories() {
        let g = 1.0;
        let normalisation = (0..10_000).map(|k| (-g * ((f64::from(k) + 0.5) / 1e4f64).powi(2)).exp() * 1e-4).sum::<f64>();
        let (mean, second, _) = by_sampling(g, 0.02, 10, 400_000, normalisation);
        assert!((mean - 1.0).abs() <= 0.01, "{mean}");
        let exact = moment(g, 0.02, 10, normalisation);
        assert!((exact / second - 1.0).abs() <= 0.02, "{exact} against {second}");
    }

    #[test]
    fn without_force_only_the_densities_matter() {
        // Every step is symmetric: w = p₁(x_τ)/p₀, and x_τ stays uniform.
        let exact = (0..1000).map(|k| (2.0 * (k as f64 + 0.5) / 1000.0).powi(2) / 1000.0).sum::<f64>();
        for walls in [true, false] {
            let chain = Chain { range: (0.0, 1.0), walls, steps: 7, steady: false, law: &|_, _| (0.0, 0.2), first: &|_| 1.0, last: &|x| 2.0 * x };
            let found = chain.second_moment().expect("small enough");
            assert!((found / exact - 1.0).abs() <= 2e-3, "{found} against {exact}");
        }
    }

    #[test]
    fn what_is_too_much_work_is_left() {
        let chain = Chain { range: (0.0, 1.0), walls: false, steps: 100, steady: true, law: &|_, _| (0.0, 1e-6), first: &|_| 1.0, last: &|_| 1.0 };
        assert!(chain.second_moment().is_none());
    }
}
