//! Decides what to do next about the messages to a receiver, and what to record after an attempt. Pure: the
//! time, and what this process is working on, are arguments.
use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    AlertEvent, DeliveryAttempted, DeliveryFailed, DeliveryGivenUp, DeliverySucceeded, FailureKind, Receiver,
    ReceiverDisabled,
};
use orewatch_contracts::time::{later, timestamp};
use orewatch_receivers::outcome::{Outcome, Refusal};
use orewatch_receivers::{DEFAULT_TIMEOUT, attempt_timeout};

use super::backoff::pause_after;
use super::message::{MessageRecord, MessageStatus};
use super::receiver::ReceiverRecord;
use super::state::DelivererState;

/// Time that a lease lasts beyond its attempt, to record the outcome, and for clocks that differ.
const LEASE_MARGIN: Duration = Duration::from_secs(30);

/// How far a recorded time may be ahead of the clock. If it is further ahead the clock has been set back, and
/// times that were decided by the clock before that are ignored.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

/// Longest pause that can be decided: the last step of the schedule with its jitter. A longer one was decided
/// by a clock that has been set back since.
const MAX_PAUSE: Duration = Duration::from_secs(27 * 3600);

/// Attempts at a time to one receiver, of different groups. A failing receiver gets one at a time.
const MAX_CONCURRENT_ATTEMPTS: usize = 4;

/// Messages that may wait for one receiver; beyond that the oldest are given up.
pub const MAX_WAITING_MESSAGES: usize = 10_000;

/// What to do about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Attempt it.
    Attempt {
        /// Its number, from 1.
        attempt: u32,
        /// Who requested it. None: it is due by schedule.
        requested_by: Option<String>,
    },
    /// Record its attempt as lost: the process that made it has ended. The receiver may have got the message.
    Lost,
    /// Give it up, for this reason.
    GiveUp(String),
}

/// What to do for a receiver now, and when to look again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryPlan {
    /// By identifier of the message.
    pub steps: Vec<(String, Step)>,
    /// When the next step is due. None: not before another event.
    pub next_due: Option<Timestamp>,
}

impl DeliveryPlan {
    fn wait_until(&mut self, time: Timestamp) {
        self.next_due = Some(self.next_due.map_or(time, |due| due.min(time)));
    }
}

/// What to do for a receiver. `busy` are the messages that this process is working on.
///
/// Messages of one group are sent one after the other, in the order in which they were planned: one that
/// waits for a retry holds back those behind it in its group, and no others.
#[must_use]
pub fn plan(state: &DelivererState, receiver: &str, now: Timestamp, busy: &BTreeSet<String>) -> DeliveryPlan {
    let mut plan = DeliveryPlan::default();
    let Some(record) = state.receivers().get(receiver) else { return plan };
    let surplus = record.waiting().saturating_sub(MAX_WAITING_MESSAGES);
    let mut groups = BTreeSet::new();
    let is_in_progress =
        |message: &&MessageRecord| message.lease.is_some() || busy.contains(&message.outline.id);
    let mut in_progress = state.open_messages(receiver).filter(is_in_progress).count();
    let max = if record.failing_since.is_some() { 1 } else { MAX_CONCURRENT_ATTEMPTS };
    for (k, message) in state.open_messages(receiver).enumerate() {
        let id = &message.outline.id;
        let is_first = groups.insert(message.group_key());
        if busy.contains(id) {
            continue;
        }
        if let Some(lease) = &message.lease {
            let is_lost = lease.until <= now || is_ahead(lease.began, now);
            if is_lost {
                plan.steps.push((id.clone(), Step::Lost))
            } else {
                plan.wait_until(lease.until)
            }
            continue;
        }
        let attempt = message.attempt_count.saturating_add(1);
        if let Some(actor) = &message.requested_by {
            plan.steps.push((id.clone(), Step::Attempt { attempt, requested_by: Some(actor.clone()) }));
        } else if record.receiver.is_none() {
            plan.steps.push((id.clone(), Step::GiveUp("the receiver was removed".to_owned())));
        } else if k < surplus {
            let reason = format!("more than {MAX_WAITING_MESSAGES} messages wait for the receiver");
            plan.steps.push((id.clone(), Step::GiveUp(reason)));
        } else if is_first && is_sent_to(record) && in_progress < max {
            match waits_until(record, message, now) {
                Some(due) => plan.wait_until(due),
                None => {
                    in_progress += 1;
                    plan.steps.push((id.clone(), Step::Attempt { attempt, requested_by: None }));
                }
            }
        }
    }
    plan
}

fn is_sent_to(record: &ReceiverRecord) -> bool {
    record.disabled.is_none() && record.to_disable.is_none()
}

/// Until when a message waits for its retry, and for a receiver that asked for a pause. None: it does not
/// wait.
fn waits_until(record: &ReceiverRecord, message: &MessageRecord, now: Timestamp) -> Option<Timestamp> {
    let own = match &message.status {
        MessageStatus::Waiting { due, since } => due.filter(|_| !is_ahead(*since, now)),
        MessageStatus::Delivered | MessageStatus::GivenUp(_) => None,
    };
    let bounded = |time: &Timestamp| *time > now && *time <= later(now, MAX_PAUSE);
    own.filter(bounded).max(record.paused_until.filter(bounded))
}

fn is_ahead(recorded: Timestamp, now: Timestamp) -> bool {
    recorded > later(now, MAX_CLOCK_SKEW)
}

/// The event that an attempt begins.
#[must_use]
pub fn attempt_begun(
    receiver: Option<&Receiver>,
    message: &MessageRecord,
    requested_by: Option<&str>,
    now: Timestamp,
) -> DeliveryAttempted {
    let lease = receiver.map_or(DEFAULT_TIMEOUT, attempt_timeout).saturating_add(LEASE_MARGIN);
    DeliveryAttempted {
        notification: message.outline.id.clone(),
        attempt: message.attempt_count.saturating_add(1),
        until: Some(timestamp(later(now, lease))),
        by_hand: requested_by.is_some(),
        actor: requested_by.unwrap_or_default().to_owned(),
    }
}

/// The events after an attempt. `scheduled_attempts` is the number of attempts by schedule, this one
/// included.
#[must_use]
pub fn attempt_ended(
    message: &str,
    attempt: u32,
    scheduled_attempts: u32,
    by_hand: bool,
    outcome: Outcome,
    now: Timestamp,
) -> Vec<AlertEvent> {
    let notification = message.to_owned();
    match outcome {
        Outcome::Taken(answer) => {
            vec![AlertEvent::DeliverySucceeded(DeliverySucceeded { notification, attempt, answer })]
        }
        Outcome::Refused(refusal) => {
            let pause = match refusal.kind {
                _ if by_hand || !refusal.is_retried() => None,
                // The receiver refused nothing, so that there is no reason to wait; the attempt counts all
                // the same.
                FailureKind::Lost => pause_after(message, scheduled_attempts, None).map(|_| Duration::ZERO),
                _ => pause_after(message, scheduled_attempts, refusal.retry_after),
            };
            let retry_at = pause.map(|pause| timestamp(later(now, pause)));
            let reason = give_up_reason(&refusal, scheduled_attempts);
            let Refusal { kind, message, .. } = refusal;
            let failed = DeliveryFailed {
                notification: notification.clone(),
                attempt,
                kind: kind.into(),
                message,
                retry_at,
            };
            let end = (!by_hand && retry_at.is_none())
                .then_some(AlertEvent::DeliveryGivenUp(DeliveryGivenUp { notification, reason }));
            std::iter::once(AlertEvent::DeliveryFailed(failed)).chain(end).collect()
        }
    }
}

fn give_up_reason(refusal: &Refusal, scheduled_attempts: u32) -> String {
    match refusal.kind {
        FailureKind::Client => format!("the receiver rejects the message: {}", refusal.message),
        FailureKind::Gone => format!("the receiver is gone: {}", refusal.message),
        _ => format!("{scheduled_attempts} attempts failed, the last: {}", refusal.message),
    }
}

/// The outcome of a lost attempt: it counts as failed.
#[must_use]
pub fn lost_attempt(why: &str) -> Outcome {
    Outcome::Refused(Refusal::new(FailureKind::Lost, why))
}

/// The event that disables a receiver, if it is to be disabled.
#[must_use]
pub fn disable_event(id: &str, record: &ReceiverRecord) -> Option<ReceiverDisabled> {
    let is_enabled = record.receiver.is_some() && record.disabled.is_none();
    let to_disable = record.to_disable.as_ref().filter(|_| is_enabled)?;
    Some(ReceiverDisabled {
        receiver: id.to_owned(),
        reason: to_disable.reason.clone(),
        notification: to_disable.notification.clone(),
    })
}
