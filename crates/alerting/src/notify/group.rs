//! Alerts that share a message, and when the next one is due.
use std::collections::BTreeMap;

use jiff::Timestamp;
use orewatch_contracts::time::later;
use orewatch_rules::shared::SharedSet;

use super::Id;
use super::member::MemberDueTimes;
use super::route::Route;

/// Due times by severity, since quiet hours may exempt some severities.
#[derive(Clone, Debug, Default, PartialEq)]
struct Agenda(BTreeMap<Id, SharedSet<(Timestamp, Id)>>);

impl Agenda {
    fn insert(&mut self, severity: &Id, time: Option<Timestamp>, alert: &Id) {
        if let Some(time) = time {
            self.0.entry(severity.clone()).or_default().insert((time, alert.clone()));
        }
    }

    fn remove(&mut self, severity: &Id, time: Option<Timestamp>, alert: &Id) {
        let Some(time) = time else { return };
        if let Some(times) = self.0.get_mut(severity) {
            times.remove(&(time, alert.clone()));
            if times.is_empty() {
                self.0.remove(severity);
            }
        }
    }

    /// The earliest due time, after `postpone` has moved the first of each severity to when it may be sent.
    fn first(&self, postpone: impl Fn(&str, Timestamp) -> Timestamp) -> Option<Timestamp> {
        let firsts = self.0.iter().filter_map(|(severity, times)| Some((severity, times.first()?.0)));
        firsts.map(|(severity, time)| postpone(severity, time)).min()
    }
}

/// Alerts that share a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// The alerts.
    pub members: SharedSet<Id>,
    /// Those of them that were resolved before any receiver was notified.
    pub(crate) resolved_unsent: SharedSet<Id>,
    /// The due time under which [`DueState`](super::due::DueState) has the group.
    pub(crate) due: Option<Timestamp>,
    urgent: Agenda,
    update: Agenda,
    repeat: Agenda,
    escalation: Agenda,
}

/// When messages of a group are due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupDueTimes {
    /// A message about what has changed.
    pub update: Option<Timestamp>,
    /// A message that alerts still fire.
    pub repeat: Option<Timestamp>,
    /// A message to the receiver of the escalation.
    pub escalation: Option<Timestamp>,
}

impl GroupDueTimes {
    /// The due times, in no particular order.
    pub fn iter(self) -> impl Iterator<Item = Timestamp> {
        [self.update, self.repeat, self.escalation].into_iter().flatten()
    }
}

impl Group {
    /// Enters the due times of an alert.
    pub(crate) fn schedule(&mut self, alert: &Id, severity: &Id, due: MemberDueTimes) {
        self.urgent.insert(severity, due.urgent, alert);
        self.update.insert(severity, due.update, alert);
        self.repeat.insert(severity, due.repeat, alert);
        self.escalation.insert(severity, due.escalation, alert);
    }

    /// Removes the due times of an alert, which are those that were entered.
    pub(crate) fn unschedule(&mut self, alert: &Id, severity: &Id, due: MemberDueTimes) {
        self.urgent.remove(severity, due.urgent, alert);
        self.update.remove(severity, due.update, alert);
        self.repeat.remove(severity, due.repeat, alert);
        self.escalation.remove(severity, due.escalation, alert);
    }

    /// Whether a message about a change is to come.
    pub(crate) fn has_update(&self) -> bool {
        !self.urgent.0.is_empty() || !self.update.0.is_empty()
    }

    /// When messages are due; `last` is when the receiver was last sent a message of the group.
    #[must_use]
    pub fn due_times(&self, route: &Route, last: Option<Timestamp>) -> GroupDueTimes {
        let due = match &route.digest {
            None => self.due_times_by_interval(route, last),
            Some(times) => {
                let postpone = |severity: &str, time| route.quiet_until(severity, times.next(time));
                let repeat = last.zip(route.repeat).map(|(last, repeat)| later(times.last(last), repeat));
                GroupDueTimes {
                    update: [self.urgent.first(postpone), self.update.first(postpone)]
                        .into_iter()
                        .flatten()
                        .min(),
                    repeat: repeat.and_then(|due| {
                        self.repeat.first(|severity, time| postpone(severity, time.max(due)))
                    }),
                    escalation: None,
                }
            }
        };
        let escalation = self.escalation.first(|severity, time| route.quiet_until(severity, time));
        let is_sent = |due: &Timestamp| *due < Timestamp::MAX && !route.is_expired(*due);
        GroupDueTimes {
            update: due.update.filter(is_sent),
            repeat: due.repeat.filter(is_sent),
            escalation: escalation.filter(is_sent),
        }
    }

    fn due_times_by_interval(&self, route: &Route, last: Option<Timestamp>) -> GroupDueTimes {
        let earliest = last.map_or(Timestamp::MIN, |last| later(last, route.interval));
        let urgent = self.urgent.first(|severity, time| route.quiet_until(severity, time));
        let update = self.update.first(|severity, time| route.quiet_until(severity, time.max(earliest)));
        // A repeat shorter than the interval would postpone updates for ever.
        let repeat = last.zip(route.repeat).map(|(last, repeat)| later(last, repeat.max(route.interval)));
        GroupDueTimes {
            update: [urgent, update].into_iter().flatten().min(),
            repeat: repeat.and_then(|due| {
                self.repeat.first(|severity, time| route.quiet_until(severity, time.max(due)))
            }),
            escalation: None,
        }
    }
}
