//! What the ends of exact steps do not show of the variances of heat, work, entropy and areas of a linear model in its steady state.

use nalgebra::DMatrix;

use super::answers::{Answers, Question};
use super::law::Law;
use crate::exact::ExactError;
use crate::exact::fluctuation::between;
use crate::exact::linear::LinearDynamics;
use crate::plan::{Integrator, circulation_pairs, protocol_at};
use crate::thermodynamics::theorems::Start;

/// Part of a variance that no ensemble sees.
const NEGLIGIBLE: f64 = 1e-3;

impl Question<'_> {
    /// Adds what is to be added to the variances of sums along the path.
    pub(super) fn unseen_variances(&self, answers: &mut Answers) -> Result<(), ExactError> {
        let exact_steps = self.plan.dynamics.overdamped().is_some_and(|dynamics| dynamics.integrator == Integrator::ExactLinear);
        let steady = match self.opening.kind {
            Start::SteadyState => !self.moves(),
            Start::Equilibrium => !self.moves() && !self.system.is_driven(),
            Start::Other => false,
        };
        let protocol = protocol_at(self.table, 0);
        let (Ok(Law::Gaussian(law)), Some(force), true) = (&self.opening.law, self.system.linear_force(&protocol), exact_steps && steady) else {
            return Ok(());
        };
        if self.system.has_odd_variables() || self.system.bath_varies() {
            return Ok(());
        }
        let dynamics = LinearDynamics::of_forces(&force.stiffness, &force.constant, &self.system.friction, &self.system.temperature)?;
        let (names, sums): (Vec<String>, Vec<DMatrix<f64>>) = self.sums(&force.stiffness).into_iter().unzip();
        let schedule = self.plan.schedule;
        let steps = schedule.steps as f64;
        answers.unseen_variances = names.into_iter().zip(between(&dynamics, law, schedule.dt, &sums)?).map(|(name, unseen)| (name, steps * unseen)).collect();
        // Third cumulants lack a part too, which is not known: they are compared where it cannot be seen.
        for (name, unseen) in &answers.unseen_variances {
            let variance = answers.values.get(&format!("{name}.variance")).map_or(0.0, |(variance, _)| *variance);
            if *unseen > NEGLIGIBLE * variance {
                answers.values.remove(&format!("{name}.third_cumulant"));
            }
        }
        Ok(())
    }

    /// Observables that are sums along the path, with their slopes `Λ` (of any sign).
    fn sums(&self, stiffness: &DMatrix<f64>) -> Vec<(String, DMatrix<f64>)> {
        let d = self.system.dimension();
        let weighted = |weight: &dyn Fn(usize) -> f64| DMatrix::from_fn(d, d, |i, j| weight(i) * stiffness[(i, j)]);
        let entropy = weighted(&|i| 1.0 / self.system.temperature[i]);
        // Functions of the ends, which work and heat or medium and total entropy differ by, vary with the ends alone.
        let mut all = vec![("heat".to_owned(), weighted(&|_| 1.0)), ("work".to_owned(), weighted(&|_| 1.0))];
        all.extend(["entropy_medium", "entropy_total", "entropy_housekeeping"].map(|name| (name.to_owned(), entropy.clone())));
        for bath in self.baths.iter().filter(|_| self.baths.len() > 1) {
            all.push((format!("heat.{}", bath.name), weighted(&|i| f64::from(u8::from(bath.coordinates.contains(&i))))));
        }
        let rate = 0.5 / self.duration();
        for (i, j) in circulation_pairs(&self.plan.coordinates).into_iter().map(|(i, j)| (usize::from(i), usize::from(j))) {
            let turning = |a: usize, b: usize| rate * (f64::from(u8::from((a, b) == (i, j))) - f64::from(u8::from((a, b) == (j, i))));
            all.push((format!("circulation.{}.{}", self.system.names[i], self.system.names[j]), DMatrix::from_fn(d, d, turning)));
        }
        all
    }
}
