//! Conditions on verdicts on claims.
//!
//! A verdict is about now, as the age of data is. It is read beside the figure of the newest period; in
//! earlier periods the condition is not crossed, because what was known then is not kept.
use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::{ClaimVerdict, ClaimVerdictChanged};

use super::{Condition, Criterion, PeriodView, Source};
use crate::assessment::{Assessment, Likelihood};
use crate::figures::JudgedClaim;

/// Every verdict with the word for it in rules, and a phrase that follows the claim.
const VERDICTS: [(ClaimVerdict, &str, &str); 4] = [
    (ClaimVerdict::Agrees, "agrees", "agrees"),
    (ClaimVerdict::AgreesOnlyWith, "agrees-only-with", "agrees only with another reading"),
    (ClaimVerdict::Contradicted, "contradicted", "is contradicted"),
    (ClaimVerdict::CannotBeChecked, "cannot-be-checked", "cannot be checked"),
];

/// The words for verdicts in rules.
pub(crate) fn verdict_words() -> impl Iterator<Item = &'static str> {
    VERDICTS.iter().map(|(_, word, _)| *word)
}

/// The verdict with a word. `None`: there is none.
pub(crate) fn verdict_of(word: &str) -> Option<ClaimVerdict> {
    VERDICTS.iter().find(|(_, known, _)| *known == word).map(|(verdict, ..)| *verdict)
}

/// Crossed if a claim has one of the verdicts. That is certain: the bounds of figures are part of the
/// verdict.
pub(super) fn assess(view: &PeriodView<'_>, source: Source, verdicts: &[ClaimVerdict]) -> Assessment {
    let has_verdict = view.claims(source, verdicts).next().is_some();
    Assessment::plain(Likelihood::new(has_verdict, true), view.own_value())
}

/// What follows a claim in the description of a condition: `is contradicted or cannot be checked`.
pub(super) fn phrase(verdicts: &[ClaimVerdict]) -> String {
    let known = VERDICTS.iter().filter(|(verdict, ..)| verdicts.contains(verdict));
    known.map(|(_, _, phrase)| *phrase).collect::<Vec<_>>().join(" or ")
}

/// The first claim that has one of the verdicts, what figures say, and how many others there are.
pub(super) fn finding(view: &PeriodView<'_>, source: Source, verdicts: &[ClaimVerdict]) -> Option<String> {
    let mut claims = view.claims(source, verdicts);
    let first = described(claims.next()?);
    match claims.count() {
        0 => Some(first),
        1 => Some(format!("{first}; and 1 more claim")),
        more => Some(format!("{first}; and {more} more claims")),
    }
}

fn described(claim: &ClaimVerdictChanged) -> String {
    let ClaimVerdictChanged { text, said_by, figures, .. } = claim;
    let phrase =
        VERDICTS.iter().find(|(verdict, ..)| *verdict == claim.after()).map(|(_, _, phrase)| *phrase);
    let phrase = phrase.unwrap_or_default();
    let phrase = phrase.strip_prefix("is ").unwrap_or(phrase);
    let by = if said_by.is_empty() { String::new() } else { format!(" by {said_by}") };
    let figures = if figures.is_empty() { String::new() } else { format!(", figures {figures}") };
    format!("claim \"{text}\"{by}: {phrase}{figures}")
}

impl Condition {
    /// Whether its result depends on verdicts on claims.
    #[must_use]
    pub fn reads_claims(&self) -> bool {
        self.criterion.contains(|part| matches!(part, Criterion::Claim { .. }))
    }

    /// What changed the verdicts that make it crossed: the newest cause. `None`: no verdict does.
    #[must_use]
    pub fn verdict_cause<'a>(&self, view: &PeriodView<'a>) -> Option<&'a Cause> {
        let mut causes = Vec::new();
        self.criterion.gather_causes(view, &mut causes);
        causes.into_iter().max_by_key(|cause| cause.position)
    }
}

impl Criterion {
    fn gather_causes<'a>(&self, view: &PeriodView<'a>, causes: &mut Vec<&'a Cause>) {
        match self {
            Self::Claim { source, verdicts } => {
                causes.extend(view.claims(*source, verdicts).filter_map(|claim| claim.cause.as_ref()));
            }
            Self::All(criteria) | Self::Any(criteria) => {
                criteria.iter().for_each(|criterion| criterion.gather_causes(view, causes));
            }
            Self::Level(..)
            | Self::Change { .. }
            | Self::Window { .. }
            | Self::SupplierChange { .. }
            | Self::Age { .. }
            | Self::Target { .. }
            | Self::Not(_)
            | Self::Cel(_) => {}
        }
    }
}

impl<'a> PeriodView<'a> {
    /// The claims with one of the verdicts, sorted by identifier. None in a period that is not the newest.
    fn claims<'b>(
        &self,
        source: Source,
        verdicts: &'b [ClaimVerdict],
    ) -> impl Iterator<Item = &'a JudgedClaim> + use<'a, 'b> {
        let is_newest = self.index + 1 == self.watched.figures.len();
        let claims = match source {
            Source::Own => Some(&self.watched.claims),
            Source::Other(series) => self.watched.other_claims.get(series),
        };
        let claims = claims.filter(|_| is_newest).into_iter().flatten();
        claims.filter(move |claim| verdicts.contains(&claim.after()))
    }
}
