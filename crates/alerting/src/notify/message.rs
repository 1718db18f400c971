//! Writes messages as they are planned.
use std::cmp::Reverse;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Notification, NotificationReason};
use orewatch_contracts::ids::Namespace;
use orewatch_contracts::time::timestamp;
use uuid::Uuid;

use super::Id;
use super::state::NotifierState;
use super::view::Update;

/// What a message says about one alert.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AlertUpdate {
    pub(crate) alert: Id,
    pub(crate) update: Update,
}

/// The group that a message is of, and its receiver. Subscription and group are empty for heartbeats and
/// drills.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination<'a> {
    pub(crate) subscription: &'a Id,
    pub(crate) group: &'a Id,
    pub(crate) receiver: &'a Id,
}

/// Identifier of a message. It follows from the destination and the number of the message, so that two
/// replicas that plan the same message cannot both append it.
#[must_use]
pub(super) fn message_id(notification: &Notification) -> Uuid {
    let Notification { receiver, subscription, group, sequence, .. } = notification;
    Namespace::Notification.derive(format!("{receiver}\n{subscription}\n{group}\n{sequence}"))
}

/// Writes a message: firing alerts first, the most severe first. Alerts beyond the limit are only counted.
pub(crate) fn write(
    state: &NotifierState,
    to: Destination<'_>,
    reason: NotificationReason,
    mut updates: Vec<AlertUpdate>,
    now: Timestamp,
) -> Notification {
    updates.sort_by_cached_key(|update| {
        let alert = state.alerts.get(&update.alert).map(|tracked| &tracked.alert);
        let rank = alert.map(|alert| state.severities.rank(&alert.rule, &alert.severity));
        (update.update.is_resolved(), !update.update.is_reason(), Reverse(rank), update.alert.clone())
    });
    let resolved = updates.iter().filter(|update| update.update.is_resolved()).count();
    let listed = updates.iter().take(state.limits.alerts).filter_map(|update| {
        let acknowledgement = state.acknowledgement(&update.alert);
        state.alerts.get(&update.alert).map(|tracked| tracked.to_message(acknowledgement, now))
    });
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let notification = Notification {
        receiver: to.receiver.to_string(),
        subscription: to.subscription.to_string(),
        group: to.group.to_string(),
        sequence: state.last_sent(to.subscription, to.group, to.receiver).sequence.saturating_add(1),
        reason: reason.into(),
        alerts: listed.collect(),
        firing: count(count_firing(state, to, now)),
        resolved: count(resolved),
        omitted: count(updates.len().saturating_sub(state.limits.alerts)),
        planned_at: Some(timestamp(now)),
        position: state.position,
        ..Notification::default()
    };
    Notification { id: message_id(&notification).to_string(), ..notification }
}

/// How many alerts of a group fire and are not muted.
fn count_firing(state: &NotifierState, to: Destination<'_>, now: Timestamp) -> usize {
    let views = state.views_of_group(to.subscription, to.group);
    views.filter(|(_, view)| view.tracked.is_firing && !view.is_muted(now)).count()
}
