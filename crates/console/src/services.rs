//! The services that the console asks, and what it knows of them when they are away.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use orewatch_contracts::{Class, Failure};
use orewatch_runtime::{Clock, Identity, shown_token, trace};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

use crate::raw::RawCodec;

/// Upper bound on a message of an answer, in bytes: pages have 4 MiB.
const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// Time after which to try again while a service is away.
const AWAY_RETRY: Duration = Duration::from_secs(5);

/// A service that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Releases, their rows and sources.
    Ingestion,
    /// Figures.
    Exposure,
    /// Rules, alerts and messages.
    Alerting,
}

impl Service {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingestion => "ingestion",
            Self::Exposure => "exposure",
            Self::Alerting => "alerting",
        }
    }
}

/// Channels to the services. They connect with their first call, and again whenever a service comes back.
#[derive(Clone, Debug)]
pub struct Channels {
    /// To the ingestion service.
    pub ingestion: Channel,
    /// To the exposure service.
    pub exposure: Channel,
    /// To the alerting service.
    pub alerting: Channel,
}

/// A method of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// The service.
    pub service: Service,
    /// `/PACKAGE.SERVICE/METHOD`.
    pub path: &'static str,
}

/// Who asks. What a service permits is decided by the token, which is passed on, and not here.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) identity: Arc<Identity>,
    authorization: Option<AsciiMetadataValue>,
}

impl Caller {
    /// Whoever makes an HTTP request.
    pub(crate) fn of<B>(request: &tonic::codegen::http::Request<B>) -> Self {
        let token = shown_token(request.headers());
        let shown = (!token.is_empty()).then(|| format!("Bearer {token}"));
        let authorization =
            shown.and_then(|shown| AsciiMetadataValue::try_from(shown).ok()).map(|mut value| {
                value.set_sensitive(true);
                value
            });
        Self { identity: Identity::from_http_request(request), authorization }
    }
}

/// The services.
#[derive(Debug)]
pub(crate) struct Services {
    channels: Channels,
    clock: Arc<dyn Clock>,
    /// Time for an answer.
    deadline: Duration,
    /// Since when each cannot be reached, in the order of [`Service`].
    away: [Mutex<Option<Timestamp>>; 3],
}

impl Services {
    pub(crate) fn new(channels: Channels, clock: Arc<dyn Clock>, deadline: Duration) -> Self {
        Self { channels, clock, deadline, away: Default::default() }
    }

    /// Asks for one answer.
    ///
    /// # Errors
    /// What the service answers, or that it is away.
    pub(crate) async fn ask(
        &self,
        caller: &Caller,
        method: Method,
        message: Bytes,
    ) -> Result<Bytes, Failure> {
        let mut grpc = self.grpc(method.service);
        let answered = match grpc.ready().await {
            Ok(()) => {
                let request = self.request(caller, message);
                let path = PathAndQuery::from_static(method.path);
                grpc.unary(request, path, RawCodec).await.map(|answer| answer.into_inner())
            }
            Err(error) => Err(Status::from_error(Box::new(error))),
        };
        self.judged(method.service, answered)
    }

    /// Asks for a stream of answers.
    ///
    /// # Errors
    /// As [`Services::ask`].
    pub(crate) async fn stream(
        &self,
        caller: &Caller,
        method: Method,
        message: Bytes,
    ) -> Result<Streaming<Bytes>, Failure> {
        let mut grpc = self.grpc(method.service);
        let answered = match grpc.ready().await {
            Ok(()) => {
                let mut request = self.request(caller, message);
                // A long file takes as long as its reader does. Who does not read is cut off by the server.
                request.set_timeout(MAX_STREAM_TIME);
                let path = PathAndQuery::from_static(method.path);
                grpc.server_streaming(request, path, RawCodec).await.map(|answer| answer.into_inner())
            }
            Err(error) => Err(Status::from_error(Box::new(error))),
        };
        self.judged(method.service, answered)
    }

    fn grpc(&self, service: Service) -> Grpc<Channel> {
        let channel = match service {
            Service::Ingestion => &self.channels.ingestion,
            Service::Exposure => &self.channels.exposure,
            Service::Alerting => &self.channels.alerting,
        };
        Grpc::new(channel.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }

    fn request(&self, caller: &Caller, message: Bytes) -> Request<Bytes> {
        let mut request = Request::new(message);
        if let Some(authorization) = &caller.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        if let Some(parent) = trace::traceparent().and_then(|text| AsciiMetadataValue::try_from(text).ok()) {
            request.metadata_mut().insert("traceparent", parent);
        }
        request.set_timeout(self.deadline);
        request
    }

    /// Notes whether a service could be reached, and says since when it could not.
    fn judged<T>(&self, service: Service, answered: Result<T, Status>) -> Result<T, Failure> {
        let [ingestion, exposure, alerting] = &self.away;
        let away = match service {
            Service::Ingestion => ingestion,
            Service::Exposure => exposure,
            Service::Alerting => alerting,
        };
        let mut away = away.lock().unwrap_or_else(PoisonError::into_inner);
        match answered {
            Err(status) if is_away(&status) => {
                let since = *away.get_or_insert_with(|| self.clock.now());
                Err(is_away_since(service, since, &status))
            }
            other => {
                *away = None;
                other.map_err(Failure::from)
            }
        }
    }
}

/// Upper bound on the time of a stream.
const MAX_STREAM_TIME: Duration = Duration::from_secs(30 * 60);

/// Only a status that was made on this side has a source: the connection failed before a service answered.
fn is_away(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}

fn is_away_since(service: Service, since: Timestamp, status: &Status) -> Failure {
    let mut cause: &dyn std::error::Error = status;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let message = format!("the {} service cannot be reached since {since:.0}: {cause}", service.name());
    Failure::new(Class::Unavailable, "service-unavailable", message)
        .with_hint("the console asks again with every request; other pages are still answered")
        .retry_after(AWAY_RETRY)
}
