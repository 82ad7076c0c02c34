//! One overdamped coordinate under forces that do not move, at long times: how fast it forgets its start, and on a driven ring how entropy and displacement
//! fluctuate.

use super::answers::{ALPHAS, Question, Values};
use super::grids::{axis, note, with_forces};
use crate::exact::ExactError;
use crate::exact::cumulants::{growth, long_time};
use crate::exact::mesh::Mesh;
use crate::exact::refinement::extrapolate;
use crate::exact::relaxation::relaxation_rate;

/// Cells of the grids.
const CELLS: [usize; 4] = [32, 64, 128, 256];
/// Relative rounding of what is solved on them.
const ROUNDING: f64 = 1e-11;
/// Work of the force round a ring, over the temperature, that only rounding keeps from zero.
const NOTHING: f64 = 1e-9;

impl Question<'_> {
    /// `relaxation_rate`, and of a ring with a current `scgf.α`, `variance_rate.…`, `third_cumulant_rate.…` and the uncertainty product; nothing where
    /// the grids do not show it.
    pub(super) fn long_times(&self) -> Values {
        let mut values = Values::new();
        let (Ok(range), false) = (self.range(), self.moves()) else { return values };
        let axis = axis(self.system.boundaries[0], range);
        let protocol = crate::plan::protocol_at(self.table, 0);
        let mut names = Vec::new();
        let found = with_forces(self.system, &protocol, |forces| {
            extrapolate(&CELLS, ROUNDING, |cells| {
                let (listed, numbers): (Vec<String>, Vec<f64>) = self.at_long_times(&Mesh::new(&[axis], forces, cells)?)?.into_iter().unzip();
                names = listed;
                Ok::<_, ExactError>(numbers)
            })
        });
        for (name, found) in names.into_iter().zip(found.unwrap_or_default()) {
            note(&mut values, name, found);
        }
        values
    }

    /// The same on one grid; NaN for what has no answer there, so that all grids list the same.
    fn at_long_times(&self, mesh: &Mesh) -> Result<Vec<(String, f64)>, ExactError> {
        let (law, name) = (mesh.stationary()?, &self.system.names[0]);
        let mut found = vec![("relaxation_rate".to_owned(), relaxation_rate(&mesh.chain, &mesh.rates, &law).unwrap_or(f64::NAN))];
        let round: f64 = mesh.edges.iter().map(|edge| edge.entropy).sum();
        if self.system.boundaries[0].period().is_none() || round.abs() <= NOTHING {
            return Ok(found);
        }
        let entropies = mesh.entropies();
        for alpha in ALPHAS {
            let exponent: f64 = alpha.parse().unwrap_or(f64::NAN);
            let factors: Vec<f64> = entropies.iter().map(|entropy| (-exponent * entropy).exp()).collect();
            found.push((format!("scgf.{alpha}"), growth(&mesh.chain, &mesh.rates, &factors, &[]).map_or(f64::NAN, |(theta, _)| theta)));
        }
        let sums = [("entropy_medium".to_owned(), entropies), (format!("displacement.{name}"), mesh.displacements(0))];
        let cumulants = long_time(&mesh.chain, &mesh.rates, &law, &sums.each_ref().map(|(_, weights)| weights.clone()));
        let of = |k: usize| cumulants.as_ref().map_or([f64::NAN; 3], |found| [found[k].mean, found[k].variance, found[k].third]);
        let production = of(0)[0];
        for (k, (sum, _)) in sums.iter().enumerate() {
            let [mean, variance, third] = of(k);
            found.push((format!("variance_rate.{sum}"), variance));
            found.push((format!("third_cumulant_rate.{sum}"), third));
            found.push((format!("tur_product.{sum}"), variance * production / (mean * mean)));
        }
        Ok(found)
    }
}
