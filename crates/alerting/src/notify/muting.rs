//! Owner of what holds messages back: silences, inhibitions and acknowledgements.
//!
//! Each method folds one event, or one transition of an alert, and returns the alerts whose muting may have
//! changed, so that the caller can compute anew when their messages are due. It knows neither subscriptions
//! nor due times.
//!
//! Invariants:
//! - `alerts` has one entry for each tracked alert, from its first transition to firing until it is
//!   forgotten.
//! - A firing alert is in `SilenceRecord::alerts` exactly if the silence's filter matches it, and then the
//!   silence is in [`AlertMuting::silences`]. A resolved alert keeps its silences, for messages about its
//!   end.
//! - [`AlertMuting::inhibited_by`] is the first inhibition, by identifier, that has a source for the alert.
//! - `silence_index` has the filters of exactly the silences that have one.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Acknowledgement, Alert, Inhibition};
use orewatch_rules::shared::SharedMap;

use super::Id;
use super::acknowledge::AcknowledgementRecord;
use super::alert::{EventMeta, TrackedAlerts};
use super::index::FilterIndex;
use super::inhibit::InhibitionRecord;
use super::silence::SilenceRecord;

/// What mutes messages about an alert; an acknowledgement mutes repeats and escalation only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MutedBy {
    /// A silence.
    Silence,
    /// An inhibition.
    Inhibition,
    /// An acknowledgement.
    Acknowledgement,
}

/// The end of a mute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unmuted {
    /// When it ended.
    pub at: Timestamp,
    /// What had muted the alert.
    pub from: MutedBy,
}

/// What mutes one tracked alert, and what has stopped muting it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertMuting {
    /// The silences whose filter matches the alert: pending, active and ended ones.
    pub silences: BTreeSet<Id>,
    /// The inhibition that mutes it.
    pub inhibited_by: Option<Id>,
    /// The last mute that an event ended. Silences and acknowledgements that run out leave no event.
    pub unmuted: Option<Unmuted>,
    /// When an acknowledgement of the episode was last withdrawn, or became void because the severity rose.
    pub unacknowledged_at: Option<Timestamp>,
}

/// Silences, inhibitions and acknowledgements, and what they mute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MutingState {
    pub(super) silences: SharedMap<Id, Arc<SilenceRecord>>,
    pub(super) silence_index: Arc<FilterIndex>,
    pub(super) inhibitions: BTreeMap<Id, Arc<InhibitionRecord>>,
    pub(super) acknowledgements: SharedMap<Id, AcknowledgementRecord>,
    pub(super) alerts: SharedMap<Id, Arc<AlertMuting>>,
}

impl MutingState {
    /// What mutes an alert. None: the alert is not tracked.
    #[must_use]
    pub fn alert(&self, id: &str) -> Option<&AlertMuting> {
        self.alerts.get(id).map(Arc::as_ref)
    }

    /// The acknowledgements of an alert.
    #[must_use]
    pub fn acknowledgement(&self, alert: &str) -> Option<&AcknowledgementRecord> {
        self.acknowledgements.get(alert)
    }

    /// The silences whose filter matches a tracked alert.
    fn silences_of(&self, id: &str) -> impl Iterator<Item = &SilenceRecord> {
        let ids = self.alerts.get(id).map(|muting| &muting.silences);
        ids.into_iter().flatten().filter_map(|id| self.silences.get(id)).map(Arc::as_ref)
    }

    /// Whether a silence mutes an alert at an instant.
    pub(super) fn is_silenced(&self, id: &str, now: Timestamp) -> bool {
        self.silences_of(id).any(|silence| silence.is_active(now))
    }

    /// How many firing alerts the filter of a silence matches.
    pub(crate) fn count_matched(silence: &SilenceRecord, alerts: &TrackedAlerts) -> usize {
        let Some(filter) = &silence.filter else { return 0 };
        alerts.firing().filter(|(_, tracked)| filter.matches(&tracked.alert)).count()
    }

    /// Records that an alert fires or has changed. What muted it carries over within an episode.
    pub(super) fn fire(
        &mut self,
        id: &Id,
        alert: &Alert,
        episode: EpisodeChange,
        event: &EventMeta,
    ) -> Vec<Id> {
        if episode == EpisodeChange::Worse {
            self.end_acknowledgement(id);
        }
        let old = self.alerts.remove(id).unwrap_or_default();
        let silences = self.match_silences(id, alert);
        for left in old.silences.difference(&silences) {
            if let Some(silence) = self.silences.get_mut(left) {
                Arc::make_mut(silence).alerts.remove(id);
            }
        }
        let muting = match episode {
            EpisodeChange::New => AlertMuting { silences, ..AlertMuting::default() },
            EpisodeChange::Same => AlertMuting { silences, ..AlertMuting::clone(&old) },
            EpisodeChange::Worse => {
                let unacknowledged_at = Some(event.time);
                AlertMuting { silences, unacknowledged_at, ..AlertMuting::clone(&old) }
            }
        };
        self.alerts.insert(id.clone(), Arc::new(muting));
        self.update_inhibitions(id, Some(alert), event)
    }

    /// Records that an alert no longer fires.
    pub(super) fn resolve(&mut self, id: &Id, event: &EventMeta) -> Vec<Id> {
        for silence in self.alerts.get(id).map(|muting| muting.silences.clone()).unwrap_or_default() {
            if let Some(silence) = self.silences.get_mut(&silence) {
                Arc::make_mut(silence).alerts.remove(id);
            }
        }
        self.update_inhibitions(id, None, event)
    }

    /// Forgets an alert that is no longer tracked. Its acknowledgements stay: their stream goes on.
    pub(super) fn forget(&mut self, id: &str) {
        self.alerts.remove(id);
    }

    /// Creates or revises a silence.
    pub(super) fn put_silence(
        &mut self,
        mut next: SilenceRecord,
        alerts: &TrackedAlerts,
        event: &EventMeta,
    ) -> Vec<Id> {
        let id: Id = next.silence.id.as_str().into();
        let old = self.silences.remove(&id);
        if let Some(filter) = old.as_ref().and_then(|old| old.filter.as_ref()) {
            Arc::make_mut(&mut self.silence_index).remove(&id, filter);
        }
        let before: BTreeSet<Id> = old.iter().flat_map(|old| old.alerts.iter()).cloned().collect();
        if let Some(filter) = &next.filter {
            Arc::make_mut(&mut self.silence_index).insert(&id, filter);
            let matched = alerts.firing().filter(|(_, tracked)| filter.matches(&tracked.alert));
            next.alerts = matched.map(|(alert, _)| alert.clone()).collect();
        }
        for alert in before.iter().filter(|alert| !next.alerts.contains(&***alert)) {
            if let Some(muting) = self.alert_mut(alert) {
                muting.silences.remove(&id);
                muting.unmuted = Some(Unmuted { at: event.time, from: MutedBy::Silence });
            }
        }
        for alert in next.alerts.iter() {
            if let Some(muting) = self.alert_mut(alert) {
                muting.silences.insert(id.clone());
            }
        }
        let changed: BTreeSet<Id> = before.iter().chain(next.alerts.iter()).cloned().collect();
        self.silences.insert(id, Arc::new(next));
        changed.into_iter().collect()
    }

    /// Ends a silence before its time.
    pub(super) fn end_silence(&mut self, silence: &str, event: &EventMeta) -> Vec<Id> {
        let Some(silence) = self.silences.get_mut(silence).map(Arc::make_mut) else { return Vec::new() };
        silence.end(event.time, event.position);
        silence.alerts.iter().cloned().collect()
    }

    /// Forgets the oldest ended silences beyond the number that is listed.
    pub(super) fn forget_ended_silences(&mut self, max_ended: usize, now: Timestamp) {
        let ended = self.silences.iter().filter(|(_, silence)| silence.until <= now);
        let mut ended: Vec<(Timestamp, Id)> =
            ended.map(|(id, silence)| (silence.until, id.clone())).collect();
        ended.sort();
        let excess = ended.len().saturating_sub(max_ended);
        for (_, id) in ended.into_iter().take(excess) {
            let Some(silence) = self.silences.remove(&id) else { continue };
            if let Some(filter) = &silence.filter {
                Arc::make_mut(&mut self.silence_index).remove(&id, filter);
            }
            for alert in silence.alerts.iter() {
                if let Some(muting) = self.alert_mut(alert) {
                    muting.silences.remove(&id);
                }
            }
        }
    }

    /// Creates, revises or, with `None`, removes an inhibition.
    pub(super) fn put_inhibition(
        &mut self,
        id: &str,
        inhibition: Option<Inhibition>,
        revision: u32,
        alerts: &TrackedAlerts,
        event: &EventMeta,
    ) -> Vec<Id> {
        let id: Id = id.into();
        let old = self.inhibitions.remove(&id);
        let mut touched: BTreeSet<Id> = old.map(|old| old.targets().cloned().collect()).unwrap_or_default();
        let mut next = InhibitionRecord::from_log(inhibition, revision, event.position);
        for (alert, tracked) in alerts.firing() {
            next.update(alert, Some(&tracked.alert));
        }
        touched.extend(next.targets().cloned());
        self.inhibitions.insert(id, Arc::new(next));
        touched.into_iter().filter(|alert| self.update_inhibited_by(alert, event)).collect()
    }

    /// Records an acknowledgement.
    pub(super) fn acknowledge(&mut self, acknowledgement: Acknowledgement, event: &EventMeta) -> Id {
        let id: Id = acknowledgement.alert.as_str().into();
        let record = AcknowledgementRecord {
            position: event.position,
            last: Some(acknowledgement),
            since: event.time,
        };
        self.acknowledgements.insert(id.clone(), record);
        id
    }

    /// Withdraws the acknowledgement of an alert.
    pub(super) fn unacknowledge(&mut self, alert: &str, event: &EventMeta) -> Id {
        let id: Id = alert.into();
        self.end_acknowledgement(&id);
        if let Some(record) = self.acknowledgements.get_mut(&id) {
            record.position = event.position;
        }
        if let Some(muting) = self.alert_mut(&id) {
            muting.unacknowledged_at = Some(event.time);
            muting.unmuted = Some(Unmuted { at: event.time, from: MutedBy::Acknowledgement });
        }
        id
    }

    /// Ends the acknowledgement of an alert without a withdrawal: its episode is over, or the severity rose.
    pub(super) fn end_acknowledgement(&mut self, id: &Id) {
        if let Some(record) = self.acknowledgements.get_mut(id) {
            record.last = None;
        }
    }

    fn alert_mut(&mut self, id: &str) -> Option<&mut AlertMuting> {
        self.alerts.get_mut(id).map(Arc::make_mut)
    }

    /// Adds an alert to the silences whose filter matches it, removes it from the other candidates, and
    /// returns those that match.
    fn match_silences(&mut self, id: &Id, alert: &Alert) -> BTreeSet<Id> {
        let candidates: Vec<Id> = self.silence_index.candidates(alert).cloned().collect();
        let mut matched = BTreeSet::new();
        for candidate in candidates {
            let Some(silence) = self.silences.get_mut(&candidate) else { continue };
            if silence.filter.as_ref().is_some_and(|filter| filter.matches(alert)) {
                Arc::make_mut(silence).alerts.insert(id.clone());
                matched.insert(candidate);
            } else if silence.alerts.contains(id) {
                Arc::make_mut(silence).alerts.remove(id);
            }
        }
        matched
    }

    /// Updates what an alert inhibits and what inhibits it (`alert` is `None` if it does not fire). Returns
    /// the alerts whose inhibition changed, the alert itself first.
    fn update_inhibitions(&mut self, id: &Id, alert: Option<&Alert>, event: &EventMeta) -> Vec<Id> {
        let mut touched = BTreeSet::new();
        for inhibition in self.inhibitions.values_mut() {
            // A copy is made only of an inhibition that the change concerns: the others stay shared.
            if inhibition.would_change(id, alert) {
                touched.extend(Arc::make_mut(inhibition).update(id, alert));
            }
        }
        let touched = std::iter::once(id).chain(&touched);
        touched.filter(|alert| self.update_inhibited_by(alert, event)).cloned().collect()
    }

    /// Updates which inhibition mutes an alert. Returns whether that changed.
    fn update_inhibited_by(&mut self, id: &Id, event: &EventMeta) -> bool {
        let mut inhibitions = self.inhibitions.iter();
        let by = inhibitions.find(|(_, inhibition)| inhibition.source_of(id).is_some());
        let by = by.map(|(inhibition, _)| inhibition.clone());
        if self.alerts.get(id).is_none_or(|muting| muting.inhibited_by == by) {
            return false;
        }
        let Some(muting) = self.alert_mut(id) else { return false };
        if by.is_none() {
            muting.unmuted = Some(Unmuted { at: event.time, from: MutedBy::Inhibition });
        }
        muting.inhibited_by = by;
        true
    }
}

/// How a transition to firing relates to the episode before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EpisodeChange {
    /// A new episode begins: nothing carries over.
    New,
    /// The episode goes on.
    Same,
    /// The episode goes on with a higher severity, which voids an acknowledgement.
    Worse,
}
