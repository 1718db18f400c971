//! The YAML form of receivers.
use jiff::SignedDuration;
use orewatch_contracts::alerting::v1 as proto;
use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::secret_reference::Source;
use orewatch_runtime::Failure;
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;

use super::check::wrong;
use crate::document::Sheet;

/// A file of receivers: one receiver, or a list of them.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged, title = "Orewatch receivers")]
pub enum Document {
    /// Several receivers.
    List(ReceiverList),
    /// One receiver.
    One(Box<ReceiverEntry>),
}

/// Several receivers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiverList {
    /// The receivers.
    receivers: Vec<ReceiverEntry>,
}

/// Where messages go; exactly one of the kinds from `webhook` to `feed` is given.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiverEntry {
    /// Identifier: 1 to 64 lower-case letters, digits and hyphens.
    #[schemars(regex(pattern = "^([a-z0-9-]{1,64}:)?[a-z0-9-]{1,64}$"))]
    id: String,
    /// One line for people. Left out: the identifier.
    #[serde(default)]
    title: String,
    /// A signed POST by the Standard Webhooks specification.
    webhook: Option<Webhook>,
    /// E-mail.
    mail: Option<Mail>,
    /// The incoming webhook of a chat.
    chat: Option<Chat>,
    /// PagerDuty Events, version 2.
    pagerduty: Option<PagerDuty>,
    /// A Prometheus Alertmanager.
    alertmanager: Option<Alertmanager>,
    /// A NATS subject.
    nats: Option<Nats>,
    /// An Atom feed that the service serves.
    feed: Option<Feed>,
    /// Who answers for it.
    #[serde(default)]
    owner: String,
    /// Receiver that is told when this one is disabled or a message to it is given up.
    #[serde(default)]
    fallback: String,
    /// How long one attempt may take, 1s to 60s. Left out: 15s.
    timeout: Option<String>,
    /// How often it is told that all is well, 60s or more. Left out: never.
    heartbeat: Option<String>,
}

/// Where a secret is; exactly one of the two is given.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Secret {
    /// Variable of the service's environment; its name begins with `RECEIVER_`.
    environment: Option<String>,
    /// File below the service's directory of secrets.
    file: Option<String>,
}

/// A signed POST of JSON.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Webhook {
    /// Address.
    url: String,
    /// Keys, 1 to 3, the newest first.
    keys: Vec<Key>,
}

/// A key that signs messages.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Key {
    /// Variable of the service's environment; its name begins with `RECEIVER_`.
    environment: Option<String>,
    /// File below the service's directory of secrets.
    file: Option<String>,
    /// How it signs. Left out: hmac-sha256.
    signature: Option<Signing>,
}

/// How a key signs.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Signing {
    /// HMAC with SHA-256; the secret reads `whsec_...`.
    HmacSha256,
    /// Ed25519; the secret reads `whsk_...`.
    Ed25519,
}

/// E-mail.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Mail {
    /// Host and port.
    server: String,
    /// How the connection is protected. Left out: starttls.
    security: Option<Security>,
    /// Sender.
    from: String,
    /// Recipients, 1 to 50.
    to: Vec<String>,
    /// User name, for a login.
    #[serde(default)]
    user: String,
    /// Password, for a login.
    password: Option<Secret>,
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Security {
    /// STARTTLS, and no message without it.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None at all; only to private addresses that are allowed.
    None,
}

/// The incoming webhook of a chat.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Chat {
    /// Where the address is, which is a secret in itself.
    url: Secret,
    /// Form of the message. Left out: slack.
    format: Option<Format>,
}

/// Which form of message a chat takes.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Format {
    /// Blocks of Slack.
    Slack,
    /// An Adaptive Card of Microsoft Teams.
    Teams,
}

/// PagerDuty.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PagerDuty {
    /// Where the integration key is.
    routing_key: Secret,
    /// Another address than the publisher's.
    #[serde(default)]
    url: String,
}

/// A Prometheus Alertmanager.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Alertmanager {
    /// Address without path.
    url: String,
    /// Bearer token.
    token: Option<Secret>,
}

/// A NATS subject.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nats {
    /// Address of the server. Left out: that of the service's log.
    #[serde(default)]
    server: String,
    /// Subject, without wildcards.
    subject: String,
    /// Credentials file.
    credentials: Option<Secret>,
}

/// An Atom feed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Feed {
    /// Most entries, 1 to 500. Left out: 100.
    #[serde(default)]
    entries: u32,
}

/// JSON Schema of a file of receivers.
#[must_use]
pub fn document_schema() -> Schema {
    schema_for!(Document)
}

/// Reads a file of receivers; `name` is what errors call it. Whether the service takes them, it says itself.
///
/// # Errors
/// The first thing that is wrong, with file, line, column, field, value and what to do.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Sheet<proto::Receiver>, Failure> {
    let sheet = Sheet::read(
        name,
        bytes,
        "receivers",
        |list: ReceiverList| list.receivers,
        ReceiverEntry::into_receiver,
    )?;
    for (k, receiver) in sheet.entries().iter().enumerate() {
        if sheet.entries().iter().take(k).any(|other| other.id == receiver.id) {
            let twice = wrong(
                "id",
                &receiver.id,
                format!("receiver {} is listed twice", receiver.id),
                "keep one of them",
            );
            return Err(sheet.place(k, twice));
        }
    }
    Ok(sheet)
}

impl ReceiverEntry {
    fn into_receiver(self) -> Result<proto::Receiver, Failure> {
        let kinds = [
            self.webhook.map(Webhook::into_kind),
            self.mail.map(Mail::into_kind),
            self.chat.map(|chat| {
                let format = match chat.format {
                    None | Some(Format::Slack) => proto::ChatFormat::Slack,
                    Some(Format::Teams) => proto::ChatFormat::Teams,
                };
                let url = Some(chat.url.into_reference("chat.url")?);
                Ok(Kind::Chat(proto::ChatReceiver { url, format: format.into() }))
            }),
            self.pagerduty.map(|one| {
                let routing_key = Some(one.routing_key.into_reference("pagerduty.routing_key")?);
                Ok(Kind::Pagerduty(proto::PagerDutyReceiver { routing_key, url: one.url }))
            }),
            self.alertmanager.map(|one| {
                let token = one.token.map(|token| token.into_reference("alertmanager.token")).transpose()?;
                Ok(Kind::Alertmanager(proto::AlertmanagerReceiver { url: one.url, token }))
            }),
            self.nats.map(|one| {
                let credentials =
                    one.credentials.map(|file| file.into_reference("nats.credentials")).transpose()?;
                Ok(Kind::Nats(proto::NatsReceiver { server: one.server, subject: one.subject, credentials }))
            }),
            self.feed.map(|feed| Ok(Kind::Feed(proto::FeedReceiver { entries: feed.entries }))),
        ];
        let mut kinds = kinds.into_iter().flatten();
        let (Some(kind), None) = (kinds.next(), kinds.next()) else {
            let hint = "give exactly one of webhook, mail, chat, pagerduty, alertmanager, nats and feed";
            return Err(wrong("id", &self.id, "the receiver is not of exactly one kind", hint));
        };
        Ok(proto::Receiver {
            id: self.id,
            title: self.title,
            kind: Some(kind?),
            owner: self.owner,
            fallback: self.fallback,
            timeout: duration("timeout", self.timeout.as_deref())?,
            heartbeat: duration("heartbeat", self.heartbeat.as_deref())?,
        })
    }
}

impl Webhook {
    fn into_kind(self) -> Result<Kind, Failure> {
        let key = |(k, key): (usize, Key)| {
            let secret = Secret { environment: key.environment, file: key.file };
            let signature = match key.signature {
                None | Some(Signing::HmacSha256) => proto::Signature::HmacSha256,
                Some(Signing::Ed25519) => proto::Signature::Ed25519,
            };
            let secret = Some(secret.into_reference(&format!("webhook.keys[{k}]"))?);
            Ok(proto::SigningKey { secret, signature: signature.into() })
        };
        let keys = self.keys.into_iter().enumerate().map(key).collect::<Result<_, Failure>>()?;
        Ok(Kind::Webhook(proto::WebhookReceiver { url: self.url, keys }))
    }
}

impl Mail {
    fn into_kind(self) -> Result<Kind, Failure> {
        let security = match self.security {
            None | Some(Security::Starttls) => proto::MailSecurity::Unspecified,
            Some(Security::Tls) => proto::MailSecurity::Tls,
            Some(Security::None) => proto::MailSecurity::None,
        };
        let password = self.password.map(|password| password.into_reference("mail.password")).transpose()?;
        Ok(Kind::Mail(proto::MailReceiver {
            server: self.server,
            security: security.into(),
            from: self.from,
            to: self.to,
            user: self.user,
            password,
        }))
    }
}

impl Secret {
    fn into_reference(self, field: &str) -> Result<proto::SecretReference, Failure> {
        let source = match (self.environment, self.file) {
            (Some(name), None) => Source::Environment(name),
            (None, Some(path)) => Source::File(path),
            _ => {
                let hint = "write `{environment: RECEIVER_NAME}` or `{file: PATH}`";
                return Err(wrong(field, "", "the secret is not at exactly one place", hint));
            }
        };
        Ok(proto::SecretReference { source: Some(source) })
    }
}

fn duration(field: &str, text: Option<&str>) -> Result<Option<prost_types::Duration>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let parsed: SignedDuration = text.parse().map_err(|_| {
        wrong(
            field,
            text,
            format!("{text:?} is no duration"),
            "write a number with its unit, such as 15s or 5m",
        )
    })?;
    Ok(Some(prost_types::Duration { seconds: parsed.as_secs(), nanos: parsed.subsec_nanos() }))
}
