//! Markov chains in continuous time on a finite number of states, kept as sparse matrices: stationary state, evolution, fluxes, time in every state.
//!
//! A chain knows transitions between numbered states; rates come from outside, so that one chain serves every moment of a protocol. Networks, spaces of copy
//! numbers and Fokker–Planck equations on a grid are all chains:
//!
//! ```
//! # use ness::exact::chain::Chain;
//! let chain = Chain::new(3, vec![0, 1, 1, 2, 2, 0], vec![1, 0, 2, 1, 0, 2]);
//! let rates = [2.0, 1.0, 3.0, 0.5, 1.0, 0.2];
//! let stationary = chain.stationary(&rates).expect("every state leads to every other one");
//! let mut law = vec![1.0, 0.0, 0.0];
//! let spent = chain.propagate(&mut law, &rates, 30.0); // time in every state; `law` is now that at time 30
//! let flux = chain.fluxes(&rates, &law); // events per time of every transition
//! assert!((law[0] - stationary[0]).abs() < 1e-12 && (spent.iter().sum::<f64>() - 30.0).abs() < 1e-12);
//! assert!((flux[0] - flux[1] - 0.409_722).abs() < 1e-6);
//! ```

use std::sync::OnceLock;

use super::ExactError;
use super::elimination::{Elimination, Rows};
use super::generator::Generator;

/// Up to here the elimination is dense, in the order of the states.
const DENSE: usize = 256;
/// Most states of a dense elimination for chains whose states do not all lead to each other.
const MOST_DENSE: usize = 1600;

/// States `0 .. states` and the transitions between them; several may join the same two states.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// Number of states.
    pub states: usize,
    /// Where every transition starts.
    pub from: Vec<u32>,
    /// Where it ends.
    pub to: Vec<u32>,
    elimination: OnceLock<Result<Elimination, ExactError>>,
    gains: OnceLock<Gains>,
}

/// The pattern of the generator.
#[derive(Clone, Debug, Default)]
struct Gains {
    start: Vec<u32>,
    from: Vec<u32>,
    /// Which entry every transition adds to.
    entry: Vec<u32>,
}

impl Chain {
    /// A chain whose transition `k` goes from state `from[k]` to state `to[k]`, both below `states`.
    pub fn new(states: usize, from: Vec<u32>, to: Vec<u32>) -> Self {
        Self { states, from, to, elimination: OnceLock::new(), gains: OnceLock::new() }
    }

    /// The stationary law, every probability to full relative precision; `rates` has one entry a transition. Large chains are eliminated sparsely.
    ///
    /// # Errors
    /// When the eliminated matrix would not fit, or when not every state leads back.
    pub fn stationary(&self, rates: &[f64]) -> Result<Vec<f64>, ExactError> {
        if self.states <= DENSE {
            return self.stationary_dense(rates);
        }
        let sparse = self.elimination().and_then(|elimination| elimination.stationary(&self.from, &self.to, rates));
        match sparse {
            // One state may still attract all others.
            Err(ExactError::Reducible { .. }) if self.states <= MOST_DENSE => self.stationary_dense(rates),
            law => law,
        }
    }

    fn elimination(&self) -> Result<&Elimination, ExactError> {
        self.elimination.get_or_init(|| Elimination::of(self.states, &self.from, &self.to)).as_ref().map_err(ExactError::clone)
    }

    /// Multiplications of one [`Self::stationary`]; infinite where it is refused.
    pub fn stationary_work(&self) -> f64 {
        if self.states <= DENSE { (self.states as f64).powi(3) } else { self.elimination().map_or(f64::INFINITY, Elimination::work) }
    }

    /// The elimination of Grassmann, Taksar & Heyman (Oper. Res. 33, 1107 (1985)), which subtracts nothing, on a full matrix.
    fn stationary_dense(&self, rates: &[f64]) -> Result<Vec<f64>, ExactError> {
        let n = self.states;
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

    fn gains(&self) -> &Gains {
        self.gains.get_or_init(|| {
            let into = Rows::by(self.states, &self.to);
            let mut gains = Gains { start: vec![0], from: Vec::new(), entry: vec![0; self.from.len()] };
            for state in 0..self.states {
                let mut transitions: Vec<u32> = into.index[into.range(state)].to_vec();
                transitions.sort_by_key(|&k| self.from[k as usize]);
                let first = gains.from.len();
                for k in transitions {
                    let from = self.from[k as usize];
                    if gains.from.len() == first || gains.from.last() != Some(&from) {
                        gains.from.push(from);
                    }
                    gains.entry[k as usize] = gains.from.len() as u32 - 1;
                }
                gains.start.push(gains.from.len() as u32);
            }
            gains
        })
    }

    /// The sparse matrix `L` of `dp/dt = L p` at given rates.
    pub fn generator(&self, rates: &[f64]) -> Generator {
        let gains = self.gains();
        let mut generator =
            Generator { start: gains.start.clone(), from: gains.from.clone(), gain: vec![0.0; gains.from.len()], exit: vec![0.0; self.states], fastest: 0.0 };
        for ((&from, &entry), &rate) in self.from.iter().zip(&gains.entry).zip(rates) {
            generator.gain[entry as usize] += rate;
            generator.exit[from as usize] += rate;
        }
        generator.fastest = generator.exit.iter().fold(0.0f64, |most, &rate| most.max(rate));
        generator
    }

    /// Events per time of every transition in a law.
    pub fn fluxes(&self, rates: &[f64], p: &[f64]) -> Vec<f64> {
        self.from.iter().zip(rates).map(|(&from, rate)| rate * p[from as usize]).collect()
    }

    /// Lets `p` evolve for a time at constant rates, by uniformisation; the time spent in every state comes back.
    pub fn propagate(&self, p: &mut Vec<f64>, rates: &[f64], time: f64) -> Vec<f64> {
        self.generator(rates).propagate(p, time)
    }
}

/// Shannon's entropy `−Σ p ln p`, in nats.
pub fn shannon(p: &[f64]) -> f64 {
    p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AB 2, BA 1, BC 3, CB .5, CA 1, AC .2.
    fn triangle() -> (Chain, Vec<f64>) {
        let chain = Chain::new(3, vec![0, 1, 1, 2, 2, 0], vec![1, 0, 2, 1, 0, 2]);
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

    /// A network with several cycles and channels in parallel, some of them one-way: every state leads to the next, and to others at random.
    fn random(states: usize, seed: u64) -> (Chain, Vec<f64>) {
        let mut bits = seed;
        let mut draw = || {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (bits >> 33) as f64 / (1u64 << 31) as f64
        };
        let (mut from, mut to, mut rates) = (Vec::new(), Vec::new(), Vec::new());
        for state in 0..states {
            for target in [(state + 1) % states, (state + states - 1) % states, (draw() * states as f64) as usize, (state + 1) % states] {
                from.push(state as u32);
                to.push(target as u32);
                rates.push((6.0 * draw() - 3.0).exp());
            }
        }
        (Chain::new(states, from, to), rates)
    }

    #[test]
    fn sparse_and_dense_elimination_agree_to_relative_precision() {
        let (chain, rates) = random(700, 7);
        let sparse = chain.stationary(&rates).expect("irreducible");
        let dense = chain.stationary_dense(&rates).expect("irreducible");
        let most = |other: &[f64]| sparse.iter().zip(other).map(|(a, b)| (a / b - 1.0).abs()).fold(0.0, f64::max);
        assert!(most(&dense) <= 1e-12, "{}", most(&dense));
        // Control: channels in parallel lumped into the last one given.
        let mut lumped = rates.clone();
        lumped.iter_mut().step_by(4).for_each(|rate| *rate = 0.0);
        assert!(most(&chain.stationary_dense(&lumped).expect("irreducible")) > 1e-3);
        let mut change = vec![0.0; 700];
        chain.generator(&rates).apply(&sparse, &mut change);
        assert!(change.iter().all(|change| change.abs() <= 1e-15 * chain.generator(&rates).fastest()));
    }

    #[test]
    fn a_grid_of_copy_numbers_is_a_product_of_poisson_laws_however_rare() {
        // Two species, born at rates 9 and 4 and dying one by one, 120 by 120 states.
        let side = 120u32;
        let (mut from, mut to, mut rates) = (Vec::new(), Vec::new(), Vec::new());
        for (a, b) in (0..side).flat_map(|a| (0..side).map(move |b| (a, b))) {
            for (x, y, rate) in [(a + 1, b, 9.0), (a.wrapping_sub(1), b, f64::from(a)), (a, b + 1, 4.0), (a, b.wrapping_sub(1), f64::from(b))] {
                if x < side && y < side {
                    from.push(a * side + b);
                    to.push(x * side + y);
                    rates.push(rate);
                }
            }
        }
        let law = Chain::new((side * side) as usize, from, to).stationary(&rates).expect("irreducible");
        for (a, b) in [(0u32, 0u32), (9, 4), (30, 2), (70, 60), (119, 3), (119, 119)] {
            let ratio = |mean: f64, n: u32| (1..=n).map(|k| (mean / f64::from(k)).ln()).sum::<f64>();
            let (exact, found) = (ratio(9.0, a) + ratio(4.0, b), (law[(a * side + b) as usize] / law[0]).ln());
            assert!((exact - found).abs() <= 1e-11 * exact.abs().max(1.0), "({a}, {b}): {found} {exact}");
        }
    }

    #[test]
    fn a_state_that_is_never_left_is_reported() {
        let chain = Chain::new(2, vec![0], vec![1]);
        assert!(matches!(chain.stationary(&[1.0]), Err(ExactError::Reducible { state: 1 })));
    }

    #[test]
    fn two_states_relax_exponentially_both_ways() {
        let chain = Chain::new(2, vec![0, 1], vec![1, 0]);
        let (a, b, time) = (3.0f64, 1.5f64, 0.7f64);
        let exact = |t: f64| b / (a + b) + a / (a + b) * (-(a + b) * t).exp();
        let integral = b / (a + b) * time + a / (a + b).powi(2) * (1.0 - (-(a + b) * time).exp());
        let mut p = vec![1.0, 0.0];
        let spent = chain.propagate(&mut p, &[a, b], time);
        assert!((p[0] - exact(time)).abs() <= 1e-13 && (spent[0] - integral).abs() <= 1e-13, "{p:?} {spent:?}");
        assert!((spent.iter().sum::<f64>() - time).abs() <= 1e-13);
    }

    #[test]
    fn many_fast_events_do_not_underflow() {
        let (chain, rates) = triangle();
        let mut p = vec![1.0, 0.0, 0.0];
        chain.propagate(&mut p, &rates.iter().map(|rate| rate * 1e3).collect::<Vec<_>>(), 10.0);
        assert!((p[0] - 0.3125).abs() <= 1e-12, "{p:?}");
    }
}
