//! `ness sweep` as a user meets it: the points are the runs that they stand for, and the file is one that `check` reads.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn ness(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ness")).args(arguments).current_dir(folder).output().expect("the program starts")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

const SMALL: [&str; 8] = ["-n", "2000", "--backend", "cpu", "-q", "--set", "protocol.duration=2", "--json"];

#[test]
fn every_point_is_the_run_it_stands_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sweep = ["sweep", "metal-rod", "--over", "T_H=1:2:3", "--over", "model.baths=ghost-bond,resample", "-o", "s.h5"];
    let found = json(&ness(folder.path(), &[&sweep[..], &SMALL].concat()));
    let points = found["points"].as_array().expect("a list");
    assert_eq!(points.len(), 6);
    assert_eq!(found["axes"][0]["values"], serde_json::json!([1.0, 1.5, 2.0]));
    assert!(found["violated"].as_array().is_some_and(Vec::is_empty), "{}", found["violated"]);
    let mut seeds: Vec<u64> = points.iter().filter_map(|point| point["seed"].as_u64()).collect();
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), 6, "every point has random numbers of its own");
    let point = &points[3];
    assert_eq!((&point["parameters"]["T_H"], &point["parameters"]["model.baths"]), (&Value::from("1.5"), &Value::from("resample")));
    let seed = point["seed"].to_string();
    let alone = ["run", "metal-rod", "--set", "T_H=1.5", "--set", "model.baths=resample", "--seed", &seed, "-o", "alone.h5"];
    assert_eq!(json(&ness(folder.path(), &[&alone[..], &SMALL].concat()))["estimates"], point["estimates"]);
    // The file says the same, point by point.
    let checked = json(&ness(folder.path(), &["check", "s.h5", "--json"]));
    let flux = |list: &Value, name: &str| list.as_array().and_then(|list| list.iter().find(|e| e["name"] == name).map(|e| e["value"].clone()));
    assert_eq!(flux(&checked["estimates"], "flux [T_H=1.5, model.baths=resample]"), flux(&point["estimates"], "flux"));
    assert!(flux(&point["estimates"], "flux").is_some());
}

#[test]
fn the_table_shows_the_force_and_the_flux() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output =
        ness(folder.path(), &["sweep", "metal-rod", "--over", "T_H=1,2", "--show", "flux,heat_rate.cold", "-n", "1000", "-q", "--set", "protocol.duration=2"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    for part in ["T_H", "flux", "heat_rate.cold", "exact", "metal-rod-sweep.h5"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(folder.path().join("metal-rod-sweep.h5").exists());
}

#[test]
fn wrong_sweeps_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (arguments, word) in [
        (&["--over", "T_H=1:2"][..], "START:END:COUNT"),
        (&["--over", "T_HH=1:2:3"], "T_H"),
        (&["--over", "T_H=1:2:3", "--over", "T_H=3"], "swept twice"),
        (&["--over", "T_H=1:2:100000", "--over", "T_C=1:2:2"], "too large"),
        (&["--over", "T_H=-1:2:3"], "above 0"),
        (&["--over", "T_H=1,2", "--show", "fluxx", "-n", "200"], "the nearest is `flux`"),
        (&[], "--over"),
    ] {
        let output = ness(folder.path(), &[&["sweep", "metal-rod", "-q", "--set", "protocol.duration=1"][..], arguments].concat());
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(word), "{arguments:?} does not say `{word}`: {message}");
        assert!(!message.contains("panicked"), "{message}");
    }
}
