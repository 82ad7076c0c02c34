//! The Gaussian law of linear dynamics along the protocol, and cumulants of what adds up on the way.

use nalgebra::{DMatrix, DVector};

use crate::exact::ExactError;
use crate::exact::equilibrium::Quadratic;
use crate::exact::flow::Flow;
use crate::exact::linear::{ExactStep, Gaussian, LinearDynamics};
use crate::exact::tilt::{Form, Functional};
use crate::experiment::{Experiment, Piece};
use crate::model::System;

/// How far a law may be from a stationary one, relative to what flows.
const STATIONARY: f64 = 1e-9;
/// Fewest slices of a staircase, and most; of a long state fewer, so that they take about so many multiplications.
const FEWEST_SLICES: usize = 8;
const MOST_SLICES: usize = 16_384;
const FEWEST_OF_LONG: usize = 1024;
const MOST_WORK: usize = 1 << 23;

/// The law at every moment when the protocol moves, and what moves then: a staircase of protocol values, on each of which the law evolves exactly.
pub(super) struct LinearPath<'a> {
    system: &'a System,
    /// Protocol values before the first move and after the last.
    pub(super) ends: (Vec<f64>, Vec<f64>),
    /// `laws[k]` at the start of slice `k`; one more at the end.
    pub(super) laws: Vec<Gaussian>,
    /// Which of `slices` each is.
    pub(super) kinds: Vec<usize>,
    pub(super) slices: Vec<Slice>,
    /// What the move before slice `k` does to the energy, and the last one; `None` where nothing moves.
    moves: Vec<Option<Form>>,
    /// Whether all of it is one slice in a law that stays.
    pub(super) steady: bool,
}

/// The dynamics over a slice of time at fixed protocol values.
pub(super) struct Slice {
    pub(super) protocol: Vec<f64>,
    pub(super) length: f64,
    pub(super) dynamics: LinearDynamics,
    whole: ExactStep,
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

/// When the protocol moves: for how long, between which pieces, and its values before the first move and after the last.
pub(super) struct Course<'a> {
    experiment: &'a Experiment,
    pub(super) duration: f64,
    pieces: Vec<Piece>,
    ends: (Vec<f64>, Vec<f64>),
}

/// Protocol values that stand still for a time.
pub(super) struct Stair {
    pub(super) protocol: Vec<f64>,
    pub(super) length: f64,
}

impl<'a> Course<'a> {
    pub(super) fn new(experiment: &'a Experiment, duration: f64, ends: (Vec<f64>, Vec<f64>)) -> Self {
        Self { experiment, duration, pieces: experiment.pieces(duration), ends }
    }

    /// The same with more cuts, at moments in the order of time.
    pub(super) fn cut_at(&self, times: &[f64]) -> Self {
        let cut = |piece: &Piece| {
            let apart = 1e-9 * self.duration;
            let inner = times.iter().copied().filter(|time| *time > piece.start + apart && *time < piece.end - apart);
            let ends: Vec<f64> = std::iter::once(piece.start).chain(inner).chain(std::iter::once(piece.end)).collect();
            ends.windows(2).map(|pair| Piece { start: pair[0], end: pair[1], moves: piece.moves }).collect::<Vec<Piece>>()
        };
        Self { pieces: self.pieces.iter().flat_map(cut).collect(), ends: self.ends.clone(), ..*self }
    }

    /// About so many slices in all, as slices a piece.
    pub(super) fn slices(&self, all: usize) -> usize {
        all.div_ceil(self.pieces.len())
    }

    fn moves(&self) -> bool {
        let (first, last) = &self.ends;
        first != last || self.pieces.iter().any(|piece| piece.moves || self.middle(piece) != *first)
    }

    fn middle(&self, piece: &Piece) -> Vec<f64> {
        self.experiment.protocol_at(0.5 * (piece.start + piece.end))
    }

    /// From how few slices a piece to how many its limit is looked for.
    pub(super) fn fineness(&self, system: &System) -> (usize, usize) {
        let most = (MOST_WORK / system.state_dimension().pow(3)).clamp(FEWEST_OF_LONG, MOST_SLICES);
        let pieces = self.pieces.len();
        ((FEWEST_SLICES / pieces).max(1), (most / pieces).max(1))
    }

    /// The staircase of so many slices a piece, in which the protocol has its value in the middle of each. Errors of what follows it have even powers of their
    /// length alone. Where nothing moves, slices grow from what relaxes fastest.
    pub(super) fn staircase(&self, system: &System, fineness: usize) -> Result<Vec<Stair>, ExactError> {
        let mut stairs = Vec::with_capacity(self.pieces.len() * fineness);
        for piece in &self.pieces {
            let (protocol, length) = (self.middle(piece), piece.end - piece.start);
            let growth = if piece.moves { 0.0 } else { (length * dynamics(system, &protocol)?.drift.norm()).ln_1p() };
            let place = |k: usize| {
                let part = k as f64 / fineness as f64;
                length * if growth > 1e-3 { (growth * part).exp_m1() / growth.exp_m1() } else { part }
            };
            for k in 0..fineness {
                let (start, end) = (place(k), place(k + 1));
                let protocol = if piece.moves { self.experiment.protocol_at(piece.start + 0.5 * (start + end)) } else { protocol.clone() };
                stairs.push(Stair { protocol, length: end - start });
            }
        }
        Ok(stairs)
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
    pub(super) fn new(system: &System, stair: &Stair) -> Result<Self, ExactError> {
        let dynamics = dynamics(system, &stair.protocol)?;
        Ok(Self { protocol: stair.protocol.clone(), length: stair.length, whole: dynamics.step(stair.length)?, dynamics })
    }

    /// Work of the drives times a factor, and heat to the bath of each coordinate times its own: `F_i ∘ dx_i`, with inertia less `m v_i ∘ dv_i`.
    fn flow(&self, system: &System, work: f64, heat: Option<Vec<f64>>) -> Option<Flow> {
        let (d, n) = (system.dimension(), system.state_dimension());
        let drive = system.linear_drive(&self.protocol);
        let driven = work != 0.0 && (drive.constant.amax() > 0.0 || drive.stiffness.amax() > 0.0);
        if heat.is_none() && !driven {
            return None;
        }
        let (mut constant, mut matrix) = (DVector::zeros(n), DMatrix::zeros(n, n));
        constant.rows_mut(0, d).copy_from(&(&drive.constant * work));
        matrix.view_mut((0, 0), (d, d)).copy_from(&(&drive.stiffness * -work));
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
    /// Follows the law from `start` along a staircase of so many slices a piece; in one, where it stays as it is.
    pub(super) fn new(system: &'a System, start: &Gaussian, course: &Course<'_>, fineness: usize) -> Result<Self, ExactError> {
        let (first, last) = &course.ends;
        let steady = !course.moves() && is_stationary(&dynamics(system, first)?, start);
        let stairs = if steady { vec![Stair { protocol: first.clone(), length: course.duration }] } else { course.staircase(system, fineness)? };
        let ends = course.ends.clone();
        let mut path = Self { system, ends, laws: vec![start.clone()], kinds: Vec::new(), slices: Vec::new(), moves: Vec::new(), steady };
        let mut before = first;
        for stair in &stairs {
            path.move_protocol(before, &stair.protocol)?;
            if path.slices.last().is_none_or(|slice| slice.protocol != stair.protocol || slice.length != stair.length) {
                path.slices.push(Slice::new(system, stair)?);
            }
            if let (Some(slice), Some(law)) = (path.slices.last(), path.laws.last()) {
                let end = law.after(&slice.whole)?;
                path.laws.push(end);
            }
            path.kinds.push(path.slices.len() - 1);
            before = &stair.protocol;
        }
        path.move_protocol(before, last)?;
        Ok(path)
    }

    fn move_protocol(&mut self, before: &[f64], now: &[f64]) -> Result<(), ExactError> {
        let change = || potential(self.system, before).and_then(|before| Ok(potential(self.system, now)?.plus(&before.scaled(-1.0))));
        self.moves.push(if before == now { None } else { Some(change()?) });
        Ok(())
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
                    if total.flow_steadily(flow, &slice.dynamics, &self.laws[0], &slice.whole, slice.length).is_none() {
                        return Ok(None);
                    }
                }
                Some(flow) => total.flow(flow, &slice.dynamics, [&self.laws[k], &self.laws[k + 1]], &slice.whole, slice.length),
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
