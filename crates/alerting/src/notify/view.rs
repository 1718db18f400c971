//! What a subscription has to say about one alert, to which receivers, and when.
//!
//! Everything here follows from an [`AlertView`] and an instant. Two kinds of question are answered: *what*
//! is to be said at an instant (`update`, `follow_up`, `repeat`, `escalation`), and *when* something may be
//! to be said next (`due_times`). They must agree: if something is to be said, its due time is not later. A
//! due time may be too early, which costs a look; one that is too late loses a message.
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::time::later;
use orewatch_rules::shared::SharedMap;

use super::Id;
use super::acknowledge::AcknowledgementRecord;
use super::alert::TrackedAlert;
use super::member::{LastNotification, Member, MemberDueTimes};
use super::muting::{AlertMuting, MutedBy};
use super::receivers::Receivers;
use super::route::Route;
use super::silence::SilenceRecord;

/// Adjoining silences that are searched for an end before they count as endless.
const MAX_ADJOINING_SILENCES: usize = 1_000;

/// What a message says about an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// It fires, and the receiver has not been notified.
    Fired,
    /// It still fires, and is no longer muted.
    Unmuted(MutedBy),
    /// It fires, and has changed.
    Changed,
    /// It is resolved.
    Resolved,
    /// It fired and was resolved before any receiver was notified. Listed in messages, but no reason for one.
    ResolvedUnsent,
    /// It still fires.
    Repeated,
    /// Nobody has acknowledged it.
    Escalated,
}

impl Update {
    /// Whether it is a reason for a message.
    #[must_use]
    pub fn is_reason(self) -> bool {
        self != Self::ResolvedUnsent
    }

    /// Whether it says that the alert is resolved.
    #[must_use]
    pub fn is_resolved(self) -> bool {
        matches!(self, Self::Resolved | Self::ResolvedUnsent)
    }
}

/// An alert as a subscription sees it.
#[derive(Clone, Copy, Debug)]
pub struct AlertView<'a> {
    /// The subscription.
    pub route: &'a Route,
    /// The alert.
    pub tracked: &'a TrackedAlert,
    /// The alert as a member of its group.
    pub member: &'a Member,
    /// What mutes the alert.
    pub muting: &'a AlertMuting,
    /// All silences.
    pub silences: &'a SharedMap<Id, Arc<SilenceRecord>>,
    /// The acknowledgements of the alert.
    pub acknowledgement: Option<&'a AcknowledgementRecord>,
    /// All receivers.
    pub receivers: &'a Receivers,
    /// The receiver of the subscription, or its fallback. None: neither is enabled.
    pub receiver: Option<&'a Id>,
    /// The receiver of the escalation, or its fallback. None: there is no escalation, or neither is enabled.
    pub escalation_receiver: Option<&'a Id>,
}

impl<'a> AlertView<'a> {
    fn silences(self) -> impl Iterator<Item = &'a SilenceRecord> {
        self.muting.silences.iter().filter_map(move |id| self.silences.get(id)).map(Arc::as_ref)
    }

    /// The silence that mutes it at an instant; of several the one that ends last.
    #[must_use]
    pub fn active_silence(self, now: Timestamp) -> Option<&'a SilenceRecord> {
        self.silences().filter(|silence| silence.is_active(now)).max_by_key(|silence| silence.until)
    }

    /// Whether a silence or an inhibition mutes it at an instant.
    #[must_use]
    pub fn is_muted(self, now: Timestamp) -> bool {
        self.muting.inhibited_by.is_some() || self.active_silence(now).is_some()
    }

    /// The first instant, not before `time`, at which no silence is active.
    #[must_use]
    pub fn silenced_until(self, mut time: Timestamp) -> Timestamp {
        for _ in 0..MAX_ADJOINING_SILENCES {
            match self.active_silence(time) {
                Some(silence) => time = silence.until,
                None => return time,
            }
        }
        Timestamp::MAX
    }

    /// The last message to a receiver that showed this episode as firing.
    fn last_firing(self, receiver: &str) -> Option<&'a LastNotification> {
        let last = self.member.last_notification(receiver)?;
        let is_of_episode = !self.tracked.is_firing || last.position >= self.tracked.fired_position;
        (last.is_firing && is_of_episode).then_some(last)
    }

    /// When mutes of the episode ended after an instant. Those that run out by themselves lie in the future,
    /// too.
    fn unmuted_after(self, since: Timestamp) -> impl Iterator<Item = (Timestamp, MutedBy)> {
        let fired = self.tracked.fired_time;
        let silences = self
            .silences()
            .filter(move |silence| silence.until > fired && silence.until > silence.from)
            .map(|silence| (silence.until, MutedBy::Silence));
        let by_event = self.muting.unmuted.map(|unmuted| (unmuted.at, unmuted.from));
        let expired = self.acknowledgement.and_then(AcknowledgementRecord::expires_at);
        let expired = expired.map(|expires_at| (expires_at, MutedBy::Acknowledgement));
        silences.chain(by_event).chain(expired).filter(move |(at, _)| *at > since && *at >= fired)
    }

    /// What the receiver of the subscription is to be notified of at an instant.
    #[must_use]
    pub fn update(self, now: Timestamp) -> Option<Update> {
        let receiver = self.receiver?;
        let last = self.last_firing(receiver);
        if !self.tracked.is_firing {
            return match last {
                Some(_) => self.route.with_resolved.then_some(Update::Resolved),
                None => self.member.notified.is_empty().then_some(Update::ResolvedUnsent),
            };
        }
        if self.is_muted(now) {
            return None;
        }
        let since = last.map_or(self.member.since, |last| last.last_at);
        // The end of an acknowledgement is news only to a receiver that knows the alert.
        let unmuted = self
            .unmuted_after(since)
            .filter(|(at, from)| *at <= now && (last.is_some() || *from != MutedBy::Acknowledgement));
        match (unmuted.max_by_key(|(at, _)| *at), last) {
            (Some((_, from)), _) => Some(Update::Unmuted(from)),
            (None, None) => Some(Update::Fired),
            (None, Some(last)) => (self.tracked.position > last.position).then_some(Update::Changed),
        }
    }

    /// What another receiver that was notified before is to be notified of at an instant.
    #[must_use]
    pub fn follow_up(self, receiver: &str, now: Timestamp) -> Option<Update> {
        let last = self.member.last_notification(receiver).filter(|last| last.is_firing)?;
        if !self.receivers.is_enabled(receiver) {
            return None;
        }
        if !self.tracked.is_firing {
            return self.route.with_resolved.then_some(Update::Resolved);
        }
        (self.tracked.position > last.position && !self.is_muted(now)).then_some(Update::Changed)
    }

    /// What is to be repeated at an instant.
    #[must_use]
    pub fn repeat(self, now: Timestamp) -> Option<Update> {
        self.last_firing(self.receiver?)?;
        let is_acknowledged = self.acknowledgement.is_some_and(|record| record.current(now).is_some());
        (self.tracked.is_firing && !is_acknowledged && !self.is_muted(now)).then_some(Update::Repeated)
    }

    /// What the receiver of the escalation is to be notified of at an instant.
    #[must_use]
    pub fn escalation(self, now: Timestamp) -> Option<Update> {
        (self.escalates_at()? <= now && !self.is_muted(now)).then_some(Update::Escalated)
    }

    /// When it is escalated, unless it is muted then.
    fn escalates_at(self) -> Option<Timestamp> {
        let step = self.route.escalation.as_ref()?;
        if !self.tracked.is_firing
            || !step.covers(&self.tracked.alert.severity)
            || self.last_firing(self.escalation_receiver?).is_some()
        {
            return None;
        }
        let of_episode =
            self.member.notified.iter().filter(|last| self.last_firing(&last.receiver).is_some());
        let first_at = of_episode.map(|last| last.first_at).min()?;
        // After an acknowledgement has ended, the time to escalation counts from its end.
        let unacknowledged_at = match self.acknowledgement.filter(|record| record.last.is_some()) {
            Some(record) => Some(record.expires_at()?),
            None => self.muting.unacknowledged_at,
        };
        Some(later(unacknowledged_at.map_or(first_at, |at| at.max(first_at)), step.after))
    }

    /// When it is a reason for a message. `time` is that of the newest event.
    #[must_use]
    pub fn due_times(self, time: Timestamp) -> MemberDueTimes {
        let is_inhibited = self.tracked.is_firing && self.muting.inhibited_by.is_some();
        if is_inhibited {
            // The end of an inhibition is an event, on which this is computed anew.
            return MemberDueTimes::default();
        }
        MemberDueTimes {
            urgent: self.urgent_at(),
            update: self.update_at(),
            repeat: self.repeat_at(time),
            escalation: self.escalates_at().map(|at| self.silenced_until(at)),
        }
    }

    /// The end of a silence or an acknowledgement is said without waiting for the group's interval.
    fn urgent_at(self) -> Option<Timestamp> {
        let last = self.last_firing(self.receiver?);
        if !self.tracked.is_firing {
            return None;
        }
        let since = last.map_or(self.member.since, |last| last.last_at);
        let urgent = self.unmuted_after(since).filter(|(_, from)| match from {
            MutedBy::Silence => true,
            MutedBy::Acknowledgement => last.is_some(),
            MutedBy::Inhibition => false,
        });
        urgent.map(|(at, _)| self.silenced_until(at)).min()
    }

    fn update_at(self) -> Option<Timestamp> {
        let wait = if self.route.digest.is_some() { Duration::ZERO } else { self.route.wait };
        let tracked = self.tracked;
        let changed = self.member.changed_at.unwrap_or(tracked.time);
        // While another alert explained it there was nothing to wait for: the wait begins with the end of
        // that.
        let uninhibited = self.muting.unmuted.filter(|unmuted| unmuted.from == MutedBy::Inhibition);
        let changed = later(uninhibited.map_or(changed, |unmuted| changed.max(unmuted.at)), wait);
        let has_follow_up = self.member.notified.iter().any(|last| {
            last.is_firing
                && self.receivers.is_enabled(&last.receiver)
                && (!tracked.is_firing || tracked.position > last.position)
        });
        let last = self.receiver.map(|receiver| self.last_firing(receiver));
        let is_unknown = matches!(last, Some(None)) && tracked.is_firing;
        if !tracked.is_firing {
            return (has_follow_up && self.route.with_resolved).then_some(changed);
        }
        let changed = (has_follow_up || is_unknown).then(|| self.silenced_until(changed));
        let since = last?.map_or(self.member.since, |last| last.last_at);
        let uninhibited = self.unmuted_after(since).find(|(_, from)| *from == MutedBy::Inhibition);
        let uninhibited = uninhibited.map(|(at, _)| self.silenced_until(later(at, wait)));
        [changed, uninhibited].into_iter().flatten().min()
    }

    fn repeat_at(self, time: Timestamp) -> Option<Timestamp> {
        self.route.repeat?;
        self.last_firing(self.receiver?).filter(|_| self.tracked.is_firing)?;
        let unacknowledged = match self.acknowledgement.filter(|record| record.last.is_some()) {
            Some(record) => record.expires_at()?,
            None => Timestamp::MIN,
        };
        let unsilenced = self.silenced_until(time);
        Some(if unsilenced > time { unacknowledged.max(unsilenced) } else { unacknowledged })
    }
}
