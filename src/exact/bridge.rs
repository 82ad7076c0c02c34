//! What is known of a path between the two ends of an exact step: Stratonovich sums in the mean, and the path ledger against reversed dynamics.
//!
//! A linear process that is pinned at both ends of a step is Gaussian. Measured from the middle `x̄` of the ends, its mean at a time `s` is linear in
//! `Δ = x' − x` and in the drift at the middle, `g = a − A x̄`: no origin enters, so that nothing is lost far from it. The mean of a sum `∫ x_j ∘ dx_i`
//! given the ends is therefore that of the midpoint rule, `x̄_j Δ_i`, plus a quadratic form of `(Δ, g)`. Midpoints with these corrections have exact means
//! at any step, from any law.

use nalgebra::{DMatrix, DVector};

use super::ExactError;
use super::linear::{ExactStep, LinearDynamics};

/// Nodes and weights of the eight-point Gauss–Legendre rule on `[−1, 1]`, of the positive half.
const GAUSS: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];
/// Most pieces of a step; with this many, relaxation by `e^256` within a step is still resolved.
const MOST_PIECES: f64 = 256.0;

/// `constant + ½ vᵀ Q v`, of variables that its maker names.
#[derive(Clone, Debug, PartialEq)]
pub struct BridgeForm {
    /// What is left where all variables are 0.
    pub constant: f64,
    /// `Q`, symmetric.
    pub matrix: DMatrix<f64>,
}

/// The process over a step, given both ends.
pub struct Bridge {
    nodes: Vec<Node>,
    dimension: usize,
}

/// One time within the step. Matrices with `2d` columns act on `(Δ, g)`.
struct Node {
    weight: f64,
    /// Mean of `x − x̄`.
    place: DMatrix<f64>,
    /// Its rate of change.
    velocity: DMatrix<f64>,
    /// Covariance given both ends.
    spread: DMatrix<f64>,
    /// `⟨δx_j ∘ dδx_i⟩/ds` at row `i`, column `j ≠ i`, of the deviation from the mean.
    swirl: DMatrix<f64>,
}

impl Bridge {
    /// Errors where the covariance of the step is not positive definite.
    pub fn new(dynamics: &LinearDynamics, dt: f64) -> Result<Self, ExactError> {
        let dimension = dynamics.offset.len();
        let whole = dynamics.step(dt)?;
        let inverse = whole.inverse_covariance()?;
        let pieces = (dt * dynamics.drift.norm()).ceil().clamp(1.0, MOST_PIECES);
        let half = 0.5 * dt / pieces;
        // Both lists in the order of time: the reverse of the one holds what is left of the step at the times of the other.
        let mut times: Vec<(f64, f64)> = Vec::new();
        for piece in 0..pieces as usize {
            let middle = (2 * piece + 1) as f64 * half;
            let (before, after) = (GAUSS.iter().rev().map(|(x, w)| (middle - half * x, half * w)), GAUSS.iter().map(|(x, w)| (middle + half * x, half * w)));
            times.extend(before.chain(after));
        }
        let steps = times.iter().map(|(time, _)| dynamics.step(*time)).collect::<Result<Vec<_>, _>>()?;
        let pairs = times.iter().zip(steps.iter().zip(steps.iter().rev()));
        let nodes = pairs.map(|((_, weight), (until, rest))| Node::new(dynamics, *weight, until, rest, (&whole, &inverse))).collect();
        Ok(Self { nodes, dimension })
    }

    /// Mean of `½ ∫ (x_j ∘ dx_i − x_i ∘ dx_j)` given the ends, less that of the straight line between them: a form of `(Δ, g)`.
    pub fn loop_form(&self, i: usize, j: usize) -> BridgeForm {
        let n = 2 * self.dimension;
        let mut form = BridgeForm { constant: 0.0, matrix: DMatrix::zeros(n, n) };
        for node in &self.nodes {
            form.constant += 0.5 * node.weight * (node.swirl[(i, j)] - node.swirl[(j, i)]);
            let row = |matrix: &DMatrix<f64>, i: usize| matrix.row(i).transpose();
            let turn = row(&node.place, j) * node.velocity.row(i) - row(&node.place, i) * node.velocity.row(j);
            form.matrix += (&turn + turn.transpose()) * (0.5 * node.weight);
        }
        form
    }

    /// `Q` of the mean of `Σ_ij B_ij ∫ x_j ∘ dx_i` given the ends, less that of the straight line, for an antisymmetric `B`: a form of `(Δ, g)`.
    pub fn turn_matrix(&self, turning: &DMatrix<f64>) -> DMatrix<f64> {
        let n = 2 * self.dimension;
        self.nodes.iter().fold(DMatrix::zeros(n, n), |sum, node| {
            let turn = node.velocity.transpose() * turning * &node.place;
            sum + (&turn + turn.transpose()) * node.weight
        })
    }

    /// Mean of `∫ (p − k·(x − x̄)) (q − l·(x − x̄)) ds` given the ends, less `p q dt`: a form of `(Δ, g, p, q)`.
    pub fn product_form(&self, k: &DVector<f64>, l: &DVector<f64>) -> BridgeForm {
        let n = 2 * self.dimension;
        let mut form = BridgeForm { constant: 0.0, matrix: DMatrix::zeros(n + 2, n + 2) };
        for node in &self.nodes {
            let (first, second) = (node.place.transpose() * k, node.place.transpose() * l);
            form.constant += node.weight * k.dot(&(&node.spread * l));
            let mut add = |at: (usize, usize), block: &DMatrix<f64>| {
                let mut view = form.matrix.view_mut(at, block.shape());
                view += block;
            };
            let product = &first * second.transpose();
            add((0, 0), &((&product + product.transpose()) * node.weight));
            for (place, column) in [(n, &second), (n + 1, &first)] {
                let slope = DMatrix::from_column_slice(n, 1, (column * -node.weight).as_slice());
                add((0, place), &slope);
                add((place, 0), &slope.transpose());
            }
        }
        form
    }
}

impl Node {
    /// `until` leads from the start to here, `rest` from here to the end.
    fn new(dynamics: &LinearDynamics, weight: f64, until: &ExactStep, rest: &ExactStep, (whole, inverse): (&ExactStep, &DMatrix<f64>)) -> Self {
        let d = dynamics.offset.len();
        let identity = DMatrix::<f64>::identity(d, d);
        let noise = DMatrix::from_diagonal(&(&dynamics.diffusion * 2.0));
        // The end misses where the drift leads by `½(1 + E) Δ − Θ g`; noise makes up for it, from here on by `pull`.
        let missing = join(&((&identity + &whole.propagator) * 0.5), &-&whole.integral);
        let pull = rest.propagator.transpose() * inverse;
        let answer = &until.covariance * &pull;
        let place = join(&(&until.propagator * -0.5), &until.integral) + answer * &missing;
        let push = &noise * &pull;
        let velocity = join(&DMatrix::zeros(d, d), &identity) - &dynamics.drift * &place + &push * missing;
        let spread = &until.covariance - &until.covariance * &pull * &rest.propagator * &until.covariance;
        let swirl = -(&dynamics.drift * &spread) - push * &rest.propagator * &until.covariance;
        Self { weight, place, velocity, spread, swirl }
    }
}

/// `ln p(x'|x) − ln p̂(x|x')` as a form of `(Δ, g, ĝ)`, where a step backwards has the law of `back`, and `ĝ` is its drift at the middle.
pub fn reversed_ledger(step: &ExactStep, back: &ExactStep) -> Result<BridgeForm, ExactError> {
    let d = step.offset.len();
    let identity = DMatrix::<f64>::identity(d, d);
    let none = DMatrix::zeros(d, d);
    let forward = join(&join(&((&identity + &step.propagator) * 0.5), &-&step.integral), &none);
    let backward = join(&join(&((&identity + &back.propagator) * 0.5), &none), &back.integral);
    let matrix = backward.transpose() * back.inverse_covariance()? * &backward - forward.transpose() * step.inverse_covariance()? * &forward;
    let logarithm = |step: &ExactStep| step.noise_factor().map(|factor| factor.diagonal().iter().map(|pivot| pivot.ln()).sum::<f64>());
    Ok(BridgeForm { constant: logarithm(back)? - logarithm(step)?, matrix })
}

fn join(left: &DMatrix<f64>, right: &DMatrix<f64>) -> DMatrix<f64> {
    let (rows, columns) = left.shape();
    DMatrix::from_fn(rows, columns + right.ncols(), |i, j| if j < columns { left[(i, j)] } else { right[(i, j - columns)] })
}

#[cfg(test)]
mod tests {
    use super::super::linear::Gaussian;
    use super::*;

    fn close(value: f64, expected: f64, tolerance: f64) -> bool {
        (value - expected).abs() <= tolerance
    }

    /// Neither symmetric nor of one temperature.
    fn dynamics() -> LinearDynamics {
        let drift = DMatrix::from_row_slice(3, 3, &[2.0, -1.0, 0.3, -0.4, 1.5, -1.0, 0.0, 0.7, 1.0]);
        LinearDynamics::new(drift, DVector::from_vec(vec![0.4, -1.2, 0.5]), DVector::from_vec(vec![1.0, 10.0, 0.3])).unwrap()
    }

    fn value(form: &BridgeForm, variables: &DVector<f64>) -> f64 {
        form.constant + 0.5 * variables.dot(&(&form.matrix * variables))
    }

    fn variables(dynamics: &LinearDynamics, from: &DVector<f64>, to: &DVector<f64>) -> DVector<f64> {
        let (middle, d) = ((from + to) * 0.5, from.len());
        let (displacement, slope) = (to - from, &dynamics.offset - &dynamics.drift * &middle);
        DVector::from_fn(2 * d, |k, _| if k < d { displacement[k] } else { slope[k - d] })
    }

    /// Mean of a function of both ends over a law of the start, by cubature that is exact for quadratic functions.
    fn mean_over_ends(law: &Gaussian, step: &ExactStep, function: &dyn Fn(&DVector<f64>, &DVector<f64>) -> f64) -> f64 {
        let (d, start, noise) = (law.mean().len(), law.noise_factor(), step.noise_factor().unwrap());
        let radius = (2.0 * d as f64).sqrt();
        let points = (0..2 * d).flat_map(|k| [-radius, radius].map(|r| DVector::from_fn(2 * d, |i, _| if i == k { r } else { 0.0 })));
        let sum = points.map(|z| {
            let from = law.mean() + &start * z.rows(0, d);
            let to = &step.propagator * &from + &step.offset + &noise * z.rows(d, d);
            function(&from, &to)
        });
        sum.sum::<f64>() / (4.0 * d as f64)
    }

    /// `∫ ⟨rate⟩ ds` of a rate that the law decides, by Simpson's rule over many pieces.
    fn integral(dynamics: &LinearDynamics, start: &Gaussian, dt: f64, rate: &dyn Fn(&Gaussian) -> f64) -> f64 {
        let pieces = 4000;
        let half = dynamics.step(0.5 * dt / f64::from(pieces)).unwrap();
        let (mut law, mut sum) = (start.clone(), 0.0);
        for _ in 0..pieces {
            let middle = law.after(&half).unwrap();
            let end = middle.after(&half).unwrap();
            sum += (rate(&law) + 4.0 * rate(&middle) + rate(&end)) * dt / f64::from(6 * pieces);
            law = end;
        }
        sum
    }

    #[test]
    fn corrected_midpoints_have_the_mean_of_the_stratonovich_sum() {
        let dynamics = dynamics();
        let start = Gaussian::new(DVector::from_vec(vec![3.0, -1.0, 0.2]), DMatrix::from_diagonal(&DVector::from_vec(vec![0.5, 2.0, 1.0]))).unwrap();
        for dt in [0.01, 0.3, 2.0, 12.0] {
            let (bridge, step) = (Bridge::new(&dynamics, dt).unwrap(), dynamics.step(dt).unwrap());
            for (i, j) in [(0, 1), (1, 2), (0, 2)] {
                let form = bridge.loop_form(i, j);
                let found = |weight: f64| {
                    mean_over_ends(&start, &step, &|from, to| {
                        let (middle, moved) = ((from + to) * 0.5, to - from);
                        0.5 * (middle[j] * moved[i] - middle[i] * moved[j]) + weight * value(&form, &variables(&dynamics, from, to))
                    })
                };
                // ⟨x_j ∘ dx_i⟩ = ⟨x_j ν_i⟩ ds, ν the local mean velocity.
                let rate = |law: &Gaussian| {
                    let inverse = law.covariance().clone().cholesky().unwrap().inverse();
                    let flow = DMatrix::from_diagonal(&dynamics.diffusion) * inverse - &dynamics.drift;
                    let velocity = &dynamics.offset - &dynamics.drift * law.mean();
                    let moment = |i: usize, j: usize| law.mean()[j] * velocity[i] + (law.covariance() * flow.transpose())[(j, i)];
                    0.5 * (moment(i, j) - moment(j, i))
                };
                let exact = integral(&dynamics, &start, dt, &rate);
                assert!(close(found(1.0), exact, 1e-9 * (1.0 + exact.abs())), "{dt} {i}{j}: {} is not {exact}", found(1.0));
                // Controls: without the correction, or with it 3 % off, the mean is missed.
                assert!(!close(found(0.0), exact, 1e-6 * dt) && !close(found(1.03), exact, 1e-8 * dt), "{dt} {i}{j}");
            }
        }
    }

    #[test]
    fn a_step_is_two_halves_whose_middle_is_forgotten() {
        let (dynamics, dt) = (dynamics(), 0.4);
        let (whole, half) = (Bridge::new(&dynamics, dt).unwrap(), Bridge::new(&dynamics, 0.5 * dt).unwrap());
        let (step, short) = (dynamics.step(dt).unwrap(), dynamics.step(0.5 * dt).unwrap());
        let (from, to) = (DVector::from_vec(vec![0.3, -2.0, 1.0]), DVector::from_vec(vec![1.1, 0.8, -0.5]));
        // The law of the middle given both ends.
        let gain = &short.covariance * short.propagator.transpose() * step.inverse_covariance().unwrap();
        let mean = &short.propagator * &from + &short.offset + &gain * (&to - &step.propagator * &from - &step.offset);
        let law = Gaussian::new(mean, &short.covariance - &gain * &short.propagator * &short.covariance).unwrap();
        let still =
            ExactStep { propagator: DMatrix::identity(3, 3), integral: DMatrix::zeros(3, 3), offset: DVector::zeros(3), covariance: DMatrix::identity(3, 3) };
        for (i, j) in [(0, 1), (1, 2), (0, 2)] {
            let area = |bridge: &Bridge, from: &DVector<f64>, to: &DVector<f64>| {
                let (middle, moved) = ((from + to) * 0.5, to - from);
                0.5 * (middle[j] * moved[i] - middle[i] * moved[j]) + value(&bridge.loop_form(i, j), &variables(&dynamics, from, to))
            };
            let halves = mean_over_ends(&law, &still, &|middle, _| area(&half, &from, middle) + area(&half, middle, &to));
            let one = area(&whole, &from, &to);
            assert!(close(halves, one, 1e-10), "{i}{j}: {halves} {one}");
        }
    }

    #[test]
    fn products_of_linear_functions_have_their_mean() {
        let (dynamics, dt) = (dynamics(), 0.7);
        let start = Gaussian::new(DVector::from_vec(vec![3.0, -1.0, 0.2]), DMatrix::identity(3, 3)).unwrap();
        let (k, l) = (DVector::from_vec(vec![1.0, 0.5, -2.0]), DVector::from_vec(vec![-1.0, 0.0, 1.0]));
        let (form, step) = (Bridge::new(&dynamics, dt).unwrap().product_form(&k, &l), dynamics.step(dt).unwrap());
        let found = mean_over_ends(&start, &step, &|from, to| {
            let middle = (from + to) * 0.5;
            let (p, q) = (0.3 - k.dot(&middle), 1.5 - l.dot(&middle));
            let ends = variables(&dynamics, from, to);
            p * q * dt + value(&form, &DVector::from_fn(8, |m, _| [ends[m.min(5)], p, q][m.saturating_sub(5)]))
        });
        let exact = integral(&dynamics, &start, dt, &|law| (0.3 - k.dot(law.mean())) * (1.5 - l.dot(law.mean())) + k.dot(&(law.covariance() * &l)));
        assert!(close(found, exact, 1e-9 * exact.abs()), "{found} {exact}");
    }

    #[test]
    fn the_reversed_ledger_is_a_ratio_of_transition_densities() {
        let forward = dynamics();
        // Turn the last coordinate round: its row and column change sign, and so does its offset.
        let sign = |i: usize| if i == 2 { -1.0 } else { 1.0 };
        let mirrored = LinearDynamics::new(
            DMatrix::from_fn(3, 3, |i, j| sign(i) * sign(j) * forward.drift[(i, j)]),
            DVector::from_fn(3, |i, _| sign(i) * forward.offset[i]),
            forward.diffusion.clone(),
        )
        .unwrap();
        let (step, back) = (forward.step(0.3).unwrap(), mirrored.step(0.3).unwrap());
        let form = reversed_ledger(&step, &back).unwrap();
        let (from, to) = (DVector::from_vec(vec![0.3, -2.0, 1.0]), DVector::from_vec(vec![1.1, 0.8, -0.5]));
        let transition =
            |x: &DVector<f64>, y: &DVector<f64>| Gaussian::new(&step.propagator * x + &step.offset, step.covariance.clone()).unwrap().ln_pdf(y.as_slice());
        let turned = |x: &DVector<f64>| DVector::from_fn(3, |i, _| sign(i) * x[i]);
        let expected = transition(&from, &to) - transition(&turned(&to), &turned(&from));
        let (ahead, behind) = (variables(&forward, &from, &to), variables(&mirrored, &from, &to));
        let all = DVector::from_fn(9, |k, _| if k < 6 { ahead[k] } else { behind[k - 3] });
        assert!(close(value(&form, &all), expected, 1e-10), "{} {expected}", value(&form, &all));
        // Control: taken for even, it is another number; and where all is even it is the plain ledger.
        let plain = reversed_ledger(&step, &step).unwrap();
        let same = DVector::from_fn(9, |k, _| if k < 6 { ahead[k] } else { ahead[k - 3] });
        let even = transition(&from, &to) - transition(&to, &from);
        assert!(close(value(&plain, &same), even, 1e-10) && !close(even, expected, 0.1));
    }
}
