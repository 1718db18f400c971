//! The alerts log: how its events are written, and the names of its streams.
use std::borrow::Cow;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::AlertEvent;
use orewatch_contracts::ids::Namespace;
use orewatch_contracts::log::{InvalidName, NewEvent, StreamName};

use crate::tenant::{SEPARATOR, identifier_of};

/// Name of the log.
pub const LOG: &str = "alerts";

/// Makes an event ready to append. `what` says what the event is on its stream, such as its expected
/// position.
///
/// The identifier follows from the stream, from `what`, and from the content. A replica, or a process after a
/// crash, that appends the same event in the same place therefore appends an event with the same identifier,
/// which the log recognises.
#[must_use]
pub fn alert_event(event: AlertEvent, stream: &StreamName, what: &str, time: Timestamp) -> NewEvent {
    let (kind, data) = (event.kind(), event.encode());
    let mut name = format!("{stream}/{what}/{}/", kind.message_name()).into_bytes();
    name.extend_from_slice(&data);
    let id = Namespace::Event.derive(name);
    NewEvent { id, kind: kind.name().to_owned(), time, data, traceparent: None }
}

/// Token of the streams of tenants: `alerts.tenant.TENANT.KIND.NAME`. A reader can thus be given access to
/// the streams of one tenant.
const TENANT: &str = "tenant";

/// Stream of a resource: `alerts.KIND.NAME` if it belongs to everyone, `alerts.tenant.TENANT.KIND.NAME` if it
/// belongs to a tenant.
fn stream(kind: &str, id: &str) -> Result<StreamName, InvalidName> {
    StreamName::new(match id.split_once(SEPARATOR) {
        None => format!("{LOG}.{kind}.{id}"),
        Some((tenant, name)) => format!("{LOG}.{TENANT}.{tenant}.{kind}.{name}"),
    })
}

/// Stream of a rule.
///
/// # Errors
/// [`InvalidName`] for an identifier that no rule can have.
pub fn rule_stream(rule: &str) -> Result<StreamName, InvalidName> {
    stream("rule", rule)
}

/// Stream of an alert.
///
/// # Errors
/// [`InvalidName`] for an identifier that no alert can have.
pub fn alert_stream(alert: &str) -> Result<StreamName, InvalidName> {
    stream("alert", &alert.replace('/', "."))
}

/// Stream on which evaluations begin and end.
///
/// # Errors
/// None in practice: the name is a constant.
pub fn evaluations_stream() -> Result<StreamName, InvalidName> {
    StreamName::new(format!("{LOG}.evaluations"))
}

/// Declares the streams of the resources that decide who is notified.
macro_rules! streams {
    ($($name:ident, $kind:literal, $what:literal;)+) => {
        $(#[doc = concat!("Stream of ", $what, ".")]
        ///
        /// # Errors
        /// [`InvalidName`] for an identifier that it cannot have.
        pub fn $name(id: &str) -> Result<StreamName, InvalidName> {
            stream($kind, id)
        })+
    };
}

streams! {
    receiver_stream, "receiver", "a receiver";
    subscription_stream, "subscription", "a subscription";
    silence_stream, "silence", "a silence";
    inhibition_stream, "inhibition", "an inhibition";
}

/// Stream of the acknowledgements of an alert.
///
/// # Errors
/// [`InvalidName`] for an identifier that no alert can have.
pub fn acknowledgement_stream(alert: &str) -> Result<StreamName, InvalidName> {
    stream("acknowledgement", &alert.replace('/', "."))
}

/// Stream of a message to a receiver: its plan, its attempts, and its outcome.
///
/// # Errors
/// [`InvalidName`] for an identifier that no receiver or message can have.
pub fn notification_stream(receiver: &str, id: &str) -> Result<StreamName, InvalidName> {
    stream("notification", &format!("{receiver}.{id}"))
}

/// Prefix of the streams of all messages to a receiver.
///
/// # Errors
/// [`InvalidName`] for an identifier that no receiver can have.
pub fn notifications_to(receiver: &str) -> Result<StreamName, InvalidName> {
    stream("notification", receiver)
}

/// Prefixes of the streams of all messages: those of everyone, and all streams of tenants.
///
/// # Errors
/// None in practice: the names are constants.
pub fn notifications() -> Result<[StreamName; 2], InvalidName> {
    Ok([StreamName::new(format!("{LOG}.notification"))?, StreamName::new(format!("{LOG}.{TENANT}"))?])
}

/// Identifier of the receiver whose messages a stream contains. For another stream the result has no meaning.
pub fn receiver_of(stream: &StreamName) -> Cow<'_, str> {
    let mut tokens = stream.as_str().split('.').skip(1);
    if tokens.next() != Some(TENANT) {
        return Cow::Borrowed(tokens.next().unwrap_or_default());
    }
    let (tenant, name) = (tokens.next().unwrap_or_default(), tokens.nth(1).unwrap_or_default());
    Cow::Owned(identifier_of(tenant, name))
}
