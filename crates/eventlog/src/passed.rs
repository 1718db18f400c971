//! Messages on a log that are not ours.
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Position;

/// Upper bound on the positions of passed messages that are remembered, so that each is counted and logged
/// once, however many readers come across it.
const MAX_REMEMBERED: usize = 1_024;

/// Messages on a log that are not events of ours, as far as its readers have seen. Readers pass over them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// How many. Beyond a thousand, only those after the last one add to it.
    pub count: u64,
    /// Position of the last one, 0 if there is none.
    pub last: Position,
}

/// Counts messages that were passed over. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct PassedCounter(Arc<Mutex<Counted>>);

#[derive(Debug, Default)]
struct Counted {
    total: PassedOver,
    positions: BTreeSet<Position>,
}

impl PassedCounter {
    /// Counts a message. Returns whether it is a new one.
    pub(crate) fn add(&self, position: Position) -> bool {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = if counted.positions.len() < MAX_REMEMBERED {
            counted.positions.insert(position)
        } else {
            position > counted.total.last
        };
        if is_new {
            counted.total.count += 1;
            counted.total.last = counted.total.last.max(position);
        }
        is_new
    }

    /// The count so far.
    pub(crate) fn total(&self) -> PassedOver {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_counts_once_and_the_memory_is_bounded() {
        let counter = PassedCounter::default();
        assert!(counter.add(5) && counter.add(3) && !counter.add(5));
        assert_eq!(counter.total(), PassedOver { count: 2, last: 5 });
        for position in 10..10_000 {
            assert!(counter.add(position));
        }
        assert!(!counter.add(9_999));
        assert_eq!(counter.total().last, 9_999);
    }
}
