//! What trajectories of a Markov chain count, at long times: the scaled cumulant generating function and its first derivatives.

use super::chain::Chain;
use super::solver::Solver;

/// New decompositions before an iteration is given up.
const MOST_DECOMPOSITIONS: usize = 60;
/// Steps with one decomposition.
const STEPS: usize = 3;
/// Steps in a row that may bring the bounds no nearer.
const PATIENCE: usize = 24;
/// Width of the enclosing interval, relative to the fastest rate, that is wanted.
const WANTED: f64 = 1e-13;
/// Width that is accepted where rounding ends the iteration.
const ACCEPTED: f64 = 1e-10;
/// States with less probability are left out of the linear equations.
const RARE: f64 = 1e-280;

/// The scaled cumulant generating function: the growth rate of `⟨Π factor⟩` over the transitions of a trajectory, the Perron eigenvalue of the tilted
/// generator, and the width of the interval of Collatz & Wielandt that encloses it. `factors` has one entry a transition, all finite and not negative.
/// `lost` is the rate at which each state is left for states that are not there, or empty: what is lost counts no more, so that the value is a lower bound
/// of that of all states. `None` where the iteration does not settle.
///
/// Inverse iteration from above (T. Noda, Numer. Math. 17, 382 (1971)) on the left eigenvector, which at factors near 1 is nearly constant; every step
/// is balanced by the vector found so far, so that components of very different size have the same relative precision.
pub fn growth(chain: &Chain, rates: &[f64], factors: &[f64], lost: &[f64]) -> Option<(f64, f64)> {
    let n = chain.states;
    let mut exit = lost.to_vec();
    exit.resize(n, 0.0);
    chain.from.iter().zip(rates).for_each(|(&from, &rate)| exit[from as usize] += rate);
    let scale = rates.iter().zip(factors).map(|(rate, factor)| rate * factor).chain(exit.iter().copied()).fold(0.0f64, f64::max);
    let mut vector = vec![1.0; n];
    let ratios = |vector: &[f64]| -> (f64, f64) {
        let mut gained = vec![0.0; n];
        for (((&from, &to), &rate), factor) in chain.from.iter().zip(&chain.to).zip(rates).zip(factors) {
            gained[from as usize] += rate * factor * vector[to as usize];
        }
        let ratio = (0..n).map(|state| gained[state] / vector[state] - exit[state]);
        ratio.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), ratio| (low.min(ratio), high.max(ratio)))
    };
    let (mut low, mut high) = ratios(&vector);
    let mut stale = 0;
    for _ in 0..MOST_DECOMPOSITIONS {
        if !(low.is_finite() && high.is_finite()) {
            return None;
        }
        if high - low <= WANTED * scale {
            break;
        }
        // A little above the bound, so that the matrix is not singular when the bound is the eigenvalue.
        let shift = high + 1e-3 * (high - low) + 1e-15 * scale;
        let gain = |k: usize| -rates[k] * factors[k] * vector[chain.to[k] as usize] / vector[chain.from[k] as usize];
        let gains = (0..rates.len()).map(|k| (chain.from[k] as usize, chain.to[k] as usize, gain(k)));
        let diagonal = (0..n).map(|state| (state, state, shift + exit[state]));
        let Some(solver) = Solver::new(n, gains.chain(diagonal)) else { break };
        let base = vector.clone();
        let mut relative = vec![1.0; n];
        for _ in 0..STEPS {
            let Some(mut solved) = solver.solve(std::slice::from_ref(&relative)) else { break };
            let most = solved[0].iter().fold(0.0f64, |most, value| most.max(*value));
            relative = solved.swap_remove(0).into_iter().map(|value| value / most).collect();
            if !relative.iter().all(|value| *value > 0.0) {
                return accepted(low, high, scale);
            }
            vector = base.iter().zip(&relative).map(|(base, relative)| base * relative).collect();
            let (below, above) = ratios(&vector);
            stale = if above - below < 0.9 * (high - low) { 0 } else { stale + 1 };
            if above - below < high - low {
                (low, high) = (below, above);
            }
        }
        // Where a chain is in two parts that seldom meet, the vector must fall by many orders from one to the other before the bounds meet.
        if stale > if high - low <= ACCEPTED * scale { STEPS } else { PATIENCE } {
            break;
        }
    }
    accepted(low, high, scale)
}

fn accepted(low: f64, high: f64, scale: f64) -> Option<(f64, f64)> {
    (high - low <= ACCEPTED * scale).then_some((0.5 * (low + high), high - low))
}

/// Cumulants per time of a sum over the way, in the steady state, at long times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cumulants {
    /// `lim ⟨S⟩/t`.
    pub mean: f64,
    /// `lim Var(S)/t`.
    pub variance: f64,
    /// `lim ⟨(S − ⟨S⟩)³⟩/t`.
    pub third: f64,
    /// `⟨Σ |c|⟩/t`, the size of the terms that cancel in the mean.
    pub size: f64,
    /// Estimated relative error of the variance, from the residual of the linear equations.
    pub error: f64,
}

/// Cumulants per time of several sums in the steady state `law`; transition `k` adds `sums[s][k]`. `None` where the linear equations have no solution.
///
/// Perturbation theory of the tilted generator (D. Andrieux and P. Gaspard, J. Stat. Mech. P01011 (2006)): with `L u = J p − L₁ p`, `Σ u = 0`, the variance
/// rate is `Σ L₂ p + 2 Σ L₁ u`, and a second such equation gives the third cumulant. Solved for `w = u/p`, which is of order 1 however rare a state is.
pub fn long_time(chain: &Chain, rates: &[f64], law: &[f64], sums: &[Vec<f64>]) -> Option<Vec<Cumulants>> {
    let equations = Equations::new(chain, rates, law)?;
    let fluxes = chain.fluxes(rates, law);
    // Σ_k over transitions into a state of c^power flux w(from), over p(to).
    let gained = |weights: &[f64], power: i32, w: &[f64]| -> Vec<f64> {
        let mut gained = vec![0.0; chain.states];
        for (k, flux) in fluxes.iter().enumerate() {
            gained[chain.to[k] as usize] += weights[k].powi(power) * flux * w[chain.from[k] as usize];
        }
        gained.iter_mut().zip(law).for_each(|(value, p)| *value = if *p > RARE { *value / p } else { 0.0 });
        gained
    };
    let total = |weights: &[f64], power: i32, w: &[f64]| -> f64 {
        fluxes.iter().enumerate().map(|(k, flux)| weights[k].powi(power) * flux * w[chain.from[k] as usize]).sum()
    };
    let ones = vec![1.0; chain.states];
    let means: Vec<f64> = sums.iter().map(|weights| total(weights, 1, &ones)).collect();
    let sides = sums.iter().zip(&means).map(|(weights, mean)| gained(weights, 1, &ones).iter().map(|gain| gain - mean).collect()).collect();
    let (first, errors) = equations.solve(sides)?;
    let seconds: Vec<f64> = sums.iter().zip(&first).map(|(weights, w)| total(weights, 1, w) + 0.5 * total(weights, 2, &ones)).collect();
    let side = |s: usize| -> Vec<f64> {
        let (one, two) = (gained(&sums[s], 1, &first[s]), gained(&sums[s], 2, &ones));
        (0..chain.states).map(|i| one[i] + 0.5 * two[i] - means[s] * first[s][i] - seconds[s]).collect()
    };
    let (second, _) = equations.solve((0..sums.len()).map(side).collect())?;
    let of = |s: usize| Cumulants {
        mean: means[s],
        size: fluxes.iter().zip(&sums[s]).map(|(flux, weight)| (flux * weight).abs()).sum(),
        variance: 2.0 * seconds[s],
        third: 6.0 * total(&sums[s], 1, &second[s]) + 3.0 * total(&sums[s], 2, &first[s]) + total(&sums[s], 3, &ones),
        error: errors[s],
    };
    Some((0..sums.len()).map(of).collect())
}

/// `−p⁻¹ L p w = side` without the most probable state, whose `w` is 0, and without those that are never seen.
pub(super) struct Equations<'a> {
    chain: &'a Chain,
    law: &'a [f64],
    fluxes: Vec<f64>,
    /// Row of every state; `None` for those left out.
    row: Vec<Option<usize>>,
    /// `None` where there is one state.
    solver: Option<Solver>,
}

impl<'a> Equations<'a> {
    pub(super) fn new(chain: &'a Chain, rates: &[f64], law: &'a [f64]) -> Option<Self> {
        let top = (0..chain.states).max_by(|a, b| law[*a].total_cmp(&law[*b]))?;
        let mut rows = 0;
        let number = |state: usize| {
            let kept = state != top && law[state] > RARE;
            rows += usize::from(kept);
            kept.then(|| rows - 1)
        };
        let row: Vec<Option<usize>> = (0..chain.states).map(number).collect();
        let fluxes = chain.fluxes(rates, law);
        let gain = |k: usize| Some((row[chain.to[k] as usize]?, row[chain.from[k] as usize]?, -fluxes[k] / law[chain.to[k] as usize]));
        let loss = |k: usize| row[chain.from[k] as usize].map(|row| (row, row, rates[k]));
        let transitions = 0..rates.len();
        let solver = Solver::new(rows, transitions.clone().filter_map(gain).chain(transitions.filter_map(loss)));
        (solver.is_some() || rows == 0).then_some(Self { chain, law, fluxes, row, solver })
    }

    /// Solutions with `Σ p w = 0`, and their relative residuals.
    pub(super) fn solve(&self, sides: Vec<Vec<f64>>) -> Option<(Vec<Vec<f64>>, Vec<f64>)> {
        let Some(solver) = &self.solver else { return Some((vec![vec![0.0; self.chain.states]; sides.len()], vec![0.0; sides.len()])) };
        let reduced = |side: &Vec<f64>| -> Vec<f64> { side.iter().zip(&self.row).filter_map(|(value, row)| row.map(|_| *value)).collect() };
        let mut solutions = solver.solve(&sides.iter().map(reduced).collect::<Vec<_>>())?;
        // One step of iterative refinement; what it changes is the error that is left, at most.
        let residuals: Vec<Vec<f64>> = sides.iter().zip(&solutions).map(|(side, solution)| reduced(&self.residual(side, solution))).collect();
        let corrections = solver.solve(&residuals)?;
        let mut errors = Vec::new();
        for (solution, correction) in solutions.iter_mut().zip(&corrections) {
            let size = |values: &[f64]| values.iter().fold(0.0f64, |most, value| most.max(value.abs()));
            errors.push(size(correction) / size(solution).max(f64::MIN_POSITIVE));
            solution.iter_mut().zip(correction).for_each(|(value, more)| *value += more);
        }
        let whole = |solution: Vec<f64>| -> Vec<f64> {
            let mut w: Vec<f64> = self.row.iter().map(|row| row.map_or(0.0, |row| solution[row])).collect();
            let shift: f64 = w.iter().zip(self.law).map(|(w, p)| w * p).sum();
            w.iter_mut().for_each(|w| *w -= shift);
            w
        };
        Some((solutions.into_iter().map(whole).collect(), errors))
    }

    fn residual(&self, side: &[f64], solution: &[f64]) -> Vec<f64> {
        let w = |state: u32| self.row[state as usize].map_or(0.0, |row| solution[row]);
        let mut rest: Vec<f64> = side.iter().zip(self.law).map(|(side, p)| side * p).collect();
        for (k, flux) in self.fluxes.iter().enumerate() {
            let (from, to) = (self.chain.from[k], self.chain.to[k]);
            rest[to as usize] += flux * w(from);
            rest[from as usize] -= flux * w(from);
        }
        rest.iter().zip(self.law).map(|(rest, p)| if *p > RARE { rest / p } else { 0.0 }).collect()
    }
}

#[cfg(test)]
mod tests;
