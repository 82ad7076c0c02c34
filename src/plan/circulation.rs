//! Which pairs of coordinates have a circulation: the area that a trajectory encloses in their plane.

use super::{Boundary, Coordinate};

/// With more coordinates than this, only neighbours in the list of the file are paired.
const ALL_PAIRS_UP_TO: usize = 4;

/// The pairs, in order; a periodic coordinate has no plane.
pub fn circulation_pairs(coordinates: &[Coordinate]) -> Vec<(u16, u16)> {
    let flat = |i: usize| !matches!(coordinates[i].boundary, Boundary::Periodic { .. });
    let d = coordinates.len();
    let far = if d > ALL_PAIRS_UP_TO { 1 } else { d };
    (0..d).flat_map(|i| (i + 1..d.min(i + 1 + far)).map(move |j| (i, j))).filter(|&(i, j)| flat(i) && flat(j)).map(|(i, j)| (i as u16, j as u16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coordinates(boundaries: &[Boundary]) -> Vec<Coordinate> {
        boundaries.iter().map(|&boundary| Coordinate { name: String::new(), boundary }).collect()
    }

    #[test]
    fn every_pair_of_few_and_the_neighbours_of_many() {
        let (open, ring) = (Boundary::Open, Boundary::Periodic { lower: 0.0, upper: 1.0 });
        assert_eq!(circulation_pairs(&coordinates(&[open])), []);
        assert_eq!(circulation_pairs(&coordinates(&[open, open, open])), [(0, 1), (0, 2), (1, 2)]);
        assert_eq!(circulation_pairs(&coordinates(&[open, ring, open])), [(0, 2)]);
        assert_eq!(circulation_pairs(&coordinates(&[open; 6])), [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]);
    }
}
