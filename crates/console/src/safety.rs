//! What keeps pages of others from acting through a reader's browser: headers of every answer, and requests
//! that are refused because of where they come from.
//!
//! A console without tokens answers everyone on its machine, and so every page that a browser on it shows.
//! Two things stand against that. A page of another site cannot send JSON, YAML or CSV without asking first,
//! which is not answered; and a request whose browser says that another site made it is refused. A site that
//! gives its own name the address of this machine is refused as well, because the request then names a host
//! by which nobody calls the console.
use axum::http::header::{HOST, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use orewatch_contracts::{Class, Failure};

/// By which a browser says who made a request.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Headers of every answer. Nothing is loaded from elsewhere, no script runs that is not a file of the
/// console, and nobody shows it within a page of their own.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        HeaderName::from_static("content-security-policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    (REFERRER_POLICY, "same-origin"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// Adds the headers of every answer.
pub(crate) fn protect(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Refuses a change that a page of another site makes.
///
/// # Errors
/// [`Class::Refused`].
pub(crate) fn check_origin(method: &Method, headers: &HeaderMap) -> Result<(), Failure> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    // Programs that are no browsers say nothing.
    let site = headers.get(FETCH_SITE).map_or("none", |value| value.to_str().unwrap_or("unknown"));
    if matches!(site, "same-origin" | "none") {
        return Ok(());
    }
    Err(Failure::new(Class::Refused, "foreign-origin", "a page of another site made this request")
        .at("sec-fetch-site", site)
        .with_hint("make it from a page of the console, or from a program"))
}

/// Refuses a request that names another host than this machine by the names that it always has.
///
/// # Errors
/// [`Class::Invalid`].
pub(crate) fn check_local_host(uri: &Uri, headers: &HeaderMap) -> Result<(), Failure> {
    let named = headers.get(HOST).and_then(|value| value.to_str().ok());
    let named = named.or_else(|| uri.authority().map(Authority::as_str)).unwrap_or_default();
    let host = named.parse::<Authority>().map(|authority| authority.host().to_owned()).unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback =
        bare.parse().is_ok_and(|address: std::net::IpAddr| address.to_canonical().is_loopback());
    if is_loopback || bare.eq_ignore_ascii_case("localhost") {
        return Ok(());
    }
    let message = "a console without tokens answers only under the names of its own machine";
    Err(Failure::new(Class::Invalid, "foreign-host", message)
        .at("host", named)
        .with_hint("use http://127.0.0.1 or http://localhost with its port, or give it a file of tokens"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn a_page_of_another_site_changes_nothing() {
        let check = |method: Method, site: &str| check_origin(&method, &headers("sec-fetch-site", site));
        for site in ["cross-site", "same-site", "something-new"] {
            assert_eq!(check(Method::POST, site).unwrap_err().code, "foreign-origin", "{site}");
            assert_eq!(check(Method::GET, site), Ok(()), "a link may lead here");
        }
        assert_eq!(check(Method::POST, "same-origin"), Ok(()));
        assert_eq!(check_origin(&Method::POST, &HeaderMap::new()), Ok(()));
    }

    #[test]
    fn a_name_that_was_bent_to_this_machine_is_refused() {
        let check = |host: &str| check_local_host(&Uri::from_static("/"), &headers("host", host));
        for host in ["127.0.0.1:7080", "localhost", "LOCALHOST:1", "[::1]:7080", "127.9.9.9"] {
            assert_eq!(check(host), Ok(()), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7080", "10.0.0.1", ""]
        {
            assert_eq!(check(host).unwrap_err().code, "foreign-host", "{host}");
        }
        assert_eq!(check_local_host(&Uri::from_static("http://localhost:7080/"), &HeaderMap::new()), Ok(()));
    }

    #[test]
    fn every_answer_forbids_what_is_not_of_the_console() {
        let mut all = HeaderMap::new();
        protect(&mut all);
        assert!(all["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
        assert_eq!(all["x-content-type-options"], "nosniff");
    }
}
