//! The layer that every call passes: it identifies the caller and checks the role for the method.
//!
//! The contracts say which role a method needs ([`orewatch_contracts::role_of`]). A method that they do not
//! name is refused, so that nothing becomes reachable by accident. Only the service knows which tenants a
//! request is about: it asks the [`Identity`] that this layer attaches to the call.
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use orewatch_contracts::Failure;
use tonic::Status;
use tonic::codegen::Service;
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};

use super::{Access, Identity};

/// Prefixes of paths that need no token.
const OPEN_PATHS: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];

/// Prefix of the paths of feeds. They need any token; the service checks whose feed it is.
const FEED_PATHS: &str = "/feeds/";

/// Passes calls on to the services behind it, with the caller's identity attached.
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

/// Why a call is refused.
enum Refusal {
    /// A request for a feed shows no known token. Its client does not speak gRPC.
    Feed,
    /// There is no such method.
    Unknown,
    /// The caller is unknown, or lacks the role.
    Failed(Failure),
}

/// Identifies the caller and checks the role. `None`: the path needs no token.
fn admit(
    access: &Access,
    path: &str,
    headers: &HeaderMap,
) -> Result<Option<std::sync::Arc<Identity>>, Refusal> {
    if OPEN_PATHS.iter().any(|open| path.starts_with(open)) {
        return Ok(None);
    }
    if path.starts_with(FEED_PATHS) {
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
