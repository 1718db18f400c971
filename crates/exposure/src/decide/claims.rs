//! Decides which verdicts on claims a revision of the book changes.
//!
//! A verdict is published if it differs from the last one on the stream of claims. Which claims are compared
//! follows from the revision: those of its materials and stages, those that it records, restates or
//! withdraws, and all if it is of projections, with any of which a claim may agree.

use std::collections::BTreeMap;

use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::{ClaimVerdict, ClaimVerdictChanged, ExposureEventKind};
use orewatch_contracts::ids::Namespace;
use orewatch_contracts::ingestion::v1::ClaimRow;
use orewatch_eventlog::{NewEvent, StreamName};
use prost::Message;

use super::{Plan, cause_of};
use crate::book::{Book, Knowledge};
use crate::claims::verdicts;
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
    let old = revision.old.claims(Knowledge::NOW);
    let is_restated = |claim: &ClaimRow| old.get(claim.id.as_str()).is_none_or(|old| old.claim != claim);
    let is_touched =
        |claim: &ClaimRow| claim.materials.iter().any(|material| plan.includes(material, &claim.stage));
    // A log that an older version wrote has no verdicts.
    let is_new = |claim: &ClaimRow| !published.0.contains_key(&claim.id);
    let is_of_projections = revision.is_of_projections();
    let is_wanted =
        |claim: &ClaimRow| is_of_projections || is_new(claim) || is_touched(claim) || is_restated(claim);
    let mut now = verdicts(&revision.new, &is_wanted, goes_on)?;
    now.extend(published.withdrawn(&revision.new));
    now.sort_by(|a, b| a.claim.cmp(&b.claim));
    Some(now)
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
