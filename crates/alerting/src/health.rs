//! Whether the service is serving, as its health check reports it.
use tokio::sync::Mutex;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// Serving status of the service's interfaces. They share one state, so that they become ready together.
#[derive(Debug)]
pub(crate) struct ServingHealth {
    reporter: HealthReporter,
    /// gRPC services by name.
    services: &'static [&'static str],
    conditions: Mutex<Conditions>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Conditions {
    /// All that was on the logs when the service started is folded and, where there is room to record it,
    /// evaluated.
    can_answer: bool,
    /// The alerts log cannot be read, so that answers may be old.
    is_interrupted: bool,
}

impl ServingHealth {
    /// Health of services that are not serving yet.
    pub(crate) async fn new(reporter: HealthReporter, services: &'static [&'static str]) -> Self {
        let health = Self { reporter, services, conditions: Mutex::default() };
        health.report(Conditions::default()).await;
        health
    }

    /// From now on the services can answer.
    pub(crate) async fn set_can_answer(&self) {
        self.change(|conditions| conditions.can_answer = true).await;
    }

    /// Sets whether the alerts log cannot be read at present.
    pub(crate) async fn set_interrupted(&self, is_interrupted: bool) {
        self.change(|conditions| conditions.is_interrupted = is_interrupted).await;
    }

    async fn change(&self, change: impl FnOnce(&mut Conditions)) {
        // The lock is held while the status is reported, so that reports are in the order of changes.
        let mut conditions = self.conditions.lock().await;
        let was_serving = conditions.is_serving();
        change(&mut conditions);
        if conditions.is_serving() != was_serving {
            self.report(*conditions).await;
        }
    }

    async fn report(&self, conditions: Conditions) {
        let status = if conditions.is_serving() { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in self.services {
            self.reporter.set_service_status(*service, status).await;
        }
    }
}

impl Conditions {
    fn is_serving(self) -> bool {
        self.can_answer && !self.is_interrupted
    }
}
