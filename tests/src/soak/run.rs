//! The time of a run: when it began, and when it is over.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A run. Clones are about the same run.
#[derive(Clone, Debug)]
pub(super) struct Run {
    began: Instant,
    /// When the load ends.
    duration: Duration,
    /// Set when everything is over, also what only watches.
    is_over: Arc<AtomicBool>,
}

impl Run {
    /// A run that begins now.
    pub(super) fn begin(duration: Duration) -> Self {
        Self { began: Instant::now(), duration, is_over: Arc::default() }
    }

    /// Time since the beginning.
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether the load is over at a time.
    pub(super) fn is_over_at(&self, time: Duration) -> bool {
        time >= self.duration
    }

    /// Ends what only watches.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Whether everything is over.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Waits until a time.
    pub(super) async fn wait_until(&self, time: Duration) {
        tokio::time::sleep(time.saturating_sub(self.now())).await;
    }

    /// Waits until a time, and blocks the thread.
    pub(super) fn block_until(&self, time: Duration) {
        thread::sleep(time.saturating_sub(self.now()));
    }
}
