//! Files written, read back, refused.

use std::fs;
use std::path::Path;

use hdf5::types::{VarLenArray, VarLenUnicode};
use hdf5::{File, ObjectReference1, ReferencedObject};

use super::schema::{SCHEMA_VERSION, root};
use super::*;
use crate::results::{Bias, Estimate, Judgement, Refinement, Verdict};

fn estimate(name: &str, exact: Option<f64>, source: Option<&str>) -> Estimate {
    Estimate {
        name: name.into(),
        value: 4.0071,
        standard_error: 0.0028,
        effective_samples: 1e6,
        exact,
        z: exact.map(|exact| (4.0071 - exact) / 0.0028),
        unit: "k_B T".into(),
        source: source.map(Into::into),
        bias: exact.map(|_| Bias { value: 0.01, standard_error: 0.02 }),
        refinement: exact.map(|exact| Refinement {
            order: 2,
            difference: 0.03,
            difference_standard_error: 0.04,
            extrapolated: exact + 0.01,
            extrapolated_standard_error: 0.05,
        }),
    }
}

fn verdict(name: &str, verdict: Judgement, advice: &str) -> Verdict {
    Verdict { name: name.into(), value: 1.02, standard_error: 0.01, expected: 1.0, z: 2.0, effective_samples: 5e4, verdict, advice: advice.into() }
}

fn wave(length: usize) -> Vec<f64> {
    (0..length).map(|i| (i as f64).sin().abs()).collect()
}

fn grid(length: usize) -> Vec<f64> {
    (0..length).map(|i| 0.01 * i as f64).collect()
}

fn run() -> Run {
    Run {
        program: "ness 0.1.0".into(),
        title: "Bead dragged by an optical tweezer – été".into(),
        source: "van Zon & Cohen, PRE 67, 046102 (2003)".into(),
        command: "ness run dragged-bead".into(),
        seed: u64::MAX,
        fingerprint: "00ff".into(),
        backend: "cpu".into(),
        device: "a processor".into(),
        driver: "avx2".into(),
        profile: "cpu f64 fma".into(),
        precision: "f64".into(),
        wall_seconds: 1.5,
        rate: 1.25e9,
        trajectories: 4096,
        steps: 1000,
        work_unit: "steps".to_owned(),
        dt: 0.01,
        nonfinite: 2,
        created_unix: 1_767_225_600,
    }
}

fn density(times: Vec<f64>) -> DensityProfile {
    DensityProfile {
        coordinate: "x".into(),
        unit: "m".into(),
        times,
        centres: grid(400),
        states: (0..400).map(|state| format!("state {state}")).collect(),
        counts: vec![10; 1200],
        below: vec![92, 93, 94],
        above: vec![2, 1, 0],
        density: vec![0.25; 1200],
        standard_error: wave(1200),
        mean: wave(400),
        mean_standard_error: wave(400),
        exact: Some(wave(400)),
        exact_in_time: Some(wave(1200)),
    }
}

/// A record with something in every group.
fn sample() -> Record {
    let times = vec![0.0, 0.5, 1.0];
    Record {
        network: None,
        warnings: vec!["the run is NOT in a steady state".into(), "étrange".into()],
        plane: Some(PlaneProfile {
            coordinates: ["x".into(), "y".into()],
            unit: "m".into(),
            centres: [grid(3), grid(4)],
            density: wave(12),
            density_error: wave(12),
            density_exact: Some(wave(12)),
            current: wave(24),
            current_error: wave(24),
            current_exact: None,
        }),
        run: run(),
        experiment: "title = \"bead\"\n[model]\nkind = \"overdamped\"\n".into(),
        wgsl: String::new(),
        estimates: vec![estimate("work", Some(4.0067379), Some("closed form of the file")), estimate("entropy_medium", None, None)],
        theorems: vec![verdict("jarzynski", Judgement::Undersampled, "take 3e9 trajectories"), verdict("integral_total", Judgement::Holds, "")],
        time_unit: "s".into(),
        series: Some(Series {
            times: times.clone(),
            observables: vec![SeriesObservable {
                name: "work".into(),
                long_name: "work done on the system".into(),
                unit: "k_B T".into(),
                mean: wave(3),
                standard_error: wave(3),
                variance: wave(3),
                exact: Some(grid(3)),
            }],
        }),
        densities: vec![density(times)],
        currents: vec![CurrentProfile {
            coordinate: "x".into(),
            unit: "m".into(),
            faces: grid(401),
            current: wave(401),
            standard_error: wave(401),
            exact: None,
        }],
        distributions: vec![Distribution {
            name: "work".into(),
            long_name: "work done on the system".into(),
            unit: "k_B T".into(),
            centres: grid(50),
            counts: vec![80; 50],
            reversed: Some(Reversed { counts: vec![70; 50], scale: 0.5 }),
            density: vec![2.0; 50],
            underflow: 50,
            overflow: 44,
        }],
        generating_function: Some(GeneratingFunction { alphas: grid(5), values: wave(5), error: grid(5), exact: vec![f64::INFINITY; 5] }),
        trajectories: vec![TrajectoryColumn { name: "work".into(), long_name: "work at the end".into(), unit: "k_B T".into(), values: vec![0.25; 100_000] }],
    }
}

fn write(path: &Path, record: &Record) {
    Destination::prepare(path, Existing::Refuse).unwrap().write(record).unwrap();
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_written_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.h5");
    let record = sample();
    write(&path, &record);
    let expected = Summary {
        run: record.run.clone(),
        experiment: record.experiment.clone(),
        wgsl: record.wgsl.clone(),
        estimates: record.estimates.clone(),
        theorems: record.theorems.clone(),
        warnings: record.warnings.clone(),
    };
    assert_eq!(read(&path).unwrap(), expected);
    assert_eq!(names_in(folder.path()), ["run.h5"]);
    let created = File::open(&path).unwrap().attr(root::CREATED).unwrap().read_scalar::<VarLenUnicode>().unwrap();
    assert_eq!(created.as_str(), "2026-01-01T00:00:00Z");
}

#[test]
fn what_can_be_drawn_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.h5");
    write(&path, &sample());
    let found = profiles(&path).unwrap();
    let [work] = found.series.as_slice() else { panic!("{:?}", found.series) };
    assert_eq!((work.name.as_str(), &work.exact), ("work", &Some(grid(3))));
    let [course] = found.courses.as_slice() else { panic!("{:?}", found.courses) };
    assert!(course.times == [0.0, 0.5, 1.0] && course.x == grid(400) && course.states[399] == "state 399");
    assert_eq!(course.exact.as_ref().unwrap().concat(), wave(1200));
    assert!(course.rows == vec![vec![0.25; 400]; 3] && course.errors.concat() == wave(1200));
    let [distribution] = found.distributions.as_slice() else { panic!("{:?}", found.distributions) };
    assert_eq!((&distribution.counts, &distribution.reversed), (&vec![80; 50], &Some((vec![70; 50], 0.5))));
    let function = found.generating_function.unwrap();
    assert!(function.x == grid(5) && function.y == wave(5) && function.error == Some(grid(5)) && function.exact == Some(vec![f64::INFINITY; 5]));
    assert_eq!(swept(&path).unwrap(), None);
}

#[test]
fn a_sweep_is_read_back_over_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.h5");
    let axis = |key: &str, texts: [&str; 2]| SweepAxis {
        key: key.into(),
        texts: texts.map(str::to_owned).to_vec(),
        numbers: texts.iter().map(|text| text.parse().ok()).collect(),
    };
    let point = |k: u8| SweepPoint {
        seed: u64::from(k),
        estimates: vec![
            Estimate { value: f64::from(k), ..estimate("work", Some(0.5), None) },
            Estimate { value: -f64::from(k), ..estimate("heat", None, None) },
        ],
        theorems: Vec::new(),
    };
    // `value` is a name that a variable of the group has already.
    let axes = vec![axis("value", ["1", "2.5"]), axis("kind", ["one", "two"])];
    let sweep = Sweep { run: run(), experiment: String::new(), axes: axes.clone(), points: (0..4).map(point).collect(), warnings: Vec::new() };
    Destination::prepare(&path, Existing::Refuse).unwrap().write_sweep(&sweep).unwrap();
    let found = swept(&path).unwrap().unwrap();
    assert_eq!(found.axes, axes);
    let [work, heat] = found.estimates.as_slice() else { panic!("{:?}", found.estimates) };
    assert_eq!((work.name.as_str(), work.values.as_slice(), work.exact.as_slice()), ("work", &[0.0, 1.0, 2.0, 3.0][..], &[0.5; 4][..]));
    assert!(heat.values == [0.0, -1.0, -2.0, -3.0] && heat.exact.iter().all(|exact| exact.is_nan()) && heat.unit == "k_B T");
}

#[test]
fn a_run_that_found_nothing_is_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.h5");
    write(&path, &Record { run: run(), ..Record::default() });
    let summary = read(&path).unwrap();
    assert!(summary.estimates.is_empty() && summary.theorems.is_empty());
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second, other] = ["a.h5", "b.h5", "c.h5"].map(|name| folder.path().join(name));
    let mut changed = sample();
    changed.estimates[0].value += 1e-15;
    for (path, record) in [(&first, &sample()), (&second, &sample()), (&other, &changed)] {
        write(path, record);
    }
    assert!(fs::read(&first).unwrap() == fs::read(&second).unwrap());
    assert!(fs::read(&first).unwrap() != fs::read(&other).unwrap());
}

#[test]
fn variables_know_their_dimensions_and_dimensions_their_variables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.h5");
    write(&path, &sample());
    let file = File::open(&path).unwrap();
    for (variable, dimensions) in [
        ("/estimates/value", vec!["/estimates/estimate"]),
        ("/theorems/verdict", vec!["/theorems/theorem"]),
        ("/series/work_variance", vec!["/series/time"]),
        ("/density/x/density", vec!["/density/x/time", "/density/x/x"]),
        ("/density/x/density_mean", vec!["/density/x/x"]),
        ("/current/x/current", vec!["/current/x/x_face"]),
        ("/density/x.y/density_exact", vec!["/density/x.y/x", "/density/x.y/y"]),
        ("/current/x.y/current", vec!["/current/x.y/component", "/current/x.y/x", "/current/x.y/y"]),
        ("/distributions/work/counts", vec!["/distributions/work/work"]),
        ("/trajectories/work", vec!["/trajectories/trajectory"]),
    ] {
        let lists = file.dataset(variable).unwrap().attr("DIMENSION_LIST").unwrap().read_raw::<VarLenArray<ObjectReference1>>().unwrap();
        let found: Vec<String> = lists
            .iter()
            .map(|list| match file.dereference(&list[0]).unwrap() {
                ReferencedObject::Dataset(scale) => scale.name(),
                other => panic!("{variable} points at {other:?}"),
            })
            .collect();
        assert_eq!(found, dimensions, "{variable}");
    }
    let users = |scale: &str| file.dataset(scale).unwrap().attr("REFERENCE_LIST").unwrap().size();
    assert_eq!((users("/series/time"), users("/density/x/time"), users("/density/x/x")), (4, 6, 8));
}

#[test]
fn a_coordinate_may_have_the_name_of_a_variable() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["time", "density", "counts", "density_mean", "current"] {
        let path = folder.path().join(name);
        let mut record = sample();
        record.densities[0].coordinate = name.into();
        record.currents[0].coordinate = name.into();
        record.plane = record.plane.map(|plane| PlaneProfile { coordinates: [name.into(), "component".into()], ..plane });
        write(&path, &record);
        assert!(File::open(&path).unwrap().group("density").unwrap().link_exists(name));
    }
}

#[test]
fn large_variables_are_chunked_and_compressed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.h5");
    write(&path, &sample());
    let work = File::open(&path).unwrap().dataset("/trajectories/work").unwrap();
    assert_eq!(work.chunk(), Some(vec![1 << 16]));
    assert!(work.storage_size() < 100_000, "{} bytes for 100,000 equal numbers", work.storage_size());
}

#[test]
fn an_existing_file_is_left_alone_unless_it_may_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.h5");
    fs::write(&path, "precious").unwrap();
    let refused = Destination::prepare(&path, Existing::Refuse).unwrap_err();
    assert!(matches!(refused, OutputError::Exists { .. }) && refused.to_string().contains("--force"), "{refused}");
    let destination = Destination::prepare(&path, Existing::Replace).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    assert_eq!(names_in(folder.path()), ["run.h5"]);
    destination.write(&sample()).unwrap();
    assert_eq!(read(&path).unwrap().run, run());
}

#[test]
fn a_file_that_appears_during_the_run_costs_neither_itself_nor_the_results() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.h5");
    let destination = Destination::prepare(&path, Existing::Refuse).unwrap();
    fs::write(&path, "precious").unwrap();
    let OutputError::Appeared { kept, .. } = destination.write(&sample()).unwrap_err() else { panic!("the file was replaced") };
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    assert_eq!(read(&kept).unwrap().run, run());
}

#[test]
fn a_record_that_contradicts_itself_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.h5");
    let mut record = sample();
    record.densities[0].density.pop();
    let error = Destination::prepare(&path, Existing::Refuse).unwrap().write(&record).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/density/x/density has 1199 values where its dimensions ask for 1200; this is a bug of ness: please report it with the experiment"
    );
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn places_that_cannot_be_written_are_refused_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let prepare = |path: &Path| Destination::prepare(path, Existing::Refuse).unwrap_err();
    assert!(matches!(prepare(&folder.path().join("no/such/run.h5")), OutputError::NoFolder { .. }));
    assert!(matches!(prepare(folder.path()), OutputError::NotAFile { .. }));
    assert!(matches!(prepare(&folder.path().join("x".repeat(300))), OutputError::NotWritable { .. }));
}

#[test]
fn foreign_and_broken_files_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    write(&place("good.h5"), &sample());
    let bytes = fs::read(place("good.h5")).unwrap();
    fs::write(place("text.h5"), "work = 4").unwrap();
    fs::write(place("short.h5"), &bytes[..bytes.len() / 2]).unwrap();
    File::create(place("foreign.h5")).unwrap();
    fs::copy(place("good.h5"), place("newer.h5")).unwrap();
    let newer = File::open_rw(place("newer.h5")).unwrap();
    newer.attr(root::SCHEMA).unwrap().write_scalar(&(SCHEMA_VERSION + 1)).unwrap();
    newer.close().unwrap();
    fs::copy(place("good.h5"), place("torn.h5")).unwrap();
    let torn = File::open_rw(place("torn.h5")).unwrap();
    torn.group("theorems").unwrap().unlink("z").unwrap();
    torn.close().unwrap();

    let error = |name: &str| read(&place(name)).unwrap_err();
    assert!(matches!(error("absent.h5"), OutputError::NotFound { .. }));
    assert!(matches!(error("text.h5"), OutputError::NotHdf5 { .. }));
    assert!(matches!(read(folder.path()).unwrap_err(), OutputError::NotHdf5 { .. }));
    assert!(matches!(error("short.h5"), OutputError::Damaged { .. }));
    assert!(matches!(error("torn.h5"), OutputError::Damaged { .. }));
    assert!(matches!(error("foreign.h5"), OutputError::NotNess { .. }));
    let newer = error("newer.h5");
    assert!(matches!(&newer, OutputError::NewerSchema { found, .. } if *found == SCHEMA_VERSION + 1), "{newer}");
    assert!(newer.to_string().contains("use a newer ness"), "{newer}");
}
