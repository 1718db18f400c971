//! A subscriber to alerts that resumes with its tokens, on whichever replica answers.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::{AlertTransition, SubscribeAlertsRequest, SubscribeAlertsResponse};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use super::calls::Replicas;
use super::run::Run;
use crate::state::alert;

/// Time without a message after which another replica is asked: three heartbeats.
const SILENCE: Duration = Duration::from_secs(3);

/// Pause before a stream is opened again.
const PAUSE: Duration = Duration::from_millis(20);

/// A transition that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Identifier of the event.
    pub(super) event: String,
    /// Release that caused it. Empty if none did.
    pub(super) release: String,
    /// When it arrived.
    pub(super) at: Duration,
}

/// What a subscriber received.
#[derive(Clone, Debug, Default)]
pub(super) struct Received {
    /// All transitions, in the order in which they arrived.
    pub(super) arrivals: Vec<Arrival>,
    /// Streams that were opened.
    pub(super) streams: usize,
    /// Streams that the service ended, and not a connection.
    pub(super) ended: usize,
    /// Resume tokens that were refused.
    pub(super) refused: Vec<String>,
}

/// A subscriber while it runs.
#[derive(Debug)]
pub(super) struct Subscriber {
    task: JoinHandle<()>,
    received: Arc<Mutex<Received>>,
}

impl Subscriber {
    /// Follows from the beginning until the run is over.
    pub(super) fn start(run: &Run, clients: Replicas<AlertingServiceClient<Channel>>) -> Self {
        let received = Arc::default();
        let task = tokio::spawn(follow(run.clone(), clients, Arc::clone(&received)));
        Self { task, received }
    }

    /// Number of transitions so far.
    pub(super) fn count(&self) -> usize {
        lock(&self.received).arrivals.len()
    }

    /// Ends it.
    pub(super) fn finish(self) -> Received {
        self.task.abort();
        lock(&self.received).clone()
    }
}

fn lock(received: &Mutex<Received>) -> std::sync::MutexGuard<'_, Received> {
    received.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn follow(run: Run, clients: Replicas<AlertingServiceClient<Channel>>, received: Arc<Mutex<Received>>) {
    let mut token = "beginning".to_owned();
    while !run.is_over() {
        let (number, client) = clients.current();
        match open(client, &token).await {
            Ok(stream) => {
                lock(&received).streams += 1;
                read(stream, &run, &received, &mut token).await;
            }
            Err(status) if status.code() == Code::FailedPrecondition => {
                return lock(&received).refused.push(status.to_string());
            }
            Err(_) => {}
        }
        clients.leave(number);
        sleep(PAUSE).await;
    }
}

async fn open(
    mut client: AlertingServiceClient<Channel>,
    token: &str,
) -> Result<Streaming<SubscribeAlertsResponse>, Status> {
    let heartbeat = Some(prost_types::Duration { seconds: 1, nanos: 0 });
    let request = SubscribeAlertsRequest {
        resume_token: token.to_owned(),
        heartbeat,
        ..SubscribeAlertsRequest::default()
    };
    let opened = timeout(SILENCE, client.subscribe_alerts(request)).await;
    Ok(opened.map_err(|_| Status::deadline_exceeded("no stream in time"))??.into_inner())
}

/// Reads a stream until it ends, breaks or falls silent.
async fn read(
    mut stream: Streaming<SubscribeAlertsResponse>,
    run: &Run,
    received: &Mutex<Received>,
    token: &mut String,
) {
    while !run.is_over() {
        match timeout(SILENCE, stream.message()).await {
            Ok(Ok(Some(response))) => {
                if let Some(Message::Transition(transition)) = response.message {
                    lock(received).arrivals.push(arrival(transition, run.now()));
                }
                if !response.resume_token.is_empty() {
                    *token = response.resume_token;
                }
            }
            // A status without details is not of the service, but of a connection that broke.
            Ok(Err(status)) if status.details().is_empty() => return,
            Ok(Ok(None) | Err(_)) => {
                lock(received).ended += 1;
                return;
            }
            Err(_) => return,
        }
    }
}

fn arrival(transition: AlertTransition, at: Duration) -> Arrival {
    let alert = transition.event.as_ref().and_then(alert);
    let release = alert.and_then(|alert| alert.cause.as_ref()).map(|cause| cause.release.clone());
    Arrival { event: transition.event_id, release: release.unwrap_or_default(), at }
}
