//! The one layer that every call passes: it knows who calls, and whether they may call this method at all.
//!
//! What a method needs stands in the contracts ([`orewatch_contracts::role_of`]). A method that is not there is refused, so that
//! nothing is reachable that nobody decided about. Which tenants a request is about only the service can tell: it asks the
//! [`Identity`] that is noted with the call.
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tonic::Status;
use tonic::codegen::Service;
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};

use super::{Access, Identity};
use crate::Failure;

/// Paths that everybody may ask.
const OPEN_PATHS: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];

/// Where feeds are. Whoever has a token may ask; the service looks at whose feed it is.
const FEEDS: &str = "/feeds/";

/// Lets calls pass to the services behind it, with a note of who makes them.
#[derive(Clone, Debug)]
pub(crate) struct Guarded<S> {
    access: Access,
    inner: S,
}

impl<S> Guarded<S> {
    pub(crate) fn new(access: Access, inner: S) -> Self {
        Self { access, inner }
    }
}

/// Why a call does not pass.
enum Refusal {
    /// A reader of feeds, who knows nothing of gRPC, has to show a token.
    Feed,
    /// There is no such method.
    Unknown,
    /// The caller may not.
    Failed(Failure),
}

/// Who makes a call, if it may pass. None: everybody may ask this.
fn admit(
    access: &Access,
    path: &str,
    headers: &HeaderMap,
) -> Result<Option<std::sync::Arc<Identity>>, Refusal> {
    if OPEN_PATHS.iter().any(|open| path.starts_with(open)) {
        return Ok(None);
    }
    if path.starts_with(FEEDS) {
        return access.identify(headers).map(Some).map_err(|_| Refusal::Feed);
    }
    let identity = access.identify(headers).map_err(Refusal::Failed)?;
    let needs = orewatch_contracts::role_of(path).ok_or(Refusal::Unknown)?;
    identity.check_role(path, needs).map_err(Refusal::Failed)?;
    Ok(Some(identity))
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
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    R: Default + Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match admit(&self.access, request.uri().path(), request.headers()) {
            Ok(identity) => {
                if let Some(identity) = identity {
                    request.extensions_mut().insert(identity);
                }
                self.inner.call(request).boxed()
            }
            Err(refusal) => {
                let response = refusal.response();
                async move { Ok(response) }.boxed()
            }
        }
    }
}
