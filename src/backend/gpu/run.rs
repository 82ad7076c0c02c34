//! Chunks, dispatches and what comes back: two dispatches in flight, and results of a chunk on their way while the next is computed.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use futures_intrusive::channel::shared::{OneshotReceiver, oneshot_channel};

use super::Tuning;
use super::compose::{Composition, ShaderOptions};
use super::device::Device;
use super::layout::{self, Dispatch, Layout, Sizes, Steps};
use super::readback::batch;
use crate::backend::{BackendError, Event, Flow};
use crate::plan::{Column, InitialState, JumpColumn, Plan, initial_state};

/// What a dispatch should take: short enough for every watchdog, long enough to hide its own cost.
const BUDGET: Duration = Duration::from_millis(50);
/// Dispatches whose end is not awaited.
const IN_FLIGHT: usize = 2;
/// Steps of a dispatch are a multiple of this: the normals of a quartet never cross from one dispatch to the next.
const QUARTET: u64 = 4;

/// Runs a plan in chunks of `chunk` trajectories.
pub(super) fn run(
    device: &Device,
    plan: &Plan,
    options: ShaderOptions,
    tuning: &Tuning,
    chunk: u64,
    receive: &mut (dyn FnMut(Event) -> Flow + Send),
) -> Result<(), BackendError> {
    let program = Program::new(device, plan, options, chunk)?;
    let stop = AtomicBool::new(false);
    let (sender, receiver) = sync_channel::<Event>(2);
    std::thread::scope(|scope| {
        let driver = scope.spawn(|| {
            let sender = sender;
            Driver { program: &program, stop: &stop, sender: &sender, pace: Pace::new(tuning.steps_per_dispatch), flying: VecDeque::new() }.drive()
        });
        for event in &receiver {
            if receive(event) == Flow::Stop {
                stop.store(true, Ordering::Relaxed);
                break;
            }
        }
        // A driver that waits with an event in its hands learns that nobody takes it.
        drop(receiver);
        driver.join().unwrap_or_else(|_| Err(device.error("the thread that drives it ended early".to_owned())))
    })
}

/// A plan on a device: compiled, with its tables uploaded and room for two chunks.
struct Program<'a> {
    device: &'a Device,
    plan: &'a Plan,
    layout: Layout,
    sizes: Sizes,
    chunk: u64,
    pipeline: wgpu::ComputePipeline,
    rooms: [Room; 2],
    workgroup: u32,
}

/// The buffers of a chunk.
struct Room {
    dispatch: wgpu::Buffer,
    state: wgpu::Buffer,
    moments: wgpu::Buffer,
    counts: wgpu::Buffer,
    readback: wgpu::Buffer,
    bindings: wgpu::BindGroup,
}

impl<'a> Program<'a> {
    fn new(device: &'a Device, plan: &'a Plan, options: ShaderOptions, chunk: u64) -> Result<Self, BackendError> {
        let layout = Layout::of_plan(plan);
        let sizes = Sizes::of(plan, &layout, chunk, u64::from(options.workgroup));
        let entry = |(binding, ty): (u32, wgpu::BufferBindingType)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        };
        let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
        let kinds = [wgpu::BufferBindingType::Uniform, storage(true), storage(true), storage(false), storage(false), storage(false)];
        let entries: Vec<_> = (0..).zip(kinds).map(entry).collect();
        let (bind_group_layout, pipeline_layout) = device.contain(|| {
            let bindings = device.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some("ness"), entries: &entries });
            let descriptor = wgpu::PipelineLayoutDescriptor { label: Some("ness"), bind_group_layouts: &[Some(&bindings)], immediate_size: 0 };
            let pipeline = device.device.create_pipeline_layout(&descriptor);
            (bindings, pipeline)
        })?;
        let pipeline = device.pipeline(&Composition::of_plan(plan, options), Some(&pipeline_layout))?;
        let table = |values: Vec<u32>| -> Result<wgpu::Buffer, BackendError> {
            let buffer = device.contain(|| buffer(&device.device, values.len() as u64, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST))?;
            device.contain(|| device.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&values)))?;
            Ok(buffer)
        };
        let (constants, rows) = (table(layout::constants(plan))?, table(layout::rows(plan))?);
        let room = || device.contain(|| Room::new(&device.device, &bind_group_layout, &sizes, &constants, &rows));
        let rooms = [room()?, room()?];
        Ok(Self { device, plan, layout, sizes, chunk, pipeline, rooms, workgroup: options.workgroup })
    }

    /// Initial states in single precision, coordinate by coordinate, each padded with zeros to the length of a slot.
    fn initial_states(&self, trajectories: Range<u64>) -> Vec<f32> {
        let (d, stride, count) = (self.layout.dimension, self.sizes.stride as usize, (trajectories.end - trajectories.start) as usize);
        let mut states = vec![0f32; d * stride];
        if let InitialState::Point(point) = &self.plan.initial {
            for (i, &value) in point.iter().enumerate() {
                states[i * stride..i * stride + count].fill(value as f32);
            }
            return states;
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = count.div_ceil(threads).max(1);
        std::thread::scope(|scope| {
            let mut slots: Vec<_> = states.chunks_mut(stride).map(|slot| slot[..count].chunks_mut(share)).collect();
            for first in (0..count).step_by(share) {
                let mut parts: Vec<&mut [f32]> = slots.iter_mut().filter_map(Iterator::next).collect();
                let first = trajectories.start + first as u64;
                scope.spawn(move || {
                    let mut state = vec![0.0; d];
                    for t in 0..parts.first().map_or(0, |part| part.len()) {
                        initial_state(self.plan, first + t as u64, &mut state);
                        for (part, &value) in parts.iter_mut().zip(&state) {
                            part[t] = value as f32;
                        }
                    }
                });
            }
        });
        states
    }
}

/// A buffer of 32-bit words, at least one quartet: empty buffers cannot be bound.
fn buffer(device: &wgpu::Device, words: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor { label: Some("ness"), size: 4 * words.max(4), usage, mapped_at_creation: false })
}

impl Room {
    fn new(device: &wgpu::Device, layout: &wgpu::BindGroupLayout, sizes: &Sizes, constants: &wgpu::Buffer, rows: &wgpu::Buffer) -> Self {
        use wgpu::BufferUsages as Usage;
        let storage = Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST;
        let dispatch = buffer(device, (size_of::<Dispatch>() / 4) as u64, Usage::UNIFORM | Usage::COPY_DST);
        let [state, moments, counts] = [sizes.state, sizes.moments, sizes.counts].map(|words| buffer(device, words, storage));
        let readback = buffer(device, sizes.readback(), Usage::MAP_READ | Usage::COPY_DST);
        let all = [&dispatch, constants, rows, &state, &moments, &counts];
        let entries: Vec<_> = (0..).zip(all).map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() }).collect();
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some("ness"), layout, entries: &entries });
        Self { dispatch, state, moments, counts, readback, bindings }
    }
}

/// How many steps a dispatch takes.
struct Pace {
    fixed: bool,
    steps: u64,
    last_end: Instant,
}

impl Pace {
    fn new(steps: Option<u64>) -> Self {
        Self { fixed: steps.is_some(), steps: steps.unwrap_or(QUARTET).max(1).next_multiple_of(QUARTET), last_end: Instant::now() }
    }

    /// Learns from a dispatch of `steps` steps, submitted then and just ended.
    fn learn(&mut self, steps: u64, submitted: Instant) {
        let end = Instant::now();
        let took = end - submitted.max(self.last_end);
        self.last_end = end;
        if self.fixed {
            return;
        }
        let possible = steps as f64 * BUDGET.as_secs_f64() / took.as_secs_f64().max(1e-6);
        let cautious = possible.min(4.0 * self.steps as f64) as u64;
        // A dispatch cut short by the end of a phase says less about long ones than those before it.
        if steps == self.steps || cautious < self.steps {
            self.steps = cautious.max(QUARTET) / QUARTET * QUARTET;
        }
    }
}

/// A dispatch under way.
struct Flying {
    submission: wgpu::SubmissionIndex,
    submitted: Instant,
    steps: u64,
    trajectory_steps: u64,
}

/// Results of a chunk, on their way to the host.
struct Returning<'a> {
    room: &'a Room,
    first: u64,
    count: u64,
    submission: wgpu::SubmissionIndex,
    mapped: OneshotReceiver<Result<(), wgpu::BufferAsyncError>>,
}

struct Driver<'a> {
    program: &'a Program<'a>,
    stop: &'a AtomicBool,
    sender: &'a SyncSender<Event>,
    pace: Pace,
    flying: VecDeque<Flying>,
}

impl<'a> Driver<'a> {
    fn drive(mut self) -> Result<(), BackendError> {
        let program = self.program;
        let range = program.plan.trajectories.clone();
        let mut returning: Option<Returning<'a>> = None;
        for (number, first) in range.clone().step_by(program.chunk as usize).enumerate() {
            let last = (first + program.chunk).min(range.end);
            let room = &program.rooms[number % 2];
            self.fill(room, first..last)?;
            if !self.advance(room, first..last, &mut returning)? {
                return Ok(());
            }
            let next = self.request(room, first..last)?;
            if let Some(previous) = returning.replace(next) {
                self.deliver(previous)?;
            }
        }
        while !self.flying.is_empty() {
            self.land()?;
        }
        returning.map_or(Ok(()), |last| self.deliver(last))
    }

    /// Puts the initial states of a chunk in place.
    fn fill(&self, room: &Room, trajectories: Range<u64>) -> Result<(), BackendError> {
        let program = self.program;
        let states = program.initial_states(trajectories);
        program.device.contain(|| {
            program.device.queue.write_buffer(&room.state, 0, bytemuck::cast_slice(&states));
            let mut encoder = program.device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.clear_buffer(&room.counts, 0, None);
            program.device.queue.submit([encoder.finish()]);
        })
    }

    /// Takes a chunk from start to end; `false` if the receiver wants to stop. Results of the chunk before go out on the way.
    fn advance(&mut self, room: &Room, trajectories: Range<u64>, returning: &mut Option<Returning<'a>>) -> Result<bool, BackendError> {
        let plan = self.program.plan;
        for (relaxing, end) in [(true, plan.relaxation_steps), (false, plan.schedule.steps)] {
            let mut step = 0;
            // Without steps a plan still has its first save.
            while step < end || !relaxing && step == 0 {
                let last = (step + self.pace.steps).min(end);
                self.submit(room, trajectories.clone(), Steps { relaxing, first: step, last })?;
                step = last.max(1);
                if self.flying.len() == IN_FLIGHT
                    && let Some(previous) = returning.take()
                {
                    self.deliver(previous)?;
                }
                while self.flying.len() >= IN_FLIGHT {
                    self.land()?;
                }
                if self.stop.load(Ordering::Relaxed) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn submit(&mut self, room: &Room, trajectories: Range<u64>, steps: Steps) -> Result<(), BackendError> {
        let program = self.program;
        let count = trajectories.end - trajectories.start;
        let parameters = layout::dispatch(program.plan, &program.sizes, trajectories.start, count, steps);
        let submission = program.device.contain(|| {
            program.device.queue.write_buffer(&room.dispatch, 0, bytemuck::bytes_of(&parameters));
            let mut encoder = program.device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                pass.set_pipeline(&program.pipeline);
                pass.set_bind_group(0, &room.bindings, &[]);
                pass.dispatch_workgroups((count as u32).div_ceil(program.workgroup), 1, 1);
            }
            program.device.queue.submit([encoder.finish()])
        })?;
        let number = steps.last - steps.first;
        let jumps = program.plan.dynamics.overdamped().is_none();
        let trajectory_steps = if steps.relaxing || jumps { 0 } else { number * count };
        self.flying.push_back(Flying { submission, submitted: Instant::now(), steps: number, trajectory_steps });
        Ok(())
    }

    /// Waits for the oldest dispatch under way and tells of its steps.
    fn land(&mut self) -> Result<(), BackendError> {
        if let Some(oldest) = self.flying.pop_front() {
            self.program.device.wait(oldest.submission)?;
            self.pace.learn(oldest.steps, oldest.submitted);
            self.send(Event::Progress(oldest.trajectory_steps));
        }
        Ok(())
    }

    /// Asks for the results of a chunk.
    fn request(&self, room: &'a Room, trajectories: Range<u64>) -> Result<Returning<'a>, BackendError> {
        let (program, sizes) = (self.program, &self.program.sizes);
        let (sender, mapped) = oneshot_channel();
        let submission = program.device.contain(|| {
            let mut encoder = program.device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let mut at = 0;
            for (source, words) in [(&room.state, sizes.returned), (&room.moments, sizes.moments), (&room.counts, sizes.counts)] {
                if words > 0 {
                    encoder.copy_buffer_to_buffer(source, 0, &room.readback, at, 4 * words);
                }
                at += 4 * words;
            }
            let submission = program.device.queue.submit([encoder.finish()]);
            // A receiver that is gone no longer wants to know.
            room.readback.slice(..).map_async(wgpu::MapMode::Read, move |result| drop(sender.send(result)));
            submission
        })?;
        Ok(Returning { room, first: trajectories.start, count: trajectories.end - trajectories.start, submission, mapped })
    }

    /// Waits for the results of a chunk and hands them on.
    fn deliver(&self, returning: Returning<'_>) -> Result<(), BackendError> {
        let (program, device) = (self.program, self.program.device);
        device.wait(returning.submission)?;
        let failed = |error: &dyn std::fmt::Display| device.error(format!("its results could not be read: {error}"));
        match pollster::block_on(returning.mapped.receive()) {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(failed(&error)),
            None => return Err(failed(&"the device closed the connection")),
        }
        let view = device.contain(|| returning.room.readback.slice(..).get_mapped_range())?.map_err(|error| failed(&error))?;
        let words: &[u32] = bytemuck::cast_slice(&view[..4 * program.sizes.readback() as usize]);
        let batch = batch(program.plan, &program.layout, &program.sizes, returning.first, returning.count as usize, words);
        drop(view);
        device.contain(|| returning.room.readback.unmap())?;
        // Jump processes count events, known when trajectories have ended.
        let is_events = |column: &Column| matches!(column, Column::Jump(JumpColumn::Fired(_) | JumpColumn::Activity));
        let events = program.plan.columns.iter().zip(&batch.columns).filter(|(column, _)| is_events(column)).flat_map(|(_, values)| values).sum::<f64>();
        self.send(Event::Progress(events as u64));
        self.send(Event::Batch(batch));
        Ok(())
    }

    fn send(&self, event: Event) {
        // Nobody listens once the receiver has asked to stop; `advance` sees that at its next turn.
        drop(self.sender.send(event));
    }
}
