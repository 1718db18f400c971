//! Polls the health of a process from a thread of its own, while something else keeps the process busy.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::api::channel;

/// Pause between two checks.
const PAUSE: Duration = Duration::from_millis(10);

/// Deadline of a single check.
const DEADLINE: Duration = Duration::from_secs(30);

/// Checks the health of a process until it is stopped.
#[derive(Debug)]
pub struct HealthWatch {
    stop: Arc<AtomicBool>,
    checks: JoinHandle<HealthTimes>,
}

/// How long the checks of a [`HealthWatch`] took.
#[derive(Clone, Debug, Default)]
pub struct HealthTimes {
    /// Times of the checks that were answered, in ascending order.
    pub answered: Vec<Duration>,
    /// Number of checks that failed or were not answered within their deadline of 30 s.
    pub missed: usize,
}

impl HealthTimes {
    /// The time within which a fraction of the answered checks was answered. Zero if none was answered.
    #[must_use]
    pub fn quantile(&self, fraction: f64) -> Duration {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "an index into a list"
        )]
        let index = (self.answered.len() as f64 * fraction) as usize;
        let last = self.answered.len().saturating_sub(1);
        self.answered.get(index.min(last)).copied().unwrap_or_default()
    }
}

impl HealthWatch {
    /// Starts to check.
    ///
    /// # Panics
    /// If no thread can be started.
    #[must_use]
    pub fn start(address: &str) -> Self {
        let (stop, address) = (Arc::new(AtomicBool::new(false)), address.to_owned());
        let is_stopped = Arc::clone(&stop);
        let checks = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(check_until(&address, &is_stopped))
        });
        Self { stop, checks }
    }

    /// Stops after the check that is under way, and returns how long the checks took.
    ///
    /// # Panics
    /// If the thread panicked.
    #[must_use]
    pub fn stop(self) -> HealthTimes {
        self.stop.store(true, Ordering::Relaxed);
        let mut times = self.checks.join().expect("the thread does not panic");
        times.answered.sort_unstable();
        times
    }
}

async fn check_until(address: &str, is_stopped: &AtomicBool) -> HealthTimes {
    let mut client = HealthClient::new(channel(address));
    let mut times = HealthTimes::default();
    while !is_stopped.load(Ordering::Relaxed) {
        let started = Instant::now();
        match tokio::time::timeout(DEADLINE, client.check(HealthCheckRequest::default())).await {
            Ok(Ok(_)) => times.answered.push(started.elapsed()),
            Ok(Err(_)) | Err(_) => times.missed += 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
    times
}
