//! The kinds of receivers. A new kind is a folder, a message in the contracts, and a line here.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::{
    AlertmanagerReceiver, ChatReceiver, FeedReceiver, MailReceiver, NatsReceiver, Notification,
    PagerDutyReceiver, Receiver, SecretReference, WebhookReceiver,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::channel::{Attempt, Channel};
use crate::context::ChannelContext;
use crate::message::RenderedMessage;
use crate::outcome::{Outcome, Refusal};

/// Declares the kinds. Each line has the documentation of the kind, its name in files of receivers, and its
/// variant and message in the contracts.
macro_rules! registry {
    ($($(#[doc = $says:literal])+ $name:ident: $variant:ident($receiver:ident);)+) => {
        /// Names of the kinds, in the order in which files list them.
        pub const KIND_NAMES: &[&str] = &[$(stringify!($name)),+];

        /// A receiver of messages. Give exactly one of the kinds from `webhook` to `feed`.
        #[derive(Debug, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct ReceiverEntry {
            /// Identifier: 1 to 64 lower-case letters, digits and hyphens.
            #[schemars(regex(pattern = "^([a-z0-9-]{1,64}:)?[a-z0-9-]{1,64}$"))]
            pub(crate) id: String,
            /// Title, one line. Default: the identifier.
            #[serde(default)]
            pub(crate) title: String,
            $($(#[doc = $says])+ $name: Option<<$receiver as Channel>::Entry>,)+
            /// Owner.
            #[serde(default)]
            pub(crate) owner: String,
            /// Receiver to notify when this one is disabled or a message to it is given up.
            #[serde(default)]
            pub(crate) fallback: String,
            /// Timeout of one attempt, 1s to 60s. Default: 15s.
            pub(crate) timeout: Option<String>,
            /// Heartbeat interval, 60s or more. Default: no heartbeats.
            pub(crate) heartbeat: Option<String>,
        }

        impl ReceiverEntry {
            /// Takes out and converts the kinds that are given.
            pub(crate) fn take_kinds(&mut self) -> Vec<Result<Kind, Failure>> {
                let given = [$(self.$name.take().map(|entry| $receiver::read(entry).map(Kind::$variant))),+];
                given.into_iter().flatten().collect()
            }
        }

        /// Name of a kind.
        #[must_use]
        pub fn kind_name(kind: &Kind) -> &'static str {
            match kind {
                $(Kind::$variant(_) => stringify!($name),)+
            }
        }

        /// Destination of a receiver for display, without secrets.
        #[must_use]
        pub fn describe_destination(kind: &Kind, receiver: &Receiver) -> String {
            match kind {
                $(Kind::$variant(channel) => channel.describe_destination(receiver),)+
            }
        }

        /// References to the secrets of a kind.
        #[must_use]
        pub fn secrets(kind: &Kind) -> Vec<&SecretReference> {
            match kind {
                $(Kind::$variant(channel) => channel.secrets(),)+
            }
        }

        pub(crate) fn check(
            kind: &Kind,
            receiver: &Receiver,
            context: &ChannelContext<'_>,
        ) -> Result<(), Failure> {
            match kind {
                $(Kind::$variant(channel) => channel.check(receiver, context),)+
            }
        }

        pub(crate) async fn approve(kind: &Kind, context: &ChannelContext<'_>) -> Result<(), Failure> {
            match kind {
                $(Kind::$variant(channel) => channel.approve(context).await,)+
            }
        }

        pub(crate) async fn send(
            kind: &Kind,
            attempt: &Attempt<'_>,
            context: &ChannelContext<'_>,
        ) -> Result<Outcome, Refusal> {
            match kind {
                $(Kind::$variant(channel) => channel.send(attempt, context).await,)+
            }
        }

        pub(crate) fn body(
            kind: &Kind,
            receiver: &Receiver,
            message: &Notification,
            rendered: &RenderedMessage,
        ) -> String {
            match kind {
                $(Kind::$variant(channel) => channel.body(receiver, message, rendered),)+
            }
        }
    };
}

registry! {
    /// A signed POST request by the Standard Webhooks specification.
    webhook: Webhook(WebhookReceiver);
    /// E-mail.
    mail: Mail(MailReceiver);
    /// Incoming webhook of a chat.
    chat: Chat(ChatReceiver);
    /// PagerDuty Events, version 2.
    pagerduty: Pagerduty(PagerDutyReceiver);
    /// A Prometheus Alertmanager.
    alertmanager: Alertmanager(AlertmanagerReceiver);
    /// A NATS subject.
    nats: Nats(NatsReceiver);
    /// An Atom feed that the service serves.
    feed: Feed(FeedReceiver);
}

/// The names of the kinds as `a, b and c`.
pub(crate) fn list_kind_names() -> String {
    match KIND_NAMES {
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
        [] => String::new(),
    }
}
