//! Density and current in a plane: a map with arrows.

use std::ops::Range;

use plotters::prelude::*;

use super::FigureError;
use super::axes::{Axis, tick, with_unit, written};
use super::figure::{EXACT, MEASURED, drawn};
use crate::output::PlaneMap;

const SIZE: (u32, u32) = (620, 560);
/// Arrows along either side, at most.
const MOST_ARROWS: usize = 16;
/// Cells with less than this part of the largest density are left white.
const FAINTEST: f64 = 2e-3;
/// Arrows shorter than this part of the longest are left out.
const SHORTEST: f64 = 0.02;
/// Half the opening and the length of an arrow's head, in parts of the arrow and as an angle.
const HEAD: (f64, f64) = (0.45, 0.45);

/// The map: shades for the density, dark arrows for the measured current, red ones for the exact one.
pub(super) fn map(plane: &PlaneMap) -> Result<String, FigureError> {
    let title = format!("density and current in the plane of {} and {}", plane.names[0], plane.names[1]);
    let largest = plane.density.iter().copied().filter(|p| p.is_finite()).fold(0.0, f64::max);
    let arrows = arrows(plane, &plane.current);
    let exact = plane.exact.as_ref().map(|exact| self::arrows(plane, exact)).unwrap_or_default();
    let longest = arrows.iter().chain(&exact).map(|arrow| arrow.size()).fold(0.0, f64::max);
    drawn(&title, SIZE, |canvas| {
        let [x_range, y_range] = [0, 1].map(|k| occupied(plane, k, largest));
        let spans = [x_range.end - x_range.start, y_range.end - y_range.start];
        let note = format!("darkest {}, longest arrow {}", with_unit(&tick(largest), &plane.density_unit), with_unit(&tick(longest), &plane.current_unit));
        let [x_label, y_label] = [0, 1].map(|k| with_unit(&plane.names[k], &plane.unit));
        let (x_axis, y_axis) = (Axis::plain(&x_range), Axis::plain(&y_range));
        let mut chart = ChartBuilder::on(canvas)
            .caption(&title, ("sans-serif", 16))
            .margin(8)
            .x_label_area_size(44)
            .y_label_area_size(70)
            .build_cartesian_2d(x_axis.clone(), y_axis.clone())?;
        chart
            .configure_mesh()
            .disable_mesh()
            .label_style(("sans-serif", 13))
            .axis_desc_style(("sans-serif", 13))
            .x_desc(written(&format!("{x_label}; {note}")))
            .y_desc(written(&y_label))
            .x_label_formatter(&|x| x_axis.label(x))
            .y_label_formatter(&|y| y_axis.label(y))
            .draw()?;
        let half = [0, 1].map(|k| 0.5 * width(&plane.centres[k]));
        let inside = |arrow: &&Arrow| x_range.contains(&arrow.place[0]) && y_range.contains(&arrow.place[1]) && arrow.size() > SHORTEST * longest;
        let columns = plane.centres[1].len();
        let shaded = plane.density.iter().enumerate().filter(|(_, p)| **p > FAINTEST * largest);
        chart.draw_series(shaded.map(|(cell, p)| {
            let (x, y) = (plane.centres[0][cell / columns], plane.centres[1][cell % columns]);
            Rectangle::new([(x - half[0], y - half[1]), (x + half[0], y + half[1])], MEASURED.mix(0.85 * p / largest).filled())
        }))?;
        for (list, style) in [(&exact, EXACT.stroke_width(3)), (&arrows, BLACK.stroke_width(1))] {
            chart.draw_series(list.iter().filter(inside).flat_map(|arrow| arrow.strokes(spans, longest)).map(|stroke| PathElement::new(stroke, style)))?;
        }
        Ok(())
    })
}

/// An arrow at a place.
struct Arrow {
    place: [f64; 2],
    flow: [f64; 2],
}

impl Arrow {
    fn size(&self) -> f64 {
        self.flow[0].hypot(self.flow[1])
    }

    /// Shaft and head. The longest arrow is as long as two arrows are apart; a length along either axis is drawn true to the other, in the units of the axes.
    fn strokes(&self, spans: [f64; 2], longest: f64) -> [Vec<(f64, f64)>; 2] {
        let scale = 1.6 / (MOST_ARROWS as f64 * longest);
        // In parts of the picture, so that heads look alike whatever the units.
        let along = [0, 1].map(|k| scale * self.flow[k] * spans[0].max(spans[1]) / spans[k]);
        let middle = [0, 1].map(|k| self.place[k] / spans[k]);
        let tip = [0, 1].map(|k| middle[k] + 0.5 * along[k]);
        let tail = [0, 1].map(|k| middle[k] - 0.5 * along[k]);
        let barb = |angle: f64| {
            let (sine, cosine) = angle.sin_cos();
            [tip[0] - HEAD.0 * (cosine * along[0] - sine * along[1]), tip[1] - HEAD.0 * (sine * along[0] + cosine * along[1])]
        };
        let point = |[x, y]: [f64; 2]| (x * spans[0], y * spans[1]);
        [vec![point(tail), point(tip)], vec![point(barb(HEAD.1)), point(tip), point(barb(-HEAD.1))]]
    }
}

/// Means of the current over squares of cells.
fn arrows(plane: &PlaneMap, current: &[Vec<f64>; 2]) -> Vec<Arrow> {
    let counts = [plane.centres[0].len(), plane.centres[1].len()];
    let strides = counts.map(|count| count.div_ceil(MOST_ARROWS).max(1));
    let mut arrows = Vec::new();
    for first in (0..counts[0]).step_by(strides[0]) {
        for second in (0..counts[1]).step_by(strides[1]) {
            let rows = first..counts[0].min(first + strides[0]);
            let columns = second..counts[1].min(second + strides[1]);
            let cells: Vec<usize> = rows.clone().flat_map(|row| columns.clone().map(move |column| row * counts[1] + column)).collect();
            let mean = |values: &[f64]| cells.iter().map(|cell| values[*cell]).filter(|value| value.is_finite()).sum::<f64>() / cells.len() as f64;
            let middle = |k: usize, places: Range<usize>| plane.centres[k][places.clone()].iter().sum::<f64>() / places.len() as f64;
            arrows.push(Arrow { place: [middle(0, rows.clone()), middle(1, columns.clone())], flow: [mean(&current[0]), mean(&current[1])] });
        }
    }
    arrows
}

/// Where there is anything to be seen along one axis, with the bins at either side.
fn occupied(plane: &PlaneMap, axis: usize, largest: f64) -> Range<f64> {
    let (centres, columns) = (&plane.centres[axis], plane.centres[1].len());
    let shaded = plane.density.iter().enumerate().filter(|(_, p)| **p > FAINTEST * largest);
    let bins: Vec<usize> = shaded.map(|(cell, _)| if axis == 0 { cell / columns } else { cell % columns }).collect();
    match (bins.iter().min(), bins.iter().max()) {
        (Some(first), Some(last)) if centres.len() > 1 => {
            let (first, last) = (first.saturating_sub(1), (last + 1).min(centres.len() - 1));
            let half = 0.5 * width(centres);
            centres[first] - half..centres[last] + half
        }
        _ => super::axes::range(centres.iter().copied()),
    }
}

/// Width of the bins.
fn width(centres: &[f64]) -> f64 {
    match centres {
        [first, .., last] => (last - first) / (centres.len() - 1) as f64,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane() -> PlaneMap {
        let centres: Vec<f64> = (0..32).map(|i| -3.1 + 0.2 * f64::from(i)).collect();
        let cells: Vec<[f64; 2]> = centres.iter().flat_map(|x| centres.iter().map(move |y| [*x, *y])).collect();
        let density: Vec<f64> = cells.iter().map(|[x, y]| (-0.5 * (x * x + y * y)).exp()).collect();
        let turn = |k: usize| cells.iter().zip(&density).map(|(cell, p)| if k == 0 { -cell[1] * p } else { cell[0] * p }).collect::<Vec<f64>>();
        let current = [turn(0), turn(1)];
        PlaneMap { names: ["x".into(), "y".into()], centres: [centres.clone(), centres], density, current, ..PlaneMap::default() }
    }

    #[test]
    fn a_whirl_is_drawn_with_shades_and_arrows_that_turn_round_it() {
        let plane = plane();
        let arrows = arrows(&plane, &plane.current);
        assert_eq!(arrows.len(), MOST_ARROWS * MOST_ARROWS);
        assert!(arrows.iter().all(|arrow| arrow.place[0] * arrow.flow[1] - arrow.place[1] * arrow.flow[0] > 0.0), "against the clock");
        let svg = map(&plane).expect("drawn");
        assert!(svg.matches("<rect").count() > 200 && svg.matches("<polyline").count() > 100, "{}", svg.len());
        let with_exact = map(&PlaneMap { exact: Some(plane.current.clone()), ..plane }).expect("drawn");
        assert!(with_exact.matches("<polyline").count() > svg.matches("<polyline").count() + 100);
    }

    #[test]
    fn a_head_points_along_its_arrow() {
        let arrow = Arrow { place: [0.0, 0.0], flow: [2.0, 0.0] };
        let [shaft, head] = arrow.strokes([1.0, 3.0], 2.0);
        assert!(shaft[1].0 > shaft[0].0 && shaft[1].1 == 0.0);
        assert!(head[1] == shaft[1] && head[0].0 < head[1].0 && head[2].0 < head[1].0 && (head[0].1 + head[2].1).abs() < 1e-12, "{head:?}");
    }

    #[test]
    fn an_empty_plane_is_no_error() {
        let empty =
            PlaneMap { centres: [vec![0.0, 1.0], vec![0.0, 1.0]], density: vec![0.0; 4], current: [vec![0.0; 4], vec![f64::NAN; 4]], ..PlaneMap::default() };
        assert!(map(&empty).is_ok());
    }
}
