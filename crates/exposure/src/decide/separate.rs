//! Brings a stream that an older edition of the rules wrote in line with the book, once.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{Consumer, Period, Stage, material};
use orewatch_contracts::common::v1::{self as common, CauseKind};
use orewatch_contracts::exposure::v1::{ExposuresChanged, SourceSpread};
use orewatch_eventlog::{NewEvent, StreamName};
use orewatch_measures::{Estimate, Measure, Status, Weight};

use super::changed::Changed;
use super::{Events, cause};
use crate::book::{Book, EconomyId, Knowledge, Market};
use crate::columns;
use crate::figures::{Change, Everything, Figure, Key, figures};
use crate::grounds::spread;
use crate::scope::Shelf;
use crate::tail::Gap;
use crate::wire;

/// The figures that a stream has published, as a follower knows them.
#[derive(Debug, Default)]
pub(crate) struct Published {
    figures: BTreeMap<Market, BTreeMap<Key, Seen>>,
}

/// What a follower sees of a figure.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    bits: [Option<u64>; 4],
    value: Option<f64>,
    status: i32,
    reason: String,
    names: String,
    spread: Option<SourceSpread>,
}

impl Published {
    /// Folds changes. Figures of what this version does not know stay as they are: nothing is said of them.
    pub(crate) fn fold(&mut self, event: &ExposuresChanged) {
        let Some(market) = event.market.as_ref().and_then(market) else { return };
        let Some(columns) = &event.columns else { return };
        let known = self.figures.entry(market).or_default();
        for row in columns::rows(columns).flatten() {
            let Some(key) = key(&row) else { continue };
            if row.gone {
                known.remove(&key);
            } else {
                known.insert(key, Seen::read(&row));
            }
        }
    }
}

impl Seen {
    fn read(row: &columns::Row<'_>) -> Self {
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

    /// Whether a follower sees no difference to a figure that is computed now.
    fn is(&self, figure: &Figure, book: &Book) -> bool {
        let estimate = &figure.estimate;
        self.spread == figure.spread.map(|found| spread(book, &found))
            && self.bits == bits(&[estimate.value, estimate.low, estimate.high, estimate.coverage])
            && self.status == i32::from(wire::status(estimate.status))
            && self.reason == estimate.reason
            && self.names == columns::joined(figure.names)
    }

    /// The figure as far as an event that replaces it says what it was.
    fn old(&self) -> Estimate {
        let status = common::Status::try_from(self.status).map_or(Status::Unavailable, wire::status_of);
        Estimate { value: self.value, ..Estimate::missing(status, "") }
    }
}

fn bits(numbers: &[Option<f64>; 4]) -> [Option<u64>; 4] {
    numbers.map(|number| number.map(f64::to_bits))
}

/// The events that bring a stream in line with the book as the stream has followed it: every figure that differs from what was
/// published, then that it is all.
#[must_use]
pub(crate) fn separate(
    book: &Book,
    gap: &Gap,
    published: &Published,
    stream: &StreamName,
    material: &str,
) -> Vec<NewEvent> {
    let shelf = Shelf::new(book, Knowledge::NOW);
    let known = book.markets(Knowledge::NOW).into_keys().filter(|market| market.material == material);
    let markets: BTreeSet<_> = known.chain(published.figures.keys().copied()).collect();
    let cause = cause(CauseKind::SourcesSeparated, "", gap.position, gap.time);
    let nothing = BTreeMap::new();
    let changed = |market: Market| {
        let figures = figures(&shelf.scope(market), &Everything);
        let releases = wire::releases(&figures);
        let seen = published.figures.get(&market).unwrap_or(&nothing);
        let changes = differing(seen, figures.all, book);
        (market, Changed::of(book, &market, &changes, &releases, &cause))
    };
    let markets = markets.into_iter().map(changed).filter(|(_, changed)| changed.count > 0).collect();
    let mut events = Events {
        place: format!("{stream}/{}/edition-{}", gap.position, super::EDITION),
        cause: cause.clone(),
        time: gap.time,
        traceparent: None,
        events: Vec::new(),
    };
    events.all(material, markets);
    events.events
}

fn differing(seen: &BTreeMap<Key, Seen>, figures: Vec<Figure>, book: &Book) -> Vec<Change> {
    let there: BTreeSet<_> = figures.iter().map(|figure| figure.key).collect();
    let gone = seen.iter().filter(|(key, _)| !there.contains(key));
    let gone = gone.map(|(key, seen)| Change { key: *key, new: None, old: Some(seen.old()) });
    let new = figures.into_iter().filter_map(|figure| {
        let old = seen.get(&figure.key);
        let same = old.is_some_and(|seen| seen.is(&figure, book));
        (!same).then(|| Change { key: figure.key, new: Some(figure), old: old.map(Seen::old) })
    });
    let mut all: Vec<_> = new.chain(gone).collect();
    all.sort_unstable_by_key(|change| change.key);
    all
}

fn market(said: &common::Market) -> Option<Market> {
    let material = material(&said.material).ok()?.id;
    let (stage, period) = (said.stage.parse::<Stage>().ok()?, said.period.parse::<Period>().ok()?);
    Some(Market { material, stage, period })
}

fn key(row: &columns::Row<'_>) -> Option<Key> {
    let measure = row.measure.parse::<Measure>().ok().filter(|measure| measure.id() == row.measure)?;
    let by = if row.by == common::By::Value { Weight::Value } else { Weight::Quantity };
    let consumer = row.consumer.parse::<Consumer>().ok()?.code();
    let supplier = Some(row.supplier).filter(|code| !code.is_empty());
    let supplier = supplier.map(|code| EconomyId::of(code).ok_or(())).transpose().ok()?;
    Some(Key { measure, by, consumer, supplier })
}
