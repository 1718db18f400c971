//! The exposures log as its followers see it: filtered, with a token to resume from after each message.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use orewatch_contracts::exposure::v1::watch_exposures_response::Message as Said;
use orewatch_contracts::exposure::v1::{
    CaughtUp, Checkpoint, Exposure, ExposureChange, ExposureChanges, ExposureColumns, ExposuresChanged,
    PACKAGE, Subject, WatchExposuresResponse,
};
use orewatch_eventlog::{Error, Event, Item, Items, Position};
use orewatch_measures::Measure;
use orewatch_runtime::{Class, Failure};
use prost::Message as _;

use crate::book::{EconomyId, Market};
use crate::columns::{self, Row};
use crate::figures::Wanted;
use crate::request::Selection;
use crate::wire;

/// What every resume token begins with: a token of something else is told apart.
const TOKEN: &str = "w1-";

/// Events without a match after which the follower is told how far the watch is.
const CHECKPOINT: u32 = 256;

/// Changes in one message: a watcher that does not read holds one of these.
const IN_MESSAGE: usize = 250;

/// Most events that are kept decoded; each has some thousands of changes at most.
const MAX_DECODED: usize = 8;

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With what comes next.
    Now,
    /// After a position.
    After(Position),
}

impl Start {
    /// Reads a resume token: empty, `beginning`, or one that a watch has given.
    pub(crate) fn parse(token: &str) -> Result<Self, Failure> {
        match token {
            "" => Ok(Self::Now),
            "beginning" => Ok(Self::After(0)),
            token => {
                let position = token.strip_prefix(TOKEN).and_then(|text| text.parse().ok());
                position.map(Self::After).ok_or_else(|| invalid("this is no resume token of a watch", token))
            }
        }
    }

    /// The position after which to begin on a log that ends at `head`. A token from beyond it was given out for another log, or was
    /// made up.
    pub(crate) fn within(self, head: Position, token: &str) -> Result<Position, Failure> {
        match self {
            Self::Now => Ok(head),
            Self::After(position) if position <= head => Ok(position),
            Self::After(_) => Err(invalid("this resume token is from beyond the end of the log", token)),
        }
    }
}

fn invalid(message: &str, token: &str) -> Failure {
    Failure::new(Class::Invalid, "invalid-token", message)
        .with_hint("use the last `resume_token`, `beginning`, or leave it empty to start now")
        .at("resume_token", token)
}

/// Turns what is read from the log into messages.
pub(crate) struct Watcher {
    selection: Selection,
    events: Arc<Events>,
    /// Events since the last message.
    silent: u32,
    /// The event of which not all is told.
    telling: Option<Telling>,
}

/// An event that is told in pieces.
struct Telling {
    event: Arc<Changed>,
    /// The first row that was not looked at.
    next: usize,
}

/// The newest events as they were decoded, for all watchers together: those who keep up look at the same one.
#[derive(Debug, Default)]
pub(crate) struct Events(Mutex<VecDeque<Arc<Changed>>>);

/// An event with changes of one market.
#[derive(Debug)]
struct Changed {
    position: Position,
    market: Market,
    message: ExposuresChanged,
}

impl Events {
    /// An event, decoded here or earlier. None: it holds no changes.
    fn decode(&self, event: &Event) -> Result<Option<Arc<Changed>>, Failure> {
        if event.kind.strip_prefix(PACKAGE) != Some(".ExposuresChanged") {
            return Ok(None);
        }
        let known = |kept: &VecDeque<Arc<Changed>>| {
            kept.iter().rev().find(|known| known.position == event.position).map(Arc::clone)
        };
        if let Some(known) = known(&self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(Some(known));
        }
        let message = ExposuresChanged::decode(event.data.clone())
            .map_err(|error| damaged(event.position, &error.to_string()))?;
        let market = market(&message)
            .ok_or_else(|| damaged(event.position, "its market is not known to this version"))?;
        let decoded = Arc::new(Changed { position: event.position, market, message });
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(Arc::clone(&decoded));
        if kept.len() > MAX_DECODED {
            kept.pop_front();
        }
        Ok(Some(decoded))
    }
}

impl Watcher {
    pub(crate) fn new(selection: Selection, events: Arc<Events>) -> Self {
        Self { selection, events, silent: 0, telling: None }
    }

    /// The messages that follow from what is read of the log, until it fails.
    pub(crate) fn watch(self, items: Items) -> impl Stream<Item = Result<WatchExposuresResponse, Failure>> {
        stream::try_unfold((self, items), async |(mut watcher, mut items)| {
            loop {
                if let Some(message) = watcher.piece()? {
                    return Ok(Some((message, (watcher, items))));
                }
                let Some(item) = items.next().await else { return Ok(None) };
                if let Some(message) = watcher.take(&item?)? {
                    return Ok(Some((message, (watcher, items))));
                }
            }
        })
    }

    /// Takes an item. Its changes are told in pieces after that.
    ///
    /// # Errors
    /// A damaged event.
    fn take(&mut self, item: &Item) -> Result<Option<WatchExposuresResponse>, Failure> {
        self.silent = self.silent.saturating_add(1);
        let position = match item {
            Item::CaughtUp(position) => {
                return Ok(Some(self.message(*position, Said::CaughtUp(CaughtUp {}))));
            }
            Item::Event(event) => {
                let wanted = self.events.decode(event)?.filter(|changed| self.wants_market(&changed.market));
                self.telling = wanted.map(|event| Telling { event, next: 0 });
                event.position
            }
        };
        let is_due = self.silent >= CHECKPOINT && self.telling.is_none();
        Ok(is_due.then(|| self.message(position, Said::Checkpoint(Checkpoint {}))))
    }

    fn message(&mut self, position: Position, said: Said) -> WatchExposuresResponse {
        self.silent = 0;
        WatchExposuresResponse { resume_token: format!("{TOKEN}{position}"), message: Some(said) }
    }

    fn wants_market(&self, market: &Market) -> bool {
        self.selection.material_and_stage(market) && self.selection.period(market.period)
    }

    /// The next piece of the event that is being told.
    ///
    /// # Errors
    /// A damaged event.
    fn piece(&mut self) -> Result<Option<WatchExposuresResponse>, Failure> {
        let Some(Telling { event, mut next }) = self.telling.take() else { return Ok(None) };
        let Changed { position, market, message } = &*event;
        let none = ExposureColumns::default();
        let mut changes = Vec::new();
        for row in columns::rows_from(message.columns.as_ref().unwrap_or(&none), next) {
            let row = row.ok_or_else(|| damaged(*position, "its columns do not fit together"))?;
            next += 1;
            if self.wants(&row) {
                changes.push(change(market, &message.releases, row));
            }
            if changes.len() == IN_MESSAGE {
                break;
            }
        }
        if changes.is_empty() {
            return Ok(None);
        }
        // Whoever resumes before the last piece is told all of the event again.
        let is_last = changes.len() < IN_MESSAGE;
        let position = if is_last { *position } else { position.saturating_sub(1) };
        let said = Said::Changes(ExposureChanges { cause: message.cause.clone(), changes });
        if !is_last {
            self.telling = Some(Telling { event: Arc::clone(&event), next });
        }
        Ok(Some(self.message(position, said)))
    }

    /// Whether a row is wanted. A measure that this version does not know is, unless measures were named.
    fn wants(&self, row: &Row<'_>) -> bool {
        let by = match row.by {
            orewatch_contracts::common::v1::By::Value => orewatch_measures::Weight::Value,
            _ => orewatch_measures::Weight::Quantity,
        };
        let measure = row.measure.parse::<Measure>();
        self.selection.consumer(row.consumer)
            && self.selection.by(by)
            && measure
                .map_or_else(|_| self.selection.any_measure(), |measure| self.selection.measure(measure))
            && self.selection.supplier(EconomyId::of(row.supplier))
    }
}

fn market(changed: &ExposuresChanged) -> Option<Market> {
    let market = changed.market.as_ref()?;
    Some(Market {
        material: orewatch_catalog::material(&market.material).ok()?.id,
        stage: market.stage.parse().ok()?,
        period: market.period.parse().ok()?,
    })
}

fn change(market: &Market, releases: &[String], row: Row<'_>) -> ExposureChange {
    let measure = row.measure.parse::<Measure>().ok();
    let unit = measure.map_or("", |measure| measure.method().unit);
    let exposure = Exposure {
        subject: Some(Subject {
            consumer: row.consumer.to_owned(),
            material: market.material.to_owned(),
            stage: market.stage.to_string(),
            supplier: row.supplier.to_owned(),
            measure: row.measure.to_owned(),
            by: row.by.into(),
        }),
        period: market.period.to_string(),
        lines: measure.map(|measure| wire::lines_of(measure, &row.estimate)).unwrap_or_default(),
        estimate: Some(row.estimate),
        unit: unit.to_owned(),
        names: row.names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        releases: releases.to_vec(),
        ..Exposure::default()
    };
    ExposureChange {
        exposure: Some(exposure),
        old_value: row.old_value,
        old_status: row.old_status.into(),
        gone: row.gone,
    }
}

fn damaged(position: Position, reason: &str) -> Failure {
    let reason = format!("an event of changes: {reason}");
    Error::Corrupt { log: "exposures".to_owned(), position, reason }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_from_beyond_the_end_is_invalid() {
        let begin = |token: &str| Start::parse(token).and_then(|start| start.within(7, token));
        assert_eq!((begin(""), begin("beginning"), begin("w1-7")), (Ok(7), Ok(0), Ok(7)));
        for token in ["w1-8", "w1-18446744073709551615"] {
            let failure = begin(token).unwrap_err();
            assert_eq!((failure.class, &*failure.code), (Class::Invalid, "invalid-token"), "{token}");
        }
    }
}
