//! [`Channel`] of PagerDuty: YAML form, checks, and sending.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{Notification, PagerDutyReceiver, Receiver, SecretReference};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::channel::{Attempt, Channel};
use crate::context::ChannelContext;
use crate::entry::Secret;
use crate::invalid::invalid_receiver;
use crate::message::RenderedMessage;
use crate::outcome::{Outcome, Refusal};

use super::{DEFAULT_URL, body, send};

/// PagerDuty.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PagerDuty {
    /// Location of the integration key.
    routing_key: Secret,
    /// URL. Default: PagerDuty's.
    #[serde(default)]
    url: String,
}

impl Channel for PagerDutyReceiver {
    type Entry = PagerDuty;

    fn read(entry: PagerDuty) -> Result<Self, Failure> {
        let routing_key = Some(entry.routing_key.into_reference("pagerduty.routing_key")?);
        Ok(Self { routing_key, url: entry.url })
    }

    fn check(&self, receiver: &Receiver, context: &ChannelContext<'_>) -> Result<(), Failure> {
        if let Some(heartbeat) = &receiver.heartbeat {
            let hint = "use a receiver of another kind: in PagerDuty each heartbeat would open an incident";
            return Err(invalid_receiver(
                "heartbeat",
                heartbeat.to_string(),
                "PagerDuty receivers cannot have heartbeats",
                hint,
            ));
        }
        if !self.url.is_empty() {
            context.check_url("pagerduty.url", &self.url)?;
        }
        context.check_secret("pagerduty.routing_key", self.routing_key.as_ref())
    }

    async fn approve(&self, context: &ChannelContext<'_>) -> Result<(), Failure> {
        context.check_token("pagerduty.routing_key", self.routing_key.as_ref())?;
        let url = if self.url.is_empty() { DEFAULT_URL } else { &self.url };
        context.check_reachable("pagerduty.url", url).await
    }

    async fn send(&self, attempt: &Attempt<'_>, context: &ChannelContext<'_>) -> Result<Outcome, Refusal> {
        let Attempt { message, rendered, now, .. } = *attempt;
        send(context.http, &context.secrets, self, message, rendered, now).await
    }

    fn body(&self, _: &Receiver, message: &Notification, rendered: &RenderedMessage) -> String {
        body(message, rendered)
    }

    fn describe_destination(&self, _: &Receiver) -> String {
        if self.url.is_empty() { "PagerDuty".to_owned() } else { self.url.clone() }
    }

    fn secrets(&self) -> Vec<&SecretReference> {
        self.routing_key.iter().collect()
    }
}
