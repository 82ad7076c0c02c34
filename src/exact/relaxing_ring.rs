//! A particle with inertia on a ring, on the way to its steady state: `dx = v dt`, `m dv = (F(x) − γ v) dt + sqrt(2 γ T) dW`.
//!
//! The Kramers equation in the Hermite functions of [`super::kramers`], `p(x, v) = Σ_n c_n(x) φ_n(v)`, and Fourier series in `x`: sparse, as forces have few
//! harmonics, and for smooth forces convergent faster than any power. Integrated in time by Dormand and Prince's pair; both truncations grow by half until the
//! answers stay.

use super::kramers::Problem;
use super::runge_kutta::integrate;
use super::{ExactError, positive, range};

/// Hermite functions and waves tried first, and the most that are worth the time.
const FEWEST: (usize, usize) = (24, 16);
const MOST: (usize, usize) = (81, 54);
/// Relative change of the answers by half as many again that counts as none.
const SETTLED: f64 = 1e-6;
/// Most multiplications of one run in time.
const MOST_WORK: f64 = 4e9;
/// Places at which forces are looked at, and the relative size of harmonics that are left out.
const PLACES: usize = 1024;
const SMALL: f64 = 1e-13;

/// How a particle starts.
#[derive(Clone, Copy)]
pub enum Release<'a> {
    /// At a place with a velocity.
    Point(f64, f64),
    /// With thermal velocities and a density of places, not necessarily normalised.
    Thermal(&'a dyn Fn(f64) -> f64),
}

/// Means at the end of a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Relaxed {
    /// `⟨v⟩`.
    pub velocity: f64,
    /// `⟨v²⟩`.
    pub velocity_squared: f64,
    /// Mean displacement since the start.
    pub displacement: f64,
    /// Means of the functions of place that were asked for.
    pub means: Vec<f64>,
    /// Largest change of these numbers by the last refinement: of velocities relative to thermal ones, of functions relative to their size.
    pub error: f64,
}

/// Lets a particle go and looks at it after a time.
///
/// # Errors
/// Where the truncations that are worth the time do not resolve it.
pub fn relax(problem: &Problem<'_>, release: Release<'_>, time: f64, functions: &[&dyn Fn(f64) -> f64]) -> Result<Relaxed, ExactError> {
    range(problem.range.0, problem.range.1)?;
    positive("the mass", problem.mass)?;
    positive("the temperature", problem.temperature)?;
    let series = Series::of(problem, functions)?;
    let (mut hermite, mut waves) = FEWEST;
    let affordable = |truncation| series.work(problem, time, truncation) <= MOST_WORK;
    if !affordable(FEWEST) {
        return Err(ExactError::Unresolved { cells: waves });
    }
    let mut known = series.run(problem, release, time, FEWEST);
    while hermite < MOST.0 && affordable((3 * hermite / 2, 3 * waves / 2)) {
        (hermite, waves) = (3 * hermite / 2, 3 * waves / 2);
        let mut finer = series.run(problem, release, time, (hermite, waves));
        finer.error = series.change(problem, &known, &finer, time);
        if finer.error <= SETTLED {
            return Ok(finer);
        }
        known = finer;
    }
    Err(ExactError::Unresolved { cells: waves })
}

/// Fourier coefficients `f_j` of `F/T` and of functions, `j = 0, 1, …`; those of `−j` are their conjugates.
struct Series {
    force: Vec<[f64; 2]>,
    functions: Vec<Vec<[f64; 2]>>,
}

/// `Σ_x f(x) e^{−ijqx}` over even places.
fn harmonics(problem: &Problem<'_>, function: &dyn Fn(f64) -> f64, most: usize) -> Vec<[f64; 2]> {
    let (lower, length) = (problem.range.0, problem.range.1 - problem.range.0);
    let values: Vec<f64> = (0..PLACES).map(|i| function(lower + length * i as f64 / PLACES as f64)).collect();
    let of = |j: usize| {
        let mut sum = [0.0; 2];
        for (i, value) in values.iter().enumerate() {
            let (sine, cosine) = (std::f64::consts::TAU * ((i * j) % PLACES) as f64 / PLACES as f64).sin_cos();
            sum = [sum[0] + value * cosine, sum[1] - value * sine];
        }
        sum.map(|sum| sum / PLACES as f64)
    };
    let mut all: Vec<[f64; 2]> = (0..=most).map(of).collect();
    let size = |c: &[f64; 2]| c[0].hypot(c[1]);
    let largest = all.iter().map(size).fold(0.0, f64::max);
    while all.len() > 1 && all.last().is_some_and(|last| size(last) <= SMALL * largest) {
        all.pop();
    }
    all
}

impl Series {
    fn of(problem: &Problem<'_>, functions: &[&dyn Fn(f64) -> f64]) -> Result<Self, ExactError> {
        let force = harmonics(problem, &|x| (problem.force)(x) / problem.temperature, MOST.1);
        let functions: Vec<_> = functions.iter().map(|function| harmonics(problem, function, MOST.1)).collect();
        match force.iter().chain(functions.iter().flatten()).flatten().all(|c| c.is_finite()) {
            true => Ok(Self { force, functions }),
            false => Err(ExactError::NotFinite { what: "force", position: problem.range.0 }),
        }
    }

    /// Multiplications that the fastest rate makes necessary.
    fn work(&self, problem: &Problem<'_>, time: f64, (hermite, waves): (usize, usize)) -> f64 {
        let (functions, waves) = (hermite as f64, waves as f64);
        let thermal = (problem.temperature / problem.mass).sqrt();
        let push: f64 = self.force.iter().map(|f| 2.0 * f[0].hypot(f[1])).sum();
        let wave = std::f64::consts::TAU * waves / (problem.range.1 - problem.range.0);
        let fastest = thermal * functions.sqrt() * (2.0 * wave + push) + problem.friction / problem.mass * functions;
        (2.0 * time * fastest + 64.0) * functions * waves * (20.0 + 8.0 * self.force.len() as f64)
    }

    fn change(&self, problem: &Problem<'_>, known: &Relaxed, finer: &Relaxed, time: f64) -> f64 {
        let thermal = (problem.temperature / problem.mass).sqrt();
        let own = [
            (known.velocity - finer.velocity) / thermal,
            (known.velocity_squared - finer.velocity_squared) / (thermal * thermal),
            (known.displacement - finer.displacement) / (thermal * time.max(1e-100)),
        ];
        let size = |k: usize| self.functions[k].iter().map(|c| c[0].hypot(c[1])).fold(f64::MIN_POSITIVE, f64::max);
        let others = known.means.iter().zip(&finer.means).enumerate().map(|(k, (a, b))| (a - b) / size(k));
        own.into_iter().chain(others).map(|change| if change.is_nan() { f64::INFINITY } else { change.abs() }).fold(0.0, f64::max)
    }

    fn run(&self, problem: &Problem<'_>, release: Release<'_>, time: f64, (hermite, waves): (usize, usize)) -> Relaxed {
        let length = problem.range.1 - problem.range.0;
        let thermal = (problem.temperature / problem.mass).sqrt();
        let row = 2 * (waves + 1);
        // The last number is the displacement.
        let mut y = start(problem, release, thermal, (hermite, waves));
        y.push(0.0);
        let wave = std::f64::consts::TAU / length;
        let (friction, force) = (problem.friction / problem.mass, &self.force);
        let count = force.len().min(waves + 1);
        let mut pushed = vec![0.0; row];
        let mut slope = |_: f64, y: &[f64], out: &mut Vec<f64>| {
            out.resize(y.len(), 0.0);
            let (change, displaced) = out.split_at_mut(hermite * row);
            displaced[0] = length * thermal * y[row];
            for n in 0..hermite {
                let (up, down) = (((n + 1) as f64).sqrt() * thermal, (n as f64).sqrt() * thermal);
                let here = &mut change[n * row..(n + 1) * row];
                if n > 0 {
                    convolved(&force[..count], &y[(n - 1) * row..n * row], &mut pushed);
                }
                for k in 0..=waves {
                    let (re, im) = (2 * k, 2 * k + 1);
                    let q = wave * k as f64;
                    let (mut a, mut b) = (-friction * n as f64 * y[n * row + re], -friction * n as f64 * y[n * row + im]);
                    if n > 0 {
                        let before = &y[(n - 1) * row..n * row];
                        (a, b) = (a + down * (pushed[re] + q * before[im]), b + down * (pushed[im] - q * before[re]));
                    }
                    if n + 1 < hermite {
                        let after = &y[(n + 1) * row..(n + 2) * row];
                        (a, b) = (a + up * q * after[im], b - up * q * after[re]);
                    }
                    (here[re], here[im]) = (a, b);
                }
            }
        };
        integrate(&mut y, (0.0, time), &mut slope, hermite * row, 1e-9);
        let mean = |function: &Vec<[f64; 2]>| {
            let terms = function.iter().enumerate().take(waves + 1).map(|(j, f)| (if j == 0 { 1.0 } else { 2.0 }) * (f[0] * y[2 * j] + f[1] * y[2 * j + 1]));
            length * terms.sum::<f64>()
        };
        Relaxed {
            velocity: length * thermal * y[row],
            velocity_squared: thermal * thermal * (1.0 + std::f64::consts::SQRT_2 * length * y[2 * row]),
            displacement: y[hermite * row],
            means: self.functions.iter().map(mean).collect(),
            error: f64::NAN,
        }
    }
}

/// Coefficients at the start, `[n][k][re, im]`: `c_n = ∫ p He_n(v/s)/√n! dv`.
fn start(problem: &Problem<'_>, release: Release<'_>, thermal: f64, (hermite, waves): (usize, usize)) -> Vec<f64> {
    let (lower, length) = (problem.range.0, problem.range.1 - problem.range.0);
    let mut y = vec![0.0; hermite * 2 * (waves + 1)];
    match release {
        Release::Thermal(density) => {
            let all = harmonics(problem, density, waves);
            let total = all[0][0] * length;
            y.chunks_mut(2).zip(&all).for_each(|(y, c)| y.copy_from_slice(&[c[0] / total, c[1] / total]));
        }
        Release::Point(x, v) => {
            let u = v / thermal;
            let (mut before, mut polynomial) = (0.0, 1.0);
            for n in 0..hermite {
                for k in 0..=waves {
                    let (sine, cosine) = (std::f64::consts::TAU * k as f64 * (x - lower) / length).sin_cos();
                    let at = 2 * (n * (waves + 1) + k);
                    (y[at], y[at + 1]) = (polynomial * cosine / length, -polynomial * sine / length);
                }
                // √(n+1) h_{n+1} = u h_n − √n h_{n−1}.
                let next = (u * polynomial - (n as f64).sqrt() * before) / ((n + 1) as f64).sqrt();
                (before, polynomial) = (polynomial, next);
            }
        }
    }
    y
}

/// Product of two real functions given by their waves, `out_k = Σ_j f_j c_{k−j}`.
fn convolved(force: &[[f64; 2]], c: &[f64], out: &mut [f64]) {
    let waves = c.len() / 2;
    for k in 0..waves {
        let (mut re, mut im) = (force[0][0] * c[2 * k], force[0][0] * c[2 * k + 1]);
        for (j, f) in force.iter().enumerate().skip(1) {
            // c_{k−j} with f_j; its conjugate where k < j.
            let (at, sign) = if k >= j { (k - j, 1.0) } else { (j - k, -1.0) };
            let (a, b) = (c[2 * at], sign * c[2 * at + 1]);
            (re, im) = (re + f[0] * a - f[1] * b, im + f[0] * b + f[1] * a);
            // c_{k+j} with the conjugate of f_j.
            if k + j < waves {
                let (a, b) = (c[2 * (k + j)], c[2 * (k + j) + 1]);
                (re, im) = (re + f[0] * a + f[1] * b, im + f[0] * b - f[1] * a);
            }
        }
        (out[2 * k], out[2 * k + 1]) = (re, im);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::{PI, TAU};

    fn pendulum(friction: f64) -> Problem<'static> {
        Problem { range: (-PI, PI), mass: 1.0, friction, temperature: 0.5, force: &|x| -x.sin() }
    }

    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found} against {expected}");
    }

    #[test]
    fn a_pendulum_let_go_has_the_reference_values() {
        // Acceptance table, pendulum with noise S1: von Mises angles (1, 8), thermal velocities, γ = 0.3, T = 0.5.
        let density = |x: f64| (8.0 * (x - 1.0).cos()).exp();
        let cases = [
            (0.5, [0.548_614_398_5, 0.701_165_287_9, -0.351_292_942_9, 0.578_109_746_6]),
            (1.5, [0.677_321_488_2, 0.221_121_586_2, -0.662_625_915_0, 0.727_593_868_1]),
            (12.0, [0.692_087_945_0, -0.042_520_524_8, 0.066_580_120_6, 0.507_550_465_2]),
        ];
        for (time, exact) in cases {
            let found = relax(&pendulum(0.3), Release::Thermal(&density), time, &[&f64::cos, &f64::sin]).expect("resolved");
            let numbers = [found.means[0], found.means[1], found.velocity, found.velocity_squared];
            numbers.iter().zip(exact).for_each(|(found, exact)| close(*found, exact, 3e-8));
            assert!(found.error <= SETTLED);
        }
        // Control: 3 % more friction is seen.
        let other = relax(&pendulum(0.309), Release::Thermal(&density), 1.5, &[&f64::cos]).expect("resolved");
        assert!((other.velocity + 0.662_625_915_0).abs() > 1e-3);
    }

    #[test]
    fn without_a_force_a_point_moves_as_ornstein_and_uhlenbeck_say() {
        let problem = Problem { range: (0.0, TAU), mass: 2.0, friction: 0.6, temperature: 0.7, force: &|_| 0.0 };
        let (rate, time, speed) = (0.3, 1.3f64, 0.9);
        let found = relax(&problem, Release::Point(1.0, speed), time, &[&f64::cos, &f64::sin]).expect("resolved");
        let (fade, thermal) = ((-rate * time).exp(), 0.35);
        close(found.velocity, speed * fade, 1e-7);
        close(found.velocity_squared, thermal + (speed * speed - thermal) * fade * fade, 1e-7);
        let moved = speed / rate * (1.0 - fade);
        close(found.displacement, moved, 1e-7);
        let variance = thermal / (rate * rate) * (2.0 * rate * time - 3.0 + 4.0 * fade - fade * fade);
        close(found.means[0], (1.0 + moved).cos() * (-0.5 * variance).exp(), 1e-7);
        close(found.means[1], (1.0 + moved).sin() * (-0.5 * variance).exp(), 1e-7);
    }

    #[test]
    fn at_rest_nothing_changes_and_in_no_time_nothing_moves() {
        let boltzmann = |x: f64| (2.0 * x.cos()).exp();
        let found = relax(&pendulum(0.5), Release::Thermal(&boltzmann), 3.0, &[&f64::cos]).expect("resolved");
        close(found.velocity, 0.0, 1e-8);
        close(found.velocity_squared, 0.5, 1e-8);
        close(found.means[0], 0.697_774_658, 1e-8);
        let start = relax(&pendulum(0.5), Release::Point(2.0, 0.3), 0.0, &[&f64::cos]).expect("nothing to resolve");
        close(start.velocity_squared, 0.09, 1e-12);
        close(start.means[0], 2f64.cos(), 1e-12);
        // A ring without end: what is not resolved is refused.
        assert!(relax(&Problem { temperature: 1e-12, ..pendulum(1e-3) }, Release::Point(2.0, 0.0), 1.0, &[&f64::cos]).is_err());
    }
}
