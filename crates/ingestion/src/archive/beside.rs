//! A thread that works on what it is handed, in order, while the other goes on.
use std::fmt;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use orewatch_runtime::{Class, Failure};

/// A thread with a state of its own, and things that wait for it.
pub(super) struct Beside<T, S> {
    things: SyncSender<T>,
    thread: JoinHandle<S>,
}

impl<T: Send + 'static, S: Send + 'static> Beside<T, S> {
    /// Starts it; at most so many things wait.
    pub(super) fn start(
        most: usize,
        mut state: S,
        mut work: impl FnMut(&mut S, T) + Send + 'static,
    ) -> Result<Self, Failure> {
        let (things, waiting) = sync_channel(most);
        let run = move || {
            waiting.into_iter().for_each(|thing| work(&mut state, thing));
            state
        };
        let started = thread::Builder::new().name("archive".to_owned()).spawn(run);
        started.map(|thread| Self { things, thread }).map_err(|error| {
            Failure::new(Class::Exhausted, "no-thread", format!("no thread can be started: {error}"))
        })
    }

    /// Hands a thing over; waits while too many wait.
    pub(super) fn give(&self, thing: T) {
        // That the thread is gone is said at the end.
        let _gone = self.things.send(thing);
    }

    /// Hands a thing over, or drops it if too many wait.
    pub(super) fn offer(&self, thing: T) {
        let _dropped = self.things.try_send(thing);
    }

    /// Waits until all is done.
    pub(super) fn end(self) -> Result<S, Failure> {
        drop(self.things);
        self.thread.join().map_err(|_| Failure::internal("a thread of the archive ended by a panic"))
    }
}

impl<T, S> fmt::Debug for Beside<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beside").finish_non_exhaustive()
    }
}
