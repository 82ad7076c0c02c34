//! The text of a plan that fills a plane of two coordinates; its functions are those of `shaders/plane.wgsl`.

use super::kernel::{line, number};
use crate::plan::{FieldGrid, Plan, PlaneGrid};
use std::fmt::Write;

/// Constants of the fragment.
pub(super) fn sizes(plane: &PlaneGrid) -> String {
    format!("const PLANE_CELLS: u32 = {}u;\nconst PLANE_BLOCKS: u32 = {}u;\n", plane.cells(), plane.blocks_per_row)
}

/// Rows that a chunk of so many trajectories may touch.
pub(super) fn rows(plan: &Plan, plane: &PlaneGrid, chunk: u64) -> u64 {
    chunk.div_ceil(plane.blocks_per_row * plan.block) + 1
}

/// Statistics blocks that lie before the first of a chunk in its row.
pub(super) fn blocks_before(plan: &Plan, first: u64) -> u64 {
    plan.plane.as_ref().map_or(0, |plane| first / plan.block % plane.blocks_per_row)
}

/// The integers of the rows that trajectories `first .. first + count` touch.
pub(super) fn read(plan: &Plan, plane: &PlaneGrid, first: u64, count: usize, words: &[u32]) -> Vec<i64> {
    let row = plane.blocks_per_row * plan.block;
    let touched = (first + count as u64).div_ceil(row) - first / row;
    words.chunks_exact(2).take(touched as usize * plane.width()).map(|pair| (u64::from(pair[1]) << 32 | u64::from(pair[0])).cast_signed()).collect()
}

/// The part of a step that adds it to the plane; `x` is the old position and `next` the new one.
pub(super) fn deposit(plan: &Plan, plane: &PlaneGrid) -> String {
    let mut text = String::from("    if (plane_counts) {\n");
    for (k, grid) in plane.axes.iter().enumerate() {
        let i = grid.coordinate;
        let boundary = plan.coordinates[usize::from(i)].boundary;
        let (bins, middle) = (grid.bins, format!("fma(0.5, plane_moved{k}, x[{i}])"));
        let (moved, middle) = match (boundary.period(), boundary.ends()) {
            (Some(period), Some((lower, _))) => {
                (format!("shorter(next[{i}] - x[{i}], {})", number(period)), format!("fold({middle}, {}, {}).position", number(lower), number(period)))
            }
            _ => (format!("next[{i}] - x[{i}]"), middle),
        };
        line!(text, "        let plane_moved{k} = {moved};");
        line!(text, "        let plane_end{k} = {};", bin(grid, &format!("next[{i}]")));
        line!(text, "        let plane_middle{k} = {};", bin(grid, &middle));
        line!(text, "        let plane_bins{k} = {bins}u;");
    }
    line!(text, "        if ((bitcast<u32>(plane_moved0 + plane_moved1) & 0x7f800000u) != 0x7f800000u) {{");
    line!(text, "            let plane_end = plane_cell(plane_end0, plane_end1, plane_bins0, plane_bins1);");
    line!(text, "            let plane_middle = plane_cell(plane_middle0, plane_middle1, plane_bins0, plane_bins1);");
    let units = plane.units.map(|unit| number(1.0 / unit));
    line!(text, "            deposit(plane_end, plane_middle, vec2<f32>(plane_moved0 * {}, plane_moved1 * {}));\n        }}\n    }}", units[0], units[1]);
    text
}

fn bin(grid: &FieldGrid, place: &str) -> String {
    let scale = f64::from(grid.bins) / (grid.upper - grid.lower);
    format!("plane_bin({place}, {}, {}, {}u)", number(grid.lower), number(scale), grid.bins)
}
