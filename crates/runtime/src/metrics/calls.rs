//! The layer that counts and times calls: the outermost one, so that refused calls count too.
//!
//! A call ends when its answer was sent or given up, which is later than the answer of its service: the
//! status of a gRPC call is in the trailers. Metrics themselves are not served here but on the admin port,
//! and whoever asks the public port for them is told so.
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http_body::{Body as HttpBody, Frame, SizeHint};
use prost::bytes::Bytes;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tonic::{Code, Status};

use super::catalogue::{self, CODES};
use super::{Metrics, OTHER};

/// Paths of the admin port that somebody may ask the public port for.
const ADMIN_PATHS: [&str; 5] = ["/metrics", "/healthz", "/readyz", "/status", "/dump"];

/// What the public port says to that.
const REFUSAL: &str = "this is not served here: metrics and status are on the admin port (--admin ADDRESS)\n";

/// Counts and times the calls of the services behind it.
#[derive(Clone, Debug)]
pub(crate) struct Counted<S> {
    metrics: Metrics,
    inner: S,
}

impl<S> Counted<S> {
    pub(crate) fn new(metrics: Metrics, inner: S) -> Self {
        Self { metrics, inner }
    }
}

impl<S> Service<Request<Body>> for Counted<S>
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
        let path = request.uri().path();
        if ADMIN_PATHS.contains(&path) {
            return async { Ok(refusal()) }.boxed();
        }
        let method = path.trim_start_matches('/').to_owned();
        let mut call = Call { metrics: self.metrics.clone(), method, code: None };
        let (began, answer) = (Instant::now(), self.inner.call(request));
        let counted = async move {
            let answer = answer.await;
            call.metrics.observe(&catalogue::RPC_SECONDS, [&call.method], began.elapsed());
            // Without an answer the call counts when it is dropped.
            answer.map(|answer| {
                call.code = code_of_head(&answer);
                answer.map(|body| Body::new(CountedBody { body, call }))
            })
        };
        counted.boxed()
    }
}

/// A call under way, counted when it is dropped.
#[derive(Debug)]
struct Call {
    metrics: Metrics,
    /// Full name of the method.
    method: String,
    /// Name of its status. `None`: it has none yet, and was given up if it gets none.
    code: Option<&'static str>,
}

impl Drop for Call {
    fn drop(&mut self) {
        let code = self.code.unwrap_or("CANCELLED");
        self.metrics.add(&catalogue::RPC_CALLS, [&self.method, code], 1);
    }
}

/// The status in the head of an answer: that of a call without messages, or of a request that is not gRPC.
/// `None`: it comes in the trailers.
fn code_of_head(answer: &Response<Body>) -> Option<&'static str> {
    if let Some(code) = code_in(answer.headers()) {
        return Some(code);
    }
    let kind = answer.headers().get("content-type");
    let is_grpc = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    (!is_grpc).then(|| name_of(code_of_http(answer.status())))
}

/// The status in headers or trailers.
fn code_in(headers: &HeaderMap) -> Option<&'static str> {
    headers.get(Status::GRPC_STATUS).map(|value| name_of(Code::from_bytes(value.as_bytes())))
}

fn name_of(code: Code) -> &'static str {
    usize::try_from(i32::from(code)).ok().and_then(|number| CODES.get(number).copied()).unwrap_or(OTHER)
}

/// The gRPC status that is like an HTTP status.
fn code_of_http(status: StatusCode) -> Code {
    match status {
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND => Code::NotFound,
        status if status.is_server_error() => Code::Internal,
        status if status.is_client_error() => Code::InvalidArgument,
        _ => Code::Ok,
    }
}

fn refusal() -> Response<Body> {
    let mut response =
        Response::new(Body::new(http_body_util::Full::new(Bytes::from_static(REFUSAL.as_bytes()))));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// The body of an answer, which learns the status of its call.
struct CountedBody {
    body: Body,
    call: Call,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let next = std::task::ready!(Pin::new(&mut this.body).poll_frame(context));
        match &next {
            Some(Ok(frame)) => {
                if let Some(code) = frame.trailers_ref().and_then(code_in) {
                    this.call.code = Some(code);
                }
            }
            Some(Err(status)) => this.call.code = Some(name_of(status.code())),
            None => {}
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_grpc_has_its_name() {
        assert_eq!(
            [Code::Ok, Code::Internal, Code::Unauthenticated].map(name_of),
            ["OK", "INTERNAL", "UNAUTHENTICATED"]
        );
        let names = (0..17).map(|number| name_of(Code::from_i32(number)));
        assert!(names.eq(CODES.iter().copied()));
    }

    #[test]
    fn an_answer_without_grpc_counts_by_its_http_status() {
        let mut answer = Response::new(Body::empty());
        assert_eq!(code_of_head(&answer), Some("OK"));
        *answer.status_mut() = StatusCode::UNAUTHORIZED;
        assert_eq!(code_of_head(&answer), Some("UNAUTHENTICATED"));
        let mut answer = Status::not_found("nothing").into_http::<Body>();
        assert_eq!(code_of_head(&answer), Some("NOT_FOUND"));
        answer.headers_mut().remove("grpc-status");
        assert_eq!(code_of_head(&answer), None);
    }
}
