//! The dragged bead: the native path, compiled from its text file, beside a prototype written by hand for this one model.
//!
//! The prototype knows the model at compile time: one fused loop over lanes with position, work and heat in registers or first-level
//! cache, the same Philox bits and the same polynomials. One core each. The figure to look at is the ratio within a run.

#![allow(missing_docs, unreachable_pub, reason = "criterion's macros make public functions")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ness::backend::cpu::{Cpu, Precision, Tuning};
use ness::backend::{Backend, Flow};
use ness::maths::{LANES, Lanes, Real, box_muller};
use ness::random;

const TRAJECTORIES: u64 = 16_384;
const STEPS: u64 = 1000;

/// Work and heat of a bead in a trap moving at speed 1 (k = γ = T = 1), Euler–Maruyama, `dt = 0.01`.
#[inline(always)]
fn prototype_block<R: Real, const FMA: bool>(first: u64, work: &mut Lanes<R>, heat: &mut Lanes<R>) {
    let dt = 0.01;
    let (mobility, noise, half) = (R::from_f64(dt), R::from_f64((2.0 * dt).sqrt()), R::from_f64(0.5));
    let mut x = Lanes([R::ZERO; LANES]);
    let mut z = [Lanes([R::ZERO; LANES]); 4];
    let mut words = [[0u32; LANES]; 4];
    for step in 0..STEPS {
        let quarter = (step % 4) as usize;
        if quarter == 0 {
            let [w0, w1, w2, w3] = &mut words;
            for l in 0..LANES {
                let w = random::philox([(step / 4) as u32, 0, (first + l as u64) as u32, 0], [1, 0]);
                (w0[l], w1[l], w2[l], w3[l]) = (w[0], w[1], w[2], w[3]);
            }
            let [z0, z1, z2, z3] = &mut z;
            for l in 0..LANES {
                (z0.0[l], z1.0[l]) = box_muller::<R, FMA>(w0[l], w1[l]);
                (z2.0[l], z3.0[l]) = box_muller::<R, FMA>(w2[l], w3[l]);
            }
        }
        let z = &z[quarter];
        let (before, now) = (R::from_f64(step as f64 * dt), R::from_f64((step + 1) as f64 * dt));
        let middle = half * (before + now);
        for l in 0..LANES {
            work.0[l] = (x.0[l] - middle).multiply_add::<FMA>(-mobility, work.0[l]);
            let force = now - x.0[l];
            let displacement = force.multiply_add::<FMA>(mobility, noise * z.0[l]);
            x.0[l] = x.0[l] + displacement;
            heat.0[l] = (half * (force + (now - x.0[l]))).multiply_add::<FMA>(displacement, heat.0[l]);
        }
    }
}

macro_rules! prototype {
    ($module:ident, $features:literal) => {
        #[cfg(target_arch = "x86_64")]
        mod $module {
            use super::*;

            #[target_feature(enable = $features)]
            pub fn run<R: Real>() -> f64 {
                let mut total = 0.0;
                for block in 0..TRAJECTORIES / LANES as u64 {
                    let mut work = Lanes([R::ZERO; LANES]);
                    let mut heat = Lanes([R::ZERO; LANES]);
                    prototype_block::<R, true>(block * LANES as u64, &mut work, &mut heat);
                    total += work.0.iter().chain(&heat.0).map(|v| v.to_f64()).sum::<f64>();
                }
                total
            }
        }
    };
}
prototype!(avx512, "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi1,bmi2");
prototype!(avx2, "avx2,fma,bmi1,bmi2");

/// The prototype, compiled for the fastest instruction set of this processor.
fn prototype<R: Real>() -> f64 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
        {
            // SAFETY: the features were just seen.
            return unsafe { avx512::run::<R>() };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: as above.
            return unsafe { avx2::run::<R>() };
        }
    }
    let mut work = Lanes([R::ZERO; LANES]);
    let mut heat = Lanes([R::ZERO; LANES]);
    let mut total = 0.0;
    for block in 0..TRAJECTORIES / LANES as u64 {
        prototype_block::<R, false>(block * LANES as u64, &mut work, &mut heat);
        total += work.0[0].to_f64();
    }
    total
}

fn dragged_bead(criterion: &mut Criterion) {
    let sets = [
        ("ensemble.trajectories", TRAJECTORIES.to_string()),
        ("protocol.duration", "10".into()),
        ("ensemble.dt", "0.01".into()),
        ("measure.every", "10".into()),
    ];
    let plan = ness::simulation::plan_of("dragged-bead", &sets).expect("the model compiles");
    let mut group = criterion.benchmark_group("dragged bead, one core");
    group.throughput(Throughput::Elements(TRAJECTORIES * STEPS)).sample_size(10);
    group.bench_function("prototype f64", |b| b.iter(prototype::<f64>));
    for (name, precision) in [("ness f64", Precision::F64), ("ness f32", Precision::F32)] {
        let cpu = Cpu::new(precision, Tuning { threads: Some(1), ..Tuning::default() }).expect("threads start");
        group.bench_function(name, |b| b.iter(|| cpu.run(&plan, &mut |_| Flow::Continue).expect("runs")));
    }
    group.bench_function("prototype f32", |b| b.iter(prototype::<f32>));
    group.finish();
}

criterion_group!(benches, dragged_bead);
criterion_main!(benches);
