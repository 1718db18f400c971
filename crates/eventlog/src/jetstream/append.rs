//! Appending: the same bytes again until it is known what became of them.
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::publish::{self, Message, Outcome};
use super::{JetStreamLog, Trouble, envelope, lookup};
use crate::{Error, NewEvent, Position, StreamName, limits};

/// How long an attempt goes on after the connection is new: what the client still held is sent on it.
const GRACE: Duration = Duration::from_millis(250);

/// What the stream says about an append that was not plainly stored.
enum Settled {
    /// It is there.
    Known(Vec<Position>),
    /// Something else follows the expectation.
    Conflict(Position),
    /// Nothing follows the expectation.
    Absent,
}

/// An append, ready to be sent again and again.
struct Ready<'a> {
    stream: &'a StreamName,
    subject: String,
    expected: Position,
    events: &'a [NewEvent],
    messages: Vec<Message>,
}

impl JetStreamLog {
    pub(super) async fn append_checked(
        &self,
        stream: &StreamName,
        expected: Position,
        events: &[NewEvent],
    ) -> Result<Vec<Position>, Error> {
        let deadline = self.deadline();
        let _in_flight = self.admit(limits::data_size(events), deadline).await?;
        let message = |event: &NewEvent| Message {
            headers: envelope::headers(&self.log, stream, event),
            data: event.data.clone(),
        };
        let messages = events.iter().map(message).collect();
        let append = Ready { stream, subject: envelope::subject(stream), expected, events, messages };
        super::patiently(&self.log, deadline, |wait| self.attempt(&append, wait)).await
    }

    async fn attempt(&self, append: &Ready<'_>, wait: Duration) -> Result<Vec<Position>, Trouble> {
        match self.publish(append, wait).await {
            Outcome::Stored(last) => Ok(ending_at(last, append.events.len())),
            Outcome::Full(reason) => Err(Trouble::Final(Error::Full { log: self.log.to_string(), reason })),
            Outcome::Failed { reason, unknown: true } => Err(Trouble::Unknown(reason)),
            Outcome::Failed { reason, unknown: false } => Err(Trouble::Passing(reason)),
            Outcome::KnownId => match super::bounded(wait, self.settle(append)).await? {
                Settled::Absent => Err(Trouble::Final(append.reused_id())),
                Settled::Known(positions) => Ok(positions),
                Settled::Conflict(actual) => Err(Trouble::Final(append.conflict(actual))),
            },
            Outcome::OtherLast => match super::bounded(wait, self.settle(append)).await? {
                // Refused for a write that was given up since: the next attempt decides.
                Settled::Absent => Err(Trouble::Passing("another append was in the way".to_owned())),
                Settled::Known(positions) => Ok(positions),
                Settled::Conflict(actual) => Err(Trouble::Final(append.conflict(actual))),
            },
        }
    }

    /// Publishes once. Given up soon after the connection was lost: an acknowledgement on the old one does not come any more.
    async fn publish(&self, append: &Ready<'_>, wait: Duration) -> Outcome {
        let mut connections = self.nats.connections.clone();
        connections.mark_unchanged();
        let lost = async {
            // An error means that the client is gone, and the publishing will say so.
            let _closed = connections.changed().await;
            tokio::time::sleep(GRACE).await;
        };
        let client = &self.nats.client;
        tokio::select! {
            biased;
            outcome = publish::publish(client, &append.subject, append.expected, &append.messages, wait) => outcome,
            () = lost => Outcome::Failed { reason: "the connection was lost on the way".to_owned(), unknown: true },
        }
    }

    /// Waits until the append may be in flight with the others.
    async fn admit(&self, bytes: usize, deadline: Instant) -> Result<[SemaphorePermit<'_>; 2], Error> {
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
        let permits = async {
            Ok::<_, tokio::sync::AcquireError>([
                self.in_flight.acquire().await?,
                self.room.acquire_many(kib).await?,
            ])
        };
        let waited = tokio::time::timeout_at(deadline, permits).await;
        waited.ok().and_then(Result::ok).ok_or_else(|| Error::Unavailable {
            log: self.log.to_string(),
            reason: "earlier appends are still waiting for their acknowledgement".to_owned(),
            outcome_unknown: false,
        })
    }

    /// Reads what became of an append.
    async fn settle(&self, append: &Ready<'_>) -> Result<Settled, Trouble> {
        let known = lookup::known(&self.stream, &append.subject, append.expected, append.events);
        if let Some(positions) = known.await? {
            return Ok(Settled::Known(positions));
        }
        let actual = lookup::last(&self.stream, &append.subject).await?;
        Ok(if actual == append.expected { Settled::Absent } else { Settled::Conflict(actual) })
    }
}

impl Ready<'_> {
    fn conflict(&self, actual: Position) -> Error {
        Error::Conflict { stream: self.stream.to_string(), expected: self.expected, actual }
    }

    fn reused_id(&self) -> Error {
        let reason = "one of its event ids is on the log already, elsewhere".to_owned();
        Error::Invalid { stream: self.stream.to_string(), reason }
    }
}

/// Positions of `count` events next to each other, the last of which is known.
fn ending_at(last: Position, count: usize) -> Vec<Position> {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    (last.saturating_sub(count) + 1..=last).collect()
}
