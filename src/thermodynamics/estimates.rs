//! Estimates of a run, beside their exact values.

use std::collections::BTreeMap;

use super::free_energy::free_energy_difference;
use super::observables::{Named, Unit};
use super::theorems::Facts;
use crate::results::Estimate;
use crate::statistics::{Measured, Moments, Scalar, Scalars, Series, jackknife};

/// What the user's numbers are measured in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Units {
    /// Energy.
    pub energy: &'static str,
    /// Coordinates.
    pub length: &'static str,
    /// Time.
    pub time: &'static str,
}

impl Units {
    /// k_B = 1: energies are in units of a temperature.
    pub const REDUCED: Units = Units { energy: "kT", length: "length", time: "time" };

    /// Name of a unit.
    pub fn name(&self, unit: Unit) -> &'static str {
        match unit {
            Unit::Energy => self.energy,
            Unit::Entropy => "nat",
            Unit::Length => self.length,
            Unit::Number => "1",
            Unit::Rate => "1/time",
            Unit::Power => "kT/time",
            Unit::EnergySquared => "kT^2",
            Unit::AreaRate => "length^2/time",
            Unit::Velocity => "length/time",
        }
    }
}

/// An unwrapped coordinate in a series, for its diffusion coefficient.
#[derive(Clone, Copy)]
pub struct Spreading<'a> {
    /// Name of the coordinate.
    pub coordinate: &'a str,
    /// The series.
    pub series: &'a Series,
    /// Which observable of it.
    pub observable: usize,
    /// Times of the saves.
    pub times: &'a [f64],
}

/// What estimates are made of.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// What is known beside the data.
    pub facts: &'a Facts,
    /// The observables, in the order of the scalars.
    pub observables: &'a [Named],
    /// Scalars of the run.
    pub scalars: &'a Scalars,
    /// Scalars of the reversed run.
    pub reverse: Option<&'a Scalars>,
    /// The unwrapped coordinates.
    pub spreading: &'a [Spreading<'a>],
    /// Units.
    pub units: &'a Units,
    /// Exact values and where they come from, by name of the estimate.
    pub exact: &'a BTreeMap<String, (f64, String)>,
}

/// Rounding of a sum of many terms, relative to their size: at least this, and in single precision so many unit roundoffs.
const ROUNDING: f64 = 1e-11;
const ROUNDOFFS: f64 = 16.0;
/// Rounding of an entropy in nats: logarithms of densities, of which a solver has added up thousands of cells.
const ROUNDING_OF_LOGARITHMS: f64 = 1e-12;

/// Fewer trajectories than these make no Gaussian error: what is so rare is not compared.
const FEWEST_EVENTS: f64 = 20.0;

/// So many trajectories know their own error.
const MANY_EVENTS: f64 = 1000.0;

/// Observables of which single trajectories may do what no mean can: the share of those below 0 is an estimate, too.
const AGAINST_THE_SECOND_LAW: [&str; 3] = ["work", "heat", "entropy_total"];

/// With more coordinates or species than this, only neighbours in the list of the file have a covariance.
const ALL_PAIRS_UP_TO: usize = 4;

/// The pairs among so many coordinates or species that have a covariance.
pub fn paired(count: usize) -> impl Iterator<Item = (usize, usize)> {
    let far = if count > ALL_PAIRS_UP_TO { 1 } else { count };
    (0..count).flat_map(move |i| (i + 1..count.min(i + 1 + far)).map(move |j| (i, j)))
}

/// Pairs of observables whose covariance is an estimate: positions at the end, each with its velocity, and counts at the end. With them come the name
/// of the estimate and the unit.
pub fn covariance_pairs(observables: &[Named]) -> Vec<(&str, &str, String)> {
    let of = |kind: &str| {
        observables.iter().filter_map(|named| named.name.strip_prefix(kind).map(|ending| (named.name.as_str(), ending.to_owned()))).collect::<Vec<_>>()
    };
    let mut pairs = Vec::new();
    for list in [of("end_position."), of("mean.")] {
        pairs.extend(paired(list.len()).map(|(i, j)| (list[i].0, list[j].0, format!("covariance.{}.{}", list[i].1, list[j].1))));
    }
    let velocities = of("end_velocity.");
    for (left, name) in of("end_position.") {
        pairs.extend(velocities.iter().filter(|(_, other)| *other == name).map(|(right, _)| (left, *right, format!("covariance.{name}.v_{name}"))));
    }
    pairs
}

/// Covariances at the end of the run.
fn covariances(sources: &Sources) -> Vec<Estimate> {
    let unit = |name: &str| sources.observables.iter().find(|named| named.name == name).map_or("", |named| sources.units.name(named.unit));
    let estimate = |(left, right, name): (&str, &str, String)| {
        let measured = sources.scalars.covariance(left, right)?;
        let count = sources.scalars.get(left)?.moments().count() as f64;
        let unit = match (unit(left), unit(right)) {
            ("1", "1") => "1".to_owned(),
            (one, other) if one == other => format!("{one}^2"),
            (one, other) => format!("{one}*{other}"),
        };
        Some(sources.estimate(name, measured, count, unit))
    };
    covariance_pairs(sources.observables).into_iter().filter_map(estimate).collect()
}

/// What the variance of an observable is called: that of a copy number has a name of its own.
fn variance_name(observable: &str) -> String {
    observable.strip_prefix("mean.").map_or_else(|| format!("{observable}.variance"), |species| format!("variance.{species}"))
}

/// The share of trajectories below 0. One event more or less is the least that it is uncertain by.
fn negative(scalar: Scalar) -> Measured {
    let (below, count) = (scalar.histogram().negative() as f64, scalar.moments().count() as f64);
    let share = below / count;
    Measured { value: share, standard_error: (share * (1.0 - share)).max(1.0 / count).sqrt() / count.sqrt() }
}

/// All estimates of a run: mean and variance of every observable, covariances, rates, velocities, diffusion coefficients, ΔF. A third cumulant comes only
/// where an exact one is known.
pub fn estimates(sources: &Sources) -> Vec<Estimate> {
    let mut all = Vec::new();
    for (named, scalar) in sources.observables.iter().zip(sources.scalars.iter()) {
        let (moments, unit) = (scalar.moments(), sources.units.name(named.unit));
        let rounding = sources.rounding(named.unit);
        let count = moments.count() as f64;
        let is_rare = moments.participation().is_some_and(|events| events < FEWEST_EVENTS);
        let mut push = |estimate: Estimate, certain: bool| all.push(Estimate { z: estimate.z.filter(|_| certain), ..estimate });
        push(sources.mean(named.name.clone(), scalar, 1.0, unit.to_string(), rounding), !is_rare);
        let variance = variance_name(&named.name);
        let squared = match unit {
            "1" => "1".to_owned(),
            unit if unit.contains('/') => format!("({unit})^2"),
            unit => format!("{unit}^2"),
        };
        // A fourth moment of energies is of no interest.
        if named.unit != Unit::EnergySquared {
            let mut measured = moments.measured_variance();
            measured.value += sources.facts.unseen_variances.get(&named.name).copied().unwrap_or(0.0);
            // A sample in which a rare event is missing has no variance, and no error of it; its mean is judged by the exact variance.
            let is_missing = moments.participation().is_none() && sources.exact.get(&variance).is_some_and(|(exact, _)| *exact > 0.0);
            push(sources.estimate(variance, measured, count, squared), !is_rare && !is_missing);
        }
        let third = format!("{}.third_cumulant", named.name);
        if sources.exact.contains_key(&third) {
            push(sources.estimate(third, third_cumulant(scalar), count, format!("{unit}^3")), !is_rare);
        }
        if AGAINST_THE_SECOND_LAW.contains(&named.name.as_str()) && moments.rms() > 0.0 {
            push(sources.estimate(format!("{}.negative", named.name), negative(scalar), count, "1".to_owned()), true);
        }
    }
    all.extend(covariances(sources));
    all.extend(rates(sources));
    all.extend(sources.spreading.iter().filter_map(|spreading| sources.diffusion(spreading)));
    all.extend(sources.free_energy());
    all
}

/// Means per unit of measured time.
fn rates(sources: &Sources) -> Vec<Estimate> {
    let (facts, units) = (sources.facts, sources.units);
    let rounding = |name: &str| sources.observables.iter().find(|named| named.name == name).map_or(0.0, |named| sources.rounding(named.unit));
    let mut all = Vec::new();
    let mut push = |name: String, scalar: Scalar, unit: &str| {
        all.push(sources.mean(name, scalar, 1.0 / facts.duration, format!("{unit}/{}", units.time), rounding(scalar.name())));
    };
    // In a steady state the system keeps its entropy on average, so the medium's gain will do.
    let entropy = sources.scalars.get("entropy_total").or_else(|| sources.scalars.get("entropy_medium").filter(|_| facts.is_steady()));
    if let Some(entropy) = entropy {
        push("entropy_production_rate".into(), entropy, units.name(Unit::Entropy));
    }
    for scalar in sources.scalars.iter() {
        if let Some(bath) = scalar.name().strip_prefix("heat.") {
            push(format!("heat_rate.{bath}"), scalar, units.energy);
        }
        if let Some(coordinate) = scalar.name().strip_prefix("displacement.") {
            push(format!("velocity.{coordinate}"), scalar, units.length);
        }
    }
    all
}

/// Third cumulant with its jackknife error.
fn third_cumulant(scalar: Scalar) -> Measured {
    let (blocks, pivot) = (scalar.block_moments(), scalar.moments().mean());
    let rows: Vec<Vec<f64>> = blocks.iter().map(|row| row.about(pivot).sums().to_vec()).collect();
    let weights: Vec<f64> = blocks.iter().map(|row| row.count() as f64).collect();
    let found = jackknife(&rows, &weights, |sums| Moments::from_sums(sums, pivot).third_cumulant());
    // Of one or two trajectories there is none.
    if found.value.is_finite() { found } else { Measured { standard_error: f64::INFINITY, ..found } }
}

impl Sources<'_> {
    /// Terms as large as the largest of the same unit may have cancelled in any observable: their rounding is no deviation.
    fn rounding(&self, unit: Unit) -> f64 {
        let same = self.observables.iter().zip(self.scalars.iter()).filter(|(named, _)| named.unit == unit);
        let largest = same.map(|(_, scalar)| scalar.moments().rms()).filter(|rms| rms.is_finite()).fold(0.0, f64::max);
        let least = if unit == Unit::Entropy { ROUNDING_OF_LOGARITHMS } else { 0.0 };
        least.max(ROUNDING.max(ROUNDOFFS * self.facts.unit_roundoff) * largest)
    }

    /// A mean times a factor. Where few trajectories make it and its exact variance is known, the error is no smaller than that makes it: a sample in which
    /// rare events are missing knows too little of its own. `rounding` is that of the mean.
    fn mean(&self, name: String, scalar: Scalar, factor: f64, unit: String, rounding: f64) -> Estimate {
        let moments = scalar.moments();
        let (Measured { value, standard_error }, count) = (moments.measured_mean(), moments.count() as f64);
        let known = |name: &str| self.exact.get(name).map(|(value, _)| *value);
        // A share of the time is never below 0 or above 1.
        let of_share = || known(scalar.name()).filter(|_| scalar.name().starts_with("occupancy.") && moments.participation().is_none()).map(|p| p * (1.0 - p));
        let variance = known(&variance_name(scalar.name())).or_else(of_share).filter(|_| moments.participation().is_none_or(|events| events < MANY_EVENTS));
        let least = variance.map_or(0.0, |variance| (variance.max(0.0) / count).sqrt());
        let measured = Measured { value: factor * value, standard_error: factor * standard_error.max(least) };
        self.estimate_beside(name, measured, count, unit, factor * rounding)
    }

    fn estimate(&self, name: String, measured: Measured, effective_samples: f64, unit: String) -> Estimate {
        self.estimate_beside(name, measured, effective_samples, unit, 0.0)
    }

    /// An estimate whose difference from the exact value may be rounding of that size.
    fn estimate_beside(&self, name: String, measured: Measured, effective_samples: f64, unit: String, rounding: f64) -> Estimate {
        let exact = self.exact.get(&name);
        let z = |value: f64| Measured { standard_error: measured.standard_error.hypot(rounding), ..measured }.z(value);
        Estimate {
            value: measured.value,
            standard_error: measured.standard_error,
            effective_samples,
            exact: exact.map(|(value, _)| *value),
            // Where an error is infinite, nothing is known that could be compared.
            z: exact.filter(|_| !measured.standard_error.is_infinite()).map(|(value, _)| z(*value)),
            unit,
            source: exact.map(|(_, source)| source.clone()),
            bias: None,
            refinement: None,
            name,
        }
    }

    /// Half the growth rate of the variance over the second half of the run.
    fn diffusion(&self, spreading: &Spreading) -> Option<Estimate> {
        let (start, end) = (spreading.times.first()?, spreading.times.last()?);
        let middle = 0.5 * (start + end);
        let late = spreading.times.len() - 1;
        let early = spreading.times.iter().rposition(|time| *time <= middle)?;
        if early == late {
            return None;
        }
        let divisor = 2.0 * (end - spreading.times[early]);
        let measured = spreading.series.variance_growth(early, late, spreading.observable, divisor);
        let count = spreading.series.moments(late, spreading.observable).count;
        Some(self.estimate(format!("diffusion.{}", spreading.coordinate), measured, count, format!("{}^2/{}", self.units.length, self.units.time)))
    }

    /// ΔF from forward and reverse work, on the path ledger where there is one.
    fn free_energy(&self) -> Option<Estimate> {
        let temperature = self.facts.single_temperature?;
        let name = if self.facts.path_ledger.is_ok() && !self.facts.jumps { "work_path" } else { "work" };
        let work = |scalars: &Scalars| scalars.get(name).map(|scalar| scalar.histogram().clone());
        let (mut measured, shared) = free_energy_difference(&work(self.scalars)?, &work(self.reverse?)?, temperature)?;
        // Where hardly a trajectory is seen from both sides, the difference has a value and no error.
        if shared < FEWEST_EVENTS {
            measured.standard_error = f64::INFINITY;
        }
        Some(self.estimate("delta_F".into(), measured, shared, self.units.energy.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Batch, TileMoments};
    use crate::plan::TILE;
    use crate::random::{Draws, Purpose};
    use crate::statistics::CentredMoments;
    use crate::thermodynamics::theorems::{Start, scalar_specs, tests::facts};

    /// A drifting Brownian particle: x(t) ~ N(3t, 2t) at t = 0, 1, 2 (with 2D = 2), heat 5 N(1, 1).
    fn measured(exact: &BTreeMap<String, (f64, String)>) -> Vec<Estimate> {
        let named = |name: &str, unit| Named { name: name.into(), unit, long_name: "" };
        let observables =
            [named("entropy_medium", Unit::Entropy), named("heat.hot", Unit::Energy), named("work", Unit::Energy), named("displacement.x", Unit::Length)];
        let facts = Facts { duration: 2.0, start: Start::SteadyState, path_ledger: Err("heun".into()), ..facts() };
        let count = 6400;
        let (mut columns, mut reverse) = (vec![Vec::new(); 4], vec![Vec::new(); 4]);
        let mut batch = Batch { count, ..Batch::default() };
        let mut tile = [CentredMoments::default(); 3];
        for trajectory in 0..count {
            let mut draws = Draws::new(8, Purpose::Initial, trajectory as u64);
            let (first, second) = (3.0 + 2f64.sqrt() * draws.normal(), 3.0 + 2f64.sqrt() * draws.normal());
            let path = [0.0, first, first + second];
            tile.iter_mut().zip(path).for_each(|(moment, x)| *moment = moment.with(CentredMoments { count: 1.0, mean: x, m2: 0.0 }));
            if (trajectory + 1) % TILE == 0 {
                batch.series.extend(tile.map(|m| TileMoments { count: m.count, mean: m.mean, m2: m.m2 }));
                tile = Default::default();
            }
            let heat = 5.0 + 5.0 * draws.normal();
            for (column, value) in columns.iter_mut().zip([heat / 2.0, heat, 1.5 + draws.normal(), path[2]]) {
                column.push(value);
            }
            for (column, value) in reverse.iter_mut().zip([0.0, 0.0, -0.5 + draws.normal(), 0.0]) {
                column.push(value);
            }
        }
        let [scalars, reverse] = [columns, reverse].map(|columns| {
            let mut scalars = Scalars::new(100, scalar_specs(&observables, &facts), &[]);
            scalars.absorb(0, &columns).expect("fits");
            scalars
        });
        let mut series = Series::new(100, 3, 1);
        series.absorb(&batch).expect("fits");
        let units = Units { energy: "kT", length: "um", time: "s" };
        let spreading = [Spreading { coordinate: "x", series: &series, observable: 0, times: &[0.0, 1.0, 2.0] }];
        let sources =
            Sources { facts: &facts, observables: &observables, scalars: &scalars, reverse: Some(&reverse), spreading: &spreading, units: &units, exact };
        estimates(&sources)
    }

    #[test]
    fn every_estimate_agrees_with_its_exact_value_and_not_with_a_wrong_one() {
        let truth = [
            ("entropy_medium", 2.5, "nat", 0.3),
            ("entropy_medium.variance", 6.25, "nat^2", 1.0),
            ("heat.hot", 5.0, "kT", 0.6),
            ("heat.hot.variance", 25.0, "kT^2", 4.0),
            ("work", 1.5, "kT", 0.1),
            ("work.variance", 1.0, "kT^2", 0.2),
            ("work.third_cumulant", 0.0, "kT^3", 0.4),
            ("work.negative", 0.066_807_2, "1", 0.03),
            ("displacement.x", 6.0, "um", 0.25),
            ("displacement.x.variance", 4.0, "um^2", 0.5),
            ("entropy_production_rate", 1.25, "nat/s", 0.2),
            ("heat_rate.hot", 2.5, "kT/s", 0.4),
            ("velocity.x", 3.0, "um/s", 0.125),
            ("diffusion.x", 1.0, "um^2/s", 0.3),
            ("delta_F", 1.0, "kT", 0.2),
        ];
        for (wrong, found) in [false, true].map(|wrong| {
            let exact = truth.iter().map(|(name, value, _, defect)| (name.to_string(), (value + if wrong { *defect } else { 0.0 }, "by hand".to_string())));
            (wrong, measured(&exact.collect()))
        }) {
            assert_eq!(found.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), truth.map(|(name, ..)| name));
            for (estimate, (name, _, unit, _)) in found.iter().zip(truth) {
                assert_eq!((estimate.unit.as_str(), estimate.source.as_deref()), (unit, Some("by hand")), "{name}");
                let z = estimate.z.expect("exact value known");
                assert!(if wrong { z.abs() > 5.0 } else { z.abs() <= 5.0 }, "{estimate:?}");
                assert!(estimate.standard_error > 0.0 && estimate.effective_samples > 1000.0, "{estimate:?}");
            }
        }
    }

    #[test]
    fn positions_velocities_and_counts_are_paired() {
        let named = |name: &str| Named { name: name.into(), unit: Unit::Length, long_name: "" };
        let pairs = |names: &[&str]| {
            let observables: Vec<Named> = names.iter().map(|name| named(name)).collect();
            covariance_pairs(&observables).into_iter().map(|(.., name)| name).collect::<Vec<_>>()
        };
        assert_eq!(
            pairs(&["end_velocity.x", "end_velocity.y", "end_position.x", "end_position.y"]),
            ["covariance.x.y", "covariance.x.v_x", "covariance.y.v_y"]
        );
        assert_eq!(pairs(&["mean.A", "mean.B", "mean.C"]), ["covariance.A.B", "covariance.A.C", "covariance.B.C"]);
        assert_eq!(pairs(&["mean.A", "mean.B", "mean.C", "mean.D", "mean.E"]).len(), 4);
        assert!(pairs(&["work", "mean.A", "displacement.x"]).is_empty());
    }

    #[test]
    fn without_exact_values_nothing_is_compared() {
        let found = measured(&BTreeMap::new());
        assert_eq!(found.len(), 14);
        assert!(found.iter().all(|e| e.exact.is_none() && e.z.is_none() && e.source.is_none() && !e.name.ends_with("third_cumulant")));
    }
}
