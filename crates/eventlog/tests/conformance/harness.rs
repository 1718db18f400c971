//! What the suite needs of an adapter: to open a log anew.
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_eventlog::{Error, Event, EventLog, Filter, Item, Items, Position, embedded};
use orewatch_testkit::NatsServer;
use tempfile::TempDir;

use crate::samples::LOG;

/// Time that nothing in the suite takes unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A place where a log is kept.
pub(crate) trait Harness: Sized {
    /// A place without a log.
    async fn start() -> Self;

    /// The log, as another process would open it after the first has gone.
    async fn open(&self) -> Arc<dyn EventLog>;
}

/// A directory.
pub(crate) struct Embedded(pub(crate) TempDir);

impl Harness for Embedded {
    async fn start() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn open(&self) -> Arc<dyn EventLog> {
        embedded::open(self.0.path(), LOG).unwrap()
    }
}

/// A NATS server.
pub(crate) struct JetStream(pub(crate) NatsServer);

impl Harness for JetStream {
    async fn start() -> Self {
        Self(NatsServer::start())
    }

    async fn open(&self) -> Arc<dyn EventLog> {
        // A server that is killed may take a while to start on a busy machine.
        let patient = JetStreamOptions { reader_patience: PATIENCE, ..JetStreamOptions::default() };
        self.open_with(patient).await.unwrap()
    }
}

impl JetStream {
    /// The log, with options.
    pub(crate) async fn open_with(&self, options: JetStreamOptions) -> Result<Arc<dyn EventLog>, Error> {
        jetstream::connect(&self.0.url(), options).await?.open(LOG).await
    }
}

/// Waits for something that must happen soon.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("this should not take so long")
}

/// The next item.
pub(crate) async fn next(items: &mut Items) -> Result<Item, Error> {
    soon(items.next()).await.expect("a reader ends only after an error")
}

/// The next event; other items are skipped.
pub(crate) async fn next_event(items: &mut Items) -> Event {
    loop {
        if let Item::Event(event) = next(items).await.unwrap() {
            return event;
        }
    }
}

/// Events until the reader has caught up, and the position where it has.
pub(crate) async fn history(items: &mut Items) -> (Vec<Event>, Position) {
    let mut events = Vec::new();
    loop {
        match next(items).await.unwrap() {
            Item::Event(event) => events.push(event),
            Item::CaughtUp(position) => return (events, position),
        }
    }
}

/// All events that match after a position.
pub(crate) async fn read_now(log: &Arc<dyn EventLog>, filter: Filter, after: Position) -> Vec<Event> {
    history(&mut log.read(filter, after)).await.0
}
