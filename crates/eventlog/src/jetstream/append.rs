//! Appending: the same bytes again until it is known what became of them.
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::publish::{self, Message, Outcome};
use super::{ATTEMPT, JetStreamLog, Trouble, envelope, lookup, options};
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

impl JetStreamLog {
    pub(super) async fn append_checked(
        &self,
        stream: &StreamName,
        expected: Position,
        events: &[NewEvent],
    ) -> Result<Vec<Position>, Error> {
        let deadline = self.deadline();
        let _in_flight = self.admit(limits::data_size(events), deadline).await?;
        let subject = envelope::subject(stream);
        let message = |event: &NewEvent| Message {
            headers: envelope::headers(&self.log, stream, event),
            data: event.data.clone(),
        };
        let messages: Vec<_> = events.iter().map(message).collect();
        let (mut reason, mut outcome_unknown) = (String::new(), false);
        for attempts in 0.. {
            let wait = ATTEMPT.min(deadline.saturating_duration_since(Instant::now()));
            match self.publish(&subject, expected, &messages, wait).await {
                Outcome::Stored(last) => return Ok(ending_at(last, events.len())),
                Outcome::Full(reason) => return Err(Error::Full { log: self.log.to_string(), reason }),
                Outcome::Failed { reason: why, unknown } => {
                    reason = why;
                    outcome_unknown |= unknown;
                }
                told @ (Outcome::KnownId | Outcome::OtherLast) => {
                    match self.settle(&subject, expected, events, deadline).await {
                        Ok(Settled::Known(positions)) => return Ok(positions),
                        Ok(Settled::Conflict(actual)) => {
                            return Err(Error::Conflict { stream: stream.to_string(), expected, actual });
                        }
                        Ok(Settled::Absent) if told == Outcome::KnownId => {
                            let reason = "one of its event ids is on the log already, elsewhere".to_owned();
                            return Err(Error::Invalid { stream: stream.to_string(), reason });
                        }
                        // Refused for a write that was then given up: the next attempt decides.
                        Ok(Settled::Absent) => {
                            "the stream was at another position, and is not any more".clone_into(&mut reason)
                        }
                        Err(Trouble::Final(error)) => return Err(error),
                        Err(Trouble::Passing(why) | Trouble::Setup(why)) => reason = why,
                    }
                }
            }
            let pause = options::pause(attempts);
            if Instant::now() + pause >= deadline {
                break;
            }
            tracing::debug!(log = %self.log, %stream, reason, "appending again");
            tokio::time::sleep(pause).await;
        }
        Err(Error::Unavailable { log: self.log.to_string(), reason, outcome_unknown })
    }

    /// One attempt, given up soon after the connection was lost: an acknowledgement on the old one does not come any more.
    async fn publish(
        &self,
        subject: &str,
        expected: Position,
        messages: &[Message],
        wait: Duration,
    ) -> Outcome {
        let mut connections = self.nats.connections.clone();
        connections.mark_unchanged();
        let lost = async {
            // An error means that the client is gone, and the publishing will say so.
            let _closed = connections.changed().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            outcome = publish::publish(&self.nats.client, subject, expected, messages, wait) => outcome,
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
    async fn settle(
        &self,
        subject: &str,
        expected: Position,
        events: &[NewEvent],
        deadline: Instant,
    ) -> Result<Settled, Trouble> {
        let read = async {
            if let Some(positions) = lookup::known(&self.stream, subject, expected, events).await? {
                return Ok(Settled::Known(positions));
            }
            let actual = lookup::last(&self.stream, subject).await?;
            Ok(if actual == expected { Settled::Absent } else { Settled::Conflict(actual) })
        };
        let late = |_| Trouble::Passing("the stream cannot be read in time".to_owned());
        tokio::time::timeout_at(deadline, read).await.map_err(late)?
    }
}

/// Positions of `count` events next to each other, the last of which is known.
fn ending_at(last: Position, count: usize) -> Vec<Position> {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    (last.saturating_sub(count) + 1..=last).collect()
}
