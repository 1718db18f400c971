//! Which messages are due, and when to ask again.
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Notification, NotificationReason};

use super::Id;
use super::alerts::Hold;
use super::evolve::State;
use super::group::Dues;
use super::message::{Line, To, write};
use super::subscription::Terms;
use super::view::{News, View};
use super::{down, heartbeat};

/// Most messages that are planned at a time; the next ones follow when these are on the log.
const MOST: usize = 256;

/// The messages that are due. The same state and instant give the same messages; once they are folded, none of them is due.
#[must_use]
pub fn plan(state: &State, now: Timestamp) -> Vec<Notification> {
    if state.is_evaluating {
        return Vec::new();
    }
    let groups = state.due.iter().take_while(|(due, ..)| *due <= now);
    let of_groups = groups.flat_map(|(_, id, group)| of_group(state, id, group, now));
    let all = down::plan(state, now).chain(of_groups).chain(heartbeat::plan(state, now));
    // Two messages of one group to one receiver follow upon each other.
    let mut seen = BTreeSet::new();
    all.filter(|notification| seen.insert(notification.id.clone())).take(MOST).collect()
}

/// The first instant after another at which a message may be due, if nothing happens until then.
#[must_use]
pub fn wake(state: &State, now: Timestamp) -> Option<Timestamp> {
    let late = state.due.iter().take_while(|(due, ..)| *due <= now);
    let late = late.flat_map(|(_, id, group)| state.dues(id, group).all()).filter(|due| *due > now).min();
    let last: Id = "\u{10ffff}".into();
    let after = (Bound::Excluded((now, last.clone(), last)), Bound::Unbounded);
    let next = state.due.range(after).next().map(|(due, ..)| *due);
    [late, next, down::wake(state, now), heartbeat::wake(state, now)].into_iter().flatten().min()
}

/// What a group has to tell, by receiver, given what of it is due.
pub(crate) fn wanted(state: &State, id: &Id, group: &Id, now: Timestamp) -> BTreeMap<Id, Vec<Line>> {
    let dues = state.dues(id, group);
    let Some(listed) = state.subscriptions.get(id) else { return BTreeMap::new() };
    let members = listed.groups.get(group).into_iter().flat_map(|group| &group.members);
    let mut lines: BTreeMap<Id, Vec<Line>> = BTreeMap::new();
    let mut repeats = Vec::new();
    for (alert, view) in members.filter_map(|alert| Some((alert, state.view(id, alert)?))) {
        if view.terms.unquiet(&view.standing.alert.severity, now) > now {
            continue;
        }
        for (receiver, news) in of_alert(view, dues, now) {
            lines.entry(receiver.clone()).or_default().push(Line { alert: alert.clone(), news });
        }
        repeats.extend(view.repeat(now).map(|news| Line { alert: alert.clone(), news }));
    }
    lines.retain(|_, lines| lines.iter().any(|line| line.news.is_reason()));
    if dues.repeat.is_some_and(|due| due <= now)
        && !repeats.is_empty()
        && let Some(first) = listed.terms.as_ref().and_then(|terms| state.receivers.reached(&terms.receiver))
    {
        lines.entry(first.clone()).or_insert(repeats);
    }
    lines
}

/// What has to be told of an alert, and to whom.
fn of_alert<'a>(view: View<'a>, dues: Dues, now: Timestamp) -> Vec<(&'a Id, News)> {
    let is_due = |due: Option<Timestamp>| due.is_some_and(|due| due <= now);
    let mut news = Vec::new();
    if is_due(dues.news) {
        news.extend(view.first.zip(view.news(now)));
        let others = view.member.told.iter().map(|told| &told.receiver);
        let others = others.filter(|receiver| Some(*receiver) != view.first);
        news.extend(others.filter_map(|receiver| Some((receiver, view.sequel(receiver, now)?))));
    }
    if is_due(dues.escalation)
        && let Some((second, escalated)) = view.second.zip(view.escalation(now))
    {
        news.retain(|(receiver, _)| *receiver != second);
        news.push((second, escalated));
    }
    news
}

fn of_group(state: &State, id: &Id, group: &Id, now: Timestamp) -> Vec<Notification> {
    let Some(terms) = state.subscriptions.get(id).and_then(|listed| listed.terms.as_ref()) else {
        return Vec::new();
    };
    let wanted = wanted(state, id, group, now);
    let write = |(receiver, lines): (Id, Vec<Line>)| {
        let to = To { subscription: id, group, receiver: &receiver };
        let reason = reason(state, terms, to, &lines);
        let notification = write(state, to, reason, lines, now);
        Notification { text: stand_in(state, terms, &receiver), ..notification }
    };
    wanted.into_iter().map(write).collect()
}

/// Why a message goes out: of several reasons the one that says most.
fn reason(state: &State, terms: &Terms, to: To<'_>, lines: &[Line]) -> NotificationReason {
    use NotificationReason as Reason;
    let any = |news: News| lines.iter().any(|line| line.news == news);
    let is_escalated = any(News::Escalated);
    if is_escalated {
        return Reason::Escalated;
    }
    if !stand_in(state, terms, to.receiver).is_empty() {
        return Reason::ReceiverDown;
    }
    if terms.digest.is_some() {
        return Reason::Digest;
    }
    if any(News::Again(Hold::Silence)) {
        Reason::SilenceOver
    } else if any(News::Again(Hold::Inhibition)) {
        Reason::InhibitionOver
    } else if any(News::Fires) {
        if was_told(state, to) { Reason::NewAlerts } else { Reason::First }
    } else if any(News::Again(Hold::Acknowledgement)) {
        Reason::AcknowledgementOver
    } else if any(News::Over) {
        if is_last(state, to, lines) { Reason::AllResolved } else { Reason::Resolved }
    } else if any(News::Changed) {
        Reason::Changed
    } else {
        Reason::Repeat
    }
}

/// Whether the receiver was told that some alert of the group fires.
fn was_told(state: &State, to: To<'_>) -> bool {
    members(state, to).any(|(_, view)| view.member.told(to.receiver).is_some_and(|told| told.is_firing))
}

/// Whether no alert of the group fires any more.
fn is_last(state: &State, to: To<'_>, lines: &[Line]) -> bool {
    lines.iter().all(|line| line.news.is_over())
        && members(state, to).all(|(_, view)| !view.standing.is_firing)
}

fn members<'a>(state: &'a State, to: To<'a>) -> impl Iterator<Item = (&'a Id, View<'a>)> {
    let group = state.subscriptions.get(to.subscription).and_then(|listed| listed.groups.get(to.group));
    let members = group.into_iter().flat_map(|group| &group.members);
    members.filter_map(move |alert| Some((alert, state.view(to.subscription, alert)?)))
}

/// What is said to a receiver that is told in the place of another; empty: it is not.
fn stand_in(state: &State, terms: &Terms, receiver: &Id) -> String {
    let meant = [Some(&terms.receiver), terms.escalation.as_ref().map(|step| &step.receiver)];
    if meant.iter().flatten().any(|meant| *meant == receiver) {
        return String::new();
    }
    let down = meant.into_iter().flatten().find_map(|meant| {
        let reach = state.receivers.get(meant)?;
        let (since, reason) = reach.disabled.as_ref()?;
        (reach.fallback.as_ref() == Some(receiver)).then(|| down::text(meant, *since, reason))
    });
    down.unwrap_or_default()
}
