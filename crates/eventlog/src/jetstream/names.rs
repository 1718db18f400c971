//! Names of the consumers of one process, which the permissions of a server can list.
//!
//! NATS permissions have no wildcard for a part of a name, so that the names must be known beforehand:
//! `INSTANCE-0` to `INSTANCE-15`. A reader borrows one while it has a consumer. If all are taken, the one
//! that was used least recently changes hands once it has rested for `MAX_REST`: a subscriber that does not
//! read cannot keep a name from those who do. The reader that it was taken from takes another one when it
//! goes on.
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Number of names, and so of consumers of one process on one log at the same time.
pub const MAX_NAMES: usize = 16;

/// Time without use after which a name may be taken away.
const MAX_REST: Duration = Duration::from_secs(5);

/// Names of one process for its consumers on one log.
#[derive(Debug)]
pub(super) struct Names {
    instance: String,
    slots: Mutex<Vec<Slot>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Number of times that the name was given away: tells its present reader from earlier ones.
    lease: u64,
    /// When it was last used. `None`: nobody has it.
    used: Option<Instant>,
}

/// The right to use a name.
#[derive(Debug)]
pub(super) struct Name {
    names: Arc<Names>,
    slot: usize,
    lease: u64,
}

impl Names {
    pub(super) fn new(instance: &str) -> Arc<Self> {
        let slots = Mutex::new(vec![Slot::default(); MAX_NAMES]);
        Arc::new(Self { instance: instance.to_owned(), slots })
    }

    /// A name that nobody has, or that has not been used for long. `None`: all are in use.
    pub(super) fn take(self: &Arc<Self>, now: Instant) -> Option<Name> {
        let mut slots = self.slots();
        let free = |slot: &Slot| slot.used.is_none_or(|used| now.duration_since(used) >= MAX_REST);
        // `None`, which is free, is the least.
        let (index, slot) =
            slots.iter_mut().enumerate().filter(|(_, slot)| free(slot)).min_by_key(|(_, slot)| slot.used)?;
        slot.lease += 1;
        slot.used = Some(now);
        Some(Name { names: Arc::clone(self), slot: index, lease: slot.lease })
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Name {
    /// The name of the consumer.
    pub(super) fn consumer(&self) -> String {
        consumer_name(&self.names.instance, self.slot)
    }

    /// Says that the name is in use. Returns false if it was taken away.
    pub(super) fn is_kept(&self, now: Instant) -> bool {
        let mut slots = self.names.slots();
        let own = slots.get_mut(self.slot).filter(|slot| slot.lease == self.lease);
        own.map(|slot| slot.used = Some(now)).is_some()
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let mut slots = self.names.slots();
        if let Some(slot) = slots.get_mut(self.slot).filter(|slot| slot.lease == self.lease) {
            slot.used = None;
        }
    }
}

/// Name of a consumer of an instance.
pub(super) fn consumer_name(instance: &str, number: usize) -> String {
    format!("{instance}-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_reader_at_a_time() {
        let (names, now) = (Names::new("exposure-0"), Instant::now());
        let taken: Vec<Name> = (0..MAX_NAMES).map(|_| names.take(now).unwrap()).collect();
        let mut called: Vec<_> = taken.iter().map(|name| name.consumer()).collect();
        called.sort();
        called.dedup();
        assert_eq!(called.len(), MAX_NAMES);
        assert!(names.take(now).is_none(), "all are in use");
        drop(taken);
        assert_eq!(names.take(now).unwrap().consumer(), "exposure-0-0");
    }

    #[test]
    fn a_name_that_rests_changes_hands() {
        let (names, now) = (Names::new("exposure-0"), Instant::now());
        let taken: Vec<Name> = (0..MAX_NAMES).map(|_| names.take(now).unwrap()).collect();
        let later = now + MAX_REST;
        assert!(taken.iter().skip(1).all(|name| name.is_kept(later)));
        let other = names.take(later).expect("the first has rested");
        assert_eq!(other.consumer(), taken.first().unwrap().consumer());
        assert!(!taken.first().unwrap().is_kept(later) && other.is_kept(later));
        drop(taken);
        assert!(other.is_kept(later), "who lost a name does not give it back");
    }
}
