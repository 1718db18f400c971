//! The context that a service runs in.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orewatch_contracts::Failure;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic_health::server::HealthReporter;

use crate::{ActorNames, Budget, Clock, FollowedLog, FollowedLogs, Inside, Work};

/// Default of [`Context::stale_after`].
const DEFAULT_STALE_AFTER: Duration = Duration::from_secs(300);

/// Code of failures that follow from the stop of a service.
const STOPPING: &str = "stopping";

/// The context that a service runs in: clock, shutdown, tasks, health and budgets. Clones share everything.
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
    /// The way to the services of the process, for its other parts.
    pub inside: Inside,
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
            inside: Inside::nowhere(),
            failure: Arc::default(),
            running: Arc::default(),
        }
    }

    /// The same context with another time until a service whose log is away is reported as not ready.
    #[must_use]
    pub fn with_stale_after(self, stale_after: Duration) -> Self {
        Self { stale_after, ..self }
    }

    /// The same context with the names of those whose commands are recorded.
    #[must_use]
    pub(crate) fn with_actors(self, actors: ActorNames) -> Self {
        Self { actors, ..self }
    }

    /// The same context with the way to the services of its server.
    #[must_use]
    pub(crate) fn with_inside(self, inside: Inside) -> Self {
        Self { inside, ..self }
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
        self.running.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
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

    /// A log that a service follows from now on.
    #[must_use]
    pub fn follow_log(&self, service: &'static str, log: &str) -> FollowedLog {
        self.logs.follow(service, log, Arc::clone(&self.clock))
    }

    /// The context of a part of a service that can be stopped by itself.
    #[must_use]
    pub fn for_part(&self) -> Self {
        Self { shutdown: self.shutdown.child_token(), ..self.clone() }
    }
}
