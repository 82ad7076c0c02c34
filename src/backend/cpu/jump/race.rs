//! The arithmetic of time: what lanes draw, when their candidates come, and what is to be done before.
//!
//! Every function is a plain loop over [`LANES`] trajectories that LLVM vectorises, as in the kernels of Langevin steps. Masks are numbers:
//! 1 where something holds, 0 where not.

use super::kernels::{mask, positive};
use crate::maths::{LANES, Lanes, Real, negative_log_uniform};
use crate::plan::Clock;
use crate::random;

/// Which random numbers the lanes draw next.
pub(in crate::backend::cpu) struct Streams {
    pub(in crate::backend::cpu) rounds: random::Rounds,
    /// Word 1 of the counter without the index: the purpose.
    pub(in crate::backend::cpu) head: [u32; LANES],
    pub(in crate::backend::cpu) trajectory: [u64; LANES],
    /// Number of the next candidate.
    pub(in crate::backend::cpu) candidate: [u64; LANES],
    /// What [`random::Rounds::settled`] makes of purpose, trajectory and the upper bits of the index.
    settled: [[u64; LANES]; 4],
}

/// Candidates of a lane after which the upper bits of the index change.
const SETTLED_FOR: u64 = 1 << 33;

impl Streams {
    pub(super) fn of(seed: u64) -> Self {
        let rounds = random::Rounds::of(random::key(seed));
        Self { rounds, head: [0; LANES], trajectory: [0; LANES], candidate: [0; LANES], settled: [[0; LANES]; 4] }
    }

    /// A lane draws from here on; tells for how many candidates this is all that must be known.
    pub(super) fn settle(&mut self, lane: usize) -> u64 {
        let (trajectory, candidate) = (self.trajectory[lane], self.candidate[lane]);
        let one = self.head[lane] | ((candidate >> 33) & 0xFFFF) as u32;
        let settled = self.rounds.settled([one, trajectory as u32, (trajectory >> 32) as u32]);
        self.settled.iter_mut().zip(settled).for_each(|(lanes, word)| lanes[lane] = word);
        SETTLED_FOR - candidate % SETTLED_FOR
    }
}

/// The numbers of the clock in the precision of the run.
#[derive(Clone, Copy)]
pub(in crate::backend::cpu) struct Pace<R> {
    pub(in crate::backend::cpu) length: R,
    pub(in crate::backend::cpu) inverse: R,
    /// `√ε`: what counts as rounding.
    pub(in crate::backend::cpu) tolerance: R,
    /// Whether rates change at the start of every segment.
    pub(in crate::backend::cpu) rows: bool,
    /// Whether there is but one segment.
    single: bool,
    /// Whether hazards are times, drawn at a rate of 1: no division is needed.
    unit: bool,
}

impl<R: Real> Pace<R> {
    pub(super) fn of(clock: Clock, rows: bool) -> Self {
        let length = R::from_f64(clock.length);
        Self { length, inverse: R::ONE / length, tolerance: R::EPSILON.sqrt(), rows, single: clock.segments == 1, unit: false }
    }

    /// The same for hazards that are times.
    pub(super) fn of_times(self) -> Self {
        Self { unit: true, ..self }
    }
}

/// Where lanes are in time, and what their next candidate is.
pub(in crate::backend::cpu) struct Race<R> {
    /// Present time.
    pub(in crate::backend::cpu) segment: Lanes<R>,
    pub(in crate::backend::cpu) offset: Lanes<R>,
    /// Time of the next save, or of the end of relaxation.
    pub(in crate::backend::cpu) stop_segment: Lanes<R>,
    pub(in crate::backend::cpu) stop_offset: Lanes<R>,
    /// The next segment at whose start something happens: an intervention, or the end.
    pub(in crate::backend::cpu) special: Lanes<R>,
    /// Whether the lane has a trajectory under way.
    pub(in crate::backend::cpu) live: Lanes<R>,
    /// What is left of the waiting hazard.
    pub(in crate::backend::cpu) hazard: Lanes<R>,
    /// The uniform number that chooses.
    pub(in crate::backend::cpu) choice: Lanes<R>,
    /// Rate of candidates; NaN where the trajectory must be given up.
    pub(in crate::backend::cpu) total: Lanes<R>,
    /// Whether a candidate has come.
    pub(in crate::backend::cpu) event: Lanes<R>,
    /// Time that has passed.
    pub(in crate::backend::cpu) elapsed: Lanes<R>,
    /// Whether a new candidate must be drawn.
    pub(in crate::backend::cpu) fresh: Lanes<R>,
}

impl<R: Real> Race<R> {
    pub(in crate::backend::cpu) fn idle() -> Self {
        let zero = Lanes::ZERO;
        Self {
            segment: zero,
            offset: zero,
            stop_segment: zero,
            stop_offset: zero,
            special: zero,
            live: zero,
            hazard: zero,
            choice: zero,
            total: zero,
            event: zero,
            elapsed: zero,
            fresh: zero,
        }
    }
}

/// One mark a lane.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub(in crate::backend::cpu) struct Flags {
    /// 1 or 0 for every lane.
    bytes: [u8; LANES],
    /// The same as bits.
    bits: [u64; LANES / 64],
}

impl Flags {
    pub(super) const NONE: Flags = Flags { bytes: [0; LANES], bits: [0; LANES / 64] };

    /// Bytes to bits.
    #[inline(always)]
    fn pack(&mut self) {
        for (bits, bytes) in self.bits.iter_mut().zip(self.bytes.as_chunks::<64>().0) {
            *bits = 0;
            for (k, &eight) in bytes.as_chunks::<8>().0.iter().enumerate() {
                // The product brings the lowest bits of eight bytes side by side into the highest byte.
                *bits |= (u64::from_le_bytes(eight).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * k);
            }
        }
    }

    /// Marks one more lane.
    pub(super) fn mark_if(&mut self, lane: usize, condition: bool) {
        self.bits[lane / 64] |= u64::from(condition) << (lane % 64);
    }

    /// Whether a lane is marked.
    pub(super) fn any(&self) -> bool {
        self.bits.iter().any(|bits| *bits != 0)
    }

    /// The lanes that are marked.
    pub(super) fn lanes(&self) -> Marked {
        Marked { bits: self.bits, word: 0 }
    }
}

/// Lanes that are marked, in order.
pub(super) struct Marked {
    bits: [u64; LANES / 64],
    word: usize,
}

impl Iterator for Marked {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while let Some(bits) = self.bits.get_mut(self.word) {
            if *bits != 0 {
                let lane = bits.trailing_zeros() as usize;
                *bits &= *bits - 1;
                return Some(self.word * 64 + lane);
            }
            self.word += 1;
        }
        None
    }
}

/// The uniform number of a choice, below 1.
#[inline(always)]
fn uniform<R: Real>(word: u32) -> R {
    let u = (R::from_u32(word) + R::HALF) * R::from_f64((-32f64).exp2());
    if u < R::LARGEST_BELOW_ONE { u } else { R::LARGEST_BELOW_ONE }
}

/// The random words of the candidates `2·⌊n/2⌋` and the one after; then `n` goes on by `count`.
#[inline(always)]
#[expect(clippy::extra_unused_type_parameters, reason = "every kernel has the same parameters")]
pub(in crate::backend::cpu) fn event_words<R: Real, const FMA: bool>(streams: &mut Streams, count: u64, words: &mut [[u32; LANES]; 4]) {
    let [w0, w1, w2, w3] = words;
    let (rounds, [s0, s1, s2, s3]) = (streams.rounds, &streams.settled);
    for l in 0..LANES {
        let w = rounds.words_after(streams.candidate[l] >> 1, [s0[l], s1[l], s2[l], s3[l]]);
        (w0[l], w1[l], w2[l], w3[l]) = (w[0], w[1], w[2], w[3]);
        streams.candidate[l] += count;
    }
}

/// Waiting hazards from words.
#[inline(always)]
pub(in crate::backend::cpu) fn draw_hazards<R: Real, const FMA: bool>(words: &[u32; LANES], hazard: &mut Lanes<R>) {
    for (hazard, &word) in hazard.0.iter_mut().zip(words) {
        *hazard = negative_log_uniform::<R, FMA>(word);
    }
}

/// Waiting times from words, where the mean one of each lane is known.
#[inline(always)]
pub(in crate::backend::cpu) fn draw_times<R: Real, const FMA: bool>(words: &[u32; LANES], mean: &Lanes<R>, time: &mut Lanes<R>) {
    for ((time, &mean), &word) in time.0.iter_mut().zip(&mean.0).zip(words) {
        *time = negative_log_uniform::<R, FMA>(word) * mean;
    }
}

/// Choices from words.
#[inline(always)]
pub(in crate::backend::cpu) fn draw_choices<R: Real, const FMA: bool>(words: &[u32; LANES], choice: &mut Lanes<R>) {
    for (choice, &word) in choice.0.iter_mut().zip(words) {
        *choice = uniform(word);
    }
}

/// Draws the next candidate of every lane that needs one.
#[inline(always)]
pub(in crate::backend::cpu) fn draw_fresh<R: Real, const FMA: bool>(words: &[[u32; LANES]; 4], streams: &mut Streams, race: &mut Race<R>) {
    let [w0, w1, w2, w3] = words;
    for l in 0..LANES {
        let odd = streams.candidate[l] & 1 == 1;
        let hazard = negative_log_uniform::<R, FMA>(if odd { w2[l] } else { w0[l] });
        let choice = uniform(if odd { w3[l] } else { w1[l] });
        let fresh = race.fresh.0[l] != R::ZERO;
        race.hazard.0[l] = if fresh { hazard } else { race.hazard.0[l] };
        race.choice.0[l] = if fresh { choice } else { race.choice.0[l] };
        streams.candidate[l] += u64::from(fresh);
        race.fresh.0[l] = R::ZERO;
    }
}

/// Segments to go on by and the offset there, for a time from the start of the present segment.
#[inline(always)]
fn carry<R: Real, const FMA: bool>(reached: R, pace: &Pace<R>) -> (R, R) {
    let segments = (reached * pace.inverse).floor();
    (segments, positive((-segments).multiply_add::<FMA>(pace.length, reached)))
}

/// Moves a lane without segments to its candidate, if that `happens`.
#[inline(always)]
pub(super) fn go<R: Real, const FMA: bool>(pace: &Pace<R>, race: &mut Race<R>, l: usize, reached: R, happens: bool) {
    if pace.single { go_in::<R, FMA, true>(pace, race, l, reached, happens) } else { go_in::<R, FMA, false>(pace, race, l, reached, happens) }
}

/// Likewise, where it is known whether there is but one segment: then none is left.
#[inline(always)]
fn go_in<R: Real, const FMA: bool, const SINGLE: bool>(pace: &Pace<R>, race: &mut Race<R>, l: usize, reached: R, happens: bool) {
    let (segments, offset) = if SINGLE { (R::ZERO, reached) } else { carry::<R, FMA>(reached, pace) };
    let old = race.offset.0[l];
    race.event.0[l] = mask(happens);
    race.elapsed.0[l] = if happens { reached - old } else { R::ZERO };
    if !SINGLE {
        race.segment.0[l] = race.segment.0[l] + if happens { segments } else { R::ZERO };
    }
    race.offset.0[l] = if happens { offset } else { old };
}

/// The time of the next stop from the start of the present segment.
#[inline(always)]
pub(super) fn stop<R: Real, const FMA: bool>(pace: &Pace<R>, race: &Race<R>, l: usize) -> R {
    (race.stop_segment.0[l] - race.segment.0[l]).multiply_add::<FMA>(pace.length, race.stop_offset.0[l])
}

/// The time of the candidate from the start of the present segment.
#[inline(always)]
pub(super) fn reached<R: Real>(race: &Race<R>, l: usize) -> R {
    race.offset.0[l] + race.hazard.0[l] / race.total.0[l]
}

/// Moves lanes without segments to their candidates where these are before the next stop, and asks for `attention` where not; `done` counts candidates.
#[inline(always)]
pub(in crate::backend::cpu) fn race<R: Real, const FMA: bool>(pace: &Pace<R>, race: &mut Race<R>, attention: &mut Flags, done: &mut u64) {
    match (pace.single, pace.unit) {
        (true, true) => race_in::<R, FMA, true, true>(pace, race, attention, done),
        (true, false) => race_in::<R, FMA, true, false>(pace, race, attention, done),
        (false, true) => race_in::<R, FMA, false, true>(pace, race, attention, done),
        (false, false) => race_in::<R, FMA, false, false>(pace, race, attention, done),
    }
}

#[inline(always)]
fn race_in<R: Real, const FMA: bool, const SINGLE: bool, const UNIT: bool>(pace: &Pace<R>, race: &mut Race<R>, attention: &mut Flags, done: &mut u64) {
    let mut events = 0u32;
    for l in 0..LANES {
        let reached = if UNIT { race.offset.0[l] + race.hazard.0[l] } else { reached(race, l) };
        let live = race.live.0[l] != R::ZERO;
        let before = reached < if SINGLE { race.stop_offset.0[l] } else { stop::<R, FMA>(pace, race, l) };
        go_in::<R, FMA, SINGLE>(pace, race, l, reached, live & before);
        attention.bytes[l] = u8::from(live & !before);
        events += u32::from(live & before);
    }
    *done += u64::from(events);
    attention.pack();
}

/// The time from the start of the present segment at which rates may change.
#[inline(always)]
pub(super) fn segment_end<R: Real>(pace: &Pace<R>, race: &Race<R>, l: usize) -> R {
    if pace.rows { pace.length } else { (race.special.0[l] - race.segment.0[l]) * pace.length }
}

/// Moves a lane with segments to its candidate, or to the start of another segment.
#[inline(always)]
pub(super) fn go_on<R: Real, const FMA: bool>(pace: &Pace<R>, race: &mut Race<R>, l: usize, reached: R, (happens, crosses): (bool, bool)) {
    let end = segment_end(pace, race, l);
    let (old, segment) = (race.offset.0[l], race.segment.0[l]);
    let (segments, carried) = carry::<R, FMA>(reached, pace);
    let (forward, inside) = if pace.rows { (R::ZERO, reached) } else { (segments, carried) };
    let ahead = if pace.rows { R::ONE } else { race.special.0[l] - segment };
    let elapsed = if crosses { end - old } else { reached - old };
    let elapsed = if happens | crosses { elapsed } else { R::ZERO };
    let left = positive((-race.total.0[l]).multiply_add::<FMA>(elapsed, race.hazard.0[l]));
    let forward = if crosses { ahead } else { forward };
    let inside = if crosses { R::ZERO } else { inside };
    race.event.0[l] = mask(happens);
    race.elapsed.0[l] = elapsed;
    race.hazard.0[l] = if crosses { left } else { race.hazard.0[l] };
    race.segment.0[l] = if happens | crosses { segment + forward } else { segment };
    race.offset.0[l] = if happens | crosses { inside } else { old };
    race.fresh.0[l] = if happens { R::ONE } else { race.fresh.0[l] };
}

/// Moves lanes with segments to their candidates or to the start of another segment (`crossed`), whichever comes first; asks for `attention`
/// where a save comes before; `done` counts candidates.
#[inline(always)]
pub(in crate::backend::cpu) fn race_segments<R: Real, const FMA: bool>(
    pace: &Pace<R>,
    race: &mut Race<R>,
    attention: &mut Flags,
    crossed: &mut Flags,
    done: &mut u64,
) {
    let mut events = 0u32;
    for l in 0..LANES {
        let reached = reached(race, l);
        let live = race.live.0[l] != R::ZERO;
        let (stop, end) = (stop::<R, FMA>(pace, race, l), segment_end(pace, race, l));
        let pending = !(reached < stop) & (stop < end) | race.total.0[l].is_nan();
        let (happens, crosses) = (live & !pending & (reached < end), live & !pending & !(reached < end));
        go_on::<R, FMA>(pace, race, l, reached, (happens, crosses));
        attention.bytes[l] = u8::from(live & pending);
        crossed.bytes[l] = u8::from(crosses);
        events += u32::from(happens);
    }
    *done += u64::from(events);
    attention.pack();
    crossed.pack();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, counter, key, philox, word_one};

    #[test]
    fn lanes_draw_the_blocks_of_their_candidates() {
        let mut streams = Streams::of(11);
        let starts = [0, 2, 1 << 20, SETTLED_FOR - 2, SETTLED_FOR, (5 << 33) + 6];
        for (lane, &start) in starts.iter().enumerate() {
            streams.head[lane] = word_one(Purpose::Event, 0, 0);
            streams.trajectory[lane] = (3 << 32) + lane as u64;
            streams.candidate[lane] = start;
            assert_eq!(streams.settle(lane), SETTLED_FOR - start % SETTLED_FOR);
        }
        let mut words = [[0; LANES]; 4];
        event_words::<f64, true>(&mut streams, 2, &mut words);
        for (lane, &start) in starts.iter().enumerate() {
            let block = philox(counter(Purpose::Event, (3 << 32) + lane as u64, 0, start / 2), key(11));
            assert_eq!(block, std::array::from_fn(|k| words[k][lane]), "lane {lane}");
            assert_eq!(streams.candidate[lane], start + 2);
        }
    }
}
