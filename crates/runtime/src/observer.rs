//! Looks at the logs of a process at intervals: where they end, how large they are, and in which state they
//! are followed.
//!
//! Where a log ends is not what its follower has read, but what somebody else has written; only a question to
//! the log tells. A log that does not answer costs its question and no more.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use orewatch_eventlog::EventLog;
use tokio::time::{Instant, timeout};

use crate::logs::LogStatus;
use crate::metrics::{Metrics, catalogue, float};
use crate::{Context, FollowedLog, Phase};

/// Interval between two looks.
const INTERVAL: Duration = Duration::from_secs(5);

/// Time for the answer of a log.
const PATIENCE: Duration = Duration::from_secs(2);

/// Interval between two readings of certificates.
const CERTIFICATE_INTERVAL: Duration = Duration::from_secs(60);

/// Interval at which the log says how far a fold is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(30);

/// A log by the service that follows it.
type LogKey = (&'static str, String);

/// Looks at the logs until the process has stopped.
pub(crate) async fn observe(context: Context) {
    let ended = context.ended();
    let mut watcher =
        Watcher { context, phases: BTreeMap::new(), reported: Instant::now(), certificates: None };
    loop {
        watcher.look().await;
        tokio::select! {
            () = ended.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

/// Lets metrics be gathered with the state of the logs and of what calls take.
pub(crate) fn collect(context: &Context) {
    let (logs, work, memory) = (context.logs.clone(), context.work.clone(), context.memory.clone());
    let shutdown = context.shutdown.clone();
    context.metrics.collect_with(move |metrics| {
        for (service, is_ready) in logs.readiness() {
            let is_ready = is_ready && !shutdown.is_cancelled();
            metrics.set(&catalogue::SERVICE_READY, [service], flag(is_ready));
        }
        logs.all().iter().for_each(|log| record(metrics, &log.status()));
        metrics.set_count(&catalogue::COMPUTATIONS, ["running"], work.running());
        metrics.set_count(
            &catalogue::COMPUTATIONS,
            ["waiting"],
            work.seated().saturating_sub(work.running()),
        );
        metrics.set_count(&catalogue::CALL_BYTES, [], memory.used());
    });
}

fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

/// Records how a log is followed.
fn record(metrics: &Metrics, status: &LogStatus) {
    let LogStatus { service, log, phase, is_read, position, head, behind, folds, fold_took, .. } = status;
    let labels = [*service, log.as_str()];
    for state in Phase::ALL {
        let labels = [*service, log.as_str(), state.name()];
        metrics.set(&catalogue::LOG_STATE, labels, flag(state == *phase));
    }
    metrics.set(&catalogue::FOLD_POSITION, labels, float(*position));
    if !is_read {
        return;
    }
    metrics.raise(&catalogue::REBUILDS, labels, *folds);
    metrics.set(&catalogue::LAG_SECONDS, labels, behind.as_secs_f64());
    if let Some(took) = fold_took {
        metrics.set(&catalogue::REBUILD_SECONDS, labels, took.as_secs_f64());
    }
    if let Some(head) = head {
        metrics.set(&catalogue::HEAD_POSITION, labels, float(*head));
        metrics.set(&catalogue::LAG_EVENTS, labels, float(head.saturating_sub(*position)));
    }
}

struct Watcher {
    context: Context,
    /// The state of each log when it was last looked at.
    phases: BTreeMap<LogKey, Phase>,
    /// When the log last said how far folds are.
    reported: Instant,
    /// When certificates were last read.
    certificates: Option<Instant>,
}

impl Watcher {
    async fn look(&mut self) {
        let mut measured = BTreeSet::new();
        for followed in self.context.logs.all() {
            if let Some(log) = followed.log() {
                ask_head(&followed, &*log).await;
                if measured.insert(log.name().to_owned()) {
                    self.measure(&log).await;
                }
            }
            self.log_change(followed.status());
        }
        self.log_progress();
        self.read_certificates().await;
    }

    /// Records the size of a log.
    async fn measure(&self, log: &Arc<dyn EventLog>) {
        let Ok(Ok(Some(usage))) = timeout(PATIENCE, log.usage()).await else { return };
        let metrics = &self.context.metrics;
        metrics.set(&catalogue::LOG_BYTES, [log.name()], float(usage.bytes));
        if let Some(max) = usage.max_bytes {
            metrics.set(&catalogue::LOG_MAX_BYTES, [log.name()], float(max));
        }
    }

    /// Logs that the state of a log is another one than before.
    fn log_change(&mut self, status: LogStatus) {
        let LogStatus { service, log, phase, position, head, reason, .. } = status;
        let before = self.phases.insert((service, log.clone()), phase);
        let Some(before) = before.filter(|before| *before != phase) else { return };
        let (from, to, reason) = (before.name(), phase.name(), reason.unwrap_or_default());
        if phase > Phase::Ready {
            tracing::warn!(service, log, from, to, position, head, reason, "the state of a log has changed");
        } else {
            tracing::info!(service, log, from, to, position, "the state of a log has changed");
        }
    }

    /// Logs now and then how far folds are that take long.
    fn log_progress(&mut self) {
        if self.reported.elapsed() < PROGRESS_INTERVAL {
            return;
        }
        self.reported = Instant::now();
        for progress in self.context.logs.progress() {
            tracing::info!(progress, "folding");
        }
    }

    async fn read_certificates(&mut self) {
        if self.certificates.is_some_and(|read| read.elapsed() < CERTIFICATE_INTERVAL) {
            return;
        }
        self.certificates = Some(Instant::now());
        let (certificates, metrics) = (self.context.certificates.clone(), self.context.metrics.clone());
        // It panics for no input, and a cancelled reading is made again.
        let _read = tokio::task::spawn_blocking(move || certificates.record(&metrics)).await;
    }
}

/// Asks a log where it ends. Without an answer what is known of it stays.
async fn ask_head(followed: &FollowedLog, log: &dyn EventLog) {
    if let Ok(Ok(extent)) = timeout(PATIENCE, log.extent()).await {
        followed.set_head(extent.head);
    }
}
