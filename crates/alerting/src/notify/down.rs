//! Receivers that cannot be reached: who is told in their place.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{DeliveryGivenUp, Notification, NotificationReason, ReceiverDisabled};

use super::Id;
use super::alerts::At;
use super::evolve::State;
use super::member::Outcome;
use super::message::{self, Line};
use super::time::{later, shown};
use super::view::News;

/// How long a notice waits for others: a receiver that ends often leaves several messages.
const WAIT: Duration = Duration::from_secs(10);

/// A message that is planned and not ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Letter {
    receiver: Id,
    subscription: Id,
    group: Id,
    alerts: Vec<Id>,
    /// The fallback is to be told of it already.
    is_noticed: bool,
}

/// Where a notice goes, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    /// Who is told.
    fallback: Id,
    /// Who cannot be reached.
    receiver: Id,
    subscription: Id,
    group: Id,
}

/// What the fallback of a receiver is to be told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notice {
    due: Timestamp,
    since: Timestamp,
    reason: String,
    alerts: BTreeSet<Id>,
}

/// All notices that are to be given.
pub(crate) type Notices = BTreeMap<Address, Notice>;

impl Letter {
    pub(crate) fn of(notification: &Notification) -> Self {
        let alerts = notification.alerts.iter().filter_map(|told| told.alert.as_ref());
        Self {
            receiver: notification.receiver.as_str().into(),
            subscription: notification.subscription.as_str().into(),
            group: notification.group.as_str().into(),
            alerts: alerts.map(|alert| alert.id.as_str().into()).collect(),
            is_noticed: notification.drill,
        }
    }
}

impl State {
    pub(crate) fn disable(&mut self, disabled: &ReceiverDisabled, at: &At) {
        self.receivers.disable(&disabled.receiver, at.time, &disabled.reason);
        self.notice(&disabled.notification, &disabled.reason, at);
        self.rewire(&disabled.receiver);
    }

    pub(crate) fn given_up(&mut self, given_up: &DeliveryGivenUp, at: &At) {
        self.notice(&given_up.notification, &given_up.reason, at);
        self.ended(&given_up.notification, Outcome::GivenUp);
    }

    pub(crate) fn delivered(&mut self, receiver: &str, notification: &str) {
        self.receivers.succeed(receiver);
        self.ended(notification, Outcome::Delivered);
    }

    fn ended(&mut self, notification: &str, outcome: Outcome) {
        let Some(letter) = self.outbox.remove(notification) else { return };
        let Some(listed) = self.subscriptions.get_mut(&letter.subscription) else { return };
        for alert in &letter.alerts {
            let told = listed.members.get_mut(alert).map(|member| member.told.iter_mut());
            for told in told.into_iter().flatten() {
                if told.receiver == letter.receiver && told.message.to_string() == notification {
                    told.outcome = outcome;
                }
            }
        }
    }

    /// A message did not arrive: whoever stands in is to be told.
    fn notice(&mut self, notification: &str, reason: &str, at: &At) {
        let Some(letter) = self.outbox.get_mut(notification).filter(|letter| !letter.is_noticed) else {
            return;
        };
        letter.is_noticed = true;
        let reach = self.receivers.get(&letter.receiver);
        let Some(fallback) = reach.and_then(|reach| reach.fallback.clone()) else { return };
        let address = Address {
            fallback,
            receiver: letter.receiver.clone(),
            subscription: letter.subscription.clone(),
            group: letter.group.clone(),
        };
        let since = reach.and_then(|reach| reach.failing_since).unwrap_or(at.time);
        let notice = self.notices.entry(address).or_insert_with(|| Notice {
            due: later(at.time, WAIT),
            since,
            reason: reason.to_owned(),
            alerts: BTreeSet::new(),
        });
        notice.alerts.extend(letter.alerts.iter().cloned());
    }

    /// What was given needs not be given again.
    pub(crate) fn noticed(&mut self, notification: &Notification) {
        self.notices.retain(|address, _| {
            (&*address.fallback, &*address.subscription, &*address.group)
                != (notification.receiver.as_str(), &*notification.subscription, &*notification.group)
        });
    }
}

/// The notices that are due.
pub(crate) fn plan(state: &State, now: Timestamp) -> impl Iterator<Item = Notification> {
    let due = state.notices.iter().filter(move |(address, notice)| {
        notice.due <= now
            && state.receivers.get(&address.fallback).is_some_and(|reach| reach.disabled.is_none())
    });
    due.map(move |(address, notice)| {
        let standing = notice.alerts.iter().filter_map(|alert| state.alerts.get_key_value(alert));
        let line = |(alert, standing): (&Id, &super::alerts::Standing)| Line {
            alert: alert.clone(),
            news: if standing.is_firing { News::Fires } else { News::Over },
        };
        let lines = standing.map(line).collect();
        let reason = NotificationReason::ReceiverDown;
        let text = text(&address.receiver, notice.since, &notice.reason);
        let to = message::To {
            subscription: &address.subscription,
            group: &address.group,
            receiver: &address.fallback,
        };
        Notification { text, ..message::write(state, to, reason, lines, now) }
    })
}

/// The first instant after another at which a notice is due.
pub(crate) fn wake(state: &State, now: Timestamp) -> Option<Timestamp> {
    state.notices.values().map(|notice| notice.due).filter(|due| *due > now).min()
}

/// What is said of a receiver that is down.
pub(crate) fn text(receiver: &str, since: Timestamp, reason: &str) -> String {
    let mut text = format!("{receiver} cannot be reached since {}", shown(since));
    if !reason.is_empty() {
        text.push_str(&format!(": {reason}"));
    }
    text
}
