//! Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror & Shaw, SC11), the same bits in Rust and WGSL.
//!
//! A block of four 32-bit words is a pure function of the seed (the key) and of *what it is for* (the counter):
//!
//! | word of the counter | bits |
//! |---|---|
//! | 0 | low 32 bits of the index (a step quartet, an event, a draw) |
//! | 1 | purpose « 24, lane (a coordinate, a channel) « 16, bits 32–47 of the index |
//! | 2, 3 | trajectory, low and high 32 bits |
//!
//! so that no two purposes, trajectories, lanes or indices share a block, and nothing depends on the order of the work.

use std::convert::Infallible;

use rand::rand_core::TryRng;
use serde::{Deserialize, Serialize};

/// Multipliers and key increments of Philox4x32.
pub const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// Weyl increments of the key.
pub const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
/// Number of rounds.
pub const ROUNDS: usize = 10;

/// Everything random numbers are drawn for. The number is part of the counter and never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// Initial states of the forward ensemble.
    Initial = 1,
    /// Thermal noise of the forward ensemble: index = step / 4, lane = coordinate, word = step % 4.
    Noise = 2,
    /// Thermal noise of the relaxation before a forward ensemble.
    Relaxation = 3,
    /// Initial states of the reversed ensemble.
    ReverseInitial = 4,
    /// Thermal noise of the reversed ensemble.
    ReverseNoise = 5,
    /// Thermal noise of the relaxation before a reversed ensemble.
    ReverseRelaxation = 6,
    /// Candidate events of a jump process of the forward ensemble: index = event / 2, words 2(event % 2) and 2(event % 2) + 1; of a rod of cells
    /// also those of lane 1, which split energies.
    Event = 7,
    /// Candidate events of the relaxation before a forward ensemble.
    RelaxationEvent = 8,
    /// Candidate events of the reversed ensemble.
    ReverseEvent = 9,
    /// Candidate events of the relaxation before a reversed ensemble.
    ReverseRelaxationEvent = 10,
    /// Leaps of a jump process: index = 2¹⁶ · (leaps and events before) + block.
    Leap = 11,
    /// Leaps of the relaxation before an ensemble.
    RelaxationLeap = 12,
    /// What saves inside a leap share of its firings, with the index of the leap.
    Bridge = 13,
    /// The end of relaxation inside a leap.
    RelaxationBridge = 14,
    /// How low the total entropy production is between the ends of a step: index = step / 4, word = step % 4.
    Infimum = 15,
}

impl Purpose {
    /// All purposes, for tests that loop over them.
    pub const ALL: [Purpose; 15] = [
        Purpose::Initial,
        Purpose::Noise,
        Purpose::Relaxation,
        Purpose::ReverseInitial,
        Purpose::ReverseNoise,
        Purpose::ReverseRelaxation,
        Purpose::Event,
        Purpose::RelaxationEvent,
        Purpose::ReverseEvent,
        Purpose::ReverseRelaxationEvent,
        Purpose::Leap,
        Purpose::RelaxationLeap,
        Purpose::Bridge,
        Purpose::RelaxationBridge,
        Purpose::Infimum,
    ];
}

/// Which ensemble a plan is: it decides the purposes of its random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// The experiment as written.
    Forward,
    /// The experiment with its protocol reversed in time.
    Reverse,
}

impl Stream {
    /// Purpose of the initial states.
    pub fn initial(self) -> Purpose {
        match self {
            Stream::Forward => Purpose::Initial,
            Stream::Reverse => Purpose::ReverseInitial,
        }
    }

    /// Purpose of the noise of measured steps.
    pub fn noise(self) -> Purpose {
        match self {
            Stream::Forward => Purpose::Noise,
            Stream::Reverse => Purpose::ReverseNoise,
        }
    }

    /// Purpose of the measured events of a jump process.
    pub fn event(self) -> Purpose {
        match self {
            Stream::Forward => Purpose::Event,
            Stream::Reverse => Purpose::ReverseEvent,
        }
    }

    /// Purpose of the events before measuring.
    pub fn relaxation_event(self) -> Purpose {
        match self {
            Stream::Forward => Purpose::RelaxationEvent,
            Stream::Reverse => Purpose::ReverseRelaxationEvent,
        }
    }

    /// Purpose of the noise of relaxation steps.
    pub fn relaxation(self) -> Purpose {
        match self {
            Stream::Forward => Purpose::Relaxation,
            Stream::Reverse => Purpose::ReverseRelaxation,
        }
    }
}

/// The counter of a block.
#[inline(always)]
pub fn counter(purpose: Purpose, trajectory: u64, lane: u8, index: u64) -> [u32; 4] {
    [index as u32, word_one(purpose, lane, index), trajectory as u32, (trajectory >> 32) as u32]
}

/// Word 1 of a counter.
#[inline(always)]
pub fn word_one(purpose: Purpose, lane: u8, index: u64) -> u32 {
    (purpose as u32) << 24 | u32::from(lane) << 16 | ((index >> 32) as u32 & 0xFFFF)
}

/// The key of a seed.
#[inline(always)]
pub fn key(seed: u64) -> [u32; 2] {
    [seed as u32, (seed >> 32) as u32]
}

/// A seed for an ensemble beside that of `seed`, with random numbers of its own.
pub fn sibling(seed: u64) -> u64 {
    let words = philox([u32::MAX; 4], key(seed));
    u64::from(words[0]) | u64::from(words[1]) << 32
}

/// The seed of a part of a larger whole, such as a point of a sweep: of 63 bits, so that a file can hold it as an integer.
pub fn seed_of_part(seed: u64, part: u64) -> u64 {
    // No purpose has the number 255.
    let words = philox([part as u32, 0xFF00_0000 | (part >> 32) as u32 & 0xFFFF, u32::MAX, u32::MAX], key(seed));
    (u64::from(words[0]) | u64::from(words[1]) << 32) >> 1
}

/// One block of Philox4x32-10.
#[inline(always)]
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    Rounds::of(key).words(counter.map(u64::from))
}

/// The keys of all rounds, for loops over many counters.
#[derive(Clone, Copy)]
pub struct Rounds([[u64; 2]; ROUNDS]);

impl Rounds {
    /// The rounds of a key.
    #[inline(always)]
    pub fn of(mut key: [u32; 2]) -> Self {
        let mut rounds = [[0; 2]; ROUNDS];
        for round in &mut rounds {
            *round = key.map(u64::from);
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        Self(rounds)
    }

    /// One block for a counter. Words travel in 64 bits, whose upper half means nothing: so a vector needs no narrowing on the way.
    #[inline(always)]
    pub fn words(&self, c: [u64; 4]) -> [u32; 4] {
        self.go_on(0, c)
    }

    /// Likewise, when some rounds have been done.
    #[inline(always)]
    fn go_on(&self, done: usize, mut c: [u64; 4]) -> [u32; 4] {
        for [k0, k1] in &self.0[done..] {
            let (p0, p1) = (product(c[0], MULTIPLIERS[0]), product(c[2], MULTIPLIERS[1]));
            c = [(p1 >> 32) ^ c[1] ^ k0, p1, (p0 >> 32) ^ c[3] ^ k1, p0];
        }
        c.map(|word| word as u32)
    }

    /// What the first two rounds make of words 1 to 3 of a counter: constant where word 0 alone varies.
    #[inline(always)]
    pub fn settled(&self, [one, two, three]: [u32; 3]) -> [u64; 4] {
        let [[k0, k1], [l0, l1], ..] = self.0;
        let p1 = u64::from(two) * u64::from(MULTIPLIERS[1]);
        let p0 = ((p1 >> 32) ^ u64::from(one) ^ k0) * u64::from(MULTIPLIERS[0]);
        [u64::from(three) ^ k1, (p1 & 0xFFFF_FFFF) ^ l0, (p0 >> 32) ^ l1, p0]
    }

    /// The block of a counter of which word 0 and what is settled of the others are known; see [`Rounds::words`].
    #[inline(always)]
    pub fn words_after(&self, index: u64, [a, b, c, d]: [u64; 4]) -> [u32; 4] {
        let first = product(index, MULTIPLIERS[0]);
        let second = product((first >> 32) ^ a, MULTIPLIERS[1]);
        self.go_on(2, [(second >> 32) ^ b, second, first ^ c, d])
    }
}

/// The product of the lower half of a word and a multiplier.
#[inline(always)]
fn product(word: u64, multiplier: u32) -> u64 {
    (word & 0xFFFF_FFFF) * u64::from(multiplier)
}

/// A stream of random numbers for one trajectory and purpose, usable with any distribution of `rand`.
#[derive(Clone, Debug)]
pub struct Draws {
    key: [u32; 2],
    purpose: Purpose,
    trajectory: u64,
    index: u64,
    words: [u32; 4],
    used: usize,
}

impl Draws {
    /// The draws of a trajectory for a purpose, from the first.
    pub fn new(seed: u64, purpose: Purpose, trajectory: u64) -> Self {
        Self { key: key(seed), purpose, trajectory, index: 0, words: [0; 4], used: 4 }
    }

    /// The draws of a trajectory for a purpose, from block `index` on.
    pub fn from_block(seed: u64, purpose: Purpose, trajectory: u64, index: u64) -> Self {
        Self { index, ..Self::new(seed, purpose, trajectory) }
    }

    fn word(&mut self) -> u32 {
        if self.used == 4 {
            self.words = philox(counter(self.purpose, self.trajectory, 0, self.index), self.key);
            self.index += 1;
            self.used = 0;
        }
        let word = self.words[self.used];
        self.used += 1;
        word
    }

    /// A uniform number in (0, 1), from 53 bits.
    pub fn uniform(&mut self) -> f64 {
        let bits = u64::from(self.word()) | u64::from(self.word()) << 32;
        ((bits >> 11) as f64 + 0.5) * (-53f64).exp2()
    }

    /// A standard normal number (Box–Muller with 53-bit uniforms; both outputs would need a state, so one is used).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

impl TryRng for Draws {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from(self.word()) | u64::from(self.word()) << 32)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            chunk.copy_from_slice(&self.word().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn known_answers_of_random123() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]);
        assert_eq!(pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    #[test]
    fn settled_words_change_nothing() {
        let mut draws = Draws::new(5, Purpose::Initial, 2);
        for _ in 0..200 {
            let [index, one, two, three, low, high] = std::array::from_fn(|_| draws.word());
            let rounds = Rounds::of([low, high]);
            assert_eq!(rounds.words_after(u64::from(index), rounds.settled([one, two, three])), philox([index, one, two, three], [low, high]));
        }
    }

    #[test]
    fn no_two_uses_share_a_counter() {
        let mut seen = HashSet::new();
        let trajectories = [0, 1, 2, u64::from(u32::MAX), 1 << 32, (1 << 32) + 1];
        let indices = [0, 1, 255, 65_536, u64::from(u32::MAX), 1 << 32, (1 << 48) - 1];
        for purpose in Purpose::ALL {
            for trajectory in trajectories {
                for lane in [0, 1, 7, 255] {
                    for index in indices {
                        assert!(seen.insert(counter(purpose, trajectory, lane, index)), "{purpose:?} {trajectory} {lane} {index}");
                    }
                }
            }
        }
    }

    #[test]
    fn draws_serve_rand_distributions() {
        use rand::RngExt;
        let mut draws = Draws::new(7, Purpose::Initial, 3);
        let mean = (0..20_000).map(|_| draws.random_range(0.0..1.0)).sum::<f64>() / 20_000.0;
        let error = (1.0f64 / 12.0 / 20_000.0).sqrt();
        assert!((mean - 0.5).abs() <= 5.0 * error, "{mean}");
    }

    #[test]
    fn normals_have_the_moments_of_a_normal() {
        let mut draws = Draws::new(1, Purpose::Initial, 0);
        let sample: Vec<f64> = (0..100_000).map(|_| draws.normal()).collect();
        let moment = |k: i32| sample.iter().map(|z| z.powi(k)).sum::<f64>() / sample.len() as f64;
        let root = (sample.len() as f64).sqrt();
        for (k, exact, sd) in [(1, 0.0, 1.0), (2, 1.0, 2f64.sqrt()), (3, 0.0, 15f64.sqrt()), (4, 3.0, 96f64.sqrt())] {
            assert!((moment(k) - exact).abs() * root <= 5.0 * sd, "moment {k}: {}", moment(k));
        }
    }
}
