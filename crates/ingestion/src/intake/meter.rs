//! How far a reading is, told now and then.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Tell;
use orewatch_contracts::ingestion::v1::ingest_files_response::Said;
use orewatch_contracts::ingestion::v1::{IngestFilesResponse, IngestProgress, Phase as Told};
use orewatch_runtime::Failure;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::blocking;
use crate::sources::{Phase, Progress};

/// How often it is told.
const EVERY: Duration = Duration::from_millis(250);

/// Where a reader notes how far it is.
#[derive(Clone, Debug)]
pub(super) struct Meter(Arc<Mutex<Progress>>);

impl Meter {
    pub(super) fn new(phase: Phase) -> Self {
        Self(Arc::new(Mutex::new(Progress { phase, rows: 0, bytes: 0, total_bytes: 0 })))
    }

    pub(super) fn note(&self, progress: Progress) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    /// How far it is, for the outside.
    pub(super) fn said(&self, release: &str) -> IngestFilesResponse {
        let now = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        progress(now, release)
    }
}

/// Progress for the outside.
fn progress(now: Progress, release: &str) -> IngestFilesResponse {
    let phase = match now.phase {
        Phase::Identifying => Told::Identifying,
        Phase::Recording => Told::Recording,
    };
    said(phase, now, release)
}

/// What is told while something is done that cannot be measured.
pub(super) fn said(phase: Told, now: Progress, release: &str) -> IngestFilesResponse {
    let progress = IngestProgress {
        phase: phase.into(),
        rows: now.rows,
        bytes: now.bytes,
        total_bytes: now.total_bytes,
        release: release.to_owned(),
    };
    IngestFilesResponse { said: Some(Said::Progress(progress)) }
}

/// Ticks when it is time to tell.
pub(super) fn ticks() -> Interval {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Runs something that may block, and tells how far it is.
pub(super) async fn watched<T: Send + 'static>(
    meter: &Meter,
    tell: Tell<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    waited(tell, || meter.said(""), blocking(work)).await
}

/// Waits for something, and says now and then that it is waited for.
pub(super) async fn waited<T>(
    tell: Tell<'_>,
    say: impl Fn() -> IngestFilesResponse + Send,
    work: impl Future<Output = T> + Send,
) -> T {
    let mut ticks = ticks();
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = ticks.tick() => tell(say()),
        }
    }
}
