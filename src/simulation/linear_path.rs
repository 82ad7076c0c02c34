//! The Gaussian law of linear dynamics along the protocol, and cumulants of what adds up on the way.

use nalgebra::{DMatrix, DVector};

use crate::exact::ExactError;
use crate::exact::equilibrium::Quadratic;
use crate::exact::flow::Flow;
use crate::exact::linear::{ExactStep, Gaussian, LinearDynamics};
use crate::exact::tilt::{Form, Functional};
use crate::experiment::Experiment;
use crate::model::System;

/// Time slices of a protocol that moves: about so many, and slices of a fast motion are this short.
const SLICES: u64 = 2048;
const FEWEST_SLICES: u64 = 64;
const MOST_SLICES: u64 = 8192;
const SLICES_PER_RADIAN: f64 = 12.0;
/// How far a law may be from a stationary one, relative to what flows.
const STATIONARY: f64 = 1e-9;

/// The law at every moment when the protocol moves, and what moves then.
pub(super) struct LinearPath<'a> {
    system: &'a System,
    /// `laws[k]` at the start of slice `k`; one more at the end.
    pub(super) laws: Vec<Gaussian>,
    /// Which of `slices` each is.
    pub(super) kinds: Vec<usize>,
    pub(super) slices: Vec<Slice>,
    /// What the move before slice `k` does to the energy, and the last one; `None` where nothing moves.
    pub(super) moves: Vec<Option<Form>>,
    /// Length of a slice.
    pub(super) length: f64,
    /// Whether all of it is one slice in a law that stays.
    steady: bool,
}

/// The dynamics over a slice of time at fixed protocol values.
pub(super) struct Slice {
    pub(super) protocol: Vec<f64>,
    dynamics: LinearDynamics,
    pub(super) half: ExactStep,
    pub(super) whole: ExactStep,
    /// Non-conservative forces `constant − stiffness·x`.
    pub(super) drive: (DVector<f64>, DMatrix<f64>),
}

/// One number for each coordinate, at given protocol values.
pub(super) type Factors<'a> = dyn Fn(&[f64]) -> Vec<f64> + 'a;

/// What adds up: forms at both ends, a factor of the work, and one of the heat to the bath of each coordinate.
#[derive(Clone, Default)]
pub(super) struct Sum<'a> {
    pub(super) start: Option<Form>,
    pub(super) work: f64,
    /// Factors at given protocol values.
    pub(super) heat: Option<&'a Factors<'a>>,
    pub(super) end: Option<Form>,
}

/// When the protocol moves: how long it is, its steps, values between two moves, and those before the first and after the last.
pub(super) struct Course<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) duration: f64,
    pub(super) steps: u64,
    /// Parts of equal length, whole steps each, at whose ends something is to be known.
    pub(super) parts: u64,
    pub(super) ends: (Vec<f64>, Vec<f64>),
}

impl Course<'_> {
    fn moves(&self) -> bool {
        let (first, last) = &self.ends;
        first != last || self.moves_inside() || self.experiment.protocol_at(0.5 * self.duration) != *first
    }

    /// Whether the protocol moves but at its very ends.
    fn moves_inside(&self) -> bool {
        let at = |k: u32| self.experiment.protocol_at(self.duration * (f64::from(k) + 0.5) / 64.0);
        let first = at(0);
        (1..64).any(|k| at(k) != first)
    }

    /// Whole slices a step, or whole steps a slice and whole slices a part: jumps of the protocol fall between slices. `rate` is that of the fastest motion.
    pub(super) fn slices(&self, rate: f64) -> u64 {
        let wanted = ((SLICES_PER_RADIAN * self.duration * rate).min(MOST_SLICES as f64) as u64).max(if self.moves_inside() { SLICES } else { FEWEST_SLICES });
        let steps = self.steps;
        if steps <= wanted {
            steps * (wanted / steps).max(1)
        } else {
            (wanted.min(steps)..=steps).find(|n| steps.is_multiple_of(*n) && n.is_multiple_of(self.parts)).unwrap_or(steps)
        }
    }

    /// Protocol values before the first slice, in the middle of each, and after the last: `[variable][0..=slices + 1]`, as the table of a plan.
    pub(super) fn table(&self, slices: u64) -> Vec<Vec<f64>> {
        let middle = |n: u64| self.experiment.protocol_at((n as f64 + 0.5) * self.duration / slices as f64);
        let rows: Vec<Vec<f64>> = std::iter::once(self.ends.0.clone()).chain((0..slices).map(middle)).chain(std::iter::once(self.ends.1.clone())).collect();
        (0..self.ends.0.len()).map(|variable| rows.iter().map(|row| row[variable]).collect()).collect()
    }
}

/// Linear dynamics of the state at given protocol values.
pub(super) fn dynamics(system: &System, protocol: &[f64]) -> Result<LinearDynamics, ExactError> {
    let force = system.linear_force(protocol).ok_or(ExactError::NotQuadratic { difference: f64::NAN })?;
    if system.is_underdamped() {
        return LinearDynamics::with_inertia(&force.stiffness, &force.constant, &system.friction, &system.temperature, &system.mass);
    }
    let origin = vec![0.0; system.dimension()];
    let each = |value: &dyn Fn(usize) -> f64| (0..system.dimension()).map(value).collect::<Vec<f64>>();
    let (friction, temperature) = (each(&|i| system.friction_at(i, &origin, protocol)), each(&|i| system.temperature_at(i, &origin, protocol)));
    LinearDynamics::of_forces(&force.stiffness, &force.constant, &friction, &temperature)
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
pub(super) fn energy(system: &System, protocol: &[f64]) -> Result<Form, ExactError> {
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
        let (half, whole) = (dynamics.step(0.5 * length)?, dynamics.step(length)?);
        Ok(Self { protocol: protocol.to_vec(), dynamics, half, whole, drive: (constant, stiffness) })
    }

    /// Work of the drives times a factor, and heat to the bath of each coordinate times its own: `F_i ∘ dx_i`, with inertia less `m v_i ∘ dv_i`.
    fn flow(&self, system: &System, work: f64, heat: Option<Vec<f64>>) -> Option<Flow> {
        let (d, n) = (system.dimension(), system.state_dimension());
        let driven = work != 0.0 && (self.drive.0.amax() > 0.0 || self.drive.1.amax() > 0.0);
        if heat.is_none() && !driven {
            return None;
        }
        let (mut constant, mut matrix) = (DVector::zeros(n), DMatrix::zeros(n, n));
        constant.rows_mut(0, d).copy_from(&(&self.drive.0 * work));
        matrix.view_mut((0, 0), (d, d)).copy_from(&(&self.drive.1 * -work));
        if let Some(factors) = heat {
            let force = system.linear_force(&self.protocol)?;
            for (i, factor) in factors.iter().enumerate().filter(|(_, factor)| **factor != 0.0) {
                constant[i] += factor * force.constant[i];
                (0..d).for_each(|j| matrix[(i, j)] -= factor * force.stiffness[(i, j)]);
                if let Some(mass) = system.mass.get(i) {
                    matrix[(d + i, d + i)] -= factor * mass;
                }
            }
        }
        Some(Flow::new(&self.dynamics, constant, matrix))
    }
}

impl<'a> LinearPath<'a> {
    /// Follows the law from `start`.
    pub(super) fn new(system: &'a System, start: &Gaussian, course: &Course<'_>) -> Result<Self, ExactError> {
        let (first, last) = &course.ends;
        let moves = course.moves();
        let begin = dynamics(system, first)?;
        let steady = !moves && is_stationary(&begin, start);
        let slices = if steady { 1 } else { course.slices(begin.drift.norm()) };
        let length = course.duration / slices as f64;
        let mut path = Self { system, laws: vec![start.clone()], kinds: Vec::new(), slices: Vec::new(), moves: Vec::new(), length, steady };
        let mut before = first.clone();
        for n in 0..slices {
            let now = if moves { course.experiment.protocol_at((n as f64 + 0.5) * length) } else { before.clone() };
            path.move_protocol(&before, &now)?;
            if path.slices.last().is_none_or(|slice| slice.protocol != now) {
                path.slices.push(Slice::new(system, &now, length)?);
            }
            if let (Some(slice), Some(law)) = (path.slices.last(), path.laws.last()) {
                let end = law.after(&slice.whole)?;
                path.laws.push(end);
            }
            path.kinds.push(path.slices.len() - 1);
            before = now;
        }
        path.move_protocol(&before, last)?;
        Ok(path)
    }

    fn move_protocol(&mut self, before: &[f64], now: &[f64]) -> Result<(), ExactError> {
        let change = || potential(self.system, before).and_then(|before| Ok(potential(self.system, now)?.plus(&before.scaled(-1.0))));
        self.moves.push(if before == now { None } else { Some(change()?) });
        Ok(())
    }

    /// Mean energy that the move of the protocol before slice `k` brings, or the last one.
    pub(super) fn mean_of_move(&self, k: usize) -> f64 {
        self.moves[k].as_ref().map_or(0.0, |form| form.mean(&self.laws[k]))
    }

    /// The law at the end.
    pub(super) fn last(&self) -> &Gaussian {
        &self.laws[self.kinds.len()]
    }

    /// Whether the work of the moves is Gaussian: none stretches the potential.
    pub(super) fn is_rigid(&self) -> bool {
        self.moves.iter().flatten().all(|form| form.quadratic.amax() <= 1e-12 * (1.0 + form.linear.amax()))
    }

    /// Cumulants of a sum; `None` where a flow in a steady state has no law.
    pub(super) fn functional(&self, sum: &Sum<'_>) -> Result<Option<Functional>, ExactError> {
        let mut total = Functional::new(self.laws[0].mean().len());
        let add = |total: &mut Functional, form: Option<&Form>, law: &Gaussian| form.into_iter().for_each(|form| total.add(form, law));
        let moved = |k: usize| self.moves[k].as_ref().filter(|_| sum.work != 0.0).map(|form| form.scaled(sum.work));
        add(&mut total, sum.start.as_ref(), &self.laws[0]);
        let mut flow: (usize, Option<Flow>) = (usize::MAX, None);
        for (k, kind) in self.kinds.iter().enumerate() {
            let slice = &self.slices[*kind];
            add(&mut total, moved(k).as_ref(), &self.laws[k]);
            if flow.0 != *kind {
                flow = (*kind, slice.flow(self.system, sum.work, sum.heat.map(|factors| factors(&slice.protocol))));
            }
            match &flow.1 {
                None => total.advance(&slice.whole),
                Some(flow) if self.steady => {
                    if total.flow_steadily(flow, &slice.dynamics, &self.laws[0], &slice.whole, self.length).is_none() {
                        return Ok(None);
                    }
                }
                Some(flow) => total.flow(flow, &slice.dynamics, [&self.laws[k], &self.laws[k].after(&slice.half)?, &self.laws[k + 1]], self.length),
            }
        }
        add(&mut total, moved(self.kinds.len()).as_ref(), self.last());
        add(&mut total, sum.end.as_ref(), self.last());
        Ok(Some(total))
    }

    /// Mean and variance per time of heat, in a steady state.
    pub(super) fn rates(&self, heat: &Factors<'_>) -> Option<(f64, f64)> {
        let slice = self.slices.first().filter(|_| self.steady)?;
        slice.flow(self.system, 0.0, Some(heat(&slice.protocol)))?.rates(&slice.dynamics, &self.laws[0])
    }

    /// The slowest rate of relaxation, in a steady state.
    pub(super) fn relaxation_rate(&self) -> Option<f64> {
        Some(self.slices.first().filter(|_| self.steady)?.dynamics.relaxation_rate())
    }
}

fn is_stationary(dynamics: &LinearDynamics, law: &Gaussian) -> bool {
    let turned = &dynamics.drift * law.covariance();
    let noise = DMatrix::from_diagonal(&(&dynamics.diffusion * 2.0));
    let lasting = (&turned + turned.transpose() - &noise).amax() <= STATIONARY * turned.amax();
    let size = dynamics.offset.amax() + dynamics.drift.amax() * law.covariance().diagonal().max().sqrt();
    lasting && (&dynamics.offset - &dynamics.drift * law.mean()).amax() <= STATIONARY * size
}
