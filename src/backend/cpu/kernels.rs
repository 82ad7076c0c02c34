//! The arithmetic of a step, one operation over a whole lane block at a time.
//!
//! Every function here is a plain loop over [`LANES`] trajectories that LLVM vectorises; [`super::instruction_sets`] compiles each
//! once per instruction set. Names and order of operations are those of the shaders.

use crate::backend::TileMoments;
use crate::expression::{Program, interpret};
use crate::maths::{LANES, Lanes, Real, box_muller, log, negative_log_uniform};
use crate::plan::TILE;
use crate::random::{self, Purpose};

/// Which block of random numbers: everything of a counter but the trajectory.
#[derive(Clone, Copy)]
pub(super) struct NoiseBlock {
    pub(super) key: [u32; 2],
    pub(super) purpose: Purpose,
    pub(super) coordinate: u8,
    pub(super) quartet: u64,
}

/// The widths of a step over which a ledger is kept: what it multiplies.
#[derive(Clone, Copy)]
pub(super) struct LedgerFactors<R> {
    /// `1/(2T)`.
    pub(super) half_beta: R,
    /// `dt/(4γT)`.
    pub(super) quarter: R,
}

/// Four standard normals for each trajectory from `first` on: those of steps `4·quartet … 4·quartet + 3`.
#[inline(always)]
pub(super) fn normals<R: Real, const FMA: bool>(block: NoiseBlock, first: u64, out: &mut [Lanes<R>; 4]) {
    // Two passes: bits for the whole block, then normals. One pass has more live values than a processor has registers.
    let mut words = [[0u32; LANES]; 4];
    let [w0, w1, w2, w3] = &mut words;
    let (rounds, index) = (random::Rounds::of(block.key), block.quartet);
    let one = u64::from(random::word_one(block.purpose, block.coordinate, block.quartet));
    for l in 0..LANES {
        let trajectory = first + l as u64;
        let w = rounds.words([index, one, trajectory, trajectory >> 32]);
        (w0[l], w1[l], w2[l], w3[l]) = (w[0], w[1], w[2], w[3]);
    }
    let [z0, z1, z2, z3] = out;
    for l in 0..LANES {
        (z0.0[l], z1.0[l]) = box_muller::<R, FMA>(w0[l], w1[l]);
    }
    for l in 0..LANES {
        (z2.0[l], z3.0[l]) = box_muller::<R, FMA>(w2[l], w3[l]);
    }
}

/// `−ln u` for each trajectory from `first` on, of four steps.
#[inline(always)]
pub(super) fn waits<R: Real, const FMA: bool>(block: NoiseBlock, first: u64, out: &mut [Lanes<R>; 4]) {
    let (rounds, index) = (random::Rounds::of(block.key), block.quartet);
    let one = u64::from(random::word_one(block.purpose, block.coordinate, block.quartet));
    for l in 0..LANES {
        let trajectory = first + l as u64;
        let words = rounds.words([index, one, trajectory, trajectory >> 32]);
        for (wait, word) in out.iter_mut().zip(words) {
            wait.0[l] = negative_log_uniform::<R, FMA>(word);
        }
    }
}

/// `sum += ½ weight² (before² + after²)`.
#[inline(always)]
pub(super) fn add_spread<R: Real, const FMA: bool>(before: &Lanes<R>, after: &Lanes<R>, weight: R, sum: &mut Lanes<R>) {
    let half = R::from_f64(0.5) * weight * weight;
    for l in 0..LANES {
        let (a, b) = (before.0[l], after.0[l]);
        sum.0[l] = half.multiply_add::<FMA>(a.multiply_add::<FMA>(a, b * b), sum.0[l]);
    }
}

/// Follows a level, `level += rise`, and the lowest it ever was: between the ends it is a Brownian bridge of variance `spread`, whose infimum
/// `½(a + b − sqrt((a − b)² − 2 spread ln u))` is that of `wait = −ln u`. Of both the total that was flushed is read.
#[inline(always)]
pub(super) fn follow_infimum<R: Real, const FMA: bool>(
    rise: &Lanes<R>,
    spread: &Lanes<R>,
    wait: &Lanes<R>,
    totals: [&Lanes<f64>; 2],
    level: &mut Lanes<R>,
    lowest: &mut Lanes<R>,
) {
    let half = R::from_f64(0.5);
    for l in 0..LANES {
        let (start, rise) = (R::from_f64(totals[0].0[l]) + level.0[l], rise.0[l]);
        let squares = (spread.0[l] + spread.0[l]).multiply_add::<FMA>(wait.0[l], rise * rise);
        let least = half * ((start + start + rise) - squares.sqrt());
        let drop = least - (R::from_f64(totals[1].0[l]) + lowest.0[l]);
        lowest.0[l] = lowest.0[l] + drop.min(R::ZERO);
        level.0[l] = level.0[l] + rise;
    }
}

/// Runs a program; see [`interpret`].
#[inline(always)]
pub(super) fn program<R: Real, const FMA: bool>(program: &Program, coordinates: &[Lanes<R>], constants: &[R], row: &[R], registers: &mut [Lanes<R>]) {
    interpret::<R, FMA>(program, coordinates, constants, row, registers);
}

/// Euler–Maruyama: `displacement = F·mobility + noise·z`, `next = x + displacement`.
#[inline(always)]
pub(super) fn euler_maruyama<R: Real, const FMA: bool>(
    x: &Lanes<R>,
    force: &Lanes<R>,
    z: &Lanes<R>,
    mobility: R,
    noise: R,
    displacement: &mut Lanes<R>,
    next: &mut Lanes<R>,
) {
    for l in 0..LANES {
        let d = force.0[l].multiply_add::<FMA>(mobility, noise * z.0[l]);
        displacement.0[l] = d;
        next.0[l] = x.0[l] + d;
    }
}

/// Stochastic Heun: the Euler–Maruyama step with the mean of the forces at both ends.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "one argument per array of the step")]
pub(super) fn heun<R: Real, const FMA: bool>(
    x: &Lanes<R>,
    force: &Lanes<R>,
    predicted: &Lanes<R>,
    z: &Lanes<R>,
    mobility: R,
    noise: R,
    displacement: &mut Lanes<R>,
    next: &mut Lanes<R>,
) {
    let half = R::from_f64(0.5) * mobility;
    for l in 0..LANES {
        let d = (force.0[l] + predicted.0[l]).multiply_add::<FMA>(half, noise * z.0[l]);
        displacement.0[l] = d;
        next.0[l] = x.0[l] + d;
    }
}

/// Weak Taylor: `displacement = m + s·z`, `next = x + displacement`.
#[inline(always)]
pub(super) fn weak_taylor<R: Real, const FMA: bool>(
    x: &Lanes<R>,
    mean: &Lanes<R>,
    width: &Lanes<R>,
    z: &Lanes<R>,
    displacement: &mut Lanes<R>,
    next: &mut Lanes<R>,
) {
    for l in 0..LANES {
        let d = width.0[l].multiply_add::<FMA>(z.0[l], mean.0[l]);
        displacement.0[l] = d;
        next.0[l] = x.0[l] + d;
    }
}

/// Second half of a Stratonovich Heun step: `displacement = ½(displacement + (m̂ + ŝ·z))`, `next = x + displacement`.
#[inline(always)]
pub(super) fn heun_stratonovich<R: Real, const FMA: bool>(
    x: &Lanes<R>,
    mean: &Lanes<R>,
    width: &Lanes<R>,
    z: &Lanes<R>,
    displacement: &mut Lanes<R>,
    next: &mut Lanes<R>,
) {
    let half = R::from_f64(0.5);
    for l in 0..LANES {
        let d = half * (displacement.0[l] + width.0[l].multiply_add::<FMA>(z.0[l], mean.0[l]));
        displacement.0[l] = d;
        next.0[l] = x.0[l] + d;
    }
}

/// Diagonal part of the exact linear step: `next = propagator·x + (noise·z + offset)`.
#[inline(always)]
pub(super) fn exact_linear<R: Real, const FMA: bool>(x: &Lanes<R>, z: &Lanes<R>, propagator: R, noise: R, offset: R, next: &mut Lanes<R>) {
    for l in 0..LANES {
        next.0[l] = propagator.multiply_add::<FMA>(x.0[l], noise.multiply_add::<FMA>(z.0[l], offset));
    }
}

/// What the exact linear step of one coordinate needs.
#[derive(Clone, Copy)]
pub(super) struct LinearFactors<R> {
    pub(super) propagator: R,
    pub(super) noise: R,
    pub(super) offset: R,
    pub(super) ledger_matrix: R,
    pub(super) ledger_vector: R,
}

/// The exact linear step of a single coordinate, in one pass: [`exact_linear`], then [`midpoint`].
#[inline(always)]
pub(super) fn exact_linear_alone<R: Real, const FMA: bool>(
    x: &Lanes<R>,
    z: &Lanes<R>,
    factors: LinearFactors<R>,
    next: &mut Lanes<R>,
    displacement: &mut Lanes<R>,
    middle: &mut Lanes<R>,
) {
    let half = R::from_f64(0.5);
    for l in 0..LANES {
        let moved = factors.propagator.multiply_add::<FMA>(x.0[l], factors.noise.multiply_add::<FMA>(z.0[l], factors.offset));
        next.0[l] = moved;
        displacement.0[l] = moved - x.0[l];
        middle.0[l] = half * (x.0[l] + moved);
    }
}

/// Heat and path ledger of that step, in one pass: `heat += F·Δ`, `path += (h − G·x̄)·Δ`.
#[inline(always)]
pub(super) fn ledger_exact_linear_alone<R: Real, const FMA: bool>(
    force: &Lanes<R>,
    displacement: &Lanes<R>,
    middle: &Lanes<R>,
    factors: LinearFactors<R>,
    heat: &mut Lanes<R>,
    path: &mut Lanes<R>,
) {
    for l in 0..LANES {
        let d = displacement.0[l];
        heat.0[l] = force.0[l].multiply_add::<FMA>(d, heat.0[l]);
        let slope = (-factors.ledger_matrix).multiply_add::<FMA>(middle.0[l], factors.ledger_vector);
        path.0[l] = slope.multiply_add::<FMA>(d, path.0[l]);
    }
}

/// `displacement = next − x`, `middle = (x + next)/2`.
#[inline(always)]
pub(super) fn midpoint<R: Real, const FMA: bool>(x: &Lanes<R>, next: &Lanes<R>, displacement: &mut Lanes<R>, middle: &mut Lanes<R>) {
    let half = R::from_f64(0.5);
    for l in 0..LANES {
        displacement.0[l] = next.0[l] - x.0[l];
        middle.0[l] = half * (x.0[l] + next.0[l]);
    }
}

/// `out = factor·x + constant`.
#[inline(always)]
pub(super) fn affine<R: Real, const FMA: bool>(factor: R, x: &Lanes<R>, constant: R, out: &mut Lanes<R>) {
    for l in 0..LANES {
        out.0[l] = factor.multiply_add::<FMA>(x.0[l], constant);
    }
}

/// `out += factor·x`.
#[inline(always)]
pub(super) fn add_scaled<R: Real, const FMA: bool>(factor: R, x: &Lanes<R>, out: &mut Lanes<R>) {
    for l in 0..LANES {
        out.0[l] = factor.multiply_add::<FMA>(x.0[l], out.0[l]);
    }
}

/// `sum += a·b`.
#[inline(always)]
pub(super) fn add_product<R: Real, const FMA: bool>(a: &Lanes<R>, b: &Lanes<R>, sum: &mut Lanes<R>) {
    for l in 0..LANES {
        sum.0[l] = a.0[l].multiply_add::<FMA>(b.0[l], sum.0[l]);
    }
}

/// `sum += ½(before + after)·displacement`: a Stratonovich increment by the trapezoid.
#[inline(always)]
pub(super) fn add_trapezoid<R: Real, const FMA: bool>(before: &Lanes<R>, after: &Lanes<R>, displacement: &Lanes<R>, sum: &mut Lanes<R>) {
    let half = R::from_f64(0.5);
    for l in 0..LANES {
        sum.0[l] = (half * (before.0[l] + after.0[l])).multiply_add::<FMA>(displacement.0[l], sum.0[l]);
    }
}

/// `sum −= (after − before)·displacement²/12`, of slopes: what makes a trapezoid exact for cubic forces (Euler and Maclaurin's end correction).
#[inline(always)]
pub(super) fn correct_trapezoid<R: Real, const FMA: bool>(before: &Lanes<R>, after: &Lanes<R>, displacement: &Lanes<R>, sum: &mut Lanes<R>) {
    let twelfth = R::from_f64(-1.0 / 12.0);
    for l in 0..LANES {
        let square = displacement.0[l] * displacement.0[l];
        sum.0[l] = (twelfth * (after.0[l] - before.0[l])).multiply_add::<FMA>(square, sum.0[l]);
    }
}

/// `sum += ½(x Δy − y Δx)`: the area between a step and the origin.
#[inline(always)]
pub(super) fn add_area<R: Real, const FMA: bool>(before: [&Lanes<R>; 2], after: [&Lanes<R>; 2], sum: &mut Lanes<R>) {
    let half = R::from_f64(0.5);
    for l in 0..LANES {
        let (x, y) = (before[0].0[l], before[1].0[l]);
        let across = y * (after[0].0[l] - x);
        let area = x.multiply_add::<FMA>(after[1].0[l] - y, -across);
        sum.0[l] = half.multiply_add::<FMA>(area, sum.0[l]);
    }
}

/// Bath part of a splitting: `after = damping·v + noise·z`.
#[inline(always)]
pub(super) fn bath<R: Real, const FMA: bool>(v: &Lanes<R>, z: &Lanes<R>, damping: R, noise: R, after: &mut Lanes<R>) {
    for l in 0..LANES {
        after.0[l] = damping.multiply_add::<FMA>(v.0[l], noise * z.0[l]);
    }
}

/// Kinetic energy lost, in units of its factor: `sum += factor·(v − v')(v + v')`.
#[inline(always)]
pub(super) fn kinetic_heat<R: Real, const FMA: bool>(before: &Lanes<R>, after: &Lanes<R>, factor: R, sum: &mut Lanes<R>) {
    for l in 0..LANES {
        let squares = (before.0[l] - after.0[l]) * (before.0[l] + after.0[l]);
        sum.0[l] = factor.multiply_add::<FMA>(squares, sum.0[l]);
    }
}

/// Turns a velocity that was reflected: `v *= sign`.
#[inline(always)]
pub(super) fn turn<R: Real, const FMA: bool>(sign: &Lanes<R>, v: &mut Lanes<R>) {
    for l in 0..LANES {
        v.0[l] = v.0[l] * sign.0[l];
    }
}

/// `sum += value`.
#[inline(always)]
pub(super) fn add<R: Real, const FMA: bool>(value: &Lanes<R>, sum: &mut Lanes<R>) {
    for l in 0..LANES {
        sum.0[l] = sum.0[l] + value.0[l];
    }
}

/// Path ledger of Euler–Maruyama for one coordinate: `Δ(F + sF')/(2T) + dt(F'² − F²)/(4γT)`, `Δ` before reflection and
/// `s = −1` after an odd number of reflections.
#[inline(always)]
pub(super) fn ledger_euler_maruyama<R: Real, const FMA: bool>(
    before: &Lanes<R>,
    after: &Lanes<R>,
    displacement: &Lanes<R>,
    sign: &Lanes<R>,
    factors: LedgerFactors<R>,
    sum: &mut Lanes<R>,
) {
    for l in 0..LANES {
        let (f, g) = (before.0[l], after.0[l]);
        let linear = displacement.0[l] * sign.0[l].multiply_add::<FMA>(g, f);
        let square = (g - f) * (g + f);
        sum.0[l] = linear.multiply_add::<FMA>(factors.half_beta, factors.quarter.multiply_add::<FMA>(square, sum.0[l]));
    }
}

/// Path ledger of the weak Taylor step: the log-ratio of two Gaussians, `½b² − ½z² + ln(s'/s)` with `b = (Δ + sign·m')/s'`.
#[inline(always)]
pub(super) fn ledger_weak_taylor<R: Real, const FMA: bool>(
    z: &Lanes<R>,
    width: &Lanes<R>,
    mean_after: &Lanes<R>,
    width_after: &Lanes<R>,
    displacement: &Lanes<R>,
    sign: &Lanes<R>,
    sum: &mut Lanes<R>,
) {
    let half = R::from_f64(0.5);
    for l in 0..LANES {
        let b = sign.0[l].multiply_add::<FMA>(mean_after.0[l], displacement.0[l]) / width_after.0[l];
        let squares = half * (b - z.0[l]) * (b + z.0[l]);
        sum.0[l] = sum.0[l] + (squares + log::<R, FMA>((width_after.0[l] / width.0[l]).abs()));
    }
}

/// Path ledger of the Itô step taken back by the end-point rule: `½b² − ½z² − ln|1 + sign·b·∂s|` with `b = (sign·Δ + μ')/s`.
#[inline(always)]
pub(super) fn ledger_euler_maruyama_ito<R: Real, const FMA: bool>(
    z: &Lanes<R>,
    width: &Lanes<R>,
    slope: &Lanes<R>,
    drift_after: &Lanes<R>,
    displacement: &Lanes<R>,
    sign: &Lanes<R>,
    sum: &mut Lanes<R>,
) {
    let half = R::from_f64(0.5);
    for l in 0..LANES {
        let b = sign.0[l].multiply_add::<FMA>(displacement.0[l], drift_after.0[l]) / width.0[l];
        let squares = half * (b - z.0[l]) * (b + z.0[l]);
        let stretch = (sign.0[l] * b).multiply_add::<FMA>(slope.0[l], R::ONE);
        sum.0[l] = sum.0[l] + (squares - log::<R, FMA>(stretch.abs()));
    }
}

/// Folds a periodic coordinate into `[lower, lower + period)` and counts the turns.
#[inline(always)]
pub(super) fn fold<R: Real, const FMA: bool>(x: &mut Lanes<R>, winding: &mut Lanes<R>, lower: R, period: R) {
    let inverse = R::ONE / period;
    for l in 0..LANES {
        let turns = ((x.0[l] - lower) * inverse).floor();
        let folded = (-turns).multiply_add::<FMA>(period, x.0[l]);
        x.0[l] = folded;
        winding.0[l] = winding.0[l] + turns;
    }
}

/// Reflects a coordinate at `lower` and `lower + width`, any number of times; `sign = −1` after an odd number.
#[inline(always)]
pub(super) fn reflect<R: Real, const FMA: bool>(x: &mut Lanes<R>, sign: &mut Lanes<R>, lower: R, width: R) {
    let inverse = R::ONE / width;
    let half = R::from_f64(0.5);
    for l in 0..LANES {
        let offset = x.0[l] - lower;
        let count = (offset * inverse).floor();
        let odd = count - (R::ONE + R::ONE) * (half * count).floor();
        let rest = (-count).multiply_add::<FMA>(width, offset);
        let s = R::ONE - (odd + odd);
        sign.0[l] = s;
        x.0[l] = lower + odd.multiply_add::<FMA>(width, s * rest);
    }
}

/// Moves a partial sum into the double-precision total.
#[inline(always)]
pub(super) fn flush<R: Real, const FMA: bool>(partial: &mut Lanes<R>, total: &mut Lanes<f64>) {
    for l in 0..LANES {
        total.0[l] += partial.0[l].to_f64();
        partial.0[l] = R::ZERO;
    }
}

/// Count, mean and centred second moment of the finite values among the first `count`, tile by tile.
#[inline(always)]
#[expect(clippy::extra_unused_type_parameters, reason = "every kernel has the same parameters")]
pub(super) fn tile_moments<R: Real, const FMA: bool>(values: &Lanes<f64>, count: usize, out: &mut [TileMoments; LANES / TILE]) {
    const STRIDE: usize = 8;
    for (tile, moments) in out.iter_mut().enumerate() {
        let mut value = [0.0; TILE];
        let mut present = [0.0; TILE];
        for l in 0..TILE {
            let v = values.0[tile * TILE + l];
            let finite = v.is_finite() && tile * TILE + l < count;
            value[l] = if finite { v } else { 0.0 };
            present[l] = if finite { 1.0 } else { 0.0 };
        }
        let sum = |of: &[f64; TILE]| {
            let mut partial = [0.0; STRIDE];
            for row in of.chunks_exact(STRIDE) {
                for s in 0..STRIDE {
                    partial[s] += row[s];
                }
            }
            partial.iter().sum::<f64>()
        };
        let number = sum(&present);
        let mean = if number > 0.0 { sum(&value) / number } else { 0.0 };
        for l in 0..TILE {
            let deviation = (value[l] - mean) * present[l];
            value[l] = deviation * deviation;
        }
        *moments = TileMoments { count: number, mean, m2: sum(&value) };
    }
}
