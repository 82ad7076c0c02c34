//! The numbers of the exact linear step.

use nalgebra::{DMatrix, DVector};
use serde::Serialize;

use super::compile::{Compiler, TABLE_LIMIT, protocol_at};
use super::error::PlanError;
use super::{Column, circulation_pairs};
use crate::exact::ExactError;
use crate::exact::bridge::{Bridge, BridgeForm, reversed_ledger};
use crate::exact::linear::{ExactStep, LinearDynamics};
use crate::expression::{CompileError, Operand};
use crate::model::{LinearForce, System};

/// The exact step `x' = E x + c + L z` and its path ledger `Δs = Δx·(h − G (x + x')/2)`; matrices row-major, `d × d`.
#[derive(Clone, Debug, Serialize)]
pub struct LinearStep {
    /// `E`.
    pub propagator: Vec<Operand>,
    /// `c`.
    pub offset: Vec<Operand>,
    /// `L`, lower triangular (entries above the diagonal are unused).
    pub noise: Vec<Operand>,
    /// `G = (1+E)ᵀ Σ⁻¹ (1−E)`, `Σ = L Lᵀ`; empty where a form keeps the path ledger.
    pub ledger_matrix: Vec<Operand>,
    /// `h = (1+E)ᵀ Σ⁻¹ c`; empty where a form keeps the path ledger.
    pub ledger_vector: Vec<Operand>,
    /// What the path between the ends of a step adds to sums formed at the middle.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forms: Vec<StepForm>,
}

/// `constant + Σ q v_a v_b`, added to path sums. The variables are the displacements (`0..d`), the forces at the middle of the step (`d..2d`) and, where
/// something is odd, the forces of motion backwards there (`2d..3d`).
#[derive(Clone, Debug, Serialize)]
pub struct StepForm {
    /// The constant.
    pub constant: Operand,
    /// `(a, b, q)` with `a ≤ b`, in order of `a`.
    pub terms: Vec<(u16, u16, Operand)>,
    /// The sums, and with which weight the form is added to each.
    pub shares: Vec<(Column, Operand)>,
}

/// Terms of a correction that are smaller than this part of its largest are left out: they belong to coordinates far away in a chain.
const FAR: f64 = 1e-8;
/// The same for a path ledger, which is exact: only what rounding made of zeros.
const ROUNDED: f64 = 1e-14;

/// Forces and baths that the protocol may change, without constant forces.
#[derive(PartialEq)]
struct Kind {
    stiffness: DMatrix<f64>,
    back: DMatrix<f64>,
    friction: Vec<f64>,
    temperature: Vec<f64>,
}

impl Kind {
    fn of(system: &System, protocol: &[f64], force: &LinearForce, back: &LinearForce) -> Self {
        let d = system.dimension();
        let origin = vec![0.0; d];
        Self {
            stiffness: force.stiffness.clone(),
            back: back.stiffness.clone(),
            friction: (0..d).map(|i| system.friction_at(i, &origin, protocol)).collect(),
            temperature: (0..d).map(|i| system.temperature_at(i, &origin, protocol)).collect(),
        }
    }

    fn dynamics(&self, stiffness: &DMatrix<f64>) -> Result<LinearDynamics, ExactError> {
        LinearDynamics::of_forces(stiffness, &DVector::zeros(self.friction.len()), &self.friction, &self.temperature)
    }

    /// Slopes of the irreversible force.
    fn irreversible(&self, i: usize, j: usize) -> f64 {
        0.5 * (self.stiffness[(i, j)] + self.back[(i, j)])
    }

    /// Whether the steps obey detailed balance: sums at the middle of the step then have the right mean.
    fn balances(&self) -> bool {
        let close = (&self.stiffness - self.stiffness.transpose()).amax() <= 1e-12 * self.stiffness.amax();
        close && self.stiffness == self.back && self.temperature.iter().all(|temperature| *temperature == self.temperature[0])
    }

    /// Whether two coordinates share a bath and act on each other alike: what one gets too much the other gets too little.
    fn exchanges(&self, i: usize, j: usize) -> bool {
        self.temperature[i] == self.temperature[j] && self.irreversible(i, j) == self.irreversible(j, i)
    }
}

/// The matrices of the exact step of a kind.
struct Matrices {
    step: ExactStep,
    factor: DMatrix<f64>,
    /// `G` and `H` in `h = H a`.
    ledger: Option<(DMatrix<f64>, DMatrix<f64>)>,
    forms: Vec<Form>,
}

/// A form and its shares, of the same columns for all kinds.
struct Form {
    form: BridgeForm,
    shares: Vec<(Column, f64)>,
    negligible: f64,
}

/// Which forms a step needs.
struct Needs {
    pairs: Vec<(usize, usize)>,
    circulations: Vec<(u16, u16)>,
    odd: bool,
    medium: bool,
}

impl Needs {
    fn of(kinds: &[Kind], circulations: Vec<(u16, u16)>, system: &System) -> Self {
        let (d, odd) = (system.dimension(), system.has_odd_variables());
        let wanted = |i: usize, j: usize| {
            let heats = kinds.iter().any(|kind| (kind.irreversible(i, j) != 0.0 || kind.irreversible(j, i) != 0.0) && !kind.exchanges(i, j));
            heats || circulations.contains(&(i as u16, j as u16))
        };
        let all = || (0..d).flat_map(|i| (i + 1..d).map(move |j| (i, j)));
        let pairs = if kinds.iter().all(Kind::balances) { Vec::new() } else { all().filter(|&(i, j)| wanted(i, j)).collect() };
        Self { pairs, circulations, odd, medium: system.sums_medium_entropy() }
    }
}

impl Matrices {
    fn new(kind: &Kind, dt: f64, needs: &Needs) -> Result<Self, ExactError> {
        let dynamics = kind.dynamics(&kind.stiffness)?;
        let step = dynamics.step(dt)?;
        let ledger = if needs.odd { None } else { Some(step.ledger()?).map(|ledger| (ledger.matrix, ledger.response)) };
        let forms = if needs.odd || !needs.pairs.is_empty() { forms(kind, &dynamics, &step, dt, needs)? } else { Vec::new() };
        Ok(Self { factor: step.noise_factor()?, step, ledger, forms })
    }
}

fn forms(kind: &Kind, dynamics: &LinearDynamics, step: &ExactStep, dt: f64, needs: &Needs) -> Result<Vec<Form>, ExactError> {
    let bridge = Bridge::new(dynamics, dt)?;
    let d = kind.friction.len();
    let variables = if needs.odd { 3 * d } else { 2 * d };
    // From the variables of a form to those of the plan.
    let with = |form: BridgeForm, rows: &dyn Fn(usize, usize) -> f64| {
        let map = DMatrix::from_fn(form.matrix.nrows(), variables, rows);
        BridgeForm { constant: form.constant, matrix: map.transpose() * form.matrix * map }
    };
    // Displacements stay; a drift is a force over its friction.
    let drift = |row: usize, column: usize| {
        if row != column {
            0.0
        } else if row < d {
            1.0
        } else {
            1.0 / kind.friction[row % d]
        }
    };
    let mut all = Vec::new();
    for &(i, j) in &needs.pairs {
        let (onto_i, onto_j) = (kind.irreversible(i, j), kind.irreversible(j, i));
        let heat = if kind.exchanges(i, j) { 0.0 } else { 1.0 };
        let mut shares = vec![(Column::Heat(i as u16), -heat * onto_i), (Column::Heat(j as u16), heat * onto_j), (Column::Work, onto_j - onto_i)];
        if needs.medium {
            shares.push((Column::EntropyMedium, onto_j / kind.temperature[j] - onto_i / kind.temperature[i]));
        }
        if needs.circulations.contains(&(i as u16, j as u16)) {
            shares.push((Column::Circulation(i as u16, j as u16), -1.0));
        }
        all.push(Form { form: with(bridge.loop_form(i, j), &drift), shares, negligible: FAR });
    }
    for i in (0..d).filter(|_| needs.odd) {
        let row = |sign: f64, scale: f64| DVector::from_fn(d, |j, _| 0.5 * scale * (kind.stiffness[(i, j)] + sign * kind.back[(i, j)]));
        let form = bridge.product_form(&row(1.0, 1.0), &row(-1.0, 1.0 / kind.friction[i]));
        // Irreversible force and reversible drift at the middle are half sum and half difference.
        let halves = |row: usize, column: usize| match row.checked_sub(2 * d) {
            None => drift(row, column),
            Some(0) => 0.5 * f64::from(column == d + i || column == 2 * d + i),
            Some(_) => 0.5 / kind.friction[i] * (f64::from(column == d + i) - f64::from(column == 2 * d + i)),
        };
        let mut shares = vec![(Column::Heat(i as u16), -1.0), (Column::Work, -1.0)];
        if needs.medium {
            shares.push((Column::EntropyMedium, -1.0 / kind.temperature[i]));
        }
        all.push(Form { form: with(form, &halves), shares, negligible: FAR });
    }
    if needs.odd {
        let back = kind.dynamics(&kind.back)?.step(dt)?;
        all.push(Form { form: with(reversed_ledger(step, &back)?, &drift), shares: vec![(Column::EntropyPath, 1.0)], negligible: ROUNDED });
    }
    Ok(all)
}

/// The kinds along a protocol, which row is of which, and what a constant force does in every row.
struct Rows {
    kinds: Vec<Matrices>,
    kind_of: Vec<usize>,
    offset: Vec<DVector<f64>>,
    vector: Vec<DVector<f64>>,
    /// Typical sizes of the variables of forms.
    sizes: Vec<f64>,
}

impl Rows {
    fn new(system: &System, protocols: &[Vec<f64>], dt: f64, circulations: Vec<(u16, u16)>) -> Result<Self, PlanError> {
        let unsuited = || PlanError::Integrator { integrator: "exact-linear", reason: "the forces are not linear", advice: "use \"auto\"" };
        let (mut kinds, mut kind_of, mut drifts): (Vec<Kind>, Vec<usize>, Vec<DVector<f64>>) = Default::default();
        for protocol in protocols {
            let (force, back) = (system.linear_force(protocol).ok_or_else(unsuited)?, system.linear_back_force(protocol).ok_or_else(unsuited)?);
            let kind = Kind::of(system, protocol, &force, &back);
            drifts.push(DVector::from_fn(kind.friction.len(), |i, _| force.constant[i] / kind.friction[i]));
            // Protocols stay for a while, or go on: no need to look farther back than one row.
            if kinds.last() != Some(&kind) {
                kinds.push(kind);
            }
            kind_of.push(kinds.len() - 1);
        }
        let needs = Needs::of(&kinds, circulations, system);
        let matrices = kinds.iter().map(|kind| Matrices::new(kind, dt, &needs)).collect::<Result<Vec<_>, _>>()?;
        let of = |row: usize| &matrices[kind_of[row]];
        let rows = 0..protocols.len();
        let vector = |row: usize| of(row).ledger.as_ref().map_or_else(|| DVector::zeros(0), |(_, response)| response * &drifts[row]);
        let spread = matrices.first().map(|first| first.step.covariance.diagonal().map(f64::sqrt)).unwrap_or_else(|| DVector::zeros(0));
        let d = spread.len();
        let sizes = (0..3 * d).map(|k| if k < d { spread[k] } else { spread[k % d] * kinds[0].friction[k % d] / dt }).collect();
        Ok(Self {
            offset: rows.clone().map(|row| &of(row).step.integral * &drifts[row]).collect(),
            vector: rows.map(vector).collect(),
            kinds: matrices,
            kind_of,
            sizes,
        })
    }

    /// A number of every row that its kind decides.
    fn column(&self, value: &dyn Fn(&Matrices) -> f64) -> Vec<f64> {
        let values: Vec<f64> = self.kinds.iter().map(value).collect();
        self.kind_of.iter().map(|kind| values[*kind]).collect()
    }

    /// Pairs of variables that a form does not do without in some kind.
    fn terms(&self, form: usize) -> Vec<(usize, usize)> {
        let Some(first) = self.kinds.first().map(|kind| &kind.forms[form]) else { return Vec::new() };
        let n = first.form.matrix.nrows();
        let size = |matrices: &Matrices, (a, b): (usize, usize)| matrices.forms[form].form.matrix[(a, b)].abs() * self.sizes[a] * self.sizes[b];
        let all: Vec<(usize, usize)> = (0..n).flat_map(|a| (a..n).map(move |b| (a, b))).collect();
        let largest: Vec<f64> = self.kinds.iter().map(|kind| all.iter().map(|&term| size(kind, term)).fold(0.0, f64::max)).collect();
        let counts = |term: (usize, usize)| self.kinds.iter().zip(&largest).any(|(kind, largest)| size(kind, term) > first.negligible * largest);
        all.into_iter().filter(|&term| counts(term)).collect()
    }
}

impl Compiler<'_> {
    pub(super) fn linear_step(&mut self, system: &System, table: &[Vec<f64>]) -> Result<LinearStep, PlanError> {
        let d = system.dimension();
        let steps = self.experiment.steps as usize;
        let protocols: Vec<Vec<f64>> = if self.moving.is_empty() { vec![protocol_at(table, 0)] } else { (1..=steps).map(|n| protocol_at(table, n)).collect() };
        let rows = Rows::new(system, &protocols, self.experiment.ensemble.dt, circulation_pairs(&self.model.coordinates))?;
        let terms: Vec<Vec<(usize, usize)>> = (0..rows.kinds.first().map_or(0, |kind| kind.forms.len())).map(|form| rows.terms(form)).collect();
        if rows.kinds.len() > 1 {
            let entries = (3 * d * d + 2 * d + terms.iter().map(|terms| terms.len() + 6).sum::<usize>()) as u64 * protocols.len() as u64;
            if entries > TABLE_LIMIT {
                return Err(PlanError::ProtocolTable { entries, limit: TABLE_LIMIT });
            }
        }
        let entry = |matrix: &DMatrix<f64>, k: usize| matrix[(k / d, k % d)];
        let mut matrix = |value: &dyn Fn(&Matrices, usize) -> f64| -> Result<Vec<Operand>, CompileError> {
            (0..d * d).map(|k| self.external(rows.column(&|kind| value(kind, k)))).collect()
        };
        let propagator = matrix(&|kind, k| entry(&kind.step.propagator, k))?;
        let noise = matrix(&|kind, k| entry(&kind.factor, k))?;
        let plain = !system.has_odd_variables();
        let ledger_matrix = if plain { matrix(&|kind, k| kind.ledger.as_ref().map_or(0.0, |(ledger, _)| entry(ledger, k)))? } else { Vec::new() };
        let mut vector = |values: &[DVector<f64>]| -> Result<Vec<Operand>, CompileError> {
            (0..d).map(|i| self.external(values.iter().map(|values| values[i]).collect())).collect()
        };
        let offset = vector(&rows.offset)?;
        let ledger_vector = if plain { vector(&rows.vector)? } else { Vec::new() };
        let forms = terms.iter().enumerate().map(|(form, terms)| self.step_form(&rows, form, terms)).collect::<Result<Vec<_>, _>>()?;
        Ok(LinearStep { propagator, offset, noise, ledger_matrix, ledger_vector, forms })
    }

    fn step_form(&mut self, rows: &Rows, form: usize, terms: &[(usize, usize)]) -> Result<StepForm, CompileError> {
        let constant = self.external(rows.column(&|kind| kind.forms[form].form.constant))?;
        let term = |compiler: &mut Self, (a, b): (usize, usize)| {
            let factor = if a == b { 0.5 } else { 1.0 };
            Ok((a as u16, b as u16, compiler.external(rows.column(&|kind| factor * kind.forms[form].form.matrix[(a, b)]))?))
        };
        let terms = terms.iter().map(|&pair| term(self, pair)).collect::<Result<Vec<_>, CompileError>>()?;
        let mut shares = Vec::new();
        for (k, (column, _)) in rows.kinds[0].forms[form].shares.iter().enumerate() {
            let weights = rows.column(&|kind| kind.forms[form].shares[k].1);
            if weights.iter().any(|weight| *weight != 0.0) {
                shares.push((*column, self.external(weights)?));
            }
        }
        Ok(StepForm { constant, terms, shares })
    }
}
