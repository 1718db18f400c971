//! Dry run of a subscription: the log is folded again with the subscription on it, through the same planner.
use std::collections::VecDeque;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    AlertEvent, Notification, NotificationPlanned, Receiver, Subscription,
};
use orewatch_eventlog::{Error, Event};
use uuid::Uuid;

use super::alert::EventMeta;
use super::limits::Limits;
use super::plan::{next_due, plan};
use super::state::NotifierState;

/// Messages that are kept: the newest.
const MAX_KEPT_MESSAGES: usize = 100;
/// Messages after which a dry run stops.
const MAX_COUNTED_MESSAGES: u64 = 100_000;

/// A run of the log with one subscription. Its clock shows the times of events, and due times in between.
#[derive(Clone, Debug)]
pub struct SubscriptionReplay {
    state: NotifierState,
    subscription: Subscription,
    since: Timestamp,
    has_begun: bool,
    now: Timestamp,
    sent: VecDeque<Notification>,
    count: u64,
}

impl SubscriptionReplay {
    /// A run before the first event. Messages count from `since`, when the subscription is put.
    #[must_use]
    pub fn new(subscription: Subscription, since: Timestamp, limits: Limits) -> Self {
        let mut state = NotifierState { limits, ..NotifierState::default() };
        let step = subscription.escalation.as_ref().map(|step| step.receiver.clone());
        for id in [Some(subscription.receiver.clone()), step].into_iter().flatten() {
            state.routing.receivers.put(&Receiver { id, ..Receiver::default() }, Timestamp::MIN);
        }
        let now = Timestamp::MIN;
        Self { state, subscription, since, has_begun: false, now, sent: VecDeque::new(), count: 0 }
    }

    /// Folds the next event of the log.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot be decoded.
    pub fn fold(&mut self, event: &Event) -> Result<(), Error> {
        self.run_until(event.time);
        let decoded = AlertEvent::read(event)?;
        if decoded.as_ref().is_some_and(is_folded) {
            return self.state.evolve_decoded(event, decoded.as_ref());
        }
        self.state.position = event.position;
        Ok(())
    }

    /// The messages up to an instant: how many, and the newest of them, the newest first.
    #[must_use]
    pub fn finish(mut self, now: Timestamp) -> (u64, Vec<Notification>) {
        self.run_until(now);
        (self.count, self.sent.into())
    }

    /// Moves the clock forward, and plans whatever falls due until then.
    fn run_until(&mut self, time: Timestamp) {
        if !self.has_begun {
            if time < self.since {
                return;
            }
            self.has_begun = true;
            self.now = self.since;
            self.state.time = self.state.time.max(self.since);
            let meta = EventMeta { position: self.state.position, time: self.since, id: Uuid::nil() };
            self.state.subscribe(self.subscription.clone(), 1, &meta);
        }
        loop {
            self.send_due();
            match next_due(&self.state, self.now).filter(|next| *next <= time) {
                Some(next) if self.count < MAX_COUNTED_MESSAGES => self.now = next,
                _ => break,
            }
        }
        self.now = self.now.max(time);
    }

    /// Plans what is due now, and records it as delivered.
    fn send_due(&mut self) {
        loop {
            let due = plan(&self.state, self.now);
            if due.is_empty() || self.count >= MAX_COUNTED_MESSAGES {
                return;
            }
            for notification in due {
                let planned = NotificationPlanned {
                    notification: Some(notification.clone()),
                    ..NotificationPlanned::default()
                };
                let meta = EventMeta { position: self.state.position, time: self.now, id: Uuid::nil() };
                self.state.apply(&AlertEvent::NotificationPlanned(planned), "", &meta);
                self.state.message_delivered(&notification.receiver, &notification.id);
                self.sent.push_front(notification);
                self.sent.truncate(MAX_KEPT_MESSAGES);
                self.count += 1;
            }
        }
    }
}

/// Whether a replay folds an event. It has a subscription, receivers and messages of its own; its messages
/// are delivered at once.
fn is_folded(event: &AlertEvent) -> bool {
    match event {
        AlertEvent::SubscriptionPut(_)
        | AlertEvent::SubscriptionRemoved(_)
        | AlertEvent::ReceiverPut(_)
        | AlertEvent::ReceiverRemoved(_)
        | AlertEvent::ReceiverDisabled(_)
        | AlertEvent::ReceiverEnabled(_)
        | AlertEvent::NotificationPlanned(_)
        | AlertEvent::DeliveryAttempted(_)
        | AlertEvent::DeliverySucceeded(_)
        | AlertEvent::DeliveryFailed(_)
        | AlertEvent::DeliveryGivenUp(_)
        | AlertEvent::DeliveryRequested(_) => false,
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
        | AlertEvent::SilencePut(_)
        | AlertEvent::SilenceEnded(_)
        | AlertEvent::InhibitionPut(_)
        | AlertEvent::InhibitionRemoved(_) => true,
    }
}
