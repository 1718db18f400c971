//! [`Channel`] of NATS: YAML form, checks, and sending.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{NatsReceiver, Notification, Receiver, SecretReference};
use orewatch_rules::tenant::tenant_of;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::channel::{Attempt, Channel};
use crate::context::{ChannelContext, REACH_HINT};
use crate::entry::Secret;
use crate::invalid::invalid_receiver;
use crate::message::RenderedMessage;
use crate::outcome::{Outcome, Refusal};

use super::{build_event, is_publishable_subject, resolve_servers, send};

/// A NATS subject.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nats {
    /// Address of the server. Default: that of the service's log.
    #[serde(default)]
    server: String,
    /// Subject, without wildcards.
    subject: String,
    /// Credentials file.
    credentials: Option<Secret>,
}

impl Channel for NatsReceiver {
    type Entry = Nats;

    fn read(entry: Nats) -> Result<Self, Failure> {
        let credentials =
            entry.credentials.map(|file| file.into_reference("nats.credentials")).transpose()?;
        Ok(Self { server: entry.server, subject: entry.subject, credentials })
    }

    fn check(&self, receiver: &Receiver, context: &ChannelContext<'_>) -> Result<(), Failure> {
        if self.server.contains('@') {
            let hint = "use a credentials file instead";
            return Err(invalid_receiver("nats.server", "", "the address contains a user or a token", hint));
        }
        if !is_publishable_subject(&self.subject) {
            let hint = "use tokens joined by dots, without wildcards; \
                        subjects that begin with `orewatch`, `$` or `_` are reserved";
            return Err(invalid_receiver(
                "nats.subject",
                &self.subject,
                "messages cannot be published to this subject",
                hint,
            ));
        }
        check_tenant_subject(tenant_of(&receiver.id), self)?;
        self.credentials.as_ref().map_or(Ok(()), |file| context.check_secret("nats.credentials", Some(file)))
    }

    async fn approve(&self, context: &ChannelContext<'_>) -> Result<(), Failure> {
        context.check_secret_exists("nats.credentials", self.credentials.as_ref())?;
        let servers = resolve_servers(context.guard, context.nats, self).await;
        servers
            .map(drop)
            .map_err(|refusal| invalid_receiver("nats.server", &self.server, refusal.message, REACH_HINT))
    }

    async fn send(&self, attempt: &Attempt<'_>, context: &ChannelContext<'_>) -> Result<Outcome, Refusal> {
        let Attempt { message, rendered, .. } = *attempt;
        send(context.guard, &context.secrets, context.ca, context.nats, self, message, rendered).await
    }

    fn body(&self, _: &Receiver, message: &Notification, rendered: &RenderedMessage) -> String {
        build_event(message, rendered).1
    }

    fn describe_destination(&self, _: &Receiver) -> String {
        if self.server.is_empty() {
            self.subject.clone()
        } else {
            format!("{} on {}", self.subject, self.server)
        }
    }

    fn secrets(&self) -> Vec<&SecretReference> {
        self.credentials.iter().collect()
    }
}

/// On the server of the log the service publishes with its own rights, so that a tenant may use only the
/// subjects that begin with its name.
fn check_tenant_subject(tenant: &str, receiver: &NatsReceiver) -> Result<(), Failure> {
    let own = receiver.subject.split('.').next() == Some(tenant);
    if tenant.is_empty() || !receiver.server.is_empty() || own {
        return Ok(());
    }
    let hint = format!("begin the subject with `{tenant}.`, or name a server");
    Err(invalid_receiver(
        "nats.subject",
        &receiver.subject,
        "the subject does not belong to the tenant",
        hint,
    ))
}
