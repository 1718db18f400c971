//! Command and state give the events to append.
use orewatch_contracts::alerting::v1::{
    DeliveryRequested, Notification, Receiver, ReceiverEnabled, ReceiverPut, ReceiverRemoved,
};
use orewatch_eventlog::Position;
use orewatch_runtime::{Class, Failure};

use super::check::wrong;
use super::evolve::{Message, Place, Standing, State};
use crate::facts::Fact;

/// Most receivers at a time.
const MOST_RECEIVERS: usize = 500;

/// Creates or revises a receiver that was checked. None: an equal one stands.
///
/// # Errors
/// [`Class::Invalid`] for a fallback that does not stand; [`Class::Exhausted`] if there are too many.
pub fn put(state: &State, receiver: &Receiver, actor: &str) -> Result<Option<Fact>, Failure> {
    let last = state.receivers().get(&receiver.id);
    if last.is_some_and(|last| last.receiver.as_ref() == Some(receiver)) {
        return Ok(None);
    }
    if !receiver.fallback.is_empty() && state.receiver(&receiver.fallback).is_none() {
        let hint = "put that receiver first";
        return Err(wrong("fallback", &receiver.fallback, "there is no receiver of this name", hint));
    }
    let is_new = state.receiver(&receiver.id).is_none();
    let count = state.receivers().values().filter(|standing| standing.receiver.is_some()).count();
    if is_new && count >= MOST_RECEIVERS {
        let message = format!("there are {MOST_RECEIVERS} receivers already");
        return Err(Failure::new(Class::Exhausted, "too-many-receivers", message)
            .at("id", &receiver.id)
            .with_hint("remove some that are not used any more"));
    }
    let revision = last.map_or(0, |last| last.revision).saturating_add(1);
    Ok(Some(Fact::ReceiverPut(ReceiverPut {
        receiver: Some(receiver.clone()),
        revision,
        actor: actor.to_owned(),
    })))
}

/// Removes a receiver. None: there is none.
#[must_use]
pub fn remove(state: &State, receiver: &str, actor: &str) -> Option<Fact> {
    let standing = state.receiver(receiver)?;
    Some(Fact::ReceiverRemoved(ReceiverRemoved {
        receiver: receiver.to_owned(),
        revision: standing.revision,
        actor: actor.to_owned(),
    }))
}

/// Sends to a disabled receiver again. None: it is sent to.
///
/// # Errors
/// [`Class::NotFound`] if there is none.
pub fn enable(state: &State, receiver: &str, actor: &str) -> Result<Option<Fact>, Failure> {
    let standing = standing(state, receiver)?;
    Ok((standing.disabled.is_some() || standing.doomed.is_some()).then(|| {
        Fact::ReceiverEnabled(ReceiverEnabled { receiver: receiver.to_owned(), actor: actor.to_owned() })
    }))
}

/// A receiver that stands.
///
/// # Errors
/// [`Class::NotFound`] if there is none.
pub fn standing<'a>(state: &'a State, receiver: &str) -> Result<&'a Standing, Failure> {
    state.receiver(receiver).ok_or_else(|| {
        let missing =
            Failure::new(Class::NotFound, "unknown-receiver", format!("there is no receiver {receiver:?}"));
        missing.at("receiver", receiver).with_hint("list the receivers to see which there are")
    })
}

/// Position that an append to a receiver's stream expects.
#[must_use]
pub fn expectation(state: &State, receiver: &str) -> Position {
    state.receivers().get(receiver).map_or(0, |standing| standing.position)
}

/// One more attempt of a message, by hand. None: one is asked for or under way already.
#[must_use]
pub fn request(message: &Message, whole: Notification, actor: &str) -> Option<Fact> {
    if message.requested.is_some() || message.lease.is_some() {
        return None;
    }
    let given_up = match &message.place {
        Place::GivenUp(reason) => reason.clone(),
        Place::Waiting { .. } | Place::Delivered => String::new(),
    };
    let (attempts, actor) = (message.attempt_count, actor.to_owned());
    Some(Fact::Requested(DeliveryRequested { notification: Some(whole), attempts, given_up, actor }))
}
