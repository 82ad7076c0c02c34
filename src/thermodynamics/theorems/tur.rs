//! The thermodynamic uncertainty relation.

use super::{Criterion, Evidence, Finding};
use crate::statistics::{Measured, Moments, Scalar, jackknife};

/// `Var(J)⟨Δs⟩/⟨J⟩² ≥ 2` for the displacement along every coordinate, every circulation and every flux; of Langevin dynamics also for heat and work, where
/// the steps show all of their variance, as those of one coordinate do, or what they hide is known.
///
/// The ratio itself scatters wildly when `⟨J⟩` is near 0, so what is compared is `Var(J)⟨Δs⟩ − 2⟨J⟩² ≥ 0`, which is equivalent and
/// well-behaved. In a steady state `⟨Δs_tot⟩ = ⟨Δs_med⟩`; the total is used where it is known, as it scatters less.
pub(super) fn tur(evidence: &Evidence) -> Option<Finding> {
    let scalars = evidence.scalars;
    let entropy = scalars.get("entropy_total").or_else(|| scalars.get("entropy_medium"))?;
    let starts = |scalar: &Scalar, kinds: &[&str]| kinds.iter().any(|kind| scalar.name().starts_with(kind));
    let alone = scalars.iter().filter(|scalar| scalar.name().starts_with("displacement.")).count() == 1;
    let of_force = |scalar: &Scalar| {
        let named = ["heat", "work"].contains(&scalar.name()) || starts(scalar, &["heat."]);
        let shown = alone || evidence.facts.unseen_variances.contains_key(scalar.name());
        named && shown && !evidence.facts.jumps && scalar.moments().variance() > 0.0
    };
    let currents: Vec<Scalar> = scalars.iter().filter(|scalar| starts(scalar, &["displacement.", "circulation.", "flux."]) || of_force(scalar)).collect();
    let (mut worst, mut comparisons): (Option<(f64, Measured, &str)>, usize) = (None, 0);
    for current in &currents {
        let unseen = evidence.facts.unseen_variances.get(current.name()).copied().unwrap_or(0.0);
        let (margin, ratio) = uncertainty(*current, entropy, unseen);
        let z = margin.z(0.0);
        comparisons += 1;
        if worst.is_none_or(|(so_far, ..)| z.is_nan() || z < so_far) {
            worst = Some((z, ratio, current.name()));
        }
    }
    let (z, value, name) = worst?;
    let mean = scalars.get(name)?.moments().measured_mean();
    let still = if mean.z(0.0).abs() < 5.0 { "; its mean is consistent with 0, so that the ratio is poorly known, but the bound is far" } else { "" };
    Some(Finding {
        value,
        expected: 2.0,
        z,
        comparisons,
        criterion: Criterion::AtLeast,
        effective_samples: entropy.moments().count() as f64,
        undersampled: None,
        bound: None,
        advice: format!("Var(J)⟨Δs⟩/⟨J⟩² of `{name}`, Δs = `{}`; z is that of Var(J)⟨Δs⟩ − 2⟨J⟩² and may be positive{still}", entropy.name()),
    })
}

/// `Var(J)⟨Δs⟩ − 2⟨J⟩²` and `Var(J)⟨Δs⟩/⟨J⟩²`, with jackknife errors; `unseen` is added to the variance.
fn uncertainty(current: Scalar, entropy: Scalar, unseen: f64) -> (Measured, Measured) {
    let (blocks, entropies) = (current.block_moments(), entropy.block_moments());
    let (pivot, origin) = (current.moments().mean(), entropy.moments().mean());
    let rows: Vec<Vec<f64>> = blocks.iter().zip(&entropies).map(|(j, s)| [j.about(pivot).sums(), s.about(origin).sums()].concat()).collect();
    let weights: Vec<f64> = blocks.iter().map(|j| j.count() as f64).collect();
    let parts = |sums: &[f64]| {
        let (j, s) = (Moments::from_sums(&sums[..5], pivot), Moments::from_sums(&sums[5..], origin));
        ((j.variance() + unseen) * s.mean(), j.mean() * j.mean())
    };
    let margin = jackknife(&rows, &weights, |sums| {
        let (product, square) = parts(sums);
        product - 2.0 * square
    });
    let ratio = jackknife(&rows, &weights, |sums| {
        let (product, square) = parts(sums);
        product / square
    });
    (margin, ratio)
}
