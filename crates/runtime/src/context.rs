//! What a service is given to run in.
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic_health::server::HealthReporter;

use crate::{Clock, Failure};

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
    failure: Arc<OnceLock<Failure>>,
}

impl Context {
    /// A context of a process that has just started.
    pub fn new(clock: Arc<dyn Clock>, health: HealthReporter) -> Self {
        Self {
            clock,
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            health,
            failure: Arc::default(),
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
