//! A chart of figures over their periods, as SVG: one line per subject, bounds as bars, gaps where a figure
//! is missing, and a hollow point where it comes from another dataset than the period before.
use std::fmt::Write as _;

use orewatch_contracts::exposure::v1::Exposure;
use orewatch_contracts::figure::value_in;
use orewatch_contracts::{Class, Failure};

use super::source_changes::{MARK, SourceChanges};
use super::wide::Wide;
use super::xml::escaped;

/// Maximum number of lines: more cannot be told apart.
const MAX_LINES: usize = 8;

/// Colours of the lines, which people with colour blindness can tell apart (Okabe and Ito).
const COLOURS: [&str; MAX_LINES] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a6a00", "#000000"];

/// Size of the picture, and the plane of the figures in it, in pixels.
const WIDTH: f64 = 860.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = 840.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 370.0;
const LINE_HEIGHT: f64 = 18.0;

/// Number of parts of the vertical axis, and fewest pixels between two labels of the horizontal one.
const PARTS: u32 = 5;
const LABEL_ROOM: f64 = 56.0;

/// Draws the figures.
///
/// # Errors
/// Nothing to draw, figures in several units, or more lines than can be told apart.
pub(crate) fn chart(exposures: &[Exposure]) -> Result<String, Failure> {
    let wide = Wide::new(exposures);
    let plane = Plane::new(&wide)?;
    let changes = SourceChanges::find(exposures);
    let mut drawing = plane.axes(&wide.periods);
    let (title, labels) = wide.labels();
    for ((line, label), (colour, row)) in wide.lines.iter().zip(&labels).zip(COLOURS.iter().zip(0_u32..)) {
        drawing.push_str(&plane.line(&line.figures, colour, &changes));
        let y = BOTTOM + 46.0 + LINE_HEIGHT * f64::from(row);
        drawing.push_str(&format!(
            "<rect x=\"{LEFT}\" y=\"{}\" width=\"14\" height=\"4\" fill=\"{colour}\"/>",
            y - 6.0
        ));
        drawing.push_str(&text_at(LEFT + 22.0, y, "start", label));
    }
    let mut y = BOTTOM + 46.0 + LINE_HEIGHT * f64::from(u32::try_from(labels.len()).unwrap_or(u32::MAX));
    for note in changes.note().lines() {
        drawing.push_str(&text_at(LEFT, y, "start", &note.replacen(MARK, "○", 1)));
        y += LINE_HEIGHT;
    }
    let title = escaped(&title);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y}\" font-family=\"sans-serif\" \
         font-size=\"13\" role=\"img\"><title>{title}</title><rect width=\"100%\" height=\"100%\" \
         fill=\"#ffffff\"/><text x=\"{LEFT}\" y=\"28\" font-size=\"16\" font-weight=\"bold\">{title}</text>\
         {drawing}</svg>\n"
    ))
}

/// The plane of the figures: how a period and a figure become a place.
struct Plane<'a> {
    unit: &'a str,
    /// Figure at the top; the bottom is zero, or below it the least figure.
    top: f64,
    bottom: f64,
    /// Pixels between two periods.
    step: f64,
}

impl<'a> Plane<'a> {
    fn new(wide: &Wide<'a>) -> Result<Self, Failure> {
        let unit = wide.lines.first().map(|line| line.unit).unwrap_or_default();
        if wide.lines.iter().any(|line| line.unit != unit) {
            return Err(refusal("figures in several units have no common axis", "name one --measure"));
        }
        if wide.lines.len() > MAX_LINES {
            let message = format!("{} lines cannot be told apart, {MAX_LINES} can", wide.lines.len());
            return Err(refusal(&message, "narrow the query: --consumer, --supplier, --stage, --by"));
        }
        let figures = wide.lines.iter().flat_map(|line| line.figures.iter().flatten());
        let estimates = figures.filter_map(|figure| figure.estimate.as_ref());
        let values: Vec<f64> = estimates
            .flat_map(|estimate| [estimate.value, estimate.low, estimate.high])
            .flatten()
            .filter(|value| value.is_finite())
            .collect();
        if values.is_empty() {
            return Err(refusal("there is no figure to draw", "ask for other periods, such as --as-of all"));
        }
        let high = values.iter().copied().fold(0.0, f64::max);
        let low = values.iter().copied().fold(0.0, f64::min);
        let tick = round_step((high - low) / f64::from(PARTS));
        let gaps = wide.periods.iter().skip(1).fold(0.0, |count, _| count + 1.0);
        Ok(Self {
            unit,
            top: tick * (high / tick).ceil().max(1.0),
            bottom: tick * (low / tick).floor(),
            step: if gaps > 0.0 { (RIGHT - LEFT) / gaps } else { 0.0 },
        })
    }

    /// The horizontal place of a period.
    fn x(&self, place: usize) -> f64 {
        LEFT + self.step * f64::from(u32::try_from(place).unwrap_or(u32::MAX))
    }

    /// The vertical place of a figure.
    fn y(&self, value: f64) -> f64 {
        BOTTOM - (value - self.bottom) / (self.top - self.bottom) * (BOTTOM - TOP)
    }

    /// Lines and labels of both axes. Labels of periods are left out where they have no room.
    fn axes(&self, periods: &[&str]) -> String {
        let mut text = String::new();
        for part in 0..=PARTS {
            let value = self.bottom + (self.top - self.bottom) * f64::from(part) / f64::from(PARTS);
            let y = self.y(value);
            let _infallible = write!(
                text,
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\" stroke=\"#dddddd\"/>"
            );
            text.push_str(&text_at(LEFT - 8.0, y + 4.0, "end", &value_in(self.unit, value)));
        }
        let mut free = f64::NEG_INFINITY;
        for (place, period) in periods.iter().enumerate() {
            let x = self.x(place);
            if x >= free {
                text.push_str(&text_at(x, BOTTOM + 20.0, "middle", period));
                free = x + LABEL_ROOM;
            }
        }
        text
    }

    /// The line of one subject, interrupted where a figure is missing, with its points and bounds.
    fn line(&self, figures: &[Option<&Exposure>], colour: &str, changes: &SourceChanges) -> String {
        let mut path = String::new();
        let mut marks = String::new();
        let mut is_drawing = false;
        for (place, figure) in figures.iter().enumerate() {
            let estimate = figure.and_then(|figure| figure.estimate.as_ref());
            let Some(value) = estimate.and_then(|one| one.value).filter(|value| value.is_finite()) else {
                is_drawing = false;
                continue;
            };
            let (x, y) = (self.x(place), self.y(value));
            let _infallible = write!(path, "{} {x:.1} {y:.1} ", if is_drawing { "L" } else { "M" });
            is_drawing = true;
            if let Some((low, high)) = estimate.and_then(|one| Some((one.low?, one.high?)))
                && low < high
            {
                let (low, high) = (self.y(low), self.y(high));
                let _infallible = write!(
                    marks,
                    "<line x1=\"{x:.1}\" y1=\"{low:.1}\" x2=\"{x:.1}\" y2=\"{high:.1}\" stroke=\"{colour}\" \
                     stroke-width=\"3\" opacity=\"0.35\"/>"
                );
            }
            let is_other = figure.is_some_and(|figure| !changes.mark(figure).is_empty());
            let fill = if is_other { "#ffffff" } else { colour };
            let _infallible = write!(
                marks,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{fill}\" stroke=\"{colour}\"/>"
            );
        }
        let path = path.trim_end();
        format!("<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>{marks}")
    }
}

/// The least of 1, 2, 2.5 or 5 times a power of ten that is at least `least`; 1 for zero.
fn round_step(least: f64) -> f64 {
    if least <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= least * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

fn text_at(x: f64, y: f64, anchor: &str, text: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escaped(text))
}

fn refusal(message: &str, hint: &str) -> Failure {
    Failure::new(Class::Invalid, "no-chart", message).at("svg", "true").with_hint(hint)
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::common::v1::Estimate;
    use orewatch_contracts::exposure::v1::Subject;

    use super::*;

    fn figure(consumer: &str, period: &str, value: Option<f64>, dataset: &str) -> Exposure {
        let high = value.map(|value| value + 0.1);
        Exposure {
            subject: Some(Subject {
                consumer: consumer.to_owned(),
                material: "cobalt".to_owned(),
                measure: "import-share/1".to_owned(),
                ..Subject::default()
            }),
            period: period.to_owned(),
            estimate: Some(Estimate { value, low: value, high, ..Estimate::default() }),
            unit: "share".to_owned(),
            datasets: vec![dataset.to_owned()],
            ..Exposure::default()
        }
    }

    #[test]
    fn a_line_has_gaps_bounds_and_hollow_points() {
        let figures = [
            figure("JPN", "2021", Some(0.2), "a"),
            figure("JPN", "2022", None, "a"),
            figure("JPN", "2023", Some(0.4), "b"),
            figure("JPN", "2024", Some(0.5), "b"),
            figure("DEU", "2024", Some(0.3), "a"),
        ];
        let svg = chart(&figures).unwrap();
        assert!(svg.contains("<title>cobalt · import-share · by quantity</title>"), "{svg}");
        assert_eq!(svg.matches("<path d=\"M 90.0 ").count(), 1, "{svg}");
        let line = svg.split("<path d=\"").find(|path| path.starts_with("M 90.0")).unwrap();
        assert_eq!(line.split('"').next().unwrap().matches('M').count(), 2, "a gap: {line}");
        assert_eq!(svg.matches("<circle").count(), 4);
        assert_eq!(svg.matches("fill=\"#ffffff\" stroke").count(), 1, "one point is of another dataset");
        assert!(svg.contains("60.0 %</text>") && svg.contains(">JPN</text>"), "{svg}");
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        assert_eq!(chart(&[]).unwrap_err().code, "no-chart");
        let many: Vec<_> = (0..9).map(|k| figure(&format!("C{k}"), "2024", Some(0.1), "a")).collect();
        assert!(chart(&many).unwrap_err().message.contains("9 lines"));
        let other = Exposure { unit: "hhi".to_owned(), ..figure("X", "2024", Some(1.0), "a") };
        assert!(chart(&[figure("Y", "2024", Some(0.1), "a"), other]).is_err());
    }

    #[test]
    fn steps_of_the_axis_are_round() {
        for (least, step) in [(0.0, 1.0), (0.13, 0.2), (0.2, 0.2), (2.4, 2.5), (3.0, 5.0), (600.0, 1000.0)] {
            assert!((round_step(least) - step).abs() < 1e-9, "{least}");
        }
    }
}
