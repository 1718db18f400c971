//! Appending: the same bytes are sent again until their fate is known.
//!
//! A lost acknowledgement leaves the outcome unknown. The same messages are then sent again, with the same
//! ids and the same expectation; whatever the server refuses after that is settled by reading the stream from
//! its leader ([`JetStreamLog::settle`]), which sees every acknowledged append.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::publish::{self, Batch, Destination, Outcome};
use super::refusals::Asked;
use super::{JetStreamLog, Trouble, envelope, lookup};
use crate::{Error, EventLog as _, NewEvent, Position, StreamName, limits};

/// Time that an attempt goes on after a new connection was made: the client sends on it what it still holds.
const GRACE: Duration = Duration::from_millis(250);

/// What the stream says about an append that the server refused.
enum Settled {
    /// The events are on the stream, at these positions.
    Known(Vec<Position>),
    /// Something else follows the expectation.
    Conflict(Position),
    /// Nothing follows the expectation, unless it is a message of another program: the last message on the
    /// subject.
    Absent(Position),
}

/// An append in the form in which it is sent, as often as needed.
pub(super) struct Ready<'a> {
    to: &'a Destination<'a>,
    expected: Position,
    /// Where the subject ends: `expected`, or a message of another program after it.
    end: AtomicU64,
    events: &'a [NewEvent],
    /// The subjects that it publishes on.
    asked: Asked,
}

/// The part of what may be in flight that an append takes, until this is dropped.
pub(super) type Permits<'a> = [SemaphorePermit<'a>; 2];

impl JetStreamLog {
    pub(super) async fn append_checked(
        &self,
        stream: &StreamName,
        expected: Position,
        events: &[NewEvent],
    ) -> Result<Vec<Position>, Error> {
        let (to, deadline) = (self.destination(stream), self.deadline());
        let permits = self.admit(limits::data_size(events), deadline).await?;
        self.store(&self.ready(&to, expected, events), None, permits, deadline).await
    }

    /// Where the events of a stream are published.
    pub(super) fn destination<'a>(&'a self, stream: &'a StreamName) -> Destination<'a> {
        let (client, subject) = (&self.source.nats.client, envelope::subject(stream).into());
        Destination { client, log: self.name(), stream, subject }
    }

    pub(super) fn ready<'a>(
        &self,
        to: &'a Destination<'a>,
        expected: Position,
        events: &'a [NewEvent],
    ) -> Ready<'a> {
        let mut asked = self.source.nats.asked(self.name(), &["STREAM.MSG.GET"]);
        asked.publishes.push(to.subject.as_str().to_owned());
        Ready { to, expected, end: AtomicU64::new(expected), events, asked }
    }

    /// Stores an append, of which the server may hold a beginning already.
    pub(super) async fn store(
        &self,
        append: &Ready<'_>,
        mut begun: Option<Batch>,
        _permits: Permits<'_>,
        deadline: Instant,
    ) -> Result<Vec<Position>, Error> {
        let attempt = |wait| {
            let end = append.end.load(Ordering::Relaxed);
            let batch = begun.take().unwrap_or_else(|| Batch::new(end));
            self.source.nats.ask(wait, &append.asked, self.attempt(append, batch, wait))
        };
        let stored = super::patiently(self.name(), deadline, attempt).await?;
        self.newest.fetch_max(stored.last().copied().unwrap_or(0), Ordering::Relaxed);
        Ok(stored)
    }

    async fn attempt(
        &self,
        append: &Ready<'_>,
        batch: Batch,
        wait: Duration,
    ) -> Result<Vec<Position>, Trouble> {
        match self.publish(append, batch, wait).await {
            Outcome::Stored(last) => Ok(ending_at(last, append.events.len())),
            Outcome::Full(reason) => Err(Trouble::Final(Error::Full { log: self.name().to_owned(), reason })),
            Outcome::Failed { reason, unknown: true } => Err(Trouble::Unknown(reason)),
            Outcome::Failed { reason, unknown: false } => Err(Trouble::Passing(reason)),
            Outcome::KnownId => match super::bounded(wait, self.settle(append)).await? {
                Settled::Absent(_) => Err(Trouble::Final(append.reused_id())),
                Settled::Known(positions) => Ok(positions),
                Settled::Conflict(actual) => Err(Trouble::Final(append.conflict(actual))),
            },
            Outcome::OtherLast => match super::bounded(wait, self.settle(append)).await? {
                // The write that was in the way has been given up since, or is no event: the next attempt
                // decides.
                Settled::Absent(end) => {
                    append.end.store(end, Ordering::Relaxed);
                    Err(Trouble::Passing("another message was in the way".to_owned()))
                }
                Settled::Known(positions) => Ok(positions),
                Settled::Conflict(actual) => Err(Trouble::Final(append.conflict(actual))),
            },
        }
    }

    async fn publish(&self, append: &Ready<'_>, batch: Batch, wait: Duration) -> Outcome {
        self.unless_lost(publish::publish(append.to, batch, append.events, wait)).await
    }

    /// Publishes once. Gives up soon after the connection was lost, because an acknowledgement on the old one
    /// cannot come any more.
    pub(super) async fn unless_lost(&self, published: impl Future<Output = Outcome>) -> Outcome {
        let mut connections = self.source.nats.connections.clone();
        connections.mark_unchanged();
        let lost = async {
            // An error means that the client is gone, which `publish` reports.
            let _closed = connections.changed().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            outcome = published => outcome,
            () = lost => {
                Outcome::Failed { reason: "the connection was lost on the way".to_owned(), unknown: true }
            }
        }
    }

    /// Waits until an append fits beside those in flight.
    pub(super) async fn admit(&self, bytes: usize, deadline: Instant) -> Result<Permits<'_>, Error> {
        let permits = async {
            Ok::<_, tokio::sync::AcquireError>([
                self.in_flight.acquire().await?,
                self.room.acquire_many(kib(bytes)).await?,
            ])
        };
        let waited = tokio::time::timeout_at(deadline, permits).await;
        waited.ok().and_then(Result::ok).ok_or_else(|| Error::Unavailable {
            log: self.name().to_owned(),
            reason: "earlier appends are still waiting for their acknowledgement".to_owned(),
            outcome_unknown: false,
        })
    }

    /// The permits of an append if it fits now.
    pub(super) fn try_admit(&self, bytes: usize) -> Option<Permits<'_>> {
        Some([self.in_flight.try_acquire().ok()?, self.room.try_acquire_many(kib(bytes)).ok()?])
    }

    /// Finds out from the stream whether an append was stored.
    async fn settle(&self, append: &Ready<'_>) -> Result<Settled, Trouble> {
        let (stream, log, subject) = (&self.source.stream, self.name(), &*append.to.subject);
        let known = lookup::known(stream, log, subject, append.expected, append.events);
        if let Some(positions) = known.await? {
            return Ok(Settled::Known(positions));
        }
        // Asked before the last event: a message that comes between the two is in the way of the next
        // attempt.
        let end = lookup::last(stream, subject).await?;
        let actual = lookup::last_event(stream, log, subject).await?;
        Ok(if actual == append.expected { Settled::Absent(end) } else { Settled::Conflict(actual) })
    }
}

impl Ready<'_> {
    fn conflict(&self, actual: Position) -> Error {
        Error::Conflict { stream: self.to.stream.to_string(), expected: self.expected, actual }
    }

    fn reused_id(&self) -> Error {
        let reason = "one of its event ids is on the log already, elsewhere".to_owned();
        Error::Invalid { stream: self.to.stream.to_string(), reason }
    }
}

/// Permits for data of this size: one for each KiB that is begun.
fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX)
}

/// Positions of `count` adjacent events, given the last one.
fn ending_at(last: Position, count: usize) -> Vec<Position> {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    (last.saturating_sub(count) + 1..=last).collect()
}
