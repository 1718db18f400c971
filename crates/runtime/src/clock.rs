//! The one place that asks what time it is.
use std::fmt;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

/// How long is slept at most before the clock is looked at again: it may have been set meanwhile.
const SLICE: Duration = Duration::from_secs(30);

/// A source of the present time; tests and replays bring their own.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Waits until a time. A clock of a test may jump there.
    fn until(&self, time: Timestamp) -> BoxFuture<'_, ()> {
        async move {
            while let Ok(left) = Duration::try_from(time.duration_since(self.now())) {
                if left.is_zero() {
                    break;
                }
                tokio::time::sleep(left.min(SLICE)).await;
            }
        }
        .boxed()
    }
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the clock that everything else has to ask")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
