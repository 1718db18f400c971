//! One attempt to publish an append: a message for one event, an atomic batch for several.
use std::time::Duration;

use async_nats::client::{PublishError, RequestErrorKind};
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::{Client, HeaderMap, Request, Subject, header, jetstream};
use bytes::Bytes;
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::envelope;
use crate::{NewEvent, Position, StreamName};

/// Outcome of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Stored. The position of the last event.
    Stored(Position),
    /// Refused: the server knows one of the ids.
    KnownId,
    /// Refused: the stream does not end at the expected position.
    OtherLast,
    /// Refused for want of room. Nothing was stored.
    Full(String),
    /// Failed: try again. `unknown` means that it may have been stored all the same.
    Failed { reason: String, unknown: bool },
}

/// Where events are published.
pub(super) struct Destination<'a> {
    pub(super) client: &'a Client,
    pub(super) log: &'a str,
    pub(super) stream: &'a StreamName,
    pub(super) subject: Subject,
}

/// An atomic batch on its way. The server stores nothing of it before its last event comes, and drops it
/// after ten seconds without one.
#[derive(Debug)]
pub(super) struct Batch {
    /// A batch cannot be begun twice under the same name, so each attempt has a name of its own.
    name: String,
    /// Position of the subject's last message. The first event says it, and the server compares it when the
    /// last one has come.
    expected: Position,
    /// Whether the next event is the first one on its subject.
    begins: bool,
    /// Events that were sent.
    sent: usize,
}

/// An append that is published with others, which are on other subjects.
pub(super) struct Part<'a> {
    pub(super) to: Destination<'a>,
    pub(super) expected: Position,
    pub(super) events: &'a [NewEvent],
}

impl Batch {
    pub(super) fn new(expected: Position) -> Self {
        Self { name: Uuid::now_v7().to_string(), expected, begins: true, sent: 0 }
    }

    /// Goes on with events on another subject.
    fn go_on(&mut self, expected: Position) {
        (self.expected, self.begins) = (expected, true);
    }

    pub(super) fn expected(&self) -> Position {
        self.expected
    }

    pub(super) fn sent(&self) -> usize {
        self.sent
    }

    /// Sends the next event, which is not the last one. The server answers only that.
    pub(super) async fn send(&mut self, to: &Destination<'_>, event: &NewEvent) -> Result<(), PublishError> {
        let headers = self.headers(to, event);
        self.send_message(to, headers, event).await
    }

    /// Sends an append that others follow.
    async fn send_part(&mut self, part: &Part<'_>) -> Result<(), PublishError> {
        let Some((last, rest)) = part.events.split_last() else { return Ok(()) };
        self.go_on(part.expected);
        for event in rest {
            self.send(&part.to, event).await?;
        }
        self.send_end(&part.to, last).await
    }

    /// Sends the last event of an append that others follow.
    async fn send_end(&mut self, to: &Destination<'_>, event: &NewEvent) -> Result<(), PublishError> {
        let mut headers = self.headers(to, event);
        headers.insert(envelope::APPEND_END, "1");
        self.send_message(to, headers, event).await
    }

    async fn send_message(
        &mut self,
        to: &Destination<'_>,
        mut headers: HeaderMap,
        event: &NewEvent,
    ) -> Result<(), PublishError> {
        self.mark(&mut headers, self.sent + 1);
        to.client.publish_with_headers(to.subject.clone(), headers, event.data.clone()).await?;
        self.sent += 1;
        self.begins = false;
        Ok(())
    }

    /// Sends the last event, and waits for the answer. If it is the only one, it is no batch.
    async fn finish(self, to: &Destination<'_>, event: &NewEvent, wait: Duration) -> Outcome {
        let mut headers = self.headers(to, event);
        if self.sent > 0 {
            self.mark(&mut headers, self.sent + 1);
            headers.insert(header::NATS_BATCH_COMMIT, header::NATS_BATCH_COMMIT_FINAL);
        }
        let request = Request::new().headers(headers).payload(event.data.clone()).timeout(Some(wait));
        match to.client.send_request(to.subject.clone(), request).await {
            Ok(answer) => acknowledged(&answer.payload),
            Err(error) => Outcome::Failed {
                reason: error.to_string(),
                unknown: error.kind() != RequestErrorKind::NoResponders,
            },
        }
    }

    /// Has the server drop what it holds of a batch that is not finished: a number that does not follow ends
    /// it. If that cannot be sent now, the server drops it by itself later.
    pub(super) fn cancel(self, to: &Destination<'_>) {
        if self.sent > 0 {
            let mut headers = HeaderMap::new();
            self.mark(&mut headers, self.sent + 10);
            let told = to.client.publish_with_headers(to.subject.clone(), headers, Bytes::new());
            drop(told.now_or_never());
        }
    }

    fn headers(&self, to: &Destination<'_>, event: &NewEvent) -> HeaderMap {
        let mut headers = envelope::headers(to.log, to.stream, event);
        if self.begins {
            headers.insert(header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, self.expected.to_string());
        }
        headers
    }

    fn mark(&self, headers: &mut HeaderMap, number: usize) {
        headers.insert(header::NATS_BATCH_ID, self.name.as_str());
        headers.insert(header::NATS_BATCH_SEQUENCE, number.to_string());
    }
}

/// Publishes events, all or none, if the subject's last message is where the batch expects it. Sends those
/// that the batch does not have yet.
pub(super) async fn publish(
    to: &Destination<'_>,
    batch: Batch,
    events: &[NewEvent],
    wait: Duration,
) -> Outcome {
    let sent = tokio::time::timeout(wait, send_rest(to, batch, events, wait)).await;
    sent.unwrap_or_else(|_| silence())
}

/// Publishes appends to several subjects, all or none, if the last message of each is where it is expected.
pub(super) async fn publish_together(parts: &[Part<'_>], wait: Duration) -> Outcome {
    let sent = tokio::time::timeout(wait, send_parts(parts, wait)).await;
    sent.unwrap_or_else(|_| silence())
}

async fn send_parts(parts: &[Part<'_>], wait: Duration) -> Outcome {
    let nothing = || Outcome::Failed { reason: "there is nothing to publish".to_owned(), unknown: false };
    let Some((end, before)) = parts.split_last() else { return nothing() };
    let Some((last, rest)) = end.events.split_last() else { return nothing() };
    let mut batch = Batch::new(end.expected);
    let sent = async {
        for part in before {
            batch.send_part(part).await?;
        }
        batch.go_on(end.expected);
        for event in rest {
            batch.send(&end.to, event).await?;
        }
        Ok::<_, PublishError>(())
    };
    if let Err(error) = sent.await {
        return Outcome::Failed { reason: error.to_string(), unknown: false };
    }
    batch.finish(&end.to, last, wait).await
}

fn silence() -> Outcome {
    Outcome::Failed { reason: "no acknowledgement in time".to_owned(), unknown: true }
}

async fn send_rest(to: &Destination<'_>, mut batch: Batch, events: &[NewEvent], wait: Duration) -> Outcome {
    let Some((last, rest)) = events.get(batch.sent..).and_then(<[NewEvent]>::split_last) else {
        return Outcome::Failed { reason: "there is nothing to publish".to_owned(), unknown: false };
    };
    for event in rest {
        if let Err(error) = batch.send(to, event).await {
            return Outcome::Failed { reason: error.to_string(), unknown: false };
        }
    }
    batch.finish(to, last, wait).await
}

/// Reads the answer of the server.
pub(super) fn acknowledged(answer: &[u8]) -> Outcome {
    match serde_json::from_slice::<Response<PublishAck>>(answer) {
        Ok(Response::Ok(ack)) if ack.duplicate => Outcome::KnownId,
        Ok(Response::Ok(ack)) => Outcome::Stored(ack.sequence),
        Ok(Response::Err { error }) => refused(&error),
        Err(error) => Outcome::Failed {
            reason: format!("the answer {:?} cannot be read: {error}", String::from_utf8_lossy(answer)),
            unknown: true,
        },
    }
}

/// Classifies an error of the server by its number, as listed in the server's `errors.json`.
fn refused(error: &jetstream::Error) -> Outcome {
    let text = error.to_string();
    match error.error_code().0 {
        // Wrong last sequence, with and without the actual one.
        10071 | 10164 => Outcome::OtherLast,
        // A known message id in an atomic batch.
        10201 => Outcome::KnownId,
        // Resources of the account, of the server, of its storage.
        10002 | 10023 | 10047 => Outcome::Full(text),
        // The store's own error: a limit of the stream, or a full disk.
        10077 if text.contains("maximum") || text.contains("no space") => Outcome::Full(text),
        // Everything else may pass: an election, too many batches at once, a batch that lost a message.
        _ => Outcome::Failed { reason: text, unknown: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_understood() {
        let refusal = |number: u32, text: &str| {
            format!(r#"{{"error":{{"code":400,"err_code":{number},"description":"{text}"}},"stream":"S"}}"#)
        };
        assert_eq!(acknowledged(br#"{"stream":"S","seq":3,"batch":"b","count":3}"#), Outcome::Stored(3));
        assert_eq!(acknowledged(br#"{"stream":"S","seq":3,"duplicate": true}"#), Outcome::KnownId);
        assert_eq!(acknowledged(refusal(10071, "wrong last sequence: 3").as_bytes()), Outcome::OtherLast);
        assert_eq!(acknowledged(refusal(10201, "duplicate message id").as_bytes()), Outcome::KnownId);
        assert!(matches!(
            acknowledged(refusal(10077, "maximum bytes exceeded").as_bytes()),
            Outcome::Full(_)
        ));
        for (answer, may_be_stored) in [(refusal(10176, "incomplete"), false), ("nonsense".to_owned(), true)]
        {
            let outcome = acknowledged(answer.as_bytes());
            assert!(
                matches!(outcome, Outcome::Failed { unknown, .. } if unknown == may_be_stored),
                "{outcome:?}"
            );
        }
    }
}
