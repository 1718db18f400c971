//! Alerts that share a message, and when the next one is due.
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Id;
use super::member::Slots;
use super::subscription::Terms;
use super::time::later;

/// Instants by severity, since quiet hours may let some severities pass.
#[derive(Clone, Debug, Default, PartialEq)]
struct Agenda(BTreeMap<Id, BTreeSet<(Timestamp, Id)>>);

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

    /// The first instant, once each severity's first has been put off to when it may be.
    fn first(&self, put_off: impl Fn(&str, Timestamp) -> Timestamp) -> Option<Timestamp> {
        let firsts = self.0.iter().filter_map(|(severity, times)| Some((severity, times.first()?.0)));
        firsts.map(|(severity, time)| put_off(severity, time)).min()
    }
}

/// Alerts that share a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// The alerts.
    pub members: BTreeSet<Id>,
    /// Those of them that were over before anybody was told.
    pub(crate) asides: BTreeSet<Id>,
    /// Where it stands in the index of what is due.
    pub(crate) due: Option<Timestamp>,
    urgent: Agenda,
    news: Agenda,
    repeat: Agenda,
    escalation: Agenda,
}

/// When messages of a group are due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dues {
    /// That something has changed.
    pub news: Option<Timestamp>,
    /// That it still fires.
    pub repeat: Option<Timestamp>,
    /// To the receiver one step up.
    pub escalation: Option<Timestamp>,
}

impl Dues {
    /// All of them.
    pub fn all(self) -> impl Iterator<Item = Timestamp> {
        [self.news, self.repeat, self.escalation].into_iter().flatten()
    }
}

impl Group {
    pub(crate) fn schedule(&mut self, alert: &Id, severity: &Id, slots: Slots) {
        self.urgent.insert(severity, slots.urgent, alert);
        self.news.insert(severity, slots.news, alert);
        self.repeat.insert(severity, slots.repeat, alert);
        self.escalation.insert(severity, slots.escalation, alert);
    }

    pub(crate) fn unschedule(&mut self, alert: &Id, severity: &Id, slots: Slots) {
        self.urgent.remove(severity, slots.urgent, alert);
        self.news.remove(severity, slots.news, alert);
        self.repeat.remove(severity, slots.repeat, alert);
        self.escalation.remove(severity, slots.escalation, alert);
    }

    /// Whether a message waits because something has changed.
    pub(crate) fn has_news(&self) -> bool {
        !self.urgent.0.is_empty() || !self.news.0.is_empty()
    }

    /// When messages are due; `last` is when the receiver last had one of the group.
    #[must_use]
    pub fn dues(&self, terms: &Terms, last: Option<Timestamp>) -> Dues {
        let dues = match &terms.digest {
            None => self.dues_by_pace(terms, last),
            Some(times) => {
                let set = |severity: &str, time| terms.unquiet(severity, times.next(time));
                let repeat = last.zip(terms.repeat).map(|(last, repeat)| later(times.last(last), repeat));
                Dues {
                    news: [self.urgent.first(set), self.news.first(set)].into_iter().flatten().min(),
                    repeat: repeat
                        .and_then(|due| self.repeat.first(|severity, time| set(severity, time.max(due)))),
                    escalation: None,
                }
            }
        };
        let escalation = self.escalation.first(|severity, time| terms.unquiet(severity, time));
        let alive = |due: &Timestamp| *due < Timestamp::MAX && !terms.is_over(*due);
        Dues {
            news: dues.news.filter(alive),
            repeat: dues.repeat.filter(alive),
            escalation: escalation.filter(alive),
        }
    }

    fn dues_by_pace(&self, terms: &Terms, last: Option<Timestamp>) -> Dues {
        let pace = last.map_or(Timestamp::MIN, |last| later(last, terms.interval));
        let urgent = self.urgent.first(|severity, time| terms.unquiet(severity, time));
        let news = self.news.first(|severity, time| terms.unquiet(severity, time.max(pace)));
        // A shorter repeat would put off what is new for ever.
        let repeat = last.zip(terms.repeat).map(|(last, repeat)| later(last, repeat.max(terms.interval)));
        Dues {
            news: [urgent, news].into_iter().flatten().min(),
            repeat: repeat
                .and_then(|due| self.repeat.first(|severity, time| terms.unquiet(severity, time.max(due)))),
            escalation: None,
        }
    }
}
