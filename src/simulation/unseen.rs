//! What the ends of exact steps do not show of the variances of heat, work, entropy and areas of a linear model whose protocol stands still.

use nalgebra::DMatrix;

use super::answers::{Answers, Question};
use super::law::Law;
use crate::exact::ExactError;
use crate::exact::fluctuation::between;
use crate::exact::linear::{Gaussian, LinearDynamics};
use crate::plan::{Integrator, circulation_pairs, protocol_at};

/// Part of a variance that no ensemble sees.
const NEGLIGIBLE: f64 = 1e-3;

impl Question<'_> {
    /// Adds what is to be added to the variances of sums along the path.
    pub(super) fn unseen_variances(&self, answers: &mut Answers) -> Result<(), ExactError> {
        let exact_steps = self.plan.dynamics.overdamped().is_some_and(|dynamics| dynamics.integrator == Integrator::ExactLinear);
        let protocol = protocol_at(self.table, 0);
        let (Ok(Law::Gaussian(law)), Some(force), true) = (&self.opening.law, self.system.linear_force(&protocol), exact_steps && !self.moves()) else {
            return Ok(());
        };
        // With inertia positions are smooth, and little is hidden between two steps.
        if self.system.is_underdamped() || self.system.has_odd_variables() || self.system.bath_varies() {
            return Ok(());
        }
        let dynamics = LinearDynamics::of_forces(&force.stiffness, &force.constant, &self.system.friction, &self.system.temperature)?;
        let (names, sums): (Vec<String>, Vec<DMatrix<f64>>) = self.sums(&force.stiffness).into_iter().unzip();
        let schedule = self.plan.schedule;
        let steps = schedule.steps as f64;
        // Without a steady state there is no place to measure from.
        let Ok(moment) = mean_moment(&dynamics, law, schedule.dt, schedule.steps) else { return Ok(()) };
        answers.unseen_variances =
            names.into_iter().zip(between(&dynamics, &moment, schedule.dt, &sums)?).map(|(name, unseen)| (name, steps * unseen)).collect();
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

/// `⟨z zᵀ⟩` over the starts of the stretches of a run that starts from `law`, as a function of their length; `z` is measured from the mean of the steady state.
fn mean_moment(dynamics: &LinearDynamics, law: &Gaussian, dt: f64, steps: u64) -> Result<impl Fn(f64) -> DMatrix<f64>, ExactError> {
    let (steady, propagator) = (dynamics.stationary()?, dynamics.step(dt)?.propagator);
    let away = law.mean() - steady.mean();
    let first = law.covariance() + &away * away.transpose() - steady.covariance();
    let zero = DMatrix::zeros(first.nrows(), first.ncols());
    let (mut sum, mut passed) = (zero, DMatrix::identity(first.nrows(), first.ncols()));
    // Of so many steps by doubling: all that were summed, then as many after them, then perhaps one before.
    for bit in (0..u64::BITS - steps.leading_zeros()).rev() {
        sum = &sum + &passed * &sum * passed.transpose();
        passed = &passed * &passed;
        if steps >> bit & 1 == 1 {
            sum = &first + &propagator * sum * propagator.transpose();
            passed = &passed * &propagator;
        }
    }
    let (run, grown) = (steps as f64, &passed * &first * passed.transpose() - &first);
    // The mean over the starts of all steps; over those of shorter stretches by the trapezoidal rule.
    let mean = steady.covariance() + sum / run;
    Ok(move |length: f64| &mean + &grown * (0.5 * (1.0 - length / dt) / run))
}

#[cfg(test)]
mod tests {
    use nalgebra::DVector;

    use super::*;

    #[test]
    fn the_mean_over_all_starts_is_that_of_the_steps_and_tends_to_that_of_time() {
        let dynamics = LinearDynamics::new(DMatrix::from_element(1, 1, 2.0), DVector::from_vec(vec![1.0]), DVector::from_vec(vec![3.0])).unwrap();
        let law = Gaussian::new(DVector::from_vec(vec![1.7]), DMatrix::from_element(1, 1, 0.4)).unwrap();
        let (dt, steps) = (0.01, 65);
        let moment = mean_moment(&dynamics, &law, dt, steps).unwrap();
        // z² from (1.7 − ½)² + 0.4 to D/A = 3/2, by exp(−4t).
        let (first, last) = (1.2f64 * 1.2 + 0.4, 1.5);
        let at = |time: f64| last + (first - last) * (-4.0 * time).exp();
        let starts = (0..steps).map(|step| at(step as f64 * dt)).sum::<f64>() / steps as f64;
        assert!((moment(dt)[(0, 0)] - starts).abs() <= 1e-13, "{} is not {starts}", moment(dt)[(0, 0)]);
        let run = dt * steps as f64;
        let in_time = last + (first - last) * (1.0 - (-4.0 * run).exp()) / (4.0 * run);
        assert!((moment(0.0)[(0, 0)] - in_time).abs() <= 2e-5, "{} is not {in_time}", moment(0.0)[(0, 0)]);
    }
}
