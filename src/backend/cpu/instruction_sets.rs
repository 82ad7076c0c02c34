//! The kernels, compiled for several instruction sets and chosen at run time.
//!
//! AVX2 and AVX-512 give the same bits (both fuse multiply and add); the baseline of x86-64 does not fuse, and says so
//! in its arithmetic profile.

use super::jump::exchange::{Energies, Rod, Split};
use super::jump::kernels::Weights;
use super::jump::race::{Flags, Pace, Race, Streams};
use super::jump::walk::Graph;
use super::kernels::{LedgerFactors, LinearFactors, NoiseBlock};
use super::surprise::CubicGrid;
use crate::backend::TileMoments;
use crate::expression::Program;
use crate::maths::{LANES, Lanes, Real};
use crate::plan::TILE;

/// All kernels under one name.
mod all {
    pub(super) use super::super::jump::exchange::*;
    pub(super) use super::super::jump::kernels::*;
    pub(super) use super::super::jump::race::*;
    pub(super) use super::super::jump::walk::*;
    pub(super) use super::super::kernels::*;
    pub(super) use super::super::surprise::*;
}

macro_rules! instruction_set {
    ($module:ident, $feature:tt, $fused:literal, $name:literal, { $(fn $kernel:ident($($argument:ident: $type:ty),*);)* }) => {
        mod $module {
            use super::*;
            $(
                # $feature
                #[allow(clippy::too_many_arguments, reason = "the kernels' own signatures")]
                fn $kernel<R: Real>($($argument: $type),*) {
                    all::$kernel::<R, $fused>($($argument),*)
                }
            )*

            pub(super) fn table<R: Real>() -> Kernels<R> {
                Kernels { name: $name, fused: $fused, $($kernel: $kernel::<R>),* }
            }
        }
    };
}

macro_rules! kernel_table {
    ($(fn $kernel:ident($($argument:ident: $type:ty),*);)*) => {
        /// One function per kernel, all for the same instruction set.
        #[derive(Clone, Copy)]
        pub(super) struct Kernels<R: Real> {
            /// Name of the instruction set.
            pub(super) name: &'static str,
            /// Whether multiply and add are fused.
            pub(super) fused: bool,
            $($kernel: unsafe fn($($type),*),)*
        }

        impl<R: Real> Kernels<R> {
            $(
                #[inline(always)]
                #[allow(clippy::too_many_arguments, reason = "the kernels' own signatures")]
                pub(super) fn $kernel(&self, $($argument: $type),*) {
                    // SAFETY: `Kernels::chosen` hands out only tables whose instruction set the processor was seen to have.
                    unsafe { (self.$kernel)($($argument),*) }
                }
            )*
        }
    };
}

macro_rules! kernels {
    ($($body:tt)*) => {
        kernel_table! { $($body)* }
        #[cfg(target_arch = "x86_64")]
        instruction_set!(avx512, [target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi1,bmi2")], true, "AVX-512", { $($body)* });
        #[cfg(target_arch = "x86_64")]
        instruction_set!(avx2, [target_feature(enable = "avx2,fma,bmi1,bmi2")], true, "AVX2", { $($body)* });
        #[cfg(target_arch = "x86_64")]
        instruction_set!(baseline, [inline], false, "SSE2", { $($body)* });
        #[cfg(not(target_arch = "x86_64"))]
        instruction_set!(baseline, [inline], true, "baseline", { $($body)* });
    };
}

kernels! {
    fn normals(block: NoiseBlock, first: u64, out: &mut [Lanes<R>; 4]);
    fn waits(block: NoiseBlock, first: u64, out: &mut [Lanes<R>; 4]);
    fn add_spread(before: &Lanes<R>, after: &Lanes<R>, weight: R, sum: &mut Lanes<R>);
    fn follow_infimum(rise: &Lanes<R>, spread: &Lanes<R>, wait: &Lanes<R>, totals: [&Lanes<f64>; 2], level: &mut Lanes<R>, lowest: &mut Lanes<R>);
    fn program(program: &Program, coordinates: &[Lanes<R>], constants: &[R], row: &[R], registers: &mut [Lanes<R>]);
    fn euler_maruyama(x: &Lanes<R>, force: &Lanes<R>, z: &Lanes<R>, mobility: R, noise: R, displacement: &mut Lanes<R>, next: &mut Lanes<R>);
    fn heun(x: &Lanes<R>, force: &Lanes<R>, predicted: &Lanes<R>, z: &Lanes<R>, mobility: R, noise: R, displacement: &mut Lanes<R>, next: &mut Lanes<R>);
    fn weak_taylor(x: &Lanes<R>, mean: &Lanes<R>, width: &Lanes<R>, z: &Lanes<R>, displacement: &mut Lanes<R>, next: &mut Lanes<R>);
    fn heun_stratonovich(x: &Lanes<R>, mean: &Lanes<R>, width: &Lanes<R>, z: &Lanes<R>, displacement: &mut Lanes<R>, next: &mut Lanes<R>);
    fn exact_linear(x: &Lanes<R>, z: &Lanes<R>, propagator: R, noise: R, offset: R, next: &mut Lanes<R>);
    fn exact_linear_alone(x: &Lanes<R>, z: &Lanes<R>, factors: LinearFactors<R>, next: &mut Lanes<R>, displacement: &mut Lanes<R>, middle: &mut Lanes<R>);
    fn ledger_exact_linear_alone(force: &Lanes<R>, displacement: &Lanes<R>, middle: &Lanes<R>, factors: LinearFactors<R>, heat: &mut Lanes<R>, path: &mut Lanes<R>);
    fn midpoint(x: &Lanes<R>, next: &Lanes<R>, displacement: &mut Lanes<R>, middle: &mut Lanes<R>);
    fn affine(factor: R, x: &Lanes<R>, constant: R, out: &mut Lanes<R>);
    fn add_scaled(factor: R, x: &Lanes<R>, out: &mut Lanes<R>);
    fn add_product(a: &Lanes<R>, b: &Lanes<R>, sum: &mut Lanes<R>);
    fn add_trapezoid(before: &Lanes<R>, after: &Lanes<R>, displacement: &Lanes<R>, sum: &mut Lanes<R>);
    fn correct_trapezoid(before: &Lanes<R>, after: &Lanes<R>, displacement: &Lanes<R>, sum: &mut Lanes<R>);
    fn add_area(before: [&Lanes<R>; 2], after: [&Lanes<R>; 2], sum: &mut Lanes<R>);
    fn add(value: &Lanes<R>, sum: &mut Lanes<R>);
    fn bath(v: &Lanes<R>, z: &Lanes<R>, damping: R, noise: R, after: &mut Lanes<R>);
    fn kinetic_heat(before: &Lanes<R>, after: &Lanes<R>, factor: R, sum: &mut Lanes<R>);
    fn turn(sign: &Lanes<R>, v: &mut Lanes<R>);
    fn add_cubic(x: &Lanes<R>, grid: CubicGrid<R>, cubics: &[R], part: R, sum: &mut Lanes<R>);
    fn add_splines(x: &Lanes<R>, y: &Lanes<R>, grids: [CubicGrid<R>; 2], coefficients: &[R], part: R, sum: &mut Lanes<R>);
    fn ledger_euler_maruyama(before: &Lanes<R>, after: &Lanes<R>, displacement: &Lanes<R>, sign: &Lanes<R>, factors: LedgerFactors<R>, sum: &mut Lanes<R>);
    fn ledger_weak_taylor(z: &Lanes<R>, width: &Lanes<R>, mean_after: &Lanes<R>, width_after: &Lanes<R>, displacement: &Lanes<R>, sign: &Lanes<R>, sum: &mut Lanes<R>);
    fn ledger_euler_maruyama_ito(z: &Lanes<R>, width: &Lanes<R>, slope: &Lanes<R>, drift_after: &Lanes<R>, displacement: &Lanes<R>, sign: &Lanes<R>, sum: &mut Lanes<R>);
    fn fold(x: &mut Lanes<R>, winding: &mut Lanes<R>, lower: R, period: R);
    fn reflect(x: &mut Lanes<R>, sign: &mut Lanes<R>, lower: R, width: R);
    fn flush(partial: &mut Lanes<R>, total: &mut Lanes<f64>);
    fn tile_moments(values: &Lanes<f64>, count: usize, out: &mut [TileMoments; LANES / TILE]);
    fn event_words(streams: &mut Streams, count: u64, words: &mut [[u32; LANES]; 4]);
    fn draw_hazards(words: &[u32; LANES], hazard: &mut Lanes<R>);
    fn draw_times(words: &[u32; LANES], mean: &Lanes<R>, time: &mut Lanes<R>);
    fn draw_choices(words: &[u32; LANES], choice: &mut Lanes<R>);
    fn draw_fresh(words: &[[u32; LANES]; 4], streams: &mut Streams, race: &mut Race<R>);
    fn total(weights: &Weights<R>, pace: &Pace<R>, raw: &mut Lanes<R>, total: &mut Lanes<R>);
    fn race(pace: &Pace<R>, race: &mut Race<R>, attention: &mut Flags, done: &mut u64);
    fn race_segments(pace: &Pace<R>, race: &mut Race<R>, attention: &mut Flags, crossed: &mut Flags, done: &mut u64);
    fn accept(pace: &Pace<R>, total: &Lanes<R>, race: &mut Race<R>, broken: &mut Lanes<R>);
    fn bound(bound: &Lanes<R>, broken: &Lanes<R>, total: &mut Lanes<R>);
    fn choose(weights: &Weights<R>, race: &Race<R>, cumulative: &mut Lanes<R>, index: &mut Lanes<R>);
    fn shift(index: &Lanes<R>, changes: &[(R, R)], counts: &mut Lanes<R>);
    fn count(index: &Lanes<R>, channel: R, sum: &mut Lanes<f64>);
    fn add_where(value: &Lanes<R>, mask: &Lanes<R>, sum: &mut Lanes<f64>);
    fn integrate(counts: &Lanes<R>, elapsed: &Lanes<R>, sum: &mut Lanes<f64>);
    fn integrate_at(value: R, counts: &Lanes<R>, elapsed: &Lanes<R>, sum: &mut Lanes<f64>);
    fn pick(index: &Lanes<R>, channels: &[(R, u16)], weights: &Weights<R>, out: &mut Lanes<R>);
    fn log_ratio(before: &Lanes<R>, after: &Lanes<R>, out: &mut Lanes<R>);
    fn product(a: &Lanes<R>, b: &Lanes<R>, out: &mut Lanes<R>);
    fn difference(after: &Lanes<R>, before: &Lanes<R>, out: &mut Lanes<R>);
    fn turned(now: &Lanes<R>, mask: &Lanes<R>, known: &mut Lanes<R>, out: &mut Lanes<R>);
    fn assign(value: &Lanes<R>, mask: &Lanes<R>, counts: &mut Lanes<R>);
    fn walk(graph: &Graph<R>, words: &[u32; LANES], event: &Lanes<R>, state: &mut [u32; LANES], edge: &mut [u32; LANES], pause: &mut Lanes<R>);
    fn count_edge(which: u32, edge: &[u32; LANES], count: &mut [u32; LANES]);
    fn count_packed(edge: &[u32; LANES], packed: &mut [u32; LANES]);
    fn unpack(which: u32, packed: &[u32; LANES], count: &mut [u32; LANES]);
    fn count_edges(slots: &[u32], edge: &[u32; LANES], counts: &mut [[u32; LANES]]);
    fn add_dwells(state: &[u32; LANES], elapsed: &Lanes<R>, sums: &mut [[f64; LANES]]);
    fn add_dwell(slots: &[u32], state: &[u32; LANES], elapsed: &Lanes<R>, sums: &mut [[f64; LANES]]);
    fn split_words(streams: &Streams, words: &mut [[u32; LANES]; 4]);
    fn exchange(rod: &Rod, choice: &[u32; LANES], split: &Split<R>, event: &Lanes<R>, temperature: &[Lanes<R>; 2], energies: &mut Energies<R>);
    fn add_table(table: &[f64], edge: &[u32; LANES], sum: &mut Lanes<f64>);
}

/// An instruction set that a run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstructionSet {
    /// 512-bit vectors, fused multiply–add.
    Avx512,
    /// 256-bit vectors, fused multiply–add.
    Avx2,
    /// What every processor of this architecture has.
    Baseline,
}

impl InstructionSet {
    /// Those this processor has, the fastest first.
    pub fn available() -> Vec<InstructionSet> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 =
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2");
            let avx512 = avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl");
            if avx512 {
                sets.push(InstructionSet::Avx512);
            }
            if avx2 {
                sets.push(InstructionSet::Avx2);
            }
        }
        sets.push(InstructionSet::Baseline);
        sets
    }
}

impl<R: Real> Kernels<R> {
    /// The table of an instruction set that this processor has; the baseline where it has not.
    pub(super) fn chosen(set: InstructionSet) -> Self {
        if !InstructionSet::available().contains(&set) {
            return baseline::table();
        }
        match set {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => avx512::table(),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => avx2::table(),
            #[allow(unreachable_patterns, reason = "other architectures have the baseline only")]
            _ => baseline::table(),
        }
    }
}
