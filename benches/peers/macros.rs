//! Models that both benchmarks beside rebop have, as its compiled macro takes them.

#![allow(missing_docs, unreachable_pub, non_snake_case, clippy::too_many_arguments, reason = "what macros make, and names as chemists write them")]

use rebop::define_system;

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

/// Net steps from A to B, and all events, of a walk from A for 100 units of time with these rates.
pub fn triangle(seed: u64, [ab, ba, bc, cb, ca, ac]: [f64; 6]) -> (f64, f64) {
    let mut p = Triangle::new();
    p.seed(seed);
    (p.ab, p.ba, p.bc, p.cb, p.ca, p.ac, p.A) = (ab, ba, bc, cb, ca, ac, 1);
    p.advance_until(100.0);
    ((p.nab - p.nba) as f64, (p.nab + p.nba + p.nbc + p.ncb + p.nca + p.nac) as f64)
}

/// The substrate after 100 units of time.
pub fn michaelis_menten(seed: u64) -> f64 {
    let mut p = MichaelisMenten::new();
    p.seed(seed);
    (p.c1, p.c2, p.c3, p.S, p.E) = (0.0017, 0.5, 0.1, 301, 120);
    p.advance_until(100.0);
    p.S as f64
}

/// The repressor after each of 20 units of time.
pub fn vilar(seed: u64) -> [f64; 20] {
    let mut v = Vilar::new();
    v.seed(seed);
    (v.alphaA, v.alphapA, v.alphaR, v.alphapR, v.betaA, v.betaR) = (50.0, 500.0, 0.01, 50.0, 50.0, 5.0);
    (v.deltaMA, v.deltaMR, v.deltaA, v.deltaR) = (10.0, 0.5, 1.0, 0.2);
    (v.gammaA, v.gammaR, v.gammaC, v.thetaA, v.thetaR, v.Da, v.Dr) = (1.0, 1.0, 2.0, 50.0, 100.0, 1, 1);
    std::array::from_fn(|k| {
        v.advance_until((k + 1) as f64);
        v.R as f64
    })
}
