//! A log whose appends are measured.
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use orewatch_eventlog::{
    Error, EventLog, Extent, Filter, Items, NewEvent, NewEvents, PassedOver, Position, SkippedPositions,
    StreamName, Unfinished, Usage,
};
use tokio::time::Instant;

use super::{Metrics, catalogue};

/// The log of a service, with the duration and the outcome of each append recorded.
#[derive(Debug)]
pub struct MeteredLog {
    log: Arc<dyn EventLog>,
    service: &'static str,
    metrics: Metrics,
}

impl MeteredLog {
    /// The log as one service appends to it.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, service: &'static str, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self { log, service, metrics })
    }

    fn record(&self, took: Duration, error: Option<&Error>) {
        let labels = [self.service, self.name()];
        match error {
            None => self.metrics.observe(&catalogue::APPEND_SECONDS, labels, took),
            Some(Error::Conflict { .. }) => self.metrics.add(&catalogue::APPEND_CONFLICTS, labels, 1),
            Some(error) => {
                let labels = [self.service, self.name(), reason(error)];
                self.metrics.add(&catalogue::APPEND_ERRORS, labels, 1);
            }
        }
    }
}

/// Why an append failed, as a label.
fn reason(error: &Error) -> &'static str {
    match error {
        Error::Unavailable { .. } => "unavailable",
        Error::Full { .. } => "full",
        Error::NotPermitted { .. } => "not_permitted",
        Error::TooLarge { .. } => "too_large",
        Error::Corrupt { .. } | Error::Gone { .. } | Error::Replaced { .. } => "damaged",
        Error::Conflict { .. } | Error::Invalid { .. } | Error::Misconfigured { .. } => "invalid",
    }
}

impl EventLog for MeteredLog {
    fn name(&self) -> &str {
        self.log.name()
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>> {
        async move {
            let began = Instant::now();
            let outcome = self.log.append(stream, expected, events).await;
            self.record(began.elapsed(), outcome.as_ref().err());
            outcome
        }
        .boxed()
    }

    fn append_in_order<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: &'a mut NewEvents<'a>,
    ) -> BoxFuture<'a, Result<Position, Unfinished>> {
        async move {
            // What comes before the last event was taken is above all the time to make the events.
            let mut last_taken = None;
            let mut events = events.inspect(|_| last_taken = Some(Instant::now()));
            let outcome = self.log.append_in_order(stream, expected, &mut events).await;
            let error = outcome.as_ref().err().map(|unfinished| &unfinished.error);
            let took = last_taken.map_or(Duration::ZERO, |taken| taken.elapsed());
            if last_taken.is_some() || error.is_some() {
                self.record(took, error);
            }
            outcome
        }
        .boxed()
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        self.log.read(filter, after)
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
