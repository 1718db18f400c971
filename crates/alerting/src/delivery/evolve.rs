//! State and event give the next state: receivers, and what became of the messages to them.
use std::sync::Arc;

use orewatch_contracts::alerting::v1::{
    AlertEvent, DeliveryAttempt, DeliveryAttempted, DeliveryFailed, DeliveryGivenUp, DeliveryRequested,
    DeliverySucceeded, FailureKind, ReceiverDisabled, ReceiverPut,
};
use orewatch_contracts::time::{instant, timestamp};
use orewatch_eventlog::{Error, Event};

use super::message::{Lease, MessageRecord, MessageStatus};
use super::receiver::DisableReason;
use super::state::DelivererState;

/// Attempts of a message that are kept: the last.
pub const MAX_KEPT_ATTEMPTS: usize = 20;

impl DelivererState {
    /// Folds an event.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot be decoded or cannot follow.
    pub fn evolve(&mut self, event: &Event) -> Result<(), Error> {
        self.evolve_decoded(event, AlertEvent::read(event)?.as_ref())
    }

    /// Folds an event that has been decoded. `None` is an event of a later version.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot follow.
    pub(crate) fn evolve_decoded(
        &mut self,
        event: &Event,
        decoded: Option<&AlertEvent>,
    ) -> Result<(), Error> {
        let Some(decoded) = decoded else { return Ok(()) };
        match decoded {
            AlertEvent::ReceiverPut(put) => self.put_receiver(event, put)?,
            AlertEvent::ReceiverRemoved(removed) => {
                let record = self.receiver_mut(&removed.receiver);
                record.position = event.position;
                record.receiver = None;
                record.reset_health();
                self.feeds.remove(&removed.receiver);
            }
            AlertEvent::ReceiverDisabled(disabled) => self.disable_receiver(event, disabled),
            AlertEvent::ReceiverEnabled(enabled) => {
                let record = self.receiver_mut(&enabled.receiver);
                record.position = event.position;
                record.reset_health();
                self.make_due(&enabled.receiver, event.time);
            }
            AlertEvent::NotificationPlanned(planned) => {
                let message = planned.notification.as_ref();
                let message = message.ok_or_else(|| Error::corrupt(event, "the message is missing"))?;
                let status = MessageStatus::Waiting { due: None, since: event.time };
                self.add_to_feed(message);
                self.add_message(MessageRecord::new(message.clone(), event, status));
            }
            AlertEvent::DeliveryRequested(requested) => self.request(event, requested)?,
            AlertEvent::DeliveryAttempted(attempted) => self.begin_attempt(event, attempted),
            AlertEvent::DeliverySucceeded(succeeded) => self.succeed(event, succeeded),
            AlertEvent::DeliveryFailed(failed) => self.fail(event, failed),
            AlertEvent::DeliveryGivenUp(given_up) => self.give_up(event, given_up),
            // They say nothing about receivers and messages.
            AlertEvent::RulePut(_)
            | AlertEvent::RuleRemoved(_)
            | AlertEvent::RuleSuspended(_)
            | AlertEvent::EvaluationBegun(_)
            | AlertEvent::ExposuresEvaluated(_)
            | AlertEvent::AlertPending(_)
            | AlertEvent::AlertFired(_)
            | AlertEvent::AlertResolved(_)
            | AlertEvent::AlertStale(_)
            | AlertEvent::AlertSeverityChanged(_)
            | AlertEvent::AlertRestated(_)
            | AlertEvent::AlertAcknowledged(_)
            | AlertEvent::AlertUnacknowledged(_)
            | AlertEvent::SubscriptionPut(_)
            | AlertEvent::SubscriptionRemoved(_)
            | AlertEvent::SilencePut(_)
            | AlertEvent::SilenceEnded(_)
            | AlertEvent::InhibitionPut(_)
            | AlertEvent::InhibitionRemoved(_) => {}
        }
        Ok(())
    }

    fn put_receiver(&mut self, event: &Event, put: &ReceiverPut) -> Result<(), Error> {
        let receiver = put.receiver.as_ref();
        let receiver = receiver.ok_or_else(|| Error::corrupt(event, "the receiver is missing"))?;
        let record = self.receiver_mut(&receiver.id);
        record.receiver = Some(receiver.clone());
        record.revision = put.revision;
        record.position = event.position;
        record.put_at = event.time;
        // Failures of the revision before say nothing about this one.
        record.reset_health();
        self.make_due(&receiver.id, event.time);
        Ok(())
    }

    fn disable_receiver(&mut self, event: &Event, disabled: &ReceiverDisabled) {
        let ReceiverDisabled { receiver, reason, notification } = disabled.clone();
        let record = self.receiver_mut(&receiver);
        record.position = event.position;
        record.to_disable = None;
        record.disabled = Some(DisableReason { since: event.time, reason, notification });
    }

    /// A person requests one more attempt. A message that was forgotten comes back with it.
    fn request(&mut self, event: &Event, requested: &DeliveryRequested) -> Result<(), Error> {
        let message = requested.notification.as_ref();
        let message = message.ok_or_else(|| Error::corrupt(event, "the message is missing"))?;
        if !self.by_id.contains_key(&message.id) {
            let status = match requested.given_up.as_str() {
                "" => MessageStatus::Delivered,
                reason => MessageStatus::GivenUp(reason.to_owned()),
            };
            let attempt_count = requested.attempts;
            let record = MessageRecord::new(message.clone(), event, status);
            self.add_message(MessageRecord { attempt_count, ..record });
        }
        let receiver = Arc::make_mut(self.receivers.entry(message.receiver.clone()).or_default());
        let record = self.by_id.get(&message.id).and_then(|position| self.messages.get_mut(position));
        if let Some(record) = record.map(Arc::make_mut) {
            record.last = event.position;
            record.requested_by = Some(requested.actor.clone());
            receiver.ended.remove(&record.planned);
            receiver.open.insert(record.planned);
        }
        Ok(())
    }

    fn begin_attempt(&mut self, event: &Event, attempted: &DeliveryAttempted) {
        let Some((_, message)) = self.message_mut(&attempted.notification) else { return };
        let until = attempted.until.as_ref().and_then(instant).unwrap_or(event.time);
        let by_hand = attempted.by_hand;
        message.last = event.position;
        message.attempt_count = attempted.attempt;
        message.scheduled_attempts = message.scheduled_attempts.saturating_add(u32::from(!by_hand));
        message.lease = Some(Lease { attempt: attempted.attempt, began: event.time, until, by_hand });
        if by_hand {
            message.requested_by = None;
        }
        message.attempts.push_back(DeliveryAttempt {
            attempt: attempted.attempt,
            began_at: Some(timestamp(event.time)),
            by_hand,
            ..DeliveryAttempt::default()
        });
        while message.attempts.len() > MAX_KEPT_ATTEMPTS {
            message.attempts.pop_front();
        }
    }

    fn succeed(&mut self, event: &Event, succeeded: &DeliverySucceeded) {
        let DeliverySucceeded { notification, answer, .. } = succeeded;
        let Some((receiver, message)) = self.message_mut(notification) else { return };
        let by_hand = message.end_attempt(event, |attempt| {
            attempt.succeeded = true;
            attempt.message.clone_from(answer);
        });
        match message.status {
            MessageStatus::Delivered => {}
            MessageStatus::Waiting { .. } => receiver.delivered = receiver.delivered.saturating_add(1),
            MessageStatus::GivenUp(_) => {
                receiver.delivered = receiver.delivered.saturating_add(1);
                receiver.given_up = receiver.given_up.saturating_sub(1);
            }
        }
        message.status = MessageStatus::Delivered;
        let id = message.outline.receiver.clone();
        if !by_hand {
            // The receiver works again: messages that wait for a retry need not wait any longer.
            receiver.paused_until = None;
            receiver.to_disable = None;
            if receiver.failing_since.take().is_some() {
                self.make_due(&id, event.time);
            }
        }
        self.move_if_ended(notification);
    }

    fn fail(&mut self, event: &Event, failed: &DeliveryFailed) {
        let (kind, retry_at) = (failed.kind(), failed.retry_at.as_ref().and_then(instant));
        let DeliveryFailed { notification, message: reason, .. } = failed;
        let Some((receiver, message)) = self.message_mut(notification) else { return };
        let by_hand = message.end_attempt(event, |attempt| {
            attempt.kind = kind.into();
            attempt.message.clone_from(reason);
        });
        if !by_hand {
            receiver.failing_since.get_or_insert(event.time);
            if let MessageStatus::Waiting { due, since } = &mut message.status {
                (*due, *since) = (retry_at, event.time);
            }
            if kind == FailureKind::RateLimited {
                receiver.paused_until = receiver.paused_until.max(retry_at);
            }
            // A receiver that rejects one message may accept the next one. One whose message failed to the
            // end of the retries is disabled.
            if retry_at.is_none() && kind != FailureKind::Client && receiver.receiver.is_some() {
                let (reason, notification) = (reason.clone(), notification.clone());
                receiver.to_disable = Some(DisableReason { since: event.time, reason, notification });
            }
        }
        self.move_if_ended(notification);
    }

    fn give_up(&mut self, event: &Event, given_up: &DeliveryGivenUp) {
        let DeliveryGivenUp { notification, reason } = given_up;
        let Some((receiver, message)) = self.message_mut(notification) else { return };
        message.last = event.position;
        message.status = MessageStatus::GivenUp(reason.clone());
        receiver.given_up = receiver.given_up.saturating_add(1);
        self.move_if_ended(notification);
    }
}
