//! One sentence that says why a claim has its verdict, with the figures.

use orewatch_contracts::figure::{estimate as estimate_in, value_in};
use orewatch_measures::{Agreement, ClaimVerdict, Estimate, Weight};

use super::choices::Choice;
use super::figures::{EvaluatedReading, MaterialFigure};
use super::stated::StatedClaim;
use crate::wire;

/// Agreeing readings that a sentence names.
const MAX_NAMED: usize = 3;

/// Why a claim has its verdict.
pub(super) fn reason(claim: &StatedClaim, verdict: ClaimVerdict, readings: &[EvaluatedReading]) -> String {
    let words = Words { claim, readings };
    match verdict {
        ClaimVerdict::Agrees => words.agrees(),
        ClaimVerdict::AgreesOnlyWith => words.agrees_only_with(),
        ClaimVerdict::Contradicted => words.contradicted(),
        ClaimVerdict::CannotBeChecked => words.cannot_be_checked(),
    }
}

struct Words<'a> {
    claim: &'a StatedClaim,
    readings: &'a [EvaluatedReading],
}

impl Words<'_> {
    fn agrees(&self) -> String {
        let open = self.readings.iter().filter(|reading| reading.choice.is_open);
        let agreeing: Vec<_> = open.filter(|reading| reading.agrees()).collect();
        let not_confirmed = agreeing.iter().all(|reading| reading.agreement == Some(Agreement::NotConfirmed));
        let doubt =
            if not_confirmed { ", which is not confirmed: bounds allow for a difference" } else { "" };
        format!("{} {} with {}{doubt}.", self.list(&agreeing), self.verb("agrees", "agree"), self.claimed())
    }

    fn agrees_only_with(&self) -> String {
        let agreeing: Vec<_> = self.readings.iter().filter(|reading| reading.agrees()).collect();
        let others = self.readings.iter().filter(|reading| reading.choice.is_open && !reading.agrees());
        let others: Vec<_> = others.collect();
        format!(
            "Only {} {} with {}, not {}.",
            lower(&self.list(&agreeing)),
            self.verb("agrees", "agree"),
            self.claimed(),
            lower(&self.list(&others)),
        )
    }

    fn contradicted(&self) -> String {
        let open: Vec<_> = self.readings.iter().filter(|reading| reading.choice.is_open).collect();
        let others = self
            .readings
            .iter()
            .filter(|reading| !reading.choice.is_open && reading.agreement == Some(Agreement::Differs));
        let rest = match others.count() {
            0 => String::new(),
            1 => "; 1 other reading differs as well".to_owned(),
            count => format!("; {count} other readings differ as well"),
        };
        format!("{} {} from {}{rest}.", self.list(&open), self.verb("differs", "differ"), self.claimed())
    }

    fn cannot_be_checked(&self) -> String {
        let open = || self.readings.iter().filter(|reading| reading.choice.is_open);
        let undecided: Vec<_> =
            open().filter(|reading| reading.agreement == Some(Agreement::Undecided)).collect();
        if !undecided.is_empty() {
            return format!(
                "{} neither {} nor {} {}.",
                self.list(&undecided),
                self.verb("confirms", "confirm"),
                self.verb("excludes", "exclude"),
                self.claimed(),
            );
        }
        let first = open().flat_map(|reading| &reading.figures).find(|figure| is_missing(&figure.estimate));
        let why = first.map_or("there are no figures", |figure| figure.reason.as_ref());
        let others = self.readings.iter().filter(|reading| reading.agreement.is_some());
        match others.count() {
            0 => format!("There is no figure to compare {} with: {why}.", self.claimed()),
            count => format!(
                "There is no figure of what it states to compare {} with: {why}; {count} other {} not agree.",
                self.claimed(),
                if count == 1 { "reading does" } else { "readings do" },
            ),
        }
    }

    /// A verb for one figure, or for the figures of several materials.
    fn verb(&self, one: &'static str, several: &'static str) -> &'static str {
        if self.claim.figures.len() == 1 { one } else { several }
    }

    /// Readings with their figures: `The figure of 2024, by quantity (67.7 %)`.
    fn list(&self, readings: &[&EvaluatedReading]) -> String {
        let noun = if self.claim.figures.len() == 1 { "figure" } else { "figures" };
        let named = readings.iter().take(MAX_NAMED);
        let parts = named.map(|reading| format!("{} ({})", self.label(&reading.choice), self.text(reading)));
        let mut text = format!("The {noun} of {}", parts.collect::<Vec<_>>().join(" and of "));
        if let Some(more) = readings.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
            text.push_str(&format!(" and {more} more"));
        }
        text
    }

    /// What distinguishes a reading: `2030, iea-cm:base`.
    fn label(&self, choice: &Choice) -> String {
        let mut parts =
            vec![choice.period.map_or_else(|| "no period".to_owned(), |period| period.to_string())];
        if self.claim.measure.method().weights.len() > 1 {
            parts.push(format!("by {}", weight(choice.by)));
        }
        if !choice.source.is_empty() {
            parts.push(choice.source.clone());
        }
        if !choice.vintage.is_empty() {
            parts.push(format!("vintage {}", choice.vintage));
        }
        parts.join(", ")
    }

    /// The figures of a reading.
    fn text(&self, reading: &EvaluatedReading) -> String {
        match reading.figures.as_slice() {
            [figure] => estimate_in(self.claim.unit(), Some(&wire::estimate(&figure.estimate))),
            several => self.range(several),
        }
    }

    /// The least and the greatest figure of several materials.
    fn range(&self, figures: &[MaterialFigure]) -> String {
        let with_value = figures.iter().filter_map(|figure| Some((figure.estimate.value?, figure.material)));
        let mut sorted: Vec<_> = with_value.collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut text = match (sorted.first(), sorted.last()) {
            (Some((low, least)), Some((high, greatest))) if least != greatest => {
                format!("{} for {least} to {} for {greatest}", self.number(*low), self.number(*high))
            }
            (Some((only, material)), _) => format!("{} for {material}", self.number(*only)),
            _ => "none".to_owned(),
        };
        let without = figures.iter().filter(|figure| figure.estimate.value.is_none());
        let without: Vec<_> = without.map(|figure| figure.material).collect();
        if !without.is_empty() && !sorted.is_empty() {
            text.push_str(&format!(", none for {}", without.join(", ")));
        }
        text
    }

    /// What the claim says: `47.0 % to 87.0 %`, `at most 60.0 %`.
    fn claimed(&self) -> String {
        let (least, most) = self.claim.measure.method().range;
        let (low, high) = (self.claim.range.low, self.claim.range.high);
        if self.claim.figures.len() == 1 && low <= least && high < most {
            return format!("at most {}", self.number(high));
        }
        if self.claim.figures.len() == 1 && high >= most && low > least {
            return format!("at least {}", self.number(low));
        }
        self.span(low, high)
    }

    fn span(&self, low: f64, high: f64) -> String {
        let (low, high) = (self.number(low), self.number(high));
        if low == high { low } else { format!("{low} to {high}") }
    }

    fn number(&self, figure: f64) -> String {
        value_in(self.claim.unit(), figure)
    }
}

fn weight(weight: Weight) -> &'static str {
    match weight {
        Weight::Quantity => "quantity",
        Weight::Value => "value",
    }
}

fn is_missing(estimate: &Estimate) -> bool {
    [estimate.value, estimate.low, estimate.high] == [None; 3]
}

/// A text that begins a sentence, to go on with inside of one.
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
