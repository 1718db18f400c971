//! [`Channel`] of feeds: YAML form and checks. Nothing is sent: the service serves the feed from its log.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{FeedReceiver, Notification, Receiver};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::channel::{Attempt, Channel};
use crate::context::ChannelContext;
use crate::invalid::invalid_receiver;
use crate::mail::html_body;
use crate::message::RenderedMessage;
use crate::outcome::{Outcome, Refusal};

/// Upper bound on the entries of a feed.
const MAX_ENTRIES: u32 = 500;

/// An Atom feed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Upper bound on the entries, 1 to 500. Default: 100.
    #[serde(default)]
    entries: u32,
}

impl Channel for FeedReceiver {
    type Entry = Feed;

    fn read(entry: Feed) -> Result<Self, Failure> {
        Ok(Self { entries: entry.entries })
    }

    fn check(&self, _: &Receiver, _: &ChannelContext<'_>) -> Result<(), Failure> {
        if self.entries > MAX_ENTRIES {
            let count = self.entries.to_string();
            return Err(invalid_receiver(
                "feed.entries",
                count,
                "a feed cannot have so many entries",
                "use 1 to 500",
            ));
        }
        Ok(())
    }

    async fn approve(&self, _: &ChannelContext<'_>) -> Result<(), Failure> {
        Ok(())
    }

    async fn send(&self, _: &Attempt<'_>, _: &ChannelContext<'_>) -> Result<Outcome, Refusal> {
        Ok(Outcome::Taken("it is in the feed".to_owned()))
    }

    fn body(&self, _: &Receiver, _: &Notification, rendered: &RenderedMessage) -> String {
        html_body(rendered)
    }

    fn describe_destination(&self, receiver: &Receiver) -> String {
        format!("/feeds/{}.atom", receiver.id)
    }
}
