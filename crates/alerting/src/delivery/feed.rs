//! Atom feeds, served at `/feeds/ID.atom` on the service's address: the last messages to a receiver, with the
//! names of those who acted as other answers show them.
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context as Task, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use orewatch_contracts::alerting::v1::Notification;
use orewatch_receivers::feed::{entry_limit, last_planned, render_feed};
use orewatch_rules::tenant::tenant_of;
use orewatch_runtime::{ActorNames, Identity};
use tokio::sync::watch;
use tonic::server::NamedService;
use tower::Service;

use crate::actors::with_names;
use crate::service_state::ServiceState;

/// Serves feeds.
#[derive(Clone, Debug)]
pub(crate) struct FeedService {
    pub(crate) service: watch::Receiver<ServiceState>,
    pub(crate) public_url: Option<String>,
    pub(crate) actors: ActorNames,
}

impl NamedService for FeedService {
    const NAME: &'static str = "feeds";
}

impl<B> Service<Request<B>> for FeedService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let who = Identity::from_http_request(&request);
        ready(Ok(self.answer(&who, request.method(), request.uri().path(), request.headers())))
    }
}

impl FeedService {
    fn answer(
        &self,
        who: &Identity,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Response<Full<Bytes>> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            let refused = plain(StatusCode::METHOD_NOT_ALLOWED, "a feed is read by GET\n");
            return with_header(refused, ALLOW, "GET, HEAD");
        }
        let id = path.strip_prefix("/feeds/").and_then(|name| name.strip_suffix(".atom")).unwrap_or_default();
        // The only character of identifiers that some clients escape.
        let id = &id.replace("%3A", ":").replace("%3a", ":");
        let service = self.service.borrow();
        let record = service.delivery.receiver(id).filter(|_| who.may_read(tenant_of(id)));
        let feed = record.and_then(|record| Some((record, record.receiver.as_ref()?)));
        let Some((record, receiver)) = feed.filter(|(_, receiver)| entry_limit(receiver).is_some()) else {
            return plain(StatusCode::NOT_FOUND, "there is no such feed\n");
        };
        let messages = service.delivery.feed(id);
        let updated = last_planned(messages.clone()).unwrap_or(record.put_at);
        let newest = messages.clone().next_back().map_or("-", |message| message.id.as_str());
        let tag = format!("\"{}-{newest}\"", record.revision);
        let modified = DateTimePrinter::new().timestamp_to_rfc9110_string(&updated).unwrap_or_default();
        let response = if is_unchanged(headers, &tag, updated) {
            plain(StatusCode::NOT_MODIFIED, "")
        } else {
            let named = |message: &Notification| with_names(message.clone(), &self.actors);
            let messages: Vec<Notification> = messages.map(named).collect();
            let atom = render_feed(receiver, record.put_at, messages.iter(), self.public_url.as_deref());
            let body = if method == Method::HEAD { Bytes::new() } else { Bytes::from(atom) };
            let mut response = Response::new(Full::new(body));
            if let Ok(kind) = "application/atom+xml; charset=utf-8".parse() {
                response.headers_mut().insert(CONTENT_TYPE, kind);
            }
            response
        };
        let response = with_header(with_header(response, ETAG, &tag), LAST_MODIFIED, &modified);
        with_header(response, CACHE_CONTROL, "private, max-age=60")
    }
}

/// Whether the client has the current feed already.
fn is_unchanged(headers: &HeaderMap, tag: &str, updated: Timestamp) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match text(IF_NONE_MATCH) {
        Some(tags) => tags.split(',').any(|known| {
            matches!(known.trim().trim_start_matches("W/"), "*")
                || known.trim().trim_start_matches("W/") == tag
        }),
        None => text(IF_MODIFIED_SINCE)
            .and_then(|since| DateTimeParser::new().parse_timestamp(since).ok())
            .is_some_and(|since| updated.as_second() <= since.as_second()),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}

fn with_header(
    mut response: Response<Full<Bytes>>,
    name: hyper::header::HeaderName,
    value: &str,
) -> Response<Full<Bytes>> {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
    response
}
