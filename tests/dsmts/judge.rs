//! The pass rule of the stochastic test suite, with the width of the sample variance taken from the fourth moment.
//!
//! At every time, with exact mean μ, deviation σ and fourth central moment μ₄, and n trajectories: `Z = √n (x̄ − μ)/σ` and
//! `Y' = √n (S² − σ²)/√(μ₄ − σ⁴)`, S² about the exact mean. (The published `Y = √(n/2) (S²/σ² − 1)` takes counts to be normal: its true
//! deviation is up to 7 instead of 1.) All Z and Y' of all cases are one family with a false alarm of 1e-3; |Z| may be above 3 at three times
//! of a case at most; where σ is 0 the sample must be exact.
//!
//! T. W. Evans, C. S. Gillespie and D. J. Wilkinson, Bioinformatics 24, 285 (2008).

use ness::statistics::significance_bound;

/// Most times of a case at which |Z| may be above [`EXCURSION`].
const MOST_EXCURSIONS: usize = 3;
/// What the suite calls an excursion of Z.
const EXCURSION: f64 = 3.0;

/// Exact moments of a case.
pub(super) struct Case {
    /// Its number, as `001-01`.
    pub(super) name: String,
    /// Times of the rows.
    pub(super) times: Vec<f64>,
    /// What is observed: name and, time by time, mean, deviation and fourth central moment.
    pub(super) observables: Vec<(String, Vec<[f64; 3]>)>,
}

impl Case {
    /// Reads a table `time, A-mean, A-sd, A-mu4, B-mean, …`.
    pub(super) fn read(name: &str) -> Case {
        let path = format!("{}/tests/dsmts/exact/{name}.csv", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
        let rows: Vec<Vec<f64>> = lines.map(|line| line.split(',').map(|cell| cell.parse().expect("a number")).collect()).collect();
        assert!(rows.iter().all(|row| row.len() == header.len()), "{path}: a short row");
        let observable = |column: usize| {
            let names: Vec<&str> =
                ["-mean", "-sd", "-mu4"].iter().enumerate().map(|(i, end)| header[column + i].strip_suffix(end).expect("a column of moments")).collect();
            assert!(names.iter().all(|name| *name == names[0]), "{path}: columns are not in order");
            (names[0].to_owned(), rows.iter().map(|row| [row[column], row[column + 1], row[column + 2]]).collect())
        };
        Case { name: name.to_owned(), times: rows.iter().map(|row| row[0]).collect(), observables: (1..header.len()).step_by(3).map(observable).collect() }
    }

    /// How many Z and Y' it has.
    pub(super) fn comparisons(&self) -> usize {
        2 * self.observables.iter().flat_map(|(_, rows)| rows).filter(|[_, deviation, _]| *deviation > 0.0).count()
    }
}

/// Judges sample means and unbiased sample variances, `[observable][time]`, of `n` trajectories; `family` is the number of comparisons of all
/// cases together. Answers what is wrong.
pub(super) fn judge(case: &Case, means: &[Vec<f64>], variances: &[Vec<f64>], n: u64, family: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    let (bound, count) = (significance_bound(family), n as f64);
    let complete = |table: &[Vec<f64>]| table.len() == case.observables.len() && table.iter().all(|column| column.len() == case.times.len());
    if !complete(means) || !complete(variances) || n < 2 {
        return vec![format!("{}: {} observables at {} times are wanted", case.name, case.observables.len(), case.times.len())];
    }
    let mut excursions = vec![false; case.times.len()];
    for (observable, (name, rows)) in case.observables.iter().enumerate() {
        for (row, &[mean, deviation, fourth]) in rows.iter().enumerate() {
            let place = || format!("{} {name} at {}", case.name, case.times[row]);
            let (sample_mean, sample_variance) = (means[observable][row], variances[observable][row]);
            if deviation == 0.0 {
                if !(sample_mean == mean && sample_variance == 0.0) {
                    wrong.push(format!("{}: {sample_mean} with variance {sample_variance}, exactly {mean} is wanted", place()));
                }
                continue;
            }
            let variance = deviation * deviation;
            let about_exact = sample_variance * (count - 1.0) / count + (sample_mean - mean).powi(2);
            let z = count.sqrt() * (sample_mean - mean) / deviation;
            let y = count.sqrt() * (about_exact - variance) / (fourth - variance * variance).sqrt();
            for (symbol, value) in [("Z", z), ("Y'", y)] {
                if !(value.abs() <= bound) {
                    wrong.push(format!("{}: {symbol} = {value:.2} is beyond {bound:.2}", place()));
                }
            }
            excursions[row] |= !(z.abs() <= EXCURSION);
        }
    }
    let times = excursions.iter().filter(|out| **out).count();
    if times > MOST_EXCURSIONS {
        wrong.push(format!("{}: |Z| is above {EXCURSION} at {times} times, {MOST_EXCURSIONS} are allowed", case.name));
    }
    wrong
}

/// The exact answer, as a sample would give it.
fn exact(case: &Case, n: u64) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let column = |value: &dyn Fn(&[f64; 3]) -> f64| case.observables.iter().map(|(_, rows)| rows.iter().map(value).collect()).collect();
    let unbiased = n as f64 / (n as f64 - 1.0);
    (column(&|[mean, ..]| *mean), column(&|[_, deviation, _]| deviation * deviation * unbiased))
}

/// Family of all cases of the suite.
pub(super) const FAMILY: usize = 39 * 50 * 2;

#[test]
fn the_exact_answer_passes() {
    for name in super::cases() {
        let case = Case::read(&name);
        let (means, variances) = exact(&case, 10_000);
        assert_eq!(judge(&case, &means, &variances, 10_000, FAMILY), Vec::<String>::new());
    }
}

/// Fails unless the judge objects to an exact answer that was spoilt.
fn objected(name: &str, n: u64, spoil: impl Fn(&mut Vec<Vec<f64>>, &mut Vec<Vec<f64>>), word: &str) {
    let case = Case::read(name);
    let (mut means, mut variances) = exact(&case, n);
    spoil(&mut means, &mut variances);
    let wrong = judge(&case, &means, &variances, n, FAMILY);
    assert!(wrong.iter().any(|text| text.contains(word)), "{name}: {wrong:?} does not say `{word}`");
}

#[test]
fn what_is_wrong_does_not_pass() {
    objected("001-01", 10_000, |means, _| means[0][30] = f64::NAN, "Z = NaN");
    objected("001-01", 10_000, |_, variances| variances[0][30] = f64::NAN, "Y' = NaN");
    objected("001-01", 10_000, |means, _| means[0].truncate(50), "51 times");
    objected("001-01", 10_000, |means, _| drop(means.pop()), "1 observables");
    objected("001-01", 1, |_, _| (), "51 times");
    objected("001-01", 10_000, |means, _| means[0][0] = 100.000_001, "exactly 100");
    objected("001-06", 10_000, |_, variances| variances[1][20] = 1e-6, "exactly 0");
    objected("001-01", 100_000, |means, _| means[0].iter_mut().for_each(|mean| *mean *= 1.03), "Z = ");
    objected("001-01", 100_000, |_, variances| variances[0].iter_mut().for_each(|variance| *variance *= 1.03_f64.powi(4)), "Y' = ");
    objected("003-03", 10_000, |means, _| means[0].swap(24, 25), "exactly 100");
}

#[test]
fn excursions_are_counted() {
    let deviation = |case: &Case, row: usize| case.observables[0].1[row][1] / 100.0;
    for (times, fine) in [(3, true), (4, false)] {
        let case = Case::read("002-01");
        let (mut means, variances) = exact(&case, 10_000);
        (10..10 + times).for_each(|row| means[0][row] += 3.5 * deviation(&case, row));
        let wrong = judge(&case, &means, &variances, 10_000, FAMILY);
        assert_eq!(wrong.is_empty(), fine, "{wrong:?}");
    }
}

#[test]
fn moments_are_possible() {
    for name in super::cases() {
        let case = Case::read(&name);
        assert_eq!(case.times, (0..=50).map(f64::from).collect::<Vec<_>>(), "{name}");
        for (observable, rows) in &case.observables {
            for [mean, deviation, fourth] in rows {
                assert!(*mean >= 0.0 && *deviation >= 0.0, "{name} {observable}");
                // Equality only without spread: otherwise Y' has no width.
                assert!((*fourth > deviation.powi(4)) == (*deviation > 0.0), "{name} {observable}");
            }
        }
        assert!(case.comparisons() > 0, "{name}");
    }
}
