//! Which subscription has which alerts, in which groups.
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Notification, NotificationReason, Subscription};
use orewatch_eventlog::Position;

use super::Id;
use super::alerts::At;
use super::down::Letter;
use super::evolve::{State, message_id};
use super::group::{Dues, Group};
use super::member::{Member, Outcome, Told};
use super::plan::wanted;
use super::subscription::Terms;
use super::time::instant;
use super::view::View;
use crate::field::Field;

/// A subscription with what it has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// The subscription. None: it was removed.
    pub subscription: Option<Subscription>,
    /// Its revision, from 1.
    pub revision: u32,
    /// Position of the last event on its stream.
    pub position: Position,
    /// When that revision was put.
    pub put_at: Timestamp,
    /// What it says. None: it was removed, or says what this version does not understand.
    pub terms: Option<Terms>,
    /// The alerts that it has, by identifier.
    pub members: BTreeMap<Id, Member>,
    /// Its groups.
    pub groups: BTreeMap<Id, Group>,
    /// Alerts that wait for room: there are as many groups as there may be.
    pub refused: BTreeSet<Id>,
}

impl State {
    pub(crate) fn subscribe(&mut self, subscription: Subscription, revision: u32, at: &At) {
        let id: Id = subscription.id.as_str().into();
        let before = self.forget_subscription(&id);
        let terms = Terms::stored(&subscription).ok();
        if let Some(terms) = &terms {
            self.selectors.insert(&id, &terms.select);
        }
        let listed = Listed {
            subscription: Some(subscription),
            revision,
            position: at.position,
            put_at: at.time,
            terms,
            ..Listed::default()
        };
        self.subscriptions.insert(id.clone(), listed);
        let alerts: Vec<Id> = self.alerts.keys().cloned().collect();
        for alert in alerts {
            self.enlist(&id, &alert, before.get(&alert), at);
        }
    }

    pub(crate) fn unsubscribe(&mut self, id: &str, at: &At) {
        let id: Id = id.into();
        let revision = self.subscriptions.get(&id).map_or(0, |listed| listed.revision);
        self.forget_subscription(&id);
        let listed = Listed { revision, position: at.position, put_at: at.time, ..Listed::default() };
        self.subscriptions.insert(id, listed);
    }

    /// Takes a subscription out of all indexes; gives what it had.
    fn forget_subscription(&mut self, id: &Id) -> BTreeMap<Id, Member> {
        let Some(listed) = self.subscriptions.remove(id) else { return BTreeMap::new() };
        if let Some(terms) = &listed.terms {
            self.selectors.remove(id, &terms.select);
        }
        for (group, state) in &listed.groups {
            if let Some(due) = state.due {
                self.due.remove(&(due, id.clone(), group.clone()));
            }
        }
        for alert in listed.members.keys() {
            if let Some(standing) = self.alerts.get_mut(alert) {
                standing.subscriptions.remove(id);
            }
        }
        listed.members
    }

    /// An alert has changed, and fires: every subscription that has it or selects it is to tell.
    pub(crate) fn changed(&mut self, alert: &Id, at: &At) {
        let Some(standing) = self.alerts.get(alert) else { return };
        let candidates = self.selectors.candidates(&standing.alert);
        let concerned: BTreeSet<Id> = candidates.chain(&standing.subscriptions).cloned().collect();
        for subscription in concerned {
            self.enlist(&subscription, alert, None, at);
        }
    }

    /// Puts an alert where it belongs in a subscription, if it belongs there: because it is selected and fires, or because
    /// somebody was told that it fires. `before` is what an earlier revision has told.
    fn enlist(&mut self, id: &Id, alert: &Id, before: Option<&Member>, at: &At) {
        let limit = self.limits.groups;
        let Some(listed) = self.subscriptions.get_mut(id) else { return };
        let (Some(terms), Some(standing)) = (&listed.terms, self.alerts.get_mut(alert)) else { return };
        let old = listed.members.remove(alert);
        let told = old.as_ref().or(before).map(|member| member.told.clone()).unwrap_or_default();
        let is_owed = told.iter().any(|told| told.is_firing);
        let belongs = is_owed || (standing.is_firing && terms.select.matches(&standing.alert));
        let mut key: Id = Field::key(&terms.group_by, &standing.alert).into();
        if let Some(old) = &old {
            leave(listed, id, alert, old, &mut self.due);
        }
        let mut is_full = !listed.groups.contains_key(&key) && listed.groups.len() >= limit;
        if let Some(old) = old.as_ref().filter(|old| is_full && listed.groups.contains_key(&old.group)) {
            // Whoever is in stays in, if need be where it was.
            (key, is_full) = (old.group.clone(), false);
        }
        if !belongs || is_full {
            standing.subscriptions.remove(id);
            if belongs {
                self.refusals = self.refusals.saturating_add(u64::from(listed.refused.insert(alert.clone())));
            } else {
                listed.refused.remove(alert);
            }
            if let Some(left) = old {
                self.set_due(id, &left.group);
            }
            return;
        }
        listed.refused.remove(alert);
        let mut member = Member::new(key.clone(), at.time);
        let changed_at = old.as_ref().or(before).and_then(|member| member.changed_at);
        member.since = old.as_ref().or(before).map_or(at.time, |member| member.since);
        let is_new = old.is_some() || before.is_none() || told.is_empty();
        member.changed_at = changed_at.or_else(|| is_new.then_some(at.time));
        member.told = told;
        listed.members.insert(alert.clone(), member);
        listed.groups.entry(key.clone()).or_default().members.insert(alert.clone());
        standing.subscriptions.insert(id.clone());
        self.reschedule(id, alert);
        if let Some(left) = old.map(|old| old.group).filter(|left| *left != key) {
            self.set_due(id, &left);
        }
    }

    /// An alert is over: who was told that it fires is to be told.
    pub(crate) fn over(&mut self, alert: &Id, is_silenced: bool, at: &At) {
        let Some(standing) = self.alerts.get(alert) else { return };
        let candidates = self.selectors.candidates(&standing.alert);
        let concerned: BTreeSet<Id> = candidates.chain(&standing.subscriptions).cloned().collect();
        for id in concerned {
            let Some(listed) = self.subscriptions.get_mut(&id) else { continue };
            listed.refused.remove(alert);
            let with_resolved = listed.terms.as_ref().is_some_and(|terms| terms.with_resolved);
            let Some(member) = listed.members.get_mut(alert) else { continue };
            member.changed_at.get_or_insert(at.time);
            let is_owed = member.is_owed();
            if !with_resolved || (!is_owed && (is_silenced || !member.told.is_empty())) {
                self.drop_member(&id, alert, at);
                continue;
            }
            if !is_owed && let Some(group) = listed.groups.get_mut(&member.group) {
                group.asides.insert(alert.clone());
            }
            let group = member.group.clone();
            self.reschedule(&id, alert);
            self.sweep(&id, &group, at);
        }
        self.forget_alert(alert);
    }

    /// Lets an alert go that is over, once nobody has to be told.
    fn forget_alert(&mut self, alert: &Id) {
        if self.alerts.get(alert).is_some_and(|alert| !alert.is_firing && alert.subscriptions.is_empty()) {
            self.alerts.remove(alert);
        }
    }

    /// Takes an alert out of a subscription.
    fn drop_member(&mut self, id: &Id, alert: &Id, at: &At) {
        let Some(listed) = self.subscriptions.get_mut(id) else { return };
        let Some(member) = listed.members.remove(alert) else { return };
        leave(listed, id, alert, &member, &mut self.due);
        if let Some(standing) = self.alerts.get_mut(alert) {
            standing.subscriptions.remove(id);
        }
        self.forget_alert(alert);
        self.sweep(id, &member.group, at);
    }

    /// Lets go what was over before anybody was told, unless a message is to come beside which it is said: one that already waits, or
    /// the next digest as long as the group lasts.
    fn drop_asides(&mut self, id: &Id, group: &Id) {
        let Some(listed) = self.subscriptions.get_mut(id) else { return };
        let (Some(terms), Some(state)) = (&listed.terms, listed.groups.get(group)) else { return };
        let is_said =
            if terms.digest.is_some() { state.asides.len() < state.members.len() } else { state.has_news() };
        if is_said {
            return;
        }
        for alert in state.asides.clone() {
            let Some(member) = listed.members.remove(&alert) else { continue };
            leave(listed, id, &alert, &member, &mut self.due);
            if let Some(standing) = self.alerts.get_mut(&alert) {
                standing.subscriptions.remove(id);
                if !standing.is_firing && standing.subscriptions.is_empty() {
                    self.alerts.remove(&alert);
                }
            }
        }
    }

    /// Drops a group in which nothing is left to tell, and lets in whoever waits for its place.
    fn sweep(&mut self, id: &Id, group: &Id, at: &At) {
        self.set_due(id, group);
        while listed_has_room(self.subscriptions.get(id), self.limits.groups) {
            let Some(listed) = self.subscriptions.get_mut(id) else { return };
            let Some(next) = listed.refused.pop_first() else { return };
            self.enlist(id, &next, None, at);
        }
    }

    /// Looks anew at when an alert is a reason for a message, in all subscriptions that have it.
    pub(crate) fn reschedule_alert(&mut self, alert: &Id) {
        let Some(standing) = self.alerts.get(alert) else { return };
        for id in standing.subscriptions.clone() {
            self.reschedule(&id, alert);
        }
    }

    /// Looks anew at all alerts whose messages go to a receiver, or went or may go there.
    pub(crate) fn rewire(&mut self, receiver: &str) {
        let leads = |id: &Id| self.receivers.leads_to(id, receiver);
        let mut concerned = Vec::new();
        for (id, listed) in &self.subscriptions {
            let Some(terms) = &listed.terms else { continue };
            let all =
                leads(&terms.receiver) || terms.escalation.as_ref().is_some_and(|step| leads(&step.receiver));
            let members = listed.members.iter().filter(|(_, member)| all || member.told(receiver).is_some());
            concerned.extend(members.map(|(alert, _)| (id.clone(), alert.clone())));
        }
        for (id, alert) in concerned {
            self.reschedule(&id, &alert);
        }
    }

    /// Looks anew at when an alert is a reason for a message of a subscription.
    fn reschedule(&mut self, id: &Id, alert: &Id) {
        let Some(view) = self.view(id, alert) else { return };
        let slots = view.slots(self.time);
        let severity: Id = view.standing.alert.severity.as_str().into();
        let Some(listed) = self.subscriptions.get_mut(id) else { return };
        let Some(member) = listed.members.get_mut(alert) else { return };
        let Some(group) = listed.groups.get_mut(&member.group) else { return };
        group.unschedule(alert, &member.severity, member.slots);
        group.schedule(alert, &severity, slots);
        (member.slots, member.severity) = (slots, severity);
        let group = member.group.clone();
        self.set_due(id, &group);
    }

    fn set_due(&mut self, id: &Id, group: &Id) {
        self.drop_asides(id, group);
        let due = self.dues(id, group).all().min();
        let Some(state) = self.subscriptions.get_mut(id).and_then(|listed| listed.groups.get_mut(group))
        else {
            return;
        };
        if state.due == due {
            return;
        }
        if let Some(old) = std::mem::replace(&mut state.due, due) {
            self.due.remove(&(old, id.clone(), group.clone()));
        }
        if let Some(due) = due {
            self.due.insert((due, id.clone(), group.clone()));
        }
    }

    /// When messages of a group are due.
    pub(crate) fn dues(&self, id: &Id, group: &Id) -> Dues {
        let Some(listed) = self.subscriptions.get(id) else { return Dues::default() };
        let (Some(terms), Some(state)) = (&listed.terms, listed.groups.get(group)) else {
            return Dues::default();
        };
        let first = self.receivers.reached(&terms.receiver);
        let last = first.and_then(|first| self.track(id, group, first).last);
        state.dues(terms, last)
    }

    /// An alert as a subscription sees it.
    pub(crate) fn view(&self, id: &Id, alert: &Id) -> Option<View<'_>> {
        let listed = self.subscriptions.get(id)?;
        let terms = listed.terms.as_ref()?;
        Some(View {
            terms,
            standing: self.alerts.get(alert)?,
            member: listed.members.get(alert)?,
            silences: &self.silences,
            acknowledged: self.acknowledged.get(alert),
            receivers: &self.receivers,
            first: self.receivers.reached(&terms.receiver),
            second: terms.escalation.as_ref().and_then(|step| self.receivers.reached(&step.receiver)),
        })
    }

    /// A message is on the log: what it tells is told.
    pub(crate) fn planned(&mut self, notification: &Notification) {
        let [id, group, receiver]: [Id; 3] =
            [&notification.subscription, &notification.group, &notification.receiver]
                .map(|id| id.as_str().into());
        let time = notification.planned_at.as_ref().and_then(instant).unwrap_or(self.time);
        // What else it has told follows from how things stood, before any of it is noted.
        let mut told: BTreeSet<Id> = notification
            .alerts
            .iter()
            .filter_map(|told| told.alert.as_ref())
            .map(|alert| alert.id.as_str().into())
            .collect();
        if notification.omitted > 0 && !notification.drill {
            let lines = wanted(self, &id, &group, time).remove(&receiver).unwrap_or_default();
            told.extend(lines.into_iter().map(|line| line.alert));
        }
        let key = (id.clone(), group.clone(), receiver.clone());
        let track = self.tracks.entry(key).or_default();
        track.sequence = track.sequence.max(notification.sequence);
        self.outbox.insert(notification.id.clone(), Letter::of(notification));
        if notification.drill {
            return;
        }
        match notification.reason() {
            NotificationReason::Heartbeat => return self.receivers.told_well(&receiver, time),
            NotificationReason::ReceiverDown => self.noticed(notification),
            _ => {}
        }
        self.paced(&id, &group, &receiver, time);
        self.note(&id, &group, &told, notification, time);
    }

    /// The pace of a group counts from its last message.
    fn paced(&mut self, id: &Id, group: &Id, receiver: &Id, time: Timestamp) {
        if let Some(track) = self.tracks.get_mut(&(id.clone(), group.clone(), receiver.clone())) {
            track.last = Some(track.last.map_or(time, |last| last.max(time)));
        }
    }

    fn note(
        &mut self,
        id: &Id,
        group: &Id,
        told: &BTreeSet<Id>,
        notification: &Notification,
        time: Timestamp,
    ) {
        let Some(listed) = self.subscriptions.get_mut(id) else { return };
        let receiver: Id = notification.receiver.as_str().into();
        let meant = listed.terms.as_ref().and_then(|terms| self.receivers.reached(&terms.receiver));
        let is_first = meant == Some(&receiver);
        let mut done: BTreeSet<Id> = BTreeSet::new();
        for alert in told {
            let (Some(member), Some(standing)) = (listed.members.get_mut(alert), self.alerts.get(alert))
            else {
                continue;
            };
            let listed_state = notification.alerts.iter().filter_map(|told| told.alert.as_ref());
            let said = listed_state.into_iter().find(|told| *told.id == **alert);
            let is_current = standing.position <= notification.position;
            let said_firing =
                said.map(|said| crate::alert::phase(Some(said)) == crate::episode::Phase::Firing);
            let told = Told {
                receiver: receiver.clone(),
                position: notification.position,
                is_firing: said_firing.unwrap_or(!is_current || standing.is_firing),
                first_at: time,
                last_at: time,
                message: message_id(notification),
                outcome: Outcome::Waiting,
            };
            member.tell(told, standing.fired_position);
            if is_current && is_first {
                member.changed_at = None;
            }
            if !standing.is_firing && !member.is_owed() {
                done.insert(alert.clone());
            }
        }
        // What was over before anybody was told has had its chance.
        let asides = listed.groups.get(group).map(|group| group.asides.clone()).unwrap_or_default();
        done.extend(asides);
        let at = At { position: self.position, time, id: uuid::Uuid::nil() };
        done.iter().for_each(|alert| self.drop_member(id, alert, &at));
        told.difference(&done).for_each(|alert| self.reschedule(id, alert));
        self.set_due(id, group);
    }
}

fn listed_has_room(listed: Option<&Listed>, groups: usize) -> bool {
    listed.is_some_and(|listed| !listed.refused.is_empty() && listed.groups.len() < groups)
}

/// Takes an alert out of its group; an empty group is dropped.
fn leave(listed: &mut Listed, id: &Id, alert: &Id, member: &Member, due: &mut BTreeSet<(Timestamp, Id, Id)>) {
    let Some(group) = listed.groups.get_mut(&member.group) else { return };
    group.members.remove(alert);
    group.asides.remove(alert);
    group.unschedule(alert, &member.severity, member.slots);
    if group.members.is_empty() {
        if let Some(time) = group.due {
            due.remove(&(time, id.clone(), member.group.clone()));
        }
        listed.groups.remove(&member.group);
    }
}
