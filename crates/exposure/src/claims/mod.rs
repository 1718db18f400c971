//! Claims beside figures: every recorded claim, or a draft, with a verdict and the figures behind it.
//!
//! A claim is read as it is stated, and then in other ways that could explain where its figure comes from
//! ([`choices`]). Each reading looks up its figures ([`figures`]); the verdict on all of them is that of
//! [`orewatch_measures::ClaimVerdict`], and one sentence names the figures that decide ([`words`]).

mod books;
mod choices;
mod elsewhere;
mod figures;
mod published;
mod stated;
mod words;

use std::collections::BTreeSet;

use orewatch_contracts::exposure::v1 as exposure;
use orewatch_contracts::exposure::v1::{CheckClaimsRequest, CheckClaimsResponse, CheckedClaim};
use orewatch_contracts::ingestion::v1::ClaimRow;
use orewatch_contracts::{Class, Failure};
use orewatch_measures::ClaimVerdict;
use orewatch_runtime::Stop;

use crate::book::{Knowledge, RecordedClaim};
use crate::request::{knowledge, material_id};
use crate::snapshot::Snapshot;
use books::Books;
pub(crate) use elsewhere::Elsewhere;
use figures::EvaluatedReading;
pub(crate) use published::verdicts;
use stated::StatedClaim;

/// Upper bound on the claims of one response: each has some tens of readings.
const MAX_CLAIMS: usize = 500;

/// Compares claims with figures. `elsewhere` has the figures of materials that other replicas hold.
///
/// # Errors
/// A draft that is no valid claim; an unknown claim, material or knowledge time; too many claims; the request
/// was stopped.
pub(crate) fn check_claims(
    known: &Snapshot,
    request: &CheckClaimsRequest,
    elsewhere: &Elsewhere,
    stop: &Stop,
) -> Result<CheckClaimsResponse, Failure> {
    let at = knowledge(&known.book, known.position, request.as_at.as_ref())?;
    let mut books = Books::new(known, at);
    if let Some(draft) = &request.draft {
        let stated = StatedClaim::read(draft)?;
        let claims = vec![check(draft, "", &stated, (&mut books, elsewhere), stop)?];
        return Ok(CheckClaimsResponse { claims, stale: None });
    }
    let mut claims = Vec::new();
    for RecordedClaim { claim, content } in requested(known, at, request)? {
        stop.check()?;
        let release = &content.release.id;
        // What this version cannot read was recorded by a newer one, or before a check was added.
        claims.push(match StatedClaim::read(claim) {
            Ok(stated) => check(claim, release, &stated, (&mut books, elsewhere), stop)?,
            Err(failure) => unreadable(claim, release, &failure),
        });
    }
    Ok(CheckClaimsResponse { claims, stale: None })
}

/// The materials of the claims that a request asks for.
///
/// # Errors
/// As [`check_claims`], before anything is computed.
pub(crate) fn materials_of_request(
    known: &Snapshot,
    request: &CheckClaimsRequest,
) -> Result<BTreeSet<&'static str>, Failure> {
    let at = knowledge(&known.book, known.position, request.as_at.as_ref())?;
    if let Some(draft) = &request.draft {
        return Ok(StatedClaim::read(draft)?.materials().collect());
    }
    let claims = requested(known, at, request)?;
    let stated = claims.iter().filter_map(|recorded| StatedClaim::read(recorded.claim).ok());
    Ok(stated.flat_map(|stated| stated.materials().collect::<Vec<_>>()).collect())
}

/// The claims that a request asks for, sorted by identifier.
fn requested<'a>(
    known: &'a Snapshot,
    at: Knowledge,
    request: &CheckClaimsRequest,
) -> Result<Vec<RecordedClaim<'a>>, Failure> {
    let mut claims = known.book.claims(at);
    if let Some(unknown) = request.claims.iter().find(|id| !claims.contains_key(id.as_str())) {
        return Err(unknown_claim(unknown, claims.keys().copied()));
    }
    let materials = request.materials.iter().map(|text| material_id(text));
    let materials = materials.collect::<Result<BTreeSet<_>, _>>()?;
    claims.retain(|id, recorded| {
        let is_about = |material: &String| materials.contains(material.as_str());
        (request.claims.is_empty() || request.claims.iter().any(|wanted| wanted == id))
            && (materials.is_empty() || recorded.claim.materials.iter().any(is_about))
    });
    if claims.len() > MAX_CLAIMS {
        let message = format!("at most {MAX_CLAIMS} claims can be checked at a time");
        return Err(Failure::new(Class::Invalid, "too-many", message)
            .with_hint("name claims or materials")
            .at("claims", claims.len().to_string()));
    }
    Ok(claims.into_values().collect())
}

fn unknown_claim<'a>(id: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let message = format!("no release has a claim `{id}`");
    let failure = Failure::new(Class::NotFound, "unknown-claim", message).at("claims", id);
    match orewatch_catalog::closest(id, known) {
        Some(near) => failure.with_hint(format!("did you mean {near}?")),
        None => failure.with_hint("leave the identifier out to see all claims"),
    }
}

/// A claim with its verdict.
fn check(
    claim: &ClaimRow,
    release: &str,
    stated: &StatedClaim,
    (books, elsewhere): (&mut Books<'_>, &Elsewhere),
    stop: &Stop,
) -> Result<CheckedClaim, Failure> {
    let mut readings = Vec::new();
    for (reading, choice) in choices::choices(stated, books).into_iter().enumerate() {
        stop.check()?;
        let found =
            |choice: &choices::Choice, material| elsewhere.figure(&claim.id, reading, choice, material);
        readings.push(figures::evaluate(stated, choice, books, found));
    }
    let compared: Vec<_> = readings.iter().map(EvaluatedReading::compared).collect();
    let verdict = ClaimVerdict::from_readings(&compared);
    Ok(CheckedClaim {
        claim: Some(claim.clone()),
        release: release.to_owned(),
        verdict: verdict_message(verdict).into(),
        reason: words::reason(stated, verdict, &readings),
        readings: readings.iter().map(EvaluatedReading::message).collect(),
    })
}

/// A recorded claim that this version cannot read.
fn unreadable(claim: &ClaimRow, release: &str, failure: &Failure) -> CheckedClaim {
    CheckedClaim {
        claim: Some(claim.clone()),
        release: release.to_owned(),
        verdict: exposure::ClaimVerdict::CannotBeChecked.into(),
        reason: format!("This version cannot read the claim: {}.", failure.message),
        readings: Vec::new(),
    }
}

fn verdict_message(verdict: ClaimVerdict) -> exposure::ClaimVerdict {
    match verdict {
        ClaimVerdict::Agrees => exposure::ClaimVerdict::Agrees,
        ClaimVerdict::AgreesOnlyWith => exposure::ClaimVerdict::AgreesOnlyWith,
        ClaimVerdict::Contradicted => exposure::ClaimVerdict::Contradicted,
        ClaimVerdict::CannotBeChecked => exposure::ClaimVerdict::CannotBeChecked,
    }
}
