//! What a subscription would have told, had it been there: the log once more, through the same planner.
use std::collections::VecDeque;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Notification, NotificationPlanned, Receiver, Subscription};
use orewatch_eventlog::{Error, Event};
use uuid::Uuid;

use super::alerts::At;
use super::evolve::State;
use super::limits::Limits;
use super::{plan, wake};
use crate::facts::Fact;

/// Most messages that are kept, the newest ones, and most that are counted.
const KEPT: usize = 100;
const MOST: u64 = 100_000;

/// A run of the log with one subscription on it. Time is that of the events, and of what falls due in between.
#[derive(Clone, Debug)]
pub struct Replay {
    state: State,
    subscription: Subscription,
    since: Timestamp,
    has_begun: bool,
    now: Timestamp,
    sent: VecDeque<Notification>,
    count: u64,
}

impl Replay {
    /// A run that nothing has been read of. Messages count from `since` on, when the subscription is put.
    #[must_use]
    pub fn new(subscription: Subscription, since: Timestamp, limits: Limits) -> Self {
        let mut state = State { limits, ..State::default() };
        let step = subscription.escalation.as_ref().map(|step| step.receiver.clone());
        for id in [Some(subscription.receiver.clone()), step].into_iter().flatten() {
            state.receivers.put(&Receiver { id, ..Receiver::default() }, Timestamp::MIN);
        }
        let now = Timestamp::MIN;
        Self { state, subscription, since, has_begun: false, now, sent: VecDeque::new(), count: 0 }
    }

    /// Takes the next event of the log.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot be read.
    pub fn take(&mut self, event: &Event) -> Result<(), Error> {
        self.run_until(event.time);
        match Fact::read(event)? {
            // Others' messages and receivers are not its own; it is told of everything else.
            Some(
                Fact::SubscriptionPut(_)
                | Fact::SubscriptionRemoved(_)
                | Fact::ReceiverPut(_)
                | Fact::ReceiverRemoved(_)
                | Fact::ReceiverDisabled(_)
                | Fact::ReceiverEnabled(_)
                | Fact::Planned(_)
                | Fact::Attempted(_)
                | Fact::Succeeded(_)
                | Fact::Failed(_)
                | Fact::GivenUp(_)
                | Fact::Requested(_),
            )
            | None => {
                self.state.position = event.position;
                Ok(())
            }
            Some(_) => self.state.evolve(event),
        }
    }

    /// The messages up to an instant: how many, and the newest of them, the newest first.
    #[must_use]
    pub fn finish(mut self, now: Timestamp) -> (u64, Vec<Notification>) {
        self.run_until(now);
        (self.count, self.sent.into())
    }

    /// Lets time pass.
    fn run_until(&mut self, time: Timestamp) {
        if !self.has_begun {
            if time < self.since {
                return;
            }
            self.has_begun = true;
            self.now = self.since;
            self.state.time = self.state.time.max(self.since);
            let at = At { position: self.state.position, time: self.since, id: Uuid::nil() };
            self.state.subscribe(self.subscription.clone(), 1, &at);
        }
        loop {
            self.tell();
            match wake(&self.state, self.now).filter(|next| *next <= time) {
                Some(next) if self.count < MOST => self.now = next,
                _ => break,
            }
        }
        self.now = self.now.max(time);
    }

    fn tell(&mut self) {
        loop {
            let due = plan(&self.state, self.now);
            if due.is_empty() || self.count >= MOST {
                return;
            }
            for notification in due {
                let planned = NotificationPlanned { notification: Some(notification.clone()) };
                let at = At { position: self.state.position, time: self.now, id: Uuid::nil() };
                self.state.apply(&Fact::Planned(planned), "", &at);
                // It is taken to have arrived.
                self.state.delivered(&notification.receiver, &notification.id);
                self.sent.push_front(notification);
                self.sent.truncate(KEPT);
                self.count += 1;
            }
        }
    }
}
