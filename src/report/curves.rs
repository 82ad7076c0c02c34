//! Several functions in one figure, each with its name beside it.

use std::ops::Range;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::FigureError;
use super::axes::{Axis, range, written};
use super::figure::{BAND, CAPTION, EXACT, GREY, LABEL, MEASURED, SIZE, drawn};

/// Colours of the functions, the first of them that of all that is measured.
const COLOURS: [RGBColor; 10] = [
    MEASURED,
    RGBColor(230, 140, 20),
    RGBColor(60, 140, 70),
    RGBColor(140, 80, 160),
    RGBColor(90, 180, 200),
    RGBColor(150, 110, 60),
    RGBColor(220, 110, 160),
    RGBColor(90, 90, 90),
    RGBColor(170, 170, 40),
    RGBColor(30, 60, 60),
];
/// Widths: of the column of names, of a letter in it, of a line beside a name; height of a name.
const NAMES: u32 = 34;
const LETTER: u32 = 7;
const SAMPLE: i32 = 18;
const LINE_HEIGHT: i32 = 18;
/// Decades below which a logarithmic axis is none.
const SHORT: f64 = 1.3;
/// Length of the dashes of an exact line over measured ones, and between them.
const DASH: (u32, u32) = (4, 6);
/// Longest name that is written out.
const LONGEST: usize = 16;

/// How a function is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// A line in a band of two standard errors.
    Line,
    /// Points with bars of two standard errors.
    Points,
    /// A red line, dashed over measured ones: exact.
    Exact,
    /// A thin grey line: a law for comparison.
    Law,
}

/// One of the functions.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) style: Style,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) error: Vec<f64>,
}

impl Curve {
    pub(super) fn new(name: impl Into<String>, style: Style, x: Vec<f64>, y: Vec<f64>) -> Self {
        Self { name: name.into(), style, x, y, error: Vec::new() }
    }

    pub(super) fn with_error(mut self, error: Vec<f64>) -> Self {
        self.error = error;
        self
    }

    fn is_measured(&self) -> bool {
        matches!(self.style, Style::Line | Style::Points)
    }

    /// Places and values that are finite, after a map of the values, shifted by a number of standard errors.
    fn points(&self, map: impl Fn(f64) -> f64, errors: f64) -> Vec<(f64, f64)> {
        let error = |i: usize| self.error.get(i).copied().filter(|error| error.is_finite()).unwrap_or(0.0);
        let all = self.x.iter().zip(&self.y).enumerate().map(|(i, (x, y))| (*x, map(y + errors * error(i))));
        all.filter(|(x, y)| x.is_finite() && y.is_finite()).collect()
    }

    /// Points without a gap between them: a value that is not known breaks a line.
    fn runs(&self, map: impl Fn(f64) -> f64) -> Vec<Vec<(f64, f64)>> {
        let all: Vec<(f64, f64)> = self.x.iter().zip(&self.y).map(|(x, y)| (*x, map(*y))).collect();
        all.split(|(_, y)| !y.is_finite()).filter(|run| !run.is_empty()).map(<[_]>::to_vec).collect()
    }
}

/// What is around the functions.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    pub(super) title: String,
    pub(super) x_label: String,
    pub(super) y_label: String,
    /// Whether values are on a logarithmic axis.
    pub(super) logarithmic: bool,
    /// Values of x with a dashed line, and what they are.
    pub(super) marks: Vec<(f64, String)>,
    /// Points that are exact.
    pub(super) exact: Vec<(f64, f64)>,
    /// The values that must be seen; all of them where there is none.
    pub(super) y_range: Option<Range<f64>>,
}

impl Frame {
    fn map(&self, y: f64) -> f64 {
        if self.logarithmic { y.log10() } else { y }
    }

    /// Range of the axis of values; of functions for comparison only what is near the measured ones is shown.
    fn y_range(&self, curves: &[Curve]) -> Range<f64> {
        let map = |y: f64| self.map(y);
        if let Some(wanted) = &self.y_range {
            return range([map(wanted.start), map(wanted.end)].into_iter());
        }
        let ends: &[f64] = if self.logarithmic { &[0.0] } else { &[BAND, -BAND] };
        let measured = curves.iter().filter(|curve| curve.style != Style::Law).flat_map(|curve| ends.iter().flat_map(|errors| curve.points(map, *errors)));
        range(measured.map(|(_, y)| y).chain(self.exact.iter().map(|(_, y)| map(*y))))
    }
}

/// Draws functions; names stand to the right where there is more than one.
pub(super) fn curves(frame: &Frame, curves: &[Curve]) -> Result<String, FigureError> {
    if frame.logarithmic && decades(&frame.y_range(curves)) < SHORT {
        // Hardly a decade: a plain axis from 0 shows it better.
        let highest = curves.iter().filter(|curve| curve.is_measured()).flat_map(|curve| curve.y.iter().copied()).fold(0.0, f64::max);
        return self::curves(&Frame { logarithmic: false, y_range: Some(0.0..highest), ..frame.clone() }, curves);
    }
    let named: Vec<&Curve> = curves.iter().filter(|curve| curve.is_measured() && !curve.name.is_empty()).collect();
    let longest = named.iter().map(|curve| shortened(&curve.name).chars().count()).max().unwrap_or(0) as u32;
    let column = if named.len() > 1 { NAMES + LETTER * longest } else { 0 };
    let x_range = range(curves.iter().filter(|curve| curve.style != Style::Law).flat_map(|curve| curve.x.iter().copied()));
    let y_range = frame.y_range(curves);
    // Dashes leave the colour of a measured line to be seen.
    let over_lines = curves.iter().any(|curve| curve.style == Style::Line);
    drawn(&frame.title, SIZE, |canvas| {
        let (area, names) = canvas.split_horizontally(SIZE.0 - column);
        let (x_axis, y_axis) = (Axis::plain(&x_range), if frame.logarithmic { Axis::powers(&y_range) } else { Axis::plain(&y_range) });
        let mut chart = ChartBuilder::on(&area)
            .caption(&frame.title, CAPTION)
            .margin(8)
            .x_label_area_size(40)
            .y_label_area_size(70)
            .build_cartesian_2d(x_axis.clone(), y_axis.clone())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .label_style(LABEL)
            .axis_desc_style(LABEL)
            .x_desc(written(&frame.x_label))
            .y_desc(written(&frame.y_label))
            .x_label_formatter(&|x| x_axis.label(x))
            .y_label_formatter(&|y| y_axis.label(y))
            .draw()?;
        let mut colours = COLOURS.iter().cycle();
        for curve in curves {
            let map = |y: f64| frame.map(y);
            let points = curve.points(map, 0.0);
            let inside = |points: Vec<(f64, f64)>| points.into_iter().filter(|(_, y)| y_range.contains(y)).collect::<Vec<_>>();
            match curve.style {
                Style::Exact => {
                    for run in curve.runs(map).into_iter().filter(|run| run.len() > 1) {
                        if over_lines {
                            chart.draw_series(DashedLineSeries::new(run, DASH.0, DASH.1, EXACT.stroke_width(2)))?;
                        } else {
                            chart.draw_series(LineSeries::new(run, EXACT.stroke_width(1)))?;
                        }
                    }
                }
                Style::Law => {
                    chart.draw_series(LineSeries::new(inside(points), GREY.stroke_width(1)))?;
                }
                Style::Line | Style::Points => {
                    let colour = colours.next().unwrap_or(&MEASURED);
                    let (low, high) = (curve.points(map, -BAND), curve.points(map, BAND));
                    if curve.style == Style::Line && !points.is_empty() {
                        let band: Vec<(f64, f64)> = high.into_iter().chain(low.into_iter().rev()).collect();
                        chart.draw_series(std::iter::once(Polygon::new(band, colour.mix(0.25))))?;
                        chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
                    } else {
                        let bars = low.iter().zip(&high).filter(|(low, high)| low != high);
                        chart.draw_series(bars.map(|(low, high)| PathElement::new(vec![*low, *high], colour.mix(0.5))))?;
                        chart.draw_series(points.iter().map(|point| Circle::new(*point, 2, colour.filled())))?;
                    }
                }
            }
        }
        for (place, words) in frame.marks.iter().filter(|(place, _)| x_range.contains(place)) {
            chart.draw_series(DashedLineSeries::new([(*place, y_range.start), (*place, y_range.end)], 4, 3, EXACT.stroke_width(1)))?;
            let style = LABEL.into_font().color(&EXACT).pos(Pos::new(HPos::Left, VPos::Top));
            chart.draw_series(std::iter::once(EmptyElement::at((*place, y_range.end)) + Text::new(words.clone(), (6, 4), style)))?;
        }
        chart.draw_series(frame.exact.iter().map(|(x, y)| Circle::new((*x, frame.map(*y)), 4, EXACT.stroke_width(2))))?;
        if named.len() > 1 {
            for (row, (curve, colour)) in named.iter().zip(COLOURS.iter().cycle()).enumerate() {
                let y = 44 + LINE_HEIGHT * row as i32;
                names.draw(&PathElement::new(vec![(4, y), (4 + SAMPLE, y)], colour.stroke_width(3)))?;
                let style = LABEL.into_font().color(&BLACK).pos(Pos::new(HPos::Left, VPos::Center));
                names.draw(&Text::new(shortened(&curve.name), (8 + SAMPLE, y), style))?;
            }
        }
        Ok(())
    })
}

/// Length of a range of logarithms.
fn decades(range: &Range<f64>) -> f64 {
    range.end - range.start
}

fn shortened(name: &str) -> String {
    let start: String = name.chars().take(LONGEST - 1).collect();
    if name.chars().count() <= LONGEST { name.to_owned() } else { format!("{}…", start.trim_end()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(name: &str, style: Style) -> Curve {
        Curve::new(name, style, vec![0.0, 1.0, 2.0, 3.0], vec![1.0, f64::NAN, 0.0, 100.0]).with_error(vec![0.1; 4])
    }

    #[test]
    fn names_stand_beside_several_functions_and_not_beside_one() {
        let frame = Frame { title: "both".into(), ..Frame::default() };
        let one = curves(&frame, &[curve("first", Style::Line), curve("law", Style::Law)]).expect("drawn");
        assert!(!one.contains("first") && !one.contains("law"));
        let two = curves(&frame, &[curve("first", Style::Line), curve("a name that is much too long", Style::Points)]).expect("drawn");
        assert!(two.contains("first") && two.contains("a name that is…"), "{two}");
    }

    #[test]
    fn what_is_not_known_breaks_an_exact_line() {
        let svg = |y: Vec<f64>| {
            let exact = Curve::new("", Style::Exact, (0..5).map(f64::from).collect(), y);
            curves(&Frame { title: "exact".into(), ..Frame::default() }, &[exact]).expect("drawn")
        };
        let lines = |svg: String| svg.matches(&"#C83C28".to_owned()).count();
        let (whole, broken) = (lines(svg(vec![1.0, 2.0, 3.0, 4.0, 5.0])), lines(svg(vec![1.0, 2.0, f64::NAN, 4.0, 5.0])));
        assert_eq!((whole, broken), (1, 2));
    }

    #[test]
    fn exact_lines_are_dashed_over_measured_ones() {
        let line = |style| Curve::new("", style, vec![0.0, 1.0, 2.0], vec![0.0, 1.0, 2.0]);
        let red =
            |other| curves(&Frame { title: "exact".into(), ..Frame::default() }, &[line(other), line(Style::Exact)]).expect("drawn").matches("#C83C28").count();
        assert_eq!(red(Style::Points), 1);
        assert!(red(Style::Line) > 10);
    }

    #[test]
    fn a_logarithmic_axis_leaves_out_what_has_no_logarithm_and_names_powers() {
        let frame = Frame { title: "p".into(), logarithmic: true, marks: vec![(1.5, "here".into()), (9.0, "nowhere".into())], ..Frame::default() };
        let svg = curves(&frame, &[curve("p", Style::Points)]).expect("drawn");
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("100") && svg.contains("here") && !svg.contains("nowhere"), "{svg}");
    }
}
