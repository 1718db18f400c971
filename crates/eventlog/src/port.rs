//! The port: what an event log does, whichever adapter stores it.
use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{self, BoxFuture};
use futures_util::stream::BoxStream;

use crate::in_order::{self, NewEvents, Unfinished};
use crate::skipped::SkippedPositions;
use crate::{Error, Event, NewEvent, PassedOver, Position, StreamName};

/// What a reader yields, in order of position.
pub type Items = BoxStream<'static, Result<Item, Error>>;

/// A log of events.
///
/// Every adapter passes the same conformance suite (`tests/conformance`), which defines exactly what is said
/// here.
pub trait EventLog: fmt::Debug + Send + Sync {
    /// Name of the log, the first token of its streams: `observations`, `exposures` or `alerts`.
    fn name(&self) -> &str;

    /// Appends events to a stream: all of them or none, next to each other, durable when the call returns.
    ///
    /// `expected` is the position of the stream's last event, 0 if the stream must not exist yet. If exactly
    /// these events (by id, in this order) already follow `expected`, nothing is stored and their positions
    /// are returned: an append whose outcome is unknown is simply repeated. An event id must never be used
    /// for another event.
    ///
    /// Returns the positions of the events, in the order of `events`.
    ///
    /// # Errors
    /// [`Error::Conflict`] if something else follows `expected`; [`Error::Unavailable`] within the adapter's
    /// deadline if the log cannot be reached, saying whether the outcome is known; [`Error::TooLarge`],
    /// [`Error::Full`], [`Error::Invalid`] (no events, a stream of another log, an id that is on the log
    /// already) with nothing stored.
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>>;

    /// Appends events to a stream in their order, as many of them as there are, and is ready for the next
    /// ones while the log stores those before them. Returns the position of the last one, `expected` if there
    /// is none.
    ///
    /// Each event is stored right after the one before it on the stream, in appends of the log's choice. If
    /// that cannot go on, a beginning of the events is stored, each once and without a gap between them. What
    /// of a beginning follows `expected` already is recognised by its ids, and the others are appended after
    /// it: what ended early is simply repeated, by anybody.
    ///
    /// Of `events`, a bounded part is taken at a time. Once it has ended it must stay so, because it is asked
    /// again.
    ///
    /// # Errors
    /// Those of [`append`](Self::append), with what is not stored: see [`Unfinished`].
    fn append_in_order<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: &'a mut NewEvents<'a>,
    ) -> BoxFuture<'a, Result<Position, Unfinished>> {
        in_order::append_groups(self, stream, expected, events).boxed()
    }

    /// Reads the events that match after a position: history first, then [`Item::CaughtUp`], then live
    /// events, without a gap or a repeat.
    ///
    /// The stream ends only after an error. The adapter retries interruptions of the log up to its deadline.
    /// A reader reads as fast as it is polled, in bounded batches; one that is not polled costs next to
    /// nothing.
    ///
    /// # Errors [`Error::Gone`] if events after `after` have been removed; [`Error::Unavailable`] if the log
    /// cannot be reached within the deadline; [`Error::Corrupt`] for an event that cannot be read, after
    /// those before it; [`Error::Replaced`] if `after` is beyond the end, so that this is not the log that
    /// was read before; [`Error::Invalid`] for a filter on streams of another log.
    fn read(&self, filter: Filter, after: Position) -> Items;

    /// Position of the last event of a stream, 0 if there is none: the `expected` of the next append.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the log cannot be reached within the deadline.
    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>>;

    /// The range of positions that can be read.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the log cannot be reached within the deadline.
    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>>;

    /// The room that the log takes in its store. `None`: the store does not say.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the log cannot be reached within the deadline.
    fn usage(&self) -> BoxFuture<'_, Result<Option<Usage>, Error>> {
        future::ready(Ok(None)).boxed()
    }

    /// What readers of this log have passed over because it is not an event of ours. Positions move over it.
    fn passed_over(&self) -> PassedOver {
        PassedOver::default()
    }

    /// The events of ours that readers of this log pass over because an operator marked them as not to count.
    fn skipped(&self) -> Arc<SkippedPositions> {
        Arc::default()
    }

    /// Looks for a mark of an event at which a fold stands. If there is one, readers of this log pass over
    /// the event from now on. Returns whether there is one.
    ///
    /// # Errors
    /// Those of the log, if it has marks to look for.
    fn look_for_skip(&self, _position: Position) -> BoxFuture<'_, Result<bool, Error>> {
        future::ready(Ok(false)).boxed()
    }
}

/// Selects the events that a reader yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Every event of the log.
    All,
    /// Events of the stream of this name and of those below it (`name.…`).
    Under(StreamName),
}

impl Filter {
    /// Whether events of this stream are selected.
    #[must_use]
    pub fn matches(&self, stream: &StreamName) -> bool {
        match self {
            Self::All => true,
            Self::Under(prefix) => stream.is_under(prefix),
        }
    }
}

impl Extent {
    /// Checks that a reader can start after a position: no event after it has been removed, and it is not
    /// beyond the end of the log.
    pub(crate) fn check(self, log: &str, after: Position) -> Result<(), Error> {
        let log = log.to_owned();
        if after > self.head {
            let reason = format!("position {after} was read, but it ends at {}", self.head);
            return Err(Error::Replaced { log, reason });
        }
        if self.head > after && self.oldest > after + 1 {
            return Err(Error::Gone { log, wanted: after + 1, oldest: self.oldest });
        }
        Ok(())
    }
}

/// One item that a reader yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The next event.
    Event(Event),
    /// Everything that matches up to this position has been yielded. Comes once when history ends, and again
    /// each time the reader is up to date after further events; never in the middle of an append. A reader
    /// with a filter is not woken by events that do not match, so its position may lag behind the log's end.
    CaughtUp(Position),
}

/// The range of positions of a log that can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Position of the oldest event that can be read, `head + 1` if there is none.
    pub oldest: Position,
    /// Position of the last event, 0 if there never was one.
    pub head: Position,
}

/// The room that a log takes in its store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Size of what is stored, in bytes.
    pub bytes: u64,
    /// Size beyond which appends are refused, in bytes. `None`: the log has no bound of its own.
    pub max_bytes: Option<u64>,
}
