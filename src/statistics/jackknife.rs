//! Delete-one-block jackknife.

use super::Measured;

/// A function of summed rows, with its delete-one-block standard error.
///
/// `rows[block]` are additive numbers of equal length, `weights[block]` how many trajectories they stand for; blocks without weight
/// are left out. Blocks need not be equal (Busing, Meijer & van der Leeden, Stat. Comput. 9, 3 (1999), eq. 5). The value is
/// `function` of the sum over all rows; the error is infinite with fewer than two blocks or where the function is not finite.
pub fn jackknife(rows: &[Vec<f64>], weights: &[f64], function: impl Fn(&[f64]) -> f64) -> Measured {
    let blocks: Vec<(&[f64], f64)> = rows.iter().map(Vec::as_slice).zip(weights.iter().copied()).filter(|(_, weight)| *weight > 0.0).collect();
    let length = blocks.first().map_or(0, |(row, _)| row.len());
    // Sums of everything from a block on; the sums before it are formed on the way, so that nothing is ever subtracted.
    let mut after = vec![vec![0.0; length]; blocks.len() + 1];
    for (index, (row, _)) in blocks.iter().enumerate().rev() {
        after[index] = added(&after[index + 1], row);
    }
    let mut before = vec![0.0; length];
    let mut without = Vec::with_capacity(blocks.len());
    for (index, (row, _)) in blocks.iter().enumerate() {
        without.push(function(&added(&before, &after[index + 1])));
        before = added(&before, row);
    }
    let value = function(&before);
    let total: f64 = blocks.iter().map(|(_, weight)| weight).sum();
    let shares: Vec<f64> = blocks.iter().map(|(_, weight)| weight / total).collect();
    let centre = blocks.len() as f64 * value - shares.iter().zip(&without).map(|(share, left)| (1.0 - share) * left).sum::<f64>();
    let variance = shares
        .iter()
        .zip(&without)
        .map(|(share, left)| {
            let inverse = 1.0 / share;
            let pseudo = inverse * value - (inverse - 1.0) * left;
            (pseudo - centre).powi(2) / (inverse - 1.0)
        })
        .sum::<f64>()
        / blocks.len() as f64;
    let standard_error = if blocks.len() > 1 && variance.is_finite() { variance.sqrt() } else { f64::INFINITY };
    Measured { value, standard_error }
}

/// Element-wise sum.
fn added(left: &[f64], right: &[f64]) -> Vec<f64> {
    left.iter().zip(right).map(|(a, b)| a + b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(sums: &[f64]) -> f64 {
        sums[1] / sums[0]
    }

    #[test]
    fn the_mean_of_equal_blocks_has_its_textbook_error() {
        let values = [1.0, 4.0, 2.0, 8.0];
        let rows: Vec<Vec<f64>> = values.iter().map(|v| vec![1.0, *v]).collect();
        let variance = values.iter().map(|v| (v - 3.75f64).powi(2)).sum::<f64>() / 3.0;
        let found = jackknife(&rows, &[1.0; 4], ratio);
        assert!((found.value - 3.75).abs() <= 1e-14);
        assert!((found.standard_error - (variance / 4.0).sqrt()).abs() <= 1e-14);
    }

    #[test]
    fn an_empty_block_changes_nothing_and_one_block_knows_nothing() {
        let rows = vec![vec![2.0, 3.0], vec![0.0, 0.0], vec![1.0, 5.0]];
        let with = jackknife(&rows, &[2.0, 0.0, 1.0], ratio);
        let without = jackknife(&[rows[0].clone(), rows[2].clone()], &[2.0, 1.0], ratio);
        assert_eq!(with, without);
        assert_eq!(jackknife(&rows[..1], &[2.0], ratio).standard_error, f64::INFINITY);
        assert!(jackknife(&[], &[], |s| s.iter().sum::<f64>() / 0.0).standard_error.is_infinite());
    }
}
