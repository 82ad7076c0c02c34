//! Fundamental cycles of a graph (J. Schnakenberg, Rev. Mod. Phys. 48, 571 (1976)), and cycles and conservation laws of reactions
//! (M. Polettini & M. Esposito, J. Chem. Phys. 141, 024117 (2014)).

use std::collections::VecDeque;

/// A fundamental cycle: edges in the order walked, the chord first, and for each whether it is walked forwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Edge and direction.
    pub edges: Vec<(usize, bool)>,
}

impl Cycle {
    /// `Σ ± value` along the cycle: of `ln(w₊/w₋)` of the edges the affinity.
    pub fn sum(&self, of_edge: impl Fn(usize) -> f64) -> f64 {
        self.edges.iter().map(|&(edge, forwards)| if forwards { of_edge(edge) } else { -of_edge(edge) }).sum()
    }
}

/// One cycle for every edge that a breadth-first spanning tree from state 0 leaves out; it is walked along that edge, then back through the tree.
/// `edges[e]` joins two of `states` states; several may join the same two. Parts of the graph that hang apart have trees of their own.
pub fn fundamental(states: usize, edges: &[(u32, u32)]) -> Vec<Cycle> {
    let mut incident: Vec<Vec<usize>> = vec![Vec::new(); states];
    for (edge, &(from, to)) in edges.iter().enumerate() {
        incident[from as usize].push(edge);
        incident[to as usize].push(edge);
    }
    // The edge towards the root, and how far the root is.
    let mut parent: Vec<Option<usize>> = vec![None; states];
    let mut depth = vec![usize::MAX; states];
    let other = |edge: usize, state: usize| if edges[edge].0 as usize == state { edges[edge].1 as usize } else { edges[edge].0 as usize };
    for root in 0..states {
        if depth[root] != usize::MAX {
            continue;
        }
        depth[root] = 0;
        let mut queue = VecDeque::from([root]);
        while let Some(state) = queue.pop_front() {
            for &edge in &incident[state] {
                let next = other(edge, state);
                if depth[next] == usize::MAX {
                    (depth[next], parent[next]) = (depth[state] + 1, Some(edge));
                    queue.push_back(next);
                }
            }
        }
    }
    let in_tree: Vec<usize> = parent.iter().flatten().copied().collect();
    let chords = (0..edges.len()).filter(|edge| !in_tree.contains(edge));
    chords.map(|chord| close(chord, edges, &parent, &depth, &other)).collect()
}

/// Walks the chord, then from its end up to the common ancestor and down to its start.
fn close(chord: usize, edges: &[(u32, u32)], parent: &[Option<usize>], depth: &[usize], other: &dyn Fn(usize, usize) -> usize) -> Cycle {
    let (start, end) = (edges[chord].0 as usize, edges[chord].1 as usize);
    let (mut up, mut down) = (vec![(chord, true)], Vec::new());
    let (mut a, mut b) = (end, start);
    while a != b {
        // From the end of the chord edges are walked towards the root, to its start away from it.
        let from_end = depth[a] >= depth[b];
        let state = if from_end { a } else { b };
        let Some(edge) = parent[state] else { break };
        let leaves_forwards = edges[edge].0 as usize == state;
        if from_end {
            up.push((edge, leaves_forwards));
            a = other(edge, state);
        } else {
            down.push((edge, !leaves_forwards));
            b = other(edge, state);
        }
    }
    up.extend(down.into_iter().rev());
    Cycle { edges: up }
}

/// A basis of the integer vectors `v` with `M v = 0`, for a matrix given by rows of length `columns`: for every free column of the reduced echelon form its index `f`
/// and the smallest such vector with `v_f > 0` that is 0 at the other free columns and behind `f`. `None` where numbers grow beyond 128 bits.
pub fn null_space(rows: &[Vec<i64>], columns: usize) -> Option<Vec<(usize, Vec<i64>)>> {
    let mut rows: Vec<Vec<i128>> = rows.iter().map(|row| row.iter().map(|&entry| i128::from(entry)).collect()).collect();
    let mut pivots: Vec<usize> = Vec::new();
    for column in 0..columns {
        let rank = pivots.len();
        let Some(found) = (rank..rows.len()).find(|&row| rows[row][column] != 0) else { continue };
        rows.swap(rank, found);
        let pivot_row = rows[rank].clone();
        for row in (0..rows.len()).filter(|&row| row != rank) {
            let (keep, take) = (pivot_row[column], rows[row][column]);
            if take == 0 {
                continue;
            }
            for (entry, &pivot) in rows[row].iter_mut().zip(&pivot_row) {
                *entry = entry.checked_mul(keep)?.checked_sub(pivot.checked_mul(take)?)?;
            }
            let divisor = rows[row].iter().fold(0, |divisor, &entry| common_divisor(divisor, entry)).max(1);
            rows[row].iter_mut().for_each(|entry| *entry /= divisor);
        }
        pivots.push(column);
    }
    let free = (0..columns).filter(|column| !pivots.contains(column));
    free.map(|free| {
        // Every pivot p of row i gives v_p = −M_if/M_ip · v_f: v_f is the least common multiple of what is left below.
        let mut scale: i128 = 1;
        for (row, &pivot) in rows.iter().zip(&pivots) {
            let below = row[pivot] / common_divisor(row[pivot], row[free]).max(1);
            scale = (scale / common_divisor(scale, below)).checked_mul(below.abs())?;
        }
        let mut vector = vec![0; columns];
        vector[free] = i64::try_from(scale).ok()?;
        for (row, &pivot) in rows.iter().zip(&pivots) {
            vector[pivot] = i64::try_from(-row[free].checked_mul(scale)? / row[pivot]).ok()?;
        }
        Some((free, vector))
    })
    .collect()
}

fn common_divisor(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn null_vectors_are_null_and_as_many_as_they_must_be(entries in proptest::collection::vec(-3i64..=3, 4 * 7)) {
            let rows: Vec<Vec<i64>> = entries.chunks(7).map(<[i64]>::to_vec).collect();
            let basis = null_space(&rows, 7).expect("small numbers stay small");
            let matrix = nalgebra::DMatrix::from_fn(4, 7, |i, j| rows[i][j] as f64);
            prop_assert_eq!(basis.len(), 7 - matrix.rank(1e-9));
            for (free, vector) in &basis {
                prop_assert!(vector[*free] > 0 && vector[free + 1..].iter().all(|&entry| entry == 0));
                for row in &rows {
                    prop_assert_eq!(row.iter().zip(vector).map(|(a, b)| a * b).sum::<i64>(), 0);
                }
            }
        }
    }

    /// Follows a cycle and says whether it closes.
    fn closes(cycle: &Cycle, edges: &[(u32, u32)]) -> bool {
        let ends = |&(edge, forwards): &(usize, bool)| if forwards { edges[edge] } else { (edges[edge].1, edges[edge].0) };
        let walked: Vec<(u32, u32)> = cycle.edges.iter().map(ends).collect();
        walked.windows(2).all(|pair| pair[0].1 == pair[1].0) && walked.first().map(|first| first.0) == walked.last().map(|last| last.1)
    }

    #[test]
    fn the_triangle_has_one_cycle_of_its_known_affinity() {
        let edges = [(0, 1), (1, 2), (2, 0)];
        let cycles = fundamental(3, &edges);
        assert_eq!(cycles.len(), 1);
        assert!(closes(&cycles[0], &edges));
        let ratios = [2.0f64, 6.0, 5.0].map(f64::ln);
        assert!((cycles[0].sum(|edge| ratios[edge]).abs() - 60f64.ln()).abs() <= 1e-14);
    }

    #[test]
    fn every_chord_makes_one_closed_cycle() {
        // Six states, parallel edges, and a part of its own.
        let edges = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (2, 4), (0, 4), (0, 2), (1, 0), (5, 6), (6, 5)];
        let cycles = fundamental(7, &edges);
        assert_eq!(cycles.len(), edges.len() - 7 + 2);
        for cycle in &cycles {
            assert!(closes(cycle, &edges), "{cycle:?}");
            let mut seen: Vec<usize> = cycle.edges.iter().map(|(edge, _)| *edge).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), cycle.edges.len());
        }
    }
}
