//! Health checks that say in which state a service is, and why it is not ready.
use tonic::metadata::AsciiMetadataValue;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::{HealthReporter, HealthService};

use crate::Context;

/// Metadata of the response to a health check: one entry for each thing that people should know of the logs.
pub const LOG_STATE: &str = "orewatch-log-state";

/// Metadata of the response to a health check of a service that is not ready only because its answers are
/// old: it can be called all the same.
pub const ANSWERS_STALE: &str = "orewatch-answers-stale";

/// Metadata of the response to a health check: the state of the service, a name of [`Phase`](crate::Phase).
pub const SERVICE_STATE: &str = "orewatch-state";

/// Metadata of the response to a health check while logs are folded: one entry for each of them, with how far
/// it is.
pub const FOLD_PROGRESS: &str = "orewatch-progress";

/// Upper bound on an entry, in characters.
const MAX_ENTRY_CHARS: usize = 500;

/// The health protocol, with the state of the logs beside each status.
pub(crate) struct DetailedHealth {
    inner: HealthService,
    context: Context,
}

impl DetailedHealth {
    pub(crate) fn new(reporter: HealthReporter, context: Context) -> Self {
        Self { inner: HealthService::from_health_reporter(reporter), context }
    }
}

#[tonic::async_trait]
impl Health for DetailedHealth {
    type WatchStream = <HealthService as Health>::WatchStream;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let logs = &self.context.logs;
        let can_answer = logs.can_answer(&request.get_ref().service);
        let phase = self.context.phase_of(&request.get_ref().service);
        let mut response = self.inner.check(request).await?;
        response.metadata_mut().insert(SERVICE_STATE, AsciiMetadataValue::from_static(phase.name()));
        if can_answer && response.get_ref().status() == ServingStatus::NotServing {
            response.metadata_mut().insert(ANSWERS_STALE, AsciiMetadataValue::from_static("true"));
        }
        let state = logs.report().into_iter().map(|line| (LOG_STATE, line));
        let progress = logs.progress().into_iter().map(|line| (FOLD_PROGRESS, line));
        for (key, line) in state.chain(progress) {
            if let Ok(value) = AsciiMetadataValue::try_from(ascii(&line)) {
                response.metadata_mut().append(key, value);
            }
        }
        Ok(response)
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.inner.watch(request).await
    }
}

/// A text in the characters that a header may have.
fn ascii(text: &str) -> String {
    let visible = |letter: char| if (' '..='~').contains(&letter) { letter } else { '?' };
    text.chars().take(MAX_ENTRY_CHARS).map(visible).collect()
}
