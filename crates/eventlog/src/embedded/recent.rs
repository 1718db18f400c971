//! The newest events, kept in memory: readers that keep up need not touch the disk.
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::row::{Batch, MAX_BATCH_BYTES, MAX_BATCH_EVENTS};
use crate::{Event, Filter, NewEvent, Position, StreamName};

/// Upper bound on the data that is kept, in bytes: readers of a log that grows as fast as it can may be some
/// appends behind.
const MAX_RECENT_BYTES: usize = 24 * 1024 * 1024;

/// Upper bound on the events that are kept.
const MAX_RECENT_EVENTS: usize = 4_096;

/// The newest events of the log. All of them are flushed to disk.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Without a gap between their positions.
    events: VecDeque<Event>,
    bytes: usize,
}

impl Recent {
    /// Keeps events that were flushed, adjacent to those before them. An append that is repeated in the same
    /// group, as by two replicas, is answered twice and kept once.
    pub(super) fn push(&self, stream: &StreamName, events: &[NewEvent], positions: &[Position]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = kept.events.back().map_or(0, |last| last.position);
        for (event, position) in events.iter().zip(positions).filter(|(_, position)| **position > last) {
            kept.bytes = kept.bytes.saturating_add(event.data.len());
            kept.events.push_back(Event {
                position: *position,
                stream: stream.clone(),
                id: event.id,
                kind: event.kind.clone(),
                time: event.time,
                data: event.data.clone(),
                traceparent: event.traceparent.clone(),
            });
        }
        while kept.bytes > MAX_RECENT_BYTES || kept.events.len() > MAX_RECENT_EVENTS {
            let Some(oldest) = kept.events.pop_front() else { break };
            kept.bytes = kept.bytes.saturating_sub(oldest.data.len());
        }
    }

    /// Keeps nothing any more. What is appended next is kept again.
    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Kept::default();
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).events.is_empty()
    }

    /// The next events that match, after `after` and up to `upto`. `None`: the first of them is not kept any
    /// more.
    pub(super) fn batch(&self, filter: &Filter, after: Position, upto: Position) -> Option<Batch> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = kept.events.front()?.position;
        let skip = usize::try_from((after + 1).checked_sub(first)?).ok()?;
        let mut batch = Batch { events: Vec::new(), upto, damage: None };
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
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use uuid::Uuid;

    use super::*;

    fn events(positions: &[Position], size: usize) -> Vec<NewEvent> {
        let event = |position: &Position| NewEvent {
            id: Uuid::from_u128(u128::from(*position)),
            kind: "kind".to_owned(),
            time: "2026-01-15T08:30:00Z".parse().unwrap(),
            data: Bytes::from(vec![0; size]),
            traceparent: None,
        };
        positions.iter().map(event).collect()
    }

    fn positions(batch: Option<Batch>) -> Option<(Vec<Position>, Position)> {
        batch.map(|batch| (batch.events.iter().map(|event| event.position).collect(), batch.upto))
    }

    #[test]
    fn what_is_kept_has_no_gap_and_an_end() {
        let recent = Recent::default();
        let [a, b] = ["log.a", "log.b"].map(|name| StreamName::new(name).unwrap());
        assert!(recent.batch(&Filter::All, 0, 9).is_none(), "nothing is kept of a log that was there");
        recent.push(&a, &events(&[4, 5], 10), &[4, 5]);
        recent.push(&b, &events(&[6], 10), &[6]);
        recent.push(&b, &events(&[6], 10), &[6]);
        assert_eq!(positions(recent.batch(&Filter::All, 3, 6)), Some((vec![4, 5, 6], 6)));
        assert_eq!(positions(recent.batch(&Filter::All, 4, 5)), Some((vec![5], 5)));
        assert_eq!(positions(recent.batch(&Filter::Under(b), 3, 6)), Some((vec![6], 6)));
        assert_eq!(positions(recent.batch(&Filter::All, 2, 6)), None, "3 is on the disk only");
        let many: Vec<Position> = (7..47).collect();
        recent.push(&a, &events(&many, MAX_RECENT_BYTES / 20), &many);
        assert_eq!(positions(recent.batch(&Filter::All, 5, 46)), None);
        let (given, upto) = positions(recent.batch(&Filter::All, 30, 46)).unwrap();
        assert!(given.len() < 16 && given.last() == Some(&upto), "a batch is bounded: {given:?}");
    }
}
