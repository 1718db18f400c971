//! The alerts log: its streams, its events, and how they are written and read.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::alert_transition::Event as Transition;
use orewatch_contracts::alerting::v1::{EvaluationBegun, ExposuresEvaluated, PACKAGE, RulePut, RuleRemoved};
use orewatch_eventlog::{Error, Event, InvalidName, NewEvent, StreamName};
use prost::Message;
use uuid::Uuid;

/// Name of the log.
pub const LOG: &str = "alerts";

/// A fact on the alerts log.
#[allow(clippy::large_enum_variant, reason = "facts are read, folded and dropped one at a time")]
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A rule was created or revised.
    RulePut(RulePut),
    /// A rule was removed.
    RuleRemoved(RuleRemoved),
    /// An evaluation begins.
    Begun(EvaluationBegun),
    /// An alert changed.
    Alert(Transition),
    /// An evaluation is complete.
    Evaluated(ExposuresEvaluated),
}

impl Fact {
    /// Name of its message, without the package.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::RulePut(_) => "RulePut",
            Self::RuleRemoved(_) => "RuleRemoved",
            Self::Begun(_) => "EvaluationBegun",
            Self::Alert(Transition::Pending(_)) => "AlertPending",
            Self::Alert(Transition::Fired(_)) => "AlertFired",
            Self::Alert(Transition::Resolved(_)) => "AlertResolved",
            Self::Alert(Transition::Stale(_)) => "AlertStale",
            Self::Alert(Transition::SeverityChanged(_)) => "AlertSeverityChanged",
            Self::Alert(Transition::Restated(_)) => "AlertRestated",
            Self::Evaluated(_) => "ExposuresEvaluated",
        }
    }

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
            kind: format!("{PACKAGE}.{}", self.name()),
            time,
            data: data.into(),
            traceparent: orewatch_runtime::trace::traceparent(),
        }
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::RulePut(fact) => fact.encode_to_vec(),
            Self::RuleRemoved(fact) => fact.encode_to_vec(),
            Self::Begun(fact) => fact.encode_to_vec(),
            Self::Alert(Transition::Pending(fact)) => fact.encode_to_vec(),
            Self::Alert(Transition::Fired(fact)) => fact.encode_to_vec(),
            Self::Alert(Transition::Resolved(fact)) => fact.encode_to_vec(),
            Self::Alert(Transition::Stale(fact)) => fact.encode_to_vec(),
            Self::Alert(Transition::SeverityChanged(fact)) => fact.encode_to_vec(),
            Self::Alert(Transition::Restated(fact)) => fact.encode_to_vec(),
            Self::Evaluated(fact) => fact.encode_to_vec(),
        }
    }

    /// Reads an event. None: an event of a kind that a later version wrote.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if its data are not what its kind says.
    pub fn read(event: &Event) -> Result<Option<Self>, Error> {
        let fact = match event.kind.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('.')) {
            Some("RulePut") => Self::RulePut(decode(event)?),
            Some("RuleRemoved") => Self::RuleRemoved(decode(event)?),
            Some("EvaluationBegun") => Self::Begun(decode(event)?),
            Some("AlertPending") => Self::Alert(Transition::Pending(decode(event)?)),
            Some("AlertFired") => Self::Alert(Transition::Fired(decode(event)?)),
            Some("AlertResolved") => Self::Alert(Transition::Resolved(decode(event)?)),
            Some("AlertStale") => Self::Alert(Transition::Stale(decode(event)?)),
            Some("AlertSeverityChanged") => Self::Alert(Transition::SeverityChanged(decode(event)?)),
            Some("AlertRestated") => Self::Alert(Transition::Restated(decode(event)?)),
            Some("ExposuresEvaluated") => Self::Evaluated(decode(event)?),
            _ => return Ok(None),
        };
        Ok(Some(fact))
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

/// Stream of a rule.
///
/// # Errors
/// [`InvalidName`] for an identifier that no rule can have.
pub fn rule_stream(rule: &str) -> Result<StreamName, InvalidName> {
    StreamName::new(format!("{LOG}.rule.{rule}"))
}

/// Stream of an alert.
///
/// # Errors
/// [`InvalidName`] for an identifier that no alert can have.
pub fn alert_stream(alert: &str) -> Result<StreamName, InvalidName> {
    StreamName::new(format!("{LOG}.alert.{}", alert.replace('/', ".")))
}

/// Stream on which evaluations begin and end.
///
/// # Errors
/// None in practice: the name is a constant.
pub fn evaluations_stream() -> Result<StreamName, InvalidName> {
    StreamName::new(format!("{LOG}.evaluations"))
}
