//! A log that is not open yet.
//!
//! A service starts without its log, so that it can be asked how it is and be told to stop. It is given an
//! [`OpeningLog`], which behaves like a log that is away until somebody opens it ([`Opener`]).
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::sync::watch;

use crate::{
    Error, EventLog, Extent, Filter, Items, NewEvent, NewEvents, PassedOver, Position, SkippedPositions,
    StreamName, Unfinished, Usage,
};

/// Time that a call waits for the log to be opened.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of the log.
#[derive(Clone, Debug)]
enum Stage {
    /// It is not open, and why.
    Waiting(String),
    Open(Arc<dyn EventLog>),
}

/// A log that somebody opens later. Until then calls wait a little, and fail with [`Error::Unavailable`].
#[derive(Clone, Debug)]
pub struct OpeningLog {
    name: Arc<str>,
    stage: watch::Receiver<Stage>,
}

/// Opens an [`OpeningLog`].
#[derive(Debug)]
pub struct Opener(watch::Sender<Stage>);

impl Opener {
    /// Opens the log: calls that wait go on.
    pub fn open(&self, log: Arc<dyn EventLog>) {
        self.0.send_replace(Stage::Open(log));
    }

    /// Says why the log is not open yet.
    pub fn set_reason(&self, reason: String) {
        self.0.send_replace(Stage::Waiting(reason));
    }
}

impl OpeningLog {
    /// A log of this name that is not open, and what opens it.
    #[must_use]
    pub fn new(name: &str) -> (Arc<Self>, Opener) {
        let (sender, stage) = watch::channel(Stage::Waiting("it is not open yet".to_owned()));
        (Arc::new(Self { name: name.into(), stage }), Opener(sender))
    }

    async fn opened(&self) -> Result<Arc<dyn EventLog>, Error> {
        let mut stage = self.stage.clone();
        let open = stage.wait_for(|stage| matches!(stage, Stage::Open(_)));
        // The opener may be gone; then the last reason stands.
        drop(tokio::time::timeout(PATIENCE, open).await);
        let known = self.stage.borrow().clone();
        match known {
            Stage::Open(log) => Ok(log),
            Stage::Waiting(reason) => {
                Err(Error::Unavailable { log: self.name.to_string(), reason, outcome_unknown: false })
            }
        }
    }
}

impl EventLog for OpeningLog {
    fn name(&self) -> &str {
        &self.name
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>> {
        async move { self.opened().await?.append(stream, expected, events).await }.boxed()
    }

    fn append_in_order<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: &'a mut NewEvents<'a>,
    ) -> BoxFuture<'a, Result<Position, Unfinished>> {
        async move {
            let unopened = |error| Unfinished { error, last: expected, rest: Vec::new() };
            let log = self.opened().await.map_err(unopened)?;
            log.append_in_order(stream, expected, events).await
        }
        .boxed()
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        let log = self.clone();
        let items = async move {
            match log.opened().await {
                Ok(log) => log.read(filter, after),
                Err(error) => stream::iter([Err(error)]).boxed(),
            }
        };
        stream::once(items).flatten().boxed()
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        async move { self.opened().await?.last(stream).await }.boxed()
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        async move { self.opened().await?.extent().await }.boxed()
    }

    fn usage(&self) -> BoxFuture<'_, Result<Option<Usage>, Error>> {
        async move { self.opened().await?.usage().await }.boxed()
    }

    fn passed_over(&self) -> PassedOver {
        match &*self.stage.borrow() {
            Stage::Open(log) => log.passed_over(),
            Stage::Waiting(_) => PassedOver::default(),
        }
    }

    fn skipped(&self) -> Arc<SkippedPositions> {
        match &*self.stage.borrow() {
            Stage::Open(log) => log.skipped(),
            Stage::Waiting(_) => Arc::default(),
        }
    }

    fn look_for_skip(&self, position: Position) -> BoxFuture<'_, Result<bool, Error>> {
        async move { self.opened().await?.look_for_skip(position).await }.boxed()
    }
}
