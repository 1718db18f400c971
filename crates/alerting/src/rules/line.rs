//! Where lines may lie.
use orewatch_contracts::alerting::v1::condition::Line as Side;
use orewatch_contracts::alerting::v1::{Condition as Stored, Scale};
use orewatch_measures::Method;
use orewatch_runtime::Failure;

use super::check::invalid;
use crate::judgement::Line;

/// Between which a line can be crossed and cleared.
pub(super) struct Bounds {
    least: f64,
    most: f64,
    what: String,
    unit: String,
}

impl Bounds {
    /// Of a measure's figures.
    pub(super) fn of(method: &Method) -> Self {
        let unit = match method.unit {
            "share" => "a share of one, 0.65 for 65 %".to_owned(),
            unit => format!("in {unit}"),
        };
        let (least, most) = method.range;
        Self { least, most, what: method.name.to_owned(), unit }
    }

    pub(super) fn admit(&self, field: &str, value: f64) -> Result<(), Failure> {
        let (least, most, unit) = (self.least, self.most, &self.unit);
        if value.is_finite() && (least..=most).contains(&value) {
            return Ok(());
        }
        let hint = match (least.is_finite(), most.is_finite()) {
            (true, true) => format!("use {least} to {most}: it is {unit}"),
            (true, false) => format!("use a number from {least} on: it is {unit}"),
            (false, true) => format!("use a number up to {most}: it is {unit}"),
            (false, false) => format!("use a finite number: it is {unit}"),
        };
        let message = format!("{value} is outside of what {} can be", self.what);
        Err(invalid("out-of-range", message, field, value.to_string()).with_hint(hint))
    }
}

/// Bounds of a difference of a measure's figures.
pub(super) fn difference(method: &Method, scale: Scale) -> Bounds {
    let (least, most) = method.range;
    let own = Bounds::of(method);
    match scale {
        Scale::Percent => Bounds {
            least: if least >= 0.0 { -100.0 } else { f64::NEG_INFINITY },
            most: f64::INFINITY,
            what: format!("a change of {}", method.name),
            unit: "in percent, 20 for a fifth more".to_owned(),
        },
        Scale::Absolute | Scale::Unspecified => Bounds {
            least: least - most,
            most: most - least,
            what: format!("a change of {}", method.name),
            unit: own.unit,
        },
    }
}

pub(super) fn line(when: &Stored, bounds: &Bounds, field: &str) -> Result<Line, Failure> {
    let (at, above) = match when.line {
        Some(Side::Above(at)) => (at, true),
        Some(Side::Below(at)) => (at, false),
        None => {
            let missing = invalid("missing-line", "the rule has no line", field, "");
            return Err(missing.with_hint("say `when: {above: 0.65}` or `when: {below: 0.65}`"));
        }
    };
    let side = if above { "above" } else { "below" };
    let line = Line { at, above, clear: when.clear };
    let lines = [(side, Some(at)), ("clear", when.clear)];
    for (name, at) in lines.into_iter().filter_map(|(name, at)| at.map(|at| (name, at))) {
        bounds.admit(&format!("{field}.{name}"), at)?;
    }
    on_near_side(&line, field)?;
    Ok(line)
}

/// A clear line lies on the side from which the line is crossed.
pub(super) fn on_near_side(line: &Line, field: &str) -> Result<(), Failure> {
    let Line { at, above, clear: Some(clear) } = *line else { return Ok(()) };
    let is_wrong = !clear.is_finite() || (above && clear > at) || (!above && clear < at);
    if !is_wrong {
        return Ok(());
    }
    let message = format!("the clear line {clear} is on the wrong side of the line {at}");
    let hint = format!("use at {} {at}", if above { "most" } else { "least" });
    Err(invalid("clear-line", message, format!("{field}.clear"), clear.to_string()).with_hint(hint))
}
