//! Fundamental cycles of a graph (J. Schnakenberg, Rev. Mod. Phys. 48, 571 (1976)).

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

#[cfg(test)]
mod tests {
    use super::*;

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
