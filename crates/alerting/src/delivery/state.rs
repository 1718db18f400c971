//! What the alerts log says about receivers and messages, folded.
//!
//! Invariants:
//! - A message is in `messages` under the position at which it was planned, and in `by_id`.
//! - Its receiver has it in `open` if it is open, and in `ended` otherwise.
//! - All open messages are kept, and the last [`MAX_ENDED_MESSAGES`] ended ones of each receiver. The log has
//!   the others.
//! - Messages are kept without figures and texts ([`MessageRecord::outline`]); the worker reads the whole
//!   message from the log when it sends it. Messages to feeds are kept whole, because a feed is rendered from
//!   them.
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::Notification;
use orewatch_contracts::time::instant;
use orewatch_eventlog::Position;
use orewatch_receivers::feed::entry_limit;
use orewatch_rules::shared::{SharedMap, SharedSet};

use super::message::{MessageRecord, MessageStatus};
use super::receiver::ReceiverRecord;

/// Ended messages of a receiver that are kept.
pub const MAX_ENDED_MESSAGES: usize = 1000;

/// Receivers, and the messages to them. A copy shares what neither changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DelivererState {
    pub(super) receivers: BTreeMap<String, Arc<ReceiverRecord>>,
    pub(super) messages: SharedMap<Position, Arc<MessageRecord>>,
    pub(super) by_id: SharedMap<String, Position>,
    /// The last messages to receivers that are feeds, whole.
    pub(super) feeds: BTreeMap<String, VecDeque<Arc<Notification>>>,
    /// No message is forgotten.
    pub(super) keeps_all: bool,
}

impl DelivererState {
    /// A state that forgets no message: for a look into the past, not for a service that goes on.
    #[must_use]
    pub fn keeping_all() -> Self {
        Self { keeps_all: true, ..Self::default() }
    }

    /// All receivers, removed ones too, by identifier.
    #[must_use]
    pub fn receivers(&self) -> &BTreeMap<String, Arc<ReceiverRecord>> {
        &self.receivers
    }

    /// A receiver that is not removed.
    #[must_use]
    pub fn receiver(&self, id: &str) -> Option<&ReceiverRecord> {
        self.receivers.get(id).map(Arc::as_ref).filter(|record| record.receiver.is_some())
    }

    /// The messages that are kept, oldest first.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &MessageRecord> {
        self.messages.values().map(Arc::as_ref)
    }

    /// A message that is kept.
    #[must_use]
    pub fn message(&self, id: &str) -> Option<&MessageRecord> {
        self.messages.get(self.by_id.get(id)?).map(Arc::as_ref)
    }

    /// The open messages of a receiver, oldest first.
    pub fn open_messages(&self, receiver: &str) -> impl Iterator<Item = &MessageRecord> {
        let open = self.receivers.get(receiver).map(|record| &record.open);
        let open = open.into_iter().flat_map(SharedSet::iter);
        open.filter_map(|position| self.messages.get(position)).map(Arc::as_ref)
    }

    /// The messages of a feed, oldest first.
    pub fn feed(&self, receiver: &str) -> impl DoubleEndedIterator<Item = &Notification> + Clone {
        self.feeds.get(receiver).into_iter().flatten().map(Arc::as_ref)
    }

    /// A receiver, to be changed.
    pub(super) fn receiver_mut(&mut self, receiver: &str) -> &mut ReceiverRecord {
        Arc::make_mut(self.receivers.entry(receiver.to_owned()).or_default())
    }

    /// A message that is kept, with its receiver, to be changed.
    pub(super) fn message_mut(&mut self, id: &str) -> Option<(&mut ReceiverRecord, &mut MessageRecord)> {
        let message = Arc::make_mut(self.messages.get_mut(self.by_id.get(id)?)?);
        let receiver = self.receivers.entry(message.outline.receiver.clone()).or_default();
        Some((Arc::make_mut(receiver), message))
    }

    /// Adds an open message.
    pub(super) fn add_message(&mut self, message: MessageRecord) {
        self.receiver_mut(&message.outline.receiver.clone()).open.insert(message.planned);
        self.by_id.insert(message.outline.id.clone(), message.planned);
        self.messages.insert(message.planned, Arc::new(message));
    }

    /// Adds a message to a feed, if its receiver is one.
    pub(super) fn add_to_feed(&mut self, message: &Notification) {
        let record = self.receivers.get(&message.receiver);
        let limit = record.and_then(|record| record.receiver.as_ref()).and_then(entry_limit);
        let Some(limit) = limit else { return };
        let feed = self.feeds.entry(message.receiver.clone()).or_default();
        feed.push_back(Arc::new(message.clone()));
        while feed.len() > limit {
            feed.pop_front();
        }
    }

    /// Moves a message that is no longer open to the ended ones, of which the oldest is forgotten.
    pub(super) fn move_if_ended(&mut self, id: &str) {
        let keeps_all = self.keeps_all;
        let Some((receiver, message)) = self.message_mut(id) else { return };
        if !message.is_open() {
            receiver.open.remove(&message.planned);
            receiver.ended.insert(message.planned);
        }
        if receiver.ended.len() > MAX_ENDED_MESSAGES && !keeps_all {
            let oldest = receiver.ended.pop_first();
            let receiver = message.outline.receiver.clone();
            if let Some(forgotten) = oldest.and_then(|position| self.messages.remove(&position)) {
                self.by_id.remove(&forgotten.outline.id);
                let planned = forgotten.outline.planned_at.as_ref().and_then(instant);
                let record = self.receiver_mut(&receiver);
                record.newest_forgotten = record.newest_forgotten.max(planned);
            }
        }
    }

    /// Makes the waiting messages of a receiver due at once.
    pub(super) fn make_due(&mut self, receiver: &str, now: Timestamp) {
        let open = self.receivers.get(receiver).map(|record| &record.open);
        for position in open.into_iter().flat_map(SharedSet::iter) {
            let message = self.messages.get_mut(position).map(Arc::make_mut);
            if let Some(MessageRecord { status: MessageStatus::Waiting { due, since }, .. }) = message {
                (*due, *since) = (None, now);
            }
        }
    }
}
