//! Messages are planned, delivered or given up.
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{DeliveryGivenUp, Notification, NotificationReason};
use orewatch_contracts::time::instant;
use orewatch_rules::alert::phase;
use orewatch_rules::episode::Phase;

use super::super::Id;
use super::super::alert::EventMeta;
use super::super::member::{DeliveryOutcome, LastNotification};
use super::super::message::message_id;
use super::super::plan::updates_by_receiver;
use super::super::state::NotifierState;

impl NotifierState {
    /// Records that a message is planned: its receiver counts as notified of what it says.
    pub(super) fn message_planned(&mut self, notification: &Notification) {
        let [id, group, receiver]: [Id; 3] =
            [&notification.subscription, &notification.group, &notification.receiver]
                .map(|id| id.as_str().into());
        let time = notification.planned_at.as_ref().and_then(instant).unwrap_or(self.time);
        let listed = notification.alerts.iter().filter_map(|told| told.alert.as_ref());
        let mut alerts: BTreeSet<Id> = listed.map(|alert| alert.id.as_str().into()).collect();
        if notification.omitted > 0 && !notification.drill {
            // The message does not list all alerts that it counts. Which they are follows from the state
            // before any of it is recorded, as it did when the message was planned.
            let updates = updates_by_receiver(self, &id, &group, time).remove(&receiver).unwrap_or_default();
            alerts.extend(updates.into_iter().map(|update| update.alert));
        }
        self.due.plan_message(notification);
        if notification.drill {
            return;
        }
        match notification.reason() {
            NotificationReason::Heartbeat => {
                self.change_receiver(&receiver, |receivers| receivers.record_heartbeat(&receiver, time));
                return;
            }
            NotificationReason::ReceiverDown => self.due.remove_notices(notification),
            NotificationReason::Unspecified
            | NotificationReason::First
            | NotificationReason::NewAlerts
            | NotificationReason::Resolved
            | NotificationReason::AllResolved
            | NotificationReason::Repeat
            | NotificationReason::Changed
            | NotificationReason::SilenceOver
            | NotificationReason::InhibitionOver
            | NotificationReason::AcknowledgementOver
            | NotificationReason::Escalated
            | NotificationReason::Digest
            | NotificationReason::Drill => {}
        }
        self.due.start_interval(notification, time);
        self.record_notified(&id, &group, &alerts, notification, time);
    }

    /// Records for the alerts of a message that its receiver is notified of them.
    fn record_notified(
        &mut self,
        id: &Id,
        group: &Id,
        alerts: &BTreeSet<Id>,
        notification: &Notification,
        time: Timestamp,
    ) {
        let Some(record) = self.routing.subscriptions.get_mut(id).map(Arc::make_mut) else { return };
        let receiver: Id = notification.receiver.as_str().into();
        let intended =
            record.route.as_ref().and_then(|route| self.routing.receivers.resolve(&route.receiver));
        let is_intended = intended == Some(&receiver);
        let mut done: BTreeSet<Id> = BTreeSet::new();
        for alert in alerts {
            let (Some(member), Some(tracked)) = (record.members.get_mut(alert), self.alerts.get(alert))
            else {
                continue;
            };
            // The message may be older than the last event of the alert; it then shows what it showed.
            let is_current = tracked.position <= notification.position;
            let mut shown = notification.alerts.iter().filter_map(|told| told.alert.as_ref());
            let shown = shown.find(|shown| *shown.id == **alert);
            let shown_firing = shown.map(|shown| phase(Some(shown)) == Phase::Firing);
            let last = LastNotification {
                receiver: receiver.clone(),
                position: notification.position,
                is_firing: shown_firing.unwrap_or(!is_current || tracked.is_firing),
                first_at: time,
                last_at: time,
                message: message_id(notification),
                outcome: DeliveryOutcome::Pending,
            };
            member.record_notification(last, tracked.fired_position);
            if is_current && is_intended {
                member.changed_at = None;
            }
            if !tracked.is_firing && !member.awaits_resolved() {
                done.insert(alert.clone());
            }
        }
        // Alerts that were resolved before any receiver was notified are listed once, if at all.
        let unsent = record.groups.get(group).map(|group| group.resolved_unsent.clone()).unwrap_or_default();
        done.extend(unsent.iter().cloned());
        done.iter().for_each(|alert| self.remove_member(id, alert, time));
        alerts.difference(&done).for_each(|alert| self.reschedule(id, alert));
        self.update_group_due(id, group);
    }

    /// Records that a receiver accepted a message.
    pub(in super::super) fn message_delivered(&mut self, receiver: &str, notification: &str) {
        self.change_receiver(receiver, |receivers| receivers.record_success(receiver));
        self.end_message(notification, DeliveryOutcome::Delivered);
    }

    /// Records that a message is given up.
    pub(super) fn message_given_up(&mut self, given_up: &DeliveryGivenUp, event: &EventMeta) {
        self.notify_fallback(&given_up.notification, &given_up.reason, event);
        self.end_message(&given_up.notification, DeliveryOutcome::GivenUp);
    }

    fn end_message(&mut self, notification: &str, outcome: DeliveryOutcome) {
        let Some(message) = self.due.end_message(notification) else { return };
        let Some(record) = self.routing.subscription_mut(&message.subscription) else { return };
        for alert in &message.alerts {
            if let Some(member) = record.members.get_mut(alert) {
                member.record_outcome(&message.receiver, notification, outcome);
            }
        }
    }

    /// A message was not delivered: the fallback of its receiver is to be notified of its alerts, once.
    pub(super) fn notify_fallback(&mut self, notification: &str, reason: &str, event: &EventMeta) {
        let Some(message) = self.due.take_unnoticed(notification) else { return };
        let Some(status) = self.routing.receivers.get(&message.receiver) else { return };
        let Some(fallback) = status.fallback.clone() else { return };
        let since = status.failing_since.unwrap_or(event.time);
        self.due.add_notice(fallback, &message, since, reason, event.time);
    }
}
