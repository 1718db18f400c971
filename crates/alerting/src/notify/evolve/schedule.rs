//! Due times are computed anew where something that they follow from has changed.
//!
//! The due times of a member follow from its `AlertView`; those of a group from its
//! members', its subscription, and its last message. Both are entered where `plan` finds
//! them by time: members in the agenda of their group, groups in `DueState`.
use std::sync::Arc;

use super::super::Id;
use super::super::state::NotifierState;

impl NotifierState {
    /// Computes anew when alerts are due whose muting has changed.
    pub(super) fn reschedule_alerts(&mut self, alerts: &[Id]) {
        alerts.iter().for_each(|alert| self.reschedule_alert(alert));
    }

    /// Computes anew when an alert is due, in all subscriptions that have it.
    pub(super) fn reschedule_alert(&mut self, alert: &Id) {
        let Some(subscribers) = self.routing.subscribers.get(alert).cloned() else { return };
        for id in subscribers.iter() {
            self.reschedule(id, alert);
        }
    }

    /// Computes anew when alerts are due whose messages go to a receiver, may go there, or went there.
    pub(super) fn reschedule_receiver(&mut self, receiver: &str) {
        for (id, alert) in self.routing.members_reached_by(receiver) {
            self.reschedule(&id, &alert);
        }
    }

    /// Computes anew when an alert is due in a subscription.
    pub(super) fn reschedule(&mut self, id: &Id, alert: &Id) {
        let Some(view) = self.view(id, alert) else { return };
        let due_times = view.due_times(self.time);
        let severity: Id = view.tracked.alert.severity.as_str().into();
        let is_same = view.member.due_times == due_times && view.member.severity == severity;
        let key = view.member.group.clone();
        if !is_same && let Some(record) = self.routing.subscription_mut(id) {
            let Some(member) = record.members.get_mut(alert) else { return };
            let Some(group) = record.groups.get_mut(&key).map(Arc::make_mut) else { return };
            group.unschedule(alert, &member.severity, member.due_times);
            group.schedule(alert, &severity, due_times);
            (member.due_times, member.severity) = (due_times, severity);
        }
        self.update_group_due(id, &key);
    }

    /// Computes anew when a group is due.
    pub(super) fn update_group_due(&mut self, id: &Id, group: &Id) {
        self.remove_abandoned_members(id, group);
        let due = self.due_times(id, group).iter().min();
        let known = self.routing.subscriptions.get(id).and_then(|record| record.groups.get(group));
        if known.is_none_or(|known| known.due == due) {
            return;
        }
        let known = self.routing.subscription_mut(id).and_then(|record| record.groups.get_mut(group));
        if let Some(known) = known.map(Arc::make_mut) {
            let before = std::mem::replace(&mut known.due, due);
            self.due.move_group(id, group, before, due);
        }
    }
}
