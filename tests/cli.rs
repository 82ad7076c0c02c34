//! The program as a user meets it: exit codes, errors, files.

use std::path::Path;
use std::process::{Command, Output};

fn ness(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ness")).args(arguments).current_dir(folder).output().expect("the program starts")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Fails unless the command is refused with a code, and its message says all of `words`.
fn refused(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    let output = ness(folder, arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    for word in words {
        assert!(message.contains(word), "{arguments:?} does not say `{word}`: {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

#[test]
fn wrong_input_is_told_what_is_wrong_and_exits_with_two() {
    let folder = folder();
    let run = |more: &[&'static str]| [&["run", "dragged-bead", "-n", "64", "--backend", "cpu", "-q"], more].concat();
    refused(folder.path(), &["run", "draged-bead"], 2, &["draged-bead", "dragged-bead"]);
    refused(folder.path(), &["run", "missing.toml"], 2, &["missing.toml"]);
    refused(folder.path(), &run(&["--set", "kk=2"]), 2, &["kk"]);
    refused(folder.path(), &run(&["--set", "k=-1"]), 2, &["confine"]);
    refused(folder.path(), &run(&["--set", "T=-1"]), 2, &["temperature"]);
    refused(folder.path(), &run(&["--set", "ensemble.dt=0.03"]), 2, &["dt"]);
    refused(folder.path(), &["run", "dragged-bead", "-n", "0", "--backend", "cpu"], 2, &["trajectories"]);
    refused(folder.path(), &run(&["--set", "model.potential=k*(x - lamda)^2"]), 2, &["lamda", "lambda"]);
    refused(folder.path(), &run(&["--set", "measure.theorems=['crook']"]), 2, &["crook", "crooks"]);
    refused(folder.path(), &run(&["--set", "ensemble.integrator=heun"]), 2, &["path ledger"]);
    refused(folder.path(), &["run", "dragged-bead", "-n", "64", "--device", "no such card"], 2, &["no such card"]);
    refused(folder.path(), &["run", "dragged-bead", "-n", "64", "--device", "0", "--backend", "cpu"], 2, &["leave one of the two out"]);
    refused(folder.path(), &["check", "nothing.h5"], 2, &["nothing.h5"]);
    refused(folder.path(), &["models", "driven-rang"], 2, &["driven-ring"]);
}

#[test]
fn an_output_that_exists_is_kept() {
    let folder = folder();
    let arguments = ["run", "dragged-bead", "-n", "256", "--backend", "cpu", "-q", "-o", "out.h5", "--set", "protocol.duration=1"];
    assert!(ness(folder.path(), &arguments).status.success());
    let before = std::fs::read(folder.path().join("out.h5")).expect("the file is there");
    refused(folder.path(), &arguments, 2, &["out.h5", "--force"]);
    assert_eq!(before, std::fs::read(folder.path().join("out.h5")).expect("still there"));
    assert!(ness(folder.path(), &[arguments.as_slice(), &["--force"]].concat()).status.success());
    refused(folder.path(), &["run", "dragged-bead", "-n", "64", "-q", "-o", "no/such/folder.h5"], 2, &["no/such"]);
}

#[test]
fn a_refined_run_says_so_in_table_json_and_file() {
    let folder = folder();
    let arguments = ["run", "driven-ring", "-n", "512", "--backend", "cpu", "-q", "--set", "protocol.duration=1", "--refine"];
    let output = ness(folder.path(), &[&arguments[..], &["--json", "-o", "ring.h5"]].concat());
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let refined = said["estimates"].as_array().expect("estimates").iter().filter(|e| e["refinement"]["extrapolated"].is_number()).count();
    assert!(refined > 10, "{said}");
    let checked = ness(folder.path(), &["check", "ring.h5", "--json"]);
    let again: serde_json::Value = serde_json::from_slice(&checked.stdout).expect("one JSON object");
    assert_eq!((&said["estimates"], &said["theorems"], &said["warnings"]), (&again["estimates"], &again["theorems"], &again["warnings"]));
    assert!(String::from_utf8_lossy(&ness(folder.path(), &["check", "ring.h5"]).stdout).contains("dt → 0"));
    refused(folder.path(), &["run", "schlogl", "-n", "64", "--refine"], 2, &["no time step", "leave `refine` out"]);
    refused(folder.path(), &["run", "schlogl", "-n", "64", "--refine", "--set", "ensemble.method=tau-leaping"], 2, &["bias of every estimate already"]);
    let swept = ness(
        folder.path(),
        &["sweep", "driven-ring", "--over", "f=1,2", "-n", "256", "--backend", "cpu", "-q", "--json", "--refine", "--set", "protocol.duration=1"],
    );
    let said: serde_json::Value = serde_json::from_slice(&swept.stdout).expect("one JSON object");
    assert!(said["points"][1]["estimates"][0]["refinement"]["order"].is_number(), "{said}");
}

#[test]
fn json_is_one_object_and_check_says_the_same() {
    let folder = folder();
    let output = ness(folder.path(), &["run", "driven-ring", "-n", "512", "--backend", "cpu", "--json", "-o", "ring.h5", "--set", "protocol.duration=1"]);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let again: serde_json::Value = serde_json::from_slice(&ness(folder.path(), &["check", "ring.h5", "--json"]).stdout).expect("one JSON object");
    assert_eq!(said["estimates"], again["estimates"]);
    assert_eq!(said["theorems"], again["theorems"]);
    let names: Vec<&str> = said["estimates"].as_array().expect("a list").iter().filter_map(|e| e["name"].as_str()).collect();
    for name in ["work", "heat", "entropy_medium", "entropy_total", "entropy_production_rate", "velocity.x", "diffusion.x"] {
        assert!(names.contains(&name), "{name} is missing: {names:?}");
    }
    assert_eq!(said["run"]["trajectories"], 512);
    // Without a name of its own, nothing is overwritten: the next free one is taken.
    for _ in 0..2 {
        assert_eq!(ness(folder.path(), &["run", "driven-ring", "-n", "64", "-q", "--backend", "cpu"]).status.code(), Some(0));
    }
    assert!(folder.path().join("driven-ring.h5").exists() && folder.path().join("driven-ring-2.h5").exists());
}

#[test]
fn a_short_burn_in_is_told_by_run_and_again_by_check() {
    let folder = folder();
    let text = "[model]\nkind = 'reactions'\nspecies = { X = 0, A = 10, B = 10 }\nreactions = [{ equation = '0 <-> X', forward = 10.0, reverse = 1.0 }, { equation = '0 <-> A', forward = 10.0, reverse = 1.0 }, { equation = '0 <-> B', forward = 10.0, reverse = 1.0 }]\n[protocol]\nduration = 5.0\n[initial]\ndistribution = 'steady-state'\nburn_in = 1.0\n[ensemble]\ntrajectories = 2048\n";
    std::fs::write(folder.path().join("cold.toml"), text).expect("written");
    let output = ness(folder.path(), &["run", "cold.toml", "--backend", "cpu", "--json", "-q", "-o", "cold.h5"]);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let alarm =
        said["warnings"].as_array().expect("warnings").iter().find_map(|warning| warning.as_str().filter(|text| text.contains("NOT in a steady state")));
    assert!(alarm.is_some_and(|alarm| alarm.contains("`X`") && alarm.contains("initial.burn_in = 1 was too short; about ")), "{said}");
    let again = ness(folder.path(), &["check", "cold.h5"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains(alarm.unwrap_or_default()));
}

#[test]
fn a_run_that_leaves_the_numbers_fails_with_three() {
    let folder = folder();
    let text = "[model]\nkind = 'overdamped'\ncoordinates = ['x']\npotential = 'x^4'\nfriction = 1.0\ntemperature = 1.0\n[protocol]\nduration = 50.0\n[initial]\ndistribution = 'gaussian'\nmean = 0.0\ndeviation = 3.0\n[ensemble]\ntrajectories = 256\ndt = 0.5\nintegrator = 'heun'\n";
    std::fs::write(folder.path().join("wild.toml"), text).expect("written");
    refused(folder.path(), &["run", "wild.toml", "--backend", "cpu", "-q"], 3, &["infinite or NaN", "ensemble.dt"]);
}

#[test]
fn sbml_is_imported_or_refused_with_its_place() {
    let folder = folder();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sbml/dsmts-002-09-l3v1.xml");
    let printed = ness(folder.path(), &["import", fixture, "--duration", "30", "--every", "0.5", "-n", "1e3"]);
    assert_eq!(printed.status.code(), Some(0));
    let text = String::from_utf8(printed.stdout).expect("UTF-8");
    for line in ["propensity = \"Mu*X\"", "at = 25", "duration = 30", "every = 0.5", "trajectories = 1000"] {
        assert!(text.lines().any(|found| found == line), "no `{line}` in\n{text}");
    }
    let to_file = ["import", fixture, "-o", "model.toml"];
    assert_eq!(ness(folder.path(), &to_file).status.code(), Some(0));
    let written = std::fs::read_to_string(folder.path().join("model.toml")).expect("written");
    refused(folder.path(), &to_file, 2, &["model.toml is there already", "--force"]);
    assert_eq!(written, std::fs::read_to_string(folder.path().join("model.toml")).expect("still there"));
    assert_eq!(ness(folder.path(), &["import", fixture, "-o", "model.toml", "--force", "--duration", "5"]).status.code(), Some(0));
    assert!(std::fs::read_to_string(folder.path().join("model.toml")).expect("there").contains("duration = 5\n"));
    refused(folder.path(), &["import", "nothing.xml"], 2, &["nothing.xml"]);
    refused(folder.path(), &["import", fixture, "-o", "no/such/folder.toml"], 2, &["no/such"]);
    refused(folder.path(), &["import", fixture, "--duration=-1"], 2, &["above 0"]);
    let broken = std::fs::read_to_string(fixture).expect("a fixture").replace("<times/>", "<factorial/>");
    std::fs::write(folder.path().join("broken.xml"), broken).expect("written");
    // Wherever an experiment is wanted, an SBML model is imported first.
    for verb in ["import", "run", "plan"] {
        refused(folder.path(), &[verb, "broken.xml"], 2, &["broken.xml:32:15", "<factorial>", "help: supported"]);
    }
}

#[test]
fn the_acceptance_table_runs_and_its_exit_code_says_it_all() {
    let folder = folder();
    let output = ness(folder.path(), &["validate", "breathing", "--quick", "--backend", "cpu", "--json", "-q"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let rows = said["rows"].as_array().expect("rows");
    assert!(rows.iter().any(|row| row["kind"] == "control" && row["verdict"] == "violated"), "{said}");
    assert!(rows.iter().filter(|row| row["kind"] != "control").all(|row| row["verdict"] != "violated"), "{said}");
    refused(folder.path(), &["validate", "perpetual motion"], 2, &["perpetual motion", "breathing trap"]);
}

#[test]
fn a_report_is_one_page_with_figures_and_keeps_what_is_there() {
    let folder = folder();
    for model in ["driven-ring", "triangle-open"] {
        let file = format!("{model}.h5");
        assert!(ness(folder.path(), &["run", model, "-n", "256", "--backend", "cpu", "-q", "-o", &file]).status.success());
        assert!(ness(folder.path(), &["report", &file]).status.success());
        let page = std::fs::read_to_string(folder.path().join(format!("{model}.html"))).expect("the page is there");
        assert!(page.matches("<svg").count() > 5 && page.contains("</html>") && !page.contains("src=") && !page.contains("href="), "{model}");
        refused(folder.path(), &["report", &file], 2, &[&format!("{model}.html"), "--force"]);
    }
    refused(folder.path(), &["report", "nothing.h5"], 2, &["nothing.h5"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_says_so_in_its_file() {
    let folder = folder();
    let mut run = Command::new(env!("CARGO_BIN_EXE_ness"))
        .args(["run", "dragged-bead", "-n", "100000000", "--set", "protocol.duration=1", "--backend", "cpu", "-o", "cut.h5"])
        .current_dir(folder.path())
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    // What it starts from is told just before the signal is listened to and the first batch is begun.
    let mut told = std::io::BufReader::new(run.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.starts_with("start:") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut told, &mut line).expect("text") > 0, "it ended");
    }
    std::thread::sleep(std::time::Duration::from_secs(5));
    let sent = Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut told, &mut rest).expect("text");
    assert_eq!(run.wait().expect("ends").code(), Some(130), "{rest}");
    let check = ness(folder.path(), &["check", "cut.h5"]);
    let warnings = String::from_utf8_lossy(&check.stderr).into_owned() + &String::from_utf8_lossy(&check.stdout);
    assert!(warnings.contains("interrupted after") && warnings.contains("of 100000000 trajectories"), "{warnings}");
}
