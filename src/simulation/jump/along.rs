//! `φ = −ln p_ss` along the protocol: what excess and housekeeping are reckoned from.

use super::known::{LEAK, inside, stationary};
use super::space::Space;
use crate::exact::chebyshev::Polynomial;
use crate::plan::{Clock, Surprise};

/// Error of `φ`, in nats, that is small enough.
const TOLERANCE: f64 = 1e-8;
/// Multiplications that all stationary states along a piece are worth.
const MOST_WORK: f64 = 4e9;
/// Most states of which they are looked for whatever the work.
const FEW_STATES: usize = 128;
/// A state as rare as this somewhere in a piece has no `φ` in it: it counts as infinite.
const RARE: f64 = 1e-290;
/// Moments of a piece, less one, at which that is asked.
const ASKED: u32 = 16;
/// Most entries of a table for a kernel.
const MOST_ENTRIES: usize = 1 << 22;
/// Where the line through two points of a stretch of time errs least: `(1 ± 1/√3)/2` (Gauss & Legendre).
const GAUSS: [f64; 2] = [0.211_324_865_405_187_1, 0.788_675_134_594_812_9];

/// `φ` of every state at all times of the run.
pub(super) struct Along {
    pieces: Vec<((f64, f64), Piece)>,
}

/// `φ` between two jumps or bends of the protocol.
enum Piece {
    Steady(Vec<f64>),
    /// With the numbers of the states that are too rare.
    Moving(Polynomial, Vec<usize>),
}

impl Along {
    /// `None` where a stationary state is not known somewhere on the way, or takes too long to find.
    pub(super) fn of(space: &Space, moves: bool) -> Option<Self> {
        let work = if space.chain.states <= FEW_STATES { 1.0 } else { space.chain.stationary_work().max(1.0) };
        let most = (MOST_WORK / work) as usize;
        if most < ASKED as usize && moves {
            return None;
        }
        let piece = |piece: (f64, f64)| {
            let at = |time: f64| surprise_at(space, inside(piece, time));
            let found = if !moves || is_steady(space, piece) {
                Piece::Steady(at(piece.0)?)
            } else {
                let moment = |k: u32| piece.0 + (piece.1 - piece.0) * f64::from(k) / f64::from(ASKED);
                let rare = rare(&(0..=ASKED).map(|k| at(moment(k))).collect::<Option<Vec<_>>>()?);
                let mut without = |time: f64| {
                    let mut phi = at(time)?;
                    rare.iter().for_each(|&state| phi[state] = 0.0);
                    Some(phi)
                };
                // Exactly where rates are taken, so that the samples are those of a smooth function.
                let range = (inside(piece, piece.0), inside(piece, piece.1));
                Piece::Moving(Polynomial::through(range, TOLERANCE, most, &mut without)?, rare)
            };
            Some((piece, found))
        };
        Some(Self { pieces: space.pieces().into_iter().map(piece).collect::<Option<_>>()? })
    }

    /// The same along the protocol that runs backwards from `end` to 0.
    pub(super) fn mirrored(&self, end: f64) -> Self {
        let piece = |(range, piece): &((f64, f64), Piece)| {
            let mirrored = match piece {
                Piece::Steady(phi) => Piece::Steady(phi.clone()),
                Piece::Moving(polynomial, rare) => Piece::Moving(polynomial.mirrored(end), rare.clone()),
            };
            ((end - range.1, end - range.0), mirrored)
        };
        Self { pieces: self.pieces.iter().rev().map(piece).collect() }
    }

    /// `φ` of all states at a time; at a jump, of the side that `piece` is on.
    pub(super) fn at(&self, piece: (f64, f64), time: f64, out: &mut [f64]) {
        let middle = 0.5 * (piece.0 + piece.1);
        match self.pieces.iter().find(|((_, end), _)| middle < *end) {
            Some((_, Piece::Steady(phi))) => out.copy_from_slice(phi),
            Some((_, Piece::Moving(polynomial, rare))) => {
                polynomial.at(time, out);
                rare.iter().for_each(|&state| out[state] = f64::INFINITY);
            }
            None => out.fill(f64::NAN),
        }
    }

    /// Largest error of `φ`, in nats, by the polynomials.
    pub(super) fn error(&self) -> f64 {
        let of = |(_, piece): &(_, Piece)| if let Piece::Moving(polynomial, _) = piece { polynomial.error } else { 0.0 };
        self.pieces.iter().map(of).fold(0.0, f64::max)
    }

    /// The table that a kernel reads: a line in every segment, NaN for states that are too rare. `None` where it would be too large, or trajectories may
    /// start from such a state.
    pub(super) fn table(&self, space: &Space, clock: Clock, first: Option<&[f64]>) -> Option<Surprise> {
        let d = space.points.first()?.len();
        let most = |i: usize| space.points.iter().map(|point| point[i] as u32).max().unwrap_or(0);
        let extent: Vec<u32> = (0..d).map(|i| most(i) + 1).collect();
        let box_size = extent.iter().try_fold(1usize, |size, n| size.checked_mul(*n as usize))?;
        let entries = box_size.checked_mul(2 * clock.segments as usize).filter(|entries| *entries <= MOST_ENTRIES)?;
        let place = |point: &[f64]| point.iter().zip(&extent).fold(0, |place, (n, extent)| place * *extent as usize + *n as usize);
        let mut values = Vec::with_capacity(entries);
        let mut phi = [vec![0.0; space.chain.states], vec![0.0; space.chain.states]];
        for segment in 0..clock.segments {
            let (start, end) = (segment as f64 * clock.length, (segment + 1) as f64 * clock.length);
            for (phi, part) in phi.iter_mut().zip(GAUSS) {
                self.at((start, end), start + part * clock.length, phi);
                let unseen = |(state, phi): (usize, &f64)| if phi.is_finite() { 0.0 } else { first.map_or(1.0, |law| law[state]) };
                if !(phi.iter().enumerate().map(unseen).sum::<f64>() <= LEAK) {
                    return None;
                }
            }
            let slope = |state: usize| (phi[1][state] - phi[0][state]) / (GAUSS[1] - GAUSS[0]);
            for part in [-GAUSS[0], 1.0 - GAUSS[0]] {
                let mut row = vec![f64::NAN; box_size];
                space.points.iter().enumerate().for_each(|(state, point)| row[place(point)] = phi[0][state] + part * slope(state));
                values.extend(row);
            }
        }
        Some(Surprise { lower: vec![0; d], extent, values, steady: false })
    }
}

/// The states without `φ` in any of several samples.
fn rare(samples: &[Vec<f64>]) -> Vec<usize> {
    let most = -RARE.ln();
    (0..samples[0].len()).filter(|&state| samples.iter().any(|phi| !(phi[state] <= most))).collect()
}

/// Whether rates are the same all along a piece.
pub(super) fn is_steady(space: &Space, piece: (f64, f64)) -> bool {
    let at = |part: f64| space.rates_at(inside(piece, piece.0 + part * (piece.1 - piece.0)));
    let first = at(0.0);
    // Neither the middle alone nor the end alone tells of a rate that comes back.
    [0.29, 0.5, 1.0].into_iter().all(|part| at(part) == first)
}

/// `−ln p_ss` of all states at the rates of a moment; infinite where that is too rare for a number.
fn surprise_at(space: &Space, time: f64) -> Option<Vec<f64>> {
    Some(stationary(space, time)?.into_iter().map(|p| if p >= f64::MIN_POSITIVE { -p.ln() } else { f64::INFINITY }).collect())
}
