//! Following a log: reading it for as long as a process lives, over interruptions.
//!
//! A reader of [`EventLog::read`] ends with its first error. A [`Follower`] remembers how far it came and
//! reads on from there, so that a log that is away for a while costs nothing but time:
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use orewatch_eventlog::{Error, EventLog, Filter, Follower, Progress};
//! # async fn fold(log: Arc<dyn EventLog>) -> Result<(), Error> {
//! let mut follower = Follower::new(log, Filter::All, 0);
//! loop {
//!     match follower.next().await? {
//!         Progress::Event(event) => println!("fold event {}", event.position),
//!         Progress::CaughtUp(position) => println!("all is folded up to {position}"),
//!         Progress::Interrupted(interruption) => println!("what is known is old: {}", interruption.error),
//!     }
//! }
//! # }
//! ```
//!
//! The position moves with what is returned, never ahead of it. Whoever folds keeps a position as well
//! ([`Projection`](crate::Projection)) and skips what it has, so that no event is folded twice or missed.
//!
//! After an interruption the log may be another one: emptied, or restored from an older copy. So a follower
//! reads the last event that it returned once more, and goes on only if it is still there.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, future};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::{Error, Event, EventLog, Filter, Item, Items, Position};

/// Pause before a log that was away is read again. The adapter itself waits longer.
const AWAY_PAUSE: Duration = Duration::from_secs(1);

/// Pause before an event that cannot be read or folded is tried again: somebody has to act first.
const DAMAGED_PAUSE: Duration = Duration::from_secs(5);

/// What a follower comes to next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The next event.
    Event(Event),
    /// Everything that matches up to this position has been returned. It comes when history ends, whenever
    /// the follower is up to date again, and after every interruption.
    CaughtUp(Position),
    /// The log cannot be read any further at the moment. The next call tries again; what is known may be old
    /// until [`Progress::CaughtUp`] comes again.
    Interrupted(Interruption),
}

/// What keeps a follower from reading on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interruption {
    /// Since when.
    pub since: Instant,
    /// The error of the last attempt.
    pub error: Error,
}

/// Reads a log from a position on, over interruptions.
pub struct Follower {
    log: Arc<dyn EventLog>,
    filter: Filter,
    /// Everything that matches up to here was returned.
    position: Position,
    /// The last event that was returned, and the one before it.
    last: Option<(Position, Uuid)>,
    before_last: Option<(Position, Uuid)>,
    /// `None`: the log is to be read anew from `position`.
    items: Option<Items>,
    /// The next item must be the last event once more.
    must_verify: bool,
    /// Since when the follower has not been up to date because of errors.
    interrupted_since: Option<Instant>,
    /// The error that was logged last.
    reported: Option<Error>,
    /// An event that was put back. Reading it again changes nothing.
    stuck: Option<Stuck>,
    /// Until when it waits before it reads anew. Kept here, so that a call that is dropped does not begin the
    /// pause again.
    resume_at: Option<Instant>,
}

/// An event that cannot be folded.
#[derive(Clone, Debug)]
struct Stuck {
    position: Position,
    id: Uuid,
    error: Error,
}

impl Follower {
    /// Follows what matches after a position. Nothing is read before the first call of [`next`](Self::next).
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, filter: Filter, after: Position) -> Self {
        Self {
            log,
            filter,
            position: after,
            last: None,
            before_last: None,
            items: None,
            must_verify: false,
            interrupted_since: None,
            reported: None,
            stuck: None,
            resume_at: None,
        }
    }

    /// Position up to which everything that matches was returned.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Waits for what comes next. A call may be dropped before it returns, as in `select!`: nothing is lost.
    ///
    /// # Errors
    /// [`Error::Replaced`] if the log is not the one that was read before, [`Error::Gone`] if events are
    /// missing, [`Error::Invalid`] for a filter on another log. There is no point in going on after them.
    pub async fn next(&mut self) -> Result<Progress, Error> {
        loop {
            if let Some(resume_at) = self.resume_at {
                sleep_until(resume_at).await;
                self.resume_at = None;
            }
            let item = match &mut self.items {
                Some(items) => items.next().await,
                None => self.open().await.next().await,
            };
            let taken = match item {
                Some(Ok(item)) => self.take(item),
                Some(Err(error)) => self.handle(error),
                None => self.handle(self.ended()),
            };
            if let Some(progress) = taken? {
                return Ok(progress);
            }
        }
    }

    /// Puts the last event back because it cannot be folded. The follower stays before it, and tries again
    /// slowly until somebody marks the event as not to count ([`EventLog::look_for_skip`]).
    pub fn put_back(&mut self, event: &Event, error: Error) -> Interruption {
        self.position = self.position.min(event.position.saturating_sub(1));
        self.last = self.before_last.take();
        self.stuck = Some(Stuck { position: event.position, id: event.id, error: error.clone() });
        self.interrupt(error)
    }

    async fn open(&mut self) -> &mut Items {
        if let Some(stuck) = &self.stuck {
            // If that fails, the event stands until the next attempt.
            let _found = self.log.look_for_skip(stuck.position).await;
        }
        self.must_verify = self.last.is_some();
        let after = self.last.map_or(self.position, |(last, _)| last.saturating_sub(1));
        self.items.insert(self.log.read(self.filter.clone(), after))
    }

    /// Takes an item. `None`: it is not to be returned.
    fn take(&mut self, item: Item) -> Result<Option<Progress>, Error> {
        if std::mem::take(&mut self.must_verify) {
            return self.verify(&item).map(|()| None);
        }
        match item {
            Item::Event(event) => {
                self.stuck = self.stuck.take().filter(|stuck| stuck.id == event.id);
                if let Some(error) = self.stuck.as_ref().map(|stuck| stuck.error.clone()) {
                    return Ok(Some(Progress::Interrupted(self.interrupt(error))));
                }
                self.position = self.position.max(event.position);
                self.before_last = self.last.replace((event.position, event.id));
                Ok(Some(Progress::Event(event)))
            }
            Item::CaughtUp(position) => {
                self.position = self.position.max(position);
                self.stuck = None;
                self.report_recovery();
                Ok(Some(Progress::CaughtUp(position)))
            }
        }
    }

    /// Checks that the first item is the last event that was returned.
    fn verify(&mut self, item: &Item) -> Result<(), Error> {
        let found = match item {
            Item::Event(event) => Some((event.position, event.id)),
            Item::CaughtUp(_) => None,
        };
        if found == self.last {
            return Ok(());
        }
        self.items = None;
        let position = self.last.map_or(0, |(position, _)| position);
        let reason = match found {
            None => format!("it has no event at position {position} any more"),
            Some((other, _)) if other != position => format!("it has no event at position {position}"),
            Some(_) => format!("another event is at position {position}"),
        };
        Err(Error::Replaced { log: self.log.name().to_owned(), reason })
    }

    /// Handles the error that ended a reader.
    fn handle(&mut self, error: Error) -> Result<Option<Progress>, Error> {
        self.items = None;
        match error {
            // The event that would be compared is gone, which was read; what follows may still be there.
            Error::Gone { oldest, .. } if self.must_verify && oldest <= self.position + 1 => {
                self.last = None;
                Ok(None)
            }
            Error::Gone { .. } | Error::Replaced { .. } | Error::Invalid { .. } => Err(error),
            error => Ok(Some(Progress::Interrupted(self.interrupt(error)))),
        }
    }

    fn interrupt(&mut self, error: Error) -> Interruption {
        let now = Instant::now();
        let since = *self.interrupted_since.get_or_insert(now);
        if self.reported.as_ref() != Some(&error) {
            tracing::warn!(%error, after = self.position, "the log cannot be read on; trying again");
            self.reported = Some(error.clone());
        }
        self.items = None;
        let is_away = matches!(error, Error::Unavailable { .. });
        self.resume_at = Some(now + if is_away { AWAY_PAUSE } else { DAMAGED_PAUSE });
        Interruption { since, error }
    }

    fn report_recovery(&mut self) {
        if let Some(since) = self.interrupted_since.take() {
            let seconds = since.elapsed().as_secs();
            tracing::info!(log = self.log.name(), position = self.position, seconds, "the log is read again");
            self.reported = None;
        }
    }

    /// The port promises that a reader ends only after an error; one that does not is read again like one
    /// that was interrupted.
    fn ended(&self) -> Error {
        let (log, reason) = (self.log.name().to_owned(), "its reader ended without an error".to_owned());
        Error::Unavailable { log, reason, outcome_unknown: false }
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("log", &self.log)
            .field("filter", &self.filter)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// The events that are on the log now: those that match after a position, in order. Ends at the first
/// [`Item::CaughtUp`], where a reader of [`EventLog::read`] would wait for more, or with the error of the
/// log.
pub fn history(
    log: &dyn EventLog,
    filter: Filter,
    after: Position,
) -> impl futures_util::Stream<Item = Result<Event, Error>> + Send + Unpin + use<> {
    let is_event = |item: &Item| future::ready(Ok(matches!(item, Item::Event(_))));
    let events = log.read(filter, after).try_take_while(is_event).try_filter_map(|item| {
        future::ready(Ok(match item {
            Item::Event(event) => Some(event),
            Item::CaughtUp(_) => None,
        }))
    });
    events.boxed()
}
