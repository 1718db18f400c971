//! Whether a process answers while something else is done to it: its health, asked again and again from a thread of its own.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::api::channel;

/// How often it is asked.
const PACE: Duration = Duration::from_millis(10);

/// After how long an answer is missed.
const MISSED: Duration = Duration::from_secs(30);

/// Asks for the health of a process until it is told to stop.
#[derive(Debug)]
pub struct Health {
    stop: Arc<AtomicBool>,
    asked: JoinHandle<Vec<Duration>>,
}

impl Health {
    /// Begins to ask.
    ///
    /// # Panics
    /// If no thread can be started.
    #[must_use]
    pub fn watch(address: &str) -> Self {
        let (stop, address) = (Arc::new(AtomicBool::new(false)), address.to_owned());
        let told = Arc::clone(&stop);
        let asked = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(ask(&address, &told))
        });
        Self { stop, asked }
    }

    /// Stops, and gives how long each answer took, in ascending order. What was not answered has taken [`Duration::MAX`].
    ///
    /// # Panics
    /// If the thread ended badly.
    #[must_use]
    pub fn stop(self) -> Vec<Duration> {
        self.stop.store(true, Ordering::Relaxed);
        let mut took = self.asked.join().expect("the thread ends in order");
        took.sort_unstable();
        took
    }
}

async fn ask(address: &str, stop: &AtomicBool) -> Vec<Duration> {
    let mut client = HealthClient::new(channel(address));
    let mut took = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        let answer = tokio::time::timeout(MISSED, client.check(HealthCheckRequest::default())).await;
        took.push(if matches!(answer, Ok(Ok(_))) { started.elapsed() } else { Duration::MAX });
        tokio::time::sleep(PACE).await;
    }
    took
}

/// The figure below which this part of sorted figures lies; nothing of nothing.
#[must_use]
pub fn quantile(sorted: &[Duration], part: f64) -> Duration {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let place = (sorted.len() as f64 * part) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}
