//! Whether a receiver is sound, as far as it says itself; where it leads is looked at when it is put and at every attempt.

use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::{NatsReceiver, Receiver, SecretReference, SigningKey};
use orewatch_contracts::text::first_hidden;
use orewatch_contracts::time::length;
use orewatch_runtime::{Class, Failure};

use super::guard::Guard;
use super::secret::Secrets;
use super::{alertmanager, mail, nats};
use crate::tenant::{IDENTIFIERS, is_identifier, same_tenant, tenant_of};

/// Longest title, owner and text, in characters.
const LONGEST: usize = 200;

/// Keys that sign a message at a time.
const MOST_KEYS: usize = 3;

/// Recipients of a mail.
const MOST_RECIPIENTS: usize = 50;

/// Entries of a feed.
const MOST_ENTRIES: u32 = 500;

/// How long an attempt may take, in seconds.
const TIMEOUT: std::ops::RangeInclusive<i64> = 1..=60;

/// Shortest time between two signs of life, in seconds.
const HEARTBEAT: i64 = 60;

/// Checks a receiver and gives it in the form in which it is kept.
///
/// # Errors
/// [`Class::Invalid`] with field, value and what to do.
pub fn check(receiver: &Receiver, guard: &Guard, secrets: &Secrets) -> Result<Receiver, Failure> {
    let receiver = Receiver { title: receiver.title.trim().to_owned(), ..receiver.clone() };
    let secrets = &secrets.of(tenant_of(&receiver.id));
    identifier("id", &receiver.id)?;
    for (field, text) in [("title", &receiver.title), ("owner", &receiver.owner)] {
        if text.chars().count() > LONGEST || first_hidden(text, false).is_some() {
            return Err(wrong(
                field,
                text,
                "the text is too long, or has control characters",
                "use one line of at most 200 characters",
            ));
        }
    }
    if !receiver.fallback.is_empty() {
        identifier("fallback", &receiver.fallback)?;
        if receiver.fallback == receiver.id {
            return Err(wrong(
                "fallback",
                &receiver.fallback,
                "a receiver cannot stand in for itself",
                "name another",
            ));
        }
        same_tenant("fallback", &receiver.id, &receiver.fallback)?;
    }
    if let Some(timeout) = &receiver.timeout
        && (!TIMEOUT.contains(&timeout.seconds) || length(timeout).is_none())
    {
        return Err(wrong("timeout", timeout.to_string(), "the timeout is out of range", "use 1s to 60s"));
    }
    if let Some(heartbeat) = &receiver.heartbeat {
        if heartbeat.seconds < HEARTBEAT {
            return Err(wrong(
                "heartbeat",
                heartbeat.to_string(),
                "the heartbeat is too fast",
                "use 60s or more",
            ));
        }
        if matches!(receiver.kind, Some(Kind::Pagerduty(_))) {
            let hint = "let a receiver of another kind have it: each event would be an incident";
            return Err(wrong("heartbeat", heartbeat.to_string(), "PagerDuty knows no sign of life", hint));
        }
    }
    kind(&receiver, guard, secrets)?;
    Ok(receiver)
}

fn kind(receiver: &Receiver, guard: &Guard, secrets: &Secrets) -> Result<(), Failure> {
    match receiver.kind.as_ref() {
        None => Err(wrong(
            "kind",
            "",
            "the receiver is of no kind",
            "give one of webhook, mail, chat, pagerduty, alertmanager, nats and feed",
        )),
        Some(Kind::Webhook(webhook)) => {
            address("webhook.url", &webhook.url, guard)?;
            if webhook.keys.is_empty() || webhook.keys.len() > MOST_KEYS {
                let hint = "give 1 to 3 keys, the newest first";
                return Err(wrong(
                    "webhook.keys",
                    webhook.keys.len().to_string(),
                    "the number of keys is wrong",
                    hint,
                ));
            }
            let mut keys = webhook.keys.iter().enumerate();
            keys.try_for_each(|(k, SigningKey { secret: key, .. })| {
                secret(&format!("webhook.keys[{k}]"), key.as_ref(), secrets)
            })
        }
        Some(Kind::Mail(mail)) => {
            mail::server(&mail.server).map_err(|error| {
                wrong("mail.server", &mail.server, error, "write host and port, such as mail.example.org:587")
            })?;
            mailbox("mail.from", &mail.from)?;
            if mail.to.is_empty() || mail.to.len() > MOST_RECIPIENTS {
                let hint = "give 1 to 50 recipients";
                return Err(wrong(
                    "mail.to",
                    mail.to.len().to_string(),
                    "the number of recipients is wrong",
                    hint,
                ));
            }
            for (k, to) in mail.to.iter().enumerate() {
                mailbox(&format!("mail.to[{k}]"), to)?;
            }
            if mail.user.is_empty() != mail.password.is_none() {
                return Err(wrong(
                    "mail.user",
                    &mail.user,
                    "user and password go together",
                    "give both or neither",
                ));
            }
            mail.password.as_ref().map_or(Ok(()), |password| secret("mail.password", Some(password), secrets))
        }
        Some(Kind::Chat(chat)) => secret("chat.url", chat.url.as_ref(), secrets),
        Some(Kind::Pagerduty(pagerduty)) => {
            if !pagerduty.url.is_empty() {
                address("pagerduty.url", &pagerduty.url, guard)?;
            }
            secret("pagerduty.routing_key", pagerduty.routing_key.as_ref(), secrets)
        }
        Some(Kind::Alertmanager(one)) => {
            address("alertmanager.url", &one.url, guard)?;
            if one.url.contains(['?', '#']) || one.url.trim_end_matches('/').ends_with(alertmanager::PATH) {
                let hint = "write the address without it, such as http://alertmanager:9093";
                return Err(wrong(
                    "alertmanager.url",
                    &one.url,
                    "the path of the API is added by itself",
                    hint,
                ));
            }
            one.token.as_ref().map_or(Ok(()), |token| secret("alertmanager.token", Some(token), secrets))
        }
        Some(Kind::Nats(one)) => {
            if one.server.contains('@') {
                let hint = "name a credentials file instead";
                return Err(wrong("nats.server", "", "the address holds a user or a token", hint));
            }
            if !nats::is_subject(&one.subject) {
                let hint = "use tokens joined by dots, without wildcards; subjects that begin with `orewatch`, `$` or `_` are taken";
                return Err(wrong("nats.subject", &one.subject, "this is no subject to publish to", hint));
            }
            own_subject(tenant_of(&receiver.id), one)?;
            one.credentials.as_ref().map_or(Ok(()), |file| secret("nats.credentials", Some(file), secrets))
        }
        Some(Kind::Feed(feed)) if feed.entries > MOST_ENTRIES => {
            Err(wrong("feed.entries", feed.entries.to_string(), "a feed keeps fewer entries", "use 1 to 500"))
        }
        Some(Kind::Feed(_)) => Ok(()),
    }
}

/// Checks an identifier.
fn identifier(field: &str, id: &str) -> Result<(), Failure> {
    if is_identifier(id) { Ok(()) } else { Err(wrong(field, id, "this is no identifier", IDENTIFIERS)) }
}

/// On the server of the log we publish with our own rights: a tenant has the subjects that begin with its name.
fn own_subject(tenant: &str, receiver: &NatsReceiver) -> Result<(), Failure> {
    let own = receiver.subject.split('.').next() == Some(tenant);
    if tenant.is_empty() || !receiver.server.is_empty() || own {
        return Ok(());
    }
    let hint = format!("begin the subject with `{tenant}.`, or name a server");
    Err(wrong("nats.subject", &receiver.subject, "this is no subject of the tenant", hint))
}

fn address(field: &str, url: &str, guard: &Guard) -> Result<(), Failure> {
    let hint = "write https://HOST/PATH";
    // The value may hold what should be a secret: it is not repeated.
    guard
        .destination(url)
        .map(drop)
        .map_err(|error| wrong(field, "", format!("the address is wrong: {error}"), hint))
}

fn mailbox(field: &str, text: &str) -> Result<(), Failure> {
    let read = text.parse::<lettre::message::Mailbox>();
    read.map(drop).map_err(|error| {
        wrong(
            field,
            text,
            format!("this is no address of mail: {error}"),
            "write NAME@HOST, or \"Name\" <NAME@HOST>",
        )
    })
}

fn secret(field: &str, reference: Option<&SecretReference>, secrets: &Secrets) -> Result<(), Failure> {
    let empty = SecretReference::default();
    let reference = reference.unwrap_or(&empty);
    secrets.check(reference).map_err(|error| {
        let hint =
            "write `{environment: RECEIVER_NAME}` or `{file: PATH}`; a secret itself is never written here";
        wrong(field, "", error, hint)
    })
}

/// A failure about a field.
pub(super) fn wrong(
    field: &str,
    value: impl AsRef<str>,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> Failure {
    Failure::new(Class::Invalid, "invalid-receiver", message).at(field, value).with_hint(hint)
}
