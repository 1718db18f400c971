//! Memory that calls may hold, counted for the whole process.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of bytes of which calls take shares. Clones are the same budget.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Counted>);

#[derive(Debug)]
struct Counted {
    most: usize,
    used: AtomicUsize,
}

/// Bytes that requests and answers on their way may hold together.
const BYTES: usize = 192 << 20;

impl Default for Budget {
    /// That of a process: a fifth of the memory of a pod.
    fn default() -> Self {
        Self::new(BYTES)
    }
}

impl Budget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Counted { most, used: AtomicUsize::new(0) }))
    }

    /// Takes a share. None: there is not that much left.
    #[must_use]
    pub fn take(&self, bytes: usize) -> Option<Share> {
        let more = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.0.most);
        self.0.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Share { budget: self.clone(), bytes })
    }

    /// Bytes that are taken.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Whether more than three quarters are taken.
    #[must_use]
    pub fn is_scarce(&self) -> bool {
        self.used() > self.0.most / 4 * 3
    }
}

/// A share of a budget, given back when it is dropped.
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
