//! Messages as they are planned.
use std::cmp::Reverse;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Notification, NotificationReason};

use super::Id;
use super::evolve::{State, message_id};
use super::time::timestamp;
use super::view::News;

/// What a message tells of an alert.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) alert: Id,
    pub(crate) news: News,
}

/// Which message it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct To<'a> {
    pub(crate) subscription: &'a Id,
    pub(crate) group: &'a Id,
    pub(crate) receiver: &'a Id,
}

/// Writes a message: those that fire first, the most severe first; beyond the limit they are counted.
pub(crate) fn write(
    state: &State,
    to: To<'_>,
    reason: NotificationReason,
    mut lines: Vec<Line>,
    now: Timestamp,
) -> Notification {
    lines.sort_by_cached_key(|line| {
        let alert = state.alerts.get(&line.alert).map(|standing| &standing.alert);
        let rank = alert.map(|alert| state.order.rank(&alert.rule, &alert.severity));
        (line.news.is_over(), !line.news.is_reason(), Reverse(rank), line.alert.clone())
    });
    let resolved = lines.iter().filter(|line| line.news.is_over()).count();
    let told = lines.iter().take(state.limits.alerts).filter_map(|line| {
        let acknowledged = state.acknowledged.get(&line.alert);
        state.alerts.get(&line.alert).map(|standing| standing.told(acknowledged, now))
    });
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let notification = Notification {
        receiver: to.receiver.to_string(),
        subscription: to.subscription.to_string(),
        group: to.group.to_string(),
        sequence: state.track(to.subscription, to.group, to.receiver).sequence.saturating_add(1),
        reason: reason.into(),
        alerts: told.collect(),
        firing: count(firing(state, to, now)),
        resolved: count(resolved),
        omitted: count(lines.len().saturating_sub(state.limits.alerts)),
        planned_at: Some(timestamp(now)),
        position: state.position,
        ..Notification::default()
    };
    Notification { id: message_id(&notification).to_string(), ..notification }
}

/// How many alerts of a group fire and are not held back.
fn firing(state: &State, to: To<'_>, now: Timestamp) -> usize {
    let group = state.subscriptions.get(to.subscription).and_then(|listed| listed.groups.get(to.group));
    let members = group.into_iter().flat_map(|group| &group.members);
    let views = members.filter_map(|alert| state.view(to.subscription, alert));
    views.filter(|view| view.standing.is_firing && !view.is_held(now)).count()
}
