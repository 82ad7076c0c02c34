//! `[ensemble]` and the integer schedule: how many trajectories, steps and saves.

use super::document::{Item, Table};
use super::read::Reader;
use super::{Ensemble, IntegratorChoice, OverdampedModel, Precision, Section, schema};

const MOST_STEPS: f64 = (1u64 << 40) as f64;

pub(super) const PRECISIONS: &[(&str, Precision)] = &[("f64", Precision::F64), ("f32", Precision::F32)];

const INTEGRATORS: &[(&str, IntegratorChoice)] = &[
    ("auto", IntegratorChoice::Auto),
    ("euler-maruyama", IntegratorChoice::EulerMaruyama),
    ("heun", IntegratorChoice::Heun),
    ("weak-taylor", IntegratorChoice::WeakTaylor),
    ("exact-linear", IntegratorChoice::ExactLinear),
    ("baoab", IntegratorChoice::Baoab),
    ("obabo", IntegratorChoice::Obabo),
    ("gjf", IntegratorChoice::Gjf),
];

/// The run in integer steps.
pub(super) struct Steps {
    pub(super) steps: u64,
    pub(super) save_every: u64,
}

/// Reads `[ensemble]`; beside it the item of `dt`, for later complaints.
pub(super) fn read_ensemble<'t>(reader: &mut Reader, section: &Section<'t>) -> Option<(Ensemble, &'t Item)> {
    let table = section.table;
    reader.check_keys(table, "[ensemble]", schema::ENSEMBLE);
    let trajectories = reader.required(table, "trajectories", section.place, "[ensemble]", "how many");
    let trajectories = trajectories.and_then(|item| reader.integer(item, "`trajectories`", 1));
    let dt_item = reader.required(table, "dt", section.place, "[ensemble]", "the length of a step in time");
    let dt = dt_item.and_then(|item| reader.positive(item, "`dt`"));
    let seed = table.get("seed").map_or(Some(1), |item| reader.integer(item, "`seed`", 0));
    let precision = table.get("precision").map_or(Some(Precision::F64), |item| reader.choice(item, "precision", PRECISIONS));
    let integrator = table.get("integrator").map_or(Some(IntegratorChoice::Auto), |item| reader.choice(item, "integrator", INTEGRATORS));
    let refine = table.get("refine").map_or(Some(false), |item| reader.boolean(item, "`refine`"));
    let ensemble = Ensemble { trajectories: trajectories?, dt: dt?, seed: seed?, precision: precision?, integrator: integrator?, refine: refine? };
    Some((ensemble, dt_item?))
}

/// Refuses a scheme that does not fit the kind of the model or the number of coordinates.
pub(super) fn check_integrator(reader: &mut Reader, tree: &Table, integrator: IntegratorChoice, model: &OverdampedModel) {
    let coordinates = model.coordinates.len();
    let Some(item) = tree.table("ensemble").and_then(|table| table.get("integrator")) else { return };
    let name = INTEGRATORS.iter().find(|(_, choice)| *choice == integrator).map_or("auto", |(name, _)| name);
    let of_velocities = matches!(integrator, IntegratorChoice::Baoab | IntegratorChoice::Obabo | IntegratorChoice::Gjf);
    let for_both = matches!(integrator, IntegratorChoice::Auto | IntegratorChoice::ExactLinear);
    if !for_both && of_velocities != model.is_underdamped() {
        let (kind, fitting) =
            if of_velocities { ("underdamped", "`auto`, or give the model a mass") } else { ("overdamped", "`auto`, `baoab`, `obabo` or `gjf`") };
        reader.problem(&item.place, format!("integrator `{name}` is for models of kind `{kind}`"), "").help(format!("use {fitting}"));
    } else if integrator == IntegratorChoice::WeakTaylor && coordinates > 1 {
        let label = format!("the model has {coordinates}");
        reader.problem(&item.place, "integrator `weak-taylor` is for one coordinate", label).help("use `auto`");
    }
}

/// Cuts the duration into steps and saves.
pub(super) fn read_steps(reader: &mut Reader, measure: Option<&Section>, duration: f64, dt: f64, dt_item: &Item) -> Option<Steps> {
    let every_item = measure.and_then(|section| section.table.get("every"));
    let every = match every_item {
        Some(item) => Some((reader.positive(item, "`every`")?, item)),
        None => None,
    };
    if duration / dt > MOST_STEPS {
        let label = format!("this makes {:.3e} steps, at most 2^40 are possible", duration / dt);
        reader.problem(&dt_item.place, "`dt` is too small for the duration", label);
        return None;
    }
    if let Some((every, item)) = every
        && whole(duration / every).is_none()
    {
        let message = format!("`every` does not divide the duration {}", shown(duration));
        reader.problem(&item.place, message, format!("this is {}", shown(every))).help(nearest_part(duration, every));
        return None;
    }
    let (interval, name) = every.map_or((duration, "duration"), |(every, _)| (every, "time between saves"));
    let Some(interval_steps) = whole(interval / dt) else {
        let message = format!("`dt` does not divide the {name} {}", shown(interval));
        reader.problem(&dt_item.place, message, format!("this is {}", shown(dt))).help(nearest_part(interval, dt));
        return None;
    };
    match every {
        Some((every, _)) => Some(Steps { steps: interval_steps * whole(duration / every)?, save_every: interval_steps }),
        None => Some(Steps { steps: interval_steps, save_every: about_a_hundred_saves(interval_steps) }),
    }
}

/// Advice: the integer part of `whole` that is nearest to `wanted`, as a number and as the formula that may be written instead.
pub(super) fn nearest_part(whole: f64, wanted: f64) -> String {
    let parts = (whole / wanted).round().max(1.0);
    match parts {
        1.0 => format!("the nearest that does is {}", shown(whole)),
        _ => format!("the nearest that does is {} = \"{}/{parts}\"", shown(whole / parts), shown(whole)),
    }
}

/// A ratio as an integer, where it is one up to rounding.
pub(super) fn whole(ratio: f64) -> Option<u64> {
    let nearest = ratio.round();
    ((1.0..=MOST_STEPS).contains(&nearest) && (ratio - nearest).abs() <= 1e-9 * nearest).then_some(nearest as u64)
}

/// The divisor of `steps` that comes nearest to a hundredth of them, in ratio.
fn about_a_hundred_saves(steps: u64) -> u64 {
    let wanted = steps as f64 / 100.0;
    let off = |divisor: u64| (divisor as f64 / wanted).ln().abs();
    let small = (1..).take_while(|divisor| divisor * divisor <= steps).filter(|divisor| steps.is_multiple_of(*divisor));
    small.flat_map(|divisor| [divisor, steps / divisor]).min_by(|a, b| off(*a).total_cmp(&off(*b))).unwrap_or(steps)
}

/// A number as a person would write it: the rounding of the last bits left out.
pub fn shown(value: f64) -> String {
    let rounded: f64 = format!("{value:.12e}").parse().unwrap_or(value);
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_saves_divide_the_steps() {
        for (steps, expected) in [(1000, 10), (1, 1), (7, 1), (250, 2), (100, 1), (90, 1), (1009, 1), (2000, 20), (1_000_003, 1_000_003)] {
            assert_eq!(about_a_hundred_saves(steps), expected, "{steps}");
            assert_eq!(steps % about_a_hundred_saves(steps), 0);
        }
    }

    #[test]
    fn whole_ratios_allow_rounding_only() {
        assert_eq!(whole(10.0 / 0.1), Some(100));
        assert_eq!(whole(0.3 / 0.1), Some(3));
        assert_eq!(whole(10.000_001), None);
        assert_eq!(whole(0.2), None);
        assert_eq!(whole(f64::NAN), None);
        assert_eq!(whole(f64::INFINITY), None);
    }
}
