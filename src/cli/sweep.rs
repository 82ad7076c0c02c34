//! `ness sweep`: the same experiment over a grid of values, one run after the other.

use std::path::PathBuf;
use std::str::FromStr;

use serde::Serialize;

use super::arguments::{Run, Sweep as Arguments};
use super::interrupt::Interrupt;
use super::printing::put_line;
use super::progress::Progress;
use super::table::{Style, SweepRow, sweep_table};
use super::{Failure, choose, load, record, run, verdict};
use crate::backend::Flow;
use crate::output::{self, Destination, Existing, Sweep, SweepAxis, SweepPoint};
use crate::random::seed_of_part;
use crate::results::{Estimate, Judgement, Verdict};
use crate::simulation::{Simulation, contradicts};
use crate::statistics::significance_bound;

/// Most points of a grid.
const MOST_POINTS: usize = 100_000;
/// Estimates shown where the user names none: the first of these that there are, by name or by what comes before a dot.
const SHOWN: [&str; 8] = ["flux", "velocity.", "current.", "heat_rate.", "entropy_production_rate", "delta_F", "work", "mean."];
const MOST_SHOWN: usize = 2;

/// The values of a key on the command line: `KEY=START:END:COUNT` or `KEY=VALUE,VALUE,…`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Over(pub(super) SweepAxis);

impl FromStr for Over {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "expected KEY=START:END:COUNT or KEY=VALUE,VALUE,…, as in T_H=1:4:7 or model.baths=ghost-bond,resample";
        let (key, values) = text.split_once('=').filter(|(key, _)| !key.trim().is_empty()).ok_or(EXPECTED)?;
        let texts = match values.split(':').map(str::trim).collect::<Vec<_>>().as_slice() {
            [start, end, count] => spaced(start, end, count)?,
            [_] => values.split(',').map(|value| value.trim().to_owned()).collect(),
            _ => return Err(EXPECTED.to_owned()),
        };
        if texts.iter().any(String::is_empty) {
            return Err(EXPECTED.to_owned());
        }
        let numbers: Option<Vec<f64>> = texts.iter().map(|text| text.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())).collect();
        Ok(Self(SweepAxis { key: key.trim().to_owned(), texts, numbers }))
    }
}

/// Evenly spaced values, both ends included, each in its shortest form that is exact to 12 digits.
fn spaced(start: &str, end: &str, count: &str) -> Result<Vec<String>, String> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or(format!("`{text}` is not a number"));
    let (start, end) = (number(start)?, number(end)?);
    let count: usize = count.parse().ok().filter(|count| (1..=MOST_POINTS).contains(count)).ok_or(format!("`{count}` is not a number of values"))?;
    if count == 1 && start != end {
        return Err("one value cannot be at both ends; give a larger count, or equal ends".to_owned());
    }
    let value = |index: usize| start + (end - start) * index as f64 / (count - 1).max(1) as f64;
    let shortest = |value: f64| -> String {
        let digits = 12 - value.abs().max(1e-300).log10().floor().clamp(-290.0, 12.0) as i32;
        let scale = 10f64.powi(digits.clamp(0, 300));
        let rounded = (value * scale).round() / scale;
        format!("{}", if rounded.is_finite() { rounded } else { value })
    };
    Ok((0..count).map(|index| shortest(value(index))).collect())
}

/// Runs a sweep; answers the exit code.
pub(super) fn sweep(arguments: &Arguments) -> Result<u8, Failure> {
    let options = &arguments.run;
    let say = |text: &str| {
        if !options.quiet {
            eprintln!("{text}");
        }
    };
    let base = load(&options.changed_experiment())?;
    let axes: Vec<SweepAxis> = arguments.over.iter().map(|over| over.0.clone()).collect();
    let count = axes.iter().try_fold(1usize, |product, axis| product.checked_mul(axis.texts.len()).filter(|count| *count <= MOST_POINTS));
    let Some(count) = count else { return Err(Failure::SweepTooLarge { limit: MOST_POINTS }) };
    if let Some(axis) = axes.iter().enumerate().find_map(|(k, axis)| axes[..k].iter().any(|other| other.key == axis.key).then_some(axis)) {
        return Err(Failure::SweptTwice { key: axis.key.clone() });
    }
    let seed = base.ensemble.seed;
    let empty = |number: usize| SweepPoint { seed: seed_of_part(seed, number as u64), estimates: Vec::new(), theorems: Vec::new() };
    let blank = output::Run::default();
    let mut sweep = Sweep { run: blank, experiment: base.text.clone(), axes, points: (0..count).map(empty).collect(), warnings: Vec::new() };
    let experiments = (0..count).map(|number| load(&point_of(options, &sweep, number).changed_experiment())).collect::<Result<Vec<_>, _>>()?;
    let destination = target(options, &format!("{}-sweep", base.name))?;
    let interrupt = Interrupt::listen().map_err(Failure::Signals)?;
    for (number, experiment) in experiments.into_iter().enumerate() {
        let precision = experiment.ensemble.precision;
        let simulation = Simulation::prepare(experiment)?;
        let (backend, why) = choose::backend(&options.hardware, precision, Some(simulation.plan()))?;
        if number == 0 {
            say(&format!("{}: {} ({why})", backend.describe().backend, backend.describe().device));
        }
        say(&format!("{} ({} of {count}): {}", sweep.label(number), number + 1, simulation.start));
        let mut progress = Progress::new(simulation.work_ahead(), simulation.work_unit(), options.quiet);
        let mut told = 0;
        let outcome = simulation.run(backend.as_ref(), &mut |state| {
            progress.advance(state.steps - told);
            told = state.steps;
            if interrupt.arrived() { Flow::Stop } else { Flow::Continue }
        });
        progress.finish();
        if interrupt.arrived() {
            break;
        }
        let outcome = outcome?;
        for warning in simulation.warnings.iter().chain(&outcome.warnings).filter(|warning| number == 0 || !base.warnings.contains(warning)) {
            say(&format!("warning: {warning}"));
            sweep.warnings.push(format!("{}: {warning}", sweep.label(number)));
        }
        let record = record::of(&simulation, &outcome);
        add(&mut sweep.run, record.run, number == 0);
        (sweep.points[number].estimates, sweep.points[number].theorems) = (outcome.estimates, outcome.theorems);
        if number == 0 {
            // A misspelt name is told before the other points run.
            shown(arguments, &sweep)?;
        }
    }
    (sweep.run.seed, sweep.run.title) = (seed, base.title.clone());
    if sweep.points[0].estimates.is_empty() {
        say("interrupted before the first point was complete: nothing was written");
        return Ok(interrupt.code().unwrap_or(super::FAILED));
    }
    let done = sweep.points.iter().filter(|point| !point.estimates.is_empty()).count();
    let interruption = format!("interrupted after {done} of {count} points");
    sweep.warnings.extend(interrupt.code().map(|_| interruption.clone()));
    destination.write_sweep(&sweep)?;
    report(arguments, &sweep, &destination)?;
    if let Some(code) = interrupt.code() {
        say(&format!("{interruption}; {} holds what they gave", destination.path().display()));
        return Ok(code);
    }
    let (violated, undersampled) = (!violated(&sweep).is_empty(), of(&sweep, Judgement::Undersampled).next().is_some());
    Ok(verdict(violated, undersampled, options.strict))
}

/// The run of one point: the values of the axes are set, and its seed.
fn point_of(options: &Run, sweep: &Sweep, number: usize) -> Run {
    let mut point = options.clone();
    let values = sweep.axes.iter().map(|axis| axis.key.clone()).zip(sweep.place(number).into_iter().map(str::to_owned));
    point.experiment.set.extend(values);
    point.experiment.seed = Some(sweep.points[number].seed);
    point
}

fn target(options: &Run, name: &str) -> Result<Destination, output::OutputError> {
    let existing = if options.force { Existing::Replace } else { Existing::Refuse };
    match &options.output {
        Some(path) => Destination::prepare(path, existing),
        None if options.force => Destination::prepare(&PathBuf::from(format!("{name}.h5")), existing),
        None => run::free(name),
    }
}

/// Times and events of all points together; the rest is that of the first.
fn add(all: &mut output::Run, one: output::Run, first: bool) {
    if first {
        *all = one;
        return;
    }
    let work = all.rate * all.wall_seconds + one.rate * one.wall_seconds;
    all.wall_seconds += one.wall_seconds;
    all.rate = work / all.wall_seconds.max(f64::MIN_POSITIVE);
    all.nonfinite += one.nonfinite;
    all.created_unix = one.created_unix;
}

/// The bound on |z| that all comparisons of the sweep share.
fn bound(sweep: &Sweep) -> f64 {
    let exact = sweep.points.iter().flat_map(|point| &point.estimates).filter(|estimate| estimate.exact.is_some()).count();
    significance_bound(exact + sweep.points.iter().map(|point| point.theorems.len()).sum::<usize>())
}

fn of(sweep: &Sweep, judgement: Judgement) -> impl Iterator<Item = String> {
    let one = move |(number, point): (usize, &SweepPoint)| {
        let label = sweep.label(number);
        let found = point.theorems.iter().filter(|theorem| theorem.verdict == judgement);
        found.map(|theorem| format!("{} [{label}]", theorem.name)).collect::<Vec<_>>()
    };
    sweep.points.iter().enumerate().flat_map(one)
}

/// Estimates and theorems that contradict what is exact.
fn violated(sweep: &Sweep) -> Vec<String> {
    let bound = bound(sweep);
    let one = |(number, point): (usize, &SweepPoint)| {
        let label = sweep.label(number);
        let found = point.estimates.iter().filter(|estimate| contradicts(estimate, bound));
        found.map(|estimate| format!("{} [{label}]", estimate.name)).collect::<Vec<_>>()
    };
    sweep.points.iter().enumerate().flat_map(one).chain(of(sweep, Judgement::Violated)).collect()
}

/// The estimates to show: those asked for, or the first that matter.
fn shown(arguments: &Arguments, sweep: &Sweep) -> Result<Vec<String>, Failure> {
    let all = sweep.estimates();
    if let Some(unknown) = arguments.show.iter().find(|name| !all.contains(name)) {
        let known = all.iter().map(|name| (strsim::jaro_winkler(unknown, name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
        return Err(Failure::NoEstimate { name: unknown.clone(), nearest: known.map(|(_, name)| name.clone()).unwrap_or_default() });
    }
    if !arguments.show.is_empty() {
        return Ok(arguments.show.clone());
    }
    let is = |name: &str, wanted: &str| if wanted.ends_with('.') { name.starts_with(wanted) } else { name == wanted };
    let found: Vec<String> = SHOWN.iter().filter_map(|wanted| all.iter().find(|name| is(name, wanted)).cloned()).take(MOST_SHOWN).collect();
    Ok(if found.is_empty() { all.into_iter().take(MOST_SHOWN).collect() } else { found })
}

#[derive(Serialize)]
struct Object<'a> {
    file: String,
    axes: Vec<serde_json::Value>,
    points: Vec<Point<'a>>,
    violated: &'a [String],
    bound: f64,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct Point<'a> {
    parameters: std::collections::BTreeMap<&'a str, &'a str>,
    seed: u64,
    estimates: &'a [Estimate],
    theorems: &'a [Verdict],
}

fn report(arguments: &Arguments, sweep: &Sweep, destination: &Destination) -> Result<(), Failure> {
    let (file, violated) = (destination.path().display().to_string(), violated(sweep));
    if arguments.run.json {
        let axes = sweep.axes.iter().map(|axis| match &axis.numbers {
            Some(numbers) => serde_json::json!({ "key": axis.key, "values": numbers }),
            None => serde_json::json!({ "key": axis.key, "values": axis.texts }),
        });
        let points = sweep.points.iter().enumerate().map(|(number, of)| Point {
            parameters: sweep.axes.iter().map(|axis| axis.key.as_str()).zip(sweep.place(number)).collect(),
            seed: of.seed,
            estimates: &of.estimates,
            theorems: &of.theorems,
        });
        let object = Object { file, axes: axes.collect(), points: points.collect(), violated: &violated, bound: bound(sweep), warnings: &sweep.warnings };
        put_line!("{}", serde_json::to_string(&object)?);
        return Ok(());
    }
    let names = shown(arguments, sweep)?;
    let rows = names.iter().flat_map(|name| {
        sweep.points.iter().enumerate().filter_map(move |(number, point)| {
            let estimate = point.estimates.iter().find(|estimate| estimate.name == *name)?;
            Some(SweepRow { place: sweep.place(number), estimate })
        })
    });
    let keys: Vec<&str> = sweep.axes.iter().map(|axis| axis.key.as_str()).collect();
    put_line!("{}\n{}", sweep.run.title, sweep_table(&keys, &rows.collect::<Vec<_>>(), Style::of_standard_output()));
    if violated.is_empty() {
        put_line!("Nothing is violated at any point: every |z| is below {:.2}. Written to {file}", bound(sweep));
    } else {
        put_line!("VIOLATED: {} (|z| above {:.2}). Written to {file}", violated.join(", "), bound(sweep));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        text.parse::<Over>().expect("valid").0.texts
    }

    #[test]
    fn values_are_spaced_or_listed() {
        assert_eq!(texts("T_H=1:4:7"), ["1", "1.5", "2", "2.5", "3", "3.5", "4"]);
        assert_eq!(texts("x=0:0.3:4"), ["0", "0.1", "0.2", "0.3"]);
        assert_eq!(texts("x=-1e-7:1e-7:3"), ["-0.0000001", "0", "0.0000001"]);
        assert_eq!(texts("x=5:5:1"), ["5"]);
        assert_eq!(texts("model.baths = ghost-bond , resample"), ["ghost-bond", "resample"]);
        assert_eq!("N=2,4".parse::<Over>().expect("valid").0.numbers, Some(vec![2.0, 4.0]));
        assert_eq!("k=a,b".parse::<Over>().expect("valid").0.numbers, None);
        for wrong in ["T_H", "=1:2:3", "x=1:2", "x=1:2:0", "x=1:2:1", "x=a:2:3", "x=1,,2", "x=1:2:3:4", "x=", "x=1:inf:3"] {
            assert!(wrong.parse::<Over>().is_err(), "{wrong}");
        }
    }
}
