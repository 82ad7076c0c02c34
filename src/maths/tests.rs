use super::*;

/// Largest error in units in the last place of the wanted value, over points spread evenly (or geometrically) from `lower` to `upper`;
/// infinite if any value is wrong by NaN. Near zeros of the sine `floor` is the smallest magnitude whose unit counts.
fn worst<R: Real>(f: impl Fn(R) -> R, wanted: impl Fn(f64) -> f64, (lower, upper): (f64, f64), epsilon: f64, floor: f64) -> f64 {
    let geometric = lower > 0.0 && upper / lower > 100.0;
    let errors = (0..4001).map(|i| {
        let part = f64::from(i) / 4000.0;
        let x = R::from_f64(if geometric { lower * (upper / lower).powf(part) } else { lower + (upper - lower) * part });
        let exact = wanted(x.to_f64());
        let unit = epsilon * 2f64.powf(exact.abs().max(floor).log2().floor());
        let error = (f(x).to_f64() - exact).abs() / unit;
        if error.is_nan() { f64::INFINITY } else { error }
    });
    errors.fold(0.0, f64::max)
}

macro_rules! check {
    ($name:ident, $wanted:expr, $range:expr, $units:expr) => {
        for (precision, found) in [
            ("f64 fused", worst(super::$name::<f64, true>, $wanted, $range, f64::EPSILON, 1e-6)),
            ("f64", worst(super::$name::<f64, false>, $wanted, $range, f64::EPSILON, 1e-6)),
            ("f32 fused", worst(super::$name::<f32, true>, $wanted, $range, f64::from(f32::EPSILON), 1e-2)),
            ("f32", worst(super::$name::<f32, false>, $wanted, $range, f64::from(f32::EPSILON), 1e-2)),
        ] {
            assert!(found <= $units, "{} in {precision} on {:?}: {found} units", stringify!($name), $range);
        }
    };
}

#[test]
fn functions_are_as_accurate_as_promised() {
    check!(sin, f64::sin, (-10.0, 10.0), 2.5);
    check!(sin, f64::sin, (-300.0, 300.0), 2.5);
    check!(cos, f64::cos, (-10.0, 10.0), 2.5);
    check!(cos, f64::cos, (-300.0, 300.0), 2.5);
    check!(tan, f64::tan, (-10.0, 10.0), 4.0);
    check!(asin, f64::asin, (-1.0, 1.0), 4.0);
    check!(acos, f64::acos, (-1.0, 1.0), 4.0);
    check!(atan, f64::atan, (-10.0, 10.0), 2.5);
    check!(atan, f64::atan, (1e-3, 1e6), 2.5);
    check!(exp, f64::exp, (-80.0, 80.0), 2.0);
    check!(log, f64::ln, (1e-6, 1e6), 2.0);
    check!(log, f64::ln, (0.5, 2.0), 2.0);
    check!(sinh, f64::sinh, (-20.0, 20.0), 4.0);
    check!(cosh, f64::cosh, (-20.0, 20.0), 3.0);
    check!(tanh, f64::tanh, (-12.0, 12.0), 4.0);
    let large = worst(sin::<f64, false>, f64::sin, (-1e5, 1e5), f64::EPSILON, 1e-6);
    assert!(large <= 2.5, "{large}");
    for power in [-2.5, -1.0, 0.3, 3.0, 7.7] {
        let wide = worst(|x| pow::<f64, false>(x, power), |x| x.powf(power), (1e-4, 1e4), f64::EPSILON, 0.0);
        let narrow = worst(|x| pow::<f32, true>(x, power as f32), |x| x.powf(f64::from(power as f32)), (1e-4, 1e4), f64::from(f32::EPSILON), 0.0);
        assert!(wide <= 2.0 && narrow <= 2.0, "power {power}: {wide}, {narrow}");
    }
}

#[test]
fn the_judge_can_fail() {
    let units = |f: fn(f64) -> f64| worst(f, f64::sin, (-3.0, 3.0), f64::EPSILON, 1e-6);
    assert!(units(sin::<f64, true>) <= 2.5);
    assert!(units(|x| sin::<f64, true>(x) * (1.0 + 1e-15)) > 2.5);
    assert!(units(|x| -sin::<f64, true>(x)) > 2.5);
    assert!(units(|x| if x > 2.9 { f64::NAN } else { x.sin() }) > 2.5);
}

#[test]
fn special_values_come_out_special() {
    fn check<R: Real, const FMA: bool>() {
        let all = [sin::<R, FMA>, cos::<R, FMA>, tan::<R, FMA>, exp::<R, FMA>, log::<R, FMA>, tanh::<R, FMA>, sinh::<R, FMA>];
        assert!(all.iter().all(|f| f(R::NAN).is_nan()));
        assert!([cosh::<R, FMA>, asin::<R, FMA>, acos::<R, FMA>, atan::<R, FMA>].iter().all(|f| f(R::NAN).is_nan()));
        let of = R::from_f64;
        let (one, infinity) = (R::ONE, R::INFINITY);
        assert!(exp::<R, FMA>(of(800.0)) == infinity && exp::<R, FMA>(infinity) == infinity && exp::<R, FMA>(-infinity) == R::ZERO);
        assert!(exp::<R, FMA>(R::ZERO) == one && exp::<R, FMA>(of(-800.0)) == R::ZERO);
        assert!(log::<R, FMA>(R::ZERO) == -infinity && log::<R, FMA>(infinity) == infinity && log::<R, FMA>(-one).is_nan());
        assert!(sinh::<R, FMA>(-infinity) == -infinity && cosh::<R, FMA>(-infinity) == infinity && tanh::<R, FMA>(-infinity) == -one);
        assert!(sin::<R, FMA>(infinity).is_nan() && sin::<R, FMA>(of(1e30)).abs() <= one && cos::<R, FMA>(of(-1e30)).abs() <= one);
        assert!(asin::<R, FMA>(of(1.5)).is_nan() && acos::<R, FMA>(of(-1.5)).is_nan());
        let power = |x: f64, y: f64| pow::<R, FMA>(of(x), of(y));
        assert!(power(-2.0, 3.0) == of(-8.0) && power(-2.0, 2.0) == of(4.0) && power(-2.0, 0.5).is_nan());
        assert!(power(0.0, 2.0) == R::ZERO && power(0.0, -2.0) == infinity && power(0.0, 0.0) == one && power(f64::NAN, 0.0) == one);
        assert!(power(2.0, 2000.0) == infinity && power(2.0, -2000.0) == R::ZERO && power(f64::INFINITY, -1.0) == R::ZERO && power(1.0, f64::NAN) == one);
        assert!(R::NAN.min(one).is_nan() && one.min(R::NAN).is_nan() && R::NAN.max(one).is_nan() && one.max(R::NAN).is_nan());
    }
    check::<f64, true>();
    check::<f64, false>();
    check::<f32, true>();
    check::<f32, false>();
}

#[test]
fn noise_is_the_inverse_of_its_law() {
    for i in 0..20_000u32 {
        let word = i.wrapping_mul(0x9E37_79B9) ^ (i >> 3);
        let exact = -((f64::from(word) + 0.5) / 4_294_967_296.0).ln();
        let wide = negative_log_uniform::<f64, true>(word);
        assert!((wide / exact - 1.0).abs() <= 3e-11, "word {word}: {wide} for {exact}");
        let narrow = f64::from(negative_log_uniform::<f32, false>(word));
        assert!((narrow - exact).abs() <= 2e-7 + 2e-7 * exact, "word {word}: {narrow} for {exact}");
        let angle = f64::from(word as i32) / 2_147_483_648.0 * std::f64::consts::FRAC_PI_4;
        let (mut cosine, mut sine) = (angle.cos(), angle.sin());
        cosine = if word & 1 == 1 { -cosine } else { cosine };
        (cosine, sine) = if word & 2 == 2 { (sine, cosine) } else { (cosine, sine) };
        let wide = uniform_angle::<f64, false>(word);
        assert!((wide.0 - cosine).abs() <= 1e-11 && (wide.1 - sine).abs() <= 1e-11, "word {word}: {wide:?}");
        let narrow = uniform_angle::<f32, true>(word);
        assert!((f64::from(narrow.0) - cosine).abs() <= 2e-7 && (f64::from(narrow.1) - sine).abs() <= 2e-7, "word {word}: {narrow:?}");
    }
    for word in [0, 1, u32::MAX] {
        let radius = negative_log_uniform::<f32, true>(word);
        assert!((0.0..=23.0).contains(&radius), "{radius}");
    }
}
