//! The generator of a Markov chain as a sparse matrix, and what its exponential does to a law.

/// `L` of `dp/dt = L p` at fixed rates, sorted by the state that gains; channels in parallel are added up.
///
/// Built by [`super::chain::Chain::generator`]. Probability is a column: `L[to, from]` is the rate from `from` to `to`.
#[derive(Clone, Debug, Default)]
pub struct Generator {
    /// Where the gains of every state begin in `from` and `gain`; one more than there are states.
    pub(super) start: Vec<u32>,
    /// The states it gains from.
    pub(super) from: Vec<u32>,
    /// At which rates.
    pub(super) gain: Vec<f64>,
    /// The rate at which every state is left.
    pub(super) exit: Vec<f64>,
    /// The largest of them.
    pub(super) fastest: f64,
}

/// Probability that uniformisation may leave out.
const TAIL: f64 = 1e-15;
/// Largest mean number of events in a stretch of uniformisation: the first Poisson weight does not vanish.
const STRETCH: f64 = 200.0;
/// What a law may still change, in total variation, when it counts as stationary.
const STILL: f64 = 1e-15;

impl Generator {
    /// Number of states.
    pub fn states(&self) -> usize {
        self.exit.len()
    }

    /// Entries off the diagonal.
    pub fn entries(&self) -> usize {
        self.gain.len()
    }

    /// The rate at which the fastest state is left.
    pub fn fastest(&self) -> f64 {
        self.fastest
    }

    /// `out = L p`.
    pub fn apply(&self, p: &[f64], out: &mut [f64]) {
        for (state, out) in out.iter_mut().enumerate() {
            let range = self.start[state] as usize..self.start[state + 1] as usize;
            let gained: f64 = self.from[range.clone()].iter().zip(&self.gain[range]).map(|(&from, gain)| gain * p[from as usize]).sum();
            *out = gained - self.exit[state] * p[state];
        }
    }

    /// Lets `p` evolve for a time, by uniformisation (A. Jensen, 1953), exact to rounding; the time spent in every state comes back. Costs one product with
    /// the matrix an event of the fastest state, until what the law may still change in the rest of the time is below rounding.
    pub fn propagate(&self, p: &mut Vec<f64>, time: f64) -> Vec<f64> {
        let mut spent = vec![0.0; self.states()];
        let pieces = (self.fastest * time / STRETCH).ceil().max(1.0);
        let piece = time / pieces;
        let mut change = vec![0.0; self.states()];
        for number in 0..pieces as u64 {
            self.apply(p, &mut change);
            let left = time - number as f64 * piece;
            // ‖exp(tL)p − p‖₁ ≤ t ‖Lp‖₁.
            if left * change.iter().map(|change| change.abs()).sum::<f64>() <= STILL {
                spent.iter_mut().zip(p.iter()).for_each(|(spent, p)| *spent += left * p);
                break;
            }
            self.stretch(p, piece, &mut spent, &mut change);
        }
        spent
    }

    fn stretch(&self, p: &mut Vec<f64>, time: f64, spent: &mut [f64], change: &mut [f64]) {
        let mean = self.fastest * time;
        let mut term = p.clone();
        let mut weight = (-mean).exp();
        let mut below = weight;
        let mut after: Vec<f64> = term.iter().map(|p| weight * p).collect();
        for k in 0.. {
            // The time spent in the k-th stage is P(more than k events)/fastest.
            let more = (1.0 - below).max(0.0) / self.fastest;
            spent.iter_mut().zip(&term).for_each(|(spent, p)| *spent += more * p);
            if (1.0 - below <= TAIL && f64::from(k) > mean) || f64::from(k) > mean + 40.0 * mean.sqrt() + 60.0 {
                break;
            }
            self.apply(&term, change);
            term.iter_mut().zip(change.iter()).for_each(|(p, change)| *p += change / self.fastest);
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
}
