//! Decides which verdicts on claims a revision of the book changes.
//!
//! A verdict is published if it differs from the last one on the stream of claims. Which claims are compared
//! follows from the revision: those of its materials and stages, those that it records, restates or
//! withdraws, and all if it is of projections, with any of which a claim may agree.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::{ClaimVerdict, ClaimVerdictChanged, ExposureEventKind};
use orewatch_contracts::ids::Namespace;
use orewatch_contracts::ingestion::v1::ClaimRow;
use orewatch_eventlog::{NewEvent, StreamName};
use prost::Message;

use super::{Plan, cause_of};
use crate::book::{Book, Knowledge, ReleaseContent};
use crate::claims::{Elsewhere, verdicts};
use crate::evolve::BookRevision;

/// Last token of the name of the stream of claims, in place of a material.
pub const CLAIMS: &str = "claims";

/// The reason of a claim that is no longer recorded.
const WITHDRAWN: &str = "The claim was withdrawn.";

/// What was published last of each claim: a fold of the stream of claims.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PublishedClaims(BTreeMap<String, ClaimVerdictChanged>);

impl PublishedClaims {
    /// Folds an event.
    pub fn fold(&mut self, changed: ClaimVerdictChanged) {
        if changed.after() == ClaimVerdict::Unspecified {
            self.0.remove(&changed.claim);
        } else {
            self.0.insert(changed.claim.clone(), changed);
        }
    }

    /// The event that a verdict needs. `None`: it was published.
    fn change(&self, now: &ClaimVerdictChanged, cause: &Cause) -> Option<ClaimVerdictChanged> {
        let last = self.0.get(&now.claim);
        let is_published = match last {
            Some(last) => is_same(last, now),
            None => now.after() == ClaimVerdict::Unspecified,
        };
        let before = last.map_or_else(Default::default, |last| last.after);
        (!is_published).then(|| ClaimVerdictChanged { before, cause: Some(cause.clone()), ..now.clone() })
    }

    /// The claims that a book no longer has, as withdrawn.
    fn withdrawn(&self, book: &Book) -> Vec<ClaimVerdictChanged> {
        let recorded = book.claims(Knowledge::NOW);
        let gone = self.0.values().filter(|last| !recorded.contains_key(last.claim.as_str()));
        let withdrawn = |last: &ClaimVerdictChanged| ClaimVerdictChanged {
            after: ClaimVerdict::Unspecified.into(),
            reason: WITHDRAWN.to_owned(),
            figures: String::new(),
            ..last.clone()
        };
        gone.map(withdrawn).collect()
    }
}

/// Whether two verdicts on a claim are the same, on the same claim. The reason alone changes with every
/// figure.
fn is_same(a: &ClaimVerdictChanged, b: &ClaimVerdictChanged) -> bool {
    let claim = |verdict: &ClaimVerdictChanged| ClaimVerdictChanged {
        before: 0,
        reason: String::new(),
        figures: String::new(),
        cause: None,
        ..verdict.clone()
    };
    claim(a) == claim(b)
}

/// The verdicts after a revision of the claims that it may concern, and of those that have none yet; without
/// `before` and `cause`. `None`: `goes_on` became false.
pub(crate) fn claim_verdicts(
    goes_on: &dyn Fn() -> bool,
    revision: &BookRevision,
    plan: &Plan,
    published: &PublishedClaims,
) -> Option<Vec<ClaimVerdictChanged>> {
    let is_touched =
        |claim: &ClaimRow| claim.materials.iter().any(|material| plan.includes(material, &claim.stage));
    let wanted = wanted_claims(revision, &is_touched, published);
    claim_verdicts_with(goes_on, revision, &wanted, published, &Elsewhere::default())
}

/// [`claim_verdicts`] of some claims, with the figures of materials that other replicas hold.
pub(crate) fn claim_verdicts_with(
    goes_on: &dyn Fn() -> bool,
    revision: &BookRevision,
    wanted: &BTreeSet<String>,
    published: &PublishedClaims,
    elsewhere: &Elsewhere,
) -> Option<Vec<ClaimVerdictChanged>> {
    let is_wanted = |claim: &ClaimRow| wanted.contains(&claim.id);
    let mut now = verdicts(&revision.new, &is_wanted, elsewhere, goes_on)?;
    now.extend(published.withdrawn(&revision.new));
    now.sort_by(|a, b| a.claim.cmp(&b.claim));
    Some(now)
}

/// Identifiers of the claims that a revision may concern, as far as that can be said by a replica that does
/// not hold all materials: those of every material that the revision may touch at any stage.
pub(crate) fn claims_of_materials(revision: &BookRevision, published: &PublishedClaims) -> BTreeSet<String> {
    let touched = touched_materials(revision);
    let is_touched = |claim: &ClaimRow| match &touched {
        None => true,
        Some(materials) => claim.materials.iter().any(|material| materials.contains(material.as_str())),
    };
    wanted_claims(revision, &is_touched, published)
}

/// The materials of which a revision may change any figure. `None`: of all.
fn touched_materials(revision: &BookRevision) -> Option<BTreeSet<&'static str>> {
    let contents = revision.contents();
    let is_about_all = |content: &ReleaseContent| {
        let mut parameters = content.parameters.values().flat_map(|table| table.keys());
        content.release.scope.is_some()
            || !content.governance.is_empty()
            || parameters.any(|key| key.material.is_none())
    };
    if revision.is_policy() || contents.iter().any(|content| is_about_all(content)) {
        return None;
    }
    let mut materials: BTreeSet<_> = revision.stages().into_iter().map(|(material, _)| material).collect();
    materials.extend(revision.markets().into_iter().map(|market| market.material));
    for content in contents {
        materials.extend(content.restrictions.keys().map(|key| key.material));
        let parameters = content.parameters.values().flat_map(|table| table.keys());
        materials.extend(parameters.filter_map(|key| key.material));
    }
    Some(materials)
}

/// Identifiers of the claims that a revision may concern, and of those that have no verdict yet.
fn wanted_claims(
    revision: &BookRevision,
    is_touched: &dyn Fn(&ClaimRow) -> bool,
    published: &PublishedClaims,
) -> BTreeSet<String> {
    let old = revision.old.claims(Knowledge::NOW);
    let is_restated = |claim: &ClaimRow| old.get(claim.id.as_str()).is_none_or(|old| old.claim != claim);
    // A log that an older version wrote has no verdicts.
    let is_new = |claim: &ClaimRow| !published.0.contains_key(&claim.id);
    let is_of_projections = revision.is_of_projections();
    let is_wanted =
        |claim: &ClaimRow| is_of_projections || is_new(claim) || is_touched(claim) || is_restated(claim);
    let claims = revision.new.claims(Knowledge::NOW).into_values().map(|recorded| recorded.claim);
    claims.filter(|claim| is_wanted(claim)).map(|claim| claim.id.clone()).collect()
}

/// The events of a revision on the stream of claims: the verdicts that differ from those published last.
/// Their identifiers follow from the claim, so that the rest of them is the same after a crash between two
/// appends.
pub(crate) fn claim_events(
    revision: &BookRevision,
    now: &[ClaimVerdictChanged],
    published: &PublishedClaims,
    stream: &StreamName,
) -> Vec<(NewEvent, ClaimVerdictChanged)> {
    let cause = cause_of(revision);
    let event = |changed: ClaimVerdictChanged| {
        let name = format!("{stream}/{}/{}", revision.moment.position, changed.claim);
        let event = NewEvent {
            id: Namespace::Event.derive(name),
            kind: ExposureEventKind::ClaimVerdictChanged.name().to_owned(),
            time: revision.moment.time,
            data: changed.encode_to_vec().into(),
            traceparent: revision.traceparent.clone(),
        };
        (event, changed)
    };
    now.iter().filter_map(|now| published.change(now, &cause)).map(event).collect()
}

/// The events of a revision on the stream of claims, given what was published before it.
#[must_use]
pub fn publish_claims(
    revision: &BookRevision,
    plan: &Plan,
    published: &PublishedClaims,
    stream: &StreamName,
) -> Vec<NewEvent> {
    let now = claim_verdicts(&|| true, revision, plan, published).unwrap_or_default();
    claim_events(revision, &now, published, stream).into_iter().map(|(event, _)| event).collect()
}
