//! The newest events, kept in memory: readers that keep up need not touch the disk.
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Event, Filter, Position};

/// Upper bound on the data of one batch for a reader, in bytes. A batch may exceed it by its last event, so
/// that there is always progress.
pub(crate) const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Upper bound on the events of one batch.
pub(crate) const MAX_BATCH_EVENTS: usize = 512;

/// Upper bound on the events that are kept.
const MAX_RECENT_EVENTS: usize = 4_096;

/// The newest events of the log, all of them durable.
#[derive(Debug)]
pub(crate) struct Recent {
    /// Upper bound on the data that is kept, in bytes.
    max_bytes: usize,
    kept: Mutex<Kept>,
}

/// Consecutive events that match a filter.
#[derive(Debug)]
pub(crate) struct RecentBatch {
    pub(crate) events: Vec<Event>,
    /// Everything that matches up to here is in the batch.
    pub(crate) upto: Position,
}

#[derive(Debug, Default)]
struct Kept {
    /// In order of position. Between them there is no other event, but there may be messages of other
    /// programs.
    events: VecDeque<Event>,
    bytes: usize,
}

impl Recent {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, kept: Mutex::default() }
    }

    /// Keeps events, the next ones after those before them; what is kept already is passed over.
    pub(crate) fn push(&self, events: impl IntoIterator<Item = Event>) {
        let mut kept = self.kept();
        for event in events {
            if kept.events.back().is_some_and(|last| event.position <= last.position) {
                continue;
            }
            kept.bytes = kept.bytes.saturating_add(event.data.len());
            kept.events.push_back(event);
        }
        while kept.bytes > self.max_bytes || kept.events.len() > MAX_RECENT_EVENTS {
            let Some(oldest) = kept.events.pop_front() else { break };
            kept.bytes = kept.bytes.saturating_sub(oldest.data.len());
        }
    }

    /// Keeps nothing any more. What is appended next is kept again.
    pub(crate) fn clear(&self) {
        *self.kept() = Kept::default();
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.kept().events.is_empty()
    }

    /// The next events that match, after `after` and up to `upto`. `None`: the first of them is not kept any
    /// more.
    pub(crate) fn batch(&self, filter: &Filter, after: Position, upto: Position) -> Option<RecentBatch> {
        let kept = self.kept();
        if after + 1 < kept.events.front()?.position {
            return None;
        }
        let skip = kept.events.partition_point(|event| event.position <= after);
        let mut batch = RecentBatch { events: Vec::new(), upto };
        let mut bytes = 0_usize;
        for event in kept.events.iter().skip(skip).take_while(|event| event.position <= upto) {
            if filter.matches(&event.stream) {
                bytes = bytes.saturating_add(event.data.len());
                batch.events.push(event.clone());
            }
            if bytes >= MAX_BATCH_BYTES || batch.events.len() >= MAX_BATCH_EVENTS {
                batch.upto = event.position;
                break;
            }
        }
        Some(batch)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use uuid::Uuid;

    use super::*;
    use crate::StreamName;

    const MAX_BYTES: usize = 1_000_000;

    fn events(stream: &StreamName, positions: &[Position], size: usize) -> Vec<Event> {
        let event = |position: &Position| Event {
            position: *position,
            stream: stream.clone(),
            id: Uuid::from_u128(u128::from(*position)),
            kind: "kind".to_owned(),
            time: "2026-01-15T08:30:00Z".parse().unwrap(),
            data: Bytes::from(vec![0; size]),
            traceparent: None,
        };
        positions.iter().map(event).collect()
    }

    fn positions(batch: Option<RecentBatch>) -> Option<(Vec<Position>, Position)> {
        batch.map(|batch| (batch.events.iter().map(|event| event.position).collect(), batch.upto))
    }

    #[test]
    fn what_is_kept_has_no_gap_and_an_end() {
        let recent = Recent::new(MAX_BYTES);
        let [a, b] = ["log.a", "log.b"].map(|name| StreamName::new(name).unwrap());
        assert!(recent.batch(&Filter::All, 0, 9).is_none(), "nothing is kept of a log that was there");
        recent.push(events(&a, &[4, 5], 10));
        recent.push(events(&b, &[6], 10));
        recent.push(events(&b, &[6], 10));
        assert_eq!(positions(recent.batch(&Filter::All, 3, 6)), Some((vec![4, 5, 6], 6)));
        assert_eq!(positions(recent.batch(&Filter::All, 4, 5)), Some((vec![5], 5)));
        assert_eq!(positions(recent.batch(&Filter::Under(b), 3, 6)), Some((vec![6], 6)));
        assert_eq!(positions(recent.batch(&Filter::All, 2, 6)), None, "3 is on the disk only");
        let many: Vec<Position> = (7..47).collect();
        recent.push(events(&a, &many, MAX_BYTES / 20));
        assert_eq!(positions(recent.batch(&Filter::All, 5, 46)), None, "the oldest are kept no more");
        let (given, upto) = positions(recent.batch(&Filter::All, 30, 46)).unwrap();
        assert_eq!((given.len(), given.last()), (16, Some(&upto)));
    }

    #[test]
    fn nothing_is_lost_where_messages_of_others_were_passed_over() {
        let recent = Recent::new(MAX_BYTES);
        recent.push(events(&StreamName::new("log.a").unwrap(), &[4, 7, 8, 12], 10));
        assert_eq!(positions(recent.batch(&Filter::All, 3, 12)), Some((vec![4, 7, 8, 12], 12)));
        assert_eq!(positions(recent.batch(&Filter::All, 4, 12)), Some((vec![7, 8, 12], 12)));
        assert_eq!(positions(recent.batch(&Filter::All, 6, 12)), Some((vec![7, 8, 12], 12)));
        assert_eq!(positions(recent.batch(&Filter::All, 9, 12)), Some((vec![12], 12)));
    }

    #[test]
    fn a_batch_is_bounded() {
        let recent = Recent::new(4 * MAX_BATCH_BYTES);
        let stream = StreamName::new("log.a").unwrap();
        recent.push(events(&stream, &[1, 2, 3, 4, 5, 6], MAX_BATCH_BYTES / 2));
        let (given, upto) = positions(recent.batch(&Filter::All, 0, 6)).unwrap();
        assert_eq!((given, upto), (vec![1, 2], 2));
    }
}
