//! Alerts join and leave subscriptions.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::Subscription;

use super::super::Id;
use super::super::alert::EventMeta;
use super::super::member::Member;
use super::super::routing::ResolvedMember;
use super::super::state::NotifierState;

impl NotifierState {
    /// Creates or revises a subscription, and enrols the alerts that it selects.
    pub(in super::super) fn subscribe(
        &mut self,
        subscription: Subscription,
        revision: u32,
        event: &EventMeta,
    ) {
        let id: Id = subscription.id.as_str().into();
        let before = self.routing.put_subscription(subscription, revision, event, &mut self.due);
        let alerts: Vec<Id> = self.alerts.iter().map(|(alert, _)| alert.clone()).collect();
        for alert in alerts {
            self.enrol(&id, &alert, before.get(&alert), event.time);
        }
    }

    /// Enrols a firing alert that has changed, in every subscription that has it or selects it.
    pub(super) fn enrol_everywhere(&mut self, alert: &Id, now: Timestamp) {
        let Some(tracked) = self.alerts.get(alert) else { return };
        for subscription in self.routing.concerned(tracked, alert) {
            self.enrol(&subscription, alert, None, now);
        }
    }

    /// Puts an alert where it belongs in a subscription, and computes anew when it is due. `before` is the
    /// member of an earlier revision of the subscription.
    fn enrol(&mut self, id: &Id, alert: &Id, before: Option<&Member>, now: Timestamp) {
        let Some(tracked) = self.alerts.get(alert) else { return };
        let limits = (self.limits.groups, now);
        let enrolment = self.routing.enrol((id, alert), tracked, before, limits, &mut self.due);
        let Some(enrolment) = enrolment else { return };
        if enrolment.is_member {
            self.reschedule(id, alert);
        }
        if let Some(left) = enrolment.left {
            self.update_group_due(id, &left);
        }
    }

    /// Records that an alert is resolved, in every subscription that has it or selects it.
    pub(super) fn resolve_everywhere(&mut self, alert: &Id, is_silenced: bool, now: Timestamp) {
        let Some(tracked) = self.alerts.get(alert) else { return };
        for id in self.routing.concerned(tracked, alert) {
            match self.routing.resolve(&id, alert, is_silenced, now) {
                ResolvedMember::NotMember => {}
                ResolvedMember::Done => self.remove_member(&id, alert, now),
                ResolvedMember::Stays(group) => {
                    self.reschedule(&id, alert);
                    self.update_group(&id, &group, now);
                }
            }
        }
        self.forget_alert(alert);
    }

    /// Removes an alert from a subscription.
    pub(super) fn remove_member(&mut self, id: &Id, alert: &Id, now: Timestamp) {
        let Some(group) = self.routing.remove_member(id, alert, &mut self.due) else { return };
        self.forget_alert(alert);
        self.update_group(id, &group, now);
    }

    /// Removes the members of a group that were resolved before any receiver was notified, if no message is
    /// to come in which they could be listed.
    pub(super) fn remove_abandoned_members(&mut self, id: &Id, group: &Id) {
        for alert in self.routing.abandoned_members(id, group).iter() {
            self.routing.remove_member(id, alert, &mut self.due);
            self.forget_alert(alert);
        }
    }

    /// Computes anew when a group is due, which may end it; then enrols alerts that waited for its place.
    fn update_group(&mut self, id: &Id, group: &Id, now: Timestamp) {
        self.update_group_due(id, group);
        while let Some(next) = self.routing.pop_refused(id, self.limits.groups) {
            self.enrol(id, &next, None, now);
        }
    }
}
