//! Tridiagonal systems, open or closed to a ring, factored once and solved often.

/// `1 − τ L` of a Markov generator `L` between neighbours, factored.
///
/// Columns of the matrix add up to 1 with negative entries off the diagonal, so that elimination without pivoting is stable.
pub(super) struct Factored {
    /// What row `i` takes of row `i − 1`.
    multiplier: Vec<f64>,
    /// Reciprocal pivots.
    reciprocal: Vec<f64>,
    /// Upper diagonal over pivot.
    above: Vec<f64>,
    closing: Option<Closing>,
}

/// The last unknown of a ring, eliminated apart.
struct Closing {
    /// What a unit of the last unknown adds to the others, negated.
    response: Vec<f64>,
    /// Entries of the last row in the columns of its two neighbours, first node and last but one.
    row: (f64, f64),
    /// Reciprocal of the last pivot.
    reciprocal: f64,
}

impl Factored {
    /// `up[f]` is the rate over face `f` from node `f` to the next, `down[f]` back; `faces == nodes` on a ring, one fewer on a line.
    pub(super) fn new(up: &[f64], down: &[f64], tau: f64, nodes: usize) -> Self {
        let faces = up.len();
        let mut diagonal = vec![1.0; nodes];
        for (face, (up, down)) in up.iter().zip(down).enumerate() {
            diagonal[face] += tau * up;
            diagonal[(face + 1) % nodes] += tau * down;
        }
        let ring = faces == nodes;
        let inner = if ring { nodes - 1 } else { nodes };
        let (mut multiplier, mut reciprocal, mut above) = (vec![0.0; inner], vec![0.0; inner], vec![0.0; inner]);
        let mut pivot = diagonal[0];
        for i in 0..inner {
            if i > 0 {
                multiplier[i] = -tau * up[i - 1] * reciprocal[i - 1];
                pivot = diagonal[i] + multiplier[i] * tau * down[i - 1];
            }
            reciprocal[i] = 1.0 / pivot;
            above[i] = if i + 1 < inner { -tau * down[i] / pivot } else { 0.0 };
        }
        let mut factored = Self { multiplier, reciprocal, above, closing: None };
        if ring {
            let mut response = vec![0.0; nodes];
            response[0] -= tau * up[inner];
            response[inner - 1] -= tau * down[inner - 1];
            factored.sweep([&mut response]);
            let row = (-tau * down[inner], -tau * up[inner - 1]);
            let last = diagonal[inner] - row.0 * response[0] - row.1 * response[inner - 1];
            factored.closing = Some(Closing { response, row, reciprocal: 1.0 / last });
        }
        factored
    }

    /// Solves in place for several right-hand sides at once: their sweeps are independent and overlap in the processor.
    pub(super) fn solve<const N: usize>(&self, mut sides: [&mut Vec<f64>; N]) {
        self.sweep(sides.each_mut().map(|side| &mut **side));
        let Some(closing) = &self.closing else { return };
        let inner = self.reciprocal.len();
        for side in sides {
            let last = (side[inner] - closing.row.0 * side[0] - closing.row.1 * side[inner - 1]) * closing.reciprocal;
            for (value, response) in side.iter_mut().zip(&closing.response) {
                *value -= response * last;
            }
            side[inner] = last;
        }
    }

    /// Forward and backward substitution on the rows without the closing one.
    fn sweep<const N: usize>(&self, sides: [&mut Vec<f64>; N]) {
        let inner = self.reciprocal.len();
        let mut sides = sides.map(|side| &mut side[..inner]);
        let mut carried: [f64; N] = std::array::from_fn(|k| sides[k][0]);
        for i in 1..inner {
            for (side, carried) in sides.iter_mut().zip(&mut carried) {
                *carried = side[i] - self.multiplier[i] * *carried;
                side[i] = *carried;
            }
        }
        carried = [0.0; N];
        for i in (0..inner).rev() {
            for (side, carried) in sides.iter_mut().zip(&mut carried) {
                *carried = side[i] * self.reciprocal[i] - self.above[i] * *carried;
                side[i] = *carried;
            }
        }
    }
}

/// Adds `factor · L m` to `sum`.
pub(super) fn add_generator(up: &[f64], down: &[f64], masses: &[f64], factor: f64, sum: &mut [f64]) {
    add_moved(up, down, masses, factor, sum, |_| 0.0);
}

/// Adds `factor · (L g + S m)` to `sum`, for moments `g` of a displacement: `S` lets all that cross a face upwards
/// carry one `spacing` more, and downwards one less.
pub(super) fn add_moment_generator(up: &[f64], down: &[f64], moments: &[f64], masses: &[f64], spacing: f64, factor: f64, sum: &mut [f64]) {
    let masses = &masses[..moments.len()];
    add_moved(up, down, moments, factor, sum, |i| spacing * masses[i]);
}

/// Adds `factor · (L g + S m)` to `sum`, where all that cross face `f` upwards carry `weights[f]` more, and downwards less; no moments `g` are none.
pub(super) fn add_weighted((up, down, weights): (&[f64], &[f64], &[f64]), moments: &[f64], masses: &[f64], factor: f64, sum: &mut [f64]) {
    let moment = |i: usize| moments.get(i).copied().unwrap_or(0.0);
    for face in 0..up.len() {
        let next = if face + 1 == masses.len() { 0 } else { face + 1 };
        let (rising, falling) = (factor * up[face], factor * down[face]);
        let (here, there, carried) = (moment(face), moment(next), weights[face]);
        sum[face] += falling * (there - carried * masses[next]) - rising * here;
        sum[next] += rising * (here + carried * masses[face]) - falling * there;
    }
}

/// What leaves a node over a face arrives at the next one, and what moves up has gained `carried`, what moves down has lost it.
#[inline(always)]
fn add_moved(up: &[f64], down: &[f64], values: &[f64], factor: f64, sum: &mut [f64], carried: impl Fn(usize) -> f64) {
    let (nodes, faces) = (values.len(), up.len());
    let (down, sum) = (&down[..faces], &mut sum[..nodes]);
    let mut arriving = 0.0;
    // Each node is written once, so that no iteration waits for the store of the one before.
    for face in 0..nodes - 1 {
        let (here, next) = (values[face], values[face + 1]);
        let leaving = up[face] * here - down[face] * (next - carried(face + 1));
        sum[face] += factor * (arriving - leaving);
        arriving = up[face] * (here + carried(face)) - down[face] * next;
    }
    let last = nodes - 1;
    if faces == nodes {
        let (here, next) = (values[last], values[0]);
        sum[last] += factor * (arriving - (up[last] * here - down[last] * (next - carried(0))));
        sum[0] += factor * (up[last] * (here + carried(last)) - down[last] * next);
    } else {
        sum[last] += factor * arriving;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solutions_satisfy_the_equations() {
        for (faces, nodes) in [(7, 7), (6, 7), (3, 3), (63, 64), (64, 64)] {
            let up: Vec<f64> = (0..faces).map(|i| 1.0 + (i as f64).sin().abs() * 5.0).collect();
            let down: Vec<f64> = (0..faces).map(|i| 0.2 + (i as f64 * 1.7).cos().abs() * 30.0).collect();
            let source: Vec<f64> = (0..nodes).map(|i| (i as f64 * 0.9).sin()).collect();
            for tau in [1e-3, 0.5, 100.0] {
                let (mut one, mut two) = (source.clone(), source.iter().map(|value| 2.0 * value).collect::<Vec<f64>>());
                Factored::new(&up, &down, tau, nodes).solve([&mut one, &mut two]);
                let mut back = one.clone();
                add_generator(&up, &down, &one, -tau, &mut back);
                for i in 0..nodes {
                    assert!((back[i] - source[i]).abs() <= 1e-11 * (1.0 + 30.0 * tau), "{faces} {nodes} {tau} {i}: {} {}", back[i], source[i]);
                    assert!((two[i] - 2.0 * one[i]).abs() <= 1e-12 * (1.0 + one[i].abs()));
                }
                // Control: the same numbers one row further do not satisfy them.
                back.rotate_right(1);
                assert!((0..nodes).any(|i| (back[i] - source[i]).abs() > 1e-3));
                assert!((one.iter().sum::<f64>() - source.iter().sum::<f64>()).abs() <= 1e-10, "the mass is not conserved");
            }
        }
    }
}
