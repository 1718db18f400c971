//! The edge to receivers over HTTP: one connection, one request, one answer, all bounded.
//!
//! The connection is made to an address that was checked, never to a name; no redirect is followed; nothing is kept open. A
//! client that resolves and pools by itself, such as the one for publishers, could do none of this.
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
use orewatch_runtime::{Class, Failure};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::guard::{Destination, Guard, Trouble};
use super::outcome::Refusal;

/// How this program names itself to receivers.
const AGENT: &str = concat!("orewatch/", env!("CARGO_PKG_VERSION"));

/// How long one address may take to answer a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// How much of an answer is read, in bytes. What follows is not waited for.
const LARGEST_ANSWER: usize = 16 << 10;

/// How long the body of an answer is listened to.
const BODY: Duration = Duration::from_secs(1);

/// Most bytes of an answer's head.
const LARGEST_HEAD: usize = 32 << 10;

/// What a receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// `Retry-After` as it stands.
    pub retry_after: Option<String>,
    /// The beginning of the body, as text.
    pub body: String,
}

/// The way to receivers over HTTP.
#[derive(Clone, Debug)]
pub struct Http {
    guard: Guard,
    ca: Option<Arc<Path>>,
    // Reading the certificates of a machine takes a while: done once, when first needed.
    tls: Arc<OnceLock<Result<Arc<ClientConfig>, String>>>,
}

impl Http {
    /// A way that a guard watches; certificates of a file are trusted beside those of the usual authorities.
    #[must_use]
    pub fn new(guard: Guard, ca: Option<&Path>) -> Self {
        Self { guard, ca: ca.map(Arc::from), tls: Arc::default() }
    }

    /// Posts a body. The caller bounds the time of the whole.
    ///
    /// # Errors
    /// A [`Refusal`] if no answer was had.
    pub async fn post(
        &self,
        url: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Bytes,
    ) -> Result<Answer, Refusal> {
        let to = self.guard.destination(url).map_err(Refusal::configuration)?;
        let addresses =
            self.guard.resolve(&to.host, to.port, to.secure).await.map_err(|trouble| match trouble {
                Trouble::Unknown(text) => Refusal::connection(text),
                Trouble::Refused(text) => Refusal::configuration(text),
            })?;
        let request = request(&to, headers, body)?;
        let stream = connect(&addresses).await?;
        if to.secure {
            let name = ServerName::try_from(to.host.clone())
                .map_err(|error| Refusal::configuration(format!("{} is no name: {error}", to.host)))?;
            let config = self.tls().map_err(Refusal::configuration)?;
            let secured = TlsConnector::from(config).connect(name, stream).await;
            exchange(secured.map_err(|error| Refusal::connection(format!("TLS: {error}")))?, request).await
        } else {
            exchange(stream, request).await
        }
    }

    /// The guard at the door.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// TLS as every connection has it.
    pub(super) fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        self.tls.get_or_init(|| tls(self.ca.as_deref()).map(Arc::new)).clone()
    }

    /// Whether the certificates can be read at all, so that a wrong configuration is told at the start.
    ///
    /// # Errors
    /// [`Class::Invalid`] if not.
    pub fn check(&self) -> Result<(), Failure> {
        let Some(ca) = &self.ca else { return Ok(()) };
        certificates(ca).map(drop).map_err(|error| {
            Failure::new(Class::Invalid, "config-value", error).at("ca-file", ca.display().to_string())
        })
    }
}

/// Reads certificates of a PEM file.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |error: &dyn std::fmt::Display| {
        format!("certificates cannot be read from {}: {error}", path.display())
    };
    let read = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?;
    read.collect::<Result<Vec<_>, _>>().map_err(|error| wrong(&error))
}

fn tls(ca: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca {
        roots.add_parsable_certificates(certificates(path)?);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn request(
    to: &Destination,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, Refusal> {
    let mut request =
        Request::post(&to.target).header(header::HOST, to.authority()).header(header::USER_AGENT, AGENT);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request
        .body(Full::new(body))
        .map_err(|error| Refusal::configuration(format!("the request cannot be made: {error}")))
}

/// A connection to the first of the addresses that takes one.
pub(super) async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Refusal> {
    let mut trouble = Refusal::connection("there is no address");
    for address in addresses {
        match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => trouble = Refusal::connection(format!("no connection to {address}: {error}")),
            Err(_) => {
                trouble =
                    Refusal::connection(format!("no connection to {address} within {} s", CONNECT.as_secs()));
            }
        }
    }
    Err(trouble)
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, Refusal>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |error: hyper::Error| Refusal::connection(causes(&error));
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(LARGEST_HEAD)
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let asked = async move {
        let response = sender.send_request(request).await.map_err(broken)?;
        Ok(read(response).await)
    };
    // The connection is driven here and ends with the answer: nothing of it outlives the attempt.
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

/// The status decides; the body is for the record, and neither its length nor its end is worth waiting for.
async fn read(response: Response<Incoming>) -> Answer {
    let (head, mut body) = response.into_parts();
    let status = head.status.as_u16();
    let retry_after =
        head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut bytes = BytesMut::new();
    let whole = async {
        while bytes.len() < LARGEST_ANSWER {
            let Some(Ok(frame)) = body.frame().await else { break };
            bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        }
    };
    let _stopped_in_time = tokio::time::timeout(BODY, whole).await;
    bytes.truncate(LARGEST_ANSWER);
    Answer { status, retry_after, body: String::from_utf8_lossy(&bytes).into_owned() }
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
