//! Lines of the log that anybody could cause: they are written seldom, with the number of those left out.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Interval between two lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// Lines that may be written this often in one interval before any is left out.
const BURST: u32 = 5;

/// Decides which lines of a kind are written. Clones share the decision.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seldom(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    begin: Option<Instant>,
    written: u32,
    left_out: u64,
}

impl Seldom {
    /// Whether a line may be written now: the number of lines that were left out since the last one. `None`:
    /// it is left out too.
    pub(crate) fn may_write(&self) -> Option<u64> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if lines.begin.is_none_or(|begin| now.duration_since(begin) >= INTERVAL) {
            (lines.begin, lines.written) = (Some(now), 0);
        }
        if lines.written >= BURST {
            lines.left_out += 1;
            return None;
        }
        lines.written += 1;
        Some(std::mem::take(&mut lines.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn lines_that_are_left_out_are_counted() {
        let seldom = Seldom::default();
        let written: Vec<_> = (0..9).map(|_| seldom.may_write()).collect();
        assert_eq!(written[..6], [Some(0), Some(0), Some(0), Some(0), Some(0), None]);
        tokio::time::sleep(INTERVAL).await;
        assert_eq!(seldom.may_write(), Some(4));
    }
}
