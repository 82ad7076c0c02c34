//! Moments of a rod of cells that exchange energy (Kipnis, Marchioro & Presutti, J. Stat. Phys. 27, 65 (1982)).
//!
//! Every event is a random linear map of the energies, so that first and second moments obey closed linear equations, and so do those of what has
//! crossed every bond and of the entropy given to the baths: they are carried along as further components, `y = (1, e_1 … e_N, A_0 … A_N, S)`.

use nalgebra::{DMatrix, DVector};

use super::{ExactError, positive};

/// Steps of the solver in units of the shortest mean waiting time of a bond.
const STEP: f64 = 0.025;

/// A rod of `N` cells. Bond 0 is the first bath's, bond `k` joins cells `k` and `k + 1`, bond `N` is the last bath's.
#[derive(Clone, Debug, PartialEq)]
pub struct Rod {
    /// Rates of the bonds `0 ..= N`, not below 0.
    pub rates: Vec<f64>,
    /// True where a bath replaces the energy of its cell; false where it shares a fresh energy of its own with it.
    pub resample: bool,
}

/// Temperatures of both baths, at a start and at an end, straight in between, for so long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// How long.
    pub duration: f64,
    /// At the start.
    pub from: [f64; 2],
    /// At the end.
    pub to: [f64; 2],
}

/// Moments of `y`, and means of `∫ e_i dt`.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    cells: usize,
    /// `⟨y⟩`, then `⟨∫ e_i dt⟩`.
    mean: Vec<f64>,
    /// `⟨y yᵀ⟩`, where it is followed.
    second: Option<DMatrix<f64>>,
}

/// `Σ_a c_a v_a` over `v = (1, U, E, UE)`, times a component of `y`: `U` uniform in (0, 1), `E` the fresh energy of a bath.
type Term = (usize, [f64; 4]);
/// A component of `y` and what it becomes.
type Change = (usize, Vec<Term>);

const ONE: [f64; 4] = [1.0, 0.0, 0.0, 0.0];
const SHARE: [f64; 4] = [0.0, 1.0, 0.0, 0.0];
const REST: [f64; 4] = [1.0, -1.0, 0.0, 0.0];
const FRESH: [f64; 4] = [0.0, 0.0, 1.0, 0.0];
const SHARE_OF_FRESH: [f64; 4] = [0.0, 0.0, 0.0, 1.0];

impl Rod {
    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.rates.len() - 1
    }

    fn is_end(&self, bond: usize) -> bool {
        bond == 0 || bond == self.cells()
    }

    /// What an event on a bond does to `y`; `temperature` is that of the bond's bath.
    fn changes(&self, bond: usize, temperature: f64) -> Vec<Change> {
        let (n, moved, medium) = (self.cells(), 1 + self.cells() + bond, 2 * self.cells() + 2);
        if !self.is_end(bond) {
            let (left, right) = (bond, bond + 1);
            let scaled = |factor: f64, of: [f64; 4]| of.map(|c| factor * c);
            return vec![
                (left, vec![(left, SHARE), (right, SHARE)]),
                (right, vec![(left, REST), (right, REST)]),
                (moved, vec![(moved, ONE), (left, ONE), (left, scaled(-1.0, SHARE)), (right, scaled(-1.0, SHARE))]),
            ];
        }
        let cell = if bond == 0 { 1 } else { n };
        let after: Vec<Term> = if self.resample { vec![(0, FRESH)] } else { vec![(cell, SHARE), (0, SHARE_OF_FRESH)] };
        // What the cell gains has come to the right across bond 0, and to the left across bond N.
        let sign = if bond == 0 { 1.0 } else { -1.0 };
        let gain = |start: usize, factor: f64| {
            let gained = after.iter().map(|(i, c)| (*i, c.map(|c| factor * c)));
            [(start, ONE), (cell, [-factor, 0.0, 0.0, 0.0])].into_iter().chain(gained).collect::<Vec<Term>>()
        };
        vec![(cell, after.clone()), (moved, gain(moved, sign)), (medium, gain(medium, -1.0 / temperature))]
    }

    /// Every bond with a rate: the rate, its temperature (1 for those of no bath) and what it changes.
    fn bonds(&self, temperatures: [f64; 2]) -> Vec<(f64, f64, Vec<Change>)> {
        let temperature = |bond: usize| {
            if bond == 0 {
                temperatures[0]
            } else if bond == self.cells() {
                temperatures[1]
            } else {
                1.0
            }
        };
        let bond = |(bond, &rate): (usize, &f64)| (rate, temperature(bond), self.changes(bond, temperature(bond)));
        self.rates.iter().enumerate().filter(|(_, rate)| **rate > 0.0).map(bond).collect()
    }

    /// The matrix and the vector of `d⟨e⟩/dt = A ⟨e⟩ + b`.
    fn mean_flow(&self, temperatures: [f64; 2]) -> (DMatrix<f64>, DVector<f64>) {
        let n = self.cells();
        let (mut matrix, mut vector) = (DMatrix::zeros(n, n), DVector::zeros(n));
        for (rate, temperature, changes) in self.bonds(temperatures) {
            let averages = first(temperature);
            for (k, terms) in changes.iter().filter(|(k, _)| (1..=n).contains(k)) {
                matrix[(k - 1, k - 1)] -= rate;
                for (i, c) in terms {
                    let value = rate * dot(c, &averages);
                    if *i == 0 { vector[k - 1] += value } else { matrix[(k - 1, i - 1)] += value }
                }
            }
        }
        (matrix, vector)
    }

    /// Slowest relaxation rate of the mean energies; 0 for a rod without a bath.
    pub fn relaxation_rate(&self) -> f64 {
        let (matrix, _) = self.mean_flow([1.0, 1.0]);
        (-matrix).symmetric_eigenvalues().iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Mean energies of the steady state.
    ///
    /// # Errors
    /// Where no bath touches the rod, or a bond is cut.
    pub fn steady_means(&self, temperatures: [f64; 2]) -> Result<Vec<f64>, ExactError> {
        positive("the slowest relaxation rate of the rod", self.relaxation_rate())?;
        let (matrix, vector) = self.mean_flow(temperatures);
        let solution = matrix.lu().solve(&(-vector)).ok_or(ExactError::Reducible { state: 0 })?;
        Ok(solution.as_slice().to_vec())
    }

    /// `⟨e_i e_j⟩` of the steady state, `N × N`, from `N(N + 1)/2` linear equations.
    ///
    /// # Errors
    /// As [`Rod::steady_means`].
    pub fn steady_second(&self, temperatures: [f64; 2]) -> Result<DMatrix<f64>, ExactError> {
        let n = self.cells();
        let means = self.steady_means(temperatures)?;
        let pairs: Vec<(usize, usize)> = (0..n).flat_map(|i| (i..n).map(move |j| (i, j))).collect();
        let bonds = self.bonds(temperatures);
        let flow = |values: &[f64], one: f64| -> Vec<f64> {
            let mut moments = Moments::of(&if one == 0.0 { vec![0.0; n] } else { means.clone() }, 0.0);
            if let Some(second) = &mut moments.second {
                second[(0, 0)] = one;
                for (&(i, j), &value) in pairs.iter().zip(values) {
                    second[(1 + i, 1 + j)] = value;
                    second[(1 + j, 1 + i)] = value;
                }
                let flow = second_flow(&bonds, second);
                return pairs.iter().map(|&(i, j)| flow[(1 + i, 1 + j)]).collect();
            }
            Vec::new()
        };
        let constant = flow(&vec![0.0; pairs.len()], 1.0);
        let mut matrix = DMatrix::zeros(pairs.len(), pairs.len());
        let mut unit = vec![0.0; pairs.len()];
        for k in 0..pairs.len() {
            unit[k] = 1.0;
            matrix.set_column(k, &DVector::from_vec(flow(&unit, 0.0)));
            unit[k] = 0.0;
        }
        let solution = matrix.lu().solve(&-DVector::from_vec(constant)).ok_or(ExactError::Reducible { state: 0 })?;
        let mut second = DMatrix::zeros(n, n);
        for (&(i, j), &value) in pairs.iter().zip(solution.iter()) {
            second[(i, j)] = value;
            second[(j, i)] = value;
        }
        Ok(second)
    }

    /// Follows moments through stretches of time (Runge & Kutta, fourth order).
    pub fn evolve(&self, moments: &mut Moments, stretches: &[Stretch]) {
        let fastest = self.rates.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        for stretch in stretches {
            let steps = (stretch.duration * fastest / STEP).ceil().max(1.0) as u64;
            let h = stretch.duration / steps as f64;
            let at = |fraction: f64| [0, 1].map(|bath| stretch.from[bath] + (stretch.to[bath] - stretch.from[bath]) * fraction);
            let still = (stretch.from == stretch.to).then(|| self.bonds(stretch.from));
            for step in 0..steps {
                let place = |part: f64| (step as f64 + part) / steps as f64;
                let bonds = [0.0, 0.5, 1.0].map(|part| if still.is_some() { Vec::new() } else { self.bonds(at(place(part))) });
                let bonds = [0, 1, 2].map(|k| still.as_ref().unwrap_or(&bonds[k]));
                runge_kutta(&mut moments.mean, h, &bonds, &|bonds, mean| first_flow(bonds, mean, moments.cells));
                if let Some(second) = &mut moments.second {
                    runge_kutta(second, h, &bonds, &|bonds, second| second_flow(bonds, second));
                }
            }
        }
    }
}

/// Means of `v = (1, U, E, UE)`.
fn first(temperature: f64) -> [f64; 4] {
    [1.0, 0.5, temperature, 0.5 * temperature]
}

/// Means of the products of `v`.
fn products(temperature: f64) -> [[f64; 4]; 4] {
    let (t, square) = (temperature, 2.0 * temperature * temperature);
    let third = 1.0 / 3.0;
    [[1.0, 0.5, t, 0.5 * t], [0.5, third, 0.5 * t, third * t], [t, 0.5 * t, square, 0.5 * square], [0.5 * t, third * t, 0.5 * square, third * square]]
}

fn dot(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

type Bonds = Vec<(f64, f64, Vec<Change>)>;

/// `d⟨y⟩/dt`, and that of the integrals.
fn first_flow(bonds: &Bonds, mean: &[f64], cells: usize) -> Vec<f64> {
    let mut flow = vec![0.0; mean.len()];
    for (rate, temperature, changes) in bonds {
        let averages = first(*temperature);
        for (k, terms) in changes {
            flow[*k] += rate * (terms.iter().map(|(i, c)| dot(c, &averages) * mean[*i]).sum::<f64>() - mean[*k]);
        }
    }
    let integrals = mean.len() - cells;
    flow[integrals..].copy_from_slice(&mean[1..=cells]);
    flow
}

/// `d⟨y yᵀ⟩/dt`.
fn second_flow(bonds: &Bonds, second: &DMatrix<f64>) -> DMatrix<f64> {
    let size = second.nrows();
    let mut flow = DMatrix::zeros(size, size);
    for (rate, temperature, changes) in bonds {
        let (averages, squares) = (first(*temperature), products(*temperature));
        for (k, terms) in changes {
            let weights: Vec<(usize, f64)> = terms.iter().map(|(i, c)| (*i, dot(c, &averages))).collect();
            for other in (0..size).filter(|other| !changes.iter().any(|(changed, _)| changed == other)) {
                let after: f64 = weights.iter().map(|(i, weight)| weight * second[(*i, other)]).sum();
                let change = rate * (after - second[(*k, other)]);
                flow[(*k, other)] += change;
                flow[(other, *k)] += change;
            }
            for (l, others) in changes {
                let mut after = 0.0;
                for ((i, a), (j, b)) in terms.iter().flat_map(|left| others.iter().map(move |right| (left, right))) {
                    let weight: f64 = a.iter().zip(&squares).filter(|(a, _)| **a != 0.0).map(|(a, row)| a * dot(row, b)).sum();
                    after += weight * second[(*i, *j)];
                }
                flow[(*k, *l)] += rate * (after - second[(*k, *l)]);
            }
        }
    }
    flow
}

/// What a Runge–Kutta step needs of a state.
trait Vector: Clone {
    fn plus(&self, factor: f64, other: &Self) -> Self;
}

impl Vector for Vec<f64> {
    fn plus(&self, factor: f64, other: &Self) -> Self {
        self.iter().zip(other).map(|(a, b)| a + factor * b).collect()
    }
}

impl Vector for DMatrix<f64> {
    fn plus(&self, factor: f64, other: &Self) -> Self {
        self + other * factor
    }
}

fn runge_kutta<V: Vector>(state: &mut V, h: f64, bonds: &[&Bonds; 3], flow: &dyn Fn(&Bonds, &V) -> V) {
    let first = flow(bonds[0], state);
    let second = flow(bonds[1], &state.plus(0.5 * h, &first));
    let third = flow(bonds[1], &state.plus(0.5 * h, &second));
    let fourth = flow(bonds[2], &state.plus(h, &third));
    *state = state.plus(h / 6.0, &first).plus(h / 3.0, &second).plus(h / 3.0, &third).plus(h / 6.0, &fourth);
}

impl Moments {
    /// Independent energies of these means: exponential ones with `spread` 1, sharp ones with 0. Nothing has crossed a bond.
    pub fn of(means: &[f64], spread: f64) -> Self {
        let cells = means.len();
        let size = 2 * cells + 3;
        let mut mean = vec![0.0; size + cells];
        mean[0] = 1.0;
        mean[1..=cells].copy_from_slice(means);
        let square = |i: usize, j: usize| mean[i] * mean[j] * if i == j && i > 0 { 1.0 + spread } else { 1.0 };
        let second = DMatrix::from_fn(size, size, square);
        Self { cells, mean, second: Some(second) }
    }

    /// The same without second moments.
    pub fn of_means(means: &[f64]) -> Self {
        Self { second: None, ..Self::of(means, 0.0) }
    }

    /// The same energies; counting starts anew.
    pub fn restarted(&self) -> Self {
        let energies = self.cells + 1;
        let mut fresh = self.clone();
        fresh.mean[energies..].fill(0.0);
        if let Some(second) = &mut fresh.second {
            let size = second.nrows();
            second.rows_mut(energies, size - energies).fill(0.0);
            second.columns_mut(energies, size - energies).fill(0.0);
        }
        fresh
    }

    fn energy_weights(&self, weights: &[(usize, f64)], offset: usize) -> Vec<(usize, f64)> {
        weights.iter().map(|(i, weight)| (offset + i, *weight)).collect()
    }

    fn mean_of(&self, weights: &[(usize, f64)]) -> f64 {
        weights.iter().map(|(i, weight)| weight * self.mean[*i]).sum()
    }

    fn covariance_of(&self, left: &[(usize, f64)], right: &[(usize, f64)]) -> Option<f64> {
        let second = self.second.as_ref()?;
        let product: f64 = left.iter().flat_map(|(i, a)| right.iter().map(move |(j, b)| a * b * second[(*i, *j)])).sum();
        Some(product - self.mean_of(left) * self.mean_of(right))
    }

    /// Mean and, where followed, variance of `Σ w_i e_i`; cells count from 0.
    pub fn energies(&self, weights: &[(usize, f64)]) -> (f64, Option<f64>) {
        let weights = self.energy_weights(weights, 1);
        (self.mean_of(&weights), self.covariance_of(&weights, &weights))
    }

    /// Covariance of the energies of two cells, counted from 0.
    pub fn covariance(&self, i: usize, j: usize) -> Option<f64> {
        self.covariance_of(&[(1 + i, 1.0)], &[(1 + j, 1.0)])
    }

    /// Mean and variance of `Σ w_b A_b`, `A_b` the energy that has crossed bond `b` to the right.
    pub fn crossed(&self, weights: &[(usize, f64)]) -> (f64, Option<f64>) {
        let weights = self.energy_weights(weights, 1 + self.cells);
        (self.mean_of(&weights), self.covariance_of(&weights, &weights))
    }

    /// Mean and variance of the entropy given to the baths.
    pub fn medium(&self) -> (f64, Option<f64>) {
        let weights = [(2 * self.cells + 2, 1.0)];
        (self.mean_of(&weights), self.covariance_of(&weights, &weights))
    }

    /// Mean of `∫ e_i dt`, cells counted from 0.
    pub fn integral(&self, cell: usize) -> f64 {
        self.mean[2 * self.cells + 3 + cell]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rod(cells: usize, resample: bool) -> Rod {
        Rod { rates: vec![1.0; cells + 1], resample }
    }

    fn near(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found} against {expected}");
    }

    /// Values of the acceptance table (PHYSICS, section 5): N = 4, ghost bonds, 2 → 1.
    #[test]
    fn the_rod_of_four_cells() {
        let rod = rod(4, false);
        let means = rod.steady_means([2.0, 1.0]).expect("steady");
        means.iter().zip([1.8, 1.6, 1.4, 1.2]).for_each(|(found, expected)| near(*found, expected, 1e-12));
        let second = rod.steady_second([2.0, 1.0]).expect("steady");
        near(second[(0, 3)] - means[0] * means[3], 0.006_089_97, 5e-9);
    }

    #[test]
    fn equilibrium_has_independent_exponential_energies() {
        for resample in [false, true] {
            let second = rod(5, resample).steady_second([1.2, 1.2]).expect("steady");
            for (i, j) in (0..5).flat_map(|i| (0..5).map(move |j| (i, j))) {
                near(second[(i, j)], 1.44 * if i == j { 2.0 } else { 1.0 }, 1e-12);
            }
        }
    }

    /// The steady state found by linear equations is where time leads, and what then crosses every bond is the same.
    #[test]
    fn time_leads_to_the_steady_state() {
        let rod = Rod { rates: vec![0.5, 2.0, 1.0, 0.7], resample: true };
        let temperatures = [3.0, 0.5];
        let stretch = |duration| [Stretch { duration, from: temperatures, to: temperatures }];
        let mut moments = Moments::of(&[1.0, 1.0, 1.0], 0.0);
        rod.evolve(&mut moments, &stretch(40.0 / rod.relaxation_rate()));
        let (means, second) = (rod.steady_means(temperatures).expect("steady"), rod.steady_second(temperatures).expect("steady"));
        for (i, j) in (0..3).flat_map(|i| (0..3).map(move |j| (i, j))) {
            near(moments.covariance(i, j).expect("followed"), second[(i, j)] - means[i] * means[j], 1e-9);
        }
        let mut moments = moments.restarted();
        rod.evolve(&mut moments, &stretch(5.0));
        let current = moments.crossed(&[(0, 1.0)]).0;
        (1..4).for_each(|bond| near(moments.crossed(&[(bond, 1.0)]).0, current, 1e-9));
        near(moments.medium().0, current * (1.0 / temperatures[1] - 1.0 / temperatures[0]), 1e-9);
        near(moments.integral(1), 5.0 * means[1], 1e-9);
    }

    /// One cell and one bath that replaces its energy: everything is elementary.
    #[test]
    fn one_cell_relaxes_as_it_should() {
        let rod = Rod { rates: vec![2.0, 0.0], resample: true };
        let mut moments = Moments::of(&[3.0], 0.0);
        rod.evolve(&mut moments, &[Stretch { duration: 0.7, from: [1.0, 1.0], to: [1.0, 1.0] }]);
        let left = (-1.4f64).exp();
        let (mean, variance) = moments.energies(&[(0, 1.0)]);
        near(mean, 1.0 + 2.0 * left, 1e-7);
        near(variance.expect("followed"), 9.0 * left + 2.0 * (1.0 - left) - (1.0 + 2.0 * left).powi(2), 1e-6);
        // The heat is minus the change of the energy, which starts sharp.
        near(moments.crossed(&[(0, 1.0)]).1.expect("followed"), variance.expect("followed"), 1e-6);
    }

    /// A bath that warms up while it acts: `d⟨e⟩/dt = r (T(t) − ⟨e⟩)`.
    #[test]
    fn a_moving_temperature_is_followed() {
        let rod = Rod { rates: vec![1.0, 0.0], resample: true };
        let mut moments = Moments::of_means(&[1.0]);
        rod.evolve(&mut moments, &[Stretch { duration: 2.0, from: [1.0, 1.0], to: [3.0, 1.0] }]);
        near(moments.energies(&[(0, 1.0)]).0, 3.0 - 1.0 + (-2.0f64).exp(), 1e-7);
        assert!(moments.energies(&[(0, 1.0)]).1.is_none());
    }

    #[test]
    fn a_rod_without_a_bath_has_no_steady_state() {
        assert!(Rod { rates: vec![0.0, 1.0, 0.0], resample: false }.steady_means([1.0, 1.0]).is_err());
    }
}
