//! Figures as SVG.

use std::error::Error;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axes::{Axis, range, tick, with_unit, written};
use super::curves::{Curve, Frame, Style, curves};
use super::{FigureError, atoms};
use crate::output::{Bars, Counted, Line};

pub(super) const SIZE: (u32, u32) = (560, 340);
/// Sizes of letters.
pub(super) const CAPTION: (&str, u32) = ("sans-serif", 16);
pub(super) const LABEL: (&str, u32) = ("sans-serif", 13);
pub(super) const MEASURED: RGBColor = RGBColor(31, 90, 150);
pub(super) const EXACT: RGBColor = RGBColor(200, 60, 40);
pub(super) const GREY: RGBColor = RGBColor(110, 110, 110);
/// Standard errors that a band reaches to either side.
pub(super) const BAND: f64 = 2.0;
/// Ratio of the largest density to the smallest one that is drawn on a logarithmic axis.
const DECADES: f64 = 1e-7;
/// Distance of the third or the fourth standardised moment from that of a normal law, from which a histogram is not set beside one.
const UNLIKE: f64 = 1.0;
/// Width of a letter under a bar, and of the widest figure of bars.
const LETTER: usize = 7;
const WIDEST: usize = 1140;

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
pub(super) fn line(line: &Line, title: &str, end: Option<f64>) -> Result<String, FigureError> {
    let measured = Curve::new("", Style::Line, line.x.clone(), line.y.clone()).with_error(line.error.clone().unwrap_or_default());
    let exact = line.exact.as_ref().map(|exact| Curve::new("", Style::Exact, line.x.clone(), exact.clone()));
    let frame = Frame {
        title: title.to_owned(),
        x_label: line.x_label.clone(),
        y_label: with_unit(&line.title, &line.unit),
        exact: line.x.last().copied().zip(end).into_iter().collect(),
        ..Frame::default()
    };
    curves(&frame, &std::iter::once(measured).chain(exact).collect::<Vec<_>>())
}

/// A histogram on a logarithmic axis: tails are what fluctuation theorems speak of. `normal` is the mean and the deviation of a normal law beside it.
pub(super) fn histogram(counted: &Counted, normal: Option<(f64, f64)>) -> Result<String, FigureError> {
    let (line, scale) = (&counted.line, atoms::scale(counted));
    let y: Vec<f64> = line.y.iter().map(|y| y * scale.factor).collect();
    let mut all = vec![seen("", &scale.x, &y)];
    let is_smooth = |(mean, deviation): &(f64, f64)| !atoms::lie_apart(&counted.counts) && is_smooth(line, *mean, *deviation);
    if let Some((mean, deviation)) = normal.filter(is_smooth) {
        let law = |x: &f64| (-0.5 * ((x - mean) / deviation).powi(2)).exp() / (deviation * std::f64::consts::TAU.sqrt());
        all.push(Curve::new("", Style::Law, line.x.clone(), line.x.iter().map(law).collect()));
    }
    let frame = Frame { title: line.name.clone(), x_label: short(line), y_label: scale.label, logarithmic: true, ..Frame::default() };
    curves(&frame, &all)
}

/// The bins of a histogram with anything in them.
pub(super) fn seen(name: &str, x: &[f64], density: &[f64]) -> Curve {
    let largest = density.iter().copied().filter(|y| y.is_finite()).fold(0.0, f64::max);
    let (x, y) = x.iter().zip(density).filter(|(_, y)| **y > largest * DECADES).unzip();
    Curve::new(name, Style::Points, x, y)
}

/// What is on the axis: in words, or by name where those would not fit.
pub(super) fn short(line: &Line) -> String {
    const MOST: usize = 64;
    let unit = line.x_label.rfind(" (").map_or("", |place| &line.x_label[place..]);
    if line.x_label.chars().count() <= MOST { line.x_label.clone() } else { format!("{}{unit}", line.name) }
}

/// Whether a normal law belongs beside a histogram: hardly a bin near the mean is empty, as sums over few events leave gaps, and its shape is alike.
fn is_smooth(line: &Line, mean: f64, deviation: f64) -> bool {
    let near: Vec<f64> = line.x.iter().zip(&line.y).filter(|(x, _)| (*x - mean).abs() <= 2.0 * deviation).map(|(_, y)| *y).collect();
    let empty = near.iter().filter(|y| **y <= 0.0).count();
    let all: f64 = line.y.iter().sum();
    let moment = |power: i32| line.x.iter().zip(&line.y).map(|(x, y)| y * ((x - mean) / deviation).powi(power)).sum::<f64>() / all;
    near.len() > 4 && 5 * empty <= near.len() && moment(3).abs() <= UNLIKE && (moment(4) - 3.0).abs() <= UNLIKE
}

/// Numbers with names, as bars with two standard errors; `exact` are their exact values, where known.
pub(super) fn bars(bars: &Bars, exact: &[Option<f64>]) -> Result<String, FigureError> {
    let low = bars.values.iter().zip(&bars.error).map(|(value, error)| value - BAND * error);
    let high = bars.values.iter().zip(&bars.error).map(|(value, error)| value + BAND * error);
    let values = range(low.chain(high).chain(exact.iter().flatten().copied()).chain(std::iter::once(0.0)));
    let count = bars.names.len();
    let longest = bars.names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let width = (90 + count * (8 + LETTER * longest)).max(SIZE.0 as usize);
    // Names that do not fit side by side are written downwards.
    let upright = width > WIDEST;
    let (below, width) = if upright { (40 + LETTER * longest, WIDEST) } else { (40, width) };
    let size = (width as u32, SIZE.1 + below as u32 - 40);
    let y_axis = Axis::plain(&values);
    drawn(&bars.long_name, size, |canvas| {
        let x_axis = Axis::named(-0.5..count as f64 - 0.5, &bars.names);
        let mut chart = ChartBuilder::on(canvas)
            .caption(&bars.long_name, CAPTION)
            .margin(8)
            .x_label_area_size(below as u32)
            .y_label_area_size(70)
            .build_cartesian_2d(x_axis.clone(), y_axis.clone())?;
        let names = LABEL.into_font().color(&BLACK);
        let downwards = names.clone().transform(FontTransform::Rotate90).pos(Pos::new(HPos::Left, VPos::Center));
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .label_style(LABEL)
            .axis_desc_style(LABEL)
            .x_label_style(if upright { downwards } else { names })
            .x_label_formatter(&|x| x_axis.label(x))
            .y_label_formatter(&|y| y_axis.label(y))
            .y_desc(written(&with_unit(&bars.quantity, &bars.unit)))
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
    let largest = scores.iter().filter(|(_, z)| z.is_finite()).max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    let largest = largest.filter(|(_, z)| *z != 0.0).map_or_else(String::new, |(name, z)| format!("; largest: {name}, {z:+.1}"));
    let words = format!("estimates, in the order of the table{largest}");
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
            .x_desc(words)
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
