//! [`Channel`] of Alertmanagers: YAML form, checks, and sending.
use std::time::Duration;

use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{AlertmanagerReceiver, Notification, Receiver, SecretReference};
use orewatch_contracts::time::duration;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::channel::{Attempt, Channel};
use crate::context::ChannelContext;
use crate::entry::Secret;
use crate::invalid::invalid_receiver;
use crate::message::RenderedMessage;
use crate::outcome::{Outcome, Refusal};

use super::{API_PATH, body, send};

/// A Prometheus Alertmanager.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alertmanager {
    /// URL without the path of the API.
    url: String,
    /// Bearer token.
    token: Option<Secret>,
}

impl Channel for AlertmanagerReceiver {
    type Entry = Alertmanager;

    fn read(entry: Alertmanager) -> Result<Self, Failure> {
        let token = entry.token.map(|token| token.into_reference("alertmanager.token")).transpose()?;
        Ok(Self { url: entry.url, token })
    }

    fn check(&self, _: &Receiver, context: &ChannelContext<'_>) -> Result<(), Failure> {
        context.check_url("alertmanager.url", &self.url)?;
        if self.url.contains(['?', '#']) || self.url.trim_end_matches('/').ends_with(API_PATH) {
            let hint = "write the URL without it, such as http://alertmanager:9093";
            return Err(invalid_receiver(
                "alertmanager.url",
                &self.url,
                "the path of the API is added automatically",
                hint,
            ));
        }
        self.token.as_ref().map_or(Ok(()), |token| context.check_secret("alertmanager.token", Some(token)))
    }

    async fn approve(&self, context: &ChannelContext<'_>) -> Result<(), Failure> {
        context.check_token("alertmanager.token", self.token.as_ref())?;
        context.check_reachable("alertmanager.url", &self.url).await
    }

    async fn send(&self, attempt: &Attempt<'_>, context: &ChannelContext<'_>) -> Result<Outcome, Refusal> {
        let Attempt { receiver, message, rendered, now, .. } = *attempt;
        send(context.http, &context.secrets, self, message, rendered, heartbeat_interval(receiver), now).await
    }

    fn body(&self, receiver: &Receiver, message: &Notification, rendered: &RenderedMessage) -> String {
        body(message, rendered, heartbeat_interval(receiver))
    }

    fn describe_destination(&self, _: &Receiver) -> String {
        self.url.clone()
    }

    fn secrets(&self) -> Vec<&SecretReference> {
        self.token.iter().collect()
    }
}

fn heartbeat_interval(receiver: &Receiver) -> Option<Duration> {
    receiver.heartbeat.as_ref().and_then(duration)
}
