//! NATS subjects. A message is a CloudEvent in binary mode: attributes are `ce-` headers, the data is JSON in
//! the payload.
mod channel;

use std::path::Path;

use async_nats::{Client, ConnectOptions, HeaderMap, ServerAddr, header, jetstream};
use bytes::Bytes;
use orewatch_contracts::alerting::v1::{NatsReceiver, Notification};
use orewatch_contracts::log::attribute::encode;

use crate::guard::{Guard, ResolveError};
use crate::message::RenderedMessage;
use crate::outcome::{Outcome, Refusal};
use crate::payload::{Payload, cloud_event};
use crate::secret::Secrets;

/// Port of NATS if the address names none.
const DEFAULT_PORT: u16 = 4222;

/// Headers and payload of a message.
#[must_use]
pub fn build_event(message: &Notification, rendered: &RenderedMessage) -> (HeaderMap, String) {
    let payload = cloud_event(message, rendered);
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
        // Not part of the NATS binding, but some libraries look here for the type of the data.
        ("content-type", payload.datacontenttype),
    ] {
        if !value.is_empty() {
            headers.insert(name, encode(value));
        }
    }
    headers
}

/// Publishes a message. If a stream stores the subject, the message counts as accepted once the stream has
/// stored it, which also recognises duplicates by their identifier. Otherwise it counts as accepted once the
/// server has it.
///
/// # Errors
/// A [`Refusal`] if the server cannot be reached or does not accept it.
pub async fn send(
    guard: &Guard,
    secrets: &Secrets,
    ca: Option<&Path>,
    log: Option<&str>,
    receiver: &NatsReceiver,
    message: &Notification,
    rendered: &RenderedMessage,
) -> Result<Outcome, Refusal> {
    let client = connect(guard, secrets, ca, log, receiver).await?;
    let (headers, data) = build_event(message, rendered);
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
        return Ok("the server has received it; no stream stores the subject".to_owned());
    }
    let jetstream = jetstream::new(client.clone());
    let sent =
        jetstream.publish_with_headers(subject, headers, data).await.map_err(|error| broken(&error))?;
    let stored = sent.await.map_err(|error| broken(&error))?;
    let duplicate = if stored.duplicate { " already" } else { "" };
    Ok(format!("stream {} has{duplicate} stored it at {}", stored.stream, stored.sequence))
}

async fn connect(
    guard: &Guard,
    secrets: &Secrets,
    ca: Option<&Path>,
    log: Option<&str>,
    receiver: &NatsReceiver,
) -> Result<Client, Refusal> {
    let servers = resolve_servers(guard, log, receiver).await?;
    let mut options =
        ConnectOptions::new().name("orewatch-delivery").max_reconnects(3).ignore_discovered_servers();
    if let Some(ca) = ca {
        options = options.add_root_certificates(ca.to_owned());
    }
    if let Some(credentials) = &receiver.credentials {
        let secret = secrets.read(credentials).map_err(Refusal::configuration)?;
        options = options
            .credentials(secret.expose())
            .map_err(|_| Refusal::configuration("the credentials are not a NATS credentials file"))?;
    }
    // Not the error itself, which may repeat the address of the log with its password.
    options.connect(servers).await.map_err(|error| Refusal::connection(format!("NATS: {}", error.kind())))
}

/// The servers to connect to. The server of the log is the operator's own and is not checked. The addresses
/// of any other server are checked; without TLS, which ties the connection to the name, the connection is
/// made to a checked address.
pub(crate) async fn resolve_servers(
    guard: &Guard,
    log: Option<&str>,
    receiver: &NatsReceiver,
) -> Result<Vec<ServerAddr>, Refusal> {
    let cannot_parse = |_| Refusal::configuration("the server is not nats://HOST:PORT or tls://HOST:PORT");
    if receiver.server.is_empty() {
        let log = log.ok_or_else(|| Refusal::configuration("the log is not on NATS: name a server"))?;
        return log.split(',').map(|url| url.trim().parse().map_err(cannot_parse)).collect();
    }
    let server: ServerAddr = receiver.server.parse().map_err(cannot_parse)?;
    let secure = server.tls_required();
    let port = if server.port() == 0 { DEFAULT_PORT } else { server.port() };
    let found = guard.resolve(server.host(), port, secure).await.map_err(|error| match error {
        ResolveError::Unresolved(text) => Refusal::connection(text),
        ResolveError::Refused(text) => Refusal::configuration(text),
    })?;
    if secure {
        return Ok(vec![server]);
    }
    found.iter().map(|address| format!("nats://{address}").parse().map_err(cannot_parse)).collect()
}

/// Whether a subject can be published to: it has no wildcards, and belongs neither to the server nor to the
/// logs of Orewatch.
#[must_use]
pub fn is_publishable_subject(subject: &str) -> bool {
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
