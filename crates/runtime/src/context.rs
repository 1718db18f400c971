//! The context that a service runs in.
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orewatch_contracts::Failure;
use orewatch_eventlog::EventLog;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic_health::server::HealthReporter;

use crate::certificate::Certificates;
use crate::metrics::Metrics;
use crate::{ActorNames, Budget, Clock, FollowedLog, FollowedLogs, Phase, Work};

/// Default of [`Context::stale_after`].
const DEFAULT_STALE_AFTER: Duration = Duration::from_secs(300);

/// Code of failures that follow from the stop of a service.
const STOPPING: &str = "stopping";

/// The context that a service runs in: clock, shutdown, tasks, health, metrics and budgets. Clones share
/// everything.
#[derive(Clone, Debug)]
pub struct Context {
    /// The source of the present time.
    pub clock: Arc<dyn Clock>,
    /// Cancelled when the process stops: workers finish what they hold, streams end.
    pub shutdown: CancellationToken,
    /// Tracks spawned workers, so that the stop can wait for them.
    pub tasks: TaskTracker,
    /// Reports whether a service is ready, under its full gRPC name.
    pub health: HealthReporter,
    /// The pool in which requests compute.
    pub work: Work,
    /// Memory that requests and answers in flight may hold.
    pub memory: Budget,
    /// The logs that services follow.
    pub logs: FollowedLogs,
    /// Names of those whose commands are recorded.
    pub actors: ActorNames,
    /// Time that a log may not be followed before a service is reported as not ready.
    pub stale_after: Duration,
    /// Address that the server of the process listens on. `None`: it has no server.
    pub address: Option<SocketAddr>,
    /// Records what happens, for whoever operates the process.
    pub metrics: Metrics,
    /// Files with certificates whose expiry is reported.
    pub(crate) certificates: Certificates,
    /// Cancelled when the stop is over: what reports on the process works until then.
    ended: CancellationToken,
    failure: Arc<Mutex<Option<Failure>>>,
    running: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Context {
    /// The context of a process that has just started.
    pub fn new(clock: Arc<dyn Clock>, health: HealthReporter) -> Self {
        Self {
            clock,
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            health,
            work: Work::default(),
            memory: Budget::default(),
            logs: FollowedLogs::default(),
            actors: ActorNames::default(),
            stale_after: DEFAULT_STALE_AFTER,
            address: None,
            metrics: Metrics::default(),
            certificates: Certificates::default(),
            ended: CancellationToken::new(),
            failure: Arc::default(),
            running: Arc::default(),
        }
    }

    /// The same context with another time until a service whose log is away is reported as not ready.
    #[must_use]
    pub fn with_stale_after(self, stale_after: Duration) -> Self {
        Self { stale_after, ..self }
    }

    /// The same context with the address that the server of the process listens on.
    #[must_use]
    pub(crate) fn with_address(self, address: SocketAddr) -> Self {
        Self { address: Some(address), ..self }
    }

    /// The same context with the names of those whose commands are recorded.
    #[must_use]
    pub(crate) fn with_actors(self, actors: ActorNames) -> Self {
        Self { actors, ..self }
    }

    /// The same context with other metrics: those of its services alone.
    #[must_use]
    pub(crate) fn with_metrics(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// A token that is cancelled when the stop of the process is over.
    pub(crate) fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }

    /// Ends what reports on the process: its stop is over.
    pub(crate) fn end(&self) {
        self.metrics.stop_collecting();
        self.ended.cancel();
    }

    /// Reports when the first certificate in a file expires, under a name such as `nats`. The file may be
    /// replaced.
    pub fn watch_certificate(&self, name: &'static str, file: PathBuf) {
        self.certificates.watch(name, file);
    }

    /// Spawns a worker. The stop of the process waits for it, and names it if it hangs. A worker that fails
    /// or panics stops the process: half a service is worse than none.
    pub fn spawn(
        &self,
        name: &'static str,
        worker: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) {
        self.count_running(name, 1);
        let context = self.clone();
        self.tasks.spawn(async move {
            match tokio::spawn(worker).await {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => context.fail(failure),
                Err(error) => context.fail(Failure::internal(format!("worker {name} ended badly: {error}"))),
            }
            context.count_running(name, -1);
        });
    }

    /// Names of the running workers, each once.
    #[must_use]
    pub fn running(&self) -> Vec<&'static str> {
        self.workers().into_keys().collect()
    }

    /// The running workers by name, with their number.
    pub(crate) fn workers(&self) -> BTreeMap<&'static str, usize> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count_running(&self, name: &'static str, change: isize) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(name).or_default();
        *count = count.saturating_add_signed(change);
        if *count == 0 {
            running.remove(name);
        }
    }

    /// Stops the process because a worker cannot go on. The first cause is logged and reported; what follows
    /// from it, or from the stop, is not.
    pub fn fail(&self, failure: Failure) {
        let mut first = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        // A worker that only heard of the stop may be quicker than the one that caused it.
        if first.as_ref().is_none_or(|first| first.code == STOPPING && failure.code != STOPPING) {
            tracing::error!(%failure, code = failure.code, "a worker cannot go on");
            *first = Some(failure);
        }
        drop(first);
        self.shutdown.cancel();
    }

    /// The failure that stopped the process, if there is one.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A log that a service follows from now on: it folds all of it.
    #[must_use]
    pub fn follow_log(&self, service: &'static str, log: &Arc<dyn EventLog>) -> FollowedLog {
        self.logs.follow(service, log, true, Arc::clone(&self.clock))
    }

    /// A log that a service writes from now on, and does not fold.
    #[must_use]
    pub fn follow_written_log(&self, service: &'static str, log: &Arc<dyn EventLog>) -> FollowedLog {
        self.logs.follow(service, log, false, Arc::clone(&self.clock))
    }

    /// The state of the service of an interface, by its full gRPC name; of the process for an empty name.
    #[must_use]
    pub fn phase_of(&self, interface: &str) -> Phase {
        self.logs.phase_of(interface, self.shutdown.is_cancelled())
    }

    /// The context of a part of a service that can be stopped by itself.
    #[must_use]
    pub fn for_part(&self) -> Self {
        Self { shutdown: self.shutdown.child_token(), ..self.clone() }
    }
}
