//! Atom feeds, served at `/feeds/ID.atom` where the service listens: the last messages to the receiver, as the log has them.
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
use orewatch_contracts::alerting::v1::{Notification, Receiver, receiver::Kind};
use orewatch_runtime::Identity;
use tokio::sync::watch;
use tonic::server::NamedService;
use tower::Service;

use super::evolve::instant;
use super::mail::{escape, html};
use super::message::Telling;
use crate::book::Book;
use crate::tenant::tenant_of;

/// Entries of a feed that says nothing else.
const ENTRIES: u32 = 100;

/// How many entries a feed keeps. None: the receiver is no feed.
#[must_use]
pub fn entries(receiver: &Receiver) -> Option<usize> {
    let Some(Kind::Feed(feed)) = &receiver.kind else { return None };
    usize::try_from(if feed.entries == 0 { ENTRIES } else { feed.entries }).ok()
}

/// The feed as Atom, the newest entry first.
pub fn atom<'a>(
    receiver: &Receiver,
    put_at: Timestamp,
    messages: impl DoubleEndedIterator<Item = &'a Notification> + Clone,
    public_url: Option<&str>,
) -> String {
    let id = &receiver.id;
    let title = if receiver.title.is_empty() { id } else { &receiver.title };
    let updated = updated(messages.clone()).unwrap_or(put_at);
    let mut atom = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n<id>urn:orewatch:feed:{}</id>\n\
         <title>{}</title>\n<updated>{updated}</updated>\n<author><name>Orewatch</name></author>\n",
        escape(id),
        escape(title)
    );
    if let Some(base) = public_url {
        atom.push_str(&format!("<link rel=\"self\" href=\"{}/feeds/{}.atom\"/>\n", escape(base), escape(id)));
    }
    for message in messages.rev() {
        atom.push_str(&entry(message, public_url));
    }
    atom.push_str("</feed>\n");
    atom
}

fn entry(message: &Notification, public_url: Option<&str>) -> String {
    let telling = Telling::of(message, public_url);
    let time = message.planned_at.as_ref().and_then(instant).unwrap_or_default();
    let link = telling.stories.first().and_then(|story| story.link.url());
    let link = link.map(|url| format!("<link href=\"{}\"/>\n", escape(url))).unwrap_or_default();
    let drill = if message.drill { "<category term=\"drill\"/>\n" } else { "" };
    format!(
        "<entry>\n<id>urn:uuid:{}</id>\n<title>{}</title>\n<updated>{time}</updated>\n{link}{drill}<content type=\"html\">{}</content>\n</entry>\n",
        escape(&message.id),
        escape(&telling.title),
        escape(&html(&telling))
    )
}

fn updated<'a>(messages: impl DoubleEndedIterator<Item = &'a Notification>) -> Option<Timestamp> {
    messages.filter_map(|message| message.planned_at.as_ref().and_then(instant)).max()
}

/// Answers who reads feeds.
#[derive(Clone, Debug)]
pub(crate) struct Feeds {
    pub(crate) book: watch::Receiver<Book>,
    pub(crate) public_url: Option<String>,
}

impl NamedService for Feeds {
    const NAME: &'static str = "feeds";
}

impl<B> Service<Request<B>> for Feeds {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let who = Identity::of_http(&request);
        ready(Ok(self.answer(&who, request.method(), request.uri().path(), request.headers())))
    }
}

impl Feeds {
    fn answer(
        &self,
        who: &Identity,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Response<Full<Bytes>> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            let refused = plain(StatusCode::METHOD_NOT_ALLOWED, "a feed is read by GET\n");
            return with(refused, ALLOW, "GET, HEAD");
        }
        let id = path.strip_prefix("/feeds/").and_then(|name| name.strip_suffix(".atom")).unwrap_or_default();
        // The one character of identifiers that some clients escape.
        let id = &id.replace("%3A", ":").replace("%3a", ":");
        let book = self.book.borrow();
        let standing = book.delivery.receiver(id).filter(|_| who.may_read(tenant_of(id)));
        let feed = standing.and_then(|standing| Some((standing, standing.receiver.as_ref()?)));
        let Some((standing, receiver)) = feed.filter(|(_, receiver)| entries(receiver).is_some()) else {
            return plain(StatusCode::NOT_FOUND, "there is no such feed\n");
        };
        let messages = book.delivery.feed(id);
        let updated = updated(messages.clone()).unwrap_or(standing.put_at);
        let newest = messages.clone().next_back().map_or("-", |message| message.id.as_str());
        let tag = format!("\"{}-{newest}\"", standing.revision);
        let modified = DateTimePrinter::new().timestamp_to_rfc9110_string(&updated).unwrap_or_default();
        let response = if is_known(headers, &tag, updated) {
            plain(StatusCode::NOT_MODIFIED, "")
        } else {
            let atom = atom(receiver, standing.put_at, messages, self.public_url.as_deref());
            let body = if method == Method::HEAD { Bytes::new() } else { Bytes::from(atom) };
            let mut response = Response::new(Full::new(body));
            if let Ok(kind) = "application/atom+xml; charset=utf-8".parse() {
                response.headers_mut().insert(CONTENT_TYPE, kind);
            }
            response
        };
        let response = with(with(response, ETAG, &tag), LAST_MODIFIED, &modified);
        with(response, CACHE_CONTROL, "private, max-age=60")
    }
}

/// Whether who asks has the feed as it is.
fn is_known(headers: &HeaderMap, tag: &str, updated: Timestamp) -> bool {
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

fn with(
    mut response: Response<Full<Bytes>>,
    name: hyper::header::HeaderName,
    value: &str,
) -> Response<Full<Bytes>> {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
    response
}
