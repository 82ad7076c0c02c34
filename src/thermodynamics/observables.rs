//! The registry of per-trajectory observables, computed on the host in f64 from the columns of a batch.

use crate::plan::Column;

/// A function of the coordinates at one moment.
pub type StateFunction<'a> = &'a (dyn Fn(&[f64]) -> f64 + Sync);

/// What an observable is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Energy.
    Energy,
    /// Entropy, in nats.
    Entropy,
    /// Whatever the coordinates are measured in.
    Length,
}

/// How many times an observable exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Once.
    Run,
    /// Once a bath, where there are several; the name ends in the name of the bath.
    Bath,
    /// Once a coordinate; the name ends in the name of the coordinate.
    Coordinate,
}

/// An entry of the registry.
pub struct Observable {
    /// Name, or what comes before the name of the bath or coordinate.
    pub name: &'static str,
    /// Unit.
    pub unit: Unit,
    /// What it is, in a line.
    pub long_name: &'static str,
    /// How many times it exists.
    pub scope: Scope,
    /// Values of all trajectories; the number is that of the bath or coordinate. `None` where the run does not define it.
    values: fn(&Totals, usize) -> Option<Vec<f64>>,
}

/// Every observable, in the order of the output.
pub static OBSERVABLES: &[Observable] = &[
    Observable {
        name: "work",
        unit: Unit::Energy,
        long_name: "work done on the system by protocol and drives",
        scope: Scope::Run,
        values: |t, _| t.work.clone(),
    },
    Observable { name: "heat", unit: Unit::Energy, long_name: "heat given to all baths", scope: Scope::Run, values: |t, _| t.heat.clone() },
    Observable { name: "heat", unit: Unit::Energy, long_name: "heat given to one bath", scope: Scope::Bath, values: |t, bath| t.bath_heat.get(bath)?.clone() },
    Observable {
        name: "energy_change",
        unit: Unit::Energy,
        long_name: "change of the potential energy",
        scope: Scope::Run,
        values: |t, _| t.energy_change.clone(),
    },
    Observable {
        name: "first_law_residual",
        unit: Unit::Energy,
        long_name: "energy change − work + heat, 0 but for the time step",
        scope: Scope::Run,
        values: |t, _| combine(&combine(&t.energy_change, &t.work, |e, w| e - w), &t.heat, |d, q| d + q),
    },
    Observable {
        name: "entropy_medium",
        unit: Unit::Entropy,
        long_name: "entropy given to the baths, heat over temperature (physical ledger)",
        scope: Scope::Run,
        values: |t, _| t.medium.clone(),
    },
    Observable {
        name: "entropy_medium_path",
        unit: Unit::Entropy,
        long_name: "entropy given to the baths, log-ratio of the discrete steps (path ledger)",
        scope: Scope::Run,
        values: |t, _| t.medium_path.clone(),
    },
    Observable {
        name: "time_step_error",
        unit: Unit::Entropy,
        long_name: "physical minus path ledger of the medium entropy",
        scope: Scope::Run,
        values: |t, _| combine(&t.medium, &t.medium_path, |a, b| a - b),
    },
    Observable {
        name: "entropy_system",
        unit: Unit::Entropy,
        long_name: "change of −ln p along the trajectory",
        scope: Scope::Run,
        values: |t, _| t.system.clone(),
    },
    Observable {
        name: "entropy_total",
        unit: Unit::Entropy,
        long_name: "medium plus system entropy (physical ledger)",
        scope: Scope::Run,
        values: |t, _| combine(&t.medium, &t.system, |a, b| a + b),
    },
    Observable {
        name: "entropy_total_path",
        unit: Unit::Entropy,
        long_name: "medium plus system entropy (path ledger)",
        scope: Scope::Run,
        values: |t, _| combine(&t.medium_path, &t.system, |a, b| a + b),
    },
    Observable {
        name: "work_path",
        unit: Unit::Energy,
        long_name: "energy change + temperature × path entropy: the work for which Jarzynski and Crooks are exact at any time step",
        scope: Scope::Run,
        values: |t, _| {
            let temperature = t.single_temperature?;
            combine(&t.energy_change, &t.medium_path, |e, s| e + temperature * s)
        },
    },
    Observable {
        name: "displacement",
        unit: Unit::Length,
        long_name: "distance covered, turns of a periodic coordinate included",
        scope: Scope::Coordinate,
        values: |t, coordinate| t.displacement.get(coordinate)?.clone(),
    },
];

/// A bath: one temperature, and the coordinates it acts on.
#[derive(Clone, Debug, PartialEq)]
pub struct Bath {
    /// Its name.
    pub name: String,
    /// Its coordinates, by number.
    pub coordinates: Vec<usize>,
}

/// What turns columns into observables. `d` is the number of coordinates.
#[derive(Clone, Copy)]
pub struct Ledger<'a> {
    /// Names of the coordinates; length `d`.
    pub coordinates: &'a [String],
    /// Temperatures of the coordinates, in units of energy; length `d`.
    pub temperatures: &'a [f64],
    /// Periods of the periodic coordinates; length `d`.
    pub periods: &'a [Option<f64>],
    /// The baths; every coordinate belongs to one.
    pub baths: &'a [Bath],
    /// Meaning of the columns of a batch.
    pub columns: &'a [Column],
    /// Potential energy at the initial protocol value.
    pub energy_start: StateFunction<'a>,
    /// Potential energy at the final protocol value, after a last jump.
    pub energy_end: StateFunction<'a>,
    /// `ln p(x, 0)`, where known.
    pub log_density_start: Option<StateFunction<'a>>,
    /// `ln p(x, τ)`, where known.
    pub log_density_end: Option<StateFunction<'a>>,
    /// Work of a protocol move after the last step, at the final position.
    pub end_work: Option<StateFunction<'a>>,
}

/// An observable that this run has.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// Full name.
    pub name: String,
    /// Unit.
    pub unit: Unit,
    /// What it is, in a line.
    pub long_name: &'static str,
}

/// The quantities that observables are made of; `None` where columns, densities or a common temperature are missing.
struct Totals {
    work: Option<Vec<f64>>,
    heat: Option<Vec<f64>>,
    bath_heat: Vec<Option<Vec<f64>>>,
    energy_change: Option<Vec<f64>>,
    medium: Option<Vec<f64>>,
    medium_path: Option<Vec<f64>>,
    system: Option<Vec<f64>>,
    displacement: Vec<Option<Vec<f64>>>,
    single_temperature: Option<f64>,
}

impl Ledger<'_> {
    /// The observables of this run, in registry order.
    pub fn observables(&self) -> Vec<Named> {
        let nothing = vec![Vec::new(); self.columns.len()];
        self.evaluate(&nothing).into_iter().map(|(named, _)| named).collect()
    }

    /// Values `[observable][trajectory]`, in the order of [`Ledger::observables`]; `columns[column][trajectory]` in the order of `self.columns`.
    pub fn compute(&self, columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
        self.evaluate(columns).into_iter().map(|(_, values)| values).collect()
    }

    fn evaluate(&self, columns: &[Vec<f64>]) -> Vec<(Named, Vec<f64>)> {
        let totals = self.totals(columns);
        let mut all = Vec::new();
        for observable in OBSERVABLES {
            let endings: Vec<&str> = match observable.scope {
                Scope::Run => vec![""],
                Scope::Bath if self.baths.len() > 1 => self.baths.iter().map(|bath| bath.name.as_str()).collect(),
                Scope::Bath => Vec::new(),
                Scope::Coordinate => self.coordinates.iter().map(String::as_str).collect(),
            };
            for (number, ending) in endings.into_iter().enumerate() {
                if let Some(values) = (observable.values)(&totals, number) {
                    let name = if ending.is_empty() { observable.name.to_string() } else { format!("{}.{ending}", observable.name) };
                    all.push((Named { name, unit: observable.unit, long_name: observable.long_name }, values));
                }
            }
        }
        all
    }

    fn totals(&self, columns: &[Vec<f64>]) -> Totals {
        let d = self.coordinates.len();
        let column = |wanted: Column| self.columns.iter().position(|column| *column == wanted).and_then(|index| columns.get(index));
        let each = |make: fn(u16) -> Column| (0..d).map(|i| column(make(i as u16))).collect::<Option<Vec<&Vec<f64>>>>();
        let (initial, position, heats) = (each(Column::Initial), each(Column::Position), each(Column::Heat));
        let start = |function: StateFunction| initial.as_ref().map(|x| at(x, function));
        let end = |function: StateFunction| position.as_ref().map(|x| at(x, function));
        let sum_of = |coordinates: &[usize], weight: &dyn Fn(usize) -> f64| {
            let heats = heats.as_ref()?;
            let count = heats.first().map_or(0, |heat| heat.len());
            Some((0..count).map(|trajectory| coordinates.iter().map(|i| heats[*i][trajectory] * weight(*i)).sum()).collect::<Vec<f64>>())
        };
        let everywhere: Vec<usize> = (0..d).collect();
        let work = column(Column::Work).cloned();
        let work = match self.end_work {
            Some(function) => combine(&work, &end(function), |w, more| w + more),
            None => work,
        };
        let system = match (self.log_density_start, self.log_density_end) {
            (Some(first), Some(last)) => combine(&start(first), &end(last), |first, last| first - last),
            _ => None,
        };
        let displacement = |i: usize| {
            let moved = combine(&column(Column::Position(i as u16)).cloned(), &column(Column::Initial(i as u16)).cloned(), |x, x0| x - x0);
            match self.periods[i] {
                Some(period) => combine(&moved, &column(Column::Winding(i as u16)).cloned(), |x, turns| x + turns * period),
                None => moved,
            }
        };
        Totals {
            work,
            heat: sum_of(&everywhere, &|_| 1.0),
            bath_heat: self.baths.iter().map(|bath| sum_of(&bath.coordinates, &|_| 1.0)).collect(),
            energy_change: combine(&end(self.energy_end), &start(self.energy_start), |last, first| last - first),
            medium: sum_of(&everywhere, &|i| 1.0 / self.temperatures[i]),
            medium_path: column(Column::EntropyPath).cloned(),
            system,
            displacement: (0..d).map(displacement).collect(),
            single_temperature: self.single_temperature(),
        }
    }

    /// The temperature, where all coordinates have the same.
    pub fn single_temperature(&self) -> Option<f64> {
        let first = *self.temperatures.first()?;
        self.temperatures.iter().all(|t| *t == first).then_some(first)
    }
}

/// A function of the coordinates, of every trajectory; `coordinates[i][trajectory]`.
fn at(coordinates: &[&Vec<f64>], function: StateFunction) -> Vec<f64> {
    let mut state = vec![0.0; coordinates.len()];
    let count = coordinates.first().map_or(0, |column| column.len());
    (0..count)
        .map(|trajectory| {
            state.iter_mut().zip(coordinates).for_each(|(x, column)| *x = column[trajectory]);
            function(&state)
        })
        .collect()
}

/// Element by element, where both are there.
fn combine(left: &Option<Vec<f64>>, right: &Option<Vec<f64>>, function: impl Fn(f64, f64) -> f64) -> Option<Vec<f64>> {
    let (left, right) = (left.as_ref()?, right.as_ref()?);
    Some(left.iter().zip(right).map(|(a, b)| function(*a, *b)).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const COLUMNS: [Column; 9] = [
        Column::Initial(0),
        Column::Initial(1),
        Column::Position(0),
        Column::Position(1),
        Column::Winding(1),
        Column::Work,
        Column::Heat(0),
        Column::Heat(1),
        Column::EntropyPath,
    ];

    fn with_ledger<T>(temperatures: [f64; 2], columns: &[Column], use_it: impl FnOnce(Ledger) -> T) -> T {
        let names = ["x".to_string(), "y".to_string()];
        let baths = if temperatures[0] == temperatures[1] {
            vec![Bath { name: "bath".into(), coordinates: vec![0, 1] }]
        } else {
            vec![Bath { name: "x".into(), coordinates: vec![0] }, Bath { name: "y".into(), coordinates: vec![1] }]
        };
        use_it(Ledger {
            coordinates: &names,
            temperatures: &temperatures,
            periods: &[None, Some(10.0)],
            baths: &baths,
            columns,
            energy_start: &|x| x[0] * x[0],
            energy_end: &|x| 2.0 * x[0] * x[0] + x[1],
            log_density_start: Some(&|x| -x[0]),
            log_density_end: Some(&|x| -3.0 * x[0]),
            end_work: Some(&|x| x[1]),
        })
    }

    /// One trajectory, (1, 2) → (3, 4) with two turns, and one that failed.
    fn batch() -> Vec<Vec<f64>> {
        [1.0, 2.0, 3.0, 4.0, 2.0, 5.0, 6.0, 8.0, 7.0].into_iter().map(|value| vec![value, if value == 6.0 { f64::NAN } else { 1.0 }]).collect()
    }

    #[test]
    fn values_are_those_of_the_definitions() {
        let found = with_ledger([2.0, 4.0], &COLUMNS, |ledger| {
            let names: Vec<String> = ledger.observables().into_iter().map(|named| named.name).collect();
            names.into_iter().zip(ledger.compute(&batch())).collect::<Vec<_>>()
        });
        let expected = [
            ("work", 9.0),
            ("heat", 14.0),
            ("heat.x", 6.0),
            ("heat.y", 8.0),
            ("energy_change", 21.0),
            ("first_law_residual", 26.0),
            ("entropy_medium", 5.0),
            ("entropy_medium_path", 7.0),
            ("time_step_error", -2.0),
            ("entropy_system", 8.0),
            ("entropy_total", 13.0),
            ("entropy_total_path", 15.0),
            ("displacement.x", 2.0),
            ("displacement.y", 22.0),
        ];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((name, values), (expected_name, value)) in found.iter().zip(expected) {
            assert_eq!((name.as_str(), values[0]), (expected_name, value));
            assert!(
                values.len() == 2
                    && (values[1].is_nan()
                        == (name.starts_with("heat") && name != "heat.y"
                            || ["first_law_residual", "entropy_medium", "time_step_error", "entropy_total"].contains(&name.as_str()))),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_missing_is_left_out() {
        let one_bath = with_ledger([2.0, 2.0], &COLUMNS, |ledger| ledger.compute(&batch()).into_iter().zip(ledger.observables()).collect::<Vec<_>>());
        let work_path = one_bath.iter().find(|(_, named)| named.name == "work_path").expect("one bath");
        assert_eq!(work_path.0[0], 21.0 + 2.0 * 7.0);
        assert!(one_bath.iter().all(|(_, named)| !named.name.starts_with("heat.")));
        let no_path = with_ledger([2.0, 2.0], &COLUMNS[..8], |ledger| ledger.observables());
        assert!(no_path.iter().all(|named| !named.name.contains("path") && named.name != "time_step_error") && no_path.len() == 9, "{no_path:?}");
        let unknown = with_ledger([2.0, 2.0], &COLUMNS, |ledger| Ledger { log_density_end: None, ..ledger }.observables());
        assert!(unknown.iter().all(|named| !named.name.starts_with("entropy_system") && !named.name.starts_with("entropy_total")));
    }

    #[test]
    fn registry_entries_are_distinct_and_described() {
        let mut seen = HashSet::new();
        for observable in OBSERVABLES {
            assert!(seen.insert((observable.name, observable.scope as u8)) && !observable.long_name.is_empty());
        }
    }
}
