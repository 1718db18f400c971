//! What calls hold of the process: how many there are, what is on its way in and what is on its way out.
//!
//! Every answer goes out in small pieces ([`response`]), so that one which is not read stays here, where it is counted, and not
//! in the buffers of HTTP/2; after a while it is dropped with all that it holds. Every request is counted until it is whole
//! ([`request`]), and has a time in which to become so.
mod budget;
mod request;
mod response;

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{HeaderMap, Request, Response};

use crate::admission::{Admission, Place};
use crate::connections::Backlog;
use crate::{Failure, Identity};
pub use budget::{Budget, Share};
use response::Unread;

/// Calls at a time, streams included, in all and of each identity.
const CALLS: usize = 4_096;
const CALLS_PER_IDENTITY: usize = 1_024;

/// Calls that are answered however many others there are: who asks for health asks because there are too many.
const HEALTH: &str = "/grpc.health.";

/// How long an answer may go unread before it is dropped: longer than streams of ours take to end by themselves.
const UNREAD: Duration = Duration::from_secs(180);

/// The same where the budget is scarce.
const UNREAD_WHEN_SCARCE: Duration = Duration::from_secs(5);

/// How often unread answers are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// What calls hold. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    budget: Budget,
    calls: Admission,
    /// Answers that are more than one piece.
    unread: Arc<Mutex<Vec<Weak<dyn Unread>>>>,
}

impl Flow {
    /// Bounds for a process, whose calls share a budget.
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, calls: Admission::new("calls", CALLS, CALLS_PER_IDENTITY), unread: Arc::default() }
    }

    /// Admits a call. None: it needs no place.
    fn admit(&self, request: &Request<Body>) -> Result<Option<Place>, Failure> {
        if request.uri().path().starts_with(HEALTH) {
            return Ok(None);
        }
        match request.extensions().get::<Arc<Identity>>() {
            Some(caller) => self.calls.admit(caller).map(Some),
            None => self.calls.admit(&Identity::open()).map(Some),
        }
    }

    /// Drops answers that nobody reads, for ever.
    pub(crate) async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP).await;
            let patience = if self.budget.is_scarce() { UNREAD_WHEN_SCARCE } else { UNREAD };
            self.drop_unread(patience);
        }
    }

    fn drop_unread(&self, patience: Duration) {
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        unread.retain(|answer| answer.upgrade().is_some_and(|answer| !answer.end_if_unread(now, patience)));
    }

    fn watch(&self, answer: Weak<dyn Unread>) {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
    }
}

/// Holds calls to the bounds of a [`Flow`].
#[derive(Clone, Debug)]
pub(crate) struct Bounded<S> {
    flow: Flow,
    inner: S,
}

impl<S> Bounded<S> {
    pub(crate) fn new(flow: Flow, inner: S) -> Self {
        Self { flow, inner }
    }
}

impl<S> Service<Request<Body>> for Bounded<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let place = match self.flow.admit(&request) {
            Ok(place) => place,
            Err(failure) => {
                let status = Status::from(failure);
                return async move { Ok(status.into_http()) }.boxed();
            }
        };
        let (flow, backlog) = (self.flow.clone(), request.extensions().get::<Arc<Backlog>>().map(Arc::clone));
        let request = if is_grpc(request.headers()) {
            request.map(|body| request::counted(body, flow.budget.clone()))
        } else {
            request
        };
        let answer = self.inner.call(request);
        let answer = async move {
            answer.await.map(|answer| answer.map(|body| response::paced(body, flow, backlog, place)))
        };
        answer.boxed()
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}
