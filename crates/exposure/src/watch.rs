//! Watching: the exposures log from some position on, filtered by a selection. Each message carries a token
//! from which a later watch resumes.
//!
//! Reading order: [`WatchStart`] reads the token of a request; [`DecodedEvents`] is the small cache of
//! decoded events that all watchers share; [`Watcher`] turns events into messages.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use orewatch_contracts::exposure::v1::watch_exposures_response::Message as Payload;
use orewatch_contracts::exposure::v1::{
    CaughtUp, Checkpoint, Exposure, ExposureChange, ExposureChanges, ExposureColumns, ExposureEventKind,
    ExposuresChanged, Subject, WatchExposuresResponse,
};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, Event, Item, Items, Position};
use orewatch_measures::Measure;
use orewatch_runtime::{Seat, Stop};
use prost::Message as _;
use uuid::Uuid;

use crate::book::{EconomyId, Market};
use crate::columns::{self, ChangeRow};
use crate::figures::{FigureFilter as _, is_about_trade};
use crate::request::Selection;
use crate::wire;

/// The beginning of every resume token, by which tokens of other services are recognised and refused.
const TOKEN_PREFIX: &str = "w1-";

/// Number of events without a match after which a checkpoint is sent: a watcher that resumes from it does not
/// read them again.
const CHECKPOINT_INTERVAL: u32 = 256;

/// Changes in one message. A watcher that does not read holds one such message in memory.
const CHANGES_PER_MESSAGE: usize = 64;

/// Number of decoded events that are kept; each has some thousands of changes at most.
const MAX_DECODED: usize = 8;

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchStart {
    /// With the next event.
    Now,
    /// After a position.
    After(Position),
}

impl WatchStart {
    /// Reads a resume token: empty (now), `beginning`, or one that a watch has sent.
    ///
    /// # Errors
    /// Any other text.
    pub(crate) fn parse(token: &str) -> Result<Self, Failure> {
        match token {
            "" => Ok(Self::Now),
            "beginning" => Ok(Self::After(0)),
            token => {
                let position = token.strip_prefix(TOKEN_PREFIX).and_then(|text| text.parse().ok());
                position
                    .map(Self::After)
                    .ok_or_else(|| invalid("this is not a resume token of a watch", token))
            }
        }
    }

    /// The position after which to begin on a log that ends at `head`.
    ///
    /// # Errors
    /// A position beyond `head`: the token is from another log, or was made up.
    pub(crate) fn within(self, head: Position, token: &str) -> Result<Position, Failure> {
        match self {
            Self::Now => Ok(head),
            Self::After(position) if position <= head => Ok(position),
            Self::After(_) => Err(invalid("this resume token is beyond the end of the log", token)),
        }
    }
}

fn invalid(message: &str, token: &str) -> Failure {
    Failure::new(Class::Invalid, "invalid-token", message)
        .with_hint("use the last `resume_token`, `beginning`, or leave it empty to start now")
        .at("resume_token", token)
}

/// One watch: turns the items of the log into messages.
pub(crate) struct Watcher {
    selection: Selection,
    events: Arc<DecodedEvents>,
    /// Number of events since the last message.
    events_since_message: u32,
    /// The event whose changes have not all been sent.
    partial: Option<PartialEvent>,
}

/// An event whose changes are sent in several messages.
struct PartialEvent {
    event: Arc<DecodedChanges>,
    /// Index of the first row that has not been read.
    next_row: usize,
}

/// The newest events in decoded form, shared by all watchers: those that keep up read the same event at the
/// same time, and it is decoded once.
#[derive(Debug, Default)]
pub(crate) struct DecodedEvents(Mutex<VecDeque<Arc<DecodedChanges>>>);

/// A decoded event with the changes of one market.
#[derive(Debug)]
struct DecodedChanges {
    position: Position,
    id: Uuid,
    market: Market,
    message: ExposuresChanged,
}

impl DecodedEvents {
    /// Decodes an event on the seat of the request, unless it is in the cache already.
    ///
    /// # Errors
    /// A damaged event; the request was stopped.
    async fn prepare(self: &Arc<Self>, item: &Item, seat: &Seat) -> Result<(), Failure> {
        let Item::Event(event) = item else { return Ok(()) };
        if !is_changes(event) || self.known(event).is_some() {
            return Ok(());
        }
        let (events, event) = (Arc::clone(self), event.clone());
        seat.run(move |_| events.decode(&event).map(drop)).await
    }

    fn known(&self, event: &Event) -> Option<Arc<DecodedChanges>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().rev().find(|known| known.id == event.id).map(Arc::clone)
    }

    /// The decoded event, from the cache if it is there. `None`: it is an event of another kind.
    ///
    /// # Errors
    /// A damaged event.
    fn decode(&self, event: &Event) -> Result<Option<Arc<DecodedChanges>>, Failure> {
        if !is_changes(event) {
            return Ok(None);
        }
        if let Some(known) = self.known(event) {
            return Ok(Some(known));
        }
        let message = ExposuresChanged::decode(event.data.clone())
            .map_err(|error| damaged(event.position, &error.to_string()))?;
        let market = market(&message)
            .ok_or_else(|| damaged(event.position, "its market is not known to this version"))?;
        let decoded = Arc::new(DecodedChanges { position: event.position, id: event.id, market, message });
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(Arc::clone(&decoded));
        if kept.len() > MAX_DECODED {
            kept.pop_front();
        }
        Ok(Some(decoded))
    }
}

impl Watcher {
    pub(crate) fn new(selection: Selection, events: Arc<DecodedEvents>) -> Self {
        Self { selection, events, events_since_message: 0, partial: None }
    }

    /// The messages for the items of the log, until reading fails. They are assembled on the seat of the
    /// request: the threads that serve connections only pass them on.
    pub(crate) fn watch(
        self,
        items: Items,
        seat: Seat,
    ) -> impl Stream<Item = Result<WatchExposuresResponse, Failure>> {
        stream::try_unfold((self, items, seat), async |(mut watcher, mut items, seat)| {
            loop {
                let mut message = None;
                if watcher.partial.is_some() {
                    let assemble = move |_: &Stop| watcher.next_changes().map(|message| (watcher, message));
                    (watcher, message) = seat.run(assemble).await?;
                }
                if message.is_none() {
                    let Some(item) = items.next().await else { return Ok(None) };
                    let item = item?;
                    watcher.events.prepare(&item, &seat).await?;
                    message = watcher.take(&item)?;
                }
                if let Some(message) = message {
                    return Ok(Some((message, (watcher, items, seat))));
                }
            }
        })
    }

    /// Takes an item of the log. If it is an event with wanted changes, `next_changes` gives them afterwards.
    ///
    /// # Errors
    /// A damaged event.
    fn take(&mut self, item: &Item) -> Result<Option<WatchExposuresResponse>, Failure> {
        self.events_since_message = self.events_since_message.saturating_add(1);
        let position = match item {
            Item::CaughtUp(position) => {
                return Ok(Some(self.message(*position, Payload::CaughtUp(CaughtUp {}))));
            }
            Item::Event(event) => {
                let wanted = self.events.decode(event)?.filter(|changed| self.wants_market(&changed.market));
                self.partial = wanted.map(|event| PartialEvent { event, next_row: 0 });
                event.position
            }
        };
        let is_due = self.events_since_message >= CHECKPOINT_INTERVAL && self.partial.is_none();
        Ok(is_due.then(|| self.message(position, Payload::Checkpoint(Checkpoint {}))))
    }

    fn message(&mut self, position: Position, payload: Payload) -> WatchExposuresResponse {
        self.events_since_message = 0;
        WatchExposuresResponse { resume_token: format!("{TOKEN_PREFIX}{position}"), message: Some(payload) }
    }

    fn wants_market(&self, market: &Market) -> bool {
        self.selection.material_and_stage(market) && self.selection.period(market.period)
    }

    /// The next message with changes of the current event; `None` if it has no more.
    ///
    /// # Errors
    /// A damaged event.
    fn next_changes(&mut self) -> Result<Option<WatchExposuresResponse>, Failure> {
        let Some(PartialEvent { event, mut next_row }) = self.partial.take() else { return Ok(None) };
        let DecodedChanges { position, market, message, .. } = &*event;
        let none = ExposureColumns::default();
        let mut changes = Vec::new();
        for row in columns::rows_from(message.columns.as_ref().unwrap_or(&none), next_row) {
            let row = row.ok_or_else(|| damaged(*position, "its columns do not fit together"))?;
            next_row += 1;
            if self.wants(&row) {
                changes.push(change(market, message, row));
            }
            if changes.len() == CHANGES_PER_MESSAGE {
                break;
            }
        }
        if changes.is_empty() {
            return Ok(None);
        }
        // The token of any message but the last one resumes before the event: all of it is sent again.
        let is_last = changes.len() < CHANGES_PER_MESSAGE;
        let position = if is_last { *position } else { position.saturating_sub(1) };
        let payload = Payload::Changes(ExposureChanges { cause: message.cause.clone(), changes });
        if !is_last {
            self.partial = Some(PartialEvent { event: Arc::clone(&event), next_row });
        }
        Ok(Some(self.message(position, payload)))
    }

    /// Whether the selection wants a row. A measure that this version does not know is wanted unless the
    /// selection names measures.
    fn wants(&self, row: &ChangeRow<'_>) -> bool {
        let by = match row.by {
            orewatch_contracts::common::v1::By::Value => orewatch_measures::Weight::Value,
            _ => orewatch_measures::Weight::Quantity,
        };
        let measure = row.measure.parse::<Measure>();
        self.selection.consumer(row.consumer)
            && self.selection.weight(by)
            && measure
                .map_or_else(|_| self.selection.any_measure(), |measure| self.selection.measure(measure))
            && self.selection.supplier(EconomyId::from_code(row.supplier))
    }
}

fn is_changes(event: &Event) -> bool {
    ExposureEventKind::from_name(&event.kind) == Some(ExposureEventKind::ExposuresChanged)
}

/// The market of an event. `None`: this version does not know it.
pub(crate) fn market(changed: &ExposuresChanged) -> Option<Market> {
    let market = changed.market.as_ref()?;
    Some(Market {
        material: orewatch_catalog::material(&market.material).ok()?.id,
        stage: market.stage.parse().ok()?,
        period: market.period.parse().ok()?,
    })
}

/// The message of a change.
pub(crate) fn change(market: &Market, changed: &ExposuresChanged, row: ChangeRow<'_>) -> ExposureChange {
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
        releases: changed.releases.clone(),
        products: if measure.is_some_and(is_about_trade) { changed.products.clone() } else { Vec::new() },
        size: row.size,
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
        let begin = |token: &str| WatchStart::parse(token).and_then(|start| start.within(7, token));
        assert_eq!((begin(""), begin("beginning"), begin("w1-7")), (Ok(7), Ok(0), Ok(7)));
        for token in ["w1-8", "w1-18446744073709551615"] {
            let failure = begin(token).unwrap_err();
            assert_eq!((failure.class, &*failure.code), (Class::Invalid, "invalid-token"), "{token}");
        }
    }
}
