//! HTTP client for publishers: one call, one response, both bounded. What a response means is decided
//! elsewhere.
//!
//! Redirects are not followed, so a key is sent to the configured address only.
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
use orewatch_contracts::{Class, Failure};
use tokio::time::timeout;

use super::call::{Call, Headers, PublisherResponse};
use super::config::{CallLimits, Connector};
use super::secret::Secret;

/// Value of `User-Agent`.
const USER_AGENT: &str = concat!("orewatch/", env!("CARGO_PKG_VERSION"));

/// Upper bound on a header that is kept, in bytes.
const MAX_HEADER_BYTES: usize = 256;

/// HTTP client for one publisher.
#[derive(Debug)]
pub(super) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    key: Option<(HeaderName, HeaderValue)>,
    limits: CallLimits,
}

impl Http {
    /// A client for a connector's publisher.
    ///
    /// # Errors
    /// [`Class::Unavailable`] if this machine has no certificate authorities.
    pub(super) fn new(connector: &Connector, key: Option<&Secret>) -> Result<Self, Failure> {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(connector.limits.connect));
        tcp.enforce_http(false);
        let connect =
            if connector.base.starts_with("https:") { tls_connector(tcp)? } else { plain_connector(tcp)? };
        // Most publishers close connections that are idle between two calls, so each call makes its own.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connect);
        let (name, before) = connector.key_header();
        let key = key.map(|key| key_header_value(name, &format!("{before}{}", key.expose()))).transpose()?;
        Ok(Self { client, base: connector.base.clone(), key, limits: connector.limits })
    }

    /// Makes a call. Whatever goes wrong is part of the returned value.
    pub(super) async fn send(&self, call: &Call) -> PublisherResponse {
        let within = timeout(self.limits.whole, self.exchange(call));
        within.await.unwrap_or_else(|_| {
            broken(
                0,
                format!(
                    "no complete response was received within {:#}",
                    readable_duration(self.limits.whole)
                ),
            )
        })
    }

    async fn exchange(&self, call: &Call) -> PublisherResponse {
        let request = match self.request(call) {
            Ok(request) => request,
            Err(trouble) => return broken(0, trouble),
        };
        match timeout(self.limits.stall.saturating_add(self.limits.connect), self.client.request(request))
            .await
        {
            Ok(Ok(response)) => self.read(response).await,
            Ok(Err(error)) => broken(0, error_chain(&error)),
            Err(_) => broken(
                0,
                format!("no response was received within {:#}", readable_duration(self.limits.stall)),
            ),
        }
    }

    fn request(&self, call: &Call) -> Result<Request<Full<Bytes>>, String> {
        let method = if call.body.is_some() { Method::POST } else { Method::GET };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{}", self.base, call.target))
            .header(header::USER_AGENT, USER_AGENT)
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

    async fn read(&self, response: Response<Incoming>) -> PublisherResponse {
        let (head, mut body) = response.into_parts();
        let (status, limit) = (head.status.as_u16(), self.limits.body);
        let mut bytes = BytesMut::new();
        loop {
            let frame = match timeout(self.limits.stall, body.frame()).await {
                Err(_) => {
                    return broken(status, format!("the response stalled after {} bytes", bytes.len()));
                }
                Ok(Some(Err(error))) => {
                    let trouble = format!(
                        "the response was cut off after {} bytes: {}",
                        bytes.len(),
                        error_chain(&error)
                    );
                    return broken(status, trouble);
                }
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => break,
            };
            if let Some(data) = frame.data_ref() {
                if bytes.len().saturating_add(data.len()) > limit {
                    return PublisherResponse::TooLarge { status, limit };
                }
                bytes.extend_from_slice(data);
            }
        }
        let encoding = header_text(&head.headers, &header::CONTENT_ENCODING);
        let headers = headers(&head.headers);
        match encoding.as_str() {
            "" | "identity" => PublisherResponse::Whole { status, body: bytes.freeze(), headers },
            "gzip" | "x-gzip" => decompressed(status, bytes.freeze(), headers, limit).await,
            other => broken(status, format!("the response is encoded as {other:?}, which was not requested")),
        }
    }
}

async fn decompressed(status: u16, packed: Bytes, headers: Headers, limit: usize) -> PublisherResponse {
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    let unpack = move || {
        let mut body = Vec::new();
        MultiGzDecoder::new(&*packed).take(most.saturating_add(1)).read_to_end(&mut body).map(|_| body)
    };
    match tokio::task::spawn_blocking(unpack).await {
        Ok(Ok(body)) if body.len() > limit => PublisherResponse::TooLarge { status, limit },
        Ok(Ok(body)) => PublisherResponse::Whole { status, body: body.into(), headers },
        Ok(Err(error)) => broken(status, format!("the compressed response is damaged: {error}")),
        Err(error) => broken(status, format!("the compressed response cannot be read: {error}")),
    }
}

fn broken(status: u16, trouble: String) -> PublisherResponse {
    PublisherResponse::Broken { status, trouble }
}

fn readable_duration(wait: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(wait).unwrap_or(jiff::SignedDuration::MAX)
}

/// An error with its causes: the outermost one alone says next to nothing.
fn error_chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !chain.contains(&text) {
            chain.push_str(": ");
            chain.push_str(&text);
        }
        cause = inner.source();
    }
    chain
}

fn headers(all: &HeaderMap) -> Headers {
    let location = header_text(all, &header::LOCATION);
    Headers {
        etag: header_text(all, &header::ETAG),
        last_modified: header_text(all, &header::LAST_MODIFIED),
        retry_after: header_text(all, &header::RETRY_AFTER),
        location: location.split(['?', '#']).next().unwrap_or_default().to_owned(),
    }
}

/// A header, or empty if it is missing or too long to be kept.
fn header_text(all: &HeaderMap, name: &HeaderName) -> String {
    let value = all.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if value.len() <= MAX_HEADER_BYTES { value.to_owned() } else { String::new() }
}

fn key_header_value(name: &'static str, value: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let unfit = |_| Failure::new(Class::Invalid, "invalid-api-key", "the key cannot stand in a header");
    let mut value = HeaderValue::from_str(value).map_err(unfit)?;
    value.set_sensitive(true);
    Ok((HeaderName::from_static(name), value))
}

fn tls_connector(tcp: HttpConnector) -> Result<HttpsConnector<HttpConnector>, Failure> {
    let builder = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider());
    let builder = builder.map_err(|error| {
        Failure::new(
            Class::Unavailable,
            "no-authorities",
            format!("the certificates of publishers cannot be verified: {error}"),
        )
        .with_hint("install CA certificates, or name their file in SSL_CERT_FILE")
    })?;
    Ok(builder.https_only().enable_http1().wrap_connector(tcp))
}

/// A connector for addresses without TLS, which needs no certificate authorities.
fn plain_connector(tcp: HttpConnector) -> Result<HttpsConnector<HttpConnector>, Failure> {
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
