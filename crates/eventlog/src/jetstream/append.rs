//! Appending: the same bytes are sent again until their fate is known.
//!
//! A lost acknowledgement leaves the outcome unknown. The same messages are then sent again, with the same
//! ids and the same expectation; whatever the server refuses after that is settled by reading the stream from
//! its leader ([`JetStreamLog::settle`]), which sees every acknowledged append.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::publish::{self, Message, Outcome};
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
struct Ready<'a> {
    stream: &'a StreamName,
    subject: String,
    expected: Position,
    /// Where the subject ends: `expected`, or a message of another program after it.
    end: AtomicU64,
    events: &'a [NewEvent],
    messages: Vec<Message>,
    /// The subjects that it publishes on.
    asked: Asked,
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
            headers: envelope::headers(self.name(), stream, event),
            data: event.data.clone(),
        };
        let messages = events.iter().map(message).collect();
        let (subject, end) = (envelope::subject(stream), AtomicU64::new(expected));
        let mut asked = self.source.nats.asked(self.name(), &["STREAM.MSG.GET"]);
        asked.publishes.push(subject.clone());
        let append = Ready { stream, subject, expected, end, events, messages, asked };
        let attempt = |wait| self.source.nats.ask(wait, &append.asked, self.attempt(&append, wait));
        super::patiently(self.name(), deadline, attempt).await
    }

    async fn attempt(&self, append: &Ready<'_>, wait: Duration) -> Result<Vec<Position>, Trouble> {
        match self.publish(append, wait).await {
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

    /// Publishes once. Gives up soon after the connection was lost, because an acknowledgement on the old one
    /// cannot come any more.
    async fn publish(&self, append: &Ready<'_>, wait: Duration) -> Outcome {
        let mut connections = self.source.nats.connections.clone();
        connections.mark_unchanged();
        let lost = async {
            // An error means that the client is gone, which `publish` reports.
            let _closed = connections.changed().await;
            tokio::time::sleep(GRACE).await;
        };
        let client = &self.source.nats.client;
        let Ready { subject, messages, .. } = append;
        let end = append.end.load(Ordering::Relaxed);
        tokio::select! {
            biased;
            outcome = publish::publish(client, subject, end, messages, wait) => outcome,
            () = lost => {
                Outcome::Failed { reason: "the connection was lost on the way".to_owned(), unknown: true }
            }
        }
    }

    /// Waits until the append fits beside those in flight.
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
            log: self.name().to_owned(),
            reason: "earlier appends are still waiting for their acknowledgement".to_owned(),
            outcome_unknown: false,
        })
    }

    /// Finds out from the stream whether an append was stored.
    async fn settle(&self, append: &Ready<'_>) -> Result<Settled, Trouble> {
        let (stream, log, subject) = (&self.source.stream, self.name(), &append.subject);
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
        Error::Conflict { stream: self.stream.to_string(), expected: self.expected, actual }
    }

    fn reused_id(&self) -> Error {
        let reason = "one of its event ids is on the log already, elsewhere".to_owned();
        Error::Invalid { stream: self.stream.to_string(), reason }
    }
}

/// Positions of `count` adjacent events, given the last one.
fn ending_at(last: Position, count: usize) -> Vec<Position> {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    (last.saturating_sub(count) + 1..=last).collect()
}
