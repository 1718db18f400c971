//! Permitted values of lines.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::condition::Line as Side;
use orewatch_contracts::alerting::v1::{Condition as Stored, Scale};
use orewatch_measures::Method;

use super::failure::invalid;
use crate::assessment::Line;

/// Range of values that a line may have.
pub(super) struct Bounds {
    min: f64,
    max: f64,
    what: String,
    unit: String,
}

impl Bounds {
    /// The range of the figures of a measure.
    pub(super) fn of_measure(method: &Method) -> Self {
        let unit = match method.unit {
            "share" => "a share of one, 0.65 for 65 %".to_owned(),
            unit => format!("in {unit}"),
        };
        let (min, max) = method.range;
        Self { min, max, what: method.name.to_owned(), unit }
    }

    /// Checks that a value is in the range.
    pub(super) fn admit(&self, field: &str, value: f64) -> Result<(), Failure> {
        let (min, max, unit) = (self.min, self.max, &self.unit);
        if value.is_finite() && (min..=max).contains(&value) {
            return Ok(());
        }
        let hint = match (min.is_finite(), max.is_finite()) {
            (true, true) => format!("use {min} to {max}: it is {unit}"),
            (true, false) => format!("use a number from {min} on: it is {unit}"),
            (false, true) => format!("use a number up to {max}: it is {unit}"),
            (false, false) => format!("use a finite number: it is {unit}"),
        };
        let message = format!("{value} is outside the range of {}", self.what);
        Err(invalid("out-of-range", message, field, value.to_string()).with_hint(hint))
    }
}

/// Range of a difference of figures of a measure.
pub(super) fn difference_bounds(method: &Method, scale: Scale) -> Bounds {
    let (min, max) = method.range;
    let own = Bounds::of_measure(method);
    match scale {
        Scale::Percent => Bounds {
            min: if min >= 0.0 { -100.0 } else { f64::NEG_INFINITY },
            max: f64::INFINITY,
            what: format!("a change of {}", method.name),
            unit: "in percent, 20 for a fifth more".to_owned(),
        },
        Scale::Absolute | Scale::Unspecified => Bounds {
            min: min - max,
            max: max - min,
            what: format!("a change of {}", method.name),
            unit: own.unit,
        },
    }
}

/// Reads the line of a condition.
pub(super) fn read_line(when: &Stored, bounds: &Bounds, field: &str) -> Result<Line, Failure> {
    let (at, above) = match when.line {
        Some(Side::Above(at)) => (at, true),
        Some(Side::Below(at)) => (at, false),
        None => {
            let missing = invalid("missing-line", "the rule has no line", field, "");
            return Err(missing.with_hint("write `when: {above: 0.65}` or `when: {below: 0.65}`"));
        }
    };
    let side = if above { "above" } else { "below" };
    let line = Line { at, above, clear: when.clear };
    let lines = [(side, Some(at)), ("clear", when.clear)];
    for (name, at) in lines.into_iter().filter_map(|(name, at)| at.map(|at| (name, at))) {
        bounds.admit(&format!("{field}.{name}"), at)?;
    }
    check_clear_line(&line, field)?;
    Ok(line)
}

/// Checks that a clear line is on the side from which the line is crossed.
pub(super) fn check_clear_line(line: &Line, field: &str) -> Result<(), Failure> {
    let Line { at, above, clear: Some(clear) } = *line else { return Ok(()) };
    let is_wrong = !clear.is_finite() || (above && clear > at) || (!above && clear < at);
    if !is_wrong {
        return Ok(());
    }
    let message = format!("the clear line {clear} is on the wrong side of the line {at}");
    let hint = format!("use at {} {at}", if above { "most" } else { "least" });
    Err(invalid("invalid-clear-line", message, format!("{field}.clear"), clear.to_string()).with_hint(hint))
}
