//! A NATS subject: CloudEvents in binary mode, every attribute a `ce-` header, the message as JSON in the payload.
use std::path::Path;

use async_nats::{Client, ConnectOptions, HeaderMap, ServerAddr, header, jetstream};
use bytes::Bytes;
use orewatch_contracts::alerting::v1::{NatsReceiver, Notification};
use orewatch_eventlog::attribute::encode;

use super::guard::{Guard, Trouble};
use super::message::Telling;
use super::outcome::{Outcome, Refusal};
use super::payload::{Payload, payload};
use super::secret::Secrets;

/// Port of NATS, if the address names none.
const PORT: u16 = 4222;

/// Headers and payload of a message.
#[must_use]
pub fn event(message: &Notification, telling: &Telling) -> (HeaderMap, String) {
    let payload = payload(message, telling);
    (headers(&payload), serde_json::to_string(&payload.data).unwrap_or_default())
}

fn headers(payload: &Payload) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::NATS_MESSAGE_ID, encode(&payload.id));
    for (name, value) in [
        ("ce-id", payload.id.as_str()),
        ("ce-specversion", payload.specversion),
        ("ce-source", payload.source),
        ("ce-type", payload.kind),
        ("ce-subject", &payload.subject),
        ("ce-time", &payload.time),
        ("ce-datacontenttype", payload.datacontenttype),
        // Not an attribute by the NATS binding, but where some libraries look for the type of the data.
        ("content-type", payload.datacontenttype),
    ] {
        if !value.is_empty() {
            headers.insert(name, encode(value));
        }
    }
    headers
}

/// Publishes a message. Where a stream keeps the subject, the message counts as taken when the stream has it, and is recognised
/// there by its identifier; otherwise when the server has it.
///
/// # Errors
/// A [`Refusal`] if the server cannot be reached or does not take it.
pub async fn send(
    guard: &Guard,
    secrets: &Secrets,
    ca: Option<&Path>,
    log: Option<&str>,
    receiver: &NatsReceiver,
    message: &Notification,
    telling: &Telling,
) -> Result<Outcome, Refusal> {
    let client = connect(guard, secrets, ca, log, receiver).await?;
    let (headers, data) = event(message, telling);
    publish(&client, receiver.subject.clone(), headers, data.into()).await.map(Outcome::Taken)
}

async fn publish(
    client: &Client,
    subject: String,
    headers: HeaderMap,
    data: Bytes,
) -> Result<String, Refusal> {
    let broken = |error: &dyn std::fmt::Display| Refusal::connection(format!("NATS: {error}"));
    let stream = jetstream::new(client.clone()).stream_by_subject(subject.as_str()).await.ok();
    if stream.is_none() {
        client.publish_with_headers(subject, headers, data).await.map_err(|error| broken(&error))?;
        client.flush().await.map_err(|error| broken(&error))?;
        return Ok("the server has it; no stream keeps the subject".to_owned());
    }
    let jetstream = jetstream::new(client.clone());
    let sent =
        jetstream.publish_with_headers(subject, headers, data).await.map_err(|error| broken(&error))?;
    let kept = sent.await.map_err(|error| broken(&error))?;
    let again = if kept.duplicate { ", which had it already" } else { "" };
    Ok(format!("stream {} has it at {}{again}", kept.stream, kept.sequence))
}

async fn connect(
    guard: &Guard,
    secrets: &Secrets,
    ca: Option<&Path>,
    log: Option<&str>,
    receiver: &NatsReceiver,
) -> Result<Client, Refusal> {
    let servers = servers(guard, log, receiver).await?;
    let mut options =
        ConnectOptions::new().name("orewatch-delivery").max_reconnects(3).ignore_discovered_servers();
    if let Some(ca) = ca {
        options = options.add_root_certificates(ca.to_owned());
    }
    if let Some(credentials) = &receiver.credentials {
        let secret = secrets.read(credentials).map_err(Refusal::configuration)?;
        options = options
            .credentials(secret.expose())
            .map_err(|_| Refusal::configuration("the credentials are no credentials of NATS"))?;
    }
    // Not the error itself: it may repeat the address of the log, with its password.
    options.connect(servers).await.map_err(|error| Refusal::connection(format!("NATS: {}", error.kind())))
}

/// The servers to connect to. That of the log is the operator's and needs no guard. Of another the addresses are checked, and
/// where TLS does not tie the connection to the name, it is made to a checked address.
pub(super) async fn servers(
    guard: &Guard,
    log: Option<&str>,
    receiver: &NatsReceiver,
) -> Result<Vec<ServerAddr>, Refusal> {
    let unread = |_| Refusal::configuration("the server is not nats://HOST:PORT or tls://HOST:PORT");
    if receiver.server.is_empty() {
        let log = log.ok_or_else(|| Refusal::configuration("the log is on no NATS server: name one"))?;
        return log.split(',').map(|url| url.trim().parse().map_err(unread)).collect();
    }
    let server: ServerAddr = receiver.server.parse().map_err(unread)?;
    let secure = server.tls_required();
    let port = if server.port() == 0 { PORT } else { server.port() };
    let found = guard.resolve(server.host(), port, secure).await.map_err(|trouble| match trouble {
        Trouble::Unknown(text) => Refusal::connection(text),
        Trouble::Refused(text) => Refusal::configuration(text),
    })?;
    if secure {
        return Ok(vec![server]);
    }
    found.iter().map(|address| format!("nats://{address}").parse().map_err(unread)).collect()
}

/// Whether a subject can be published to: no wildcards, and none of those that the server or the logs of this program own.
#[must_use]
pub fn is_subject(subject: &str) -> bool {
    let token = |token: &str| {
        !token.is_empty()
            && !token
                .chars()
                .any(|letter| letter.is_whitespace() || letter.is_control() || "*>".contains(letter))
    };
    let first = subject.split('.').next().unwrap_or_default();
    subject.len() <= 255
        && subject.split('.').all(token)
        && first != "orewatch"
        && !first.starts_with(['$', '_'])
}
