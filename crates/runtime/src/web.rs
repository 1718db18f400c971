//! Answers for programs that do not speak gRPC. What the layers around the services refuse becomes an HTTP
//! status with a problem document (RFC 9457) that has the same code, message and hint as the gRPC status.
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http_body_util::Full;
use orewatch_contracts::codes;
use orewatch_contracts::common::v1::Blame;
use orewatch_contracts::failure::{MISSING_ROLE, UNAUTHENTICATED};
use orewatch_contracts::{Class, Failure};
use prost::bytes::Bytes;
use serde_json::{Map, Value};
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tonic::{Code, Status};

use crate::access::NOT_PERMITTED;

/// Media type of a problem.
const PROBLEM: &str = "application/problem+json";

/// Prefix of the identifiers of problems, which end with their codes.
const PROBLEM_TYPE: &str = "urn:orewatch:error:";

/// Code of a failure for data whose licence forbids passing them on.
const LICENCE_FORBIDS: &str = "licence-forbids";

/// Code of a failure for a caller that calls too often.
const TOO_MANY_CALLS: &str = "too-many-calls";

/// Whether a request speaks gRPC.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// A failure as an answer over HTTP: a problem document with the status that fits.
#[must_use]
pub fn problem(failure: &Failure) -> Response<Body> {
    problems(std::slice::from_ref(failure))
}

/// Several failures of one request as an answer over HTTP. The first decides the status; if there are more,
/// the field `errors` has all of them.
#[must_use]
pub fn problems(failures: &[Failure]) -> Response<Body> {
    let unknown = Failure::internal("a request failed without a failure");
    let failure = failures.first().unwrap_or(&unknown);
    let status = http_status(failure);
    let mut document = problem_document(failure, status);
    if failures.len() > 1 {
        let all = failures.iter().map(|one| Value::Object(problem_document(one, http_status(one))));
        document.insert("errors".to_owned(), all.collect());
    }
    let document = Value::Object(document).to_string();
    let mut response = Response::new(Body::new(Full::new(Bytes::from(document))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(delay) = failure.retry_after {
        insert(headers, RETRY_AFTER, delay.as_secs_f64().ceil());
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"orewatch\""));
        // A browser asks for a name and a password, of which the password is the token.
        headers.append(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"orewatch\", charset=\"UTF-8\""),
        );
    }
    response
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: impl ToString) {
    if let Ok(value) = HeaderValue::try_from(value.to_string()) {
        headers.insert(name, value);
    }
}

/// The HTTP status of a failure.
fn http_status(failure: &Failure) -> StatusCode {
    match (failure.code.as_str(), failure.class) {
        (UNAUTHENTICATED, _) => StatusCode::UNAUTHORIZED,
        (MISSING_ROLE | NOT_PERMITTED | LICENCE_FORBIDS, _) => StatusCode::FORBIDDEN,
        ("foreign-origin", _) => StatusCode::FORBIDDEN,
        ("foreign-host", _) => StatusCode::MISDIRECTED_REQUEST,
        ("unsupported-method", _) => StatusCode::METHOD_NOT_ALLOWED,
        ("unsupported-media-type", _) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        (TOO_MANY_CALLS, _) => StatusCode::TOO_MANY_REQUESTS,
        (_, Class::Invalid) => StatusCode::BAD_REQUEST,
        (_, Class::NotFound) => StatusCode::NOT_FOUND,
        (_, Class::Refused) => StatusCode::CONFLICT,
        (_, Class::Unavailable | Class::Exhausted) => StatusCode::SERVICE_UNAVAILABLE,
        (_, Class::Damaged | Class::Misconfigured | Class::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn problem_document(failure: &Failure, status: StatusCode) -> Map<String, Value> {
    let Failure { class, code, message, hint, field, value, retry_after } = failure;
    let usual = || status.canonical_reason().unwrap_or("error");
    let title = codes::find(code).map_or_else(usual, |entry| entry.meaning);
    let blame = match class.blame() {
        Blame::User => "user",
        Blame::External => "external",
        Blame::Internal | Blame::Unspecified => "internal",
    };
    let texts = [
        ("type", format!("{PROBLEM_TYPE}{code}")),
        ("title", title.to_owned()),
        ("detail", message.clone()),
        ("code", code.clone()),
        ("blame", blame.to_owned()),
        ("hint", hint.clone()),
        ("field", field.clone()),
        ("value", value.clone()),
    ];
    let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let mut document: Map<String, Value> =
        texts.map(|(name, text)| (name.to_owned(), Value::from(text))).collect();
    document.insert("status".to_owned(), Value::from(status.as_u16()));
    if let Some(delay) = retry_after {
        document.insert("retry_after_s".to_owned(), Value::from(delay.as_secs_f64()));
    }
    document
}

/// Turns refusals of what is behind it into problems where the caller does not speak gRPC.
#[derive(Clone, Debug)]
pub(crate) struct ForWeb<S> {
    inner: S,
}

impl<S> ForWeb<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S> Service<Request<Body>> for ForWeb<S>
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
        let is_grpc = is_grpc(request.headers());
        let answer = self.inner.call(request);
        async move {
            let answer = answer.await?;
            Ok(if is_grpc { answer } else { for_web(answer) })
        }
        .boxed()
    }
}

fn for_web(answer: Response<Body>) -> Response<Body> {
    match Status::from_header_map(answer.headers()) {
        Some(status) if status.code() == Code::Unimplemented => problem(&no_such_address()),
        Some(status) if status.code() != Code::Ok => problem(&Failure::from(status)),
        Some(_) | None => answer,
    }
}

fn no_such_address() -> Failure {
    Failure::new(Class::NotFound, "unknown-address", "there is nothing at this address")
        .with_hint("GET /api/v1 lists what can be asked for")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn document(failure: &Failure) -> (StatusCode, Map<String, Value>) {
        let status = http_status(failure);
        (status, problem_document(failure, status))
    }

    #[test]
    fn a_problem_says_what_the_failure_says() {
        let failure = Failure::new(Class::NotFound, "unknown-economy", "no economy has this code")
            .with_hint("did you mean COD?")
            .at("consumer", "ZAR");
        let (status, document) = document(&failure);
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(document["type"], "urn:orewatch:error:unknown-economy");
        assert_eq!((&document["field"], &document["value"]), (&"consumer".into(), &"ZAR".into()));
        assert_eq!((&document["hint"], &document["status"]), (&"did you mean COD?".into(), &404.into()));
        assert!(document["title"].as_str().is_some_and(|title| title.ends_with('.')), "{document:?}");
        assert_eq!(document.get("retry_after_s"), None);
    }

    #[test]
    fn each_failure_has_the_status_that_says_who_has_to_act() {
        let status = |class, code: &str| http_status(&Failure::new(class, code, "")).as_u16();
        assert_eq!(status(Class::Refused, UNAUTHENTICATED), 401);
        assert_eq!(status(Class::Refused, MISSING_ROLE), 403);
        assert_eq!(status(Class::Refused, NOT_PERMITTED), 403);
        assert_eq!(status(Class::Exhausted, TOO_MANY_CALLS), 429);
        assert_eq!(status(Class::Exhausted, "too-busy"), 503);
        assert_eq!(status(Class::Invalid, "invalid-period"), 400);
        assert_eq!(status(Class::Internal, "internal"), 500);
    }

    #[test]
    fn a_refusal_of_a_layer_becomes_a_problem_with_its_delay() {
        let failure = Failure::new(Class::Exhausted, TOO_MANY_CALLS, "slow down")
            .retry_after(Duration::from_millis(1_500));
        let response = for_web(Status::from(failure).into_http());
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(response.headers()["content-type"], PROBLEM);
        let several = [Failure::new(Class::Invalid, "unknown-field", ""), Failure::internal("")];
        assert_eq!(problems(&several).status(), StatusCode::BAD_REQUEST);
        let whole = Response::new(Body::empty());
        assert_eq!(for_web(whole).status(), StatusCode::OK);
    }

    #[test]
    fn who_is_not_known_is_asked_for_a_token() {
        let failure = Failure::new(Class::Refused, UNAUTHENTICATED, "this service asks for a token");
        let response = problem(&failure);
        let asked: Vec<_> = response.headers().get_all(WWW_AUTHENTICATE).iter().collect();
        assert_eq!(asked.len(), 2);
    }
}
