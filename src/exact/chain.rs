//! Markov chains in continuous time on a finite number of states: stationary state, evolution, time in every state.
//!
//! A chain knows transitions between numbered states; rates come from outside, so that one chain serves every moment of a protocol.

use super::ExactError;

/// Most states whose stationary law is computed: the elimination is dense.
pub const MOST_STATIONARY: usize = 1600;
/// Probability that uniformisation may leave out.
const TAIL: f64 = 1e-15;
/// Steps of a power iteration before it is given up.
const MOST_ITERATIONS: usize = 100_000;
/// Local error of the integrator, relative to probabilities of order 1.
const TOLERANCE: f64 = 1e-11;

/// States `0 .. states` and the transitions between them; several may join the same two states.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain {
    /// Number of states.
    pub states: usize,
    /// Where every transition starts.
    pub from: Vec<u32>,
    /// Where it ends.
    pub to: Vec<u32>,
}

/// What is integrated along the way: of time, law and rates, into the last.
pub type Integrand<'a> = dyn Fn(f64, &[f64], &[f64], &mut [f64]) + 'a;

impl Chain {
    /// The stationary law by the elimination of Grassmann, Taksar & Heyman (Oper. Res. 33, 1107 (1985)), which subtracts nothing, so that every probability has
    /// full relative precision. `rates` has one entry a transition.
    ///
    /// # Errors
    /// When there are more than [`MOST_STATIONARY`] states, or when not every state leads to the first.
    pub fn stationary(&self, rates: &[f64]) -> Result<Vec<f64>, ExactError> {
        let n = self.states;
        if n > MOST_STATIONARY {
            return Err(ExactError::TooManyStates { states: n, limit: MOST_STATIONARY });
        }
        let mut matrix = vec![0.0; n * n];
        for ((&from, &to), &rate) in self.from.iter().zip(&self.to).zip(rates) {
            matrix[from as usize * n + to as usize] += rate;
        }
        for last in (1..n).rev() {
            let exit: f64 = matrix[last * n..last * n + last].iter().sum();
            if !(exit > 0.0) {
                return Err(ExactError::Reducible { state: last });
            }
            for row in 0..last {
                let share = matrix[row * n + last] / exit;
                matrix[row * n + last] = share;
                if share > 0.0 {
                    let (upper, lower) = matrix.split_at_mut(last * n);
                    let target = &mut upper[row * n..row * n + last];
                    target.iter_mut().zip(&lower[..last]).for_each(|(entry, more)| *entry += share * more);
                }
            }
        }
        let mut law = vec![0.0; n];
        law[0] = 1.0;
        for state in 1..n {
            law[state] = (0..state).map(|row| law[row] * matrix[row * n + state]).sum();
        }
        let total: f64 = law.iter().sum();
        law.iter_mut().for_each(|p| *p /= total);
        Ok(law)
    }

    /// `dp/dt` at given rates.
    fn flow(&self, rates: &[f64], p: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for ((&from, &to), &rate) in self.from.iter().zip(&self.to).zip(rates) {
            let flux = rate * p[from as usize];
            out[from as usize] -= flux;
            out[to as usize] += flux;
        }
    }

    /// Lets `p` evolve for a time at constant rates, by uniformisation (A. Jensen, 1953); the time spent in every state comes back.
    pub fn evolve(&self, p: &mut Vec<f64>, rates: &[f64], time: f64) -> Vec<f64> {
        let n = self.states;
        let mut exit = vec![0.0; n];
        self.from.iter().zip(rates).for_each(|(&from, &rate)| exit[from as usize] += rate);
        let fastest = exit.iter().fold(0.0f64, |most, rate| most.max(*rate));
        let mut spent = vec![0.0; n];
        if fastest * time == 0.0 {
            spent.iter_mut().zip(p.iter()).for_each(|(spent, p)| *spent = time * p);
            return spent;
        }
        // Pieces short enough that the first Poisson weight does not vanish.
        let pieces = (fastest * time / 200.0).ceil().max(1.0);
        let mean = fastest * time / pieces;
        let mut change = vec![0.0; n];
        for _ in 0..pieces as u64 {
            let mut term = p.clone();
            let mut weight = (-mean).exp();
            let mut below = weight;
            let mut after: Vec<f64> = term.iter().map(|p| weight * p).collect();
            for k in 0.. {
                // The time spent in the k-th stage is P(more than k events)/fastest.
                let more = (1.0 - below).max(0.0) / fastest;
                spent.iter_mut().zip(&term).for_each(|(spent, p)| *spent += more * p);
                if (1.0 - below <= TAIL && f64::from(k) > mean) || f64::from(k) > mean + 40.0 * mean.sqrt() + 60.0 {
                    break;
                }
                self.flow(rates, &term, &mut change);
                term.iter_mut().zip(&change).for_each(|(p, change)| *p += change / fastest);
                weight *= mean / f64::from(k + 1);
                below += weight;
                after.iter_mut().zip(&term).for_each(|(sum, p)| *sum += weight * p);
            }
            let total: f64 = after.iter().sum();
            let before: f64 = p.iter().sum();
            // What rounding and the cut tail took is put back evenly.
            after.iter_mut().for_each(|value| *value *= before / total);
            *p = after;
        }
        spent
    }

    /// The scaled cumulant generating function: the growth rate of `⟨Π factor⟩` over the transitions of a trajectory, the Perron eigenvalue of the tilted
    /// generator, and the width of the interval of Collatz & Wielandt that encloses it. `factors` has one entry a transition, all finite and positive.
    /// `None` where the power iteration does not settle.
    pub fn growth(&self, rates: &[f64], factors: &[f64]) -> Option<(f64, f64)> {
        let mut exit = vec![0.0; self.states];
        self.from.iter().zip(rates).for_each(|(&from, &rate)| exit[from as usize] += rate);
        let shift = exit.iter().fold(0.0f64, |most, rate| most.max(*rate)) * 1.01;
        let mut vector = vec![1.0; self.states];
        for _ in 0..MOST_ITERATIONS {
            let mut next: Vec<f64> = vector.iter().zip(&exit).map(|(v, exit)| (shift - exit) * v).collect();
            for (((&from, &to), &rate), factor) in self.from.iter().zip(&self.to).zip(rates).zip(factors) {
                next[to as usize] += rate * factor * vector[from as usize];
            }
            let ratios = next.iter().zip(&vector).map(|(next, v)| next / v);
            let (low, high) = ratios.fold((f64::INFINITY, 0.0f64), |(low, high), ratio| (low.min(ratio), high.max(ratio)));
            if !(high.is_finite() && low > 0.0) {
                return None;
            }
            if high - low <= 1e-10 * shift {
                return Some((0.5 * (low + high) - shift, high - low));
            }
            let scale = 1.0 / next.iter().fold(0.0f64, |most, v| most.max(*v));
            vector = next.into_iter().map(|v| scale * v).collect();
        }
        None
    }

    /// Lets `p` evolve from `start` to `end` while rates move, and integrates `sums` along the way: `rates(t, out)` fills the rates,
    /// `integrand(t, p, rates, out)` what is integrated. Dormand & Prince's pair of orders 5 and 4 with adaptive steps.
    pub fn evolve_moving(&self, p: &mut [f64], (start, end): (f64, f64), rates: &dyn Fn(f64, &mut [f64]), integrand: &Integrand, sums: &mut [f64]) {
        let (n, m) = (self.states, sums.len());
        let mut at = vec![0.0; self.from.len()];
        let mut slope = |t: f64, y: &[f64], out: &mut Vec<f64>| {
            rates(t, &mut at);
            out.resize(n + m, 0.0);
            let (flow, more) = out.split_at_mut(n);
            self.flow(&at, &y[..n], flow);
            integrand(t, &y[..n], &at, more);
        };
        let mut y: Vec<f64> = p.iter().copied().chain(sums.iter().copied()).collect();
        let (mut t, mut step) = (start, (end - start) / 64.0);
        let mut stages: Vec<Vec<f64>> = vec![Vec::new(); 7];
        slope(t, &y, &mut stages[0]);
        while t < end {
            step = step.min(end - t);
            let mut trial = y.clone();
            for stage in 1..7 {
                trial.copy_from_slice(&y);
                for (earlier, factor) in STAGES[stage].iter().enumerate().filter(|(_, factor)| **factor != 0.0) {
                    trial.iter_mut().zip(&stages[earlier]).for_each(|(value, slope)| *value += step * factor * slope);
                }
                let (_, later) = stages.split_at_mut(stage);
                slope(t + NODES[stage] * step, &trial, &mut later[0]);
            }
            let error = (0..n).map(|i| (0..7).map(|stage| ERROR[stage] * stages[stage][i]).sum::<f64>().abs()).fold(0.0, f64::max) * step;
            let scale = 0.9 * (TOLERANCE / error.max(1e-300)).powf(0.2);
            if error <= TOLERANCE || step <= 1e-14 * (end - start) {
                t = if end - t - step <= 1e-14 * (end - start) { end } else { t + step };
                y.copy_from_slice(&trial);
                stages.swap(0, 6);
            }
            step *= scale.clamp(0.2, 4.0);
        }
        p.copy_from_slice(&y[..n]);
        sums.copy_from_slice(&y[n..]);
    }
}

const NODES: [f64; 7] = [0.0, 0.2, 0.3, 0.8, 8.0 / 9.0, 1.0, 1.0];
const STAGES: [[f64; 6]; 7] = [
    [0.0; 6],
    [0.2, 0.0, 0.0, 0.0, 0.0, 0.0],
    [3.0 / 40.0, 9.0 / 40.0, 0.0, 0.0, 0.0, 0.0],
    [44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0, 0.0, 0.0, 0.0],
    [19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0, 0.0, 0.0],
    [9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0, 0.0],
    [35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
];
const ERROR: [f64; 7] = [71.0 / 57600.0, 0.0, -71.0 / 16695.0, 71.0 / 1920.0, -17253.0 / 339_200.0, 22.0 / 525.0, -1.0 / 40.0];

/// Shannon's entropy `−Σ p ln p`, in nats.
pub fn shannon(p: &[f64]) -> f64 {
    p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AB 2, BA 1, BC 3, CB .5, CA 1, AC .2.
    fn triangle() -> (Chain, Vec<f64>) {
        let chain = Chain { states: 3, from: vec![0, 1, 1, 2, 2, 0], to: vec![1, 0, 2, 1, 0, 2] };
        (chain, vec![2.0, 1.0, 3.0, 0.5, 1.0, 0.2])
    }

    #[test]
    fn the_triangle_has_its_known_stationary_state() {
        let (chain, rates) = triangle();
        let law = chain.stationary(&rates).expect("irreducible");
        for (found, exact) in law.iter().zip([0.3125, 0.215_277_777_777_777_8, 0.472_222_222_222_222_2]) {
            assert!((found - exact).abs() <= 1e-15, "{law:?}");
        }
    }

    #[test]
    fn the_generating_function_of_the_triangle_is_known_and_symmetric() {
        let (chain, rates) = triangle();
        let back = [1, 0, 3, 2, 5, 4];
        let theta = |alpha: f64| {
            let factors: Vec<f64> = (0..6).map(|k| (-alpha * (rates[k] / rates[back[k]]).ln()).exp()).collect();
            chain.growth(&rates, &factors).expect("settles").0
        };
        // Independent values.
        for (alpha, value) in [(0.1, -0.147_956_4), (0.5, -0.395_292_5), (-0.1, 0.188_930_8), (1.1, 0.188_930_8), (0.0, 0.0)] {
            assert!((theta(alpha) - value).abs() <= 1e-7, "{alpha}: {}", theta(alpha));
        }
        assert!((theta(0.2) - theta(0.8)).abs() <= 1e-9);
    }

    #[test]
    fn a_state_that_is_never_left_is_reported() {
        let chain = Chain { states: 2, from: vec![0], to: vec![1] };
        assert!(matches!(chain.stationary(&[1.0]), Err(ExactError::Reducible { state: 1 })));
    }

    #[test]
    fn two_states_relax_exponentially_both_ways() {
        let chain = Chain { states: 2, from: vec![0, 1], to: vec![1, 0] };
        let (a, b, time) = (3.0f64, 1.5f64, 0.7f64);
        let exact = |t: f64| b / (a + b) + a / (a + b) * (-(a + b) * t).exp();
        let integral = b / (a + b) * time + a / (a + b).powi(2) * (1.0 - (-(a + b) * time).exp());
        let mut p = vec![1.0, 0.0];
        let spent = chain.evolve(&mut p, &[a, b], time);
        assert!((p[0] - exact(time)).abs() <= 1e-13 && (spent[0] - integral).abs() <= 1e-13, "{p:?} {spent:?}");
        assert!((spent.iter().sum::<f64>() - time).abs() <= 1e-13);
        let (mut p, mut sums) = (vec![1.0, 0.0], vec![0.0]);
        chain.evolve_moving(&mut p, (0.0, time), &|_, out| out.copy_from_slice(&[a, b]), &|_, p, _, out| out[0] = p[0], &mut sums);
        assert!((p[0] - exact(time)).abs() <= 1e-10 && (sums[0] - integral).abs() <= 1e-10, "{p:?} {sums:?}");
    }

    #[test]
    fn a_rate_that_moves_is_integrated() {
        // Decay at rate 1 + sin t: p = exp(−t − 1 + cos t).
        let chain = Chain { states: 2, from: vec![0], to: vec![1] };
        let mut p = vec![1.0, 0.0];
        chain.evolve_moving(&mut p, (0.0, 5.0), &|t, out| out[0] = 1.0 + t.sin(), &|_, _, _, _| (), &mut []);
        assert!((p[0] - (-5.0 - 1.0 + 5f64.cos()).exp()).abs() <= 1e-10, "{p:?}");
    }

    #[test]
    fn many_fast_events_do_not_underflow() {
        let (chain, rates) = triangle();
        let mut p = vec![1.0, 0.0, 0.0];
        chain.evolve(&mut p, &rates.iter().map(|rate| rate * 1e3).collect::<Vec<_>>(), 10.0);
        assert!((p[0] - 0.3125).abs() <= 1e-12, "{p:?}");
    }
}
