//! How a process is, in one value: states, positions, and what runs.
use std::collections::BTreeMap;

use serde::Serialize;

use crate::logs::LogStatus;
use crate::{Context, Phase};

/// How a process is. Fields are only added: programs read it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Status {
    version: &'static str,
    /// The state of the process: the worst of its services.
    state: &'static str,
    /// Whether all services are ready for calls.
    pub(super) ready: bool,
    services: BTreeMap<&'static str, ServiceStatus>,
    logs: Vec<FollowedStatus>,
    /// The running workers by name, with their number.
    workers: BTreeMap<&'static str, usize>,
    computations: Computations,
    /// Memory that requests and answers in flight hold, in bytes.
    call_bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct ServiceStatus {
    state: &'static str,
    ready: bool,
}

/// A log as one service follows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct FollowedStatus {
    service: &'static str,
    log: String,
    state: &'static str,
    position: u64,
    /// Position of the last event on the log. `None`: not known, or the service does not fold the log.
    head: Option<u64>,
    behind_seconds: f64,
    /// What is in the way.
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Computations {
    running: usize,
    waiting: usize,
}

impl Status {
    /// How a process is now.
    pub(super) fn of(context: &Context) -> Self {
        let is_stopping = context.shutdown.is_cancelled();
        let service = |(name, is_ready): (&'static str, bool)| {
            let state = context.phase_of(&format!("orewatch.{name}.")).name();
            (name, ServiceStatus { state, ready: is_ready && !is_stopping })
        };
        let services: BTreeMap<_, _> = context.logs.readiness().into_iter().map(service).collect();
        let (running, seated) = (context.work.running(), context.work.seated());
        Self {
            version: env!("CARGO_PKG_VERSION"),
            state: context.phase_of("").name(),
            ready: services.values().all(|service| service.ready) && !is_stopping,
            services,
            logs: context.logs.all().iter().map(|log| log.status().into()).collect(),
            workers: context.workers(),
            computations: Computations { running, waiting: seated.saturating_sub(running) },
            call_bytes: context.memory.used(),
        }
    }

    /// Writes all of it to the log, for somebody who cannot reach the admin port or reads it later.
    pub(super) fn log(&self) {
        let Self { version, state, services, workers, computations, call_bytes, .. } = self;
        let Computations { running, waiting } = computations;
        let workers = format!("{workers:?}");
        tracing::warn!(version, state, workers, running, waiting, call_bytes, "dump: the process");
        for (service, ServiceStatus { state, ready }) in services {
            tracing::warn!(service, state, ready, "dump: a service");
        }
        for FollowedStatus { service, log, state, position, head, behind_seconds, reason } in &self.logs {
            let reason = reason.as_deref().unwrap_or_default();
            tracing::warn!(service, log, state, position, head, behind_seconds, reason, "dump: a log");
        }
    }
}

impl From<LogStatus> for FollowedStatus {
    fn from(status: LogStatus) -> Self {
        let LogStatus { service, log, phase, position, head, behind, reason, .. } = status;
        let (state, behind_seconds) = (Phase::name(phase), behind.as_secs_f64());
        Self { service, log, state, position, head, behind_seconds, reason }
    }
}

/// Writes how a process is to its log: workers, states and positions.
pub(crate) fn dump(context: &Context) {
    Status::of(context).log();
}
