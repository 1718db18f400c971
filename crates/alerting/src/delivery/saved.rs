//! The deliverer's state in a snapshot.
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{DeliveryAttempt, Notification, Receiver};
use orewatch_contracts::time::{instant, timestamp};
use prost::Message as _;

use super::message::{Lease, MessageRecord, MessageStatus};
use super::receiver::{DisableReason, ReceiverRecord};
use super::state::DelivererState;

type Time = Option<prost_types::Timestamp>;

#[derive(Clone, PartialEq, prost::Message)]
struct SavedState {
    #[prost(message, repeated, tag = "1")]
    receivers: Vec<SavedReceiver>,
    #[prost(message, repeated, tag = "2")]
    messages: Vec<SavedMessage>,
    #[prost(message, repeated, tag = "3")]
    feeds: Vec<SavedFeed>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SavedReceiver {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(message, optional, tag = "2")]
    receiver: Option<Receiver>,
    #[prost(uint32, tag = "3")]
    revision: u32,
    #[prost(uint64, tag = "4")]
    position: u64,
    #[prost(message, optional, tag = "5")]
    put_at: Time,
    #[prost(message, optional, tag = "6")]
    disabled: Option<SavedDisableReason>,
    #[prost(message, optional, tag = "7")]
    to_disable: Option<SavedDisableReason>,
    #[prost(message, optional, tag = "8")]
    failing_since: Time,
    #[prost(message, optional, tag = "9")]
    paused_until: Time,
    #[prost(uint64, tag = "10")]
    delivered: u64,
    #[prost(uint64, tag = "11")]
    given_up: u64,
    #[prost(uint64, repeated, tag = "12")]
    open: Vec<u64>,
    #[prost(uint64, repeated, tag = "13")]
    ended: Vec<u64>,
    #[prost(message, optional, tag = "14")]
    newest_forgotten: Time,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SavedDisableReason {
    #[prost(message, optional, tag = "1")]
    since: Time,
    #[prost(string, tag = "2")]
    reason: String,
    #[prost(string, tag = "3")]
    notification: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SavedMessage {
    /// An encoded notification, so that it need not be copied before it is encoded.
    #[prost(bytes = "vec", tag = "1")]
    outline: Vec<u8>,
    #[prost(uint64, tag = "2")]
    planned: u64,
    #[prost(uint64, tag = "3")]
    last: u64,
    #[prost(uint32, tag = "4")]
    status: u32,
    #[prost(message, optional, tag = "5")]
    due: Time,
    #[prost(message, optional, tag = "6")]
    since: Time,
    #[prost(string, tag = "7")]
    reason: String,
    #[prost(message, optional, tag = "8")]
    lease: Option<SavedLease>,
    #[prost(string, optional, tag = "9")]
    requested_by: Option<String>,
    #[prost(message, repeated, tag = "10")]
    attempts: Vec<DeliveryAttempt>,
    #[prost(uint32, tag = "11")]
    attempt_count: u32,
    #[prost(uint32, tag = "12")]
    scheduled_attempts: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SavedLease {
    #[prost(uint32, tag = "1")]
    attempt: u32,
    #[prost(message, optional, tag = "2")]
    began: Time,
    #[prost(message, optional, tag = "3")]
    until: Time,
    #[prost(bool, tag = "4")]
    by_hand: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SavedFeed {
    #[prost(string, tag = "1")]
    receiver: String,
    #[prost(message, repeated, tag = "2")]
    messages: Vec<Notification>,
}

/// Encodes the state.
pub(crate) fn save(state: &DelivererState) -> Vec<u8> {
    let feed = |(receiver, messages): (&String, &std::collections::VecDeque<Arc<Notification>>)| SavedFeed {
        receiver: receiver.clone(),
        messages: messages.iter().map(|message| Notification::clone(message)).collect(),
    };
    let saved = SavedState {
        receivers: state.receivers.iter().map(|(id, record)| saved_receiver(id, record)).collect(),
        messages: state.messages.values().map(|message| saved_message(message)).collect(),
        feeds: state.feeds.iter().map(feed).collect(),
    };
    saved.encode_to_vec()
}

fn saved_receiver(id: &str, record: &ReceiverRecord) -> SavedReceiver {
    SavedReceiver {
        id: id.to_owned(),
        receiver: record.receiver.clone(),
        revision: record.revision,
        position: record.position,
        put_at: Some(timestamp(record.put_at)),
        disabled: record.disabled.as_ref().map(saved_disable_reason),
        to_disable: record.to_disable.as_ref().map(saved_disable_reason),
        failing_since: record.failing_since.map(timestamp),
        paused_until: record.paused_until.map(timestamp),
        delivered: record.delivered,
        given_up: record.given_up,
        open: record.open.iter().copied().collect(),
        ended: record.ended.iter().copied().collect(),
        newest_forgotten: record.newest_forgotten.map(timestamp),
    }
}

fn saved_disable_reason(disabled: &DisableReason) -> SavedDisableReason {
    let DisableReason { since, reason, notification } = disabled.clone();
    SavedDisableReason { since: Some(timestamp(since)), reason, notification }
}

fn saved_message(message: &MessageRecord) -> SavedMessage {
    let (status, due, since, reason) = match &message.status {
        MessageStatus::Waiting { due, since } => (0, *due, Some(*since), String::new()),
        MessageStatus::Delivered => (1, None, None, String::new()),
        MessageStatus::GivenUp(reason) => (2, None, None, reason.clone()),
    };
    SavedMessage {
        outline: message.outline.encode_to_vec(),
        planned: message.planned,
        last: message.last,
        status,
        due: due.map(timestamp),
        since: since.map(timestamp),
        reason,
        lease: message.lease.as_ref().map(saved_lease),
        requested_by: message.requested_by.clone(),
        attempts: message.attempts.iter().cloned().collect(),
        attempt_count: message.attempt_count,
        scheduled_attempts: message.scheduled_attempts,
    }
}

fn saved_lease(lease: &Lease) -> SavedLease {
    let Lease { attempt, began, until, by_hand } = *lease;
    SavedLease { attempt, began: Some(timestamp(began)), until: Some(timestamp(until)), by_hand }
}

/// A time that must be there.
fn time(saved: &Time) -> Option<Timestamp> {
    saved.as_ref().and_then(instant)
}

/// A time that may be missing: the outer `None` is an error.
fn optional_time(saved: &Time) -> Option<Option<Timestamp>> {
    saved.as_ref().map_or(Some(None), |saved| instant(saved).map(Some))
}

/// Decodes the state. None: the bytes are invalid.
pub(crate) fn load(bytes: &[u8]) -> Option<DelivererState> {
    let saved = SavedState::decode(bytes).ok()?;
    let messages: Vec<MessageRecord> = saved.messages.into_iter().map(message).collect::<Option<_>>()?;
    let by_id = messages.iter().map(|message| (message.outline.id.clone(), message.planned));
    let feed = |saved: SavedFeed| (saved.receiver, saved.messages.into_iter().map(Arc::new).collect());
    Some(DelivererState {
        receivers: saved.receivers.into_iter().map(receiver).collect::<Option<_>>()?,
        by_id: by_id.collect(),
        messages: messages.into_iter().map(|message| (message.planned, Arc::new(message))).collect(),
        feeds: saved.feeds.into_iter().map(feed).collect(),
        keeps_all: false,
    })
}

fn receiver(saved: SavedReceiver) -> Option<(String, Arc<ReceiverRecord>)> {
    let record = ReceiverRecord {
        receiver: saved.receiver,
        revision: saved.revision,
        position: saved.position,
        put_at: time(&saved.put_at)?,
        disabled: saved.disabled.map_or(Some(None), |saved| disable_reason(saved).map(Some))?,
        to_disable: saved.to_disable.map_or(Some(None), |saved| disable_reason(saved).map(Some))?,
        failing_since: optional_time(&saved.failing_since)?,
        paused_until: optional_time(&saved.paused_until)?,
        delivered: saved.delivered,
        given_up: saved.given_up,
        open: saved.open.into_iter().collect(),
        ended: saved.ended.into_iter().collect(),
        newest_forgotten: optional_time(&saved.newest_forgotten)?,
    };
    Some((saved.id, Arc::new(record)))
}

fn disable_reason(saved: SavedDisableReason) -> Option<DisableReason> {
    let SavedDisableReason { since, reason, notification } = saved;
    Some(DisableReason { since: time(&since)?, reason, notification })
}

fn message(saved: SavedMessage) -> Option<MessageRecord> {
    let status = match saved.status {
        0 => MessageStatus::Waiting { due: optional_time(&saved.due)?, since: time(&saved.since)? },
        1 => MessageStatus::Delivered,
        2 => MessageStatus::GivenUp(saved.reason),
        _ => return None,
    };
    Some(MessageRecord {
        outline: Arc::new(Notification::decode(saved.outline.as_slice()).ok()?),
        planned: saved.planned,
        last: saved.last,
        status,
        lease: saved.lease.map_or(Some(None), |saved| lease(&saved).map(Some))?,
        requested_by: saved.requested_by,
        attempts: saved.attempts.into(),
        attempt_count: saved.attempt_count,
        scheduled_attempts: saved.scheduled_attempts,
    })
}

fn lease(saved: &SavedLease) -> Option<Lease> {
    let SavedLease { attempt, by_hand, .. } = *saved;
    Some(Lease { attempt, began: time(&saved.began)?, until: time(&saved.until)?, by_hand })
}
