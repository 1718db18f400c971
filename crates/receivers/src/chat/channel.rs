//! [`Channel`] of chats: YAML form, checks, and sending.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{ChatFormat, ChatReceiver, Notification, Receiver, SecretReference};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::channel::{Attempt, Channel};
use crate::context::{ChannelContext, unusable_secret};
use crate::entry::Secret;
use crate::message::RenderedMessage;
use crate::outcome::{Outcome, Refusal};
use crate::secret::{check_bare_token, describe_location, short_location};

use super::{body, send};

/// The incoming webhook of a chat.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// Location of the URL, which is a secret itself.
    url: Secret,
    /// Message format. Default: slack.
    format: Option<Format>,
}

/// Message format of a chat.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Format {
    /// Slack blocks.
    Slack,
    /// An Adaptive Card of Microsoft Teams.
    Teams,
}

impl Channel for ChatReceiver {
    type Entry = Chat;

    fn read(entry: Chat) -> Result<Self, Failure> {
        let format = match entry.format {
            None | Some(Format::Slack) => ChatFormat::Slack,
            Some(Format::Teams) => ChatFormat::Teams,
        };
        Ok(Self { url: Some(entry.url.into_reference("chat.url")?), format: format.into() })
    }

    fn check(&self, _: &Receiver, context: &ChannelContext<'_>) -> Result<(), Failure> {
        context.check_secret("chat.url", self.url.as_ref())
    }

    async fn approve(&self, context: &ChannelContext<'_>) -> Result<(), Failure> {
        let reference = self.url.clone().unwrap_or_default();
        let url = context.read_secret("chat.url", &reference)?;
        check_bare_token(&url)
            .map_err(|error| unusable_secret("chat.url", &describe_location(&reference), &error))?;
        let reached = context.check_reachable("chat.url", url.expose().trim()).await;
        reached.map_err(|failure| Failure { message: url.scrub(&failure.message), ..failure })
    }

    async fn send(&self, attempt: &Attempt<'_>, context: &ChannelContext<'_>) -> Result<Outcome, Refusal> {
        send(context.http, &context.secrets, self, attempt.rendered, attempt.now).await
    }

    fn body(&self, _: &Receiver, _: &Notification, rendered: &RenderedMessage) -> String {
        body(self.format(), rendered)
    }

    fn describe_destination(&self, _: &Receiver) -> String {
        self.url.as_ref().map(short_location).unwrap_or_default()
    }

    fn secrets(&self) -> Vec<&SecretReference> {
        self.url.iter().collect()
    }
}
