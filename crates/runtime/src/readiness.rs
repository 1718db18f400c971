//! When a service is ready for calls, as its health check reports it.
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tonic_health::ServingStatus;

use crate::{Context, FollowedLog, FollowedLogs};

/// Readiness of the interfaces of a service. They share one state, so that they become ready together.
///
/// They are ready once the service can answer. They stay ready while a log cannot be followed, because
/// answers say so; only after [`Context::stale_after`] they are reported as not ready, so that callers prefer
/// a replica that knows more.
#[derive(Clone, Debug)]
pub struct Readiness {
    can_answer: Arc<watch::Sender<bool>>,
    services: &'static [&'static str],
    logs: FollowedLogs,
}

impl Readiness {
    /// Readiness of a service that cannot answer yet, reported from now on. `services` are the full gRPC
    /// names of its interfaces, `logs` what its answers rest on.
    pub async fn start(context: &Context, services: &'static [&'static str], logs: Vec<FollowedLog>) -> Self {
        report(context, services, false).await;
        let can_answer = Arc::new(watch::Sender::new(false));
        let reporter = Reporter { context: context.clone(), services, logs };
        let answers = can_answer.subscribe();
        context.spawn("readiness", async move {
            reporter.run(answers).await;
            Ok(())
        });
        Self { can_answer, services, logs: context.logs.clone() }
    }

    /// From now on the service can answer.
    pub fn set_can_answer(&self) {
        self.logs.set_can_answer(self.services);
        self.can_answer.send_replace(true);
    }
}

struct Reporter {
    context: Context,
    services: &'static [&'static str],
    logs: Vec<FollowedLog>,
}

impl Reporter {
    async fn run(self, mut can_answer: watch::Receiver<bool>) {
        let mut changes = self.context.logs.changes();
        let mut was_ready = false;
        loop {
            changes.mark_unchanged();
            let can = *can_answer.borrow_and_update();
            let stale_at = self.stale_at();
            let is_stale = stale_at.is_some_and(|time| time <= Instant::now());
            let is_ready = can && !is_stale;
            if is_ready != was_ready {
                report(&self.context, self.services, is_ready).await;
                was_ready = is_ready;
            }
            let stale = async {
                match stale_at.filter(|_| !is_stale) {
                    Some(time) => sleep_until(time).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.context.shutdown.cancelled() => return,
                // Its sender is dropped only when the service ends.
                changed = can_answer.changed() => if changed.is_err() { return },
                _ = changes.changed() => {}
                () = stale => {}
            }
        }
    }

    /// When answers become too old.
    fn stale_at(&self) -> Option<Instant> {
        let since = self.logs.iter().filter_map(FollowedLog::troubled_since).min()?;
        since.checked_add(self.context.stale_after)
    }
}

async fn report(context: &Context, services: &[&'static str], is_ready: bool) {
    let status = if is_ready { ServingStatus::Serving } else { ServingStatus::NotServing };
    context.logs.set_ready(services, is_ready);
    for service in services {
        context.health.set_service_status(*service, status).await;
    }
}
