//! Density and current in the plane of two coordinates, in groups named after both.

use hdf5::{File, Group};

use super::record::PlaneProfile;
use super::schema::{dimension, group, variable};
use super::table::{Axis, Fault, Table, label};
use super::write::{axis_name, power};

/// Writes `/density/A.B` and `/current/A.B`.
pub(super) fn write_plane(file: &File, profile: &PlaneProfile, time_unit: &str) -> Result<(), Fault> {
    let name = profile.coordinates.join(".");
    let mut density = Table::create(&parent(file, group::DENSITY)?, &name)?;
    let axes = axes(&mut density, profile)?;
    let unit = power(&profile.unit, -2);
    write_field(&mut density, variable::DENSITY, &axes, (&profile.density, &profile.density_error, &profile.density_exact), &unit, "probability density")?;
    density.finish()?;
    let mut current = Table::create(&parent(file, group::CURRENT)?, &name)?;
    let component = current.axis_of_names(dimension::COMPONENT, profile.coordinates.iter().map(String::as_str), "component of the current")?;
    let [first, second] = self::axes(&mut current, profile)?;
    let unit = if profile.unit == "1" { power(time_unit, -1) } else { format!("{}.{}", power(&profile.unit, -1), power(time_unit, -1)) };
    let values = (profile.current.as_slice(), profile.current_error.as_slice(), &profile.current_exact);
    write_field(&mut current, variable::CURRENT, &[component, first, second], values, &unit, "probability current")?;
    current.finish()
}

/// A group of the root, which may be there already.
fn parent(file: &File, name: &str) -> Result<Group, Fault> {
    Ok(if file.link_exists(name) { file.group(name)? } else { file.create_group(name)? })
}

fn axes(table: &mut Table, profile: &PlaneProfile) -> Result<[Axis; 2], Fault> {
    let mut one = |k: usize| {
        let name = &profile.coordinates[k];
        table.axis(&axis_name(name), &profile.centres[k], label(&profile.unit, &format!("centres of the bins of {name}")))
    };
    Ok([one(0)?, one(1)?])
}

fn write_field(
    table: &mut Table,
    name: &str,
    axes: &[Axis],
    (values, errors, exact): (&[f64], &[f64], &Option<Vec<f64>>),
    unit: &str,
    words: &str,
) -> Result<(), Fault> {
    table.variable(name, axes, values, label(unit, &format!("{words} in the plane, averaged over time")))?;
    table.variable(&format!("{name}{}", variable::STANDARD_ERROR_SUFFIX), axes, errors, label(unit, &format!("standard error of the {words}")))?;
    if let Some(exact) = exact {
        table.variable(&format!("{name}{}", variable::EXACT_SUFFIX), axes, exact, label(unit, &format!("exact {words}, averaged over the cell")))?;
    }
    Ok(())
}
