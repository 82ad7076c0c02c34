//! One trajectory at a time in f64: formulas written out, bits and normals from the same counters.

use ness::maths::box_muller;
use ness::plan::{Boundary, Integrator, Plan, initial_state};
use ness::random::{Purpose, counter, key, philox};

use crate::models::{DT, FRICTION, Matrices, TEMPERATURE};

/// Total forces and non-conservative forces at a position, protocol value given.
pub(crate) type Forces = fn(&[f64], f64) -> (Vec<f64>, Vec<f64>);

/// What the plan was made from, as closures.
pub(crate) struct Reference<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) forces: Forces,
    /// `∂U/∂λ` at a position and protocol value.
    pub(crate) slope: fn(&[f64], f64) -> f64,
    /// Second and third derivative of `-U`, for the weak Taylor scheme.
    pub(crate) curvature: fn(f64) -> (f64, f64),
    pub(crate) protocol: fn(f64) -> f64,
    pub(crate) matrices: Option<&'a Matrices>,
}

/// A trajectory at its end.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) start: Vec<f64>,
    pub(crate) x: Vec<f64>,
    pub(crate) winding: Vec<i64>,
    pub(crate) work: f64,
    pub(crate) heat: Vec<f64>,
    pub(crate) path: f64,
    /// In the plane of the first two coordinates; 0 where one of them is periodic.
    pub(crate) area: f64,
}

impl Reference<'_> {
    pub(crate) fn run(&self, trajectory: u64) -> End {
        let d = self.plan.coordinates.len();
        let mut x = vec![0.0; d];
        initial_state(self.plan, trajectory, &mut x);
        let mut end = End { start: x.clone(), x, winding: vec![0; d], work: 0.0, heat: vec![0.0; d], path: 0.0, area: 0.0 };
        let resting = (self.protocol)(0.0);
        for n in 0..self.plan.relaxation_steps {
            self.step(&mut end, &self.normals(self.plan.stream.relaxation(), trajectory, n), resting);
        }
        end = End { start: end.x.clone(), winding: vec![0; d], work: 0.0, heat: vec![0.0; d], path: 0.0, area: 0.0, ..end };
        for n in 0..self.plan.schedule.steps {
            let (before, after) = ((self.protocol)(n as f64 * DT), (self.protocol)((n + 1) as f64 * DT));
            end.work += (self.slope)(&end.x, 0.5 * (before + after)) * (after - before);
            self.step(&mut end, &self.normals(self.plan.stream.noise(), trajectory, n), after);
        }
        end
    }

    fn normals(&self, purpose: Purpose, trajectory: u64, n: u64) -> Vec<f64> {
        let normal = |lane: usize| {
            let w = philox(counter(purpose, trajectory, lane as u8, n / 4), key(self.plan.seed));
            let (a, b) = (box_muller::<f64, true>(w[0], w[1]), box_muller::<f64, true>(w[2], w[3]));
            [a.0, a.1, b.0, b.1][(n % 4) as usize]
        };
        (0..self.plan.coordinates.len()).map(normal).collect()
    }

    fn step(&self, end: &mut End, z: &[f64], lambda: f64) {
        let before = end.x.clone();
        self.move_coordinates(end, z, lambda);
        if let ([x, y], [a, b]) = (before.as_slice(), end.x.as_slice())
            && self.plan.coordinates.iter().all(|coordinate| coordinate.boundary.period().is_none())
        {
            end.area += 0.5 * (x * b - y * a);
        }
    }

    fn move_coordinates(&self, end: &mut End, z: &[f64], lambda: f64) {
        match self.plan.dynamics.overdamped().expect("Langevin").integrator {
            Integrator::ExactLinear => self.step_exact_linear(end, z, lambda),
            _ => self.step_by_forces(end, z, lambda),
        }
    }

    fn step_by_forces(&self, end: &mut End, z: &[f64], lambda: f64) {
        let (mu, noise) = (DT / FRICTION, (2.0 * TEMPERATURE * DT / FRICTION).sqrt());
        let x = end.x.clone();
        let (force, drive) = (self.forces)(&x, lambda);
        let moments = |x: f64, force: f64| {
            let (first, second) = (self.curvature)(x);
            (mu * force + 0.5 * mu * mu * (force * first + TEMPERATURE * second), noise * (1.0 + 0.5 * mu * first))
        };
        let integrator = self.plan.dynamics.overdamped().expect("Langevin").integrator;
        let mut displacement: Vec<f64> = (0..x.len()).map(|i| mu * force[i] + noise * z[i]).collect();
        if integrator == Integrator::Heun {
            let trial: Vec<f64> = (0..x.len()).map(|i| self.bounded(i, x[i] + displacement[i]).0).collect();
            let (predicted, _) = (self.forces)(&trial, lambda);
            displacement = (0..x.len()).map(|i| 0.5 * mu * (force[i] + predicted[i]) + noise * z[i]).collect();
        }
        if integrator == Integrator::WeakTaylor {
            let (m, s) = moments(x[0], force[0]);
            displacement[0] = m + s * z[0];
        }
        let mut sign = vec![1.0; x.len()];
        for i in 0..x.len() {
            let (position, turns, reflected) = self.bounded(i, x[i] + displacement[i]);
            end.x[i] = position;
            end.winding[i] += turns;
            sign[i] = reflected;
        }
        let (after, drive_after) = (self.forces)(&end.x, lambda);
        if integrator == Integrator::WeakTaylor {
            let ((_, s), (m_after, s_after)) = (moments(x[0], force[0]), moments(end.x[0], after[0]));
            let b = (displacement[0] + sign[0] * m_after) / s_after;
            end.path += 0.5 * b * b - 0.5 * z[0] * z[0] + (s_after / s).ln();
        }
        for i in 0..x.len() {
            if integrator == Integrator::EulerMaruyama {
                end.path += displacement[i] * (force[i] + sign[i] * after[i]) / (2.0 * TEMPERATURE)
                    + DT * (after[i] * after[i] - force[i] * force[i]) / (4.0 * FRICTION * TEMPERATURE);
            }
            let walled = matches!(self.plan.coordinates[i].boundary, Boundary::Walls { .. });
            let moved = if walled { end.x[i] - x[i] } else { displacement[i] };
            end.heat[i] += 0.5 * (force[i] + after[i]) * moved;
            end.work += 0.5 * (drive[i] + drive_after[i]) * moved;
        }
    }

    /// Position in range, turns, −1 after an odd number of reflections.
    fn bounded(&self, i: usize, x: f64) -> (f64, i64, f64) {
        match self.plan.coordinates[i].boundary {
            Boundary::Open => (x, 0, 1.0),
            Boundary::Periodic { lower, upper } => {
                let turns = ((x - lower) / (upper - lower)).floor();
                (x - turns * (upper - lower), turns as i64, 1.0)
            }
            Boundary::Walls { lower, upper } => {
                let (mut x, mut sign) = (x, 1.0);
                while x < lower || x > upper {
                    x = if x < lower { 2.0 * lower - x } else { 2.0 * upper - x };
                    sign = -sign;
                }
                (x, 0, sign)
            }
        }
    }

    fn step_exact_linear(&self, end: &mut End, z: &[f64], lambda: f64) {
        let m = self.matrices.expect("a linear reference has matrices");
        let d = z.len();
        let x = end.x.clone();
        for i in 0..d {
            let drift: f64 = (0..d).map(|j| m.propagator[i * d + j] * x[j]).sum();
            let kick: f64 = (0..=i).map(|j| m.noise[i * d + j] * z[j]).sum();
            end.x[i] = drift + m.offset[i] * lambda + kick;
        }
        let middle: Vec<f64> = (0..d).map(|i| 0.5 * (x[i] + end.x[i])).collect();
        let (force, drive) = (self.forces)(&middle, lambda);
        for i in 0..d {
            let moved = end.x[i] - x[i];
            end.heat[i] += force[i] * moved;
            end.work += drive[i] * moved;
            end.path += moved * (m.vector[i] * lambda - (0..d).map(|j| m.matrix[i * d + j] * middle[j]).sum::<f64>());
        }
    }
}
