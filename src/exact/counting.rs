//! Moments of what trajectories of a Markov chain count: every transition adds its weight, and every state what it is worth per time.
//!
//! With `p` the law, `g_i = ⟨S; i⟩` and `h_i = ⟨S²; i⟩`: `ṗ = L p`, `ġ = L g + L₁ p`, `ḣ = L h + 2 L₁ g + L₂ p`, where `L₁` holds the rates times the weights and, on
//! its diagonal, the worth of the states, and `L₂` the rates times the squares of the weights (D. Andrieux and P. Gaspard, J. Chem. Phys. 121, 6167 (2004), expanded
//! at 0). Integrated by uniformisation, which is exact to rounding.

use super::chain::Chain;

/// Largest mean number of events in a stretch of uniformisation.
const STRETCH: f64 = 200.0;

/// Most events of a tilted stretch of time that are worth their while; beyond, the answer is NaN.
const MOST_TILTED: f64 = 1e4;

/// Part of the second moments that rounding may be.
const ROUNDING: f64 = 1e-9;

/// Rates of the transitions, what each adds, and what states add per time.
type Added<'a> = (&'a [f64], &'a [f64], Option<&'a [f64]>);

/// First and second moment of a sum over the way, state by state.
pub struct Counting<'a> {
    chain: &'a Chain,
    /// `p`, `g`, `h`.
    moments: [Vec<f64>; 3],
}

impl<'a> Counting<'a> {
    /// Trajectories that start from a law, each with a value of its first state.
    pub fn start(chain: &'a Chain, law: &[f64], value: impl Fn(usize) -> f64) -> Self {
        let times = |power: i32| law.iter().enumerate().map(|(i, &p)| if p > 0.0 { p * value(i).powi(power) } else { 0.0 }).collect();
        Self { chain, moments: [law.to_vec(), times(1), times(2)] }
    }

    /// Lets time pass at steady rates; a transition `k` adds `weights[k]`, a state `worth[state]` per time.
    pub fn evolve(&mut self, rates: &[f64], weights: &[f64], worth: Option<&[f64]>, time: f64) {
        let mut exit = vec![0.0; self.chain.states];
        self.chain.from.iter().zip(rates).for_each(|(&from, &rate)| exit[from as usize] += rate);
        let fastest = exit.iter().fold(0.0f64, |most, &rate| most.max(rate));
        if fastest == 0.0 {
            worth.into_iter().for_each(|worth| self.stay(worth, time));
            return;
        }
        let stretches = (fastest * time / STRETCH).ceil().max(1.0);
        let mean = fastest * time / stretches;
        for _ in 0..stretches as u64 {
            let mut term = self.moments.clone();
            let mut weight = (-mean).exp();
            let mut after: [Vec<f64>; 3] = term.each_ref().map(|part| part.iter().map(|value| weight * value).collect());
            let last = (mean + 12.0 * mean.sqrt() + 40.0) as u32;
            for k in 1..=last {
                term = self.stage(&term, (rates, weights, worth), &exit, fastest);
                weight *= mean / f64::from(k);
                for (sum, part) in after.iter_mut().zip(&term) {
                    sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += weight * value);
                }
            }
            self.moments = after;
        }
    }

    /// Time passes and nothing happens.
    fn stay(&mut self, worth: &[f64], time: f64) {
        let [p, g, h] = &mut self.moments;
        for (i, value) in worth.iter().enumerate() {
            let more = value * time;
            h[i] += more * (2.0 * g[i] + more * p[i]);
            g[i] += more * p[i];
        }
    }

    /// One stage of uniformisation: `(1 + A/fastest)` of the three moments.
    fn stage(&self, [p, g, h]: &[Vec<f64>; 3], (rates, weights, worth): Added<'_>, exit: &[f64], fastest: f64) -> [Vec<f64>; 3] {
        let stay = |part: &Vec<f64>| part.iter().zip(exit).map(|(value, exit)| value * (1.0 - exit / fastest)).collect::<Vec<f64>>();
        let mut next = [stay(p), stay(g), stay(h)];
        for (k, (&from, &to)) in self.chain.from.iter().zip(&self.chain.to).enumerate() {
            let (from, to, rate, c) = (from as usize, to as usize, rates[k] / fastest, weights[k]);
            if rate > 0.0 {
                next[0][to] += rate * p[from];
                next[1][to] += rate * (g[from] + c * p[from]);
                next[2][to] += rate * (h[from] + c * (2.0 * g[from] + c * p[from]));
            }
        }
        for (i, value) in worth.into_iter().flatten().enumerate() {
            next[1][i] += value / fastest * p[i];
            next[2][i] += 2.0 * value / fastest * g[i];
        }
        next
    }

    /// Mean and variance of the sum less a value of the last state; `None` where terms cancel so far that rounding is left.
    pub fn end(&self, value: impl Fn(usize) -> f64) -> Option<(f64, f64)> {
        let [p, g, h] = &self.moments;
        let (mut mean, mut square, mut size) = (0.0, 0.0, 0.0);
        for i in (0..p.len()).filter(|&i| p[i] > 0.0) {
            let b = value(i);
            mean += g[i] - b * p[i];
            square += h[i] - b * (2.0 * g[i] - b * p[i]);
            size += h[i] + b * b * p[i];
        }
        let variance = square - mean * mean;
        (variance > ROUNDING * size).then_some((mean, variance))
    }
}

/// `⟨exp(−θ S)⟩`, `S` being what is counted, plus a value of the first state, less one of the last: the tilted master equation, by uniformisation.
pub struct Tilted<'a> {
    chain: &'a Chain,
    tilt: f64,
    weight: Vec<f64>,
}

impl<'a> Tilted<'a> {
    /// Trajectories that start from a law, each with a value of its first state.
    pub fn start(chain: &'a Chain, law: &[f64], tilt: f64, value: impl Fn(usize) -> f64) -> Self {
        let weight = law.iter().enumerate().map(|(i, &p)| if p > 0.0 { p * (-tilt * value(i)).exp() } else { 0.0 }).collect();
        Self { chain, tilt, weight }
    }

    /// Lets time pass at steady rates; a transition `k` adds `weights[k]`. Where tilted rates are too fast for the time, the average becomes NaN.
    pub fn evolve(&mut self, rates: &[f64], weights: &[f64], time: f64) {
        let tilted: Vec<f64> = rates.iter().zip(weights).map(|(rate, weight)| rate * (-self.tilt * weight).exp()).collect();
        let (mut exit, mut gain) = (vec![0.0; self.chain.states], vec![0.0; self.chain.states]);
        for (k, &from) in self.chain.from.iter().enumerate() {
            exit[from as usize] += rates[k];
            gain[from as usize] += tilted[k];
        }
        let fastest = exit.iter().zip(&gain).fold(0.0f64, |most, (exit, gain)| most.max(*exit).max(*gain));
        if fastest == 0.0 || !(fastest * time <= MOST_TILTED) {
            self.weight.iter_mut().for_each(|weight| *weight *= if fastest == 0.0 { 1.0 } else { f64::NAN });
            return;
        }
        let stretches = (fastest * time / STRETCH).ceil().max(1.0);
        let mean = fastest * time / stretches;
        let last = (2.0 * mean + 12.0 * mean.sqrt() + 60.0) as u32;
        for _ in 0..stretches as u64 {
            let mut term = self.weight.clone();
            let mut share = (-mean).exp();
            let mut after: Vec<f64> = term.iter().map(|value| share * value).collect();
            for k in 1..=last {
                let mut next: Vec<f64> = term.iter().zip(&exit).map(|(value, exit)| value * (1.0 - exit / fastest)).collect();
                for (index, (&from, &to)) in self.chain.from.iter().zip(&self.chain.to).enumerate() {
                    next[to as usize] += tilted[index] / fastest * term[from as usize];
                }
                term = next;
                share *= mean / f64::from(k);
                after.iter_mut().zip(&term).for_each(|(sum, value)| *sum += share * value);
            }
            self.weight = after;
        }
    }

    /// The average, less a value of the last state in the sum.
    pub fn end(&self, value: impl Fn(usize) -> f64) -> f64 {
        self.weight.iter().enumerate().filter(|(_, weight)| **weight != 0.0).map(|(i, weight)| weight * (self.tilt * value(i)).exp()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AB 2, BA 1, BC 3, CB .5, CA 1, AC .2.
    fn triangle() -> (Chain, Vec<f64>) {
        (Chain::new(3, vec![0, 1, 1, 2, 2, 0], vec![1, 0, 2, 1, 0, 2]), vec![2.0, 1.0, 3.0, 0.5, 1.0, 0.2])
    }

    #[test]
    fn a_poisson_process_counts_with_equal_mean_and_variance() {
        let chain = Chain::new(1, vec![0], vec![0]);
        let mut counting = Counting::start(&chain, &[1.0], |_| 0.0);
        counting.evolve(&[3.0], &[1.0], None, 400.0);
        let (mean, variance) = counting.end(|_| 0.0).expect("it fluctuates");
        assert!((mean - 1200.0).abs() <= 1e-9 && (variance - 1200.0).abs() <= 1e-6, "{mean} {variance}");
    }

    #[test]
    fn total_entropy_obeys_its_theorem_and_its_cumulants() {
        let (chain, rates) = triangle();
        let back = [1, 0, 3, 2, 5, 4];
        let entropy: Vec<f64> = (0..6).map(|k: usize| (rates[k] / rates[back[k]]).ln()).collect();
        let first = [0.2, 0.5, 0.3];
        let mut last = first.to_vec();
        chain.propagate(&mut last, &rates, 2.5);
        let average = |tilt: f64| {
            let mut tilted = Tilted::start(&chain, &first, tilt, |i| first[i].ln());
            tilted.evolve(&rates, &entropy, 2.5);
            tilted.end(|i| last[i].ln())
        };
        assert!((average(1.0) - 1.0).abs() <= 1e-12, "{}", average(1.0));
        let mut counting = Counting::start(&chain, &first, |i| first[i].ln());
        counting.evolve(&rates, &entropy, None, 2.5);
        let (mean, variance) = counting.end(|i| last[i].ln()).expect("it fluctuates");
        let (below, above) = (average(1e-3).ln(), average(-1e-3).ln());
        assert!(((above - below) / 2e-3 - mean).abs() <= 1e-4 && ((above + below) / 1e-6 - variance).abs() <= 1e-3, "{mean} {variance}");
    }

    #[test]
    fn end_values_alone_have_the_variance_of_the_law() {
        let (chain, rates) = triangle();
        let mut counting = Counting::start(&chain, &[1.0, 0.0, 0.0], |_| 2.0);
        counting.evolve(&rates, &[0.0; 6], None, 0.7);
        let mut p = vec![1.0, 0.0, 0.0];
        chain.propagate(&mut p, &rates, 0.7);
        let (mean, variance) = counting.end(|i| i as f64).expect("it fluctuates");
        let exact = p[1] + 2.0 * p[2];
        assert!((mean - (2.0 - exact)).abs() <= 1e-12 && (variance - (p[1] + 4.0 * p[2] - exact * exact)).abs() <= 1e-12);
    }

    #[test]
    fn time_in_a_state_that_is_left_once_has_the_moments_of_a_cut_exponential() {
        let (rate, time) = (0.8f64, 1.7);
        let chain = Chain::new(2, vec![0], vec![1]);
        let mut counting = Counting::start(&chain, &[1.0, 0.0], |_| 0.0);
        counting.evolve(&[rate], &[0.0], Some(&[1.0, 0.0]), time);
        let (mean, variance) = counting.end(|_| 0.0).expect("it fluctuates");
        let left = (-rate * time).exp();
        let expected = (1.0 - left) / rate;
        let square = 2.0 * (1.0 - left * (1.0 + rate * time)) / rate.powi(2);
        assert!((mean - expected).abs() <= 1e-12 && (variance - (square - expected * expected)).abs() <= 1e-12, "{mean} {variance}");
    }

    #[test]
    fn where_nothing_happens_time_is_counted_all_the_same() {
        let chain = Chain::new(2, vec![0], vec![1]);
        let mut counting = Counting::start(&chain, &[0.25, 0.75], |_| 0.0);
        counting.evolve(&[0.0], &[0.0], Some(&[2.0, 0.0]), 3.0);
        counting.evolve(&[0.0], &[0.0], Some(&[1.0, 0.0]), 1.0);
        let (mean, variance) = counting.end(|_| 0.0).expect("it fluctuates");
        assert!((mean - 0.25 * 7.0).abs() <= 1e-13 && (variance - 49.0 * 0.25 * 0.75).abs() <= 1e-12, "{mean} {variance}");
    }
}
