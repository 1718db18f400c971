//! The course of a delivery: what is to be done next, and what follows from an attempt. Plain values in and out; the time and
//! what is under way in this process are arguments.
use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    DeliveryAttempted, DeliveryFailed, DeliveryGivenUp, DeliverySucceeded, FailureKind, Receiver,
    ReceiverDisabled,
};
use orewatch_contracts::time::length;

use super::evolve::{Message, Place, Standing, State};
use super::outcome::{Outcome, Refusal};
use super::schedule;
use crate::facts::Fact;
use crate::subscribe::timestamp;

/// How long an attempt may take, if the receiver says nothing else.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How much longer than the attempt its lease lasts: for recording the outcome, and for clocks that differ.
const MARGIN: Duration = Duration::from_secs(30);

/// How far what is recorded may lie ahead of the clock. Beyond that the clock has been set back, and what was decided by the
/// clock of then says nothing any more.
const AHEAD: Duration = Duration::from_secs(5 * 60);

/// Longest wait that can be decided: that of the schedule's last step with its jitter. A longer one was decided by a clock that
/// has been set back since.
const LONGEST: Duration = Duration::from_secs(27 * 3600);

/// Attempts at a time to one receiver: as many for different groups, one where it fails, so that a receiver that is down is
/// not asked by all of them at once.
const AT_A_TIME: usize = 4;

/// Most messages that wait for one receiver; the oldest beyond that are given up.
pub const MOST_WAITING: usize = 10_000;

/// What is to be done about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Attempt it.
    Attempt {
        /// Its number, from 1.
        attempt: u32,
        /// Who asked for it. None: nobody, it is due.
        asked_by: Option<String>,
    },
    /// Its attempt was lost: the process that made it has ended, and the receiver may have got the message.
    Lost,
    /// Give it up.
    GiveUp(String),
}

/// What is to be done for a receiver now, and when to look again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// By identifier of the message.
    pub steps: Vec<(String, Step)>,
    /// When something more is due. None: nothing is, before another event.
    pub wake: Option<Timestamp>,
}

impl Plan {
    fn wait(&mut self, until: Timestamp) {
        self.wake = Some(self.wake.map_or(until, |wake| wake.min(until)));
    }
}

/// How long an attempt to a receiver may take.
#[must_use]
pub fn timeout(receiver: &Receiver) -> Duration {
    let asked = receiver.timeout.as_ref().and_then(length);
    asked.filter(|asked| !asked.is_zero()).unwrap_or(TIMEOUT)
}

/// What is to be done for a receiver. `busy` are the messages that this process is at work on.
///
/// Messages of a subscription's group go out one after the other, in the order in which they were planned: one that waits for its
/// next attempt holds back those behind it, and no others.
#[must_use]
pub fn plan(state: &State, receiver: &str, now: Timestamp, busy: &BTreeSet<String>) -> Plan {
    let mut plan = Plan::default();
    let Some(standing) = state.receivers().get(receiver) else { return plan };
    let surplus = standing.waiting().saturating_sub(MOST_WAITING);
    let mut lines = BTreeSet::new();
    let is_open = |message: &&Message| message.lease.is_some() || busy.contains(&message.outline.id);
    let mut under_way = state.open(receiver).filter(is_open).count();
    let most = if standing.failing_since.is_some() { 1 } else { AT_A_TIME };
    for (k, message) in state.open(receiver).enumerate() {
        let id = &message.outline.id;
        let is_first = lines.insert(message.line());
        if busy.contains(id) {
            continue;
        }
        if let Some(lease) = &message.lease {
            let is_lost = lease.until <= now || is_ahead(lease.began, now);
            if is_lost {
                plan.steps.push((id.clone(), Step::Lost))
            } else {
                plan.wait(lease.until)
            }
            continue;
        }
        let attempt = message.attempt_count.saturating_add(1);
        if let Some(actor) = &message.requested {
            plan.steps.push((id.clone(), Step::Attempt { attempt, asked_by: Some(actor.clone()) }));
        } else if standing.receiver.is_none() {
            plan.steps.push((id.clone(), Step::GiveUp("the receiver was removed".to_owned())));
        } else if k < surplus {
            let reason = format!("more than {MOST_WAITING} messages wait for the receiver");
            plan.steps.push((id.clone(), Step::GiveUp(reason)));
        } else if is_first && standing.disabled.is_none() && standing.doomed.is_none() && under_way < most {
            match due(standing, message, now) {
                Some(due) => plan.wait(due),
                None => {
                    under_way += 1;
                    plan.steps.push((id.clone(), Step::Attempt { attempt, asked_by: None }));
                }
            }
        }
    }
    plan
}

/// Until when a message waits: for its own next attempt, and for a receiver that wants to be left alone. None: it does not.
fn due(standing: &Standing, message: &Message, now: Timestamp) -> Option<Timestamp> {
    let own = match &message.place {
        Place::Waiting { due, since } => due.filter(|_| !is_ahead(*since, now)),
        Place::Delivered | Place::GivenUp(_) => None,
    };
    let bounded = |time: &Timestamp| *time > now && *time <= later(now, LONGEST);
    own.filter(bounded).max(standing.paused_until.filter(bounded))
}

fn is_ahead(recorded: Timestamp, now: Timestamp) -> bool {
    recorded > later(now, AHEAD)
}

/// That an attempt begins.
#[must_use]
pub fn attempted(
    receiver: Option<&Receiver>,
    message: &Message,
    asked_by: Option<&str>,
    now: Timestamp,
) -> DeliveryAttempted {
    let whole = receiver.map_or(TIMEOUT, timeout).saturating_add(MARGIN);
    DeliveryAttempted {
        notification: message.outline.id.clone(),
        attempt: message.attempt_count.saturating_add(1),
        until: Some(timestamp(later(now, whole))),
        by_hand: asked_by.is_some(),
        actor: asked_by.unwrap_or_default().to_owned(),
    }
}

/// What is recorded after an attempt. `tries` is how many there were by the schedule, this one included.
#[must_use]
pub fn concluded(
    message: &str,
    attempt: u32,
    tries: u32,
    by_hand: bool,
    outcome: Outcome,
    now: Timestamp,
) -> Vec<Fact> {
    let notification = message.to_owned();
    match outcome {
        Outcome::Taken(answer) => vec![Fact::Succeeded(DeliverySucceeded { notification, attempt, answer })],
        Outcome::Refused(refusal) => {
            let pause = match refusal.kind {
                _ if by_hand || !refusal.is_retried() => None,
                // Nobody refused anything: there is no reason to wait, only an end to the attempts.
                FailureKind::Lost => schedule::pause(message, tries, None).map(|_| Duration::ZERO),
                _ => schedule::pause(message, tries, refusal.retry_after),
            };
            let retry_at = pause.map(|pause| timestamp(later(now, pause)));
            let reason = given_up(&refusal, tries);
            let Refusal { kind, message: said, .. } = refusal;
            let failed = DeliveryFailed {
                notification: notification.clone(),
                attempt,
                kind: kind.into(),
                message: said,
                retry_at,
            };
            let end = (!by_hand && retry_at.is_none())
                .then_some(Fact::GivenUp(DeliveryGivenUp { notification, reason }));
            std::iter::once(Fact::Failed(failed)).chain(end).collect()
        }
    }
}

fn given_up(refusal: &Refusal, tries: u32) -> String {
    match refusal.kind {
        FailureKind::Client => format!("the receiver refuses the message: {}", refusal.message),
        FailureKind::Gone => format!("the receiver is gone: {}", refusal.message),
        _ => format!("{tries} attempts failed, the last: {}", refusal.message),
    }
}

/// That a lost attempt counts as failed.
#[must_use]
pub fn lost(why: &str) -> Outcome {
    Outcome::Refused(Refusal::new(FailureKind::Lost, why))
}

/// That a receiver is disabled, if it is to be.
#[must_use]
pub fn doomed(id: &str, standing: &Standing) -> Option<ReceiverDisabled> {
    let doom =
        standing.doomed.as_ref().filter(|_| standing.receiver.is_some() && standing.disabled.is_none())?;
    Some(ReceiverDisabled {
        receiver: id.to_owned(),
        reason: doom.reason.clone(),
        notification: doom.notification.clone(),
    })
}

/// A time later; the end of time where there is none.
fn later(now: Timestamp, wait: Duration) -> Timestamp {
    let wait = jiff::SignedDuration::try_from(wait).unwrap_or(jiff::SignedDuration::MAX);
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
