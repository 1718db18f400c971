//! State and event give the next state: all of the alerts log that bears on who is told.
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::alert_transition::Event as Transition;
use orewatch_contracts::alerting::v1::{
    Alert, AlertRestated, AlertState, Inhibition, Notification, Reason, Restatement, Subscription,
};
use orewatch_eventlog::{Error, Event, Position};
use uuid::Uuid;

use super::Id;
use super::acknowledge::Acknowledged;
use super::alerts::{At, Fired, Hold, Released, Standing};
use super::down::{Letter, Notices};
use super::index::Index;
use super::inhibit::Inhibiting;
use super::limits::Limits;
use super::lists::Listed;
use super::receivers::Receivers;
use super::severity::Order;
use super::silence::Silenced;
use crate::alert::alert_of;
use crate::facts::{Fact, corrupt, receiver_of};

/// The last message of a group to a receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// How many messages there were.
    pub sequence: u32,
    /// When the last one was planned.
    pub last: Option<Timestamp>,
}

/// All that the alerts log says about who is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// How much there may be.
    pub limits: Limits,
    pub(crate) position: Position,
    pub(crate) time: Timestamp,
    /// An evaluation has begun and not ended: what follows from it is told together.
    pub(crate) is_evaluating: bool,
    pub(crate) order: Order,
    pub(crate) alerts: BTreeMap<Id, Standing>,
    pub(crate) subscriptions: BTreeMap<Id, Listed>,
    pub(crate) selectors: Index,
    pub(crate) silences: BTreeMap<Id, Silenced>,
    pub(crate) silencers: Index,
    pub(crate) inhibitions: BTreeMap<Id, Inhibiting>,
    pub(crate) acknowledged: BTreeMap<Id, Acknowledged>,
    pub(crate) receivers: Receivers,
    /// By subscription, group and receiver. Kept when a group is over, so that its next message does not look like an old one.
    pub(crate) tracks: BTreeMap<(Id, Id, Id), Track>,
    /// Groups by when a message is due.
    pub(crate) due: BTreeSet<(Timestamp, Id, Id)>,
    /// Messages that are planned and not ended.
    pub(crate) outbox: BTreeMap<String, Letter>,
    pub(crate) notices: Notices,
    /// How often an alert had to wait because a subscription has as many groups as it may.
    pub(crate) refusals: u64,
}

impl State {
    /// Folds an event.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot be read or lacks what it is about.
    pub fn evolve(&mut self, event: &Event) -> Result<(), Error> {
        self.evolve_read(event, Fact::read(event)?.as_ref())
    }

    /// Folds an event that was read.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that lacks what it is about.
    pub(crate) fn evolve_read(&mut self, event: &Event, fact: Option<&Fact>) -> Result<(), Error> {
        let at = At { position: event.position, time: event.time, id: event.id };
        if let Some(fact) = fact {
            let receiver = receiver_of(&event.stream);
            self.apply(fact, &receiver, &at).ok_or_else(|| corrupt(event, "what it is about is missing"))?;
        }
        self.position = event.position;
        self.time = self.time.max(event.time);
        Ok(())
    }

    /// Folds a fact. None: what it is about is missing.
    pub(crate) fn apply(&mut self, fact: &Fact, receiver: &str, at: &At) -> Option<()> {
        // Most facts are transitions, and what they carry is large.
        if let Fact::Alert(transition) = fact {
            return self.transition(transition, at);
        }
        match fact.clone() {
            Fact::RulePut(put) => self.order.learn(&put.rule?),
            Fact::Begun(_) => self.is_evaluating = true,
            Fact::Evaluated(_) => self.is_evaluating = false,
            Fact::ReceiverPut(put) => {
                let put = put.receiver?;
                self.receivers.put(&put, at.time);
                self.rewire(&put.id);
            }
            Fact::ReceiverRemoved(removed) => {
                self.receivers.remove(&removed.receiver);
                self.rewire(&removed.receiver);
            }
            Fact::ReceiverDisabled(disabled) => self.disable(&disabled, at),
            Fact::ReceiverEnabled(enabled) => {
                self.receivers.enable(&enabled.receiver);
                self.rewire(&enabled.receiver);
            }
            Fact::SubscriptionPut(put) => self.subscribe(put.subscription?, put.revision, at),
            Fact::SubscriptionRemoved(removed) => self.unsubscribe(&removed.subscription, at),
            Fact::SilencePut(put) => {
                let silence = put.silence?;
                self.silence(Silenced::stored(silence, put.revision, at.position), at);
            }
            Fact::SilenceEnded(ended) => self.end_silence(&ended.silence, at),
            Fact::InhibitionPut(put) => {
                let inhibition = put.inhibition?;
                let id = inhibition.id.clone();
                self.inhibit(&id, Some(inhibition), put.revision, at);
            }
            Fact::InhibitionRemoved(removed) => {
                self.inhibit(&removed.inhibition, None, removed.revision, at);
            }
            Fact::Acknowledged(acknowledged) => {
                let acknowledgement = acknowledged.acknowledgement?;
                let id: Id = acknowledgement.alert.as_str().into();
                let record =
                    Acknowledged { position: at.position, last: Some(acknowledgement), since: at.time };
                self.acknowledged.insert(id.clone(), record);
                self.reschedule_alert(&id);
            }
            Fact::Unacknowledged(taken_back) => self.unacknowledge(&taken_back.alert, at),
            Fact::Planned(planned) => self.planned(&planned.notification?),
            Fact::Succeeded(succeeded) => self.delivered(receiver, &succeeded.notification),
            Fact::Failed(_) => self.receivers.fail(receiver, at.time),
            Fact::GivenUp(given_up) => self.given_up(&given_up, at),
            Fact::Alert(_)
            | Fact::RuleRemoved(_)
            | Fact::RuleSuspended(_)
            | Fact::Attempted(_)
            | Fact::Requested(_) => {}
        }
        Some(())
    }

    fn transition(&mut self, transition: &Transition, at: &At) -> Option<()> {
        let alert = alert_of(transition)?;
        let id: Id = alert.id.as_str().into();
        match (transition, alert.state()) {
            (Transition::Restated(restated), _) => {
                if let Some(standing) = self.alerts.get_mut(&id).filter(|standing| standing.is_firing) {
                    (standing.event, standing.time, standing.position) = (at.id, at.time, at.position);
                    standing.restated = Some(Box::new(restatement(restated)));
                    self.changed(&id, at);
                }
            }
            (_, AlertState::Firing) => self.fires(&id, alert, at),
            (_, _) => self.is_over(&id, alert, at),
        }
        Some(())
    }

    fn fires(&mut self, id: &Id, alert: &Alert, at: &At) {
        let old = self.alerts.remove(id);
        let before = old.as_ref().filter(|old| old.is_firing && old.alert.episode == alert.episode);
        let got_worse = before
            .is_some_and(|before| self.order.rose(&alert.rule, &before.alert.severity, &alert.severity));
        if got_worse {
            self.let_go(id);
        }
        let silences = self.silences_about(id, alert);
        for left in old.iter().flat_map(|old| old.silences.difference(&silences)) {
            if let Some(silence) = self.silences.get_mut(left) {
                silence.alerts.remove(id);
            }
        }
        let standing = Standing {
            is_firing: true,
            event: at.id,
            time: at.time,
            position: at.position,
            fired_position: before.map_or(at.position, |before| before.fired_position),
            fired_time: before.map_or(at.time, |before| before.fired_time),
            restated: None,
            fired: before.map_or_else(|| Some(Box::new(Fired::with(alert))), |before| before.fired.clone()),
            silences,
            inhibited: before.and_then(|before| before.inhibited.clone()),
            released: before.and_then(|before| before.released),
            let_go: if got_worse { Some(at.time) } else { before.and_then(|before| before.let_go) },
            subscriptions: old.as_ref().map(|old| old.subscriptions.clone()).unwrap_or_default(),
            alert: alert.clone(),
        };
        self.alerts.insert(id.clone(), standing);
        self.weigh(id, at);
        self.changed(id, at);
    }

    fn is_over(&mut self, id: &Id, alert: &Alert, at: &At) {
        self.let_go(id);
        let Some(standing) = self.alerts.get_mut(id).filter(|standing| standing.is_firing) else { return };
        standing.is_firing = false;
        standing.alert = alert.clone();
        standing.restated = None;
        (standing.event, standing.time, standing.position) = (at.id, at.time, at.position);
        let is_silenced = self.silences_of(id).any(|silence| silence.holds(at.time));
        for silence in self.alerts.get(id).map(|standing| standing.silences.clone()).unwrap_or_default() {
            if let Some(silence) = self.silences.get_mut(&silence) {
                silence.alerts.remove(id);
            }
        }
        self.weigh(id, at);
        self.over(id, is_silenced, at);
    }

    /// An acknowledgement does not hold any more.
    fn let_go(&mut self, id: &Id) {
        if let Some(acknowledged) = self.acknowledged.get_mut(id) {
            acknowledged.last = None;
        }
    }

    fn unacknowledge(&mut self, alert: &str, at: &At) {
        let id: Id = alert.into();
        self.let_go(&id);
        if let Some(acknowledged) = self.acknowledged.get_mut(&id) {
            acknowledged.position = at.position;
        }
        if let Some(standing) = self.alerts.get_mut(&id) {
            standing.let_go = Some(at.time);
            standing.released = Some(Released { at: at.time, from: Hold::Acknowledgement });
        }
        self.reschedule_alert(&id);
    }

    fn silences_of(&self, id: &Id) -> impl Iterator<Item = &Silenced> {
        let ids = self.alerts.get(id).map(|standing| &standing.silences);
        ids.into_iter().flatten().filter_map(|id| self.silences.get(id))
    }

    /// The silences that are about an alert as it is now.
    fn silences_about(&mut self, id: &Id, alert: &Alert) -> BTreeSet<Id> {
        let candidates: Vec<Id> = self.silencers.candidates(alert).cloned().collect();
        let mut about = BTreeSet::new();
        for candidate in candidates {
            let Some(silence) = self.silences.get_mut(&candidate) else { continue };
            if silence.filter.as_ref().is_some_and(|filter| filter.matches(alert)) {
                silence.alerts.insert(id.clone());
                about.insert(candidate);
            } else {
                silence.alerts.remove(id);
            }
        }
        about
    }

    fn silence(&mut self, mut next: Silenced, at: &At) {
        let id: Id = next.silence.id.as_str().into();
        let old = self.silences.remove(&id);
        if let Some(filter) = old.as_ref().and_then(|old| old.filter.as_ref()) {
            self.silencers.remove(&id, filter);
        }
        let before = old.map(|old| old.alerts).unwrap_or_default();
        if let Some(filter) = &next.filter {
            self.silencers.insert(&id, filter);
            let firing = self.alerts.iter().filter(|(_, standing)| standing.is_firing);
            let about = firing.filter(|(_, standing)| filter.matches(&standing.alert));
            next.alerts = about.map(|(alert, _)| alert.clone()).collect();
        }
        for alert in before.difference(&next.alerts) {
            if let Some(standing) = self.alerts.get_mut(alert) {
                standing.silences.remove(&id);
                standing.released = Some(Released { at: at.time, from: Hold::Silence });
            }
        }
        for alert in &next.alerts {
            if let Some(standing) = self.alerts.get_mut(alert) {
                standing.silences.insert(id.clone());
            }
        }
        let touched: BTreeSet<Id> = before.union(&next.alerts).cloned().collect();
        self.silences.insert(id, next);
        touched.iter().for_each(|alert| self.reschedule_alert(alert));
        self.forget_silences(at.time);
    }

    /// How many of the alerts that fire a silence is about.
    pub(crate) fn held_by(&self, silence: &Silenced) -> usize {
        let is_held = |alert: &Alert| silence.filter.as_ref().is_some_and(|filter| filter.matches(alert));
        self.firing().filter(|(_, standing)| is_held(&standing.alert)).count()
    }

    fn end_silence(&mut self, silence: &str, at: &At) {
        let Some(silence) = self.silences.get_mut(silence) else { return };
        silence.end(at.time, at.position);
        let touched = silence.alerts.clone();
        touched.iter().for_each(|alert| self.reschedule_alert(alert));
    }

    /// Lets the oldest silences go that are over, once there are more than are listed.
    fn forget_silences(&mut self, now: Timestamp) {
        let over = self.silences.iter().filter(|(_, silence)| silence.until <= now);
        let mut over: Vec<(Timestamp, Id)> = over.map(|(id, silence)| (silence.until, id.clone())).collect();
        over.sort();
        let excess = over.len().saturating_sub(self.limits.silences_over);
        for (_, id) in over.into_iter().take(excess) {
            let Some(silence) = self.silences.remove(&id) else { continue };
            if let Some(filter) = &silence.filter {
                self.silencers.remove(&id, filter);
            }
            for alert in &silence.alerts {
                if let Some(standing) = self.alerts.get_mut(alert) {
                    standing.silences.remove(&id);
                }
            }
        }
    }

    fn inhibit(&mut self, id: &str, inhibition: Option<Inhibition>, revision: u32, at: &At) {
        let id: Id = id.into();
        let old = self.inhibitions.remove(&id);
        let mut touched: BTreeSet<Id> = old.map(|old| old.targets().cloned().collect()).unwrap_or_default();
        let mut next = Inhibiting::stored(inhibition, revision, at.position);
        for (alert, standing) in self.alerts.iter().filter(|(_, standing)| standing.is_firing) {
            next.take(alert, Some(&standing.alert));
        }
        touched.extend(next.targets().cloned());
        self.inhibitions.insert(id, next);
        touched.iter().for_each(|alert| self.settle(alert, at));
    }

    /// Looks anew at what an alert that has changed explains, and what explains it.
    fn weigh(&mut self, id: &Id, at: &At) {
        let alert = self.alerts.get(id).filter(|standing| standing.is_firing).map(|standing| &standing.alert);
        let mut touched = BTreeSet::new();
        for inhibiting in self.inhibitions.values_mut() {
            touched.extend(inhibiting.take(id, alert));
        }
        self.settle(id, at);
        touched.iter().for_each(|alert| self.settle(alert, at));
    }

    /// Notes what holds an alert back, and that nothing does any more.
    fn settle(&mut self, id: &Id, at: &At) {
        let mut inhibitions = self.inhibitions.iter();
        let by = inhibitions.find(|(_, inhibiting)| inhibiting.source_of(id).is_some());
        let by = by.map(|(inhibition, _)| inhibition.clone());
        let Some(standing) = self.alerts.get_mut(id) else { return };
        if standing.inhibited == by {
            return;
        }
        if by.is_none() {
            standing.released = Some(Released { at: at.time, from: Hold::Inhibition });
        }
        standing.inhibited = by;
        self.reschedule_alert(id);
    }

    /// Position of the last event that was folded.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// An alert that fires, or that is over and not everybody knows yet.
    #[must_use]
    pub fn alert(&self, id: &str) -> Option<&Standing> {
        self.alerts.get(id)
    }

    /// How many alerts are kept: those that fire, and those that are over and not everybody knows yet.
    #[must_use]
    pub fn alerts_kept(&self) -> usize {
        self.alerts.len()
    }

    /// The alerts that fire.
    pub fn firing(&self) -> impl Iterator<Item = (&Id, &Standing)> {
        self.alerts.iter().filter(|(_, standing)| standing.is_firing)
    }

    /// Subscriptions that ever were, by identifier.
    #[must_use]
    pub fn subscriptions(&self) -> &BTreeMap<Id, Listed> {
        &self.subscriptions
    }

    /// The subscriptions as they stand.
    pub fn standing(&self) -> impl Iterator<Item = (&Id, &Listed, &Subscription)> {
        let subscriptions = self.subscriptions.iter();
        subscriptions.filter_map(|(id, listed)| Some((id, listed, listed.subscription.as_ref()?)))
    }

    /// Silences, by identifier.
    #[must_use]
    pub fn silences(&self) -> &BTreeMap<Id, Silenced> {
        &self.silences
    }

    /// Inhibitions that ever were, by identifier.
    #[must_use]
    pub fn inhibitions(&self) -> &BTreeMap<Id, Inhibiting> {
        &self.inhibitions
    }

    /// What is recorded about acknowledgements of an alert.
    #[must_use]
    pub fn acknowledged(&self, alert: &str) -> Option<&Acknowledged> {
        self.acknowledged.get(alert)
    }

    /// How often an alert had to wait because a subscription has as many groups as it may.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        self.refusals
    }

    /// All receivers.
    #[must_use]
    pub fn receivers(&self) -> &Receivers {
        &self.receivers
    }

    /// The last message of a group to a receiver.
    #[must_use]
    pub fn track(&self, subscription: &Id, group: &Id, receiver: &Id) -> Track {
        let key = (subscription.clone(), group.clone(), receiver.clone());
        self.tracks.get(&key).copied().unwrap_or_default()
    }
}

/// Identifier of a message. It follows from what the message is, so that two replicas cannot both send it.
#[must_use]
pub fn message_id(notification: &Notification) -> Uuid {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"urn:orewatch:notification");
    let Notification { receiver, subscription, group, sequence, .. } = notification;
    Uuid::new_v5(&namespace, format!("{receiver}\n{subscription}\n{group}\n{sequence}").as_bytes())
}

/// What an event says of the past. One of an earlier version says no more than which period, and the states.
fn restatement(restated: &AlertRestated) -> Restatement {
    let AlertRestated { period, was, is, .. } = restated.clone();
    let reason = Reason::Restated.into();
    let bare = Restatement { period, was, is, reason, ..Restatement::default() };
    restated.restatement.clone().unwrap_or(bare)
}
