//! State and event give the next state: receivers, and what became of the messages to them.
//!
//! Messages are kept in outline: whom they tell of what, never figures or texts. The worker reads the whole from the log when it
//! sends. All that have not ended are kept, and of each receiver the last [`KEPT`] that have; the log has the others.
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    Alert, AlertTold, DeliveryAttempt, DeliveryAttempted, DeliveryFailed, DeliveryGivenUp, DeliveryRequested,
    DeliveryState, DeliverySucceeded, FailureKind, Notification, Receiver, ReceiverDisabled, ReceiverPut,
};
use orewatch_eventlog::{Error, Event, Position};

use super::feed::entries;
use crate::facts::{Fact, corrupt};
use crate::subscribe::timestamp;

/// Messages of a receiver that have ended and are kept all the same.
pub const KEPT: usize = 1000;

/// Attempts of a message that are kept: the last.
pub const ATTEMPTS_KEPT: usize = 20;

/// A receiver as it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// The receiver. None: it was removed, or never was.
    pub receiver: Option<Receiver>,
    /// Its revision, from 1; a removal keeps the number that it removes.
    pub revision: u32,
    /// Position of the last event on its stream.
    pub position: Position,
    /// When that revision was put.
    pub put_at: Timestamp,
    /// Since when and why it is not sent to. None: it is.
    pub disabled: Option<Disabled>,
    /// Why it is about to be disabled. None: it is not.
    pub doomed: Option<Disabled>,
    /// Since when no attempt has succeeded. None: the last one did, or there was none.
    pub failing_since: Option<Timestamp>,
    /// Before when it wants to be sent nothing.
    pub paused_until: Option<Timestamp>,
    /// Messages that were delivered.
    pub delivered: u64,
    /// Messages that were given up.
    pub given_up: u64,
    /// Messages that have not ended, by the position at which they were planned.
    open: BTreeSet<Position>,
    /// Messages that have ended and are kept.
    ended: BTreeSet<Position>,
    /// When the newest was planned of those that are not kept any more.
    forgotten: Option<Timestamp>,
}

/// Why and since when a receiver is not sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disabled {
    /// Since when.
    pub since: Timestamp,
    /// Why, for people.
    pub reason: String,
    /// The message that showed it. Empty: none.
    pub notification: String,
}

impl Standing {
    /// Messages that are planned and neither delivered nor given up.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.open.len()
    }

    /// When the newest message was planned that is no longer kept. None: all are.
    #[must_use]
    pub fn forgotten(&self) -> Option<Timestamp> {
        self.forgotten
    }
}

/// Where a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// It waits for an attempt.
    Waiting {
        /// Not before when. None: at once.
        due: Option<Timestamp>,
        /// When that was decided.
        since: Timestamp,
    },
    /// The receiver has taken it.
    Delivered,
    /// It is not tried again by itself, and why.
    GivenUp(String),
}

/// An attempt that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its number, from 1.
    pub attempt: u32,
    /// When it began.
    pub began: Timestamp,
    /// When it counts as lost.
    pub until: Timestamp,
    /// Asked for by somebody.
    pub by_hand: bool,
}

/// A message and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its outline: without figures, texts and acknowledgements.
    pub outline: Arc<Notification>,
    /// Where it was planned, or asked for again after it was no longer kept.
    pub planned: Position,
    /// Position of the last event on its stream.
    pub last: Position,
    /// Where it is.
    pub place: Place,
    /// The attempt that is under way.
    pub lease: Option<Lease>,
    /// Who asked for an attempt that has not begun. None: nobody.
    pub requested: Option<String>,
    /// Its last attempts, oldest first.
    pub attempts: VecDeque<DeliveryAttempt>,
    /// How many attempts there were.
    pub attempt_count: u32,
    /// How many of them nobody asked for: these count in the schedule.
    pub tries: u32,
}

impl Message {
    /// Where it is, as the contract says it.
    #[must_use]
    pub fn state(&self) -> DeliveryState {
        match &self.place {
            _ if self.lease.is_some() => DeliveryState::Sending,
            _ if self.requested.is_some() => DeliveryState::Waiting,
            Place::Waiting { .. } => DeliveryState::Waiting,
            Place::Delivered => DeliveryState::Delivered,
            Place::GivenUp(_) => DeliveryState::GivenUp,
        }
    }

    /// Whether there is something left to do.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.place, Place::Waiting { .. }) || self.lease.is_some() || self.requested.is_some()
    }

    /// Subscription and group: messages that have these in common are sent in their order.
    #[must_use]
    pub fn line(&self) -> (&str, &str) {
        (&self.outline.subscription, &self.outline.group)
    }

    fn of(outline: Notification, event: &Event, place: Place) -> Self {
        Self {
            outline: Arc::new(outline),
            planned: event.position,
            last: event.position,
            place,
            lease: None,
            requested: None,
            attempts: VecDeque::new(),
            attempt_count: 0,
            tries: 0,
        }
    }
}

/// All that the alerts log says about receivers and messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    receivers: BTreeMap<String, Standing>,
    messages: BTreeMap<Position, Message>,
    by_id: BTreeMap<String, Position>,
    /// The last messages to receivers that are feeds, in whole: what a feed says is read from here.
    feeds: BTreeMap<String, VecDeque<Notification>>,
    /// Nothing is forgotten.
    keeps_all: bool,
}

impl State {
    /// A state that forgets nothing: for looking into the past, not for a service that runs on.
    #[must_use]
    pub fn of_all() -> Self {
        Self { keeps_all: true, ..Self::default() }
    }

    /// Folds an event.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot be read or cannot follow.
    pub fn evolve(&mut self, event: &Event) -> Result<(), Error> {
        self.evolve_read(event, Fact::read(event)?.as_ref())
    }

    /// Folds an event that was read.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot follow.
    pub(crate) fn evolve_read(&mut self, event: &Event, fact: Option<&Fact>) -> Result<(), Error> {
        // Most facts are transitions of alerts, and what they carry is large.
        match fact.filter(|fact| !matches!(fact, Fact::Alert(_))).cloned() {
            Some(Fact::ReceiverPut(put)) => self.put(event, put)?,
            Some(Fact::ReceiverRemoved(removed)) => {
                let standing = self.standing_mut(&removed.receiver);
                standing.position = event.position;
                standing.receiver = None;
                standing.well();
                self.feeds.remove(&removed.receiver);
            }
            Some(Fact::ReceiverDisabled(disabled)) => self.disable(event, disabled),
            Some(Fact::ReceiverEnabled(enabled)) => {
                let standing = self.standing_mut(&enabled.receiver);
                standing.position = event.position;
                standing.well();
                self.hasten(&enabled.receiver, event.time);
            }
            Some(Fact::Planned(planned)) => {
                let message = planned.notification.ok_or_else(|| corrupt(event, "the message is missing"))?;
                let place = Place::Waiting { due: None, since: event.time };
                self.publish(&message);
                self.keep(Message::of(outline(message), event, place));
            }
            Some(Fact::Requested(requested)) => self.request(event, requested)?,
            Some(Fact::Attempted(attempted)) => self.attempt(event, &attempted),
            Some(Fact::Succeeded(succeeded)) => self.succeed(event, succeeded),
            Some(Fact::Failed(failed)) => self.fail(event, failed),
            Some(Fact::GivenUp(given_up)) => self.give_up(event, given_up),
            // The alerts themselves and who is told are folded beside this state.
            Some(_) | None => {}
        }
        Ok(())
    }

    /// The receivers that ever were, by identifier.
    #[must_use]
    pub fn receivers(&self) -> &BTreeMap<String, Standing> {
        &self.receivers
    }

    /// A receiver that stands.
    #[must_use]
    pub fn receiver(&self, id: &str) -> Option<&Standing> {
        self.receivers.get(id).filter(|standing| standing.receiver.is_some())
    }

    /// The messages that are kept, oldest first.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.values()
    }

    /// A message that is kept.
    #[must_use]
    pub fn message(&self, id: &str) -> Option<&Message> {
        self.messages.get(self.by_id.get(id)?)
    }

    /// The messages of a receiver that have not ended, oldest first.
    pub fn open(&self, receiver: &str) -> impl Iterator<Item = &Message> {
        let open = self.receivers.get(receiver).map(|standing| &standing.open);
        open.into_iter().flatten().filter_map(|position| self.messages.get(position))
    }

    /// The messages of a feed, oldest first.
    pub fn feed(&self, receiver: &str) -> impl DoubleEndedIterator<Item = &Notification> + Clone {
        self.feeds.get(receiver).into_iter().flatten()
    }

    /// Keeps a message to a feed in whole.
    fn publish(&mut self, message: &Notification) {
        let standing = self.receivers.get(&message.receiver);
        let entries = standing.and_then(|standing| standing.receiver.as_ref()).and_then(entries);
        let Some(entries) = entries else { return };
        let feed = self.feeds.entry(message.receiver.clone()).or_default();
        feed.push_back(message.clone());
        while feed.len() > entries {
            feed.pop_front();
        }
    }

    fn standing_mut(&mut self, receiver: &str) -> &mut Standing {
        self.receivers.entry(receiver.to_owned()).or_default()
    }

    fn put(&mut self, event: &Event, put: ReceiverPut) -> Result<(), Error> {
        let receiver = put.receiver.ok_or_else(|| corrupt(event, "the receiver is missing"))?;
        let id = receiver.id.clone();
        let standing = self.standing_mut(&id);
        standing.receiver = Some(receiver);
        standing.revision = put.revision;
        standing.position = event.position;
        standing.put_at = event.time;
        // What the revision before did says nothing about this one.
        standing.well();
        self.hasten(&id, event.time);
        Ok(())
    }

    fn disable(&mut self, event: &Event, disabled: ReceiverDisabled) {
        let ReceiverDisabled { receiver, reason, notification } = disabled;
        let standing = self.standing_mut(&receiver);
        standing.position = event.position;
        standing.doomed = None;
        standing.disabled = Some(Disabled { since: event.time, reason, notification });
    }

    fn request(&mut self, event: &Event, requested: DeliveryRequested) -> Result<(), Error> {
        let message = requested.notification.ok_or_else(|| corrupt(event, "the message is missing"))?;
        let (id, receiver) = (message.id.clone(), message.receiver.clone());
        if !self.by_id.contains_key(&id) {
            let place = match requested.given_up {
                reason if reason.is_empty() => Place::Delivered,
                reason => Place::GivenUp(reason),
            };
            let attempt_count = requested.attempts;
            self.keep(Message { attempt_count, ..Message::of(outline(message), event, place) });
        }
        let standing = self.receivers.entry(receiver).or_default();
        if let Some(message) = self.by_id.get(&id).and_then(|position| self.messages.get_mut(position)) {
            message.last = event.position;
            message.requested = Some(requested.actor);
            standing.ended.remove(&message.planned);
            standing.open.insert(message.planned);
        }
        Ok(())
    }

    fn attempt(&mut self, event: &Event, attempted: &DeliveryAttempted) {
        let Some((_, message)) = self.of(&attempted.notification) else { return };
        let until = attempted.until.as_ref().and_then(instant).unwrap_or(event.time);
        let by_hand = attempted.by_hand;
        message.last = event.position;
        message.attempt_count = attempted.attempt;
        message.tries = message.tries.saturating_add(u32::from(!by_hand));
        message.lease = Some(Lease { attempt: attempted.attempt, began: event.time, until, by_hand });
        if by_hand {
            message.requested = None;
        }
        message.attempts.push_back(DeliveryAttempt {
            attempt: attempted.attempt,
            began_at: Some(timestamp(event.time)),
            by_hand,
            ..DeliveryAttempt::default()
        });
        while message.attempts.len() > ATTEMPTS_KEPT {
            message.attempts.pop_front();
        }
    }

    fn succeed(&mut self, event: &Event, succeeded: DeliverySucceeded) {
        let DeliverySucceeded { notification, answer, .. } = succeeded;
        let Some((standing, message)) = self.of(&notification) else { return };
        let by_hand = message.end_attempt(event, |attempt| {
            attempt.succeeded = true;
            attempt.message = answer;
        });
        match message.place {
            Place::Delivered => {}
            Place::Waiting { .. } => standing.delivered = standing.delivered.saturating_add(1),
            Place::GivenUp(_) => {
                standing.delivered = standing.delivered.saturating_add(1);
                standing.given_up = standing.given_up.saturating_sub(1);
            }
        }
        message.place = Place::Delivered;
        let receiver = message.outline.receiver.clone();
        if !by_hand {
            // The receiver is back: what waited for a later attempt need not.
            standing.paused_until = None;
            standing.doomed = None;
            if standing.failing_since.take().is_some() {
                self.hasten(&receiver, event.time);
            }
        }
        self.sort(&notification);
    }

    fn fail(&mut self, event: &Event, failed: DeliveryFailed) {
        let (kind, retry_at) = (failed.kind(), failed.retry_at.as_ref().and_then(instant));
        let DeliveryFailed { notification, message: said, .. } = failed;
        let Some((standing, message)) = self.of(&notification) else { return };
        let by_hand = message.end_attempt(event, |attempt| {
            attempt.kind = kind.into();
            attempt.message.clone_from(&said);
        });
        if !by_hand {
            standing.failing_since.get_or_insert(event.time);
            if let Place::Waiting { due, since } = &mut message.place {
                (*due, *since) = (retry_at, event.time);
            }
            if kind == FailureKind::RateLimited {
                standing.paused_until = standing.paused_until.max(retry_at);
            }
            // A message that is refused says nothing about the receiver; one that failed to the end of the retries does.
            if retry_at.is_none() && kind != FailureKind::Client && standing.receiver.is_some() {
                standing.doomed =
                    Some(Disabled { since: event.time, reason: said, notification: notification.clone() });
            }
        }
        self.sort(&notification);
    }

    fn give_up(&mut self, event: &Event, given_up: DeliveryGivenUp) {
        let DeliveryGivenUp { notification, reason } = given_up;
        let Some((standing, message)) = self.of(&notification) else { return };
        message.last = event.position;
        message.place = Place::GivenUp(reason);
        standing.given_up = standing.given_up.saturating_add(1);
        self.sort(&notification);
    }

    /// A message that is kept, with its receiver.
    fn of(&mut self, id: &str) -> Option<(&mut Standing, &mut Message)> {
        let message = self.messages.get_mut(self.by_id.get(id)?)?;
        Some((self.receivers.entry(message.outline.receiver.clone()).or_default(), message))
    }

    fn keep(&mut self, message: Message) {
        self.standing_mut(&message.outline.receiver.clone()).open.insert(message.planned);
        self.by_id.insert(message.outline.id.clone(), message.planned);
        self.messages.insert(message.planned, message);
    }

    /// Puts a message that has ended among those; the oldest of them are forgotten.
    fn sort(&mut self, id: &str) {
        let keeps_all = self.keeps_all;
        let Some((standing, message)) = self.of(id) else { return };
        if !message.is_open() {
            standing.open.remove(&message.planned);
            standing.ended.insert(message.planned);
        }
        if standing.ended.len() > KEPT && !keeps_all {
            let oldest = standing.ended.pop_first();
            let receiver = message.outline.receiver.clone();
            if let Some(gone) = oldest.and_then(|position| self.messages.remove(&position)) {
                self.by_id.remove(&gone.outline.id);
                let planned = gone.outline.planned_at.as_ref().and_then(instant);
                let standing = self.standing_mut(&receiver);
                standing.forgotten = standing.forgotten.max(planned);
            }
        }
    }

    /// Lets the messages of a receiver wait no longer than until now.
    fn hasten(&mut self, receiver: &str, now: Timestamp) {
        let open = self.receivers.get(receiver).map(|standing| &standing.open);
        for position in open.into_iter().flatten() {
            if let Some(Message { place: Place::Waiting { due, since }, .. }) =
                self.messages.get_mut(position)
            {
                (*due, *since) = (None, now);
            }
        }
    }
}

impl Standing {
    /// Nothing is known against it.
    fn well(&mut self) {
        (self.disabled, self.doomed) = (None, None);
        (self.failing_since, self.paused_until) = (None, None);
    }
}

impl Message {
    /// Ends the attempt that is under way. Returns whether it was asked for by somebody.
    fn end_attempt(&mut self, event: &Event, tell: impl FnOnce(&mut DeliveryAttempt)) -> bool {
        self.last = event.position;
        let by_hand = self.lease.take().is_some_and(|lease| lease.by_hand);
        if let Some(attempt) = self.attempts.back_mut() {
            attempt.ended_at = Some(timestamp(event.time));
            tell(attempt);
        }
        by_hand
    }
}

/// What is kept of a message: which alerts it tells of, and how they stood.
fn outline(message: Notification) -> Notification {
    let alerts = message.alerts.into_iter().map(|told| AlertTold {
        alert: told.alert.map(|alert| Alert {
            id: alert.id,
            episode: alert.episode,
            rule: alert.rule,
            title: alert.title,
            state: alert.state,
            severity: alert.severity,
            period: alert.period,
            ..Alert::default()
        }),
        event_id: told.event_id,
        time: told.time,
        ..AlertTold::default()
    });
    Notification { alerts: alerts.collect(), ..message }
}

/// A time of the contract. None: it is no time.
#[must_use]
pub fn instant(time: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(time.seconds, time.nanos).ok()
}
