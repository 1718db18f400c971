//! Notices to fallbacks: messages to another receiver were not delivered.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Notification, NotificationReason};

use super::super::due::{FallbackAddress, FallbackNotice};
use super::super::message::{AlertUpdate, Destination, write};
use super::super::state::NotifierState;
use super::super::time::format_time;
use super::super::view::Update;

/// The notices that are due, to fallbacks that are enabled.
pub(super) fn fallback_notices(state: &NotifierState, now: Timestamp) -> impl Iterator<Item = Notification> {
    let due = state.due.due_notices(now);
    let due = due.filter(move |(address, _)| state.routing.receivers.is_enabled(&address.fallback));
    due.map(move |(address, notice)| notification(state, address, notice, now))
}

fn notification(
    state: &NotifierState,
    address: &FallbackAddress,
    notice: &FallbackNotice,
    now: Timestamp,
) -> Notification {
    let tracked = notice.alerts.iter().filter_map(|alert| state.alerts.get_key_value(alert));
    let updates = tracked.map(|(alert, tracked)| AlertUpdate {
        alert: alert.clone(),
        update: if tracked.is_firing { Update::Fired } else { Update::Resolved },
    });
    let to = Destination {
        subscription: &address.subscription,
        group: &address.group,
        receiver: &address.fallback,
    };
    let text = unreachable_text(&address.receiver, notice.since, &notice.reason);
    let reason = NotificationReason::ReceiverDown;
    Notification { text, ..write(state, to, reason, updates.collect(), now) }
}

/// Says to a fallback that a receiver cannot be reached.
pub(super) fn unreachable_text(receiver: &str, since: Timestamp, reason: &str) -> String {
    let mut text = format!("{receiver} cannot be reached since {}", format_time(since));
    if !reason.is_empty() {
        text.push_str(&format!(": {reason}"));
    }
    text
}
