//! Exact variances and third cumulants of linear models, over the run and per time in a steady state.

use nalgebra::{DMatrix, DVector};

use super::answers::{Answers, Question};
use super::linear_path::{LinearPath, Sum, energy};
use crate::exact::ExactError;
use crate::exact::linear::Gaussian;
use crate::exact::tilt::{Form, Functional};
use crate::thermodynamics::estimates::paired;

/// Longest state whose fluctuations are followed.
const LONGEST_STATE: usize = 16;
/// Longest state for which flows are followed away from a steady state.
const LONGEST_DRIVEN: usize = 6;
/// A variance or a mean below this is that of rounding.
pub(super) const NOTHING: f64 = 1e-12;

pub(super) const SOURCE: &str = "moments of the Gaussian law";

impl Question<'_> {
    /// Whether fluctuations are followed: with few enough state variables.
    pub(super) fn has_cumulants(&self) -> bool {
        self.system.state_dimension() <= LONGEST_STATE
    }

    /// Everything about fluctuations that is known of a linear model that starts from a Gaussian law.
    pub(super) fn linear_cumulants(&self, path: &LinearPath, answers: &mut Answers) -> Result<(), ExactError> {
        self.first_law(path, answers)?;
        self.of_baths(path, answers)?;
        self.of_places(path, answers)
    }

    /// Work, heat and energy: sums of quadratic forms, and what drives do.
    fn first_law(&self, path: &LinearPath, answers: &mut Answers) -> Result<(), ExactError> {
        let (first, last) = &path.ends;
        let (before, after) = (energy(self.system, first)?, energy(self.system, last)?);
        let change = Sum { start: Some(before.scaled(-1.0)), end: Some(after.clone()), ..Sum::default() };
        answers.fluctuates("energy_change", cumulants(path.functional(&change)?.as_ref()));
        if self.system.is_driven() && !self.may_flow(path) {
            return Ok(());
        }
        let work = path.functional(&Sum { work: 1.0, ..Sum::default() })?;
        answers.fluctuates("work", cumulants(work.as_ref()));
        let heat = path.functional(&Sum { start: Some(before), work: 1.0, end: Some(after.scaled(-1.0)), ..Sum::default() })?;
        answers.fluctuates("heat", cumulants(heat.as_ref()));
        if let Some(temperature) = self.system.single_temperature() {
            let scaled = |form: &Form| form.scaled(1.0 / temperature);
            let total = Sum {
                start: Some(scaled(&energy(self.system, first)?).plus(&Form::surprise(&path.laws[0]).scaled(-1.0))),
                work: 1.0 / temperature,
                end: Some(scaled(&after).scaled(-1.0).plus(&Form::surprise(path.last()))),
                heat: None,
            };
            answers.fluctuates("entropy_total", cumulants(path.functional(&total)?.as_ref()));
            answers.fluctuates("entropy_medium", heat.map(|heat| (heat.variance / temperature.powi(2), heat.third / temperature.powi(3))));
        }
        Ok(())
    }

    /// Heat to each of several baths, and the entropy of all.
    fn of_baths(&self, path: &LinearPath, answers: &mut Answers) -> Result<(), ExactError> {
        if self.system.single_temperature().is_some() || !self.may_flow(path) {
            return Ok(());
        }
        let d = self.system.dimension();
        let origin = vec![0.0; d];
        for bath in self.baths.iter().filter(|_| self.baths.len() > 1) {
            let to_it = |_: &[f64]| (0..d).map(|i| f64::from(u8::from(bath.coordinates.contains(&i)))).collect::<Vec<f64>>();
            answers.fluctuates(&format!("heat.{}", bath.name), cumulants(path.functional(&Sum { heat: Some(&to_it), ..Sum::default() })?.as_ref()));
            if let Some((_, variance)) = path.rates(&to_it) {
                answers.know(format!("variance_rate.heat.{}", bath.name), variance, SOURCE);
            }
        }
        let inverse = |protocol: &[f64]| {
            let one =
                |i: usize| if self.system.is_bathed(i) || !self.system.is_underdamped() { 1.0 / self.system.temperature_at(i, &origin, protocol) } else { 0.0 };
            (0..d).map(one).collect::<Vec<f64>>()
        };
        answers.fluctuates("entropy_medium", cumulants(path.functional(&Sum { heat: Some(&inverse), ..Sum::default() })?.as_ref()));
        let ends = (Form::surprise(&path.laws[0]).scaled(-1.0), Form::surprise(path.last()));
        answers.fluctuates(
            "entropy_total",
            cumulants(path.functional(&Sum { start: Some(ends.0), end: Some(ends.1), heat: Some(&inverse), ..Sum::default() })?.as_ref()),
        );
        if let Some((mean, variance)) = path.rates(&inverse) {
            answers.know("variance_rate.entropy_medium", variance, SOURCE);
            if mean > NOTHING && !self.system.is_underdamped() {
                answers.know("tur_product.entropy_medium", variance / mean, SOURCE);
            }
        }
        if let Some(rate) = path.relaxation_rate() {
            answers.know("relaxation_rate", rate, SOURCE);
        }
        Ok(())
    }

    /// Displacements, and the law at the end.
    fn of_places(&self, path: &LinearPath, answers: &mut Answers) -> Result<(), ExactError> {
        let n = self.system.state_dimension();
        for (i, name) in self.system.names.iter().enumerate() {
            let place =
                |sign: f64| Form { constant: 0.0, linear: DVector::from_fn(n, |k, _| if k == i { sign } else { 0.0 }), quadratic: DMatrix::zeros(n, n) };
            let moved = path.functional(&Sum { start: Some(place(-1.0)), end: Some(place(1.0)), ..Sum::default() })?;
            answers.fluctuates(&format!("displacement.{name}"), moved.map(|moved| (moved.variance, f64::NAN)));
        }
        Ok(())
    }

    /// Whether flows can be followed without long work.
    fn may_flow(&self, path: &LinearPath) -> bool {
        path.relaxation_rate().is_some() || self.system.state_dimension() <= LONGEST_DRIVEN
    }
}

fn cumulants(functional: Option<&Functional>) -> Option<(f64, f64)> {
    functional.map(|functional| (functional.variance, functional.third))
}

impl Answers {
    /// Variance and third cumulant, where that is followed.
    fn fluctuates(&mut self, name: &str, cumulants: Option<(f64, f64)>) {
        let Some((variance, third)) = cumulants else { return };
        self.know(format!("{name}.variance"), variance, SOURCE);
        if third.is_finite() {
            self.know(format!("{name}.third_cumulant"), third, SOURCE);
        }
    }

    /// Places at the end of a Gaussian law, and how they vary together; velocities follow the coordinates.
    pub(super) fn places(&mut self, names: &[String], law: &Gaussian) {
        let (mean, covariance) = (law.mean(), law.covariance());
        let d = names.len();
        for (i, j) in paired(d) {
            self.know(format!("covariance.{}.{}", names[i], names[j]), covariance[(i, j)], SOURCE);
        }
        for (i, name) in names.iter().enumerate() {
            self.know(format!("end_position.{name}"), mean[i], SOURCE);
            self.know(format!("end_position.{name}.variance"), covariance[(i, i)], SOURCE);
            if mean.len() == 2 * d {
                self.know(format!("end_velocity.{name}"), mean[d + i], SOURCE);
                self.know(format!("end_velocity.{name}.variance"), covariance[(d + i, d + i)], SOURCE);
                self.know(format!("covariance.{name}.v_{name}"), covariance[(i, d + i)], SOURCE);
            }
        }
    }
}
