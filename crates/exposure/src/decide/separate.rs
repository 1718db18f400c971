//! Updates a stream that was written under an older edition of the rules, once.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{Consumer, Period, Stage, material};
use orewatch_contracts::common::v1::{self as common, CauseKind};
use orewatch_contracts::exposure::v1::{ExposuresChanged, SourceSpread};
use orewatch_eventlog::{NewEvent, StreamName};
use orewatch_measures::{Estimate, Measure, Status, Weight};

use super::changed::ChangedFigures;
use super::revisions::KnownRevisions;
use super::{Events, Gap, cause};
use crate::book::{Book, EconomyId, Knowledge, Market};
use crate::columns;
use crate::figures::{AllFigures, Change, Figure, FigureKey, figures};
use crate::grounds::spread;
use crate::scope::ScopeCache;
use crate::wire;

/// The figures that a stream has published, as a follower sees them.
#[derive(Debug, Default)]
pub(crate) struct Published {
    figures: BTreeMap<Market, BTreeMap<FigureKey, PublishedFigure>>,
}

/// A figure as a follower sees it.
#[derive(Clone, Debug, PartialEq)]
struct PublishedFigure {
    bits: [Option<u64>; 4],
    value: Option<f64>,
    status: i32,
    reason: String,
    names: String,
    spread: Option<SourceSpread>,
}

impl Published {
    /// Folds changes. Figures about something that this version does not know are left out, so they stay as
    /// they are.
    pub(crate) fn fold(&mut self, event: &ExposuresChanged) {
        let Some(market) = event.market.as_ref().and_then(market) else { return };
        let Some(columns) = &event.columns else { return };
        let known = self.figures.entry(market).or_default();
        for row in columns::rows(columns).flatten() {
            let Some(key) = key(&row) else { continue };
            if row.gone {
                known.remove(&key);
            } else {
                known.insert(key, PublishedFigure::read(&row));
            }
        }
    }
}

impl PublishedFigure {
    fn read(row: &columns::ChangeRow<'_>) -> Self {
        let estimate = &row.estimate;
        Self {
            bits: bits(&[estimate.value, estimate.low, estimate.high, estimate.coverage]),
            value: estimate.value,
            status: estimate.status,
            reason: estimate.reason.clone(),
            names: row.names.to_owned(),
            spread: row.spread.clone(),
        }
    }

    /// Whether a newly computed figure looks the same to a follower.
    fn is_same(&self, figure: &Figure, book: &Book) -> bool {
        let estimate = &figure.estimate;
        self.spread == figure.spread.map(|found| spread(book, &found))
            && self.bits == bits(&[estimate.value, estimate.low, estimate.high, estimate.coverage])
            && self.status == i32::from(wire::status(estimate.status))
            && self.reason == estimate.reason
            && self.names == columns::joined(figure.names)
    }

    /// The figure as an old value: events give only its value and status.
    fn old(&self) -> Estimate {
        let status = common::Status::try_from(self.status).map_or(Status::Unavailable, wire::status_of);
        Estimate { value: self.value, ..Estimate::missing(status, "") }
    }
}

fn bits(numbers: &[Option<f64>; 4]) -> [Option<u64>; 4] {
    numbers.map(|number| number.map(f64::to_bits))
}

/// The events that update a stream, for the book as the stream has followed it: every figure that differs
/// from what was published, then `ReleaseApplied`.
#[must_use]
pub(crate) fn separate(
    book: &Book,
    gap: &Gap,
    published: &Published,
    stream: &StreamName,
    material: &str,
) -> Vec<NewEvent> {
    let cache = ScopeCache::new(book, Knowledge::NOW);
    let now = book.markets(Knowledge::NOW).into_keys().filter(|market| market.material == material);
    let known = KnownRevisions::new(book);
    let markets: BTreeSet<_> = now.chain(published.figures.keys().copied()).collect();
    let cause = cause(CauseKind::SourcesSeparated, "", gap.position, gap.time);
    let nothing = BTreeMap::new();
    let changed = |market: Market| {
        let scope = cache.scope(market);
        let figures = figures(&scope, &AllFigures);
        let releases = wire::releases(&figures);
        let seen = published.figures.get(&market).unwrap_or(&nothing);
        let changes = differing(seen, figures.all, book);
        (market, ChangedFigures::encode(&scope, &changes, (&releases, &known), &cause))
    };
    let markets = markets.into_iter().map(changed).filter(|(_, changed)| changed.count > 0).collect();
    let mut events = Events {
        id_prefix: format!("{stream}/{}/edition-{}", gap.position, super::EDITION),
        cause: cause.clone(),
        time: gap.time,
        traceparent: None,
        events: Vec::new(),
    };
    events.push_changes(material, markets);
    events.events
}

fn differing(seen: &BTreeMap<FigureKey, PublishedFigure>, figures: Vec<Figure>, book: &Book) -> Vec<Change> {
    let there: BTreeSet<_> = figures.iter().map(|figure| figure.key).collect();
    let gone = seen.iter().filter(|(key, _)| !there.contains(key));
    let gone = gone.map(|(key, seen)| Change { key: *key, new: None, old: Some(seen.old()) });
    let new = figures.into_iter().filter_map(|figure| {
        let old = seen.get(&figure.key);
        let same = old.is_some_and(|seen| seen.is_same(&figure, book));
        (!same).then(|| Change { key: figure.key, new: Some(figure), old: old.map(PublishedFigure::old) })
    });
    let mut all: Vec<_> = new.chain(gone).collect();
    all.sort_unstable_by_key(|change| change.key);
    all
}

fn market(recorded: &common::Market) -> Option<Market> {
    let material = material(&recorded.material).ok()?.id;
    let (stage, period) = (recorded.stage.parse::<Stage>().ok()?, recorded.period.parse::<Period>().ok()?);
    Some(Market { material, stage, period })
}

fn key(row: &columns::ChangeRow<'_>) -> Option<FigureKey> {
    let measure = row.measure.parse::<Measure>().ok().filter(|measure| measure.id() == row.measure)?;
    let by = if row.by == common::By::Value { Weight::Value } else { Weight::Quantity };
    let consumer = row.consumer.parse::<Consumer>().ok()?.code();
    let supplier = Some(row.supplier).filter(|code| !code.is_empty());
    let supplier = supplier.map(|code| EconomyId::from_code(code).ok_or(())).transpose().ok()?;
    Some(FigureKey { measure, by, consumer, supplier })
}
