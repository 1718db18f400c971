//! The layer that every call passes: it identifies the caller and checks the role for the method.
//!
//! The contracts say which role a method needs ([`orewatch_contracts::role_of`]). A method that they do not
//! name is refused, so that nothing becomes reachable by accident. Only the service knows which tenants a
//! request is about: it asks the [`Identity`] that this layer attaches to the call.
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::Role;
use tonic::Status;
use tonic::codegen::Service;
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};

use super::issuer::Issuer;
use super::reason::Reason;
use super::{Access, Identified, Identity};
use crate::Clock;
use crate::connections::Peer;
use crate::seldom::Seldom;

/// Prefixes of paths that need no token.
const OPEN_PATHS: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];

/// Prefix of the paths of feeds. They need any token; the service checks whose feed it is.
const FEED_PATHS: &str = "/feeds/";

/// Beginnings of paths of pages that need no token: files that are the same for everyone.
const OPEN_WEB_PATHS: [&str; 2] = ["/assets/", "/api/v1/openapi.json"];

/// Passes calls on to the services behind it, with the caller's identity attached.
#[derive(Clone, Debug)]
pub(crate) struct Guarded<S> {
    gate: Gate,
    inner: S,
}

impl<S> Guarded<S> {
    pub(crate) fn new(gate: Gate, inner: S) -> Self {
        Self { gate, inner }
    }
}

/// What decides about calls. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    access: Access,
    clock: Arc<dyn Clock>,
    refused: Seldom,
}

/// What decides about a call that has to wait. The call itself cannot be shared with what it waits for.
struct CallHead {
    path: String,
    headers: HeaderMap,
    peer: Option<Arc<Peer>>,
}

impl CallHead {
    fn of<B>(request: &Request<B>) -> Self {
        let peer = request.extensions().get::<Arc<Peer>>().cloned();
        Self { path: request.uri().path().to_owned(), headers: request.headers().clone(), peer }
    }
}

/// What is to be done with a call.
enum Verdict {
    /// It is passed on. `None`: its path needs no identity.
    Passed(Option<Arc<Identity>>),
    /// The name of its caller is noted before, so that what it does can be told.
    AfterNote(Arc<Identity>),
    /// The keys of an issuer are read before, and the call decided again.
    AfterKeys(Arc<Issuer>, String),
    Refused(Refusal),
}

/// Why a call is refused.
enum Refusal {
    /// A request for a feed shows no known token. Its client does not speak gRPC.
    Feed,
    /// There is no such method.
    Unknown,
    /// The caller is unknown, or lacks the role.
    Failed(Failure),
}

impl Gate {
    pub(crate) fn new(access: Access, clock: Arc<dyn Clock>) -> Self {
        Self { access, clock, refused: Seldom::default() }
    }

    /// Identifies the caller and checks the role.
    fn decide(&self, path: &str, headers: &HeaderMap, peer: Option<&Arc<Peer>>) -> Verdict {
        let answers_web = self.access.answers_web;
        if begins_with(path, &OPEN_PATHS) || (answers_web && begins_with(path, &OPEN_WEB_PATHS)) {
            return Verdict::Passed(None);
        }
        let certificate = peer.and_then(|peer| peer.certificate());
        let identified = self.access.identify(headers, certificate, self.clock.now());
        let is_feed = path.starts_with(FEED_PATHS);
        let identity = match identified {
            Ok(Identified::Known(identity)) => identity,
            Ok(Identified::UnknownKey(issuer, key)) => return Verdict::AfterKeys(issuer, key),
            Err(failure) => return self.refuse(path, is_feed, failure),
        };
        if is_feed {
            return Verdict::Passed(Some(identity));
        }
        let Some(needs) = orewatch_contracts::role_of(path) else {
            return match answers_web && !is_method(path) {
                true => Verdict::Passed(Some(identity)),
                false => Verdict::Refused(Refusal::Unknown),
            };
        };
        if let Err(failure) = identity.check_role(path, needs) {
            return Verdict::Refused(Refusal::Failed(failure));
        }
        // Who only reads leaves no trace, and so needs no name in the table.
        let is_recorded = needs != Role::Reader && identity.recorded_as.is_some();
        if is_recorded && self.access.names.is_new(&identity.name) {
            return Verdict::AfterNote(identity);
        }
        Verdict::Passed(Some(identity))
    }

    /// Refuses a caller that is not identified. The log has the reason, without the credentials.
    fn refuse(&self, path: &str, is_feed: bool, failure: Failure) -> Verdict {
        if let Some(left_out) = self.refused.may_write() {
            tracing::info!(method = path, reason = failure.message, left_out, "a caller is not accepted");
        }
        Verdict::Refused(if is_feed { Refusal::Feed } else { Refusal::Failed(failure) })
    }

    /// Does what has to be done before a call can be decided, and decides it.
    async fn settle(&self, call: &CallHead, verdict: Verdict) -> Result<Option<Arc<Identity>>, Refusal> {
        let (mut verdict, mut has_new_keys) = (verdict, false);
        loop {
            verdict = match verdict {
                Verdict::Passed(identity) => return Ok(identity),
                Verdict::Refused(refusal) => return Err(refusal),
                Verdict::AfterNote(identity) => {
                    self.access.names.note(&identity.name).await;
                    return Ok(Some(identity));
                }
                Verdict::AfterKeys(_, key) if has_new_keys => {
                    let failure = Reason::UnknownKey(key).into_failure();
                    self.refuse(&call.path, call.path.starts_with(FEED_PATHS), failure)
                }
                Verdict::AfterKeys(issuer, _) => {
                    issuer.keys.refresh_for_unknown_key().await;
                    has_new_keys = true;
                    self.decide(&call.path, &call.headers, call.peer.as_ref())
                }
            };
        }
    }
}

fn begins_with(path: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| path.starts_with(prefix))
}

/// Whether a path has the form of a method: `/PACKAGE.SERVICE/METHOD`.
fn is_method(path: &str) -> bool {
    let mut parts = path.trim_start_matches('/').split('/');
    parts.next().is_some_and(|service| service.contains('.')) && parts.next().is_some()
}

impl Refusal {
    fn response<R: Default>(self) -> Response<R> {
        match self {
            Self::Failed(failure) => Status::from(failure).into_http(),
            Self::Unknown => Status::unimplemented("no service here has this method").into_http(),
            Self::Feed => {
                let mut response = Response::new(R::default());
                *response.status_mut() = StatusCode::UNAUTHORIZED;
                let asked = HeaderValue::from_static("Basic realm=\"orewatch\"");
                response.headers_mut().insert("www-authenticate", asked);
                response
            }
        }
    }
}

impl<S, B, R> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    B: Send + 'static,
    R: Default + Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let peer = request.extensions().get::<Arc<Peer>>();
        match self.gate.decide(request.uri().path(), request.headers(), peer) {
            Verdict::Passed(identity) => {
                if let Some(identity) = identity {
                    request.extensions_mut().insert(identity);
                }
                self.inner.call(request).boxed()
            }
            Verdict::Refused(refusal) => {
                let response = refusal.response();
                async move { Ok(response) }.boxed()
            }
            later => {
                let (gate, mut inner, head) = (self.gate.clone(), self.inner.clone(), CallHead::of(&request));
                let answer = async move {
                    match gate.settle(&head, later).await {
                        Ok(identity) => {
                            if let Some(identity) = identity {
                                request.extensions_mut().insert(identity);
                            }
                            poll_fn(|context| inner.poll_ready(context)).await?;
                            inner.call(request).await
                        }
                        Err(refusal) => Ok(refusal.response()),
                    }
                };
                answer.boxed()
            }
        }
    }
}
