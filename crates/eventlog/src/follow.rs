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
//!         Progress::CaughtUp(position) => println!("all is folded up to {position}: serve"),
//!         Progress::Interrupted => println!("answers may be old by now: stop serving"),
//!     }
//! }
//! # }
//! ```
//!
//! The position moves with what is returned, never ahead of it. Whoever folds keeps a position as well
//! ([`Projection`](crate::Projection)) and skips what it has, so that no event is folded twice or missed.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, future};
use tokio::time::{Instant, sleep_until};

use crate::{Error, Event, EventLog, Filter, Item, Items, Position};

/// Interruptions in a row, with nothing read between them, that a follower gets over before it gives up. With
/// `PAUSE` and the time that the adapter itself waits these are at least five minutes.
pub const MAX_INTERRUPTIONS: u32 = 300;

/// Pause before a log is read again.
const PAUSE: Duration = Duration::from_secs(1);

/// What a follower comes to next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The next event.
    Event(Event),
    /// Everything that matches up to this position has been returned. It comes when history ends, whenever
    /// the follower is up to date again, and after every interruption.
    CaughtUp(Position),
    /// The log cannot be read at the moment. The next call waits for it; what is known may be old until
    /// [`Progress::CaughtUp`] comes again.
    Interrupted,
}

/// Reads a log from a position on, over interruptions.
pub struct Follower {
    log: Arc<dyn EventLog>,
    filter: Filter,
    /// Everything that matches up to here was returned.
    position: Position,
    /// `None`: the log is to be read anew from `position`.
    items: Option<Items>,
    /// Interruptions since the last item.
    interruptions: u32,
    /// Until when it waits before it reads anew. Kept here, so that a call that is dropped does not begin the
    /// pause again.
    resume_at: Option<Instant>,
}

impl Follower {
    /// Follows what matches after a position. Nothing is read before the first call of [`next`](Self::next).
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, filter: Filter, after: Position) -> Self {
        Self { log, filter, position: after, items: None, interruptions: 0, resume_at: None }
    }

    /// Position up to which everything that matches was returned.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Waits for what comes next. A call may be dropped before it returns, as in `select!`: nothing is lost.
    ///
    /// # Errors
    /// Those of [`EventLog::read`], after which there is no point in going on; [`Error::Unavailable`] only
    /// after [`MAX_INTERRUPTIONS`] interruptions in a row.
    pub async fn next(&mut self) -> Result<Progress, Error> {
        if let Some(resume_at) = self.resume_at {
            sleep_until(resume_at).await;
            self.resume_at = None;
        }
        let (log, filter, after) = (&self.log, &self.filter, self.position);
        let items = self.items.get_or_insert_with(|| log.read(filter.clone(), after));
        let error = match items.next().await {
            Some(Ok(Item::Event(event))) => {
                self.advance(event.position);
                return Ok(Progress::Event(event));
            }
            Some(Ok(Item::CaughtUp(position))) => {
                self.advance(position);
                return Ok(Progress::CaughtUp(position));
            }
            Some(Err(error @ Error::Unavailable { .. })) => error,
            Some(Err(error)) => return Err(error),
            None => self.ended(),
        };
        if self.interruptions >= MAX_INTERRUPTIONS {
            return Err(error);
        }
        self.interruptions += 1;
        tracing::warn!(%error, after = self.position, "the log cannot be read; trying again");
        self.items = None;
        self.resume_at = Some(Instant::now() + PAUSE);
        Ok(Progress::Interrupted)
    }

    fn advance(&mut self, position: Position) {
        self.position = self.position.max(position);
        self.interruptions = 0;
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
