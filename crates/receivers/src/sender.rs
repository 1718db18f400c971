//! [`Sender`] makes one attempt to send a message, whatever the kind of receiver. Every attempt ends within
//! its timeout, and every failure is an [`Outcome`].
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{Notification, Receiver};
use orewatch_contracts::time::duration;
use orewatch_rules::tenant::tenant_of;

use crate::channel::Attempt;
use crate::check::check;
use crate::config::Config;
use crate::context::ChannelContext;
use crate::guard::Guard;
use crate::http::HttpClient;
use crate::message::RenderedMessage;
use crate::outcome::{Outcome, Refusal};
use crate::registry;
use crate::secret::Secrets;

/// Timeout of an attempt if the receiver sets none.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);

/// Sends messages to receivers of all kinds.
#[derive(Clone, Debug)]
pub struct Sender {
    config: Config,
    guard: Guard,
    secrets: Secrets,
    http: HttpClient,
}

impl Sender {
    /// A sender with a configuration.
    ///
    /// # Errors
    /// [`Class::Invalid`](orewatch_contracts::Class::Invalid) for certificates that cannot be read.
    pub fn new(config: Config) -> Result<Self, Failure> {
        let guard = Guard::new(config.allow_private.clone());
        let secrets = Secrets::new(config.secrets.clone());
        let http = HttpClient::new(guard.clone(), config.ca_file.as_deref());
        http.check()?;
        Ok(Self { config, guard, secrets, http })
    }

    /// Public URL of the service.
    #[must_use]
    pub fn public_url(&self) -> Option<&str> {
        self.config.public_url.as_deref()
    }

    /// Time that attempts in progress get when the process stops.
    #[must_use]
    pub fn grace(&self) -> Duration {
        self.config.grace
    }

    /// Makes one attempt.
    pub async fn send(&self, receiver: &Receiver, message: &Notification, now: Timestamp) -> Outcome {
        let timeout = attempt_timeout(receiver);
        let attempt =
            tokio::time::timeout(timeout, Box::pin(self.attempt(receiver, message, timeout, now))).await;
        attempt.map_or_else(
            |_| {
                let text = format!("no response within {} s", timeout.as_secs_f64());
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
        let Some(kind) = &receiver.kind else {
            return Err(Refusal::configuration("this version does not know the kind of the receiver"));
        };
        let rendered = &RenderedMessage::new(message, self.public_url());
        registry::send(kind, &Attempt { receiver, message, rendered, timeout, now }, &self.context(receiver))
            .await
    }

    /// Text of the body as the receiver gets it; the plain text if there is no receiver.
    #[must_use]
    pub fn body(&self, receiver: Option<&Receiver>, message: &Notification) -> String {
        let rendered = RenderedMessage::new(message, self.public_url());
        match receiver.and_then(|receiver| Some((receiver, receiver.kind.as_ref()?))) {
            Some((receiver, kind)) => registry::body(kind, receiver, message, &rendered),
            None => rendered.plain_text(),
        }
    }

    /// Checks a receiver: its definition, its secrets, and its destination.
    ///
    /// # Errors
    /// [`Class::Invalid`](orewatch_contracts::Class::Invalid) with what is wrong;
    /// [`Class::Unavailable`](orewatch_contracts::Class::Unavailable) for a name that does not resolve.
    pub async fn approve(&self, receiver: &Receiver) -> Result<Receiver, Failure> {
        let context = self.context(receiver);
        let receiver = check(receiver, &context)?;
        if let Some(kind) = &receiver.kind {
            registry::approve(kind, &context).await?;
        }
        Ok(receiver)
    }

    fn context(&self, receiver: &Receiver) -> ChannelContext<'_> {
        ChannelContext {
            guard: &self.guard,
            secrets: self.secrets.for_tenant(tenant_of(&receiver.id)),
            http: &self.http,
            ca: self.config.ca_file.as_deref(),
            nats: self.config.nats.as_deref(),
        }
    }
}

/// Timeout of an attempt to send to a receiver.
#[must_use]
pub fn attempt_timeout(receiver: &Receiver) -> Duration {
    let timeout = receiver.timeout.as_ref().and_then(duration);
    timeout.filter(|timeout| !timeout.is_zero()).unwrap_or(DEFAULT_TIMEOUT)
}
