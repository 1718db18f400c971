//! Which messages are due, and when to look again.
//!
//! A plan follows from a state and an instant alone. Once its messages are on the log and folded, none of
//! them is due any more: that is what makes a restart repeat nothing, and what lets two replicas plan side by
//! side.
//!
//! A group is looked at when its due time has come ([`DueState`](super::due::DueState)). What is then said
//! about each member is decided by its [`AlertView`]; the due times of the group only say which *kinds* of
//! update go out now, so that an update does not drag along a repeat whose time has not come.
mod fallback;
mod heartbeat;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Notification, NotificationReason};

use super::Id;
use super::group::GroupDueTimes;
use super::message::{AlertUpdate, Destination, write};
use super::muting::MutedBy;
use super::route::Route;
use super::state::NotifierState;
use super::view::{AlertView, Update};
use fallback::{fallback_notices, unreachable_text};
use heartbeat::heartbeats;

/// Messages in one plan; the next ones follow when these are on the log.
const MAX_PLANNED_MESSAGES: usize = 256;

/// Whether messages may be due. It takes no time to ask.
#[must_use]
pub(crate) fn is_due(state: &NotifierState, now: Timestamp) -> bool {
    !state.is_evaluating && state.due.is_any_due(now)
}

/// The messages that are due. The same state and instant give the same messages; once they are folded, none
/// of them is due.
#[must_use]
pub fn plan(state: &NotifierState, now: Timestamp) -> Vec<Notification> {
    if state.is_evaluating {
        return Vec::new();
    }
    let groups = state.due.due_groups(now);
    let groups = groups.flat_map(|(id, group)| notifications_for_group(state, id, group, now));
    let planned = fallback_notices(state, now).chain(groups).chain(heartbeats(state, now));
    // Two messages of one group to one receiver would have the same number, and so the same identifier: the
    // second one is planned when the first is on the log.
    let mut seen = BTreeSet::new();
    planned.filter(|planned| seen.insert(planned.id.clone())).take(MAX_PLANNED_MESSAGES).collect()
}

/// The first instant after `now` at which a message may be due, if nothing happens until then.
#[must_use]
pub fn next_due(state: &NotifierState, now: Timestamp) -> Option<Timestamp> {
    // A group that is due and has nothing to say at present may have another due time ahead.
    let late = state.due.due_groups(now).flat_map(|(id, group)| state.due_times(id, group).iter());
    let late = late.filter(|due| *due > now).min();
    [late, state.due.next_after(now)].into_iter().flatten().min()
}

/// What a group has to say now, by receiver.
pub(crate) fn updates_by_receiver(
    state: &NotifierState,
    id: &Id,
    group: &Id,
    now: Timestamp,
) -> BTreeMap<Id, Vec<AlertUpdate>> {
    let Some(record) = state.routing.subscriptions.get(id) else { return BTreeMap::new() };
    let due = state.due_times(id, group);
    let mut updates: BTreeMap<Id, Vec<AlertUpdate>> = BTreeMap::new();
    let mut repeats = Vec::new();
    for (alert, view) in state.views_of_group(id, group) {
        if view.route.quiet_until(&view.tracked.alert.severity, now) > now {
            continue;
        }
        for (receiver, update) in updates_of_member(view, due, now) {
            let update = AlertUpdate { alert: alert.clone(), update };
            updates.entry(receiver.clone()).or_default().push(update);
        }
        repeats.extend(view.repeat(now).map(|update| AlertUpdate { alert: alert.clone(), update }));
    }
    updates.retain(|_, updates| updates.iter().any(|update| update.update.is_reason()));
    if is_past(due.repeat, now)
        && !repeats.is_empty()
        && let Some(receiver) =
            record.route.as_deref().and_then(|route| state.routing.receivers.resolve(&route.receiver))
    {
        // A message with news lists what fires anyway, so that a repeat only goes out without one.
        updates.entry(receiver.clone()).or_insert(repeats);
    }
    updates
}

/// What is to be said now about a member, with the receivers to say it to.
fn updates_of_member<'a>(view: AlertView<'a>, due: GroupDueTimes, now: Timestamp) -> Vec<(&'a Id, Update)> {
    let mut updates = Vec::new();
    if is_past(due.update, now) {
        updates.extend(view.receiver.zip(view.update(now)));
        let others = view.member.notified.iter().map(|last| &last.receiver);
        let others = others.filter(|receiver| Some(*receiver) != view.receiver);
        updates.extend(others.filter_map(|receiver| Some((receiver, view.follow_up(receiver, now)?))));
    }
    if is_past(due.escalation, now)
        && let Some((receiver, escalated)) = view.escalation_receiver.zip(view.escalation(now))
    {
        updates.retain(|(other, _)| *other != receiver);
        updates.push((receiver, escalated));
    }
    updates
}

fn is_past(due: Option<Timestamp>, now: Timestamp) -> bool {
    due.is_some_and(|due| due <= now)
}

fn notifications_for_group(state: &NotifierState, id: &Id, group: &Id, now: Timestamp) -> Vec<Notification> {
    let record = state.routing.subscriptions.get(id);
    let Some(route) = record.and_then(|record| record.route.as_deref()) else { return Vec::new() };
    let write_to = |(receiver, updates): (Id, Vec<AlertUpdate>)| {
        let to = Destination { subscription: id, group, receiver: &receiver };
        let fallback_text = fallback_text(state, route, &receiver);
        let reason = reason(state, route, to, &updates, !fallback_text.is_empty());
        Notification { text: fallback_text, ..write(state, to, reason, updates, now) }
    };
    updates_by_receiver(state, id, group, now).into_iter().map(write_to).collect()
}

/// The reason of a message: of several the one that says most.
fn reason(
    state: &NotifierState,
    route: &Route,
    to: Destination<'_>,
    updates: &[AlertUpdate],
    is_fallback: bool,
) -> NotificationReason {
    use NotificationReason as Reason;
    let any = |wanted: Update| updates.iter().any(|update| update.update == wanted);
    if any(Update::Escalated) {
        return Reason::Escalated;
    }
    if is_fallback {
        return Reason::ReceiverDown;
    }
    if route.digest.is_some() {
        return Reason::Digest;
    }
    if any(Update::Unmuted(MutedBy::Silence)) {
        Reason::SilenceOver
    } else if any(Update::Unmuted(MutedBy::Inhibition)) {
        Reason::InhibitionOver
    } else if any(Update::Fired) {
        if was_notified(state, to) { Reason::NewAlerts } else { Reason::First }
    } else if any(Update::Unmuted(MutedBy::Acknowledgement)) {
        Reason::AcknowledgementOver
    } else if any(Update::Resolved) {
        if is_all_resolved(state, to, updates) { Reason::AllResolved } else { Reason::Resolved }
    } else if any(Update::Changed) {
        Reason::Changed
    } else {
        Reason::Repeat
    }
}

/// Whether the receiver was notified that some alert of the group fires.
fn was_notified(state: &NotifierState, to: Destination<'_>) -> bool {
    let mut views = state.views_of_group(to.subscription, to.group);
    views.any(|(_, view)| view.member.last_notification(to.receiver).is_some_and(|last| last.is_firing))
}

/// Whether no alert of the group fires any more.
fn is_all_resolved(state: &NotifierState, to: Destination<'_>, updates: &[AlertUpdate]) -> bool {
    updates.iter().all(|update| update.update.is_resolved())
        && state.views_of_group(to.subscription, to.group).all(|(_, view)| !view.tracked.is_firing)
}

/// Says to a fallback which receiver it stands in for. Empty for a receiver that the subscription names.
fn fallback_text(state: &NotifierState, route: &Route, receiver: &Id) -> String {
    let named = [Some(&route.receiver), route.escalation.as_ref().map(|step| &step.receiver)];
    if named.iter().flatten().any(|named| *named == receiver) {
        return String::new();
    }
    let text = named.into_iter().flatten().find_map(|named| {
        let status = state.routing.receivers.get(named)?;
        let (since, reason) = status.disabled.as_ref()?;
        (status.fallback.as_ref() == Some(receiver)).then(|| unreachable_text(named, *since, reason))
    });
    text.unwrap_or_default()
}
