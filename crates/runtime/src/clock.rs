//! The only place that reads the system's clock.
use std::fmt;
use std::sync::Once;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

/// Upper bound on one sleep before the clock is read again: somebody may have set it meanwhile.
const MAX_SLEEP: Duration = Duration::from_secs(30);

/// A source of the present time. Tests and replays bring their own.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Waits until a time. The clock of a test may jump there.
    fn sleep_until(&self, time: Timestamp) -> BoxFuture<'_, ()> {
        async move {
            while let Ok(left) = Duration::try_from(time.duration_since(self.now())) {
                if left.is_zero() {
                    break;
                }
                tokio::time::sleep(left.min(MAX_SLEEP)).await;
            }
        }
        .boxed()
    }
}

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the clock that everything else has to ask")]
    fn now(&self) -> Timestamp {
        saturating_timestamp(SystemTime::now())
    }
}

/// Converts a time of the system. Times outside of the years -9999 to 9999 become the first and the last that
/// a timestamp can hold, with one error in the log: a wrong clock must not end the process.
fn saturating_timestamp(time: SystemTime) -> Timestamp {
    static WARNED: Once = Once::new();
    Timestamp::try_from(time).unwrap_or_else(|error| {
        let bound = if time < SystemTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
        WARNED.call_once(|| tracing::error!(%error, %bound, "the clock of the machine is wrong: set it"));
        bound
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_wrong_clock_saturates() {
        let year_10006 = SystemTime::UNIX_EPOCH + Duration::from_secs(253_600_000_000);
        assert_eq!(saturating_timestamp(year_10006), Timestamp::MAX);
        let earliest = SystemTime::UNIX_EPOCH - Duration::from_secs(400_000_000_000);
        assert_eq!(saturating_timestamp(earliest), Timestamp::MIN);
    }

    proptest! {
        #[test]
        fn every_time_is_an_instant(seconds: u64, before: bool) {
            let length = Duration::from_secs(seconds);
            let start = SystemTime::UNIX_EPOCH;
            let time = if before { start.checked_sub(length) } else { start.checked_add(length) };
            let now = time.map(saturating_timestamp);
            let exact = i64::try_from(seconds).ok().and_then(|second| {
                Timestamp::from_second(if before { -second } else { second }).ok()
            });
            prop_assert!(exact.is_none() || now.is_none() || now == exact);
        }
    }
}
