//! Figures as SVG.

use std::error::Error;

use plotters::prelude::*;

use super::FigureError;
use super::axes::{range, tick, with_unit};
use crate::output::{Bars, Line};

const SIZE: (u32, u32) = (560, 340);
/// Sizes of letters.
const CAPTION: (&str, u32) = ("sans-serif", 16);
const LABEL: (&str, u32) = ("sans-serif", 13);
pub(super) const MEASURED: RGBColor = RGBColor(31, 90, 150);
pub(super) const EXACT: RGBColor = RGBColor(200, 60, 40);
const GREY: RGBColor = RGBColor(110, 110, 110);
/// Standard errors that a band reaches to either side.
const BAND: f64 = 2.0;
/// Ratio of the largest density to the smallest one that is drawn on a logarithmic axis.
const DECADES: f64 = 1e-7;

/// Draws on a new canvas.
pub(super) fn drawn(
    title: &str,
    size: (u32, u32),
    draw: impl FnOnce(&DrawingArea<SVGBackend<'_>, plotters::coord::Shift>) -> Result<(), Box<dyn Error>>,
) -> Result<String, FigureError> {
    let mut svg = String::new();
    let result = {
        let canvas = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        canvas
            .fill(&WHITE)
            .map_err(|error| error.to_string())
            .and_then(|()| draw(&canvas).map_err(|error| error.to_string()))
            .and_then(|()| canvas.present().map_err(|error| error.to_string()))
    };
    result.map(|()| svg).map_err(|reason| FigureError { figure: title.to_owned(), reason })
}

/// A function with its band of two standard errors, and the exact one beside it; `end` is its exact last value.
pub(super) fn line(line: &Line, end: Option<f64>) -> Result<String, FigureError> {
    let zero = vec![0.0; line.y.len()];
    let error = line.error.as_ref().unwrap_or(&zero);
    let known = |values: &Option<Vec<f64>>| values.iter().flatten().copied().filter(|value| value.is_finite()).collect::<Vec<_>>();
    let low = line.y.iter().zip(error).map(|(y, e)| y - BAND * e);
    let high = line.y.iter().zip(error).map(|(y, e)| y + BAND * e);
    let y_range = range(low.chain(high).chain(known(&line.exact)).chain(end));
    let points = |values: &[f64]| line.x.iter().copied().zip(values.iter().copied()).filter(|(_, y)| y.is_finite()).collect::<Vec<_>>();
    drawn(&line.title, SIZE, |canvas| {
        let mut chart = ChartBuilder::on(canvas)
            .caption(&line.title, CAPTION)
            .margin(8)
            .x_label_area_size(40)
            .y_label_area_size(70)
            .build_cartesian_2d(range(line.x.iter().copied()), y_range)?;
        let y_label = with_unit(&line.title, &line.unit);
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .label_style(LABEL)
            .axis_desc_style(LABEL)
            .x_desc(&line.x_label)
            .y_desc(&y_label)
            .x_label_formatter(&|x| tick(*x))
            .y_label_formatter(&|y| tick(*y))
            .draw()?;
        let finite = |sign: f64| line.x.iter().zip(&line.y).zip(error).map(move |((x, y), e)| (*x, y + sign * BAND * e)).filter(|(_, y)| y.is_finite());
        let mut band: Vec<(f64, f64)> = finite(1.0).collect();
        band.extend(finite(-1.0).collect::<Vec<_>>().into_iter().rev());
        chart.draw_series(std::iter::once(Polygon::new(band, MEASURED.mix(0.25))))?;
        chart.draw_series(LineSeries::new(points(&line.y), MEASURED.stroke_width(2)))?;
        if let Some(exact) = &line.exact {
            chart.draw_series(LineSeries::new(points(exact), EXACT.stroke_width(1)))?;
        }
        if let Some(point) = line.x.last().copied().zip(end) {
            chart.draw_series(std::iter::once(Circle::new(point, 4, EXACT.stroke_width(2))))?;
        }
        Ok(())
    })
}

/// A histogram on a logarithmic axis: tails are what fluctuation theorems speak of. `normal` is the mean and the deviation of a normal law beside it.
pub(super) fn histogram(line: &Line, normal: Option<(f64, f64)>) -> Result<String, FigureError> {
    let largest = line.y.iter().copied().filter(|y| y.is_finite()).fold(0.0, f64::max);
    let seen: Vec<(f64, f64)> = line.x.iter().copied().zip(line.y.iter().copied()).filter(|(_, y)| *y > largest * DECADES).collect();
    let smallest = seen.iter().map(|(_, y)| *y).fold(largest, f64::min);
    drawn(&line.name, SIZE, |canvas| {
        let mut chart = ChartBuilder::on(canvas).caption(&line.name, CAPTION).margin(8).x_label_area_size(40).y_label_area_size(70).build_cartesian_2d(
            range(seen.iter().map(|(x, _)| *x)),
            (0.5 * smallest.max(f64::MIN_POSITIVE)..2.0 * largest.max(2.0 * f64::MIN_POSITIVE)).log_scale(),
        )?;
        let (x_label, y_label) = (short(line), with_unit("density", &line.unit));
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .label_style(LABEL)
            .axis_desc_style(LABEL)
            .x_desc(x_label)
            .y_desc(y_label)
            .x_label_formatter(&|x| tick(*x))
            .y_label_formatter(&|y| tick(*y))
            .draw()?;
        chart.draw_series(seen.iter().map(|point| Circle::new(*point, 2, MEASURED.filled())))?;
        if let Some((mean, deviation)) = normal.filter(|(mean, deviation)| is_smooth(line, *mean, *deviation)) {
            let law = |x: f64| (-0.5 * ((x - mean) / deviation).powi(2)).exp() / (deviation * std::f64::consts::TAU.sqrt());
            let curve = line.x.iter().map(|x| (*x, law(*x))).filter(|(_, y)| *y > 0.5 * smallest);
            chart.draw_series(LineSeries::new(curve, GREY.stroke_width(1)))?;
        }
        Ok(())
    })
}

/// What is on the axis: in words, or by name where those would not fit.
fn short(line: &Line) -> String {
    const MOST: usize = 64;
    let unit = line.x_label.rfind(" (").map_or("", |place| &line.x_label[place..]);
    if line.x_label.chars().count() <= MOST { line.x_label.clone() } else { format!("{}{unit}", line.name) }
}

/// Whether hardly a bin near the mean is empty: sums over few events take values with gaps, and no normal law belongs beside them.
fn is_smooth(line: &Line, mean: f64, deviation: f64) -> bool {
    let near: Vec<f64> = line.x.iter().zip(&line.y).filter(|(x, _)| (*x - mean).abs() <= 2.0 * deviation).map(|(_, y)| *y).collect();
    let empty = near.iter().filter(|y| **y <= 0.0).count();
    near.len() > 4 && 5 * empty <= near.len()
}

/// Numbers with names, as bars with two standard errors; `exact` are their exact values, where known.
pub(super) fn bars(bars: &Bars, exact: &[Option<f64>]) -> Result<String, FigureError> {
    let low = bars.values.iter().zip(&bars.error).map(|(value, error)| value - BAND * error);
    let high = bars.values.iter().zip(&bars.error).map(|(value, error)| value + BAND * error);
    let values = range(low.chain(high).chain(exact.iter().flatten().copied()).chain(std::iter::once(0.0)));
    let count = bars.names.len();
    drawn(&bars.long_name, SIZE, |canvas| {
        let places = -0.5..count as f64 - 0.5;
        let mut chart = ChartBuilder::on(canvas)
            .caption(&bars.long_name, CAPTION)
            .margin(8)
            .x_label_area_size(40)
            .y_label_area_size(70)
            .build_cartesian_2d(places, values)?;
        let name = |place: &f64| {
            let index = place.round();
            let on_it = (place - index).abs() < 0.01 && index >= 0.0;
            bars.names.get(index as usize).filter(|_| on_it).cloned().unwrap_or_default()
        };
        let unit = with_unit("", &bars.unit);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .label_style(LABEL)
            .axis_desc_style(LABEL)
            .x_labels(count.clamp(2, 12))
            .x_label_formatter(&name)
            .y_label_formatter(&|y| tick(*y))
            .y_desc(unit.trim())
            .draw()?;
        for (place, (value, error)) in bars.values.iter().zip(&bars.error).enumerate() {
            let x = place as f64;
            chart.draw_series(std::iter::once(Rectangle::new([(x - 0.3, 0.0), (x + 0.3, *value)], MEASURED.mix(0.5).filled())))?;
            chart.draw_series(std::iter::once(PathElement::new(vec![(x, value - BAND * error), (x, value + BAND * error)], GREY.stroke_width(2))))?;
            if let Some(exact) = exact.get(place).copied().flatten() {
                chart.draw_series(std::iter::once(PathElement::new(vec![(x - 0.35, exact), (x + 0.35, exact)], EXACT.stroke_width(2))))?;
            }
        }
        Ok(())
    })
}

/// The scores of all estimates with an exact value, and the bound beyond which one is a violation.
pub(super) fn scores(scores: &[(String, f64)], bound: f64) -> Result<String, FigureError> {
    let title = "z of every estimate beside its exact value";
    let reach = scores.iter().map(|(_, z)| z.abs()).filter(|z| z.is_finite()).fold(bound, f64::max) * 1.1;
    drawn(title, SIZE, |canvas| {
        let count = scores.len() as f64;
        let mut chart = ChartBuilder::on(canvas)
            .caption(title, CAPTION)
            .margin(8)
            .x_label_area_size(40)
            .y_label_area_size(70)
            .build_cartesian_2d(-0.5..count - 0.5, -reach..reach)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .label_style(LABEL)
            .axis_desc_style(LABEL)
            .x_labels(0)
            .x_desc("estimates, in the order of the table")
            .y_desc("z")
            .y_label_formatter(&|y| tick(*y))
            .draw()?;
        for level in [-bound, bound] {
            chart.draw_series(LineSeries::new([(-0.5, level), (count - 0.5, level)], EXACT.stroke_width(1)))?;
        }
        let beyond = |z: f64| if z.abs() <= bound { MEASURED } else { EXACT };
        chart.draw_series(
            scores.iter().enumerate().filter(|(_, (_, z))| z.is_finite()).map(|(place, (_, z))| Circle::new((place as f64, *z), 3, beyond(*z).filled())),
        )?;
        Ok(())
    })
}
