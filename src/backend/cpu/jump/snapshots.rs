//! What trajectories show at saves, kept until all of a window have ended: lanes reach a save at different times, tiles need them together.

use crate::backend::cpu::instruction_sets::Kernels;
use crate::backend::cpu::record::Record;
use crate::maths::{LANES, Lanes, Real};
use crate::plan::{Column, JumpColumn, Plan, TILE};

/// Derived quantities at a save, for the counts of a lane block.
type Derive<'a, R> = &'a mut dyn FnMut(usize, &[Lanes<R>]) -> Vec<Lanes<f64>>;

/// Memory a window may take, in numbers.
const MOST_NUMBERS: usize = 1 << 22;

/// Values of the trajectories of a window at every save.
pub(super) struct Snapshots {
    quantities: Vec<Column>,
    saves: usize,
    window: usize,
    /// `data[(save * quantities + quantity) * window + trajectory]`; NaN for a trajectory given up before.
    data: Vec<f64>,
}

impl Snapshots {
    pub(super) fn of(plan: &Plan) -> Self {
        let derived = |column: &Column| matches!(column, Column::Jump(JumpColumn::Derived(_)));
        let all = if plan.series.iter().any(derived) { plan.coordinates.len() as u16 } else { 0 };
        let mut quantities: Vec<Column> = (0..all).map(Column::Position).collect();
        let fields = plan.fields.iter().map(|field| Column::Position(field.coordinate));
        for column in fields.chain(plan.series.iter().copied().filter(|column| !derived(column))) {
            if !quantities.contains(&column) {
                quantities.push(column);
            }
        }
        Self { quantities, saves: plan.schedule.saves(), window: 0, data: Vec::new() }
    }

    /// Most trajectories a window should have: whole lane blocks.
    pub(super) fn most_trajectories(&self) -> usize {
        let each = self.saves * self.quantities.len().max(1);
        (MOST_NUMBERS / each / LANES).max(1) * LANES
    }

    /// Forgets everything, for a window of so many trajectories.
    pub(super) fn clear(&mut self, window: usize) {
        self.window = window;
        self.data.clear();
        self.data.resize(self.saves * self.quantities.len() * window, f64::NAN);
    }

    /// A trajectory is at a save.
    pub(super) fn take(&mut self, save: usize, trajectory: usize, value: impl Fn(Column) -> f64) {
        let start = save * self.quantities.len() * self.window + trajectory;
        for (k, &column) in self.quantities.iter().enumerate() {
            self.data[start + k * self.window] = value(column);
        }
    }

    /// The values of a quantity at a save, from trajectory `base` of the window on; NaN beyond its end.
    fn lanes(&self, save: usize, column: Column, base: usize) -> Lanes<f64> {
        let mut lanes = Lanes([f64::NAN; LANES]);
        if let Some(k) = self.quantities.iter().position(|&quantity| quantity == column) {
            let start = (save * self.quantities.len() + k) * self.window;
            let values = &self.data[start + base..start + (base + LANES).min(self.window)];
            lanes.0[..values.len()].copy_from_slice(values);
        }
        lanes
    }

    /// Writes series and fields of the window, which starts at trajectory `first`.
    pub(super) fn write<R: Real>(&self, plan: &Plan, kernels: Kernels<R>, first: u64, record: &mut Record, derive: Derive<'_, R>) {
        let needs_derived = plan.series.iter().any(|column| matches!(column, Column::Jump(JumpColumn::Derived(_))));
        for base in (0..self.window).step_by(LANES) {
            let count = LANES.min(self.window - base);
            let trajectory = first + base as u64;
            let tile = (trajectory - record.first) as usize / TILE;
            for save in 0..self.saves {
                let derived = if needs_derived { self.derived(plan, save, base, derive) } else { Vec::new() };
                for (observable, &column) in plan.series.iter().enumerate() {
                    let values = match column {
                        Column::Jump(JumpColumn::Derived(k)) => derived.get(k as usize).copied().unwrap_or(Lanes([f64::NAN; LANES])),
                        column => self.lanes(save, column, base),
                    };
                    record.add_series(plan, kernels, (tile, save, observable), &values, count);
                }
                for (index, field) in plan.fields.iter().enumerate() {
                    let values = self.lanes(save, Column::Position(field.coordinate), base);
                    for (lane, &x) in values.0.iter().enumerate().take(count).filter(|(_, x)| x.is_finite()) {
                        record.add_to_field(plan, (index, save), trajectory + lane as u64, x);
                    }
                }
            }
        }
    }

    /// Derived quantities at a save; NaN where the counts are.
    fn derived<R: Real>(&self, plan: &Plan, save: usize, base: usize, derive: Derive<'_, R>) -> Vec<Lanes<f64>> {
        let counts: Vec<Lanes<R>> = (0..plan.coordinates.len() as u16).map(|i| Lanes(self.lanes(save, Column::Position(i), base).0.map(R::from_f64))).collect();
        let mut derived = derive(save, &counts);
        for values in &mut derived {
            for (lane, value) in values.0.iter_mut().enumerate() {
                if counts.iter().any(|count| count.0[lane].is_nan()) {
                    *value = f64::NAN;
                }
            }
        }
        derived
    }
}
