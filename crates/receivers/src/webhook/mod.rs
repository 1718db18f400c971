//! Webhooks by the Standard Webhooks specification: a signed POST request with JSON.
mod channel;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{FailureKind, Notification, SigningKey, WebhookReceiver};

use crate::http::HttpClient;
use crate::message::RenderedMessage;
use crate::outcome::{Outcome, Refusal, classify_response};
use crate::payload::cloud_event;
use crate::secret::Secrets;
use crate::signature::{Key, sign};

/// The body, the same bytes at every attempt. It has the attributes of a CloudEvent, but is sent as plain
/// JSON, which every framework parses without configuration.
#[must_use]
pub fn body(message: &Notification, rendered: &RenderedMessage) -> String {
    serde_json::to_string(&cloud_event(message, rendered)).unwrap_or_default()
}

/// Posts a message.
pub async fn send(
    http: &HttpClient,
    secrets: &Secrets,
    receiver: &WebhookReceiver,
    message: &Notification,
    rendered: &RenderedMessage,
    now: Timestamp,
) -> Result<Outcome, Refusal> {
    let keys = read_keys(secrets, receiver).map_err(Refusal::configuration)?;
    let body = body(message, rendered);
    let headers = headers(&keys, &message.id, now, &body)?;
    let answer = http.post(&receiver.url, headers, Bytes::from(body)).await?;
    Ok(classify_response(answer.status, answer.retry_after.as_deref(), &answer.body, now))
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
        HeaderValue::from_str(text).map_err(|_| {
            Refusal::new(FailureKind::Configuration, "the identifier cannot be sent in a header")
        })
    };
    Ok(vec![
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("webhook-id"), value(id)?),
        (HeaderName::from_static("webhook-timestamp"), HeaderValue::from(timestamp)),
        (HeaderName::from_static("webhook-signature"), value(&signatures)?),
    ])
}

/// Reads the current signing keys of a receiver.
///
/// # Errors
/// What is wrong with a key, without the key.
pub fn read_keys(secrets: &Secrets, receiver: &WebhookReceiver) -> Result<Vec<Key>, String> {
    let key = |key: &SigningKey| {
        let reference = key.secret.clone().unwrap_or_default();
        let secret = secrets.read(&reference)?;
        Key::from_secret(&secret, key.signature())
            .map_err(|error| format!("{}: {error}", crate::secret::describe_location(&reference)))
    };
    receiver.keys.iter().map(key).collect()
}
