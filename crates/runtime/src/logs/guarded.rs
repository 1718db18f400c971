//! A log for callers that write, which refuses while the fold of it stands.
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use orewatch_eventlog::{
    Error, EventLog, Extent, Filter, Items, NewEvent, NewEvents, PassedOver, Position, SkippedPositions,
    StreamName, Unfinished, Usage,
};

use super::FollowedLog;

/// A log that refuses appends and questions while the fold of it stands: an append could not be shown, and
/// what it is decided on may be old.
#[derive(Debug)]
pub(super) struct GuardedLog {
    pub(super) log: Arc<dyn EventLog>,
    pub(super) followed: FollowedLog,
}

impl GuardedLog {
    fn check(&self) -> Result<(), Error> {
        self.followed.standing_error().map_or(Ok(()), Err)
    }
}

impl EventLog for GuardedLog {
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
            self.check()?;
            self.log.append(stream, expected, events).await
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
            self.check().map_err(|error| Unfinished { error, last: expected, rest: Vec::new() })?;
            self.log.append_in_order(stream, expected, events).await
        }
        .boxed()
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        self.log.read(filter, after)
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        async move {
            self.check()?;
            self.log.last(stream).await
        }
        .boxed()
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        async move {
            self.check()?;
            self.log.extent().await
        }
        .boxed()
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
