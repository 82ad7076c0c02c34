//! The state of a lane block and its way through a plan.

use super::infimum::Extremes;
use super::instruction_sets::Kernels;
use super::kernels::NoiseBlock;
use super::record::Record;
use crate::expression::{Operand, Value, value};
use crate::maths::{LANES, Lanes, Real};
use crate::plan::{Boundary, Column, Dynamics, FLUSH_EVERY, Integrator, Overdamped, Plan, SurpriseMove, initial_state};
use crate::random::{self, Purpose};

/// A plan's numbers in the precision of the run.
pub(super) struct Numbers<R> {
    pub(super) constants: Vec<R>,
    pub(super) rows: Vec<R>,
    pub(super) resting: Vec<R>,
    pub(super) columns: usize,
    /// Coefficients of the moves of `−ln p_ss`.
    pub(super) surprise: Vec<R>,
}

impl<R: Real> Numbers<R> {
    pub(super) fn of(plan: &Plan) -> Self {
        let cast = |values: &[f64]| values.iter().map(|&v| R::from_f64(v)).collect();
        let uniforms = &plan.uniforms;
        let surprise = match &plan.dynamics {
            Dynamics::Overdamped(Overdamped { surprise: Some(surprise), .. }) => cast(surprise.coefficients()),
            _ => Vec::new(),
        };
        Self { constants: cast(&uniforms.constants), rows: cast(&uniforms.rows), resting: cast(&uniforms.resting), columns: uniforms.columns, surprise }
    }

    pub(super) fn row(&self, step: u64) -> &[R] {
        let start = step as usize * self.columns;
        &self.rows[start..start + self.columns]
    }
}

/// A sum along the path: a partial sum in the precision of the run, flushed into f64 every [`FLUSH_EVERY`] steps.
pub(super) struct Sum<R> {
    pub(super) partial: Lanes<R>,
    pub(super) total: Lanes<f64>,
}

impl<R: Real> Sum<R> {
    pub(super) fn new() -> Self {
        Self { partial: Lanes([R::ZERO; LANES]), total: Lanes([0.0; LANES]) }
    }

    fn value(&self, lane: usize) -> f64 {
        self.total.0[lane] + self.partial.0[lane].to_f64()
    }
}

/// The state of [`LANES`] trajectories.
pub(super) struct Block<'a, R: Real> {
    pub(super) plan: &'a Plan,
    pub(super) dynamics: &'a Overdamped,
    pub(super) kernels: Kernels<R>,
    pub(super) numbers: &'a Numbers<R>,
    pub(super) first: u64,
    start: Vec<[f64; LANES]>,
    pub(super) position: Vec<Lanes<R>>,
    pub(super) next: Vec<Lanes<R>>,
    pub(super) proposed: Vec<Lanes<R>>,
    pub(super) winding: Vec<Lanes<R>>,
    pub(super) normals: Vec<[Lanes<R>; 4]>,
    pub(super) displacement: Vec<Lanes<R>>,
    pub(super) sign: Vec<Lanes<R>>,
    pub(super) spare: Lanes<R>,
    pub(super) spare_too: Lanes<R>,
    pub(super) spare_more: Lanes<R>,
    pub(super) before: Vec<Lanes<R>>,
    pub(super) after: Vec<Lanes<R>>,
    before_is_current: bool,
    pub(super) work: Sum<R>,
    pub(super) heat: Vec<Sum<R>>,
    pub(super) medium: Sum<R>,
    pub(super) path: Sum<R>,
    pub(super) circulation: Vec<((u16, u16), Sum<R>)>,
    pub(super) heat_path: Sum<R>,
    pub(super) surprise: Sum<R>,
    pub(super) infimum: Extremes<R>,
}

/// What a step reads besides the state.
#[derive(Clone, Copy)]
pub(super) struct StepInput<'a, R> {
    pub(super) constants: &'a [R],
    pub(super) row: &'a [R],
    /// Which of the four normals of the quartet.
    pub(super) quarter: usize,
}

impl<R: Real> StepInput<'_, R> {
    /// Whether an operand is the number 0 throughout: many entries of matrices are, and to add them changes no bit.
    pub(super) fn is_nothing(&self, operand: Operand) -> bool {
        matches!(operand, Operand::Constant(slot) if self.constants[slot as usize] == R::ZERO)
    }

    /// The value of an operand that no coordinate changes.
    pub(super) fn scalar(&self, operand: Operand) -> R {
        match operand {
            Operand::Constant(slot) => self.constants[slot as usize],
            Operand::Scheduled(column) => self.row[column as usize],
            Operand::Register(_) | Operand::Coordinate(_) => unreachable!("the coefficients of a step are uniform by construction of the plan"),
        }
    }
}

impl<'a, R: Real> Block<'a, R> {
    pub(super) fn new(plan: &'a Plan, dynamics: &'a Overdamped, numbers: &'a Numbers<R>, kernels: Kernels<R>) -> Self {
        let d = plan.coordinates.len();
        let zero = Lanes([R::ZERO; LANES]);
        let of_surprise = match &dynamics.surprise {
            Some(SurpriseMove::Formula(program)) => program.registers,
            _ => 0,
        };
        let of_work = dynamics.protocol_work.as_ref().map_or(0, |p| p.registers);
        let registers = usize::from(dynamics.force.registers.max(of_work).max(of_surprise));
        Self {
            plan,
            dynamics,
            kernels,
            numbers,
            first: 0,
            start: vec![[0.0; LANES]; d],
            position: vec![zero; d],
            next: vec![zero; d],
            proposed: vec![zero; d],
            winding: vec![zero; d],
            normals: vec![[zero; 4]; d],
            displacement: vec![zero; d],
            sign: vec![Lanes([R::ONE; LANES]); d],
            spare: zero,
            spare_too: zero,
            spare_more: zero,
            before: vec![zero; registers],
            after: vec![zero; registers],
            before_is_current: false,
            work: Sum::new(),
            heat: (0..d).map(|_| Sum::new()).collect(),
            medium: Sum::new(),
            path: Sum::new(),
            circulation: circulations(plan).map(|pair| (pair, Sum::new())).collect(),
            heat_path: Sum::new(),
            surprise: Sum::new(),
            infimum: Extremes::new(),
        }
    }

    /// Runs trajectories `first..first + count` from start to end. `pulse` is told of steps done and answers whether to go on; `false` comes back if not.
    pub(super) fn run(&mut self, first: u64, count: usize, record: &mut Record, pulse: &dyn Fn(u64) -> bool) -> bool {
        self.begin(first);
        let steps = self.plan.schedule.steps;
        for step in 0..self.plan.relaxation_steps {
            self.step(step, self.plan.stream.relaxation(), &self.numbers.resting);
            if step % FLUSH_EVERY == 0 && !pulse(0) {
                return false;
            }
        }
        self.start_measuring();
        record.save(self, 0, count);
        let mut told = 0;
        for step in 0..steps {
            self.step(step, self.plan.stream.noise(), self.numbers.row(step));
            if self.plan.plane.is_some() {
                record.deposit(self, count);
            }
            let done = step + 1;
            if done % FLUSH_EVERY == 0 {
                self.flush();
                if !pulse((done - told) * count as u64) {
                    return false;
                }
                told = done;
            }
            if done % self.plan.schedule.save_every == 0 {
                record.save(self, (done / self.plan.schedule.save_every) as usize, count);
            }
        }
        record.finish(self, count);
        pulse((steps - told) * count as u64)
    }

    fn begin(&mut self, first: u64) {
        self.first = first;
        let mut state = vec![0.0; self.position.len()];
        for lane in 0..LANES {
            initial_state(self.plan, first + lane as u64, &mut state);
            for (position, &value) in self.position.iter_mut().zip(&state) {
                position.0[lane] = R::from_f64(value);
            }
        }
        self.before_is_current = false;
    }

    fn start_measuring(&mut self) {
        for (start, position) in self.start.iter_mut().zip(&self.position) {
            *start = position.0.map(Real::to_f64);
        }
        for winding in &mut self.winding {
            *winding = Lanes([R::ZERO; LANES]);
        }
        self.work = Sum::new();
        self.path = Sum::new();
        self.medium = Sum::new();
        self.heat_path = Sum::new();
        self.surprise = Sum::new();
        self.infimum = Extremes::new();
        for heat in self.heat.iter_mut().chain(self.circulation.iter_mut().map(|(_, sum)| sum)) {
            *heat = Sum::new();
        }
        self.before_is_current = false;
    }

    fn step(&mut self, step: u64, purpose: Purpose, row: &'a [R]) {
        if step.is_multiple_of(4) {
            let lanes = self.dynamics.noise_lanes(self.position.len());
            for (coordinate, normals) in self.normals.iter_mut().enumerate().take(lanes) {
                let block = NoiseBlock { key: random::key(self.plan.seed), purpose, coordinate: coordinate as u8, quartet: step / 4 };
                self.kernels.normals(block, self.first, normals);
            }
        }
        let input = StepInput { constants: &self.numbers.constants, row, quarter: (step % 4) as usize };
        if let Some(program) = &self.dynamics.protocol_work {
            self.kernels.program(program, &self.position, input.constants, row, &mut self.after);
            let work = spread(program.outputs[0], &self.position, input, &self.after, &mut self.spare);
            self.kernels.add(work, &mut self.work.partial);
        }
        let dynamics = self.dynamics;
        if let Some(surprise) = &dynamics.surprise {
            self.add_surprise(surprise, input);
        }
        match (dynamics.integrator, &dynamics.inertia, &dynamics.linear) {
            (Integrator::EulerMaruyama, ..) => self.step_euler_maruyama(input),
            (Integrator::Heun, ..) => self.step_heun(input),
            (Integrator::WeakTaylor, ..) => self.step_weak_taylor(input),
            (Integrator::EulerMaruyamaIto, ..) => self.step_euler_maruyama_ito(input),
            (Integrator::HeunStratonovich, ..) => self.step_heun_stratonovich(input),
            (Integrator::ExactLinear, Some(inertia), Some(linear)) => self.step_exact_inertial(input, inertia, linear),
            (Integrator::ExactLinear, ..) => self.step_exact_linear(input),
            (Integrator::Baoab | Integrator::Obabo | Integrator::Gjf, Some(inertia), _) => self.step_splitting(input, inertia),
            (Integrator::Baoab | Integrator::Obabo | Integrator::Gjf, None, _) => unreachable!("a plan with a splitting carries its masses"),
        }
        if let Some(infimum) = dynamics.infimum.as_ref().filter(|_| purpose == self.plan.stream.noise()) {
            self.follow_infimum(infimum, step, input);
        }
        for ((i, j), sum) in &mut self.circulation {
            let (i, j) = (usize::from(*i), usize::from(*j));
            self.kernels.add_area([&self.position[i], &self.position[j]], [&self.next[i], &self.next[j]], &mut sum.partial);
        }
        std::mem::swap(&mut self.position, &mut self.next);
    }

    /// Where a coordinate was before the last step.
    pub(super) fn previous(&self, coordinate: usize) -> &Lanes<R> {
        &self.next[coordinate]
    }

    /// Work at a save: what was done so far, and the move from where the last step left the protocol to its value at that time.
    pub(super) fn work_at_save(&mut self, save: usize) -> [f64; LANES] {
        let mut work: [f64; LANES] = std::array::from_fn(|lane| self.work.value(lane));
        if let Some(program) = &self.dynamics.protocol_work {
            let row = self.numbers.row(self.plan.schedule.steps + save as u64);
            let input = StepInput { constants: &self.numbers.constants, row, quarter: 0 };
            self.kernels.program(program, &self.position, input.constants, row, &mut self.after);
            let more = spread(program.outputs[0], &self.position, input, &self.after, &mut self.spare);
            work.iter_mut().zip(&more.0).for_each(|(work, more)| *work += more.to_f64());
        }
        work
    }

    /// Evaluates the forces at the present position into `before`, unless they are there already.
    pub(super) fn forces_before(&mut self, input: StepInput<'_, R>) {
        if !self.before_is_current {
            self.kernels.program(&self.dynamics.force, &self.position, input.constants, input.row, &mut self.before);
        }
    }

    /// Evaluates the forces at the next position into `after`.
    pub(super) fn forces_after(&mut self, input: StepInput<'_, R>) {
        self.kernels.program(&self.dynamics.force, &self.next, input.constants, input.row, &mut self.after);
    }

    /// Ends a step: the forces at its end serve the next step where nothing moves them in between.
    pub(super) fn keep_forces(&mut self) {
        if self.dynamics.force_is_constant {
            std::mem::swap(&mut self.before, &mut self.after);
            self.before_is_current = true;
        }
    }

    /// Applies the boundary of a coordinate to its next position. Periodic ones turn their winding number (unless `trial`),
    /// reflected ones leave their sign and their true displacement.
    pub(super) fn apply_boundary(&mut self, coordinate: usize, trial: bool) {
        let next = &mut self.next[coordinate];
        match self.plan.coordinates[coordinate].boundary {
            Boundary::Open => {}
            Boundary::Periodic { lower, upper } => {
                let winding = if trial { &mut self.spare } else { &mut self.winding[coordinate] };
                self.kernels.fold(next, winding, R::from_f64(lower), R::from_f64(upper - lower));
            }
            Boundary::Walls { lower, upper } => {
                self.kernels.reflect(next, &mut self.sign[coordinate], R::from_f64(lower), R::from_f64(upper - lower));
            }
        }
    }

    fn flush(&mut self) {
        self.kernels.flush(&mut self.work.partial, &mut self.work.total);
        self.kernels.flush(&mut self.path.partial, &mut self.path.total);
        self.kernels.flush(&mut self.medium.partial, &mut self.medium.total);
        self.kernels.flush(&mut self.heat_path.partial, &mut self.heat_path.total);
        self.kernels.flush(&mut self.surprise.partial, &mut self.surprise.total);
        for sum in [&mut self.infimum.level, &mut self.infimum.lowest] {
            self.kernels.flush(&mut sum.partial, &mut sum.total);
        }
        for sum in self.heat.iter_mut().chain(self.circulation.iter_mut().map(|(_, sum)| sum)) {
            self.kernels.flush(&mut sum.partial, &mut sum.total);
        }
    }

    /// A column of a trajectory, in f64.
    pub(super) fn column(&self, column: Column, lane: usize) -> f64 {
        match column {
            Column::Initial(i) => self.start[i as usize][lane],
            Column::Position(i) => self.position[i as usize].0[lane].to_f64(),
            Column::Winding(i) => self.winding[i as usize].0[lane].to_f64(),
            Column::Work => self.work.value(lane),
            Column::Heat(i) => self.heat[i as usize].value(lane),
            Column::EntropyMedium => self.medium.value(lane),
            Column::EntropyPath => self.path.value(lane),
            Column::Circulation(i, j) => self.circulation.iter().find(|(pair, _)| *pair == (i, j)).map_or(f64::NAN, |(_, sum)| sum.value(lane)),
            Column::HeatPath => self.heat_path.value(lane),
            Column::Surprise => self.surprise.value(lane),
            Column::EntropySoFar => self.infimum.level.value(lane),
            Column::Infimum => self.infimum.lowest.value(lane),
            Column::Jump(_) => f64::NAN,
        }
    }
}

/// The pairs of coordinates whose circulation is a column.
fn circulations(plan: &Plan) -> impl Iterator<Item = (u16, u16)> {
    plan.columns.iter().filter_map(|column| match column {
        Column::Circulation(i, j) => Some((*i, *j)),
        _ => None,
    })
}

/// The lanes of an operand; a uniform one is spread into `spare`.
pub(super) fn spread<'b, R: Real>(
    operand: Operand,
    coordinates: &'b [Lanes<R>],
    input: StepInput<'_, R>,
    registers: &'b [Lanes<R>],
    spare: &'b mut Lanes<R>,
) -> &'b Lanes<R> {
    match value(operand, coordinates, input.constants, input.row, registers) {
        Value::Lanes(lanes) => lanes,
        Value::Scalar(scalar) => {
            *spare = Lanes([scalar; LANES]);
            spare
        }
    }
}
