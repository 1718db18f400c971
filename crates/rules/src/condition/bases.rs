//! Conditions on both bases: by quantity and by value. A target whose source names no basis is assessed on
//! both, and the alert tells both figures, whichever of them decided.
use orewatch_contracts::common::v1::By;

use super::kinds::required;
use super::words::amount;
use super::{Condition, Criterion, PeriodView, Source};
use crate::assessment::{Assessment, Likelihood, Line};

impl Condition {
    /// The basis of a series, `by quantity` or `by value`, if the condition reads the rule's own series on
    /// both and this is one of the two.
    pub(super) fn basis(&self, source: Source) -> Option<&'static str> {
        let other = self.other_series.iter().find(|series| series.is_other_basis)?.by;
        match source {
            Source::Own => Some(basis(if other == By::Value { By::Quantity } else { By::Value })),
            Source::Other(number) => {
                self.other_series.get(number).filter(|series| series.is_other_basis).map(|_| basis(other))
            }
        }
    }

    /// Whether the parts of a combination compare the same figure on both bases, and nothing else.
    fn is_on_both(&self, criteria: &[Criterion]) -> bool {
        let bases = criteria.iter().map(|criterion| self.basis(compared(criterion)?));
        let Some(bases) = bases.collect::<Option<Vec<_>>>() else { return false };
        bases.windows(2).any(|pair| pair.first() != pair.last())
    }

    /// A combination in words, `above 60 % by quantity or by value`. `None`: it is not one threshold for both
    /// bases.
    pub(super) fn describe_both(&self, criteria: &[Criterion], word: &str, unit: &str) -> Option<String> {
        let [Criterion::Level(first, line), Criterion::Level(second, other)] = criteria else { return None };
        if line != other || !self.is_on_both(criteria) {
            return None;
        }
        let (first, second) = (self.basis(*first)?, self.basis(*second)?);
        Some(format!("{} {} {first}{word}{second}", side(line), amount(line.at, unit)))
    }

    /// The figure on both bases: `67.7 % by quantity (above 60 %), 50.7 % by value (not above 60 %)`. `None`:
    /// the combination is about something else.
    pub(super) fn finding_on_both(
        &self,
        criteria: &[Criterion],
        view: &PeriodView<'_>,
        unit: &str,
    ) -> Option<String> {
        if !self.is_on_both(criteria) {
            return None;
        }
        let found = criteria.iter().map(|criterion| self.found_on_one(criterion, view, unit));
        found.collect::<Option<Vec<_>>>().map(|found| found.join(", "))
    }

    fn found_on_one(&self, criterion: &Criterion, view: &PeriodView<'_>, unit: &str) -> Option<String> {
        let source = compared(criterion)?;
        let basis = self.basis(source)?;
        let Ok(now) = view.now(source) else { return Some(format!("no figure {basis}")) };
        let figure = format!("{} {basis}", amount(now.value, unit));
        Some(match criterion {
            Criterion::Target { path, .. } => match required(view, source, path) {
                Ok(Some(required)) => format!("{figure} (path {})", amount(required.value, unit)),
                Ok(None) | Err(_) => figure,
            },
            Criterion::Level(_, line) => {
                let assessed = line.assess(&now);
                format!("{figure} ({}{})", standing(&assessed, line, unit), doubt(&assessed))
            }
            _ => figure,
        })
    }
}

/// The series whose figure a criterion compares with a threshold or a path. `None`: it is of another kind.
fn compared(criterion: &Criterion) -> Option<Source> {
    match criterion {
        Criterion::Level(source, _) | Criterion::Target { source, .. } => Some(*source),
        _ => None,
    }
}

fn basis(by: By) -> &'static str {
    if by == By::Value { "by value" } else { "by quantity" }
}

fn side(line: &Line) -> &'static str {
    if line.above { "above" } else { "below" }
}

fn standing(assessed: &Assessment, line: &Line, unit: &str) -> String {
    let not = if assessed.is_crossed() { "" } else { "not " };
    format!("{not}{} {}", side(line), amount(line.at, unit))
}

fn doubt(assessed: &Assessment) -> &'static str {
    match assessed.crossed {
        Likelihood::Certain | Likelihood::No => "",
        Likelihood::Likely | Likelihood::Possible => ", not confirmed",
    }
}
