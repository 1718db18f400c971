//! A log that fails when a test says so.
use std::fmt;
use std::sync::Arc;

use futures_util::future::{self, BoxFuture};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use orewatch_eventlog::{
    Error, EventLog, Extent, Filter, Items, NewEvent, PassedOver, Position, SkippedPositions, StreamName,
    Usage,
};

/// What becomes of an append.
pub enum Fault {
    /// Nothing happens to it.
    None,
    /// The connection is lost, before the append reaches the log or after it is stored: either way its caller
    /// is told that the log is unavailable and the outcome unknown.
    Lost {
        /// The events are on the log.
        stored: bool,
    },
    /// The process dies, before the append reaches the log or after it is stored: its caller never hears of
    /// it again.
    Death {
        /// The events are on the log.
        stored: bool,
        /// Called in the moment of death.
        at_death: Box<dyn FnOnce() + Send>,
    },
    /// The append reaches the log once this future has ended.
    Delay(BoxFuture<'static, ()>),
}

impl Fault {
    /// Death, of which nobody else has to know.
    #[must_use]
    pub fn death(stored: bool) -> Self {
        Self::Death { stored, at_death: Box::new(|| {}) }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Lost { stored: false } => "Lost before it was stored",
            Self::Lost { stored: true } => "Lost after it was stored",
            Self::Death { stored: false, .. } => "Death before it was stored",
            Self::Death { stored: true, .. } => "Death after it was stored",
            Self::Delay(_) => "Delay",
        })
    }
}

type OnAppend = dyn Fn(&StreamName, &[NewEvent]) -> Fault + Send + Sync;
type OnRead = dyn Fn(&Filter, Position) -> Option<(usize, Error)> + Send + Sync;

/// A log whose appends and readers fail as functions of a test decide, which may count them; everything else
/// is that log's.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use std::sync::atomic::{AtomicU64, Ordering};
/// # use orewatch_eventlog::EventLog;
/// # use orewatch_testkit::{Fault, FaultyLog};
/// # fn wrap(log: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
/// let appends = AtomicU64::new(0);
/// FaultyLog::new(log)
///     .on_append(move |_stream, _events| match appends.fetch_add(1, Ordering::SeqCst) {
///         0..3 => Fault::None,
///         _ => Fault::Lost { stored: true },
///     })
///     .shared()
/// # }
/// ```
pub struct FaultyLog {
    log: Arc<dyn EventLog>,
    on_append: Box<OnAppend>,
    on_read: Box<OnRead>,
}

impl FaultyLog {
    /// A log without faults.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        Self { log, on_append: Box::new(|_, _| Fault::None), on_read: Box::new(|_, _| None) }
    }

    /// Decides what becomes of each append, given its stream and events.
    #[must_use]
    pub fn on_append(
        self,
        decide: impl Fn(&StreamName, &[NewEvent]) -> Fault + Send + Sync + 'static,
    ) -> Self {
        Self { on_append: Box::new(decide), ..self }
    }

    /// Decides for each reader, given its filter and the position after which it reads, whether it ends with
    /// an error, and after how many items.
    #[must_use]
    pub fn on_read(
        self,
        decide: impl Fn(&Filter, Position) -> Option<(usize, Error)> + Send + Sync + 'static,
    ) -> Self {
        Self { on_read: Box::new(decide), ..self }
    }

    /// The log as services take it.
    #[must_use]
    pub fn shared(self) -> Arc<dyn EventLog> {
        Arc::new(self)
    }
}

impl fmt::Debug for FaultyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyLog").field("log", &self.log).finish_non_exhaustive()
    }
}

impl EventLog for FaultyLog {
    fn name(&self) -> &str {
        self.log.name()
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>> {
        let fault = (self.on_append)(stream, &events);
        async move {
            match fault {
                Fault::None => self.log.append(stream, expected, events).await,
                Fault::Lost { stored } => {
                    if stored {
                        self.log.append(stream, expected, events).await?;
                    }
                    let reason = "the test pulled the plug".to_owned();
                    Err(Error::Unavailable { log: self.name().to_owned(), reason, outcome_unknown: true })
                }
                Fault::Death { stored, at_death } => {
                    if stored {
                        self.log.append(stream, expected, events).await.unwrap();
                    }
                    at_death();
                    future::pending().await
                }
                Fault::Delay(end) => {
                    end.await;
                    self.log.append(stream, expected, events).await
                }
            }
        }
        .boxed()
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        let fault = (self.on_read)(&filter, after);
        let items = self.log.read(filter, after);
        match fault {
            None => items,
            Some((count, error)) => items.take(count).chain(stream::iter([Err(error)])).boxed(),
        }
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        self.log.last(stream)
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        self.log.extent()
    }

    fn usage(&self) -> BoxFuture<'_, Result<Option<Usage>, Error>> {
        self.log.usage()
    }

    fn passed_over(&self) -> PassedOver {
        self.log.passed_over()
    }

    fn skipped(&self) -> Arc<SkippedPositions> {
        self.log.skipped()
    }

    fn look_for_skip(&self, position: Position) -> BoxFuture<'_, Result<bool, Error>> {
        self.log.look_for_skip(position)
    }
}
