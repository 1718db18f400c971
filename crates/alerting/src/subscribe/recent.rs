//! The newest events of the alerts log in memory, kept once for all subscribers. A subscriber that keeps up
//! is served from here, and neither reads the log nor decodes its events.
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use orewatch_contracts::alerting::v1::{Alert, AlertEvent, AlertTransition};
use orewatch_contracts::time::timestamp;
use orewatch_eventlog::{Error, Event, Position};
use orewatch_rules::alert::alert_of;
use orewatch_rules::evolve::RulesState;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Events that are kept.
const MAX_KEPT_EVENTS: usize = 4_096;
/// Bytes of the data of these events (16 MiB).
const MAX_KEPT_BYTES: usize = 16 * 1024 * 1024;

/// Subscriptions that read older events from the log at a time; others wait. Each reads some MiB ahead.
const MAX_LOG_READERS: usize = 64;

/// Events that are handed out at a time.
const MAX_BATCH_EVENTS: usize = 256;

/// An event as subscriptions see it.
#[derive(Clone, Debug)]
pub(crate) struct StreamEvent {
    /// Its position on the log.
    pub(crate) position: Position,
    /// What it says to subscriptions.
    pub(crate) content: StreamContent,
}

/// What an event says to subscriptions.
#[derive(Clone, Debug)]
pub(crate) enum StreamContent {
    /// An alert changed.
    Transition(Arc<AlertTransition>, AlertBefore),
    /// An evaluation is complete.
    Evaluated,
    /// Nothing.
    Other,
}

/// The alert before a transition.
#[derive(Clone, Debug)]
pub(crate) enum AlertBefore {
    /// It is known. None: this is the first transition.
    Known(Option<Arc<Alert>>),
    /// It has to be read from the log.
    Unknown,
}

impl StreamEvent {
    /// Decodes an event.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the data are not what the kind says.
    pub(crate) fn decode(event: &Event) -> Result<Self, Error> {
        Ok(Self::from_decoded(event, AlertEvent::read(event)?))
    }

    /// What a decoded event says. `None` is an event of a later version.
    pub(crate) fn from_decoded(event: &Event, decoded: Option<AlertEvent>) -> Self {
        let content = match decoded {
            Some(AlertEvent::ExposuresEvaluated(_)) => StreamContent::Evaluated,
            Some(decoded) => transition(event, decoded).map_or(StreamContent::Other, |transition| {
                StreamContent::Transition(Arc::new(transition), AlertBefore::Unknown)
            }),
            None => StreamContent::Other,
        };
        Self { position: event.position, content }
    }

    /// Adds the alert before the transition, from a state that the event has not been folded into.
    #[must_use]
    pub(crate) fn with_alert_before(mut self, rules: &RulesState) -> Self {
        if let StreamContent::Transition(transition, before) = &mut self.content
            && let Some(alert) = transition.event.as_ref().and_then(alert_of)
        {
            let record = rules.alerts().get(&alert.id);
            *before = AlertBefore::Known(record.and_then(|record| record.alert.clone()));
        }
        self
    }
}

/// The transition that an event records. None: it records something else.
pub(crate) fn transition(event: &Event, decoded: AlertEvent) -> Option<AlertTransition> {
    Some(AlertTransition {
        event_id: event.id.to_string(),
        time: Some(timestamp(event.time)),
        event: Some(decoded.into_transition()?),
    })
}

/// The events after a position.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecentBatch {
    /// The events, oldest first.
    pub(crate) events: Vec<StreamEvent>,
    /// The log ends after them.
    pub(crate) is_last: bool,
}

/// The newest events of the log.
#[derive(Debug)]
pub(crate) struct RecentEvents {
    kept: Mutex<KeptEvents>,
    /// Changes when another log takes the place of the one that was read.
    epoch: AtomicU64,
    changed: watch::Sender<()>,
    log_readers: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct KeptEvents {
    /// Events with the sizes of their data, without a gap between them.
    events: VecDeque<(StreamEvent, usize)>,
    bytes: usize,
    /// Position before the first of them.
    after: Position,
    /// Position up to which the log has been read.
    head: Position,
    /// Position at which the log ended when its end was last reached.
    end: Position,
}

impl Default for RecentEvents {
    fn default() -> Self {
        let log_readers = Arc::new(Semaphore::new(MAX_LOG_READERS));
        let (kept, epoch) = (Mutex::default(), AtomicU64::new(0));
        Self { kept, epoch, changed: watch::Sender::new(()), log_readers }
    }
}

impl RecentEvents {
    /// Adds the next event of the log.
    pub(crate) fn push(&self, event: StreamEvent, bytes: usize) {
        self.change(|kept| kept.push(event, bytes));
    }

    /// Forgets everything: the log is another one from now on. Subscriptions on the old one end.
    pub(crate) fn restart(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
        self.change(|kept| *kept = KeptEvents::default());
    }

    /// Says which log it is that is read: another number means another log.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// Records that the log has been read to its end.
    pub(crate) fn caught_up(&self, position: Position) {
        self.change(|kept| {
            if kept.events.is_empty() {
                kept.after = kept.after.max(position);
            }
            kept.head = kept.head.max(position);
            kept.end = kept.end.max(position);
        });
    }

    fn change(&self, change: impl FnOnce(&mut KeptEvents)) {
        change(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_replace(());
    }

    /// The events after a position. None: the first of them is no longer kept.
    pub(crate) fn after(&self, position: Position) -> Option<RecentBatch> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).after(position)
    }

    /// Position up to which the log has been read.
    pub(crate) fn head(&self) -> Position {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).head
    }

    /// Waits for a permit to read the log. None: the service stops.
    pub(crate) async fn log_reader_permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.log_readers).acquire_owned().await.ok()
    }

    /// A receiver that is notified of every change.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

impl KeptEvents {
    fn push(&mut self, event: StreamEvent, bytes: usize) {
        if event.position <= self.head {
            return;
        }
        if self.events.is_empty() {
            self.after = event.position.saturating_sub(1);
        }
        self.head = event.position;
        self.bytes += bytes;
        self.events.push_back((event, bytes));
        while self.events.len() > MAX_KEPT_EVENTS || self.bytes > MAX_KEPT_BYTES {
            let Some((oldest, bytes)) = self.events.pop_front() else { break };
            self.bytes -= bytes;
            self.after = oldest.position;
        }
    }

    fn after(&self, position: Position) -> Option<RecentBatch> {
        if position < self.after {
            return None;
        }
        let first = self.events.partition_point(|(event, _)| event.position <= position);
        let next = self.events.range(first..).take(MAX_BATCH_EVENTS);
        let events: Vec<StreamEvent> = next.map(|(event, _)| event.clone()).collect();
        let reached = events.last().map_or(position, |last| last.position);
        Some(RecentBatch { events, is_last: reached == self.head && self.end == self.head })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(recent: &RecentEvents, position: Position, bytes: usize) {
        recent.push(StreamEvent { position, content: StreamContent::Other }, bytes);
    }

    fn after(recent: &RecentEvents, position: Position) -> Option<(Vec<Position>, bool)> {
        let batch = recent.after(position)?;
        Some((batch.events.iter().map(|event| event.position).collect(), batch.is_last))
    }

    #[test]
    fn a_reader_that_keeps_up_gets_events_and_one_that_does_not_gets_none() {
        let recent = RecentEvents::default();
        assert_eq!(after(&recent, 0), Some((vec![], true)), "an empty log ends where it begins");
        push(&recent, 1, 10);
        push(&recent, 2, 10);
        push(&recent, 2, 10);
        assert_eq!(after(&recent, 0), Some((vec![1, 2], false)), "more of the same append may follow");
        recent.caught_up(2);
        assert_eq!(after(&recent, 1), Some((vec![2], true)));
        assert_eq!(after(&recent, 5), Some((vec![], false)), "a reader may be ahead of us");
        push(&recent, 3, MAX_KEPT_BYTES);
        assert_eq!(after(&recent, 1), None, "2 is no longer kept");
        assert_eq!(after(&recent, 2), Some((vec![3], false)));
    }

    #[test]
    fn kept_events_and_batches_are_bounded() {
        let recent = RecentEvents::default();
        let many = MAX_KEPT_EVENTS as u64 * 2;
        (1..=many).for_each(|position| push(&recent, position, 1));
        recent.caught_up(many);
        assert_eq!(after(&recent, many - MAX_KEPT_EVENTS as u64 - 1), None);
        let (events, is_last) = after(&recent, many - MAX_KEPT_EVENTS as u64).unwrap();
        assert_eq!((events.len(), is_last), (MAX_BATCH_EVENTS, false));
        assert_eq!(after(&recent, many - 1), Some((vec![many], true)));
        assert_eq!(recent.head(), many);
    }
}
