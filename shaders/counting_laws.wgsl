// Poisson and binomial numbers from a stream of words; equal in law to those of src/backend/cpu/jump/leaps.rs, not in bits.
//
// Small means by inversion, large ones by Hörmann's transformed rejection (Insurance: Math. Econ. 12, 39 (1993); J. Stat. Comput. Simul. 46, 101 (1993)),
// with probabilities by Loader's deviances, which keep their digits where factorials would not. Numbers are counted from the mean, so that large ones are not rounded.
// Needs: bindings.wgsl noise.wgsl philox.wgsl mul_wide_halves.wgsl maths.wgsl

// Words 0 and 1 of the counter of the next block, words of the present one, and how many are used.
var<private> draw_counter: vec2<u32>;
var<private> draw_words: vec4<u32>;
var<private> draws_used: u32;

// The words of an advance for a purpose (in place for word 1), from a block of it on.
fn start_draws(purpose: u32, advance: u32, block: u32) {
    draw_counter = vec2<u32>((advance << 16u) | (block & 0xffffu), purpose | (advance >> 16u));
    draws_used = 4u;
}

fn draw_word() -> u32 {
    if (draws_used == 4u) {
        draw_words = philox(vec4<u32>(draw_counter, trajectory), vec2<u32>(dispatch.key_low, dispatch.key_high));
        draw_counter.x += 1u;
        draws_used = 0u;
    }
    let word = draw_words[draws_used];
    draws_used += 1u;
    return word;
}

// Uniform in (0, 1); all of its digits are exact.
fn draw_uniform() -> f32 {
    return (f32(draw_word() >> 9u) + 0.5) * 1.1920929e-7f;
}

// k ln(k/mean) + mean - k for a difference k - mean.
fn deviance(k: f32, mean: f32, difference: f32) -> f32 {
    let v = difference / (k + mean);
    let q = v * v;
    let near = difference * v + 2.0 * k * v * q * fma(fma(fma(0.11111111, q, 0.14285715), q, 0.2), q, 0.33333334);
    let far = select(mean, k * ness_log(k / mean) - difference, k > 0.0);
    return select(far, near, abs(v) < 0.1);
}

// ln n! beyond Stirling's formula sqrt(2 pi n) (n/e)^n, for n of 1 and more.
fn stirling_rest(n: f32) -> f32 {
    let one = 1.0 / max(n, 1.0);
    let q = one * one;
    return one * fma(fma(fma(-0.0005952381, q, 0.0007936508), q, -0.0027777778), q, 0.083333336);
}

// ln of the part of 1/n! that Stirling's formula has besides powers: -ln sqrt(2 pi n) - rest; 0 for n = 0.
fn inverse_root(n: f32) -> f32 {
    return select(0.0, -0.5 * ness_log(6.2831855 * max(n, 1.0)) - stirling_rest(n), n > 0.0);
}

fn poisson(mean: f32) -> f32 {
    if (!(mean > 0.0)) {
        return 0.0;
    }
    if (mean < 10.0) {
        var left = draw_uniform();
        var probability = ness_exp(-mean);
        var k = 0.0;
        while (left > probability && k < 100.0) {
            left -= probability;
            k += 1.0;
            probability *= mean / k;
        }
        return k;
    }
    let b = 0.931 + 2.53 * sqrt(mean);
    let a = -0.059 + 0.02483 * b;
    let inverse = 1.1239 + 1.1328 / (b - 3.4);
    let accepted = 0.9277 - 3.6224 / (b - 2.0);
    let whole = floor(mean);
    let rest = mean - whole;
    for (var round = 0u; round < 1000u; round++) {
        let u = draw_uniform() - 0.5;
        let v = draw_uniform();
        let us = 0.5 - abs(u);
        let step = floor((2.0 * a / us + b) * u + rest + 0.43);
        let k = whole + step;
        if (us >= 0.07 && v <= accepted) {
            return k;
        }
        if (k < 0.0 || (us < 0.013 && v > us)) {
            continue;
        }
        let height = ness_log(v * inverse / (a / (us * us) + b));
        if (height <= inverse_root(k) - deviance(k, mean, step - rest)) {
            return k;
        }
    }
    return whole;
}

// ln of the probability of k of n, each of probability p = 1 - q; `difference` is k - n p.
fn log_binomial(k: f32, n: f32, p: f32, difference: f32) -> f32 {
    let q = 1.0 - p;
    return inverse_root(k) + inverse_root(n - k) - inverse_root(n) - deviance(k, n * p, difference) - deviance(n - k, n * q, -difference);
}

// How many of `count` fall into a part of at most one half.
fn minor_binomial(count: f32, part: f32) -> f32 {
    let mean = count * part;
    let other = 1.0 - part;
    if (mean < 10.0) {
        // ln(1 - p), of small p with all its digits.
        let series = -part * fma(part, fma(part, fma(part, 0.25, 0.33333334), 0.5), 1.0);
        var probability = ness_exp(count * select(ness_log(other), series, part < 0.01));
        var left = draw_uniform();
        let odds = part / other;
        var k = 0.0;
        while (left > probability && k < min(count, 100.0)) {
            left -= probability;
            k += 1.0;
            probability *= odds * (count - k + 1.0) / k;
        }
        return k;
    }
    let spread = sqrt(mean * other);
    let b = 1.15 + 2.53 * spread;
    let a = -0.0873 + 0.0248 * b + 0.01 * part;
    let alpha = (2.83 + 5.1 / b) * spread;
    let accepted = 0.92 - 4.2 / b;
    let whole = floor(mean);
    let rest = mean - whole;
    let mode = floor(rest + part);
    let summit = log_binomial(whole + mode, count, part, mode - rest);
    for (var round = 0u; round < 1000u; round++) {
        let u = draw_uniform() - 0.5;
        let v = draw_uniform();
        let us = 0.5 - abs(u);
        let step = floor((2.0 * a / us + b) * u + rest + 0.5);
        let k = whole + step;
        if (k < 0.0 || k > count) {
            continue;
        }
        if (us >= 0.07 && v <= accepted) {
            return k;
        }
        let height = ness_log(v * alpha / (a / (us * us) + b));
        if (height <= log_binomial(k, count, part, step - rest) - summit) {
            return k;
        }
    }
    return whole;
}

// How many of `count` fall into a part.
fn binomial(count: f32, part: f32) -> f32 {
    if (part >= 1.0) {
        return count;
    }
    if (!(count > 0.0) || !(part > 0.0)) {
        return 0.0;
    }
    let minor = minor_binomial(count, min(part, 1.0 - part));
    return select(minor, count - minor, part > 0.5);
}
