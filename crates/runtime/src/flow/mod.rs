//! Limits on what calls hold of the process: how many calls there are, how often they come, and the memory of
//! requests and answers in flight.
//!
//! Every answer is sent in small pieces ([`response`]). An answer that is not read therefore stays here,
//! where it is counted, and not in the buffers of HTTP/2; after a while it is dropped with all that it holds.
//! Every request is counted until it is complete ([`request`]), and has a deadline for that.
mod budget;
mod request;
mod response;

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use orewatch_contracts::Failure;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{Request, Response};

use crate::Identity;
use crate::admission::{Admission, Permit};
use crate::connections::{Peer, UnderWay};
use crate::rate::RateLimit;
use crate::web::is_grpc;
pub use budget::{Budget, Share};
use response::{Sending, Unread};

/// Upper bounds on calls at a time, streams included, in all and for each identity.
const MAX_CALLS: usize = 4_096;
const MAX_CALLS_PER_IDENTITY: usize = 1_024;

/// The same for calls that need no token, such as for reflection: all callers without one share it.
const MAX_CALLS_WITHOUT_TOKEN: usize = 256;

/// The call that is always answered: health is asked for just when there are too many other calls.
const HEALTH_PATH: &str = "/grpc.health.v1.Health/Check";

/// Time after which an unread answer is dropped: longer than our streams take to end by themselves.
const MAX_UNREAD: Duration = Duration::from_secs(180);

/// The same while the budget is scarce.
const MAX_UNREAD_WHEN_SCARCE: Duration = Duration::from_secs(5);

/// Interval at which unread answers are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The limits of a process and what calls hold of them. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    budget: Budget,
    calls: Admission,
    without_token: Admission,
    rate: RateLimit,
    /// Answers that have more than one piece.
    unread: Arc<Mutex<Vec<Weak<dyn Unread>>>>,
}

impl Flow {
    /// Limits for a process, whose calls share a budget.
    pub(crate) fn new(budget: Budget) -> Self {
        let calls = Admission::new("calls", MAX_CALLS, MAX_CALLS_PER_IDENTITY);
        let without_token =
            Admission::new("calls without a token", MAX_CALLS_WITHOUT_TOKEN, MAX_CALLS_WITHOUT_TOKEN);
        Self { budget, calls, without_token, rate: RateLimit::default(), unread: Arc::default() }
    }

    /// Admits a call. `None`: it needs no permit.
    fn admit(&self, request: &Request<Body>) -> Result<Option<Admitted>, Failure> {
        if request.uri().path() == HEALTH_PATH {
            return Ok(None);
        }
        let Some(caller) = request.extensions().get::<Arc<Identity>>() else {
            let permit = self.without_token.admit(&Identity::open())?;
            return Ok(Some(Admitted { _permit: permit, _under_way: None }));
        };
        self.rate.admit(caller)?;
        let permit = self.calls.admit(caller)?;
        let under_way = request.extensions().get::<Arc<Peer>>().map(Peer::call);
        Ok(Some(Admitted { _permit: permit, _under_way: under_way }))
    }

    /// Drops unread answers, for as long as the process runs.
    pub(crate) async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP_INTERVAL).await;
            let patience = if self.budget.is_scarce() { MAX_UNREAD_WHEN_SCARCE } else { MAX_UNREAD };
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

/// An admitted call, for as long as its answer is in flight.
#[derive(Debug)]
struct Admitted {
    _permit: Permit,
    /// Keeps the connection open. `None`: calls without a token do not.
    _under_way: Option<UnderWay>,
}

/// Holds calls to the limits of a [`Flow`].
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
        let admitted = match self.flow.admit(&request) {
            Ok(admitted) => admitted,
            Err(failure) => {
                let status = Status::from(failure);
                return async move { Ok(status.into_http()) }.boxed();
            }
        };
        let flow = self.flow.clone();
        let backlog = request.extensions().get::<Arc<Peer>>().map(|peer| Arc::clone(&peer.backlog));
        let is_grpc = is_grpc(request.headers());
        let request =
            if is_grpc { request.map(|body| request::counted(body, flow.budget.clone())) } else { request };
        let answer = self.inner.call(request);
        let answer = async move {
            let sending = Sending { flow, backlog, is_grpc };
            answer.await.map(|answer| answer.map(|body| response::paced(body, sending, admitted)))
        };
        answer.boxed()
    }
}
