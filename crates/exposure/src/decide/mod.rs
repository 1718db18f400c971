//! Decides which figures a revision of the book changes: a pure function from the books before and after to
//! events.
//!
//! The events and their identifiers follow from the observations log alone. However often they are computed,
//! and by whichever replica, the bytes are the same. That makes crashes and second replicas harmless.

use std::collections::BTreeMap;

mod changed;
mod claims;
mod revisions;
mod separate;

pub(crate) use changed::answering;
pub use claims::{CLAIMS, PublishedClaims, publish_claims};
pub(crate) use claims::{claim_events, claim_verdicts, claim_verdicts_with, claims_of_materials};
pub(crate) use separate::{Published, separate};

use bytes::Bytes;
use jiff::Timestamp;
use orewatch_contracts::common::v1::{Cause, CauseKind};
use orewatch_contracts::exposure::v1::{ExposureEventKind, ReleaseApplied};
use orewatch_contracts::ids::Namespace;
use orewatch_contracts::time::timestamp;
use orewatch_eventlog::{InvalidName, NewEvent, Position, StreamName};
use orewatch_measures::{Measure, Weight, methods};
use prost::Message;

use crate::book::{Book, EconomyId, Knowledge, Market};
use crate::dependents::{Families, dependents};
use crate::evolve::BookRevision;
use crate::figures::{Change, Figure, FigureFilter, figures};
use crate::scope::ScopeCache;
use crate::wire;
use changed::ChangedFigures;
use revisions::KnownRevisions;

/// Edition of the rules by which datasets, unknown origins and economies without a report become figures.
///
/// 1: releases restate only their own dataset; a policy decides which dataset answers; amounts of unknown
/// origin stay in every sum; members of blocs that have not reported widen the bounds.
///
/// 2: imports of any economy that has not reported are unknown, and so are exports; product codes are held
/// report by report; what only an exporter reports is a second report where the importer has one; cells of a
/// supplement alone are not the world's output. In a spread of sources, a producer that a table does not list
/// is unknown, and a file under two names counts once.
///
/// Streams of an earlier edition are updated once.
pub(crate) const EDITION: u32 = 2;

/// Measures that a stream lacks.
#[derive(Clone, Debug)]
pub(crate) struct Gap {
    /// How far the stream has followed the observations log.
    pub(crate) position: Position,
    /// When the log came there.
    pub(crate) time: Timestamp,
    /// The measures.
    pub(crate) measures: Vec<Measure>,
    /// All figures are to be brought in line with this edition, which gives the measures as well.
    pub(crate) is_older: bool,
}

/// What has to be computed for a revision: by material, the markets with the families whose figures may
/// differ.
///
/// A material is included if the release has flows or output of it, even where nothing differs, or if figures
/// of it may differ: governance, parameters and restrictions affect the materials whose measures use them. On
/// the stream of each of these materials, and on no other, the revision ends with `ReleaseApplied`.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    materials: BTreeMap<&'static str, Vec<(Market, Families)>>,
}

impl Plan {
    /// What has to be computed for a revision: nothing for one of projections, on which no figure depends.
    #[must_use]
    pub fn for_revision(revision: &BookRevision) -> Self {
        let mut plan = Self::default();
        if revision.is_of_projections() {
            return plan;
        }
        for (market, families) in dependents(revision) {
            plan.materials.entry(market.material).or_default().push((market, families));
        }
        plan
    }

    /// The materials, sorted.
    pub fn materials(&self) -> impl Iterator<Item = &'static str> {
        self.materials.keys().copied()
    }

    /// Whether any market of a material at a stage is included.
    fn includes(&self, material: &str, stage: &str) -> bool {
        let mut markets = self.materials.get(material).into_iter().flatten();
        markets.any(|(market, _)| market.stage.as_str() == stage)
    }

    /// The markets of a material that have to be computed, sorted, with the families whose figures may
    /// differ.
    fn markets(&self, material: &str) -> impl Iterator<Item = &(Market, Families)> {
        let markets = self.materials.get(material).into_iter().flatten();
        markets.filter(|(_, families)| !families.is_empty())
    }
}

/// The stream of a material on the log with a name.
///
/// # Errors
/// [`InvalidName`] if the material cannot be part of a name. Those of the catalogue can.
pub fn stream(log: &str, material: &str) -> Result<StreamName, InvalidName> {
    StreamName::new(format!("{log}.{material}"))
}

/// The events of a revision on the stream of one material: the changed figures, then `ReleaseApplied`.
#[must_use]
pub fn publish(revision: &BookRevision, plan: &Plan, stream: &StreamName, material: &str) -> Vec<NewEvent> {
    publish_while(&|| true, revision, plan, stream, material).unwrap_or_default()
}

/// [`publish`], while `goes_on` is true, which is checked before every market. `None`: it became false.
pub(crate) fn publish_while(
    goes_on: &dyn Fn() -> bool,
    revision: &BookRevision,
    plan: &Plan,
    stream: &StreamName,
    material: &str,
) -> Option<Vec<NewEvent>> {
    let moment = revision.moment;
    let mut events = Events {
        id_prefix: format!("{stream}/{}", moment.position),
        cause: cause_of(revision),
        time: moment.time,
        traceparent: revision.traceparent.as_deref(),
        events: Vec::new(),
    };
    let changed = changed::markets(revision, plan, material, goes_on)?;
    events.push_changes(material, changed);
    Some(events.events)
}

fn cause_of(revision: &BookRevision) -> Cause {
    cause(revision.kind, &revision.content.release.id, revision.moment.position, revision.moment.time)
}

/// The events with all figures of measures that a stream lacks, for the book as the stream has followed it;
/// then `ReleaseApplied`. The figures have no old values.
#[must_use]
pub(crate) fn add_measures(book: &Book, gap: &Gap, stream: &StreamName, material: &str) -> Vec<NewEvent> {
    let cache = ScopeCache::new(book, Knowledge::NOW);
    let markets = book.markets(Knowledge::NOW).into_keys().filter(|market| market.material == material);
    let known = KnownRevisions::new(book);
    let cause = cause(CauseKind::MeasuresAdded, "", gap.position, gap.time);
    let added = |market: Market| {
        let scope = cache.scope(market);
        let figures = figures(&scope, &OfMeasures(&gap.measures));
        let releases = wire::releases(&figures);
        let new = |figure: Figure| Change { key: figure.key, new: Some(figure), old: None };
        let changes: Vec<_> = figures.all.into_iter().map(new).collect();
        (market, ChangedFigures::encode(&scope, &changes, (&releases, &known), &cause))
    };
    let markets = markets.map(added).filter(|(_, changed)| changed.count > 0).collect();
    let names: Vec<_> = gap.measures.iter().map(|measure| measure.id()).collect();
    let mut events = Events {
        id_prefix: format!("{stream}/{}/{}", gap.position, names.join(",")),
        cause: cause.clone(),
        time: gap.time,
        traceparent: None,
        events: Vec::new(),
    };
    events.push_changes(material, markets);
    events.events
}

/// A filter for the figures of some measures.
struct OfMeasures<'a>(&'a [Measure]);

impl FigureFilter for OfMeasures<'_> {
    fn consumer(&self, _: &str) -> bool {
        true
    }
    fn measure(&self, measure: Measure) -> bool {
        self.0.contains(&measure)
    }
    fn weight(&self, _: Weight) -> bool {
        true
    }
    fn supplier(&self, _: Option<EconomyId>) -> bool {
        true
    }
}

/// The cause that events are published with.
fn cause(kind: CauseKind, release: &str, position: Position, time: Timestamp) -> Cause {
    let time = Some(timestamp(time));
    Cause { kind: kind.into(), release: release.to_owned(), position, time }
}

/// Events of one step on one stream, numbered.
struct Events<'a> {
    /// Prefix of the names that event identifiers derive from: unique for each step.
    id_prefix: String,
    cause: Cause,
    /// The time of the cause: an event's bytes must not depend on who was first to compute it.
    time: Timestamp,
    traceparent: Option<&'a str>,
    events: Vec<NewEvent>,
}

impl Events<'_> {
    /// Adds the changed figures, market by market, then `ReleaseApplied`.
    fn push_changes(&mut self, material: &str, changes: BTreeMap<Market, ChangedFigures>) {
        let changed = changes.values().map(|changed| changed.count).sum();
        let markets = u32::try_from(changes.len()).unwrap_or(u32::MAX);
        for data in changes.into_values().flat_map(|changed| changed.data) {
            self.push(ExposureEventKind::ExposuresChanged, data);
        }
        let (material, cause) = (material.to_owned(), Some(self.cause.clone()));
        let measures = methods().map(|method| method.id.to_owned()).collect();
        let applied = ReleaseApplied { material, cause, changed, markets, measures, edition: EDITION };
        self.push(ExposureEventKind::ReleaseApplied, applied.encode_to_vec().into());
    }

    fn push(&mut self, kind: ExposureEventKind, data: Bytes) {
        let name = format!("{}/{}", self.id_prefix, self.events.len());
        self.events.push(NewEvent {
            id: Namespace::Event.derive(name),
            kind: kind.name().to_owned(),
            time: self.time,
            data,
            traceparent: self.traceparent.map(str::to_owned),
        });
    }
}
