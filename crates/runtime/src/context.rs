//! The context that a service runs in.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use orewatch_contracts::Failure;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic_health::server::HealthReporter;

use crate::{Budget, Clock, Work};

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
    failure: Arc<OnceLock<Failure>>,
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
            failure: Arc::default(),
            running: Arc::default(),
        }
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

    /// Stops the process because a worker cannot go on. The first failure is reported.
    pub fn fail(&self, failure: Failure) {
        // Later failures follow from the first, or from the stop.
        let _first = self.failure.set(failure);
        self.shutdown.cancel();
    }

    /// The failure that stopped the process, if there is one.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.get()
    }
}
