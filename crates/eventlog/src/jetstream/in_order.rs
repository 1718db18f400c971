//! Appending events in order, pipelined: while the server stores one group of events, the next is on its way.
//!
//! A group is an append of its own: an atomic batch with an expectation. The server keeps what it gets of a
//! batch aside, and compares and stores it when the last message comes. So all but the last message of the
//! next group are sent early, and the last one once the group before it is known to be stored, and where:
//!
//! ```text
//! to the server     1 1 1 1* 2 2 2 2 2 . 2*3 3 3 3 3 . 3*      *: the last message of a group
//! from the server                    1             2           where it is stored
//! ```
//!
//! The messages in between are what is gained: on their way, the server has something to do, and so has
//! whoever makes the events. One group at most is ever about to be stored, so nothing follows a group that
//! was refused, and what is unknown about it is settled as for any other append.
//!
//! It is not enough to send whole groups early, each with the expectation that the one before it would
//! justify. If somebody else's events were stored in place of that one, and there were as many of them, the
//! expectation would hold, and what was decided on without them would follow them. A server with replicas
//! also refuses an expectation about a subject on which something is about to be stored.
//!
//! The first message of a batch says the expectation, before it is known where the group before it is stored.
//! It is right behind the newest event that was appended from here, if nobody else appends meanwhile.
//! Otherwise the batch is cancelled and sent again, and some groups are not sent early ([`Guesses`]).
use std::slice;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout, timeout_at};

use super::append::Permits;
use super::publish::{Batch, Destination};
use super::{ATTEMPT_TIMEOUT, JetStreamLog, lookup};
use crate::limits::{GROUP_BYTES, MAX_EVENT_BYTES};
use crate::{Error, EventLog as _, NewEvent, NewEvents, Position, StreamName, Unfinished, in_order, limits};

/// Time after its first event at which a group is complete although more events may come. Each group costs
/// the server some flushes of its disk, so that groups of one event would be expensive.
const LINGER: Duration = Duration::from_millis(20);

/// Upper bound on groups that are not sent early after a wrong guess.
const MAX_PAUSE: u32 = 64;

/// Events that are appended together.
#[derive(Default)]
struct Group<'a> {
    events: Vec<NewEvent>,
    /// Size of their data.
    bytes: usize,
    /// What the server has of it. `None`: nothing, and it is not sent early.
    batch: Option<Batch>,
    permits: Option<Permits<'a>>,
    /// No events come after it.
    is_last: bool,
    /// Why its last event cannot be appended.
    refused: Option<Error>,
}

impl Group<'_> {
    /// A group that is sent early if this is where the stream will end.
    fn expecting(end: Option<Position>) -> Self {
        Self { batch: end.map(Batch::new), ..Self::default() }
    }

    fn push(&mut self, event: NewEvent) {
        self.bytes = self.bytes.saturating_add(event.data.len());
        self.events.push(event);
    }

    /// Has the server drop what it has.
    fn cancel(&mut self, to: &Destination<'_>) {
        if let Some(batch) = self.batch.take() {
            batch.cancel(to);
        }
    }

    /// Removes events that are stored, and adds those of the next group.
    fn go_on(&mut self, stored: usize, next: Self) {
        self.events.drain(..stored.min(self.events.len()));
        (self.is_last, self.refused) = (next.is_last, next.refused);
        self.events.extend(next.events);
        self.bytes = limits::data_size(&self.events);
    }
}

/// Whether to send groups early. Their expectations are guesses, which are wrong while others append too.
#[derive(Debug, Default)]
struct Guesses {
    /// Groups that are not sent early from now on.
    pause: u32,
    /// What the pause was after the last guess, if it was wrong. The next wrong one doubles it.
    penalty: u32,
}

impl Guesses {
    /// Whether to guess for the next group.
    fn are_made(&mut self) -> bool {
        let made = self.pause == 0;
        self.pause = self.pause.saturating_sub(1);
        made
    }

    fn note(&mut self, was_right: bool) {
        self.penalty = if was_right { 0 } else { self.penalty.saturating_mul(2).clamp(1, MAX_PAUSE) };
        self.pause = self.penalty;
    }
}

impl JetStreamLog {
    /// Appends events in their order.
    pub(super) async fn append_pipelined(
        &self,
        stream: &StreamName,
        expected: Position,
        events: &mut NewEvents<'_>,
    ) -> Result<Position, Unfinished> {
        let to = self.destination(stream);
        let (mut last, mut guesses) = (expected, Guesses::default());
        let mut group = Group::expecting(Some(expected));
        loop {
            if group.events.is_empty() && !group.is_last {
                self.fill(&to, &mut group, events).await;
            }
            if let Some(error) = group.refused.take() {
                group.cancel(&to);
                return Err(Unfinished { error, last, rest: group.events });
            }
            if group.events.is_empty() {
                return Ok(last);
            }
            if let Some(guess) = group.batch.as_ref().map(Batch::expected) {
                guesses.note(guess == last);
            }
            if group.batch.as_ref().is_some_and(|batch| batch.expected() != last) {
                group.cancel(&to);
            }
            let guess = guesses.are_made().then(|| self.guess(last, group.events.len()));
            let mut next = Group { is_last: group.is_last, ..Group::expecting(guess) };
            match self.advance(&to, last, &mut group, (&mut next, &mut *events)).await {
                Ok((count, position)) if count >= group.events.len() => (last, group) = (position, next),
                Ok((count, position)) => {
                    // Somebody appended a beginning of the group before. What follows is a group anew.
                    next.cancel(&to);
                    last = position;
                    group.go_on(count, next);
                }
                Err(error) => {
                    next.cancel(&to);
                    group.go_on(0, next);
                    return Err(Unfinished { error, last, rest: group.events });
                }
            }
        }
    }

    /// Where a group of this many events ends that is stored now, if nobody else appends.
    fn guess(&self, last: Position, events: usize) -> Position {
        let end = self.newest.load(Ordering::Relaxed).max(last);
        end.saturating_add(u64::try_from(events).unwrap_or(u64::MAX))
    }

    /// Stores a group, and meanwhile fills the next one. Returns how many events of the group are stored, and
    /// the position of the last of them.
    async fn advance<'a>(
        &'a self,
        to: &Destination<'_>,
        last: Position,
        group: &mut Group<'a>,
        (next, events): (&mut Group<'a>, &mut NewEvents<'_>),
    ) -> Result<(usize, Position), Error> {
        let deadline = self.deadline();
        let permits = match group.permits.take() {
            Some(permits) => permits,
            None => self.admit(group.bytes, deadline).await?,
        };
        let begun = group.batch.take();
        let append = self.ready(to, last, &group.events);
        let filled = async {
            if !next.is_last {
                self.fill(to, next, events).await;
            }
            Ok::<_, Error>(())
        };
        let done = tokio::try_join!(self.store(&append, begun, permits, deadline), filled);
        match done {
            Ok((positions, ())) => Ok((positions.len(), positions.last().copied().unwrap_or(last))),
            Err(conflict @ Error::Conflict { actual, .. }) if actual > last => {
                next.cancel(to);
                let stored = self.stored_beginning(to, last, &group.events).await?;
                stored.last().map_or(Err(conflict), |end| Ok((stored.len(), *end)))
            }
            Err(error) => Err(error),
        }
    }

    /// Fills a group with events until it is complete, and sends them if it is to be sent early.
    async fn fill<'a>(&'a self, to: &Destination<'_>, group: &mut Group<'a>, events: &mut NewEvents<'_>) {
        let mut complete_at = None;
        while !in_order::is_full(group.events.len(), group.bytes) {
            let next = match complete_at {
                None => events.next().await,
                Some(time) => match timeout_at(time, events.next()).await {
                    Ok(next) => next,
                    Err(_) => return,
                },
            };
            let Some(event) = next else {
                group.is_last = true;
                return;
            };
            complete_at.get_or_insert_with(|| Instant::now() + LINGER);
            group.refused = limits::check_append(to.log, to.stream, slice::from_ref(&event)).err();
            group.push(event);
            if group.refused.is_some() {
                return;
            }
            self.send_ahead(to, group).await;
        }
    }

    /// Sends the event before the newest one of a group that is to be sent early, if there is room for the
    /// group now. Otherwise the group is sent as a whole when it is its turn.
    async fn send_ahead<'a>(&'a self, to: &Destination<'_>, group: &mut Group<'a>) {
        let Group { events, batch, permits, .. } = group;
        let Some(begun) = batch else { return };
        let newest = events.len().saturating_sub(1);
        let Some(event) = events.get(begun.sent()).filter(|_| begun.sent() < newest) else { return };
        if permits.is_none() {
            *permits = self.try_admit(GROUP_BYTES.saturating_add(MAX_EVENT_BYTES));
        }
        let is_sent =
            permits.is_some() && matches!(timeout(ATTEMPT_TIMEOUT, begun.send(to, event)).await, Ok(Ok(())));
        if !is_sent {
            *batch = None;
        }
    }

    /// The positions of the first events of a group, if they follow a position already.
    async fn stored_beginning(
        &self,
        to: &Destination<'_>,
        after: Position,
        events: &[NewEvent],
    ) -> Result<Vec<Position>, Error> {
        let (nats, stream) = (&self.source.nats, &self.source.stream);
        let asked = nats.asked(self.name(), &["STREAM.MSG.GET"]);
        let question =
            |wait| nats.ask(wait, &asked, lookup::beginning(stream, self.name(), &to.subject, after, events));
        super::patiently(self.name(), self.deadline(), question).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_guesses_are_made_less_and_less_often() {
        let mut guesses = Guesses::default();
        let mut made = Vec::new();
        for group in 0..400 {
            if guesses.are_made() {
                made.push(group);
                guesses.note(false);
            }
        }
        assert_eq!(made, [0, 2, 5, 10, 19, 36, 69, 134, 199, 264, 329, 394]);
        guesses.note(true);
        assert!(guesses.are_made() && guesses.are_made(), "a right one makes good");
    }
}
