//! Writes the notifier's state as bytes.
use std::collections::HashMap;
use std::sync::Arc;

use orewatch_contracts::time::timestamp;
use orewatch_rules::evolve;
use prost::Message as _;

use super::{
    SavedAcknowledgement, SavedAlert, SavedBands, SavedFiredWith, SavedGroup, SavedInhibition,
    SavedLastNotification, SavedLastSent, SavedMember, SavedNotice, SavedOutboxMessage, SavedReceiver,
    SavedSilence, SavedState, SavedSubscription, SavedUnmuted, recorded,
};
use crate::notify::Id;
use crate::notify::acknowledge::AcknowledgementRecord;
use crate::notify::alert::{FiredWith, TrackedAlert};
use crate::notify::due::{FallbackAddress, FallbackNotice, LastSent, OutboxMessage};
use crate::notify::group::Group;
use crate::notify::inhibit::InhibitionRecord;
use crate::notify::member::{DeliveryOutcome, LastNotification, Member, MemberDueTimes};
use crate::notify::muting::{MutedBy, Unmuted};
use crate::notify::receivers::ReceiverStatus;
use crate::notify::routing::SubscriptionRecord;
use crate::notify::silence::SilenceRecord;
use crate::notify::state::NotifierState;

/// Numbers identifiers in the order in which they are first seen.
#[derive(Default)]
struct IdNumbers(HashMap<Id, u32>);

impl IdNumbers {
    fn number(&mut self, id: &Id) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry(Id::clone(id)).or_insert(next)
    }

    fn numbers<'a>(&mut self, ids: impl IntoIterator<Item = &'a Id>) -> Vec<u32> {
        ids.into_iter().map(|id| self.number(id)).collect()
    }

    /// The identifiers, by number.
    fn into_table(self) -> Vec<String> {
        let mut table: Vec<(u32, Id)> = self.0.into_iter().map(|(id, number)| (number, id)).collect();
        table.sort_unstable_by_key(|(number, _)| *number);
        table.into_iter().map(|(_, id)| id.to_string()).collect()
    }
}

/// The state as bytes. `rules` is the state of rules and alerts at the same position, which is saved beside
/// it.
pub(crate) fn save(state: &NotifierState, rules: &evolve::RulesState) -> Vec<u8> {
    let mut ids = IdNumbers::default();
    let NotifierState { routing, muting, due, .. } = state;
    let alerts = state.alerts.iter();
    let subscriptions = routing.subscriptions.iter();
    let inhibitions = muting.inhibitions.iter();
    let acknowledgements = muting.acknowledgements.iter();
    let mut saved = SavedState {
        position: state.position,
        time: Some(timestamp(state.time)),
        is_evaluating: state.is_evaluating,
        bands: state.severities.bands().map(saved_bands).collect(),
        alerts: alerts.map(|(id, alert)| saved_alert(&mut ids, state, id, alert, rules)).collect(),
        subscriptions: subscriptions.map(|(id, record)| saved_subscription(&mut ids, id, record)).collect(),
        silences: muting.silences.values().map(|silence| saved_silence(&mut ids, silence)).collect(),
        inhibitions: inhibitions.map(|(id, record)| saved_inhibition(&mut ids, id, record)).collect(),
        acknowledgements: acknowledgements
            .map(|(id, record)| saved_acknowledgement(&mut ids, id, record))
            .collect(),
        receivers: routing
            .receivers
            .iter()
            .map(|(id, status)| saved_receiver(&mut ids, id, status))
            .collect(),
        last_sent: due.last_sent.iter().map(|(key, last)| saved_last_sent(&mut ids, key, *last)).collect(),
        outbox: due.outbox.iter().map(|(id, message)| saved_message(&mut ids, id, message)).collect(),
        notices: due.notices.iter().map(|(to, notice)| saved_notice(&mut ids, to, notice)).collect(),
        refusals: routing.refusals,
        ids: Vec::new(),
    };
    saved.ids = ids.into_table();
    saved.encode_to_vec()
}

fn saved_bands((rule, severities): (&String, &Vec<String>)) -> SavedBands {
    SavedBands { rule: rule.clone(), severities: severities.clone() }
}

fn saved_alert(
    ids: &mut IdNumbers,
    state: &NotifierState,
    id: &Id,
    tracked: &TrackedAlert,
    rules: &evolve::RulesState,
) -> SavedAlert {
    let is_recorded = recorded(rules, id).is_some_and(|recorded| *recorded == tracked.alert);
    let fired = |fired: &FiredWith| SavedFiredWith {
        estimate: fired.estimate.clone(),
        period: fired.period.clone(),
        cause: fired.cause.clone(),
    };
    let muting = state.muting.alert(id).cloned().unwrap_or_default();
    let subscribers = state.routing.subscribers.get(id);
    SavedAlert {
        id: ids.number(id),
        alert: (!is_recorded).then(|| tracked.alert.encode_to_vec()),
        is_firing: tracked.is_firing,
        event: tracked.event.as_bytes().to_vec(),
        time: Some(timestamp(tracked.time)),
        position: tracked.position,
        fired_position: tracked.fired_position,
        fired_time: Some(timestamp(tracked.fired_time)),
        fired: tracked.fired.as_deref().map(fired),
        restated: tracked.restated.as_deref().cloned(),
        silences: ids.numbers(&muting.silences),
        inhibited_by: muting.inhibited_by.as_ref().map(|id| ids.number(id)),
        unmuted: muting.unmuted.map(saved_unmuted),
        unacknowledged_at: muting.unacknowledged_at.map(timestamp),
        subscriptions: ids.numbers(subscribers.into_iter().flat_map(|subscribers| subscribers.iter())),
    }
}

fn saved_unmuted(unmuted: Unmuted) -> SavedUnmuted {
    let from = match unmuted.from {
        MutedBy::Silence => 0,
        MutedBy::Inhibition => 1,
        MutedBy::Acknowledgement => 2,
    };
    SavedUnmuted { at: Some(timestamp(unmuted.at)), from }
}

fn saved_subscription(ids: &mut IdNumbers, id: &Id, record: &SubscriptionRecord) -> SavedSubscription {
    let group = |ids: &mut IdNumbers, (id, group): (&Id, &Arc<Group>)| SavedGroup {
        id: ids.number(id),
        resolved_unsent: ids.numbers(group.resolved_unsent.iter()),
        due: group.due.map(timestamp),
    };
    SavedSubscription {
        id: ids.number(id),
        subscription: record.subscription.as_deref().cloned(),
        revision: record.revision,
        position: record.position,
        put_at: Some(timestamp(record.put_at)),
        members: record.members.iter().map(|(alert, member)| saved_member(ids, alert, member)).collect(),
        groups: record.groups.iter().map(|entry| group(ids, entry)).collect(),
        refused: ids.numbers(record.refused.iter()),
    }
}

fn saved_member(ids: &mut IdNumbers, alert: &Id, member: &Member) -> SavedMember {
    let MemberDueTimes { urgent, update, repeat, escalation } = member.due_times;
    let notified = |last: &LastNotification| SavedLastNotification {
        receiver: ids.number(&last.receiver),
        position: last.position,
        is_firing: last.is_firing,
        first_at: Some(timestamp(last.first_at)),
        last_at: Some(timestamp(last.last_at)),
        message: last.message.as_bytes().to_vec(),
        outcome: match last.outcome {
            DeliveryOutcome::Pending => 0,
            DeliveryOutcome::Delivered => 1,
            DeliveryOutcome::GivenUp => 2,
        },
    };
    SavedMember {
        notified: member.notified.iter().map(notified).collect(),
        alert: ids.number(alert),
        group: ids.number(&member.group),
        since: Some(timestamp(member.since)),
        changed_at: member.changed_at.map(timestamp),
        severity: ids.number(&member.severity),
        urgent: urgent.map(timestamp),
        update: update.map(timestamp),
        repeat: repeat.map(timestamp),
        escalation: escalation.map(timestamp),
    }
}

fn saved_silence(ids: &mut IdNumbers, silence: &SilenceRecord) -> SavedSilence {
    SavedSilence {
        silence: Some(silence.silence.clone()),
        revision: silence.revision,
        position: silence.position,
        from: Some(timestamp(silence.from)),
        until: Some(timestamp(silence.until)),
        alerts: ids.numbers(silence.alerts.iter()),
    }
}

fn saved_inhibition(ids: &mut IdNumbers, id: &Id, record: &InhibitionRecord) -> SavedInhibition {
    let InhibitionRecord { inhibition, revision, position, .. } = record;
    let inhibition = inhibition.clone();
    SavedInhibition { id: ids.number(id), inhibition, revision: *revision, position: *position }
}

fn saved_acknowledgement(
    ids: &mut IdNumbers,
    id: &Id,
    record: &AcknowledgementRecord,
) -> SavedAcknowledgement {
    let AcknowledgementRecord { position, last, since } = record;
    let since = Some(timestamp(*since));
    SavedAcknowledgement { alert: ids.number(id), position: *position, last: last.clone(), since }
}

fn saved_receiver(ids: &mut IdNumbers, id: &Id, status: &ReceiverStatus) -> SavedReceiver {
    let disabled = status.disabled.as_ref();
    SavedReceiver {
        id: ids.number(id),
        fallback: status.fallback.as_ref().map(|id| ids.number(id)),
        heartbeat_seconds: status.heartbeat.map(|every| every.as_secs()),
        heartbeat_nanos: status.heartbeat.map_or(0, |every| every.subsec_nanos()),
        since: Some(timestamp(status.since)),
        disabled: disabled.map(|(since, _)| timestamp(*since)),
        disabled_reason: disabled.map(|(_, reason)| reason.clone()).unwrap_or_default(),
        failing_since: status.failing_since.map(timestamp),
        last_heartbeat: status.last_heartbeat.map(timestamp),
    }
}

fn saved_last_sent(
    ids: &mut IdNumbers,
    (subscription, group, receiver): &(Id, Id, Id),
    last: LastSent,
) -> SavedLastSent {
    SavedLastSent {
        subscription: ids.number(subscription),
        group: ids.number(group),
        receiver: ids.number(receiver),
        sequence: last.sequence,
        at: last.at.map(timestamp),
    }
}

fn saved_message(ids: &mut IdNumbers, id: &str, message: &OutboxMessage) -> SavedOutboxMessage {
    SavedOutboxMessage {
        message: id.to_owned(),
        receiver: ids.number(&message.receiver),
        subscription: ids.number(&message.subscription),
        group: ids.number(&message.group),
        alerts: ids.numbers(&message.alerts),
        has_notice: message.has_notice,
    }
}

fn saved_notice(ids: &mut IdNumbers, address: &FallbackAddress, notice: &FallbackNotice) -> SavedNotice {
    SavedNotice {
        fallback: ids.number(&address.fallback),
        receiver: ids.number(&address.receiver),
        subscription: ids.number(&address.subscription),
        group: ids.number(&address.group),
        due: Some(timestamp(notice.due)),
        since: Some(timestamp(notice.since)),
        reason: notice.reason.clone(),
        alerts: ids.numbers(&notice.alerts),
    }
}
