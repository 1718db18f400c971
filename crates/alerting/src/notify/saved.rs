//! The notifier's state in a snapshot: whatever cannot be derived from the rest of it.
//!
//! Identifiers are written once, in a table. An alert that is the same in the state of rules and alerts is
//! not written a second time. The form is one flat message, whichever owner holds a field in memory; a change
//! of its meaning needs a new `VERSION` of the fold.
mod read;
mod write;

use std::sync::Arc;

use orewatch_contracts::alerting::v1::{
    Acknowledgement, Alert, Inhibition, Restatement, Silence, Subscription,
};
use orewatch_contracts::common::v1::{Cause, Estimate};
use orewatch_rules::evolve;
use prost::Message;

pub(crate) use read::load;
pub(crate) use write::save;

type Time = Option<prost_types::Timestamp>;

/// The state of the notifier.
#[derive(Clone, PartialEq, Message)]
struct SavedState {
    /// Identifiers; everything that follows refers to them by their index.
    #[prost(string, repeated, tag = "1")]
    ids: Vec<String>,
    #[prost(uint64, tag = "2")]
    position: u64,
    #[prost(message, optional, tag = "3")]
    time: Time,
    #[prost(bool, tag = "4")]
    is_evaluating: bool,
    #[prost(message, repeated, tag = "5")]
    bands: Vec<SavedBands>,
    #[prost(message, repeated, tag = "6")]
    alerts: Vec<SavedAlert>,
    #[prost(message, repeated, tag = "7")]
    subscriptions: Vec<SavedSubscription>,
    #[prost(message, repeated, tag = "8")]
    silences: Vec<SavedSilence>,
    #[prost(message, repeated, tag = "9")]
    inhibitions: Vec<SavedInhibition>,
    #[prost(message, repeated, tag = "10")]
    acknowledgements: Vec<SavedAcknowledgement>,
    #[prost(message, repeated, tag = "11")]
    receivers: Vec<SavedReceiver>,
    #[prost(message, repeated, tag = "12")]
    last_sent: Vec<SavedLastSent>,
    #[prost(message, repeated, tag = "13")]
    outbox: Vec<SavedOutboxMessage>,
    #[prost(message, repeated, tag = "14")]
    notices: Vec<SavedNotice>,
    #[prost(uint64, tag = "15")]
    refusals: u64,
}

#[derive(Clone, PartialEq, Message)]
struct SavedBands {
    #[prost(string, tag = "1")]
    rule: String,
    #[prost(string, repeated, tag = "2")]
    severities: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct SavedAlert {
    #[prost(uint32, tag = "1")]
    id: u32,
    /// None: the same as in the state of rules and alerts.
    #[prost(bytes = "vec", optional, tag = "2")]
    alert: Option<Vec<u8>>,
    #[prost(bool, tag = "3")]
    is_firing: bool,
    #[prost(bytes = "vec", tag = "4")]
    event: Vec<u8>,
    #[prost(message, optional, tag = "5")]
    time: Time,
    #[prost(uint64, tag = "6")]
    position: u64,
    #[prost(uint64, tag = "7")]
    fired_position: u64,
    #[prost(message, optional, tag = "8")]
    fired_time: Time,
    #[prost(message, optional, tag = "9")]
    fired: Option<SavedFiredWith>,
    #[prost(message, optional, tag = "10")]
    restated: Option<Restatement>,
    #[prost(uint32, repeated, tag = "11")]
    silences: Vec<u32>,
    #[prost(uint32, optional, tag = "12")]
    inhibited_by: Option<u32>,
    #[prost(message, optional, tag = "13")]
    unmuted: Option<SavedUnmuted>,
    #[prost(message, optional, tag = "14")]
    unacknowledged_at: Time,
    #[prost(uint32, repeated, tag = "15")]
    subscriptions: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct SavedFiredWith {
    #[prost(message, optional, tag = "1")]
    estimate: Option<Estimate>,
    #[prost(string, tag = "2")]
    period: String,
    #[prost(message, optional, tag = "3")]
    cause: Option<Cause>,
}

#[derive(Clone, PartialEq, Message)]
struct SavedUnmuted {
    #[prost(message, optional, tag = "1")]
    at: Time,
    #[prost(uint32, tag = "2")]
    from: u32,
}

#[derive(Clone, PartialEq, Message)]
struct SavedSubscription {
    #[prost(uint32, tag = "1")]
    id: u32,
    #[prost(message, optional, tag = "2")]
    subscription: Option<Subscription>,
    #[prost(uint32, tag = "3")]
    revision: u32,
    #[prost(uint64, tag = "4")]
    position: u64,
    #[prost(message, optional, tag = "5")]
    put_at: Time,
    #[prost(message, repeated, tag = "6")]
    members: Vec<SavedMember>,
    #[prost(message, repeated, tag = "7")]
    groups: Vec<SavedGroup>,
    #[prost(uint32, repeated, tag = "8")]
    refused: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct SavedMember {
    #[prost(uint32, tag = "1")]
    alert: u32,
    #[prost(uint32, tag = "2")]
    group: u32,
    #[prost(message, optional, tag = "3")]
    since: Time,
    #[prost(message, optional, tag = "4")]
    changed_at: Time,
    #[prost(message, repeated, tag = "5")]
    notified: Vec<SavedLastNotification>,
    #[prost(uint32, tag = "6")]
    severity: u32,
    #[prost(message, optional, tag = "7")]
    urgent: Time,
    #[prost(message, optional, tag = "8")]
    update: Time,
    #[prost(message, optional, tag = "9")]
    repeat: Time,
    #[prost(message, optional, tag = "10")]
    escalation: Time,
}

#[derive(Clone, PartialEq, Message)]
struct SavedLastNotification {
    #[prost(uint32, tag = "1")]
    receiver: u32,
    #[prost(uint64, tag = "2")]
    position: u64,
    #[prost(bool, tag = "3")]
    is_firing: bool,
    #[prost(message, optional, tag = "4")]
    first_at: Time,
    #[prost(message, optional, tag = "5")]
    last_at: Time,
    #[prost(bytes = "vec", tag = "6")]
    message: Vec<u8>,
    #[prost(uint32, tag = "7")]
    outcome: u32,
}

#[derive(Clone, PartialEq, Message)]
struct SavedGroup {
    #[prost(uint32, tag = "1")]
    id: u32,
    #[prost(uint32, repeated, tag = "2")]
    resolved_unsent: Vec<u32>,
    #[prost(message, optional, tag = "3")]
    due: Time,
}

#[derive(Clone, PartialEq, Message)]
struct SavedSilence {
    #[prost(message, optional, tag = "1")]
    silence: Option<Silence>,
    #[prost(uint32, tag = "2")]
    revision: u32,
    #[prost(uint64, tag = "3")]
    position: u64,
    #[prost(message, optional, tag = "4")]
    from: Time,
    #[prost(message, optional, tag = "5")]
    until: Time,
    #[prost(uint32, repeated, tag = "6")]
    alerts: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct SavedInhibition {
    #[prost(uint32, tag = "1")]
    id: u32,
    #[prost(message, optional, tag = "2")]
    inhibition: Option<Inhibition>,
    #[prost(uint32, tag = "3")]
    revision: u32,
    #[prost(uint64, tag = "4")]
    position: u64,
}

#[derive(Clone, PartialEq, Message)]
struct SavedAcknowledgement {
    #[prost(uint32, tag = "1")]
    alert: u32,
    #[prost(uint64, tag = "2")]
    position: u64,
    #[prost(message, optional, tag = "3")]
    last: Option<Acknowledgement>,
    #[prost(message, optional, tag = "4")]
    since: Time,
}

#[derive(Clone, PartialEq, Message)]
struct SavedReceiver {
    #[prost(uint32, tag = "1")]
    id: u32,
    #[prost(uint32, optional, tag = "2")]
    fallback: Option<u32>,
    #[prost(uint64, optional, tag = "3")]
    heartbeat_seconds: Option<u64>,
    #[prost(uint32, tag = "4")]
    heartbeat_nanos: u32,
    #[prost(message, optional, tag = "5")]
    since: Time,
    #[prost(message, optional, tag = "6")]
    disabled: Time,
    #[prost(string, tag = "7")]
    disabled_reason: String,
    #[prost(message, optional, tag = "8")]
    failing_since: Time,
    #[prost(message, optional, tag = "9")]
    last_heartbeat: Time,
}

#[derive(Clone, PartialEq, Message)]
struct SavedLastSent {
    #[prost(uint32, tag = "1")]
    subscription: u32,
    #[prost(uint32, tag = "2")]
    group: u32,
    #[prost(uint32, tag = "3")]
    receiver: u32,
    #[prost(uint32, tag = "4")]
    sequence: u32,
    #[prost(message, optional, tag = "5")]
    at: Time,
}

#[derive(Clone, PartialEq, Message)]
struct SavedOutboxMessage {
    #[prost(string, tag = "1")]
    message: String,
    #[prost(uint32, tag = "2")]
    receiver: u32,
    #[prost(uint32, tag = "3")]
    subscription: u32,
    #[prost(uint32, tag = "4")]
    group: u32,
    #[prost(uint32, repeated, tag = "5")]
    alerts: Vec<u32>,
    #[prost(bool, tag = "6")]
    has_notice: bool,
}

#[derive(Clone, PartialEq, Message)]
struct SavedNotice {
    #[prost(uint32, tag = "1")]
    fallback: u32,
    #[prost(uint32, tag = "2")]
    receiver: u32,
    #[prost(uint32, tag = "3")]
    subscription: u32,
    #[prost(uint32, tag = "4")]
    group: u32,
    #[prost(message, optional, tag = "5")]
    due: Time,
    #[prost(message, optional, tag = "6")]
    since: Time,
    #[prost(string, tag = "7")]
    reason: String,
    #[prost(uint32, repeated, tag = "8")]
    alerts: Vec<u32>,
}

/// An alert in the state of rules and alerts.
fn recorded<'a>(rules: &'a evolve::RulesState, alert: &str) -> Option<&'a Arc<Alert>> {
    rules.alerts().get(alert)?.alert.as_ref()
}
