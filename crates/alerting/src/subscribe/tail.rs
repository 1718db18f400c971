//! The end of the alerts log in memory, kept once for all subscribers: whoever keeps up is served from here, and neither reads
//! the log nor decodes its events.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use orewatch_contracts::alerting::v1::{Alert, AlertTransition};
use orewatch_eventlog::{Error, Event, Position};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::alert::alert_of;
use crate::evolve::State;
use crate::facts::Fact;

use super::transition;

/// Most events that are kept, and most bytes of their data.
const MOST_EVENTS: usize = 4_096;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Most subscriptions that read the log at a time, for what is not kept any more; the others wait for their turn. Each reads some
/// MiB ahead.
const MOST_HISTORIES: usize = 64;

/// Most events that are handed out at once.
const BATCH: usize = 256;

/// An event as subscriptions see it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Where it is on the log.
    pub(crate) position: Position,
    /// What it says.
    pub(crate) what: What,
}

/// What an event says to subscriptions.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// An alert changed.
    Transition(Arc<AlertTransition>, Before),
    /// An evaluation is complete.
    Evaluated,
    /// Nothing.
    Other,
}

/// How an alert stood before it changed.
#[derive(Clone, Debug)]
pub(crate) enum Before {
    /// As told; None: it never changed before.
    Known(Option<Arc<Alert>>),
    /// The log has to be asked.
    Unknown,
}

impl Entry {
    /// Reads an event, by itself.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if its data are not what its kind says.
    pub(crate) fn read(event: &Event) -> Result<Self, Error> {
        Ok(Self::of(event, Fact::read(event)?))
    }

    /// What a fact that was read says.
    pub(crate) fn of(event: &Event, fact: Option<Fact>) -> Self {
        let what = match fact {
            Some(Fact::Evaluated(_)) => What::Evaluated,
            Some(fact) => transition(event, fact)
                .map_or(What::Other, |transition| What::Transition(Arc::new(transition), Before::Unknown)),
            None => What::Other,
        };
        Self { position: event.position, what }
    }

    /// Notes how its alert stands in a state that the event has not been folded into.
    #[must_use]
    pub(crate) fn after(mut self, state: &State) -> Self {
        if let What::Transition(transition, before) = &mut self.what
            && let Some(alert) = transition.event.as_ref().and_then(alert_of)
        {
            let record = state.alerts().get(&alert.id);
            *before = Before::Known(record.and_then(|record| record.alert.clone()));
        }
        self
    }
}

/// What follows a position.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    /// The next entries, oldest first.
    pub(crate) entries: Vec<Entry>,
    /// Nothing more is known after them.
    pub(crate) is_last: bool,
}

/// The end of the log.
#[derive(Debug)]
pub(crate) struct Tail {
    kept: Mutex<Kept>,
    news: watch::Sender<()>,
    histories: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Entries with the sizes of their data, without a gap between them.
    entries: VecDeque<(Entry, usize)>,
    bytes: usize,
    /// Position before the first that is kept.
    from: Position,
    /// Position up to which the log has been read.
    head: Position,
    /// Position at which the log ended when its end was last reached.
    end: Position,
}

impl Default for Tail {
    fn default() -> Self {
        let histories = Arc::new(Semaphore::new(MOST_HISTORIES));
        Self { kept: Mutex::default(), news: watch::Sender::new(()), histories }
    }
}

impl Tail {
    /// Adds the next event of the log.
    pub(crate) fn push(&self, entry: Entry, bytes: usize) {
        self.change(|kept| kept.push(entry, bytes));
    }

    /// Notes that the log has been read to its end.
    pub(crate) fn caught_up(&self, position: Position) {
        self.change(|kept| {
            if kept.entries.is_empty() {
                kept.from = kept.from.max(position);
            }
            kept.head = kept.head.max(position);
            kept.end = kept.end.max(position);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) {
        change(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        self.news.send_replace(());
    }

    /// What follows a position. None: the first of it is not kept any more.
    pub(crate) fn after(&self, position: Position) -> Option<Batch> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).after(position)
    }

    /// Position up to which the log has been read.
    pub(crate) fn head(&self) -> Position {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).head
    }

    /// A place among those who read the log.
    pub(crate) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.histories).acquire_owned().await.ok()
    }

    /// Says that something was added.
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }
}

impl Kept {
    fn push(&mut self, entry: Entry, bytes: usize) {
        if entry.position <= self.head {
            return;
        }
        if self.entries.is_empty() {
            self.from = entry.position.saturating_sub(1);
        }
        self.head = entry.position;
        self.bytes += bytes;
        self.entries.push_back((entry, bytes));
        while self.entries.len() > MOST_EVENTS || self.bytes > MOST_BYTES {
            let Some((oldest, bytes)) = self.entries.pop_front() else { break };
            self.bytes -= bytes;
            self.from = oldest.position;
        }
    }

    fn after(&self, position: Position) -> Option<Batch> {
        if position < self.from {
            return None;
        }
        let first = self.entries.partition_point(|(entry, _)| entry.position <= position);
        let entries: Vec<Entry> =
            self.entries.range(first..).take(BATCH).map(|(entry, _)| entry.clone()).collect();
        let reached = entries.last().map_or(position, |last| last.position);
        Some(Batch { entries, is_last: reached == self.head && self.end == self.head })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(tail: &Tail, position: Position, bytes: usize) {
        tail.push(Entry { position, what: What::Other }, bytes);
    }

    fn after(tail: &Tail, position: Position) -> Option<(Vec<Position>, bool)> {
        tail.after(position)
            .map(|batch| (batch.entries.iter().map(|entry| entry.position).collect(), batch.is_last))
    }

    #[test]
    fn who_keeps_up_is_served_and_who_does_not_is_told() {
        let tail = Tail::default();
        assert_eq!(after(&tail, 0), Some((vec![], true)), "an empty log ends where it begins");
        push(&tail, 1, 10);
        push(&tail, 2, 10);
        push(&tail, 2, 10);
        assert_eq!(after(&tail, 0), Some((vec![1, 2], false)), "more of the same append may follow");
        tail.caught_up(2);
        assert_eq!(after(&tail, 1), Some((vec![2], true)));
        assert_eq!(after(&tail, 5), Some((vec![], false)), "a reader may be ahead of us");
        push(&tail, 3, MOST_BYTES);
        assert_eq!(after(&tail, 1), None, "2 is not kept any more");
        assert_eq!(after(&tail, 2), Some((vec![3], false)));
    }

    #[test]
    fn what_is_kept_and_what_is_handed_out_are_bounded() {
        let tail = Tail::default();
        let many = MOST_EVENTS as u64 * 2;
        (1..=many).for_each(|position| push(&tail, position, 1));
        tail.caught_up(many);
        assert_eq!(after(&tail, many - MOST_EVENTS as u64 - 1), None);
        let (given, is_last) = after(&tail, many - MOST_EVENTS as u64).unwrap();
        assert_eq!((given.len(), is_last), (BATCH, false));
        assert_eq!(after(&tail, many - 1), Some((vec![many], true)));
        assert_eq!(tail.head(), many);
    }
}
