use super::*;
use crate::exact::counting::Counting;

/// AB 2, BA 1, BC 3, CB .5, CA 1, AC .2.
fn triangle() -> (Chain, Vec<f64>) {
    (Chain::new(3, vec![0, 1, 1, 2, 2, 0], vec![1, 0, 2, 1, 0, 2]), vec![2.0, 1.0, 3.0, 0.5, 1.0, 0.2])
}

#[test]
fn the_generating_function_of_the_triangle_is_known_and_symmetric() {
    let (chain, rates) = triangle();
    let back = [1, 0, 3, 2, 5, 4];
    let theta = |alpha: f64| {
        let factors: Vec<f64> = (0..6).map(|k| (-alpha * (rates[k] / rates[back[k]]).ln()).exp()).collect();
        growth(&chain, &rates, &factors, &[]).expect("settles").0
    };
    // Independent values.
    for (alpha, value) in [(0.1, -0.147_956_4), (0.5, -0.395_292_5), (-0.1, 0.188_930_8), (1.1, 0.188_930_8), (0.0, 0.0)] {
        assert!((theta(alpha) - value).abs() <= 1e-7, "{alpha}: {}", theta(alpha));
    }
    assert!((theta(0.2) - theta(0.8)).abs() <= 1e-9);
}

#[test]
fn the_second_derivative_of_the_generating_function_is_the_variance_rate() {
    let (chain, rates) = triangle();
    let law = chain.stationary(&rates).expect("irreducible");
    let back = [1, 0, 3, 2, 5, 4];
    let entropy: Vec<f64> = (0..6).map(|k: usize| (rates[k] / rates[back[k]]).ln()).collect();
    let theta = |alpha: f64| {
        let factors: Vec<f64> = entropy.iter().map(|entropy| (-alpha * entropy).exp()).collect();
        growth(&chain, &rates, &factors, &[]).expect("settles").0
    };
    let step = 2e-3;
    let Cumulants { mean, variance: rate, third, error, .. } = long_time(&chain, &rates, &law, std::slice::from_ref(&entropy)).expect("it is solvable")[0];
    assert!(error <= 1e-14, "{error}");
    assert!((mean - 1.677_544_0).abs() <= 1e-6, "{mean}");
    let second = (theta(step) + theta(-step) - 2.0 * theta(0.0)) / (step * step);
    assert!((rate - second).abs() <= 1e-3 * rate, "{rate} {second}");
    let wide = 2e-2;
    let slope = (theta(-2.0 * wide) - 2.0 * theta(-wide) + 2.0 * theta(wide) - theta(2.0 * wide)) / (2.0 * wide.powi(3));
    assert!((third - slope).abs() <= 1e-2 * third.abs(), "{third} {slope}");
    // At long times the variance grows at that rate.
    let at = |time: f64| {
        let mut counting = Counting::start(&chain, &law, |_| 0.0);
        counting.evolve(&rates, &entropy, None, time);
        counting.end(|_| 0.0).expect("it fluctuates").1
    };
    assert!(((at(60.0) - at(50.0)) / 10.0 - rate).abs() <= 1e-8 * rate);
}

#[test]
fn an_equilibrium_has_no_net_mean_beside_its_terms() {
    let (chain, _) = triangle();
    let rates = vec![2.0, 1.0, 3.0, 0.5, 0.3, 3.6];
    let law = chain.stationary(&rates).expect("irreducible");
    let flux = |chain: &Chain, rates: &[f64], law: &[f64]| long_time(chain, rates, law, &[vec![1.0, -1.0, 0.0, 0.0, 0.0, 0.0]]).expect("it is solvable")[0];
    let found = flux(&chain, &rates, &law);
    assert!(found.mean.abs() <= 1e-14 * found.size, "{found:?}");
    // Control: driven by 1 %.
    let driven = vec![2.02, 1.0, 3.0, 0.5, 0.3, 3.6];
    let law = chain.stationary(&driven).expect("irreducible");
    assert!(flux(&chain, &driven, &law).mean.abs() > 1e-4 * found.size);
}

#[test]
fn two_wells_that_seldom_meet_and_states_that_are_cut_off() {
    // Schlögl's model, V = 25: 2 X ⇌ 3 X at 3 and 0.6, ∅ ⇌ X at 0.25 and 2.95, with fewer than `states` of X.
    let theta = |states: u32, alpha: f64| {
        let up = |n: f64| [3.0 * n * (n - 1.0) / 25.0, 0.25 * 25.0];
        let down = |n: f64| [0.6 * n * (n - 1.0) * (n - 2.0) / 625.0, 2.95 * n];
        let (mut from, mut to, mut rates, mut factors) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for n in 0..states - 1 {
            for (ahead, back) in up(f64::from(n)).into_iter().zip(down(f64::from(n + 1))).filter(|(ahead, _)| *ahead > 0.0) {
                from.extend([n, n + 1]);
                to.extend([n + 1, n]);
                rates.extend([ahead, back]);
                factors.extend([(ahead / back).powf(-alpha), (back / ahead).powf(-alpha)]);
            }
        }
        let mut lost = vec![0.0; states as usize];
        lost[states as usize - 1] = up(f64::from(states - 1)).iter().sum();
        growth(&Chain::new(states as usize, from, to), &rates, &factors, &lost).expect("settles").0
    };
    // Largest eigenvalues of full matrices by LAPACK.
    for (alpha, value) in [(0.1, -0.179_642_198_93), (0.25, -0.286_647_877_515), (0.5, -0.333_330_138_513), (0.75, -0.286_647_877_515)] {
        assert!((theta(120, alpha) - value).abs() <= 1e-9, "{alpha}: {}", theta(120, alpha));
        assert!((theta(240, alpha) - value).abs() <= 1e-9, "{alpha}: {}", theta(240, alpha));
    }
}
