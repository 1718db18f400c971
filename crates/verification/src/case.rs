//! A case: one published figure and the same figure as computed here.

use std::fmt;

use orewatch_measures::{Estimate, Measure, PrintedReliance};

/// Whether a published figure was reproduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Our best value is within the tolerance; for a figure that is published as a bound, within that bound.
    Reproduced,
    /// Some input is not published, and our bounds, which exclude other figures, contain the published one.
    WithinBounds,
    /// Our figure differs, or the inputs do not suffice to compute it. The reason of the case says which.
    NotReproduced,
}

impl Verdict {
    /// The text of the verdict: `reproduced`, `within bounds`, `not reproduced`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::WithinBounds => "within bounds",
            Self::NotReproduced => "not reproduced",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A figure as its source prints it.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// The printed text: `73 %`, `>50 %`, `E`, `2.8`.
    pub text: String,
    /// Its meaning in the unit of the case: a value, or the bounds of a censored figure.
    pub estimate: Estimate,
}

impl Published {
    /// A number.
    #[must_use]
    pub fn number(text: impl Into<String>, value: f64) -> Self {
        Self { text: text.into(), estimate: Estimate::known(value) }
    }

    /// Net import reliance as the US Geological Survey prints it.
    #[must_use]
    pub fn reliance(printed: PrintedReliance) -> Self {
        let text = match printed {
            PrintedReliance::Percent(_) | PrintedReliance::Above(_) | PrintedReliance::Below(_) => {
                format!("{printed} %")
            }
            _ => printed.to_string(),
        };
        Self { text, estimate: printed.estimate() }
    }
}

/// Source of a figure or of its inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Publisher and title.
    pub title: String,
    /// Terms on which the figures may be redistributed.
    pub licence: String,
    /// Location in the source, such as a table or a page.
    pub location: String,
}

/// A published figure, our figure, and the verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The measure.
    pub measure: Measure,
    /// Symbol of a term of its formula; empty for the figure of the measure itself.
    pub term: &'static str,
    /// Subject of the figure, such as `manganese, mined, USA, 2022`.
    pub case: String,
    /// The published figure.
    pub published: Published,
    /// Our figure.
    pub ours: Estimate,
    /// The mark that the source would print for our figure, such as `E` for a net exporter. `None`: a number.
    pub mark: Option<String>,
    /// Largest accepted difference, in `unit`.
    pub tolerance: f64,
    /// Unit of both figures: the unit of the measure or of the term.
    pub unit: &'static str,
    /// Whether the published figure was reproduced.
    pub verdict: Verdict,
    /// Reason why it was not reproduced, or a remark. May be empty.
    pub reason: String,
    /// Source of the published figure and of its inputs.
    pub source: Source,
}

/// A case before its figure is computed.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) measure: Measure,
    pub(crate) term: &'static str,
    pub(crate) case: String,
    pub(crate) unit: &'static str,
    pub(crate) tolerance: f64,
    pub(crate) source: Source,
}

impl Claim {
    /// The case with our figure and the verdict.
    pub(crate) fn compare(self, published: Published, ours: Estimate, reason: &str) -> Case {
        let verdict = match judge(&published.estimate, &ours, self.tolerance) {
            Verdict::WithinBounds if spans_all(&ours, self.measure) => Verdict::NotReproduced,
            verdict => verdict,
        };
        let reason = match verdict {
            Verdict::Reproduced => reason.to_owned(),
            _ if reason.is_empty() => ours.reason.to_owned(),
            _ => reason.to_owned(),
        };
        let Self { measure, term, case, unit, tolerance, source } = self;
        Case { measure, term, case, published, ours, mark: None, tolerance, unit, verdict, reason, source }
    }
}

/// Whether the bounds cover the whole range of the measure: then it means nothing that they contain the
/// published figure.
fn spans_all(ours: &Estimate, measure: Measure) -> bool {
    let (least, most) = measure.method().range;
    ours.low.is_none_or(|low| low <= least) && ours.high.is_none_or(|high| high >= most)
}

/// Reproduced: our value is within the published figure, widened by the tolerance. Within bounds: our bounds
/// overlap it.
fn judge(published: &Estimate, ours: &Estimate, tolerance: f64) -> Verdict {
    let (Some(low), Some(high)) = (published.low, published.high) else { return Verdict::NotReproduced };
    let (low, high) = (low - tolerance, high + tolerance);
    let is_settled = ours.low.is_some_and(|own| own >= low) && ours.high.is_some_and(|own| own <= high);
    let agrees = ours.value.is_some_and(|value| (low..=high).contains(&value));
    let overlaps = ours.low.is_some_and(|own| own <= high) && ours.high.is_none_or(|own| own >= low);
    let is_censored = published.value.is_none();
    match () {
        () if is_settled && (agrees || ours.value.is_none()) => Verdict::Reproduced,
        () if agrees && !is_censored => Verdict::Reproduced,
        () if overlaps => Verdict::WithinBounds,
        () => Verdict::NotReproduced,
    }
}

impl Case {
    /// Our figure in the notation of the published one, with its bounds if it has any: `73.0 %`, `0.1109559`.
    #[must_use]
    pub fn ours_text(&self) -> String {
        if let Some(mark) = &self.mark {
            return mark.clone();
        }
        let is_percent = self.unit == "share" && self.tolerance >= 1e-4;
        let number = |figure: f64| {
            if is_percent { format!("{:.1} %", figure * 100.0) } else { significant(figure, self.tolerance) }
        };
        let Estimate { value, low, high, .. } = self.ours;
        let bounds = match (low, high) {
            (Some(low), Some(high)) if number(low) != number(high) => {
                format!("{} to {}", number(low), number(high))
            }
            (Some(low), None) => format!("{} or more", number(low)),
            _ => String::new(),
        };
        match (value, bounds.is_empty()) {
            (Some(value), true) => number(value),
            (Some(value), false) => format!("{} ({bounds})", number(value)),
            (None, false) => bounds,
            (None, true) => low.map_or_else(|| "none".to_owned(), number),
        }
    }

    /// The tolerance in the notation of the figures: `0.6 points`, `0.15`, `1e-9`.
    #[must_use]
    pub fn tolerance_text(&self) -> String {
        if self.unit == "share" && self.tolerance >= 1e-4 {
            format!("{} points", round(self.tolerance * 100.0))
        } else if self.tolerance < 1e-4 {
            format!("{:e}", self.tolerance)
        } else {
            round(self.tolerance).to_string()
        }
    }
}

/// Rounds to six decimals, to remove the rounding error of a multiplication.
fn round(figure: f64) -> f64 {
    (figure * 1e6).round() / 1e6
}

/// A figure with as many digits as its tolerance makes meaningful.
fn significant(figure: f64, tolerance: f64) -> String {
    if tolerance < 1e-6 { format!("{figure:.10}") } else { format!("{figure:.3}") }
}
