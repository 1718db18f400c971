//! Webhooks by the Standard Webhooks specification.
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{FailureKind, Notification, WebhookReceiver};

use super::http::Http;
use super::message::Telling;
use super::outcome::{Outcome, Refusal, judge};
use super::payload::payload;
use super::secret::Secrets;
use super::signature::{Key, sign};

/// The body: the same bytes at every attempt. It is told as plain JSON, which every framework reads by itself, though it has the
/// attributes of a CloudEvent.
#[must_use]
pub fn body(message: &Notification, telling: &Telling) -> String {
    serde_json::to_string(&payload(message, telling)).unwrap_or_default()
}

/// Posts a message.
pub async fn send(
    http: &Http,
    secrets: &Secrets,
    receiver: &WebhookReceiver,
    message: &Notification,
    telling: &Telling,
    now: Timestamp,
) -> Result<Outcome, Refusal> {
    let keys = keys(secrets, receiver).map_err(Refusal::configuration)?;
    let body = body(message, telling);
    let headers = headers(&keys, &message.id, now, &body)?;
    let answer = http.post(&receiver.url, headers, Bytes::from(body)).await?;
    Ok(judge(answer.status, answer.retry_after.as_deref(), &answer.body, now))
}

fn headers(
    keys: &[Key],
    id: &str,
    now: Timestamp,
    body: &str,
) -> Result<Vec<(HeaderName, HeaderValue)>, Refusal> {
    let timestamp = now.as_second();
    let signatures = sign(keys, id, timestamp, body.as_bytes());
    let value = |text: &str| {
        HeaderValue::from_str(text)
            .map_err(|_| Refusal::new(FailureKind::Configuration, "the identifier cannot stand in a header"))
    };
    Ok(vec![
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("webhook-id"), value(id)?),
        (HeaderName::from_static("webhook-timestamp"), HeaderValue::from(timestamp)),
        (HeaderName::from_static("webhook-signature"), value(&signatures)?),
    ])
}

/// The keys of a receiver, as they are now.
///
/// # Errors
/// What is wrong with one, without the key.
pub fn keys(secrets: &Secrets, receiver: &WebhookReceiver) -> Result<Vec<Key>, String> {
    let key = |key: &orewatch_contracts::alerting::v1::SigningKey| {
        let reference = key.secret.clone().unwrap_or_default();
        let secret = secrets.read(&reference)?;
        Key::read(&secret, key.signature())
            .map_err(|error| format!("{}: {error}", super::secret::place(&reference)))
    };
    receiver.keys.iter().map(key).collect()
}
