//! HTTP client for receivers: one connection, one request and one response, all bounded.
//!
//! The client connects to an address that was checked, never to a name. It follows no redirect and keeps no
//! connection open. A client that resolves names and pools connections itself cannot give these guarantees.
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use orewatch_contracts::{Class, Failure};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::guard::{Destination, Guard, ResolveError};
use crate::outcome::Refusal;

/// Value of the `User-Agent` header.
const USER_AGENT: &str = concat!("orewatch/", env!("CARGO_PKG_VERSION"));

/// Timeout of a connection to one address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Upper bound on the body that is read from a response, in bytes. The rest is ignored.
const MAX_RESPONSE_BYTES: usize = 16 << 10;

/// Timeout for reading the body of a response.
const BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// Upper bound on the head of a response, in bytes.
const MAX_HEAD_BYTES: usize = 32 << 10;

/// Response of a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status.
    pub status: u16,
    /// Value of `Retry-After`.
    pub retry_after: Option<String>,
    /// The beginning of the body, as text.
    pub body: String,
}

/// Sends requests to receivers.
#[derive(Clone, Debug)]
pub struct HttpClient {
    guard: Guard,
    ca: Option<Arc<Path>>,
    // Reading the system's certificates is slow: it is done once, when first needed.
    tls: Arc<OnceLock<Result<Arc<ClientConfig>, String>>>,
}

impl HttpClient {
    /// A client restricted by a guard. The certificates in the file are trusted besides the system's.
    #[must_use]
    pub fn new(guard: Guard, ca: Option<&Path>) -> Self {
        Self { guard, ca: ca.map(Arc::from), tls: Arc::default() }
    }

    /// Posts a body. The caller limits the total time.
    ///
    /// # Errors
    /// A [`Refusal`] if there was no response.
    pub async fn post(
        &self,
        url: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Bytes,
    ) -> Result<HttpResponse, Refusal> {
        let to = self.guard.parse_url(url).map_err(Refusal::configuration)?;
        let addresses =
            self.guard.resolve(&to.host, to.port, to.secure).await.map_err(|error| match error {
                ResolveError::Unresolved(text) => Refusal::connection(text),
                ResolveError::Refused(text) => Refusal::configuration(text),
            })?;
        let request = build_request(&to, headers, body)?;
        let stream = connect(&addresses).await?;
        if to.secure {
            let name = ServerName::try_from(to.host.clone()).map_err(|error| {
                Refusal::configuration(format!("{} is not a host name: {error}", to.host))
            })?;
            let config = self.tls_config().map_err(Refusal::configuration)?;
            let secured = TlsConnector::from(config).connect(name, stream).await;
            exchange(secured.map_err(|error| Refusal::connection(format!("TLS: {error}")))?, request).await
        } else {
            exchange(stream, request).await
        }
    }

    /// The guard that restricts the client.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// TLS configuration of all connections.
    pub(crate) fn tls_config(&self) -> Result<Arc<ClientConfig>, String> {
        self.tls.get_or_init(|| build_tls_config(self.ca.as_deref()).map(Arc::new)).clone()
    }

    /// Checks that the certificates can be read, so that a wrong setting is reported at the start.
    ///
    /// # Errors
    /// [`Class::Invalid`] if not.
    pub fn check(&self) -> Result<(), Failure> {
        let Some(ca) = &self.ca else { return Ok(()) };
        read_certificates(ca).map(drop).map_err(|error| {
            Failure::new(Class::Invalid, "invalid-setting", error).at("ca-file", ca.display().to_string())
        })
    }
}

/// Reads certificates of a PEM file.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong =
        |error: &dyn std::fmt::Display| format!("cannot read certificates from {}: {error}", path.display());
    let read = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?;
    read.collect::<Result<Vec<_>, _>>().map_err(|error| wrong(&error))
}

fn build_tls_config(ca: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca {
        roots.add_parsable_certificates(read_certificates(path)?);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("cannot set up TLS: {error}"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn build_request(
    to: &Destination,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, Refusal> {
    let mut request =
        Request::post(&to.target).header(header::HOST, to.authority()).header(header::USER_AGENT, USER_AGENT);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request
        .body(Full::new(body))
        .map_err(|error| Refusal::configuration(format!("cannot build the request: {error}")))
}

/// Connects to the first address that accepts.
pub(crate) async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Refusal> {
    let mut failure = Refusal::connection("there is no address");
    for address in addresses {
        match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = Refusal::connection(format!("no connection to {address}: {error}")),
            Err(_) => {
                failure = Refusal::connection(format!(
                    "no connection to {address} within {} s",
                    CONNECT_TIMEOUT.as_secs()
                ));
            }
        }
    }
    Err(failure)
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<HttpResponse, Refusal>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |error: hyper::Error| Refusal::connection(error_chain(&error));
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let asked = async move {
        let response = sender.send_request(request).await.map_err(broken)?;
        Ok(read_response(response).await)
    };
    // The connection is driven here, so that it ends with the attempt.
    let mut asked = std::pin::pin!(asked);
    tokio::select! {
        answer = &mut asked => answer,
        ended = connection => {
            if let Err(error) = ended {
                return Err(broken(error));
            }
            asked.await
        }
    }
}

/// Reads a response. The status decides the outcome; the body is only recorded, so it is read up to a limit
/// of bytes and time.
async fn read_response(response: Response<Incoming>) -> HttpResponse {
    let (head, mut body) = response.into_parts();
    let status = head.status.as_u16();
    let retry_after =
        head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut bytes = BytesMut::new();
    let whole = async {
        while bytes.len() < MAX_RESPONSE_BYTES {
            let Some(Ok(frame)) = body.frame().await else { break };
            bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        }
    };
    let _stopped_in_time = tokio::time::timeout(BODY_TIMEOUT, whole).await;
    bytes.truncate(MAX_RESPONSE_BYTES);
    HttpResponse { status, retry_after, body: String::from_utf8_lossy(&bytes).into_owned() }
}

/// An error with its causes: the outermost error alone rarely says what happened.
fn error_chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
