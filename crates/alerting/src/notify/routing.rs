//! Owner of who is notified: subscriptions with their groups and members, and receivers.
//!
//! Each method folds one event, or one change of an alert, as far as it concerns membership. When messages
//! are due is computed by the caller; only the index of groups in [`DueState`] is an argument, because a
//! group that ends leaves it.
//!
//! Invariants:
//! - An alert is in [`SubscriptionRecord::members`] exactly if it is in the members of the group that the
//!   member names, and exactly if `subscribers` has the subscription for the alert. Groups are not empty.
//! - An alert in [`SubscriptionRecord::refused`] is selected, fires and is no member: there are as many
//!   groups as there may be.
//! - `index` has the filters of exactly the subscriptions that have a route.
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::Subscription;
use orewatch_eventlog::Position;
use orewatch_rules::field::Field;
use orewatch_rules::shared::{SharedMap, SharedSet};

use super::Id;
use super::alert::{EventMeta, TrackedAlert};
use super::due::DueState;
use super::group::Group;
use super::index::FilterIndex;
use super::member::Member;
use super::receivers::Receivers;
use super::route::Route;

/// A subscription with its members and groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubscriptionRecord {
    /// The subscription. None: it was removed.
    pub subscription: Option<Arc<Subscription>>,
    /// Its revision, from 1.
    pub revision: u32,
    /// Position of the last event on its stream.
    pub position: Position,
    /// When that revision was put.
    pub put_at: Timestamp,
    /// The compiled subscription. None: it was removed, or this version does not understand it.
    pub route: Option<Arc<Route>>,
    /// The alerts that receivers are or were notified of, by identifier.
    pub members: SharedMap<Id, Member>,
    /// Its groups, by their keys.
    pub groups: SharedMap<Id, Arc<Group>>,
    /// Alerts that wait until there is room for another group.
    pub refused: SharedSet<Id>,
}

impl SubscriptionRecord {
    /// The members of a group, by identifier.
    pub(super) fn members_of(&self, group: &Id) -> impl Iterator<Item = &Id> {
        self.groups.get(group).into_iter().flat_map(|group| group.members.iter())
    }

    /// Takes an alert out of its group. A group without members ends.
    fn leave_group(&mut self, id: &Id, alert: &Id, member: &Member, due: &mut DueState) {
        let Some(group) = self.groups.get_mut(&member.group).map(Arc::make_mut) else { return };
        group.members.remove(alert);
        group.resolved_unsent.remove(alert);
        group.unschedule(alert, &member.severity, member.due_times);
        if group.members.is_empty() {
            due.move_group(id, &member.group, group.due, None);
            self.groups.remove(&member.group);
        }
    }
}

/// What became of an alert that was offered to a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Enrolment {
    /// It is a member.
    pub(super) is_member: bool,
    /// The group that it was in before, if that is another one or it is no longer a member.
    pub(super) left: Option<Id>,
}

/// What becomes of a member whose alert is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ResolvedMember {
    /// The subscription does not have the alert.
    NotMember,
    /// No receiver has to be notified: it is to be removed.
    Done,
    /// A receiver is to be notified, in this group.
    Stays(Id),
}

/// Subscriptions and receivers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoutingState {
    pub(super) subscriptions: SharedMap<Id, Arc<SubscriptionRecord>>,
    pub(super) index: Arc<FilterIndex>,
    pub(super) receivers: Receivers,
    /// The subscriptions that have an alert, by alert.
    pub(super) subscribers: SharedMap<Id, Arc<BTreeSet<Id>>>,
    /// How many times an alert was refused because its subscription had as many groups as it may have.
    pub(super) refusals: u64,
}

impl RoutingState {
    /// A subscription, to be changed.
    pub(super) fn subscription_mut(&mut self, id: &str) -> Option<&mut SubscriptionRecord> {
        self.subscriptions.get_mut(id).map(Arc::make_mut)
    }

    /// Creates or revises a subscription, without members; returns those of the revision before.
    pub(super) fn put_subscription(
        &mut self,
        subscription: Subscription,
        revision: u32,
        event: &EventMeta,
        due: &mut DueState,
    ) -> SharedMap<Id, Member> {
        let id: Id = subscription.id.as_str().into();
        let before = self.clear_subscription(&id, due);
        let route = Route::from_log(&subscription).ok().map(Arc::new);
        if let Some(route) = &route {
            Arc::make_mut(&mut self.index).insert(&id, &route.select);
        }
        let record = SubscriptionRecord {
            subscription: Some(Arc::new(subscription)),
            revision,
            position: event.position,
            put_at: event.time,
            route,
            ..SubscriptionRecord::default()
        };
        self.subscriptions.insert(id, Arc::new(record));
        before
    }

    /// Removes a subscription. Its revision and position stay.
    pub(super) fn remove_subscription(&mut self, id: &str, event: &EventMeta, due: &mut DueState) {
        let id: Id = id.into();
        let revision = self.subscriptions.get(&id).map_or(0, |record| record.revision);
        self.clear_subscription(&id, due);
        let record = SubscriptionRecord {
            revision,
            position: event.position,
            put_at: event.time,
            ..SubscriptionRecord::default()
        };
        self.subscriptions.insert(id, Arc::new(record));
    }

    /// Takes a subscription out of all indexes, and returns its members.
    fn clear_subscription(&mut self, id: &Id, due: &mut DueState) -> SharedMap<Id, Member> {
        let Some(record) = self.subscriptions.remove(id) else { return SharedMap::new() };
        if let Some(route) = &record.route {
            Arc::make_mut(&mut self.index).remove(id, &route.select);
        }
        for (key, group) in record.groups.iter() {
            due.move_group(id, key, group.due, None);
        }
        for alert in record.members.keys() {
            self.remove_subscriber(alert, id);
        }
        record.members.clone()
    }

    /// The subscriptions that have an alert or may select it.
    pub(super) fn concerned(&self, tracked: &TrackedAlert, id: &Id) -> BTreeSet<Id> {
        let subscribers = self.subscribers.get(id).into_iter().flat_map(|subscribers| subscribers.iter());
        self.index.candidates(&tracked.alert).chain(subscribers).cloned().collect()
    }

    /// Whether some subscription has an alert.
    pub(super) fn has_subscribers(&self, alert: &Id) -> bool {
        self.subscribers.contains_key(alert)
    }

    /// Puts an alert where it belongs in a subscription. It belongs there if it is selected and fires, or if
    /// a receiver was notified that it fires. `before` is the member of an earlier revision of the
    /// subscription. None: there is no such subscription.
    pub(super) fn enrol(
        &mut self,
        (id, alert): (&Id, &Id),
        tracked: &TrackedAlert,
        before: Option<&Member>,
        (max_groups, now): (usize, Timestamp),
        due: &mut DueState,
    ) -> Option<Enrolment> {
        let record = self.subscriptions.get_mut(id).map(Arc::make_mut)?;
        let route = record.route.clone()?;
        let old = record.members.remove(alert);
        if let Some(old) = &old {
            record.leave_group(id, alert, old, due);
        }
        let known = old.as_ref().or(before);
        let awaits_resolved = known.is_some_and(Member::awaits_resolved);
        let belongs = awaits_resolved || (tracked.is_firing && route.select.matches(&tracked.alert));
        let mut key: Id = Field::group_key(&route.group_by, &tracked.alert).into();
        let mut is_full = !record.groups.contains_key(&key) && record.groups.len() >= max_groups;
        if let Some(old) = old.as_ref().filter(|old| is_full && record.groups.contains_key(&old.group)) {
            // A member is never turned out: without room for its new group it stays in the old one.
            (key, is_full) = (old.group.clone(), false);
        }
        if !belongs || is_full {
            if !belongs {
                record.refused.remove(alert);
            } else if record.refused.insert(alert.clone()) {
                self.refusals = self.refusals.saturating_add(1);
            }
            self.remove_subscriber(alert, id);
            return Some(Enrolment { is_member: false, left: old.map(|old| old.group) });
        }
        record.refused.remove(alert);
        let member = enrolled(key.clone(), old.as_ref(), before, now);
        record.members.insert(alert.clone(), member);
        record.groups.update(&key, |group| Arc::make_mut(group).members.insert(alert.clone()));
        self.subscribers.update(alert, |subscribers| Arc::make_mut(subscribers).insert(id.clone()));
        Some(Enrolment { is_member: true, left: old.map(|old| old.group).filter(|left| *left != key) })
    }

    /// Records in a subscription that an alert is resolved.
    pub(super) fn resolve(
        &mut self,
        id: &Id,
        alert: &Id,
        is_silenced: bool,
        now: Timestamp,
    ) -> ResolvedMember {
        let Some(record) = self.subscription_mut(id) else { return ResolvedMember::NotMember };
        record.refused.remove(alert);
        let with_resolved = record.route.as_ref().is_some_and(|route| route.with_resolved);
        let Some(member) = record.members.get_mut(alert) else { return ResolvedMember::NotMember };
        member.changed_at.get_or_insert(now);
        let awaits_resolved = member.awaits_resolved();
        if !with_resolved || (!awaits_resolved && (is_silenced || !member.notified.is_empty())) {
            return ResolvedMember::Done;
        }
        let key = member.group.clone();
        if !awaits_resolved && let Some(group) = record.groups.get_mut(&key) {
            Arc::make_mut(group).resolved_unsent.insert(alert.clone());
        }
        ResolvedMember::Stays(key)
    }

    /// Removes an alert from a subscription; returns its group. None: the alert was no member.
    pub(super) fn remove_member(&mut self, id: &Id, alert: &Id, due: &mut DueState) -> Option<Id> {
        let record = self.subscription_mut(id)?;
        let member = record.members.remove(alert)?;
        record.leave_group(id, alert, &member, due);
        self.remove_subscriber(alert, id);
        Some(member.group)
    }

    /// The members of a group that were resolved before any receiver was notified, if no message is to come
    /// in which they could be listed: one that waits already, or the next digest as long as the group lasts.
    pub(super) fn abandoned_members(&self, id: &Id, group: &Id) -> SharedSet<Id> {
        let Some(record) = self.subscriptions.get(id) else { return SharedSet::default() };
        let (Some(route), Some(group)) = (&record.route, record.groups.get(group)) else {
            return SharedSet::default();
        };
        let is_listed = if route.digest.is_some() {
            group.resolved_unsent.len() < group.members.len()
        } else {
            group.has_update()
        };
        if is_listed { SharedSet::default() } else { group.resolved_unsent.clone() }
    }

    /// The next alert that waits for room in a subscription, if there is room.
    pub(super) fn pop_refused(&mut self, id: &Id, max_groups: usize) -> Option<Id> {
        let record = self.subscriptions.get(id)?;
        let has_room = !record.refused.is_empty() && record.groups.len() < max_groups;
        if has_room { self.subscription_mut(id)?.refused.pop_first() } else { None }
    }

    /// The members whose messages go to a receiver, may go there, or went there: subscription and alert.
    pub(super) fn members_reached_by(&self, receiver: &str) -> Vec<(Id, Id)> {
        let may_reach = |id: &Id| self.receivers.may_resolve_to(id, receiver);
        let mut reached = Vec::new();
        for (id, record) in self.subscriptions.iter() {
            let Some(route) = &record.route else { continue };
            let reaches_all = may_reach(&route.receiver)
                || route.escalation.as_ref().is_some_and(|step| may_reach(&step.receiver));
            let members = record.members.iter();
            let members =
                members.filter(|(_, member)| reaches_all || member.last_notification(receiver).is_some());
            reached.extend(members.map(|(alert, _)| (id.clone(), alert.clone())));
        }
        reached
    }

    fn remove_subscriber(&mut self, alert: &Id, subscription: &Id) {
        if let Some(subscribers) = self.subscribers.get_mut(alert).map(Arc::make_mut) {
            subscribers.remove(subscription);
            if subscribers.is_empty() {
                self.subscribers.remove(alert);
            }
        }
    }
}

/// The member that an alert becomes. `old` is what it was in the subscription, `before` in an earlier
/// revision.
fn enrolled(group: Id, old: Option<&Member>, before: Option<&Member>, now: Timestamp) -> Member {
    let known = old.or(before);
    let changed_at = known.and_then(|member| member.changed_at);
    let notified = known.map(|member| member.notified.clone()).unwrap_or_default();
    // Members of an earlier revision whose receivers know them have no update because of the new revision.
    let has_update = old.is_some() || before.is_none() || notified.is_empty();
    let member = Member::new(group, now);
    Member {
        since: known.map_or(now, |member| member.since),
        changed_at: changed_at.or_else(|| has_update.then_some(now)),
        notified,
        ..member
    }
}
