//! `field` in `[measure]`: the plane of two coordinates whose density and current are measured.

use super::document::Item;
use super::measure::read_grid;
use super::names::{either, nearest};
use super::read::Reader;
use super::{PlaneRequest, Section, schema};
use crate::coordinate::{Coordinate, PlaneGrid};

/// Reads `{ coordinates = ["x", "y"], x = [lower, upper, bins], y = … }`.
pub(super) fn read_plane(reader: &mut Reader, item: &Item, coordinates: &[Coordinate]) -> Option<PlaneRequest> {
    let table = reader.table(item, "`field`")?;
    let Some(list) = table.get("coordinates") else {
        let example = "expected `{ coordinates = [\"x\", \"y\"], x = [lower, upper, bins], y = [lower, upper, bins] }`";
        reader.problem(&item.place, "`field` does not say of which coordinates", example);
        return None;
    };
    let named = read_pair(reader, list, coordinates)?;
    let names = named.map(|i| coordinates[i].name.as_str());
    let keys: Vec<&str> = schema::FIELD.iter().copied().chain(names).collect();
    reader.check_keys(table, "`field`", &keys);
    let mut grid = |k: usize| match table.get(names[k]) {
        Some(item) => read_grid(reader, item, named[k], coordinates[named[k]].boundary, PlaneGrid::DEFAULT_BINS).map(Some),
        None => Some(None),
    };
    let grids = [grid(0)?, grid(1)?];
    let cells: u64 = grids.iter().map(|grid| u64::from(grid.as_ref().map_or(PlaneGrid::DEFAULT_BINS, |grid| grid.bins))).product();
    if cells > PlaneGrid::MOST_CELLS {
        let most = PlaneGrid::MOST_CELLS;
        reader.problem(&item.place, "too many cells", format!("these are {cells}, at most {most} are possible, as 128 by 128"));
        return None;
    }
    Some(PlaneRequest { coordinates: named.map(|i| i as u16), grids })
}

/// Two different coordinates.
fn read_pair(reader: &mut Reader, list: &Item, coordinates: &[Coordinate]) -> Option<[usize; 2]> {
    let mut found = Vec::new();
    for item in reader.list(list, "`coordinates`", "of two names, as in `[\"x\", \"y\"]`")? {
        let name = reader.text(item, "the name of a coordinate")?;
        let Some(index) = coordinates.iter().position(|coordinate| coordinate.name == name) else {
            let names: Vec<&str> = coordinates.iter().map(|coordinate| coordinate.name.as_str()).collect();
            let suggestion = nearest(&name, names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            reader.problem(&item.place, format!("unknown coordinate `{name}`"), format!("expected {}", either(&names))).perhaps(suggestion);
            return None;
        };
        found.push(index);
    }
    match found[..] {
        [a, b] if a != b => Some([a, b]),
        _ => {
            reader.problem(&list.place, "a field lies in the plane of two different coordinates", "expected two names, as in `[\"x\", \"y\"]`");
            None
        }
    }
}

/// A jump process has no plane to flow in.
pub(super) fn refuse_for_jumps(reader: &mut Reader, measure: Option<&Section>) {
    if let Some(item) = measure.and_then(|section| section.table.get("field")) {
        let help = "the fluxes of a jump process are measured without being asked for: see `flux.<edge>` and the group /network of the file";
        reader.problem(&item.place, "`field` belongs to Langevin dynamics", "leave it out").help(help);
    }
}
