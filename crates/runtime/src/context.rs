//! What a service is given to run in.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic_health::server::HealthReporter;

use crate::{Budget, Clock, Failure, Work};

/// What a service is given to run in. Clones share everything.
#[derive(Clone, Debug)]
pub struct Context {
    /// Where the service asks for the time.
    pub clock: Arc<dyn Clock>,
    /// Cancelled when the process is to stop: workers finish what they hold, streams end.
    pub shutdown: CancellationToken,
    /// Where workers are spawned, so that the stop can wait for them.
    pub tasks: TaskTracker,
    /// Where the service says that it is ready, under its full gRPC name.
    pub health: HealthReporter,
    /// Where requests compute.
    pub work: Work,
    /// What requests and answers on their way may hold.
    pub memory: Budget,
    failure: Arc<OnceLock<Failure>>,
    running: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Context {
    /// A context of a process that has just started.
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

    /// Runs a worker until it ends; the stop waits for it, and names it if it hangs. A worker that ends with a failure, or
    /// panics, stops the process: half a service is worse than none.
    pub fn spawn(
        &self,
        name: &'static str,
        worker: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) {
        self.note(name, 1);
        let context = self.clone();
        self.tasks.spawn(async move {
            match tokio::spawn(worker).await {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => context.fail(failure),
                Err(error) => context.fail(Failure::internal(format!("worker {name} ended badly: {error}"))),
            }
            context.note(name, -1);
        });
    }

    /// Names of the workers that run, each once.
    #[must_use]
    pub fn running(&self) -> Vec<&'static str> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    fn note(&self, name: &'static str, change: isize) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(name).or_default();
        *count = count.saturating_add_signed(change);
        if *count == 0 {
            running.remove(name);
        }
    }

    /// Stops the process because a worker cannot go on. The first failure is the one that is reported.
    pub fn fail(&self, failure: Failure) {
        // A second failure follows from the first, or from the stop.
        let _first = self.failure.set(failure);
        self.shutdown.cancel();
    }

    /// The failure that stopped the process, if one did.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.get()
    }
}
