//! What the alerts log says about notifications, folded.
//!
//! Three owners hold it: [`RoutingState`] knows who is notified, [`MutingState`] what holds messages back,
//! and [`DueState`] when messages are due and what became of those that were planned. Beside them are the
//! tracked alerts, which all three refer to by identifier. `evolve` folds events into them,
//! [`plan`](super::plan()) reads them.
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::Subscription;
use orewatch_eventlog::Position;
use orewatch_rules::shared::SharedMap;

use super::Id;
use super::acknowledge::AcknowledgementRecord;
use super::alert::{TrackedAlert, TrackedAlerts};
use super::due::{DueState, LastSent};
use super::group::GroupDueTimes;
use super::inhibit::InhibitionRecord;
use super::limits::Limits;
use super::muting::MutingState;
use super::receivers::Receivers;
use super::routing::{RoutingState, SubscriptionRecord};
use super::severity::SeverityOrder;
use super::silence::SilenceRecord;
use super::view::AlertView;

/// All that the alerts log says about notifications. A copy shares what neither changes, so that planning and
/// explaining work on one and block nobody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NotifierState {
    /// The limits of the service.
    pub limits: Limits,
    /// Position of the last event that was folded.
    pub(super) position: Position,
    /// Time of the newest event that was folded.
    pub(super) time: Timestamp,
    /// An evaluation has begun and not ended: all changes of one evaluation go into the same messages.
    pub(super) is_evaluating: bool,
    pub(super) severities: SeverityOrder,
    pub(super) alerts: TrackedAlerts,
    pub(super) routing: RoutingState,
    pub(super) muting: MutingState,
    pub(super) due: DueState,
}

impl NotifierState {
    /// Position of the last event that was folded.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// A tracked alert: it fires, or is resolved and some notified receiver does not know that yet.
    #[must_use]
    pub fn alert(&self, id: &str) -> Option<&TrackedAlert> {
        self.alerts.get(id)
    }

    /// All tracked alerts.
    #[must_use]
    pub fn alerts(&self) -> &TrackedAlerts {
        &self.alerts
    }

    /// How many alerts are tracked.
    #[must_use]
    pub fn tracked_count(&self) -> usize {
        self.alerts.len()
    }

    /// The alerts that fire.
    pub fn firing(&self) -> impl Iterator<Item = (&Id, &TrackedAlert)> {
        self.alerts.firing()
    }

    /// What mutes alerts.
    #[must_use]
    pub fn muting(&self) -> &MutingState {
        &self.muting
    }

    /// All subscriptions, removed ones too, by identifier.
    #[must_use]
    pub fn subscriptions(&self) -> &SharedMap<Id, Arc<SubscriptionRecord>> {
        &self.routing.subscriptions
    }

    /// The subscriptions that are not removed.
    pub fn current_subscriptions(&self) -> impl Iterator<Item = (&Id, &SubscriptionRecord, &Subscription)> {
        let subscriptions = self.routing.subscriptions.iter();
        subscriptions.filter_map(|(id, record)| Some((id, &**record, record.subscription.as_deref()?)))
    }

    /// Silences, by identifier.
    #[must_use]
    pub fn silences(&self) -> &SharedMap<Id, Arc<SilenceRecord>> {
        &self.muting.silences
    }

    /// All inhibitions, removed ones too, by identifier.
    #[must_use]
    pub fn inhibitions(&self) -> &BTreeMap<Id, Arc<InhibitionRecord>> {
        &self.muting.inhibitions
    }

    /// The acknowledgements of an alert.
    #[must_use]
    pub fn acknowledgement(&self, alert: &str) -> Option<&AcknowledgementRecord> {
        self.muting.acknowledgement(alert)
    }

    /// How many times an alert was refused because its subscription had as many groups as it may have.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        self.routing.refusals
    }

    /// All receivers.
    #[must_use]
    pub fn receivers(&self) -> &Receivers {
        &self.routing.receivers
    }

    /// The last message of a group to a receiver.
    #[must_use]
    pub fn last_sent(&self, subscription: &Id, group: &Id, receiver: &Id) -> LastSent {
        self.due.last_sent(subscription, group, receiver)
    }

    /// When messages of a group are due.
    pub(crate) fn due_times(&self, id: &Id, group: &Id) -> GroupDueTimes {
        let Some(record) = self.routing.subscriptions.get(id) else { return GroupDueTimes::default() };
        let (Some(route), Some(state)) = (&record.route, record.groups.get(group)) else {
            return GroupDueTimes::default();
        };
        let receiver = self.routing.receivers.resolve(&route.receiver);
        let last = receiver.and_then(|receiver| self.last_sent(id, group, receiver).at);
        state.due_times(route, last)
    }

    /// An alert as a subscription sees it. None: it is no member.
    pub(crate) fn view(&self, id: &Id, alert: &Id) -> Option<AlertView<'_>> {
        let record = self.routing.subscriptions.get(id)?;
        let route = record.route.as_deref()?;
        let receivers = &self.routing.receivers;
        Some(AlertView {
            route,
            tracked: self.alerts.get(alert)?,
            member: record.members.get(alert)?,
            muting: self.muting.alert(alert)?,
            silences: &self.muting.silences,
            acknowledgement: self.muting.acknowledgement(alert),
            receivers,
            receiver: receivers.resolve(&route.receiver),
            escalation_receiver: route.escalation.as_ref().and_then(|step| receivers.resolve(&step.receiver)),
        })
    }

    /// The members of a group as their subscription sees them.
    pub(crate) fn views_of_group(&self, id: &Id, group: &Id) -> impl Iterator<Item = (&Id, AlertView<'_>)> {
        let record = self.routing.subscriptions.get(id);
        let members = record.into_iter().flat_map(|record| record.members_of(group));
        members.filter_map(move |alert| Some((alert, self.view(id, alert)?)))
    }
}
