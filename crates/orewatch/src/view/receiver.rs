//! Receivers.
use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::secret_reference::Source;
use orewatch_contracts::alerting::v1::{MailSecurity, Receiver, ReceiverInfo, SecretReference};

use super::delivery::time;
use crate::render::{Cell, Row};

/// A receiver as it stands.
#[derive(Debug)]
pub(crate) struct ReceiverRow<'a>(pub(crate) &'a ReceiverInfo);

/// Name of a receiver's kind, and where it leads, without anything secret.
pub(crate) fn leads(receiver: &Receiver) -> (&'static str, String) {
    match &receiver.kind {
        Some(Kind::Webhook(webhook)) => ("webhook", webhook.url.clone()),
        Some(Kind::Mail(mail)) => ("mail", format!("{} by {}", mail.to.join(", "), mail.server)),
        Some(Kind::Chat(chat)) => ("chat", place(chat.url.as_ref())),
        Some(Kind::Pagerduty(one)) if one.url.is_empty() => ("pagerduty", "PagerDuty".to_owned()),
        Some(Kind::Pagerduty(one)) => ("pagerduty", one.url.clone()),
        Some(Kind::Alertmanager(one)) => ("alertmanager", one.url.clone()),
        Some(Kind::Nats(one)) if one.server.is_empty() => ("nats", one.subject.clone()),
        Some(Kind::Nats(one)) => ("nats", format!("{} on {}", one.subject, one.server)),
        Some(Kind::Feed(_)) => ("feed", format!("/feeds/{}.atom", receiver.id)),
        None => ("unknown", String::new()),
    }
}

/// Where a secret is.
fn place(secret: Option<&SecretReference>) -> String {
    match secret.and_then(|secret| secret.source.as_ref()) {
        Some(Source::Environment(name)) => format!("environment {name}"),
        Some(Source::File(path)) => format!("file {path}"),
        None => String::new(),
    }
}

/// Places of all secrets of a receiver.
fn secrets(receiver: &Receiver) -> Vec<String> {
    let places = match &receiver.kind {
        Some(Kind::Webhook(webhook)) => webhook.keys.iter().map(|key| place(key.secret.as_ref())).collect(),
        Some(Kind::Mail(mail)) => vec![place(mail.password.as_ref())],
        Some(Kind::Chat(chat)) => vec![place(chat.url.as_ref())],
        Some(Kind::Pagerduty(one)) => vec![place(one.routing_key.as_ref())],
        Some(Kind::Alertmanager(one)) => vec![place(one.token.as_ref())],
        Some(Kind::Nats(one)) => vec![place(one.credentials.as_ref())],
        Some(Kind::Feed(_)) | None => Vec::new(),
    };
    places.into_iter().filter(|place| !place.is_empty()).collect()
}

/// State of a receiver as a word.
pub(crate) fn state(info: &ReceiverInfo) -> &'static str {
    match (&info.disabled_at, &info.failing_since) {
        (Some(_), _) => "disabled",
        (None, Some(_)) => "failing",
        (None, None) => "well",
    }
}

impl Row for ReceiverRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "receiver",
        "title",
        "kind",
        "to",
        "state",
        "waiting",
        "delivered",
        "given_up",
        "failing_since",
        "disabled_at",
        "disabled_reason",
        "revision",
        "put_at",
        "owner",
        "fallback",
        "timeout",
        "heartbeat",
        "security",
        "secrets",
    ];

    fn cells(&self) -> Vec<Cell> {
        let info = self.0;
        let empty = Receiver::default();
        let receiver = info.receiver.as_ref().unwrap_or(&empty);
        let (kind, to) = leads(receiver);
        let duration = |duration: &Option<prost_types::Duration>| {
            Cell::text(duration.map(|duration| format!("{}s", duration.seconds)).unwrap_or_default())
        };
        let security = match &receiver.kind {
            Some(Kind::Mail(mail)) => match mail.security() {
                MailSecurity::Unspecified => "starttls",
                MailSecurity::Tls => "tls",
                MailSecurity::None => "none",
            },
            _ => "",
        };
        vec![
            Cell::text(&receiver.id),
            Cell::text(&receiver.title),
            Cell::text(kind),
            Cell::text(to),
            Cell::text(state(info)),
            Cell::Count(Some(info.waiting.into())),
            Cell::Count(Some(info.delivered)),
            Cell::Count(Some(info.given_up)),
            time(info.failing_since.as_ref()),
            time(info.disabled_at.as_ref()),
            Cell::text(&info.disabled_reason),
            Cell::Count(Some(info.revision.into())),
            time(info.put_at.as_ref()),
            Cell::text(&receiver.owner),
            Cell::text(&receiver.fallback),
            duration(&receiver.timeout),
            duration(&receiver.heartbeat),
            Cell::text(security),
            Cell::List(secrets(receiver)),
        ]
    }
}
