//! Progress of an ingest: readers note it, and it is reported a few times a second.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::OnProgress;
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::ingest_files_response::Said;
use orewatch_contracts::ingestion::v1::{IngestFilesResponse, IngestProgress, Phase as ReportedPhase};
use orewatch_formats::{Phase, Progress};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::blocking;

/// Time between two reports of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// The current progress of a reader.
#[derive(Clone, Debug)]
pub(super) struct ProgressMeter(Arc<Mutex<Progress>>);

impl ProgressMeter {
    pub(super) fn new(phase: Phase) -> Self {
        Self(Arc::new(Mutex::new(Progress { phase, rows: 0, bytes: 0, total_bytes: 0 })))
    }

    pub(super) fn note(&self, progress: Progress) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    /// The current progress as a message.
    pub(super) fn message(&self, release: &str) -> IngestFilesResponse {
        let now = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reader_progress(now, release)
    }
}

/// A reader's progress as a message.
fn reader_progress(now: Progress, release: &str) -> IngestFilesResponse {
    let phase = match now.phase {
        Phase::Identifying => ReportedPhase::Identifying,
        Phase::Recording => ReportedPhase::Recording,
    };
    progress_message(phase, now, release)
}

/// A progress message of a phase.
pub(super) fn progress_message(phase: ReportedPhase, now: Progress, release: &str) -> IngestFilesResponse {
    let progress = IngestProgress {
        phase: phase.into(),
        rows: now.rows,
        bytes: now.bytes,
        total_bytes: now.total_bytes,
        release: release.to_owned(),
    };
    IngestFilesResponse { said: Some(Said::Progress(progress)) }
}

/// An interval that ticks when progress is due.
fn progress_ticks() -> Interval {
    let mut ticks = interval(PROGRESS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Runs blocking work and reports its progress.
pub(super) async fn run_reporting<T: Send + 'static>(
    meter: &ProgressMeter,
    progress: OnProgress<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    wait_reporting(progress, || meter.message(""), blocking(work)).await
}

/// Waits for work and reports progress meanwhile.
pub(super) async fn wait_reporting<T>(
    progress: OnProgress<'_>,
    say: impl Fn() -> IngestFilesResponse + Send,
    work: impl Future<Output = T> + Send,
) -> T {
    let mut ticks = progress_ticks();
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = ticks.tick() => progress(say()),
        }
    }
}
