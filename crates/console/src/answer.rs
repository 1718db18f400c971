//! What every answer says of itself: its validator, the point of knowledge that it rests on, the address at
//! which the same can be asked for again, the next page, and whether it is old.
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LOCATION, CONTENT_TYPE, ETAG, HeaderName, LINK, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use orewatch_contracts::common::v1::LogState;
use orewatch_contracts::time::instant;
use orewatch_query::Cell;
use orewatch_query::files::Heading;
use serde_json::{Map, Value};

use crate::validator::digest;

/// Where data are.
pub(crate) const API: &str = "/api/v1";

/// Header with the point of knowledge that the figures of an answer rest on.
const AS_AT: HeaderName = HeaderName::from_static("orewatch-as-at");

/// Header that says that an answer is old, and since when.
const STALE: HeaderName = HeaderName::from_static("orewatch-stale");

/// Length of the digest in the name of a file, in characters.
const NAME_DIGEST: usize = 8;

/// What an answer says of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Envelope {
    /// Path of the address, without a query.
    pub(crate) path: String,
    /// Value of the validator. Empty: the answer has none.
    pub(crate) validator: String,
    /// Point of knowledge. Empty: the answer is about the present.
    pub(crate) as_at: String,
    /// Query that asks for the same again.
    pub(crate) query: String,
    /// Query that asks for the next page. `None`: there is none.
    pub(crate) next: Option<String>,
    /// What keeps the service from following its log. `None`: the answer is current.
    pub(crate) stale: Option<LogState>,
}

fn address(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

impl Envelope {
    /// The address at which the same can be asked for again.
    pub(crate) fn permalink(&self) -> String {
        address(&self.path, &self.query)
    }

    /// Name of a file with the answer: what it is about, the point of knowledge, and a digest of the query,
    /// so that two files of one name have the same content.
    pub(crate) fn file_name(&self) -> String {
        let (stem, extension) = self.path.rsplit_once('.').unwrap_or((self.path.as_str(), "json"));
        let name = stem.rsplit('/').next().unwrap_or_default();
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        let as_at: String = self.as_at.trim_start_matches('@').chars().map(plain).collect();
        let as_at = if as_at.is_empty() { String::new() } else { format!("-at-{as_at}") };
        let mark: String = digest(&[self.query.as_bytes()]).chars().take(NAME_DIGEST).collect();
        format!("orewatch-{name}{as_at}-{mark}.{extension}")
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(VARY, HeaderValue::from_static("authorization, cookie"));
        put(&mut headers, ETAG, &self.validator);
        put(&mut headers, AS_AT, &self.as_at);
        put(&mut headers, CONTENT_LOCATION, &self.permalink());
        if let Some(next) = &self.next {
            put(&mut headers, LINK, &format!("<{}>; rel=\"next\"", address(&self.path, next)));
        }
        if let Some(stale) = &self.stale {
            put(&mut headers, STALE, &stale_text(stale));
        }
        headers
    }

    /// The answer with a body of this media type.
    pub(crate) fn response(&self, media_type: &str, body: Body) -> Response {
        let mut response = Response::new(body);
        *response.headers_mut() = self.headers();
        put(response.headers_mut(), CONTENT_TYPE, media_type);
        response
    }

    /// The answer as a file to be saved.
    pub(crate) fn file(&self, media_type: &str, body: Body) -> Response {
        let mut response = self.response(media_type, body);
        let name = format!("attachment; filename=\"{}\"", self.file_name());
        put(response.headers_mut(), CONTENT_DISPOSITION, &name);
        response
    }

    /// That the client has the answer.
    pub(crate) fn not_modified(&self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.headers_mut() = self.headers();
        response
    }
}

/// Sets a header, unless its text is empty or cannot be one.
pub(crate) fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let (false, Ok(value)) = (text.is_empty(), HeaderValue::from_str(text)) {
        headers.insert(name, value);
    }
}

/// Says of an answer that it is old. Characters that a header has no room for are left out.
fn stale_text(state: &LogState) -> String {
    let LogState { log, position, behind_since, reason } = state;
    let since = behind_since.as_ref().and_then(instant);
    let since = since.map(|time| format!(" since {time:.0}")).unwrap_or_default();
    let text =
        format!("as of position {position} of the {log} log, which cannot be read on{since}: {reason}");
    text.chars().filter(|letter| matches!(letter, ' '..='~')).collect()
}

/// A row as a JSON object.
pub(crate) fn object(headings: &[Heading], row: &[Cell]) -> Value {
    let value = |cell: &Cell| serde_json::to_value(cell).unwrap_or_default();
    let fields = headings.iter().zip(row);
    let fields: Map<String, Value> =
        fields.map(|(heading, cell)| (heading.name.to_owned(), value(cell))).collect();
    Value::Object(fields)
}

/// A body of JSON.
pub(crate) fn json_body(value: &Value) -> Body {
    Body::from(format!("{value}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            path: format!("{API}/exposures.csv"),
            validator: "W/\"a\"".to_owned(),
            as_at: "@7".to_owned(),
            query: "consumer=DEU&as-at=%407".to_owned(),
            next: Some("page-token=x".to_owned()),
            stale: Some(LogState {
                log: "observations".to_owned(),
                position: 7,
                behind_since: Some(prost_types::Timestamp { seconds: 0, nanos: 0 }),
                reason: "away\r\nX-Forged: 1".to_owned(),
            }),
        }
    }

    #[test]
    fn an_answer_says_how_it_is_asked_for_again() {
        let response = envelope().file("text/csv", Body::empty());
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-location"), "/api/v1/exposures.csv?consumer=DEU&as-at=%407");
        assert_eq!(header("orewatch-as-at"), "@7");
        assert_eq!(header("link"), "</api/v1/exposures.csv?page-token=x>; rel=\"next\"");
        assert!(header("content-disposition").starts_with("attachment; filename=\"orewatch-exposures-at-7-"));
        assert!(header("content-disposition").ends_with(".csv\""));
        assert!(header("orewatch-stale").contains("1970-01-01T00:00:00Z"));
        assert_eq!(header("cache-control"), "private, no-cache");
    }

    #[test]
    fn a_reason_forges_no_header() {
        let response = envelope().not_modified();
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert!(response.headers().get("x-forged").is_none());
    }

    #[test]
    fn files_of_other_questions_have_other_names() {
        let other = Envelope { query: "consumer=JPN".to_owned(), ..envelope() };
        assert_ne!(envelope().file_name(), other.file_name());
    }
}
