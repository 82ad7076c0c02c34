//! What underdamped dynamics adds to a plan: the choice of a scheme, masses and baths, and the exact step of coordinates and velocities together.

use nalgebra::{DMatrix, DVector};

use super::compile::{Compiler, protocol_at};
use super::error::PlanError;
use super::{Inertia, Integrator, LinearStep};
use crate::exact::ExactError;
use crate::exact::linear::LinearDynamics;
use crate::experiment::{Experiment, IntegratorChoice};
use crate::expression::{Function, Node, Symbol};
use crate::model::System;

/// The exact step keeps its path ledger by detailed balance: heat over the one temperature, which needs a force with a potential at fixed protocol.
fn exact_step_suits(system: &System) -> bool {
    system.is_linear() && system.has_uniform_drives() && system.single_temperature().is_some() && system.friction.iter().all(|&friction| friction > 0.0)
}

/// The scheme for an underdamped model.
pub(super) fn choose(experiment: &Experiment, system: &System) -> Result<Integrator, PlanError> {
    let refuse = |integrator, reason, advice| Err(PlanError::Integrator { integrator, reason, advice });
    match experiment.ensemble.integrator {
        IntegratorChoice::Auto | IntegratorChoice::ExactLinear if exact_step_suits(system) => Ok(Integrator::ExactLinear),
        IntegratorChoice::Auto | IntegratorChoice::Baoab => Ok(Integrator::Baoab),
        IntegratorChoice::Obabo => Ok(Integrator::Obabo),
        IntegratorChoice::Gjf => Ok(Integrator::Gjf),
        IntegratorChoice::ExactLinear => refuse(
            "exact-linear",
            "with velocities it needs linear forces on open coordinates that derive from a potential, and every coordinate in a bath of one temperature",
            "use \"auto\"",
        ),
        IntegratorChoice::EulerMaruyama => refuse("euler-maruyama", "it has no velocities", "use \"auto\""),
        IntegratorChoice::Heun => refuse("heun", "it has no velocities", "use \"auto\""),
        IntegratorChoice::WeakTaylor => refuse("weak-taylor", "it has no velocities", "use \"auto\""),
    }
}

impl Compiler<'_> {
    /// Masses and baths as numbers of a step.
    pub(super) fn inertia(&mut self, integrator: Integrator, system: &System) -> Result<Inertia, PlanError> {
        let d = self.model.coordinates.len();
        let graph = &mut self.graph;
        let dt = graph.symbol(Symbol::TimeStep);
        let (one, two) = (graph.constant(1.0), graph.constant(2.0));
        let half_step = graph.div(dt, two);
        let (drift, bath) = if integrator.has_bath_in_the_middle() { (half_step, dt) } else { (dt, half_step) };
        let mut nodes: [Vec<Node>; 5] = Default::default();
        for i in 0..d {
            let (mass, friction, temperature) = (self.model.mass[i], self.model.friction[i], self.model.temperature[i]);
            let kick = graph.div(half_step, mass);
            let rate = graph.div(friction, mass);
            let damping = if integrator == Integrator::Gjf {
                let loss = graph.mul(rate, half_step);
                let (left, whole) = (graph.sub(one, loss), graph.add(one, loss));
                graph.div(left, whole)
            } else {
                let exponent = graph.mul(rate, bath);
                let exponent = graph.neg(exponent);
                graph.call(Function::Exp, &[exponent])
            };
            let square = graph.mul(damping, damping);
            let lost = graph.sub(one, square);
            let thermal = graph.div(temperature, mass);
            let variance = graph.mul(lost, thermal);
            let noise = graph.call(Function::Sqrt, &[variance]);
            let half_mass = graph.div(mass, two);
            let ledger = match (integrator, system.friction[i] > 0.0) {
                (Integrator::ExactLinear, _) => graph.div(one, temperature),
                (_, true) => graph.div(half_mass, temperature),
                (_, false) => graph.constant(0.0),
            };
            for (list, node) in nodes.iter_mut().zip([kick, damping, noise, half_mass, ledger]) {
                list.push(node);
            }
        }
        let drift = self.slots.operand(&self.graph, drift)?;
        let mut operands = nodes.iter().map(|list| list.iter().map(|&node| self.slots.operand(&self.graph, node)).collect::<Result<Vec<_>, _>>());
        let mut next = || operands.next().unwrap_or_else(|| Ok(Vec::new()));
        Ok(Inertia { kick: next()?, drift, damping: next()?, noise: next()?, half_mass: next()?, ledger: next()? })
    }

    /// The exact step of coordinates and velocities; no matrices of a ledger.
    pub(super) fn inertial_step(&mut self, system: &System, table: &[Vec<f64>]) -> Result<LinearStep, PlanError> {
        let n = 2 * system.dimension();
        let rows = if self.moving.is_empty() { 1 } else { self.experiment.steps as usize };
        let mut values: Vec<Vec<f64>> = vec![Vec::with_capacity(rows); 2 * n * n + n];
        let mut cached = None;
        for row in 0..rows {
            let place = if self.moving.is_empty() { 0 } else { row + 1 };
            let entries = inertial_entries(system, &protocol_at(table, place), self.experiment.ensemble.dt, &mut cached)?;
            for (column, value) in values.iter_mut().zip(entries) {
                column.push(value);
            }
        }
        let operands = values.into_iter().map(|column| self.external(column)).collect::<Result<Vec<_>, _>>()?;
        let mut operands = operands.into_iter();
        let mut take = |count: usize| operands.by_ref().take(count).collect::<Vec<_>>();
        Ok(LinearStep { propagator: take(n * n), noise: take(n * n), offset: take(n), ledger_matrix: Vec::new(), ledger_vector: Vec::new(), forms: Vec::new() })
    }
}

/// The matrices of the exact step at one stiffness.
struct InertialMatrices {
    stiffness: DMatrix<f64>,
    propagator: DMatrix<f64>,
    factor: DMatrix<f64>,
    /// `c = offset · constant force`.
    offset: DMatrix<f64>,
}

impl InertialMatrices {
    fn new(system: &System, stiffness: DMatrix<f64>, dt: f64) -> Result<Self, ExactError> {
        let d = system.dimension();
        let step_with =
            |constant: &DVector<f64>| LinearDynamics::with_inertia(&stiffness, constant, &system.friction, &system.temperature, &system.mass)?.step(dt);
        let still = step_with(&DVector::zeros(d))?;
        let mut offset = DMatrix::zeros(2 * d, d);
        for j in 0..d {
            offset.set_column(j, &step_with(&DVector::from_fn(d, |i, _| if i == j { 1.0 } else { 0.0 }))?.offset);
        }
        let factor = still.noise_factor()?;
        Ok(Self { propagator: still.propagator, factor, offset, stiffness })
    }
}

/// `E`, `L`, `c` of a step at given protocol values, in this order; matrices are formed anew only when the stiffness changes.
fn inertial_entries(system: &System, protocol: &[f64], dt: f64, cached: &mut Option<InertialMatrices>) -> Result<Vec<f64>, PlanError> {
    let Some(force) = system.linear_force(protocol) else { return Ok(Vec::new()) };
    let n = 2 * system.dimension();
    let matrices = match cached.take() {
        Some(matrices) if matrices.stiffness == force.stiffness => matrices,
        _ => InertialMatrices::new(system, force.stiffness, dt)?,
    };
    let flat = |matrix: &DMatrix<f64>| (0..n * n).map(|k| matrix[(k / n, k % n)]).collect::<Vec<_>>();
    let offset = &matrices.offset * &force.constant;
    let entries = [flat(&matrices.propagator), flat(&matrices.factor), offset.as_slice().to_vec()].concat();
    *cached = Some(matrices);
    Ok(entries)
}
