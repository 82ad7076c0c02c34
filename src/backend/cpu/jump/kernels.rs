//! The arithmetic of candidates and events, one operation over a whole lane block at a time.
//!
//! Every function is a plain loop over [`LANES`] trajectories that LLVM vectorises, as in the kernels of Langevin steps. Masks are numbers:
//! 1 where something holds, 0 where not.

use crate::maths::{LANES, Lanes, Real, log, negative_log_uniform};
use crate::plan::Clock;
use crate::random;

/// Which random numbers the lanes draw next.
pub(in crate::backend::cpu) struct Streams {
    pub(in crate::backend::cpu) key: [u32; 2],
    /// Word 1 of the counter without the index: the purpose.
    pub(in crate::backend::cpu) head: [u32; LANES],
    pub(in crate::backend::cpu) trajectory: [u64; LANES],
    /// Number of the next candidate.
    pub(in crate::backend::cpu) candidate: [u64; LANES],
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
}

impl<R: Real> Pace<R> {
    pub(super) fn of(clock: Clock, rows: bool) -> Self {
        let length = R::from_f64(clock.length);
        Self { length, inverse: R::ONE / length, tolerance: R::EPSILON.sqrt(), rows }
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

/// Where the propensity of a channel is.
#[derive(Clone, Copy)]
pub(in crate::backend::cpu) enum Source {
    /// In a register, after its program has run.
    Register(u16),
    /// Among the coordinates.
    Coordinate(u16),
    /// A number that never changes, spread over a block.
    Spread(u16),
}

/// The propensities of all channels.
pub(in crate::backend::cpu) struct Weights<'a, R> {
    pub(in crate::backend::cpu) sources: &'a [Source],
    pub(in crate::backend::cpu) registers: &'a [Lanes<R>],
    pub(in crate::backend::cpu) coordinates: &'a [Lanes<R>],
    pub(in crate::backend::cpu) spread: &'a [Lanes<R>],
}

impl<'a, R: Real> Weights<'a, R> {
    #[inline(always)]
    pub(super) fn at(&self, channel: usize) -> &'a Lanes<R> {
        match self.sources[channel] {
            Source::Register(i) => &self.registers[i as usize],
            Source::Coordinate(i) => &self.coordinates[i as usize],
            Source::Spread(i) => &self.spread[i as usize],
        }
    }

    /// Some channels in a row.
    #[inline(always)]
    fn some<const N: usize>(&self, first: usize) -> [&'a Lanes<R>; N] {
        std::array::from_fn(|k| self.at(first + k))
    }
}

/// 1 or 0.
#[inline(always)]
fn mask<R: Real>(condition: bool) -> R {
    if condition { R::ONE } else { R::ZERO }
}

/// `x`, or 0 where it is negative or NaN.
#[inline(always)]
pub(super) fn positive<R: Real>(x: R) -> R {
    if x > R::ZERO { x } else { R::ZERO }
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
    for l in 0..LANES {
        let (trajectory, index) = (streams.trajectory[l], streams.candidate[l] >> 1);
        let one = streams.head[l] | ((index >> 32) as u32 & 0xFFFF);
        let w = random::philox([index as u32, one, trajectory as u32, (trajectory >> 32) as u32], streams.key);
        (w0[l], w1[l], w2[l], w3[l]) = (w[0], w[1], w[2], w[3]);
        streams.candidate[l] += count;
    }
}

/// Waiting hazards from words.
#[inline(always)]
pub(in crate::backend::cpu) fn draw_hazards<R: Real, const FMA: bool>(words: &[u32; LANES], hazard: &mut Lanes<R>) {
    for l in 0..LANES {
        hazard.0[l] = negative_log_uniform::<R, FMA>(words[l]);
    }
}

/// Choices from words.
#[inline(always)]
pub(in crate::backend::cpu) fn draw_choices<R: Real, const FMA: bool>(words: &[u32; LANES], choice: &mut Lanes<R>) {
    for l in 0..LANES {
        choice.0[l] = uniform(words[l]);
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

/// Up to four channels at a time: `total += Σ max(w, 0)`, `raw += Σ w`.
#[inline(always)]
fn add_up<R: Real, const N: usize>(weights: [&Lanes<R>; N], total: &mut Lanes<R>, raw: &mut Lanes<R>) {
    for l in 0..LANES {
        let (mut sum, mut all) = (total.0[l], raw.0[l]);
        for w in weights {
            sum = sum + positive(w.0[l]);
            all = all + w.0[l];
        }
        (total.0[l], raw.0[l]) = (sum, all);
    }
}

/// NaN in place of a total whose parts are not finite, or negative by more than rounding.
#[inline(always)]
fn sound<R: Real>(total: R, raw: R, pace: &Pace<R>) -> R {
    if total - raw <= pace.tolerance * (total + pace.inverse) { total } else { R::NAN }
}

/// All of a few channels in one pass.
#[inline(always)]
fn total_of<R: Real, const N: usize>(weights: [&Lanes<R>; N], pace: &Pace<R>, total: &mut Lanes<R>) {
    for l in 0..LANES {
        let (mut sum, mut all) = (R::ZERO, R::ZERO);
        for w in weights {
            sum = sum + positive(w.0[l]);
            all = all + w.0[l];
        }
        total.0[l] = sound(sum, all, pace);
    }
}

/// The sum of the propensities, negative ones as 0; NaN where they are not sound. `raw` is scratch.
#[inline(always)]
pub(in crate::backend::cpu) fn total<R: Real, const FMA: bool>(weights: &Weights<R>, pace: &Pace<R>, raw: &mut Lanes<R>, total: &mut Lanes<R>) {
    match weights.sources.len() {
        1 => return total_of::<R, 1>(weights.some(0), pace, total),
        2 => return total_of::<R, 2>(weights.some(0), pace, total),
        3 => return total_of::<R, 3>(weights.some(0), pace, total),
        4 => return total_of::<R, 4>(weights.some(0), pace, total),
        5 => return total_of::<R, 5>(weights.some(0), pace, total),
        6 => return total_of::<R, 6>(weights.some(0), pace, total),
        _ => (*total, *raw) = (Lanes::ZERO, Lanes::ZERO),
    }
    let channels = weights.sources.len();
    let rest = channels % 4;
    for four in (0..channels - rest).step_by(4) {
        add_up::<R, 4>(weights.some(four), total, raw);
    }
    for one in channels - rest..channels {
        add_up::<R, 1>(weights.some(one), total, raw);
    }
    for l in 0..LANES {
        total.0[l] = sound(total.0[l], raw.0[l], pace);
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
    let (segments, offset) = carry::<R, FMA>(reached, pace);
    let old = race.offset.0[l];
    race.event.0[l] = mask(happens);
    race.elapsed.0[l] = if happens { reached - old } else { R::ZERO };
    race.segment.0[l] = race.segment.0[l] + if happens { segments } else { R::ZERO };
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
    let mut events = 0u32;
    for l in 0..LANES {
        let reached = reached(race, l);
        let live = race.live.0[l] != R::ZERO;
        let before = reached < stop::<R, FMA>(pace, race, l);
        go::<R, FMA>(pace, race, l, reached, live & before);
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

/// Thinning: a candidate is an event where `u₂·B < W`. `broken` becomes NaN where `W` is not sound or above the bound, otherwise stays.
#[inline(always)]
pub(in crate::backend::cpu) fn accept<R: Real, const FMA: bool>(pace: &Pace<R>, total: &Lanes<R>, race: &mut Race<R>, broken: &mut Lanes<R>) {
    for l in 0..LANES {
        let (w, bound) = (total.0[l], race.total.0[l]);
        let candidate = race.event.0[l] != R::ZERO;
        let fits = w - bound <= pace.tolerance * w;
        broken.0[l] = if candidate & !fits { R::NAN } else { broken.0[l] };
        race.event.0[l] = mask(candidate & fits & (race.choice.0[l] * bound < w));
    }
}

/// The bound as the rate of candidates; NaN where it is negative or the lane is broken.
#[inline(always)]
pub(in crate::backend::cpu) fn bound<R: Real, const FMA: bool>(bound: &Lanes<R>, broken: &Lanes<R>, total: &mut Lanes<R>) {
    for l in 0..LANES {
        total.0[l] = if bound.0[l] >= R::ZERO { bound.0[l] + broken.0[l] } else { R::NAN };
    }
}

/// What no channel is numbered.
const NONE: f64 = -1024.0;

/// Up to four channels of a choice: counts those whose cumulative propensity is not above the threshold.
#[inline(always)]
fn choose_some<R: Real, const N: usize>(weights: [&Lanes<R>; N], race: &Race<R>, cumulative: &mut Lanes<R>, index: &mut Lanes<R>) {
    for l in 0..LANES {
        let threshold = race.choice.0[l] * race.total.0[l];
        let (mut sum, mut count) = (cumulative.0[l], index.0[l]);
        for w in weights {
            sum = sum + positive(w.0[l]);
            count = count + mask(sum <= threshold);
        }
        (cumulative.0[l], index.0[l]) = (sum, count);
    }
}

/// All of a few channels in one pass. The last one needs no look: a threshold is below the total.
#[inline(always)]
fn choose_of<R: Real, const N: usize>(weights: [&Lanes<R>; N], race: &Race<R>, index: &mut Lanes<R>) {
    for l in 0..LANES {
        let threshold = race.choice.0[l] * race.total.0[l];
        let (mut sum, mut count) = (R::ZERO, R::ZERO);
        for w in weights {
            sum = sum + positive(w.0[l]);
            count = count + mask(sum <= threshold);
        }
        index.0[l] = if race.event.0[l] != R::ZERO { count } else { R::from_f64(NONE) };
    }
}

/// The number of the channel that fires, below 0 where none does. `cumulative` is scratch.
#[inline(always)]
pub(in crate::backend::cpu) fn choose<R: Real, const FMA: bool>(weights: &Weights<R>, race: &Race<R>, cumulative: &mut Lanes<R>, index: &mut Lanes<R>) {
    match weights.sources.len() {
        1 => return choose_of::<R, 0>(weights.some(0), race, index),
        2 => return choose_of::<R, 1>(weights.some(0), race, index),
        3 => return choose_of::<R, 2>(weights.some(0), race, index),
        4 => return choose_of::<R, 3>(weights.some(0), race, index),
        5 => return choose_of::<R, 4>(weights.some(0), race, index),
        6 => return choose_of::<R, 5>(weights.some(0), race, index),
        _ => *cumulative = Lanes::ZERO,
    }
    for l in 0..LANES {
        index.0[l] = if race.event.0[l] != R::ZERO { R::ZERO } else { R::from_f64(NONE) };
    }
    let channels = weights.sources.len().saturating_sub(1);
    let rest = channels % 4;
    for four in (0..channels - rest).step_by(4) {
        choose_some::<R, 4>(weights.some(four), race, cumulative, index);
    }
    for one in channels - rest..channels {
        choose_some::<R, 1>(weights.some(one), race, cumulative, index);
    }
}

/// `counts += Σ change` over the listed channels that fired.
#[inline(always)]
fn shift_some<R: Real, const N: usize>(index: &Lanes<R>, changes: &[(R, R)], counts: &mut Lanes<R>) {
    let changes: [(R, R); N] = std::array::from_fn(|k| changes[k]);
    for l in 0..LANES {
        let (fired, mut sum) = (index.0[l], counts.0[l]);
        for (channel, change) in changes {
            sum = sum + if fired == channel { change } else { R::ZERO };
        }
        counts.0[l] = sum;
    }
}

/// `counts += Σ change` over the listed channels (number, change) that fired.
#[inline(always)]
pub(in crate::backend::cpu) fn shift<R: Real, const FMA: bool>(index: &Lanes<R>, changes: &[(R, R)], counts: &mut Lanes<R>) {
    for some in changes.chunks(4) {
        match some.len() {
            4 => shift_some::<R, 4>(index, some, counts),
            3 => shift_some::<R, 3>(index, some, counts),
            2 => shift_some::<R, 2>(index, some, counts),
            _ => shift_some::<R, 1>(index, some, counts),
        }
    }
}

/// `sum += 1` where the channel fired.
#[inline(always)]
pub(in crate::backend::cpu) fn count<R: Real, const FMA: bool>(index: &Lanes<R>, channel: R, sum: &mut Lanes<f64>) {
    for l in 0..LANES {
        sum.0[l] += if index.0[l] == channel { 1.0 } else { 0.0 };
    }
}

/// `sum += value` where `mask` is not 0.
#[inline(always)]
pub(in crate::backend::cpu) fn add_where<R: Real, const FMA: bool>(value: &Lanes<R>, mask: &Lanes<R>, sum: &mut Lanes<f64>) {
    for l in 0..LANES {
        sum.0[l] += if mask.0[l] != R::ZERO { value.0[l].to_f64() } else { 0.0 };
    }
}

/// `sum += counts·elapsed`.
#[inline(always)]
pub(in crate::backend::cpu) fn integrate<R: Real, const FMA: bool>(counts: &Lanes<R>, elapsed: &Lanes<R>, sum: &mut Lanes<f64>) {
    for l in 0..LANES {
        sum.0[l] += (counts.0[l] * elapsed.0[l]).to_f64();
    }
}

/// `out = w` of the channel that fired; a channel and which propensity stands for it, in pairs.
#[inline(always)]
pub(in crate::backend::cpu) fn pick<R: Real, const FMA: bool>(index: &Lanes<R>, channels: &[(R, u16)], weights: &Weights<R>, out: &mut Lanes<R>) {
    *out = Lanes::ZERO;
    for &(channel, place) in channels {
        let w = weights.at(place as usize);
        for l in 0..LANES {
            out.0[l] = if index.0[l] == channel { w.0[l] } else { out.0[l] };
        }
    }
}

/// `out = ln(before/after)`.
#[inline(always)]
pub(in crate::backend::cpu) fn log_ratio<R: Real, const FMA: bool>(before: &Lanes<R>, after: &Lanes<R>, out: &mut Lanes<R>) {
    for l in 0..LANES {
        out.0[l] = log::<R, FMA>(positive(before.0[l]) / positive(after.0[l]));
    }
}

/// `out = a·b`.
#[inline(always)]
pub(in crate::backend::cpu) fn product<R: Real, const FMA: bool>(a: &Lanes<R>, b: &Lanes<R>, out: &mut Lanes<R>) {
    for l in 0..LANES {
        out.0[l] = a.0[l] * b.0[l];
    }
}

/// `out = after − before`.
#[inline(always)]
pub(in crate::backend::cpu) fn difference<R: Real, const FMA: bool>(after: &Lanes<R>, before: &Lanes<R>, out: &mut Lanes<R>) {
    for l in 0..LANES {
        out.0[l] = after.0[l] - before.0[l];
    }
}

/// `known = now`, and `out = 1` where it turned from 0 to not 0, in the lanes of `mask`.
#[inline(always)]
pub(in crate::backend::cpu) fn turned<R: Real, const FMA: bool>(now: &Lanes<R>, mask: &Lanes<R>, known: &mut Lanes<R>, out: &mut Lanes<R>) {
    for l in 0..LANES {
        let looked = mask.0[l] != R::ZERO;
        out.0[l] = if looked & (known.0[l] == R::ZERO) & (now.0[l] != R::ZERO) { R::ONE } else { R::ZERO };
        known.0[l] = if looked { now.0[l] } else { known.0[l] };
    }
}

/// The nearest integer, not below 0, in the lanes of `mask`.
#[inline(always)]
pub(in crate::backend::cpu) fn assign<R: Real, const FMA: bool>(value: &Lanes<R>, mask: &Lanes<R>, counts: &mut Lanes<R>) {
    for l in 0..LANES {
        counts.0[l] = if mask.0[l] != R::ZERO { rounded(value.0[l]) } else { counts.0[l] };
    }
}

/// The nearest integer, not below 0; NaN stays.
#[inline(always)]
pub(super) fn rounded<R: Real>(value: R) -> R {
    let nearest = (value + R::HALF).floor();
    if nearest < R::ZERO { R::ZERO } else { nearest }
}
