//! Underdamped dynamics: exact means and variances where forces are linear, and the laws that velocities add.
//!
//! The state is `(x, v)`; its law stays Gaussian, mean heat to a bath flows at the rate `(γ/m)(m⟨v²⟩ − T)`, and work and total heat are sums of quadratic
//! forms of the state at the moments when the protocol moves, so that their variances follow too ([`crate::exact::tilt`]).

use nalgebra::{DMatrix, DVector};

use super::law::Law;
use crate::exact::ExactError;
use crate::exact::equilibrium::Quadratic;
use crate::exact::linear::{ExactStep, Gaussian, LinearDynamics};
use crate::exact::tilt::{Form, Functional};
use crate::model::System;

/// Time slices of a protocol that moves: about so many, and slices of a fast motion are this short.
const SLICES: u64 = 2048;
const MOST_SLICES: u64 = 8192;
const SLICES_PER_RADIAN: f64 = 12.0;

/// Exact numbers at the end of the protocol.
pub(super) struct InertialMeans {
    /// Law of coordinates and velocities.
    pub(super) last: Gaussian,
    /// Mean work.
    pub(super) work: f64,
    /// Mean heat given to the bath of each coordinate.
    pub(super) heat: Vec<f64>,
    /// Variances, where no force but constant ones comes on top of the potential.
    pub(super) variances: Option<Variances>,
}

/// Variances over the ensemble.
pub(super) struct Variances {
    pub(super) work: f64,
    /// Of the heat given to all baths.
    pub(super) heat: f64,
    pub(super) energy_change: f64,
    /// Of the total entropy, where there is one temperature.
    pub(super) entropy_total: Option<f64>,
    /// Of every displacement.
    pub(super) displacement: Vec<f64>,
}

/// Follows the law from `start`; `protocol` tells the values between two moves, `ends` those before the first and after the last.
pub(super) fn inertial_means(
    system: &System,
    start: &Gaussian,
    (duration, steps): (f64, u64),
    protocol: &dyn Fn(f64) -> Vec<f64>,
    (first, last): (&[f64], &[f64]),
) -> Result<InertialMeans, ExactError> {
    let path = path(system, start, (duration, steps), protocol, (first, last))?;
    let variances = if system.has_uniform_drives() { Some(path.variances(system, (first, last))?) } else { None };
    Ok(InertialMeans { work: path.work, heat: path.heat, variances, last: path.laws.last().cloned().unwrap_or_else(|| start.clone()) })
}

/// The law at every moment when the protocol moves, and what moves then.
struct Path {
    /// `laws[k]` at the start of slice `k`; one more at the end.
    laws: Vec<Gaussian>,
    /// Which of `slices` each is.
    kinds: Vec<usize>,
    slices: Vec<Slice>,
    /// Work of the move before slice `k`, and of the last one; `None` where nothing moves.
    moves: Vec<Option<Form>>,
    work: f64,
    heat: Vec<f64>,
}

/// The dynamics over a slice of time at fixed protocol values.
struct Slice {
    protocol: Vec<f64>,
    half: ExactStep,
    whole: ExactStep,
    /// Non-conservative forces `constant − stiffness·x`.
    drive: (DVector<f64>, DMatrix<f64>),
}

fn path(
    system: &System,
    start: &Gaussian,
    (duration, steps): (f64, u64),
    protocol: &dyn Fn(f64) -> Vec<f64>,
    (first, last): (&[f64], &[f64]),
) -> Result<Path, ExactError> {
    let moves = first != last || (0..64).any(|k| protocol(duration * (f64::from(k) + 0.5) / 64.0) != first);
    let radians = duration * dynamics(system, first)?.drift.norm();
    let wanted = ((SLICES_PER_RADIAN * radians).min(MOST_SLICES as f64) as u64).max(if moves { SLICES } else { 64 });
    // Whole slices a step, or whole steps a slice: jumps of the protocol fall between slices.
    let slices =
        if steps <= wanted { steps * (wanted / steps).max(1) } else { (wanted.min(steps)..=steps).find(|n| steps.is_multiple_of(*n)).unwrap_or(steps) };
    let length = duration / slices as f64;
    let mut path = Path { laws: vec![start.clone()], kinds: Vec::new(), slices: Vec::new(), moves: Vec::new(), work: 0.0, heat: vec![0.0; system.dimension()] };
    let mut before = first.to_vec();
    for n in 0..slices {
        let now = if moves { protocol((n as f64 + 0.5) * length) } else { before.clone() };
        path.move_protocol(system, &before, &now)?;
        if path.slices.last().is_none_or(|slice| slice.protocol != now) {
            path.slices.push(Slice::new(system, &now, length)?);
        }
        path.advance(system, length)?;
        before = now;
    }
    path.move_protocol(system, &before, last)?;
    Ok(path)
}

/// Linear dynamics of coordinates and velocities.
pub(super) fn dynamics(system: &System, protocol: &[f64]) -> Result<LinearDynamics, ExactError> {
    let force = system.linear_force(protocol).ok_or(ExactError::NotQuadratic { difference: f64::NAN })?;
    LinearDynamics::with_inertia(&force.stiffness, &force.constant, &system.friction, &system.temperature, &system.mass)
}

/// The potential energy as a form of the state.
fn potential(system: &System, protocol: &[f64]) -> Result<Form, ExactError> {
    let (d, n) = (system.dimension(), system.state_dimension());
    let quadratic = Quadratic::of(d, &|x| system.potential(x, protocol))?;
    let mut form = Form { constant: quadratic.constant, linear: DVector::zeros(n), quadratic: DMatrix::zeros(n, n) };
    form.linear.rows_mut(0, d).copy_from(&(-quadratic.force));
    form.quadratic.view_mut((0, 0), (d, d)).copy_from(&quadratic.stiffness);
    Ok(form)
}

/// Potential and kinetic energy as a form of the state.
fn energy(system: &System, protocol: &[f64]) -> Result<Form, ExactError> {
    let mut form = potential(system, protocol)?;
    for (i, mass) in system.mass.iter().enumerate() {
        let v = system.dimension() + i;
        form.quadratic[(v, v)] = *mass;
    }
    Ok(form)
}

impl Slice {
    fn new(system: &System, protocol: &[f64], length: f64) -> Result<Self, ExactError> {
        let d = system.dimension();
        let dynamics = dynamics(system, protocol)?;
        let origin = vec![0.0; d];
        let constant = DVector::from_fn(d, |i, _| system.drive(i, &origin, protocol));
        let stiffness = DMatrix::from_fn(d, d, |i, j| {
            let mut unit = origin.clone();
            unit[j] = 1.0;
            constant[i] - system.drive(i, &unit, protocol)
        });
        Ok(Self { protocol: protocol.to_vec(), half: dynamics.step(0.5 * length)?, whole: dynamics.step(length)?, drive: (constant, stiffness) })
    }
}

impl Path {
    fn move_protocol(&mut self, system: &System, before: &[f64], now: &[f64]) -> Result<(), ExactError> {
        let form = if before == now { None } else { Some(potential(system, now)?.plus(&potential(system, before)?.scaled(-1.0))) };
        if let (Some(form), Some(law)) = (&form, self.laws.last()) {
            self.work += form.mean(law);
        }
        self.moves.push(form);
        Ok(())
    }

    /// Through one slice of the latest kind; heat and work of the drives by Simpson's rule.
    fn advance(&mut self, system: &System, length: f64) -> Result<(), ExactError> {
        let (Some(slice), Some(law)) = (self.slices.last(), self.laws.last()) else { return Ok(()) };
        let (middle, end) = (law.after(&slice.half)?, law.after(&slice.whole)?);
        for (law, weight) in [(law, 1.0), (&middle, 4.0), (&end, 1.0)] {
            let (heat, work) = rates(system, slice, law);
            let factor = weight * length / 6.0;
            self.heat.iter_mut().zip(heat).for_each(|(sum, rate)| *sum += factor * rate);
            self.work += factor * work;
        }
        self.kinds.push(self.slices.len() - 1);
        self.laws.push(end);
        Ok(())
    }

    /// Cumulants of `at_start(z_0) + factor·work + at_end(z_τ)`.
    fn functional(&self, at_start: Option<&Form>, factor: f64, at_end: Option<&Form>) -> Functional {
        let n = self.laws[0].mean().len();
        let mut sum = Functional::new(n);
        let add = |sum: &mut Functional, form: Option<&Form>, law: &Gaussian| form.into_iter().for_each(|form| sum.add(form, law));
        add(&mut sum, at_start, &self.laws[0]);
        for (k, kind) in self.kinds.iter().enumerate() {
            let slice = &self.slices[*kind];
            let pushed = slice.drive.0.iter().any(|f| *f != 0.0) && factor != 0.0;
            // A constant force does the work f·(x' − x) over the slice.
            let push = |sign: f64| {
                let mut linear = DVector::zeros(n);
                linear.rows_mut(0, slice.drive.0.len()).copy_from(&(&slice.drive.0 * (sign * factor)));
                Form { constant: 0.0, linear, quadratic: DMatrix::zeros(n, n) }
            };
            let moved = self.moves[k].as_ref().filter(|_| factor != 0.0).map(|form| form.scaled(factor));
            add(&mut sum, moved.as_ref(), &self.laws[k]);
            if pushed {
                add(&mut sum, Some(&push(-1.0)), &self.laws[k]);
            }
            sum.advance(&slice.whole);
            if pushed {
                add(&mut sum, Some(&push(1.0)), &self.laws[k + 1]);
            }
        }
        let end = &self.laws[self.kinds.len()];
        let moved = self.moves.last().and_then(Option::as_ref).filter(|_| factor != 0.0).map(|form| form.scaled(factor));
        add(&mut sum, moved.as_ref(), end);
        add(&mut sum, at_end, end);
        sum
    }

    fn variances(&self, system: &System, (first, last): (&[f64], &[f64])) -> Result<Variances, ExactError> {
        let (before, after) = (energy(system, first)?, energy(system, last)?);
        let n = system.state_dimension();
        let entropy_total = system.single_temperature().map(|temperature| {
            let start = before.scaled(1.0 / temperature).plus(&Form::surprise(&self.laws[0]).scaled(-1.0));
            let end = after.scaled(-1.0 / temperature).plus(&Form::surprise(&self.laws[self.kinds.len()]));
            self.functional(Some(&start), 1.0 / temperature, Some(&end)).variance
        });
        let displacement = |i: usize| {
            let form = |sign: f64| Form { constant: 0.0, linear: DVector::from_fn(n, |k, _| if k == i { sign } else { 0.0 }), quadratic: DMatrix::zeros(n, n) };
            self.functional(Some(&form(-1.0)), 0.0, Some(&form(1.0))).variance
        };
        Ok(Variances {
            work: self.functional(None, 1.0, None).variance,
            heat: self.functional(Some(&before), 1.0, Some(&after.scaled(-1.0))).variance,
            energy_change: self.functional(Some(&before.scaled(-1.0)), 0.0, Some(&after)).variance,
            entropy_total,
            displacement: (0..system.dimension()).map(displacement).collect(),
        })
    }
}

/// Mean rates of heat to the bath of each coordinate, `(γ/m)(m⟨v²⟩ − T)`, and of the work of all drives, `⟨f·v⟩`.
fn rates(system: &System, slice: &Slice, law: &Gaussian) -> (Vec<f64>, f64) {
    let d = system.dimension();
    let (mean, covariance) = (law.mean(), law.covariance());
    let square = |i: usize, j: usize| covariance[(i, j)] + mean[i] * mean[j];
    let heat = |i: usize| system.friction[i] / system.mass[i] * (system.mass[i] * square(d + i, d + i) - system.temperature[i]);
    let (constant, stiffness) = &slice.drive;
    let work = |i: usize| constant[i] * mean[d + i] - (0..d).map(|j| stiffness[(i, j)] * square(j, d + i)).sum::<f64>();
    ((0..d).map(heat).collect(), (0..d).map(work).sum())
}

/// A law of the coordinates with velocities that are thermal, independent and of mean 0.
pub(super) fn thermal(system: &System, positions: Law) -> Law {
    let deviation: Vec<f64> = system.temperature.iter().zip(&system.mass).map(|(temperature, mass)| (temperature / mass).sqrt()).collect();
    let d = deviation.len();
    if let Law::Gaussian(law) = &positions {
        let mean = DVector::from_fn(2 * d, |i, _| if i < d { law.mean()[i] } else { 0.0 });
        let covariance = DMatrix::from_fn(2 * d, 2 * d, |i, j| match (i < d, j < d) {
            (true, true) => law.covariance()[(i, j)],
            (false, false) if i == j => deviation[i - d] * deviation[i - d],
            _ => 0.0,
        });
        if let Ok(whole) = Gaussian::new(mean, covariance) {
            return Law::Gaussian(whole);
        }
    }
    Law::Thermal { positions: Box::new(positions), deviation }
}

/// Stationary law of linear dynamics.
pub(super) fn stationary(system: &System, protocol: &[f64]) -> Result<Gaussian, ExactError> {
    dynamics(system, protocol)?.stationary()
}
