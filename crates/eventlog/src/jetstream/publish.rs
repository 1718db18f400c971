//! One attempt to publish an append: a message for one event, an atomic batch for several.
use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::{Client, HeaderMap, Request, header, jetstream};
use bytes::Bytes;
use uuid::Uuid;

use crate::Position;

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

/// A message to publish.
pub(super) struct Message {
    pub(super) headers: HeaderMap,
    pub(super) data: Bytes,
}

/// Publishes messages to a subject, all or none, if the subject's last message is at `expected`.
pub(super) async fn publish(
    client: &Client,
    subject: &str,
    expected: Position,
    messages: &[Message],
    wait: Duration,
) -> Outcome {
    let sent = tokio::time::timeout(wait, send(client, subject, expected, messages, wait)).await;
    sent.unwrap_or_else(|_| Outcome::Failed {
        reason: "no acknowledgement in time".to_owned(),
        unknown: true,
    })
}

async fn send(
    client: &Client,
    subject: &str,
    expected: Position,
    messages: &[Message],
    wait: Duration,
) -> Outcome {
    let Some((last, before)) = messages.split_last() else {
        return Outcome::Failed { reason: "there is nothing to publish".to_owned(), unknown: false };
    };
    // A batch cannot be begun twice under the same name, so each attempt has a name of its own.
    let batch = (!before.is_empty()).then(|| Uuid::now_v7().to_string());
    let mut headers: Vec<HeaderMap> = messages.iter().map(|message| message.headers.clone()).collect();
    if let Some(first) = headers.first_mut() {
        first.insert(header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, expected.to_string());
    }
    if let Some(batch) = &batch {
        mark_as_batch(&mut headers, batch);
    }
    let Some(last_headers) = headers.pop() else {
        return Outcome::Failed { reason: "there is nothing to publish".to_owned(), unknown: false };
    };
    for (message, headers) in before.iter().zip(headers) {
        // The server stores nothing before the last message of a batch, and answers only that one.
        if let Err(error) =
            client.publish_with_headers(subject.to_owned(), headers, message.data.clone()).await
        {
            return Outcome::Failed { reason: error.to_string(), unknown: false };
        }
    }
    let request = Request::new().headers(last_headers).payload(last.data.clone()).timeout(Some(wait));
    match client.send_request(subject.to_owned(), request).await {
        Ok(answer) => acknowledged(&answer.payload),
        Err(error) => Outcome::Failed {
            reason: error.to_string(),
            unknown: error.kind() != RequestErrorKind::NoResponders,
        },
    }
}

/// Marks messages as an atomic batch: name and number on each, the commit on the last.
fn mark_as_batch(headers: &mut [HeaderMap], batch: &str) {
    for (headers, number) in headers.iter_mut().zip(1_u32..) {
        headers.insert(header::NATS_BATCH_ID, batch);
        headers.insert(header::NATS_BATCH_SEQUENCE, number.to_string());
    }
    if let Some(last) = headers.last_mut() {
        last.insert(header::NATS_BATCH_COMMIT, header::NATS_BATCH_COMMIT_FINAL);
    }
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
