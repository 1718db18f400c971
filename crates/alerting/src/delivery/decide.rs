//! Command and state give the event to append, or what is wrong with the command.
use orewatch_contracts::alerting::v1::{
    AlertEvent, DeliveryRequested, Notification, Receiver, ReceiverEnabled, ReceiverPut, ReceiverRemoved,
};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::Position;
use orewatch_receivers::invalid_receiver;

use super::message::{MessageRecord, MessageStatus};
use super::receiver::ReceiverRecord;
use super::state::DelivererState;
use crate::notify::limits::{Count, check_room};

/// Receivers of all tenants.
const MAX_RECEIVERS: usize = 500;

/// Decides to create or revise a receiver that was checked. None: there is an equal one.
///
/// # Errors
/// [`Class::Invalid`] for a fallback that does not exist; [`Class::Exhausted`] if there are too many
/// receivers.
pub fn put_receiver(
    state: &DelivererState,
    receiver: &Receiver,
    actor: &str,
) -> Result<Option<AlertEvent>, Failure> {
    let last = state.receivers().get(&receiver.id);
    if last.is_some_and(|last| last.receiver.as_ref() == Some(receiver)) {
        return Ok(None);
    }
    if !receiver.fallback.is_empty() && state.receiver(&receiver.fallback).is_none() {
        let hint = "put that receiver first";
        return Err(invalid_receiver(
            "fallback",
            &receiver.fallback,
            "there is no receiver of this name",
            hint,
        ));
    }
    if state.receiver(&receiver.id).is_none() {
        let current = state.receivers().iter().filter(|(_, record)| record.receiver.is_some());
        let count = Count::before_adding(current.map(|(id, _)| &**id), &receiver.id);
        check_room("receivers", count, MAX_RECEIVERS)?;
    }
    let revision = last.map_or(0, |last| last.revision).saturating_add(1);
    Ok(Some(AlertEvent::ReceiverPut(ReceiverPut {
        receiver: Some(receiver.clone()),
        revision,
        actor: actor.to_owned(),
    })))
}

/// Decides to remove a receiver. None: there is none.
#[must_use]
pub fn remove_receiver(state: &DelivererState, receiver: &str, actor: &str) -> Option<AlertEvent> {
    let record = state.receiver(receiver)?;
    Some(AlertEvent::ReceiverRemoved(ReceiverRemoved {
        receiver: receiver.to_owned(),
        revision: record.revision,
        actor: actor.to_owned(),
    }))
}

/// Decides to enable a disabled receiver. None: it is enabled.
///
/// # Errors
/// [`Class::NotFound`] if there is none.
pub fn enable_receiver(
    state: &DelivererState,
    receiver: &str,
    actor: &str,
) -> Result<Option<AlertEvent>, Failure> {
    let record = find_receiver(state, receiver)?;
    Ok((record.disabled.is_some() || record.to_disable.is_some()).then(|| {
        AlertEvent::ReceiverEnabled(ReceiverEnabled {
            receiver: receiver.to_owned(),
            actor: actor.to_owned(),
        })
    }))
}

/// Finds a receiver that is not removed.
///
/// # Errors
/// [`Class::NotFound`] if there is none.
pub fn find_receiver<'a>(state: &'a DelivererState, receiver: &str) -> Result<&'a ReceiverRecord, Failure> {
    state.receiver(receiver).ok_or_else(|| {
        let missing =
            Failure::new(Class::NotFound, "unknown-receiver", format!("there is no receiver {receiver:?}"));
        missing.at("receiver", receiver).with_hint("list the receivers to see which there are")
    })
}

/// Position that an append to a receiver's stream expects.
#[must_use]
pub fn expected_position(state: &DelivererState, receiver: &str) -> Position {
    state.receivers().get(receiver).map_or(0, |record| record.position)
}

/// Decides to request one more attempt of a message. None: one is requested or in progress.
#[must_use]
pub fn request_attempt(message: &MessageRecord, whole: Notification, actor: &str) -> Option<AlertEvent> {
    if message.requested_by.is_some() || message.lease.is_some() {
        return None;
    }
    let given_up = match &message.status {
        MessageStatus::GivenUp(reason) => reason.clone(),
        MessageStatus::Waiting { .. } | MessageStatus::Delivered => String::new(),
    };
    let (attempts, actor) = (message.attempt_count, actor.to_owned());
    Some(AlertEvent::DeliveryRequested(DeliveryRequested {
        notification: Some(whole),
        attempts,
        given_up,
        actor,
    }))
}
