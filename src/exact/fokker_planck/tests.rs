//! The Fokker–Planck solver against closed forms and published numbers.

use std::f64::consts::TAU;

use super::*;
use crate::exact::ring::Ring;

const STILL: &dyn Fn(f64, f64) -> f64 = &|_, _| 0.0;

fn problem<'a>(range: (f64, f64), ends: Ends, initial: Start<'a>, saves: &'a [f64]) -> Problem<'a> {
    Problem {
        lower: range.0,
        upper: range.1,
        ends,
        bath: Bath::Uniform { friction: 1.0, temperature: 1.0 },
        potential: STILL,
        drive: STILL,
        moving: false,
        initial,
        start: 0.0,
        saves,
        breaks: &[],
        cells: 256,
        time_steps: 128,
    }
}

/// Fails unless the value is within `tolerance` of the expected one, and says by how much; NaN fails.
#[track_caller]
fn near(found: Numeric, expected: f64, tolerance: f64) {
    let difference = (found.value - expected).abs();
    assert!(difference <= tolerance, "{found:?} is not {expected} within {tolerance}: off by {difference:e}");
    assert!(found.error.is_finite() && difference <= 3.0 * found.error + 2e-8, "off by {difference:e}, but the stated error is {:e}", found.error);
}

#[test]
#[should_panic(expected = "is not")]
fn the_judge_refuses_nan() {
    near(Numeric { value: f64::NAN, error: 1.0 }, 0.0, 1.0);
}

#[test]
#[should_panic(expected = "is not")]
fn the_judge_refuses_three_per_cent() {
    near(Numeric { value: 1.03, error: 1.0 }, 1.0, 1e-3);
}

#[test]
#[should_panic(expected = "the stated error")]
fn the_judge_refuses_a_false_error() {
    near(Numeric { value: 1.0001, error: 1e-6 }, 1.0, 1e-3);
}

#[test]
fn a_narrow_gaussian_relaxes_in_a_trap() {
    // Variance 1 + (s₀² − 1) e^{−2t}, mean x₀ e^{−t}.
    let logarithm = |x: f64| -0.5 * (x - 1.0).powi(2) / 0.09;
    let potential = |x: f64, _: f64| 0.5 * x * x;
    let asked = Problem {
        potential: &potential,
        cells: 512,
        time_steps: 256,
        ..problem((-8.0, 8.0), Ends::Truncated, Start::LogDensity(&logarithm), &[0.0, 0.4, 1.5])
    };
    let snapshots = evolve(&asked).unwrap();
    assert_eq!(snapshots.len(), 3);
    for snapshot in &snapshots {
        let decay = (-snapshot.time).exp();
        let variance = 1.0 - 0.91 * decay * decay;
        near(snapshot.displacement, decay - 1.0, 1e-6);
        near(snapshot.energy, 0.5 * (variance + decay * decay), 1e-6);
        near(snapshot.heat, 0.5 * (0.09 + 1.0 - variance - decay * decay), 1e-6);
        near(snapshot.entropy_system, 0.5 * (variance / 0.09).ln(), 2e-6);
        near(snapshot.displacement_variance, variance + 0.09 - 2.0 * 0.09 * decay, 2e-6);
        assert_eq!((snapshot.work().value, snapshot.entropy_housekeeping.value), (0.0, 0.0));
        let expected = (TAU * variance).powf(-0.5) * (-0.5 * (0.5 - decay).powi(2) / variance).exp();
        assert!((snapshot.density.pdf(0.5) - expected).abs() <= 2e-3 * expected, "{}", snapshot.density.pdf(0.5));
    }
}

#[test]
fn a_dragged_trap_does_the_work_of_the_formula() {
    let logarithm = |x: f64| -0.5 * x * x;
    let potential = |x: f64, t: f64| 0.5 * (x - t).powi(2);
    let asked =
        Problem { potential: &potential, moving: true, cells: 384, ..problem((-7.0, 8.0), Ends::Truncated, Start::LogDensity(&logarithm), &[0.25, 1.0]) };
    let snapshots = evolve(&asked).unwrap();
    for (snapshot, heat) in snapshots.iter().zip([0.004_336_236_286_493_02, f64::NAN]) {
        let t = snapshot.time;
        let lag = 1.0 - (-t).exp();
        near(snapshot.work(), t - lag, 2e-6);
        let heat = if heat.is_nan() { t - lag - 0.5 * lag * lag } else { heat };
        near(snapshot.heat, heat, 2e-6);
        near(snapshot.entropy_total(), heat, 3e-6);
        near(snapshot.displacement, t - lag, 2e-6);
        // Detailed balance at each moment: nothing to keep, and Y is the work over T less the change of free energy (none).
        near(snapshot.hatano_sasa, t - lag, 2e-6);
        assert_eq!(snapshot.entropy_housekeeping.value, 0.0);
        let first_law = snapshot.work().value - snapshot.heat.value - (snapshot.energy.value - 0.5);
        assert!(first_law.abs() <= 1e-7, "{first_law:e}");
    }
}

#[test]
fn the_best_drag_jumps_at_both_ends() {
    // λ from 0 to 5 in unit time: jumps of 5/3 at both ends, work 25/3.
    let logarithm = |x: f64| -0.5 * x * x;
    let place = |t: f64| {
        if t <= 0.0 {
            0.0
        } else if t >= 1.0 {
            5.0
        } else {
            5.0 * (t + 1.0) / 3.0
        }
    };
    let potential = |x: f64, t: f64| 0.5 * (x - place(t)).powi(2);
    let asked = Problem { potential: &potential, moving: true, cells: 384, ..problem((-8.0, 10.0), Ends::Truncated, Start::LogDensity(&logarithm), &[1.0]) };
    near(evolve(&asked).unwrap()[0].work(), 25.0 / 3.0, 2e-5);
}

#[test]
fn a_breathing_trap() {
    for (from, to, work) in [(1.0, 2.0, 0.412_465_798_534_783), (2.0, 1.0, -0.297_269_872_239_893)] {
        let logarithm = |x: f64| -0.5 * from * x * x;
        let potential = |x: f64, t: f64| 0.5 * (from + (to - from) * t) * x * x;
        let asked = Problem { potential: &potential, moving: true, ..problem((-9.0, 9.0), Ends::Truncated, Start::LogDensity(&logarithm), &[1.0]) };
        let snapshot = &evolve(&asked).unwrap()[0];
        near(snapshot.work(), work, 1e-5);
        near(snapshot.hatano_sasa, work - 0.5 * (to / from).ln(), 1e-5);
        if to == 2.0 {
            near(snapshot.heat, 0.313_576_754_715_358, 1e-5);
            near(snapshot.entropy_total(), 0.057_237_287_855_998_8, 1e-5);
        }
    }
}

#[test]
fn steps_of_the_protocol_at_breaks_are_exact_in_time() {
    // The trap jumps from 0 to 1 at t = 0.3, which no even division hits: W = ½.
    let logarithm = |x: f64| -0.5 * x * x;
    let potential = |x: f64, t: f64| 0.5 * (x - if t > 0.3 { 1.0 } else { 0.0 }).powi(2);
    let asked = Problem {
        potential: &potential,
        moving: true,
        breaks: &[0.3],
        time_steps: 64,
        ..problem((-8.0, 8.0), Ends::Truncated, Start::LogDensity(&logarithm), &[1.0])
    };
    let snapshot = &evolve(&asked).unwrap()[0];
    near(snapshot.work(), 0.5, 1e-9);
    let lag = 1.0 - (-0.7f64).exp();
    near(snapshot.displacement, lag, 1e-6);
}

#[test]
fn a_box_fills_up() {
    // Cosine series of the heat kernel between walls, from a point.
    let place = 0.3;
    let snapshots = evolve(&Problem { cells: 128, ..problem((0.0, 1.0), Ends::Walls, Start::Point(place), &[0.05, 4.0]) }).unwrap();
    let mean = |t: f64| {
        let odd = (0..20).map(|k| f64::from(2 * k + 1) * TAU / 2.0);
        0.5 - odd.map(|q| 4.0 / (q * q) * (q * place).cos() * (-q * q * t).exp()).sum::<f64>()
    };
    for snapshot in &snapshots {
        near(snapshot.displacement, mean(snapshot.time) - place, 1e-5);
        assert!(snapshot.entropy_system.value.is_nan());
    }
    assert!(snapshots[1].density.values().iter().all(|value| (value - 1.0).abs() <= 1e-9));
    let flat = &evolve(&problem((0.0, 1.0), Ends::Walls, Start::Uniform(0.0, 0.25), &[4.0])).unwrap()[0];
    near(flat.entropy_system, 4f64.ln(), 2e-3);
    near(flat.displacement, 0.375, 1e-6);
}

fn cosine(height: f64) -> impl Fn(f64, f64) -> f64 {
    move |x, _| height * x.cos()
}

#[test]
fn displacement_on_a_ring_in_its_stationary_state() {
    // V₀, f, velocity; two times; variances of the displacement then.
    let cases = [
        ([2.0, 1.0, 0.351_186_812_074_875], [0.5, 2.0], [0.866_547_450_570_528, 3.220_986_300_428_89]),
        ([1.0, 3.0, 2.848_940_722_000_9], [0.25, 1.0], [0.524_673_857_452_321, 2.283_328_982_090_14]),
        ([2.0, 1.0, 0.351_186_812_074_875], [1.0, 5.0], [1.636_272_288_624_23, 8.272_040_750_951_74]),
    ];
    for ([height, force, velocity], times, variances) in cases {
        let ring = Ring::new(0.0, TAU, 1.0, 1.0, &|x| height * x.sin() + force, 1024).unwrap();
        let (potential, drive) = (cosine(height), move |_: f64, _: f64| force);
        let logarithm = |x: f64| ring.density.ln_pdf(x);
        let asked = Problem { potential: &potential, drive: &drive, ..problem((0.0, TAU), Ends::Periodic, Start::LogDensity(&logarithm), &times) };
        for (snapshot, variance) in evolve(&asked).unwrap().iter().zip(variances) {
            near(snapshot.displacement_variance, variance, 1e-5);
            near(snapshot.displacement, velocity * snapshot.time, 1e-6);
            near(snapshot.work(), force * velocity * snapshot.time, 3e-6);
            near(snapshot.entropy_housekeeping, force * velocity * snapshot.time, 3e-6);
            near(snapshot.entropy_system, 0.0, 1e-6);
        }
    }
}

#[test]
fn a_ring_from_a_uniform_start() {
    // Friction 2 and T = ½, then 1 and 1: total, housekeeping, non-adiabatic entropy.
    let cases = [
        ([2.0, 1.0, 1.0, 1.0], 1.0, [1.519_279_524_222_63, 1.010_269_516_563_16, 0.509_010_007_657_619]),
        ([1.0, 0.25, 2.0, 0.5], 4.0, [0.955_893_287_977_681, 0.270_760_880_223_258, 0.685_132_407_753_328]),
        ([1.5, 0.0, 1.0, 0.8], 1.0, [0.646_541_477_968_281, 0.0, 0.646_541_477_968_281]),
    ];
    for ([height, force, friction, temperature], time, [total, housekeeping, nonadiabatic]) in cases {
        let (potential, drive) = (cosine(height), move |_: f64, _: f64| force);
        let start = Start::Uniform(0.0, TAU);
        let asked = Problem {
            potential: &potential,
            drive: &drive,
            bath: Bath::Uniform { friction, temperature },
            ..problem((0.0, TAU), Ends::Periodic, start, std::slice::from_ref(&time))
        };
        let snapshot = &evolve(&asked).unwrap()[0];
        near(snapshot.entropy_total(), total, 1e-5);
        near(snapshot.entropy_housekeeping, housekeeping, 1e-5);
        let excess = snapshot.entropy_medium.value - snapshot.entropy_housekeeping.value;
        near(Numeric { value: snapshot.entropy_system.value + excess, error: 1e-5 }, nonadiabatic, 1e-5);
    }
}

#[test]
fn a_ring_whose_drive_steps_or_ramps() {
    let potential = cosine(2.0);
    let ring = Ring::new(0.0, TAU, 1.0, 1.0, &|x| 2.0 * x.sin() + 1.0, 1024).unwrap();
    let logarithm = |x: f64| ring.density.ln_pdf(x);
    let drive = |_: f64, t: f64| if t > 0.0 { 3.0 } else { 1.0 };
    let asked = Problem { potential: &potential, drive: &drive, moving: true, ..problem((0.0, TAU), Ends::Periodic, Start::LogDensity(&logarithm), &[1.0]) };
    let step = &evolve(&asked).unwrap()[0];
    near(step.hatano_sasa, 0.200_894_489_029_234, 1e-5);
    near(step.entropy_housekeeping, 5.463_087_664_425_34, 2e-5);
    near(step.entropy_medium, 5.348_933_196_256_76, 2e-5);
    near(step.displacement, 2.109_136_589_650_51, 1e-5);
    near(step.displacement_variance, 2.725_319_200_685_34, 2e-5);
    near(step.work(), 6.327_410_511_085_43, 2e-5);
    near(step.entropy_total(), 5.651_852_513_702_36, 2e-5);
    // Ramp of the drive from 0 to 2 within half a unit of time, from equilibrium.
    let logarithm = |x: f64| -2.0 * x.cos();
    let drive = |_: f64, t: f64| 4.0 * t;
    let asked = Problem { drive: &drive, initial: Start::LogDensity(&logarithm), saves: &[0.5], ..asked };
    let ramp = &evolve(&asked).unwrap()[0];
    near(ramp.hatano_sasa, 0.395_464, 2e-6);
    near(ramp.entropy_housekeeping, 0.249_047, 2e-6);
    near(ramp.entropy_medium, 0.421_183, 2e-6);
    near(ramp.entropy_total(), 0.430_533, 2e-6);
}

#[test]
fn a_ring_whose_barrier_grows_or_that_is_stirred_thrice() {
    let ring = Ring::new(0.0, TAU, 1.0, 1.0, &|x| x.sin() + 1.5, 1024).unwrap();
    let logarithm = |x: f64| ring.density.ln_pdf(x);
    let potential = |x: f64, t: f64| (1.0 + 2.0 * t / 1.5) * x.cos();
    let drive = |_: f64, _: f64| 1.5;
    let base = problem((0.0, TAU), Ends::Periodic, Start::LogDensity(&logarithm), &[1.5]);
    let grown = &evolve(&Problem { potential: &potential, drive: &drive, moving: true, ..base }).unwrap()[0];
    near(grown.hatano_sasa, 0.181_814_469_839_873, 1e-5);
    near(grown.entropy_housekeeping, 2.431_968_293_107_24, 1e-5);
    near(grown.entropy_total(), 2.572_514_853_662_93, 1e-5);
    near(grown.work(), 1.540_460_402_166_05, 1e-5);
    near(grown.displacement_variance, 3.944_920_163_278_94, 1e-5);
    // Drive up to 2 in unit time, held, then both drive and barrier jump at 1.5.
    let logarithm = |x: f64| -x.cos() / 0.8;
    let potential = |x: f64, t: f64| if t < 1.5 { x.cos() } else { 1.5 * x.cos() };
    let drive = |_: f64, t: f64| if t < 1.5 { 2.0 * t.min(1.0) } else { 1.0 };
    let initial = Start::LogDensity(&logarithm);
    let asked = Problem {
        potential: &potential,
        drive: &drive,
        bath: Bath::Uniform { friction: 1.0, temperature: 0.8 },
        moving: true,
        initial,
        saves: &[2.5],
        breaks: &[1.0, 1.5],
        ..base
    };
    let stirred = &evolve(&asked).unwrap()[0];
    near(stirred.hatano_sasa, 0.322_729_806_528_566, 1e-5);
    near(stirred.entropy_housekeeping, 3.747_906_554_042_5, 1e-5);
    near(stirred.entropy_medium, 3.979_857_494_188_43, 1e-5);
    near(stirred.entropy_total(), 4.056_574_381_200_72, 1e-5);
    near(stirred.work(), 3.189_510_846_302_25, 1e-5);
    near(stirred.displacement_variance, 4.591_366_909_794_98, 1e-5);
}

#[test]
fn sabotage_is_seen() {
    // Friction or temperature off by 3 %, the force flipped: each moves the velocity by far more than the tolerance.
    let velocity = |friction: f64, temperature: f64, height: f64, force: f64| {
        let (potential, drive) = (cosine(height), move |_: f64, _: f64| force);
        let saves = [8.0, 9.0];
        let base = problem((0.0, TAU), Ends::Periodic, Start::Point(1.0), &saves);
        let snapshots = evolve(&Problem { potential: &potential, drive: &drive, bath: Bath::Uniform { friction, temperature }, cells: 128, ..base }).unwrap();
        snapshots[1].displacement.value - snapshots[0].displacement.value
    };
    assert!((velocity(1.0, 1.0, 2.0, 2.0) - 1.253_046_4).abs() <= 1e-5, "{}", velocity(1.0, 1.0, 2.0, 2.0));
    assert!((velocity(1.03, 1.0, 2.0, 2.0) - 1.253_046_4).abs() > 1e-2);
    assert!((velocity(1.0, 1.03, 2.0, 2.0) - 1.253_046_4).abs() > 1e-3);
    assert!((velocity(1.0, 1.0, 2.0, -2.0) + 1.253_046_4).abs() <= 1e-5);
}

#[test]
fn bad_problems_are_refused() {
    let base = problem((0.0, 1.0), Ends::Walls, Start::Point(0.5), &[1.0]);
    assert!(matches!(evolve(&Problem { saves: &[1.0, 0.5], ..base }), Err(ExactError::Times { .. })));
    assert!(matches!(evolve(&Problem { saves: &[-1.0], ..base }), Err(ExactError::Times { .. })));
    assert!(matches!(evolve(&Problem { upper: 0.0, ..base }), Err(ExactError::Range { .. })));
    assert!(matches!(evolve(&Problem { bath: Bath::Uniform { friction: 0.0, temperature: 1.0 }, ..base }), Err(ExactError::NotPositive { .. })));
    assert!(matches!(evolve(&Problem { ends: Ends::Truncated, ..base }), Err(ExactError::RangeTooNarrow { .. })));
    assert!(matches!(evolve(&Problem { potential: &|x, _| 1.0 / x, ..base }), Err(ExactError::NotFinite { what: "potential", .. })));
    assert!(matches!(evolve(&Problem { initial: Start::Point(7.0), ..base }), Err(ExactError::Density(_))));
    assert!(evolve(&Problem { saves: &[], ..base }).unwrap().is_empty());
}

fn variance(problem: &Problem<'_>, name: &str) -> Numeric {
    let found = variances(problem).unwrap();
    found.iter().find(|(other, _)| *other == name).unwrap_or_else(|| panic!("no variance of {name}")).1
}

#[test]
fn the_work_of_dragging_has_twice_its_mean_as_variance() {
    let logarithm = |x: f64| -0.5 * x * x;
    let potential = |x: f64, t: f64| 0.5 * (x - t).powi(2);
    let asked =
        Problem { potential: &potential, moving: true, time_steps: 256, ..problem((-7.0, 8.0), Ends::Truncated, Start::LogDensity(&logarithm), &[1.0]) };
    let work = (-1.0f64).exp();
    near(variance(&asked, "work"), 2.0 * work, 2e-5);
    // One temperature and no free energy difference: Y is the work, the heat its entropy.
    near(variance(&asked, "hatano_sasa"), 2.0 * work, 2e-5);
    near(variance(&asked, "entropy_medium"), variance(&asked, "heat").value, 1e-12);
    assert!(variances(&asked).unwrap().iter().all(|(name, _)| *name != "entropy_housekeeping"), "there is no current to keep up");
}

#[test]
fn the_drive_of_a_ring_works_by_its_displacement() {
    let potential = |x: f64, _: f64| 2.0 * x.cos();
    let drive = |_: f64, _: f64| 1.3;
    let logarithm = |x: f64| 0.4 * x.sin();
    let asked = Problem { potential: &potential, drive: &drive, ..problem((0.0, TAU), Ends::Periodic, Start::LogDensity(&logarithm), &[0.7]) };
    let displacement = evolve(&asked).unwrap()[0].displacement_variance.value;
    near(variance(&asked, "work"), 1.3 * 1.3 * displacement, 1e-4);
}
