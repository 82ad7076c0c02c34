//! Jump processes: the native path beside `rebop`'s compiled macro, one core each, on the same models over the same time.
//!
//! Throughput is in events: every run's own mean number of events. The figure to look at is the ratio within a run.

#![allow(missing_docs, unreachable_pub, non_snake_case, clippy::too_many_arguments, reason = "what macros make, and names as chemists write them")]

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use ness::backend::cpu::{Cpu, Precision, Tuning};
use ness::backend::{Backend, Event, Flow};
use ness::plan::Plan;
use rebop::define_system;

#[path = "../tests/jump/models.rs"]
mod models;

define_system! {
    ab ba bc cb ca ac;
    Triangle { A, B, C, nab, nba, nbc, ncb, nca, nac }
    r1: A => B + nab @ ab
    r2: B => A + nba @ ba
    r3: B => C + nbc @ bc
    r4: C => B + ncb @ cb
    r5: C => A + nca @ ca
    r6: A => C + nac @ ac
}
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
define_system! {
    c1 c2 c3;
    MichaelisMenten { S, E, SE, P }
    on: S + E => SE @ c1
    off: SE => S + E @ c2
    make: SE => P + E @ c3
}
define_system! {
    alphaA alphapA alphaR alphapR betaA betaR deltaMA deltaMR deltaA deltaR gammaA gammaR gammaC thetaA thetaR;
    Vilar { Da, Dr, Dpa, Dpr, Ma, Mr, A, R, C }
    r1: Da + A => Dpa @ gammaA
    r2: Dr + A => Dpr @ gammaR
    r3: Dpa => Da + A @ thetaA
    r4: Dpr => Dr + A @ thetaR
    r5: Da => Da + Ma @ alphaA
    r6: Dr => Dr + Mr @ alphaR
    r7: Dpa => Dpa + Ma @ alphapA
    r8: Dpr => Dpr + Mr @ alphapR
    r9: Ma => Ma + A @ betaA
    r10: Mr => Mr + R @ betaR
    r11: A + R => C @ gammaC
    r12: C => R @ deltaA
    r13: Ma => @ deltaMA
    r14: Mr => @ deltaMR
    r15: A => @ deltaA
    r16: R => @ deltaR
}

fn triangle(seed: u64) -> f64 {
    let mut p = Triangle::new();
    p.seed(seed);
    [p.ab, p.ba, p.bc, p.cb, p.ca, p.ac] = models::TRIANGLE.map(|edge| edge.2);
    p.A = 1;
    p.advance_until(100.0);
    (p.nab + p.nba + p.nbc + p.ncb + p.nca + p.nac) as f64
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

fn michaelis_menten(seed: u64) -> f64 {
    let mut p = MichaelisMenten::new();
    p.seed(seed);
    (p.c1, p.c2, p.c3, p.S, p.E) = (0.0017, 0.5, 0.1, 301, 120);
    p.advance_until(100.0);
    p.S as f64
}

fn vilar(seed: u64) -> f64 {
    let mut v = Vilar::new();
    v.seed(seed);
    (v.alphaA, v.alphapA, v.alphaR, v.alphapR, v.betaA, v.betaR) = (50.0, 500.0, 0.01, 50.0, 50.0, 5.0);
    (v.deltaMA, v.deltaMR, v.deltaA, v.deltaR) = (10.0, 0.5, 1.0, 0.2);
    (v.gammaA, v.gammaR, v.gammaC, v.thetaA, v.thetaR, v.Da, v.Dr) = (1.0, 1.0, 2.0, 50.0, 100.0, 1, 1);
    let mut sum = 0.0;
    for k in 1..=20 {
        v.advance_until(f64::from(k));
        sum += (v.A + v.R) as f64;
    }
    sum
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
    compare(&mut group, "michaelis-menten", &models::michaelis_menten().plan(2048), michaelis_menten, 256);
    compare(&mut group, "vilar", &models::vilar().plan(512), vilar, 8);
    group.finish();
}

criterion_group!(benches, jumps);
criterion_main!(benches);
