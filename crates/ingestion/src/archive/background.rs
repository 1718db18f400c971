//! A thread that handles items in order while its owner goes on.
use std::fmt;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use orewatch_contracts::{Class, Failure};

/// A thread with a state of its own, and a bounded queue of items.
pub(super) struct BackgroundThread<T, S> {
    sender: SyncSender<T>,
    thread: JoinHandle<S>,
}

impl<T: Send + 'static, S: Send + 'static> BackgroundThread<T, S> {
    /// Starts the thread. At most `capacity` items wait.
    pub(super) fn start(
        capacity: usize,
        mut state: S,
        mut work: impl FnMut(&mut S, T) + Send + 'static,
    ) -> Result<Self, Failure> {
        let (sender, waiting) = sync_channel(capacity);
        let run = move || {
            waiting.into_iter().for_each(|item| work(&mut state, item));
            state
        };
        let started = thread::Builder::new().name("archive".to_owned()).spawn(run);
        started.map(|thread| Self { sender, thread }).map_err(|error| {
            Failure::new(Class::Exhausted, "no-thread", format!("no thread can be started: {error}"))
        })
    }

    /// Passes an item to the thread; waits while the queue is full.
    pub(super) fn send(&self, item: T) {
        // A thread that is gone is reported by [`end`](Self::end).
        let _gone = self.sender.send(item);
    }

    /// Passes an item to the thread, or drops it if the queue is full.
    pub(super) fn try_send(&self, item: T) {
        let _dropped = self.sender.try_send(item);
    }

    /// Waits until all items are handled, and returns the state.
    pub(super) fn end(self) -> Result<S, Failure> {
        drop(self.sender);
        self.thread.join().map_err(|_| Failure::internal("a thread of the archive ended by a panic"))
    }
}

impl<T, S> fmt::Debug for BackgroundThread<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beside").finish_non_exhaustive()
    }
}
