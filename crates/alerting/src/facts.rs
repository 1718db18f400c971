//! The alerts log: its streams, its events, and how they are written and read.
use std::borrow::Cow;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1;
use orewatch_contracts::alerting::v1::alert_transition::Event as Transition;
use orewatch_eventlog::{Error, Event, InvalidName, NewEvent, StreamName};
use prost::Message;
use uuid::Uuid;

use crate::tenant::{SEPARATOR, identifier_of};

/// Name of the log.
pub const LOG: &str = "alerts";

/// Declares the facts: a variant, its message, and what it says. Transitions of alerts are the variants of `Transition`.
macro_rules! facts {
    ($($(#[doc = $says:literal])+ $variant:ident($message:ident)),+ $(,)? ; $($change:ident($transition:ident)),+ $(,)?) => {
        /// A fact on the alerts log.
        #[allow(clippy::large_enum_variant, reason = "facts are read, folded and dropped one at a time")]
        #[derive(Clone, Debug, PartialEq)]
        pub enum Fact {
            /// An alert changed.
            Alert(Transition),
            $($(#[doc = $says])+ $variant(v1::$message),)+
        }

        impl Fact {
            /// Name of its message, without the package.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($message),)+
                    $(Self::Alert(Transition::$change(_)) => stringify!($transition),)+
                }
            }

            fn encode(&self) -> Vec<u8> {
                match self {
                    $(Self::$variant(fact) => fact.encode_to_vec(),)+
                    $(Self::Alert(Transition::$change(fact)) => fact.encode_to_vec(),)+
                }
            }

            /// Reads an event. None: an event of a kind that a later version wrote.
            ///
            /// # Errors
            /// [`Error::Corrupt`] if its data are not what its kind says.
            pub fn read(event: &Event) -> Result<Option<Self>, Error> {
                let Some(name) = event.kind.strip_prefix(v1::PACKAGE).and_then(|rest| rest.strip_prefix('.')) else {
                    return Ok(None);
                };
                $(if name == stringify!($message) {
                    return decode(event).map(Self::$variant).map(Some);
                })+
                $(if name == stringify!($transition) {
                    return decode(event).map(Transition::$change).map(Self::Alert).map(Some);
                })+
                Ok(None)
            }
        }
    };
}

facts! {
    /// A rule was created or revised.
    RulePut(RulePut),
    /// A rule was removed.
    RuleRemoved(RuleRemoved),
    /// An evaluation begins.
    Begun(EvaluationBegun),
    /// An evaluation is complete.
    Evaluated(ExposuresEvaluated),
    /// A rule is not evaluated until it is revised.
    RuleSuspended(RuleSuspended),
    /// A receiver was created or revised.
    ReceiverPut(ReceiverPut),
    /// A receiver was removed.
    ReceiverRemoved(ReceiverRemoved),
    /// A receiver is no longer sent to.
    ReceiverDisabled(ReceiverDisabled),
    /// A receiver is sent to again.
    ReceiverEnabled(ReceiverEnabled),
    /// A subscription was created or revised.
    SubscriptionPut(SubscriptionPut),
    /// A subscription was removed.
    SubscriptionRemoved(SubscriptionRemoved),
    /// A silence was made or changed.
    SilencePut(SilencePut),
    /// A silence was ended before its time.
    SilenceEnded(SilenceEnded),
    /// An inhibition was created or revised.
    InhibitionPut(InhibitionPut),
    /// An inhibition was removed.
    InhibitionRemoved(InhibitionRemoved),
    /// An alert was acknowledged.
    Acknowledged(AlertAcknowledged),
    /// An acknowledgement was taken back.
    Unacknowledged(AlertUnacknowledged),
    /// A message is to go out.
    Planned(NotificationPlanned),
    /// An attempt to deliver a message begins.
    Attempted(DeliveryAttempted),
    /// The receiver has taken the message.
    Succeeded(DeliverySucceeded),
    /// The receiver has not taken the message.
    Failed(DeliveryFailed),
    /// The message is not tried again by itself.
    GivenUp(DeliveryGivenUp),
    /// Somebody asks for one more attempt.
    Requested(DeliveryRequested);
    Pending(AlertPending),
    Fired(AlertFired),
    Resolved(AlertResolved),
    Stale(AlertStale),
    SeverityChanged(AlertSeverityChanged),
    Restated(AlertRestated),
}

impl Fact {
    /// The event to append. Its id follows from the stream, from `what` it is there, and from its content: whoever appends
    /// the same fact in the same place appends the same event.
    #[must_use]
    pub fn into_event(self, stream: &StreamName, what: &str, time: Timestamp) -> NewEvent {
        let data = self.encode();
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"urn:orewatch:event");
        let mut name = format!("{stream}/{what}/{}/", self.name()).into_bytes();
        name.extend_from_slice(&data);
        NewEvent {
            id: Uuid::new_v5(&namespace, &name),
            kind: format!("{}.{}", v1::PACKAGE, self.name()),
            time,
            data: data.into(),
            traceparent: orewatch_runtime::trace::traceparent(),
        }
    }
}

/// Reads the message of an event.
///
/// # Errors
/// [`Error::Corrupt`] if the data are no such message.
pub fn decode<M: Message + Default>(event: &Event) -> Result<M, Error> {
    M::decode(event.data.clone()).map_err(|error| Error::Corrupt {
        log: log_of(event),
        position: event.position,
        reason: format!("the data are no {}: {error}", event.kind),
    })
}

fn log_of(event: &Event) -> String {
    event.stream.as_str().split('.').next().unwrap_or_default().to_owned()
}

/// An event that contradicts its contract.
#[must_use]
pub fn corrupt(event: &Event, reason: impl Into<String>) -> Error {
    Error::Corrupt { log: log_of(event), position: event.position, reason: reason.into() }
}

/// Below the log, what belongs to tenants: `alerts.tenant.TENANT.KIND.NAME`, so that a reader can be let in to one tenant's.
const TENANT: &str = "tenant";

/// Stream of a thing: `alerts.KIND.NAME` of everyone's, `alerts.tenant.TENANT.KIND.NAME` of a tenant's.
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

/// Streams of what decides who is told.
macro_rules! streams {
    ($($name:ident, $kind:literal, $what:literal;)+) => {
        $(#[doc = concat!("Stream of ", $what, ".")]
        ///
        /// # Errors
        /// [`InvalidName`] for an identifier that none can have.
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

/// Stream of a message to a receiver: that it was planned, its attempts and how it ended.
///
/// # Errors
/// [`InvalidName`] for an identifier that none can have.
pub fn notification_stream(receiver: &str, id: &str) -> Result<StreamName, InvalidName> {
    stream("notification", &format!("{receiver}.{id}"))
}

/// What the streams of all messages to a receiver are under.
///
/// # Errors
/// [`InvalidName`] for an identifier that none can have.
pub fn notifications_to(receiver: &str) -> Result<StreamName, InvalidName> {
    stream("notification", receiver)
}

/// What the streams of all messages are under: everyone's, and those of tenants with all else that is theirs.
///
/// # Errors
/// None in practice: the names are constants.
pub fn notifications() -> Result<[StreamName; 2], InvalidName> {
    Ok([StreamName::new(format!("{LOG}.notification"))?, StreamName::new(format!("{LOG}.{TENANT}"))?])
}

/// Identifier of the receiver whose messages a stream holds; of another stream something that is none.
pub(crate) fn receiver_of(stream: &StreamName) -> Cow<'_, str> {
    let mut tokens = stream.as_str().split('.').skip(1);
    if tokens.next() != Some(TENANT) {
        return Cow::Borrowed(tokens.next().unwrap_or_default());
    }
    let (tenant, name) = (tokens.next().unwrap_or_default(), tokens.nth(1).unwrap_or_default());
    Cow::Owned(identifier_of(tenant, name))
}
