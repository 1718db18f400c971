//! Verdicts on claims as they are published.

use std::sync::Arc;

use orewatch_contracts::exposure::v1::{CheckedClaim, ClaimVerdictChanged};
use orewatch_contracts::figure::value_in;
use orewatch_contracts::ingestion::v1::ClaimRow;
use orewatch_runtime::Stop;

use super::books::Books;
use super::stated::StatedClaim;
use super::{Elsewhere, check, unreadable};
use crate::book::{Book, Knowledge, RecordedClaim};
use crate::snapshot::Snapshot;
use crate::wire;

/// Upper bound on the text of a claim in an event, in characters.
const MAX_TEXT_CHARS: usize = 160;

/// Upper bound on the name of a speaker in an event, in characters.
const MAX_SPEAKER_CHARS: usize = 80;

/// The claims of a book that `is_wanted` selects with their present verdicts, sorted by identifier; without
/// `before` and `cause`. `elsewhere` has the figures of materials that other replicas hold. `None`:
/// `goes_on`, which is checked before each claim, became false.
pub(crate) fn verdicts(
    book: &Arc<Book>,
    is_wanted: &dyn Fn(&ClaimRow) -> bool,
    elsewhere: &Elsewhere,
    goes_on: &dyn Fn() -> bool,
) -> Option<Vec<ClaimVerdictChanged>> {
    let known = Snapshot { book: Arc::clone(book), ..Snapshot::default() };
    let mut books = Books::new(&known, Knowledge::NOW);
    let claims = book.claims(Knowledge::NOW).into_values();
    let wanted = claims.filter(|recorded| is_wanted(recorded.claim));
    wanted.map(|recorded| goes_on().then(|| verdict(recorded, (&mut books, elsewhere)))).collect()
}

fn verdict(
    RecordedClaim { claim, content }: RecordedClaim<'_>,
    (books, elsewhere): (&mut Books<'_>, &Elsewhere),
) -> ClaimVerdictChanged {
    let release = &content.release.id;
    let stated = StatedClaim::read(claim);
    let checked = match &stated {
        Ok(stated) => check(claim, release, stated, (books, elsewhere), &Stop::never()),
        Err(failure) => Ok(unreadable(claim, release, failure)),
    };
    // A check fails only if it is stopped.
    let checked = checked.unwrap_or_else(|failure| unreadable(claim, release, &failure));
    match stated {
        Ok(stated) => readable(claim, &stated, &checked),
        Err(_) => as_recorded(claim, &checked),
    }
}

/// The verdict on a claim, whose names are those of the catalogue.
fn readable(claim: &ClaimRow, stated: &StatedClaim, checked: &CheckedClaim) -> ClaimVerdictChanged {
    let mut verdict = as_recorded(claim, checked);
    verdict.materials = stated.figures.iter().map(|figure| figure.material.to_owned()).collect();
    verdict.measure = stated.measure.to_string();
    if let Some(first) = stated.figures.first() {
        first.key.consumer.clone_into(&mut verdict.consumer);
        verdict.stage = first.stage.to_string();
        verdict.supplier = first.key.supplier.map(|supplier| supplier.code().to_owned()).unwrap_or_default();
    }
    verdict.by = stated.by.map_or_else(Default::default, |by| wire::weight(by).into());
    verdict.figures = figures(stated, checked);
    verdict
}

/// The verdict on a claim, whose names are those of its release.
fn as_recorded(claim: &ClaimRow, checked: &CheckedClaim) -> ClaimVerdictChanged {
    ClaimVerdictChanged {
        claim: claim.id.clone(),
        text: shortened(&claim.text, MAX_TEXT_CHARS),
        said_by: shortened(&claim.said_by, MAX_SPEAKER_CHARS),
        consumer: claim.consumer.clone(),
        materials: claim.materials.clone(),
        stage: claim.stage.clone(),
        supplier: claim.supplier.clone(),
        measure: claim.measure.clone(),
        by: claim.by,
        after: checked.verdict,
        reason: checked.reason.clone(),
        ..ClaimVerdictChanged::default()
    }
}

/// The figures of the first reading, which is what the claim states: one, or the least and the greatest.
fn figures(stated: &StatedClaim, checked: &CheckedClaim) -> String {
    let figures = checked.readings.first().into_iter().flat_map(|reading| &reading.figures);
    let values = figures.filter_map(|figure| figure.estimate.as_ref()?.value);
    let (least, greatest) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), value| {
        (least.min(value), greatest.max(value))
    });
    if least > greatest {
        return String::new();
    }
    let [least, greatest] = [least, greatest].map(|value| value_in(stated.unit(), value));
    if least == greatest { least } else { format!("{least} to {greatest}") }
}

/// The beginning of a text, with an ellipsis if it goes on.
fn shortened(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}
