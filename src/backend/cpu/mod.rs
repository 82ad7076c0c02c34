//! The native processor: lane blocks of trajectories over all cores.

mod block;
mod forms;
mod infimum;
mod instruction_sets;
mod integrators;
mod jump;
mod kernels;
mod multiplicative;
mod plane;
mod record;
mod surprise;
mod underdamped;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use rayon::prelude::*;

use self::block::{Block, Numbers};
pub use self::instruction_sets::InstructionSet;
use self::instruction_sets::Kernels;
use self::record::{Record, tally_length};
use super::{Backend, BackendError, Batch, Description, Event, Flow};
pub use crate::experiment::Precision;
use crate::maths::{LANES, Real};
use crate::plan::{Dynamics, Plan};

/// How the work is cut; never changes a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Threads (`None`: one a core).
    pub threads: Option<usize>,
    /// Lane blocks a thread takes at a time, at least.
    pub group: usize,
    /// Such groups a batch holds, per thread.
    pub groups_per_thread: usize,
    /// Instruction set (`None`: the fastest there is).
    pub instruction_set: Option<InstructionSet>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { threads: None, group: 4, groups_per_thread: 8, instruction_set: None }
    }
}

/// The native backend.
pub struct Cpu {
    precision: Precision,
    tuning: Tuning,
    instruction_set: InstructionSet,
    pool: rayon::ThreadPool,
}

impl Cpu {
    /// A backend with its own threads.
    pub fn new(precision: Precision, tuning: Tuning) -> Result<Self, BackendError> {
        let instruction_set = tuning.instruction_set.unwrap_or_else(|| InstructionSet::available()[0]);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(tuning.threads.unwrap_or(0))
            .build()
            .map_err(|error| BackendError::Device { device: processor(), message: error.to_string() })?;
        Ok(Self { precision, tuning, instruction_set, pool })
    }

    fn run_in<R: Real>(&self, plan: &Plan, receive: &mut (dyn FnMut(Event) -> Flow + Send)) {
        let numbers = Numbers::<R>::of(plan);
        let kernels = Kernels::<R>::chosen(self.instruction_set);
        match &plan.dynamics {
            Dynamics::Overdamped(dynamics) => self.run_groups(plan, receive, &|first, count, record, pulse| {
                let mut block = Block::new(plan, dynamics, &numbers, kernels);
                (0..count).step_by(LANES).all(|done| block.run(first + done as u64, LANES.min(count - done), record, pulse))
            }),
            Dynamics::Reactions(dynamics) => {
                self.run_groups(plan, receive, &|first, count, record, pulse| {
                    jump::run_reactions(plan, dynamics, &numbers, kernels, (first, count), record, pulse)
                });
            }
            Dynamics::Exchange(dynamics) => {
                self.run_groups(plan, receive, &|first, count, record, pulse| jump::run_exchange(plan, dynamics, kernels, (first, count), record, pulse));
            }
            Dynamics::Network(dynamics) => {
                let graph = jump::Graph::of(dynamics);
                self.run_groups(plan, receive, &|first, count, record, pulse| {
                    jump::run_network(plan, dynamics, &graph, kernels, (first, count), record, pulse)
                });
            }
        }
    }

    /// Lane blocks of a group. Lanes of a jump process take one trajectory after another and rest when none is left: the larger a group, the less they rest.
    /// A batch stays as large as it was: its columns are at hand, and a thread that works alone needs no parts.
    fn blocks_of_group(&self, plan: &Plan) -> usize {
        let least = self.tuning.group.max(1);
        if plan.dynamics.overdamped().is_some() {
            return least;
        }
        let threads = self.pool.current_num_threads();
        let parts = if threads == 1 { 1 } else { 4 };
        let blocks = (plan.trajectories.end - plan.trajectories.start) as usize / (LANES * threads * parts);
        blocks.clamp(least, least.max(self.blocks_per_thread() / parts))
    }

    /// Lane blocks a batch holds for each thread.
    fn blocks_per_thread(&self) -> usize {
        self.tuning.group.max(1) * self.tuning.groups_per_thread.max(1)
    }

    /// Cuts the ensemble into chunks of groups, hands each group to `work` on some thread and its results to `receive`.
    fn run_groups(&self, plan: &Plan, receive: &mut (dyn FnMut(Event) -> Flow + Send), work: &Work<'_>) {
        let group = (self.blocks_of_group(plan) * LANES) as u64;
        let chunk = (self.blocks_per_thread() * LANES * self.pool.current_num_threads()) as u64;
        let steps_done = AtomicU64::new(0);
        let stop = AtomicBool::new(false);
        let pulse = |steps: u64| {
            steps_done.fetch_add(steps, Ordering::Relaxed);
            !stop.load(Ordering::Relaxed)
        };
        let (sender, receiver) = sync_channel::<Batch>(1);
        std::thread::scope(|scope| {
            let (pulse, stop) = (&pulse, &stop);
            scope.spawn(move || {
                let mut first = plan.trajectories.start;
                while first < plan.trajectories.end && !stop.load(Ordering::Relaxed) {
                    let end = (first + chunk).min(plan.trajectories.end);
                    let Some(batch) = self.pool.install(|| run_chunk(plan, work, first..end, group, pulse)) else { return };
                    if sender.send(batch).is_err() {
                        return;
                    }
                    first = end;
                }
            });
            loop {
                let event = match receiver.recv_timeout(Duration::from_millis(100)) {
                    Ok(batch) => Event::Batch(batch),
                    Err(RecvTimeoutError::Timeout) => Event::Progress(0),
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                let done = steps_done.swap(0, Ordering::Relaxed);
                if receive(Event::Progress(done)) == Flow::Stop || matches!(event, Event::Batch(_)) && receive(event) == Flow::Stop {
                    stop.store(true, Ordering::Relaxed);
                    break;
                }
            }
            drop(receiver);
        });
    }
}

/// What advances a group: its first trajectory and how many, where its results go, and the pulse, which is told of progress and answers whether to go on;
/// `false` comes back if not.
type Work<'a> = dyn Fn(u64, usize, &mut Record, &dyn Fn(u64) -> bool) -> bool + Sync + 'a;

fn run_chunk(plan: &Plan, work: &Work<'_>, range: std::ops::Range<u64>, group: u64, pulse: &(impl Fn(u64) -> bool + Sync)) -> Option<Batch> {
    let groups = (range.end - range.start).div_ceil(group);
    let records: Option<Vec<(u64, Record)>> = (0..groups)
        .into_par_iter()
        .map(|g| {
            let first = range.start + g * group;
            let count = ((first + group).min(range.end) - first) as usize;
            let mut record = Record::new(plan, first, count);
            work(first, count, &mut record, pulse).then_some((first, record))
        })
        .collect();
    Some(assemble(plan, range, records?))
}

/// Joins the records of a chunk, in order of trajectories; the integers are added.
fn assemble(plan: &Plan, range: std::ops::Range<u64>, records: Vec<(u64, Record)>) -> Batch {
    let whole = Record::new(plan, range.start, (range.end - range.start) as usize);
    let mut batch = Batch {
        first: range.start,
        count: (range.end - range.start) as usize,
        columns: whole.columns,
        series: Vec::with_capacity(whole.series.len()),
        counts: whole.counts,
        windings: whole.windings,
        block_counts: whole.block_counts,
        tallies: whole.tallies,
        plane: whole.plane,
    };
    let first_row = plane::rows(plan, range.start, 0).0;
    for (first, record) in records {
        for (all, part) in batch.columns.iter_mut().zip(record.columns) {
            all.extend(part);
        }
        batch.series.extend(record.series);
        for (index, field) in plan.fields.iter().enumerate() {
            let offset = (first / plan.block - range.start / plan.block) as usize * (field.bins as usize + 2);
            add(&mut batch.counts[index], &record.counts[index]);
            add(&mut batch.windings[index], &record.windings[index]);
            add(&mut batch.block_counts[index][offset..], &record.block_counts[index]);
        }
        let offset = (first / plan.block - range.start / plan.block) as usize * tally_length(plan);
        add(&mut batch.tallies[offset..], &record.tallies);
        let offset = plane::length(plan, plane::rows(plan, first, 0).0 - first_row);
        add(&mut batch.plane[offset..], &record.plane);
    }
    batch
}

fn add<T: Copy + std::ops::AddAssign>(sum: &mut [T], part: &[T]) {
    for (sum, &part) in sum.iter_mut().zip(part) {
        *sum += part;
    }
}

impl Backend for Cpu {
    fn describe(&self) -> Description {
        let kernels = Kernels::<f64>::chosen(self.instruction_set);
        let (precision, unit_roundoff) = match self.precision {
            Precision::F64 => ("f64", f64::EPSILON / 2.0),
            Precision::F32 => ("f32", f64::from(f32::EPSILON) / 2.0),
        };
        let fused = if kernels.fused { "fused multiply-add" } else { "separate multiply and add" };
        Description {
            backend: "cpu".to_owned(),
            device: processor(),
            driver: format!("native, {}, {} threads", kernels.name, self.pool.current_num_threads()),
            profile: format!("cpu {precision}, {fused}"),
            unit_roundoff,
        }
    }

    fn fits(&self, plan: &Plan) -> Result<(), BackendError> {
        // A batch holds its series in memory: bounded by what one machine is sure to have.
        const LIMIT: u64 = 1 << 32;
        let trajectories = (self.blocks_per_thread() * LANES * self.pool.current_num_threads()) as u64;
        let tiles = trajectories.min(plan.trajectories.end - plan.trajectories.start).div_ceil(crate::plan::TILE as u64);
        let values = plan.schedule.saves() as u64 * plan.series.len() as u64;
        let batch = tiles * values * size_of::<super::TileMoments>() as u64;
        // Lanes of a jump process reach a save at different times: a lane block keeps what it saw.
        let kept =
            (values + plan.schedule.saves() as u64 * plan.coordinates.len() as u64) * (LANES * size_of::<f64>() * self.pool.current_num_threads()) as u64;
        let bytes = batch + if plan.dynamics.overdamped().is_some() { 0 } else { kept };
        let too_large = |quantity: &str, value: u64, limit: u64, advice: &str| {
            Err(BackendError::TooLarge { device: processor(), quantity: quantity.to_owned(), value, limit, advice: advice.to_owned() })
        };
        if bytes > LIMIT {
            return too_large("the memory of a batch's time series, in bytes,", bytes, LIMIT, "save less often (measure.every)");
        }
        let segments = match &plan.dynamics {
            Dynamics::Overdamped(_) => 0,
            Dynamics::Reactions(dynamics) => dynamics.clock.segments,
            Dynamics::Network(dynamics) => dynamics.clock.segments,
            Dynamics::Exchange(dynamics) => dynamics.clock.segments,
        };
        if self.precision == Precision::F32 && matches!(&plan.dynamics, Dynamics::Reactions(dynamics) if dynamics.leaping.is_some()) {
            return Err(BackendError::Device { device: processor(), message: "tau-leaping counts in double precision".to_owned() });
        }
        // Segments are counted in the precision of the run.
        let limit = match self.precision {
            Precision::F64 => 1 << 53,
            Precision::F32 => 1 << 24,
        };
        if segments > limit {
            return too_large("the number of segments of the clock", segments, limit, "make them longer (ensemble.dt), or use double precision");
        }
        Ok(())
    }

    fn run(&self, plan: &Plan, receive: &mut (dyn FnMut(Event) -> Flow + Send)) -> Result<(), BackendError> {
        self.fits(plan)?;
        match self.precision {
            Precision::F64 => self.run_in::<f64>(plan, receive),
            Precision::F32 => self.run_in::<f32>(plan, receive),
        }
        Ok(())
    }
}

/// The processor's own name, where the system tells it.
fn processor() -> String {
    let named = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    named.unwrap_or_else(|| format!("{} processor", std::env::consts::ARCH))
}
