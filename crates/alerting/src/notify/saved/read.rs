//! Reads the notifier's state out of bytes.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::Alert;
use orewatch_contracts::time::instant;
use orewatch_rules::evolve;
use prost::Message as _;
use uuid::Uuid;

use super::{
    SavedAcknowledgement, SavedAlert, SavedFiredWith, SavedInhibition, SavedLastNotification, SavedLastSent,
    SavedMember, SavedNotice, SavedOutboxMessage, SavedReceiver, SavedSilence, SavedState, SavedSubscription,
    SavedUnmuted, Time, recorded,
};
use crate::notify::Id;
use crate::notify::acknowledge::AcknowledgementRecord;
use crate::notify::alert::{FiredWith, TrackedAlert};
use crate::notify::due::{FallbackAddress, FallbackNotice, LastSent, OutboxMessage};
use crate::notify::group::Group;
use crate::notify::inhibit::InhibitionRecord;
use crate::notify::member::{DeliveryOutcome, LastNotification, Member, MemberDueTimes};
use crate::notify::muting::{AlertMuting, MutedBy, Unmuted};
use crate::notify::receivers::ReceiverStatus;
use crate::notify::route::Route;
use crate::notify::routing::SubscriptionRecord;
use crate::notify::silence::SilenceRecord;
use crate::notify::state::NotifierState;

/// Identifiers by number.
struct IdTable(Vec<Id>);

impl IdTable {
    fn get(&self, number: u32) -> Option<Id> {
        self.0.get(usize::try_from(number).ok()?).cloned()
    }

    fn get_all<C: FromIterator<Id>>(&self, numbers: &[u32]) -> Option<C> {
        numbers.iter().map(|number| self.get(*number)).collect()
    }

    /// An identifier that may be missing: the outer `None` is an error.
    fn get_optional(&self, number: Option<u32>) -> Option<Option<Id>> {
        number.map_or(Some(None), |number| self.get(number).map(Some))
    }
}

/// A time that must be there.
fn time(saved: &Time) -> Option<Timestamp> {
    saved.as_ref().and_then(instant)
}

/// A time that may be missing: the outer `None` is an error.
fn optional_time(saved: &Time) -> Option<Option<Timestamp>> {
    saved.as_ref().map_or(Some(None), |saved| instant(saved).map(Some))
}

/// Reads the state. `rules` is the state of rules and alerts at the same position. None: the bytes are
/// invalid.
pub(crate) fn load(bytes: &[u8], rules: &evolve::RulesState) -> Option<NotifierState> {
    let saved = SavedState::decode(bytes).ok()?;
    let ids = IdTable(saved.ids.into_iter().map(Id::from).collect());
    let mut state = NotifierState {
        position: saved.position,
        time: time(&saved.time)?,
        is_evaluating: saved.is_evaluating,
        severities: saved.bands.into_iter().map(|bands| (bands.rule, bands.severities)).collect(),
        ..NotifierState::default()
    };
    for saved in saved.alerts {
        load_alert(&mut state, &ids, saved, rules)?;
    }
    let NotifierState { routing, muting, due, alerts, .. } = &mut state;
    let subscriptions = saved.subscriptions.into_iter();
    routing.subscriptions = subscriptions.map(|saved| subscription(&ids, saved)).collect::<Option<_>>()?;
    routing.receivers =
        saved.receivers.into_iter().map(|saved| receiver(&ids, saved)).collect::<Option<_>>()?;
    routing.refusals = saved.refusals;
    muting.silences = saved.silences.into_iter().map(|saved| silence(&ids, saved)).collect::<Option<_>>()?;
    for saved in saved.inhibitions {
        let firing = alerts.firing().map(|(id, tracked)| (id, &*tracked.alert));
        let (id, record) = inhibition(&ids, saved, firing)?;
        muting.inhibitions.insert(id, Arc::new(record));
    }
    let acknowledgements = saved.acknowledgements.into_iter();
    muting.acknowledgements =
        acknowledgements.map(|saved| acknowledgement(&ids, saved)).collect::<Option<_>>()?;
    due.last_sent = saved.last_sent.iter().map(|saved| last_sent(&ids, saved)).collect::<Option<_>>()?;
    due.outbox = saved.outbox.into_iter().map(|saved| outbox_message(&ids, saved)).collect::<Option<_>>()?;
    due.notices =
        Arc::new(saved.notices.into_iter().map(|saved| notice(&ids, saved)).collect::<Option<_>>()?);
    derive_indexes(&mut state);
    Some(state)
}

/// Fills the indexes, which follow from the rest.
fn derive_indexes(state: &mut NotifierState) {
    let NotifierState { routing, muting, due, .. } = state;
    let index = Arc::make_mut(&mut routing.index);
    let mut groups_due = Vec::new();
    for (id, record) in routing.subscriptions.iter() {
        if let Some(route) = &record.route {
            index.insert(id, &route.select);
        }
        let groups = record.groups.iter();
        groups_due.extend(groups.filter_map(|(key, group)| Some((group.due?, id.clone(), key.clone()))));
    }
    groups_due.sort_unstable();
    due.groups = groups_due.into_iter().collect();
    let receivers = routing.receivers.iter();
    let heartbeats = receivers.filter_map(|(id, status)| Some((status.next_heartbeat()?, id.clone())));
    due.heartbeats = heartbeats.collect();
    let index = Arc::make_mut(&mut muting.silence_index);
    for (id, silence) in muting.silences.iter() {
        if let Some(filter) = &silence.filter {
            index.insert(id, filter);
        }
    }
}

/// Reads an alert, with what mutes it and the subscriptions that have it.
fn load_alert(
    state: &mut NotifierState,
    ids: &IdTable,
    saved: SavedAlert,
    rules: &evolve::RulesState,
) -> Option<()> {
    let id = ids.get(saved.id)?;
    let alert = match saved.alert {
        Some(bytes) => Arc::new(Alert::decode(bytes.as_slice()).ok()?),
        None => Arc::clone(recorded(rules, &id)?),
    };
    let fired = |SavedFiredWith { estimate, period, cause }: SavedFiredWith| {
        Box::new(FiredWith { estimate, period, cause })
    };
    let tracked = TrackedAlert {
        alert,
        is_firing: saved.is_firing,
        event: Uuid::from_slice(&saved.event).ok()?,
        time: time(&saved.time)?,
        position: saved.position,
        fired_position: saved.fired_position,
        fired_time: time(&saved.fired_time)?,
        fired: saved.fired.map(fired),
        restated: saved.restated.map(Box::new),
    };
    let muting = AlertMuting {
        silences: ids.get_all(&saved.silences)?,
        inhibited_by: ids.get_optional(saved.inhibited_by)?,
        unmuted: saved.unmuted.map_or(Some(None), |saved| unmuted(&saved).map(Some))?,
        unacknowledged_at: optional_time(&saved.unacknowledged_at)?,
    };
    if !saved.subscriptions.is_empty() {
        let subscribers = Arc::new(ids.get_all(&saved.subscriptions)?);
        state.routing.subscribers.insert(id.clone(), subscribers);
    }
    state.muting.alerts.insert(id.clone(), Arc::new(muting));
    state.alerts.insert(id, tracked);
    Some(())
}

fn unmuted(saved: &SavedUnmuted) -> Option<Unmuted> {
    let from = match saved.from {
        0 => MutedBy::Silence,
        1 => MutedBy::Inhibition,
        2 => MutedBy::Acknowledgement,
        _ => return None,
    };
    Some(Unmuted { at: time(&saved.at)?, from })
}

fn subscription(ids: &IdTable, saved: SavedSubscription) -> Option<(Id, Arc<SubscriptionRecord>)> {
    let route = saved.subscription.as_ref().and_then(|subscription| Route::from_log(subscription).ok());
    let members: Vec<(Id, Member)> =
        saved.members.iter().map(|saved| member(ids, saved)).collect::<Option<_>>()?;
    let mut groups = BTreeMap::new();
    for saved in &saved.groups {
        let (resolved_unsent, due) = (ids.get_all(&saved.resolved_unsent)?, optional_time(&saved.due)?);
        let mut group = Group::default();
        (group.resolved_unsent, group.due) = (resolved_unsent, due);
        groups.insert(ids.get(saved.id)?, group);
    }
    for (alert, member) in &members {
        let group = groups.get_mut(&member.group)?;
        group.members.insert(alert.clone());
        group.schedule(alert, &member.severity, member.due_times);
    }
    let record = SubscriptionRecord {
        subscription: saved.subscription.map(Arc::new),
        revision: saved.revision,
        position: saved.position,
        put_at: time(&saved.put_at)?,
        route: route.map(Arc::new),
        members: members.into_iter().collect(),
        groups: groups.into_iter().map(|(id, group)| (id, Arc::new(group))).collect(),
        refused: ids.get_all(&saved.refused)?,
    };
    Some((ids.get(saved.id)?, Arc::new(record)))
}

fn member(ids: &IdTable, saved: &SavedMember) -> Option<(Id, Member)> {
    let due_times = MemberDueTimes {
        urgent: optional_time(&saved.urgent)?,
        update: optional_time(&saved.update)?,
        repeat: optional_time(&saved.repeat)?,
        escalation: optional_time(&saved.escalation)?,
    };
    let notified = saved.notified.iter().map(|saved| last_notification(ids, saved));
    let member = Member {
        group: ids.get(saved.group)?,
        since: time(&saved.since)?,
        changed_at: optional_time(&saved.changed_at)?,
        notified: notified.collect::<Option<_>>()?,
        severity: ids.get(saved.severity)?,
        due_times,
    };
    Some((ids.get(saved.alert)?, member))
}

fn last_notification(ids: &IdTable, saved: &SavedLastNotification) -> Option<LastNotification> {
    Some(LastNotification {
        receiver: ids.get(saved.receiver)?,
        position: saved.position,
        is_firing: saved.is_firing,
        first_at: time(&saved.first_at)?,
        last_at: time(&saved.last_at)?,
        message: Uuid::from_slice(&saved.message).ok()?,
        outcome: match saved.outcome {
            0 => DeliveryOutcome::Pending,
            1 => DeliveryOutcome::Delivered,
            2 => DeliveryOutcome::GivenUp,
            _ => return None,
        },
    })
}

fn silence(ids: &IdTable, saved: SavedSilence) -> Option<(Id, Arc<SilenceRecord>)> {
    let (from, until) = (time(&saved.from)?, time(&saved.until)?);
    let alerts = ids.get_all(&saved.alerts)?;
    let record = SilenceRecord::from_log(saved.silence?, saved.revision, saved.position);
    let id = Id::from(record.silence.id.as_str());
    Some((id, Arc::new(SilenceRecord { from, until, alerts, ..record })))
}

fn inhibition<'a>(
    ids: &IdTable,
    saved: SavedInhibition,
    firing: impl Iterator<Item = (&'a Id, &'a Alert)>,
) -> Option<(Id, InhibitionRecord)> {
    let SavedInhibition { id, inhibition, revision, position } = saved;
    let mut record = InhibitionRecord::from_log(inhibition, revision, position);
    for (id, alert) in firing {
        record.update(id, Some(alert));
    }
    Some((ids.get(id)?, record))
}

fn acknowledgement(ids: &IdTable, saved: SavedAcknowledgement) -> Option<(Id, AcknowledgementRecord)> {
    let SavedAcknowledgement { alert, position, last, since } = saved;
    Some((ids.get(alert)?, AcknowledgementRecord { position, last, since: time(&since)? }))
}

fn receiver(ids: &IdTable, saved: SavedReceiver) -> Option<(Id, ReceiverStatus)> {
    let disabled = optional_time(&saved.disabled)?.map(|since| (since, saved.disabled_reason));
    let heartbeat =
        saved.heartbeat_seconds.map(|seconds| Duration::new(seconds, saved.heartbeat_nanos.min(999_999_999)));
    let status = ReceiverStatus {
        fallback: ids.get_optional(saved.fallback)?,
        heartbeat,
        since: time(&saved.since)?,
        disabled,
        failing_since: optional_time(&saved.failing_since)?,
        last_heartbeat: optional_time(&saved.last_heartbeat)?,
    };
    Some((ids.get(saved.id)?, status))
}

fn last_sent(ids: &IdTable, saved: &SavedLastSent) -> Option<((Id, Id, Id), LastSent)> {
    let key = (ids.get(saved.subscription)?, ids.get(saved.group)?, ids.get(saved.receiver)?);
    Some((key, LastSent { sequence: saved.sequence, at: optional_time(&saved.at)? }))
}

fn outbox_message(ids: &IdTable, saved: SavedOutboxMessage) -> Option<(String, Arc<OutboxMessage>)> {
    let message = OutboxMessage {
        receiver: ids.get(saved.receiver)?,
        subscription: ids.get(saved.subscription)?,
        group: ids.get(saved.group)?,
        alerts: ids.get_all(&saved.alerts)?,
        has_notice: saved.has_notice,
    };
    Some((saved.message, Arc::new(message)))
}

fn notice(ids: &IdTable, saved: SavedNotice) -> Option<(FallbackAddress, FallbackNotice)> {
    let address = FallbackAddress {
        fallback: ids.get(saved.fallback)?,
        receiver: ids.get(saved.receiver)?,
        subscription: ids.get(saved.subscription)?,
        group: ids.get(saved.group)?,
    };
    let (due, since) = (time(&saved.due)?, time(&saved.since)?);
    Some((address, FallbackNotice { due, since, reason: saved.reason, alerts: ids.get_all(&saved.alerts)? }))
}
