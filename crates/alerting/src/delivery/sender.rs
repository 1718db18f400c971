//! One attempt, whatever the kind of the receiver: bounded in time, and whatever goes wrong is an outcome.
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::{Notification, Receiver};
use orewatch_contracts::time::length;
use orewatch_runtime::{Class, Failure};

use super::guard::{Guard, Trouble};
use super::http::Http;
use super::message::Telling;
use super::outcome::{Outcome, Refusal};
use super::secret::{self, Secrets};
use super::signature::Key;
use super::{alertmanager, chat, check, config::Config, course, mail, nats, pagerduty, webhook};
use crate::tenant::tenant_of;

/// What attempts are made with.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    config: Config,
    guard: Guard,
    secrets: Secrets,
    http: Http,
}

impl Sender {
    /// What attempts are made with, by configuration.
    ///
    /// # Errors
    /// [`Class::Invalid`] for certificates that cannot be read.
    pub(crate) fn new(config: Config) -> Result<Self, Failure> {
        let guard = Guard::new(config.allow_private.clone());
        let secrets = Secrets::new(config.secrets.clone());
        let http = Http::new(guard.clone(), config.ca_file.as_deref());
        http.check()?;
        Ok(Self { config, guard, secrets, http })
    }

    /// Address at which people reach the service.
    pub(crate) fn public_url(&self) -> Option<&str> {
        self.config.public_url.as_deref()
    }

    /// How long attempts may still take when the process stops.
    pub(crate) fn grace(&self) -> Duration {
        self.config.grace
    }

    /// Makes an attempt.
    pub(crate) async fn send(&self, receiver: &Receiver, message: &Notification, now: Timestamp) -> Outcome {
        let timeout = course::timeout(receiver);
        let attempt =
            tokio::time::timeout(timeout, Box::pin(self.attempt(receiver, message, timeout, now))).await;
        attempt.map_or_else(
            |_| {
                let text = format!("no answer within {} s", timeout.as_secs_f64());
                Outcome::Refused(Refusal::connection(text))
            },
            |outcome| outcome.unwrap_or_else(Outcome::Refused),
        )
    }

    async fn attempt(
        &self,
        receiver: &Receiver,
        message: &Notification,
        timeout: Duration,
        now: Timestamp,
    ) -> Result<Outcome, Refusal> {
        let telling = Telling::of(message, self.public_url());
        let secrets = &self.secrets.of(tenant_of(&receiver.id));
        let (http, ca) = (&self.http, self.config.ca_file.as_deref());
        match &receiver.kind {
            Some(Kind::Webhook(webhook)) => {
                webhook::send(http, secrets, webhook, message, &telling, now).await
            }
            Some(Kind::Mail(mail)) => {
                mail::send(&self.guard, secrets, ca, mail, message, &telling, timeout).await
            }
            Some(Kind::Chat(chat)) => chat::send(http, secrets, chat, &telling, now).await,
            Some(Kind::Pagerduty(pagerduty)) => {
                pagerduty::send(http, secrets, pagerduty, message, &telling, now).await
            }
            Some(Kind::Alertmanager(alertmanager)) => {
                let heartbeat = heartbeat(receiver);
                alertmanager::send(http, secrets, alertmanager, message, &telling, heartbeat, now).await
            }
            Some(Kind::Nats(nats)) => {
                let log = self.config.nats.as_deref();
                nats::send(&self.guard, secrets, ca, log, nats, message, &telling).await
            }
            // Who reads the feed is told by whoever folds the log.
            Some(Kind::Feed(_)) => Ok(Outcome::Taken("it is in the feed".to_owned())),
            None => Err(Refusal::configuration("the receiver is of a kind that this version does not know")),
        }
    }

    /// The body as the receiver gets it, as far as it is text.
    pub(crate) fn body(&self, receiver: Option<&Receiver>, message: &Notification) -> String {
        let telling = Telling::of(message, self.public_url());
        match receiver.and_then(|receiver| Some((receiver, receiver.kind.as_ref()?))) {
            Some((_, Kind::Webhook(_))) => webhook::body(message, &telling),
            Some((_, Kind::Chat(chat))) => chat::body(chat.format(), &telling),
            Some((_, Kind::Pagerduty(_))) => pagerduty::body(message, &telling),
            Some((receiver, Kind::Alertmanager(_))) => {
                alertmanager::body(message, &telling, heartbeat(receiver))
            }
            Some((_, Kind::Nats(_))) => nats::event(message, &telling).1,
            Some((_, Kind::Mail(_))) => mail::text(&telling),
            Some((_, Kind::Feed(_))) => mail::html(&telling),
            None => telling.text(),
        }
    }

    /// Checks a receiver: what it says, whether its secrets are there, and where its addresses lead.
    ///
    /// # Errors
    /// [`Class::Invalid`] with what is wrong; [`Class::Unavailable`] for a name that cannot be resolved now.
    pub(crate) async fn approve(&self, receiver: &Receiver) -> Result<Receiver, Failure> {
        let receiver = check::check(receiver, &self.guard, &self.secrets)?;
        let secrets = self.secrets.of(tenant_of(&receiver.id));
        match receiver.kind.as_ref() {
            Some(Kind::Webhook(webhook)) => {
                for (k, key) in webhook.keys.iter().enumerate() {
                    let field = format!("webhook.keys[{k}]");
                    let reference = key.secret.clone().unwrap_or_default();
                    let secret = secrets.read(&reference);
                    let secret = secret.map_err(|error| unreadable("webhook.keys", error))?;
                    Key::read(&secret, key.signature())
                        .map_err(|error| unsound(&field, &secret::place(&reference), &error))?;
                }
                self.reach("webhook.url", &webhook.url).await?;
            }
            Some(Kind::Mail(one)) => {
                readable(&secrets, "mail.password", one.password.as_ref())?;
                let (host, port) =
                    mail::server(&one.server).map_err(|error| unreadable("mail.server", error))?;
                let protected = one.security() != orewatch_contracts::alerting::v1::MailSecurity::None;
                self.resolve("mail.server", &host, port, protected).await?;
            }
            Some(Kind::Chat(chat)) => {
                let url = secrets.read(&chat.url.clone().unwrap_or_default());
                let url = url.map_err(|error| unreadable("chat.url", error))?;
                let place = secret::place(&chat.url.clone().unwrap_or_default());
                secret::bare(&url).map_err(|error| unsound("chat.url", &place, &error))?;
                let reached = self.reach("chat.url", url.expose().trim()).await;
                reached.map_err(|failure| Failure { message: url.scrub(&failure.message), ..failure })?;
            }
            Some(Kind::Pagerduty(one)) => {
                readable(&secrets, "pagerduty.routing_key", one.routing_key.as_ref())?;
                let url = if one.url.is_empty() { pagerduty::PUBLISHER } else { &one.url };
                self.reach("pagerduty.url", url).await?;
            }
            Some(Kind::Alertmanager(one)) => {
                readable(&secrets, "alertmanager.token", one.token.as_ref())?;
                self.reach("alertmanager.url", &one.url).await?;
            }
            Some(Kind::Nats(one)) => {
                readable(&secrets, "nats.credentials", one.credentials.as_ref())?;
                let servers = nats::servers(&self.guard, self.config.nats.as_deref(), one).await;
                servers
                    .map_err(|refusal| check::wrong("nats.server", &one.server, refusal.message, REACH))?;
            }
            Some(Kind::Feed(_)) | None => {}
        }
        Ok(receiver)
    }

    async fn reach(&self, field: &str, url: &str) -> Result<(), Failure> {
        let to = self
            .guard
            .destination(url)
            .map_err(|error| check::wrong(field, "", error, "write https://HOST/PATH"))?;
        self.resolve(field, &to.host, to.port, to.secure).await
    }

    async fn resolve(&self, field: &str, host: &str, port: u16, protected: bool) -> Result<(), Failure> {
        self.guard.resolve(host, port, protected).await.map(drop).map_err(|trouble| match trouble {
            Trouble::Refused(text) => {
                Failure::new(Class::Invalid, "address-refused", text).at(field, host).with_hint(REACH)
            }
            Trouble::Unknown(text) => Failure::new(Class::Unavailable, "address-unknown", text)
                .at(field, host)
                .with_hint("is the name right? The service has to know it"),
        })
    }
}

/// What to do about an address that is not sent to.
const REACH: &str = "use a public address and https, or have the operator list the network in allow-private";

fn readable(
    secrets: &Secrets,
    field: &str,
    reference: Option<&orewatch_contracts::alerting::v1::SecretReference>,
) -> Result<(), Failure> {
    let Some(reference) = reference else { return Ok(()) };
    let secret = secrets.read(reference).map_err(|error| unreadable(field, error))?;
    // A password may be anything.
    let is_free = matches!(field, "mail.password" | "nats.credentials");
    let bare = if is_free { Ok(()) } else { secret::bare(&secret) };
    bare.map_err(|error| unsound(field, &secret::place(reference), &error))
}

fn unreadable(field: &str, error: String) -> Failure {
    let hint = "the service has to find the secret: set the variable, or mount the file";
    check::wrong(field, "", error, hint)
}

fn unsound(field: &str, place: &str, error: &str) -> Failure {
    let hint = "change what the service finds there, and put the receiver again";
    check::wrong(field, "", format!("{place}: {error}"), hint)
}

fn heartbeat(receiver: &Receiver) -> Option<Duration> {
    receiver.heartbeat.as_ref().and_then(length)
}
