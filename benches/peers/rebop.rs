//! rebop's compiled macro on the models of `compare.py`: `peers_rebop MODEL TRAJECTORIES SEED` prints one JSON object.
//!
//! Events are counted only where the model carries counters (the triangle); elsewhere the script compares the observable.

#![allow(clippy::print_stdout, reason = "a script reads what this prints")]
#![allow(missing_docs, unreachable_pub, non_snake_case, clippy::too_many_arguments, reason = "what macros make, and names as chemists write them")]

use rebop::define_system;

#[path = "macros.rs"]
mod macros;

define_system! {
    birth death;
    BirthDeath { X }
    r1: X => 2 X @ birth
    r2: X => @ death
}

/// The observable of a trajectory, and its events where they are counted.
type Run = fn(u64) -> (f64, Option<f64>);

/// Net steps from A to B.
fn triangle(seed: u64) -> (f64, Option<f64>) {
    let (net, events) = macros::triangle(seed, [2.0, 1.0, 3.0, 0.5, 1.0, 0.2]);
    (net, Some(events))
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
    (macros::michaelis_menten(seed), None)
}

/// The repressor at the end.
fn vilar(seed: u64) -> (f64, Option<f64>) {
    (macros::vilar(seed)[19], None)
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
