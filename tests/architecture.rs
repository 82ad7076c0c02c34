//! The rules of the house, read off the sources: imports point downwards, each outside library has its room, files stay small.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the lowest to the highest: a room may use those before it.
const ROOMS: [&str; 20] = [
    "results",
    "random",
    "maths",
    "coordinate",
    "density",
    "surface",
    "expression",
    "sbml",
    "exact",
    "experiment",
    "model",
    "plan",
    "backend",
    "statistics",
    "thermodynamics",
    "output",
    "report",
    "simulation",
    "validation",
    "cli",
];

/// Libraries that only one place may name.
const LIBRARIES: [(&str, &str); 8] = [
    ("plotters", "report"),
    ("wgpu", "backend/gpu"),
    ("hdf5", "output"),
    ("clap", "cli"),
    ("rayon", "backend/cpu"),
    ("indicatif", "cli"),
    ("toml_edit", "experiment"),
    ("roxmltree", "sbml"),
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).expect("the sources are there") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("a readable source");
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found.sort();
    found
}

fn inside(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    path.strip_prefix(root).expect("below src").to_string_lossy().replace('\\', "/")
}

/// The code that ships: without its unit tests and without comments.
fn shipped(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Rooms named after `crate::` (also in `crate::{a, b}`), in order of appearance.
fn rooms_used(code: &str) -> Vec<String> {
    let mut used = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if names.is_empty() {
            let list = rest.trim_start_matches('{').split('}').next().unwrap_or_default();
            used.extend(list.split(',').map(|n| n.trim().split("::").next().unwrap_or_default().to_owned()));
        } else {
            used.push(names);
        }
    }
    used
}

#[test]
fn imports_point_downwards() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let inside = inside(&path);
        let room = inside.split(['/', '.']).next().unwrap_or_default().to_owned();
        let Some(level) = ROOMS.iter().position(|r| *r == room) else {
            assert!(["lib", "main"].contains(&room.as_str()), "{inside} is in no known room");
            continue;
        };
        for used in rooms_used(&shipped(&text)) {
            if let Some(other) = ROOMS.iter().position(|r| *r == used)
                && other > level
            {
                wrong.push(format!("{inside} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "imports that point upwards: {wrong:#?}");
}

#[test]
fn the_reader_of_imports_sees_them() {
    assert_eq!(rooms_used("use crate::plan::Plan;\nuse crate::{random, maths::Real};"), ["plan", "random", "maths"]);
}

#[test]
fn each_outside_library_has_its_room() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let inside = inside(&path);
        for (library, room) in LIBRARIES {
            let ships = !inside.contains("/tests");
            if ships && shipped(&text).contains(&format!("{library}::")) && !inside.starts_with(room) {
                wrong.push(format!("{inside} names {library}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_stay_readable() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| shipped(text).lines().count() > 500)
        .map(|(path, text)| format!("{}: {}", inside(path), text.lines().count()))
        .collect();
    assert!(long.is_empty(), "files over 500 lines: {long:#?}");
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders")).expect("the shaders are there") {
        let path = entry.expect("a readable folder").path();
        let lines = fs::read_to_string(&path).expect("a readable shader").lines().count();
        assert!(lines < 200, "{} has {lines} lines", path.display());
    }
}
