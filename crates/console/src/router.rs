//! Which request is answered by what.
//!
//! ```text
//! GET  /, /x/..., /assets/...     pages for browsers
//! GET  /api/v1                    what can be asked for
//! GET  /api/v1/openapi.json       the same as an OpenAPI document
//! GET  /api/v1/exposures          a listing as JSON, by the contracts
//! GET  /api/v1/exposures.csv      the same as a file: csv, xlsx, parquet, arrow, json
//! GET  /api/v1/exposures.md       its citation
//! POST /api/v1/alerts/acknowledge a change
//! ```
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use orewatch_catalog::closest;
use orewatch_contracts::{Class, Failure};
use orewatch_query::files::FileFormat;
use tonic::Status;
use tonic::service::RoutesBuilder;

use crate::Console;
use crate::answer::{API, Envelope};
use crate::contract::{CHANGES, EPISODES, LISTINGS};
use crate::fixed::FIXED;
use crate::index::{OPENAPI, OPENAPI_PATH, addresses, index};
use crate::pages::{is_page, refused_page};
use crate::refused::Refused;
use crate::safety::{check_local_host, check_origin, protect};
use crate::services::Caller;

/// Ending of citations.
const CITATION: &str = "md";

/// Adds the console to the routes of a server.
pub(crate) fn add(console: Arc<Console>, routes: &mut RoutesBuilder) {
    let calls = std::mem::take(routes).routes().into_axum_router();
    let router = calls.fallback(move |request: Request| {
        let console = Arc::clone(&console);
        async move { console.respond(request).await }
    });
    *routes = RoutesBuilder::from(router);
}

impl Console {
    /// Answers a request, with the headers that every answer has.
    async fn respond(self: Arc<Self>, request: Request) -> Response {
        let kind = request.headers().get(CONTENT_TYPE);
        if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc")) {
            return Status::unimplemented("no service here has this method").into_http();
        }
        let allowed = allowed_methods(request.uri().path());
        let is_for_people = is_page(request.uri().path());
        let mut response = match self.answer(request).await {
            Ok(response) => response,
            Err(refused) if is_for_people => refused_page(&refused, &self.version),
            Err(refused) => refused.response(),
        };
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        }
        protect(response.headers_mut());
        response
    }

    async fn answer(self: &Arc<Self>, request: Request) -> Result<Response, Refused> {
        if self.is_for_this_machine {
            check_local_host(request.uri(), request.headers())?;
        }
        check_origin(request.method(), request.headers())?;
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        match method {
            Method::GET | Method::HEAD => self.get(&path, request).await,
            Method::POST => self.post(&path, request).await,
            other => Err(unsupported_method(&other, allowed_methods(&path)).into()),
        }
    }

    async fn get(self: &Arc<Self>, path: &str, request: Request) -> Result<Response, Refused> {
        if is_page(path) {
            return Box::pin(self.page(path, request)).await;
        }
        if path.trim_end_matches('/') == API {
            return Ok(index());
        }
        if path == OPENAPI_PATH {
            let envelope = Envelope { path: path.to_owned(), ..Envelope::default() };
            return Ok(envelope.response("application/openapi+json", Body::from(OPENAPI)));
        }
        let name = name_of(path).ok_or_else(|| unknown_address(path))?;
        let (name, ending) =
            name.rsplit_once('.').map_or((name, None), |(name, ending)| (name, Some(ending)));
        let is_citation = ending == Some(CITATION);
        let format = match ending.filter(|_| !is_citation) {
            Some(ending) => Some(FileFormat::from_extension(ending).ok_or_else(|| unknown_format(ending))?),
            None => None,
        };
        let caller = Caller::of(&request);
        let query = request.uri().query().unwrap_or_default();
        let headers = request.headers();
        if let Some(fixed) = FIXED.iter().find(|listing| listing.name == name && !is_citation) {
            return self.fixed(&caller, fixed, format, query, headers);
        }
        let listing = LISTINGS.iter().find(|listing| listing.name == name);
        let listing = listing.ok_or_else(|| no_listing(path, name))?;
        match (format, is_citation) {
            // No release stands behind an episode: the figures of its alert do.
            (_, true) if listing.name == EPISODES.name => Err(unknown_format(CITATION).into()),
            (_, false) if listing.name == EPISODES.name => {
                Box::pin(self.episodes(&caller, format, query, headers)).await
            }
            (_, true) => Box::pin(self.citation(&caller, listing, query)).await,
            (Some(format), false) => Box::pin(self.file(&caller, listing, format, query, headers)).await,
            (None, false) => Box::pin(self.json(&caller, listing, query, headers)).await,
        }
    }

    async fn post(self: &Arc<Self>, path: &str, request: Request) -> Result<Response, Refused> {
        let name = name_of(path).ok_or_else(|| unknown_address(path))?;
        let change = CHANGES.iter().find(|change| change.name == name);
        let change = change.ok_or_else(|| match LISTINGS.iter().any(|listing| listing.name == name) {
            true => unsupported_method(&Method::POST, allowed_methods(path)),
            false => unknown_address(path),
        })?;
        let caller = Caller::of(&request);
        let (parts, body) = request.into_parts();
        let query = parts.uri.query().unwrap_or_default();
        Box::pin(self.change(&caller, change, query, &parts.headers, body)).await
    }
}

/// The part of a path below that of all data.
fn name_of(path: &str) -> Option<&str> {
    path.strip_prefix(API).and_then(|rest| rest.strip_prefix('/'))
}

/// The methods that an address supports.
fn allowed_methods(path: &str) -> &'static str {
    let name = name_of(path).unwrap_or_default();
    let is_change = CHANGES.iter().any(|change| change.name == name);
    match (is_change, LISTINGS.iter().any(|listing| listing.name == name)) {
        (true, true) => "GET, HEAD, POST",
        (true, false) => "POST",
        (false, _) => "GET, HEAD",
    }
}

/// The failure of a GET request for something that is no listing.
fn no_listing(path: &str, name: &str) -> Failure {
    match CHANGES.iter().any(|change| change.name == name) {
        true => unsupported_method(&Method::GET, allowed_methods(path)),
        false => unknown_address(path),
    }
}

fn unknown_address(path: &str) -> Failure {
    let name = path.trim_start_matches(API).trim_start_matches('/');
    let stem = name.split('.').next().unwrap_or_default();
    let hint = match closest(stem, addresses()) {
        Some(near) => format!("did you mean {API}/{near}?"),
        None => format!("GET {API} lists what can be asked for"),
    };
    Failure::new(Class::NotFound, "unknown-address", "there is nothing at this address")
        .at("path", path)
        .with_hint(hint)
}

fn unknown_format(ending: &str) -> Failure {
    let known: Vec<&str> = FileFormat::ALL.into_iter().map(FileFormat::extension).chain([CITATION]).collect();
    let hint = match closest(ending, known.iter().copied()) {
        Some(near) => format!("did you mean .{near}?"),
        None => format!("use one of .{}", known.join(", .")),
    };
    Failure::new(Class::NotFound, "unknown-address", format!("there is no format {ending:?}"))
        .at("path", ending)
        .with_hint(hint)
}

fn unsupported_method(method: &Method, allowed: &str) -> Failure {
    let message = format!("{method} is not possible at this address");
    Failure::new(Class::Invalid, "unsupported-method", message)
        .at("method", method.as_str())
        .with_hint(format!("use {allowed}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_not_there_is_told_from_one_that_is_misspelt() {
        assert_eq!(unknown_address("/api/v1/exposres").hint, "did you mean /api/v1/exposures?");
        assert_eq!(unknown_address("/api/v1/exposres.csv").hint, "did you mean /api/v1/exposures?");
        assert!(unknown_address("/").hint.contains("GET /api/v1"));
        assert_eq!(unknown_format("cvs").hint, "did you mean .csv?");
    }

    #[test]
    fn data_and_pages_are_told_apart() {
        for (path, expected) in
            [("/", true), ("/x/a", true), ("/api", false), ("/api/v2", false), ("/apis", true)]
        {
            assert_eq!(is_page(path), expected, "{path}");
        }
    }

    #[test]
    fn each_address_has_its_methods() {
        assert_eq!(allowed_methods("/api/v1/silences"), "GET, HEAD, POST");
        assert_eq!(allowed_methods("/api/v1/alerts/acknowledge"), "POST");
        assert_eq!(allowed_methods("/api/v1/exposures"), "GET, HEAD");
    }
}
