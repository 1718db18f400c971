//! State and event give the next state.
//!
//! This file has one arm for each event of the alerts log. An arm passes the event to the owner that it
//! concerns and then, where muting or receivers have changed, has the due times of the affected alerts
//! computed anew (`schedule`). Membership of alerts in subscriptions is in `membership`, messages are in
//! `notification`.
mod membership;
mod notification;
mod schedule;

use std::sync::Arc;

use orewatch_contracts::alerting::v1::{
    Alert, AlertEvent, AlertRestated, AlertState, Inhibition, Reason, Receiver, ReceiverDisabled, Restatement,
};
use orewatch_eventlog::{Error, Event};
use orewatch_rules::facts::receiver_of;

use super::Id;
use super::alert::{EventMeta, FiredWith, TrackedAlert};
use super::muting::EpisodeChange;
use super::receivers::Receivers;
use super::silence::SilenceRecord;
use super::state::NotifierState;

impl NotifierState {
    /// Folds an event.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot be decoded or lacks its subject.
    pub fn evolve(&mut self, event: &Event) -> Result<(), Error> {
        self.evolve_decoded(event, AlertEvent::read(event)?.as_ref())
    }

    /// Folds an event that has been decoded. `None` is an event of a later version.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that lacks its subject.
    pub(crate) fn evolve_decoded(
        &mut self,
        event: &Event,
        decoded: Option<&AlertEvent>,
    ) -> Result<(), Error> {
        let meta = EventMeta { position: event.position, time: event.time, id: event.id };
        if let Some(decoded) = decoded {
            let receiver = receiver_of(&event.stream);
            self.apply(decoded, &receiver, &meta)
                .ok_or_else(|| Error::corrupt(event, "its subject is missing"))?;
        }
        self.position = event.position;
        self.time = self.time.max(event.time);
        Ok(())
    }

    /// Applies a decoded event. None: its subject is missing.
    pub(super) fn apply(&mut self, event: &AlertEvent, receiver: &str, meta: &EventMeta) -> Option<()> {
        match event {
            AlertEvent::AlertPending(event) => self.transition(event.alert.as_ref()?, meta),
            AlertEvent::AlertFired(event) => self.transition(event.alert.as_ref()?, meta),
            AlertEvent::AlertResolved(event) => self.transition(event.alert.as_ref()?, meta),
            AlertEvent::AlertStale(event) => self.transition(event.alert.as_ref()?, meta),
            AlertEvent::AlertSeverityChanged(event) => self.transition(event.alert.as_ref()?, meta),
            AlertEvent::AlertRestated(event) => self.restate(event, meta)?,
            AlertEvent::RulePut(put) => self.severities.put_rule(put.rule.as_ref()?),
            AlertEvent::EvaluationBegun(_) => self.is_evaluating = true,
            AlertEvent::ExposuresEvaluated(_) => self.is_evaluating = false,
            AlertEvent::ReceiverPut(put) => self.put_receiver(put.receiver.as_ref()?, meta),
            AlertEvent::ReceiverRemoved(removed) => self.remove_receiver(&removed.receiver),
            AlertEvent::ReceiverDisabled(disabled) => self.disable_receiver(disabled, meta),
            AlertEvent::ReceiverEnabled(enabled) => self.enable_receiver(&enabled.receiver),
            AlertEvent::SubscriptionPut(put) => self.subscribe(put.subscription.clone()?, put.revision, meta),
            AlertEvent::SubscriptionRemoved(removed) => {
                self.routing.remove_subscription(&removed.subscription, meta, &mut self.due);
            }
            AlertEvent::SilencePut(put) => {
                let silence = SilenceRecord::from_log(put.silence.clone()?, put.revision, meta.position);
                self.put_silence(silence, meta);
            }
            AlertEvent::SilenceEnded(ended) => {
                let changed = self.muting.end_silence(&ended.silence, meta);
                self.reschedule_alerts(&changed);
            }
            AlertEvent::InhibitionPut(put) => {
                let inhibition = put.inhibition.clone()?;
                self.put_inhibition(&inhibition.id.clone(), Some(inhibition), put.revision, meta);
            }
            AlertEvent::InhibitionRemoved(removed) => {
                self.put_inhibition(&removed.inhibition, None, removed.revision, meta);
            }
            AlertEvent::AlertAcknowledged(acknowledged) => {
                let alert = self.muting.acknowledge(acknowledged.acknowledgement.clone()?, meta);
                self.reschedule_alert(&alert);
            }
            AlertEvent::AlertUnacknowledged(withdrawn) => {
                let alert = self.muting.unacknowledge(&withdrawn.alert, meta);
                self.reschedule_alert(&alert);
            }
            AlertEvent::NotificationPlanned(planned) => self.message_planned(planned.notification.as_ref()?),
            AlertEvent::DeliverySucceeded(succeeded) => {
                self.message_delivered(receiver, &succeeded.notification)
            }
            AlertEvent::DeliveryFailed(_) => {
                self.change_receiver(receiver, |receivers| receivers.record_failure(receiver, meta.time));
            }
            AlertEvent::DeliveryGivenUp(given_up) => self.message_given_up(given_up, meta),
            // They change nothing about who is notified, what is muted, or what is due.
            AlertEvent::RuleRemoved(_)
            | AlertEvent::RuleSuspended(_)
            | AlertEvent::DeliveryAttempted(_)
            | AlertEvent::DeliveryRequested(_) => {}
        }
        Some(())
    }

    fn put_receiver(&mut self, receiver: &Receiver, event: &EventMeta) {
        self.change_receiver(&receiver.id, |receivers| receivers.put(receiver, event.time));
        self.reschedule_receiver(&receiver.id);
    }

    fn remove_receiver(&mut self, receiver: &str) {
        self.change_receiver(receiver, |receivers| receivers.remove(receiver));
        self.reschedule_receiver(receiver);
    }

    fn enable_receiver(&mut self, receiver: &str) {
        self.change_receiver(receiver, |receivers| receivers.enable(receiver));
        self.reschedule_receiver(receiver);
    }

    fn put_silence(&mut self, silence: SilenceRecord, event: &EventMeta) {
        let changed = self.muting.put_silence(silence, &self.alerts, event);
        self.reschedule_alerts(&changed);
        self.muting.forget_ended_silences(self.limits.ended_silences, event.time);
    }

    /// Creates or revises an inhibition. None: removes it.
    fn put_inhibition(&mut self, id: &str, inhibition: Option<Inhibition>, revision: u32, event: &EventMeta) {
        let changed = self.muting.put_inhibition(id, inhibition, revision, &self.alerts, event);
        self.reschedule_alerts(&changed);
    }

    fn transition(&mut self, alert: &Alert, event: &EventMeta) {
        let id: Id = alert.id.as_str().into();
        match alert.state() {
            AlertState::Firing => self.fire(&id, alert, event),
            AlertState::Unspecified | AlertState::Inactive | AlertState::Pending | AlertState::Resolved => {
                self.resolve(&id, alert, event);
            }
        }
    }

    /// A restatement concerns the past of an alert, whose state stays as it is. None: the alert is missing.
    fn restate(&mut self, restated: &AlertRestated, event: &EventMeta) -> Option<()> {
        let id: Id = restated.alert.as_ref()?.id.as_str().into();
        if let Some(tracked) = self.alerts.get_mut(&id).filter(|tracked| tracked.is_firing) {
            (tracked.event, tracked.time, tracked.position) = (event.id, event.time, event.position);
            tracked.restated = Some(Box::new(restatement(restated)));
            self.enrol_everywhere(&id, event.time);
        }
        Some(())
    }

    fn fire(&mut self, id: &Id, alert: &Alert, event: &EventMeta) {
        let old = self.alerts.get(id);
        let before = old.filter(|old| old.is_firing && old.alert.episode == alert.episode);
        let change = match before {
            None => EpisodeChange::New,
            Some(before) => {
                let severities = (&before.alert.severity, &alert.severity);
                let is_worse = self.severities.is_worse(&alert.rule, severities.0, severities.1);
                if is_worse { EpisodeChange::Worse } else { EpisodeChange::Same }
            }
        };
        let fired = before
            .map_or_else(|| Some(Box::new(FiredWith::from_alert(alert))), |before| before.fired.clone());
        let tracked = TrackedAlert {
            is_firing: true,
            event: event.id,
            time: event.time,
            position: event.position,
            fired_position: before.map_or(event.position, |before| before.fired_position),
            fired_time: before.map_or(event.time, |before| before.fired_time),
            restated: None,
            fired,
            alert: Arc::new(alert.clone()),
        };
        self.alerts.insert(id.clone(), tracked);
        let changed = self.muting.fire(id, alert, change, event);
        self.reschedule_alerts(&changed);
        self.enrol_everywhere(id, event.time);
    }

    fn resolve(&mut self, id: &Id, alert: &Alert, event: &EventMeta) {
        self.muting.end_acknowledgement(id);
        let Some(tracked) = self.alerts.get_mut(id).filter(|tracked| tracked.is_firing) else { return };
        tracked.is_firing = false;
        tracked.alert = Arc::new(alert.clone());
        tracked.restated = None;
        (tracked.event, tracked.time, tracked.position) = (event.id, event.time, event.position);
        let is_silenced = self.muting.is_silenced(id, event.time);
        let changed = self.muting.resolve(id, event);
        self.reschedule_alerts(&changed);
        self.resolve_everywhere(id, is_silenced, event.time);
    }

    fn disable_receiver(&mut self, disabled: &ReceiverDisabled, event: &EventMeta) {
        let ReceiverDisabled { receiver, reason, notification } = disabled;
        self.change_receiver(receiver, |receivers| receivers.disable(receiver, event.time, reason));
        self.notify_fallback(notification, reason, event);
        self.reschedule_receiver(receiver);
    }

    /// Changes a receiver, and moves its heartbeat to when it is due after that.
    pub(super) fn change_receiver(&mut self, receiver: &str, change: impl FnOnce(&mut Receivers)) {
        let before = self.routing.receivers.next_heartbeat(receiver);
        change(&mut self.routing.receivers);
        self.due.move_heartbeat(before, self.routing.receivers.next_heartbeat(receiver));
    }

    /// Stops tracking an alert that is resolved, once no subscription has it.
    fn forget_alert(&mut self, id: &Id) {
        let is_resolved = self.alerts.get(id).is_some_and(|tracked| !tracked.is_firing);
        if is_resolved && !self.routing.has_subscribers(id) {
            self.alerts.remove(id);
            self.muting.forget(id);
        }
    }
}

/// The restatement that an event reports. An event of an earlier version has the period and the figures only.
fn restatement(restated: &AlertRestated) -> Restatement {
    let AlertRestated { period, was, is, .. } = restated.clone();
    let reason = Reason::Restated.into();
    let minimal = Restatement { period, was, is, reason, ..Restatement::default() };
    restated.restatement.clone().unwrap_or(minimal)
}
