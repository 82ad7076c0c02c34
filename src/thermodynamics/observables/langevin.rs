//! From the columns of a Langevin batch to totals.

use super::{Bath, Named, Names, Totals, combine};
use crate::plan::Column;

/// A function of the coordinates at one moment.
pub type StateFunction<'a> = &'a (dyn Fn(&[f64]) -> f64 + Sync);

/// What turns columns into observables. `d` is the number of coordinates.
#[derive(Clone, Copy)]
pub struct Ledger<'a> {
    /// Names of the coordinates; length `d`.
    pub coordinates: &'a [String],
    /// Masses of underdamped dynamics, whose state is coordinates and velocities: length `d`; otherwise empty.
    pub masses: &'a [f64],
    /// Temperatures of the coordinates, in units of energy; length `d`.
    pub temperatures: &'a [f64],
    /// Periods of the periodic coordinates; length `d`.
    pub periods: &'a [Option<f64>],
    /// The baths; every coordinate belongs to one.
    pub baths: &'a [Bath],
    /// Meaning of the columns of a batch.
    pub columns: &'a [Column],
    /// Measured time.
    pub duration: f64,
    /// Energy at the initial protocol value.
    pub energy_start: StateFunction<'a>,
    /// Energy at the final protocol value, after a last jump.
    pub energy_end: StateFunction<'a>,
    /// `ln p(x, 0)`, where known.
    pub log_density_start: Option<StateFunction<'a>>,
    /// `ln p(x, τ)`, where known.
    pub log_density_end: Option<StateFunction<'a>>,
    /// Work of a protocol move after the last step, at the final position.
    pub end_work: Option<StateFunction<'a>>,
    /// `−ln p_ss` at both ends of the protocol, and what its moves did to it, where known.
    pub surprise: Option<SurpriseEnds<'a>>,
    /// True for a run in a steady state.
    pub steady: bool,
}

/// `φ = −ln p_ss` at both ends of the protocol, up to a common constant.
#[derive(Clone, Copy)]
pub struct SurpriseEnds<'a> {
    /// At the initial protocol value.
    pub first: StateFunction<'a>,
    /// At the final protocol value, after a last jump.
    pub last: StateFunction<'a>,
    /// How the moves in between are known.
    pub moves: SurpriseMoves<'a>,
    /// True where no current flows in any of the steady states: then all that the medium gains is excess.
    pub flowless: bool,
}

/// How Hatano and Sasa's `Y` is known.
#[derive(Clone, Copy)]
pub enum SurpriseMoves<'a> {
    /// The protocol does not move.
    None,
    /// `(W − ΔF)/T`.
    Work {
        /// `1/T`.
        inverse_temperature: f64,
        /// `ΔF`.
        free_energy: f64,
    },
    /// [`Column::Surprise`], and a move after the last step.
    Summed(Option<StateFunction<'a>>),
}

impl Ledger<'_> {
    /// Observables and their values, in registry order; `columns[column][trajectory]` in the order of `self.columns`.
    pub fn evaluate(&self, columns: &[Vec<f64>]) -> Vec<(Named, Vec<f64>)> {
        let several = |bath: &&Bath| self.baths.len() > 1 && !bath.name.is_empty();
        let names = Names {
            baths: self.baths.iter().filter(several).map(|bath| bath.name.clone()).collect(),
            coordinates: self.coordinates.to_vec(),
            planes: self.pairs().map(|(_, [i, j])| format!("{}.{}", self.coordinates[i], self.coordinates[j])).collect(),
            ..Names::default()
        };
        self.totals(columns).observables(&names)
    }

    /// The columns that hold the area enclosed in the plane of two coordinates, and which those are.
    fn pairs(&self) -> impl Iterator<Item = (usize, [usize; 2])> {
        self.columns.iter().enumerate().filter_map(|(index, column)| match column {
            Column::Circulation(i, j) => Some((index, [usize::from(*i), usize::from(*j)])),
            _ => None,
        })
    }

    fn totals(&self, columns: &[Vec<f64>]) -> Totals {
        let d = self.coordinates.len();
        let column = |wanted: Column| self.columns.iter().position(|column| *column == wanted).and_then(|index| columns.get(index));
        let state = d + self.masses.len();
        let each = |make: fn(u16) -> Column, count: usize| (0..count).map(|i| column(make(i as u16))).collect::<Option<Vec<&Vec<f64>>>>();
        let (initial, position, heats) = (each(Column::Initial, state), each(Column::Position, state), each(Column::Heat, d));
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
        let surprise_change = self.surprise.as_ref().and_then(|ends| combine(&end(ends.last), &start(ends.first), |last, first| last - first));
        let moves = self.surprise.as_ref().and_then(|ends| match ends.moves {
            SurpriseMoves::None => surprise_change.as_ref().map(|change| vec![0.0; change.len()]),
            SurpriseMoves::Work { inverse_temperature, free_energy } => {
                work.as_ref().map(|work| work.iter().map(|w| inverse_temperature * (w - free_energy)).collect())
            }
            SurpriseMoves::Summed(None) => column(Column::Surprise).cloned(),
            SurpriseMoves::Summed(Some(function)) => combine(&column(Column::Surprise).cloned(), &end(function), |sum, more| sum + more),
        });
        let medium = column(Column::EntropyMedium).cloned().or_else(|| sum_of(&everywhere, &|i| 1.0 / self.temperatures[i]));
        let medium_path = column(Column::EntropyPath).cloned();
        let flowless = self.surprise.as_ref().is_some_and(|ends| ends.flowless);
        let excess = if flowless { medium.clone() } else { combine(&moves, &surprise_change, |y, change| y - change) };
        Totals {
            housekeeping: combine(&medium, &excess, |medium, excess| medium - excess),
            housekeeping_path: combine(&medium_path, if flowless { &medium_path } else { &excess }, |medium, excess| medium - excess),
            excess,
            hatano_sasa: moves,
            symmetric: self.steady,
            work,
            heat: sum_of(&everywhere, &|_| 1.0),
            bath_heat: self.baths.iter().map(|bath| sum_of(&bath.coordinates, &|_| 1.0)).collect(),
            energy: end(self.energy_end),
            energy_change: combine(&end(self.energy_end), &start(self.energy_start), |last, first| last - first),
            medium,
            medium_path,
            system,
            displacement: (0..d).map(displacement).collect(),
            circulation: self.pairs().map(|(index, _)| Some(columns.get(index)?.iter().map(|area| area / self.duration).collect())).collect(),
            single_temperature: self.single_temperature(),
            heat_path: column(Column::HeatPath).cloned(),
            infimum: column(Column::Infimum).cloned(),
            so_far: column(Column::EntropySoFar).cloned(),
            ..self.motion(&column)
        }
    }

    /// Where coordinates are at the end, and how fast.
    fn motion<'c>(&self, column: &dyn Fn(Column) -> Option<&'c Vec<f64>>) -> Totals {
        let d = self.coordinates.len();
        let place = |i: usize| column(Column::Position(i as u16));
        // Phases are measured from the origin, as in formulas.
        let wave = |i: usize, function: fn(f64) -> f64| {
            let period = self.periods[i]?;
            Some(place(i)?.iter().map(|x| function(std::f64::consts::TAU * x / period)).collect::<Vec<f64>>())
        };
        let places = Totals {
            // An overdamped coordinate that comes round is told by its phase.
            end_position: (0..d).map(|i| place(i).filter(|_| !self.masses.is_empty() || self.periods[i].is_none()).cloned()).collect(),
            cosine: (0..d).map(|i| wave(i, f64::cos)).collect(),
            sine: (0..d).map(|i| wave(i, f64::sin)).collect(),
            ..Totals::default()
        };
        if self.masses.is_empty() {
            return places;
        }
        let square = |i: usize| Some(place(d + i)?.iter().map(|v| self.masses[i] * v * v).collect::<Vec<f64>>());
        let twice = (0..d).map(square).reduce(|sum, more| combine(&sum, &more, |a, b| a + b)).flatten();
        Totals {
            kinetic_energy: twice.map(|sum| sum.into_iter().map(|sum| 0.5 * sum).collect()),
            kinetic_temperature: (0..d).map(square).collect(),
            end_velocity: (0..d).map(|i| place(d + i).cloned()).collect(),
            ..places
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::OBSERVABLES;
    use super::*;

    fn named(ledger: &Ledger) -> Vec<Named> {
        ledger.evaluate(&vec![Vec::new(); ledger.columns.len()]).into_iter().map(|(named, _)| named).collect()
    }

    const COLUMNS: [Column; 10] = [
        Column::Initial(0),
        Column::Initial(1),
        Column::Position(0),
        Column::Position(1),
        Column::Winding(1),
        Column::Work,
        Column::Heat(0),
        Column::Heat(1),
        Column::EntropyPath,
        Column::Circulation(0, 1),
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
            masses: &[],
            temperatures: &temperatures,
            periods: &[None, Some(10.0)],
            baths: &baths,
            columns,
            duration: 4.0,
            energy_start: &|x| x[0] * x[0],
            energy_end: &|x| 2.0 * x[0] * x[0] + x[1],
            log_density_start: Some(&|x| -x[0]),
            log_density_end: Some(&|x| -3.0 * x[0]),
            end_work: Some(&|x| x[1]),
            surprise: None,
            steady: false,
        })
    }

    /// One trajectory, (1, 2) → (3, 4) with two turns, and one that failed.
    fn batch() -> Vec<Vec<f64>> {
        [1.0, 2.0, 3.0, 4.0, 2.0, 5.0, 6.0, 8.0, 7.0, 10.0].into_iter().map(|value| vec![value, if value == 6.0 { f64::NAN } else { 1.0 }]).collect()
    }

    #[test]
    fn values_are_those_of_the_definitions() {
        let found = with_ledger([2.0, 4.0], &COLUMNS, |ledger| {
            let names: Vec<String> = named(&ledger).into_iter().map(|named| named.name).collect();
            names.into_iter().zip(ledger.evaluate(&batch()).into_iter().map(|(_, values)| values).collect::<Vec<_>>()).collect::<Vec<_>>()
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
            ("end_position.x", 3.0),
            ("cosine.y", (0.8 * std::f64::consts::PI).cos()),
            ("sine.y", (0.8 * std::f64::consts::PI).sin()),
            ("displacement.x", 2.0),
            ("displacement.y", 22.0),
            ("circulation.x.y", 2.5),
            ("energy", 22.0),
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
        let one_bath = with_ledger([2.0, 2.0], &COLUMNS, |ledger| {
            ledger.evaluate(&batch()).into_iter().map(|(_, values)| values).collect::<Vec<_>>().into_iter().zip(named(&ledger)).collect::<Vec<_>>()
        });
        let work_path = one_bath.iter().find(|(_, named)| named.name == "work_path").expect("one bath");
        assert_eq!(work_path.0[0], 21.0 + 2.0 * 7.0);
        assert!(one_bath.iter().all(|(_, named)| !named.name.starts_with("heat.")));
        let no_path = with_ledger([2.0, 2.0], &COLUMNS[..8], |ledger| named(&ledger));
        assert!(no_path.iter().all(|named| !named.name.contains("path") && named.name != "time_step_error") && no_path.len() == 13, "{no_path:?}");
        let unknown = with_ledger([2.0, 2.0], &COLUMNS, |ledger| named(&Ledger { log_density_end: None, ..ledger }));
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
