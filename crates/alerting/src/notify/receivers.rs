//! What planning has to know of receivers: whether they are sent to, and which fallback they have. How they
//! are reached is the concern of [`delivery`](crate::delivery).
use std::time::Duration;

use jiff::Timestamp;
use orewatch_catalog::closest;
use orewatch_contracts::alerting::v1::Receiver;
use orewatch_contracts::time::{duration, later};
use orewatch_contracts::{Class, Failure};
use orewatch_rules::shared::SharedMap;
use orewatch_rules::tenant::tenant_of;

use super::Id;

/// A receiver, as far as planning is concerned.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiverStatus {
    /// The receiver that gets its messages while it is disabled.
    pub fallback: Option<Id>,
    /// Interval of its heartbeats. None: it gets none.
    pub heartbeat: Option<Duration>,
    /// The instant from which that interval counts.
    pub since: Timestamp,
    /// When and why it was disabled. None: it is enabled.
    pub disabled: Option<(Timestamp, String)>,
    /// When the first of the failed attempts since the last success ended. None: the last attempt succeeded.
    pub failing_since: Option<Timestamp>,
    /// When its last heartbeat was planned.
    pub last_heartbeat: Option<Timestamp>,
}

impl ReceiverStatus {
    /// When its next heartbeat is due. None: it gets none, or it is disabled.
    pub(super) fn next_heartbeat(&self) -> Option<Timestamp> {
        let interval = self.heartbeat.filter(|_| self.disabled.is_none())?;
        Some(later(self.last_heartbeat.unwrap_or(self.since).max(self.since), interval))
    }
}

/// All receivers, by identifier.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Receivers(SharedMap<Id, ReceiverStatus>);

impl Receivers {
    /// Creates or revises a receiver, which enables it.
    pub(super) fn put(&mut self, receiver: &Receiver, time: Timestamp) {
        let fallback = Some(&receiver.fallback).filter(|fallback| !fallback.is_empty());
        let heartbeat = receiver.heartbeat.as_ref().and_then(duration);
        let old = self.0.get(receiver.id.as_str());
        let same_interval = old.filter(|old| old.heartbeat == heartbeat);
        let status = ReceiverStatus {
            fallback: fallback.map(|fallback| fallback.as_str().into()),
            heartbeat: heartbeat.filter(|interval| !interval.is_zero()),
            since: same_interval.map_or(time, |old| old.since),
            // Failures of the revision before say nothing about this one.
            disabled: None,
            failing_since: None,
            last_heartbeat: old.and_then(|old| old.last_heartbeat),
        };
        self.0.insert(receiver.id.as_str().into(), status);
    }

    /// Removes a receiver.
    pub(super) fn remove(&mut self, receiver: &str) {
        self.0.remove(receiver);
    }

    /// Disables a receiver. The first reason stays.
    pub(super) fn disable(&mut self, receiver: &str, time: Timestamp, reason: &str) {
        if let Some(status) = self.0.get_mut(receiver) {
            status.disabled.get_or_insert_with(|| (time, reason.to_owned()));
        }
    }

    /// Enables a receiver.
    pub(super) fn enable(&mut self, receiver: &str) {
        if let Some(status) = self.0.get_mut(receiver) {
            (status.disabled, status.failing_since) = (None, None);
        }
    }

    /// Records a failed attempt.
    pub(super) fn record_failure(&mut self, receiver: &str, time: Timestamp) {
        if let Some(status) = self.0.get_mut(receiver) {
            status.failing_since.get_or_insert(time);
        }
    }

    /// Records a successful attempt.
    pub(super) fn record_success(&mut self, receiver: &str) {
        if let Some(status) = self.0.get_mut(receiver) {
            status.failing_since = None;
        }
    }

    /// Records that a heartbeat is planned.
    pub(super) fn record_heartbeat(&mut self, receiver: &str, time: Timestamp) {
        if let Some(status) = self.0.get_mut(receiver) {
            status.last_heartbeat = Some(time);
        }
    }

    /// A receiver.
    #[must_use]
    pub fn get(&self, receiver: &str) -> Option<&ReceiverStatus> {
        self.0.get(receiver)
    }

    /// All of them, by identifier.
    pub fn iter(&self) -> impl Iterator<Item = (&Id, &ReceiverStatus)> {
        self.0.iter()
    }

    /// When the next heartbeat of a receiver is due, with the receiver's shared identifier.
    pub(super) fn next_heartbeat(&self, receiver: &str) -> Option<(Timestamp, Id)> {
        let (id, status) = self.0.get_key_value(receiver)?;
        Some((status.next_heartbeat()?, id.clone()))
    }

    /// Whether a receiver exists and is enabled.
    #[must_use]
    pub fn is_enabled(&self, receiver: &str) -> bool {
        self.0.get(receiver).is_some_and(|status| status.disabled.is_none())
    }

    /// The receiver that gets messages for another: that one itself or, while it is disabled, its fallback if
    /// that is enabled. None: messages wait until one of them is enabled.
    #[must_use]
    pub fn resolve(&self, receiver: &str) -> Option<&Id> {
        let (id, status) = self.0.get_key_value(receiver)?;
        if status.disabled.is_none() {
            return Some(id);
        }
        let (id, status) = self.0.get_key_value(status.fallback.as_deref()?)?;
        status.disabled.is_none().then_some(id)
    }

    /// Whether messages for a receiver may go to another: it is the same, or its fallback.
    #[must_use]
    pub fn may_resolve_to(&self, receiver: &Id, other: &str) -> bool {
        let fallback = self.0.get(receiver).and_then(|status| status.fallback.as_deref());
        &**receiver == other || fallback == Some(other)
    }

    /// Checks that a receiver exists. The hint names only receivers of the same tenant.
    ///
    /// # Errors
    /// [`Class::Invalid`] if it does not, with a similar identifier if there is one.
    pub fn check_exists(&self, field: &str, receiver: &str) -> Result<(), Failure> {
        if self.0.contains_key(receiver) {
            return Ok(());
        }
        let tenant = tenant_of(receiver);
        let own = self.0.keys().map(|id| &**id).filter(|id| tenant_of(id) == tenant);
        let own: Vec<&str> = own.collect();
        let hint = match closest(receiver, own.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None if own.is_empty() => "put a receiver first: orewatch receivers apply".to_owned(),
            None => format!("there are {}", own.join(", ")),
        };
        let message = format!("there is no receiver {receiver:?}");
        Err(Failure::new(Class::Invalid, "unknown-receiver", message).at(field, receiver).with_hint(hint))
    }
}

impl FromIterator<(Id, ReceiverStatus)> for Receivers {
    fn from_iter<I: IntoIterator<Item = (Id, ReceiverStatus)>>(receivers: I) -> Self {
        Self(receivers.into_iter().collect())
    }
}
