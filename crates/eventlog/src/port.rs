//! The port.
use std::fmt;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use crate::{Error, Event, NewEvent, Position, StreamName};

/// What a reader is given, in order.
pub type Items = BoxStream<'static, Result<Item, Error>>;

/// A log of events, the only store that a service trusts.
///
/// Every adapter passes the same conformance suite, which is the exact meaning of what is said here.
pub trait EventLog: fmt::Debug + Send + Sync {
    /// Name of the log, the first token of its streams: `observations`, `exposures` or `alerts`.
    fn name(&self) -> &str;

    /// Appends events to a stream: all of them or none, next to each other in the stream, durable when it returns.
    ///
    /// `expected` is the position of the stream's last event, 0 if the stream must not exist yet. If exactly these
    /// events (by id, in this order) already follow `expected`, the append is known and returns their positions: so an
    /// append with an unknown outcome is simply repeated. An event id must never be used for anything else.
    ///
    /// Returns the positions of the events, in their order.
    ///
    /// # Errors
    /// [`Error::Conflict`] if something else follows `expected`; [`Error::Unavailable`] within the adapter's deadline if
    /// the log cannot be reached, saying whether the outcome is known; [`Error::TooLarge`], [`Error::Full`],
    /// [`Error::Invalid`] (no events, a stream of another log, an id that is on the log already) with nothing stored.
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>>;

    /// Reads what matches after a position: history first, then [`Item::CaughtUp`], then live, without gap or repeat.
    ///
    /// The stream ends only after an error. Interruptions of the log are waited out up to the adapter's deadline. It reads
    /// as fast as it is polled, in bounded batches; one that is not polled costs nothing but its place.
    ///
    /// # Errors
    /// [`Error::Gone`] if events after `after` have been removed; [`Error::Unavailable`] if the log cannot be reached
    /// within the deadline; [`Error::Corrupt`] for an event that cannot be read, after those before it;
    /// [`Error::Misconfigured`] if `after` is beyond the end, so that this is not the log that was read before;
    /// [`Error::Invalid`] for a filter on streams of another log.
    fn read(&self, filter: Filter, after: Position) -> Items;

    /// Position of the last event of a stream, 0 if there is none: what the next append to it expects.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the log cannot be reached within the deadline.
    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>>;

    /// What can be read.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the log cannot be reached within the deadline.
    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>>;
}

/// Which events a reader wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of the log.
    All,
    /// The stream of this name and those below it (`name.…`).
    Under(StreamName),
}

impl Filter {
    /// Whether events of this stream are wanted.
    #[must_use]
    pub fn matches(&self, stream: &StreamName) -> bool {
        match self {
            Self::All => true,
            Self::Under(prefix) => stream.is_under(prefix),
        }
    }
}

impl Extent {
    /// Checks that a reader can start after a position: nothing after it has been removed, and it is not beyond the end.
    pub(crate) fn check(self, log: &str, after: Position) -> Result<(), Error> {
        let log = log.to_owned();
        if after > self.head {
            let reason = format!(
                "a reader wants to go on after position {after}, but the log ends at {}: it is not the log that was read before",
                self.head
            );
            return Err(Error::Misconfigured { log, reason });
        }
        if self.head > after && self.oldest > after + 1 {
            return Err(Error::Gone { log, wanted: after + 1, oldest: self.oldest });
        }
        Ok(())
    }
}

/// One thing that a reader is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The next event.
    Event(Event),
    /// Everything that matches up to this position has been given. Said once when history ends, and again each time the
    /// reader is up to date after further events; never in the middle of an append. Events that do not match are not
    /// waited for: a reader with a filter is not told that others were appended.
    CaughtUp(Position),
}

/// The part of a log that can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Position of the oldest event that can be read, `head + 1` if there is none.
    pub oldest: Position,
    /// Position of the last event, 0 if there never was one.
    pub head: Position,
}
