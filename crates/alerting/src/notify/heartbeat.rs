//! Heartbeats: a receiver is told that all is well, so that silence means trouble.
use std::ops::Bound;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Notification, NotificationReason};

use super::Id;
use super::evolve::State;
use super::message;

/// The heartbeats that are due. However many were missed, one is due.
pub(crate) fn plan(state: &State, now: Timestamp) -> impl Iterator<Item = Notification> {
    let due = state.receivers.beats().iter().take_while(move |(beat, _)| *beat <= now);
    due.map(move |(_, receiver)| {
        let none: Id = "".into();
        let to = message::To { subscription: &none, group: &none, receiver };
        message::write(state, to, NotificationReason::Heartbeat, Vec::new(), now)
    })
}

/// The first instant after another at which a heartbeat is due.
pub(crate) fn wake(state: &State, now: Timestamp) -> Option<Timestamp> {
    let after = (Bound::Excluded((now, Id::from("\u{10ffff}"))), Bound::Unbounded);
    state.receivers.beats().range(after).next().map(|(beat, _)| *beat)
}
