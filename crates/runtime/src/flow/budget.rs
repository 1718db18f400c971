//! A budget of memory that calls may hold, for the whole process.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of bytes of which calls take shares. Clones share the budget.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Counted>);

#[derive(Debug)]
struct Counted {
    max_bytes: usize,
    used: AtomicUsize,
}

/// Bytes that all requests and answers in flight may hold together.
const PROCESS_BYTES: usize = 192 << 20;

impl Default for Budget {
    /// The budget of a process: a fifth of the memory of a pod.
    fn default() -> Self {
        Self::new(PROCESS_BYTES)
    }
}

impl Budget {
    /// A budget of `max_bytes`.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self(Arc::new(Counted { max_bytes, used: AtomicUsize::new(0) }))
    }

    /// Takes a share. `None`: there is not enough left.
    #[must_use]
    pub fn take(&self, bytes: usize) -> Option<Share> {
        let more = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.0.max_bytes);
        self.0.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Share { budget: self.clone(), bytes })
    }

    /// Number of bytes that are taken.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Whether more than three quarters are taken.
    #[must_use]
    pub fn is_scarce(&self) -> bool {
        self.used() > self.0.max_bytes / 4 * 3
    }
}

/// A share of a budget, returned when it is dropped.
#[derive(Debug)]
pub struct Share {
    budget: Budget,
    bytes: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
