//! Jump processes: the native path beside `rebop`'s compiled macro, one core each, on the same models over the same time.
//!
//! Throughput is in events: every run's own mean number of events. The figure to look at is the ratio within a run.

#![allow(missing_docs, unreachable_pub, non_snake_case, clippy::too_many_arguments, reason = "what macros make, and names as chemists write them")]

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use ness::backend::cpu::{Cpu, Precision, Tuning};
use ness::backend::{Backend, Event, Flow};
use ness::plan::Plan;
use rebop::define_system;

#[path = "peers/macros.rs"]
mod macros;
#[path = "../tests/jump/models.rs"]
mod models;

define_system! {
    alpha beta;
    BirthDeath { X }
    birth: => X @ alpha
    death: X => @ beta
}
define_system! {
    k1 k2;
    Dimer { P, P2 }
    on: 2 P => P2 @ k1
    off: P2 => 2 P @ k2
}

fn triangle(seed: u64) -> f64 {
    macros::triangle(seed, models::TRIANGLE.map(|edge| edge.2)).1
}

fn birth_death(seed: u64) -> f64 {
    let mut p = BirthDeath::new();
    p.seed(seed);
    (p.alpha, p.beta) = (10.0, 0.1);
    p.advance_until(50.0);
    p.X as f64
}

/// rebop's law of mass action is `k·P·(P − 1)`, without the half.
fn dimer(seed: u64) -> f64 {
    let mut p = Dimer::new();
    p.seed(seed);
    (p.k1, p.k2, p.P) = (0.0005, 0.01, 100);
    p.advance_until(50.0);
    p.P as f64
}

fn vilar(seed: u64) -> f64 {
    macros::vilar(seed).iter().sum()
}

/// Events of a run.
fn events(cpu: &Cpu, plan: &Plan) -> u64 {
    let mut events = 0;
    cpu.run(plan, &mut |event| {
        if let Event::Progress(done) = event {
            events += done;
        }
        Flow::Continue
    })
    .expect("runs");
    events
}

fn compare(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, plan: &Plan, peer: fn(u64) -> f64, peers: u64) {
    let tuning = Tuning { threads: Some(1), ..Tuning::default() };
    let cpu = Cpu::new(Precision::F64, tuning).expect("threads start");
    let done = events(&cpu, plan);
    group.throughput(Throughput::Elements(done));
    group.bench_function(format!("{name}, ness f64"), |b| b.iter(|| events(&cpu, plan)));
    let single = Cpu::new(Precision::F32, tuning).expect("threads start");
    group.bench_function(format!("{name}, ness f32"), |b| b.iter(|| events(&single, plan)));
    group.throughput(Throughput::Elements(done * peers / (plan.trajectories.end - plan.trajectories.start)));
    group.bench_function(format!("{name}, rebop"), |b| b.iter(|| (0..peers).map(peer).sum::<f64>()));
}

fn jumps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("jumps, one core");
    group.sample_size(10);
    compare(&mut group, "triangle", &models::triangle(100.0, 16_384), triangle, 2048);
    compare(&mut group, "birth-death", &models::birth_death().plan(8192), birth_death, 1024);
    compare(&mut group, "dimer", &models::dimer().plan(65_536), dimer, 8192);
    compare(&mut group, "michaelis-menten", &models::michaelis_menten().plan(2048), macros::michaelis_menten, 256);
    compare(&mut group, "vilar", &models::vilar().plan(512), vilar, 8);
    group.finish();
}

criterion_group!(benches, jumps);
criterion_main!(benches);
