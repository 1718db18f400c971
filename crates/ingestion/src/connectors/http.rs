//! The edge to publishers: one request, one answer, both bounded. It holds no rules: what an answer means is decided elsewhere.
//!
//! Redirects are not followed, so that a key goes nowhere but to the configured address.
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use orewatch_runtime::{Class, Failure};
use tokio::time::timeout;

use super::call::{Answer, Call, Headers};
use super::config::{Connector, Limits};
use super::secret::Secret;

/// How this program names itself to publishers.
const AGENT: &str = concat!("orewatch/", env!("CARGO_PKG_VERSION"));

/// Longest header that is remembered, in bytes.
const LONGEST_HEADER: usize = 256;

/// A way to one publisher.
#[derive(Debug)]
pub(super) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    key: Option<(HeaderName, HeaderValue)>,
    limits: Limits,
}

impl Http {
    /// A way to a connector's publisher.
    ///
    /// # Errors
    /// [`Class::Unavailable`] if this machine knows no authority that certifies publishers.
    pub(super) fn new(connector: &Connector, key: Option<&Secret>) -> Result<Self, Failure> {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(connector.limits.connect));
        tcp.enforce_http(false);
        let connect = if connector.base.starts_with("https:") { secured(tcp)? } else { plain(tcp)? };
        // A connection that lies idle between two calls is closed by most publishers: each call makes its own.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connect);
        let (name, before) = connector.key_header();
        let key = key.map(|key| header_of(name, &format!("{before}{}", key.expose()))).transpose()?;
        Ok(Self { client, base: connector.base.clone(), key, limits: connector.limits })
    }

    /// Makes a request. Whatever goes wrong is an answer.
    pub(super) async fn ask(&self, call: &Call) -> Answer {
        let within = timeout(self.limits.whole, self.exchange(call));
        within.await.unwrap_or_else(|_| {
            broken(0, format!("no whole answer came within {:#}", told(self.limits.whole)))
        })
    }

    async fn exchange(&self, call: &Call) -> Answer {
        let request = match self.request(call) {
            Ok(request) => request,
            Err(trouble) => return broken(0, trouble),
        };
        match timeout(self.limits.stall.saturating_add(self.limits.connect), self.client.request(request))
            .await
        {
            Ok(Ok(response)) => self.read(response).await,
            Ok(Err(error)) => broken(0, causes(&error)),
            Err(_) => broken(0, format!("no answer came within {:#}", told(self.limits.stall))),
        }
    }

    fn request(&self, call: &Call) -> Result<Request<Full<Bytes>>, String> {
        let method = if call.body.is_some() { Method::POST } else { Method::GET };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{}", self.base, call.target))
            .header(header::USER_AGENT, AGENT)
            .header(header::ACCEPT, "application/json")
            .header(header::ACCEPT_ENCODING, "gzip");
        if let Some((name, value)) = &self.key {
            request = request.header(name, value);
        }
        if call.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(before) = &call.before {
            let validators =
                [(header::IF_NONE_MATCH, &before.etag), (header::IF_MODIFIED_SINCE, &before.last_modified)];
            for (name, value) in validators.into_iter().filter(|(_, value)| !value.is_empty()) {
                request = request.header(name, value);
            }
        }
        let body = call.body.clone().map_or_else(Bytes::new, Bytes::from);
        request.body(Full::new(body)).map_err(|error| format!("the request cannot be made: {error}"))
    }

    async fn read(&self, response: Response<Incoming>) -> Answer {
        let (head, mut body) = response.into_parts();
        let (status, limit) = (head.status.as_u16(), self.limits.body);
        let mut bytes = BytesMut::new();
        loop {
            let frame = match timeout(self.limits.stall, body.frame()).await {
                Err(_) => {
                    return broken(status, format!("the answer stopped after {} bytes", bytes.len()));
                }
                Ok(Some(Err(error))) => {
                    let trouble =
                        format!("the answer was cut off after {} bytes: {}", bytes.len(), causes(&error));
                    return broken(status, trouble);
                }
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => break,
            };
            if let Some(data) = frame.data_ref() {
                if bytes.len().saturating_add(data.len()) > limit {
                    return Answer::TooLarge { status, limit };
                }
                bytes.extend_from_slice(data);
            }
        }
        let encoding = text(&head.headers, &header::CONTENT_ENCODING);
        let headers = headers(&head.headers);
        match encoding.as_str() {
            "" | "identity" => Answer::Whole { status, body: bytes.freeze(), headers },
            "gzip" | "x-gzip" => decompressed(status, bytes.freeze(), headers, limit).await,
            other => broken(status, format!("the answer is encoded as {other:?}, which was not asked for")),
        }
    }
}

async fn decompressed(status: u16, packed: Bytes, headers: Headers, limit: usize) -> Answer {
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    let unpack = move || {
        let mut body = Vec::new();
        MultiGzDecoder::new(&*packed).take(most.saturating_add(1)).read_to_end(&mut body).map(|_| body)
    };
    match tokio::task::spawn_blocking(unpack).await {
        Ok(Ok(body)) if body.len() > limit => Answer::TooLarge { status, limit },
        Ok(Ok(body)) => Answer::Whole { status, body: body.into(), headers },
        Ok(Err(error)) => broken(status, format!("the compressed answer is damaged: {error}")),
        Err(error) => broken(status, format!("the compressed answer cannot be read: {error}")),
    }
}

fn broken(status: u16, trouble: String) -> Answer {
    Answer::Broken { status, trouble }
}

fn told(wait: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(wait).unwrap_or(jiff::SignedDuration::MAX)
}

/// An error with what caused it: the outermost alone says next to nothing.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}

fn headers(all: &HeaderMap) -> Headers {
    let location = text(all, &header::LOCATION);
    Headers {
        etag: text(all, &header::ETAG),
        last_modified: text(all, &header::LAST_MODIFIED),
        retry_after: text(all, &header::RETRY_AFTER),
        location: location.split(['?', '#']).next().unwrap_or_default().to_owned(),
    }
}

/// A header that is short enough to be remembered.
fn text(all: &HeaderMap, name: &HeaderName) -> String {
    let value = all.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if value.len() <= LONGEST_HEADER { value.to_owned() } else { String::new() }
}

fn header_of(name: &'static str, value: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let unfit = |_| Failure::new(Class::Invalid, "bad-key", "the key cannot stand in a header");
    let mut value = HeaderValue::from_str(value).map_err(unfit)?;
    value.set_sensitive(true);
    Ok((HeaderName::from_static(name), value))
}

fn secured(tcp: HttpConnector) -> Result<HttpsConnector<HttpConnector>, Failure> {
    let builder = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider());
    let builder = builder.map_err(|error| {
        Failure::new(
            Class::Unavailable,
            "no-authorities",
            format!("no certificate of a publisher can be checked: {error}"),
        )
        .with_hint("install the certificates of the usual authorities, or name their file in SSL_CERT_FILE")
    })?;
    Ok(builder.https_only().enable_http1().wrap_connector(tcp))
}

/// For a publisher, or a mirror, that speaks no TLS: no authority is needed.
fn plain(tcp: HttpConnector) -> Result<HttpsConnector<HttpConnector>, Failure> {
    let roots = rustls::RootCertStore::empty();
    let versions = rustls::ClientConfig::builder_with_provider(Arc::new(provider()));
    let config = versions
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::internal(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp))
}

fn provider() -> rustls::crypto::CryptoProvider {
    rustls::crypto::ring::default_provider()
}
