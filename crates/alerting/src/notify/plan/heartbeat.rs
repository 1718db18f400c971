//! Heartbeats: messages without alerts. If they stop, something is wrong.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Notification, NotificationReason};

use super::super::Id;
use super::super::message::{Destination, write};
use super::super::state::NotifierState;

/// The heartbeats that are due: one per receiver, even if several were missed.
pub(super) fn heartbeats(state: &NotifierState, now: Timestamp) -> impl Iterator<Item = Notification> {
    state.due.due_heartbeats(now).map(move |receiver| {
        let none: Id = "".into();
        let to = Destination { subscription: &none, group: &none, receiver };
        write(state, to, NotificationReason::Heartbeat, Vec::new(), now)
    })
}
