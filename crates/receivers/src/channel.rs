//! [`Channel`], the trait that each kind of receiver implements.
use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{Notification, Receiver, SecretReference};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::context::ChannelContext;
use crate::message::RenderedMessage;
use crate::outcome::{Outcome, Refusal};

/// One attempt to send a message to a receiver.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The receiver, which contains its kind.
    pub receiver: &'a Receiver,
    /// The message.
    pub message: &'a Notification,
    /// Its rendered content.
    pub rendered: &'a RenderedMessage,
    /// Upper bound on the duration of the attempt.
    pub timeout: Duration,
    /// Time of the attempt.
    pub now: Timestamp,
}

/// A kind of receiver, implemented by its message in the contracts.
pub trait Channel: Sized + Sync {
    /// Its YAML form in a file of receivers.
    type Entry: DeserializeOwned + JsonSchema;

    /// Converts the YAML form.
    ///
    /// # Errors
    /// [`Class::Invalid`](orewatch_contracts::Class::Invalid) with field, value and what to do.
    fn read(entry: Self::Entry) -> Result<Self, Failure>;

    /// Checks the definition itself, without reading secrets or resolving names.
    ///
    /// # Errors
    /// [`Class::Invalid`](orewatch_contracts::Class::Invalid) with field, value and what to do.
    fn check(&self, receiver: &Receiver, context: &ChannelContext<'_>) -> Result<(), Failure>;

    /// Checks that its secrets can be read and that its addresses may be sent to.
    ///
    /// # Errors
    /// [`Class::Invalid`](orewatch_contracts::Class::Invalid) with what is wrong;
    /// [`Class::Unavailable`](orewatch_contracts::Class::Unavailable) for a name that does not resolve.
    fn approve(&self, context: &ChannelContext<'_>) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Sends a message. The caller limits the total time.
    ///
    /// # Errors
    /// A [`Refusal`] if the receiver gave no response.
    fn send(
        &self,
        attempt: &Attempt<'_>,
        context: &ChannelContext<'_>,
    ) -> impl Future<Output = Result<Outcome, Refusal>> + Send;

    /// Text of the body as the receiver gets it.
    fn body(&self, receiver: &Receiver, message: &Notification, rendered: &RenderedMessage) -> String;

    /// Destination for display, without secrets.
    fn describe_destination(&self, receiver: &Receiver) -> String;

    /// References to its secrets.
    fn secrets(&self) -> Vec<&SecretReference> {
        Vec::new()
    }
}
