//! rebop's compiled macro on the models of `compare.py`: `peers_rebop MODEL TRAJECTORIES SEED` prints one JSON object.
//!
//! Events are counted only where the model carries counters (the triangle); elsewhere the script compares the observable.

#![allow(clippy::print_stdout, reason = "a script reads what this prints")]
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
    birth death;
    BirthDeath { X }
    r1: X => 2 X @ birth
    r2: X => @ death
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

/// The observable of a trajectory, and its events where they are counted.
type Run = fn(u64) -> (f64, Option<f64>);

/// Net steps from A to B.
fn triangle(seed: u64) -> (f64, Option<f64>) {
    let mut p = Triangle::new();
    p.seed(seed);
    (p.ab, p.ba, p.bc, p.cb, p.ca, p.ac, p.A) = (2.0, 1.0, 3.0, 0.5, 1.0, 0.2, 1);
    p.advance_until(100.0);
    ((p.nab - p.nba) as f64, Some((p.nab + p.nba + p.nbc + p.ncb + p.nca + p.nac) as f64))
}

/// The number at the end.
fn birth_death(seed: u64) -> (f64, Option<f64>) {
    let mut p = BirthDeath::new();
    p.seed(seed);
    (p.birth, p.death, p.X) = (0.1, 0.11, 100);
    p.advance_until(50.0);
    (p.X as f64, None)
}

/// The substrate at the end.
fn michaelis_menten(seed: u64) -> (f64, Option<f64>) {
    let mut p = MichaelisMenten::new();
    p.seed(seed);
    (p.c1, p.c2, p.c3, p.S, p.E) = (0.0017, 0.5, 0.1, 301, 120);
    p.advance_until(100.0);
    (p.S as f64, None)
}

/// The repressor at the end, looked at once a unit of time.
fn vilar(seed: u64) -> (f64, Option<f64>) {
    let mut v = Vilar::new();
    v.seed(seed);
    (v.alphaA, v.alphapA, v.alphaR, v.alphapR, v.betaA, v.betaR) = (50.0, 500.0, 0.01, 50.0, 50.0, 5.0);
    (v.deltaMA, v.deltaMR, v.deltaA, v.deltaR) = (10.0, 0.5, 1.0, 0.2);
    (v.gammaA, v.gammaR, v.gammaC, v.thetaA, v.thetaR, v.Da, v.Dr) = (1.0, 1.0, 2.0, 50.0, 100.0, 1, 1);
    (1..=20).for_each(|k| v.advance_until(f64::from(k)));
    (v.R as f64, None)
}

const MODELS: [(&str, Run); 4] = [("triangle", triangle), ("birth-death", birth_death), ("michaelis-menten", michaelis_menten), ("vilar", vilar)];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = match arguments.as_slice() {
        [model, trajectories, seed] => {
            let run = MODELS.iter().find(|(name, _)| name == model).map(|(_, run)| *run);
            run.zip(trajectories.parse::<u64>().ok()).zip(seed.parse::<u64>().ok())
        }
        _ => None,
    };
    let Some(((run, trajectories), seed)) = given else {
        println!("for benches/peers/compare.py: MODEL TRAJECTORIES SEED");
        return;
    };
    let (mut sum, mut squares, mut events) = (0.0, 0.0, Some(0.0));
    for trajectory in 0..trajectories {
        let (value, fired) = run((seed << 32) + trajectory);
        sum += value;
        squares += value * value;
        events = events.zip(fired).map(|(all, more)| all + more);
    }
    let n = trajectories as f64;
    let mean = sum / n;
    let error = ((squares / n - mean * mean).max(0.0) / (n - 1.0)).sqrt();
    let events = events.map_or_else(|| "null".to_owned(), |events| events.to_string());
    println!("{{\"mean\": {mean}, \"error\": {error}, \"events\": {events}}}");
}
