//! Owner of what is due: when groups and heartbeats are due, what is on its way to receivers, and what
//! fallbacks have to be notified of.
//!
//! It knows when, and not to whom or why: those follow from [`RoutingState`](super::routing::RoutingState)
//! and [`MutingState`](super::muting::MutingState) when a message is planned.
//!
//! Invariants:
//! - `groups` has each group exactly once whose [`Group::due`](super::group::Group) is set, under that time.
//! - `heartbeats` has each enabled receiver with heartbeats exactly once, under the time of its next one.
//! - `outbox` has the messages that are planned and neither delivered nor given up.
//! - An entry of `last_sent` outlives its group: numbers continue if the group comes back, so that the
//!   identifier of its next message, which follows from the number, is a new one.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::Notification;
use orewatch_contracts::time::later;
use orewatch_rules::shared::{SharedMap, SharedSet};

use super::Id;

/// How long a notice to a fallback waits for others: a receiver that fails often leaves several messages.
const FALLBACK_NOTICE_WAIT: Duration = Duration::from_secs(10);

/// Sorts after every identifier.
const LAST_ID: &str = "\u{10ffff}";

/// The last message of a group to a receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastSent {
    /// Its number, from 1.
    pub sequence: u32,
    /// When it was planned. None: there were only drills.
    pub at: Option<Timestamp>,
}

/// A message that is planned and neither delivered nor given up.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxMessage {
    pub(super) receiver: Id,
    pub(super) subscription: Id,
    pub(super) group: Id,
    pub(super) alerts: Vec<Id>,
    /// Its fallback has a notice already, or needs none.
    pub(super) has_notice: bool,
}

impl OutboxMessage {
    /// A message that was just planned.
    pub(super) fn from_notification(notification: &Notification) -> Self {
        let alerts = notification.alerts.iter().filter_map(|told| told.alert.as_ref());
        Self {
            receiver: notification.receiver.as_str().into(),
            subscription: notification.subscription.as_str().into(),
            group: notification.group.as_str().into(),
            alerts: alerts.map(|alert| alert.id.as_str().into()).collect(),
            has_notice: notification.drill,
        }
    }
}

/// The recipient of a fallback notice, and the failed receiver and group that it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FallbackAddress {
    /// The receiver that is notified.
    pub(super) fallback: Id,
    /// The receiver that cannot be reached.
    pub(super) receiver: Id,
    pub(super) subscription: Id,
    pub(super) group: Id,
}

/// A notice to a fallback: messages to a receiver were not delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct FallbackNotice {
    pub(super) due: Timestamp,
    /// When the receiver began to fail.
    pub(super) since: Timestamp,
    pub(super) reason: String,
    /// The alerts of the messages that were not delivered.
    pub(super) alerts: BTreeSet<Id>,
}

/// When messages are due, and what became of those that were planned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DueState {
    pub(super) groups: SharedSet<(Timestamp, Id, Id)>,
    pub(super) heartbeats: SharedSet<(Timestamp, Id)>,
    pub(super) notices: Arc<BTreeMap<FallbackAddress, FallbackNotice>>,
    /// By subscription, group and receiver.
    pub(super) last_sent: SharedMap<(Id, Id, Id), LastSent>,
    /// By identifier of the message.
    pub(super) outbox: SharedMap<String, Arc<OutboxMessage>>,
}

impl DueState {
    /// The last message of a group to a receiver.
    #[must_use]
    pub fn last_sent(&self, subscription: &Id, group: &Id, receiver: &Id) -> LastSent {
        let key = (subscription.clone(), group.clone(), receiver.clone());
        self.last_sent.get(&key).copied().unwrap_or_default()
    }

    /// Moves a group from one due time to another.
    pub(super) fn move_group(
        &mut self,
        subscription: &Id,
        group: &Id,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) {
        if let Some(from) = from {
            self.groups.remove(&(from, subscription.clone(), group.clone()));
        }
        if let Some(to) = to {
            self.groups.insert((to, subscription.clone(), group.clone()));
        }
    }

    /// Moves the heartbeat of a receiver from one due time to another.
    pub(super) fn move_heartbeat(&mut self, from: Option<(Timestamp, Id)>, to: Option<(Timestamp, Id)>) {
        if let Some(from) = from {
            self.heartbeats.remove(&from);
        }
        if let Some(to) = to {
            self.heartbeats.insert(to);
        }
    }

    /// Records that a message is planned. The interval of its group goes on: see
    /// [`start_interval`](Self::start_interval).
    pub(super) fn plan_message(&mut self, notification: &Notification) {
        let key = message_key(notification);
        self.last_sent.update(&key, |last| last.sequence = last.sequence.max(notification.sequence));
        let message = OutboxMessage::from_notification(notification);
        self.outbox.insert(notification.id.clone(), Arc::new(message));
    }

    /// Starts the interval of a group anew with its last message.
    pub(super) fn start_interval(&mut self, notification: &Notification, time: Timestamp) {
        if let Some(last) = self.last_sent.get_mut(&message_key(notification)) {
            last.at = Some(last.at.map_or(time, |last| last.max(time)));
        }
    }

    /// Removes a message that was delivered or given up.
    pub(super) fn end_message(&mut self, id: &str) -> Option<Arc<OutboxMessage>> {
        self.outbox.remove(id)
    }

    /// A message that failed and whose fallback has no notice yet; from now on it counts as having one.
    pub(super) fn take_unnoticed(&mut self, id: &str) -> Option<Arc<OutboxMessage>> {
        let message = self.outbox.get_mut(id).filter(|message| !message.has_notice)?;
        Arc::make_mut(message).has_notice = true;
        Some(Arc::clone(message))
    }

    /// Adds a failed message to the notice of a fallback.
    pub(super) fn add_notice(
        &mut self,
        fallback: Id,
        message: &OutboxMessage,
        since: Timestamp,
        reason: &str,
        now: Timestamp,
    ) {
        let address = FallbackAddress {
            fallback,
            receiver: message.receiver.clone(),
            subscription: message.subscription.clone(),
            group: message.group.clone(),
        };
        let notice = Arc::make_mut(&mut self.notices).entry(address).or_insert_with(|| FallbackNotice {
            due: later(now, FALLBACK_NOTICE_WAIT),
            since,
            reason: reason.to_owned(),
            alerts: BTreeSet::new(),
        });
        notice.alerts.extend(message.alerts.iter().cloned());
    }

    /// Removes the notices that a planned message has given.
    pub(super) fn remove_notices(&mut self, notification: &Notification) {
        if self.notices.is_empty() {
            return;
        }
        Arc::make_mut(&mut self.notices).retain(|address, _| {
            (&*address.fallback, &*address.subscription, &*address.group)
                != (notification.receiver.as_str(), &*notification.subscription, &*notification.group)
        });
    }

    /// The groups that are due, the earliest first.
    pub(super) fn due_groups(&self, now: Timestamp) -> impl Iterator<Item = (&Id, &Id)> {
        let due = self.groups.iter().take_while(move |(due, ..)| *due <= now);
        due.map(|(_, subscription, group)| (subscription, group))
    }

    /// The receivers whose heartbeat is due, the earliest first. However many were missed, one is due.
    pub(super) fn due_heartbeats(&self, now: Timestamp) -> impl Iterator<Item = &Id> {
        self.heartbeats.iter().take_while(move |(due, _)| *due <= now).map(|(_, receiver)| receiver)
    }

    /// The notices that are due.
    pub(super) fn due_notices(
        &self,
        now: Timestamp,
    ) -> impl Iterator<Item = (&FallbackAddress, &FallbackNotice)> {
        self.notices.iter().filter(move |(_, notice)| notice.due <= now)
    }

    /// Whether anything is due at an instant. It takes no time to ask.
    pub(super) fn is_any_due(&self, now: Timestamp) -> bool {
        self.groups.first().is_some_and(|(due, ..)| *due <= now)
            || self.heartbeats.first().is_some_and(|(due, _)| *due <= now)
            || self.due_notices(now).next().is_some()
    }

    /// The first due time after an instant.
    pub(super) fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let last = Id::from(LAST_ID);
        let group = self.groups.after(&(now, last.clone(), last.clone())).next().map(|(due, ..)| *due);
        let heartbeat = self.heartbeats.after(&(now, last)).next().map(|(due, _)| *due);
        let notice = self.notices.values().map(|notice| notice.due).filter(|due| *due > now).min();
        [group, heartbeat, notice].into_iter().flatten().min()
    }
}

/// The subscription, group and receiver of a message.
fn message_key(notification: &Notification) -> (Id, Id, Id) {
    let Notification { subscription, group, receiver, .. } = notification;
    (subscription.as_str().into(), group.as_str().into(), receiver.as_str().into())
}
