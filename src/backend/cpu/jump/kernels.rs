//! The arithmetic of events: which channel fires, what that changes, what is added up.
//!
//! As in [`super::race`] every function is a plain loop over [`LANES`] trajectories.

use super::race::{Pace, Race};
use crate::maths::{LANES, Lanes, Real, log};

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
        let mut some = [self.at(first); N];
        for (k, weight) in some.iter_mut().enumerate() {
            *weight = self.at(first + k);
        }
        some
    }
}

/// 1 or 0.
#[inline(always)]
pub(super) fn mask<R: Real>(condition: bool) -> R {
    if condition { R::ONE } else { R::ZERO }
}

/// `x`, or 0 where it is negative or NaN.
#[inline(always)]
pub(super) fn positive<R: Real>(x: R) -> R {
    if x > R::ZERO { x } else { R::ZERO }
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
    let Some(&changes) = changes.first_chunk::<N>() else { return };
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

/// `sum += elapsed` where the counts are these.
#[inline(always)]
pub(in crate::backend::cpu) fn integrate_at<R: Real, const FMA: bool>(value: R, counts: &Lanes<R>, elapsed: &Lanes<R>, sum: &mut Lanes<f64>) {
    for l in 0..LANES {
        sum.0[l] += if counts.0[l] == value { elapsed.0[l].to_f64() } else { 0.0 };
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
