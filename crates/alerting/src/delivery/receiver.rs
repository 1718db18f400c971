//! A receiver, and the messages to it.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::Receiver;
use orewatch_eventlog::Position;
use orewatch_rules::shared::SharedSet;

/// A receiver and what is known of reaching it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReceiverRecord {
    /// The receiver. None: it was removed, or never existed.
    pub receiver: Option<Receiver>,
    /// Its revision, from 1. A removal keeps the number of the removed one.
    pub revision: u32,
    /// Position of the last event on its stream.
    pub position: Position,
    /// When that revision was put.
    pub put_at: Timestamp,
    /// When and why it was disabled. None: it is enabled.
    pub disabled: Option<DisableReason>,
    /// Why it is about to be disabled. None: it is not.
    pub to_disable: Option<DisableReason>,
    /// When the first of the failed attempts since the last success ended. None: the last attempt succeeded.
    pub failing_since: Option<Timestamp>,
    /// The receiver asked not to be sent anything before this.
    pub paused_until: Option<Timestamp>,
    /// Messages that were delivered.
    pub delivered: u64,
    /// Messages that were given up.
    pub given_up: u64,
    /// Open messages, by the position at which they were planned.
    pub(super) open: SharedSet<Position>,
    /// Ended messages that are kept.
    pub(super) ended: SharedSet<Position>,
    /// When the newest of the forgotten messages was planned.
    pub(super) newest_forgotten: Option<Timestamp>,
}

/// When and why a receiver is disabled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisableReason {
    /// Since when.
    pub since: Timestamp,
    /// The reason, for people.
    pub reason: String,
    /// The message whose delivery failed. Empty: none.
    pub notification: String,
}

impl ReceiverRecord {
    /// How many messages are open.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.open.len()
    }

    /// When the newest of the forgotten messages was planned. None: all messages are kept.
    #[must_use]
    pub fn newest_forgotten(&self) -> Option<Timestamp> {
        self.newest_forgotten
    }

    /// Forgets failures: the receiver counts as healthy.
    pub(super) fn reset_health(&mut self) {
        (self.disabled, self.to_disable) = (None, None);
        (self.failing_since, self.paused_until) = (None, None);
    }
}
