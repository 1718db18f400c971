//! An alert in a group of a subscription: what receivers were notified of it, and when it is next due.
use jiff::Timestamp;
use orewatch_eventlog::Position;
use uuid::Uuid;

use super::Id;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// It is planned and neither delivered nor given up.
    Pending,
    /// The receiver has accepted it.
    Delivered,
    /// It is not retried.
    GivenUp,
}

/// The last message to a receiver about an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct LastNotification {
    /// The receiver.
    pub receiver: Id,
    /// Position of the log that the message reflects.
    pub position: Position,
    /// Whether the message showed the alert as firing.
    pub is_firing: bool,
    /// When the receiver was first notified of the episode.
    pub first_at: Timestamp,
    /// When the message was planned.
    pub last_at: Timestamp,
    /// The message.
    pub message: Uuid,
    /// What became of the message.
    pub outcome: DeliveryOutcome,
}

/// An alert in a group of a subscription.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The group.
    pub group: Id,
    /// When the alert joined the subscription.
    pub since: Timestamp,
    /// When the first change happened that the receiver has not been notified of.
    pub changed_at: Option<Timestamp>,
    /// The last message to each receiver.
    pub notified: Vec<LastNotification>,
    /// The severity under which the group's agenda has the alert.
    pub(crate) severity: Id,
    /// The due times under which the group's agenda has the alert.
    pub(crate) due_times: MemberDueTimes,
}

/// When an alert is a reason for a message, as far as the log says; quiet hours, digests and the group's
/// interval are applied to the group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberDueTimes {
    /// An update that does not wait for the group's interval.
    pub urgent: Option<Timestamp>,
    /// An update that waits for the group's interval.
    pub update: Option<Timestamp>,
    /// The first instant at which it may be repeated.
    pub repeat: Option<Timestamp>,
    /// The escalation.
    pub escalation: Option<Timestamp>,
}

impl Member {
    /// An alert that no receiver has been notified of.
    pub(crate) fn new(group: Id, time: Timestamp) -> Self {
        Self {
            group,
            since: time,
            changed_at: Some(time),
            notified: Vec::new(),
            severity: "".into(),
            due_times: MemberDueTimes::default(),
        }
    }

    /// The last message to a receiver.
    #[must_use]
    pub fn last_notification(&self, receiver: &str) -> Option<&LastNotification> {
        self.notified.iter().find(|last| &*last.receiver == receiver)
    }

    /// Whether some receiver was notified that the alert fires, and not that it is resolved.
    #[must_use]
    pub fn awaits_resolved(&self) -> bool {
        self.notified.iter().any(|last| last.is_firing)
    }

    /// Records a message to a receiver; `fired` is the position at which the episode fired.
    pub(crate) fn record_notification(&mut self, next: LastNotification, fired: Position) {
        match self.notified.iter_mut().find(|last| last.receiver == next.receiver) {
            None => self.notified.push(next),
            Some(last) => {
                let is_same_episode = last.is_firing && last.position >= fired;
                let first_at = if is_same_episode { last.first_at } else { next.first_at };
                *last = LastNotification { first_at, ..next };
            }
        }
    }

    /// Records what became of a message.
    pub(crate) fn record_outcome(&mut self, receiver: &Id, message: &str, outcome: DeliveryOutcome) {
        let sent = self.notified.iter_mut().filter(|last| last.receiver == *receiver);
        for last in sent.filter(|last| last.message.to_string() == message) {
            last.outcome = outcome;
        }
    }
}
