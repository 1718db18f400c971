//! Reads the exposures log: one applied release at a time, or one verdict on a claim.
use std::collections::BTreeMap;
use std::sync::Arc;

use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::{
    ClaimVerdictChanged, ExposureEvent, ExposuresChanged, ReleaseApplied,
};
use orewatch_eventlog::{Error, Event, EventLog, Filter, Follower, Interruption, Position, Progress};
use orewatch_runtime::FollowedLog;
use uuid::Uuid;

/// Everything that a release changed in one material, or the verdict that it changed on one claim.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReleaseChanges {
    /// Position of the event that completes it.
    pub(crate) position: Position,
    /// Identifier of that event.
    pub(crate) event: Uuid,
    /// The cause.
    pub(crate) cause: Option<Cause>,
    /// Trace context of the call that first caused it.
    pub(crate) traceparent: Option<String>,
    /// The changes.
    pub(crate) changed: Changed,
}

/// What a release changed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Changed {
    /// Figures of a material, in the order of the log.
    Figures {
        /// The material.
        material: String,
        /// The changes.
        changes: Vec<ExposuresChanged>,
    },
    /// The verdict on a claim.
    Claim(Box<ClaimVerdictChanged>),
}

impl ReleaseChanges {
    /// The material whose figures changed. None: a verdict did.
    pub(crate) fn material(&self) -> Option<&str> {
        match &self.changed {
            Changed::Figures { material, .. } => Some(material),
            Changed::Claim(_) => None,
        }
    }
}

/// Collects the changes of releases until they are complete, by material.
#[derive(Debug, Default)]
pub(crate) struct ChangesCollector(BTreeMap<String, IncompleteChanges>);

/// The changes of a release that is not complete.
#[derive(Debug)]
struct IncompleteChanges {
    /// Position of its first event.
    first: Position,
    changes: Vec<ExposuresChanged>,
}

impl ChangesCollector {
    /// Folds an event. Returns the changes that it completes.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot be decoded.
    pub(crate) fn fold(&mut self, event: &Event) -> Result<Option<ReleaseChanges>, Error> {
        match ExposureEvent::read(event)? {
            Some(ExposureEvent::ExposuresChanged(change)) => {
                let market = change.market.as_ref();
                let market = market.ok_or_else(|| Error::corrupt(event, "the market is missing"))?;
                let new = || IncompleteChanges { first: event.position, changes: Vec::new() };
                self.0.entry(market.material.clone()).or_insert_with(new).changes.push(change);
                Ok(None)
            }
            Some(ExposureEvent::ReleaseApplied(ReleaseApplied { material, cause, .. })) => {
                let changes =
                    self.0.remove(&material).map(|incomplete| incomplete.changes).unwrap_or_default();
                Ok(Some(complete(event, cause, Changed::Figures { material, changes })))
            }
            Some(ExposureEvent::ClaimVerdictChanged(changed)) => {
                Ok(Some(complete(event, changed.cause.clone(), Changed::Claim(Box::new(changed)))))
            }
            None => Ok(None),
        }
    }

    /// Position from which to read so that all incomplete changes are read again. `folded` is the position of
    /// the last complete ones that were taken.
    pub(crate) fn resume_after(&self, folded: Position) -> Position {
        let first = self.0.values().map(|incomplete| incomplete.first).min();
        first.map_or(folded, |first| folded.min(first.saturating_sub(1)))
    }
}

/// The changes that an event completes.
fn complete(event: &Event, cause: Option<Cause>, changed: Changed) -> ReleaseChanges {
    let (position, traceparent) = (event.position, event.traceparent.clone());
    ReleaseChanges { position, event: event.id, cause, traceparent, changed }
}

/// Reads the exposures log. It holds the next complete changes and those that are incomplete.
#[derive(Debug)]
pub(crate) struct ReleaseReader {
    follower: Follower,
    collector: ChangesCollector,
    next: Option<Arc<ReleaseChanges>>,
    is_caught_up: bool,
    /// The log cannot be read on, since it was caught up last.
    is_interrupted: bool,
    /// Told what is in the way of the log.
    followed: FollowedLog,
    /// Changes up to here have been taken before.
    known: Position,
}

impl ReleaseReader {
    /// Reads from the first event.
    #[must_use]
    pub(crate) fn from_beginning(log: Arc<dyn EventLog>, followed: FollowedLog) -> Self {
        Self::new(log, followed, 0, 0)
    }

    /// Reads after a position, and skips changes that were complete at another, later one.
    #[must_use]
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        followed: FollowedLog,
        after: Position,
        known: Position,
    ) -> Self {
        let (follower, collector) = (Follower::new(log, Filter::All, after), ChangesCollector::default());
        let (is_caught_up, is_interrupted) = (false, false);
        Self { follower, collector, next: None, is_caught_up, is_interrupted, followed, known }
    }

    /// Position from which to read so that all incomplete changes are read again. `folded` is the position of
    /// the last complete ones that were taken.
    pub(crate) fn resume_after(&self, folded: Position) -> Position {
        self.collector.resume_after(folded)
    }

    /// Position of the next complete changes, if they have been read.
    #[must_use]
    pub(crate) fn next_position(&self) -> Option<Position> {
        self.next.as_ref().map(|changes| changes.position)
    }

    /// Takes the next complete changes, if they have been read.
    pub(crate) fn take(&mut self) -> Option<Arc<ReleaseChanges>> {
        self.next.take()
    }

    /// The next complete changes, if they have been read.
    #[must_use]
    pub(crate) fn peek(&self) -> Option<&Arc<ReleaseChanges>> {
        self.next.as_ref()
    }

    /// Whether all that was on the log when it was opened has been read.
    #[must_use]
    pub(crate) fn is_caught_up(&self) -> bool {
        self.is_caught_up
    }

    /// Position up to which the log was read, if nothing is in the way of reading on.
    #[must_use]
    pub(crate) fn live_position(&self) -> Option<Position> {
        (!self.is_interrupted).then(|| self.follower.position())
    }

    /// Reads until changes are complete, or to the end of the log. Waits while the log cannot be read on;
    /// what has been evaluated stays true. A call may be dropped before it returns: nothing is lost.
    ///
    /// # Errors
    /// [`Error::Replaced`] and [`Error::Gone`]: what was read is not what is on the log.
    pub(crate) async fn fill(&mut self) -> Result<(), Error> {
        while self.next.is_none() {
            match self.follower.next().await? {
                Progress::Event(event) => match self.collector.fold(&event) {
                    Ok(changes) => {
                        self.followed.set_position(event.position);
                        let changes = changes.filter(|changes| changes.position > self.known);
                        self.next = changes.map(Arc::new);
                    }
                    Err(error) => {
                        let interruption = self.follower.put_back(&event, error);
                        self.interrupt(&interruption);
                    }
                },
                Progress::CaughtUp(_) => {
                    (self.is_caught_up, self.is_interrupted) = (true, false);
                    return Ok(());
                }
                Progress::Interrupted(interruption) => self.interrupt(&interruption),
            }
        }
        Ok(())
    }

    fn interrupt(&mut self, interruption: &Interruption) {
        self.is_interrupted = true;
        self.followed.set_position(self.follower.position());
        self.followed.set_interrupted(interruption);
    }
}
