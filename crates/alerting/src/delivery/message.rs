//! A message to a receiver, and what became of it.
use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Alert, AlertTold, DeliveryAttempt, DeliveryState, Notification};
use orewatch_contracts::time::timestamp;
use orewatch_eventlog::{Event, Position};

/// Whether a message is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// It waits for an attempt.
    Waiting {
        /// When the next attempt is due. None: at once.
        due: Option<Timestamp>,
        /// When that was decided.
        since: Timestamp,
    },
    /// The receiver has accepted it.
    Delivered,
    /// It is not retried, for this reason.
    GivenUp(String),
}

/// The right of one process to make an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// When the attempt began.
    pub began: Timestamp,
    /// When it counts as lost.
    pub until: Timestamp,
    /// Whether a person requested it.
    pub by_hand: bool,
}

/// A message and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageRecord {
    /// The message without figures, texts and acknowledgements.
    pub outline: Arc<Notification>,
    /// Position at which it was planned, or requested again after it had been forgotten.
    pub planned: Position,
    /// Position of the last event on its stream.
    pub last: Position,
    /// Whether it is delivered.
    pub status: MessageStatus,
    /// The current attempt.
    pub lease: Option<Lease>,
    /// Who requested an attempt that has not begun. None: nobody.
    pub requested_by: Option<String>,
    /// Its last attempts, oldest first.
    pub attempts: VecDeque<DeliveryAttempt>,
    /// How many attempts there were.
    pub attempt_count: u32,
    /// How many of them followed the schedule, without a request.
    pub scheduled_attempts: u32,
}

impl MessageRecord {
    /// A message without attempts.
    pub(super) fn new(message: Notification, event: &Event, status: MessageStatus) -> Self {
        Self {
            outline: Arc::new(outline(message)),
            planned: event.position,
            last: event.position,
            status,
            lease: None,
            requested_by: None,
            attempts: VecDeque::new(),
            attempt_count: 0,
            scheduled_attempts: 0,
        }
    }

    /// Its state in the contract.
    #[must_use]
    pub fn state(&self) -> DeliveryState {
        match &self.status {
            _ if self.lease.is_some() => DeliveryState::Sending,
            _ if self.requested_by.is_some() => DeliveryState::Waiting,
            MessageStatus::Waiting { .. } => DeliveryState::Waiting,
            MessageStatus::Delivered => DeliveryState::Delivered,
            MessageStatus::GivenUp(_) => DeliveryState::GivenUp,
        }
    }

    /// Whether an attempt is to be made, or is being made.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let is_waiting = matches!(self.status, MessageStatus::Waiting { .. });
        is_waiting || self.lease.is_some() || self.requested_by.is_some()
    }

    /// Its subscription and group. Messages of one group are sent in their order.
    #[must_use]
    pub fn group_key(&self) -> (&str, &str) {
        (&self.outline.subscription, &self.outline.group)
    }

    /// Ends the current attempt. Returns whether a person had requested it.
    pub(super) fn end_attempt(&mut self, event: &Event, record: impl FnOnce(&mut DeliveryAttempt)) -> bool {
        self.last = event.position;
        let by_hand = self.lease.take().is_some_and(|lease| lease.by_hand);
        if let Some(attempt) = self.attempts.back_mut() {
            attempt.ended_at = Some(timestamp(event.time));
            record(attempt);
        }
        by_hand
    }
}

/// What is kept of a message: the alerts that it lists and their states.
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
