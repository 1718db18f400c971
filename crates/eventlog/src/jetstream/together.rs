//! Appends that wait at the same time are stored together, in one atomic batch over several streams.
//!
//! A batch costs the server files and flushes of its own, whether it has two messages or hundreds: twenty
//! appends of two events took it twelve times as long as one batch with all of them. So an append waits for
//! its turn, and whoever has the turn takes along what waits. Each append keeps its own expectation, and the
//! server stores all or none. If it refuses, or its answer is lost, each append goes on alone: that says
//! which of them was in the wrong, and recognises by their ids those that were stored.
use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use async_nats::Subject;
use tokio::sync::{Semaphore, oneshot};

use super::publish::{self, Destination, Outcome, Part};
use super::{ATTEMPT_TIMEOUT, JetStreamLog, envelope};
use crate::limits::{self, GROUP_BYTES};
use crate::{Error, EventLog as _, NewEvent, Position, StreamName};

/// Upper bounds on the data and the events of an append that waits for others: a larger one gains little.
const MAX_SMALL: (usize, usize) = (64 * 1024, 64);

/// Upper bound on the events of a group: half of what the server takes in a batch.
const MAX_EVENTS: usize = 500;

/// Groups on their way at a time: while one is stored, the next one is sent.
const MAX_GROUPS: usize = 2;

/// Whether an append gains from being stored with others.
pub(super) fn is_small(events: &[NewEvent]) -> bool {
    let (bytes, count) = MAX_SMALL;
    events.len() <= count && limits::data_size(events) <= bytes
}

/// The appends that wait for their turn.
pub(super) struct Together {
    waiting: Mutex<Vec<Waiting>>,
    turns: Semaphore,
}

/// An append that waits. Without a reply, it goes on alone.
struct Waiting {
    stream: StreamName,
    subject: Subject,
    expected: Position,
    events: Vec<NewEvent>,
    reply: oneshot::Sender<Vec<Position>>,
}

impl fmt::Debug for Together {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Together").finish_non_exhaustive()
    }
}

impl Default for Together {
    fn default() -> Self {
        Self { waiting: Mutex::default(), turns: Semaphore::new(MAX_GROUPS) }
    }
}

impl Together {
    /// Adds an append to those that wait.
    fn wait(
        &self,
        stream: &StreamName,
        expected: Position,
        events: &[NewEvent],
    ) -> oneshot::Receiver<Vec<Position>> {
        let (reply, answer) = oneshot::channel();
        let (stream, subject) = (stream.clone(), envelope::subject(stream).into());
        let waiting = Waiting { stream, subject, expected, events: events.to_vec(), reply };
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
        answer
    }

    /// Takes the appends that have waited longest, one of each stream, as many as fit into a batch.
    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut streams, mut count, mut bytes) = (BTreeSet::new(), 0_usize, 0_usize);
        let (group, rest) = std::mem::take(&mut *waiting).into_iter().partition(|append| {
            // Nobody waits for it any more: its caller has left.
            if append.reply.is_closed() {
                return false;
            }
            let (more, size) = (append.events.len(), limits::data_size(&append.events));
            let fits = count.saturating_add(more) <= MAX_EVENTS && bytes.saturating_add(size) <= GROUP_BYTES;
            let is_taken = fits && streams.insert(append.stream.clone());
            if is_taken {
                (count, bytes) = (count.saturating_add(more), bytes.saturating_add(size));
            }
            is_taken
        });
        *waiting = rest;
        waiting.retain(|append| !append.reply.is_closed());
        group
    }
}

impl JetStreamLog {
    /// Appends together with what waits at the same time.
    pub(super) async fn append_together(
        &self,
        stream: &StreamName,
        expected: Position,
        events: &[NewEvent],
    ) -> Result<Vec<Position>, Error> {
        let mut answer = self.together.wait(stream, expected, events);
        let answered = loop {
            tokio::select! {
                biased;
                answered = &mut answer => break answered.ok(),
                turn = self.together.turns.acquire() => {
                    // What is appended at the same time comes first.
                    tokio::task::yield_now().await;
                    let group = self.together.take();
                    if group.is_empty() {
                        // It is on its way already, with others.
                        drop(turn);
                        break (&mut answer).await.ok();
                    }
                    self.store_group(group).await;
                    drop(turn);
                }
            }
        };
        match answered {
            Some(positions) => Ok(positions),
            None => self.append_checked(stream, expected, events).await,
        }
    }

    /// Stores a group, and answers those who wait for it. Without an answer, they go on alone.
    async fn store_group(&self, group: Vec<Waiting>) {
        // An append without company goes on alone.
        if group.len() < 2 {
            return;
        }
        let Some(last) = self.publish_group(&group).await else { return };
        self.newest.fetch_max(last, Ordering::Relaxed);
        let count = |events: usize| u64::try_from(events).unwrap_or(u64::MAX);
        let all: usize = group.iter().map(|append| append.events.len()).sum();
        let mut next = last.saturating_sub(count(all)).saturating_add(1);
        for append in group {
            let end = next.saturating_add(count(append.events.len()));
            // Whoever has left meanwhile needs no answer.
            let _left = append.reply.send((next..end).collect());
            next = end;
        }
    }

    /// Publishes a group once. Returns the position of the last event if it is stored.
    async fn publish_group(&self, group: &[Waiting]) -> Option<Position> {
        let (client, log) = (&self.source.nats.client, self.name());
        let bytes =
            group.iter().map(|append| limits::data_size(&append.events)).fold(0, usize::saturating_add);
        let _permits = self.admit(bytes, self.deadline()).await.ok()?;
        let mut asked = self.source.nats.asked(log, &[]);
        asked.publishes.extend(group.iter().map(|append| append.subject.as_str().to_owned()));
        let parts: Vec<Part<'_>> = group
            .iter()
            .map(|append| Part {
                to: Destination { client, log, stream: &append.stream, subject: append.subject.clone() },
                expected: append.expected,
                events: &append.events,
            })
            .collect();
        let published = self.unless_lost(publish::publish_together(&parts, ATTEMPT_TIMEOUT));
        let attempt = async { Ok(published.await) };
        match self.source.nats.ask(ATTEMPT_TIMEOUT, &asked, attempt).await {
            Ok(Outcome::Stored(last)) => Some(last),
            Ok(_) | Err(_) => None,
        }
    }
}
