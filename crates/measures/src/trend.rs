//! Changes and moving means of a figure over periods.

use orewatch_catalog::Period;

use crate::doubt::{Doubt, best};
use crate::{Estimate, Interval, Status};

const NO_FIGURE: &str = "a period that it needs has no figure";
const BOUNDED: &str = "the figure of a period is only known between bounds";

/// How a figure moved up to a period. Means over three and five periods smooth out the noise and the
/// revisions of yearly statistics; the change shows the latest step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Difference from the period before, `x(t) - x(t-1)`, in the measure's unit.
    pub change: Estimate,
    /// Mean of the last three periods, this one included, in the measure's unit.
    pub mean3: Estimate,
    /// Mean of the last five periods, this one included, in the measure's unit.
    pub mean5: Estimate,
}

impl Trend {
    /// The trend of a series at a period, over periods of the same length (years or months).
    ///
    /// A figure of the trend that needs a period without a figure is UNAVAILABLE. Bounds follow by interval
    /// arithmetic. Of two entries of one period the first counts.
    #[must_use]
    pub fn from_series(series: &[(Period, Estimate)], at: Period) -> Self {
        let back = |steps: i32| {
            let wanted = period_number(at) - steps;
            let same =
                |period: &Period| period.is_month() == at.is_month() && period_number(*period) == wanted;
            series.iter().find(|(period, _)| same(period)).map(|(_, estimate)| *estimate)
        };
        let last: [Option<Estimate>; 5] = [0, 1, 2, 3, 4].map(back);
        let [now, before, two, ..] = last;
        Self { change: change(now, before), mean3: mean(&[now, before, two]), mean5: mean(&last) }
    }
}

/// Number of a period among those of its length: years or months since year 0.
fn period_number(period: Period) -> i32 {
    let year = i32::from(period.calendar_year());
    let month = i32::from(period.start().month()) - 1;
    if period.is_month() { year * 12 + month } else { year }
}

fn unavailable() -> Estimate {
    Estimate::missing(Status::Unavailable, NO_FIGURE)
}

fn change(now: Option<Estimate>, before: Option<Estimate>) -> Estimate {
    let (Some(now), Some(before)) = (now.and_then(usable), before.and_then(usable)) else {
        return unavailable();
    };
    let value = best(&now).zip(best(&before)).map(|(now, before)| now - before);
    let bounds = Interval::from(&now).minus(Interval::from(&before));
    doubt(&[now, before]).estimate(value, bounds)
}

fn mean(periods: &[Option<Estimate>]) -> Estimate {
    let figures: Vec<_> = periods.iter().filter_map(|period| period.and_then(usable)).collect();
    let mut count = 0.0;
    let (mut sum, mut bounds) = (Some(0.0), Interval::ZERO);
    for figure in &figures {
        count += 1.0;
        sum = sum.zip(best(figure)).map(|(sum, value)| sum + value);
        bounds = bounds.plus(Interval::from(figure));
    }
    if figures.len() < periods.len() || figures.is_empty() {
        return unavailable();
    }
    doubt(&figures)
        .estimate(sum.map(|sum| sum / count), Interval::new(bounds.low / count, bounds.high / count))
}

/// The figure, if it has a value or a bound.
fn usable(estimate: Estimate) -> Option<Estimate> {
    let finite = |end: Option<f64>| end.is_some_and(f64::is_finite);
    (finite(estimate.value) || finite(estimate.low) || finite(estimate.high)).then_some(estimate)
}

fn doubt(figures: &[Estimate]) -> Doubt {
    figures.iter().map(Doubt::from_estimate).fold(Doubt::NONE, Doubt::and).with_reason(BOUNDED)
}
